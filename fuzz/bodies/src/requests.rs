//! Options and requests from any arguments. Each call gives the code that its page names, and what leaves is ASCII,
//! parses, verifies, keeps to its limit and means what was asked.

mod data_dir;

use std::ffi::{CString, c_char, c_void};
use std::net::IpAddr;
use std::ptr;

use confdclient::ffi::options as set;
use serde_json::{Value, json};

use crate::api::{
    BAD_PEER, Client, INVALID, MISSING_SALT, MIXED, NO_PEERS, NOT_FOUND, OK, Options, REQUEST_TYPE, Request,
    TOO_BIG, c, confd_client, confd_result, confd_upcall, last_error,
};
use crate::json;
use crate::places::{V4, V6};
use crate::source::Source;
use crate::wire::Question;

/// The most requests of an input.
const MOST: usize = 32;

/// The limit of the protocol.
const LARGEST: usize = 65_507;

pub fn run(source: &mut Source) {
    null_handles(source);
    if source.once_in(8) {
        return data_dir::run(source);
    }
    let options = Options::new();
    let mut told = Limits { bytes: 4_096, expire_ms: 10_000, bind: false };
    let count = source.below(8);
    for _ in 0..count {
        option(source, &options, &mut told);
    }
    assert_eq!(options.set(set::confd_options_set_external_io, 1), OK);
    assert_eq!(options.set(set::confd_options_set_retry_ms, 0), OK);
    assert_eq!(options.set(set::confd_options_set_refresh_ms, 0), OK);
    let key = if source.once_in(3) { source.bytes(100) } else { b"hmac\n".to_vec() };
    let Some(client) = client(source, &key, &options, &told) else { return };
    let large = Options::new();
    assert_eq!(large.set(set::confd_options_set_external_io, 1), OK);
    assert_eq!(large.set(set::confd_options_set_retry_ms, 0), OK);
    assert_eq!(large.set(set::confd_options_set_max_request_bytes, LARGEST), OK);
    let other = Client::new(&key, &[c("::1")], Some(on_upcall), ptr::null_mut(), &large).expect("a client");
    for round in 0..MOST {
        if round > 0 && source.is_empty() {
            break;
        }
        if let Some(asked) = asked(source) {
            check(source, &asked, client, other, &key, &told);
        }
        crate::counts::unit();
    }
    client.free();
    other.free();
}

/// What the options say, as far as it matters here.
struct Limits {
    bytes: usize,
    expire_ms: i32,
    bind: bool,
}

fn option(source: &mut Source, options: &Options, told: &mut Limits) {
    let number = source.integer();
    let size = if source.once_in(8) { usize::MAX } else { number as usize };
    let at_least = |least: i32| if number >= least { OK } else { INVALID };
    match source.below(10) {
        0 => {
            let port = number as u16;
            assert_eq!(options.set(set::confd_options_set_port, port), if port == 0 { INVALID } else { OK });
        }
        1 => {
            assert_eq!(options.set(set::confd_options_set_expire_ms, number), at_least(1));
            told.expire_ms = if number > 0 { number } else { told.expire_ms };
        }
        2 => {
            let fits = (1..=LARGEST).contains(&size);
            let code = options.set(set::confd_options_set_max_request_bytes, size);
            assert_eq!(code, if fits { OK } else { INVALID });
            told.bytes = if fits { size } else { told.bytes };
        }
        3 => assert_eq!(options.set(set::confd_options_set_filter, number), OK),
        4 => assert_eq!(options.set(set::confd_options_set_any_source, number), OK),
        5 => assert_eq!(options.set(set::confd_options_set_retry_ms, number), at_least(0)),
        6 => assert_eq!(options.set(set::confd_options_set_refresh_ms, number), at_least(0)),
        7 => {
            let fits = (1..=i32::MAX as usize).contains(&size);
            assert_eq!(
                options.set(set::confd_options_set_receive_buffer, size),
                if fits { OK } else { INVALID }
            );
        }
        8 => {
            let text = c(source.c_text(40));
            let code = options.set(set::confd_options_set_bind_address, text.as_ptr());
            let is_address = text.to_str().is_ok_and(|text| text.parse::<IpAddr>().is_ok());
            let has_zone = text.as_bytes().contains(&b'%');
            assert!(has_zone || code == if is_address { OK } else { INVALID }, "{text:?}: {code}");
            told.bind |= code == OK;
        }
        _ => {
            let log: crate::api::confd_log_fn = if source.once_in(2) { Some(on_line) } else { None };
            let code = options.set_log(log, ptr::null_mut(), number);
            assert_eq!(code, if (0..=3).contains(&number) { OK } else { INVALID });
        }
    }
}

