//! JSON text that is kept for C, a NUL behind it. Short texts, as most answers to a ping are, need no memory of their
//! own.

use std::ffi::CStr;

const SHORT: usize = 22;

/// Well-formed JSON text, which holds no NUL.
pub(super) struct Kept(Form);

enum Form {
    /// How many bytes, and they, with a NUL behind them.
    Short(u8, [u8; SHORT + 1]),
    Long(Box<str>),
}

impl Kept {
    pub(super) fn new(json: &str) -> Self {
        if json.len() <= SHORT {
            let mut bytes = [0; SHORT + 1];
            bytes[..json.len()].copy_from_slice(json.as_bytes());
            return Kept(Form::Short(json.len() as u8, bytes));
        }
        let mut text = String::with_capacity(json.len() + 1);
        text.push_str(json);
        text.push('\0');
        Kept(Form::Long(text.into_boxed_str()))
    }

    pub(super) fn as_str(&self) -> &str {
        match &self.0 {
            Form::Short(..) => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Form::Long(text) => &text[..text.len() - 1],
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Short(len, bytes) => &bytes[..usize::from(*len)],
            Form::Long(text) => &text.as_bytes()[..text.len() - 1],
        }
    }

    pub(super) fn as_c_str(&self) -> &CStr {
        let with_nul = match &self.0 {
            Form::Short(len, bytes) => &bytes[..=usize::from(*len)],
            Form::Long(text) => text.as_bytes(),
        };
        CStr::from_bytes_with_nul(with_nul).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_length_is_kept_as_it_is() {
        for len in 0..50 {
            let json = "\u{e9}".repeat(len / 2) + &"1".repeat(len % 2);
            let kept = Kept::new(&json);
            assert_eq!((kept.as_str(), kept.as_c_str().to_bytes()), (&*json, json.as_bytes()));
            assert_eq!(kept.as_bytes(), json.as_bytes());
            assert_eq!(matches!(kept.0, Form::Short(..)), json.len() <= SHORT);
        }
    }
}
