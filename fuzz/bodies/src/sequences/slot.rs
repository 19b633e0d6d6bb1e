//! A client of a sequence, and the rules for what its calls may return.

use std::cell::{Cell, RefCell};

use super::World;
use crate::api::{BUSY, CLOSED, Client, last_error};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Open,
    Closed,
    /// `free` runs.
    Freeing,
    Freed,
}

/// Inside what the client was closed or freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    Nothing,
    Upcall,
    Log,
}

/// What a call does, as far as the rules go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It waits for upcalls: not allowed inside one.
    Waits,
    /// It makes upcalls.
    Tells,
    /// Neither.
    Else,
}

pub struct Slot {
    world: *const World<'static>,
    pub index: usize,
    pub client: Cell<Option<Client>>,
    pub external: bool,
    pub has_callback: bool,
    pub state: Cell<State>,
    pub ended_inside: Cell<Inside>,
    pub in_upcall: Cell<u32>,
    pub in_log: Cell<u32>,
    pub key: Cell<usize>,
    pub fd: Cell<Option<i32>>,
    /// What requests and queries carry that have not had their last upcall, by address.
    pub tickets: RefCell<Vec<*mut Ticket>>,
    /// Salts of datagrams that have left, with the place that they went to.
    pub left: RefCell<Vec<(String, usize)>>,
}

/// What a request or a query carries. It is released with the last upcall.
pub struct Ticket {
    pub is_query: bool,
    pub upcalls: Cell<u32>,
    /// The call that asks has not returned yet.
    pub asking: Cell<bool>,
    pub slot: *const Slot,
}

impl Slot {
    pub fn new(world: &World<'_>, index: usize, external: bool, has_callback: bool) -> Slot {
        Slot {
            // The world outlives its clients, of which it frees each.
            world: std::ptr::from_ref(world).cast(),
            index,
            client: Cell::new(None),
            external,
            has_callback,
            state: Cell::new(State::Open),
            ended_inside: Cell::new(Inside::Nothing),
            in_upcall: Cell::new(0),
            in_log: Cell::new(0),
            key: Cell::new(0),
            fd: Cell::new(None),
            tickets: RefCell::default(),
            left: RefCell::default(),
        }
    }

    /// Takes a ticket from those that are not released; false if it is not among them.
    pub fn forget(&self, ticket: *mut Ticket) -> bool {
        let mut tickets = self.tickets.borrow_mut();
        tickets.iter().position(|&other| other == ticket).map(|index| tickets.swap_remove(index)).is_some()
    }

    pub fn world(&self) -> &World<'static> {
        // SAFETY: the world outlives its slots.
        unsafe { &*self.world }
    }

    pub fn client(&self) -> Client {
        assert_ne!(self.state.get(), State::Freed, "the harness uses a client that is gone");
        self.client.get().expect("a client")
    }

    pub fn inside(&self) -> Inside {
        match (self.in_log.get(), self.in_upcall.get()) {
            (0, 0) => Inside::Nothing,
            (0, _) => Inside::Upcall,
            _ => Inside::Log,
        }
    }

    /// Makes a call that gives a code, and holds it against the rules; `others` are the codes that it may give
    /// where no rule decides.
    pub fn call(&self, what: &str, does: Does, others: &[i32], call: impl FnOnce(Client) -> i32) -> i32 {
        let (state, inside, busy) = (self.state.get(), self.inside(), self.in_upcall.get() > 0);
        let code = call(self.client());
        let said = || {
            format!("{what}: {code} ({}), {state:?}, then {:?}, {inside:?}", last_error(), self.state.get())
        };
        if state >= State::Closed {
            assert_eq!(code, CLOSED, "{}", said());
        } else if does == Does::Waits && inside != Inside::Nothing && code == BUSY {
            // Log lines may come between upcalls, too.
        } else if does == Does::Waits && busy {
            assert_eq!(code, BUSY, "{}", said());
        } else if self.state.get() >= State::Closed
            && self.ended_inside.get() == Inside::Upcall
            && does != Does::Else
        {
            let may_be_done = what == "query" && code == 0 || what == "cancel" && others[1..].contains(&code);
            assert!(code == CLOSED || may_be_done, "{}", said());
        } else {
            let is_closed = self.state.get() >= State::Closed && code == CLOSED;
            assert!(is_closed || others.contains(&code), "{}", said());
        }
        code
    }
}
