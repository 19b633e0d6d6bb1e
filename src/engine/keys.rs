//! The keys of a client during a rotation. Daemons read `hmac.key` at their start only, so after a change both keys
//! are alive in one cluster for a while: new requests are signed with the new one, and retries of a query alternate
//! until a peer has answered under the new one.

use std::sync::Arc;

use crate::engine::book::{Book, PeerId};
use crate::engine::{Micros, SECOND};
use crate::wire::key::Key;

/// How long an old key is kept at the most.
const KEPT_FOR: Micros = 600 * SECOND;

#[derive(Debug)]
pub(super) struct Keys {
    current: Arc<Key>,
    /// Counts the changes, so that a peer is known to have come along with the last one.
    epoch: u32,
    previous: Option<Previous>,
}

#[derive(Debug)]
struct Previous {
    key: Arc<Key>,
    until: Micros,
}

impl Keys {
    pub(super) fn new(key: Key) -> Self {
        Keys { current: Arc::new(key), epoch: 0, previous: None }
    }

    pub(super) fn current(&self) -> &Arc<Key> {
        &self.current
    }

    /// A number of the current key; that of the one before it is one less.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Takes up a new key; false if it is the one that is in use.
    pub(super) fn replace(&mut self, now: Micros, key: Key) -> bool {
        if key.is_same(&self.current) {
            return false;
        }
        let key = std::mem::replace(&mut self.current, Arc::new(key));
        self.previous = Some(Previous { key, until: now.saturating_add(KEPT_FOR) });
        self.epoch = self.epoch.wrapping_add(1);
        true
    }

    /// The key before the last change, while it is held.
    pub(super) fn previous(&self) -> Option<&Arc<Key>> {
        self.previous.as_ref().map(|previous| &previous.key)
    }

    /// The key before the last change, while it is of use for this peer.
    pub(super) fn previous_for(&self, peer: PeerId, book: &Book) -> Option<&Arc<Key>> {
        let moved = book.get(peer).is_some_and(|entry| entry.key_epoch == self.epoch);
        self.previous().filter(|_| !moved)
    }

    /// A peer has answered under the current key. Wipes the old one when all `peers` have come along.
    pub(super) fn note_answer(&mut self, peer: PeerId, peers: &[PeerId], book: &mut Book) {
        if let Some(entry) = book.get_mut(peer) {
            entry.key_epoch = self.epoch;
        }
        if self.previous.is_some() {
            let moved = |peer: &PeerId| book.get(*peer).is_some_and(|entry| entry.key_epoch == self.epoch);
            if peers.iter().all(moved) {
                self.previous = None;
            }
        }
    }

    /// When the old key is to go at the latest.
    pub(super) fn deadline(&self) -> Option<Micros> {
        self.previous.as_ref().map(|previous| previous.until)
    }

    /// Wipes the old key when its time is over.
    pub(super) fn forget_old(&mut self, now: Micros) {
        if self.previous.as_ref().is_some_and(|previous| previous.until <= now) {
            self.previous = None;
        }
    }

    /// Whether two keys are held.
    pub(super) fn rotates(&self) -> bool {
        self.previous.is_some()
    }
}
