//! The twelve request types, answered from a cluster's configuration.
//!
//! Every answer, error texts and oddities included, was compared with what ganeti-confd 3.0.2 says
//! to the same configuration (`tests/data/observed.json`).

use crate::cluster::Cluster;
use crate::query::{Field, Query};
use crate::reply::Answer;
use serde_json::{Map, Value, json};

/// Answer of an error: no such entry.
const UNKNOWN_ENTRY: i64 = 0;
/// Answer of an error: the query makes no sense for the type.
const ARGUMENT: i64 = 2;

/// An answer laid down in advance: it goes before what the cluster would say.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The type number; also one that no real server knows.
    pub kind: i64,
    /// For this query only; `None` for every query.
    pub query: Option<Value>,
    /// The answer, or `None` to drop the request in silence.
    pub answer: Option<Answer>,
}

/// The answer to a request of `kind` whose query has this JSON text; `None` where the real server
/// keeps silent.
pub fn answer(cluster: &Cluster, rules: &[Rule], kind: i64, query: &[u8]) -> Option<Answer> {
    if let Some(rule) = rules.iter().find(|rule| rule.kind == kind && rule.matches(query)) {
        return rule.answer.clone();
    }
    let query = Query::parse(query)?;
    let serial = cluster.serial();
    let ok = |answer: Value| Some(Answer { status: 0, answer, serial });
    match kind {
        0 => Some(Answer { status: 0, answer: cluster.version().into(), serial: 0 }),
        1 => Some(by_name(&query, |name| role(cluster, name))),
        2 => Some(node_by_instance_ip(cluster, &query)),
        3 => Some(master(cluster, &query)),
        4 => ok(node_ips(cluster, |_| true)),
        5 => ok(node_ips(cluster, |node| node["master_candidate"] == true)),
        6 => match query {
            Query::Empty => ok(instance_ips(cluster, cluster.default_link())),
            Query::Plain(link) => ok(instance_ips(cluster, &link)),
            Query::Dict(_) => Some(Answer::error("Invalid query type")),
        },
        7 => Some(by_name(&query, |name| minors(cluster, name))),
        8 => Some(by_name(&query, |name| instances_of(cluster, name))),
        9 => Some(by_name(&query, |name| disks_of(cluster, name))),
        10 => Some(by_name(&query, |pointer| match point(cluster.config(), pointer) {
            Some(found) => Answer { status: 0, answer: found.clone(), serial },
            None => Answer::error(ARGUMENT),
        })),
        11 => ok(collectors(cluster)),
        _ => None,
    }
}

impl Rule {
    fn matches(&self, text: &[u8]) -> bool {
        self.query
            .as_ref()
            .is_none_or(|query| serde_json::from_slice::<Value>(text).is_ok_and(|sent| sent == *query))
    }
}

fn by_name(query: &Query, answer: impl FnOnce(&str) -> Answer) -> Answer {
    match query {
        Query::Plain(name) => answer(name),
        other => Answer::error(format!("Invalid query type {}", other.shown())),
    }
}

fn missing(what: &str, name: &str) -> String {
    format!("OpPrereqError \"{what} name {name} not found\" ECodeNoEnt")
}

fn role(cluster: &Cluster, name: &str) -> Answer {
    let Some(node) = cluster.node(name) else {
        return Answer::error(format!(
            "Failure: prerequisites not met for this operation:\nerror type: ECodeNoEnt, error details:\n\
             Node name {name} not found"
        ));
    };
    // The master is known by its full name only: asked by UUID it passes for a candidate.
    let role = match cluster.master() {
        Some(master) if master["name"] == name => 0,
        _ if node["master_candidate"] == true => 1,
        _ if node["offline"] == true => 2,
        _ if node["drained"] == true => 3,
        _ => 4,
    };
    Answer { status: 0, answer: role.into(), serial: cluster.serial() }
}

fn node_by_instance_ip(cluster: &Cluster, query: &Query) -> Answer {
    let Query::Dict(query) = query else { return Answer::error(ARGUMENT) };
    let link = query.link.as_deref().unwrap_or(cluster.default_link());
    let serial = cluster.serial();
    let one = |ip: &String| match cluster.node_by_instance_ip(link, ip) {
        Some(node) => Answer { status: 0, answer: node["primary_ip"].clone(), serial },
        None => Answer::error(UNKNOWN_ENTRY),
    };
    if let Some(ip) = &query.ip {
        return one(ip);
    }
    let list = query.ips.iter().map(one).map(|one| json!([one.status, one.answer, one.serial])).collect();
    Answer { status: 0, answer: Value::Array(list), serial }
}

fn master(cluster: &Cluster, query: &Query) -> Answer {
    let nobody = Value::Null;
    let node = cluster.master().unwrap_or(&nobody);
    let answer = match query {
        Query::Empty => node["name"].clone(),
        Query::Plain(_) => return Answer::error(ARGUMENT),
        Query::Dict(query) => query
            .fields
            .iter()
            .map(|field| match field {
                Field::Name => node["name"].clone(),
                Field::Ip => cluster.config()["cluster"]["master_ip"].clone(),
                Field::NodeIp => node["primary_ip"].clone(),
            })
            .collect(),
    };
    Answer { status: 0, answer, serial: cluster.serial() }
}

/// Nodes by descending UUID, as the real server lists them.
fn node_ips(cluster: &Cluster, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut nodes: Vec<_> = cluster.section("nodes").collect();
    nodes.sort_by(|(one, _), (other, _)| other.cmp(one));
    nodes.into_iter().filter(|(_, node)| wanted(node)).map(|(_, node)| node["primary_ip"].clone()).collect()
}

