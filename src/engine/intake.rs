//! What becomes of a datagram that came in. What can be ruled out cheaply is ruled out first: the magic, then the
//! source, then the salt, then whether this source has answered; only then is an HMAC computed.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::book::PeerId;
use crate::engine::event::{Event, EventKind, LogLevel};
use crate::engine::peers::{Peer, address_text, ip_text};
use crate::engine::query::joined_at;
use crate::engine::table::{Id, text_bits};
use crate::engine::{Engine, Micros, SECOND};
use crate::wire::envelope::{Envelope, Room, payload, readings};
use crate::wire::query::RequestType;
use crate::wire::reply::Reply;

/// Why a datagram was dropped. Of two readings of one datagram the one that came further says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dropped {
    Magic,
    Malformed,
    Salt,
    Source,
    Duplicate,
    Signature,
    /// Signed, and no reply: the other reading cannot say more.
    NoReply,
}

/// A datagram that came in, as far as it says nothing itself.
struct Arrived<'a> {
    now: Micros,
    from: &'a SocketAddr,
    /// Who that is, if somebody known.
    peer: Option<PeerId>,
    /// Whether it was counted as a stranger's that is looked at.
    looked: bool,
    bytes: usize,
}

/// Whom a reply came from, as far as its request is concerned.
enum Source {
    /// A contacted peer, by its place among the contacts.
    Asked(usize),
    /// Somebody else, whose reply is delivered if it is signed.
    Foreign,
    /// Somebody else, whose reply is dropped, but worth a warning if it is signed.
    Suspect,
}

/// How many datagrams from addresses that were not asked are verified in a second, to find the first signed one.
const LOOKS_PER_SECOND: u32 = 10;

/// The search for a daemon that answers from another address than the one that was asked.
#[derive(Debug, Default)]
pub(super) struct ForeignWatch {
    warned: bool,
    second: Micros,
    looks: u32,
}

impl ForeignWatch {
    /// Whether a datagram from a stranger may cost an HMAC now; counts it if so.
    fn look(&mut self, now: Micros) -> bool {
        if self.warned {
            return false;
        }
        if now.wrapping_sub(self.second) >= SECOND {
            self.second = now;
            self.looks = 0;
        }
        self.looks += 1;
        self.looks <= LOOKS_PER_SECOND
    }
}

impl Engine {
    /// Takes in a datagram that came from `from` at the time `now`. Whatever it holds, this is no error: it is
    /// an event or a counter.
    pub fn handle_datagram(&mut self, now: Micros, datagram: &[u8], from: &SocketAddr) {
        self.stats.datagrams_in += 1;
        let Err(why) = self.take_in(now, datagram, from) else { return };
        let counter = match why {
            Dropped::Magic => &mut self.stats.dropped_magic,
            Dropped::Malformed | Dropped::NoReply => &mut self.stats.dropped_malformed,
            Dropped::Signature => &mut self.stats.dropped_signature,
            Dropped::Salt => &mut self.stats.dropped_salt,
            Dropped::Source => &mut self.stats.dropped_source,
            Dropped::Duplicate => &mut self.stats.dropped_duplicate,
        };
        *counter += 1;
        self.log(LogLevel::Debug, || {
            let why = match why {
                Dropped::Magic => "it does not begin with the magic",
                Dropped::Malformed | Dropped::NoReply => "it is not a well-formed reply",
                Dropped::Signature => "its signature is not of the key that signed the request",
                Dropped::Salt => "no outstanding request has its salt",
                Dropped::Source => "this address was not asked",
                Dropped::Duplicate => "this address has answered already",
            };
            let from = address_text(*from);
            format!("dropped a datagram of {} bytes from {from}: {why}", datagram.len())
        });
    }

