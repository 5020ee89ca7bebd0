//! Working a batch out while Postgres writes the one before it.
//!
//! The lock is held until a batch is committed, and most of that time Postgres writes while this program waits. What is
//! loaded for the next batch in that time is right unless the batch before changes it; so a batch is worked out ahead
//! only where nothing of it can, and it is written only if, under the lock, the log ends where that batch said and
//! nobody came between. Whatever does not hold is worked out again in its own turn: no answer depends on this, only the
//! time it takes.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::Account;
use protocol::burst::ChainPlace;
use protocol::id::{Author, Digest, Incarnation, Kind, OpId, Scope, Subject};
use protocol::intake::{BurstRow, Chain, Desk, HeldBurst, Taken, Wanted};
use protocol::root::Root;

use super::batch::{self, Work};
use super::{Clerk, Request};
use crate::store::{self, LogHead};

/// What a batch leaves behind when it is committed: what the next one stands on.
pub(super) struct Behind {
    log_id: [u8; 8],
    position: u64,
    journals: u64,
    place: ChainPlace,
    /// Subjects that it wrote on, folded, or moved between scopes.
    subjects: BTreeSet<Subject>,
    accounts: BTreeSet<Account>,
    chains: BTreeMap<(Author, Incarnation), Chain>,
    bursts: BTreeMap<Digest, HeldBurst>,
    numbered: BTreeMap<(Author, Incarnation, u64), Digest>,
    controls: BTreeSet<OpId>,
    roots: BTreeMap<(Scope, u8), Root>,
    revoked: bool,
}

impl Behind {
    /// After `taken` is written behind `head`; `place` is where central's chain stood before.
    pub(super) fn of(head: &LogHead, place: ChainPlace, taken: &Taken) -> Self {
        let written = taken.ops.iter().map(|row| row.subject);
        let moved = taken.members.keys().map(|(_, subject)| *subject);
        let postings = taken.entries.iter().flat_map(|entry| &entry.journal.postings);
        let held = |(digest, answered): (&Digest, &u64)| (*digest, HeldBurst { answered: *answered });
        let numbered = |row: &BurstRow| ((row.burst.head.author, row.burst.head.inc, row.burst.head.seq), row.digest);
        let controls = taken.ops.iter().filter(|row| row.subject.is_scope());
        Self {
            log_id: head.log_id,
            position: head.position + taken.ops.len() as u64,
            journals: head.journals + taken.entries.len() as u64,
            place: taken.place.unwrap_or(place),
            subjects: written.chain(moved).chain(taken.folded.keys().copied()).collect(),
            accounts: postings.map(|posting| posting.account).collect(),
            chains: taken.chains.clone(),
            bursts: taken.answered.iter().map(held).collect(),
            numbered: taken.bursts.iter().map(numbered).collect(),
            controls: controls.map(|row| row.held.id).collect(),
            roots: taken.roots.clone(),
            revoked: !taken.revoked.is_empty(),
        }
    }

    /// Whether the subjects that a group touches are others than those of this. What chains, bursts and roots they have
    /// in common is brought up to date by [`Behind::mend`]; but what parcels an order has is itself changed by parcels,
    /// and a revocation changes what its author wrote anywhere.
    fn leaves(&self, wanted: &Wanted) -> bool {
        let orders = wanted.subjects.iter().any(|subject| subject.kind() == Some(Kind::Order));
        !self.revoked && !orders && wanted.revoked.is_empty() && wanted.subjects.is_disjoint(&self.subjects)
    }

    /// Puts what this leaves into a desk that was loaded before or after it was written. False when it cannot.
    fn mend(&self, desk: &mut Desk, wanted: &Wanted) -> bool {
        if desk.balances.keys().any(|account| self.accounts.contains(account)) {
            return false;
        }
        let own = (self.place.author, self.place.inc);
        let chains = self.chains.iter().filter(|(at, _)| **at == own || wanted.chains.contains(at));
        desk.chains.extend(chains.map(|(at, chain)| (*at, chain.clone())));
        desk.bursts.extend(&self.bursts);
        desk.numbered.extend(&self.numbered);
        desk.control_ids.extend(&self.controls);
        for (key, root) in &mut desk.roots {
            if let Some(moved) = self.roots.get(key) {
                *root = *moved;
            }
        }
        true
    }
}

/// A batch that was worked out, and what it stands on.
pub(super) struct Ahead {
    behind: Behind,
    work: Work,
}

impl Ahead {
    /// The work, if the log ends where it was expected to.
    pub(super) fn still(self, head: &LogHead, place: &ChainPlace) -> Option<Work> {
        let Self { behind, work } = self;
        let ends = (head.log_id, head.position, head.journals) == (behind.log_id, behind.position, behind.journals);
        // A beacon may have been issued since; what it is for is signed all the same.
        let goes_on = (place.author, place.inc, place.seq, place.prev)
            == (work.place.author, work.place.inc, work.place.seq, work.place.prev);
        let stands = ends && goes_on;
        metrics::counter!("intake_ahead_total", "stood" => if stands { "yes" } else { "no" }).increment(1);
        stands.then_some(work)
    }
}

impl Clerk {
    /// Works a group of devices' bursts out behind a batch that holds the lock and is being written. None when it
    /// depends on that batch, or when it cannot be read: it is then worked out in its turn.
    pub(super) async fn ahead(&self, group: &[Request], behind: Behind) -> Option<Ahead> {
        let wanted = batch::wanted(group);
        if !behind.leaves(&wanted) {
            return None;
        }
        let mut tx = self.pool.begin().await.ok()?;
        store::by_key(&mut tx).await.ok()?;
        let work = self.work_behind(&mut tx, group, behind.place, |desk| behind.mend(desk, &wanted)).await.ok()??;
        // It only read; ending it sooner than by dropping frees the connection at once.
        tx.rollback().await.ok()?;
        Some(Ahead { behind, work })
    }
}
