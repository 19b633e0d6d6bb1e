//! A client that does its own input and output, and what the harness knows of it.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};

use confdclient::ffi::options as set;

use crate::api::{
    COVERAGE, Client, DUPLICATE_SALT, NOT_FOUND, OK, Options, Plain, Reply, Request, UNKNOWN, c,
    confd_client, confd_result, confd_stats, confd_upcall, said, salt_of, str_of,
};
use crate::model::{Asked, Expected, KEYS};
use crate::places::{Place, find};
use crate::source::Source;
use crate::wire::Question;

/// The most requests of an input, and of one that goes on without an end.
const MOST: usize = 24;
const MOST_ENDLESS: usize = 48;

pub struct World {
    pub client: Client,
    pub places: &'static [Place],
    pub asked: Vec<Asked>,
    pub key: usize,
    /// How many peers the client has.
    pub peers: usize,
    pub any_source: bool,
    /// Whether the model judges each datagram. Otherwise only the client's counters are added up at the end.
    pub judged: bool,
    filter: bool,
    used: Vec<String>,
    accepted: u64,
    /// Boxed, since callbacks have its address.
    told: Box<Told>,
}

/// What callbacks have said since somebody looked.
#[derive(Default)]
struct Told {
    upcalls: RefCell<Vec<Upcall>>,
    results: RefCell<Vec<(usize, i32)>>,
    lines: RefCell<u32>,
    judged: bool,
}

struct Upcall {
    kind: i32,
    ticket: usize,
    /// Where the model judges.
    said: Option<(i32, i32, i64, String)>,
    server: Option<(String, u16)>,
    sent: u32,
    received: u32,
    consistent: bool,
}

/// What a request carries: its number and its salt, released with its last upcall.
struct Ticket {
    index: usize,
    salt: String,
}

/// What a query carries.
struct Asking<'a>(usize, &'a Told);

impl World {
    pub fn new(source: &mut Source, places: &'static [Place], judged: bool) -> World {
        let options = Options::new();
        let (filter, any_source) = (source.once_in(4), source.once_in(4));
        let told = Box::new(Told { judged, ..Told::default() });
        let data = std::ptr::from_ref::<Told>(&told).cast_mut().cast();
        assert_eq!(options.set(set::confd_options_set_external_io, 1), OK);
        assert_eq!(options.set(set::confd_options_set_port, crate::places::PORT), OK);
        // Nothing comes about by time here.
        assert_eq!(options.set(set::confd_options_set_expire_ms, i32::MAX), OK);
        assert_eq!(options.set(set::confd_options_set_retry_ms, 0), OK);
        assert_eq!(options.set(set::confd_options_set_max_request_bytes, 65_507), OK);
        assert_eq!(options.set(set::confd_options_set_filter, i32::from(filter)), OK);
        assert_eq!(options.set(set::confd_options_set_any_source, i32::from(any_source)), OK);
        if source.once_in(8) {
            assert_eq!(options.set_log(Some(on_line), data, 0), OK);
        }
        let peers = Self::some_peers(source, places);
        let client = Client::new(KEYS[0], &peers, Some(on_upcall), data, &options).expect("a client");
        World {
            client,
            places,
            asked: Vec::new(),
            key: 0,
            peers: peers.len(),
            any_source,
            judged,
            filter,
            used: Vec::new(),
            accepted: 0,
            told,
        }
    }

