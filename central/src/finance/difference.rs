//! Differences and the rulings on them, as finance reads them. Lists page.

use data_encoding::HEXLOWER;
use protocol::id::Subject;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use super::{Paged, bad_cursor, subject_bytes, written};
use crate::problem::Error;
use crate::schema::Id;

/// Money that is missing, too much, doubled or unexplained, and that somebody has to end.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    /// 1140 missing, 1190 refunded twice, 2090 too much, 2095 doubled, 2080 unexplained at the bank.
    pub account: i32,
    /// Its name in the books.
    pub title: String,
    /// Whose it is: a person, a site, a parcel, an order, a line of a statement.
    #[schema(value_type = Id)]
    pub owner: String,
    /// The owner's name, where operations gave one.
    pub owner_name: Option<String>,
    /// The thing whose journal it stands in.
    #[schema(value_type = Id)]
    pub subject: String,
    /// The fact it follows from, hex: what a ruling names.
    pub cause: String,
    /// By which rule it was posted.
    pub rule: String,
    /// Since when, UTC.
    pub since: String,
    /// How much it was, paisa.
    pub amount_paisa: i64,
    /// How much was ruled on, paisa.
    pub ruled_paisa: i64,
    /// How much is open, paisa; below zero when a late record explained what had been ruled on.
    pub open_paisa: i64,
    #[serde(skip)]
    cursor: String,
}

type Columns = (i64, i32, String, Option<Vec<u8>>, Option<String>, Vec<u8>, Vec<u8>, String, String, i64, i64, i64);

/// The differences, oldest first; of `open` only those of which something is left; of one account, or of all.
///
/// # Errors
/// The database's, `bad_page` and `bad_account`.
pub async fn differences(
    pool: &PgPool,
    status: Option<&str>,
    account: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<Difference>, Error> {
    let account = account.map(super::ageing::aged).transpose()?.map(|code| i32::from(code as u16));
    let (position, code, owner) = after.map_or(Ok((-1, -1, Vec::new())), place)?;
    let rows: Vec<Columns> = sqlx::query_as(
        "select first_position, account_code, title, owner, (select name from owner_name n where n.subject = owner),
            subject, cause, rule, to_char(since at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), amount_paisa, ruled_paisa, open_paisa
         from finance.difference
         where (first_position, account_code, coalesce(owner, '')) > ($1, $2, $3)
           and ($4::text is null or (case when open_paisa = 0 then 'settled' else 'open' end) = $4)
           and ($6::int is null or account_code = $6)
         order by first_position, account_code, coalesce(owner, '') limit $5",
    )
    .bind(position)
    .bind(code)
    .bind(owner)
    .bind(status)
    .bind(limit + 1)
    .bind(account)
    .fetch_all(pool)
    .await?;
    Ok(Paged::of(rows.into_iter().map(difference).collect(), limit, |row| row.cursor.clone()))
}

/// The difference of a cause and an owner; the first by account where there are several.
///
/// # Errors
/// The database's.
pub(super) async fn of(
    conn: &mut PgConnection,
    cause: [u8; 32],
    owner: Subject,
) -> Result<Option<Difference>, sqlx::Error> {
    let row: Option<Columns> = sqlx::query_as(
        "select first_position, account_code, title, owner, (select name from owner_name n where n.subject = owner),
            subject, cause, rule, to_char(since at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), amount_paisa,
            ruled_paisa, open_paisa
         from finance.difference where cause = $1 and owner = $2 order by account_code limit 1",
    )
    .bind(cause)
    .bind(owner.0)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(difference))
}

fn place(cursor: &str) -> Result<(i64, i32, Vec<u8>), Error> {
    let mut parts = cursor.splitn(3, '.');
    let mut part = || parts.next().ok_or_else(bad_cursor);
    let (position, code, owner) = (part()?, part()?, part()?);
    let number = |_| bad_cursor();
    Ok((position.parse().map_err(number)?, code.parse().map_err(number)?, subject_bytes(owner)?))
}

fn difference(
    (position, account, title, owner, owner_name, subject, cause, rule, since, amount_paisa, ruled_paisa, open_paisa): Columns,
) -> Difference {
    let owner = owner.as_deref().and_then(written).unwrap_or_default();
    Difference {
        cursor: format!("{position}.{account}.{owner}"),
        account,
        title,
        owner,
        owner_name,
        subject: written(&subject).unwrap_or_default(),
        cause: HEXLOWER.encode(&cause),
        rule,
        since,
        amount_paisa,
        ruled_paisa,
        open_paisa,
    }
}

/// A ruling, or a proposal of one.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulingRow {
    /// The ruling.
    #[schema(value_type = Id)]
    pub ruling: String,
    /// `waiting`, `ruled` or `withdrawn`.
    pub state: String,
    /// What becomes of the difference.
    pub how: String,
    /// The fact that the difference follows from, hex.
    pub cause: String,
    /// Whose difference.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<String>,
    /// The other side, where there is one.
    #[schema(value_type = Option<Id>)]
    pub other: Option<String>,
    /// How much, paisa.
    pub amount_paisa: i64,
    /// Why.
    pub reason: String,
    /// Who proposed it: an opaque id of the caller, hex.
    pub maker: String,
    /// Who agreed, where two had to.
    pub checker: Option<String>,
}

type RulingColumns = (
    Vec<u8>,
    String,
    String,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    i64,
    String,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

/// Rulings and proposals by id, which is by time.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn rulings(
    pool: &PgPool,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<RulingRow>, Error> {
    let rows: Vec<RulingColumns> = sqlx::query_as(
        "select * from (
             select subject, 'ruled' as state, how, cause, owner, other, amount_paisa, reason, maker, checker
             from view_ruling
             union all
             select subject, state, how, cause, owner, other, amount_paisa, reason, maker, null
             from proposed_ruling where state <> 'ruled'
         ) as rulings
         where subject > $1 and ($2::text is null or state = $2) order by subject limit $3",
    )
    .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
    .bind(status)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let hex = |bytes: Option<Vec<u8>>| bytes.map(|bytes| HEXLOWER.encode(&bytes));
    let row =
        |(subject, state, how, cause, owner, other, amount_paisa, reason, maker, checker): RulingColumns| RulingRow {
            ruling: written(&subject).unwrap_or_default(),
            state,
            how,
            cause: hex(cause).unwrap_or_default(),
            owner: owner.as_deref().and_then(written),
            other: other.as_deref().and_then(written),
            amount_paisa,
            reason,
            maker: hex(maker).unwrap_or_default(),
            checker: hex(checker),
        };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.ruling.clone()))
}
