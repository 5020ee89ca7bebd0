//! An edge's half of a repair: which rung it takes for a set, and what it answers on it.
//!
//! The sketch costs 14 bytes for each 0.7 differences, whatever the size of the set. Ranges take over
//! where that is more than they cost: when one side holds next to nothing, or when a quarter of the set
//! differs. A hub of before knows neither, and gets the ids.

use super::{EdgeSession, EdgeStore};
use crate::frame::{Frame, Ids, MAX_IDS, More, Ranges, Sketch, bursts_frames, pack_ids, unpack_ids};
use crate::id::{Scope, ShortId};
use crate::ranges;
use crate::sketch::encode_cells;

/// Most cells of one set that travel: 14 KB, which tell about 700 differences.
pub const MAX_CELLS: usize = 1_024;
/// Sets of one session that are repaired at once: bounds what a hub keeps for them (1,024 cells each).
pub const MAX_OPEN_SETS: usize = 32;
/// The first flight: the worst of many differences of 10 took 38 cells.
const FIRST_CELLS: usize = 64;
/// The first flight of a tiny set, which cannot differ by more than it holds.
const LEAST_CELLS: usize = 16;
/// Ops that are read for one answer to ranges; the rest is found by the next comparison.
const MAX_SENT: usize = 4_096;

/// A way to find a difference, dearest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// Cells were sent.
    Sketch,
    /// They were not enough, more were sent.
    MoreCells,
    /// Ranges were sent.
    Ranges,
    /// All ids were sent, to a hub of before.
    Ids,
}

impl Rung {
    /// The name under which it is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sketch => "repairs_by_sketch",
            Self::MoreCells => "repairs_by_more_cells",
            Self::Ranges => "repairs_by_ranges",
            Self::Ids => "repairs_by_ids",
        }
    }
}

/// A set whose roots are unequal, with how many ids either side holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Apart {
    pub(super) scope: Scope,
    pub(super) lane: u8,
    pub(super) ours: u64,
    pub(super) theirs: u64,
}

/// Cells up to which a sketch is worth its bytes.
#[must_use]
pub fn most_cells(ours: u64, theirs: u64) -> usize {
    usize::try_from(ours.max(theirs) / 4).unwrap_or(MAX_CELLS).min(MAX_CELLS)
}

/// Cells of the first flight; `None` when ranges cost less from the start.
#[must_use]
pub fn first_cells(ours: u64, theirs: u64) -> Option<usize> {
    if ours == 0 || theirs == 0 {
        return None;
    }
    let small = |count: u64| usize::try_from(count).unwrap_or(usize::MAX).min(MAX_CELLS + 1);
    let least = (2 * (small(ours) + small(theirs))).next_power_of_two().clamp(LEAST_CELLS, FIRST_CELLS);
    // Both sides differ by this at the least, and a difference takes 1.4 cells.
    let apart = small(ours.abs_diff(theirs)) * 3 / 2;
    let cells = apart.next_power_of_two();
    if apart <= least { Some(least) } else { (cells <= most_cells(ours, theirs)).then_some(cells) }
}

impl EdgeSession {
    /// Begins with as many of the waiting sets as may be open; asks for the roots when none is left.
    pub(super) fn repair_next<S: EdgeStore>(&mut self, store: &mut S) -> Result<Vec<Frame>, S::Error> {
        let mut frames = Vec::new();
        while self.open.len() < MAX_OPEN_SETS {
            let Some(apart) = self.apart.pop_front() else { break };
            frames.push(self.begin(store, apart)?);
        }
        if self.open.is_empty() {
            frames.push(Frame::Check(0));
        }
        Ok(frames)
    }

