//! The outstanding requests: found by salt in constant time, and in the order of their deadlines.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::Micros;
use crate::engine::contacts::Contacts;
use crate::engine::query::Query;
use crate::engine::verdict::Verdict;
use crate::wire::key::Key;
use crate::wire::request::Request;
use crate::wire::salt::{Salt, uuid_bits};

/// One outstanding request.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) request: Request,
    /// What the program attached to the request.
    pub(super) token: usize,
    /// The key that signed it, and that its replies are verified with.
    pub(super) key: Arc<Key>,
    /// When it was accepted.
    pub(super) accepted: Micros,
    /// When the last of its datagrams left.
    pub(super) sent_at: Micros,
    /// When it expires; of a query, when something is to be done about it.
    pub(super) deadline: Micros,
    /// What it is besides, where it is a query.
    pub(super) query: Option<Box<Query>>,
    pub(super) contacts: Contacts,
    /// Distinct contacted peers that have answered.
    pub(super) received: u32,
    /// Those of them whose upcall has returned, or needed none.
    pub(super) settled: u32,
    /// Datagrams that wait to be sent.
    pub(super) unsent: u32,
    /// The batches of the queue that those which wait are in.
    pub(super) batches: u32,
    /// Datagrams that could not be sent.
    pub(super) failed: u32,
    pub(super) verdict: Verdict,
    /// Addresses that were not asked and whose replies were delivered.
    #[expect(clippy::box_collection, reason = "most requests have none, and there may be a million of them")]
    pub(super) foreign: Option<Box<Vec<SocketAddr>>>,
}

/// The name of an outstanding request, which no other ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id {
    slot: u32,
    generation: u32,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    held: Option<Outstanding>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_salt: HashMap<u128, u32, BuildHasherDefault<FoldHasher>>,
    deadlines: BTreeSet<(Micros, u32)>,
    unanswered: usize,
}

impl Table {
    /// Enters a request; `None` if one with its salt is there.
    pub(super) fn insert(&mut self, request: Outstanding) -> Option<Id> {
        let MapEntry::Vacant(vacant) = self.by_salt.entry(bits_of(request.request.salt())) else {
            return None;
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, held: None });
            (self.slots.len() - 1) as u32
        });
        vacant.insert(slot);
        self.deadlines.insert((request.deadline, slot));
        self.unanswered += 1;
        let place = &mut self.slots[slot as usize];
        place.held = Some(request);
        Some(Id { slot, generation: place.generation })
    }

    pub(super) fn find(&self, salt: &str) -> Option<Id> {
        self.find_by(salt.as_bytes(), uuid_bits(salt))
    }

    /// The same for a salt whose bits are known, where it is a UUID.
    pub(super) fn find_by(&self, salt: &[u8], uuid: Option<u128>) -> Option<Id> {
        let slot = *self.by_salt.get(&uuid.unwrap_or_else(|| text_bits(salt)))?;
        let place = &self.slots[slot as usize];
        // A UUID is its bits. Two other texts could share theirs, or have those of a UUID; the text decides.
        let same = place.held.as_ref().map(|held| held.request.salt()).is_some_and(|held| match uuid {
            Some(_) => held.uuid_bits() == uuid,
            None => held.as_bytes() == salt,
        });
        same.then_some(Id { slot, generation: place.generation })
    }

    pub(super) fn get(&self, id: Id) -> Option<&Outstanding> {
        let place = self.slots.get(id.slot as usize)?;
        place.held.as_ref().filter(|_| place.generation == id.generation)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Outstanding> {
        let place = self.slots.get_mut(id.slot as usize)?;
        place.held.as_mut().filter(|_| place.generation == id.generation)
    }

    /// Takes a request out of every index at once: whoever is told of it later cannot reach it here.
    pub(super) fn remove(&mut self, id: Id) -> Option<Outstanding> {
        self.get(id)?;
        let place = &mut self.slots[id.slot as usize];
        let request = place.held.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(id.slot);
        self.by_salt.remove(&bits_of(request.request.salt()));
        self.deadlines.remove(&(request.deadline, id.slot));
        self.unanswered -= usize::from(request.received == 0);
        Some(request)
    }

    pub(super) fn set_deadline(&mut self, id: Id, deadline: Micros) {
        let Some(request) = self.get_mut(id) else { return };
        let before = std::mem::replace(&mut request.deadline, deadline);
        self.deadlines.remove(&(before, id.slot));
        self.deadlines.insert((deadline, id.slot));
    }

    /// Counts a contacted peer's first answer.
    pub(super) fn count_answer(&mut self, id: Id) {
        let Some(request) = self.get_mut(id) else { return };
        request.received += 1;
        if request.received == 1 {
            self.unanswered -= 1;
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Micros> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// The request with the earliest deadline, whichever it is.
    pub(super) fn first(&self) -> Option<Id> {
        self.deadlines.first().map(|&(_, slot)| Id { slot, generation: self.slots[slot as usize].generation })
    }

    pub(super) fn len(&self) -> usize {
        self.by_salt.len()
    }

    /// Requests that nobody has answered.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Requests as each index has them: by salt, by deadline, by place.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        let held = self.slots.iter().filter(|slot| slot.held.is_some()).count();
        assert_eq!(held + self.free.len(), self.slots.len());
        [self.by_salt.len(), self.deadlines.len(), held]
    }

    /// Places for requests, the empty ones included.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.slots.len()
    }
}

/// 128 bits for a salt: those of a UUID, for any other text a hash.
pub(super) fn bits_of(salt: &Salt) -> u128 {
    salt.uuid_bits().unwrap_or_else(|| text_bits(salt.as_bytes()))
}

pub(super) fn text_bits(salt: &[u8]) -> u128 {
    let half = |seed: u8| {
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        hasher.write_u8(seed);
        hasher.write(salt);
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}

/// Folds salts, which are random. A stranger who sends made-up salts only looks them up and enters none.
#[derive(Default)]
pub(super) struct FoldHasher(u64);

impl Hasher for FoldHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0.rotate_left(8) ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_u128(&mut self, bits: u128) {
        self.0 = (bits as u64 ^ (bits >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
