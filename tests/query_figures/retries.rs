//! Retries and refusals: who is asked again, with which bytes, and who in whose place.

use std::collections::HashSet;

use confdclient::engine::{Config, Outcome};
use confdclient::wire::query::{Query, RequestType};

use crate::world::*;

/// The peers that were asked between two times.
fn asked(world: &World, from: u64, until: u64) -> Vec<usize> {
    world.sent.iter().filter(|sent| (from..until).contains(&sent.at)).map(|sent| sent.to).collect()
}

fn set(list: &[usize]) -> HashSet<usize> {
    list.iter().copied().collect()
}

#[test]
fn a_retry_asks_the_silent_ones_and_as_many_unused_ones_and_nobody_else() {
    for_each_seed(seeds() / 10 + 1, |seed| {
        let mut world = World::new(Config::default(), 20, seed);
        let silent = world.chance.between(3, 20) as usize;
        for server in world.chance.some_of(silent, 20) {
            world.servers[server].health = Health::Silent;
        }
        let coverage = [0, 4, 7][seed as usize % 3];
        let first = if coverage == 0 { 6 } else { coverage as usize };
        let needed = confdclient::engine::needed_replies(first as u32);
        let token = world.ask(coverage, Some(3_500 * MS));
        let began = world.now;
        let (_, result) = world.result_of(token);
        let mut used: HashSet<usize> = HashSet::new();
        let rounds = (world.now - began) / SECOND;
        for round in 0..=rounds {
            let at = began + round * SECOND;
            if at >= world.now && round > 0 {
                break;
            }
            let now_asked = asked(&world, at, at + 1);
            let answered: HashSet<usize> =
                world.delivered.iter().filter(|reply| reply.at < at).map(|reply| reply.from).collect();
            let (again, fresh): (Vec<usize>, Vec<usize>) =
                now_asked.iter().partition(|&&peer| used.contains(&peer));
            if round == 0 {
                assert_eq!(fresh.len(), first);
            } else {
                let silent = &used - &answered;
                assert_eq!(set(&again), silent, "round {round}: those who have not answered, all of them");
                assert_eq!(fresh.len(), silent.len().min(20 - used.len()), "round {round}");
            }
            assert_eq!(set(&now_asked).len(), now_asked.len(), "nobody twice in one round");
            used.extend(now_asked);
        }
        assert_eq!((result.sent as usize, result.needed), (used.len(), needed));
        assert_eq!(asked(&world, 0, u64::MAX).iter().collect::<HashSet<_>>().len(), used.len());
        is_answered(&result);
    });
}

#[test]
fn retries_are_the_same_bytes_while_the_stamp_is_fresh_and_else_signed_anew_with_the_same_salt() {
    let mut world = World::new(Config::default(), 2, 5);
    world.servers[0].health = Health::Silent;
    world.servers[1].health = Health::Silent;
    let token = world.ask(-1, Some(400 * SECOND));
    world.run_until(21 * SECOND + MS);
    let first = world.sent[0].bytes.clone();
    assert!(world.sent.len() > 20 && world.sent.iter().all(|sent| sent.bytes == first));
    // The server's clock and ours have gone on by so much that it would drop the first stamp.
    world.clock_jump = 290;
    world.sent.clear();
    world.run_until(23 * SECOND);
    let later: Vec<_> = world.sent.iter().collect();
    assert!(
        !later.is_empty() && later.iter().all(|sent| sent.bytes != first && sent.bytes == later[0].bytes)
    );
    assert_eq!(later[0].stamp.parse::<u64>().unwrap(), world.time().unix - 1);
    let first: serde_json::Value = serde_json::from_slice(&first[4..]).unwrap();
    let msg: serde_json::Value = serde_json::from_str(first["msg"].as_str().unwrap()).unwrap();
    assert_eq!(later[0].salt, msg["rsalt"].as_str().unwrap(), "the same salt");
    world.servers[0].health = Health::Up;
    world.servers[1].health = Health::Up;
    let (_, result) = world.result_of(token);
    assert!(is_answered(&result) && result.received == 2);
}

#[test]
fn a_query_over_20_minutes_is_answered_when_its_servers_come_back() {
    let mut world = World::new(Config::default(), 3, 6);
    for server in &mut world.servers {
        server.health = Health::Silent;
    }
    let token = world.ask(0, None);
    world.run_until(1_200 * SECOND);
    assert!(world.results.is_empty(), "without a limit it goes on");
    for server in &mut world.servers {
        server.health = Health::Up;
    }
    let (took, result) = world.result_of(token);
    assert!(took <= SECOND + 5 * MS && is_answered(&result));
}

#[test]
fn with_retries_off_nothing_is_asked_again() {
    let mut world = World::new(Config { retry_every: 0, ..Config::default() }, 10, 6);
    for server in &mut world.servers {
        server.health = Health::Silent;
    }
    let token = world.ask(0, Some(5 * SECOND));
    let (took, result) = world.result_of(token);
    assert_eq!((took, result.outcome, result.sent, world.sent.len()), (5 * SECOND, Outcome::NoReply, 6, 6));
}

