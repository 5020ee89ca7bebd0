//! The hub's half of a repair: peels sketches, asks for more cells, and goes over to ranges.

use std::collections::BTreeMap;

use super::{Ask, Difference, HubSession, Violation};
use crate::burst::Burst;
use crate::frame::{self, Frame, More, Want, bursts_frames, pack_ids, unpack_ids};
use crate::id::{Scope, ShortId};
use crate::ranges::{self, Element};
use crate::session::ladder::{MAX_CELLS, MAX_OPEN_SETS, most_cells};
use crate::sketch::{Peeled, Sketch, decode_cells};

/// Ops of one question to the store, and so of one answer in memory.
pub const OPS_AT_ONCE: usize = 1_000;
/// Turns of ranges over one set: an honest pair needs six, or one more for each 64 KB of lists. What is
/// not told by then is found unequal by the roots.
const MAX_TURNS: u32 = 64;
/// Ops that one message of ranges may ask for: as many as a list of [`ranges::MOST_BYTES`] names.
const MAX_WANTED: usize = ranges::MOST_BYTES / 16;

/// One set that is being repaired.
#[derive(Debug, Default)]
pub(super) struct Repair {
    /// The device's cells so far.
    theirs: Sketch,
    /// How many ids the device held when it sent the first of them.
    count: u64,
    /// The device's message that waits for our elements.
    message: Option<Vec<u8>>,
    turns: u32,
    /// Answers with ops that are to come, and the frame that goes after them.
    awaited: usize,
    last: Option<Frame>,
}

pub(super) type Repairs = BTreeMap<(Scope, u8), Repair>;

impl HubSession {
    pub(super) fn take_sketch(&mut self, sketch: &frame::Sketch) -> Result<Vec<Ask>, Violation> {
        let (scope, lane) = (sketch.scope, sketch.lane);
        let from = usize::try_from(sketch.from).unwrap_or(usize::MAX);
        let cells = decode_cells(&sketch.cells, MAX_CELLS.saturating_sub(from)).ok_or(Violation::Sketch)?;
        let repair = self.repair(scope, lane)?;
        if from == 0 {
            *repair = Repair { count: sketch.count, ..Repair::default() };
        }
        if repair.theirs.cells().len() != from || cells.is_empty() {
            return Err(Violation::Sketch);
        }
        repair.theirs.append(cells);
        if repair.count != sketch.count {
            // The set has moved since the first cells: these do not belong to them.
            return Ok(vec![Ask::Elements(scope, lane)]);
        }
        Ok(vec![Ask::Cells(scope, lane, repair.theirs.cells().len())])
    }

    pub(super) fn take_ranges(&mut self, message: frame::Ranges) -> Result<Vec<Ask>, Violation> {
        let (scope, lane) = (message.scope, message.lane);
        ranges::check(&message.ranges).map_err(Violation::Ranges)?;
        let repair = self.repair(scope, lane)?;
        let mut wanted = unpack_ids(&message.want);
        wanted.truncate(MAX_WANTED);
        let mut asks = repair.send(scope, lane, &wanted);
        repair.message = Some(message.ranges.into());
        asks.push(Ask::Elements(scope, lane));
        Ok(asks)
    }

    fn repair(&mut self, scope: Scope, lane: u8) -> Result<&mut Repair, Violation> {
        if self.repairs.len() >= MAX_OPEN_SETS && !self.repairs.contains_key(&(scope, lane)) {
            return Err(Violation::TooManySets);
        }
        Ok(self.repairs.entry((scope, lane)).or_default())
    }

