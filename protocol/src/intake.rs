//! Intake: what a batch of bursts does to a replica. The one engine of phone, kiosk and central.
//!
//! A store loads a [`Desk`] (the rows a batch touches), calls [`take`], and writes the [`Taken`] in one
//! transaction. Storage decides nothing; this decides everything, and does no IO.
//!
//! Refused, apart, judged (SPEC S6): what cannot be attributed or is not well-authored is refused and
//! not stored; a broken payload of a known kind is stored apart and not folded; all else is folded.

mod closure;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{SigningKey, VerifyingKey};

use crate::account::Account;
use crate::burst::{Burst, ChainPlace, MAX_OPS, Slot};
use crate::fact::{Fact, Reading, Revoked};
use crate::fold::{self, Folded};
use crate::history::{History, Seen};
use crate::id::{Author, Digest, Incarnation, OpId, Scope, Subject};
use crate::journal::Key;
use crate::ledger::{self, Entry, Standing};
use crate::op::{Op, lane};
use crate::react::{self, Books};
use crate::root::Root;
use crate::seat::{Seat, bits, class};
use crate::stamp::Stamp;
use crate::taka::Taka;

pub use wanted::Wanted;

/// A burst whose signature was checked against its author's certificate.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The burst.
    pub burst: Burst,
    /// Its digest.
    pub digest: Digest,
    /// The ids of its slots.
    pub ids: Vec<OpId>,
}

/// The kind of a Put, the one control op that edges author.
const PUT: u16 = 0x0001;

/// Why a whole burst is refused; stable codes.
pub mod refused {
    /// No certificate of the author is held.
    pub const UNKNOWN_AUTHOR: &str = "unknown_author";
    /// The signature is not the seat's.
    pub const BAD_SIGNATURE: &str = "bad_signature";
    /// The op's class is not in the certificate's mask.
    pub const CLASS: &str = "class_not_yours";
    /// Put or Close without the right on that scope.
    pub const PUT: &str = "put_not_yours";
    /// A control op whose subject is no scope, or a fact on a scope.
    pub const CONTROL: &str = "control_subject";
}

/// Why an op is stored apart; stable codes.
pub mod apart {
    /// A payload that its kind does not have.
    pub const BROKEN: &str = "broken_payload";
    /// A kind on a subject it is never about.
    pub const SUBJECT: &str = "wrong_subject";
    /// A vendor's edit of another vendor's product.
    pub const FOREIGN: &str = "foreign_product";
    /// Provably authored after the revocation.
    pub const REVOKED: &str = "after_revocation";
}

/// Checks a burst against its author's seat.
///
/// # Errors
/// [`refused::BAD_SIGNATURE`].
pub fn verify(burst: Burst, seat: &Seat) -> Result<Verified, &'static str> {
    let key = VerifyingKey::from_bytes(&seat.key).map_err(|_| refused::BAD_SIGNATURE)?;
    if !burst.is_signed_by(&key) {
        return Err(refused::BAD_SIGNATURE);
    }
    Ok(Verified::of_own(burst))
}

impl Verified {
    /// A burst that this replica signed itself.
    #[must_use]
    pub fn of_own(burst: Burst) -> Self {
        let (digest, ids) = (burst.digest(), burst.ids());
        Self { burst, digest, ids }
    }
}

/// An op that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOp {
    /// Its id.
    pub id: OpId,
    /// Its author.
    pub author: Author,
    /// The author's incarnation.
    pub inc: Incarnation,
    /// The burst's number.
    pub seq: u64,
    /// The author's claim of the time.
    pub time_ms: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Stored, and not folded: the code says why.
    pub apart: Option<String>,
}

/// A burst that is held, whole or in part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBurst {
    /// Bit i: slot i is held or refused.
    pub answered: u64,
}

/// What is held of one author's incarnation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Every slot of every burst up to here is answered.
    pub upto: u64,
    /// Bursts beyond: whether all their slots are answered.
    pub beyond: BTreeMap<u64, bool>,
    /// Two bursts of one number were seen: the incarnation is barred, the person flagged.
    pub forked: bool,
}

/// Put and Close generations of one subject in one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// Highest Put.
    pub put: u32,
    /// Highest Close.
    pub close: u32,
}

