//! What arrives in a session: verified outside the lock, taken in one transaction.

use std::collections::BTreeSet;

use protocol::burst::Burst;
use protocol::id::Author;
use protocol::intake::{self, Taken, Verified};

use crate::node::{Node, NodeError};
use crate::record::take;
use crate::store::Rows;

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
    /// Takes bursts that central sent. A power cut may take them back, and the cursor with them: central sends
    /// them again then.
    ///
    /// # Errors
    /// The database; nothing of the call is kept then.
    pub fn receive(&self, bursts: Vec<Burst>) -> Result<Received, NodeError> {
        let (mut received, verified) = self.verified(bursts);
        if !verified.is_empty() {
            received.count(&self.store.write_told(|rows| keep(rows, verified))?);
            self.search.wake();
        }
        Ok(received)
    }

    /// Takes bursts that came from near by, past central: what is returned as taken is on the disk, and the
    /// session with a hub compares anew.
    ///
    /// # Errors
    /// The database; nothing of the call is kept then.
    pub fn receive_relayed(&self, bursts: Vec<Burst>) -> Result<Received, NodeError> {
        let (mut received, verified) = self.verified(bursts);
        if !verified.is_empty() {
            received.count(&self.store.write(|rows| keep(rows, verified))?);
            self.search.wake();
        }
        if received.taken > 0 {
            self.announce_relayed();
        }
        Ok(received)
    }

    /// Checks signatures outside the lock.
    fn verified(&self, bursts: Vec<Burst>) -> (Received, Vec<Verified>) {
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
        (received, verified)
    }
}

impl Received {
    fn count(&mut self, taken: &Taken) {
        self.taken = taken.ops.len() as u64;
        self.duplicates = taken.duplicates;
        self.refused += taken.refused.len() as u64;
    }
}

fn keep(rows: &Rows<'_>, verified: Vec<Verified>) -> Result<Taken, NodeError> {
    let taken = take(rows, verified)?;
    rows.write_taken(&taken)?;
    Ok(taken)
}
