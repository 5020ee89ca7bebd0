//! A parcel that another company carries: what it answers for, and when what it said no longer counts (J14, R21).

use super::Fold;
use crate::fact::Fact;
use crate::id::{OpId, Subject};
use crate::taka::Taka;

/// How far a courier is with a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrying {
    /// He has it.
    Out,
    /// He gave it to the customer.
    Delivered,
    /// He brings it back, or has.
    Returned,
}

impl Carrying {
    /// The word of views and of the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
        }
    }
}

/// The courier of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Which.
    pub courier: Subject,
    /// His number of it.
    pub consignment: String,
    /// How far he is.
    pub state: Carrying,
    /// What he owes for it by what was posted (1130).
    pub owes: Taka,
}

impl Fold<'_> {
    /// The last consignment, with what the courier said of it since.
    pub(super) fn follow_courier(&mut self) {
        let said = self.claims(|fact| matches!(fact, Fact::CourierDelivered(_)));
        let taken_back = said.iter().filter(|claim| self.is_taken_back(claim.fact));
        let mut taken_back: Vec<OpId> = taken_back.map(|claim| self.history.facts[claim.fact].id).collect();
        taken_back.sort_unstable();
        self.parcel.taken_back = taken_back;
        let consigned = self.claims(|fact| matches!(fact, Fact::Consigned(_)));
        let Some(held) = crate::slot::latest(self.history, &consigned) else { return };
        let Some(Fact::Consigned(of)) = self.fact(held.winner.fact) else { return };
        let said = self.claims(|fact| matches!(fact, Fact::CourierDelivered(_) | Fact::CourierReturned(_)));
        let since = said.into_iter().filter(|claim| self.history.follows(claim.fact, held.winner.fact));
        let since: Vec<_> = since.filter(|claim| self.courier_of(claim.fact) == Some(of.courier)).collect();
        let last = crate::slot::latest(self.history, &since).and_then(|last| self.fact(last.winner.fact));
        let state = match last {
            Some(Fact::CourierDelivered(_)) => Carrying::Delivered,
            Some(Fact::CourierReturned(_)) => Carrying::Returned,
            _ => Carrying::Out,
        };
        let lines = self.journals.iter().flat_map(|journal| &journal.postings);
        let account = crate::account::Code::CourierReceivable.of_owner(of.courier);
        let owes = lines.filter(|line| line.account == account).map(|line| line.amount).sum();
        self.parcel.carried = Some(Carried { courier: of.courier, consignment: of.consignment.clone(), state, owes });
    }

    /// The courier whom a fact is about.
    pub(super) fn courier_of(&self, fact: usize) -> Option<Subject> {
        match self.fact(fact) {
            Some(Fact::Consigned(of)) => Some(of.courier),
            Some(Fact::CourierDelivered(of)) => Some(of.courier),
            Some(Fact::CourierReturned(of)) => Some(of.courier),
            _ => None,
        }
    }

    /// Whether the courier took back what this fact says of a delivery (R21).
    pub(super) fn is_taken_back(&self, fact: usize) -> bool {
        matches!(self.fact(fact), Some(Fact::CourierDelivered(_)))
            && self.history.facts.iter().enumerate().any(|(later, seen)| {
                matches!(&seen.fact, Some(Fact::CourierReturned(back)) if Some(back.courier) == self.courier_of(fact))
                    && self.history.follows(later, fact)
            })
    }
}
