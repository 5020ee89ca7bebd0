//! A device: a replica on a disk that may be full, old or copied, and a clock that may be wrong.

use protocol::id::Incarnation;
use protocol::stamp::Stamp;

use crate::model::{Dice, Edge};

/// 1970, plus what a clock without a battery counts.
const DEAD_MS: u64 = 3_600_000;
/// Two years, ms.
pub const JUMP_MS: i64 = 2 * 365 * 86_400_000;

/// What a device's clock says.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The time.
    Right,
    /// It began anew at 1970.
    Dead,
    /// It is off by so many ms.
    Off(i64),
}

/// A device.
pub struct Device {
    /// What is on its disk.
    pub edge: Edge,
    /// A backup of it.
    pub backup: Option<Edge>,
    /// Its clock.
    pub clock: Clock,
    /// Its disk takes nothing more.
    pub full: bool,
    /// Its network is a slow one.
    pub slow: bool,
    /// It said hello to central as it is now: after the last restore.
    pub met: bool,
}

impl Device {
    /// A device with an empty outbox.
    pub fn new(edge: Edge) -> Self {
        Self { edge, backup: None, clock: Clock::Right, full: false, slow: false, met: false }
    }

    /// Time and chance of one act: the time is a claim, and never runs backwards for one author.
    pub fn stamp(&mut self, now_ms: u64, dice: &mut Dice) -> Stamp {
        let claimed = match self.clock {
            Clock::Right => now_ms,
            Clock::Dead => DEAD_MS,
            Clock::Off(by) => now_ms.saturating_add_signed(by),
        };
        let claimed = claimed.max(self.edge.last_ms);
        self.edge.last_ms = claimed;
        Stamp { now_ms: claimed, entropy: dice.bytes() }
    }

    /// The database is of another time than the device: a new life begins before the next write.
    pub fn begin_anew(&mut self, dice: &mut Dice) {
        let mut inc = Incarnation([0; 4]);
        inc.0.copy_from_slice(&dice.bytes()[..4]);
        self.edge.begin(inc);
        self.met = false;
    }
}
