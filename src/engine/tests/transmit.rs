//! Datagrams that wait to be sent.

use serde_json::Value;

use super::scene::*;
use crate::engine::{Ask, Config, SECOND};
use crate::wire::envelope::{Envelope, Room, payload};

/// The salt of the request that a datagram is.
fn salt_of(datagram: &[u8]) -> String {
    let (envelope, mut room) = (Envelope::parse(payload(datagram).unwrap()).unwrap(), Room::default());
    let signed = envelope.open(&mut room).unwrap();
    assert!(envelope.is_signed_by(&key(), &signed));
    let message: Value = serde_json::from_str(signed.message).unwrap();
    message["rsalt"].as_str().unwrap().to_owned()
}

/// What waits, as (salt of the request, number of its datagrams), in order.
fn waiting(scene: &Scene) -> Vec<(String, usize)> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for (datagram, _) in scene.engine.peek_transmits() {
        let salt = salt_of(datagram);
        match all.last_mut() {
            Some((last, count)) if *last == salt => *count += 1,
            _ => all.push((salt, 1)),
        }
    }
    assert_eq!(scene.engine.queued(), all.iter().map(|(_, count)| count).sum::<usize>());
    assert_eq!(scene.engine.stats().queued, scene.engine.queued() as u64);
    all
}

#[test]
fn datagrams_wait_in_the_order_of_their_requests() {
    let mut scene = Scene::new(9);
    let (_, one) = scene.ask_queued(2);
    let (_, two) = scene.ask_queued(9);
    let (_, three) = scene.ask_queued(0);
    assert_eq!(waiting(&scene), [(one, 2), (two.clone(), 9), (three.clone(), 6)]);
    let order: Vec<_> = scene.engine.peek_transmits().map(|(_, to)| to).collect();
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(scene.engine.peek_transmits().next().unwrap().1);
        scene.transmitted();
    }
    assert_eq!(waiting(&scene), [(two, 6), (three, 6)]);
    sent.extend(scene.flush());
    assert_eq!(sent, order);
    assert_eq!((waiting(&scene), scene.engine.stats().datagrams_out), (vec![], 17));
    assert_eq!(scene.engine.queue.held(), 0);
}

#[test]
fn every_peer_is_sent_the_same_bytes_stamped_with_the_clock() {
    let mut scene = Scene::new(3);
    scene.ask_queued(3);
    let datagrams: Vec<_> = scene.engine.peek_transmits().map(|(data, _)| data.to_vec()).collect();
    assert!(datagrams.iter().all(|datagram| *datagram == datagrams[0]));
    assert!(String::from_utf8_lossy(&datagrams[0]).contains("\"salt\": \"1795375589\""));
}

#[test]
fn a_request_that_ends_takes_its_datagrams_back() {
    let mut scene = Scene::new(9);
    let (_, one) = scene.ask_queued(9);
    let (_, two) = scene.ask_queued(3);
    let (_, three) = scene.ask_queued(2);
    scene.transmitted();
    scene.cancel(&two).unwrap();
    assert_eq!(waiting(&scene), [(one.clone(), 8), (three.clone(), 2)]);
    scene.cancel(&one).unwrap();
    assert_eq!(waiting(&scene), [(three, 2)]);
    assert_eq!(scene.flush().len(), 2);
    scene.ask_queued(1);
    assert_eq!((scene.expire(scene.now + EXPIRY, 9), scene.engine.queued()), (2, 0));
    scene.transmitted();
    assert_eq!(waiting(&scene), []);
    assert_eq!((scene.engine.stats().datagrams_out, scene.engine.queue.held()), (3, 0));
}

#[test]
fn a_peer_that_left_and_came_back_gets_nothing_of_an_ended_request() {
    let mut scene = Scene::new(2);
    let (_, ended) = scene.ask_queued(2);
    scene.engine.update_peers(&[peer(5)]).unwrap();
    scene.cancel(&ended).unwrap();
    scene.engine.update_peers(&[peer(6), peer(7)]).unwrap();
    let (_, next) = scene.ask_queued(2);
    assert_eq!(waiting(&scene), [(next, 2)]);
}

#[test]
fn what_ended_requests_leave_in_the_queue_is_bounded() {
    let mut scene = Scene::with(Config { max_request_bytes: 65_507, ..Config::default() }, 3);
    for keep in [0, 10, 500] {
        let kept: Vec<_> = (0..keep).map(|_| scene.ask_queued(2).1).collect();
        for _ in 0..2_000 {
            let (_, salt) = scene.ask_queued(3);
            scene.cancel(&salt).unwrap();
            assert!(scene.engine.queue.held() <= keep + keep.max(64) + 1);
        }
        assert_eq!(waiting(&scene).len(), keep);
        for salt in kept {
            scene.cancel(&salt).unwrap();
        }
        assert!(scene.engine.queue.held() <= 65);
        scene.deliver();
    }
    let (_, last) = scene.ask_queued(3);
    assert_eq!((waiting(&scene), scene.flush().len()), (vec![(last, 3)], 3));
    assert_eq!(scene.engine.queue.held(), 0, "sending clears the rest away");
}

