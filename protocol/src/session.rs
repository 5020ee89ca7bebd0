//! One sync conversation, without IO: an edge's half here, a hub's half in [`hub`].
//!
//! The edge says where it stands and pushes its outbox in the same flight; the hub answers SAFE, streams
//! what the edge does not have, and states its roots. Equal roots end it; unequal ones are repaired on
//! the [`ladder`], lane 0 first. The cursor is a hint, the roots are the proof (SPEC S2, S3).

mod earlier;
pub mod hub;
pub mod ladder;
mod strays;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use minicbor::bytes::ByteVec;

use crate::account::Account;
use crate::blob::{BlobHeld, BlobPart, Sending};
use crate::books;
use crate::burst::{Burst, Head};
use crate::fold::RULES;
use crate::frame::{
    BLOBS, BURSTS_FRAME_BYTES, CodeBox, Cursor, FIRST_FRAME_BYTES, Frame, Hello, LADDER, MAX_BOXES, OwnHead, PACKS,
    PartyName, RefusedSlot, Roots, Safe, Status, SubjectKey, Welcome, bursts_frames_from, unpack_ids,
};
use crate::id::{Author, Digest, Incarnation, Scope, ShortId, Subject};
use crate::op::lane;
use crate::pack::{packed, unpack};
use crate::ranges::Element;
use crate::root::Root;
use crate::sketch::Cell;
use crate::taka::Taka;

use earlier::Earlier;
use ladder::{Apart, Rung};
use strays::Strays;

/// Bytes of own bursts that may be on the way without a SAFE: small, so that a slow link is not filled.
pub const PUSH_WINDOW_BYTES: usize = 32 * 1024;
/// Bursts that may be on the way without a SAFE: bounds what a lost link sends twice.
pub const MAX_UNSAFE: u64 = 256;
/// Rounds of repair in one session before it is given up until the next one.
pub const MAX_REPAIRS: u32 = 12;

/// The code of the note that says so.
pub const STAY_UNEQUAL: &str = "roots_stay_unequal";

/// An incarnation of a device's database, as the device knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Which.
    pub inc: Incarnation,
    /// Central has acknowledged its bursts up to this number.
    pub safe: u64,
    /// Two bursts of one number are held: a disk forgot the first, and it came back from elsewhere.
    pub forked: bool,
}