    /// Our cells of a set, `None` when it is none of the device's.
    pub(super) fn peel(&mut self, scope: Scope, lane: u8, ours: Option<&Sketch>) -> (Vec<Frame>, Vec<Ask>) {
        let (Some(repair), Some(ours)) = (self.repairs.get_mut(&(scope, lane)), ours) else {
            return (self.close(scope, lane, &[]), Vec::new());
        };
        let cells = repair.theirs.cells().len();
        match ours.minus(&repair.theirs).peel() {
            // The device asks because its root is another: equal sketches are two ops of one short id, or
            // a set that has become equal meanwhile. Roots over whole ids tell.
            Peeled::Decoded { ours, theirs } if ours.is_empty() && theirs.is_empty() => {}
            Peeled::Decoded { ours, theirs } => {
                let asks = repair.send(scope, lane, &ours);
                repair.last = Some(Frame::Want(Want { scope, lane, ids: pack_ids(&theirs) }));
                return (self.ended(scope, lane), asks);
            }
            Peeled::NotYet if 2 * cells <= most_cells(ours.count(), repair.count) => {
                let upto = u32::try_from(2 * cells).unwrap_or(u32::MAX);
                return (vec![Frame::More(More { scope, lane, upto })], Vec::new());
            }
            Peeled::NotYet | Peeled::Impossible => {}
        }
        (Vec::new(), vec![Ask::Elements(scope, lane)])
    }

    /// Our ops of a set, `None` when it is none of the device's.
    pub(super) fn range(&mut self, scope: Scope, lane: u8, ours: Option<&[Element]>) -> (Vec<Frame>, Vec<Ask>) {
        let (Some(repair), Some(ours)) = (self.repairs.get_mut(&(scope, lane)), ours) else {
            return (self.close(scope, lane, &[]), Vec::new());
        };
        let Some(message) = repair.message.take() else {
            // The sketch is given up: its cells are not needed any more.
            *repair = Repair::default();
            let ranges = ranges::open(ours).into();
            return (vec![Frame::Ranges(frame::Ranges { scope, lane, ranges, want: pack_ids(&[]) })], Vec::new());
        };
        // It was checked when it came.
        let Ok(reply) = ranges::answer(ours, &message) else { return (self.close(scope, lane, &[]), Vec::new()) };
        repair.turns += 1;
        let want = pack_ids(&reply.lack);
        let asks = repair.send(scope, lane, &reply.send);
        repair.last = Some(if reply.ranges.is_empty() || repair.turns > MAX_TURNS {
            Frame::Want(Want { scope, lane, ids: want })
        } else {
            Frame::Ranges(frame::Ranges { scope, lane, ranges: reply.ranges.into(), want })
        });
        (self.ended(scope, lane), asks)
    }

    /// Ops that the device lacks.
    pub(super) fn give(&mut self, scope: Scope, lane: u8, ops: Difference) -> Vec<Frame> {
        let mut frames = self.introduce(ops.certificates, ops.keys, ops.boxes);
        frames.extend(bursts_frames(ops.bursts.iter().map(Burst::encode)));
        if let Some(repair) = self.repairs.get_mut(&(scope, lane)) {
            repair.awaited = repair.awaited.saturating_sub(1);
        }
        frames.extend(self.ended(scope, lane));
        frames
    }

    /// The frame that goes after the ops, once they are sent.
    fn ended(&mut self, scope: Scope, lane: u8) -> Vec<Frame> {
        let Some(repair) = self.repairs.get_mut(&(scope, lane)) else { return Vec::new() };
        if repair.awaited > 0 {
            return Vec::new();
        }
        let last = repair.last.take();
        if matches!(last, Some(Frame::Want(_))) {
            self.repairs.remove(&(scope, lane));
        }
        last.into_iter().collect()
    }

    fn close(&mut self, scope: Scope, lane: u8, want: &[ShortId]) -> Vec<Frame> {
        self.repairs.remove(&(scope, lane));
        vec![Frame::Want(Want { scope, lane, ids: pack_ids(want) })]
    }
}

impl Repair {
    fn send(&mut self, scope: Scope, lane: u8, ids: &[ShortId]) -> Vec<Ask> {
        let asks: Vec<Ask> = ids.chunks(OPS_AT_ONCE).map(|part| Ask::Ops(scope, lane, part.to_vec())).collect();
        self.awaited += asks.len();
        asks
    }
}
