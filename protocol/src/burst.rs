//! The burst: what one person's tap wrote, signed once over the list of its op ids (SPEC S1).
//!
//! ```text
//! head = ver u8=1 | author 8 | inc 4 | seq varint | prev 16 | time u48 ms | beacon varint | n u8 (1..=64)
//! h      = BLAKE3 derive-key("getit head 1", head)
//! id_i   = derive-key("getit op 1", h | u8 i | op_i)
//! digest = derive-key("getit burst 1", h | id_0 .. id_n-1)
//! wire   = head | sig 64 | slots[n], each 0x01 op_i or 0x00 id_i
//! ```
//! An id covers `h`, or one op under two times would have one id and two meanings.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::id::{Author, Digest, Incarnation, OpId};
use crate::op::{MAX_OP_BYTES, Op, OpError};
use crate::varint;

/// Most ops in one burst: bounds the work behind one signature.
pub const MAX_OPS: usize = 64;
/// Longest head: fixed fields 37, three varints of at most 10.
pub const MAX_HEAD_BYTES: usize = 64;
/// Largest burst on the wire.
pub const MAX_BURST_BYTES: usize = MAX_HEAD_BYTES + 64 + MAX_OPS * (MAX_OP_BYTES + 1);
const VERSION: u8 = 1;
const MAX_TIME: u64 = (1 << 48) - 1;

/// The signed part that all ops of a burst share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The seat that wrote the burst.
    pub author: Author,
    /// The life of the author's database.
    pub inc: Incarnation,
    /// 1, 2, 3 ... without gaps inside one incarnation.
    pub seq: u64,
    /// First 16 bytes of the digest of the burst before; zero at `seq` 1.
    pub prev: [u8; 16],
    /// The author's claim of the time, ms since 1970, monotone per author. For display only.
    pub time_ms: u64,
    /// The newest beacon that the author had heard when it signed; 0 for none. A claim: it can be too low.
    pub beacon: u64,
    /// How many ops, 1..=64.
    pub n: u8,
}

/// One op of a burst as a receiver holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The op's bytes.
    Open(Vec<u8>),
    /// The op may not be seen here, or is not here yet: only its id.
    Withheld(OpId),
}

/// A burst: head, signature, and its ops as far as they may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burst {
    /// The shared head.
    pub head: Head,
    /// Ed25519 over the digest, by the seat's key.
    pub sig: [u8; 64],
    /// The ops or their ids, `head.n` of them.
    pub slots: Vec<Slot>,
}

/// Why bytes are not a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BurstError {
    /// Unknown version byte.
    #[error("the burst has a version this program does not know: update the program")]
    Version,
    /// Bytes end early or go on.
    #[error("the burst was cut or padded on the way")]
    Truncated,
    /// `n` is not 1..=64, or `seq` is 0.
    #[error("the burst has an impossible count or sequence number")]
    Count,
    /// A slot tag other than 0 and 1.
    #[error("the burst has a slot that is neither an op nor an id")]
    SlotTag,
    /// One of the ops is not an op.
    #[error(transparent)]
    Op(#[from] OpError),
}

impl BurstError {
    /// The stable code of this refusal.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Version => "burst_version",
            Self::Truncated => "burst_truncated",
            Self::Count => "burst_count",
            Self::SlotTag => "burst_slot",
            Self::Op(OpError::TooLarge) => "op_too_large",
            Self::Op(OpError::Truncated) => "op_truncated",
            Self::Op(OpError::TooManyHeads) => "op_heads",
            Self::Op(OpError::UnknownLane) => "op_lane",
        }
    }
}

impl Head {
    /// The head's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAX_HEAD_BYTES);
        out.push(VERSION);
        out.extend_from_slice(&self.author.0);
        out.extend_from_slice(&self.inc.0);
        varint::put(&mut out, self.seq);
        out.extend_from_slice(&self.prev);
        out.extend_from_slice(&self.time_ms.min(MAX_TIME).to_be_bytes()[2..]);
        varint::put(&mut out, self.beacon);
        out.push(self.n);
        out
    }

    /// Reads a head from the front of `bytes`.
    ///
    /// # Errors
    /// See [`BurstError`].
    pub fn decode_front(bytes: &[u8]) -> Result<(Self, usize), BurstError> {
        let fixed = bytes.get(..13).ok_or(BurstError::Truncated)?;
        if fixed[0] != VERSION {
            return Err(BurstError::Version);
        }
        let mut at = 13;
        let (seq, used) = varint::get(&bytes[at..]).ok_or(BurstError::Truncated)?;
        at += used;
        let prev = bytes.get(at..at + 16).and_then(|p| p.try_into().ok()).ok_or(BurstError::Truncated)?;
        at += 16;
        let time = bytes.get(at..at + 6).ok_or(BurstError::Truncated)?;
        let time_ms = time.iter().fold(0u64, |ms, byte| ms << 8 | u64::from(*byte));
        at += 6;
        let (beacon, used) = varint::get(&bytes[at..]).ok_or(BurstError::Truncated)?;
        at += used;
        let n = *bytes.get(at).ok_or(BurstError::Truncated)?;
        if n == 0 || usize::from(n) > MAX_OPS || seq == 0 || seq > i64::MAX as u64 || beacon > i64::MAX as u64 {
            return Err(BurstError::Count);
        }
        let mut author = Author([0; 8]);
        author.0.copy_from_slice(&fixed[1..9]);
        let mut inc = Incarnation([0; 4]);
        inc.0.copy_from_slice(&fixed[9..13]);
        Ok((Self { author, inc, seq, prev, time_ms, beacon, n }, at + 1))
    }

    fn hash(&self) -> [u8; 32] {
        blake3::derive_key("getit head 1", &self.encode())
    }
}

