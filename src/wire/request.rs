//! A request, and how it becomes a signed datagram.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Code, Error, Result};
use crate::wire::key::{Key, TAG_LEN};
use crate::wire::query::{Query, RequestType};
use crate::wire::salt::Salt;
use crate::wire::{MAGIC, text};

/// The protocol version that every request names.
pub const PROTOCOL: i32 = 1;

/// What stands behind the salt of the tag, to the end of the datagram. Zeros hold the place of the tag's digits.
const TAG: &[u8] = b"\", \"hmac\": \"0000000000000000000000000000000000000000\"}";

/// What stands behind those digits.
const TAG_END: &[u8] = b"\"}";

/// A question: its type, its query and the salt that its replies carry.
///
/// Cloning is cheap, so that a client keeps what it was given while the program goes on to change or release its own.
#[derive(Clone, Debug)]
pub struct Request {
    kind: RequestType,
    query: Query,
    name: Arc<Name>,
}

/// The salt and what became of it. It serves once, whichever question it goes with: a clone that then asks something
/// else shares this.
#[derive(Debug)]
struct Name {
    salt: Salt,
    /// Whether the program chose the salt. Nobody else can have a fresh one, so only a given one can come twice.
    given: bool,
    /// Set when the salt has left with a request.
    spent: AtomicBool,
}

impl Name {
    fn new(salt: Salt, given: bool) -> Arc<Name> {
        Arc::new(Name { salt, given, spent: AtomicBool::new(false) })
    }
}

impl Request {
    /// A request with a fresh salt.
    pub fn new(kind: RequestType, query: Query, salt: Salt) -> Self {
        Request { kind, query, name: Name::new(salt, false) }
    }

    /// What is asked.
    pub fn kind(&self) -> RequestType {
        self.kind
    }

    /// What belongs to the question.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The salt that replies to this request carry.
    pub fn salt(&self) -> &Salt {
        &self.name.salt
    }

    /// Whether the program chose the salt itself.
    pub fn salt_was_given(&self) -> bool {
        self.name.given
    }

    /// Whether the salt has been used.
    pub fn is_spent(&self) -> bool {
        self.name.spent.load(Ordering::Relaxed)
    }

    /// Marks the salt as used; says whether it was not.
    pub(crate) fn spend(&self) -> bool {
        !self.name.spent.swap(true, Ordering::Relaxed)
    }

    /// Takes [`Request::spend`] back: nothing has left.
    pub(crate) fn unspend(&self) {
        self.name.spent.store(false, Ordering::Relaxed);
    }

    /// Asks something else with the same type and salt.
    pub fn set_query(&mut self, query: Query) {
        self.query = query;
    }

    /// Gives the request a fresh salt.
    pub fn renew_salt(&mut self, salt: Salt) {
        self.name = Name::new(salt, false);
    }

    /// Gives the request a salt that the program chose.
    pub fn set_salt(&mut self, salt: Salt) {
        self.name = Name::new(salt, true);
    }

    /// Appends the signed datagram to `out`, and is an error, with `out` as it was, if it passes `limit` bytes.
    ///
    /// `stamp` is the wall clock's time: the server drops a request that is more than 300 s from its own clock.
    pub fn pack(&self, key: &Key, stamp: &Timestamp, limit: usize, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let (salt, query) = (self.salt().as_bytes(), self.query.as_c_str().to_bytes());
        // Enough as a rule: for both forms of the message, and what stands around them.
        out.reserve(256 + 2 * salt.len() + 5 * query.len() / 2);
        out.extend_from_slice(MAGIC);
        self.push_message::<Escaped>(out);
        out.extend_from_slice(stamp.as_bytes());
        out.extend_from_slice(TAG);
        // What is signed stands there only for that.
        let end = out.len();
        self.push_message::<Plain>(out);
        let tag = key.sign(stamp.as_bytes(), &out[end..]);
        out.truncate(end);
        let digits = end - TAG_END.len() - 2 * TAG_LEN;
        out[digits..][..2 * TAG_LEN].copy_from_slice(&text::digits_of(&tag));
        let size = out.len() - start;
        if size > limit {
            out.truncate(start);
            return Err(Error::with(
                Code::RequestTooBig,
                format_args!("the request makes a datagram of {size} bytes, and the limit is {limit}"),
            ));
        }
        Ok(())
    }

    /// Appends the message as it is, or as the inside of a JSON string.
    fn push_message<F: Form>(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(F::START);
        let kind = self.kind as u8;
        if kind >= 10 {
            out.push(b'0' + kind / 10);
        }
        out.push(b'0' + kind % 10);
        out.extend_from_slice(F::SALT);
        match self.salt().uuid() {
            Some(uuid) => out.extend_from_slice(uuid),
            None => F::push_text(out, self.salt().as_str()),
        }
        out.extend_from_slice(F::QUERY);
        F::push_ascii(out, self.query.as_c_str().to_bytes());
        out.extend_from_slice(F::END);
    }
}

/// How a message is written: what stands before its type, its salt and its query, and behind that, and how texts stand in
/// it. Each form has code of its own, which copies what it knows the length of without a call.
trait Form {
    const START: &'static [u8];
    const SALT: &'static [u8];
    const QUERY: &'static [u8];
    const END: &'static [u8];
    fn push_text(out: &mut Vec<u8>, text: &str);
    fn push_ascii(out: &mut Vec<u8>, ascii: &[u8]);
}

/// The message as it is.
struct Plain;

impl Form for Plain {
    const START: &'static [u8] = b"{\"type\": ";
    const SALT: &'static [u8] = b", \"protocol\": 1, \"rsalt\": \"";
    const QUERY: &'static [u8] = b"\", \"query\": ";
    const END: &'static [u8] = b"}";

