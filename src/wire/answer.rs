//! An answer: JSON text, taken apart only where and when somebody looks. Each container is split once, so that a
//! list is read element by element in one pass, and what was handed out stays as long as the answer does.

use std::ffi::{CStr, CString};
use std::fmt;
use std::sync::OnceLock;

use crate::error::{Code, Error, Result};
use crate::wire::kept::Kept;
use crate::wire::pieces;

/// How deep a pointer may lead: what was taken apart is a tree, and is released level by level.
const MAX_DEPTH: usize = 512;

/// The answer of a reply. Any number of threads may read it at once.
pub struct Answer {
    text: Kept,
    /// Most answers are never taken apart.
    root: OnceLock<Box<Node>>,
}

/// A value in an answer.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    answer: &'a Answer,
    node: &'a Node,
}

/// The kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// Any number.
    Number,
    /// A string.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// Where a value stands in the text, and what was made of it so far.
#[derive(Default)]
struct Node {
    start: usize,
    end: usize,
    name: Option<Box<str>>,
    parts: OnceLock<Box<Parts>>,
}

#[derive(Default)]
struct Parts {
    children: OnceLock<Option<Box<[Node]>>>,
    string: OnceLock<Option<CString>>,
    json: OnceLock<CString>,
    name: OnceLock<Option<CString>>,
}

impl Answer {
    /// An answer of well-formed JSON text.
    pub fn new(json: &str) -> Self {
        Answer { text: Kept::new(json), root: OnceLock::new() }
    }

    /// The whole as JSON text.
    #[inline]
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// The same as bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The same with its NUL.
    pub fn as_c_str(&self) -> &CStr {
        self.text.as_c_str()
    }

    /// The value at an RFC 6901 JSON pointer, "" being the whole.
    pub fn find(&self, pointer: &str) -> Result<Value<'_>> {
        let root = self.root.get_or_init(|| Box::new(Node { end: self.text().len(), ..Node::default() }));
        let mut value = Value { answer: self, node: root };
        for token in tokens(pointer)? {
            value = value.child(&token).ok_or_else(|| {
                Error::with(Code::NotFound, format_args!("the answer has nothing at {pointer:?}"))
            })?;
        }
        Ok(value)
    }
}

impl<'a> Value<'a> {
    /// What kind of value it is.
    pub fn kind(self) -> Kind {
        match self.text().bytes().next() {
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The value as JSON text, as it was sent.
    pub fn text(self) -> &'a str {
        &self.answer.text()[self.node.start..self.node.end]
    }

    /// The same with a NUL.
    pub fn json(self) -> &'a CStr {
        if self.text().len() == self.answer.text().len() {
            return self.answer.as_c_str();
        }
        self.parts().json.get_or_init(|| CString::new(self.text()).unwrap_or_default())
    }

