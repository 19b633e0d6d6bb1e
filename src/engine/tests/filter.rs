//! How far a request has come: progress, the filter, and whether the answers agree.

use super::scene::*;
use crate::engine::{Config, Progress};

fn filtering(any_source: bool) -> Scene {
    Scene::with(Config { filter: true, any_source, ..Config::default() }, 7)
}

#[test]
fn a_reply_is_settled_when_its_upcall_has_returned() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(3);
    scene.hear(&reply(&asked.salt), asked.to[0]);
    scene.hear(&reply(&asked.salt), asked.to[1]);
    let progress = |scene: &Scene| scene.engine.progress(asked.id).unwrap();
    assert_eq!(progress(&scene), Progress { sent: 3, received: 2, settled: 0 });
    let event = scene.engine.next_event().unwrap();
    assert_eq!(progress(&scene).settled, 0, "the upcall runs");
    assert_eq!(scene.engine.upcall_returned(&event), Some(asked.id));
    assert_eq!(progress(&scene), Progress { sent: 3, received: 2, settled: 1 });
    assert!(!progress(&scene).is_enough());
    scene.deliver();
    assert!(progress(&scene).is_enough());
}

#[test]
fn upcalls_of_ended_requests_and_last_upcalls_settle_nothing() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(3);
    scene.hear(&reply(&asked.salt), asked.to[0]);
    scene.cancel(&asked.salt).unwrap();
    let next = scene.ask(3);
    assert_eq!(scene.deliver().len(), 2);
    assert_eq!(scene.engine.progress(next.id), Some(Progress { sent: 3, received: 0, settled: 0 }));
    assert_eq!(scene.engine.progress(asked.id), None);
}

#[test]
fn enough_is_what_the_needed_replies_say() {
    for (sent, needed) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)] {
        let mut scene = Scene::new(7);
        let asked = scene.ask(sent);
        for (index, &from) in asked.to.iter().enumerate() {
            scene.hear(&reply(&asked.salt), from);
            scene.deliver();
            assert_eq!(scene.engine.progress(asked.id).unwrap().is_enough(), index + 1 >= needed);
        }
    }
}

#[test]
fn the_filter_holds_back_what_says_nothing_new_and_still_counts_it() {
    let mut scene = filtering(false);
    let asked = scene.ask(7);
    let says = [
        (1, "0", 0),
        (1, "2", 0),
        (0, "\"a\"", 5),
        (0, "\"b\"", 4),
        (0, "\"b\"", 5),
        (0, "\"a\"", 6),
        (0, "\"b\"", 7),
    ];
    let mut told = Vec::new();
    for (index, (status, answer, serial)) in says.into_iter().enumerate() {
        scene.hear(&signed(&key(), &asked.salt, &message(status, answer, serial)), asked.to[index]);
        told.extend(scene.deliver());
        let through = index as u32 + 1;
        let progress = Progress { sent: 7, received: through, settled: through };
        assert_eq!(scene.engine.progress(asked.id), Some(progress));
    }
    let held: Vec<_> = told.iter().map(|told| told.what == What::HeldBack).collect();
    assert_eq!(held, [false, true, false, true, true, true, false]);
    assert_eq!(told.iter().map(|told| told.received).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(scene.engine.stats().replies, 7);
}

#[test]
fn what_is_held_back_settles_in_its_turn() {
    let mut scene = filtering(false);
    let asked = scene.ask(3);
    scene.hear(&reply(&asked.salt), asked.to[0]);
    scene.hear(&reply(&asked.salt), asked.to[1]);
    let settled = |scene: &Scene| scene.engine.progress(asked.id).unwrap().settled;
    assert_eq!(settled(&scene), 0, "not before the upcall of the reply before it");
    let event = scene.engine.next_event().unwrap();
    scene.engine.upcall_returned(&event);
    assert_eq!(settled(&scene), 1);
    scene.deliver();
    assert_eq!(settled(&scene), 2);
}

#[test]
fn a_stranger_who_says_nothing_new_is_no_event_at_all() {
    let mut scene = filtering(true);
    let asked = scene.ask(3);
    scene.hear(&reply(&asked.salt), address(99));
    scene.hear(&reply(&asked.salt), address(98));
    scene.hear(&reply(&asked.salt), asked.to[0]);
    let told = scene.deliver();
    assert_eq!(told.len(), 2);
    assert!(matches!(told[0].what, What::Reply { asked: false, .. }));
    assert_eq!((&told[1].what, told[1].received), (&What::HeldBack, 1));
    assert_eq!(scene.engine.stats().replies, 3);
}

#[test]
fn each_request_is_filtered_by_itself() {
    let mut scene = filtering(false);
    for _ in 0..2 {
        let asked = scene.ask(3);
        scene.hear(&reply(&asked.salt), asked.to[0]);
        assert!(matches!(scene.deliver()[0].what, What::Reply { .. }));
    }
}

#[test]
fn consistent_is_lost_where_two_ok_replies_disagree_on_one_serial_and_stays_lost() {
    for filter in [false, true] {
        let mut scene = Scene::with(Config { filter, ..Config::default() }, 6);
        let asked = scene.ask(6);
        let says = [("{\"a\":1,\"b\":2}", 5), ("{\"b\":2, \"a\":1.0}", 5), ("3", 4), ("4", 4), ("3", 4)];
        for ((answer, serial), &from) in says.into_iter().zip(&asked.to) {
            scene.answered(&asked.salt, from, answer, serial);
        }
        scene.cancel(&asked.salt).unwrap();
        let consistent: Vec<_> = scene.deliver().iter().map(|told| told.consistent).collect();
        assert_eq!(consistent, [true, true, true, false, false, false]);
        let next = scene.ask(0);
        scene.answered(&next.salt, next.to[0], "6", 6);
        assert!(scene.deliver()[0].consistent, "for that request only");
    }
}

#[test]
fn errors_are_never_inconsistent() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(3);
    for (answer, &from) in ["0", "1", "2"].iter().zip(&asked.to) {
        scene.hear(&signed(&key(), &asked.salt, &message(1, answer, 0)), from);
    }
    assert!(scene.deliver().iter().all(|told| told.consistent));
}
