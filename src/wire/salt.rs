//! Salts: the name of a request, which its replies carry back. A fresh one is a UUIDv4 of 122 random bits, which
//! nobody can guess who has not seen the request.

use std::ffi::CString;
use std::fmt;
use std::ops::Range;

use crate::error::{Code, Error, Result};
use crate::wire::hex;

/// Characters of a UUID.
pub const UUID_LEN: usize = 36;
/// Where its digits stand, between the dashes.
const GROUPS: [Range<usize>; 5] = [0..8, 9..13, 14..18, 19..23, 24..36];

/// The salt of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt {
    form: Form,
    /// Those of a UUID, the high ones first: every request is entered and found by them.
    bits: [u64; 2],
}

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// The canonical text of a UUID and a NUL: by far the most, and without an allocation.
    Uuid([u8; UUID_LEN + 1]),
    Text(CString),
}

impl Salt {
    /// A UUIDv4 made of 16 random bytes.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let mut digits = [0; 32];
        for (digits, bytes) in digits.chunks_exact_mut(8).zip(bytes.chunks_exact(4)) {
            digits.copy_from_slice(&hex::encode([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
        let mut text = *b"00000000-0000-0000-0000-000000000000\0";
        let mut rest = &digits[..];
        for group in GROUPS {
            let (these, others) = rest.split_at(group.len());
            text[group].copy_from_slice(these);
            rest = others;
        }
        Salt { form: Form::Uuid(text), bits: halves(u128::from_be_bytes(bytes)) }
    }

    /// The salt that a program chose, which may be empty (a request then has none) but hold no NUL.
    pub fn from_text(text: &str) -> Result<Self> {
        if let Some(bits) = uuid_bits(text.as_bytes()) {
            let mut uuid = [0; UUID_LEN + 1];
            uuid[..UUID_LEN].copy_from_slice(text.as_bytes());
            return Ok(Salt { form: Form::Uuid(uuid), bits: halves(bits) });
        }
        match CString::new(text) {
            Ok(text) => Ok(Salt { form: Form::Text(text), bits: [0; 2] }),
            Err(_) => Err(Error::new(Code::InvalidArgument, "the salt holds a NUL character")),
        }
    }

    /// The salt as the wire has it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.form {
            Form::Uuid(text) => &text[..UUID_LEN],
            Form::Text(text) => text.as_bytes(),
        }
    }

    /// The characters of a UUID; `None` for any other text.
    pub fn uuid(&self) -> Option<&[u8; UUID_LEN]> {
        match &self.form {
            Form::Uuid(text) => text.first_chunk(),
            Form::Text(_) => None,
        }
    }

    /// The 128 bits of a UUID; `None` for any other text.
    pub fn uuid_bits(&self) -> Option<u128> {
        let [high, low] = self.bits;
        matches!(self.form, Form::Uuid(_)).then_some(u128::from(high) << 64 | u128::from(low))
    }

    /// The same with its NUL.
    pub fn as_bytes_with_nul(&self) -> &[u8] {
        match &self.form {
            Form::Uuid(text) => text,
            Form::Text(text) => text.as_bytes_with_nul(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        matches!(&self.form, Form::Text(text) if text.is_empty())
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}

/// The 128 bits of a UUID in canonical form (lower case, dashes in their places), else `None`.
pub fn uuid_bits(text: &[u8]) -> Option<u128> {
    let text: &[u8; UUID_LEN] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != *b"----" {
        return None;
    }
    // Eight digits each, as they stand between the dashes.
    let digits = |first: usize, second: usize| {
        let mut digits = [0; 8];
        digits[..4].copy_from_slice(&text[first..first + 4]);
        digits[4..].copy_from_slice(&text[second..second + 4]);
        hex::decode(digits)
    };
    let (a, b, c, d) = (digits(0, 4)?, digits(9, 14)?, digits(19, 24)?, digits(28, 32)?);
    let half = |high: u32, low: u32| u128::from(u64::from(high) << 32 | u64::from(low));
    Some(half(a, b) << 64 | half(c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_salt_is_a_uuid_of_version_4() {
        let salt = Salt::from_random([0xff; 16]);
        assert_eq!(salt.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Salt::from_random([0; 16]).as_str(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_bits(salt.as_bytes()), Some(0xffffffffffff4fffbfffffffffffffff));
    }

    #[test]
    fn only_the_canonical_form_is_taken_as_a_uuid() {
        for other in [
            "FFFFFFFF-ffff-4fff-bfff-ffffffffffff",
            "ffffffff-ffff-4fff-bfff-fffffffffff",
            "ffffffff+ffff-4fff-bfff-ffffffffffff",
            "ffffffff-ffff-4fff-bfff-fffffffffffg",
            "",
        ] {
            assert_eq!(uuid_bits(other.as_bytes()), None, "{other}");
            assert_eq!(Salt::from_text(other).unwrap().as_str(), other);
        }
    }

    #[test]
    fn a_uuid_is_its_bits_wherever_they_stand() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let bits = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
        let salt = Salt::from_text(text).unwrap();
        assert_eq!(
            (uuid_bits(text.as_bytes()), salt.uuid_bits(), salt.as_str()),
            (Some(bits), Some(bits), text)
        );
        assert_eq!(salt.as_bytes_with_nul(), format!("{text}\0").as_bytes());
        assert_eq!(Salt::from_text("s").unwrap().uuid_bits(), None);
        for place in 0..UUID_LEN {
            let mut other = text.as_bytes().to_vec();
            other[place] = b'x';
            assert_eq!(uuid_bits(&other), None, "place {place}");
            other[place] = if b"8d".contains(&text.as_bytes()[place]) { b'0' } else { b'8' };
            assert_ne!(uuid_bits(&other), Some(bits), "place {place}");
        }
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(0x10..).for_each(|(byte, number)| *byte = number);
        assert_eq!(Salt::from_random(bytes).as_str(), "10111213-1415-4617-9819-1a1b1c1d1e1f");
        assert_eq!(Salt::from_random(bytes).uuid_bits(), Some(0x1011_1213_1415_4617_9819_1a1b_1c1d_1e1f));
    }

    #[test]
    fn a_salt_is_shown_as_its_text() {
        assert_eq!(format!("{:?}", Salt::from_text("a\"b").unwrap()), r#""a\"b""#);
        assert!(!Salt::from_text("s").unwrap().is_empty() && !Salt::from_random([0; 16]).is_empty());
    }

    #[test]
    fn a_given_salt_is_any_text_without_a_nul() {
        assert_eq!(Salt::from_text("h\u{e9}").unwrap().as_bytes_with_nul(), "h\u{e9}\0".as_bytes());
        assert!(Salt::from_text("").unwrap().is_empty());
        assert_eq!(Salt::from_text("a\0b").unwrap_err().code(), Code::InvalidArgument);
    }
}