    fn push_text(out: &mut Vec<u8>, text: &str) {
        text::push_inside(out, text);
    }

    fn push_ascii(out: &mut Vec<u8>, ascii: &[u8]) {
        out.extend_from_slice(ascii);
    }
}

/// The same inside a JSON string, and the envelope around it up to the salt of the tag.
struct Escaped;

impl Form for Escaped {
    const START: &'static [u8] = b"{\"msg\": \"{\\\"type\\\": ";
    const SALT: &'static [u8] = b", \\\"protocol\\\": 1, \\\"rsalt\\\": \\\"";
    const QUERY: &'static [u8] = b"\\\", \\\"query\\\": ";
    const END: &'static [u8] = b"}\", \"salt\": \"";

    fn push_text(out: &mut Vec<u8>, text: &str) {
        text::push_inside_twice(out, text);
    }

    fn push_ascii(out: &mut Vec<u8>, ascii: &[u8]) {
        text::push_ascii_inside(out, ascii);
    }
}

/// A time in seconds since 1970, in the digits that a request is stamped with.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    unix: u64,
    digits: [u8; 20],
    start: usize,
}

impl Timestamp {
    /// Of this time.
    pub fn of(unix: u64) -> Self {
        let mut digits = [0; 20];
        let (mut start, mut rest) = (digits.len(), unix);
        loop {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                return Timestamp { unix, digits, start };
            }
        }
    }

    /// Goes on to this time, as a rule the same second.
    pub fn advance(&mut self, unix: u64) {
        if self.unix != unix {
            *self = Timestamp::of(unix);
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::new(RequestType::NodeRoleByName, Query::text("n\u{e9}"), Salt::from_text("s").unwrap())
    }

    #[test]
    fn a_datagram_is_ascii_at_both_levels_and_verifies() {
        let key = Key::new(b"k\n").unwrap();
        let mut out = Vec::new();
        request().pack(&key, &Timestamp::of(1_795_375_589), 4_096, &mut out).unwrap();
        assert!(out.starts_with(MAGIC) && out.is_ascii());
        let outer: serde_json::Value = serde_json::from_slice(&out[4..]).unwrap();
        let message = outer["msg"].as_str().unwrap();
        assert_eq!(message, r#"{"type": 1, "protocol": 1, "rsalt": "s", "query": "n\u00e9"}"#);
        assert_eq!(outer["salt"], "1795375589");
        let digits = text::digits_of(&key.sign(b"1795375589", message.as_bytes()));
        assert_eq!(outer["hmac"].as_str().unwrap().as_bytes(), digits);
    }

    #[test]
    fn the_limit_is_the_size_of_the_datagram_to_the_byte() {
        let key = Key::new(b"k").unwrap();
        let mut out = Vec::new();
        request().pack(&key, &Timestamp::of(1), usize::MAX, &mut out).unwrap();
        let size = out.len();
        out.clear();
        request().pack(&key, &Timestamp::of(1), size, &mut out).unwrap();
        assert_eq!(
            request().pack(&key, &Timestamp::of(1), size - 1, &mut out).unwrap_err().code(),
            Code::RequestTooBig
        );
        assert_eq!(out.len(), size, "a refused request leaves nothing behind");
    }

    #[test]
    fn a_datagram_is_appended_to_what_is_there_and_a_refused_one_is_not() {
        let key = Key::new(b"k").unwrap();
        let (mut alone, mut out) = (Vec::new(), b"before".to_vec());
        request().pack(&key, &Timestamp::of(1), 4_096, &mut alone).unwrap();
        let refused = request().pack(&key, &Timestamp::of(1), alone.len() - 1, &mut out).unwrap_err();
        assert_eq!(out, b"before");
        let (size, limit) = (alone.len(), alone.len() - 1);
        let detail = format!("the request makes a datagram of {size} bytes, and the limit is {limit}");
        assert_eq!(refused.detail(), detail);
        request().pack(&key, &Timestamp::of(1), alone.len(), &mut out).unwrap();
        assert_eq!(out, [b"before", &*alone].concat());
    }

    #[test]
    fn only_a_salt_that_the_program_chose_was_given() {
        let mut asked = Request::new(RequestType::Ping, Query::NONE, Salt::from_random([7; 16]));
        assert!(!asked.salt_was_given());
        asked.set_salt(Salt::from_text("s").unwrap());
        assert!(asked.salt_was_given());
        asked.renew_salt(Salt::from_random([8; 16]));
        assert!(!asked.salt_was_given());
    }

    #[test]
    fn a_used_salt_stays_used_until_it_is_replaced() {
        let mut asked = request();
        let kept = asked.clone();
        assert!(kept.spend() && !asked.spend());
        asked.set_query(Query::NONE);
        assert!(asked.is_spent());
        asked.renew_salt(Salt::from_random([7; 16]));
        assert!(!asked.is_spent() && kept.is_spent());
    }

    #[test]
    fn a_clone_that_asks_something_else_has_no_second_use_of_the_salt() {
        let asked = request();
        let mut other = asked.clone();
        other.set_query(Query::NONE);
        assert!(other.spend() && asked.is_spent());
        asked.unspend();
        assert!(!other.is_spent());
    }

    #[test]
    fn a_timestamp_is_what_format_writes_whatever_it_was_before() {
        let mut advanced = Timestamp::of(7);
        for number in [0, 9, 10, 1_795_375_589, u64::MAX, 1_795_375_589, 1_795_375_589, 3] {
            let written = number.to_string();
            advanced.advance(number);
            assert_eq!(Timestamp::of(number).as_bytes(), written.as_bytes());
            assert_eq!(advanced.as_bytes(), written.as_bytes());
        }
    }
}
