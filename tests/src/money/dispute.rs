//! Disputes: a customer's bank takes back what he paid ahead, whatever has become of the goods and of the money. Finance reads
//! the notice, looks whose the money is by now, and enters it in as many parts as it takes, decided as
//! `central::entries::chargeback` does.

use std::collections::BTreeMap;

use protocol::account::Code;
use protocol::fact::{Entered, Entry, Provider};
use protocol::id::Subject;
use protocol::journal::Rule;
use protocol::order::receivable;
use protocol::taka::Taka;

use super::mutant::Mutant;
use super::paper::Paper;
use super::street::grow;
use super::world::World;

/// What an order's money has become.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disputable {
    /// Captured at the provider and not charged back before.
    pub left: Taka,
    pub escrow: Taka,
    /// Released to the customer and neither paid to him nor charged back.
    pub owed: Taka,
    /// Of parcels that arrived, less what was charged back of them before.
    pub arrived: Taka,
    /// What the vendor was credited for goods of it, less what he was charged back before.
    pub vendors: Taka,
}

impl Disputable {
    /// Of parcels that arrived, or all that is left when nothing is the customer's any more.
    fn free(self) -> Taka {
        if self.escrow.plus(self.owed) > Taka::ZERO { self.arrived.min(self.left) } else { self.left }
    }
}

fn is_chargeback(what: u8) -> bool {
    [Entry::ChargedBack as u8, Entry::ChargedBackEarly as u8].contains(&what)
}

impl World {
    /// Once for each vendor of an order that was paid ahead, for the price of one of his parcels.
    pub(super) fn customer_disputes(&mut self) {
        let paid: Vec<Subject> =
            self.market.deals.iter().filter(|(_, deal)| !deal.references.is_empty()).map(|(order, _)| *order).collect();
        let Some(order) = self.dice.pick(&paid).copied() else { return };
        let deal = self.market.deals[&order].clone();
        let Some(parcel) = self.dice.pick(&deal.parcels).copied() else { return };
        let (Some(terms), Some(goods)) = (self.market.terms.get(&parcel), self.street.goods.get(&parcel)) else {
            return;
        };
        let (amount, vendor) = (super::market::price(terms), goods.vendor);
        if !self.street.disputed.insert((order, vendor)) {
            return;
        }
        grow(&mut self.street.wallets, deal.provider as u8, amount.negated());
        self.did("customer_disputes");
        // Until somebody looks, it is ours.
        let paper = Paper::of(Entry::ChargedBack, vendor, amount);
        self.file(Paper { other: Some(order), provider: deal.provider as u8, part: amount, ..paper });
    }

    /// A notice is entered as what the money is by now. What does not go one way in full is entered in two parts.
    pub(super) fn read_notice(&mut self, number: u32) {
        if self.mutant == Some(Mutant::BackTwice) {
            return;
        }
        let Some(notice) = self.desk.papers.get(&number).filter(|paper| is_chargeback(paper.what as u8)).cloned()
        else {
            return;
        };
        let Some(order) = notice.other.or(Some(notice.owner)) else { return };
        let Some(deal) = self.market.deals.get(&order) else { return };
        let (customer, vendors) = (deal.customer, deal.parcels.clone());
        let vendor = vendors.iter().find_map(|parcel| {
            let vendor = self.street.goods.get(parcel)?.vendor;
            self.street.disputed.contains(&(order, vendor)).then_some(vendor)
        });
        let Some(vendor) = vendor else { return };
        let as_vendors = Entered { owner: vendor, other: Some(order), ..notice.entered(protocol::id::Id16([0; 16])) };
        let money = self.disputable(&as_vendors);
        let ways = [
            (Entry::ChargedBack, vendor, Some(order), money.free()),
            (Entry::ChargedBackEarly, order, None, money.escrow),
            (Entry::ChargedBackEarly, customer, Some(order), money.owed),
        ];
        let whole = ways.iter().find(|(.., holds)| *holds >= notice.amount);
        let Some((what, owner, other, holds)) = whole.or_else(|| ways.iter().max_by_key(|(.., holds)| *holds)).copied()
        else {
            return;
        };
        if holds <= Taka::ZERO {
            return;
        }
        let amount = notice.amount.min(holds);
        let share = money.vendors.min(amount).max(Taka::ZERO);
        let ours = what == Entry::ChargedBack && (share == Taka::ZERO || self.dice.chance(50));
        let part = match what {
            Entry::ChargedBack if ours => amount,
            Entry::ChargedBack => amount.minus(share),
            _ => Taka::ZERO,
        };
        let rest = notice.amount.minus(amount);
        self.desk.papers.insert(number, Paper { what, owner, other, amount, part, ..notice.clone() });
        if rest > Taka::ZERO {
            self.did("dispute_in_parts");
            self.numbers += 1;
            let reference = format!("P-{:05}", self.numbers);
            self.desk.papers.insert(self.numbers, Paper { amount: rest, reference, ..notice });
        }
    }

