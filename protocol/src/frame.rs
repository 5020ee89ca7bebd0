//! Frames: what a session says on the wire.
//!
//! ```text
//! frame = type u8 | length u32 big-endian | body (deterministic CBOR array)
//! ```
//! An unknown type is skipped by its length (SPEC S9). Bodies only grow at the end.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::blob::{BlobHeld, BlobPart};
use crate::id::{Author, Incarnation, Scope, ShortId, Subject};

/// Largest frame body: a page of bursts is cut well below, so that a small device never buffers more.
pub const MAX_FRAME_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of bursts after which a frame is closed.
pub const BURSTS_FRAME_BYTES: usize = 64 * 1024;
/// Bytes before a body.
pub const HEADER_BYTES: usize = 5;
/// A frame of type 0 and no body, which says nothing: a packet behind one that may have been lost. Everybody skips it.
pub const NOTHING: [u8; HEADER_BYTES] = [0; HEADER_BYTES];
/// Bursts travel in frames of this size at first, then of twice as much, up to [`BURSTS_FRAME_BYTES`]: a
/// link that dies every 4 KB has then brought whole frames before it died.
pub const FIRST_FRAME_BYTES: usize = 1024;
/// Most ids in one IDS frame: the first version of repair lists a whole (scope, lane).
pub const MAX_IDS: usize = 200_000;
/// The version of sketch and ranges that [`Welcome::ladder`] names.
pub const LADDER: u8 = 1;

/// The version of [`crate::pack`] that [`Hello::packs`] and [`Welcome::packs`] name.
pub const PACKS: u8 = 1;
/// The version of [`BlobPart`] that [`Welcome::blobs`] names.
pub const BLOBS: u8 = 1;

/// Parcels whose boxes are asked for at once: a page of them, and the rest at the next comparison.
pub const MAX_BOXES: usize = 128;

/// Where a device stands in central's log; opaque to the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Cursor {
    /// The log; new after every restore.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub log_id: [u8; 8],
    /// Position in it: the device was told everything up to here.
    #[n(1)]
    pub position: u64,
    /// Of what falls due at the next position, the device was told the ops up to this one: a subject that
    /// it may suddenly see comes with its whole past, which can be more than one link carries. `None`
    /// in cursors of before.
    #[n(2)]
    pub within: Option<u64>,
}

/// The edge's first frame. Its outbox follows in the same flight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Up to where the device was told.
    #[n(0)]
    pub cursor: Cursor,
    /// The life of its database.
    #[n(1)]
    pub inc: Incarnation,
    /// Its last burst; 0 when it has written none.
    #[n(2)]
    pub last: u64,
    /// The last of its bursts that it knows to be safe.
    #[n(3)]
    pub safe: u64,
    /// The version of its fold.
    #[n(4)]
    pub rules: u32,
    /// See [`names_digest`]; a device of before says nothing.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub names: Option<[u8; 8]>,
    /// The device reads packs, version [`PACKS`] of them. `None`: it reads only plain bursts.
    #[n(6)]
    pub packs: Option<u8>,
}

/// What a person or a place is called, for the devices that work with them. Names are no facts: whoever may
/// read a scope is told them anew when they change, and nobody else is.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct PartyName {
    /// Whose: an agent or a site.
    #[n(0)]
    pub party: Scope,
    /// As operations wrote it.
    #[n(1)]
    pub name: String,
}

impl std::fmt::Debug for PartyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartyName({})", self.party)
    }
}

/// Tells whether a device holds the names there are: over all of them, in order of the party.
#[must_use]
pub fn names_digest<'a>(names: impl IntoIterator<Item = (&'a Scope, &'a str)>) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new_derive_key("getit names 1");
    for (party, name) in names {
        hasher.update(&party.0).update(&(name.len() as u64).to_be_bytes()).update(name.as_bytes());
    }
    let mut digest = [0; 8];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    digest
}

