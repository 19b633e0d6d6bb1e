//! A received datagram, taken apart: the salt that says whose reply it claims to be, and the signed message.
//!
//! The server signs a reply's UTF-8 text and then truncates each character to one byte on the wire. So a datagram
//! has two readings: as UTF-8, and with each byte as the character of that number (Latin-1). Both are tried.

use std::borrow::Cow;
use std::fmt;

use serde_core::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::wire::MAGIC;
use crate::wire::key::{Key, TAG_LEN};

/// The three members of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The signed text, JSON itself.
    pub message: Cow<'a, str>,
    /// The salt of the request that this answers.
    pub salt: Cow<'a, str>,
    /// HMAC-SHA1 over salt and message, as the sender claims.
    pub tag: [u8; TAG_LEN],
}

impl<'a> Envelope<'a> {
    /// Takes one reading of a datagram apart; `None` if it is not an object with the three members.
    pub fn parse(reading: &'a str) -> Option<Self> {
        Self::as_servers_write(reading).or_else(|| Self::in_any_form(reading))
    }

    /// The form in which `ganeti-confd` writes, by far the most: split at its fixed places. `None` for any other.
    fn as_servers_write(reading: &'a str) -> Option<Self> {
        let rest = reading.strip_prefix("{\"hmac\":\"")?.strip_suffix("\"}")?;
        let (hex, rest) = rest.split_at_checked(2 * TAG_LEN)?;
        let (escaped, salt) = rest.strip_prefix("\",\"msg\":\"")?.rsplit_once("\",\"salt\":\"")?;
        let salt = (special(salt.as_bytes()) == salt.len()).then_some(salt)?;
        Some(Envelope { message: unescape(escaped)?, salt: Cow::Borrowed(salt), tag: tag_of_hex(hex)? })
    }

    fn in_any_form(reading: &'a str) -> Option<Self> {
        let mut parser = serde_json::Deserializer::from_str(reading);
        let envelope = parser.deserialize_map(EnvelopeVisitor).ok()?;
        parser.end().ok()?;
        Some(envelope)
    }

    /// Whether the key's holder signed this.
    pub fn is_signed_by(&self, key: &Key) -> bool {
        key.verifies(self.salt.as_bytes(), self.message.as_bytes(), &self.tag)
    }
}

/// What follows the magic, or `None` where a datagram does not begin with it.
pub fn payload(datagram: &[u8]) -> Option<&[u8]> {
    datagram.strip_prefix(MAGIC)
}

/// The readings of a payload, the likelier first: one if it is ASCII, at most two.
pub fn readings(payload: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let utf8 = std::str::from_utf8(payload).ok().map(Cow::Borrowed);
    // Made only when the first reading was no use.
    let latin1 = std::iter::once(payload).filter(|bytes| !bytes.is_ascii());
    utf8.into_iter().chain(latin1.map(|bytes| bytes.iter().map(|&byte| char::from(byte)).collect()))
}

/// How far a text goes until a byte that does not stand for itself inside a JSON string.
fn special(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(text.len())
}

/// The text of the inside of a JSON string, if its escapes are the short ones; `None` for others, and where it is
/// no such inside.
fn unescape(inside: &str) -> Option<Cow<'_, str>> {
    let mut rest = inside;
    let mut text = String::new();
    loop {
        let (plain, after) = rest.split_at(special(rest.as_bytes()));
        if after.is_empty() {
            return Some(if text.is_empty() { Cow::Borrowed(plain) } else { Cow::Owned(text + plain) });
        }
        let escaped = match after.as_bytes() {
            [b'\\', escaped @ (b'"' | b'\\' | b'/'), ..] => char::from(*escaped),
            [b'\\', b'n', ..] => '\n',
            [b'\\', b't', ..] => '\t',
            [b'\\', b'r', ..] => '\r',
            _ => return None,
        };
        if text.is_empty() {
            text.reserve(inside.len());
        }
        text.push_str(plain);
        text.push(escaped);
        rest = &after[2..];
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with msg, salt and hmac")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        use serde_core::de::Error;
        let (mut message, mut salt, mut tag) = (None, None, None);
        while let Some(Text(name)) = map.next_key()? {
            let member = match &*name {
                "msg" => &mut message,
                "salt" => &mut salt,
                "hmac" => &mut tag,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let Text(value) = map.next_value()?;
            if member.replace(value).is_some() {
                return Err(A::Error::custom("a member comes twice"));
            }
        }
        match (message, salt, tag.as_deref().and_then(tag_of_hex)) {
            (Some(message), Some(salt), Some(tag)) => Ok(Envelope { message, salt, tag }),
            _ => Err(A::Error::custom("a member is missing")),
        }
    }
}

