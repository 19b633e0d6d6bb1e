//! Which peers are asked. A request that is sent goes to any, as in the reference. A query asks those first that
//! neither refused nor stayed silent lately; with all peers well that is any of them, too. Those in doubt are
//! asked again from time to time, so that one that has recovered is found.

use rand::RngExt;

use crate::engine::book::PeerId;
use crate::engine::contacts::Contacts;
use crate::engine::{Engine, Micros, needed_replies};

/// How many peers in doubt one query asks beside the others, at least, and within how many queries it is everybody's
/// turn.
const PROBES: usize = 2;
const ROUND: usize = 20;

impl Engine {
    /// Any `count` of the peers, all sets being equally likely.
    pub(super) fn choose(&mut self, count: usize) -> &[PeerId] {
        self.shuffle(count);
        &self.order[..count]
    }

    /// Peers for a query: `count` of them, and those that are asked beside them.
    pub(super) fn choose_for_query(&mut self, now: Micros, count: usize) -> (Contacts, Vec<PeerId>) {
        if !self.order.iter().any(|&peer| self.is_doubtful(peer, now)) {
            return (Contacts::new(self.choose(count)), Vec::new());
        }
        let (chosen, beside) = self.choose_among_doubtful(now, count);
        (Contacts::new(&chosen), beside)
    }

    /// The same where some are in doubt.
    #[inline(never)]
    fn choose_among_doubtful(&mut self, now: Micros, count: usize) -> (Vec<PeerId>, Vec<PeerId>) {
        self.shuffle(self.order.len());
        let (mut chosen, doubtful) = self.by_doubt(now, None);
        let mut waiting = doubtful.clone();
        let (well, in_doubt) = (chosen.len().min(count), doubtful.len());
        chosen.extend(doubtful);
        chosen.truncate(count);
        waiting.retain(|peer| self.is_to_be_probed(*peer, now) && !chosen.contains(peer));
        let mut due = Vec::new();
        for _ in 0..PROBES.max(in_doubt.div_ceil(ROUND)) {
            // Those first that have waited longest: by chance one could wait for ever.
            let last_sent = |place: &usize| self.book.get(waiting[*place]).map(|entry| entry.last_sent);
            let Some(longest) = (0..waiting.len()).min_by_key(last_sent) else { break };
            due.push(waiting.remove(longest));
        }
        // Where the query can miss an answer, the place of one that would be asked serves; else it is one more.
        let spare = (count - needed_replies(count as u32) as usize).min(due.len());
        let spare = if well == count { spare } else { 0 };
        let beside = due.split_off(spare);
        chosen.truncate(count - spare);
        chosen.append(&mut due);
        (chosen, beside)
    }

    /// Up to `count` peers that a query has not asked yet.
    pub(super) fn choose_fresh(&mut self, now: Micros, asked: &Contacts, count: usize) -> Vec<PeerId> {
        self.shuffle(self.order.len());
        let (mut chosen, doubtful) = self.by_doubt(now, Some(asked));
        chosen.extend(doubtful);
        chosen.truncate(count);
        chosen
    }

    /// Brings random peers to the first `count` places.
    fn shuffle(&mut self, count: usize) {
        // The last one of all has no choice.
        for place in 0..count.min(self.order.len().saturating_sub(1)) {
            let other = self.random.random_range(place..self.order.len());
            self.order.swap(place, other);
        }
    }

    /// The peers that were not asked, those that are well and those in doubt, each in their order.
    fn by_doubt(&self, now: Micros, asked: Option<&Contacts>) -> (Vec<PeerId>, Vec<PeerId>) {
        let is_fresh = |peer: &PeerId| asked.is_none_or(|asked| asked.position(*peer).is_none());
        self.order.iter().copied().filter(is_fresh).partition(|&peer| !self.is_doubtful(peer, now))
    }

    fn is_doubtful(&self, peer: PeerId, now: Micros) -> bool {
        self.book.get(peer).is_some_and(|entry| entry.is_doubtful(now))
    }

    fn is_to_be_probed(&self, peer: PeerId, now: Micros) -> bool {
        self.book.get(peer).is_some_and(|entry| entry.is_due(now))
    }
}
