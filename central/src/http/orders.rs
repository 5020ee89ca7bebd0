//! Orders and tracking.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use protocol::id::Kind;
use serde_json::{Value, json};

use super::App;
use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Segment};
use super::operation::Operation;
use super::{ANYBODY, CUSTOMER, CUSTOMER_OR_JUDGES, ORDERING};
use crate::credit::{self, CreditPayment, CreditRequest};
use crate::once::once;
use crate::placing::order::{self, OrderView, Track};
use crate::placing::request::OrderRequest;
use crate::placing::{Counter, Outcome, Placed};
use crate::problem::Error;
use crate::tokens::Caller;

/// Length of an `Idempotency-Key`, characters: long enough not to collide, short enough for an index.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        keyed(Operation::post("/orders", "place_order", "Place an order.", place))
            .roles(CUSTOMER)
            .takes::<OrderRequest>()
            .gives::<Placed>(201, "The order was placed.")
            .gives::<Placed>(200, "The answer that this key got before.")
            .refuses(409, &["price_changed"])
            .refuses(422, &["not_yet_served", "bad_text", "bad_phone", "no_items", "too_many_items"])
            .refuses(422, &["too_many_vendors", "bad_quantity", "bad_price", "unknown_vendor", "unknown_goods"])
            .refuses(422, &["no_site", "unknown_point", "amount_too_large"]),
        Operation::get("/orders/{id}", "read_order", "Read an order.", read)
            .roles(ORDERING)
            .id("id", "The order.")
            .gives::<OrderView>(200, "The order as it stands.")
            .refuses(404, &["unknown_order"]),
        Operation::post("/orders/{id}/cancel", "cancel_order", "Call an order off.", cancel)
            .roles(ORDERING)
            .id("id", "The order.")
            .gives::<OrderView>(200, "The order, called off now or before.")
            .refuses(404, &["unknown_order"])
            .refuses(409, &["not_cancellable", "wrong_state"]),
        Operation::post("/orders/{id}/credit", "pay_with_credit", "Pay for an order with credit.", pay_with_credit)
            .roles(CUSTOMER_OR_JUDGES)
            .id("id", "The order that is paid.")
            .takes::<CreditRequest>()
            .gives::<CreditPayment>(201, "It is paid, and goes its way.")
            .gives::<CreditPayment>(200, "It was paid so before.")
            .refuses(404, &["unknown_order"])
            .refuses(409, &["order_cancelled", "not_prepaid", "already_paid", "more_than_credit", "wrong_state"]),
        Operation::get("/track/{parcel}", "track_parcel", "Where a parcel stands.", track)
            .roles(ANYBODY)
            .id("parcel", "The parcel.")
            .gives::<Track>(200, "Where it stands.")
            .refuses(404, &["unknown_parcel"]),
    ]
}

/// An operation that is done once for each `Idempotency-Key`.
pub(super) fn keyed(operation: Operation) -> Operation {
    let told = "New for each request; the same key with the same body gives the same answer.";
    refusing_keys(operation.header("Idempotency-Key", told, key_schema()))
}

/// The same, where a dry run needs no key: it records nothing that a retry could record twice.
pub(super) fn keyed_unless_dry(operation: Operation) -> Operation {
    let told = "Needed unless dry_run is true. The same key with the same body gives the same answer.";
    refusing_keys(operation.may_header("Idempotency-Key", told, key_schema()))
}

fn key_schema() -> Value {
    json!({
        "type": "string",
        "minLength": KEY_LENGTH.start(),
        "maxLength": KEY_LENGTH.end(),
        "pattern": "^[!-~]+$",
        "example": "checkout-7f3a9c21",
    })
}

fn refusing_keys(operation: Operation) -> Operation {
    operation.refuses(400, &["idempotency_key_needed", "idempotency_key_bad"]).refuses(409, &["idempotency_mismatch"])
}

/// `POST /orders`: 201 with the new order, or 200 with the answer this key got before.
pub(super) async fn place(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<OrderRequest>,
) -> Result<(StatusCode, Json<Placed>), Error> {
    let key = idempotency_key(&headers)?;
    let counter = Counter { intake: &app.intake, pool: &app.pool, clock: &app.clock };
    match counter.place(caller.id, key, &request).await? {
        Outcome::New(placed) => {
            metrics::counter!("orders_placed_total").increment(1);
            tracing::info!(order = %placed.order, parcels = placed.parcels.len(), "order placed");
            Ok((StatusCode::CREATED, Json(placed)))
        }
        Outcome::Before(placed) => Ok((StatusCode::OK, Json(placed))),
    }
}

/// The key by which a retry is known.
///
/// # Errors
/// `idempotency_key_needed`, `idempotency_key_bad`.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<&str, Error> {
    let next = "Send the header Idempotency-Key: 8 to 64 visible ASCII characters, new for each request.";
    let header = headers
        .get("idempotency-key")
        .ok_or_else(|| Error::refuse(400, "idempotency_key_needed", "This request needs an Idempotency-Key.", next))?;
    let key = header.to_str().ok().filter(|key| KEY_LENGTH.contains(&key.len()));
    key.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| Error::refuse(400, "idempotency_key_bad", "The Idempotency-Key cannot be used.", next))
}

/// `GET /orders/{id}`.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
) -> Answer<OrderView> {
    Ok(Json(order::read(&app.pool, caller, id.subject(Kind::Order)?).await?))
}

/// `POST /orders/{id}/cancel`.
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
) -> Answer<OrderView> {
    Ok(Json(order::cancel(&app.pool, &app.intake, caller, id.subject(Kind::Order)?).await?))
}

/// `POST /orders/{id}/credit`: 201 when it is paid now, 200 when it was.
pub(super) async fn pay_with_credit(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    Body(request): Body<CreditRequest>,
) -> Recorded<CreditPayment> {
    let order = id.subject(Kind::Order)?;
    let answered = once(&app.intake, None, app.clock.now_ms(), move |connection| {
        let request = request.clone();
        Box::pin(async move { credit::spend(connection, caller, order, &request).await })
    });
    Ok(recorded(answered.await?))
}

/// `GET /track/{parcel}`.
pub(super) async fn track(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
) -> Answer<Track> {
    Ok(Json(order::track(&app.pool, caller, id.subject(Kind::Parcel)?).await?))
}
