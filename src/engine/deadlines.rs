//! Deadlines in their order. Most come as they are made, each a fixed time from now, and so in order already: they
//! stand in lists, one for each such time, where entering and leaving cost the same however many there are. The rest
//! is in a heap whose members know where they are in it, so that each can leave.

use crate::engine::Micros;

/// As many different times from now are kept in lists.
const LISTS: usize = 4;
const NONE: u32 = u32::MAX;
const IN_HEAP: u32 = NONE - 1;

/// The deadlines of places that are numbered from 0 on.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    links: Vec<Link>,
    lists: [List; LISTS],
    /// Places, none before the one at half its position.
    heap: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    deadline: Micros,
    /// The place before this one in its list, or none; or its position in the heap.
    before: u32,
    /// The place behind it, or none; or that it is in the heap.
    behind: u32,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        List { first: NONE, last: NONE }
    }
}

impl Deadlines {
    /// Enters the deadline of a place that has none.
    pub(super) fn insert(&mut self, place: u32, deadline: Micros) {
        let index = place as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, Link { deadline: 0, before: NONE, behind: NONE });
        }
        // The list that ends closest before it, so that each goes on with what it began with.
        let fits =
            |list: &&mut List| list.last == NONE || self.links[list.last as usize].deadline <= deadline;
        let end = |list: &&mut List| self.links.get(list.last as usize).map(|last| last.deadline);
        let Some(list) = self.lists.iter_mut().filter(fits).max_by_key(end) else {
            self.links[index] = Link { deadline, before: NONE, behind: IN_HEAP };
            self.heap.push(place);
            self.settle(self.heap.len() - 1, place);
            return;
        };
        self.links[index] = Link { deadline, before: list.last, behind: NONE };
        match self.links.get_mut(list.last as usize) {
            Some(last) => last.behind = place,
            None => list.first = place,
        }
        list.last = place;
    }

    /// Takes out the deadline of a place that has one.
    pub(super) fn remove(&mut self, place: u32) {
        let Link { before, behind, .. } = self.links[place as usize];
        if behind == IN_HEAP {
            // The last one takes its position, and goes where it belongs from there.
            if let Some(last) = self.heap.pop().filter(|&last| last != place) {
                self.settle(before as usize, last);
            }
            return;
        }
        match self.links.get_mut(before as usize) {
            Some(link) => link.behind = behind,
            None => self.list_by(|list| list.first == place).first = behind,
        }
        match self.links.get_mut(behind as usize) {
            Some(link) => link.before = before,
            None => self.list_by(|list| list.last == place).last = before,
        }
    }

    /// The deadline of a place that has one.
    pub(super) fn get(&self, place: u32) -> Micros {
        self.links[place as usize].deadline
    }

    /// The earliest deadline, and whose it is.
    pub(super) fn first(&self) -> Option<(Micros, u32)> {
        let lists = self.lists.iter().map(|list| list.first).filter(|&first| first != NONE);
        let firsts = lists.map(|first| self.key(first));
        let in_heap = self.heap.first().map(|&place| self.key(place));
        firsts.chain(in_heap).min()
    }

    /// Puts a place into the heap, whose position `at` is free: as far up or down from there as it has to go.
    fn settle(&mut self, mut at: usize, place: u32) {
        let key = self.key(place);
        while at > 0 && self.key(self.heap[(at - 1) / 2]) > key {
            self.put(at, self.heap[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        loop {
            let below = 2 * at + 1..self.heap.len().min(2 * at + 3);
            let Some(least) = below.min_by_key(|&below| self.key(self.heap[below])) else { break };
            if self.key(self.heap[least]) > key {
                break;
            }
            self.put(at, self.heap[least]);
            at = least;
        }
        self.put(at, place);
    }

    fn put(&mut self, at: usize, place: u32) {
        self.heap[at] = place;
        self.links[place as usize].before = at as u32;
    }

    fn key(&self, place: u32) -> (Micros, u32) {
        (self.get(place), place)
    }

    fn list_by(&mut self, is_it: impl Fn(&List) -> bool) -> &mut List {
        let index = self.lists.iter().position(is_it).unwrap_or_default();
        &mut self.lists[index]
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let following = |&place: &u32| Some(self.links[place as usize].behind).filter(|&next| next != NONE);
        let firsts = self.lists.iter().map(|list| list.first).filter(|&first| first != NONE);
        firsts.map(|first| std::iter::successors(Some(first), following).count()).sum::<usize>()
            + self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn the_first_is_always_the_earliest() {
        for seed in 0..200 {
            let mut random = SmallRng::seed_from_u64(seed);
            let (mut deadlines, mut plain) = (Deadlines::default(), BTreeSet::new());
            let mut free: Vec<u32> = (0..50).collect();
            for now in 0..2_000 {
                if !free.is_empty() && random.random_range(0..2) == 0 {
                    let place = free.swap_remove(random.random_range(0..free.len()));
                    let from_now = match random.random_range(0..8) {
                        0 => random.random_range(0..1_000),
                        1 => Micros::MAX / 2,
                        kind => [10, 500, 30][kind % 3],
                    };
                    deadlines.insert(place, now + from_now);
                    plain.insert((now + from_now, place));
                } else if let Some(&(deadline, place)) =
                    plain.iter().nth(random.random_range(0..=plain.len()))
                {
                    assert_eq!(deadlines.get(place), deadline);
                    deadlines.remove(place);
                    plain.remove(&(deadline, place));
                    free.push(place);
                }
                let first = deadlines.first().map(|(deadline, _)| deadline);
                assert_eq!(first, plain.first().map(|&(deadline, _)| deadline), "seed {seed}");
                assert_eq!(deadlines.len(), plain.len());
            }
        }
    }

    #[test]
    fn what_is_in_the_heap_is_in_its_order_and_knows_where() {
        let mut random = SmallRng::seed_from_u64(7);
        let mut deadlines = Deadlines::default();
        let mut held = Vec::new();
        for place in 0..2_000 {
            deadlines.insert(place, random.random_range(0..1_000));
            held.push(place);
            if random.random_range(0..3) == 0 {
                deadlines.remove(held.swap_remove(random.random_range(0..held.len())));
            }
            for (at, &place) in deadlines.heap.iter().enumerate() {
                assert_eq!(deadlines.links[place as usize].before as usize, at);
                assert!(at == 0 || deadlines.key(deadlines.heap[(at - 1) / 2]) < deadlines.key(place));
            }
        }
        assert!(deadlines.heap.len() > 1_000);
        let mut order: Vec<_> = held.iter().map(|&place| deadlines.key(place)).collect();
        order.sort_unstable();
        for key in order {
            assert_eq!(deadlines.first(), Some(key));
            deadlines.remove(key.1);
        }
        assert_eq!((deadlines.first(), deadlines.heap.len()), (None, 0));
    }

    #[test]
    fn a_few_fixed_times_from_now_need_no_heap() {
        let mut deadlines = Deadlines::default();
        for now in 0..1_000u32 {
            let from_now = [10_000_000, 1_000_000, 100, Micros::MAX / 2][now as usize % 4];
            deadlines.insert(now, Micros::from(now) + from_now);
        }
        assert!(deadlines.heap.is_empty());
        assert_eq!(deadlines.len(), 1_000);
    }
}
