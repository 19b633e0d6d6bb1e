//! The datagrams between engine and socket, and the one descriptor that a program polls.

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use crate::client::deliver::Limit;
use crate::client::{Client, EXPIRIES_PER_CALL, Locked, State};
use crate::engine::{Engine, Id, Micros, earliest};
use crate::error::{Code, Error, Result};
use crate::net::clock::Instant;
use crate::net::poller::Poller;
use crate::net::{IcmpError, Outgoing, ReceiveBuffers, Socket, Stop};

/// How long to wait when the system is short of memory for datagrams, of which no descriptor tells the end.
const NO_BUFFERS_PAUSE: Micros = 2_000;

/// What belongs to the socket and changes.
#[derive(Default)]
pub(super) struct Transport {
    buffers: ReceiveBuffers,
    overflow: u32,
    errors: Vec<IcmpError>,
    poller: Option<Poller>,
    stalled: Option<Stalled>,
    /// Whether the system was short of buffers, until a call finds that nothing waits any more: then a piece of several
    /// datagrams may lose some of them, and the system says that it was sent.
    short: bool,
    /// When the socket was read last.
    seen: Micros,
    /// Why that brought nothing, if it failed.
    failure: Option<io::Error>,
    /// Whether what [`Client::read_waiting`] has read last held no reply.
    astray: bool,
    /// Whether it has failed, so that there is another way to wait: as a sandbox may have it.
    pub(super) cannot_wait: bool,
}

/// Why datagrams wait that could leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stalled {
    /// Until the socket has room.
    Full,
    /// Until this time.
    Until(Micros),
}

impl Client {
    /// The one descriptor to poll: readable whenever [`Client::process`] has something to do. Opened at the first
    /// call, the same for the client's life.
    pub fn fd(self: &Arc<Self>) -> Result<RawFd> {
        let mut state = self.enter()?;
        let Some(socket) = &self.socket else {
            return Err(Error::new(Code::InvalidArgument, "with external_io there is no descriptor to poll"));
        };
        if state.transport.poller.is_none() {
            let poller = Poller::new(socket).map_err(|error| Error::io("no descriptor to poll", &error))?;
            let _ = self.poller_fds.set(poller.fds());
            state.transport.poller = Some(poller);
            self.arm(&mut state);
        }
        state.transport.poller.as_ref().map(Poller::fd).ok_or_else(|| Error::new(Code::Internal, "no poller"))
    }

    /// Does what is to be done now: reads, expires, sends, makes upcalls. Never blocks, and does a bounded amount;
    /// where it leaves work, the descriptor stays readable.
    pub fn process(self: &Arc<Self>) -> Result<()> {
        let Some(socket) = &self.socket else { return self.expire() };
        let mut state = self.enter_blocking()?;
        let at = Instant::now();
        let now = self.micros(at);
        if let Some(poller) = &mut state.transport.poller {
            poller.acknowledge(at);
        }
        let (handled, more) = self.read(socket, &mut state);
        if handled == 0 {
            self.read_errors(socket, &mut state);
        }
        self.tick(&mut state, now, EXPIRIES_PER_CALL);
        self.transmit(&mut state, None);
        let (mut state, _) = self.finish(state, Limit::of_call())?;
        if more {
            self.kick(&mut state);
        }
        self.still_open(&state)
    }

    /// Milliseconds to the next deadline, 0 if something is due, `None` if nothing is outstanding.
    pub fn timeout_ms(&self) -> Result<Option<i32>> {
        let state = self.enter()?;
        if state.has_upcalls_for_nobody() || state.has_lines_for_nobody() {
            return Ok(Some(0));
        }
        let now = self.clock();
        Ok(next_deadline(&state).map(|at| {
            let ms = at.saturating_sub(now).div_ceil(1_000);
            i32::try_from(ms).unwrap_or(i32::MAX)
        }))
    }

    /// Reads the datagrams that are there and have the engine take them in. Gives how many there were, and
    /// whether there may be more.
    pub(super) fn read(&self, socket: &Socket, state: &mut State) -> (usize, bool) {
        self.read_as_of(socket, state, None)
    }

    /// Reads what has come since nobody was there to read it, such as late answers to the query before. When it came
    /// nobody knows, so it is taken to be as old as it can be: a peer must not seem slow because its client slept.
    pub(super) fn catch_up(&self, socket: &Socket, state: &mut State) {
        let slept = state.waiters.is_nobody_reading().then_some(state.transport.seen);
        self.read_as_of(socket, state, slept);
    }

