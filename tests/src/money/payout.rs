//! Payouts: two runners at once, what they cost, the bank's transfers, and their confirmations, decided as
//! `central::payouts` does (J17, J17a, J17c); and refunds as `central::payments` does (J19a).

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{
    Entry, Fact, MAX_PAYOUT_LINES, PayoutConfirmed, PayoutCreated, PayoutLine, PayoutWithFee, RefundPaid,
};
use protocol::fold::State;
use protocol::id::{Kind, Scope, Subject};
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::banking::Decided;
use super::bounce::Bounce;
use super::mutant::Mutant;
use super::street::grow;
use super::world::World;

/// Of a hundred transfers so many go to an account that is not the vendor's.
const BOUNCES: u64 = 30;

impl World {
    /// Two people press the button at the same time: each run is decided under the lock, one after the other.
    pub(super) fn pay_out(&mut self) {
        for _ in 0..2 {
            let stamp = self.stamp();
            let decided = self.decide_payouts(stamp);
            let Ok(drafts) = &decided else {
                self.record("payout_run", decided);
                continue;
            };
            let day = self.today();
            for draft in drafts.clone() {
                let (lines, total) = match &draft.fact {
                    Fact::PayoutCreated(payout) => (&payout.lines, payout.total),
                    Fact::PayoutWithFee(payout) => (&payout.lines, payout.total),
                    _ => continue,
                };
                // The transfer carries the payout's id, or what somebody typed.
                let known = self.dice.chance(90);
                let told = if known { draft.subject.to_string() } else { "payout to a vendor".to_owned() };
                let (amount, thing) = (total.negated(), Some(draft.subject));
                self.bank.settlement.book(day, amount, &format!("/EREF/{told}/REMI/payout"), thing);
                for line in lines {
                    match line.earning.kind() {
                        Some(Kind::Payout) => self.did("pay_what_came_back"),
                        Some(Kind::Entry) => self.did("pay_what_was_entered"),
                        _ => {}
                    }
                }
                if self.dice.chance(BOUNCES) {
                    let (payout, amount) = (draft.subject, total);
                    self.bounces.push(Bounce { payout, amount, credit: None });
                }
            }
            self.record("payout_run", decided);
        }
    }

    fn decide_payouts(&self, stamp: Stamp) -> Decided {
        let mut drafts = Vec::new();
        let mut number = 0;
        for (vendor, lines) in self.unpaid() {
            if self.is_cooling(&vendor) {
                continue;
            }
            let mut available = self.office.balance(Code::VendorAvailable.of_owner(vendor)).negated();
            for lines in lines.chunks(MAX_PAYOUT_LINES) {
                let earned: Taka = lines.iter().map(|line| line.net).sum();
                let (fee, vat) = (self.market.payout_fee, self.market.payout_vat());
                let total = earned.minus(fee).minus(vat);
                // Charged returns and the fee outweigh what was earned: they wait for more.
                if total <= Taka::ZERO {
                    continue;
                }
                if earned > available && !self.pays_twice() {
                    return Err("more_than_available");
                }
                available = available.minus(earned);
                number += 1;
                let lines = lines.to_vec();
                let fact = match fee {
                    Taka::ZERO => Fact::PayoutCreated(PayoutCreated { vendor, lines, total }),
                    _ => Fact::PayoutWithFee(PayoutWithFee { vendor, lines, fee, vat, total }),
                };
                drafts.push(Draft { subject: Subject::new(Kind::Payout, stamp.id(number)), fact });
            }
        }
        Ok(drafts)
    }

    /// What each vendor has available and is in no payout yet.
    fn unpaid(&self) -> BTreeMap<Scope, Vec<PayoutLine>> {
        let mut paid: BTreeMap<Subject, Taka> = BTreeMap::new();
        for folded in self.office.states.values() {
            let State::Payout(payout) = &folded.state else { continue };
            payout.lines.iter().for_each(|line| grow(&mut paid, line.earning, line.net));
        }
        match self.mutant {
            Some(Mutant::PaidTwice) => paid.clear(),
            Some(Mutant::ReturnPaidTwice) => paid.retain(|line, _| line.kind() != Some(Kind::Payout)),
            _ => {}
        }
        let mut unpaid: BTreeMap<Scope, Vec<PayoutLine>> = BTreeMap::new();
        for (subject, folded) in &self.office.states {
            let Some((vendor, available)) = may_have(&folded.state) else { continue };
            let net = match (subject.kind(), paid.get(subject)) {
                (_, None) => available,
                (Some(Kind::Earning), Some(before)) => available.minus(*before),
                _ => continue,
            };
            // What is contested waits, but for what it lacks: that is gone from the account all the same.
            let waits = matches!(&folded.state, State::Earning(earning) if earning.word() == "held");
            if net < Taka::ZERO || net > Taka::ZERO && !waits {
                unpaid.entry(vendor).or_default().push(PayoutLine { earning: *subject, net });
            }
        }
        unpaid
    }

