//! Blocking queries and other threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Instant;

use confd_sim::Faults;
use confdclient::client::{Client, fresh_salt};
use confdclient::engine::{EventKind, Outcome};
use confdclient::error::Code;
use confdclient::wire::query::{Query, RequestType};
use confdclient::wire::request::Request;

use crate::support::*;

#[test]
fn eight_threads_with_200_queries_each_on_one_client() {
    let sim = well(6);
    let client = client(&peers_of(&sim));
    let names = ["node1.example.com", "no such node"];
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let client = &client;
            scope.spawn(move || {
                for query in 0..200 {
                    // Each thread gets the answer to its own question.
                    let name = format!("{} {thread} {query}", names[1]);
                    let mut request = Request::new(
                        RequestType::NodeRoleByName,
                        Query::text(if query % 2 == 0 { names[0] } else { &name }),
                        fresh_salt().unwrap(),
                    );
                    let result = client.query(&mut request, 0, Some(ms(10_000))).unwrap();
                    assert_eq!(result.outcome, Outcome::Answered);
                    assert_eq!(result.errors, if query % 2 == 0 { 0 } else { result.received });
                }
            });
        }
    });
    println!(
        "8 threads, 1,600 queries on one client: {:.0} a second",
        1_600.0 / began.elapsed().as_secs_f64()
    );
    assert_eq!(client.outstanding().unwrap(), (0, 0));
    assert_eq!(client.stats().unwrap().requests, 1_600);
}

#[test]
fn close_from_another_thread_ends_a_blocking_query_as_closed() {
    let silent = Silent::new();
    for _ in 0..50 {
        let client = client(&[silent.peer()]);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| client.query(&mut master(), 0, None).unwrap_err().code()))
                .collect();
            until("three questions", std::thread::yield_now, || client.outstanding().unwrap().0 == 3);
            client.close().unwrap();
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Code::Closed);
            }
        });
    }
}

#[test]
fn cancel_from_another_thread_ends_a_blocking_query_as_cancelled() {
    let silent = Silent::new();
    let client = client(&[silent.peer()]);
    let mut request = master();
    let salt = request.salt().as_str().to_owned();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| client.query(&mut request, 0, None).unwrap());
        until("a cancel", std::thread::yield_now, || client.cancel(&salt).is_ok());
        assert_eq!(thread.join().unwrap().outcome, Outcome::Cancelled);
    });
}

/// A client one of whose threads sits in an upcall until it is let go.
fn in_a_slow_upcall(peers: &[String], run: impl FnOnce(&Arc<Client>)) {
    let (entered, is_in) = mpsc::channel();
    let leave = Arc::new(AtomicBool::new(false));
    let inner = leave.clone();
    let client = client_with(
        peers,
        Some(Box::new(move |_, event| {
            if matches!(event.kind, EventKind::Cancel) {
                entered.send(()).unwrap();
                while !inner.load(SeqCst) {
                    std::thread::yield_now();
                }
            }
        })),
        |options| options.set_retry_ms(100).unwrap(),
    );
    let other = master();
    client.send(&other, 0, false, 0).unwrap();
    std::thread::scope(|scope| {
        let salt = other.salt().as_str().to_owned();
        let canceller = client.clone();
        scope.spawn(move || canceller.cancel(&salt).unwrap());
        is_in.recv().unwrap();
        run(&client);
        leave.store(true, SeqCst);
    });
}

#[test]
fn a_query_keeps_its_deadline_while_another_thread_sits_in_an_upcall() {
    let silent = Silent::new();
    let mut late = Vec::new();
    in_a_slow_upcall(&[silent.peer()], |client| {
        for timeout in [0, 1, 20, 50, 100] {
            let began = Instant::now();
            let result = client.query(&mut master(), 0, Some(ms(timeout))).unwrap();
            assert_eq!(result.outcome, Outcome::NoReply);
            late.push(began.elapsed().saturating_sub(ms(timeout)));
        }
    });
    println!("deadline beside a slow upcall: late by {}", spread(&mut late));
    assert!(*late.last().unwrap() <= granted(ms(20)));
}

#[test]
fn queries_are_answered_while_another_thread_sits_in_an_upcall() {
    let sim = servers(&[slow(1, 5), slow(1, 5), slow(1, 5)]);
    in_a_slow_upcall(&peers_of(&sim), |client| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let began = Instant::now();
                        let result = client.query(&mut master(), 0, Some(ms(10_000))).unwrap();
                        assert_eq!(result.outcome, Outcome::Answered);
                        assert!(began.elapsed() < granted(ms(50)));
                    }
                });
            }
        });
    });
}

#[test]
fn a_result_is_not_kept_back_by_the_upcall_that_its_finder_makes() {
    // Six threads ask, and one of those that read for them comes upon an upcall that returns when five are answered.
    let sim = servers(&[slow(5, 15), slow(5, 15), slow(5, 15)]);
    let answered = Arc::new(AtomicUsize::new(0));
    let upcalls = Arc::new(AtomicUsize::new(0));
    let (so_far, counter) = (answered.clone(), upcalls.clone());
    let client = client_with(
        &peers_of(&sim),
        Some(Box::new(move |_, event| {
            if matches!(event.kind, EventKind::Reply { .. }) {
                let end = Instant::now() + ms(10_000);
                while so_far.load(SeqCst) < 5 && Instant::now() < end {
                    std::thread::sleep(ms(1));
                }
                // One whose time was over is not counted.
                counter.fetch_add(usize::from(so_far.load(SeqCst) >= 5), SeqCst);
            }
        })),
        |_| {},
    );
    for round in 1..=5 {
        answered.store(0, SeqCst);
        client.send(&master(), 1, false, 0).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let result = client.query(&mut master(), 0, Some(ms(15_000))).unwrap();
                    assert_eq!(result.outcome, Outcome::Answered);
                    answered.fetch_add(1, SeqCst);
                });
            }
        });
        // Its reply may come after all the queries'.
        let receive = || drop(client.receive(Some(ms(10))));
        until("the upcall", receive, || upcalls.load(SeqCst) == round);
    }
}

#[test]
fn threads_that_block_in_receive_do_not_keep_queries_from_their_answers() {
    let sim = servers(&[Faults::default(), Faults::default(), Faults::default()]);
    let client = client(&peers_of(&sim));
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| while client.receive(None).is_ok() {});
        }
        for _ in 0..300 {
            let began = Instant::now();
            assert_eq!(client.query(&mut master(), 0, Some(ms(10_000))).unwrap().outcome, Outcome::Answered);
            times.push(began.elapsed());
        }
        client.close().unwrap();
    });
    println!("queries beside two threads in receive: {}", spread(&mut times));
    assert!(*times.last().unwrap() <= granted(ms(20)));
}
