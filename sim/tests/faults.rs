//! Each fault, seen from the other end of a loopback socket.

use confd_sim::{Address, Candidate, Config, Counts, Faults, Key, Sim};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const KEY: &[u8] = b"key\n";
/// How long a reply may take that must come. Nothing waits this long unless something is broken.
const LONG: Duration = Duration::from_secs(10);

struct Client {
    sim: Sim,
    socket: UdpSocket,
}

/// A reply as it came.
struct Got {
    bytes: Vec<u8>,
    from: SocketAddr,
}

impl Client {
    fn of(faults: Faults) -> Client {
        let mut config = Config::simple(KEY, &[Ipv4Addr::LOCALHOST]);
        config.candidates[0].faults = faults;
        Client::new(config)
    }

    fn new(config: Config) -> Client {
        let sim = Sim::start(config).expect("free ports on loopback");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(LONG)).expect("a timeout");
        Client { sim, socket }
    }

    fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.sim.addresses()[0]).expect("loopback takes it");
    }

    fn receive(&self) -> Got {
        let mut bytes = vec![0; 70_000];
        let (length, from) = self.socket.recv_from(&mut bytes).expect("a reply");
        bytes.truncate(length);
        Got { bytes, from }
    }

    fn ask(&self, kind: u8, query: Value, rsalt: &str) -> Got {
        self.send(&request(kind, query, rsalt));
        self.receive()
    }

    /// A reply to a healthy ping: what was sent before it has been dealt with by now.
    fn settle(&self) -> Counts {
        self.sim.set_faults(0, Faults::default()).expect("a serving thread");
        loop {
            if self.ask(0, Value::Null, "settle").is_signed_for("settle") {
                return self.sim.counters()[0];
            }
        }
    }
}

impl Got {
    fn outer(&self) -> Value {
        serde_json::from_slice(&self.bytes[4..]).expect("an envelope")
    }

    fn inner(&self) -> Value {
        serde_json::from_str(self.outer()["msg"].as_str().expect("msg")).expect("a reply")
    }

