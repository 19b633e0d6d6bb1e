//! Sockets for the candidates: each where it wants to be, and those that share a port on one that
//! is free at all their addresses.

use crate::config::{Address, Candidate};
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// How many ports to try before giving up.
const TRIES: usize = 64;
/// Room for bursts. The kernel may give less.
const BUFFER: usize = 4 << 20;

/// One socket for each candidate, in order.
pub(crate) fn bind(candidates: &[Candidate], port: u16) -> io::Result<Vec<UdpSocket>> {
    let shared: Vec<IpAddr> = candidates
        .iter()
        .filter_map(|it| match it.address {
            Address::Shared(ip) => Some(ip),
            Address::Own(_) => None,
        })
        .collect();
    if let Some(twice) = shared.iter().enumerate().find(|(at, ip)| shared[..*at].contains(ip)) {
        let text = format!("two candidates at {} on the shared port; give one a port of its own", twice.1);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut on_shared_port = together(&shared, port)?.into_iter();
    candidates
        .iter()
        .map(|it| match it.address {
            Address::Shared(_) => Ok(on_shared_port.next().expect("one socket for each shared address")),
            Address::Own(address) => open(address),
        })
        .collect()
}

/// A socket at each address, all on one port.
fn together(ips: &[IpAddr], port: u16) -> io::Result<Vec<UdpSocket>> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..if port == 0 { TRIES } else { 1 } {
        let mut chosen = port;
        let sockets: io::Result<Vec<UdpSocket>> = ips
            .iter()
            .map(|ip| {
                let socket = open(SocketAddr::new(*ip, chosen))?;
                chosen = socket.local_addr()?.port();
                Ok(socket)
            })
            .collect();
        match sockets {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            done => return done,
        }
    }
    Err(last)
}

/// A socket that never blocks, with large buffers.
pub(crate) fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    let socket = UdpSocket::bind(address).map_err(failed)?;
    socket.set_nonblocking(true)?;
    // Best effort: beyond the system's limit with the right privilege, else up to it.
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        let _ = setsockopt(&socket, sockopt::RcvBuf, &BUFFER);
    }
    if setsockopt(&socket, sockopt::SndBufForce, &BUFFER).is_err() {
        let _ = setsockopt(&socket, sockopt::SndBuf, &BUFFER);
    }
    Ok(socket)
}
