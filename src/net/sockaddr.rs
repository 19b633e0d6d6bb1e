//! Addresses as the kernel writes them, to and from `SocketAddr`. It knows no socket.
//!
//! One peer must have one form, since replies are matched by address: an IPv4-mapped IPv6 address becomes the IPv4
//! address that it means, and a zone stays only where it is a part of the address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Room for an IPv4 or IPv6 `sockaddr`. Both start with the family.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union RawAddr {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl RawAddr {
    /// What to tell the kernel of the room for an address.
    pub(super) const ROOM: libc::socklen_t = size_of::<RawAddr>() as libc::socklen_t;

    /// An address not yet written. Its family is `AF_UNSPEC`, so it decodes to nothing.
    pub(super) fn empty() -> RawAddr {
        // SAFETY: both variants are plain integers, for which zero is a value.
        unsafe { std::mem::zeroed() }
    }

    /// The kernel's form of `addr`, and its length.
    pub(super) fn encode(addr: &SocketAddr) -> (RawAddr, libc::socklen_t) {
        let mut raw = RawAddr::empty();
        match canonical(*addr) {
            SocketAddr::V4(addr) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: addr.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(addr.ip().octets()) },
                    sin_zero: [0; 8],
                };
                (raw, size_of::<libc::sockaddr_in>() as libc::socklen_t)
            }
            SocketAddr::V6(addr) => {
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: addr.port().to_be(),
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr { s6_addr: addr.ip().octets() },
                    sin6_scope_id: addr.scope_id(),
                };
                (raw, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
            }
        }
    }

    /// Who a datagram is from, by what the kernel wrote here with length `len`. Without an IP address, which does not
    /// happen, it would be 0.0.0.0:0.
    pub(super) fn sender(&self, len: libc::socklen_t) -> SocketAddr {
        self.decode(len).unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }

    /// The address that the kernel wrote here with length `len`, canonical; `None` if it wrote another kind or none.
    pub(super) fn decode(&self, len: libc::socklen_t) -> Option<SocketAddr> {
        let len = len as usize;
        // SAFETY: the whole union is initialised (see `empty`), and any bytes are a value of either variant.
        let (v4, v6) = unsafe { (self.v4, self.v6) };
        match libc::c_int::from(v4.sin_family) {
            libc::AF_INET if len >= size_of::<libc::sockaddr_in>() => {
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(v4.sin_port))))
            }
            libc::AF_INET6 if len >= size_of::<libc::sockaddr_in6>() => {
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(canonical(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id))))
            }
            _ => None,
        }
    }
}

/// The one form of an address: IPv4 where IPv4 is meant, no flow label, a zone only where it tells links apart.
fn canonical(addr: SocketAddr) -> SocketAddr {
    let SocketAddr::V6(v6) = addr else { return addr };
    if let Some(ip) = v6.ip().to_ipv4_mapped() {
        return SocketAddr::V4(SocketAddrV4::new(ip, v6.port()));
    }
    let link_local = v6.ip().is_unicast_link_local() || v6.ip().segments()[0] & 0xff0f == 0xff02;
    let scope = if link_local { v6.scope_id() } else { 0 };
    SocketAddr::V6(SocketAddrV6::new(*v6.ip(), v6.port(), 0, scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(addr: SocketAddr) -> Option<SocketAddr> {
        let (raw, len) = RawAddr::encode(&addr);
        raw.decode(len)
    }

    fn v6(ip: &str, scope: u32) -> SocketAddr {
        SocketAddr::V6(SocketAddrV6::new(ip.parse().unwrap(), 1814, 7, scope))
    }

    #[test]
    fn addresses_come_back_as_they_were() {
        for text in ["192.0.2.1:1814", "0.0.0.0:0", "[2001:db8::1]:65535", "[::]:1"] {
            let addr: SocketAddr = text.parse().unwrap();
            assert_eq!(round_trip(addr), Some(addr));
        }
    }

    #[test]
    fn a_mapped_address_becomes_the_ipv4_address_that_it_means() {
        assert_eq!(round_trip(v6("::ffff:192.0.2.7", 3)), Some("192.0.2.7:1814".parse().unwrap()));
    }

    #[test]
    fn a_zone_stays_only_where_it_tells_links_apart() {
        let scope = |addr| match round_trip(addr) {
            Some(SocketAddr::V6(addr)) => (addr.scope_id(), addr.flowinfo()),
            other => panic!("{other:?}"),
        };
        assert_eq!(scope(v6("fe80::1", 3)), (3, 0));
        assert_eq!(scope(v6("febf::1", 3)), (3, 0));
        assert_eq!(scope(v6("ff02::1", 3)), (3, 0));
        assert_eq!(scope(v6("ff05::1", 3)), (0, 0));
        assert_eq!(scope(v6("2001:db8::1", 3)), (0, 0));
    }

    #[test]
    fn what_is_no_ip_address_or_is_cut_short_decodes_to_nothing() {
        assert_eq!(RawAddr::empty().decode(RawAddr::ROOM), None);
        let (raw, len) = RawAddr::encode(&"192.0.2.1:1".parse().unwrap());
        assert_eq!(raw.decode(len - 1), None);
        let (raw, len) = RawAddr::encode(&v6("2001:db8::1", 0));
        assert_eq!(raw.decode(len - 1), None);
    }
}
