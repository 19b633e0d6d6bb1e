//! The loop of a serving thread: read a batch, answer it, send a batch.

use crate::config::Candidate;
use crate::counters::count;
use crate::delayed::{Delayed, Parcel, Via};
use crate::fault::{Dice, Faults};
use crate::key::Key;
use crate::outbox::{BATCH, Outbox};
use crate::reply::{MAX_REPLY, Prepared};
use crate::request::{Dropped, READ_LIMIT, Reader};
use crate::served::Served;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::EventFd;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::socket::{MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, recvmmsg};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Batches read from one socket before the others get their turn.
const ROUNDS: usize = 8;
/// How long `reorder` holds a reply that no other follows.
const HOLD: Duration = Duration::from_millis(50);
/// Distance of two buffers: more than the limit, and no power of two, so that the beginnings of all
/// datagrams of a batch do not fall into one set of the cache.
const STRIDE: usize = READ_LIMIT + 5 * 64;
/// The event of the wake-up descriptor; the others carry the index of their candidate.
const WAKE: u64 = u64::MAX;

/// What the handle asks of a serving thread. Each carries the way to say that it is done.
pub(crate) enum Command {
    Stop,
    Faults(usize, Box<Faults>, Sender<io::Result<()>>),
    Change(usize, Box<dyn FnOnce(&mut Candidate) + Send>, Sender<io::Result<()>>),
    CpuTime(Sender<CpuTime>),
}

pub(crate) struct Worker {
    served: Vec<Served>,
    key: Key,
    dice: Dice,
    delayed: Delayed,
    epoll: Epoll,
    wake: Arc<EventFd>,
    commands: Receiver<Command>,
    inbox: Inbox,
    outbox: Outbox,
    reader: Reader,
}

/// Buffers for a batch of requests.
struct Inbox {
    bytes: Vec<u8>,
    /// Length, whether it was cut, and sender of each datagram of the batch.
    arrived: Vec<(usize, bool, Option<SockaddrStorage>)>,
    /// The kernel writes the length of an address into these, so IPv4 and IPv6 have their own.
    headers4: MultiHeaders<SockaddrStorage>,
    headers6: MultiHeaders<SockaddrStorage>,
}

impl Worker {
    pub fn new(
        served: Vec<Served>,
        key: Key,
        seed: u64,
        wake: Arc<EventFd>,
        commands: Receiver<Command>,
    ) -> io::Result<Worker> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&*wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        for (index, it) in served.iter().enumerate() {
            epoll.add(&it.socket, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        }
        Ok(Worker {
            served,
            key,
            dice: Dice::new(seed),
            delayed: Delayed::default(),
            epoll,
            wake,
            commands,
            inbox: Inbox::new(),
            outbox: Outbox::new(),
            reader: Reader::default(),
        })
    }

    /// Serves until told to stop, or until the handle is gone.
    pub fn run(mut self) {
        let mut events = [EpollEvent::empty(); 64];
        loop {
            let ready = match self.epoll.wait(&mut events, self.timeout()) {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(error) => panic!("epoll_wait: {error}"),
            };
            for event in &events[..ready] {
                match event.data() {
                    WAKE if self.obey() => {}
                    WAKE => return,
                    index => self.serve(index as usize),
                }
            }
            self.release();
        }
    }

    /// Until the next delayed or held reply, to the millisecond above.
    fn timeout(&self) -> EpollTimeout {
        let held = self.served.iter().filter_map(|it| it.held.as_ref().map(|(until, _)| *until));
        let Some(due) = held.chain(self.delayed.next_due()).min() else { return EpollTimeout::NONE };
        let left = due.saturating_duration_since(Instant::now());
        let ms = left.as_micros().div_ceil(1000).min(60_000) as u16;
        EpollTimeout::from(ms)
    }

    /// Does what the handle asked for; whether to go on.
    fn obey(&mut self) -> bool {
        let _ = self.wake.read();
        loop {
            match self.commands.try_recv() {
                Ok(Command::Faults(index, faults, done)) => {
                    self.serve(index); // what came before is dealt with as before
                    let _ = done.send(self.served[index].set_faults(*faults));
                }
                Ok(Command::Change(index, change, done)) => {
                    self.serve(index);
                    let _ = done.send(self.served[index].change(change));
                }
                Ok(Command::CpuTime(done)) => {
                    let _ = done.send(thread_cpu_time());
                }
                Ok(Command::Stop) | Err(std::sync::mpsc::TryRecvError::Disconnected) => return false,
                Err(std::sync::mpsc::TryRecvError::Empty) => return true,
            }
        }
    }

