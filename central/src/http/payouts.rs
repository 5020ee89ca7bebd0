//! From the bank to the vendor: maturing and payouts, as finance runs them. A dry run records nothing and
//! needs no `Idempotency-Key`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use protocol::id::Kind;

use super::App;
use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::orders::idempotency_key;
use crate::finance::Paged;
use crate::finance::bank::{self, PayoutLineRow, PayoutRow};
use crate::maturing::{self, MaturingAnswer, MaturingRequest};
use crate::once::{Key, once};
use crate::payouts::{self, PayoutAnswer, PayoutRequest, SentAnswer, SentRequest};
use crate::tokens::Caller;

/// `POST /finance/maturing`.
pub(super) async fn mature(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<MaturingRequest>,
) -> Recorded<MaturingAnswer> {
    let key = match request.dry_run {
        true => None,
        false => Some(Key::of(caller.id, idempotency_key(&headers)?, "maturing", &request)?),
    };
    let now_ms = app.clock.now_ms();
    let answered = once(&app.intake, key, now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { maturing::run(connection, &request, now_ms).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/payouts`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<PayoutRequest>,
) -> Recorded<PayoutAnswer> {
    let key = match request.dry_run {
        true => None,
        false => Some(Key::of(caller.id, idempotency_key(&headers)?, "payouts", &request)?),
    };
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, key, stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { payouts::create(connection, &request, stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/payouts/{id}/confirm`.
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<SentRequest>,
) -> Recorded<SentAnswer> {
    let payout = id.subject(Kind::Payout)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("confirm {payout}"), &request)?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        let request = request.clone();
        Box::pin(async move { payouts::confirm(connection, payout, &request).await })
    });
    Ok(recorded(answered.await?))
}

/// `GET /finance/payouts`.
pub(super) async fn list(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<PayoutRow>> {
    Ok(Json(bank::payouts(&app.pool, page.after(), page.limit()?).await?))
}

/// `GET /finance/payouts/{id}/lines`.
pub(super) async fn lines(State(app): State<Arc<App>>, id: Segment, page: Page) -> Answer<Paged<PayoutLineRow>> {
    let payout = id.subject(Kind::Payout)?;
    Ok(Json(bank::payout_lines(&app.pool, payout, page.after(), page.limit()?).await?))
}
