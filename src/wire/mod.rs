//! The bytes on the wire and nothing else: how a request is packed and signed, how a reply is taken apart and
//! verified, how a value is found in an answer. Knows no peer, no table, no clock and no socket.
//!
//! A datagram is `plj0` and a JSON object of three strings: `msg` (JSON text itself), `salt` and `hmac`, where
//! `hmac` is HMAC-SHA1(key, salt ++ msg) in hexadecimal.

#![forbid(unsafe_code)]

pub mod answer;
pub mod envelope;
pub mod fingerprint;
mod hex;
mod kept;
pub mod key;
mod pieces;
pub mod query;
pub mod reply;
pub mod request;
pub mod salt;
mod text;

/// The first four bytes of every datagram: "plain JSON, version 0".
pub const MAGIC: &[u8; 4] = b"plj0";

/// The most that a UDP datagram carries over IPv4, and so the protocol's own limit.
pub const MAX_DATAGRAM: usize = 65_507;

/// What `ganeti-confd` 3.0 reads of a request; it drops a longer one without a word.
pub const SERVER_READS: usize = 4_096;

#[cfg(test)]
mod vectors;