fn client(source: &mut Source, key: &[u8], options: &Options, told: &Limits) -> Option<Client> {
    let count = if source.once_in(4) { source.below(6) } else { 1 };
    let mut peers: Vec<CString> = Vec::new();
    for index in 0..count {
        peers.push(match source.below(5) {
            0 => c(source.c_text(60)),
            1 => V6[index].peer.to_owned(),
            _ => V4[index].peer.to_owned(),
        });
    }
    let known = |peer: &CString| {
        let family =
            |places: &[crate::places::Place]| places.iter().any(|place| place.peer == peer.as_c_str());
        if family(&V4) {
            Some(4)
        } else if family(&V6) {
            Some(6)
        } else {
            None
        }
    };
    let families: Vec<Option<i32>> = peers.iter().map(known).collect();
    match Client::new(key, &peers, Some(on_upcall), ptr::null_mut(), options) {
        Ok(client) => {
            assert!(!key.is_empty() && !peers.is_empty());
            Some(client)
        }
        Err(code) => {
            let all_known = families.iter().all(Option::is_some);
            let one_family = families.windows(2).all(|pair| pair[0] == pair[1]);
            match code {
                INVALID => assert!(key.is_empty() || peers.iter().any(|peer| peer.to_str().is_err())),
                NO_PEERS => assert!(peers.is_empty()),
                BAD_PEER => assert!(!all_known, "{peers:?}: {}", last_error()),
                MIXED => assert!(told.bind || !all_known || !one_family, "{peers:?}: {}", last_error()),
                other => panic!("{other}: {}", last_error()),
            }
            None
        }
    }
}

/// A request, and what it asks.
struct Asked {
    request: Request,
    query: Value,
    /// Of a list of addresses: these, and their link.
    list: Option<(Vec<String>, Option<String>)>,
    /// Whether the program chose its salt, which then may serve twice.
    is_salt_given: bool,
}

fn asked(source: &mut Source) -> Option<Asked> {
    let kind =
        if source.once_in(8) { source.integer() } else { source.pick(&[0, 1, 2, 2, 2, 3, 3, 10, 11, 7]) };
    let text = source.once_in(2).then(|| c(source.c_text(200)));
    let plain = text.as_ref().map(|text| text.to_str().map(str::to_owned));
    let request = match Request::new(kind, text.as_deref()) {
        Ok(request) => request,
        Err(code) => {
            let is_kind = (0..12).contains(&kind);
            assert_eq!(code, if is_kind { INVALID } else { REQUEST_TYPE });
            assert!(!is_kind || matches!(plain, Some(Err(_))));
            return None;
        }
    };
    let query =
        plain.map_or(Value::Null, |text| Value::String(text.expect("a text that was taken is UTF-8")));
    let mut asked = Asked { request, query, list: None, is_salt_given: false };
    assert_eq!(asked.request.kind(), kind);
    let count = source.below(4);
    for _ in 0..count {
        change(source, &mut asked);
    }
    Some(asked)
}

/// The texts as they are meant; `None` where one is not UTF-8.
fn plain<'a>(texts: impl IntoIterator<Item = &'a CString>) -> Option<Vec<String>> {
    texts.into_iter().map(|text| text.to_str().ok().map(str::to_owned)).collect()
}

