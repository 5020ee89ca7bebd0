//! What is held for and from others: certificates, keys of sealed fields, bursts as they are sent.

use std::collections::BTreeMap;

use protocol::burst::{Burst, Head, Slot};
use protocol::id::{Author, Digest, Incarnation, OpId, ShortId, Subject};
use rusqlite::{OptionalExtension, params};

use super::{Rows, Store, StoreError, signed, unsigned};

impl Rows<'_> {
    pub(super) fn certificates(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT bytes FROM certificate")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    pub(super) fn put_certificate(&self, author: Author, bytes: &[u8]) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO certificate (author, bytes) VALUES (?1, ?2)")?
            .execute(params![author.0, bytes])?;
        Ok(())
    }

    /// Bursts of an own incarnation after `seq`, encoded: at least one, then as many as fit.
    pub(super) fn chain_after(
        &self,
        inc: &Incarnation,
        seq: u64,
        max_bytes: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT digest, seq FROM burst WHERE author = ?1 AND inc = ?2 AND seq > ?3 ORDER BY seq")?;
        let mut rows = statement.query(params![self.store.author.0, inc.0, signed(seq)])?;
        let (mut bursts, mut bytes, mut last) = (Vec::new(), 0, seq);
        while let Some(row) = rows.next()? {
            let encoded = self.burst(&Digest(row.get(0)?))?.encode();
            let number = unsigned(row.get(1)?);
            bytes += encoded.len();
            // Bursts of one number go together: an answer by number is to all of them.
            if bytes > max_bytes && !bursts.is_empty() && number != last {
                break;
            }
            last = number;
            bursts.push(encoded);
        }
        Ok(bursts)
    }

    /// The own bursts that say something of a subject, in order.
    ///
    /// # Errors
    /// The database.
    pub fn own_bursts_about(&self, subject: &Subject) -> Result<Vec<Burst>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT inc, seq, digest FROM op WHERE author = ?1 AND subject = ?2 ORDER BY inc, seq",
        )?;
        let read = |row: &rusqlite::Row<'_>| Ok(Digest(row.get(2)?));
        let found: Vec<Digest> =
            statement.query_map(params![self.store.author.0, subject.0], read)?.collect::<Result<_, _>>()?;
        found.iter().map(|digest| self.burst(digest)).collect()
    }

    /// A held burst: slots that are not held are withheld.
    pub(super) fn burst(&self, digest: &Digest) -> Result<Burst, StoreError> {
        self.burst_showing(digest, |_| true)
    }

    /// A held burst of which only some slots are open.
    pub(super) fn burst_showing(&self, digest: &Digest, shows: impl Fn(&OpId) -> bool) -> Result<Burst, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT head, sig, ids FROM burst WHERE digest = ?1")?;
        let found: Option<(Vec<u8>, [u8; 64], Vec<u8>)> =
            statement.query_row(params![digest.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let (head, sig, ids) = found.ok_or(StoreError::Damaged("an op without its burst"))?;
        let (head, _) = Head::decode_front(&head).map_err(|_| StoreError::Damaged("burst head"))?;
        let mut statement = self.connection.prepare_cached("SELECT id, bytes FROM op WHERE digest = ?1")?;
        let read = |row: &rusqlite::Row<'_>| Ok((OpId(row.get(0)?), row.get(1)?));
        let mut held: BTreeMap<OpId, Vec<u8>> =
            statement.query_map(params![digest.0], read)?.collect::<Result<_, _>>()?;
        let (ids, rest) = ids.as_chunks::<32>();
        if !rest.is_empty() || ids.len() != usize::from(head.n) {
            return Err(StoreError::Damaged("burst ids"));
        }
        held.retain(|id, _| shows(id));
        let slot = |id: &[u8; 32]| held.remove(&OpId(*id)).map_or(Slot::Withheld(OpId(*id)), Slot::Open);
        Ok(Burst { head, sig, slots: ids.iter().map(slot).collect() })
    }
}

impl Store {
    /// Keeps keys of sealed fields.
    ///
    /// # Errors
    /// The database.
    pub fn add_keys(&self, keys: &[(Subject, [u8; 32])]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.write_told(|rows| {
            let mut insert =
                rows.connection.prepare_cached("INSERT OR REPLACE INTO subject_key (subject, key) VALUES (?1, ?2)")?;
            keys.iter().try_for_each(|(subject, key)| insert.execute(params![subject.0, key]).map(drop))?;
            Ok(())
        })
    }

    /// The bursts that hold these ops, encoded; their other slots are withheld unless they are held.
    ///
    /// # Errors
    /// The database.
    pub fn bursts_with(&self, wanted: &[ShortId]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|rows| {
            let mut find = rows.connection.prepare_cached("SELECT digest FROM op WHERE id >= ?1 AND id <= ?2")?;
            let mut digests = std::collections::BTreeSet::new();
            for short in wanted {
                let (mut from, mut to) = ([0; 32], [0xff; 32]);
                from[..8].copy_from_slice(&short.0);
                to[..8].copy_from_slice(&short.0);
                let found = find.query_map(params![from, to], |row| row.get(0).map(Digest))?;
                for digest in found {
                    digests.insert(digest?);
                }
            }
            digests.iter().map(|digest| rows.burst(digest).map(|burst| burst.encode())).collect()
        })
    }
}
