//! Queries: one question, one completion. The engine asks, asks again, asks others in the place of those that
//! refuse or are silent, and judges the replies: an ok one beats an error, and among ok ones the highest serial.

use std::ffi::CStr;
use std::sync::Arc;

use crate::engine::book::PeerId;
use crate::engine::contacts::Contacts;
use crate::engine::event::{Event, EventKind};
use crate::engine::late::Remains;
use crate::engine::table::{Id, Outstanding, bits_of};
use crate::engine::{Engine, Micros, Now, needed_replies};
use crate::error::Result;
use crate::wire::key::Key;
use crate::wire::reply::Reply;
use crate::wire::request::Request;
use crate::wire::salt::Salt;

/// How old a request's time stamp may be before it is signed anew, in seconds. A server takes 300 from its own
/// clock, and the clocks may differ.
const STAMP_IS_FRESH: u64 = 60;

/// How a query ended; the discriminants are the C API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Outcome {
    /// Enough peers have answered.
    Answered = 0,
    /// Some have, and then the time was over.
    Partial = 1,
    /// Nobody has.
    NoReply = 2,
    /// It was cancelled.
    Cancelled = 3,
}

/// What a query found.
#[derive(Clone, Debug)]
pub struct QueryResult {
    /// How it ended.
    pub outcome: Outcome,
    /// The best reply.
    pub reply: Option<Arc<Reply>>,
    /// Who gave it: the address as text, and the port.
    pub server: Option<(Arc<CStr>, u16)>,
    /// Peers that were asked.
    pub sent: u32,
    /// Distinct ones of them that have answered.
    pub received: u32,
    /// Answers that make it [`Outcome::Answered`]: those that its first coverage needs.
    pub needed: u32,
    /// Error replies among those received.
    pub errors: u32,
    /// False once two ok replies had one serial and different answers.
    pub consistent: bool,
}

impl QueryResult {
    /// That of a part which nobody was asked.
    pub(super) fn unasked(needed: u32) -> Self {
        let (outcome, reply, server) = (Outcome::NoReply, None, None);
        QueryResult { outcome, reply, server, sent: 0, received: 0, needed, errors: 0, consistent: true }
    }
}

/// How a query is to be asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// As for [`Engine::send`].
    pub coverage: i32,
    /// How long it may take, in microseconds; `None` for ever.
    pub timeout: Option<Micros>,
    /// Comes back with the result.
    pub token: usize,
    /// Whether the result is kept for [`Engine::take_result`]; else it comes as an event.
    pub quiet: bool,
}

/// What a query is besides a request.
#[derive(Debug)]
pub(super) struct Query {
    /// Where it stands in the engine's list of queries.
    pub(super) place: usize,
    needed: u32,
    ends: Micros,
    quiet: bool,
    /// The query that this is a part of, and which.
    pub(super) part_of: Option<(u64, usize)>,
    stamp: u64,
    retries: u32,
    next_retry: Micros,
    /// The keys beside that of its request that it was signed with, while they changed.
    other_keys: Vec<Arc<Key>>,
    /// The epoch of the last attempt's key, so that the next one tries the other.
    last_epoch: u32,
    best: Option<Best>,
    errors: u32,
    /// Peers that were asked later than the first ones, and when what asked them left; the end of time until then.
    joined: Vec<(PeerId, Micros)>,
}

#[derive(Debug)]
struct Best {
    reply: Arc<Reply>,
    ip: Arc<CStr>,
    port: u16,
}

impl Query {
    /// The keys beside that of its request that replies may be signed with.
    pub(super) fn other_keys(&self) -> &[Arc<Key>] {
        &self.other_keys
    }

    /// When a peer was asked first.
    pub(super) fn asked_at(&self, peer: PeerId) -> Option<Micros> {
        joined_at(&self.joined, peer)
    }

    /// A datagram has left for a peer.
    pub(super) fn note_sent(&mut self, peer: PeerId, now: Micros) {
        if let Some((_, left_at)) = self.joined.iter_mut().find(|(joined, _)| *joined == peer) {
            *left_at = now.min(*left_at);
        }
    }

    /// It is asked later than it was made.
    pub(super) fn begin(&mut self, next_retry: Micros) {
        self.next_retry = next_retry;
    }

