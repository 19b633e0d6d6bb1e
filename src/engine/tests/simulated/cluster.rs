//! The servers: most of them honest, some stale, some not what they should be.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;

use rand::RngExt;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use super::scenario::{Scenario, pick};
use crate::engine::tests::scene::{hex, message};
use crate::wire::envelope::{Envelope, Room, payload};
use crate::wire::key::{Key, TAG_LEN};

/// The keys of the cluster's history; the last one never was one.
pub(super) const KEYS: [&[u8]; 4] = [b"first\n", b"second\n", b"third\n", b"not of this cluster\n"];

/// A request as servers read it.
pub(super) struct Question {
    pub(super) salt: String,
    pub(super) unix: u64,
    pub(super) key: usize,
}

impl Question {
    /// Takes a request's datagram apart, which must be as the server wants it.
    pub(super) fn read(datagram: &[u8], keys: &[Key], key: usize) -> Self {
        assert!(datagram.is_ascii());
        let text = std::str::from_utf8(payload(datagram).unwrap()).unwrap();
        let (envelope, mut room) = (Envelope::parse(text.as_bytes()).unwrap(), Room::default());
        let signed = envelope.open(&mut room).unwrap();
        assert!(envelope.is_signed_by(&keys[key], &signed), "a request is not signed by the client's key");
        let request: Value = serde_json::from_str(signed.message).unwrap();
        assert_eq!(request["protocol"], 1);
        let salt = request["rsalt"].as_str().unwrap().to_owned();
        Question { salt, unix: std::str::from_utf8(&envelope.salt).unwrap().parse().unwrap(), key }
    }
}

/// What was signed, and with which key: by this a datagram is known to be what its sender made, or not.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) key: usize,
    pub(super) salt: String,
    pub(super) message: String,
    pub(super) tag: [u8; TAG_LEN],
    /// Status, serial and answer; `None` if the message is no reply.
    pub(super) reply: Option<(i32, i64, String)>,
}

impl Signed {
    pub(super) fn new(
        keys: &[Key],
        key: usize,
        salt: &str,
        reply: Result<(i32, i64, String), &str>,
    ) -> Rc<Self> {
        let message = match &reply {
            Ok((status, serial, answer)) => message(*status, answer, *serial),
            Err(text) => (*text).to_owned(),
        };
        let tag = keys[key].sign(salt.as_bytes(), message.as_bytes());
        Rc::new(Signed { key, salt: salt.to_owned(), message, tag, reply: reply.ok() })
    }

    /// The datagram, with every character truncated to one byte as the real server does, or whole.
    pub(super) fn datagram(&self, truncate: bool) -> Rc<[u8]> {
        let text = json!({ "msg": self.message, "salt": self.salt, "hmac": hex(&self.tag) });
        let text = format!("plj0{text}");
        match truncate {
            true => text.chars().map(|character| character as u32 as u8).collect(),
            false => text.into_bytes().into(),
        }
    }
}

pub(super) struct Cluster {
    pub(super) keys: Vec<Key>,
    /// The wall clock of the servers.
    pub(super) unix: u64,
    pub(super) cut_off: HashSet<SocketAddr>,
    servers: HashMap<SocketAddr, Server>,
}

#[derive(Default)]
struct Server {
    key: usize,
    serial: i64,
}

impl Cluster {
    pub(super) fn new(random: &mut SmallRng, scenario: &Scenario) -> Self {
        let server = |number| {
            let serial = random.random_range(1..=3);
            (scenario.address(number), Server { key: 0, serial })
        };
        Cluster {
            keys: KEYS.map(|key| Key::new(key).unwrap()).into(),
            unix: 1_795_375_589,
            cut_off: HashSet::new(),
            servers: (0..scenario.servers).map(server).collect(),
        }
    }

    /// A server starts anew: with the key of now and perhaps newer data.
    pub(super) fn restart(&mut self, random: &mut SmallRng, address: SocketAddr, key: usize) {
        if let Some(server) = self.servers.get_mut(&address) {
            server.key = key;
            server.serial += random.random_range(0..2);
        }
    }

    /// What a server sends for a request: datagrams, and where from.
    pub(super) fn answer(
        &self,
        random: &mut SmallRng,
        scenario: &Scenario,
        address: SocketAddr,
        question: &Question,
        other_salt: &str,
    ) -> Vec<(SocketAddr, Rc<Signed>, bool)> {
        let server = &self.servers[&address];
        let readable = question.key == server.key && question.unix.abs_diff(self.unix) <= 300;
        if !readable || self.cut_off.contains(&address) {
            return Vec::new();
        }
        let mut reply = (0, server.serial, honest(random, server.serial));
        let mut from = address;
        let (mut key, mut salt, mut again) = (server.key, &*question.salt, false);
        let mut malformed = None;
        if random.random_bool(scenario.lies) {
            match random.random_range(0..9) {
                0 => reply = (1, 0, pick(random, &["0", "2", "\"not\\nloaded\""]).to_string()),
                1 => key = KEYS.len() - 1,
                2 => key = random.random_range(0..KEYS.len()),
                3 => salt = other_salt,
                4 => from = scenario.address(random.random_range(0..scenario.servers)),
                5 => from = SocketAddr::new([192, 0, 2, 7].into(), 1814 + random.random_range(0..9)),
                6 => {
                    malformed = Some(*pick(
                        random,
                        &["", "[]", "{}", "{\"protocol\":1,\"status\":0,\"answer\":\"\u{e9}\"}"],
                    ))
                }
                7 => reply.2 = format!("[{}]", random.random_range(0..3)),
                _ => again = true,
            }
        }
        let signed = |reply| Signed::new(&self.keys, key, salt, reply);
        let mut sent = vec![(from, signed(malformed.map_or(Ok(reply), Err)), random.random())];
        if again {
            sent.push((from, signed(Ok((0, server.serial + 1, "\"on second thought\"".to_owned()))), false));
        }
        sent
    }
}

/// The answer that goes with a serial and the next one, in one of the ways to write it.
fn honest(random: &mut SmallRng, serial: i64) -> String {
    match (serial / 2 % 4, random.random_bool(0.5)) {
        (0, _) => "\"n\u{e9}\u{ff}\"".to_owned(),
        (1, true) => "{\"a\": [1], \"b\": \"\u{e9}\"}".to_owned(),
        (1, false) => "{\"b\":\"\u{e9}\",\"a\":[1]}".to_owned(),
        (2, true) => "[1, 2]".to_owned(),
        (2, false) => "[1,2]".to_owned(),
        // It does not survive its truncation.
        (_, true) => "\"\u{20ac}\"".to_owned(),
        (_, false) => "\"\\u20ac\"".to_owned(),
    }
}
