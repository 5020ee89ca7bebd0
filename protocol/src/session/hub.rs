//! A hub's half of a session: frames in, questions to the store out, frames back.

mod repair;

use std::collections::BTreeSet;

use crate::blob::{BlobHeld, BlobPart, MAX_PART_BYTES};
use crate::burst::Burst;
use crate::frame::{
    BLOBS, BURSTS_FRAME_BYTES, CodeBox, Cursor, FIRST_FRAME_BYTES, Frame, Hello, LADDER, MAX_BOXES, Notice, OwnHead,
    PACKS, PageEnd, PartyName, RefusedSlot, Roots, Safe, SetRoot, Status, SubjectKey, Want, Welcome, bursts_frames,
    bursts_frames_from, names_digest, pack_ids, unpack_ids,
};
use crate::id::{Author, Incarnation, Scope, ShortId, Subject};
use crate::pack::{packed, unpack};
use crate::ranges::{Element, RangesError};
use crate::root::Root;
use crate::sketch::Sketch;

pub use repair::OPS_AT_ONCE;

/// Most ops in one page of the delta.
pub const PAGE_OPS: u32 = 500;
/// Bytes to which pages grow. What a page costs the hub beside its bytes follows what the device is owed in all, so that
/// few large ones cost less; a link that dies loses one at the most, when it has carried as much before.
const PAGE_BYTES: usize = 4 * BURSTS_FRAME_BYTES;

/// Up to where a device was told: everything that falls due up to `position`, and of what falls due at
/// the position after it, the ops up to `within`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// The log position.
    pub position: u64,
    /// The position of an op.
    pub within: u64,
}

/// What the session asks of central's store.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Log, position, and the device's own chains.
    Welcome,
    /// Verify and take these.
    Take(Vec<Burst>),
    /// The delta of the device after this, about so many bytes of bursts.
    Page(Told, usize),
    /// What the device lacks of this set, and what we lack; all ids of the device.
    Difference(Scope, u8, Vec<ShortId>),
    /// The first cells of this set.
    Cells(Scope, u8, usize),
    /// All ops of this set, in the order of ranges.
    Elements(Scope, u8),
    /// These ops of this set.
    Ops(Scope, u8, Vec<ShortId>),
    /// Certificates.
    Certificates(Vec<Author>),
    /// What the codes of these parcels open, as far as the device's own counter opens them.
    Boxes(Vec<Subject>),
    /// What the people and places are called that the device works with.
    Names,
    /// Keep what the device says of itself.
    Status(Status),
    /// Keep this piece of a blob.
    Blob(BlobPart),
}

/// The store's answer to an [`Ask`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Ask::Welcome`].
    Welcome(Cursor, Vec<OwnHead>),
    /// To [`Ask::Take`]: the device's own chains as they are now, and what was refused.
    Took(Vec<(Incarnation, u64)>, Vec<RefusedSlot>),
    /// To [`Ask::Page`].
    Page(Page),
    /// To [`Ask::Difference`].
    Difference(Scope, u8, Difference),
    /// To [`Ask::Cells`]; `None` for a scope that the device may not read.
    Cells(Scope, u8, Option<Sketch>),
    /// To [`Ask::Elements`]; `None` for a scope that the device may not read.
    Elements(Scope, u8, Option<Vec<Element>>),
    /// To [`Ask::Ops`].
    Ops(Scope, u8, Difference),
    /// To [`Ask::Certificates`].
    Certificates(Vec<(Author, Vec<u8>)>),
    /// To [`Ask::Boxes`].
    Boxes(Vec<CodeBox>),
    /// To [`Ask::Names`]: in order of the party.
    Names(Vec<PartyName>),
    /// To [`Ask::Status`].
    Noted,
    /// To [`Ask::Blob`].
    Blob(BlobHeld),
}

/// A page of the delta.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Bursts, with what the device may not see withheld.
    pub bursts: Vec<Burst>,
    /// Certificates of their authors.
    pub certificates: Vec<(Author, Vec<u8>)>,
    /// Keys of the subjects in the page, for seats that may unseal.
    pub keys: Vec<SubjectKey>,
    /// What the handover codes of those subjects open, for the device's own counter.
    pub boxes: Vec<CodeBox>,
    /// Up to where the page goes.
    pub upto: Told,
    /// More follows.
    pub more: bool,
    /// The newest beacon; 0 before the first.
    pub beacon: u64,
    /// Roots and books at `upto`; only on the last page.
    pub roots: Vec<(Scope, u8, Root)>,
    /// Books digest; only on the last page.
    pub books: [u8; 16],
}

