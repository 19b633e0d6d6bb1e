//! What answers tell of the peers that gave them, also when nobody waits for them any more.

use std::net::SocketAddr;

use super::scene::*;
use crate::engine::{Config, Micros, PeerStats, SECOND, Stats};
use crate::wire::key::Key;
use crate::wire::query::{Query, RequestType};
use crate::wire::request::Request;

fn known(scene: &Scene, host: SocketAddr) -> PeerStats {
    let index = scene.engine.peers().position(|peer| peer == host).unwrap();
    scene.engine.peer_stats(index).unwrap()
}

/// Counted as answered, the last round trip and the serial.
fn told(scene: &Scene, host: SocketAddr) -> (u64, Micros, i64) {
    let known = known(scene, host);
    (known.answered, known.rtt_last_us, known.serial)
}

/// A query to three peers that two have answered, 1 ms after it was asked.
fn with_one_silent(timeout: Option<Micros>) -> (Scene, Asked) {
    let mut scene = Scene::new(3);
    let asked = scene.query(3, timeout);
    scene.now += 1_000;
    for &from in &asked.to[..2] {
        scene.hear(&reply(&asked.salt), from);
    }
    assert_eq!((scene.results().len(), scene.engine.outstanding()), (1, (0, 0)));
    (scene, asked)
}

#[test]
fn an_answer_tells_how_long_it_took_and_the_serial() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(3);
    scene.now += 700;
    scene.answered(&asked.salt, asked.to[1], "1", 42);
    assert_eq!(told(&scene, asked.to[1]), (1, 700, 42));
    assert_eq!(told(&scene, asked.to[0]), (0, 0, 0));
    assert_eq!(known(&scene, asked.to[0]).sent, 1);
    assert!(scene.engine.peer_stats(3).is_none());
}

#[test]
fn an_error_has_no_serial_of_the_cluster() {
    let mut scene = Scene::new(1);
    for (status, serial, kept) in [(0, 42, 42), (1, 50, 42), (2, 60, 42), (0, 41, 41)] {
        let asked = scene.ask(1);
        scene.hear(&signed(&key(), &asked.salt, &message(status, "1", serial)), asked.to[0]);
        assert_eq!(known(&scene, asked.to[0]).serial, kept);
    }
}

#[test]
fn some_answers_have_the_serial_of_something_else() {
    use RequestType::*;
    for (kind, has_it) in [
        (Ping, false),
        (NodeRoleByName, true),
        (NodePipByInstanceIp, true),
        (ClusterMaster, true),
        (NodePipList, true),
        (McPipList, true),
        (InstancesIpsList, true),
        (NodeDrbd, false),
        (NodeInstances, false),
        (InstanceDisks, false),
        (ConfigQuery, true),
        (DataCollectors, true),
    ] {
        for late in [false, true] {
            let mut scene = Scene::new(3);
            let request = Request::new(kind, Query::NONE, fresh(1).salt().clone());
            let asked = scene.query_as(request, 3, Some(SECOND));
            for &from in &asked.to {
                scene.answered(&asked.salt, from, "1", 42);
            }
            let of = if late { asked.to[2] } else { asked.to[0] };
            assert_eq!(known(&scene, of).serial, if has_it { 42 } else { 0 }, "{kind:?}");
        }
    }
}

#[test]
fn of_a_peer_that_was_asked_again_nobody_knows_which_datagram_it_answered() {
    let mut scene = Scene::new(4);
    let asked = scene.query(2, Some(5 * SECOND));
    scene.now += SECOND;
    scene.expire(scene.now, 9);
    let joined = *scene.flush().iter().find(|to| !asked.to.contains(to)).unwrap();
    scene.now += 300;
    scene.answered(&asked.salt, asked.to[0], "1", 42);
    assert_eq!(told(&scene, asked.to[0]), (1, 0, 42));
    scene.answered(&asked.salt, joined, "1", 42);
    assert_eq!(told(&scene, joined), (1, 300, 42), "since it was asked");
}

/// What waited for room, or for the program to send it, was not on its way.
#[test]
fn a_round_trip_begins_when_its_datagram_leaves() {
    let mut scene = Scene::new(4);
    let (_, salt) = scene.ask_queued(2);
    scene.now += 5 * SECOND;
    let to = scene.flush();
    scene.now += 300;
    scene.answered(&salt, to[0], "1", 42);
    assert_eq!(told(&scene, to[0]), (1, 300, 42));
    let asked = scene.query(2, Some(9 * SECOND));
    scene.handle_unreachable(asked.to[0]);
    scene.now += 2 * SECOND / 5;
    let joined = scene.flush();
    scene.now += 500;
    for (from, took) in [(joined[0], 500), (asked.to[1], 400_500)] {
        let before = told(&scene, from).0;
        scene.answered(&asked.salt, from, "1", 43);
        assert_eq!(told(&scene, from), (before + 1, took, 43));
    }
    assert_eq!(scene.results().len(), 1);
}

