//! The client as its contract has it, without regard to time or memory.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::Value;

use super::cluster::{Question, Signed};
use super::judge::{Verdict, Why};
use crate::engine::tests::scene::{Told, What};
use crate::engine::{Config, Id, Micros, Stats};

/// An outstanding request.
pub(super) struct Asked {
    pub(super) id: Id,
    pub(super) token: usize,
    pub(super) key: usize,
    pub(super) deadline: Micros,
    /// Whom it was sent to, and whether they have answered.
    pub(super) answered: BTreeMap<SocketAddr, bool>,
    /// Who else was let in.
    pub(super) foreign: HashSet<SocketAddr>,
    pub(super) settled: u32,
    pub(super) failed: usize,
    /// The ok replies, as serial and answer, and what the filter compares with.
    oks: Vec<(i64, Value)>,
    told: Option<(i64, Value)>,
    any: bool,
}

impl Asked {
    pub(super) fn new(id: Id, token: usize, key: usize, deadline: Micros, to: &[SocketAddr]) -> Self {
        Asked {
            id,
            token,
            key,
            deadline,
            answered: to.iter().map(|&to| (to, false)).collect(),
            foreign: HashSet::new(),
            settled: 0,
            failed: 0,
            oks: Vec::new(),
            told: None,
            any: false,
        }
    }

    pub(super) fn was_sent_to(&self, address: SocketAddr) -> bool {
        self.answered.contains_key(&address)
    }

    /// Whether nobody has answered at all.
    pub(super) fn is_untouched(&self) -> bool {
        !self.any
    }

    pub(super) fn received(&self) -> u32 {
        self.answered.values().filter(|&&answered| answered).count() as u32
    }

    fn consistent(&self) -> bool {
        let mut pairs = self.oks.iter().flat_map(|one| self.oks.iter().map(move |other| (one, other)));
        pairs.all(|(one, other)| one.0 != other.0 || one.1 == other.1)
    }

    /// Whether the filter lets a reply through.
    fn is_news(&mut self, status: i32, serial: i64, answer: &str) -> bool {
        let first = !std::mem::replace(&mut self.any, true);
        if status != 0 {
            return first;
        }
        let answer: Value = serde_json::from_str(answer).unwrap();
        self.oks.push((serial, answer.clone()));
        match &self.told {
            Some((before, _)) if serial <= *before => false,
            before => {
                let news = before.as_ref().is_none_or(|(_, before)| *before != answer);
                self.told = Some((serial, answer));
                news
            }
        }
    }

    fn tell(&self, salt: &str, what: What) -> Told {
        Told {
            what,
            salt: salt.to_owned(),
            token: self.token,
            sent: self.answered.len() as u32,
            received: self.received(),
            consistent: self.consistent(),
        }
    }
}

/// A datagram in the queue.
pub(super) struct Waiting {
    pub(super) to: SocketAddr,
    pub(super) question: Rc<Question>,
    pub(super) bytes: Rc<[u8]>,
}

#[derive(Default)]
pub(super) struct Model {
    filter: bool,
    pub(super) any_source: bool,
    pub(super) peers: HashSet<SocketAddr>,
    pub(super) asked: BTreeMap<String, Asked>,
    pub(super) most_asked: usize,
    /// Salts that have served.
    pub(super) used: HashSet<String>,
    pub(super) queue: VecDeque<Waiting>,
    /// What the program must be told.
    pub(super) events: VecDeque<Told>,
    /// Tokens of the requests that were accepted and of those whose last event was told.
    pub(super) accepted: HashSet<usize>,
    pub(super) ended: HashSet<usize>,
    pub(super) stats: Stats,
    /// Whether a datagram came that deserves the warning.
    pub(super) signed_by_a_stranger: bool,
}

impl Model {
    pub(super) fn new(config: &Config) -> Self {
        Model { filter: config.filter, any_source: config.any_source, ..Model::default() }
    }

