//! Queries: when they end and with what, whom they ask again and when.

use std::sync::Arc;

use super::scene::*;
use crate::engine::{Ask, Config, EventKind, Micros, Outcome, QueryResult, SECOND};
use crate::wire::envelope::{Envelope, Room, payload};
use crate::wire::key::Key;

/// The one query that has ended.
fn result(scene: &mut Scene) -> QueryResult {
    let mut results = scene.results();
    assert_eq!(results.len(), 1);
    results.remove(0).1
}

/// A server says that it failed.
fn failed(scene: &mut Scene, salt: &str, from: std::net::SocketAddr) {
    scene.hear(&signed(&key(), salt, &message(1, "\"why\"", 0)), from);
}

/// Who gave the best reply, and its serial.
fn best(result: &QueryResult) -> (String, i64) {
    let (ip, port) = result.server.as_ref().unwrap();
    (format!("{}:{port}", ip.to_str().unwrap()), result.reply.as_ref().unwrap().serial())
}

/// The time stamps of the datagrams that wait, and whether this key signed them; all of them are sent.
fn sent_with(scene: &mut Scene, key: &Key) -> Vec<(String, bool)> {
    let read = |datagram: &[u8]| {
        let (envelope, mut room) = (Envelope::parse(payload(datagram).unwrap()).unwrap(), Room::default());
        let signed = envelope.open(&mut room).unwrap();
        (String::from_utf8(envelope.salt.to_vec()).unwrap(), envelope.is_signed_by(key, &signed))
    };
    let sent = scene.engine.peek_transmits().map(|(datagram, _)| read(datagram)).collect();
    scene.flush();
    sent
}

#[test]
fn a_query_ends_with_the_last_of_the_needed_replies() {
    let mut scene = Scene::new(9);
    let asked = scene.query(4, Some(5 * SECOND));
    assert_eq!(asked.to.len(), 4);
    for &from in &asked.to[..2] {
        scene.answered(&asked.salt, from, "1", 7);
        assert!(!scene.engine.has_events());
    }
    assert_eq!(scene.engine.outstanding(), (1, 0));
    scene.answered(&asked.salt, asked.to[2], "1", 7);
    let result = result(&mut scene);
    assert_eq!(result.outcome, Outcome::Answered);
    assert_eq!((result.sent, result.received, result.needed, result.errors), (4, 3, 3, 0));
    assert!(result.consistent);
    assert_eq!(best(&result), (asked.to[0].to_string(), 7), "of equal ones the first");
    assert_eq!((scene.engine.outstanding(), scene.engine.stats().expired), ((0, 0), 0));
}

#[test]
fn an_ok_reply_beats_an_error_and_a_higher_serial_a_lower_one() {
    // Each server's serial, none for an error, and which of the three is the best.
    for (says, wins) in [
        ([Some(5), Some(6), Some(7)], 2),
        ([Some(7), Some(6), Some(5)], 0),
        ([Some(5), Some(7), Some(6)], 1),
        ([None, Some(5), Some(5)], 1),
        ([None, None, Some(1)], 2),
        ([Some(0), None, None], 0),
        ([None, None, None], 0),
    ] {
        // Three of five are enough.
        let mut scene = Scene::new(5);
        let asked = scene.query(5, None);
        for (serial, &from) in says.iter().zip(&asked.to) {
            match serial {
                Some(serial) => scene.answered(&asked.salt, from, &serial.to_string(), *serial),
                None => failed(&mut scene, &asked.salt, from),
            }
        }
        let result = result(&mut scene);
        assert_eq!(best(&result), (asked.to[wins].to_string(), says[wins].unwrap_or(0)), "{says:?}");
        let errors = says.iter().filter(|says| says.is_none()).count();
        assert_eq!((result.received, result.errors as usize), (3, errors), "{says:?}");
    }
}

#[test]
fn different_answers_of_one_serial_are_not_consistent() {
    for (other, consistent) in [("1", true), ("2", false)] {
        let mut scene = Scene::new(2);
        let asked = scene.query(2, None);
        scene.answered(&asked.salt, asked.to[0], "1", 7);
        scene.answered(&asked.salt, asked.to[1], other, 7);
        assert_eq!(result(&mut scene).consistent, consistent);
    }
}

