//! `confd_upcall`: what a callback is told.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use crate::client::{Callback, Client};
use crate::engine::{Event, EventKind};
use crate::ffi::client::confd_client;
use crate::ffi::reply::confd_reply;
use crate::ffi::request::confd_request;

/// Kind of upcall: a peer has answered.
pub const CONFD_UPCALL_REPLY: i32 = 1;
/// Kind of upcall: the request has reached its expiry. The last one of its request.
pub const CONFD_UPCALL_EXPIRE: i32 = 2;
/// Kind of upcall: the request was cancelled, or its client closed or freed. The last one of its request.
pub const CONFD_UPCALL_CANCEL: i32 = 3;

/// What has happened to a request. The library owns it and all that it points to, which is valid during the
/// upcall. It may grow at its end in later versions.
#[repr(C)]
pub struct confd_upcall {
    /// Bytes of this struct, as the library that made it knows it.
    pub size: usize,
    /// A CONFD_UPCALL_ number.
    pub r#type: i32,
    /// The request's salt.
    pub salt: *const c_char,
    /// The request, as it was sent.
    pub request: *const confd_request,
    /// What the program attached to the request when it sent it.
    pub request_data: *mut c_void,
    /// The reply; NULL unless the kind is CONFD_UPCALL_REPLY. confd_reply_clone() keeps it longer.
    pub reply: *const confd_reply,
    /// The address of the peer that replied, without brackets and with the zone where it is link-local; NULL
    /// unless the kind is CONFD_UPCALL_REPLY.
    pub server_ip: *const c_char,
    /// The port of the peer that replied; 0 unless the kind is CONFD_UPCALL_REPLY.
    pub server_port: u16,
    /// Peers that the request was sent to.
    pub sent: u32,
    /// Distinct ones of them that have answered so far, this one included.
    pub received: u32,
    /// False once two ok replies to the request had one serial and different answers (as JSON values).
    pub consistent: bool,
}

/// Told of every event of the requests of a client. Called inside confd_client_send(), _query(), _query_async(),
/// _receive(), _wait(), _process(), _expire(), _cancel(), _handle_datagram(), _close() and _free(), on the calling
/// thread, one at a time for each client, in the order of the events, with no lock held. It may call any function:
/// on its own client confd_client_receive(), _wait(), _process(), _expire() and _query() give CONFD_ERR_BUSY, and
/// what other calls bring about is delivered after it returns, confd_client_free() excepted. It returns normally:
/// no exception, longjmp or thread exit may pass through the library.
///
/// Every request that was accepted gets exactly one last upcall, CONFD_UPCALL_EXPIRE or CONFD_UPCALL_CANCEL.
pub type confd_upcall_fn = Option<
    unsafe extern "C" fn(client: *mut confd_client, upcall: *const confd_upcall, user_data: *mut c_void),
>;

/// A pointer of the program, which the library carries and never looks at.
pub(super) struct UserData(pub(super) *mut c_void);

// SAFETY: the library only hands the pointer back. That the program's callbacks may be called on any thread is
// part of the C API.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

/// The callback of a client in the engine's terms.
pub(super) fn callback(function: confd_upcall_fn, data: *mut c_void) -> Option<Callback> {
    let data = UserData(data);
    let function = function?;
    Some(Box::new(move |client: &Arc<Client>, event: &Event| call(function, client, event, &data)))
}

fn call(
    function: unsafe extern "C" fn(*mut confd_client, *const confd_upcall, *mut c_void),
    client: &Arc<Client>,
    event: &Event,
    data: &UserData,
) {
    let (kind, reply, server) = match &event.kind {
        EventKind::Reply { reply, ip, port, .. } => {
            (CONFD_UPCALL_REPLY, confd_reply::of(reply), Some((ip, *port)))
        }
        EventKind::Expire => (CONFD_UPCALL_EXPIRE, ptr::null(), None),
        EventKind::Cancel => (CONFD_UPCALL_CANCEL, ptr::null(), None),
        // The client makes no upcalls of these.
        EventKind::HeldBack | EventKind::Query(_) => return,
    };
    let upcall = confd_upcall {
        size: size_of::<confd_upcall>(),
        r#type: kind,
        salt: event.request.salt().as_bytes_with_nul().as_ptr().cast(),
        request: confd_request::of(&event.request),
        request_data: ptr::with_exposed_provenance_mut(event.token),
        reply,
        server_ip: server.map_or(ptr::null(), |(ip, _)| ip.as_ptr()),
        server_port: server.map_or(0, |(_, port)| port),
        sent: event.sent,
        received: event.received,
        consistent: event.consistent,
    };
    // SAFETY: the program gave the function and its data for this call; what the upcall points to lives during it,
    // and the client does as long as this reference to it.
    unsafe { function(confd_client::of(client), &upcall, data.0) }
}
