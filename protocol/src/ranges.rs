//! Range reconciliation: how two sets differ when a sketch would cost more, or cannot tell.
//!
//! The ops of a set stand in one order, by the time of their burst and then by id. A message cuts that
//! order into ranges and says for each what the sender holds there: count and root, or the ids
//! themselves. What is equal is done; what is not is cut in [`PARTS`] or, when few are left, listed.
//! Roots go over whole ids, so that two ops of one short id are told apart. Bytes are in FORMAT.md.

use std::collections::BTreeSet;

use crate::id::{OpId, ShortId};
use crate::root::Root;
use crate::varint;

/// A range that differs is cut in so many.
pub const PARTS: usize = 16;
/// A range of at most so many ops is listed: 16 bytes an id are then no more than the parts would be.
pub const LISTED: usize = 32;
/// Bytes after which a message says of all that follows only its root: a frame stays small enough for
/// a slow link, and the rest is told in later turns.
pub const MESSAGE_BYTES: usize = 64 * 1024;
/// Longest message that is read: one list more than a sender stops at, with room to spare.
pub const MOST_BYTES: usize = 2 * MESSAGE_BYTES;
/// Most ranges in one message: an honest one has at least 19 bytes for each that is not skipped.
pub const MOST_RANGES: usize = 8 * 1024;
/// Bytes by which a list names an op: short ids can be made to meet, these not within reason.
const NAME_BYTES: usize = 16;

const SKIP: u8 = 0;
const ROOT: u8 = 1;
const LIST: u8 = 2;

/// An op in the order of ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    /// The time in the head of its burst.
    pub time_ms: u64,
    /// Its id.
    pub id: OpId,
}

/// What follows from a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The next message; empty when nothing is left to compare.
    pub ranges: Vec<u8>,
    /// The reader lacks these.
    pub lack: Vec<ShortId>,
    /// The sender lacks these.
    pub send: Vec<ShortId>,
}

/// Why bytes are not ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangesError {
    /// Cut, padded, or of an unknown kind.
    #[error("the ranges cannot be read: update the program")]
    Malformed,
    /// A range that does not end after the one before it.
    #[error("the ranges are not in order: update the program")]
    Unsorted,
    /// Over [`MOST_BYTES`] or [`MOST_RANGES`].
    #[error("the ranges are too many for one message: update the program")]
    TooMany,
}

impl RangesError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "ranges_malformed",
            Self::Unsorted => "ranges_unsorted",
            Self::TooMany => "ranges_too_many",
        }
    }
}

/// The first message about a set; `elements` are sorted.
#[must_use]
pub fn open(elements: &[Element]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.describe(elements, None);
    writer.out
}

/// Whether a message can be read.
///
/// # Errors
/// [`RangesError`].
pub fn check(message: &[u8]) -> Result<(), RangesError> {
    read(message).map(drop)
}

/// Reads a message about a set of which we hold `elements`, sorted.
///
/// # Errors
/// [`RangesError`]; nothing follows from such a message.
pub fn answer(elements: &[Element], message: &[u8]) -> Result<Reply, RangesError> {
    let ranges = read(message)?;
    let (mut reply, mut writer) = (Reply::default(), Writer::default());
    let mut rest = elements;
    for Range { upto, holds } in ranges {
        let end = upto.map_or(rest.len(), |bound| rest.partition_point(|element| bound.is_after(element)));
        let (own, after) = rest.split_at(end);
        rest = after;
        match holds {
            Holds::Skip => writer.skip(upto),
            Holds::Root(count, root) if (count, root) == fingerprint(own) => writer.skip(upto),
            // Few there: the sender lists them when it learns that they are not ours.
            Holds::Root(count, _) if own.len() > LISTED && count <= LISTED as u64 => writer.root(own, upto),
            Holds::Root(..) => writer.describe(own, upto),
            Holds::List(names) => {
                reply.compare(own, names);
                writer.skip(upto);
            }
        }
        if writer.out.len() >= MESSAGE_BYTES {
            if upto.is_some() {
                writer.whole(rest);
            }
            break;
        }
    }
    reply.ranges = writer.out;
    Ok(reply)
}