/// What central holds of the device's own chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OwnHead {
    /// The incarnation.
    #[n(0)]
    pub inc: Incarnation,
    /// Safe up to here.
    #[n(1)]
    pub upto: u64,
    /// The highest number seen.
    #[n(2)]
    pub highest: u64,
    /// Two bursts of one number were seen: go on in a new incarnation.
    #[n(3)]
    pub forked: bool,
    /// The first 8 bytes of the digest of the burst at `upto`, where there is one such burst and no other. It stands
    /// for the whole chain up to there: a device that holds another one under that number is not safe by numbers.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub digest: Option<[u8; 8]>,
}

/// The hub's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// The log and how far it is.
    #[n(0)]
    pub cursor: Cursor,
    /// The device's own chains.
    #[n(1)]
    pub heads: Vec<OwnHead>,
    /// The seat is revoked: bursts are taken, nothing else is given.
    #[n(2)]
    pub drain: bool,
    /// The hub reads [`Sketch`] and [`Ranges`], version [`LADDER`] of them. `None`: it reads only [`Ids`].
    #[n(3)]
    pub ladder: Option<u8>,
    /// The hub takes blobs, version [`BLOBS`] of them.
    #[n(4)]
    pub blobs: Option<u8>,
    /// The hub reads packs, version [`PACKS`] of them. A device sends them in its first flight, before it knows: a
    /// hub of before skips them, says nothing here, and gets the same again as plain bursts.
    #[n(5)]
    pub packs: Option<u8>,
}

/// The end of a page of the delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PageEnd {
    /// Up to where the device is told now.
    #[n(0)]
    pub cursor: Cursor,
    /// More follows.
    #[n(1)]
    pub more: bool,
    /// Central's newest beacon: a number that grows with central's own time, so that a device with a wrong clock
    /// knows how much has passed, and a burst proves what its author had heard. `None` before the first.
    #[n(2)]
    pub beacon: Option<u64>,
}

/// Every slot of every burst up to here is committed in Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Safe {
    /// The incarnation.
    #[n(0)]
    pub inc: Incarnation,
    /// The number.
    #[n(1)]
    pub upto: u64,
}

/// A burst, or one slot of it, that central does not store.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RefusedSlot {
    /// The author.
    #[n(0)]
    pub author: Author,
    /// The incarnation.
    #[n(1)]
    pub inc: Incarnation,
    /// The number.
    #[n(2)]
    pub seq: u64,
    /// The slot; `None` for the whole burst.
    #[n(3)]
    pub slot: Option<u8>,
    /// The stable code.
    #[n(4)]
    pub code: String,
}

/// Count and root of one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SetRoot {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// The lane.
    #[n(1)]
    pub lane: u8,
    /// How many ids.
    #[n(2)]
    pub count: u64,
    /// See [`crate::root::Root::wire`].
    #[cbor(n(3), with = "minicbor::bytes")]
    pub root: [u8; 16],
}

/// The hub's roots of the device's sets at one log position, and the books over them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Roots {
    /// When.
    #[n(0)]
    pub position: u64,
    /// Sets that are not empty.
    #[n(1)]
    pub sets: Vec<SetRoot>,
    /// The fold central posted with; books are compared only under an equal one.
    #[n(2)]
    pub rules: u32,
    /// See [`crate::books::digest`].
    #[cbor(n(3), with = "minicbor::bytes")]
    pub books: [u8; 16],
    /// An era number, reserved (SPEC S2).
    #[n(4)]
    pub era: u32,
    /// The largest number of a Check that was handled, and with it every frame before that: absent for none.
    #[n(5)]
    pub answers: Option<u64>,
}

/// All short ids of one set, sorted: the first version of repair, for hubs that know no other.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ids {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// The lane.
    #[n(1)]
    pub lane: u8,
    /// 8 bytes each.
    #[n(2)]
    pub ids: ByteVec,
}

/// The sender lacks these; the last answer to an [`Ids`], [`Sketch`] or [`Ranges`], empty when it lacks
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Want {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// The lane.
    #[n(1)]
    pub lane: u8,
    /// 8 bytes each.
    #[n(2)]
    pub ids: ByteVec,
}