fn change(source: &mut Source, asked: &mut Asked) {
    let Asked { request, query, list, is_salt_given } = asked;
    let link = source.once_in(3).then(|| c(source.c_text(60)));
    let link_text = plain(&link).map(|link| link.into_iter().next());
    let with_link = |mut query: Value| {
        if let Some(Some(link)) = &link_text {
            query["0"] = json!(link);
        }
        query
    };
    let of_kind = |kind: i32| if request.kind() == kind { OK } else { REQUEST_TYPE };
    match source.below(6) {
        0 => {
            let ip = (!source.once_in(8)).then(|| c(source.c_text(60)));
            let text = plain(&ip).and_then(|ip| ip.into_iter().next());
            let code = request.set_ip(ip.as_deref(), link.as_deref());
            assert_eq!(code, if text.is_none() || link_text.is_none() { INVALID } else { of_kind(2) });
            if code == OK {
                (*query, *list) = (with_link(json!({ "1": text })), None);
            }
        }
        1 => {
            let count = source.pick(&[0, 1, 2, 7, 100, 400]);
            let one = c(source.c_text(40));
            let ips: Vec<CString> = (0..count)
                .map(|index| if index % 3 == 0 { one.clone() } else { c(format!("192.0.2.{}", index % 256)) })
                .collect();
            let texts = plain(&ips);
            let code = request.set_ips(&ips, link.as_deref());
            assert_eq!(code, if texts.is_none() || link_text.is_none() { INVALID } else { of_kind(2) });
            if let (OK, Some(texts)) = (code, texts) {
                *query = with_link(json!({ "2": texts }));
                *list = Some((texts, link_text.flatten()));
            }
        }
        2 => {
            let count = source.below(5);
            let fields: Vec<i32> = (0..count)
                .map(|_| if source.once_in(8) { source.integer() } else { source.below(3) as i32 })
                .collect();
            let code = request.set_fields(&fields);
            let valid = fields.iter().all(|field| (0..3).contains(field));
            assert_eq!(
                code,
                if of_kind(3) != OK {
                    REQUEST_TYPE
                } else if valid {
                    OK
                } else {
                    INVALID
                }
            );
            if code == OK {
                (*query, *list) = (json!({ "3": fields }), None);
            }
        }
        3 => {
            let mut text = String::new();
            json::value(source, &mut text, 3);
            let text = if source.once_in(6) { source.c_text(60) } else { text.into_bytes() };
            let value = serde_json::from_slice::<Value>(&text).ok();
            let value = value.filter(|value| value.is_null() || value.is_string() || value.is_object());
            let code = request.set_query_json(Some(&c(text)));
            assert_eq!(code, if value.is_some() { OK } else { INVALID }, "{value:?}");
            if let Some(value) = value {
                (*query, *list) = (value, None);
            }
        }
        4 => {
            let salt = (!source.once_in(4)).then(|| c(source.c_text(60)));
            let text = salt.as_ref().map(|salt| salt.to_str());
            let before = request.salt();
            let code = request.set_salt(salt.as_deref());
            assert_eq!(code, if matches!(text, Some(Err(_))) { INVALID } else { OK });
            if code == OK {
                *is_salt_given = salt.is_some();
            }
            match text {
                Some(Ok(text)) => assert_eq!(request.salt(), text),
                Some(Err(_)) => assert_eq!(request.salt(), before),
                None => assert!(request.salt() != before && request.salt().len() == 36),
            }
        }
        _ => assert_eq!(request.set_query_json(None), INVALID),
    }
}

/// Sends it, and looks at what leaves.
fn check(source: &mut Source, asked: &Asked, client: Client, other: Client, key: &[u8], told: &Limits) {
    let Asked { request, query, list, is_salt_given } = asked;
    let shown = request.query_json();
    assert!(shown.is_ascii(), "{shown}");
    assert_eq!(serde_json::from_str::<Value>(&shown).ok().as_ref(), Some(query), "{shown}");
    let salt = c(request.salt());
    // What the datagram measures is found by a client that has the largest limit.
    let size = match other.send(request, 0, 0, ptr::null_mut()) {
        OK => {
            let (data, ip, port) = other.poll_transmit().expect("a datagram");
            assert!(ip == "::1" && port > 0 && other.poll_transmit() == Err(NOT_FOUND));
            means(&data, asked, &salt, key);
            assert_eq!(other.cancel(&salt), OK);
            data.len()
        }
        MISSING_SALT => {
            assert!(salt.is_empty());
            return assert_eq!(client.send(request, 0, 0, ptr::null_mut()), MISSING_SALT);
        }
        // A salt that the program gave may have served already.
        crate::api::DUPLICATE_SALT => return assert!(is_salt_given),
        code => {
            assert_eq!(code, TOO_BIG);
            usize::MAX
        }
    };
    assert!(size <= LARGEST || size == usize::MAX);
    assert_eq!(request.set_salt(Some(&salt)), OK);
    if list.is_some() && source.once_in(2) {
        return in_parts(asked, client, key, told, size);
    }
    match client.send(request, -1, 0, ptr::null_mut()) {
        OK => {
            assert!(size <= told.bytes, "{size} bytes, more than {}", told.bytes);
            let mut datagrams = 0;
            while let Ok((data, _, _)) = client.poll_transmit() {
                assert_eq!(data.len(), size);
                means(&data, asked, &salt, key);
                datagrams += 1;
            }
            assert!(datagrams > 0 || told.expire_ms < 10_000);
        }
        TOO_BIG => assert!(size > told.bytes, "{size} bytes, not more than {}", told.bytes),
        code => assert!(code == crate::api::DUPLICATE_SALT && *is_salt_given, "{code}"),
    }
}

