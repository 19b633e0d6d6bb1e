//! Things by their keys, each at a place whose number stays its own. Beside [`Index`] it needs hardly any code for
//! one more kind of thing, where each map of the standard library brings some two kilobytes of its own.

use std::hash::{BuildHasher, BuildHasherDefault, Hash};
use std::hint::black_box;

use crate::engine::index::Index;
use crate::engine::table::FoldHasher;

/// The keys are the client's own or the program's: a stranger only looks some up, and cannot make them share a place.
#[derive(Debug)]
pub(crate) struct Register<K, T> {
    places: Vec<Option<(K, T)>>,
    free: Vec<u32>,
    index: Index,
}

impl<K, T> Default for Register<K, T> {
    fn default() -> Self {
        Register { places: Vec::new(), free: Vec::new(), index: Index::default() }
    }
}

impl<K: Hash + Eq, T> Register<K, T> {
    /// Enters a thing and gives its place; `None` if there is one with this key, which stays.
    pub(crate) fn insert(&mut self, key: K, thing: T) -> Option<u32> {
        if self.place(&key).is_some() {
            return None;
        }
        let hash = hash_of(&key);
        let entry = Some((key, thing));
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = entry;
                place
            }
            None => {
                self.places.push(entry);
                (self.places.len() - 1) as u32
            }
        };
        self.index.insert(hash, place);
        Some(place)
    }

    /// Where the thing with this key is.
    #[inline(never)]
    pub(crate) fn place(&self, key: &K) -> Option<u32> {
        // What nobody can see through keeps the key out of the loop's hands, where it would be read as a whole, which waits
        // for it to be written as a whole.
        let is_it = |place| self.at(place).is_some_and(|(other, _)| other == black_box(key));
        self.index.find(hash_of(key), is_it)
    }

    /// The key and the thing at a place.
    pub(crate) fn at(&self, place: u32) -> Option<&(K, T)> {
        self.places.get(place as usize)?.as_ref()
    }

    /// The thing at a place.
    pub(crate) fn at_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(place as usize)?.as_mut().map(|(_, thing)| thing)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut T> {
        self.at_mut(self.place(key)?)
    }

    /// Takes out what is at a place, which then serves again.
    pub(crate) fn take(&mut self, place: u32) -> Option<(K, T)> {
        let (key, thing) = self.places.get_mut(place as usize)?.take()?;
        self.index.remove(hash_of(&key), place);
        self.free.push(place);
        Some((key, thing))
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<T> {
        self.take(self.place(key)?).map(|(_, thing)| thing)
    }

    /// All, by their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, T)> {
        self.places.iter().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

/// All of a key counts in every part of its hash.
pub(super) fn hash_of(key: &impl Hash) -> u32 {
    BuildHasherDefault::<FoldHasher>::default().hash_one(key) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn it_holds_what_a_map_holds() {
        for seed in 0..100 {
            let mut random = SmallRng::seed_from_u64(seed);
            let (mut register, mut plain) = (Register::default(), HashMap::new());
            for step in 0..2_000 {
                let key = random.random_range(0..64u64);
                match random.random_range(0..3) {
                    0 => {
                        let place = register.insert(key, step);
                        assert_eq!(place.is_some(), !plain.contains_key(&key));
                        if let Some(place) = place {
                            assert_eq!(register.at(place), Some(&(key, step)));
                            plain.insert(key, step);
                        }
                    }
                    1 => assert_eq!(register.remove(&key), plain.remove(&key)),
                    _ => assert_eq!(register.get_mut(&key), plain.get_mut(&key)),
                }
                assert_eq!((register.len(), register.iter().count()), (plain.len(), plain.len()));
                assert!(register.iter().all(|(key, step)| plain.get(key) == Some(step)));
                assert_eq!(register.index.len(), plain.len());
            }
        }
    }

    #[test]
    fn a_place_is_its_things_own_until_that_is_taken_out() {
        let mut register = Register::default();
        let [a, b] = ["a", "b"].map(|key| register.insert(key, key.len()).unwrap());
        assert_eq!(register.insert("a", 9), None, "it is there");
        *register.at_mut(b).unwrap() = 7;
        assert_eq!((register.take(a), register.take(a)), (Some(("a", 1)), None));
        assert_eq!((register.place(&"a"), register.at(a)), (None, None));
        assert_eq!(register.insert("c", 3), Some(a));
        assert_eq!(
            (register.at(a), register.at(b), register.at(9)),
            (Some(&("c", 3)), Some(&("b", 7)), None)
        );
    }
}
