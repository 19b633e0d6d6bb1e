//! `confd_client`: the handle, and the calls that ask and wait.

use std::ffi::{c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;

use crate::client::{Client, Options};
use crate::error::{Code, Error, Result};
use crate::ffi::error::confd_error;
use crate::ffi::guard::{array, milliseconds, optional_text, output, required, text, texts};
use crate::ffi::options::confd_options;
use crate::ffi::request::confd_request;
use crate::ffi::upcall::{self, confd_upcall_fn};
use crate::ffi::{guard, guard_value};

/// Flag of confd_client_send(): leave the datagrams for confd_client_flush(), _process(), _receive(), _wait() or
/// the next send without this flag.
pub const CONFD_SEND_QUEUED: u32 = 1;

/// A client of the confd daemons of one cluster. Every function may be called from any thread at any time, except
/// that confd_client_free() ends the handle: close, join the threads that use it, free.
///
/// After fork() every call in the child gives CONFD_ERR_CLOSED, and confd_client_free() releases memory and
/// descriptors without an upcall.
pub struct confd_client {
    _opaque: [u8; 0],
}

impl confd_client {
    /// The handle of a client.
    pub(super) fn of(client: &Arc<Client>) -> *mut confd_client {
        Arc::as_ptr(client).cast_mut().cast()
    }
}

/// What confd_client_wait() found. Frozen: it never changes.
#[repr(C)]
pub struct confd_wait_result {
    /// True if fewer peers than confd_needed_replies(sent) had answered in time, or the request is unknown.
    pub timed_out: bool,
    /// Peers that the request was sent to; 0 if it is unknown.
    pub sent: u32,
    /// Distinct ones of them that have answered; 0 if it is unknown.
    pub received: u32,
}

/// The client behind a handle, kept alive for a call: it may be freed in an upcall that the call makes.
///
/// # Safety
/// `client` is NULL or a handle that has not been freed.
pub(super) unsafe fn enter(client: *const confd_client) -> Result<Arc<Client>> {
    if client.is_null() {
        return Err(Error::new(Code::InvalidArgument, "client is NULL"));
    }
    // SAFETY: every handle comes from Arc::into_raw and counts as one reference, which stays the handle's.
    let held = ManuallyDrop::new(unsafe { Arc::from_raw(client.cast::<Client>()) });
    Ok(Arc::clone(&held))
}

/// Runs the body of a call on a client. A panic leaves the client unusable.
///
/// # Safety
/// As [`enter`].
pub(super) unsafe fn with<T>(
    client: *const confd_client,
    run: impl FnOnce(&Arc<Client>) -> Result<T>,
) -> Result<T> {
    // SAFETY: as the caller promises.
    let client = unsafe { enter(client) }?;
    let watch = Watch(&client);
    let result = run(&client);
    // It is dropped by a panic only.
    std::mem::forget(watch);
    result
}

/// Marks a client whose call panics.
struct Watch<'a>(&'a Client);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.mark_broken();
    }
}

