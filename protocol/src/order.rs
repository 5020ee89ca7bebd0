//! The order: what a customer asked for, as a group of parcels, and what was paid for it ahead. Its
//! status is read from the parcels.

use std::collections::BTreeMap;

use crate::account::{Account, Code as Chart};
use crate::contest::{Code, Contest};
use crate::fact::{Fact, OrderPlaced, Provider};
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

/// Folds the facts of one order, and yields what was paid ahead: J2 for the first payment, J29a when a bank carried
/// it, J30a when it was credit with us; J12 for a second one, which is the customer's again at once. Cash on delivery is the parcels' (J1).
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
        captures.iter().map(|capture| Claim { fact: capture.fact, evidence: 0, authority: 0 }).collect();
    let canonical = slot::earliest(history, &claims).map(|held| held.winner.fact);
    let mut journals = Vec::new();
    for Capture { fact, rule, into, amount } in captures {
        let cause = history.facts[fact].id;
        order.captured = order.captured.plus(amount);
        if Some(fact) != canonical {
            records.contest(fact, Code::DuplicateMoney);
            let over = (Chart::OverCollected.of_owner(subject), amount);
            journals.push(Journal::new(subject, Rule::J12, cause, &[(into, amount)], &[over]));
            continue;
        }
        order.captured_by = Some(cause);
        if order.placed.as_ref().is_none_or(|placed| placed.total != amount) {
            records.contest(fact, Code::CaptureDiffers);
        }
        let escrow = (Chart::Escrow.of_owner(subject), amount);
        journals.push(Journal::new(subject, rule, cause, &[(into, amount)], &[escrow]));
    }
    journals.retain(|journal| !journal.postings.is_empty());
    order.contests = records.contests();
    (order, journals)
}

/// One payment ahead.
struct Capture {
    /// Its place in the history.
    fact: usize,
    rule: Rule,
    /// Where the money is; of credit, what we owe less.
    into: Account,
    amount: Taka,
}

impl Fact {
    /// Whether it is a payment ahead, of an order.
    #[must_use]
    pub const fn pays_ahead(&self) -> bool {
        matches!(self, Self::PaymentCaptured(_) | Self::TransferCaptured(_) | Self::CreditSpent(_))
    }
}

/// Payments by what the provider calls them, by the line of the bank's statement, or by whose credit it was: one record of
/// each, the smallest id.
fn captures(history: &History) -> Vec<Capture> {
    let mut captures: BTreeMap<(u8, &str, Option<Subject>), Capture> = BTreeMap::new();
    for (fact, seen) in history.facts.iter().enumerate() {
        let (name, capture) = match &seen.fact {
            Some(Fact::PaymentCaptured(paid)) => {
                let Some(provider) = Provider::of(paid.provider) else { continue };
                let capture = Capture { fact, rule: Rule::J2, into: receivable(provider), amount: paid.amount };
                ((paid.provider, paid.reference.as_str(), None), capture)
            }
            Some(Fact::TransferCaptured(paid)) => {
                let into = Chart::Settlement.of_owner(paid.bank);
                ((0, "", Some(paid.line)), Capture { fact, rule: Rule::J29a, into, amount: paid.amount })
            }
            Some(Fact::CreditSpent(spent)) => {
                let into = Chart::StoreCredit.of_owner(spent.customer);
                ((0, "", Some(spent.customer)), Capture { fact, rule: Rule::J30a, into, amount: spent.amount })
            }
            _ => continue,
        };
        captures.entry(name).or_insert(capture);
    }
    captures.into_values().collect()
}
