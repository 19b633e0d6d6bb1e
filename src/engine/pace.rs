//! Self-clocked sending: how many datagrams may be in flight, so that the replies to all of them fit the socket's
//! receive buffer. The rest waits, and leaves as replies arrive or are given up. Below that bound it costs a few
//! additions for each batch.

use std::collections::VecDeque;

use crate::engine::Micros;

/// A datagram is in flight no more after four round trips, but not sooner than this.
const PATIENCE: Micros = 50_000;

/// Datagrams that left within this time are counted together.
const INTERVAL: Micros = 10_000;

/// Room for this many replies there always is: a kernel takes one however large it is.
const LEAST: usize = 8;

/// So many replies to what was in flight widen a window that drops have narrowed by one.
const REPLIES_FOR_ONE: usize = 16;

/// What the kernel charges for a datagram besides its bytes, which it rounds up to a power of two.
const OVERHEAD: usize = 384;
const HANDLE: usize = 256;

/// The length of a reply until one has come.
const USUAL_REPLY: usize = 300;

/// The datagrams that have left and are not given up.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes of the receive buffer as the kernel counts them; `None` for no bound.
    capacity: Option<usize>,
    /// What a reply takes of them, after the largest of late.
    charge: usize,
    /// How many replies of that size they hold.
    fits: usize,
    /// Shrinks when the kernel drops replies all the same, and grows again as they come, by one for each
    /// [`REPLIES_FOR_ONE`].
    window: usize,
    /// Replies that have come since it grew or shrank.
    back: usize,
    in_flight: usize,
    intervals: VecDeque<Interval>,
    rtt: Micros,
    /// Datagrams that had come when the kernel dropped some the last time, and the replies among them.
    come: (u64, u64),
}

#[derive(Debug)]
struct Interval {
    began: Micros,
    last: Micros,
    sent: usize,
    back: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            capacity: None,
            charge: charge(USUAL_REPLY),
            fits: usize::MAX,
            window: usize::MAX,
            back: 0,
            in_flight: 0,
            intervals: VecDeque::new(),
            rtt: 0,
            come: (0, 0),
        }
    }
}

impl Pace {
    /// Bounds what is in flight by a receive buffer of so many bytes.
    pub(super) fn set_capacity(&mut self, bytes: usize) {
        self.capacity = Some(bytes);
        self.set_charge(self.charge);
    }

    /// How many datagrams may leave now.
    pub(super) fn room(&self) -> usize {
        self.window.min(self.fits).saturating_sub(self.in_flight)
    }

    /// Datagrams that have left and are not given up.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A datagram has left.
    pub(super) fn note_sent(&mut self, now: Micros) {
        if self.capacity.is_none() {
            return;
        }
        self.in_flight += 1;
        match self.intervals.back_mut() {
            Some(interval) if now.saturating_sub(interval.began) < INTERVAL => {
                interval.sent += 1;
                interval.last = now;
            }
            _ => self.intervals.push_back(Interval { began: now, last: now, sent: 1, back: 0 }),
        }
    }

    /// A reply of so many bytes has come to a datagram that left at `sent_at`.
    pub(super) fn note_reply(&mut self, now: Micros, sent_at: Micros, bytes: usize) {
        if self.capacity.is_none() {
            return;
        }
        // A reply that is dated before its question left came at a time that nobody knows.
        if let Some(rtt) = now.checked_sub(sent_at) {
            self.rtt = if self.rtt == 0 { rtt } else { self.rtt - self.rtt / 8 + rtt / 8 };
        }
        let charge = charge(bytes);
        if charge > self.charge {
            self.set_charge(charge);
        } else if self.charge - charge >= 64 {
            self.set_charge(self.charge - (self.charge - charge) / 64);
        }
        let of_its_time = self.intervals.iter_mut().rev().find(|interval| interval.began <= sent_at);
        if let Some(interval) = of_its_time.filter(|interval| interval.back < interval.sent) {
            interval.back += 1;
            self.in_flight -= 1;
            if self.window < self.fits {
                self.back += 1;
                if self.back == REPLIES_FOR_ONE {
                    self.back = 0;
                    self.window += 1;
                }
            }
        }
    }

    /// The kernel has dropped datagrams; so many have come so far, and so many of them were replies. If those that came
    /// since the last time were replies, then the buffer holds fewer than was thought. If most were none, then
    /// somebody else fills it, and asking less would be what he wants.
    pub(super) fn note_overflow(&mut self, datagrams: u64, replies: u64) {
        let before = std::mem::replace(&mut self.come, (datagrams, replies));
        let is_flood = datagrams - before.0 > 2 * (replies - before.1);
        if self.capacity.is_some() && !is_flood {
            let window = self.window.min(self.fits);
            self.window = (window - window / 4).max(LEAST);
            self.back = 0;
        }
    }

    /// Gives up what has been in flight for too long.
    pub(super) fn give_up(&mut self, now: Micros) {
        while self.next_give_up().is_some_and(|at| at <= now) {
            let Some(interval) = self.intervals.pop_front() else { break };
            self.in_flight -= interval.sent - interval.back;
        }
    }

