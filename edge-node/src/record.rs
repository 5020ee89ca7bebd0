//! One tap: decided, signed, written and fsynced in one transaction; only then the receipt.

use std::collections::BTreeMap;

use protocol::burst::{Burst, MAX_OPS};
use protocol::command::Command;
use protocol::decide::{self, Draft};
use protocol::id::{ShortId, Subject};
use protocol::intake::{self, Taken, Verified};
use protocol::op::Op;
use protocol::refusal::Refusal;
use protocol::stamp::Stamp;

use crate::node::{Node, NodeError};
use crate::receipt::Receipt;
use crate::store::{OwnPlace, Rows, Shelf, StoreError};

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The business says no; the person sees the sentence.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// Machinery failed.
    #[error(transparent)]
    Error(#[from] NodeError),
}

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl Node {
    /// Records what a person asked for. `act` is made when the form opens: the same act again gives the
    /// first receipt and records nothing. When this returns `Ok`, the act is on the disk.
    ///
    /// # Errors
    /// [`RecordError::Refusal`] when the business says no; nothing was changed then.
    pub fn record(&self, act: [u8; 16], command: &Command) -> Result<Receipt, RecordError> {
        let decide = |rows: &Rows<'_>, own: &OwnPlace, stamp: &Stamp| {
            let shelf = Shelf::new(rows, (own.place.inc, own.place.seq - 1));
            let decided = decide::decide(self.seat(), command, &shelf, stamp);
            shelf.intact()?;
            Ok(decided?)
        };
        self.record_drafts(act, decide)
    }

    /// Records what `decide` comes to, in one burst; it runs inside the transaction that writes it.
    pub(crate) fn record_drafts(
        &self,
        act: [u8; 16],
        decide: impl FnOnce(&Rows<'_>, &OwnPlace, &Stamp) -> Result<Vec<Draft>, RecordError>,
    ) -> Result<Receipt, RecordError> {
        let (receipt, fresh) = self.store.write(|rows| self.record_in(rows, act, decide))?;
        if fresh {
            self.announce();
        }
        Ok(receipt)
    }

    /// The receipt of an act as it stands now.
    ///
    /// # Errors
    /// The database.
    pub fn receipt(&self, act: [u8; 16]) -> Result<Option<Receipt>, NodeError> {
        Ok(self.store.read(|rows| Receipt::of(rows, &act))?)
    }

    fn record_in(
        &self,
        rows: &Rows<'_>,
        act: [u8; 16],
        decide: impl FnOnce(&Rows<'_>, &OwnPlace, &Stamp) -> Result<Vec<Draft>, RecordError>,
    ) -> Result<(Receipt, bool), RecordError> {
        if let Some(receipt) = Receipt::of(rows, &act)? {
            return Ok((receipt, false));
        }
        let own = rows.own_place()?;
        let stamp = self.stamp(own.last_ms)?;
        let ops = ops_of(rows, decide(rows, &own, &stamp)?)?;
        if ops.is_empty() || ops.len() > MAX_OPS {
            return Err(NodeError::Broken("a command of too many records").into());
        }
        let burst = Burst::sign(&self.identity().key, &own.place, stamp.now_ms, &ops);
        let verified = Verified::of_own(burst);
        let receipt = Receipt::new(&act, &verified, &ops, stamp.now_ms);
        let taken = take(rows, vec![verified])?;
        if let Some(refused) = taken.refused.first() {
            return Err(NodeError::Broken(refused.code).into());
        }
        rows.write_taken(&taken)?;
        let text = serde_json::to_string(&receipt).map_err(|_| NodeError::Broken("a receipt that is no text"))?;
        rows.put_act(&act, &text, stamp.now_ms)?;
        Ok((receipt, true))
    }
}

/// Takes verified bursts by the rows that they touch. Edges have no clerk: they never react.
pub(crate) fn take(rows: &Rows<'_>, bursts: Vec<Verified>) -> Result<Taken, StoreError> {
    let desk = rows.desk(&bursts)?;
    Ok(intake::take(desk, bursts, None))
}

/// Each fact names the heads of its subject; a fact of the same act does not know of the others.
fn ops_of(rows: &Rows<'_>, drafts: Vec<Draft>) -> Result<Vec<Op>, StoreError> {
    let mut heads: BTreeMap<Subject, Vec<ShortId>> = BTreeMap::new();
    let mut ops = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let after = if draft.subject.is_scope() {
            Vec::new()
        } else if let Some(known) = heads.get(&draft.subject) {
            known.clone()
        } else {
            let found = rows.heads(&draft.subject)?;
            heads.insert(draft.subject, found.clone());
            found
        };
        ops.push(intake::op_of(draft.subject, &draft.fact, after));
    }
    Ok(ops)
}
