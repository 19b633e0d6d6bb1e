//! Replies as real servers write them: signed as UTF-8, and each character truncated to one byte on the wire.

use super::scene::*;
use crate::wire::key::Key;

/// A reply whose text is not escaped.
fn raw(key: &Key, salt: &str, message: &str) -> String {
    let tag = hex(&key.sign(salt.as_bytes(), message.as_bytes()));
    let message = message.replace('\\', "\\\\").replace('"', "\\\"");
    format!("plj0{{\"msg\":\"{message}\",\"salt\":\"{salt}\",\"hmac\":\"{tag}\"}}")
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| character as u32 as u8).collect()
}

fn answer_of(scene: &mut Scene) -> Option<String> {
    match scene.deliver().pop()?.what {
        What::Reply { answer, .. } => Some(answer),
        _ => None,
    }
}

#[test]
fn an_answer_is_read_in_utf8_in_latin1_and_escaped() {
    // The last one is valid UTF-8 after its truncation, and then means something else.
    for name in ["node1", "n\u{e9}", "\u{80}\u{ff}", "\u{c3}\u{a9}"] {
        let text = message(0, &format!("\"{name}\""), 1);
        let mut scene = Scene::new(3);
        let asked = scene.ask(3);
        let plain = raw(&key(), &asked.salt, &text);
        let wire = [plain.clone().into_bytes(), latin1(&plain), signed(&key(), &asked.salt, &text)];
        for (datagram, &from) in wire.iter().zip(&asked.to) {
            scene.hear(datagram, from);
            assert_eq!(answer_of(&mut scene), Some(format!("\"{name}\"")));
        }
    }
}

#[test]
fn a_salt_that_is_not_ascii_is_found_in_either_reading() {
    for salt in ["s\u{e9}l", "\u{ff}", "\u{c3}\u{a9}"] {
        let mut scene = Scene::new(3);
        let asked = scene.ask_as(&salted(salt), 3, 0);
        let plain = raw(&key(), salt, &message(0, "1", 1));
        for (datagram, &from) in
            [plain.clone().into_bytes(), latin1(&plain), reply(salt)].iter().zip(&asked.to)
        {
            scene.hear(datagram, from);
        }
        assert_eq!(scene.deliver().len(), 3, "{salt}");
    }
}

#[test]
fn a_forgery_is_none_in_either_reading() {
    let other = Key::new(b"other").unwrap();
    let mut scene = Scene::new(3);
    let asked = scene.ask(1);
    let plain = raw(&other, &asked.salt, &message(0, "\"n\u{e9}\"", 1));
    scene.hear(&latin1(&plain), asked.to[0]);
    scene.hear(plain.as_bytes(), asked.to[0]);
    assert_eq!(scene.engine.stats().dropped_signature, 2, "each once, though read twice");
    assert_eq!(scene.engine.stats().datagrams_in, 2);
    assert!(scene.events().is_empty());
}

#[test]
fn what_came_further_says_why_a_datagram_was_dropped() {
    let mut scene = Scene::new(3);
    let asked = scene.ask_as(&salted("s\u{e9}l"), 1, 0);
    let stats = |scene: &Scene| {
        let stats = scene.engine.stats();
        (stats.dropped_malformed, stats.dropped_signature, stats.dropped_salt)
    };
    let bad = |message: &str, key: &Key| raw(key, "s\u{e9}l", message);
    scene.hear(bad(&message(0, "1", 1), &Key::new(b"other").unwrap()).as_bytes(), asked.to[0]);
    assert_eq!(stats(&scene), (0, 1, 0), "the other reading has an unknown salt");
    scene.hear(raw(&key(), "autre s\u{e9}l", &message(0, "1", 1)).as_bytes(), asked.to[0]);
    assert_eq!(stats(&scene), (0, 1, 1));
    scene.hear(bad("[]", &key()).as_bytes(), asked.to[0]);
    assert_eq!(stats(&scene), (1, 1, 1), "signed, and no reply");
}

#[test]
fn a_signed_message_that_is_no_reply_is_malformed_in_either_reading() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(1);
    let plain = raw(&key(), &asked.salt, "[\"n\u{e9}\"]");
    scene.hear(plain.as_bytes(), asked.to[0]);
    scene.hear(&latin1(&plain), asked.to[0]);
    let stats = scene.engine.stats();
    assert_eq!((stats.dropped_malformed, stats.dropped_signature), (2, 0));
}
