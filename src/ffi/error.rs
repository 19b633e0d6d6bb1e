//! Error codes, and what they say.

use std::cell::RefCell;
use std::ffi::{CString, c_char};

use crate::error::Code;

/// What a call that can fail returns: CONFD_OK or one of the CONFD_ERR_ numbers. A failed call leaves its outputs
/// unwritten and the client as it was, expiries that it came upon apart. confd_last_error() says in words what
/// went wrong. The numbers are fixed for ever.
pub type confd_error = i32;

/// No error.
pub const CONFD_OK: i32 = 0;
/// An argument is outside what the function takes: NULL where something is required, a number out of range, a
/// text that is not UTF-8, an empty key.
pub const CONFD_ERR_INVALID_ARGUMENT: i32 = 1;
/// A peer is not an IPv4 or IPv6 address of one host.
pub const CONFD_ERR_BAD_PEER: i32 = 2;
/// The list of peers is empty.
pub const CONFD_ERR_NO_PEERS: i32 = 3;
/// The peers are not all of one address family, that of the client.
pub const CONFD_ERR_MIXED_FAMILIES: i32 = 4;
/// The coverage asks for more peers than are known.
pub const CONFD_ERR_COVERAGE: i32 = 5;
/// The request type is not one of 0 to 11, or the call does not apply to the request's type.
pub const CONFD_ERR_REQUEST_TYPE: i32 = 6;
/// The request has an empty salt.
pub const CONFD_ERR_MISSING_SALT: i32 = 7;
/// The request's salt has been used: a salt serves once.
pub const CONFD_ERR_DUPLICATE_SALT: i32 = 8;
/// The signed datagram would pass the client's limit on the size of a request.
pub const CONFD_ERR_REQUEST_TOO_BIG: i32 = 9;
/// No outstanding request has this salt.
pub const CONFD_ERR_UNKNOWN_REQUEST: i32 = 10;
/// The operating system refused an operation on the socket.
pub const CONFD_ERR_IO: i32 = 11;
/// There is nothing at this pointer or index, or nothing left to transmit.
pub const CONFD_ERR_NOT_FOUND: i32 = 12;
/// The value is there, and is not of the type that was asked for.
pub const CONFD_ERR_WRONG_TYPE: i32 = 13;
/// A file of the cluster's data directory is absent, unreadable or malformed.
pub const CONFD_ERR_CLUSTER_DIR: i32 = 14;
/// The call waits for upcalls, and was made inside one.
pub const CONFD_ERR_BUSY: i32 = 15;
/// The client is closed, or was inherited through fork().
pub const CONFD_ERR_CLOSED: i32 = 16;
/// A defect of the library. Each later call on the handle gives this, too; free it.
pub const CONFD_ERR_INTERNAL: i32 = 17;
/// There is no memory for a text or a list of this size, or none in the kernel. Any call that is passed one, or makes
/// a system call, may give this.
pub const CONFD_ERR_NO_MEMORY: i32 = 18;

/// The version of the library that this header belongs to: major << 16 | minor << 8 | patch.
pub const CONFD_VERSION_NUMBER: u32 = 0x00_01_00;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Keeps what went wrong for [`confd_last_error`].
pub(super) fn remember(detail: &str) {
    let line = detail.replace('\0', "?");
    // At the end of a thread its storage may be gone already; there is nobody left to ask.
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = CString::new(line).unwrap_or_default();
        }
    });
}

/// What went wrong in this thread's last failed call, for a person: one line, such as
/// `peer 3, "node7", is not an IPv4 or IPv6 address`. A call that succeeds does not change it.
///
/// @return Never NULL; "" if no call of this thread has failed. Valid until the thread's next call of this
///   library; the library owns it.
#[unsafe(no_mangle)]
pub extern "C" fn confd_last_error() -> *const c_char {
    LAST.try_with(|last| last.try_borrow().map_or(c"".as_ptr(), |last| last.as_ptr())).unwrap_or(c"".as_ptr())
}

/// One line for an error code, without the particulars that confd_last_error() has.
///
/// @param code Any number, also one that is no code.
/// @return Never NULL; static.
#[unsafe(no_mangle)]
pub extern "C" fn confd_strerror(code: confd_error) -> *const c_char {
    let known = Code::ALL.iter().find(|known| **known as confd_error == code);
    match (code, known) {
        (CONFD_OK, _) => c"success".as_ptr(),
        (_, Some(known)) => known.line().as_ptr().cast(),
        (_, None) => c"unknown error code".as_ptr(),
    }
}

/// The version of the library that the program runs with, as text: "0.1.0".
///
/// @return Never NULL; static.
#[unsafe(no_mangle)]
pub extern "C" fn confd_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// The version of the library that the program runs with, to be compared with CONFD_VERSION_NUMBER, that of the
/// header it was compiled with.
///
/// @return major << 16 | minor << 8 | patch.
#[unsafe(no_mangle)]
pub extern "C" fn confd_version_number() -> u32 {
    CONFD_VERSION_NUMBER
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn text(pointer: *const c_char) -> &'static str {
        // SAFETY: these are static strings.
        unsafe { CStr::from_ptr(pointer) }.to_str().unwrap()
    }

    #[test]
    fn every_code_has_its_line_and_so_has_any_number() {
        assert_eq!(text(confd_strerror(0)), "success");
        assert_eq!(text(confd_strerror(CONFD_ERR_BUSY)), "not possible inside an upcall of this client");
        assert_eq!(text(confd_strerror(-1)), text(confd_strerror(19)));
    }

    #[test]
    fn the_numbers_of_the_header_are_those_of_the_errors() {
        let header = [
            CONFD_ERR_INVALID_ARGUMENT,
            CONFD_ERR_BAD_PEER,
            CONFD_ERR_NO_PEERS,
            CONFD_ERR_MIXED_FAMILIES,
            CONFD_ERR_COVERAGE,
            CONFD_ERR_REQUEST_TYPE,
            CONFD_ERR_MISSING_SALT,
            CONFD_ERR_DUPLICATE_SALT,
            CONFD_ERR_REQUEST_TOO_BIG,
            CONFD_ERR_UNKNOWN_REQUEST,
            CONFD_ERR_IO,
            CONFD_ERR_NOT_FOUND,
            CONFD_ERR_WRONG_TYPE,
            CONFD_ERR_CLUSTER_DIR,
            CONFD_ERR_BUSY,
            CONFD_ERR_CLOSED,
            CONFD_ERR_INTERNAL,
            CONFD_ERR_NO_MEMORY,
        ];
        assert_eq!(header.as_slice(), Code::ALL.map(|code| code as i32));
    }

    #[test]
    fn the_number_of_the_version_is_its_text() {
        let part = |shift: u32| CONFD_VERSION_NUMBER >> shift & 0xff;
        assert_eq!(text(confd_version()), format!("{}.{}.{}", part(16), part(8), part(0)));
    }
}
