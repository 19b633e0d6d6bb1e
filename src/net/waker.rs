//! A thread that blocks until the socket has something, and how another thread, or a signal handler, wakes it. It knows
//! nothing of what is waited for.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use super::own;
use super::socket::Socket;

/// Wakes whoever is in [`wait`] with it, or comes there next.
#[derive(Debug)]
pub struct Waker {
    fd: OwnedFd,
}

impl Waker {
    /// A waker that has not been woken.
    ///
    /// # Errors
    /// What `eventfd` gives: no descriptors, no memory.
    pub fn new() -> io::Result<Waker> {
        // SAFETY: `eventfd` takes integers and makes a descriptor, which is owned here from now on.
        Ok(Waker { fd: unsafe { own(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)) }? })
    }

    /// Ends every [`wait`] with this waker at once, until [`clear`](Waker::clear). Async-signal-safe; leaves `errno`
    /// alone.
    pub fn wake(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: `errno` belongs to this thread, and `one` is 8 readable bytes. `write` fails only when the counter is
        // at its limit, and then the waker is woken already.
        unsafe {
            let errno = libc::__errno_location();
            let saved = *errno;
            libc::write(self.fd(), one.as_ptr().cast(), one.len());
            *errno = saved;
        }
    }

    /// Takes back every [`wake`](Waker::wake) so far. Gives whether there was one.
    pub fn clear(&self) -> bool {
        let mut count = [0u8; 8];
        // SAFETY: `count` is 8 writable bytes. The descriptor does not block; with nothing to read it is an error.
        unsafe { libc::read(self.fd(), count.as_mut_ptr().cast(), count.len()) == 8 }
    }

    /// The descriptor, readable while woken.
    pub fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Whether this thread is the only one of the process, as the C library knows it: then nobody is there to wake it but a
/// signal handler. False where the C library does not tell: glibc before 2.32, and others.
pub fn is_only_thread() -> bool {
    /// Where the C library says so, once that was looked up.
    static SAYS: AtomicPtr<libc::c_char> = AtomicPtr::new(ptr::null_mut());
    let mut says = SAYS.load(Ordering::Relaxed);
    if says.is_null() {
        says = where_it_says();
        SAYS.store(says, Ordering::Relaxed);
    }
    // SAFETY: see `where_it_says`. The C library writes to it while there is one thread only, or that again.
    unsafe { says.read_volatile() != 0 }
}

/// A `char` that lasts as long as the process, and is not 0 while that has one thread.
#[cold]
fn where_it_says() -> *mut libc::c_char {
    static NEVER: libc::c_char = 0;
    if cfg!(target_env = "gnu") {
        // SAFETY: the name is a string.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
        if !found.is_null() {
            return found.cast();
        }
        // SAFETY: takes nothing. What was not found is not for the program to hear of.
        unsafe { libc::dlerror() };
    }
    (&raw const NEVER).cast_mut()
}

/// What ended a [`wait`]. All false: the time was up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// There is a datagram.
    pub readable: bool,
    /// There is room in the socket.
    pub writable: bool,
    /// There is an ICMP error to read.
    pub error: bool,
    /// The waker was woken. It stays so until it is cleared.
    pub woken: bool,
    /// A signal came. The caller works out how much time is left and waits again.
    pub interrupted: bool,
}

/// Blocks until `socket` has a datagram or an error (or room, if `writable`), until `waker` is woken, a signal comes or
/// `timeout` has passed; `None` waits for ever.
///
/// # Errors
/// What `ppoll` gives.
pub fn wait(socket: &Socket, writable: bool, waker: &Waker, timeout: Option<Duration>) -> io::Result<Ready> {
    let events = if writable { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
    let mut fds = [
        libc::pollfd { fd: socket.as_raw_fd(), events, revents: 0 },
        libc::pollfd { fd: waker.fd(), events: libc::POLLIN, revents: 0 },
    ];
    let timeout = timeout.map(timespec);
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `fds` and the timeout live for the time of the call; no signal mask is given.
    let result = unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout, ptr::null()) };
    if result < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::EINTR) => Ok(Ready { interrupted: true, ..Ready::default() }),
            _ => Err(error),
        };
    }
    let [socket, waker] = fds.map(|fd| fd.revents);
    if (socket | waker) & libc::POLLNVAL != 0 {
        // Somebody closed a descriptor that is not theirs. Reported as "nothing happened" it would make a busy loop.
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    Ok(Ready {
        readable: socket & libc::POLLIN != 0,
        writable: socket & libc::POLLOUT != 0,
        error: socket & (libc::POLLERR | libc::POLLHUP) != 0,
        woken: waker & libc::POLLIN != 0,
        interrupted: false,
    })
}