    /// Different ones of the places; the last two are always strangers.
    pub fn some_peers(source: &mut Source, places: &[Place]) -> Vec<&'static CStr> {
        let bits = usize::from(source.byte()) | 1 << source.below(8);
        let chosen = places.iter().take(8).enumerate().filter(|(index, _)| bits >> index & 1 == 1);
        chosen.map(|(_, place)| place.peer).collect()
    }

    fn request(&self, source: &mut Source) -> Request {
        let request = Request::new(source.pick(&[0, 1, 3, 4, 10]), Some(c"a")).expect("a request");
        if source.once_in(4) {
            const SALTS: [&CStr; 6] = [
                c"s",
                c"S",
                c"n\u{e9}\u{1f600}",
                c"a \"quoted\" salt",
                c"01234567-89ab-4def-8123-456789abcdef",
                c"1e0",
            ];
            assert_eq!(request.set_salt(Some(source.pick(&SALTS))), OK);
        }
        request
    }

    /// A coverage that may be too much, and the peers that it means.
    fn coverage(&self, source: &mut Source) -> (i32, usize) {
        match source.pick(&[-1, 0, -1, 0, 1, 2, 9]) {
            -1 => (-1, self.peers),
            0 => (0, self.peers.min(6)),
            many => (many, many as usize),
        }
    }

    fn is_full(&self, source: &Source) -> bool {
        self.asked.len() >= if source.is_endless() { MOST_ENDLESS } else { MOST }
    }

    pub fn send(&mut self, source: &mut Source) {
        if self.is_full(source) {
            return;
        }
        if !self.judged {
            self.drain();
        }
        let request = self.request(source);
        let (coverage, peers) = self.coverage(source);
        let salt = request.salt();
        let ticket = Box::into_raw(Box::new(Ticket { index: self.asked.len(), salt: salt.clone() }));
        let flags = u32::from(source.once_in(4));
        match self.client.send(&request, coverage, flags, ticket.cast()) {
            OK => {
                assert!(!self.used.contains(&salt) && peers <= self.peers);
                self.accept(&request, false, peers);
                assert_eq!(self.client.send(&request, 1, 0, ticket.cast()), DUPLICATE_SALT);
            }
            code => {
                let expected = if peers > self.peers { COVERAGE } else { DUPLICATE_SALT };
                assert_eq!(code, expected, "{}", crate::api::last_error());
                assert!(expected == COVERAGE || self.used.contains(&salt));
                // SAFETY: a request that was refused gets no upcall.
                drop(unsafe { Box::from_raw(ticket) });
            }
        }
    }

    pub fn query(&mut self, source: &mut Source) {
        if self.is_full(source) {
            return;
        }
        if !self.judged {
            self.drain();
        }
        let request = self.request(source);
        let (coverage, peers) = self.coverage(source);
        let asking = Box::into_raw(Box::new(Asking(self.asked.len(), &self.told)));
        match self.client.query_async(&request, coverage, -1, Some(on_result), asking.cast()) {
            OK => self.accept(&request, true, peers),
            code => {
                assert!(code == COVERAGE && peers > self.peers, "{code}: {}", crate::api::last_error());
                // SAFETY: a query that was refused has no completion.
                drop(unsafe { Box::from_raw(asking) });
            }
        }
    }

    fn accept(&mut self, request: &Request, is_query: bool, peers: usize) {
        self.accepted += 1;
        let salt = request.salt();
        assert!(!self.used.contains(&salt), "a salt served twice");
        self.used.push(salt.clone());
        self.asked.push(Asked::new(salt, is_query));
        if self.judged {
            self.drain();
        } else {
            self.drain_latest();
        }
        let contacts = self.asked[self.asked.len() - 1].contacts.len();
        // A query asks others beside those that are known to be silent.
        assert!(
            contacts == peers || (is_query && contacts > peers),
            "{contacts} datagrams for {peers} peers"
        );
    }

    /// Takes the datagrams that the client sends, and learns from them whom it has asked, and with which key.
    pub fn drain(&mut self) {
        let World { client, asked, places, .. } = self;
        let mut note = |data: &[u8], ip: &str, port: u16| {
            let place = find(places, ip, port).expect("a datagram to nowhere");
            let question = Question::read(data);
            let asked = asked.iter_mut().find(|asked| asked.salt == question.salt);
            let asked = asked.expect("a datagram for no request");
            let key =
                KEYS.iter().position(|key| question.sealed.is_signed_by(key)).expect("signed with no key");
            asked.contact(place, key);
        };
        while let Some(()) = sent(client.transmit(&mut note)) {}
    }

    /// The same without a look at what they hold: all are of the latest request.
    fn drain_latest(&mut self) {
        let World { client, asked, places, key, .. } = self;
        let latest = asked.last_mut().expect("a request");
        let mut note = |data: &[u8], ip: &str, port: u16| {
            assert!(data.starts_with(b"plj0{"));
            latest.contact(find(places, ip, port).expect("a datagram to nowhere"), *key);
        };
        while let Some(()) = sent(client.transmit(&mut note)) {}
    }

    pub fn cancel(&mut self, source: &mut Source) {
        let Some(index) = self.asked.len().checked_sub(1 + source.below(self.asked.len().max(1))) else {
            return;
        };
        let (salt, was_over) = (c(self.asked[index].salt.as_str()), self.asked[index].is_over);
        assert_eq!(self.client.cancel(&salt), if was_over { UNKNOWN } else { OK });
        self.take_results();
        let mut upcalls = std::mem::take(&mut *self.told.upcalls.borrow_mut());
        if !was_over && !self.asked[index].is_query {
            let upcall = upcalls.pop().expect("a last upcall");
            assert_eq!((upcall.kind, upcall.ticket), (3, index));
            self.asked[index].is_over = true;
        }
        assert!(upcalls.is_empty() && self.asked[index].is_over);
    }

    pub fn refuse(&mut self, source: &mut Source) {
        let place = &self.places[source.below(self.places.len())];
        assert_eq!(self.client.handle_unreachable(source.pick(place.ips), place.port), OK);
        self.drain();
    }

    pub fn counters(&self) -> Counters {
        Counters(self.client.stats().expect("statistics"))
    }

    /// Compares what the callback was told of a reply.
    pub fn told(&mut self, expected: &Expected, from: usize) {
        self.take_results();
        let asked = &self.asked[expected.index];
        let upcalls = std::mem::take(&mut *self.told.upcalls.borrow_mut());
        if asked.is_query {
            return assert!(upcalls.is_empty(), "an upcall for a query");
        }
        if !self.filter || expected.is_news.is_some() {
            let is_due = !self.filter || expected.is_news == Some(true);
            assert_eq!(upcalls.len(), usize::from(is_due), "news: {:?}", expected.is_news);
        }
        for upcall in upcalls {
            let message = &expected.message;
            let what = (message.status, message.protocol, message.serial, message.answer.clone());
            assert_eq!((upcall.kind, upcall.ticket, upcall.said), (1, expected.index, Some(what)));
            let (ip, port) = upcall.server.expect("a reply from nowhere");
            assert_eq!(find(self.places, &ip, port), Some(from), "{ip} {port}");
            assert_eq!(upcall.sent as usize, asked.contacts.len());
            assert_eq!(upcall.received as usize, asked.answered.len());
            assert!(expected.is_consistent.is_none_or(|consistent| consistent == upcall.consistent));
        }
    }

    /// Learns from the callbacks what became of datagrams that the model does not judge.
    pub fn hear(&mut self) {
        self.take_results();
        for upcall in self.told.upcalls.borrow_mut().drain(..) {
            let asked = &mut self.asked[upcall.ticket];
            assert!(upcall.kind == 1 && !asked.is_query && !asked.is_over);
            let (ip, port) = upcall.server.expect("a reply from nowhere");
            let from = find(self.places, &ip, port).expect("a reply from nowhere");
            if upcall.received > 0 && asked.contacts.contains(&from) {
                asked.answered.push(from);
            }
            assert!(upcall.received as usize <= asked.contacts.len());
        }
    }

    /// Queries that have ended.
    fn take_results(&mut self) {
        for (index, outcome) in self.told.results.borrow_mut().drain(..) {
            let asked = &mut self.asked[index];
            assert!(asked.is_query && !asked.is_over, "a completion comes once");
            assert!(outcome == 0 || outcome == 3);
            asked.is_over = true;
        }
    }

    pub fn nothing_told(&mut self) {
        self.take_results();
        assert!(self.told.upcalls.borrow().is_empty(), "an upcall for nothing");
    }

    /// Ends the client: each request gets its last upcall, and then there is silence.
    pub fn end(mut self, close_first: bool) {
        let counters = self.counters();
        assert_eq!(counters.told(), counters.datagrams_in, "each datagram is counted in exactly one place");
        let stats = counters.0;
        let running = self.asked.iter().filter(|asked| !asked.is_over).count() as u64;
        assert_eq!((stats.requests, stats.outstanding, stats.expired), (self.accepted, running, 0));
        if close_first {
            assert_eq!(self.client.plain(Plain::Close), OK);
        }
        self.client.free();
        self.take_results();
        for upcall in self.told.upcalls.borrow_mut().drain(..) {
            let asked = &mut self.asked[upcall.ticket];
            assert!(upcall.kind == 3 && !asked.is_over && !asked.is_query);
            asked.is_over = true;
        }
        assert!(self.asked.iter().all(|asked| asked.is_over), "a request without its last upcall");
    }
}

