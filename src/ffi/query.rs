//! `confd_client_query` and its asynchronous form: one question, one completion.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use crate::client::Client;
use crate::engine::QueryResult;
use crate::error::{Code, Error};
use crate::ffi::client::{confd_client, with};
use crate::ffi::error::confd_error;
use crate::ffi::guard::{milliseconds, output, required_mut};
use crate::ffi::reply::confd_reply;
use crate::ffi::request::confd_request;
use crate::ffi::upcall::UserData;
use crate::ffi::{guard, guard_value};

/// Outcome of a query: enough peers have answered for the answer to be safe.
pub const CONFD_OUTCOME_ANSWERED: i32 = 0;
/// Outcome of a query: some peers, but too few, have answered in time.
pub const CONFD_OUTCOME_PARTIAL: i32 = 1;
/// Outcome of a query: nobody has answered in time.
pub const CONFD_OUTCOME_NO_REPLY: i32 = 2;
/// Outcome of a query: it was cancelled, or its client closed or freed.
pub const CONFD_OUTCOME_CANCELLED: i32 = 3;

/// What a query found. The library makes it, and all that it points to lives as long as it does: until
/// confd_result_free() for the blocking form, during the callback for the other. It may grow at its end in later
/// versions.
#[repr(C)]
pub struct confd_result {
    /// Bytes of this struct, as the library that made it knows it.
    pub size: usize,
    /// A CONFD_OUTCOME_ number.
    pub outcome: i32,
    /// The best reply so far: an ok one beats an error, among ok ones the highest serial wins, and the first of
    /// equals. NULL if there is none. An error carries no serial, so a fresh "unknown entry" loses to a stale ok
    /// reply; errors tells that there were some. confd_reply_clone() keeps it longer.
    pub reply: *const confd_reply,
    /// The address of the peer that gave the best reply; NULL if there is none.
    pub server_ip: *const c_char,
    /// The port of the peer that gave the best reply; 0 if there is none.
    pub server_port: u16,
    /// Peers that were asked, those included that were asked later in the place of others.
    pub sent: u32,
    /// Distinct ones of them that have answered.
    pub received: u32,
    /// Replies that make the query answered: confd_needed_replies() of its first coverage.
    pub needed: u32,
    /// Error replies among those received.
    pub errors: u32,
    /// False once two ok replies had one serial and different answers (as JSON values).
    pub consistent: bool,
}

/// Told of the result of a query, exactly once, under the same rules as a confd_upcall_fn. What result points to is
/// valid during the call.
pub type confd_query_fn =
    Option<unsafe extern "C" fn(client: *mut confd_client, result: *const confd_result, data: *mut c_void)>;

impl confd_result {
    const NOTHING: confd_result = confd_result {
        size: size_of::<confd_result>(),
        outcome: CONFD_OUTCOME_NO_REPLY,
        reply: ptr::null(),
        server_ip: ptr::null(),
        server_port: 0,
        sent: 0,
        received: 0,
        needed: 0,
        errors: 0,
        consistent: true,
    };

    /// What was found, as C sees it, for as long as that stays where it is.
    fn of(found: &QueryResult) -> confd_result {
        confd_result {
            size: size_of::<confd_result>(),
            outcome: found.outcome as i32,
            reply: found.reply.as_ref().map_or(ptr::null(), confd_reply::of),
            server_ip: found.server.as_ref().map_or(ptr::null(), |(ip, _)| ip.as_ptr()),
            server_port: found.server.as_ref().map_or(0, |(_, port)| *port),
            sent: found.sent,
            received: found.received,
            needed: found.needed,
            errors: found.errors,
            consistent: found.consistent,
        }
    }
}

/// A result with what it points to.
#[repr(C)]
struct Owned {
    result: confd_result,
    found: QueryResult,
}

impl Owned {
    /// In a box, so that the pointers in it stay good.
    fn new(found: QueryResult) -> Box<Owned> {
        let mut owned = Box::new(Owned { result: confd_result::NOTHING, found });
        owned.result = confd_result::of(&owned.found);
        owned
    }
}

