//! What a relay asks of its database: what it holds of a visitor's chain, and what it may show him.

use std::collections::{BTreeMap, BTreeSet};

use protocol::burst::Burst;
use protocol::id::{Author, Digest, Incarnation, OpId, Scope, ShortId, Subject};
use protocol::op::lane;
use protocol::root::Root;
use protocol::seat::{Certificate, Seat, bits};
use protocol::sketch::Sketch;
use rusqlite::{OptionalExtension, params};

use super::{Rows, Store, StoreError, signed, unsigned};

/// Bursts for a visitor, with what he needs to read them.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Only the ops that were asked for are open in them.
    pub bursts: Vec<Burst>,
    /// Certificates of their authors.
    pub certificates: Vec<(Author, Vec<u8>)>,
    /// Keys of the sealed fields of their subjects.
    pub keys: Vec<(Subject, [u8; 32])>,
}

impl Store {
    /// A certificate that the authority signed.
    #[must_use]
    pub fn certificate(&self, bytes: &[u8]) -> Option<Certificate> {
        Certificate::decode(bytes, &self.authority).ok()
    }

    /// The certificates of these authors, as far as they are held.
    ///
    /// # Errors
    /// The database.
    pub fn certificates_of(&self, authors: &[Author]) -> Result<Vec<(Author, Vec<u8>)>, StoreError> {
        self.read(|rows| rows.certificates_of(&authors.iter().copied().collect()))
    }

    /// Whether the own replica knows that a seat was revoked.
    ///
    /// # Errors
    /// The database.
    pub fn is_revoked(&self, author: &Author) -> Result<bool, StoreError> {
        self.read(|rows| {
            let mut statement = rows.connection.prepare_cached("SELECT 1 FROM revocation WHERE author = ?1")?;
            Ok(statement.exists(params![author.0])?)
        })
    }

    /// How far an author's bursts are held without a gap, counted on from `from`, and the highest that is held.
    ///
    /// # Errors
    /// The database.
    pub fn held_from(&self, author: Author, inc: Incarnation, from: u64) -> Result<(u64, u64), StoreError> {
        self.read(|rows| {
            let mut statement = rows.connection.prepare_cached(
                "SELECT DISTINCT seq FROM burst WHERE author = ?1 AND inc = ?2 AND seq > ?3 ORDER BY seq",
            )?;
            let (mut upto, mut highest) = (from, from);
            let mut found = statement.query(params![author.0, inc.0, signed(from)])?;
            while let Some(row) = found.next()? {
                highest = unsigned(row.get(0)?);
                if highest == upto + 1 {
                    upto = highest;
                }
            }
            Ok((upto, highest))
        })
    }

    /// A relay holds own bursts up to `upto`. Never lowers.
    ///
    /// # Errors
    /// The database.
    pub fn set_held(&self, inc: Incarnation, upto: u64) -> Result<(), StoreError> {
        let known = self.read(|rows| rows.held_upto(&inc))?;
        if upto <= known {
            return Ok(());
        }
        self.write(|rows| {
            rows.connection
                .prepare_cached(
                    "INSERT INTO safe (author, inc, upto, held_upto) VALUES (?1, ?2, 0, ?3)
                     ON CONFLICT (author, inc) DO UPDATE SET held_upto = max(held_upto, excluded.held_upto)",
                )?
                .execute(params![self.author.0, inc.0, signed(upto)])?;
            Ok(())
        })
    }

    /// The roots of the sets that `reader` may hold, as far as they are held here.
    ///
    /// # Errors
    /// The database.
    pub fn roots_for(&self, reader: &Seat) -> Result<BTreeMap<(Scope, u8), Root>, StoreError> {
        let mut roots = self.roots()?;
        roots.retain(|(scope, _), root| root.count > 0 && reader.may(bits::READ, scope));
        Ok(roots)
    }

    /// The first cells of one set.
    ///
    /// # Errors
    /// The database.
    pub fn sketch(&self, scope: Scope, in_lane: u8, cells: usize) -> Result<Sketch, StoreError> {
        let (_, kept) = self.cells(scope, in_lane, 0, cells)?;
        let mut sketch = Sketch::default();
        sketch.append(kept);
        Ok(sketch)
    }

