//! A question with more addresses than a datagram holds: it is asked in parts, each of which is judged by itself,
//! and the answers are joined in order, as one completion. Few parts are under way at a time: their answers are
//! long, and many at once overflow the socket, or keep the servers busy until they are asked again.

use std::sync::Arc;

use crate::engine::query::{Ask, Outcome, QueryResult};
use crate::engine::table::Id;
use crate::engine::{Engine, Micros, Now};
use crate::error::{Code, Error, Result};
use crate::wire::answer::{Answer, Kind, Value};
use crate::wire::query::Query as Question;
use crate::wire::query::RequestType;
use crate::wire::reply::{Reply, STATUS_ERROR, STATUS_OK};
use crate::wire::request::{PROTOCOL, Request};
use crate::wire::salt::Salt;

/// How many answers may be under way at a time.
const ANSWERS_UNDER_WAY: usize = 16;

/// A query that is asked in parts.
#[derive(Debug)]
pub(super) struct Whole {
    request: Request,
    ask: Ask,
    coverage: usize,
    /// When it was asked, and what its requests are stamped with.
    asked: Now,
    parts: Vec<Part>,
    /// Parts from this one on have not been asked yet.
    next: usize,
    under_way: usize,
    most_under_way: usize,
    running: usize,
}

#[derive(Debug)]
struct Part {
    request: Request,
    id: Option<Id>,
    addresses: usize,
    result: Option<QueryResult>,
}

impl Engine {
    /// Asks in parts what is too long for one datagram; fails with `too_big` where that cannot be done.
    pub(super) fn query_in_parts(
        &mut self,
        now: Now,
        request: &Request,
        ask: Ask,
        coverage: usize,
        salts: &mut dyn FnMut() -> Result<Salt>,
        too_big: Error,
    ) -> Result<()> {
        let Some((addresses, link)) = addresses_of(request) else { return Err(too_big) };
        if too_big.code() != Code::RequestTooBig {
            return Err(too_big);
        }
        let parts: Vec<Part> = self
            .divide(now, request, &addresses, link.as_deref(), salts, &too_big)?
            .into_iter()
            .map(|(request, addresses)| Part { request, id: None, addresses, result: None })
            .collect();
        // Everything that could fail has been done; from here on all parts are asked.
        request.spend();
        // Where a part that is stuck is not asked again in time, the others do not wait for it.
        let every = self.config.retry_every;
        let patient = every > 0 && ask.timeout.is_none_or(|timeout| every < timeout);
        let most_under_way = if patient { (ANSWERS_UNDER_WAY / coverage).max(1) } else { parts.len() };
        let number = self.next_whole;
        self.next_whole += 1;
        let whole = Whole {
            request: request.clone(),
            ask,
            coverage,
            asked: now,
            next: 0,
            under_way: 0,
            most_under_way,
            running: parts.len(),
            parts,
        };
        self.wholes.insert(number, whole);
        self.ask_parts(now.micros, number);
        Ok(())
    }

    /// Asks the next parts, as many as may be under way.
    fn ask_parts(&mut self, now: Micros, number: u64) {
        while let Some(whole) = self.wholes.get_mut(&number) {
            let index = whole.next;
            let Some(part) = whole.parts.get(index).filter(|_| whole.under_way < whole.most_under_way) else {
                return;
            };
            whole.next += 1;
            whole.under_way += 1;
            let (request, ask, asked) = (part.request.clone(), whole.ask, whole.asked);
            let coverage = whole.coverage.min(self.peers.len());
            // It ends with the whole, whenever it begins.
            let mut query = self.new_query(asked, ask, coverage, Some((number, index)));
            query.begin(self.retry_after(now));
            let now = Now { micros: now, unix: asked.unix };
            let (contacts, _) = self.choose_for_query(now.micros, coverage);
            let mut datagram = Vec::new();
            // It fitted before, and its salt is its own.
            if self.pack(&request, now, &mut datagram).is_err() {
                continue;
            }
            let id = self.admit_query(now, &request, ask.token, datagram, query, contacts);
            if let Some(whole) = self.wholes.get_mut(&number) {
                whole.parts[index].id = Some(id);
            }
        }
    }

    /// A part has to be asked again, so the others wait for it no longer.
    pub(super) fn part_is_stuck(&mut self, now: Micros, number: u64) {
        if let Some(whole) = self.wholes.get_mut(&number) {
            whole.most_under_way = usize::MAX;
            self.ask_parts(now, number);
        }
    }

    /// Requests for consecutive addresses, each as many as its datagram holds, with their counts.
    fn divide(
        &mut self,
        now: Now,
        request: &Request,
        addresses: &[String],
        link: Option<&str>,
        salts: &mut dyn FnMut() -> Result<Salt>,
        too_big: &Error,
    ) -> Result<Vec<(Request, usize)>> {
        let mut parts = Vec::new();
        let mut rest = addresses;
        // The first guess is as many as the whole has, and then what the part before held.
        let mut count = rest.len();
        while !rest.is_empty() {
            count = count.min(rest.len());
            let mut part = Request::new(request.kind(), Question::NONE, salts()?);
            let mut fits = |count: usize| {
                let addresses: Vec<&str> = rest[..count].iter().map(String::as_str).collect();
                part.set_query(Question::ips(&addresses, link));
                self.pack(&part, now, &mut Vec::new()).is_ok()
            };
            // The longest beginning that fits, which is about as long as the one before: the way there is short.
            let (mut least, mut most) = (0, count - 1);
            if fits(count) {
                let mut step = 1;
                (least, most) = (count, rest.len());
                while least < most {
                    let next = most.min(least + step);
                    if !fits(next) {
                        most = next - 1;
                        break;
                    }
                    least = next;
                    step *= 2;
                }
            }
            while least < most {
                let middle = (least + most).div_ceil(2);
                if fits(middle) { least = middle } else { most = middle - 1 }
            }
            if least == 0 || !fits(least) {
                return Err(too_big.clone());
            }
            parts.push((part, least));
            rest = &rest[least..];
            count = least;
        }
        Ok(parts)
    }

