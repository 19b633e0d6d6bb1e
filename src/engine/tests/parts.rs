//! Questions with more addresses than a datagram holds: how they are divided, asked and joined again.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::scene::*;
use crate::engine::{Ask, Config, Micros, Outcome, QueryResult, SECOND};
use crate::error::Code;
use crate::wire::envelope::payload;
use crate::wire::query::{Query, RequestType};
use crate::wire::request::{Request, Timestamp};

/// The room for a datagram, in which four of the addresses below find place.
const LIMIT: usize = 270;

fn scene(peers: usize, retry_every: Micros) -> Scene {
    Scene::with(Config { max_request_bytes: LIMIT, retry_every, ..Config::default() }, peers)
}

fn addresses(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("10.0.0.{}", 100 + number)).collect()
}

fn asking(query: Query) -> Request {
    Request::new(RequestType::NodePipByInstanceIp, query, fresh(9_999).salt().clone())
}

fn question(list: &[String], link: Option<&str>) -> Request {
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    asking(Query::ips(&list, link))
}

/// A part as it was asked.
#[derive(Debug)]
struct Part {
    salt: String,
    ips: Vec<String>,
    link: Value,
    to: Vec<SocketAddr>,
}

/// The parts whose datagrams wait, in their order; all of these are sent.
fn asked(scene: &mut Scene) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (datagram, to) in scene.engine.peek_transmits() {
        assert!(datagram.len() <= LIMIT);
        let outer: Value = serde_json::from_slice(payload(datagram).unwrap()).unwrap();
        let inner: Value = serde_json::from_str(outer["msg"].as_str().unwrap()).unwrap();
        let (salt, query) = (inner["rsalt"].as_str().unwrap(), &inner["query"]);
        if parts.last().is_none_or(|last| last.salt != salt) {
            let ips = serde_json::from_value(query["2"].clone()).unwrap();
            parts.push(Part { salt: salt.to_owned(), ips, link: query["0"].clone(), to: vec![] });
        }
        parts.last_mut().unwrap().to.push(to);
    }
    scene.flush();
    parts
}

/// Asks, and gives the parts that are asked at once.
fn ask(
    scene: &mut Scene,
    request: &mut Request,
    coverage: i32,
    timeout: Option<Micros>,
) -> Result<Vec<Part>, Code> {
    let ask = Ask { coverage, timeout, token: 1, quiet: false };
    let mut parts = 0;
    let mut salts = || {
        parts += 1;
        Ok(fresh(1_000 + parts).salt().clone())
    };
    let id = scene.engine.query(at(scene.now), request, ask, &mut salts).map_err(|error| error.code())?;
    assert_eq!(id, None, "asked in parts");
    Ok(asked(scene))
}

fn ask_for(scene: &mut Scene, count: usize, coverage: i32, timeout: Option<Micros>) -> Vec<Part> {
    ask(scene, &mut question(&addresses(count), None), coverage, timeout).unwrap()
}

/// What a server says of these addresses.
fn known(ips: &[String]) -> String {
    ips.iter().map(|ip| json!([0, ip, 7])).collect::<Value>().to_string()
}

/// As many as are needed say what they know.
fn answer(scene: &mut Scene, part: &Part, count: usize, serial: i64) {
    for &from in &part.to[..count] {
        scene.answered(&part.salt, from, &known(&part.ips), serial);
    }
}

fn result(scene: &mut Scene) -> QueryResult {
    let mut results = scene.results();
    assert_eq!(results.len(), 1);
    results.remove(0).1
}

fn elements(result: &QueryResult) -> Vec<Value> {
    serde_json::from_str(result.reply.as_ref().unwrap().answer().text()).unwrap()
}

