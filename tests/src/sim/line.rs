//! One direction of a link: frames as bytes, each with the moment at which it arrives. What the transport
//! does about loss is seen as lateness; order is kept, as on a stream.

use std::collections::VecDeque;

/// Bytes a second of a line that nobody complains about.
const GOOD: u64 = 100_000;
/// Bytes a second of the second generation at the edge of the village.
pub const SLOW: u64 = 2_000;
/// One way, ms.
const DELAY_MS: u64 = 120;
/// What a lost packet costs until it is sent again, ms.
const RESEND_MS: u64 = 900;

/// One direction.
#[derive(Debug)]
pub struct Line {
    rate: u64,
    /// When the last byte that was given to it has left.
    free_at: u64,
    last_due: u64,
    frames: VecDeque<(u64, Vec<u8>)>,
    /// Nothing arrives any more.
    pub deaf: bool,
}

impl Line {
    /// A line of this rate, bytes a second.
    pub fn new(slow: bool) -> Self {
        let rate = if slow { SLOW } else { GOOD };
        Self { rate, free_at: 0, last_due: 0, frames: VecDeque::new(), deaf: false }
    }

    /// Gives it frames to carry; `lost` packets of them have to be sent again.
    pub fn push(&mut self, now_ms: u64, frames: impl IntoIterator<Item = Vec<u8>>, lost: u64) {
        for frame in frames {
            if self.deaf {
                continue;
            }
            self.free_at = self.free_at.max(now_ms) + frame.len() as u64 * 1_000 / self.rate;
            self.last_due = self.last_due.max(self.free_at + DELAY_MS + lost * RESEND_MS);
            self.frames.push_back((self.last_due, frame));
        }
    }

    /// The next frame that has arrived.
    pub fn pop(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        self.frames.front().filter(|(due, _)| *due <= now_ms && !self.deaf)?;
        self.frames.pop_front().map(|(_, frame)| frame)
    }

    /// When the next frame arrives.
    pub fn next_due(&self) -> Option<u64> {
        self.frames.front().filter(|_| !self.deaf).map(|(due, _)| *due)
    }
}