    /// A part has ended; the whole ends with its last one.
    pub(super) fn part_ended(&mut self, now: Micros, number: u64, part: usize, result: QueryResult) {
        let Some(whole) = self.wholes.get_mut(&number) else { return };
        if result.outcome != Outcome::Answered {
            // It was cancelled or its time is over, and so is that of those which have not been asked.
            let first = std::mem::replace(&mut whole.next, whole.parts.len());
            for part in &mut whole.parts[first..] {
                part.result = Some(QueryResult::unasked(result.needed));
                whole.running -= 1;
            }
        }
        if let Some(part) = whole.parts.get_mut(part) {
            part.result = Some(result);
        }
        whole.under_way -= 1;
        whole.running -= 1;
        if whole.running > 0 {
            self.ask_parts(now, number);
            return;
        }
        let Some(whole) = self.wholes.remove(&number) else { return };
        self.spent.remember(&whole.request);
        let result = join(&whole.parts);
        self.tell(whole.request, whole.ask.token, whole.ask.quiet, result);
    }

    /// The parts that still run of the query with this salt, which is none of theirs.
    pub(super) fn parts_of(&self, salt: &str) -> Option<Vec<Id>> {
        let whole =
            self.wholes.iter().map(|(_, whole)| whole).find(|whole| whole.request.salt().as_str() == salt)?;
        Some(whole.parts.iter().filter(|part| part.result.is_none()).filter_map(|part| part.id).collect())
    }

    /// Ends a query that is asked in parts, at the program's wish.
    pub(super) fn cancel_parts(&mut self, now: Micros, parts: Vec<Id>) {
        for part in parts {
            self.end_query(now, part, Outcome::Cancelled);
        }
    }
}

/// The list of addresses of a type 2 request, and its link.
fn addresses_of(request: &Request) -> Option<(Vec<String>, Option<String>)> {
    if request.kind() != RequestType::NodePipByInstanceIp {
        return None;
    }
    let query = Answer::new(request.query().as_c_str().to_str().ok()?);
    let text = |value: Value| Some(value.string().ok()?.to_str().ok()?.to_owned());
    let link = match query.find("/0") {
        Err(_) => None,
        Ok(link) => Some(text(link)?),
    };
    let whole = query.find("").ok()?;
    let mut others = false;
    for index in 0..whole.count().ok()? {
        others |= ![c"0", c"2"].contains(&whole.key(index).ok()?);
    }
    let list = query.find("/2").ok()?;
    let addresses = (0..list.count().ok()?).map(|index| text(list.element(index).ok()?));
    let addresses = addresses.collect::<Option<Vec<_>>>()?;
    (!others && !addresses.is_empty()).then_some((addresses, link))
}

/// One result of those of all parts. It is answered if all are; an address of a part that nobody has answered has
/// the status of an internal error.
fn join(parts: &[Part]) -> QueryResult {
    let results = || parts.iter().filter_map(|part| part.result.as_ref());
    let all = |outcome: Outcome| results().all(|result| result.outcome == outcome);
    let any = |outcome: Outcome| results().any(|result| result.outcome == outcome);
    let outcome = if any(Outcome::Cancelled) {
        Outcome::Cancelled
    } else if all(Outcome::Answered) {
        Outcome::Answered
    } else if all(Outcome::NoReply) {
        Outcome::NoReply
    } else {
        Outcome::Partial
    };
    let oks = || results().filter_map(|result| result.reply.as_ref()).filter(|reply| reply.is_ok());
    let reply = match oks().map(|reply| reply.serial()).min() {
        // The whole is as fresh as its stalest part.
        Some(serial) => Some(Arc::new(Reply::new(PROTOCOL, STATUS_OK, serial, &joined_answer(parts)))),
        None => results().find_map(|result| result.reply.clone()),
    };
    QueryResult {
        outcome,
        server: results().find(|result| result.reply.is_some()).and_then(|result| result.server.clone()),
        reply,
        sent: results().map(|result| result.sent).max().unwrap_or(0),
        received: results().map(|result| result.received).min().unwrap_or(0),
        needed: results().map(|result| result.needed).max().unwrap_or(0),
        errors: results().map(|result| result.errors).max().unwrap_or(0),
        consistent: results().all(|result| result.consistent),
    }
}

fn joined_answer(parts: &[Part]) -> String {
    let mut joined = String::from("[");
    let mut push = |element: &str| {
        if joined.len() > 1 {
            joined.push(',');
        }
        joined.push_str(element);
    };
    for part in parts {
        let reply = part.result.as_ref().and_then(|result| result.reply.as_deref());
        let elements = reply.filter(|reply| reply.is_ok()).and_then(|reply| {
            // What is no list, or one of another length, would shift what follows it.
            let list = reply.answer().find("").ok().filter(|answer| answer.kind() == Kind::Array)?;
            (list.count().ok()? == part.addresses).then(|| list.text().trim_ascii())
        });
        match elements {
            Some(list) => {
                let inside = list.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
                push(inside.unwrap_or_default().trim_ascii());
            }
            None => {
                let number = reply.and_then(|reply| reply.answer().find("").ok()?.int().ok()).unwrap_or(1);
                let status = reply.map_or(STATUS_ERROR, Reply::status).max(STATUS_ERROR);
                for _ in 0..part.addresses {
                    push(&format!("[{status},{number},0]"));
                }
            }
        }
    }
    joined.push(']');
    joined
}