impl Generations {
    /// Whether the subject is a member.
    #[must_use]
    pub const fn is_member(self) -> bool {
        self.put > self.close
    }
}

/// What a store loaded for a batch.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// Certificates of all authors in the batch and of all authors of the loaded ops.
    pub seats: BTreeMap<Author, Seat>,
    /// Revocations of those authors.
    pub revocations: BTreeMap<Author, Vec<Revoked>>,
    /// Bursts of the batch that are held.
    pub bursts: BTreeMap<Digest, HeldBurst>,
    /// Digest held at a number of a chain, for the numbers in the batch.
    pub numbered: BTreeMap<(Author, Incarnation, u64), Digest>,
    /// Chains of the batch.
    pub chains: BTreeMap<(Author, Incarnation), Chain>,
    /// All ops of the wanted subjects.
    pub ops: BTreeMap<Subject, Vec<HeldOp>>,
    /// Those of the wanted control ids that are held.
    pub control_ids: BTreeSet<OpId>,
    /// Memberships of the wanted subjects.
    pub members: BTreeMap<Subject, BTreeMap<Scope, Generations>>,
    /// Roots of every (scope, lane) that the above may change.
    pub roots: BTreeMap<(Scope, u8), Root>,
    /// Standing journals of the wanted subjects; central only.
    pub standing: BTreeMap<Subject, BTreeMap<Key, Standing>>,
    /// Balances of strict accounts; central only.
    pub balances: BTreeMap<Account, Taka>,
    /// Subjects that are folded anew though nothing of them came: after a fix of the fold. Central only.
    pub again: BTreeSet<Subject>,
}

/// Central as an author: one chain, whose head is a row under the intake lock.
pub struct Clerk<'a> {
    /// Central's seat key.
    pub key: &'a SigningKey,
    /// The next burst.
    pub place: ChainPlace,
    /// Time of this batch.
    pub stamp: Stamp,
}

/// A burst row to be written.
#[derive(Clone, Debug)]
pub struct BurstRow {
    /// Its digest.
    pub digest: Digest,
    /// Head and signature; slots are the op rows.
    pub burst: Burst,
    /// Ids of all its slots.
    pub ids: Vec<OpId>,
}

/// An op row to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpRow {
    /// The burst it came in.
    pub digest: Digest,
    /// Its slot.
    pub slot: u8,
    /// What it is about.
    pub subject: Subject,
    /// Class and kind.
    pub class_kind: u16,
    /// Lane.
    pub lane: u8,
    /// The op as held.
    pub held: HeldOp,
}

/// A slot that was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// The burst.
    pub digest: Digest,
    /// Author, incarnation, number.
    pub at: (Author, Incarnation, u64),
    /// The slot.
    pub slot: u8,
    /// See [`refused`].
    pub code: &'static str,
}

/// An op that joined a set, or left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It is in the set now.
    Joined(OpId),
    /// It is not in it any more.
    Left(OpId),
}

/// What a batch did. Everything here is written in one transaction, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// New bursts, central's own included.
    pub bursts: Vec<BurstRow>,
    /// New ops, in log order.
    pub ops: Vec<OpRow>,
    /// Answered slots of every burst of the batch.
    pub answered: BTreeMap<Digest, u64>,
    /// Refused slots.
    pub refused: Vec<RefusedRow>,
    /// Changed memberships, with the index in `ops` of the op that last opened or closed them.
    pub members: BTreeMap<(Scope, Subject), (Generations, usize)>,
    /// New values of roots.
    pub roots: BTreeMap<(Scope, u8), Root>,
    /// What joined and left the sets of those roots, in order.
    pub moves: BTreeMap<(Scope, u8), Vec<Move>>,
    /// State and journals of every touched subject.
    pub folded: BTreeMap<Subject, Folded>,
    /// Rows for the ledger, in order; central only.
    pub entries: Vec<Entry>,
    /// Chains as they are now.
    pub chains: BTreeMap<(Author, Incarnation), Chain>,
    /// Revocations that arrived.
    pub revoked: Vec<Revoked>,
    /// Ops that were held before: one count for each open slot that came again.
    pub duplicates: u64,
    /// Where central's chain goes on.
    pub place: Option<ChainPlace>,
}

