//! The figures that real sockets can show.

use std::time::{Duration, Instant};

use confd_sim::{Candidate, Config, Sim};
use confdclient::client::fresh_salt;
use confdclient::engine::Outcome;
use confdclient::wire::query::{Query, RequestType};
use confdclient::wire::request::Request;

use crate::support::*;

#[test]
fn with_5_of_10_refusing_every_query_is_answered_at_once() {
    let sim = well(5);
    let refusing: Vec<Refusing> = (0..5).map(|_| Refusing::new()).collect();
    let mut peers = peers_of(&sim);
    peers.extend(refusing.iter().map(Refusing::peer));
    let (mut first, mut all) = (Vec::new(), Vec::new());
    // Fresh clients know nothing of who refuses.
    for _ in 0..100 {
        let client = client(&peers);
        for query in 0..10 {
            let began = Instant::now();
            let result = client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
            let took = began.elapsed();
            assert_eq!((result.outcome, result.needed), (Outcome::Answered, 4));
            all.push(took);
            if query == 0 {
                first.push(took);
            }
        }
        assert!(client.stats().unwrap().refused > 0);
    }
    let in_time = all.iter().filter(|&&took| took <= ms(20)).count();
    println!("5 of 10 refusing: {in_time} of {} within 20 ms; {}", all.len(), spread(&mut all));
    println!("  first queries of 100 clients: {}", spread(&mut first));
    assert!(*all.last().unwrap() <= granted(ms(20)));
}

#[test]
fn with_5_of_10_silent_the_first_takes_one_retry_and_from_the_third_on_nobody_waits() {
    const RETRY: u64 = 250;
    let sim = well(5);
    let (mut first, mut later, mut slow_clients) = (Vec::new(), Vec::new(), 0);
    for _ in 0..40 {
        let silent: Vec<Silent> = (0..5).map(|_| Silent::new()).collect();
        let mut peers = peers_of(&sim);
        peers.extend(silent.iter().map(Silent::peer));
        let client = client_with(&peers, None, |options| options.set_retry_ms(RETRY as i32).unwrap());
        let mut was_slow = false;
        for query in 0..100 {
            let began = Instant::now();
            let result = client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
            let took = began.elapsed();
            assert_eq!((result.outcome, result.needed), (Outcome::Answered, 4));
            match query {
                0 => first.push(took),
                1 => {}
                _ => {
                    was_slow |= took > ms(20);
                    later.push(took);
                }
            }
        }
        slow_clients += u32::from(was_slow);
    }
    let at_once = first.iter().filter(|&&took| took <= ms(20)).count();
    println!(
        "5 of 10 silent, retry_ms {RETRY}, 40 clients: first queries {}, {at_once} at once",
        spread(&mut first)
    );
    let in_time = later.iter().filter(|&&took| took <= ms(20)).count();
    let share = in_time as f64 * 100.0 / later.len() as f64;
    println!(
        "  from the third on {in_time} of {} ({share:.2} %) within 20 ms; {}",
        later.len(),
        spread(&mut later)
    );
    println!("  clients with a slow one among those: {slow_clients}");
    assert!(*first.last().unwrap() <= ms(RETRY) + granted(ms(50)));
    assert!(later.iter().filter(|&&took| took <= granted(ms(20))).count() * 100 >= later.len() * 99);
}

#[test]
fn five_thousand_addresses_are_one_result_in_order() {
    let sim = well(9);
    let list: Vec<String> = (0..5_000).map(|n| format!("10.7.{}.{}", n / 250, n % 250 + 1)).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let mut known = list.clone();
    // Addresses that the cluster has show that the order is kept.
    (known[0], known[2_500], known[4_999]) = ("198.51.100.1", "198.51.100.2", "198.51.100.1");
    let mut times = Vec::new();
    for _ in 0..10 {
        let client = client(&peers_of(&sim));
        let mut request =
            Request::new(RequestType::NodePipByInstanceIp, Query::ips(&known, None), fresh_salt().unwrap());
        let began = Instant::now();
        let result = client.query(&mut request, 0, Some(ms(5_000))).unwrap();
        times.push(began.elapsed());
        assert_eq!(result.outcome, Outcome::Answered);
        let reply = result.reply.unwrap();
        let answer: Vec<serde_json::Value> = serde_json::from_str(reply.answer().text()).unwrap();
        assert_eq!(answer.len(), 5_000);
        for (at, element) in answer.iter().enumerate() {
            let node = match at {
                0 | 4_999 => Some("192.0.2.11"),
                2_500 => Some("192.0.2.12"),
                _ => None,
            };
            assert_eq!((element[0] == 0, element[1].as_str()), (node.is_some(), node), "address {at}");
        }
        let stats = client.stats().unwrap();
        assert_eq!(stats.outstanding, 0);
        println!(
            "  {} datagrams out, {} in, lost in the socket {}",
            stats.datagrams_out, stats.datagrams_in, stats.dropped_overflow
        );
    }
    println!("5,000 addresses: {}", spread(&mut times));
}