impl Reply {
    fn compare(&mut self, own: &[Element], names: &[[u8; NAME_BYTES]]) {
        let theirs: BTreeSet<&[u8]> = names.iter().map(<[u8; NAME_BYTES]>::as_slice).collect();
        let ours: BTreeSet<&[u8]> = own.iter().map(|element| name(&element.id)).collect();
        let short = |name: &&[u8]| ShortId(std::array::from_fn(|at| name[at]));
        self.lack.extend(theirs.difference(&ours).map(short));
        // In the order of the ranges: what is older comes first.
        let lacks = own.iter().filter(|element| !theirs.contains(name(&element.id)));
        self.send.extend(lacks.map(|element| element.id.short()));
    }
}

fn name(id: &OpId) -> &[u8] {
    &id.0[..NAME_BYTES]
}

fn fingerprint(elements: &[Element]) -> (u64, [u8; 16]) {
    let mut root = Root::default();
    elements.iter().for_each(|element| root.join(&element.id));
    (root.count, root.wire())
}

/// A place between two elements: what is before it is smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bound {
    time_ms: u64,
    id: [u8; 32],
}

impl Bound {
    fn is_after(&self, element: &Element) -> bool {
        (element.time_ms, element.id.0) < (self.time_ms, self.id)
    }

    /// The shortest place between two neighbours.
    fn between(left: &Element, right: &Element) -> Self {
        let mut id = [0; 32];
        if left.time_ms == right.time_ms {
            let common = left.id.0.iter().zip(&right.id.0).take_while(|(a, b)| a == b).count();
            let keep = (common + 1).min(id.len());
            id[..keep].copy_from_slice(&right.id.0[..keep]);
        }
        Self { time_ms: right.time_ms, id }
    }
}

/// What the sender says of everything from the range before up to `upto`; `None` is the end.
struct Range<'a> {
    upto: Option<Bound>,
    holds: Holds<'a>,
}

enum Holds<'a> {
    Skip,
    Root(u64, [u8; 16]),
    List(&'a [[u8; NAME_BYTES]]),
}

fn read(message: &[u8]) -> Result<Vec<Range<'_>>, RangesError> {
    if message.len() > MOST_BYTES {
        return Err(RangesError::TooMany);
    }
    let mut reader = Reader { bytes: message, time_ms: 0 };
    let mut ranges: Vec<Range<'_>> = Vec::new();
    while !reader.bytes.is_empty() {
        if ranges.len() == MOST_RANGES {
            return Err(RangesError::TooMany);
        }
        let last = ranges.last().map(|range| range.upto);
        let range = reader.range().ok_or(RangesError::Malformed)?;
        match (last, range.upto) {
            // Nothing comes after the end.
            (Some(None), _) => return Err(RangesError::Unsorted),
            (Some(Some(last)), Some(upto)) if upto <= last => return Err(RangesError::Unsorted),
            _ => ranges.push(range),
        }
    }
    Ok(ranges)
}

struct Reader<'a> {
    bytes: &'a [u8],
    time_ms: u64,
}

impl<'a> Reader<'a> {
    fn range(&mut self) -> Option<Range<'a>> {
        let kind = self.byte()?;
        let upto = match self.number()? {
            0 => None,
            later => {
                self.time_ms = self.time_ms.checked_add(later - 1)?;
                let length = usize::from(self.byte()?);
                let mut id = [0; 32];
                id.get_mut(..length)?.copy_from_slice(self.take(length)?);
                Some(Bound { time_ms: self.time_ms, id })
            }
        };
        let holds = match kind {
            SKIP => Holds::Skip,
            ROOT => {
                let count = self.number()?;
                Holds::Root(count, self.take(16)?.try_into().ok()?)
            }
            LIST => {
                // A count is believed only as far as there are bytes.
                let bytes = usize::try_from(self.number()?).ok()?.checked_mul(NAME_BYTES)?;
                Holds::List(self.take(bytes)?.as_chunks().0)
            }
            _ => return None,
        };
        Some(Range { upto, holds })
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u64> {
        let (value, used) = varint::get(self.bytes)?;
        self.bytes = &self.bytes[used..];
        Some(value)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }
}

/// Writes ranges one after the other. What is skipped is written only when something follows it.
#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    time_ms: u64,
    skipped: Option<Option<Bound>>,
}

impl Writer {
    fn skip(&mut self, upto: Option<Bound>) {
        self.skipped = Some(upto);
    }