/// When a datagram came that nobody was there to read, nobody knows.
#[test]
fn an_answer_that_is_dated_before_its_question_tells_no_round_trip() {
    let mut scene = Scene::new(3);
    let asked = scene.query(3, Some(5 * SECOND));
    scene.now -= 100;
    for &from in &asked.to {
        scene.answered(&asked.salt, from, "1", 42);
        assert_eq!((told(&scene, from), known(&scene, from).rtt_us), ((1, 0, 42), 0));
    }
}

#[test]
fn whoever_takes_the_place_of_another_has_the_time_since_then() {
    let mut scene = Scene::new(9);
    let asked = scene.query(4, Some(5 * SECOND));
    let began = scene.now;
    let mut joined = Vec::new();
    for (after, refused) in [(100, 0), (300, 1)] {
        scene.now = began + after;
        scene.handle_unreachable(asked.to[refused]);
        joined.extend(scene.flush());
    }
    scene.now = began + 1_000;
    for (from, rtt) in [(asked.to[2], 1_000), (joined[0], 900), (joined[1], 700)] {
        scene.answered(&asked.salt, from, "1", 42);
        assert_eq!(told(&scene, from), (1, rtt, 42));
    }
    assert_eq!(scene.results().len(), 1);
    scene.answered(&asked.salt, asked.to[3], "1", 42);
    assert_eq!(told(&scene, asked.to[3]), (1, 1_000, 42), "late");
}

#[test]
fn a_late_answer_is_credited_to_its_peer_once_and_nobody_is_told() {
    let (mut scene, asked) = with_one_silent(Some(SECOND));
    let before = scene.engine.stats();
    scene.now += 4_000;
    scene.answered(&asked.salt, asked.to[2], "1", 42);
    assert_eq!(told(&scene, asked.to[2]), (1, 5_000, 42));
    assert_eq!(scene.engine.stats().replies, before.replies + 1);
    assert!(!scene.engine.has_events() && !scene.engine.expects_replies(), "it was the last one");
    scene.answered(&asked.salt, asked.to[2], "1", 43);
    assert_eq!((told(&scene, asked.to[2]), scene.engine.stats().dropped_salt), ((1, 5_000, 42), 1));
    scene.engine.update_peers(&[peer(7)]).unwrap();
    assert_eq!(scene.engine.book.len(), 1, "and nothing holds its address");
}

#[test]
fn a_late_answer_after_a_retry_has_the_time_since_its_peer_was_asked_if_that_was_once() {
    let mut scene = Scene::new(4);
    let asked = scene.query(2, Some(5 * SECOND));
    scene.now += SECOND;
    scene.expire(scene.now, 9);
    let joined: Vec<_> = scene.flush().into_iter().filter(|to| !asked.to.contains(to)).collect();
    scene.now += 300;
    for from in [asked.to[0], joined[0]] {
        scene.answered(&asked.salt, from, "1", 42);
    }
    assert_eq!((scene.results().len(), scene.engine.expects_replies()), (1, true));
    scene.now += 300;
    scene.answered(&asked.salt, asked.to[1], "1", 42);
    assert_eq!((told(&scene, asked.to[1]), scene.engine.expects_replies()), ((1, 0, 42), true));
    scene.answered(&asked.salt, joined[1], "1", 42);
    assert_eq!((told(&scene, joined[1]), scene.engine.expects_replies()), ((1, 600, 42), false));
}

/// The salts that a program has chosen are not remembered for ever.
#[test]
fn of_two_queries_with_one_salt_the_later_one_is_remembered_and_the_earlier_one_leaves_nothing() {
    let mut scene = Scene::new(3);
    for round in 1..=2 {
        let asked = scene.query_as(salted("again"), 3, Some(3_600 * SECOND));
        for &from in &asked.to[..2] {
            scene.answered(&asked.salt, from, "1", 42);
        }
        assert_eq!((scene.results().len(), scene.engine.late.len()), (1, 1), "round {round}");
        scene.engine.spent = Default::default();
    }
    scene.engine.update_peers(&[peer(7)]).unwrap();
    scene.expire(scene.now + 3_600 * SECOND, 9);
    assert_eq!((scene.engine.late.len(), scene.engine.book.len()), (0, 1));
}

#[test]
fn a_late_error_has_no_serial_either() {
    let (mut scene, asked) = with_one_silent(Some(SECOND));
    scene.hear(&signed(&key(), &asked.salt, &message(1, "1", 42)), asked.to[2]);
    assert_eq!(told(&scene, asked.to[2]), (1, 1_000, 0));
}

