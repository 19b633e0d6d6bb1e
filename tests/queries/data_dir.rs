//! Clients of a data directory, and peers that are kept current.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confd_sim::Cluster;
use confdclient::client::{Client, Options};
use confdclient::engine::{LogLevel, Outcome};
use confdclient::error::Code;
use serde_json::json;

use crate::support::*;

const KEY_FILE: &str = "hmac.key";
const LIST: &str = "ssconf_master_candidates_ips";

/// A folder that goes when it is dropped.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("confd-queries-{}-{}", std::process::id(), COUNT.fetch_add(1, SeqCst));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Dir(path)
    }

    fn of(key: &[u8], peers: &[String]) -> Self {
        let dir = Dir::new();
        dir.write(KEY_FILE, key);
        dir.write(LIST, list(peers).as_bytes());
        dir
    }

    /// Replaces a file at once, as Ganeti does.
    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.join("new"), content).unwrap();
        std::fs::rename(self.0.join("new"), self.0.join(name)).unwrap();
    }

    fn open(&self, change: impl FnOnce(&mut Options)) -> confdclient::error::Result<Arc<Client>> {
        let mut options = Options::default();
        change(&mut options);
        Client::open(Some(&self.0), None, &options)
    }

    fn failure(&self) -> String {
        let Err(error) = self.open(|_| {}) else { panic!("it opened") };
        assert_eq!(error.code(), Code::ClusterDir);
        error.detail().to_owned()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn list(peers: &[String]) -> String {
    peers.iter().map(|peer| format!("{peer}\n")).collect()
}

fn peers_known(client: &Client) -> Vec<String> {
    (0..)
        .map_while(|peer| client.peer_stats(peer).ok())
        .map(|known| known.address.to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn open_reads_the_key_with_every_byte_and_the_candidates() {
    let sim = servers_with_key(b"a key with \xff\0 and a newline\n", &vec![Default::default(); 3]);
    let dir = Dir::of(b"a key with \xff\0 and a newline\n", &peers_of(&sim));
    let client = dir.open(|_| {}).unwrap();
    assert_eq!(peers_known(&client), peers_of(&sim));
    assert_eq!(client.query(&mut master(), 0, Some(ms(5_000))).unwrap().outcome, Outcome::Answered);
}

#[test]
fn an_error_of_open_names_the_file_and_the_reason() {
    let good = ["127.0.0.1".to_owned(), "127.0.0.2".to_owned()];
    let missing = Dir(std::env::temp_dir().join("confd-queries-no-such-folder"));
    assert!(missing.failure().contains(KEY_FILE) && missing.failure().contains("No such file"));

    for file in [KEY_FILE, LIST] {
        let dir = Dir::of(KEY, &good);
        std::fs::remove_file(dir.0.join(file)).unwrap();
        let said = dir.failure();
        assert!(said.contains(dir.0.join(file).to_str().unwrap()) && said.contains("No such file"), "{said}");

        std::fs::create_dir(dir.0.join(file)).unwrap();
        let said = dir.failure();
        assert!(said.contains(file) && said.contains("directory"), "{said}");
        std::fs::remove_dir(dir.0.join(file)).unwrap();

        dir.write(file, b"");
        let said = dir.failure();
        assert!(said.contains(file) && said.contains("empty"), "{said}");

        std::fs::set_permissions(dir.0.join(file), std::fs::Permissions::from_mode(0o000)).unwrap();
        // The superuser reads it all the same.
        if std::fs::File::open(dir.0.join(file)).is_err() {
            let said = dir.failure();
            assert!(said.contains(file) && said.contains("ermission"), "{said}");
        }
    }

    let dir = Dir::of(KEY, &good);
    for (content, line, why) in [
        (&b"127.0.0.1\n127.0.0.2\nnode3\n"[..], "line 3", "node3"),
        (b"127.0.0.1\n\n192.0.2\n", "line 3", "192.0.2"),
        (b"127.0.0.1\n127.0.0.2\n0.0.0.0\n", "line 3", "one host"),
        (b"127.0.0.1\n\n2001:db8::1\n", "line 3", "family"),
        (b"127.0.0.1:2000\n127.0.0.2\n2001:db8::1\n", "line 3", "family"),
        (b"2001:db8::1\n[2001:db8::2]:9\n127.0.0.1:9\n", "line 3", "family"),
    ] {
        dir.write(LIST, content);
        let said = dir.failure();
        assert!(said.contains(LIST) && said.contains(line) && said.contains(why), "{said}");
        assert!(!said.contains("peer "), "one number is enough: {said}");
    }
    dir.write(LIST, b"\n\n");
    assert!(dir.failure().contains(LIST));
    dir.write(LIST, b"127.0.0.1\n\xff\n");
    assert!(dir.failure().contains(LIST));
    dir.write(LIST, b" 127.0.0.1 \r\n\n127.0.0.2");
    assert_eq!(peers_known(&dir.open(|_| {}).unwrap()), good);
}

#[test]
fn reload_takes_both_files_or_neither() {
    let (old, new) = (well(3), servers_with_key(b"new\n", &vec![Default::default(); 2]));
    let dir = Dir::of(KEY, &peers_of(&old));
    let client = dir.open(|_| {}).unwrap();
    let ask = || client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
    let as_before = || {
        assert_eq!(peers_known(&client), peers_of(&old));
        assert_eq!(ask().outcome, Outcome::Answered);
        assert_eq!(client.stats().unwrap().retries, 0, "no change of keys has begun");
    };
    as_before();

    dir.write(KEY_FILE, b"new\n");
    dir.write(LIST, b"127.0.0.1\n127.0.0.2\nbad\n");
    let error = client.reload().unwrap_err();
    assert!(error.code() == Code::ClusterDir && error.detail().contains("line 3"), "{error}");
    as_before();

    dir.write(LIST, b"2001:db8::1\n");
    assert!(client.reload().is_err(), "another family");
    as_before();

    dir.write(LIST, list(&peers_of(&new)).as_bytes());
    dir.write(KEY_FILE, b"");
    assert_eq!(client.reload().unwrap_err().code(), Code::ClusterDir);
    as_before();

    dir.write(KEY_FILE, b"new\n");
    client.reload().unwrap();
    assert_eq!(peers_known(&client), peers_of(&new));
    assert_eq!(ask().outcome, Outcome::Answered);
    assert_eq!(client.stats().unwrap().retries, 0, "the new key at once");

    let other = crate::support::client(&peers_of(&old));
    assert_eq!(other.reload().unwrap_err().code(), Code::InvalidArgument);
    client.close().unwrap();
    assert_eq!(client.reload().unwrap_err().code(), Code::Closed);
}

#[test]
fn an_opened_client_with_refresh_takes_up_what_changes() {
    let (old, new) = (well(3), servers_with_key(b"new\n", &vec![Default::default(); 2]));
    let dir = Dir::of(KEY, &peers_of(&old));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = lines.clone();
    let client = dir
        .open(|options| {
            options.set_refresh_ms(20).unwrap();
            let sink = move |line: &confdclient::engine::LogLine| log.lock().unwrap().push(line.text.clone());
            options.set_log(Some(Arc::new(sink)), LogLevel::Warning);
        })
        .unwrap();
    let turn = || drop(client.receive(Some(ms(10))));
    // What is of no use is told of, and changes nothing.
    dir.write(LIST, b"not an address\n");
    until("a warning", turn, || lines.lock().unwrap().iter().any(|line| line.contains("line 1")));
    assert_eq!(peers_known(&client), peers_of(&old));
    dir.write(LIST, list(&peers_of(&new)).as_bytes());
    dir.write(KEY_FILE, b"new\n");
    until("the new peers", turn, || peers_known(&client) == peers_of(&new));
    until("the new key", turn, || {
        let before = client.stats().unwrap().retries;
        let result = client.query(&mut master(), 0, Some(ms(5_000))).unwrap();
        result.outcome == Outcome::Answered && client.stats().unwrap().retries == before
    });
    // A blocked receive wakes for it, too, whatever its own time.
    dir.write(LIST, list(&peers_of(&new)[..1]).as_bytes());
    until("one peer", turn, || peers_known(&client).len() == 1);
}

#[test]
fn without_refresh_nothing_is_read_again() {
    let sim = well(2);
    let dir = Dir::of(KEY, &peers_of(&sim));
    let client = dir.open(|_| {}).unwrap();
    dir.write(LIST, b"127.0.0.9\n");
    client.receive(Some(ms(100))).unwrap();
    assert_eq!(peers_known(&client), peers_of(&sim));
}

/// A cluster whose candidates answer type 5 with this list.
fn answering(list: serde_json::Value, count: usize) -> confd_sim::Sim {
    let sim = well(count);
    for at in 0..count {
        let list = list.clone();
        sim.change(at, move |candidate| {
            let rule = json!({"type": 5, "answer": list, "serial": 5});
            let config = json!({"key": "k", "candidates": [{"address": "127.0.0.1", "answers": [rule]}]});
            let read = confd_sim::file::from_json(&config, "test", std::path::Path::new("."));
            candidate.answers = read.expect("a configuration").candidates.remove(0).answers;
            candidate.cluster = Cluster::default();
        })
        .unwrap();
    }
    sim
}

fn refreshed(sim: &confd_sim::Sim, time: Duration) -> Vec<String> {
    let client = client_with(&peers_of(sim), None, |options| options.set_refresh_ms(20).unwrap());
    let asked = || sim.counters().iter().map(|counts| counts.requests).sum::<u64>() >= 4;
    until("two rounds of questions", || drop(client.receive(Some(ms(10)))), asked);
    let end = std::time::Instant::now() + time;
    while std::time::Instant::now() < end {
        client.receive(Some(ms(10))).unwrap();
    }
    assert!(client.outstanding().unwrap().0 <= 1);
    peers_known(&client)
}

#[test]
fn a_client_made_with_new_asks_for_the_candidates_and_takes_their_list() {
    let sim = answering(json!(["127.0.0.1", "127.0.0.77"]), 1);
    let port = sim.addresses()[0].port();
    let client = client_with(&peers_of(&sim), None, |options| {
        options.set_refresh_ms(20).unwrap();
        options.set_port(2999).unwrap();
    });
    until("two peers", || drop(client.receive(Some(ms(10)))), || peers_known(&client).len() == 2);
    assert_eq!(peers_known(&client), [format!("127.0.0.1:{port}"), "127.0.0.77".to_owned()]);
    assert_eq!(client.stats().unwrap().outstanding, 0);
}

#[test]
fn a_list_of_no_use_is_not_taken() {
    for list in [
        json!([]),
        json!(["2001:db8::1"]),
        json!(["127.0.0.1", "2001:db8::1"]),
        json!(["node"]),
        json!("x"),
        json!([1]),
    ] {
        let sim = answering(list.clone(), 2);
        assert_eq!(refreshed(&sim, ms(100)), peers_of(&sim), "{list}");
    }
}

#[test]
fn a_change_of_keys_leaves_outstanding_requests_their_own() {
    let (old, new) = (servers(&[slow(100, 120); 1]), servers_with_key(b"new\n", &[Default::default()]));
    let client = client(&peers_of(&old));
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let told = outcomes.clone();
    let mut request = master();
    client
        .query_async(
            &mut request,
            0,
            Some(ms(5_000)),
            Box::new(move |_, result| {
                told.lock().unwrap().push((result.outcome, result.received));
            }),
        )
        .unwrap();
    client.set_hmac_key(b"new\n").unwrap();
    client.update_peers(&[&peers_of(&new)[0]]).unwrap();
    assert_eq!(client.query(&mut master(), 0, Some(ms(5_000))).unwrap().outcome, Outcome::Answered);
    until("the first", || drop(client.receive(Some(ms(50)))), || !outcomes.lock().unwrap().is_empty());
    assert_eq!(*outcomes.lock().unwrap(), [(Outcome::Answered, 1)]);
    assert_eq!(client.stats().unwrap().retries, 0);
    assert_eq!(client.set_hmac_key(b"").unwrap_err().code(), Code::InvalidArgument);
}
