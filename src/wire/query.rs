//! What a request asks: its type, and the query that belongs to it.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::wire::{fingerprint, text};

/// The request types of the protocol; the discriminants are its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RequestType {
    /// Is the daemon there? Answered with its configuration's version.
    Ping = 0,
    /// The role of a node, by its name.
    NodeRoleByName = 1,
    /// The primary IP address of the node that runs the instance with this IP address.
    NodePipByInstanceIp = 2,
    /// Who is the master.
    ClusterMaster = 3,
    /// The primary IP addresses of all nodes.
    NodePipList = 4,
    /// The primary IP addresses of the master candidates.
    McPipList = 5,
    /// The IP addresses of the instances, of one link or of all.
    InstancesIpsList = 6,
    /// The DRBD minors of a node.
    NodeDrbd = 7,
    /// The instances of a node, primary and secondary.
    NodeInstances = 8,
    /// The disks of an instance.
    InstanceDisks = 9,
    /// Any part of the configuration, by an RFC 6901 JSON pointer.
    ConfigQuery = 10,
    /// The data collectors of the monitoring daemon, and whether they are active.
    DataCollectors = 11,
}

impl RequestType {
    const ALL: [RequestType; 12] = [
        RequestType::Ping,
        RequestType::NodeRoleByName,
        RequestType::NodePipByInstanceIp,
        RequestType::ClusterMaster,
        RequestType::NodePipList,
        RequestType::McPipList,
        RequestType::InstancesIpsList,
        RequestType::NodeDrbd,
        RequestType::NodeInstances,
        RequestType::InstanceDisks,
        RequestType::ConfigQuery,
        RequestType::DataCollectors,
    ];

    /// The type with this number. A server drops a request of an unknown type without a word, so there is none.
    pub fn from_number(number: i32) -> Result<Self> {
        usize::try_from(number).ok().and_then(|index| Self::ALL.get(index).copied()).ok_or_else(|| {
            Error::with(Code::RequestType, format_args!("request type {number} is not one of 0 to 11"))
        })
    }
}

/// The fields that a [`RequestType::ClusterMaster`] request can ask for.
pub const FIELDS: std::ops::RangeInclusive<i32> = 0..=2;

/// The query of a request: JSON text in ASCII, `null` where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query(Option<Arc<CStr>>);

impl Query {
    /// No query.
    pub const NONE: Query = Query(None);

    /// A query that is one string: a name, a link, a pointer.
    pub fn text(text: &str) -> Self {
        let mut out = Vec::with_capacity(text.len() + 2);
        text::push_string(&mut out, text);
        Self::of_ascii(out)
    }

    /// One instance IP address, on a link or on any.
    pub fn ip(ip: &str, link: Option<&str>) -> Self {
        let mut out = b"{\"1\": ".to_vec();
        text::push_string(&mut out, ip);
        Self::with_link(out, link)
    }

    /// Several instance IP addresses, answered together and in order.
    pub fn ips(ips: &[&str], link: Option<&str>) -> Self {
        let mut out = b"{\"2\": [".to_vec();
        for (index, ip) in ips.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            text::push_string(&mut out, ip);
        }
        out.push(b']');
        Self::with_link(out, link)
    }

    /// Fields of the cluster master, answered in this order. They leave as integers: the server drops strings.
    pub fn fields(fields: &[i32]) -> Result<Self> {
        let mut list = String::from("{\"3\": [");
        for (index, field) in fields.iter().enumerate() {
            if !FIELDS.contains(field) {
                return Err(Error::with(
                    Code::InvalidArgument,
                    format_args!("field {} is {field}, not one of 0 to 2", index + 1),
                ));
            }
            let comma = if index > 0 { ", " } else { "" };
            list.push_str(&format!("{comma}{field}"));
        }
        list.push_str("]}");
        Ok(Self::of_ascii(list.into_bytes()))
    }

    /// A query given as JSON text: `null`, a string or an object, the shapes that the protocol knows.
    pub fn json(json: &str) -> Result<Self> {
        let refuse = |detail: String| Error::new(Code::InvalidArgument, detail);
        fingerprint::read(json).map_err(|error| refuse(format!("the query is not JSON: {error}")))?;
        let json = json.trim_ascii();
        match json.as_bytes() {
            b"null" => Ok(Query::NONE),
            [b'"' | b'{', ..] => Ok(Self::of_ascii(text::json_in_ascii(json).into_bytes())),
            _ => Err(refuse("the query is not null, a string or an object".to_owned())),
        }
    }

    /// The query as JSON text in ASCII.
    pub fn as_c_str(&self) -> &CStr {
        self.0.as_deref().unwrap_or(c"null")
    }

    fn with_link(mut out: Vec<u8>, link: Option<&str>) -> Self {
        if let Some(link) = link {
            out.extend_from_slice(b", \"0\": ");
            text::push_string(&mut out, link);
        }
        out.push(b'}');
        Self::of_ascii(out)
    }

    // The text is made here or has been read as JSON, which has no NUL outside its escapes.
    fn of_ascii(text: Vec<u8>) -> Self {
        Query(CString::new(text).ok().map(Arc::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: Query) -> String {
        query.as_c_str().to_str().unwrap().to_owned()
    }

    #[test]
    fn every_form_is_the_json_that_the_server_reads() {
        assert_eq!(shown(Query::NONE), "null");
        assert_eq!(shown(Query::text("n\u{e9}")), r#""n\u00e9""#);
        assert_eq!(shown(Query::ip("10.0.0.1", None)), r#"{"1": "10.0.0.1"}"#);
        assert_eq!(shown(Query::ip("10.0.0.1", Some("br0"))), r#"{"1": "10.0.0.1", "0": "br0"}"#);
        assert_eq!(shown(Query::ips(&[], None)), r#"{"2": []}"#);
        assert_eq!(shown(Query::ips(&["a", "b"], Some("l"))), r#"{"2": ["a", "b"], "0": "l"}"#);
        assert_eq!(shown(Query::fields(&[0, 2]).unwrap()), r#"{"3": [0, 2]}"#);
        assert_eq!(shown(Query::json(" {\"1\": \"\u{e9}\"}\n").unwrap()), r#"{"1": "\u00e9"}"#);
        assert_eq!(shown(Query::json("null").unwrap()), "null");
    }

    #[test]
    fn what_the_server_would_drop_is_refused() {
        for json in ["", "1", "[]", "true", "{", "\"a\" b", "\"\\ud800\""] {
            assert_eq!(Query::json(json).unwrap_err().code(), Code::InvalidArgument, "{json}");
        }
        assert_eq!(Query::fields(&[0, 3]).unwrap_err().detail(), "field 2 is 3, not one of 0 to 2");
        for number in [-1, 12, i32::MIN, i32::MAX] {
            assert_eq!(RequestType::from_number(number).unwrap_err().code(), Code::RequestType);
        }
        assert_eq!(RequestType::from_number(11).unwrap(), RequestType::DataCollectors);
    }
}
