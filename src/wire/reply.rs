//! The message of a verified reply.

use std::ffi::{CStr, CString};
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::wire::answer::Answer;
use crate::wire::pieces;

/// The server answered the question.
pub const STATUS_OK: i32 = 0;
/// The server could not: the answer says why.
pub const STATUS_ERROR: i32 = 1;
/// The server does not know this question.
pub const STATUS_NOT_IMPLEMENTED: i32 = 2;

/// What one server said to one request.
pub struct Reply {
    protocol: i32,
    status: i32,
    serial: i64,
    answer: Answer,
    error_text: OnceLock<CString>,
}

impl Reply {
    /// A reply with this answer, which is well-formed JSON text.
    pub fn new(protocol: i32, status: i32, serial: i64, answer: &str) -> Self {
        Reply { protocol, status, serial, answer: Answer::new(answer), error_text: OnceLock::new() }
    }

    /// Reads a message; `None` unless it is an object with its four members, each of its type.
    pub fn parse(message: &str) -> Option<Self> {
        Self::as_servers_write(message).or_else(|| Self::in_any_form(message))
    }

    /// The form in which `ganeti-confd` writes: only the answer is to be read. `None` for any other.
    fn as_servers_write(message: &str) -> Option<Self> {
        let rest = message.strip_prefix("{\"protocol\":1,\"status\":")?.strip_suffix('}')?;
        let (status, rest) = rest.split_at_checked(1)?;
        let rest = rest.strip_prefix(",\"answer\":")?;
        let digits = rest.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (rest, serial) = rest.split_at(rest.len() - digits);
        let answer = rest.strip_suffix(",\"serial\":")?;
        let status = match status {
            "0" => STATUS_OK,
            "1" => STATUS_ERROR,
            "2" => STATUS_NOT_IMPLEMENTED,
            _ => return None,
        };
        let serial = decimal(serial.as_bytes())?.try_into().ok()?;
        // White space around it would make it another text than the one that is a value.
        if decimal(answer.as_bytes()).is_none() && !pieces::is_value(answer) {
            return None;
        }
        Some(Reply::new(1, status, serial, answer))
    }

    fn in_any_form(message: &str) -> Option<Self> {
        let (mut protocol, mut status, mut serial, mut answer) = (None, None, None, None);
        pieces::each(message, &mut |name, value| {
            let member = match name.as_deref() {
                Some("protocol") => &mut protocol,
                Some("status") => &mut status,
                Some("serial") => &mut serial,
                Some("answer") => &mut answer,
                other => return other.is_some(),
            };
            // None comes twice.
            member.replace(value).is_none()
        })?;
        Some(Reply::new(integer(protocol?)?, integer(status?)?, integer(serial?)?, answer?))
    }

    /// The version of the protocol that the server speaks, 1.
    pub fn protocol(&self) -> i32 {
        self.protocol
    }

    /// [`STATUS_OK`], [`STATUS_ERROR`] or [`STATUS_NOT_IMPLEMENTED`], or what else the server said.
    pub fn status(&self) -> i32 {
        self.status
    }

    /// Whether the answer answers the question.
    pub fn is_ok(&self) -> bool {
        self.status == STATUS_OK
    }

    /// The configuration's serial, by type that of the cluster, the node or the instance: of two ok replies the
    /// higher is the fresher. 0 for a ping and for every error.
    pub fn serial(&self) -> i64 {
        self.serial
    }

    /// The answer.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// What went wrong, for a person; `None` when the reply is ok. May hold newlines.
    pub fn error_text(&self) -> Option<&CStr> {
        if self.is_ok() {
            return None;
        }
        Some(self.error_text.get_or_init(|| {
            let text = match self.answer.find("").and_then(|answer| answer.string()) {
                Ok(text) => text.to_string_lossy().into_owned(),
                Err(_) => self.error_words(),
            };
            CString::new(text).unwrap_or_default()
        }))
    }

