//! What arrives: requests at servers, replies at the client, and what somebody else sends.

use std::net::SocketAddr;
use std::rc::Rc;

use rand::RngExt;

use super::cluster::{KEYS, Signed};
use super::network::{Datagram, damaged};
use super::scenario::pick;
use super::world::World;

/// A datagram that has reached the client, for somebody to send again.
#[derive(Clone)]
pub(super) struct Seen {
    from: SocketAddr,
    bytes: Rc<[u8]>,
    signed: Option<Rc<Signed>>,
}

impl World {
    /// The next datagram arrives, wherever it goes.
    pub(super) fn arrive(&mut self) {
        let Some((at, what)) = self.network.pop() else { return };
        self.now = self.now.max(at);
        match what {
            Datagram::ToClient { from, bytes, signed } => self.receive(from, bytes, signed),
            Datagram::ToServer { server, question } => {
                self.cluster.unix = self.unix();
                let other = pick(&mut self.random, &self.requests).salt().as_str();
                let replies = self.cluster.answer(&mut self.random, &self.scenario, server, &question, other);
                for (from, signed, truncate) in replies {
                    let bytes = signed.datagram(truncate);
                    let reply = Datagram::ToClient { from, bytes, signed: Some(signed) };
                    self.network.send(&mut self.random, &self.scenario, self.now, &reply);
                }
            }
        }
    }

    fn receive(&mut self, from: SocketAddr, bytes: Rc<[u8]>, signed: Option<Rc<Signed>>) {
        self.engine.handle_datagram(self.now, &bytes, &from);
        self.model.datagram(&bytes, from, signed.as_deref());
        if self.seen.len() == 32 {
            let place = self.random.random_range(0..32);
            self.seen.swap_remove(place);
        }
        self.seen.push(Seen { from, bytes, signed });
        if self.random.random_bool(0.5) {
            self.expire();
        }
    }

    /// Somebody sends what he has seen or made up.
    pub(super) fn attack(&mut self) {
        let salt = self.an_outstanding().unwrap_or_default();
        for _ in 0..self.random.random_range(1..12) {
            let from = self.an_address();
            if let (true, false) = (self.random.random_bool(0.6), self.seen.is_empty()) {
                let Seen { from: before, bytes, signed } = pick(&mut self.random, &self.seen).clone();
                let from = if self.random.random_bool(0.5) { before } else { from };
                let harmed = self.random.random_bool(0.3);
                let bytes = if harmed { damaged(&mut self.random, &bytes) } else { bytes };
                self.receive(from, bytes, signed);
                continue;
            }
            let forged = |key, salt: &str| {
                let signed =
                    Signed::new(&self.cluster.keys, key, salt, Ok((0, 1 << 40, "\"come to me\"".into())));
                (signed.datagram(false), Some(signed))
            };
            let (bytes, signed) = match self.random.random_range(0..5) {
                0 => (b"".as_slice().into(), None),
                1 => (b"plj0{\"msg\":\"\",\"salt\":\"\",\"hmac\":\"\"}".as_slice().into(), None),
                2 => forged(0, "of nobody"),
                _ => forged(KEYS.len() - 1, &salt),
            };
            self.receive(from, bytes, signed);
        }
    }
}
