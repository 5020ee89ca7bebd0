//! A store in memory: the rows that SQLite and Postgres keep, as maps. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code};
use protocol::burst::{Burst, Slot};
use protocol::fact::Revoked;
use protocol::fold::{self, Folded};
use protocol::history::History;
use protocol::id::{Author, Digest, Incarnation, OpId, Scope, ShortId, Subject};
use protocol::intake::{self, Chain, Desk, Generations, HeldBurst, HeldOp, OpRow, Taken, Wanted};
use protocol::journal::{Journal, Key};
use protocol::ledger::{self, Standing};
use protocol::ranges::Element;
use protocol::root::Root;
use protocol::seat::{Certificate, Seat, bits};
use protocol::sketch::Sketch;
use protocol::taka::Taka;

/// Few, so that worlds as small as these ask for cells beyond them, too.
const KEPT_CELLS: usize = 24;

/// A burst as it is kept: head and signature; slots are the ops.
#[derive(Clone)]
pub struct KeptBurst {
    head: Burst,
    ids: Vec<OpId>,
    answered: u64,
}

/// Everything one replica keeps.
#[derive(Clone, Default)]
pub struct Memory {
    pub certificates: BTreeMap<Author, Certificate>,
    seats: BTreeMap<Author, Seat>,
    numbered: BTreeMap<(Author, Incarnation, u64), Digest>,
    pub revocations: BTreeMap<Author, Vec<Revoked>>,
    pub bursts: BTreeMap<Digest, KeptBurst>,
    pub ops: BTreeMap<OpId, (u64, OpRow)>,
    pub by_subject: BTreeMap<Subject, Vec<OpId>>,
    pub members: BTreeMap<Subject, BTreeMap<Scope, (Generations, u64)>>,
    pub roots: BTreeMap<(Scope, u8), Root>,
    /// Moved on with the roots; [`Memory::sketches_stand`] holds them to the ids.
    sketches: BTreeMap<(Scope, u8), Sketch>,
    pub chains: BTreeMap<(Author, Incarnation), Chain>,
    pub standing: BTreeMap<Subject, BTreeMap<Key, Standing>>,
    pub balances: BTreeMap<Account, Taka>,
    pub position: u64,
    pub duplicates: u64,
    pub refused: u64,
}

impl Memory {
    pub fn with_certificates(certificates: impl IntoIterator<Item = Certificate>) -> Self {
        let mut memory = Self::default();
        certificates.into_iter().for_each(|certificate| memory.add_certificate(certificate));
        memory
    }

    pub fn add_certificate(&mut self, certificate: Certificate) {
        let author = certificate.author();
        self.seats.insert(author, certificate.seat.clone());
        self.certificates.insert(author, certificate);
    }

    /// Loads what a batch touches.
    pub fn desk(&self, wanted: &Wanted) -> Desk {
        let mut subjects = wanted.subjects.clone();
        for row in self.ops.values().map(|(_, row)| row).filter(|row| wanted.revoked.contains(&row.held.author)) {
            subjects.insert(row.subject);
        }
        let mut desk = Desk { seats: self.seats.clone(), revocations: self.revocations.clone(), ..Desk::default() };
        for digest in &wanted.digests {
            if let Some(kept) = self.bursts.get(digest) {
                desk.bursts.insert(*digest, HeldBurst { answered: kept.answered });
            }
        }
        for (author, inc) in &wanted.chains {
            let chain = self.numbered.range((*author, *inc, 0)..=(*author, *inc, u64::MAX));
            desk.numbered.extend(chain.map(|(at, digest)| (*at, *digest)));
        }
        for at in &wanted.chains {
            desk.chains.insert(*at, self.chains.get(at).cloned().unwrap_or_default());
        }
        for subject in subjects.into_iter().filter(|subject| !subject.is_scope()) {
            if let Some(ids) = self.by_subject.get(&subject) {
                desk.ops.insert(subject, ids.iter().map(|id| self.ops[id].1.held.clone()).collect());
            }
            if let Some(scopes) = self.members.get(&subject) {
                desk.members.insert(subject, scopes.iter().map(|(scope, (g, _))| (*scope, *g)).collect());
            }
            if let Some(standing) = self.standing.get(&subject) {
                desk.standing.insert(subject, standing.clone());
            }
        }
        desk.control_ids = wanted.control_ids.iter().filter(|id| self.ops.contains_key(id)).copied().collect();
        desk.roots.clone_from(&self.roots);
        // As central loads them: strict accounts, and what was paid ahead.
        let decides = |(account, _): &(&Account, &Taka)| account.code.is_strict() || account.code == Code::Escrow;
        desk.balances = self.balances.iter().filter(decides).map(|(a, b)| (*a, *b)).collect();
        desk
    }

