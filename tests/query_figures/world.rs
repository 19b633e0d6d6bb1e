//! A cluster of simulated servers around one engine, in virtual time and from a seed. The servers know the protocol
//! by its public description: they sign what they say and are silent about what they cannot verify.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};

use confdclient::engine::peers::Peer;
use confdclient::engine::{Ask, Config, Engine, EventKind, Micros, Now, Outcome, QueryResult};
use confdclient::wire::key::Key;
use confdclient::wire::query::{Query, RequestType};
use confdclient::wire::request::Request;
use confdclient::wire::salt::Salt;
use serde_json::{Value, json};

pub const MS: Micros = 1_000;
pub const SECOND: Micros = 1_000 * MS;

/// The wall clock at the beginning.
const UNIX: u64 = 1_800_000_000;

/// How many seeds a test goes through: CONFD_SEEDS, else 10,000, or a few where the code is not optimised.
pub fn seeds() -> u64 {
    let default = if cfg!(debug_assertions) { 200 } else { 10_000 };
    std::env::var("CONFD_SEEDS").map_or(default, |text| text.parse().expect("CONFD_SEEDS is a number"))
}

/// Names the seed of a test that fails, and else says how many there were.
pub fn for_each_seed(count: u64, mut run: impl FnMut(u64)) {
    struct Told(u64);
    impl Drop for Told {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("seed {}", self.0);
            }
        }
    }
    for seed in 0..count {
        let told = Told(seed);
        run(seed);
        std::mem::forget(told);
    }
    println!("{count} seeds");
}

/// SplitMix64: chance that is the same everywhere and for ever.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(seed ^ 0x5DEE_CE66_D1CE_4E5B)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub fn hit(&mut self, probability: f64) -> bool {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64 <= probability && probability > 0.0
    }

    /// `count` different numbers below `bound`.
    pub fn some_of(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..bound).collect();
        for place in 0..count {
            let other = place + self.below((bound - place) as u64) as usize;
            all.swap(place, other);
        }
        all.truncate(count);
        all
    }
}

/// Whether a server is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Up,
    Silent,
    Refusing,
}

/// A server.
pub struct Server {
    pub health: Health,
    /// Which of the world's keys it has read at its start.
    pub key: usize,
    pub serial: i64,
    /// Gives status 1 instead of an answer.
    pub fails: bool,
    /// Loses each datagram, on either way, with this probability.
    pub loss: f64,
    /// Sends each reply twice with this probability.
    pub duplicates: f64,
    /// A way takes a time between these.
    pub way: (Micros, Micros),
}

/// A server with nothing wrong.
pub fn well() -> Server {
    Server {
        health: Health::Up,
        key: 0,
        serial: 100,
        fails: false,
        loss: 0.0,
        duplicates: 0.0,
        way: (100, 1_000),
    }
}

/// A request's datagram, as it left.
pub struct Sent {
    pub at: Micros,
    pub to: usize,
    pub bytes: Vec<u8>,
    pub salt: String,
    pub stamp: String,
    /// Which of the world's keys signed it.
    pub key: Option<usize>,
}

/// A reply as the engine was given it.
pub struct Delivered {
    pub at: Micros,
    pub from: usize,
    pub status: i64,
    pub serial: i64,
}

enum Thing {
    Request(usize, Vec<u8>),
    Reply(Vec<u8>, Delivered),
    Refusal(usize, Vec<u8>),
    Change(Box<dyn FnOnce(&mut World)>),
}

/// The engine, the servers, and what is on its way.
pub struct World {
    pub engine: Engine,
    pub servers: Vec<Server>,
    pub chance: Chance,
    pub now: Micros,
    /// The wall clock runs ahead by this many seconds.
    pub clock_jump: u64,
    /// The keys' bytes, by their numbers.
    keys: Vec<Vec<u8>>,
    on_the_way: BinaryHeap<Reverse<(Micros, u64, u64)>>,
    things: HashMap<u64, Thing>,
    count: u64,
    pub sent: Vec<Sent>,
    pub delivered: Vec<Delivered>,
    /// Whether `sent` and `delivered` are kept.
    pub keeps: bool,
    /// Results of queries, by token, with the time: each token's all.
    pub results: HashMap<usize, Vec<(Micros, QueryResult)>>,
    pub other_events: usize,
    /// Salts of requests that the network loses.
    lost_salts: Vec<String>,
    next_token: usize,
    parsed: Option<(Vec<u8>, Parsed)>,
}

#[derive(Clone)]
struct Parsed {
    kind: u64,
    salt: String,
    stamp: String,
    query: Value,
    key: Option<usize>,
}

pub fn address(server: usize) -> SocketAddr {
    (Ipv4Addr::new(192, 0, (server / 200) as u8, (server % 200 + 1) as u8), 1814).into()
}

