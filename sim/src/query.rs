//! The `query` member of a request, in the shapes that the real server can parse.

use serde_json::Value;

/// A query. Its shape is checked for every type alike, even for those that ignore it.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// `null`, or no member at all.
    Empty,
    /// A string: a name, an address, a link, a JSON pointer.
    Plain(String),
    /// An object with the keys "0" to "3".
    Dict(DictQuery),
}

/// The object form. A `null` counts as a missing member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DictQuery {
    /// "0"
    pub link: Option<String>,
    /// "1"
    pub ip: Option<String>,
    /// "2"
    pub ips: Vec<String>,
    /// "3"
    pub fields: Vec<Field>,
}

/// What can be asked about the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 0
    Name,
    /// 1
    Ip,
    /// 2
    NodeIp,
}

impl Query {
    /// `None` for what the real server drops: another JSON type, a foreign key, a wrong element.
    pub fn parse(text: &[u8]) -> Option<Query> {
        match serde_json::from_slice(text).ok()? {
            Value::Null => Some(Query::Empty),
            Value::String(text) => Some(Query::Plain(text)),
            Value::Object(members) => {
                let mut dict = DictQuery::default();
                for (key, value) in members {
                    match (key.as_str(), value) {
                        ("0" | "1" | "2" | "3", Value::Null) => {}
                        ("0", Value::String(link)) => dict.link = Some(link),
                        ("1", Value::String(ip)) => dict.ip = Some(ip),
                        ("2", Value::Array(list)) => {
                            dict.ips = list.into_iter().map(text_of).collect::<Option<_>>()?
                        }
                        ("3", Value::Array(list)) => {
                            dict.fields = list.iter().map(field_of).collect::<Option<_>>()?
                        }
                        _ => return None,
                    }
                }
                Some(Query::Dict(dict))
            }
            _ => None,
        }
    }

    /// The query as the real server's error texts show it.
    pub(crate) fn shown(&self) -> String {
        let maybe =
            |text: &Option<String>| text.as_ref().map_or("Nothing".into(), |text| format!("Just {text:?}"));
        match self {
            Query::Empty => "EmptyQuery".into(),
            Query::Plain(text) => format!("PlainQuery {text:?}"),
            Query::Dict(DictQuery { link, ip, ips, fields }) => {
                let names = fields.iter().map(|field| field.shown()).collect::<Vec<_>>().join(",");
                let ips = ips.iter().map(|ip| format!("{ip:?}")).collect::<Vec<_>>().join(",");
                format!(
                    "DictQuery (ConfdReqQ {{confdReqQIp = {}, confdReqQIpList = [{ips}], confdReqQLink = {}, \
                     confdReqQFields = [{names}]}})",
                    maybe(ip),
                    maybe(link)
                )
            }
        }
    }
}

impl Field {
    fn shown(self) -> &'static str {
        match self {
            Field::Name => "ReqFieldName",
            Field::Ip => "ReqFieldIp",
            Field::NodeIp => "ReqFieldMNodePip",
        }
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Integers only: the stock command-line client sends strings here, and waits in vain.
fn field_of(value: &Value) -> Option<Field> {
    match value.as_f64()? {
        0.0 => Some(Field::Name),
        1.0 => Some(Field::Ip),
        2.0 => Some(Field::NodeIp),
        _ => None,
    }
}
