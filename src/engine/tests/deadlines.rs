//! Deadlines: when a request ends by itself, and how that is put off.

use super::scene::*;
use crate::engine::{Config, SECOND, needed_replies};
use crate::wire::key::Key;

#[test]
fn needed_replies_are_all_then_one_less_then_more_than_half() {
    let needed: Vec<_> = (0..=8).map(needed_replies).collect();
    assert_eq!(needed, [0, 1, 2, 2, 3, 3, 4, 4, 5]);
    assert_eq!(needed_replies(1_000), 501);
    assert_eq!(needed_replies(u32::MAX), 1 << 31);
}

#[test]
fn a_request_expires_exactly_at_its_deadline() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(0);
    let deadline = scene.now + EXPIRY;
    assert_eq!(scene.engine.next_deadline(), Some(deadline));
    assert_eq!(scene.expire(deadline - 1, 9), 0);
    assert!(scene.engine.progress(asked.id).is_some() && !scene.engine.has_events());
    assert_eq!(scene.expire(deadline, 9), 1);
    assert_eq!(scene.engine.next_deadline(), None);
    assert_eq!(scene.engine.progress(asked.id), None);
    assert_eq!(scene.engine.find(&asked.salt), None);
    let told = scene.events();
    assert_eq!((told.len(), &told[0].what, &told[0].salt), (1, &What::Expire, &asked.salt));
    assert_eq!((scene.engine.stats().expired, scene.engine.stats().outstanding), (1, 0));
}

#[test]
fn the_expiry_is_the_clients() {
    let config = Config { expire_after: 5, ..Config::default() };
    let mut scene = Scene::with(config, 3);
    scene.ask(0);
    assert_eq!(scene.engine.next_deadline(), Some(scene.now + 5));
}

#[test]
fn an_answered_request_stays_until_its_expiry() {
    let mut scene = Scene::new(1);
    let asked = scene.ask(0);
    scene.hear(&reply(&asked.salt), asked.to[0]);
    scene.deliver();
    assert_eq!(scene.engine.outstanding(), (1, 0));
    assert_eq!(scene.expire(scene.now + EXPIRY - 1, 9), 0);
    assert_eq!(scene.expire(scene.now + EXPIRY, 9), 1);
}