/// What was taken; nothing where nothing is left.
fn sent(taken: Result<(), i32>) -> Option<()> {
    assert!(matches!(taken, Ok(()) | Err(NOT_FOUND)));
    taken.ok()
}

/// The client's counters.
pub struct Counters(confd_stats);

impl std::ops::Deref for Counters {
    type Target = confd_stats;
    fn deref(&self) -> &confd_stats {
        &self.0
    }
}

impl Counters {
    /// Every datagram is in one of these.
    pub fn told(&self) -> u64 {
        let Counters(s) = self;
        s.replies
            + s.dropped_magic
            + s.dropped_malformed
            + s.dropped_signature
            + s.dropped_salt
            + s.dropped_source
            + s.dropped_duplicate
    }
}

unsafe extern "C" fn on_upcall(_: *mut confd_client, upcall: *const confd_upcall, data: *mut c_void) {
    // SAFETY: the upcall is valid, the data is the world's own, and the ticket is released with the last upcall.
    unsafe {
        let (upcall, told) = (&*upcall, &*data.cast::<Told>());
        assert_eq!(upcall.size, size_of::<confd_upcall>());
        assert_eq!(str_of(upcall.salt), Some(salt_of(upcall.request)));
        let ticket = upcall.request_data.cast::<Ticket>();
        assert_eq!((*ticket).salt, salt_of(upcall.request));
        let is_reply = upcall.r#type == 1;
        assert!(is_reply != upcall.reply.is_null() && is_reply != upcall.server_ip.is_null());
        let said = is_reply.then(|| said(Reply::clone_of(upcall.reply).0));
        told.upcalls.borrow_mut().push(Upcall {
            kind: upcall.r#type,
            ticket: (*ticket).index,
            said: said.filter(|_| told.judged).map(|(a, b, c, text)| (a, b, c, text.to_owned())),
            server: str_of(upcall.server_ip).map(|ip| (ip.to_owned(), upcall.server_port)),
            sent: upcall.sent,
            received: upcall.received,
            consistent: upcall.consistent,
        });
        if !is_reply {
            drop(Box::from_raw(ticket));
        }
    }
}

unsafe extern "C" fn on_result(_: *mut confd_client, result: *const confd_result, data: *mut c_void) {
    // SAFETY: the result is valid, and the data is released with the only completion.
    unsafe {
        let (result, asking) = (&*result, Box::from_raw(data.cast::<Asking>()));
        assert!(result.received <= result.sent && result.errors <= result.received);
        assert_eq!(result.outcome == 0, result.received >= result.needed);
        assert_eq!(result.reply.is_null(), result.received == 0);
        if !result.reply.is_null() {
            said(result.reply);
        }
        asking.1.results.borrow_mut().push((asking.0, result.outcome));
    }
}

unsafe extern "C" fn on_line(level: i32, message: *const c_char, data: *mut c_void) {
    assert!((0..=3).contains(&level));
    let text = str_of(message).expect("a line");
    assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
    // SAFETY: the data is the world's own.
    *unsafe { &*data.cast::<Told>() }.lines.borrow_mut() += 1;
}
