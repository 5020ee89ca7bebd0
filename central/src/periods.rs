//! Closing a month. What is posted later counts in the open month: a late fact reverses and posts there, and the
//! closed month's figures stay what they were when they were handed out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use utoipa::ToSchema;

use crate::finance::{Paged, TrialRow, bad_cursor};
use crate::intake::{ClerkKey, Decided, Decision, Extra, Intake};
use crate::period::Month;
use crate::problem::Error;
use crate::seal::{self, Seal};
use crate::store::{log_head, signed, unsigned};

/// A month that is closed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClosedMonth {
    /// `2026-11`.
    pub period: String,
    /// Its last journal.
    pub position: i64,
    /// The hash of that row of the journal log, hex.
    pub hash: String,
    /// Σ of debits from the first journal to the last of this month.
    pub debit_paisa: i64,
    /// Σ of credits: the same.
    pub credit_paisa: i64,
    /// When it was closed, UTC.
    pub closed_at: String,
}

/// Closes a month: seals it with its trial balance. Whether it was done now; a month that is closed stays as it is.
///
/// # Errors
/// `bad_period`, `month_not_over`, `earlier_month_open`, `later_month_closed`.
pub async fn close(intake: &Intake, key: &ClerkKey, text: &str, now_ms: u64) -> Result<(ClosedMonth, bool), Error> {
    let month = Month::parse(text).ok_or_else(|| {
        let next = "Write the month as in 2026-11.";
        Error::refuse(400, "bad_period", "This is not a month.", next)
    })?;
    let key = Arc::new(key.clone());
    let decision: Decision = Arc::new(move |conn| {
        let key = Arc::clone(&key);
        Box::pin(async move {
            if let Some(closed) = closed(&mut *conn, month).await? {
                return Ok(Decided { answer: answer(&closed, false)?, ..Decided::default() });
            }
            let (seal, rows) = decide(&mut *conn, month, now_ms).await?;
            let closed = told(&seal, &rows, now_ms);
            let extra = write(key, seal, rows, now_ms, month.ends_ms());
            Ok(Decided { extra: Some(extra), answer: answer(&closed, true)?, drafts: Vec::new() })
        })
    });
    let authored = intake.decide(decision).await?;
    Ok(serde_json::from_str(&authored.answer).map_err(anyhow::Error::from)?)
}

fn answer(closed: &ClosedMonth, now: bool) -> Result<String, Error> {
    Ok(serde_json::to_string(&(closed, now)).map_err(anyhow::Error::from)?)
}

type Totals = Vec<(i32, i64, i64)>;

/// Where the month ends in the log, and its trial balance. Under the lock.
async fn decide(conn: &mut PgConnection, month: Month, now_ms: u64) -> Result<(Seal, Totals), Error> {
    if now_ms < month.ends_ms() {
        let told = format!("{month} is not over yet.");
        return Err(Error::refuse(
            409,
            "month_not_over",
            told,
            "Close it on the first day of the next month, or later.",
        ));
    }
    let head = log_head(conn).await?;
    if let Some(through) = head.closed_through.filter(|through| month <= *through) {
        let told = format!("{through} is closed, and with it every month before.");
        return Err(Error::refuse(409, "later_month_closed", told, "Nothing was posted in this month: leave it."));
    }
    let open: Option<(String,)> =
        sqlx::query_as("SELECT period FROM journal_log WHERE period > $1 AND period < $2 ORDER BY position LIMIT 1")
            .bind(head.closed_through.map_or_else(String::new, |month| month.to_string()))
            .bind(month.to_string())
            .fetch_optional(&mut *conn)
            .await?;
    if let Some((earlier,)) = open {
        let told = format!("{earlier} is not closed yet.");
        let state = serde_json::json!({ "period": earlier });
        return Err(Error::refuse_in_state(409, "earlier_month_open", told, "Close the months in their order.", state));
    }
    let last: Option<(i64, [u8; 32])> = sqlx::query_as(
        "SELECT position, hash FROM journal_log
         WHERE posted_at < timestamptz 'epoch' + $1 * interval '1 millisecond' ORDER BY posted_at DESC, position DESC LIMIT 1",
    )
    .bind(signed(month.ends_ms()))
    .fetch_optional(&mut *conn)
    .await?;
    let (position, hash) = last.unwrap_or_default();
    // What the months before came to is kept: only this one's journals are read.
    let rows: Totals = sqlx::query_as(
        "SELECT account_code, sum(debit)::bigint, sum(credit)::bigint FROM (
             SELECT account_code, debit_paisa AS debit, credit_paisa AS credit FROM closed_balance WHERE period = $1
             UNION ALL
             SELECT p.account_code, greatest(p.amount_paisa, 0), greatest(-p.amount_paisa, 0)
             FROM journal_log j JOIN posting p ON p.position = j.position
             WHERE j.position > (SELECT coalesce(max(position), 0) FROM seal WHERE name = $1) AND j.position <= $2
         ) AS parts GROUP BY account_code ORDER BY account_code",
    )
    .bind(head.closed_through.map_or_else(String::new, |month| month.to_string()))
    .bind(position)
    .fetch_all(&mut *conn)
    .await?;
    let seal = Seal { name: month.to_string(), position: unsigned(position), hash, totals: seal::totals(&rows) };
    Ok((seal, rows))
}

