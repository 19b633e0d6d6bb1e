//! Datagrams that wait to be sent: whom each is for, and the bytes, which those of one request share.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::engine::book::{Book, PeerId};
use crate::engine::contacts::Contacts;
use crate::engine::table::{Id, Table};

/// Buffers kept for the next datagrams: as many as one batch of the socket.
const SPARE: usize = 64;

/// How many of the next datagrams are brought into order at once: one batch of the socket.
const ARRANGED: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    id: Id,
    /// Where its bytes are.
    buffer: u32,
    peer: PeerId,
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// How many that wait have these bytes.
    uses: usize,
}

/// The queue. A request that ends leaves its datagrams behind, which are passed over and cleared away.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    items: VecDeque<Waiting>,
    buffers: Vec<Buffer>,
    free: Vec<u32>,
    /// How many of the items are of requests that have ended.
    ended: usize,
    /// How many of the first ones were brought into order and have not left.
    arranged: usize,
    spare: Vec<Vec<u8>>,
}

/// The next datagram of the queue, taken from it.
pub(super) struct Taken {
    pub(super) id: Id,
    pub(super) peer: PeerId,
}

impl SendQueue {
    /// An empty buffer to make a datagram in.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE && buffer.capacity() <= 1_024 {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    pub(super) fn push(&mut self, id: Id, datagram: Vec<u8>, to: &Contacts) {
        let buffer = self.free.pop().unwrap_or_else(|| {
            self.buffers.push(Buffer::default());
            (self.buffers.len() - 1) as u32
        });
        self.buffers[buffer as usize] = Buffer { bytes: datagram, uses: to.len() };
        self.items.extend(to.iter().map(|peer| Waiting { id, buffer, peer }));
    }

    /// Says that a request has ended with so many datagrams unsent.
    pub(super) fn forget(&mut self, unsent: u32, table: &Table) {
        self.ended += unsent as usize;
        // What is left of ended requests stays less than what waits.
        if self.ended > SPARE && self.ended > self.items.len() / 2 {
            let mut items = std::mem::take(&mut self.items);
            items.retain(|item| {
                let alive = table.get(item.id).is_some();
                if !alive {
                    self.release(item.buffer);
                }
                alive
            });
            self.items = items;
            self.ended = 0;
            self.arranged = 0;
            self.shrink();
        }
    }

    /// Datagrams that wait, those of ended requests not counted.
    pub(super) fn waiting(&self) -> usize {
        self.items.len() - self.ended
    }

    /// Brings those of the next datagrams together that are for one peer, each peer's in their order. Those that were
    /// brought together before leave first: else some could be put behind later ones again and again.
    pub(super) fn arrange(&mut self) {
        let (first, _) = self.items.as_mut_slices();
        let count = first.len().min(ARRANGED);
        let first = &mut first[self.arranged.min(count)..count];
        self.arranged = self.arranged.max(count);
        // What a batch holds is few, and mostly in runs of its order already.
        for end in 1..first.len() {
            let item = first[end];
            let at = first[..end].partition_point(|before| before.peer <= item.peer);
            first.copy_within(at..end, at + 1);
            first[at] = item;
        }
    }

    /// The next datagrams and their destinations, in order.
    pub(super) fn peek<'a>(
        &'a self,
        table: &'a Table,
        book: &'a Book,
    ) -> impl Iterator<Item = (&'a [u8], SocketAddr)> + 'a {
        let alive = self.items.iter().filter(|item| self.ended == 0 || table.get(item.id).is_some());
        alive.filter_map(|item| Some((&*self.buffers[item.buffer as usize].bytes, book.address(item.peer)?)))
    }

    /// Takes the first of what [`SendQueue::peek`] gives.
    pub(super) fn take(&mut self, table: &Table) -> Option<Taken> {
        loop {
            let Waiting { id, buffer, peer } = self.items.pop_front()?;
            self.arranged = self.arranged.saturating_sub(1);
            let alive = self.ended == 0 || table.get(id).is_some();
            self.release(buffer);
            if alive {
                self.shrink();
                return Some(Taken { id, peer });
            }
            self.ended -= 1;
        }
    }

    /// One fewer has these bytes.
    fn release(&mut self, buffer: u32) {
        let held = &mut self.buffers[buffer as usize];
        held.uses -= 1;
        if held.uses == 0 {
            let bytes = std::mem::take(&mut held.bytes);
            self.recycle(bytes);
            self.free.push(buffer);
        }
    }

    /// Gives back what a large burst has needed, when it is over.
    fn shrink(&mut self) {
        if self.items.is_empty() && self.buffers.len() > ARRANGED {
            (self.items, self.buffers, self.free) = Default::default();
        }
    }

    /// Datagrams held, those of ended requests included.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let used = self.buffers.iter().filter(|buffer| buffer.uses > 0).count();
        assert_eq!(used, self.buffers.len() - self.free.len());
        assert_eq!(self.items.len(), self.buffers.iter().map(|buffer| buffer.uses).sum::<usize>());
        used
    }

    /// Places for datagrams and for their bytes, the empty ones included.
    #[cfg(test)]
    pub(super) fn places(&self) -> (usize, usize) {
        (self.items.capacity(), self.buffers.len())
    }

    #[cfg(test)]
    pub(super) fn spare(&self) -> &[Vec<u8>] {
        &self.spare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_buffer_that_was_given_back_is_used_again_empty() {
        let mut queue = SendQueue::default();
        assert_eq!(queue.buffer().capacity(), 0);
        for (capacity, kept) in [(100, 100), (1_024, 1_024), (1_025, 0)] {
            let mut buffer = Vec::with_capacity(capacity);
            buffer.push(7);
            queue.recycle(buffer);
            let again = queue.buffer();
            assert_eq!((again.len(), again.capacity()), (0, kept));
        }
    }

    #[test]
    fn as_many_buffers_are_kept_as_a_batch_has() {
        let mut queue = SendQueue::default();
        for _ in 0..SPARE + 5 {
            queue.recycle(Vec::with_capacity(100));
        }
        assert_eq!(queue.spare().len(), SPARE);
        assert_eq!((0..SPARE + 5).filter(|_| queue.buffer().capacity() > 0).count(), SPARE);
    }
}
