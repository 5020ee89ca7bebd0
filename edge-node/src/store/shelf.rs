//! The shelf on which a decision looks. A decision cannot fail for want of a disk: what a read could
//! not find out is kept, and the act is given up before anything is written.

use std::cell::RefCell;

use protocol::account::Code;
use protocol::decide;
use protocol::fold::{self, Folded, State};
use protocol::handover::MAX_TRIES;
use protocol::id::{Incarnation, Kind, Scope, ShortId, Subject};
use protocol::shift::Shift;
use protocol::taka::Taka;

use super::{Rows, StoreError};

/// What a decision may look at, inside the transaction that records it.
pub struct Shelf<'a> {
    rows: &'a Rows<'a>,
    chain: (Incarnation, u64),
    failed: RefCell<Option<StoreError>>,
}

impl<'a> Shelf<'a> {
    /// The shelf of these rows; `chain` is the own incarnation and last burst.
    #[must_use]
    pub fn new(rows: &'a Rows<'a>, chain: (Incarnation, u64)) -> Self {
        Self { rows, chain, failed: RefCell::new(None) }
    }

    /// What a read failed with, if one did: the decision is then void.
    ///
    /// # Errors
    /// That failure.
    pub fn intact(self) -> Result<(), StoreError> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }

    fn kept<T: Default>(&self, read: Result<T, StoreError>) -> T {
        read.unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            T::default()
        })
    }
}

impl Rows<'_> {
    /// The state of a subject that is held.
    ///
    /// # Errors
    /// The database.
    pub fn folded(&self, subject: &Subject) -> Result<Option<Folded>, StoreError> {
        let ops = self.ops_of(subject)?;
        if ops.is_empty() {
            return Ok(None);
        }
        Ok(Some(fold::fold(*subject, &self.history_of(&ops)?)))
    }

    /// The held subjects of a kind with what they come to, oldest first: for kinds of which an edge holds
    /// few, as shifts, bags and payouts; they have no table of their own.
    ///
    /// # Errors
    /// The database.
    pub fn of_kind(&self, kind: Kind) -> Result<Vec<(Subject, Folded)>, StoreError> {
        let mut held = Vec::new();
        for subject in self.subjects_of_kind(kind)? {
            held.extend(self.folded(&subject)?.map(|folded| (subject, folded)));
        }
        Ok(held)
    }

    /// The shifts of the own till that are held.
    ///
    /// # Errors
    /// The database.
    pub fn shifts(&self) -> Result<Vec<(Subject, Shift)>, StoreError> {
        let own = |(subject, folded): (Subject, Folded)| match folded.state {
            State::Shift(shift) if shift.site == Some(self.store.seat.party) => Some((subject, *shift)),
            _ => None,
        };
        Ok(self.of_kind(Kind::Shift)?.into_iter().filter_map(own).collect())
    }

    /// The heads that a new fact on the subject names.
    ///
    /// # Errors
    /// The database.
    pub fn heads(&self, subject: &Subject) -> Result<Vec<ShortId>, StoreError> {
        Ok(self.history(subject)?.heads())
    }
}

impl decide::Shelf for Shelf<'_> {
    fn folded(&self, subject: Subject) -> Option<Folded> {
        self.kept(self.rows.folded(&subject))
    }

    fn membership(&self, scope: Scope, subject: Subject) -> (bool, u32) {
        let generations = self.kept(self.rows.memberships(&subject)).get(&scope).copied().unwrap_or_default();
        (generations.is_member(), generations.close + 1)
    }

    fn cash_on_hand(&self) -> Taka {
        self.kept(self.rows.cash_on_hand())
    }

    fn till_balance(&self) -> Taka {
        let party = self.rows.store.seat.party;
        self.kept(self.rows.balance(Code::Till.of_owner(party)))
    }

    fn shifts(&self) -> Vec<(Subject, Shift)> {
        self.kept(self.rows.shifts())
    }

    fn code_locked(&self, parcel: Subject) -> bool {
        self.kept(self.rows.code_box(&parcel)).is_none_or(|code| code.tries >= MAX_TRIES)
    }

    fn chain(&self) -> (Incarnation, u64) {
        self.chain
    }
}