/// Takes a batch. With a `clerk` this is central: it reacts, routes and posts.
#[must_use]
pub fn take(desk: Desk, bursts: Vec<Verified>, clerk: Option<Clerk<'_>>) -> Taken {
    let ids = desk.ops.values().flatten().map(|held| held.id).chain(desk.control_ids.iter().copied()).collect();
    let touched = desk.again.clone();
    let mut intake = Intake { desk, taken: Taken::default(), touched, ids, closed: Vec::new() };
    for verified in bursts {
        intake.burst(verified);
    }
    intake.fold_touched();
    if let Some(clerk) = clerk {
        intake.answer(clerk);
        intake.post();
    }
    intake.taken.chains = std::mem::take(&mut intake.desk.chains);
    intake.taken
}

struct Intake {
    desk: Desk,
    taken: Taken,
    touched: BTreeSet<Subject>,
    /// Ops that are held. Two bursts of a fork may share one: it is stored once.
    ids: BTreeSet<OpId>,
    /// What the Closes of the batch close, by the incarnation that closed it.
    closed: Vec<(Incarnation, Scope, Subject)>,
}

impl Intake {
    fn burst(&mut self, verified: Verified) {
        let Verified { burst, digest, ids } = verified;
        let head = burst.head.clone();
        let Some(seat) = self.desk.seats.get(&head.author).cloned() else { return };
        let known = self.desk.bursts.contains_key(&digest);
        let mut answered = self.desk.bursts.get(&digest).map_or(0, |held| held.answered);
        for (index, (slot, id)) in burst.slots.iter().zip(&ids).enumerate() {
            let Slot::Open(bytes) = slot else { continue };
            let Ok(op) = Op::decode(bytes) else { continue };
            answered |= 1 << index;
            if self.ids.contains(id) {
                self.taken.duplicates += 1;
                continue;
            }
            if let Some(code) = not_well_authored(&op, &seat) {
                let (at, slot) = ((head.author, head.inc, head.seq), index as u8);
                self.taken.refused.push(RefusedRow { digest, at, slot, code });
                continue;
            }
            let held = HeldOp {
                id: *id,
                author: head.author,
                inc: head.inc,
                seq: head.seq,
                time_ms: head.time_ms,
                bytes: bytes.clone(),
                apart: self.apart(&op, &head.author, head.beacon),
            };
            self.op(
                OpRow {
                    digest,
                    slot: index as u8,
                    subject: op.subject,
                    class_kind: op.class_kind,
                    lane: op.lane(),
                    held,
                },
                &op,
            );
        }
        self.number(&head, digest, answered);
        self.desk.bursts.insert(digest, HeldBurst { answered });
        self.taken.answered.insert(digest, answered);
        if !known {
            self.taken.bursts.push(BurstRow { digest, burst, ids });
        }
    }

    /// Keeps the chain: how far it is whole, and whether a number was used twice.
    fn number(&mut self, head: &crate::burst::Head, digest: Digest, answered: u64) {
        let other = self.desk.numbered.insert((head.author, head.inc, head.seq), digest);
        let chain = self.desk.chains.entry((head.author, head.inc)).or_default();
        chain.forked |= other.is_some_and(|other| other != digest);
        let whole = answered == u64::MAX >> (64 - u32::from(head.n));
        if head.seq > chain.upto {
            *chain.beyond.entry(head.seq).or_default() |= whole;
            while chain.beyond.get(&(chain.upto + 1)) == Some(&true) {
                chain.upto += 1;
                chain.beyond.remove(&chain.upto);
            }
        }
    }

    fn apart(&self, op: &Op, author: &Author, beacon: u64) -> Option<String> {
        let code = match Fact::read(op.class_kind, &op.payload) {
            Reading::Broken => apart::BROKEN,
            Reading::Known(fact) if !fact.is_about(&op.subject) => apart::SUBJECT,
            Reading::Known(Fact::ProductChanged(edit)) if !self.is_party(author, edit.vendor) => apart::FOREIGN,
            _ => {
                let revocations = self.desk.revocations.get(author);
                let after = |revoked: &Revoked| revoked.beacon > 0 && beacon >= revoked.beacon;
                return revocations.is_some_and(|all| all.iter().any(after)).then(|| apart::REVOKED.to_owned());
            }
        };
        Some(code.to_owned())
    }

