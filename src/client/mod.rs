//! The client: the engine, a socket and a clock behind one lock, used from any thread. It reads and sends, blocks
//! and wakes, and makes upcalls with no lock held; of the protocol it knows nothing.
//!
//! - `options`: what a client can be told at its creation.
//! - `deliver`: upcalls and log lines, one at a time, in order; close and free.
//! - `socket`: the datagrams between engine and socket, and the one descriptor to poll.
//! - `blocking`: `receive` and `wait`, when several threads want to block on one socket.
//! - `query`: questions with one completion.
//! - `cluster`: clients of a node's data directory, and peers that are kept current.
//! - `external`: the calls of programs that do their own input and output.

#![forbid(unsafe_code)]

mod blocking;
mod cluster;
mod deliver;
mod external;
mod options;
mod query;
mod socket;

use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, TryLockError};

pub use blocking::Waited;
pub use external::Transmit;
pub use options::{DEFAULT_PORT, LogSink, Options};
pub use query::QueryCallback;

use crate::cluster_dir::{ClusterDir, Stamp};
use crate::engine::peers::{Peer, parse_peers};
use crate::engine::{Engine, Event, Micros, Now, PeerStats, Register, Stats};
use crate::error::{Code, Error, Result};
use crate::net::clock::Instant;
use crate::net::waker::Waker;
use crate::net::{self, Family, Socket, clock, entropy, interface};
use crate::wire::key::Key;
use crate::wire::request::Request;
use crate::wire::salt::Salt;
use blocking::Waiters;
use cluster::Refresh;
use deliver::{Delivery, Limit};
use socket::Transport;

/// Told of every event, on the thread whose call brought it about or finds it there.
pub type Callback = Box<dyn Fn(&Arc<Client>, &Event) + Send + Sync>;

/// How many requests end in one call at the most; [`Client::expire`] ends more.
const EXPIRIES_PER_CALL: usize = 1_024;

/// How many requests one call of [`Client::expire`] ends at the most.
const EXPIRIES_AT_ONCE: usize = 65_536;

/// A fresh salt from the system's random source, also right after `fork`.
pub fn fresh_salt() -> Result<Salt> {
    let bytes = entropy::random_16().map_err(|error| Error::io("no random bytes for a salt", &error))?;
    Ok(Salt::from_random(bytes))
}

/// A client of the confd daemons of one cluster. Every method may be called from any thread at any time.
pub struct Client {
    /// The process that made it, by the number of forks that led there.
    generation: u64,
    origin: Instant,
    port: u16,
    callback: Option<Callback>,
    log: Option<LogSink>,
    datagrams_per_call: usize,
    /// `None` where the program does its own input and output.
    socket: Option<Socket>,
    waker: Option<Waker>,
    /// Set by [`Client::wake`] until a `receive` takes notice.
    woken: AtomicBool,
    broken: AtomicBool,
    /// Whether the client is closed, for who may not take the lock.
    ended: AtomicBool,
    /// The thread that is inside an upcall, 0 for none.
    upcall_of: AtomicUsize,
    /// The thread that is inside the log's function, 0 for none.
    log_of: AtomicUsize,
    /// The descriptors of the poller, for a child that cannot look into `state`.
    poller_fds: OnceLock<[RawFd; 3]>,
    state: Mutex<State>,
    /// Where `free` waits for the upcall that runs.
    idle: Condvar,
    pulled: Mutex<Option<Transmit>>,
}

struct State {
    engine: Engine,
    delivery: Delivery,
    waiters: Waiters,
    transport: Transport,
    refresh: Refresh,
    /// Who is to be told of the results of queries, by their tokens.
    completions: Register<usize, QueryCallback>,
    next_token: usize,
}

type Locked<'a> = MutexGuard<'a, State>;

impl Client {
    /// A client that signs with `key` (every byte of `hmac.key`) and asks `peers`.
    pub fn new(
        key: &[u8],
        peers: &[&str],
        callback: Option<Callback>,
        options: &Options,
    ) -> Result<Arc<Client>> {
        let Some(key) = Key::new(key) else {
            return Err(Error::new(Code::InvalidArgument, "the HMAC key is empty"));
        };
        let peers = read_peers(peers, options.port())?;
        Self::build(key, &peers, callback, options, None)
    }

