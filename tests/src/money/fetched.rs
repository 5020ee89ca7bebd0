//! Customers who fetch what is owed to them at a till, in every fourth world: decided as `central::cash_refunds` does (J20d,
//! J20e), with everybody who pays it without knowing of the others (J37, R26).

use std::collections::BTreeSet;

use protocol::account::Code;
use protocol::command::Command;
use protocol::decide::Draft;
use protocol::fact::{Fact, Put, RefundPaid, RefundReserved, RefundWithdrawn};
use protocol::fold::State;
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::refund::RefundCode;
use protocol::taka::Taka;

use super::banking::Decided;
use super::roster::{PARTNER, TILLS};
use super::street::grow;
use super::world::World;

/// A refund for a till, as its customer knows it.
#[derive(Clone, Debug)]
pub struct Fetch {
    pub customer: Subject,
    pub point: Scope,
    pub amount: Taka,
    pub code: RefundCode,
    /// Who gave it in cash: nobody gives it twice.
    pub given_by: BTreeSet<Id16>,
    /// A provider paid it.
    pub paid: bool,
    /// It is owed again.
    pub withdrawn: bool,
}

impl Fetch {
    /// What the customer got of it beyond what was his.
    #[must_use]
    pub fn too_much(&self) -> Taka {
        let times = self.given_by.len() + usize::from(self.paid);
        let his = usize::from(!self.withdrawn);
        (his..times).map(|_| self.amount).sum()
    }
}

impl World {
    /// Finance keeps a refund apart, pays one by a provider after all, withdraws one, or rings up who was paid twice.
    pub(super) fn about_fetching(&mut self) {
        let owes = self.office.central.memory.balances.iter();
        let owes = owes.filter(|(account, sum)| account.code == Code::CustomerReceivable && **sum > Taka::ZERO).count();
        if owes > 0 && self.dice.chance(45) {
            return self.rule();
        }
        match self.dice.below(10) {
            0..=4 => self.keep_apart(),
            5..=8 => self.pay_what_waits(),
            _ => self.withdraw(),
        }
    }

    fn keep_apart(&mut self) {
        let balances = self.office.central.memory.balances.iter();
        let owed = balances.filter(|(account, sum)| account.code == Code::RefundsPayable && **sum < Taka::ZERO);
        let owed: Vec<(Subject, Taka)> = owed
            .filter_map(|(account, sum)| Some((account.owner?, sum.negated())))
            .filter(|(owner, _)| owner.kind() == Some(Kind::Customer))
            .collect();
        let Some((customer, owed)) = self.dice.pick(&owed).copied() else { return };
        let amount = match self.dice.below(12) {
            // Slips of the finger: refused.
            0 => owed.plus(Taka::whole(1)).whole_taka(),
            1 => owed.plus(Taka::from_paisa(50).unwrap_or_default()),
            2 | 3 => Taka::from_paisa(owed.paisa() / 2).unwrap_or_default().whole_taka(),
            _ => owed.whole_taka(),
        };
        let point = if self.dice.chance(5) { PARTNER } else { TILLS[self.dice.below(TILLS.len())] };
        let stamp = self.stamp();
        let refund = Subject::new(Kind::Refund, stamp.id(1));
        let mut code = [0; RefundCode::BYTES];
        code.copy_from_slice(&stamp.key(1)[..RefundCode::BYTES]);
        let code = RefundCode(code);
        let lock = code.lock(&refund);
        let decided = self.decide_reservation(refund, RefundReserved { customer, amount, point, lock });
        if self.record("keep_apart", decided) {
            let (given_by, paid, withdrawn) = (BTreeSet::new(), false, false);
            self.street.fetches.insert(refund, Fetch { customer, point, amount, code, given_by, paid, withdrawn });
        }
    }

    fn decide_reservation(&self, refund: Subject, kept: RefundReserved) -> Decided {
        if kept.amount <= Taka::ZERO || kept.amount != kept.amount.whole_taka() {
            return Err("bad_amount");
        }
        if !TILLS.contains(&kept.point) {
            return Err("partner_point");
        }
        if self.chargeback_waits(kept.customer) {
            return Err("chargeback_waits");
        }
        if kept.amount > self.office.balance(Code::RefundsPayable.of_owner(kept.customer)).negated() {
            return Err("more_than_owed");
        }
        let put = Fact::Put(Put { generation: 1, subjects: vec![refund] });
        Ok(vec![Draft { subject: kept.point, fact: put }, Draft { subject: refund, fact: Fact::RefundReserved(kept) }])
    }

    fn any_fetch(&mut self) -> Option<Subject> {
        let all: Vec<Subject> = self.street.fetches.keys().copied().collect();
        // Mostly one of those that wait, as far as anybody in finance knows.
        let waits: Vec<Subject> = all.iter().copied().filter(|refund| self.waits_at_till(*refund).is_ok()).collect();
        if self.dice.chance(85) { self.dice.pick(&waits).copied() } else { self.dice.pick(&all).copied() }
    }

