//! The handle of a running simulator: threads, and words with them while they serve.

use crate::bind;
use crate::config::{Candidate, Config};
use crate::counters::{Counters, Counts};
use crate::fault::Faults;
use crate::key::Key;
use crate::serve::{Command, CpuTime, Worker};
use crate::served::Served;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

/// A running simulator. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    seats: Vec<Seat>,
    threads: Vec<Thread>,
}

/// Where a candidate sits.
#[derive(Debug)]
struct Seat {
    name: String,
    address: SocketAddr,
    counters: Arc<Counters>,
    thread: usize,
    /// Index within the thread.
    index: usize,
}

#[derive(Debug)]
struct Thread {
    commands: Sender<Command>,
    wake: Arc<EventFd>,
    join: Option<JoinHandle<()>>,
}

impl Sim {
    /// Binds every socket, then serves in threads of its own. On return the candidates listen.
    pub fn start(config: Config) -> io::Result<Sim> {
        let sockets = bind::bind(&config.candidates, config.port)?;
        let threads = config.threads.clamp(1, config.candidates.len().max(1));
        let mut shares: Vec<Vec<Served>> = (0..threads).map(|_| Vec::new()).collect();
        let mut seats = Vec::new();
        for (at, (candidate, socket)) in config.candidates.into_iter().zip(sockets).enumerate() {
            let (name, address) = (candidate.name.clone(), socket.local_addr()?);
            let served = Served::new(candidate, socket)?;
            let (thread, counters) = (at % threads, served.counters.clone());
            seats.push(Seat { name, address, counters, thread, index: shares[thread].len() });
            shares[thread].push(served);
        }
        let key = Key::new(&config.key);
        let mut sim = Sim { seats, threads: Vec::new() };
        for (at, share) in shares.into_iter().enumerate() {
            let wake = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
            let (commands, inbox) = mpsc::channel();
            let seed = config.seed.wrapping_add(at as u64);
            let (key, woken) = (key.clone(), wake.clone());
            let (ready, started) = mpsc::channel();
            // The worker's buffers hold pointers, so it is made where it stays.
            let run = move || match Worker::new(share, key, seed, woken, inbox) {
                Ok(worker) => {
                    let _ = ready.send(Ok(()));
                    worker.run();
                }
                Err(error) => drop(ready.send(Err(error))),
            };
            let join = std::thread::Builder::new().name(format!("confd-sim-{at}")).spawn(run)?;
            started.recv().map_err(io::Error::other)??;
            sim.threads.push(Thread { commands, wake, join: Some(join) });
        }
        Ok(sim)
    }

    /// How many candidates there are.
    pub fn candidates(&self) -> usize {
        self.seats.len()
    }

    /// Where each candidate listens, in the order of the configuration.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.seats.iter().map(|seat| seat.address).collect()
    }

    /// The name of each candidate, in the order of the configuration.
    pub fn names(&self) -> Vec<&str> {
        self.seats.iter().map(|seat| seat.name.as_str()).collect()
    }

    /// The counts of each candidate, in the order of the configuration.
    pub fn counters(&self) -> Vec<Counts> {
        self.seats.iter().map(|seat| seat.counters.read()).collect()
    }

    /// Gives a candidate other faults. On return they are in force. Requests that had arrived before
    /// (512 at most) still meet the old ones, and replies that wait already leave as they are.
    pub fn set_faults(&self, candidate: usize, faults: Faults) -> io::Result<()> {
        let seat = &self.seats[candidate];
        self.ask(seat.thread, |done| Command::Faults(seat.index, Box::new(faults), done))?
    }

    /// Changes a candidate's cluster, answers or faults, under the same terms.
    pub fn change(
        &self,
        candidate: usize,
        change: impl FnOnce(&mut Candidate) + Send + 'static,
    ) -> io::Result<()> {
        let seat = &self.seats[candidate];
        self.ask(seat.thread, |done| Command::Change(seat.index, Box::new(change), done))?
    }

    /// Processor time that each serving thread has used.
    pub fn cpu_times(&self) -> io::Result<Vec<CpuTime>> {
        (0..self.threads.len()).map(|thread| self.ask(thread, Command::CpuTime)).collect()
    }

    /// Stops, and waits until the sockets are closed.
    pub fn stop(self) {}

    fn ask<T>(&self, thread: usize, command: impl FnOnce(Sender<T>) -> Command) -> io::Result<T> {
        let gone = || io::Error::other("the serving thread is gone");
        let (done, answer) = mpsc::channel();
        let thread = &self.threads[thread];
        thread.commands.send(command(done)).map_err(|_| gone())?;
        thread.wake.write(1)?;
        answer.recv().map_err(|_| gone())
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        for thread in &self.threads {
            let _ = thread.commands.send(Command::Stop);
            let _ = thread.wake.write(1);
        }
        for thread in &mut self.threads {
            if thread.join.take().is_some_and(|join| join.join().is_err()) && !std::thread::panicking() {
                panic!("a serving thread panicked");
            }
        }
    }
}
