//! What several tests here share: sockets on the loopback interface, in both forms, and bounded waiting.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::{Family, IcmpError, ReceiveBuffers, Socket};

/// Longer than anything here takes on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(10);

/// The loopback addresses, so each family, each with batches and one by one.
pub(super) fn forms() -> impl Iterator<Item = (&'static str, bool)> {
    [("127.0.0.1", false), ("127.0.0.1", true), ("::1", false), ("::1", true)].into_iter()
}

pub(super) fn open(ip: &str, one_by_one: bool) -> (Socket, SocketAddr) {
    let bind = SocketAddr::new(ip.parse().unwrap(), 0);
    let socket = Socket::open(Family::of(&bind), Some(bind), None).unwrap();
    if one_by_one {
        socket.go_one_by_one();
    }
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

/// A port of `ip` that refuses all datagrams, and stays so.
///
/// A port that was just closed would not do: another test may get it, or a child that another test forks meanwhile may
/// still have it open. A connected socket keeps it, and refuses whoever is not its peer; so it is its own, for ever.
pub(super) fn closed(ip: &str) -> SocketAddr {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    let addr = socket.local_addr().unwrap();
    socket.connect(addr).unwrap();
    std::mem::forget(socket);
    addr
}

/// What `fd` polls as, waiting at most `timeout` for one of `events`.
pub(super) fn poll(fd: RawFd, events: i16, timeout: Duration) -> i16 {
    let mut entry = libc::pollfd { fd, events, revents: 0 };
    let until = Instant::now() + timeout;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap();
        // SAFETY: one entry, which lives for the time of the call.
        match unsafe { libc::poll(&mut entry, 1, left) } {
            0 => return 0,
            1 => return entry.revents,
            _ => assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EINTR)),
        }
    }
}

/// Waits until an ICMP error is in the socket's queue.
pub(super) fn await_error(socket: &Socket) {
    assert_ne!(poll(socket.as_raw_fd(), 0, LONG) & libc::POLLERR, 0, "no ICMP error came");
}

/// Receives `count` datagrams.
pub(super) fn receive_all(
    socket: &Socket,
    count: usize,
    errors: &mut Vec<IcmpError>,
) -> Vec<(Vec<u8>, SocketAddr)> {
    let mut buffers = ReceiveBuffers::new();
    let mut all = Vec::new();
    while all.len() < count {
        assert_ne!(poll(socket.as_raw_fd(), libc::POLLIN, LONG), 0, "{} of {count} came", all.len());
        let got = socket.receive(&mut buffers, usize::MAX, errors).unwrap();
        assert_eq!(got, buffers.iter().count());
        all.extend(buffers.iter().map(|(data, from)| (data.to_vec(), from)));
    }
    all
}

/// Has a thread of `scope` signal this one again and again, as the first may come before it waits, until `done`.
pub(super) fn storm_of_signals<'a>(scope: &'a Scope<'a, '_>, done: &'a AtomicBool) {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: the handler does nothing; SIGURG is used by nothing else here, and ignored otherwise.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGURG, &action, ptr::null_mut()), 0);
    }
    // SAFETY: gives this thread's id.
    let me = unsafe { libc::pthread_self() } as usize;
    scope.spawn(move || {
        while !done.load(Ordering::Acquire) {
            // SAFETY: the thread outlives the scope.
            unsafe { libc::pthread_kill(me as libc::pthread_t, libc::SIGURG) };
            std::thread::yield_now();
        }
    });
}

/// Makes these system calls fail in this thread, for as long as it lives.
pub(super) fn forbid(calls: [libc::c_long; 2], error: libc::c_int) {
    let op = |code, k, jt, jf| libc::sock_filter { code: code as u16, jt, jf, k };
    let jump_if = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let ret = libc::BPF_RET | libc::BPF_K;
    let mut program = [
        op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        op(jump_if, calls[0] as u32, 1, 0),
        op(jump_if, calls[1] as u32, 0, 1),
        op(ret, libc::SECCOMP_RET_ERRNO | error as u32, 0, 0),
        op(ret, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    let (zero, one): (libc::c_ulong, libc::c_ulong) = (0, 1);
    // SAFETY: both act on this thread alone; the program lives for the time of the call.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, zero, zero, zero) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    assert!(done, "these tests need a kernel with seccomp filters: {}", std::io::Error::last_os_error());
}

/// Sockets and wakers are shared by threads; the rest is moved between them, behind a lock.
#[test]
fn threads_may_have_them() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<Socket>();
    shared::<super::Waker>();
    moved::<ReceiveBuffers>();
    moved::<super::Poller>();
}
