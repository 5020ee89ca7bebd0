//! What waits of one thing, and what people say of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use protocol::id::{Id16, Subject};

use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Segment, bad_id};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed};
use super::{App, JUDGES};
use crate::clearings::{self, ClearingAnswer, ClearingRequest};
use crate::finance::contested::{self, Contested};
use crate::once::{Key, once};
use crate::tokens::Caller;
use crate::voids::{self, VoidAnswer, VoidRequest};

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/finance/contested/{id}", "read_contested", "What waits of one thing, on one page.", read)
            .roles(JUDGES)
            .id("id", "The parcel, hand-in or other thing.")
            .gives::<Contested>(200, "Its contests, records and journals.")
            .refuses(404, &["unknown_subject"]),
        keyed(Operation::post("/finance/clearings", "clear", "Say that what waits is right as it stands.", clear))
            .roles(JUDGES)
            .takes::<ClearingRequest>()
            .gives::<ClearingAnswer>(201, "It waits no more.")
            .gives::<ClearingAnswer>(200, "It waits for a second person, or the answer that this key got before.")
            .refuses(404, &["unknown_contest"])
            .refuses(409, &["not_clearable", "same_person", "wrong_state"])
            .refuses(422, &["bad_contest", "bad_text"]),
        keyed(Operation::post("/finance/voids", "void_record", "Say that a record of a parcel was not so.", void))
            .roles(JUDGES)
            .takes::<VoidRequest>()
            .gives::<VoidAnswer>(201, "It says nothing any more.")
            .gives::<VoidAnswer>(200, "It waits for a second person, or the answer that this key got before.")
            .refuses(404, &["unknown_record"])
            .refuses(409, &["already_voided", "goods_returned", "not_voidable", "same_person", "wrong_state"])
            .refuses(422, &["bad_record", "bad_text"]),
    ]
}

/// `GET /finance/contested/{id}`.
pub(super) async fn read(State(app): State<Arc<App>>, id: Segment) -> Answer<Contested> {
    let subject = Subject::parse(&id.0).ok_or_else(bad_id)?;
    Ok(Json(contested::contested(&app.pool, subject).await?))
}

/// `POST /finance/clearings`.
pub(super) async fn clear(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<ClearingRequest>,
) -> Recorded<ClearingAnswer> {
    let key = Key::of(caller.id, idempotency_key(&headers)?, "clearings", &request)?;
    let now_ms = app.clock.now_ms();
    let answered = once(&app.intake, Some(key), now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { clearings::clear(connection, &request, Id16(caller.id), now_ms).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/voids`.
pub(super) async fn void(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<VoidRequest>,
) -> Recorded<VoidAnswer> {
    let key = Key::of(caller.id, idempotency_key(&headers)?, "voids", &request)?;
    let now_ms = app.clock.now_ms();
    let answered = once(&app.intake, Some(key), now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { voids::void(connection, &request, Id16(caller.id), now_ms).await })
    });
    Ok(recorded(answered.await?))
}