#[test]
fn at_its_deadline_exactly_a_query_ends_with_what_it_has() {
    for (answers, outcome) in [(0, Outcome::NoReply), (1, Outcome::Partial)] {
        let mut scene = Scene::with(Config { retry_every: 0, ..Config::default() }, 3);
        let asked = scene.query(3, Some(SECOND));
        for &from in &asked.to[..answers] {
            scene.answered(&asked.salt, from, "1", 7);
        }
        let end = scene.now + SECOND;
        assert_eq!(scene.engine.next_deadline(), Some(end));
        assert_eq!((scene.expire(end - 1, 9), scene.engine.has_events()), (0, false));
        assert_eq!(scene.expire(end, 9), 1);
        let result = result(&mut scene);
        assert_eq!((result.outcome, result.received), (outcome, answers as u32));
        assert_eq!((result.reply.is_some(), scene.engine.stats().expired), (answers > 0, 1));
    }
}

#[test]
fn a_retry_asks_the_silent_ones_and_as_many_others() {
    let mut scene = Scene::new(9);
    let asked = scene.query(3, Some(5 * SECOND));
    scene.answered(&asked.salt, asked.to[1], "1", 7);
    scene.now += SECOND;
    assert_eq!(scene.engine.next_deadline(), Some(scene.now));
    scene.expire(scene.now, 9);
    let to = scene.flush();
    let again: Vec<_> = to.iter().filter(|to| asked.to.contains(to)).collect();
    assert_eq!((to.len(), again.len(), again.contains(&&asked.to[1])), (4, 2, false));
    assert_eq!(scene.engine.stats().retries, 2);
    assert_eq!(scene.engine.next_deadline(), Some(scene.now + SECOND));
    assert_eq!(scene.engine.progress(asked.id).unwrap().sent, 5);
    scene.now += SECOND;
    scene.expire(scene.now, 9);
    assert_eq!((scene.flush().len(), scene.engine.stats().retries), (4 + 4, 6));
}

#[test]
fn nothing_is_repeated_while_the_first_datagrams_wait() {
    let mut scene = Scene::new(12);
    scene.engine.set_receive_buffer(1);
    let asked = scene.query(-1, Some(5 * SECOND));
    assert_eq!((asked.to.len(), scene.engine.queued()), (8, 4));
    scene.now += SECOND;
    scene.engine.expire(at(scene.now), 9);
    assert_eq!((scene.engine.queued(), scene.engine.stats().retries), (4, 0));
    assert_eq!(scene.flush().len(), 4);
    scene.now += SECOND;
    scene.engine.expire(at(scene.now), 9);
    assert_eq!((scene.engine.queued(), scene.engine.stats().retries), (12, 12));
}

#[test]
fn a_time_stamp_is_renewed_when_it_is_more_than_a_minute_old() {
    for (jump, renewed) in [(0, false), (60, false), (61, true), (-60, false), (-61, true)] {
        let mut scene = Scene::new(1);
        scene.query(1, None);
        scene.now += SECOND;
        let first = at(0).unix;
        let now = crate::engine::Now { micros: scene.now, unix: first.saturating_add_signed(jump) };
        scene.engine.expire(now, 9);
        let stamp = if renewed { now.unix } else { first };
        assert_eq!(sent_with(&mut scene, &key()), [(stamp.to_string(), true)], "{jump} seconds");
    }
}

#[test]
fn a_query_without_a_limit_goes_on_and_one_without_retries_waits() {
    let mut scene = Scene::with(Config { retry_every: 0, ..Config::default() }, 3);
    scene.query(0, None);
    assert_eq!(scene.engine.next_deadline(), Some(Micros::MAX));
    assert_eq!(scene.expire(Micros::MAX - 1, 9), 0);
}

