//! How much was done: inputs, datagrams and call sequences, for the log.

use std::sync::atomic::{AtomicU64, Ordering};

static INPUTS: AtomicU64 = AtomicU64::new(0);
static UNITS: AtomicU64 = AtomicU64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

/// The file that takes the counts, from the environment.
const FILE: &str = "CONFD_FUZZ_COUNTS";

/// Counts what the target counts: a datagram, an answer's look-up, a request, a sequence.
pub fn unit() {
    UNITS.fetch_add(1, Ordering::Relaxed);
}

/// Counts a call of a sequence.
pub fn call() {
    CALLS.fetch_add(1, Ordering::Relaxed);
}

pub fn seen() -> (u64, u64, u64) {
    (INPUTS.load(Ordering::Relaxed), UNITS.load(Ordering::Relaxed), CALLS.load(Ordering::Relaxed))
}

pub fn begin() {
    // SAFETY: the function touches atomics and a file only.
    unsafe { libc::atexit(at_exit) };
}

/// Written now and then, since a process may end without a word.
pub fn end_of_input() {
    if INPUTS.fetch_add(1, Ordering::Relaxed) % 16_384 == 16_383 {
        write();
    }
}

extern "C" fn at_exit() {
    write();
}

fn write() {
    if let Some(file) = std::env::var_os(FILE) {
        let (inputs, units, calls) = seen();
        // A count that is lost is no finding.
        let _ = std::fs::write(file, format!("{inputs} {units} {calls}\n"));
    }
}
