//! An edge in memory: the engine without a clerk, and what a session asks of it.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{SigningKey, VerifyingKey};
use protocol::account::{Account, Code};
use protocol::blob::{BlobHeld, BlobPart};
use protocol::burst::{Burst, ChainPlace, Head};
use protocol::command::Command;
use protocol::decide::{self, Draft, Shelf};
use protocol::fold::{Folded, State};
use protocol::frame::{Cursor, Hello, RefusedSlot, SubjectKey};
use protocol::id::{Author, Digest, Incarnation, OpId, Scope, ShortId, Subject};
use protocol::intake::{self, Verified, Wanted, op_of};
use protocol::op::Op;
use protocol::refusal::Refusal;
use protocol::seat::{Seat, bits};
use protocol::session::ladder::Rung;
use protocol::session::{EdgeStore, Life, Standing};
use protocol::shift::Shift;
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::memory::Memory;
use crate::sim::mutant::Mutant;

/// How long a closed subject is kept: the product's days are too long for a world of ten minutes.
pub const KEEP_BEACONS: u64 = 2;

/// An edge: its seat, its store, and what it knows of central.
#[derive(Clone)]
pub struct Edge {
    pub author: Author,
    pub seat: Seat,
    pub key: SigningKey,
    pub authority: VerifyingKey,
    pub memory: Memory,
    pub place: ChainPlace,
    /// Own bursts of this incarnation as written: the outbox keeps also what intake refuses.
    pub own: Vec<Vec<u8>>,
    pub safe: u64,
    /// The same of the incarnations before.
    pub earlier: Vec<Earlier>,
    /// Every number that was ever written here: what the outbox is held to.
    pub wrote: BTreeSet<(Incarnation, u64)>,
    /// The latest time that the seat ever claimed.
    pub last_ms: u64,
    /// In which way the product is wrong here.
    pub broken: Option<Mutant>,
    pub cursor: Cursor,
    pub compared: Option<(bool, bool)>,
    pub refused: u64,
    /// Repairs by rung.
    pub repairs: BTreeMap<&'static str, u64>,
}

/// Numbers of an earlier life that go at once.
const EARLIER_AT_ONCE: usize = 3;

/// A life of the database that is over.
#[derive(Clone)]
pub struct Earlier {
    inc: Incarnation,
    own: Vec<Vec<u8>>,
    safe: u64,
}

impl Earlier {
    fn unsafe_bursts(&self) -> &[Vec<u8>] {
        unsafe_of(&self.own, self.safe)
    }
}

fn unsafe_of(own: &[Vec<u8>], safe: u64) -> &[Vec<u8>] {
    own.get(usize::try_from(safe).unwrap_or(usize::MAX)..).unwrap_or_default()
}

impl Edge {
    /// Lets go of what central closed some time ago.
    fn let_closed_go(&mut self) {
        // What came back from central of a time that this database does not remember does not wait here.
        let waits: BTreeSet<(Incarnation, u64)> = self
            .outbox()
            .filter_map(|bytes| Head::decode_front(bytes).ok())
            .map(|(head, _)| (head.inc, head.seq))
            .collect();
        let author = self.author;
        let is_safe = |held: &intake::HeldOp| held.author != author || !waits.contains(&(held.inc, held.seq));
        self.memory.let_closed_go(&self.seat, KEEP_BEACONS, is_safe);
        if self.broken == Some(Mutant::CarryForgotten) {
            self.memory.carried.clear();
        }
    }

    /// Begins a new life of the database.
    pub fn begin(&mut self, inc: Incarnation) {
        let own = std::mem::take(&mut self.own);
        if self.broken != Some(Mutant::OutboxForgets) {
            self.earlier.push(Earlier { inc: self.place.inc, own, safe: self.safe });
        }
        self.place = ChainPlace { beacon: self.memory.beacon, ..ChainPlace::start(self.author, inc) };
        self.safe = 0;
    }

    /// How far central has acknowledged each life.
    pub fn safe_of_all(&self) -> impl Iterator<Item = (Incarnation, u64)> {
        let earlier = self.earlier.iter().map(|life| (life.inc, life.safe));
        earlier.chain([(self.place.inc, self.safe)])
    }

    /// Bursts that central has not acknowledged, of all lives.
    pub fn outbox(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.earlier.iter().flat_map(Earlier::unsafe_bursts).chain(unsafe_of(&self.own, self.safe))
    }

