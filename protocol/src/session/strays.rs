//! What others wrote, came from near by, and is in no set any more: central closed its subject before it heard of it.
//!
//! Roots tell of what is in open sets only, and the outbox of what this device wrote itself. Between the two lies a
//! record that an agent left with his site, whose subject was closed meanwhile, and whose author may be gone for good.
//! It goes to central as it is; if it is news there, central opens the subject again.

use super::EdgeStore;
use crate::frame::{BURSTS_FRAME_BYTES, Frame, Roots, bursts_frames_from};

/// How far a session is with them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strays {
    /// Number of the last check that followed some of them, and what central holds when it is answered.
    sent: Option<(u64, u64)>,
    checks: u64,
}

impl Strays {
    /// What was sent counts as held when the check behind it is answered; whether nothing is on the way any more.
    pub(super) fn settle<S: EdgeStore>(&mut self, store: &mut S, roots: &Roots) -> Result<bool, S::Error> {
        let Some((check, upto)) = self.sent else { return Ok(true) };
        if roots.answers.is_none_or(|answers| answers < check) {
            return Ok(false);
        }
        store.set_proven(upto)?;
        self.sent = None;
        Ok(true)
    }

    /// Central's sets are equal to ours: what it may lack beside them goes out, with a check behind it.
    pub(super) fn send(&mut self, bursts: Vec<Vec<u8>>, upto: u64) -> Vec<Frame> {
        if bursts.is_empty() {
            return Vec::new();
        }
        self.checks += 1;
        self.sent = Some((self.checks, upto));
        let mut frames = bursts_frames_from(BURSTS_FRAME_BYTES, bursts);
        frames.push(Frame::Check(self.checks));
        frames
    }
}
