//! The load of `--self-test`: signed pings in windows, from this thread, over loopback.

use crate::config::Config;
use crate::key::Key;
use crate::serve::CpuTime;
use crate::sim::Sim;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Requests under way at once.
const WINDOW: usize = 256;
/// Different requests, sent in turn.
const REQUESTS: usize = 1024;
/// A window is given up when nothing has come for this long, in milliseconds.
const PATIENCE: u16 = 1000;

/// What a flood came to.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// Requests sent.
    pub sent: u64,
    /// Replies that came.
    pub replies: u64,
    /// From the first request to the last reply.
    pub wall: Duration,
    /// What the serving thread used.
    pub cpu: CpuTime,
}

/// Starts a candidate on 127.0.0.1 and asks it `count` pings.
pub fn flood(count: u64) -> io::Result<Flood> {
    let key = b"self-test\n";
    let sim = Sim::start(Config::simple(key, &[Ipv4Addr::LOCALHOST]))?;
    let before = sim.cpu_times()?[0];
    let start = Instant::now();
    let server = SocketAddrV4::new(Ipv4Addr::LOCALHOST, sim.addresses()[0].port());
    let (sent, replies) = windows(server, &Key::new(key), count)?;
    let wall = start.elapsed();
    let after = sim.cpu_times()?[0];
    let cpu =
        CpuTime { total: after.total - before.total, system: after.system.saturating_sub(before.system) };
    Ok(Flood { sent, replies, wall, cpu })
}

fn windows(server: SocketAddrV4, key: &Key, count: u64) -> io::Result<(u64, u64)> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let requests = pings(key);
    let to = [Some(SockaddrStorage::from(server)); WINDOW];
    let mut out = MultiHeaders::<SockaddrStorage>::preallocate(WINDOW, None);
    let mut into = MultiHeaders::<SockaddrStorage>::preallocate(WINDOW, None);
    let mut buffers = vec![[0u8; 512]; WINDOW];
    let (mut sent, mut replies) = (0u64, 0u64);
    while sent < count {
        let window = WINDOW.min((count - sent) as usize);
        let first = sent as usize % REQUESTS;
        let slices: [[IoSlice; 1]; WINDOW] =
            std::array::from_fn(|at| [IoSlice::new(&requests[(first + at) % REQUESTS])]);
        let fd = socket.as_raw_fd();
        let gone = sendmmsg(fd, &mut out, &slices[..window], &to[..window], [], MsgFlags::empty())?.count();
        sent += gone as u64;
        let mut missing = gone;
        while missing > 0 {
            let mut readable = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
            if poll(&mut readable, PollTimeout::from(PATIENCE))? == 0 {
                break;
            }
            let mut room = buffers.iter_mut();
            let mut slices: [[IoSliceMut; 1]; WINDOW] =
                std::array::from_fn(|_| [IoSliceMut::new(room.next().expect("a buffer for each slice"))]);
            let came = recvmmsg(fd, &mut into, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?.count();
            replies += came as u64;
            missing = missing.saturating_sub(came);
        }
    }
    Ok((sent, replies))
}

/// Signed pings as the stock client spaces them, each with a salt of its own. They age: after five
/// minutes nobody answers them.
fn pings(key: &Key) -> Vec<Vec<u8>> {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let ping = |number: usize| {
        let msg = format!(
            r#"{{"type": 0, "protocol": 1, "rsalt": "00000000-0000-4000-8000-{number:012}", "query": null}}"#
        );
        let hmac = key.sign(time.as_bytes(), msg.as_bytes());
        let hmac = String::from_utf8_lossy(&hmac);
        let msg = msg.replace('"', "\\\"");
        format!(r#"plj0{{"msg": "{msg}", "salt": "{time}", "hmac": "{hmac}"}}"#).into_bytes()
    };
    (0..REQUESTS).map(ping).collect()
}