fn instance_ips(cluster: &Cluster, link: &str) -> Value {
    let mut ips: Vec<_> = cluster.section("instances").flat_map(|(_, it)| cluster.ips_on(it, link)).collect();
    ips.sort_unstable();
    ips.dedup();
    ips.into()
}

fn minors(cluster: &Cluster, name: &str) -> Answer {
    let Some(node) = cluster.node(name) else { return Answer::error(missing("Node", name)) };
    let mut list = Vec::new();
    for (_, instance) in cluster.section("instances") {
        let role = if instance["primary_node"] == node["uuid"] { "primary" } else { "secondary" };
        for (index, disk) in cluster.disks(instance).enumerate() {
            for (minor, peer) in drbd_ends(disk, &node["uuid"]) {
                let peer = peer.as_str().and_then(|peer| cluster.node(peer)).map(|peer| &peer["name"]);
                list.push(json!([
                    node["name"],
                    minor,
                    instance["name"],
                    format!("disk/{index}"),
                    role,
                    peer
                ]));
            }
        }
    }
    Answer { status: 0, answer: list.into(), serial: serial_of(node) }
}

/// `(minor, other node)` of every DRBD end that `disk` or a part of it has on the node `uuid`.
fn drbd_ends<'a>(disk: &'a Value, uuid: &Value) -> Vec<(&'a Value, &'a Value)> {
    let id = &disk["logical_id"];
    let mut ends = Vec::new();
    if disk["dev_type"] == "drbd" {
        match uuid {
            uuid if id[0] == *uuid => ends.push((&id[3], &id[1])),
            uuid if id[1] == *uuid => ends.push((&id[4], &id[0])),
            _ => {}
        }
    }
    let children = disk["children"].as_array().into_iter().flatten();
    ends.extend(children.flat_map(|child| drbd_ends(child, uuid)));
    ends
}

fn instances_of(cluster: &Cluster, name: &str) -> Answer {
    let Some(node) = cluster.node(name) else {
        let reason = missing("Node", name);
        return Answer::error(format!("Node not found in the configuration: {reason}"));
    };
    let (mut primary, mut secondary) = (Vec::new(), Vec::new());
    for (_, instance) in cluster.section("instances") {
        if instance["primary_node"] == node["uuid"] {
            primary.push(whole_instance(instance));
        } else if cluster.disks(instance).any(|disk| !drbd_ends(disk, &node["uuid"]).is_empty()) {
            secondary.push(whole_instance(instance));
        }
    }
    Answer { status: 0, answer: json!([primary, secondary]), serial: serial_of(node) }
}

fn disks_of(cluster: &Cluster, name: &str) -> Answer {
    let Some(instance) = cluster.instance(name) else {
        let reason = missing("Instance", name);
        return Answer::error(format!("Instance not found in the configuration: {reason}"));
    };
    let disks = cluster.disks(instance).map(whole_disk).collect();
    Answer { status: 0, answer: disks, serial: serial_of(instance) }
}

fn serial_of(object: &Value) -> u64 {
    object["serial_no"].as_u64().unwrap_or(0)
}

/// The real server writes the members that the configuration may leave out.
fn whole_instance(instance: &Value) -> Value {
    let defaults = json!({
        "hvparams": {}, "beparams": {}, "osparams": {}, "osparams_private": {}, "nics": [], "disks": [],
        "disks_active": false, "ctime": 0, "mtime": 0, "tags": []
    });
    with_defaults(instance, defaults)
}

fn whole_disk(disk: &Value) -> Value {
    let defaults =
        json!({ "children": [], "nodes": [], "iv_name": "", "mode": "rw", "ctime": 0, "mtime": 0 });
    let mut disk = with_defaults(disk, defaults);
    for child in disk["children"].as_array_mut().into_iter().flatten() {
        *child = whole_disk(child);
    }
    disk
}

fn with_defaults(object: &Value, defaults: Value) -> Value {
    let mut whole = object.as_object().cloned().unwrap_or_default();
    for (name, value) in defaults.as_object().into_iter().flatten() {
        whole.entry(name).or_insert_with(|| value.clone());
    }
    Value::Object(whole)
}

/// RFC 6901, as the real server reads it: the whole document cannot be asked for, and an index is
/// the digits that a token begins with.
fn point<'a>(config: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.strip_prefix('/')?.split('/').try_fold(config, |at, token| {
        let token = token.replace("~1", "/").replace("~0", "~");
        match at {
            Value::Object(members) => members.get(&token),
            Value::Array(list) => {
                let digits = token.bytes().take_while(u8::is_ascii_digit).count();
                list.get(token[..digits].parse::<usize>().ok()?)
            }
            _ => None,
        }
    })
}

fn collectors(cluster: &Cluster) -> Value {
    let names = ["cpu-avg-load", "diskstats", "drbd", "inst-status-xen", "lv", "xen-cpu-avg-load"];
    let settings = &cluster.config()["cluster"];
    let xen = settings["enabled_hypervisors"].as_array().is_some_and(|list| {
        list.iter().any(|name| name.as_str().is_some_and(|name| name.starts_with("xen")))
    });
    let active = |name: &str| name != "inst-status-xen" || xen;
    let mut all: Map<String, Value> = names
        .iter()
        .map(|name| (name.to_string(), json!({ "active": active(name), "interval": 5_000_000 })))
        .collect();
    for (name, collector) in settings["data_collectors"].as_object().into_iter().flatten() {
        all.insert(name.clone(), collector.clone());
    }
    Value::Object(all)
}