    /// Whether nobody has paid it, as far as central knows.
    pub(super) fn waits_at_till(&self, refund: Subject) -> Result<(), &'static str> {
        match self.office.states.get(&refund).map(|folded| &folded.state) {
            Some(State::Refund(state)) if state.waits() => Ok(()),
            _ => Err("refund_ended"),
        }
    }

    /// The customer cannot come: he gets it by his provider after all.
    fn pay_what_waits(&mut self) {
        let Some(refund) = self.any_fetch() else { return };
        let Fetch { customer, amount, .. } = self.street.fetches[&refund];
        let deal = self.market.deals.values().find(|deal| deal.customer == customer);
        let provider = deal.map_or(1, |deal| deal.provider as u8);
        self.numbers += 1;
        let reference = format!("RF-{:05}", self.numbers);
        let paid = RefundPaid { customer, amount, provider, reference };
        let decided = self
            .waits_at_till(refund)
            .and_then(|()| if self.chargeback_waits(customer) { Err("chargeback_waits") } else { Ok(()) })
            .map(|()| vec![Draft { subject: refund, fact: Fact::RefundPaid(paid) }]);
        if self.record("pay_what_waits", decided) {
            grow(&mut self.street.refunded, customer, amount);
            grow(&mut self.street.wallets, provider, amount.negated());
            if let Some(fetch) = self.street.fetches.get_mut(&refund) {
                fetch.paid = true;
            }
            self.runs_to_the_till(refund);
        }
    }

    /// He has his code still, and the till may have heard nothing.
    fn runs_to_the_till(&mut self, refund: Subject) {
        let point = self.street.fetches[&refund].point;
        let there: Vec<usize> = (0..self.devices.len()).filter(|at| self.devices[*at].party() == point).collect();
        if self.dice.chance(80) {
            if let Some(at) = self.dice.pick(&there).copied() {
                self.gives(at, refund);
            }
        }
    }

    fn withdraw(&mut self) {
        let Some(refund) = self.any_fetch() else { return };
        let withdrawn = || vec![Draft { subject: refund, fact: Fact::RefundWithdrawn(RefundWithdrawn {}) }];
        let decided = self.waits_at_till(refund).map(|()| withdrawn());
        if self.record("withdraw_refund", decided) {
            if let Some(fetch) = self.street.fetches.get_mut(&refund) {
                fetch.withdrawn = true;
            }
            self.runs_to_the_till(refund);
        }
    }

    /// A customer stands at the counter with his code: the first time, or because nobody there knows that he has it.
    pub(super) fn give_refund(&mut self, at: usize) -> bool {
        let (me, person) = (self.devices[at].party(), self.devices[at].edge.seat.person);
        let again = self.dice.chance(15);
        let asks = |fetch: &Fetch| {
            let new = fetch.given_by.is_empty();
            fetch.point == me && !fetch.given_by.contains(&person) && (new || again)
        };
        let here: Vec<Subject> =
            self.street.fetches.iter().filter(|(_, fetch)| asks(fetch)).map(|(refund, _)| *refund).collect();
        self.dice.pick(&here).copied().is_some_and(|refund| self.gives(at, refund))
    }

    /// Nobody gives out of a drawer what is not in it, or twice what he gave himself.
    fn gives(&mut self, at: usize, refund: Subject) -> bool {
        let (me, person) = (self.devices[at].party(), self.devices[at].edge.seat.person);
        let Fetch { customer, amount, code, ref given_by, .. } = self.street.fetches[&refund];
        if self.street.pile(&me) < amount || given_by.contains(&person) {
            return false;
        }
        let code = match self.dice.below(20) {
            0 => "0000-0000-0000-0000".to_owned(),
            _ => code.to_string(),
        };
        let given = self.tap(at, &Command::RefundCash { refund, code }, "refund_cash");
        if given {
            self.street.come(me, amount.negated());
            grow(&mut self.street.refunded, customer, amount);
            if let Some(fetch) = self.street.fetches.get_mut(&refund) {
                fetch.given_by.insert(person);
            }
        }
        given
    }

    /// What stands at the end: a customer owes, or has given back, exactly what he got beyond what was his.
    pub(super) fn refunded_twice(&self) -> Result<(), String> {
        for (refund, fetch) in &self.street.fetches {
            let owes = Code::CustomerReceivable.of_owner(fetch.customer);
            let booked: Taka = self
                .tally
                .standing(refund)
                .flat_map(|journal| &journal.postings)
                .filter(|line| line.account == owes)
                .map(|line| line.amount)
                .sum();
            if booked != fetch.too_much() {
                let told = super::verdict::told(self, *refund);
                return Err(format!("{refund}: {booked} of it is owed, and {} was too much: {told}", fetch.too_much()));
            }
        }
        Ok(())
    }
}