    fn begin<S: EdgeStore>(&mut self, store: &mut S, apart: Apart) -> Result<Frame, S::Error> {
        let Apart { scope, lane, ours, theirs } = apart;
        let cells = if self.ladder { first_cells(ours, theirs) } else { None };
        self.open.insert((scope, lane), cells.unwrap_or(0));
        if !self.ladder {
            store.note_repair(Rung::Ids)?;
            let mut ids = store.short_ids(scope, lane)?;
            ids.truncate(MAX_IDS);
            return Ok(Frame::Ids(Ids { scope, lane, ids: pack_ids(&ids) }));
        }
        let Some(cells) = cells else {
            store.note_repair(Rung::Ranges)?;
            let ranges = ranges::open(&store.elements(scope, lane)?).into();
            return Ok(Frame::Ranges(Ranges { scope, lane, ranges, want: pack_ids(&[]) }));
        };
        store.note_repair(Rung::Sketch)?;
        sketch(store, scope, lane, 0, cells)
    }

    /// The hub wants more cells.
    pub(super) fn more<S: EdgeStore>(&mut self, store: &mut S, more: More) -> Result<Vec<Frame>, S::Error> {
        let upto = usize::try_from(more.upto).unwrap_or(usize::MAX);
        let Some(sent) = self.open.get_mut(&(more.scope, more.lane)) else { return Ok(Vec::new()) };
        if *sent == 0 || upto <= *sent || upto > MAX_CELLS {
            return Ok(Vec::new());
        }
        let from = std::mem::replace(sent, upto);
        store.note_repair(Rung::MoreCells)?;
        Ok(vec![sketch(store, more.scope, more.lane, from, upto)?])
    }

    /// The hub says what it holds, range by range.
    pub(super) fn ranges<S: EdgeStore>(&mut self, store: &mut S, message: &Ranges) -> Result<Vec<Frame>, S::Error> {
        let (scope, lane) = (message.scope, message.lane);
        let Some(sent) = self.open.get_mut(&(scope, lane)) else { return Ok(Vec::new()) };
        if std::mem::take(sent) > 0 {
            store.note_repair(Rung::Ranges)?;
        }
        let mut reply = match ranges::answer(&store.elements(scope, lane)?, &message.ranges) {
            Ok(reply) => reply,
            Err(error) => {
                store.note(error.code(), &error.to_string())?;
                return self.repaired(store, scope, lane);
            }
        };
        reply.send.extend(unpack_ids(&message.want));
        reply.send.truncate(MAX_SENT);
        let mut frames = sent_with(store, &reply.send)?;
        let want = pack_ids(&reply.lack);
        frames.push(Frame::Ranges(Ranges { scope, lane, ranges: reply.ranges.into(), want }));
        Ok(frames)
    }

    /// The hub has nothing more to say of a set.
    pub(super) fn repaired<S: EdgeStore>(
        &mut self,
        store: &mut S,
        scope: Scope,
        lane: u8,
    ) -> Result<Vec<Frame>, S::Error> {
        if self.open.remove(&(scope, lane)).is_none() {
            return Ok(Vec::new());
        }
        self.repair_next(store)
    }
}

fn sketch<S: EdgeStore>(store: &S, scope: Scope, lane: u8, from: usize, upto: usize) -> Result<Frame, S::Error> {
    let (count, cells) = store.cells(scope, lane, from, upto)?;
    let from = u32::try_from(from).unwrap_or(u32::MAX);
    Ok(Frame::Sketch(Sketch { scope, lane, count, from, cells: encode_cells(&cells).into() }))
}

pub(super) fn sent_with<S: EdgeStore>(store: &S, ids: &[ShortId]) -> Result<Vec<Frame>, S::Error> {
    Ok(bursts_frames(if ids.is_empty() { Vec::new() } else { store.bursts_with(ids)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_flight_follows_what_is_known() {
        assert_eq!(first_cells(0, 5), None, "all of it is missing: a list says so");
        assert_eq!(first_cells(5, 0), None);
        assert_eq!(first_cells(1, 2), Some(16));
        assert_eq!(first_cells(20, 21), Some(64));
        assert_eq!(first_cells(10_000, 10_003), Some(64));
        assert_eq!(first_cells(10_000, 9_900), Some(256));
        assert_eq!(first_cells(10_000, 9_400), Some(1_024));
        assert_eq!(first_cells(10_000, 9_000), None, "over 1,024 cells");
        assert_eq!(first_cells(1_000, 800), None, "over a quarter of the set");
        assert_eq!(first_cells(u64::MAX, 1), None);
    }
}
