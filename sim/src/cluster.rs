//! A cluster's configuration, as `config.data` of a real one holds it, and the lookups in it.
//!
//! The configuration is the only thing that answers are made from. It comes from a short
//! description (`describe`) or from a real `config.data`.

use crate::describe;
use crate::document::{ConfigError, Place};
use serde_json::Value;

/// The configuration that one candidate answers from.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    config: Value,
}

impl Default for Cluster {
    /// The example: three nodes, all candidates, and three instances.
    fn default() -> Cluster {
        let description = describe::example();
        Cluster::describe(&description).expect("the example is sound")
    }
}

impl Cluster {
    /// From a short description: the member `cluster` of a configuration file.
    pub fn describe(description: &Value) -> Result<Cluster, ConfigError> {
        Cluster::described(&Place::new(description, "cluster"))
    }

    pub(crate) fn described(place: &Place) -> Result<Cluster, ConfigError> {
        Ok(Cluster { config: describe::expand(place)? })
    }

    /// From the contents of a `config.data`.
    pub fn from_config_data(config: Value) -> Cluster {
        Cluster { config }
    }

    /// The whole configuration.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The same cluster at another serial: an older one makes a stale candidate.
    pub fn with_serial(mut self, serial: u64) -> Cluster {
        self.config["serial_no"] = serial.into();
        self.config["cluster"]["serial_no"] = serial.into();
        self
    }

    /// The same cluster with another master, given by name. A name that no node has leaves it as it is.
    pub fn with_master(mut self, name: &str) -> Cluster {
        if let Some(uuid) = self.node(name).map(|node| node["uuid"].clone()) {
            self.config["cluster"]["master_node"] = uuid;
        }
        self
    }

    pub(crate) fn version(&self) -> u64 {
        self.config["version"].as_u64().unwrap_or(0)
    }

    /// The serial of most answers. The configuration's own `serial_no` is in none.
    pub(crate) fn serial(&self) -> u64 {
        self.config["cluster"]["serial_no"].as_u64().unwrap_or(0)
    }

    pub(crate) fn default_link(&self) -> &str {
        self.config["cluster"]["nicparams"]["default"]["link"].as_str().unwrap_or("")
    }

    /// `(uuid, object)` of every object in a section, by ascending UUID.
    pub(crate) fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let mut objects: Vec<_> = self.config[name]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(uuid, it)| (uuid.as_str(), it))
            .collect();
        objects.sort_unstable_by_key(|(uuid, _)| *uuid);
        objects.into_iter()
    }

    pub(crate) fn master(&self) -> Option<&Value> {
        self.config["nodes"].get(self.config["cluster"]["master_node"].as_str()?)
    }

    pub(crate) fn node(&self, name: &str) -> Option<&Value> {
        self.named("nodes", name)
    }

    pub(crate) fn instance(&self, name: &str) -> Option<&Value> {
        self.named("instances", name)
    }

    /// By UUID, by name, or by the first labels of one name only, as the real server finds them.
    fn named(&self, section: &str, name: &str) -> Option<&Value> {
        if let Some(found) = self.config[section].get(name) {
            return Some(found);
        }
        let full = |it: &Value| it["name"] == name;
        let short = |it: &Value| {
            it["name"].as_str().and_then(|it| it.strip_prefix(name)).is_some_and(|rest| rest.starts_with('.'))
        };
        self.section(section).map(|(_, it)| it).find(|it| full(it)).or_else(|| {
            let mut matches = self.section(section).map(|(_, it)| it).filter(|it| short(it));
            matches.next().filter(|_| matches.next().is_none())
        })
    }

    pub(crate) fn disks<'a>(&'a self, instance: &'a Value) -> impl Iterator<Item = &'a Value> {
        let uuids = instance["disks"].as_array().into_iter().flatten();
        uuids.filter_map(|uuid| self.config["disks"].get(uuid.as_str()?))
    }

    /// The addresses that an instance has on a link.
    pub(crate) fn ips_on<'a>(&'a self, instance: &'a Value, link: &str) -> Vec<&'a str> {
        let nics = instance["nics"].as_array().into_iter().flatten();
        let on_link = |nic: &&Value| nic["nicparams"]["link"].as_str().unwrap_or(self.default_link()) == link;
        nics.filter(on_link).filter_map(|nic| nic["ip"].as_str()).collect()
    }

    /// The primary node of the instance that has this address on this link.
    pub(crate) fn node_by_instance_ip(&self, link: &str, ip: &str) -> Option<&Value> {
        let (_, instance) = self.section("instances").find(|(_, it)| self.ips_on(it, link).contains(&ip))?;
        self.config["nodes"].get(instance["primary_node"].as_str()?)
    }
}
