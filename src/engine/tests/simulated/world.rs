//! A client in a simulated world, step by step. Each thing is done to the engine and to the model.

use std::net::SocketAddr;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::arriving::Seen;
use super::cluster::{Cluster, KEYS};
use super::model::Model;
use super::network::{Datagram, Network};
use super::scenario::{Scenario, Step, pick};
use crate::engine::peers::Peer;
use crate::engine::tests::scene::{Told, What};
use crate::engine::{Engine, Id, Micros, Now, SECOND, Stats};
use crate::error::Code;
use crate::wire::key::Key;
use crate::wire::request::Request;

const UNIX: u64 = 1_795_375_589;

pub(super) struct World {
    pub(super) random: SmallRng,
    pub(super) scenario: Scenario,
    pub(super) engine: Engine,
    pub(super) model: Model,
    pub(super) cluster: Cluster,
    pub(super) network: Network,
    pub(super) now: Micros,
    /// How far the client's wall clock is off.
    pub(super) clock_off: i64,
    /// Which key the client signs with.
    pub(super) key: usize,
    /// Every request that was made.
    pub(super) requests: Vec<Request>,
    /// The last datagrams that reached the client.
    pub(super) seen: Vec<Seen>,
    pub(super) last_ended: Option<Id>,
    pub(super) warnings: usize,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let scenario = Scenario::new(&mut random);
        let peers = scenario.peers(0..scenario.known);
        let key = Key::new(KEYS[0]).unwrap();
        let mut model = Model::new(&scenario.config);
        model.peers.extend(peers.iter().map(|peer| peer.address));
        World {
            engine: Engine::new(scenario.config.clone(), key, &peers, random.random()),
            model,
            cluster: Cluster::new(&mut random, &scenario),
            network: Network::default(),
            now: *pick(&mut random, &[0, 1_000 * SECOND, u64::MAX - 20 * SECOND]),
            clock_off: 0,
            key: 0,
            requests: Vec::new(),
            seen: Vec::new(),
            last_ended: None,
            warnings: 0,
            scenario,
            random,
        }
    }

    pub(super) fn run(mut self) -> Stats {
        for _ in 0..self.scenario.steps {
            let step = self.scenario.step(&mut self.random);
            self.take(step);
            self.check();
        }
        self.finish();
        self.engine.stats()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Send => self.send(),
            Step::Transmit => self.transmit(),
            Step::Deliver => {
                for _ in 0..self.random.random_range(1..20) {
                    self.arrive();
                }
            }
            Step::Upcalls => self.upcalls(),
            Step::Wait => {
                let long = self.random.random_range(0..2 * self.scenario.config.expire_after);
                self.now = self.now.saturating_add(long);
            }
            Step::Expire => self.expire(),
            Step::Cancel => self.cancel(),
            Step::CancelUnknown => self.cancel_unknown(),
            Step::Extend => self.extend(),
            Step::Peers => self.change_peers(),
            Step::NewKey => {
                self.key = (self.key + 1) % (KEYS.len() - 1);
                self.engine.set_key(self.now, Key::new(KEYS[self.key]).unwrap());
            }
            Step::Restart => {
                for _ in 0..self.random.random_range(1..5) {
                    let server = self.a_server();
                    self.cluster.restart(&mut self.random, server, self.key);
                }
            }
            Step::Partition => {
                self.cluster.cut_off.clear();
                for _ in 0..self.random.random_range(0..self.scenario.servers) {
                    let server = self.a_server();
                    self.cluster.cut_off.insert(server);
                }
            }
            Step::Attack => self.attack(),
            Step::Icmp => {
                let host = self.an_address();
                self.engine.handle_unreachable(self.now, host, &[]);
                self.model.stats.refused += u64::from(self.model.knows(host));
            }
            Step::Overflow => {
                let lost = self.random.random_range(0..5);
                self.engine.handle_overflow(lost);
                self.model.stats.dropped_overflow += lost;
            }
            Step::SetClock => self.clock_off = *pick(&mut self.random, &[0, 0, 290, -290, 310, -3_600]),
            Step::CloseAll => self.close(),
        }
    }

    /// Sends what waits, or the first of it.
    pub(super) fn transmit(&mut self) {
        let all = self.model.queue.len();
        let count = if self.random.random_bool(0.6) { all } else { self.random.random_range(0..=all) };
        for _ in 0..count.min(self.model.queue.len()) {
            let (data, to) = self.engine.peek_transmits().next().expect("something waits");
            let sent = !self.random.random_bool(self.scenario.unsendable);
            let Some((first, given_up)) = self.model.transmitted(sent) else { return };
            assert_eq!((data, to), (&*first.bytes, first.to));
            let salt = first.question.salt.clone();
            let id = self.model.asked[&salt].id;
            if sent {
                self.engine.transmitted(self.now);
                let what = Datagram::ToServer { server: to, question: first.question };
                self.network.send(&mut self.random, &self.scenario, self.now, &what);
            } else {
                assert_eq!(self.engine.transmit_failed(self.now, &"unreachable"), given_up.then_some(id));
            }
            if given_up && self.model.asked[&salt].is_untouched() && self.random.random_bool(0.5) {
                self.engine.revoke(id);
                self.model.revoke(&salt);
                self.last_ended = Some(id);
            }
        }
    }

    /// The program is told of some events. Inside an upcall it may call anything.
    fn upcalls(&mut self) {
        for _ in 0..self.random.random_range(1..30) {
            let Some(event) = self.engine.next_event() else { return };
            let told = Told::from(&event);
            self.model.tell(&told);
            match self.random.random_range(0..20) {
                0 => self.send(),
                1 => self.cancel(),
                2 => self.expire(),
                _ => {}
            }
            self.engine.upcall_returned(&event);
            self.model.settle(&told);
        }
    }

    pub(super) fn expire(&mut self) {
        let most = *pick(&mut self.random, &[1, 3, 1_000]);
        let now = Now { micros: self.now, unix: self.unix() };
        let due = self.model.asked.values().filter(|asked| asked.deadline <= self.now).count();
        assert_eq!(self.engine.expire(now, most), due.min(most));
        self.have_ended(due.min(most), What::Expire);
    }

    fn close(&mut self) {
        let all = self.model.asked.len();
        self.engine.cancel_all(self.now);
        self.have_ended(all, What::Cancel);
    }

    /// So many requests have just ended; those of one deadline in any order.
    fn have_ended(&mut self, count: usize, what: What) {
        let before = self.engine.events.len() - count;
        let salts: Vec<_> = self.engine.events.range(before..).map(|event| Told::from(event).salt).collect();
        for salt in salts {
            assert_eq!(Some(self.model.asked[&salt].deadline), self.model.next_deadline());
            self.last_ended = Some(self.model.asked[&salt].id);
            self.model.end(&salt, what.clone());
        }
    }

    pub(super) fn an_outstanding(&mut self) -> Option<String> {
        let count = self.model.asked.len();
        let place = self.random.random_range(0..count.max(1));
        self.model.asked.keys().nth(place).cloned()
    }

    fn cancel(&mut self) {
        let Some(salt) = self.an_outstanding() else { return };
        self.engine.cancel(self.now, &salt).unwrap();
        self.last_ended = Some(self.model.asked[&salt].id);
        self.model.end(&salt, What::Cancel);
    }

    fn cancel_unknown(&mut self) {
        let salt = match self.requests.is_empty() {
            true => "unknown".to_owned(),
            false => pick(&mut self.random, &self.requests).salt().as_str().to_owned(),
        };
        if !self.model.asked.contains_key(&salt) {
            assert_eq!(self.engine.cancel(self.now, &salt).unwrap_err().code(), Code::UnknownRequest);
        }
    }

    fn extend(&mut self) {
        let Some(salt) = self.an_outstanding() else { return };
        let by = *pick(&mut self.random, &[0, 1, SECOND / 10, SECOND, 60 * SECOND, u64::MAX]);
        let Some(asked) = self.model.asked.get_mut(&salt) else { return };
        asked.deadline = asked.deadline.saturating_add(by);
        self.engine.extend(asked.id, by);
    }

    fn change_peers(&mut self) {
        let servers = self.scenario.servers;
        let (from, to) = (self.random.random_range(0..servers), self.random.random_range(0..servers));
        let peers = match self.random.random_range(0..8) {
            0 => Vec::new(),
            1 if self.scenario.ipv6 => vec![Peer::new(([10, 9, 9, 9], 1814).into())],
            1 => vec![Peer::new(([0x2001, 0xdb8, 9, 0, 0, 0, 0, 9], 1814).into())],
            _ => self.scenario.peers(from.min(to)..=from.max(to)),
        };
        let done = self.engine.update_peers(&peers);
        match peers.first() {
            None => assert_eq!(done.unwrap_err().code(), Code::NoPeers),
            Some(peer) if peer.address.is_ipv4() == self.scenario.ipv6 => {
                assert_eq!(done.unwrap_err().code(), Code::MixedFamilies);
            }
            Some(_) => {
                done.unwrap();
                self.model.peers = peers.iter().map(|peer| peer.address).collect();
            }
        }
    }

    fn a_server(&mut self) -> SocketAddr {
        self.scenario.address(self.random.random_range(0..self.scenario.servers))
    }

    /// Mostly of a server, else of a stranger.
    pub(super) fn an_address(&mut self) -> SocketAddr {
        let number = self.random.random_range(0..self.scenario.servers + 3);
        self.scenario.address(number)
    }

    pub(super) fn unix(&self) -> u64 {
        UNIX + self.now / SECOND
    }

    /// The client goes, or all comes to its end by itself; what is under way comes too late.
    fn finish(&mut self) {
        if self.random.random_bool(0.5) {
            while !self.network.is_empty() {
                self.arrive();
            }
            self.now = u64::MAX;
            while !self.model.asked.is_empty() {
                self.expire();
            }
        } else {
            if self.random.random_bool(0.5) {
                self.engine.drop_replies();
                self.model.events.retain(|told| told.what.is_last());
            }
            self.close();
        }
        self.check();
        while let Some(event) = self.engine.next_event() {
            self.model.tell(&Told::from(&event));
        }
        assert_eq!(self.model.accepted, self.model.ended, "one last event for each accepted request");
        while !self.network.is_empty() {
            self.arrive();
        }
        assert!(!self.engine.has_events(), "an event for what came too late");
        self.check();
        assert_eq!(self.engine.book.len(), self.model.peers.len());
    }
}
