//! Upcalls: one at a time for each client, in the order of their events, with no lock held. The thread that finds
//! events and nobody delivering delivers; what comes about meanwhile it delivers, too, up to its own deadline and
//! bound. Closing and freeing are here because they are about who makes the last upcalls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use crate::client::{Client, Locked, State};
use crate::engine::{Event, EventKind};
use crate::error::{Code, Error, Result};
use crate::net::clock::Instant;

/// How many upcalls one call makes at the most.
const UPCALLS_PER_CALL: usize = 1_024;

/// How many log lines one call passes on at the most before its upcalls, and how many after each of them.
const LINES_PER_CALL: usize = 1_024;
const LINES_PER_UPCALL: usize = 16;

/// Who delivers, and how far the client's end has come.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    by: Option<ThreadMark>,
    logging: Option<ThreadMark>,
    closed: bool,
    freed: bool,
}

impl Delivery {
    pub(super) fn is_of_this_thread(&self) -> bool {
        // Mostly there is no need to know which thread this is.
        self.by.is_some_and(|by| by == thread_mark())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether nobody delivers.
    pub(super) fn is_idle(&self) -> bool {
        self.by.is_none()
    }

    /// Whether somebody passes log lines on.
    pub(super) fn is_logging(&self) -> bool {
        self.logging.is_some()
    }
}

/// How long a call delivers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) upcalls: usize,
    /// No upcall starts later than this.
    pub(super) until: Option<Instant>,
}

impl Limit {
    /// For calls that make no upcalls.
    pub(super) const NONE: Limit = Limit { upcalls: 0, until: None };

    pub(super) fn of_call() -> Self {
        Limit { upcalls: UPCALLS_PER_CALL, until: None }
    }

    pub(super) fn until(until: Option<Instant>) -> Self {
        Limit { upcalls: UPCALLS_PER_CALL, until }
    }

    fn allows(&self, made: usize) -> bool {
        made < self.upcalls && self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// A number that no other thread has as long as this one lives; never 0.
type ThreadMark = usize;

/// That of this thread. `std::thread::current` would leave a block of memory behind in threads that Rust did not make.
// Never looked up ahead of need, as the compiler would: that is a call into the loader, which other memory serves.
#[inline(never)]
fn thread_mark() -> ThreadMark {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// Ends this thread's turn should the program's callback unwind.
struct Turn<'a>(&'a Client);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.mark_broken();
        }
    }
}

