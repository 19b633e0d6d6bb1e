//! JSON pointers and accessors on an answer of any JSON, each look-up beside two plain evaluations: one that walks
//! the text member by member, and, where it can hold the answer, `serde_json::Value`.

mod reference;

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use confdclient::ffi::options::confd_options_set_external_io;
use confdclient::ffi::reply as get;
use confdclient::ffi::typed;
use serde_json::Value;

use crate::api::{
    Client, INVALID, NOT_FOUND, OK, Options, Reply, Request, WRONG_TYPE, c, confd_client, confd_reply,
    confd_upcall, said, text_of,
};
use crate::json;
use crate::source::Source;
use crate::wire::{Message, hex, sign};
use reference::{Found, Node};

const KEY: &[u8] = b"key";

/// The most look-ups of an input.
const MOST: usize = 128;

pub fn run(source: &mut Source) {
    let mut answer = String::new();
    if source.once_in(8) {
        answer = String::from_utf8_lossy(&source.bytes(200)).into_owned();
    } else {
        json::value(source, &mut answer, 4);
    }
    let status = source.pick(&[0, 0, 0, 1, 2, -5]);
    let message = format!("{{\"protocol\":1,\"status\":{status},\"answer\":{answer},\"serial\":7}}");
    let read = Message::read(&message);
    let Some(reply) = reply(&message) else {
        return assert!(read.is_none(), "a well-formed reply was dropped: {message}");
    };
    let read = read.unwrap_or_else(|| panic!("a malformed reply was taken: {message}"));
    let text = read.answer.as_str();
    assert_eq!(said(reply.0), (read.status, read.protocol, read.serial, text));
    let value = serde_json::from_str::<Value>(text).ok();
    let mut keys_before = Vec::new();
    for round in 0..MOST {
        if round > 0 && source.is_empty() {
            break;
        }
        let pointer = pointer(source, text);
        look(source, &reply, text, value.as_ref(), &pointer);
        list_forms(&reply, text, source.below(5));
        crate::counts::unit();
        // What was handed out stays where it is.
        let mut name = ptr::null();
        // SAFETY: the reply, the pointer and the place are valid.
        if unsafe { get::confd_reply_key(reply.0, c"".as_ptr(), source.below(4), &mut name) } == OK {
            keys_before.push((name, text_of(name)));
        }
    }
    for (name, text) in keys_before {
        assert_eq!(text_of(name), text);
    }
}

/// Has a client take in a reply with this message; `None` if it drops it.
fn reply(message: &str) -> Option<Reply> {
    let taken: RefCell<Option<Reply>> = RefCell::default();
    let data = ptr::from_ref(&taken).cast_mut().cast();
    let options = Options::new();
    assert_eq!(options.set(confd_options_set_external_io, 1), OK);
    let client = Client::new(KEY, &[c("192.0.2.1:1")], Some(take), data, &options).expect("a client");
    let request = Request::new(0, None).expect("a request");
    assert_eq!(client.send(&request, 0, 0, ptr::null_mut()), OK);
    let (salt, tag) = (request.salt(), hex(&sign(KEY, &request.salt(), message)));
    let message = serde_json::to_string(message).expect("a text is JSON");
    let datagram = format!("plj0{{\"hmac\":\"{tag}\",\"msg\":{message},\"salt\":\"{salt}\"}}");
    assert_eq!(client.handle_datagram(datagram.as_bytes(), c"192.0.2.1", 1), OK);
    client.free();
    taken.into_inner()
}

unsafe extern "C" fn take(_: *mut confd_client, upcall: *const confd_upcall, data: *mut c_void) {
    // SAFETY: the upcall is valid, and the data is a place for a reply.
    unsafe {
        if !(*upcall).reply.is_null() {
            *(*data.cast::<RefCell<Option<Reply>>>()).borrow_mut() = Some(Reply::clone_of((*upcall).reply));
        }
    }
}

/// A pointer that mostly leads somewhere.
fn pointer(source: &mut Source, text: &str) -> Vec<u8> {
    if source.once_in(12) {
        return source.c_text(100);
    }
    let mut pointer = String::new();
    let mut at = Some(Node(text));
    let levels = match source.below(24) {
        23 => source.pick(&[509, 510, 511, 512, 600]),
        few => few % 6,
    };
    for _ in 0..levels {
        let children = at.as_ref().map(Node::children).unwrap_or_default();
        let token = match (&children, source.below(10)) {
            (Some(children), 2..) if !children.is_empty() => {
                let (name, node) = &children[source.below(children.len())];
                at = Some(Node(node.0));
                name.clone()
            }
            (Some(children), 1) => children.len().to_string(),
            _ => {
                at = None;
                source
                    .pick(&[
                        "0",
                        "-",
                        "00",
                        "+1",
                        "01",
                        "a",
                        "",
                        "18446744073709551616",
                        "\u{e9}",
                        "a/b",
                        "~",
                    ])
                    .into()
            }
        };
        pointer.push('/');
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
    }
    if source.once_in(16) {
        pointer.push_str(source.pick(&["~", "~2", "/~0~", "x"]));
    }
    pointer.retain(|character| character != '\0');
    pointer.into_bytes()
}