    fn serve(&mut self, index: usize) {
        for _ in 0..ROUNDS {
            let arrived = self.inbox.receive(&self.served[index]);
            if arrived == 0 {
                return;
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            for at in 0..arrived {
                self.answer(index, at, now);
            }
            let Served { socket, counters, .. } = &self.served[index];
            self.outbox.flush(socket, counters);
            if arrived < BATCH {
                return;
            }
        }
    }

    /// Answers one datagram of the batch.
    fn answer(&mut self, index: usize, at: usize, now: u64) {
        let Worker { served, key, dice, inbox, outbox, reader, .. } = self;
        let Served { candidate, counters, answers, plain, unloaded, .. } = &mut served[index];
        let (bytes, cut, from) = inbox.datagram(at);
        count(&counters.requests);
        let Some(from) = from else { return };
        let faults = &candidate.faults;
        if !*plain && dice.hit(faults.loss) {
            return count(&counters.lost_requests);
        }
        if !*plain && dice.hit(faults.silent) {
            return count(&counters.silent);
        }
        let request = match reader.read(bytes, key, now) {
            Ok(request) => request,
            Err(_) if cut => return count(&counters.too_long),
            Err(Dropped::Magic) => return count(&counters.bad_magic),
            Err(Dropped::Envelope) => return count(&counters.bad_envelope),
            Err(Dropped::Signature) => return count(&counters.bad_hmac),
            Err(Dropped::Timestamp) => return count(&counters.bad_timestamp),
            Err(Dropped::Request) => return count(&counters.bad_request),
        };
        let Some(prepared) = answers.prepared(candidate, request.kind, request.query) else {
            return count(&counters.bad_request);
        };
        if *plain {
            let hmac = prepared.sign(key, request.rsalt);
            outbox.push(from, |out| prepared.write(&hmac, request.rsalt, out));
            if !outbox.last_fits(MAX_REPLY) {
                count(&counters.reply_too_long);
            }
            return;
        }
        let prepared = if dice.hit(faults.unloaded) { unloaded } else { prepared };
        let bytes = spoil(prepared, request.rsalt, key, faults, dice);
        if bytes.len() > MAX_REPLY {
            return count(&counters.reply_too_long);
        }
        if dice.hit(faults.reply_loss) {
            return count(&counters.lost_replies);
        }
        let via = if dice.hit(faults.wrong_source) { Via::Wrong } else { Via::Own };
        let parcel = Parcel { candidate: index, via, to: from, bytes };
        if dice.hit(faults.duplicate) {
            self.dispatch(parcel.clone());
        }
        self.dispatch(parcel);
    }

    /// Sends a reply now, later, or after the next.
    fn dispatch(&mut self, parcel: Parcel) {
        let index = parcel.candidate;
        let Faults { reorder, delay, .. } = self.served[index].candidate.faults;
        if self.served[index].held.is_none() && self.dice.hit(reorder) {
            self.served[index].held = Some((Instant::now() + HOLD, parcel));
            return;
        }
        match delay {
            Some(delay) => {
                let due = Instant::now() + self.dice.between(delay);
                if !self.delayed.push(due, parcel) {
                    count(&self.served[index].counters.delay_full);
                }
            }
            None => {
                self.send(parcel);
                if let Some((_, held)) = self.served[index].held.take() {
                    self.send(held);
                }
            }
        }
    }

    /// Sends what has waited long enough.
    fn release(&mut self) {
        let now = Instant::now();
        while let Some(parcel) = self.delayed.pop(now) {
            let index = parcel.candidate;
            self.send(parcel);
            if let Some((_, held)) = self.served[index].held.take() {
                self.send(held);
            }
            self.flush(index);
        }
        for index in 0..self.served.len() {
            if self.served[index].held.as_ref().is_some_and(|(until, _)| *until <= now) {
                if let Some((_, held)) = self.served[index].held.take() {
                    self.send(held);
                    self.flush(index);
                }
            }
        }
    }

    /// Puts a reply into the outbox, or sends it from where it should not come.
    fn send(&mut self, Parcel { candidate, via, to, bytes }: Parcel) {
        let served = &self.served[candidate];
        match (&served.wrong_socket, via) {
            (Some(socket), Via::Wrong) => {
                let mut alone = Outbox::new();
                alone.push(to, |out| out.extend_from_slice(&bytes));
                alone.flush(socket, &served.counters);
            }
            _ => self.outbox.push(to, |out| out.extend_from_slice(&bytes)),
        }
    }

    fn flush(&mut self, index: usize) {
        let Served { socket, counters, .. } = &self.served[index];
        self.outbox.flush(socket, counters);
    }
}

/// The bytes of a reply with what the faults make of it.
fn spoil(prepared: &Prepared, rsalt: &str, key: &Key, faults: &Faults, dice: &mut Dice) -> Vec<u8> {
    let mut rsalt = rsalt.to_string();
    if dice.hit(faults.wrong_salt) {
        let other = if rsalt.ends_with('0') { '1' } else { '0' };
        rsalt.pop();
        rsalt.push(other);
    }
    let mut hmac = prepared.sign(key, &rsalt);
    if dice.hit(faults.upper_hmac) {
        hmac.make_ascii_uppercase();
    }
    if dice.hit(faults.wrong_signature) {
        let digit = &mut hmac[dice.below(40)];
        *digit = if *digit == b'0' { b'1' } else { b'0' };
    }
    let mut bytes = Vec::new();
    prepared.write(&hmac, &rsalt, &mut bytes);
    if dice.hit(faults.truncate) {
        bytes.truncate(dice.below(bytes.len()));
    }
    if dice.hit(faults.garbage) {
        bytes.resize(1 + dice.below(200), 0);
        dice.bytes(&mut bytes);
    }
    bytes
}

impl Inbox {
    fn new() -> Inbox {
        Inbox {
            bytes: vec![0; STRIDE * BATCH],
            arrived: Vec::with_capacity(BATCH),
            headers4: MultiHeaders::preallocate(BATCH, None),
            headers6: MultiHeaders::preallocate(BATCH, None),
        }
    }

