//! Everything the checker reads of central, in one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, anyhow};
use protocol::fact::Revoked;
use protocol::id::{Author, Digest, Incarnation, OpId, Subject};
use protocol::intake::HeldOp;
use protocol::root::Root;
use protocol::seat::Seat;
use sqlx::postgres::{PgConnection, PgPool};

use super::rows::{BurstRow, Members, OpRow, Ops, Roots, ids_of};

/// One row of the journal log.
#[derive(Clone, Debug)]
pub(super) struct JournalRow {
    /// Its id.
    pub(super) id: [u8; 16],
    /// Its place in the log.
    pub(super) position: i64,
    /// Its key.
    pub(super) key: [u8; 16],
    /// Its revision.
    pub(super) rev: i32,
    /// What it is about.
    pub(super) subject: Subject,
    /// By which rule.
    pub(super) rule: String,
    /// The fact it follows from.
    pub(super) cause: OpId,
    /// Account, owner, paisa.
    pub(super) lines: Vec<(i32, Option<Subject>, i64)>,
}

/// A stored view of a parcel, as far as the verdict speaks of it.
pub(super) type ParcelView = (String, bool, i64, i64, i64);

/// All rows of central.
#[derive(Debug, Default)]
pub(super) struct CentralRows {
    pub(super) ops: Ops,
    pub(super) bursts: Vec<BurstRow>,
    pub(super) refused: BTreeSet<(Digest, usize)>,
    pub(super) members: Members,
    pub(super) roots: Roots,
    pub(super) seats: BTreeMap<Author, Seat>,
    pub(super) revocations: BTreeMap<Author, Vec<Revoked>>,
    pub(super) chains: BTreeMap<(Author, Incarnation), u64>,
    pub(super) journals: Vec<JournalRow>,
    pub(super) balances: BTreeMap<(i32, Option<Subject>), i64>,
    /// Status, contested, due, collected, attempts.
    pub(super) parcels: BTreeMap<Subject, ParcelView>,
    /// State and amount: of earnings, and of hand-ins (counted).
    pub(super) earnings: BTreeMap<Subject, (String, i64)>,
    pub(super) handins: BTreeMap<Subject, (String, Option<i64>)>,
    /// Placed, cancelled.
    pub(super) orders: BTreeMap<Subject, (bool, bool)>,
    pub(super) exceptions: Vec<(String, u64)>,
    pub(super) duplicates: u64,
}

impl CentralRows {
    /// Reads all.
    pub(super) async fn load(pool: &PgPool) -> anyhow::Result<Self> {
        let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let mut rows = Self::default();
        rows.load_log(&mut tx).await.context("central's log cannot be read")?;
        rows.load_people(&mut tx).await.context("central's seats cannot be read")?;
        rows.load_books(&mut tx).await.context("central's books cannot be read")?;
        rows.load_views(&mut tx).await.context("central's views cannot be read")?;
        Ok(rows)
    }

    async fn load_log(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        type OpColumns = ([u8; 32], [u8; 32], i16, [u8; 17], i16, i64, [u8; 8], [u8; 4], i64, Vec<u8>, Option<String>);
        let ops: Vec<OpColumns> =
            sqlx::query_as("SELECT id, digest, slot, subject, lane, time_ms, author, inc, seq, bytes, apart FROM op")
                .fetch_all(&mut *conn)
                .await?;
        for (id, digest, slot, subject, lane, time_ms, author, inc, seq, bytes, apart) in ops {
            let (id, author, inc) = (OpId(id), Author(author), Incarnation(inc));
            let held = HeldOp { id, author, inc, seq: number(seq), time_ms: number(time_ms), bytes, apart };
            let at = (Digest(digest), usize::try_from(slot).unwrap_or(usize::MAX));
            let lane = u8::try_from(lane).unwrap_or(u8::MAX);
            self.ops.insert(id, OpRow { at, subject: Subject(subject), lane, held });
        }
        let bursts: Vec<([u8; 32], [u8; 8], [u8; 4], i64, Vec<u8>, [u8; 64], Vec<u8>)> = sqlx::query_as(
            "SELECT digest, author, inc, seq, head, sig, ids FROM burst ORDER BY author, inc, seq, digest",
        )
        .fetch_all(&mut *conn)
        .await?;
        let burst = |(digest, author, inc, seq, head, sig, ids): ([u8; 32], _, _, i64, _, _, Vec<u8>)| BurstRow {
            digest: Digest(digest),
            author: Author(author),
            inc: Incarnation(inc),
            seq: number(seq),
            head,
            sig,
            ids: ids_of(&ids),
        };
        self.bursts = bursts.into_iter().map(burst).collect();
        let refused: Vec<([u8; 32], i16)> =
            sqlx::query_as("SELECT digest, slot FROM refused_slot").fetch_all(&mut *conn).await?;
        self.refused = refused
            .into_iter()
            .filter_map(|(digest, slot)| Some((Digest(digest), usize::try_from(slot).ok()?)))
            .collect();
        let members: Vec<([u8; 17], [u8; 17])> =
            sqlx::query_as("SELECT scope, subject FROM member WHERE put_gen > close_gen").fetch_all(&mut *conn).await?;
        self.members = members.into_iter().map(|(scope, subject)| (Subject(scope), Subject(subject))).collect();
        let roots: Vec<([u8; 17], i16, i64, [u8; 32])> =
            sqlx::query_as("SELECT scope, lane, count, sum FROM root").fetch_all(&mut *conn).await?;
        for (scope, lane, count, sum) in roots {
            let root = Root::from_parts(number(count), &sum);
            self.roots.insert((Subject(scope), u8::try_from(lane).unwrap_or(u8::MAX)), root);
        }
        self.roots.retain(|_, root| *root != Root::default());
        Ok(())
    }

