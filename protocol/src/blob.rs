//! Blobs: photos and signatures that a fact names by hash and that follow it when everything else is through.
//!
//! A blob is sealed with the key of its subject before anything is told of it, so that it is forgotten with that key
//! like every other personal field. What is named, kept, sent and verified are the sealed bytes:
//! ```text
//! blob = 1 | nonce 24 | XChaCha20-Poly1305(K_S, the picture's bytes) | tag 16      id = BLAKE3(blob)
//! ```
//! The additional data is subject ‖ kind of the fact, as for every sealed field. A fact is valid without its blob.

use minicbor::{Decode, Encode};

use crate::id::Subject;
use crate::sealed;

/// Largest blob, seal included.
pub const MAX_BLOB_BYTES: usize = 8 * 1024 * 1024;
/// Largest part that travels in one frame.
pub const MAX_PART_BYTES: usize = 64 * 1024;
/// Least: what a slow line is asked to carry at once. A cash fact waits behind no more than one part.
pub const LEAST_PART_BYTES: usize = 2 * 1024;
/// A line on which a part waits longer than this gets smaller ones, ms.
const QUEUED_LONG_MS: u64 = 600;
/// One on which it waits less than this gets larger ones, ms.
const QUEUED_SHORT_MS: u64 = 250;

/// The name of a blob: BLAKE3 of its sealed bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct BlobId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

impl BlobId {
    /// Of these sealed bytes.
    #[must_use]
    pub fn of(sealed: &[u8]) -> Self {
        Self(*blake3::hash(sealed).as_bytes())
    }

    /// From 64 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> =
            text.bytes().map(|digit| (digit as char).to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlobId({self})")
    }
}

/// What kind of picture it is, by its first bytes; the only ones that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Media {
    Jpeg = 1,
    Png = 2,
    Webp = 3,
}

impl Media {
    /// By the first bytes; a file's name says nothing.
    #[must_use]
    pub fn of(picture: &[u8]) -> Option<Self> {
        match picture {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// By its number in a fact.
    #[must_use]
    pub const fn numbered(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Jpeg),
            2 => Some(Self::Png),
            3 => Some(Self::Webp),
            _ => None,
        }
    }

    /// As HTTP writes it.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// Seals a picture for the fact of `class_kind` about `subject`.
#[must_use]
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], subject: &Subject, class_kind: u16, picture: &[u8]) -> Vec<u8> {
    sealed::seal_bytes(key, nonce, subject, class_kind, picture)
}

/// Opens what [`seal`] sealed; `None` when the key, the place or the bytes are not those it was sealed with.
#[must_use]
pub fn open(key: &[u8; 32], subject: &Subject, class_kind: u16, blob: &[u8]) -> Option<Vec<u8>> {
    if blob.len() > MAX_BLOB_BYTES {
        return None;
    }
    sealed::open_any(key, subject, class_kind, blob)
}

/// A piece of a blob, from the device to the hub.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct BlobPart {
    /// Which.
    #[n(0)]
    pub blob: BlobId,
    /// Where the piece begins.
    #[n(1)]
    pub offset: u64,
    /// The piece; up to [`MAX_PART_BYTES`].
    #[n(2)]
    pub bytes: minicbor::bytes::ByteVec,
}

impl std::fmt::Debug for BlobPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlobPart({} {}+{})", self.blob, self.offset, self.bytes.len())
    }
}

/// How much of a blob central holds: the answer to every part, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BlobHeld {
    /// Which.
    #[n(0)]
    pub blob: BlobId,
    /// Bytes from the start; the blob's size when it is whole and verified.
    #[n(1)]
    pub upto: u64,
    /// Why it is not taken: the device stops sending it.
    #[n(2)]
    pub refused: Option<String>,
}

/// What a device sends of its blobs: one part on the way at a time, as large as the line carries in a moment.
#[derive(Clone, Debug)]
pub struct Sending {
    part_bytes: usize,
    /// The part on the way.
    on_the_way: Option<BlobId>,
    /// The least time that a part took: what the way itself takes.
    least_ms: u64,
}

impl Default for Sending {
    fn default() -> Self {
        Self { part_bytes: LEAST_PART_BYTES, on_the_way: None, least_ms: u64::MAX }
    }
}

impl Sending {
    /// Whether a part is on the way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.on_the_way.is_some()
    }

    /// How many bytes the next part may have.
    #[must_use]
    pub const fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    /// A part leaves.
    pub const fn left(&mut self, blob: BlobId) {
        self.on_the_way = Some(blob);
    }

    /// Nothing is on the way any more.
    pub const fn cleared(&mut self) {
        self.on_the_way = None;
    }

    /// It was answered, `took_ms` after it had left: the next is as large as the line carries.
    pub fn answered(&mut self, took_ms: u64) {
        self.cleared();
        self.least_ms = self.least_ms.min(took_ms);
        match took_ms - self.least_ms {
            queued if queued > QUEUED_LONG_MS => self.part_bytes /= 2,
            queued if queued < QUEUED_SHORT_MS => self.part_bytes *= 2,
            _ => {}
        }
        self.part_bytes = self.part_bytes.clamp(LEAST_PART_BYTES, MAX_PART_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id16, Kind};

    #[test]
    fn a_picture_opens_only_with_its_key_in_its_place() {
        let subject = Subject::new(Kind::Parcel, Id16([1; 16]));
        let picture = vec![0xff; 300_000];
        let blob = seal(&[7; 32], &[9; 24], &subject, 0x4030, &picture);
        assert_eq!(open(&[7; 32], &subject, 0x4030, &blob), Some(picture));
        assert_eq!(open(&[8; 32], &subject, 0x4030, &blob), None);
        assert_eq!(open(&[7; 32], &subject, 0x3020, &blob), None);
        assert_eq!(BlobId::parse(&BlobId::of(&blob).to_string()), Some(BlobId::of(&blob)));
        assert_eq!((BlobId::parse("12"), BlobId::parse(&"ab".repeat(33)), BlobId::parse("০১")), (None, None, None));
    }

    #[test]
    fn parts_follow_what_the_line_carries() {
        let mut fast = Sending::default();
        (0..20).for_each(|_| fast.answered(40));
        assert_eq!(fast.part_bytes(), MAX_PART_BYTES);
        // 64 kbit/s and 800 ms: a part takes the way, and eight bytes a millisecond.
        let mut slow = Sending::default();
        let mut sizes = Vec::new();
        for _ in 0..50 {
            slow.answered(800 + slow.part_bytes() as u64 / 8);
            sizes.push(slow.part_bytes());
        }
        assert!(sizes[10..].iter().all(|bytes| *bytes <= 8 * 1024), "a fact waits a second at most: {sizes:?}");
        // The line gets worse in the middle.
        (0..10).for_each(|_| fast.answered(5_000));
        assert_eq!(fast.part_bytes(), LEAST_PART_BYTES);
    }
}