    /// Records what a person asks for.
    pub fn record(&mut self, command: &Command, stamp: Stamp) -> Result<(), Refusal> {
        let drafts = decide::decide(&self.seat.clone(), command, self, &stamp)?;
        self.write(&drafts, stamp);
        Ok(())
    }

    /// Writes drafts as one burst, whatever decide would say of them.
    pub fn write(&mut self, drafts: &[Draft], stamp: Stamp) {
        let ops: Vec<Op> = drafts
            .iter()
            .map(|draft| {
                let heads =
                    if draft.subject.is_scope() { Vec::new() } else { self.memory.history(draft.subject).heads() };
                op_of(draft.subject, &draft.fact, heads)
            })
            .collect();
        self.write_ops(&ops, stamp);
    }

    /// Writes ops as one burst.
    pub fn write_ops(&mut self, ops: &[Op], stamp: Stamp) {
        let burst = Burst::sign(&self.key, &self.place, stamp.now_ms, ops);
        self.wrote.insert((self.place.inc, self.place.seq));
        self.place = self.place.then(burst.digest());
        self.own.push(burst.encode());
        self.take(vec![Verified::of_own(burst)]);
    }

    fn take(&mut self, bursts: Vec<Verified>) {
        let desk = self.memory.desk(&Wanted::by(&bursts));
        let mut taken = intake::take(desk, bursts, None);
        match self.broken {
            Some(Mutant::RootSkips) if taken.ops.len() % 5 == 1 => drop(taken.roots.pop_last()),
            Some(Mutant::SketchSkips) if taken.ops.len() % 5 == 1 => drop(taken.moves.pop_last()),
            _ => {}
        }
        self.memory.apply(taken);
    }

    /// What this edge shows another one on the LAN: bursts of the scopes the other may read, and all
    /// of its own (it has put them there itself).
    pub fn relay_to(&self, other: &Seat) -> Vec<Burst> {
        let scopes: BTreeSet<Scope> =
            self.memory.readable(&self.seat).into_iter().filter(|s| other.may(bits::READ, s)).collect();
        let member = |subject: &Subject| {
            scopes.contains(subject)
                || self
                    .memory
                    .members
                    .get(subject)
                    .is_some_and(|of| of.iter().any(|(s, (g, _))| g.is_member() && other.may(bits::READ, s)))
        };
        let ids: BTreeSet<OpId> =
            self.memory.ops.values().filter(|(_, row)| member(&row.subject)).map(|(_, row)| row.held.id).collect();
        self.memory.bursts_with(&ids)
    }

    pub fn last(&self) -> u64 {
        self.place.seq - 1
    }
}

impl Shelf for Edge {
    fn folded(&self, subject: Subject) -> Option<Folded> {
        self.memory.folded(subject)
    }

    fn membership(&self, scope: Scope, subject: Subject) -> (bool, u32) {
        let held = self.memory.members.get(&subject).and_then(|of| of.get(&scope)).map(|(g, _)| *g).unwrap_or_default();
        (held.is_member(), held.close + 1)
    }

    fn cash_on_hand(&self) -> Taka {
        let own = Code::AgentCash.of_owner(self.seat.party);
        let held = self.books().ok().and_then(|books| books.get(&own).copied()).unwrap_or_default();
        let handins = self.memory.by_subject.keys().filter_map(|subject| match self.memory.folded(*subject)?.state {
            State::HandIn(handin) if handin.counted.is_none() && handin.agent == Some(self.seat.party) => {
                handin.offered
            }
            _ => None,
        });
        held.minus(handins.sum())
    }

    fn till_balance(&self) -> Taka {
        let own = Code::Till.of_owner(self.seat.party);
        self.books().ok().and_then(|books| books.get(&own).copied()).unwrap_or_default()
    }

    fn shifts(&self) -> Vec<(Subject, Shift)> {
        let own = |subject: &Subject| match self.memory.folded(*subject)?.state {
            State::Shift(shift) if shift.site == Some(self.seat.party) => Some((*subject, *shift)),
            _ => None,
        };
        self.memory.by_subject.keys().filter_map(own).collect()
    }

    fn code_locked(&self, _: Subject) -> bool {
        false
    }

    fn chain(&self) -> (Incarnation, u64) {
        (self.place.inc, self.last())
    }
}

impl EdgeStore for Edge {
    type Error = std::convert::Infallible;

