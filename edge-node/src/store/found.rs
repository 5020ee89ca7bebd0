//! What the search index is made of, and which subjects changed since it was: a trigger marks a subject
//! in the transaction that changes its view, so that no kill and no forgotten call loses a mark.
//!
//! Marks are numbered upwards and a subject has one mark, its newest. The index says up to which number
//! it holds everything; marks up to there may be dropped.

use protocol::id::{Kind, Subject};
use protocol::sealed::{self, Personal};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::views::PARCEL_CREATED;
use super::{Rows, Store, StoreError, signed, unsigned};

/// Made at every opening, so that a step that makes a table anew cannot lose a trigger.
const MARKS: &str = "
CREATE TABLE IF NOT EXISTS search_mark (n INTEGER PRIMARY KEY AUTOINCREMENT, subject BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS search_place (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL,
    dropped INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO search_place (one, id, dropped) VALUES (1, randomblob(16), 0);
CREATE TABLE IF NOT EXISTS good (subject BLOB PRIMARY KEY, sku TEXT NOT NULL, name_en TEXT NOT NULL,
    name_bn TEXT NOT NULL, unit TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// Tables that change what is found, and whether each row is of a parcel or a good for sure.
const WATCHED: &[(&str, bool)] = &[("view_parcel", true), ("good", true), ("member", false), ("subject_key", false)];

/// Parcels without any open membership are not found: a closed one is no longer this seat's business.
const OPEN: &str =
    "(EXISTS (SELECT 1 FROM member m WHERE m.subject = p.subject AND m.held = 1 AND m.put_gen > m.close_gen)
     OR NOT EXISTS (SELECT 1 FROM member m WHERE m.subject = p.subject AND m.held = 1))";

/// Makes tables and triggers, inside the transaction that brings the database to this version.
pub(super) fn arm(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(MARKS)?;
    for (table, certain) in WATCHED {
        for (event, row) in [("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")] {
            let parcel = Kind::Parcel as u8;
            let only =
                if *certain { String::new() } else { format!("WHEN substr({row}.subject, 1, 1) = x'{parcel:02x}'") };
            // Not INSERT OR REPLACE: the conflict clause of the outer statement would override it.
            connection.execute_batch(&format!(
                "CREATE TRIGGER IF NOT EXISTS search_{table}_{event} AFTER {event} ON {table} {only} BEGIN
                     DELETE FROM search_mark WHERE subject = {row}.subject;
                     INSERT INTO search_mark (subject) VALUES ({row}.subject);
                 END;"
            ))?;
        }
    }
    Ok(())
}

/// A thing that is sold, as a search finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Good {
    /// The product's document.
    pub subject: Subject,
    /// The vendor's own code.
    pub sku: String,
    /// English name.
    pub name_en: String,
    /// Bangla name.
    pub name_bn: String,
    /// What one of it is: `5 kg`.
    pub unit: String,
}

/// A line of a parcel.
#[derive(Clone, Debug)]
pub(crate) struct FoundLine {
    pub(crate) sku: String,
    pub(crate) good: Option<Good>,
}

/// A parcel as a search finds it.
pub(crate) struct FoundParcel {
    pub(crate) subject: Subject,
    pub(crate) order: Option<Subject>,
    pub(crate) due_paisa: i64,
    pub(crate) status: String,
    pub(crate) shelf: Option<String>,
    pub(crate) lines: Vec<FoundLine>,
    pub(crate) customer: Option<Personal>,
}

/// What can be found.
pub(crate) enum Found {
    Parcel(Box<FoundParcel>),
    Good(Good),
}

/// How the marks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Names this database: an index of another one is no use.
    pub(crate) id: [u8; 16],
    /// Marks up to this number were dropped.
    pub(crate) dropped: u64,
    /// The newest number ever given.
    pub(crate) newest: u64,
}

