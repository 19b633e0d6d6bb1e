//! The network: datagrams under way, each of which may get lost, come twice, come late or come damaged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use rand::RngExt;
use rand::rngs::SmallRng;

use super::cluster::{Question, Signed};
use super::scenario::Scenario;
use crate::engine::Micros;

/// A datagram under way.
#[derive(Clone)]
pub(super) enum Datagram {
    ToServer { server: SocketAddr, question: Rc<Question> },
    ToClient { from: SocketAddr, bytes: Rc<[u8]>, signed: Option<Rc<Signed>> },
}

#[derive(Default)]
pub(super) struct Network {
    under_way: BTreeMap<(Micros, u64), Datagram>,
    number: u64,
}

impl Network {
    pub(super) fn send(&mut self, random: &mut SmallRng, scenario: &Scenario, now: Micros, what: &Datagram) {
        while !random.random_bool(scenario.loss) {
            let mut what = what.clone();
            if random.random_bool(scenario.damage) {
                match &mut what {
                    // A server drops what is damaged.
                    Datagram::ToServer { .. } => return,
                    Datagram::ToClient { bytes, .. } => *bytes = damaged(random, bytes),
                }
            }
            self.number += 1;
            let arrival = now.saturating_add(random.random_range(0..=scenario.delay));
            self.under_way.insert((arrival, self.number), what);
            if !random.random_bool(scenario.duplication) {
                return;
            }
        }
    }

    /// The next one to arrive.
    pub(super) fn pop(&mut self) -> Option<(Micros, Datagram)> {
        let ((at, _), what) = self.under_way.pop_first()?;
        Some((at, what))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

/// With some bits flipped, or cut off, or longer.
pub(super) fn damaged(random: &mut SmallRng, bytes: &[u8]) -> Rc<[u8]> {
    let mut bytes = bytes.to_vec();
    match random.random_range(0..10) {
        0 => bytes.truncate(random.random_range(0..=bytes.len())),
        1 => bytes.push(random.random()),
        _ => {
            for _ in 0..random.random_range(1..=3) {
                if !bytes.is_empty() {
                    let place = random.random_range(0..bytes.len());
                    bytes[place] ^= 1 << random.random_range(0..8);
                }
            }
        }
    }
    bytes.into()
}
