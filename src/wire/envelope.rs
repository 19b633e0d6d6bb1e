//! A received datagram, taken apart: the salt that says whose reply it claims to be, and the signed message.
//!
//! The server signs a reply's UTF-8 text and then truncates each character to one byte on the wire. So a datagram
//! has two readings: as UTF-8, and with each byte as the character of that number (Latin-1). Both are tried. A reading
//! is bytes, of which only those are known to be UTF-8 that were looked at.

use std::borrow::Cow;

use crate::wire::key::{Key, TAG_LEN};
use crate::wire::pieces;
use crate::wire::salt::{UUID_LEN, uuid_bits};
use crate::wire::{MAGIC, hex};

/// The three members of a datagram. Message and tag are read when they are asked for: most of what a stranger sends
/// is ruled out by its salt.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The salt of the request that this answers.
    pub salt: Cow<'a, [u8]>,
    /// Its bits, where it is a UUID.
    pub uuid: Option<u128>,
    sealed: Sealed<'a>,
}

#[derive(Debug)]
enum Sealed<'a> {
    /// Of a datagram in the form that servers write: the tag's digits, the message with its escapes, and all of it.
    AsWritten(&'a [u8; 2 * TAG_LEN], &'a [u8], &'a [u8]),
    /// Of any other: message and tag.
    Read(Cow<'a, str>, [u8; TAG_LEN]),
}

/// A message and what is to show who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The signed text, JSON itself.
    pub message: &'a str,
    /// HMAC-SHA1 over salt and message, as the sender claims.
    pub tag: &'a [u8; TAG_LEN],
}

/// Where message and tag are put when an envelope is opened. It serves for one after the other.
#[derive(Debug, Default)]
pub struct Room {
    message: Vec<u8>,
    tag: [u8; TAG_LEN],
}

/// The most room for a message that is kept for the next one.
const ROOM_KEPT: usize = 4_096;

impl Room {
    /// Gives back what an uncommonly long message took.
    pub fn trim(&mut self) {
        if self.message.len() > ROOM_KEPT {
            self.message = Vec::new();
        }
    }

    /// Bytes that are kept for the next message.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.message.capacity()
    }
}

impl<'a> Envelope<'a> {
    /// Takes one reading of a datagram apart; `None` if it is not an object with the three members. In the form that
    /// servers write, message and tag may yet turn out to be none when they are [opened](Envelope::open).
    pub fn parse(reading: &'a [u8]) -> Option<Self> {
        Self::as_servers_write(reading).or_else(|| Self::in_any_form(reading))
    }

