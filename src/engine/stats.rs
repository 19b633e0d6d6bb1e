//! What a client counts.

use std::ffi::CStr;
use std::sync::Arc;

/// Counters since the client's creation, and two readings of now. Every datagram that came in is in exactly one
/// of `replies` and the `dropped_…` counters but `dropped_overflow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that were accepted.
    pub requests: u64,
    /// Datagrams that were sent.
    pub datagrams_out: u64,
    /// Datagrams that the system refused to send.
    pub send_errors: u64,
    /// Datagrams that were received.
    pub datagrams_in: u64,
    /// Replies that counted or, with `any_source`, were delivered.
    pub replies: u64,
    /// Dropped: without the magic.
    pub dropped_magic: u64,
    /// Dropped: not an envelope with its three members, or a signed message that is no reply.
    pub dropped_malformed: u64,
    /// Dropped: signed with another key, or altered.
    pub dropped_signature: u64,
    /// Dropped: for no outstanding request.
    pub dropped_salt: u64,
    /// Dropped: from an address that this request was not sent to.
    pub dropped_source: u64,
    /// Dropped: a further one from an address that has answered.
    pub dropped_duplicate: u64,
    /// Lost in the system because the receive buffer was full.
    pub dropped_overflow: u64,
    /// Requests that reached their expiry.
    pub expired: u64,
    /// Requests that were cancelled.
    pub cancelled: u64,
    /// Datagrams of queries that were sent again.
    pub retries: u64,
    /// ICMP refusals of what was sent.
    pub refused: u64,
    /// Requests outstanding now.
    pub outstanding: u64,
    /// Datagrams waiting to be sent now.
    pub queued: u64,
}

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStats {
    /// The peer as it was written, with its port where it names one.
    pub address: Arc<CStr>,
    /// Datagrams that were sent to it.
    pub sent: u64,
    /// Requests that it has answered.
    pub answered: u64,
    /// ICMP refusals of what was sent to it.
    pub refused: u64,
    /// Its smoothed round trip in microseconds; 0 if it has never answered.
    pub rtt_us: u64,
    /// Its last round trip in microseconds; 0 if it has never answered.
    pub rtt_last_us: u64,
    /// The cluster's serial in its last ok answer that has one; 0 if there was none.
    pub serial: i64,
}
