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
    /// Central's sets are equal to ours: what it may lack beside them goes out, with a check behind it. When that is
    /// answered, central holds them.
    pub(super) fn compared<S: EdgeStore>(&mut self, store: &mut S, roots: &Roots) -> Result<Vec<Frame>, S::Error> {
        if let Some((check, upto)) = self.sent {
            if roots.answers.is_none_or(|answers| answers < check) {
                return Ok(Vec::new());
            }
            store.set_proven(upto)?;
            self.sent = None;
        }
        let (bursts, upto) = store.strays()?;
        if bursts.is_empty() {
            return Ok(Vec::new());
        }
        self.checks += 1;
        self.sent = Some((self.checks, upto));
        let mut frames = bursts_frames_from(BURSTS_FRAME_BYTES, bursts);
        frames.push(Frame::Check(self.checks));
        Ok(frames)
    }
}
