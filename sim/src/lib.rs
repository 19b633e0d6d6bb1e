//! A confd server that answers like a real one and misbehaves on request.
//!
//! It stands in for the master candidates of a Ganeti cluster in the demo, the tests and the
//! benchmarks, so it must be a judge of the client library and shares no code with it: the protocol
//! is implemented here a second time, from the server's side.
//!
//! The way of a request: `serve` reads a batch of datagrams → [`request`] verifies and
//! parses → [`answer`] answers from the [`Cluster`] → [`reply`] signs and writes → the outbox sends
//! the batch. [`Faults`] step in between, and only where a candidate has some.
//!
//! ```
//! use confd_sim::{Config, Faults, Sim};
//! use std::net::Ipv4Addr;
//!
//! let addresses = [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2)];
//! let mut config = Config::simple(b"key\n", &addresses);
//! config.candidates[1].faults = Faults { loss: 0.2, ..Faults::default() }.delay_ms(5, 20);
//! let sim = Sim::start(config)?; // two sockets, one port chosen by the kernel
//! let peers = sim.addresses();
//! assert_eq!(peers[0].port(), peers[1].port());
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod answer;
mod bind;
pub mod cluster;
mod config;
mod counters;
mod delayed;
mod describe;
mod document;
mod fault;
pub mod file;
pub mod flood;
mod key;
mod outbox;
mod query;
pub mod reply;
pub mod request;
mod serve;
mod served;
mod sim;

pub use cluster::Cluster;
pub use config::{Address, Candidate, Config};
pub use counters::Counts;
pub use document::ConfigError;
pub use fault::Faults;
pub use key::Key;
pub use query::{DictQuery, Field, Query};
pub use serve::CpuTime;
pub use sim::Sim;
