//! Slot `due`: the first collection satisfies it, every other one is the customer's money. An agent
//! collects at the door (J4), our own point at its counter (J4p), a partner's point at his (J36); a courier owes what he was to collect (J14).

use super::Fold;
use crate::account::{Account, Code as Chart};
use crate::contest::Code;
use crate::fact::Fact;
use crate::id::OpId;
use crate::journal::{Journal, Rule};
use crate::slot::{self, Claim};
use crate::taka::Taka;

/// A collection beyond this many times the due (and 10,000 taka) is absurd.
const ABSURD_TIMES: i64 = 10;
const ABSURD_FLOOR: Taka = Taka::whole(10_000);
/// Rank of the collection of whoever has the parcel: above every evidence (R4).
const HOLDER: u8 = 8;

impl Fold<'_> {
    pub(super) fn collect(&mut self) {
        let Some(created) = self.parcel.created.clone() else { return };
        let mut taken: Vec<(usize, Taka)> = Vec::new();
        for claim in self.claims(|fact| collected_by(fact).is_some()) {
            if self.is_taken_back(claim.fact) {
                continue;
            }
            let Some(first) = self.fact(claim.fact).and_then(collected_by) else { continue };
            let mut amount = first;
            for echo in self.history.echoes(claim.fact) {
                if let Some(again) = self.fact(echo).and_then(collected_by) {
                    if again != first {
                        self.contest(echo, Code::DoubleTapDiffers);
                    }
                    amount = amount.max(again);
                }
            }
            taken.extend(amount.map(|amount| (claim.fact, amount)));
        }
        let claims: Vec<Claim> = taken.iter().map(|(index, _)| self.due_claim(*index)).collect();
        let canonical = slot::earliest(self.history, &claims).map(|held| held.winner.fact);
        self.parcel.paid = canonical.is_some() || created.due == Taka::ZERO;
        for (index, amount) in taken {
            self.parcel.collected = self.parcel.collected.plus(amount);
            if absurd(amount, created.due) {
                self.contest(index, Code::AbsurdAmount);
            }
            self.post_collection(index, amount, created.due, Some(index) == canonical);
        }
        if canonical.is_none() || created.due == Taka::ZERO {
            self.satisfy_without_cash(created.due);
        }
    }

    /// With nothing due, the delivery settles the parcel by itself. With cash due, whoever gave the
    /// goods without it owes it (J11c).
    fn satisfy_without_cash(&mut self, due: Taka) {
        let claims: Vec<Claim> = self.ends().into_iter().map(|end| self.due_claim(end)).collect();
        let Some(held) = slot::earliest(self.history, &claims) else { return };
        let seen = &self.history.facts[held.winner.fact];
        self.parcel.satisfied_by = Some(seen.id);
        let debit = [(Chart::Shortage.of_owner(seen.party), due)];
        self.post(Rule::J11c, seen.id, &debit, &[(Chart::Clearing.of_owner(self.subject), due)]);
    }

    /// The claim of a collection: of two that did not know of each other, the holder's of the parcel.
    fn due_claim(&self, index: usize) -> Claim {
        let claim = self.claim(index);
        let holds = self.holder == Some(self.history.facts[index].party);
        Claim { evidence: claim.evidence + if holds { HOLDER } else { 0 }, ..claim }
    }

    fn post_collection(&mut self, index: usize, amount: Taka, due: Taka, canonical: bool) {
        let seen = &self.history.facts[index];
        let (account, exact) = match &seen.fact {
            Some(Fact::CourierDelivered(_)) => (Chart::CourierReceivable, Rule::J14),
            Some(Fact::CounterPaid(_)) => (Chart::Till, Rule::J4p),
            Some(Fact::PartnerPaid(_)) => (Chart::PartnerReceivable, Rule::J36),
            _ => (Chart::AgentCash, Rule::J4),
        };
        let courier = self.courier_of(index);
        let cash = (account.of_owner(courier.unwrap_or(seen.party)), amount);
        let clearing = Chart::Clearing.of_owner(self.subject);
        let over = Chart::OverCollected.of_owner(self.subject);
        if !canonical {
            if amount > Taka::ZERO {
                self.contest(index, Code::DuplicateMoney);
            }
            self.post(Rule::J12, seen.id, &[cash], &[(over, amount)]);
            return;
        }
        self.parcel.satisfied_by = Some(seen.id);
        if courier.is_some() && amount < due {
            // He owes the due whatever he says that he got: what he does not remit of it stays his.
            self.post(exact, seen.id, &[(cash.0, due)], &[(clearing, due)]);
        } else if amount == due {
            self.post(exact, seen.id, &[cash], &[(clearing, due)]);
        } else if amount > due {
            self.post(Rule::J11, seen.id, &[cash], &[(clearing, due), (over, amount.minus(due))]);
        } else {
            let owed = (Chart::Shortage.of_owner(seen.party), due.minus(amount));
            self.post(Rule::J11a, seen.id, &[cash, owed], &[(clearing, due)]);
        }
    }

    fn post(&mut self, rule: Rule, cause: OpId, debits: &[(Account, Taka)], credits: &[(Account, Taka)]) {
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
        _ => None,
    }
}

fn absurd(amount: Taka, due: Taka) -> bool {
    amount > ABSURD_FLOOR && amount.paisa() / ABSURD_TIMES > due.paisa()
}
