//! Many datagrams into a client that does its own input and output. After each, what the client counted and told is
//! compared with what the model makes of it.

mod grammar;
mod world;

use crate::api::{OK, Plain};
use crate::model::{Fate, KEYS, judge};
use crate::places::{Place, V4, V6};
use crate::source::Source;
use grammar::{Before, Maker};
use world::World;

/// The most datagrams of an input, and of one that goes on without an end.
const MOST: usize = 256;
const MOST_ENDLESS: usize = 1_024;

/// Earlier datagrams that are kept for replays, and where there is no end, for mutation.
const KEPT: usize = 8;
const KEPT_ENDLESS: usize = 24;

pub fn run(source: &mut Source, judged: bool) {
    let (most, kept) = if source.is_endless() { (MOST_ENDLESS, KEPT_ENDLESS) } else { (MOST, KEPT) };
    let places: &'static [Place] = if source.once_in(3) { &V6 } else { &V4 };
    let mut world = World::new(source, places, judged);
    let (mut before, mut maker) = (Before::new(), Maker::default());
    let mut count = 0;
    world.send(source);
    while !source.is_empty() && count < most {
        let choice = source.byte();
        if choice >= 24 || source.is_beyond() && choice % 4 != 0 {
            count += 1;
            crate::counts::unit();
            // Beyond the input's end two of three datagrams are altered ones of before.
            if source.is_beyond() && choice % 3 > 0 && !before.is_empty() {
                let from = maker.mutate(source, &world.asked, places.len(), &before);
                step(source, &mut world, &maker.datagram, from);
                continue;
            }
            let from = maker.make(source, &world.asked, places.len(), &before);
            step(source, &mut world, &maker.datagram, from);
            // The room of the oldest serves for the latest.
            let mut room = if before.len() == kept { before.pop_front() } else { None }.unwrap_or_default();
            room.clone_from(&maker.datagram);
            before.push_back(room);
            continue;
        }
        match choice {
            0..=9 => world.send(source),
            10..=13 => world.query(source),
            14..=16 => world.cancel(source),
            17..=18 => {
                let key = source.below(KEYS.len());
                assert_eq!(world.client.set_hmac_key(KEYS[key]), OK);
                world.key = key;
            }
            19..=20 => {
                let peers = World::some_peers(source, places);
                assert_eq!(world.client.update_peers(&peers), OK);
                world.peers = peers.len();
            }
            21..=22 => world.refuse(source),
            _ => assert_eq!(world.client.plain(Plain::Expire), OK),
        }
        world.nothing_told();
    }
    world.end(source.once_in(2));
}

/// Puts in one datagram, and compares.
fn step(source: &mut Source, world: &mut World, datagram: &[u8], from: usize) {
    let place = &world.places[from];
    // The name of a zone costs a system call.
    let ips = if source.is_beyond() && !source.once_in(16) { &place.ips[..1] } else { place.ips };
    let ip = source.pick(ips);
    if !world.judged {
        assert_eq!(world.client.handle_datagram(datagram, ip, place.port), OK);
        return world.hear();
    }
    let was = world.counters();
    assert_eq!(world.client.handle_datagram(datagram, ip, place.port), OK);
    let is = world.counters();
    assert_eq!(is.datagrams_in, was.datagrams_in + 1);
    assert_eq!(is.told(), was.told() + 1, "a datagram is counted in exactly one place");
    assert_eq!(is.dropped_magic > was.dropped_magic, !datagram.starts_with(b"plj0"));
    let counted = is.replies - was.replies;
    world.drain();
    match judge(&mut world.asked, world.any_source, datagram, from) {
        Fate::Dropped => assert_eq!(counted, 0, "what is no reply was counted as one"),
        Fate::Reply(expected) => {
            assert_eq!(counted, 1, "a reply was not counted");
            world.told(&expected, from);
        }
        Fate::Perhaps(index, from) => {
            if counted == 1 {
                world.asked[index].answered.push(from);
            }
        }
    }
    world.nothing_told();
}
