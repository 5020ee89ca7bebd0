//! Proof that projections are only projections: their digests, dropping and rebuilding them, and the
//! check of the one record that is never rebuilt, the journal log.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::Account;
use protocol::fact::{Fact, Reading};
use protocol::fold::{self, Folded};
use protocol::id::{Author, OpId, Scope, Subject};
use protocol::intake::{Generations, HeldOp, history_of};
use protocol::journal::{Key, Posting};
use protocol::ledger::net;
use protocol::op::Op;
use protocol::root::Root;
use protocol::taka::Taka;
use sqlx::postgres::{PgConnection, PgPool};

use crate::documents;
use crate::ledger::{self, Of};
use crate::seal::{self, Broken};
use crate::store::{self, StoreError, load, save, signed, unsigned};
use crate::views::{self, Noted};

/// Subjects that are folded at a time: bounds the memory of a rebuild.
const CHUNK: usize = 500;
/// Journal rows that are verified at a time.
const LOG_CHUNK: i64 = 1_000;

/// A table with its rows as text, in order of the key. The positions of a membership and of a root are hints to
/// cursors and are left out.
const PROJECTIONS: [(&str, &str); 22] = [
    ("member", "SELECT ROW(scope, subject, put_gen, close_gen)::text FROM member ORDER BY scope, subject"),
    ("root", "SELECT ROW(scope, lane, count, sum)::text FROM root ORDER BY scope, lane"),
    ("balance", "SELECT t::text FROM balance t ORDER BY account_code, owner"),
    ("day_balance", "SELECT t::text FROM day_balance t ORDER BY account_code, owner, day"),
    ("view_order", "SELECT t::text FROM view_order t ORDER BY subject"),
    ("view_parcel", "SELECT t::text FROM view_parcel t ORDER BY subject"),
    ("view_earning", "SELECT t::text FROM view_earning t ORDER BY subject"),
    ("view_handin", "SELECT t::text FROM view_handin t ORDER BY subject"),
    ("view_offer", "SELECT t::text FROM view_offer t ORDER BY op"),
    ("view_shift", "SELECT t::text FROM view_shift t ORDER BY subject"),
    ("view_bag", "SELECT t::text FROM view_bag t ORDER BY subject"),
    ("view_deposit", "SELECT t::text FROM view_deposit t ORDER BY subject"),
    ("view_payout", "SELECT t::text FROM view_payout t ORDER BY subject"),
    ("view_sweep", "SELECT t::text FROM view_sweep t ORDER BY subject"),
    ("view_remittance", "SELECT t::text FROM view_remittance t ORDER BY subject"),
    ("view_deposit_bag", "SELECT t::text FROM view_deposit_bag t ORDER BY bag"),
    ("view_payout_line", "SELECT t::text FROM view_payout_line t ORDER BY earning, payout"),
    ("view_line", "SELECT t::text FROM view_line t ORDER BY subject"),
    ("view_refund", "SELECT t::text FROM view_refund t ORDER BY subject"),
    ("view_ruling", "SELECT t::text FROM view_ruling t ORDER BY subject"),
    ("view_entry", "SELECT t::text FROM view_entry t ORDER BY subject"),
    ("exception", "SELECT t::text FROM exception t ORDER BY subject, kind COLLATE \"C\", cause, code COLLATE \"C\""),
];

const DROPS: [&str; 22] = [
    "DELETE FROM member",
    "DELETE FROM root",
    "DELETE FROM balance",
    "DELETE FROM day_balance",
    "DELETE FROM view_order",
    "DELETE FROM view_parcel",
    "DELETE FROM view_earning",
    "DELETE FROM view_handin",
    "DELETE FROM view_offer",
    "DELETE FROM view_shift",
    "DELETE FROM view_bag",
    "DELETE FROM view_deposit",
    "DELETE FROM view_payout",
    "DELETE FROM view_sweep",
    "DELETE FROM view_remittance",
    "DELETE FROM view_deposit_bag",
    "DELETE FROM view_payout_line",
    "DELETE FROM view_line",
    "DELETE FROM view_refund",
    "DELETE FROM view_ruling",
    "DELETE FROM view_entry",
    "DELETE FROM exception",
];

