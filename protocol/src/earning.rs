//! The earning of one parcel: terms frozen at placement, distributed by central when the due is
//! collected, or charged when the parcel comes back. Routed to the vendor only.

use crate::account::Code as Chart;
use crate::fact::{EarningOpened, Fact};
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::slot::{self, Claim};
use crate::taka::Taka;

/// What the facts of one earning come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earning {
    /// The frozen terms.
    pub terms: Option<EarningOpened>,
    /// The delivery it was distributed for.
    pub distributed_for: Option<OpId>,
    /// The return it was charged for.
    pub charged_for: Option<OpId>,
    /// What it is held for, and was not released from since.
    pub held_for: Vec<OpId>,
    /// What the vendor gets of it, fees taken off.
    pub net: Taka,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Earning {
    /// `open`, `held`, `distributed` or `charged`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.distributed_for, self.charged_for) {
            _ if !self.held_for.is_empty() => "held",
            (Some(_), _) => "distributed",
            (None, Some(_)) => "charged",
            (None, None) => "open",
        }
    }
}

/// Folds the facts of one earning, and yields J5, J7, J32 and J21.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Earning, Vec<Journal>) {
    let mut earning = Earning { incomplete: history.incomplete, newer: history.newer, ..Earning::default() };
    let mut journals = Vec::new();
    let first = |wanted: fn(&Fact) -> bool| {
        let acts = history.acts_of(move |fact| wanted(fact).then_some(fact));
        let claims: Vec<Claim> = acts.map(|(fact, _)| Claim { fact, evidence: 0, authority: 0 }).collect();
        slot::earliest(history, &claims).and_then(|held| history.facts[held.winner.fact].fact.as_ref())
    };
    if let Some(Fact::EarningOpened(terms)) = first(|fact| matches!(fact, Fact::EarningOpened(_))) {
        earning.terms = Some(terms.clone());
    }
    // What central distributed or charged knowing of a hold, it had released: a later fact settled it.
    let settles = |fact: &Fact| matches!(fact, Fact::Distributed(_) | Fact::RtoCharged(_));
    let settled: Vec<usize> =
        (0..history.facts.len()).filter(|at| history.facts[*at].fact.as_ref().is_some_and(settles)).collect();
    for (index, seen) in history.facts.iter().enumerate() {
        if let Some(Fact::EarningHeld(held)) = &seen.fact {
            if !settled.iter().any(|later| history.follows(*later, index)) {
                earning.held_for.push(held.cause);
            }
        }
    }
    // By what is contested, not by central's own ids: those depend on what else it was doing.
    earning.held_for.sort_unstable();
    earning.held_for.dedup();
    let Some(terms) = earning.terms.clone() else { return (earning, journals) };
    if let Some(Fact::Distributed(distributed)) = first(|fact| matches!(fact, Fact::Distributed(_))) {
        earning.distributed_for = Some(distributed.cause);
        earning.net = terms.goods.minus(vendor_fees(&terms));
        journals.extend(distribute(subject, distributed.cause, &terms));
    }
    if let Some(Fact::RtoCharged(charge)) = first(|fact| matches!(fact, Fact::RtoCharged(_))) {
        earning.charged_for = Some(charge.cause);
        earning.net = earning.net.minus(charge.available).minus(charge.receivable);
        // The split was chosen under the lock; fee and VAT are the frozen ones.
        if charge.available.plus(charge.receivable) == terms.rto_fee.plus(terms.rto_vat) {
            let available = (Chart::VendorAvailable.of_owner(terms.vendor), charge.available);
            let receivable = (Chart::VendorReceivable.of_owner(terms.vendor), charge.receivable);
            let credits = [(Chart::RtoFee.whole(), terms.rto_fee), (Chart::Vat.whole(), terms.rto_vat)];
            journals.push(Journal::new(subject, Rule::J21, charge.cause, &[available, receivable], &credits));
        }
    }
    (earning, journals)
}

fn vendor_fees(terms: &EarningOpened) -> Taka {
    terms.commission.plus(terms.cod_fee).plus(terms.vendor_vat)
}

fn distribute(subject: Subject, cause: OpId, terms: &EarningOpened) -> Vec<Journal> {
    let clearing = Chart::Clearing.of_owner(terms.parcel);
    let payable = Chart::VendorHeld.of_owner(terms.vendor);
    let price = terms.goods.plus(terms.delivery).plus(terms.delivery_vat);
    let shares =
        [(payable, terms.goods), (Chart::Delivery.whole(), terms.delivery), (Chart::Vat.whole(), terms.delivery_vat)];
    let fees = [
        (Chart::Commission.whole(), terms.commission),
        (Chart::CodHandling.whole(), terms.cod_fee),
        (Chart::Vat.whole(), terms.vendor_vat),
    ];
    let mut journals = vec![
        Journal::new(subject, Rule::J5, cause, &[(clearing, price)], &shares),
        Journal::new(subject, Rule::J7, cause, &[(payable, vendor_fees(terms))], &fees),
    ];
    if terms.rounding > Taka::ZERO {
        // The due was rounded down to whole taka; the odd paisa are ours.
        let rounding = [(Chart::Rounding.whole(), terms.rounding)];
        journals.push(Journal::new(subject, Rule::J32, cause, &rounding, &[(clearing, terms.rounding)]));
    }
    journals
}
