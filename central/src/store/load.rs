//! Reads the rows that a batch touches into a [`Desk`].

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code};
use protocol::fact::{Fact, Reading, Revoked};
use protocol::id::{Author, Digest, Incarnation, Kind, OpId, Scope, Subject};
use protocol::intake::{Chain, Desk, Generations, HeldBurst, HeldOp, Verified, Wanted};
use protocol::op::Op;
use protocol::root::Root;
use protocol::seat::Seat;
use sqlx::postgres::PgConnection;

use super::{StoreError, seat_of, unsigned};
use crate::ledger;

/// Certificates never change: a process keeps those it read.
pub(crate) type Seats = BTreeMap<Author, Seat>;

/// Loads what `wanted` and `bursts` touch; roots of `scopes` beside those that show by themselves.
pub(crate) async fn desk(
    conn: &mut PgConnection,
    wanted: &Wanted,
    bursts: &[Verified],
    scopes: &BTreeSet<Scope>,
    kept: &mut Seats,
) -> Result<Desk, StoreError> {
    let subjects = subjects(conn, wanted).await?;
    let ops = ops(conn, &subjects).await?;
    let authors: BTreeSet<Author> =
        ops.values().flatten().map(|held| held.author).chain(wanted.authors.iter().copied()).collect();
    let seats = seats(conn, &authors, kept).await?;
    let members = members(conn, &subjects).await?;
    let mut desk = Desk {
        revocations: revocations(conn, &authors).await?,
        bursts: held_bursts(conn, &wanted.digests).await?,
        numbered: numbered(conn, bursts).await?,
        chains: chains(conn, &wanted.chains).await?,
        control_ids: control_ids(conn, &wanted.control_ids).await?,
        standing: ledger::standing(conn, &subjects).await?,
        seats,
        ops,
        members,
        ..Desk::default()
    };
    desk.roots = roots(conn, &root_scopes(&desk, bursts, scopes)).await?;
    desk.balances = balances(conn, &owners(&desk, bursts)).await?;
    Ok(desk)
}

