//! `confd_request`: a question and its salt.

use std::ffi::c_char;

use crate::client::fresh_salt;
use crate::error::{Code, Error, Result};
use crate::ffi::error::confd_error;
use crate::ffi::guard::{array, optional_text, output, required, required_mut, room, text, texts};
use crate::ffi::{guard, guard_value};
use crate::wire::query::{Query, RequestType};
use crate::wire::request::Request;
use crate::wire::salt::Salt;

/// Request type: is the daemon there? No query. Answered with the version of its configuration, an integer.
pub const CONFD_REQ_PING: i32 = 0;
/// Request type: the role of a node. The query is the node's name. Answered with a CONFD_NODE_ROLE_ number:
/// 0 master, 1 candidate, 2 offline, 3 drained, 4 regular.
pub const CONFD_REQ_NODE_ROLE_BYNAME: i32 = 1;
/// Request type: which node runs the instance with this IP address. The query is made by confd_request_set_ip(),
/// and answered with the node's primary IP address, a string; or by confd_request_set_ips(), and answered with a
/// list of [status, answer, serial], one for each address, in order.
pub const CONFD_REQ_NODE_PIP_BY_INSTANCE_IP: i32 = 2;
/// Request type: who is the master. No query, answered with the master's name, a string; or the query of
/// confd_request_set_fields(), answered with a list of strings, in the order of the fields.
pub const CONFD_REQ_CLUSTER_MASTER: i32 = 3;
/// Request type: the primary IP addresses of all nodes, a list of strings. No query.
pub const CONFD_REQ_NODE_PIP_LIST: i32 = 4;
/// Request type: the primary IP addresses of the master candidates, a list of strings. No query.
pub const CONFD_REQ_MC_PIP_LIST: i32 = 5;
/// Request type: the IP addresses of the instances, a list of strings. No query, or a link.
pub const CONFD_REQ_INSTANCES_IPS_LIST: i32 = 6;
/// Request type: the DRBD minors of a node. The query is the node's name. Answered with a list of
/// [node, minor, instance, disk, role, peer].
pub const CONFD_REQ_NODE_DRBD: i32 = 7;
/// Request type: the instances of a node. The query is the node's name. Answered with two lists of objects, the
/// instances that it is the primary node of and those that it is the secondary node of.
pub const CONFD_REQ_NODE_INSTANCES: i32 = 8;
/// Request type: the disks of an instance. The query is its name or UUID. Answered with a list of objects.
pub const CONFD_REQ_INSTANCE_DISKS: i32 = 9;
/// Request type: any part of the configuration. The query is an RFC 6901 JSON pointer. A server never sends an
/// answer that makes a datagram of more than 65,507 bytes: a query for a larger part gets no reply at all.
pub const CONFD_REQ_CONFIG_QUERY: i32 = 10;
/// Request type: the data collectors of the monitoring daemon, an object. No query.
pub const CONFD_REQ_DATA_COLLECTORS: i32 = 11;

/// A field of CONFD_REQ_CLUSTER_MASTER: the master's name.
pub const CONFD_REQFIELD_NAME: i32 = 0;
/// A field of CONFD_REQ_CLUSTER_MASTER: the cluster's IP address.
pub const CONFD_REQFIELD_IP: i32 = 1;
/// A field of CONFD_REQ_CLUSTER_MASTER: the primary IP address of the master node.
pub const CONFD_REQFIELD_MNODE_PIP: i32 = 2;

/// A question: its type, its query and its salt, which the replies carry. Made by confd_request_new(), owned by
/// the program, used by one thread at a time. Sending copies it: it may be freed or changed at once. The request
/// that an upcall shows belongs to the library and is valid during the upcall.
// As an attribute on a condition, which cbindgen does not read: to C it is opaque.
#[cfg_attr(all(), repr(transparent))]
pub struct confd_request {
    pub(super) request: Request,
}