/// The primary records, for tests that nothing else has changed.
const RECORDS: [(&str, &str); 10] = [
    ("op", "SELECT t::text FROM op t ORDER BY id"),
    ("burst", "SELECT t::text FROM burst t ORDER BY digest"),
    ("chain", "SELECT t::text FROM chain t ORDER BY author, inc"),
    ("seat", "SELECT t::text FROM seat t ORDER BY author"),
    ("revocation", "SELECT t::text FROM revocation t ORDER BY op"),
    ("subject_key", "SELECT t::text FROM subject_key t ORDER BY subject"),
    ("journal_log", "SELECT t::text FROM journal_log t ORDER BY position"),
    ("posting", "SELECT t::text FROM posting t ORDER BY position, line"),
    ("seal", "SELECT t::text FROM seal t ORDER BY name COLLATE \"C\""),
    ("closed_balance", "SELECT t::text FROM closed_balance t ORDER BY period COLLATE \"C\", account_code"),
];

/// Table, number of rows, BLAKE3 of the rows ordered by key.
pub type TableDigest = (&'static str, u64, [u8; 32]);

/// The digest of every projection.
///
/// # Errors
/// See [`StoreError`].
pub async fn digest(pool: &PgPool) -> Result<Vec<TableDigest>, StoreError> {
    digests(pool, &PROJECTIONS).await
}

/// The digest of every primary record.
///
/// # Errors
/// See [`StoreError`].
pub async fn digest_of_records(pool: &PgPool) -> Result<Vec<TableDigest>, StoreError> {
    digests(pool, &RECORDS).await
}

async fn digests(pool: &PgPool, tables: &[(&'static str, &'static str)]) -> Result<Vec<TableDigest>, StoreError> {
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut digests = Vec::with_capacity(tables.len());
    for (table, rows) in tables {
        let rows: Vec<(String,)> = sqlx::query_as(*rows).fetch_all(&mut *tx).await?;
        let mut hasher = blake3::Hasher::new();
        for (row,) in &rows {
            hasher.update(&(row.len() as u64).to_be_bytes()).update(row.as_bytes());
        }
        digests.push((*table, rows.len() as u64, *hasher.finalize().as_bytes()));
    }
    Ok(digests)
}

/// Drops the rows of every projection and folds them anew from ops and journal log, under the lock.
///
/// # Errors
/// See [`StoreError`]; nothing has changed then.
pub async fn rebuild(pool: &PgPool) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    store::lock(&mut tx).await?;
    // Not TRUNCATE: a reader's snapshot would see the tables empty.
    for rows in DROPS {
        sqlx::query(rows).execute(&mut *tx).await?;
    }
    let members = rebuild_members(&mut tx).await?;
    rebuild_roots(&mut tx, &members).await?;
    for subjects in subjects(&mut tx).await?.chunks(CHUNK) {
        let folded = refold(&mut tx, subjects).await?;
        views::write(&mut tx, &folded).await?;
    }
    rebuild_notes(&mut tx).await?;
    sqlx::query(
        "INSERT INTO balance (account_code, owner, amount_paisa)
         SELECT account_code, coalesce(owner, ''::bytea), sum(amount_paisa)::bigint FROM posting GROUP BY 1, 2",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO day_balance (account_code, owner, day, debit_paisa, credit_paisa)
         SELECT p.account_code, coalesce(p.owner, ''::bytea), (j.posted_at AT TIME ZONE interval '6 hours')::date,
            sum(greatest(p.amount_paisa, 0))::bigint, sum(greatest(-p.amount_paisa, 0))::bigint
         FROM posting p JOIN journal_log j ON j.position = p.position GROUP BY 1, 2, 3",
    )
    .execute(&mut *tx)
    .await?;
    save::refused_exceptions(&mut tx, None).await?;
    documents::project_all(&mut tx).await?;
    let owners: Vec<([u8; 17],)> =
        sqlx::query_as("SELECT DISTINCT owner FROM balance WHERE octet_length(owner) = 17").fetch_all(&mut *tx).await?;
    views::watch_custody(&mut tx, &owners.into_iter().map(|(owner,)| owner).collect::<Vec<_>>()).await?;
    Ok(tx.commit().await?)
}