    fn is_party(&self, author: &Author, scope: Scope) -> bool {
        self.desk.seats.get(author).is_some_and(|seat| seat.party == scope)
    }

    fn op(&mut self, row: OpRow, op: &Op) {
        let (subject, id, inc, folds) = (row.subject, row.held.id, row.held.inc, row.held.apart.is_none());
        let index = self.taken.ops.len();
        if subject.is_scope() {
            self.shift(subject, row.lane, Move::Joined(id));
        } else {
            let scopes = self.desk.members.get(&subject).into_iter().flatten();
            let open: Vec<Scope> =
                scopes.filter(|(_, generations)| generations.is_member()).map(|(scope, _)| *scope).collect();
            open.into_iter().for_each(|scope| self.shift(scope, row.lane, Move::Joined(id)));
            self.desk.ops.entry(subject).or_default().push(row.held.clone());
            self.touched.insert(subject);
        }
        self.ids.insert(id);
        self.taken.ops.push(row);
        if folds && subject.is_scope() {
            match Fact::read(op.class_kind, &op.payload) {
                Reading::Known(Fact::Put(put)) => {
                    let raise = |generations: &mut Generations| generations.put = generations.put.max(put.generation);
                    put.subjects.iter().for_each(|member| self.route(subject, *member, index, raise));
                }
                Reading::Known(Fact::Close(close)) => {
                    let raise =
                        |generations: &mut Generations| generations.close = generations.close.max(close.generation);
                    close.subjects.iter().for_each(|member| self.route(subject, *member, index, raise));
                    self.closed.extend(close.subjects.into_iter().map(|member| (inc, subject, member)));
                }
                Reading::Known(Fact::Revoked(revoked)) => self.revoke(revoked),
                _ => {}
            }
        }
    }

    /// A membership opens or closes: the subject's ops join or leave the scope's sets.
    fn route(&mut self, scope: Scope, member: Subject, index: usize, raise: impl Fn(&mut Generations)) {
        if member.is_scope() {
            return;
        }
        let generations = self.desk.members.entry(member).or_default().entry(scope).or_default();
        let before = generations.is_member();
        raise(generations);
        let now = *generations;
        let moved = if before == now.is_member() {
            self.taken.members.get(&(scope, member)).map_or(index, |(_, at)| *at)
        } else {
            index
        };
        self.taken.members.insert((scope, member), (now, moved));
        if before == now.is_member() {
            return;
        }
        for held in self.desk.ops.get(&member).cloned().unwrap_or_default() {
            let lane = held.bytes.get(2).map_or(0, |flags| flags & 0x0f);
            self.shift(scope, lane, if now.is_member() { Move::Joined(held.id) } else { Move::Left(held.id) });
        }
    }

    fn revoke(&mut self, revoked: Revoked) {
        let wrote = |held: &HeldOp| held.author == revoked.author;
        let subjects = self.desk.ops.iter().filter(|(_, ops)| ops.iter().any(wrote)).map(|(subject, _)| *subject);
        self.touched.extend(subjects);
        self.desk.revocations.entry(revoked.author).or_default().push(revoked.clone());
        self.taken.revoked.push(revoked);
    }

    fn shift(&mut self, scope: Scope, lane: u8, shift: Move) {
        let start = self.desk.roots.get(&(scope, lane)).copied().unwrap_or_default();
        self.taken.roots.entry((scope, lane)).or_insert(start).shift(shift);
        self.taken.moves.entry((scope, lane)).or_default().push(shift);
    }

    fn history(&self, subject: Subject) -> History {
        let ops = self.desk.ops.get(&subject).map_or(&[][..], Vec::as_slice);
        history_of(ops, &self.desk.seats, &self.desk.revocations)
    }

    fn fold_touched(&mut self) {
        for subject in self.touched.clone() {
            let folded = fold::fold(subject, &self.history(subject));
            self.taken.folded.insert(subject, folded);
        }
    }

