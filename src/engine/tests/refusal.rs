//! A request that is refused: why, and that it leaves no trace.

use super::scene::*;
use crate::engine::{Config, Engine};
use crate::error::Code;
use crate::wire::query::{Query, RequestType};
use crate::wire::request::Request;
use crate::wire::salt::Salt;

fn request(salt: &str, query_bytes: usize) -> Request {
    let query = Query::text(&"x".repeat(query_bytes));
    let mut request = Request::new(RequestType::NodeRoleByName, query, Salt::from_random([0; 16]));
    request.set_salt(Salt::from_text(salt).unwrap());
    request
}

/// Every fault and those that are looked for after it.
fn faults() -> Vec<(Request, i32, Code)> {
    vec![
        (request("", 5_000), 4, Code::Coverage),
        (request("used", 5_000), 4, Code::Coverage),
        (request("", 5_000), -2, Code::InvalidArgument),
        (request("", 5_000), 0, Code::MissingSalt),
        (request("", 1), 0, Code::MissingSalt),
        (request("used", 5_000), 0, Code::DuplicateSalt),
        (request("used", 1), 0, Code::DuplicateSalt),
        (request("spent", 5_000), 0, Code::DuplicateSalt),
        (request("new", 5_000), 0, Code::RequestTooBig),
    ]
}

fn scene() -> Scene {
    let mut scene = Scene::new(3);
    scene.ask_as(&request("spent", 1), 0, 1);
    scene.cancel("spent").unwrap();
    scene.deliver();
    scene.engine.send(at(scene.now), &request("used", 1), 2, 2).unwrap();
    scene
}

#[test]
fn checks_come_in_their_order_coverage_salt_unused_salt_size() {
    let mut scene = scene();
    for (request, coverage, code) in faults() {
        let error = scene.engine.send(at(scene.now), &request, coverage, 9).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

#[test]
fn a_refused_request_leaves_no_trace() {
    let (mut scene, mut other) = (scene(), scene());
    let before = scene.snapshot();
    for (request, coverage, _) in faults() {
        scene.engine.send(at(scene.now), &request, coverage, 9).unwrap_err();
        assert!(!request.is_spent());
        assert_eq!(scene.snapshot(), before);
    }
    assert!(scene.log().is_empty());
    let later = |scene: &mut Scene| (0..9).map(|_| scene.ask(2).to).collect::<Vec<_>>();
    assert_eq!(later(&mut scene), later(&mut other), "the choices to come are the same");
}

#[test]
fn a_request_that_was_too_big_can_be_sent_when_it_is_smaller() {
    let mut scene = Scene::new(3);
    let mut asked = request("salt", 5_000);
    assert_eq!(scene.engine.send(at(0), &asked, 0, 0).unwrap_err().code(), Code::RequestTooBig);
    asked.set_query(Query::NONE);
    scene.engine.send(at(0), &asked, 0, 0).unwrap();
}

#[test]
fn the_limit_on_a_request_is_the_clients() {
    let limit = |max_request_bytes| {
        let config = Config { max_request_bytes, ..Config::default() };
        Engine::new(config, key(), &peers(1), 0).send(at(0), &request("s", 5_000), 0, 0).map(|_| ())
    };
    assert_eq!(limit(4_096).unwrap_err().code(), Code::RequestTooBig);
    assert_eq!(limit(65_507), Ok(()));
}

#[test]
fn refused_peers_leave_the_old_ones() {
    let mut scene = Scene::new(3);
    let before = scene.snapshot();
    let other_family = crate::engine::peers::Peer::new("[2001:db8::1]:1814".parse().unwrap());
    assert_eq!(scene.engine.update_peers(&[]).unwrap_err().code(), Code::NoPeers);
    assert_eq!(scene.engine.update_peers(&[other_family]).unwrap_err().code(), Code::MixedFamilies);
    assert_eq!(scene.snapshot(), before);
    assert_eq!(scene.ask(-1).to.len(), 3);
}

#[test]
fn an_unknown_salt_cannot_be_cancelled() {
    let mut scene = scene();
    let before = scene.snapshot();
    for salt in ["", "spent", "unknown", "Used"] {
        assert_eq!(scene.cancel(salt).unwrap_err().code(), Code::UnknownRequest);
    }
    assert_eq!(scene.snapshot(), before);
}
