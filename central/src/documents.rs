//! Products at central. What operations enter becomes a change of the product's document; what a
//! vendor changed is brought over to the offer by a projector behind the intake, never inside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use protocol::decide::Draft;
use protocol::document::product::{self, Sale};
use protocol::document::{self, Document, EditError, Field, Value};
use protocol::fact::{Fact, MAX_PUT_SUBJECTS, ProductChange, Put, Reading};
use protocol::id::{Author, Kind, Scope, Subject};
use protocol::intake::HeldOp;
use protocol::op::Op;
use sqlx::postgres::{PgConnection, PgPool};

use crate::intake::{Extra, Guard, Intake, IntakeError};
use crate::problem::Error;
use crate::store::{self, StoreError, load, signed};

pub mod view;

/// The kind of an exception: a product that cannot be offered as it stands.
pub const UNSELLABLE: &str = "unsellable_product";
/// How long an offer may be behind its product.
const LOOK: Duration = Duration::from_millis(500);
/// Most ops in one look: a transaction of some milliseconds.
const PART: i64 = 200;
/// How often operations' list is drawn up anew because a vendor edited meanwhile.
const TRIES: u32 = 4;
/// Kinds that change a product: [`Fact::ProductEntered`], [`Fact::ProductChanged`].
const KINDS: [i32; 2] = [0x1080, 0x2010];

/// One thing to be on offer.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Stock keeping unit.
    pub sku: String,
    /// What it is to be.
    pub sale: Sale,
}

/// Enters products of a vendor and puts them on offer: changes and offers in one transaction. Fields
/// that have their value already are left alone, so that nothing of the vendor's is written over.
///
/// # Errors
/// `document_full`, `busy`; the machinery.
pub async fn enter(
    pool: &PgPool,
    intake: &Intake,
    (slug, vendor): (&str, Scope),
    entries: Vec<Entry>,
) -> Result<(), Error> {
    let entries = Arc::new(entries);
    for _ in 0..TRIES {
        let mut conn = pool.acquire().await?;
        let drawn = draw(&mut conn, intake.author_name(), vendor, &entries).await?;
        drop(conn);
        let (slug, entries) = (slug.to_owned(), Arc::clone(&entries));
        if drawn.drafts.is_empty() {
            let mut conn = pool.acquire().await?;
            return Ok(offer(&mut conn, &slug, &entries).await?);
        }
        let (subjects, total) = (Arc::new(drawn.subjects), drawn.total);
        let extra: Extra = Arc::new(move |conn| {
            let (slug, entries, subjects) = (slug.clone(), Arc::clone(&entries), Arc::clone(&subjects));
            Box::pin(async move {
                let (now,): (i64,) = sqlx::query_as("SELECT count(*) FROM op WHERE subject = ANY($1)")
                    .bind(subjects.as_slice())
                    .fetch_one(&mut *conn)
                    .await?;
                // A vendor's edit came between: the changes are drawn again on what it says.
                if now != total {
                    return Err(sqlx::Error::RowNotFound);
                }
                offer(conn, &slug, &entries).await
            })
        });
        match intake.author(drawn.drafts, Vec::new(), Some(Guard { check: None, extra: Some(extra) })).await {
            Ok(_) => return Ok(()),
            Err(IntakeError::Extra(sqlx::Error::RowNotFound)) => {}
            Err(IntakeError::Extra(error)) => return Err(error.into()),
            Err(error) => return Err(anyhow::Error::from(error).into()),
        }
    }
    let next = "Send the list again in a moment.";
    Err(Error::refuse(503, "busy", "The vendor is editing these products right now.", next))
}

struct Drawn {
    drafts: Vec<Draft>,
    subjects: Vec<[u8; 17]>,
    /// How many ops these subjects have when the drafts are written.
    total: i64,
}

