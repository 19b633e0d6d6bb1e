//! The port of ganeti-confd in the services database. It knows no default.

const SERVICE: &str = "ganeti-confd";
const PROTOCOL: &str = "udp";

/// The UDP port that the system's services database gives to `ganeti-confd`; `None` if it has no entry or cannot be
/// read.
pub fn confd_port() -> Option<u16> {
    lookup().filter(|&port| port != 0)
}

/// Through the system's name service, which may know more than the file.
#[cfg(target_env = "gnu")]
fn lookup() -> Option<u16> {
    use std::ffi::{CString, c_char, c_int};

    // Not in the `libc` crate. The form without `_r` returns a static buffer, which another thread may overwrite.
    unsafe extern "C" {
        fn getservbyname_r(
            name: *const c_char,
            proto: *const c_char,
            entry: *mut libc::servent,
            buffer: *mut c_char,
            buffer_len: libc::size_t,
            result: *mut *mut libc::servent,
        ) -> c_int;
    }

    /// An entry larger than this (its names and aliases) is taken for a fault.
    const LIMIT: usize = 64 * 1024;

    let (name, proto) = (CString::new(SERVICE).ok()?, CString::new(PROTOCOL).ok()?);
    let mut buffer: Vec<c_char> = vec![0; 1024];
    loop {
        let mut result = std::ptr::null_mut();
        // SAFETY: a `servent` is an int and pointers, for which zero is a value.
        let mut entry: libc::servent = unsafe { std::mem::zeroed() };
        // SAFETY: the strings end with NUL, the buffer has the length that is told, and all live for the call.
        let status = unsafe {
            getservbyname_r(
                name.as_ptr(),
                proto.as_ptr(),
                &mut entry,
                buffer.as_mut_ptr(),
                buffer.len(),
                &mut result,
            )
        };
        match status {
            libc::ERANGE if buffer.len() < LIMIT => buffer.resize(buffer.len() * 2, 0),
            // The port is 16 bits in network order, in an int.
            0 if !result.is_null() => return Some(u16::from_be(entry.s_port as u16)),
            _ => return None,
        }
    }
}

/// From the file: other C libraries have no lookup that is safe with threads.
#[cfg(not(target_env = "gnu"))]
fn lookup() -> Option<u16> {
    parse(&std::fs::read("/etc/services").ok()?)
}

/// The port in a file of the form of services(5): `name port/protocol alias… # comment`.
#[cfg(any(test, not(target_env = "gnu")))]
fn parse(text: &[u8]) -> Option<u16> {
    // Comments may be in any encoding, so the file is bytes.
    String::from_utf8_lossy(text).lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (name, port) = (words.next()?, words.next()?);
        let (port, protocol) = port.split_once('/')?;
        let named = name == SERVICE || words.any(|alias| alias == SERVICE);
        if named && protocol == PROTOCOL { port.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_name_and_by_alias() {
        assert_eq!(parse(b"ssh 22/tcp\nganeti-confd\t1814/udp # Ganeti\n"), Some(1814));
        assert_eq!(parse(b"confd 2000/udp x ganeti-confd"), Some(2000));
        assert_eq!(parse(b"caf\xe9 1/udp\n  ganeti-confd 3/udp"), Some(3));
    }

    #[test]
    fn another_protocol_a_comment_or_nonsense_is_no_entry() {
        for text in [
            "",
            "ganeti-confd 1814/tcp",
            "#ganeti-confd 1814/udp",
            "other 1/udp # ganeti-confd",
            "ganeti-confd",
            "ganeti-confd 1814",
            "ganeti-confd 70000/udp",
            "ganeti-confd x/udp",
            "ganeti-confd2 1814/udp",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_first_entry_that_can_be_read_counts() {
        assert_eq!(parse(b"ganeti-confd 1/tcp\nganeti-confd 2/udp\nganeti-confd 3/udp\n"), Some(2));
    }

    /// The system's answer is the file's, unless the system has other sources or none.
    #[test]
    fn the_database_can_be_asked() {
        let file = std::fs::read("/etc/services").ok().and_then(|text| parse(&text));
        if file.is_some() {
            assert_eq!(confd_port(), file);
        } else {
            confd_port();
        }
    }
}
