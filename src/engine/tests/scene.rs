//! What the tests share: an engine in virtual time, requests to it, and the replies of servers.

use std::net::{IpAddr, SocketAddr};

use serde_json::json;

use crate::engine::peers::Peer;
use crate::engine::{Ask, Config, Engine, Event, EventKind, Id, Micros, Now, QueryResult, SECOND, Stats};
use crate::error::Result;
use crate::wire::key::{Key, TAG_LEN};
use crate::wire::query::{Query, RequestType};
use crate::wire::request::Request;
use crate::wire::salt::Salt;

pub(super) const EXPIRY: Micros = 10 * SECOND;

pub(super) fn key() -> Key {
    Key::new(b"the key of the cluster\n").unwrap()
}

/// The address of the peer with this number.
pub(super) fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, (number >> 8) as u8, number as u8], 1814))
}

pub(super) fn peer(number: usize) -> Peer {
    Peer::new(address(number))
}

pub(super) fn peers(count: usize) -> Vec<Peer> {
    (0..count).map(peer).collect()
}

pub(super) fn at(micros: Micros) -> Now {
    Now { micros, unix: 1_795_375_589 }
}

/// A request with the fresh salt of this number.
pub(super) fn fresh(number: u128) -> Request {
    Request::new(
        RequestType::ClusterMaster,
        Query::NONE,
        Salt::from_random((number ^ 0xabcd << 112).to_be_bytes()),
    )
}

/// A request with a salt that the program chose.
pub(super) fn salted(salt: &str) -> Request {
    let mut request = fresh(0);
    request.set_salt(Salt::from_text(salt).unwrap());
    request
}

pub(super) fn hex(tag: &[u8; TAG_LEN]) -> String {
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a server signs, as it leaves when all of it is escaped or ASCII.
pub(super) fn signed(key: &Key, salt: &str, message: &str) -> Vec<u8> {
    let tag = hex(&key.sign(salt.as_bytes(), message.as_bytes()));
    format!("plj0{}", json!({ "msg": message, "salt": salt, "hmac": tag })).into_bytes()
}

pub(super) fn message(status: i32, answer: &str, serial: i64) -> String {
    format!("{{\"protocol\":1,\"status\":{status},\"answer\":{answer},\"serial\":{serial}}}")
}

/// An ok reply to the request with this salt.
pub(super) fn reply(salt: &str) -> Vec<u8> {
    signed(&key(), salt, &message(0, "\"node1\"", 7))
}

/// The sum of all reasons for which datagrams were dropped.
pub(super) fn dropped(stats: &Stats) -> u64 {
    stats.dropped_magic
        + stats.dropped_malformed
        + stats.dropped_signature
        + stats.dropped_salt
        + stats.dropped_source
        + stats.dropped_duplicate
}

/// An event, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) what: What,
    pub(super) salt: String,
    pub(super) token: usize,
    pub(super) sent: u32,
    pub(super) received: u32,
    pub(super) consistent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Reply { from: SocketAddr, asked: bool, status: i32, serial: i64, answer: String },
    HeldBack,
    Expire,
    Cancel,
    Query,
}

impl What {
    pub(super) fn is_last(&self) -> bool {
        matches!(self, What::Expire | What::Cancel)
    }
}

impl From<&Event> for Told {
    fn from(event: &Event) -> Self {
        let what = match &event.kind {
            EventKind::Reply { reply, ip, port, asked } => What::Reply {
                from: SocketAddr::new(ip.to_str().unwrap().parse::<IpAddr>().unwrap(), *port),
                asked: *asked,
                status: reply.status(),
                serial: reply.serial(),
                answer: reply.answer().text().to_owned(),
            },
            EventKind::HeldBack => What::HeldBack,
            EventKind::Expire => What::Expire,
            EventKind::Cancel => What::Cancel,
            EventKind::Query(_) => What::Query,
        };
        Told {
            what,
            salt: event.request.salt().as_str().to_owned(),
            token: event.token,
            sent: event.sent,
            received: event.received,
            consistent: event.consistent,
        }
    }
}

/// A request that was accepted and whose datagrams were all sent.
pub(super) struct Asked {
    pub(super) id: Id,
    pub(super) salt: String,
    pub(super) to: Vec<SocketAddr>,
}

/// An engine and the time.
pub(super) struct Scene {
    pub(super) engine: Engine,
    pub(super) now: Micros,
    asked: u128,
}

impl Scene {
    pub(super) fn new(peer_count: usize) -> Self {
        Self::with(Config::default(), peer_count)
    }

