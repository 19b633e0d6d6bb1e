//! The datagrams captured from a real server, read and made again.

use serde_json::Value;

use crate::wire::envelope::{Envelope, Room, payload, readings};
use crate::wire::key::Key;
use crate::wire::query::{Query, RequestType};
use crate::wire::reply::Reply;
use crate::wire::request::{Request, Timestamp};
use crate::wire::salt::Salt;

const CAPTURED: &str = include_str!("../../tests/data/vectors.json");

fn base64(text: &Value) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for digit in text.as_str().unwrap().bytes().filter(|&byte| byte != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|&other| other == digit).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn captured() -> (Key, Vec<Value>) {
    let file: Value = serde_json::from_str(CAPTURED).unwrap();
    let vectors = file["vectors"].as_array().unwrap().clone();
    assert!(vectors.len() >= 25);
    (Key::new(&base64(&file["hmac_key_base64"])).unwrap(), vectors)
}

/// The datagram's envelope in the reading that verifies, as (salt, message).
fn open(datagram: &[u8], key: &Key) -> Option<(String, String)> {
    readings(payload(datagram).unwrap()).find_map(|reading| {
        let (envelope, mut room) = (Envelope::parse(&reading)?, Room::default());
        let signed = envelope.open(&mut room)?;
        let verified = envelope.is_signed_by(key, &signed);
        verified.then(|| (String::from_utf8(envelope.salt.to_vec()).unwrap(), signed.message.to_owned()))
    })
}

#[test]
fn every_captured_reply_verifies_and_is_read() {
    let (key, vectors) = captured();
    let mut latin1 = 0;
    for vector in &vectors {
        let datagram = base64(&vector["reply_base64"]);
        let (salt, message) = open(&datagram, &key).unwrap_or_else(|| panic!("{}", vector["name"]));
        assert_eq!(salt, vector["rsalt"]);
        let reply = Reply::parse(&message).unwrap();
        assert_eq!(reply.protocol(), 1);
        assert!(reply.is_ok() || reply.serial() == 0);
        latin1 += usize::from(std::str::from_utf8(&datagram).is_err());
    }
    assert_eq!(latin1, 1, "one reply is not UTF-8");
}

#[test]
fn the_requests_made_here_mean_what_was_captured() {
    let (key, vectors) = captured();
    for vector in &vectors {
        let kind = RequestType::from_number(vector["type"].as_i64().unwrap() as i32).unwrap();
        let query = Query::json(&vector["query"].to_string()).unwrap();
        let salt = Salt::from_text(vector["rsalt"].as_str().unwrap()).unwrap();
        let unix: u64 = vector["timestamp"].as_str().unwrap().parse().unwrap();
        let mut made = Vec::new();
        Request::new(kind, query, salt).pack(&key, &Timestamp::of(unix), 4_096, &mut made).unwrap();

        let theirs = base64(&vector["request_base64"]);
        let meaning = |datagram: &[u8]| {
            let (salt, message) = open(datagram, &key).unwrap();
            (salt, serde_json::from_str::<Value>(&message).unwrap())
        };
        assert_eq!(meaning(&made), meaning(&theirs), "{}", vector["name"]);
    }
}
