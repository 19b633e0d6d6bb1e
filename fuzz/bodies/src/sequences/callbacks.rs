//! The callbacks: each checks that it may come now, and then calls back.

use std::ffi::{c_char, c_void};

use super::slot::{Slot, State, Ticket};
use crate::api::{Reply, confd_client, confd_result, confd_upcall, said, salt_of, str_of, text_of};

/// That an upcall of this client may come now.
fn enter(slot: &Slot, client: *mut confd_client) {
    assert_ne!(slot.state.get(), State::Freed, "an upcall after free");
    assert!(slot.client.get().is_some_and(|own| own.0 == client), "another client's upcall");
    let alone = slot.in_upcall.get() == 0 || slot.state.get() == State::Freeing;
    assert!(alone, "an upcall inside an upcall");
    slot.in_upcall.set(slot.in_upcall.get() + 1);
}

fn leave(slot: &Slot) {
    slot.in_upcall.set(slot.in_upcall.get() - 1);
}

/// Something ends: its ticket is taken back.
fn release(slot: &Slot, ticket: *mut Ticket) {
    assert!(slot.forget(ticket), "a last upcall that came already");
    // SAFETY: it was among those that are not released.
    drop(unsafe { Box::from_raw(ticket) });
}

pub unsafe extern "C" fn on_upcall(
    client: *mut confd_client,
    upcall: *const confd_upcall,
    data: *mut c_void,
) {
    // SAFETY: the upcall is valid during it, and slots live as long as the world.
    let (slot, upcall) = unsafe { (&*data.cast::<Slot>(), &*upcall) };
    enter(slot, client);
    let ticket = upcall.request_data.cast::<Ticket>();
    assert!(slot.tickets.borrow().contains(&ticket), "an upcall of a request that has ended, or never was");
    // SAFETY: it is among those that are not released.
    let shown = unsafe { &*ticket };
    assert!(!shown.is_query && std::ptr::eq(shown.slot, slot));
    shown.upcalls.set(shown.upcalls.get() + 1);
    assert!(upcall.received <= upcall.sent);
    let is_reply = upcall.r#type == 1;
    assert!(is_reply || upcall.r#type == 2 || upcall.r#type == 3);
    assert!(!is_reply || slot.state.get() != State::Freeing, "a reply that free was to drop");
    let salt = salt_of(upcall.request).to_owned();
    let answer = is_reply.then(|| said(upcall.reply)).map(|(a, b, c, text)| (a, b, c, text.to_owned()));
    let world = slot.world();
    if is_reply {
        if world.once_in(4) {
            world.replies.borrow_mut().push(Reply::clone_of(upcall.reply));
        }
    } else {
        release(slot, ticket);
    }
    world.act_inside();
    // What it shows is valid until it returns, whatever was called.
    assert_eq!((salt_of(upcall.request), str_of(upcall.salt)), (salt.as_str(), Some(salt.as_str())));
    let before = answer.as_ref().map(|(a, b, c, text)| (*a, *b, *c, text.as_str()));
    assert_eq!(is_reply.then(|| said(upcall.reply)), before);
    assert_eq!(str_of(upcall.server_ip).is_some(), is_reply);
    leave(slot);
}

pub unsafe extern "C" fn on_result(
    client: *mut confd_client,
    result: *const confd_result,
    data: *mut c_void,
) {
    // SAFETY: the result is valid during the call, and so is a ticket that is not released.
    let (result, ticket) = unsafe { (&*result, &*data.cast::<Ticket>()) };
    // SAFETY: slots live as long as the world.
    let slot = unsafe { &*ticket.slot };
    enter(slot, client);
    // A log callback that calls back, in the midst of the call that asks, may bring it about itself.
    let early = ticket.asking.get() && slot.in_log.get() == 0;
    assert!(ticket.is_query && !early, "a completion inside the call that asks");
    look(result);
    release(slot, data.cast());
    slot.world().act_inside();
    look(result);
    leave(slot);
}

/// That a result agrees with itself.
pub fn look(result: &confd_result) {
    assert!((0..=3).contains(&result.outcome));
    // Of a query in parts it is the least received, and the most errors.
    assert!(result.received <= result.sent && result.errors <= result.sent);
    assert!(result.outcome != 0 || result.received >= result.needed);
    if !result.reply.is_null() {
        said(result.reply);
        assert!(str_of(result.server_ip).is_some());
    }
}

pub unsafe extern "C" fn on_line(_: i32, message: *const c_char, data: *mut c_void) {
    // SAFETY: slots live as long as the world.
    let slot = unsafe { &*data.cast::<Slot>() };
    assert_ne!(slot.state.get(), State::Freed, "a log line after free");
    assert_eq!(slot.in_log.get(), 0, "a log line inside a log line");
    slot.in_log.set(1);
    let before = text_of(message).expect("a line");
    assert!(!before.contains(char::is_control));
    // A client's first line may come while it is made.
    if slot.client.get().is_some() && slot.world().once_in(3) {
        slot.world().act_inside();
    }
    assert_eq!(str_of(message), Some(before.as_str()));
    slot.in_log.set(0);
}