    fn is_signed_for(&self, rsalt: &str) -> bool {
        let Ok(outer) = serde_json::from_slice::<Value>(self.bytes.get(4..).unwrap_or_default()) else {
            return false;
        };
        let text = |name: &str| outer[name].as_str().unwrap_or_default().to_string();
        text("salt") == rsalt
            && Key::new(KEY).verify(rsalt.as_bytes(), text("msg").as_bytes(), text("hmac").as_bytes())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn request(kind: u8, query: Value, rsalt: &str) -> Vec<u8> {
    let msg = json!({ "type": kind, "protocol": 1, "rsalt": rsalt, "query": query }).to_string();
    // Pure ASCII, or no server answers.
    let escape =
        |char: char| if char.is_ascii() { char.to_string() } else { format!("\\u{:04x}", char as u32) };
    let msg: String = msg.chars().map(escape).collect();
    signed(&msg, now(), KEY)
}

fn signed(msg: &str, time: u64, key: &[u8]) -> Vec<u8> {
    let salt = time.to_string();
    let hmac = Key::new(key).sign(salt.as_bytes(), msg.as_bytes());
    let hmac = String::from_utf8_lossy(&hmac);
    format!("plj0{}", json!({ "msg": msg, "salt": salt, "hmac": hmac })).into_bytes()
}

#[test]
fn a_healthy_candidate_answers_each_request_once() {
    let client = Client::of(Faults::default());
    for number in 0..200 {
        client.send(&request(0, Value::Null, &format!("salt-{number}")));
    }
    for number in 0..200 {
        assert!(client.receive().is_signed_for(&format!("salt-{number}")));
    }
    let counts = client.sim.counters()[0];
    assert_eq!((counts.requests, counts.bad_hmac), (200, 0));
}

#[test]
fn lost_and_silent_requests_get_no_reply_and_are_counted() {
    let client = Client::of(Faults { loss: 1.0, ..Faults::default() });
    client.send(&request(0, Value::Null, "s"));
    assert_eq!(client.settle().lost_requests, 1);
    client.sim.set_faults(0, Faults { silent: 1.0, ..Faults::default() }).expect("a serving thread");
    client.send(&request(0, Value::Null, "s"));
    assert_eq!(client.settle().silent, 1);
    client.sim.set_faults(0, Faults { reply_loss: 1.0, ..Faults::default() }).expect("a serving thread");
    client.send(&request(0, Value::Null, "s"));
    assert_eq!(client.settle().lost_replies, 1);
}

#[test]
fn loss_follows_its_probability_and_its_seed() {
    let lost = |seed: u64| {
        let mut config = Config::simple(KEY, &[Ipv4Addr::LOCALHOST]);
        config.seed = seed;
        config.candidates[0].faults.loss = 0.3;
        let client = Client::new(config);
        for _ in 0..500 {
            client.send(&request(0, Value::Null, "s"));
        }
        client.settle().lost_requests
    };
    let first = lost(7);
    assert!((100..200).contains(&first), "{first} of 500");
    assert_eq!(first, lost(7));
}

#[test]
fn a_duplicated_reply_comes_twice() {
    let client = Client::of(Faults { duplicate: 1.0, ..Faults::default() });
    let first = client.ask(0, Value::Null, "s");
    assert_eq!(first.bytes, client.receive().bytes);
}

#[test]
fn a_reordered_reply_comes_after_the_next_one() {
    let client = Client::of(Faults { reorder: 1.0, ..Faults::default() });
    client.send(&request(0, Value::Null, "first"));
    client.send(&request(0, Value::Null, "second"));
    assert!(client.receive().is_signed_for("second"));
    assert!(client.receive().is_signed_for("first"));
}

#[test]
fn a_held_reply_is_not_lost_when_no_other_follows() {
    let client = Client::of(Faults { reorder: 1.0, ..Faults::default() });
    assert!(client.ask(0, Value::Null, "alone").is_signed_for("alone"));
}

#[test]
fn a_delayed_reply_waits_and_holds_up_nobody() {
    let mut config = Config::simple(KEY, &[Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)]);
    config.candidates[0].faults = Faults::default().delay_ms(80, 120);
    let client = Client::new(config);
    let [slow, quick] = client.sim.addresses()[..] else { panic!("two candidates") };
    let start = Instant::now();
    client.send(&request(0, Value::Null, "s"));
    client.socket.send_to(&request(0, Value::Null, "s"), quick).expect("loopback takes it");
    assert_eq!(client.receive().from, quick);
    assert_eq!(client.receive().from, slow);
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[test]
fn wrong_signatures_and_salts_are_wrong_in_just_that() {
    let client = Client::of(Faults { wrong_signature: 1.0, ..Faults::default() });
    let got = client.ask(0, Value::Null, "salt-1");
    assert_eq!((&got.outer()["salt"], got.is_signed_for("salt-1")), (&json!("salt-1"), false));
    client.sim.set_faults(0, Faults { wrong_salt: 1.0, ..Faults::default() }).expect("a serving thread");
    let got = client.ask(0, Value::Null, "salt-1");
    let salt = got.outer()["salt"].as_str().expect("a salt").to_string();
    assert_ne!(salt, "salt-1");
    assert!(got.is_signed_for(&salt));
}

#[test]
fn a_wrong_source_is_another_port_or_another_address() {
    let client = Client::of(Faults { wrong_source: 1.0, ..Faults::default() });
    let own = client.sim.addresses()[0];
    let got = client.ask(0, Value::Null, "s");
    assert!(got.is_signed_for("s"));
    assert!(got.from.ip() == own.ip() && got.from.port() != own.port());
    let other = IpAddr::from([127, 0, 0, 77]);
    let faults = Faults { wrong_source: 1.0, wrong_source_address: Some(other), ..Faults::default() };
    client.sim.set_faults(0, faults).expect("a serving thread");
    assert_eq!(client.ask(0, Value::Null, "s").from.ip(), other);
}

#[test]
fn an_unloaded_candidate_says_so_to_everything() {
    let client = Client::of(Faults { unloaded: 1.0, ..Faults::default() });
    for kind in [0, 3] {
        let inner = client.ask(kind, Value::Null, "s").inner();
        assert_eq!((&inner["status"], &inner["serial"]), (&json!(1), &json!(0)));
        assert!(inner["answer"].is_string());
    }
}

#[test]
fn upper_case_digits_still_sign() {
    let client = Client::of(Faults { upper_hmac: 1.0, ..Faults::default() });
    let got = client.ask(0, Value::Null, "s");
    assert!(got.is_signed_for("s"));
    let hmac = got.outer()["hmac"].as_str().expect("hex").to_string();
    assert_eq!(hmac, hmac.to_ascii_uppercase());
}

#[test]
fn garbage_and_cut_replies_are_no_replies() {
    let client = Client::of(Faults { garbage: 1.0, ..Faults::default() });
    assert!(!client.ask(0, Value::Null, "s").is_signed_for("s"));
    client.sim.set_faults(0, Faults { truncate: 1.0, ..Faults::default() }).expect("a serving thread");
    let got = client.ask(0, Value::Null, "s");
    assert!(b"plj0{\"hmac\":\"".starts_with(&got.bytes[..got.bytes.len().min(13)]));
    assert!(!got.is_signed_for("s"));
}

#[test]
fn beyond_ascii_a_reply_is_latin_1_unless_utf_8_is_asked_for() {
    let client = Client::of(Faults::default());
    let got = client.ask(1, json!("n\u{e9}.example.com"), "s");
    assert!(std::str::from_utf8(&got.bytes).is_err());
    let text: String = got.bytes.iter().map(|&byte| char::from(byte)).collect();
    let again = Got { bytes: text.into_bytes(), from: got.from };
    assert!(again.is_signed_for("s"), "signed as UTF-8");
    client.sim.set_faults(0, Faults { utf8: true, ..Faults::default() }).expect("a serving thread");
    assert!(client.ask(1, json!("n\u{e9}.example.com"), "s").is_signed_for("s"));
}

#[test]
fn drops_are_counted_by_reason() {
    let client = Client::of(Faults::default());
    let ping = r#"{"type":0,"protocol":1,"rsalt":"s","query":null}"#;
    client.send(b"plj1{}");
    client.send(b"");
    client.send(b"plj0{}");
    client.send(&signed(ping, now(), b"key"));
    client.send(&signed(ping, now() - 302, KEY));
    client.send(&request(12, Value::Null, "s"));
    client.send(&request(3, json!({ "3": ["0"] }), "s"));
    client.send(&request(0, Value::Null, &"s".repeat(4096)));
    let counts = client.settle();
    assert_eq!((counts.bad_magic, counts.bad_envelope, counts.bad_hmac), (2, 1, 1));
    assert_eq!((counts.bad_timestamp, counts.bad_request, counts.too_long), (1, 2, 1));
}

#[test]
fn a_reply_beyond_what_udp_carries_is_never_sent() {
    let client = Client::of(Faults::default());
    let put = |length: usize| {
        let config = json!({ "large": "x".repeat(length), "version": 1, "cluster": { "serial_no": 1 } });
        let cluster = confd_sim::Cluster::from_config_data(config);
        client.sim.change(0, |it| it.cluster = cluster).expect("a serving thread");
    };
    let around = 65_507 - frame_length(&client);
    put(around);
    assert_eq!(client.ask(10, json!("/large"), "s").bytes.len(), 65_507);
    put(around + 1);
    client.send(&request(10, json!("/large"), "s"));
    assert_eq!(client.settle().reply_too_long, 1);
}

/// The length of a reply to `/large` beside the text itself.
fn frame_length(client: &Client) -> usize {
    let config = json!({ "large": "", "version": 1, "cluster": { "serial_no": 1 } });
    let cluster = confd_sim::Cluster::from_config_data(config);
    client.sim.change(0, |it| it.cluster = cluster).expect("a serving thread");
    client.ask(10, json!("/large"), "s").bytes.len()
}

#[test]
fn candidates_share_a_port_or_have_their_own_over_both_families() {
    let mut config = Config::simple(KEY, &[Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2)]);
    config
        .candidates
        .push(Candidate::new("six", Address::Own((Ipv6Addr::LOCALHOST, 0).into())).with_serial(7));
    config.threads = 2;
    let client = Client::new(config);
    let addresses = client.sim.addresses();
    assert_eq!(addresses[0].port(), addresses[1].port());
    let socket = UdpSocket::bind("[::1]:0").expect("IPv6 on loopback");
    socket.set_read_timeout(Some(LONG)).expect("a timeout");
    socket.send_to(&request(3, Value::Null, "s"), addresses[2]).expect("loopback takes it");
    let mut bytes = vec![0; 2048];
    let (length, from) = socket.recv_from(&mut bytes).expect("a reply");
    bytes.truncate(length);
    assert_eq!(Got { bytes, from }.inner()["serial"], 7);
    assert_eq!(client.ask(3, Value::Null, "s").inner()["serial"], 42);
}

#[test]
fn a_stopped_simulator_frees_its_sockets() {
    let client = Client::of(Faults::default());
    let address = client.sim.addresses()[0];
    client.sim.stop();
    UdpSocket::bind(address).expect("free again");
}
