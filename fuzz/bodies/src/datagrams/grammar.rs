//! Datagrams: such as servers write, nearly such, wrongly signed, replayed, altered, and noise.

use std::collections::VecDeque;

use crate::json;
use crate::model::{Asked, KEYS};
use crate::source::Source;
use crate::wire::{hex, sign};

/// Earlier datagrams.
pub type Before = VecDeque<Vec<u8>>;

const SERIALS: [&str; 6] = ["3189", "3190", "3188", "0", "-1", "9223372036854775807"];
const ANSWERS: [&str; 8] = [
    "\"node1\"",
    "\"node2\"",
    "1",
    "1.0",
    "[[0,\"192.0.2.1\",7]]",
    "{\"a\":1,\"b\":[]}",
    "{\"b\":[],\"a\":1}",
    "null",
];

/// Makes datagrams, in room that it keeps.
#[derive(Default)]
pub struct Maker {
    /// The one that was made.
    pub datagram: Vec<u8>,
    message: String,
    salt: String,
    texts: [String; 3],
    /// The characters of the envelope.
    text: String,
}

impl Maker {
    /// Makes a datagram and says by its number where it comes from. `before` are earlier ones.
    pub fn make(&mut self, source: &mut Source, asked: &[Asked], places: usize, before: &Before) -> usize {
        let mut from = source.below(places);
        self.datagram.clear();
        match source.below(24) {
            0 => self.datagram = source.bytes(80),
            1 => self.datagram = [&b"plj0"[..], &source.bytes(80)].concat(),
            2..=4 if !before.is_empty() => {
                self.datagram.extend_from_slice(&before[source.below(before.len())]);
                if source.once_in(2) {
                    return from;
                }
            }
            _ => {
                let request = aimed(source, asked, &mut from);
                self.compose(source, request);
            }
        }
        if source.once_in(14) {
            alter(source, &mut self.datagram);
        }
        from
    }

    /// The same of an earlier one, which is changed.
    pub fn mutate(&mut self, source: &mut Source, asked: &[Asked], places: usize, before: &Before) -> usize {
        let mut from = source.below(places);
        aimed(source, asked, &mut from);
        self.datagram.clear();
        self.datagram.extend_from_slice(&before[source.below(before.len())]);
        mutate(source, &mut self.datagram, before);
        from
    }

    fn compose(&mut self, source: &mut Source, request: Option<&Asked>) {
        let odd = source.byte();
        self.salt.clear();
        match request {
            Some(request) if odd & 0x0f != 1 => self.salt.push_str(&request.salt),
            Some(request) if source.once_in(2) => self.salt = request.salt.to_ascii_uppercase(),
            _ => self.salt = source.text(12),
        }
        let own_key = request.and_then(|request| request.keys.last().copied()).unwrap_or(0);
        let key = if odd & 0x70 == 0x10 { source.below(KEYS.len()) } else { own_key };
        self.compose_message(source);
        if source.is_beyond() && source.once_in(3) {
            // Signed with what is wrong in it.
            let mut bytes = std::mem::take(&mut self.message).into_bytes();
            mutate(source, &mut bytes, &Before::new());
            self.message = String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        }
        let mut digits = hex(&sign(KEYS[key], &self.salt, &self.message));
        if odd & 0x80 != 0 && source.once_in(4) {
            match source.below(5) {
                0 => digits.make_ascii_uppercase(),
                1 => digits[..20].make_ascii_uppercase(),
                2 => drop(digits.pop()),
                3 => digits.push('0'),
                _ => digits.replace_range(38.., "g0"),
            }
        }
        self.compose_envelope(source, &digits);
        self.datagram.extend_from_slice(b"plj0");
        if source.once_in(5) {
            // As a server does: each character loses what is beyond a byte.
            self.datagram.extend(self.text.chars().map(|character| character as u32 as u8));
        } else {
            self.datagram.extend_from_slice(self.text.as_bytes());
        }
    }

    fn compose_message(&mut self, source: &mut Source) {
        let [answer, ..] = &mut self.texts;
        answer.clear();
        match source.below(4) {
            0 => json::value(source, answer, 2),
            1 => {
                let text =
                    source.pick(&["n\u{e9}", "\u{ff}\u{100}", "\\u00e9", "a\\nb", "\u{1f600}", "\\\""]);
                push(answer, &["\"", text, "\""]);
            }
            _ => answer.push_str(source.pick(&ANSWERS)),
        }
        let status = source.pick(&["0", "0", "0", "1", "2", "3", "-1", "2147483648"]);
        let serial = source.pick(&SERIALS);
        let message = &mut self.message;
        message.clear();
        if !source.once_in(6) {
            let head = ["{\"protocol\":1,\"status\":", status, ",\"answer\":"];
            push(message, &head);
            return push(message, &[answer, ",\"serial\":", serial, "}"]);
        }
        let mut members = vec![
            format!("\"protocol\": {}", source.pick(&["1", "1", "2", "1.0", "\"1\"", "2147483648"])),
            format!("\"status\" :{status}"),
            format!("\"\\u0061nswer\":{answer}"),
            format!("\"serial\":{serial}"),
        ];
        shuffle(source, &mut members);
        push(message, &[" {", &members.join(","), " }\n"]);
    }

