//! What kind of world a seed makes.

use std::net::SocketAddr;

use rand::RngExt;
use rand::rngs::SmallRng;

use crate::engine::peers::Peer;
use crate::engine::{Config, LogLevel, Micros, SECOND};

pub(super) struct Scenario {
    pub(super) config: Config,
    /// Servers; the client knows some of them at first.
    pub(super) servers: usize,
    pub(super) known: usize,
    pub(super) ipv6: bool,
    pub(super) steps: usize,
    /// Each of these happens to a datagram with this likelihood.
    pub(super) loss: f64,
    pub(super) duplication: f64,
    pub(super) damage: f64,
    pub(super) unsendable: f64,
    /// How long a datagram is under way at most.
    pub(super) delay: Micros,
    /// How likely a server's reply is not what an honest one would say.
    pub(super) lies: f64,
    /// How likely each kind of step is, against the others.
    pub(super) weights: [u32; STEPS.len()],
}

/// What can happen next, and how often as a rule.
pub(super) const STEPS: [(Step, u32); 18] = [
    (Step::Send, 30),
    (Step::Transmit, 25),
    (Step::Deliver, 60),
    (Step::Upcalls, 30),
    (Step::Wait, 6),
    (Step::Expire, 8),
    (Step::Cancel, 4),
    (Step::CancelUnknown, 1),
    (Step::Extend, 3),
    (Step::Peers, 3),
    (Step::NewKey, 1),
    (Step::Restart, 3),
    (Step::Partition, 2),
    (Step::Attack, 20),
    (Step::Icmp, 2),
    (Step::Overflow, 1),
    (Step::SetClock, 1),
    (Step::CloseAll, 1),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Send,
    Transmit,
    Deliver,
    Upcalls,
    Wait,
    Expire,
    Cancel,
    CancelUnknown,
    Extend,
    Peers,
    NewKey,
    Restart,
    Partition,
    Attack,
    Icmp,
    Overflow,
    SetClock,
    CloseAll,
}

impl Scenario {
    pub(super) fn new(random: &mut SmallRng) -> Self {
        let servers = match random.random_range(0..200) {
            0..120 => random.random_range(1..=8),
            120..199 => random.random_range(9..=50),
            _ => 1_000,
        };
        let sometimes = |random: &mut SmallRng, most: f64| {
            let much = if random.random_bool(0.5) { most } else { most / 20.0 };
            random.random_range(0.0..much)
        };
        let levels = [None, None, Some(LogLevel::Debug), Some(LogLevel::Warning)];
        let mut weights = [0; STEPS.len()];
        for (weight, (_, usual)) in weights.iter_mut().zip(STEPS) {
            *weight = usual * random.random_range(0..4);
        }
        weights[0] += 10;
        Scenario {
            config: Config {
                expire_after: *pick(random, &[SECOND / 20, SECOND, 10 * SECOND]),
                max_request_bytes: 1_000,
                filter: random.random_bool(0.4),
                any_source: random.random_bool(0.4),
                log_level: *pick(random, &levels),
                retry_every: 0,
            },
            servers,
            known: random.random_range(1..=servers),
            ipv6: random.random_bool(0.2),
            steps: if servers > 50 { 30 } else { random.random_range(20..120) },
            loss: sometimes(random, 0.5),
            duplication: sometimes(random, 0.5),
            damage: sometimes(random, 0.3),
            unsendable: if random.random_bool(0.2) { random.random_range(0.0..1.0) } else { 0.02 },
            delay: *pick(random, &[SECOND / 1_000, SECOND / 10, 2 * SECOND]),
            lies: sometimes(random, 0.8),
            weights,
        }
    }

    pub(super) fn step(&self, random: &mut SmallRng) -> Step {
        let mut left = random.random_range(0..self.weights.iter().sum());
        for (weight, (step, _)) in self.weights.iter().zip(STEPS) {
            if left < *weight {
                return step;
            }
            left -= weight;
        }
        Step::Send
    }

    /// The address of a server. Some share their host and differ in the port.
    pub(super) fn address(&self, number: usize) -> SocketAddr {
        let (host, port) = (number / 2, 1814 + (number % 2) as u16);
        if self.ipv6 {
            return SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, host as u16 + 1], port));
        }
        SocketAddr::from(([10, 0, (host >> 8) as u8, host as u8], port))
    }

    pub(super) fn peers(&self, numbers: impl IntoIterator<Item = usize>) -> Vec<Peer> {
        numbers.into_iter().map(|number| Peer::new(self.address(number))).collect()
    }
}

pub(super) fn pick<'a, T>(random: &mut SmallRng, among: &'a [T]) -> &'a T {
    &among[random.random_range(0..among.len())]
}