async fn draw(conn: &mut PgConnection, author: Author, vendor: Scope, entries: &[Entry]) -> Result<Drawn, Error> {
    let inc = store::place(conn, author).await.map_err(anyhow::Error::from)?.inc;
    let subject = |entry: &Entry| Subject::product(vendor, &entry.sku);
    let subjects: Vec<[u8; 17]> = entries.iter().map(|entry| subject(entry).0).collect();
    let (mut total,): (i64,) = sqlx::query_as("SELECT count(*) FROM op WHERE subject = ANY($1)")
        .bind(&subjects)
        .fetch_one(&mut *conn)
        .await?;
    let documents = documents(conn, &subjects).await.map_err(anyhow::Error::from)?;
    let routed: Vec<([u8; 17], i64, i64)> =
        sqlx::query_as("SELECT subject, put_gen, close_gen FROM member WHERE scope = $1 AND subject = ANY($2)")
            .bind(vendor.0)
            .bind(&subjects)
            .fetch_all(conn)
            .await?;
    let routed: BTreeMap<[u8; 17], (i64, i64)> =
        routed.into_iter().map(|(subject, put, close)| (subject, (put, close))).collect();
    let (mut drafts, mut puts): (_, BTreeMap<u32, Vec<Subject>>) = (Vec::new(), BTreeMap::new());
    let none = Document::of([]);
    for entry in entries {
        let subject = subject(entry);
        let document = documents.get(&subject).map_or(&none, |held| &held.document);
        let (put, close) = routed.get(&subject.0).copied().unwrap_or_default();
        if put <= close {
            puts.entry(u32::try_from(close + 1).unwrap_or(u32::MAX)).or_default().push(subject);
        }
        let change = match document.edit(author, inc, &fields(&entry.sale)) {
            Ok(change) => change,
            Err(EditError::Nothing) => continue,
            Err(EditError::Full | EditError::Disputed) => {
                let told = format!("{} was changed too often to be changed again.", entry.sku);
                return Err(Error::refuse(409, "document_full", told, "Offer the goods under another sku."));
            }
        };
        let edit = ProductChange { vendor, sku: entry.sku.clone(), change };
        drafts.push(Draft { subject, fact: Fact::ProductEntered(edit) });
        total += 1;
    }
    for (generation, subjects) in puts {
        for part in subjects.chunks(MAX_PUT_SUBJECTS) {
            let put = Put { generation, subjects: part.to_vec() };
            drafts.push(Draft { subject: vendor, fact: Fact::Put(put) });
        }
    }
    Ok(Drawn { drafts, subjects, total })
}

fn fields(sale: &Sale) -> [(&'static str, Value); 4] {
    [
        (product::NAME_EN, Value::Text(sale.name_en.clone())),
        (product::NAME_BN, Value::Text(sale.name_bn.clone())),
        (product::UNIT, Value::Text(sale.unit.clone())),
        (product::PRICE, Value::Number(sale.price.paisa())),
    ]
}

/// Writes offers in order of their sku, as every writer of offers does: none waits for another in a ring.
async fn offer(conn: &mut PgConnection, slug: &str, entries: &[Entry]) -> Result<(), sqlx::Error> {
    let rows: Vec<(&str, &str, &Sale)> =
        entries.iter().map(|entry| (slug, entry.sku.as_str(), &entry.sale)).collect();
    write_offers(conn, &rows).await
}

async fn write_offers(conn: &mut PgConnection, rows: &[(&str, &str, &Sale)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO offer (vendor, sku, name_en, name_bn, unit, unit_price_paisa)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
            AS u(vendor, sku, name_en, name_bn, unit, price) ORDER BY vendor, sku
         ON CONFLICT (vendor, sku) DO UPDATE SET name_en = excluded.name_en, name_bn = excluded.name_bn,
            unit = excluded.unit, unit_price_paisa = excluded.unit_price_paisa",
    )
    .bind(rows.iter().map(|(vendor, _, _)| *vendor).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, sku, _)| *sku).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, sale)| sale.name_en.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, sale)| sale.name_bn.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, sale)| sale.unit.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, sale)| sale.price.paisa()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// A product as central holds it.
struct Held {
    document: Document,
    vendor: Scope,
    sku: String,
}

/// The documents of those of `subjects` that anybody wrote.
async fn documents(conn: &mut PgConnection, subjects: &[[u8; 17]]) -> Result<BTreeMap<Subject, Held>, StoreError> {
    let ops = load::ops(conn, subjects).await?;
    let authors: BTreeSet<Author> = ops.values().flatten().map(|held| held.author).collect();
    let seats = load::seats(conn, &authors, &mut load::Seats::new()).await?;
    let held = |(subject, ops): (Subject, Vec<HeldOp>)| {
        let (vendor, sku) = ops.iter().filter(|held| held.apart.is_none()).find_map(owner)?;
        metrics::counter!("documents_loaded_total").increment(1);
        let document = Document::of(document::changes_of(&subject, &ops, &seats, None));
        Some((subject, Held { document, vendor, sku }))
    };
    Ok(ops.into_iter().filter_map(held).collect())
}

fn owner(held: &HeldOp) -> Option<(Scope, String)> {
    let op = Op::decode(&held.bytes).ok()?;
    match Fact::read(op.class_kind, &op.payload) {
        Reading::Known(Fact::ProductEntered(edit) | Fact::ProductChanged(edit)) => Some((edit.vendor, edit.sku)),
        _ => None,
    }
}

/// Follows the log until the task is aborted: offers are what their products say.
pub(crate) async fn follow(pool: PgPool) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(error) = catch_up(&pool).await {
            // A vendor's edit and operations' list at one moment: the next look has it.
            tracing::info!(%error, "offers are brought up to date at the next look");
        }
    }
}

