//! The calls of programs that do their own input and output: they pull datagrams out and push datagrams in.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use crate::client::deliver::Limit;
use crate::client::{Client, EXPIRIES_PER_CALL};
use crate::engine::peers::{ip_text, parse_source};
use crate::error::{Code, Error, Result};
use crate::net::interface;

/// A datagram that the program is to send.
#[derive(Debug)]
pub struct Transmit {
    data: Vec<u8>,
    ip: CString,
    port: u16,
}

impl Transmit {
    /// The bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The address to send them to.
    pub fn ip(&self) -> &CStr {
        &self.ip
    }

    /// The port to send them to.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Client {
    /// Takes the next datagram to send and shows it; it stays as it is until the next is taken.
    pub fn poll_transmit<R>(self: &Arc<Self>, show: impl FnOnce(&Transmit) -> R) -> Result<R> {
        let mut state = self.enter()?;
        if self.socket.is_some() {
            return Err(Error::new(Code::InvalidArgument, "the client has a socket and sends by itself"));
        }
        let next = state.engine.peek_transmits().next().map(|(data, to)| Transmit {
            data: data.to_vec(),
            ip: CString::new(ip_text(to)).unwrap_or_default(),
            port: to.port(),
        });
        let Some(next) = next else {
            return Err(Error::new(Code::NotFound, "no datagram waits to be sent"));
        };
        let now = self.clock();
        state.engine.transmitted(now);
        drop(state);
        let mut pulled = self.pulled.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(show(pulled.insert(next)))
    }

    /// Takes in a datagram that the program has received from this address. Whatever it holds is no error: what
    /// does not count is dropped and counted.
    pub fn handle_datagram(self: &Arc<Self>, datagram: &[u8], ip: &str, port: u16) -> Result<()> {
        let mut state = self.enter()?;
        let from = parse_source(ip, port, &interface::index);
        // By reference, as what was just written and is moved is waited for.
        let from = match from {
            Ok(ref from) => from,
            Err(error) => return Err(error),
        };
        let now = self.clock();
        state.engine.handle_datagram(now, datagram, from);
        self.tick(&mut state, now, EXPIRIES_PER_CALL);
        self.transmit(&mut state, None);
        let (state, _) = self.finish(state, Limit::of_call())?;
        self.still_open(&state)
    }

    /// Takes in an ICMP refusal that the program has received for what it sent to this address.
    pub fn handle_unreachable(self: &Arc<Self>, ip: &str, port: u16) -> Result<()> {
        let mut state = self.enter()?;
        let from = parse_source(ip, port, &interface::index)?;
        state.engine.handle_unreachable(self.clock(), from, &[]);
        self.transmit(&mut state, None);
        drop(self.finish(state, Limit::NONE)?);
        Ok(())
    }
}
