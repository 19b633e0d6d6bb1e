//! Captured datagrams: the simulator takes the requests and sends the replies byte for byte.

use confd_sim::reply::{Encoding, Prepared};
use confd_sim::request::{Dropped, Reader};
use confd_sim::{Cluster, Key, answer::answer};
use serde_json::Value;

fn captured() -> Value {
    serde_json::from_str(include_str!("data/captured.json")).expect("test data is JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// Each character is one byte.
fn bytes(value: &Value) -> Vec<u8> {
    text(value).chars().map(|char| char as u8).collect()
}

/// The cluster that a datagram was captured from: it got more instances on the way, and once it was
/// a stale candidate's.
fn cluster_of(captured: &Value, datagram: &Value) -> Cluster {
    let mut description = captured["cluster"].clone();
    if datagram["time"].as_u64() > captured["datagrams"][0]["time"].as_u64() {
        description["instances"] = captured["later_instances"].clone();
    }
    let cluster = Cluster::describe(&description).expect("a sound description");
    match text(&datagram["name"]).contains("stale") {
        true => cluster.with_master("node2.example.com").with_serial(3179),
        false => cluster,
    }
}

#[test]
fn captured_requests_get_the_captured_replies() {
    let captured = captured();
    let key = Key::new(text(&captured["key"]).as_bytes());
    let datagrams = captured["datagrams"].as_array().expect("a list");
    assert_eq!(datagrams.len(), 25);
    for datagram in datagrams {
        let name = text(&datagram["name"]);
        let (request, reply) = (bytes(&datagram["request"]), bytes(&datagram["reply"]));
        let mut reader = Reader::default();
        let now = datagram["time"].as_u64().expect("a time");
        let request = reader.read(&request, &key, now).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let cluster = cluster_of(&captured, datagram);
        let said = answer(&cluster, &[], request.kind, request.query).expect(name);
        let prepared = Prepared::new(&said, Encoding::Latin1);
        let mut out = Vec::new();
        prepared.write(&prepared.sign(&key, request.rsalt), request.rsalt, &mut out);
        if matches!(request.kind, 8 | 9) {
            // Objects of the configuration: the order of their members is the real server's own.
            let msg = |bytes: &[u8]| -> Value {
                let outer: Value = serde_json::from_slice(&bytes[4..]).expect("an envelope");
                serde_json::from_str(text(&outer["msg"])).expect("a reply")
            };
            assert_eq!(msg(&out), msg(&reply), "{name}");
        } else {
            assert_eq!(out.escape_ascii().to_string(), reply.escape_ascii().to_string(), "{name}");
        }
    }
}

#[test]
fn every_changed_byte_of_a_request_is_noticed() {
    let captured = captured();
    let key = Key::new(text(&captured["key"]).as_bytes());
    let ping = bytes(&captured["datagrams"][0]["request"]);
    let now = captured["datagrams"][0]["time"].as_u64().expect("a time");
    let mut reader = Reader::default();
    let original = format!("{:?}", reader.read(&ping, &key, now));
    for at in 0..ping.len() {
        for change in [1, 0x80] {
            let mut changed = ping.clone();
            changed[at] ^= change;
            let got = format!("{:?}", reader.read(&changed, &key, now));
            assert!(got.starts_with("Err") || got == original, "byte {at}: {got}");
        }
        assert!(reader.read(&ping[..at], &key, now).is_err(), "cut at {at}");
    }
}

/// A request with these members, in this text form, signed soundly.
fn request(msg: &str, salt: &str, key: &Key) -> Vec<u8> {
    let hmac = key.sign(salt.as_bytes(), msg.as_bytes());
    let hmac = std::str::from_utf8(&hmac).expect("hex");
    format!("plj0{}", serde_json::json!({ "msg": msg, "salt": salt, "hmac": hmac })).into_bytes()
}

#[test]
fn requests_are_read_and_dropped_as_the_real_server_does() {
    let key = Key::new(b"key\n");
    let ping = r#"{"type":0,"protocol":1,"rsalt":"s","query":null}"#;
    let read = |msg: &str, salt: &str, now: u64| {
        Reader::default().read(&request(msg, salt, &key), &key, now).map(|it| (it.kind, it.query.to_vec()))
    };
    let fine = Ok((0, b"null".to_vec()));
    assert_eq!(read(ping, "1000", 1000), fine);
    assert_eq!(read(ping, "1000", 1300), fine);
    assert_eq!(read(ping, "1000", 700), fine);
    assert_eq!(read(ping, "1000", 1301), Err(Dropped::Timestamp));
    assert_eq!(read(ping, "1000", 699), Err(Dropped::Timestamp));
    assert_eq!(read(ping, " 01000", 1000), fine);
    for salt in ["1000.5", "+1000", "", "x"] {
        assert_eq!(read(ping, salt, 1000), Err(Dropped::Timestamp), "{salt}");
    }
    let at_once = |msg: &str| read(msg, "1000", 1000);
    assert_eq!(at_once(r#" {"type" : 0.0 , "protocol":2, "rsalt":"s"} "#), fine, "a query may be missing");
    for msg in [
        r#"{"type":0,"rsalt":"s","query":null}"#,
        r#"{"type":0,"protocol":1,"query":null}"#,
        r#"{"protocol":1,"rsalt":"s","query":null}"#,
        r#"{"type":0,"protocol":1,"rsalt":"s","query":null,"more":1}"#,
        r#"{"type":"0","protocol":1,"rsalt":"s","query":null}"#,
        r#"{"type":0,"protocol":1,"rsalt":"s","query":null}x"#,
        r#"[]"#,
        "{",
        "",
    ] {
        assert_eq!(at_once(msg), Err(Dropped::Request), "{msg}");
    }
    let mut leading_space = request(ping, "1000", &key);
    leading_space.insert(4, b' ');
    assert_eq!(Reader::default().read(&leading_space, &key, 1000), Err(Dropped::Envelope));
}

#[test]
fn raw_utf8_in_a_request_never_verifies() {
    let key = Key::new(b"key\n");
    let raw = request("{\"type\":1,\"protocol\":1,\"rsalt\":\"s\",\"query\":\"n\u{e9}\"}", "1000", &key);
    assert_eq!(Reader::default().read(&raw, &key, 1000), Err(Dropped::Signature));
    let escaped = String::from_utf8(raw).expect("UTF-8").replace('\u{e9}', "\\u00e9");
    let mut reader = Reader::default();
    let request = reader.read(escaped.as_bytes(), &key, 1000).expect("escaped it is taken");
    assert_eq!(request.query, "\"n\u{e9}\"".as_bytes());
}
