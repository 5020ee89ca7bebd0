//! The ledger at a size of years: what an account held at a past time and its lines, over a million journals; a payout run
//! over a hundred thousand earnings by two runners at once, each earning paid once; and how fast journals are posted,
//! beside bare COPY of the rows that they left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use central::finance::past;
use central::intake::{ClerkKey, Intake};
use central::ledger;
use central::once::once;
use central::payouts::{self, PayoutRequest};
use central::store;
use ed25519_dalek::SigningKey;
use protocol::account::Code;
use protocol::id::{Id16, Kind, OpId, Subject};
use protocol::journal::{Journal, Rule};
use protocol::ledger::Entry;
use protocol::seat::{Certificate, Role, Seat};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};

use crate::model::Dice;
use crate::postgres::Cluster;

/// 2025-11-01T00:00 in Dhaka: the journals spread over the year from there on.
const BEGIN_MS: u64 = 1_761_933_600_000;
/// Days of that year.
const DAYS: u64 = 365;
const DAY_MS: u64 = 24 * 3_600_000;
/// Vendors, each with an account of its own beside the one that all journals move on.
const VENDORS: u32 = 500;
/// Questions of each kind.
const QUESTIONS: usize = 200;

/// How long one kind of question takes.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// What was asked.
    pub what: &'static str,
    /// Over how many journals.
    pub journals: u64,
    /// How often.
    pub times: usize,
    /// Milliseconds.
    pub p50_ms: f64,
    /// Milliseconds.
    pub p99_ms: f64,
}

/// A payout run.
#[derive(Clone, Debug, Serialize)]
pub struct Paid {
    /// Earnings that were free.
    pub earnings: u64,
    /// Runners at once.
    pub runners: usize,
    /// Payouts that came of it.
    pub payouts: u64,
    /// Earnings in exactly one payout.
    pub paid_once: u64,
    /// Until nothing was left.
    pub seconds: f64,
}

/// How fast journals are posted.
#[derive(Clone, Debug, Serialize)]
pub struct Posted {
    /// How many, of two lines each; so many in a transaction.
    pub journals: u64,
    /// Journals of one transaction.
    pub batch: usize,
    /// Journals a second: hashed, inserted, balances and days moved on, committed.
    pub a_second: f64,
    /// The same rows of journals and lines, by COPY in one transaction: journals a second.
    pub copied_a_second: f64,
}

/// Asks a ledger of so many journals.
///
/// # Errors
/// Postgres.
pub async fn asked(cluster: &Cluster, journals: u64) -> anyhow::Result<Vec<Asked>> {
    let (url, fresh) = cluster.fresh_database().await?;
    fresh.close().await;
    let pool = store::connect(&url, 4).await?;
    store::migrate(&pool).await?;
    fill(&pool, journals).await?;
    let mut dice = Dice::new(1);
    let vendor = |dice: &mut Dice| {
        Subject::new(Kind::Vendor, vendor_id(u32::try_from(dice.below(VENDORS as usize)).unwrap_or(0)))
    };
    let moment =
        |dice: &mut Dice| BEGIN_MS + dice.below(usize::try_from(DAYS * DAY_MS / 1_000).unwrap_or(1)) as u64 * 1_000;
    let mut rows = Vec::new();
    for (what, everybody) in
        [("a vendor's balance at a past moment", false), ("the bank's balance at a past moment", true)]
    {
        let mut times = Vec::with_capacity(QUESTIONS);
        for _ in 0..QUESTIONS {
            let name = if everybody { "1010".to_owned() } else { format!("2010.{}", vendor(&mut dice)) };
            let account = past::account(&name).map_err(|error| anyhow::anyhow!("{error}"))?;
            let at = moment(&mut dice);
            let started = Instant::now();
            past::held(&pool, &account, at).await.map_err(|error| anyhow::anyhow!("{error}"))?;
            times.push(started.elapsed());
        }
        rows.push(row(what, journals, times));
    }
    let mut times = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let name = format!("2010.{}", vendor(&mut dice));
        let account = past::account(&name).map_err(|error| anyhow::anyhow!("{error}"))?;
        let after = format!("{}.0", dice.below(usize::try_from(journals).unwrap_or(1)));
        let started = Instant::now();
        let page = past::lines(&pool, &account, Some(&after), 100).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        times.push(started.elapsed());
        anyhow::ensure!(page.rows.len() <= 100, "a page");
    }
    rows.push(row("a page of 100 lines of a vendor's statement, from anywhere", journals, times));
    pool.close().await;
    Ok(rows)
}

fn row(what: &'static str, journals: u64, mut times: Vec<std::time::Duration>) -> Asked {
    times.sort_unstable();
    let ms = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    Asked { what, journals, times: times.len(), p50_ms: ms(50), p99_ms: ms(99) }
}

fn vendor_id(n: u32) -> Id16 {
    let mut id = [0x56; 16];
    id[12..].copy_from_slice(&n.to_be_bytes());
    Id16(id)
}