type Members = BTreeMap<Subject, BTreeMap<Scope, (Generations, i64)>>;

async fn rebuild_members(conn: &mut PgConnection) -> Result<Members, sqlx::Error> {
    let controls: Vec<(i64, [u8; 17], Vec<u8>)> = sqlx::query_as(
        "SELECT position, subject, bytes FROM op
         WHERE subject < '\\x10'::bytea AND apart IS NULL ORDER BY position",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut members = Members::new();
    for (position, scope, bytes) in controls {
        let Ok(op) = Op::decode(&bytes) else { continue };
        let (put, close, subjects) = match Fact::read(op.class_kind, &op.payload) {
            Reading::Known(Fact::Put(put)) => (put.generation, 0, put.subjects),
            Reading::Known(Fact::Close(close)) => (0, close.generation, close.subjects),
            _ => continue,
        };
        for subject in subjects.into_iter().filter(|subject| !subject.is_scope()) {
            let (generations, moved) =
                members.entry(subject).or_default().entry(Subject(scope)).or_insert((Generations::default(), position));
            let before = generations.is_member();
            generations.put = generations.put.max(put);
            generations.close = generations.close.max(close);
            if generations.is_member() != before {
                *moved = position;
            }
        }
    }
    let rows: Vec<_> = members
        .iter()
        .flat_map(|(subject, scopes)| scopes.iter().map(move |(scope, held)| (scope, subject, held)))
        .collect();
    sqlx::query(
        "INSERT INTO member (scope, subject, put_gen, close_gen, position)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[])",
    )
    .bind(rows.iter().map(|(scope, _, _)| scope.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, subject, _)| subject.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, (generations, _))| i64::from(generations.put)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, (generations, _))| i64::from(generations.close)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, (_, position))| *position).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(members)
}

