//! Central in memory: the engine with a clerk, and what a hub asks of it.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use protocol::account::Account;
use protocol::burst::{Burst, ChainPlace, Slot};
use protocol::decide::Draft;
use protocol::frame::{Cursor, OwnHead, RefusedSlot};
use protocol::id::{Author, Incarnation, OpId, Scope, ShortId};
use protocol::intake::{self, Clerk, Verified, Wanted, op_of, refused};
use protocol::op::Op;
use protocol::seat::Seat;
use protocol::session::hub::{Answer, Ask, Difference, Page, Told};
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::memory::Memory;
use crate::sim::mutant::Mutant;

/// Central: its store, its log and its chain.
#[derive(Clone)]
pub struct Central {
    pub memory: Memory,
    pub key: SigningKey,
    pub log_id: [u8; 8],
    pub place: ChainPlace,
    /// In which way the product is wrong here.
    pub broken: Option<Mutant>,
}

/// Further off than this is a clock that the mutant believes to be right, ms.
const PATIENT_MS: u64 = 86_400_000;

impl Central {
    /// Goes on in a new incarnation, as after a restore.
    pub fn begin(&mut self, inc: Incarnation) {
        self.place = ChainPlace { beacon: self.place.beacon, ..ChainPlace::start(self.place.author, inc) };
    }