#[test]
fn another_takes_the_place_of_one_that_refuses_once() {
    let mut scene = Scene::new(4);
    let asked = scene.query(2, Some(SECOND));
    let plain = scene.ask(-1);
    for _ in 0..2 {
        scene.handle_unreachable(asked.to[0]);
    }
    let to = scene.flush();
    assert_eq!((to.len(), asked.to.contains(&to[0])), (1, false));
    assert_eq!(scene.engine.progress(asked.id).unwrap().sent, 3);
    scene.answered(&asked.salt, asked.to[1], "1", 7);
    scene.handle_unreachable(asked.to[1]);
    assert!(scene.flush().is_empty(), "it has answered");
    assert_eq!(scene.engine.progress(plain.id).unwrap().sent, 4);
}

#[test]
fn a_refusal_that_quotes_a_request_concerns_that_alone() {
    let mut scene = Scene::new(9);
    let (one, two) = (fresh(100), fresh(101));
    let salts = [&one, &two].map(|request| request.salt().as_str().to_owned());
    let one = scene.query_as(one, 4, None);
    let two = scene.query_as(two, 9, None);
    let quote =
        |salt: &str| format!("plj0{{\"msg\": \"{{\\\"rsalt\\\": \\\"{salt}\\\", \\\"type\\\"").into_bytes();
    let host = one.to[0];
    scene.engine.handle_unreachable(scene.now, host, &quote(&salts[1]));
    assert_eq!((scene.flush().len(), scene.engine.progress(two.id).unwrap().sent), (0, 9));
    let other = (0..9).map(address).find(|peer| !one.to.contains(peer)).unwrap();
    scene.engine.handle_unreachable(scene.now, other, &quote(&salts[0]));
    assert_eq!(scene.flush().len(), 0, "it was not asked");
    scene.engine.handle_unreachable(scene.now, host, &quote(&salts[0]));
    assert_eq!((scene.flush().len(), scene.engine.progress(one.id).unwrap().sent), (1, 5));
    // What is cut short quotes nobody: it concerns every query.
    let quoted = quote(&salts[1]);
    let cut = quoted.len() - 12;
    scene.engine.handle_unreachable(scene.now, one.to[1], &quoted[..cut]);
    assert_eq!(scene.flush().len(), 1);
}

#[test]
fn a_refusal_that_quotes_nothing_reaches_each_query_that_is_left_in_whatever_order_others_end() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        let mut scene = Scene::new(60);
        let asked = [0; 4].map(|_| scene.query(20, None));
        let (mut left, mut refused) = (vec![0, 1, 2, 3], Vec::new());
        for gone in order {
            for &query in &left {
                let host = *asked[query].to.iter().find(|host| !refused.contains(*host)).unwrap();
                refused.push(host);
                let sent = |scene: &Scene| scene.engine.progress(asked[query].id).unwrap().sent;
                let before = sent(&scene);
                scene.handle_unreachable(host);
                assert_eq!(sent(&scene), before + 1, "query {query}, with {left:?} left");
                scene.flush();
            }
            scene.cancel(&asked[gone].salt).unwrap();
            left.retain(|&query| query != gone);
            assert_eq!(scene.engine.queries.len(), left.len());
            assert_eq!(scene.engine.has_queries(), !left.is_empty());
        }
    }
}

#[test]
fn a_datagram_that_cannot_be_sent_is_replaced_and_gives_the_query_back_when_all_are() {
    let mut scene = Scene::new(3);
    let ask = Ask { coverage: 1, timeout: None, token: 1, quiet: false };
    let mut request = fresh(1);
    let id = scene.engine.query(at(scene.now), &mut request, ask, &mut || unreachable!()).unwrap().unwrap();
    let given_back: Vec<_> = (0..4).map(|_| scene.transmit_failed("why")).collect();
    assert_eq!(given_back, [None, None, Some(id), None]);
    assert_eq!(scene.engine.stats().send_errors, 3);
}

