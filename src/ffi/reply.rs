//! `confd_reply`: what a server said, and its answer by JSON pointers.

use std::ffi::{CStr, c_char};
use std::ptr;
use std::sync::Arc;

use crate::error::Result;
use crate::ffi::error::confd_error;
use crate::ffi::guard::{output, required, text};
use crate::ffi::number::nearest;
use crate::ffi::{guard, guard_value};
use crate::wire::answer::{Kind, Value};
use crate::wire::reply::Reply;

/// Status of a reply: the server answered the question.
pub const CONFD_STATUS_OK: i32 = 0;
/// Status of a reply: the server could not answer; confd_reply_error_text() says why.
pub const CONFD_STATUS_ERROR: i32 = 1;
/// Status of a reply: the server does not know the question.
pub const CONFD_STATUS_NOT_IMPLEMENTED: i32 = 2;

/// Kind of a JSON value: null.
pub const CONFD_JSON_NULL: i32 = 0;
/// Kind of a JSON value: a boolean.
pub const CONFD_JSON_BOOL: i32 = 1;
/// Kind of a JSON value: a number.
pub const CONFD_JSON_NUMBER: i32 = 2;
/// Kind of a JSON value: a string.
pub const CONFD_JSON_STRING: i32 = 3;
/// Kind of a JSON value: an array.
pub const CONFD_JSON_ARRAY: i32 = 4;
/// Kind of a JSON value: an object.
pub const CONFD_JSON_OBJECT: i32 = 5;

/// A verified reply. Any number of threads may read it at once; it may outlive its client. What its functions
/// return belongs to it and lives as long as it does, and is made once for each value however often it is asked
/// for.
///
/// Values are found by RFC 6901 JSON pointers into the answer, "" being the whole: "/0/name" is the member name of
/// the first element. Of members with one name the last counts. Nothing is found deeper than 511 levels.
// As an attribute on a condition, which cbindgen does not read: to C it is opaque.
#[cfg_attr(all(), repr(transparent))]
pub struct confd_reply {
    pub(super) reply: Arc<Reply>,
}

impl confd_reply {
    /// A reply of the library's own as C sees it, for as long as it lives.
    pub(super) fn of(reply: &Arc<Reply>) -> *const confd_reply {
        // The one is nothing but the other.
        ptr::from_ref(reply).cast()
    }
}

/// Whether the server answered the question.
///
/// @return A CONFD_STATUS_ number, or what else the server said; -1 if reply is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_status(reply: *const confd_reply) -> i32 {
    // SAFETY: the caller passes a reply or NULL.
    unsafe { read(reply, -1, Reply::status) }
}

/// The version of the protocol that the server speaks, 1.
///
/// @return The version; -1 if reply is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_protocol(reply: *const confd_reply) -> i32 {
    // SAFETY: the caller passes a reply or NULL.
    unsafe { read(reply, -1, Reply::protocol) }
}

/// The configuration's serial: of two ok replies the one with the higher serial is the fresher. By type of the
/// request it is that of the cluster, the node or the instance; 0 for a ping and for every error.
///
/// @return The serial; -1 if reply is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_serial(reply: *const confd_reply) -> i64 {
    // SAFETY: the caller passes a reply or NULL.
    unsafe { read(reply, -1, Reply::serial) }
}

/// The whole answer as JSON text, as the server sent it.
///
/// @return The text, which lives as long as the reply; NULL if reply is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_answer_json(reply: *const confd_reply) -> *const c_char {
    // SAFETY: the caller passes a reply or NULL.
    unsafe { read(reply, ptr::null(), |reply| reply.answer().as_c_str().as_ptr()) }
}

/// What went wrong, for a person: the server's text, which may hold newlines, or words for its number ("unknown
/// entry").
///
/// @return The text, which lives as long as the reply; NULL if the status is CONFD_STATUS_OK or reply is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_error_text(reply: *const confd_reply) -> *const c_char {
    // SAFETY: the caller passes a reply or NULL.
    unsafe { read(reply, ptr::null(), |reply| reply.error_text().map_or(ptr::null(), CStr::as_ptr)) }
}

/// A string.
///
/// @param reply    The reply.
/// @param pointer  Where it is.
/// @param out      Receives the text, which lives as long as the reply.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no string, or holds
///   U+0000 or half a surrogate pair: confd_reply_json() gives it; CONFD_ERR_INVALID_ARGUMENT if an argument is
///   NULL or pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_string(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut *const c_char,
) -> confd_error {
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, |value| Ok(value.string()?.as_ptr())) }
}

