//! Returns: customers bring back what they were given, all of it or some pieces; operations count them in, decided as
//! `central::returns` does (J20, J20a, J20b, R32). Amounts are held here against the shop's terms, not against the product's
//! own arithmetic.

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::earning::{Earning, Returned};
use protocol::fact::{Fact, ReturnAccepted, ReturnedPieces, TermsFrozen};
use protocol::fold::State;
use protocol::id::{Id16, Subject};
use protocol::journal::Rule;
use protocol::taka::Taka;

use super::banking::Decided;
use super::mutant::Mutant;
use super::street::Place;
use super::tally::on;
use super::verdict::ensure;
use super::world::World;

/// What customers bring back.
#[derive(Clone, Debug, Default)]
pub struct Returns {
    /// Pieces that are asked for, by parcel.
    pub open: BTreeMap<Subject, u16>,
    /// Pieces that were taken, and in how many returns, by parcel.
    pub taken: BTreeMap<Subject, (u16, usize)>,
}

/// What the shop's terms give back for pieces of this worth: price, commission, and the VAT on that.
fn given_back(terms: &TermsFrozen, worth: Taka) -> (Taka, Taka, Taka) {
    let part = |whole: Taka, part: Taka, all: Taka| {
        let paisa = i128::from(whole.paisa()) * i128::from(part.paisa()) / i128::from(all.paisa());
        i64::try_from(paisa).ok().and_then(Taka::from_paisa).unwrap_or_default()
    };
    let vat = part(terms.vendor_vat, terms.commission, terms.commission.plus(terms.cod_fee));
    (worth, part(terms.commission, worth, terms.goods), part(vat, worth, terms.goods))
}

impl World {
    /// Whether its earning is in a payout.
    fn is_paid_out(&self, parcel: &Subject) -> bool {
        let earning = Subject::earning_of(*parcel);
        self.office.states.values().any(|folded| match &folded.state {
            State::Payout(payout) => payout.lines.iter().any(|line| line.earning == earning),
            _ => false,
        })
    }

    /// A customer asks, or somebody in operations for him.
    pub(super) fn customer_returns(&mut self) {
        let with_customer = self.street.goods.iter().filter(|(_, goods)| matches!(goods.place, Place::Customer));
        let with_customer: Vec<Subject> = with_customer.map(|(parcel, _)| *parcel).collect();
        // Now and then one of those that think of it when the vendor has the money.
        let late: Vec<Subject> = match self.dice.chance(12) {
            true => with_customer.iter().copied().filter(|parcel| self.is_paid_out(parcel)).collect(),
            false => Vec::new(),
        };
        let of = if late.is_empty() { &with_customer } else { &late };
        let Some(parcel) = self.dice.pick(of).copied() else { return };
        let Some((bought, _)) = self.market.pieces.get(&parcel).copied() else { return };
        let left = bought - self.returns.taken.get(&parcel).map_or(0, |(pieces, _)| *pieces);
        let slip = self.dice.chance(4);
        if left == 0 && !slip {
            return;
        }
        let some = u16::try_from(1 + self.dice.below(usize::from(left.max(1)))).unwrap_or(1);
        let pieces = if slip { left + 1 } else { some };
        let by_operations = self.dice.chance(60);
        match self.may_ask(parcel, pieces, by_operations) {
            Ok(()) => {
                self.returns.open.insert(parcel, pieces);
                self.did("ask_return");
            }
            Err(code) => self.refused("ask_return", code),
        }
    }

    fn earning(&self, parcel: Subject) -> Option<&Earning> {
        match &self.office.states.get(&Subject::earning_of(parcel))?.state {
            State::Earning(earning) => Some(earning),
            _ => None,
        }
    }

