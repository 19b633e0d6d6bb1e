//! The command line: options laid over the document of the configuration file, so that both go
//! through one reader.

use confd_sim::{Config, ConfigError, Faults, file};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const HELP: &str = "\
confd-sim: a confd server that misbehaves on request

Usage: confd-sim [OPTIONS] [FILE]

FILE (JSON) says which candidates there are, what cluster they know and what is wrong with each;
sim/README.md explains every member, sim/examples/three.json is a start. Without a FILE, give a key
and addresses: the candidates sim1, sim2 … then know an example cluster.

  confd-sim --key secret --address 127.0.0.1 --address 127.0.0.2 --fault sim2:loss=0.3
  confd-sim --stats --seconds 60 sim/examples/three.json

Candidates
  --address IP          one more candidate; all of these share one port
  --listen IP:PORT      one more candidate with a port of its own; 0: the kernel chooses
  --port N              the shared port; 0 (default): one that is free at all addresses
Protocol
  --key TEXT            the HMAC key, exactly these bytes (a key file usually ends in a newline)
  --key-hex DIGITS      the same in hex digits
  --key-file PATH       the same from a file, as hmac.key of a node
  --serial N            the configuration serial where a candidate names none
Faults (VALUE: probability 0 to 1, true or false; none means true)
  --fault FAULT[=VALUE]       for every candidate that does not say otherwise itself
  --fault NAME:FAULT[=VALUE]  for the candidate NAME, whatever the FILE says
    loss reply_loss duplicate reorder silent unloaded garbage truncate
    wrong_signature wrong_salt wrong_source upper_hmac utf8
    delay_ms=MS or delay_ms=LEAST..MOST     wrong_source_address=IP
  --seed N              where chance starts: the same seed and traffic, the same faults
Running
  --threads N           spread the candidates over N threads (default 1)
  --seconds N           stop after N seconds
  --until-eof           stop when standard input ends, as it does with the parent process
  --stats               at the end print the counters of each candidate to standard error (JSON);
                        the signal USR1 prints them at any time
Instead of serving
  --check               read FILE and options, complain or say nothing
  --config-data NAME    print the configuration of candidate NAME as a config.data, which the real
                        ganeti-confd can load
  --self-test N         flood one candidate with N pings over loopback and report the speed
  --help, --version

Prints \"ready NAME IP:PORT\" for each candidate, then \"serving N candidates\". SIGTERM and SIGINT
stop it. Exit status: 0 stopped as asked, 1 could not serve, 2 wrong options or configuration.
";

/// What the command line asks for.
#[derive(Debug)]
pub enum Task {
    Help,
    Version,
    SelfTest(u64),
    Check,
    ConfigData(Config, String),
    Serve(Config, Running),
}

/// How long to serve, and what to say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Running {
    pub time: Option<Duration>,
    pub until_eof: bool,
    pub stats: bool,
}

#[derive(Default)]
struct Options {
    file: Option<PathBuf>,
    members: Map<String, Value>,
    candidates: Vec<Value>,
    faults: Vec<String>,
    running: Running,
    check: bool,
    config_data: Option<String>,
}

/// The task, or a complaint.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Task, String> {
    let mut arguments = arguments.into_iter();
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let (name, joined) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_string(), Some(value.to_string())),
            _ => (argument, None),
        };
        let mut value = || {
            let value = joined.clone().or_else(|| arguments.next());
            value.ok_or_else(|| format!("{name} needs a value; see --help"))
        };
        match name.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--version" | "-V" => return Ok(Task::Version),
            "--self-test" => return number(&name, &value()?).map(Task::SelfTest),
            "--check" => options.check = true,
            "--until-eof" => options.running.until_eof = true,
            "--stats" => options.running.stats = true,
            "--config-data" => options.config_data = Some(value()?),
            "--seconds" => options.running.time = Some(Duration::from_secs(number(&name, &value()?)?)),
            "--port" | "--serial" | "--seed" | "--threads" => {
                let number = number(&name, &value()?)?;
                options.members.insert(name[2..].to_string(), number.into());
            }
            "--key" | "--key-hex" => _ = options.members.insert(name[2..].replace('-', "_"), value()?.into()),
            "--key-file" => {
                let path = std::path::absolute(value()?).map_err(|error| format!("{name}: {error}"))?;
                let path = path.to_str().ok_or("--key-file: the path is not UTF-8")?;
                options.members.insert("key_file".into(), path.into());
            }
            "--address" | "--listen" => {
                let text = value()?;
                let sound = match name.as_str() {
                    "--address" => text.parse::<std::net::IpAddr>().is_ok(),
                    _ => text.parse::<std::net::SocketAddr>().is_ok(),
                };
                if !sound {
                    let form =
                        if name == "--address" { "an IP address" } else { "IP:PORT ([IP]:PORT for IPv6)" };
                    return Err(format!("{name}: expected {form}, found {text:?}"));
                }
                options.candidates.push(json!({ "address": text }));
            }
            "--fault" => options.faults.push(value()?),
            _ if name.starts_with('-') => return Err(format!("no option {name}; see --help")),
            _ if options.file.is_some() => return Err(format!("one FILE only, and {name:?} is another")),
            _ => options.file = Some(name.clone().into()),
        }
    }
    options.task()
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{name}: expected a whole number, found {text:?}"))
}