/// The wanted subjects, the parcels of wanted orders (a payment settles them), and those that a revoked
/// author wrote on, with the earnings of parcels.
async fn subjects(conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<[u8; 17]>, sqlx::Error> {
    let mut subjects: BTreeSet<Subject> = wanted.subjects.clone();
    if !wanted.revoked.is_empty() {
        let revoked: Vec<[u8; 8]> = wanted.revoked.iter().map(|author| author.0).collect();
        let wrote: Vec<([u8; 17],)> = sqlx::query_as(
            "SELECT DISTINCT op.subject FROM burst b, generate_series(0, octet_length(b.ids) / 32 - 1) AS place, op
             WHERE b.author = ANY($1) AND op.id = substring(b.ids FROM 32 * place + 1 FOR 32)",
        )
        .bind(revoked)
        .fetch_all(&mut *conn)
        .await?;
        for subject in wrote.into_iter().map(|(subject,)| Subject(subject)) {
            if subject.kind() == Some(Kind::Parcel) {
                subjects.insert(Subject::earning_of(subject));
            }
            subjects.insert(subject);
        }
    }
    let orders: Vec<[u8; 17]> =
        subjects.iter().filter(|subject| subject.kind() == Some(Kind::Order)).map(|order| order.0).collect();
    if !orders.is_empty() {
        let parcels: Vec<([u8; 17],)> = sqlx::query_as("SELECT subject FROM view_parcel WHERE order_subject = ANY($1)")
            .bind(orders)
            .fetch_all(conn)
            .await?;
        for parcel in parcels.into_iter().map(|(parcel,)| Subject(parcel)) {
            subjects.extend([parcel, Subject::earning_of(parcel)]);
        }
    }
    Ok(subjects.into_iter().filter(|subject| !subject.is_scope()).map(|subject| subject.0).collect())
}

type OpColumns = ([u8; 17], [u8; 32], [u8; 8], [u8; 4], i64, i64, Vec<u8>, Option<String>);

/// All ops of `subjects`, in log order.
pub(crate) async fn ops(
    conn: &mut PgConnection,
    subjects: &[[u8; 17]],
) -> Result<BTreeMap<Subject, Vec<HeldOp>>, sqlx::Error> {
    let rows: Vec<OpColumns> = sqlx::query_as(
        "SELECT subject, id, author, inc, seq, time_ms, bytes, apart FROM op
         WHERE subject = ANY($1) ORDER BY subject, position",
    )
    .bind(subjects)
    .fetch_all(conn)
    .await?;
    let mut ops: BTreeMap<Subject, Vec<HeldOp>> = BTreeMap::new();
    for (subject, id, author, inc, seq, time_ms, bytes, apart) in rows {
        ops.entry(Subject(subject)).or_default().push(HeldOp {
            id: OpId(id),
            author: Author(author),
            inc: Incarnation(inc),
            seq: unsigned(seq),
            time_ms: unsigned(time_ms),
            bytes,
            apart,
        });
    }
    Ok(ops)
}

/// The seats of `authors`, read once in a process.
pub(crate) async fn seats(
    conn: &mut PgConnection,
    authors: &BTreeSet<Author>,
    kept: &mut Seats,
) -> Result<Seats, StoreError> {
    let missing: Vec<[u8; 8]> = authors.iter().filter(|author| !kept.contains_key(author)).map(|a| a.0).collect();
    if !missing.is_empty() {
        let rows: Vec<([u8; 8], Vec<u8>)> =
            sqlx::query_as("SELECT author, certificate FROM seat WHERE author = ANY($1)")
                .bind(missing)
                .fetch_all(conn)
                .await?;
        for (author, certificate) in rows {
            kept.insert(Author(author), seat_of(&certificate)?);
        }
    }
    Ok(authors.iter().filter_map(|author| Some((*author, kept.get(author)?.clone()))).collect())
}

/// Revocations of `authors`.
pub(crate) async fn revocations(
    conn: &mut PgConnection,
    authors: &BTreeSet<Author>,
) -> Result<BTreeMap<Author, Vec<Revoked>>, StoreError> {
    let rows: Vec<([u8; 8], Vec<u8>)> =
        sqlx::query_as("SELECT author, revoked FROM revocation WHERE author = ANY($1) ORDER BY position")
            .bind(authors.iter().map(|author| author.0).collect::<Vec<_>>())
            .fetch_all(conn)
            .await?;
    let mut revocations: BTreeMap<Author, Vec<Revoked>> = BTreeMap::new();
    for (author, revoked) in rows {
        let revoked = protocol::cbor::decode(&revoked).ok_or(StoreError::Damaged("revocation"))?;
        revocations.entry(Author(author)).or_default().push(revoked);
    }
    Ok(revocations)
}

async fn held_bursts(
    conn: &mut PgConnection,
    digests: &BTreeSet<Digest>,
) -> Result<BTreeMap<Digest, HeldBurst>, sqlx::Error> {
    let rows: Vec<([u8; 32], i64)> = sqlx::query_as("SELECT digest, answered FROM burst WHERE digest = ANY($1)")
        .bind(digests.iter().map(|digest| digest.0).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    let held = |(digest, answered): ([u8; 32], i64)| (Digest(digest), HeldBurst { answered: answered.cast_unsigned() });
    Ok(rows.into_iter().map(held).collect())
}

async fn numbered(
    conn: &mut PgConnection,
    bursts: &[Verified],
) -> Result<BTreeMap<(Author, Incarnation, u64), Digest>, sqlx::Error> {
    let heads = || bursts.iter().map(|verified| &verified.burst.head);
    let rows: Vec<([u8; 8], [u8; 4], i64, [u8; 32])> = sqlx::query_as(
        "SELECT b.author, b.inc, b.seq, b.digest
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS u(author, inc, seq)
         JOIN burst b ON b.author = u.author AND b.inc = u.inc AND b.seq = u.seq",
    )
    .bind(heads().map(|head| head.author.0).collect::<Vec<_>>())
    .bind(heads().map(|head| head.inc.0).collect::<Vec<_>>())
    .bind(heads().map(|head| super::signed(head.seq)).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let number = |(author, inc, seq, digest)| ((Author(author), Incarnation(inc), unsigned(seq)), Digest(digest));
    Ok(rows.into_iter().map(number).collect())
}

type BeyondColumns = ([u8; 8], [u8; 4], i64, bool, Option<i64>, Option<i64>, Option<i32>);

/// The chains, each with the bursts that lie beyond a gap.
async fn chains(
    conn: &mut PgConnection,
    wanted: &BTreeSet<(Author, Incarnation)>,
) -> Result<BTreeMap<(Author, Incarnation), Chain>, sqlx::Error> {
    let rows: Vec<BeyondColumns> = sqlx::query_as(
        "SELECT c.author, c.inc, c.upto, c.forked, b.seq, b.answered, octet_length(b.ids)
         FROM unnest($1::bytea[], $2::bytea[]) AS u(author, inc)
         JOIN chain c ON c.author = u.author AND c.inc = u.inc
         LEFT JOIN burst b ON b.author = c.author AND b.inc = c.inc AND b.seq > c.upto",
    )
    .bind(wanted.iter().map(|(author, _)| author.0).collect::<Vec<_>>())
    .bind(wanted.iter().map(|(_, inc)| inc.0).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let mut chains: BTreeMap<(Author, Incarnation), Chain> = BTreeMap::new();
    for (author, inc, upto, forked, seq, answered, bytes) in rows {
        let chain = chains.entry((Author(author), Incarnation(inc))).or_default();
        (chain.upto, chain.forked) = (unsigned(upto), forked);
        if let (Some(seq), Some(answered), Some(bytes)) = (seq, answered, bytes) {
            *chain.beyond.entry(unsigned(seq)).or_default() |= is_whole(answered.cast_unsigned(), bytes / 32);
        }
    }
    Ok(chains)
}

fn is_whole(answered: u64, n: i32) -> bool {
    let all = (1..=64).contains(&n).then(|| u64::MAX >> (64 - n));
    all == Some(answered)
}

async fn control_ids(conn: &mut PgConnection, ids: &BTreeSet<OpId>) -> Result<BTreeSet<OpId>, sqlx::Error> {
    let rows: Vec<([u8; 32],)> = sqlx::query_as("SELECT id FROM op WHERE id = ANY($1)")
        .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|(id,)| OpId(id)).collect())
}

async fn members(
    conn: &mut PgConnection,
    subjects: &[[u8; 17]],
) -> Result<BTreeMap<Subject, BTreeMap<Scope, Generations>>, sqlx::Error> {
    let rows: Vec<([u8; 17], [u8; 17], i64, i64)> =
        sqlx::query_as("SELECT subject, scope, put_gen, close_gen FROM member WHERE subject = ANY($1)")
            .bind(subjects)
            .fetch_all(conn)
            .await?;
    // One that is nobody's is there without any: it was looked at.
    let mut members: BTreeMap<Subject, BTreeMap<Scope, Generations>> =
        subjects.iter().map(|subject| (Subject(*subject), BTreeMap::new())).collect();
    for (subject, scope, put, close) in rows {
        let generation = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let generations = Generations { put: generation(put), close: generation(close) };
        members.entry(Subject(subject)).or_default().insert(Subject(scope), generations);
    }
    Ok(members)
}

/// The scopes whose roots the batch may change: where its subjects are members, what its controls
/// name, and the scopes of everybody who wrote.
fn root_scopes(desk: &Desk, bursts: &[Verified], more: &BTreeSet<Scope>) -> BTreeSet<Scope> {
    let mut scopes = more.clone();
    scopes.extend(desk.members.values().flat_map(BTreeMap::keys));
    scopes.extend(desk.seats.values().map(|seat| seat.party));
    scopes.extend(opened(bursts).filter(|op| op.subject.is_scope()).map(|op| op.subject));
    scopes
}

async fn roots(conn: &mut PgConnection, scopes: &BTreeSet<Scope>) -> Result<BTreeMap<(Scope, u8), Root>, StoreError> {
    let rows: Vec<([u8; 17], i16, i64, [u8; 32])> =
        sqlx::query_as("SELECT scope, lane, count, sum FROM root WHERE scope = ANY($1)")
            .bind(scopes.iter().map(|scope| scope.0).collect::<Vec<_>>())
            .fetch_all(conn)
            .await?;
    // A scope without rows was looked at too: it has empty sets.
    let mut roots: BTreeMap<(Scope, u8), Root> = scopes
        .iter()
        .flat_map(|scope| (0..protocol::op::lane::COUNT).map(|lane| ((*scope, lane), Root::default())))
        .collect();
    for (scope, lane, count, sum) in rows {
        let lane = u8::try_from(lane).map_err(|_| StoreError::Damaged("root"))?;
        roots.insert((Subject(scope), lane), Root::from_parts(unsigned(count), &sum));
    }
    Ok(roots)
}

/// Vendors and orders that the loaded and the new facts name: their accounts decide about fees, and about
/// what was paid ahead.
fn owners(desk: &Desk, bursts: &[Verified]) -> BTreeSet<Subject> {
    let held = desk.ops.values().flatten().filter_map(|held| Op::decode(&held.bytes).ok());
    let named = |op: Op| match Fact::read(op.class_kind, &op.payload) {
        Reading::Known(Fact::ParcelCreated(created)) => vec![created.vendor],
        Reading::Known(Fact::EarningOpened(terms)) => vec![terms.vendor],
        Reading::Known(Fact::TermsFrozen(terms)) if terms.prepaid => vec![terms.vendor, terms.order],
        Reading::Known(Fact::TermsFrozen(terms)) => vec![terms.vendor],
        _ => Vec::new(),
    };
    held.chain(opened(bursts)).flat_map(named).collect()
}

fn opened(bursts: &[Verified]) -> impl Iterator<Item = Op> + '_ {
    let slots = bursts.iter().flat_map(|verified| &verified.burst.slots);
    slots.filter_map(|slot| match slot {
        protocol::burst::Slot::Open(bytes) => Op::decode(bytes).ok(),
        protocol::burst::Slot::Withheld(_) => None,
    })
}

/// Balances of strict accounts and of escrow. One without a row is there as nothing: that it was looked at is what a batch
/// that is worked out ahead is held to.
async fn balances(
    conn: &mut PgConnection,
    owners: &BTreeSet<Subject>,
) -> Result<BTreeMap<Account, protocol::taka::Taka>, sqlx::Error> {
    let decides = |code: &&Code| code.is_strict() || **code == Code::Escrow;
    let codes: Vec<Code> = Code::ALL.iter().filter(decides).copied().collect();
    let rows: Vec<(i32, [u8; 17], i64)> = sqlx::query_as(
        "SELECT account_code, owner, amount_paisa FROM balance WHERE account_code = ANY($1) AND owner = ANY($2)",
    )
    .bind(codes.iter().map(|code| i32::from(*code as u16)).collect::<Vec<_>>())
    .bind(owners.iter().map(|owner| owner.0).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let balance = |(code, owner, amount): (i32, [u8; 17], i64)| {
        let code = u16::try_from(code).ok().and_then(Code::of)?;
        Some((code.of_owner(Subject(owner)), ledger::paisa(amount)))
    };
    let looked_at = owners.iter().flat_map(|owner| codes.iter().map(|code| code.of_owner(*owner)));
    let mut balances: BTreeMap<_, _> = looked_at.map(|account| (account, protocol::taka::Taka::ZERO)).collect();
    balances.extend(rows.into_iter().filter_map(balance));
    Ok(balances)
}