/// Asks a question and blocks until confd_needed_replies() of the first coverage's peers have answered, or the time
/// is over. While it is short of replies it asks again every retry_ms: the peers that have not answered, and as
/// many others as there are silent ones; a peer whose host refuses is replaced by another at once. Meanwhile it
/// handles the datagrams of other requests, too, and makes their upcalls.
///
/// Peers are chosen at random; those that lately refused or stayed silent come last. A request whose salt has been
/// used gets a fresh one. A list of addresses (type 2) that is too long for one datagram is asked in parts, each
/// judged by itself, and the answers are joined in order: sent and errors are then the most of any part, received
/// the least, and an address that no peer has answered for stands there with the status of an error, [1, 1, 0].
///
/// @param client      The client; it needs no callback.
/// @param request     The question.
/// @param coverage    How many peers at first: 0 for the smaller of 6 and all, -1 for all, else that many.
/// @param timeout_ms  Milliseconds; negative for no limit.
/// @param out         Receives the result, which the program releases with confd_result_free().
/// @return CONFD_OK if it could be asked: outcome says how it ended; CONFD_ERR_INVALID_ARGUMENT if an argument is
///   NULL, coverage is less than -1, or the client has external_io; CONFD_ERR_COVERAGE; CONFD_ERR_MISSING_SALT;
///   CONFD_ERR_REQUEST_TOO_BIG; CONFD_ERR_IO if it could be sent to nobody, or the socket fails; CONFD_ERR_BUSY inside
///   an upcall of this client; CONFD_ERR_CLOSED, also if the client is closed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_query(
    client: *mut confd_client,
    request: *mut confd_request,
    coverage: i32,
    timeout_ms: i32,
    out: *mut *mut confd_result,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: the caller passes its own request and a client, or NULL.
        let found = unsafe {
            let request = required_mut(request, "request")?;
            with(client, |client| client.query(&mut request.request, coverage, milliseconds(timeout_ms)))
        }?;
        // SAFETY: out is not NULL, and the caller lets it be written. The result is the first member.
        unsafe { out.set(Box::into_raw(Owned::new(found)).cast()) };
        Ok(())
    })
}

/// Asks a question as confd_client_query() does, without blocking. The callback is told of the result exactly once,
/// and never inside this call (but for a log callback that drives the client there). confd_client_cancel() with the
/// request's salt ends it as CONFD_OUTCOME_CANCELLED, and so do closing and freeing the client.
///
/// @param client      The client.
/// @param request     The question; it may be freed at once.
/// @param coverage    As for confd_client_query().
/// @param timeout_ms  Milliseconds; negative for no limit.
/// @param callback    Told of the result.
/// @param data        Passed to callback as it is.
/// @return CONFD_OK: there will be one completion. Otherwise there is none: CONFD_ERR_INVALID_ARGUMENT if client,
///   request or callback is NULL or coverage is less than -1; CONFD_ERR_COVERAGE; CONFD_ERR_MISSING_SALT;
///   CONFD_ERR_REQUEST_TOO_BIG; CONFD_ERR_IO if it could be sent to nobody; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_query_async(
    client: *mut confd_client,
    request: *mut confd_request,
    coverage: i32,
    timeout_ms: i32,
    callback: confd_query_fn,
    data: *mut c_void,
) -> confd_error {
    guard(|| {
        let callback = callback.ok_or_else(|| Error::new(Code::InvalidArgument, "callback is NULL"))?;
        let data = UserData(data);
        let tell = move |client: &Arc<Client>, found: &QueryResult| call(callback, client, found, &data);
        // SAFETY: the caller passes its own request and a client, or NULL.
        unsafe {
            let request = required_mut(request, "request")?;
            with(client, |client| {
                client.query_async(&mut request.request, coverage, milliseconds(timeout_ms), Box::new(tell))
            })
        }
    })
}

fn call(
    callback: unsafe extern "C" fn(*mut confd_client, *const confd_result, *mut c_void),
    client: &Arc<Client>,
    found: &QueryResult,
    data: &UserData,
) {
    let result = confd_result::of(found);
    // SAFETY: the program gave the function and its data for this call; the result lives during it, and the client
    // does as long as this reference to it.
    unsafe { callback(confd_client::of(client), &result, data.0) }
}

/// Releases a result of confd_client_query(), and its reply. NULL does nothing. The result of a callback is the
/// library's: never free it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_result_free(result: *mut confd_result) {
    guard_value((), || {
        if !result.is_null() {
            // SAFETY: confd_client_query made it from the box of an Owned, of which it is the first member.
            drop(unsafe { Box::from_raw(result.cast::<Owned>()) });
        }
        Ok(())
    });
}
