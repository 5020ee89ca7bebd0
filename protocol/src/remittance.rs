//! The remittance: a partner sends what he took for us, less his commission (J36a); a courier what he collected, less what
//! he keeps for carrying (J14a).

use crate::account::Code as Chart;
use crate::contest::Contest;
use crate::fact::Fact;
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
use crate::taka::Taka;

/// What arrived, whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remitted {
    /// A partner's site, or a courier.
    pub sender: Subject,
    /// The settlement account.
    pub bank: Subject,
    /// What arrived.
    pub net: Taka,
    /// What the sender kept, VAT on it included.
    pub kept: Taka,
    /// The line of the statement.
    pub reference: String,
}

/// What the facts of one remittance come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remittance {
    /// What arrived.
    pub remitted: Option<Remitted>,
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
    /// What the sender no longer owes: what arrived, and what he kept.
    #[must_use]
    pub fn gross(&self) -> Taka {
        self.remitted.as_ref().map_or(Taka::ZERO, |paid| paid.net.plus(paid.kept))
    }
}

/// Folds the facts of one remittance, and yields J36a or J14a.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Remittance, Vec<Journal>) {
    let mut remittance = Remittance { incomplete: history.incomplete, newer: history.newer, ..Remittance::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    let says = |fact: &Fact| matches!(fact, Fact::PartnerRemitted(_) | Fact::CourierRemitted(_));
    if let Some((index, fact)) = records.once(|fact| says(fact).then_some(fact)) {
        let cause = history.facts[index].id;
        remittance.remitted_by = Some(cause);
        if let Some((remitted, journal)) = arrived(subject, cause, fact) {
            remittance.remitted = Some(remitted);
            journals.push(journal);
        }
    }
    journals.retain(|journal| !journal.postings.is_empty());
    remittance.contests = records.contests();
    (remittance, journals)
}

fn arrived(subject: Subject, cause: OpId, fact: &Fact) -> Option<(Remitted, Journal)> {
    match fact {
        Fact::PartnerRemitted(paid) => {
            let arrived = (Chart::Settlement.of_owner(paid.bank), paid.net);
            let kept = (Chart::CourierCost.whole(), paid.commission);
            let owed = (Chart::PartnerReceivable.of_owner(paid.site), paid.net.plus(paid.commission));
            let journal = Journal::new(subject, Rule::J36a, cause, &[arrived, kept], &[owed]);
            let (net, kept, reference) = (paid.net, paid.commission, paid.reference.clone());
            Some((Remitted { sender: paid.site, bank: paid.bank, net, kept, reference }, journal))
        }
        Fact::CourierRemitted(paid) => {
            let arrived = (Chart::Settlement.of_owner(paid.bank), paid.net());
            let kept = [(Chart::CourierCost.whole(), paid.charge), (Chart::InputVat.whole(), paid.vat)];
            let owed = (Chart::CourierReceivable.of_owner(paid.courier), paid.gross);
            let journal = Journal::new(subject, Rule::J14a, cause, &[arrived, kept[0], kept[1]], &[owed]);
            let (net, kept, reference) = (paid.net(), paid.charge.plus(paid.vat), paid.reference.clone());
            Some((Remitted { sender: paid.courier, bank: paid.bank, net, kept, reference }, journal))
        }
        _ => None,
    }
}
