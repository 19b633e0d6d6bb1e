//! `receive` and `wait`: threads that block on one client. One of them, the leader, waits on the socket; the
//! others sleep until they are woken. Whoever leaves while nobody leads wakes the next.
//!
//! A leader waits for the socket and for being woken, and then reads. The only thread of a process has nobody to be
//! woken by, and waits in the call that reads: a question then takes the two system calls that it cannot do without.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar};
use std::time::Duration;

use crate::client::deliver::Limit;
use crate::client::socket::next_deadline;
use crate::client::{Client, EXPIRIES_PER_CALL, Locked, State};
use crate::engine::{Id, Micros, earliest};
use crate::error::{Code, Error, Result};
use crate::net::clock::Instant;
use crate::net::waker;
use crate::net::{PATIENCE, Socket};

/// A deadline that no wait in the receiving call itself can miss is farther away than this.
const FAR: Micros = PATIENCE.as_micros() as Micros + 200_000;

/// What `wait` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// Whether fewer peers than needed had answered in time, or the request is unknown.
    pub timed_out: bool,
    /// Peers that the request was sent to.
    pub sent: u32,
    /// Distinct ones of them that have answered.
    pub received: u32,
}

impl Waited {
    const UNKNOWN: Waited = Waited { timed_out: true, sent: 0, received: 0 };
}

/// The threads that block.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    asleep: Vec<Sleeper>,
    leader: Option<Leader>,
    next: u64,
}

impl Waiters {
    /// Whether no thread blocks.
    pub(super) fn is_empty(&self) -> bool {
        self.leader.is_none() && self.asleep.is_empty()
    }

    /// Whether no thread waits on the socket, so that what comes lies there.
    pub(super) fn is_nobody_reading(&self) -> bool {
        self.leader.is_none()
    }
}

/// A thread that sleeps while another one leads.
#[derive(Debug)]
struct Sleeper {
    number: u64,
    wants: Wants,
    bell: Arc<Condvar>,
}

/// What a blocked thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    Anything,
    Answers(Id),
    /// The result of the query with this token.
    Result(usize),
}

#[derive(Debug)]
struct Leader {
    wants: Wants,
    until: Option<Instant>,
    writable: bool,
}

impl Client {
    /// Blocks until a datagram has been handled, an upcall was made, somebody calls [`Client::wake`], or the time
    /// is over (`None`: never). Gives how many datagrams were handled.
    pub fn receive(self: &Arc<Self>, timeout: Option<Duration>) -> Result<usize> {
        let deadline = Deadline::after(timeout);
        let mut state = self.enter_blocking()?;
        let socket = self.blocking_socket()?;
        if self.woken.swap(false, Ordering::SeqCst) {
            return Ok(0);
        }
        let (mut handled, _) = self.read(socket, &mut state);
        let mut now = state.read_at();
        loop {
            let (made, as_of);
            (state, made, as_of) = self.turn(state, now, deadline)?;
            self.still_open(&state)?;
            if handled > 0 || made > 0 || self.woken.swap(false, Ordering::SeqCst) {
                self.leave(&mut state);
                return Ok(handled);
            }
            if deadline.is_over() {
                self.leave(&mut state);
                return Ok(0);
            }
            (state, handled, now) = self.block(state, as_of, socket, Wants::Anything, deadline)?;
        }
    }

    /// Blocks until enough peers have answered the request with this salt and the upcalls of those replies have
    /// returned, or the time is over, by which the request's expiry is put off (`None`: blocks until it is
    /// answered or expires, and puts nothing off).
    pub fn wait(self: &Arc<Self>, salt: &str, timeout: Option<Duration>) -> Result<Waited> {
        let deadline = Deadline::after(timeout);
        let mut state = self.enter_blocking()?;
        let socket = self.blocking_socket()?;
        let Some(id) = state.engine.find(salt) else { return Ok(Waited::UNKNOWN) };
        state.engine.extend(id, timeout.map_or(0, |by| by.as_micros() as u64));
        if state.engine.progress(id).is_some_and(|so_far| !so_far.is_enough()) {
            self.read(socket, &mut state);
        }
        let mut now = self.clock();
        loop {
            let as_of;
            (state, _, as_of) = self.turn(state, now, deadline)?;
            self.still_open(&state)?;
            let waited = match state.engine.progress(id) {
                None => Some(Waited::UNKNOWN),
                Some(so_far) if so_far.is_enough() || deadline.is_over() => Some(Waited {
                    timed_out: !so_far.is_enough(),
                    sent: so_far.sent,
                    received: so_far.received,
                }),
                Some(_) => None,
            };
            if let Some(waited) = waited {
                self.leave(&mut state);
                return Ok(waited);
            }
            (state, _, now) = self.block(state, as_of, socket, Wants::Answers(id), deadline)?;
        }
    }