    pub(super) fn with(config: Config, peer_count: usize) -> Self {
        Scene { engine: Engine::new(config, key(), &peers(peer_count), 7), now: 1_000_000_000, asked: 0 }
    }

    /// Sends a request with a fresh salt; its token is its number, from 1 on.
    pub(super) fn ask(&mut self, coverage: i32) -> Asked {
        self.asked += 1;
        self.ask_as(&fresh(self.asked), coverage, self.asked as usize)
    }

    pub(super) fn ask_as(&mut self, request: &Request, coverage: i32, token: usize) -> Asked {
        let id = self.engine.send(at(self.now), request, coverage, token).unwrap();
        Asked { id, salt: request.salt().as_str().to_owned(), to: self.flush() }
    }

    /// Sends with a fresh salt and leaves the datagrams in the queue.
    pub(super) fn ask_queued(&mut self, coverage: i32) -> (Id, String) {
        self.asked += 1;
        let request = fresh(self.asked);
        let id = self.engine.send(at(self.now), &request, coverage, self.asked as usize).unwrap();
        (id, request.salt().as_str().to_owned())
    }

    /// Asks a fresh question as a query; its token is its number, from 1 on.
    pub(super) fn query(&mut self, coverage: i32, timeout: Option<Micros>) -> Asked {
        let request = fresh(self.asked + 1);
        self.query_as(request, coverage, timeout)
    }

    /// Queries with this request, whose salt is fresh.
    pub(super) fn query_as(&mut self, mut request: Request, coverage: i32, timeout: Option<Micros>) -> Asked {
        self.asked += 1;
        let ask = Ask { coverage, timeout, token: self.asked as usize, quiet: false };
        let no_salts = &mut || unreachable!("its salt is fresh");
        let id = self.engine.query(at(self.now), &mut request, ask, no_salts).unwrap().unwrap();
        Asked { id, salt: request.salt().as_str().to_owned(), to: self.flush() }
    }

    /// The results of the queries that have ended, by their tokens.
    pub(super) fn results(&mut self) -> Vec<(usize, QueryResult)> {
        let events = std::iter::from_fn(|| self.engine.next_event());
        let results = events.filter_map(|event| match event.kind {
            EventKind::Query(result) => Some((event.token, *result)),
            _ => None,
        });
        results.collect()
    }

    /// Sends all that waits, and says where to.
    pub(super) fn flush(&mut self) -> Vec<SocketAddr> {
        let to: Vec<_> = self.engine.peek_transmits().map(|(_, to)| to).collect();
        for _ in &to {
            self.transmitted();
        }
        to
    }

    pub(super) fn transmitted(&mut self) {
        self.engine.transmitted(self.now);
    }

    pub(super) fn transmit_failed(&mut self, why: &str) -> Option<Id> {
        self.engine.transmit_failed(self.now, &why)
    }

    pub(super) fn handle_unreachable(&mut self, host: SocketAddr) {
        self.engine.handle_unreachable(self.now, host, &[]);
    }

    pub(super) fn cancel(&mut self, salt: &str) -> Result<()> {
        self.engine.cancel(self.now, salt)
    }

    pub(super) fn cancel_all(&mut self) {
        self.engine.cancel_all(self.now);
    }

    pub(super) fn expire(&mut self, now: Micros, most: usize) -> usize {
        self.engine.expire(at(now), most)
    }

    pub(super) fn hear(&mut self, datagram: &[u8], from: SocketAddr) {
        self.engine.handle_datagram(self.now, datagram, &from);
    }

    /// An ok reply with this answer and serial comes from a server.
    pub(super) fn answered(&mut self, salt: &str, from: SocketAddr, answer: &str, serial: i64) {
        self.hear(&signed(&key(), salt, &message(0, answer, serial)), from);
    }

    /// The events so far, none of whose upcalls returns.
    pub(super) fn events(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.engine.next_event()).map(|event| Told::from(&event)).collect()
    }

    /// Makes the upcalls of all events so far.
    pub(super) fn deliver(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        while let Some(event) = self.engine.next_event() {
            told.push(Told::from(&event));
            self.engine.upcall_returned(&event);
        }
        told
    }

    pub(super) fn log(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.engine.next_log_line()).map(|line| line.text).collect()
    }

    /// All that a call without effect must leave as it is.
    pub(super) fn snapshot(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let engine = &self.engine;
        let waiting: Vec<_> = engine.peek_transmits().map(|(data, to)| (data.to_vec(), to)).collect();
        let counts = (engine.book.len(), engine.table.sizes(), engine.queue.held(), engine.events.len());
        (engine.stats(), engine.outstanding(), engine.next_deadline(), waiting, counts)
    }
}