    fn next_deadline(&self) -> Micros {
        self.ends.min(self.next_retry)
    }

    fn take(&mut self, reply: Arc<Reply>, ip: Arc<CStr>, port: u16) {
        self.errors += u32::from(!reply.is_ok());
        let better = self.best.as_ref().is_none_or(|best| {
            reply.is_ok() && (!best.reply.is_ok() || reply.serial() > best.reply.serial())
        });
        if better {
            self.best = Some(Best { reply, ip, port });
        }
    }

    fn result(&mut self, outcome: Outcome, asked: &Outstanding) -> QueryResult {
        let (reply, server) = self.best.take().map(|best| (best.reply, (best.ip, best.port))).unzip();
        QueryResult {
            outcome,
            reply,
            server,
            sent: asked.contacts.len() as u32,
            received: asked.received,
            needed: self.needed,
            errors: self.errors,
            consistent: asked.verdict.consistent(),
        }
    }
}

/// When a peer was asked first, where that was later than the first ones.
pub(super) fn joined_at(joined: &[(PeerId, Micros)], peer: PeerId) -> Option<Micros> {
    joined.iter().find(|(joined, _)| *joined == peer).map(|(_, at)| *at)
}

impl Engine {
    /// Asks a question that is answered once. A request whose salt has been used gets a fresh one from `salts`,
    /// which are random; and so does each part, where the list of addresses is too long for one datagram.
    ///
    /// Gives the request's name, where it is one request: if nothing of it can be sent, it is to be
    /// [revoked](Engine::revoke).
    pub fn query(
        &mut self,
        now: Now,
        request: &mut Request,
        ask: Ask,
        salts: &mut dyn FnMut() -> Result<Salt>,
    ) -> Result<Option<Id>> {
        let coverage = self.coverage(ask.coverage)?;
        self.check_salt_is_there(request)?;
        if self.is_used(request) {
            request.renew_salt(salts()?);
        }
        let mut datagram = self.queue.buffer();
        let packed = self.pack(request, now, &mut datagram);
        if let Err(error) = packed {
            self.queue.recycle(datagram);
            return self.query_in_parts(now, request, ask, coverage, salts, error).map(|()| None);
        }
        let (contacts, beside) = self.choose_for_query(now.micros, coverage);
        let query = self.new_query(now, ask, coverage, None);
        let id = self.admit_query(now, request, ask.token, datagram, query, contacts);
        self.ask_also(id, &beside);
        Ok(Some(id))
    }

    pub(super) fn new_query(
        &self,
        now: Now,
        ask: Ask,
        coverage: usize,
        part_of: Option<(u64, usize)>,
    ) -> Query {
        Query {
            place: 0,
            needed: needed_replies(coverage as u32),
            ends: ask.timeout.map_or(Micros::MAX, |timeout| now.micros.saturating_add(timeout)),
            quiet: ask.quiet,
            part_of,
            stamp: now.unix,
            retries: 0,
            next_retry: self.retry_after(now.micros),
            other_keys: Vec::new(),
            last_epoch: self.keys.epoch(),
            best: None,
            errors: 0,
            joined: Vec::new(),
        }
    }

    pub(super) fn admit_query(
        &mut self,
        now: Now,
        request: &Request,
        token: usize,
        datagram: Vec<u8>,
        mut query: Query,
        contacts: Contacts,
    ) -> Id {
        let deadline = query.next_deadline();
        query.place = self.queries.len();
        let query = match self.spare.take() {
            Some(mut spare) => {
                *spare = query;
                spare
            }
            None => Box::new(query),
        };
        let id = self.admit(now.micros, request, token, deadline, contacts, datagram, Some(query));
        self.queries.push(id);
        id
    }

    /// The query at this place of the list has ended; the last one takes its place.
    pub(super) fn leave_queries(&mut self, place: usize) {
        self.queries.swap_remove(place);
        let moved = self.queries.get(place).and_then(|id| self.table.get_mut(*id));
        if let Some(query) = moved.and_then(|asked| asked.query.as_mut()) {
            query.place = place;
        }
    }

