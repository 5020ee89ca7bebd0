//! The op: the unit of replication, as bytes (SPEC S1).
//!
//! ```text
//! op = class·kind u16 (4 + 12 bits) | lane·flags u8 | subject 17 | after: count u8 + 8 each | len varint | payload
//! ```

use crate::id::{SUBJECT_LEN, ShortId, Subject};
use crate::varint;

/// Largest op, header included: larger content is a blob.
pub const MAX_OP_BYTES: usize = 16 * 1024;
/// Most heads an op may name: more concurrent heads than this are the sign of a broken author.
pub const MAX_AFTER: usize = 8;

/// The lanes of a scope, in the order in which they are sent.
pub mod lane {
    /// Put, Close, revocation, settings.
    pub const CONTROL: u8 = 0;
    /// Money and custody.
    pub const MONEY: u8 = 1;
    /// Orders and stock.
    pub const ORDERS: u8 = 2;
    /// Notes and documents.
    pub const NOTES: u8 = 3;
    /// Catalogue.
    pub const CATALOGUE: u8 = 4;
    /// Blob manifests.
    pub const BLOBS: u8 = 5;
    /// How many lanes there are.
    pub const COUNT: u8 = 6;
}

/// One op, decoded from its header; the payload stays bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Class (upper 4 bits: who may author it) and kind (lower 12 bits).
    pub class_kind: u16,
    /// Lane in the lower 4 bits; the upper 4 are flags, 0 for now.
    pub lane_flags: u8,
    /// What this is about.
    pub subject: Subject,
    /// The heads of the subject that the author held.
    pub after: Vec<ShortId>,
    /// What the kind says.
    pub payload: Vec<u8>,
}

/// Why bytes are not an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// Over [`MAX_OP_BYTES`].
    #[error("the op is larger than 16 KiB: send large content as a blob")]
    TooLarge,
    /// The bytes end early, or go on after the payload.
    #[error("the op's bytes do not match its length: it was cut or padded on the way")]
    Truncated,
    /// More than [`MAX_AFTER`] heads.
    #[error("the op names more than 8 heads")]
    TooManyHeads,
    /// A lane that does not exist.
    #[error("the op's lane does not exist")]
    UnknownLane,
}

impl Op {
    /// Class: who may author the op. Held by the certificate's mask, also for unknown kinds.
    #[must_use]
    pub fn class(&self) -> u8 {
        (self.class_kind >> 12) as u8
    }

    /// The lane of the op.
    #[must_use]
    pub fn lane(&self) -> u8 {
        self.lane_flags & 0x0f
    }

    /// The op as it is hashed, stored and sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.payload.len());
        out.extend_from_slice(&self.class_kind.to_be_bytes());
        out.push(self.lane_flags);
        out.extend_from_slice(&self.subject.0);
        out.push(u8::try_from(self.after.len()).unwrap_or(u8::MAX));
        self.after.iter().for_each(|short| out.extend_from_slice(&short.0));
        varint::put(&mut out, self.payload.len() as u64);
        out.extend_from_slice(&self.payload);
        out
    }

    /// Reads one op from the front of `bytes`; returns it and its length.
    ///
    /// # Errors
    /// See [`OpError`].
    pub fn decode_front(bytes: &[u8]) -> Result<(Self, usize), OpError> {
        const FIXED: usize = 3 + SUBJECT_LEN;
        let fixed = bytes.get(..=FIXED).ok_or(OpError::Truncated)?;
        let class_kind = u16::from_be_bytes([fixed[0], fixed[1]]);
        let lane_flags = fixed[2];
        if lane_flags & 0x0f >= lane::COUNT {
            return Err(OpError::UnknownLane);
        }
        let subject = Subject::from_slice(&fixed[3..FIXED]).ok_or(OpError::Truncated)?;
        let heads = usize::from(fixed[FIXED]);
        if heads > MAX_AFTER {
            return Err(OpError::TooManyHeads);
        }
        let mut at = FIXED + 1;
        let mut after = Vec::with_capacity(heads);
        for _ in 0..heads {
            let short = bytes.get(at..at + 8).and_then(|s| s.try_into().ok()).ok_or(OpError::Truncated)?;
            after.push(ShortId(short));
            at += 8;
        }
        let (len, used) = varint::get(&bytes[at..]).ok_or(OpError::Truncated)?;
        at += used;
        let len = usize::try_from(len).ok().filter(|len| *len <= MAX_OP_BYTES).ok_or(OpError::TooLarge)?;
        let payload = bytes.get(at..at + len).ok_or(OpError::Truncated)?.to_vec();
        at += len;
        if at > MAX_OP_BYTES {
            return Err(OpError::TooLarge);
        }
        Ok((Self { class_kind, lane_flags, subject, after, payload }, at))
    }

    /// Reads one op that fills `bytes`.
    ///
    /// # Errors
    /// See [`OpError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, OpError> {
        let (op, used) = Self::decode_front(bytes)?;
        if used == bytes.len() { Ok(op) } else { Err(OpError::Truncated) }
    }
}