    fn error_words(&self) -> String {
        if self.status == STATUS_NOT_IMPLEMENTED {
            return "not implemented by the server".to_owned();
        }
        match self.answer.text() {
            "0" => "unknown entry".to_owned(),
            "1" => "internal error of the server".to_owned(),
            "2" => "the server does not accept the argument".to_owned(),
            other => format!("status {}, {other}", self.status),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("protocol", &self.protocol)
            .field("status", &self.status)
            .field("serial", &self.serial)
            .field("answer", &self.answer.text())
            .finish()
    }
}

/// An integer of JSON; not -0, which is one of a double's two zeros.
fn integer<T: FromStr>(number: &str) -> Option<T> {
    number.parse().ok().filter(|_| number != "-0")
}

/// The number that a text is, where it is JSON's shortest form of one that is not negative and has 18 digits at the
/// most.
#[inline(always)]
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if !(1..=18).contains(&digits.len()) || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_members_are_read_in_any_order() {
        let reply =
            Reply::parse(r#"{"answer": [1, "a"], "serial": 3189, "x": {}, "status": 0, "protocol": 1}"#)
                .unwrap();
        assert_eq!((reply.protocol(), reply.status(), reply.serial()), (1, 0, 3189));
        assert_eq!(reply.answer().text(), r#"[1, "a"]"#);
        assert!(reply.is_ok() && reply.error_text().is_none());
        let other = Reply::parse(r#"{"protocol":2,"status":0,"answer":1,"serial":0}"#).unwrap();
        assert_eq!(other.protocol(), 2);
    }

    #[test]
    fn the_form_that_servers_write_is_read_as_any_other() {
        let answers = [
            "1",
            "-1",
            "\"a\"",
            "[[0,\"x\",3]]",
            "{\"serial\":1}",
            "null",
            "",
            " 1",
            "1 ",
            "[",
            "1,\"serial\":2",
            "1,\"answer\":2",
            "\",\\\"serial\\\":\"",
        ];
        for answer in answers {
            for serial in
                ["0", "3189", "007", "-5", "1.5", "", "9223372036854775807", "9223372036854775808", "0 "]
            {
                for status in ["0", "1", "2", "3", "-1", ""] {
                    let text = format!(
                        "{{\"protocol\":1,\"status\":{status},\"answer\":{answer},\"serial\":{serial}}}"
                    );
                    let (quick, any) = (Reply::as_servers_write(&text), Reply::in_any_form(&text));
                    let shown = |reply: &Option<Reply>| format!("{reply:?}");
                    assert!(quick.is_none() || shown(&quick) == shown(&any), "{text}");
                }
            }
        }
        let usual = r#"{"protocol":1,"status":0,"answer":"node1","serial":3189}"#;
        assert_eq!(Reply::as_servers_write(usual).unwrap().serial(), 3189);
    }

    #[test]
    fn what_servers_write_is_read_without_a_parser() {
        for (status, answer, serial) in [(0, "\"a\"", 7), (1, "12", 0), (2, "[]", 999_999_999_999_999_999)] {
            let text =
                format!("{{\"protocol\":1,\"status\":{status},\"answer\":{answer},\"serial\":{serial}}}");
            let reply = Reply::as_servers_write(&text).unwrap();
            assert_eq!((reply.protocol(), reply.status(), reply.serial()), (1, status, serial));
            assert_eq!((reply.answer().text(), reply.is_ok()), (answer, status == 0));
            let shown = format!("{reply:?}");
            for part in
                [&*format!("status: {status}"), &*format!("serial: {serial}"), &*format!("{answer:?}")]
            {
                assert!(shown.contains(part), "{shown}");
            }
        }
    }

    #[test]
    fn a_short_whole_number_is_read_and_nothing_else() {
        for (text, number) in [
            ("0", Some(0)),
            ("9", Some(9)),
            ("10", Some(10)),
            ("3189", Some(3_189)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("1000000000000000000", None),
            ("00", None),
            ("07", None),
            ("", None),
            ("-1", None),
            ("1.0", None),
            ("1:", None),
            ("/1", None),
        ] {
            assert_eq!(decimal(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn a_message_without_them_is_no_reply() {
        let good = r#"{"protocol":1,"status":0,"answer":null,"serial":0}"#;
        assert!(Reply::parse(good).is_some());
        for (what, instead) in [
            ("1", "\"1\""),
            ("\"serial\":0", "\"serial\":0.5"),
            ("\"serial\":0", "\"serial\":-0"),
            ("\"serial\":0", "\"serial\":9223372036854775808"),
            ("\"status\":0", "\"status\":2147483648"),
            ("\"status\"", "\"stat\""),
            ("null", "nul"),
            ("null", "[1,]"),
            ("null", "\"\u{1}\""),
            ("}", ",\"serial\":0}"),
            ("}", "} 1"),
        ] {
            assert!(Reply::parse(&good.replacen(what, instead, 1)).is_none(), "{instead}");
        }
    }

    #[test]
    fn errors_are_put_in_words() {
        let text = |status: i32, answer: &str| {
            let message = format!(r#"{{"protocol":1,"status":{status},"answer":{answer},"serial":0}}"#);
            Reply::parse(&message).unwrap().error_text().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(text(1, "0"), "unknown entry");
        assert_eq!(text(1, "1"), "internal error of the server");
        assert_eq!(text(1, "2"), "the server does not accept the argument");
        assert_eq!(text(1, r#""two\nlines""#), "two\nlines");
        assert_eq!(text(2, "0"), "not implemented by the server");
        assert_eq!(text(7, "[3]"), "status 7, [3]");
    }
}
