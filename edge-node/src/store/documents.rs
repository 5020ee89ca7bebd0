//! The rows that documents are made of. They are ops like all others: nothing is kept beside them.

use std::sync::PoisonError;

use protocol::document::{self, Given};
use protocol::fact::{Fact, Reading};
use protocol::id::{Kind, Scope, Subject};
use protocol::op::Op;
use rusqlite::{OptionalExtension, params};

use super::{Rows, StoreError, unsigned};

/// Which version of a document's rows was read: how many there are, and the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DocumentVersion {
    count: u64,
    newest: u64,
}

impl Rows<'_> {
    pub(crate) fn document_version(&self, subject: &Subject) -> Result<DocumentVersion, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT count(*), coalesce(max(n), 0) FROM op WHERE subject = ?1")?;
        Ok(statement.query_row(params![subject.0], |row| {
            Ok(DocumentVersion { count: unsigned(row.get(0)?), newest: unsigned(row.get(1)?) })
        })?)
    }

    /// The changes of a document; `parcel` names whose key opens it, where it is sealed.
    pub(crate) fn document_changes(
        &self,
        subject: &Subject,
        parcel: Option<&Subject>,
    ) -> Result<Vec<Given>, StoreError> {
        let key = match parcel {
            Some(parcel) => self.key_of(parcel)?,
            None => None,
        };
        let ops = self.ops_of(subject)?;
        let seats = self.store.seats.read().unwrap_or_else(PoisonError::into_inner);
        Ok(document::changes_of(subject, &ops, &seats, key.as_ref()))
    }

    /// The key of a parcel's sealed fields, if this device may have it.
    pub(crate) fn key_of(&self, parcel: &Subject) -> Result<Option<[u8; 32]>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT key FROM subject_key WHERE subject = ?1")?;
        Ok(statement.query_row(params![parcel.0], |row| row.get(0)).optional()?)
    }

    /// Whose product it is and its sku, as its ops name them.
    pub(crate) fn product_of(&self, subject: &Subject) -> Result<Option<(Scope, String)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT bytes FROM op WHERE subject = ?1 AND apart IS NULL ORDER BY n LIMIT 1")?;
        let bytes: Option<Vec<u8>> = statement.query_row(params![subject.0], |row| row.get(0)).optional()?;
        let op = bytes.and_then(|bytes| Op::decode(&bytes).ok());
        Ok(op.and_then(|op| match Fact::read(op.class_kind, &op.payload) {
            Reading::Known(Fact::ProductEntered(edit) | Fact::ProductChanged(edit)) => Some((edit.vendor, edit.sku)),
            _ => None,
        }))
    }

    /// Products in order of id, after `after`.
    pub(crate) fn product_subjects(&self, after: Option<Subject>, limit: u32) -> Result<Vec<Subject>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT subject FROM op
             WHERE subject > ?1 AND subject < ?2 AND apart IS NULL ORDER BY subject LIMIT ?3",
        )?;
        let (low, high) = ([Kind::Product as u8], [Kind::Product as u8 + 1]);
        let low = after.as_ref().map_or(low.as_slice(), |after| after.0.as_slice());
        let rows = statement.query_map(params![low, high, limit], |row| row.get(0).map(Subject))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
