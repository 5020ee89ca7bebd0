//! An entry: what finance booked on paper evidence. Whatever depends on a balance was decided by central under the lock
//! and stands in the fact; the fold reads no balance.

use crate::account::{Account, Code as Chart};
use crate::contest::Contest;
use crate::fact::{Entered, Entry, Fact, Provider};
use crate::history::History;
use crate::id::{Kind, OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::order::receivable;
use crate::record::Records;
use crate::taka::Taka;

/// What the facts of one entry come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// What was entered.
    pub entered: Option<Entered>,
    /// The fact that says so.
    pub entered_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// The journal of an entry, before it has a subject and a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// By which rule.
    pub rule: Rule,
    /// Debited, each with its amount.
    pub debits: Vec<(Account, Taka)>,
    /// Credited, each with its amount.
    pub credits: Vec<(Account, Taka)>,
    /// The account that has to hold the amount before it is entered, and from which side: a debit balance, or a credit
    /// balance. An entry without one needs its paper only.
    pub held: Option<Account>,
}

/// Where an entry moves its amount. `None` when the owner or the other side is missing or of a wrong kind, or when the
/// part is more than the whole.
#[must_use]
pub fn way(entered: &Entered) -> Option<Way> {
    let entry = Entry::of(entered.what)?;
    let (owner, amount, part) = (entered.owner, entered.amount, entered.part);
    let is = |kinds: &[Kind]| kinds.iter().any(|kind| owner.kind() == Some(*kind));
    let other_is = |kind: Kind| entered.other.filter(|other| other.kind() == Some(kind));
    let alone = entered.other.is_none();
    let plain = part == Taka::ZERO && entered.provider == 0;
    let person = [Kind::Agent, Kind::Site];
    let claim = || Chart::Claims.of_owner(owner);
    let operating = || other_is(Kind::Bank).map(|bank| Chart::Operating.of_owner(bank));
    // Rule, debit, credit, and the account that must hold the amount.
    let simple = |fits: bool, rule, debit: Account, credit: Account, held: Option<Account>| {
        (fits && plain).then(|| Way { rule, debits: vec![(debit, amount)], credits: vec![(credit, amount)], held })
    };
    match entry {
        Entry::Settled => {
            let (theirs, net) = (provider(entered.provider)?, amount.minus(part));
            let fits = is(&[Kind::Bank]) && alone && net >= Taka::ZERO;
            let debits = vec![(Chart::Settlement.of_owner(owner), net), (Chart::ProviderFees.whole(), part)];
            // What the provider gave back since may have brought its account below this: the settlement stays true.
            fits.then_some(Way { rule: Rule::J3, debits, credits: vec![(theirs, amount)], held: None })
        }
        Entry::FloatIssued => simple(is(&[Kind::Site]), Rule::J27, Chart::Till.of_owner(owner), operating()?, None),
        Entry::PayAccrued => {
            let fits = is(&[Kind::Agent]) && alone;
            simple(fits, Rule::J28, Chart::AgentIncentive.whole(), Chart::AgentPayable.of_owner(owner), None)
        }
        Entry::PayPaid => {
            let payable = Chart::AgentPayable.of_owner(owner);
            simple(is(&[Kind::Agent]), Rule::J28, payable, operating()?, Some(payable))
        }
        Entry::VatPaid => {
            let (vat, fits) = (Chart::Vat.whole(), is(&[Kind::Bank]) && alone);
            simple(fits, Rule::J33, vat, Chart::Operating.of_owner(owner), Some(vat))
        }
        Entry::SecurityTaken => simple(is(&person), Rule::J35, operating()?, Chart::Security.of_owner(owner), None),
        Entry::BagStolen => {
            let bag = Chart::InTransit.of_owner(owner);
            simple(is(&[Kind::Bag]) && alone, Rule::J26, claim(), bag, Some(bag))
        }
        Entry::ClaimPaid => simple(is(&[Kind::Bag, Kind::Parcel]), Rule::J26, operating()?, claim(), Some(claim())),
        Entry::ClaimLost => {
            let fits = is(&[Kind::Bag, Kind::Parcel]) && alone;
            simple(fits, Rule::J26, Chart::Loss.whole(), claim(), Some(claim()))
        }
        Entry::LossPaid => {
            let fits = is(&[Kind::Vendor]) && other_is(Kind::Parcel).is_some();
            simple(fits, Rule::J25, Chart::Loss.whole(), Chart::VendorAvailable.of_owner(owner), None)
        }
        Entry::LossCharged => {
            let fits = is(&person) && other_is(Kind::Parcel).is_some();
            simple(fits, Rule::J25a, Chart::Shortage.of_owner(owner), Chart::Loss.whole(), None)
        }
        Entry::LossClaimed => simple(is(&[Kind::Parcel]) && alone, Rule::J25a, claim(), Chart::Loss.whole(), None),
        Entry::Netted => {
            let owed = Chart::VendorReceivable.of_owner(owner);
            let fits = is(&[Kind::Vendor]) && alone;
            simple(fits, Rule::J20c, Chart::VendorAvailable.of_owner(owner), owed, Some(owed))
        }
        Entry::CreditIssued => {
            let payable = Chart::RefundsPayable.of_owner(owner);
            let fits = is(&[Kind::Customer]) && alone;
            simple(fits, Rule::J30, payable, Chart::StoreCredit.of_owner(owner), Some(payable))
        }
        Entry::ChargedBack => {
            let (theirs, vendors) = (provider(entered.provider)?, amount.minus(part));
            let fits = is(&[Kind::Vendor]) && other_is(Kind::Order).is_some() && vendors >= Taka::ZERO;
            let debits = vec![(Chart::VendorReceivable.of_owner(owner), vendors), (Chart::Loss.whole(), part)];
            fits.then(|| Way { rule: Rule::J31, debits, credits: vec![(theirs, amount)], held: None })
        }
        Entry::ChargedBackEarly => {
            let theirs = provider(entered.provider)?;
            let from = match owner.kind()? {
                Kind::Order if alone => Chart::Escrow.of_owner(owner),
                Kind::Customer if other_is(Kind::Order).is_some() => Chart::RefundsPayable.of_owner(owner),
                _ => return None,
            };
            let (debits, credits) = (vec![(from, amount)], vec![(theirs, amount)]);
            (part == Taka::ZERO).then_some(Way { rule: Rule::J31, debits, credits, held: Some(from) })
        }
    }
}

fn provider(number: u8) -> Option<Account> {
    Provider::of(number).map(receivable)
}

/// Folds the facts of one entry, and yields its journal.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Booked, Vec<Journal>) {
    let mut booked = Booked { incomplete: history.incomplete, newer: history.newer, ..Booked::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    if let Some((index, entered)) = records.once(|fact| if let Fact::Entered(e) = fact { Some(e) } else { None }) {
        let cause = history.facts[index].id;
        booked.entered = Some(entered.clone());
        booked.entered_by = Some(cause);
        journals.extend(way(entered).map(|way| Journal::new(subject, way.rule, cause, &way.debits, &way.credits)));
    }
    journals.retain(|journal| !journal.postings.is_empty());
    booked.contests = records.contests();
    (booked, journals)
}
