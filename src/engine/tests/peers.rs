//! Peers: how they are told apart, and what becomes of replies when they change.

use std::net::SocketAddr;

use super::scene::*;
use crate::engine::peers::{Peer, parse_peers, parse_source};
use crate::engine::{Config, Engine};

#[test]
fn replies_to_what_was_sent_before_a_change_of_peers_count() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(0);
    scene.engine.update_peers(&[peer(1), peer(7)]).unwrap();
    for &from in &asked.to {
        scene.hear(&reply(&asked.salt), from);
    }
    assert_eq!(scene.events().len(), 3);
    scene.hear(&reply(&asked.salt), address(7));
    assert_eq!(scene.engine.stats().dropped_source, 1, "a new peer was not asked");

    let later = scene.ask(-1);
    assert!(later.to.contains(&address(7)) && later.to.len() == 2);
    scene.hear(&reply(&later.salt), address(0));
    assert_eq!(scene.engine.stats().dropped_source, 2, "nor was one that is gone");
}

#[test]
fn what_waits_in_the_queue_goes_to_the_peers_it_was_meant_for() {
    let mut scene = Scene::new(3);
    scene.ask_queued(-1);
    scene.engine.update_peers(&[peer(7)]).unwrap();
    let mut to = scene.flush();
    to.sort_unstable();
    assert_eq!(to, [address(0), address(1), address(2)]);
}

#[test]
fn an_address_is_remembered_while_a_request_needs_it_and_no_longer() {
    let mut scene = Scene::new(3);
    let (one, two) = (scene.ask(-1), scene.ask(-1));
    scene.engine.update_peers(&[peer(7)]).unwrap();
    assert_eq!(scene.engine.book.len(), 4);
    scene.cancel(&one.salt).unwrap();
    assert_eq!(scene.engine.book.len(), 4);
    scene.cancel(&two.salt).unwrap();
    assert_eq!(scene.engine.book.len(), 1);
    scene.hear(&reply(&two.salt), two.to[0]);
    assert_eq!(scene.engine.stats().dropped_source, 1);
    for round in 0..200 {
        scene.engine.update_peers(&[peer(round), peer(round + 1)]).unwrap();
        let asked = scene.ask(1);
        scene.hear(&reply(&asked.salt), asked.to[0]);
        scene.cancel(&asked.salt).unwrap();
        assert_eq!(scene.engine.book.len(), 2);
    }
    assert_eq!(scene.engine.stats().replies, 200);
}

#[test]
fn the_same_peers_again_are_the_same() {
    let mut scene = Scene::new(3);
    let asked = scene.ask(-1);
    scene.hear(&reply(&asked.salt), asked.to[0]);
    scene.engine.update_peers(&peers(3)).unwrap();
    for &from in &asked.to {
        scene.hear(&reply(&asked.salt), from);
    }
    assert_eq!((scene.engine.stats().replies, scene.engine.stats().dropped_duplicate), (3, 1));
}

#[test]
fn ports_tell_peers_apart() {
    let list = parse_peers(&["192.0.2.1", "192.0.2.1:2000"], 1814, &|_| None).unwrap();
    let mut scene = Scene::new(1);
    scene.engine.update_peers(&list).unwrap();
    let asked = scene.ask(-1);
    assert_eq!(asked.to.len(), 2);
    scene.hear(&reply(&asked.salt), "192.0.2.1:1814".parse().unwrap());
    scene.hear(&reply(&asked.salt), "192.0.2.1:2001".parse().unwrap());
    scene.hear(&reply(&asked.salt), "192.0.2.1:2000".parse().unwrap());
    let ports: Vec<_> = scene.events().iter().map(|told| source(told).port()).collect();
    assert_eq!((ports, scene.engine.stats().dropped_source), (vec![1814, 2000], 1));
}

#[test]
fn an_address_is_compared_as_what_it_means() {
    let zone = |name: &str| name.parse().ok().or((name == "eth0").then_some(2));
    let list = parse_peers(&["fe80::1%eth0", "fe80::1%3", "2001:db8::1"], 1814, &zone).unwrap();
    let mut engine = Engine::new(Config::default(), key(), &list, 0);
    let request = fresh(1);
    engine.send(at(0), &request, -1, 0).unwrap();
    let mut hear = |ip: &str| {
        let before = engine.stats();
        engine.handle_datagram(0, &reply(request.salt().as_str()), &parse_source(ip, 1814, &zone).unwrap());
        let now = engine.stats();
        (now.replies - before.replies, now.dropped_source - before.dropped_source)
    };
    assert_eq!(hear("fe80::1%4"), (0, 1), "another link, another host");
    assert_eq!(hear("fe80::1%2"), (1, 0));
    assert_eq!(hear("fe80::1%3"), (1, 0));
    assert_eq!(hear("2001:DB8:0::1%eth0"), (1, 0), "no zone matters there");
    let ips: Vec<_> = std::iter::from_fn(|| engine.next_event())
        .map(|event| match event.kind {
            crate::engine::EventKind::Reply { ip, .. } => ip.to_str().unwrap().to_owned(),
            _ => String::new(),
        })
        .collect();
    assert_eq!(ips, ["fe80::1%eth0", "fe80::1%3", "2001:db8::1"], "shown as they were written");
}

#[test]
fn a_peer_is_shown_as_it_was_written_last() {
    let mut scene = Scene::new(1);
    for text in ["10.0.0.7", "10.0.0.7:1814", "10.0.0.7"] {
        scene.engine.update_peers(&parse_peers(&[text], 1814, &|_| None).unwrap()).unwrap();
        assert_eq!(scene.engine.peer_stats(0).unwrap().address.to_str().unwrap(), text);
    }
}

#[test]
fn a_mapped_address_is_the_ipv4_one() {
    let mut scene = Scene::new(1);
    scene.engine.update_peers(&[Peer::new("[::ffff:192.0.2.1]:1814".parse().unwrap())]).unwrap();
    let asked = scene.ask(0);
    assert_eq!(asked.to, ["192.0.2.1:1814".parse().unwrap()]);
    scene.hear(&reply(&asked.salt), parse_source("::ffff:192.0.2.1", 1814, &|_| None).unwrap());
    assert_eq!(source(&scene.events()[0]), asked.to[0]);
}

fn source(told: &Told) -> SocketAddr {
    match told.what {
        What::Reply { from, .. } => from,
        _ => panic!("{told:?} is no reply"),
    }
}
