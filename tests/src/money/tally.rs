//! The checker's own books: sums of what was posted, kept row by row, and who has which journal standing. Nothing here is
//! read from the balances of the product.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code};
use protocol::id::Subject;
use protocol::journal::{Journal, Key, Posting};
use protocol::taka::Taka;

use super::office::Row;
use super::shape;
use super::street::grow;

/// Own sums.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Rows that were looked at.
    pub seen: usize,
    /// Net by account.
    pub sums: BTreeMap<Account, Taka>,
    /// Σ of everything: zero (invariant 1).
    pub total: Taka,
    /// The last revision of each key, with what was posted under it.
    revisions: BTreeMap<Key, (u32, Vec<Posting>)>,
    ids: BTreeSet<[u8; 16]>,
    /// Journals that stand, by subject.
    standing: BTreeMap<Subject, BTreeMap<Key, Journal>>,
}

impl Tally {
    /// Takes new rows: each balances, is of a shape that the catalogue knows, has an id of its own, and follows the
    /// revision before it (invariants 1, 3, 20).
    pub fn take(&mut self, rows: &[Row]) -> Result<BTreeSet<Account>, String> {
        let mut touched = BTreeSet::new();
        for row in rows {
            self.seen += 1;
            let (journal, rev) = (&row.entry.journal, row.entry.rev);
            let key = journal.key();
            if !self.ids.insert(key.revision(rev)) {
                return Err(format!("{journal} has the id of another row"));
            }
            let before = self.revisions.get(&key);
            if rev != before.map_or(0, |(rev, _)| rev + 1) {
                return Err(format!("{journal} is revision {rev} after {:?}", before.map(|(rev, _)| rev)));
            }
            if rev % 2 == 0 {
                shape::holds(journal)?;
                self.standing.entry(journal.subject).or_default().insert(key, journal.clone());
            } else {
                let turned = |line: &Posting| Posting { amount: line.amount.negated(), ..*line };
                let posted: Vec<Posting> = journal.postings.iter().map(turned).collect();
                if before.is_none_or(|(_, before)| *before != posted) {
                    return Err(format!("{journal} does not take back what was posted"));
                }
                self.standing.entry(journal.subject).or_default().remove(&key);
            }
            self.revisions.insert(key, (rev, journal.postings.clone()));
            for line in &journal.postings {
                grow(&mut self.sums, line.account, line.amount);
                self.total = self.total.plus(line.amount);
                touched.insert(line.account);
            }
        }
        if self.total != Taka::ZERO {
            return Err(format!("debits and credits differ by {}", self.total));
        }
        Ok(touched)
    }

    /// The net of an account, debit positive.
    pub fn of(&self, account: Account) -> Taka {
        self.sums.get(&account).copied().unwrap_or_default()
    }

    /// What stands of a subject.
    pub fn standing<'a>(&'a self, subject: &Subject) -> impl Iterator<Item = &'a Journal> + use<'a> {
        self.standing.get(subject).into_iter().flat_map(BTreeMap::values)
    }

    /// Everything that stands.
    pub fn all_standing(&self) -> impl Iterator<Item = &Journal> {
        self.standing.values().flat_map(BTreeMap::values)
    }
}

/// Σ of a journal's lines on the accounts of a code, debit positive.
#[must_use]
pub fn on(journal: &Journal, code: Code) -> Taka {
    journal.postings.iter().filter(|line| line.account.code == code).map(|line| line.amount).sum()
}
