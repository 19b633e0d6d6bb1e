//! Receiving in batches: many datagrams with one system call, and the memory that they lie in. It knows nothing of what
//! is in them.
//!
//! A slot takes the largest datagram there is, but nearly all are small. So a datagram is scattered: its first 1 KiB goes
//! to a dense array, the rest far away, to memory that is never touched before a large one comes. When one does, its
//! head is copied to the gap that was left in front of its rest, and it is whole.

use std::io;
use std::mem::offset_of;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use super::control;
use super::icmp::IcmpError;
use super::mapping::Mapping;
use super::send::REPEATS;
use super::sockaddr::RawAddr;
use super::socket::Socket;

/// The most datagrams that one call takes.
const SLOTS: usize = 128;
/// What is received of each datagram in the dense array.
const HEAD: usize = 1024;
/// Room for a whole datagram: more than UDP can carry.
const WHOLE: usize = 65536;

/// Where received datagrams lie until the next [`Socket::receive`]. Costs no memory before the first.
pub struct ReceiveBuffers {
    slots: Option<Mapping>,
    len: usize,
    /// How many of the first slots have lengths that the kernel has shortened.
    shortened: usize,
    overflow: Option<u32>,
    /// The length and the sender of the one datagram there is, where it came by [`Socket::receive_waiting`].
    /// All that is looked at for it then lies in one page.
    lone: Option<(usize, SocketAddr)>,
}

/// The layout of the mapping. All zeros is a value of it.
#[repr(C)]
struct Slots {
    headers: [libc::mmsghdr; SLOTS],
    parts: [[libc::iovec; 2]; SLOTS],
    names: [RawAddr; SLOTS],
    /// Room for one `SO_RXQ_OVFL` message, aligned for its header.
    controls: [[u64; 4]; SLOTS],
    /// A lone datagram, which comes whole, takes as many of them as it is long.
    heads: [[u8; HEAD]; SLOTS],
    /// The first `HEAD` bytes of each are a gap, for the head.
    wholes: [[u8; WHOLE]; SLOTS],
}

const _: () = assert!(HEAD * SLOTS >= WHOLE);
const _: () = assert!(size_of::<[u64; 4]>() >= size_of::<libc::cmsghdr>() + size_of::<u64>());

impl Default for ReceiveBuffers {
    fn default() -> ReceiveBuffers {
        ReceiveBuffers::new()
    }
}

impl ReceiveBuffers {
    /// The most datagrams that one call brings.
    pub const MOST: usize = SLOTS;

    /// Empty buffers. The memory is mapped when it is first used.
    pub const fn new() -> ReceiveBuffers {
        ReceiveBuffers { slots: None, len: 0, shortened: SLOTS, overflow: None, lone: None }
    }

    /// How many datagrams the last [`Socket::receive`] brought.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the last [`Socket::receive`] brought none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Datagram `i` of the last [`Socket::receive`] and its sender; `None` past the end.
    pub fn datagram(&self, i: usize) -> Option<(&[u8], SocketAddr)> {
        let slots = self.slots.as_ref().filter(|_| i < self.len)?.start::<Slots>().as_ptr();
        // SAFETY: `i` is below `len`, so below SLOTS, and the kernel has filled that slot; it writes there only in
        // `receive` and `receive_waiting`, which exclude this borrow. The data is `len` bytes long in one of two places
        // (see `settle`), and a lone datagram, whose length `lone` has, at the start of the heads.
        unsafe {
            if let Some((len, from)) = self.lone {
                return Some((std::slice::from_raw_parts((&raw const (*slots).heads).cast(), len), from));
            }
            let header = (&raw const (*slots).headers[i]).read();
            let len = (header.msg_len as usize).min(WHOLE);
            let data: *const u8 = match len {
                0..=HEAD => (&raw const (*slots).heads[i]).cast(),
                _ => (&raw const (*slots).wholes[i]).cast(),
            };
            let from = (*slots).names[i].sender(header.msg_hdr.msg_namelen);
            Some((std::slice::from_raw_parts(data, len), from))
        }
    }

