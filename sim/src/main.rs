//! The program `confd-sim`; see `--help`.

mod cli;

use cli::{HELP, Running, Task};
use confd_sim::{Config, Sim, flood};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Result<Vec<String>, _> = std::env::args_os().skip(1).map(|it| it.into_string()).collect();
    let task = arguments.map_err(|it| format!("not UTF-8: {it:?}")).and_then(cli::parse);
    let done = match task {
        Ok(Task::Help) => write(HELP),
        Ok(Task::Version) => write(&format!("confd-sim {}\n", env!("CARGO_PKG_VERSION"))),
        Ok(Task::Check) => Ok(()),
        Ok(Task::SelfTest(count)) => self_test(count),
        Ok(Task::ConfigData(config, name)) => match config.candidates.iter().find(|it| it.name == name) {
            Some(candidate) => write(&format!("{:#}\n", candidate.cluster.config())),
            None => return complain(&format!("no candidate is called {name:?}")),
        },
        Ok(Task::Serve(config, running)) => serve(config, running),
        Err(text) => return complain(&text),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("confd-sim: {error}");
            ExitCode::from(1)
        }
    }
}

fn complain(text: &str) -> ExitCode {
    eprintln!("confd-sim: {text}");
    ExitCode::from(2)
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn serve(config: Config, running: Running) -> io::Result<()> {
    let mut wanted = SigSet::empty();
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR1].into_iter().for_each(|signal| wanted.add(signal));
    wanted.thread_block()?; // before the threads start, so that they inherit it
    let signals = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let sim = Sim::start(config)?;
    let mut lines = String::new();
    for (name, address) in sim.names().iter().zip(sim.addresses()) {
        lines += &format!("ready {name} {address}\n");
    }
    write(&format!("{lines}serving {} candidates\n", sim.candidates()))?;
    wait(&sim, &signals, running)?;
    if running.stats {
        print_stats(&sim);
    }
    Ok(())
}

/// Until a signal, the end of the time, or the end of standard input.
fn wait(sim: &Sim, signals: &SignalFd, running: Running) -> io::Result<()> {
    let end = running.time.map(|time| Instant::now() + time);
    loop {
        let timeout = match end.map(|end| end.saturating_duration_since(Instant::now())) {
            Some(left) if left.is_zero() => return Ok(()),
            Some(left) => PollTimeout::from(left.as_micros().div_ceil(1000).min(60_000) as u16),
            None => PollTimeout::NONE,
        };
        let stdin = io::stdin();
        let mut ready =
            [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let watched = if running.until_eof { 2 } else { 1 };
        match poll(&mut ready[..watched], timeout) {
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        if running.until_eof && ready[1].any() == Some(true) && stdin.lock().read(&mut [0; 4096])? == 0 {
            return Ok(());
        }
        while let Some(signal) = signals.read_signal()? {
            if signal.ssi_signo != Signal::SIGUSR1 as u32 {
                return Ok(());
            }
            print_stats(sim);
        }
    }
}

fn print_stats(sim: &Sim) {
    let one = |((name, address), counts): ((&str, _), confd_sim::Counts)| json!({ "name": name, "address": format!("{address}"), "counters": counts.to_json() });
    let all: Value = sim.names().into_iter().zip(sim.addresses()).zip(sim.counters()).map(one).collect();
    eprintln!("{}", json!({ "candidates": all }));
}

fn self_test(count: u64) -> io::Result<()> {
    let flood = flood::flood(count)?;
    let per_second = |time: std::time::Duration| flood.replies as f64 / time.as_secs_f64().max(1e-9);
    write(&format!(
        "{} requests, {} replies in {:.3} s: {:.0} replies a second\n\
         serving thread: {:.3} s of processor time, {:.3} s of it in the kernel: {:.0} replies per processor-second\n",
        flood.sent,
        flood.replies,
        flood.wall.as_secs_f64(),
        per_second(flood.wall),
        flood.cpu.total.as_secs_f64(),
        flood.cpu.system.as_secs_f64(),
        per_second(flood.cpu.total),
    ))
}
