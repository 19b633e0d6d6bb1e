//! What a client knows of its peers.

use confd_sim::{Candidate, Faults};
use confdclient::client::{Client, Options};
use confdclient::engine::Outcome;
use confdclient::error::Code;

use crate::support::*;

#[test]
fn peer_stats_tell_addresses_as_written_counts_serials_and_round_trips() {
    let sim = servers(&[slow(10, 12), slow(10, 12), slow(10, 12)]);
    sim.change(1, |candidate: &mut Candidate| candidate.cluster = candidate.cluster.clone().with_serial(7))
        .unwrap();
    let refusing = Refusing::new();
    let mut peers = peers_of(&sim);
    peers.push(refusing.peer());
    let client = client(&peers);
    for _ in 0..3 {
        let result = client.query(&mut master(), -1, Some(ms(5_000))).unwrap();
        assert_eq!((result.outcome, result.sent, result.received), (Outcome::Answered, 4, 3));
    }
    let known: Vec<_> = (0..4).map(|peer| client.peer_stats(peer).unwrap()).collect();
    for (peer, known) in peers.iter().zip(&known) {
        assert_eq!(known.address.to_str().unwrap(), peer);
    }
    for answering in &known[..3] {
        assert_eq!((answering.sent, answering.answered, answering.refused), (3, 3, 0));
        assert!((10_000..200_000).contains(&answering.rtt_us) && answering.rtt_last_us >= 10_000);
    }
    assert_eq!((known[1].serial, known[0].serial == known[2].serial), (7, true));
    assert!(known[0].serial > 7);
    assert!(known[3].refused >= 1 && known[3].refused <= 3);
    assert_eq!((known[3].answered, known[3].rtt_us, known[3].rtt_last_us, known[3].serial), (0, 0, 0, 0));
    let past = client.peer_stats(4).unwrap_err();
    assert_eq!(past.code(), Code::NotFound);
    assert!(past.detail().contains('4'), "{}", past.detail());
}

#[test]
fn addresses_are_shown_in_the_form_in_which_they_were_given() {
    let mut options = Options::default();
    options.set_port(2000).unwrap();
    let shown = |peers: &[&str]| -> Vec<String> {
        let client = Client::new(KEY, peers, None, &options).unwrap();
        (0..)
            .map_while(|peer| client.peer_stats(peer).ok())
            .map(|known| known.address.to_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(shown(&["127.0.0.1", "127.0.0.1:2000", "127.0.0.1:2001"]), ["127.0.0.1", "127.0.0.1:2001"]);
    assert_eq!(shown(&["::1", "[::1]:2001", "2001:DB8::1"]), ["::1", "[::1]:2001", "2001:db8::1"]);
}

#[test]
fn late_answers_are_known_before_the_next_question_is_asked() {
    // Six peers of whom four suffice: two answers come when the query has returned, and the program sleeps.
    let mut faults = vec![Faults::default(); 6];
    (faults[1], faults[4]) = (slow(5, 10), slow(5, 10));
    let sim = servers(&faults);
    let (client, mut longest) = (client(&peers_of(&sim)), 0);
    for _ in 0..8 {
        let result = client.query(&mut master(), 0, Some(ms(50))).unwrap();
        assert_eq!((result.outcome, result.sent), (Outcome::Answered, 6));
        std::thread::sleep(ms(150)); // longer than a silent peer gets, and than the query may take
        client.query(&mut master(), 1, Some(ms(50))).unwrap();
        let times = (0..6).map(|peer| client.peer_stats(peer).unwrap());
        longest = times.map(|known| known.rtt_us.max(known.rtt_last_us)).fold(longest, u64::max);
    }
    let known: Vec<_> = (0..6).map(|peer| client.peer_stats(peer).unwrap()).collect();
    println!("round trips of a client that sleeps: at most {longest} µs");
    assert!(longest < 100_000, "{known:?}");
    assert!(known.iter().all(|known| known.answered >= 8), "{known:?}");
}
