//! One call on one client: which, with what, and what may come of it.

use std::ffi::c_void;

use super::slot::{Does, Slot, State, Ticket};
use super::{World, callbacks, net};
use crate::api::{
    BUSY, CLOSED, COVERAGE, DUPLICATE_SALT, INVALID, MISSING_SALT, NOT_FOUND, OK, Plain, Request, UNKNOWN, c,
};
use crate::model::KEYS;

/// The system refused.
const IO: i32 = 11;

pub fn make(world: &World<'_>, slot: &Slot) {
    let choice = world.source.borrow_mut().byte() % 64;
    let ms = if world.net.is_some() && world.once_in(6) { 2 } else { 0 };
    let waiting = if slot.external { [INVALID, BUSY] } else { [OK, BUSY] };
    match choice {
        0..=9 => send(world, slot),
        10..=14 => query_async(world, slot),
        15..=25 => answer(world, slot),
        26..=30 => cancel(world, slot),
        31 => update_peers(world, slot),
        32 => {
            let key = world.below(KEYS.len());
            if slot.call("set_hmac_key", Does::Else, &[OK], |client| client.set_hmac_key(KEYS[key])) == OK {
                slot.key.set(key);
            }
        }
        33 => drop(
            slot.call("set_hmac_key of nothing", Does::Else, &[INVALID], |client| client.set_hmac_key(b"")),
        ),
        34..=35 => drop(plain(slot, "flush", Does::Else, Plain::Flush)),
        36..=38 => drop(slot.call("receive", Does::Waits, &waiting[..1], |client| client.receive(ms).0)),
        39..=40 => wait(world, slot, ms, &waiting[..1]),
        41..=43 => drop(plain(slot, "process", Does::Waits, Plain::Process)),
        44..=45 => drop(plain(slot, "expire", Does::Waits, Plain::Expire)),
        46..=47 => query(world, slot, ms, waiting[0]),
        48 => drop(plain(slot, "wake", Does::Else, Plain::Wake)),
        49 => drop(slot.call("reload", Does::Else, &[INVALID], |client| client.plain(Plain::Reload))),
        50 => fd(slot),
        51 => timeout(slot),
        52 => drop(slot.call("stats", Does::Else, &[OK], |client| client.stats().err().unwrap_or(OK))),
        53 => {
            let index = world.below(10);
            slot.call("peer_stats", Does::Else, &[OK, NOT_FOUND], |client| client.peer_stats(index));
        }
        54..=55 => outstanding(slot),
        56 => refuse(world, slot),
        57 => close(slot),
        58..=59 => {
            if slot.in_log.get() == 0 {
                free(slot);
            }
        }
        60 => drop(world.replies.borrow_mut().pop()),
        61 => {
            let count = world.requests.borrow().len();
            if count > 0 {
                world.requests.borrow_mut().swap_remove(world.below(count));
            }
        }
        _ => respond(world, slot),
    }
}

fn plain(slot: &Slot, what: &str, does: Does, call: Plain) -> i32 {
    slot.call(what, does, &[OK], |client| client.plain(call))
}

fn ticket(slot: &Slot, is_query: bool) -> *mut Ticket {
    let ticket = Ticket { is_query, upcalls: Default::default(), asking: true.into(), slot };
    let ticket = Box::into_raw(Box::new(ticket));
    slot.tickets.borrow_mut().push(ticket);
    ticket
}

/// The call that asks has returned.
fn asked(slot: &Slot, ticket: *mut Ticket, code: i32) {
    let is_there = slot.tickets.borrow().contains(&ticket);
    if code == OK {
        if is_there {
            assert_ne!(slot.state.get(), State::Freed, "a request that was accepted has no last upcall");
            // SAFETY: it is among those that are not released.
            unsafe { (*ticket).asking.set(false) };
        }
        return;
    }
    assert!(is_there, "a request that was refused got a last upcall");
    slot.forget(ticket);
    // SAFETY: it was among those that are not released, and nobody else has it.
    let ticket = unsafe { Box::from_raw(ticket) };
    assert_eq!(ticket.upcalls.get(), 0, "a request that was refused got an upcall");
}

fn coverage(world: &World<'_>) -> i32 {
    [-1, 0, 1, 2, 9, -2][world.below(6)]
}

fn send(world: &World<'_>, slot: &Slot) {
    let (request, coverage) = (world.request(), coverage(world));
    let flags = u32::from(world.once_in(4));
    let ticket = ticket(slot, false);
    // 9: a list of addresses that no datagram holds.
    let others = match (slot.has_callback, coverage) {
        (false, _) | (_, -2) => &[INVALID][..],
        (_, 9) => &[COVERAGE],
        _ => &[OK, COVERAGE, DUPLICATE_SALT, MISSING_SALT, 9, IO],
    };
    let code = slot
        .call("send", Does::Tells, others, |client| client.send(&request, coverage, flags, ticket.cast()));
    assert!(code != MISSING_SALT || request.salt().is_empty());
    asked(slot, ticket, code);
    salts(world, slot, &request, code);
}

/// A socket client's datagrams leave by themselves; what is known of them is the salt.
fn salts(world: &World<'_>, slot: &Slot, request: &Request, code: i32) {
    if code == OK && !slot.external {
        slot.left.borrow_mut().push((request.salt(), world.below(4)));
    }
}

fn query_async(world: &World<'_>, slot: &Slot) {
    let (request, coverage) = (world.request(), coverage(world));
    let timeout = [-1, 0, 1, 50][world.below(4)];
    let ticket = ticket(slot, true);
    let others = match coverage {
        -2 => &[INVALID][..],
        9 => &[COVERAGE],
        _ => &[OK, COVERAGE, MISSING_SALT, IO],
    };
    let code = slot.call("query_async", Does::Tells, others, |client| {
        client.query_async(&request, coverage, timeout, Some(callbacks::on_result), ticket.cast::<c_void>())
    });
    asked(slot, ticket, code);
    salts(world, slot, &request, code);
}

