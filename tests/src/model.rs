//! The model: central, sites, agents and vendors in one process from one seed, before any disk or
//! socket. The same engine and the same sessions as the real parts; only storage is a map.
//!
//! While it runs, people act, facts conflict, sessions die at any frame, frames come twice, bursts hop
//! over the LAN, and central is restored from an old copy. Then the faults stop, and within three
//! sessions every edge must have equal roots, an empty outbox, and books equal to central's.

mod central;
mod edge;
mod first_sync;
mod memory;
mod people;
mod wire;
mod world;

pub use central::Central;
pub use first_sync::first_sync;
pub use memory::Memory;
pub use world::{Report, run};

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
