//! What others wrote about subjects that are open nowhere here, and central may never have heard of: see
//! [`Standing::strays`].

use std::collections::BTreeSet;

use protocol::id::{Digest, Subject};
use protocol::session::Standing;
use rusqlite::params;

use super::{Rows, Store, StoreError, signed, unsigned};

/// The name of the counter that holds up to which record central is known to hold what others wrote.
const PROVEN: &str = "proven";
/// Bursts that go at once: the rest goes after them.
const AT_ONCE: u32 = 64;
/// Scopes are the lower kinds: their sets have them for ever.
const STRAYS: &str = "FROM op WHERE n > ?1 AND author <> ?2 AND subject >= x'10' AND (?3 IS NULL OR subject = ?3)
     AND NOT EXISTS (SELECT 1 FROM member m WHERE m.subject = op.subject AND m.held = 1 AND m.put_gen > m.close_gen)";

impl Rows<'_> {
    /// Whether there are any, of one subject or at all.
    pub(super) fn has_strays(&self, subject: Option<&Subject>) -> Result<bool, StoreError> {
        let of = params![signed(self.counter(PROVEN)?), self.store.author.0, subject.map(|subject| subject.0)];
        Ok(self.connection.prepare_cached(&format!("SELECT 1 {STRAYS} LIMIT 1"))?.exists(of)?)
    }

    pub(super) fn set_proven(&self, upto: u64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO counter (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            )?
            .execute(params![PROVEN, signed(upto)])?;
        Ok(())
    }
}

impl Store {
    /// Roots and strays, read in one transaction.
    ///
    /// # Errors
    /// The database.
    pub fn standing(&self) -> Result<Standing, StoreError> {
        self.read(|rows| {
            let latest =
                rows.connection.prepare_cached("SELECT coalesce(max(n), 0) FROM op")?.query_row([], |row| row.get(0));
            let sql = format!("SELECT n, digest {STRAYS} ORDER BY n LIMIT ?4");
            let mut statement = rows.connection.prepare_cached(&sql)?;
            let of = params![signed(rows.counter(PROVEN)?), self.author.0, None::<[u8; 17]>, AT_ONCE];
            let found = statement.query_map(of, |row| Ok((unsigned(row.get(0)?), Digest(row.get(1)?))))?;
            let found: Vec<(u64, Digest)> = found.collect::<Result<_, _>>()?;
            let more = found.len() == AT_ONCE as usize;
            let upto = found.last().filter(|_| more).map_or(unsigned(latest?), |(n, _)| *n);
            let digests: BTreeSet<Digest> = found.into_iter().map(|(_, digest)| digest).collect();
            let bursts: Result<_, StoreError> =
                digests.iter().map(|digest| rows.burst(digest).map(|burst| burst.encode())).collect();
            Ok(Standing { roots: rows.roots()?, strays: bursts?, upto })
        })
    }

    /// Central holds whatever others wrote up to this record.
    ///
    /// # Errors
    /// The database.
    pub fn set_proven(&self, upto: u64) -> Result<(), StoreError> {
        self.write_told(|rows| rows.set_proven(upto))
    }
}
