//! Sending in batches: one system call for many datagrams, and what to make of the errors. It knows no queue: what was
//! not sent is still the caller's.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use super::icmp::IcmpError;
use super::segments::{self, Control};
use super::sockaddr::RawAddr;
use super::socket::Socket;

/// The most datagrams that one system call takes. Their headers lie on the stack.
const PER_CALL: usize = 64;

/// How often one item is repeated while errors of earlier datagrams keep coming in.
pub(super) const REPEATS: u32 = 8;

/// A datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Its payload, at most 65,507 bytes (IPv6: 65,527).
    pub data: &'a [u8],
    /// Whom it is for.
    pub to: SocketAddr,
}

/// How far a batch got.
#[derive(Debug)]
pub struct Sent {
    /// How many were sent, from the start of the batch.
    pub count: usize,
    /// Why it went no further; `None` when all are sent.
    pub stopped: Option<Stop>,
}

/// Why a batch was not sent to its end.
#[derive(Debug)]
pub enum Stop {
    /// The socket's buffer is full. It polls writable when there is room again.
    Full,
    /// The system is out of buffers (a full device queue, too). No event tells when that is over: try again later.
    NoBuffers,
    /// Item `count` of the batch cannot be sent. Those behind it were not tried: go on with them.
    Failed(io::Error),
}