    /// Lists what is little, and cuts what is much.
    fn describe(&mut self, elements: &[Element], upto: Option<Bound>) {
        if elements.len() <= LISTED {
            self.list(elements, upto);
            return;
        }
        let size = elements.len().div_ceil(PARTS);
        let mut rest = elements;
        while rest.len() > size {
            let (part, after) = rest.split_at(size);
            self.root(part, Some(Bound::between(&part[size - 1], &after[0])));
            rest = after;
        }
        self.root(rest, upto);
    }

    /// All that follows, as one range.
    fn whole(&mut self, elements: &[Element]) {
        if elements.len() <= LISTED { self.list(elements, None) } else { self.root(elements, None) }
    }

    fn list(&mut self, elements: &[Element], upto: Option<Bound>) {
        self.begin(LIST, upto);
        varint::put(&mut self.out, elements.len() as u64);
        elements.iter().for_each(|element| self.out.extend_from_slice(name(&element.id)));
    }

    fn root(&mut self, elements: &[Element], upto: Option<Bound>) {
        let (count, root) = fingerprint(elements);
        self.begin(ROOT, upto);
        varint::put(&mut self.out, count);
        self.out.extend_from_slice(&root);
    }

    fn begin(&mut self, kind: u8, upto: Option<Bound>) {
        if let Some(skipped) = self.skipped.take() {
            self.bound(SKIP, skipped);
        }
        self.bound(kind, upto);
    }

