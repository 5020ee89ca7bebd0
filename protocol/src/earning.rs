//! The earning of one parcel: terms frozen at placement, then distributed by central when the due is
//! collected or the goods that were paid ahead are delivered; released to the customer when those did
//! not arrive; charged when a cash parcel comes back; matured when the vendor may have it; given back
//! when the customer returns what he was given. Routed to
//! the vendor only.

mod returns;
mod taken_back;

pub use returns::{Returned, Share, worth};
use taken_back::TakenBack;

use crate::account::{Account, Code as Chart};
use crate::contest::{Code, Contest};
use crate::fact::{EarningOpened, EscrowReleased, Fact, RtoCharged, TermsFrozen};
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::slot::{self, Claim};
use crate::taka::Taka;

/// The frozen terms of one parcel, whichever kind of fact froze them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The parcel.
    pub parcel: Subject,
    /// The vendor.
    pub vendor: Scope,
    /// Whose money it is when it was paid ahead; `None` for cash.
    pub prepaid: Option<Prepaid>,
    /// Price of the goods.
    pub goods: Taka,
    /// Delivery fee.
    pub delivery: Taka,
    /// VAT on it.
    pub delivery_vat: Taka,
    /// Odd paisa that the whole-taka price leaves off (J32).
    pub rounding: Taka,
    /// Commission.
    pub commission: Taka,
    /// Fee for handling cash; zero when paid ahead.
    pub cod_fee: Taka,
    /// VAT on commission and handling.
    pub vendor_vat: Taka,
    /// Fee when a cash parcel comes back.
    pub rto_fee: Taka,
    /// VAT on it.
    pub rto_vat: Taka,
    /// Return window after the delivery, minutes.
    pub window_min: u32,
}

/// Where money that was paid ahead lies, and to whom it goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepaid {
    /// The order: owner of the escrow (2040).
    pub order: Subject,
    /// The customer: owner of what is to be paid back (2050).
    pub customer: Subject,
}

impl Terms {
    /// What the customer pays for the parcel, odd paisa left off.
    #[must_use]
    pub fn price(&self) -> Taka {
        self.full_price().minus(self.rounding)
    }

    fn full_price(&self) -> Taka {
        self.goods.plus(self.delivery).plus(self.delivery_vat)
    }

    /// What a delivery earns the vendor.
    #[must_use]
    pub fn share(&self) -> Taka {
        self.goods.minus(self.vendor_fees())
    }

    /// What the vendor pays to us out of the goods.
    fn vendor_fees(&self) -> Taka {
        self.commission.plus(self.cod_fee).plus(self.vendor_vat)
    }
}

impl From<&EarningOpened> for Terms {
    fn from(terms: &EarningOpened) -> Self {
        Self {
            parcel: terms.parcel,
            vendor: terms.vendor,
            prepaid: None,
            goods: terms.goods,
            delivery: terms.delivery,
            delivery_vat: terms.delivery_vat,
            rounding: terms.rounding,
            commission: terms.commission,
            cod_fee: terms.cod_fee,
            vendor_vat: terms.vendor_vat,
            rto_fee: terms.rto_fee,
            rto_vat: terms.rto_vat,
            window_min: 0,
        }
    }
}

impl From<&TermsFrozen> for Terms {
    fn from(terms: &TermsFrozen) -> Self {
        let prepaid = Prepaid { order: terms.order, customer: terms.customer };
        Self {
            parcel: terms.parcel,
            vendor: terms.vendor,
            prepaid: terms.prepaid.then_some(prepaid),
            goods: terms.goods,
            delivery: terms.delivery,
            delivery_vat: terms.delivery_vat,
            rounding: terms.rounding,
            commission: terms.commission,
            // Nobody handles cash for what was paid ahead, whatever the fact says.
            cod_fee: if terms.prepaid { Taka::ZERO } else { terms.cod_fee },
            vendor_vat: terms.vendor_vat,
            rto_fee: terms.rto_fee,
            rto_vat: terms.rto_vat,
            window_min: terms.window_min,
        }
    }
}

