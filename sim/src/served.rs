//! One candidate as its thread sees it: sockets, counters, answers written once.

use crate::answer::answer;
use crate::bind;
use crate::config::Candidate;
use crate::counters::Counters;
use crate::delayed::Parcel;
use crate::fault::Faults;
use crate::reply::{Answer, Encoding, Prepared};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

/// Answers kept at most, and the longest that is worth keeping.
const KEPT: usize = 4096;
const KEPT_LENGTH: usize = 4096;

pub(crate) struct Served {
    pub candidate: Candidate,
    pub socket: UdpSocket,
    pub is_ipv6: bool,
    pub wrong_socket: Option<UdpSocket>,
    pub counters: Arc<Counters>,
    /// A reply held back by `reorder`, and until when.
    pub held: Option<(Instant, Parcel)>,
    /// No fault to draw: the short way.
    pub plain: bool,
    /// What an unloaded candidate says to everything.
    pub unloaded: Prepared,
    pub answers: Answers,
}

/// Answers written for the wire, each made once.
#[derive(Default)]
pub(crate) struct Answers {
    /// By type (8 bytes) and query text. `None`: keep silent.
    kept: HashMap<Vec<u8>, Option<Prepared>>,
    lookup: Vec<u8>,
    long: Option<Prepared>,
}

impl Served {
    pub fn new(candidate: Candidate, socket: UdpSocket) -> io::Result<Served> {
        let faults = candidate.faults.clone();
        let mut served = Served {
            candidate,
            is_ipv6: socket.local_addr()?.is_ipv6(),
            socket,
            wrong_socket: None,
            counters: Arc::default(),
            held: None,
            plain: true,
            unloaded: Prepared::new(&Answer::error(0), Encoding::Latin1),
            answers: Answers::default(),
        };
        served.set_faults(faults)?;
        Ok(served)
    }

    pub fn set_faults(&mut self, faults: Faults) -> io::Result<()> {
        if faults.wrong_source > 0.0 {
            self.wrong_socket = Some(wrong_socket(&self.socket, &faults)?);
        }
        self.plain = faults.none();
        let text = "Failure during configuration update: /var/lib/ganeti/config.data: getFileStatus: does not exist \
                    (No such file or directory)";
        self.unloaded = Prepared::new(&Answer::error(text), encoding(&faults));
        self.candidate.faults = faults;
        self.answers.kept.clear();
        Ok(())
    }

    /// Another cluster, serial or set answers from now on.
    pub fn change(&mut self, change: impl FnOnce(&mut Candidate)) -> io::Result<()> {
        change(&mut self.candidate);
        self.set_faults(self.candidate.faults.clone())
    }
}

impl Answers {
    /// The candidate's answer; `None` to keep silent.
    pub fn prepared(&mut self, candidate: &Candidate, kind: i64, query: &[u8]) -> Option<&Prepared> {
        self.lookup.clear();
        self.lookup.extend_from_slice(&kind.to_ne_bytes());
        self.lookup.extend_from_slice(query);
        if !self.kept.contains_key(&self.lookup) {
            let Candidate { cluster, answers, faults, .. } = candidate;
            let made = answer(cluster, answers, kind, query);
            let made = made.map(|answer| Prepared::new(&answer, encoding(faults)));
            if made.as_ref().is_some_and(|made| made.wire_len() > KEPT_LENGTH) {
                return Some(self.long.insert(made?));
            }
            if self.kept.len() >= KEPT {
                self.kept.clear();
            }
            self.kept.insert(self.lookup.clone(), made);
        }
        self.kept[&self.lookup].as_ref()
    }
}

fn encoding(faults: &Faults) -> Encoding {
    if faults.utf8 { Encoding::Utf8 } else { Encoding::Latin1 }
}

/// A socket that differs from the candidate's in its port, or in its address.
fn wrong_socket(own: &UdpSocket, faults: &Faults) -> io::Result<UdpSocket> {
    let own = own.local_addr()?;
    match faults.wrong_source_address {
        Some(ip) => {
            bind::open(SocketAddr::new(ip, own.port())).or_else(|_| bind::open(SocketAddr::new(ip, 0)))
        }
        None => bind::open(SocketAddr::new(own.ip(), 0)),
    }
}
