//! Which peers are chosen: any of them while all are well, those in doubt last, those that recover again.

use std::collections::HashMap;

use confdclient::engine::{Config, needed_replies};

use crate::world::*;

/// Chi-square of the sets that were chosen, all being equally likely.
fn chi_square(sets: &HashMap<u32, u64>, possible: u64) -> f64 {
    let draws: u64 = sets.values().sum();
    let expected = draws as f64 / possible as f64;
    let seen: f64 = sets.values().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
    seen + (possible - sets.len() as u64) as f64 * expected
}

/// What chi-square stays below in 9,999 of 10,000 cases (Wilson and Hilferty).
fn bound(degrees: f64) -> f64 {
    let scale = 2.0 / (9.0 * degrees);
    degrees * (1.0 - scale + 3.719 * scale.sqrt()).powi(3)
}

/// The first peers that each query asked, as a set.
fn first_choice(world: &World, asked_at: u64) -> u32 {
    world.sent.iter().filter(|sent| sent.at == asked_at).fold(0, |set, sent| set | 1 << sent.to)
}

#[test]
fn with_all_peers_well_every_set_is_equally_likely() {
    // 210 sets of 6 of 10, each at least 10 times.
    let count = seeds().max(2_100);
    let mut of_first_queries = HashMap::new();
    for_each_seed(count, |seed| {
        let mut world = World::new(Config::default(), 10, seed);
        world.ask(0, Some(SECOND));
        *of_first_queries.entry(first_choice(&world, world.now)).or_default() += 1;
    });
    let mut world = World::new(Config::default(), 10, 1);
    let mut of_one_client = HashMap::new();
    let mut by_peer = [0u64; 10];
    for query in 0..count {
        let token = world.ask(0, Some(SECOND));
        *of_one_client.entry(first_choice(&world, world.now)).or_default() += 1;
        for sent in world.sent.drain(..) {
            by_peer[sent.to] += 1;
        }
        assert!(is_answered(&world.result_of(token).1));
        // Now at once, while answers are still due, now after a pause.
        world.run_until(world.now + [0, 10, 100][query as usize % 3] * MS);
        world.results.clear();
    }
    let (clients, client) = (chi_square(&of_first_queries, 210), chi_square(&of_one_client, 210));
    println!(
        "uniform choice: chi-square {clients:.0} over clients, {client:.0} over one's queries, below {:.0}",
        bound(209.0)
    );
    println!("  one client's peers were asked {by_peer:?} times");
    assert!(clients < bound(209.0) && client < bound(209.0));
    assert!(by_peer.iter().all(|&asked| asked.abs_diff(count * 6 / 10) < count / 20));
}

#[test]
fn peers_that_refused_or_stayed_silent_are_chosen_last() {
    let (count, mut in_time, mut queries, mut times) = (seeds() / 10 + 1, 0, 0, Vec::new());
    for_each_seed(count, |seed| {
        let mut world = World::new(Config::default(), 10, seed);
        let bad = world.chance.some_of(5, 10);
        for &server in &bad {
            world.servers[server].health = if seed % 2 == 0 { Health::Refusing } else { Health::Silent };
        }
        for query in 0..20 {
            let began = world.now;
            let token = world.ask(0, Some(5 * SECOND));
            let (took, result) = world.result_of(token);
            assert!(is_answered(&result));
            let limit = if seed % 2 == 0 { 20 * MS } else { SECOND + 50 * MS };
            assert!(took <= limit, "query {query} took {took} µs");
            // A query asks one in doubt to fill its number, and two to see if they are back.
            let doubtful =
                world.sent.iter().filter(|sent| sent.at == began && bad.contains(&sent.to)).count();
            if query >= 2 {
                assert!(doubtful <= 3, "query {query} asked {doubtful} in doubt");
                queries += 1;
                in_time += u64::from(took <= 20 * MS);
                times.push(took);
            }
            world.sent.clear();
            let pause = world.chance.between(100, 2_000) * MS;
            world.run_until(world.now + pause);
        }
    });
    println!(
        "5 of 10 bad, from the third query: {} within 20 ms; {}",
        percent(in_time, queries),
        spread(&mut times)
    );
    assert!(in_time * 100 >= queries * 99);
}

#[test]
fn a_peer_that_recovers_is_chosen_again_within_30_seconds() {
    for (peers, bad, coverage) in
        [(1, 1, 0), (2, 1, 0), (6, 2, 0), (10, 5, 0), (10, 5, 2), (10, 9, 0), (20, 12, 0), (64, 50, 0)]
    {
        let (count, mut waits) = (seeds() / 200 + 1, Vec::new());
        for_each_seed(count, |seed| {
            let mut world = World::new(Config::default(), peers, seed);
            world.keeps = false;
            let chosen = world.chance.some_of(bad, peers);
            for &server in &chosen {
                world.servers[server].health = if seed % 2 == 0 { Health::Refusing } else { Health::Silent };
            }
            // Long enough that all of them are known to be bad.
            let recovery = 100 * SECOND + world.chance.below(10_000) * MS;
            let back = chosen[0];
            world.at(recovery, move |world| world.servers[back].health = Health::Up);
            let mut answered_before = None;
            for second in 0..150 {
                world.run_until((2 + second) * SECOND);
                world.ask(coverage, Some(900 * MS));
                world.run_until(world.now + 900 * MS);
                if world.now > recovery {
                    let answered = world.engine.peer_stats(back).unwrap().answered;
                    if answered > answered_before.unwrap_or(0) {
                        waits.push(world.now - recovery);
                        return;
                    }
                    answered_before = Some(answered);
                }
            }
            panic!("it never came back");
        });
        println!(
            "{bad} of {peers} bad, coverage {coverage}, one recovers: answers again after {}",
            spread(&mut waits)
        );
        assert!(waits.iter().all(|&wait| wait <= 30 * SECOND), "{peers} peers, {bad} bad");
    }
}

#[test]
fn a_peer_that_recovered_is_asked_as_often_as_the_others() {
    let mut world = World::new(Config::default(), 10, 7);
    world.servers[3].health = Health::Silent;
    for second in 0..60 {
        world.run_until((2 + second) * SECOND);
        world.ask(0, Some(900 * MS));
    }
    world.servers[3].health = Health::Up;
    world.run_until(world.now + 30 * SECOND);
    for second in 0..30 {
        world.run_until((100 + second) * SECOND);
        world.ask(0, Some(900 * MS));
    }
    world.sent.clear();
    for second in 0..400 {
        world.run_until((200 + second) * SECOND);
        world.ask(0, Some(900 * MS));
    }
    let asked = world.sent.iter().filter(|sent| sent.to == 3).count();
    assert!((200..=280).contains(&asked), "{asked} of 400 queries, and 240 are its share");
}

#[test]
fn with_everybody_silent_any_are_asked_all_the_same() {
    let mut world = World::new(Config::default(), 10, 3);
    for server in &mut world.servers {
        server.health = Health::Silent;
    }
    for _ in 0..5 {
        let token = world.ask(0, Some(2_500 * MS));
        let (_, result) = world.result_of(token);
        assert_eq!((result.sent, result.received, result.needed), (10, 0, needed_replies(6)));
    }
}
