//! What to serve: candidates, each with an address, a cluster and faults.

use crate::answer::Rule;
use crate::cluster::Cluster;
use crate::fault::Faults;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Everything that [`Sim::start`](crate::Sim::start) needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The HMAC key, byte for byte.
    pub key: Vec<u8>,
    /// In the order in which they are reported.
    pub candidates: Vec<Candidate>,
    /// The port of every [`Address::Shared`]; 0 lets the kernel choose one that is free on all.
    pub port: u16,
    /// Where chance starts from; the same seed and traffic give the same faults.
    pub seed: u64,
    /// Threads to spread the candidates over, at least 1.
    pub threads: usize,
}

/// One confd server of the cluster.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// How it is called in the `ready` line and the counters.
    pub name: String,
    /// Where it listens.
    pub address: Address,
    /// What it answers from.
    pub cluster: Cluster,
    /// Answers that go before the cluster's.
    pub answers: Vec<Rule>,
    /// What is wrong with it.
    pub faults: Faults,
}

/// Where a candidate listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// At this address, on [`Config::port`].
    Shared(IpAddr),
    /// At an address and port of its own; port 0 lets the kernel choose.
    Own(SocketAddr),
}

impl Config {
    /// Candidates `sim1`, `sim2` … of the example cluster, without faults. Plain IP addresses share
    /// one port, which the kernel chooses.
    pub fn simple<A: Copy + Into<Address>>(key: &[u8], addresses: &[A]) -> Config {
        let candidate =
            |(index, &address): (usize, &A)| Candidate::new(&format!("sim{}", index + 1), address);
        Config {
            key: key.to_vec(),
            candidates: addresses.iter().enumerate().map(candidate).collect(),
            port: 0,
            seed: 0,
            threads: 1,
        }
    }
}

impl Candidate {
    /// A candidate of the example cluster, without faults.
    pub fn new(name: &str, address: impl Into<Address>) -> Candidate {
        Candidate {
            name: name.to_string(),
            address: address.into(),
            cluster: Cluster::default(),
            answers: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// The same candidate with these faults.
    pub fn with_faults(mut self, faults: Faults) -> Candidate {
        self.faults = faults;
        self
    }

    /// The same candidate with this cluster.
    pub fn with_cluster(mut self, cluster: Cluster) -> Candidate {
        self.cluster = cluster;
        self
    }

    /// The same candidate at another serial.
    pub fn with_serial(mut self, serial: u64) -> Candidate {
        self.cluster = self.cluster.with_serial(serial);
        self
    }
}

impl std::str::FromStr for Address {
    type Err = std::net::AddrParseError;

    /// `127.0.0.1`, `::1` (shared port), `127.0.0.1:0`, `[::1]:1814` (own port).
    fn from_str(text: &str) -> Result<Address, Self::Err> {
        text.parse().map(Address::Shared).or_else(|_| text.parse().map(Address::Own))
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Address {
        Address::Shared(ip)
    }
}

impl From<Ipv4Addr> for Address {
    fn from(ip: Ipv4Addr) -> Address {
        Address::Shared(ip.into())
    }
}

impl From<Ipv6Addr> for Address {
    fn from(ip: Ipv6Addr) -> Address {
        Address::Shared(ip.into())
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address::Own(address)
    }
}

impl From<SocketAddrV4> for Address {
    fn from(address: SocketAddrV4) -> Address {
        Address::Own(address.into())
    }
}

impl From<SocketAddrV6> for Address {
    fn from(address: SocketAddrV6) -> Address {
        Address::Own(address.into())
    }
}
