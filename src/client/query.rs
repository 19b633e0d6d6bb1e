//! Queries on a client: asked and waited for, or asked and told of.

use std::sync::Arc;
use std::time::Duration;

use crate::client::blocking::{Deadline, Wants};
use crate::client::deliver::Limit;
use crate::client::{Client, EXPIRIES_PER_CALL, Locked, State, fresh_salt};
use crate::engine::{Ask, Micros, Outcome, QueryResult};
use crate::error::{Code, Error, Result};
use crate::net::Socket;
use crate::net::clock::Instant;
use crate::wire::request::Request;

/// Told of the result of a query, once.
pub type QueryCallback = Box<dyn FnOnce(&Arc<Client>, &QueryResult) + Send>;

impl Client {
    /// Asks a question and blocks until it is answered, or its time is over (`None`: never). Meanwhile it handles
    /// the datagrams of other requests, too, and makes their upcalls.
    pub fn query(
        self: &Arc<Self>,
        request: &mut Request,
        coverage: i32,
        timeout: Option<Duration>,
    ) -> Result<QueryResult> {
        let mut state = self.enter_blocking()?;
        // Not before: the engine has seen the time at which the lock was left.
        let start = Instant::now();
        let deadline = Deadline::from(start, timeout);
        let socket = self.blocking_socket()?;
        let mut now = self.micros(start);
        // What peers have answered meanwhile tells whom to ask.
        if state.engine.expects_replies() {
            self.catch_up(socket, &mut state);
            now = self.clock();
        }
        let token = state.new_token();
        if let Err(error) = self.ask(&mut state, now, request, coverage, timeout, token, true) {
            // What was read with the others' answers is somebody's, and so is the room that they have left.
            drop(state);
            let _ = self.flush();
            return Err(error);
        }
        let result = self.await_result(state, now, socket, token, deadline);
        if result.is_err() {
            self.give_up(request, token);
        }
        result
    }

    fn await_result<'a>(
        self: &'a Arc<Self>,
        mut state: Locked<'a>,
        mut now: Micros,
        socket: &Socket,
        token: usize,
        deadline: Deadline,
    ) -> Result<QueryResult> {
        let wants = Wants::Result(token);
        // As a rule nothing has come of it yet, and there is nothing to do but to wait.
        if state.is_quiet() && !state.engine.has_results() {
            (state, _, now) = self.block(state, Some(now), socket, wants, deadline)?;
        }
        loop {
            let as_of;
            (state, _, as_of) = self.turn(state, now, deadline)?;
            if let Some(result) = state.engine.take_result(token) {
                self.leave(&mut state);
                if result.outcome == Outcome::Cancelled {
                    self.still_open(&state)?;
                }
                return Ok(result);
            }
            self.still_open(&state)?;
            (state, _, now) = self.block(state, as_of, socket, wants, deadline)?;
        }
    }

    /// Ends a query whose result nobody waits for any more.
    #[cold]
    fn give_up(self: &Arc<Self>, request: &Request, token: usize) {
        // In a client that is closed it has ended already, and in a child after a fork nothing is to be done.
        let _ = self.cancel(request.salt().as_str());
        if let Ok(mut state) = self.relock() {
            state.engine.take_result(token);
        }
    }

    /// Asks a question; `callback` is told of the result, exactly once, and never inside this call.
    pub fn query_async(
        self: &Arc<Self>,
        request: &mut Request,
        coverage: i32,
        timeout: Option<Duration>,
        callback: QueryCallback,
    ) -> Result<()> {
        let mut state = self.enter()?;
        self.tick(&mut state, self.clock(), EXPIRIES_PER_CALL);
        // What is there is delivered before the question is asked, since its own result must not come in here.
        (state, _) = self.finish(state, Limit::of_call())?;
        self.still_open(&state)?;
        let token = state.new_token();
        state.completions.insert(token, callback);
        let now = self.clock();
        let asked = self.ask(&mut state, now, request, coverage, timeout, token, false);
        if asked.is_err() {
            state.completions.remove(&token);
        }
        drop(self.finish(state, Limit::NONE)?);
        asked
    }

    #[expect(clippy::too_many_arguments, reason = "these are what a query is made of")]
    fn ask(
        self: &Arc<Self>,
        state: &mut State,
        now: Micros,
        request: &mut Request,
        coverage: i32,
        timeout: Option<Duration>,
        token: usize,
        quiet: bool,
    ) -> Result<()> {
        let timeout = timeout.map(|timeout| timeout.as_micros() as u64);
        let ask = Ask { coverage, timeout, token, quiet };
        let Some(id) = state.engine.query(self.now_at(now), request, ask, &mut fresh_salt)? else {
            self.transmit(state, None);
            return Ok(());
        };
        if let Some(error) = self.transmit_as_of(state, now, Some(id)) {
            state.engine.revoke(id);
            return Err(Error::io("none of the peers could be sent to", &error));
        }
        Ok(())
    }

    /// Tells of the result of a query, with no lock held.
    pub(super) fn complete<'a>(
        self: &'a Arc<Self>,
        mut state: Locked<'a>,
        token: usize,
        result: &QueryResult,
    ) -> Result<Locked<'a>> {
        match state.completions.remove(&token) {
            Some(callback) => self.upcall(state, |client| callback(client, result)),
            None => Ok(state),
        }
    }
}

impl State {
    fn new_token(&mut self) -> usize {
        self.next_token = self.next_token.wrapping_add(1);
        self.next_token
    }

    /// Asks a question of the client's own, whose result it takes itself.
    pub(super) fn ask_for_itself(&mut self, client: &Client, request: &mut Request) -> Result<usize> {
        let token = self.new_token();
        let ask = Ask { coverage: 0, timeout: Some(5_000_000), token, quiet: true };
        let now = client.clock();
        self.engine.query(client.now_at(now), request, ask, &mut fresh_salt)?;
        Ok(token)
    }
}

/// That a client without a callback cannot be told of replies.
pub(super) fn no_callback() -> Error {
    Error::new(Code::InvalidArgument, "the client was made without a callback")
}
