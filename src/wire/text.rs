//! Text on its way to a server: JSON strings in pure ASCII. The server rejects raw UTF-8 at either level without
//! a word, so whatever is not ASCII leaves as `\uXXXX`.

use crate::wire::hex;
use crate::wire::key::TAG_LEN;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a JSON string in ASCII, quotes included.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_inside(out, text);
    out.push(b'"');
}

/// Appends `text` as the inside of a JSON string in ASCII.
pub(super) fn push_inside(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        if character.is_ascii() {
            push_byte(out, character as u8);
        } else {
            push_escaped(out, character);
        }
    }
}

/// Appends what [`push_inside`] makes of `text` as the inside of a JSON string once more.
pub(super) fn push_inside_twice(out: &mut Vec<u8>, text: &str) {
    let mut once = Vec::with_capacity(text.len() + 8);
    push_inside(&mut once, text);
    push_ascii_inside(out, &once);
}

/// Appends ASCII text as the inside of a JSON string.
pub(super) fn push_ascii_inside(out: &mut Vec<u8>, ascii: &[u8]) {
    let mut rest = ascii;
    while let Some(plain) = rest.iter().position(|&byte| !stands_for_itself(byte)) {
        out.extend_from_slice(&rest[..plain]);
        push_byte(out, rest[plain]);
        rest = &rest[plain + 1..];
    }
    out.extend_from_slice(rest);
}

/// Whether a byte may stand in a JSON string in ASCII as it is.
fn stands_for_itself(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\'
}

/// The same JSON text in ASCII. What is not ASCII can only stand inside strings there, so escaping it in place
/// changes no value.
pub(super) fn json_in_ascii(json: &str) -> String {
    let mut out = Vec::with_capacity(json.len() + 8);
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character as u8);
        } else {
            push_escaped(&mut out, character);
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// The 40 hexadecimal digits of 20 bytes.
pub(super) fn digits_of(bytes: &[u8; TAG_LEN]) -> [u8; 2 * TAG_LEN] {
    let mut digits = [0; 2 * TAG_LEN];
    for (digits, bytes) in digits.chunks_exact_mut(8).zip(bytes.chunks_exact(4)) {
        digits.copy_from_slice(&hex::encode([bytes[0], bytes[1], bytes[2], bytes[3]]));
    }
    digits
}

fn push_byte(out: &mut Vec<u8>, byte: u8) {
    match byte {
        _ if stands_for_itself(byte) => out.push(byte),
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        _ => push_unit(out, u16::from(byte)),
    }
}

fn push_escaped(out: &mut Vec<u8>, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        push_unit(out, *unit);
    }
}

fn push_unit(out: &mut Vec<u8>, unit: u16) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from(unit >> shift & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_leave_in_ascii_and_mean_the_same() {
        for text in ["", "plain", "q\"b\\s", "\n\t\u{1}\u{7f}", "n\u{e9}", "\u{1f600}", "\u{ffff}"] {
            let json = string(text);
            assert!(json.is_ascii());
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
        assert_eq!(string("\u{1f600}"), "\"\\ud83d\\ude00\"");
    }

    #[test]
    fn every_character_comes_back_out_of_a_string_and_out_of_one_within_one() {
        for code in (0..0x250).chain([0x7ff, 0x800, 0xffff, 0x1_0000, 0x10_ffff]) {
            let text = format!("a{}b", char::from_u32(code).unwrap());
            let json = string(&text);
            assert!(json.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            let mut twice = b"\"\\\"".to_vec();
            push_inside_twice(&mut twice, &text);
            twice.extend_from_slice(b"\\\"\"");
            assert!(twice.is_ascii());
            let once = serde_json::from_slice::<String>(&twice).unwrap();
            assert_eq!(serde_json::from_str::<String>(&once).unwrap(), text);
        }
    }

    #[test]
    fn only_what_has_to_be_is_escaped() {
        let plain: String =
            (0x20..=0x7e).map(char::from).filter(|byte| !['"', '\\'].contains(byte)).collect();
        assert_eq!(string(&plain), format!("\"{plain}\""));
        let mut inside = Vec::new();
        push_ascii_inside(&mut inside, plain.as_bytes());
        assert_eq!(inside, plain.as_bytes());
        assert_eq!(string("\u{7f}\u{1f}\"\\"), "\"\\u007f\\u001f\\\"\\\\\"");
    }

    #[test]
    fn json_in_ascii_keeps_its_value() {
        let json = "{\"k\u{e9}\": [\"\u{1f600}\", 1.50]}";
        let ascii = json_in_ascii(json);
        assert!(ascii.is_ascii() && ascii.ends_with("1.50]}"));
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&ascii), value(json));
    }
}
