//! The remittance: a partner sends what he took for us, less his commission (J36a).

use crate::account::Code as Chart;
use crate::contest::Contest;
use crate::fact::{Fact, PartnerRemitted};
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
use crate::taka::Taka;

/// What the facts of one remittance come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remittance {
    /// What arrived.
    pub remitted: Option<PartnerRemitted>,
    /// The fact that says so.
    pub remitted_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Remittance {
    /// What the partner no longer owes: what arrived, and what he kept.
    #[must_use]
    pub fn gross(&self) -> Taka {
        self.remitted.as_ref().map_or(Taka::ZERO, |paid| paid.net.plus(paid.commission))
    }
}

/// Folds the facts of one remittance, and yields J36a.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Remittance, Vec<Journal>) {
    let mut remittance = Remittance { incomplete: history.incomplete, newer: history.newer, ..Remittance::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    if let Some((index, paid)) = records.once(|fact| if let Fact::PartnerRemitted(p) = fact { Some(p) } else { None }) {
        let cause = history.facts[index].id;
        remittance.remitted = Some(paid.clone());
        remittance.remitted_by = Some(cause);
        let arrived = (Chart::Settlement.of_owner(paid.bank), paid.net);
        let kept = (Chart::CourierCost.whole(), paid.commission);
        let owed = (Chart::PartnerReceivable.of_owner(paid.site), paid.net.plus(paid.commission));
        journals.push(Journal::new(subject, Rule::J36a, cause, &[arrived, kept], &[owed]));
    }
    journals.retain(|journal| !journal.postings.is_empty());
    remittance.contests = records.contests();
    (remittance, journals)
}