    fn take_in(&mut self, now: Micros, datagram: &[u8], from: &SocketAddr) -> Result<(), Dropped> {
        let payload = payload(datagram).ok_or(Dropped::Magic)?;
        let peer = self.book.find(from);
        let stranger = peer.is_none() && !self.config.any_source;
        if stranger && !self.foreign.look(now) {
            return Err(Dropped::Source);
        }
        let arrived = Arrived { now, from, peer, looked: stranger, bytes: datagram.len() };
        let mut room = std::mem::take(&mut self.room);
        let mut furthest = Dropped::Malformed;
        let taken = readings(payload).any(|reading| match self.accept(&arrived, &reading, &mut room) {
            Ok(()) => true,
            Err(why) => {
                furthest = furthest.max(why);
                false
            }
        });
        room.trim();
        self.room = room;
        match taken {
            true => Ok(()),
            false if stranger => Err(Dropped::Source),
            false => Err(furthest),
        }
    }

    fn accept(&mut self, arrived: &Arrived<'_>, reading: &[u8], room: &mut Room) -> Result<(), Dropped> {
        let Arrived { now, from, peer, looked, bytes } = *arrived;
        // By reference, here and below: what was just written and is moved is waited for.
        let envelope = Envelope::parse(reading);
        let Some(envelope) = &envelope else { return Err(Dropped::Malformed) };
        let Some(id) = self.table.find_by(&envelope.salt, envelope.uuid) else {
            return self.credit_late(arrived, envelope, room);
        };
        let Some(asked) = self.table.get(id) else { return Err(Dropped::Salt) };
        let source = match peer.and_then(|peer| asked.contacts.position(peer)) {
            Some(place) if asked.contacts.has_answered(place) => return Err(Dropped::Duplicate),
            Some(place) => Source::Asked(place),
            None if self.config.any_source && asked.query.is_none() => {
                let known = asked.foreign.as_deref().map_or(&[][..], Vec::as_slice);
                if known.contains(from) {
                    return Err(Dropped::Duplicate);
                }
                if known.len() >= asked.contacts.len() {
                    return Err(Dropped::Source);
                }
                Source::Foreign
            }
            None if looked || self.foreign.look(now) => Source::Suspect,
            None => return Err(Dropped::Source),
        };
        let suspect = matches!(source, Source::Suspect);
        let unless = |why: Dropped| if suspect { Dropped::Source } else { why };
        let signed = envelope.open(room);
        let Some(signed) = &signed else { return Err(unless(Dropped::Malformed)) };
        // A query may have been signed with several keys while they change.
        let other_keys = asked.query.as_ref().map_or(&[][..], |query| query.other_keys());
        let mut keys = std::iter::once(&asked.key).chain(other_keys);
        let Some(key) = keys.find(|key| envelope.is_signed_by(key, signed)) else {
            return Err(unless(Dropped::Signature));
        };
        if suspect {
            self.warn_of(*from);
            return Err(Dropped::Source);
        }
        let Some(reply) = Reply::parse(signed.message) else { return Err(Dropped::NoReply) };
        // Where it stays, even if it may not be told: each place on the way would cost as much.
        let reply = Arc::new(reply);
        if let (Source::Asked(place), Some(peer)) = (&source, peer) {
            let asked_at =
                asked.query.as_ref().and_then(|query| query.asked_at(peer)).unwrap_or(asked.left_at);
            let once = !asked.contacts.was_asked_again(*place);
            let is_current = Arc::ptr_eq(key, self.keys.current());
            self.pace.note_reply(now, asked.sent_at, bytes);
            let cluster_serial =
                (reply.is_ok() && has_cluster_serial(asked.request.kind())).then(|| reply.serial());
            // What is dated before its question left came at a time that nobody knows.
            let rtt = now.checked_sub(asked_at).filter(|_| once);
            self.credit(peer, is_current, rtt, cluster_serial);
        }
        self.count(now, id, source, peer, from, reply);
        Ok(())
    }

    /// What a peer's answer tells of the peer.
    fn credit(&mut self, peer: PeerId, is_current: bool, rtt: Option<Micros>, serial: Option<i64>) {
        if let Some(entry) = self.book.get_mut(peer) {
            entry.note_answer(rtt);
            entry.serial = serial.unwrap_or(entry.serial);
        }
        if is_current {
            self.keys.note_answer(peer, &self.peers, &mut self.book);
        }
    }