impl World {
    pub fn new(config: Config, servers: usize, seed: u64) -> Self {
        let keys: Vec<Vec<u8>> = (0..4).map(|number| format!("key number {number}\n").into_bytes()).collect();
        let peers: Vec<Peer> = (0..servers).map(|server| Peer::new(address(server))).collect();
        let mut chance = Chance::new(seed);
        let engine = Engine::new(config, Key::new(&keys[0]).unwrap(), &peers, chance.next());
        World {
            engine,
            servers: (0..servers).map(|_| well()).collect(),
            chance,
            now: SECOND,
            clock_jump: 0,
            keys,
            on_the_way: BinaryHeap::new(),
            things: HashMap::new(),
            count: 0,
            sent: Vec::new(),
            delivered: Vec::new(),
            keeps: true,
            results: HashMap::new(),
            other_events: 0,
            lost_salts: Vec::new(),
            next_token: 0,
            parsed: None,
        }
    }

    pub fn time(&self) -> Now {
        Now { micros: self.now, unix: UNIX + self.now / SECOND + self.clock_jump }
    }

    pub fn salt(&mut self) -> Salt {
        salt_from(&mut self.chance)
    }

    pub fn request(&mut self, kind: RequestType, query: Query) -> Request {
        Request::new(kind, query, self.salt())
    }

    /// Asks for the cluster's master; gives the query's token.
    pub fn ask(&mut self, coverage: i32, timeout: Option<Micros>) -> usize {
        let mut request = self.request(RequestType::ClusterMaster, Query::NONE);
        self.ask_this(&mut request, coverage, timeout)
    }

    pub fn ask_this(&mut self, request: &mut Request, coverage: i32, timeout: Option<Micros>) -> usize {
        self.next_token += 1;
        let ask = Ask { coverage, timeout, token: self.next_token, quiet: false };
        let now = self.time();
        let chance = &mut self.chance;
        self.engine
            .query(now, request, ask, &mut || Ok(salt_from(chance)))
            .expect("a query that can be asked");
        self.flush();
        self.next_token
    }

    /// The engine's next key is this one of the world's.
    pub fn set_key(&mut self, number: usize) {
        let key = Key::new(&self.keys[number]).unwrap();
        self.engine.set_key(self.now, key);
    }

    /// From now on the network loses what asks with this salt.
    pub fn lose_salt(&mut self, salt: &str) {
        self.lost_salts.push(salt.to_owned());
    }

    pub fn at(&mut self, when: Micros, change: impl FnOnce(&mut World) + 'static) {
        self.later(when, Thing::Change(Box::new(change)));
    }

    fn later(&mut self, when: Micros, thing: Thing) {
        self.count += 1;
        self.on_the_way.push(Reverse((when, self.count, self.count)));
        self.things.insert(self.count, thing);
    }

    /// Runs until then.
    pub fn run_until(&mut self, end: Micros) {
        while self.step(end) {}
        self.now = self.now.max(end);
    }

    /// Runs until this query has ended, and gives its result and how long it took.
    pub fn result_of(&mut self, token: usize) -> (Micros, QueryResult) {
        let began = self.now;
        while !self.results.contains_key(&token) {
            assert!(self.step(began + 3_600 * SECOND), "the query never ends");
        }
        let (at, result) = self.results[&token][0].clone();
        (at.saturating_sub(began), result)
    }

    fn step(&mut self, end: Micros) -> bool {
        let thing = self.on_the_way.peek().map(|Reverse((at, ..))| *at);
        let due = self.engine.next_deadline();
        let Some(next) = thing.into_iter().chain(due).min().filter(|&next| next <= end) else { return false };
        self.now = self.now.max(next);
        // What has come by a deadline has come in time.
        if thing.is_some_and(|at| at <= self.now) {
            let Reverse((_, _, number)) = self.on_the_way.pop().expect("it was there");
            match self.things.remove(&number).expect("every number has its thing") {
                Thing::Request(to, bytes) => self.serve(to, bytes),
                Thing::Reply(bytes, delivered) => {
                    self.engine.handle_datagram(self.now, &bytes, &address(delivered.from));
                    if self.keeps {
                        self.delivered.push(Delivered { at: self.now, ..delivered });
                    }
                }
                Thing::Refusal(of, quoted) => self.engine.handle_unreachable(self.now, address(of), &quoted),
                Thing::Change(change) => change(self),
            }
        } else {
            self.engine.expire(self.time(), usize::MAX);
        }
        self.flush();
        true
    }

    /// Sends what waits and takes the events.
    pub fn flush(&mut self) {
        loop {
            let next = self.engine.peek_transmits().next().map(|(data, to)| (data.to_vec(), to));
            let Some((bytes, to)) = next else { break };
            self.engine.transmitted(self.now);
            let to = (0..self.servers.len()).find(|&server| address(server) == to).expect("a known peer");
            if self.keeps {
                let parsed = self.parse(&bytes);
                self.sent.push(Sent {
                    at: self.now,
                    to,
                    bytes: bytes.clone(),
                    salt: parsed.salt,
                    stamp: parsed.stamp,
                    key: parsed.key,
                });
            }
            if let Some(when) = self.travel(to) {
                self.later(when, Thing::Request(to, bytes));
            }
        }
        while let Some(event) = self.engine.next_event() {
            match event.kind {
                EventKind::Query(result) => {
                    self.results.entry(event.token).or_default().push((self.now, *result));
                }
                _ => self.other_events += 1,
            }
        }
    }

