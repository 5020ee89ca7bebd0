//! The books as finance reads them. Debits are positive; amounts are integer paisa. Lists page.

pub mod ageing;
pub mod bank;
pub mod contested;
pub mod difference;
pub mod entry;
pub mod evidence;
pub mod lines;
pub mod overview;
pub mod past;
pub mod report;

use data_encoding::HEXLOWER;
use protocol::account::Code;
use protocol::id::Subject;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::problem::Error;
use crate::schema::Id;

/// One account of the trial balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialRow {
    /// Code of the chart.
    pub account: i32,
    /// Its name in the books.
    pub title: String,
    /// Σ of debits.
    pub debit_paisa: i64,
    /// Σ of credits, positive.
    pub credit_paisa: i64,
    /// Debits less credits.
    pub balance_paisa: i64,
}

/// A page of the trial balance, with the totals of all pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    /// The accounts, by code.
    pub rows: Vec<TrialRow>,
    /// Σ of debits of all accounts.
    pub debit_paisa: i64,
    /// Σ of credits of all accounts.
    pub credit_paisa: i64,
    /// The difference: 0, or the books are broken.
    pub total_paisa: i64,
    /// What to give as `after` for the next page.
    pub next: Option<String>,
}

/// A page of any list.
#[derive(Debug, Serialize)]
pub struct Paged<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// What to give as `after` for the next page; absent on the last one.
    pub next: Option<String>,
}

impl<T> Paged<T> {
    /// A page of `rows`, of which one more than `limit` was asked for.
    #[must_use]
    pub fn of(mut rows: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        Self { rows, next }
    }
}

/// The trial balance from the account after `after`.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn trial_balance(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<TrialBalance, Error> {
    let after: i32 = after.map_or(Ok(-1), str::parse).map_err(|_| bad_cursor())?;
    // One statement: rows and totals are of one moment.
    let rows: Vec<(i32, String, i64, i64, i64)> = sqlx::query_as(
        "select account_code, title, debit_paisa, credit_paisa, debit_paisa - credit_paisa
         from finance.trial_balance order by account_code",
    )
    .fetch_all(pool)
    .await?;
    let (debit, credit) = rows
        .iter()
        .fold((0i64, 0i64), |(debit, credit), row| (debit.saturating_add(row.2), credit.saturating_add(row.3)));
    let row = |(account, title, debit_paisa, credit_paisa, balance_paisa)| TrialRow {
        account,
        title,
        debit_paisa,
        credit_paisa,
        balance_paisa,
    };
    let part = rows.into_iter().filter(|row| row.0 > after).map(row).collect();
    let page = Paged::of(part, limit, |row: &TrialRow| row.account.to_string());
    Ok(TrialBalance {
        rows: page.rows,
        debit_paisa: debit,
        credit_paisa: credit,
        total_paisa: debit.saturating_sub(credit),
        next: page.next,
    })
}

/// Cash that somebody holds, or that lies at a bank.
#[derive(Debug, Serialize, ToSchema)]
pub struct Custody {
    /// Bank, bag on its way, agent cash or till.
    pub account: i32,
    /// Its name in the books.
    pub title: String,
    /// The account at the bank, the bag, the agent or the site.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<String>,
    /// Its name, where operations or finance gave one.
    pub name: Option<String>,
    /// What they hold.
    pub balance_paisa: i64,
}

/// Who holds how much cash.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn cash_by_custodian(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<Custody>, Error> {
    let (code, owner) = match after {
        None => (-1, Vec::new()),
        Some(cursor) => {
            let (code, owner) = cursor.split_once('.').ok_or_else(bad_cursor)?;
            (code.parse().map_err(|_| bad_cursor())?, subject_bytes(owner)?)
        }
    };
    let rows: Vec<(i32, String, Option<Vec<u8>>, Option<String>, i64)> = sqlx::query_as(
        "select account_code, title, owner, (select name from owner_name n where n.subject = owner), balance
         from finance.cash_by_custodian
         where (account_code, coalesce(owner, '')) > ($1, $2) order by account_code, coalesce(owner, '') limit $3",
    )
    .bind::<i32>(code)
    .bind(owner)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(account, title, owner, name, balance_paisa): (_, _, Option<Vec<u8>>, _, _)| Custody {
        account,
        title,
        owner: owner.as_deref().and_then(written),
        name,
        balance_paisa,
    };
    let cursor = |row: &Custody| format!("{}.{}", row.account, row.owner.as_deref().unwrap_or_default());
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, cursor))
}

