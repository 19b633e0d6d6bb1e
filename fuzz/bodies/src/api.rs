//! The C API as the harness calls it: the same functions and the same pointers as a C program's, with types that
//! keep the harness's own mistakes out.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use confdclient::ffi::client;
pub use confdclient::ffi::client::{confd_client, confd_wait_result};
use confdclient::ffi::error::confd_last_error;
use confdclient::ffi::external;
pub use confdclient::ffi::external::confd_datagram;
pub use confdclient::ffi::options::{confd_log_fn, confd_options};
use confdclient::ffi::query;
pub use confdclient::ffi::query::{confd_query_fn, confd_result};
use confdclient::ffi::reply;
pub use confdclient::ffi::reply::confd_reply;
use confdclient::ffi::request;
pub use confdclient::ffi::request::confd_request;
use confdclient::ffi::stats;
pub use confdclient::ffi::stats::{confd_peer_stats, confd_stats};
pub use confdclient::ffi::upcall::{confd_upcall, confd_upcall_fn};

pub const OK: i32 = 0;
pub const INVALID: i32 = 1;
pub const BAD_PEER: i32 = 2;
pub const NO_PEERS: i32 = 3;
pub const MIXED: i32 = 4;
pub const COVERAGE: i32 = 5;
pub const REQUEST_TYPE: i32 = 6;
pub const MISSING_SALT: i32 = 7;
pub const DUPLICATE_SALT: i32 = 8;
pub const TOO_BIG: i32 = 9;
pub const UNKNOWN: i32 = 10;
pub const NOT_FOUND: i32 = 12;
pub const WRONG_TYPE: i32 = 13;
pub const BUSY: i32 = 15;
pub const CLOSED: i32 = 16;

/// What the library says that went wrong.
pub fn last_error() -> String {
    text_of(confd_last_error()).unwrap_or_default()
}

/// A string of the library's; `None` for NULL. It is good for as long as the page of its function says.
pub fn str_of<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: the library gives NUL-terminated strings, or NULL.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().expect("a text that is not UTF-8"))
}

/// The same to keep.
pub fn text_of(text: *const c_char) -> Option<String> {
    str_of(text).map(str::to_owned)
}

/// A string for C of bytes that hold no NUL.
pub fn c(text: impl Into<Vec<u8>>) -> CString {
    CString::new(text).expect("a text with a NUL")
}

/// NULL or the string.
fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

/// A list of strings as C passes it.
fn pointers(list: &[impl AsRef<CStr>]) -> Vec<*const c_char> {
    list.iter().map(|text| text.as_ref().as_ptr()).collect()
}

/// A client. Its copies are the same handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub *mut confd_client);

impl Client {
    pub fn new(
        key: &[u8],
        peers: &[impl AsRef<CStr>],
        upcall: confd_upcall_fn,
        data: *mut c_void,
        options: &Options,
    ) -> Result<Client, i32> {
        let mut out = ptr::null_mut();
        let peers = pointers(peers);
        // SAFETY: all pointers are valid for the lengths that are told.
        let code = unsafe {
            let key_at = key.as_ptr().cast();
            client::confd_client_new(
                key_at,
                key.len(),
                peers.as_ptr(),
                peers.len(),
                upcall,
                data,
                options.0,
                &mut out,
            )
        };
        if code == OK { Ok(Client(out)) } else { Err(code) }
    }

    /// A client of a data directory.
    pub fn open(
        dir: &CStr,
        upcall: confd_upcall_fn,
        data: *mut c_void,
        options: &Options,
    ) -> Result<Client, i32> {
        let mut out = ptr::null_mut();
        // SAFETY: the string and the options are valid.
        match unsafe { client::confd_client_open(dir.as_ptr(), upcall, data, options.0, &mut out) } {
            OK => Ok(Client(out)),
            code => Err(code),
        }
    }

    pub fn send(self, request: &Request, coverage: i32, flags: u32, data: *mut c_void) -> i32 {
        // SAFETY: the handle and the request are valid.
        unsafe { client::confd_client_send(self.0, request.0, coverage, flags, data) }
    }

    pub fn query_async(
        self,
        request: &Request,
        coverage: i32,
        timeout_ms: i32,
        callback: confd_query_fn,
        data: *mut c_void,
    ) -> i32 {
        // SAFETY: the handle and the request are valid.
        unsafe { query::confd_client_query_async(self.0, request.0, coverage, timeout_ms, callback, data) }
    }

    /// Gives the result, and frees it where there is one.
    pub fn query(
        self,
        request: &Request,
        coverage: i32,
        timeout_ms: i32,
        look: impl FnOnce(&confd_result),
    ) -> i32 {
        let mut out = ptr::null_mut();
        // SAFETY: the handle and the request are valid; the result is the library's until it is freed.
        unsafe {
            let code = query::confd_client_query(self.0, request.0, coverage, timeout_ms, &mut out);
            assert_eq!(code == OK, !out.is_null(), "an output beside an error");
            if let Some(result) = out.as_ref() {
                look(result);
            }
            query::confd_result_free(out);
            code
        }
    }

