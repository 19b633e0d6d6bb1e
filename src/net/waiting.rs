//! Receiving by a thread that has nothing else to wait for than datagrams, nor anybody to be woken by: it waits in the
//! receiving call itself, which saves the call that would wait before.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::icmp::IcmpError;
use super::receive::ReceiveBuffers;
use super::sockaddr::RawAddr;
use super::socket::Socket;

/// How long [`Socket::receive_waiting`] waits at the most. The kernel counts it by ticks, several at once, and may add an
/// eighth.
pub const PATIENCE: Duration = Duration::from_millis(500);

impl Socket {
    /// Does what [`receive`](Socket::receive) does, but where no datagram is there it waits for one, at most
    /// [`PATIENCE`]. Nothing ends the wait before but a datagram, an ICMP error, which is appended to `errors`, or a
    /// signal; it gives 0 in each of these cases but the first. With `max` 1 it is a plainer call.
    ///
    /// # Errors
    /// As those of [`receive`](Socket::receive).
    pub fn receive_waiting(
        &self,
        buffers: &mut ReceiveBuffers,
        max: usize,
        errors: &mut Vec<IcmpError>,
    ) -> io::Result<usize> {
        let mut flags = libc::MSG_WAITFORONE;
        loop {
            let received = match max {
                1 => self.receive_one(buffers, flags & libc::MSG_DONTWAIT),
                _ => self.fill(buffers, max, flags, errors),
            };
            let Err(error) = received else { return received };
            if error.raw_os_error() == Some(libc::EINTR) {
                return Ok(0);
            }
            // Also when nothing came: what the kernel has given away to another call ends no wait.
            let told = self.read_errors(errors).unwrap_or(0) > 0;
            if told || error.raw_os_error() == Some(libc::EAGAIN) {
                return Ok(0);
            }
            // An ICMP error that somebody else has read is told once, and the time for waiting may be over.
            if flags == libc::MSG_DONTWAIT {
                return Err(error);
            }
            flags = libc::MSG_DONTWAIT;
        }
    }

    fn receive_one(&self, buffers: &mut ReceiveBuffers, flags: libc::c_int) -> io::Result<usize> {
        let (data, room) = buffers.room_for_one()?;
        let mut from = RawAddr::empty();
        let (name, mut from_len) = ((&raw mut from).cast(), RawAddr::ROOM);
        // SAFETY: there are `room` bytes from `data` on, and in `from` there are `from_len`, for the time of the call.
        let got = unsafe {
            libc::recvfrom(self.as_raw_fd(), data.as_ptr().cast(), room, flags, name, &mut from_len)
        };
        let len = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        // SAFETY: so many bytes were just written there.
        unsafe { buffers.put_one(len.min(room), from.sender(from_len)) };
        Ok(1)
    }

