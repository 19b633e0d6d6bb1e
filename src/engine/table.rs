//! The outstanding requests: found by salt in constant time, and in the order of their deadlines (of a query, when
//! something is to be done about it).

use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::Micros;
use crate::engine::contacts::Contacts;
use crate::engine::deadlines::Deadlines;
use crate::engine::index::Index;
use crate::engine::query::Query;
use crate::engine::verdict::Verdict;
use crate::wire::fingerprint::hash;
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
    /// When the first of its datagrams left; the end of time until then.
    pub(super) left_at: Micros,
    /// When the last of its datagrams left.
    pub(super) sent_at: Micros,
    /// What it is besides, where it is a query.
    pub(super) query: Option<Box<Query>>,
    pub(super) contacts: Contacts,
    /// Distinct contacted peers that have answered.
    pub(super) received: u32,
    /// Those of them whose upcall has returned, or needed none.
    pub(super) settled: u32,
    /// Datagrams that wait to be sent.
    pub(super) unsent: u32,
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
    by_salt: Index,
    deadlines: Deadlines,
    len: usize,
    unanswered: usize,
}

impl Table {
    /// Enters a request, whose salt none that is there has, until its deadline.
    pub(super) fn insert(&mut self, request: Outstanding, deadline: Micros) -> Id {
        let hash = hash_of(bits_of(request.request.salt()));
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, held: None });
            (self.slots.len() - 1) as u32
        });
        self.by_salt.insert(hash, slot);
        self.deadlines.insert(slot, deadline);
        self.len += 1;
        self.unanswered += 1;
        let place = &mut self.slots[slot as usize];
        place.held = Some(request);
        Id { slot, generation: place.generation }
    }

    pub(super) fn find(&self, salt: &str) -> Option<Id> {
        self.find_by(salt.as_bytes(), uuid_bits(salt.as_bytes()))
    }

    /// The same for a salt whose bits are known, where it is a UUID.
    pub(super) fn find_by(&self, salt: &[u8], uuid: Option<u128>) -> Option<Id> {
        let hash = hash_of(uuid.unwrap_or_else(|| text_bits(salt)));
        let slot = self.by_salt.find(hash, |slot| {
            let held = self.slots.get(slot as usize).and_then(|place| place.held.as_ref());
            // A UUID is its bits.
            held.map(|held| held.request.salt()).is_some_and(|held| match uuid {
                Some(_) => held.uuid_bits() == uuid,
                None => held.as_bytes() == salt,
            })
        })?;
        Some(Id { slot, generation: self.slots[slot as usize].generation })
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
        let request = self.get(id)?;
        let (hash, is_unanswered) = (hash_of(bits_of(request.request.salt())), request.received == 0);
        self.free.push(id.slot);
        self.by_salt.remove(hash, id.slot);
        self.deadlines.remove(id.slot);
        self.len -= 1;
        self.unanswered -= usize::from(is_unanswered);
        let place = &mut self.slots[id.slot as usize];
        place.generation = place.generation.wrapping_add(1);
        // Last, so that it is moved once.
        place.held.take()
    }

    pub(super) fn set_deadline(&mut self, id: Id, deadline: Micros) {
        if self.get(id).is_some() {
            self.deadlines.remove(id.slot);
            self.deadlines.insert(id.slot, deadline);
        }
    }

    /// Puts a deadline off.
    pub(super) fn extend(&mut self, id: Id, by: Micros) {
        if self.get(id).is_some() {
            self.set_deadline(id, self.deadlines.get(id.slot).saturating_add(by));
        }
    }

    /// The request, to which a contacted peer's first answer has come.
    pub(super) fn answered(&mut self, id: Id) -> Option<&mut Outstanding> {
        let place = self.slots.get_mut(id.slot as usize)?;
        let request = place.held.as_mut().filter(|_| place.generation == id.generation)?;
        self.unanswered -= usize::from(request.received == 0);
        request.received += 1;
        Some(request)
    }

    pub(super) fn next_deadline(&self) -> Option<Micros> {
        self.deadlines.first().map(|(deadline, _)| deadline)
    }

    /// The request with the earliest deadline, whichever it is.
    pub(super) fn first(&self) -> Option<Id> {
        self.deadlines.first().map(|(_, slot)| Id { slot, generation: self.slots[slot as usize].generation })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Requests that nobody has answered.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Requests as each index has them: by salt, by deadline, by place.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        let held = self.slots.iter().filter(|slot| slot.held.is_some()).count();
        assert_eq!((held + self.free.len(), held), (self.slots.len(), self.len));
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
    u128::from(hash(1, salt)) << 64 | u128::from(hash(2, salt))
}

fn fold(bits: u128) -> u64 {
    bits as u64 ^ (bits >> 64) as u64
}

/// What the table finds a salt by.
fn hash_of(bits: u128) -> u32 {
    let mut hasher = FoldHasher::default();
    hasher.write_u128(bits);
    hasher.finish() as u32
}

