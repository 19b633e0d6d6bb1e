//! One UDP socket: how it is opened, and what can be asked about it. Batches are in [`send`](super::send) and
//! [`receive`](super::receive), the error queue is in [`icmp`](super::icmp). It knows no peer and no deadline.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::segments::Ability;
use super::sockaddr::RawAddr;
use super::{check, own};

/// The address family of a socket. A socket speaks only its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of `addr`; an IPv4-mapped IPv6 address counts as the IPv4 address that it means.
    pub fn of(addr: &SocketAddr) -> Family {
        if addr.ip().to_canonical().is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// A UDP socket, bound, not connected and close-on-exec. Every method may be called from any thread, and none blocks but
/// [`receive_waiting`](Socket::receive_waiting): each call that could says that it is not to.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    /// The kernel (or a sandbox) has no `sendmmsg` or `recvmmsg`, so datagrams go one by one.
    one_by_one: AtomicBool,
    /// Whether it takes several datagrams in one piece.
    pub(super) segments: Ability,
}

impl Socket {
    /// Opens a socket of one family, bound to `bind` (with port 0: an ephemeral port) or to the wildcard address.
    ///
    /// It queues ICMP errors ([`read_errors`](Socket::read_errors)) and counts the datagrams that it had no room for
    /// ([`ReceiveBuffers::overflow`](super::ReceiveBuffers::overflow)). `receive_buffer` is in bytes and a wish: the
    /// kernel gives what the system's limit allows, which [`receive_buffer`](Socket::receive_buffer) tells.
    ///
    /// # Errors
    /// `InvalidInput` if `bind` is of the other family; what `socket`, `setsockopt` and `bind` give.
    pub fn open(
        family: Family,
        bind: Option<SocketAddr>,
        receive_buffer: Option<usize>,
    ) -> io::Result<Socket> {
        let (domain, wildcard) = match family {
            Family::V4 => (libc::AF_INET, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
            Family::V6 => (libc::AF_INET6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))),
        };
        let bind = bind.unwrap_or(wildcard);
        if Family::of(&bind) != family {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "address of the other family"));
        }
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        // SAFETY: `socket` takes integers and makes a descriptor, which is owned here from now on.
        let fd = unsafe { own(libc::socket(domain, kind, 0)) }?;
        let socket = Socket { fd, one_by_one: AtomicBool::new(false), segments: Ability::default() };
        match family {
            Family::V4 => socket.set_option(libc::IPPROTO_IP, libc::IP_RECVERR, 1)?,
            Family::V6 => {
                socket.set_option(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
                socket.set_option(libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)?;
            }
        }
        socket.set_option(libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
        socket.set_patience()?;
        if let Some(wanted) = receive_buffer {
            socket.ask_for_receive_buffer(wanted);
        }
        let (raw, len) = RawAddr::encode(&bind);
        // SAFETY: `raw` holds an address of `len` bytes for the time of the call.
        check(unsafe { libc::bind(socket.as_raw_fd(), (&raw const raw).cast(), len) })?;
        Ok(socket)
    }

    /// The receive buffer in bytes as the kernel accounts for it: twice what was granted, its own overhead included.
    ///
    /// # Errors
    /// What `getsockopt` gives.
    pub fn receive_buffer(&self) -> io::Result<usize> {
        let value = self.option(libc::SOL_SOCKET, libc::SO_RCVBUF)?;
        usize::try_from(value).map_err(|_| io::Error::other("a negative receive buffer"))
    }

    /// The address and port that the socket is bound to.
    ///
    /// # Errors
    /// What `getsockname` gives.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let mut raw = RawAddr::empty();
        let mut len = RawAddr::ROOM;
        // SAFETY: `raw` has room for `len` bytes, and both live for the time of the call.
        check(unsafe { libc::getsockname(self.as_raw_fd(), (&raw mut raw).cast(), &mut len) })?;
        raw.decode(len).ok_or_else(|| io::Error::other("the socket has no IP address"))
    }

    pub(super) fn one_by_one(&self) -> bool {
        self.one_by_one.load(Ordering::Relaxed)
    }

    /// Batches are not to be had: datagrams go one by one from now on.
    pub(super) fn go_one_by_one(&self) {
        self.one_by_one.store(true, Ordering::Relaxed);
    }

    fn ask_for_receive_buffer(&self, wanted: usize) {
        let wanted = libc::c_int::try_from(wanted).unwrap_or(libc::c_int::MAX);
        // Past the system's limit needs CAP_NET_ADMIN. Without, the plain option takes any number and grants what it
        // may. A smaller buffer loses datagrams earlier and breaks nothing, so no failure here is worth an error.
        if self.set_option(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, wanted).is_err() {
            let _ = self.set_option(libc::SOL_SOCKET, libc::SO_RCVBUF, wanted);
        }
    }

    /// The value of an option that is an int.
    pub(super) fn option(&self, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
        let mut value: libc::c_int = 0;
        let mut len = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: `value` and `len` are the option's value and its size, and live for the time of the call.
        check(unsafe { libc::getsockopt(self.as_raw_fd(), level, name, (&raw mut value).cast(), &mut len) })?;
        Ok(value)
    }

    pub(super) fn set_option(
        &self,
        level: libc::c_int,
        name: libc::c_int,
        value: libc::c_int,
    ) -> io::Result<()> {
        self.set_option_to(level, name, &value)
    }

    /// Sets an option to what the kernel takes for it: an int, but for few.
    pub(super) fn set_option_to<T>(
        &self,
        level: libc::c_int,
        name: libc::c_int,
        value: &T,
    ) -> io::Result<()> {
        let (value, len) = (ptr::from_ref(value).cast(), size_of::<T>() as libc::socklen_t);
        // SAFETY: the kernel only reads `len` bytes of the value, which lives for the time of the call.
        check(unsafe { libc::setsockopt(self.as_raw_fd(), level, name, value, len) })?;
        Ok(())
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_socket_has_a_port_of_its_own_and_leaks_into_no_other_program() {
        for (family, any) in [(Family::V4, "0.0.0.0"), (Family::V6, "::")] {
            let socket = Socket::open(family, None, None).unwrap();
            let addr = socket.local_addr().unwrap();
            assert_eq!(addr.ip().to_string(), any);
            assert_ne!(addr.port(), 0);
            // SAFETY: F_GETFD takes no pointer.
            let fd_flags = unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFD) };
            assert_ne!(fd_flags & libc::FD_CLOEXEC, 0);
        }
    }

    #[test]
    fn a_socket_binds_where_it_is_told() {
        for ip in ["127.0.0.3", "::1"] {
            let bind = SocketAddr::new(ip.parse().unwrap(), 0);
            let socket = Socket::open(Family::of(&bind), Some(bind), None).unwrap();
            assert_eq!(socket.local_addr().unwrap().ip(), bind.ip());
        }
    }

    #[test]
    fn an_address_of_the_other_family_or_of_another_host_is_an_error() {
        let bind = "[::1]:0".parse().unwrap();
        let error = Socket::open(Family::V4, Some(bind), None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let bind = "192.0.2.1:0".parse().unwrap();
        let error = Socket::open(Family::V4, Some(bind), None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }

    #[test]
    fn a_receive_buffer_is_granted_as_far_as_possible() {
        let plain = Socket::open(Family::V4, None, None).unwrap().receive_buffer().unwrap();
        let asked = Socket::open(Family::V4, None, Some(100_000)).unwrap().receive_buffer().unwrap();
        assert_ne!(plain, asked);
        assert!(asked >= 100_000, "{asked}");
        for absurd in [0, usize::MAX] {
            assert!(Socket::open(Family::V4, None, Some(absurd)).unwrap().receive_buffer().unwrap() > 0);
        }
    }
}