    /// Whether every open slot of a burst is answered already: it need not be verified again.
    pub fn holds(&mut self, burst: &Burst) -> bool {
        let Some(kept) = self.bursts.get(&burst.digest()) else { return false };
        let open = |(index, slot): (usize, &Slot)| if matches!(slot, Slot::Open(_)) { 1u64 << index } else { 0 };
        let open: u64 = burst.slots.iter().enumerate().map(open).sum();
        let held = kept.answered & open == open;
        self.duplicates += if held { u64::from(open.count_ones()) } else { 0 };
        held
    }

    /// Writes what a batch did.
    pub fn apply(&mut self, taken: Taken) {
        let start = self.position;
        for row in taken.bursts {
            let head = Burst { slots: Vec::new(), ..row.burst };
            self.numbered.insert((head.head.author, head.head.inc, head.head.seq), row.digest);
            self.bursts.insert(row.digest, KeptBurst { head, ids: row.ids, answered: 0 });
        }
        for (digest, answered) in taken.answered {
            if let Some(kept) = self.bursts.get_mut(&digest) {
                kept.answered |= answered;
            }
        }
        for row in taken.ops {
            self.position += 1;
            self.by_subject.entry(row.subject).or_default().push(row.held.id);
            let twice = self.ops.insert(row.held.id, (self.position, row));
            assert!(twice.is_none(), "an op is stored once");
        }
        for ((scope, subject), (generations, index)) in taken.members {
            let kept = self.members.entry(subject).or_default().entry(scope).or_default();
            if kept.0.is_member() != generations.is_member() {
                kept.1 = start + 1 + index as u64;
            }
            kept.0 = generations;
        }
        for (at, moves) in &taken.moves {
            let sketch = self.sketches.entry(*at).or_insert_with(|| Sketch::empty(KEPT_CELLS));
            moves.iter().for_each(|shift| sketch.shift(*shift));
        }
        self.roots.extend(taken.roots);
        self.chains.extend(taken.chains);
        for revoked in taken.revoked {
            self.revocations.entry(revoked.author).or_default().push(revoked);
        }
        for entry in &taken.entries {
            let standing = self.standing.entry(entry.journal.subject).or_default();
            ledger::stand(standing, std::slice::from_ref(entry));
            self.post(&entry.journal);
        }
        self.duplicates += taken.duplicates;
        self.refused += taken.refused.len() as u64;
    }

    /// Adds a journal to the balances.
    pub fn post(&mut self, journal: &Journal) {
        for posting in &journal.postings {
            let balance = self.balances.entry(posting.account).or_default();
            *balance = balance.plus(posting.amount);
        }
    }

    /// The numbers of an author's bursts that are held of one life.
    pub fn numbers(&self, author: Author, inc: Incarnation) -> BTreeSet<u64> {
        let of = self.numbered.range((author, inc, 0)..=(author, inc, u64::MAX));
        of.map(|((_, _, seq), _)| *seq).collect()
    }

    /// The author of a burst that somebody else signed, if there is one.
    pub fn forged(&self) -> Option<Author> {
        let whole = |digest: &Digest| self.burst(digest, |_| true);
        let mut bursts = self.bursts.keys().map(whole);
        let forged = bursts.find(|burst| {
            let seat = self.seats.get(&burst.head.author);
            seat.is_none_or(|seat| intake::verify(burst.clone(), seat).is_err())
        });
        forged.map(|burst| burst.head.author)
    }

    pub fn history(&self, subject: Subject) -> History {
        let held: Vec<HeldOp> =
            self.by_subject.get(&subject).into_iter().flatten().map(|id| self.ops[id].1.held.clone()).collect();
        intake::history_of(&held, &self.seats, &self.revocations)
    }

    pub fn folded(&self, subject: Subject) -> Option<Folded> {
        self.by_subject.contains_key(&subject).then(|| fold::fold(subject, &self.history(subject)))
    }