/// What differs in one set.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// What the device lacks.
    pub bursts: Vec<Burst>,
    /// Certificates of their authors.
    pub certificates: Vec<(Author, Vec<u8>)>,
    /// Keys of their subjects.
    pub keys: Vec<SubjectKey>,
    /// What the handover codes of those subjects open, for the device's own counter.
    pub boxes: Vec<CodeBox>,
    /// What we lack.
    pub want: Vec<ShortId>,
}

/// The hub's half of a session with one device.
#[derive(Debug)]
pub struct HubSession {
    author: Author,
    drain: bool,
    relay: bool,
    log_id: [u8; 8],
    cursor: Told,
    /// Bytes of the next page: few at first, so that a link which dies early has closed one.
    page_bytes: usize,
    greeted: bool,
    /// A page is asked for and has not come.
    paging: bool,
    /// The device waits for roots.
    owes_roots: bool,
    /// The largest number of its checks.
    checked: u64,
    told: BTreeSet<Author>,
    keyed: BTreeSet<Subject>,
    boxed: BTreeSet<Subject>,
    last_roots: Option<Roots>,
    /// The names that the device holds.
    names: Option<[u8; 8]>,
    repairs: repair::Repairs,
    hello: Hello,
}

/// What an edge did that ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A frame before HELLO.
    #[error("the device spoke before HELLO: update its program")]
    NoHello,
    /// HELLO twice.
    #[error("the device said HELLO twice: update its program")]
    TwoHellos,
    /// A burst that is no burst.
    #[error("the device sent a burst that cannot be read: update its program")]
    Burst(&'static str),
    /// Cells that cannot be read, or that do not follow those before.
    #[error("the device sent cells that cannot be: update its program")]
    Sketch,
    /// Ranges that cannot be read.
    #[error(transparent)]
    Ranges(RangesError),
    /// A piece of a blob that is larger than pieces are.
    #[error("the device sent too large a piece of a picture: update its program")]
    Blob,
    /// More sets are under repair than a session may have.
    #[error("the device repairs too many sets at once: update its program")]
    TooManySets,
    /// A frame that only hubs send.
    #[error("the device sent a frame that only hubs send: update its program")]
    WrongSide,
}

impl Violation {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoHello => "no_hello",
            Self::TwoHellos => "two_hellos",
            Self::Burst(code) => code,
            Self::Sketch => "sketch_malformed",
            Self::Ranges(error) => error.code(),
            Self::Blob => "blob_part_too_large",
            Self::TooManySets => "too_many_sets",
            Self::WrongSide => "wrong_side",
        }
    }
}

impl HubSession {
    /// A session with the device of this seat. `revoked`: a drain session.
    #[must_use]
    pub fn new(author: Author, revoked: bool) -> Self {
        Self {
            author,
            drain: revoked,
            relay: false,
            log_id: [0; 8],
            cursor: Told::default(),
            page_bytes: FIRST_FRAME_BYTES,
            greeted: false,
            paging: false,
            owes_roots: true,
            checked: 0,
            told: BTreeSet::from([author]),
            keyed: BTreeSet::new(),
            boxed: BTreeSet::new(),
            last_roots: None,
            names: None,
            repairs: repair::Repairs::new(),
            hello: Hello::default(),
        }
    }

    /// The session of a relay with the device of this seat: of the same words, it keeps no log, judges nothing
    /// and says HELD where a hub says SAFE.
    #[must_use]
    pub fn relay(author: Author, revoked: bool) -> Self {
        Self { relay: true, ..Self::new(author, revoked) }
    }

