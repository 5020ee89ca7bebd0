//! What a subject says once. The first record stands; a second one of the same kind is not erased, it
//! waits for a person: two people recorded one thing, or one thing happened twice.

use std::collections::BTreeSet;

use crate::contest::{Code, Contest};
use crate::fact::Fact;
use crate::history::{History, MAX_FACTS};
use crate::slot::{self, Claim};

/// The records of one subject, with what is contested so far.
pub(crate) struct Records<'a> {
    history: &'a History,
    contests: BTreeSet<Contest>,
}

impl<'a> Records<'a> {
    /// Contests what hangs on single facts: revoked authors, too many facts.
    pub(crate) fn of(history: &'a History) -> Self {
        let mut records = Self { history, contests: BTreeSet::new() };
        for (index, seen) in history.facts.iter().enumerate() {
            if seen.doubted {
                records.contest(index, Code::RevokedAuthor);
            }
        }
        if history.facts.len() > MAX_FACTS {
            records.contest(MAX_FACTS, Code::SubjectFull);
        }
        records
    }

    /// Names a fact that waits for a ruling.
    pub(crate) fn contest(&mut self, index: usize, code: Code) {
        self.contests.insert(Contest { op: self.history.facts[index].id, code });
    }

    /// The first record that `pick` knows, by causality and then by its id; every other is contested.
    pub(crate) fn once<T: 'a>(&mut self, pick: impl Fn(&'a Fact) -> Option<&'a T> + 'a) -> Option<(usize, &'a T)> {
        let all: Vec<(usize, &'a T)> = self.history.acts_of(pick).collect();
        let claims: Vec<Claim> = all.iter().map(|(fact, _)| Claim { fact: *fact, evidence: 0, authority: 0 }).collect();
        let first = slot::earliest(self.history, &claims)?.winner.fact;
        for (index, _) in all.iter().filter(|(index, _)| *index != first) {
            self.contest(*index, Code::RecordedTwice);
        }
        all.into_iter().find(|(index, _)| *index == first)
    }

    /// What waits for a ruling, in order.
    pub(crate) fn contests(self) -> Vec<Contest> {
        self.history.waiting(self.contests)
    }
}