#[test]
fn each_part_has_as_many_addresses_as_its_datagram_holds() {
    let length = |list: &[String], link| {
        let (request, mut datagram) = (question(list, link), Vec::new());
        request.pack(&key(), &Timestamp::of(at(0).unix), 65_507, &mut datagram).unwrap();
        datagram.len()
    };
    for link in [None, Some("br0")] {
        // Some of them are longer, so that what a part holds differs from what the one before it held.
        let list: Vec<String> =
            (0..40).map(|number| format!("{number}.{}", "1".repeat(number % 7))).collect();
        for count in 0..40 {
            let mut scene = scene(1, 0);
            let mut request = question(&list[..count], link);
            if length(&list[..count], link) <= LIMIT {
                let ask = Ask { coverage: 1, timeout: None, token: 1, quiet: false };
                let id = scene.engine.query(at(scene.now), &mut request, ask, &mut || unreachable!());
                assert!(id.unwrap().is_some(), "one datagram holds {count}");
                continue;
            }
            let parts = ask(&mut scene, &mut request, 1, None).unwrap();
            assert!(parts.len() > 1 && parts.iter().all(|part| part.link == json!(link)));
            let mut from = 0;
            for part in &parts {
                let to = from + part.ips.len();
                assert_eq!(part.ips, list[from..to]);
                assert!(to == count || length(&list[from..=to], link) > LIMIT, "one more would fit");
                from = to;
            }
            assert_eq!(from, count);
        }
    }
}

#[test]
fn only_a_list_of_several_addresses_can_be_divided() {
    let long = "1".repeat(300);
    let list: Vec<String> = addresses(40);
    let text = serde_json::to_string(&list).unwrap();
    let too_big = Err(Code::RequestTooBig);
    for (what, query) in [
        ("a list with something beside it", format!("{{\"2\": {text}, \"1\": \"10.0.0.1\"}}")),
        ("a list with something unknown beside it", format!("{{\"2\": {text}, \"9\": 1}}")),
        ("one address", format!("{{\"2\": [\"{long}\"]}}")),
        ("one that is too long among others", format!("{{\"2\": [\"a\", \"{long}\", \"b\"]}}")),
        ("what is no address", format!("{{\"2\": [1, {}]}}", text.trim_matches(['[', ']']))),
        ("no addresses at all", format!("{{\"0\": \"{long}\", \"2\": []}}")),
        ("a link that is no text", format!("{{\"0\": 7, \"2\": {text}}}")),
        ("no list", format!("{{\"2\": \"{long}\"}}")),
        ("a name", format!("\"{long}\"")),
    ] {
        let mut scene = scene(1, 0);
        let before = scene.snapshot();
        let mut request = asking(Query::json(&query).unwrap());
        assert_eq!(ask(&mut scene, &mut request, 1, None).map(|parts| parts.len()), too_big, "{what}");
        assert!(scene.snapshot() == before && !request.is_spent(), "{what}");
    }
    let mut other = Request::new(
        RequestType::NodeRoleByName,
        question(&list, None).query().clone(),
        fresh(3).salt().clone(),
    );
    assert_eq!(ask(&mut scene(1, 0), &mut other, 1, None).map(|parts| parts.len()), too_big);
}

#[test]
fn sixteen_answers_are_under_way_at_a_time_where_a_part_can_be_asked_again() {
    let all = 20;
    for (retry_every, timeout, coverage, at_once) in [
        (SECOND, None, 1, 16),
        (SECOND, None, 3, 5),
        (SECOND, None, 16, 1),
        (SECOND, None, 17, 1),
        (SECOND, Some(SECOND + 1), 3, 5),
        (SECOND, Some(SECOND), 3, all),
        (0, None, 3, all),
    ] {
        let mut scene = scene(17, retry_every);
        let parts = ask_for(&mut scene, 4 * all, coverage, timeout);
        assert_eq!(
            parts.len(),
            at_once,
            "coverage {coverage}, retries every {retry_every}, until {timeout:?}"
        );
        assert!(parts.iter().all(|part| part.to.len() == coverage as usize));
    }
}

#[test]
fn the_next_part_is_asked_when_one_is_answered_and_all_when_one_is_stuck() {
    let mut scene = scene(9, SECOND);
    let first = ask_for(&mut scene, 4 * 12, 5, None);
    assert_eq!((first.len(), scene.engine.stats().requests), (3, 3));
    answer(&mut scene, &first[1], 3, 7);
    let second = asked(&mut scene);
    assert_eq!((second.len(), second[0].ips[0].as_str()), (1, "10.0.0.112"));
    scene.now += SECOND;
    scene.expire(scene.now, 1);
    let mut salts: Vec<_> = asked(&mut scene).into_iter().map(|part| part.salt).collect();
    salts.sort_unstable();
    salts.dedup();
    assert_eq!(salts.len(), 1 + 8, "one is asked again, and the others for the first time");
    assert_eq!(scene.engine.stats().requests, 12);
}