    /// Takes one frame of the device.
    ///
    /// # Errors
    /// [`Violation`]: the session ends, nothing of the frame was taken.
    pub fn handle(&mut self, frame: Frame) -> Result<Vec<Ask>, Violation> {
        if let Frame::Hello(hello) = frame {
            if self.greeted {
                return Err(Violation::TwoHellos);
            }
            self.greeted = true;
            self.names = hello.names;
            self.hello = hello;
            return Ok(vec![Ask::Welcome]);
        }
        if !self.greeted {
            return Err(Violation::NoHello);
        }
        match frame {
            Frame::Bursts(bursts) => {
                let read = bursts.iter().map(|bytes| Burst::decode(bytes)).collect::<Result<Vec<_>, _>>();
                Ok(vec![Ask::Take(read.map_err(|error| Violation::Burst(error.code()))?)])
            }
            Frame::Packed(pack) => match unpack(&pack) {
                Ok(bursts) => Ok(vec![Ask::Take(bursts)]),
                Err(error) => Err(Violation::Burst(error.code())),
            },
            Frame::Ids(ids) if !self.drain => Ok(vec![Ask::Difference(ids.scope, ids.lane, unpack_ids(&ids.ids))]),
            Frame::Sketch(sketch) if !self.drain => self.take_sketch(&sketch),
            Frame::Ranges(ranges) if !self.drain => self.take_ranges(ranges),
            Frame::Check(number) if !self.drain => {
                self.checked = self.checked.max(number);
                self.owes_roots = true;
                Ok(self.page())
            }
            Frame::WantBoxes(mut parcels) if !self.drain => {
                parcels.truncate(MAX_BOXES);
                Ok(vec![Ask::Boxes(parcels)])
            }
            Frame::BlobPart(part) if part.bytes.len() > MAX_PART_BYTES => Err(Violation::Blob),
            Frame::BlobPart(part) if !self.drain && !self.relay => Ok(vec![Ask::Blob(part)]),
            Frame::WantCertificates(authors) => Ok(vec![Ask::Certificates(authors)]),
            Frame::Status(status) if self.drain => Ok(vec![Ask::Status(status)]),
            Frame::Status(_) if self.relay => Ok(Vec::new()),
            // An agent who was enrolled today is on the counter's list today.
            Frame::Status(status) => Ok(vec![Ask::Status(status), Ask::Names]),
            Frame::Ids(_)
            | Frame::Sketch(_)
            | Frame::Ranges(_)
            | Frame::Check(_)
            | Frame::WantBoxes(_)
            | Frame::BlobPart(_) => Ok(Vec::new()),
            _ => Err(Violation::WrongSide),
        }
    }

    /// The log moved: there may be something for the device.
    pub fn log_moved(&mut self) -> Vec<Ask> {
        if self.greeted && !self.drain { self.page() } else { Vec::new() }
    }

    /// One that is asked for already will see whatever has happened by now.
    fn page(&mut self) -> Vec<Ask> {
        let asks = !std::mem::replace(&mut self.paging, true);
        asks.then_some(Ask::Page(self.cursor, self.page_bytes)).into_iter().collect()
    }

    /// Takes an answer of the store: what to send, and what to ask next.
    pub fn answer(&mut self, answer: Answer) -> (Vec<Frame>, Vec<Ask>) {
        let (frames, asks) = self.reply(answer);
        let reads = self.hello.packs.is_some_and(|version| version >= PACKS);
        (if reads { packed(frames) } else { frames }, asks)
    }

    fn reply(&mut self, answer: Answer) -> (Vec<Frame>, Vec<Ask>) {
        match answer {
            Answer::Welcome(cursor, heads) => {
                self.log_id = cursor.log_id;
                // A cursor of another log says nothing about this one.
                if self.hello.cursor.log_id == cursor.log_id {
                    let within = self.hello.cursor.within.unwrap_or(0);
                    self.cursor = Told { position: self.hello.cursor.position, within };
                }
                let (ladder, blobs) = (Some(LADDER), (!self.relay && !self.drain).then_some(BLOBS));
                let packs = Some(PACKS);
                let welcome = Welcome { cursor, heads, drain: self.drain, ladder, blobs, packs };
                let mut frames = vec![Frame::Welcome(welcome)];
                if self.drain {
                    let message = "This device was withdrawn. What it recorded is taken; give it back to operations.";
                    frames.push(Frame::Notice(Notice { code: "revoked".to_owned(), message: message.to_owned() }));
                    return (frames, Vec::new());
                }
                (frames, self.page())
            }
            Answer::Took(chains, refused) => {
                let says = if self.relay { Frame::Held } else { Frame::Safe };
                let safe = chains.into_iter().map(|(inc, upto)| says(Safe { inc, upto }));
                let frames = safe.chain(refused.into_iter().map(Frame::Refused)).collect();
                if self.drain {
                    return (frames, Vec::new());
                }
                self.owes_roots = true;
                (frames, self.page())
            }
            Answer::Page(page) => self.send_page(page),
            Answer::Difference(scope, lane, difference) => {
                let mut frames = self.introduce(difference.certificates, difference.keys, difference.boxes);
                frames.extend(bursts_frames(difference.bursts.iter().map(Burst::encode)));
                frames.push(Frame::Want(Want { scope, lane, ids: pack_ids(&difference.want) }));
                (frames, Vec::new())
            }
            Answer::Cells(scope, lane, ours) => self.peel(scope, lane, ours.as_ref()),
            Answer::Elements(scope, lane, ours) => self.range(scope, lane, ours.as_deref()),
            Answer::Ops(scope, lane, ops) => (self.give(scope, lane, ops), Vec::new()),
            Answer::Certificates(certificates) => {
                let bytes = certificates.into_iter().map(|(_, bytes)| bytes.into()).collect();
                (vec![Frame::Certificates(bytes)], Vec::new())
            }
            Answer::Boxes(boxes) => (self.introduce(Vec::new(), Vec::new(), boxes), Vec::new()),
            Answer::Names(names) => (self.tell_names(names), Vec::new()),
            Answer::Noted => (Vec::new(), Vec::new()),
            Answer::Blob(held) => (vec![Frame::BlobHeld(held)], Vec::new()),
        }
    }

