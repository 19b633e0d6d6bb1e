//! The peers of now, and what is known of each.

use std::net::SocketAddr;

use crate::engine::peers::Peer;
use crate::engine::{Engine, LogLevel, PeerStats};
use crate::error::{Code, Error, Result};

impl Engine {
    /// Replaces the peers. They are of the family that the client was made with. Replies to what was sent before
    /// still count.
    pub fn update_peers(&mut self, peers: &[Peer]) -> Result<()> {
        let Some(first) = peers.first() else {
            return Err(Error::new(Code::NoPeers, "the list of peers is empty"));
        };
        if first.address.is_ipv4() != self.ipv4 {
            let family = if self.ipv4 { "IPv4" } else { "IPv6" };
            return Err(Error::with(
                Code::MixedFamilies,
                format_args!("the client was made with {family} peers, and these are of the other family"),
            ));
        }
        self.set_peers(peers);
        self.log(LogLevel::Info, || format!("there are {} peers now", peers.len()));
        Ok(())
    }

    pub(super) fn set_peers(&mut self, peers: &[Peer]) {
        let held = peers.iter().map(|peer| self.book.hold(peer)).collect();
        for before in std::mem::replace(&mut self.peers, held) {
            self.book.release(before);
        }
        self.order.clone_from(&self.peers);
    }

    /// The peers of now, in the order in which the program named them.
    pub fn peers(&self) -> impl Iterator<Item = SocketAddr> {
        self.peers.iter().filter_map(|&peer| self.book.address(peer))
    }

    /// What is known of a peer; `None` past the end of the list.
    pub fn peer_stats(&self, index: usize) -> Option<PeerStats> {
        let entry = self.book.get(*self.peers.get(index)?)?;
        Some(PeerStats {
            address: entry.label.clone(),
            sent: entry.sent,
            answered: entry.answered,
            refused: entry.refused,
            rtt_us: entry.rtt,
            rtt_last_us: entry.rtt_last,
            serial: entry.serial,
        })
    }
}