/// Folds salts, which are random, addresses and numbers of our own. A stranger who makes some up only looks them up and
/// enters none.
#[derive(Default)]
pub(super) struct FoldHasher(u64);

impl Hasher for FoldHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(8) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            self.write_u64(u64::from_le_bytes(eight));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn write_u128(&mut self, bits: u128) {
        self.write_u64(fold(bits));
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasherDefault;

    use super::*;
    use crate::wire::query::{Query, RequestType};

    fn outstanding(salt: &str) -> Outstanding {
        let mut request = Request::new(RequestType::Ping, Query::NONE, Salt::from_random([0; 16]));
        request.set_salt(Salt::from_text(salt).unwrap());
        Outstanding {
            request,
            token: 0,
            key: Arc::new(Key::new(b"k").unwrap()),
            left_at: 0,
            sent_at: 0,
            query: None,
            contacts: Contacts::new(&[]),
            received: 0,
            settled: 0,
            unsent: 0,
            failed: 0,
            verdict: Verdict::default(),
            foreign: None,
        }
    }

    #[test]
    fn salts_with_one_number_are_told_apart_and_leave_in_any_order() {
        let salts = [
            "00000000-0000-4000-8000-000000000001",
            "00000000-0000-4001-8000-000000000000",
            "00000000-0000-4002-8000-000000000003",
        ];
        let numbers = salts.map(|salt| fold(uuid_bits(salt.as_bytes()).unwrap()));
        assert_eq!(numbers, [0x8000_0000_0000_4001; 3]);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut table = Table::default();
            let ids = salts.map(|salt| table.insert(outstanding(salt), 7));
            let mut left = vec![0, 1, 2];
            for gone in order {
                assert_eq!(table.sizes(), [left.len(); 3]);
                assert!(left.iter().all(|&index| table.find(salts[index]) == Some(ids[index])));
                table.remove(ids[gone]).unwrap();
                left.retain(|&index| index != gone);
                assert_eq!(table.find(salts[gone]), None);
            }
        }
    }

    /// Whether each bit of these numbers is set in about half of them.
    fn is_even(numbers: &[u64]) -> bool {
        (0..u64::BITS).all(|bit| {
            let set = numbers.iter().filter(|number| *number >> bit & 1 == 1).count();
            (numbers.len() * 2 / 5..numbers.len() * 3 / 5).contains(&set)
        })
    }

    #[test]
    fn every_bit_of_a_salt_changes_its_number() {
        for bits in [0, u128::MAX, 0x0f8f_ad5b_d9cb_469f_a165_7086_7728_950e] {
            assert!((0..128).all(|bit| fold(bits ^ 1 << bit) != fold(bits)));
            assert!((0..128).all(|bit| hash_of(bits ^ 1 << bit) != hash_of(bits)));
        }
        let texts: Vec<u128> = (0..2_000).map(|number| text_bits(number.to_string().as_bytes())).collect();
        assert!(is_even(&texts.iter().map(|bits| *bits as u64).collect::<Vec<_>>()));
        assert!(is_even(&texts.iter().map(|bits| (*bits >> 64) as u64).collect::<Vec<_>>()));
    }

    #[test]
    fn every_bit_of_every_number_changes_a_hash() {
        let hash = |first: u64, second: u64| {
            let mut hasher = FoldHasher::default();
            hasher.write_u64(first);
            hasher.write_u64(second);
            hasher.finish()
        };
        for number in [0, 1, 1_814, u64::MAX] {
            for bit in 0..64 {
                assert_ne!(hash(number ^ 1 << bit, number), hash(number, number), "bit {bit} of the first");
                assert_ne!(hash(number, number ^ 1 << bit), hash(number, number), "bit {bit} of the second");
            }
        }
    }

    #[test]
    fn hashes_of_numbers_addresses_and_salts_are_all_over_the_place() {
        use std::hash::BuildHasher;
        let hash = BuildHasherDefault::<FoldHasher>::default();
        let numbers: Vec<u64> = (0..4_000u32).map(|number| hash.hash_one(number)).collect();
        let address = |host: u32| SocketAddr::from(([10, 0, (host / 250) as u8, (host % 250) as u8], 1814));
        let addresses: Vec<u64> = (0..4_000).map(|host| hash.hash_one(address(host))).collect();
        let salts: Vec<u64> =
            (0..4_000u32).map(|number| hash.hash_one(text_bits(&number.to_le_bytes()))).collect();
        for (what, hashes) in [("numbers", numbers), ("addresses", addresses), ("salts", salts)] {
            assert!(is_even(&hashes), "{what}");
            // A map takes its places from the lowest bits, and the highest seven to compare with.
            for shift in [0, 57] {
                let places: std::collections::HashSet<u64> =
                    hashes.iter().map(|hash| hash >> shift & 127).collect();
                assert_eq!(places.len(), 128, "{what}");
            }
            let distinct: std::collections::HashSet<u64> = hashes.iter().copied().collect();
            assert_eq!(distinct.len(), 4_000, "{what}");
        }
    }
}