impl Client {
    /// What every call ends with: log lines and upcalls are passed on, and the descriptor to poll is made to tell
    /// of what is left. Gives the lock back, and how many upcalls were made.
    ///
    /// Fails in a child that an upcall has forked.
    pub(super) fn finish<'a>(
        self: &'a Arc<Self>,
        mut state: Locked<'a>,
        limit: Limit,
    ) -> Result<(Locked<'a>, usize)> {
        // First, since log lines and upcalls take their time.
        self.wake_for_results(&mut state);
        let state = self.pass_on_log(state, limit, LINES_PER_CALL)?;
        let (mut state, made) = self.deliver(state, limit)?;
        // What upcalls have queued leaves at once, in one batch.
        if made > 0 && state.engine.sendable() > 0 && state.delivery.is_idle() {
            self.transmit(&mut state, None);
        }
        self.arm(&mut state);
        Ok((state, made))
    }

    fn deliver<'a>(self: &'a Arc<Self>, mut state: Locked<'a>, limit: Limit) -> Result<(Locked<'a>, usize)> {
        let mut made = 0;
        if !state.has_upcalls_for_nobody() {
            return Ok((state, made));
        }
        if limit.upcalls == 0 {
            // Whoever waits may not be about to notice.
            self.wake_somebody(&mut state);
            return Ok((state, made));
        }
        state.delivery.by = Some(thread_mark());
        // A closed client has no later call that could make what is left of its upcalls.
        while !state.delivery.freed && (limit.allows(made) || state.delivery.closed) {
            let Some(event) = state.engine.next_event() else { break };
            // However long the program's code takes, somebody reads meanwhile.
            self.leave(&mut state);
            made += usize::from(!matches!(event.kind, EventKind::HeldBack));
            state = self.tell(state, &event)?;
            if state.delivery.freed {
                break;
            }
            if let Some(id) = state.engine.upcall_returned(&event) {
                self.wake_if_answered(&mut state, id);
            }
            state = self.pass_on_log(state, limit, LINES_PER_UPCALL)?;
        }
        state.delivery.by = None;
        if state.delivery.freed {
            self.idle.notify_all();
        } else if state.engine.has_events() {
            self.wake_somebody(&mut state);
        }
        Ok((state, made))
    }

    /// Tells the program of an event, with the lock released.
    fn tell<'a>(self: &'a Arc<Self>, state: Locked<'a>, event: &Event) -> Result<Locked<'a>> {
        match (&event.kind, &self.callback) {
            (EventKind::HeldBack, _) => Ok(state),
            (EventKind::Query(result), _) => self.complete(state, event.token, result),
            (_, Some(callback)) => self.upcall(state, |client| callback(client, event)),
            (_, None) => Ok(state),
        }
    }

    /// Makes an upcall.
    pub(super) fn upcall<'a>(
        self: &'a Arc<Self>,
        state: Locked<'a>,
        call: impl FnOnce(&Arc<Self>),
    ) -> Result<Locked<'a>> {
        self.unlocked(state, |client| {
            // Upcalls are made one at a time: nobody writes between.
            let outer = client.upcall_of.load(Ordering::Relaxed);
            client.upcall_of.store(thread_mark(), Ordering::Relaxed);
            call(client);
            client.upcall_of.store(outer, Ordering::Relaxed);
        })
    }

    /// Whether this thread is inside an upcall of the client. Takes no lock: in a child after `fork` the thread that
    /// holds it may not exist.
    pub(crate) fn is_in_upcall(&self) -> bool {
        self.upcall_of.load(Ordering::Relaxed) == thread_mark()
    }

    /// The same for the log's function.
    pub(crate) fn is_in_log(&self) -> bool {
        self.log_of.load(Ordering::Relaxed) == thread_mark()
    }

    /// Passes log lines on, at the most so many and not past the call's time: those of other threads, and what the
    /// program's function brings about itself, might never end.
    fn pass_on_log<'a>(
        self: &'a Arc<Self>,
        mut state: Locked<'a>,
        limit: Limit,
        most: usize,
    ) -> Result<Locked<'a>> {
        let Some(sink) = &self.log else { return Ok(state) };
        if !state.has_lines_for_nobody() {
            return Ok(state);
        }
        state.delivery.logging = Some(thread_mark());
        for _ in 0..most {
            let Some(line) = state.engine.next_log_line() else { break };
            // As with upcalls, somebody reads meanwhile.
            self.leave(&mut state);
            state = self.unlocked(state, |client| {
                client.log_of.store(thread_mark(), Ordering::Relaxed);
                sink(&line);
                client.log_of.store(0, Ordering::Relaxed);
            })?;
            if state.delivery.freed || limit.until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
        }
        state.delivery.logging = None;
        if state.delivery.freed {
            self.idle.notify_all();
        } else if state.has_lines_for_nobody() {
            self.wake_somebody(&mut state);
        }
        Ok(state)
    }

    /// Runs the program's code with the lock released. Fails in a child that it has forked.
    fn unlocked<'a>(
        self: &'a Arc<Self>,
        state: Locked<'a>,
        run: impl FnOnce(&Arc<Self>),
    ) -> Result<Locked<'a>> {
        drop(state);
        let turn = Turn(self);
        run(self);
        drop(turn);
        self.relock()
    }

    /// The lock, for a call that holds a role which it has to give back whatever has happened meanwhile. Fails where
    /// a fork has happened: in the child nobody may be there to release the lock, and nothing is left to do.
    pub(super) fn relock(&self) -> Result<Locked<'_>> {
        self.not_inherited()?;
        Ok(self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Cancels what is outstanding and ends every running and later call. May come any number of times.
    pub fn close(self: &Arc<Self>) -> Result<()> {
        self.not_inherited()?;
        let mut state = self.lock()?;
        if state.delivery.freed {
            return Err(Error::new(Code::Closed, "the client is being freed"));
        }
        self.shut(&mut state);
        let (state, _) = self.finish(state, Limit::of_call())?;
        if state.delivery.freed {
            Err(Error::new(Code::Closed, "an upcall has freed the client"))
        } else {
            Ok(())
        }
    }

    /// Closes, makes the last upcalls of everything outstanding, and returns when no callback runs but those
    /// that this call is nested in. After it nothing is called.
    ///
    /// In a process that has inherited the client it does nothing at all.
    pub fn free(self: &Arc<Self>) {
        if self.is_inherited() || self.broken.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        let Ok(mut state) = self.lock() else { return };
        if state.delivery.freed {
            return;
        }
        self.shut(&mut state);
        state.delivery.freed = true;
        state.engine.drop_replies();
        let me = Some(thread_mark());
        let runs = |other: Option<ThreadMark>| other.is_some() && other != me;
        while runs(state.delivery.by) || runs(state.delivery.logging) {
            state = self.idle.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        // The turn is kept: nobody else may deliver any more.
        state.delivery.by = me;
        while let Some(event) = state.engine.next_event() {
            match self.tell(state, &event) {
                Ok(locked) => state = locked,
                Err(_) => return,
            }
        }
    }

    fn shut(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.delivery.closed, true) {
            return;
        }
        self.ended.store(true, Ordering::SeqCst);
        let now = self.clock();
        state.engine.cancel_all(now);
        self.wake_everybody(state);
        self.kick(state);
    }
}