    fn read_as_of(&self, socket: &Socket, state: &mut State, as_of: Option<Micros>) -> (usize, bool) {
        let mut handled = 0;
        let mut more = true;
        state.transport.failure = None;
        while more && handled < self.datagrams_per_call {
            let transport = &mut state.transport;
            let most = self.datagrams_per_call - handled;
            let read = socket.receive(&mut transport.buffers, most, &mut transport.errors);
            // What is no pending ICMP error may be of this moment, and the next call tries again; but a call that waits
            // would do so for ever.
            let count = read.unwrap_or_else(|error| {
                transport.failure = Some(error);
                0
            });
            self.take_in(state, as_of);
            handled += count;
            more = count == most.min(ReceiveBuffers::MOST);
        }
        self.take_icmp_errors(state);
        (handled, more)
    }

    /// Has the engine take in what was read.
    fn take_in(&self, state: &mut State, as_of: Option<Micros>) {
        let State { engine, transport, .. } = state;
        let read_at = self.clock();
        let now = as_of.unwrap_or(read_at);
        for (datagram, from) in transport.buffers.iter() {
            engine.handle_datagram(now, datagram, &from);
        }
        if let Some(overflow) = transport.buffers.overflow() {
            let before = std::mem::replace(&mut transport.overflow, overflow);
            engine.handle_overflow(u64::from(overflow.wrapping_sub(before)));
        }
        transport.seen = read_at;
    }

    /// Waits in the receiving call itself for what comes, a while at the most, and has the engine take it in. Gives how
    /// many datagrams there were, and the time.
    pub(super) fn read_waiting<'a>(
        self: &'a Arc<Self>,
        socket: &Socket,
        mut state: Locked<'a>,
    ) -> Result<(Locked<'a>, usize, Micros)> {
        // Where only one reply can come it is asked for by itself, but not among datagrams that are none.
        let most = match state.engine.in_flight() {
            0 | 1 if !state.transport.astray => 1,
            _ => self.datagrams_per_call,
        };
        let mut buffers = std::mem::take(&mut state.transport.buffers);
        let mut errors = std::mem::take(&mut state.transport.errors);
        drop(state);
        let received = socket.receive_waiting(&mut buffers, most, &mut errors);
        let mut state = self.relock()?;
        state.transport.buffers = buffers;
        state.transport.errors = errors;
        let before = state.engine.replies();
        self.take_in(&mut state, None);
        state.transport.cannot_wait |= received.is_err();
        let count = received.unwrap_or(0);
        state.transport.astray = count > 0 && state.engine.replies() == before;
        self.take_icmp_errors(&mut state);
        let now = state.read_at();
        Ok((state, count, now))
    }

    /// Reads the socket's queue of ICMP errors, where the descriptor tells of one.
    pub(super) fn read_errors(&self, socket: &Socket, state: &mut State) {
        // What cannot be read now is read by the next call that sends or receives.
        let _ = socket.read_errors(&mut state.transport.errors);
        self.take_icmp_errors(state);
    }

    fn take_icmp_errors(&self, state: &mut State) {
        if state.transport.errors.is_empty() {
            return;
        }
        let now = self.clock();
        for error in state.transport.errors.drain(..).filter(|error| error.refused) {
            state.engine.handle_unreachable(now, error.to, &error.payload);
        }
    }

    /// Sends what waits, as far as the socket takes it. If none of the datagrams of `asked` could be sent, gives
    /// the last of the reasons.
    pub(super) fn transmit(&self, state: &mut State, asked: Option<Id>) -> Option<io::Error> {
        let now = if state.engine.sendable() > 0 { self.clock() } else { 0 };
        self.transmit_as_of(state, now, asked)
    }

    /// The same where the time was just looked at.
    pub(super) fn transmit_as_of(
        &self,
        state: &mut State,
        mut now: Micros,
        asked: Option<Id>,
    ) -> Option<io::Error> {
        let socket = self.socket.as_ref()?;
        let mut lost = None;
        let mut stalled = None;
        while stalled.is_none() && state.engine.sendable() > 0 {
            let State { engine, transport, .. } = &mut *state;
            // Of a piece only the first datagram's refusal is told, and a query wants to know of its own.
            let joined = !engine.has_queries() && !transport.short;
            let sent = match engine.sendable() {
                1 => send_batch::<1>(socket, engine, joined, now, &mut transport.errors),
                ..=8 => send_batch::<8>(socket, engine, joined, now, &mut transport.errors),
                _ => {
                    if joined {
                        engine.arrange_transmits();
                    }
                    send_batch::<64>(socket, engine, joined, now, &mut transport.errors)
                }
            };
            match sent {
                None => {}
                Some(Stop::Full) => stalled = Some(Stalled::Full),
                Some(Stop::NoBuffers) => {
                    transport.short = true;
                    stalled = Some(Stalled::Until(now + NO_BUFFERS_PAUSE));
                }
                Some(Stop::Failed(error)) => {
                    let given_up = engine.transmit_failed(now, &error);
                    if given_up.is_some() && given_up == asked {
                        lost = Some(error);
                    }
                }
            }
            // A query asks others in the place of those that refuse, so there may be more to send now.
            self.take_icmp_errors(state);
            if state.engine.sendable() > 0 {
                now = self.clock();
            }
        }
        state.transport.stalled = stalled;
        state.transport.short &= state.engine.queued() > 0;
        lost
    }

    /// Has the descriptor to poll, and the thread that polls, take notice of a new deadline or of a full socket.
    pub(super) fn arm(&self, state: &mut State) {
        if state.waiters.is_nobody_reading() && state.transport.poller.is_none() {
            return;
        }
        let deadline = next_deadline(state).map(|at| self.origin + Duration::from_micros(at));
        let full = state.is_full();
        self.wake_leader_for(state, deadline, full);
        let queued = state.engine.sendable() > 0 && state.transport.stalled.is_none();
        let left = state.has_upcalls_for_nobody() || state.has_lines_for_nobody();
        let (Some(socket), Some(poller)) = (&self.socket, &mut state.transport.poller) else { return };
        // These fail only for want of kernel memory; the descriptor is then late, and the next call tries again.
        let _ = poller.want_writable(socket, full);
        let _ = poller.arm(deadline);
        // Whoever delivers now sends what is queued, or comes by here, when it is done.
        if left || (queued && state.delivery.is_idle() && !poller.is_kicked()) {
            poller.kick();
        }
    }

    /// Makes the descriptor readable, with a new edge for edge-triggered loops.
    pub(super) fn kick(&self, state: &mut State) {
        if let Some(poller) = &mut state.transport.poller {
            poller.kick();
        }
    }
}

