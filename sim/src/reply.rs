//! A reply datagram: members and spacing as the real server writes them.

use crate::key::Key;
use serde_json::Value;

/// The most that UDP over IPv4 carries. The real server never sends a longer reply.
pub const MAX_REPLY: usize = 65_507;

/// What a request comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// 0 ok, 1 error, 2 not implemented.
    pub status: i64,
    /// Any JSON.
    pub answer: Value,
    /// Serial of the cluster, node or instance; 0 for a ping and for errors.
    pub serial: u64,
}

impl Answer {
    /// Status 1, serial 0.
    pub fn error(answer: impl Into<Value>) -> Answer {
        Answer { status: 1, answer: answer.into(), serial: 0 }
    }

    /// The JSON text that is signed.
    pub fn text(&self) -> String {
        let Answer { status, answer, serial } = self;
        format!(r#"{{"protocol":1,"status":{status},"answer":{answer},"serial":{serial}}}"#)
    }
}

/// How characters beyond ASCII go onto the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One byte a character, its low byte: the real server, which signs UTF-8 all the same.
    Latin1,
    /// What a sound server would send.
    Utf8,
}

/// An answer ready to be signed for any salt.
#[derive(Clone, Debug)]
pub struct Prepared {
    text: String,
    wire: Vec<u8>,
    encoding: Encoding,
}

impl Prepared {
    /// Writes `answer` once, for many replies.
    pub fn new(answer: &Answer, encoding: Encoding) -> Prepared {
        let text = answer.text();
        let mut wire = Vec::with_capacity(text.len() + 16);
        escape(&text, encoding, &mut wire);
        Prepared { text, wire, encoding }
    }

    /// Length on the wire, near enough to judge what is worth keeping.
    pub fn wire_len(&self) -> usize {
        self.wire.len()
    }

    /// The signature for `rsalt`.
    pub fn sign(&self, key: &Key, rsalt: &str) -> [u8; 40] {
        key.sign(rsalt.as_bytes(), self.text.as_bytes())
    }

    /// Appends the datagram to `out`.
    pub fn write(&self, hmac: &[u8; 40], rsalt: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"plj0{\"hmac\":\"");
        out.extend_from_slice(hmac);
        out.extend_from_slice(b"\",\"msg\":\"");
        out.extend_from_slice(&self.wire);
        out.extend_from_slice(b"\",\"salt\":\"");
        escape(rsalt, self.encoding, out);
        out.extend_from_slice(b"\"}");
    }
}

/// Appends `text` as it stands between the quotes of a JSON string.
fn escape(text: &str, encoding: Encoding, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) =
        rest.bytes().position(|byte| !(0x20..=0x7e).contains(&byte) || matches!(byte, b'"' | b'\\'))
    {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let char = rest[at..].chars().next().expect("a character starts before a byte of its own");
        match char {
            '"' | '\\' => out.extend_from_slice(&[b'\\', char as u8]),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\x08' => out.extend_from_slice(b"\\b"),
            '\x0c' => out.extend_from_slice(b"\\f"),
            '\0'..=' ' => out.extend_from_slice(format!("\\u{:04x}", char as u32).as_bytes()),
            _ if encoding == Encoding::Utf8 => {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes())
            }
            // The real server holds a character beyond 16 bits as two surrogates.
            _ => out.extend(char.encode_utf16(&mut [0; 2]).iter().map(|unit| *unit as u8)),
        }
        rest = &rest[at + char.len_utf8()..];
    }
    out.extend_from_slice(rest.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str, encoding: Encoding) -> Vec<u8> {
        let mut out = Vec::new();
        escape(text, encoding, &mut out);
        out
    }

    #[test]
    fn each_character_becomes_its_low_byte() {
        assert_eq!(escaped("n\u{e9}", Encoding::Latin1), b"n\xe9");
        assert_eq!(escaped("\u{65e5}\u{1f600}\u{122}\x7f", Encoding::Latin1), b"\xe5=\x00\"\x7f");
        assert_eq!(escaped("n\u{e9}", Encoding::Utf8), "n\u{e9}".as_bytes());
    }

    #[test]
    fn escapes_what_json_demands() {
        assert_eq!(escaped("a\"b\\c\n\u{1}/", Encoding::Latin1), b"a\\\"b\\\\c\\n\\u0001/");
    }

    #[test]
    fn members_stand_in_the_order_of_the_real_server() {
        let answer = Answer { status: 0, answer: 3_000_000.into(), serial: 0 };
        let prepared = Prepared::new(&answer, Encoding::Latin1);
        let mut out = Vec::new();
        prepared.write(&[b'0'; 40], "s\"", &mut out);
        let expected = format!(
            r#"plj0{{"hmac":"{}","msg":"{{\"protocol\":1,\"status\":0,\"answer\":3000000,\"serial\":0}}","salt":"s\""}}"#,
            "0".repeat(40)
        );
        assert_eq!(String::from_utf8(out), Ok(expected));
    }
}
