//! Servers that answer, refuse or are silent, and clients of theirs.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use confd_sim::{Candidate, Config, Faults, Sim};
use confdclient::client::{Callback, Client, Options, fresh_salt};
use confdclient::wire::query::{Query, RequestType};
use confdclient::wire::request::Request;

pub const KEY: &[u8] = b"key\n";

pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What a busy machine is granted instead of a target.
pub fn granted(target: Duration) -> Duration {
    target * 5
}

/// Servers on ports of their own at 127.0.0.1, each with these faults.
pub fn servers(faults: &[Faults]) -> Sim {
    servers_with_key(KEY, faults)
}

pub fn servers_with_key(key: &[u8], faults: &[Faults]) -> Sim {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut config = Config::simple(key, &[any]);
    config.candidates = faults
        .iter()
        .enumerate()
        .map(|(at, faults)| Candidate::new(&format!("s{at}"), any).with_faults(faults.clone()))
        .collect();
    Sim::start(config).expect("servers")
}

pub fn well(count: usize) -> Sim {
    servers(&vec![Faults::default(); count])
}

pub fn slow(from: u64, to: u64) -> Faults {
    Faults::default().delay_ms(from, to)
}

pub fn peers_of(sim: &Sim) -> Vec<String> {
    sim.addresses().iter().map(SocketAddr::to_string).collect()
}

/// A port where nothing listens, for certain: the socket takes datagrams from one other address only.
pub struct Refusing(UdpSocket, #[expect(dead_code, reason = "keeps the other port taken")] UdpSocket);

/// A stopped process: what is sent there waits in its socket.
pub struct Silent(UdpSocket);

impl Refusing {
    pub fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(other.local_addr().unwrap()).unwrap();
        Refusing(socket, other)
    }

    pub fn peer(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }
}

impl Silent {
    pub fn new() -> Self {
        Silent(UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    pub fn peer(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }
}

pub fn client_with(
    peers: &[String],
    callback: Option<Callback>,
    change: impl FnOnce(&mut Options),
) -> Arc<Client> {
    let mut options = Options::default();
    change(&mut options);
    let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
    Client::new(KEY, &peers, callback, &options).expect("a client")
}

pub fn client(peers: &[String]) -> Arc<Client> {
    client_with(peers, None, |_| {})
}

pub fn request(kind: RequestType) -> Request {
    Request::new(kind, Query::NONE, fresh_salt().unwrap())
}

pub fn master() -> Request {
    request(RequestType::ClusterMaster)
}

/// Runs until the condition holds; fails after ten seconds.
pub fn until(what: &str, mut turn: impl FnMut(), mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "not within 10 s: {what}");
        turn();
    }
}

/// The median, the 99th percentile and the most.
pub fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    format!("median {:.3} ms, 99 % {:.2} ms, most {:.2} ms", at(0.5), at(0.99), at(1.0))
}
