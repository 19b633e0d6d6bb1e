//! A change of keys, while the servers restart one by one.

use confdclient::engine::Config;
use confdclient::engine::peers::Peer;

use crate::world::*;

const NEW: usize = 1;

#[test]
fn during_a_rolling_restart_queries_are_answered_within_a_retry_and_50_ms() {
    let (count, mut asked, mut judged, mut times) = (seeds() / 20 + 1, 0u64, 0u64, Vec::new());
    for_each_seed(count, |seed| {
        let peers = [3, 4, 5, 7, 9, 12][seed as usize % 6];
        let mut world = World::new(Config::default(), peers, seed);
        world.keeps = false;
        let told = 10 * SECOND + world.chance.below(20_000) * MS;
        world.at(told, |world| world.set_key(NEW));
        // The new key is on the nodes when the client is told; then the daemons restart, one after the other. While
        // one is down its host refuses, or is silent. In every second cluster they do not wait for each other.
        let mut restart = told;
        let mut downs = Vec::new();
        for server in world.chance.some_of(peers, peers) {
            restart += world.chance.between(100, 8_000) * MS;
            let down = world.chance.between(50, 3_000) * MS;
            let health = if world.chance.hit(0.5) { Health::Refusing } else { Health::Silent };
            world.at(restart, move |world| world.servers[server].health = health);
            world.at(restart + down, move |world| {
                world.servers[server].health = Health::Up;
                world.servers[server].key = NEW;
            });
            downs.push((restart, restart + down));
            restart = if seed / 6 % 2 == 0 { restart + down } else { told + world.chance.below(15_000) * MS };
        }
        let end = told + peers as u64 * 12 * SECOND;
        while world.now < end {
            let began = world.now;
            let token = world.ask(0, Some(10 * SECOND));
            let (took, result) = world.result_of(token);
            asked += 1;
            let limit = SECOND + 50 * MS;
            let disturbed = downs.iter().filter(|(from, to)| *from <= began + limit && began <= *to).count();
            if peers - disturbed >= result.needed as usize {
                assert!(is_answered(&result) && took <= limit, "at {began} it took {took}: {result:?}");
                judged += 1;
                times.push(took);
            }
            let pause = world.chance.between(1, 1_500) * MS;
            world.run_until(world.now + pause);
        }
    });
    println!(
        "rolling restart: {judged} of {asked} queries had enough servers, all answered in time; {}",
        spread(&mut times)
    );
    assert!(judged * 2 > asked);
}

#[test]
fn a_query_that_was_asked_before_the_change_is_retried_under_the_new_key() {
    for_each_seed(seeds() / 10 + 1, |seed| {
        let mut world = World::new(Config::default(), 7, seed);
        // Some servers are ahead of the client, some behind.
        for server in 0..7 {
            world.servers[server].key = usize::from(world.chance.hit(0.7));
        }
        let token = world.ask(0, Some(10 * SECOND));
        world.at(world.now + 500 * MS, |world| world.set_key(NEW));
        let (took, result) = world.result_of(token);
        assert!(is_answered(&result), "{result:?}");
        // The attempt after the change is under the new key, so those who wait for it need no second one.
        assert!(took <= SECOND + 50 * MS, "{took}");
    });
}

#[test]
fn the_first_attempt_is_under_the_new_key_and_retries_alternate() {
    let mut world = World::new(Config::default(), 3, 4);
    world.set_key(NEW);
    for server in &mut world.servers {
        server.health = Health::Silent;
    }
    let token = world.ask(-1, Some(4_500 * MS));
    world.result_of(token);
    let keys: Vec<_> = world.sent.iter().step_by(3).map(|sent| sent.key.unwrap()).collect();
    assert_eq!(keys, [1, 0, 1, 0, 1]);
    assert!(world.sent.iter().all(|sent| sent.salt == world.sent[0].salt));
}

