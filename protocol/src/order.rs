//! The order: what a customer asked for, as a group of parcels, and what was paid for it ahead. Its
//! status is read from the parcels.

use std::collections::BTreeMap;

use crate::account::{Account, Code as Chart};
use crate::contest::{Code, Contest};
use crate::fact::{Fact, OrderPlaced, PaymentCaptured, Provider};
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
use crate::slot::{self, Claim};
use crate::taka::Taka;

/// What the facts of one order come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The placing fact.
    pub placed: Option<OrderPlaced>,
    /// Called off.
    pub cancelled: bool,
    /// The payment that pays for it ahead.
    pub captured_by: Option<OpId>,
    /// All that was paid for it ahead.
    pub captured: Taka,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// The account on which a provider owes us what customers paid.
#[must_use]
pub const fn receivable(provider: Provider) -> Account {
    let code = match provider {
        Provider::Bkash => Chart::Bkash,
        Provider::Nagad => Chart::Nagad,
        Provider::Rocket => Chart::Rocket,
        Provider::Card => Chart::Card,
    };
    code.whole()
}

/// Folds the facts of one order, and yields what was paid ahead: J2 for the first payment, J12 for a
/// second one, which is the customer's again at once. Cash on delivery is the parcels' (J1).
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Order, Vec<Journal>) {
    let mut order = Order { incomplete: history.incomplete, newer: history.newer, ..Order::default() };
    let mut records = Records::of(history);
    for seen in &history.facts {
        match &seen.fact {
            Some(Fact::OrderPlaced(placed)) if order.placed.is_none() => order.placed = Some(placed.clone()),
            Some(Fact::OrderCancelled(_)) => order.cancelled = true,
            _ => {}
        }
    }
    let captures = captures(history);
    let claims: Vec<Claim> =
        captures.values().map(|(fact, _)| Claim { fact: *fact, evidence: 0, authority: 0 }).collect();
    let canonical = slot::earliest(history, &claims).map(|held| held.winner.fact);
    let mut journals = Vec::new();
    for (index, payment) in captures.values() {
        let Some(provider) = Provider::of(payment.provider) else { continue };
        let (cause, money) = (history.facts[*index].id, (receivable(provider), payment.amount));
        order.captured = order.captured.plus(payment.amount);
        if Some(*index) != canonical {
            records.contest(*index, Code::DuplicateMoney);
            let over = (Chart::OverCollected.of_owner(subject), payment.amount);
            journals.push(Journal::new(subject, Rule::J12, cause, &[money], &[over]));
            continue;
        }
        order.captured_by = Some(cause);
        if order.placed.as_ref().is_none_or(|placed| placed.total != payment.amount) {
            records.contest(*index, Code::CaptureDiffers);
        }
        let escrow = (Chart::Escrow.of_owner(subject), payment.amount);
        journals.push(Journal::new(subject, Rule::J2, cause, &[money], &[escrow]));
    }
    journals.retain(|journal| !journal.postings.is_empty());
    order.contests = records.contests();
    (order, journals)
}

/// Payments by what the provider calls them: one record of each, the smallest id.
fn captures(history: &History) -> BTreeMap<(u8, &str), (usize, &PaymentCaptured)> {
    let mut captures = BTreeMap::new();
    for (index, seen) in history.facts.iter().enumerate() {
        if let Some(Fact::PaymentCaptured(payment)) = &seen.fact {
            captures.entry((payment.provider, payment.reference.as_str())).or_insert((index, payment));
        }
    }
    captures
}