    pub fn handle_datagram(self, datagram: &[u8], ip: &CStr, port: u16) -> i32 {
        // SAFETY: the handle, the bytes and the string are valid.
        unsafe {
            let data = datagram.as_ptr().cast();
            external::confd_client_handle_datagram(self.0, data, datagram.len(), ip.as_ptr(), port)
        }
    }

    pub fn handle_unreachable(self, ip: &CStr, port: u16) -> i32 {
        // SAFETY: the handle and the string are valid.
        unsafe { external::confd_client_handle_unreachable(self.0, ip.as_ptr(), port) }
    }

    /// Shows the next datagram to send, with its address as text and its port.
    pub fn transmit<R>(self, show: impl FnOnce(&[u8], &str, u16) -> R) -> Result<R, i32> {
        let mut out = confd_datagram { data: ptr::null(), len: 0, ip: ptr::null(), port: 0 };
        // SAFETY: the handle is valid, and what it fills is valid until the next call.
        unsafe {
            match external::confd_client_poll_transmit(self.0, &mut out) {
                OK => {
                    let data = std::slice::from_raw_parts(out.data, out.len);
                    Ok(show(data, str_of(out.ip).expect("a datagram without an address"), out.port))
                }
                code => Err(code),
            }
        }
    }

    /// The next datagram to send, to keep.
    pub fn poll_transmit(self) -> Result<(Vec<u8>, String, u16), i32> {
        self.transmit(|data, ip, port| (data.to_vec(), ip.to_owned(), port))
    }

    pub fn cancel(self, salt: &CStr) -> i32 {
        // SAFETY: the handle and the string are valid.
        unsafe { client::confd_client_cancel(self.0, salt.as_ptr()) }
    }

    pub fn update_peers(self, peers: &[impl AsRef<CStr>]) -> i32 {
        let peers = pointers(peers);
        // SAFETY: the handle and the strings are valid.
        unsafe { client::confd_client_update_peers(self.0, peers.as_ptr(), peers.len()) }
    }

    pub fn set_hmac_key(self, key: &[u8]) -> i32 {
        // SAFETY: the handle and the bytes are valid.
        unsafe { client::confd_client_set_hmac_key(self.0, key.as_ptr().cast(), key.len()) }
    }

    pub fn wait(self, salt: &CStr, timeout_ms: i32) -> (i32, confd_wait_result) {
        let mut out = confd_wait_result { timed_out: false, sent: 0, received: 0 };
        // SAFETY: the handle and the string are valid.
        let code = unsafe { client::confd_client_wait(self.0, salt.as_ptr(), timeout_ms, &mut out) };
        (code, out)
    }

    pub fn receive(self, timeout_ms: i32) -> (i32, usize) {
        let mut handled = 0;
        // SAFETY: the handle is valid.
        (unsafe { client::confd_client_receive(self.0, timeout_ms, &mut handled) }, handled)
    }

    pub fn outstanding(self) -> Result<(usize, usize), i32> {
        let (mut total, mut unanswered) = (0, 0);
        // SAFETY: the handle is valid.
        match unsafe { client::confd_client_outstanding(self.0, &mut total, &mut unanswered) } {
            OK => Ok((total, unanswered)),
            code => Err(code),
        }
    }

    pub fn stats(self) -> Result<confd_stats, i32> {
        // SAFETY: a struct of integers, for which zeros are a value; the handle is valid.
        unsafe {
            let mut out: confd_stats = std::mem::zeroed();
            match stats::confd_client_stats(self.0, &mut out, size_of::<confd_stats>()) {
                OK => Ok(out),
                code => Err(code),
            }
        }
    }

    pub fn peer_stats(self, index: usize) -> i32 {
        // SAFETY: a struct of integers, for which zeros are a value; the handle is valid.
        unsafe {
            let mut out: confd_peer_stats = std::mem::zeroed();
            stats::confd_client_peer_stats(self.0, index, &mut out, size_of::<confd_peer_stats>())
        }
    }

    /// One of the calls that take nothing but the client.
    pub fn plain(self, call: Plain) -> i32 {
        // SAFETY: the handle is valid.
        unsafe {
            match call {
                Plain::Flush => client::confd_client_flush(self.0),
                Plain::Wake => client::confd_client_wake(self.0),
                Plain::Expire => client::confd_client_expire(self.0),
                Plain::Process => client::confd_client_process(self.0),
                Plain::Close => client::confd_client_close(self.0),
                Plain::Reload => client::confd_client_reload(self.0),
                Plain::Fd => client::confd_client_fd(self.0),
                Plain::Timeout => client::confd_client_timeout_ms(self.0),
            }
        }
    }