    /// When something that leaves for a server, or comes from it, arrives; `None` if it is lost.
    fn travel(&mut self, server: usize) -> Option<Micros> {
        let Server { loss, way: (least, most), .. } = self.servers[server];
        if self.chance.hit(loss) { None } else { Some(self.now + self.chance.between(least, most)) }
    }

    fn parse(&mut self, bytes: &[u8]) -> Parsed {
        if let Some((known, parsed)) = &self.parsed {
            if known == bytes {
                return parsed.clone();
            }
        }
        let payload = bytes.strip_prefix(b"plj0").expect("the magic");
        let outer: Value = serde_json::from_slice(payload).expect("an envelope");
        let text = |name: &str| outer[name].as_str().expect("a string").to_owned();
        let (message, stamp, hmac) = (text("msg"), text("salt"), text("hmac"));
        let inner: Value = serde_json::from_str(&message).expect("a request");
        let signed = |key: &Vec<u8>| tag(key, &stamp, &message) == hmac;
        let parsed = Parsed {
            kind: inner["type"].as_u64().unwrap(),
            salt: inner["rsalt"].as_str().unwrap().to_owned(),
            query: inner["query"].clone(),
            key: self.keys.iter().position(signed),
            stamp,
        };
        self.parsed = Some((bytes.to_vec(), parsed.clone()));
        parsed
    }

    fn serve(&mut self, server: usize, bytes: Vec<u8>) {
        match self.servers[server].health {
            Health::Up => {}
            Health::Silent => return,
            Health::Refusing => {
                if let Some(when) = self.travel(server) {
                    self.later(when, Thing::Refusal(server, bytes));
                }
                return;
            }
        }
        let request = self.parse(&bytes);
        if self.lost_salts.contains(&request.salt) {
            return;
        }
        if request.key != Some(self.servers[server].key) {
            return;
        }
        let clock = UNIX + self.now / SECOND + self.clock_jump;
        if request.stamp.parse::<u64>().unwrap().abs_diff(clock) > 300 {
            return;
        }
        let Server { serial, fails, key, duplicates, .. } = self.servers[server];
        let (status, serial, answer) = match request.kind {
            _ if fails => (1, 0, json!(0)),
            2 => {
                let list = request.query["2"].as_array().expect("a list of addresses");
                let one = |ip: &Value| json!([0, format!("node-of-{}", ip.as_str().unwrap()), serial]);
                (0, serial, list.iter().map(one).collect())
            }
            _ => (0, serial, json!(format!("master at {serial}"))),
        };
        let bytes = reply(&self.keys[key], &request.salt, status, &answer.to_string(), serial);
        for _ in 0..1 + usize::from(self.chance.hit(duplicates)) {
            if let Some(at) = self.travel(server) {
                let delivered = Delivered { at, from: server, status, serial };
                self.later(at, Thing::Reply(bytes.clone(), delivered));
            }
        }
    }
}

fn salt_from(chance: &mut Chance) -> Salt {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&chance.next().to_le_bytes());
    bytes[8..].copy_from_slice(&chance.next().to_le_bytes());
    Salt::from_random(bytes)
}

fn tag(key: &[u8], salt: &str, message: &str) -> String {
    let tag = Key::new(key).unwrap().sign(salt.as_bytes(), message.as_bytes());
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A reply's datagram.
fn reply(key: &[u8], salt: &str, status: i64, answer: &str, serial: i64) -> Vec<u8> {
    let message = format!(r#"{{"protocol":1,"status":{status},"answer":{answer},"serial":{serial}}}"#);
    let hmac = tag(key, salt, &message);
    let mut bytes = b"plj0".to_vec();
    bytes.extend_from_slice(json!({"msg": message, "salt": salt, "hmac": hmac}).to_string().as_bytes());
    bytes
}

/// The counts of what happened, in a line: `name: 9999 of 10000 (99.99 %)`.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{part} of {whole} ({:.3} %)", 100.0 * part as f64 / whole as f64)
}

/// The median, the 99th percentile and the most, in milliseconds.
pub fn spread(times: &mut [Micros]) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    format!("median {:.2} ms, 99 % {:.2} ms, most {:.2} ms", at(0.5), at(0.99), at(1.0))
}

/// Whether the outcome is answered by at least as many as needed; fails where it claims so with fewer.
pub fn is_answered(result: &QueryResult) -> bool {
    let answered = result.outcome == Outcome::Answered;
    assert_eq!(answered, result.received >= result.needed, "{result:?}");
    answered
}
