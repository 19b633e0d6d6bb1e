//! What counts as a reply, and under which reason each other datagram is dropped.

use std::sync::Arc;

use super::scene::*;
use crate::engine::{SECOND, Stats};
use crate::wire::key::Key;

#[test]
fn each_contacted_address_counts_once() {
    let mut scene = Scene::new(9);
    for coverage in [1, 6, 9] {
        let asked = scene.ask(coverage);
        let before = scene.engine.stats();
        for (index, &from) in asked.to.iter().enumerate() {
            for _ in 0..3 {
                scene.hear(&reply(&asked.salt), from);
            }
            scene.answered(&asked.salt, from, "\"something else\"", 8);
            let told = scene.deliver();
            assert_eq!(told.len(), 1);
            assert_eq!((told[0].sent, told[0].received), (coverage as u32, index as u32 + 1));
        }
        let stats = scene.engine.stats();
        assert_eq!(stats.replies - before.replies, coverage as u64);
        assert_eq!(stats.dropped_duplicate - before.dropped_duplicate, 3 * coverage as u64);
    }
}

#[test]
fn outstanding_tells_those_that_nobody_has_answered() {
    let mut scene = Scene::new(3);
    let (one, two) = (scene.ask(0), scene.ask(0));
    assert_eq!(scene.engine.outstanding(), (2, 2));
    scene.hear(&reply(&one.salt), one.to[0]);
    scene.hear(&reply(&one.salt), one.to[1]);
    assert_eq!(scene.engine.outstanding(), (2, 1));
    scene.cancel(&one.salt).unwrap();
    assert_eq!(scene.engine.outstanding(), (1, 1));
    scene.cancel(&two.salt).unwrap();
    assert_eq!(scene.engine.outstanding(), (0, 0));
}

type Counter = fn(&Stats) -> u64;

#[test]
fn each_bad_datagram_is_in_exactly_one_counter_and_changes_nothing_else() {
    let mut scene = Scene::new(8);
    let asked = scene.ask(3);
    let not_asked = (0..8).map(address).find(|peer| !asked.to.contains(peer)).unwrap();
    let salt = &*asked.salt;
    scene.hear(&reply(salt), asked.to[0]);
    scene.deliver();

    let other = Key::new(b"the key of the cluster").unwrap();
    let good = reply(salt);
    let text = String::from_utf8(good.clone()).unwrap();
    let ok = message(0, "1", 1);
    let magic: Counter = |stats| stats.dropped_magic;
    let malformed: Counter = |stats| stats.dropped_malformed;
    let signature: Counter = |stats| stats.dropped_signature;
    let wrong_salt: Counter = |stats| stats.dropped_salt;
    let source: Counter = |stats| stats.dropped_source;
    let duplicate: Counter = |stats| stats.dropped_duplicate;
    let (silent, answered, stranger) = (asked.to[1], asked.to[0], address(99));
    let cases: Vec<(&str, Vec<u8>, std::net::SocketAddr, Counter)> = vec![
        ("nothing", vec![], silent, magic),
        ("the magic's start", b"plj".to_vec(), silent, magic),
        ("another magic", text.replacen("plj0", "plj1", 1).into_bytes(), silent, magic),
        ("another magic from a stranger", b"xxxx".to_vec(), stranger, magic),
        ("the magic alone", b"plj0".to_vec(), silent, malformed),
        ("as large as can be", [b"plj0".to_vec(), vec![b'['; 65_503]].concat(), silent, malformed),
        ("half of it", good[..good.len() / 2].to_vec(), silent, malformed),
        ("more behind it", [good.clone(), b"x".to_vec()].concat(), silent, malformed),
        ("without a member", text.replacen("hmac", "hmak", 1).into_bytes(), silent, malformed),
        ("a tag too short", text.replacen("\"hmac\":\"", "\"hmac\":\"0", 1).into_bytes(), silent, malformed),
        ("not text", b"plj0\xff\xfe".to_vec(), silent, malformed),
        ("no reply", signed(&key(), salt, "[]"), silent, malformed),
        ("no serial", signed(&key(), salt, &ok.replace("serial", "cereal")), silent, malformed),
        ("an answer that is no JSON", signed(&key(), salt, &message(0, "nul", 1)), silent, malformed),
        ("another key", signed(&other, salt, &ok), silent, signature),
        ("altered", text.replacen("node1", "node2", 1).into_bytes(), silent, signature),
        ("no reply, and another key", signed(&other, salt, "[]"), silent, signature),
        ("an unknown salt", reply("unknown"), silent, wrong_salt),
        ("no salt", reply(""), silent, wrong_salt),
        ("part of the salt", reply(&salt[1..]), silent, wrong_salt),
        ("the salt in capitals", reply(&salt.to_uppercase()), silent, wrong_salt),
        ("an unknown salt from one not asked", reply("unknown"), not_asked, wrong_salt),
        ("from a peer that was not asked", good.clone(), not_asked, source),
        ("from a stranger", good.clone(), stranger, source),
        ("rubbish from a stranger", b"plj0rubbish".to_vec(), stranger, source),
        ("from another port", good.clone(), (silent.ip(), 1815).into(), source),
        ("once more", good.clone(), answered, duplicate),
        ("once more, otherwise", signed(&key(), salt, &ok), answered, duplicate),
        ("once more, forged", signed(&other, salt, &ok), answered, duplicate),
    ];
    for (what, datagram, from, counter) in cases {
        let (before, stats) = (scene.snapshot(), scene.engine.stats());
        scene.hear(&datagram, from);
        let now = scene.engine.stats();
        assert_eq!(counter(&now), counter(&stats) + 1, "{what}");
        assert_eq!(now.datagrams_in, now.replies + dropped(&now), "{what}: in one counter");
        scene.engine.stats = stats;
        assert_eq!(scene.snapshot(), before, "{what}");
    }
    scene.hear(&good, silent);
    assert_eq!(scene.deliver()[0].received, 2, "who sent rubbish can still answer");
}

