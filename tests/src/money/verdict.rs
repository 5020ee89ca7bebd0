//! What holds after every step. The numbers are those of the domain's list of invariants (B4.2):
//!
//! - 1, 20 [`super::shape::holds`], [`super::tally::Tally::take`]: every journal balances, alone and all together.
//! - 2 [`bounds`]: strict accounts are never on the wrong side.
//! - 3 [`super::tally::Tally::take`]: ids are unique; a replay posts nothing ([`super::replay`]).
//! - 4 [`custody`] at every step, by rule; [`super::hands`] at the end, by facts and by what is in whose hands.
//! - 5, 6, 18 [`parcels`]: nothing is left in clearing, one collection satisfies a due, one holder.
//! - 7 [`orders`]: parts come to the whole.
//! - 8 [`refunds`]: nobody gets back more than he paid.
//! - 9 [`vendors`]: what a vendor is owed is what he earned, by the shop's terms, less fees and payouts.
//!   What came back is what the pieces cost ([`super::returned::hold`]).
//!   What a courier owes is what he said, less what he remitted ([`super::courier::hold`]).
//! - 10 [`payouts`]: the payouts of an earning come to what it made available, each payout to what its lines do.
//! - 11: nothing is posted as pending in this version.
//! - 12 [`super::world::World::record`], [`super::device::Device::tap`]: a refusal changes nothing.
//! - 13, 14 [`super::replay`]: the fold does not see the order; chains are whole and signed.
//! - 15 [`banks`]: the books' account is the bank's own ledger, but for what is listed; a provider's in [`super::audit`].
//! - 16 [`months`]: nothing is posted into a closed month.
//! - What finance entered has a paper, signatures and sums of its own: [`super::audit`].
//! - 17: stock is not in these worlds.
//! - 19 [`terms`] by row, and [`super::closing`] by month: VAT lines add up.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code};
use protocol::fact::{Entry, How};
use protocol::fold::State;
use protocol::id::{Kind, Subject};
use protocol::journal::{Journal, Rule};
use protocol::parcel::Status;
use protocol::taka::Taka;

use super::audit;
use super::courier;
use super::fetched::Fetch;
use super::market::{fees, price};
use super::office::Row;
use super::returned;
use super::roster::place_of;
use super::statement::{self, Side};
use super::street::grow;
use super::tally::on;
use super::world::World;

/// What pays an order ahead: a provider, a bank's transfer, or credit with us.
const AHEAD: [Rule; 3] = [Rule::J2, Rule::J29a, Rule::J30a];
/// The rules of which one satisfies a due.
pub const DUES: [Rule; 8] = [Rule::J4, Rule::J4p, Rule::J14, Rule::J24, Rule::J11, Rule::J11a, Rule::J11c, Rule::J36];
/// Where cash of ours can be.
const CUSTODY: [Code; 3] = [Code::AgentCash, Code::Till, Code::InTransit];

/// Looks at what the last step did.
pub(super) fn at_a_step(world: &mut World) -> Result<(), String> {
    let rows: Vec<Row> = world.office.log[world.tally.seen..].to_vec();
    let touched = world.tally.take(&rows)?;
    let subjects: BTreeSet<Subject> = std::mem::take(&mut world.office.touched).into_iter().collect();
    bounds(world, &touched)?;
    months(world, &rows)?;
    for row in &rows {
        terms(world, row)?;
        custody(row)?;
    }
    decided(world, &rows)?;
    matured(world, &rows)?;
    for subject in &subjects {
        match subject.kind() {
            Some(Kind::Parcel) => parcels(world, *subject)?,
            Some(Kind::Order) => orders(world, *subject)?,
            _ => {}
        }
    }
    payouts(world, &rows)?;
    if !rows.is_empty() {
        vendors(world)?;
        refunds(world)?;
        returned::hold(world)?;
        courier::hold(world)?;
    }
    audit::hold(world, !rows.is_empty())?;
    banks(world)
}

pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// What was recorded of a subject, in the order of ids: kind, author, and which of them it follows.
pub(super) fn told(world: &World, subject: Subject) -> String {
    let history = world.office.central.memory.history(subject);
    let of = |(index, seen): (usize, &protocol::history::Seen)| {
        let name = seen.fact.as_ref().map_or("newer", protocol::fact::Fact::name);
        let after: Vec<usize> = (0..history.facts.len()).filter(|other| history.follows(index, *other)).collect();
        format!("{index} {name} by {} after {after:?}", &seen.party.to_string()[..5])
    };
    history.facts.iter().enumerate().map(of).collect::<Vec<_>>().join("; ")
}

/// Balances are the sums of the rows; an asset that only central moves is not below zero, a liability not above.
fn bounds(world: &World, touched: &BTreeSet<Account>) -> Result<(), String> {
    for account in touched {
        let (own, theirs) = (world.tally.of(*account), world.office.balance(*account));
        ensure(own == theirs, || format!("{account} has {theirs}, and its rows come to {own}"))?;
        let owed = if account.code == Code::VendorReceivable { own } else { own.negated() };
        ensure(!account.code.is_strict() || owed >= Taka::ZERO, || format!("{account} is at {own}"))?;
    }
    Ok(())
}

/// Invariant 16.
fn months(world: &World, rows: &[Row]) -> Result<(), String> {
    for row in rows {
        let closed = world.office.closed_through.is_some_and(|through| row.month <= through);
        ensure(!closed, || format!("{} is posted into {}, which is closed", row.entry.journal, row.month))?;
    }
    Ok(())
}

/// Every amount that follows from the terms of a parcel is the one that the shop froze (invariants 7, 9, 19).
fn terms(world: &World, row: &Row) -> Result<(), String> {
    let journal = &row.entry.journal;
    let turned = row.entry.rev % 2 == 1;
    let is = |code: Code, wanted: Taka| {
        let amount = on(journal, code);
        let amount = if turned { amount.negated() } else { amount };
        ensure(amount == wanted, || format!("{journal}: {} on {}, and the terms say {wanted}", amount, code as u16))
    };
    if AHEAD.contains(&journal.rule) {
        let total = world.market.deals.get(&journal.subject).map_or(Taka::ZERO, |deal| deal.total);
        return is(Code::Escrow, total.negated());
    }
    let Some(terms) = world.terms_of(&journal.subject) else { return Ok(()) };
    let fee = terms.rto_fee.plus(terms.rto_vat);
    match journal.rule {
        Rule::J5 | Rule::J6 => {
            is(Code::VendorHeld, terms.goods.negated())?;
            is(Code::Delivery, terms.delivery.negated())?;
            is(Code::Vat, terms.delivery_vat.negated())
        }
        Rule::J7 => {
            is(Code::VendorHeld, fees(terms))?;
            is(Code::Commission, terms.commission.negated())?;
            is(Code::Vat, terms.vendor_vat.negated())
        }
        Rule::J16 => {
            let before = world.taken_by_returns(&journal.subject, Code::VendorHeld);
            is(Code::VendorAvailable, before.minus(terms.goods.minus(fees(terms))))
        }
        Rule::J19 => is(Code::RefundsPayable, price(terms).negated()),
        Rule::J21 => {
            is(Code::Vat, terms.rto_vat.negated())?;
            is(Code::RtoFee, terms.rto_fee.negated())?;
            let split = on(journal, Code::VendorAvailable).plus(on(journal, Code::VendorReceivable));
            ensure(turned || split == fee, || format!("{journal}: the fee is {fee}"))
        }
        Rule::J21a => {
            is(Code::Escrow, price(terms))?;
            is(Code::Vat, terms.delivery_vat.negated())
        }
        Rule::J32 => is(Code::Rounding, terms.rounding),
        _ => Ok(()),
    }
}