/// Makes a client.
///
/// @param hmac_key      The cluster's HMAC key: every byte of /var/lib/ganeti/hmac.key, its trailing newline
///                      included. A stripped key is another key and gets no answer. It is copied, and wiped from
///                      memory when the client goes.
/// @param hmac_key_len  Bytes of the key, more than 0.
/// @param peers         The master candidates: IPv4 or IPv6 addresses of one family, each with its own port where
///                      it has one (192.0.2.1:2000, [2001:db8::1]:2000), with a zone where it is link-local
///                      (fe80::1%eth0). Repeated ones count once.
/// @param n_peers       How many, more than 0.
/// @param callback      Told of what happens to requests. NULL for a program that sends none.
/// @param user_data     Passed to callback as it is. The client uses it until it is freed.
/// @param options       NULL for the defaults; they are copied.
/// @param out           Receives the client, which the program releases with confd_client_free().
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if the key is empty, out is NULL, or hmac_key, peers or one of the
///   peers is NULL; CONFD_ERR_NO_PEERS if n_peers is 0; CONFD_ERR_BAD_PEER; CONFD_ERR_MIXED_FAMILIES, also if the
///   bind address is of another family than the peers; CONFD_ERR_IO if the system gives no socket, or has not
///   the bind address; CONFD_ERR_NO_MEMORY if the list of peers is too large, or the kernel has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_new(
    hmac_key: *const c_void,
    hmac_key_len: usize,
    peers: *const *const c_char,
    n_peers: usize,
    callback: confd_upcall_fn,
    user_data: *mut c_void,
    options: *const confd_options,
    out: *mut *mut confd_client,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: the caller passes a key of that length, n_peers strings, and options or NULL.
        let (key, peers, options) = unsafe {
            (
                array(hmac_key.cast::<u8>(), hmac_key_len, "hmac_key")?,
                texts(peers, n_peers, "peers")?,
                options.as_ref(),
            )
        };
        let defaults = Options::default();
        let options = options.map_or(&defaults, |options| &options.options);
        let client = Client::new(key, &peers, upcall::callback(callback, user_data), options)?;
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(Arc::into_raw(client).cast_mut().cast()) };
        Ok(())
    })
}

/// Makes a client of the cluster that this node belongs to, by two files of its data directory: hmac.key, every byte
/// of which is the key, and ssconf_master_candidates_ips, one address in each line.
///
/// @param data_dir   The directory; NULL for /var/lib/ganeti.
/// @param callback   As for confd_client_new().
/// @param user_data  As for confd_client_new().
/// @param options    As for confd_client_new().
/// @param out        Receives the client, which the program releases with confd_client_free().
/// @return CONFD_OK; CONFD_ERR_CLUSTER_DIR if one of the files is absent, unreadable, empty or malformed:
///   confd_last_error() names it and the line; CONFD_ERR_INVALID_ARGUMENT if out is NULL or data_dir is not UTF-8;
///   CONFD_ERR_MIXED_FAMILIES if the bind address is of another family than the peers; CONFD_ERR_IO as for
///   confd_client_new().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_open(
    data_dir: *const c_char,
    callback: confd_upcall_fn,
    user_data: *mut c_void,
    options: *const confd_options,
    out: *mut *mut confd_client,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: the caller passes a string or NULL, and options or NULL.
        let (dir, options) = unsafe { (optional_text(data_dir, "data_dir")?, options.as_ref()) };
        let defaults = Options::default();
        let options = options.map_or(&defaults, |options| &options.options);
        let client = Client::open(dir.map(Path::new), upcall::callback(callback, user_data), options)?;
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(Arc::into_raw(client).cast_mut().cast()) };
        Ok(())
    })
}

/// Reads both files of a client of confd_client_open() again. All or nothing: when it fails, the client goes on with
/// what it has. A changed key is taken up as by confd_client_set_hmac_key().
///
/// @return CONFD_OK; CONFD_ERR_CLUSTER_DIR; CONFD_ERR_MIXED_FAMILIES if the addresses are of another family than
///   before; CONFD_ERR_INVALID_ARGUMENT if client is NULL or was made by confd_client_new(); CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_reload(client: *mut confd_client) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        unsafe { with(client, |client| client.reload()) }
    })
}

/// Signs new requests with another key. Each outstanding request is verified with the key that signed it. Since
/// daemons read their key at their start only, both keys are held for a while, and queries try the old one, too,
/// until every peer has answered under the new one, or for 10 minutes; then the old one is wiped from memory.
///
/// @param client  The client.
/// @param key     Every byte of the new hmac.key.
/// @param len     Bytes of the key, more than 0.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client or key is NULL or len is 0; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_set_hmac_key(
    client: *mut confd_client,
    key: *const c_void,
    len: usize,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a key of that length and a client, or NULL.
        unsafe {
            let key = array(key.cast::<u8>(), len, "key")?;
            with(client, |client| client.set_hmac_key(key))
        }
    })
}