/// A value that an accessor gives, or its error.
fn value_of<T>(nothing: T, call: impl FnOnce(*mut T) -> i32) -> Result<T, i32> {
    let mut out = nothing;
    match call(&mut out) {
        OK => Ok(out),
        code => Err(code),
    }
}

fn string_of(call: impl FnOnce(*mut *const c_char) -> i32) -> Result<String, i32> {
    value_of(ptr::null(), call).map(|text| text_of(text).expect("a string that is NULL"))
}

/// Asks all accessors for one place, and compares.
fn look(source: &mut Source, reply: &Reply, text: &str, value: Option<&Value>, pointer: &[u8]) {
    let (at, own) = (c(pointer), reply.0);
    let at: &CStr = &at;
    let found = match std::str::from_utf8(pointer) {
        Ok(pointer) => reference::find(text, pointer),
        Err(_) => Found::Malformed,
    };
    let index = source.below(6);
    // SAFETY: the reply, the pointer and the places are valid.
    let (json, kind, string, int, flag, double, count, key) = unsafe {
        (
            string_of(|out| get::confd_reply_json(own, at.as_ptr(), out)),
            value_of(-1, |out| get::confd_reply_kind(own, at.as_ptr(), out)),
            string_of(|out| get::confd_reply_string(own, at.as_ptr(), out)),
            value_of(0, |out| get::confd_reply_int(own, at.as_ptr(), out)),
            value_of(false, |out| get::confd_reply_bool(own, at.as_ptr(), out)),
            value_of(0.0, |out| get::confd_reply_double(own, at.as_ptr(), out)),
            value_of(0, |out| get::confd_reply_count(own, at.as_ptr(), out)),
            string_of(|out| get::confd_reply_key(own, at.as_ptr(), index, out)),
        )
    };
    let node = match found {
        Found::Node(node) => node,
        Found::Nothing | Found::Malformed => {
            let code = if matches!(found, Found::Nothing) { NOT_FOUND } else { INVALID };
            let codes = [
                json.err(),
                kind.err(),
                string.err(),
                int.err(),
                flag.err(),
                double.err(),
                count.err(),
                key.err(),
            ];
            assert_eq!(codes, [Some(code); 8], "{at:?} in {text}");
            let pointer = at.to_str().unwrap_or_default();
            let is_there = value.is_some_and(|value| value.pointer(pointer).is_some());
            return assert!(code == INVALID || !is_there, "{at:?} is in {text}");
        }
    };
    assert_eq!(json.as_deref(), Ok(node.0), "{at:?} in {text}");
    assert_eq!(kind, Ok(node.kind()));
    assert_eq!(string, node.string(), "{}", node.0);
    assert_eq!(int, node.int(), "{}", node.0);
    assert_eq!(flag, node.bool(), "{}", node.0);
    assert_eq!(double.map(f64::to_bits), node.double().map(f64::to_bits), "{}", node.0);
    assert_eq!(count, node.children().map(|children| children.len()).ok_or(WRONG_TYPE));
    assert_eq!(key, node.key(index), "{}", node.0);
    if let Some(value) = value {
        let value = value.pointer(at.to_str().unwrap_or_default()).expect("what is there is there for all");
        compare(value, &string, int, flag, double);
    }
}

/// The second opinion.
fn compare(
    value: &Value,
    string: &Result<String, i32>,
    int: Result<i64, i32>,
    flag: Result<bool, i32>,
    double: Result<f64, i32>,
) {
    assert_eq!(flag.ok(), value.as_bool());
    assert_eq!(string.as_deref().ok(), value.as_str().filter(|text| !text.contains('\0')));
    if let Some(number) = value.as_i64() {
        assert_eq!(int, Ok(number));
    }
    if let Some(number) = value.as_f64() {
        let double = double.expect("a number that fits a double");
        assert!((double - number).abs() <= number.abs() * 1e-15 || double == number, "{double} {number}");
    }
}

/// The lists that some types are answered with.
fn list_forms(reply: &Reply, text: &str, index: usize) {
    let (mut status, mut ip) = (-7, ptr::null());
    // SAFETY: the reply and the places are valid.
    let code = unsafe { typed::confd_reply_node_ip(reply.0, index, &mut status, &mut ip) };
    let found = if code == OK { Ok((status, text_of(ip))) } else { Err(code) };
    assert_eq!(found, reference::node_ip(text, index), "{text}");
    assert!(code == OK || (status == -7 && ip.is_null()), "an output beside an error");
    // SAFETY: a struct of pointers and integers, for which zeros are a value; the reply is valid.
    let (code, minor) = unsafe {
        let mut minor: typed::confd_drbd_minor = std::mem::zeroed();
        (typed::confd_reply_drbd_minor(reply.0, index, &mut minor), minor)
    };
    let texts = [minor.node, minor.instance, minor.disk, minor.role, minor.peer].map(text_of);
    let found = if code == OK { Ok((texts, minor.minor)) } else { Err(code) };
    assert_eq!(
        found,
        reference::drbd_minor(text, index).map(|(texts, number)| (texts.map(Some), number)),
        "{text}"
    );
    let null: *const confd_reply = ptr::null();
    // SAFETY: NULL is an error, not a crash.
    assert_eq!(unsafe { typed::confd_reply_node_ip(null, index, &mut status, &mut ip) }, INVALID);
}
