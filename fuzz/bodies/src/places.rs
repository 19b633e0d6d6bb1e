//! Where datagrams go and come from: peers that a client may have, and strangers.

use std::ffi::CStr;

/// The port of places that name none.
pub const PORT: u16 = 1814;

/// An address with a port, in all the ways in which it is written.
pub struct Place {
    /// As a peer.
    pub peer: &'static CStr,
    pub port: u16,
    /// As a source; all mean the same.
    pub ips: &'static [&'static CStr],
}

const fn place(peer: &'static CStr, port: u16, ips: &'static [&'static CStr]) -> Place {
    Place { peer, port, ips }
}

pub const V4: [Place; 12] = [
    place(c"192.0.2.1", PORT, &[c"192.0.2.1", c"::ffff:192.0.2.1"]),
    place(c"192.0.2.2", PORT, &[c"192.0.2.2", c"::ffff:c000:202"]),
    place(c"192.0.2.3", PORT, &[c"192.0.2.3", c"::ffff:192.0.2.3%lo"]),
    place(c"192.0.2.4:1814", PORT, &[c"192.0.2.4"]),
    place(c"192.0.2.5:2000", 2000, &[c"192.0.2.5", c"::FFFF:192.0.2.5"]),
    place(c"192.0.2.1:2000", 2000, &[c"192.0.2.1", c"::ffff:192.0.2.1"]),
    place(c"::ffff:192.0.2.7", PORT, &[c"192.0.2.7", c"::ffff:192.0.2.7"]),
    place(c"[::ffff:192.0.2.8]:65535", 65_535, &[c"192.0.2.8"]),
    place(c"127.0.0.1", PORT, &[c"127.0.0.1"]),
    place(c"192.0.2.2:1", 1, &[c"192.0.2.2"]),
    place(c"192.0.2.77", PORT, &[c"192.0.2.77"]),
    place(c"192.0.2.78", PORT, &[c"192.0.2.78"]),
];

/// The loopback interface is number 1 in every network namespace.
pub const V6: [Place; 12] = [
    place(c"2001:db8::1", PORT, &[c"2001:db8::1", c"2001:DB8:0:0::1", c"2001:db8::1%lo"]),
    place(c"2001:db8::2", PORT, &[c"2001:db8::2", c"2001:db8::0.0.0.2"]),
    place(c"[2001:db8::3]", PORT, &[c"2001:db8::3"]),
    place(c"[2001:db8::4]:2000", 2000, &[c"2001:db8::4", c"2001:db8::4%1"]),
    place(c"[2001:db8::1]:2000", 2000, &[c"2001:db8::1"]),
    place(c"fe80::1%lo", PORT, &[c"fe80::1%1", c"fe80::1%lo"]),
    place(c"fe80::1%7", PORT, &[c"fe80::1%7"]),
    place(c"[fe80::2%1]:65535", 65_535, &[c"fe80::2%1", c"fe80::2%lo"]),
    place(c"::1", PORT, &[c"::1", c"0:0:0:0:0:0:0:1"]),
    place(c"::192.0.2.1", PORT, &[c"::c000:201", c"::192.0.2.1"]),
    place(c"2001:db8::77", PORT, &[c"2001:db8::77"]),
    place(c"2001:db8::78", PORT, &[c"2001:db8::78"]),
];

/// Which place the library means by an address and a port.
pub fn find(places: &[Place], ip: &str, port: u16) -> Option<usize> {
    let is_here = |place: &Place| place.ips.iter().any(|other| other.to_bytes() == ip.as_bytes());
    places.iter().position(|place| place.port == port && is_here(place))
}
