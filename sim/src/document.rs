//! Reading a JSON document so that every complaint names the place and what is allowed there.

use serde_json::Value;
use std::fmt;

/// Why a configuration was not accepted: file, member, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(text: impl Into<String>) -> ConfigError {
        ConfigError(text.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// A value and how it is reached.
pub(crate) struct Place<'a> {
    pub value: &'a Value,
    path: String,
}

impl<'a> Place<'a> {
    pub fn new(value: &'a Value, path: impl Into<String>) -> Place<'a> {
        Place { value, path: path.into() }
    }

    pub fn fail(&self, expected: &str) -> ConfigError {
        let mut found = self.value.to_string();
        if found.chars().count() > 60 {
            found = found.chars().take(57).chain("...".chars()).collect();
        }
        ConfigError(format!("{}: expected {expected}, found {found}", self.path))
    }

    /// An object that has no other members than these.
    pub fn object(&self, allowed: &[&str]) -> Result<Members<'a, '_>, ConfigError> {
        let Value::Object(members) = self.value else { return Err(self.fail("an object")) };
        if let Some(foreign) = members.keys().find(|name| !allowed.contains(&name.as_str())) {
            let allowed = allowed.join(", ");
            let path = self.path.trim_end_matches(": ");
            return Err(ConfigError(format!("{path}: no member {foreign:?} here; allowed: {allowed}")));
        }
        Ok(Members { place: self.value, path: &self.path })
    }

    pub fn list(&self) -> Result<Vec<Place<'a>>, ConfigError> {
        let Value::Array(list) = self.value else { return Err(self.fail("a list")) };
        let item = |(at, value)| Place { value, path: format!("{}[{at}]", self.path) };
        Ok(list.iter().enumerate().map(item).collect())
    }

    pub fn text(&self) -> Result<&'a str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.fail("a string"))
    }

    pub fn whole(&self) -> Result<u64, ConfigError> {
        self.value.as_u64().ok_or_else(|| self.fail("a whole number"))
    }

    pub fn yes(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.fail("true or false"))
    }

    pub fn parse<T: std::str::FromStr>(&self, expected: &str) -> Result<T, ConfigError> {
        self.text()?.parse().map_err(|_| self.fail(expected))
    }

    pub fn one_of(&self, allowed: &[&'static str]) -> Result<&'static str, ConfigError> {
        let text = self.text()?;
        let found = allowed.iter().find(|&&name| name == text).copied();
        found.ok_or_else(|| self.fail(&format!("one of {}", allowed.join(", "))))
    }
}

/// The members of an object whose names were checked.
pub(crate) struct Members<'a, 'p> {
    place: &'a Value,
    path: &'p str,
}

impl<'a> Members<'a, '_> {
    pub fn get(&self, name: &str) -> Option<Place<'a>> {
        self.place.get(name).map(|value| Place { value, path: self.path_to(name) })
    }

    pub fn path_to(&self, name: &str) -> String {
        let dot = if self.path.ends_with(": ") { "" } else { "." };
        format!("{}{dot}{name}", self.path)
    }

    pub fn need(&self, name: &str) -> Result<Place<'a>, ConfigError> {
        let path = self.path.trim_end_matches(": ");
        self.get(name).ok_or_else(|| ConfigError(format!("{path}: the member {name:?} is missing")))
    }

    /// A list; none is an empty one.
    pub fn list(&self, name: &str) -> Result<Vec<Place<'a>>, ConfigError> {
        self.get(name).map_or(Ok(Vec::new()), |place| place.list())
    }

    /// A string, or what stands in for it.
    pub fn text_or(&self, name: &str, default: &str) -> Result<String, ConfigError> {
        self.get(name).map_or(Ok(default.to_string()), |place| place.text().map(str::to_string))
    }

    pub fn whole_or(&self, name: &str, default: u64) -> Result<u64, ConfigError> {
        self.get(name).map_or(Ok(default), |place| place.whole())
    }
}

/// RFC 7396: `patch` laid over `target`; a null removes.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Default::default());
    }
    let object = target.as_object_mut().expect("made an object above");
    for (name, value) in members {
        if value.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name).or_insert(Value::Null), value);
        }
    }
}
