//! The address book: every address that matters now, under a small number, with what is known of the daemon
//! there. An address is in it while it is a peer or while an outstanding request was sent to it, so replies to
//! what was sent before a change of peers still count.

use std::ffi::CStr;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::peers::Peer;
use crate::engine::register::Register;
use crate::engine::{Micros, SECOND};

/// The number of an address in the book. It fits 29 bits.
pub(super) type PeerId = u32;

/// A peer that has not answered for this long, and for four of its round trips, is taken to be silent.
const PATIENCE: Micros = 50_000;

/// A peer that refused or was silent is asked again after this long.
const PROBE_AFTER: Micros = 5 * SECOND;

/// What is known of an address.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) text: Arc<CStr>,
    pub(super) label: Arc<CStr>,
    uses: u32,
    /// How far the daemon is known to have come with a change of keys.
    pub(super) key_epoch: u32,
    pub(super) sent: u64,
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) rtt: Micros,
    pub(super) rtt_last: Micros,
    pub(super) serial: i64,
    pub(super) last_sent: Micros,
    /// When the oldest datagram left that was not followed by an answer.
    waiting_since: Option<Micros>,
    has_refused: bool,
}

impl Entry {
    /// Something was sent there.
    pub(super) fn note_sent(&mut self, now: Micros) {
        self.sent += 1;
        self.last_sent = now;
        self.waiting_since.get_or_insert(now);
    }

    /// It answered; `rtt` is how long that took, where it is known which datagram it answered.
    pub(super) fn note_answer(&mut self, rtt: Option<Micros>) {
        self.answered += 1;
        self.waiting_since = None;
        self.has_refused = false;
        if let Some(rtt) = rtt {
            // Smoothed as TCP does (RFC 6298).
            self.rtt = if self.rtt_last == 0 { rtt } else { self.rtt - self.rtt / 8 + rtt / 8 };
            self.rtt_last = rtt.max(1);
        }
    }

    /// Its host says that nothing listens there.
    pub(super) fn note_refusal(&mut self) {
        self.refused += 1;
        self.has_refused = true;
    }

    /// Whether it recently refused or stayed silent, so that others are asked before it.
    pub(super) fn is_doubtful(&self, now: Micros) -> bool {
        let patience = PATIENCE.max(4 * self.rtt);
        self.has_refused || self.waiting_since.is_some_and(|since| now.saturating_sub(since) > patience)
    }

    /// Whether it is time to find out if it is back.
    pub(super) fn is_due(&self, now: Micros) -> bool {
        now.saturating_sub(self.last_sent) >= PROBE_AFTER
    }
}

#[derive(Debug, Default)]
pub(super) struct Book(Register<SocketAddr, Entry>);

impl Book {
    /// Enters an address, or finds it, and counts one use of it. It is shown as it was written last.
    pub(super) fn hold(&mut self, peer: &Peer) -> PeerId {
        if let Some(id) = self.find(&peer.address) {
            if let Some(entry) = self.get_mut(id) {
                entry.uses += 1;
                (entry.text, entry.label) = (peer.text.clone(), peer.label.clone());
            }
            return id;
        }
        let entry = Entry {
            text: peer.text.clone(),
            label: peer.label.clone(),
            uses: 1,
            key_epoch: 0,
            sent: 0,
            answered: 0,
            refused: 0,
            rtt: 0,
            rtt_last: 0,
            serial: 0,
            last_sent: 0,
            waiting_since: None,
            has_refused: false,
        };
        // It was not found, so it has a place of its own.
        self.0.insert(peer.address, entry).unwrap_or_default()
    }

    /// Counts one more use of an address that is in the book.
    pub(super) fn retain(&mut self, id: PeerId) {
        if let Some(entry) = self.get_mut(id) {
            entry.uses += 1;
        }
    }

    /// Takes one use back; the last one takes the address out.
    pub(super) fn release(&mut self, id: PeerId) {
        let Some(entry) = self.get_mut(id) else { return };
        entry.uses -= 1;
        if entry.uses == 0 {
            self.0.take(id);
        }
    }

    #[inline]
    pub(super) fn find(&self, address: &SocketAddr) -> Option<PeerId> {
        self.0.place(address)
    }