    fn build(
        key: Key,
        peers: &[Peer],
        callback: Option<Callback>,
        options: &Options,
        dir: Option<(ClusterDir, Stamp)>,
    ) -> Result<Arc<Client>> {
        let ipv4 = peers.first().is_some_and(|peer| peer.address.is_ipv4());
        let bind = options.bind_for(ipv4)?;
        let seed =
            entropy::seed().map_err(|error| Error::io("no random bytes to choose peers by", &error))?;
        let (socket, waker) = if options.external_io {
            (None, None)
        } else {
            let family = if ipv4 { Family::V4 } else { Family::V6 };
            let socket = Socket::open(family, bind, options.receive_buffer).map_err(|error| match bind {
                Some(bind) => Error::io(&format!("no socket on {}", bind.ip()), &error),
                None => Error::io("no socket", &error),
            })?;
            let waker = Waker::new().map_err(|error| Error::io("no descriptor to be woken by", &error))?;
            (Some(socket), Some(waker))
        };
        let mut engine = Engine::new(options.config.clone(), key, peers, seed);
        if let Some(buffer) = socket.as_ref().and_then(|socket| socket.receive_buffer().ok()) {
            engine.set_receive_buffer(buffer);
        }
        Ok(Arc::new(Client {
            generation: entropy::generation(),
            origin: Instant::now(),
            port: options.port(),
            callback,
            log: options.log.clone(),
            datagrams_per_call: options.datagrams_per_call,
            socket,
            waker,
            woken: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            upcall_of: AtomicUsize::new(0),
            log_of: AtomicUsize::new(0),
            poller_fds: OnceLock::new(),
            state: Mutex::new(State {
                engine,
                delivery: Delivery::default(),
                waiters: Waiters::default(),
                transport: Transport::default(),
                refresh: Client::new_refresh(options.refresh_every, 0, dir),
                completions: Register::default(),
                next_token: 0,
            }),
            idle: Condvar::new(),
            pulled: Mutex::new(None),
        }))
    }

    /// Replaces the peers. They are of the family that the client was made with.
    pub fn update_peers(self: &Arc<Self>, peers: &[&str]) -> Result<()> {
        let mut state = self.enter()?;
        let peers = read_peers(peers, self.port)?;
        let done = state.engine.update_peers(&peers);
        drop(self.finish(state, Limit::NONE)?);
        done
    }

    /// Asks `coverage` peers and keeps the request until its expiry; `token` comes back with each of its events.
    /// With `queued` the datagrams wait for [`Client::flush`], or for the next call that sends.
    pub fn send(
        self: &Arc<Self>,
        request: &Request,
        coverage: i32,
        queued: bool,
        token: usize,
    ) -> Result<()> {
        let mut state = self.enter()?;
        if self.callback.is_none() {
            return Err(query::no_callback());
        }
        self.tick(&mut state, self.clock(), EXPIRIES_PER_CALL);
        // What is there is delivered before the request is accepted: should an upcall close the client, then this
        // call fails without having had any effect.
        (state, _) = self.finish(state, Limit::of_call())?;
        self.still_open(&state)?;
        let now = self.clock();
        let mut sent = state.engine.send(self.now_at(now), request, coverage, token);
        if let (Ok(id), false) = (&sent, queued) {
            let id = *id;
            if let Some(error) = self.transmit_as_of(&mut state, now, Some(id)) {
                state.engine.revoke(id);
                sent = Err(Error::io("none of the peers could be sent to", &error));
            }
        }
        drop(self.finish(state, Limit::NONE)?);
        sent.map(drop)
    }

    /// Sends what waits to be sent.
    pub fn flush(self: &Arc<Self>) -> Result<()> {
        let mut state = self.enter()?;
        self.transmit(&mut state, None);
        drop(self.finish(state, Limit::NONE)?);
        Ok(())
    }

    /// Ends the requests whose expiry has come, at most 65,536 in one call.
    pub fn expire(self: &Arc<Self>) -> Result<()> {
        let mut state = self.enter_blocking()?;
        self.tick(&mut state, self.clock(), EXPIRIES_AT_ONCE);
        self.transmit(&mut state, None);
        let (state, _) = self.finish(state, Limit { upcalls: EXPIRIES_AT_ONCE, until: None })?;
        self.still_open(&state)
    }

    /// Ends a request; its upcall may come after this has returned, where another thread delivers.
    pub fn cancel(self: &Arc<Self>, salt: &str) -> Result<()> {
        let mut state = self.enter()?;
        let done = state.engine.cancel(self.clock(), salt);
        let (state, _) = self.finish(state, Limit::of_call())?;
        done.and_then(|()| self.still_open(&state))
    }

