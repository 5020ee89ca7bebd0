//! What an account held at a past time, and how it came to that. The days before are kept as sums, so that only one
//! day's postings are ever added up.

use jiff::Timestamp;
use jiff::civil::Date;
use protocol::id::Subject;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use utoipa::ToSchema;

use super::{Paged, bad_cursor, subject_bytes, written};
use crate::period;
use crate::problem::Error;
use crate::schema::Id;
use crate::store::{signed, unsigned};

/// An account with what it held.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalanceThen {
    /// Code of the chart.
    pub account: i32,
    /// Its name in the books.
    pub title: String,
    /// Whose account it is.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<String>,
    /// Σ of debits until then.
    pub debit_paisa: i64,
    /// Σ of credits until then, positive.
    pub credit_paisa: i64,
    /// Debits less credits.
    pub balance_paisa: i64,
}

/// A moment as it is asked for: the end of a day in Dhaka, a time with its zone, or now.
///
/// # Errors
/// `bad_time`.
pub fn moment(text: Option<&str>, now_ms: u64) -> Result<u64, Error> {
    let Some(text) = text else { return Ok(now_ms) };
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10).and_then(|day| day.tomorrow().ok());
    let end = day.map(|next| period::begins_ms(next).saturating_sub(1));
    let exact = || text.parse::<Timestamp>().ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    end.or_else(exact).ok_or_else(|| {
        let next = "Write a day as in 2026-11-25, or a moment as in 2026-11-25T18:30:00Z.";
        Error::refuse(400, "bad_time", "This is not a day and not a moment.", next)
    })
}

/// Now, or the time of the last journal where central's clock was set back behind it.
///
/// # Errors
/// The database's.
pub async fn latest(pool: &PgPool, now_ms: u64) -> Result<u64, Error> {
    let (journal_ms,): (i64,) = sqlx::query_as("select journal_ms from log_head").fetch_one(pool).await?;
    Ok(now_ms.max(unsigned(journal_ms)))
}

/// What every account held at `at_ms`, by code and owner; accounts that nothing had moved on by then are left out.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn balances(pool: &PgPool, at_ms: u64, after: Option<&str>, limit: i64) -> Result<Paged<BalanceThen>, Error> {
    let (code, owner) = match after {
        None => (-1, Vec::new()),
        Some(cursor) => {
            let (code, owner) = cursor.split_once('.').ok_or_else(bad_cursor)?;
            (code.parse().map_err(|_| bad_cursor())?, subject_bytes(owner)?)
        }
    };
    let day = period::day(at_ms);
    let rows: Vec<(i32, String, Vec<u8>, i64, i64)> = sqlx::query_as(
        "select parts.code, coalesce(c.title, 'Account ' || parts.code), parts.owner, sum(debit)::bigint, sum(credit)::bigint
         from (
             select account_code as code, owner, debit_paisa as debit, credit_paisa as credit
             from day_balance where day < $1::date
             union all
             select p.account_code, coalesce(p.owner, ''), greatest(p.amount_paisa, 0), greatest(-p.amount_paisa, 0)
             from journal_log j join posting p on p.position = j.position
             where j.posted_at >= timestamptz 'epoch' + $2 * interval '1 millisecond'
               and j.posted_at <= timestamptz 'epoch' + $3 * interval '1 millisecond'
         ) as parts left join chart c on c.code = parts.code
         where (parts.code, parts.owner) > ($4, $5)
         group by parts.code, c.title, parts.owner order by parts.code, parts.owner limit $6",
    )
    .bind(day.to_string())
    .bind(signed(period::begins_ms(day)))
    .bind(signed(at_ms))
    .bind::<i32>(code)
    .bind(owner)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(account, title, owner, debit_paisa, credit_paisa): (i32, String, Vec<u8>, i64, i64)| BalanceThen {
        account,
        title,
        owner: written(&owner),
        debit_paisa,
        credit_paisa,
        balance_paisa: debit_paisa.saturating_sub(credit_paisa),
    };
    let cursor = |row: &BalanceThen| format!("{}.{}", row.account, row.owner.as_deref().unwrap_or_default());
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, cursor))
}

/// An account as a path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    code: i32,
    owner: Option<[u8; 17]>,
}

