//! New rows by COPY, in Postgres' binary format
//! (<https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4>): arrays that a statement unnests are taken
//! apart, kept and read again, and each row is then inserted alone.

use sqlx::postgres::PgConnection;

/// Signature, flags and the length of an extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Milliseconds from 1970 to 2000, from where Postgres counts.
const EPOCH_MS: i64 = 946_684_800_000;

/// Rows of one table, each with its fields in the order of the statement's columns.
pub(crate) struct Rows {
    bytes: Vec<u8>,
    columns: i16,
}

impl Rows {
    /// None yet, of so many columns.
    pub(crate) fn of(columns: i16) -> Self {
        Self { bytes: HEADER.to_vec(), columns }
    }

    /// Begins a row; as many fields follow as there are columns.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.bytes.extend(self.columns.to_be_bytes());
        self
    }

    /// A `bytea`; and a `text`, whose bytes are the same.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        // A row is far below a gigabyte, which Postgres does not take either.
        self.bytes.extend(i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
        self.bytes.extend(value);
        self
    }

    /// The same, or null.
    pub(crate) fn bytes_or_null(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.bytes(value),
            None => {
                self.bytes.extend((-1i32).to_be_bytes());
                self
            }
        }
    }

    /// A `smallint`.
    pub(crate) fn smallint(&mut self, value: i16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// An `integer`.
    pub(crate) fn integer(&mut self, value: i32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// A `bigint`.
    pub(crate) fn bigint(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// A `timestamptz`, from milliseconds since 1970.
    pub(crate) fn moment(&mut self, ms: i64) -> &mut Self {
        self.bigint(ms.saturating_sub(EPOCH_MS).saturating_mul(1_000))
    }

    /// Sends them with `statement`, a `COPY table (columns) FROM STDIN (FORMAT binary)`.
    pub(crate) async fn send(mut self, conn: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
        self.bytes.extend((-1i16).to_be_bytes());
        let mut copy = conn.copy_in_raw(statement).await?;
        match copy.send(self.bytes).await {
            Ok(_) => copy.finish().await.map(drop),
            Err(error) => {
                copy.abort("the rows could not be sent").await?;
                Err(error)
            }
        }
    }
}
