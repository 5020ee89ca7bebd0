//! The sealed bag: cash that left a till for the bank (J13). What becomes of it is its deposit's.

use crate::account::Code as Chart;
use crate::contest::Contest;
use crate::fact::Fact;
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
use crate::taka::Taka;

/// What the facts of one bag come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bag {
    /// Whose till it came from, and who answers for what is missing in it.
    pub site: Option<Scope>,
    /// Number of the seal.
    pub seal: String,
    /// How much is in it.
    pub amount: Taka,
    /// The fact that sealed it.
    pub sealed_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// Folds the facts of one bag, and yields J13.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Bag, Vec<Journal>) {
    let mut bag = Bag { incomplete: history.incomplete, newer: history.newer, ..Bag::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    if let Some((index, sealed)) = records.once(|fact| if let Fact::BagSealed(s) = fact { Some(s) } else { None }) {
        let cause = history.facts[index].id;
        bag.site = Some(sealed.site);
        bag.seal.clone_from(&sealed.seal);
        bag.amount = sealed.amount;
        bag.sealed_by = Some(cause);
        let inside = (Chart::InTransit.of_owner(subject), sealed.amount);
        let till = (Chart::Till.of_owner(sealed.site), sealed.amount);
        journals.push(Journal::new(subject, Rule::J13, cause, &[inside], &[till]));
    }
    journals.retain(|journal| !journal.postings.is_empty());
    bag.contests = records.contests();
    (bag, journals)
}
