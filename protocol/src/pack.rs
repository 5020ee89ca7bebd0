//! The pack: bursts as they travel between two programs that both read it. What is unpacked is what was packed, to
//! the byte; signatures, ids and storage know nothing of it.
//!
//! ```text
//! pack  = raw length varint | raw | deflate (RFC 1951) of words
//! raw   = of each burst: sig 64, then the ids of withheld slots, 32 each
//! words = of each burst: head slots
//! head  = 0x00 | the burst's head as it is
//!       | 0x01 | time varint | beacon varint | n u8      the next of the chain of the burst before it in the pack:
//!                                                        author, inc, seq and prev follow from that one
//! slot  = 0x01 op | 0x00                                 the id of a withheld one is in raw
//! ```
//! `time` and `beacon` are differences to the burst before, zigzag. Taps of one person repeat kinds, accounts and
//! places; what cannot be foretold, signatures and ids, stands apart, or it would spoil the compression of the rest.
//! A hundred taps of a counter take half the bytes. Names and addresses are sealed before, so how well a pack
//! compresses tells nothing about them.

use minicbor::bytes::ByteVec;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::burst::{Burst, BurstError, Head, Slot};
use crate::frame::{Frame, MAX_FRAME_BYTES};
use crate::id::OpId;
use crate::op::Op;
use crate::varint;

/// Bytes that the words of one pack may grow to: what one frame of plain bursts may have.
const MAX_WORDS: usize = MAX_FRAME_BYTES;
/// Of 1..=10: a device sends kilobytes at a time, and a byte costs more than finding it.
const LEVEL: u8 = 9;
const WHOLE: u8 = 0;
const NEXT: u8 = 1;

/// Why bytes are not a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Cut, padded, or no deflate, or more than a frame of bursts inside.
    #[error("a pack of bursts cannot be read: update the program")]
    Malformed,
    /// The first burst says to be the next of none.
    #[error("a pack begins in the middle of a chain: update the program")]
    NextOfNone,
    /// One of the bursts is none.
    #[error(transparent)]
    Burst(#[from] BurstError),
}

impl PackError {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "pack_malformed",
            Self::NextOfNone => "pack_chain",
            Self::Burst(error) => error.code(),
        }
    }
}

/// Frames for a peer that reads packs: bursts in packs, all others as they are.
#[must_use]
pub fn packed(frames: Vec<Frame>) -> Vec<Frame> {
    let one = |frame| match frame {
        Frame::Bursts(bursts) => {
            let read: Option<Vec<Burst>> = bursts.iter().map(|bytes| Burst::decode(bytes).ok()).collect();
            read.map_or(Frame::Bursts(bursts), |read| Frame::Packed(ByteVec::from(pack(&read))))
        }
        other => other,
    };
    frames.into_iter().map(one).collect()
}

/// Bursts as one pack.
#[must_use]
pub fn pack(bursts: &[Burst]) -> Vec<u8> {
    let (mut raw, mut words) = (Vec::new(), Vec::new());
    let mut before: Option<&Burst> = None;
    for burst in bursts {
        match before.filter(|before| is_next(before, burst)) {
            Some(Burst { head, .. }) => {
                words.push(NEXT);
                varint::put(&mut words, zigzag(burst.head.time_ms, head.time_ms));
                varint::put(&mut words, zigzag(burst.head.beacon, head.beacon));
                words.push(burst.head.n);
            }
            None => {
                words.push(WHOLE);
                words.extend(burst.head.encode());
            }
        }
        raw.extend_from_slice(&burst.sig);
        for slot in &burst.slots {
            match slot {
                Slot::Open(op) => {
                    words.push(1);
                    words.extend_from_slice(op);
                }
                Slot::Withheld(id) => {
                    words.push(0);
                    raw.extend_from_slice(&id.0);
                }
            }
        }
        before = Some(burst);
    }
    let mut out = Vec::with_capacity(raw.len() + words.len() / 2);
    varint::put(&mut out, raw.len() as u64);
    out.extend(raw);
    out.extend(compress_to_vec(&words, LEVEL));
    out
}

/// Reads a pack, whole or not at all. Nothing is verified but the form.
///
/// # Errors
/// See [`PackError`].
pub fn unpack(bytes: &[u8]) -> Result<Vec<Burst>, PackError> {
    let (length, used) = varint::get(bytes).ok_or(PackError::Malformed)?;
    let length = usize::try_from(length).map_err(|_| PackError::Malformed)?;
    let (raw, rest) = bytes[used..].split_at_checked(length).ok_or(PackError::Malformed)?;
    let words = decompress_to_vec_with_limit(rest, MAX_WORDS).map_err(|_| PackError::Malformed)?;
    let (mut raw, mut words) = (Cut(raw), Cut(&words));
    let mut bursts: Vec<Burst> = Vec::new();
    while !words.0.is_empty() {
        let head = match words.byte()? {
            WHOLE => {
                let (head, used) = Head::decode_front(words.0)?;
                words.take(used)?;
                head
            }
            NEXT => next_head(bursts.last().ok_or(PackError::NextOfNone)?, &mut words)?,
            _ => return Err(PackError::Malformed),
        };
        let mut sig = [0; 64];
        sig.copy_from_slice(raw.take(64)?);
        let mut slots = Vec::with_capacity(usize::from(head.n));
        for _ in 0..head.n {
            slots.push(match words.byte()? {
                1 => {
                    let (_, used) = Op::decode_front(words.0).map_err(BurstError::Op)?;
                    Slot::Open(words.take(used)?.to_vec())
                }
                0 => {
                    let mut id = OpId([0; 32]);
                    id.0.copy_from_slice(raw.take(32)?);
                    Slot::Withheld(id)
                }
                _ => return Err(BurstError::SlotTag.into()),
            });
        }
        bursts.push(Burst { head, sig, slots });
    }
    if raw.0.is_empty() { Ok(bursts) } else { Err(PackError::Malformed) }
}

