//! What ought to become of a datagram, after the page on what counts as a reply: right magic, right signature, the
//! salt of an outstanding request, a well-formed body, an address and port that the request was sent to, the first
//! from there. Nothing of how the library finds out.

use serde_json::Value;

use crate::wire::{Message, readings};

/// The keys that clients change between.
pub const KEYS: [&[u8]; 3] =
    [b"a key\n", b"another key, which is longer than the block of SHA-1 is: 0123456789abcdef\n", b"\0"];

/// A request that was accepted.
pub struct Asked {
    pub salt: String,
    pub is_query: bool,
    /// By their numbers among [`KEYS`].
    pub keys: Vec<usize>,
    /// The places that it was sent to, and those that have answered.
    pub contacts: Vec<usize>,
    pub answered: Vec<usize>,
    /// Places of others whose replies were delivered.
    pub foreign: Vec<usize>,
    pub is_over: bool,
    replies: Replies,
}

/// What became of a datagram.
pub enum Fate {
    Dropped,
    Reply(Expected),
    /// A late reply to a query that is over: it may be counted once.
    Perhaps(usize, usize),
}

/// A reply, and what an upcall has to say of it.
pub struct Expected {
    pub index: usize,
    pub message: Message,
    /// Whether it says something new; `None` where that is not for this model to say.
    pub is_news: Option<bool>,
    pub is_consistent: Option<bool>,
}

impl Asked {
    pub fn new(salt: String, is_query: bool) -> Self {
        Asked {
            salt,
            is_query,
            keys: Vec::new(),
            contacts: Vec::new(),
            answered: Vec::new(),
            foreign: Vec::new(),
            is_over: false,
            replies: Replies { is_consistent: Some(true), ..Replies::default() },
        }
    }

    /// A datagram that asks this left for a place.
    pub fn contact(&mut self, place: usize, key: usize) {
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        if !self.contacts.contains(&place) {
            self.contacts.push(place);
        }
    }
}

/// Judges a datagram that comes from a place, and takes note of it.
pub fn judge(asked: &mut [Asked], any_source: bool, datagram: &[u8], from: usize) -> Fate {
    for sealed in readings(datagram) {
        let found =
            asked.iter().position(|asked| asked.salt == sealed.salt && (asked.is_query || !asked.is_over));
        let Some(index) = found else { continue };
        let this = &mut asked[index];
        let is_asked = this.contacts.contains(&from);
        let welcome = if is_asked {
            !this.answered.contains(&from)
        } else {
            let foreign = &this.foreign;
            any_source && !this.is_query && !foreign.contains(&from) && foreign.len() < this.contacts.len()
        };
        if !welcome || !this.keys.iter().any(|&key| sealed.is_signed_by(KEYS[key])) {
            continue;
        }
        let Some(message) = Message::read(&sealed.message) else { continue };
        if this.is_over {
            return Fate::Perhaps(index, from);
        }
        if is_asked {
            this.answered.push(from)
        } else {
            this.foreign.push(from)
        }
        let is_news = this.replies.take(&message);
        let is_consistent = this.replies.is_consistent;
        return Fate::Reply(Expected { index, message, is_news, is_consistent });
    }
    Fate::Dropped
}

/// The replies to one request, as the filter and `consistent` see them.
#[derive(Default)]
struct Replies {
    any: bool,
    /// The first ok answer of each serial.
    first: Vec<(i64, String)>,
    told: Option<(i64, String)>,
    is_consistent: Option<bool>,
}

impl Replies {
    fn take(&mut self, message: &Message) -> Option<bool> {
        let first_of_all = !std::mem::replace(&mut self.any, true);
        if message.status != 0 {
            return Some(first_of_all);
        }
        let this = (message.serial, message.answer.clone());
        match self.first.iter().find(|(serial, _)| *serial == this.0) {
            None => self.first.push(this.clone()),
            Some((_, answer)) => {
                self.is_consistent = match (self.is_consistent, same(answer, &this.1)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }
            }
        }
        match self.told.replace(this) {
            None => Some(true),
            Some(told) if message.serial <= told.0 => {
                self.told = Some(told);
                Some(false)
            }
            Some(told) => same(&told.1, &message.answer).map(|same| !same),
        }
    }
}

/// Whether two texts are one JSON value; `None` where JSON leaves that open.
fn same(a: &str, b: &str) -> Option<bool> {
    if a == b {
        return Some(true);
    }
    let plain = |text: &str| {
        let value = serde_json::from_str::<Value>(text).ok()?;
        // Names that come twice get lost in a value, as do the digits of large numbers.
        let names = text.matches("\":").count() + text.matches("\" ").count();
        (names < 2 && is_plain(&value)).then_some(value)
    };
    let (a, b) = (plain(a)?, plain(b)?);
    Some(equal(&a, &b))
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() < 1e15),
        Value::Array(list) => list.iter().all(is_plain),
        Value::Object(members) => members.values().all(is_plain),
        _ => true,
    }
}

/// 1 and 1.0 are one number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}
