//! Slot `custody`: who has the parcel, and the status that follows. Cancellations never move it (R7, R8).

use super::{EVIDENCE_TAP, Fold, Given, Status};
use crate::contest::Code;
use crate::fact::Fact;
use crate::history::Indexes;
use crate::id::Scope;
use crate::slot::{self, Claim, Held};

/// From this evidence on, goods that reached the customer win over a cancellation (R7).
const EVIDENCE_BEATS_CANCEL: u8 = 2;

impl Fold<'_> {
    pub(super) fn move_custody(&mut self) {
        let claims = self.standing_claims();
        let Some(held) = slot::latest(self.history, &claims) else { return };
        let winner = held.winner.fact;
        let author = self.history.facts[winner].party;
        self.holder = Some(author);
        self.parcel.status = self.status_of(winner);
        self.parcel.status_by = Some(self.history.facts[winner].id);
        self.settle_rivals(&held);
        self.follow_ends(&claims);
        self.parcel.attempts = self.claims(|fact| matches!(fact, Fact::Attempted(_))).len() as u32;
        self.parcel.hold_expired = !self.claims(|fact| matches!(fact, Fact::HoldExpired(_))).is_empty();
        // Who sends it on answers for it until the other site has scanned it in.
        let giver = self.courier_of(winner).unwrap_or(author);
        self.parcel.custodian = (!self.parcel.status.is_with_customer()).then_some(giver);
        match self.fact(winner) {
            Some(Fact::ReturnReceived(_)) => self.parcel.returned_by = Some(self.history.facts[winner].id),
            Some(Fact::Forwarded(forwarded)) => self.parcel.bound_for = Some(forwarded.to),
            Some(Fact::Shelved(shelved)) => self.parcel.shelf = Some(shelved.shelf.clone()),
            Some(Fact::Delivered(_) | Fact::HandedOver(_) | Fact::CourierDelivered(_)) => {
                let seen = &self.history.facts[winner];
                self.parcel.given = Some(Given { op: seen.id, by: giver, at_ms: seen.time_ms });
            }
            _ => {}
        }
        if matches!(self.parcel.status, Status::AtPoint | Status::Shelved | Status::HoldExpired) {
            let scans = self.claims(|fact| matches!(fact, Fact::Received(_)));
            let here: Vec<Claim> = scans.into_iter().filter(|scan| self.is_point(scan.fact)).collect();
            let scan = slot::latest(self.history, &here);
            self.parcel.held_since_ms = scan.map(|scan| self.history.facts[scan.winner.fact].time_ms);
        }
        let on_run =
            matches!(self.parcel.status, Status::OnRun | Status::Loaded | Status::Attempted | Status::Delivered);
        let on_run = on_run && self.courier_of(winner).is_none();
        self.parcel.agent = if on_run { self.run_agent() } else { None };
    }

    /// A cancellation of a parcel under way asks whoever has it to stop (R8). Of one that the customer
    /// has, it asks the goods back, or waits when only a tap says that he has them (R7).
    pub(super) fn call_off(&mut self) {
        if self.parcel.cancelled_by.is_none() || self.parcel.status == Status::Cancelled {
            return;
        }
        if !self.parcel.status.is_with_customer() {
            self.parcel.stop_requested = true;
            return;
        }
        let Some(given) = self.parcel.given else { return };
        let Some(end) = self.history.facts.iter().position(|seen| seen.id == given.op) else { return };
        if self.evidence(end) >= EVIDENCE_BEATS_CANCEL {
            self.parcel.return_requested = true;
        } else {
            self.contest(end, Code::CancelledAndDelivered);
        }
    }

    /// Deliveries at the door, over the counter and by a courier who has not taken it back: what ends a parcel's way.
    pub(super) fn ends(&self) -> Vec<usize> {
        self.claims(ends_its_way).into_iter().map(|claim| claim.fact).filter(|end| !self.is_taken_back(*end)).collect()
    }

    /// The agent of the latest run sheet.
    pub(super) fn run_agent(&self) -> Option<Scope> {
        *self.run_agent.get_or_init(|| {
            // No run sheet has evidence, so its claim asks for no agent again.
            let runs = self.claims(|fact| matches!(fact, Fact::Dispatched(_)));
            match slot::latest(self.history, &runs).and_then(|run| self.fact(run.winner.fact)) {
                Some(Fact::Dispatched(dispatched)) => Some(dispatched.agent),
                _ => None,
            }
        })
    }

    /// Every pair of claims that neither knew the other has a rule, or is contested.
    fn settle_rivals(&mut self, held: &Held) {
        for rival in &held.rivals {
            let one_site = self.history.facts[held.winner.fact].party == self.history.facts[rival.fact].party;
            match (self.fact(held.winner.fact), self.fact(rival.fact)) {
                (Some(won), Some(lost)) if ends_its_way(won) && ends_its_way(lost) => {
                    self.contest(rival.fact, Code::ContestedDelivery);
                }
                // Two clerks of one site: the parcel lies there, or went over its counter.
                (Some(won), Some(lost)) if one_site && lies_at_site(lost) && stays_or_is_given(won) => {}
                _ => self.contest(rival.fact, Code::UnlistedPair),
            }
        }
    }

    /// Goods are given by whoever held them, over a counter to somebody who is known, and nothing moves
    /// them afterwards.
    fn follow_ends(&mut self, claims: &[Claim]) {
        let ends = self.ends();
        let moves = self.claims(moves_custody);
        for &end in &ends {
            if !self.held_custody(end, &moves) {
                self.contest(end, Code::NotInCustody);
            }
            if matches!(self.fact(end), Some(Fact::HandedOver(_))) && self.evidence(end) <= EVIDENCE_TAP {
                self.contest(end, Code::UnverifiedHandover);
            }
            for &other in &ends {
                if self.history.concurrent(end, other) && other > end {
                    self.contest(other, Code::ContestedDelivery);
                }
            }
        }
        let ended = Indexes::of(ends.iter().copied());
        for claim in claims.iter().filter(|claim| self.history.follows_any(claim.fact, &ended)) {
            let scanned = matches!(self.fact(claim.fact), Some(Fact::Received(_)));
            self.contest(claim.fact, if scanned { Code::BackAfterDelivery } else { Code::UnlistedPair });
        }
    }

    /// Whether who gave the goods had the parcel, as far as he knew.
    fn held_custody(&self, end: usize, moves: &[Claim]) -> bool {
        let before: Vec<Claim> = moves.iter().filter(|claim| self.history.follows(end, claim.fact)).copied().collect();
        let (giver, at_door) = (&self.history.facts[end], matches!(self.fact(end), Some(Fact::Delivered(_))));
        slot::latest(self.history, &before).is_some_and(|held| {
            let holder = &self.history.facts[held.winner.fact];
            if let Some(courier) = self.courier_of(end) {
                return self.courier_of(held.winner.fact) == Some(courier);
            }
            if at_door {
                let loaded = matches!(self.fact(held.winner.fact), Some(Fact::Loaded(_) | Fact::Attempted(_)));
                return loaded && holder.person == giver.person;
            }
            self.fact(held.winner.fact).is_some_and(lies_at_site) && holder.party == giver.party
        })
    }
}

pub(super) fn moves_custody(fact: &Fact) -> bool {
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
            | Fact::HandedOver(_)
            | Fact::Consigned(_)
            | Fact::CourierDelivered(_)
            | Fact::CourierReturned(_)
    )
}

/// Whether it says that the customer has the goods.
pub(super) const fn ends_its_way(fact: &Fact) -> bool {
    matches!(fact, Fact::Delivered(_) | Fact::HandedOver(_) | Fact::CourierDelivered(_))
}

pub(super) fn lies_at_site(fact: &Fact) -> bool {
    matches!(fact, Fact::Received(_) | Fact::Shelved(_) | Fact::HoldExpired(_))
}

fn stays_or_is_given(fact: &Fact) -> bool {
    lies_at_site(fact) || matches!(fact, Fact::HandedOver(_))
}
