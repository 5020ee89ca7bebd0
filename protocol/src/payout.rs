//! The payout: earnings of one vendor on their way to the vendor's account (J17, J17a), less what sending them costs
//! (J17c), and back when the bank returns it (J17b). What it cost stays spent then.

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
    /// What sending it costs the vendor.
    pub fee: Taka,
    /// VAT on the fee.
    pub vat: Taka,
    /// Σ of the lines, less fee and VAT.
    pub total: Taka,
    /// The fact that created it.
    pub created_by: Option<OpId>,
    /// From which settlement account it was sent.
    pub bank: Option<Subject>,
    /// The bank's reference.
    pub reference: String,
    /// The fact that says that it was sent.
    pub confirmed_by: Option<OpId>,
    /// The fact that says that the bank sent it back, and the bank's reference of that.
    pub returned_by: Option<OpId>,
    /// See `returned_by`.
    pub return_reference: String,
    /// Why; see [`crate::fact::ReturnReason`]; 0 while it has not come back.
    pub return_reason: u8,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Payout {
    /// `unknown`, `created`, `confirmed` or `returned`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (self.created_by, self.confirmed_by, self.returned_by) {
            (None, _, _) => "unknown",
            (Some(_), _, Some(_)) => "returned",
            (Some(_), None, None) => "created",
            (Some(_), Some(_), None) => "confirmed",
        }
    }
}

/// What a payout is made of, by either fact that makes one.
struct Made<'a> {
    vendor: Scope,
    lines: &'a [PayoutLine],
    fee: Taka,
    vat: Taka,
    total: Taka,
}

fn made(fact: &Fact) -> Option<Made<'_>> {
    match fact {
        Fact::PayoutCreated(of) => {
            let (fee, vat) = (Taka::ZERO, Taka::ZERO);
            Some(Made { vendor: of.vendor, lines: &of.lines, fee, vat, total: of.total })
        }
        Fact::PayoutWithFee(of) => {
            Some(Made { vendor: of.vendor, lines: &of.lines, fee: of.fee, vat: of.vat, total: of.total })
        }
        _ => None,
    }
}

/// Folds the facts of one payout, and yields J17, J17a, J17b and J17c.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Payout, Vec<Journal>) {
    let mut payout = Payout { incomplete: history.incomplete, newer: history.newer, ..Payout::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    let flight = Chart::PayoutInFlight.of_owner(subject);
    let created = records.once(|fact| made(fact).is_some().then_some(fact));
    if let Some((index, created)) = created.and_then(|(index, fact)| Some((index, made(fact)?))) {
        let cause = history.facts[index].id;
        payout.vendor = Some(created.vendor);
        payout.lines = created.lines.to_vec();
        (payout.fee, payout.vat, payout.total) = (created.fee, created.vat, created.total);
        payout.created_by = Some(cause);
        // The lines were chosen under the lock; one that does not add up moves nothing.
        let cost = created.fee.plus(created.vat);
        if created.lines.iter().map(|line| line.net).sum::<Taka>() == created.total.plus(cost) {
            let available = Chart::VendorAvailable.of_owner(created.vendor);
            let moved = [(available, created.total)];
            journals.push(Journal::new(subject, Rule::J17, cause, &moved, &[(flight, created.total)]));
            let earned = [(Chart::PayoutFee.whole(), created.fee), (Chart::Vat.whole(), created.vat)];
            journals.push(Journal::new(subject, Rule::J17c, cause, &[(available, cost)], &earned));
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
    if let Some((index, back)) = records.once(|fact| if let Fact::PayoutReturned(b) = fact { Some(b) } else { None }) {
        let cause = history.facts[index].id;
        payout.returned_by = Some(cause);
        payout.return_reference.clone_from(&back.reference);
        payout.return_reason = back.reason;
        if let (Some(vendor), false) = (payout.vendor, journals.is_empty()) {
            // Into the account that it had left; when the sending was never seen, out of the flight.
            let from = payout.bank.map_or(flight, |bank| Chart::Settlement.of_owner(bank));
            let available = [(Chart::VendorAvailable.of_owner(vendor), payout.total)];
            journals.push(Journal::new(subject, Rule::J17b, cause, &[(from, payout.total)], &available));
        }
    }
    journals.retain(|journal| !journal.postings.is_empty());
    payout.contests = records.contests();
    (payout, journals)
}
