//! The protocol, without a socket, a clock or a random source: time and datagrams come in as arguments; datagrams,
//! events and the next deadline go out. So every behaviour can be tested in virtual time from a seed, and a
//! program that does its own input and output drives this and nothing else.
//!
//! How to drive it: after every call, send what [`Engine::peek_transmits`] gives, make the upcalls that
//! [`Engine::next_event`] gives, and call [`Engine::expire`] at [`Engine::next_deadline`]. A call that comes too
//! early or too often does nothing.

#![forbid(unsafe_code)]

mod book;
mod choice;
mod contacts;
mod deadlines;
mod event;
mod index;
mod intake;
mod keys;
mod late;
mod log;
mod outgoing;
mod pace;
mod parts;
pub mod peers;
mod query;
mod queue;
mod register;
mod roster;
mod spent;
mod stats;
mod table;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rand::SeedableRng;
use rand::rngs::SmallRng;

pub use event::{Event, EventKind, LogLevel, LogLine};
pub use query::{Ask, Outcome, QueryResult};
pub(crate) use register::Register;
pub use stats::{PeerStats, Stats};
pub use table::Id;

use crate::error::{Code, Error, Result};
use crate::wire::SERVER_READS;
use crate::wire::envelope::Room;
use crate::wire::key::Key;
use crate::wire::request::{Request, Timestamp};
use book::{Book, PeerId};
use contacts::Contacts;
use intake::ForeignWatch;
use keys::Keys;
use late::Late;
use pace::Pace;
use parts::Whole;
use peers::Peer;
use query::Query;
use queue::SendQueue;
use spent::Spent;
use table::{Outstanding, Table};
use verdict::Verdict;

/// Microseconds on a clock that never goes back; where it begins does not matter.
pub type Micros = u64;

const SECOND: Micros = 1_000_000;

/// How many peers a request goes to by default, where there are as many.
const DEFAULT_COVERAGE: usize = 6;

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
    /// After how long a query asks again, in microseconds; 0 for never.
    pub retry_every: Micros,
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
            retry_every: SECOND,
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
    // More than half comes to the same for all but none.
    if sent == 0 { 0 } else { sent / 2 + 1 }
}

/// The earlier of two times, where there is one.
pub(crate) fn earliest<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The client's state and rules.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    keys: Keys,
    book: Book,
    /// The peers of now, in the order in which the program named them.
    peers: Vec<PeerId>,
    /// The same in no order: choosing shuffles them.
    order: Vec<PeerId>,
    ipv4: bool,
    table: Table,
    queue: SendQueue,
    events: VecDeque<Event>,
    /// Those of the outstanding requests that are queries, in no order; each knows its place here.
    queries: Vec<Id>,
    /// The memory of one that has ended.
    spare: Option<Box<Query>>,
    /// Queries that are asked in parts, by a number.
    wholes: Register<u64, Whole>,
    next_whole: u64,
    late: Late,
    /// Results of quiet queries, by their tokens.
    results: Vec<(usize, QueryResult)>,
    spent: Spent,
    foreign: ForeignWatch,
    pace: Pace,
    stats: Stats,
    random: SmallRng,
    lines: VecDeque<LogLine>,
    lines_lost: usize,
    /// Of the last request that was signed.
    stamp: Timestamp,
    /// Where received messages are read.
    room: Room,
}

impl Engine {
    /// An engine for these peers, which are of one family and not none (as [`peers::parse_peers`] gives them).
    /// `seed` decides which peers are chosen.
    pub fn new(config: Config, key: Key, peers: &[Peer], seed: u64) -> Self {
        let mut engine = Engine {
            config,
            keys: Keys::new(key),
            book: Book::default(),
            peers: Vec::new(),
            order: Vec::new(),
            ipv4: peers.first().is_some_and(|peer| peer.address.is_ipv4()),
            table: Table::default(),
            queue: SendQueue::default(),
            events: VecDeque::new(),
            queries: Vec::new(),
            spare: None,
            wholes: Register::default(),
            next_whole: 0,
            late: Late::default(),
            results: Vec::new(),
            spent: Spent::default(),
            foreign: ForeignWatch::default(),
            pace: Pace::default(),
            stats: Stats::default(),
            random: SmallRng::seed_from_u64(seed),
            lines: VecDeque::new(),
            lines_lost: 0,
            stamp: Timestamp::of(0),
            room: Room::default(),
        };
        engine.set_peers(peers);
        engine
    }

    /// Signs new requests with another key. Those that are outstanding keep theirs, and queries try the old one,
    /// too, until every peer has answered under the new one, or 10 minutes have passed: daemons read the key at
    /// their start only.
    pub fn set_key(&mut self, now: Micros, key: Key) {
        if self.keys.replace(now, key) {
            self.log(LogLevel::Info, || "requests are signed with a new key from now on".to_owned());
        }
    }