impl Socket {
    /// Sends as many of `batch` as the kernel takes, in order, without blocking.
    ///
    /// An ICMP error of an earlier datagram, which the kernel holds against whatever is sent next, fails nothing: it
    /// is read, appended to `errors`, and the send repeated. Nothing is allocated but for such errors.
    pub fn send(&self, batch: &[Outgoing<'_>], errors: &mut Vec<IcmpError>) -> Sent {
        self.send_as(batch, false, errors)
    }

    /// The same where neighbours in the batch that have one length and one address may go in one piece: an ICMP error
    /// then tells of the first of them only.
    pub fn send_joined(&self, batch: &[Outgoing<'_>], errors: &mut Vec<IcmpError>) -> Sent {
        self.send_as(batch, true, errors)
    }

    fn send_as(&self, batch: &[Outgoing<'_>], joined: bool, errors: &mut Vec<IcmpError>) -> Sent {
        let mut count = 0;
        let mut repeats = 0;
        while let Some(rest) = batch.get(count..).filter(|rest| !rest.is_empty()) {
            let error = match self.send_some(rest, joined) {
                Ok((sent, all)) => {
                    count += sent;
                    repeats = 0;
                    // Where the kernel stops before the end it gives away why. An ICMP error is then told of by its
                    // queue only, and by nothing that a thread which waits to receive would notice.
                    if !all {
                        let _ = self.read_errors(errors);
                    }
                    continue;
                }
                Err(error) => error,
            };
            let stop = match error.raw_os_error() {
                Some(libc::EINTR) => continue,
                Some(libc::EAGAIN) => Stop::Full,
                Some(libc::ENOBUFS | libc::ENOMEM) => Stop::NoBuffers,
                _ if joined && segments::run(rest) > 1 && self.cuts_no_more(&error) => continue,
                _ if self.may_repeat(&mut repeats, errors) => continue,
                _ => Stop::Failed(error),
            };
            return Sent { count, stopped: Some(stop) };
        }
        Sent { count, stopped: None }
    }

    /// Whether a call that failed is to be repeated, since it may have failed for an earlier datagram: the first time
    /// in any case (another thread may have read the queue meanwhile), then while there was something in the queue,
    /// and not for ever.
    fn may_repeat(&self, repeats: &mut u32, errors: &mut Vec<IcmpError>) -> bool {
        let pending = self.read_errors(errors).unwrap_or(0);
        *repeats += 1;
        *repeats == 1 || (pending > 0 && *repeats <= REPEATS)
    }

    /// One system call for the start of `batch`, which is not empty. Gives how many were sent, at least one, and whether
    /// those are all that were to be. An error is the first item's, or that of the piece which it begins.
    fn send_some(&self, batch: &[Outgoing<'_>], joined: bool) -> io::Result<(usize, bool)> {
        if batch.len() > 1 && !self.one_by_one() {
            match self.send_headers(&batch[..batch.len().min(PER_CALL)], joined) {
                Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => self.go_one_by_one(),
                result => return result,
            }
        }
        self.send_one(&batch[0]).map(|()| (1, true))
    }

    fn send_one(&self, item: &Outgoing<'_>) -> io::Result<()> {
        let (raw, len) = RawAddr::encode(&item.to);
        let (data, to) = (item.data.as_ptr().cast(), (&raw const raw).cast());
        // SAFETY: the data is as long as it says, and `raw` holds an address of `len` bytes for the time of the call.
        let sent =
            unsafe { libc::sendto(self.as_raw_fd(), data, item.data.len(), libc::MSG_DONTWAIT, to, len) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Sends `batch`, at most `PER_CALL` items, with `sendmmsg`. Gives what `send_some` does.
    // Not part of its caller, so that a single datagram does not go across pages of stack.
    #[inline(never)]
    fn send_headers(&self, batch: &[Outgoing<'_>], joined: bool) -> io::Result<(usize, bool)> {
        let mut names = [const { MaybeUninit::<RawAddr>::uninit() }; PER_CALL];
        let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; PER_CALL];
        let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; PER_CALL];
        let mut controls = [const { MaybeUninit::<Control>::uninit() }; PER_CALL];
        let mut ends = [0u8; PER_CALL];
        for (item, part) in batch.iter().zip(&mut parts) {
            // The kernel only reads what is sent, though the type says `mut`.
            part.write(libc::iovec {
                iov_base: item.data.as_ptr().cast_mut().cast(),
                iov_len: item.data.len(),
            });
        }
        let (mut pieces, mut at) = (0, 0);
        while let Some(item) = batch.get(at) {
            let (raw, len) = RawAddr::encode(&item.to);
            // SAFETY: a header is integers and pointers, for which zero is a value (and padding on some systems).
            let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
            message.msg_hdr.msg_name = (names[pieces].write(raw) as *mut RawAddr).cast();
            message.msg_hdr.msg_namelen = len;
            message.msg_hdr.msg_iov = parts[at].as_mut_ptr();
            let run = if joined { segments::run(&batch[at..]) } else { 1 };
            let run = if run > 1 && self.can_cut() { run } else { 1 };
            message.msg_hdr.msg_iovlen = run as _;
            if run > 1 {
                Control::add(&mut controls[pieces], &mut message.msg_hdr, item.data.len() as u16);
            }
            headers[pieces].write(message);
            at += run;
            ends[pieces] = at as u8;
            pieces += 1;
        }
        let first: *mut libc::mmsghdr = headers.as_mut_ptr().cast();
        // SAFETY: the first `pieces` headers are written, and each has as many parts as it says; what they point to lives
        // in this frame and in `batch`.
        let sent = unsafe {
            libc::sendmmsg(self.as_raw_fd(), first, pieces as libc::c_uint, libc::MSG_DONTWAIT as _)
        };
        match usize::try_from(sent) {
            Ok(sent) if (1..=pieces).contains(&sent) => Ok((usize::from(ends[sent - 1]), sent == pieces)),
            Ok(_) => Err(io::Error::other("the kernel sent another number of datagrams than it was given")),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LONG, await_error, closed, forbid, forms, open, poll, receive_all};
    use super::*;

    fn send_all(socket: &Socket, batch: &[Outgoing<'_>], errors: &mut Vec<IcmpError>) {
        let sent = socket.send(batch, errors);
        assert!(sent.stopped.is_none(), "{sent:?}");
        assert_eq!(sent.count, batch.len());
    }

    #[test]
    fn a_batch_larger_than_one_call_arrives_whole_and_in_order() {
        for (ip, one_by_one) in forms() {
            let ((from, from_addr), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let data: Vec<Vec<u8>> = (0..150).map(|i| format!("datagram {i}").into_bytes()).collect();
            let batch: Vec<_> = data.iter().map(|data| Outgoing { data, to: to_addr }).collect();
            let mut errors = Vec::new();
            send_all(&from, &batch, &mut errors);
            let expected: Vec<_> = data.iter().map(|data| (data.clone(), from_addr)).collect();
            assert_eq!(receive_all(&to, 150, &mut errors), expected);
            assert_eq!(errors, []);
        }
    }

    #[test]
    fn a_refusal_that_comes_in_the_middle_of_a_batch_is_told_of_at_once() {
        for (ip, one_by_one) in forms() {
            let ((from, _), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let nobody = closed(ip);
            let data = b"is anybody there?";
            // Over loopback it is there before the second is sent, unless the system has much else to do.
            let is_told = (0..50).any(|_| {
                let mut errors = Vec::new();
                send_all(&from, &[nobody, to_addr, to_addr].map(|to| Outgoing { data, to }), &mut errors);
                assert_eq!(receive_all(&to, 2, &mut errors).len(), 2);
                let is_told = errors.len() == 1;
                if !is_told {
                    await_error(&from);
                    from.read_errors(&mut errors).unwrap();
                }
                assert!(errors.len() == 1 && errors[0].refused && errors[0].to == nobody, "{errors:?}");
                is_told
            });
            assert!(is_told, "{ip}, one by one: {one_by_one}");
        }
    }

    #[test]
    fn an_empty_batch_is_sent() {
        let sent = open("127.0.0.1", false).0.send(&[], &mut Vec::new());
        assert!(sent.count == 0 && sent.stopped.is_none());
    }

    #[test]
    fn an_item_that_cannot_be_sent_stops_the_batch_there_and_those_behind_it_can_be_sent() {
        for (ip, one_by_one) in forms() {
            let ((from, _), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let other: SocketAddr =
                if to_addr.is_ipv4() { "[::1]:9" } else { "127.0.0.1:9" }.parse().unwrap();
            let large = [0; 70_000];
            let bad = [Outgoing { data: b"x", to: other }, Outgoing { data: &large, to: to_addr }];
            for bad in bad {
                let good = |data: &'static [u8]| Outgoing { data, to: to_addr };
                let batch = [good(b"one"), good(b"two"), bad, good(b"three")];
                let mut errors = Vec::new();
                let sent = from.send(&batch, &mut errors);
                assert_eq!(sent.count, 2);
                assert!(matches!(sent.stopped, Some(Stop::Failed(_))), "{sent:?}");
                send_all(&from, &batch[3..], &mut errors);
                let got: Vec<_> =
                    receive_all(&to, 3, &mut errors).into_iter().map(|(data, _)| data).collect();
                assert_eq!(got, [&b"one"[..], b"two", b"three"]);
                assert_eq!(errors, [], "a failure on this host is no ICMP error");
            }
        }
    }

    #[test]
    fn a_refusal_of_an_earlier_datagram_fails_no_later_one() {
        for (ip, one_by_one) in forms() {
            let ((from, _), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let nobody = closed(ip);
            let mut errors = Vec::new();
            send_all(&from, &[Outgoing { data: b"is anybody there?", to: nobody }], &mut errors);
            await_error(&from);
            send_all(&from, &[Outgoing { data: b"hello", to: to_addr }], &mut errors);
            assert_eq!(receive_all(&to, 1, &mut errors)[0].0, b"hello");
            let expected = IcmpError {
                to: nobody,
                errno: libc::ECONNREFUSED,
                refused: true,
                payload: b"is anybody there?".to_vec(),
            };
            assert_eq!(errors, [expected]);
        }
    }

    #[test]
    fn refusals_within_a_batch_stop_it_nowhere() {
        for (ip, one_by_one) in forms() {
            let ((from, _), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let nobody = closed(ip);
            let batch: Vec<_> = (0..20)
                .map(|i| Outgoing { data: b"?", to: if i % 2 == 0 { nobody } else { to_addr } })
                .collect();
            let mut errors = Vec::new();
            send_all(&from, &batch, &mut errors);
            assert_eq!(receive_all(&to, 10, &mut errors).len(), 10);
            while errors.len() < 10 {
                await_error(&from);
                from.read_errors(&mut errors).unwrap();
            }
            assert_eq!(errors.len(), 10);
            assert!(errors.iter().all(|error| error.to == nobody && error.refused), "{errors:?}");
        }
    }

    /// As on an old kernel or in a strict sandbox.
    #[test]
    fn in_a_sandbox_without_the_batch_calls_datagrams_go_one_by_one() {
        let run = || {
            forbid([libc::SYS_sendmmsg, libc::SYS_recvmmsg], libc::ENOSYS);
            for ip in ["127.0.0.1", "::1"] {
                let ((from, from_addr), (to, to_addr)) = (open(ip, false), open(ip, false));
                let mut errors = Vec::new();
                send_all(&from, &[Outgoing { data: b"?", to: closed(ip) }], &mut errors);
                await_error(&from);
                let batch = [Outgoing { data: b"one", to: to_addr }, Outgoing { data: b"two", to: to_addr }];
                send_all(&from, &batch, &mut errors);
                assert!(from.one_by_one());
                assert_eq!(errors.len(), 1);
                let got = receive_all(&to, 2, &mut errors);
                assert_eq!(got, [(b"one".to_vec(), from_addr), (b"two".to_vec(), from_addr)]);
                assert!(to.one_by_one());
            }
        };
        std::thread::spawn(run).join().unwrap();
    }

    #[test]
    fn a_socket_with_room_polls_writable() {
        let (socket, _) = open("127.0.0.1", false);
        assert_eq!(poll(socket.as_raw_fd(), libc::POLLOUT, LONG), libc::POLLOUT);
    }
}