    /// Requests outstanding, and those of them that nobody has answered.
    pub fn outstanding(&self) -> Result<(usize, usize)> {
        Ok(self.enter()?.engine.outstanding())
    }

    /// What was counted so far.
    pub fn stats(&self) -> Result<Stats> {
        Ok(self.enter()?.engine.stats())
    }

    /// What is known of a peer, by its place in the list.
    pub fn peer_stats(&self, index: usize) -> Result<PeerStats> {
        let state = self.enter()?;
        state.engine.peer_stats(index).ok_or_else(|| {
            let count = state.engine.peers().count();
            Error::with(Code::NotFound, format_args!("there are {count} peers, and none is number {index}"))
        })
    }

    /// Whether the client was inherited through `fork`; it can only be freed.
    pub fn is_inherited(&self) -> bool {
        entropy::generation() != self.generation
    }

    fn not_inherited(&self) -> Result<()> {
        if self.is_inherited() {
            return Err(Error::new(Code::Closed, "the client belongs to the process before the fork"));
        }
        Ok(())
    }

    /// For a child after `fork`: whether a thread that it does not have was in the midst of changing the client, which
    /// can then only be left as it is.
    pub(crate) fn is_torn(&self) -> bool {
        matches!(self.state.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Closes the descriptors of a client that is torn.
    pub(crate) fn close_descriptors(&self) {
        let socket = self.socket.as_ref().map(AsRawFd::as_raw_fd);
        let waker = self.waker.as_ref().map(Waker::fd);
        let polled = self.poller_fds.get().into_iter().flatten().copied();
        net::close_for_good(socket.into_iter().chain(waker).chain(polled));
    }

    /// After a defect nothing of the client can be relied on: every later call, and every blocked one, fails.
    pub(crate) fn mark_broken(&self) {
        self.broken.store(true, Ordering::SeqCst);
        match self.state.try_lock() {
            Ok(state) => self.wake_everybody(&state),
            Err(TryLockError::Poisoned(poisoned)) => self.wake_everybody(&poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }

    /// The time for deadlines alone, which spares a look at the wall clock.
    #[inline(never)]
    fn clock(&self) -> Micros {
        self.micros(Instant::now())
    }

    fn now_at(&self, micros: Micros) -> Now {
        Now { micros, unix: clock::unix_seconds() }
    }

    /// Does what is due: expiries, further attempts of queries, the peers' refresh. Says whether something was, which may
    /// have taken its time.
    fn tick(self: &Arc<Self>, state: &mut State, now: Micros, most: usize) -> bool {
        let is_due = state.engine.is_due(now) || state.refresh.is_due(now);
        if is_due {
            self.do_what_is_due(state, now, most);
        }
        is_due
    }

    #[inline(never)]
    fn do_what_is_due(self: &Arc<Self>, state: &mut State, now: Micros, most: usize) {
        state.engine.expire(self.now_at(now), most);
        self.refresh(state, now);
    }

    fn micros(&self, at: Instant) -> Micros {
        at.micros_since(self.origin)
    }

    /// The lock, for a call on a client that is open.
    fn enter(&self) -> Result<Locked<'_>> {
        self.not_inherited()?;
        let state = self.lock()?;
        self.still_open(&state)?;
        Ok(state)
    }

    /// The same for a call that waits for upcalls, which cannot be made inside one.
    fn enter_blocking(&self) -> Result<Locked<'_>> {
        let state = self.enter()?;
        if state.delivery.is_of_this_thread() {
            return Err(Error::new(Code::Busy, "this call waits for upcalls, and was made inside one"));
        }
        Ok(state)
    }

    fn lock(&self) -> Result<Locked<'_>> {
        let broken = || Error::new(Code::Internal, "an earlier call met a defect of the library");
        let state = self.state.lock().map_err(|_| broken())?;
        if self.broken.load(Ordering::Relaxed) { Err(broken()) } else { Ok(state) }
    }

    #[inline]
    fn still_open(&self, state: &State) -> Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Internal, "another call met a defect of the library"));
        }
        if state.delivery.is_closed() {
            return Err(Error::new(Code::Closed, "the client has been closed"));
        }
        Ok(())
    }
}

fn read_peers(peers: &[&str], port: u16) -> Result<Vec<Peer>> {
    parse_peers(peers, port, &interface::index)
}