    /// The form in which `ganeti-confd` writes, by far the most: split at its fixed places. `None` for any other. The
    /// salt is what it is in any reading: what stands at the end of an object as this does is its member.
    fn as_servers_write(reading: &'a [u8]) -> Option<Self> {
        let rest = reading.strip_prefix(br#"{"hmac":""#)?.strip_suffix(br#""}"#)?;
        let (hex, rest) = rest.split_first_chunk()?;
        let rest = rest.strip_prefix(br#"","msg":""#)?;
        let (start, uuid) = match uuid_at_the_end(rest) {
            Some((start, bits)) => (start, Some(bits)),
            None => (rest.iter().rposition(|&byte| byte == b'"')? + 1, None),
        };
        let (escaped, salt) = rest.split_at(start);
        let escaped = escaped.strip_suffix(br#"","salt":""#)?;
        let is_text =
            |salt: &[u8]| !salt.iter().any(|&byte| is_special(byte)) && std::str::from_utf8(salt).is_ok();
        if uuid.is_none() && !is_text(salt) {
            return None;
        }
        Some(Envelope { salt: Cow::Borrowed(salt), uuid, sealed: Sealed::AsWritten(hex, escaped, reading) })
    }

    fn in_any_form(reading: &'a [u8]) -> Option<Self> {
        let (mut message, mut salt, mut tag) = (None, None, None);
        pieces::each(std::str::from_utf8(reading).ok()?, &mut |name, value| {
            let member = match name.as_deref() {
                Some("msg") => &mut message,
                Some("salt") => &mut salt,
                Some("hmac") => &mut tag,
                other => return other.is_some(),
            };
            // Each is a string, and none comes twice.
            pieces::string(value).is_some_and(|text| member.replace(text).is_none())
        })?;
        let (salt, mut digest) = (bytes_of(salt?), [0; TAG_LEN]);
        read_tag(tag?.as_bytes().try_into().ok()?, &mut digest)?;
        Some(Envelope { uuid: uuid_bits(&salt), salt, sealed: Sealed::Read(message?, digest) })
    }

    /// The message and its tag, put into `room` where the envelope does not hold them yet. `None` if they are no JSON strings, or the
    /// tag has not its digits.
    #[inline(always)]
    pub fn open<'b>(&'b self, room: &'b mut Room) -> Option<Signed<'b>> {
        match &self.sealed {
            Sealed::Read(message, tag) => Some(Signed { message, tag }),
            Sealed::AsWritten(hex, escaped, reading) => {
                read_tag(hex, &mut room.tag)?;
                let len = match unescape(escaped, &mut room.message) {
                    Some(len) => len,
                    // It has escapes that servers do not write, or is not what it looks like.
                    None => Self::read_again(reading, &mut room.message)?,
                };
                Some(Signed { message: std::str::from_utf8(&room.message[..len]).ok()?, tag: &room.tag })
            }
        }
    }

    /// Puts the message of a datagram in any form into `room`, and gives its length.
    #[cold]
    fn read_again(reading: &[u8], room: &mut Vec<u8>) -> Option<usize> {
        let Sealed::Read(message, _) = Envelope::in_any_form(reading)?.sealed else { return None };
        // It grows only, so that its length tells what it holds of memory.
        room.resize(room.len().max(message.len()), 0);
        room[..message.len()].copy_from_slice(message.as_bytes());
        Some(message.len())
    }

    /// Whether the key's holder signed this message, which is this envelope's.
    pub fn is_signed_by(&self, key: &Key, signed: &Signed<'_>) -> bool {
        key.verifies(&self.salt, signed.message.as_bytes(), signed.tag)
    }
}

/// What follows the magic, or `None` where a datagram does not begin with it.
pub fn payload(datagram: &[u8]) -> Option<&[u8]> {
    datagram.strip_prefix(MAGIC)
}

/// The readings of a payload, the likelier first: one if it is ASCII, else two, of which the first may be no text.
pub fn readings(payload: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    // Made only when the first reading was no use.
    let latin1 = std::iter::once(payload).filter(|bytes| !bytes.is_ascii());
    let read = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    std::iter::once(Cow::Borrowed(payload)).chain(latin1.map(move |bytes| read(bytes).into_bytes().into()))
}

/// Where the UUID begins that ends a text, and its bits.
fn uuid_at_the_end(text: &[u8]) -> Option<(usize, u128)> {
    let start = text.len().checked_sub(UUID_LEN)?;
    Some((start, uuid_bits(&text[start..])?))
}

fn bytes_of(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Whether a byte does not stand for itself inside a JSON string.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How the message of an ok reply begins that a server has written, and the same inside a JSON string.
const OK: &[u8] = br#"{"protocol":1,"status":0,"answer":"#;
const OK_ESCAPED: &[u8] = br#"{\"protocol\":1,\"status\":0,\"answer\":"#;

/// Puts what the inside of a JSON string stands for into `room`, if its escapes are the short ones, and gives its
/// length; `None` for other escapes, and where it is no such inside.
fn unescape(inside: &[u8], room: &mut Vec<u8>) -> Option<usize> {
    // No text is longer than what it is made of, even where eight bytes are copied at once and only some count.
    room.resize(room.len().max(inside.len()), 0);
    let (mut at, mut len) = (0, 0);
    // Most messages begin so.
    if inside.starts_with(OK_ESCAPED) {
        room[..OK.len()].copy_from_slice(OK);
        (at, len) = (OK_ESCAPED.len(), OK.len());
    }
    while let Some(rest) = inside.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = match rest.first_chunk::<8>() {
            Some(eight) => {
                room[len..len + 8].copy_from_slice(eight);
                plain_bytes(u64::from_le_bytes(*eight))
            }
            None => {
                let plain = rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len());
                room[len..len + plain].copy_from_slice(&rest[..plain]);
                plain
            }
        };
        at += plain;
        len += plain;
        if plain == 8 || plain == rest.len() {
            continue;
        }
        room[len] = match (rest[plain], rest.get(plain + 1)?) {
            (b'\\', escaped @ (b'"' | b'\\' | b'/')) => *escaped,
            (b'\\', b'n') => b'\n',
            (b'\\', b't') => b'\t',
            (b'\\', b'r') => b'\r',
            _ => return None,
        };
        at += 2;
        len += 1;
    }
    Some(len)
}

/// How many of eight bytes, the lowest first, stand for themselves inside a JSON string before one that does not.
fn plain_bytes(eight: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quote = is_zero(eight ^ (ONES * u64::from(b'"')));
    let backslash = is_zero(eight ^ (ONES * u64::from(b'\\')));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    // A borrow can mark a byte wrongly, but only above one that is marked rightly.
    ((quote | backslash | control) & (ONES << 7)).trailing_zeros() as usize / 8
}

/// Reads 40 hexadecimal digits of either case.
#[inline]
fn read_tag(digits: &[u8; 2 * TAG_LEN], tag: &mut [u8; TAG_LEN]) -> Option<()> {
    read_lower_tag(digits, tag)
        .or_else(|| read_lower_tag(&digits.map(|digit| digit.to_ascii_lowercase()), tag))
}

fn read_lower_tag(digits: &[u8; 2 * TAG_LEN], tag: &mut [u8; TAG_LEN]) -> Option<()> {
    for (bytes, digits) in tag.chunks_exact_mut(4).zip(digits.chunks_exact(8)) {
        bytes.copy_from_slice(&hex::decode(digits.try_into().ok()?)?.to_be_bytes());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "00112233445566778899aabbccddeeff00112233";

    fn text(salt: &str, rest: &str) -> String {
        format!("{{\"salt\": \"{salt}\", \"msg\": \"m\", \"hmac\": \"{TAG}\"{rest}}}")
    }

    type Read = (String, Option<u128>, String, [u8; TAG_LEN]);

    fn opened(envelope: Option<Envelope<'_>>) -> Option<Read> {
        let (envelope, mut room) = (envelope?, Room::default());
        let Signed { message, tag } = envelope.open(&mut room)?;
        let salt = String::from_utf8(envelope.salt.to_vec()).unwrap();
        Some((salt, envelope.uuid, message.to_owned(), *tag))
    }

    #[test]
    fn members_come_in_any_order_and_others_are_ignored() {
        let text = text("s\\u00e9", ", \"more\": [{\"a\": 1}]");
        let (salt, uuid, message, tag) = opened(Envelope::in_any_form(text.as_bytes())).unwrap();
        assert_eq!((&*salt, uuid, &*message), ("s\u{e9}", None, "m"));
        assert_eq!(tag[..3], [0x00, 0x11, 0x22]);
    }

    #[test]
    fn anything_else_is_no_envelope() {
        let good = text("s", "");
        assert!(Envelope::in_any_form(good.as_bytes()).is_some());
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
            assert!(Envelope::in_any_form(bad.as_bytes()).is_none(), "{bad}");
            assert_eq!(opened(Envelope::as_servers_write(bad.as_bytes())), None, "{bad}");
        }
        let deep = format!(", \"deep\": {}{}", "[".repeat(60_000), "]".repeat(60_000));
        assert!(Envelope::in_any_form(text("s", &deep).as_bytes()).is_some(), "depth costs no stack");
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
            r#"m","more":"n"#,
            "\\",
        ];
        let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
        for message in messages {
            for salt in ["s", "", "\u{e9}", r"\u0041", "a\"b", "\n", uuid, &uuid.replace('d', "D")] {
                let text = written(message, salt);
                let bytes = text.as_bytes();
                let (quick, any) = (Envelope::as_servers_write(bytes), Envelope::in_any_form(bytes));
                if let (Some(quick), Some(any)) = (&quick, &any) {
                    assert_eq!((&quick.salt, quick.uuid), (&any.salt, any.uuid), "{text}");
                }
                let quick = opened(quick);
                assert!(quick.is_none() || quick == opened(any), "{text}");
            }
        }
        for salt in ["s", uuid] {
            let usual =
                opened(Envelope::as_servers_write(written(r#"{\"status\":0}"#, salt).as_bytes())).unwrap();
            assert_eq!((&*usual.0, &*usual.2), (salt, r#"{"status":0}"#));
        }
        let tagged =
            |tag: &str| opened(Envelope::as_servers_write(written("m", "s").replace(TAG, tag).as_bytes()));
        assert_eq!(tagged(&TAG.to_uppercase()), tagged(TAG));
        assert_eq!(tagged(&TAG.replace("ff", "fg")), None);
    }

    #[test]
    fn escapes_are_read_wherever_they_stand_and_other_bytes_are_refused() {
        let mut room = Vec::new();
        let mut unescape = |inside: &[u8]| {
            let len = unescape(inside, &mut room)?;
            Some(String::from_utf8(room[..len].to_vec()).unwrap())
        };
        for (inside, text) in [
            (r#"\""#, "\""),
            (r"\\", "\\"),
            (r"\/", "/"),
            (r"\n", "\n"),
            (r"\t", "\t"),
            (r"\r", "\r"),
            ("\u{e9}", "\u{e9}"),
        ] {
            for before in 0..20 {
                for after in 0..20 {
                    let around =
                        |middle: &str| format!("{}{middle}{}", "a".repeat(before), "b".repeat(after));
                    assert_eq!(unescape(around(inside).as_bytes()), Some(around(text)));
                    for bad in ["\"", "\u{1f}", "\0", r"\u0041", r"\x", "\\"] {
                        assert_eq!(unescape(around(bad).as_bytes()), None, "{bad}");
                    }
                }
            }
        }
        let (inside, text) = (OK_ESCAPED.escape_ascii().to_string(), OK_ESCAPED);
        assert_eq!(unescape(inside.as_bytes()).unwrap().as_bytes(), text, "escaped once more");
        assert_eq!(unescape(OK_ESCAPED).unwrap().as_bytes(), OK);
        for byte in 0..=255u8 {
            for place in 0..8 {
                let mut eight = [0x80; 8];
                eight[place] = byte;
                let plain = if is_special(byte) { place } else { 8 };
                assert_eq!(plain_bytes(u64::from_le_bytes(eight)), plain, "{byte:#x} in place {place}");
            }
        }
    }

    #[test]
    fn room_is_kept_for_messages_up_to_a_limit() {
        for (len, kept) in [(1, 1), (ROOM_KEPT, ROOM_KEPT), (ROOM_KEPT + 1, 0)] {
            let mut room = Room { message: vec![0; len], ..Room::default() };
            room.trim();
            assert_eq!(room.message.len(), kept);
        }
    }

    #[test]
    fn a_payload_has_one_reading_in_ascii_and_else_two() {
        let all = |bytes: &[u8]| readings(bytes).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(all(b"abc"), [b"abc"]);
        assert_eq!(all(b"n\xe9"), [&b"n\xe9"[..], "n\u{e9}".as_bytes()]);
        assert_eq!(all("n\u{e9}".as_bytes()), ["n\u{e9}".as_bytes(), "n\u{c3}\u{a9}".as_bytes()]);
        assert_eq!(payload(b"plj0x"), Some(&b"x"[..]));
        assert_eq!(payload(b"plj1x"), None);
        assert_eq!(payload(b"plj"), None);
    }
}