    /// Reads a batch; its size, 0 if there is nothing to read.
    fn receive(&mut self, served: &Served) -> usize {
        let headers = if served.is_ipv6 { &mut self.headers6 } else { &mut self.headers4 };
        let mut buffers = self.bytes.chunks_exact_mut(STRIDE);
        let mut slices: [[IoSliceMut; 1]; BATCH] = std::array::from_fn(|_| {
            let buffer = buffers.next().expect("a buffer for each slice");
            [IoSliceMut::new(&mut buffer[..READ_LIMIT])]
        });
        self.arrived.clear();
        let flags = MsgFlags::MSG_DONTWAIT;
        // An error is EAGAIN, EINTR, or news of an earlier reply that came back: nothing to read now.
        if let Ok(batch) = recvmmsg(served.socket.as_raw_fd(), headers, slices.iter_mut(), flags, None) {
            let datagram =
                |it: RecvMsg<SockaddrStorage>| (it.bytes, it.flags.contains(MsgFlags::MSG_TRUNC), it.address);
            self.arrived.extend(batch.map(datagram));
        }
        self.arrived.len()
    }

    fn datagram(&self, at: usize) -> (&[u8], bool, Option<SockaddrStorage>) {
        let (length, cut, from) = self.arrived[at];
        (&self.bytes[at * STRIDE..][..length], cut, from)
    }
}

fn thread_cpu_time() -> CpuTime {
    let usage = getrusage(UsageWho::RUSAGE_THREAD);
    let clock = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    let system = usage.map_or(0, |usage| usage.system_time().num_microseconds());
    CpuTime {
        total: clock.map_or(Duration::ZERO, Duration::from),
        system: Duration::from_micros(system as u64),
    }
}

/// Processor time of a serving thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTime {
    /// All of it.
    pub total: Duration,
    /// The kernel's part, delivery to the receiver over loopback included.
    pub system: Duration,
}
