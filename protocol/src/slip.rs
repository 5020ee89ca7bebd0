//! A slip: one hand-in as a picture on a screen, for two devices that reach nobody and not each other. The agent's phone
//! shows the offer, the cashier's scanner types it; the kiosk shows the count, the phone's camera reads it.
//!
//! ```text
//! slip = "SLIP1:" | BASE32 without padding (bytes | check)
//! bytes = varint length, certificate of the author | (varint length, burst)*
//! check = BLAKE3 derive-key("getit slip 1", bytes), first 4 bytes
//! ```
//! Capitals, digits and a colon: what a QR code holds in its densest letters, and what a scanner types alike on every
//! keyboard. A slip proves nothing itself: the certificate is central's, the bursts are signed, and whatever they do not
//! have to show is withheld. The check tells a scan that was cut from a signature that is false.

use std::collections::BTreeSet;

use data_encoding::BASE32_NOPAD;

use crate::burst::{Burst, Slot};
use crate::fact::{Fact, Reading};
use crate::id::{Kind, OpId, Scope, Subject};
use crate::op::Op;
use crate::seat::MAX_CERTIFICATE_BYTES;
use crate::varint;

/// How a slip begins; what comes before the colon is its version.
pub const PREFIX: &str = "SLIP1:";
/// Longest slip that is read: a code of 97 modules, which a phone still shows at three pixels a module.
pub const MAX_CHARS: usize = 1_600;
/// Most bursts: an offer, and what the same device said of it again.
pub const MAX_BURSTS: usize = 4;
const CHECK_BYTES: usize = 4;

/// What a slip carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// The certificate of whoever wrote the bursts.
    pub certificate: Vec<u8>,
    /// The bursts, with only what speaks of the hand-in.
    pub bursts: Vec<Burst>,
}

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlipError {
    /// Another code.
    #[error("this code is no slip of GetIt: scan the code on the other screen")]
    Foreign,
    /// Cut, or a letter was read wrong.
    #[error("the code was not read whole: hold it still and scan it again")]
    Damaged,
    /// Longer than [`MAX_CHARS`].
    #[error("the code is larger than a slip can be: scan the code on the other screen")]
    TooLarge,
    /// No hand-in, or more than one.
    #[error("the slip is not about one hand-in: open the hand-in on the other device and scan its code")]
    NoHandIn,
}

impl SlipError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Foreign => "slip_foreign",
            Self::Damaged => "slip_damaged",
            Self::TooLarge => "slip_too_large",
            Self::NoHandIn => "slip_no_handin",
        }
    }
}

/// The hand-in that an op speaks of as its own, and who it is for: the site of an offer, the agent of a count.
fn handin_of(op: &Op) -> Option<(Subject, Scope)> {
    match Fact::read(op.class_kind, &op.payload) {
        Reading::Known(Fact::HandInOffered(offer)) => Some((op.subject, offer.site)),
        Reading::Known(Fact::HandInCounted(count)) => Some((op.subject, count.agent)),
        _ => None,
    }
}

/// Whether an op is about the hand-in, or puts just it where the other side looks.
fn belongs(op: &Op, (handin, to): (Subject, Scope)) -> bool {
    let puts = |fact| matches!(fact, Reading::Known(Fact::Put(put)) if put.subjects.as_slice() == [handin]);
    op.subject == handin || (op.subject == to && puts(Fact::read(op.class_kind, &op.payload)))
}

impl Slip {
    /// The slip of what one author said of a hand-in: all else in his bursts is withheld. `None` when he said nothing of
    /// it, or more than a slip holds.
    #[must_use]
    pub fn of(certificate: Vec<u8>, bursts: &[Burst]) -> Option<Self> {
        let about = bursts.iter().flat_map(opened).find_map(|(_, op)| handin_of(&op))?;
        let shown = bursts.iter().map(|burst| {
            let ids: BTreeSet<OpId> = opened(burst).filter(|(_, op)| belongs(op, about)).map(|(id, _)| id).collect();
            burst.withhold(|id| ids.contains(id))
        });
        let slip = Self { certificate, bursts: shown.collect() };
        (slip.bursts.len() <= MAX_BURSTS && slip.write().len() <= MAX_CHARS).then_some(slip)
    }

    /// The slip as a text.
    #[must_use]
    pub fn write(&self) -> String {
        let mut bytes = Vec::new();
        let encoded: Vec<Vec<u8>> = self.bursts.iter().map(Burst::encode).collect();
        for part in std::iter::once(&self.certificate).chain(&encoded) {
            varint::put(&mut bytes, part.len() as u64);
            bytes.extend_from_slice(part);
        }
        let check = check_of(&bytes);
        bytes.extend_from_slice(&check);
        format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes))
    }

    /// Reads a slip, in capitals or not, with the blanks and line ends that a scanner adds.
    ///
    /// # Errors
    /// See [`SlipError`].
    pub fn read(text: &str) -> Result<Self, SlipError> {
        let text = text.trim();
        if text.len() > MAX_CHARS {
            return Err(SlipError::TooLarge);
        }
        let text = text.to_ascii_uppercase();
        let letters = text.strip_prefix(PREFIX).ok_or(SlipError::Foreign)?;
        let bytes = BASE32_NOPAD.decode(letters.as_bytes()).map_err(|_| SlipError::Damaged)?;
        let (mut rest, check) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(SlipError::Damaged)?;
        if check_of(rest) != *check {
            return Err(SlipError::Damaged);
        }
        let certificate = part_of(&mut rest, MAX_CERTIFICATE_BYTES)?.to_vec();
        let mut bursts = Vec::new();
        while !rest.is_empty() {
            if bursts.len() == MAX_BURSTS {
                return Err(SlipError::TooLarge);
            }
            let burst = part_of(&mut rest, MAX_CHARS)?;
            bursts.push(Burst::decode(burst).map_err(|_| SlipError::Damaged)?);
        }
        Ok(Self { certificate, bursts })
    }

    /// The hand-in that all of it speaks of, and who it is for: the site of an offer, the agent of a count.
    ///
    /// # Errors
    /// [`SlipError::NoHandIn`].
    pub fn handin(&self) -> Result<(Subject, Scope), SlipError> {
        let ops: Vec<Op> = self.bursts.iter().flat_map(opened).map(|(_, op)| op).collect();
        let about = ops.iter().find_map(handin_of).ok_or(SlipError::NoHandIn)?;
        let one = about.0.kind() == Some(Kind::HandIn) && ops.iter().all(|op| belongs(op, about));
        let same = ops.iter().filter_map(handin_of).all(|other| other == about);
        if one && same { Ok(about) } else { Err(SlipError::NoHandIn) }
    }
}