    fn returnable(&self, parcel: Subject) -> Result<&Earning, &'static str> {
        let settled = self.parcel(parcel).is_some_and(|state| state.is_settled() && state.status.is_with_customer());
        let earning = self.earning(parcel).filter(|earning| {
            settled && matches!(earning.word(), "distributed" | "matured") && !earning.incomplete && !earning.newer
        });
        let earning = earning.ok_or("not_returnable")?;
        let order = self.market.terms.get(&parcel).map(|terms| terms.order);
        if order.is_some_and(|order| self.is_charged_back(order)) { Err("charged_back") } else { Ok(earning) }
    }

    fn may_ask(&self, parcel: Subject, pieces: u16, by_operations: bool) -> Result<(), &'static str> {
        self.returnable(parcel)?;
        let facts = self.office.facts_of(&Subject::earning_of(parcel));
        let opens = facts.iter().filter(|(.., fact)| matches!(fact, Fact::Distributed(_))).map(|(_, at, ..)| *at).min();
        let window = self.market.terms.get(&parcel).map_or(0, |terms| u64::from(terms.window_min) * 60_000);
        if !by_operations && opens.is_some_and(|at| at.saturating_add(window) <= self.now_ms) {
            return Err("window_closed");
        }
        if self.returns.open.contains_key(&parcel) {
            return Err("return_open");
        }
        let taken = self.returns.taken.get(&parcel).map_or(0, |(pieces, _)| *pieces);
        let bought = self.market.pieces.get(&parcel).map_or(0, |(pieces, _)| *pieces);
        if taken + pieces > bought { Err("more_than_bought") } else { Ok(()) }
    }

    /// Somebody counts what came, and takes it, or does not.
    pub(super) fn count_return(&mut self) {
        let open: Vec<(Subject, u16)> = self.returns.open.iter().map(|(parcel, pieces)| (*parcel, *pieces)).collect();
        let Some((parcel, asked)) = self.dice.pick(&open).copied() else { return };
        if self.dice.chance(12) {
            self.returns.open.remove(&parcel);
            return self.did("refuse_return");
        }
        let counted = match self.dice.below(20) {
            0 => asked + 1,
            1..=7 => asked - u16::from(asked > 1),
            _ => asked,
        };
        if counted > asked {
            return self.refused("count_return", "more_than_asked");
        }
        let decided = self.decide_taking_back(parcel, asked, counted);
        if self.record("count_return", decided) {
            self.returns.open.remove(&parcel);
            let taken = self.returns.taken.entry(parcel).or_default();
            *taken = (taken.0 + counted, taken.1 + 1);
            if counted < asked {
                self.report.reached("R32");
            }
        }
    }

    fn decide_taking_back(&mut self, parcel: Subject, asked: u16, counted: u16) -> Decided {
        let (ret, maker) = (Id16(self.dice.bytes()[..16].try_into().unwrap_or_default()), Id16([7; 16]));
        let earning = self.returnable(parcel)?;
        let terms = earning.terms.as_ref().ok_or("not_returnable")?;
        let (_, unit_price) = self.market.pieces.get(&parcel).copied().ok_or("unknown_goods")?;
        let worth: Taka = (0..counted).map(|_| unit_price).sum();
        let before = match self.mutant {
            Some(Mutant::ReturnsForgotten) => Returned::default(),
            _ => earning.returned.clone(),
        };
        let share = before.share(terms, worth);
        let subject = Subject::earning_of(parcel);
        let zero = Taka::ZERO;
        let (held, available) = match (earning.matured_for.is_some(), self.is_in_payout(&subject)) {
            (false, _) => (share.net().min(earning.held), zero),
            (true, false) => {
                let has = self.office.balance(Code::VendorAvailable.of_owner(terms.vendor)).negated();
                (zero, share.net().min(earning.available).min(has))
            }
            (true, true) if self.mutant == Some(Mutant::PaidOutTaken) => (zero, share.net()),
            (true, true) => (zero, zero),
        };
        let (held, available) = (held.max(zero), available.max(zero));
        let customer = self.market.terms.get(&parcel).map(|terms| terms.customer).ok_or("unknown_order")?;
        let fact = Fact::ReturnAccepted(ReturnAccepted {
            ret,
            customer,
            lines: vec![ReturnedPieces { sku: "RG-0001".to_owned(), asked, counted, unit_price }],
            goods: share.goods,
            commission: share.commission,
            vat: share.vat,
            held,
            available,
            receivable: share.net().minus(held).minus(available),
            reason: 2,
            maker,
        });
        Ok(vec![Draft { subject, fact }])
    }

    fn is_in_payout(&self, earning: &Subject) -> bool {
        self.office.states.values().any(|folded| match &folded.state {
            State::Payout(payout) => payout.lines.iter().any(|line| line.earning == *earning),
            _ => false,
        })
    }

    /// What returns took of an earning on an account of its vendor, by what stands.
    pub(super) fn taken_by_returns(&self, earning: &Subject, code: Code) -> Taka {
        let of = self.tally.standing(earning).filter(|journal| matches!(journal.rule, Rule::J20 | Rule::J20a));
        of.map(|journal| on(journal, code)).sum()
    }

    /// What returns cost each vendor, by the shop's terms.
    pub(super) fn costs_of_returns(&self) -> impl Iterator<Item = (Subject, Taka)> {
        self.returns.taken.iter().filter_map(|(parcel, (pieces, _))| {
            let (terms, worth) = (self.market.terms.get(parcel)?, self.worth(parcel, *pieces));
            let (goods, commission, vat) = given_back(terms, worth);
            Some((terms.vendor, goods.minus(commission).minus(vat)))
        })
    }

    fn worth(&self, parcel: &Subject, pieces: u16) -> Taka {
        let unit = self.market.pieces.get(parcel).map_or(Taka::ZERO, |(_, unit)| *unit);
        (0..pieces).map(|_| unit).sum()
    }
}

/// What stands of returns is what the shop's terms say of the pieces that were taken, each return once.
pub(super) fn hold(world: &World) -> Result<(), String> {
    for (parcel, (pieces, times)) in &world.returns.taken {
        let Some(terms) = world.market.terms.get(parcel) else { continue };
        let standing = world.tally.standing(&Subject::earning_of(*parcel));
        let returns: Vec<_> =
            standing.filter(|journal| matches!(journal.rule, Rule::J20 | Rule::J20a | Rule::J20b)).collect();
        let count = returns.iter().filter(|journal| journal.rule != Rule::J20a).count();
        ensure(count == *times, || format!("{parcel} came back {times} times, and {count} are posted"))?;
        let sum = |code| returns.iter().map(|journal| on(journal, code)).sum::<Taka>();
        let posted = (sum(Code::RefundsPayable).negated(), sum(Code::Commission), sum(Code::Vat));
        let wanted = given_back(terms, world.worth(parcel, *pieces));
        ensure(posted == wanted, || {
            format!("{parcel}: {pieces} pieces give back {wanted:?}, and {posted:?} is posted")
        })?;
    }
    Ok(())
}
