//! The customers: they order, pay ahead, pay twice and change their minds. Central answers by the rules of placing,
//! calling off and capturing.

use std::collections::{BTreeMap, BTreeSet};

use protocol::decide::Draft;
use protocol::fact::{
    Fact, Line, OrderCancelled, OrderPlaced, ParcelCancelled, ParcelCreated, PaymentCaptured, PickupChosen, Provider,
    Put, TermsFrozen,
};
use protocol::fold::State;
use protocol::id::{Kind, Scope, Subject};
use protocol::parcel::{Status, lock_of};
use protocol::taka::Taka;

use super::mutant::Mutant;
use super::roster::{HUB, OTHER_HUB, PARTNER, POINT, VENDORS};
use super::street::{Goods, Place, grow};
use super::world::World;

/// Parcels of one world.
const PARCELS: usize = 18;
/// Days on a shelf.
const HOLD_DAYS: u8 = 7;
/// The rates of these worlds, basis points.
const VAT: u32 = 1_500;
/// A commission: the one of today, and those that it may become.
const COMMISSIONS: [u32; 3] = [1_000, 800, 1_250];
const COD: u32 = 100;
pub(super) const PROVIDERS: [Provider; 4] = [Provider::Bkash, Provider::Nagad, Provider::Rocket, Provider::Card];

/// What the shop knows of an order.
#[derive(Clone, Debug)]
pub struct Deal {
    pub customer: Subject,
    pub prepaid: bool,
    pub total: Taka,
    pub provider: Provider,
    pub parcels: Vec<Subject>,
    /// References of what the customer paid ahead at his provider, and was taken.
    pub references: Vec<String>,
    /// Whether he sent it to our bank: his provider has nothing to take back of that.
    pub sent: bool,
    /// Whose credit paid for it.
    pub credit_of: Option<Subject>,
}

impl Deal {
    /// Whether the customer paid for it ahead, as far as he knows.
    pub(super) const fn is_paid(&self) -> bool {
        !self.references.is_empty() || self.sent || self.credit_of.is_some()
    }
}

/// All orders, and the terms of every parcel: what the verdict is computed from.
#[derive(Clone, Debug, Default)]
pub struct Market {
    pub deals: BTreeMap<Subject, Deal>,
    pub terms: BTreeMap<Subject, TermsFrozen>,
    /// Pieces in every parcel, and what one costs.
    pub pieces: BTreeMap<Subject, (u16, Taka)>,
    /// The parcel of every earning.
    pub earnings: BTreeMap<Subject, Subject>,
    /// The commission, basis points, each from so many journals in the log on.
    pub(super) commissions: Vec<(usize, u32)>,
    /// Whether customers pay by transfers, too.
    pub(super) transfers: bool,
    /// What a payout costs its vendor, without VAT.
    pub(super) payout_fee: Taka,
    /// Whether customers pay by phone at the door, too.
    pub(super) phones: bool,
    /// Whether customers fetch refunds at tills, too.
    pub(super) fetching: bool,
    /// Whether agents and clerks record what is not so, and somebody finds out.
    pub(super) taps_wrong: bool,
    /// Parcels that were paid so: at which provider, under which reference.
    pub(super) phoned: BTreeMap<Subject, (Provider, String)>,
    /// Which order or parcel a provider's reference paid.
    pub(super) used: BTreeMap<(u8, String), Subject>,
}

/// What the customer pays for a parcel.
#[must_use]
pub fn price(terms: &TermsFrozen) -> Taka {
    terms.goods.plus(terms.delivery).plus(terms.delivery_vat).minus(terms.rounding)
}

/// What the vendor pays out of his goods.
#[must_use]
pub fn fees(terms: &TermsFrozen) -> Taka {
    terms.commission.plus(terms.cod_fee).plus(terms.vendor_vat)
}

fn put(scope: Scope, subjects: Vec<Subject>) -> Draft {
    Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) }
}

