//! The journal log: append-only rows, each with the hash of the one before (SPEC S5).

use std::collections::BTreeMap;

use protocol::account::{Account, Code};
use protocol::fold::RULES;
use protocol::id::{OpId, Subject};
use protocol::journal::{Journal, Key, Posting, Rule};
use protocol::ledger::{self, Entry, Standing};
use protocol::taka::Taka;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use crate::period::{self, Month};
use crate::store::copy::Rows;
use crate::store::{self, LogHead, StoreError, signed};

/// One row of the log with its postings, as it is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) id: [u8; 16],
    pub(crate) key: [u8; 16],
    pub(crate) rev: i32,
    pub(crate) subject: [u8; 17],
    pub(crate) rule: String,
    pub(crate) cause: [u8; 32],
    pub(crate) rules_version: i32,
    pub(crate) period: String,
    pub(crate) posted_ms: i64,
    pub(crate) lines: Vec<Line>,
}

/// One posting as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) line: i16,
    pub(crate) code: i32,
    pub(crate) owner: Option<[u8; 17]>,
    pub(crate) paisa: i64,
}

impl Row {
    /// The hash of this row behind `prev`.
    pub(crate) fn hash(&self, prev: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("getit journal row 1");
        hasher.update(prev).update(&self.position.to_be_bytes()).update(&self.id).update(&self.key);
        hasher.update(&self.rev.to_be_bytes()).update(&self.subject);
        text(&mut hasher, &self.rule);
        hasher.update(&self.cause).update(&self.rules_version.to_be_bytes());
        text(&mut hasher, &self.period);
        hasher.update(&self.posted_ms.to_be_bytes()).update(&(self.lines.len() as u64).to_be_bytes());
        for line in &self.lines {
            hasher.update(&line.line.to_be_bytes()).update(&line.code.to_be_bytes());
            hasher.update(&[u8::from(line.owner.is_some())]).update(&line.owner.unwrap_or_default());
            hasher.update(&line.paisa.to_be_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// The row as an entry of the pure ledger.
    pub(crate) fn entry(&self) -> Result<Entry, StoreError> {
        let damaged = StoreError::Damaged("journal");
        let Some(rule) = Rule::of(&self.rule) else { return Err(damaged) };
        let posting = |line: &Line| {
            let code = u16::try_from(line.code).ok().and_then(Code::of)?;
            let account = Account { code, owner: line.owner.map(Subject) };
            Some(Posting { account, amount: paisa(line.paisa) })
        };
        let Some(postings) = self.lines.iter().map(posting).collect() else { return Err(damaged) };
        let Ok(rev) = u32::try_from(self.rev) else { return Err(damaged) };
        let journal = Journal { subject: Subject(self.subject), rule, cause: OpId(self.cause), postings };
        Ok(Entry { rev, journal })
    }
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_be_bytes()).update(text.as_bytes());
}

/// A sum of amounts may pass the bound of a single fact; it is taken over as it is.
pub(crate) fn paisa(amount: i64) -> Taka {
    let bound = Taka::MAX_PAISA;
    let whole = (0..amount.unsigned_abs() / bound.unsigned_abs()).map(|_| bound * amount.signum());
    whole.chain([amount % bound]).filter_map(Taka::from_paisa).sum()
}

/// The standing journals of `subjects`.
pub(crate) async fn standing(
    conn: &mut PgConnection,
    subjects: &[[u8; 17]],
) -> Result<BTreeMap<Subject, BTreeMap<Key, Standing>>, StoreError> {
    let mut standing: BTreeMap<Subject, BTreeMap<Key, Standing>> = BTreeMap::new();
    for row in rows(conn, Of::Subjects(subjects)).await? {
        let keys = standing.entry(Subject(row.subject)).or_default();
        ledger::stand(keys, &[row.entry()?]);
    }
    Ok(standing)
}

/// Which rows to read.
pub(crate) enum Of<'a> {
    /// All revisions of these subjects.
    Subjects(&'a [[u8; 17]]),
    /// So many after a position.
    After(i64, i64),
}

type JournalColumns = (i64, [u8; 16], [u8; 16], i32, [u8; 17], String, [u8; 32], i32, String, i64);
type LineColumns = (i64, i16, i32, Option<[u8; 17]>, i64);

/// Rows of the log in its order.
pub(crate) async fn rows(conn: &mut PgConnection, of: Of<'_>) -> Result<Vec<Row>, StoreError> {
    let found: Vec<JournalColumns> = match of {
        Of::Subjects(subjects) => {
            sqlx::query_as(
                "SELECT position, id, key, rev, subject, rule, cause, rules_version, period,
                        (extract(epoch FROM posted_at) * 1000)::bigint
                 FROM journal_log WHERE subject = ANY($1) ORDER BY position",
            )
            .bind(subjects)
            .fetch_all(&mut *conn)
            .await?
        }
        Of::After(position, limit) => {
            sqlx::query_as(
                "SELECT position, id, key, rev, subject, rule, cause, rules_version, period,
                        (extract(epoch FROM posted_at) * 1000)::bigint
                 FROM journal_log WHERE position > $1 ORDER BY position LIMIT $2",
            )
            .bind(position)
            .bind(limit)
            .fetch_all(&mut *conn)
            .await?
        }
    };
    let positions: Vec<i64> = found.iter().map(|row| row.0).collect();
    let lines: Vec<LineColumns> = sqlx::query_as(
        "SELECT position, line, account_code, owner, amount_paisa FROM posting
         WHERE position = ANY($1) ORDER BY position, line",
    )
    .bind(&positions)
    .fetch_all(conn)
    .await?;
    let mut by_journal: BTreeMap<i64, Vec<Line>> = BTreeMap::new();
    for (position, line, code, owner, paisa) in lines {
        by_journal.entry(position).or_default().push(Line { line, code, owner, paisa });
    }
    let row = |(position, id, key, rev, subject, rule, cause, rules_version, period, posted_ms): JournalColumns| Row {
        lines: by_journal.remove(&position).unwrap_or_default(),
        position,
        id,
        key,
        rev,
        subject,
        rule,
        cause,
        rules_version,
        period,
        posted_ms,
    };
    Ok(found.into_iter().map(row).collect())
}

/// Appends `entries`, posted at `now_ms` of central's clock, and moves the head on. A clock that was set back posts at
/// the time of the journal before, and nothing is posted into a month that is closed.
pub(crate) async fn append(
    conn: &mut PgConnection,
    head: &mut LogHead,
    entries: &[Entry],
    now_ms: u64,
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    head.journal_ms = head.journal_ms.max(now_ms);
    let period = open_period(head).to_string();
    let mut hashed = Vec::with_capacity(entries.len());
    for entry in entries {
        head.journals += 1;
        let row = row_of(entry, signed(head.journals), &period, signed(head.journal_ms));
        head.journal_hash = row.hash(&head.journal_hash);
        hashed.push((row, head.journal_hash));
    }
    insert_journals(conn, &hashed).await?;
    insert_postings(conn, &hashed).await?;
    add_balances(conn, entries).await?;
    add_to_day(conn, entries, head.journal_ms).await?;
    Ok(())
}

/// Posts journals that come of no facts, in one transaction under the log's lock: what the intake spends on its journals
/// alone. For measuring only: a log that was posted to like this is not what its facts come to.
///
/// # Errors
/// The database.
pub async fn post_alone(pool: &PgPool, entries: &[Entry], now_ms: u64) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT 1 FROM log_head FOR UPDATE").execute(&mut *tx).await?;
    let mut head = store::log_head(&mut tx).await?;
    append(&mut tx, &mut head, entries, now_ms).await?;
    sqlx::query("UPDATE log_head SET journals = $1, journal_hash = $2, journal_ms = $3")
        .bind(signed(head.journals))
        .bind(head.journal_hash)
        .bind(signed(head.journal_ms))
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

/// The month of the last posting, or the first after those that are closed.
fn open_period(head: &LogHead) -> Month {
    let month = Month::at(head.journal_ms);
    head.closed_through.map_or(month, |closed| month.max(closed.next()))
}

fn row_of(entry: &Entry, position: i64, period: &str, posted_ms: i64) -> Row {
    let journal = &entry.journal;
    let key = journal.key();
    let line = |(index, posting): (usize, &Posting)| Line {
        line: i16::try_from(index).unwrap_or(i16::MAX),
        code: i32::from(posting.account.code as u16),
        owner: posting.account.owner.map(|owner| owner.0),
        paisa: posting.amount.paisa(),
    };
    Row {
        position,
        id: key.revision(entry.rev),
        key: key.0,
        rev: i32::try_from(entry.rev).unwrap_or(i32::MAX),
        subject: journal.subject.0,
        rule: journal.rule.name().to_owned(),
        cause: journal.cause.0,
        rules_version: i32::try_from(RULES).unwrap_or(i32::MAX),
        period: period.to_owned(),
        posted_ms,
        lines: journal.postings.iter().enumerate().map(line).collect(),
    }
}

async fn insert_journals(conn: &mut PgConnection, hashed: &[(Row, [u8; 32])]) -> Result<(), sqlx::Error> {
    let mut rows = Rows::of(11);
    for (row, hash) in hashed {
        rows.row().bytes(&row.id).bigint(row.position).bytes(&row.key).integer(row.rev).bytes(&row.subject);
        rows.bytes(row.rule.as_bytes()).bytes(&row.cause).integer(row.rules_version).bytes(row.period.as_bytes());
        rows.moment(row.posted_ms).bytes(hash);
    }
    let statement =
        "COPY journal_log (id, position, key, rev, subject, rule, cause, rules_version, period, posted_at, hash)
         FROM STDIN (FORMAT binary)";
    rows.send(conn, statement).await
}

async fn insert_postings(conn: &mut PgConnection, hashed: &[(Row, [u8; 32])]) -> Result<(), sqlx::Error> {
    let mut rows = Rows::of(5);
    for (row, line) in hashed.iter().flat_map(|(row, _)| row.lines.iter().map(move |line| (row, line))) {
        rows.row().bigint(row.position).smallint(line.line).integer(line.code);
        rows.bytes_or_null(line.owner.as_ref().map(<[u8; 17]>::as_slice)).bigint(line.paisa);
    }
    let statement = "COPY posting (position, line, account_code, owner, amount_paisa) FROM STDIN (FORMAT binary)";
    rows.send(conn, statement).await
}

async fn add_balances(conn: &mut PgConnection, entries: &[Entry]) -> Result<(), sqlx::Error> {
    let mut sums: BTreeMap<Account, Taka> = BTreeMap::new();
    for posting in entries.iter().flat_map(|entry| &entry.journal.postings) {
        let sum = sums.entry(posting.account).or_default();
        *sum = sum.plus(posting.amount);
    }
    sqlx::query(
        "INSERT INTO balance (account_code, owner, amount_paisa)
         SELECT * FROM unnest($1::int[], $2::bytea[], $3::bigint[])
         ON CONFLICT (account_code, owner) DO UPDATE SET amount_paisa = balance.amount_paisa + excluded.amount_paisa",
    )
    .bind(sums.keys().map(|account| i32::from(account.code as u16)).collect::<Vec<_>>())
    .bind(sums.keys().map(owner_bytes).collect::<Vec<_>>())
    .bind(sums.values().map(|sum| sum.paisa()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Turnover by account and day: what balances of a past time are made of.
async fn add_to_day(conn: &mut PgConnection, entries: &[Entry], at_ms: u64) -> Result<(), sqlx::Error> {
    let mut sums: BTreeMap<Account, (Taka, Taka)> = BTreeMap::new();
    for posting in entries.iter().flat_map(|entry| &entry.journal.postings) {
        let (debit, credit) = sums.entry(posting.account).or_default();
        match posting.amount {
            amount if amount < Taka::ZERO => *credit = credit.minus(amount),
            amount => *debit = debit.plus(amount),
        }
    }
    sqlx::query(
        "INSERT INTO day_balance (account_code, owner, day, debit_paisa, credit_paisa)
         SELECT code, owner, $1::date, debit, credit
         FROM unnest($2::int[], $3::bytea[], $4::bigint[], $5::bigint[]) AS sums (code, owner, debit, credit)
         ON CONFLICT (account_code, owner, day) DO UPDATE SET
            debit_paisa = day_balance.debit_paisa + excluded.debit_paisa,
            credit_paisa = day_balance.credit_paisa + excluded.credit_paisa",
    )
    .bind(period::day(at_ms).to_string())
    .bind(sums.keys().map(|account| i32::from(account.code as u16)).collect::<Vec<_>>())
    .bind(sums.keys().map(owner_bytes).collect::<Vec<_>>())
    .bind(sums.values().map(|(debit, _)| debit.paisa()).collect::<Vec<_>>())
    .bind(sums.values().map(|(_, credit)| credit.paisa()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose an account is, as projections key it: empty for accounts that have no entities.
fn owner_bytes(account: &Account) -> Vec<u8> {
    account.owner.map_or(Vec::new(), |owner| owner.0.to_vec())
}

/// The balance of an account, debit positive; under the lock it is what a decision may rely on.
pub(crate) async fn balance(conn: &mut PgConnection, account: Account) -> Result<Taka, sqlx::Error> {
    let row: Option<(i64,)> = sqlx::query_as("SELECT amount_paisa FROM balance WHERE account_code = $1 AND owner = $2")
        .bind(i32::from(account.code as u16))
        .bind(owner_bytes(&account))
        .fetch_optional(conn)
        .await?;
    Ok(row.map_or(Taka::ZERO, |(amount,)| paisa(amount)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_fact_counts_in_the_first_month_that_is_open() {
        let head = |at_ms, closed: &str| LogHead {
            log_id: [0; 8],
            position: 0,
            journals: 0,
            journal_hash: [0; 32],
            journal_ms: at_ms,
            closed_through: Month::parse(closed),
            beacon: 0,
        };
        // 2026-11-01T00:00 in Dhaka.
        let november = 1_793_469_600_000;
        for (at_ms, closed, open) in [
            (november, "", "2026-11"),
            (november, "2026-10", "2026-11"),
            (november - 1, "2026-09", "2026-10"),
            // The clock was set back behind a month that is closed.
            (november - 1, "2026-10", "2026-11"),
        ] {
            assert_eq!(open_period(&head(at_ms, closed)).to_string(), open, "{at_ms} behind {closed:?}");
        }
    }

    #[test]
    fn a_sum_beyond_the_bound_of_a_fact_is_kept() {
        for amount in [0, 5, -5, Taka::MAX_PAISA, -3 * Taka::MAX_PAISA - 7] {
            assert_eq!(paisa(amount).paisa(), amount);
        }
    }
}