    fn pays_twice(&self) -> bool {
        matches!(self.mutant, Some(Mutant::PaidTwice | Mutant::ReturnPaidTwice))
    }

    /// Finance confirms a payout by what the bank's screen says, before its statement does.
    pub(super) fn confirm_payout(&mut self) {
        let sent = |entry: &&super::bank::Entry| {
            entry.amount < Taka::ZERO && entry.thing.is_some_and(|thing| thing.kind() == Some(Kind::Payout))
        };
        let sent: Vec<_> = self.bank.settlement.entries.iter().filter(sent).cloned().collect();
        let Some(entry) = self.dice.pick(&sent).cloned() else { return };
        let Some(payout) = entry.thing else { return };
        let decided = self.decide_sent(payout, entry.reference);
        self.record("confirm_payout", decided);
    }

    fn decide_sent(&self, subject: Subject, reference: String) -> Decided {
        let Some(State::Payout(payout)) = self.office.states.get(&subject).map(|folded| &folded.state) else {
            return Err("unknown_payout");
        };
        if payout.confirmed_by.is_some() || payout.returned_by.is_some() {
            return Err("already_confirmed");
        }
        let used = |state: &State| matches!(state, State::Payout(other) if other.reference == reference);
        if self.office.states.values().any(|folded| used(&folded.state)) {
            return Err("reference_used");
        }
        self.bank_holds(payout.total)?;
        if payout.total > self.office.balance(Code::PayoutInFlight.of_owner(subject)).negated() {
            return Err("not_in_flight");
        }
        let bank = self.bank.settlement.subject;
        Ok(vec![Draft { subject, fact: Fact::PayoutConfirmed(PayoutConfirmed { bank, reference }) }])
    }

    /// A customer who is owed money gets it, or a part of it, at his provider.
    pub(super) fn refund(&mut self) {
        let balances = &self.office.central.memory.balances;
        let owed = balances.iter().filter(|(account, _)| account.code == Code::RefundsPayable);
        let owed: Vec<(Subject, Taka)> = owed
            .filter_map(|(account, sum)| Some((account.owner?, sum.negated())))
            .filter(|(owner, owed)| owner.kind() == Some(Kind::Customer) && *owed > Taka::ZERO)
            .collect();
        let Some((customer, owed)) = self.dice.pick(&owed).copied() else { return };
        let half = Taka::from_paisa(owed.paisa() / 2).unwrap_or_default();
        let amount = match self.dice.below(10) {
            0 | 1 if half > Taka::ZERO => half,
            // A slip of the finger: refused.
            2 => owed.plus(Taka::whole(1)),
            _ => owed,
        };
        let deal = self.market.deals.values().find(|deal| deal.customer == customer);
        let provider = deal.map_or(1, |deal| deal.provider as u8);
        let times = if self.mutant == Some(Mutant::RefundTwice) { 2 } else { 1 };
        for _ in 0..times {
            self.numbers += 1;
            let reference = format!("RF-{:05}", self.numbers);
            let refund = Subject::new(Kind::Refund, self.stamp().id(0));
            let decided = self.decide_refund(refund, RefundPaid { customer, amount, provider, reference });
            if self.record("refund", decided) {
                grow(&mut self.street.refunded, customer, amount);
                grow(&mut self.street.wallets, provider, amount.negated());
            }
        }
    }

    fn decide_refund(&self, refund: Subject, paid: RefundPaid) -> Decided {
        let owed = self.office.balance(Code::RefundsPayable.of_owner(paid.customer)).negated();
        if self.chargeback_waits(paid.customer) {
            return Err("chargeback_waits");
        }
        if paid.amount > owed && self.mutant != Some(Mutant::RefundTwice) {
            return Err("more_than_owed");
        }
        let used = |state: &State| {
            matches!(state, State::Refund(refund) if refund.paid.as_ref().is_some_and(|before| {
                before.reference == paid.reference && before.provider == paid.provider
            }))
        };
        if self.office.states.values().any(|folded| used(&folded.state)) {
            return Err("reference_used");
        }
        Ok(vec![Draft { subject: refund, fact: Fact::RefundPaid(paid) }])
    }
}

/// What a vendor may have of a subject: what an earning made available, a payout that came back, what was paid for
/// a lost parcel, and, below zero, what was kept for what he owes.
fn may_have(state: &State) -> Option<(Scope, Taka)> {
    match state {
        State::Earning(earning) => {
            let whole = !earning.incomplete && !earning.newer;
            earning.terms.as_ref().filter(|_| whole).map(|terms| (terms.vendor, earning.available))
        }
        State::Payout(payout) if payout.returned_by.is_some() && !payout.incomplete && !payout.newer => {
            payout.vendor.map(|vendor| (vendor, payout.total))
        }
        State::Entry(booked) if !booked.incomplete && !booked.newer => {
            let entered = booked.entered.as_ref()?;
            match Entry::of(entered.what)? {
                Entry::LossPaid => Some((entered.owner, entered.amount)),
                Entry::Netted => Some((entered.owner, entered.amount.negated())),
                _ => None,
            }
        }
        _ => None,
    }
}
