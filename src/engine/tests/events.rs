//! Events: in the order in which they came about, one last one for each request.

use super::scene::*;
use crate::engine::LogLevel;

fn shape(told: &Told) -> (usize, &'static str, u32, u32) {
    let what = match told.what {
        What::Reply { .. } => "reply",
        What::HeldBack => "held back",
        What::Expire => "expire",
        What::Cancel => "cancel",
        What::Query => "query",
    };
    (told.token, what, told.sent, told.received)
}

#[test]
fn events_come_in_order_and_say_how_far_the_request_was_then() {
    let mut scene = Scene::new(4);
    let (one, two) = (scene.ask(3), scene.ask(2));
    scene.hear(&reply(&one.salt), one.to[2]);
    scene.hear(&reply(&two.salt), two.to[0]);
    scene.hear(&reply(&one.salt), one.to[0]);
    scene.cancel(&two.salt).unwrap();
    scene.hear(&reply(&two.salt), two.to[1]);
    scene.hear(&reply(&one.salt), one.to[1]);
    scene.expire(scene.now + EXPIRY, 9);
    assert!(scene.engine.has_events());
    let told = scene.events();
    let shapes: Vec<_> = told.iter().map(shape).collect();
    assert_eq!(
        shapes,
        [
            (1, "reply", 3, 1),
            (2, "reply", 2, 1),
            (1, "reply", 3, 2),
            (2, "cancel", 2, 1),
            (1, "reply", 3, 3),
            (1, "expire", 3, 3),
        ]
    );
    assert!(told.iter().all(|told| told.consistent));
    assert!(told.iter().all(|told| told.salt == [&one.salt, &two.salt][told.token - 1].as_str()));
    assert!(!scene.engine.has_events());
}

#[test]
fn a_reply_event_says_who_answered_and_what() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(0);
    scene.answered(&asked.salt, asked.to[1], "[1, 2]", 42);
    scene.hear(&signed(&key(), &asked.salt, &message(1, "\"why\"", 0)), asked.to[0]);
    let told = scene.events();
    let answer = |from, status, serial, answer: &str| What::Reply {
        from,
        asked: true,
        status,
        serial,
        answer: answer.to_owned(),
    };
    assert_eq!(told[0].what, answer(asked.to[1], 0, 42, "[1, 2]"));
    assert_eq!(told[1].what, answer(asked.to[0], 1, 0, "\"why\""));
}

#[test]
fn cancel_all_ends_every_request_once() {
    let mut scene = Scene::new(3);
    for _ in 0..20 {
        scene.ask(0);
    }
    scene.ask_queued(2);
    scene.cancel_all();
    scene.cancel_all();
    assert_eq!(scene.expire(u64::MAX, 99), 0);
    let told = scene.events();
    assert!(told.iter().all(|told| told.what == What::Cancel));
    let mut tokens: Vec<_> = told.iter().map(|told| told.token).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (1..=21).collect::<Vec<_>>());
    let stats = scene.engine.stats();
    assert_eq!((stats.cancelled, stats.expired, stats.outstanding, stats.queued), (21, 0, 0, 0));
}

#[test]
fn replies_not_yet_delivered_can_be_dropped_and_last_events_stay() {
    let config = crate::engine::Config { filter: true, ..Default::default() };
    let mut scene = Scene::with(config, 3);
    let (one, two, three) = (scene.ask(0), scene.ask(0), scene.ask(0));
    scene.hear(&reply(&one.salt), one.to[0]);
    scene.hear(&reply(&one.salt), one.to[1]);
    scene.cancel(&one.salt).unwrap();
    scene.hear(&reply(&two.salt), two.to[0]);
    scene.expire(scene.now + EXPIRY, 1);
    scene.engine.drop_replies();
    scene.cancel(&three.salt).unwrap();
    let mut shapes: Vec<_> = scene.events().iter().map(shape).collect();
    shapes.sort_unstable();
    assert_eq!(shapes, [(1, "cancel", 3, 2), (2, "expire", 3, 1), (3, "cancel", 3, 0)]);
}

#[test]
fn calls_without_a_reason_do_nothing() {
    let mut scene = Scene::new(3);
    let before = scene.snapshot();
    scene.transmitted();
    assert_eq!(scene.transmit_failed("why"), None);
    assert_eq!(scene.expire(u64::MAX, usize::MAX), 0);
    scene.cancel_all();
    scene.engine.drop_replies();
    scene.engine.handle_overflow(0);
    assert!(scene.engine.next_event().is_none() && scene.engine.next_log_line().is_none());
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn losses_and_refusals_are_counted_and_end_nothing() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(2);
    scene.handle_unreachable(asked.to[0]);
    scene.handle_unreachable(address(99));
    scene.engine.handle_overflow(5);
    let stats = scene.engine.stats();
    assert_eq!((stats.refused, stats.dropped_overflow, stats.datagrams_in), (1, 5, 0));
    scene.hear(&reply(&asked.salt), asked.to[0]);
    assert_eq!(scene.events()[0].received, 1, "a peer that was refused stays contacted");
}

#[test]
fn no_loss_is_no_reason_to_send_less() {
    let mut scene =
        Scene::with(crate::engine::Config { log_level: Some(LogLevel::Debug), ..Default::default() }, 3);
    scene.engine.set_receive_buffer(200_000);
    for _ in 0..200 {
        scene.ask_queued(1);
    }
    let before = scene.engine.sendable();
    scene.engine.handle_overflow(0);
    assert_eq!((scene.engine.sendable(), scene.log().len()), (before, 0));
    scene.engine.handle_overflow(1);
    assert_eq!((scene.engine.sendable() < before, scene.log().len()), (true, 1));
}

#[test]
fn replies_are_expected_while_a_request_is_outstanding() {
    let mut scene = Scene::new(1);
    assert!(!scene.engine.expects_replies());
    let asked = scene.ask(1);
    assert!(scene.engine.expects_replies());
    scene.hear(&reply(&asked.salt), asked.to[0]);
    assert!(scene.engine.expects_replies(), "it can come twice, which is counted");
    scene.cancel(&asked.salt).unwrap();
    assert!(!scene.engine.expects_replies());
}
