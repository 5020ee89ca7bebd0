//! What a sync-hub asks of central's store. Each answer is one read-only snapshot.

/// SQL of `scopes`, the scopes between $1 and $2 of which anything is known, and of `m`, their open members with the
/// position at which each was first put. Every set has something in lane 0. OFFSET 0 keeps each look by key: a plan
/// that is made once for all devices guesses badly at ranges, and read the whole log for every page.
macro_rules! open_members {
    () => {
        "r AS MATERIALIZED (SELECT * FROM unnest($1::bytea[], $2::bytea[]) AS r(low, high)),
         scopes AS MATERIALIZED (SELECT DISTINCT known.scope FROM r, LATERAL (
            SELECT root.scope FROM root WHERE root.scope BETWEEN r.low AND r.high AND root.lane = 0 OFFSET 0) AS known),
         m AS MATERIALIZED (SELECT open.subject, min(open.position) AS position FROM scopes, LATERAL (
            SELECT member.subject, member.position FROM member
             WHERE member.scope = scopes.scope AND member.put_gen > member.close_gen OFFSET 0) AS open
            GROUP BY open.subject)"
    };
}

mod moves;
mod page;
mod sets;

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code};
use protocol::burst::{Burst, Head, Slot};
use protocol::frame::OwnHead;
use protocol::id::{Author, Digest, Incarnation, OpId, Scope, Subject};
use protocol::root::Root;
use protocol::seat::{Seat, bits};
use protocol::taka::Taka;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Postgres, Transaction};

use crate::ledger::paisa;
use crate::store::{self, StoreError, signed, unsigned};

pub use moves::{LogWatch, Place, Touched, end_of_log, touched, watch};
pub use page::{Limits, Page, Source, Standing, page};
pub use sets::{Difference, Joined, MAX_DIFFERENCE_OPS, difference, elements, joined, ops};

/// What a device is told when it says hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The log; another one than before means a restore, and cursors start anew.
    pub log_id: [u8; 8],
    /// Its position.
    pub position: u64,
    /// The device's own chains.
    pub heads: Vec<OwnHead>,
    /// Only a drain session is left.
    pub revoked: bool,
}

/// A seat as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatRow {
    /// Its certificate as signed.
    pub certificate: Vec<u8>,
    /// Its name.
    pub author: Author,
    /// Revoked.
    pub revoked: bool,
}

/// What a device says of itself at the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// Own bursts that are not SAFE.
    pub waiting: u64,
    /// All its roots equal central's.
    pub root_equal: bool,
    /// Its books equal central's.
    pub books_equal: bool,
    /// Its cursor.
    pub position: u64,
    /// Ops it holds.
    pub ops: u64,
}

/// Central's books as far as they are a seat's business (SPEC S4, books_equal).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// The log position they stand at.
    pub position: u64,
    /// Net by account of the journal log over the seat's open member subjects; zero nets left out.
    pub subjects: BTreeMap<Account, Taka>,
    /// Whole balances of the accounts that the seat's party owns; zero ones left out.
    pub owned: BTreeMap<Account, Taka>,
}

/// Why a hub gets no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The scope is none of the seat's.
    #[error("this seat may not read {0}: ask for the scopes of its certificate")]
    NotYours(Scope),
}

impl From<sqlx::Error> for ReplicationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What the author of a session may be told of himself.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn welcome(pool: &PgPool, author: Author) -> Result<Welcome, ReplicationError> {
    let mut tx = snapshot(pool).await?;
    let head = store::log_head(&mut tx).await?;
    let rows: Vec<([u8; 4], i64, i64, bool, Option<[u8; 32]>)> = sqlx::query_as(
        "SELECT inc, upto, highest, forked,
                (SELECT digest FROM burst
                 WHERE NOT chain.forked AND burst.author = chain.author AND burst.inc = chain.inc AND seq = upto
                 LIMIT 1)
         FROM chain WHERE author = $1 ORDER BY inc",
    )
    .bind(author.0)
    .fetch_all(&mut *tx)
    .await?;
    let (revoked,): (bool,) = sqlx::query_as("SELECT EXISTS (SELECT 1 FROM revocation WHERE author = $1)")
        .bind(author.0)
        .fetch_one(&mut *tx)
        .await?;
    let own = |(inc, upto, highest, forked, digest): ([u8; 4], i64, i64, bool, Option<[u8; 32]>)| OwnHead {
        inc: Incarnation(inc),
        upto: unsigned(upto),
        highest: unsigned(highest),
        forked,
        digest: digest.and_then(|digest| digest.first_chunk().copied()),
    };
    let heads = rows.into_iter().map(own).collect();
    Ok(Welcome { log_id: head.log_id, position: head.position, heads, revoked })
}

