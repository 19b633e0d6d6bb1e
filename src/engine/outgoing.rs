//! What leaves: the datagrams that wait, and what the system says of those that left.

use std::net::SocketAddr;

use crate::engine::event::LogLevel;
use crate::engine::peers::address_text;
use crate::engine::table::Id;
use crate::engine::{Engine, Micros, Now};
use crate::error::Result;
use crate::wire::request::Request;

impl Engine {
    /// Bounds the datagrams in flight, so that the replies to them fit a receive buffer of so many bytes, as the
    /// system counts them. Without a call there is no bound.
    pub fn set_receive_buffer(&mut self, bytes: usize) {
        self.pace.set_capacity(bytes);
    }

    /// Signs a request with the current key, and appends its datagram.
    pub(super) fn pack(&mut self, request: &Request, now: Now, datagram: &mut Vec<u8>) -> Result<()> {
        self.stamp.advance(now.unix);
        request.pack(self.keys.current(), &self.stamp, self.config.max_request_bytes, datagram)
    }

    /// How many of the datagrams that wait may leave now.
    pub fn sendable(&self) -> usize {
        self.queue.waiting().min(self.pace.room())
    }

    /// Datagrams that have left, were not answered yet and may still be.
    pub fn in_flight(&self) -> usize {
        self.pace.in_flight()
    }

    /// Brings those of the next datagrams together that are for one peer, which a system may take in one piece; each
    /// peer's stay in their order.
    pub fn arrange_transmits(&mut self) {
        self.queue.arrange();
    }

    /// The next datagrams to send, in order: as many as may leave now.
    pub fn peek_transmits(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
        self.queue.peek(&self.table, &self.book).take(self.pace.room())
    }

    /// Takes the first of what [`Engine::peek_transmits`] gives: it has been sent.
    pub fn transmitted(&mut self, now: Micros) {
        let Some(taken) = self.queue.take(&self.table) else { return };
        self.stats.datagrams_out += 1;
        self.pace.note_sent(now);
        if let Some(entry) = self.book.get_mut(taken.peer) {
            entry.note_sent(now);
        }
        if let Some(asked) = self.table.get_mut(taken.id) {
            asked.unsent -= 1;
            asked.left_at = now.min(asked.left_at);
            asked.sent_at = now;
            if let Some(query) = &mut asked.query {
                query.note_sent(taken.peer, now);
            }
        }
    }

    /// Takes the first of what [`Engine::peek_transmits`] gives: the system refused it. Gives the request if
    /// that was the last of its datagrams and all of them were refused.
    pub fn transmit_failed(&mut self, now: Micros, why: &dyn std::fmt::Display) -> Option<Id> {
        let taken = self.queue.take(&self.table)?;
        self.stats.send_errors += 1;
        let address = self.book.address(taken.peer);
        if let Some(address) = address {
            self.log(LogLevel::Debug, || format!("could not send to {}: {why}", address_text(address)));
        }
        let asked = self.table.get_mut(taken.id)?;
        asked.unsent -= 1;
        asked.failed += 1;
        self.replace_in_query(now, taken.id, taken.peer);
        let asked = self.table.get(taken.id)?;
        (asked.unsent == 0 && asked.failed as usize >= asked.contacts.len()).then_some(taken.id)
    }

    /// Whether anything that comes can be a reply.
    pub fn expects_replies(&self) -> bool {
        self.table.len() > 0 || self.late.len() > 0
    }

    /// Whether some of the requests are queries, of which each wants to know of its own refusals.
    pub fn has_queries(&self) -> bool {
        !self.queries.is_empty()
    }

    /// Datagrams that wait to be sent.
    pub fn queued(&self) -> usize {
        self.queue.waiting()
    }

    /// The system reports that a host refused a datagram (ICMP port unreachable). `quoted` is what the report
    /// quotes of it, which may be nothing. A hint, and never an answer: anybody can forge one, so it ends nothing;
    /// but queries ask another peer in the place of this one.
    pub fn handle_unreachable(&mut self, now: Micros, address: SocketAddr, quoted: &[u8]) {
        let Some(peer) = self.book.find(&address) else { return };
        self.stats.refused += 1;
        if let Some(entry) = self.book.get_mut(peer) {
            entry.note_refusal();
        }
        self.log(LogLevel::Debug, || {
            format!("{} refuses datagrams: nothing listens there", address_text(address))
        });
        let quoted = quoted_salt(quoted).and_then(|salt| self.table.find(salt));
        let concerned: Vec<Id> = match quoted {
            Some(id) => vec![id],
            None => self.queries.clone(),
        };
        for id in concerned {
            self.replace_in_query(now, id, peer);
        }
    }

    /// The system has dropped so many datagrams because the receive buffer was full.
    pub fn handle_overflow(&mut self, count: u64) {
        if count > 0 {
            self.stats.dropped_overflow += count;
            self.pace.note_overflow(self.stats.datagrams_in, self.stats.replies);
            self.log(LogLevel::Debug, || format!("{count} datagrams were lost: the receive buffer was full"));
        }
    }
}

/// The salt in the beginning of a request's datagram, as an ICMP report quotes it.
fn quoted_salt(datagram: &[u8]) -> Option<&str> {
    const BEFORE: &[u8] = br#"\"rsalt\": \""#;
    let start = datagram.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let rest = &datagram[start..];
    let end = rest.iter().position(|&byte| byte == b'\\')?;
    std::str::from_utf8(&rest[..end]).ok()
}
