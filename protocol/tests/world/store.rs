//! A replica's tables in memory: what a desk is loaded from and what a taken batch is written to.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::Account;
use protocol::burst::Burst;
use protocol::fact::Revoked;
use protocol::fold::{Folded, fold};
use protocol::history::History;
use protocol::id::{Author, Digest, Incarnation, OpId, Scope, Subject};
use protocol::intake::{self, Chain, Clerk, Desk, Generations, HeldBurst, HeldOp, RefusedRow, Taken, Verified, Wanted};
use protocol::journal::Key;
use protocol::ledger::{self, Entry, Standing};
use protocol::root::Root;
use protocol::seat::Seat;
use protocol::taka::Taka;

/// All tables of one replica.
#[derive(Clone, Default)]
pub(crate) struct Store {
    pub(crate) seats: BTreeMap<Author, Seat>,
    pub(crate) revocations: BTreeMap<Author, Vec<Revoked>>,
    pub(crate) bursts: BTreeMap<Digest, (Burst, Vec<OpId>, u64)>,
    /// Digests in the order in which they came.
    pub(crate) log: Vec<Digest>,
    pub(crate) numbered: BTreeMap<(Author, Incarnation, u64), Digest>,
    pub(crate) chains: BTreeMap<(Author, Incarnation), Chain>,
    pub(crate) ops: BTreeMap<Subject, Vec<HeldOp>>,
    pub(crate) control_ids: BTreeSet<OpId>,
    pub(crate) members: BTreeMap<Subject, BTreeMap<Scope, Generations>>,
    pub(crate) roots: BTreeMap<(Scope, u8), Root>,
    pub(crate) standing: BTreeMap<Subject, BTreeMap<Key, Standing>>,
    pub(crate) balances: BTreeMap<Account, Taka>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) refused: Vec<RefusedRow>,
    pub(crate) folded: BTreeMap<Subject, Folded>,
}

impl Store {
    /// Takes a batch: loads, decides, writes.
    pub(crate) fn take(&mut self, bursts: Vec<Verified>, clerk: Option<Clerk<'_>>) -> Taken {
        let desk = self.desk(&Wanted::by(&bursts));
        let taken = intake::take(desk, bursts, clerk);
        self.write(&taken);
        taken
    }

    /// The rows that a batch touches, and no other.
    pub(crate) fn desk(&self, wanted: &Wanted) -> Desk {
        let by_revoked = |ops: &&Vec<HeldOp>| ops.iter().any(|held| wanted.revoked.contains(&held.author));
        let again = self.ops.iter().filter(|(_, ops)| by_revoked(ops)).map(|(subject, _)| *subject);
        let subjects: BTreeSet<Subject> = wanted.subjects.iter().copied().chain(again).collect();
        self.desk_of(&subjects, wanted)
    }

    /// The same with these subjects instead of the wanted ones.
    pub(crate) fn desk_of(&self, subjects: &BTreeSet<Subject>, wanted: &Wanted) -> Desk {
        let held = |digest: &Digest| {
            self.bursts.get(digest).map(|(_, _, answered)| (*digest, HeldBurst { answered: *answered }))
        };
        Desk {
            seats: self.seats.clone(),
            revocations: self.revocations.clone(),
            bursts: wanted.digests.iter().filter_map(held).collect(),
            numbered: self.numbered.clone(),
            chains: pick(&self.chains, wanted.chains.iter()),
            ops: pick(&self.ops, subjects.iter()),
            control_ids: self.control_ids.intersection(&wanted.control_ids).copied().collect(),
            members: pick(&self.members, subjects.iter()),
            roots: self.roots.clone(),
            standing: pick(&self.standing, subjects.iter()),
            balances: self.balances.clone(),
            again: BTreeSet::new(),
        }
    }

    /// Writes what a batch did.
    pub(crate) fn write(&mut self, taken: &Taken) {
        for row in &taken.bursts {
            let at = (row.burst.head.author, row.burst.head.inc, row.burst.head.seq);
            self.numbered.insert(at, row.digest);
            self.bursts.insert(row.digest, (row.burst.clone(), row.ids.clone(), 0));
            self.log.push(row.digest);
        }
        for (digest, answered) in &taken.answered {
            if let Some((_, _, before)) = self.bursts.get_mut(digest) {
                *before |= answered;
            }
        }
        for row in &taken.ops {
            if row.subject.is_scope() {
                self.control_ids.insert(row.held.id);
            } else {
                self.ops.entry(row.subject).or_default().push(row.held.clone());
            }
        }
        for ((scope, subject), (generations, _)) in &taken.members {
            self.members.entry(*subject).or_default().insert(*scope, *generations);
        }
        self.roots.extend(taken.roots.iter().map(|(at, root)| (*at, *root)));
        for entry in &taken.entries {
            let standing = self.standing.entry(entry.journal.subject).or_default();
            ledger::stand(standing, std::slice::from_ref(entry));
            for posting in &entry.journal.postings {
                let balance = self.balances.entry(posting.account).or_default();
                *balance = balance.plus(posting.amount);
            }
        }
        self.entries.extend(taken.entries.iter().cloned());
        self.refused.extend(taken.refused.iter().cloned());
        self.chains.extend(taken.chains.iter().map(|(at, chain)| (*at, chain.clone())));
        for revoked in &taken.revoked {
            self.revocations.entry(revoked.author).or_default().push(revoked.clone());
        }
        self.folded.extend(taken.folded.iter().map(|(subject, folded)| (*subject, folded.clone())));
    }

    /// The history of one subject.
    pub(crate) fn history(&self, subject: Subject) -> History {
        let ops = self.ops.get(&subject).map_or(&[][..], Vec::as_slice);
        intake::history_of(ops, &self.seats, &self.revocations)
    }

    /// The state of one subject, folded anew.
    pub(crate) fn fold(&self, subject: Subject) -> Folded {
        fold(subject, &self.history(subject))
    }
}

fn pick<'a, K: Ord + Clone + 'a, V: Clone>(all: &BTreeMap<K, V>, keys: impl Iterator<Item = &'a K>) -> BTreeMap<K, V> {
    keys.filter_map(|key| all.get(key).map(|value| (key.clone(), value.clone()))).collect()
}
