//! A thousand servers, and very many requests outstanding at once. What the other seeds look at after each step is here
//! looked at now and then, at a sample of the requests; what is told, and the counters, always.
//!
//! `CONFD_REQUESTS=<count>` says how many; `make torture` takes a million.

use std::net::SocketAddr;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::cluster::{KEYS, Question, Signed};
use super::variable;
use crate::engine::peers::Peer;
use crate::engine::tests::scene::{Told, What, dropped};
use crate::engine::{Config, Engine, Id, Micros, Now, Progress, SECOND, Stats};
use crate::wire::key::Key;
use crate::wire::query::{Query, RequestType};
use crate::wire::request::Request;
use crate::wire::salt::Salt;

const REQUESTS: u64 = 5_000;
const SERVERS: usize = 1_000;
const COVERAGE: usize = 6;
const UNIX: u64 = 1_795_375_589;
const EXPIRE_AFTER: Micros = 3_600 * SECOND;
/// How often a sample is looked at in each of the three phases, and how many requests.
const LOOKS: usize = 20;
const SAMPLE: usize = 200;

/// A request, as far as the rules know it.
struct Asked {
    request: Request,
    id: Id,
    deadline: Micros,
    contacts: [usize; COVERAGE],
    /// A bit for each of them.
    answered: u8,
    has_ended: bool,
}

struct Large {
    random: SmallRng,
    engine: Engine,
    keys: Vec<Key>,
    asked: Vec<Asked>,
    now: Micros,
    /// What must have been counted.
    stats: Stats,
    unanswered: usize,
    /// All before this one have ended.
    first_open: usize,
}

fn address(server: usize) -> SocketAddr {
    ([10, 0, (server / 250) as u8, (server % 250) as u8 + 1], 1814).into()
}

impl Large {
    fn new() -> Self {
        let mut random = SmallRng::seed_from_u64(1);
        let peers: Vec<Peer> = (0..SERVERS).map(|server| Peer::new(address(server))).collect();
        let config = Config {
            expire_after: EXPIRE_AFTER,
            max_request_bytes: 1_000,
            filter: false,
            any_source: false,
            log_level: None,
            retry_every: 0,
        };
        Large {
            engine: Engine::new(config, Key::new(KEYS[0]).unwrap(), &peers, random.random()),
            random,
            keys: KEYS.map(|key| Key::new(key).unwrap()).into(),
            asked: Vec::new(),
            now: 0,
            stats: Stats::default(),
            unanswered: 0,
            first_open: 0,
        }
    }

    /// Sends one more, and learns whom it went to.
    fn send(&mut self) {
        let salt = Salt::from_random(self.random.random());
        let request = Request::new(RequestType::ClusterMaster, Query::NONE, salt);
        self.now += 1;
        let now = Now { micros: self.now, unix: UNIX };
        let id = self.engine.send(now, &request, 0, self.asked.len()).unwrap();
        let mut contacts = [SERVERS; COVERAGE];
        for place in 0..COVERAGE {
            let (data, to) = self.engine.peek_transmits().next().expect("a datagram for each");
            if place == 0 && self.asked.len() % SAMPLE == 0 {
                assert_eq!(Question::read(data, &self.keys, 0).salt, request.salt().as_str());
            }
            let server = (0..SERVERS).find(|server| address(*server) == to).expect("only peers are asked");
            assert!(!contacts.contains(&server), "and each once");
            contacts[place] = server;
            self.engine.transmitted(self.now);
        }
        self.stats.requests += 1;
        self.stats.datagrams_out += COVERAGE as u64;
        self.stats.outstanding += 1;
        self.unanswered += 1;
        let deadline = self.now + EXPIRE_AFTER;
        self.asked.push(Asked { request, id, deadline, contacts, answered: 0, has_ended: false });
    }

    /// A datagram comes in, of an ok reply to a request, and counts or not.
    fn arrive(&mut self, which: usize, key: usize, from: SocketAddr, counts: Option<usize>) {
        let asked = &mut self.asked[which];
        let salt = asked.request.salt().as_str();
        let signed = Signed::new(&self.keys, key, salt, Ok((0, 3_189, "\"node1\"".to_owned())));
        self.now += 1;
        self.stats.datagrams_in += 1;
        if let Some(place) = counts {
            self.unanswered -= usize::from(asked.answered == 0);
            asked.answered |= 1 << place;
            self.stats.replies += 1;
        }
        let received = asked.answered.count_ones();
        self.engine.handle_datagram(self.now, &signed.datagram(false), &from);
        let told = self.engine.next_event().map(|event| {
            self.engine.upcall_returned(&event);
            Told::from(&event)
        });
        let expected = counts.map(|_| Told {
            what: What::Reply { from, asked: true, status: 0, serial: 3_189, answer: "\"node1\"".to_owned() },
            salt: self.asked[which].request.salt().as_str().to_owned(),
            token: which,
            sent: COVERAGE as u32,
            received,
            consistent: true,
        });
        assert_eq!(told, expected);
        assert!(!self.engine.has_events());
    }