    pub(super) fn retry_after(&self, now: Micros) -> Micros {
        match self.config.retry_every {
            0 => Micros::MAX,
            every => now.saturating_add(every),
        }
    }

    /// A contacted peer has answered a query. Ends it if that was enough.
    pub(super) fn judge(&mut self, now: Micros, id: Id, peer: PeerId, reply: Arc<Reply>) {
        let Some(asked) = self.table.get_mut(id) else { return };
        let received = asked.received;
        let Some(query) = &mut asked.query else { return };
        if let (Some(entry), Some(address)) = (self.book.get(peer), self.book.address(peer)) {
            query.take(reply, entry.text.clone(), address.port());
        }
        if received >= query.needed {
            self.end_query(now, id, Outcome::Answered);
        }
    }

    /// The time of a query has come: to be asked again, or to end.
    pub(super) fn query_is_due(&mut self, now: Now, id: Id) {
        let Some(asked) = self.table.get(id) else { return };
        let Some(query) = &asked.query else { return };
        if now.micros < query.ends {
            self.ask_again(now, id);
        } else {
            let outcome = if asked.received > 0 { Outcome::Partial } else { Outcome::NoReply };
            self.stats.expired += 1;
            self.end_query(now.micros, id, outcome);
        }
    }

    /// Asks the silent peers of a query again, and as many others.
    fn ask_again(&mut self, now: Now, id: Id) {
        let next_retry = self.retry_after(now.micros);
        let (epoch, rotates) = (self.keys.epoch(), self.keys.rotates());
        let Some(asked) = self.table.get_mut(id) else { return };
        let silent: Vec<PeerId> = asked.contacts.silent().collect();
        let waiting = asked.unsent > 0;
        let Some(query) = &mut asked.query else { return };
        query.next_retry = next_retry;
        let part_of = query.part_of;
        let deadline = query.next_deadline();
        let mut is_turn_of_the_old = false;
        // While the first datagrams still wait for room there is nothing to repeat.
        if !waiting {
            query.retries += 1;
            // After a change of keys attempts alternate, and the first one after it is under the new key.
            is_turn_of_the_old = query.last_epoch == epoch;
            query.last_epoch = epoch.wrapping_sub(u32::from(rotates && is_turn_of_the_old));
            if query.stamp.abs_diff(now.unix) > STAMP_IS_FRESH {
                query.stamp = now.unix;
            }
            asked.contacts.mark_silent_asked_again();
        }
        self.table.set_deadline(id, deadline);
        if waiting {
            return;
        }
        self.stats.retries += silent.len() as u64;
        let (old, new): (Vec<_>, Vec<_>) =
            silent.iter().partition(|&&peer| is_turn_of_the_old && self.may_have_the_old_key(peer));
        self.send_again(id, &new, false);
        self.send_again(id, &old, true);
        let Some(asked) = self.table.get(id) else { return };
        let contacts = asked.contacts.clone();
        let fresh = self.choose_fresh(now.micros, &contacts, silent.len());
        self.ask_also(id, &fresh);
        if let Some((whole, _)) = part_of {
            self.part_is_stuck(now.micros, whole);
        }
    }

    /// Whether a peer's daemon may not have read the new key yet.
    fn may_have_the_old_key(&self, peer: PeerId) -> bool {
        self.keys.previous_for(peer, &self.book).is_some()
    }

    /// Asks peers beside those that a query has asked so far.
    fn ask_also(&mut self, id: Id, peers: &[PeerId]) {
        let Some(asked) = self.table.get_mut(id).filter(|_| !peers.is_empty()) else { return };
        let Some(query) = &mut asked.query else { return };
        query.joined.extend(peers.iter().map(|&peer| (peer, Micros::MAX)));
        let was_retried = query.retries > 0;
        asked.contacts.add(peers);
        for &peer in peers {
            self.book.retain(peer);
        }
        self.send_again(id, peers, false);
        if was_retried {
            // These come too late to be asked under one key and, after another wait, under the other.
            let old: Vec<_> = peers.iter().copied().filter(|&peer| self.may_have_the_old_key(peer)).collect();
            self.send_again(id, &old, true);
        }
    }

