//! What ThreadSanitizer has to report, a number that two threads count up and nobody guards; and what it must not:
//! the same behind each kind of lock and hand-over that the library uses. It takes the latter for races where it does
//! not see the standard library at work.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;

const ROUNDS: u64 = 1000;

struct Unguarded(UnsafeCell<u64>);

// SAFETY: it is not. This is the defect.
unsafe impl Sync for Unguarded {}

static UNGUARDED: Unguarded = Unguarded(UnsafeCell::new(0));

fn count_up(number: &Unguarded) {
    for _ in 0..ROUNDS {
        // SAFETY: the caller sees to it that nobody else is here, or does not.
        unsafe { *number.0.get() += 1 };
    }
}

/// Two threads, one number, no lock.
#[unsafe(no_mangle)]
pub extern "C" fn planted_race() -> u64 {
    let other = thread::spawn(|| count_up(&UNGUARDED));
    count_up(&UNGUARDED);
    other.join().map_or(0, |()| ROUNDS)
}

/// The same number behind a `Mutex`, handed over by a `Condvar`, by an `AtomicBool` and by a `OnceLock`.
#[unsafe(no_mangle)]
pub extern "C" fn planted_no_race() -> u64 {
    static ONCE: OnceLock<Vec<u64>> = OnceLock::new();
    let guarded =
        Arc::new((Mutex::new(0), Condvar::new(), Unguarded(UnsafeCell::new(0)), AtomicBool::new(false)));
    let theirs = Arc::clone(&guarded);
    let other = thread::spawn(move || {
        let (number, changed, handed_over, done) = &*theirs;
        count_up(handed_over);
        done.store(true, Ordering::Release);
        for _ in 0..ROUNDS {
            *number.lock().expect("nobody panics") += 1;
            changed.notify_one();
            ONCE.get_or_init(|| vec![ROUNDS]);
        }
    });
    let (number, changed, handed_over, done) = &*guarded;
    while !done.load(Ordering::Acquire) {
        thread::yield_now();
    }
    count_up(handed_over);
    let mut seen = number.lock().expect("nobody panics");
    while *seen < ROUNDS {
        seen = changed.wait(seen).expect("nobody panics");
    }
    drop(seen);
    let once = ONCE.get_or_init(|| vec![ROUNDS])[0];
    other.join().map_or(0, |()| once)
}