/// That a datagram asks what was asked.
fn means(data: &[u8], asked: &Asked, salt: &CString, key: &[u8]) {
    let question = Question::read(data);
    assert!(question.sealed.is_signed_by(key));
    assert_eq!(question.kind, i64::from(asked.request.kind()));
    assert_eq!(question.query, asked.query);
    assert_eq!(Ok(question.salt.as_str()), salt.to_str());
}

/// A list that is too long for one datagram is asked in several, which together ask all of it.
fn in_parts(asked: &Asked, client: Client, key: &[u8], told: &Limits, size: usize) {
    let Some((ips, link)) = &asked.list else { return };
    let code = client.query_async(&asked.request, 1, -1, Some(on_result), ptr::null_mut());
    if code == TOO_BIG {
        return assert!(size > told.bytes);
    }
    assert_eq!(code, OK);
    let mut together: Vec<Value> = Vec::new();
    let mut datagrams = 0;
    while let Ok((data, _, _)) = client.poll_transmit() {
        assert!(data.len() <= told.bytes);
        let question = Question::read(&data);
        assert!(question.sealed.is_signed_by(key));
        assert_eq!(question.query.get("0").and_then(Value::as_str), link.as_deref());
        together.extend(question.query["2"].as_array().expect("a list").iter().cloned());
        datagrams += 1;
    }
    // A part has a fresh salt, which may be shorter than the program's: then one can hold all.
    assert!(datagrams == 1 || size > told.bytes);
    assert_eq!(Value::Array(together), json!(ips));
    assert_eq!(client.cancel(&c(asked.request.salt())), OK);
}

/// NULL is an error, and never a crash.
fn null_handles(source: &mut Source) {
    let (none, text) = (ptr::null_mut(), c"text");
    assert_eq!(Options(ptr::null_mut()).set(set::confd_options_set_port, 1), INVALID);
    assert_eq!(Options(ptr::null_mut()).set_log(None, none, 0), INVALID);
    let (client, request) = (Client(ptr::null_mut()), Request(ptr::null_mut()));
    match source.below(8) {
        0 => assert_eq!(client.send(&request, 0, 0, none), INVALID),
        1 => assert_eq!(client.query_async(&request, 0, 0, None, none), INVALID),
        2 => assert_eq!(client.handle_datagram(b"plj0", text, 1), INVALID),
        3 => assert_eq!(client.wait(text, 0).0, INVALID),
        4 => assert_eq!(client.cancel(text), INVALID),
        5 => assert_eq!(client.poll_transmit(), Err(INVALID)),
        6 => assert_eq!(request.set_ips(&[c""; 0], None), INVALID),
        _ => assert_eq!(client.update_peers(&[c""; 0]), INVALID),
    }
    assert_eq!(request.set_salt(None), INVALID);
    assert_eq!(request.kind(), -1);
    client.free();
}

unsafe extern "C" fn on_upcall(_: *mut confd_client, _: *const confd_upcall, _: *mut c_void) {}

unsafe extern "C" fn on_result(_: *mut confd_client, result: *const confd_result, _: *mut c_void) {
    // SAFETY: the result is valid.
    assert_eq!(unsafe { (*result).outcome }, 3);
}

unsafe extern "C" fn on_line(_: i32, message: *const c_char, _: *mut c_void) {
    assert!(crate::api::text_of(message).is_some_and(|line| !line.contains(char::is_control)));
}
