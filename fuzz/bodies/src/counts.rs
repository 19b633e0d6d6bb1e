//! How much was done: inputs, datagrams and call sequences, for the log.

use std::cell::Cell;

thread_local! {
    /// All of it happens on one thread.
    static COUNTS: [Cell<u64>; 3] = const { [const { Cell::new(0) }; 3] };
}

fn add(which: usize) -> u64 {
    COUNTS.with(|counts| counts[which].replace(counts[which].get() + 1))
}

/// The file that takes the counts, from the environment.
const FILE: &str = "CONFD_FUZZ_COUNTS";

/// Counts what the target counts: a datagram, an answer's look-up, a request, a sequence.
pub fn unit() {
    add(1);
}

/// Counts a call of a sequence.
pub fn call() {
    add(2);
}

pub fn seen() -> (u64, u64, u64) {
    let [inputs, units, calls] = COUNTS.with(|counts| [0, 1, 2].map(|which| counts[which].get()));
    (inputs, units, calls)
}

pub fn begin() {
    // SAFETY: the function touches counters that nobody drops, and a file.
    unsafe { libc::atexit(at_exit) };
}

/// Written now and then, since a process may end without a word.
pub fn end_of_input() {
    if add(0) % 1_024 == 1_023 {
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