/// Replaces the peers. Replies to what was sent before still count.
///
/// @param client   The client.
/// @param peers    As for confd_client_new(), of the family that the client was made with.
/// @param n_peers  How many, more than 0.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client, peers or one of them is NULL; CONFD_ERR_NO_PEERS;
///   CONFD_ERR_BAD_PEER; CONFD_ERR_MIXED_FAMILIES; CONFD_ERR_NO_MEMORY if the list is too large; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_update_peers(
    client: *mut confd_client,
    peers: *const *const c_char,
    n_peers: usize,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL, and n_peers strings.
        unsafe { with(client, |client| client.update_peers(&texts(peers, n_peers, "peers")?)) }
    })
}

/// Cancels what is outstanding, and ends the client: every running and later call returns CONFD_ERR_CLOSED. May
/// come from any thread, any number of times, also inside an upcall.
///
/// @return CONFD_OK, also when the client is closed already; CONFD_ERR_INVALID_ARGUMENT if client is NULL;
///   CONFD_ERR_CLOSED while the client is freed, by another thread or in an upcall of this call, or in a child
///   after fork().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_close(client: *mut confd_client) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        unsafe { with(client, |client| client.close()) }
    })
}

/// Closes the client, makes the last upcalls of everything outstanding, and ends the handle. After it has returned
/// nothing is called, and what user_data points to may be released. Replies that were not delivered yet are
/// dropped. Inside an upcall it does the same, nested in that upcall, whose arguments stay valid until it returns;
/// the call that was delivering returns CONFD_ERR_CLOSED. From another thread it first waits for the upcall that
/// runs. NULL does nothing.
///
/// No other thread may use the handle from then on: close, join, free. In a child after fork() it releases memory
/// and descriptors, with no upcall.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_free(client: *mut confd_client) {
    guard_value((), || {
        // SAFETY: the caller passes a handle that it gives back once, or NULL.
        let Ok(client) = (unsafe { enter(client) }) else { return Ok(()) };
        client.free();
        if client.is_inherited() && client.is_torn() {
            // The handle's own reference stays, and with it the memory that nobody can clean up.
            client.close_descriptors();
            return Ok(());
        }
        // SAFETY: the reference that was the handle's own.
        drop(unsafe { Arc::from_raw(Arc::as_ptr(&client)) });
        // Inside the log's function there are more references than could be told; what is lost then is memory.
        if client.is_inherited() && !client.is_in_log() {
            // The threads whose calls held the client do not exist in this process, so nobody gives their
            // references back. This thread has one in this call, and one in the call that delivers if there is one.
            let mine = if client.is_in_upcall() { 2 } else { 1 };
            while Arc::strong_count(&client) > mine {
                // SAFETY: a reference of a call that no thread of this process has.
                unsafe { Arc::decrement_strong_count(Arc::as_ptr(&client)) };
            }
        }
        Ok(())
    });
}

