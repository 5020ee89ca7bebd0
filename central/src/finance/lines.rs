//! Statements and their lines as finance reads them. Lists page. Names and narrations are people's: this list is the
//! only place that shows them.

use data_encoding::HEXLOWER;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::{Paged, bad_cursor, subject_bytes, written};
use crate::problem::Error;
use crate::schema::Id;

/// A statement that was imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementRow {
    /// Its id, hex.
    pub statement: String,
    /// Short name of the account.
    pub bank: Option<String>,
    /// `camt053`, `mt940` or `csv`.
    pub format: String,
    /// The account as the file names it.
    pub account: String,
    /// The first and the last day of its lines.
    pub first_day: Option<String>,
    /// See `first_day`.
    pub last_day: Option<String>,
    /// The balance before the first line, if told.
    pub opening_paisa: Option<i64>,
    /// The balance after the last, if told.
    pub closing_paisa: Option<i64>,
    /// Lines of the file.
    pub lines: i64,
    /// Of them, those that are not matched.
    pub unmatched: i64,
    #[serde(skip)]
    cursor: String,
}

type StatementColumns =
    (Vec<u8>, Option<String>, String, String, Option<String>, Option<String>, Option<i64>, Option<i64>, i64, i64, i64);

/// The statements, oldest import first.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn statements(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<StatementRow>, Error> {
    let (at, id) = match after {
        None => (-1, Vec::new()),
        Some(cursor) => {
            let (at, id) = cursor.split_once('.').ok_or_else(bad_cursor)?;
            let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| bad_cursor())?;
            (at.parse::<i64>().map_err(|_| bad_cursor())?, id)
        }
    };
    let rows: Vec<StatementColumns> = sqlx::query_as(
        "select s.id, b.name, s.format, s.account, s.first_day::text, s.last_day::text, s.opening_paisa,
            s.closing_paisa, s.lines,
            (select count(*) from statement_line l where l.statement = s.id and l.state <> 'matched'), s.imported_at_ms
         from statement s left join bank b on b.subject = s.bank
         where (s.imported_at_ms, s.id) > ($1, $2) order by s.imported_at_ms, s.id limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |columns: StatementColumns| {
        let (id, bank, format, account, first_day, last_day, opening, closing, lines, unmatched, at) = columns;
        let statement = HEXLOWER.encode(&id);
        StatementRow {
            cursor: format!("{at}.{statement}"),
            statement,
            bank,
            format,
            account,
            first_day,
            last_day,
            opening_paisa: opening,
            closing_paisa: closing,
            lines,
            unmatched,
        }
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.cursor.clone()))
}

/// One line of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineRow {
    /// The line.
    #[schema(value_type = Id)]
    pub line: String,
    /// The statement that brought it first, hex.
    pub statement: String,
    /// Short name of the account.
    pub bank: Option<String>,
    /// Where it stands in the file.
    pub at: i64,
    /// The day the bank booked it.
    pub day: String,
    /// Credited positive, debited negative.
    pub amount_paisa: i64,
    /// The bank's reference.
    pub reference: String,
    /// Who, as the bank writes it.
    pub counterparty: String,
    /// For what, as the bank writes it.
    pub narration: String,
    /// `matched`, `booked` (on suspense, or as a charge) or `open`.
    pub state: String,
    /// How it was matched, or the type of the exception.
    pub why: String,
    /// The things it is, or may be.
    #[schema(value_type = Vec<Id>)]
    pub things: Vec<String>,
}

type LineColumns =
    (Vec<u8>, Vec<u8>, Option<String>, i64, String, i64, String, String, String, String, String, Vec<Vec<u8>>);

/// The lines, by day and id.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn lines(
    pool: &PgPool,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<LineRow>, Error> {
    let (day, line) = match after {
        None => ("0001-01-01".to_owned(), Vec::new()),
        Some(cursor) => {
            let (day, line) = cursor.split_once('.').ok_or_else(bad_cursor)?;
            let day = day.parse::<jiff::civil::Date>().map_err(|_| bad_cursor())?;
            (day.to_string(), subject_bytes(line)?)
        }
    };
    let rows: Vec<LineColumns> = sqlx::query_as(
        "select l.subject, l.statement, b.name, l.at, l.day::text, l.amount_paisa, l.reference, l.counterparty,
            l.narration, l.state, l.why, l.things
         from statement_line l left join bank b on b.subject = l.bank
         where (l.day, l.subject) > ($1::date, $2) and ($3::text is null or l.state = $3)
         order by l.day, l.subject limit $4",
    )
    .bind(day)
    .bind(line)
    .bind(status)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |columns: LineColumns| {
        let (subject, statement, bank, at, day, amount, reference, counterparty, narration, state, why, things) =
            columns;
        LineRow {
            line: written(&subject).unwrap_or_default(),
            statement: HEXLOWER.encode(&statement),
            bank,
            at,
            day,
            amount_paisa: amount,
            reference,
            counterparty,
            narration,
            state,
            why,
            things: things.iter().filter_map(|thing| written(thing)).collect(),
        }
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| format!("{}.{}", row.day, row.line)))
}