    /// Asks `coverage` peers, chosen at random (0: the smaller of 6 and all; -1: all), and keeps the request
    /// until its expiry, which counts from now. A refused request leaves no trace.
    pub fn send(&mut self, now: Now, request: &Request, coverage: i32, token: usize) -> Result<Id> {
        let coverage = self.coverage(coverage)?;
        self.check_salt_is_there(request)?;
        if self.is_used(request) {
            return Err(Error::with(
                Code::DuplicateSalt,
                format_args!("the salt {:?} has been used", request.salt().as_str()),
            ));
        }
        let mut datagram = self.queue.buffer();
        if let Err(error) = self.pack(request, now, &mut datagram) {
            self.queue.recycle(datagram);
            return Err(error);
        }
        let contacts = Contacts::new(self.choose(coverage));
        let deadline = now.micros.saturating_add(self.config.expire_after);
        Ok(self.admit(now.micros, request, token, deadline, contacts, datagram, None))
    }

    fn check_salt_is_there(&self, request: &Request) -> Result<()> {
        if request.salt().is_empty() {
            return Err(Error::new(Code::MissingSalt, "the request has no salt"));
        }
        Ok(())
    }

    /// Whether the request's salt has served.
    fn is_used(&self, request: &Request) -> bool {
        let salt = request.salt();
        request.is_spent()
            || self.table.find_by(salt.as_bytes(), salt.uuid_bits()).is_some()
            || self.spent.contains(request)
            || (request.salt_was_given() && self.parts_of(salt.as_str()).is_some())
    }

    /// Enters a request that nothing speaks against: its salt was not used.
    #[expect(clippy::too_many_arguments, reason = "these are what a request is made of")]
    fn admit(
        &mut self,
        now: Micros,
        request: &Request,
        token: usize,
        deadline: Micros,
        contacts: Contacts,
        datagram: Vec<u8>,
        query: Option<Box<Query>>,
    ) -> Id {
        for peer in contacts.iter() {
            self.book.retain(peer);
        }
        let outstanding = Outstanding {
            request: request.clone(),
            token,
            key: self.keys.current().clone(),
            left_at: Micros::MAX,
            sent_at: now,
            query,
            contacts: contacts.clone(),
            received: 0,
            settled: 0,
            unsent: contacts.len() as u32,
            failed: 0,
            verdict: Verdict::default(),
            foreign: None,
        };
        let id = self.table.insert(outstanding, deadline);
        request.spend();
        self.queue.push(id, datagram, &contacts);
        self.stats.requests += 1;
        id
    }

    fn coverage(&self, coverage: i32) -> Result<usize> {
        let known = self.peers.len();
        match coverage {
            0 => Ok(known.min(DEFAULT_COVERAGE)),
            -1 => Ok(known),
            ..-1 => Err(Error::with(
                Code::InvalidArgument,
                format_args!("a coverage of {coverage} is less than -1"),
            )),
            _ if coverage as usize > known => Err(Error::with(
                Code::Coverage,
                format_args!("a coverage of {coverage} is more than the known peers, {known}"),
            )),
            _ => Ok(coverage as usize),
        }
    }

    /// Takes back a request that has just been accepted, as if it had never been: nothing of it could be sent.
    pub fn revoke(&mut self, id: Id) {
        let Some(request) = self.detach(id) else { return };
        self.release(&request.contacts);
        request.request.unspend();
        self.stats.requests -= 1;
    }

    /// Ends a request at the program's wish. Its last event is [`EventKind::Cancel`], or that of a query.
    pub fn cancel(&mut self, now: Micros, salt: &str) -> Result<()> {
        if let Some(id) = self.table.find(salt) {
            self.cancel_one(now, id);
        } else if let Some(parts) = self.parts_of(salt) {
            self.stats.cancelled += parts.len() as u64;
            self.cancel_parts(now, parts);
        } else {
            return Err(Error::with(
                Code::UnknownRequest,
                format_args!("no outstanding request has the salt {salt:?}"),
            ));
        }
        Ok(())
    }

    fn cancel_one(&mut self, now: Micros, id: Id) {
        self.stats.cancelled += 1;
        if self.is_query(id) {
            self.end_query(now, id, Outcome::Cancelled);
        } else {
            self.end(id, EventKind::Cancel);
        }
    }

    fn is_query(&self, id: Id) -> bool {
        self.table.get(id).is_some_and(|asked| asked.query.is_some())
    }

    /// Ends every request.
    pub fn cancel_all(&mut self, now: Micros) {
        while let Some(id) = self.table.first() {
            self.cancel_one(now, id);
        }
    }

