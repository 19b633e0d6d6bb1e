//! Salts: the name of a request, which its replies carry back. A fresh one is a UUIDv4 of 122 random bits, which
//! nobody can guess who has not seen the request.

use std::ffi::{CStr, CString};
use std::fmt;

use crate::error::{Code, Error, Result};

const UUID_LEN: usize = 36;
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// The salt of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt {
    form: Form,
    /// Those of a UUID: every request is entered and found by them.
    bits: u128,
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
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; UUID_LEN + 1];
        text[UUID_LEN] = 0;
        let mut at = 0;
        for byte in bytes {
            if DASHES.contains(&at) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        Salt { form: Form::Uuid(text), bits: u128::from_be_bytes(bytes) }
    }

    /// The salt that a program chose, which may be empty (a request then has none) but hold no NUL.
    pub fn from_text(text: &str) -> Result<Self> {
        if let Some(bits) = uuid_bits(text) {
            let mut uuid = [0; UUID_LEN + 1];
            uuid[..UUID_LEN].copy_from_slice(text.as_bytes());
            return Ok(Salt { form: Form::Uuid(uuid), bits });
        }
        match CString::new(text) {
            Ok(text) => Ok(Salt { form: Form::Text(text), bits: 0 }),
            Err(_) => Err(Error::new(Code::InvalidArgument, "the salt holds a NUL character")),
        }
    }

    /// The salt as the wire has it.
    pub fn as_str(&self) -> &str {
        match &self.form {
            Form::Uuid(text) => std::str::from_utf8(&text[..UUID_LEN]).unwrap_or_default(),
            Form::Text(text) => text.to_str().unwrap_or_default(),
        }
    }

    /// The 128 bits of a UUID; `None` for any other text.
    pub fn uuid_bits(&self) -> Option<u128> {
        matches!(self.form, Form::Uuid(_)).then_some(self.bits)
    }

    /// The same with its NUL.
    pub fn as_c_str(&self) -> &CStr {
        match &self.form {
            Form::Uuid(text) => CStr::from_bytes_with_nul(text).unwrap_or_default(),
            Form::Text(text) => text,
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

/// The 128 bits of a UUID in canonical form (lower case, dashes in their places), else `None`.
pub fn uuid_bits(text: &str) -> Option<u128> {
    let text = text.as_bytes();
    if text.len() != UUID_LEN || DASHES.iter().any(|&at| text[at] != b'-') {
        return None;
    }
    // Every reply is looked up by these bits: digits by a table, and whether all are digits in the end.
    let (mut bits, mut seen) = ([0u64; 2], 0u8);
    for (half, groups) in bits.iter_mut().zip([&[0..8, 9..13, 14..18][..], &[19..23, 24..36]]) {
        for &byte in groups.iter().flat_map(|group| &text[group.clone()]) {
            let digit = DIGITS[usize::from(byte)];
            seen |= digit;
            *half = *half << 4 | u64::from(digit & 15);
        }
    }
    (seen < 16).then(|| u128::from(bits[0]) << 64 | u128::from(bits[1]))
}

/// What a byte is as a lower-case hexadecimal digit; 16 for one that is none.
const DIGITS: [u8; 256] = {
    let mut digits = [16; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_salt_is_a_uuid_of_version_4() {
        let salt = Salt::from_random([0xff; 16]);
        assert_eq!(salt.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Salt::from_random([0; 16]).as_str(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_bits(salt.as_str()), Some(0xffffffffffff4fffbfffffffffffffff));
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
            assert_eq!(uuid_bits(other), None, "{other}");
            assert_eq!(Salt::from_text(other).unwrap().as_str(), other);
        }
    }

    #[test]
    fn a_given_salt_is_any_text_without_a_nul() {
        assert_eq!(Salt::from_text("h\u{e9}").unwrap().as_c_str().to_bytes(), "h\u{e9}".as_bytes());
        assert!(Salt::from_text("").unwrap().is_empty());
        assert_eq!(Salt::from_text("a\0b").unwrap_err().code(), Code::InvalidArgument);
    }
}
