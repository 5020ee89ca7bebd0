//! Parcels that couriers carry.

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
use super::orders::{idempotency_key, keyed};
use super::{App, JUDGES, OPERATIONS};
use crate::couriers::{self, ConsignmentRequest, ConsignmentRow, CourierReport};
use crate::finance::Paged;
use crate::once::{Key, once};
use crate::tokens::Caller;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let state = json!({ "type": "string", "maxLength": 400, "example": "out" });
    vec![
        Operation::get("/consignments", "list_consignments", "Parcels that couriers have or had.", list)
            .roles(JUDGES)
            .query("status", "`out`, `delivered` or `returned`.", state)
            .gives_page_of::<ConsignmentRow>(),
        keyed(Operation::post("/parcels/{id}/consignment", "consign_parcel", "Give a parcel to a courier.", consign))
            .roles(OPERATIONS)
            .id("id", "The parcel.")
            .takes::<ConsignmentRequest>()
            .gives::<ConsignmentRow>(201, "The courier has it.")
            .gives::<ConsignmentRow>(200, "The answer that this key got before.")
            .refuses(404, &["unknown_parcel"])
            .refuses(409, &["not_consignable", "consignment_known"])
            .refuses(422, &["bad_bank", "bad_text"]),
        keyed(Operation::post(
            "/parcels/{id}/consignment/report",
            "report_consignment",
            "Record what a courier answered about a parcel.",
            report,
        ))
        .roles(OPERATIONS)
        .id("id", "The parcel.")
        .takes::<CourierReport>()
        .gives::<ConsignmentRow>(201, "It is recorded.")
        .gives::<ConsignmentRow>(200, "The answer that this key got before.")
        .refuses(404, &["unknown_parcel"])
        .refuses(409, &["not_with_courier"])
        .refuses(422, &["bad_amount"]),
    ]
}

/// `GET /consignments`.
pub(super) async fn list(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<ConsignmentRow>> {
    Ok(Json(couriers::list(&app.pool, page.status(), page.after(), page.limit()?).await?))
}

/// `POST /parcels/{id}/consignment`.
pub(super) async fn consign(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<ConsignmentRequest>,
) -> Recorded<ConsignmentRow> {
    let parcel = id.subject(Kind::Parcel)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("consign {parcel}"), &request)?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        let request = request.clone();
        Box::pin(async move { couriers::consign(connection, parcel, &request).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /parcels/{id}/consignment/report`.
pub(super) async fn report(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(report): Body<CourierReport>,
) -> Recorded<ConsignmentRow> {
    let parcel = id.subject(Kind::Parcel)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("courier on {parcel}"), &report)?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        let report = report.clone();
        Box::pin(async move { couriers::report(connection, parcel, &report).await })
    });
    Ok(recorded(answered.await?))
}