#[test]
fn a_refusing_peer_is_replaced_at_once_and_once_for_each_request() {
    let (count, mut times) = (seeds(), Vec::new());
    for_each_seed(count, |seed| {
        let mut world = World::new(Config::default(), 10, seed);
        let bad = world.chance.some_of(5, 10);
        for &server in &bad {
            world.servers[server].health = Health::Refusing;
        }
        let token = world.ask(0, Some(5 * SECOND));
        let began = world.now;
        let first = asked(&world, began, began + 1);
        // Every refusal comes a second time, as kernels do when they are asked twice.
        for &server in &bad {
            for at in [5, 6, 7] {
                world.at(began + at * MS, move |world| {
                    world.engine.handle_unreachable(world.now, address(server), &[]);
                });
            }
        }
        let (took, result) = world.result_of(token);
        assert!(is_answered(&result) && took <= 20 * MS, "{took}");
        times.push(took);
        world.run_until(began + 100 * MS);
        let all = asked(&world, began, u64::MAX);
        assert_eq!(set(&all).len(), all.len(), "nobody twice");
        let refused = all.iter().filter(|peer| bad.contains(peer)).count();
        assert!(all.len() <= first.len() + refused, "one in the place of each");
        assert_eq!((result.needed, result.sent as usize <= all.len()), (4, true));
    });
    println!("5 of 10 refusing: answered {}; {}", percent(count, count), spread(&mut times));
}

#[test]
fn a_refusal_ends_no_query_and_a_late_reply_of_a_refused_peer_counts() {
    let mut world = World::new(Config::default(), 2, 9);
    for server in &mut world.servers {
        server.way = (20 * MS, 20 * MS);
    }
    let token = world.ask(-1, Some(5 * SECOND));
    for server in 0..2 {
        for _ in 0..3 {
            world.engine.handle_unreachable(world.now, address(server), &[]);
        }
    }
    world.run_until(world.now + 39 * MS);
    assert!(world.results.is_empty());
    let (_, result) = world.result_of(token);
    assert_eq!((result.outcome, result.sent, result.received), (Outcome::Answered, 2, 2));
    assert_eq!(world.sent.len(), 2);

    // Refusals alone: the time goes to its end, and no count is raised.
    for server in &mut world.servers {
        server.health = Health::Refusing;
    }
    let token = world.ask(-1, Some(2_500 * MS));
    let (took, result) = world.result_of(token);
    assert_eq!((took, result.outcome, result.received), (2_500 * MS, Outcome::NoReply, 0));
}

#[test]
fn a_refusal_for_a_stranger_or_of_another_request_moves_nobody() {
    let mut world = World::new(Config::default(), 12, 11);
    let token = world.ask(4, Some(5 * SECOND));
    let first = world.sent.len();
    let outside = (0..12).find(|peer| world.sent.iter().all(|sent| sent.to != *peer)).unwrap();
    world.engine.handle_unreachable(world.now, address(outside), &[]);
    world.engine.handle_unreachable(world.now, address(150), &[]);
    world.flush();
    assert_eq!(world.sent.len(), first);
    // A refusal that quotes one query's datagram concerns that one alone.
    let other = world.ask(12, Some(5 * SECOND));
    let quoted = world.sent.last().unwrap().bytes.clone();
    let (before, of_first) = (world.sent.len(), world.sent[0].to);
    world.engine.handle_unreachable(world.now, address(of_first), &quoted);
    world.flush();
    assert_eq!(world.sent.len(), before);
    assert!(is_answered(&world.result_of(token).1) && is_answered(&world.result_of(other).1));
}

#[test]
fn a_request_that_was_asked_before_gets_a_fresh_salt_and_is_answered_again() {
    let mut world = World::new(Config::default(), 3, 2);
    let mut request = world.request(RequestType::ClusterMaster, Query::NONE);
    let mut salts = HashSet::new();
    for _ in 0..5 {
        let token = world.ask_this(&mut request, 0, Some(SECOND));
        assert!(salts.insert(request.salt().as_str().to_owned()));
        assert!(is_answered(&world.result_of(token).1));
    }
    let used: HashSet<String> = world.sent.iter().map(|sent| sent.salt.clone()).collect();
    assert_eq!(used, salts);
}

#[test]
fn refusals_that_come_again_bring_in_nobody_more() {
    let mut world = World::new(Config::default(), 12, 11);
    for server in &mut world.servers {
        server.health = Health::Silent;
    }
    let token = world.ask(4, Some(2_500 * MS));
    let refused = world.sent[0].to;
    for repeat in 0..3 {
        world.engine.handle_unreachable(world.now, address(refused), &[]);
        world.flush();
        assert_eq!(world.sent.len(), 5, "refusal {repeat}");
    }
    // Nor do they after a retry: five are silent then, and as many others are asked.
    world.run_until(world.now + SECOND);
    assert_eq!(world.sent.len(), 5 + 10);
    world.engine.handle_unreachable(world.now, address(refused), &[]);
    world.flush();
    assert_eq!(world.sent.len(), 5 + 10);
    assert_eq!(world.result_of(token).1.needed, 3);
}