/// The seat that holds this public key.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn seat_by_key(pool: &PgPool, key: &[u8; 32]) -> Result<Option<SeatRow>, ReplicationError> {
    let row: Option<(Vec<u8>, [u8; 8], bool)> =
        sqlx::query_as("SELECT certificate, author, revoked_at IS NOT NULL FROM seat WHERE public_key = $1")
            .bind(key)
            .fetch_optional(pool)
            .await?;
    Ok(row.map(|(certificate, author, revoked)| SeatRow { certificate, author: Author(author), revoked }))
}

/// Certificates of `authors`, as far as they are known.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn certificates(pool: &PgPool, authors: &[Author]) -> Result<Vec<Vec<u8>>, ReplicationError> {
    let mut conn = pool.acquire().await.map_err(StoreError::from)?;
    Ok(certificates_of(&mut conn, &authors.iter().copied().collect()).await?)
}

/// What the handover codes of `parcels` open, as far as the seat's own counter opens them and they are made.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn boxes_of(
    pool: &PgPool,
    seat: &Seat,
    parcels: &[Subject],
) -> Result<Vec<(Subject, Vec<u8>)>, ReplicationError> {
    let mut conn = pool.acquire().await.map_err(StoreError::from)?;
    Ok(boxes(&mut conn, seat, &parcels.iter().copied().collect()).await?)
}

/// Records what a device says of itself.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn note_status(pool: &PgPool, author: Author, status: DeviceStatus) -> Result<(), ReplicationError> {
    sqlx::query(
        "INSERT INTO device_status (author, last_seen, waiting, root_equal, books_equal, position, ops)
         VALUES ($1, now(), $2, $3, $4, $5, $6)
         ON CONFLICT (author) DO UPDATE SET last_seen = excluded.last_seen, waiting = excluded.waiting,
            root_equal = excluded.root_equal, books_equal = excluded.books_equal, position = excluded.position,
            ops = excluded.ops",
    )
    .bind(author.0)
    .bind(signed(status.waiting))
    .bind(status.root_equal)
    .bind(status.books_equal)
    .bind(signed(status.position))
    .bind(signed(status.ops))
    .execute(pool)
    .await?;
    Ok(())
}

/// Counts a whole burst that was refused before intake: by author if he is known, and by code.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn note_refused(
    pool: &PgPool,
    author: Author,
    digest: Digest,
    code: &'static str,
) -> Result<(), ReplicationError> {
    sqlx::query(
        "INSERT INTO refused_burst (author, code, digest, count)
         VALUES (coalesce((SELECT author FROM seat WHERE author = $1), ''::bytea), $2, $3, 1)
         ON CONFLICT (author, code) DO UPDATE
            SET count = refused_burst.count + 1, digest = excluded.digest, last_at = now()",
    )
    .bind(author.0)
    .bind(code)
    .bind(digest.0)
    .execute(pool)
    .await?;
    metrics::counter!("bursts_refused_total", "code" => code).increment(1);
    Ok(())
}

/// Central's books over what `seat` may read and own.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn books(pool: &PgPool, seat: &Seat) -> Result<Books, ReplicationError> {
    let mut tx = snapshot(pool).await?;
    let head = store::log_head(&mut tx).await?;
    let readable = Ranges::of(seat, bits::READ);
    let subjects = subject_books(&mut tx, &readable).await?;
    let owned: Vec<(i32, Vec<u8>, i64)> =
        sqlx::query_as("SELECT account_code, owner, amount_paisa FROM balance WHERE owner = $1 AND amount_paisa <> 0")
            .bind(seat.party.0)
            .fetch_all(&mut *tx)
            .await?;
    Ok(Books { position: head.position, subjects, owned: sums(owned)? })
}