#[test]
fn a_reply_is_verified_with_the_key_that_signed_its_request() {
    let mut scene = Scene::new(3);
    let new = || Key::new(b"the next key\n").unwrap();
    let old = scene.ask(0);
    scene.engine.set_key(scene.now, new());
    let young = scene.ask(0);
    let ok = message(0, "1", 1);
    scene.hear(&signed(&new(), &old.salt, &ok), old.to[0]);
    scene.hear(&signed(&key(), &young.salt, &ok), young.to[0]);
    assert!(scene.events().is_empty());
    assert_eq!(scene.engine.stats().dropped_signature, 2);
    scene.hear(&signed(&key(), &old.salt, &ok), old.to[0]);
    scene.hear(&signed(&new(), &young.salt, &ok), young.to[0]);
    assert_eq!(scene.events().len(), 2);
}

#[test]
fn a_key_goes_with_its_last_request_once_its_change_is_over() {
    let mut scene = Scene::new(3);
    let key = Arc::downgrade(scene.engine.keys.current());
    let (one, two) = (scene.ask(0), scene.ask(0));
    scene.engine.set_key(scene.now, Key::new(b"the next key\n").unwrap());
    scene.hear(&reply(&one.salt), one.to[0]);
    scene.cancel(&one.salt).unwrap();
    assert!(scene.engine.keys.rotates());
    scene.engine.extend(two.id, 600 * SECOND);
    scene.expire(scene.now + 600 * SECOND, 9);
    assert!(key.upgrade().is_some());
    scene.cancel(&two.salt).unwrap();
    assert!(key.upgrade().is_none(), "events that wait hold no key");
}

#[test]
fn a_key_goes_with_its_last_request_when_every_peer_has_answered_under_the_next() {
    let mut scene = Scene::new(3);
    let key = Arc::downgrade(scene.engine.keys.current());
    let old = scene.ask(0);
    let next = || Key::new(b"the next key\n").unwrap();
    scene.engine.set_key(scene.now, next());
    let young = scene.ask(-1);
    for &from in &young.to {
        scene.hear(&signed(&next(), &young.salt, &message(0, "1", 1)), from);
    }
    assert!(key.upgrade().is_some());
    scene.cancel(&old.salt).unwrap();
    assert!(key.upgrade().is_none());
}

#[test]
fn the_signature_is_over_salt_and_message() {
    let mut scene = Scene::new(3);
    let (one, two) = (scene.ask(0), scene.ask(0));
    let moved = String::from_utf8(reply(&one.salt)).unwrap().replace(&one.salt, &two.salt);
    scene.hear(moved.as_bytes(), two.to[0]);
    assert_eq!(scene.engine.stats().dropped_signature, 1);
}