    /// Makes the `receive` that blocks, or else the next one, return at once. Async-signal-safe. Does nothing, and
    /// gives false, once the client is closed and in a child after `fork`.
    pub fn wake(&self) -> bool {
        if self.is_inherited() || self.ended.load(Ordering::SeqCst) {
            return false;
        }
        self.woken.store(true, Ordering::SeqCst);
        self.wake_leader();
        true
    }

    pub(super) fn blocking_socket(&self) -> Result<&Socket> {
        self.socket.as_ref().ok_or_else(|| {
            Error::new(Code::InvalidArgument, "with external_io there is no socket to wait for")
        })
    }

    /// What a blocking call does whenever it comes to itself. Gives how many upcalls were made, and the time, if it is
    /// known to be still the same.
    pub(super) fn turn<'a>(
        self: &'a Arc<Self>,
        mut state: Locked<'a>,
        now: Micros,
        deadline: Deadline,
    ) -> Result<(Locked<'a>, usize, Option<Micros>)> {
        let was_due = self.tick(&mut state, now, EXPIRIES_PER_CALL);
        if state.engine.sendable() > 0 {
            self.transmit(&mut state, None);
        }
        if state.is_quiet() {
            return Ok((state, 0, (!was_due).then_some(now)));
        }
        // Upcalls and log lines run the program's code.
        let (state, made) = self.finish(state, Limit::until(deadline.limit()))?;
        Ok((state, made, None))
    }

    /// Waits until something may have changed, and reads what has come. `now` is the time, if it is known. Gives how many
    /// datagrams were handled, and the time.
    pub(super) fn block<'a>(
        self: &'a Arc<Self>,
        mut state: Locked<'a>,
        now: Option<Micros>,
        socket: &Socket,
        wants: Wants,
        deadline: Deadline,
    ) -> Result<(Locked<'a>, usize, Micros)> {
        if state.has_upcalls_for_nobody() || state.has_lines_for_nobody() {
            // What is left of upcalls may be somebody else's to make, and then it is the time that has to end this call.
            return Ok((state, 0, self.clock()));
        }
        if state.waiters.leader.is_some() {
            return Ok((self.sleep(state, wants, deadline), 0, self.clock()));
        }
        let due = next_deadline(&state);
        let writable = state.is_full();
        let far = now.unwrap_or_else(|| self.clock()).saturating_add(FAR);
        let is_far = due.is_none_or(|at| at > far) && deadline.at.is_none_or(|at| self.micros(at) > far);
        let may_wait = is_far && !writable && wants != Wants::Anything && !state.transport.cannot_wait;
        if may_wait && waker::is_only_thread() {
            // Nobody is there to wake it but a signal handler, and that wakes only a `receive`.
            return self.read_waiting(socket, state);
        }
        let until = earliest(due.map(|at| self.origin + Duration::from_micros(at)), deadline.at);
        state.waiters.leader = Some(Leader { wants, until, writable });
        // From here on a wake finds a leader, and rings the bell that the leader waits by.
        let Some(waker) = &self.waker else { return Ok((state, 0, self.clock())) };
        if wants == Wants::Anything && self.woken.load(Ordering::SeqCst) {
            state.waiters.leader = None;
            return Ok((state, 0, self.clock()));
        }
        drop(state);
        let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
        let ready = waker::wait(socket, writable, waker, rest);
        let mut state = self.relock()?;
        state.waiters.leader = None;
        let ready = match ready {
            Ok(ready) => ready,
            Err(error) => return self.fail_to_wait(state, &error),
        };
        if ready.woken {
            waker.clear();
            // The call for a `receive` may have reached a thread that waits for something else.
            if wants != Wants::Anything && self.woken.load(Ordering::SeqCst) {
                self.ring(&state, |sleeper| sleeper.wants == Wants::Anything);
            }
        }
        if ready.error && !ready.readable {
            self.read_errors(socket, &mut state);
        }
        if !ready.readable && !ready.error {
            return Ok((state, 0, self.clock()));
        }
        // For an error, too: the queue may have been read before the socket was marked, and then only a call that
        // receives takes the mark away.
        let (handled, _) = self.read(socket, &mut state);
        if let Some(error) = state.take_failure().filter(|_| handled == 0) {
            return self.fail_to_wait(state, &error);
        }
        let now = state.read_at();
        Ok((state, handled, now))
    }

    /// Nothing can be waited for; who tried again at once would do so for ever. The next thread finds out by itself.
    #[cold]
    fn fail_to_wait<'a, T>(&self, mut state: Locked<'a>, error: &io::Error) -> Result<T> {
        self.leave(&mut state);
        Err(Error::io("the socket cannot be waited for", error))
    }

    fn sleep<'a>(self: &'a Arc<Self>, mut state: Locked<'a>, wants: Wants, deadline: Deadline) -> Locked<'a> {
        let bell = Arc::new(Condvar::new());
        let number = state.waiters.next;
        state.waiters.next += 1;
        state.waiters.asleep.push(Sleeper { number, wants, bell: bell.clone() });
        let mut state = match deadline.at {
            None => bell.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
            Some(until) => {
                let rest = until.saturating_duration_since(Instant::now());
                bell.wait_timeout(state, rest).unwrap_or_else(|poisoned| poisoned.into_inner()).0
            }
        };
        state.waiters.asleep.retain(|sleeper| sleeper.number != number);
        state
    }

    /// A thread that may have led returns, or makes upcalls: if nobody leads, the next sleeper is to.
    pub(super) fn leave(&self, state: &mut State) {
        if state.waiters.leader.is_none() && !state.waiters.asleep.is_empty() {
            self.ring(state, |_| true);
        }
    }

    /// Wakes the threads that wait for the answers to this request, if there are enough.
    pub(super) fn wake_if_answered(&self, state: &mut State, id: Id) {
        let nobody = state.waiters.leader.is_none() && state.waiters.asleep.is_empty();
        if nobody || state.engine.progress(id).is_some_and(|so_far| !so_far.is_enough()) {
            return;
        }
        if state.waiters.leader.as_ref().is_some_and(|leader| leader.wants == Wants::Answers(id)) {
            self.wake_leader();
        }
        for sleeper in &state.waiters.asleep {
            if sleeper.wants == Wants::Answers(id) {
                sleeper.bell.notify_one();
            }
        }
    }

    /// Wakes the threads whose queries have ended.
    pub(super) fn wake_for_results(&self, state: &mut State) {
        if !state.engine.has_results() {
            return;
        }
        let has = |wants: Wants| matches!(wants, Wants::Result(token) if state.engine.has_result(token));
        if state.waiters.leader.as_ref().is_some_and(|leader| has(leader.wants)) {
            self.wake_leader();
        }
        for sleeper in state.waiters.asleep.iter().filter(|sleeper| has(sleeper.wants)) {
            sleeper.bell.notify_one();
        }
    }

    /// Wakes one blocked thread: there are upcalls to make.
    pub(super) fn wake_somebody(&self, state: &mut State) {
        if state.waiters.leader.is_some() {
            self.wake_leader();
        } else {
            self.ring(state, |_| true);
        }
    }

    pub(super) fn wake_everybody(&self, state: &State) {
        for sleeper in &state.waiters.asleep {
            sleeper.bell.notify_one();
        }
        if state.waiters.leader.is_some() {
            self.wake_leader();
        }
    }

    /// Wakes the leader if it would sleep past this deadline, or not see the socket have room.
    pub(super) fn wake_leader_for(&self, state: &mut State, deadline: Option<Instant>, full: bool) {
        let Some(leader) = &mut state.waiters.leader else { return };
        let late = deadline.is_some_and(|at| leader.until.is_none_or(|until| at < until));
        if late || (full && !leader.writable) {
            // Once is enough: it looks at everything when it wakes.
            leader.until = Some(deadline.unwrap_or(self.origin));
            leader.writable = true;
            self.wake_leader();
        }
    }

    fn wake_leader(&self) {
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }

    fn ring(&self, state: &State, whom: impl Fn(&Sleeper) -> bool) {
        if let Some(sleeper) = state.waiters.asleep.iter().find(|sleeper| whom(sleeper)) {
            sleeper.bell.notify_one();
        }
    }
}

/// When a blocking call is to return; `None`: never by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Option<Instant>,
    blocks: bool,
}

impl Deadline {
    pub(super) fn after(timeout: Option<Duration>) -> Self {
        Deadline::from(Instant::now(), timeout)
    }

    pub(super) fn from(start: Instant, timeout: Option<Duration>) -> Self {
        Deadline {
            at: timeout.and_then(|timeout| start.checked_add(timeout)),
            blocks: timeout.is_none_or(|timeout| !timeout.is_zero()),
        }
    }

    fn is_over(self) -> bool {
        self.at.is_some_and(|until| Instant::now() >= until)
    }

    /// No upcall but the first starts after this. A call that does not block has no time of its own, and delivers
    /// what it has found.
    fn limit(self) -> Option<Instant> {
        self.at.filter(|_| self.blocks)
    }
}
