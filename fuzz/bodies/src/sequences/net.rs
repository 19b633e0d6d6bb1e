//! Servers for clients with sockets: they answer when a sequence says so.

use std::ffi::CStr;
use std::net::UdpSocket;
use std::sync::OnceLock;

use crate::api::Client;
use crate::model::KEYS;
use crate::places::{V4, find};
use crate::source::Source;
use crate::wire::{hex, sign};

pub struct Net {
    servers: Vec<UdpSocket>,
    /// Bound and never read: a server that is silent.
    silent: UdpSocket,
    /// Nobody listens here.
    closed: u16,
    /// A thread answers here at once.
    prompt: u16,
}

fn bound() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket on loopback");
    socket.set_nonblocking(true).expect("a socket that does not block");
    socket
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().expect("an address").port()
}

/// A server of its own, for calls that block; gives its port.
fn prompt() -> u16 {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a socket on loopback");
    let port = port(&server);
    std::thread::spawn(move || {
        let mut data = [0; 8_192];
        // What was refused to an earlier client may come back as an error.
        loop {
            let Ok((len, from)) = server.recv_from(&mut data) else { continue };
            if let Some(salt) = salt_in(&data[..len]) {
                let _ = server.send_to(&reply(&mut Source::new(&[]), &salt, 0), from);
            }
        }
    });
    port
}

impl Net {
    pub fn get() -> &'static Net {
        static NET: OnceLock<Net> = OnceLock::new();
        NET.get_or_init(|| {
            let closed = port(&bound());
            Net { servers: (0..3).map(|_| bound()).collect(), silent: bound(), closed, prompt: prompt() }
        })
    }

    pub fn peers(&self) -> Vec<String> {
        let ports = self.servers.iter().chain([&self.silent]).map(port).chain([self.closed, self.prompt]);
        ports.map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// Answers what has arrived at the servers, or lets it go.
    pub fn respond(&self, source: &mut Source) {
        let mut data = [0; 8_192];
        for (index, server) in self.servers.iter().enumerate() {
            for _ in 0..16 {
                let Ok((len, from)) = server.recv_from(&mut data) else { break };
                let Some(salt) = salt_in(&data[..len]) else { continue };
                // From another server's address it is a stranger's.
                let by = if source.once_in(8) { (index + 1) % self.servers.len() } else { index };
                let times = source.pick(&[1, 1, 1, 2, 0]);
                let reply = reply(source, &salt, 0);
                for _ in 0..times {
                    // The client may be gone.
                    let _ = self.servers[by].send_to(&reply, from);
                }
            }
        }
        while self.silent.recv_from(&mut data).is_ok() {}
    }
}

/// Where an own-I/O client's datagram goes, and its salt, where that has no escapes.
pub fn noted(client: Client) -> Result<Option<(String, usize)>, i32> {
    client.transmit(|data, ip, port| {
        let place = find(&V4, ip, port).expect("a datagram to nowhere");
        salt_in(data).map(|salt| (salt, place))
    })
}

fn salt_in(datagram: &[u8]) -> Option<String> {
    const BEFORE: &str = "rsalt\\\": \\\"";
    let text = std::str::from_utf8(datagram).ok()?;
    let rest = &text[text.find(BEFORE)? + BEFORE.len()..];
    rest.split_once('\\').map(|(salt, _)| salt.to_owned())
}

/// A reply, mostly a good one.
pub fn reply(source: &mut Source, salt: &str, key: usize) -> Vec<u8> {
    let key = if source.once_in(8) { source.below(KEYS.len()) } else { key };
    let status = source.pick(&[0, 0, 0, 1]);
    let serial = source.pick(&[7, 7, 8, 6]);
    let answer =
        source.pick(&["\"node1\"", "\"node2\"", "[\"192.0.2.1\",\"192.0.2.3\"]", "[[0,\"a\",1]]", "0", "[]"]);
    let message = format!("{{\"protocol\":1,\"status\":{status},\"answer\":{answer},\"serial\":{serial}}}");
    let tag = hex(&sign(KEYS[key], salt, &message));
    let mut datagram = Vec::with_capacity(400);
    datagram.extend_from_slice(b"plj0{\"hmac\":\"");
    datagram.extend_from_slice(tag.as_bytes());
    datagram.extend_from_slice(b"\",\"msg\":\"");
    // Nothing else in it is special.
    for piece in message.split_inclusive('"') {
        match piece.strip_suffix('"') {
            Some(before) => {
                datagram.extend_from_slice(before.as_bytes());
                datagram.extend_from_slice(b"\\\"");
            }
            None => datagram.extend_from_slice(piece.as_bytes()),
        }
    }
    datagram.extend_from_slice(b"\",\"salt\":\"");
    datagram.extend_from_slice(salt.as_bytes());
    datagram.extend_from_slice(b"\"}");
    datagram
}

/// Has a reply come in to a client, for something that has left it, from where that went or from elsewhere.
pub fn answer(source: &mut Source, left: &[(String, usize)], key: usize) -> (Vec<u8>, &'static CStr, u16) {
    let (salt, place) = match left.len() {
        0 => ("unknown".to_owned(), 0),
        count if source.once_in(4) => left[source.below(count)].clone(),
        count => left[count - 1 - source.below(count.min(8))].clone(),
    };
    let place = if source.once_in(8) { &V4[source.below(V4.len())] } else { &V4[place] };
    (reply(source, &salt, key), place.ips[0], place.port)
}