/// Journals of two lines each, one on an account that all share: written as rows, for the questions are about reading.
async fn fill(pool: &PgPool, journals: u64) -> anyhow::Result<()> {
    let count = i64::try_from(journals)?;
    sqlx::query(
        "INSERT INTO journal_log (id, position, key, rev, subject, rule, cause, rules_version, period, posted_at, hash)
         SELECT substring(sha256(int8send(n)) FOR 16), n, substring(sha256(int8send(n)) FOR 16), 0,
            '\\x12'::bytea || substring(sha256(int8send(n)) FOR 16), 'J5', sha256(int8send(n)), 1, 'bench',
            timestamptz 'epoch' + ($2 + n * ($3 / $1)) * interval '1 millisecond', sha256(int8send(n))
         FROM generate_series(1, $1) AS n",
    )
    .bind(count)
    .bind(i64::try_from(BEGIN_MS)?)
    .bind(i64::try_from(DAYS * DAY_MS)?)
    .execute(pool)
    .await?;
    sqlx::query(
        "INSERT INTO posting (position, line, account_code, owner, amount_paisa)
         SELECT n, line, CASE line WHEN 0 THEN 1010 ELSE 2010 END,
            CASE line WHEN 0 THEN NULL ELSE '\\x04'::bytea || decode(repeat('56', 12), 'hex') || int4send((n % $2)::int) END,
            CASE line WHEN 0 THEN 100 ELSE -100 END
         FROM generate_series(1, $1) AS n, generate_series(0, 1) AS line",
    )
    .bind(count)
    .bind(i64::from(VENDORS))
    .execute(pool)
    .await?;
    sqlx::query(
        "INSERT INTO day_balance (account_code, owner, day, debit_paisa, credit_paisa)
         SELECT p.account_code, coalesce(p.owner, ''::bytea), (j.posted_at AT TIME ZONE interval '6 hours')::date,
            sum(greatest(p.amount_paisa, 0))::bigint, sum(greatest(-p.amount_paisa, 0))::bigint
         FROM posting p JOIN journal_log j ON j.position = p.position GROUP BY 1, 2, 3",
    )
    .execute(pool)
    .await?;
    sqlx::query("ANALYZE").execute(pool).await?;
    Ok(())
}