/// Sends a request to some of the peers, chosen at random anew for each request, and keeps it until its expiry.
/// Each reply is one upcall; the expiry is the last one. The request is copied and may be freed at once.
///
/// Checked in this order: coverage, a salt is there, the salt is unused, the size. One peer that cannot be reached
/// does not fail the sending to the others; when the socket's buffer is full the datagrams wait.
///
/// @param client        A client with a callback.
/// @param request       The request.
/// @param coverage      How many peers: 0 for the smaller of 6 and all, -1 for all, else that many.
/// @param flags         0 or CONFD_SEND_QUEUED.
/// @param request_data  Comes back with each upcall of the request.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client or request is NULL, the client has no callback, coverage
///   is less than -1 or flags has another bit; CONFD_ERR_COVERAGE; CONFD_ERR_MISSING_SALT;
///   CONFD_ERR_DUPLICATE_SALT if the salt has been used, even if that request has ended: give the request a fresh
///   one with confd_request_set_salt(); CONFD_ERR_REQUEST_TOO_BIG; CONFD_ERR_IO if it could be sent to none of the
///   peers; CONFD_ERR_CLOSED, also if an upcall that was made here has closed or freed the client. A request that was
///   refused is not outstanding and gets no upcall.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_send(
    client: *mut confd_client,
    request: *const confd_request,
    coverage: i32,
    flags: u32,
    request_data: *mut c_void,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a request or NULL.
        let request = unsafe { required(request, "request") }?;
        if flags & !CONFD_SEND_QUEUED != 0 {
            let detail = format!("flags has unknown bits: {flags:#x}");
            return Err(Error::new(Code::InvalidArgument, detail));
        }
        let token = request_data.expose_provenance();
        // SAFETY: the caller passes a client or NULL.
        unsafe { with(client, |client| client.send(&request.request, coverage, flags != 0, token)) }
    })
}

/// Sends the datagrams that wait, as far as the socket takes them. With external_io they wait for
/// confd_client_poll_transmit() all the same.
///
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_flush(client: *mut confd_client) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        unsafe { with(client, |client| client.flush()) }
    })
}

/// Handles the datagrams that are there, at most 128; if there are none, blocks until a datagram has been handled
/// (dropped ones included) or an upcall was made. Signals do not cut it short, confd_client_wake() does.
///
/// @param client      The client.
/// @param timeout_ms  Milliseconds; 0 does not block, negative blocks without limit.
/// @param handled     Receives how many datagrams were handled, 0 at the timeout; may be NULL.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL or has external_io; CONFD_ERR_IO if the socket fails;
///   CONFD_ERR_BUSY inside an upcall of this client; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_receive(
    client: *mut confd_client,
    timeout_ms: i32,
    handled: *mut usize,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        let count = unsafe { with(client, |client| client.receive(milliseconds(timeout_ms))) }?;
        if !handled.is_null() {
            // SAFETY: it is not NULL, and the caller lets it be written.
            unsafe { handled.write(count) };
        }
        Ok(())
    })
}

/// Makes the confd_client_receive() that blocks, or else the next one, return CONFD_OK with 0 at once.
/// Async-signal-safe.
///
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_wake(client: *mut confd_client) -> confd_error {
    // A signal handler must neither allocate nor take a lock, so this neither counts a reference nor keeps words
    // for confd_last_error.
    if client.is_null() {
        return Code::InvalidArgument as confd_error;
    }
    // SAFETY: the caller passes a handle that has not been freed.
    match unsafe { &*client.cast::<Client>() }.wake() {
        true => 0,
        false => Code::Closed as confd_error,
    }
}

/// Blocks until confd_needed_replies(sent) distinct contacted peers have answered the request and the upcalls of
/// those replies have returned, which may be at once. The request's expiry is put off by the timeout, as in the
/// reference; sums saturate.
///
/// @param client      The client.
/// @param salt        The request's salt.
/// @param timeout_ms  Milliseconds; 0 does not block, negative blocks until the request is answered or expires,
///                    and puts nothing off.
/// @param out         Receives what was found; {true, 0, 0} if no outstanding request has this salt, or it expired
///                    or was cancelled meanwhile.
/// @return CONFD_OK, also at the timeout; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or the client has
///   external_io; CONFD_ERR_IO if the socket fails; CONFD_ERR_BUSY inside an upcall of this client; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_wait(
    client: *mut confd_client,
    salt: *const c_char,
    timeout_ms: i32,
    out: *mut confd_wait_result,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: the caller passes a string and a client, or NULL.
        let waited = unsafe {
            let salt = text(salt, "salt")?;
            with(client, |client| client.wait(salt, milliseconds(timeout_ms)))?
        };
        let result =
            confd_wait_result { timed_out: waited.timed_out, sent: waited.sent, received: waited.received };
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(result) };
        Ok(())
    })
}