impl Market {
    /// In every fourth world customers pay by transfers, too; in another fourth by phone at the door; in another vendors bear
    /// what payouts cost, and customers fetch refunds at tills. In one of eight people tap what is not so.
    pub fn of(seed: u64) -> Self {
        let payout_fee = if seed % 4 == 2 { Taka::whole(10) } else { Taka::ZERO };
        let commissions = vec![(0, COMMISSIONS[0])];
        let (transfers, phones, fetching) = (seed % 4 == 1, seed % 4 == 0, seed % 4 == 2);
        let taps_wrong = seed % 8 == 5;
        Self { commissions, transfers, phones, payout_fee, fetching, taps_wrong, ..Self::default() }
    }

    /// The commission of an order that is placed when so many journals are in the log, basis points.
    pub(super) fn commission_at(&self, journals: usize) -> u32 {
        self.commissions.iter().rev().find(|(from, _)| *from <= journals).map_or(COMMISSIONS[0], |(_, rate)| *rate)
    }

    /// VAT on the fee of a payout.
    pub(super) fn payout_vat(&self) -> Taka {
        self.payout_fee.basis_points(1_500)
    }
}

impl World {
    /// A customer orders: of one vendor or two, brought or fetched, paid at the door or ahead.
    pub(super) fn order(&mut self) {
        if self.market.terms.len() >= PARCELS {
            return;
        }
        if self.dice.chance(5) {
            let rate = COMMISSIONS[self.dice.below(COMMISSIONS.len())];
            self.market.commissions.push((self.office.log.len(), rate));
        }
        let stamp = self.stamp();
        let prepaid = self.dice.chance(35);
        let point = self.dice.chance(45).then(|| if self.dice.chance(50) { POINT } else { PARTNER });
        let hub = if point.is_some() || self.dice.chance(60) { HUB } else { OTHER_HUB };
        let first = self.dice.below(VENDORS.len());
        let many = if self.dice.chance(25) { 2 } else { 1 };
        let (order, customer) = (Subject::new(Kind::Order, stamp.id(1)), Subject::customer(stamp.id(2)));
        let (mut drafts, mut parcels, mut total) = (Vec::new(), Vec::new(), Taka::ZERO);
        for (number, vendor) in (10..).zip(VENDORS.iter().cycle().skip(first).take(many)) {
            let parcel = Subject::new(Kind::Parcel, stamp.id(number));
            let odd = if self.dice.chance(60) { self.dice.below(100) } else { 0 };
            let paisa = 100 * (150 + self.dice.below(1_400)) + odd;
            let qty = u16::try_from(1 + self.dice.below(3)).unwrap_or(1);
            let unit_price =
                i64::try_from(paisa / usize::from(qty)).ok().and_then(Taka::from_paisa).unwrap_or_default();
            let goods: Taka = (0..qty).map(|_| unit_price).sum();
            let terms = self.freeze(order, customer, (parcel, *vendor), prepaid, goods);
            let price = price(&terms);
            let due = if prepaid { Taka::ZERO } else { price };
            total = total.plus(price);
            let lines = vec![Line { sku: "RG-0001".to_owned(), qty: qty.into(), unit_price }];
            let created = ParcelCreated { order, vendor: *vendor, site: hub, due, lines, sealed: Vec::new() };
            drafts.push(Draft { subject: parcel, fact: Fact::ParcelCreated(created) });
            let mut token = [0; 16];
            token.copy_from_slice(&self.dice.bytes()[..16]);
            if let Some(point) = point {
                let chosen = PickupChosen { point, lock: lock_of(&parcel, &token), hold_days: HOLD_DAYS };
                drafts.push(Draft { subject: parcel, fact: Fact::PickupChosen(chosen) });
            }
            let earning = Subject::earning_of(parcel);
            drafts.push(Draft { subject: earning, fact: Fact::TermsFrozen(terms.clone()) });
            if !prepaid {
                drafts.push(put(*vendor, vec![parcel, earning]));
            }
            let place = Place::Vendor { packed: false };
            let (vendor, misrecorded, mistaken) = (*vendor, false, false);
            let (not_so, given_by) = (BTreeSet::new(), BTreeSet::new());
            let goods =
                Goods { customer, vendor, hub, point, token, due, place, misrecorded, mistaken, not_so, given_by };
            self.street.goods.insert(parcel, goods);
            self.market.terms.insert(parcel, terms);
            self.market.pieces.insert(parcel, (qty, unit_price));
            self.market.earnings.insert(earning, parcel);
            parcels.push(parcel);
        }
        let placed = OrderPlaced { customer: customer.id(), parcels: parcels.clone(), total, sealed: Vec::new() };
        drafts.insert(0, Draft { subject: order, fact: Fact::OrderPlaced(placed) });
        // What is paid ahead moves when it is paid: until then nobody but central holds it.
        if !prepaid {
            drafts.push(put(hub, parcels.clone()));
            drafts.extend(point.map(|point| put(point, parcels.clone())));
        }
        self.office.author(&drafts, stamp);
        let provider = PROVIDERS[self.dice.below(PROVIDERS.len())];
        let deal =
            Deal { customer, prepaid, total, provider, parcels, references: Vec::new(), sent: false, credit_of: None };
        self.market.deals.insert(order, deal);
        self.did(if prepaid { "order_prepaid" } else { "order_cod" });
    }