/// What an edge's store does for a session.
pub trait EdgeStore {
    /// What went wrong in the store.
    type Error;
    /// Cursor, incarnation, last and safe burst.
    fn hello(&self) -> Result<Hello, Self::Error>;
    /// Own bursts of this incarnation after `seq`, encoded, up to `max_bytes` but at least one.
    fn own_bursts_after(&self, seq: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, Self::Error>;
    /// Verifies and takes bursts; those of authors without certificate are left out and named.
    fn receive(&mut self, bursts: Vec<Burst>) -> Result<BTreeSet<Author>, Self::Error>;
    /// Keeps certificates that the authority signed.
    fn add_certificates(&mut self, certificates: &[Vec<u8>]) -> Result<(), Self::Error>;
    /// The certificates of these authors, as far as they are held.
    fn certificates(&self, authors: &[Author]) -> Result<Vec<Vec<u8>>, Self::Error>;
    /// Keeps keys of sealed fields.
    fn add_keys(&mut self, keys: &[SubjectKey]) -> Result<(), Self::Error>;
    /// Keeps what handover codes open; one that is held already stays.
    fn add_boxes(&mut self, boxes: &[CodeBox]) -> Result<(), Self::Error>;
    /// Parcels that are fetched here and whose box has not come, at most this many.
    fn lacking_boxes(&self, most: usize) -> Result<Vec<Subject>, Self::Error>;
    /// Keeps what parties are called, in place of all names that were held.
    fn set_names(&mut self, names: &[PartyName]) -> Result<(), Self::Error>;
    /// Own incarnations; those of which nothing is safe may be left out.
    fn lives(&self) -> Result<Vec<Life>, Self::Error>;
    /// Digests of the own bursts of this number: several when a disk forgot one and it came back.
    fn own_digests(&self, inc: Incarnation, seq: u64) -> Result<Vec<Digest>, Self::Error>;
    /// Bursts of earlier incarnations that are not safe, encoded: they go out again with every HELLO.
    fn earlier_bursts(&self, max_bytes: usize) -> Result<Vec<Vec<u8>>, Self::Error>;
    /// Central holds own bursts up to here. Never lowers what is kept.
    fn set_safe(&mut self, inc: Incarnation, upto: u64) -> Result<(), Self::Error>;
    /// A relay near by holds own bursts up to here. Never lowers what is kept.
    fn set_held(&mut self, inc: Incarnation, upto: u64) -> Result<(), Self::Error>;
    /// Central was restored and holds less than it had acknowledged: the rest goes out again.
    fn lower_safe(&mut self, inc: Incarnation, upto: u64) -> Result<(), Self::Error>;
    /// Central's log is another one: it came back from a copy, and may lack also what no number tells of.
    fn note_restored(&mut self) -> Result<(), Self::Error>;
    /// Keeps the cursor, and central's beacon; neither its own nor an own burst's goes back.
    fn set_cursor(&mut self, cursor: Cursor, beacon: Option<u64>) -> Result<(), Self::Error>;
    /// Central does not store this.
    fn note_refused(&mut self, refused: &RefusedSlot) -> Result<(), Self::Error>;
    /// The database was rolled back: goes on in a new life before the next write.
    fn new_incarnation(&mut self) -> Result<(), Self::Error>;
    /// What is compared with central, of one moment: an op that comes between its parts would count as compared.
    fn standing(&self) -> Result<Standing, Self::Error>;
    /// Ids of one set, sorted.
    fn short_ids(&self, scope: Scope, lane: u8) -> Result<Vec<ShortId>, Self::Error>;
    /// How many ids one set holds, and its cells `from..upto`.
    fn cells(&self, scope: Scope, lane: u8, from: usize, upto: usize) -> Result<(u64, Vec<Cell>), Self::Error>;
    /// All ops of one set, sorted as ranges want them.
    fn elements(&self, scope: Scope, lane: u8) -> Result<Vec<Element>, Self::Error>;
    /// A set is repaired in this way.
    fn note_repair(&mut self, rung: Rung) -> Result<(), Self::Error>;
    /// Encoded bursts that hold these ops.
    fn bursts_with(&self, ids: &[ShortId]) -> Result<Vec<Vec<u8>>, Self::Error>;
    /// Sums by account over open member subjects of read scopes.
    fn books(&self) -> Result<BTreeMap<Account, Taka>, Self::Error>;
    /// Central holds whatever others wrote up to this [`Standing::upto`]. Never lowers what is kept.
    fn set_proven(&mut self, upto: u64) -> Result<(), Self::Error>;
    /// Roots were compared. `proven` as for [`EdgeStore::set_proven`]: equal roots prove it when there are no strays.
    fn note_compared(
        &mut self,
        position: u64,
        equal: bool,
        books_equal: bool,
        proven: Option<u64>,
    ) -> Result<(), Self::Error>;
    /// The next piece, of at most so many bytes, of the blob whose turn it is: one whose fact is SAFE. `None` when
    /// none waits, or when the person keeps them for a better line.
    fn next_part(&self, most_bytes: usize) -> Result<Option<BlobPart>, Self::Error>;
    /// Central holds so much of a blob, or does not take it.
    fn set_blob_held(&mut self, held: &BlobHeld) -> Result<(), Self::Error>;
    /// Something the person should see.
    fn note(&mut self, code: &str, message: &str) -> Result<(), Self::Error>;
    /// Bursts not safe yet, and ops authored in all.
    fn waiting(&self) -> Result<(u64, u64), Self::Error>;
}

/// Where an edge stands when it is compared with central.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Roots of the scopes this seat may read.
    pub roots: BTreeMap<(Scope, u8), Root>,
    /// Bursts with what others wrote about subjects that are open nowhere here, the oldest first, as far as it came
    /// after what central is known to hold.
    pub strays: Vec<Vec<u8>>,
    /// Up to which record of the store, by its own count, roots and strays are all there is.
    pub upto: u64,
}

