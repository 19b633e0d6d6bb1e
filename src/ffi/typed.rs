//! Answers of some types as C values, where pointers into JSON would not read well.

use std::ffi::c_char;
use std::ptr;

use crate::error::{Code, Error, Result};
use crate::ffi::error::confd_error;
use crate::ffi::guard;
use crate::ffi::guard::{output, required};
use crate::ffi::reply::confd_reply;
use crate::wire::reply::STATUS_OK;

/// Role of a node: the master.
pub const CONFD_NODE_ROLE_MASTER: i64 = 0;
/// Role of a node: a master candidate.
pub const CONFD_NODE_ROLE_CANDIDATE: i64 = 1;
/// Role of a node: offline.
pub const CONFD_NODE_ROLE_OFFLINE: i64 = 2;
/// Role of a node: drained.
pub const CONFD_NODE_ROLE_DRAINED: i64 = 3;
/// Role of a node: regular.
pub const CONFD_NODE_ROLE_REGULAR: i64 = 4;

/// A DRBD minor of a node, of an answer of CONFD_REQ_NODE_DRBD. The texts live as long as the reply. Frozen: it
/// never changes.
#[repr(C)]
pub struct confd_drbd_minor {
    /// The node's name.
    pub node: *const c_char,
    /// The number of the minor.
    pub minor: i64,
    /// The instance's name.
    pub instance: *const c_char,
    /// The disk, such as "disk/0".
    pub disk: *const c_char,
    /// "primary" or "secondary".
    pub role: *const c_char,
    /// The name of the node at the other end.
    pub peer: *const c_char,
}

/// The role of a node in a word.
///
/// @param role  An answer of CONFD_REQ_NODE_ROLE_BYNAME.
/// @return "master", "candidate", "offline", "drained" or "regular", static; NULL for any other number.
#[unsafe(no_mangle)]
pub extern "C" fn confd_node_role_name(role: i64) -> *const c_char {
    let names = [c"master", c"candidate", c"offline", c"drained", c"regular"];
    let name = usize::try_from(role).ok().and_then(|index| names.get(index));
    name.map_or(ptr::null(), |name| name.as_ptr())
}

/// One element of the list that answers confd_request_set_ips(): the node that runs the instance with the i-th
/// address.
///
/// @param reply   An ok reply to such a request.
/// @param i       Which address, from 0.
/// @param status  Receives a CONFD_STATUS_ number.
/// @param ip      Receives the primary IP address of the node, which lives as long as the reply; NULL unless the
///                status is CONFD_STATUS_OK.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if i is past the end; CONFD_ERR_WRONG_TYPE if the answer is no such list;
///   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_node_ip(
    reply: *const confd_reply,
    i: usize,
    status: *mut i32,
    ip: *mut *const c_char,
) -> confd_error {
    guard(|| {
        let (status_out, ip_out) = (output(status, "status")?, output(ip, "ip")?);
        // SAFETY: the caller passes a reply or NULL.
        let element = unsafe { required(reply, "reply") }?.reply.answer().find("")?.element(i)?;
        let status = element.part(0)?.int()?;
        let status =
            i32::try_from(status).map_err(|_| Error::new(Code::WrongType, "the status is no status"))?;
        let ip = if status == STATUS_OK { element.part(1)?.string()?.as_ptr() } else { ptr::null() };
        // SAFETY: they are not NULL, and the caller lets them be written.
        unsafe {
            status_out.set(status);
            ip_out.set(ip);
        }
        Ok(())
    })
}

/// One element of the list that answers CONFD_REQ_NODE_DRBD.
///
/// @param reply  An ok reply to such a request.
/// @param i      Which minor, from 0.
/// @param out    Receives the minor.
/// @return CONFD_OK; CONFD_ERR_NOT_FOUND if i is past the end; CONFD_ERR_WRONG_TYPE if the answer is no such list;
///   CONFD_ERR_INVALID_ARGUMENT if an argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confd_reply_drbd_minor(
    reply: *const confd_reply,
    i: usize,
    out: *mut confd_drbd_minor,
) -> confd_error {
    guard(|| {
        let out = output(out, "out")?;
        // SAFETY: the caller passes a reply or NULL.
        let element = unsafe { required(reply, "reply") }?.reply.answer().find("")?.element(i)?;
        let text = |index: usize| -> Result<_> { Ok(element.part(index)?.string()?.as_ptr()) };
        let minor = confd_drbd_minor {
            node: text(0)?,
            minor: element.part(1)?.int()?,
            instance: text(2)?,
            disk: text(3)?,
            role: text(4)?,
            peer: text(5)?,
        };
        // SAFETY: it is not NULL, and the caller lets it be written.
        unsafe { out.set(minor) };
        Ok(())
    })
}