    /// A notice about what is still the customer's, entered as the vendor's and ours; `None` of any other.
    pub(super) fn charged_too_late(&self, right: &Entered) -> Option<Entered> {
        let order = right.other.unwrap_or(right.owner);
        let vendor = self.street.disputed.iter().find(|(of, _)| *of == order)?.1;
        let (what, part) = (Entry::ChargedBack as u8, right.amount);
        let wrong = Entered { what, owner: vendor, other: Some(order), part, ..right.clone() };
        (is_chargeback(right.what) && self.disputable(&wrong).free() < wrong.amount).then_some(wrong)
    }

    /// A chargeback is in the books: what its customer got back by it, and what he had from us before anybody knew.
    pub(super) fn charged_back(&mut self, paper: &Paper) {
        let order = paper.other.unwrap_or(paper.owner);
        let Some(customer) = self.market.deals.get(&order).map(|deal| deal.customer) else { return };
        grow(&mut self.street.taken_back, customer, paper.amount);
        if paper.what == Entry::ChargedBack {
            let of = |sums: &BTreeMap<Subject, Taka>| sums.get(&customer).copied().unwrap_or_default();
            let both = of(&self.street.refunded).plus(of(&self.street.taken_back));
            self.street.had_both.insert(customer, both);
        }
    }

    /// What an entry about an order could charge back, by where the money is.
    pub(super) fn disputable(&self, entered: &Entered) -> Disputable {
        let order = entered.other.unwrap_or(entered.owner);
        let Some(deal) = self.market.deals.get(&order) else { return Disputable::default() };
        let here = deal.provider as u8 == entered.provider;
        let captured: Taka = deal.references.iter().filter(|_| here).map(|_| deal.total).sum();
        let about = |other: &Entered| other.other == Some(order) || other.owner == order;
        let before: Vec<&Entered> =
            self.entries().map(|(_, other)| other).filter(|other| is_chargeback(other.what) && about(other)).collect();
        let owed_to = Code::RefundsPayable.of_owner(deal.customer);
        let (mut released, mut credited, mut arrived) = (Taka::ZERO, Taka::ZERO, Taka::ZERO);
        for parcel in &deal.parcels {
            for journal in self.tally.standing(&Subject::earning_of(*parcel)) {
                for line in &journal.postings {
                    let back = line.amount.negated();
                    if line.account == owed_to {
                        released = released.plus(back);
                    }
                    // What a return gave back is neither the vendor's nor ours any more.
                    if line.account == owed_to && matches!(journal.rule, Rule::J20 | Rule::J20b) {
                        arrived = arrived.minus(back);
                        let own = self.market.terms.get(parcel).is_some_and(|terms| terms.vendor == entered.owner);
                        credited = credited.minus(if own { back } else { Taka::ZERO });
                    }
                    if matches!(journal.rule, Rule::J6 | Rule::J32) && line.account == Code::Escrow.of_owner(order) {
                        arrived = arrived.plus(line.amount);
                    }
                    let goods = matches!(journal.rule, Rule::J5 | Rule::J6);
                    if goods && line.account == Code::VendorHeld.of_owner(entered.owner) {
                        credited = credited.plus(back);
                    }
                }
            }
        }
        let sum = |of: &dyn Fn(&Entered) -> bool, amount: fn(&Entered) -> Taka| -> Taka {
            before.iter().filter(|other| of(other)).map(|other| amount(other)).sum()
        };
        let early =
            sum(&|other| other.what == Entry::ChargedBackEarly as u8 && other.other.is_some(), |other| other.amount);
        let shares = sum(&|other| other.what == Entry::ChargedBack as u8 && other.owner == entered.owner, |other| {
            other.amount.minus(other.part)
        });
        let held = |account| self.office.balance(account).negated().max(Taka::ZERO);
        Disputable {
            left: captured.minus(sum(&|_| true, |other| other.amount)),
            escrow: held(Code::Escrow.of_owner(order)),
            owed: held(owed_to).min(released.minus(early).max(Taka::ZERO)),
            arrived: arrived
                .minus(sum(&|other| other.what == Entry::ChargedBack as u8, |other| other.amount))
                .max(Taka::ZERO),
            vendors: credited.minus(shares),
        }
    }

