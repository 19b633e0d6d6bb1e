//! Simulated clusters: the engine against servers and a network that go wrong in every way, in virtual time, from
//! a seed. After each step it must agree with a model of the client that is as plain as the rules themselves.
//!
//! [`world`] takes the steps, with [`asking`] and [`arriving`] · [`cluster`] are the servers · [`network`] loses,
//! delays and damages · [`model`] says what the client must do, [`judge`] which datagram counts · [`checks`]
//! compares · [`large`] is of very many requests at once.
//!
//! A seed that fails is named, and `CONFD_SEED=<seed>` runs it alone; `CONFD_SEEDS=<count>` says how many to run.

mod arriving;
mod asking;
mod checks;
mod cluster;
mod judge;
mod large;
mod model;
mod network;
mod scenario;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::Stats;
use world::World;

const SEEDS: u64 = 2_000;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text}, which is not a number")))
}

/// Runs one seed, and gives what the client counted in it.
fn run(seed: u64) -> Stats {
    catch_unwind(AssertUnwindSafe(|| World::new(seed).run())).unwrap_or_else(|why| {
        let text = why.downcast_ref::<String>().map(String::as_str);
        let text = text.or(why.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
        panic!("seed {seed} fails: {text}\nCONFD_SEED={seed} runs it alone")
    })
}

#[test]
fn nothing_gets_in_and_nothing_gets_lost() {
    if let Some(seed) = variable("CONFD_SEED") {
        run(seed);
        return;
    }
    let seeds = variable("CONFD_SEEDS").unwrap_or(SEEDS);
    let mut sums = [0; 15];
    for seed in 0..seeds {
        let stats = run(seed);
        for (sum, count) in sums.iter_mut().zip(counts(&stats)) {
            *sum += count;
        }
    }
    println!("{seeds} seeds: {} requests, {} datagrams sent and {} received", sums[0], sums[1], sums[3]);
    if seeds >= 500 {
        assert!(sums.iter().all(|&sum| sum > seeds / 10), "too little of something happens: {sums:?}");
    }
}

#[test]
fn a_seed_runs_the_same_way_again() {
    assert!((0..20).all(|seed| run(seed) == run(seed)));
}

fn counts(stats: &Stats) -> [u64; 15] {
    [
        stats.requests,
        stats.datagrams_out,
        stats.send_errors,
        stats.datagrams_in,
        stats.replies,
        stats.dropped_magic,
        stats.dropped_malformed,
        stats.dropped_signature,
        stats.dropped_salt,
        stats.dropped_source,
        stats.dropped_duplicate,
        stats.dropped_overflow,
        stats.expired,
        stats.cancelled,
        stats.refused,
    ]
}