/// Pays so many earnings by two runners at once.
///
/// # Errors
/// Postgres; a runner that was refused.
pub async fn paid(cluster: &Cluster, earnings: u64) -> anyhow::Result<Paid> {
    const RUNNERS: usize = 2;
    let (url, fresh) = cluster.fresh_database().await?;
    fresh.close().await;
    let pool = store::connect(&url, 4).await?;
    store::migrate(&pool).await?;
    let intake = clerk(&pool).await?;
    let count = i64::try_from(earnings)?;
    sqlx::query(
        "INSERT INTO view_earning (subject, vendor, state, net_paisa, available_paisa, incomplete, newer)
         SELECT '\\x12'::bytea || substring(sha256(int8send(n)) FOR 16),
            '\\x04'::bytea || decode(repeat('56', 12), 'hex') || int4send((n % $2)::int), 'matured', 100, 100, false, false
         FROM generate_series(1, $1) AS n",
    )
    .bind(count)
    .bind(i64::from(VENDORS))
    .execute(&pool)
    .await?;
    sqlx::query(
        "INSERT INTO balance (account_code, owner, amount_paisa)
         SELECT 2020, vendor, -sum(net_paisa)::bigint FROM view_earning GROUP BY vendor",
    )
    .execute(&pool)
    .await?;
    sqlx::query(
        "INSERT INTO vendor (subject, slug, name) SELECT DISTINCT vendor, encode(vendor, 'hex'), 'v' FROM view_earning",
    )
    .execute(&pool)
    .await?;
    let started = Instant::now();
    let mut runners = tokio::task::JoinSet::new();
    for runner in 0..RUNNERS {
        let intake = intake.clone();
        runners.spawn(async move {
            for run in 0u64.. {
                let mut entropy = [0; 32];
                entropy[..8].copy_from_slice(&(run * 2 + runner as u64).to_be_bytes());
                let stamp = Stamp { now_ms: BEGIN_MS, entropy };
                let request = PayoutRequest { vendor: "all".to_owned(), dry_run: false };
                let answered = once(&intake, None, BEGIN_MS, move |connection| {
                    let request = request.clone();
                    Box::pin(async move { payouts::create(connection, &request, stamp).await })
                });
                let answer = answered.await.map_err(|error| anyhow::anyhow!("{error}"))?.answer;
                if answer.payouts.is_empty() {
                    break;
                }
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(ended) = runners.join_next().await {
        ended??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let (payouts, lines, different): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM view_payout), (SELECT sum(lines)::bigint FROM view_payout),
                (SELECT count(DISTINCT earning) FROM view_payout_line)",
    )
    .fetch_one(&pool)
    .await?;
    anyhow::ensure!(lines == different, "{lines} lines are {different} earnings: one was paid twice");
    let (left,): (i64,) = sqlx::query_as("SELECT sum(amount_paisa)::bigint FROM balance WHERE account_code = 2020")
        .fetch_one(&pool)
        .await?;
    anyhow::ensure!(left == 0, "{left} paisa are left");
    pool.close().await;
    let whole = |number: i64| number.unsigned_abs();
    Ok(Paid { earnings, runners: RUNNERS, payouts: whole(payouts), paid_once: whole(different), seconds })
}

/// Posts so many journals, as the intake does, and then copies the rows that came of it.
///
/// # Errors
/// Postgres.
pub async fn posted(cluster: &Cluster, journals: u64) -> anyhow::Result<Posted> {
    /// What the intake takes at once when it is busy comes to about as many.
    const BATCH: usize = 512;
    let (url, fresh) = cluster.fresh_database().await?;
    fresh.close().await;
    let pool = store::connect(&url, 4).await?;
    store::migrate(&pool).await?;
    clerk(&pool).await?;
    let entries: Vec<Entry> = (0..u32::try_from(journals)?).map(entry).collect();
    let started = Instant::now();
    for batch in entries.chunks(BATCH) {
        ledger::post_alone(&pool, batch, BEGIN_MS).await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let (held, lines): (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM journal_log), (SELECT count(*) FROM posting)")
            .fetch_one(&pool)
            .await?;
    anyhow::ensure!(held.unsigned_abs() == journals && lines == 2 * held, "{held} journals, {lines} lines");
    let copied = copy(&pool, &["journal_log", "posting"]).await?;
    pool.close().await;
    let rate = |seconds: f64| journals as f64 / seconds;
    Ok(Posted { journals, batch: BATCH, a_second: rate(seconds), copied_a_second: rate(copied) })
}

/// A parcel's cash from an agent to its clearing account.
fn entry(n: u32) -> Entry {
    let id = |kind: u8| {
        let mut id = [kind; 16];
        id[12..].copy_from_slice(&n.to_be_bytes());
        Id16(id)
    };
    let parcel = Subject::new(Kind::Parcel, id(0x50));
    let agent = Subject::agent(Subject::new(Kind::Site, Id16([0x51; 16])), id_of_agent(n % VENDORS));
    let mut cause = [0x52; 32];
    cause[28..].copy_from_slice(&n.to_be_bytes());
    let debit = (Code::AgentCash.of_owner(agent), Taka::whole(1_069));
    let credit = (Code::Clearing.of_owner(parcel), Taka::whole(1_069));
    Entry { rev: 0, journal: Journal::new(parcel, Rule::J4, OpId(cause), &[debit], &[credit]) }
}

fn id_of_agent(n: u32) -> Id16 {
    let mut id = [0x53; 16];
    id[12..].copy_from_slice(&n.to_be_bytes());
    Id16(id)
}

/// Seconds of COPY of these tables' rows into tables of the same columns and keys, by the server itself, in one transaction.
pub(super) async fn copy(pool: &PgPool, tables: &[&str]) -> anyhow::Result<f64> {
    let (data,): (String,) = sqlx::query_as("SHOW data_directory").fetch_one(pool).await?;
    let file = |table: &str| format!("{data}/getit-bench-{}-{table}.copy", std::process::id());
    for table in tables {
        let like = format!("CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)");
        for statement in [like, format!("COPY {table} TO '{}' (FORMAT binary)", file(table))] {
            sqlx::query(AssertSqlSafe(statement)).execute(pool).await?;
        }
    }
    let started = Instant::now();
    let mut tx = pool.begin().await?;
    for table in tables {
        let copied = format!("COPY copied_{table} FROM '{}' (FORMAT binary)", file(table));
        sqlx::query(AssertSqlSafe(copied)).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(started.elapsed().as_secs_f64())
}

/// Central's intake, with a clock that stands still but for its ticks.
async fn clerk(pool: &PgPool) -> anyhow::Result<Intake> {
    let (authority, key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let (classes, grants) = Seat::rights(Role::Central, Subject::tenant());
    let seat = Seat {
        tenant: Id16([0; 16]),
        device: Id16([1; 16]),
        person: Id16([2; 16]),
        party: Subject::tenant(),
        key: key.verifying_key().to_bytes(),
        classes,
        grants,
        cash_ceiling: Taka::ZERO,
        issued_ms: BEGIN_MS,
        issuer: [0; 32],
    };
    let certificate = Certificate::issue(&authority, seat)?;
    store::open_author(pool, &certificate).await?;
    let ticks = AtomicU64::new(0);
    let clock = move || {
        let tick = ticks.fetch_add(1, Ordering::Relaxed);
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&tick.to_be_bytes());
        Stamp { now_ms: BEGIN_MS + tick, entropy }
    };
    Ok(Intake::start(pool.clone(), ClerkKey { key, author: certificate.author() }, Arc::new(clock)))
}