#[test]
fn expire_ends_no_more_than_it_may_and_the_earliest_first() {
    let mut scene = Scene::new(3);
    for _ in 0..10 {
        scene.ask(0);
        scene.now += 1;
    }
    let first = scene.engine.next_deadline().unwrap();
    assert_eq!(scene.expire(first + 6, 4), 4);
    assert_eq!(scene.engine.next_deadline(), Some(first + 4), "what is left keeps its place in the past");
    assert_eq!(scene.expire(first + 6, 0), 0);
    assert_eq!(scene.expire(first + 6, 9), 3, "and no more than are due");
    let tokens: Vec<_> = scene.events().iter().map(|told| told.token).collect();
    assert_eq!(tokens, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn extend_puts_off_one_request_and_only_that() {
    let mut scene = Scene::new(3);
    let (first, second, third) = (scene.ask(0), scene.ask(0), scene.ask(0));
    let deadline = scene.now + EXPIRY;
    scene.engine.extend(first.id, 5);
    scene.engine.extend(first.id, 0);
    scene.engine.extend(first.id, 2);
    scene.engine.extend(third.id, 0);
    assert_eq!(scene.engine.next_deadline(), Some(deadline));
    assert_eq!(scene.expire(deadline, 9), 2);
    let ended: Vec<_> = scene.events().into_iter().map(|told| told.salt).collect();
    assert!(ended.contains(&second.salt) && ended.contains(&third.salt));
    assert_eq!(scene.engine.next_deadline(), Some(deadline + 7));
    assert_eq!((scene.expire(deadline + 6, 9), scene.expire(deadline + 7, 9)), (0, 1));
    scene.engine.extend(first.id, 5);
    assert_eq!(scene.engine.next_deadline(), None, "what has ended is not put off");
}

#[test]
fn sums_saturate() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(0);
    scene.engine.extend(asked.id, u64::MAX);
    assert_eq!(scene.engine.next_deadline(), Some(u64::MAX));
    scene.engine.extend(asked.id, u64::MAX);
    assert_eq!(scene.expire(u64::MAX - 1, 9), 0);
    assert_eq!(scene.expire(u64::MAX, 9), 1);
    scene.now = u64::MAX - 1;
    scene.ask(0);
    assert_eq!(scene.engine.next_deadline(), Some(u64::MAX));
}

#[test]
fn a_late_reply_is_dropped_for_its_salt_whatever_ended_the_request() {
    for cancelled in [false, true] {
        let mut scene = Scene::new(3);
        let asked = scene.ask(0);
        match cancelled {
            true => scene.cancel(&asked.salt).unwrap(),
            false => assert_eq!(scene.expire(scene.now + EXPIRY, 9), 1),
        }
        scene.deliver();
        scene.hear(&reply(&asked.salt), asked.to[0]);
        assert!(scene.events().is_empty());
        assert_eq!(scene.engine.stats().dropped_salt, 1);
    }
}

#[test]
fn a_place_in_the_table_that_is_used_again_is_another_request() {
    let mut scene = Scene::new(3);
    let first = scene.ask(0);
    scene.cancel(&first.salt).unwrap();
    let reused = scene.ask(0);
    assert_ne!(first.id, reused.id);
    let before = scene.snapshot();
    scene.engine.extend(first.id, 5);
    scene.engine.revoke(first.id);
    assert_eq!(scene.snapshot(), before);
    assert!(scene.engine.progress(first.id).is_none() && scene.engine.progress(reused.id).is_some());
    scene.hear(&reply(&first.salt), first.to[0]);
    assert_eq!(scene.engine.progress(reused.id).unwrap().received, 0);
}

#[test]
fn something_is_due_from_the_moment_on_at_which_expire_has_something_to_do() {
    let due_at = |scene: &mut Scene, when: u64, what: &str| {
        assert!(!scene.engine.is_due(when - 1), "{what}, before its time");
        assert!(scene.engine.is_due(when) && scene.engine.is_due(when + 1), "{what}");
        scene.expire(when, 9);
        assert!(!scene.engine.is_due(when), "{what}, done");
    };
    let mut scene = Scene::new(3);
    assert!(!scene.engine.is_due(u64::MAX));
    scene.ask(0);
    let when = scene.now + EXPIRY;
    due_at(&mut scene, when, "a request's end");

    scene.engine.set_key(when, Key::new(b"the next key\n").unwrap());
    due_at(&mut scene, when + 600 * SECOND, "an old key's end");

    let mut scene = Scene::new(3);
    scene.engine.set_receive_buffer(200_000);
    scene.ask(0);
    let when = scene.now + 50_000;
    due_at(&mut scene, when, "datagrams that nobody answers");

    let mut scene = Scene::new(3);
    let asked = scene.query(0, Some(SECOND));
    for &from in &asked.to[..2] {
        scene.hear(&reply(&asked.salt), from);
    }
    assert_eq!(scene.results().len(), 1);
    let when = scene.now + SECOND;
    due_at(&mut scene, when, "what remains of a query");
}

#[test]
fn waiting_for_room_ends_when_datagrams_are_given_up() {
    let mut scene = Scene::new(9);
    scene.engine.set_receive_buffer(1);
    scene.ask_queued(-1);
    let end = scene.now + EXPIRY;
    let give_up = scene.now + 50_000;
    assert_eq!((scene.engine.queued(), scene.engine.sendable()), (9, 8));
    for _ in 0..7 {
        scene.transmitted();
    }
    assert_eq!((scene.engine.sendable(), scene.engine.next_deadline()), (1, Some(end)), "there is room");
    scene.transmitted();
    assert_eq!((scene.engine.sendable(), scene.engine.next_deadline()), (0, Some(give_up)));
    assert_eq!(scene.engine.peek_transmits().count(), 0);
    scene.expire(give_up, 9);
    assert_eq!((scene.engine.sendable(), scene.engine.next_deadline()), (1, Some(end)));
    assert_eq!(scene.flush().len(), 1);
    assert_eq!(scene.engine.sendable(), 0);
    for _ in 0..7 {
        scene.ask_queued(1);
    }
    scene.flush();
    let before = scene.engine.next_deadline();
    assert_eq!((scene.engine.queued(), before), (0, Some(end)), "without room, and nothing waits");
}