/// A length of time for the kernel, of at most 68 years.
pub(super) fn timespec(time: Duration) -> libc::timespec {
    // SAFETY: integers only, for which zero is a value (and padding on some systems).
    let mut spec: libc::timespec = unsafe { std::mem::zeroed() };
    // By no name of the field's type, since libc has deprecated its own for musl.
    spec.tv_sec = i32::try_from(time.as_secs()).unwrap_or(i32::MAX).into();
    spec.tv_nsec = time.subsec_nanos() as _;
    spec
}

#[cfg(test)]
mod tests {
    use super::super::Outgoing;
    use super::super::testing::{LONG, closed, open, storm_of_signals};
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    fn setup() -> (Socket, Waker) {
        (open("127.0.0.1", false).0, Waker::new().unwrap())
    }

    #[test]
    fn a_wake_ends_the_wait_that_runs_or_the_next_until_it_is_cleared() {
        let (socket, waker) = setup();
        let woken = Ready { woken: true, ..Ready::default() };
        std::thread::scope(|scope| {
            scope.spawn(|| waker.wake());
            assert_eq!(wait(&socket, false, &waker, Some(LONG)).unwrap(), woken);
        });
        assert_eq!(wait(&socket, false, &waker, None).unwrap(), woken);
        waker.wake();
        assert!(waker.clear());
        assert!(!waker.clear());
        assert_eq!(wait(&socket, false, &waker, Some(Duration::ZERO)).unwrap(), Ready::default());
    }

    #[test]
    fn a_wake_leaves_errno_alone_even_where_it_can_add_nothing() {
        let (_, waker) = setup();
        let most = (u64::MAX - 1).to_ne_bytes();
        // SAFETY: 8 readable bytes; `errno` is this thread's own.
        unsafe {
            assert_eq!(libc::write(waker.fd(), most.as_ptr().cast(), 8), 8);
            *libc::__errno_location() = libc::ENOTTY;
            waker.wake();
            assert_eq!(*libc::__errno_location(), libc::ENOTTY);
        }
        assert!(waker.clear());
    }

    #[test]
    fn the_socket_ends_a_wait_and_says_why() {
        let (socket, waker) = setup();
        let to = socket.local_addr().unwrap();
        assert_eq!(
            wait(&socket, true, &waker, Some(LONG)).unwrap(),
            Ready { writable: true, ..Ready::default() }
        );
        assert_eq!(socket.send(&[Outgoing { data: b"", to }], &mut Vec::new()).count, 1);
        let readable = Ready { readable: true, ..Ready::default() };
        assert_eq!(wait(&socket, false, &waker, Some(LONG)).unwrap(), readable);
        let (other, _) = open("127.0.0.1", false);
        assert_eq!(other.send(&[Outgoing { data: b"", to: closed("127.0.0.1") }], &mut Vec::new()).count, 1);
        assert!(wait(&other, false, &waker, Some(LONG)).unwrap().error);
    }

    #[test]
    fn a_timeout_is_kept_to_the_microsecond_and_never_cut_short() {
        let (socket, waker) = setup();
        for timeout in [0, 1, 300, 1500].map(Duration::from_micros) {
            // On a busy machine a single one may be late; the best of many is not.
            let best = (0..20).map(|_| {
                let start = Instant::now();
                let ready = wait(&socket, false, &waker, Some(timeout)).unwrap();
                let took = start.elapsed();
                assert_eq!(ready, Ready::default());
                assert!(took >= timeout, "{took:?} of {timeout:?}");
                took - timeout
            });
            let best = best.min().unwrap();
            assert!(best < Duration::from_micros(900), "{timeout:?} took {best:?} more");
        }
        waker.wake();
        assert!(wait(&socket, false, &waker, Some(Duration::MAX)).unwrap().woken);
    }

    /// Each test runs in a thread of its own beside the one that waits for it.
    #[test]
    fn a_thread_among_others_is_not_the_only_one() {
        assert!(!is_only_thread() && !is_only_thread());
    }

    #[test]
    fn a_signal_is_reported() {
        let (socket, waker) = setup();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            storm_of_signals(scope, &done);
            let ready = wait(&socket, false, &waker, Some(LONG));
            done.store(true, Ordering::Release);
            assert_eq!(ready.unwrap(), Ready { interrupted: true, ..Ready::default() });
        });
    }
}
