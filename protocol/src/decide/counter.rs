//! The counter of a pickup point. Verify, take the cash, hand over: each is a fact of its own, so that
//! after a power cut the parcel's state tells which one is next.

use data_encoding::HEXLOWER_PERMISSIVE;

use super::{Desk, Draft, Shelf, not_called_off, not_given, one};
use crate::fact::{CodeVerified, CounterPaid, Fact, HandedOver, HoldExpired, IdentityChecked, PartnerPaid, Shelved};
use crate::id::Subject;
use crate::parcel::{Parcel, Proof, Status, lock_of};
use crate::refusal::Refusal;
use crate::seat::Role;
use crate::taka::Taka;

/// Longest name of a shelf, characters: what fits on its sign.
pub(super) const MAX_SHELF: usize = 24;

impl<S: Shelf> Desk<'_, S> {
    pub(super) fn shelve(&self, subject: Subject, shelf: &str) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.here(subject)?;
        lies_here(subject, &parcel)?;
        let shelf = shelf.trim();
        let length = shelf.chars().count();
        if length == 0 || length > MAX_SHELF || shelf.chars().any(char::is_control) {
            return Err(Refusal::BadShelf(MAX_SHELF));
        }
        one(subject, Fact::Shelved(Shelved { shelf: shelf.to_owned() }))
    }

    pub(super) fn expire_hold(&self, subject: Subject) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.here(subject)?;
        lies_here(subject, &parcel)?;
        one(subject, Fact::HoldExpired(HoldExpired {}))
    }

    /// A token opens the lock or it does not: nobody guesses 16 random bytes, so nothing is counted.
    pub(super) fn verify_code(&self, subject: Subject, token: &str) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.at_counter(subject)?;
        if parcel.verified == Some(Proof::Code) {
            let next = "the code was right already: go on";
            return Err(Refusal::WrongState { parcel: subject, status: parcel.status.word(), next });
        }
        let token = HEXLOWER_PERMISSIVE.decode(token.trim().as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        let token: [u8; 16] = token.ok_or(Refusal::NotACode)?;
        let opens = parcel.pickup.as_ref().is_some_and(|pickup| pickup.lock == lock_of(&subject, &token));
        if !opens {
            return Err(Refusal::CodeMismatch(subject));
        }
        one(subject, Fact::CodeVerified(CodeVerified { token }))
    }

    /// Papers stand in for the code only when the code is locked: else the code is asked for.
    pub(super) fn check_identity(&self, subject: Subject) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.at_counter(subject)?;
        if parcel.verified.is_some() || !self.shelf.code_locked(subject) {
            return Err(Refusal::CodeFirst(subject));
        }
        one(subject, Fact::IdentityChecked(IdentityChecked {}))
    }

    pub(super) fn take_cash(&self, subject: Subject, amount: Taka) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.at_counter(subject)?;
        if parcel.verified.is_none() {
            return Err(Refusal::NotVerified(subject));
        }
        if parcel.paid {
            return Err(Refusal::Paid(subject));
        }
        let due = parcel.due();
        if !amount.is_cash() {
            return Err(Refusal::BadAmount);
        }
        match amount.cmp(&due) {
            std::cmp::Ordering::Less => Err(Refusal::Less { due, entered: amount }),
            std::cmp::Ordering::Greater => Err(Refusal::More { due, entered: amount }),
            // A partner's drawer is his own: he owes us what he took.
            std::cmp::Ordering::Equal if self.seat.is_partner() => {
                one(subject, Fact::PartnerPaid(PartnerPaid { amount }))
            }
            std::cmp::Ordering::Equal => {
                self.drawer_in_use()?;
                one(subject, Fact::CounterPaid(CounterPaid { amount }))
            }
        }
    }

    pub(super) fn hand_over(&self, subject: Subject) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.at_counter(subject)?;
        if parcel.verified.is_none() {
            return Err(Refusal::NotVerified(subject));
        }
        if !parcel.paid {
            return Err(Refusal::CashNeeded { parcel: subject, due: parcel.due() });
        }
        one(subject, Fact::HandedOver(HandedOver {}))
    }

    /// A parcel that is this point's.
    fn here(&self, subject: Subject) -> Result<Parcel, Refusal> {
        self.role(Role::Site)?;
        let parcel = self.parcel(subject)?;
        not_given(subject, &parcel)?;
        let point = parcel.pickup.as_ref().map(|pickup| pickup.point);
        if point != Some(self.seat.party) {
            let hub = parcel.created.as_ref().map(|created| created.site);
            let site = point.or(hub).unwrap_or(self.seat.party);
            return Err(Refusal::WrongSite { parcel: subject, site });
        }
        Ok(parcel)
    }

    /// A parcel that its customer may have now.
    pub(crate) fn at_counter(&self, subject: Subject) -> Result<Parcel, Refusal> {
        let parcel = self.here(subject)?;
        not_called_off(subject, &parcel)?;
        if parcel.hold_expired {
            return Err(Refusal::HoldEnded(subject));
        }
        lies_here(subject, &parcel)?;
        Ok(parcel)
    }
}

fn lies_here(subject: Subject, parcel: &Parcel) -> Result<(), Refusal> {
    if parcel.status == Status::HoldExpired {
        return Err(Refusal::HoldEnded(subject));
    }
    parcel.in_one_of(subject, &[Status::AtPoint, Status::Shelved], "scan it in first")
}
