//! A request datagram: from bytes to a verified request, or a reason to drop it.
//!
//! The reader is written by hand because it is the hot path, and because the real server is
//! stricter and laxer than a JSON library in its own ways, all measured against ganeti-confd 3.0.2:
//! members may come in any order, a foreign member drops the request, of a doubled member the first
//! counts, `query` may be missing, white space may follow but not precede the object, and bytes
//! above 127 are characters of that number (so that raw UTF-8 never verifies).

use crate::key::Key;

/// Bytes of a request that the real server reads; what follows is lost, and so is the request.
pub const READ_LIMIT: usize = 4096;
/// How many seconds a request's clock may be from the server's.
pub const MAX_SKEW: u64 = 300;

/// Why a request gets no answer. The real server tells nobody; this one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Not `plj0`.
    Magic,
    /// Not the envelope of a request.
    Envelope,
    /// The signature is of another key or another text.
    Signature,
    /// More than 300 s from this clock, or no decimal number.
    Timestamp,
    /// The signed text is no request.
    Request,
}

/// A verified request. The texts live in the [`Reader`] that made it.
#[derive(Debug, PartialEq)]
pub struct Request<'a> {
    /// The type number; nothing says yet that such a type exists.
    pub kind: i64,
    /// The salt that the reply must carry.
    pub rsalt: &'a str,
    /// The query as its JSON text, not looked into; `null` if the request has none.
    pub query: &'a [u8],
}

/// Reads requests, reusing its buffers: nothing is allocated per datagram.
#[derive(Default)]
pub struct Reader {
    msg: Vec<u8>,
    salt: Vec<u8>,
    hmac: Vec<u8>,
    rsalt: Vec<u8>,
}

impl Reader {
    /// The request in `datagram`, signed by `key` no more than 300 s from `now` (Unix time in
    /// whole seconds: the real server drops the fraction, too).
    pub fn read(&mut self, datagram: &[u8], key: &Key, now: u64) -> Result<Request<'_>, Dropped> {
        let body = datagram.strip_prefix(b"plj0").ok_or(Dropped::Magic)?;
        self.read_envelope(body).ok_or(Dropped::Envelope)?;
        // Above 127 a byte is one character to the real server, two bytes to its HMAC.
        if !datagram.is_ascii() || !key.verify(&self.salt, &self.msg, &self.hmac) {
            return Err(Dropped::Signature);
        }
        let time = timestamp(&self.salt).ok_or(Dropped::Timestamp)?;
        if now.abs_diff(time) > MAX_SKEW {
            return Err(Dropped::Timestamp);
        }
        let (kind, query) = read_request(&self.msg, &mut self.rsalt).ok_or(Dropped::Request)?;
        let rsalt = std::str::from_utf8(&self.rsalt).map_err(|_| Dropped::Request)?;
        Ok(Request { kind, rsalt, query })
    }

    fn read_envelope(&mut self, body: &[u8]) -> Option<()> {
        let mut scan = Scan { bytes: body, at: 0 };
        let (mut msg, mut salt, mut hmac) = (false, false, false);
        let mut spare = Vec::new(); // allocates only for a doubled member
        if body.first() != Some(&b'{') {
            return None;
        }
        let mut more = scan.open()?;
        while more {
            match scan.name()? {
                b"msg" => scan.text(if msg { &mut spare } else { &mut self.msg }).map(|()| msg = true)?,
                b"salt" => scan.text(if salt { &mut spare } else { &mut self.salt }).map(|()| salt = true)?,
                b"hmac" => scan.text(if hmac { &mut spare } else { &mut self.hmac }).map(|()| hmac = true)?,
                _ => return None,
            }
            more = scan.next_member()?;
        }
        (scan.at_end() && msg && salt && hmac).then_some(())
    }
}

fn read_request<'a>(msg: &'a [u8], rsalt: &mut Vec<u8>) -> Option<(i64, &'a [u8])> {
    let mut scan = Scan { bytes: msg, at: 0 };
    let (mut kind, mut protocol, mut query, mut salted) = (None, false, None, false);
    scan.space();
    let mut more = scan.open()?;
    while more {
        match scan.name()? {
            b"type" => kind = kind.or(Some(integer(scan.value()?)?)),
            b"protocol" => {
                integer(scan.value()?)?;
                protocol = true; // which one, the real server does not look at
            }
            b"rsalt" if salted => _ = scan.value()?,
            b"rsalt" => scan.text(rsalt).map(|()| salted = true)?,
            b"query" => query = query.or(Some(scan.value()?)),
            _ => return None,
        }
        more = scan.next_member()?;
    }
    (scan.at_end() && protocol && salted).then_some((kind?, query.unwrap_or(b"null")))
}

fn timestamp(salt: &[u8]) -> Option<u64> {
    let digits = salt.trim_ascii();
    if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// A JSON number without a fraction. One digit is the common form.
fn integer(text: &[u8]) -> Option<i64> {
    if let [digit @ b'0'..=b'9'] = text {
        return Some(i64::from(digit - b'0'));
    }
    let number: serde_json::Number = serde_json::from_slice(text).ok()?;
    number.as_i64().or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i64))
}

/// A place in JSON text.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn at_end(&mut self) -> bool {
        self.space();
        self.at == self.bytes.len()
    }

    /// Into an object; whether it has a member.
    fn open(&mut self) -> Option<bool> {
        self.eat(b'{')?;
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(false);
        }
        Some(true)
    }

    /// A member's name (as written) and its colon.
    fn name(&mut self) -> Option<&'a [u8]> {
        let quoted = self.string()?;
        self.space();
        self.eat(b':')?;
        self.space();
        Some(&quoted[1..quoted.len() - 1])
    }

    /// Past a member; whether another follows.
    fn next_member(&mut self) -> Option<bool> {
        self.space();
        match self.peek()? {
            b',' => {
                self.at += 1;
                self.space();
                Some(true)
            }
            b'}' => {
                self.at += 1;
                Some(false)
            }
            _ => None,
        }
    }

    /// A string as written, with its quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        self.eat(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(&self.bytes[start..self.at])
    }

    /// A value as written. Whether it is sound inside is left to who reads it.
    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' => _ = self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b'}' | b']' => break,
                b',' if depth == 0 => break,
                _ => self.at += 1,
            }
        }
        let value = self.bytes[start..self.at].trim_ascii_end();
        (!value.is_empty()).then_some(value)
    }

    /// A string's text, unescaped, as UTF-8 into `out`.
    fn text(&mut self, out: &mut Vec<u8>) -> Option<()> {
        out.clear();
        self.eat(b'"')?;
        loop {
            let rest = &self.bytes[self.at..];
            let plain = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
            out.extend_from_slice(&rest[..plain]);
            self.at += plain + 1;
            match rest[plain] {
                b'"' => return Some(()),
                b'\\' => self.escape(out)?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let letter = self.peek()?;
        self.at += 1;
        out.push(match letter {
            b'"' | b'\\' | b'/' => letter,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let char = self.unicode()?;
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                return Some(());
            }
            _ => return None,
        });
        Some(())
    }

    fn unicode(&mut self) -> Option<char> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        if self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                return char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            }
            self.at = before;
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, &digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
    }
}