/// Invariant 4, by rule: cash comes and goes only with what it is exchanged for.
fn custody(row: &Row) -> Result<(), String> {
    let journal = &row.entry.journal;
    let cash: Taka = CUSTODY.iter().map(|code| on(journal, *code)).sum();
    let against = |codes: &[Code]| codes.iter().map(|code| on(journal, *code)).sum::<Taka>().negated();
    let wanted = match journal.rule {
        Rule::J4 | Rule::J4p => against(&[Code::Clearing]),
        Rule::J11 => against(&[Code::Clearing, Code::OverCollected, Code::PartnerReceivable, Code::CourierReceivable]),
        Rule::J11a => against(&[Code::Clearing, Code::Shortage, Code::PartnerReceivable]),
        Rule::J12 => {
            let providers = [Code::Bkash, Code::Nagad, Code::Rocket, Code::Card];
            against(&[Code::OverCollected, Code::PartnerReceivable, Code::CourierReceivable])
                .minus(providers.iter().map(|c| on(journal, *c)).sum())
        }
        Rule::J12c => against(&[Code::OverCollected]),
        Rule::J9 | Rule::J9b => against(&[Code::Shortage]),
        Rule::J10 | Rule::J10b => against(&[Code::CashOver]),
        Rule::J13a => against(&[Code::Settlement, Code::CashOver]),
        Rule::J13b => against(&[Code::Settlement, Code::Shortage]),
        Rule::J27a => against(&[Code::Shortage, Code::CashOver]),
        Rule::J27b => against(&[Code::Shortage]),
        Rule::J27c => against(&[Code::CashOver]),
        Rule::J20d => against(&[Code::RefundsPayable]),
        // By a provider, or out of a till.
        Rule::J37 => against(&[Code::CustomerReceivable, Code::Bkash, Code::Nagad, Code::Rocket, Code::Card]),
        Rule::J37a => against(&[Code::CustomerReceivable, Code::RefundsPayable, Code::StoreCredit, Code::Goodwill]),
        Rule::J27 => against(&[Code::Operating]),
        // Of the four ways of a claim only the theft of a bag moves cash.
        Rule::J26 if on(journal, Code::InTransit) != Taka::ZERO => against(&[Code::Claims]),
        // The bag for the till, the till for the agent's: nothing comes and nothing goes.
        _ => Taka::ZERO,
    };
    ensure(cash == wanted, || format!("{journal} moves {cash} of cash, and {wanted} of what stands for it"))
}

/// What central decides against a balance leaves the balance standing: the other half of invariant 2. Accounts that facts
/// of devices move may be below zero for other reasons, and then nothing more is taken from them.
fn decided(world: &World, rows: &[Row]) -> Result<(), String> {
    for row in rows.iter().filter(|row| row.entry.rev % 2 == 0) {
        let journal = &row.entry.journal;
        let (code, liability) = match journal.rule {
            Rule::J13 | Rule::J10b => (Code::Till, false),
            Rule::J18 => (Code::Settlement, false),
            Rule::J36a => (Code::PartnerReceivable, false),
            Rule::J9a | Rule::J9b | Rule::J9c | Rule::J11b | Rule::J27d => (Code::Shortage, false),
            Rule::J26 => (Code::InTransit, false),
            Rule::J28 => (Code::AgentPayable, true),
            Rule::J33 => (Code::Vat, true),
            Rule::J35 => (Code::Security, true),
            Rule::J10a | Rule::J10c => (Code::CashOver, true),
            Rule::J12b | Rule::J12c | Rule::J12d => (Code::OverCollected, true),
            Rule::J37a => (Code::CustomerReceivable, false),
            _ => continue,
        };
        for line in journal.postings.iter().filter(|line| line.account.code == code) {
            let held = world.tally.of(line.account);
            let held = if liability { held.negated() } else { held };
            ensure(held >= Taka::ZERO, || {
                format!("{journal} takes from {} what it does not hold: {held}", line.account)
            })?;
        }
    }
    let mut seals: BTreeSet<&str> = BTreeSet::new();
    for folded in world.office.states.values() {
        let State::Bag(bag) = &folded.state else { continue };
        ensure(seals.insert(&bag.seal), || format!("the seal {} is on two bags", bag.seal))?;
    }
    Ok(())
}

