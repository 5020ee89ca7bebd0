//! Maturing: which earnings a vendor may have, decided as `central::maturing` does (J16).

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{Fact, How, Matured};
use protocol::fold::State;
use protocol::id::{OpId, Subject};
use protocol::journal::Rule;
use protocol::taka::Taka;

use super::mutant::Mutant;
use super::roster::{Place, place_of};
use super::street::grow;
use super::world::World;

/// One cash earning that waits.
struct Waiting {
    place: Place,
    position: u64,
    earning: Subject,
    net: Taka,
    due: Taka,
}

impl World {
    /// Finance's run.
    pub(super) fn mature(&mut self) {
        let mut drafts = self.covered_cash();
        drafts.extend(self.covered_at_door());
        drafts.extend(self.covered_prepaid());
        self.record("mature", Ok(drafts));
    }

    /// Whether the earning may mature by itself: distributed, held for nothing, its window closed.
    fn is_ripe(&self, subject: Subject) -> Option<(Taka, Subject, bool)> {
        let State::Earning(earning) = &self.office.states.get(&subject)?.state else { return None };
        let terms = earning.terms.as_ref()?;
        let blind = self.mutant == Some(Mutant::HoldIgnored);
        let distributed = earning.distributed_for.is_some() && earning.matured_for.is_none();
        if earning.word() != "distributed" && !(blind && distributed) || earning.held < Taka::ZERO {
            return None;
        }
        if self.returns.open.contains_key(&terms.parcel) && self.mutant != Some(Mutant::AskIgnored) {
            return None;
        }
        let settled = self.parcel(terms.parcel).is_some_and(protocol::parcel::Parcel::is_settled);
        if !(settled || blind) || earning.incomplete || earning.newer {
            return None;
        }
        let facts = self.office.facts_of(&subject);
        let times = facts.iter().filter(|(.., fact)| matches!(fact, Fact::Distributed(_))).map(|(_, at, ..)| *at);
        let opens = times.max()?;
        let closes = opens.saturating_add(u64::from(terms.window_min) * 60_000);
        (closes <= self.now_ms).then_some((earning.held, terms.parcel, terms.prepaid.is_some()))
    }

    /// Who collected what satisfied the due of a parcel, and when.
    fn satisfied(&self, parcel: Subject) -> Option<(Place, u64, Taka)> {
        let state = self.parcel(parcel)?;
        let by = state.satisfied_by?;
        if self.paid_by_phone(&parcel).is_some() {
            return None;
        }
        let (position, row) = self.office.central.memory.ops.get(&by)?;
        if state.carried.as_ref().is_some_and(|by| by.owes > Taka::ZERO)
            && state.given.is_some_and(|given| given.op == by)
        {
            return Some((place_of(&super::courier::courier()), *position, state.due()));
        }
        let seat = &self.office.central.memory.certificates.get(&row.held.author)?.seat;
        Some((place_of(&seat.party), *position, state.due()))
    }

    fn covered_cash(&self) -> Vec<Draft> {
        let confirmed = self.confirmations();
        let mut spent: BTreeMap<Place, Taka> = BTreeMap::new();
        let mut open: Vec<Waiting> = Vec::new();
        for (subject, folded) in &self.office.states {
            let State::Earning(earning) = &folded.state else { continue };
            let Some(terms) = earning.terms.as_ref().filter(|terms| terms.prepaid.is_none()) else { continue };
            let Some((place, position, due)) = self.satisfied(terms.parcel) else { continue };
            if earning.matured_for.is_some() {
                grow(&mut spent, place, due);
            } else if let Some((net, ..)) = self.is_ripe(*subject) {
                open.push(Waiting { place, position, earning: *subject, net, due });
            }
        }
        open.sort_by_key(|one| (one.place, one.position, one.earning));
        let (mut drafts, mut stopped) = (Vec::new(), None);
        for one in open {
            if stopped == Some(one.place) {
                continue;
            }
            let after = spent.get(&one.place).copied().unwrap_or_default().plus(one.due);
            let by = confirmed.get(&one.place).and_then(|lines| covering(lines, after));
            let by = if self.mutant == Some(Mutant::BankIgnored) { by.or(Some(OpId([0; 32]))) } else { by };
            let Some(cause) = by else {
                // The oldest is not covered: nothing younger overtakes it.
                stopped = Some(one.place);
                continue;
            };
            spent.insert(one.place, after);
            drafts.push(Draft { subject: one.earning, fact: Fact::Matured(Matured { cause, net: one.net }) });
        }
        drafts
    }