/// What a vendor is owed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payable {
    /// The vendor.
    #[schema(value_type = Id)]
    pub vendor: String,
    /// Its name, if it is one of ours.
    pub name: Option<String>,
    /// Earned, not yet free (2010).
    pub held_paisa: i64,
    /// Free to be paid out (2020).
    pub available_paisa: i64,
    /// Owed by the vendor (1150).
    pub receivable_paisa: i64,
    /// Held and available, less what the vendor owes.
    pub payable_paisa: i64,
}

/// What every vendor is owed.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn vendor_payable(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<Payable>, Error> {
    let after = after.map_or(Ok(Vec::new()), subject_bytes)?;
    let rows: Vec<(Vec<u8>, Option<String>, i64, i64, i64)> = sqlx::query_as(
        "select b.owner, v.name,
            coalesce(-sum(b.amount_paisa) filter (where b.account_code = $1), 0)::bigint,
            coalesce(-sum(b.amount_paisa) filter (where b.account_code = $2), 0)::bigint,
            coalesce(sum(b.amount_paisa) filter (where b.account_code = $3), 0)::bigint
         from balance b left join vendor v on v.subject = b.owner
         where b.account_code in ($1, $2, $3) and b.owner > $4
         group by b.owner, v.name order by b.owner limit $5",
    )
    .bind(Code::VendorHeld as i32)
    .bind(Code::VendorAvailable as i32)
    .bind(Code::VendorReceivable as i32)
    .bind(after)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(owner, name, held, available, receivable): (Vec<u8>, Option<String>, i64, i64, i64)| Payable {
        vendor: written(&owner).unwrap_or_default(),
        name,
        held_paisa: held,
        available_paisa: available,
        receivable_paisa: receivable,
        payable_paisa: held.saturating_add(available).saturating_sub(receivable),
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.vendor.clone()))
}

/// One revision of a journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revision {
    /// Its id.
    pub journal: String,
    /// Even posts, odd reverses the one before.
    pub rev: i32,
    /// By which rule.
    pub rule: String,
    /// What it is about.
    #[schema(value_type = Id)]
    pub subject: String,
    /// The fact it follows from.
    pub cause: String,
    /// The month it counts in.
    pub period: String,
    /// When it was posted, UTC.
    pub posted_at: String,
    /// Where in the journal log.
    pub position: i64,
    /// The lines.
    pub postings: Vec<Line>,
}

/// One line of a journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Line {
    /// Code of the chart.
    pub account: i32,
    /// Its name in the books.
    pub title: String,
    /// Whose account it is.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<String>,
    /// Debit positive, credit negative.
    pub amount_paisa: i64,
}

/// What a journal is asked for by.
#[derive(Clone, Copy, Debug)]
pub enum About {
    /// A fact, by its id.
    Fact([u8; 32]),
    /// A parcel, an earning, a hand-in.
    Subject(Subject),
}

impl About {
    /// A fact id in hex, or a subject as it is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fact = HEXLOWER.decode(text.to_ascii_lowercase().as_bytes()).ok().and_then(|id| id.try_into().ok());
        fact.map(Self::Fact).or_else(|| Subject::parse(text).map(Self::Subject))
    }
}

type JournalRow = (i64, String, i32, String, Vec<u8>, String, String, String);