fn query(world: &World<'_>, slot: &Slot, ms: i32, open: i32) {
    let (request, coverage) = (world.request(), [-1, 0, 1][world.below(3)]);
    let others = [open, COVERAGE, MISSING_SALT, IO];
    slot.call("query", Does::Waits, &others, |client| {
        // Another client's upcalls may end it by its salt.
        client.query(&request, coverage, ms, callbacks::look)
    });
}

/// Something comes in, also where the client has a socket.
fn answer(world: &World<'_>, slot: &Slot) {
    if slot.external {
        drain(slot);
    }
    // Inside an upcall several wait to be told of.
    let count = world.below(4) + 1;
    for _ in 0..count {
        if slot.state.get() == State::Freed {
            return;
        }
        let key = slot.key.get();
        let (datagram, ip, port) = net::answer(&mut world.source.borrow_mut(), &slot.left.borrow(), key);
        slot.call("handle_datagram", Does::Tells, &[OK], |client| {
            client.handle_datagram(&datagram, ip, port)
        });
    }
}

/// Takes all that wants to leave an own-I/O client.
fn drain(slot: &Slot) {
    // Each of many parts may go to many peers.
    for _ in 0..256 {
        let state = slot.state.get();
        match net::noted(slot.client()) {
            Ok(left) => slot.left.borrow_mut().extend(left),
            Err(code) => return assert_eq!(code, if state == State::Open { NOT_FOUND } else { CLOSED }),
        }
    }
}

fn refuse(world: &World<'_>, slot: &Slot) {
    let (_, ip, port) = net::answer(&mut world.source.borrow_mut(), &slot.left.borrow(), 0);
    slot.call("handle_unreachable", Does::Else, &[OK], |client| client.handle_unreachable(ip, port));
}

/// The salt of a request, of whichever client.
fn some_salt(world: &World<'_>) -> std::ffi::CString {
    let count = world.requests.borrow().len();
    if count == 0 { c("z") } else { c(world.requests.borrow()[world.below(count)].salt()) }
}

fn cancel(world: &World<'_>, slot: &Slot) {
    let salt = some_salt(world);
    slot.call("cancel", Does::Tells, &[OK, UNKNOWN], |client| client.cancel(&salt));
}

fn wait(world: &World<'_>, slot: &Slot, ms: i32, open: &[i32]) {
    let salt = some_salt(world);
    slot.call("wait", Does::Waits, open, |client| {
        let (code, waited) = client.wait(&salt, ms);
        assert!(waited.received <= waited.sent);
        code
    });
}

fn update_peers(world: &World<'_>, slot: &Slot) {
    let peers = world.peers(slot.external);
    slot.call("update_peers", Does::Else, &[OK], |client| client.update_peers(&peers));
    let none = if slot.state.get() == State::Open { 3 } else { CLOSED };
    slot.call("update_peers to none", Does::Else, &[none], |client| client.update_peers(&[c""; 0]));
}

/// One descriptor, the same for the client's life.
fn fd(slot: &Slot) {
    let state = slot.state.get();
    let fd = slot.client().plain(Plain::Fd);
    if state >= State::Closed || slot.external {
        return assert_eq!(fd, -1);
    }
    assert!(fd >= 0 && slot.fd.replace(Some(fd)).is_none_or(|before| before == fd));
}

fn timeout(slot: &Slot) {
    let state = slot.state.get();
    let ms = slot.client().plain(Plain::Timeout);
    assert!(ms >= -1 && (state == State::Open || ms == -1));
}

fn outstanding(slot: &Slot) {
    let (state, tickets) = (slot.state.get(), slot.tickets.borrow().len());
    match slot.client().outstanding() {
        Ok((total, unanswered)) => {
            assert!(state == State::Open && unanswered <= total);
            // Each part of a query in parts is outstanding, and so may be a question of the client's own.
            assert!(total <= 40 * (tickets + 1), "{total} outstanding of {tickets}");
        }
        Err(code) => assert!(code == CLOSED && state >= State::Closed),
    }
}

fn respond(world: &World<'_>, slot: &Slot) {
    match world.net {
        Some(net) => net.respond(&mut world.source.borrow_mut()),
        None if slot.external => drain(slot),
        None => {}
    }
}

fn ends(slot: &Slot) {
    if slot.state.get() == State::Open {
        slot.ended_inside.set(slot.inside());
    }
}

pub fn close(slot: &Slot) {
    let before = slot.state.get();
    ends(slot);
    if before < State::Closed {
        slot.state.set(State::Closed);
    }
    let code = slot.client().plain(Plain::Close);
    // An upcall may have freed it.
    let freed = slot.state.get() > State::Closed;
    assert!(
        code == if freed { CLOSED } else { OK } || before == State::Freeing && code == CLOSED,
        "close: {code}"
    );
}

/// Every handle is given back once: nobody else frees it meanwhile.
pub fn free(slot: &Slot) {
    if slot.state.get() >= State::Freeing {
        return;
    }
    let client = slot.client();
    ends(slot);
    slot.state.set(State::Freeing);
    client.free();
    slot.state.set(State::Freed);
    for ticket in slot.tickets.borrow().iter() {
        // SAFETY: it is among those that are not released.
        let asking = unsafe { (**ticket).asking.get() };
        // In the midst of a call that asks, which will be refused.
        assert!(asking, "a request without its last upcall");
    }
    slot.world().bury(slot);
}
