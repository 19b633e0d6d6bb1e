//! How many peers a request goes to, and which.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::scene::*;
use crate::engine::{Config, Engine};
use crate::error::Code;

#[test]
fn a_coverage_of_0_is_the_smaller_of_6_and_all() {
    for (known, asked) in [(1, 1), (5, 5), (6, 6), (7, 6), (50, 6)] {
        assert_eq!(Scene::new(known).ask(0).to.len(), asked, "of {known}");
    }
}

#[test]
fn a_coverage_of_minus_1_is_all_and_any_other_is_that_many() {
    for known in [1, 6, 7, 50, 1_000] {
        for (coverage, asked) in [(-1, known), (1, 1), (known as i32, known)] {
            let to = Scene::new(known).ask(coverage).to;
            assert_eq!(to.len(), asked);
            let distinct: HashSet<_> = to.into_iter().collect();
            assert_eq!(distinct.len(), asked, "no peer is asked twice");
            assert!((0..known).map(address).collect::<HashSet<_>>().is_superset(&distinct));
        }
    }
}

#[test]
fn more_than_the_known_peers_and_less_than_minus_1_are_refused() {
    let mut scene = Scene::new(3);
    for (coverage, code) in [
        (4, Code::Coverage),
        (i32::MAX, Code::Coverage),
        (-2, Code::InvalidArgument),
        (i32::MIN, Code::InvalidArgument),
    ] {
        assert_eq!(scene.engine.send(at(0), &fresh(1), coverage, 0).unwrap_err().code(), code);
    }
    scene.engine.update_peers(&peers(4)).unwrap();
    assert_eq!(scene.ask(4).to.len(), 4, "the peers of now count");
}

/// Chi-square of counts that ought to be equal.
fn chi_square(counts: impl IntoIterator<Item = usize>, cells: usize, draws: usize) -> f64 {
    let wanted = draws as f64 / cells as f64;
    let counts: Vec<_> = counts.into_iter().collect();
    assert!(counts.len() <= cells);
    let absent = (cells - counts.len()) as f64 * wanted;
    absent + counts.iter().map(|&count| (count as f64 - wanted).powi(2) / wanted).sum::<f64>()
}

#[test]
fn every_set_of_peers_is_equally_likely() {
    const DRAWS: usize = 4_000;
    for seed in 0..4 {
        let mut engine = Engine::new(Config::default(), key(), &peers(5), seed);
        let (mut sets, mut firsts) = (HashMap::new(), HashMap::new());
        for number in 0..DRAWS {
            engine.send(at(0), &fresh(number as u128), 2, 0).unwrap();
            let to: Vec<_> = engine.peek_transmits().map(|(_, to)| to).collect();
            engine.cancel_all(0);
            *firsts.entry(to[0]).or_insert(0) += 1;
            *sets.entry(BTreeSet::from_iter(to)).or_insert(0) += 1;
        }
        // 9 and 4 degrees of freedom: fairness passes 50 about once in ten million.
        assert!(chi_square(sets.into_values(), 10, DRAWS) < 50.0);
        assert!(chi_square(firsts.into_values(), 5, DRAWS) < 50.0, "whoever is asked first, too");
    }
}

#[test]
fn every_one_of_many_peers_is_chosen_as_often() {
    const DRAWS: usize = 5_000;
    for seed in 10..14 {
        let mut engine = Engine::new(Config::default(), key(), &peers(50), seed);
        let mut counts = HashMap::new();
        for _ in 0..DRAWS {
            for &peer in engine.choose(6) {
                *counts.entry(peer).or_insert(0) += 1;
            }
        }
        // 49 degrees of freedom, somewhat narrowed since one draw takes six: 130 is less likely than one in a
        // hundred million.
        assert!(chi_square(counts.into_values(), 50, 6 * DRAWS) < 130.0);
    }
}

#[test]
fn each_request_has_a_choice_of_its_own() {
    let mut scene = Scene::new(50);
    let choices: HashSet<BTreeSet<_>> = (0..20).map(|_| scene.ask(0).to.into_iter().collect()).collect();
    assert_eq!(choices.len(), 20);
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let choices = |seed| {
        let mut engine = Engine::new(Config::default(), key(), &peers(50), seed);
        (0..5).map(|_| engine.choose(6).to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(choices(1), choices(1));
    assert_ne!(choices(1), choices(2));
}