    fn hello(&self) -> Result<Hello, Self::Error> {
        Ok(Hello {
            cursor: self.cursor,
            inc: self.place.inc,
            last: self.last(),
            safe: self.safe,
            rules: protocol::fold::RULES,
            ..Hello::default()
        })
    }

    fn own_bursts_after(&self, seq: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, Self::Error> {
        let mut bytes = 0;
        let mut bursts = Vec::new();
        for burst in self.own.iter().skip(usize::try_from(seq).unwrap_or(usize::MAX)) {
            bytes += burst.len();
            bursts.push(burst.clone());
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(bursts)
    }

    fn receive(&mut self, bursts: Vec<Burst>) -> Result<BTreeSet<Author>, Self::Error> {
        let mut unknown = BTreeSet::new();
        let mut verified = Vec::new();
        for burst in bursts {
            if self.memory.holds(&burst) {
                continue;
            }
            match self.memory.certificates.get(&burst.head.author).map(|certificate| certificate.seat.clone()) {
                None => {
                    unknown.insert(burst.head.author);
                }
                Some(_) if self.broken == Some(Mutant::ForgeryTaken) => verified.push(Verified::of_own(burst)),
                Some(seat) => verified.extend(intake::verify(burst, &seat)),
            }
        }
        self.take(verified);
        Ok(unknown)
    }

    fn add_certificates(&mut self, certificates: &[Vec<u8>]) -> Result<(), Self::Error> {
        for bytes in certificates {
            if self.memory.certificates.contains_key(&protocol::seat::Certificate::author_of(bytes)) {
                continue;
            }
            if let Ok(certificate) = protocol::seat::Certificate::decode(bytes, &self.authority) {
                self.memory.add_certificate(certificate);
            }
        }
        Ok(())
    }

    fn add_boxes(&mut self, _boxes: &[protocol::frame::CodeBox]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn lacking_boxes(&self, _most: usize) -> Result<Vec<Subject>, Self::Error> {
        Ok(Vec::new())
    }

    fn set_names(&mut self, _names: &[protocol::frame::PartyName]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn add_keys(&mut self, _keys: &[SubjectKey]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn lives(&self) -> Result<Vec<Life>, Self::Error> {
        let forked = |inc| self.memory.chains.get(&(self.author, inc)).is_some_and(|chain| chain.forked);
        Ok(self.safe_of_all().map(|(inc, safe)| Life { inc, safe, forked: forked(inc) }).collect())
    }

    fn own_digests(&self, inc: Incarnation, seq: u64) -> Result<Vec<Digest>, Self::Error> {
        Ok(self.memory.chain_of(self.author, inc).filter(|(number, _)| *number == seq).map(|(_, d)| d).collect())
    }

    fn earlier_bursts(&self, _max_bytes: usize) -> Result<Vec<Vec<u8>>, Self::Error> {
        // A few numbers at a time, as in a life that is longer than those of this world.
        let first = |life: &Earlier| {
            let own = (life.safe + 1..).zip(life.unsafe_bursts().iter().cloned());
            // What a disk forgot and got back from elsewhere stands beside what was written here.
            let beyond = self.memory.chain_of(self.author, life.inc).filter(|(seq, _)| *seq > life.safe);
            let beyond = beyond.map(|(seq, digest)| (seq, self.memory.burst(&digest, |_| true).encode()));
            let waiting: BTreeSet<(u64, Vec<u8>)> = own.chain(beyond).collect();
            let last = waiting.iter().map(|(seq, _)| *seq).collect::<BTreeSet<_>>().into_iter().nth(EARLIER_AT_ONCE);
            let goes = move |(seq, _): &(u64, Vec<u8>)| last.is_none_or(|last| *seq < last);
            waiting.into_iter().filter(goes).map(|(_, burst)| burst).collect::<Vec<_>>()
        };
        Ok(self.earlier.iter().flat_map(first).collect())
    }

    fn set_safe(&mut self, inc: Incarnation, upto: u64) -> Result<(), Self::Error> {
        if inc == self.place.inc {
            self.safe = self.safe.max(upto);
        }
        for life in self.earlier.iter_mut().filter(|life| life.inc == inc) {
            life.safe = life.safe.max(upto);
        }
        Ok(())
    }

    fn set_held(&mut self, inc: Incarnation, upto: u64) -> Result<(), Self::Error> {
        // Nobody reads receipts in this world.
        if self.broken == Some(Mutant::HeldIsSafe) { self.set_safe(inc, upto) } else { Ok(()) }
    }

    fn certificates(&self, authors: &[Author]) -> Result<Vec<Vec<u8>>, Self::Error> {
        let held = authors.iter().filter_map(|author| self.memory.certificates.get(author));
        Ok(held.map(protocol::seat::Certificate::encode).collect())
    }

    fn lower_safe(&mut self, inc: Incarnation, upto: u64) -> Result<(), Self::Error> {
        if inc == self.place.inc {
            self.safe = upto;
        }
        for life in self.earlier.iter_mut().filter(|life| life.inc == inc) {
            life.safe = life.safe.min(upto);
        }
        Ok(())
    }

    fn note_restored(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn set_cursor(&mut self, cursor: Cursor, beacon: Option<u64>) -> Result<(), Self::Error> {
        self.cursor = cursor;
        self.memory.beacon = self.memory.beacon.max(beacon.unwrap_or(0));
        self.place.beacon = self.memory.beacon;
        Ok(())
    }

    fn note_refused(&mut self, _refused: &RefusedSlot) -> Result<(), Self::Error> {
        self.refused += 1;
        Ok(())
    }

    fn new_incarnation(&mut self) -> Result<(), Self::Error> {
        if self.broken != Some(Mutant::NumberReused) {
            let mut inc = self.place.inc;
            inc.0[0] = inc.0[0].wrapping_add(1);
            self.begin(inc);
        }
        Ok(())
    }

    fn standing(&self) -> Result<Standing, Self::Error> {
        let readable = self.memory.roots.iter().filter(|((scope, _), _)| self.seat.may(bits::READ, scope));
        let strays = self.memory.bursts_with(&self.memory.strays(&self.seat, self.author));
        Ok(Standing {
            roots: readable.map(|(at, root)| (*at, *root)).collect(),
            strays: strays.iter().map(Burst::encode).collect(),
            upto: self.memory.position,
        })
    }

    fn short_ids(&self, scope: Scope, lane: u8) -> Result<Vec<ShortId>, Self::Error> {
        Ok(self.memory.set(scope, lane).iter().map(OpId::short).collect())
    }

    fn cells(
        &self,
        scope: Scope,
        lane: u8,
        from: usize,
        upto: usize,
    ) -> Result<(u64, Vec<protocol::sketch::Cell>), Self::Error> {
        let sketch = self.memory.sketch(scope, lane, upto);
        Ok((sketch.count(), sketch.cells()[from..].to_vec()))
    }

    fn elements(&self, scope: Scope, lane: u8) -> Result<Vec<protocol::ranges::Element>, Self::Error> {
        Ok(self.memory.elements(scope, lane))
    }

    fn note_repair(&mut self, rung: Rung) -> Result<(), Self::Error> {
        *self.repairs.entry(rung.name()).or_default() += 1;
        Ok(())
    }

    fn bursts_with(&self, ids: &[ShortId]) -> Result<Vec<Vec<u8>>, Self::Error> {
        Ok(self.memory.bursts_with(&self.memory.of_prefixes(ids)).iter().map(Burst::encode).collect())
    }

    fn books(&self) -> Result<BTreeMap<Account, Taka>, Self::Error> {
        Ok(self.memory.books(&self.memory.readable(&self.seat)))
    }

    fn set_proven(&mut self, upto: u64) -> Result<(), Self::Error> {
        self.memory.proven = self.memory.proven.max(upto);
        Ok(())
    }

    fn note_compared(
        &mut self,
        _position: u64,
        equal: bool,
        books_equal: bool,
        proven: Option<u64>,
    ) -> Result<(), Self::Error> {
        self.compared = Some((equal, books_equal));
        if let Some(upto) = proven {
            self.set_proven(upto)?;
        }
        if equal {
            self.let_closed_go();
        }
        Ok(())
    }

    fn next_part(&self, _most_bytes: usize) -> Result<Option<BlobPart>, Self::Error> {
        Ok(None)
    }

    fn set_blob_held(&mut self, _held: &BlobHeld) -> Result<(), Self::Error> {
        Ok(())
    }

    fn note(&mut self, _code: &str, _message: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    fn waiting(&self) -> Result<(u64, u64), Self::Error> {
        Ok((self.last() - self.safe.min(self.last()), self.own.len() as u64))
    }
}