    fn freeze(
        &mut self,
        order: Subject,
        customer: Subject,
        (parcel, vendor): (Subject, Scope),
        prepaid: bool,
        goods: Taka,
    ) -> TermsFrozen {
        let delivery = Taka::whole(60);
        let delivery_vat = delivery.basis_points(VAT);
        let full = goods.plus(delivery).plus(delivery_vat);
        let commission = goods.basis_points(self.market.commission_at(self.office.log.len()));
        let cod_fee = if prepaid { Taka::ZERO } else { goods.basis_points(COD) };
        let (rto_fee, rto_vat) = (Taka::whole(50), Taka::whole(50).basis_points(VAT));
        TermsFrozen {
            parcel,
            vendor,
            order,
            customer,
            prepaid,
            goods,
            delivery,
            delivery_vat,
            rounding: full.minus(full.whole_taka()),
            commission,
            cod_fee,
            vendor_vat: commission.plus(cod_fee).basis_points(VAT),
            rto_fee,
            rto_vat,
            window_min: if self.dice.chance(50) { 60 } else { 2_880 },
        }
    }

    pub(super) fn any_order(&mut self, wanted: impl Fn(&Deal) -> bool) -> Option<Subject> {
        let orders: Vec<Subject> =
            self.market.deals.iter().filter(|(_, deal)| wanted(deal)).map(|(order, _)| *order).collect();
        self.dice.pick(&orders).copied()
    }

    /// A customer pays ahead, or pays once more, and finance records it (J2).
    pub(super) fn pay(&mut self) {
        if let Some((customer, held)) = self.by_credit() {
            return self.spend_credit(customer, held);
        }
        let again = self.dice.chance(12);
        let Some(order) = self.any_order(|deal| deal.prepaid && deal.is_paid() == again) else { return };
        let deal = self.market.deals[&order].clone();
        let slip = self.dice.chance(6);
        let amount = if slip { deal.total.minus(Taka::whole(1)) } else { deal.total };
        if self.by_transfer() {
            return self.send_ahead(order, amount);
        }
        let reference = match (deal.references.first(), self.dice.below(100)) {
            (Some(reference), 0..40) => reference.clone(),
            // What somebody else paid with, read off his screen (R25).
            (None, 0..8) if !self.market.used.is_empty() => {
                self.market.used.keys().next().map(|(_, reference)| reference.clone()).unwrap_or_default()
            }
            _ => format!("TRX-{:08x}", self.dice.draw() & 0xffff_ffff),
        };
        let of = self
            .market
            .used
            .iter()
            .find(|((_, used), _)| *used == reference)
            .map(|((provider, _), of)| (*provider, *of));
        let elsewhere = of.filter(|(_, of)| *of != order);
        let provider = elsewhere.and_then(|(provider, _)| Provider::of(provider)).unwrap_or(deal.provider);
        let decided = self.capture(order, provider, &reference, amount);
        if elsewhere.is_some() && decided == Err("reference_used") {
            self.report.reached("R25");
        }
        if self.record(if again { "pay_again" } else { "pay" }, decided) {
            self.market.used.insert((deal.provider as u8, reference.clone()), order);
            grow(&mut self.street.paid, deal.customer, amount);
            grow(&mut self.street.wallets, deal.provider as u8, amount);
            if let Some(deal) = self.market.deals.get_mut(&order) {
                deal.references.push(reference);
            }
        }
    }