/// Brings the offers up to the end of the log. Returns how many products were looked at.
///
/// # Errors
/// See [`StoreError`]; what was done before it stays, and the next call goes on there.
pub async fn catch_up(pool: &PgPool) -> Result<u64, StoreError> {
    let mut looked = 0;
    loop {
        // One snapshot: an offer that changed since it was taken is not written over, but looked at again.
        let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        let (from,): (i64,) =
            sqlx::query_as("SELECT position FROM document_cursor FOR UPDATE").fetch_one(&mut *tx).await?;
        let end = signed(store::log_head(&mut tx).await?.position);
        let rows: Vec<([u8; 17], i64)> = sqlx::query_as(
            "SELECT subject, position FROM op WHERE position > $1 AND class_kind = ANY($2) AND apart IS NULL
             ORDER BY position LIMIT $3",
        )
        .bind(from)
        .bind(KINDS.as_slice())
        .bind(PART)
        .fetch_all(&mut *tx)
        .await?;
        let whole = signed(rows.len() as u64) < PART;
        let upto = if whole { end } else { rows.last().map_or(end, |(_, position)| *position) };
        if upto == from {
            return Ok(looked);
        }
        let subjects: BTreeSet<[u8; 17]> = rows.into_iter().map(|(subject, _)| subject).collect();
        let subjects: Vec<[u8; 17]> = subjects.into_iter().collect();
        project(&mut tx, &subjects).await?;
        sqlx::query("UPDATE document_cursor SET position = $1").bind(upto).execute(&mut *tx).await?;
        tx.commit().await?;
        looked += subjects.len() as u64;
        if whole {
            return Ok(looked);
        }
    }
}

/// Looks at every product again; part of a rebuild.
pub(crate) async fn project_all(conn: &mut PgConnection) -> Result<(), StoreError> {
    let subjects: Vec<([u8; 17],)> = sqlx::query_as(
        "SELECT DISTINCT subject FROM op WHERE class_kind = ANY($1) AND apart IS NULL ORDER BY subject",
    )
    .bind(KINDS.as_slice())
    .fetch_all(&mut *conn)
    .await?;
    let subjects: Vec<[u8; 17]> = subjects.into_iter().map(|(subject,)| subject).collect();
    for part in subjects.chunks(usize::try_from(PART).unwrap_or(usize::MAX)) {
        project(conn, part).await?;
    }
    Ok(())
}

/// Offers of products that can be sold as they stand; an exception for each that cannot, whose offer
/// stays as it was.
async fn project(conn: &mut PgConnection, subjects: &[[u8; 17]]) -> Result<(), StoreError> {
    if subjects.is_empty() {
        return Ok(());
    }
    let documents = documents(conn, subjects).await?;
    let vendors: BTreeSet<[u8; 17]> = documents.values().map(|held| held.vendor.0).collect();
    let slugs: Vec<([u8; 17], String)> = sqlx::query_as("SELECT subject, slug FROM vendor WHERE subject = ANY($1)")
        .bind(vendors.into_iter().collect::<Vec<_>>())
        .fetch_all(&mut *conn)
        .await?;
    let slugs: BTreeMap<[u8; 17], String> = slugs.into_iter().collect();
    let (mut sales, mut bad) = (Vec::new(), Vec::new());
    for (subject, held) in &documents {
        match product::sale(&held.document) {
            Ok(sale) => {
                if let Some(slug) = slugs.get(&held.vendor.0) {
                    sales.push((slug.as_str(), held.sku.as_str(), sale));
                }
            }
            Err(why) => bad.push((subject.0, why.claim.map_or(Vec::new(), |claim| claim.op.0.to_vec()), why.code)),
        }
    }
    let rows: Vec<(&str, &str, &Sale)> = sales.iter().map(|(slug, sku, sale)| (*slug, *sku, sale)).collect();
    write_offers(conn, &rows).await?;
    sqlx::query("DELETE FROM exception WHERE kind = $1 AND subject = ANY($2)")
        .bind(UNSELLABLE)
        .bind(subjects)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO exception (subject, kind, cause, code, opened_position)
         SELECT u.subject, $1, u.cause, u.code, coalesce(op.position, 0)
         FROM unnest($2::bytea[], $3::bytea[], $4::text[]) AS u(subject, cause, code) LEFT JOIN op ON op.id = u.cause",
    )
    .bind(UNSELLABLE)
    .bind(bad.iter().map(|row| row.0).collect::<Vec<_>>())
    .bind(bad.iter().map(|row| row.1.clone()).collect::<Vec<_>>())
    .bind(bad.iter().map(|row| row.2).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
