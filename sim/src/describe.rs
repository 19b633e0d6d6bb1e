//! The short description of a cluster, and the configuration that it stands for.
//!
//! What comes out is a `config.data` that a real ganeti-confd loads, so that the simulator and the
//! real server can be asked the same questions (`confd-sim --config-data NAME`).

use crate::document::{ConfigError, Members, Place, merge};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use std::collections::HashMap;

pub(crate) const CLUSTER: &[&str] =
    &["name", "version", "serial", "master", "master_ip", "link", "nodes", "instances", "config"];
const NODE: &[&str] = &["name", "ip", "secondary_ip", "role", "serial", "uuid"];
const INSTANCE: &[&str] = &[
    "name",
    "ip",
    "ips",
    "link",
    "primary",
    "secondary",
    "serial",
    "os",
    "hypervisor",
    "state",
    "disks",
    "uuid",
];
const DISK: &[&str] = &["size", "type", "serial", "uuid"];
const ROLES: &[&str] = &["candidate", "regular", "drained", "offline"];

/// The description of the example cluster.
pub(crate) fn example() -> Value {
    serde_json::from_str(include_str!("example_cluster.json")).expect("the example is JSON")
}

/// The configuration that a description stands for.
pub(crate) fn expand(place: &Place) -> Result<Value, ConfigError> {
    let members = place.object(CLUSTER)?;
    let mut expansion = Expansion::default();
    let group = uuid("group", "default");
    for node in members.need("nodes")?.list()? {
        expansion.node(&node, &group)?;
    }
    let link = members.text_or("link", "br0")?;
    for instance in members.list("instances")? {
        expansion.instance(&instance, &link)?;
    }
    let serial = members.whole_or("serial", 1)?;
    let master = match members.get("master") {
        Some(place) => expansion.node_uuid(&place)?,
        None => expansion.first.clone().ok_or_else(|| place.fail("at least one node"))?,
    };
    let name = members.text_or("name", "cluster.example.com")?;
    let mut cluster: Value =
        serde_json::from_str(include_str!("cluster_settings.json")).expect("the settings are JSON");
    merge(
        &mut cluster,
        &json!({
            "cluster_name": name,
            "master_node": master,
            "master_ip": members.text_or("master_ip", "192.0.2.1")?,
            "nicparams": { "default": { "mode": "bridged", "link": link, "vlan": "" } },
            "serial_no": serial,
            "uuid": uuid("cluster", &name),
            "ctime": 0,
            "mtime": 0,
        }),
    );
    let mut config = json!({
        "version": members.whole_or("version", 3_000_000)?,
        "serial_no": serial,
        "cluster": cluster,
        "nodes": expansion.nodes,
        "instances": expansion.instances,
        "disks": expansion.disks,
        "networks": {},
        "filters": {},
        "nodegroups": { &group: {
            "name": "default", "uuid": group, "serial_no": 1, "alloc_policy": "preferred", "diskparams": {},
            "ipolicy": {}, "ndparams": {}, "networks": {}, "ctime": 0, "mtime": 0, "tags": []
        } },
        "ctime": 0,
        "mtime": 0,
    });
    if let Some(patch) = members.get("config") {
        merge(&mut config, patch.value);
    }
    Ok(config)
}

#[derive(Default)]
struct Expansion {
    nodes: Map<String, Value>,
    instances: Map<String, Value>,
    disks: Map<String, Value>,
    by_name: HashMap<String, String>,
    first: Option<String>,
    /// The next free DRBD minor of each node.
    minors: HashMap<String, u64>,
}

impl Expansion {
    fn node(&mut self, place: &Place, group: &str) -> Result<(), ConfigError> {
        let members = place.object(NODE)?;
        let name = members.need("name")?.text()?.to_string();
        let uuid = members.text_or("uuid", &uuid("node", &name))?;
        let ip = members.need("ip")?.text()?;
        let role = members.get("role").map_or(Ok("candidate"), |place| place.one_of(ROLES))?;
        let node = json!({
            "name": name, "uuid": uuid, "primary_ip": ip, "secondary_ip": members.text_or("secondary_ip", ip)?,
            "master_candidate": role == "candidate", "offline": role == "offline", "drained": role == "drained",
            "group": group, "master_capable": true, "vm_capable": true, "powered": true, "ndparams": {},
            "serial_no": members.whole_or("serial", 1)?, "ctime": 0, "mtime": 0, "tags": []
        });
        self.first.get_or_insert_with(|| uuid.clone());
        if self.by_name.insert(name, uuid.clone()).is_some() {
            return Err(place.fail("a node with a name of its own"));
        }
        self.nodes.insert(uuid, node);
        Ok(())
    }

    fn node_uuid(&self, place: &Place) -> Result<String, ConfigError> {
        let found = self.by_name.get(place.text()?);
        found.cloned().ok_or_else(|| place.fail("the name of one of the nodes"))
    }

