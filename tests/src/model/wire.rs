//! One session between an edge and central, frame by frame, as bytes, over a link that may die.

use std::collections::VecDeque;

use protocol::frame::{self, Frame, HEADER_BYTES};
use protocol::session::EdgeSession;
use protocol::session::hub::HubSession;
use protocol::stamp::Stamp;

use super::Dice;
use super::central::Central;
use super::edge::Edge;

/// Frames after which a session that does not come to rest is a bug.
const ENDLESS: usize = 20_000;

/// What carries a session.
pub struct Link {
    /// Chance at each frame that it dies.
    pub cut_percent: u64,
    /// Bytes of frames, both ways, after which it dies.
    pub dies_after: usize,
    /// The hub knows the ladder of repair.
    pub ladder: bool,
}

/// Runs one session. Returns whether it came to rest by itself.
pub fn run(edge: &mut Edge, central: &mut Central, dice: &mut Dice, stamp: Stamp, link: &Link, revoked: bool) -> bool {
    let cut_percent = link.cut_percent;
    let mut carried = 0;
    let mut at_edge = EdgeSession::default();
    let mut at_hub = HubSession::new(edge.author, revoked);
    let mut up: VecDeque<Vec<u8>> = VecDeque::new();
    let mut down: VecDeque<Vec<u8>> = VecDeque::new();
    let Ok(frames) = at_edge.start(edge);
    up.extend(frames.iter().map(Frame::encode));
    for _ in 0..ENDLESS {
        if cut_percent > 0 && dice.chance(cut_percent) {
            return false;
        }
        let upwards = if up.is_empty() || down.is_empty() { !up.is_empty() } else { dice.chance(50) };
        if upwards {
            let Some(bytes) = up.pop_front() else { return true };
            carried += bytes.len();
            if carried > link.dies_after {
                return false;
            }
            let frame = read(&bytes);
            if cut_percent > 0 && matches!(frame, Frame::Bursts(_)) && dice.chance(20) {
                up.push_back(bytes);
            }
            let mut asks: VecDeque<_> = at_hub.handle(frame).unwrap_or_else(|violation| panic!("{violation}")).into();
            while let Some(ask) = asks.pop_front() {
                let answer = central.answer(edge.author, &edge.seat.clone(), ask, stamp);
                let (frames, more) = at_hub.answer(answer);
                down.extend(frames.iter().map(Frame::encode));
                asks.extend(more);
            }
        } else if let Some(bytes) = down.pop_front() {
            carried += bytes.len();
            if carried > link.dies_after {
                return false;
            }
            let mut frame = read(&bytes);
            if let Frame::Welcome(welcome) = &mut frame {
                welcome.ladder = welcome.ladder.filter(|_| link.ladder);
            }
            if cut_percent > 0 && matches!(frame, Frame::Bursts(_) | Frame::Safe(_)) && dice.chance(20) {
                down.push_back(bytes);
            }
            let Ok(frames) = at_edge.handle(edge, frame);
            up.extend(frames.iter().map(Frame::encode));
        } else {
            return true;
        }
    }
    panic!("the session of {} does not come to rest", edge.seat.party);
}

fn read(bytes: &[u8]) -> Frame {
    let mut head = [0; HEADER_BYTES];
    head.copy_from_slice(&bytes[..HEADER_BYTES]);
    let (number, length) = frame::header(head).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(length, bytes.len() - HEADER_BYTES, "the length is the body's");
    match Frame::decode(number, &bytes[HEADER_BYTES..]) {
        Ok(Some(frame)) => frame,
        other => panic!("a frame that nobody can read: {other:?}"),
    }
}