/// Money that a vendor may have is confirmed: of each site not more matures than the bank and partners brought, and
/// nothing that is held or contested does.
fn matured(world: &World, rows: &[Row]) -> Result<(), String> {
    let fresh = rows.iter().filter(|row| row.entry.journal.rule == Rule::J16 && row.entry.rev % 2 == 0);
    for row in fresh {
        let subject = row.entry.journal.subject;
        let Some(terms) = world.terms_of(&subject) else { continue };
        let parcel = world.parcel(terms.parcel);
        ensure(parcel.is_some_and(|parcel| parcel.contests.is_empty() && parcel.is_settled()), || {
            format!("{subject} matures, and its parcel is contested or open")
        })?;
        let held = matches!(world.office.states.get(&subject).map(|folded| &folded.state),
            Some(State::Earning(earning)) if !earning.held_for.is_empty());
        ensure(!held, || format!("{subject} matures, and is held"))?;
        ensure(!world.returns.open.contains_key(&terms.parcel), || format!("{subject} matures, and is asked back"))?;
        if terms.prepaid {
            let paid = world.tally.standing(&terms.order).any(|journal| AHEAD.contains(&journal.rule));
            ensure(paid, || format!("{subject} matures, and its order is not paid"))?;
            continue;
        }
        // A provider has it: no bag brings it.
        if world.tally.standing(&terms.parcel).any(|journal| journal.rule == Rule::J24) {
            continue;
        }
        let Some(place) = world.collected_at(&terms.parcel) else { return Err(format!("{subject}: nobody collected")) };
        let (dues, confirmed) = (world.matured_at(place), world.confirmed_at(place));
        ensure(dues <= confirmed, || format!("{subject}: {dues} of its site matured, {confirmed} was confirmed"))?;
    }
    Ok(())
}

impl World {
    /// The shop's terms of an earning or a parcel.
    pub(super) fn terms_of(&self, subject: &Subject) -> Option<&protocol::fact::TermsFrozen> {
        self.market.terms.get(self.market.earnings.get(subject).unwrap_or(subject))
    }

    /// The site at which the due of a parcel was satisfied.
    fn collected_at(&self, parcel: &Subject) -> Option<[u8; 8]> {
        let due = self.tally.standing(parcel).find(|journal| DUES.contains(&journal.rule))?;
        let owner = due.postings.iter().find(|line| line.amount > Taka::ZERO)?.account.owner?;
        Some(place_of(&owner))
    }

    fn matured_at(&self, place: [u8; 8]) -> Taka {
        let terms = self.market.terms.values().filter(|terms| !terms.prepaid);
        let here = terms.filter(|terms| {
            let of = self.tally.standing(&Subject::earning_of(terms.parcel));
            of.into_iter().any(|journal| journal.rule == Rule::J16) && self.collected_at(&terms.parcel) == Some(place)
        });
        here.map(price).sum()
    }

    /// What the bank said of the site's bags, less what they lacked, what a partner remitted, and what was missing of the
    /// site's cash and was borne by us, by what is posted.
    fn confirmed_at(&self, place: [u8; 8]) -> Taka {
        let mut sum = Taka::ZERO;
        for journal in self.tally.all_standing() {
            for line in &journal.postings {
                let Some(owner) = line.account.owner else { continue };
                match (journal.rule, line.account.code) {
                    (Rule::J13a | Rule::J13b, Code::InTransit) => {
                        let site = match self.office.states.get(&owner).map(|folded| &folded.state) {
                            Some(State::Bag(bag)) => bag.site,
                            _ => None,
                        };
                        if site.is_some_and(|site| place_of(&site) == place) {
                            sum = sum.minus(line.amount);
                        }
                    }
                    (Rule::J9a | Rule::J9c | Rule::J11b | Rule::J27d | Rule::J35, Code::Shortage)
                        if place_of(&owner) == place && !self.was_a_parcel(&journal.subject) =>
                    {
                        sum = sum.minus(line.amount);
                    }
                    (Rule::J12d, Code::AgentPayable) if place_of(&owner) == place => sum = sum.plus(line.amount),
                    (Rule::J13b, Code::Shortage)
                    | (Rule::J36a, Code::PartnerReceivable)
                    | (Rule::J14a, Code::CourierReceivable)
                        if place_of(&owner) == place =>
                    {
                        sum = sum.minus(line.amount);
                    }
                    _ => {}
                }
            }
        }
        sum
    }
}