    /// A string. One that holds U+0000, or half of a surrogate pair, cannot be given as text.
    pub fn string(self) -> Result<&'a CStr> {
        if self.kind() != Kind::String {
            return Err(self.mistyped("a string"));
        }
        let string = self
            .parts()
            .string
            .get_or_init(|| pieces::string(self.text()).and_then(|text| CString::new(&*text).ok()));
        string.as_deref().ok_or_else(|| {
            Error::new(Code::WrongType, "the string holds U+0000 or no Unicode: read it as JSON text")
        })
    }

    /// An integer that fits 64 bits with a sign.
    pub fn int(self) -> Result<i64> {
        if self.kind() != Kind::Number {
            return Err(self.mistyped("an integer"));
        }
        self.text().parse().map_err(|_| {
            Error::with(Code::WrongType, format_args!("{} is not an integer of 64 bits", self.excerpt()))
        })
    }

    /// Any number that fits a double; `read` gives the one that is nearest to a number's text, however many digits that has.
    pub fn double(self, read: fn(&CStr) -> f64) -> Result<f64> {
        if self.kind() != Kind::Number {
            return Err(self.mistyped("a number"));
        }
        // A text of its own for the time of the call: of a list of numbers none is kept.
        match read(&CString::new(self.text()).unwrap_or_default()) {
            number if number.is_finite() => Ok(number),
            _ => Err(Error::with(Code::WrongType, format_args!("{} does not fit a double", self.excerpt()))),
        }
    }

    /// A boolean.
    pub fn bool(self) -> Result<bool> {
        match self.text() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.mistyped("a boolean")),
        }
    }

    /// How many elements a list has, or members an object.
    pub fn count(self) -> Result<usize> {
        self.children().map(<[Node]>::len).ok_or_else(|| self.mistyped("a list or an object"))
    }

    /// An element of a list.
    pub fn element(self, index: usize) -> Result<Value<'a>> {
        let list =
            self.children().filter(|_| self.kind() == Kind::Array).ok_or_else(|| self.mistyped("a list"))?;
        match list.get(index) {
            Some(node) => Ok(Value { node, ..self }),
            None => Err(Error::with(
                Code::NotFound,
                format_args!("the list has {} elements, and none is number {index}", list.len()),
            )),
        }
    }

    /// An element of a list that is to have it: a shorter one is none of the wanted shape.
    pub fn part(self, index: usize) -> Result<Value<'a>> {
        self.element(index).map_err(|error| Error::new(Code::WrongType, error.detail().to_owned()))
    }

    /// The name of an object's member, in the order in which they were sent.
    pub fn key(self, index: usize) -> Result<&'a CStr> {
        let members = self
            .children()
            .filter(|_| self.kind() == Kind::Object)
            .ok_or_else(|| self.mistyped("an object"))?;
        let Some(member) = members.get(index) else {
            return Err(Error::with(
                Code::NotFound,
                format_args!("the object has {} members, and none is number {index}", members.len()),
            ));
        };
        let name =
            member.parts().name.get_or_init(|| CString::new(member.name.as_deref().unwrap_or("")).ok());
        name.as_deref().ok_or_else(|| Error::new(Code::WrongType, "the member's name holds U+0000"))
    }

    fn child(self, token: &str) -> Option<Value<'a>> {
        let children = self.children()?;
        let node = if self.kind() == Kind::Array {
            children.get(list_index(token)?)
        } else {
            // Of members with one name the last counts, as in the servers' own readers.
            children.iter().rev().find(|member| member.name.as_deref() == Some(token))
        };
        node.map(|node| Value { node, ..self })
    }

    /// `None` if this is neither a list nor an object.
    fn children(self) -> Option<&'a [Node]> {
        if !matches!(self.kind(), Kind::Array | Kind::Object) {
            return None;
        }
        self.parts().children.get_or_init(|| split(self.text(), self.node.start)).as_deref()
    }

    fn parts(self) -> &'a Parts {
        self.node.parts()
    }

    fn mistyped(self, wanted: &str) -> Error {
        let found = match self.kind() {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "a list",
            Kind::Object => "an object",
        };
        Error::with(Code::WrongType, format_args!("the value is {found}, not {wanted}"))
    }

    /// The beginning of a number, which may have thousands of digits.
    fn excerpt(self) -> String {
        let text = self.text();
        if text.len() > 40 { format!("{}…", &text[..40]) } else { text.to_owned() }
    }
}

impl Node {
    fn parts(&self) -> &Parts {
        self.parts.get_or_init(Box::default)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The index that a token means in a list: digits, and no zero before others.
fn list_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with('0');
    if canonical && token.bytes().all(|byte| byte.is_ascii_digit()) { token.parse().ok() } else { None }
}

/// The tokens of a pointer, unescaped.
fn tokens(pointer: &str) -> Result<impl Iterator<Item = String>> {
    let malformed = |what: &str| {
        Error::with(Code::InvalidArgument, format_args!("{pointer:?} is not a JSON pointer: {what}"))
    };
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(malformed("it does not begin with /"));
    }
    // A malformed escape is an error wherever it stands, also behind a place that does not exist.
    let escapes = pointer.split('~').skip(1);
    if escapes.into_iter().any(|rest| !rest.starts_with(['0', '1'])) {
        return Err(malformed("~ is not followed by 0 or 1"));
    }
    if pointer.split('/').count() > MAX_DEPTH {
        return Err(Error::with(
            Code::NotFound,
            format_args!("nothing is looked for deeper than {MAX_DEPTH} levels"),
        ));
    }
    Ok(pointer.split('/').skip(1).map(unescaped))
}