fn op_id(head: &[u8; 32], index: usize, op: &[u8]) -> OpId {
    let mut hasher = blake3::Hasher::new_derive_key("getit op 1");
    hasher.update(head).update(&[u8::try_from(index).unwrap_or(u8::MAX)]).update(op);
    OpId(*hasher.finalize().as_bytes())
}

fn digest(head: &[u8; 32], ids: &[OpId]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("getit burst 1");
    hasher.update(head);
    ids.iter().for_each(|id| {
        hasher.update(&id.0);
    });
    Digest(*hasher.finalize().as_bytes())
}

impl Burst {
    /// Signs the next burst of a chain. `prev` is the digest before, or `None` at `seq` 1.
    #[must_use]
    pub fn sign(key: &SigningKey, place: &ChainPlace, time_ms: u64, ops: &[Op]) -> Self {
        let mut prev = [0; 16];
        if let Some(digest) = place.prev {
            prev.copy_from_slice(&digest.0[..16]);
        }
        let n = u8::try_from(ops.len()).unwrap_or(u8::MAX);
        let head =
            Head { author: place.author, inc: place.inc, seq: place.seq, prev, time_ms, beacon: place.beacon, n };
        let slots: Vec<Slot> = ops.iter().map(|op| Slot::Open(op.encode())).collect();
        let mut burst = Self { head, sig: [0; 64], slots };
        burst.sig = key.sign(&burst.digest().0).to_bytes();
        burst
    }

    /// The ids of all ops, withheld or not, in slot order.
    #[must_use]
    pub fn ids(&self) -> Vec<OpId> {
        let head = self.head.hash();
        let id = |(index, slot): (usize, &Slot)| match slot {
            Slot::Open(op) => op_id(&head, index, op),
            Slot::Withheld(id) => *id,
        };
        self.slots.iter().enumerate().map(id).collect()
    }

    /// The digest that is signed, and by which the burst is stored.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(&self.head.hash(), &self.ids())
    }

    /// Whether the seat's key signed this burst; strict, so that no second signature verifies.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.verify_strict(&self.digest().0, &Signature::from_bytes(&self.sig)).is_ok()
    }

    /// Wire and disk form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.head.encode();
        out.extend_from_slice(&self.sig);
        for slot in &self.slots {
            match slot {
                Slot::Open(op) => {
                    out.push(1);
                    out.extend_from_slice(op);
                }
                Slot::Withheld(id) => {
                    out.push(0);
                    out.extend_from_slice(&id.0);
                }
            }
        }
        out
    }

    /// Reads a burst that fills `bytes`. Nothing is verified but the form.
    ///
    /// # Errors
    /// See [`BurstError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BurstError> {
        let (head, mut at) = Head::decode_front(bytes)?;
        let sig = bytes.get(at..at + 64).and_then(|s| s.try_into().ok()).ok_or(BurstError::Truncated)?;
        at += 64;
        let mut slots = Vec::with_capacity(usize::from(head.n));
        for _ in 0..head.n {
            let tag = *bytes.get(at).ok_or(BurstError::Truncated)?;
            at += 1;
            match tag {
                1 => {
                    let (_, used) = Op::decode_front(&bytes[at..])?;
                    slots.push(Slot::Open(bytes[at..at + used].to_vec()));
                    at += used;
                }
                0 => {
                    let id = bytes.get(at..at + 32).and_then(|id| id.try_into().ok()).ok_or(BurstError::Truncated)?;
                    slots.push(Slot::Withheld(OpId(id)));
                    at += 32;
                }
                _ => return Err(BurstError::SlotTag),
            }
        }
        if at == bytes.len() { Ok(Self { head, sig, slots }) } else { Err(BurstError::Truncated) }
    }

    /// The same burst with only the ops that `may_see` allows; the others become their ids.
    #[must_use]
    pub fn withhold(&self, may_see: impl Fn(&OpId) -> bool) -> Self {
        let slots = self.ids().into_iter().zip(&self.slots);
        let slots = slots.map(|(id, slot)| if may_see(&id) { slot.clone() } else { Slot::Withheld(id) }).collect();
        Self { head: self.head.clone(), sig: self.sig, slots }
    }
}

/// Where in its author's chain a burst stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainPlace {
    /// The seat.
    pub author: Author,
    /// The life of its database.
    pub inc: Incarnation,
    /// The number of the burst to write.
    pub seq: u64,
    /// The digest of the burst before; `None` at `seq` 1.
    pub prev: Option<Digest>,
    /// The newest beacon that the author has heard; 0 when it has heard none.
    pub beacon: u64,
}

impl ChainPlace {
    /// The start of a new incarnation.
    #[must_use]
    pub const fn start(author: Author, inc: Incarnation) -> Self {
        Self { author, inc, seq: 1, prev: None, beacon: 0 }
    }

    /// The place after a burst of this digest.
    #[must_use]
    pub const fn then(self, digest: Digest) -> Self {
        Self { seq: self.seq + 1, prev: Some(digest), ..self }
    }
}
