//! One completion for each query, never inside `query_async`, and what upcalls may do.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confdclient::client::{Callback, Client};
use confdclient::engine::{EventKind, Outcome};
use confdclient::error::Code;

use crate::support::*;

/// Notes completions, and fails if one comes inside the call that asked for it.
#[derive(Clone, Default)]
struct Book {
    outcomes: Arc<Mutex<Vec<Outcome>>>,
}

impl Book {
    fn ask(&self, client: &Arc<Client>, timeout: Option<Duration>) -> confdclient::error::Result<String> {
        let (inside, outcomes) = (Arc::new(AtomicBool::new(true)), self.outcomes.clone());
        let (mut request, over) = (master(), inside.clone());
        let asked = client.query_async(
            &mut request,
            0,
            timeout,
            Box::new(move |_, result| {
                assert!(!inside.load(SeqCst), "inside the query_async that asked");
                outcomes.lock().unwrap().push(result.outcome);
            }),
        );
        over.store(false, SeqCst);
        asked.map(|()| request.salt().as_str().to_owned())
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.outcomes.lock().unwrap().clone()
    }
}

#[test]
fn a_completion_comes_once_and_after_the_call_also_with_timeout_0() {
    let sim = well(3);
    let client = client(&peers_of(&sim));
    let book = Book::default();
    for _ in 0..200 {
        book.ask(&client, Some(ms(5_000))).unwrap();
        book.ask(&client, Some(ms(0))).unwrap();
    }
    until("400 completions", || drop(client.receive(Some(ms(50)))), || book.outcomes().len() >= 400);
    client.receive(Some(ms(50))).unwrap();
    let outcomes = book.outcomes();
    let count = |outcome| outcomes.iter().filter(|&&other| other == outcome).count();
    assert_eq!(outcomes.len(), 400);
    assert_eq!(count(Outcome::Cancelled), 0);
    assert!(count(Outcome::Answered) >= 200 && count(Outcome::NoReply) > 0);
    assert_eq!(client.outstanding().unwrap(), (0, 0));
}

#[test]
fn cancel_close_and_free_end_a_query_as_cancelled() {
    let silent = Silent::new();
    for how in 0..4 {
        let client = client(&[silent.peer()]);
        let book = Book::default();
        let salt = book.ask(&client, (how % 2 == 0).then_some(ms(60_000))).unwrap();
        match how {
            0 => client.cancel(&salt).unwrap(),
            1 => client.close().unwrap(),
            2 => client.free(),
            _ => {
                client.cancel(&salt).unwrap();
                client.close().unwrap();
                client.free();
            }
        }
        assert_eq!(book.outcomes(), [Outcome::Cancelled], "way {how}");
        if how == 0 {
            assert_eq!(client.cancel(&salt).unwrap_err().code(), Code::UnknownRequest);
        } else {
            assert_eq!(book.ask(&client, None).unwrap_err().code(), Code::Closed);
            assert_eq!(client.query(&mut master(), 0, None).unwrap_err().code(), Code::Closed);
        }
        client.free();
        assert_eq!(book.outcomes().len(), 1);
    }
}

/// A client with one request that is about to expire, so that the next call makes its upcall.
fn with_an_upcall_due(peer: String, upcall: Callback) -> Arc<Client> {
    let client = client_with(&[peer], Some(upcall), |options| options.set_expire_ms(1).unwrap());
    client.send(&master(), 0, false, 0).unwrap();
    std::thread::sleep(ms(5)); // the clock of the client has no other hand
    client
}

#[test]
fn an_upcall_delivered_inside_query_async_may_close_and_then_nothing_is_asked() {
    let silent = Silent::new();
    let client = with_an_upcall_due(silent.peer(), Box::new(|client, _| client.close().unwrap()));
    let book = Book::default();
    assert_eq!(book.ask(&client, None).unwrap_err().code(), Code::Closed);
    client.free();
    assert_eq!(book.outcomes(), []);
}