impl Rows<'_> {
    /// How the marks stand.
    pub(crate) fn marks(&self) -> Result<Marks, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, dropped, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'search_mark'), 0)
             FROM search_place",
        )?;
        let read = |row: &Row<'_>| {
            Ok(Marks { id: row.get(0)?, dropped: unsigned(row.get(1)?), newest: unsigned(row.get(2)?) })
        };
        Ok(statement.query_row([], read)?)
    }

    /// The newest marks after `after`, newest first.
    pub(crate) fn newest_marks(&self, after: u64, limit: u32) -> Result<Vec<(u64, Subject)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT n, subject FROM search_mark WHERE n > ?1 ORDER BY n DESC LIMIT ?2")?;
        let marks = statement.query_map(params![signed(after), limit], mark)?;
        Ok(marks.collect::<Result<_, _>>()?)
    }

    /// The oldest marks after `after`, oldest first.
    pub(crate) fn oldest_marks(&self, after: u64, limit: u32) -> Result<Vec<(u64, Subject)>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT n, subject FROM search_mark WHERE n > ?1 ORDER BY n LIMIT ?2")?;
        let marks = statement.query_map(params![signed(after), limit], mark)?;
        Ok(marks.collect::<Result<_, _>>()?)
    }

    /// How many subjects were marked after `after`.
    pub(crate) fn marks_after(&self, after: u64) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM search_mark WHERE n > ?1")?;
        Ok(unsigned(statement.query_row(params![signed(after)], |row| row.get(0))?))
    }

    /// How many subjects can be found.
    pub(crate) fn findable_count(&self) -> Result<u64, StoreError> {
        let query = format!("SELECT (SELECT count(*) FROM view_parcel p WHERE {OPEN}) + (SELECT count(*) FROM good)");
        Ok(unsigned(self.connection.prepare_cached(&query)?.query_row([], |row| row.get(0))?))
    }

    /// The subjects that can be found, in order, after `after`.
    pub(crate) fn findable(&self, after: Option<Subject>, limit: u32) -> Result<Vec<Subject>, StoreError> {
        let after = after.map(|after| after.0.to_vec()).unwrap_or_default();
        let mut found = Vec::new();
        for query in [
            &format!("SELECT subject FROM view_parcel p WHERE subject > ?1 AND {OPEN} ORDER BY subject LIMIT ?2"),
            "SELECT subject FROM good WHERE subject > ?1 ORDER BY subject LIMIT ?2",
        ] {
            let mut statement = self.connection.prepare_cached(query)?;
            let rows = statement.query_map(params![after, limit], |row| row.get(0).map(Subject))?;
            found.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
        found.sort_unstable();
        found.truncate(limit as usize);
        Ok(found)
    }

    /// A subject as a search finds it; `None` when it is not, or no longer, to be found.
    pub(crate) fn found(&self, subject: &Subject) -> Result<Option<Found>, StoreError> {
        if subject.kind() == Some(Kind::Product) {
            return Ok(self.good(subject)?.map(Found::Good));
        }
        let query = format!(
            "SELECT p.*, k.key AS key FROM view_parcel p LEFT JOIN subject_key k USING (subject)
             WHERE p.subject = ?1 AND {OPEN}"
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let read = |row: &Row<'_>| {
            let (sealed, key): (Option<Vec<u8>>, Option<[u8; 32]>) = (row.get("sealed")?, row.get("key")?);
            let customer = key.zip(sealed).and_then(|(key, bytes)| sealed::open(&key, subject, PARCEL_CREATED, &bytes));
            let found = FoundParcel {
                subject: *subject,
                order: row.get::<_, Option<[u8; 17]>>("order_id")?.map(Subject),
                due_paisa: row.get("due_paisa")?,
                status: row.get("status")?,
                // A view that knows no shelves has no such column.
                shelf: row.get("shelf").unwrap_or(None),
                lines: Vec::new(),
                customer,
            };
            Ok((found, row.get::<_, Option<[u8; 17]>>("vendor")?.map(Subject), row.get::<_, String>("lines")?))
        };
        let Some((mut parcel, vendor, lines)) = statement.query_row(params![subject.0], read).optional()? else {
            return Ok(None);
        };
        let lines: serde_json::Value = serde_json::from_str(&lines).unwrap_or_default();
        for sku in lines.as_array().into_iter().flatten().filter_map(|line| line["sku"].as_str()) {
            let good = vendor.map(|vendor| self.good(&Subject::product(vendor, sku))).transpose()?.flatten();
            parcel.lines.push(FoundLine { sku: sku.to_owned(), good });
        }
        Ok(Some(Found::Parcel(Box::new(parcel))))
    }

    fn good(&self, subject: &Subject) -> Result<Option<Good>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT sku, name_en, name_bn, unit FROM good WHERE subject = ?1")?;
        let read = |row: &Row<'_>| {
            Ok(Good {
                subject: *subject,
                sku: row.get(0)?,
                name_en: row.get(1)?,
                name_bn: row.get(2)?,
                unit: row.get(3)?,
            })
        };
        Ok(statement.query_row(params![subject.0], read).optional()?)
    }

    /// Keeps what goods are called, inside the transaction that changes their documents. Parcels that hold
    /// one whose words changed are marked too: they are found by those words.
    ///
    /// # Errors
    /// The database.
    pub fn put_goods(&self, goods: &[Good]) -> Result<(), StoreError> {
        let mut changed = Vec::new();
        for good in goods {
            if self.good(&good.subject)?.as_ref() == Some(good) {
                continue;
            }
            self.connection
                .prepare_cached(
                    "INSERT INTO good (subject, sku, name_en, name_bn, unit) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (subject) DO UPDATE SET sku = excluded.sku, name_en = excluded.name_en,
                     name_bn = excluded.name_bn, unit = excluded.unit",
                )?
                .execute(params![good.subject.0, good.sku, good.name_en, good.name_bn, good.unit])?;
            changed.push(good.sku.as_str());
        }
        if changed.is_empty() {
            return Ok(());
        }
        let skus = serde_json::Value::from(changed).to_string();
        let mut holders = self.connection.prepare_cached(
            "SELECT DISTINCT subject FROM view_parcel, json_each(lines) line
             WHERE json_extract(line.value, '$.sku') IN (SELECT value FROM json_each(?1))",
        )?;
        let holders: Vec<Subject> =
            holders.query_map(params![skus], |row| row.get(0).map(Subject))?.collect::<Result<_, _>>()?;
        self.mark(&holders)
    }

    /// Marks subjects as changed.
    pub(crate) fn mark(&self, subjects: &[Subject]) -> Result<(), StoreError> {
        let mut insert = self.connection.prepare_cached("INSERT OR REPLACE INTO search_mark (subject) VALUES (?1)")?;
        subjects.iter().try_for_each(|subject| insert.execute(params![subject.0]).map(drop))?;
        Ok(())
    }
}

impl Store {
    /// Keeps what goods are called: [`Rows::put_goods`] in a transaction of its own.
    ///
    /// # Errors
    /// The database.
    pub fn put_goods(&self, goods: &[Good]) -> Result<(), StoreError> {
        self.write(|rows| rows.put_goods(goods))
    }

    /// Marks everything that can be found as changed.
    pub(crate) fn mark_all(&self) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.connection.execute("DELETE FROM search_mark", [])?;
            rows.connection.execute(
                "INSERT INTO search_mark (subject) SELECT subject FROM view_parcel UNION ALL SELECT subject FROM good",
                [],
            )?;
            Ok(())
        })
    }

    /// Drops marks up to `upto`, which the index holds.
    pub(crate) fn drop_marks(&self, upto: u64) -> Result<(), StoreError> {
        self.write(|rows| {
            rows.connection.execute("DELETE FROM search_mark WHERE n <= ?1", params![signed(upto)])?;
            rows.connection.execute("UPDATE search_place SET dropped = max(dropped, ?1)", params![signed(upto)])?;
            Ok(())
        })
    }
}

fn mark(row: &Row<'_>) -> rusqlite::Result<(u64, Subject)> {
    Ok((unsigned(row.get(0)?), Subject(row.get(1)?)))
}