    /// Has calls that wait for datagrams give up after [`PATIENCE`].
    pub(super) fn set_patience(&self) -> io::Result<()> {
        let patience = libc::timeval { tv_sec: 0, tv_usec: PATIENCE.as_micros() as _ };
        self.set_option_to(libc::SOL_SOCKET, libc::SO_RCVTIMEO, &patience)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    use super::super::Outgoing;
    use super::super::testing::{LONG, await_error, closed, forbid, forms, open, poll, storm_of_signals};
    use super::*;

    fn send(socket: &Socket, data: &[u8], to: SocketAddr) {
        assert_eq!(socket.send(&[Outgoing { data, to }], &mut Vec::new()).count, 1);
    }

    #[test]
    fn datagrams_of_every_length_come_whole_one_or_several_at_once() {
        for (ip, one_by_one) in forms() {
            let ((from, from_addr), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let noise: Vec<u8> = (0..65_507u32).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
            let (mut buffers, mut errors) = (ReceiveBuffers::new(), Vec::new());
            for (len, max) in
                [0, 1, 1023, 1024, 1025, 65_507, 300].into_iter().flat_map(|len| [(len, 1), (len, 8)])
            {
                send(&from, &noise[..len], to_addr);
                assert_eq!(to.receive_waiting(&mut buffers, max, &mut errors).unwrap(), 1);
                assert_eq!(buffers.datagram(0).unwrap(), (&noise[..len], from_addr));
                assert!(buffers.datagram(1).is_none() && errors.is_empty());
            }
            // And the other calls find nothing of them.
            assert_eq!(to.receive(&mut buffers, 8, &mut errors).unwrap(), 0);
            assert!(buffers.is_empty() && buffers.datagram(0).is_none());
        }
    }

    #[test]
    fn it_waits_for_the_first_datagram_and_takes_what_is_there_then() {
        for (ip, one_by_one) in forms() {
            let ((from, _), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let (mut buffers, mut errors) = (ReceiveBuffers::new(), Vec::new());
            for max in [1, 8] {
                let (mut got, mut calls) = (0, 0);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        // As a rule the other thread waits by then.
                        std::thread::sleep(Duration::from_millis(20));
                        for _ in 0..3 {
                            send(&from, b"hello", to_addr);
                        }
                    });
                    while got < 3 {
                        let count = to.receive_waiting(&mut buffers, max, &mut errors).unwrap();
                        assert!(count <= max && buffers.iter().count() == count);
                        got += count;
                        calls += 1;
                        assert!(calls < 100);
                    }
                });
            }
        }
    }

    #[test]
    fn its_patience_ends_and_nothing_is_there_then() {
        let (socket, addr) = open("127.0.0.1", false);
        let mut buffers = ReceiveBuffers::new();
        for max in [1, 8] {
            send(&socket, b"to myself", addr);
            assert_eq!(socket.receive_waiting(&mut buffers, max, &mut Vec::new()).unwrap(), 1);
            let start = Instant::now();
            assert_eq!(socket.receive_waiting(&mut buffers, max, &mut Vec::new()).unwrap(), 0);
            let took = start.elapsed();
            assert!(took >= PATIENCE.mul_f64(0.98) && took < 20 * PATIENCE, "{took:?}");
            assert!(buffers.is_empty() && buffers.datagram(0).is_none());
        }
    }

    #[test]
    fn a_refusal_ends_the_wait_and_is_told() {
        for (ip, one_by_one) in forms() {
            let (socket, _) = open(ip, one_by_one);
            let nobody = closed(ip);
            for max in [1, 8] {
                send(&socket, b"is anybody there?", nobody);
                await_error(&socket);
                let (mut buffers, mut errors) = (ReceiveBuffers::new(), Vec::new());
                assert_eq!(socket.receive_waiting(&mut buffers, max, &mut errors).unwrap(), 0);
                assert_eq!(errors.len(), 1);
                assert!(errors[0].refused && errors[0].to == nobody, "{errors:?}");
            }
        }
    }

    #[test]
    fn a_refusal_that_only_its_queue_tells_of_is_told_when_the_patience_ends() {
        let (socket, _) = open("127.0.0.1", false);
        let nobody = closed("127.0.0.1");
        for max in [1, 8] {
            send(&socket, b"is anybody there?", nobody);
            await_error(&socket);
            // Who asks for it takes it away.
            let error = socket.option(libc::SOL_SOCKET, libc::SO_ERROR).unwrap();
            assert_eq!(error, libc::ECONNREFUSED);
            let mut errors = Vec::new();
            assert_eq!(socket.receive_waiting(&mut ReceiveBuffers::new(), max, &mut errors).unwrap(), 0);
            assert!(errors.len() == 1 && errors[0].to == nobody, "{errors:?}");
        }
    }

    #[test]
    fn a_call_that_fails_is_an_error_and_not_a_wait() {
        let run = || {
            forbid([libc::SYS_recvfrom, libc::SYS_recvmmsg], libc::EPERM);
            let (socket, addr) = open("127.0.0.1", false);
            for max in [1, 8] {
                send(&socket, b"to myself", addr);
                assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG), 0);
                let (mut buffers, mut errors) = (ReceiveBuffers::new(), Vec::new());
                let error = socket.receive_waiting(&mut buffers, max, &mut errors).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::EPERM));
                // Nor is it one where a refusal is told of.
                send(&socket, b"is anybody there?", closed("127.0.0.1"));
                await_error(&socket);
                assert_eq!(socket.receive_waiting(&mut buffers, max, &mut errors).unwrap(), 0);
                assert_eq!(errors.len(), 1);
                assert!(socket.receive_waiting(&mut buffers, max, &mut errors).is_err());
            }
        };
        std::thread::spawn(run).join().unwrap();
    }

    #[test]
    fn a_signal_ends_the_wait() {
        let (socket, _) = open("127.0.0.1", false);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            storm_of_signals(scope, &done);
            let start = Instant::now();
            for max in [1, 8] {
                assert_eq!(
                    socket.receive_waiting(&mut ReceiveBuffers::new(), max, &mut Vec::new()).unwrap(),
                    0
                );
            }
            let took = start.elapsed();
            done.store(true, Ordering::Release);
            assert!(took < PATIENCE, "{took:?}");
        });
    }
}
