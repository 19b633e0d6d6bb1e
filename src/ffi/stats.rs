//! `confd_stats`: what a client counts.

use std::ffi::c_char;
use std::mem::offset_of;

use crate::engine::Stats;
use crate::error::{Code, Error};
use crate::ffi::client::{confd_client, with};
use crate::ffi::error::confd_error;
use crate::ffi::guard;
use crate::ffi::guard::output;

/// Counters since the client's creation; the last two are of now. Every datagram that came in is counted in exactly
/// one of replies and the dropped_ counters other than dropped_overflow. The struct may grow at its end: the
/// caller says which size it knows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct confd_stats {
    /// Requests that were accepted.
    pub requests: u64,
    /// Datagrams that were sent.
    pub datagrams_out: u64,
    /// Datagrams that the system refused to send.
    pub send_errors: u64,
    /// Datagrams that were received.
    pub datagrams_in: u64,
    /// Replies that counted or, with any_source, were delivered.
    pub replies: u64,
    /// Dropped: without the protocol's magic.
    pub dropped_magic: u64,
    /// Dropped: not a well-formed datagram of the protocol.
    pub dropped_malformed: u64,
    /// Dropped: signed with another key, altered, or truncated by the server beyond repair.
    pub dropped_signature: u64,
    /// Dropped: for no outstanding request.
    pub dropped_salt: u64,
    /// Dropped: from an address that the request was not sent to.
    pub dropped_source: u64,
    /// Dropped: a further one from an address that has answered.
    pub dropped_duplicate: u64,
    /// Lost in the system because the socket's receive buffer was full. These are not among datagrams_in.
    pub dropped_overflow: u64,
    /// Requests that reached their expiry.
    pub expired: u64,
    /// Requests that were cancelled.
    pub cancelled: u64,
    /// Datagrams that were sent again.
    pub retries: u64,
    /// ICMP refusals of what was sent.
    pub refused: u64,
    /// Requests that are outstanding now.
    pub outstanding: u64,
    /// Datagrams that wait to be sent now.
    pub queued: u64,
}

/// What programs of the first version pass; it stays as it is when the structs grow.
const FIRST_STATS: usize = offset_of!(confd_stats, queued) + size_of::<u64>();
const FIRST_PEER_STATS: usize = offset_of!(confd_peer_stats, serial) + size_of::<i64>();

impl From<Stats> for confd_stats {
    fn from(stats: Stats) -> Self {
        confd_stats {
            requests: stats.requests,
            datagrams_out: stats.datagrams_out,
            send_errors: stats.send_errors,
            datagrams_in: stats.datagrams_in,
            replies: stats.replies,
            dropped_magic: stats.dropped_magic,
            dropped_malformed: stats.dropped_malformed,
            dropped_signature: stats.dropped_signature,
            dropped_salt: stats.dropped_salt,
            dropped_source: stats.dropped_source,
            dropped_duplicate: stats.dropped_duplicate,
            dropped_overflow: stats.dropped_overflow,
            expired: stats.expired,
            cancelled: stats.cancelled,
            retries: stats.retries,
            refused: stats.refused,
            outstanding: stats.outstanding,
            queued: stats.queued,
        }
    }
}

/// Gives what the client has counted.
///
/// @param client  The client.
/// @param out     Receives the counters. What the library knows and the caller does not is left out, what the caller
///                knows and the library does not is 0.
/// @param size    sizeof(confd_stats) as the caller was compiled.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client or out is NULL, or size is less than in the first
///   version; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_stats(
    client: *mut confd_client,
    out: *mut confd_stats,
    size: usize,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        let stats = unsafe { with(client, |client| client.stats()) }?;
        // SAFETY: the caller has size bytes at out, or passes NULL.
        unsafe { fill(confd_stats::from(stats), out, size, FIRST_STATS) }
    })
}

