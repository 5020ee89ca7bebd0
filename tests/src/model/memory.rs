//! A store in memory: the rows that SQLite and Postgres keep, as maps. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code};
use protocol::burst::{Burst, Slot};
use protocol::fact::{Fact, Reading, Revoked};
use protocol::fold::{self, Folded};
use protocol::history::History;
use protocol::id::{Author, Digest, Incarnation, OpId, Scope, ShortId, Subject};
use protocol::intake::{self, Chain, Desk, Generations, HeldBurst, HeldOp, OpRow, Taken, Wanted};
use protocol::journal::{Journal, Key};
use protocol::ledger::{self, Standing};
use protocol::op::Op;
use protocol::ranges::Element;
use protocol::root::Root;
use protocol::seat::{Certificate, Seat, bits};
use protocol::sketch::Sketch;
use protocol::taka::Taka;

/// Number of `Close`.
const CLOSE: u16 = 0x0002;
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
    /// What closed subjects leave: by subject, the scope, its generation, central's beacon at that time, nets.
    closes: BTreeMap<Subject, (Scope, u32, u64, BTreeMap<Account, Taka>)>,
    /// What is left of closed subjects that are held no more, or not believed.
    pub carried: BTreeMap<Subject, BTreeMap<Account, Taka>>,
    /// Whose replica it is.
    own: Option<Author>,
    /// The newest beacon that was heard.
    pub beacon: u64,
    /// Subjects let go, and those whose amounts here were not central's.
    pub let_go: u64,
    pub differed: u64,
    pub position: u64,
    /// Up to this position central is known to hold what others wrote.
    pub proven: u64,
    pub duplicates: u64,
    pub refused: u64,
}

impl Memory {
    pub fn with_certificates(certificates: impl IntoIterator<Item = Certificate>) -> Self {
        let mut memory = Self::default();
        certificates.into_iter().for_each(|certificate| memory.add_certificate(certificate));
        memory
    }