    /// What the product must not refuse, and a mutant does.
    fn breaks(&self, burst: &Burst, stamp: Stamp) -> Option<&'static str> {
        let off = burst.head.time_ms.abs_diff(stamp.now_ms) > PATIENT_MS;
        let known = |subject| self.memory.by_subject.get(&subject).is_some_and(|ops: &Vec<OpId>| ops.len() > 5);
        let ops = burst.slots.iter().filter_map(|slot| match slot {
            Slot::Open(bytes) => Op::decode(bytes).ok(),
            Slot::Withheld(_) => None,
        });
        match self.broken {
            Some(Mutant::LateRefused) if off => Some("clock"),
            Some(Mutant::FirstComeWins) if ops.into_iter().any(|op| known(op.subject)) => Some("first_come"),
            _ => None,
        }
    }

    /// Takes bursts of devices; returns what was refused.
    pub fn take(&mut self, bursts: Vec<Burst>, stamp: Stamp) -> Vec<RefusedSlot> {
        let mut refusals = Vec::new();
        let mut verified: Vec<Verified> = Vec::new();
        for burst in bursts {
            if self.memory.holds(&burst) {
                continue;
            }
            let head = burst.head.clone();
            let seat = self.memory.certificates.get(&head.author).map(|certificate| certificate.seat.clone());
            let wrong = self.breaks(&burst, stamp).filter(|_| head.author != self.place.author);
            let checked = seat.ok_or(refused::UNKNOWN_AUTHOR).and_then(|seat| match (wrong, self.broken) {
                (Some(code), _) => Err(code),
                (None, Some(Mutant::ForgeryTaken)) => Ok(Verified::of_own(burst)),
                (None, _) => intake::verify(burst, &seat),
            });
            match checked {
                Ok(burst) => verified.push(burst),
                Err(code) => {
                    let (author, inc, seq) = (head.author, head.inc, head.seq);
                    refusals.push(RefusedSlot { author, inc, seq, slot: None, code: code.to_owned() });
                }
            }
        }
        let desk = self.memory.desk(&Wanted::by(&verified));
        let clerk = Clerk { key: &self.key, place: self.place, stamp };
        let taken = intake::take(desk, verified, Some(clerk));
        self.place = taken.place.unwrap_or(self.place);
        for row in &taken.refused {
            let (author, inc, seq) = row.at;
            refusals.push(RefusedSlot { author, inc, seq, slot: Some(row.slot), code: row.code.to_owned() });
        }
        let twice = self.broken == Some(Mutant::PostedTwice) && taken.duplicates > 0;
        let entries = if twice { taken.entries.clone() } else { Vec::new() };
        self.memory.apply(taken);
        entries.iter().for_each(|entry| self.memory.post(&entry.journal));
        if self.broken == Some(Mutant::RevocationIgnored) {
            self.memory.revocations.clear();
        }
        refusals
    }

    /// Records facts as central.
    pub fn author(&mut self, drafts: &[Draft], stamp: Stamp) {
        let ops: Vec<_> = drafts
            .iter()
            .map(|draft| {
                let heads =
                    if draft.subject.is_scope() { Vec::new() } else { self.memory.history(draft.subject).heads() };
                op_of(draft.subject, &draft.fact, heads)
            })
            .collect();
        let burst = Burst::sign(&self.key, &self.place, stamp.now_ms, &ops);
        self.place = self.place.then(burst.digest());
        let refused = self.take(vec![burst], stamp);
        assert!(refused.is_empty(), "central refuses nothing of its own: {refused:?}");
    }

    /// Answers a hub.
    pub fn answer(&mut self, author: Author, seat: &Seat, ask: Ask, stamp: Stamp) -> Answer {
        match ask {
            Ask::Welcome => {
                let cursor = Cursor { log_id: self.log_id, position: self.memory.position, within: None };
                Answer::Welcome(cursor, self.heads(author))
            }
            Ask::Take(bursts) => {
                let refused = self.take(bursts, stamp);
                Answer::Took(self.heads(author).iter().map(|head| (head.inc, head.upto)).collect(), refused)
            }
            Ask::Page(after, bytes) => Answer::Page(self.page(author, seat, after, bytes)),
            Ask::Cells(scope, lane, cells) => {
                Answer::Cells(scope, lane, may_read(seat, scope).then(|| self.memory.sketch(scope, lane, cells)))
            }
            Ask::Elements(scope, lane) => {
                Answer::Elements(scope, lane, may_read(seat, scope).then(|| self.memory.elements(scope, lane)))
            }
            Ask::Ops(scope, lane, ids) => Answer::Ops(scope, lane, self.ops(seat, scope, lane, &ids)),
            Ask::Difference(scope, lane, theirs) => {
                Answer::Difference(scope, lane, self.difference(seat, scope, lane, &theirs))
            }
            Ask::Certificates(authors) => Answer::Certificates(self.certificates(&authors.into_iter().collect())),
            Ask::Boxes(_) => Answer::Boxes(Vec::new()),
            Ask::Names => Answer::Names(Vec::new()),
            Ask::Status(_) | Ask::Blob(_) => Answer::Noted,
        }
    }

    fn heads(&self, author: Author) -> Vec<OwnHead> {
        let own = self.memory.chains.iter().filter(|((by, _), _)| *by == author);
        let head = |((_, inc), chain): (&(Author, Incarnation), &intake::Chain)| OwnHead {
            inc: *inc,
            upto: chain.upto,
            highest: chain.beyond.keys().next_back().copied().unwrap_or(chain.upto),
            forked: chain.forked,
            digest: self.digest_at(author, *inc, chain),
        };
        own.map(head).collect()
    }

    fn digest_at(&self, author: Author, inc: Incarnation, chain: &intake::Chain) -> Option<[u8; 8]> {
        let mut of = self.memory.chain_of(author, inc).filter(|(seq, _)| !chain.forked && *seq == chain.upto);
        of.next().and_then(|(_, digest)| digest.0.first_chunk().copied())
    }

    fn certificates(&self, authors: &BTreeSet<Author>) -> Vec<(Author, Vec<u8>)> {
        let held =
            authors.iter().filter_map(|author| self.memory.certificates.get(author).map(|c| (*author, c.encode())));
        held.collect()
    }

    fn page(&self, author: Author, seat: &Seat, after: Told, most_bytes: usize) -> Page {
        let mut scopes = self.memory.readable(seat);
        if self.broken == Some(Mutant::RouteIgnored) {
            scopes.extend(self.memory.members.values().flat_map(BTreeMap::keys));
        }
        let mut due: BTreeMap<(u64, u64), OpId> = BTreeMap::new();
        for (id, (position, row)) in &self.memory.ops {
            if row.held.author == author {
                continue;
            }
            let effective = if row.subject.is_scope() {
                scopes.contains(&row.subject).then_some(*position)
            } else {
                let of = self.memory.members.get(&row.subject);
                let open = of.into_iter().flatten().filter(|(scope, (g, _))| g.is_member() && scopes.contains(scope));
                open.map(|(_, (_, put))| *put).min().map(|put| put.max(*position))
            };
            let is_due = |at: u64| at > after.position && (at > after.position + 1 || *position > after.within);
            if let Some(at) = effective.filter(|at| is_due(*at)) {
                due.insert((at, *position), *id);
            }
        }
        let (mut ids, mut bytes, mut upto) = (BTreeSet::new(), 0, None);
        for ((at, position), id) in &due {
            bytes += self.memory.ops[id].1.held.bytes.len() + BURST_BYTES;
            if bytes > most_bytes && !ids.is_empty() {
                break;
            }
            ids.insert(*id);
            upto = Some(Told { position: at - 1, within: *position });
        }
        let more = ids.len() < due.len();
        let upto = upto.filter(|_| more).unwrap_or(Told { position: self.memory.position, within: 0 });
        let bursts = self.memory.bursts_with(&ids);
        let authors = bursts.iter().map(|burst| burst.head.author).collect();
        let roots = self.memory.roots.iter().filter(|((scope, _), _)| seat.may(protocol::seat::bits::READ, scope));
        Page {
            certificates: self.certificates(&authors),
            bursts,
            keys: Vec::new(),
            boxes: Vec::new(),
            upto,
            more,
            beacon: self.place.beacon,
            roots: roots.map(|((scope, lane), root)| (*scope, *lane, *root)).collect(),
            books: protocol::books::digest(&self.books_of(&scopes)),
        }
    }

    /// Net of the log over the open members of these scopes: what was posted, not what folds now.
    pub fn books_of(&self, scopes: &BTreeSet<Scope>) -> BTreeMap<Account, Taka> {
        let mut sums: BTreeMap<Account, Taka> = BTreeMap::new();
        for (subject, of) in &self.memory.members {
            if !of.iter().any(|(scope, (g, _))| g.is_member() && scopes.contains(scope)) {
                continue;
            }
            for standing in
                self.memory.standing.get(subject).into_iter().flat_map(BTreeMap::values).filter(|s| s.is_posted())
            {
                for posting in &standing.journal.postings {
                    let sum = sums.entry(posting.account).or_default();
                    *sum = sum.plus(posting.amount);
                }
            }
        }
        sums
    }

    fn difference(&self, seat: &Seat, scope: Scope, lane: u8, theirs: &[ShortId]) -> Difference {
        if !may_read(seat, scope) {
            return Difference::default();
        }
        let theirs: BTreeSet<ShortId> = theirs.iter().copied().collect();
        let ours: BTreeSet<OpId> = self.memory.set(scope, lane).into_iter().collect();
        let shorts: BTreeSet<ShortId> = ours.iter().map(OpId::short).collect();
        let lack: BTreeSet<OpId> = ours.into_iter().filter(|id| !theirs.contains(&id.short())).collect();
        let bursts = self.memory.bursts_with(&lack);
        let authors = bursts.iter().map(|burst| burst.head.author).collect();
        let want = theirs.into_iter().filter(|short| !shorts.contains(short)).collect();
        Difference { bursts, certificates: self.certificates(&authors), keys: Vec::new(), boxes: Vec::new(), want }
    }

    fn ops(&self, seat: &Seat, scope: Scope, lane: u8, ids: &[ShortId]) -> Difference {
        if !may_read(seat, scope) {
            return Difference::default();
        }
        let wanted: BTreeSet<&ShortId> = ids.iter().collect();
        let found: BTreeSet<OpId> =
            self.memory.set(scope, lane).into_iter().filter(|id| wanted.contains(&id.short())).collect();
        let bursts = self.memory.bursts_with(&found);
        let authors = bursts.iter().map(|burst| burst.head.author).collect();
        Difference { bursts, certificates: self.certificates(&authors), ..Difference::default() }
    }
}

/// Bytes of a burst around one op.
const BURST_BYTES: usize = 120;

fn may_read(seat: &Seat, scope: Scope) -> bool {
    seat.may(protocol::seat::bits::READ, &scope)
}
