//! Finds one control message behind a received datagram. It knows no meaning of what it finds.

use std::ptr;

/// The payload of the first control message that is one of `kinds` (pairs of level and type) and long enough for `T`.
///
/// # Safety
/// `message.msg_control` points to `message.msg_controllen` bytes that the kernel has written, or the length is 0; any
/// bytes are a value of `T`.
pub(super) unsafe fn find<T: Copy>(
    message: &libc::msghdr,
    kinds: &[(libc::c_int, libc::c_int)],
) -> Option<T> {
    // SAFETY: the caller vouches for the control buffer; the macros stay inside it, as CMSG_FIRSTHDR checks the length
    // and CMSG_NXTHDR each step.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let cmsg = ptr::read_unaligned(header);
            let wanted = kinds.contains(&(cmsg.cmsg_level, cmsg.cmsg_type));
            if wanted && cmsg.cmsg_len as usize >= libc::CMSG_LEN(size_of::<T>() as u32) as usize {
                return Some(ptr::read_unaligned(libc::CMSG_DATA(header).cast::<T>()));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}
