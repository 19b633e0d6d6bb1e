//! The address book: every address that matters now, under a small number. An address is in it while it is a peer
//! or while an outstanding request was sent to it, so replies to what was sent before a change of peers still
//! count.

use std::collections::HashMap;
use std::ffi::CStr;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::peers::Peer;

/// The number of an address in the book.
pub(super) type PeerId = u32;

/// What is known of an address.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) address: SocketAddr,
    pub(super) text: Arc<CStr>,
    uses: u32,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    entries: Vec<Option<Entry>>,
    free: Vec<PeerId>,
    by_address: HashMap<SocketAddr, PeerId>,
}

impl Book {
    /// Enters an address, or finds it, and counts one use of it.
    pub(super) fn hold(&mut self, peer: &Peer) -> PeerId {
        if let Some(id) = self.find(peer.address) {
            self.retain(id);
            return id;
        }
        let entry = Some(Entry { address: peer.address, text: peer.text.clone(), uses: 1 });
        let id = match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = entry;
                id
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as PeerId
            }
        };
        self.by_address.insert(peer.address, id);
        id
    }

    /// Counts one more use of an address that is in the book.
    pub(super) fn retain(&mut self, id: PeerId) {
        if let Some(Some(entry)) = self.entries.get_mut(id as usize) {
            entry.uses += 1;
        }
    }

    /// Takes one use back; the last one takes the address out.
    pub(super) fn release(&mut self, id: PeerId) {
        let Some(slot) = self.entries.get_mut(id as usize) else { return };
        let Some(entry) = slot else { return };
        entry.uses -= 1;
        if entry.uses == 0 {
            self.by_address.remove(&entry.address);
            *slot = None;
            self.free.push(id);
        }
    }

    pub(super) fn find(&self, address: SocketAddr) -> Option<PeerId> {
        self.by_address.get(&address).copied()
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Entry> {
        self.entries.get(id as usize)?.as_ref()
    }

    /// How many addresses are in it.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_address.len()
    }
}
