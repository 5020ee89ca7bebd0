//! The shift at a till: opened, counted, closed with a number (B3.9). The account says what should be
//! in the drawer, as far as the closing replica knew; what differs is owed or kept apart (J27a). Cash that
//! goes out or comes in besides parcels is owed by the site (J27b) or kept apart (J27c) until its paper is
//! looked at.
//!
//! Slots: `open` earliest, `close` earliest, `use` latest, and each payment one of its own. A Z-report is
//! never changed: a late fact of the shift shows at the next one.

use crate::account::Code as Chart;
use crate::contest::{Code, Contest};
use crate::fact::{Fact, TillClosed};
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
use crate::slot::{self, Claim};
use crate::taka::Taka;

/// What the facts of one shift come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Whose till.
    pub site: Option<Scope>,
    /// The fact that opened it.
    pub opened_by: Option<OpId>,
    /// Cash in the drawer at the start.
    pub float: Taka,
    /// The fact that closed it.
    pub closed_by: Option<OpId>,
    /// The drawer is locked for a while.
    pub suspended: bool,
    /// Cash paid out of the drawer besides parcels.
    pub paid_out: Taka,
    /// Cash paid into it.
    pub paid_in: Taka,
    /// Number of the Z-report.
    pub z: Option<u32>,
    /// What the account said.
    pub expected: Taka,
    /// How much there was.
    pub counted: Option<Taka>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Shift {
    /// `open`, `closed`, `short`, `over`, or `unknown` while neither fact is here.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.opened_by, self.counted) {
            (None, None) => "unknown",
            (Some(_), None) => "open",
            (_, Some(counted)) if counted < self.expected => "short",
            (_, Some(counted)) if counted > self.expected => "over",
            (_, Some(_)) => "closed",
        }
    }

    /// Whether the drawer is in use.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.opened_by.is_some() && self.closed_by.is_none()
    }
}

/// Folds the facts of one shift, and yields J27a, J27b and J27c.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Shift, Vec<Journal>) {
    let mut shift = Shift { incomplete: history.incomplete, newer: history.newer, ..Shift::default() };
    let mut records = Records::of(history);
    let mut journals = Vec::new();
    if let Some((index, opened)) = records.once(|fact| if let Fact::TillOpened(o) = fact { Some(o) } else { None }) {
        shift.site = Some(history.facts[index].party);
        shift.opened_by = Some(history.facts[index].id);
        shift.float = opened.float;
    }
    if let Some((index, closed)) = records.once(|fact| if let Fact::TillClosed(c) = fact { Some(c) } else { None }) {
        let till = history.facts[index].party;
        if shift.site.is_some_and(|site| site != till) {
            records.contest(index, Code::UnlistedPair);
        }
        let counted = counted(history, index, closed, &mut records);
        shift.site = Some(till);
        shift.closed_by = Some(history.facts[index].id);
        shift.z = Some(closed.z);
        shift.expected = closed.expected;
        shift.counted = Some(counted);
        journals.extend(difference(subject, history.facts[index].id, till, closed.expected, counted));
    }
    payments(subject, history, &mut shift, &mut records, &mut journals);
    shift.suspended = shift.closed_by.is_none() && is_suspended(history);
    shift.contests = records.contests();
    (shift, journals)
}

/// Cash that went out or came in besides parcels.
fn payments(
    subject: Subject,
    history: &History,
    shift: &mut Shift,
    records: &mut Records<'_>,
    journals: &mut Vec<Journal>,
) {
    let all = history.acts_of(|fact| matches!(fact, Fact::TillPaidOut(_) | Fact::TillPaidIn(_)).then_some(fact));
    for (index, fact) in all {
        let (till, cause) = (history.facts[index].party, history.facts[index].id);
        let closed = shift.closed_by.and_then(|by| history.facts.iter().position(|seen| seen.id == by));
        if shift.site.is_some_and(|site| site != till) || closed.is_some_and(|close| history.follows(index, close)) {
            records.contest(index, Code::UnlistedPair);
        }
        let amount = largest(history, index, fact, records);
        let cash = (Chart::Till.of_owner(till), amount);
        let (rule, debit, credit) = if matches!(fact, Fact::TillPaidOut(_)) {
            shift.paid_out = shift.paid_out.plus(amount);
            (Rule::J27b, (Chart::Shortage.of_owner(till), amount), cash)
        } else {
            shift.paid_in = shift.paid_in.plus(amount);
            (Rule::J27c, cash, (Chart::CashOver.of_owner(till), amount))
        };
        if amount > Taka::ZERO {
            journals.push(Journal::new(subject, rule, cause, &[debit], &[credit]));
        }
    }
}

/// The amount; of a double tap with two amounts the larger one, for then more is to be answered for.
fn largest(history: &History, index: usize, fact: &Fact, records: &mut Records<'_>) -> Taka {
    let mut amount = paid(fact);
    for echo in history.echoes(index) {
        let again = history.facts[echo].fact.as_ref().map_or(Taka::ZERO, paid);
        if history.facts[echo].fact.as_ref() != Some(fact) {
            records.contest(echo, Code::DoubleTapDiffers);
            amount = amount.max(again);
        }
    }
    amount
}

fn paid(fact: &Fact) -> Taka {
    match fact {
        Fact::TillPaidOut(paid) => paid.amount,
        Fact::TillPaidIn(paid) => paid.amount,
        _ => Taka::ZERO,
    }
}

/// Whether the last word about the drawer's use, or one of several that did not know of each other, locked it.
fn is_suspended(history: &History) -> bool {
    let is = |fact: &Fact| matches!(fact, Fact::TillSuspended(_) | Fact::TillResumed(_));
    let claims =
        history.acts_of(|fact| is(fact).then_some(fact)).map(|(fact, _)| Claim { fact, evidence: 0, authority: 0 });
    let claims: Vec<Claim> = claims.collect();
    let locks = |claim: &Claim| matches!(history.facts[claim.fact].fact, Some(Fact::TillSuspended(_)));
    slot::latest(history, &claims).is_some_and(|held| [held.winner].iter().chain(&held.rivals).any(locks))
}

/// The count; of a double tap with two counts the smaller one, for then more is owed.
fn counted(history: &History, index: usize, closed: &TillClosed, records: &mut Records<'_>) -> Taka {
    let mut counted = closed.counted;
    for echo in history.echoes(index) {
        if let Some(Fact::TillClosed(again)) = &history.facts[echo].fact {
            if again.counted != closed.counted || again.expected != closed.expected {
                records.contest(echo, Code::DoubleTapDiffers);
                counted = counted.min(again.counted);
            }
        }
    }
    counted
}

fn difference(subject: Subject, cause: OpId, till: Scope, expected: Taka, counted: Taka) -> Option<Journal> {
    let cash = Chart::Till.of_owner(till);
    if counted < expected {
        let missing = expected.minus(counted);
        let short = (Chart::Shortage.of_owner(till), missing);
        return Some(Journal::new(subject, Rule::J27a, cause, &[short], &[(cash, missing)]));
    }
    let surplus = counted.minus(expected);
    let over = (Chart::CashOver.of_owner(till), surplus);
    (surplus > Taka::ZERO).then(|| Journal::new(subject, Rule::J27a, cause, &[(cash, surplus)], &[over]))
}