/// The edge's half of a session.
#[derive(Debug, Default)]
pub struct EdgeSession {
    inc: Incarnation,
    /// Highest own burst sent in this session.
    sent: u64,
    /// Own bursts that the other side holds, as far as known: SAFE ones, or those that a relay has.
    safe: u64,
    /// Frames of own bursts that are not answered.
    unanswered: usize,
    /// What of earlier lives is on the way.
    earlier: Earlier,
    welcomed: bool,
    drain: bool,
    /// The other side is a relay.
    relay: bool,
    repairs: u32,
    /// The hub knows the ladder.
    ladder: bool,
    /// Bursts go in packs: the hub reads them, or has not said yet that it does not.
    packs: bool,
    /// Sets under repair, with the cells that were sent of each.
    open: BTreeMap<(Scope, u8), usize>,
    /// Sets whose repair has not begun.
    apart: VecDeque<Apart>,
    /// Bytes of the first frame of the next push, beyond [`FIRST_FRAME_BYTES`]: it grows with what was sent.
    carried: usize,
    /// Whether the last comparison found everything equal.
    equal: bool,
    strays: Strays,
    /// The hub takes blobs.
    blobs: bool,
    sending: Sending,
}

impl EdgeSession {
    /// A session with a relay near by: whatever it says, it cannot make anything safe.
    #[must_use]
    pub fn with_relay() -> Self {
        Self { relay: true, ..Self::default() }
    }

    /// Begins: HELLO, and the first of the outbox.
    ///
    /// # Errors
    /// The store's.
    pub fn start<S: EdgeStore>(&mut self, store: &S) -> Result<Vec<Frame>, S::Error> {
        let hello = Hello { packs: Some(PACKS), ..store.hello()? };
        (self.inc, self.sent, self.safe) = (hello.inc, hello.safe, hello.safe);
        self.packs = true;
        let mut frames = vec![Frame::Hello(hello)];
        frames.extend(self.earlier.push(store)?);
        frames.extend(self.push(store)?);
        Ok(self.said(frames))
    }

    /// Frames as the hub reads them.
    fn said(&self, frames: Vec<Frame>) -> Vec<Frame> {
        if self.packs { packed(frames) } else { frames }
    }