async fn rebuild_roots(conn: &mut PgConnection, members: &Members) -> Result<(), sqlx::Error> {
    let ops: Vec<([u8; 32], [u8; 17], i16)> =
        sqlx::query_as("SELECT id, subject, lane FROM op").fetch_all(&mut *conn).await?;
    let mut roots: BTreeMap<(Scope, i16), Root> = BTreeMap::new();
    for (id, subject, lane) in ops {
        let (id, subject) = (OpId(id), Subject(subject));
        if subject.is_scope() {
            roots.entry((subject, lane)).or_default().join(&id);
        }
        let scopes = members.get(&subject).into_iter().flatten();
        for (scope, _) in scopes.filter(|(_, (generations, _))| generations.is_member()) {
            roots.entry((*scope, lane)).or_default().join(&id);
        }
    }
    sqlx::query(
        "INSERT INTO root (scope, lane, count, sum, moved)
         SELECT roots.*, log_head.position
         FROM unnest($1::bytea[], $2::smallint[], $3::bigint[], $4::bytea[]) AS roots, log_head",
    )
    .bind(roots.keys().map(|(scope, _)| scope.0).collect::<Vec<_>>())
    .bind(roots.keys().map(|(_, lane)| *lane).collect::<Vec<_>>())
    .bind(roots.values().map(|root| signed(root.count)).collect::<Vec<_>>())
    .bind(roots.values().map(Root::sum_bytes).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Every subject with an op or a journal, scopes left out.
pub(crate) async fn subjects(conn: &mut PgConnection) -> Result<Vec<[u8; 17]>, sqlx::Error> {
    let rows: Vec<([u8; 17],)> = sqlx::query_as(
        "SELECT subject FROM op WHERE subject >= '\\x10'::bytea UNION SELECT subject FROM journal_log ORDER BY 1",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(subject,)| subject).collect())
}

async fn refold(conn: &mut PgConnection, subjects: &[[u8; 17]]) -> Result<BTreeMap<Subject, Folded>, StoreError> {
    let ops = load::ops(conn, subjects).await?;
    let authors: BTreeSet<Author> = ops.values().flatten().map(|held| held.author).collect();
    let seats = load::seats(conn, &authors, &mut load::Seats::new()).await?;
    let revocations = load::revocations(conn, &authors).await?;
    let fold = |(subject, ops): (&Subject, &Vec<HeldOp>)| {
        (*subject, fold::fold(*subject, &history_of(ops, &seats, &revocations)))
    };
    Ok(ops.iter().map(fold).collect())
}

async fn rebuild_notes(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    type Columns = ([u8; 32], [u8; 17], [u8; 8], Vec<u8>, Option<String>, i64);
    /// Kind of [`Fact::HandInOffered`].
    const OFFER: i32 = 0x4010;
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT id, subject, author, bytes, apart, position FROM op WHERE class_kind = $1 OR apart IS NOT NULL",
    )
    .bind(OFFER)
    .fetch_all(&mut *conn)
    .await?;
    let mut notes = Vec::with_capacity(rows.len());
    for (id, subject, author, bytes, apart, position) in &rows {
        let (id, subject, author, position) = (OpId(*id), Subject(*subject), Author(*author), unsigned(*position));
        notes.push(Noted { id, subject, author, bytes, apart: apart.as_deref(), position });
    }
    views::note(conn, &notes).await
}

/// What the journal log shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogReport {
    /// Rows read.
    pub journals: u64,
    /// The first row that is not what was hashed when it was posted.
    pub first_changed: Option<Changed>,
    /// Subjects whose net by key is not what their facts fold to.
    pub unequal: Vec<Subject>,
    /// Positions of the log that have postings and no journal; at most a hundred.
    pub without_journal: Vec<i64>,
    /// The first seal of a day or a month that does not hold.
    pub broken_seal: Option<Broken>,
}

/// A row of the journal log that was changed, or stands where one was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its place in the log.
    pub position: u64,
    /// Its id.
    pub journal: [u8; 16],
    /// What it is about.
    pub subject: Subject,
    /// By which rule.
    pub rule: String,
    /// The fact it follows from.
    pub cause: OpId,
}

impl LogReport {
    /// Nothing was changed, and the books are what the facts say.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.first_changed.is_none()
            && self.unequal.is_empty()
            && self.without_journal.is_empty()
            && self.broken_seal.is_none()
    }
}

/// Verifies the hash chain of the journal log and the seals over it, and that its net by key is T of the ops.
///
/// # Errors
/// See [`StoreError`]; a change that was found is in the report, not an error.
pub async fn verify_log(pool: &PgPool) -> Result<LogReport, StoreError> {
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut report = LogReport::default();
    verify_chain(&mut tx, &mut report).await?;
    let strays: Vec<(i64,)> = sqlx::query_as(
        "SELECT DISTINCT position FROM posting
         WHERE NOT EXISTS (SELECT 1 FROM journal_log j WHERE j.position = posting.position) ORDER BY 1 LIMIT 100",
    )
    .fetch_all(&mut *tx)
    .await?;
    report.without_journal = strays.into_iter().map(|(position,)| position).collect();
    report.broken_seal = seal::first_broken(&mut tx).await?;
    for subjects in subjects(&mut tx).await?.chunks(CHUNK) {
        let folded = refold(&mut tx, subjects).await?;
        let nets = match nets(&mut tx, subjects).await {
            // A row that cannot even be read has been named by the chain.
            Err(StoreError::Damaged(_)) if report.first_changed.is_some() => continue,
            nets => nets?,
        };
        for subject in subjects.iter().map(|subject| Subject(*subject)) {
            let journals = folded.get(&subject).map_or(&[][..], |folded| folded.journals.as_slice());
            let wanted = journals.iter().map(|journal| (journal.key(), net(&journal.postings)));
            let wanted: Nets = wanted.filter(|(_, net)| !net.is_empty()).collect();
            if nets.get(&subject).cloned().unwrap_or_default() != wanted {
                report.unequal.push(subject);
            }
        }
    }
    Ok(report)
}