#[test]
fn the_result_of_a_quiet_query_is_kept_until_it_is_taken() {
    let mut scene = Scene::new(1);
    let mut salts = Vec::new();
    for token in [5, 6, 7] {
        let ask = Ask { coverage: 1, timeout: None, token, quiet: true };
        let mut request = fresh(token as u128);
        scene.engine.query(at(scene.now), &mut request, ask, &mut || unreachable!()).unwrap();
        salts.push(request.salt().as_str().to_owned());
    }
    scene.flush();
    assert!(!scene.engine.has_results() && scene.engine.take_result(5).is_none());
    scene.answered(&salts[0], address(0), "1", 50);
    scene.answered(&salts[1], address(0), "1", 60);
    assert!(scene.engine.has_results() && !scene.engine.has_events());
    assert_eq!([5, 6, 7].map(|token| scene.engine.has_result(token)), [true, true, false]);
    for (token, serial) in [(6, 60), (5, 50)] {
        assert!(scene.engine.has_results());
        assert_eq!(scene.engine.take_result(token).unwrap().reply.unwrap().serial(), serial);
        assert!(scene.engine.take_result(token).is_none() && !scene.engine.has_result(token));
    }
    assert!(!scene.engine.has_results());
}

#[test]
fn a_query_whose_salt_was_used_gets_a_fresh_one() {
    let mut scene = Scene::new(1);
    let mut request = fresh(1);
    let ask = Ask { coverage: 1, timeout: None, token: 1, quiet: false };
    scene.engine.query(at(scene.now), &mut request, ask, &mut || unreachable!()).unwrap();
    scene.engine.query(at(scene.now), &mut request, ask, &mut || Ok(fresh(2).salt().clone())).unwrap();
    assert_eq!(request.salt().as_str(), fresh(2).salt().as_str());
    assert!(scene.engine.has_queries());
    scene.cancel_all();
    assert!(!scene.engine.has_queries());
    let outcomes: Vec<_> = scene.results().into_iter().map(|(_, result)| result.outcome).collect();
    assert_eq!(outcomes, [Outcome::Cancelled; 2]);
    assert_eq!(scene.engine.stats().cancelled, 2);
}

#[test]
fn after_a_change_of_keys_attempts_alternate_for_those_that_have_not_come_along() {
    let new = || Key::new(b"the next key\n").unwrap();
    let mut scene = Scene::new(3);
    let first = scene.query(-1, None);
    scene.engine.set_key(scene.now, new());
    let mut attempts = Vec::new();
    for _ in 0..4 {
        scene.now += SECOND;
        scene.expire(scene.now, 9);
        let sent = sent_with(&mut scene, &new());
        assert_eq!(sent.len(), 3);
        attempts.push(sent.iter().filter(|(_, by_new)| *by_new).count());
    }
    assert_eq!(attempts, [3, 0, 3, 0], "the first one after the change is under the new key");
    // One that has answered under the new key is asked under the old one no more.
    let second = scene.query(-1, None);
    scene.hear(&signed(&new(), &second.salt, &message(0, "1", 1)), first.to[0]);
    scene.cancel(&second.salt).unwrap();
    assert_eq!(result(&mut scene).outcome, Outcome::Cancelled);
    attempts.clear();
    for _ in 0..2 {
        scene.now += SECOND;
        scene.expire(scene.now, 9);
        attempts.push(sent_with(&mut scene, &new()).iter().filter(|(_, by_new)| *by_new).count());
    }
    assert_eq!(attempts, [3, 1]);
    // Replies count under both keys, and under no third one.
    let third = Key::new(b"a third key\n").unwrap();
    scene.hear(&signed(&third, &first.salt, &message(0, "1", 1)), first.to[0]);
    assert_eq!(scene.engine.progress(first.id).unwrap().received, 0);
    scene.hear(&signed(&new(), &first.salt, &message(0, "1", 1)), first.to[0]);
    scene.hear(&reply(&first.salt), first.to[1]);
    assert_eq!(result(&mut scene).received, 2);
}