    /// What a provider took and has not settled, whatever it gave back meanwhile.
    pub(super) fn unsettled(&self, provider: u8) -> Taka {
        let Some(account) = Provider::of(provider).map(receivable) else { return Taka::ZERO };
        let back =
            self.tally.all_standing().filter(|journal| matches!(journal.rule, Rule::J19a | Rule::J31 | Rule::J37));
        let back = back.flat_map(|journal| &journal.postings).filter(|line| line.account == account);
        self.office.balance(account).plus(back.map(|line| line.amount.negated()).sum())
    }

    pub(super) fn is_nobody_elses(&self, entered: &Entered) -> Result<(), &'static str> {
        let order = entered.other.and_then(|order| self.market.deals.get(&order));
        let of = |parcel: &Subject| self.street.goods.get(parcel).is_some_and(|goods| goods.vendor == entered.owner);
        if !order.is_some_and(|deal| deal.parcels.iter().any(of)) {
            return Err("not_the_vendor");
        }
        let money = self.disputable(entered);
        let customer = entered.other.and_then(|order| self.market.deals.get(&order)).map(|deal| deal.customer);
        if customer.is_some_and(|customer| self.refund_waits(customer)) {
            return Err("refund_waits");
        }
        if entered.amount > money.left {
            return Err("more_than_captured");
        }
        if entered.amount > money.free() && self.mutant != Some(Mutant::BackTwice) {
            return Err("still_the_customers");
        }
        if entered.amount.minus(entered.part) > money.vendors { Err("more_than_credited") } else { Ok(()) }
    }

    pub(super) fn is_the_customers(&self, entered: &Entered) -> Result<(), &'static str> {
        let money = self.disputable(entered);
        if entered.amount > money.left {
            return Err("more_than_captured");
        }
        let Some(order) = entered.other else { return Ok(()) };
        if self.market.deals.get(&order).map(|deal| deal.customer) != Some(entered.owner) {
            return Err("not_the_customer");
        }
        if self.refund_waits(entered.owner) {
            return Err("refund_waits");
        }
        if entered.amount > money.owed { Err("more_than_owed") } else { Ok(()) }
    }

    /// Whether a chargeback of an order is entered, or waits for its second person.
    pub(super) fn is_charged_back(&self, order: Subject) -> bool {
        let about =
            |entered: &Entered| is_chargeback(entered.what) && (entered.owner == order || entered.other == Some(order));
        self.entries().any(|(_, entered)| about(entered))
            || self.desk.proposals.iter().any(|proposal| about(&proposal.entered))
    }

    /// Whether something of a customer's waits at a till.
    fn refund_waits(&self, customer: Subject) -> bool {
        let of = |(refund, _): &(&Subject, &super::fetched::Fetch)| self.waits_at_till(**refund).is_ok();
        self.street.fetches.iter().filter(|(_, fetch)| fetch.customer == customer).any(|one| of(&one))
    }

    /// Whether a chargeback of what is owed to a customer waits for its second person.
    pub(super) fn chargeback_waits(&self, customer: Subject) -> bool {
        let of = |entered: &Entered| entered.what == Entry::ChargedBackEarly as u8 && entered.owner == customer;
        self.desk.proposals.iter().any(|proposal| of(&proposal.entered))
    }
}
