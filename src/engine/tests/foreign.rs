//! Replies from addresses that were not asked: the warning, and the option `any_source`.

use super::scene::*;
use crate::engine::{Config, LogLevel, SECOND, Stats};
use crate::wire::key::Key;

const STRANGER: usize = 99;

fn scene(any_source: bool) -> Scene {
    Scene::with(Config { any_source, log_level: Some(LogLevel::Warning), ..Config::default() }, 8)
}

fn forged(salt: &str) -> Vec<u8> {
    signed(&Key::new(b"other").unwrap(), salt, &message(0, "1", 1))
}

#[test]
fn without_the_option_only_the_first_signed_one_is_worth_a_warning() {
    let mut scene = scene(false);
    let asked = scene.ask(0);
    scene.hear(&reply(&asked.salt), address(STRANGER));
    let lines = scene.log();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("10.0.0.99 port 1814") && lines[0].contains("any_source"), "{}", lines[0]);
    for number in 90..98 {
        scene.now += SECOND;
        scene.hear(&reply(&asked.salt), address(number));
    }
    assert!(scene.log().is_empty() && scene.events().is_empty());
    assert_eq!(scene.engine.stats().dropped_source, 9);
    assert_eq!(scene.engine.outstanding(), (1, 1));
}

#[test]
fn a_peer_that_this_request_did_not_go_to_is_worth_the_warning_too() {
    let mut scene = scene(false);
    let asked = scene.ask(3);
    let other = (0..8).map(address).find(|peer| !asked.to.contains(peer)).unwrap();
    scene.hear(&reply(&asked.salt), other);
    assert_eq!((scene.log().len(), scene.engine.stats().dropped_source), (1, 1));
}

#[test]
fn what_is_not_signed_or_answers_nothing_outstanding_is_worth_none() {
    let mut scene = scene(false);
    let (asked, ended) = (scene.ask(0), scene.ask(0));
    scene.cancel(&ended.salt).unwrap();
    for datagram in [forged(&asked.salt), reply(&ended.salt), reply("unknown"), b"plj0".to_vec()] {
        scene.hear(&datagram, address(STRANGER));
    }
    assert!(scene.log().is_empty());
    assert_eq!(scene.engine.stats().dropped_source, 4);
    scene.hear(&reply(&asked.salt), address(STRANGER));
    assert_eq!(scene.log().len(), 1, "they were not the first");
}

#[test]
fn a_flood_has_ten_verifications_in_a_second() {
    let mut scene = scene(false);
    let asked = scene.ask(3);
    let other = (0..8).map(address).find(|peer| !asked.to.contains(peer)).unwrap();
    for from in [address(STRANGER), other] {
        for count in [10, 11, 5_000] {
            scene.now += SECOND;
            for _ in 0..count {
                scene.now += 1;
                scene.hear(&forged(&asked.salt), from);
            }
            scene.hear(&reply(&asked.salt), from);
            assert!(scene.log().is_empty(), "the eleventh is not looked at");
        }
    }
    scene.now += SECOND;
    for _ in 0..9 {
        scene.hear(&forged(&asked.salt), other);
    }
    scene.hear(&reply(&asked.salt), other);
    assert_eq!(scene.log().len(), 1, "the tenth is");
    let stats = scene.engine.stats();
    assert_eq!(stats.dropped_source, stats.datagrams_in);
}

#[test]
fn with_the_option_signed_ones_are_delivered_and_never_counted_in_received() {
    let mut scene = scene(true);
    let asked = scene.ask(3);
    scene.hear(&reply(&asked.salt), address(STRANGER));
    let told = scene.deliver();
    assert_eq!((told[0].sent, told[0].received), (3, 0));
    assert!(matches!(told[0].what, What::Reply { from, asked: false, .. } if from == address(STRANGER)));
    let progress = scene.engine.progress(asked.id).unwrap();
    assert_eq!((progress.received, progress.settled), (0, 0));
    assert_eq!(scene.engine.outstanding(), (1, 1));
    scene.hear(&reply(&asked.salt), asked.to[0]);
    assert_eq!(scene.deliver()[0].received, 1);
    assert_eq!(scene.engine.stats().replies, 2);
    assert!(scene.log().is_empty());
}

#[test]
fn with_the_option_one_for_each_address_and_as_many_as_were_asked() {
    let mut scene = scene(true);
    let asked = scene.ask(3);
    let hear = |scene: &mut Scene, datagram: &[u8], number: usize| {
        let before = scene.engine.stats();
        scene.hear(datagram, address(number));
        assert_eq!(scene.deliver().len() as u64, scene.engine.stats().replies - before.replies);
        counted(&before, &scene.engine.stats())
    };
    let good = reply(&asked.salt);
    assert_eq!(hear(&mut scene, &good, 100), "reply");
    assert_eq!(hear(&mut scene, &good, 100), "duplicate");
    assert_eq!(hear(&mut scene, &forged(&asked.salt), 100), "duplicate", "ruled out before its signature");
    assert_eq!(hear(&mut scene, &forged(&asked.salt), 101), "signature");
    assert_eq!(hear(&mut scene, &reply("unknown"), 101), "salt");
    assert_eq!(hear(&mut scene, b"plj0{}", 101), "malformed");
    assert_eq!(hear(&mut scene, b"plj1{}", 101), "magic");
    assert_eq!(hear(&mut scene, &signed(&key(), &asked.salt, "[]"), 101), "malformed");
    assert_eq!(hear(&mut scene, &good, 101), "reply", "what was dropped does not count");
    let not_asked = (0..8).find(|&number| !asked.to.contains(&address(number))).unwrap();
    assert_eq!(hear(&mut scene, &good, not_asked), "reply");
    assert_eq!(hear(&mut scene, &good, 102), "source", "a fourth is too many");
    assert_eq!(hear(&mut scene, &good, 101), "duplicate");
    for from in asked.to {
        scene.hear(&good, from);
    }
    let told = scene.deliver();
    assert_eq!(told.iter().map(|told| told.received).collect::<Vec<_>>(), [1, 2, 3], "the asked have room");
    assert!(scene.log().is_empty());
}

#[test]
fn with_the_option_replies_of_strangers_count_for_consistency() {
    let mut scene = scene(true);
    let asked = scene.ask(3);
    scene.answered(&asked.salt, asked.to[0], "1", 5);
    scene.answered(&asked.salt, address(STRANGER), "2", 5);
    let consistent: Vec<_> = scene.deliver().iter().map(|told| told.consistent).collect();
    assert_eq!(consistent, [true, false]);
}

type Counter = fn(&Stats) -> u64;

/// The counter by which two readings differ.
fn counted(before: &Stats, now: &Stats) -> &'static str {
    let counters: [(_, Counter); 7] = [
        ("reply", |stats| stats.replies),
        ("magic", |stats| stats.dropped_magic),
        ("malformed", |stats| stats.dropped_malformed),
        ("signature", |stats| stats.dropped_signature),
        ("salt", |stats| stats.dropped_salt),
        ("source", |stats| stats.dropped_source),
        ("duplicate", |stats| stats.dropped_duplicate),
    ];
    assert_eq!(now.datagrams_in, now.replies + dropped(now));
    counters.iter().find(|(_, read)| read(now) != read(before)).map_or("none", |(name, _)| name)
}