    async fn load_people(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let seats: Vec<([u8; 8], Vec<u8>)> =
            sqlx::query_as("SELECT author, certificate FROM seat").fetch_all(&mut *conn).await?;
        for (author, certificate) in seats {
            let author = Author(author);
            let seat = seat_of(&certificate).ok_or_else(|| anyhow!("the certificate of {author} is damaged"))?;
            self.seats.insert(author, seat);
        }
        let revocations: Vec<([u8; 8], Vec<u8>)> =
            sqlx::query_as("SELECT author, revoked FROM revocation ORDER BY position").fetch_all(&mut *conn).await?;
        for (author, revoked) in revocations {
            let author = Author(author);
            let revoked =
                protocol::cbor::decode(&revoked).ok_or_else(|| anyhow!("a revocation of {author} is damaged"))?;
            self.revocations.entry(author).or_default().push(revoked);
        }
        let chains: Vec<([u8; 8], [u8; 4], i64)> =
            sqlx::query_as("SELECT author, inc, upto FROM chain").fetch_all(&mut *conn).await?;
        let chain = |(author, inc, upto)| ((Author(author), Incarnation(inc)), number(upto));
        self.chains = chains.into_iter().map(chain).collect();
        let duplicates: Option<(i64,)> =
            sqlx::query_as("SELECT value FROM counter WHERE name = 'duplicates_received'").fetch_optional(conn).await?;
        self.duplicates = duplicates.map_or(0, |(value,)| number(value));
        Ok(())
    }

    async fn load_books(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let journals: Vec<([u8; 16], i64, [u8; 16], i32, [u8; 17], String, [u8; 32])> =
            sqlx::query_as("SELECT id, position, key, rev, subject, rule, cause FROM journal_log ORDER BY position")
                .fetch_all(&mut *conn)
                .await?;
        let lines: Vec<(i64, i32, Option<[u8; 17]>, i64)> =
            sqlx::query_as("SELECT position, account_code, owner, amount_paisa FROM posting ORDER BY position, line")
                .fetch_all(&mut *conn)
                .await?;
        let mut by_journal: BTreeMap<i64, Vec<(i32, Option<Subject>, i64)>> = BTreeMap::new();
        for (position, code, owner, paisa) in lines {
            by_journal.entry(position).or_default().push((code, owner.map(Subject), paisa));
        }
        for (id, position, key, rev, subject, rule, cause) in journals {
            let lines = by_journal.remove(&position).unwrap_or_default();
            let (subject, cause) = (Subject(subject), OpId(cause));
            self.journals.push(JournalRow { id, position, key, rev, subject, rule, cause, lines });
        }
        let balances: Vec<(i32, Vec<u8>, i64)> =
            sqlx::query_as("SELECT account_code, owner, amount_paisa FROM balance").fetch_all(conn).await?;
        let balance = |(code, owner, paisa): (i32, Vec<u8>, i64)| ((code, Subject::from_slice(&owner)), paisa);
        self.balances = balances.into_iter().map(balance).collect();
        Ok(())
    }

    async fn load_views(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let parcels: Vec<([u8; 17], String, bool, i64, i64, i64)> =
            sqlx::query_as("SELECT subject, status, contested, due_paisa, collected_paisa, attempts FROM view_parcel")
                .fetch_all(&mut *conn)
                .await?;
        for (subject, status, contested, due, collected, attempts) in parcels {
            self.parcels.insert(Subject(subject), (status, contested, due, collected, attempts));
        }
        let earnings: Vec<([u8; 17], String, i64)> =
            sqlx::query_as("SELECT subject, state, net_paisa FROM view_earning").fetch_all(&mut *conn).await?;
        self.earnings = earnings.into_iter().map(|(subject, state, net)| (Subject(subject), (state, net))).collect();
        let handins: Vec<([u8; 17], String, Option<i64>)> =
            sqlx::query_as("SELECT subject, state, counted_paisa FROM view_handin").fetch_all(&mut *conn).await?;
        self.handins = handins.into_iter().map(|(subject, state, paisa)| (Subject(subject), (state, paisa))).collect();
        let orders: Vec<([u8; 17], bool, bool)> =
            sqlx::query_as("SELECT subject, placed, cancelled FROM view_order").fetch_all(&mut *conn).await?;
        self.orders =
            orders.into_iter().map(|(subject, placed, cancelled)| (Subject(subject), (placed, cancelled))).collect();
        let exceptions: Vec<(String, i64)> =
            sqlx::query_as("SELECT kind, count(*) FROM exception GROUP BY kind ORDER BY kind").fetch_all(conn).await?;
        self.exceptions = exceptions.into_iter().map(|(kind, count)| (kind, number(count))).collect();
        Ok(())
    }
}

/// The seat inside a stored certificate.
pub(super) fn seat_of(certificate: &[u8]) -> Option<Seat> {
    /// A certificate is a signature of this length, then the seat.
    const SIGNATURE: usize = 64;
    protocol::cbor::decode(certificate.get(SIGNATURE..)?)
}

/// Counts and positions are never negative; a damaged one becomes a number that fits nothing.
pub(super) fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