/// A token whose escapes, each well-formed, are undone.
fn unescaped(token: &str) -> String {
    let mut parts = token.split('~');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push(if part.starts_with('1') { '/' } else { '~' });
        plain.push_str(part.get(1..).unwrap_or_default());
    }
    plain
}

/// The elements of a list or the members of an object, given as text that stands at `base`.
fn split(text: &str, base: usize) -> Option<Box<[Node]>> {
    let mut nodes = Vec::new();
    pieces::each(text, &mut |name, piece| {
        // The piece is one of the text itself, so the distance of their beginnings is its place.
        let start = base + (piece.as_ptr() as usize - text.as_ptr() as usize);
        nodes.push(Node { start, end: start + piece.len(), name: name.map(Box::from), ..Node::default() });
        true
    })?;
    Some(nodes.into_boxed_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T>) -> Option<Code> {
        result.err().map(|error| error.code())
    }

    fn parse(number: &CStr) -> f64 {
        number.to_str().unwrap().parse().unwrap()
    }

    const TEXT: &str = r#"{ "a" : [1, "two\n", true, null, 1.5e9, {"x~/y": "deep"}], "b": "\u0000", "": -0,
        "big": 9223372036854775808, "huge": 1e999, "a": [-9223372036854775808] , "half": "\ud800", "\u0000": 1 }"#;

    #[test]
    fn values_are_found_by_pointer_and_read_by_type() {
        let answer = Answer::new(&TEXT.replace(r#""a": [-"#, r#""c": [-"#));
        let at = |pointer: &str| answer.find(pointer).unwrap();
        assert_eq!(at("/a/0").int().unwrap(), 1);
        assert_eq!(at("/a/1").string().unwrap(), c"two\n");
        assert!(at("/a/2").bool().unwrap());
        assert_eq!(at("/a/4").double(parse).unwrap(), 1.5e9);
        assert_eq!(at("/a/4").json(), c"1.5e9");
        assert_eq!(at("/a/5/x~0~1y").string().unwrap(), c"deep");
        assert_eq!(at("/").int().unwrap(), 0);
        assert_eq!(at("/c/0").int().unwrap(), i64::MIN);
        assert_eq!((at("").count().unwrap(), at("/a").count().unwrap()), (8, 6));
        assert_eq!(at("").key(0).unwrap(), c"a");
        assert_eq!(at("/a/5").json(), c"{\"x~/y\": \"deep\"}");
        assert_eq!(at("").json(), answer.as_c_str());
        assert_eq!(at("/a/1").string().unwrap().as_ptr(), at("/a/1").string().unwrap().as_ptr(), "made once");
    }

    #[test]
    fn of_members_with_one_name_the_last_counts() {
        let answer = Answer::new(TEXT);
        assert_eq!(answer.find("/a").unwrap().text(), "[-9223372036854775808]");
        assert_eq!(answer.find("").unwrap().count().unwrap(), 8, "both are counted");
    }

    #[test]
    fn wrong_types_missing_places_and_malformed_pointers_are_told_apart() {
        let answer = Answer::new(TEXT);
        let at = |pointer: &str| answer.find(pointer).unwrap();
        assert_eq!(code(at("/b").string()), Some(Code::WrongType), "U+0000");
        assert_eq!(code(at("/half").string()), Some(Code::WrongType));
        assert_eq!(at("/half").json(), c"\"\\ud800\"");
        assert_eq!(code(at("").key(7)), Some(Code::WrongType), "a name with U+0000");
        assert_eq!(code(at("/big").int()), Some(Code::WrongType));
        assert_eq!(at("/big").double(parse).unwrap(), 9223372036854775808.0);
        assert_eq!(code(at("/huge").double(parse)), Some(Code::WrongType));
        assert_eq!(at("/b").int().unwrap_err().detail(), "the value is a string, not an integer");
        assert_eq!(code(at("/b").count()), Some(Code::WrongType));
        assert_eq!(code(at("/a").key(0)), Some(Code::WrongType));
        assert_eq!(code(at("").key(8)), Some(Code::NotFound));
        assert_eq!(at("/a").element(0).unwrap().int().unwrap(), i64::MIN);
        assert_eq!(code(at("/a").element(1)), Some(Code::NotFound));
        assert_eq!(
            (code(at("/a").part(1)), code(at("").element(0))),
            (Some(Code::WrongType), Some(Code::WrongType))
        );
        for missing in ["/c", "/a/1", "/a/00", "/a/-", "/a/+0", "/a/", "/b/0", "/a/18446744073709551616"] {
            assert_eq!(code(answer.find(missing)), Some(Code::NotFound), "{missing}");
        }
        for malformed in ["a", "/~", "/~2", "/nowhere/~x", "#/a"] {
            assert_eq!(code(answer.find(malformed)), Some(Code::InvalidArgument), "{malformed}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_named() {
        for (json, kind, words) in [
            ("null", Kind::Null, "null"),
            ("true", Kind::Bool, "a boolean"),
            ("false", Kind::Bool, "a boolean"),
            ("-1.5", Kind::Number, "a number"),
            ("\"true\"", Kind::String, "a string"),
            ("[]", Kind::Array, "a list"),
            ("{}", Kind::Object, "an object"),
        ] {
            let answer = Answer::new(json);
            let value = answer.find("").unwrap();
            assert_eq!((value.kind(), format!("{answer:?}")), (kind, json.to_owned()));
            let tried = [
                (Kind::String, value.string().map(drop), "a string"),
                (Kind::Number, value.double(parse).map(drop), "a number"),
                (Kind::Bool, value.bool().map(drop), "a boolean"),
                (Kind::Array, value.element(0).map(drop), "a list"),
                (Kind::Object, value.key(0).map(drop), "an object"),
            ];
            for (wanted, result, wanted_words) in tried {
                let detail = format!("the value is {words}, not {wanted_words}");
                let is_it = result.as_ref().err().is_some_and(|error| error.detail() == detail);
                assert_eq!(is_it, wanted != kind, "{json} as {wanted_words}: {result:?}");
            }
            let has_children = matches!(kind, Kind::Array | Kind::Object);
            assert_eq!(value.count().ok(), has_children.then_some(0), "{json}");
        }
    }

    #[test]
    fn booleans_are_true_and_false() {
        let read = |json: &str| Answer::new(json).find("").unwrap().bool().ok();
        assert_eq!(["true", "false", "0"].map(read), [Some(true), Some(false), None]);
    }

    #[test]
    fn of_a_long_number_the_beginning_is_shown() {
        let detail = |digits: usize| {
            let answer = Answer::new(&"1".repeat(digits));
            answer.find("").unwrap().int().unwrap_err().detail().to_owned()
        };
        assert_eq!(detail(40), format!("{} is not an integer of 64 bits", "1".repeat(40)));
        assert_eq!(detail(41), format!("{}… is not an integer of 64 bits", "1".repeat(40)));
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = 30_000;
        let answer = Answer::new(&format!("{}1{}", "[".repeat(deep), "]".repeat(deep)));
        assert_eq!(answer.find(&"/0".repeat(MAX_DEPTH - 1)).unwrap().count().unwrap(), 1);
        assert_eq!(code(answer.find(&"/0".repeat(MAX_DEPTH))), Some(Code::NotFound));
    }
}
