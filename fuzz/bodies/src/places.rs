//! Where datagrams go and come from: peers that a client may have, and strangers.

/// The port of places that name none.
pub const PORT: u16 = 1814;

/// An address with a port, in all the ways in which it is written.
pub struct Place {
    /// As a peer.
    pub peer: &'static str,
    pub port: u16,
    /// As a source; all mean the same.
    pub ips: &'static [&'static str],
}

const fn place(peer: &'static str, port: u16, ips: &'static [&'static str]) -> Place {
    Place { peer, port, ips }
}

pub const V4: [Place; 12] = [
    place("192.0.2.1", PORT, &["192.0.2.1", "::ffff:192.0.2.1"]),
    place("192.0.2.2", PORT, &["192.0.2.2", "::ffff:c000:202"]),
    place("192.0.2.3", PORT, &["192.0.2.3", "::ffff:192.0.2.3%lo"]),
    place("192.0.2.4:1814", PORT, &["192.0.2.4"]),
    place("192.0.2.5:2000", 2000, &["192.0.2.5", "::FFFF:192.0.2.5"]),
    place("192.0.2.1:2000", 2000, &["192.0.2.1", "::ffff:192.0.2.1"]),
    place("::ffff:192.0.2.7", PORT, &["192.0.2.7", "::ffff:192.0.2.7"]),
    place("[::ffff:192.0.2.8]:65535", 65_535, &["192.0.2.8"]),
    place("127.0.0.1", PORT, &["127.0.0.1"]),
    place("192.0.2.2:1", 1, &["192.0.2.2"]),
    place("192.0.2.77", PORT, &["192.0.2.77"]),
    place("192.0.2.78", PORT, &["192.0.2.78"]),
];

/// The loopback interface is number 1 in every network namespace.
pub const V6: [Place; 12] = [
    place("2001:db8::1", PORT, &["2001:db8::1", "2001:DB8:0:0::1", "2001:db8::1%lo"]),
    place("2001:db8::2", PORT, &["2001:db8::2", "2001:db8::0.0.0.2"]),
    place("[2001:db8::3]", PORT, &["2001:db8::3"]),
    place("[2001:db8::4]:2000", 2000, &["2001:db8::4", "2001:db8::4%1"]),
    place("[2001:db8::1]:2000", 2000, &["2001:db8::1"]),
    place("fe80::1%lo", PORT, &["fe80::1%1", "fe80::1%lo"]),
    place("fe80::1%7", PORT, &["fe80::1%7"]),
    place("[fe80::2%1]:65535", 65_535, &["fe80::2%1", "fe80::2%lo"]),
    place("::1", PORT, &["::1", "0:0:0:0:0:0:0:1"]),
    place("::192.0.2.1", PORT, &["::c000:201", "::192.0.2.1"]),
    place("2001:db8::77", PORT, &["2001:db8::77"]),
    place("2001:db8::78", PORT, &["2001:db8::78"]),
];

/// Which place the library means by an address and a port.
pub fn find(places: &[Place], ip: &str, port: u16) -> Option<usize> {
    places.iter().position(|place| place.port == port && place.ips.contains(&ip))
}