/// What the facts of one earning come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earning {
    /// The frozen terms.
    pub terms: Option<Terms>,
    /// The delivery it was distributed for.
    pub distributed_for: Option<OpId>,
    /// The cancellation or return for which the customer gets back what was paid ahead.
    pub released_for: Option<OpId>,
    /// The return it was charged for.
    pub charged_for: Option<OpId>,
    /// What of that fee went on what the vendor owes (1150); nothing where it was not posted.
    pub charge_owed: Option<Taka>,
    /// What it is held for, and was not released from since.
    pub held_for: Vec<OpId>,
    /// What waits for a ruling and no parcel tells: central named it in its hold.
    pub contests: Vec<Contest>,
    /// What the vendor gets of it, fees taken off.
    pub net: Taka,
    /// What it adds to what the vendor may not have yet (2010): what matures of it.
    pub held: Taka,
    /// What it adds to what the vendor may have (2020); negative when a return was charged to it.
    pub available: Taka,
    /// What the customer brought back of it.
    pub returned: Returned,
    /// The confirmation or capture by which the vendor may have it.
    pub matured_for: Option<OpId>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Earning {
    /// `open`, `held`, `distributed`, `matured`, `charged` or `released`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if !self.held_for.is_empty() {
            return "held";
        }
        match (self.matured_for, self.distributed_for, self.charged_for, self.released_for) {
            (Some(_), ..) => "matured",
            (None, Some(_), ..) => "distributed",
            (None, None, Some(_), _) => "charged",
            (None, None, None, Some(_)) => "released",
            (None, None, None, None) => "open",
        }
    }
}

/// Folds the facts of one earning, and yields J5, J6, J7, J16, J19, J20, J20a, J20b, J20f, J21, J21a and J32.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Earning, Vec<Journal>) {
    let mut earning = Earning { incomplete: history.incomplete, newer: history.newer, ..Earning::default() };
    let mut journals = Vec::new();
    earning.held_for = held_for(history);
    earning.contests = contests(history);
    let opens = |_: usize, fact: &Fact| matches!(fact, Fact::EarningOpened(_) | Fact::TermsFrozen(_));
    let terms = match first(history, &opens) {
        Some(Fact::EarningOpened(terms)) => Terms::from(terms),
        Some(Fact::TermsFrozen(terms)) => Terms::from(terms),
        _ => return (earning, journals),
    };
    // Money that was paid ahead goes one way only: to the vendor, or back to the customer.
    let paid = terms.prepaid.is_some();
    let taken_back = TakenBack::of(history, &terms);
    let settles = |index: usize, fact: &Fact| match fact {
        Fact::Distributed(_) => taken_back.leaves(index),
        Fact::EscrowReleased(_) => paid,
        _ => false,
    };
    let mut share = Taka::ZERO;
    match first(history, &settles) {
        Some(Fact::Distributed(distributed)) => {
            earning.distributed_for = Some(distributed.cause);
            share = terms.share();
            earning.net = share;
            journals.extend(distribute(subject, distributed.cause, &terms));
        }
        Some(Fact::EscrowReleased(released)) => {
            earning.released_for = Some(released.cause);
            journals.extend(release(subject, *released, &terms));
        }
        _ => {}
    }
    if earning.distributed_for.is_some() {
        journals.extend(returned(subject, history, &terms, &mut earning));
    }
    let charges = |index: usize, fact: &Fact| matches!(fact, Fact::RtoCharged(_)) && taken_back.leaves(index);
    if let Some(Fact::RtoCharged(charge)) = first(history, &charges) {
        earning.charged_for = Some(charge.cause);
        earning.net = earning.net.minus(charge.available).minus(charge.receivable);
        // The split was chosen under the lock; fee and VAT are the frozen ones.
        if adds_up(charge, &terms) {
            earning.charge_owed = Some(charge.receivable);
            let available = (Chart::VendorAvailable.of_owner(terms.vendor), charge.available);
            let receivable = (Chart::VendorReceivable.of_owner(terms.vendor), charge.receivable);
            let credits = [(Chart::RtoFee.whole(), terms.rto_fee), (Chart::Vat.whole(), terms.rto_vat)];
            journals.push(Journal::new(subject, Rule::J21, charge.cause, &[available, receivable], &credits));
        }
    }
    let matures = |index: usize, fact: &Fact| matches!(fact, Fact::Matured(_)) && taken_back.leaves(index);
    if let Some(Fact::Matured(matured)) = first(history, &matures) {
        // What matures was decided under the lock: what was distributed, less what returns took of it before, or nothing.
        if earning.distributed_for.is_some() && matured.net == share.minus(earning.returned.held) {
            earning.matured_for = Some(matured.cause);
            let held = [(Chart::VendorHeld.of_owner(terms.vendor), matured.net)];
            let available = [(Chart::VendorAvailable.of_owner(terms.vendor), matured.net)];
            journals.push(Journal::new(subject, Rule::J16, matured.cause, &held, &available));
        }
    }
    journals.extend(taken_back.journals(subject, &terms));
    journals.retain(|journal| !journal.postings.is_empty());
    let credit = |code: Chart| {
        let lines = journals.iter().flat_map(|journal| &journal.postings);
        let own = lines.filter(|line| line.account == code.of_owner(terms.vendor));
        own.map(|line| line.amount).sum::<Taka>().negated()
    };
    (earning.held, earning.available) = (credit(Chart::VendorHeld), credit(Chart::VendorAvailable));
    earning.terms = Some(terms);
    (earning, journals)
}