    /// When the next datagrams are given up.
    pub(super) fn next_give_up(&self) -> Option<Micros> {
        self.intervals.front().map(|interval| interval.last.saturating_add(PATIENCE.max(4 * self.rtt)))
    }

    fn set_charge(&mut self, charge: usize) {
        self.charge = charge;
        if let Some(bytes) = self.capacity {
            // A little room stays for what comes late.
            self.fits = ((bytes - bytes / 8) / charge).max(LEAST);
        }
    }
}

/// What the kernel charges for a datagram of so many bytes.
fn charge(bytes: usize) -> usize {
    (bytes + OVERHEAD).next_power_of_two() + HANDLE
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT_BUFFER: usize = 212_992;

    fn pace() -> Pace {
        let mut pace = Pace::default();
        pace.set_capacity(DEFAULT_BUFFER);
        pace
    }

    #[test]
    fn without_a_buffer_there_is_no_bound() {
        let mut pace = Pace::default();
        for now in 0..100_000 {
            pace.note_sent(now);
        }
        assert_eq!(pace.room(), usize::MAX);
        assert_eq!(pace.next_give_up(), None);
    }

    #[test]
    fn what_is_in_flight_fits_the_buffer_and_leaves_as_replies_come() {
        let mut pace = pace();
        let window = pace.room();
        assert!(window >= 100 && window * charge(USUAL_REPLY) <= DEFAULT_BUFFER);
        for _ in 0..window {
            pace.note_sent(7);
        }
        assert_eq!(pace.room(), 0);
        pace.note_reply(100, 7, 250);
        assert_eq!(pace.room(), 1);
    }

    #[test]
    fn what_nobody_answers_is_given_up_in_time_and_once() {
        let mut pace = pace();
        let window = pace.room();
        for number in 0..window {
            pace.note_sent(number as Micros);
        }
        let at = pace.next_give_up().unwrap();
        assert_eq!(at, window as Micros - 1 + PATIENCE);
        pace.give_up(at - 1);
        assert_eq!(pace.room(), 0);
        pace.give_up(at);
        assert_eq!(pace.room(), window);
        pace.note_reply(at, 3, 250);
        assert_eq!(pace.room(), window, "a reply to what was given up changes nothing");
    }

    #[test]
    fn patience_is_four_round_trips_where_they_are_long() {
        let mut pace = pace();
        pace.note_sent(0);
        pace.note_sent(0);
        pace.note_reply(40_000, 0, 250);
        assert_eq!(pace.next_give_up(), Some(160_000));
    }

    #[test]
    fn large_replies_and_drops_narrow_the_bound_and_it_recovers() {
        let mut pace = pace();
        let window = pace.room();
        pace.note_sent(0);
        pace.note_reply(100, 0, 30_000);
        assert!(pace.room() <= LEAST);
        for now in 0..1_000_000 {
            pace.note_sent(now);
            pace.note_reply(now, now, 250);
        }
        assert!(pace.room() >= window * 9 / 10, "{} of {window}", pace.room());
        pace.note_overflow(1_000, 1_000);
        assert!(pace.room() < window * 8 / 10);
    }

    #[test]
    fn a_reply_is_charged_as_the_kernel_does() {
        let charges = [0, 128, 129, 300, 640, 641].map(charge);
        assert_eq!(charges, [768, 768, 1_280, 1_280, 1_280, 2_304]);
    }

    #[test]
    fn seven_eighths_of_the_buffer_are_for_replies_and_however_small_it_is_there_is_room_for_eight() {
        let room = |bytes| {
            let mut pace = Pace::default();
            pace.set_capacity(bytes);
            pace.room()
        };
        assert_eq!(room(DEFAULT_BUFFER), 145);
        assert_eq!([0, 1, 11_702, 13_164, 13_165].map(room), [8, 8, 8, 8, 9]);
    }

    #[test]
    fn what_left_within_ten_milliseconds_is_given_up_together_and_the_rest_later() {
        let mut pace = pace();
        let window = pace.room();
        for now in [5, 6, 10_004, 10_005, 10_006] {
            pace.note_sent(now);
        }
        assert_eq!(pace.next_give_up(), Some(10_004 + PATIENCE));
        pace.give_up(10_004 + PATIENCE);
        assert_eq!((pace.room(), pace.next_give_up()), (window - 2, Some(10_006 + PATIENCE)));
        pace.give_up(Micros::MAX);
        assert_eq!((pace.room(), pace.next_give_up()), (window, None));
    }

    #[test]
    fn a_reply_belongs_to_those_that_left_when_its_datagram_did() {
        let mut pace = pace();
        let window = pace.room();
        for now in [0, 0, 20_000, 40_000, 40_000] {
            pace.note_sent(now);
        }
        // Of the second ones there is only one, so that nothing more can be in flight of them.
        for (sent_at, flying) in [(20_000, 4), (39_999, 4), (40_000, 3), (3, 2)] {
            pace.note_reply(45_000, sent_at, 250);
            assert_eq!(pace.room(), window - flying, "sent at {sent_at}");
        }
        for (given_up, flying) in [(PATIENCE, 1), (20_000 + PATIENCE, 1), (45_000 * 4 + 40_000, 0)] {
            pace.rtt = 0;
            pace.give_up(given_up);
            assert_eq!(pace.room(), window - flying, "given up at {given_up}");
        }
    }

    #[test]
    fn a_round_trip_is_smoothed_by_an_eighth_of_the_last() {
        let mut pace = pace();
        pace.note_sent(0);
        pace.note_reply(80_000, 0, 250);
        pace.note_reply(160_000, 0, 250);
        assert_eq!((pace.rtt, pace.next_give_up()), (90_000, Some(360_000)));
        pace.note_reply(10_000, 0, 250);
        assert_eq!(pace.rtt, 90_000 - 11_250 + 1_250);
    }

    #[test]
    fn the_charge_follows_the_largest_reply_at_once_and_smaller_ones_slowly() {
        let mut pace = pace();
        pace.note_reply(1, 1, 1_000);
        assert_eq!((pace.charge, pace.room()), (2_304, 80));
        pace.note_reply(1, 1, 250);
        assert_eq!((pace.charge, pace.room()), (2_304 - (2_304 - 1_280) / 64, 81));
        pace.note_reply(1, 1, 1_000);
        assert_eq!((pace.charge, pace.room()), (2_304, 80));
    }

    /// However few replies come at a time: here 8 in 50 ms, of which each takes 40.
    #[test]
    fn after_a_large_reply_the_bound_widens_again_as_small_ones_come_however_slowly() {
        let mut pace = pace();
        pace.note_reply(1, 1, 30_000);
        assert_eq!(pace.room(), LEAST);
        let mut turns = 0;
        while pace.room() < 135 {
            turns += 1;
            assert!(turns < 200, "{} after {turns} turns", pace.room());
            let now = turns * 5 * INTERVAL;
            for _ in 0..LEAST {
                pace.note_sent(now);
            }
            for _ in 0..LEAST {
                pace.note_reply(now + 40_000, now, 250);
            }
        }
        pace.note_overflow(0, 0);
        let narrowed = pace.room();
        for turn in 1..=4 {
            let now = (turns + turn) * 5 * INTERVAL;
            for reply in 0..LEAST as Micros {
                pace.note_sent(now + reply);
                pace.note_reply(now + 40_000, now + reply, 250);
            }
        }
        assert_eq!(pace.room(), narrowed + 4 * LEAST / REPLIES_FOR_ONE);
    }

    #[test]
    fn a_narrowed_bound_widens_by_one_for_each_sixteen_replies_up_to_what_fits() {
        let mut pace = pace();
        pace.note_overflow(0, 0);
        assert_eq!(pace.room(), 145 - 36);
        for reply in 1..=16 * 40 {
            let now = reply * 3 * INTERVAL;
            for _ in 0..16 {
                pace.note_sent(now);
            }
            for back in 0..16 {
                let window = 145.min(145 - 36 + reply as usize - 1);
                assert_eq!(pace.window.min(pace.fits), window, "{back} of the {reply}th");
                pace.note_reply(now, now, 250);
            }
        }
        assert_eq!((pace.window, pace.room()), (145, 145));
    }

    #[test]
    fn drops_narrow_the_bound_by_a_quarter_and_never_below_eight() {
        let mut pace = pace();
        let mut rooms = Vec::new();
        for _ in 0..16 {
            pace.note_overflow(0, 0);
            rooms.push(pace.room());
        }
        assert_eq!(rooms, [109, 82, 62, 47, 36, 27, 21, 16, 12, 9, 8, 8, 8, 8, 8, 8]);
        let mut unbound = Pace::default();
        unbound.note_overflow(0, 0);
        assert_eq!(unbound.room(), usize::MAX);
    }

    #[test]
    fn it_is_a_flood_when_more_came_than_twice_the_replies_since_the_last_drop() {
        let narrows = |pace: &mut Pace, datagrams, replies| {
            let before = pace.room();
            pace.note_overflow(datagrams, replies);
            pace.room() < before
        };
        let mut pace = pace();
        assert!(!narrows(&mut pace, 201, 100));
        assert!(narrows(&mut pace, 401, 200));
        assert!(!narrows(&mut pace, 412, 205));
        assert!(narrows(&mut pace, 422, 210));
    }

    #[test]
    fn a_flood_that_fills_the_buffer_does_not_narrow_the_bound() {
        let mut pace = pace();
        let window = pace.room();
        for round in 1..100 {
            pace.note_overflow(round * 1_000, round * 100);
        }
        assert_eq!(pace.room(), window);
        // When it is over, the replies count for themselves again.
        pace.note_overflow(99_500, 10_390);
        assert!(pace.room() < window);
    }
}
