//! What a client can be told at its creation.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use crate::engine::peers::parse_source;
use crate::engine::{Config, LogLevel, LogLine, Micros};
use crate::error::{Code, Error, Result};
use crate::net::{interface, services};
use crate::wire::MAX_DATAGRAM;

/// The port of `ganeti-confd` where the services database does not name another.
pub const DEFAULT_PORT: u16 = 1814;

/// Takes lines for the program's log.
pub type LogSink = Arc<dyn Fn(&LogLine) + Send + Sync>;

/// Options of a client. The defaults are those of the reference implementation.
#[derive(Clone)]
pub struct Options {
    pub(super) config: Config,
    pub(super) port: Option<u16>,
    pub(super) receive_buffer: Option<usize>,
    pub(super) bind: Option<SocketAddr>,
    pub(super) external_io: bool,
    pub(super) log: Option<LogSink>,
    pub(super) datagrams_per_call: usize,
    pub(super) refresh_every: Micros,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            config: Config::default(),
            port: None,
            receive_buffer: None,
            bind: None,
            external_io: false,
            log: None,
            datagrams_per_call: 128,
            refresh_every: 0,
        }
    }
}

impl Options {
    /// The port of peers that name none of their own. Default: `ganeti-confd` in the services database, else
    /// [`DEFAULT_PORT`].
    pub fn set_port(&mut self, port: u16) -> Result<()> {
        if port == 0 {
            return Err(Error::new(Code::InvalidArgument, "the port is 0, not one of 1 to 65535"));
        }
        self.port = Some(port);
        Ok(())
    }

    /// How many milliseconds a request is outstanding; more than 0. Default: 10,000.
    pub fn set_expire_ms(&mut self, ms: i32) -> Result<()> {
        match u64::try_from(ms) {
            Ok(positive) if ms > 0 => self.config.expire_after = positive * 1_000,
            _ => {
                return Err(Error::with(
                    Code::InvalidArgument,
                    format_args!("an expiry of {ms} ms is not more than 0"),
                ));
            }
        }
        Ok(())
    }

    /// The most bytes of a request's datagram, at most 65,507. Default: 4,096, which is what `ganeti-confd`
    /// reads.
    pub fn set_max_request_bytes(&mut self, bytes: usize) -> Result<()> {
        if bytes == 0 || bytes > MAX_DATAGRAM {
            return Err(Error::with(
                Code::InvalidArgument,
                format_args!("a limit of {bytes} bytes is not one of 1 to {MAX_DATAGRAM}"),
            ));
        }
        self.config.max_request_bytes = bytes;
        Ok(())
    }

    /// Whether the callback is told only of replies that say something new. Default: off.
    pub fn set_filter(&mut self, on: bool) {
        self.config.filter = on;
    }

    /// Whether signed replies from addresses that were not asked are delivered. Default: off.
    pub fn set_any_source(&mut self, on: bool) {
        self.config.any_source = on;
    }

    /// After how many milliseconds a query asks the silent peers again, and others; 0 for never. Default: 1,000.
    pub fn set_retry_ms(&mut self, ms: i32) -> Result<()> {
        self.config.retry_every = microseconds(ms, "a retry time")?;
        Ok(())
    }

    /// How often the peers are brought up to date, in milliseconds; 0, the default, for never. A client of a data
    /// directory reads its files again when they change; another one asks its peers for the candidates.
    pub fn set_refresh_ms(&mut self, ms: i32) -> Result<()> {
        self.refresh_every = microseconds(ms, "a refresh time")?;
        Ok(())
    }

    /// Bytes asked of the system for the socket's receive buffer, more than 0. Default: the system's.
    pub fn set_receive_buffer(&mut self, bytes: usize) -> Result<()> {
        if bytes == 0 || i32::try_from(bytes).is_err() {
            return Err(Error::with(
                Code::InvalidArgument,
                format_args!("a receive buffer of {bytes} bytes is not one of 1 to {}", i32::MAX),
            ));
        }
        self.receive_buffer = Some(bytes);
        Ok(())
    }

    /// The local address to send from, one of the peers' family. Default: as the system routes.
    pub fn set_bind_address(&mut self, ip: &str) -> Result<()> {
        let address = parse_source(ip, 0, &interface::index);
        self.bind = Some(address.map_err(|_| {
            let detail = format!("the bind address {ip:?} is not an IPv4 or IPv6 address");
            Error::new(Code::InvalidArgument, detail)
        })?);
        Ok(())
    }

    /// Whether the program does its own input and output: the client then opens no socket. Default: off.
    pub fn set_external_io(&mut self, on: bool) {
        self.external_io = on;
    }

    /// Where lines of `least` and more important levels go. Default: nowhere.
    pub fn set_log(&mut self, sink: Option<LogSink>, least: LogLevel) {
        self.config.log_level = sink.is_some().then_some(least);
        self.log = sink;
    }

    /// The most datagrams that one call handles before it returns, at least 1. Default: 128.
    pub fn set_datagrams_per_call(&mut self, most: usize) {
        self.datagrams_per_call = most.max(1);
    }

    pub(super) fn port(&self) -> u16 {
        self.port.or_else(services::confd_port).unwrap_or(DEFAULT_PORT)
    }

    /// The address to bind to, if it is of the peers' family.
    pub(super) fn bind_for(&self, ipv4: bool) -> Result<Option<SocketAddr>> {
        match self.bind {
            Some(address) if address.is_ipv4() != ipv4 => Err(Error::with(
                Code::MixedFamilies,
                format_args!("the bind address {} is not of the peers' family", address.ip()),
            )),
            bind => Ok(bind.map(|address| match (address.ip(), address) {
                (IpAddr::V6(ip), SocketAddr::V6(v6)) => SocketAddrV6::new(ip, 0, 0, v6.scope_id()).into(),
                (ip, _) => SocketAddr::new(ip, 0),
            })),
        }
    }
}

fn microseconds(ms: i32, what: &str) -> Result<Micros> {
    match u64::try_from(ms) {
        Ok(ms) => Ok(ms * 1_000),
        Err(_) => Err(Error::with(Code::InvalidArgument, format_args!("{what} of {ms} ms is less than 0"))),
    }
}
