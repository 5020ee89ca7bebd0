//! The refund: central pays a customer back by hand (J19a).

use crate::account::Code as Chart;
use crate::contest::Contest;
use crate::fact::{Fact, Provider, RefundPaid};
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::order::receivable;
use crate::record::Records;

/// What the facts of one refund come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refund {
    /// What was paid.
    pub paid: Option<RefundPaid>,
    /// The fact that says so.
    pub paid_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// Folds the facts of one refund, and yields J19a.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Refund, Vec<Journal>) {
    let mut refund = Refund { incomplete: history.incomplete, newer: history.newer, ..Refund::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    let first = records.once(|fact| if let Fact::RefundPaid(paid) = fact { Some(paid) } else { None });
    if let Some((index, paid)) = first {
        let cause = history.facts[index].id;
        refund.paid = Some(paid.clone());
        refund.paid_by = Some(cause);
        if let Some(provider) = Provider::of(paid.provider) {
            let owed = (Chart::RefundsPayable.of_owner(paid.customer), paid.amount);
            journals.push(Journal::new(subject, Rule::J19a, cause, &[owed], &[(receivable(provider), paid.amount)]));
        }
    }
    journals.retain(|journal| !journal.postings.is_empty());
    refund.contests = records.contests();
    (refund, journals)
}