    /// Whether [`Engine::expire`] has something to do.
    pub fn is_due(&self, now: Micros) -> bool {
        let has_come = |deadline: Option<Micros>| deadline.is_some_and(|deadline| deadline <= now);
        has_come(self.table.next_deadline())
            || has_come(self.pace.next_give_up())
            || has_come(self.late.next())
            || has_come(self.keys.deadline())
    }

    /// Ends the requests whose deadline has come, and has queries ask again whose time for that has come, at most
    /// `most` of them; says how many. Those that are left keep [`Engine::next_deadline`] in the past.
    pub fn expire(&mut self, now: Now, most: usize) -> usize {
        self.keys.forget_old(now.micros);
        self.pace.give_up(now.micros);
        while let Some(remains) = self.late.pop_first(now.micros) {
            self.release(&remains.contacts);
        }
        let mut done = 0;
        while done < most && self.table.next_deadline().is_some_and(|deadline| deadline <= now.micros) {
            let Some(id) = self.table.first() else { break };
            if self.is_query(id) {
                self.query_is_due(now, id);
            } else {
                self.stats.expired += 1;
                self.end(id, EventKind::Expire);
            }
            done += 1;
        }
        done
    }

    fn end(&mut self, id: Id, kind: EventKind) {
        let Some(ended) = self.detach(id) else { return };
        self.release(&ended.contacts);
        self.spent.remember(&ended.request);
        let event = Event {
            kind,
            token: ended.token,
            sent: ended.contacts.len() as u32,
            received: ended.received,
            consistent: ended.verdict.consistent(),
            request: ended.request,
            id: Some(id),
        };
        self.events.push_back(event);
    }

    /// Detaches a request from everything that leads to it; what it holds of the book is still held.
    fn detach(&mut self, id: Id) -> Option<Outstanding> {
        let asked = self.table.get(id)?;
        let (unsent, place) = (asked.unsent, asked.query.as_ref().map(|query| query.place));
        let ended = self.table.remove(id);
        self.queue.forget(unsent, &self.table);
        if let Some(place) = place {
            self.leave_queries(place);
        }
        ended
    }

    fn release(&mut self, contacts: &Contacts) {
        for peer in contacts.iter() {
            self.book.release(peer);
        }
    }

    /// Gives a request more time, as `wait` does.
    pub fn extend(&mut self, id: Id, by: Micros) {
        self.table.extend(id, by);
    }

    /// The outstanding request with this salt, if it is no query.
    pub fn find(&self, salt: &str) -> Option<Id> {
        self.table.find(salt).filter(|id| !self.is_query(*id))
    }

    /// How far a request has come; `None` once it has ended.
    pub fn progress(&self, id: Id) -> Option<Progress> {
        self.table.get(id).map(|asked| Progress {
            sent: asked.contacts.len() as u32,
            received: asked.received,
            settled: asked.settled,
        })
    }

    /// When to call [`Engine::expire`]; `None` if nothing is outstanding and no old key waits to be wiped.
    pub fn next_deadline(&self) -> Option<Micros> {
        // Only where something waits for it does it matter when a datagram is given up.
        let waits = self.queue.waiting() > 0 && self.pace.room() == 0;
        let give_up = if waits { self.pace.next_give_up() } else { None };
        earliest(earliest(self.table.next_deadline(), give_up), self.keys.deadline())
    }

    /// The next event, oldest first. Tell [`Engine::upcall_returned`] when the program has been told of it.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether there is anything to tell, to log or to send.
    pub fn has_news(&self) -> bool {
        self.has_events() || self.has_log_lines() || self.sendable() > 0
    }

    /// Whether there are events.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Drops the replies among the events: the client is going. Last events stay.
    pub fn drop_replies(&mut self) {
        self.events.retain(|event| !matches!(event.kind, EventKind::Reply { .. } | EventKind::HeldBack));
    }

    /// The program has been told of an event of this request, a reply of a peer that was asked.
    pub fn upcall_returned(&mut self, event: &Event) -> Option<Id> {
        let answer = matches!(event.kind, EventKind::Reply { asked: true, .. } | EventKind::HeldBack);
        if let (true, Some(asked)) = (answer, event.id.and_then(|id| self.table.get_mut(id))) {
            asked.settled += 1;
        }
        event.id
    }

    /// Requests outstanding, and those of them that nobody has answered.
    pub fn outstanding(&self) -> (usize, usize) {
        (self.table.len(), self.table.unanswered())
    }

    /// Replies so far.
    pub fn replies(&self) -> u64 {
        self.stats.replies
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        Stats { outstanding: self.table.len() as u64, queued: self.queue.waiting() as u64, ..self.stats }
    }
}
