//! What the earlier lives of a device still have to say: it goes out with HELLO, a part at a time.
//!
//! Central counts a life by number. Where a disk forgot what had left it, another burst may stand there under a number
//! of ours: an answer makes safe what it answers, and nothing beyond.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{EdgeStore, PUSH_WINDOW_BYTES};
use crate::burst::Head;
use crate::frame::{Frame, bursts_frames_from};
use crate::id::Incarnation;

/// Bursts of one life that went in one frame.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Everything up to here was safe when it left, or had left before it.
    after: u64,
    /// The last of them.
    upto: u64,
}

/// Bursts of earlier lives that are on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Earlier {
    /// By life, in the order in which they left: each is answered once.
    parts: BTreeMap<Incarnation, VecDeque<Part>>,
    /// Up to where answers of this session made a life safe.
    safe: BTreeMap<Incarnation, u64>,
    /// An answer did not make safe what it answered: nothing more goes before the next session.
    stuck: bool,
}

impl Earlier {
    /// The next part of what waits.
    pub(super) fn push<S: EdgeStore>(&mut self, store: &S) -> Result<Vec<Frame>, S::Error> {
        let frames = bursts_frames_from(2 * PUSH_WINDOW_BYTES, store.earlier_bursts(PUSH_WINDOW_BYTES)?);
        let lives: BTreeMap<Incarnation, u64> = store.lives()?.iter().map(|life| (life.inc, life.safe)).collect();
        let mut began = BTreeSet::new();
        for (inc, (first, last)) in frames.iter().flat_map(numbers) {
            let parts = self.parts.entry(inc).or_default();
            let after = if began.insert(inc) {
                // By what is kept, not by the first that waits: a disk may have forgotten what lies between.
                let safe = lives.get(&inc).copied().unwrap_or_default();
                self.safe.insert(inc, safe);
                safe
            } else {
                // Two bursts of one number may lie in two frames: only the second answer is to both.
                parts.back_mut().map_or(0, |before| {
                    before.upto = before.upto.min(first.saturating_sub(1));
                    before.upto
                })
            };
            parts.push_back(Part { after, upto: last });
        }
        if began.is_empty() {
            self.safe.clear();
        }
        Ok(frames)
    }

    /// The same where the first part was skipped, and will not be answered.
    pub(super) fn again<S: EdgeStore>(&mut self, store: &S) -> Result<Vec<Frame>, S::Error> {
        *self = Self::default();
        self.push(store)
    }

    /// The current life ends with so many frames on the way: why it ends puts their answers in doubt.
    pub(super) fn leave(&mut self, inc: Incarnation, unanswered: usize) {
        let told_nothing = Part { after: u64::MAX, upto: u64::MAX };
        self.parts.entry(inc).or_default().extend(std::iter::repeat_n(told_nothing, unanswered));
    }

    /// The other side says that it holds a life up to `upto`: up to where that is told of ours. One answer may be
    /// to several frames, and is then held to be to the first of them.
    pub(super) fn answered(&mut self, inc: Incarnation, upto: u64) -> Option<u64> {
        let part = self.parts.get_mut(&inc)?.pop_front()?;
        let safe = self.safe.get_mut(&inc).filter(|safe| part.after <= **safe)?;
        *safe = (*safe).max(upto.min(part.upto));
        self.stuck |= *safe < part.upto;
        Some(*safe)
    }

    /// Everything that left was answered, and is safe.
    pub(super) fn is_through(&self) -> bool {
        !self.stuck && !self.safe.is_empty() && self.parts.values().all(VecDeque::is_empty)
    }
}

/// The first and the last number that one frame carries of each life.
fn numbers(frame: &Frame) -> BTreeMap<Incarnation, (u64, u64)> {
    let Frame::Bursts(bursts) = frame else { return BTreeMap::new() };
    let mut numbers: BTreeMap<Incarnation, (u64, u64)> = BTreeMap::new();
    for (head, _) in bursts.iter().filter_map(|burst| Head::decode_front(burst).ok()) {
        let (first, last) = numbers.entry(head.inc).or_insert((head.seq, head.seq));
        (*first, *last) = ((*first).min(head.seq), (*last).max(head.seq));
    }
    numbers
}
