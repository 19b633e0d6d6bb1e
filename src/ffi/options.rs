//! `confd_options`: what a client is told at its creation.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use crate::client::Options;
use crate::engine::{LogLevel, LogLine};
use crate::error::{Code, Error, Result};
use crate::ffi::error::confd_error;
use crate::ffi::guard::{output, required_mut, text};
use crate::ffi::upcall::UserData;
use crate::ffi::{guard, guard_value};

/// Log level: each dropped datagram and the like, for those who look for a fault.
pub const CONFD_LOG_DEBUG: i32 = 0;
/// Log level: what changed, such as the peers.
pub const CONFD_LOG_INFO: i32 = 1;
/// Log level: what works, but not as its user would want.
pub const CONFD_LOG_WARNING: i32 = 2;
/// Log level: what does not work.
pub const CONFD_LOG_ERROR: i32 = 3;

/// Takes a line for the program's log. Called inside calls on the client, on the calling thread, one line at a
/// time for each client, with no lock held. The message is valid during the call. It has no control character, no
/// newline either, and no byte of a datagram whose signature was not verified. It may call the client except for
/// confd_client_free(), and returns normally. A call passes on at most 1,024
/// lines, and 16 more after each upcall that it makes; what is left is for the next, or for a thread that waits.
pub type confd_log_fn = Option<unsafe extern "C" fn(level: i32, message: *const c_char, data: *mut c_void)>;

/// What a client is told at its creation, where a copy is made. Used by one thread at a time.
pub struct confd_options {
    pub(super) options: Options,
}

/// Makes options with their defaults.
///
/// @param out  Receives the options, which the program releases with confd_options_free().
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if out is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_new(out: *mut *mut confd_options) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        let options = Box::new(confd_options { options: Options::default() });
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(Box::into_raw(options)) };
        Ok(())
    })
}

/// Releases options. Clients that were made with them keep their copies. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_free(options: *mut confd_options) {
    guard_value((), || {
        if !options.is_null() {
            // SAFETY: confd_options_new made them from a Box, and the caller gives them back once.
            drop(unsafe { Box::from_raw(options) });
        }
        Ok(())
    });
}

/// The port of peers that name none of their own.
///
/// @param port  1 to 65535. Default: that of ganeti-confd over UDP in the services database, else 1814.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or port is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_port(options: *mut confd_options, port: u16) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe { change(options, |options| options.set_port(port)) }
}

/// How long a request is outstanding, unless confd_client_wait() puts it off.
///
/// @param ms  Milliseconds, more than 0. Default: 10,000, as in the reference implementation.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or ms is not more than 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_expire_ms(options: *mut confd_options, ms: i32) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe { change(options, |options| options.set_expire_ms(ms)) }
}

/// The most bytes of a request's datagram; a larger request is refused with CONFD_ERR_REQUEST_TOO_BIG.
///
/// @param bytes  1 to 65507. Default: 4,096, which is what ganeti-confd 3.0 reads: it drops a longer one silently.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or bytes is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_max_request_bytes(
    options: *mut confd_options,
    bytes: usize,
) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe { change(options, |options| options.set_max_request_bytes(bytes)) }
}

/// Whether the callback is told only of replies that say something new: the first one, the first ok one, and later
/// ok ones with a higher serial and a different answer (the reference's ConfdFilterCallback). The others count all
/// the same.
///
/// @param on  0 off (the default), else on.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_filter(options: *mut confd_options, on: i32) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe {
        change(options, |options| {
            options.set_filter(on != 0);
            Ok(())
        })
    }
}

/// Whether correctly signed replies from addresses that a request was not sent to are delivered, as from a daemon
/// bound to the wildcard address of a node with several addresses. At most as many as the request has contacted
/// peers, one for each address; they never count as received.
///
/// @param on  0 off (the default), else on.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_any_source(options: *mut confd_options, on: i32) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe {
        change(options, |options| {
            options.set_any_source(on != 0);
            Ok(())
        })
    }
}