impl World {
    /// Whether what a ruling ended was the price of a lost parcel.
    fn was_a_parcel(&self, ruling: &Subject) -> bool {
        let Some(State::Ruling(ruling)) = self.office.states.get(ruling).map(|folded| &folded.state) else {
            return false;
        };
        let Some(cause) = ruling.ruled.as_ref().map(|ruled| ruled.cause) else { return false };
        self.tally.all_standing().any(|journal| journal.cause == cause && journal.rule == Rule::J25a)
    }
}

/// Invariants 5, 6 and 18, of a parcel that changed.
fn parcels(world: &World, subject: Subject) -> Result<(), String> {
    let Some(state) = world.parcel(subject) else { return Ok(()) };
    let dues: Vec<&Journal> = world.tally.standing(&subject).filter(|journal| DUES.contains(&journal.rule)).collect();
    ensure(dues.len() <= 1, || format!("{subject}: its due is satisfied by {} and by {}", dues[0], dues[1]))?;
    let due = world.street.goods.get(&subject).map_or(Taka::ZERO, |goods| goods.due);
    let satisfied: Taka = dues.iter().map(|journal| on(journal, Code::Clearing)).sum();
    ensure(dues.is_empty() || satisfied == due.negated(), || {
        format!("{subject}: {due} is due, {satisfied} is booked")
    })?;
    let spent = world.tally.standing(&Subject::earning_of(subject)).any(|journal| journal.rule == Rule::J5);
    let left = world.tally.of(Code::Clearing.of_owner(subject));
    ensure(!spent || left == Taka::ZERO, || format!("{subject}: {left} is left in clearing after its distribution"))?;
    let open = state.created.is_some() && !state.status.is_with_customer() && state.status != Status::Unknown;
    ensure(state.custodian.is_some() == open, || {
        format!("{subject} is {}, and {:?} has it", state.status.word(), state.custodian)
    })
}

/// Invariant 7: the parcels of an order come to its total, and the shop's terms to what the parcel is due.
fn orders(world: &World, subject: Subject) -> Result<(), String> {
    let Some(State::Order(order)) = world.office.states.get(&subject).map(|folded| &folded.state) else {
        return Ok(());
    };
    let Some(placed) = &order.placed else { return Ok(()) };
    let parts: Taka = placed.parcels.iter().filter_map(|parcel| world.market.terms.get(parcel)).map(price).sum();
    ensure(parts == placed.total, || format!("{subject} is {}, its parcels {parts}", placed.total))?;
    let captures = world.tally.standing(&subject).filter(|journal| AHEAD.contains(&journal.rule)).count();
    let again = world.tally.standing(&subject).filter(|journal| journal.rule == Rule::J12).count();
    ensure(captures + again <= 1, || format!("{subject} is paid by {} payments", captures + again))
}

/// Invariant 10, of payouts that were made.
fn payouts(world: &World, rows: &[Row]) -> Result<(), String> {
    let made = rows.iter().filter(|row| row.entry.journal.rule == Rule::J17 && row.entry.rev == 0);
    let made: BTreeSet<Subject> = made.map(|row| row.entry.journal.subject).collect();
    if made.is_empty() {
        return Ok(());
    }
    let mut paid: BTreeMap<Subject, Taka> = BTreeMap::new();
    let mut once: BTreeMap<Subject, Subject> = BTreeMap::new();
    for (subject, folded) in &world.office.states {
        let State::Payout(payout) = &folded.state else { continue };
        for line in &payout.lines {
            grow(&mut paid, line.earning, line.net);
            let before = once.insert(line.earning, *subject).filter(|_| line.earning.kind() != Some(Kind::Earning));
            ensure(before.is_none(), || format!("{} is in {subject} and in {before:?}", line.earning))?;
        }
    }
    for subject in &made {
        let Some(State::Payout(payout)) = world.office.states.get(subject).map(|folded| &folded.state) else {
            return Err(format!("{subject} is no payout"));
        };
        for line in &payout.lines {
            let paid = paid.get(&line.earning).copied().unwrap_or_default();
            ensure(is_payable(world, &line.earning, paid)?, || {
                format!("{subject} pays {} for {}, {paid} in all", line.net, line.earning)
            })?;
        }
        let total: Taka = payout.lines.iter().map(|line| line.net).sum();
        let posted: Taka =
            world.tally.standing(subject).filter(|j| j.rule == Rule::J17).map(|j| on(j, Code::VendorAvailable)).sum();
        let cost = world.market.payout_fee.plus(world.market.payout_vat());
        ensure(total == payout.total.plus(cost) && posted == payout.total, || {
            format!("{subject} is {}, its lines {total}, its journal {posted}", payout.total)
        })?;
    }
    Ok(())
}