/// An integer: a number without a fraction or an exponent.
///
/// @param reply    The reply.
/// @param pointer  Where it is.
/// @param out      Receives the number.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no integer or does not
///   fit; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_int(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut i64,
) -> confd_error {
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, Value::int) }
}

/// A boolean.
///
/// @param reply    The reply.
/// @param pointer  Where it is.
/// @param out      Receives the value.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no boolean;
///   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_bool(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut bool,
) -> confd_error {
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, Value::bool) }
}

/// A number of any kind, also an integer.
///
/// @param reply    The reply.
/// @param pointer  Where it is.
/// @param out      Receives the nearest double.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is no number or beyond
///   what a double holds; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_double(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut f64,
) -> confd_error {
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, |value| value.double(nearest)) }
}

/// How many elements an array has, or members an object.
///
/// @param reply    The reply.
/// @param pointer  Where it is.
/// @param out      Receives the count.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_WRONG_TYPE if it is neither;
///   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_count(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut usize,
) -> confd_error {
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, Value::count) }
}

/// The name of an object's member, in the order in which the server sent them. In a pointer, "~" in a name is
/// written "~0" and "/" is written "~1".
///
/// @param reply    The reply.
/// @param pointer  Where the object is.
/// @param i        Which member, from 0.
/// @param out      Receives the name, which lives as long as the reply.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there, or i is past the end; CONFD_ERR_WRONG_TYPE if it is no
///   object, or the name holds U+0000; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_key(
    reply: *const confd_reply,
    pointer: *const c_char,
    i: usize,
    out: *mut *const c_char,
) -> confd_error {
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, |value| Ok(value.key(i)?.as_ptr())) }
}

/// Any value as JSON text, as the server sent it.
///
/// @param reply    The reply.
/// @param pointer  Where it is.
/// @param out      Receives the text, which lives as long as the reply.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or
///   pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_json(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut *const c_char,
) -> confd_error {
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, |value| Ok(value.json().as_ptr())) }
}

/// What kind of value it is.
///
/// @param reply    The reply.
/// @param pointer  Where it is.
/// @param out      Receives a CONFD_JSON_ number.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if nothing is there; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL or
///   pointer is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_kind(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut i32,
) -> confd_error {
    let number = |value: Value<'_>| match value.kind() {
        Kind::Null => CONFD_JSON_NULL,
        Kind::Bool => CONFD_JSON_BOOL,
        Kind::Number => CONFD_JSON_NUMBER,
        Kind::String => CONFD_JSON_STRING,
        Kind::Array => CONFD_JSON_ARRAY,
        Kind::Object => CONFD_JSON_OBJECT,
    };
    // SAFETY: the caller passes a reply, a string and a place to write, or NULL.
    unsafe { find(reply, pointer, out, |value| Ok(number(value))) }
}

/// Keeps a reply longer than its upcall. The clone shares what the reply has; it costs little.
///
/// @param reply  The reply.
/// @param out    Receives the clone, which the program releases with confd_reply_free().
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_clone(
    reply: *const confd_reply,
    out: *mut *mut confd_reply,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: the caller passes a reply or NULL.
        let reply = unsafe { required(reply, "reply") }?.reply.clone();
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(Box::into_raw(Box::new(confd_reply { reply }))) };
        Ok(())
    })
}

/// Releases a clone. NULL does nothing. The reply of an upcall is the library's: never free it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_free(reply: *mut confd_reply) {
    guard_value((), || {
        if !reply.is_null() {
            // SAFETY: confd_reply_clone made it from a Box, and the caller gives it back once.
            drop(unsafe { Box::from_raw(reply) });
        }
        Ok(())
    });
}

/// # Safety
/// `reply` is NULL or valid.
unsafe fn read<T>(reply: *const confd_reply, otherwise: T, read: impl FnOnce(&Reply) -> T) -> T {
    guard_value(otherwise, || {
        // SAFETY: the caller promises that it is valid if it is not NULL.
        Ok(read(&unsafe { required(reply, "reply") }?.reply))
    })
}

/// # Safety
/// `reply` is NULL or valid, `pointer` is NULL or a string, `out` is NULL or may be written.
unsafe fn find<'a, T>(
    reply: *const confd_reply,
    pointer: *const c_char,
    out: *mut T,
    read: impl FnOnce(Value<'a>) -> Result<T>,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: as the caller promises.
        let (reply, pointer) = unsafe { (required(reply, "reply")?, text(pointer, "pointer")?) };
        let value = read(reply.reply.answer().find(pointer)?)?;
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(value) };
        Ok(())
    })
}