#[test]
fn a_part_has_its_retries_from_when_it_was_asked_and_the_end_of_the_whole() {
    let mut scene = scene(9, SECOND);
    let began = scene.now;
    let first = ask_for(&mut scene, 4 * 6, 5, Some(1_700_000));
    scene.now = began + 900_000;
    for part in &first {
        answer(&mut scene, part, 3, 7);
    }
    assert_eq!(asked(&mut scene).len(), 3);
    assert_eq!(scene.engine.next_deadline(), Some(began + 1_700_000), "and not its first retry");
    assert_eq!(scene.expire(began + 1_700_000, 9), 3);
    assert_eq!(result(&mut scene).outcome, Outcome::Partial);
}

#[test]
fn the_answers_are_joined_in_the_order_of_the_addresses() {
    let mut scene = scene(5, SECOND);
    let parts = ask_for(&mut scene, 4 * 3, 5, None);
    assert_eq!(parts.len(), 3);
    for (which, serial) in [(2, 8), (0, 6)] {
        answer(&mut scene, &parts[which], 3, serial);
        assert!(!scene.engine.has_events());
    }
    // An answer may have white space where it likes.
    let spaced = known(&parts[1].ips).replace('[', " [ ").replace(']', " ] ");
    for &from in &parts[1].to[..3] {
        scene.answered(&parts[1].salt, from, &spaced, 7);
    }
    let result = result(&mut scene);
    let whole: Vec<Value> = addresses(12).iter().map(|ip| json!([0, ip, 7])).collect();
    assert_eq!(elements(&result), whole);
    assert_eq!(
        (result.outcome, result.reply.as_ref().unwrap().serial()),
        (Outcome::Answered, 6),
        "the stalest"
    );
    assert_eq!((result.sent, result.received, result.needed, result.errors), (5, 3, 3, 0));
    assert!(result.consistent);
    let (ip, port) = result.server.unwrap();
    assert_eq!(format!("{}:{port}", ip.to_str().unwrap()), parts[0].to[0].to_string(), "of the first part");
    assert_eq!(scene.engine.outstanding(), (0, 0));
}

