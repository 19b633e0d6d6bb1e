//! Which peers a query asks: those first that are well, and some of the others to see whether they are back.

use std::collections::BTreeSet;

use super::scene::*;
use crate::engine::contacts::Contacts;
use crate::engine::{Micros, SECOND};

const NOW: Micros = 1_000 * SECOND;

/// Peers of which the first ones have refused; each was asked before `NOW` by as many seconds.
fn with_doubtful(count: usize, seconds_ago: &[u64]) -> Scene {
    let mut scene = Scene::new(count);
    for (number, ago) in seconds_ago.iter().enumerate() {
        let id = scene.engine.book.find(&address(number)).unwrap();
        let entry = scene.engine.book.get_mut(id).unwrap();
        entry.note_sent(NOW - ago * SECOND);
        entry.note_refusal();
    }
    scene
}

/// What is chosen, many times: numbers of peers, and of those asked beside them, where all of a kind stand for each
/// other as `kind` says.
fn choices<T: Ord>(
    scene: &mut Scene,
    count: usize,
    kind: impl Fn(u32) -> T,
) -> BTreeSet<(BTreeSet<T>, Vec<u32>)> {
    let choose = |_| {
        let (chosen, mut beside) = scene.engine.choose_for_query(NOW, count);
        let distinct: BTreeSet<u32> = chosen.iter().chain(beside.iter().copied()).collect();
        assert_eq!(chosen.len(), count);
        assert_eq!(distinct.len(), count + beside.len(), "nobody twice");
        beside.sort_unstable();
        (chosen.iter().map(&kind).collect(), beside)
    };
    (0..100).map(choose).collect()
}

/// The peers' numbers up to `doubtful`, and for all that are well the one number 99.
fn told_apart(doubtful: u32) -> impl Fn(u32) -> u32 {
    move |peer| if peer < doubtful { peer } else { 99 }
}

#[test]
fn with_all_peers_well_nobody_is_asked_beside_them() {
    let chosen = choices(&mut Scene::new(5), 3, |peer| peer);
    assert_eq!(chosen.len(), 10, "each three of five");
    assert!(chosen.iter().all(|(_, beside)| beside.is_empty()));
    assert_eq!(choices(&mut Scene::new(1), 1, |peer| peer), [([0].into(), vec![])].into());
}

#[test]
fn whoever_is_in_doubt_and_was_asked_lately_is_not_asked_while_others_are_well() {
    let mut scene = with_doubtful(6, &[1, 4]);
    assert_eq!(choices(&mut scene, 4, told_apart(2)), [([99].into(), vec![])].into());
}

#[test]
fn where_too_few_are_well_those_in_doubt_fill_the_number() {
    let mut scene = with_doubtful(6, &[1, 4]);
    assert_eq!(
        choices(&mut scene, 5, told_apart(2)),
        [([0, 99].into(), vec![]), ([1, 99].into(), vec![])].into()
    );
    assert_eq!(choices(&mut scene, 6, told_apart(2)), [([0, 1, 99].into(), vec![])].into());
}

#[test]
fn the_two_in_doubt_that_have_waited_longest_have_the_places_of_answers_that_a_query_can_miss() {
    // Six ask for four answers: two of the six are to spare.
    let mut scene = with_doubtful(10, &[6, 8, 7]);
    assert_eq!(choices(&mut scene, 6, told_apart(3)), [([1, 2, 99].into(), vec![])].into());
    // Four ask for three: one is to spare, and the other is asked beside them.
    assert_eq!(choices(&mut scene, 4, told_apart(3)), [([1, 99].into(), vec![2])].into());
    // Two ask for two.
    assert_eq!(choices(&mut scene, 2, told_apart(3)), [([99].into(), vec![1, 2])].into());
}

#[test]
fn one_in_doubt_is_asked_to_see_if_it_is_back_after_five_seconds_and_not_before() {
    assert_eq!(choices(&mut with_doubtful(9, &[5]), 6, told_apart(1)), [([0, 99].into(), vec![])].into());
    let mut scene = with_doubtful(9, &[4]);
    assert_eq!(choices(&mut scene, 6, told_apart(1)), [([99].into(), vec![])].into());
}

#[test]
fn where_those_in_doubt_fill_the_number_others_of_them_are_asked_beside_it() {
    let mut scene = with_doubtful(10, &[6, 7, 8, 9, 10]);
    for (chosen, beside) in choices(&mut scene, 6, told_apart(5)) {
        let in_place: Vec<u32> = chosen.into_iter().filter(|&peer| peer < 5).collect();
        assert_eq!(in_place.len(), 1);
        let longest: Vec<u32> = (0..5).rev().filter(|peer| *peer != in_place[0]).take(2).collect();
        assert_eq!(beside.iter().rev().copied().collect::<Vec<_>>(), longest);
    }
}

#[test]
fn of_many_in_doubt_a_twentieth_is_asked() {
    for (in_doubt, probed) in [(40, 2), (41, 3), (60, 3), (61, 4)] {
        let mut scene = with_doubtful(in_doubt + 10, &vec![9; in_doubt]);
        let (chosen, beside) = scene.engine.choose_for_query(NOW, 1);
        assert_eq!((chosen.len(), beside.len()), (1, probed), "of {in_doubt}");
        let first = chosen.iter().next().unwrap() as usize;
        assert!(first >= in_doubt && beside.iter().all(|&peer| (peer as usize) < in_doubt));
    }
}

#[test]
fn fresh_peers_are_those_not_asked_yet_and_the_well_ones_first() {
    let mut scene = with_doubtful(10, &[1, 1, 1]);
    // Of those not asked, 1 and 2 are in doubt.
    let asked = Contacts::new(&[0, 3, 4, 5]);
    let mut fresh = |count| {
        let chosen = scene.engine.choose_fresh(NOW, &asked, count);
        assert_eq!(BTreeSet::from_iter(chosen.iter()).len(), chosen.len(), "nobody twice");
        chosen.into_iter().map(told_apart(3)).collect::<Vec<_>>()
    };
    assert!(fresh(0).is_empty());
    assert_eq!(fresh(4), [99; 4]);
    let mut all = fresh(99);
    all.sort_unstable();
    assert_eq!(all, [1, 2, 99, 99, 99, 99]);
    assert!(matches!(fresh(5)[..], [99, 99, 99, 99, 1 | 2]));
}