/// Reads `4010`, or `1110.A…` for an account that has owners.
///
/// # Errors
/// `bad_id`.
pub fn account(text: &str) -> Result<Named, Error> {
    let (code, owner) = text.split_once('.').map_or((text, None), |(code, owner)| (code, Some(owner)));
    let owner = owner.map(|owner| Subject::parse(owner).map(|owner| owner.0));
    match (code.parse(), owner) {
        (Ok(code), None) => Ok(Named { code, owner: None }),
        (Ok(code), Some(Some(owner))) => Ok(Named { code, owner: Some(owner) }),
        _ => {
            let next = "Write the code of the chart, and the owner behind a point: 1110.A01KASWBNZ0M6SC7N75YR3HGA9T2.";
            Err(Error::refuse(400, "bad_id", "The path names no account.", next))
        }
    }
}

/// What one account held at a past time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Held {
    /// Debits less credits until then.
    pub balance_paisa: i64,
    /// Until when, UTC.
    pub at: String,
}

macro_rules! held_at {
    ($owner:literal) => {
        concat!(
            "select (coalesce((
                 select sum(debit_paisa - credit_paisa) from day_balance
                 where account_code = $1 and owner = coalesce($2, ''::bytea) and day < $3::date
             ), 0) + coalesce((
                 select sum(p.amount_paisa) from posting p
                 where p.account_code = $1 and ",
            $owner,
            " and p.position > coalesce((
                     select position from journal_log where posted_at < timestamptz 'epoch' + $4 * interval '1 millisecond'
                     order by posted_at desc, position desc limit 1), 0)
                   and p.position <= coalesce((
                     select position from journal_log where posted_at <= timestamptz 'epoch' + $5 * interval '1 millisecond'
                     order by posted_at desc, position desc limit 1), 0)
             ), 0))::bigint"
        )
    };
}
const HELD_AT_OF_OWNER: &str = held_at!("p.owner = $2");
const HELD_AT_OF_NOBODY: &str = held_at!("p.owner is null and $2::bytea is null");

/// What an account held at `at_ms`. Journals are posted in the order of time, so the postings of a part of a day are
/// those between two places of the log.
///
/// # Errors
/// The database's.
pub async fn held(pool: &PgPool, account: &Named, at_ms: u64) -> Result<Held, Error> {
    let day = period::day(at_ms);
    let (balance_paisa,): (i64,) =
        sqlx::query_as(if account.owner.is_some() { HELD_AT_OF_OWNER } else { HELD_AT_OF_NOBODY })
            .bind(account.code)
            .bind(account.owner)
            .bind(day.to_string())
            .bind(signed(period::begins_ms(day)))
            .bind(signed(at_ms))
            .fetch_one(pool)
            .await?;
    let at = Timestamp::from_millisecond(signed(at_ms)).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Held { balance_paisa, at: format!("{at:.3}") })
}

/// One line of an account, with what the account held after it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountLine {
    /// Where in the journal log.
    pub position: i64,
    /// When it was posted, UTC.
    pub posted_at: String,
    /// The month it counts in.
    pub period: String,
    /// By which rule; behind a minus when it takes an earlier posting back.
    pub rule: String,
    /// What it is about.
    #[schema(value_type = Id)]
    pub subject: String,
    /// The fact it follows from, hex.
    pub cause: String,
    /// Debit positive, credit negative.
    pub amount_paisa: i64,
    /// What the account held then.
    pub balance_paisa: i64,
    #[serde(skip)]
    line: i16,
}

type Columns = (i64, i16, String, String, String, i32, Vec<u8>, String, i64);

/// The lines of an account from the first on.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn lines(
    pool: &PgPool,
    account: &Named,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<AccountLine>, Error> {
    let (position, line) = after.map_or(Ok((0, -1)), place)?;
    // One snapshot: what an account held before the page and the page are of one moment.
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let rows: Vec<Columns> = sqlx::query_as(if account.owner.is_some() { LINES_OF_OWNER } else { LINES_OF_NOBODY })
        .bind(account.code)
        .bind(account.owner)
        .bind(position)
        .bind(line)
        .bind(limit + 1)
        .fetch_all(&mut *tx)
        .await?;
    let mut balance = match rows.first() {
        Some(first) => held_before(&mut tx, account, first.0, first.1).await?,
        None => 0,
    };
    let mut page = Vec::with_capacity(rows.len());
    for (position, line, posted_at, period, rule, rev, subject, cause, amount_paisa) in rows {
        balance = balance.saturating_add(amount_paisa);
        page.push(AccountLine {
            position,
            posted_at,
            period,
            rule: if rev % 2 == 0 { rule } else { format!("-{rule}") },
            subject: written(&subject).unwrap_or_default(),
            cause,
            amount_paisa,
            balance_paisa: balance,
            line,
        });
    }
    Ok(Paged::of(page, limit, |row| format!("{}.{}", row.position, row.line)))
}