/// Ends the requests whose expiry has come and makes their upcalls, at most 65,536 in one call.
///
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_BUSY inside an upcall of this client;
///   CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_expire(client: *mut confd_client) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        unsafe { with(client, |client| client.expire()) }
    })
}

/// Ends an outstanding request. Its last upcall, CONFD_UPCALL_CANCEL, is made before this returns, or, where
/// another thread delivers or this is called inside an upcall, afterwards.
///
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL; CONFD_ERR_UNKNOWN_REQUEST if no outstanding
///   request has this salt; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_cancel(client: *mut confd_client, salt: *const c_char) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a string and a client, or NULL.
        unsafe {
            let salt = text(salt, "salt")?;
            with(client, |client| client.cancel(salt))
        }
    })
}

/// Counts what is outstanding.
///
/// @param client      The client.
/// @param total       Receives how many requests are outstanding; may be NULL.
/// @param unanswered  Receives how many of them no peer has answered; may be NULL. 0 is the reference's
///                    ConfdCountingCallback.AllAnswered.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if client is NULL; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_outstanding(
    client: *mut confd_client,
    total: *mut usize,
    unanswered: *mut usize,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        let counts = unsafe { with(client, |client| client.outstanding()) }?;
        for (place, count) in [(total, counts.0), (unanswered, counts.1)] {
            if !place.is_null() {
                // SAFETY: it is not NULL, and the caller lets it be written.
                unsafe { place.write(count) };
            }
        }
        Ok(())
    })
}

/// How many replies make an answer safe: of up to two peers all, of up to four all but one, else more than half.
///
/// @return The number: 0→0 1→1 2→2 3→2 4→3 5→3 6→4 7→4.
#[unsafe(no_mangle)]
pub extern "C" fn confd_needed_replies(sent: u32) -> u32 {
    crate::engine::needed_replies(sent)
}

/// The one descriptor to poll for reading: it is readable whenever confd_client_process() has something to do: a
/// datagram, a due deadline, queued datagrams, room in a full socket, an upcall left over, the client's closing.
/// Level- and edge-triggered loops can wait on it alone and without a timeout, also while other threads send.
///
/// @return A descriptor that is the library's: never read or close it. It is non-blocking and close-on-exec, the
///   same for the client's life, and opened at the first call. -1 if client is NULL, has external_io, is closed, or
///   the system has no descriptor; confd_last_error() tells.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_fd(client: *mut confd_client) -> c_int {
    guard_value(-1, || {
        // SAFETY: the caller passes a client or NULL.
        unsafe { with(client, |client| client.fd()) }
    })
}

/// Does what is to be done now: reads at most 128 datagrams, ends at most 1,024 requests, sends what waits, makes
/// at most 1,024 upcalls. Never blocks. Where it leaves work, the descriptor of confd_client_fd() stays readable,
/// and makes a new edge for edge-triggered loops. With external_io it is confd_client_expire().
///
/// @return CONFD_OK, also when there was nothing to do; CONFD_ERR_INVALID_ARGUMENT if client is NULL;
///   CONFD_ERR_BUSY inside an upcall of this client; CONFD_ERR_CLOSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_process(client: *mut confd_client) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes a client or NULL.
        unsafe { with(client, |client| client.process()) }
    })
}

/// The time to the next deadline, for programs that do not wait on confd_client_fd().
///
/// @return Milliseconds, rounded up; 0 if something is due; -1 if nothing is outstanding, client is NULL, or it is
///   closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_client_timeout_ms(client: *mut confd_client) -> i32 {
    guard_value(-1, || {
        // SAFETY: the caller passes a client or NULL.
        Ok(unsafe { with(client, |client| client.timeout_ms()) }?.unwrap_or(-1))
    })
}
