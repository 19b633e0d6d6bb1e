//! Knowing the cluster: clients of a node's data directory, and peers that are kept current.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::client::deliver::Limit;
use crate::client::{Callback, Client, Options, State, read_peers};
use crate::cluster_dir::{ClusterData, ClusterDir, DEFAULT_DIR, Stamp};
use crate::engine::peers::{Peer, parse_each};
use crate::engine::{LogLevel, Micros, Outcome, QueryResult};
use crate::error::{Code, Error, Result};
use crate::net::interface;
use crate::wire::answer::Answer;
use crate::wire::key::Key;
use crate::wire::query::{Query, RequestType};
use crate::wire::request::Request;

/// How the peers of a client are kept current.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    /// 0: they are not.
    every: Micros,
    next: Micros,
    dir: Option<(ClusterDir, Stamp)>,
    /// The question for the candidates that runs.
    asked: Option<usize>,
}

impl Refresh {
    /// When there is something to do.
    pub(super) fn deadline(&self) -> Option<Micros> {
        (self.every > 0).then_some(self.next)
    }

    /// Whether there is something to do, or there may be.
    pub(super) fn is_due(&self, now: Micros) -> bool {
        self.asked.is_some() || self.deadline().is_some_and(|deadline| deadline <= now)
    }
}

impl Client {
    /// A client of the cluster that this node belongs to, by the files of its data directory (`None`:
    /// [`DEFAULT_DIR`]).
    pub fn open(dir: Option<&Path>, callback: Option<Callback>, options: &Options) -> Result<Arc<Client>> {
        let dir = ClusterDir::new(dir.unwrap_or(Path::new(DEFAULT_DIR)));
        let data = dir.read()?;
        let peers = peers_of(&dir, &data, options.port())?;
        let key = Key::new(&data.key).ok_or_else(|| Error::new(Code::Internal, "an empty key was read"))?;
        Self::build(key, &peers, callback, options, Some((dir, data.stamp)))
    }

    /// Reads both files of an opened client again, and takes up both or neither.
    pub fn reload(self: &Arc<Self>) -> Result<()> {
        let mut state = self.enter()?;
        let Some((dir, _)) = state.refresh.dir.clone() else {
            let detail = "the client was not opened from a data directory";
            return Err(Error::new(Code::InvalidArgument, detail));
        };
        let done = self.reread(&mut state, dir);
        drop(self.finish(state, Limit::NONE)?);
        done
    }

    /// Signs new requests with another key, every byte of the new `hmac.key`.
    pub fn set_hmac_key(self: &Arc<Self>, key: &[u8]) -> Result<()> {
        let mut state = self.enter()?;
        let Some(key) = Key::new(key) else {
            return Err(Error::new(Code::InvalidArgument, "the HMAC key is empty"));
        };
        let now = self.clock();
        state.engine.set_key(now, key);
        drop(self.finish(state, Limit::NONE)?);
        Ok(())
    }

    pub(super) fn new_refresh(every: Micros, now: Micros, dir: Option<(ClusterDir, Stamp)>) -> Refresh {
        Refresh { every, next: now.saturating_add(every), dir, asked: None }
    }

    /// Keeps the peers current, if it is time for that.
    pub(super) fn refresh(self: &Arc<Self>, state: &mut State, now: Micros) {
        if let Some(token) = state.refresh.asked {
            if let Some(result) = state.engine.take_result(token) {
                state.refresh.asked = None;
                self.take_candidates(state, &result);
            }
        }
        if state.refresh.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        state.refresh.next = now.saturating_add(state.refresh.every);
        match state.refresh.dir.clone() {
            Some((dir, stamp)) if dir.stamp() != stamp => {
                if let Err(error) = self.reread(state, dir) {
                    state.engine.log(LogLevel::Warning, || format!("the peers stay as they are: {error}"));
                }
            }
            Some(_) => {}
            None if state.refresh.asked.is_none() => self.ask_for_candidates(state),
            None => {}
        }
    }

    fn reread(self: &Arc<Self>, state: &mut State, dir: ClusterDir) -> Result<()> {
        let data = dir.read()?;
        let peers = peers_of(&dir, &data, self.port)?;
        let key = Key::new(&data.key).ok_or_else(|| Error::new(Code::Internal, "an empty key was read"))?;
        state.engine.update_peers(&peers)?;
        state.engine.set_key(self.clock(), key);
        state.refresh.dir = Some((dir, data.stamp));
        Ok(())
    }

    fn ask_for_candidates(self: &Arc<Self>, state: &mut State) {
        let asked = super::fresh_salt().and_then(|salt| {
            let mut request = Request::new(RequestType::McPipList, Query::NONE, salt);
            state.ask_for_itself(self, &mut request)
        });
        match asked {
            Ok(token) => {
                state.refresh.asked = Some(token);
                self.transmit(state, None);
            }
            Err(error) => {
                state.engine.log(LogLevel::Warning, || format!("could not ask for the candidates: {error}"));
            }
        }
    }

    /// Takes up the list that the candidates have answered with, if it can be one of this client's peers.
    fn take_candidates(self: &Arc<Self>, state: &mut State, result: &QueryResult) {
        let answer =
            result.reply.as_ref().filter(|reply| reply.is_ok() && result.outcome == Outcome::Answered);
        let Some(reply) = answer else { return };
        let peers = texts_of(reply.answer()).unwrap_or_default();
        let known: Vec<_> = state.engine.peers().collect();
        let taken = read_peers(&peers, self.port).and_then(|mut peers| {
            for peer in &mut peers {
                // A daemon on a port of its own is still there.
                if let Some(same) = known.iter().find(|known| known.ip() == peer.address.ip()) {
                    if same.port() != peer.address.port() {
                        *peer = Peer::new(*same);
                    }
                }
            }
            let is_new = |peer: &Peer| !known.contains(&peer.address);
            let is_gone = |known: &SocketAddr| !peers.iter().any(|peer| peer.address == *known);
            if peers.iter().any(is_new) || known.iter().any(is_gone) {
                state.engine.update_peers(&peers)?;
            }
            Ok(())
        });
        if let Err(error) = taken {
            state
                .engine
                .log(LogLevel::Warning, || format!("the answered list of candidates is no use: {error}"));
        }
    }
}

/// An answer that is a list of strings.
fn texts_of(answer: &Answer) -> Option<Vec<&str>> {
    let list = answer.find("").ok()?;
    let mut texts = Vec::new();
    for index in 0..list.count().ok()? {
        texts.push(list.element(index).ok()?.string().ok()?.to_str().ok()?);
    }
    Some(texts)
}

fn peers_of(dir: &ClusterDir, data: &ClusterData, port: u16) -> Result<Vec<Peer>> {
    let list: Vec<&str> = data.peers.iter().map(|(_, text)| text.as_str()).collect();
    parse_each(&list, port, &interface::index).map_err(|misfit| {
        let line = data.peers.get(misfit.index).map_or(0, |&(line, _)| line);
        dir.bad_line(line, &format!("{} {}", misfit.shown, misfit.why))
    })
}