#[test]
fn those_asked_after_a_retry_are_asked_under_both_keys_and_those_before_it_under_the_new_one() {
    let new = || Key::new(b"the next key\n").unwrap();
    let mut scene = Scene::new(9);
    let asked = scene.query(2, None);
    scene.engine.set_key(scene.now, new());
    scene.handle_unreachable(asked.to[0]);
    assert_eq!(sent_with(&mut scene, &new()).iter().map(|(_, by_new)| *by_new).collect::<Vec<_>>(), [true]);
    scene.now += SECOND;
    scene.expire(scene.now, 9);
    // Three silent ones under the new key, and three others under both.
    let sent = sent_with(&mut scene, &new());
    assert_eq!((sent.len(), sent.iter().filter(|(_, by_new)| *by_new).count()), (9, 6));
}

#[test]
fn what_remains_of_a_query_is_held_until_its_deadline() {
    // Its limit, who answers, whether it is cancelled, and until when it is remembered.
    for (limit, answers, cancelled, until) in [
        (Some(3 * SECOND), 2, false, Some(3 * SECOND)),
        (None, 2, false, Some(EXPIRY)),
        (None, 2, true, None),
        (Some(0), 0, false, None),
    ] {
        let mut scene = Scene::new(3);
        let asked = scene.query(3, limit);
        match (cancelled, limit) {
            (true, _) => scene.cancel(&asked.salt).unwrap(),
            (_, Some(0)) => assert_eq!(scene.expire(scene.now, 9), 1),
            _ => (0..answers).for_each(|which| scene.hear(&reply(&asked.salt), asked.to[which])),
        }
        assert_eq!(scene.results().len(), 1);
        let until = until.map(|until| scene.now + until);
        assert_eq!(scene.engine.late.next(), until);
        scene.engine.update_peers(&[peer(7)]).unwrap();
        assert_eq!(scene.engine.book.len(), if until.is_some() { 4 } else { 1 });
        let Some(until) = until else { continue };
        scene.expire(until - 1, 9);
        assert!(scene.engine.expects_replies());
        scene.expire(until, 9);
        assert!(!scene.engine.expects_replies());
        assert_eq!(scene.engine.book.len(), 1);
    }
}

#[test]
fn where_everybody_has_answered_nothing_remains() {
    let mut scene = Scene::new(2);
    let asked = scene.query(2, Some(SECOND));
    for &from in &asked.to {
        scene.hear(&reply(&asked.salt), from);
    }
    assert_eq!((scene.results().len(), scene.engine.late.next()), (1, None));
}

#[test]
fn a_query_is_no_request_that_can_be_waited_for() {
    let mut scene = Scene::new(2);
    let (query, plain) = (scene.query(2, None), scene.ask(2));
    assert_eq!(scene.engine.find(&query.salt), None);
    assert_eq!(scene.engine.find(&plain.salt), Some(plain.id));
    scene.cancel(&query.salt).unwrap();
    let event = scene.engine.next_event().unwrap();
    assert!(matches!(event.kind, EventKind::Query(_)));
    assert_eq!((event.id, event.token, event.sent), (None, 1, 2));
}

#[test]
fn a_query_holds_its_key_until_it_ends() {
    let mut scene = Scene::new(1);
    let old = Arc::downgrade(scene.engine.keys.current());
    let asked = scene.query(1, None);
    scene.engine.set_key(scene.now, Key::new(b"the next key\n").unwrap());
    scene.expire(scene.now + 600 * SECOND, 0);
    assert!(old.upgrade().is_some());
    scene.cancel(&asked.salt).unwrap();
    assert!(old.upgrade().is_none());
}

#[test]
fn a_query_that_was_asked_under_both_keys_holds_neither_once_it_has_ended() {
    let mut scene = Scene::new(1);
    let old = Arc::downgrade(scene.engine.keys.current());
    scene.engine.set_key(scene.now, Key::new(b"the next key\n").unwrap());
    let new = Arc::downgrade(scene.engine.keys.current());
    let asked = scene.query(1, None);
    scene.now += SECOND;
    scene.expire(scene.now, 9);
    assert_eq!((scene.flush().len(), scene.engine.stats().retries), (1, 1));
    scene.expire(scene.now + 600 * SECOND, 0);
    assert!(old.upgrade().is_some() && new.strong_count() > 1);
    scene.cancel(&asked.salt).unwrap();
    assert!(old.upgrade().is_none() && new.strong_count() == 1);
}
