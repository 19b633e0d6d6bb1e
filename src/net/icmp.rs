//! The socket's error queue: what ICMP says about datagrams that were sent. It knows no request; the start of the
//! datagram, which the kernel quotes, lets the caller find out which it was.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use super::control;
use super::sockaddr::RawAddr;
use super::socket::Socket;

/// The most entries that one call reads. What is left keeps the socket polling as being in error.
const PER_CALL: usize = 256;

/// The most bytes of the failed datagram that are kept. IPv4 quotes little more, IPv6 up to 1,232.
const QUOTE: usize = 512;

/// An ICMP error that came back for a datagram of this socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Whom the failed datagram was for.
    pub to: SocketAddr,
    /// The error as the kernel translates it: `ECONNREFUSED`, `EHOSTUNREACH` and so on.
    pub errno: i32,
    /// Nobody listens at that port (port unreachable).
    pub refused: bool,
    /// The start of the failed datagram, as far as it was quoted, at most 512 bytes.
    pub payload: Vec<u8>,
}

/// What one entry of the queue says.
enum Entry {
    Icmp(IcmpError),
    /// The kernel's note of a failure on this host, which the failed `send` has told already.
    Other,
}

impl Socket {
    /// Empties the queue of ICMP errors, as far as 256 entries, and appends them to `out`. Gives how many it appended.
    ///
    /// # Errors
    /// What `recvmsg` gives. An empty queue is no error; what was read before an error is in `out`.
    pub fn read_errors(&self, out: &mut Vec<IcmpError>) -> io::Result<usize> {
        let before = out.len();
        for _ in 0..PER_CALL {
            match self.read_error() {
                Ok(Entry::Icmp(error)) => out.push(error),
                Ok(Entry::Other) => {}
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => break,
                    Some(libc::EINTR) => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(out.len() - before)
    }

    fn read_error(&self) -> io::Result<Entry> {
        let mut quote = [0u8; QUOTE];
        // Aligned for the header of a control message, and large enough for the few that come with an error.
        let mut room = [0u64; 64];
        let mut name = RawAddr::empty();
        let mut part = libc::iovec { iov_base: quote.as_mut_ptr().cast(), iov_len: QUOTE };
        // SAFETY: a header is integers and pointers, for which zero is a value (and padding on some systems).
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_name = (&raw mut name).cast();
        message.msg_namelen = RawAddr::ROOM;
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = room.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&room) as _;
        // SAFETY: the header describes buffers of this frame, with their lengths.
        let got = unsafe { libc::recvmsg(self.as_raw_fd(), &mut message, libc::MSG_ERRQUEUE) };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        let kinds = [(libc::IPPROTO_IP, libc::IP_RECVERR), (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)];
        // SAFETY: the kernel has written the control messages; `sock_extended_err` is integers only.
        let error = unsafe { control::find::<libc::sock_extended_err>(&message, &kinds) };
        let icmp =
            error.filter(|e| [libc::SO_EE_ORIGIN_ICMP, libc::SO_EE_ORIGIN_ICMP6].contains(&e.ee_origin));
        let (Some(icmp), Some(to)) = (icmp, name.decode(message.msg_namelen)) else {
            return Ok(Entry::Other);
        };
        // The kernel's errno, not ICMP's type and code, which differ between IPv4 and IPv6: only "port unreachable" is
        // ECONNREFUSED in both.
        let errno = i32::try_from(icmp.ee_errno).unwrap_or(0);
        let payload = quote[..got.min(QUOTE)].to_vec();
        Ok(Entry::Icmp(IcmpError { to, errno, refused: errno == libc::ECONNREFUSED, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outgoing;
    use super::super::testing::{await_error, closed, open};
    use super::*;

    #[test]
    fn a_refusal_tells_who_refused_and_quotes_the_start_of_the_datagram() {
        for ip in ["127.0.0.1", "::1"] {
            let (socket, _) = open(ip, false);
            let nobody = closed(ip);
            let data = [7; 2000];
            assert_eq!(socket.send(&[Outgoing { data: &data, to: nobody }], &mut Vec::new()).count, 1);
            await_error(&socket);
            let mut errors = Vec::new();
            assert_eq!(socket.read_errors(&mut errors).unwrap(), 1);
            assert_eq!(
                (errors[0].to, errors[0].errno, errors[0].refused),
                (nobody, libc::ECONNREFUSED, true)
            );
            assert_eq!(errors[0].payload, data[..QUOTE]);
            assert_eq!(socket.read_errors(&mut errors).unwrap(), 0);
        }
    }

    #[test]
    fn a_flood_of_refusals_is_read_in_bounded_pieces() {
        // IPv4 refuses every datagram on loopback; the queue holds what fits the receive buffer.
        let (socket, _) = open("127.0.0.1", false);
        let to = closed("127.0.0.1");
        let mut sent = Vec::new();
        let mut left = Vec::new();
        for _ in 0..PER_CALL + 20 {
            assert_eq!(socket.send(&[Outgoing { data: b"?", to }], &mut sent).count, 1);
        }
        // Each send has read what the one before brought about.
        assert!(sent.len() >= PER_CALL, "{}", sent.len());
        assert!(socket.read_errors(&mut left).unwrap() <= PER_CALL);
        assert!(sent.iter().chain(&left).all(|error| error.refused && error.to == to));
    }
}
