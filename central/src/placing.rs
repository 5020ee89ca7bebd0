//! Placing, reading and calling off orders. Central is the author: the facts of one order are written
//! in one transaction with the answer that its `Idempotency-Key` gets from then on.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::decide::Draft;
use protocol::fact::{Fact, Line, MAX_LINES, OrderPlaced, ParcelCreated, PickupChosen, Put, TermsFrozen};
use protocol::handover;
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::parcel::lock_of;
use protocol::sealed::{self, MAX_SEALED_BYTES};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::intake::{Extra, Guard, Intake, IntakeError};
use crate::problem::Error;
use crate::schema::{Id, Paisa};
use crate::terms::{self, Deal, Terms};

pub mod codes;
pub mod order;
pub mod request;

use request::{Checked, CheckedItem, OrderRequest};

/// The answer to a placed order; stored with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Placed {
    /// The order.
    #[schema(value_type = Id)]
    pub order: Subject,
    /// What the customer pays in all, at the door or ahead.
    #[schema(value_type = Paisa)]
    pub total_paisa: Taka,
    /// One for each vendor, in the order of the items.
    pub parcels: Vec<PlacedParcel>,
}

/// One parcel of a placed order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacedParcel {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// The vendor's slug.
    pub vendor: String,
    /// What the customer pays at the door or the counter; zero when it is paid ahead.
    #[schema(value_type = Paisa)]
    pub due_paisa: Taka,
}

/// Whether an order was placed now, or is the answer to an earlier request of the same key.
#[derive(Debug)]
pub enum Outcome {
    /// Placed now.
    New(Placed),
    /// Placed before.
    Before(Placed),
}

/// What places orders: the door to the log, the database and the clock.
pub struct Counter<'a> {
    /// The door to the log.
    pub intake: &'a Intake,
    /// Look-ups.
    pub pool: &'a PgPool,
    /// Time and chance.
    pub clock: &'a Clock,
}

