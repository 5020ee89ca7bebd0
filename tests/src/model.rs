//! The parts of a world in one process: central and edges whose storage is a map, people with a temper, and
//! dice. The engine and the sessions are the product's own. What happens to them is `sim`'s.

mod central;
mod edge;
mod memory;
mod parties;
pub mod people;

use protocol::frame::{self, Frame, HEADER_BYTES};

pub use central::Central;
pub use edge::{Edge, KEEP_BEACONS};
pub use memory::Memory;
pub use parties::{Parties, order};

/// splitmix64: a whole world follows from one number.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.draw() % n as u64) as usize }
    }

    /// True `percent` of the time.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.draw() % 100 < percent
    }

    /// One of these; `None` of nothing.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = self.below(of.len());
        of.get(at)
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        out.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.draw().to_le_bytes()));
        out
    }
}

/// The frame of these bytes, as the other side reads them.
pub fn frame_of(bytes: &[u8]) -> Frame {
    let mut head = [0; HEADER_BYTES];
    head.copy_from_slice(&bytes[..HEADER_BYTES]);
    let (number, length) = frame::header(head).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(length, bytes.len() - HEADER_BYTES, "the length is the body's");
    match Frame::decode(number, &bytes[HEADER_BYTES..]) {
        Ok(Some(frame)) => frame,
        other => panic!("a frame that nobody can read: {other:?}"),
    }
}
