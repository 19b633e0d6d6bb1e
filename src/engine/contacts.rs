//! Whom a request was sent to, and what became of each. Six, the usual coverage, fit without an allocation.

use std::collections::BinaryHeap;

use crate::engine::book::PeerId;

const FEW: usize = 6;
const ANSWERED: u32 = 1;
const REFUSED: u32 = 2;
const AGAIN: u32 = 4;
/// The peer is above the marks, so that their order is that of the peers.
const MARKS: u32 = 3;

/// A set of peers with marks on each.
#[derive(Clone, Debug)]
pub(super) enum Contacts {
    Few(u8, [u32; FEW]),
    /// Sorted by peer.
    Many(Vec<u32>),
}

impl Contacts {
    /// The set of these peers, which are distinct and without marks.
    pub(super) fn new(peers: &[PeerId]) -> Self {
        Contacts::of(peers.iter().map(|peer| peer << MARKS), peers.len())
    }

    /// Adds peers that are not in the set; the others keep their marks.
    pub(super) fn add(&mut self, peers: &[PeerId]) {
        let before = self.marks();
        let all = before.iter().copied().chain(peers.iter().map(|peer| peer << MARKS));
        *self = Contacts::of(all, before.len() + peers.len());
    }

    fn of(marks: impl Iterator<Item = u32>, count: usize) -> Self {
        if count <= FEW {
            let mut few = [0; FEW];
            for (place, mark) in few.iter_mut().zip(marks) {
                *place = mark;
            }
            return Contacts::Few(count as u8, few);
        }
        // A heap's sort is a tenth of the code that a slice's has.
        Contacts::Many(marks.collect::<BinaryHeap<u32>>().into_sorted_vec())
    }

    pub(super) fn len(&self) -> usize {
        self.marks().len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.marks().iter().map(|mark| mark >> MARKS)
    }

    /// Those that have not answered.
    pub(super) fn silent(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.marks().iter().filter(|mark| *mark & ANSWERED == 0).map(|mark| mark >> MARKS)
    }

    /// Where a peer stands in the set; `None` if the request was not sent to it.
    #[inline]
    pub(super) fn position(&self, peer: PeerId) -> Option<usize> {
        match self {
            Contacts::Few(..) => self.iter().position(|other| other == peer),
            Contacts::Many(many) => many.binary_search_by_key(&peer, |mark| mark >> MARKS).ok(),
        }
    }

    #[inline]
    pub(super) fn has_answered(&self, position: usize) -> bool {
        self.marks()[position] & ANSWERED != 0
    }

    #[inline]
    pub(super) fn mark_answered(&mut self, position: usize) {
        self.marks_mut()[position] |= ANSWERED;
    }

    /// Whether it was asked more than once, so that nobody can tell which datagram an answer belongs to.
    #[inline(always)]
    pub(super) fn was_asked_again(&self, position: usize) -> bool {
        self.marks()[position] & AGAIN != 0
    }

    /// All that have not answered are asked again.
    pub(super) fn mark_silent_asked_again(&mut self) {
        for mark in self.marks_mut().iter_mut().filter(|mark| **mark & ANSWERED == 0) {
            *mark |= AGAIN;
        }
    }

    /// Marks one that refused; says whether that is news and matters, since it has not answered either.
    pub(super) fn mark_refused(&mut self, position: usize) -> bool {
        let mark = &mut self.marks_mut()[position];
        let news = *mark & (REFUSED | ANSWERED) == 0;
        *mark |= REFUSED;
        news
    }

    #[inline]
    fn marks(&self) -> &[u32] {
        match self {
            Contacts::Few(len, few) => &few[..usize::from(*len)],
            Contacts::Many(many) => many,
        }
    }

    #[inline]
    fn marks_mut(&mut self) -> &mut [u32] {
        match self {
            Contacts::Few(len, few) => &mut few[..usize::from(*len)],
            Contacts::Many(many) => many,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_changes_neither_the_set_nor_the_search() {
        for peers in [vec![9, 3, 5], (0..40).rev().collect()] {
            let mut contacts = Contacts::new(&peers);
            for &peer in &peers {
                let position = contacts.position(peer).unwrap();
                assert!(!contacts.has_answered(position));
                contacts.mark_answered(position);
                assert!(contacts.has_answered(position));
            }
            assert_eq!(contacts.len(), peers.len());
            assert_eq!(contacts.position(77), None);
            let mut kept: Vec<_> = contacts.iter().collect();
            let mut wanted = peers.clone();
            kept.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(kept, wanted);
        }
    }

    #[test]
    fn a_set_grows_past_its_first_room_and_keeps_its_marks() {
        let mut contacts = Contacts::new(&[9, 3, 5]);
        contacts.mark_answered(contacts.position(3).unwrap());
        contacts.mark_silent_asked_again();
        contacts.add(&[1, 2, 4]);
        contacts.add(&[70, 60]);
        assert_eq!(contacts.len(), 8);
        assert!(contacts.has_answered(contacts.position(3).unwrap()));
        assert!(!contacts.was_asked_again(contacts.position(3).unwrap()));
        assert!(contacts.was_asked_again(contacts.position(9).unwrap()));
        let mut silent: Vec<_> = contacts.silent().collect();
        silent.sort_unstable();
        assert_eq!(silent, [1, 2, 4, 5, 9, 60, 70]);
    }

    #[test]
    fn a_refusal_is_news_once_and_not_after_an_answer() {
        let mut contacts = Contacts::new(&[9, 3]);
        assert!(contacts.mark_refused(0) && !contacts.mark_refused(0));
        contacts.mark_answered(1);
        assert!(!contacts.mark_refused(1));
    }
}
