//! The program: what it prints, how it ends, what it says to a bad configuration.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_confd-sim"))
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program().args(arguments).output().expect("it starts");
    (status.code(), String::from_utf8_lossy(&stdout).into(), String::from_utf8_lossy(&stderr).into())
}

#[test]
fn it_says_when_it_is_ready_and_ends_with_its_input() {
    let mut child = program()
        .args(["--until-eof", "--stats", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/three.json")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let lines: Vec<String> = lines.take(4).map(|line| line.expect("text")).collect();
    let port = |line: &str| line.rsplit_once(':').expect("a port").1.to_string();
    assert!(lines[0].starts_with("ready current 127.0.0.1:"), "{lines:?}");
    assert!(lines[1].starts_with("ready stale 127.0.0.2:"), "{lines:?}");
    assert!(lines[2].starts_with("ready slow 127.0.0.3:"), "{lines:?}");
    assert_eq!((port(&lines[0]), port(&lines[0])), (port(&lines[1]), port(&lines[2])));
    assert_eq!(lines[3], "serving 3 candidates");
    child.stdin.take().expect("a pipe").write_all(b"ignored").expect("it reads");
    let mut stats = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stats).expect("text");
    assert!(child.wait().expect("it ends").success());
    let stats: Value = serde_json::from_str(&stats).expect("JSON");
    assert_eq!(stats["candidates"][1]["counters"]["requests"], 0);
}

#[test]
fn its_time_runs_out() {
    let (code, out, _) = run(&["--key", "k", "--listen", "127.0.0.1:0", "--seconds", "0"]);
    assert_eq!(code, Some(0));
    assert!(out.ends_with("serving 1 candidates\n"), "{out}");
}

#[test]
fn a_bad_configuration_is_named_with_its_remedy() {
    let folder = std::env::temp_dir().join(format!("confd-sim-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join("bad.json");
    let complaint = |text: &str| {
        std::fs::write(&path, text).expect("a file for the test");
        let (code, _, error) = run(&["--check", path.to_str().expect("UTF-8")]);
        assert_eq!(code, Some(2), "{text}");
        error
    };
    let candidates = |text: &str| format!(r#"{{"key": "k", "candidates": [{text}]}}"#);
    let cases = [
        ("{", "bad.json: not JSON"),
        (r#"{"candidates": []}"#, "bad.json: candidates: expected at least one candidate"),
        (r#"{"candidates": [{"address": "::1"}]}"#, "exactly one of"),
        (&candidates(r#"{"address": "nowhere"}"#), "candidates[0].address: expected an address"),
        (
            &candidates(r#"{"address": "::1", "faults": {"loss": 3}}"#),
            "candidates[0].faults.loss: expected a prob",
        ),
        (
            &candidates(r#"{"address": "::1", "fault": {}}"#),
            r#"candidates[0]: no member "fault" here; allowed: name,"#,
        ),
        (
            &candidates(r#"{"address": "::1", "cluster": {"master": "x"}}"#),
            r#"candidates[0].cluster.master: expected the name of one of the nodes, found "x""#,
        ),
    ];
    for (text, expected) in cases {
        let error = complaint(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
    std::fs::remove_dir_all(&folder).expect("the test's own folder");
}

#[test]
fn wrong_options_are_told_from_help() {
    for wrong in
        [&["--nope"][..], &[], &["--fault", "loss=2"], &["--port", "x"], &["--key"], &["--address", "a:1"]]
    {
        let (code, out, error) = run(wrong);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(error.starts_with("confd-sim: "), "{error}");
    }
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("--self-test"));
}

#[test]
fn an_address_in_use_is_a_failure_to_serve() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = taken.local_addr().expect("an address").to_string();
    let (code, _, error) = run(&["--key", "k", "--listen", &address]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&address), "{error}");
}

#[test]
fn the_self_test_gets_all_its_replies() {
    let (code, out, _) = run(&["--self-test", "2000"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("2000 requests, 2000 replies"), "{out}");
}
