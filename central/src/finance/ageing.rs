//! How long money has stood where it stands. What leaves an account is taken to be what came first, so the balance of an
//! owner is made of the latest that came in; days before yesterday are read as sums.

use jiff::Span;
use protocol::account::Code;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Paged, subject_bytes, written};
use crate::period;
use crate::problem::Error;
use crate::schema::Id;
use crate::store::signed;

/// The accounts whose age somebody answers for: cash, what is owed to us, what we owe.
pub const AGED: [Code; 14] = [
    Code::AgentCash,
    Code::Till,
    Code::InTransit,
    Code::CourierReceivable,
    Code::Shortage,
    Code::VendorReceivable,
    Code::Claims,
    Code::PartnerReceivable,
    Code::CustomerReceivable,
    Code::VendorHeld,
    Code::VendorAvailable,
    Code::Unidentified,
    Code::CashOver,
    Code::OverCollected,
];

/// A balance by its age, paisa.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Aged {
    /// Code of the chart.
    pub account: i32,
    /// Its name in the books.
    pub title: String,
    /// Whose; of the sum of all owners, none.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<String>,
    /// The owner's name, where operations gave one.
    pub name: Option<String>,
    /// How many owners hold something.
    pub holders: i64,
    /// How many of them hold something of over a day.
    pub aged_holders: i64,
    /// The balance, positive on the account's own side.
    pub balance_paisa: i64,
    /// Since when the oldest part of it stands, UTC.
    pub oldest: Option<String>,
    /// Of it younger than a day.
    pub day_paisa: i64,
    /// One to three days old.
    pub three_days_paisa: i64,
    /// Three to seven days.
    pub week_paisa: i64,
    /// Seven to thirty days.
    pub month_paisa: i64,
    /// Older.
    pub older_paisa: i64,
}

impl Aged {
    /// What is older than a day, paisa.
    #[must_use]
    pub const fn over_a_day(&self) -> i64 {
        self.balance_paisa.saturating_sub(self.day_paisa)
    }
}

/// The account of a code, if its age is kept.
///
/// # Errors
/// `bad_account`.
pub fn aged(code: &str) -> Result<Code, Error> {
    let known = code.parse().ok().and_then(|code: i32| AGED.into_iter().find(|aged| i32::from(*aged as u16) == code));
    known.ok_or_else(|| {
        let next = "Ask for one of 1040, 1110, 1120, 1130, 1140, 1150, 1160, 1180, 1190, 2010, 2020, 2080, 2090, 2095.";
        Error::refuse(400, "bad_account", "The age of this account is not kept.", next)
    })
}

const PARTS: &str = "
    with held as (
        select owner, $2 * amount_paisa as held from balance
        where account_code = $1 and $2 * amount_paisa > 0 and owner > $5 order by owner limit $6),
    lots as (
        select h.owner, h.held, (d.day + 1)::timestamp at time zone interval '6 hours' as at,
            case when $2 = 1 then d.debit_paisa else d.credit_paisa end as came
        from held h join day_balance d on d.account_code = $1 and d.owner = h.owner and d.day < $4::date
        union all
        select h.owner, h.held, j.posted_at, $2 * p.amount_paisa
        from held h join posting p on p.account_code = $1 and p.owner = h.owner
            and p.position >= (select coalesce(min(position), 9223372036854775807) from journal_log
                               where posted_at >= $4::date::timestamp at time zone interval '6 hours')
        join journal_log j on j.position = p.position),
    run as (
        select owner, held, at, came, sum(came) over (partition by owner order by at desc, came) - came as newer
        from lots where came > 0),
    parts as (
        select owner, held, least(run.at, now.at) as at, least(came, greatest(held - newer, 0))::bigint as part, now.at as now
        from run, (select to_timestamp($3::bigint / 1000.0) as at) as now),
    aged as (
        select owner, max(held)::bigint as held, min(at) filter (where part > 0) as oldest,
            coalesce(sum(part) filter (where at > now - interval '1 day'), 0)::bigint as day,
            coalesce(sum(part) filter (where at <= now - interval '1 day' and at > now - interval '3 days'), 0)::bigint as three,
            coalesce(sum(part) filter (where at <= now - interval '3 days' and at > now - interval '7 days'), 0)::bigint as week,
            coalesce(sum(part) filter (where at <= now - interval '7 days' and at > now - interval '30 days'), 0)::bigint as month,
            coalesce(sum(part) filter (where at <= now - interval '30 days'), 0)::bigint as older
        from parts group by owner) ";

