//! The configuration file: JSON to [`Config`], with complaints that name file, member and remedy.
//! What each member means stands in `sim/README.md`.

use crate::answer::Rule;
use crate::cluster::Cluster;
use crate::config::{Address, Candidate, Config};
use crate::describe;
use crate::document::{ConfigError, Members, Place, merge};
use crate::fault::Faults;
use crate::reply::Answer;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

const TOP: &[&str] = &[
    "key",
    "key_hex",
    "key_file",
    "port",
    "seed",
    "threads",
    "serial",
    "cluster",
    "config_data",
    "answers",
    "faults",
    "candidates",
    "comment",
];
const CANDIDATE: &[&str] =
    &["name", "address", "serial", "cluster", "config_data", "answers", "faults", "comment"];
const ANSWER: &[&str] = &["type", "query", "status", "answer", "serial", "drop", "comment"];

/// Reads the file at `path`.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let (document, base) = document(path)?;
    from_json(&document, &path.display().to_string(), &base)
}

/// The JSON of the file at `path`, and the folder that paths in it start from.
pub fn document(path: &Path) -> Result<(Value, PathBuf), ConfigError> {
    let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
    read_json(path).map(|document| (document, base))
}

/// Reads a document; `name` begins every complaint, and relative paths in it start from `base`.
pub fn from_json(document: &Value, name: &str, base: &Path) -> Result<Config, ConfigError> {
    let top = Place::new(document, format!("{name}: "));
    let members = top.object(TOP)?;
    let shared = Shared {
        serial: members.get("serial").map(|place| place.whole()).transpose()?,
        cluster: Source::read(&members, base)?,
        answers: members.get("answers"),
        faults: members.get("faults").map_or(Ok(Map::new()), |place| fault_members(&place))?,
        base,
    };
    let mut candidates = Vec::new();
    for place in members.need("candidates")?.list()? {
        candidates.push(candidate(&place, candidates.len(), &shared)?);
    }
    if candidates.is_empty() {
        return Err(members.need("candidates")?.fail("at least one candidate"));
    }
    let port = members.get("port");
    let threads = members.get("threads");
    Ok(Config {
        key: key(&members, name, base)?,
        candidates,
        port: match &port {
            Some(place) => u16::try_from(place.whole()?).map_err(|_| place.fail("a port from 0 to 65535"))?,
            None => 0,
        },
        seed: members.whole_or("seed", 0)?,
        threads: match &threads {
            Some(place) if !(1..=64).contains(&place.whole()?) => return Err(place.fail("1 to 64 threads")),
            Some(place) => place.whole()? as usize,
            None => 1,
        },
    })
}

/// What candidates have in common.
struct Shared<'a> {
    serial: Option<u64>,
    cluster: Source,
    answers: Option<Place<'a>>,
    faults: Map<String, Value>,
    base: &'a Path,
}

/// What a cluster is made from.
#[derive(Clone)]
enum Source {
    Description(Value),
    ConfigData(Value),
}

impl Source {
    fn read(members: &Members, base: &Path) -> Result<Source, ConfigError> {
        match (members.get("config_data"), members.get("cluster")) {
            (Some(place), None) => Ok(Source::ConfigData(read_json(&base.join(place.text()?))?)),
            (Some(place), Some(_)) => Err(place.fail("either \"cluster\" or \"config_data\", not both")),
            (None, Some(place)) => {
                Cluster::described(&place)?; // complains about the shared part only once
                Ok(Source::Description(place.value.clone()))
            }
            (None, None) => Ok(Source::Description(describe::example())),
        }
    }

    fn cluster(&self, path: &str) -> Result<Cluster, ConfigError> {
        match self {
            Source::Description(description) => Cluster::described(&Place::new(description, path)),
            Source::ConfigData(config) => Ok(Cluster::from_config_data(config.clone())),
        }
    }
}

fn candidate(place: &Place, index: usize, shared: &Shared) -> Result<Candidate, ConfigError> {
    let members = place.object(CANDIDATE)?;
    let source = match (&shared.cluster, members.get("config_data"), members.get("cluster")) {
        (_, Some(_), _) => Source::read(&members, shared.base)?,
        (Source::Description(description), None, Some(patch)) => {
            patch.object(describe::CLUSTER)?;
            let mut own = description.clone();
            merge(&mut own, patch.value);
            Source::Description(own)
        }
        (Source::ConfigData(config), None, Some(patch)) => {
            let mut own = config.clone();
            merge(&mut own, patch.value);
            Source::ConfigData(own)
        }
        (source, None, None) => source.clone(),
    };
    let mut cluster = source.cluster(&members.path_to("cluster"))?;
    let serial = members.get("serial").map(|place| place.whole()).transpose()?.or(shared.serial);
    if let Some(serial) = serial {
        cluster = cluster.with_serial(serial);
    }
    let mut answers = Vec::new();
    for place in members.get("answers").iter().chain(&shared.answers) {
        for place in place.list()? {
            answers.push(rule(&place, cluster.serial())?);
        }
    }
    let mut faults = shared.faults.clone();
    if let Some(place) = members.get("faults") {
        faults.extend(fault_members(&place)?);
    }
    let faults = Value::Object(faults);
    Ok(Candidate {
        name: members.text_or("name", &format!("sim{}", index + 1))?,
        address: members.need("address")?.parse::<Address>(
            "an address (\"127.0.0.1\", \"::1\") or one with a port (\"127.0.0.1:0\", \"[::1]:0\")",
        )?,
        cluster,
        answers,
        faults: Faults::read(&Place::new(&faults, members.path_to("faults")))?,
    })
}

fn fault_members(place: &Place) -> Result<Map<String, Value>, ConfigError> {
    Faults::read(place)?;
    Ok(place.value.as_object().cloned().unwrap_or_default())
}

fn rule(place: &Place, cluster_serial: u64) -> Result<Rule, ConfigError> {
    let members = place.object(ANSWER)?;
    let kind = members.need("type")?.whole()? as i64;
    let query = members.get("query").map(|place| place.value.clone());
    if members.get("drop").map_or(Ok(false), |place| place.yes())? {
        return Ok(Rule { kind, query, answer: None });
    }
    let status = members.whole_or("status", 0)? as i64;
    let usual = if status == 0 { cluster_serial } else { 0 };
    let answer = members.need("answer")?.value.clone();
    let answer = Answer { status, answer, serial: members.whole_or("serial", usual)? };
    Ok(Rule { kind, query, answer: Some(answer) })
}

fn key(members: &Members, name: &str, base: &Path) -> Result<Vec<u8>, ConfigError> {
    match (members.get("key"), members.get("key_hex"), members.get("key_file")) {
        (Some(text), None, None) => Ok(text.text()?.as_bytes().to_vec()),
        (None, Some(hex), None) => {
            unhex(hex.text()?).ok_or_else(|| hex.fail("pairs of hex digits, for example \"6b65790a\""))
        }
        (None, None, Some(path)) => read(&base.join(path.text()?)),
        _ => Err(ConfigError::new(format!(
            "{name}: exactly one of \"key\", \"key_hex\", \"key_file\" is needed"
        ))),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|it| it.to_digit(16).map(|it| it as u8)).collect::<Option<_>>()?;
    (digits.len() % 2 == 0).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))
}

fn read_json(path: &Path) -> Result<Value, ConfigError> {
    serde_json::from_slice(&read(path)?)
        .map_err(|error| ConfigError::new(format!("{}: not JSON: {error}", path.display())))
}
