//! The protocol, without a socket, a clock or a random source: time and datagrams come in as arguments; datagrams,
//! events and the next deadline go out. So every behaviour can be tested in virtual time from a seed, and a
//! program that does its own input and output drives this and nothing else.
//!
//! How to drive it: after every call, send what [`Engine::peek_transmits`] gives, make the upcalls that
//! [`Engine::next_event`] gives, and call [`Engine::expire`] at [`Engine::next_deadline`]. A call that comes too
//! early or too often does nothing.

#![forbid(unsafe_code)]

mod book;
mod contacts;
mod event;
mod intake;
pub mod peers;
mod queue;
mod spent;
mod stats;
mod table;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

pub use event::{Event, EventKind, LogLevel, LogLine};
pub use stats::Stats;
pub use table::Id;

use crate::error::{Code, Error, Result};
use crate::wire::SERVER_READS;
use crate::wire::key::Key;
use crate::wire::request::Request;
use book::{Book, PeerId};
use contacts::Contacts;
use intake::ForeignWatch;
use peers::Peer;
use queue::SendQueue;
use spent::Spent;
use table::{Outstanding, Table};
use verdict::Verdict;

/// Microseconds on a clock that never goes back; where it begins does not matter.
pub type Micros = u64;

const SECOND: Micros = 1_000_000;

/// How many peers a request goes to by default, where there are as many.
const DEFAULT_COVERAGE: usize = 6;

/// Log lines kept for a program that does not take them.
const LOG_LINES: usize = 1_024;

/// What a client can be told at its creation.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a request is outstanding, in microseconds.
    pub expire_after: Micros,
    /// The most bytes of a request's datagram. `ganeti-confd` drops a longer one than 4,096 without a word.
    pub max_request_bytes: usize,
    /// Tell only of replies that say something new.
    pub filter: bool,
    /// Deliver signed replies from addresses that were not asked.
    pub any_source: bool,
    /// The least level of log lines to make; `None` for none.
    pub log_level: Option<LogLevel>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            expire_after: 10 * SECOND,
            max_request_bytes: SERVER_READS,
            filter: false,
            any_source: false,
            log_level: None,
        }
    }
}

/// The time, as the engine needs it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For deadlines.
    pub micros: Micros,
    /// Seconds of the wall clock, which a request is stamped with: a server drops what is 300 s from its own.
    pub unix: u64,
}

/// How far the replies to a request have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Peers that it was sent to.
    pub sent: u32,
    /// Distinct ones of them that have answered.
    pub received: u32,
    /// Those of them whose upcalls have returned.
    pub settled: u32,
}

impl Progress {
    /// Whether enough peers have answered for the answer to be safe, and the program knows of them.
    pub fn is_enough(&self) -> bool {
        self.settled >= needed_replies(self.sent)
    }
}

/// The replies that make an answer safe: all of fewer than three peers, all but one of fewer than five, else more
/// than half.
pub fn needed_replies(sent: u32) -> u32 {
    match sent {
        0..=2 => sent,
        3..=4 => sent - 1,
        _ => sent / 2 + 1,
    }
}

/// The client's state and rules.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    key: Arc<Key>,
    book: Book,
    /// The peers of now, in no order: choosing shuffles them.
    peers: Vec<PeerId>,
    ipv4: bool,
    table: Table,
    queue: SendQueue,
    events: VecDeque<Event>,
    spent: Spent,
    foreign: ForeignWatch,
    stats: Stats,
    random: SmallRng,
    lines: VecDeque<LogLine>,
    lines_lost: usize,
}

impl Engine {
    /// An engine for these peers, which are of one family and not none (as [`peers::parse_peers`] gives them).
    /// `seed` decides which peers are chosen.
    pub fn new(config: Config, key: Key, peers: &[Peer], seed: u64) -> Self {
        let mut engine = Engine {
            config,
            key: Arc::new(key),
            book: Book::default(),
            peers: Vec::new(),
            ipv4: peers.first().is_some_and(|peer| peer.address.is_ipv4()),
            table: Table::default(),
            queue: SendQueue::default(),
            events: VecDeque::new(),
            spent: Spent::default(),
            foreign: ForeignWatch::default(),
            stats: Stats::default(),
            random: SmallRng::seed_from_u64(seed),
            lines: VecDeque::new(),
            lines_lost: 0,
        };
        engine.set_peers(peers);
        engine
    }

    /// Replaces the peers. They are of the family that the client was made with. Replies to what was sent before
    /// still count.
    pub fn update_peers(&mut self, peers: &[Peer]) -> Result<()> {
        let Some(first) = peers.first() else {
            return Err(Error::new(Code::NoPeers, "the list of peers is empty"));
        };
        if first.address.is_ipv4() != self.ipv4 {
            let family = if self.ipv4 { "IPv4" } else { "IPv6" };
            let detail =
                format!("the client was made with {family} peers, and these are of the other family");
            return Err(Error::new(Code::MixedFamilies, detail));
        }
        self.set_peers(peers);
        self.log(LogLevel::Info, || format!("there are {} peers now", peers.len()));
        Ok(())
    }

