//! The sweep: our own money leaves the settlement account, which then holds customers' money only (J18).

use crate::account::Code as Chart;
use crate::contest::Contest;
use crate::fact::{Fact, Swept};
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;

/// What the facts of one sweep come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// What was swept.
    pub swept: Option<Swept>,
    /// The fact that says so.
    pub swept_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// Folds the facts of one sweep, and yields J18.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Sweep, Vec<Journal>) {
    let mut sweep = Sweep { incomplete: history.incomplete, newer: history.newer, ..Sweep::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    if let Some((index, swept)) = records.once(|fact| if let Fact::Swept(s) = fact { Some(s) } else { None }) {
        let cause = history.facts[index].id;
        sweep.swept = Some(swept.clone());
        sweep.swept_by = Some(cause);
        let to = (Chart::Operating.of_owner(swept.to), swept.amount);
        let from = (Chart::Settlement.of_owner(swept.from), swept.amount);
        journals.push(Journal::new(subject, Rule::J18, cause, &[to], &[from]));
    }
    journals.retain(|journal| !journal.postings.is_empty());
    sweep.contests = records.contests();
    (sweep, journals)
}
