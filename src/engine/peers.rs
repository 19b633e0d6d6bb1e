//! Peers as a program writes them: an address, with a zone where it is link-local, with a port where it is not
//! the client's.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use crate::engine::Register;
use crate::error::{Code, Error, Result};

/// A peer: where to send, and its address as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where its daemon listens, in canonical form: IPv4-mapped addresses as IPv4, a zone only where it counts.
    pub address: SocketAddr,
    /// The address without the port, as upcalls show it.
    pub text: Arc<CStr>,
    /// The peer as it was written, with its port where it names one, as statistics show it.
    pub label: Arc<CStr>,
}

impl Peer {
    /// A peer by its canonical address.
    pub fn new(address: SocketAddr) -> Self {
        let address = canonical(address);
        let text = ip_text(address);
        Self::labelled(address, text, Some(address.port()))
    }

    fn labelled(address: SocketAddr, text: String, port: Option<u16>) -> Self {
        let label = match port {
            None => text.clone(),
            Some(port) => with_port(&text, address, port),
        };
        let shared = |text: String| CString::new(text).unwrap_or_default().into();
        Peer { address, text: shared(text), label: shared(label) }
    }
}

/// Reads a list of peers: each an IPv4 or IPv6 address, alone or with a port (`192.0.2.1:2000`,
/// `[2001:db8::1]:2000`); `port` is that of the others. Repeated ones count once. `zone` gives the number of a
/// network interface by its name.
pub fn parse_peers(list: &[&str], port: u16, zone: &dyn Fn(&str) -> Option<u32>) -> Result<Vec<Peer>> {
    if list.is_empty() {
        return Err(Error::new(Code::NoPeers, "the list of peers is empty"));
    }
    parse_each(list, port, zone).map_err(|misfit| {
        let Misfit { index, code, shown, why } = misfit;
        Error::with(code, format_args!("peer {}, {shown}, {why}", index + 1))
    })
}

/// What cannot stand in a list of peers, and why.
pub struct Misfit {
    /// Its place in the list.
    pub index: usize,
    /// What kind of error it is.
    pub code: Code,
    /// Its beginning, in quotes.
    pub shown: String,
    /// What is wrong with it, to be read behind it.
    pub why: Why,
}

/// The same for whoever has another name for a place in the list.
pub fn parse_each(
    list: &[&str],
    port: u16,
    zone: &dyn Fn(&str) -> Option<u32>,
) -> std::result::Result<Vec<Peer>, Misfit> {
    let mut peers: Vec<Peer> = Vec::with_capacity(list.len());
    let mut seen = Register::default();
    for (index, text) in list.iter().enumerate() {
        let misfit = |code, why| {
            let end = text.char_indices().nth(100).map_or(text.len(), |(end, _)| end);
            Misfit { index, code, shown: format!("{:?}", &text[..end]), why }
        };
        let peer = parse(text, port, zone).map_err(|why| misfit(Code::BadPeer, why))?;
        if peer.address.is_ipv4() != peers.first().unwrap_or(&peer).address.is_ipv4() {
            return Err(misfit(Code::MixedFamilies, "is not of the family of those before it".into()));
        }
        if seen.insert(peer.address, ()).is_some() {
            peers.push(peer);
        }
    }
    Ok(peers)
}

/// The address that a program names as a datagram's source.
#[inline]
pub fn parse_source(ip: &str, port: u16, zone: &dyn Fn(&str) -> Option<u32>) -> Result<SocketAddr> {
    // What they mostly are.
    match ip.parse::<Ipv4Addr>() {
        Ok(ip) => Ok(SocketAddr::from((ip, port))),
        Err(_) => parse_other_source(ip, port, zone),
    }
}

fn parse_other_source(ip: &str, port: u16, zone: &dyn Fn(&str) -> Option<u32>) -> Result<SocketAddr> {
    match parse_ip(ip, zone) {
        Ok((IpAddr::V4(ip), _)) => Ok(SocketAddr::from((ip, port))),
        Ok((IpAddr::V6(ip), zone)) => Ok(canonical(SocketAddrV6::new(ip, port, 0, zone).into())),
        Err(why) => Err(Error::with(Code::InvalidArgument, format_args!("the source address {ip:?} {why}"))),
    }
}

/// The address that is meant: IPv4 for an IPv4-mapped one, without a zone where none can matter.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    let SocketAddr::V6(v6) = address else { return address };
    match v6.ip().to_ipv4_mapped() {
        Some(ip) => SocketAddr::from((ip, v6.port())),
        None => {
            let zone = if has_zone(v6.ip()) { v6.scope_id() } else { 0 };
            SocketAddrV6::new(*v6.ip(), v6.port(), 0, zone).into()
        }
    }
}

