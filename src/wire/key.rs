//! The cluster's HMAC key, as the schedule that signs and verifies. It is wiped from memory when it is dropped, and what
//! the work with it leaves on the stack is wiped at once: a thread's stack may outlive the client by far.

use std::fmt;
use std::hint::black_box;

use hmac::KeyInit;
use hmac::block_api::HmacCore;
use hmac::digest::block_api::{Buffer, FixedOutputCore, UpdateCore};
use hmac::digest::{CtOutput, Output};
use sha1::Sha1;

/// HMAC-SHA1 without a buffer of its own: what is moved and wiped for each datagram is half as much.
type Schedule = HmacCore<Sha1>;

/// Bytes of an HMAC-SHA1 tag.
pub const TAG_LEN: usize = 20;

/// Bytes of a block of SHA-1, to which HMAC brings every key.
const BLOCK_LEN: usize = 64;

/// What two keys sign to be compared.
const COMPARED: &[u8] = b"one key or two?";

/// An HMAC key ready for use.
///
/// The key is every byte of `hmac.key`, its trailing newline included: a stripped key is another key, and gets no
/// answer from any server.
pub struct Key {
    // Behind a pointer, so that moving a key leaves no copy of the schedule on the stack.
    schedule: Box<Schedule>,
}

impl Key {
    /// A key of these bytes; `None` for no bytes at all.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let key = traceless::<MAKING, _>(|| Self::of(bytes));
        Self::cover();
        key
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        Schedule::new_from_slice(bytes).ok().map(|schedule| Key { schedule: Box::new(schedule) })
    }

    /// HMAC-SHA1 over `salt` and then `msg`.
    pub fn sign(&self, salt: &[u8], msg: &[u8]) -> [u8; TAG_LEN] {
        traceless::<SIGNING, _>(|| self.tag(salt, msg).into())
    }

    /// Whether `tag` signs `salt` and `msg`. Takes the same time wherever the tags differ.
    #[inline]
    pub fn verifies(&self, salt: &[u8], msg: &[u8], tag: &[u8; TAG_LEN]) -> bool {
        let is_it = || CtOutput::<Schedule>::new(self.tag(salt, msg)) == CtOutput::new((*tag).into());
        traceless::<SIGNING, _>(is_it)
    }

    /// Whether both are made of the same bytes, as far as a signature tells.
    pub fn is_same(&self, other: &Key) -> bool {
        let is_same = self.verifies(b"", COMPARED, &other.sign(b"", COMPARED));
        Self::cover();
        is_same
    }

    /// Work with a key of zeros takes a true one's place in the vector registers, out of which it would come to the stack
    /// at the next call that the loader binds. For where hardly anything else follows that uses them.
    fn cover() {
        let zeros = black_box([0; BLOCK_LEN]);
        traceless::<MAKING, _>(|| black_box(Self::of(&zeros).map(|key| key.tag(b"", COMPARED))));
    }

    fn tag(&self, salt: &[u8], msg: &[u8]) -> Output<Schedule> {
        let mut schedule = (*self.schedule).clone();
        let mut buffer = Buffer::<Schedule>::default();
        for part in [salt, msg] {
            buffer.digest_blocks(part, |blocks| schedule.update_blocks(blocks));
        }
        let mut tag = Output::<Schedule>::default();
        schedule.finalize_fixed_core(&mut buffer, &mut tag);
        tag
    }
}

/// More than it uses of the stack to sign, in words of 64 bits: 1 KiB, of which optimized code uses 640 bytes at the most,
/// by the compiler's own count for x86 and ARM of 32 and 64 bits, and code that is not optimized far more.
const SIGNING: usize = if cfg!(debug_assertions) { 512 } else { 128 };

/// The same for making a key ready, of which that is some 850.
const MAKING: usize = 2 * SIGNING;

/// Does some work and wipes the stack where it was done, `DEPTH` words of it. The crates below wipe what they own when
/// they drop it, but not the padded key, nor what the compiler moved, copied or spilled on the way.
fn traceless<const DEPTH: usize, T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    wipe_below::<DEPTH>();
    result
}

/// In a frame of its own, which [`wipe_below`] then covers.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe_below<const DEPTH: usize>() {
    // One fill, which takes nanoseconds; `zeroize` would write word by word. Nothing may be known of who reads it.
    black_box(&mut [0_u64; DEPTH]);
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_rfc_2202_says() {
        let key = Key::new(b"Jefe").unwrap();
        let tag = key.sign(b"what do ya want ", b"for nothing?");
        assert_eq!(tag[..4], [0xef, 0xfc, 0xdf, 0x6a]);
        assert!(key.verifies(b"what do ya want for", b" nothing?", &tag));
        let mut forged = tag;
        forged[19] ^= 1;
        assert!(!key.verifies(b"what do ya want ", b"for nothing?", &forged));
    }

    #[test]
    fn keys_are_the_same_when_all_their_bytes_are() {
        let key = |bytes: &[u8]| Key::new(bytes).unwrap();
        assert!(key(b"secret").is_same(&key(b"secret")));
        assert!(!key(b"secret").is_same(&key(b"secret\n")));
        // What is longer than a block is hashed first, and not cut short.
        let long = [b'k'; 3 * BLOCK_LEN];
        assert!(key(&long).is_same(&key(&long)) && !key(&long).is_same(&key(&long[1..])));
        assert!(!key(&long[..BLOCK_LEN]).is_same(&key(&long)));
    }

    #[test]
    fn an_empty_key_is_no_key_and_debug_tells_nothing() {
        assert!(Key::new(b"").is_none());
        assert_eq!(format!("{:?}", Key::new(b"secret").unwrap()), "Key(..)");
    }
}