#[test]
fn three_stale_of_seven_never_win() {
    let addresses: Vec<std::net::SocketAddr> = vec!["127.0.0.1:0".parse().unwrap(); 7];
    let mut config = Config::simple(KEY, &addresses);
    for (at, candidate) in config.candidates.iter_mut().enumerate() {
        let serial = if at < 3 { 10 + at as u64 } else { 77 };
        *candidate = Candidate::new(&format!("s{at}"), addresses[0]).with_serial(serial);
        candidate.faults.duplicate = 0.5;
        candidate.faults = candidate.faults.clone().delay_ms(0, 3);
    }
    let sim = Sim::start(config).unwrap();
    let client = client(&peers_of(&sim));
    for _ in 0..100 {
        let result = client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
        assert_eq!((result.outcome, result.reply.unwrap().serial()), (Outcome::Answered, 77));
        assert!(result.consistent);
    }
}

#[test]
fn with_the_minority_the_deadline_is_kept() {
    let sim = well(3);
    let silent: Vec<Silent> = (0..4).map(|_| Silent::new()).collect();
    let mut peers = peers_of(&sim);
    peers.extend(silent.iter().map(Silent::peer));
    let client = client_with(&peers, None, |options| options.set_retry_ms(40).unwrap());
    let mut late: Vec<Duration> = Vec::new();
    for round in 0..20 {
        let timeout = ms(50 + 10 * round);
        let began = Instant::now();
        let result = client.query(&mut master(), -1, Some(timeout)).unwrap();
        let took = began.elapsed();
        assert_eq!(
            (result.outcome, result.sent, result.received, result.needed),
            (Outcome::Partial, 7, 3, 4)
        );
        assert!(took >= timeout);
        late.push(took - timeout);
    }
    println!("minority: after the deadline by {}", spread(&mut late));
    assert!(*late.last().unwrap() <= granted(ms(20)));
}

#[test]
fn a_rolling_restart_with_a_new_key_disturbs_no_query() {
    let new = b"another key\n";
    let (old_sim, mut moved) = (well(5), Vec::new());
    let mut peers = peers_of(&old_sim);
    const RETRY: u64 = 250;
    let client = client_with(&peers, None, |options| options.set_retry_ms(RETRY as i32).unwrap());
    client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
    client.set_hmac_key(new).unwrap();
    let mut times = Vec::new();
    for at in 0..=5 {
        for _ in 0..4 {
            let began = Instant::now();
            let result = client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
            assert_eq!(result.outcome, Outcome::Answered);
            times.push(began.elapsed());
        }
        if at < 5 {
            // One server less under the old key, one more under the new.
            let faults = confd_sim::Faults { silent: 1.0, ..Default::default() };
            old_sim.set_faults(at, faults).unwrap();
            moved.push(servers_with_key(new, &[confd_sim::Faults::default()]));
            peers[at] = moved[at].addresses()[0].to_string();
            let list: Vec<&str> = peers.iter().map(String::as_str).collect();
            client.update_peers(&list).unwrap();
        }
    }
    println!("change of keys, retry_ms {RETRY}: {}", spread(&mut times));
    assert!(*times.last().unwrap() <= ms(RETRY) + granted(ms(50)));
    let began = Instant::now();
    client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
    assert!(began.elapsed() <= granted(ms(20)), "everybody has moved");
}
