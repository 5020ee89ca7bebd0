//! A line of a bank's statement that nothing else explains: a charge (J13c), or a credit that waits for its owner
//! (J29). A credit that is identified is told by the thing it belongs to, so the line's own posting goes: one credit
//! stands in the bank's account once.

use crate::account::Code as Chart;
use crate::contest::Contest;
use crate::fact::{Fact, LineBooked};
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::record::Records;

/// What the facts of one line come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What it was booked as.
    pub booked: Option<LineBooked>,
    /// The fact that says so.
    pub booked_by: Option<OpId>,
    /// Whose it turned out to be.
    pub identified: Option<Subject>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Line {
    /// `unknown`, `waiting`, `identified` or `charge`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (&self.booked, self.identified) {
            (None, _) => "unknown",
            (Some(booked), _) if booked.what == LineBooked::CHARGE => "charge",
            (Some(_), None) => "waiting",
            (Some(_), Some(_)) => "identified",
        }
    }
}

/// Folds the facts of one line, and yields J13c or J29.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Line, Vec<Journal>) {
    let mut line = Line { incomplete: history.incomplete, newer: history.newer, ..Line::default() };
    let mut records = Records::of(history);
    let booked = records.once(|fact| if let Fact::LineBooked(b) = fact { Some(b) } else { None });
    if let Some((_, identified)) = records.once(|fact| if let Fact::LineIdentified(i) = fact { Some(i) } else { None })
    {
        line.identified = Some(identified.subject);
    }
    let mut journals = Vec::new();
    if let Some((index, booked)) = booked {
        let cause = history.facts[index].id;
        line.booked = Some(booked.clone());
        line.booked_by = Some(cause);
        journals.extend(journal(subject, cause, booked, line.identified));
    }
    line.contests = records.contests();
    (line, journals)
}

fn journal(subject: Subject, cause: OpId, booked: &LineBooked, identified: Option<Subject>) -> Option<Journal> {
    let side = if booked.side == 1 { Chart::Settlement } else { Chart::Operating };
    let bank = side.of_owner(booked.bank);
    if booked.what == LineBooked::CHARGE {
        let charge = booked.amount.negated();
        let debits = [(Chart::BankCharges.whole(), charge)];
        return Some(Journal::new(subject, Rule::J13c, cause, &debits, &[(bank, charge)]));
    }
    // By line, not in one heap: each credit that waits has its own age and its own end.
    let suspense = (Chart::Unidentified.of_owner(subject), booked.amount);
    identified.is_none().then(|| Journal::new(subject, Rule::J29, cause, &[(bank, booked.amount)], &[suspense]))
}
