//! What finance sees first: whether the books balance, who holds how much and for how long, and what waits for a person.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp};
use protocol::account::Code;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::ageing;
use crate::period;
use crate::problem::Error;

/// Longest stretch of days that is told at once.
pub const MAX_DAYS: i64 = 92;

/// The first page of the console.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// As of when, UTC.
    pub as_of: String,
    /// Σ of debits of all accounts.
    pub debit_paisa: i64,
    /// Σ of credits; another figure means that the books are broken.
    pub credit_paisa: i64,
    /// Cash by kind of holder.
    pub cash: Vec<CashHeld>,
    /// Open differences by account.
    pub differences: Vec<OpenDifferences>,
    /// What else waits for a person, by kind.
    pub exceptions: Vec<OpenExceptions>,
    /// Rulings and entries that wait for a second person.
    pub rulings_waiting: i64,
    /// Goods that customers want to give back, and nobody has counted.
    pub returns_asked: i64,
    /// Lines of statements that are not matched.
    pub lines_unmatched: i64,
    /// Devices that have told of facts still to be sent.
    pub devices_waiting: i64,
    /// Devices that are not revoked.
    pub devices: i64,
}

/// Cash of one kind of holder.
#[derive(Debug, Serialize, ToSchema)]
pub struct CashHeld {
    /// `agents`, `tills`, `bags`, `banks` or `partners`.
    pub group: String,
    /// Code of the chart.
    pub account: i32,
    /// How many hold something.
    pub holders: i64,
    /// What they hold together, paisa.
    pub balance_paisa: i64,
    /// Of it for over a day.
    pub aged_paisa: i64,
    /// How many hold something for over a day.
    pub aged_holders: i64,
}

/// Open differences on one account.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenDifferences {
    /// 1140, 1190, 2080, 2090 or 2095.
    pub account: i32,
    /// How many.
    pub open: i64,
    /// How much, paisa.
    pub open_paisa: i64,
    /// Since when the oldest is open, UTC.
    pub oldest: Option<String>,
}

/// Exceptions of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenExceptions {
    /// Of which kind.
    pub kind: String,
    /// How many.
    pub open: i64,
}

/// Kinds of holders with their accounts. Money at the bank has no age that matters.
const HOLDERS: [(&str, Code); 6] = [
    ("agents", Code::AgentCash),
    ("tills", Code::Till),
    ("bags", Code::InTransit),
    ("banks", Code::Settlement),
    ("partners", Code::PartnerReceivable),
    ("couriers", Code::CourierReceivable),
];

/// The first page, of one snapshot.
///
/// # Errors
/// The database's.
pub async fn overview(conn: &mut PgConnection, now_ms: u64) -> Result<Overview, Error> {
    let (debit_paisa, credit_paisa): (i64, i64) = sqlx::query_as(
        "select coalesce(sum(debit_paisa), 0)::bigint, coalesce(sum(credit_paisa), 0)::bigint from finance.trial_balance",
    )
    .fetch_one(&mut *conn)
    .await?;
    let mut cash = Vec::new();
    for (group, code) in HOLDERS {
        let held = ageing::whole(conn, code, now_ms).await?;
        let is_banked = code == Code::Settlement;
        cash.push(CashHeld {
            group: group.to_owned(),
            account: i32::from(code as u16),
            holders: held.holders,
            balance_paisa: held.balance_paisa,
            aged_paisa: if is_banked { 0 } else { held.over_a_day() },
            aged_holders: if is_banked { 0 } else { held.aged_holders },
        });
    }
    let differences: Vec<(i32, i64, i64, Option<String>)> = sqlx::query_as(
        "select account_code, count(*), sum(open_paisa)::bigint,
            to_char(min(since) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
         from finance.difference where open_paisa <> 0 group by account_code order by account_code",
    )
    .fetch_all(&mut *conn)
    .await?;
    let exceptions: Vec<(String, i64)> =
        sqlx::query_as("select kind, count(*) from exception group by kind order by count(*) desc, kind")
            .fetch_all(&mut *conn)
            .await?;
    let waiting: (i64, i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from proposed_ruling where state = 'waiting')
              + (select count(*) from proposed_entry where state = 'waiting'),
            (select count(*) from return_request where state = 'asked'),
            (select count(*) from statement_line where state <> 'matched' and why <> 'charge'),
            (select count(*) from device_status d join seat s using (author) where d.waiting > 0 and s.revoked_at is null),
            (select count(*) from seat where revoked_at is null and role in ('site', 'agent', 'vendor'))",
    )
    .fetch_one(&mut *conn)
    .await?;
    let (rulings_waiting, returns_asked, lines_unmatched, devices_waiting, devices) = waiting;
    let open = |(account, open, open_paisa, oldest)| OpenDifferences { account, open, open_paisa, oldest };
    let kind = |(kind, open)| OpenExceptions { kind, open };
    Ok(Overview {
        as_of: told(now_ms),
        debit_paisa,
        credit_paisa,
        cash,
        differences: differences.into_iter().map(open).collect(),
        exceptions: exceptions.into_iter().map(kind).collect(),
        rulings_waiting,
        returns_asked,
        lines_unmatched,
        devices_waiting,
        devices,
    })
}

fn told(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(String::new, |at| format!("{at:.3}"))
}

/// What each kind of holder held at the end of a day.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CashOnDay {
    /// The day, in Dhaka; the last one is today until now.
    pub day: String,
    /// In agents' bags, paisa.
    pub agents_paisa: i64,
    /// In tills.
    pub tills_paisa: i64,
    /// In sealed bags.
    pub bags_paisa: i64,
    /// At the bank, settlement.
    pub banks_paisa: i64,
    /// With partners.
    pub partners_paisa: i64,
    /// With couriers.
    pub couriers_paisa: i64,
}

/// Cash by holder at the end of each of the last `days`, oldest first.
///
/// # Errors
/// The database's, and `bad_days`.
pub async fn cash_over_time(conn: &mut PgConnection, days: &str, now_ms: u64) -> Result<Vec<CashOnDay>, Error> {
    let days = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days)).ok_or_else(|| {
        let next = "Ask for 1 to 92 days.";
        Error::refuse(400, "bad_days", "This many days are not told at once.", next)
    })?;
    let today = period::day(now_ms);
    let first = today.saturating_sub(Span::new().days(days - 1));
    let rows: Vec<(i32, String, i64)> = sqlx::query_as(
        "select account_code, greatest(day, $2::date)::text, sum(debit_paisa - credit_paisa)::bigint
         from day_balance where account_code = any($1) group by 1, 2",
    )
    .bind(HOLDERS.map(|(_, code)| i32::from(code as u16)).to_vec())
    .bind(first.to_string())
    .fetch_all(conn)
    .await?;
    let moved: BTreeMap<(i32, String), i64> = rows.into_iter().map(|(code, day, net)| ((code, day), net)).collect();
    let mut held = [0_i64; HOLDERS.len()];
    let day = |ahead: i64| {
        let day = first.saturating_add(Span::new().days(ahead)).to_string();
        for (sum, (_, code)) in held.iter_mut().zip(HOLDERS) {
            *sum = sum.saturating_add(moved.get(&(i32::from(code as u16), day.clone())).copied().unwrap_or(0));
        }
        let [agents_paisa, tills_paisa, bags_paisa, banks_paisa, partners_paisa, couriers_paisa] = held;
        CashOnDay { day, agents_paisa, tills_paisa, bags_paisa, banks_paisa, partners_paisa, couriers_paisa }
    };
    Ok((0..days).map(day).collect())
}