impl Counter<'_> {
    /// Places an order for the caller `token`, once for each `key`.
    ///
    /// # Errors
    /// `idempotency_mismatch`, and the refusals of [`OrderRequest::checked`], [`price`] and [`draft`].
    pub async fn place(&self, token: [u8; 16], key: &str, request: &OrderRequest) -> Result<Outcome, Error> {
        let fingerprint = request.fingerprint();
        if let Some(placed) = self.before(token, key, fingerprint).await? {
            return Ok(Outcome::Before(placed));
        }
        let stamp = self.clock.stamp()?;
        let priced = {
            let mut connection = self.pool.acquire().await?;
            price(&mut connection, request.checked()?, stamp.now_ms).await?
        };
        let Drafted { drafts, keys, codes, placed } = draft(&priced, &stamp)?;
        let note = Note {
            token,
            key: key.to_owned(),
            fingerprint,
            order: placed.order,
            reference: priced.checked.reference.clone(),
            answer: serde_json::to_string(&placed).map_err(anyhow::Error::from)?,
            codes,
            now_ms: i64::try_from(stamp.now_ms).unwrap_or(i64::MAX),
        };
        match self.intake.author(drafts, keys, Some(Guard { check: None, extra: Some(note.extra()) })).await {
            Ok(_) => Ok(Outcome::New(placed)),
            // Two requests of one key raced: the first one's answer is the answer.
            Err(IntakeError::Extra(error)) if is_unique_violation(&error) => {
                let before = self.before(token, key, fingerprint).await?;
                Ok(Outcome::Before(before.ok_or_else(|| anyhow::anyhow!("a key collides with no request"))?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The answer that this key got before.
    async fn before(&self, token: [u8; 16], key: &str, fingerprint: [u8; 32]) -> Result<Option<Placed>, Error> {
        let row: Option<([u8; 32], String)> =
            sqlx::query_as("select body_hash, answer from order_request where token = $1 and key = $2")
                .bind(token)
                .bind(key)
                .fetch_optional(self.pool)
                .await?;
        let Some((hash, answer)) = row else { return Ok(None) };
        if hash != fingerprint {
            let next = "Use a new Idempotency-Key for a new order.";
            return Err(Error::refuse(409, "idempotency_mismatch", "This key was used for another order.", next));
        }
        Ok(Some(serde_json::from_str(&answer).map_err(anyhow::Error::from)?))
    }
}

/// The row by which a key is remembered, written with the facts of its order.
struct Note {
    token: [u8; 16],
    key: String,
    fingerprint: [u8; 32],
    order: Subject,
    reference: Option<String>,
    answer: String,
    codes: Vec<codes::Code>,
    now_ms: i64,
}

impl Note {
    fn extra(self) -> Extra {
        let note = Arc::new(self);
        Arc::new(move |connection| {
            let note = Arc::clone(&note);
            Box::pin(async move {
                sqlx::query(
                    "insert into order_request (token, key, body_hash, order_subject, reference, answer, placed_at_ms)
                     values ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(note.token)
                .bind(&note.key)
                .bind(note.fingerprint)
                .bind(note.order.0)
                .bind(&note.reference)
                .bind(&note.answer)
                .bind(note.now_ms)
                .execute(&mut *connection)
                .await?;
                codes::keep(connection, &note.codes).await
            })
        })
    }
}

fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// An order with everything looked up.
pub struct Priced {
    checked: Checked,
    site: Scope,
    groups: Vec<(String, Scope, Vec<CheckedItem>)>,
    terms: Terms,
}

/// Looks up vendors, offers, site and terms.
///
/// # Errors
/// `unknown_vendor`, `unknown_goods`, `price_changed`, `no_site`, `unknown_point`.
pub async fn price(connection: &mut PgConnection, checked: Checked, now_ms: u64) -> Result<Priced, Error> {
    let vendors: Vec<String> = checked.items.iter().map(|item| item.vendor.clone()).collect();
    let known: Vec<(String, [u8; 17])> = sqlx::query_as("select slug, subject from vendor where slug = any($1)")
        .bind(&vendors)
        .fetch_all(&mut *connection)
        .await?;
    let known: BTreeMap<String, Scope> = known.into_iter().map(|(slug, subject)| (slug, Subject(subject))).collect();
    let skus: Vec<String> = checked.items.iter().map(|item| item.sku.clone()).collect();
    let offers: Vec<(String, String, i64)> = sqlx::query_as(
        "select vendor, sku, unit_price_paisa from offer
         where (vendor, sku) in (select * from unnest($1::text[], $2::text[]))",
    )
    .bind(&vendors)
    .bind(&skus)
    .fetch_all(&mut *connection)
    .await?;
    let offers: BTreeMap<(String, String), i64> =
        offers.into_iter().map(|(vendor, sku, price)| ((vendor, sku), price)).collect();
    let mut groups: Vec<(String, Scope, Vec<CheckedItem>)> = Vec::new();
    for (index, item) in checked.items.iter().enumerate() {
        let scope = known.get(&item.vendor).ok_or_else(|| {
            let told = format!("Item {}: there is no such vendor.", index + 1);
            Error::refuse(422, "unknown_vendor", told, "Use the slug of a vendor that is on offer.")
        })?;
        let offered = offers.get(&(item.vendor.clone(), item.sku.clone())).ok_or_else(|| {
            let told = format!("Item {}: the vendor does not offer these goods.", index + 1);
            Error::refuse(422, "unknown_goods", told, "Use a sku that the vendor offers.")
        })?;
        if *offered != item.unit_price.paisa() {
            let told = format!("Item {}: the price is {offered} paisa now.", index + 1);
            return Err(Error::refuse(
                409,
                "price_changed",
                told,
                "Show the customer the new price, then order again.",
            ));
        }
        match groups.iter_mut().find(|(slug, ..)| *slug == item.vendor) {
            Some((.., items)) => items.push(item.clone()),
            None => groups.push((item.vendor.clone(), *scope, vec![item.clone()])),
        }
    }
    if let Some(point) = checked.point {
        let hub: Option<([u8; 17],)> =
            sqlx::query_as("select hub from site where subject = $1 and kind = 'point' and hub is not null")
                .bind(point.0)
                .fetch_optional(&mut *connection)
                .await?;
        let site = hub.map(|hub| Subject(hub.0)).ok_or_else(|| {
            let next = "Choose one of GET /api/v1/points.";
            Error::refuse(422, "unknown_point", "There is no such pickup point.", next)
        })?;
        let terms = Terms::at(connection, now_ms).await?;
        return Ok(Priced { checked, site, groups, terms });
    }
    let site: Option<([u8; 17],)> =
        sqlx::query_as("select site from site_district where district in ($1, '*') order by district = '*' limit 1")
            .bind(&checked.district)
            .fetch_optional(&mut *connection)
            .await?;
    let site = site.map(|site| Subject(site.0)).ok_or_else(|| {
        let next = "Check the spelling of the district, or tell the customer that it is not served yet.";
        Error::refuse(422, "no_site", "No courier hub serves this district.", next)
    })?;
    let terms = Terms::at(connection, now_ms).await?;
    Ok(Priced { checked, site, groups, terms })
}

/// What is to be authored for an order.
pub struct Drafted {
    /// The facts.
    pub drafts: Vec<Draft>,
    /// Keys of the sealed fields.
    pub keys: Vec<(Subject, [u8; 32])>,
    /// What customers show at the counter.
    pub codes: Vec<codes::Code>,
    /// The answer.
    pub placed: Placed,
}

/// Draws the facts of an order. Pure: ids, keys and nonces come from the stamp.
///
/// # Errors
/// `bad_text` when the sealed field grows too long, `amount_too_large`.
pub fn draft(priced: &Priced, stamp: &Stamp) -> Result<Drafted, Error> {
    let mut next = 0;
    let mut number = || {
        next += 1;
        next
    };
    let order = Subject::new(Kind::Order, stamp.id(number()));
    let customer = stamp.id(number());
    let prepaid = priced.checked.prepaid;
    let mut drawn = Drawn { stamp, priced, order, customer, facts: Vec::new(), keys: Vec::new(), codes: Vec::new() };
    let mut total_paisa = Taka::ZERO;
    let mut parcels = Vec::new();
    for (slug, vendor, items) in &priced.groups {
        let parcel = Subject::new(Kind::Parcel, stamp.id(number()));
        let price = drawn.parcel(parcel, *vendor, items, number())?;
        total_paisa = total_paisa.plus(price);
        let due_paisa = if prepaid { Taka::ZERO } else { price };
        parcels.push(PlacedParcel { parcel, vendor: slug.clone(), due_paisa });
    }
    let subjects: Vec<Subject> = parcels.iter().map(|parcel| parcel.parcel).collect();
    let sealed = drawn.seal(order, PLACED, number())?;
    let placed = OrderPlaced { customer, parcels: subjects.clone(), total: total_paisa, sealed };
    drawn.facts.insert(0, Draft { subject: order, fact: Fact::OrderPlaced(placed) });
    // What is paid ahead moves when it is paid: until then nobody but central holds it.
    if !prepaid {
        drawn.facts.push(put(priced.site, subjects.clone()));
        drawn.facts.extend(priced.checked.point.map(|point| put(point, subjects)));
    }
    let placed = Placed { order, total_paisa, parcels };
    Ok(Drafted { drafts: drawn.facts, keys: drawn.keys, codes: drawn.codes, placed })
}

/// The kinds with a sealed field: their number is part of what the seal binds.
const PLACED: u16 = 0x1001;
const CREATED: u16 = 0x1010;
/// Days on the shelf of a point before a parcel goes back.
const HOLD_DAYS: u8 = 7;

struct Drawn<'a> {
    stamp: &'a Stamp,
    priced: &'a Priced,
    order: Subject,
    customer: Id16,
    facts: Vec<Draft>,
    keys: Vec<(Subject, [u8; 32])>,
    codes: Vec<codes::Code>,
}

impl Drawn<'_> {
    fn parcel(&mut self, parcel: Subject, vendor: Scope, items: &[CheckedItem], n: u32) -> Result<Taka, Error> {
        let line = |item: &CheckedItem| Line { sku: item.sku.clone(), qty: item.qty, unit_price: item.unit_price };
        let lines: Vec<Line> = items.iter().map(line).collect();
        let goods = lines.iter().map(goods_of).sum();
        let prepaid = self.priced.checked.prepaid;
        let deal = Deal { parcel, vendor, order: self.order, customer: Subject::customer(self.customer), prepaid };
        let terms = self.priced.terms.freeze(&deal, goods);
        let price = terms::price(&terms);
        if !in_bounds(&terms, price) || lines.len() > MAX_LINES {
            let told = "The parcel of one vendor costs more than the books take.";
            return Err(Error::refuse(422, "amount_too_large", told, "Split the order."));
        }
        let sealed = self.seal(parcel, CREATED, n)?;
        let due = if prepaid { Taka::ZERO } else { price };
        let created = ParcelCreated { order: self.order, vendor, site: self.priced.site, due, lines, sealed };
        let earning = Subject::earning_of(parcel);
        self.facts.push(Draft { subject: parcel, fact: Fact::ParcelCreated(created) });
        if let Some(point) = self.priced.checked.point {
            let pickup = self.pickup(parcel, point, n);
            self.facts.push(pickup);
        }
        self.facts.push(Draft { subject: earning, fact: Fact::TermsFrozen(terms) });
        if !prepaid {
            self.facts.push(put(vendor, vec![parcel, earning]));
        }
        Ok(price)
    }

    /// The lock of the handover code; code and token stay with central and the customer.
    fn pickup(&mut self, parcel: Subject, point: Scope, n: u32) -> Draft {
        // Of the same number as the key of the seal, and independent of it.
        let random = blake3::derive_key("getit handover 1", &self.stamp.key(n));
        let (mut token, mut digits) = ([0; 16], [0; 8]);
        token.copy_from_slice(&random[..16]);
        digits.copy_from_slice(&random[16..24]);
        self.codes.push(codes::Code { parcel, point, code: handover::code_of(digits), token });
        let pickup = PickupChosen { point, lock: lock_of(&parcel, &token), hold_days: HOLD_DAYS };
        Draft { subject: parcel, fact: Fact::PickupChosen(pickup) }
    }

    fn seal(&mut self, subject: Subject, class_kind: u16, n: u32) -> Result<Vec<u8>, Error> {
        let key = self.stamp.key(n);
        let personal = &self.priced.checked.personal;
        let field = sealed::seal(&key, &self.stamp.nonce(n), &subject, class_kind, personal);
        if field.len() > MAX_SEALED_BYTES {
            let next = "Shorten name, address and note to what a label takes.";
            return Err(Error::refuse(422, "bad_text", "Name, address and note together are too long.", next));
        }
        self.keys.push((subject, key));
        Ok(field)
    }
}

/// A new subject is in no scope yet: generation 1.
fn put(scope: Scope, subjects: Vec<Subject>) -> Draft {
    Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) }
}

fn goods_of(line: &Line) -> Taka {
    let paisa = line.unit_price.paisa().saturating_mul(i64::from(line.qty));
    // Beyond the bound, the sum stays beyond it, and is refused.
    Taka::from_paisa(paisa).unwrap_or(Taka::whole(i32::MAX).plus(Taka::from_paisa(Taka::MAX_PAISA).unwrap_or_default()))
}

fn in_bounds(terms: &TermsFrozen, price: Taka) -> bool {
    price.is_cash() && terms.goods.is_cash() && terms.vendor_vat.is_cash() && terms.commission.is_cash()
}