#[test]
fn addresses_whose_part_failed_have_the_status_and_number_of_its_error() {
    let mut scene = scene(1, SECOND);
    let parts = ask_for(&mut scene, 4 * 7, 1, Some(3 * SECOND));
    assert_eq!(parts.len(), 7);
    let (ok, status) = (known(&parts[0].ips), |status, answer: &str| message(status, answer, 3));
    let messages = [
        status(0, &ok),
        status(1, "5"),
        status(2, "\"why\""),
        status(0, &known(&parts[3].ips[1..])),
        status(0, "7"),
        status(0, r#"{"a": [0, "x", 7], "b": 2, "c": 3, "d": 4}"#),
    ];
    for (part, message) in parts.iter().zip(&messages) {
        scene.hear(&signed(&key(), &part.salt, message), part.to[0]);
    }
    assert_eq!(scene.expire(scene.now + 3 * SECOND, 9), 1);
    let result = result(&mut scene);
    let of_each: Vec<Vec<Value>> = elements(&result).chunks(4).map(<[Value]>::to_vec).collect();
    assert_eq!(of_each[0], parts[0].ips.iter().map(|ip| json!([0, ip, 7])).collect::<Vec<_>>());
    // A status, and the number of the error where it is one; a list of another length is of no use,
    // nor is an object.
    let failures = [(1, 5), (2, 1), (1, 1), (1, 7), (1, 1), (1, 1)];
    for (elements, (status, number)) in of_each[1..].iter().zip(failures) {
        assert_eq!(*elements, vec![json!([status, number, 0]); 4]);
    }
    assert_eq!((result.outcome, result.errors), (Outcome::Partial, 1));
    assert_eq!((result.sent, result.received, result.needed), (1, 0, 1));
}

#[test]
fn where_every_part_fails_the_first_error_is_the_answer() {
    let mut scene = scene(1, SECOND);
    let parts = ask_for(&mut scene, 4 * 2, 1, None);
    for (number, part) in parts.iter().enumerate() {
        scene.hear(&signed(&key(), &part.salt, &message(1, &number.to_string(), 0)), part.to[0]);
    }
    let result = result(&mut scene);
    let reply = result.reply.unwrap();
    assert_eq!((reply.status(), reply.answer().text()), (1, "0"));
    assert_eq!((result.outcome, result.errors), (Outcome::Answered, 1));
}

#[test]
fn parts_that_nobody_was_asked_end_when_the_time_is_over() {
    let mut scene = scene(5, SECOND);
    // When something is done about it next, the time is over.
    let parts = ask_for(&mut scene, 4 * 9, 5, Some(SECOND + 1));
    assert_eq!(parts.len(), 3);
    scene.now += SECOND + 1;
    assert_eq!(scene.expire(scene.now, 1), 1);
    assert_eq!(scene.engine.outstanding().0, 2, "the others of those asked");
    assert_eq!(asked(&mut scene).len(), 0, "nobody is asked any more");
    scene.expire(scene.now, 9);
    let result = result(&mut scene);
    assert_eq!((result.outcome, result.reply.is_none()), (Outcome::NoReply, true));
    assert_eq!((result.sent, result.received, result.needed), (5, 0, 3));
    assert_eq!((scene.engine.outstanding(), scene.engine.stats().expired), ((0, 0), 3));
}

#[test]
fn a_query_in_parts_is_cancelled_by_its_own_salt_as_a_whole() {
    let mut scene = scene(5, SECOND);
    let mut request = question(&addresses(4 * 9), None);
    let salt = request.salt().as_str().to_owned();
    let parts = ask(&mut scene, &mut request, 5, None).unwrap();
    answer(&mut scene, &parts[0], 3, 7);
    assert_eq!(asked(&mut scene).len(), 1);
    assert!(request.is_spent());
    scene.cancel(&salt).unwrap();
    let result = result(&mut scene);
    assert_eq!((result.outcome, elements(&result).len()), (Outcome::Cancelled, 36));
    assert_eq!(elements(&result).iter().filter(|element| element[0] == 0).count(), 4);
    let stats = scene.engine.stats();
    assert_eq!((stats.cancelled, stats.outstanding, stats.queued), (3, 0, 0), "those that ran");
    assert_eq!(scene.cancel(&salt).unwrap_err().code(), Code::UnknownRequest);
    assert_eq!(asked(&mut scene).len(), 0);
}

#[test]
fn the_salt_of_a_whole_that_runs_is_used() {
    let mut scene = scene(1, SECOND);
    let mut request = question(&addresses(9), None);
    request.set_salt(salted("the whole").salt().clone());
    let parts = ask(&mut scene, &mut request, 1, None).unwrap();
    let again = |scene: &mut Scene| scene.engine.send(at(scene.now), &salted("the whole"), 1, 0).is_ok();
    assert!(!again(&mut scene));
    assert!(scene.engine.send(at(scene.now), &salted("another"), 1, 0).is_ok());
    for part in &parts {
        answer(&mut scene, part, 1, 7);
    }
    assert!(!again(&mut scene), "nor is it free when it has ended");
}

#[test]
fn two_queries_in_parts_have_nothing_to_do_with_each_other() {
    let mut scene = scene(1, SECOND);
    let first = ask_for(&mut scene, 12, 1, None);
    let mut other = question(&addresses(8), None);
    other.set_salt(fresh(77).salt().clone());
    let ask = Ask { coverage: 1, timeout: None, token: 2, quiet: false };
    let mut number = 500;
    let mut salts = || {
        number += 1;
        Ok(fresh(number).salt().clone())
    };
    scene.engine.query(at(scene.now), &mut other, ask, &mut salts).unwrap();
    let second = asked(&mut scene);
    for part in first.iter().chain(&second) {
        answer(&mut scene, part, 1, 7);
    }
    let ended = scene.results();
    let lengths: Vec<_> = ended.iter().map(|(token, result)| (*token, elements(result).len())).collect();
    assert_eq!(lengths, [(1, 12), (2, 8)]);
}