/// The address without its port, its zone as a number.
pub fn ip_text(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

/// The address with its port, as logs show it.
pub fn address_text(address: SocketAddr) -> String {
    with_port(&ip_text(address), address, address.port())
}

fn with_port(text: &str, address: SocketAddr, port: u16) -> String {
    if address.is_ipv4() { format!("{text}:{port}") } else { format!("[{text}]:{port}") }
}

/// Link-local addresses mean a host only together with the link.
fn has_zone(ip: &Ipv6Addr) -> bool {
    ip.is_unicast_link_local() || (ip.is_multicast() && ip.segments()[0] & 0xf == 2)
}

/// What is wrong with an address, to be read behind it.
pub type Why = Cow<'static, str>;

const NOT_AN_ADDRESS: Why = Cow::Borrowed("is not an IPv4 or IPv6 address");

fn parse(text: &str, port: u16, zone: &dyn Fn(&str) -> Option<u32>) -> std::result::Result<Peer, Why> {
    let (ip_part, own_port) = if let Some(rest) = text.strip_prefix('[') {
        let (ip, rest) = rest.split_once(']').ok_or(NOT_AN_ADDRESS)?;
        if !ip.contains(':') {
            return Err(NOT_AN_ADDRESS);
        }
        match rest.strip_prefix(':') {
            Some(digits) => (ip, Some(parse_port(digits)?)),
            None if rest.is_empty() => (ip, None),
            None => return Err(NOT_AN_ADDRESS),
        }
    } else {
        match text.split_once(':') {
            Some((ip, digits)) if !digits.contains(':') && !ip.is_empty() => (ip, Some(parse_port(digits)?)),
            _ => (text, None),
        }
    };
    let port = own_port.unwrap_or(port);
    let (ip, scope) = parse_ip(ip_part, zone)?;
    let of_one_host = match ip {
        IpAddr::V4(ip) => !(ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()),
        IpAddr::V6(ip) => !(ip.is_unspecified() || ip.is_multicast()),
    };
    if !of_one_host {
        return Err("is not the address of one host".into());
    }
    match ip {
        IpAddr::V4(ip) => Ok(Peer::labelled((ip, port).into(), ip.to_string(), own_port)),
        IpAddr::V6(ip) if ip.is_unicast_link_local() && scope == 0 => {
            Err("is link-local and needs a zone, as in fe80::1%eth0".into())
        }
        IpAddr::V6(ip) => {
            let address = canonical(SocketAddrV6::new(ip, port, 0, scope).into());
            let keeps_zone = matches!(address, SocketAddr::V6(v6) if v6.scope_id() != 0);
            let written = if keeps_zone { ip_part.to_owned() } else { ip_text(address) };
            Ok(Peer::labelled(address, written, own_port))
        }
    }
}

fn parse_port(digits: &str) -> std::result::Result<u16, Why> {
    match digits.parse() {
        Ok(port) if port != 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err("has a port that is not one of 1 to 65535".into()),
    }
}

/// An address and its zone, 0 for none.
fn parse_ip(text: &str, zone: &dyn Fn(&str) -> Option<u32>) -> std::result::Result<(IpAddr, u32), Why> {
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok((ip.into(), 0));
    }
    let Some((ip, name)) = text.split_once('%') else {
        let ip: Ipv6Addr = text.parse().map_err(|_| NOT_AN_ADDRESS)?;
        return Ok(ip.to_ipv4_mapped().map_or((ip.into(), 0), |ip| (ip.into(), 0)));
    };
    let ip: Ipv6Addr = ip.parse().map_err(|_| NOT_AN_ADDRESS)?;
    let number =
        zone(name).ok_or_else(|| format!("names the zone \"{name}\", and no interface is called so"))?;
    Ok((ip.into(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Option<u32> {
        match name {
            "eth0" | "2" => Some(2),
            _ => None,
        }
    }

    fn read(list: &[&str]) -> Result<Vec<String>> {
        Ok(parse_peers(list, 1814, &zone)?.iter().map(|peer| peer.address.to_string()).collect())
    }

    fn failure(list: &[&str]) -> (Code, String) {
        let error = read(list).unwrap_err();
        (error.code(), error.detail().to_owned())
    }

    #[test]
    fn peers_have_the_clients_port_or_their_own() {
        assert_eq!(read(&["192.0.2.1", "192.0.2.1:2000"]).unwrap(), ["192.0.2.1:1814", "192.0.2.1:2000"]);
        assert_eq!(
            read(&["2001:db8::1", "[2001:db8::1]:2000", "[2001:db8::2]"]).unwrap(),
            ["[2001:db8::1]:1814", "[2001:db8::1]:2000", "[2001:db8::2]:1814"]
        );
    }

    #[test]
    fn what_means_one_address_counts_once() {
        assert_eq!(read(&["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:1814"]).unwrap(), ["192.0.2.1:1814"]);
        assert_eq!(read(&["fe80::1%eth0", "[fe80::1%2]:1814"]).unwrap(), ["[fe80::1%2]:1814"]);
        assert_eq!(read(&["2001:db8::1%eth0", "2001:DB8:0::1"]).unwrap(), ["[2001:db8::1]:1814"]);
        let peers = parse_peers(&["fe80::1%eth0"], 1, &zone).unwrap();
        assert_eq!(&*peers[0].text, c"fe80::1%eth0", "shown as it was written");
        let label =
            |peer: &str| parse_peers(&[peer], 1, &zone).unwrap()[0].label.to_str().unwrap().to_owned();
        assert_eq!(label("192.0.2.1"), "192.0.2.1");
        assert_eq!(label("[2001:DB8::1]:2000"), "[2001:db8::1]:2000");
    }

    #[test]
    fn anything_else_is_refused_by_name_and_place() {
        let (code, detail) = failure(&["192.0.2.1", "192.0.2.2", "node7"]);
        assert_eq!((code, &*detail), (Code::BadPeer, "peer 3, \"node7\", is not an IPv4 or IPv6 address"));
        for bad in [
            "",
            " 192.0.2.1",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:0",
            "192.0.2.1:65536",
            "192.0.2.1:+1",
            "[::1",
            "[192.0.2.1]:1",
            "[::1]1",
            ":1",
            "::1%eth9",
            "192.0.2.1%eth0",
            "fe80::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1%eth0",
            "::ffff:0.0.0.0",
            "a\nb",
        ] {
            let (code, detail) = failure(&[bad]);
            assert_eq!(code, Code::BadPeer, "{bad}");
            assert!(!detail.contains('\n'));
        }
        assert_eq!(failure(&[]).0, Code::NoPeers);
        assert_eq!(failure(&["192.0.2.1", "2001:db8::1"]).0, Code::MixedFamilies);
        assert_eq!(
            failure(&["192.0.2.1", "2001:db8::1", "node7"]).0,
            Code::MixedFamilies,
            "the first fault counts"
        );
    }

    #[test]
    fn a_peer_is_labelled_as_it_is_written() {
        let labels = |list: &[&str]| -> Vec<String> {
            let peers = parse_peers(list, 1814, &zone).unwrap();
            peers.iter().map(|peer| peer.label.to_str().unwrap().to_owned()).collect()
        };
        for label in
            ["192.0.2.1", "192.0.2.1:2000", "2001:db8::1", "[2001:db8::1]:2000", "[fe80::1%eth0]:1814"]
        {
            assert_eq!(labels(&[label]), [label]);
        }
        for (address, label) in [("192.0.2.1:7", "192.0.2.1:7"), ("[::ffff:192.0.2.1]:7", "192.0.2.1:7")] {
            assert_eq!(Peer::new(address.parse().unwrap()).label.to_str(), Ok(label));
        }
        let error = parse_peers(&["192.0.2.1", "::1"], 1, &zone).unwrap_err();
        assert_eq!(error.detail(), "peer 2, \"::1\", is not of the family of those before it");
    }

    #[test]
    fn a_zone_stays_where_an_address_is_one_of_its_link() {
        for (ip, text) in [
            ("fe80::1", "fe80::1%3"),
            ("ff02::1", "ff02::1%3"),
            ("ff12::1", "ff12::1%3"),
            ("ff05::1", "ff05::1"),
            ("2002::1", "2002::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            let address = canonical(SocketAddrV6::new(ip.parse().unwrap(), 7, 5, 3).into());
            assert_eq!((ip_text(address), address.port()), (text.to_owned(), 7));
        }
    }

    #[test]
    fn a_source_is_compared_as_the_address_it_means() {
        let source = |ip: &str| parse_source(ip, 7, &zone).unwrap().to_string();
        assert_eq!(source("::ffff:192.0.2.1"), "192.0.2.1:7");
        assert_eq!(source("fe80::1%eth0"), "[fe80::1%2]:7");
        assert_eq!(source("2001:db8::1%2"), "[2001:db8::1]:7");
        assert_eq!(parse_source("x", 7, &zone).unwrap_err().code(), Code::InvalidArgument);
    }
}