    fn instance(&mut self, place: &Place, link: &str) -> Result<(), ConfigError> {
        let members = place.object(INSTANCE)?;
        let name = members.need("name")?.text()?.to_string();
        let uuid_of = |kind: &str, index: usize| uuid(kind, &format!("{name}/{index}"));
        let primary = self.node_uuid(&members.need("primary")?)?;
        let secondary = members.get("secondary").map(|place| self.node_uuid(&place)).transpose()?;
        let nics = addresses(&members)?.into_iter().enumerate().map(|(index, ip)| {
            let octets = [(index >> 8) as u8, index as u8];
            let digest = Sha1::digest(name.as_bytes());
            let mac =
                format!("02:00:{:02x}:{:02x}:{:02x}:{:02x}", digest[0], digest[1], octets[0], octets[1]);
            (mac, ip, uuid_of("nic", index))
        });
        let own_link = members.text_or("link", link)?;
        let params = if own_link == link { json!({}) } else { json!({ "link": own_link }) };
        let nics: Vec<Value> = nics
            .map(|(mac, ip, uuid)| json!({ "mac": mac, "ip": ip, "nicparams": params, "uuid": uuid }))
            .collect();
        let mut disks = Vec::new();
        for (index, disk) in members.list("disks")?.into_iter().enumerate() {
            let uuid = uuid_of("disk", index);
            disks.push(self.disk(&disk, uuid, index, &primary, secondary.as_deref())?);
        }
        let uuid = members.text_or("uuid", &uuid("instance", &name))?;
        let instance = json!({
            "name": name, "uuid": uuid, "primary_node": primary, "nics": nics, "disks": disks,
            "os": members.text_or("os", "debootstrap+default")?,
            "hypervisor": members.text_or("hypervisor", "kvm")?,
            "admin_state": members.get("state").map_or(Ok("up"), |it| it.one_of(&["up", "down", "offline"]))?,
            "admin_state_source": "admin", "disks_active": true, "hvparams": {}, "beparams": {}, "osparams": {},
            "osparams_private": {}, "serial_no": members.whole_or("serial", 1)?, "ctime": 0, "mtime": 0, "tags": []
        });
        self.instances.insert(uuid, instance);
        Ok(())
    }

    fn disk(
        &mut self,
        place: &Place,
        default_uuid: String,
        index: usize,
        primary: &str,
        secondary: Option<&str>,
    ) -> Result<String, ConfigError> {
        let members = place.object(DISK)?;
        let uuid = members.text_or("uuid", &default_uuid)?;
        let size = members.whole_or("size", 1024)?;
        let natural = if secondary.is_some() { "drbd" } else { "plain" };
        let kind = members.get("type").map_or(Ok(natural), |place| place.one_of(&["drbd", "plain"]))?;
        let volume = |uuid: &str, suffix: &str| json!(["xenvg", format!("{uuid}.disk{index}{suffix}")]);
        let nodes: Vec<&str> = [Some(primary), secondary].into_iter().flatten().collect();
        let common = |kind: &str, id: Value, size: u64, uuid: &str, name: String| {
            json!({
                "dev_type": kind, "logical_id": id, "size": size, "uuid": uuid, "iv_name": name, "mode": "rw",
                "nodes": nodes, "children": [], "params": {}, "serial_no": 1, "ctime": 0, "mtime": 0
            })
        };
        let mut disk = match (kind, secondary) {
            ("drbd", Some(secondary)) => {
                let secret: String = hex(&Sha1::digest(uuid.as_bytes()));
                let (minor, other) = (self.next_minor(primary), self.next_minor(secondary));
                let port = 11_000 + self.disks.len();
                let id = json!([primary, secondary, port, minor, other, secret]);
                let mut disk = common("drbd", id, size, &uuid, format!("disk/{index}"));
                let part = |size, suffix: &str| {
                    let own = self::uuid("volume", &format!("{uuid}{suffix}"));
                    common("plain", volume(&own, suffix), size, &own, String::new())
                };
                disk["children"] = json!([part(size, "_data"), part(128, "_meta")]);
                disk
            }
            ("drbd", None) => {
                return Err(place.fail("\"type\": \"plain\", as the instance has no \"secondary\""));
            }
            _ => common("plain", volume(&uuid, ""), size, &uuid, format!("disk/{index}")),
        };
        disk["serial_no"] = members.whole_or("serial", 1)?.into();
        self.disks.insert(uuid.clone(), disk);
        Ok(uuid)
    }

    fn next_minor(&mut self, node: &str) -> u64 {
        let next = self.minors.entry(node.to_string()).or_insert(0);
        *next += 1;
        *next - 1
    }
}

fn addresses(members: &Members) -> Result<Vec<String>, ConfigError> {
    let mut ips = Vec::new();
    if let Some(ip) = members.get("ip") {
        ips.push(ip.text()?.to_string());
    }
    for ip in members.list("ips")? {
        ips.push(ip.text()?.to_string());
    }
    Ok(ips)
}

/// The same for the same name, so that a description says all.
fn uuid(kind: &str, name: &str) -> String {
    let digits = hex(&Sha1::digest(format!("confd-sim {kind} {name}").as_bytes()));
    let part = |from: usize, to: usize| &digits[from..to];
    format!("{}-{}-5{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