impl State {
    /// When the socket was read last.
    pub(super) fn read_at(&self) -> Micros {
        self.transport.seen
    }

    /// Whether there is nothing to pass on or to send, and nobody else who might have to know of a change: then there is
    /// nothing for [`Client::finish`] to do.
    pub(super) fn is_quiet(&self) -> bool {
        !self.engine.has_news() && self.waiters.is_empty() && self.transport.poller.is_none()
    }

    /// Whether upcalls are to be made that nobody is about to make.
    pub(super) fn has_upcalls_for_nobody(&self) -> bool {
        self.engine.has_events() && self.delivery.is_idle()
    }

    /// The same of lines for the log.
    pub(super) fn has_lines_for_nobody(&self) -> bool {
        self.engine.has_log_lines() && !self.delivery.is_logging()
    }

    /// Whether the socket was full when something was to be sent that still is.
    pub(super) fn is_full(&self) -> bool {
        self.transport.stalled == Some(Stalled::Full) && self.engine.sendable() > 0
    }

    /// Why nothing could be read the last time.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.transport.failure.take()
    }
}

/// When something is to be done though no datagram comes.
pub(super) fn next_deadline(state: &State) -> Option<Micros> {
    let retry = match state.transport.stalled {
        Some(Stalled::Until(at)) if state.engine.sendable() > 0 => Some(at),
        _ => None,
    };
    let next = earliest(earliest(state.engine.next_deadline(), retry), state.refresh.deadline());
    next.filter(|&at| at < Micros::MAX)
}

/// One batch of datagrams, at most `N`, those for one peer in one piece if they may be `joined`; says why not all of them
/// were sent.
// Not part of its caller, so that one datagram does not go across the stack of many.
#[inline(never)]
fn send_batch<const N: usize>(
    socket: &Socket,
    engine: &mut Engine,
    joined: bool,
    now: Micros,
    errors: &mut Vec<IcmpError>,
) -> Option<Stop> {
    let nowhere = Outgoing { data: &[], to: ([0; 4], 0).into() };
    let mut batch = [nowhere; N];
    let mut count = 0;
    for (place, (data, to)) in batch.iter_mut().zip(engine.peek_transmits()) {
        *place = Outgoing { data, to };
        count += 1;
    }
    let sent = if joined {
        socket.send_joined(&batch[..count], errors)
    } else {
        socket.send(&batch[..count], errors)
    };
    for _ in 0..sent.count {
        engine.transmitted(now);
    }
    sent.stopped
}
