//! The HMAC key, its schedule computed once.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// HMAC-SHA1 under one key. The two blocks of the padded key are hashed at the start, so that a
/// short datagram costs three or four compressions.
#[derive(Clone)]
pub struct Key(Hmac<Sha1>);

impl Key {
    /// A key of these exact bytes: a trailing newline of the key file belongs to it.
    pub fn new(bytes: &[u8]) -> Key {
        Key(Hmac::new_from_slice(bytes).expect("HMAC takes a key of any length"))
    }

    /// The 40 lower-case hex digits over `salt ++ msg`.
    pub fn sign(&self, salt: &[u8], msg: &[u8]) -> [u8; 40] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.digest(salt, msg)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }

    /// Whether `hex` (either case) signs `salt ++ msg`.
    pub fn verify(&self, salt: &[u8], msg: &[u8], hex: &[u8]) -> bool {
        hex.eq_ignore_ascii_case(&self.sign(salt, msg))
    }

    fn digest(&self, salt: &[u8], msg: &[u8]) -> [u8; 20] {
        let mut mac = self.0.clone();
        mac.update(salt);
        mac.update(msg);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_rfc_2202_says() {
        let hex = Key::new(b"Jefe").sign(b"what do ya want ", b"for nothing?");
        assert_eq!(&hex, b"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert!(Key::new(b"Jefe").verify(b"", b"what do ya want for nothing?", &hex.to_ascii_uppercase()));
        assert!(!Key::new(b"Jefe\n").verify(b"", b"what do ya want for nothing?", &hex));
    }
}