#[test]
fn what_ended_queries_leave_in_the_queue_is_bounded_too() {
    let mut scene = Scene::new(9);
    for number in 0..2_000 {
        let ask = Ask { coverage: 3, timeout: Some(SECOND), token: number, quiet: false };
        let mut request = fresh(number as u128);
        scene.engine.query(at(scene.now), &mut request, ask, &mut || unreachable!()).unwrap();
        for host in 0..9 {
            scene.handle_unreachable(address(host));
        }
        assert!(scene.engine.queue.held() > 3, "others are asked in the place of those that refuse");
        scene.cancel(request.salt().as_str()).unwrap();
        assert!(scene.engine.queue.held() <= 100);
        scene.deliver();
    }
}

#[test]
fn spare_buffers_are_few_and_small() {
    let mut scene = Scene::with(Config { max_request_bytes: 65_507, ..Config::default() }, 1);
    for number in 0..200 {
        let mut request = fresh(number + 1_000);
        if number % 2 == 0 {
            request.set_query(crate::wire::query::Query::text(&"x".repeat(60_000)));
        }
        scene.engine.send(at(scene.now), &request, 1, 0).unwrap();
    }
    scene.flush();
    let spare = scene.engine.queue.spare();
    assert!(spare.len() <= 64 && spare.iter().all(|buffer| buffer.is_empty() && buffer.capacity() <= 1_024));
}

#[test]
fn a_datagram_that_the_system_refuses_is_counted_and_the_others_go_on() {
    let mut scene = Scene::new(3);
    let (id, salt) = scene.ask_queued(3);
    assert_eq!(scene.transmit_failed("why"), None);
    scene.transmitted();
    assert_eq!(scene.transmit_failed("why"), None, "one was sent");
    let stats = scene.engine.stats();
    assert_eq!((stats.datagrams_out, stats.send_errors, stats.queued), (1, 2, 0));
    assert_eq!(scene.engine.find(&salt), Some(id));
    assert_eq!(scene.engine.progress(id).unwrap().sent, 3, "who could not be sent to stays contacted");
}

#[test]
fn a_request_is_given_back_when_the_last_of_its_datagrams_and_so_all_were_refused() {
    let mut scene = Scene::new(3);
    let (one, salt) = scene.ask_queued(2);
    let (two, _) = scene.ask_queued(1);
    let refused: Vec<_> = (0..4).map(|_| scene.transmit_failed("why")).collect();
    assert_eq!(refused, [None, Some(one), Some(two), None]);
    assert_eq!(scene.engine.outstanding(), (2, 2), "the caller decides");
    scene.engine.revoke(one);
    assert_eq!((scene.engine.outstanding(), scene.engine.find(&salt)), ((1, 1), None));
    assert_eq!(scene.engine.stats().requests, 1);
    assert!(scene.events().is_empty());
    scene.engine.revoke(one);
    assert_eq!(scene.engine.stats().requests, 1, "once");
}

#[test]
fn a_revoked_request_leaves_nothing_in_the_queue() {
    let mut scene = Scene::new(3);
    let before = scene.engine.book.len();
    let (id, _) = scene.ask_queued(3);
    scene.engine.revoke(id);
    assert_eq!((waiting(&scene), scene.engine.next_deadline()), (vec![], None));
    scene.transmitted();
    assert_eq!((scene.engine.queue.held(), scene.engine.book.len()), (0, before));
}

#[test]
fn datagrams_for_one_peer_are_brought_together_in_their_order_and_none_is_lost() {
    let mut scene = Scene::new(3);
    for _ in 0..10 {
        scene.ask_queued(3);
    }
    let of = |scene: &Scene| -> Vec<(std::net::SocketAddr, Vec<u8>)> {
        scene.engine.peek_transmits().map(|(bytes, to)| (to, bytes.to_vec())).collect()
    };
    let before = of(&scene);
    scene.engine.arrange_transmits();
    let after = of(&scene);
    let changes = after.windows(2).filter(|pair| pair[0].0 != pair[1].0).count();
    assert_eq!((after.len(), changes), (30, 2));
    for host in 0..3 {
        let its = |all: &[(std::net::SocketAddr, Vec<u8>)]| -> Vec<Vec<u8>> {
            all.iter().filter(|(to, _)| *to == address(host)).map(|(_, bytes)| bytes.clone()).collect()
        };
        assert_eq!((its(&after).len(), its(&after)), (10, its(&before)));
    }
    assert_eq!(scene.flush().len(), 30);
}