/// Each return once, in the order of ids: they add up, whichever came first.
fn returned(subject: Subject, history: &History, terms: &Terms, earning: &mut Earning) -> Vec<Journal> {
    let mut journals = Vec::new();
    for seen in &history.facts {
        let Some(Fact::ReturnAccepted(one)) = &seen.fact else { continue };
        if returns::adds_up(one, &earning.returned, terms) {
            earning.returned.add(one);
            earning.net = earning.net.minus(one.held).minus(one.available).minus(one.receivable);
            journals.extend(returns::journals(subject, seen.id, one, terms));
        }
    }
    journals
}

/// Whether a charge splits the frozen fee and its VAT.
fn adds_up(charge: &RtoCharged, terms: &Terms) -> bool {
    charge.available.plus(charge.receivable) == terms.rto_fee.plus(terms.rto_vat)
}

/// The first fact of a slot; a later one is ignored.
fn first<'a>(history: &'a History, wanted: &dyn Fn(usize, &Fact) -> bool) -> Option<&'a Fact> {
    let wants = |at: &usize| history.facts[*at].fact.as_ref().is_some_and(|fact| wanted(*at, fact));
    let indexes = (0..history.facts.len()).filter(|at| history.is_canonical(*at) && wants(at));
    let claims: Vec<Claim> = indexes.map(|fact| Claim { fact, evidence: 0, authority: 0 }).collect();
    slot::earliest(history, &claims).and_then(|held| history.facts[held.winner.fact].fact.as_ref())
}

/// What the earning is held for. What central settled knowing of a hold, it had released.
fn held_for(history: &History) -> Vec<OpId> {
    let settles = |fact: &Fact| {
        matches!(fact, Fact::Distributed(_) | Fact::RtoCharged(_) | Fact::EscrowReleased(_) | Fact::HoldEnded(_))
    };
    let settled: Vec<usize> =
        (0..history.facts.len()).filter(|at| history.facts[*at].fact.as_ref().is_some_and(settles)).collect();
    let mut held_for = Vec::new();
    for (index, seen) in history.facts.iter().enumerate() {
        if let Some(Fact::EarningHeld(held)) = &seen.fact {
            let ends = |later: &usize| history.follows(*later, index) && !ends_another(history, *later, held.cause);
            if !settled.iter().any(ends) {
                held_for.push(held.cause);
            }
        }
    }
    // By what is contested, not by central's own ids: those depend on what else it was doing.
    held_for.sort_unstable();
    held_for.dedup();
    held_for
}

