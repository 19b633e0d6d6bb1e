//! More addresses than a datagram holds.

use std::collections::HashSet;

use confdclient::engine::{Config, Outcome, QueryResult};
use confdclient::wire::query::{Query, RequestType};
use confdclient::wire::request::Request;
use serde_json::Value;

use crate::world::*;

fn addresses(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("10.{}.{}.{}", n / 62_500, n / 250 % 250, n % 250 + 1)).collect()
}

fn request(world: &mut World, list: &[String], link: Option<&str>) -> Request {
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    world.request(RequestType::NodePipByInstanceIp, Query::ips(&list, link))
}

fn elements(result: &QueryResult) -> Vec<Value> {
    let answer: Value = serde_json::from_str(result.reply.as_ref().unwrap().answer().text()).unwrap();
    answer.as_array().unwrap().clone()
}

#[test]
fn five_thousand_addresses_are_one_completion_with_all_results_in_order() {
    let (count, list, mut times, mut parts) =
        (seeds() / 100 + 1, addresses(5_000), Vec::new(), HashSet::new());
    for_each_seed(count, |seed| {
        let mut world = World::new(Config::default(), 9, seed);
        for server in &mut world.servers {
            (server.loss, server.duplicates, server.way) = (0.05, 0.1, (100, 5 * MS));
        }
        let link = (seed % 2 == 0).then_some("br0");
        let mut request = request(&mut world, &list, link);
        let token = world.ask_this(&mut request, 0, Some(5 * SECOND));
        let (took, result) = world.result_of(token);
        let salts: HashSet<String> = world.sent.iter().map(|sent| sent.salt.clone()).collect();
        assert!(world.sent.iter().all(|sent| sent.bytes.len() <= 4_096));
        assert!(!salts.contains(request.salt().as_str()), "each part has a salt of its own");
        parts.insert(salts.len());
        assert!(is_answered(&result), "{result:?}");
        let elements = elements(&result);
        assert_eq!(elements.len(), list.len());
        for (element, ip) in elements.iter().zip(&list) {
            assert_eq!(*element, serde_json::json!([0, format!("node-of-{ip}"), 100]));
        }
        assert_eq!((result.needed, result.errors, result.reply.unwrap().serial()), (4, 0, 100));
        world.run_until(world.now + 10 * SECOND);
        assert_eq!((world.results.len(), world.results[&token].len(), world.other_events), (1, 1, 0));
        assert_eq!(world.engine.outstanding(), (0, 0));
        times.push(took);
    });
    println!("5,000 addresses in {parts:?} parts, 5 % loss: all answered in order; {}", spread(&mut times));
}

#[test]
fn the_addresses_of_a_lost_part_have_the_status_of_an_error_and_the_outcome_is_partial() {
    for_each_seed(seeds() / 10 + 1, |seed| {
        let list = addresses(400);
        let mut world = World::new(Config::default(), 3, seed);
        let mut request = request(&mut world, &list, None);
        // What the first part asks never arrives: its datagrams, retries too, are taken away.
        let token = world.ask_this(&mut request, -1, Some(1_500 * MS));
        let first = world.sent[0].salt.clone();
        let lost: Vec<String> = ips_of(&world.sent[0].bytes);
        world.lose_salt(&first);
        let (took, result) = world.result_of(token);
        assert_eq!((took, result.outcome, result.received), (1_500 * MS, Outcome::Partial, 0));
        let elements = elements(&result);
        assert_eq!(elements.len(), list.len());
        assert!(!lost.is_empty() && lost.len() < list.len());
        for (element, ip) in elements.iter().zip(&list) {
            if lost.contains(ip) {
                assert_eq!(*element, serde_json::json!([1, 1, 0]));
            } else {
                assert_eq!(element[1], format!("node-of-{ip}"));
            }
        }
        assert_eq!(world.results[&token].len(), 1);
    });
}

fn ips_of(datagram: &[u8]) -> Vec<String> {
    let outer: Value = serde_json::from_slice(&datagram[4..]).unwrap();
    let inner: Value = serde_json::from_str(outer["msg"].as_str().unwrap()).unwrap();
    serde_json::from_value(inner["query"]["2"].clone()).unwrap()
}

#[test]
fn every_count_of_addresses_comes_back_complete() {
    for_each_seed(seeds().min(600), |seed| {
        let list = addresses(1 + seed as usize);
        let mut world = World::new(Config::default(), 1, seed);
        let mut request = request(&mut world, &list, (seed % 3 == 0).then_some("br-\u{e9}"));
        let token = world.ask_this(&mut request, 0, Some(SECOND));
        let asked: Vec<String> = {
            let mut seen = HashSet::new();
            world
                .sent
                .iter()
                .filter(|sent| seen.insert(&sent.salt))
                .flat_map(|sent| ips_of(&sent.bytes))
                .collect()
        };
        assert_eq!(asked, list);
        let (_, result) = world.result_of(token);
        assert!(is_answered(&result));
        let names: Vec<String> =
            elements(&result).iter().map(|element| element[1].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, list.iter().map(|ip| format!("node-of-{ip}")).collect::<Vec<_>>());
    });
}

