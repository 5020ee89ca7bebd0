//! Time and chance, given by the rim.

use crate::id::Id16;

/// What one act gets from outside: the device's claim of the time, and fresh random bytes.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Milliseconds since 1970 by the author's own (business) clock; a claim, never a judge.
    pub now_ms: u64,
    /// Fresh random bytes, enough for every id, key and nonce of one act.
    pub entropy: [u8; 32],
}

impl Stamp {
    /// The `n`-th id of this act: 48 bits of time, 80 bits derived from the entropy.
    #[must_use]
    pub fn id(&self, n: u32) -> Id16 {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&self.now_ms.to_be_bytes()[2..]);
        id[6..].copy_from_slice(&self.bytes("getit stamp id 1", n)[..10]);
        Id16(id)
    }

    /// The `n`-th secret of this act: a subject key.
    #[must_use]
    pub fn key(&self, n: u32) -> [u8; 32] {
        self.bytes("getit stamp key 1", n)
    }

    /// The `n`-th nonce of this act.
    #[must_use]
    pub fn nonce(&self, n: u32) -> [u8; 24] {
        let mut nonce = [0; 24];
        nonce.copy_from_slice(&self.bytes("getit stamp nonce 1", n)[..24]);
        nonce
    }

    fn bytes(&self, context: &str, n: u32) -> [u8; 32] {
        let mut input = [0; 36];
        input[..32].copy_from_slice(&self.entropy);
        input[32..].copy_from_slice(&n.to_be_bytes());
        blake3::derive_key(context, &input)
    }
}
