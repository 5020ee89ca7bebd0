//! What arrives in a session: verified outside the lock, taken in one transaction.

use std::collections::BTreeSet;

use protocol::burst::Burst;
use protocol::id::Author;
use protocol::intake::{self, Verified};

use crate::node::{Node, NodeError};
use crate::record::take;

/// What became of received bursts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// New ops.
    pub taken: u64,
    /// Open slots that were held before.
    pub duplicates: u64,
    /// Authors whose certificate is not held: their bursts were left out, ask for it and for them again.
    pub unknown_authors: Vec<Author>,
    /// Bursts with a wrong signature, and slots that are not well-authored.
    pub refused: u64,
}

impl Node {
    /// Takes bursts that arrived. What is returned as taken is on the disk.
    ///
    /// # Errors
    /// The database; nothing of the call is kept then.
    pub fn receive(&self, bursts: Vec<Burst>) -> Result<Received, NodeError> {
        let mut received = Received::default();
        let mut unknown: BTreeSet<Author> = BTreeSet::new();
        let mut verified: Vec<Verified> = Vec::with_capacity(bursts.len());
        for burst in bursts {
            match self.store.seat_of(&burst.head.author) {
                None => {
                    unknown.insert(burst.head.author);
                }
                Some(seat) => match intake::verify(burst, &seat) {
                    Ok(burst) => verified.push(burst),
                    Err(code) => {
                        tracing::warn!(code, "a burst was refused");
                        received.refused += 1;
                    }
                },
            }
        }
        received.unknown_authors = unknown.into_iter().collect();
        if verified.is_empty() {
            return Ok(received);
        }
        let taken = self.store.write(|rows| {
            let taken = take(rows, verified)?;
            rows.write_taken(&taken)?;
            Ok::<_, NodeError>(taken)
        })?;
        self.search.wake();
        received.taken = taken.ops.len() as u64;
        received.duplicates = taken.duplicates;
        received.refused += taken.refused.len() as u64;
        Ok(received)
    }
}