type Columns = (Option<Vec<u8>>, Option<String>, i64, i64, i64, Option<String>, i64, i64, i64, i64, i64);

/// The owners of an account by age, in order of their ids.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn by_owner(
    conn: &mut PgConnection,
    code: Code,
    now_ms: u64,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<Aged>, Error> {
    let select = "select owner, (select name from owner_name n where n.subject = aged.owner), 1::bigint,
            (held > day)::int::bigint, held, to_char(oldest at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), day, three,
            week, month, older
        from aged order by owner";
    let after = after.map_or(Ok(Vec::new()), subject_bytes)?;
    let rows = rows(conn, code, now_ms, after, limit + 1, select).await?;
    let rows = rows.into_iter().map(|row| aged_of(code, row)).collect();
    Ok(Paged::of(rows, limit, |row| row.owner.clone().unwrap_or_default()))
}

/// The sum of all owners of an account by age.
///
/// # Errors
/// The database's.
pub async fn whole(conn: &mut PgConnection, code: Code, now_ms: u64) -> Result<Aged, Error> {
    let select =
        "select null::bytea, null::text, count(*), count(*) filter (where held > day), coalesce(sum(held), 0)::bigint,
            to_char(min(oldest) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), coalesce(sum(day), 0)::bigint,
            coalesce(sum(three), 0)::bigint, coalesce(sum(week), 0)::bigint, coalesce(sum(month), 0)::bigint,
            coalesce(sum(older), 0)::bigint
        from aged";
    let row = rows(conn, code, now_ms, Vec::new(), i64::MAX, select).await?.pop();
    Ok(row.map_or_else(Aged::default, |row| aged_of(code, row)))
}

async fn rows(
    conn: &mut PgConnection,
    code: Code,
    now_ms: u64,
    after: Vec<u8>,
    limit: i64,
    select: &str,
) -> Result<Vec<Columns>, sqlx::Error> {
    let yesterday = period::day(now_ms).saturating_sub(Span::new().days(1));
    let side: i64 = if (code as u16) < 2_000 { 1 } else { -1 };
    let query = format!("{PARTS}{select}");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(i32::from(code as u16))
        .bind(side)
        .bind(signed(now_ms))
        .bind(yesterday.to_string())
        .bind(after)
        .bind(limit)
        .fetch_all(conn)
        .await
}

fn aged_of(
    code: Code,
    (owner, name, holders, aged_holders, held, oldest, day, three, week, month, older): Columns,
) -> Aged {
    Aged {
        account: i32::from(code as u16),
        title: code.title().to_owned(),
        owner: owner.as_deref().and_then(written),
        name,
        holders,
        aged_holders,
        balance_paisa: held,
        oldest,
        day_paisa: day,
        three_days_paisa: three,
        week_paisa: week,
        month_paisa: month,
        older_paisa: older,
    }
}

/// What a person or a site owes for missing cash.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shortage {
    /// Who.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<String>,
    /// His name, where operations gave one.
    pub name: Option<String>,
    /// `agent` or `site`.
    pub kind: String,
    /// How much is open, paisa.
    pub open_paisa: i64,
    /// Of how many differences.
    pub count: i64,
    /// Since when the oldest is open, UTC.
    pub oldest: Option<String>,
}

/// Missing cash by who answers for it.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn shortages(conn: &mut PgConnection, after: Option<&str>, limit: i64) -> Result<Paged<Shortage>, Error> {
    let rows: Vec<(Option<Vec<u8>>, Option<String>, i64, i64, Option<String>)> = sqlx::query_as(
        "select d.owner, (select name from owner_name n where n.subject = d.owner), sum(open_paisa)::bigint, count(*),
            to_char(min(since) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
         from finance.difference d where account_code = $1 and open_paisa <> 0 and owner > $2
         group by d.owner order by d.owner limit $3",
    )
    .bind(i32::from(Code::Shortage as u16))
    .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
    .bind(limit + 1)
    .fetch_all(conn)
    .await?;
    let row = |(owner, name, open_paisa, count, oldest): (Option<Vec<u8>>, _, _, _, _)| {
        let owner = owner.as_deref().and_then(written);
        let kind = if owner.as_ref().is_some_and(|owner| owner.starts_with('S')) { "site" } else { "agent" };
        Shortage { owner, name, kind: kind.to_owned(), open_paisa, count, oldest }
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.owner.clone().unwrap_or_default()))
}
