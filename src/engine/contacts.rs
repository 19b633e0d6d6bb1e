//! Whom a request was sent to, and who of them has answered. Six, the usual coverage, fit without an allocation.

use crate::engine::book::PeerId;

const FEW: usize = 6;
const ANSWERED: u32 = 1 << 31;

/// A set of peers with a mark on each.
#[derive(Clone, Debug)]
pub(super) enum Contacts {
    Few(u8, [u32; FEW]),
    /// Sorted by peer.
    Many(Vec<u32>),
}

impl Contacts {
    /// The set of these peers, none of which has answered. They are distinct.
    pub(super) fn new(peers: &[PeerId]) -> Self {
        if peers.len() <= FEW {
            let mut few = [0; FEW];
            few[..peers.len()].copy_from_slice(peers);
            return Contacts::Few(peers.len() as u8, few);
        }
        let mut many = peers.to_vec();
        many.sort_unstable();
        Contacts::Many(many)
    }

    pub(super) fn len(&self) -> usize {
        self.marks().len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.marks().iter().map(|mark| mark & !ANSWERED)
    }

    /// Where a peer stands in the set; `None` if the request was not sent to it.
    pub(super) fn position(&self, peer: PeerId) -> Option<usize> {
        match self {
            Contacts::Few(..) => self.iter().position(|other| other == peer),
            Contacts::Many(many) => many.binary_search_by_key(&peer, |mark| mark & !ANSWERED).ok(),
        }
    }

    pub(super) fn has_answered(&self, position: usize) -> bool {
        self.marks()[position] & ANSWERED != 0
    }

    pub(super) fn mark_answered(&mut self, position: usize) {
        match self {
            Contacts::Few(_, few) => few[position] |= ANSWERED,
            Contacts::Many(many) => many[position] |= ANSWERED,
        }
    }

    fn marks(&self) -> &[u32] {
        match self {
            Contacts::Few(len, few) => &few[..usize::from(*len)],
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
            (kept.sort_unstable(), wanted.sort_unstable());
            assert_eq!(kept, wanted);
        }
    }
}