/// Cells of one set, those from `from` on (see [`crate::sketch`]).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Sketch {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// The lane.
    #[n(1)]
    pub lane: u8,
    /// How many ids the set holds: cells of two moments do not belong together.
    #[n(2)]
    pub count: u64,
    /// The first of these cells.
    #[n(3)]
    pub from: u32,
    /// See [`crate::sketch::encode_cells`].
    #[n(4)]
    pub cells: ByteVec,
}

/// The cells so far do not tell the difference: send those up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct More {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// The lane.
    #[n(1)]
    pub lane: u8,
    /// One after the last cell.
    #[n(2)]
    pub upto: u32,
}

/// What the sender holds of one set, range by range (see [`crate::ranges`]).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ranges {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// The lane.
    #[n(1)]
    pub lane: u8,
    /// The message; empty when nothing is left to compare.
    #[n(2)]
    pub ranges: ByteVec,
    /// The sender lacks these, 8 bytes each, as the message before has shown.
    #[n(3)]
    pub want: ByteVec,
}

/// The key of a subject's sealed fields.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct SubjectKey {
    /// Which.
    #[n(0)]
    pub subject: Subject,
    /// The key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: [u8; 32],
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectKey({})", self.subject)
    }
}

/// What the six digits of a parcel's handover code open, for the devices of its point (see
/// [`crate::handover`]).
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct CodeBox {
    /// Which.
    #[n(0)]
    pub subject: Subject,
    /// The box.
    #[n(1)]
    pub sealed: ByteVec,
}

impl std::fmt::Debug for CodeBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodeBox({})", self.subject)
    }
}

/// Something the device should tell its person.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Notice {
    /// The stable code.
    #[n(0)]
    pub code: String,
    /// What to do, in English; screens say it by code.
    #[n(1)]
    pub message: String,
}

/// What the device says of itself; central lists it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Status {
    /// Bursts that are not safe yet.
    #[n(0)]
    pub waiting: u64,
    /// Ops it authored.
    #[n(1)]
    pub ops: u64,
    /// The last comparison found every root equal.
    #[n(2)]
    pub root_equal: bool,
    /// The last comparison found the books equal.
    #[n(3)]
    pub books_equal: bool,
    /// At which log position.
    #[n(4)]
    pub position: u64,
}

