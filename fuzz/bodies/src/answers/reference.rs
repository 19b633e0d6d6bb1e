//! What an answer holds, found by reading it anew for each step.

use serde_json::value::RawValue;

use crate::api::{NOT_FOUND, WRONG_TYPE};
use crate::wire::Members;

/// A value, by its text.
pub struct Node<'a>(pub &'a str);

/// What a pointer leads to.
pub enum Found<'a> {
    Node(Node<'a>),
    Nothing,
    Malformed,
}

/// The most tokens that a pointer may have to find anything.
const MOST: usize = 511;

pub fn find<'a>(text: &'a str, pointer: &str) -> Found<'a> {
    let mut tokens = pointer.split('/');
    if tokens.next() != Some("") {
        return Found::Malformed;
    }
    let tokens: Option<Vec<String>> = tokens.map(unescaped).collect();
    let Some(tokens) = tokens else { return Found::Malformed };
    if tokens.len() > MOST {
        return Found::Nothing;
    }
    let mut node = Node(text);
    for token in tokens {
        match node.child(&token) {
            Some(child) => node = child,
            None => return Found::Nothing,
        }
    }
    Found::Node(node)
}

/// `~0` is a tilde and `~1` a slash; any other tilde is an error.
fn unescaped(token: &str) -> Option<String> {
    let mut out = String::new();
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}

impl<'a> Node<'a> {
    /// A `CONFD_JSON_` number.
    pub fn kind(&self) -> i32 {
        match self.0.as_bytes()[0] {
            b'n' => 0,
            b't' | b'f' => 1,
            b'"' => 3,
            b'[' => 4,
            b'{' => 5,
            _ => 2,
        }
    }

    /// Elements by their numbers, members by their names, in their order; `None` if it can have neither.
    pub fn children(&self) -> Option<Vec<(String, Node<'a>)>> {
        let node = |raw: &'a RawValue| Node(raw.get());
        match self.kind() {
            4 => {
                let list: Vec<&'a RawValue> = serde_json::from_str(self.0).ok()?;
                Some(
                    list.into_iter().enumerate().map(|(index, raw)| (index.to_string(), node(raw))).collect(),
                )
            }
            5 => Some(Members::of(self.0)?.0.into_iter().map(|(name, raw)| (name, node(raw))).collect()),
            _ => None,
        }
    }

    /// Of members with one name the last counts.
    fn child(&self, token: &str) -> Option<Node<'a>> {
        self.children()?.into_iter().rev().find(|(name, _)| name == token).map(|(_, node)| node)
    }

    pub fn string(&self) -> Result<String, i32> {
        let text: String = serde_json::from_str(self.0).map_err(|_| WRONG_TYPE)?;
        if text.contains('\0') { Err(WRONG_TYPE) } else { Ok(text) }
    }

    pub fn int(&self) -> Result<i64, i32> {
        match self.0 {
            "-0" => Ok(0),
            text => serde_json::from_str(text).map_err(|_| WRONG_TYPE),
        }
    }

    pub fn bool(&self) -> Result<bool, i32> {
        serde_json::from_str(self.0).map_err(|_| WRONG_TYPE)
    }

    pub fn double(&self) -> Result<f64, i32> {
        let number = self.0.parse::<f64>().ok().filter(|number| self.kind() == 2 && number.is_finite());
        number.ok_or(WRONG_TYPE)
    }

    pub fn key(&self, index: usize) -> Result<String, i32> {
        let children = self.children().filter(|_| self.kind() == 5).ok_or(WRONG_TYPE)?;
        let name = children.get(index).map(|(name, _)| name.clone()).ok_or(NOT_FOUND)?;
        if name.contains('\0') { Err(WRONG_TYPE) } else { Ok(name) }
    }

    /// The elements of a list.
    fn list(&self) -> Result<Vec<Node<'a>>, i32> {
        let children = self.children().filter(|_| self.kind() == 4).ok_or(WRONG_TYPE)?;
        Ok(children.into_iter().map(|(_, node)| node).collect())
    }

    /// The places of the element with this number.
    fn element(&self, index: usize) -> Result<Vec<Node<'a>>, i32> {
        self.list()?.into_iter().nth(index).ok_or(NOT_FOUND)?.list()
    }
}

pub fn node_ip(text: &str, index: usize) -> Result<(i32, Option<String>), i32> {
    let element = Node(text).element(index)?;
    let status = element.first().ok_or(WRONG_TYPE)?.int()?;
    let status = i32::try_from(status).map_err(|_| WRONG_TYPE)?;
    let ip = if status == 0 { Some(element.get(1).ok_or(WRONG_TYPE)?.string()?) } else { None };
    Ok((status, ip))
}

pub fn drbd_minor(text: &str, index: usize) -> Result<([String; 5], i64), i32> {
    let element = Node(text).element(index)?;
    let place = |index: usize| element.get(index).ok_or(WRONG_TYPE);
    let texts = [
        place(0)?.string()?,
        place(2)?.string()?,
        place(3)?.string()?,
        place(4)?.string()?,
        place(5)?.string()?,
    ];
    Ok((texts, place(1)?.int()?))
}