impl confd_request {
    /// A request of the library's own as C sees it, for as long as it lives.
    pub(super) fn of(request: &Request) -> *const confd_request {
        // The one is nothing but the other.
        std::ptr::from_ref(request).cast()
    }
}

/// Makes a request with a fresh salt, a UUIDv4 from the system's random source (also right after fork()).
///
/// @param type   One of the CONFD_REQ_ numbers.
/// @param query  The query where it is a text: a node's name, an instance's, a link, a pointer. NULL for none. A
///               name that is not ASCII is sent as the server wants it.
/// @param out    Receives the request, which the program releases with confd_request_free().
/// @return CONFD_OK; CONFD_ERR_REQUEST_TYPE for any other type; CONFD_ERR_INVALID_ARGUMENT if out is NULL or query
///   is not UTF-8; CONFD_ERR_IO if the system has no random bytes; CONFD_ERR_NO_MEMORY if query is too large.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_new(
    r#type: i32,
    query: *const c_char,
    out: *mut *mut confd_request,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        let kind = RequestType::from_number(r#type)?;
        // SAFETY: the caller passes a NUL-terminated string or NULL.
        let query = unsafe { optional_text(query, "query") }?.map_or(Query::NONE, Query::text);
        let request = Request::new(kind, query, fresh_salt()?);
        // SAFETY: out is not NULL, and the caller lets it be written.
        unsafe { out.set(Box::into_raw(Box::new(confd_request { request }))) };
        Ok(())
    })
}

/// Asks for the node that runs the instance with this IP address.
///
/// @param request  Of type CONFD_REQ_NODE_PIP_BY_INSTANCE_IP.
/// @param ip       The instance's address, as the configuration has it.
/// @param link     The link that the address belongs to; NULL for the cluster's default link.
/// @return CONFD_OK; CONFD_ERR_REQUEST_TYPE if the request is of another type; CONFD_ERR_INVALID_ARGUMENT if
///   request or ip is NULL or a text is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_set_ip(
    request: *mut confd_request,
    ip: *const c_char,
    link: *const c_char,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes its own request and strings.
        let (request, ip, link) =
            unsafe { (required_mut(request, "request")?, text(ip, "ip")?, optional_text(link, "link")?) };
        of_type(request, RequestType::NodePipByInstanceIp, "an instance IP")?;
        request.request.set_query(Query::ip(ip, link));
        Ok(())
    })
}

/// Asks for the nodes that run the instances with these IP addresses, answered together and in order.
///
/// @param request  Of type CONFD_REQ_NODE_PIP_BY_INSTANCE_IP.
/// @param ips      The instances' addresses.
/// @param n        How many.
/// @param link     The link that the addresses belong to; NULL for the cluster's default link.
/// @return CONFD_OK; CONFD_ERR_REQUEST_TYPE if the request is of another type; CONFD_ERR_INVALID_ARGUMENT if
///   request, ips (with n more than 0) or one of the addresses is NULL or a text is not UTF-8; CONFD_ERR_NO_MEMORY
///   if the list is too large.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_set_ips(
    request: *mut confd_request,
    ips: *const *const c_char,
    n: usize,
    link: *const c_char,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes its own request, n strings and a string or NULL.
        let (request, ips, link) = unsafe {
            (required_mut(request, "request")?, texts(ips, n, "ips")?, optional_text(link, "link")?)
        };
        of_type(request, RequestType::NodePipByInstanceIp, "a list of instance IPs")?;
        request.request.set_query(Query::ips(&ips, link));
        Ok(())
    })
}

/// Asks for fields of the cluster's master, answered as a list of strings in this order.
///
/// @param request  Of type CONFD_REQ_CLUSTER_MASTER.
/// @param fields   CONFD_REQFIELD_ numbers.
/// @param n        How many.
/// @return CONFD_OK; CONFD_ERR_REQUEST_TYPE if the request is of another type; CONFD_ERR_INVALID_ARGUMENT if
///   request or fields (with n more than 0) is NULL, or a field is another number; CONFD_ERR_NO_MEMORY if the list
///   is too large.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_set_fields(
    request: *mut confd_request,
    fields: *const i32,
    n: usize,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes its own request and n integers.
        let (request, fields) = unsafe { (required_mut(request, "request")?, array(fields, n, "fields")?) };
        of_type(request, RequestType::ClusterMaster, "a list of fields")?;
        room(size_of_val(fields))?;
        request.request.set_query(Query::fields(fields)?);
        Ok(())
    })
}

