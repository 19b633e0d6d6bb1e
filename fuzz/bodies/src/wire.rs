//! The protocol as the harness understands it: plain and slow, with nothing of the library's in it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde_core::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha1::Sha1;

thread_local! {
    /// Keys that have signed before, with what is the same for all that they sign.
    static SCHEDULES: RefCell<Vec<(Vec<u8>, Hmac<Sha1>)>> = const { RefCell::new(Vec::new()) };
}

/// So many are kept.
const MOST_SCHEDULES: usize = 4;

fn schedule(key: &[u8]) -> Hmac<Sha1> {
    SCHEDULES.with_borrow_mut(|known| {
        if let Some((_, mac)) = known.iter().find(|(other, _)| other == key) {
            return mac.clone();
        }
        known.truncate(MOST_SCHEDULES - 1);
        let mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        known.push((key.to_vec(), mac.clone()));
        mac
    })
}

/// HMAC-SHA1 over salt and message.
pub fn sign(key: &[u8], salt: &str, message: &str) -> [u8; 20] {
    let mut mac = schedule(key);
    mac.update(salt.as_bytes());
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}

pub fn hex(tag: &[u8; 20]) -> String {
    let digit = |number: u8| b"0123456789abcdef"[usize::from(number)];
    let digits = tag.map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    std::str::from_utf8(digits.as_flattened()).expect("ASCII").to_owned()
}

/// The members of an object in their order, repeated ones too, each as its text.
pub struct Members<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

impl<'a> Members<'a> {
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The only member of this name, if it is of this type.
    fn one<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        let mut all = self.0.iter().filter(|(other, _)| other == name);
        match (all.next(), all.next()) {
            (Some((_, value)), None) => serde_json::from_str(value.get()).ok(),
            _ => None,
        }
    }
}

/// A datagram in one of its readings.
pub struct Sealed {
    pub salt: String,
    pub message: String,
    tag: [u8; 20],
}

impl Sealed {
    pub fn read(text: &str) -> Option<Self> {
        let members = Members::of(text)?;
        let (message, salt, digits): (String, String, String) =
            (members.one("msg")?, members.one("salt")?, members.one("hmac")?);
        let mut tag = [0; 20];
        if digits.len() != 40 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (place, byte) in tag.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).ok()?;
        }
        Some(Sealed { salt, message, tag })
    }

    pub fn is_signed_by(&self, key: &[u8]) -> bool {
        sign(key, &self.salt, &self.message) == self.tag
    }
}

/// The readings of a datagram, the likelier first.
pub fn readings(datagram: &[u8]) -> impl Iterator<Item = Sealed> {
    let payload = datagram.strip_prefix(b"plj0");
    let utf8 = payload.and_then(|payload| std::str::from_utf8(payload).ok()).map(Cow::Borrowed);
    let latin1 = payload
        .filter(|payload| !payload.is_ascii())
        .map(|payload| payload.iter().map(|&byte| char::from(byte)).collect());
    utf8.into_iter().chain(latin1).filter_map(|text| Sealed::read(&text))
}

/// The message of a reply.
pub struct Message {
    pub protocol: i32,
    pub status: i32,
    pub serial: i64,
    pub answer: String,
}

impl Message {
    pub fn read(text: &str) -> Option<Self> {
        let members = Members::of(text)?;
        Some(Message {
            protocol: members.one("protocol")?,
            status: members.one("status")?,
            serial: members.one("serial")?,
            answer: members.one::<&RawValue>("answer")?.get().to_owned(),
        })
    }
}

/// What a datagram asks that the library has made.
pub struct Question {
    pub salt: String,
    pub kind: i64,
    pub query: serde_json::Value,
    pub sealed: Sealed,
}

impl Question {
    /// Fails loudly: the library never makes any other.
    pub fn read(datagram: &[u8]) -> Self {
        assert!(datagram.is_ascii(), "a request that is not ASCII");
        let payload = datagram.strip_prefix(b"plj0").expect("a request without the magic");
        let text = std::str::from_utf8(payload).expect("ASCII");
        let sealed = Sealed::read(text).expect("a request that is no signed message");
        assert!(sealed.message.is_ascii(), "a message that is not ASCII");
        let stamp: u64 = sealed.salt.parse().expect("a request without its time");
        assert!(stamp > 1_500_000_000, "a request of {stamp}");
        let members = Members::of(&sealed.message).expect("a message that is no object");
        assert_eq!(members.0.len(), 4, "{}", sealed.message);
        assert_eq!(members.one::<i64>("protocol"), Some(1));
        Question {
            salt: members.one("rsalt").expect("a request without a salt"),
            kind: members.one("type").expect("a request without a type"),
            query: members.one("query").expect("a request without a query"),
            sealed,
        }
    }
}