/// Every revision of the journals of one fact or subject, with their lines.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn journals(pool: &PgPool, about: About, after: Option<&str>, limit: i64) -> Result<Paged<Revision>, Error> {
    let after: i64 = after.map_or(Ok(-1), str::parse).map_err(|_| bad_cursor())?;
    let (subject, cause) = match about {
        About::Fact(id) => (None, Some(id.to_vec())),
        About::Subject(subject) => (Some(subject.0.to_vec()), None),
    };
    let heads: Vec<JournalRow> = sqlx::query_as(
        "select position, encode(id, 'hex'), rev, rule, subject, encode(cause, 'hex'), period,
            to_char(posted_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
         from journal_log where (subject = $1 or cause = $2) and position > $3 order by position limit $4",
    )
    .bind(subject)
    .bind(cause)
    .bind(after)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let positions: Vec<i64> = heads.iter().map(|head| head.0).collect();
    let lines: Vec<(i64, i32, String, Option<Vec<u8>>, i64)> = sqlx::query_as(
        "select p.position, p.account_code, coalesce(c.title, ''), p.owner, p.amount_paisa
         from posting p left join chart c on c.code = p.account_code
         where p.position = any($1) order by p.position, p.line",
    )
    .bind(positions)
    .fetch_all(pool)
    .await?;
    let revision = |(position, journal, rev, rule, subject, cause, period, posted_at): JournalRow| {
        let own = lines.iter().filter(|line| line.0 == position);
        let postings = own.map(|(_, account, title, owner, amount)| Line {
            account: *account,
            title: title.clone(),
            owner: owner.as_deref().and_then(written),
            amount_paisa: *amount,
        });
        let postings = postings.collect();
        let subject = written(&subject).unwrap_or_default();
        Revision { journal, rev, rule, subject, cause, period, posted_at, position, postings }
    };
    Ok(Paged::of(heads.into_iter().map(revision).collect(), limit, |row| row.position.to_string()))
}

/// Something a person has to look at.
#[derive(Debug, Serialize, ToSchema)]
pub struct Exception {
    /// Which list it is on.
    pub kind: String,
    /// What it is about: an id, or the hex of a seat.
    pub subject: String,
    /// The op, or the refused slot, hex.
    pub cause: String,
    /// Why.
    pub code: String,
    /// Position of the log at which it opened.
    pub position: i64,
    #[serde(skip)]
    subject_hex: String,
}

/// What waits for a person, oldest first.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn exceptions(
    pool: &PgPool,
    kind: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<Exception>, Error> {
    let start = after.map_or(Some((-1, "", "", "", "")), exception_cursor).ok_or_else(bad_cursor)?;
    let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
        "select kind, encode(subject, 'hex'), encode(cause, 'hex'), code, opened_position from exception
         where ($1::text is null or kind = $1)
           and (opened_position, kind, encode(subject, 'hex'), encode(cause, 'hex'), code) > ($2, $3, $4, $5, $6)
         order by opened_position, kind, encode(subject, 'hex'), encode(cause, 'hex'), code limit $7",
    )
    .bind(kind)
    .bind(start.0)
    .bind(start.1)
    .bind(start.2)
    .bind(start.3)
    .bind(start.4)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(kind, subject_hex, cause, code, position): (String, String, String, String, i64)| {
        let bytes = HEXLOWER.decode(subject_hex.as_bytes()).unwrap_or_default();
        let subject = written(&bytes).unwrap_or_else(|| subject_hex.clone());
        Exception { kind, subject, cause, code, position, subject_hex }
    };
    let cursor =
        |row: &Exception| format!("{}.{}.{}.{}.{}", row.position, row.kind, row.subject_hex, row.cause, row.code);
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, cursor))
}

fn exception_cursor(text: &str) -> Option<(i64, &str, &str, &str, &str)> {
    let mut parts = text.splitn(5, '.');
    let position = parts.next()?.parse().ok()?;
    Some((position, parts.next()?, parts.next()?, parts.next()?, parts.next()?))
}

/// The written form of a subject's bytes.
pub(crate) fn written(bytes: &[u8]) -> Option<String> {
    Subject::from_slice(bytes).map(|subject| subject.to_string())
}

/// The bytes of a cursor that is an id; of no cursor, those before every id.
pub(crate) fn subject_bytes(text: &str) -> Result<Vec<u8>, Error> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Subject::parse(text).map(|subject| subject.0.to_vec()).ok_or_else(bad_cursor)
}

/// A cursor that no page gave.
pub(crate) fn bad_cursor() -> Error {
    let next = "Give `after` as `next` of the page before, or leave it out.";
    Error::refuse(400, "bad_page", "The page asked for does not exist.", next)
}