/// Net by account of the journal log over the open member subjects.
async fn subject_books(conn: &mut PgConnection, readable: &Ranges) -> Result<BTreeMap<Account, Taka>, StoreError> {
    let rows: Vec<(i32, Vec<u8>, i64)> = sqlx::query_as(concat!(
        "WITH ",
        open_members!(),
        " SELECT p.account_code, p.owner, sum(p.amount_paisa)::bigint FROM m, LATERAL (
            SELECT p.account_code, coalesce(p.owner, ''::bytea) AS owner, p.amount_paisa
              FROM journal_log j JOIN posting p ON p.position = j.position WHERE j.subject = m.subject OFFSET 0) AS p
         GROUP BY 1, 2 HAVING sum(p.amount_paisa) <> 0",
    ))
    .bind(&readable.low)
    .bind(&readable.high)
    .fetch_all(conn)
    .await?;
    sums(rows)
}

fn sums(rows: Vec<(i32, Vec<u8>, i64)>) -> Result<BTreeMap<Account, Taka>, StoreError> {
    let sum = |(code, owner, amount): (i32, Vec<u8>, i64)| {
        let code = u16::try_from(code).ok().and_then(Code::of).ok_or(StoreError::Damaged("account"))?;
        Ok((Account { code, owner: Subject::from_slice(&owner) }, paisa(amount)))
    };
    rows.into_iter().map(sum).collect()
}

/// A read-only snapshot: everything in one answer is of one position.
async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    store::by_key(&mut tx).await?;
    Ok(tx)
}

/// Scopes as byte ranges: a grant is a kind and a prefix, which an index can follow.
struct Ranges {
    low: Vec<[u8; 17]>,
    high: Vec<[u8; 17]>,
}

impl Ranges {
    fn of(seat: &Seat, rights: u8) -> Self {
        let grants = seat.grants.iter().filter(|grant| grant.bits & rights == rights && grant.prefix.len() <= 16);
        let bound = |grant: &protocol::seat::Grant, fill: u8| {
            let mut bytes = [fill; 17];
            bytes[0] = grant.kind;
            bytes[1..=grant.prefix.len()].copy_from_slice(&grant.prefix);
            bytes
        };
        let (low, high) = grants.map(|grant| (bound(grant, 0), bound(grant, 0xff))).unzip();
        Self { low, high }
    }
}

async fn roots(conn: &mut PgConnection, readable: &Ranges) -> Result<Vec<(Scope, u8, Root)>, StoreError> {
    let rows: Vec<([u8; 17], i16, i64, [u8; 32])> = sqlx::query_as(
        "SELECT DISTINCT root.scope, root.lane, root.count, root.sum
         FROM unnest($1::bytea[], $2::bytea[]) AS r(low, high) JOIN root ON root.scope BETWEEN r.low AND r.high
         ORDER BY root.scope, root.lane",
    )
    .bind(&readable.low)
    .bind(&readable.high)
    .fetch_all(conn)
    .await?;
    let root = |(scope, lane, count, sum): ([u8; 17], i16, i64, [u8; 32])| {
        let lane = u8::try_from(lane).map_err(|_| StoreError::Damaged("root"))?;
        Ok((Subject(scope), lane, Root::from_parts(unsigned(count), &sum)))
    };
    rows.into_iter().map(root).collect()
}

/// Ops as they travel: in their bursts, with certificates and keys.
#[derive(Clone, Debug, Default)]
pub struct Parcelled {
    /// Bursts in the order of their first op, with only these ops open.
    pub bursts: Vec<Burst>,
    /// Certificates of all their authors.
    pub certificates: Vec<Vec<u8>>,
    /// Keys of sealed fields of their subjects that the seat may open.
    pub keys: Vec<(Subject, [u8; 32])>,
    /// Boxes of the handover codes that the device's own counter opens.
    pub boxes: Vec<(Subject, Vec<u8>)>,
}

