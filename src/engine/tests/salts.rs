//! A salt serves once.

use super::scene::*;
use crate::error::Code;
use crate::wire::query::Query;
use crate::wire::request::Request;
use crate::wire::salt::Salt;

fn refused(scene: &mut Scene, request: &Request) -> bool {
    match scene.engine.send(at(scene.now), request, 0, 0) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.code(), Code::DuplicateSalt);
            true
        }
    }
}

/// The ways in which a request ends.
const ENDS: [fn(&mut Scene, &Request); 3] = [
    |scene, _| {
        scene.now += EXPIRY;
        assert_eq!(scene.expire(scene.now, 9), 1);
    },
    |scene, request| scene.cancel(request.salt().as_str()).unwrap(),
    |scene, _| scene.cancel_all(),
];

#[test]
fn a_given_salt_serves_once_also_after_its_request_has_ended() {
    for end in ENDS {
        let mut scene = Scene::new(3);
        for salt in ["round 1", "s\u{e9}l", "01234567-89ab-4def-8123-456789abcdef"] {
            let first = salted(salt);
            scene.ask_as(&first, 0, 0);
            assert!(refused(&mut scene, &first) && refused(&mut scene, &salted(salt)), "while outstanding");
            end(&mut scene, &first);
            assert!(refused(&mut scene, &first) && refused(&mut scene, &salted(salt)), "after its end");
        }
        assert_eq!(scene.engine.outstanding().0, 0);
    }
}

#[test]
fn a_fresh_salt_serves_once_also_when_another_request_copies_it() {
    for end in ENDS {
        let mut scene = Scene::new(3);
        let first = fresh(1);
        scene.ask_as(&first, 0, 0);
        let copy = salted(first.salt().as_str());
        assert!(refused(&mut scene, &first) && refused(&mut scene, &copy), "while outstanding");
        end(&mut scene, &first);
        assert!(refused(&mut scene, &first) && refused(&mut scene, &copy), "after its end");
    }
}

#[test]
fn a_fresh_salt_that_another_request_has_used_first_has_served() {
    for end in ENDS {
        let mut scene = Scene::new(3);
        let copied = fresh(1);
        let first = salted(copied.salt().as_str());
        scene.ask_as(&first, 0, 0);
        assert!(refused(&mut scene, &copied), "while outstanding");
        end(&mut scene, &first);
        assert!(refused(&mut scene, &copied), "after its end");
    }
}

#[test]
fn a_request_that_was_cloned_and_changed_does_not_bring_its_fresh_salt_twice() {
    for end in ENDS {
        for changed_goes_first in [false, true] {
            let mut scene = Scene::new(3);
            let plain = fresh(1);
            let mut changed = plain.clone();
            changed.set_query(Query::text("other"));
            let (first, second) = if changed_goes_first { (&changed, &plain) } else { (&plain, &changed) };
            scene.ask_as(first, 0, 0);
            assert!(refused(&mut scene, second), "while outstanding");
            end(&mut scene, first);
            assert!(refused(&mut scene, second), "after its end");
        }
    }
}

#[test]
fn a_request_with_a_new_salt_can_be_sent_again() {
    let mut scene = Scene::new(3);
    let mut request = fresh(1);
    scene.ask_as(&request, 0, 0);
    request.renew_salt(Salt::from_random([9; 16]));
    assert!(!refused(&mut scene, &request));
    request.set_salt(Salt::from_text("given").unwrap());
    assert!(!refused(&mut scene, &request));
    assert_eq!(scene.engine.outstanding().0, 3);
}

#[test]
fn salts_differ_in_every_character() {
    let mut scene = Scene::new(3);
    for salt in ["a", "A", "a ", " a", "\u{e9}", "\u{c3}\u{a9}", "e\u{301}"] {
        scene.ask_as(&salted(salt), 0, 0);
    }
    let uuid = "01234567-89ab-4def-8123-456789abcdef";
    scene.ask_as(&salted(uuid), 0, 0);
    scene.ask_as(&salted(&uuid.to_uppercase()), 0, 0);
    assert_eq!(scene.engine.outstanding().0, 9);
}

#[test]
fn the_salt_of_a_revoked_request_has_not_served() {
    for request in [fresh(1), salted("given")] {
        let mut scene = Scene::new(3);
        let before = scene.snapshot();
        let id = scene.engine.send(at(scene.now), &request, 3, 0).unwrap();
        for left in (0..3).rev() {
            let given_up = scene.transmit_failed("no route");
            assert_eq!(given_up, (left == 0).then_some(id));
        }
        scene.engine.revoke(id);
        assert!(scene.events().is_empty(), "as if it had never been");
        assert_eq!(std::mem::take(&mut scene.engine.stats.send_errors), 3, "but for what the system said");
        assert_eq!(scene.snapshot(), before);
        assert!(!refused(&mut scene, &request));
    }
}
