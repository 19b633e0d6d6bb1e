//! The calls of programs that do their own input and output.

use std::ffi::{c_char, c_void};

use crate::ffi::client::{confd_client, with};
use crate::ffi::error::confd_error;
use crate::ffi::guard;
use crate::ffi::guard::{array, output, text};

/// A datagram that the program is to send. Frozen: it never changes.
#[repr(C)]
pub struct confd_datagram {
    /// The bytes.
    pub data: *const u8,
    /// How many.
    pub len: usize,
    /// The address to send them to.
    pub ip: *const c_char,
    /// The port to send them to.
    pub port: u16,
}

/// Takes the next datagram to send, of a client with external_io. Call it after every other call until there is
/// none; one thread at a time.
///
/// @param client  A client with external_io.
/// @param out     Receives the datagram, whose pointers are valid until the next confd_client_poll_transmit() or
///                confd_client_free().
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if there is none; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or the
///   client has a socket; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_poll_transmit(
    client: *mut confd_client,
    out: *mut confd_datagram,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: the caller passes a client or NULL.
        let datagram = unsafe {
            with(client, |client| {
                client.poll_transmit(|transmit| confd_datagram {
                    data: transmit.data().as_ptr(),
                    len: transmit.data().len(),
                    ip: transmit.ip().as_ptr(),
                    port: transmit.port(),
                })
            })
        }?;
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(datagram) };
        Ok(())
    })
}

/// Takes in a datagram that the program has received. Works on every client. Whatever the datagram holds is no
/// error: what does not count as a reply is dropped, and counted in confd_client_stats().
///
/// @param client  The client.
/// @param data    The bytes; NULL if len is 0.
/// @param len     How many.
/// @param ip      The address that it came from; IPv4-mapped forms and zones count as the address that they mean.
/// @param port    The port that it came from.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client, ip or data (with len more than 0) is NULL, or ip is no
///   address; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_handle_datagram(
    client: *mut confd_client,
    data: *const c_void,
    len: usize,
    ip: *const c_char,
    port: u16,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes len bytes, a string and a client, or NULL.
        unsafe {
            let (data, ip) = (array(data.cast::<u8>(), len, "data")?, text(ip, "ip")?);
            with(client, |client| client.handle_datagram(data, ip, port))
        }
    })
}

/// Tells the client of an ICMP refusal (port unreachable) that the program has received for what it sent. It ends
/// no request and counts as no answer; a late reply of the peer still counts.
///
/// @param client  The client.
/// @param ip      The address that the refused datagram was sent to.
/// @param port    The port that it was sent to.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or ip is no address; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_handle_unreachable(
    client: *mut confd_client,
    ip: *const c_char,
    port: u16,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a string and a client, or NULL.
        unsafe {
            let ip = text(ip, "ip")?;
            with(client, |client| client.handle_unreachable(ip, port))
        }
    })
}