    /// The replica of this author.
    pub fn of(mut self, author: Author) -> Self {
        self.own = Some(author);
        self
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
        let closes: Vec<(Scope, Vec<u8>, Digest)> = taken
            .ops
            .iter()
            .filter(|row| row.class_kind == CLOSE)
            .map(|row| (row.subject, row.held.bytes.clone(), row.digest))
            .collect();
        // An own record is news; what others bring of a closed subject is not.
        for row in taken.ops.iter().filter(|row| Some(row.held.author) == self.own) {
            self.carried.remove(&row.subject);
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
            if generations.is_member() {
                self.carried.remove(&subject);
                self.closes.remove(&subject);
            }
        }
        closes.iter().for_each(|(scope, bytes, digest)| self.note_close(*scope, bytes, digest));
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

    /// Keeps what one Close says, when it stands.
    fn note_close(&mut self, scope: Scope, bytes: &[u8], digest: &Digest) {
        let at = self.bursts.get(digest).map_or(0, |kept| kept.head.head.beacon);
        let Ok(op) = Op::decode(bytes) else { return };
        let Reading::Known(Fact::Close(close)) = Fact::read(op.class_kind, &op.payload) else { return };
        for subject in close.subjects {
            let held = self.members.get(&subject).and_then(|of| of.get(&scope)).map(|(g, _)| *g).unwrap_or_default();
            if held.close != close.generation || held.is_member() {
                continue;
            }
            let net = |left: &protocol::fact::Carry| {
                Some((Account { code: Code::of(left.code)?, owner: left.owner }, left.net))
            };
            let nets: BTreeMap<Account, Taka> = close.carry.iter().filter_map(net).collect();
            if self.by_subject.get(&subject).is_none_or(Vec::is_empty) || self.carried.contains_key(&subject) {
                self.carried.insert(subject, nets.clone());
            }
            self.closes.insert(subject, (scope, close.generation, at, nets));
        }
    }

    /// What others than `author` wrote about subjects that `seat` has open nowhere, after what central is known to hold.
    pub fn strays(&self, seat: &Seat, author: Author) -> BTreeSet<OpId> {
        let open = |subject: &Subject| {
            let of = self.members.get(subject).into_iter().flatten();
            subject.is_scope() || of.into_iter().any(|(scope, (g, _))| g.is_member() && seat.may(bits::READ, scope))
        };
        let strays = self
            .ops
            .values()
            .filter(|(position, row)| *position > self.proven && row.held.author != author && !open(&row.subject));
        strays.map(|(_, row)| row.held.id).collect()
    }

    /// Lets go of what was closed `keep` beacons ago, as far as no scope that `seat` reads has it open and central
    /// has acknowledged all that `author` wrote about it.
    pub fn let_closed_go(&mut self, seat: &Seat, keep: u64, is_safe: impl Fn(&HeldOp) -> bool) {
        let due: Vec<Subject> = self
            .closes
            .iter()
            .filter(|(subject, (.., at, _))| at + keep <= self.beacon && !self.carried.contains_key(subject))
            .map(|(subject, _)| *subject)
            .collect();
        for subject in due {
            let open = self
                .members
                .get(&subject)
                .is_some_and(|of| of.iter().any(|(scope, (g, _))| g.is_member() && seat.may(bits::READ, scope)));
            let Some((scope, generation, ..)) = self.closes.get(&subject) else { continue };
            let stands =
                self.members.get(&subject).and_then(|of| of.get(scope)).is_some_and(|(g, _)| g.close == *generation);
            if open || !stands {
                self.closes.remove(&subject);
                continue;
            }
            let ids = self.by_subject.get(&subject).cloned().unwrap_or_default();
            let proven = |id: &OpId| self.ops[id].0 <= self.proven || Some(self.ops[id].1.held.author) == self.own;
            if !ids.iter().all(|id| is_safe(&self.ops[id].1.held) && proven(id)) {
                continue;
            }
            let Some((.., nets)) = self.closes.get(&subject).cloned() else { continue };
            let same = self.nets(subject) == nets;
            self.carried.insert(subject, nets);
            self.let_go += 1;
            if !same {
                self.differed += 1;
                continue;
            }
            self.by_subject.remove(&subject);
            for id in ids {
                let Some((_, row)) = self.ops.remove(&id) else { continue };
                let kept = self.bursts.get_mut(&row.digest);
                kept.into_iter().for_each(|kept| kept.answered &= !(1 << row.slot));
            }
        }
    }

    /// What the journals of a subject come to.
    pub fn nets(&self, subject: Subject) -> BTreeMap<Account, Taka> {
        let mut sums: BTreeMap<Account, Taka> = BTreeMap::new();
        for journal in self.folded(subject).map(|folded| folded.journals).unwrap_or_default() {
            for (account, net) in ledger::net(&journal.postings) {
                let sum = sums.entry(account).or_default();
                *sum = sum.plus(net);
            }
        }
        sums.retain(|_, net| *net != Taka::ZERO);
        sums
    }

    /// The balance of one account: of what is held, and of what closed subjects have left.
    pub fn position_of(&self, account: Account) -> Taka {
        let held = self.by_subject.keys().filter(|subject| !subject.is_scope() && !self.carried.contains_key(subject));
        let held = held.filter_map(|subject| self.nets(*subject).get(&account).copied());
        let left = self.carried.values().filter_map(|nets| nets.get(&account).copied());
        held.chain(left).sum()
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

    /// Number and digest of every burst of this life that is kept.
    pub fn chain_of(&self, author: Author, inc: Incarnation) -> impl Iterator<Item = (u64, Digest)> {
        let of = move |kept: &KeptBurst| kept.head.head.author == author && kept.head.head.inc == inc;
        self.bursts.iter().filter(move |(_, kept)| of(kept)).map(|(digest, kept)| (kept.head.head.seq, *digest))
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

    /// Every kept sketch is that of the ids, and every root, too, of the scopes that `reads`: what is let go of as
    /// closed may stay open in a scope of which nothing is heard.
    pub fn sketches_stand(&self, reads: impl Fn(&Scope) -> bool) {
        for ((scope, lane), root) in self.roots.iter().filter(|((scope, _), _)| reads(scope)) {
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
