//! The one error type. Its numbers are the C API's `CONFD_ERR_…` and never change; a retired one stays
//! reserved.

use std::borrow::Cow;
use std::fmt;

/// Result with this library's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it was. The discriminants are the C API's error numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Code {
    /// An argument is outside what the function takes.
    InvalidArgument = 1,
    /// A peer is not an IPv4 or IPv6 address of one host.
    BadPeer = 2,
    /// The list of peers is empty.
    NoPeers = 3,
    /// The peers are not all of one address family, that of the client.
    MixedFamilies = 4,
    /// The coverage asks for more peers than are known.
    Coverage = 5,
    /// The request type is not one of 0 to 11, or the call does not apply to it.
    RequestType = 6,
    /// The request has an empty salt.
    MissingSalt = 7,
    /// The request's salt has been used: a salt serves once.
    DuplicateSalt = 8,
    /// The signed datagram would pass the limit on a request's size.
    RequestTooBig = 9,
    /// No outstanding request has this salt.
    UnknownRequest = 10,
    /// The operating system refused an operation on the socket, or on a file.
    Io = 11,
    /// There is nothing at this pointer or index, or nothing left to transmit.
    NotFound = 12,
    /// The value is there, and is not of the type that was asked for.
    WrongType = 13,
    /// A file of the cluster's data directory is absent, unreadable or malformed.
    ClusterDir = 14,
    /// The call would wait for upcalls, and was made inside one.
    Busy = 15,
    /// The client is closed, or was inherited through `fork`.
    Closed = 16,
    /// A defect of the library; the handle cannot be used any more.
    Internal = 17,
    /// Memory could not be had.
    NoMemory = 18,
}

impl Code {
    /// Every code, in the order of its number.
    pub const ALL: [Code; 18] = [
        Code::InvalidArgument,
        Code::BadPeer,
        Code::NoPeers,
        Code::MixedFamilies,
        Code::Coverage,
        Code::RequestType,
        Code::MissingSalt,
        Code::DuplicateSalt,
        Code::RequestTooBig,
        Code::UnknownRequest,
        Code::Io,
        Code::NotFound,
        Code::WrongType,
        Code::ClusterDir,
        Code::Busy,
        Code::Closed,
        Code::Internal,
        Code::NoMemory,
    ];

    /// One line for a person, without the particulars that [`Error::detail`] has. Ends in a NUL so that the C
    /// API can hand it out as it is.
    pub(crate) const fn line(self) -> &'static str {
        match self {
            Code::InvalidArgument => "invalid argument\0",
            Code::BadPeer => "a peer is not an IPv4 or IPv6 address\0",
            Code::NoPeers => "the list of peers is empty\0",
            Code::MixedFamilies => "peers of different address families\0",
            Code::Coverage => "the coverage is more than the known peers\0",
            Code::RequestType => "unknown request type, or a call that does not apply to this type\0",
            Code::MissingSalt => "the request has no salt\0",
            Code::DuplicateSalt => "the request's salt has been used already\0",
            Code::RequestTooBig => "the request is too big for a datagram\0",
            Code::UnknownRequest => "no outstanding request has this salt\0",
            Code::Io => "input or output failed\0",
            Code::NotFound => "there is nothing there\0",
            Code::WrongType => "the value is of another type\0",
            Code::ClusterDir => "a file of the cluster's data directory cannot be used\0",
            Code::Busy => "not possible inside an upcall of this client\0",
            Code::Closed => "the client is closed\0",
            Code::Internal => "internal error in the library; this handle cannot be used any more\0",
            Code::NoMemory => "out of memory\0",
        }
    }
}

/// A failed call: its code, and what exactly was wrong, for a person. It is small, since every call that can fail has
/// room for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Made(Box<(Code, Cow<'static, str>)>),
    NoMemory(&'static &'static str),
}

impl Error {
    /// An error with its particulars, one line without a full stop.
    #[cold]
    #[inline(never)]
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Error(Kept::Made(Box::new((code, detail.into()))))
    }

    /// The same with particulars that are put together, out of the way of calls that succeed.
    #[cold]
    #[inline(never)]
    pub(crate) fn with(code: Code, detail: fmt::Arguments<'_>) -> Self {
        Error::new(code, detail.to_string())
    }

    /// The failure of a system call: `what` was tried, and what the system said.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        let code = if error.kind() == std::io::ErrorKind::OutOfMemory { Code::NoMemory } else { Code::Io };
        Error::with(code, format_args!("{what}: {error}"))
    }

    /// There is no memory for something; saying so takes none.
    pub fn no_memory(what: &'static &'static str) -> Self {
        Error(Kept::NoMemory(what))
    }

    /// The kind of failure.
    pub fn code(&self) -> Code {
        match &self.0 {
            Kept::Made(made) => made.0,
            Kept::NoMemory(_) => Code::NoMemory,
        }
    }

    /// What exactly was wrong, for a person.
    pub fn detail(&self) -> &str {
        match &self.0 {
            Kept::Made(made) => &made.1,
            Kept::NoMemory(what) => what,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_from_1_to_18_and_each_has_a_line() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index + 1);
            assert!(code.line().ends_with('\0') && code.line().len() > 5);
        }
    }
}