/// Whether a fact ends a hold, and that for another cause.
fn ends_another(history: &History, index: usize, cause: OpId) -> bool {
    matches!(&history.facts[index].fact, Some(Fact::HoldEnded(ended)) if ended.cause != cause)
}

/// What only the earning knows: the money went back, and the goods went out.
fn contests(history: &History) -> Vec<Contest> {
    let both = Code::GoodsAndMoney;
    let mut contests: Vec<Contest> = history
        .facts
        .iter()
        .filter_map(|seen| match &seen.fact {
            Some(Fact::EarningHeld(held)) if held.code == both as u16 => Some(Contest { op: held.cause, code: both }),
            _ => None,
        })
        .collect();
    contests.sort_unstable();
    contests.dedup();
    contests
}

/// Where the customer's money for this parcel lies: collected, or paid ahead.
fn source(terms: &Terms) -> Account {
    terms.prepaid.map_or(Chart::Clearing.of_owner(terms.parcel), |paid| Chart::Escrow.of_owner(paid.order))
}

/// J5 or J6, J7, and J32 for the odd paisa.
fn distribute(subject: Subject, cause: OpId, terms: &Terms) -> Vec<Journal> {
    let (source, payable) = (source(terms), Chart::VendorHeld.of_owner(terms.vendor));
    let rule = if terms.prepaid.is_some() { Rule::J6 } else { Rule::J5 };
    let shares =
        [(payable, terms.goods), (Chart::Delivery.whole(), terms.delivery), (Chart::Vat.whole(), terms.delivery_vat)];
    let fees = [
        (Chart::Commission.whole(), terms.commission),
        (Chart::CodHandling.whole(), terms.cod_fee),
        (Chart::Vat.whole(), terms.vendor_vat),
    ];
    let mut journals = vec![
        Journal::new(subject, rule, cause, &[(source, terms.full_price())], &shares),
        Journal::new(subject, Rule::J7, cause, &[(payable, terms.vendor_fees())], &fees),
    ];
    if terms.rounding > Taka::ZERO {
        // The price was rounded down to whole taka; the odd paisa are ours.
        let rounding = [(Chart::Rounding.whole(), terms.rounding)];
        journals.push(Journal::new(subject, Rule::J32, cause, &rounding, &[(source, terms.rounding)]));
    }
    journals
}

/// J19: all of it is the customer's again. J21a: the goods' price is; delivery and its VAT are kept.
/// Either way what was paid for this parcel leaves the escrow whole, odd paisa taken off the goods.
fn release(subject: Subject, released: EscrowReleased, terms: &Terms) -> Option<Journal> {
    let paid = terms.prepaid?;
    let escrow = (Chart::Escrow.of_owner(paid.order), terms.price());
    let back = Chart::RefundsPayable.of_owner(paid.customer);
    if released.how == 1 {
        return Some(Journal::new(subject, Rule::J19, released.cause, &[escrow], &[(back, terms.price())]));
    }
    // Goods of less than a taka cannot bear all odd paisa: what is left of them is ours.
    let borne = terms.rounding.min(terms.goods);
    let rounding = (Chart::Rounding.whole(), terms.rounding.minus(borne));
    let credits = [
        (back, terms.goods.minus(borne)),
        (Chart::Delivery.whole(), terms.delivery),
        (Chart::Vat.whole(), terms.delivery_vat),
    ];
    Some(Journal::new(subject, Rule::J21a, released.cause, &[escrow, rounding], &credits))
}