#[test]
fn a_late_datagram_that_is_no_answer_is_dropped_for_what_it_lacks() {
    let (mut scene, asked) = with_one_silent(Some(SECOND));
    let other = Key::new(b"other").unwrap();
    let (salt, silent, good) = (asked.salt.as_str(), asked.to[2], reply(&asked.salt));
    let text = String::from_utf8(good.clone()).unwrap();
    type Counter = fn(&Stats) -> u64;
    let cases: [(Vec<u8>, SocketAddr, Counter); 7] = [
        (reply("unknown"), silent, |stats| stats.dropped_salt),
        (good.clone(), asked.to[0], |stats| stats.dropped_duplicate),
        (good.clone(), address(99), |stats| stats.dropped_source),
        (signed(&other, salt, &message(0, "1", 1)), silent, |stats| stats.dropped_signature),
        (signed(&key(), salt, "[]"), silent, |stats| stats.dropped_malformed),
        (text.replacen("\"msg\":\"", "\"msg\":\"\\q", 1).into_bytes(), silent, |stats| {
            stats.dropped_malformed
        }),
        (b"plj0".to_vec(), silent, |stats| stats.dropped_malformed),
    ];
    for (datagram, from, counter) in cases {
        let before = scene.engine.stats();
        scene.hear(&datagram, from);
        let now = scene.engine.stats();
        assert_eq!(counter(&now), counter(&before) + 1, "{}", String::from_utf8_lossy(&datagram));
        assert_eq!((now.replies, dropped(&now)), (before.replies, dropped(&before) + 1));
    }
    scene.hear(&good, silent);
    assert_eq!(known(&scene, silent).answered, 1, "who sent rubbish can still answer");
}

#[test]
fn a_late_answer_of_one_that_was_not_asked_is_dropped() {
    let mut scene = Scene::new(9);
    let asked = scene.query(3, Some(SECOND));
    for &from in &asked.to[..2] {
        scene.hear(&reply(&asked.salt), from);
    }
    let other = (0..9).map(address).find(|peer| !asked.to.contains(peer)).unwrap();
    scene.hear(&reply(&asked.salt), other);
    assert_eq!((scene.engine.stats().dropped_source, known(&scene, other).answered), (1, 0));
}

#[test]
fn a_late_answer_counts_under_every_key_of_its_query_and_shows_who_has_the_new_one() {
    let next = || Key::new(b"the next key\n").unwrap();
    let new = |salt: &str| signed(&next(), salt, &message(0, "1", 7));
    let mut scene = Scene::new(4);
    let asked = scene.query(4, Some(5 * SECOND));
    scene.engine.set_key(scene.now, next());
    scene.now += SECOND;
    scene.expire(scene.now, 9);
    scene.flush();
    scene.hear(&new(&asked.salt), asked.to[0]);
    scene.hear(&new(&asked.salt), asked.to[1]);
    scene.hear(&reply(&asked.salt), asked.to[2]);
    assert_eq!(scene.results().len(), 1);
    scene.hear(&new(&asked.salt), asked.to[3]);
    assert_eq!(known(&scene, asked.to[3]).answered, 1);
    assert!(scene.engine.keys.rotates(), "one has answered under the old key");
    let later = scene.query(4, Some(5 * SECOND));
    for which in [0, 1, 3] {
        scene.hear(&new(&later.salt), asked.to[which]);
    }
    assert_eq!((scene.results().len(), scene.engine.keys.rotates()), (1, true));
    scene.hear(&new(&later.salt), asked.to[2]);
    assert!(!scene.engine.keys.rotates(), "now everybody has come along");
}

#[test]
fn a_late_answer_makes_room_for_the_next_datagram() {
    let mut scene = Scene::new(3);
    scene.engine.set_receive_buffer(1);
    let asked = scene.query(3, Some(SECOND));
    for _ in 0..9 {
        scene.ask_queued(1);
    }
    assert_eq!((scene.flush().len(), scene.engine.sendable()), (5, 0));
    for (answers, &from) in asked.to.iter().enumerate() {
        scene.hear(&reply(&asked.salt), from);
        assert_eq!(scene.engine.sendable(), answers + 1);
    }
}

#[test]
fn room_for_a_long_datagram_with_a_short_message_is_not_kept() {
    let mut scene = Scene::new(1);
    let asked = scene.ask(1);
    let (tag, long) = ("0".repeat(40), "y".repeat(60_000));
    let datagram = format!(r#"plj0{{"hmac":"{tag}","msg":"","more":"{long}","salt":"{}"}}"#, asked.salt);
    scene.hear(datagram.as_bytes(), asked.to[0]);
    assert_eq!(scene.engine.stats().dropped_signature, 1);
    assert!(scene.engine.room.capacity() <= 8_192);
}

#[test]
fn room_for_a_long_message_is_not_kept() {
    let mut scene = Scene::with(Config { max_request_bytes: 65_507, ..Config::default() }, 1);
    // With an escape, so that it has to be copied.
    for (length, kept) in [(3_000, true), (5_000, false), (3_000, true)] {
        let asked = scene.ask(1);
        scene.answered(&asked.salt, asked.to[0], &format!("\"{}\"", "x".repeat(length)), 1);
        assert_eq!(scene.engine.room.capacity() > 0, kept);
        assert!(scene.engine.room.capacity() <= 8_192);
    }
    assert_eq!(scene.engine.stats().replies, 3);
}