/// Whether a burst's head follows from the one before, but for its time, beacon and count.
fn is_next(before: &Burst, burst: &Burst) -> bool {
    let (old, new) = (&before.head, &burst.head);
    old.author == new.author
        && old.inc == new.inc
        && old.seq.checked_add(1) == Some(new.seq)
        && before.digest().0[..16] == new.prev
}

fn next_head(before: &Burst, words: &mut Cut<'_>) -> Result<Head, PackError> {
    let mut prev = [0; 16];
    prev.copy_from_slice(&before.digest().0[..16]);
    let old = &before.head;
    let time_ms = unzigzag(words.varint()?, old.time_ms)?;
    let beacon = unzigzag(words.varint()?, old.beacon)?;
    let seq = old.seq.checked_add(1).ok_or(PackError::Malformed)?;
    let head = Head { author: old.author, inc: old.inc, seq, prev, time_ms, beacon, n: words.byte()? };
    // Only what a head can be: nothing else has bytes to be signed.
    let (read, _) = Head::decode_front(&head.encode())?;
    if read == head { Ok(head) } else { Err(PackError::Malformed) }
}

/// The difference of two numbers below 2^63 as one number that is small when they are near.
const fn zigzag(new: u64, old: u64) -> u64 {
    if new >= old { (new - old) << 1 } else { ((old - new) << 1) - 1 }
}

fn unzigzag(difference: u64, old: u64) -> Result<u64, PackError> {
    let half = difference / 2;
    let new = if difference % 2 == 0 { old.checked_add(half) } else { old.checked_sub(half + 1) };
    new.ok_or(PackError::Malformed)
}

/// Bytes that are read from the front.
struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], PackError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(PackError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, PackError> {
        Ok(self.take(1)?[0])
    }

    fn varint(&mut self) -> Result<u64, PackError> {
        let (value, used) = varint::get(self.0).ok_or(PackError::Malformed)?;
        self.take(used)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::*;
    use crate::burst::ChainPlace;
    use crate::id::{Author, Id16, Incarnation, Kind, Subject};

    /// Bursts of two people, some links of their chains missing, some slots withheld.
    fn bursts(seed: &[(u8, u64, u8)]) -> Vec<Burst> {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut places = [1, 2].map(|n| ChainPlace::start(Author([n; 8]), Incarnation([n; 4])));
        let mut bursts = Vec::new();
        for (choice, time_ms, size) in seed {
            let place = &mut places[usize::from(choice & 1)];
            let op = |n: u8| Op {
                class_kind: 0x3001,
                lane_flags: 1,
                subject: Subject::new(Kind::Parcel, Id16([*choice ^ n; 16])),
                after: Vec::new(),
                payload: vec![*choice; usize::from(*size)],
            };
            let ops: Vec<Op> = (0..1 + size % 3).map(op).collect();
            place.beacon = u64::from(choice / 3);
            let burst = Burst::sign(&key, place, *time_ms, &ops);
            *place = place.then(burst.digest());
            let withheld = burst.ids().first().copied().filter(|_| choice % 5 == 0);
            if choice % 7 != 0 {
                bursts.push(burst.withhold(|id| Some(*id) != withheld));
            }
        }
        bursts
    }

    proptest! {
        #[test]
        fn what_is_unpacked_is_what_was_packed(seed in prop::collection::vec((any::<u8>(), 0..(1u64 << 48), any::<u8>()), 0..40)) {
            let bursts = bursts(&seed);
            prop_assert_eq!(unpack(&pack(&bursts)), Ok(bursts));
        }

        #[test]
        fn a_damaged_pack_is_refused_or_read_and_never_more(
            seed in prop::collection::vec((any::<u8>(), 0..(1u64 << 48), any::<u8>()), 1..10),
            at in any::<prop::sample::Index>(), flip in 1u8..,
        ) {
            let mut bytes = pack(&bursts(&seed));
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            for burst in unpack(&bytes).unwrap_or_default() {
                prop_assert_eq!(Burst::decode(&burst.encode()), Ok(burst), "only what a burst can be");
            }
            prop_assert!(unpack(&bytes[..at]).is_err(), "a cut one is whole");
        }
    }

    #[test]
    fn a_hundred_taps_take_little_more_than_their_signatures() {
        let taps: Vec<(u8, u64, u8)> = (0..100).map(|n| (16, 1_700_000_000_000 + 3_001 * n, 30)).collect();
        let bursts = bursts(&taps);
        let plain: usize = bursts.iter().map(|burst| burst.encode().len()).sum();
        let beyond = pack(&bursts).len() - 100 * 64;
        assert!(plain > 13_000 && beyond < 1_500, "{beyond} bytes beyond the signatures, of {plain}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_grows() {
        let mut bomb = vec![0];
        bomb.extend(compress_to_vec(&vec![1; 64 * 1024 * 1024], LEVEL));
        assert!(bomb.len() < 128 * 1024);
        assert_eq!(unpack(&bomb), Err(PackError::Malformed));
        let orphan = [vec![0], compress_to_vec(&[NEXT, 0, 0, 1], LEVEL)].concat();
        assert_eq!(unpack(&orphan), Err(PackError::NextOfNone));
    }
}
