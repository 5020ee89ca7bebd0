//! The payout: earnings of one vendor on their way to the vendor's account (J17, J17a).

use crate::account::Code as Chart;
use crate::contest::Contest;
use crate::fact::{Fact, PayoutLine};
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
use crate::taka::Taka;

/// What the facts of one payout come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payout {
    /// Whose.
    pub vendor: Option<Scope>,
    /// Which earnings.
    pub lines: Vec<PayoutLine>,
    /// Σ of the lines.
    pub total: Taka,
    /// The fact that created it.
    pub created_by: Option<OpId>,
    /// From which settlement account it was sent.
    pub bank: Option<Subject>,
    /// The bank's reference.
    pub reference: String,
    /// The fact that says that it was sent.
    pub confirmed_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Payout {
    /// `unknown`, `created` or `confirmed`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (self.created_by, self.confirmed_by) {
            (None, _) => "unknown",
            (Some(_), None) => "created",
            (Some(_), Some(_)) => "confirmed",
        }
    }
}

/// Folds the facts of one payout, and yields J17 and J17a.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Payout, Vec<Journal>) {
    let mut payout = Payout { incomplete: history.incomplete, newer: history.newer, ..Payout::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    let flight = Chart::PayoutInFlight.of_owner(subject);
    if let Some((index, created)) = records.once(|fact| if let Fact::PayoutCreated(c) = fact { Some(c) } else { None })
    {
        let cause = history.facts[index].id;
        payout.vendor = Some(created.vendor);
        payout.lines.clone_from(&created.lines);
        payout.total = created.total;
        payout.created_by = Some(cause);
        // The lines were chosen under the lock; one that does not add up moves nothing.
        if created.lines.iter().map(|line| line.net).sum::<Taka>() == created.total {
            let available = Chart::VendorAvailable.of_owner(created.vendor);
            let moved = [(available, created.total)];
            journals.push(Journal::new(subject, Rule::J17, cause, &moved, &[(flight, created.total)]));
        }
    }
    if let Some((index, sent)) = records.once(|fact| if let Fact::PayoutConfirmed(s) = fact { Some(s) } else { None }) {
        let cause = history.facts[index].id;
        payout.bank = Some(sent.bank);
        payout.reference.clone_from(&sent.reference);
        payout.confirmed_by = Some(cause);
        if !journals.is_empty() {
            let bank = [(Chart::Settlement.of_owner(sent.bank), payout.total)];
            journals.push(Journal::new(subject, Rule::J17a, cause, &[(flight, payout.total)], &bank));
        }
    }
    journals.retain(|journal| !journal.postings.is_empty());
    payout.contests = records.contests();
    (payout, journals)
}