fn write(key: Arc<ClerkKey>, seal: Seal, rows: Totals, now_ms: u64, ends_ms: u64) -> Extra {
    let kept = Arc::new((key, seal, rows, ends_ms));
    Arc::new(move |conn| {
        let kept = Arc::clone(&kept);
        Box::pin(async move {
            let (key, seal, rows, ends_ms) = &*kept;
            seal.keep(&mut *conn, key, now_ms).await?;
            sqlx::query(
                "INSERT INTO closed_balance (period, account_code, debit_paisa, credit_paisa)
                 SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bigint[])",
            )
            .bind(&seal.name)
            .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.1).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.2).collect::<Vec<_>>())
            .execute(&mut *conn)
            .await?;
            // Whatever the clock does, nothing is posted at a time of the closed month any more.
            sqlx::query("UPDATE log_head SET closed_through = $1, journal_ms = greatest(journal_ms, $2)")
                .bind(&seal.name)
                .bind(signed(*ends_ms))
                .execute(conn)
                .await
                .map(drop)
        })
    })
}

fn told(seal: &Seal, rows: &Totals, now_ms: u64) -> ClosedMonth {
    let at = jiff::Timestamp::from_millisecond(signed(now_ms)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    ClosedMonth {
        period: seal.name.clone(),
        position: signed(seal.position),
        hash: data_encoding::HEXLOWER.encode(&seal.hash),
        debit_paisa: rows.iter().map(|row| row.1).fold(0, i64::saturating_add),
        credit_paisa: rows.iter().map(|row| row.2).fold(0, i64::saturating_add),
        closed_at: format!("{at:.3}"),
    }
}

type Columns = (String, i64, String, i64, i64, String);

const CLOSED: &str = "SELECT s.name, s.position, encode(s.hash, 'hex'), coalesce(sum(b.debit_paisa), 0)::bigint,
        coalesce(sum(b.credit_paisa), 0)::bigint, to_char(s.sealed_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
     FROM seal s LEFT JOIN closed_balance b ON b.period = s.name
     WHERE length(s.name) = 7 AND s.name > $1 AND ($2 = '' OR s.name = $2) GROUP BY s.name ORDER BY s.name LIMIT $3";

fn row((period, position, hash, debit_paisa, credit_paisa, closed_at): Columns) -> ClosedMonth {
    ClosedMonth { period, position, hash, debit_paisa, credit_paisa, closed_at }
}

async fn closed(conn: &mut PgConnection, month: Month) -> Result<Option<ClosedMonth>, sqlx::Error> {
    let columns: Option<Columns> =
        sqlx::query_as(CLOSED).bind("").bind(month.to_string()).bind(1i64).fetch_optional(conn).await?;
    Ok(columns.map(row))
}

/// The closed months, oldest first.
///
/// # Errors
/// The database's.
pub async fn closed_months(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<ClosedMonth>, Error> {
    let columns: Vec<Columns> =
        sqlx::query_as(CLOSED).bind(after.unwrap_or("")).bind("").bind(limit + 1).fetch_all(pool).await?;
    Ok(Paged::of(columns.into_iter().map(row).collect(), limit, |row| row.period.clone()))
}

/// The trial balance of a closed month, as it was sealed.
///
/// # Errors
/// The database's, `bad_period`, `month_not_closed`, and `bad_page`.
pub async fn closed_balance(
    pool: &PgPool,
    period: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<TrialRow>, Error> {
    let after: i32 = after.map_or(Ok(-1), str::parse).map_err(|_| bad_cursor())?;
    let rows: Vec<(i32, String, i64, i64)> = sqlx::query_as(
        "SELECT b.account_code, coalesce(c.title, 'Account ' || b.account_code), b.debit_paisa, b.credit_paisa
         FROM closed_balance b LEFT JOIN chart c ON c.code = b.account_code
         WHERE b.period = $1 AND b.account_code > $2 ORDER BY b.account_code LIMIT $3",
    )
    .bind(period)
    .bind(after)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let is_closed = async || {
        let seal: Option<(i64,)> =
            sqlx::query_as("SELECT position FROM seal WHERE name = $1").bind(period).fetch_optional(pool).await?;
        Ok::<bool, sqlx::Error>(seal.is_some() && Month::parse(period).is_some())
    };
    if rows.is_empty() && !is_closed().await? {
        let next = "GET /api/v1/finance/periods lists the closed months.";
        return Err(Error::refuse(404, "month_not_closed", "This month is not closed.", next));
    }
    let row = |(account, title, debit_paisa, credit_paisa)| TrialRow {
        account,
        title,
        debit_paisa,
        credit_paisa,
        balance_paisa: debit_paisa.saturating_sub(credit_paisa),
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row: &TrialRow| row.account.to_string()))
}