    /// A reply to a query that has been answered already: it tells only that its peer is slow, not silent.
    fn credit_late(
        &mut self,
        arrived: &Arrived<'_>,
        envelope: &Envelope<'_>,
        room: &mut Room,
    ) -> Result<(), Dropped> {
        if self.late.len() == 0 {
            return Err(Dropped::Salt);
        }
        let Arrived { now, peer, bytes, .. } = *arrived;
        let salt = envelope.uuid.unwrap_or_else(|| text_bits(&envelope.salt));
        let remains = self.late.get_mut(salt).ok_or(Dropped::Salt)?;
        let (peer, place) =
            peer.and_then(|peer| Some((peer, remains.contacts.position(peer)?))).ok_or(Dropped::Source)?;
        if remains.contacts.has_answered(place) {
            return Err(Dropped::Duplicate);
        }
        let Some(signed) = envelope.open(room) else { return Err(Dropped::Malformed) };
        let Some(key) = remains.keys().find(|key| envelope.is_signed_by(key, &signed)) else {
            return Err(Dropped::Signature);
        };
        let reply = Reply::parse(signed.message).ok_or(Dropped::NoReply)?;
        let serial = (reply.is_ok() && has_cluster_serial(remains.kind)).then(|| reply.serial());
        remains.contacts.mark_answered(place);
        self.pace.note_reply(now, remains.sent_at, bytes);
        let once = !remains.contacts.was_asked_again(place);
        let asked_at = joined_at(&remains.joined, peer).unwrap_or(remains.left_at);
        let rtt = now.checked_sub(asked_at).filter(|_| once);
        if remains.contacts.silent().next().is_none() {
            let remains = self.late.remove(salt);
            self.release_remains(remains);
        }
        self.stats.replies += 1;
        self.credit(peer, Arc::ptr_eq(&key, self.keys.current()), rtt, serial);
        Ok(())
    }

    #[inline(always)]
    fn count(
        &mut self,
        now: Micros,
        id: Id,
        source: Source,
        peer: Option<PeerId>,
        from: &SocketAddr,
        reply: Arc<Reply>,
    ) {
        self.stats.replies += 1;
        let asked_place = match source {
            Source::Asked(place) => Some(place),
            _ => None,
        };
        let asked = match asked_place {
            Some(_) => self.table.answered(id),
            None => self.table.get_mut(id),
        };
        let Some(asked) = asked else { return };
        match asked_place {
            Some(place) => asked.contacts.mark_answered(place),
            None => asked.foreign.get_or_insert_default().push(*from),
        }
        let news = asked.verdict.take(&reply);
        if asked.query.is_some() {
            // A query takes the word of those whom it has asked and of nobody else.
            if let (Some(_), Some(peer)) = (asked_place, peer) {
                self.judge(now, id, peer, reply);
            }
            return;
        }
        let tell = !self.config.filter || news;
        if !tell && asked_place.is_none() {
            return;
        }
        let kind = if tell {
            let ip = match peer.and_then(|peer| self.book.get(peer)) {
                Some(entry) => entry.text.clone(),
                None => Peer::new(*from).text,
            };
            EventKind::Reply { reply, ip, port: from.port(), asked: asked_place.is_some() }
        } else {
            EventKind::HeldBack
        };
        self.events.push_back(Event {
            kind,
            request: asked.request.clone(),
            token: asked.token,
            sent: asked.contacts.len() as u32,
            received: asked.received,
            consistent: asked.verdict.consistent(),
            id: Some(id),
        });
    }

    fn warn_of(&mut self, from: SocketAddr) {
        self.foreign.warned = true;
        self.log(LogLevel::Warning, || {
            format!(
                "dropped a correctly signed reply from {} port {}, which was not asked: a daemon bound to the \
                 wildcard address of a node with several does that; the option any_source delivers such replies",
                ip_text(from),
                from.port()
            )
        });
    }
}

/// Whether replies of this type carry the cluster's serial; others carry that of a node or an instance, or none.
fn has_cluster_serial(kind: RequestType) -> bool {
    use RequestType::{InstanceDisks, NodeDrbd, NodeInstances, Ping};
    !matches!(kind, Ping | NodeDrbd | NodeInstances | InstanceDisks)
}