impl Options {
    fn task(self) -> Result<Task, String> {
        let config = self.config()?;
        match self.config_data {
            _ if self.check => Ok(Task::Check),
            Some(name) => Ok(Task::ConfigData(config, name)),
            None => Ok(Task::Serve(config, self.running)),
        }
    }

    fn config(&self) -> Result<Config, String> {
        let text = |error: ConfigError| error.to_string();
        let (mut document, base, name) = match &self.file {
            Some(path) => {
                let (document, base) = file::document(path).map_err(text)?;
                (document, base, path.display().to_string())
            }
            None if self.candidates.is_empty() => {
                return Err(
                    "nothing to serve: give a FILE, or a key and --address or --listen; see --help".into()
                );
            }
            None => (json!({}), PathBuf::new(), "command line".to_string()),
        };
        self.lay_over(&mut document, &name)?;
        file::from_json(&document, &name, Path::new(&base)).map_err(text)
    }

    fn lay_over(&self, document: &mut Value, name: &str) -> Result<(), String> {
        let top = document.as_object_mut().ok_or_else(|| format!("{name}: expected an object"))?;
        if self.members.keys().any(|name| name.starts_with("key")) {
            top.retain(|name, _| !name.starts_with("key"));
        }
        top.extend(self.members.clone());
        if !self.candidates.is_empty() {
            let list = top.entry("candidates").or_insert(json!([])).as_array_mut();
            list.ok_or_else(|| format!("{name}: candidates: expected a list"))?
                .extend(self.candidates.clone());
        }
        for fault in &self.faults {
            let (target, fault, value) = split_fault(fault)?;
            let place = match &target {
                None => &mut *top,
                Some(target) => {
                    let list = top.get_mut("candidates").and_then(Value::as_array_mut).into_iter().flatten();
                    let named = |(at, it): &(usize, &mut Value)| match &it["name"] {
                        Value::String(name) => name == target,
                        _ => *target == format!("sim{}", at + 1),
                    };
                    let found = list.enumerate().find(named).and_then(|(_, it)| it.as_object_mut());
                    found.ok_or_else(|| format!("--fault: no candidate is called {target:?}"))?
                }
            };
            let faults = place.entry("faults").or_insert(json!({})).as_object_mut();
            faults.ok_or_else(|| format!("{name}: faults: expected an object"))?.insert(fault, value);
        }
        Ok(())
    }
}

/// `[NAME:]FAULT[=VALUE]`, checked.
fn split_fault(text: &str) -> Result<(Option<String>, String, Value), String> {
    let (left, value) = match text.split_once('=') {
        Some((left, value)) => (left, fault_value(value)),
        None => (text, Value::Bool(true)),
    };
    let (target, fault) = match left.rsplit_once(':') {
        Some((target, fault)) => (Some(target.to_string()), fault),
        None => (None, left),
    };
    let alone = json!({ fault: value.clone() });
    Faults::from_json(&alone).map_err(|error| format!("--fault {text}: {error}"))?;
    Ok((target, fault.to_string(), value))
}

fn fault_value(text: &str) -> Value {
    if let Some((least, most)) = text.split_once("..") {
        if let (Ok(least), Ok(most)) = (least.parse::<f64>(), most.parse::<f64>()) {
            return json!([least, most]);
        }
    }
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
