//! JSON text of every kind, also such as no sane server writes, but well formed unless said otherwise.

use crate::source::Source;

const NUMBERS: [&str; 32] = [
    "0",
    "1",
    "3189",
    "-1",
    "-0",
    "42",
    "2",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "999999999999999999",
    "1000000000000000000",
    "123456789012345678901234567890",
    "1.0",
    "1.5",
    "-0.0",
    "0.1",
    "1e3",
    "1E+3",
    "1e-3",
    "1e308",
    "1e309",
    "-1e400",
    "1e-400",
    "2147483647",
    "2147483648",
    "-2147483648",
    "0.30000000000000004",
    "5e-324",
];

const NAMES: [&str; 14] =
    ["~1", "~0", "a", "b", "name", "serial", "answer", "status", "0", "1", "", "a\\/b", "m~n", "\\u0000"];

/// Pieces of the inside of a string, as they are written.
const PIECES: [&str; 24] = [
    "a",
    "node1",
    "192.0.2.1",
    "",
    " ",
    "\u{e9}",
    "\\u00e9",
    "\u{100}",
    "\u{1f600}",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\udc00\\ud800",
    "\\u0000",
    "\\\"",
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\u{7f}",
    "~",
    "\\u0022",
];

/// Appends a value.
pub fn value(source: &mut Source, out: &mut String, depth: usize) {
    space(source, out);
    match source.below(if depth == 0 { 8 } else { 16 }) {
        0 => out.push_str("null"),
        1 => out.push_str(source.pick(&["true", "false"])),
        2..=4 => number(source, out),
        5..=7 => string(source, out),
        8..=10 => list(source, out, depth - 1),
        11..=13 => object(source, out, depth - 1),
        14 => typed(source, out),
        _ if !source.once_in(6) => number(source, out),
        _ => {
            let levels = source.pick(&[2, 60, 127, 128, 129, 510, 511, 512, 600]);
            let (open, close) = source.pick(&[("[", "]"), ("{\"a\":", "}")]);
            out.push_str(&open.repeat(levels));
            value(source, out, 0);
            out.push_str(&close.repeat(levels));
        }
    }
    space(source, out);
}

fn space(source: &mut Source, out: &mut String) {
    if source.once_in(16) {
        out.push_str(source.pick(&[" ", "\n", "\t\r", "  "]));
    }
}

pub fn number(source: &mut Source, out: &mut String) {
    match source.below(40) {
        38 => out.push_str(&i32::from(source.byte()).to_string()),
        39 => out.push_str(&"7".repeat(source.pick(&[17, 18, 19, 20, 39, 400, 2_000]))),
        index => out.push_str(NUMBERS[index % NUMBERS.len()]),
    }
}

fn string(source: &mut Source, out: &mut String) {
    out.push('"');
    let count = source.below(5);
    for _ in 0..count {
        out.push_str(source.pick(&PIECES));
    }
    if source.once_in(12) {
        out.push_str(&"xyz01234".repeat(source.pick(&[1, 3, 40, 500])));
    }
    out.push('"');
}

fn list(source: &mut Source, out: &mut String, depth: usize) {
    out.push('[');
    let count = source.below(5);
    for index in 0..count {
        if index > 0 {
            out.push(',');
        }
        value(source, out, depth);
    }
    if count == 0 {
        space(source, out);
    }
    out.push(']');
}

fn object(source: &mut Source, out: &mut String, depth: usize) {
    out.push('{');
    let count = source.below(5);
    for index in 0..count {
        if index > 0 {
            out.push(',');
        }
        space(source, out);
        if source.once_in(3) {
            string(source, out);
        } else {
            out.push('"');
            out.push_str(source.pick(&NAMES));
            out.push('"');
        }
        space(source, out);
        out.push(':');
        value(source, out, depth);
    }
    out.push('}');
}

/// Answers of the shapes that some request types have, some of them not quite.
fn typed(source: &mut Source, out: &mut String) {
    out.push('[');
    let count = source.below(4);
    for index in 0..count {
        if index > 0 {
            out.push(',');
        }
        out.push('[');
        let minor = source.once_in(2);
        let length =
            if minor { 6 } else { 3 } - usize::from(source.once_in(8)) + usize::from(source.once_in(8));
        for place in 0..length {
            if place > 0 {
                out.push(',');
            }
            let is_number = if minor { place == 1 } else { place != 1 };
            match (source.once_in(8), is_number) {
                (true, _) => value(source, out, 1),
                (false, true) => out.push_str(source.pick(&["0", "1", "2", "-1", "4294967296", "0.0"])),
                (false, false) => string(source, out),
            }
        }
        out.push(']');
    }
    out.push(']');
}

/// Appends `text` as a JSON string, each character written in one of its ways.
pub fn push_string(source: &mut Source, out: &mut String, text: &str) {
    // Behind an input's end each character's own choice comes more seldom, since it takes time.
    let style = if source.is_beyond() && !source.once_in(8) { source.below(3) } else { source.below(4) };
    out.reserve(text.len() * 5 / 4 + 2);
    out.push('"');
    let mut rest = text;
    // What has one way only is copied in one piece.
    if style != 3 {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'/');
        rest = loop {
            let count = rest.bytes().take_while(|&byte| plain(byte)).count();
            let (run, behind) = rest.split_at(count);
            out.push_str(run);
            match behind.as_bytes().first() {
                Some(&special @ (b'"' | b'\\')) => out.extend(['\\', char::from(special)]),
                Some(b'/') => out.push_str(if style == 1 { "\\/" } else { "/" }),
                _ => break behind,
            }
            rest = &behind[1..];
        };
    }
    for character in rest.chars() {
        let whim = style == 3 && source.once_in(4);
        match character {
            '"' | '\\' if !whim => out.extend(['\\', character]),
            '\n' if !whim => out.push_str("\\n"),
            '\t' if !whim => out.push_str("\\t"),
            '\r' if !whim => out.push_str("\\r"),
            '/' if style == 1 => out.push_str("\\/"),
            '\u{8}' if style == 1 => out.push_str("\\b"),
            _ if whim || character < ' ' || (style == 2 && !character.is_ascii()) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let digits =
                        [12, 8, 4, 0].map(|bits| b"0123456789abcdef"[usize::from(*unit >> bits & 15)]);
                    out.push_str("\\u");
                    out.extend(digits.map(char::from));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
