//! Which datagram counts as a reply, and why another does not: the rules once more, in their plainest form. Who
//! signed what is known from who made it, and no HMAC is computed.

use std::net::SocketAddr;

use serde_json::Value;

use super::cluster::Signed;
use super::model::{Asked, Model};

/// Why a datagram is dropped, in the order in which that is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    Magic,
    Malformed,
    Salt,
    Source,
    Duplicate,
    Signature,
    NoReply,
}

/// One that counts.
pub(super) struct Verdict {
    pub(super) salt: String,
    pub(super) asked: bool,
    pub(super) reply: (i32, i64, String),
}

impl Model {
    pub(super) fn judge(
        &mut self,
        bytes: &[u8],
        from: SocketAddr,
        signed: Option<&Signed>,
    ) -> Result<Verdict, Why> {
        let Some(text) = bytes.strip_prefix(b"plj0") else { return Err(Why::Magic) };
        let known = self.knows(from);
        let mut why = Why::Malformed;
        for Reading { salt, sealed } in readings(text).into_iter().flatten() {
            let authentic = signed.filter(|signed| {
                signed.salt == salt
                    && sealed
                        .as_ref()
                        .is_some_and(|(message, tag)| signed.message == *message && signed.tag == tag[..])
            });
            match self.judge_reading(&salt, sealed.is_some(), from, authentic) {
                Ok(verdict) => return Ok(verdict),
                Err(this) => why = why.max(this),
            }
        }
        Err(if known || self.any_source { why } else { Why::Source })
    }

    fn judge_reading(
        &mut self,
        salt: &str,
        is_whole: bool,
        from: SocketAddr,
        signed: Option<&Signed>,
    ) -> Result<Verdict, Why> {
        let asked = self.asked.get(salt).ok_or(Why::Salt)?;
        let signed = signed.filter(|signed| signed.key == asked.key);
        let Asked { answered, foreign, .. } = asked;
        let contacted = answered.get(&from);
        if contacted == Some(&true) || foreign.contains(&from) {
            return Err(Why::Duplicate);
        }
        if contacted.is_none() && !self.any_source {
            self.signed_by_a_stranger |= signed.is_some();
            return Err(Why::Source);
        }
        if contacted.is_none() && foreign.len() == answered.len() {
            return Err(Why::Source);
        }
        if !is_whole {
            return Err(Why::Malformed);
        }
        let reply = signed.ok_or(Why::Signature)?.reply.clone().ok_or(Why::NoReply)?;
        Ok(Verdict { salt: salt.to_owned(), asked: contacted.is_some(), reply })
    }
}

/// What one reading of a datagram says.
struct Reading {
    salt: String,
    /// Message and tag; `None` where only the salt could be read, which already rules most of such datagrams out.
    sealed: Option<(String, Vec<u8>)>,
}

fn readings(text: &[u8]) -> [Option<Reading>; 2] {
    let read = |bytes: &[u8]| match std::str::from_utf8(bytes).ok().and_then(members) {
        Some((salt, message, tag)) => Some(Reading { salt, sealed: Some((message, tag)) }),
        None => salt_in_its_place(bytes).map(|salt| Reading { salt, sealed: None }),
    };
    let latin1 = || read(text.iter().map(|&byte| char::from(byte)).collect::<String>().as_bytes());
    [read(text), if text.is_ascii() { None } else { latin1() }]
}

/// The salt of what looks as a server would have written it, whatever is wrong with the rest.
fn salt_in_its_place(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(br#"{"hmac":""#)?.strip_suffix(br#""}"#)?;
    let rest = rest.get(40..)?.strip_prefix(br#"","msg":""#)?;
    let end = rest.iter().rposition(|&byte| byte == b'"')?;
    let (before, salt) = (&rest[..end], std::str::from_utf8(&rest[end + 1..]).ok()?);
    let plain = !salt.chars().any(|c| c == '\\' || c < ' ');
    (before.ends_with(br#"","salt":"#) && plain).then(|| salt.to_owned())
}

fn members(text: &str) -> Option<(String, String, Vec<u8>)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let hex = member("hmac")?;
    if hex.len() != 40 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let tag = (0..20).map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap());
    Some((member("salt")?.to_owned(), member("msg")?.to_owned(), tag.collect()))
}
