//! Calls in any order on several clients, with callbacks that call back, to any depth. The rules of the contract are
//! checked at each call and in each callback.

mod callbacks;
mod calls;
mod net;
mod slot;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::rc::Rc;

use crate::api::{Client, Options, Reply, Request, c};
use crate::model::KEYS;
use crate::places::V4;
use crate::source::Source;
use confdclient::ffi::options as set;
use net::Net;
use slot::{Slot, State};

/// The most sequences of an input, calls of a sequence, and callbacks inside each other.
const SEQUENCES: usize = 64;
const CALLS: u32 = 96;
const DEPTH: u32 = 12;

/// Clients at a time.
const CLIENTS: usize = 3;

/// All that a sequence of calls has. Callbacks come to it by their client's slot.
pub struct World<'a> {
    source: RefCell<Source<'a>>,
    /// The input goes on without an end: then lists are shorter, and so is the datagram that holds none.
    endless: bool,
    slots: RefCell<[Option<Rc<Slot>>; CLIENTS]>,
    /// Slots whose clients are gone; a callback that comes too late finds them.
    gone: RefCell<Vec<Rc<Slot>>>,
    /// The longest list.
    ips: Vec<CString>,
    requests: RefCell<Vec<Rc<Request>>>,
    replies: RefCell<Vec<Reply>>,
    calls_left: Cell<u32>,
    /// How many clients a sequence has at a time, at the most.
    clients: Cell<usize>,
    depth: Cell<u32>,
    net: Option<&'static Net>,
}

pub fn run(source: Source<'_>, with_sockets: bool) {
    let world = World {
        endless: source.is_endless(),
        source: RefCell::new(source),
        slots: RefCell::default(),
        gone: RefCell::default(),
        ips: (0..400).map(|number| c(format!("192.0.2.{}", number % 250))).collect(),
        requests: RefCell::default(),
        replies: RefCell::default(),
        calls_left: Cell::new(0),
        clients: Cell::new(CLIENTS),
        depth: Cell::new(0),
        net: with_sockets.then(Net::get),
    };
    for _ in 0..SEQUENCES {
        world.sequence();
        crate::counts::unit();
        if world.source.borrow().is_empty() {
            break;
        }
    }
}