type SlotColumns = ([u8; 32], i16, [u8; 17], Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

impl Parcelled {
    /// The bursts of `ids` with only those open, in the order of their first op; a burst's other slots
    /// are withheld.
    async fn of(conn: &mut PgConnection, seat: &Seat, ids: &[[u8; 32]]) -> Result<Self, StoreError> {
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let rows: Vec<SlotColumns> = sqlx::query_as(
            "SELECT op.digest, op.slot, op.subject, op.bytes, b.head, b.sig, b.ids
             FROM op JOIN burst b ON b.digest = op.digest WHERE op.id = ANY($1) ORDER BY op.position",
        )
        .bind(ids)
        .fetch_all(&mut *conn)
        .await?;
        let mut bursts: Vec<Burst> = Vec::new();
        let mut index: BTreeMap<[u8; 32], usize> = BTreeMap::new();
        let mut subjects: BTreeSet<Subject> = BTreeSet::new();
        for (digest, slot, subject, bytes, head, sig, all) in rows {
            let at = match index.get(&digest) {
                Some(at) => *at,
                None => {
                    bursts.push(withheld(&head, &sig, &all)?);
                    index.insert(digest, bursts.len() - 1);
                    bursts.len() - 1
                }
            };
            let opened = usize::try_from(slot).ok().and_then(|slot| bursts[at].slots.get_mut(slot));
            *opened.ok_or(StoreError::Damaged("op"))? = Slot::Open(bytes);
            subjects.insert(Subject(subject));
        }
        let authors: BTreeSet<Author> = bursts.iter().map(|burst| burst.head.author).collect();
        let certificates = certificates_of(conn, &authors).await?;
        let keys = keys(conn, seat, &subjects).await?;
        let boxes = boxes(conn, seat, &subjects).await?;
        Ok(Self { bursts, certificates, keys, boxes })
    }
}

/// A burst with all its slots withheld.
fn withheld(head: &[u8], sig: &[u8], ids: &[u8]) -> Result<Burst, StoreError> {
    let damaged = || StoreError::Damaged("burst");
    let (head, _) = Head::decode_front(head).map_err(|_| damaged())?;
    let sig = sig.try_into().map_err(|_| damaged())?;
    let (ids, rest) = ids.as_chunks::<32>();
    if ids.len() != usize::from(head.n) || !rest.is_empty() {
        return Err(damaged());
    }
    Ok(Burst { head, sig, slots: ids.iter().map(|id| Slot::Withheld(OpId(*id))).collect() })
}

async fn certificates_of(conn: &mut PgConnection, authors: &BTreeSet<Author>) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT certificate FROM seat WHERE author = ANY($1) ORDER BY author")
        .bind(authors.iter().map(|author| author.0).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|(certificate,)| certificate).collect())
}

/// Keys of those `subjects` that are members of a scope whose sealed fields the seat may open.
async fn keys(
    conn: &mut PgConnection,
    seat: &Seat,
    subjects: &BTreeSet<Subject>,
) -> Result<Vec<(Subject, [u8; 32])>, sqlx::Error> {
    let sealed = Ranges::of(seat, bits::READ | bits::UNSEAL);
    let rows: Vec<([u8; 17], [u8; 32])> = sqlx::query_as(
        "SELECT k.subject, k.key FROM subject_key k WHERE k.subject = ANY($1) AND EXISTS (
            SELECT 1 FROM unnest($2::bytea[], $3::bytea[]) AS r(low, high)
            JOIN member ON member.subject = k.subject AND member.scope BETWEEN r.low AND r.high
            WHERE member.put_gen > member.close_gen)
         ORDER BY k.subject",
    )
    .bind(subjects.iter().map(|subject| subject.0).collect::<Vec<_>>())
    .bind(&sealed.low)
    .bind(&sealed.high)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(subject, key)| (Subject(subject), key)).collect())
}

/// Boxes of those `subjects` that are fetched at the seat's own counter.
async fn boxes(
    conn: &mut PgConnection,
    seat: &Seat,
    subjects: &BTreeSet<Subject>,
) -> Result<Vec<(Subject, Vec<u8>)>, sqlx::Error> {
    let rows: Vec<([u8; 17], Vec<u8>)> = sqlx::query_as(
        "SELECT parcel, sealed FROM handover_code
         WHERE parcel = ANY($1) AND point = $2 AND sealed IS NOT NULL ORDER BY parcel",
    )
    .bind(subjects.iter().map(|subject| subject.0).collect::<Vec<_>>())
    .bind(seat.party.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(parcel, sealed)| (Subject(parcel), sealed)).collect())
}
