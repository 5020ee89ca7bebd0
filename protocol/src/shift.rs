//! The shift at a till: opened, counted, closed with a number (B3.9). The account says what should be
//! in the drawer, as far as the closing replica knew; what differs is owed or kept apart (J27a).
//!
//! Slots: `open` earliest, `close` earliest. A Z-report is never changed: a late fact of the shift shows
//! at the next one.

use crate::account::Code as Chart;
use crate::contest::{Code, Contest};
use crate::fact::{Fact, TillClosed};
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;
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

/// Folds the facts of one shift, and yields J27a.
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
    shift.contests = records.contests();
    (shift, journals)
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
