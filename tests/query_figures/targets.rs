//! Loss, stale servers, split networks.

use confdclient::engine::{Config, Outcome};

use crate::world::*;

#[test]
fn nine_candidates_with_30_percent_loss_each_way_answer_99_99_percent() {
    let (count, mut answered, mut times) = (seeds(), 0, Vec::new());
    for_each_seed(count, |seed| {
        let mut world = World::new(Config::default(), 9, seed);
        world.keeps = false;
        for server in &mut world.servers {
            server.loss = 0.3;
        }
        let token = world.ask(0, Some(5 * SECOND));
        let (took, result) = world.result_of(token);
        answered += u64::from(is_answered(&result));
        assert!(took <= 5 * SECOND && result.needed == 4);
        times.push(took);
    });
    println!("30 % loss: answered {}; {}", percent(answered, count), spread(&mut times));
    assert!((count - answered) * 10_000 <= count, "{answered} of {count}");
}

#[test]
fn the_fresh_ok_answer_wins_whenever_it_came_before_completion() {
    let (count, mut fresh_seen, mut with_errors) = (seeds(), 0, 0);
    let stale_sets: Vec<u32> = (0u32..128).filter(|set| set.count_ones() == 3).collect();
    for_each_seed(count, |seed| {
        let mut world = World::new(Config::default(), 7, seed);
        let set = stale_sets[seed as usize % stale_sets.len()];
        for (index, server) in world.servers.iter_mut().enumerate() {
            server.serial = if set >> index & 1 == 1 { 90 + index as i64 } else { 100 };
            // Ways of such different lengths bring any order about.
            (server.way, server.duplicates, server.loss) = ((100, 40 * MS), 0.5, 0.1);
        }
        // In every second cluster some of the fresh ones do not know the answer.
        if seed % 2 == 1 {
            for index in 0..7 {
                world.servers[index].fails = set >> index & 1 == 0 && world.chance.hit(0.7);
            }
        }
        let coverage = [0, -1, 3][seed as usize / 2 % 3];
        let token = world.ask(coverage, Some(5 * SECOND));
        let (_, result) = world.result_of(token);
        is_answered(&result);
        // The oracle: what came before the completion.
        let oks = world.delivered.iter().filter(|reply| reply.status == 0);
        let errors: std::collections::HashSet<usize> =
            world.delivered.iter().filter(|reply| reply.status != 0).map(|reply| reply.from).collect();
        let best = oks.map(|reply| reply.serial).max();
        let reply = result.reply.as_ref().expect("a reply");
        match best {
            Some(serial) => {
                assert_eq!((reply.is_ok(), reply.serial()), (true, serial));
                assert_eq!(reply.answer().text(), format!("\"master at {serial}\""));
            }
            None => assert!(!reply.is_ok()),
        }
        assert_eq!(result.errors as usize, errors.len());
        assert!(result.consistent);
        fresh_seen += u64::from(best == Some(100));
        with_errors += u64::from(result.errors > 0);
    });
    println!(
        "3 of 7 stale: the fresh one came and won {}, beside errors {with_errors}",
        percent(fresh_seen, count)
    );
    assert!(fresh_seen * 10 > count * 6);
}

#[test]
fn a_client_with_the_minority_is_told_so_at_its_deadline_exactly() {
    let (count, mut partial, mut silence) = (seeds(), 0, 0);
    for_each_seed(count, |seed| {
        let mut world = World::new(Config::default(), 5 + seed as usize % 5, seed);
        let peers = world.servers.len();
        let coverage = if seed % 2 == 0 { -1 } else { 0 };
        let asked = if coverage == -1 { peers } else { peers.min(6) };
        let needed = confdclient::engine::needed_replies(asked as u32) as usize;
        let reached = world.chance.below(needed as u64) as usize;
        let minority = world.chance.some_of(reached, peers);
        for (index, server) in world.servers.iter_mut().enumerate() {
            server.loss = if minority.contains(&index) { 0.0 } else { 1.0 };
        }
        let timeout = world.chance.between(200, 5_000) * MS;
        let token = world.ask(coverage, Some(timeout));
        let (took, result) = world.result_of(token);
        assert_eq!(took, timeout);
        assert!(!is_answered(&result) && result.needed as usize == needed);
        let heard: std::collections::HashSet<usize> =
            world.delivered.iter().map(|reply| reply.from).collect();
        assert_eq!(result.received as usize, heard.len());
        let outcome = if heard.is_empty() { Outcome::NoReply } else { Outcome::Partial };
        assert_eq!((result.outcome, result.reply.is_some()), (outcome, !heard.is_empty()));
        assert_eq!(world.engine.outstanding(), (0, 0));
        partial += u64::from(outcome == Outcome::Partial);
        silence += u64::from(outcome == Outcome::NoReply);
    });
    println!("minority: partial {partial}, no reply {silence}, answered 0, all exactly at their deadlines");
    assert!(partial > 0 && silence > 0);
}
