//! Datagrams that wait to be sent: one for each request, with the list of those it still goes to.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::engine::book::Book;
use crate::engine::contacts::Contacts;
use crate::engine::table::{Id, Table};

/// Buffers kept for the next datagrams: as many as one batch of the socket.
const SPARE: usize = 64;

#[derive(Debug)]
struct Batch {
    id: Id,
    datagram: Vec<u8>,
    to: Contacts,
    next: usize,
}

/// The queue. A request that ends leaves its datagram behind, which is passed over and cleared away.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    batches: VecDeque<Batch>,
    /// Datagrams that wait, those of ended requests not counted.
    waiting: usize,
    ended: usize,
    spare: Vec<Vec<u8>>,
}

/// The next datagram of the queue, taken from it.
pub(super) struct Taken {
    pub(super) id: Id,
    pub(super) peer: u32,
    /// Whether its batch has no more.
    pub(super) last: bool,
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

    pub(super) fn push(&mut self, id: Id, datagram: Vec<u8>, to: Contacts) {
        self.waiting += to.len();
        self.batches.push_back(Batch { id, datagram, to, next: 0 });
    }

    /// Says that a request has ended with so many datagrams unsent, in so many batches.
    pub(super) fn forget(&mut self, unsent: u32, batches: u32, table: &Table) {
        if batches == 0 {
            return;
        }
        self.waiting -= unsent as usize;
        self.ended += batches as usize;
        // What is left of ended requests stays fewer than the outstanding ones.
        if self.ended > 64 && self.ended > self.batches.len() / 2 {
            self.batches.retain(|batch| table.get(batch.id).is_some());
            self.ended = 0;
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The next datagrams and their destinations, in order.
    pub(super) fn peek<'a>(
        &'a self,
        table: &'a Table,
        book: &'a Book,
    ) -> impl Iterator<Item = (&'a [u8], SocketAddr)> + 'a {
        self.batches.iter().filter(|batch| table.get(batch.id).is_some()).flat_map(|batch| {
            let rest = batch.to.iter().skip(batch.next);
            rest.filter_map(|peer| Some((&*batch.datagram, book.get(peer)?.address)))
        })
    }

    /// Takes the first of what [`SendQueue::peek`] gives.
    pub(super) fn take(&mut self, table: &Table) -> Option<Taken> {
        loop {
            let batch = self.batches.front_mut()?;
            let alive = table.get(batch.id).is_some();
            let taken = batch.to.iter().nth(batch.next).filter(|_| alive);
            let id = batch.id;
            batch.next += 1;
            let last = batch.next >= batch.to.len();
            let done = !alive || last;
            let taken = taken.map(|peer| Taken { id, peer, last });
            if done {
                self.ended = self.ended.saturating_sub(usize::from(!alive));
                if let Some(batch) = self.batches.pop_front() {
                    self.recycle(batch.datagram);
                }
            }
            if let Some(taken) = taken {
                self.waiting -= 1;
                return Some(taken);
            }
        }
    }

    /// Datagrams held, those of ended requests included.
    #[cfg(test)]
    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    #[cfg(test)]
    pub(super) fn spare(&self) -> &[Vec<u8>] {
        &self.spare
    }
}