    pub fn free(self) {
        // SAFETY: the harness frees each client once.
        unsafe { client::confd_client_free(self.0) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    Flush,
    Wake,
    Expire,
    Process,
    Close,
    Reload,
    Fd,
    Timeout,
}

/// A request of the harness's own.
pub struct Request(pub *mut confd_request);

impl Request {
    pub fn new(kind: i32, query: Option<&CStr>) -> Result<Request, i32> {
        let mut out = ptr::null_mut();
        // SAFETY: the string is valid or NULL.
        match unsafe { request::confd_request_new(kind, pointer(query), &mut out) } {
            OK => Ok(Request(out)),
            code => Err(code),
        }
    }

    pub fn set_ip(&self, ip: Option<&CStr>, link: Option<&CStr>) -> i32 {
        // SAFETY: the request is valid, and so are the strings or NULL.
        unsafe { request::confd_request_set_ip(self.0, pointer(ip), pointer(link)) }
    }

    pub fn set_ips(&self, ips: &[impl AsRef<CStr>], link: Option<&CStr>) -> i32 {
        let ips = pointers(ips);
        // SAFETY: the request is valid, and so are the strings or NULL.
        unsafe { request::confd_request_set_ips(self.0, ips.as_ptr(), ips.len(), pointer(link)) }
    }

    pub fn set_fields(&self, fields: &[i32]) -> i32 {
        // SAFETY: the request and the list are valid.
        unsafe { request::confd_request_set_fields(self.0, fields.as_ptr(), fields.len()) }
    }

    pub fn set_query_json(&self, json: Option<&CStr>) -> i32 {
        // SAFETY: the request is valid, and so is the string or NULL.
        unsafe { request::confd_request_set_query_json(self.0, pointer(json)) }
    }

    pub fn set_salt(&self, salt: Option<&CStr>) -> i32 {
        // SAFETY: the request is valid, and so is the string or NULL.
        unsafe { request::confd_request_set_salt(self.0, pointer(salt)) }
    }

    pub fn salt(&self) -> String {
        salt_of(self.0).to_owned()
    }

    pub fn kind(&self) -> i32 {
        // SAFETY: the request is valid.
        unsafe { request::confd_request_type(self.0) }
    }

    pub fn query_json(&self) -> String {
        // SAFETY: the request is valid.
        text_of(unsafe { request::confd_request_query_json(self.0) }).expect("a request without a query")
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: it is freed here and nowhere else.
        unsafe { request::confd_request_free(self.0) }
    }
}

/// The salt of a request, also of one that an upcall shows.
pub fn salt_of<'a>(shown: *const confd_request) -> &'a str {
    // SAFETY: the request is valid.
    str_of(unsafe { request::confd_request_salt(shown) }).expect("a request without a salt")
}

/// Options of the harness's own.
pub struct Options(pub *mut confd_options);

impl Options {
    pub fn new() -> Options {
        let mut out = ptr::null_mut();
        // SAFETY: there is room for the pointer.
        assert_eq!(unsafe { confdclient::ffi::options::confd_options_new(&mut out) }, OK);
        Options(out)
    }

    /// One of the setters that take a number.
    pub fn set<N>(&self, set: unsafe extern "C" fn(*mut confd_options, N) -> i32, number: N) -> i32 {
        // SAFETY: the options are valid.
        unsafe { set(self.0, number) }
    }

    pub fn set_log(&self, log: confd_log_fn, data: *mut c_void, least: i32) -> i32 {
        // SAFETY: the options are valid.
        unsafe { confdclient::ffi::options::confd_options_set_log(self.0, log, data, least) }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: they are freed here and nowhere else.
        unsafe { confdclient::ffi::options::confd_options_free(self.0) }
    }
}

/// A clone of a reply.
pub struct Reply(pub *mut confd_reply);

impl Reply {
    pub fn clone_of(shown: *const confd_reply) -> Reply {
        let mut out = ptr::null_mut();
        // SAFETY: the reply is valid.
        assert_eq!(unsafe { reply::confd_reply_clone(shown, &mut out) }, OK);
        Reply(out)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: it is freed here and nowhere else.
        unsafe { reply::confd_reply_free(self.0) }
    }
}

/// What a reply says: status, protocol, serial and its answer as text.
pub type Said<'a> = (i32, i32, i64, &'a str);

pub fn said<'a>(shown: *const confd_reply) -> Said<'a> {
    // SAFETY: the reply is valid.
    unsafe {
        let answer = str_of(reply::confd_reply_answer_json(shown)).expect("a reply without an answer");
        let error = str_of(reply::confd_reply_error_text(shown));
        let status = reply::confd_reply_status(shown);
        assert_eq!(status == 0, error.is_none(), "an ok reply has no error text, any other has");
        (status, reply::confd_reply_protocol(shown), reply::confd_reply_serial(shown), answer)
    }
}