    fn set_peers(&mut self, peers: &[Peer]) {
        let held = peers.iter().map(|peer| self.book.hold(peer)).collect();
        for before in std::mem::replace(&mut self.peers, held) {
            self.book.release(before);
        }
    }

    /// Asks `coverage` peers, chosen at random (0: the smaller of 6 and all; -1: all), and keeps the request
    /// until its expiry, which counts from now. A refused request leaves no trace.
    pub fn send(&mut self, now: Now, request: &Request, coverage: i32, token: usize) -> Result<Id> {
        let coverage = self.coverage(coverage)?;
        if request.salt().is_empty() {
            return Err(Error::new(Code::MissingSalt, "the request has no salt"));
        }
        let known = self.table.find(request.salt().as_str()).is_some();
        if known || request.is_spent() || self.spent.contains(request) {
            let detail = format!("the salt \"{}\" has been used", request.salt().as_str().escape_debug());
            return Err(Error::new(Code::DuplicateSalt, detail));
        }
        let mut datagram = self.queue.buffer();
        if let Err(error) = request.pack(&self.key, now.unix, self.config.max_request_bytes, &mut datagram) {
            self.queue.recycle(datagram);
            return Err(error);
        }
        let contacts = Contacts::new(self.choose(coverage));
        for peer in contacts.iter() {
            self.book.retain(peer);
        }
        let outstanding = Outstanding {
            request: request.clone(),
            token,
            key: self.key.clone(),
            deadline: now.micros.saturating_add(self.config.expire_after),
            contacts: contacts.clone(),
            received: 0,
            settled: 0,
            unsent: coverage as u32,
            failed: 0,
            verdict: Verdict::default(),
            foreign: None,
        };
        let Ok(id) = self.table.insert(outstanding) else {
            // Two salts with the same 128 bits; as good as one used twice.
            for peer in contacts.iter() {
                self.book.release(peer);
            }
            return Err(Error::new(Code::DuplicateSalt, "the salt has been used"));
        };
        request.spend();
        self.queue.push(id, datagram, contacts);
        self.stats.requests += 1;
        Ok(id)
    }

    fn coverage(&self, coverage: i32) -> Result<usize> {
        let known = self.peers.len();
        match coverage {
            0 => Ok(known.min(DEFAULT_COVERAGE)),
            -1 => Ok(known),
            ..-1 => {
                Err(Error::new(Code::InvalidArgument, format!("a coverage of {coverage} is less than -1")))
            }
            _ if coverage as usize > known => {
                let detail = format!("a coverage of {coverage} is more than the {known} known peers");
                Err(Error::new(Code::Coverage, detail))
            }
            _ => Ok(coverage as usize),
        }
    }

    /// Any `count` of the peers, all sets being equally likely.
    fn choose(&mut self, count: usize) -> &[PeerId] {
        let known = self.peers.len();
        if count < known {
            for place in 0..count {
                let other = self.random.random_range(place..known);
                self.peers.swap(place, other);
            }
        }
        &self.peers[..count]
    }

    /// Takes back a request that has just been accepted, as if it had never been: nothing of it could be sent.
    pub fn revoke(&mut self, id: Id) {
        let Some(request) = self.take_out(id) else { return };
        request.request.unspend();
        self.stats.requests -= 1;
    }

    /// Ends a request at the program's wish. Its last event is [`EventKind::Cancel`].
    pub fn cancel(&mut self, salt: &str) -> Result<()> {
        let Some(id) = self.table.find(salt) else {
            let detail = format!("no outstanding request has the salt \"{}\"", salt.escape_debug());
            return Err(Error::new(Code::UnknownRequest, detail));
        };
        self.end(id, EventKind::Cancel);
        Ok(())
    }

    /// Ends every request.
    pub fn cancel_all(&mut self) {
        while let Some(id) = self.table.first() {
            self.end(id, EventKind::Cancel);
        }
    }

    /// Ends the requests whose deadline has come, at most `most` of them; says how many. Those that are left
    /// keep [`Engine::next_deadline`] in the past.
    pub fn expire(&mut self, now: Micros, most: usize) -> usize {
        let mut ended = 0;
        while ended < most && self.next_deadline().is_some_and(|deadline| deadline <= now) {
            let Some(id) = self.table.first() else { break };
            self.end(id, EventKind::Expire);
            ended += 1;
        }
        ended
    }

    fn end(&mut self, id: Id, kind: EventKind) {
        let Some(ended) = self.take_out(id) else { return };
        self.spent.remember(&ended.request);
        match kind {
            EventKind::Expire => self.stats.expired += 1,
            _ => self.stats.cancelled += 1,
        }
        let event = Event {
            kind,
            token: ended.token,
            sent: ended.contacts.len() as u32,
            received: ended.received,
            consistent: ended.verdict.consistent(),
            request: ended.request,
            id,
        };
        self.events.push_back(event);
    }

    /// Detaches a request from everything that refers to it.
    fn take_out(&mut self, id: Id) -> Option<Outstanding> {
        let ended = self.table.remove(id)?;
        for peer in ended.contacts.iter() {
            self.book.release(peer);
        }
        self.queue.forget(ended.unsent, &self.table);
        Some(ended)
    }

