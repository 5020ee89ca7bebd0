//! A session while it lasts: two halves, two lines, and what may happen to either end at any frame.

use std::collections::VecDeque;

use protocol::frame::Frame;
use protocol::session::EdgeSession;
use protocol::session::hub::{Answer, Ask, HubSession};
use protocol::stamp::Stamp;

use super::device::Device;
use super::fault::{Fault, Report};
use super::line::Line;
use super::mutant::Mutant;
use crate::model::{Central, Dice, frame_of};

/// A link on which nothing is heard for so long is gone, ms; see `protocol-quic`.
const IDLE_MS: u64 = 45_000;

/// What happens to an end while it works on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Lives,
    /// It dies after its transaction and before its answer.
    Dies,
    /// It dies inside its transaction, which is then none.
    Torn,
}

/// A session.
pub struct Call {
    /// Whose.
    pub device: usize,
    /// With which hub.
    pub hub: usize,
    at_edge: EdgeSession,
    at_hub: HubSession,
    /// The hub is of before the ladder and packs.
    old: bool,
    /// Towards the hub.
    pub up: Line,
    /// Towards the device.
    pub down: Line,
    heard_ms: u64,
}

impl Call {
    /// Says hello.
    pub fn begin((index, device): (usize, &Device), (hub, old): (usize, bool), revoked: bool, now_ms: u64) -> Self {
        let (mut at_edge, at_hub) = (EdgeSession::default(), HubSession::new(device.edge.author, revoked));
        let (mut up, down) = (Line::new(device.slow), Line::new(device.slow));
        let Ok(frames) = at_edge.start(&device.edge);
        up.push(now_ms, frames.iter().map(Frame::encode), 0);
        Self { device: index, hub, old, at_edge, at_hub, up, down, heard_ms: now_ms }
    }

    /// The person recorded something.
    pub fn wake(&mut self, device: &Device, now_ms: u64) {
        let Ok(frames) = self.at_edge.wake(&device.edge);
        self.up.push(now_ms, frames.iter().map(Frame::encode), 0);
    }

    /// Nothing is on the way, and nothing will be by itself.
    pub fn rests(&self) -> bool {
        self.up.next_due().is_none() && self.down.next_due().is_none()
    }

    /// Nobody has heard the other for too long.
    pub fn is_silent(&self, now_ms: u64) -> bool {
        self.up.deaf | self.down.deaf && now_ms > self.heard_ms + IDLE_MS
    }

    /// The hub works on the next frame that has reached it. `false` when it dies of that.
    pub fn at_hub(
        &mut self,
        device: &Device,
        central: &mut Central,
        fate: Fate,
        (now_ms, stamp): (u64, Stamp),
        (dice, report): (&mut Dice, &mut Report),
    ) -> bool {
        let Some(bytes) = self.up.pop(now_ms) else { return true };
        self.heard_ms = now_ms;
        let frame = frame_of(&bytes);
        if self.old && matches!(frame, Frame::Packed(_)) {
            // A type that it does not know.
            return true;
        }
        if matches!(frame, Frame::Bursts(_) | Frame::Packed(_)) && dice.chance(4) {
            self.up.push(now_ms, [bytes], 0);
            report.happened(Fault::Duplicate);
        }
        let asks = self.at_hub.handle(frame).unwrap_or_else(|violation| panic!("{violation}"));
        let mut asks: VecDeque<Ask> = asks.into();
        let before = (fate == Fate::Torn || central.broken == Some(Mutant::SafeBeforeCommit)).then(|| central.clone());
        while let Some(ask) = asks.pop_front() {
            let answer = central.answer(device.edge.author, &device.edge.seat, ask, stamp);
            let safe = matches!(answer, Answer::Took(..));
            let (frames, more) = self.at_hub.answer(answer);
            match (fate, before.as_ref()) {
                (Fate::Torn, Some(before)) if central.broken == Some(Mutant::SafeBeforeCommit) && safe => {
                    // The mutant's SAFE has left; the commit is taken back by the kill.
                    self.down.push(now_ms, frames.iter().map(Frame::encode), 0);
                    *central = before.clone();
                    return true;
                }
                (Fate::Torn, Some(before)) => {
                    *central = before.clone();
                    return false;
                }
                (Fate::Dies, _) => return false,
                _ => {}
            }
            let lost = u64::from(dice.chance(3));
            if lost > 0 {
                report.happened(Fault::BurstLoss);
            }
            self.down.push(now_ms, frames.iter().map(Frame::encode), lost);
            asks.extend(more);
        }
        true
    }

    /// The device works on the next frame that has reached it. `false` when it dies of that.
    pub fn at_device(
        &mut self,
        device: &mut Device,
        fate: Fate,
        now_ms: u64,
        (dice, report): (&mut Dice, &mut Report),
    ) -> bool {
        let Some(bytes) = self.down.pop(now_ms) else { return true };
        self.heard_ms = now_ms;
        let mut frame = frame_of(&bytes);
        if let Frame::Welcome(welcome) = &mut frame {
            welcome.ladder = welcome.ladder.filter(|_| !self.old);
            welcome.packs = welcome.packs.filter(|_| !self.old);
        }
        if matches!(frame, Frame::Bursts(_) | Frame::Packed(_) | Frame::Safe(_)) && dice.chance(4) {
            self.down.push(now_ms, [bytes], 0);
            report.happened(Fault::Duplicate);
        }
        let before = (fate == Fate::Torn).then(|| device.edge.clone());
        let welcomed = matches!(frame, Frame::Welcome(_));
        let Ok(frames) = self.at_edge.handle(&mut device.edge, frame);
        if let Some(before) = before {
            device.edge = before;
            return false;
        }
        device.met |= welcomed;
        if fate == Fate::Dies {
            return false;
        }
        let lost = u64::from(dice.chance(3));
        if lost > 0 {
            report.happened(Fault::BurstLoss);
        }
        self.up.push(now_ms, frames.iter().map(Frame::encode), lost);
        true
    }
}
