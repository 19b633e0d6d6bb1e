//! Where the request with a given salt stands: numbers of slots, found by a hash of the salt. Hardly a look reads more
//! than one line of the cache, where a map of the standard library reads two at distant places. Of a million requests few
//! are in the cache, and each line then takes as long as a hundred steps of the processor do.

/// What fills a line of the cache.
const TOGETHER: usize = 8;

/// In place of a slot's number: there is none.
const NONE: u32 = u32::MAX;

/// Hashes and slots, in any order and with gaps.
#[repr(align(64))]
#[derive(Clone, Copy, Debug)]
struct Bucket {
    hashes: [u32; TOGETHER],
    slots: [u32; TOGETHER],
}

impl Bucket {
    const EMPTY: Bucket = Bucket { hashes: [0; TOGETHER], slots: [NONE; TOGETHER] };

    fn gap(&self) -> Option<usize> {
        self.slots.iter().position(|&slot| slot == NONE)
    }
}

/// Numbers of slots by hashes, of which many may be the same. Each stands in the bucket that its hash names, or, where
/// that one is full, behind it with none but full ones between.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// As many as a power of two, or none.
    buckets: Box<[Bucket]>,
    len: usize,
}

impl Index {
    /// The slot that was entered with this hash and is the one.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.home(hash);
        loop {
            let bucket = self.buckets.get(place)?;
            // Without a branch for each, which nobody could foretell.
            let mut same = 0u32;
            for (index, &other) in bucket.hashes.iter().enumerate() {
                same |= u32::from(other == hash) << index;
            }
            while same != 0 {
                let slot = bucket.slots[same.trailing_zeros() as usize % TOGETHER];
                if slot != NONE && is_it(slot) {
                    return Some(slot);
                }
                same &= same - 1;
            }
            if bucket.gap().is_some() {
                return None;
            }
            place = self.next(place);
        }
    }

    /// Enters a slot that is not in.
    pub(super) fn insert(&mut self, hash: u32, slot: u32) {
        if self.len >= self.buckets.len() * TOGETHER / 4 * 3 {
            self.grow();
        }
        self.put(hash, slot);
        self.len += 1;
    }

    /// Takes out a slot that was entered with this hash.
    pub(super) fn remove(&mut self, hash: u32, slot: u32) {
        let mut place = self.home(hash);
        let mut gap = loop {
            let Some(bucket) = self.buckets.get(place) else { return };
            match bucket.slots.iter().position(|&other| other == slot) {
                Some(index) => break index,
                None if bucket.gap().is_some() => return,
                None => place = self.next(place),
            }
        };
        self.len -= 1;
        // What the full bucket has sent on moves up. Some bucket has a gap, and that is the last.
        let mut behind = place;
        let mut passes = self.buckets[place].gap().is_none();
        self.buckets[place].slots[gap] = NONE;
        while passes {
            behind = self.next(behind);
            let bucket = self.buckets[behind];
            passes = bucket.gap().is_none();
            let moves = (0..TOGETHER).find(|&index| {
                let home = self.home(bucket.hashes[index]);
                bucket.slots[index] != NONE && self.distance(home, behind) >= self.distance(place, behind)
            });
            if let Some(index) = moves {
                self.buckets[place].hashes[gap] = bucket.hashes[index];
                self.buckets[place].slots[gap] = bucket.slots[index];
                self.buckets[behind].slots[index] = NONE;
                (place, gap) = (behind, index);
            }
        }
    }

    fn grow(&mut self) {
        let buckets = (self.buckets.len() * 2).max(1);
        let before = std::mem::replace(&mut self.buckets, vec![Bucket::EMPTY; buckets].into_boxed_slice());
        for bucket in &before {
            for (&hash, &slot) in bucket.hashes.iter().zip(&bucket.slots).filter(|(_, slot)| **slot != NONE) {
                self.put(hash, slot);
            }
        }
    }

    fn put(&mut self, hash: u32, slot: u32) {
        let mut place = self.home(hash);
        loop {
            let bucket = &mut self.buckets[place];
            if let Some(gap) = bucket.gap() {
                bucket.hashes[gap] = hash;
                bucket.slots[gap] = slot;
                return;
            }
            place = self.next(place);
        }
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & self.buckets.len().wrapping_sub(1)
    }

    fn next(&self, place: usize) -> usize {
        (place + 1) & (self.buckets.len() - 1)
    }

    /// How many buckets `to` is behind `from`.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.buckets.len() - 1)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let slots = self.buckets.iter().flat_map(|bucket| bucket.slots);
        assert_eq!(slots.filter(|&slot| slot != NONE).count(), self.len);
        self.len
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn nothing_is_found_in_an_empty_one() {
        assert_eq!(Index::default().find(0, |_| true), None);
        assert_eq!(Index::default().find(u32::MAX, |_| true), None);
    }

    #[test]
    fn whatever_is_entered_is_found_until_it_is_taken_out() {
        for seed in 0..200 {
            let mut random = SmallRng::seed_from_u64(seed);
            let (mut index, mut plain) = (Index::default(), HashMap::new());
            // From hashes that are all the same, over few, to all; around the end of the places, too.
            let most = [1, 2, 3, 7, 40, u32::MAX][seed as usize % 6];
            let hash = |random: &mut SmallRng| random.random_range(0..most).wrapping_sub(most / 2);
            for slot in 0..400 {
                if random.random_range(0..5) < 3 {
                    let hash = hash(&mut random);
                    index.insert(hash, slot);
                    plain.insert(slot, hash);
                } else if let Some(&slot) = plain.keys().min_by_key(|slot| (**slot ^ seed as u32) * 31 % 64) {
                    let hash = plain.remove(&slot).unwrap();
                    index.remove(hash, slot);
                    assert_eq!(index.find(hash, |found| found == slot), None);
                }
                assert_eq!(index.len(), plain.len());
                for (&slot, &hash) in &plain {
                    assert_eq!(index.find(hash, |found| found == slot), Some(slot), "seed {seed}");
                }
            }
            let found = |hash| index.find(hash, |_| true).is_some();
            assert!(
                (0..50u32)
                    .map(|hash| hash.wrapping_sub(25))
                    .all(|hash| { found(hash) == plain.values().any(|&other| other == hash) })
            );
        }
    }

    #[test]
    fn what_is_not_in_is_not_taken_out() {
        let mut index = Index::default();
        index.insert(5, 1);
        index.remove(5, 2);
        assert_eq!((index.len(), index.find(5, |slot| slot == 1)), (1, Some(1)));
    }

    #[test]
    fn there_are_never_more_places_than_are_needed() {
        let mut index = Index::default();
        for slot in 0..100_000 {
            index.insert(slot * 40_503, slot);
            let places = index.buckets.len() * TOGETHER;
            assert!(index.len <= places / 4 * 3 && places <= (8 * index.len.div_ceil(3)).max(TOGETHER));
            if slot % 3 > 0 {
                index.remove(slot * 40_503, slot);
            }
        }
        assert_eq!((index.len(), index.buckets.len()), (33_334, 8_192));
    }
}
