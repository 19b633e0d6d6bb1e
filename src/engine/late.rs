//! Queries that have ended while peers still owed an answer. Until the query's own deadline their answers are
//! credited to them, since a slow peer is not a silent one; nobody is told.

use std::sync::{Arc, Weak};

use crate::engine::Micros;
use crate::engine::book::PeerId;
use crate::engine::contacts::Contacts;
use crate::engine::deadlines::Deadlines;
use crate::engine::register::Register;
use crate::wire::key::Key;
use crate::wire::query::RequestType;

/// How many such queries are remembered.
const MOST: usize = 16_384;

/// What remains of a query.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) kind: RequestType,
    pub(super) contacts: Contacts,
    /// The keys that signed it, which it does not keep from being wiped: the first, and others while keys changed.
    pub(super) key: Weak<Key>,
    pub(super) other_keys: Vec<Weak<Key>>,
    pub(super) left_at: Micros,
    pub(super) sent_at: Micros,
    /// Peers that were asked later than the first ones, and when what asked them left.
    pub(super) joined: Vec<(PeerId, Micros)>,
    pub(super) until: Micros,
}

impl Remains {
    /// The keys that are still there.
    pub(super) fn keys(&self) -> impl Iterator<Item = Arc<Key>> + '_ {
        std::iter::once(&self.key).chain(&self.other_keys).filter_map(Weak::upgrade)
    }
}

#[derive(Debug, Default)]
pub(super) struct Late {
    by_salt: Register<u128, Remains>,
    /// Of the places that the register has given them.
    by_time: Deadlines,
}

impl Late {
    /// Remembers a query; gives what had to go for it, which may be an earlier one of the same salt.
    pub(super) fn insert(&mut self, salt: u128, remains: Remains) -> Option<Remains> {
        let until = remains.until;
        let earlier = self.remove(salt);
        if let Some(place) = self.by_salt.insert(salt, remains) {
            self.by_time.insert(place, until);
        }
        if self.by_salt.len() > MOST { self.pop_first(Micros::MAX) } else { earlier }
    }

    pub(super) fn get_mut(&mut self, salt: u128) -> Option<&mut Remains> {
        self.by_salt.get_mut(&salt)
    }

    pub(super) fn remove(&mut self, salt: u128) -> Option<Remains> {
        self.take(self.by_salt.place(&salt)?)
    }

    /// Takes out the one whose time is over first, if that is by `now`.
    pub(super) fn pop_first(&mut self, now: Micros) -> Option<Remains> {
        let (until, place) = self.by_time.first()?;
        if until > now { None } else { self.take(place) }
    }

    fn take(&mut self, place: u32) -> Option<Remains> {
        self.by_time.remove(place);
        self.by_salt.take(place).map(|(_, remains)| remains)
    }

    /// When the time of the next one is over.
    pub(super) fn next(&self) -> Option<Micros> {
        // Asked at each turn, and mostly there is none.
        if self.len() == 0 {
            return None;
        }
        self.by_time.first().map(|(until, _)| until)
    }

    pub(super) fn len(&self) -> usize {
        self.by_salt.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remains(until: Micros, keys: &[&Arc<Key>]) -> Remains {
        Remains {
            kind: RequestType::Ping,
            contacts: Contacts::new(&[]),
            key: Arc::downgrade(keys[0]),
            other_keys: keys[1..].iter().map(|key| Arc::downgrade(key)).collect(),
            left_at: 0,
            sent_at: 0,
            joined: Vec::new(),
            until,
        }
    }

    fn key() -> Arc<Key> {
        Arc::new(Key::new(b"k").unwrap())
    }

    #[test]
    fn so_many_are_remembered_and_of_more_the_one_whose_time_is_over_first_goes() {
        let (mut late, key) = (Late::default(), key());
        let most = MOST as u128;
        for salt in 0..most {
            assert!(late.insert(salt, remains(1_000_000 - salt as Micros, &[&key])).is_none());
        }
        let gone = late.insert(most, remains(2_000_000, &[&key])).unwrap();
        assert_eq!((gone.until, late.len()), (1_000_001 - MOST as Micros, MOST));
        assert!(late.get_mut(most - 1).is_none() && late.get_mut(most).is_some());
        assert_eq!(late.next(), Some(1_000_002 - MOST as Micros));
    }

    #[test]
    fn they_go_when_their_time_is_over_and_not_before() {
        let (mut late, key) = (Late::default(), key());
        for (salt, until) in [(1, 30), (2, 10), (3, 20)] {
            late.insert(salt, remains(until, &[&key]));
        }
        assert_eq!(late.next(), Some(10));
        assert!(late.pop_first(9).is_none());
        assert_eq!(late.pop_first(10).unwrap().until, 10);
        assert_eq!(late.remove(3).unwrap().until, 20);
        assert!(late.remove(3).is_none() && late.get_mut(3).is_none());
        assert_eq!((late.next(), late.len()), (Some(30), 1));
        assert_eq!(late.pop_first(99).unwrap().until, 30);
        assert_eq!((late.next(), late.len()), (None, 0));
    }

    #[test]
    fn keys_that_are_gone_are_not_brought_back() {
        let (first, second, third) = (key(), key(), key());
        let remains = remains(0, &[&first, &second, &third]);
        let same = |keys: &[&Arc<Key>]| {
            let held: Vec<_> = remains.keys().collect();
            held.len() == keys.len() && held.iter().zip(keys).all(|(held, key)| Arc::ptr_eq(held, key))
        };
        assert!(same(&[&first, &second, &third]));
        drop(second);
        assert!(same(&[&first, &third]));
        drop(first);
        assert!(same(&[&third]));
    }
}
