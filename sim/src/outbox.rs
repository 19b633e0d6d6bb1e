//! Replies that leave at once, a batch per system call.

use crate::counters::{Counters, count};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use std::io::IoSlice;
use std::net::UdpSocket;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

/// Datagrams per system call, in and out.
pub(crate) const BATCH: usize = 64;
/// How long a full send buffer may hold up everything, in milliseconds.
const PATIENCE: u8 = 10;

/// Datagrams of one socket, waiting for the end of the batch.
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
    to: Vec<Option<SockaddrStorage>>,
    headers: MultiHeaders<SockaddrStorage>,
}

impl Outbox {
    pub fn new() -> Outbox {
        Outbox {
            bytes: Vec::with_capacity(BATCH * 1024),
            ranges: Vec::with_capacity(2 * BATCH),
            to: Vec::with_capacity(2 * BATCH),
            headers: MultiHeaders::preallocate(BATCH, None),
        }
    }

    /// Adds the datagram that `write` appends.
    pub fn push(&mut self, to: SockaddrStorage, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.ranges.push(start..self.bytes.len());
        self.to.push(Some(to));
    }

    /// Takes back the last datagram, if it is longer than `most`.
    pub fn last_fits(&mut self, most: usize) -> bool {
        match self.ranges.last() {
            Some(range) if range.len() > most => {
                self.bytes.truncate(range.start);
                self.ranges.pop();
                self.to.pop();
                false
            }
            _ => true,
        }
    }

    /// Sends all, waiting a little for a full buffer. What the kernel refuses is counted and left.
    pub fn flush(&mut self, socket: &UdpSocket, counters: &Counters) {
        let mut sent = 0;
        let mut waited = false;
        while sent < self.ranges.len() {
            match self.send_from(sent, socket) {
                Ok(more) => {
                    sent += more;
                    counters.replies.fetch_add(more as u64, std::sync::atomic::Ordering::Relaxed);
                    waited = false;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) if !waited => {
                    let mut full = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
                    let _ = poll(&mut full, PollTimeout::from(PATIENCE));
                    waited = true;
                }
                Err(Errno::EAGAIN) => {
                    (sent..self.ranges.len()).for_each(|_| count(&counters.send_full));
                    break;
                }
                Err(_) => {
                    count(&counters.send_error); // that of the first; the others get their turn
                    sent += 1;
                }
            }
        }
        self.bytes.clear();
        self.ranges.clear();
        self.to.clear();
    }

    fn send_from(&mut self, first: usize, socket: &UdpSocket) -> nix::Result<usize> {
        let ranges = &self.ranges[first..];
        let slices: [[IoSlice; 1]; BATCH] = std::array::from_fn(|at| {
            let range = ranges.get(at).cloned().unwrap_or(0..0);
            [IoSlice::new(&self.bytes[range])]
        });
        let some = &slices[..ranges.len().min(BATCH)];
        let to = &self.to[first..];
        sendmmsg(socket.as_raw_fd(), &mut self.headers, some, to, [], MsgFlags::empty())
            .map(|sent| sent.count())
    }
}
