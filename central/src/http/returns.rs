//! Goods that customers bring back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use protocol::id::Kind;
use serde_json::json;

use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed, keyed_unless_dry};
use super::{App, CUSTOMER_OR_JUDGES, JUDGES, ORDERING};
use crate::finance::Paged;
use crate::once::{Key, once};
use crate::returns::row::{self, ReturnRow};
use crate::returns::{self, CountedRequest, GoodsReturnRequest, RefusedRequest};
use crate::tokens::Caller;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let state = json!({ "type": "string", "maxLength": 400, "example": "asked" });
    let stands = ["not_returnable", "charged_back"];
    vec![
        Operation::get("/returns", "list_returns", "What customers bring back.", list)
            .roles(CUSTOMER_OR_JUDGES)
            .query("status", "`asked`, `accepted` or `refused`.", state)
            .gives_page_of::<ReturnRow>(),
        keyed(Operation::post("/orders/{id}/returns", "ask_return", "Ask to give goods back.", ask))
            .roles(ORDERING)
            .id("id", "The order.")
            .takes::<GoodsReturnRequest>()
            .gives::<ReturnRow>(200, "It is asked for, now or by this key before.")
            .refuses(404, &["unknown_order", "unknown_parcel"])
            .refuses(409, &stands)
            .refuses(409, &["window_closed", "return_open", "more_than_bought"])
            .refuses(422, &["bad_pieces", "unknown_goods"]),
        keyed_unless_dry(Operation::post("/returns/{id}/accept", "accept_return", "Take counted goods back.", accept))
            .roles(JUDGES)
            .id("id", "The return.")
            .takes::<CountedRequest>()
            .gives::<ReturnRow>(201, "They are taken, and the customer is owed their price.")
            .gives::<ReturnRow>(200, "A dry run, or the answer that this key got before.")
            .refuses(404, &["unknown_return", "unknown_order", "unknown_parcel"])
            .refuses(409, &stands)
            .refuses(409, &["return_decided", "more_than_asked", "same_person"])
            .refuses(422, &["bad_pieces", "unknown_goods", "nothing_counted"]),
        keyed(Operation::post("/returns/{id}/refuse", "refuse_return", "Do not take goods back.", refuse))
            .roles(JUDGES)
            .id("id", "The return.")
            .takes::<RefusedRequest>()
            .gives::<ReturnRow>(200, "It is refused, now or by this key before.")
            .refuses(404, &["unknown_return"])
            .refuses(409, &["return_decided"])
            .refuses(422, &["bad_refusal"]),
    ]
}

/// `GET /returns`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    page: Page,
) -> Answer<Paged<ReturnRow>> {
    Ok(Json(row::list(&app.pool, page.status(), caller, page.after(), page.limit()?).await?))
}

/// `POST /orders/{id}/returns`.
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<GoodsReturnRequest>,
) -> Recorded<ReturnRow> {
    let order = id.subject(Kind::Order)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("return of {order}"), &request)?;
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, Some(key), stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { returns::ask(connection, order, &request, caller, stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /returns/{id}/accept`.
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<CountedRequest>,
) -> Recorded<ReturnRow> {
    let subject = id.subject(Kind::Return)?;
    let key = match request.dry_run {
        true => None,
        false => Some(Key::of(caller.id, idempotency_key(&headers)?, &format!("accept {subject}"), &request)?),
    };
    let now_ms = app.clock.now_ms();
    let answered = once(&app.intake, key, now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { returns::accept(connection, subject, &request, caller, now_ms).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /returns/{id}/refuse`.
pub(super) async fn refuse(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<RefusedRequest>,
) -> Recorded<ReturnRow> {
    let subject = id.subject(Kind::Return)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("refuse {subject}"), &request)?;
    let now_ms = app.clock.now_ms();
    let answered = once(&app.intake, Some(key), now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { returns::refuse(connection, subject, &request, caller, now_ms).await })
    });
    Ok(recorded(answered.await?))
}
