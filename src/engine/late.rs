//! Queries that have ended while peers still owed an answer. Until the query's own deadline their answers are
//! credited to them, since a slow peer is not a silent one; nobody is told.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Weak};

use crate::engine::Micros;
use crate::engine::book::PeerId;
use crate::engine::contacts::Contacts;
use crate::engine::table::FoldHasher;
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
    pub(super) accepted: Micros,
    pub(super) sent_at: Micros,
    /// Peers that were asked later than the first ones, and when.
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
    by_salt: HashMap<u128, Remains, BuildHasherDefault<FoldHasher>>,
    by_time: BTreeSet<(Micros, u128)>,
}

impl Late {
    /// Remembers a query; gives what had to go for it.
    pub(super) fn insert(&mut self, salt: u128, remains: Remains) -> Option<Remains> {
        self.by_time.insert((remains.until, salt));
        self.by_salt.insert(salt, remains);
        if self.by_salt.len() > MOST { self.pop_first(Micros::MAX) } else { None }
    }

    pub(super) fn get_mut(&mut self, salt: u128) -> Option<&mut Remains> {
        self.by_salt.get_mut(&salt)
    }

    pub(super) fn remove(&mut self, salt: u128) -> Option<Remains> {
        let remains = self.by_salt.remove(&salt)?;
        self.by_time.remove(&(remains.until, salt));
        Some(remains)
    }

    /// Takes out the one whose time is over first, if that is by `now`.
    pub(super) fn pop_first(&mut self, now: Micros) -> Option<Remains> {
        let &(until, salt) = self.by_time.first()?;
        if until > now { None } else { self.remove(salt) }
    }

    /// When the time of the next one is over.
    pub(super) fn next(&self) -> Option<Micros> {
        self.by_time.first().map(|&(until, _)| until)
    }

    pub(super) fn len(&self) -> usize {
        self.by_salt.len()
    }
}
