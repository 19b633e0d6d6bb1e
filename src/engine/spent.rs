//! Salts that have served. A late reply to an earlier round carries the round's salt, so a salt serves once, even
//! after its request has ended.
//!
//! A request remembers that its own salt is spent, which covers fresh ones. A salt that a program chose, or copied
//! from another request, can come back on a new request, so the client remembers it, too: the last 65,536 given
//! ones and the last 8,192 fresh ones, in eight bytes each, which bounds the memory of a program that asks for
//! years.

use std::collections::VecDeque;

use crate::engine::index::Index;
use crate::engine::register::hash_of;
use crate::engine::table::bits_of;
use crate::wire::request::Request;

const GIVEN: usize = 65_536;
const FRESH: usize = 8_192;

#[derive(Debug, Default)]
pub(super) struct Spent {
    given: Given,
    fresh: VecDeque<u64>,
}

impl Spent {
    /// Remembers the salt of a request that has ended.
    pub(super) fn remember(&mut self, request: &Request) {
        let mark = mark(request);
        if !request.salt_was_given() {
            if self.fresh.len() == FRESH {
                self.fresh.pop_front();
            }
            self.fresh.push_back(mark);
        } else if !self.given.contains(mark) {
            self.given.push(mark);
        }
    }

    /// Whether the request's salt has served before, as far as is remembered.
    pub(super) fn contains(&self, request: &Request) -> bool {
        // A request knows whether a fresh salt left with itself. With another one it can have left as a given one.
        if self.given.marks.is_empty() && !request.salt_was_given() {
            return false;
        }
        let mark = mark(request);
        self.given.contains(mark) || (request.salt_was_given() && self.fresh.contains(&mark))
    }
}

/// Marks in the order in which they came, and where each is.
#[derive(Debug, Default)]
struct Given {
    marks: VecDeque<u64>,
    /// Marks that came before the first of them, and are gone.
    gone: u32,
    /// By numbers that count on from one to the next, and at [`NUMBERS`] from 0 again.
    index: Index,
}

/// Many times as many as there are marks.
const NUMBERS: u32 = 1 << 24;

impl Given {
    fn contains(&self, mark: u64) -> bool {
        let is_it = |number: u32| {
            let place = number.wrapping_sub(self.gone) % NUMBERS;
            self.marks.get(place as usize) == Some(&mark)
        };
        self.index.find(hash_of(&mark), is_it).is_some()
    }

    fn push(&mut self, mark: u64) {
        if self.marks.len() == GIVEN {
            if let Some(oldest) = self.marks.pop_front() {
                self.index.remove(hash_of(&oldest), self.gone);
                self.gone = (self.gone + 1) % NUMBERS;
            }
        }
        self.index.insert(hash_of(&mark), (self.gone + self.marks.len() as u32) % NUMBERS);
        self.marks.push_back(mark);
    }
}

fn mark(request: &Request) -> u64 {
    let bits = bits_of(request.salt());
    (bits as u64).rotate_left(32) ^ (bits >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::query::{Query, RequestType};
    use crate::wire::salt::Salt;

    fn fresh(number: u64) -> Request {
        let mut bytes = [7; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        Request::new(RequestType::Ping, Query::NONE, Salt::from_random(bytes))
    }

    fn given(salt: &str) -> Request {
        let mut request = fresh(0);
        request.set_salt(Salt::from_text(salt).unwrap());
        request
    }

    #[test]
    fn a_salt_is_known_again_wherever_it_came_from() {
        let mut spent = Spent::default();
        assert!(!spent.contains(&given("a")));
        spent.remember(&given("a"));
        spent.remember(&fresh(1));
        assert!(spent.contains(&given("a")) && !spent.contains(&given("b")));
        assert!(spent.contains(&given(fresh(1).salt().as_str())), "a fresh one, copied");
    }

    #[test]
    fn a_salt_is_known_by_itself_whether_it_was_given_or_fresh() {
        let copied = given(fresh(1).salt().as_str());
        let mut spent = Spent::default();
        spent.remember(&fresh(1));
        assert!(spent.contains(&copied), "given, after it was fresh");
        assert!(!spent.contains(&fresh(1)), "a request knows that of itself");
        let mut spent = Spent::default();
        spent.remember(&copied);
        assert!(spent.contains(&fresh(1)) && !spent.contains(&fresh(2)), "fresh, after it was given");
    }

    #[test]
    fn salts_that_differ_in_one_bit_are_two() {
        let salt = |bytes| Salt::from_random(bytes).as_str().to_owned();
        for byte in [0, 0xff] {
            let mut spent = Spent::default();
            spent.remember(&given(&salt([byte; 16])));
            for bit in 0..128 {
                let mut bytes = [byte; 16];
                bytes[bit / 8] ^= 1 << (bit % 8);
                let is_same = salt(bytes) == salt([byte; 16]);
                assert_eq!(spent.contains(&given(&salt(bytes))), is_same, "bit {bit}");
            }
        }
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut spent = Spent::default();
        for number in 0..=GIVEN {
            spent.remember(&given(&number.to_string()));
            spent.remember(&given(&number.to_string()));
            spent.remember(&fresh(number as u64));
        }
        let kept = &spent.given;
        assert_eq!((kept.index.len(), kept.marks.len(), spent.fresh.len()), (GIVEN, GIVEN, FRESH));
        assert!(!spent.contains(&given("0")) && spent.contains(&given("1")));
    }

    #[test]
    fn numbers_that_begin_again_name_what_they_named() {
        let most = GIVEN as u64;
        let mut given = Given { gone: NUMBERS - 9, ..Given::default() };
        for mark in 0..most + 20 {
            assert!(!given.contains(mark));
            given.push(mark);
            assert!(given.contains(mark) && given.contains(mark.saturating_sub(most - 1)));
        }
        assert_eq!((given.gone, given.marks.len(), given.index.len()), (11, GIVEN, GIVEN));
        assert!((0..most + 20).all(|mark| given.contains(mark) == (mark >= 20)));
    }

    #[test]
    fn salts_that_are_counted_up_are_all_over_the_place() {
        for step in [1u128, 1 << 32, 1 << 64, 1 << 96] {
            let mut places = std::collections::HashSet::new();
            for number in 0..1_000u128 {
                let salt = Salt::from_random((number * step).to_be_bytes());
                let mut request = fresh(0);
                request.set_salt(salt);
                places.insert(hash_of(&mark(&request)) % 1_024);
            }
            assert!(places.len() > 500, "{step:x}: {}", places.len());
        }
    }
}