    /// What the bank confirmed of each site's cash, and what partners remitted, oldest first.
    fn confirmations(&self) -> BTreeMap<Place, Vec<(OpId, Taka)>> {
        let mut all: Vec<(u64, Place, OpId, Taka)> = Vec::new();
        for folded in self.office.states.values() {
            match &folded.state {
                State::Deposit(deposit) => {
                    let Some(by) = deposit.confirmed_by else { continue };
                    let of = deposit.bags.iter().filter_map(|bag| Some((place_of(&bag.site), bag.confirmed?)));
                    all.extend(of.map(|(place, amount)| (self.office.position(&by), place, by, amount)));
                }
                // What was missing and ended without cash is ours to bear; a lost parcel was never cash.
                State::Ruling(ruling) => {
                    let (Some(ruled), Some(by)) = (&ruling.ruled, ruling.ruled_by) else { continue };
                    let ours = [
                        How::WrittenOff,
                        How::FromPay,
                        How::FromSecurity,
                        How::Expensed,
                        How::Conceded,
                        How::ConcededByVendor,
                    ];
                    let cash = !self
                        .office
                        .log
                        .iter()
                        .any(|row| row.entry.journal.rule == Rule::J25a && row.entry.journal.cause == ruled.cause);
                    // Cash that was never there: what he was charged for it covers nothing.
                    if let (Some(agent), Some(How::OwedToAgent)) = (ruled.other, How::of(ruled.how)) {
                        all.push((self.office.position(&by), place_of(&agent), by, ruled.amount.negated()));
                    }
                    if cash && How::of(ruled.how).is_some_and(|how| ours.contains(&how)) {
                        all.push((self.office.position(&by), place_of(&ruled.owner), by, ruled.amount));
                    }
                }
                State::Remittance(remittance) => {
                    let (Some(paid), Some(by)) = (&remittance.remitted, remittance.remitted_by) else { continue };
                    all.push((self.office.position(&by), place_of(&paid.sender), by, remittance.gross()));
                }
                _ => {}
            }
        }
        all.sort_unstable_by_key(|(position, place, ..)| (*position, *place));
        let mut confirmed: BTreeMap<Place, Vec<(OpId, Taka)>> = BTreeMap::new();
        for (_, place, by, amount) in all {
            confirmed.entry(place).or_default().push((by, amount));
        }
        confirmed
    }

    /// The payment at a provider that satisfied the due of a parcel.
    fn paid_by_phone(&self, parcel: &Subject) -> Option<OpId> {
        let by = self.parcel(*parcel)?.satisfied_by?;
        let facts = self.office.facts_of(parcel);
        facts.iter().any(|(_, _, id, fact)| *id == by && matches!(fact, Fact::PaidAtDoor(_))).then_some(by)
    }

    fn covered_at_door(&self) -> Vec<Draft> {
        let covered = |subject: &Subject| {
            let (net, parcel, prepaid) = self.is_ripe(*subject)?;
            let cause = self.paid_by_phone(&parcel).filter(|_| !prepaid)?;
            Some(Draft { subject: *subject, fact: Fact::Matured(Matured { cause, net }) })
        };
        self.office.states.keys().filter_map(covered).collect()
    }

    fn covered_prepaid(&self) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (subject, folded) in &self.office.states {
            let State::Earning(earning) = &folded.state else { continue };
            let Some(paid) = earning.terms.as_ref().and_then(|terms| terms.prepaid) else { continue };
            let Some((net, ..)) = self.is_ripe(*subject) else { continue };
            // An escrow is not overdrawn: its balance is a credit, or nothing.
            if self.office.balance(Code::Escrow.of_owner(paid.order)) > Taka::ZERO {
                continue;
            }
            let facts = self.office.facts_of(&paid.order);
            let is = |fact: &Fact| fact.pays_ahead();
            let capture = facts.iter().find(|(.., fact)| is(fact));
            let Some((_, _, cause, _)) = capture else { continue };
            drafts.push(Draft { subject: *subject, fact: Fact::Matured(Matured { cause: *cause, net }) });
        }
        drafts
    }
}

/// The confirmation with which the running sum reaches `needed`, if nothing that was taken off it since leaves less.
fn covering(lines: &[(OpId, Taka)], needed: Taka) -> Option<OpId> {
    let mut sum = Taka::ZERO;
    let all: Taka = lines.iter().map(|(_, amount)| *amount).sum();
    lines.iter().filter(|_| all >= needed).find_map(|(cause, amount)| {
        sum = sum.plus(*amount);
        (sum >= needed).then_some(*cause)
    })
}
