//! The one descriptor that a program polls: readable when a datagram, an ICMP error, a deadline, wanted room in the
//! socket or left-over work is there. It knows nothing of the work.
//!
//! It is an epoll descriptor over the socket, a timer, and a waker for left-over work. It says what may be worth a look:
//! waking up early is allowed, being late is not.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use super::clock::Instant;
use super::socket::Socket;
use super::waker::{self, Waker};
use super::{check, own};

/// The descriptor to poll. Its methods are called under one lock; the descriptor may be polled by anybody.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
    /// Woken by [`kick`](Poller::kick).
    work: Waker,
    deadline: Deadline,
    writable: bool,
    kicked: bool,
}

/// What is known of the timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    /// Neither running nor fired.
    Off,
    /// Set for this time; fired if that has passed.
    Set(Instant),
    /// Fired and dealt with: it must be set anew, or switched off, to be readable no longer.
    Stale,
}

impl Poller {
    /// A descriptor that watches `socket`, with no deadline.
    ///
    /// # Errors
    /// What `epoll_create1`, `timerfd_create`, `eventfd` and `epoll_ctl` give: no descriptors, no memory.
    pub fn new(socket: &Socket) -> io::Result<Poller> {
        // SAFETY: these calls take integers and make descriptors, which are owned here from now on.
        let (epoll, timer) = unsafe {
            (
                own(libc::epoll_create1(libc::EPOLL_CLOEXEC))?,
                own(libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK))?,
            )
        };
        // It is never read, but event loops look at the flag (Go's takes no other descriptor).
        // SAFETY: F_SETFL takes an integer.
        check(unsafe { libc::fcntl(epoll.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
        let (work, deadline) = (Waker::new()?, Deadline::Off);
        let poller = Poller { epoll, timer, work, deadline, writable: false, kicked: false };
        // Level-triggered all: what is not dealt with keeps the descriptor readable. Errors are always watched.
        for fd in [socket.as_raw_fd(), poller.timer.as_raw_fd(), poller.work.fd()] {
            poller.watch(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN)?;
        }
        Ok(poller)
    }

    /// The descriptor. It stays this one's: others may poll it, neither read nor close it.
    pub fn fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }

    /// Every descriptor that it has.
    pub fn fds(&self) -> [RawFd; 3] {
        [self.epoll.as_raw_fd(), self.timer.as_raw_fd(), self.work.fd()]
    }

    /// Whether room in `socket`, the one that it was made with, is to make the descriptor readable. No system call if
    /// nothing changes.
    ///
    /// # Errors
    /// What `epoll_ctl` gives; the wish is then as it was.
    pub fn want_writable(&mut self, socket: &Socket, on: bool) -> io::Result<()> {
        if on != self.writable {
            let events = if on { libc::EPOLLIN | libc::EPOLLOUT } else { libc::EPOLLIN };
            self.watch(libc::EPOLL_CTL_MOD, socket.as_raw_fd(), events)?;
            self.writable = on;
        }
        Ok(())
    }

    /// Sees to it that the descriptor is readable at `at` at the latest; `None`: there is no deadline.
    ///
    /// It may be readable earlier, once, for a deadline that was set before: no system call is made while the timer
    /// runs for `at` or an earlier time, or has fired and was not [acknowledged](Poller::acknowledge).
    ///
    /// # Errors
    /// What `timerfd_settime` gives.
    pub fn arm(&mut self, at: Option<Instant>) -> io::Result<()> {
        match (self.deadline, at) {
            (Deadline::Off, None) => Ok(()),
            (Deadline::Set(_), None) => Ok(()),
            (Deadline::Set(set), Some(at)) if set <= at => Ok(()),
            (Deadline::Stale, None) => {
                self.set_timer(Duration::ZERO)?;
                self.deadline = Deadline::Off;
                Ok(())
            }
            (_, Some(at)) => {
                // Zero would switch it off. The clock is read here, since what the caller has may be old by now; so the
                // timer is never early.
                let wait = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
                self.set_timer(wait)?;
                self.deadline = Deadline::Set(at);
                Ok(())
            }
        }
    }

    /// Whether it is readable because of a kick.
    pub fn is_kicked(&self) -> bool {
        self.kicked
    }

    /// Makes the descriptor readable now, until the next [`acknowledge`](Poller::acknowledge), and with a new edge for
    /// edge-triggered loops even if it is readable already.
    pub fn kick(&mut self) {
        // Each write to an eventfd wakes whoever polls, however far up. (Changing what epoll watches does so only if
        // nothing was ready; a timer set for now does so some time after the call.)
        self.work.wake();
        self.kicked = true;
    }

    /// Takes note that the caller now looks for work, all of it as of `now`: a kick is over, and a deadline that has
    /// passed is forgotten. To be followed, when the work is done, by [`arm`](Poller::arm), without which a timer that
    /// has fired stays readable. No system call unless there was a kick.
    pub fn acknowledge(&mut self, now: Instant) {
        if matches!(self.deadline, Deadline::Set(at) if at <= now) {
            self.deadline = Deadline::Stale;
        }
        if self.kicked {
            self.work.clear();
            self.kicked = false;
        }
    }

    fn watch(&self, operation: libc::c_int, fd: RawFd, events: libc::c_int) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: 0 };
        // SAFETY: `event` lives for the time of the call; a wrong descriptor is an error and nothing worse.
        check(unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, fd, &mut event) })?;
        Ok(())
    }

    /// Fires once after `wait`; zero switches it off. Either way it has not fired now.
    fn set_timer(&self, wait: Duration) -> io::Result<()> {
        let setting = libc::itimerspec {
            it_interval: waker::timespec(Duration::ZERO),
            it_value: waker::timespec(wait),
        };
        // SAFETY: `setting` lives for the time of the call; the old setting is not asked for.
        check(unsafe { libc::timerfd_settime(self.timer.as_raw_fd(), 0, &setting, ptr::null_mut()) })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LONG, await_error, closed, open, poll};
    use super::super::{Outgoing, ReceiveBuffers};
    use super::*;
    use std::net::SocketAddr;

    const HOUR: Duration = Duration::from_secs(3600);

    fn setup() -> (Socket, SocketAddr, Poller) {
        let (socket, addr) = open("127.0.0.1", false);
        let poller = Poller::new(&socket).unwrap();
        (socket, addr, poller)
    }

    #[test]
    fn the_descriptor_is_non_blocking_and_leaks_into_no_other_program() {
        let (_socket, _, poller) = setup();
        // SAFETY: F_GETFD and F_GETFL take no pointer.
        let (fd_flags, flags) =
            unsafe { (libc::fcntl(poller.fd(), libc::F_GETFD), libc::fcntl(poller.fd(), libc::F_GETFL)) };
        assert_eq!(
            (fd_flags & libc::FD_CLOEXEC, flags & libc::O_NONBLOCK),
            (libc::FD_CLOEXEC, libc::O_NONBLOCK)
        );
    }

    fn readable(poller: &Poller) -> bool {
        poll(poller.fd(), libc::POLLIN, Duration::ZERO) == libc::POLLIN
    }

    fn becomes_readable(poller: &Poller) -> bool {
        poll(poller.fd(), libc::POLLIN, LONG) == libc::POLLIN
    }

    /// What is left on the timer; zero if it is off or has fired.
    fn left_on_timer(poller: &Poller) -> Duration {
        // SAFETY: zero is a value of the struct, which lives for the time of the call.
        let left = unsafe {
            let mut left: libc::itimerspec = std::mem::zeroed();
            assert_eq!(libc::timerfd_gettime(poller.timer.as_raw_fd(), &mut left), 0);
            left.it_value
        };
        Duration::new(left.tv_sec.try_into().unwrap(), left.tv_nsec.try_into().unwrap())
    }

    #[test]
    fn a_datagram_makes_it_readable_until_it_is_read() {
        let (socket, addr, poller) = setup();
        assert!(!readable(&poller));
        assert_eq!(socket.send(&[Outgoing { data: b"", to: addr }], &mut Vec::new()).count, 1);
        assert!(becomes_readable(&poller));
        assert_eq!(socket.receive(&mut ReceiveBuffers::new(), 32, &mut Vec::new()).unwrap(), 1);
        assert!(!readable(&poller));
    }

    #[test]
    fn an_icmp_error_makes_it_readable_until_it_is_read() {
        for ip in ["127.0.0.1", "::1"] {
            let (socket, _) = open(ip, false);
            let poller = Poller::new(&socket).unwrap();
            assert_eq!(socket.send(&[Outgoing { data: b"", to: closed(ip) }], &mut Vec::new()).count, 1);
            assert!(becomes_readable(&poller));
            await_error(&socket);
            assert_eq!(socket.read_errors(&mut Vec::new()).unwrap(), 1);
            assert!(!readable(&poller));
        }
    }

    #[test]
    fn a_deadline_makes_it_readable_when_it_has_come_and_not_before() {
        let (_socket, _, mut poller) = setup();
        let at = Instant::now() + Duration::from_millis(3);
        poller.arm(Some(at)).unwrap();
        assert!(becomes_readable(&poller));
        assert!(Instant::now() >= at);
        assert!(readable(&poller), "and it stays so");
        poller.acknowledge(Instant::now());
        poller.arm(None).unwrap();
        assert!(!readable(&poller));
    }

    #[test]
    fn a_deadline_that_has_passed_makes_it_readable() {
        let (_socket, _, mut poller) = setup();
        poller.arm(Some(Instant::now())).unwrap();
        assert!(becomes_readable(&poller));
    }

    #[test]
    fn a_deadline_that_was_dealt_with_makes_room_for_the_next() {
        let (_socket, _, mut poller) = setup();
        for _ in 0..3 {
            let at = Instant::now() + Duration::from_millis(1);
            poller.arm(Some(at)).unwrap();
            assert!(becomes_readable(&poller));
            poller.acknowledge(Instant::now());
            poller.arm(Some(at + HOUR)).unwrap();
            assert!(!readable(&poller));
        }
    }

    #[test]
    fn a_later_deadline_leaves_the_timer_alone_and_an_earlier_one_sets_it() {
        let (_socket, _, mut poller) = setup();
        let now = Instant::now();
        poller.arm(Some(now + HOUR)).unwrap();
        assert!(left_on_timer(&poller) <= HOUR);
        for later in [Some(now + 2 * HOUR), None, Some(now + HOUR)] {
            poller.arm(later).unwrap();
            assert_eq!(poller.deadline, Deadline::Set(now + HOUR));
            assert!(!left_on_timer(&poller).is_zero());
        }
        poller.acknowledge(now);
        assert_eq!(poller.deadline, Deadline::Set(now + HOUR), "it has not fired");
        poller.arm(Some(now + HOUR / 2)).unwrap();
        assert!(left_on_timer(&poller) <= HOUR / 2);
    }

    #[test]
    fn a_deadline_beyond_every_clock_is_no_error() {
        let (_socket, _, mut poller) = setup();
        let mut far = Duration::MAX;
        let at = loop {
            match Instant::now().checked_add(far) {
                Some(at) => break at,
                None => far /= 2,
            }
        };
        poller.arm(Some(at)).unwrap();
        assert!(!readable(&poller));
    }

    #[test]
    fn a_kick_makes_it_readable_at_once_until_it_is_acknowledged() {
        let (_socket, _, mut poller) = setup();
        for _ in 0..3 {
            poller.kick();
            assert!(readable(&poller) && readable(&poller));
            poller.acknowledge(Instant::now());
            assert!(!readable(&poller));
        }
    }

    /// An edge-triggered loop around the descriptor, as Go's and libuv's are.
    struct Outer(OwnedFd);

    impl Outer {
        fn new(poller: &Poller) -> Outer {
            // SAFETY: makes a descriptor, which is owned here.
            let fd = unsafe { own(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }.unwrap();
            let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
            // SAFETY: `event` lives for the time of the call.
            check(unsafe { libc::epoll_ctl(fd.as_raw_fd(), libc::EPOLL_CTL_ADD, poller.fd(), &mut event) })
                .unwrap();
            Outer(fd)
        }

        fn edges(&self, timeout_ms: i32) -> i32 {
            let mut event = libc::epoll_event { events: 0, u64: 0 };
            // SAFETY: room for one event, which lives for the time of the call.
            check(unsafe { libc::epoll_wait(self.0.as_raw_fd(), &mut event, 1, timeout_ms) }).unwrap()
        }
    }

    #[test]
    fn each_kick_is_a_new_edge_even_while_it_is_readable() {
        let (socket, addr, mut poller) = setup();
        let outer = Outer::new(&poller);
        assert_eq!(outer.edges(0), 0);
        assert_eq!(socket.send(&[Outgoing { data: b"", to: addr }], &mut Vec::new()).count, 1);
        assert_eq!((outer.edges(10_000), outer.edges(0)), (1, 0));
        for _ in 0..3 {
            assert!(readable(&poller), "the datagram is still there");
            poller.kick();
            assert_eq!((outer.edges(0), outer.edges(0)), (1, 0));
        }
        for _ in 0..3 {
            poller.acknowledge(Instant::now());
            poller.kick();
            assert_eq!((outer.edges(0), outer.edges(0)), (1, 0));
        }
    }

    #[test]
    fn datagrams_and_deadlines_are_new_edges_too() {
        let (socket, addr, mut poller) = setup();
        let outer = Outer::new(&poller);
        for _ in 0..3 {
            assert_eq!(socket.send(&[Outgoing { data: b"", to: addr }], &mut Vec::new()).count, 1);
            assert_eq!((outer.edges(10_000), outer.edges(0)), (1, 0));
            poller.arm(Some(Instant::now())).unwrap();
            assert_eq!((outer.edges(10_000), outer.edges(0)), (1, 0));
            poller.acknowledge(Instant::now());
        }
    }

    #[test]
    fn room_in_the_socket_makes_it_readable_only_where_it_is_wanted() {
        let (socket, _, mut poller) = setup();
        let outer = Outer::new(&poller);
        for _ in 0..2 {
            poller.want_writable(&socket, true).unwrap();
            poller.want_writable(&socket, true).unwrap();
            assert!(readable(&poller));
            assert_eq!((outer.edges(0), outer.edges(0)), (1, 0));
            poller.want_writable(&socket, false).unwrap();
            assert!(!readable(&poller));
        }
    }
}