    /// What becomes of one of a request's datagrams.
    fn answer(&mut self, which: usize, place: usize) {
        let Asked { contacts, answered, has_ended, .. } = self.asked[which];
        let from = address(contacts[place]);
        let kind = self.random.random_range(0..100);
        if kind == 0 && !has_ended {
            self.engine.cancel(self.now, self.asked[which].request.salt().as_str()).unwrap();
            self.ended(which, What::Cancel);
            self.stats.cancelled += 1;
        } else if kind < 10 {
            // It is lost.
        } else if has_ended {
            self.stats.dropped_salt += 1;
            self.arrive(which, 0, from, None);
        } else if kind < 15 {
            let stranger = (0..SERVERS).find(|server| !contacts.contains(server)).map(address);
            self.stats.dropped_source += 1;
            self.arrive(which, 0, stranger.expect("not all were asked"), None);
        } else if kind < 20 {
            self.stats.dropped_signature += 1;
            self.arrive(which, KEYS.len() - 1, from, None);
        } else {
            assert_eq!(answered >> place & 1, 0);
            self.arrive(which, 0, from, Some(place));
            if kind < 30 {
                self.stats.dropped_duplicate += 1;
                self.arrive(which, 0, from, None);
            }
        }
    }

    /// The next event is the last one of this request.
    fn ended(&mut self, which: usize, what: What) {
        let event = self.engine.next_event().expect("one last event");
        let told = Told::from(&event);
        self.engine.upcall_returned(&event);
        let asked = &mut self.asked[which];
        assert_eq!((told.what, told.token, told.received), (what, which, asked.answered.count_ones()));
        assert!(!std::mem::replace(&mut asked.has_ended, true), "and no other");
        self.unanswered -= usize::from(asked.answered == 0);
        self.stats.outstanding -= 1;
    }

    fn look(&mut self) {
        let open = self.stats.outstanding as usize;
        assert_eq!(self.engine.stats(), self.stats);
        assert_eq!(self.stats.datagrams_in, self.stats.replies + dropped(&self.stats));
        assert_eq!(self.engine.outstanding(), (open, self.unanswered));
        assert_eq!((self.engine.queued(), self.engine.queue.held() <= 65), (0, true));
        assert_eq!(self.engine.table.sizes(), [open; 3]);
        assert!(self.engine.table.places() <= self.asked.len());
        assert_eq!(self.engine.book.len(), SERVERS);
        while self.asked.get(self.first_open).is_some_and(|asked| asked.has_ended) {
            self.first_open += 1;
        }
        let first = self.asked.get(self.first_open).map(|asked| asked.deadline);
        assert_eq!(self.engine.next_deadline(), first);
        for _ in 0..SAMPLE {
            let asked = &self.asked[self.random.random_range(0..self.asked.len())];
            let received = asked.answered.count_ones();
            let progress = Progress { sent: COVERAGE as u32, received, settled: received };
            let is = (self.engine.find(asked.request.salt().as_str()), self.engine.progress(asked.id));
            assert_eq!(is, if asked.has_ended { (None, None) } else { (Some(asked.id), Some(progress)) });
        }
    }
}

#[test]
fn very_many_requests_are_kept_apart() {
    let count = variable("CONFD_REQUESTS").unwrap_or(REQUESTS) as usize;
    let mut large = Large::new();
    for number in 1..=count {
        large.send();
        if number % count.div_ceil(LOOKS) == 0 {
            large.look();
        }
    }
    assert_eq!(large.engine.outstanding().0, count);
    let mut order: Vec<u32> = (0..(count * COVERAGE) as u32).collect();
    order.shuffle(&mut large.random);
    for (number, pair) in order.iter().map(|pair| *pair as usize).enumerate() {
        large.answer(pair / COVERAGE, pair % COVERAGE);
        if number % (order.len().div_ceil(LOOKS)) == 0 {
            large.look();
        }
    }
    large.look();
    // All come to their end in the order in which they were asked.
    large.now = large.asked.last().expect("some were asked").deadline;
    let now = Now { micros: large.now, unix: UNIX };
    let most = count.div_ceil(LOOKS);
    while large.stats.outstanding > 0 {
        let ended = large.engine.expire(now, most);
        assert_eq!(ended, most.min(large.stats.outstanding as usize));
        large.stats.expired += ended as u64;
        for _ in 0..ended {
            while large.asked[large.first_open].has_ended {
                large.first_open += 1;
            }
            large.ended(large.first_open, What::Expire);
        }
        large.look();
    }
    assert!(!large.engine.has_events());
    let Stats { datagrams_in, replies, cancelled, expired, .. } = large.stats;
    assert_eq!(cancelled + expired, count as u64);
    println!(
        "{count} requests at once to {SERVERS} servers: {datagrams_in} datagrams received, {replies} replies"
    );
}
