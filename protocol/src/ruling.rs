//! A ruling: what becomes of a difference that somebody owes or is owed. Its amount was decided by central under the
//! lock against the balance of the difference, and stands in the fact; the fold reads no balance.

use crate::account::{Account, Code as Chart};
use crate::contest::Contest;
use crate::fact::{Fact, How, Ruled};
use crate::history::History;
use crate::id::{Kind, OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;

/// What the facts of one ruling come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// What was ruled.
    pub ruled: Option<Ruled>,
    /// The fact that says so.
    pub ruled_by: Option<OpId>,
    /// What waits for a ruling of its own.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

/// One journal of a ruling, before its amount: by which rule, from which difference to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// By which rule.
    pub rule: Rule,
    /// Debited.
    pub debit: Account,
    /// Credited.
    pub credit: Account,
    /// The account of the two that the difference stands on, and that must hold the amount.
    pub difference: Account,
}

/// Where a ruling moves its amount. `None` when the way lacks its other side, or has one of a wrong kind.
#[must_use]
pub fn way(how: How, owner: Subject, other: Option<Subject>) -> Option<Way> {
    let other_of = |kind: Kind| other.filter(|other| other.kind() == Some(kind));
    let alone = || other.is_none().then_some(());
    let (missing, over, excess) =
        (Chart::Shortage.of_owner(owner), Chart::CashOver.of_owner(owner), Chart::OverCollected.of_owner(owner));
    let receivable = Chart::CustomerReceivable.of_owner(owner);
    if owner.kind() == Some(Kind::Customer) {
        // What a customer owes is what he was paid back twice.
        let (debit, difference) = match how {
            How::Repaid => (Chart::Till.of_owner(other_of(Kind::Site)?), receivable),
            How::WrittenOff => alone().map(|()| (Chart::Goodwill.whole(), receivable))?,
            How::FromRefunds => alone().map(|()| (Chart::RefundsPayable.of_owner(owner), receivable))?,
            How::FromCredit => alone().map(|()| (Chart::StoreCredit.of_owner(owner), receivable))?,
            _ => return None,
        };
        return Some(Way { rule: Rule::J37a, debit, credit: receivable, difference });
    }
    let (rule, debit, credit, difference) = match how {
        How::Repaid => (Rule::J9b, Chart::Till.of_owner(other_of(Kind::Site)?), missing, missing),
        How::WrittenOff => alone().map(|()| (Rule::J9c, Chart::ShortWrittenOff.whole(), missing, missing))?,
        How::ToCustomer => (Rule::J10a, over, Chart::RefundsPayable.of_owner(other_of(Kind::Customer)?), over),
        How::ToGiver => (Rule::J10b, over, Chart::Till.of_owner(other_of(Kind::Site)?), over),
        How::Unclaimed => alone().map(|()| (Rule::J10c, over, Chart::UnclaimedOver.whole(), over))?,
        How::ExcessToCustomer => {
            (Rule::J12b, excess, Chart::RefundsPayable.of_owner(other_of(Kind::Customer)?), excess)
        }
        How::RecordedInError => (Rule::J12c, excess, Chart::AgentCash.of_owner(other_of(Kind::Agent)?), excess),
        How::OwedToAgent => (Rule::J12d, excess, Chart::AgentPayable.of_owner(other_of(Kind::Agent)?), excess),
        How::FromPay if owner.kind() == Some(Kind::Agent) => {
            alone().map(|()| (Rule::J9a, Chart::AgentPayable.of_owner(owner), missing, missing))?
        }
        How::FromPay | How::FromRefunds | How::FromCredit => return None,
        How::Expensed => alone().map(|()| (Rule::J27d, Chart::SiteExpense.whole(), missing, missing))?,
        How::Conceded => alone().map(|()| (Rule::J11b, Chart::Goodwill.whole(), missing, missing))?,
        // What he may not have yet matures as it was distributed: he owes this, and it is kept from what he may have.
        How::ConcededByVendor => {
            (Rule::J11b, Chart::VendorReceivable.of_owner(other_of(Kind::Vendor)?), missing, missing)
        }
        How::FromSecurity => alone().map(|()| (Rule::J35, Chart::Security.of_owner(owner), missing, missing))?,
    };
    Some(Way { rule, debit, credit, difference })
}

/// Folds the facts of one ruling, and yields its journal.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Ruling, Vec<Journal>) {
    let mut ruling = Ruling { incomplete: history.incomplete, newer: history.newer, ..Ruling::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    if let Some((index, ruled)) = records.once(|fact| if let Fact::Ruled(r) = fact { Some(r) } else { None }) {
        let cause = history.facts[index].id;
        ruling.ruled = Some(ruled.clone());
        ruling.ruled_by = Some(cause);
        if let Some(way) = How::of(ruled.how).and_then(|how| way(how, ruled.owner, ruled.other)) {
            let (debit, credit) = ([(way.debit, ruled.amount)], [(way.credit, ruled.amount)]);
            journals.push(Journal::new(subject, way.rule, cause, &debit, &credit));
        }
    }
    journals.retain(|journal| !journal.postings.is_empty());
    ruling.contests = records.contests();
    (ruling, journals)
}
