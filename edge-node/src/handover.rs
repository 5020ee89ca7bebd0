//! The handover code at the counter. Five tries for a parcel, counted on the disk before the answer, so
//! that neither a power cut nor a restart nor a clock gives another one.

use data_encoding::HEXLOWER;
use protocol::command::Command;
use protocol::decide;
use protocol::handover::{self, DIGITS, MAX_TRIES, Shown};
use protocol::id::Subject;
use protocol::refusal::Refusal;

use crate::node::Node;
use crate::receipt::Receipt;
use crate::record::RecordError;
use crate::store::{Shelf, StoreError};

/// Other parcels whose code a wrong one is compared with: each costs a tenth of a second, and a person waits.
const OTHERS: u32 = 8;
/// Digits of a phone that a screen may name.
const TAIL: usize = 4;

impl Node {
    /// Verifies what the customer said or showed: six digits in either script, or the scanned token.
    /// Takes about a tenth of a second, a wrong code up to one.
    ///
    /// # Errors
    /// [`RecordError::Refusal`]: whatever bars the parcel from the counter, and then `code_wrong` with the
    /// tries that are left, `code_other` with the tail of that parcel's phone, `code_locked`, `no_box`,
    /// `not_a_code`, `code_mismatch`.
    pub fn try_code(&self, act: [u8; 16], parcel: Subject, shown: &str) -> Result<Receipt, RecordError> {
        if let Some(receipt) = self.receipt(act)? {
            return Ok(receipt);
        }
        match Shown::read(shown).ok_or(Refusal::NotACode)? {
            Shown::Token(token) => self.record_token(act, parcel, &token),
            Shown::Code(code) => {
                self.may_be_tried(parcel)?;
                let held = self.store().spend_try(&parcel)?.ok_or(Refusal::NoBox(parcel))?;
                if held.tries >= MAX_TRIES {
                    return Err(Refusal::CodeLocked.into());
                }
                match handover::open(&parcel, &code, &held.sealed) {
                    Some(token) => self.record_token(act, parcel, &token),
                    None => Err(self.wrong(parcel, &code, MAX_TRIES - held.tries - 1)?.into()),
                }
            }
        }
    }

    fn record_token(&self, act: [u8; 16], parcel: Subject, token: &[u8; 16]) -> Result<Receipt, RecordError> {
        self.record(act, &Command::VerifyCode { parcel, token: HEXLOWER.encode(token) })
    }

    /// Whether a code for this parcel is asked for at all: a try is not spent on one that is not here, or
    /// called off. A token that opens nothing is refused for itself only when all else is in order.
    fn may_be_tried(&self, parcel: Subject) -> Result<(), RecordError> {
        let nothing = Command::VerifyCode { parcel, token: HEXLOWER.encode(&[0; 16]) };
        self.store().write(|rows| {
            let own = rows.own_place()?;
            let stamp = self.stamp(own.last_ms)?;
            let shelf = Shelf::new(rows, (own.place.inc, own.place.seq - 1));
            let decided = decide::decide(self.seat(), &nothing, &shelf, &stamp);
            shelf.intact()?;
            match decided {
                Ok(_) | Err(Refusal::CodeMismatch(_)) => Ok(()),
                Err(refusal) => Err(RecordError::from(refusal)),
            }
        })
    }

    /// What is said to a wrong code: whose it is, when it is that of another parcel here.
    fn wrong(&self, parcel: Subject, code: &[u8; DIGITS], left: u32) -> Result<Refusal, StoreError> {
        if left == 0 {
            return Ok(Refusal::CodeLocked);
        }
        let others = self.store().read(|rows| rows.other_boxes(&parcel, OTHERS))?;
        let other = others.into_iter().find(|(other, sealed)| handover::open(other, code, sealed).is_some());
        let Some((other, _)) = other else { return Ok(Refusal::CodeWrong { left }) };
        let phone = self.store().read(|rows| rows.phone_of(&other))?.unwrap_or_default();
        let tail: String = phone.chars().skip(phone.chars().count().saturating_sub(TAIL)).collect();
        Ok(Refusal::CodeOther { tail, left })
    }
}