/// Whether a vendor may have this of an earning, by what is posted of it; of a payout that came back, or of an entry.
fn is_payable(world: &World, subject: &Subject, paid: Taka) -> Result<bool, String> {
    if subject.kind() == Some(Kind::Payout) {
        let back = world.tally.standing(subject).filter(|journal| journal.rule == Rule::J17b);
        return Ok(back.map(|journal| on(journal, Code::VendorAvailable)).sum::<Taka>() == paid.negated());
    }
    if let Some(paper) = world.desk.behind(subject) {
        return Ok(match paper.what {
            Entry::LossPaid => paper.amount == paid,
            Entry::Netted => paper.amount == paid.negated(),
            _ => false,
        });
    }
    if world.terms_of(subject).is_none() {
        return Err(format!("{subject} is no earning"));
    }
    let made = world.tally.standing(subject).map(|journal| on(journal, Code::VendorAvailable)).sum::<Taka>().negated();
    Ok(paid == made)
}

/// Invariant 9.
fn vendors(world: &World) -> Result<(), String> {
    let (mut owed, mut earned): (BTreeMap<Subject, Taka>, BTreeMap<Subject, Taka>) = (BTreeMap::new(), BTreeMap::new());
    for (account, sum) in &world.tally.sums {
        let Some(owner) = account.owner else { continue };
        let vendor = match account.code {
            Code::VendorHeld | Code::VendorAvailable | Code::VendorReceivable => Some(owner),
            Code::PayoutInFlight => world.vendor_of(&owner),
            _ => None,
        };
        vendor.into_iter().for_each(|vendor| grow(&mut owed, vendor, sum.negated()));
    }
    for journal in world.tally.all_standing() {
        let terms = world.terms_of(&journal.subject);
        let change = match (journal.rule, terms) {
            (Rule::J5 | Rule::J6, Some(terms)) => (terms.vendor, terms.goods),
            (Rule::J7, Some(terms)) => (terms.vendor, fees(terms).negated()),
            (Rule::J21, Some(terms)) => (terms.vendor, terms.rto_fee.plus(terms.rto_vat).negated()),
            // What each payout of this world costs.
            (Rule::J17, _) => match world.vendor_of(&journal.subject) {
                Some(vendor) => (vendor, world.market.payout_fee.plus(world.market.payout_vat()).negated()),
                None => continue,
            },
            // What was paid out, and what came back of it.
            (Rule::J17a | Rule::J17b, _) => match world.vendor_of(&journal.subject) {
                Some(vendor) => (vendor, on(journal, Code::Settlement)),
                None => continue,
            },
            // The price that he let down.
            (Rule::J11b, _) => match world.conceded_by(&journal.subject) {
                Some((vendor, amount)) => (vendor, amount.negated()),
                None => continue,
            },
            (Rule::J25 | Rule::J31, _) => match world.desk.behind(&journal.subject) {
                Some(paper) if paper.what == Entry::LossPaid => (paper.owner, paper.amount),
                Some(paper) if paper.what == Entry::ChargedBackEarly => continue,
                Some(paper) => (paper.owner, paper.part.minus(paper.amount)),
                None => continue,
            },
            _ => continue,
        };
        grow(&mut earned, change.0, change.1);
    }
    world.costs_of_returns().for_each(|(vendor, cost)| grow(&mut earned, vendor, cost.negated()));
    for vendor in owed.keys().chain(earned.keys()) {
        let sum = |of: &BTreeMap<Subject, Taka>| of.get(vendor).copied().unwrap_or_default();
        let (owed, earned) = (sum(&owed), sum(&earned));
        ensure(owed == earned, || format!("{vendor} is owed {owed}, and his statement comes to {earned}"))?;
    }
    Ok(())
}