    /// Whether the last comparison, with nothing waiting, found every root equal.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.equal
    }

    /// Whether the seat is revoked: only the outbox is taken.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.drain
    }

    /// Something was recorded: pushes it.
    ///
    /// # Errors
    /// The store's.
    pub fn wake<S: EdgeStore>(&mut self, store: &S) -> Result<Vec<Frame>, S::Error> {
        let hello = store.hello()?;
        let mut began = Vec::new();
        if hello.inc != self.inc {
            self.earlier.leave(self.inc, self.unanswered);
            (self.inc, self.sent, self.safe, self.unanswered) = (hello.inc, hello.safe, hello.safe, 0);
            began = self.earlier.push(store)?;
        }
        let mut frames = began;
        frames.extend(self.push(store)?);
        frames.extend(self.next_part(store)?);
        Ok(self.said(frames))
    }

    /// The part that was on the way was answered so many milliseconds after it had left; before the answer is
    /// handled.
    pub fn part_took(&mut self, ms: u64) {
        self.sending.answered(ms);
    }

    /// A piece of a blob, when everything else is through: money never waits behind more than one.
    fn next_part<S: EdgeStore>(&mut self, store: &S) -> Result<Option<Frame>, S::Error> {
        let rests = self.blobs && self.equal && self.sent <= self.safe && self.open.is_empty();
        if !rests || self.sending.is_busy() {
            return Ok(None);
        }
        let part = store.next_part(self.sending.part_bytes())?;
        part.iter().for_each(|part| self.sending.left(part.blob));
        Ok(part.map(Frame::BlobPart))
    }

    /// Something came from near by: asks for central's roots, which may lack it.
    #[must_use]
    pub fn relayed(&self) -> Vec<Frame> {
        let ask = self.welcomed && !self.drain && self.open.is_empty();
        ask.then_some(Frame::Check(0)).into_iter().collect()
    }

    /// Answers one frame of the hub.
    ///
    /// # Errors
    /// The store's.
    pub fn handle<S: EdgeStore>(&mut self, store: &mut S, frame: Frame) -> Result<Vec<Frame>, S::Error> {
        let mut frames = self.take(store, frame)?;
        frames.extend(self.next_part(store)?);
        Ok(self.said(frames))
    }

    fn take<S: EdgeStore>(&mut self, store: &mut S, frame: Frame) -> Result<Vec<Frame>, S::Error> {
        match frame {
            Frame::Welcome(welcome) => self.welcome(store, &welcome),
            Frame::Certificates(certificates) => {
                let certificates: Vec<Vec<u8>> = certificates.into_iter().map(Vec::from).collect();
                store.add_certificates(&certificates)?;
                Ok(Vec::new())
            }
            Frame::Keys(keys) => {
                store.add_keys(&keys)?;
                Ok(Vec::new())
            }
            Frame::Boxes(boxes) => {
                store.add_boxes(&boxes)?;
                Ok(Vec::new())
            }
            // Only central says what parties are called, where its log stands, what is safe and what it refuses.
            Frame::Names(_) | Frame::PageEnd(_) | Frame::Safe(_) | Frame::Refused(_) | Frame::BlobHeld(_)
                if self.relay =>
            {
                Ok(Vec::new())
            }
            Frame::BlobHeld(held) => {
                self.sending.cleared();
                store.set_blob_held(&held)?;
                Ok(Vec::new())
            }
            Frame::Names(names) => {
                store.set_names(&names)?;
                Ok(Vec::new())
            }
            Frame::Bursts(bursts) => {
                receive(store, bursts.iter().filter_map(|burst| Burst::decode(burst).ok()).collect())
            }
            Frame::Packed(pack) => match unpack(&pack) {
                Ok(bursts) => receive(store, bursts),
                Err(error) => {
                    store.note(error.code(), &error.to_string())?;
                    Ok(Vec::new())
                }
            },
            Frame::PageEnd(end) => {
                store.set_cursor(end.cursor, end.beacon)?;
                Ok(Vec::new())
            }
            Frame::Safe(safe) => {
                if let Some(upto) = self.answered(&safe) {
                    store.set_safe(safe.inc, upto)?;
                }
                self.go_on(store)
            }
            Frame::Held(held) if self.relay => {
                if let Some(upto) = self.answered(&held) {
                    store.set_held(held.inc, upto)?;
                }
                // A relay is offered the first of them: what it holds is not safe, and so would be offered again.
                self.push(store)
            }
            Frame::WantCertificates(authors) if self.relay => {
                let known = store.certificates(&authors)?.into_iter().map(ByteVec::from).collect();
                Ok(vec![Frame::Certificates(known)])
            }
            Frame::Refused(refused) => {
                store.note_refused(&refused)?;
                Ok(Vec::new())
            }
            Frame::Roots(roots) => self.compare(store, &roots),
            Frame::Want(want) => {
                let mut frames = ladder::sent_with(store, &unpack_ids(&want.ids))?;
                frames.extend(self.repaired(store, want.scope, want.lane)?);
                Ok(frames)
            }
            Frame::More(more) => self.more(store, more),
            Frame::Ranges(ranges) => self.ranges(store, &ranges),
            Frame::Notice(notice) => {
                store.note(&notice.code, &notice.message)?;
                Ok(Vec::new())
            }
            // What only edges say, and what only relays do.
            Frame::Hello(_)
            | Frame::Held(_)
            | Frame::Ids(_)
            | Frame::Sketch(_)
            | Frame::WantCertificates(_)
            | Frame::Status(_)
            | Frame::Check(_)
            | Frame::WantBoxes(_)
            | Frame::BlobPart(_) => Ok(Vec::new()),
        }
    }

    fn welcome<S: EdgeStore>(&mut self, store: &mut S, welcome: &Welcome) -> Result<Vec<Frame>, S::Error> {
        self.welcomed = true;
        self.drain = welcome.drain;
        self.ladder = welcome.ladder.is_some_and(|version| version >= LADDER);
        self.blobs = welcome.blobs.is_some_and(|version| version >= BLOBS) && !self.relay;
        // What went in packs was skipped by a hub that does not read them.
        let skipped = self.packs && welcome.packs.is_none_or(|version| version < PACKS);
        if skipped {
            (self.packs, self.unanswered) = (false, 0);
        }
        let hello = store.hello()?;
        let log_id = hello.cursor.log_id;
        let restored = !self.relay && log_id != [0; 8] && log_id != welcome.cursor.log_id;
        if restored {
            store.note_restored()?;
        }
        let own = welcome.heads.iter().find(|head| head.inc == hello.inc);
        let foreign = own.map_or(Ok(false), |head| is_foreign(store, head, hello.last))?;
        if foreign || own.is_some_and(|head| head.forked || head.highest > hello.last) {
            // This database is older than what already left it: a restore or a roll-back.
            if foreign {
                // What central counts under these numbers is not what is held here.
                store.lower_safe(hello.inc, 0)?;
            }
            store.new_incarnation()?;
            self.earlier.leave(self.inc, self.unanswered);
            let hello = store.hello()?;
            (self.inc, self.sent, self.safe, self.unanswered) = (hello.inc, hello.safe, hello.safe, 0);
            lower_lives(store, &welcome.heads, hello.inc, restored)?;
            let mut frames = if skipped { self.earlier.again(store)? } else { self.earlier.push(store)? };
            frames.extend(self.push(store)?);
            return Ok(frames);
        }
        let upto = own.map_or(0, |head| head.upto);
        if self.relay {
            if upto > hello.safe {
                store.set_held(hello.inc, upto)?;
            }
            self.safe = upto.max(hello.safe);
            self.sent = if skipped { self.safe } else { self.sent.max(self.safe) };
            let mut again = if skipped { self.earlier.again(store)? } else { Vec::new() };
            again.extend(self.push(store)?);
            return Ok(again);
        }
        if upto < hello.safe {
            // Central was restored: it is fed again.
            store.lower_safe(hello.inc, upto)?;
            self.sent = upto;
        } else {
            // A SAFE may have been lost with its link.
            store.set_safe(hello.inc, upto)?;
        }
        let lowered = lower_lives(store, &welcome.heads, hello.inc, restored)?;
        let mut fed = match (skipped, lowered) {
            (true, _) => self.earlier.again(store)?,
            (false, true) => self.earlier.push(store)?,
            (false, false) => Vec::new(),
        };
        self.safe = upto;
        self.sent = if skipped { upto } else { self.sent.max(upto) };
        fed.extend(self.push(store)?);
        Ok(fed)
    }

    /// Up to where the other side holds own bursts by this answer, if it tells anything.
    fn answered(&mut self, says: &Safe) -> Option<u64> {
        if says.inc != self.inc {
            return self.earlier.answered(says.inc, says.upto);
        }
        self.unanswered = self.unanswered.saturating_sub(1);
        self.safe = self.safe.max(says.upto);
        Some(says.upto)
    }

    /// More of what waits, after an answer.
    fn go_on<S: EdgeStore>(&mut self, store: &S) -> Result<Vec<Frame>, S::Error> {
        let mut frames = if self.earlier.is_through() { self.earlier.push(store)? } else { Vec::new() };
        frames.extend(self.push(store)?);
        Ok(frames)
    }

    /// Own bursts that are not safe, as many as the window takes.
    fn push<S: EdgeStore>(&mut self, store: &S) -> Result<Vec<Frame>, S::Error> {
        if self.sent > self.safe + MAX_UNSAFE {
            return Ok(Vec::new());
        }
        let bursts = store.own_bursts_after(self.sent, PUSH_WINDOW_BYTES)?;
        for burst in &bursts {
            if let Ok((head, _)) = Head::decode_front(burst) {
                self.sent = self.sent.max(head.seq);
                self.equal = false;
            }
        }
        // Every frame is a commit of its own at central: only what a link begins with is cut small.
        let first = (FIRST_FRAME_BYTES + self.carried).min(BURSTS_FRAME_BYTES);
        self.carried += bursts.iter().map(Vec::len).sum::<usize>();
        let frames = bursts_frames_from(first, bursts);
        self.unanswered += frames.len();
        Ok(frames)
    }

    fn compare<S: EdgeStore>(&mut self, store: &mut S, roots: &Roots) -> Result<Vec<Frame>, S::Error> {
        let (waiting, ops) = store.waiting()?;
        // A relay knows nothing of what is safe: its roots can be compared when it holds what was sent.
        let pushing = if self.relay { self.sent > self.safe } else { waiting > 0 };
        if pushing || !self.open.is_empty() {
            return Ok(Vec::new());
        }
        let settled = !self.relay && self.strays.settle(store, roots)?;
        let Standing { roots: ours, strays, upto } = store.standing()?;
        let theirs: BTreeMap<(Scope, u8), (u64, [u8; 16])> =
            roots.sets.iter().map(|set| ((set.scope, set.lane), (set.count, set.root))).collect();
        let nothing = Root::default();
        let keys: BTreeSet<(Scope, u8)> = ours.keys().chain(theirs.keys()).copied().collect();
        let apart = |(scope, lane): (Scope, u8)| {
            let ours = ours.get(&(scope, lane)).unwrap_or(&nothing);
            let (theirs, root) = theirs.get(&(scope, lane)).copied().unwrap_or_else(|| (0, nothing.wire()));
            (ours.wire() != root).then_some(Apart { scope, lane, ours: ours.count, theirs })
        };
        let unequal: Vec<Apart> = keys.into_iter().filter_map(apart).collect();
        self.equal = unequal.is_empty();
        if self.equal {
            self.repairs = 0;
        }
        let mut frames = if self.relay {
            Vec::new()
        } else {
            let proven = (self.equal && strays.is_empty()).then_some(upto);
            self.report(store, roots, (waiting, ops), proven)?
        };
        if self.equal {
            if settled {
                frames.extend(self.strays.send(strays, upto));
            }
            return Ok(frames);
        }
        if self.repairs == MAX_REPAIRS {
            // Said once: the next session tries again.
            self.repairs += 1;
            store.note(STAY_UNEQUAL, &format!("{} sets stay unequal after {MAX_REPAIRS} repairs", unequal.len()))?;
        }
        if self.repairs < MAX_REPAIRS {
            self.repairs += 1;
            // Roots of other lanes mean something only under an equal lane 0.
            let control = unequal.iter().any(|apart| apart.lane == lane::CONTROL);
            self.apart = unequal.into_iter().filter(|apart| !control || apart.lane == lane::CONTROL).collect();
            frames.extend(self.repair_next(store)?);
        }
        Ok(frames)
    }

    /// What the comparison with central showed, and what is asked with every one.
    fn report<S: EdgeStore>(
        &self,
        store: &mut S,
        roots: &Roots,
        (waiting, ops): (u64, u64),
        proven: Option<u64>,
    ) -> Result<Vec<Frame>, S::Error> {
        let books_equal = self.equal && roots.rules == RULES && books::digest(&store.books()?) == roots.books;
        store.note_compared(roots.position, self.equal, books_equal, proven)?;
        let status = Status { waiting, ops, root_equal: self.equal, books_equal, position: roots.position };
        let mut frames = vec![Frame::Status(status)];
        // A box is made after its order was answered: it may come later than its parcel.
        let lacking = store.lacking_boxes(MAX_BOXES)?;
        if !lacking.is_empty() {
            frames.push(Frame::WantBoxes(lacking));
        }
        Ok(frames)
    }
}

