//! Requests of every kind, and what becomes of them.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::rc::Rc;

use rand::RngExt;

use super::cluster::Question;
use super::model::{Asked, Waiting};
use super::scenario::pick;
use super::world::World;
use crate::engine::Now;
use crate::error::Code;
use crate::wire::query::{Query, RequestType};
use crate::wire::request::Request;
use crate::wire::salt::Salt;

/// What given salts begin with: what fits into ASCII, into Latin-1, into neither; what is escaped in JSON.
const GIVEN: [&str; 6] = ["s", "\u{e9}", "\u{c3}\u{a9}\u{ff}", "\u{20ac}", "\"\\", "\n\u{7f}"];

impl World {
    pub(super) fn send(&mut self) {
        let request = self.a_request();
        let known = self.model.peers.len() as i32;
        let coverage = match self.random.random_range(0..14) {
            0..5 => 0,
            5..7 => -1,
            7 => known + 1,
            8 => *pick(&mut self.random, &[-2, i32::MIN, i32::MAX]),
            _ => self.random.random_range(1..=known),
        };
        self.requests.push(request.clone());
        let token = self.requests.len();
        let unix = self.unix().saturating_add_signed(self.clock_off);
        let now = Now { micros: self.now, unix };
        let sent = self.engine.send(now, &request, coverage, token);
        match (sent, self.refusal(&request, coverage)) {
            (Err(error), Some(code)) => assert_eq!(error.code(), code),
            (Ok(id), None) => {
                let count = match coverage {
                    0 => known.min(6),
                    -1 => known,
                    _ => coverage,
                };
                let (to, question, bytes) = self.its_datagrams(&request, count as usize);
                assert_eq!(question.unix, unix);
                let deadline = self.now.saturating_add(self.scenario.config.expire_after);
                let asked = Asked::new(id, token, self.key, deadline, &to);
                let waiting =
                    to.into_iter().map(|to| Waiting { to, question: question.clone(), bytes: bytes.clone() });
                self.model.accept(request.salt().as_str().to_owned(), asked, waiting);
            }
            (sent, expected) => panic!("sending gave {sent:?}, and the rules say {expected:?}"),
        }
        if self.random.random_bool(0.5) {
            self.transmit();
        }
    }

    fn a_request(&mut self) -> Request {
        if let (0, false) = (self.random.random_range(0..10), self.requests.is_empty()) {
            return pick(&mut self.random, &self.requests).clone();
        }
        let big = self.random.random_range(0..15) == 0;
        let query = if big { Query::text(&"x".repeat(2_000)) } else { Query::NONE };
        let mut request =
            Request::new(RequestType::ClusterMaster, query, Salt::from_random(self.random.random()));
        let text = match self.random.random_range(0..12) {
            0 => String::new(),
            1 if !self.requests.is_empty() => {
                pick(&mut self.random, &self.requests).salt().as_str().to_owned()
            }
            2 | 3 => format!("{}{}", pick(&mut self.random, &GIVEN), self.random.random_range(0..30)),
            _ => return request,
        };
        request.set_salt(Salt::from_text(&text).unwrap());
        request
    }

    /// Why the request must be refused.
    fn refusal(&self, request: &Request, coverage: i32) -> Option<Code> {
        let salt = request.salt().as_str();
        if coverage < -1 {
            Some(Code::InvalidArgument)
        } else if coverage > self.model.peers.len() as i32 {
            Some(Code::Coverage)
        } else if salt.is_empty() {
            Some(Code::MissingSalt)
        } else if self.model.used.contains(salt) {
            Some(Code::DuplicateSalt)
        } else if request.query().as_c_str().count_bytes() > 1_000 {
            Some(Code::RequestTooBig)
        } else {
            None
        }
    }

    /// What the request that was just accepted has put at the end of the queue.
    fn its_datagrams(
        &mut self,
        request: &Request,
        count: usize,
    ) -> (Vec<SocketAddr>, Rc<Question>, Rc<[u8]>) {
        let added: Vec<_> = self.engine.peek_transmits().skip(self.model.queue.len()).collect();
        assert_eq!(added.len(), count, "as many datagrams as the coverage says");
        assert!(added.iter().all(|(data, _)| *data == added[0].0));
        let question = Question::read(added[0].0, &self.cluster.keys, self.key);
        assert_eq!(question.salt, request.salt().as_str());
        let to: Vec<_> = added.iter().map(|(_, to)| *to).collect();
        assert!(to.iter().all(|to| self.model.peers.contains(to)), "only peers are asked");
        assert_eq!(to.iter().collect::<HashSet<_>>().len(), to.len(), "and each once");
        (to, Rc::new(question), added[0].0.into())
    }
}
