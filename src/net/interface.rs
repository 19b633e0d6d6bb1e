//! Interface names and numbers: the zone of a link-local address. It knows no address.

use std::ffi::{CStr, CString, c_char};

/// The number of the interface that `name` means: its name, or else the number itself in decimal digits. `None` if there
/// is no such interface; whether a number exists is not checked.
pub fn index(name: &str) -> Option<u32> {
    let c_name = CString::new(name).ok()?;
    // SAFETY: `c_name` is a string that ends with NUL and lives for the time of the call.
    match unsafe { libc::if_nametoindex(c_name.as_ptr()) } {
        // `parse` alone would take a sign, too.
        0 if name.bytes().all(|b| b.is_ascii_digit()) => name.parse().ok().filter(|&index| index != 0),
        0 => None,
        index => Some(index),
    }
}

/// The name of interface `index`; `None` if there is no such interface.
pub fn name(index: u32) -> Option<String> {
    let mut room = [0 as c_char; libc::IF_NAMESIZE];
    // SAFETY: the room is IF_NAMESIZE long, as the function wants, and on success holds a string that ends with NUL.
    let name = unsafe {
        let name = libc::if_indextoname(index, room.as_mut_ptr());
        if name.is_null() {
            return None;
        }
        CStr::from_ptr(name)
    };
    name.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_known_both_ways() {
        let lo = index("lo").unwrap();
        assert_eq!(name(lo).as_deref(), Some("lo"));
        assert_eq!(index(&lo.to_string()), Some(lo));
    }

    #[test]
    fn what_means_no_interface_gives_none() {
        for none in ["", "no-such-interface-here", "0", "+1", "-1", "1 ", "99999999999", "lo\0"] {
            assert_eq!(index(none), None, "{none:?}");
        }
        assert_eq!(name(0), None);
        assert_eq!(name(u32::MAX), None);
    }
}