    /// Decides a payment as `payments::capture` does.
    fn capture(
        &self,
        order: Subject,
        provider: Provider,
        reference: &str,
        amount: Taka,
    ) -> Result<Vec<Draft>, &'static str> {
        if let Some(before) = self.market.used.get(&(provider as u8, reference.to_owned())) {
            return if *before == order { Ok(Vec::new()) } else { Err("reference_used") };
        }
        let captured = PaymentCaptured { provider: provider as u8, reference: reference.to_owned(), amount };
        self.captured(order, amount, Fact::PaymentCaptured(captured))
    }

    /// Decides `fact`, which says that an order is paid ahead, whoever carried the money.
    pub(super) fn captured(&self, order: Subject, amount: Taka, fact: Fact) -> Result<Vec<Draft>, &'static str> {
        let blind = self.mutant == Some(Mutant::CapturedTwice);
        let Some(State::Order(state)) = self.office.states.get(&order).map(|folded| &folded.state) else {
            return Err("unknown_order");
        };
        let Some(placed) = state.placed.as_ref() else { return Err("unknown_order") };
        if placed.parcels.iter().any(|parcel| !self.parcel(*parcel).is_some_and(|parcel| parcel.is_prepaid())) {
            return Err("not_prepaid");
        }
        if placed.total != amount {
            return Err("amount_differs");
        }
        if state.captured_by.is_some() && !blind {
            return Err("already_paid");
        }
        let mut drafts = vec![Draft { subject: order, fact }];
        // Money that comes for an order that was called off is taken, and owed back (R23): nothing moves.
        if !state.cancelled && state.captured_by.is_none() {
            let mut scopes: BTreeMap<Scope, Vec<Subject>> = BTreeMap::new();
            for parcel in &placed.parcels {
                let Some(goods) = self.street.goods.get(parcel) else { continue };
                scopes.entry(goods.vendor).or_default().extend([*parcel, Subject::earning_of(*parcel)]);
                for site in goods.point.into_iter().chain([goods.hub]) {
                    scopes.entry(site).or_default().push(*parcel);
                }
            }
            drafts.extend(scopes.into_iter().map(|(scope, subjects)| put(scope, subjects)));
        }
        Ok(drafts)
    }

    /// The customer or operations call an order off.
    pub(super) fn cancel(&mut self) {
        // Second thoughts come early, mostly.
        let goods = self.street.goods.clone();
        let at_vendor =
            |parcel: &Subject| goods.get(parcel).is_some_and(|goods| matches!(goods.place, Place::Vendor { .. }));
        let early = self.dice.chance(60);
        let Some(order) = self.any_order(|deal| !early || deal.parcels.iter().all(at_vendor)) else { return };
        let by = if self.dice.chance(80) { 1 } else { 2 };
        let decided = self.call_off(order, by);
        self.record("cancel", decided);
    }

    fn call_off(&self, order: Subject, by: u8) -> Result<Vec<Draft>, &'static str> {
        let Some(State::Order(state)) = self.office.states.get(&order).map(|folded| &folded.state) else {
            return Err("unknown_order");
        };
        if state.cancelled {
            return Ok(Vec::new());
        }
        let done = |status| matches!(status, Status::Delivered | Status::Collected | Status::Returned);
        let of = state.placed.iter().flat_map(|placed| &placed.parcels);
        let open: Vec<Subject> =
            of.copied().filter(|parcel| self.parcel(*parcel).is_some_and(|parcel| !done(parcel.status))).collect();
        if open.is_empty() {
            return Err("not_cancellable");
        }
        let parcel = |subject| Draft { subject, fact: Fact::ParcelCancelled(ParcelCancelled { by }) };
        let order = Draft { subject: order, fact: Fact::OrderCancelled(OrderCancelled { by }) };
        Ok([order].into_iter().chain(open.into_iter().map(parcel)).collect())
    }
}