    /// All names, when the device holds others.
    fn tell_names(&mut self, names: Vec<PartyName>) -> Vec<Frame> {
        let digest = names_digest(names.iter().map(|named| (&named.party, named.name.as_str())));
        if self.names == Some(digest) {
            return Vec::new();
        }
        self.names = Some(digest);
        vec![Frame::Names(names)]
    }

    fn introduce(
        &mut self,
        certificates: Vec<(Author, Vec<u8>)>,
        keys: Vec<SubjectKey>,
        boxes: Vec<CodeBox>,
    ) -> Vec<Frame> {
        let fresh: Vec<_> = certificates
            .into_iter()
            .filter(|(author, _)| self.told.insert(*author))
            .map(|(_, bytes)| bytes.into())
            .collect();
        let keys: Vec<SubjectKey> = keys.into_iter().filter(|key| self.keyed.insert(key.subject)).collect();
        let fresh = (!fresh.is_empty()).then_some(Frame::Certificates(fresh));
        let keys = (!keys.is_empty()).then_some(Frame::Keys(keys));
        let boxes: Vec<CodeBox> = boxes.into_iter().filter(|code| self.boxed.insert(code.subject)).collect();
        let boxes = (!boxes.is_empty()).then_some(Frame::Boxes(boxes));
        fresh.into_iter().chain(keys).chain(boxes).collect()
    }

    fn send_page(&mut self, page: Page) -> (Vec<Frame>, Vec<Ask>) {
        self.paging = false;
        self.cursor = page.upto;
        let mut frames = self.introduce(page.certificates, page.keys, page.boxes);
        let told = !page.bursts.is_empty();
        frames
            .extend(bursts_frames_from(self.page_bytes.min(BURSTS_FRAME_BYTES), page.bursts.iter().map(Burst::encode)));
        let Told { position, within } = page.upto;
        let cursor = Cursor { log_id: self.log_id, position, within: (within > 0).then_some(within) };
        let beacon = (page.beacon > 0).then_some(page.beacon);
        if page.more {
            self.page_bytes = (2 * self.page_bytes).min(PAGE_BYTES);
            frames.push(Frame::PageEnd(PageEnd { cursor, more: true, beacon }));
            return (frames, self.page());
        }
        let set = |(scope, lane, root): &(Scope, u8, Root)| SetRoot {
            scope: *scope,
            lane: *lane,
            count: root.count,
            root: root.wire(),
        };
        let sets = page.roots.iter().filter(|(_, _, root)| root.count > 0).map(set).collect();
        let answers = (self.checked > 0).then_some(self.checked);
        let roots = Roots { position, sets, rules: crate::fold::RULES, books: page.books, era: 0, answers };
        let same = self.last_roots.as_ref().is_some_and(|last| last.sets == roots.sets && last.books == roots.books);
        if told || self.owes_roots || !same {
            frames.push(Frame::PageEnd(PageEnd { cursor, more: false, beacon }));
            frames.push(Frame::Roots(roots.clone()));
            self.last_roots = Some(roots);
            self.owes_roots = false;
        }
        (frames, Vec::new())
    }

    /// The author this session is with.
    #[must_use]
    pub const fn author(&self) -> Author {
        self.author
    }
}