macro_rules! frames {
    ($($(#[$doc:meta])* $name:ident($body:ty) = $number:literal;)*) => {
        /// One frame.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Frame { $($(#[$doc])* $name($body),)* }

        impl Frame {
            /// The frame as sent.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let (number, body) = match self { $(Self::$name(body) => ($number, crate::cbor::encode(body)),)* };
                let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
                let mut out = Vec::with_capacity(HEADER_BYTES + body.len());
                out.push(number);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(&body);
                out
            }

            /// Reads the body of a frame of type `number`; `Ok(None)` for a type of a later version.
            ///
            /// # Errors
            /// [`FrameError::Malformed`].
            pub fn decode(number: u8, body: &[u8]) -> Result<Option<Self>, FrameError> {
                match number {
                    $($number => minicbor::decode::<$body>(body).map(|body| Some(Self::$name(body)))
                        .map_err(|_| FrameError::Malformed(number)),)*
                    _ => Ok(None),
                }
            }
        }
    };
}

frames! {
    /// Edge → hub, first.
    Hello(Hello) = 1;
    /// Hub → edge, first.
    Welcome(Welcome) = 2;
    /// Certificates of authors whose bursts follow.
    Certificates(Vec<ByteVec>) = 3;
    /// Bursts, either way.
    Bursts(Vec<ByteVec>) = 4;
    /// Hub → edge.
    PageEnd(PageEnd) = 5;
    /// Hub → edge.
    Safe(Safe) = 6;
    /// Hub → edge.
    Refused(RefusedSlot) = 7;
    /// Hub → edge.
    Roots(Roots) = 8;
    /// Edge → hub: my ids of this set.
    Ids(Ids) = 9;
    /// Hub → edge: send me these.
    Want(Want) = 10;
    /// Hub → edge.
    Keys(Vec<SubjectKey>) = 11;
    /// Certificates are missing.
    WantCertificates(Vec<Author>) = 12;
    /// Hub → edge.
    Notice(Notice) = 13;
    /// Edge → hub.
    Status(Status) = 14;
    /// Edge → hub: tell me your roots again.
    Check(u64) = 15;
    /// Hub → edge; skipped by devices of before.
    Boxes(Vec<CodeBox>) = 16;
    /// Edge → hub: the cells of this set.
    Sketch(Sketch) = 17;
    /// Hub → edge: more of them.
    More(More) = 18;
    /// Either way.
    Ranges(Ranges) = 19;
    /// Hub → edge, all there are, when the device holds others; skipped by devices of before.
    Names(Vec<PartyName>) = 20;
    /// Edge → hub: parcels that are fetched here and whose box has not come, up to [`MAX_BOXES`]; skipped by
    /// hubs of before.
    WantBoxes(Vec<Subject>) = 21;
    /// Relay → edge: own bursts up to here are on the relay's disk. Not SAFE: the relay may burn before it
    /// meets central.
    Held(Safe) = 22;
    /// Edge → hub: a piece of a blob; only to a hub that takes them.
    BlobPart(BlobPart) = 23;
    /// Hub → edge: how much of a blob central holds.
    BlobHeld(BlobHeld) = 24;
    /// Bursts, either way, as a [`crate::pack`]; only to a peer that reads them.
    Packed(ByteVec) = 25;
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length over [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is over the limit: update the program")]
    TooLarge(usize),
    /// The body is not that of its type.
    #[error("the body of a frame of type {0} is malformed: update the program")]
    Malformed(u8),
}

impl FrameError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge(_) => "frame_too_large",
            Self::Malformed(_) => "frame_malformed",
        }
    }
}

/// Type and body length of a frame header.
///
/// # Errors
/// [`FrameError::TooLarge`].
pub fn header(bytes: [u8; HEADER_BYTES]) -> Result<(u8, usize), FrameError> {
    let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
    if length > MAX_FRAME_BYTES { Err(FrameError::TooLarge(length)) } else { Ok((bytes[0], length)) }
}

/// Short ids as one byte string.
#[must_use]
pub fn pack_ids(ids: &[ShortId]) -> ByteVec {
    ids.iter().flat_map(|id| id.0).collect::<Vec<u8>>().into()
}

/// Short ids of a byte string; a rest of less than 8 bytes is ignored.
#[must_use]
pub fn unpack_ids(bytes: &[u8]) -> Vec<ShortId> {
    bytes.as_chunks::<8>().0.iter().take(MAX_IDS).map(|id| ShortId(*id)).collect()
}

/// Bursts in frames that grow from [`FIRST_FRAME_BYTES`] to [`BURSTS_FRAME_BYTES`].
#[must_use]
pub fn bursts_frames(bursts: impl IntoIterator<Item = Vec<u8>>) -> Vec<Frame> {
    bursts_frames_from(FIRST_FRAME_BYTES, bursts)
}

/// The same, the first of which has about `first` bytes.
#[must_use]
pub fn bursts_frames_from(first: usize, bursts: impl IntoIterator<Item = Vec<u8>>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut open: Vec<ByteVec> = Vec::new();
    let (mut bytes, mut full) = (0, first);
    for burst in bursts {
        bytes += burst.len();
        open.push(burst.into());
        if bytes >= full {
            frames.push(Frame::Bursts(std::mem::take(&mut open)));
            (bytes, full) = (0, (2 * full).min(BURSTS_FRAME_BYTES));
        }
    }
    if !open.is_empty() {
        frames.push(Frame::Bursts(open));
    }
    frames
}