fn place(cursor: &str) -> Result<(i64, i16), Error> {
    let (position, line) = cursor.split_once('.').ok_or_else(bad_cursor)?;
    Ok((position.parse().map_err(|_| bad_cursor())?, line.parse().map_err(|_| bad_cursor())?))
}

/// `owner = $2` and `owner is null` in one condition would keep the planner from the index.
macro_rules! lines_of {
    ($owner:literal) => {
        concat!(
            "select p.position, p.line, to_char(j.posted_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),
                j.period, j.rule, j.rev, j.subject, encode(j.cause, 'hex'), p.amount_paisa
             from posting p join journal_log j on j.position = p.position
             where p.account_code = $1 and ",
            $owner,
            " and (p.position, p.line) > ($3, $4) order by p.position, p.line limit $5"
        )
    };
}
const LINES_OF_OWNER: &str = lines_of!("p.owner = $2");
const LINES_OF_NOBODY: &str = lines_of!("p.owner is null and $2::bytea is null");

macro_rules! held_of {
    ($owner:literal) => {
        concat!(
            "with first as (
                 select (posted_at at time zone interval '6 hours')::date as day from journal_log where position = $3
             )
             select coalesce((
                 select sum(debit_paisa - credit_paisa) from day_balance, first
                 where account_code = $1 and owner = coalesce($2, ''::bytea) and day_balance.day < first.day
             ), 0)::bigint + coalesce((
                 select sum(p.amount_paisa) from posting p
                 where p.account_code = $1 and ",
            $owner,
            " and (p.position, p.line) < ($3, $4) and p.position > coalesce((
                     select position from journal_log
                     where posted_at < (select day::timestamp at time zone interval '6 hours' from first)
                     order by posted_at desc, position desc limit 1), 0)
             ), 0)::bigint"
        )
    };
}
const HELD_OF_OWNER: &str = held_of!("p.owner = $2");
const HELD_OF_NOBODY: &str = held_of!("p.owner is null and $2::bytea is null");

/// What an account held before a line.
async fn held_before(conn: &mut PgConnection, account: &Named, position: i64, line: i16) -> Result<i64, sqlx::Error> {
    let (held,): (i64,) = sqlx::query_as(if account.owner.is_some() { HELD_OF_OWNER } else { HELD_OF_NOBODY })
        .bind(account.code)
        .bind(account.owner)
        .bind(position)
        .bind(line)
        .fetch_one(conn)
        .await?;
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_means_its_end_in_dhaka_and_a_moment_itself() {
        // 2026-11-01T00:00 in Dhaka.
        let november = 1_793_469_600_000;
        assert_eq!(moment(Some("2026-10-31"), 0).unwrap(), november - 1);
        assert_eq!(moment(Some("2026-10-31T18:00:00Z"), 0).unwrap(), november);
        assert_eq!(moment(Some("2026-11-01T00:00:00+06:00"), 0).unwrap(), november);
        assert_eq!(moment(None, 7).unwrap(), 7);
        for text in ["yesterday", "2026-13-01", "2026-10-31T18:00:00", "31/10/2026", "-1"] {
            assert!(moment(Some(text), 0).is_err(), "{text}");
        }
    }

    #[test]
    fn an_account_is_named_by_code_and_owner() {
        let agent = "A01KASWBNZ0M6SC7N75YR3HGA9T2";
        assert_eq!(account("4010").unwrap(), Named { code: 4010, owner: None });
        for text in ["", "cash", "1110.", "1110.Karim", "1110.A01"] {
            assert!(account(text).is_err(), "{text}");
        }
        let named = Subject::parse(agent).map(|owner| owner.0);
        assert_eq!(account(&format!("1110.{agent}")).ok(), named.map(|owner| Named { code: 1110, owner: Some(owner) }));
    }
}
