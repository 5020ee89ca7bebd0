//! Slot `due`: the first collection satisfies it, every other one is the customer's money. An agent
//! collects at the door (J4), our own point at its counter (J4p), a partner's point at his (J36); a courier owes what he was
//! to collect (J14); a provider was paid in place of all of them (J24).

use std::collections::BTreeSet;

use super::{Fold, Status};
use crate::account::{Account, Code as Chart};
use crate::contest::Code;
use crate::fact::{Fact, Provider};
use crate::id::OpId;
use crate::journal::{Journal, Rule};
use crate::order::receivable;
use crate::slot::{self, Claim};
use crate::taka::Taka;

/// A collection beyond this many times the due (and 10,000 taka) is absurd.
const ABSURD_TIMES: i64 = 10;
const ABSURD_FLOOR: Taka = Taka::whole(10_000);
/// Rank of the collection of whoever has the parcel: above every evidence (R4).
const HOLDER: u8 = 8;
/// Rank of a provider's payment: above every word of ours (R3).
const PROVIDER: u8 = 16;

/// One collection.
#[derive(Clone, Copy)]
struct Taking {
    /// Its place in the history.
    fact: usize,
    amount: Taka,
    /// At a provider: no cash, and no word of ours.
    by_provider: bool,
}

impl Fold<'_> {
    pub(super) fn collect(&mut self) {
        let Some(due) = self.parcel.created.as_ref().map(|created| created.due) else { return };
        let taken = self.takings();
        let claims: Vec<Claim> = self.competing(&taken, due).iter().map(|taking| self.due_claim(taking)).collect();
        let canonical = slot::earliest(self.history, &claims).map(|held| held.winner.fact);
        self.parcel.paid = canonical.is_some() || due == Taka::ZERO;
        for taking in taken {
            if !taking.by_provider {
                self.parcel.collected = self.parcel.collected.plus(taking.amount);
            }
            if absurd(taking.amount, due) {
                self.contest(taking.fact, Code::AbsurdAmount);
            }
            self.post_collection(&taking, due, Some(taking.fact) == canonical);
        }
        if canonical.is_none() || due == Taka::ZERO {
            self.satisfy_without_cash(due);
        }
    }

    /// What was collected, one for each act: of a double tap that differs the larger amount, of a provider's payment that was
    /// recorded twice the record with the smaller id.
    fn takings(&mut self) -> Vec<Taking> {
        let mut takings = Vec::new();
        let mut references: BTreeSet<(u8, &str)> = BTreeSet::new();
        for claim in self.claims(|fact| collected_by(fact).is_some()) {
            if self.is_taken_back(claim.fact) {
                continue;
            }
            let Some(first) = self.fact(claim.fact).and_then(collected_by) else { continue };
            let paid = match self.fact(claim.fact) {
                Some(Fact::PaidAtDoor(paid)) => Some(paid),
                _ => None,
            };
            if paid.is_some_and(|paid| !references.insert((paid.provider, &paid.reference))) {
                continue;
            }
            let mut amount = first;
            for echo in self.history.echoes(claim.fact) {
                if let Some(again) = self.fact(echo).and_then(collected_by) {
                    if again != first {
                        self.contest(echo, Code::DoubleTapDiffers);
                    }
                    amount = amount.max(again);
                }
            }
            takings.extend(amount.map(|amount| Taking { fact: claim.fact, amount, by_provider: paid.is_some() }));
        }
        takings
    }

    /// Which of them may satisfy the due. A provider's payment of all of it beats who took less or nothing at the door, before
    /// or after: he was shown the customer's phone (R3). Goods that went back are not paid for.
    fn competing(&self, takings: &[Taking], due: Taka) -> Vec<Taking> {
        let pays =
            |taking: &Taking| taking.by_provider && taking.amount >= due && due > Taka::ZERO && !self.is_given_back();
        let is_paid = takings.iter().any(pays);
        let competes = |taking: &&Taking| {
            if taking.by_provider { pays(taking) } else { !is_paid || taking.amount >= due }
        };
        takings.iter().filter(competes).copied().collect()
    }

    /// Whether the customer will not get it: what he paid for it at a provider is his.
    fn is_given_back(&self) -> bool {
        matches!(self.parcel.status, Status::Returned | Status::Cancelled | Status::Rejected)
    }

    /// With nothing due, the delivery settles the parcel by itself. With cash due, whoever gave the
    /// goods without it owes it (J11c).
    fn satisfy_without_cash(&mut self, due: Taka) {
        let end = |fact| Taking { fact, amount: Taka::ZERO, by_provider: false };
        let claims: Vec<Claim> = self.ends().into_iter().map(|fact| self.due_claim(&end(fact))).collect();
        let Some(held) = slot::earliest(self.history, &claims) else { return };
        let seen = &self.history.facts[held.winner.fact];
        self.parcel.satisfied_by = Some(seen.id);
        let debit = [(Chart::Shortage.of_owner(seen.party), due)];
        self.post(Rule::J11c, seen.id, &debit, &[(Chart::Clearing.of_owner(self.subject), due)]);
    }

    /// The claim of a collection: of two that did not know of each other a provider's payment (R3), then the holder's of the
    /// parcel (R4).
    fn due_claim(&self, taking: &Taking) -> Claim {
        let claim = self.claim(taking.fact);
        let holds = self.holder == Some(self.history.facts[taking.fact].party);
        let above = u8::from(taking.by_provider) * PROVIDER + u8::from(holds) * HOLDER;
        Claim { evidence: claim.evidence + above, ..claim }
    }

    fn post_collection(&mut self, taking: &Taking, due: Taka, canonical: bool) {
        let seen = &self.history.facts[taking.fact];
        let courier = self.courier_of(taking.fact);
        let by = courier.unwrap_or(seen.party);
        let (into, exact) = match &seen.fact {
            Some(Fact::CourierDelivered(_)) => (Chart::CourierReceivable.of_owner(by), Rule::J14),
            Some(Fact::CounterPaid(_)) => (Chart::Till.of_owner(by), Rule::J4p),
            Some(Fact::PartnerPaid(_)) => (Chart::PartnerReceivable.of_owner(by), Rule::J36),
            Some(Fact::PaidAtDoor(paid)) => {
                let Some(provider) = Provider::of(paid.provider) else { return };
                (receivable(provider), Rule::J24)
            }
            _ => (Chart::AgentCash.of_owner(by), Rule::J4),
        };
        let (amount, money) = (taking.amount, (into, taking.amount));
        let clearing = Chart::Clearing.of_owner(self.subject);
        let over = Chart::OverCollected.of_owner(self.subject);
        if !canonical {
            // What he paid for goods that went back is his, and nobody has to ask why.
            if amount > Taka::ZERO && !(taking.by_provider && self.is_given_back()) {
                let less = taking.by_provider && amount < due;
                self.contest(taking.fact, if less { Code::CaptureDiffers } else { Code::DuplicateMoney });
            }
            self.post(Rule::J12, seen.id, &[money], &[(over, amount)]);
            return;
        }
        self.parcel.satisfied_by = Some(seen.id);
        if courier.is_some() && amount < due {
            // He owes the due whatever he says that he got: what he does not remit of it stays his.
            self.post(exact, seen.id, &[(into, due)], &[(clearing, due)]);
        } else if amount == due {
            self.post(exact, seen.id, &[money], &[(clearing, due)]);
        } else if amount > due {
            self.post(Rule::J11, seen.id, &[money], &[(clearing, due), (over, amount.minus(due))]);
        } else {
            let owed = (Chart::Shortage.of_owner(seen.party), due.minus(amount));
            self.post(Rule::J11a, seen.id, &[money, owed], &[(clearing, due)]);
        }
    }

    pub(super) fn post(&mut self, rule: Rule, cause: OpId, debits: &[(Account, Taka)], credits: &[(Account, Taka)]) {
        let journal = Journal::new(self.subject, rule, cause, debits, credits);
        // No money, no journal: a parcel with nothing due, a second delivery that took nothing.
        if !journal.postings.is_empty() {
            self.journals.push(journal);
        }
    }
}

/// What a fact says was collected; the outer `None` for a fact that collects nothing by its kind.
fn collected_by(fact: &Fact) -> Option<Option<Taka>> {
    match fact {
        Fact::Delivered(delivered) => Some(delivered.collected),
        Fact::CounterPaid(paid) => Some(Some(paid.amount)),
        Fact::PartnerPaid(paid) => Some(Some(paid.amount)),
        Fact::CourierDelivered(delivered) => Some(Some(delivered.collected)),
        Fact::PaidAtDoor(paid) => Some(Some(paid.amount)),
        _ => None,
    }
}

fn absurd(amount: Taka, due: Taka) -> bool {
    amount > ABSURD_FLOOR && amount.paisa() / ABSURD_TIMES > due.paisa()
}