#[test]
fn the_old_key_is_used_no_more_once_everybody_has_answered_under_the_new_one() {
    for_each_seed(seeds() / 10 + 1, |seed| {
        let peers = 1 + seed as usize % 9;
        let mut world = World::new(Config::default(), peers, seed);
        let token = world.ask(-1, Some(SECOND));
        world.result_of(token);
        world.set_key(NEW);
        for server in &mut world.servers {
            server.key = NEW;
        }
        let last = world.chance.below(peers as u64) as usize;
        world.servers[last].health = Health::Silent;
        // All but one have moved: that one is tried under both, the others never again under the old one.
        for _ in 0..3 {
            let token = world.ask(-1, Some(2_500 * MS));
            world.result_of(token);
        }
        let old = |world: &World| world.sent.iter().rposition(|sent| sent.key == Some(0));
        let answered: Vec<bool> =
            (0..peers).map(|peer| world.delivered.iter().any(|reply| reply.from == peer)).collect();
        world.sent.clear();
        for _ in 0..3 {
            let token = world.ask(-1, Some(2_500 * MS));
            world.result_of(token);
        }
        assert!(world.sent.iter().all(|sent| sent.key == Some(NEW) || sent.to == last), "{answered:?}");
        world.servers[last].health = Health::Up;
        let token = world.ask(-1, Some(2_500 * MS));
        world.result_of(token);
        world.run_until(world.now + 10 * MS);
        for server in &mut world.servers {
            server.health = Health::Silent;
        }
        world.sent.clear();
        let token = world.ask(-1, Some(5_500 * MS));
        world.result_of(token);
        assert_eq!((old(&world), world.sent.len()), (None, 6 * peers), "the old key is gone");
        // A peer of whom nothing is known shows that it is gone for everybody.
        world.servers.push(Server { health: Health::Silent, ..well() });
        world.engine.update_peers(&[Peer::new(address(peers))]).unwrap();
        world.sent.clear();
        let token = world.ask(-1, Some(5_500 * MS));
        world.result_of(token);
        assert_eq!((old(&world), world.sent.len()), (None, 6));
    });
}

#[test]
fn after_ten_minutes_the_old_key_is_used_no_more() {
    let mut world = World::new(Config::default(), 3, 4);
    world.set_key(NEW);
    let changed = world.now;
    for server in &mut world.servers {
        server.health = Health::Silent;
    }
    world.run_until(changed + 599 * SECOND - 500 * MS);
    let token = world.ask(-1, Some(5 * SECOND));
    world.result_of(token);
    let old: Vec<_> = world.sent.iter().filter(|sent| sent.key == Some(0)).map(|sent| sent.at).collect();
    assert!(!old.is_empty() && old.iter().all(|&at| at < changed + 600 * SECOND), "{old:?}");
    assert!(world.sent.iter().filter(|sent| sent.at > changed + 600 * SECOND).count() >= 9);
}

#[test]
fn a_reply_counts_under_every_key_that_the_query_was_signed_with_and_under_no_other() {
    // Three changes within one query: servers of every age are heard.
    let mut world = World::new(Config::default(), 4, 21);
    for (index, server) in world.servers.iter_mut().enumerate() {
        server.key = index;
        server.way = (10 * MS, 10 * MS);
    }
    // They answer when their keys have long been replaced.
    world.servers[0].way = (1_700 * MS, 1_700 * MS);
    world.servers[1].way = (1_500 * MS, 1_500 * MS);
    let token = world.ask(-1, Some(20 * SECOND));
    for number in 1..4 {
        world.at(world.now + number * 1_500 * MS, move |world| world.set_key(number as usize));
    }
    let (_, result) = world.result_of(token);
    assert!(is_answered(&result) && result.needed == 3, "{result:?}");
    let heard: Vec<usize> = world.delivered.iter().map(|reply| reply.from).collect();
    assert!(heard.contains(&0) && heard.contains(&1), "the old keys' servers have been heard: {heard:?}");
    assert_eq!(world.engine.stats().dropped_signature, 0);
}

#[test]
fn the_same_key_again_is_no_change() {
    let mut world = World::new(Config::default(), 3, 4);
    world.set_key(0);
    for server in &mut world.servers {
        server.health = Health::Silent;
    }
    let token = world.ask(-1, Some(3_500 * MS));
    world.result_of(token);
    assert!(world.sent.iter().all(|sent| sent.key == Some(0)) && world.sent.len() == 12);
}