    fn bound(&mut self, kind: u8, upto: Option<Bound>) {
        self.out.push(kind);
        let Some(bound) = upto else {
            self.out.push(0);
            return;
        };
        // Times of heads have 48 bits: one more never overflows.
        varint::put(&mut self.out, bound.time_ms.saturating_sub(self.time_ms).saturating_add(1));
        self.time_ms = bound.time_ms;
        let length = bound.id.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.out.push(length as u8);
        self.out.extend_from_slice(&bound.id[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lets two replicas talk until nothing is left, handing over what is asked; returns the turns.
    fn reconcile(ours: &mut BTreeSet<Element>, theirs: &mut BTreeSet<Element>) -> usize {
        let named = |set: &BTreeSet<Element>, wanted: &[ShortId]| -> Vec<Element> {
            set.iter().filter(|element| wanted.contains(&element.id.short())).copied().collect()
        };
        let mut message = open(&ours.iter().copied().collect::<Vec<_>>());
        for turn in 1..100 {
            assert!(message.len() <= MOST_BYTES, "{} bytes", message.len());
            let (reader, sender) = if turn % 2 == 1 { (&mut *theirs, &mut *ours) } else { (&mut *ours, &mut *theirs) };
            let reply = answer(&reader.iter().copied().collect::<Vec<_>>(), &message).expect("an honest message");
            let (up, down) = (named(reader, &reply.send), named(sender, &reply.lack));
            assert!(reply.lack.len() <= down.len(), "only what is there is asked for");
            sender.extend(up);
            reader.extend(down);
            if reply.ranges.is_empty() {
                return turn;
            }
            message = reply.ranges;
        }
        panic!("{} and {} ops do not come together", ours.len(), theirs.len());
    }

    fn element(time_ms: u64, id: u64) -> Element {
        Element { time_ms, id: OpId(*blake3::hash(&id.to_le_bytes()).as_bytes()) }
    }

    fn set(ids: impl IntoIterator<Item = u64>) -> BTreeSet<Element> {
        // A few share their time, as the ops of one burst do.
        ids.into_iter().map(|id| element(1_700_000_000_000 + id / 5, id)).collect()
    }

    #[test]
    fn turns_grow_with_the_logarithm() {
        // The last does not fit one message: three turns more for each 64 KB of lists.
        for (n, d, most) in [(100, 3, 4), (1_000, 10, 5), (20_000, 20, 6), (20_000, 5_000, 18)] {
            let mut ours = set((0..n).filter(|id| id % (2 * n / d) != 0));
            let mut theirs = set((0..n).filter(|id| id % (2 * n / d) != n / d));
            let turns = reconcile(&mut ours, &mut theirs);
            assert_eq!(ours, theirs);
            assert_eq!(ours.len() as u64, n);
            assert!(turns <= most, "{turns} turns for {d} of {n}");
        }
        for n in [0, 1, 32, 33, 4_000] {
            for (mut ours, mut theirs) in [(set(0..n), set([])), (set([]), set(0..n))] {
                assert!(reconcile(&mut ours, &mut theirs) <= 3, "one side has {n}, the other nothing");
                assert_eq!(ours, theirs);
            }
        }
    }

    #[test]
    fn two_ops_of_one_short_id_are_told_apart() {
        let one = element(5, 1_000);
        let (mut twin, mut near) = (one, one);
        twin.id.0[20] ^= 1;
        near.id.0[9] ^= 1;
        for other in [twin, near] {
            assert_eq!(other.id.short(), one.id.short());
            assert_ne!(fingerprint(&[one]), fingerprint(&[other]));
        }
        let (mut ours, mut theirs) = (set(0..100), set(0..100));
        ours.insert(one);
        theirs.insert(near);
        reconcile(&mut ours, &mut theirs);
        assert!(ours == theirs && ours.contains(&near) && theirs.contains(&one));
    }

    #[test]
    fn ranges_that_cannot_be_are_refused() {
        let own: Vec<Element> = set(0..50).into_iter().collect();
        let refused = |message: &[u8], error: RangesError| assert_eq!(answer(&own, message), Err(error), "{message:?}");
        refused(&[9, 0], RangesError::Malformed);
        refused(&[SKIP, 1, 33], RangesError::Malformed);
        refused(&[LIST, 0, 2, 1, 2, 3], RangesError::Malformed);
        refused(&[LIST, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], RangesError::Malformed);
        refused(&[ROOT, 0, 5, 1, 2, 3], RangesError::Malformed);
        refused(&[SKIP, 3, 1, 7, SKIP, 1, 1, 7], RangesError::Unsorted);
        refused(&[SKIP, 3, 1, 7, SKIP, 1, 1, 6], RangesError::Unsorted);
        refused(&[SKIP, 0, SKIP, 0], RangesError::Unsorted);
        let forward = [&[SKIP, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0][..]; 3].concat();
        refused(&forward, RangesError::Malformed);
        refused(&vec![0; MOST_BYTES + 1], RangesError::TooMany);
        let many: Vec<u8> = (0..=MOST_RANGES).flat_map(|_| [SKIP, 2, 0]).collect();
        refused(&many, RangesError::TooMany);
        assert_eq!(answer(&own, &many[3..]).map(|reply| reply.ranges), Ok(vec![]), "the twin");
    }

    #[test]
    fn what_does_not_fit_one_message_comes_in_the_next() {
        // All differ: lists of 16,000 ids are 256 KB.
        let mut ours = set((0..16_000).map(|id| 2 * id));
        let mut theirs = set((0..16_000).map(|id| 2 * id + 1));
        let turns = reconcile(&mut ours, &mut theirs);
        assert_eq!(ours, theirs);
        assert!(turns <= 40, "{turns} turns");
    }

    proptest! {
        #[test]
        fn any_two_sets_come_together(
            both in prop::collection::btree_set(0u64..5_000, 0..300),
            ours in prop::collection::btree_set(0u64..5_000, 0..60),
            theirs in prop::collection::btree_set(0u64..5_000, 0..60),
        ) {
            let (mut a, mut b) = (set(both.iter().chain(&ours).copied()), set(both.iter().chain(&theirs).copied()));
            let all: BTreeSet<Element> = a.union(&b).copied().collect();
            let turns = reconcile(&mut a, &mut b);
            prop_assert_eq!(&a, &all);
            prop_assert_eq!(&b, &all);
            prop_assert!(turns <= 6, "{} turns", turns);
        }

        #[test]
        fn any_bytes_are_answered_or_refused(message in prop::collection::vec(any::<u8>(), 0..200)) {
            let own: Vec<Element> = set(0..80).into_iter().collect();
            if let Ok(reply) = answer(&own, &message) {
                prop_assert!(reply.send.len() <= own.len() && reply.lack.len() * NAME_BYTES <= message.len());
            }
        }

        #[test]
        fn a_flipped_bit_does_no_harm(bit in 0usize..4_000, n in 0u64..400) {
            let own: Vec<Element> = set(0..n).into_iter().collect();
            let mut message = open(&set(3..n.max(3)).into_iter().collect::<Vec<_>>());
            let at = bit % (8 * message.len());
            message[at / 8] ^= 1 << (at % 8);
            if let Ok(reply) = answer(&own, &message) {
                prop_assert!(reply.ranges.len() <= MOST_BYTES && reply.send.len() <= own.len());
            }
        }
    }
}