    pub(super) fn accept(&mut self, salt: String, asked: Asked, waiting: impl Iterator<Item = Waiting>) {
        self.stats.requests += 1;
        self.queue.extend(waiting);
        assert!(self.used.insert(salt.clone()), "a salt served twice");
        assert!(self.accepted.insert(asked.token));
        assert!(self.asked.insert(salt, asked).is_none());
        self.most_asked = self.most_asked.max(self.asked.len());
    }

    /// The first of the queue was sent, or not. Gives it, and whether none of its request's could be.
    pub(super) fn transmitted(&mut self, sent: bool) -> Option<(Waiting, bool)> {
        let first = self.queue.pop_front()?;
        let salt = &first.question.salt;
        let asked = self.asked.get_mut(salt).expect("what waits belongs to a request");
        match sent {
            true => self.stats.datagrams_out += 1,
            false => (self.stats.send_errors, asked.failed) = (self.stats.send_errors + 1, asked.failed + 1),
        }
        let given_up = !sent && asked.failed == asked.answered.len();
        Some((first, given_up))
    }

    pub(super) fn datagram(&mut self, bytes: &[u8], from: SocketAddr, signed: Option<&Signed>) {
        self.stats.datagrams_in += 1;
        let counter = match self.judge(bytes, from, signed) {
            Ok(verdict) => return self.count(from, verdict),
            Err(Why::Magic) => &mut self.stats.dropped_magic,
            Err(Why::Malformed | Why::NoReply) => &mut self.stats.dropped_malformed,
            Err(Why::Salt) => &mut self.stats.dropped_salt,
            Err(Why::Source) => &mut self.stats.dropped_source,
            Err(Why::Duplicate) => &mut self.stats.dropped_duplicate,
            Err(Why::Signature) => &mut self.stats.dropped_signature,
        };
        *counter += 1;
    }

    fn count(&mut self, from: SocketAddr, verdict: Verdict) {
        self.stats.replies += 1;
        let Verdict { salt, asked: was_asked, reply: (status, serial, answer) } = verdict;
        let asked = self.asked.get_mut(&salt).expect("only outstanding requests are answered");
        match was_asked {
            true => drop(asked.answered.insert(from, true)),
            false => drop(asked.foreign.insert(from)),
        }
        let news = asked.is_news(status, serial, &answer);
        let what = match news || !self.filter {
            true => What::Reply { from, asked: was_asked, status, serial, answer },
            false if was_asked => What::HeldBack,
            false => return,
        };
        self.events.push_back(asked.tell(&salt, what));
    }

    /// The program is told of an event.
    pub(super) fn tell(&mut self, told: &Told) {
        assert_eq!(Some(told), self.events.pop_front().as_ref());
        assert!(!self.ended.contains(&told.token), "an event after the last one: {told:?}");
        if told.what.is_last() {
            self.ended.insert(told.token);
        }
    }

    /// Its upcall has returned.
    pub(super) fn settle(&mut self, told: &Told) {
        let counts = matches!(told.what, What::Reply { asked: true, .. } | What::HeldBack);
        if let (true, Some(asked)) = (counts, self.asked.get_mut(&told.salt)) {
            asked.settled += 1;
        }
    }

    pub(super) fn end(&mut self, salt: &str, what: What) {
        let asked = self.asked.remove(salt).expect("it was outstanding");
        self.queue.retain(|waiting| waiting.question.salt != salt);
        match what {
            What::Expire => self.stats.expired += 1,
            _ => self.stats.cancelled += 1,
        }
        self.events.push_back(asked.tell(salt, what));
    }

    pub(super) fn revoke(&mut self, salt: &str) {
        let asked = self.asked.remove(salt).expect("it was outstanding");
        self.queue.retain(|waiting| waiting.question.salt != salt);
        self.used.remove(salt);
        self.accepted.remove(&asked.token);
        self.stats.requests -= 1;
    }

    /// Whether an address is that of a peer, or of one that an outstanding request was sent to.
    pub(super) fn knows(&self, address: SocketAddr) -> bool {
        self.peers.contains(&address) || self.asked.values().any(|asked| asked.was_sent_to(address))
    }

    pub(super) fn next_deadline(&self) -> Option<Micros> {
        self.asked.values().map(|asked| asked.deadline).min()
    }
}