/// After how long a query that is short of replies asks again: the peers that have not answered, and as many others.
/// Only queries are repeated, never what confd_client_send() has sent.
///
/// @param ms  Milliseconds; 0 for never. Default: 1,000.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or ms is negative.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_retry_ms(options: *mut confd_options, ms: i32) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe { change(options, |options| options.set_retry_ms(ms)) }
}

/// How often the peers are brought up to date, inside calls on the client. A client that was opened from a data
/// directory reads its files again when they have changed; another one asks its peers for the list of master
/// candidates and takes it up if it is of the same family and not empty.
///
/// @param ms  Milliseconds; 0, the default, for never.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or ms is negative.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_refresh_ms(options: *mut confd_options, ms: i32) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe { change(options, |options| options.set_refresh_ms(ms)) }
}

/// Bytes asked of the kernel for the socket's receive buffer. The kernel gives what its limits allow.
///
/// @param bytes  1 to 2147483647. Default: what the kernel gives by itself.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or bytes is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_receive_buffer(
    options: *mut confd_options,
    bytes: usize,
) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe { change(options, |options| options.set_receive_buffer(bytes)) }
}

/// The local address to send from, one of the peers' family. The port stays the kernel's choice.
///
/// @param ip  An IPv4 or IPv6 address, with a zone where it is link-local. Default: as the kernel routes.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or ip is no address. Whether the host has
///   the address shows when a client is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_bind_address(
    options: *mut confd_options,
    ip: *const c_char,
) -> confd_error {
    // SAFETY: the caller passes its own options and string, or NULL.
    unsafe { change(options, |options| options.set_bind_address(text(ip, "ip")?)) }
}

/// Whether the program does its own input and output: the client then opens no socket, and the program pulls
/// datagrams with confd_client_poll_transmit() and pushes them with confd_client_handle_datagram().
///
/// @param on  0 off (the default), else on.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_external_io(options: *mut confd_options, on: i32) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe {
        change(options, |options| {
            options.set_external_io(on != 0);
            Ok(())
        })
    }
}

/// Where log lines go. By default there are none.
///
/// @param log        Takes the lines; NULL for none. See confd_log_fn.
/// @param data       Passed to log as it is. The client uses it until it is freed.
/// @param min_level  The least level to log, a CONFD_LOG_ number.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if options is NULL or min_level is no level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_options_set_log(
    options: *mut confd_options,
    log: confd_log_fn,
    data: *mut c_void,
    min_level: i32,
) -> confd_error {
    // SAFETY: the caller passes its own options or NULL.
    unsafe {
        change(options, |options| {
            let least = match min_level {
                CONFD_LOG_DEBUG => LogLevel::Debug,
                CONFD_LOG_INFO => LogLevel::Info,
                CONFD_LOG_WARNING => LogLevel::Warning,
                CONFD_LOG_ERROR => LogLevel::Error,
                _ => {
                    return Err(Error::with(
                        Code::InvalidArgument,
                        format_args!("a log level of {min_level} is not one of 0 to 3"),
                    ));
                }
            };
            let data = UserData(data);
            options.set_log(
                log.map(|log| Arc::new(move |line: &LogLine| write(log, line, &data)) as Arc<_>),
                least,
            );
            Ok(())
        })
    }
}

fn write(log: unsafe extern "C" fn(i32, *const c_char, *mut c_void), line: &LogLine, data: &UserData) {
    let message = CString::new(line.text.as_str()).unwrap_or_default();
    // SAFETY: the program gave the function and its data for this call; the message lives during it.
    unsafe { log(line.level as i32, message.as_ptr(), data.0) }
}

/// # Safety
/// `options` is NULL or valid, and nobody else uses it.
unsafe fn change(options: *mut confd_options, set: impl FnOnce(&mut Options) -> Result<()>) -> confd_error {
    guard(|| {
        // SAFETY: the caller promises that it is valid if it is not NULL.
        set(&mut unsafe { required_mut(options, "options") }?.options)
    })
}
