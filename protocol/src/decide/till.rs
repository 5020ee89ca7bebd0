//! The drawer: one shift at a till at a time, counted before the expected figure is seen.

use super::{Desk, Draft, Shelf, one};
use crate::fact::{
    CashRefunded, Denomination, Fact, MAX_LINES, MAX_NOTES, Put, TillClosed, TillOpened, TillPaidIn, TillPaidOut,
    TillReason, TillResumed, TillSuspended,
};
use crate::fold::State;
use crate::id::{Kind, Subject};
use crate::refund::RefundCode;
use crate::refusal::Refusal;
use crate::seat::{Role, class};
use crate::shift::Shift;
use crate::stamp::Stamp;
use crate::taka::Taka;

/// Longest name of a paper, characters: what fits on a voucher's line.
const MAX_VOUCHER: usize = 40;

impl<S: Shelf> Desk<'_, S> {
    /// A shift begins; a second window on the same till is refused.
    pub(super) fn open_till(&self, float: Taka, stamp: &Stamp) -> Result<Vec<Draft>, Refusal> {
        self.cashier()?;
        if !float.is_cash() {
            return Err(Refusal::BadAmount);
        }
        if let Some((shift, _)) = self.shelf.shifts().into_iter().find(|(_, state)| state.is_open()) {
            return Err(Refusal::TillOpenElsewhere(shift));
        }
        let shift = Subject::new(Kind::Shift, stamp.id(0));
        let put = Fact::Put(Put { generation: 1, subjects: vec![shift] });
        let opened = Fact::TillOpened(TillOpened { float });
        Ok(vec![Draft { subject: self.seat.party, fact: put }, Draft { subject: shift, fact: opened }])
    }

    /// The shift ends. What should be in the drawer is what the till's account says on this replica;
    /// number and figure are frozen in the fact.
    pub(super) fn close_till(
        &self,
        shift: Subject,
        counted: Taka,
        denominations: &[Denomination],
    ) -> Result<Vec<Draft>, Refusal> {
        self.cashier()?;
        if !counted.is_cash() {
            return Err(Refusal::BadAmount);
        }
        add_up(denominations, counted)?;
        self.open_shift(shift)?;
        let shifts = self.shelf.shifts();
        let last = shifts.iter().filter_map(|(_, state)| state.z).max().unwrap_or(0);
        let (z, expected) = (last.saturating_add(1), self.shelf.till_balance());
        let closed = TillClosed { z, expected, counted, denominations: denominations.to_vec() };
        one(shift, Fact::TillClosed(closed))
    }

    /// Cash leaves the drawer: the site answers for it until finance accepts the paper. How much there should be is not told:
    /// the drawer is counted blind.
    pub(super) fn pay_out(
        &self,
        shift: Subject,
        amount: Taka,
        reason: TillReason,
        voucher: &str,
    ) -> Result<Vec<Draft>, Refusal> {
        let voucher = self.paper_of(shift, amount, voucher)?;
        if amount > self.shelf.till_balance() {
            return Err(Refusal::MoreThanTill { entered: amount });
        }
        let reason = one_of(&TillReason::OUT, reason)?;
        one(shift, Fact::TillPaidOut(TillPaidOut { amount, reason, voucher }))
    }

    /// Cash comes into the drawer, and is kept apart in the books until it is clear whose it is.
    pub(super) fn pay_in(
        &self,
        shift: Subject,
        amount: Taka,
        reason: TillReason,
        voucher: &str,
    ) -> Result<Vec<Draft>, Refusal> {
        let (voucher, reason) = (self.paper_of(shift, amount, voucher)?, one_of(&TillReason::IN, reason)?);
        one(shift, Fact::TillPaidIn(TillPaidIn { amount, reason, voucher }))
    }

    /// A refund that was reserved for this till, for the code that its customer shows.
    pub(super) fn refund_cash(&self, subject: Subject, code: &str) -> Result<Vec<Draft>, Refusal> {
        self.cashier()?;
        let code = RefundCode::read(code).ok_or(Refusal::NotARefundCode)?;
        let Some(State::Refund(refund)) = self.shelf.folded(subject).map(|folded| folded.state) else {
            return Err(Refusal::Unknown(subject));
        };
        let Some(kept) = &refund.reserved else { return Err(Refusal::Unknown(subject)) };
        if kept.point != self.seat.party {
            return Err(Refusal::WrongSite { parcel: subject, site: kept.point });
        }
        if !refund.waits() {
            return Err(Refusal::RefundEnded(subject));
        }
        if !kept.is_opened_by(&code, &subject) {
            return Err(Refusal::CodeMismatch(subject));
        }
        self.drawer_in_use()?;
        if kept.amount > self.shelf.till_balance() {
            return Err(Refusal::MoreThanTill { entered: kept.amount });
        }
        one(subject, Fact::CashRefunded(CashRefunded { code: code.0 }))
    }

    /// What a movement of the drawer besides parcels needs: an open shift in use, an amount, a paper.
    fn paper_of(&self, shift: Subject, amount: Taka, voucher: &str) -> Result<String, Refusal> {
        self.cashier()?;
        if self.open_shift(shift)?.suspended {
            return Err(Refusal::TillSuspended(shift));
        }
        if !amount.is_cash() || amount == Taka::ZERO {
            return Err(Refusal::BadAmount);
        }
        let voucher = voucher.trim();
        if voucher.chars().count() > MAX_VOUCHER {
            return Err(Refusal::TextTooLong { field: "the voucher", max: MAX_VOUCHER });
        }
        if voucher.is_empty() || voucher.chars().any(char::is_control) {
            return Err(Refusal::BadText { field: "the voucher" });
        }
        Ok(voucher.to_owned())
    }

    /// The drawer is locked for a while.
    pub(super) fn suspend_till(&self, shift: Subject) -> Result<Vec<Draft>, Refusal> {
        self.cashier()?;
        if self.open_shift(shift)?.suspended {
            return Err(Refusal::TillSuspended(shift));
        }
        one(shift, Fact::TillSuspended(TillSuspended {}))
    }

    /// It is in use again.
    pub(super) fn resume_till(&self, shift: Subject) -> Result<Vec<Draft>, Refusal> {
        self.cashier()?;
        if !self.open_shift(shift)?.suspended {
            return Err(Refusal::TillInUse(shift));
        }
        one(shift, Fact::TillResumed(TillResumed {}))
    }

    /// No cash goes in or out while the drawer is locked.
    pub(super) fn drawer_in_use(&self) -> Result<(), Refusal> {
        let locked = self.shelf.shifts().into_iter().find(|(_, state)| state.is_open() && state.suspended);
        locked.map_or(Ok(()), |(shift, _)| Err(Refusal::TillSuspended(shift)))
    }

    fn open_shift(&self, shift: Subject) -> Result<Shift, Refusal> {
        match self.shelf.shifts().into_iter().find(|(of, _)| *of == shift) {
            None => Err(Refusal::Unknown(shift)),
            Some((_, state)) if !state.is_open() => Err(Refusal::ShiftNotOpen(shift)),
            Some((_, state)) => Ok(state),
        }
    }

    /// A partner's own till is none of ours: what he took, he owes.
    fn cashier(&self) -> Result<(), Refusal> {
        self.role(Role::Site)?;
        if self.seat.may_author(class::CASHIER) { Ok(()) } else { Err(Refusal::WrongRole("cashier of our own till")) }
    }
}

/// The number of a reason, when cash goes this way for it.
fn one_of(reasons: &[TillReason], reason: TillReason) -> Result<u8, Refusal> {
    if reasons.contains(&reason) { Ok(reason as u8) } else { Err(Refusal::WrongReason(reason.word())) }
}

/// Notes that are given must come to the count.
pub(super) fn add_up(denominations: &[Denomination], counted: Taka) -> Result<(), Refusal> {
    if denominations.len() > MAX_LINES {
        return Err(Refusal::BadCount(MAX_LINES));
    }
    if denominations.iter().any(|d| d.pieces > MAX_NOTES) {
        return Err(Refusal::BadAmount);
    }
    let notes = denominations.iter().map(|d| u64::from(d.taka) * u64::from(d.pieces) * 100);
    let notes = notes.fold(0u64, u64::saturating_add);
    let notes = i64::try_from(notes).ok().and_then(Taka::from_paisa).ok_or(Refusal::BadAmount)?;
    if !denominations.is_empty() && notes != counted {
        return Err(Refusal::NotesDiffer { notes, entered: counted });
    }
    Ok(())
}