    /// The datagrams of the last [`Socket::receive`] and their senders, in the order of their arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
        (0..self.len).map_while(|i| self.datagram(i))
    }

    /// How many datagrams the kernel had dropped for want of room, in the socket's life, when it queued the latest
    /// datagram read; `None` if none. The counter wraps.
    pub fn overflow(&self) -> Option<u32> {
        self.overflow
    }

    /// Forgets the datagrams.
    fn clear(&mut self) {
        self.len = 0;
        self.lone = None;
    }

    /// Forgets the datagrams, and gives room for a lone one: so many bytes from there on.
    pub(super) fn room_for_one(&mut self) -> io::Result<(NonNull<u8>, usize)> {
        self.clear();
        // The heads are together as large as the largest datagram.
        let heads = self.slots()?.as_ptr().wrapping_byte_add(offset_of!(Slots, heads));
        Ok((NonNull::new(heads.cast()).ok_or(io::ErrorKind::OutOfMemory)?, WHOLE))
    }

    /// Takes note of a lone datagram.
    ///
    /// # Safety
    /// The kernel has just written that many bytes to the room for one.
    pub(super) unsafe fn put_one(&mut self, len: usize, from: SocketAddr) {
        self.lone = Some((len, from));
        self.len = 1;
    }

    /// The slots, mapped and wired up at the first call.
    fn slots(&mut self) -> io::Result<NonNull<Slots>> {
        if let Some(mapping) = &self.slots {
            return Ok(mapping.start());
        }
        let mapping = Mapping::new(size_of::<Slots>(), libc::MAP_NORESERVE)?;
        // A huge page would make the untouched part resident at the first touch. Kernels without them refuse; fine.
        // SAFETY: this advice leaves the contents alone.
        let _ = unsafe { mapping.advise(libc::MADV_NOHUGEPAGE) };
        let slots = mapping.start::<Slots>();
        let p = slots.as_ptr();
        for i in 0..SLOTS {
            // SAFETY: the mapping is as large as `Slots`, page-aligned and zeroed, and nobody else has its address. It
            // does not move with `self`, so what points into it stays right.
            unsafe {
                (*p).parts[i] = [
                    libc::iovec { iov_base: (&raw mut (*p).heads[i]).cast(), iov_len: HEAD },
                    libc::iovec {
                        iov_base: (&raw mut (*p).wholes[i]).cast::<u8>().add(HEAD).cast(),
                        iov_len: WHOLE - HEAD,
                    },
                ];
                let message = &raw mut (*p).headers[i].msg_hdr;
                (*message).msg_name = (&raw mut (*p).names[i]).cast();
                (*message).msg_iov = (&raw mut (*p).parts[i]).cast();
                (*message).msg_iovlen = 2;
                (*message).msg_control = (&raw mut (*p).controls[i]).cast();
            }
        }
        self.slots = Some(mapping);
        Ok(slots)
    }

    /// Takes note of the first `len` slots, which the kernel has just filled.
    ///
    /// # Safety
    /// `slots` is this one's, `len` at most SLOTS, and the kernel has filled that many.
    unsafe fn settle(&mut self, slots: NonNull<Slots>, len: usize) {
        let p = slots.as_ptr();
        for i in 0..len {
            // SAFETY: `i` is a slot that the kernel has filled: its control buffer is as long as the header says, and
            // its head is full where the datagram is longer.
            unsafe {
                let message = &(*p).headers[i].msg_hdr;
                let drops = control::find::<u32>(message, &[(libc::SOL_SOCKET, libc::SO_RXQ_OVFL)]);
                self.overflow = drops.or(self.overflow);
                if (*p).headers[i].msg_len as usize > HEAD {
                    let whole = (&raw mut (*p).wholes[i]).cast::<u8>();
                    ptr::copy_nonoverlapping((&raw const (*p).heads[i]).cast::<u8>(), whole, HEAD);
                }
            }
        }
        self.len = len;
    }
}