    /// Central's half: reactions, then closure, until nothing follows.
    fn answer(&mut self, mut clerk: Clerk<'_>) {
        let mut fresh = std::mem::take(&mut self.touched);
        self.reopen_forgotten(&mut clerk);
        for _ in 0..react::MAX_DEPTH {
            // A reaction decides by balances: what it reacts to must be in them, as a capture in escrow.
            self.post_subjects(&fresh);
            let mut facts: Vec<(Subject, Fact)> = Vec::new();
            for subject in &fresh {
                let (Some(folded), history) = (self.taken.folded.get(subject).cloned(), self.history(*subject)) else {
                    continue;
                };
                // Reactions of one round must see those before them, or two would spend one balance.
                let following = react::react(*subject, &folded, &history, self);
                let heads = |intake: &Self, about: Subject| intake.history(about).heads();
                for (about, fact) in following {
                    let after = heads(self, about);
                    self.author(&mut clerk, vec![op_of(about, &fact, after)]);
                    facts.push((about, fact));
                }
                self.fold_touched();
                self.post_subjects(&facts.iter().map(|(about, _)| *about).collect());
            }
            self.close_audience(&mut clerk, &fresh);
            fresh = std::mem::take(&mut self.touched);
            if fresh.is_empty() {
                break;
            }
        }
        self.taken.place = Some(clerk.place);
    }

    fn author(&mut self, clerk: &mut Clerk<'_>, ops: Vec<Op>) {
        for part in ops.chunks(MAX_OPS) {
            let burst = Burst::sign(clerk.key, &clerk.place, clerk.stamp.now_ms, part);
            clerk.place = clerk.place.then(burst.digest());
            self.burst(Verified::of_own(burst));
        }
    }

    fn post(&mut self) {
        self.post_subjects(&self.taken.folded.keys().copied().collect());
    }

    fn post_subjects(&mut self, subjects: &BTreeSet<Subject>) {
        for subject in subjects {
            let Some(folded) = self.taken.folded.get(subject) else { continue };
            let standing = self.desk.standing.entry(*subject).or_default();
            let entries = ledger::difference(standing, &folded.journals);
            ledger::stand(standing, &entries);
            for posting in entries.iter().flat_map(|entry| &entry.journal.postings) {
                let balance = self.desk.balances.entry(posting.account).or_default();
                *balance = balance.plus(posting.amount);
            }
            self.taken.entries.extend(entries);
        }
    }
}

impl Books for Intake {
    fn folded(&self, subject: Subject) -> Option<Folded> {
        self.desk.ops.get(&subject).map(|_| fold::fold(subject, &self.history(subject)))
    }

    fn balance(&self, account: Account) -> Taka {
        self.desk.balances.get(&account).copied().unwrap_or_default()
    }
}

/// The op that carries `fact` about `subject`.
#[must_use]
pub fn op_of(subject: Subject, fact: &Fact, after: Vec<crate::id::ShortId>) -> Op {
    Op { class_kind: fact.class_kind(), lane_flags: fact.lane(), subject, after, payload: fact.encode() }
}

/// The history of one subject from its held ops.
#[must_use]
pub fn history_of(
    ops: &[HeldOp],
    seats: &BTreeMap<Author, Seat>,
    revocations: &BTreeMap<Author, Vec<Revoked>>,
) -> History {
    let seen = |held: &HeldOp| {
        if held.apart.is_some() {
            return None;
        }
        let seat = seats.get(&held.author)?;
        let op = Op::decode(&held.bytes).ok()?;
        let beyond =
            |revoked: &Revoked| !revoked.known.iter().any(|known| known.inc == held.inc && held.seq <= known.seq);
        let doubted = revocations.get(&held.author).is_some_and(|all| all.iter().any(beyond));
        Seen::of(held.id, &op, held.author, seat, held.time_ms, doubted)
    };
    History::new(ops.iter().filter_map(seen).collect())
}

/// Whether both sides exclude the op from their sets: a pure function of op and certificate (SPEC S6).
#[must_use]
pub fn not_well_authored(op: &Op, seat: &Seat) -> Option<&'static str> {
    if !seat.may_author(op.class()) {
        return Some(refused::CLASS);
    }
    let control = op.class() == class::CONTROL;
    if control != op.subject.is_scope() || control != (op.lane() == lane::CONTROL) {
        return Some(refused::CONTROL);
    }
    // Only central closes and revokes (SPEC S2); edges may put where their certificate says so.
    let central = seat.may_author(class::CENTRAL);
    if control && op.class_kind != PUT && !central {
        return Some(refused::CLASS);
    }
    if control && !seat.may(bits::PUT, &op.subject) {
        return Some(refused::PUT);
    }
    None
}
