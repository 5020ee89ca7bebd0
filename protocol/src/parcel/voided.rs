//! Records that people found not to be so (R5, R27): a delivery of goods that lie at a hub, a scan of a parcel that was
//! never there. They stay in the log and say nothing of the parcel any more. Cash that was recorded with a delivery has
//! moved all the same, or is owed by whoever recorded it: it is J12, until somebody finds out whose it is.

use std::borrow::Cow;

use super::{Fold, Parcel};
use crate::account::Code as Chart;
use crate::fact::Fact;
use crate::history::{History, Indexes};
use crate::id::{OpId, Scope};
use crate::journal::Rule;
use crate::taka::Taka;

/// Whether people may find that this was not so: it tells where the parcel is, and whoever recorded it may have had another
/// one in his hands. Not a hand-over at a counter, which takes the customer's code, and not what a courier says, who takes
/// it back himself.
#[must_use]
pub const fn may_be_voided(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Received(_)
            | Fact::Dispatched(_)
            | Fact::Loaded(_)
            | Fact::Attempted(_)
            | Fact::Delivered(_)
            | Fact::RtoInitiated(_)
            | Fact::ReturnReceived(_)
            | Fact::Forwarded(_)
            | Fact::Shelved(_)
            | Fact::HoldExpired(_)
    )
}

/// Cash of a delivery that was none.
#[derive(Debug)]
pub(super) struct Cash {
    delivery: OpId,
    agent: Scope,
    amount: Taka,
}

/// What was voided.
#[derive(Debug, Default)]
pub(super) struct Voided {
    /// Facts, by their place in the history: every record of each act that whoever voided it had heard of.
    acts: Indexes,
    /// Records of deliveries.
    deliveries: Vec<OpId>,
    cash: Vec<Cash>,
}

impl Voided {
    /// What of a history was voided, each by a fact that had heard of it.
    pub(super) fn of(history: &History) -> Self {
        let facts = &history.facts;
        let mut records = Vec::new();
        for (at, seen) in facts.iter().enumerate() {
            let Some(Fact::RecordVoided(void)) = &seen.fact else { continue };
            let heard = |index: &usize| history.follows(at, *index);
            let named = (0..facts.len()).filter(heard).find(|index| facts[*index].id == void.op);
            let Some(named) = named.filter(|at| facts[*at].fact.as_ref().is_some_and(may_be_voided)) else { continue };
            // Both taps of one act; what comes unheard may be another act, of another day.
            let act = |first: &usize| *first == named || history.echoes(*first).any(|echo| echo == named);
            let first = (0..facts.len()).filter(|index| history.is_canonical(*index)).find(act).unwrap_or(named);
            records.extend(history.echoes(first).chain([first]).filter(heard));
        }
        if records.is_empty() {
            return Self::default();
        }
        let records = Indexes::of(records.into_iter());
        let mut voided = Self::default();
        let mut acts = Vec::new();
        for act in (0..facts.len()).filter(|index| history.is_canonical(*index)) {
            let all: Vec<usize> =
                [act].into_iter().chain(history.echoes(act)).filter(|one| records.holds(*one)).collect();
            if all.is_empty() {
                continue;
            }
            let deliveries = all.iter().filter(|one| matches!(facts[**one].fact, Some(Fact::Delivered(_))));
            voided.deliveries.extend(deliveries.map(|one| facts[*one].id));
            let collected = all.iter().filter_map(|index| match &facts[*index].fact {
                Some(Fact::Delivered(delivered)) => delivered.collected,
                _ => None,
            });
            if let Some(amount) = collected.max().filter(|amount| *amount > Taka::ZERO) {
                voided.cash.push(Cash { delivery: facts[all[0]].id, agent: facts[act].party, amount });
            }
            acts.extend(all);
        }
        voided.acts = Indexes::of(acts.into_iter());
        voided
    }

    /// The history as if they had not been recorded.
    pub(super) fn leave<'a>(&self, history: &'a History) -> Cow<'a, History> {
        if self.acts == Indexes::default() { Cow::Borrowed(history) } else { Cow::Owned(history.without(&self.acts)) }
    }

    /// Deliveries that did not happen, and the payments at a provider that stand for them while the customer has no goods:
    /// nothing that was distributed for one of them stands.
    pub(super) fn undelivered(&self, parcel: &Parcel, history: &History) -> Vec<OpId> {
        let mut causes = self.deliveries.clone();
        if !causes.is_empty() && !parcel.status.is_with_customer() {
            let by_phone = history.facts.iter().filter(|seen| matches!(seen.fact, Some(Fact::PaidAtDoor(_))));
            causes.extend(by_phone.map(|seen| seen.id));
        }
        causes.sort_unstable();
        causes
    }
}

impl Fold<'_> {
    /// J12 for the cash of deliveries that were none.
    pub(super) fn keep_voided_cash(&mut self, voided: &Voided) {
        let over = Chart::OverCollected.of_owner(self.subject);
        for cash in &voided.cash {
            self.parcel.collected = self.parcel.collected.plus(cash.amount);
            let debit = [(Chart::AgentCash.of_owner(cash.agent), cash.amount)];
            self.post(Rule::J12, cash.delivery, &debit, &[(over, cash.amount)]);
        }
    }
}