impl World<'_> {
    fn sequence(&self) {
        self.calls_left.set(CALLS);
        // Making clients takes time: where there is no end, most sequences have one or two.
        self.clients.set(if self.endless { [1, 1, 2, CLIENTS][self.below(4)] } else { CLIENTS });
        self.place(0);
        while self.calls_left.get() > 0 && !self.source.borrow().is_empty() {
            // Some 20 calls with those of callbacks, or some 35.
            if self.once_in(if self.endless { 17 } else { 40 }) {
                break;
            }
            self.act();
        }
        // The last upcalls may make clients anew.
        for _ in 0..2 * CLIENTS {
            for index in 0..CLIENTS {
                let slot = self.slots.borrow()[index].clone();
                if let Some(slot) = slot {
                    if self.once_in(2) {
                        calls::close(&slot);
                    }
                    calls::free(&slot);
                }
            }
            self.calls_left.set(0);
        }
        assert!(self.slots.borrow().iter().all(Option::is_none), "a client is left");
        self.gone.borrow_mut().clear();
        self.requests.borrow_mut().clear();
        for reply in self.replies.borrow_mut().drain(..) {
            crate::api::said(reply.0);
        }
    }

    fn below(&self, n: usize) -> usize {
        self.source.borrow_mut().below(n)
    }

    fn byte(&self) -> u8 {
        self.source.borrow_mut().byte()
    }

    fn once_in(&self, n: usize) -> bool {
        self.source.borrow_mut().once_in(n)
    }

    /// One call, on one of the clients.
    fn act(&self) {
        let Some(left) = self.calls_left.get().checked_sub(1) else { return };
        self.calls_left.set(left);
        crate::counts::call();
        let clients = self.clients.get();
        let index = self.below(clients + 2) % clients;
        let slot = self.slots.borrow()[index].clone();
        match slot {
            Some(slot) => calls::make(self, &slot),
            None => self.place(index),
        }
    }

    /// Some calls from inside a callback.
    fn act_inside(&self) {
        if self.depth.get() == DEPTH {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        let count = self.below(6).saturating_sub(1);
        for _ in 0..count {
            self.act();
        }
        self.depth.set(self.depth.get() - 1);
    }

    /// Makes a client.
    fn place(&self, index: usize) {
        let options = Options::new();
        let (what, timing) = (self.byte(), self.byte());
        let has_callback = what & 0xe0 != 0xe0;
        let external = self.net.is_none() || what & 0x18 == 0x18;
        let expire_ms = [10_000, 10_000, 1, 20][usize::from(timing & 3)];
        let retry_ms = [1_000, 0, 1, 0][usize::from(timing >> 2 & 3)];
        let refresh_ms = [0, 0, 0, 1][usize::from(timing >> 4 & 3)];
        options.set(set::confd_options_set_external_io, i32::from(external));
        options.set(set::confd_options_set_port, crate::places::PORT);
        if self.endless {
            options.set(set::confd_options_set_max_request_bytes, 600);
        }
        options.set(set::confd_options_set_expire_ms, expire_ms);
        options.set(set::confd_options_set_retry_ms, retry_ms);
        options.set(set::confd_options_set_refresh_ms, refresh_ms);
        options.set(set::confd_options_set_filter, i32::from(what & 1));
        options.set(set::confd_options_set_any_source, i32::from(what >> 1 & 1));
        let slot = Rc::new(Slot::new(self, index, external, has_callback));
        let data = Rc::as_ptr(&slot).cast_mut().cast();
        if what & 4 != 0 {
            options.set_log(Some(callbacks::on_line), data, i32::from(timing >> 6));
        }
        let upcall: crate::api::confd_upcall_fn =
            if has_callback { Some(callbacks::on_upcall) } else { None };
        let peers = self.peers(external);
        let client = Client::new(KEYS[0], &peers, upcall, data, &options).expect("a client");
        slot.client.set(Some(client));
        self.slots.borrow_mut()[index] = Some(slot);
    }

    /// Some peers for a client.
    fn peers(&self, external: bool) -> Vec<Cow<'static, CStr>> {
        let mut bits = usize::from(self.byte());
        if self.endless && !self.once_in(4) {
            bits &= usize::from(self.byte());
        }
        let some = |count: usize| {
            let bits = if bits % (1 << count) == 0 { 3 } else { bits };
            (0..count).filter(move |index| bits >> index & 1 == 1)
        };
        match self.net {
            Some(net) if !external => {
                let all = net.peers();
                some(all.len()).map(|index| Cow::Owned(c(all[index].as_str()))).collect()
            }
            _ => some(8).map(|index| Cow::Borrowed(V4[index].peer)).collect(),
        }
    }

    /// A request: a new one, or one that has served already.
    fn request(&self) -> Rc<Request> {
        let known = self.requests.borrow().len();
        if known > 0 && self.once_in(4) {
            let index = self.below(known);
            return self.requests.borrow()[index].clone();
        }
        let list = self.once_in(12);
        let request = Request::new(if list { 2 } else { 3 }, None).expect("a request");
        if list {
            // More than one datagram takes.
            let ips = &self.ips[..if self.endless { 40 } else { 400 }];
            assert_eq!(request.set_ips(ips, None), crate::api::OK);
        }
        if self.once_in(8) {
            request.set_salt(Some([c"", c"x", c"y"][self.below(3)]));
        }
        let request = Rc::new(request);
        self.requests.borrow_mut().push(request.clone());
        request
    }

    /// A client is gone.
    fn bury(&self, slot: &Slot) {
        let buried = self.slots.borrow_mut()[slot.index].take().expect("a client that is there");
        assert!(std::ptr::eq(&*buried, slot) && slot.state.get() == State::Freed);
        self.gone.borrow_mut().push(buried);
    }
}
