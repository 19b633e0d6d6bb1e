//! Whether two answers are the same JSON value, told by a number each: the order of an object's members, white
//! space and escapes do not change it. So an outstanding request remembers what it was answered in eight bytes.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::Hasher;

use serde_core::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::wire::reply::decimal;

/// The fingerprint of a JSON value. Text that nests deeper than 128 levels is taken by its bytes.
pub fn fingerprint(json: &[u8]) -> u64 {
    if let Some(number) = decimal(json) {
        return integer(i128::from(number));
    }
    let value = std::str::from_utf8(json).ok().and_then(|json| read(json).ok());
    value.unwrap_or_else(|| hash(b'x', json))
}

/// Reads JSON text to its end, with every string and number in it.
pub(super) fn read(json: &str) -> serde_json::Result<u64> {
    let mut parser = serde_json::Deserializer::from_str(json);
    let value = Fingerprint.deserialize(&mut parser)?;
    parser.end()?;
    Ok(value)
}

/// A kind beside the value, so that `1`, `"1"` and `[1]` differ.
pub fn hash(kind: u8, value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(kind);
    hasher.write(value);
    hasher.finish()
}

/// The same of two fingerprints.
fn both(kind: u8, first: u64, second: u64) -> u64 {
    hash(kind, [first.to_le_bytes(), second.to_le_bytes()].as_flattened())
}

/// That of an integer, as most pings are answered with: itself where it is not negative and fits 64 bits.
fn integer(value: i128) -> u64 {
    u64::try_from(value).unwrap_or_else(|_| hash(b'i', &value.to_le_bytes()))
}

struct Fingerprint;

impl<'de> DeserializeSeed<'de> for Fingerprint {
    type Value = u64;

    fn deserialize<D: serde_core::Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fingerprint {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(hash(b'n', &[]))
    }

    fn visit_bool<E>(self, value: bool) -> Result<u64, E> {
        Ok(hash(b'b', &[u8::from(value)]))
    }

    fn visit_i64<E>(self, value: i64) -> Result<u64, E> {
        Ok(integer(i128::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<u64, E> {
        Ok(integer(i128::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<u64, E> {
        // 1.0 and 1 are one number of JSON.
        if value.fract() == 0.0 && value.abs() < 1e18 {
            return Ok(integer(value as i128));
        }
        Ok(hash(b'f', &value.to_bits().to_le_bytes()))
    }

    fn visit_str<E>(self, value: &str) -> Result<u64, E> {
        Ok(hash(b's', value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<u64, A::Error> {
        let mut all = hash(b'a', &[]);
        while let Some(element) = list.next_element_seed(Fingerprint)? {
            all = both(b'e', all, element);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        let mut all = hash(b'o', &[]);
        while let Some(name) = map.next_key_seed(Fingerprint)? {
            let value = map.next_value_seed(Fingerprint)?;
            all = all.wrapping_add(both(b'm', name, value));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::fingerprint as of_bytes;

    fn fingerprint(json: &str) -> u64 {
        of_bytes(json.as_bytes())
    }

    #[test]
    fn equal_values_have_one_fingerprint() {
        for (left, right) in [
            ("1", " 1.0 "),
            ("\"\u{e9}\"", "\"\\u00e9\""),
            ("{\"a\":1,\"b\":[2]}", "{\"b\": [2], \"a\": 1}"),
            ("0", "-0.0"),
            ("3000000", " 3e6"),
            ("[7]", "[7.0]"),
            ("[-7]", "[-7.0]"),
            ("900000000000000000", "9e17"),
            ("-900000000000000000", "-9e17"),
        ] {
            assert_eq!(fingerprint(left), fingerprint(right), "{left} {right}");
        }
    }

    #[test]
    fn different_values_have_different_ones() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let all = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "1.5",
            "1.25",
            "-2",
            // A double of this size is no longer apart from its neighbours.
            "1e18",
            "1000000000000000000",
            "1e300",
            "\"\"",
            "\"1\"",
            "[]",
            "[1]",
            "[[1]]",
            "[1,2]",
            "[2,1]",
            "{}",
            "{\"a\":1}",
            "{\"a\":2}",
            "{\"b\":1}",
            "{\"1\":\"a\"}",
            "18446744073709551615",
            &deep,
        ];
        let mut seen = std::collections::HashSet::new();
        for json in all {
            assert!(seen.insert(fingerprint(json)), "{json}");
        }
    }
}