    /// All bursts that are held but those of one author, encoded, each author's in their order.
    ///
    /// # Errors
    /// The database.
    pub fn bursts_but_of(&self, author: Author) -> Result<Vec<(Author, Vec<u8>)>, StoreError> {
        self.read(|rows| {
            let mut statement = rows
                .connection
                .prepare_cached("SELECT author, digest FROM burst WHERE author <> ?1 ORDER BY author, inc, seq")?;
            let read = |row: &rusqlite::Row<'_>| Ok((Author(row.get(0)?), Digest(row.get(1)?)));
            let found: Vec<(Author, Digest)> =
                statement.query_map(params![author.0], read)?.collect::<Result<_, _>>()?;
            let encoded = |(author, digest): (Author, Digest)| Ok((author, rows.burst(&digest)?.encode()));
            found.into_iter().map(encoded).collect()
        })
    }

    /// These ops of one set, in their bursts, for somebody who may hold the set.
    ///
    /// # Errors
    /// The database.
    pub fn shown(&self, reader: &Seat, scope: Scope, in_lane: u8, ids: &[ShortId]) -> Result<Shown, StoreError> {
        self.read(|rows| {
            let found = rows.of_set(scope, in_lane, ids)?;
            let mut open: BTreeMap<Digest, BTreeSet<OpId>> = BTreeMap::new();
            let mut subjects = BTreeSet::new();
            for (id, digest, subject) in found {
                open.entry(digest).or_default().insert(id);
                subjects.insert(subject);
            }
            let mut bursts = Vec::with_capacity(open.len());
            for (digest, ids) in &open {
                bursts.push(rows.burst_showing(digest, |id| ids.contains(id))?);
            }
            let authors: BTreeSet<Author> = bursts.iter().map(|burst: &Burst| burst.head.author).collect();
            let certificates = rows.certificates_of(&authors)?;
            let sealed = bits::READ | bits::UNSEAL;
            let keys = if reader.may(sealed, &scope) { rows.keys_of(&subjects)? } else { Vec::new() };
            Ok(Shown { bursts, certificates, keys })
        })
    }
}

impl Rows<'_> {
    /// How far a relay holds an own incarnation.
    ///
    /// # Errors
    /// The database.
    pub fn held_upto(&self, inc: &Incarnation) -> Result<u64, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT held_upto FROM safe WHERE author = ?1 AND inc = ?2")?;
        let upto: Option<i64> =
            statement.query_row(params![self.store.author.0, inc.0], |row| row.get(0)).optional()?;
        Ok(upto.map_or(0, unsigned))
    }

    fn of_set(&self, scope: Scope, in_lane: u8, ids: &[ShortId]) -> Result<Vec<(OpId, Digest, Subject)>, StoreError> {
        let query = if in_lane == lane::CONTROL {
            "SELECT id, digest, subject FROM op WHERE id >= ?1 AND id <= ?2 AND lane = ?3 AND subject = ?4"
        } else {
            "SELECT id, digest, op.subject FROM op JOIN member USING (subject)
             WHERE id >= ?1 AND id <= ?2 AND lane = ?3 AND scope = ?4 AND put_gen > close_gen"
        };
        let mut statement = self.connection.prepare_cached(query)?;
        let mut found = Vec::with_capacity(ids.len());
        for short in ids {
            let (mut from, mut to) = ([0; 32], [0xff; 32]);
            from[..8].copy_from_slice(&short.0);
            to[..8].copy_from_slice(&short.0);
            let read = |row: &rusqlite::Row<'_>| Ok((OpId(row.get(0)?), Digest(row.get(1)?), Subject(row.get(2)?)));
            for row in statement.query_map(params![from, to, in_lane, scope.0], read)? {
                found.push(row?);
            }
        }
        Ok(found)
    }

    fn certificates_of(&self, authors: &BTreeSet<Author>) -> Result<Vec<(Author, Vec<u8>)>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT bytes FROM certificate WHERE author = ?1")?;
        let mut held = Vec::with_capacity(authors.len());
        for author in authors {
            let bytes: Option<Vec<u8>> = if *author == self.store.author {
                Some(self.store.identity.certificate.clone())
            } else {
                let held = statement.query_row(params![author.0], |row| row.get(0)).optional()?;
                let central = &self.store.identity.central_certificate;
                held.or_else(|| (Certificate::author_of(central) == *author).then(|| central.clone()))
            };
            held.extend(bytes.map(|bytes| (*author, bytes)));
        }
        Ok(held)
    }

    fn keys_of(&self, subjects: &BTreeSet<Subject>) -> Result<Vec<(Subject, [u8; 32])>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT key FROM subject_key WHERE subject = ?1")?;
        let mut keys = Vec::new();
        for subject in subjects {
            let key: Option<[u8; 32]> = statement.query_row(params![subject.0], |row| row.get(0)).optional()?;
            keys.extend(key.map(|key| (*subject, key)));
        }
        Ok(keys)
    }
}
