//! Orders after they are placed: reading, calling off, tracking. No personal data comes back out.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use protocol::decide::Draft;
use protocol::fact::{Fact, OrderCancelled, ParcelCancelled};
use protocol::fold::{Folded, State};
use protocol::id::{Id16, Subject};
use protocol::parcel::Status;
use protocol::refund::RefundCode;
use protocol::taka::Taka;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::credit;
use crate::finance::written;
use crate::intake::{Check, Conflict, Guard, Intake, IntakeError};
use crate::problem::Error;
use crate::schema::Id;
use crate::tokens::{Caller, Role};

/// An order as its customer or operations see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// The order.
    #[schema(value_type = Id)]
    pub order: String,
    /// The caller's own number for it.
    pub reference: Option<String>,
    /// When it was placed, business time, ms since 1970.
    pub placed_at_ms: i64,
    /// Σ of the dues.
    pub total_paisa: i64,
    /// open, cancelled, delivered (all parcels) or closed (all delivered, returned, rejected or cancelled).
    pub status: &'static str,
    /// Its parcels.
    pub parcels: Vec<ParcelView>,
    /// What waits for the customer at a till; only on the customer's own order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub refunds: Vec<RefundView>,
    /// What its customer took as credit in place of a refund, and has not spent: it pays for another order.
    pub credit_paisa: i64,
}

/// Money of an order that its customer can fetch.
#[derive(Clone, Serialize, ToSchema)]
pub struct RefundView {
    /// The site whose till pays it.
    #[schema(value_type = Option<Id>)]
    pub point: Option<String>,
    /// How much.
    pub amount_paisa: i64,
    /// What to show there: 16 letters and digits.
    pub code: String,
}

impl std::fmt::Debug for RefundView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefundView(..)")
    }
}

/// A parcel of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ParcelView {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: String,
    /// The vendor's slug.
    pub vendor: Option<String>,
    /// Cash to pay at the door.
    pub due_paisa: i64,
    /// Where it stands.
    pub status: String,
    /// Called off while it was under way: whoever has it brings it back.
    pub stop_requested: bool,
    /// The pickup point it is to be fetched at.
    #[schema(value_type = Option<Id>)]
    pub point: Option<String>,
    /// What the customer shows there; only on the customer's own order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
    /// What a cancellation came to: `cancelled`, `stop_requested` or `already_delivered`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<&'static str>,
}

/// What opens a parcel at the counter. In the field it goes out by SMS; here the API is the message.
#[derive(Clone, Serialize, ToSchema)]
pub struct Handover {
    /// Six digits to say.
    pub code: String,
    /// The same as a square to scan: 32 hex digits.
    pub token: String,
}

impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handover(..)")
    }
}

/// Where a parcel stands, for a tracking page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Track {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: String,
    /// Its order.
    #[schema(value_type = Option<Id>)]
    pub order: Option<String>,
    /// Where it stands.
    pub status: String,
    /// Cash to pay at the door.
    pub due_paisa: i64,
    /// Deliveries that did not succeed.
    pub attempts: i64,
    /// Whether reports contradict each other and somebody looks into it.
    pub contested: bool,
    /// Whether an earlier report is still on its way.
    pub provisional: bool,
}