    /// Gives a request more time, as `wait` does.
    pub fn extend(&mut self, id: Id, by: Micros) {
        if let Some(asked) = self.table.get(id) {
            self.table.set_deadline(id, asked.deadline.saturating_add(by));
        }
    }

    /// The outstanding request with this salt.
    pub fn find(&self, salt: &str) -> Option<Id> {
        self.table.find(salt)
    }

    /// How far a request has come; `None` once it has ended.
    pub fn progress(&self, id: Id) -> Option<Progress> {
        self.table.get(id).map(|asked| Progress {
            sent: asked.contacts.len() as u32,
            received: asked.received,
            settled: asked.settled,
        })
    }

    /// When to call [`Engine::expire`]; `None` if nothing is outstanding.
    pub fn next_deadline(&self) -> Option<Micros> {
        self.table.next_deadline()
    }

    /// The next datagrams to send, in order.
    pub fn peek_transmits(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
        self.queue.peek(&self.table, &self.book)
    }

    /// Takes the first of what [`Engine::peek_transmits`] gives: it has been sent.
    pub fn transmitted(&mut self) {
        let Some(taken) = self.queue.take(&self.table) else { return };
        self.stats.datagrams_out += 1;
        if let Some(asked) = self.table.get_mut(taken.id) {
            asked.unsent -= 1;
        }
    }

    /// Takes the first of what [`Engine::peek_transmits`] gives: the system refused it. Gives the request if
    /// that was the last of its datagrams and all of them were refused.
    pub fn transmit_failed(&mut self, why: &dyn std::fmt::Display) -> Option<Id> {
        let taken = self.queue.take(&self.table)?;
        self.stats.send_errors += 1;
        let address = self.book.get(taken.peer).map(|entry| entry.address);
        if let Some(address) = address {
            self.log(LogLevel::Debug, || format!("could not send to {address}: {why}"));
        }
        let asked = self.table.get_mut(taken.id)?;
        asked.unsent -= 1;
        asked.failed += 1;
        (asked.unsent == 0 && asked.failed as usize == asked.contacts.len()).then_some(taken.id)
    }

    /// Datagrams that wait to be sent.
    pub fn queued(&self) -> usize {
        self.queue.waiting()
    }

    /// The next event, oldest first. Tell [`Engine::upcall_returned`] when the program has been told of it.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether there are events.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Drops the replies among the events: the client is going. Last events stay.
    pub fn drop_replies(&mut self) {
        self.events.retain(|event| matches!(event.kind, EventKind::Expire | EventKind::Cancel));
    }

    /// The program has been told of an event of this request, a reply of a peer that was asked.
    pub fn upcall_returned(&mut self, event: &Event) -> Id {
        let answer = matches!(event.kind, EventKind::Reply { asked: true, .. } | EventKind::HeldBack);
        if let (true, Some(asked)) = (answer, self.table.get_mut(event.id)) {
            asked.settled += 1;
        }
        event.id
    }

    /// Requests outstanding, and those of them that nobody has answered.
    pub fn outstanding(&self) -> (usize, usize) {
        (self.table.len(), self.table.unanswered())
    }

    /// The system reports that a host refused a datagram (ICMP port unreachable). A hint, and never an answer:
    /// anybody can forge one, so it ends nothing.
    pub fn handle_unreachable(&mut self, address: SocketAddr) {
        if self.book.find(address).is_some() {
            self.stats.refused += 1;
            self.log(LogLevel::Debug, || format!("{address} refuses datagrams: nothing listens there"));
        }
    }

    /// The system has dropped so many datagrams because the receive buffer was full.
    pub fn handle_overflow(&mut self, count: u64) {
        if count > 0 {
            self.stats.dropped_overflow += count;
            self.log(LogLevel::Debug, || format!("{count} datagrams were lost: the receive buffer was full"));
        }
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        Stats { outstanding: self.table.len() as u64, queued: self.queue.waiting() as u64, ..self.stats }
    }

    /// Enters a line into the log if its level is asked for.
    pub(crate) fn log(&mut self, level: LogLevel, line: impl FnOnce() -> String) {
        if self.config.log_level.is_none_or(|least| level < least) {
            return;
        }
        if self.lines.len() == LOG_LINES {
            self.lines_lost += 1;
            return;
        }
        let printable = |character: char| if character.is_control() { '?' } else { character };
        self.lines.push_back(LogLine { level, text: line().chars().map(printable).collect() });
    }

    /// The next line of the log, oldest first.
    pub fn next_log_line(&mut self) -> Option<LogLine> {
        let line = self.lines.pop_front();
        if line.is_none() && self.lines_lost > 0 {
            let lost = std::mem::take(&mut self.lines_lost);
            return Some(LogLine { level: LogLevel::Warning, text: format!("{lost} log lines were lost") });
        }
        line
    }

    /// Whether there are log lines.
    pub fn has_log_lines(&self) -> bool {
        !self.lines.is_empty() || self.lines_lost > 0
    }
}