/// A peer that comes last in every batch is not passed over for ever by those that come before it.
#[test]
fn what_is_brought_together_leaves_before_what_comes_later() {
    let mut scene = Scene::new(7);
    // A ring that has held much holds all that waits in one piece.
    while scene.engine.queued() < 20_000 {
        scene.ask_queued(-1);
    }
    while scene.engine.queued() > 190 {
        scene.transmitted();
    }
    let last_peer = loop {
        let (_, salt) = scene.ask_queued(1);
        if scene.engine.peek_transmits().last().unwrap().1 == address(6) {
            break salt;
        }
        scene.cancel(&salt).unwrap();
    };
    scene.engine.update_peers(&peers(6)).unwrap();
    let ahead = scene.engine.queued() - 1;
    for turn in 0.. {
        while scene.engine.queued() < 200 {
            scene.ask_queued(1);
        }
        scene.engine.arrange_transmits();
        for _ in 0..16 {
            scene.transmitted();
        }
        if !waiting(&scene).iter().any(|(salt, _)| *salt == last_peer) {
            break;
        }
        assert!(turn * 16 < ahead + 64, "{turn} turns of 16, and {ahead} were ahead");
    }
}

/// Large replies, and peers that are dead: the bound is narrow while it has to be, and no longer.
#[test]
fn after_a_large_reply_a_burst_leaves_in_time_beside_dead_peers() {
    let mut scene = Scene::new(6);
    scene.engine.set_receive_buffer(212_992);
    let asked = scene.ask(1);
    scene.now += 200;
    scene.answered(&asked.salt, asked.to[0], &format!("\"{}\"", "x".repeat(30_000)), 7);
    scene.cancel(&asked.salt).unwrap();
    scene.events();
    let burst: Vec<_> = (0..1_000).map(|_| scene.ask_queued(-1).1).collect();
    let began = scene.now;
    while scene.engine.queued() > 0 {
        assert!(scene.now < began + 9 * SECOND, "{} of 6,000 wait", scene.engine.queued());
        scene.expire(scene.now, 10);
        let left: Vec<_> = scene.engine.peek_transmits().map(|(sent, to)| (salt_of(sent), to)).collect();
        scene.flush();
        scene.now += 200;
        // Three of six are dead.
        for (salt, from) in left.iter().filter(|(_, to)| (0..3).any(|host| *to == address(host))) {
            scene.hear(&reply(salt), *from);
        }
        scene.events();
    }
    assert_eq!(scene.engine.outstanding().0, burst.len());
}

#[test]
fn what_waits_before_the_datagrams_of_an_ended_request_leaves_all_the_same() {
    let mut scene = Scene::new(3);
    let (_, one) = scene.ask_queued(3);
    let (_, two) = scene.ask_queued(3);
    let (_, three) = scene.ask_queued(3);
    scene.cancel(&two).unwrap();
    for sent in 1..=6 {
        scene.transmitted();
        assert_eq!(scene.engine.stats().datagrams_out, sent);
        let left = [(one.clone(), 3u64.saturating_sub(sent)), (three.clone(), 3.min(6 - sent))];
        let left: Vec<_> = left.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            waiting(&scene),
            left.into_iter().map(|(salt, count)| (salt, count as usize)).collect::<Vec<_>>()
        );
    }
    assert_eq!(scene.engine.queue.held(), 0);
}

#[test]
fn what_ended_requests_leave_is_cleared_away_when_it_is_a_batch_and_half_of_all() {
    // How many wait, and how many of them end before the rest of these is cleared away.
    for (waiting, ended) in [(100, 65), (130, 66), (200, 101)] {
        let mut scene = Scene::new(1);
        let salts: Vec<_> = (0..waiting).map(|_| scene.ask_queued(1).1).collect();
        for (count, salt) in salts.iter().enumerate().take(ended) {
            assert_eq!(scene.engine.queue.held(), waiting, "{count} of {waiting}");
            scene.cancel(salt).unwrap();
        }
        assert_eq!(scene.engine.queue.held(), waiting - ended);
        assert_eq!(scene.flush().len(), waiting - ended);
    }
}

#[test]
fn what_a_burst_larger_than_a_batch_has_needed_is_given_back_when_it_is_over() {
    for (burst, kept) in [(64, 64), (65, 0)] {
        for ended in [false, true] {
            let mut scene = Scene::new(1);
            for _ in 0..burst {
                scene.ask_queued(1);
            }
            if ended {
                scene.cancel_all();
                scene.transmitted();
            }
            for left in (1..=scene.engine.queued()).rev() {
                assert_eq!((scene.engine.queued(), scene.engine.queue.places().1), (left, burst));
                scene.transmitted();
            }
            let (items, buffers) = scene.engine.queue.places();
            assert_eq!((items > 0, buffers), (kept > 0, kept), "of {burst}");
        }
    }
}