/// Reads an order. A customer's token sees the orders that it placed.
///
/// # Errors
/// `unknown_order`.
pub async fn read(pool: &PgPool, caller: Caller, order: Subject) -> Result<OrderView, Error> {
    let row: Option<(Option<String>, i64, i64, bool, Option<[u8; 16]>)> = sqlx::query_as(
        "select r.reference, r.placed_at_ms, coalesce(o.total_paisa, 0), o.cancelled, o.customer
         from view_order o join order_request r on r.order_subject = o.subject
         where o.subject = $1 and ($2::bytea is null or r.token = $2)",
    )
    .bind(order.0)
    .bind((caller.role == Role::Customer).then_some(caller.id))
    .fetch_optional(pool)
    .await?;
    let (reference, placed_at_ms, total_paisa, cancelled, customer) = row.ok_or_else(unknown_order)?;
    let rows: Vec<ParcelRow> = sqlx::query_as(
        "select p.subject, v.slug, p.due_paisa, p.status, p.stop_requested, p.point, h.code, h.token
         from view_parcel p left join vendor v on v.subject = p.vendor
            left join handover_code h on h.parcel = p.subject and $2
         where p.order_subject = $1 order by p.subject",
    )
    .bind(order.0)
    .bind(caller.role == Role::Customer)
    .fetch_all(pool)
    .await?;
    let parcels: Vec<ParcelView> = rows.into_iter().map(|row| view_of(row, cancelled)).collect();
    let status = if cancelled { "cancelled" } else { word_of(&parcels) };
    let refunds = if caller.role == Role::Customer { refunds(pool, order).await? } else { Vec::new() };
    let credit = match customer {
        Some(customer) => credit::held(pool, Subject::customer(Id16(customer))).await?,
        None => Taka::ZERO,
    };
    Ok(OrderView {
        order: order.to_string(),
        reference,
        placed_at_ms,
        total_paisa,
        status,
        parcels,
        refunds,
        credit_paisa: credit.paisa(),
    })
}

/// What waits at a till, with what to show there.
async fn refunds(pool: &PgPool, order: Subject) -> Result<Vec<RefundView>, sqlx::Error> {
    let rows: Vec<(Option<Vec<u8>>, i64, [u8; RefundCode::BYTES])> = sqlx::query_as(
        "select v.point, v.amount_paisa, c.code from cash_refund c join view_refund v using (subject)
         where c.order_subject = $1 and v.state = 'reserved' order by c.subject",
    )
    .bind(order.0)
    .fetch_all(pool)
    .await?;
    let view = |(point, amount_paisa, code): (Option<Vec<u8>>, i64, [u8; RefundCode::BYTES])| RefundView {
        point: point.as_deref().and_then(written),
        amount_paisa,
        code: RefundCode(code).to_string(),
    };
    Ok(rows.into_iter().map(view).collect())
}

type ParcelRow = (Vec<u8>, Option<String>, i64, String, bool, Option<Vec<u8>>, Option<String>, Option<Vec<u8>>);

fn view_of(row: ParcelRow, cancelled: bool) -> ParcelView {
    let (subject, vendor, due_paisa, status, stop_requested, point, code, token) = row;
    let cancellation = cancelled.then_some(match status.as_str() {
        "delivered" | "collected" => "already_delivered",
        "cancelled" => "cancelled",
        _ => "stop_requested",
    });
    let shown = !matches!(status.as_str(), "collected" | "returned" | "cancelled");
    let handover = code.zip(token).filter(|_| shown);
    ParcelView {
        parcel: written(&subject).unwrap_or_default(),
        vendor,
        due_paisa,
        status,
        stop_requested,
        point: point.as_deref().and_then(written),
        handover: handover.map(|(code, token)| Handover { code, token: HEXLOWER.encode(&token) }),
        cancellation,
    }
}

fn word_of(parcels: &[ParcelView]) -> &'static str {
    let all = |words: &[&str]| !parcels.is_empty() && parcels.iter().all(|p| words.contains(&p.status.as_str()));
    if all(&["delivered", "collected"]) {
        "delivered"
    } else if all(&["delivered", "collected", "returned", "rejected", "cancelled"]) {
        "closed"
    } else {
        "open"
    }
}