#[test]
fn an_upcall_delivered_inside_query_async_may_ask_and_cancel_others() {
    let silent = Silent::new();
    let (book, salt) = (Book::default(), Arc::new(Mutex::new(String::new())));
    let cancelled = Arc::new(AtomicUsize::new(0));
    let (inner_salt, inner_cancelled) = (salt.clone(), cancelled.clone());
    let client = with_an_upcall_due(
        silent.peer(),
        Box::new(move |client, _| {
            let outer = inner_salt.lock().unwrap().clone();
            assert_eq!(client.cancel(&outer).unwrap_err().code(), Code::UnknownRequest, "not asked yet");
            let mut request = master();
            let counter = inner_cancelled.clone();
            client
                .query_async(
                    &mut request,
                    0,
                    None,
                    Box::new(move |_, result| {
                        assert_eq!(result.outcome, Outcome::Cancelled);
                        counter.fetch_add(1, SeqCst);
                    }),
                )
                .unwrap();
            client.cancel(request.salt().as_str()).unwrap();
            assert_eq!(inner_cancelled.load(SeqCst), 0, "what it brings about comes after this upcall");
        }),
    );
    *salt.lock().unwrap() = book.ask(&client, Some(ms(20))).unwrap();
    assert_eq!(cancelled.load(SeqCst), 1);
    until("the query's own end", || drop(client.receive(Some(ms(50)))), || book.outcomes().len() == 1);
    assert_eq!(book.outcomes(), [Outcome::NoReply]);
}

#[test]
fn inside_an_upcall_query_is_busy_and_query_async_works() {
    let sim = well(3);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inner = seen.clone();
    let client = client_with(
        &peers_of(&sim),
        Some(Box::new(move |client, event| {
            if !matches!(event.kind, EventKind::Reply { .. }) || !inner.lock().unwrap().is_empty() {
                return;
            }
            let busy = client.query(&mut master(), 0, Some(ms(100))).unwrap_err();
            assert_eq!(busy.code(), Code::Busy);
            let (again, mut request) = (inner.clone(), master());
            inner.lock().unwrap().push(Outcome::Cancelled); // a mark that the upcall was here
            client
                .query_async(
                    &mut request,
                    0,
                    Some(ms(5_000)),
                    Box::new(move |client, result| {
                        let busy = client.query(&mut master(), 0, Some(ms(100))).unwrap_err();
                        assert_eq!(busy.code(), Code::Busy, "a completion is an upcall, too");
                        again.lock().unwrap().push(result.outcome);
                    }),
                )
                .unwrap();
        })),
        |_| {},
    );
    client.send(&master(), 0, false, 0).unwrap();
    until("both", || drop(client.receive(Some(ms(50)))), || seen.lock().unwrap().len() == 2);
    assert_eq!(*seen.lock().unwrap(), [Outcome::Cancelled, Outcome::Answered]);
    assert_eq!(client.query(&mut master(), 0, Some(ms(5_000))).unwrap().outcome, Outcome::Answered);
}

#[test]
fn a_query_makes_the_upcalls_of_other_requests_meanwhile() {
    let sim = servers(&[slow(30, 40), slow(30, 40), slow(30, 40)]);
    let replies = Arc::new(AtomicUsize::new(0));
    let counter = replies.clone();
    let client = client_with(
        &peers_of(&sim),
        Some(Box::new(move |_, event| {
            counter.fetch_add(usize::from(matches!(event.kind, EventKind::Reply { .. })), SeqCst);
        })),
        |_| {},
    );
    let silent = Silent::new();
    client.send(&master(), -1, false, 0).unwrap();
    client.update_peers(&[&silent.peer()]).unwrap();
    let result = client.query(&mut master(), 0, Some(ms(400))).unwrap();
    assert_eq!((result.outcome, replies.load(SeqCst)), (Outcome::NoReply, 3));
}

#[test]
fn many_queries_end_once_each_under_cancels_and_a_close_from_other_threads() {
    let sim = servers(&[slow(0, 4), slow(0, 4), slow(0, 4), slow(0, 4)]);
    for round in 0..20 {
        let client = client(&peers_of(&sim));
        let book = Book::default();
        let accepted = Arc::new(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| while client.receive(Some(ms(20))).is_ok() {});
            }
            for thread in 0..3 {
                let (client, outcomes, accepted) = (&client, &book.outcomes, &accepted);
                scope.spawn(move || {
                    for query in 0..40 {
                        let (outcomes, mut request) = (outcomes.clone(), master());
                        let timeout = ms([0, 2, 1_000][(query + thread) % 3]);
                        let tell = move |_: &Arc<Client>, result: &confdclient::engine::QueryResult| {
                            outcomes.lock().unwrap().push(result.outcome);
                        };
                        if client.query_async(&mut request, 0, Some(timeout), Box::new(tell)).is_ok() {
                            accepted.fetch_add(1, SeqCst);
                        }
                        if query % 4 == 0 {
                            // It may have ended already.
                            let _ = client.cancel(request.salt().as_str());
                        }
                        if query == 30 && thread == 2 && round % 2 == 0 {
                            client.close().unwrap();
                        }
                    }
                    if thread == 0 {
                        std::thread::sleep(ms(round));
                        client.close().unwrap();
                    }
                });
            }
        });
        client.free();
        assert_eq!(book.outcomes().len(), accepted.load(SeqCst), "round {round}");
    }
}
