//! The ledger as an append-only history whose net equals T (SPEC S5).
//!
//! Every journal has a key that does not depend on amounts. Even revisions post, odd ones reverse the
//! one before. Whatever the order in which facts arrive, the net by key is T.

use std::collections::BTreeMap;

use crate::account::Account;
use crate::journal::{Journal, Key, Posting};
use crate::taka::Taka;

/// The last revision of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its revision number.
    pub rev: u32,
    /// The journal as last posted.
    pub journal: Journal,
}

impl Standing {
    /// Whether the journal stands; if not, it was reversed.
    #[must_use]
    pub const fn is_posted(&self) -> bool {
        self.rev % 2 == 0
    }
}

/// One row of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Revision: even posts, odd reverses.
    pub rev: u32,
    /// The journal; of a reversal, with the amounts that are taken back (signs turned).
    pub journal: Journal,
}

/// What has to be appended so that the net of the subject's keys equals `journals`.
#[must_use]
pub fn difference(standing: &BTreeMap<Key, Standing>, journals: &[Journal]) -> Vec<Entry> {
    let wanted: BTreeMap<Key, &Journal> = journals.iter().map(|journal| (journal.key(), journal)).collect();
    let mut entries = Vec::new();
    for (key, stands) in standing.iter().filter(|(_, stands)| stands.is_posted()) {
        if wanted.get(key).is_none_or(|journal| journal.postings != stands.journal.postings) {
            entries.push(Entry { rev: stands.rev + 1, journal: reversed(&stands.journal) });
        }
    }
    for (key, journal) in wanted {
        match standing.get(&key) {
            None => entries.push(Entry { rev: 0, journal: journal.clone() }),
            Some(stands) if stands.is_posted() && stands.journal.postings == journal.postings => {}
            Some(stands) => {
                let rev = if stands.is_posted() { stands.rev + 2 } else { stands.rev + 1 };
                entries.push(Entry { rev, journal: journal.clone() });
            }
        }
    }
    entries
}

fn reversed(journal: &Journal) -> Journal {
    let turn = |posting: &Posting| Posting { account: posting.account, amount: posting.amount.negated() };
    Journal { postings: journal.postings.iter().map(turn).collect(), ..journal.clone() }
}

/// Applies entries to the standing keys.
pub fn stand(standing: &mut BTreeMap<Key, Standing>, entries: &[Entry]) {
    for entry in entries {
        let journal = if entry.rev % 2 == 0 { entry.journal.clone() } else { reversed(&entry.journal) };
        standing.insert(entry.journal.key(), Standing { rev: entry.rev, journal });
    }
}

/// Net by account of some postings.
#[must_use]
pub fn net<'a>(postings: impl IntoIterator<Item = &'a Posting>) -> BTreeMap<Account, Taka> {
    let mut net: BTreeMap<Account, Taka> = BTreeMap::new();
    for posting in postings {
        let sum = net.entry(posting.account).or_default();
        *sum = sum.plus(posting.amount);
    }
    net.retain(|_, sum| *sum != Taka::ZERO);
    net
}
