//! What the fuzz targets do. Each body takes an input of any bytes and fails by a panic, which ends the process, if
//! the library breaks one of its promises.
//!
//! - `datagrams`: many datagrams into a client that does its own input and output, judged by a plain model.
//! - `answers`: JSON pointers and accessors on answers, beside a plain evaluation.
//! - `requests`: options and requests from any arguments; what leaves means what was asked.
//! - `sequences`: calls in any order, callbacks that call back, several clients.
//! - `loopback`: the same with sockets, and a responder inside the harness.

mod answers;
mod api;
pub mod counts;
mod datagrams;
mod json;
mod model;
pub mod numbers;
pub mod pack;
mod places;
mod requests;
mod sequences;
mod source;
mod wire;

use source::Source;

/// The names of the targets.
pub const TARGETS: [&str; 5] = ["datagrams", "answers", "requests", "sequences", "loopback"];

/// To be called once, before the first input.
pub fn begin(target: &str) {
    assert!(TARGETS.contains(&target), "there is no target {target}");
    // The library silences panics at its first call. Here each is to be seen, also one that it would catch.
    api::last_error();
    drop(api::Options::new());
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
        std::process::abort();
    }));
    counts::begin();
}

/// Runs one input.
pub fn run(target: &str, data: &[u8]) {
    let mut source = Source::new(data);
    match target {
        "datagrams" => datagrams::run(&mut source, true),
        "answers" => answers::run(&mut source),
        "requests" => requests::run(&mut source),
        "sequences" => sequences::run(source, false),
        "loopback" => sequences::run(source, true),
        _ => unreachable!("there is no target {target}"),
    }
    counts::end_of_input();
}

/// Of so many endless inputs of datagrams the model judges one: it costs several times what the client does.
const JUDGED_ONE_IN: u64 = 16;

/// Runs one input, and from where it ends goes on with choices that the seed makes, where the target has no end.
pub fn run_endless(target: &str, data: &[u8], seed: u64) {
    let mut source = Source::endless(data, seed);
    match target {
        "datagrams" => datagrams::run(&mut source, seed % JUDGED_ONE_IN == 0),
        "sequences" => sequences::run(source, false),
        "loopback" => sequences::run(source, true),
        _ => return run(target, data),
    }
    counts::end_of_input();
}