/// Calls an order off. What has not left its vendors is cancelled; who has a parcel under way is asked
/// to bring it back; what the customer has is to be asked back, and is not undone. The answer says which,
/// parcel by parcel. An order whose parcels all arrived stays as it is. Calling it off again changes nothing.
///
/// # Errors
/// `unknown_order`, `not_cancellable` with the order as it stands.
pub async fn cancel(pool: &PgPool, intake: &Intake, caller: Caller, order: Subject) -> Result<OrderView, Error> {
    let seen = read(pool, caller, order).await?;
    if seen.status == "cancelled" {
        return Ok(seen);
    }
    let by = if caller.role == Role::Customer { 1 } else { 2 };
    // What the customer has already is not called off; of what arrives meanwhile, R7 decides.
    let done = |view: &&ParcelView| matches!(view.status.as_str(), "delivered" | "collected" | "returned");
    let parcels = seen.parcels.iter().filter(|view| !done(view)).filter_map(|view| Subject::parse(&view.parcel));
    let parcels: Vec<Subject> = parcels.collect();
    if parcels.is_empty() {
        return Err(not_cancellable(&seen)?);
    }
    let parcel = |subject| Draft { subject, fact: Fact::ParcelCancelled(ParcelCancelled { by }) };
    let mut drafts = vec![Draft { subject: order, fact: Fact::OrderCancelled(OrderCancelled { by }) }];
    drafts.extend(parcels.into_iter().map(parcel));
    let check: Check = Arc::new(something_to_stop);
    match intake.author(drafts, Vec::new(), Some(Guard { check: Some(check), extra: None })).await {
        Ok(_) => read(pool, caller, order).await,
        Err(IntakeError::Conflict(_)) => {
            let now = read(pool, caller, order).await?;
            if now.status == "cancelled" {
                return Ok(now);
            }
            Err(not_cancellable(&now)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn not_cancellable(order: &OrderView) -> Result<Error, Error> {
    let state = serde_json::to_value(order).map_err(anyhow::Error::from)?;
    let told = "Everything of this order is with the customer or back with its vendor.";
    let next = "Ask operations about a return.";
    Ok(Error::refuse_in_state(409, "not_cancellable", told, next, state))
}

/// Runs under the intake lock: what the screen showed may be old by now.
fn something_to_stop(states: &BTreeMap<Subject, Folded>) -> Result<(), Conflict> {
    let mut done = None;
    for (subject, folded) in states {
        let conflict = |status: &str| Conflict { subject: *subject, status: status.to_owned() };
        match &folded.state {
            State::Order(order) if order.cancelled => return Err(conflict("cancelled")),
            State::Parcel(parcel) if parcel.status.is_with_customer() || parcel.status == Status::Returned => {
                done = Some(conflict(parcel.status.word()));
            }
            State::Parcel(_) => return Ok(()),
            _ => {}
        }
    }
    done.map_or(Ok(()), Err)
}

/// Where a parcel stands. A vendor's token sees the parcels of its vendor.
///
/// # Errors
/// `unknown_parcel`.
pub async fn track(pool: &PgPool, caller: Caller, parcel: Subject) -> Result<Track, Error> {
    let row: Option<(Option<Vec<u8>>, String, i64, i64, bool, bool)> = sqlx::query_as(
        "select order_subject, status, due_paisa, attempts, contested, incomplete or newer
         from view_parcel where subject = $1 and (not $2 or vendor = $3)",
    )
    .bind(parcel.0)
    .bind(caller.role == Role::Vendor)
    .bind(caller.vendor.map(|vendor| vendor.0))
    .fetch_optional(pool)
    .await?;
    let (order, status, due_paisa, attempts, contested, provisional) = row.ok_or_else(|| {
        let next = "Copy the id from the order, check digit included.";
        Error::refuse(404, "unknown_parcel", "There is no parcel of this id.", next)
    })?;
    let order = order.as_deref().and_then(written);
    Ok(Track { parcel: parcel.to_string(), order, status, due_paisa, attempts, contested, provisional })
}

pub(crate) fn unknown_order() -> Error {
    let next = "Copy the id as POST /api/v1/orders gave it; a customer's token sees its own orders.";
    Error::refuse(404, "unknown_order", "There is no order of this id.", next)
}