#[test]
fn cancel_by_the_salt_of_the_whole_ends_all_parts_as_one_completion() {
    for_each_seed(seeds() / 10 + 1, |seed| {
        let mut world = World::new(Config::default(), 3, seed);
        let list = addresses(700);
        let mut request = request(&mut world, &list, None);
        let token = world.ask_this(&mut request, -1, Some(5 * SECOND));
        let parts = world.engine.outstanding().0;
        assert!(parts >= 3);
        world.run_until(world.now + seed % 3 * 700);
        if !world.results.is_empty() {
            return;
        }
        world.engine.cancel(world.now, request.salt().as_str()).unwrap();
        world.flush();
        assert_eq!(world.results[&token][0].1.outcome, Outcome::Cancelled);
        assert_eq!(world.engine.outstanding(), (0, 0));
        assert!(world.engine.cancel(world.now, request.salt().as_str()).is_err(), "it is known no more");
        world.run_until(world.now + 10 * SECOND);
        assert_eq!((world.results[&token].len(), world.other_events), (1, 0));
    });
}

#[test]
fn what_cannot_be_divided_is_refused_and_leaves_nothing_behind() {
    let mut world = World::new(Config { max_request_bytes: 250, ..Config::default() }, 3, 1);
    let long = ["x".repeat(300), "10.0.0.1".to_owned()];
    for mut request in [
        request(&mut world, &long, None),
        request(&mut world, &long[..1], None),
        world.request(RequestType::NodeRoleByName, Query::text(&"n".repeat(300))),
    ] {
        let ask = confdclient::engine::Ask { coverage: 0, timeout: None, token: 9, quiet: false };
        let salt = world.salt();
        let now = world.time();
        let refused = world.engine.query(now, &mut request, ask, &mut || Ok(salt.clone())).unwrap_err();
        assert_eq!(refused.code(), confdclient::error::Code::RequestTooBig);
        world.flush();
        assert_eq!((world.engine.outstanding(), world.sent.len(), request.is_spent()), ((0, 0), 0, false));
    }
}

#[test]
fn few_parts_are_under_way_at_a_time_until_one_is_stuck() {
    let list = addresses(5_000);
    for (retry_every, asked_at_first) in [(SECOND, 12), (0, 126), (10 * SECOND, 126)] {
        let mut world = World::new(Config { retry_every, ..Config::default() }, 9, 1);
        for server in &mut world.servers {
            server.health = Health::Silent;
        }
        let mut request = request(&mut world, &list, None);
        let token = world.ask_this(&mut request, 0, Some(2_500 * MS));
        assert_eq!(world.sent.len(), asked_at_first, "a retry every {retry_every}");
        // What is stuck keeps nobody back: when it is asked again, so is everything else.
        world.run_until(world.now + SECOND + MS);
        let salts: HashSet<&String> = world.sent.iter().map(|sent| &sent.salt).collect();
        assert_eq!(salts.len(), 21);
        let (_, result) = world.result_of(token);
        assert_eq!((result.outcome, result.reply.is_some()), (Outcome::NoReply, false));
        assert_eq!(world.engine.outstanding(), (0, 0));
    }
}

#[test]
fn parts_that_were_never_asked_end_with_the_others() {
    let list = addresses(5_000);
    for cancel in [false, true] {
        let mut world = World::new(Config::default(), 9, 1);
        for server in &mut world.servers {
            server.way = (200 * MS, 200 * MS);
        }
        let mut request = request(&mut world, &list, None);
        let began = world.now;
        let token = world.ask_this(&mut request, 0, Some(1_100 * MS));
        world.run_until(began + 900 * MS);
        if cancel {
            world.engine.cancel(world.now, request.salt().as_str()).unwrap();
            world.flush();
        }
        let (_, result) = world.result_of(token);
        let outcome = if cancel { Outcome::Cancelled } else { Outcome::Partial };
        assert_eq!((result.outcome, result.needed), (outcome, 4));
        assert!(cancel || world.now == began + 1_100 * MS);
        let known = elements(&result).iter().filter(|element| element[0] == 0).count();
        assert!(known > 500 && known < 5_000 && elements(&result).len() == 5_000, "{known}");
        assert_eq!((world.engine.outstanding(), world.results[&token].len()), ((0, 0), 1));
    }
}
