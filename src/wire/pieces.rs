//! JSON text taken apart, one level at a time: the elements of a list, or the members of an object, as the pieces of text
//! that they are. What is in a piece is checked to be JSON and left as it is, however deep it nests.

use std::borrow::Cow;
use std::fmt;

use serde_core::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Tells `take` of each element, or of each member with its name, in their order, until it gives `false`. `None` if it
/// did, or the text is neither a list nor an object, or is no JSON.
pub(super) fn each<'a>(
    text: &'a str,
    take: &mut dyn FnMut(Option<Cow<'a, str>>, &'a str) -> bool,
) -> Option<()> {
    let text = skip_space(text);
    let (named, end) = match text.as_bytes().first()? {
        b'[' => (false, "]"),
        b'{' => (true, "}"),
        _ => return None,
    };
    let mut rest = skip_space(&text[1..]);
    let mut behind = rest.strip_prefix(end);
    while behind.is_none() {
        let mut name = None;
        if named {
            let (written, after) = value(rest)?;
            name = Some(string(written)?);
            rest = after.strip_prefix(':')?;
        }
        let (piece, after) = value(rest)?;
        if !take(name, piece) {
            return None;
        }
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => behind = Some(after.strip_prefix(end)?),
        }
    }
    behind.filter(|behind| skip_space(behind).is_empty()).map(drop)
}

/// Whether a text is one value of JSON, and no white space around it.
pub(super) fn is_value(text: &str) -> bool {
    value(text) == Some((text, ""))
}

/// The text behind what JSON takes for white space.
fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// The value that a text begins with, and what comes behind it, both without white space before them.
fn value(text: &str) -> Option<(&str, &str)> {
    let text = skip_space(text);
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let (value, behind) = text.split_at(values.byte_offset());
    Some((value, skip_space(behind)))
}

/// What a string of well-formed JSON text stands for, borrowed where it has no escapes; `None` if it is none, or holds
/// half of a surrogate pair.
pub(super) fn string(text: &str) -> Option<Cow<'_, str>> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inside.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::Deserializer::from_str(text).deserialize_any(Unescaped).ok()?.map(Cow::Owned)
}

/// Takes what is a string, and nothing else. It has a word for every kind of value, as `serde_json` would bring a
/// kilobyte of words for each that it has none for.
struct Unescaped;

impl<'de> Visitor<'de> for Unescaped {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Option<Vec<(Option<String>, &str)>> {
        let mut pieces = Vec::new();
        each(text, &mut |name, piece| {
            pieces.push((name.map(Cow::into_owned), piece));
            true
        })?;
        Some(pieces)
    }

    #[test]
    fn elements_and_members_are_the_text_that_they_are() {
        assert_eq!(pieces(" [ ] \n"), Some(Vec::new()));
        assert_eq!(pieces("{}"), Some(Vec::new()));
        let text = r#" [1 ,"a,]\"" , [ 2,[]],-1e5,{"b":[]},null,true ] "#;
        let wanted = ["1", r#""a,]\"""#, "[ 2,[]]", "-1e5", r#"{"b":[]}"#, "null", "true"];
        assert_eq!(pieces(text).unwrap(), wanted.map(|piece| (None, piece)));
        let text = r#"{"a":1,"\u0062\n" : "é" ,"a":[2]}"#;
        let wanted = [("a", "1"), ("b\n", "\"é\""), ("a", "[2]")];
        assert_eq!(pieces(text).unwrap(), wanted.map(|(name, piece)| (Some(name.to_owned()), piece)));
    }

    #[test]
    fn what_is_neither_list_nor_object_nor_json_is_none() {
        for text in [
            "",
            " ",
            "1",
            "\"[]\"",
            "null",
            "[",
            "{",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1]2",
            "[]]",
            "[1}",
            "{\"a\":1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\" 1}",
            "{1:2}",
            "{\"a\":1,}",
            "{\"\\ud800\":1}",
            "[01]",
            "[\"\n\"]",
            "[tru]",
            "[1.]",
            "[\u{a0}]",
            "[\u{c}]",
            "\u{c}[]",
            "[]\u{c}",
            "{[]:1}",
            "[\"\\x\"]",
        ] {
            assert_eq!(pieces(text), None, "{text}");
        }
    }

    #[test]
    fn whoever_has_enough_is_told_no_more() {
        let mut told = 0;
        let mut take = |_: Option<Cow<str>>, _: &str| {
            told += 1;
            told < 2
        };
        assert_eq!((each("[1,2,3]", &mut take), told), (None, 2));
    }

    #[test]
    fn it_agrees_with_serde_on_every_text_of_a_few_characters() {
        const CHARACTERS: [char; 9] = ['[', ']', '{', '}', '"', ':', ',', '1', ' '];
        for number in 0..9u32.pow(6) {
            let text: String =
                (0..6).map(|place| CHARACTERS[(number / 9u32.pow(place) % 9) as usize]).collect();
            let known: Option<usize> = match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(serde_json::Value::Array(list)) => Some(list.len()),
                // Members with one name are one for it.
                Ok(serde_json::Value::Object(map)) => Some(map.len()),
                _ => None,
            };
            let found = pieces(&text).map(|mut pieces| {
                pieces.dedup_by(|one, other| one.0.is_some() && one.0 == other.0);
                pieces.len()
            });
            assert_eq!(found, known, "{text}");
        }
    }

    #[test]
    fn a_string_is_read_with_its_escapes() {
        assert!(matches!(string("\"é\""), Some(Cow::Borrowed("é"))));
        assert_eq!(string(r#""\ud83d\ude00\/\n""#).as_deref(), Some("\u{1f600}/\n"));
        for text in ["1", "null", "true", "[\"a\\n\"]", "{\"a\\n\":1}", "\"", r#""\ud800""#, "1.5", "-1"] {
            assert_eq!(string(text), None, "{text}");
        }
    }
}