    fn compose_envelope(&mut self, source: &mut Source, digits: &str) {
        for (text, value) in self.texts.iter_mut().zip([digits, &self.message, &self.salt]) {
            text.clear();
            json::push_string(source, text, value);
        }
        let ([tag, message, salt], text) = (&self.texts, &mut self.text);
        text.clear();
        match source.below(6) {
            0..=3 => push(text, &["{\"hmac\":", tag, ",\"msg\":", message, ",\"salt\":", salt, "}"]),
            4 => push(text, &["{\"msg\": ", message, ", \"salt\": ", salt, ", \"hmac\": ", tag, "}"]),
            _ => {
                let mut members = vec![
                    format!("\"hmac\":{tag}"),
                    format!("\"m\\u0073g\" :{message}"),
                    format!("\"salt\": {salt}"),
                ];
                shuffle(source, &mut members);
                push(text, &["{", &members.join(" ,\n"), "}"]);
            }
        }
    }
}

/// One of the latest requests, mostly, and one of those that it was sent to.
fn aimed<'a>(source: &mut Source, asked: &'a [Asked], from: &mut usize) -> Option<&'a Asked> {
    let back = source.below(asked.len().clamp(1, 6)) * source.below(2);
    let request = &asked[asked.len().checked_sub(back + 1)?];
    if !request.contacts.is_empty() && !source.once_in(6) {
        *from = request.contacts[*from % request.contacts.len()];
        if source.once_in(2) {
            let silent = request.contacts.iter().find(|place| !request.answered.contains(place));
            *from = silent.copied().unwrap_or(*from);
        }
    }
    Some(request)
}

fn push(text: &mut String, pieces: &[&str]) {
    for piece in pieces {
        text.push_str(piece);
    }
}

/// Changes the order of members, leaves some out, repeats some, adds others.
fn shuffle(source: &mut Source, members: &mut Vec<String>) {
    let changes = source.below(4);
    for _ in 0..changes {
        let at = source.below(members.len());
        match source.below(6) {
            0..=2 => members.swap(0, at),
            3 => members.push(members[at].clone()),
            4 if members.len() > 1 => drop(members.remove(at)),
            _ => {
                let mut other = String::from("\"x\":");
                json::value(source, &mut other, 2);
                members.insert(at, other);
            }
        }
    }
}

fn alter(source: &mut Source, datagram: &mut Vec<u8>) {
    let count = source.below(3) + 1;
    for _ in 0..count {
        if datagram.is_empty() {
            return;
        }
        let at = (source.below(256) * 256 + source.below(256)) % datagram.len();
        match source.below(6) {
            0 => datagram[at] ^= 1 << source.below(8),
            1 => datagram[at] = source.byte(),
            2 => datagram.truncate(at),
            3 => datagram.insert(at, source.byte()),
            4 => drop(datagram.remove(at)),
            _ => datagram.extend_from_slice(source.pick(&[&b" "[..], b"\n", b"}", b"\0", b"\xe9"])),
        }
    }
}

/// What stands between other things somewhere.
const TOKENS: [&[u8]; 24] = [
    b"\"",
    b"\\\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b" ",
    b"\\u0000",
    b"\\ud800",
    b"\xc3\xa9",
    b"\xe9",
    b"\0",
    b"plj0",
    b"null",
    b"true",
    b"-",
    b"1e400",
    b"18446744073709551616",
    b"\"salt\":",
    b"\"hmac\":",
    b"\\\"status\\\":1,",
];

/// The most bytes that repetitions come to.
const LONGEST: usize = 9_000;

/// Flips, sets, cuts, inserts, repeats, moves and splices, once or some times.
fn mutate(source: &mut Source, data: &mut Vec<u8>, others: &Before) {
    let count = source.below(4) + 1;
    for _ in 0..count {
        let at = source.below(data.len().max(1));
        if data.is_empty() {
            data.push(source.byte());
        }
        let end = (at + 1 + usize::from(source.byte() >> source.below(8))).min(data.len());
        let length = data.len();
        match source.below(12) {
            0 => data[at] ^= 1 << source.below(8),
            1 => data[at] = source.byte(),
            2 => data.insert(at, source.byte()),
            3 => drop(data.drain(at..end)),
            4 if data.len() < LONGEST => {
                for _ in 0..=source.below(3) {
                    data.extend_from_within(at..end);
                }
                // What was added stands at the end; it belongs to what it repeats.
                let added = data.len() - length;
                data[at..].rotate_right(added);
            }
            5 => {
                let to = source.below(data.len() - (end - at) + 1);
                data.copy_within(at..end, to);
            }
            6 => data.truncate(at),
            7 if !others.is_empty() => {
                let other = &others[source.below(others.len())];
                let from = source.below(other.len().max(1)).min(other.len());
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
            8 => {
                if let Some(digit) = data[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *digit = b'0' + source.byte() % 10;
                }
            }
            9 => {
                let token = source.pick(&TOKENS);
                let end = (at + token.len()).min(data.len());
                data[at..end].copy_from_slice(&token[..end - at]);
            }
            _ => drop(data.splice(at..at, source.pick(&TOKENS).iter().copied())),
        }
    }
}
