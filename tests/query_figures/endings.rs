//! One completion for each query, whatever happens, and what remains of a query afterwards.

use confdclient::engine::peers::Peer;
use confdclient::engine::{Config, Outcome};
use confdclient::wire::query::{Query, RequestType};

use crate::world::*;

#[test]
fn every_query_ends_exactly_once_under_random_cancels_and_a_close() {
    let (count, mut ended) = (seeds(), [0u64; 4]);
    for_each_seed(count, |seed| {
        let mut world = World::new(Config { retry_every: 100 * MS, ..Config::default() }, 8, seed);
        world.keeps = false;
        for server in 0..8 {
            let health =
                [Health::Up, Health::Up, Health::Silent, Health::Refusing][world.chance.below(4) as usize];
            world.servers[server].health = health;
            (world.servers[server].loss, world.servers[server].duplicates) = (0.2, 0.2);
            world.servers[server].way = (100, 30 * MS);
        }
        let mut asked: Vec<(usize, String, bool)> = Vec::new();
        for _ in 0..20 {
            match world.chance.below(10) {
                0..=4 => {
                    let timeout = world.chance.below(500) * MS;
                    let long = world.chance.hit(0.1);
                    let mut request = if long {
                        let list: Vec<String> = (0..250).map(|n| format!("10.1.1.{n}")).collect();
                        let list: Vec<&str> = list.iter().map(String::as_str).collect();
                        world.request(RequestType::NodePipByInstanceIp, Query::ips(&list, None))
                    } else {
                        world.request(RequestType::ClusterMaster, Query::NONE)
                    };
                    let endless = world.chance.hit(0.1);
                    let token = world.ask_this(&mut request, 0, (!endless).then_some(timeout));
                    assert!(!world.results.contains_key(&token), "not before the call is over");
                    asked.push((token, request.salt().as_str().to_owned(), false));
                }
                5..=6 if !asked.is_empty() => {
                    let which = world.chance.below(asked.len() as u64) as usize;
                    let (token, salt, _) = asked[which].clone();
                    let known = !world.results.contains_key(&token);
                    assert_eq!(world.engine.cancel(world.now, &salt).is_ok(), known);
                    world.flush();
                    asked[which].2 |= known;
                    assert_eq!(world.results[&token].len(), 1);
                }
                7 => {
                    let key = world.chance.below(2) as usize;
                    world.set_key(key);
                }
                8 => {
                    let few = world.chance.between(6, 8) as usize;
                    let chosen = world.chance.some_of(few, 8);
                    let peers: Vec<Peer> = chosen.into_iter().map(|peer| Peer::new(address(peer))).collect();
                    world.engine.update_peers(&peers).unwrap();
                }
                _ => {
                    let pause = world.chance.below(200) * MS;
                    world.run_until(world.now + pause);
                }
            }
        }
        if seed % 2 == 0 {
            world.run_until(world.now + 5 * SECOND);
        }
        world.engine.cancel_all(world.now);
        world.flush();
        // Until an old key has gone, too.
        world.run_until(world.now + 620 * SECOND);
        for (token, _, cancelled) in &asked {
            let results = &world.results[token];
            assert_eq!(results.len(), 1, "exactly once");
            let result = &results[0].1;
            assert!(!cancelled || result.outcome == Outcome::Cancelled);
            assert_eq!(result.reply.is_some(), result.server.is_some());
            ended[result.outcome as usize] += 1;
        }
        assert_eq!(world.results.len(), asked.len());
        assert_eq!((world.engine.outstanding(), world.engine.next_deadline()), ((0, 0), None));
    });
    println!("random cancel and close: answered, partial, no reply, cancelled: {ended:?}, each exactly once");
    assert!(ended.iter().all(|&count| count > 0));
}

#[test]
fn late_replies_are_credited_to_their_peers_and_to_nothing_else() {
    for_each_seed(seeds() / 10 + 1, |seed| {
        let mut world = World::new(Config::default(), 6, seed);
        let slow = world.chance.some_of(2, 6);
        for &server in &slow {
            (world.servers[server].way, world.servers[server].duplicates) = ((40 * MS, 60 * MS), 1.0);
        }
        let token = world.ask(0, Some(2 * SECOND));
        let (took, result) = world.result_of(token);
        assert!(is_answered(&result) && took < 3 * MS && result.received == 4);
        assert_eq!(world.engine.outstanding(), (0, 0), "it is not outstanding");
        assert_eq!(world.engine.next_deadline(), None, "and nobody has to wake for it");
        let before = world.engine.stats();
        world.run_until(world.now + 200 * MS);
        for (server, info) in (0..6).map(|server| (server, world.engine.peer_stats(server).unwrap())) {
            assert_eq!((info.sent, info.answered), (1, 1), "server {server}");
            if slow.contains(&server) {
                assert!((80 * MS..=122 * MS).contains(&info.rtt_last_us), "{info:?}");
            }
        }
        let after = world.engine.stats();
        assert_eq!(after.replies, before.replies + 2);
        assert_eq!(after.dropped_salt + after.dropped_duplicate, 2, "what comes twice counts once");
        assert_eq!((world.results[&token].len(), world.other_events), (1, 0), "no upcall");
    });
}

#[test]
fn a_slow_peer_is_not_a_silent_one() {
    let mut world = World::new(Config::default(), 6, 12);
    world.servers[2].way = (60 * MS, 60 * MS);
    let asked_first = |world: &mut World| {
        world.sent.clear();
        let token = world.ask(5, Some(2 * SECOND));
        let among = world.sent.iter().any(|sent| sent.to == 2);
        world.result_of(token);
        world.run_until(world.now + 300 * MS);
        among
    };
    for _ in 0..5 {
        asked_first(&mut world);
    }
    let times = (0..600).filter(|_| asked_first(&mut world)).count();
    assert!((450..=550).contains(&times), "{times} of 600, and 500 are its share");
}

#[test]
fn a_late_reply_of_a_peer_that_was_asked_by_a_retry_has_the_time_since_then() {
    // The first four fail; a retry brings in the others, one of which answers after the completion.
    let mut world = World::new(Config::default(), 8, 3);
    let token = world.ask(4, Some(8 * SECOND));
    let first: Vec<usize> = world.sent.iter().map(|sent| sent.to).collect();
    for &server in &first {
        world.servers[server].health = Health::Silent;
    }
    let slow = (0..8).find(|server| !first.contains(server)).unwrap();
    world.servers[slow].way = (20 * MS, 20 * MS);
    let (took, result) = world.result_of(token);
    assert!(is_answered(&result) && took < SECOND + 10 * MS && result.received == 3);
    world.run_until(world.now + 100 * MS);
    let info = world.engine.peer_stats(slow).unwrap();
    assert_eq!((info.answered, info.rtt_last_us), (1, 40 * MS));
}

#[test]
fn what_remains_of_a_query_is_gone_at_its_deadline() {
    let mut world = World::new(Config::default(), 6, 12);
    world.servers[0].way = (600 * MS, 600 * MS);
    let token = world.ask(-1, Some(SECOND));
    world.result_of(token);
    world.run_until(world.now + SECOND + 100 * MS);
    world.engine.expire(world.time(), usize::MAX);
    world.run_until(world.now + SECOND);
    assert_eq!(world.engine.peer_stats(0).unwrap().answered, 0);
    assert_eq!(world.engine.stats().dropped_salt, 1);
}