    pub(super) fn address(&self, id: PeerId) -> Option<SocketAddr> {
        self.0.at(id).map(|(address, _)| *address)
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Entry> {
        self.0.at(id).map(|(_, entry)| entry)
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Entry> {
        self.0.at_mut(id)
    }

    /// How many addresses are in it.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A book with one address, and its number.
    fn book() -> (Book, PeerId) {
        let mut book = Book::default();
        let id = book.hold(&peer(1));
        (book, id)
    }

    fn peer(port: u16) -> Peer {
        Peer::new(SocketAddr::from(([192, 0, 2, 1], port)))
    }

    #[test]
    fn what_is_sent_answered_and_refused_is_counted() {
        let (mut book, id) = book();
        let entry = book.get_mut(id).unwrap();
        for now in [100, 200, 300] {
            entry.note_sent(now);
        }
        entry.note_answer(None);
        entry.note_answer(Some(70));
        for _ in 0..4 {
            entry.note_refusal();
        }
        assert_eq!((entry.sent, entry.answered, entry.refused, entry.last_sent), (3, 2, 4, 300));
    }

    #[test]
    fn a_round_trip_is_smoothed_as_tcp_does_and_none_is_no_measure() {
        let (mut book, id) = book();
        let entry = book.get_mut(id).unwrap();
        entry.note_answer(None);
        assert_eq!((entry.rtt, entry.rtt_last), (0, 0));
        entry.note_answer(Some(8_000));
        assert_eq!((entry.rtt, entry.rtt_last), (8_000, 8_000));
        entry.note_answer(Some(800));
        assert_eq!((entry.rtt, entry.rtt_last), (8_000 - 1_000 + 100, 800));
        entry.note_answer(None);
        assert_eq!((entry.rtt, entry.rtt_last), (7_100, 800));
    }

    #[test]
    fn a_round_trip_that_no_clock_sees_is_a_measure_all_the_same() {
        let (mut book, id) = book();
        let entry = book.get_mut(id).unwrap();
        entry.note_answer(Some(0));
        assert_eq!((entry.rtt, entry.rtt_last), (0, 1));
        entry.note_answer(Some(80));
        assert_eq!(entry.rtt, 10, "the second one counts for an eighth");
    }

    #[test]
    fn whoever_has_not_answered_the_oldest_datagram_for_fifty_milliseconds_is_in_doubt() {
        let (mut book, id) = book();
        let entry = book.get_mut(id).unwrap();
        assert!(!entry.is_doubtful(1_000_000), "nothing was sent yet");
        entry.note_sent(1_000);
        entry.note_sent(40_000);
        assert!(!entry.is_doubtful(51_000));
        assert!(entry.is_doubtful(51_001));
        entry.note_answer(None);
        assert!(!entry.is_doubtful(51_001));
        entry.note_sent(60_000);
        assert!(!entry.is_doubtful(110_000), "it is waited for from the next one on");
        assert!(entry.is_doubtful(110_001));
    }

    #[test]
    fn a_slow_one_is_waited_for_four_of_its_round_trips() {
        let (mut book, id) = book();
        let entry = book.get_mut(id).unwrap();
        entry.note_answer(Some(20_000));
        entry.note_sent(1_000);
        assert!(!entry.is_doubtful(81_000));
        assert!(entry.is_doubtful(81_001));
    }

    #[test]
    fn whoever_refused_is_in_doubt_at_once_until_it_answers() {
        let (mut book, id) = book();
        let entry = book.get_mut(id).unwrap();
        entry.note_sent(1_000);
        entry.note_refusal();
        assert!(entry.is_doubtful(1_000));
        entry.note_answer(None);
        assert!(!entry.is_doubtful(1_000));
    }

    #[test]
    fn it_is_time_to_ask_again_five_seconds_after_the_last_datagram() {
        let (mut book, id) = book();
        let entry = book.get_mut(id).unwrap();
        entry.note_sent(1_000);
        entry.note_sent(2_000);
        assert!(!entry.is_due(5_001_999));
        assert!(entry.is_due(5_002_000));
    }

    #[test]
    fn the_last_use_that_is_given_back_takes_the_address_out_and_its_number_serves_again() {
        let (mut book, id) = book();
        let other = book.hold(&peer(2));
        assert_ne!(id, other);
        assert_eq!(book.hold(&peer(1)), id, "the same address");
        book.retain(id);
        for left in [2, 1] {
            book.release(id);
            assert_eq!((book.find(&peer(1).address), book.len()), (Some(id), 2), "{left} uses left");
        }
        book.release(id);
        assert_eq!((book.find(&peer(1).address), book.len()), (None, 1));
        assert!(book.get(id).is_none());
        book.release(id);
        book.retain(id);
        assert_eq!(book.hold(&peer(3)), id);
        assert_eq!(book.address(id).unwrap(), peer(3).address);
        assert_eq!(book.hold(&peer(4)), 2, "the number was free once");
        assert_eq!(book.address(other).unwrap(), peer(2).address);
    }
}