/// Gives the request any query: what the other functions make, or what a later server understands.
///
/// @param request  Of any type.
/// @param json     JSON text: null, a string or an object.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if an argument is NULL, or json is not UTF-8, not JSON, or of
///   another shape; CONFD_ERR_NO_MEMORY if it is too large.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_set_query_json(
    request: *mut confd_request,
    json: *const c_char,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes its own request and string.
        let (request, json) = unsafe { (required_mut(request, "request")?, text(json, "json")?) };
        request.request.set_query(Query::json(json)?);
        Ok(())
    })
}

/// Gives the request another salt: to ask again, or one of the program's own. A salt serves once, since a late
/// reply to an earlier round would answer the wrong one; and it should be one that nobody can guess. A client
/// knows a salt again that the program chose among the last 65,536 of those, and a fresh one that was copied to
/// another request among the last 8,192.
///
/// @param request  The request.
/// @param salt     Any text; NULL for a fresh UUIDv4. An empty one makes sending fail. Of characters above U+00FF a
///   server sends back the lowest eight bits only, so that no reply to a salt with one is ever taken for its own.
/// @return CONFD_OK; CONFD_ERR_INVALID_ARGUMENT if request is NULL or salt is not UTF-8; CONFD_ERR_IO if the
///   system has no random bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_set_salt(
    request: *mut confd_request,
    salt: *const c_char,
) -> confd_error {
    guard(|| {
        // SAFETY: the caller passes its own request and a string or NULL.
        let (request, salt) = unsafe { (required_mut(request, "request")?, optional_text(salt, "salt")?) };
        match salt {
            Some(salt) => request.request.set_salt(Salt::from_text(salt)?),
            None => request.request.renew_salt(fresh_salt()?),
        }
        Ok(())
    })
}

/// The request's salt.
///
/// @return The salt, valid until the request is changed or freed; NULL if request is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_salt(request: *const confd_request) -> *const c_char {
    guard_value(std::ptr::null(), || {
        // SAFETY: the caller passes a request or NULL.
        Ok(unsafe { required(request, "request") }?.request.salt().as_bytes_with_nul().as_ptr().cast())
    })
}

/// The request's type.
///
/// @return One of the CONFD_REQ_ numbers; -1 if request is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_type(request: *const confd_request) -> i32 {
    guard_value(-1, || {
        // SAFETY: the caller passes a request or NULL.
        Ok(unsafe { required(request, "request") }?.request.kind() as i32)
    })
}

/// The request's query as JSON text in ASCII, "null" where there is none.
///
/// @return The text, valid until the request is changed or freed; NULL if request is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_query_json(request: *const confd_request) -> *const c_char {
    guard_value(std::ptr::null(), || {
        // SAFETY: the caller passes a request or NULL.
        Ok(unsafe { required(request, "request") }?.request.query().as_c_str().as_ptr())
    })
}

/// Releases a request that confd_request_new() has made. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_request_free(request: *mut confd_request) {
    guard_value((), || {
        if !request.is_null() {
            // SAFETY: confd_request_new made it from a Box, and the caller gives it back once.
            drop(unsafe { Box::from_raw(request) });
        }
        Ok(())
    });
}

fn of_type(request: &confd_request, wanted: RequestType, what: &str) -> Result<()> {
    let kind = request.request.kind();
    if kind == wanted {
        return Ok(());
    }
    Err(Error::with(
        Code::RequestType,
        format_args!("{what} goes with type {}, and the request is of type {}", wanted as i32, kind as i32),
    ))
}
