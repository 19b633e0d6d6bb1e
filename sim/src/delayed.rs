//! Replies that wait for their time.

use nix::sys::socket::SockaddrStorage;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Instant;

/// Beyond this many, further replies are dropped and counted.
const MOST: usize = 65_536;

/// Which socket of a candidate a reply leaves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// The one that the request came to.
    Own,
    /// The one that no request was sent to.
    Wrong,
}

/// A reply on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    /// Index of the candidate in its thread.
    pub candidate: usize,
    pub via: Via,
    pub to: SockaddrStorage,
    pub bytes: Vec<u8>,
}

/// Replies by the time at which they leave; of two with one time, the first goes first.
#[derive(Default)]
pub(crate) struct Delayed {
    heap: BinaryHeap<Reverse<Waiting>>,
    count: u64,
}

struct Waiting {
    due: Instant,
    order: u64,
    parcel: Parcel,
}

impl Delayed {
    /// Whether there was room.
    pub fn push(&mut self, due: Instant, parcel: Parcel) -> bool {
        if self.heap.len() >= MOST {
            return false;
        }
        self.count += 1;
        self.heap.push(Reverse(Waiting { due, order: self.count, parcel }));
        true
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(first)| first.due)
    }

    /// The next reply whose time has come.
    pub fn pop(&mut self, now: Instant) -> Option<Parcel> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(first)| first.parcel)
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}
