//! What the engine tells the program, in the order in which it came about.

use std::ffi::CStr;
use std::sync::Arc;

use crate::engine::query::QueryResult;
use crate::engine::table::Id;
use crate::wire::reply::Reply;
use crate::wire::request::Request;

/// Something happened to a request. The state that it reports is settled when the event is queued: after the
/// last event of a request the engine knows the request no more.
#[derive(Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The request that it happened to.
    pub request: Request,
    /// What the program attached to the request.
    pub token: usize,
    /// Peers that the request was sent to.
    pub sent: u32,
    /// Distinct contacted peers that had answered then.
    pub received: u32,
    /// False once two ok replies had one serial and different answers.
    pub consistent: bool,
    pub(super) id: Option<Id>,
}

/// The kinds of events.
#[derive(Debug)]
pub enum EventKind {
    /// A peer answered.
    Reply {
        /// What it said.
        reply: Arc<Reply>,
        /// Its address as text.
        ip: Arc<CStr>,
        /// Its port.
        port: u16,
        /// Whether it is one of those that the request was sent to.
        asked: bool,
    },
    /// A contacted peer answered, and the filter holds the reply back: the program is told nothing, but what
    /// waits for answers counts this one from here on.
    HeldBack,
    /// The request reached its expiry. The last event of the request.
    Expire,
    /// The request was cancelled. The last event of the request.
    Cancel,
    /// A query has ended. Its only event.
    Query(Box<QueryResult>),
}

/// A line for the program's log. No control character is in it, and no byte of an unverified datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// How much a log line matters; the discriminants are the C API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum LogLevel {
    /// Each dropped datagram, each request: for those who look for a fault.
    Debug = 0,
    /// What changed: peers, keys.
    Info = 1,
    /// What works, but not as its user would want.
    Warning = 2,
    /// What does not work.
    Error = 3,
}