    /// Bursts that hold these ops, all else withheld.
    pub fn bursts_with(&self, ids: &BTreeSet<OpId>) -> Vec<Burst> {
        let mut digests: Vec<(u64, Digest)> = Vec::new();
        let mut seen = BTreeSet::new();
        for id in ids {
            let (position, row) = &self.ops[id];
            if seen.insert(row.digest) {
                digests.push((*position, row.digest));
            }
        }
        digests.sort_unstable();
        digests.into_iter().map(|(_, digest)| self.burst(&digest, |id| ids.contains(id))).collect()
    }

    /// A kept burst, with the slots that are held and may be seen.
    pub fn burst(&self, digest: &Digest, may_see: impl Fn(&OpId) -> bool) -> Burst {
        let kept = &self.bursts[digest];
        let slot = |id: &OpId| match self.ops.get(id) {
            Some((_, row)) if may_see(id) => Slot::Open(row.held.bytes.clone()),
            _ => Slot::Withheld(*id),
        };
        Burst { slots: kept.ids.iter().map(slot).collect(), ..kept.head.clone() }
    }

    /// Scopes that a seat may read and of which something is known here.
    pub fn readable(&self, seat: &Seat) -> BTreeSet<Scope> {
        let known = self.members.values().flat_map(BTreeMap::keys).chain(self.roots.keys().map(|(scope, _)| scope));
        known.filter(|scope| seat.may(bits::READ, scope)).copied().collect()
    }

    /// Ids of set(scope, lane).
    pub fn set(&self, scope: Scope, lane: u8) -> Vec<OpId> {
        let member = |subject: &Subject| {
            *subject == scope
                || self.members.get(subject).and_then(|scopes| scopes.get(&scope)).is_some_and(|(g, _)| g.is_member())
        };
        let mut ids: Vec<OpId> = self
            .ops
            .values()
            .filter(|(_, row)| row.lane == lane && member(&row.subject))
            .map(|(_, row)| row.held.id)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// The first cells of set(scope, lane), from the kept ones and, beyond them, from the ids.
    pub fn sketch(&self, scope: Scope, lane: u8, cells: usize) -> Sketch {
        let mut sketch = self.sketches.get(&(scope, lane)).cloned().unwrap_or_default();
        sketch.extend(self.set(scope, lane).iter().map(OpId::short), cells);
        sketch.first(cells)
    }

    /// Every kept sketch is that of the ids, and every root, too.
    pub fn sketches_stand(&self) {
        for ((scope, lane), root) in &self.roots {
            let ids = self.set(*scope, *lane);
            let kept = self.sketches.get(&(*scope, *lane));
            assert_eq!(kept, Some(&Sketch::of(ids.iter().map(OpId::short), KEPT_CELLS)), "{scope} {lane}");
            assert_eq!(root.count, ids.len() as u64, "{scope} {lane}");
        }
    }

    /// The ops of set(scope, lane), as ranges order them.
    pub fn elements(&self, scope: Scope, lane: u8) -> Vec<Element> {
        let element = |id: &OpId| Element { time_ms: self.ops[id].1.held.time_ms, id: *id };
        let mut elements: Vec<Element> = self.set(scope, lane).iter().map(element).collect();
        elements.sort_unstable();
        elements
    }

    pub fn of_prefixes(&self, shorts: &[ShortId]) -> BTreeSet<OpId> {
        let wanted: BTreeSet<&ShortId> = shorts.iter().collect();
        self.ops.keys().filter(|id| wanted.contains(&id.short())).copied().collect()
    }

    /// Sums by account of T(S) over the open members of these scopes.
    pub fn books(&self, scopes: &BTreeSet<Scope>) -> BTreeMap<Account, Taka> {
        let open = |scopes_of: &BTreeMap<Scope, (Generations, u64)>| {
            scopes_of.iter().any(|(scope, (g, _))| g.is_member() && scopes.contains(scope))
        };
        let mut sums = BTreeMap::new();
        for (subject, _) in self.members.iter().filter(|(_, of)| open(of)) {
            for journal in self.folded(*subject).map(|folded| folded.journals).unwrap_or_default() {
                for (account, net) in ledger::net(&journal.postings) {
                    let sum: &mut Taka = sums.entry(account).or_default();
                    *sum = sum.plus(net);
                }
            }
        }
        sums
    }
}