/// What is known of a peer. The struct may grow at its end: the caller says which size it knows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct confd_peer_stats {
    /// The peer as it was written, with its port where it names one.
    pub address: [c_char; 64],
    /// Datagrams that were sent to it.
    pub sent: u64,
    /// Requests that it has answered, late answers to queries included.
    pub answered: u64,
    /// ICMP refusals (nothing listens there) of what was sent to it.
    pub refused: u64,
    /// Its smoothed round trip in microseconds; 0 if none was measured yet.
    pub rtt_us: u64,
    /// Its last round trip in microseconds; 0 if none was measured yet.
    pub rtt_last_us: u64,
    /// The cluster's serial in its last ok answer that carries it (not those of types 0, 7, 8 and 9); 0 if there was
    /// none. Of two peers the one with the lower serial is the staler.
    pub serial: i64,
}

/// Gives what is known of a peer. The statistics of a peer that is no longer in the list are gone.
///
/// @param client  The client.
/// @param index   Which peer, from 0, in the order of the list of peers without its repetitions.
/// @param out     Receives it, as in confd_client_stats().
/// @param size    sizeof(confd_peer_stats) as the caller was compiled.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND past the end; CONFD_ERR_INVALID_ARGUMENT if client or out is NULL, or size is
///   less than in the first version; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_peer_stats(
    client: *mut confd_client,
    index: usize,
    out: *mut confd_peer_stats,
    size: usize,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        let peer = unsafe { with(client, |client| client.peer_stats(index)) }?;
        let mut address = [0; 64];
        // The longest label has 63 bytes: an IPv6 address, a zone of 15, brackets and a port.
        for (place, &byte) in address[..63].iter_mut().zip(peer.address.to_bytes()) {
            *place = byte as c_char;
        }
        let stats = confd_peer_stats {
            address,
            sent: peer.sent,
            answered: peer.answered,
            refused: peer.refused,
            rtt_us: peer.rtt_us,
            rtt_last_us: peer.rtt_last_us,
            serial: peer.serial,
        };
        // SAFETY: the caller has size bytes at out, or passes NULL.
        unsafe { fill(stats, out, size, FIRST_PEER_STATS) }
    })
}

/// Writes as much of a struct as the caller knows, and zeroes what only the caller knows. `first` is the size of the
/// struct in the first version, the least that a caller can know.
///
/// # Safety
/// `out` is NULL or has `size` bytes that may be written. `T` has no padding.
unsafe fn fill<T: Copy>(value: T, out: *mut T, size: usize, first: usize) -> crate::error::Result<()> {
    if size < first {
        return Err(Error::with(
            Code::InvalidArgument,
            format_args!("a struct of {size} bytes is smaller than that of the first version, {first}"),
        ));
    }
    let both = size_of::<T>().min(size);
    output(out, "out")?;
    let to = out.cast::<u8>();
    // SAFETY: the caller promises that size bytes may be written at what is not NULL, and both is no more than that; a
    // `T` without padding can be read as bytes.
    unsafe {
        to.copy_from_nonoverlapping((&raw const value).cast(), both);
        to.add(both).write_bytes(0, size - both);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_callers_struct_is_zeroed_where_only_it_knows() {
        let mut room = [0xffu8; 24];
        // SAFETY: there is room for what is written.
        unsafe { fill(7u64, room.as_mut_ptr().cast(), 16, 8) }.unwrap();
        assert_eq!(room[..8], 7u64.to_ne_bytes());
        assert_eq!(room[8..16], [0; 8]);
        assert_eq!(room[16..], [0xff; 8]);
        // SAFETY: nothing is written.
        assert!(unsafe { fill(7u64, room.as_mut_ptr().cast(), 7, 8) }.is_err());
        // SAFETY: nothing is written.
        assert!(unsafe { fill(7u64, std::ptr::null_mut(), 8, 8) }.is_err());
    }

    #[test]
    fn an_earlier_callers_struct_gets_what_it_has_room_for() {
        let mut room = [0xffu8; 16];
        // SAFETY: only as much is written as there is room for.
        unsafe { fill([1u64, 2], room.as_mut_ptr().cast(), 8, 8) }.unwrap();
        assert_eq!(room[..8], 1u64.to_ne_bytes());
        assert_eq!(room[8..], [0xff; 8]);
    }
}