impl Socket {
    /// Reads the datagrams that are there, at most `max` (and at most 128), without blocking, in place of those that
    /// `buffers` held. Gives how many; 0 if there are none.
    ///
    /// As with [`send`](Socket::send), an ICMP error of an earlier datagram is no failure: it is appended to `errors`.
    ///
    /// # Errors
    /// No memory for the buffers, or what `recvmmsg` gives. `buffers` is then empty.
    pub fn receive(
        &self,
        buffers: &mut ReceiveBuffers,
        max: usize,
        errors: &mut Vec<IcmpError>,
    ) -> io::Result<usize> {
        let (mut repeats, mut of_the_network) = (0, false);
        loop {
            match self.fill(buffers, max, libc::MSG_DONTWAIT, errors) {
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => return Ok(0),
                    Some(libc::EINTR) => {}
                    _ => {
                        // The queue may have been read before the kernel marked the socket: that is no error either.
                        of_the_network |= self.read_errors(errors).unwrap_or(0) > 0;
                        repeats += 1;
                        if repeats > REPEATS {
                            return if of_the_network { Ok(0) } else { Err(error) };
                        }
                    }
                },
                filled => return filled,
            }
        }
    }

    /// One system call, and what it brought. Without `recvmmsg` it is several.
    pub(super) fn fill(
        &self,
        buffers: &mut ReceiveBuffers,
        max: usize,
        flags: libc::c_int,
        errors: &mut Vec<IcmpError>,
    ) -> io::Result<usize> {
        buffers.clear();
        let max = max.min(SLOTS);
        if max == 0 {
            return Ok(0);
        }
        let slots = buffers.slots()?;
        // An error may leave any slot as it does not tell, but where nothing was there to touch one.
        let shortened = std::mem::replace(&mut buffers.shortened, SLOTS);
        let len = self.receive_some(slots, max, flags, shortened).inspect_err(|error| {
            if error.raw_os_error() == Some(libc::EAGAIN) {
                buffers.shortened = 0;
            }
        })?;
        // SAFETY: `slots` is that of `buffers`, and `receive_some` has filled `len` of them, at most `max`.
        unsafe { buffers.settle(slots, len) };
        buffers.shortened = len;
        if len < max && self.one_by_one() {
            // The last of the calls may have been told of an ICMP error, and then no later one is.
            let _ = self.read_errors(errors);
        }
        Ok(len)
    }

    /// Fills the first slots, at most `max`, which is 1 to SLOTS. Gives how many, at least one. Of the first
    /// `shortened` ones, SLOTS at most, the lengths are written anew before.
    fn receive_some(
        &self,
        slots: NonNull<Slots>,
        max: usize,
        flags: libc::c_int,
        shortened: usize,
    ) -> io::Result<usize> {
        for i in 0..shortened {
            // SAFETY: `i` is below SLOTS, and the slots are wired up.
            unsafe {
                let message = &raw mut (*slots.as_ptr()).headers[i].msg_hdr;
                (*message).msg_namelen = RawAddr::ROOM;
                (*message).msg_controllen = size_of::<[u64; 4]>() as _;
            }
        }
        let first = slots.cast::<libc::mmsghdr>().as_ptr();
        if !self.one_by_one() {
            // SAFETY: `max` headers from `first` on are set up, and what they point to lives as long as the mapping.
            let got = unsafe {
                libc::recvmmsg(self.as_raw_fd(), first, max as libc::c_uint, flags as _, ptr::null_mut())
            };
            match usize::try_from(got) {
                Ok(got) if (1..=max).contains(&got) => return Ok(got),
                Ok(_) => return Err(io::Error::other("recvmmsg gave an impossible number of datagrams")),
                Err(_) => match io::Error::last_os_error() {
                    error if error.raw_os_error() == Some(libc::ENOSYS) => self.go_one_by_one(),
                    error => return Err(error),
                },
            }
        }
        for i in 0..max {
            let flags = if i == 0 { flags } else { libc::MSG_DONTWAIT };
            // SAFETY: `i` is below `max`; see above.
            let got = unsafe { libc::recvmsg(self.as_raw_fd(), &raw mut (*first.add(i)).msg_hdr, flags) };
            match libc::c_uint::try_from(got) {
                // SAFETY: `i` is below `max`; see above.
                Ok(got) => unsafe { (*first.add(i)).msg_len = got },
                // What came before the error is not lost; whatever holds on shows at the next call, or by its queue.
                Err(_) if i > 0 => return Ok(i),
                Err(_) => return Err(io::Error::last_os_error()),
            }
        }
        Ok(max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LONG, await_error, closed, forms, open, poll, receive_all};
    use super::super::{Family, Outgoing};
    use super::*;
    use std::net::Ipv4Addr;

    fn send(socket: &Socket, data: &[u8], to: SocketAddr) {
        let sent = socket.send(&[Outgoing { data, to }], &mut Vec::new());
        assert_eq!(sent.count, 1, "{sent:?}");
    }

    #[test]
    fn datagrams_of_every_length_come_whole() {
        for (ip, one_by_one) in forms() {
            let ((from, from_addr), (to, to_addr)) = (open(ip, one_by_one), open(ip, one_by_one));
            let noise: Vec<u8> = (0..65_507u32).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
            for round in [&[0, 1, HEAD - 1, HEAD, HEAD + 1, 65_507][..], &[65_507, 0], &[9000, 9001], &[0]] {
                for &len in round {
                    send(&from, &noise[..len], to_addr);
                }
                let got = receive_all(&to, round.len(), &mut Vec::new());
                for ((data, from), &len) in got.iter().zip(round) {
                    assert!(data == &noise[..len], "{len} bytes came as {}", data.len());
                    assert_eq!(*from, from_addr);
                }
            }
        }
    }

    #[test]
    fn nothing_there_is_no_error_and_nothing_stays_of_the_last_datagrams() {
        for (ip, one_by_one) in forms() {
            let (socket, addr) = open(ip, one_by_one);
            let mut buffers = ReceiveBuffers::new();
            send(&socket, b"to myself", addr);
            assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG), 0);
            assert_eq!(socket.receive(&mut buffers, 32, &mut Vec::new()).unwrap(), 1);
            assert_eq!(buffers.datagram(0), Some((&b"to myself"[..], addr)));
            assert_eq!(buffers.datagram(1), None);
            assert_eq!(socket.receive(&mut buffers, 32, &mut Vec::new()).unwrap(), 0);
            assert!(buffers.is_empty() && buffers.datagram(0).is_none());
        }
    }

    #[test]
    fn the_sender_is_known_however_the_buffers_were_made() {
        for (ip, one_by_one) in forms() {
            let (socket, addr) = open(ip, one_by_one);
            for mut buffers in [ReceiveBuffers::new(), ReceiveBuffers::default()] {
                send(&socket, b"to myself", addr);
                assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG), 0);
                assert_eq!(socket.receive(&mut buffers, 32, &mut Vec::new()).unwrap(), 1);
                assert_eq!(buffers.datagram(0), Some((&b"to myself"[..], addr)));
            }
        }
    }

    #[test]
    fn a_call_takes_no_more_than_it_is_asked_for_nor_than_it_has_slots() {
        for (ip, one_by_one) in forms() {
            let (socket, addr) = open(ip, one_by_one);
            for i in 0..200 {
                send(&socket, &[i], addr);
            }
            let mut buffers = ReceiveBuffers::new();
            let mut next = 0;
            for (max, expected) in [(0, 0), (1, 1), (3, 3), (usize::MAX, 128), (128, 68)] {
                assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG), 0);
                assert_eq!(socket.receive(&mut buffers, max, &mut Vec::new()).unwrap(), expected);
                for (data, _) in buffers.iter() {
                    assert_eq!(data, [next]);
                    next += 1;
                }
            }
            assert_eq!(next, 200);
        }
    }

    #[test]
    fn a_refusal_of_an_earlier_datagram_hides_no_datagram() {
        for (ip, one_by_one) in forms() {
            let (socket, addr) = open(ip, one_by_one);
            let (peer, _) = open(ip, one_by_one);
            let nobody = closed(ip);
            send(&socket, b"?", nobody);
            await_error(&socket);
            send(&peer, b"hello", addr);
            assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG) & libc::POLLIN, 0);
            let (mut buffers, mut errors) = (ReceiveBuffers::new(), Vec::new());
            assert_eq!(socket.receive(&mut buffers, 32, &mut errors).unwrap(), 1);
            assert_eq!(buffers.iter().next().unwrap().0, b"hello");
            assert_eq!(errors.len(), 1);
            assert!(errors[0].refused && errors[0].to == nobody, "{errors:?}");
        }
    }

    #[test]
    fn datagrams_that_found_no_room_are_counted() {
        for (ip, one_by_one) in forms() {
            let bind = SocketAddr::new(ip.parse().unwrap(), 0);
            let socket = Socket::open(Family::of(&bind), Some(bind), Some(1)).unwrap();
            if one_by_one {
                socket.go_one_by_one();
            }
            let addr = socket.local_addr().unwrap();
            let (peer, _) = open(ip, one_by_one);
            let (mut buffers, mut errors) = (ReceiveBuffers::new(), Vec::new());
            let mut last = None;
            for _ in 0..2 {
                for _ in 0..100 {
                    send(&peer, &[0; 500], addr);
                }
                // The counter comes with a datagram that was queued after the loss.
                while socket.receive(&mut buffers, 32, &mut errors).unwrap() > 0 {}
                send(&peer, b"", addr);
                assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG), 0);
                assert_eq!(socket.receive(&mut buffers, 32, &mut errors).unwrap(), 1);
                assert!(buffers.overflow() > last, "{:?} after {last:?}", buffers.overflow());
                last = buffers.overflow();
            }
        }
    }

    #[test]
    fn small_datagrams_touch_little_memory_and_unused_buffers_none() {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let socket = Socket::open(Family::V4, Some(bind), Some(400_000)).unwrap();
        let addr = socket.local_addr().unwrap();
        let mut buffers = ReceiveBuffers::new();
        assert!(buffers.slots.is_none());
        for _ in 0..SLOTS {
            send(&socket, &[1; HEAD], addr);
        }
        assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG), 0);
        assert_eq!(socket.receive(&mut buffers, SLOTS, &mut Vec::new()).unwrap(), SLOTS);
        let start = buffers.slots.as_ref().unwrap().start::<u8>().as_ptr();
        // SAFETY: sysconf takes an integer; mincore looks at the mapping, and a byte for each of its pages has room.
        let (page, resident) = unsafe {
            let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap();
            let mut pages = vec![0u8; size_of::<Slots>().div_ceil(page)];
            assert_eq!(libc::mincore(start.cast(), size_of::<Slots>(), pages.as_mut_ptr()), 0);
            (page, pages.iter().filter(|&&flags| flags & 1 != 0).count())
        };
        assert!(resident * page <= std::mem::offset_of!(Slots, wholes) + page, "{resident} pages");
    }
}
