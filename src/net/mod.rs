//! What the library asks of the operating system: one UDP socket, used in batches, the ICMP errors that come back
//! for it, the one descriptor that a program polls, and random bytes that no two processes share.
//!
//! Linux only. It must not know what the datagrams mean, who the peers are or why there is a deadline: it takes bytes,
//! addresses and times, and gives them back. Besides `ffi` it is the only place with `unsafe` code.
//!
//! | to learn | read |
//! |---|---|
//! | how a socket is set up | [`socket`] |
//! | how a batch goes out, and what stops one | [`send`] |
//! | how several leave in one piece | `segments` |
//! | how datagrams come in, and where they lie | [`receive`] |
//! | what the kernel says about hosts that refuse | [`icmp`] |
//! | the one descriptor to poll | [`poller`] |
//! | a thread that blocks, and how to wake it | [`waker`] |
//! | one that nobody can wake | [`waiting`] |
//! | what time it is | [`clock`] |
//! | forks and random bytes | [`entropy`] |

pub mod clock;
pub mod entropy;
pub mod icmp;
pub mod interface;
pub mod poller;
pub mod receive;
mod segments;
pub mod send;
pub mod services;
pub mod socket;
pub mod waiting;
pub mod waker;

mod control;
mod mapping;
mod sockaddr;
#[cfg(test)]
mod testing;

pub use icmp::IcmpError;
pub use poller::Poller;
pub use receive::ReceiveBuffers;
pub use send::{Outgoing, Sent, Stop};
pub use socket::{Family, Socket};
pub use waiting::PATIENCE;
pub use waker::{Ready, Waker};

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The result of a system call that answers -1 and sets `errno` when it fails.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Closes descriptors whose owners will never be used nor dropped again: in a child after `fork`, where what owns them
/// may be in the midst of a change that nobody will finish.
pub fn close_for_good(fds: impl Iterator<Item = RawFd>) {
    for fd in fds {
        // SAFETY: the caller gives up what owns it. A number that is no descriptor is an error and nothing worse.
        unsafe { libc::close(fd) };
    }
}

/// Owns the descriptor that a system call has just made, or gives that call's error.
///
/// # Safety
/// `result` is what such a call returned, and nothing else owns the descriptor.
unsafe fn own(result: libc::c_int) -> io::Result<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: the call succeeded, so `fd` is open, and the caller says that it is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