    /// Puts a query's datagram into the queue for these peers.
    fn send_again(&mut self, id: Id, peers: &[PeerId], with_old_key: bool) {
        if peers.is_empty() {
            return;
        }
        let key = match self.keys.previous().filter(|_| with_old_key) {
            Some(previous) => previous.clone(),
            None => self.keys.current().clone(),
        };
        let limit = self.config.max_request_bytes;
        let mut datagram = self.queue.buffer();
        let Some(asked) = self.table.get_mut(id) else { return };
        let Some(query) = &mut asked.query else { return };
        self.stamp.advance(query.stamp);
        if !std::iter::once(&asked.key).chain(&query.other_keys).any(|known| Arc::ptr_eq(known, &key)) {
            query.other_keys.push(key.clone());
        }
        // It fitted the limit before, and neither the key nor the time changes its length.
        if asked.request.pack(&key, &self.stamp, limit, &mut datagram).is_err() {
            self.queue.recycle(datagram);
            return;
        }
        asked.unsent += peers.len() as u32;
        self.queue.push(id, datagram, &Contacts::new(peers));
    }

    /// A peer's host refuses, or the system cannot reach it: another takes its place at once.
    pub(super) fn replace_in_query(&mut self, now: Micros, id: Id, peer: PeerId) {
        let Some(asked) = self.table.get_mut(id).filter(|asked| asked.query.is_some()) else { return };
        let Some(position) = asked.contacts.position(peer) else { return };
        if !asked.contacts.mark_refused(position) {
            return;
        }
        let contacts = asked.contacts.clone();
        let fresh = self.choose_fresh(now, &contacts, 1);
        self.ask_also(id, &fresh);
    }

    /// Ends a query: its result is told, and of the query remains what its late answers are credited by.
    pub(super) fn end_query(&mut self, now: Micros, id: Id, outcome: Outcome) {
        let Some(mut ended) = self.detach(id) else { return };
        let Some(mut query) = ended.query.take() else { return };
        self.spent.remember(&ended.request);
        let until = if query.ends == Micros::MAX { now + self.config.expire_after } else { query.ends };
        if until > now && outcome != Outcome::Cancelled && ended.contacts.silent().next().is_some() {
            let remains = Remains {
                kind: ended.request.kind(),
                contacts: ended.contacts.clone(),
                key: Arc::downgrade(&ended.key),
                other_keys: query.other_keys.iter().map(Arc::downgrade).collect(),
                left_at: ended.left_at,
                sent_at: ended.sent_at,
                joined: query.joined.clone(),
                until,
            };
            let gone = self.late.insert(bits_of(ended.request.salt()), remains);
            self.release_remains(gone);
        } else {
            self.release(&ended.contacts);
        }
        let (quiet, part_of) = (query.quiet, query.part_of);
        let result = query.result(outcome, &ended);
        // Its memory serves the next one, and holds no key until then.
        query.other_keys = Vec::new();
        self.spare = Some(query);
        match part_of {
            Some((whole, part)) => self.part_ended(now, whole, part, result),
            None => self.tell(ended.request, ended.token, quiet, result),
        }
    }

    /// Tells the result of a query: keeps it for the thread that waits, or makes it an event.
    pub(super) fn tell(&mut self, request: Request, token: usize, quiet: bool, result: QueryResult) {
        if quiet {
            self.results.push((token, result));
            return;
        }
        self.events.push_back(Event {
            sent: result.sent,
            received: result.received,
            consistent: result.consistent,
            kind: EventKind::Query(Box::new(result)),
            request,
            token,
            id: None,
        });
    }

    /// The result of a quiet query, once it is there.
    pub fn take_result(&mut self, token: usize) -> Option<QueryResult> {
        let place = self.results.iter().position(|(of, _)| *of == token)?;
        Some(self.results.swap_remove(place).1)
    }

    /// Whether the result of a quiet query is there.
    pub fn has_result(&self, token: usize) -> bool {
        self.results.iter().any(|(of, _)| *of == token)
    }

    /// Whether results of quiet queries wait to be taken.
    pub fn has_results(&self) -> bool {
        !self.results.is_empty()
    }

    pub(super) fn release_remains(&mut self, remains: Option<Remains>) {
        if let Some(remains) = remains {
            self.release(&remains.contacts);
        }
    }
}