impl World {
    /// The vendor who bears what a ruling says: whose parcel it was, whoever is named.
    fn conceded_by(&self, ruling: &Subject) -> Option<(Subject, Taka)> {
        let State::Ruling(ruling) = &self.office.states.get(ruling)?.state else { return None };
        let ruled = ruling.ruled.as_ref().filter(|ruled| ruled.how == How::ConcededByVendor as u8)?;
        Some((self.seller(ruled.cause)?, ruled.amount))
    }

    fn vendor_of(&self, payout: &Subject) -> Option<Subject> {
        match &self.office.states.get(payout)?.state {
            State::Payout(payout) => payout.vendor,
            _ => None,
        }
    }
}

/// Invariant 8: what a customer gets back, from us and by his bank, is at most what he paid, and what was found to be his.
/// What he had from us before the chargeback was known is past help, and nothing comes on top of it.
fn refunds(world: &World) -> Result<(), String> {
    let street = &world.street;
    for customer in street.refunded.keys().chain(street.taken_back.keys()) {
        let of = |sums: &BTreeMap<Subject, Taka>| sums.get(customer).copied().unwrap_or_default();
        // What he got twice he owes, and that is looked at by itself.
        let twice: Taka =
            street.fetches.values().filter(|fetch| fetch.customer == *customer).map(Fetch::too_much).sum();
        let back = of(&street.refunded).plus(of(&street.taken_back)).minus(twice);
        let paid = of(&street.paid);
        let account = Code::RefundsPayable.of_owner(*customer);
        let found = world.tally.all_standing().filter(|journal| journal.rule == Rule::J10a);
        let found: Taka =
            found.flat_map(|j| &j.postings).filter(|line| line.account == account).map(|line| line.amount).sum();
        // A collection that was recorded and never made is found out by a ruling, not by the books.
        let recorded = world.recorded_for(customer);
        let most = paid.max(recorded).minus(found).max(of(&street.had_both));
        ensure(back <= most, || format!("{customer} paid {paid}, and got back {back}"))?;
    }
    Ok(())
}

impl World {
    /// What the books hold as paid by a customer, by cash or ahead.
    fn recorded_for(&self, customer: &Subject) -> Taka {
        let Some((order, deal)) = self.market.deals.iter().find(|(_, deal)| deal.customer == *customer) else {
            return Taka::ZERO;
        };
        let of = deal.parcels.iter().chain([order]).flat_map(|subject| self.tally.standing(subject));
        let is = |rule: &Rule| DUES.contains(rule) || AHEAD.contains(rule) || *rule == Rule::J12;
        let paid = of.filter(|journal| is(&journal.rule));
        paid.flat_map(|j| &j.postings).map(|line| line.amount).filter(|amount| *amount > Taka::ZERO).sum()
    }
}

/// Invariant 15: the bank's own ledger, less what it has not stated and what nobody has explained, and with what the books
/// have and no line has shown, is what the books say.
fn banks(world: &World) -> Result<(), String> {
    for (side, code) in [(Side::Settlement, Code::Settlement), (Side::Operating, Code::Operating)] {
        let account = if side == Side::Settlement { &world.bank.settlement } else { &world.bank.operating };
        let open = world.lines.values().filter(|line| line.side == side && line.state == statement::State::Open);
        let open: Taka = open.map(|line| line.amount).sum();
        let unseen: Taka = world.awaited(side).filter(|thing| thing.is_booked).map(|thing| thing.amount).sum();
        let returned = if side == Side::Settlement { world.unseen_returns() } else { Taka::ZERO };
        let listed = account.balance().minus(account.unstated()).minus(open).plus(unseen).plus(returned);
        let book = world.tally.of(code.of_owner(account.subject));
        ensure(book == listed, || {
            let truth = account.balance();
            format!("{}: the bank has {truth}, explained is {listed}, the books say {book}", account.name)
        })?;
    }
    Ok(())
}
