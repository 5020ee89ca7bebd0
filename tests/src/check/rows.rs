//! Rows that both stores have, and what bytes alone prove of them.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;
use protocol::burst::{Burst, Head, Slot};
use protocol::id::{Author, Digest, Incarnation, OpId, Scope, Subject};
use protocol::intake::HeldOp;
use protocol::root::Root;
use protocol::seat::{Role, Seat};

/// An op as stored.
#[derive(Clone, Debug)]
pub(super) struct OpRow {
    /// The burst it came in, and its slot there.
    pub(super) at: (Digest, usize),
    /// What it is about.
    pub(super) subject: Subject,
    /// Its lane.
    pub(super) lane: u8,
    /// The rest.
    pub(super) held: HeldOp,
}

/// A burst as stored.
#[derive(Clone, Debug)]
pub(super) struct BurstRow {
    /// Its key.
    pub(super) digest: Digest,
    /// Its author.
    pub(super) author: Author,
    /// The author's incarnation.
    pub(super) inc: Incarnation,
    /// Its number.
    pub(super) seq: u64,
    /// The encoded head.
    pub(super) head: Vec<u8>,
    /// The signature.
    pub(super) sig: [u8; 64],
    /// Ids of all its slots.
    pub(super) ids: Vec<OpId>,
}

/// Ops by id.
pub(super) type Ops = BTreeMap<OpId, OpRow>;
/// Ids by scope and lane.
pub(super) type Sets = BTreeMap<(Scope, u8), BTreeSet<OpId>>;
/// Roots by scope and lane; empty sets are left out.
pub(super) type Roots = BTreeMap<(Scope, u8), Root>;
/// Open memberships: scope, subject.
pub(super) type Members = BTreeSet<(Scope, Subject)>;

/// The ids that are one after the other in a column.
pub(super) fn ids_of(bytes: &[u8]) -> Vec<OpId> {
    bytes.as_chunks::<32>().0.iter().map(|id| OpId(*id)).collect()
}

/// The sets of these scopes, made from ops and memberships.
pub(super) fn sets(ops: &Ops, members: &Members, readable: impl Fn(&Scope) -> bool) -> Sets {
    let mut scopes: BTreeMap<Subject, Vec<Scope>> = BTreeMap::new();
    for (scope, subject) in members.iter().filter(|(scope, _)| readable(scope)) {
        scopes.entry(*subject).or_default().push(*scope);
    }
    let mut sets = Sets::new();
    for (id, op) in ops {
        if op.subject.is_scope() && readable(&op.subject) {
            sets.entry((op.subject, op.lane)).or_default().insert(*id);
        }
        for scope in scopes.get(&op.subject).into_iter().flatten() {
            sets.entry((*scope, op.lane)).or_default().insert(*id);
        }
    }
    sets
}

/// Names every stored root that is not the root of its set.
pub(super) fn check_roots(who: &str, sets: &Sets, stored: &Roots, problems: &mut Vec<String>) -> bool {
    let mut made = Roots::new();
    for (key, ids) in sets {
        let root = made.entry(*key).or_default();
        ids.iter().for_each(|id| root.join(id));
    }
    let keys: BTreeSet<&(Scope, u8)> = made.keys().chain(stored.keys()).collect();
    let wrong = keys.into_iter().filter(|key| made.get(*key) != stored.get(*key));
    let before = problems.len();
    problems.extend(wrong.map(|(scope, lane)| {
        format!("{who}: the stored root of {scope} lane {lane} is not the root of the ops that are held")
    }));
    problems.len() == before
}

/// Names every op whose bytes are not what its author signed, and every burst that nobody signed.
pub(super) fn check_bytes(
    who: &str,
    bursts: &[BurstRow],
    ops: &Ops,
    seats: &BTreeMap<Author, Seat>,
    problems: &mut Vec<String>,
) {
    let mut slots: BTreeMap<(Digest, usize), &OpRow> = BTreeMap::new();
    for op in ops.values() {
        if slots.insert(op.at, op).is_some() {
            problems.push(format!("{who}: op {} stands in a slot that another op has", op.held.id));
        }
    }
    let mut known: BTreeSet<Digest> = BTreeSet::new();
    for row in bursts {
        known.insert(row.digest);
        let Ok((head, _)) = Head::decode_front(&row.head) else {
            problems.push(format!("{who}: burst {} has no head that can be read", row.digest));
            continue;
        };
        let named = (head.author, head.inc, head.seq) == (row.author, row.inc, row.seq);
        let open = |(index, id): (usize, &OpId)| match slots.get(&(row.digest, index)) {
            Some(op) => Slot::Open(op.held.bytes.clone()),
            None => Slot::Withheld(*id),
        };
        let burst = Burst { head, sig: row.sig, slots: row.ids.iter().enumerate().map(open).collect() };
        let ids = burst.ids();
        for (index, id) in ids.iter().enumerate() {
            let held = slots.get(&(row.digest, index)).map(|op| op.held.id);
            if *id != row.ids[index] || held.is_some_and(|held| held != *id) {
                problems.push(format!("{who}: op {} is not what its author signed", held.unwrap_or(row.ids[index])));
            }
        }
        let key = seats.get(&row.author).and_then(|seat| VerifyingKey::from_bytes(&seat.key).ok());
        if !named || burst.digest() != row.digest || !key.is_some_and(|key| burst.is_signed_by(&key)) {
            problems.push(format!("{who}: burst {} (number {}) is not signed by its author", row.digest, row.seq));
        }
    }
    for op in ops.values().filter(|op| !known.contains(&op.at.0)) {
        problems.push(format!("{who}: op {} has no burst", op.held.id));
    }
}

/// Whether ops of this seat are counted: people's devices, not central.
pub(super) fn is_edge(seat: &Seat) -> bool {
    matches!(seat.role(), Role::Site | Role::Agent | Role::Vendor)
}