/// A string of JSON text, borrowed where it has no escapes.
pub(super) struct Text<'de>(pub(super) Cow<'de, str>);

impl<'de> serde_core::Deserialize<'de> for Text<'de> {
    fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// 40 hexadecimal digits of either case.
fn tag_of_hex(hex: &str) -> Option<[u8; TAG_LEN]> {
    let hex = hex.as_bytes();
    if hex.len() != 2 * TAG_LEN {
        return None;
    }
    let (mut tag, mut seen) = ([0; TAG_LEN], 0);
    for (byte, pair) in tag.iter_mut().zip(hex.chunks_exact(2)) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        seen |= high | low;
        *byte = high << 4 | low & 15;
    }
    (seen < 16).then_some(tag)
}

/// What a byte is as a hexadecimal digit; 16 for one that is none.
const DIGITS: [u8; 256] = {
    let mut digits = [16; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "00112233445566778899aabbccddeeff00112233";

    fn text(salt: &str, rest: &str) -> String {
        format!("{{\"salt\": \"{salt}\", \"msg\": \"m\", \"hmac\": \"{TAG}\"{rest}}}")
    }

    #[test]
    fn members_come_in_any_order_and_others_are_ignored() {
        let text = text("s\\u00e9", ", \"more\": [{\"a\": 1}]");
        let envelope = Envelope::parse(&text).unwrap();
        assert_eq!((&*envelope.salt, &*envelope.message), ("s\u{e9}", "m"));
        assert_eq!(envelope.tag[..3], [0x00, 0x11, 0x22]);
        assert!(matches!(envelope.message, Cow::Borrowed(_)), "no copy without an escape");
    }

    #[test]
    fn anything_else_is_no_envelope() {
        let good = text("s", "");
        assert!(Envelope::parse(&good).is_some());
        for bad in [
            String::new(),
            "[]".into(),
            "{}".into(),
            format!("{good} x"),
            good.replace("salt", "sal"),
            good.replace("\"m\"", "1"),
            good.replace("00", "0"),
            good.replace("00", "0g"),
            text("s", ", \"msg\": \"n\""),
            text("s", ", \"deep\": [[[["),
            text("\\ud800", ""),
        ] {
            assert_eq!(Envelope::parse(&bad), None, "{bad}");
        }
        let deep = format!(", \"deep\": {}{}", "[".repeat(60_000), "]".repeat(60_000));
        assert!(Envelope::parse(&text("s", &deep)).is_some(), "depth costs no stack");
    }

    #[test]
    fn the_form_that_servers_write_is_read_as_any_other() {
        let written =
            |message: &str, salt: &str| format!(r#"{{"hmac":"{TAG}","msg":"{message}","salt":"{salt}"}}"#);
        let messages = [
            "",
            "m",
            r#"{\"status\":0}"#,
            r"two\nlines\t\r",
            r"a\\b\/c",
            r"\u00e9",
            r"\b",
            "\u{e9}",
            r"x\",
            "\"",
            "\t",
            r"\x",
            r#"a","salt":"b"#,
            r#"\","salt":\"x"#,
            r#"","hmac":"#,
        ];
        for message in messages {
            for salt in ["s", "", "\u{e9}", r"\u0041", "a\"b", "\n"] {
                let text = written(message, salt);
                let (quick, any) = (Envelope::as_servers_write(&text), Envelope::in_any_form(&text));
                assert!(quick.is_none() || quick == any, "{text}");
                assert_eq!(Envelope::parse(&text), any, "{text}");
            }
        }
        let usual = written(r#"{\"status\":0}"#, "s");
        assert_eq!(&*Envelope::as_servers_write(&usual).unwrap().message, r#"{"status":0}"#);
        assert_eq!(Envelope::as_servers_write(&written("m", "s").replace("33\"", "3g\"")), None);
    }

    #[test]
    fn a_payload_has_one_reading_in_ascii_and_else_two() {
        let all = |bytes: &[u8]| readings(bytes).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(all(b"abc"), ["abc"]);
        assert_eq!(all(b"n\xe9"), ["n\u{e9}"]);
        assert_eq!(all("n\u{e9}".as_bytes()), ["n\u{e9}", "n\u{c3}\u{a9}"]);
        assert_eq!(payload(b"plj0x"), Some(&b"x"[..]));
        assert_eq!(payload(b"plj1x"), None);
        assert_eq!(payload(b"plj"), None);
    }
}