/// Net by key and account over all revisions; keys that net to nothing are left out.
type Nets = BTreeMap<Key, BTreeMap<Account, Taka>>;

async fn nets(conn: &mut PgConnection, subjects: &[[u8; 17]]) -> Result<BTreeMap<Subject, Nets>, StoreError> {
    let mut postings: BTreeMap<(Subject, Key), Vec<Posting>> = BTreeMap::new();
    for row in ledger::rows(conn, Of::Subjects(subjects)).await? {
        let journal = row.entry()?.journal;
        postings.entry((journal.subject, Key(row.key))).or_default().extend(journal.postings);
    }
    let mut nets: BTreeMap<Subject, Nets> = BTreeMap::new();
    for ((subject, key), postings) in postings {
        let net = net(&postings);
        if !net.is_empty() {
            nets.entry(subject).or_default().insert(key, net);
        }
    }
    Ok(nets)
}

async fn verify_chain(conn: &mut PgConnection, report: &mut LogReport) -> Result<(), StoreError> {
    let head = store::log_head(conn).await?;
    let mut prev = [0; 32];
    let mut last: Option<Changed> = None;
    loop {
        let after = signed(report.journals);
        let rows = ledger::rows(conn, Of::After(after, LOG_CHUNK)).await?;
        let hashes: Vec<([u8; 32],)> =
            sqlx::query_as("SELECT hash FROM journal_log WHERE position > $1 ORDER BY position LIMIT $2")
                .bind(after)
                .bind(LOG_CHUNK)
                .fetch_all(&mut *conn)
                .await?;
        if rows.is_empty() {
            break;
        }
        for (row, (hash,)) in rows.iter().zip(hashes) {
            report.journals += 1;
            let named = Changed {
                position: unsigned(row.position),
                journal: row.id,
                subject: Subject(row.subject),
                rule: row.rule.clone(),
                cause: OpId(row.cause),
            };
            if row.hash(&prev) != hash || unsigned(row.position) != report.journals {
                report.first_changed = Some(named);
                return Ok(());
            }
            (prev, last) = (hash, Some(named));
        }
    }
    if prev != head.journal_hash || report.journals != head.journals {
        // The end was cut off, or the head was changed: the last row that is left is named.
        let none = || Changed {
            position: 0,
            journal: [0; 16],
            subject: Subject::tenant(),
            rule: String::new(),
            cause: OpId([0; 32]),
        };
        report.first_changed = Some(last.unwrap_or_else(none));
    }
    Ok(())
}

/// After a restore: devices must see another log, and central must not use a number twice (SPEC S1).
///
/// # Errors
/// See [`StoreError`].
pub async fn new_log(pool: &PgPool) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    store::lock(&mut tx).await?;
    sqlx::query("UPDATE log_head SET log_id = $1").bind(store::random::<8>()?).execute(&mut *tx).await?;
    sqlx::query("UPDATE central_author SET inc = $1, seq = 1, prev = NULL")
        .bind(store::random::<4>()?)
        .execute(&mut *tx)
        .await?;
    // Devices may hold what this copy lacks of anything in it: nothing counts as left alone before they could tell.
    sqlx::query("UPDATE beacon SET position = 0").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
