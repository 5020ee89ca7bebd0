//! The drawer: one shift at a till at a time, counted before the expected figure is seen.

use super::{Desk, Draft, Shelf, one};
use crate::fact::{Denomination, Fact, MAX_LINES, MAX_NOTES, Put, TillClosed, TillOpened};
use crate::id::{Kind, Subject};
use crate::refusal::Refusal;
use crate::seat::{Role, class};
use crate::stamp::Stamp;
use crate::taka::Taka;

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
        let shifts = self.shelf.shifts();
        match shifts.iter().find(|(of, _)| *of == shift) {
            None => return Err(Refusal::Unknown(shift)),
            Some((_, state)) if !state.is_open() => return Err(Refusal::ShiftNotOpen(shift)),
            Some(_) => {}
        }
        let last = shifts.iter().filter_map(|(_, state)| state.z).max().unwrap_or(0);
        let (z, expected) = (last.saturating_add(1), self.shelf.till_balance());
        let closed = TillClosed { z, expected, counted, denominations: denominations.to_vec() };
        one(shift, Fact::TillClosed(closed))
    }

    /// A partner's own till is none of ours: what he took, he owes.
    fn cashier(&self) -> Result<(), Refusal> {
        self.role(Role::Site)?;
        if self.seat.may_author(class::CASHIER) { Ok(()) } else { Err(Refusal::WrongRole("cashier of our own till")) }
    }
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