/// Verifies and takes bursts; asks for the certificates that are missing. What is left out until then is found missing
/// by the roots and asked for again.
fn receive<S: EdgeStore>(store: &mut S, bursts: Vec<Burst>) -> Result<Vec<Frame>, S::Error> {
    let unknown = store.receive(bursts)?;
    let asked = (!unknown.is_empty()).then(|| Frame::WantCertificates(unknown.into_iter().collect()));
    Ok(asked.into_iter().collect())
}

/// Whether the other side counts another burst than ours under the number up to which it holds this life: a disk
/// forgot what had left it, and the same number was written again.
fn is_foreign<S: EdgeStore>(store: &S, head: &OwnHead, last: u64) -> Result<bool, S::Error> {
    let Some(theirs) = head.digest.filter(|_| head.upto > 0 && head.upto <= last) else { return Ok(false) };
    let ours = store.own_digests(head.inc, head.upto)?;
    Ok(!ours.iter().any(|digest| digest.0.starts_with(&theirs)))
}

/// Central holds less of lives that are over than it had acknowledged: the rest goes out again. They are safe by their
/// own SAFE only, never by the numbers in WELCOME: what a disk forgot may stand at central under the numbers of what
/// was written here since. After a restore numbers say nothing of a life that has one twice, here or
/// there: which of the two the copy held is not known, so all of it goes out again.
fn lower_lives<S: EdgeStore>(
    store: &mut S,
    heads: &[OwnHead],
    current: Incarnation,
    restored: bool,
) -> Result<bool, S::Error> {
    let mut lowered = false;
    for Life { inc, safe, forked } in store.lives()?.into_iter().filter(|life| life.inc != current) {
        let upto = match heads.iter().find(|head| head.inc == inc) {
            None => 0,
            Some(head) if restored && (forked || head.forked || is_foreign(store, head, u64::MAX)?) => 0,
            Some(head) => head.upto,
        };
        if upto < safe {
            store.lower_safe(inc, upto)?;
            lowered = true;
        }
    }
    Ok(lowered)
}