/// The ops of a burst that may be seen.
fn opened(burst: &Burst) -> impl Iterator<Item = (OpId, Op)> {
    let read = |(id, slot): (OpId, &Slot)| match slot {
        Slot::Open(bytes) => Op::decode(bytes).ok().map(|op| (id, op)),
        Slot::Withheld(_) => None,
    };
    burst.ids().into_iter().zip(&burst.slots).filter_map(read)
}

fn check_of(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    let mut hasher = blake3::Hasher::new_derive_key("getit slip 1");
    hasher.update(bytes).finalize_xof().fill(&mut check);
    check
}

/// The next part of `rest`, at most `most` bytes of it.
fn part_of<'a>(rest: &mut &'a [u8], most: usize) -> Result<&'a [u8], SlipError> {
    let (length, used) = varint::get(rest).ok_or(SlipError::Damaged)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= most).ok_or(SlipError::Damaged)?;
    let part = rest.get(used..used + length).ok_or(SlipError::Damaged)?;
    *rest = &rest[used + length..];
    Ok(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::burst::ChainPlace;
    use crate::fact::{HandInOffered, Put};
    use crate::id::{Author, Id16, Incarnation};
    use crate::intake::op_of;
    use crate::seat::SeatKey;
    use crate::taka::Taka;

    /// An offer as a phone writes it: into two lists, and the offer.
    fn offered(pieces: &[Subject]) -> Slip {
        let site = Subject::new(Kind::Site, Id16([3; 16]));
        let agent = Subject::agent(site, Id16([4; 16]));
        let handin = Subject::new(Kind::HandIn, Id16([5; 16]));
        let inc = Incarnation([6; 4]);
        let offer = Fact::HandInOffered(HandInOffered { site, amount: Taka::whole(1_250), inc, upto: 7 });
        let put = |scope| op_of(scope, &Fact::Put(Put { generation: 1, subjects: vec![handin] }), vec![]);
        let mut ops = vec![put(agent), put(site), op_of(handin, &offer, vec![])];
        ops.extend(
            pieces.iter().map(|other| op_of(*other, &Fact::Put(Put { generation: 1, subjects: vec![site] }), vec![])),
        );
        let place = ChainPlace::start(Author([8; 8]), inc);
        let burst = Burst::sign(&SeatKey::from_bytes(&[9; 32]), &place, 1_700_000_000_000, &ops);
        Slip::of(vec![7; 40], &[burst]).unwrap()
    }

    #[test]
    fn a_slip_shows_one_hand_in_and_withholds_the_rest() {
        let elsewhere = Subject::new(Kind::Site, Id16([33; 16]));
        let slip = offered(&[elsewhere]);
        let shown: Vec<bool> = slip.bursts[0].slots.iter().map(|slot| matches!(slot, Slot::Open(_))).collect();
        assert_eq!(shown, [false, true, true, false], "the agent's own list and what is elsewhere are his");
        assert_eq!(Slip::read(&slip.write()).unwrap(), slip);
        let (handin, to) = slip.handin().unwrap();
        assert_eq!((handin.kind(), to.kind()), (Some(Kind::HandIn), Some(Kind::Site)));
        assert!(Slip::of(vec![7; 40], &[]).is_none());
    }

    /// The text of a slip is a format: a kiosk of today reads the phone of last year.
    #[test]
    fn the_letters_of_a_slip_stay() {
        let text = offered(&[]).write();
        assert_eq!(blake3::hash(text.as_bytes()).to_hex().as_str(), GOLDEN, "{text}");
    }

    const GOLDEN: &str = "3553e2eb6b6ac996ba0267f471999e5b668aa0d7b59b7c97054cd215f5cef61d";

    proptest! {
        #[test]
        fn no_text_makes_the_reader_stop(text in "(SLIP1:)?[A-Za-z2-7 :\\PC]{0,400}") {
            prop_assert!(Slip::read(&text).is_err());
        }

        #[test]
        fn no_bytes_behind_a_true_check_make_the_reader_stop(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut bytes = bytes;
            let check = check_of(&bytes);
            bytes.extend_from_slice(&check);
            if let Ok(slip) = Slip::read(&format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes))) {
                prop_assert!(slip.handin().is_err());
            }
        }

        #[test]
        fn one_wrong_letter_is_told(at in 6usize..200, letter in "[A-Z2-7]") {
            let text = offered(&[]).write();
            let mut touched = text.clone();
            touched.replace_range(at..=at, &letter);
            prop_assert_eq!(Slip::read(&touched).is_err(), touched != text);
        }
    }
}
