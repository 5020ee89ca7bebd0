//! The root of a set: count and sum of its ids mod 2^256 (SPEC S2). Order-free, add and subtract.

use crate::id::OpId;
use crate::intake::Move;

/// Count and sum of the ids of one (scope, lane).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// How many ids.
    pub count: u64,
    /// Σ ids mod 2^256, little-endian words.
    sum: [u64; 4],
}

impl Root {
    /// Takes `id` in.
    pub fn join(&mut self, id: &OpId) {
        self.count = self.count.wrapping_add(1);
        let mut carry = false;
        for (word, add) in self.sum.iter_mut().zip(words(&id.0)) {
            let (partial, first) = word.overflowing_add(add);
            let (total, second) = partial.overflowing_add(u64::from(carry));
            (*word, carry) = (total, first || second);
        }
    }

    /// Takes `id` out.
    pub fn leave(&mut self, id: &OpId) {
        self.count = self.count.wrapping_sub(1);
        let mut borrow = false;
        for (word, sub) in self.sum.iter_mut().zip(words(&id.0)) {
            let (partial, first) = word.overflowing_sub(sub);
            let (total, second) = partial.overflowing_sub(u64::from(borrow));
            (*word, borrow) = (total, first || second);
        }
    }

    /// Takes in what joined, takes out what left.
    pub fn shift(&mut self, shift: Move) {
        match shift {
            Move::Joined(id) => self.join(&id),
            Move::Left(id) => self.leave(&id),
        }
    }

    /// As it was before `shifts`.
    #[must_use]
    pub fn before(mut self, shifts: &[Move]) -> Self {
        for shift in shifts {
            match shift {
                Move::Joined(id) => self.leave(id),
                Move::Left(id) => self.join(id),
            }
        }
        self
    }

    /// The sum as stored: 32 bytes, little-endian.
    #[must_use]
    pub fn sum_bytes(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.chunks_exact_mut(8).zip(self.sum).for_each(|(chunk, word)| chunk.copy_from_slice(&word.to_le_bytes()));
        out
    }

    /// A root from its stored parts.
    #[must_use]
    pub fn from_parts(count: u64, sum: &[u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(sum.chunks_exact(8)) {
            *word = chunk.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        }
        Self { count, sum: words }
    }

    /// What goes over the wire: BLAKE3(count ‖ sum)[..16].
    #[must_use]
    pub fn wire(&self) -> [u8; 16] {
        let mut input = [0; 40];
        input[..8].copy_from_slice(&self.count.to_le_bytes());
        input[8..].copy_from_slice(&self.sum_bytes());
        let mut out = [0; 16];
        out.copy_from_slice(&blake3::hash(&input).as_bytes()[..16]);
        out
    }
}

fn words(id: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, chunk) in words.iter_mut().zip(id.chunks_exact(8)) {
        *word = chunk.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_joins_in_any_order_leaves_in_any_order(ids in prop::collection::vec(any::<[u8; 32]>(), 0..40)) {
            let mut forward = Root::default();
            let mut backward = Root::default();
            ids.iter().for_each(|id| forward.join(&OpId(*id)));
            ids.iter().rev().for_each(|id| backward.join(&OpId(*id)));
            prop_assert_eq!(forward, backward);
            prop_assert_eq!(Root::from_parts(forward.count, &forward.sum_bytes()), forward);
            ids.iter().for_each(|id| forward.leave(&OpId(*id)));
            prop_assert_eq!(forward, Root::default());
        }
    }
}
