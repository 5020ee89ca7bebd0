//! From the bank to the vendor: maturing and payouts, as finance runs them. A dry run records nothing and
//! needs no `Idempotency-Key`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use protocol::id::Kind;

use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed, keyed_unless_dry};
use super::{App, FINANCE};
use crate::finance::Paged;
use crate::finance::bank::{self, PayoutLineRow, PayoutRow};
use crate::maturing::{self, MaturingAnswer, MaturingRequest};
use crate::once::{Key, once};
use crate::payouts::{self, PayoutAnswer, PayoutRequest, ReturnAnswer, ReturnRequest, SentAnswer, SentRequest};
use crate::tokens::Caller;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let (now, not_now) = ("It is recorded.", "A dry run, nothing to do, or the answer that this key got before.");
    vec![
        keyed_unless_dry(Operation::post("/finance/maturing", "run_maturing", "Let covered earnings mature.", mature))
            .roles(FINANCE)
            .takes::<MaturingRequest>()
            .gives::<MaturingAnswer>(201, now)
            .gives::<MaturingAnswer>(200, not_now)
            .refuses(409, &["wrong_state"]),
        Operation::get("/finance/payouts", "list_payouts", "The payouts.", list)
            .roles(FINANCE)
            .gives_page_of::<PayoutRow>(),
        keyed_unless_dry(Operation::post(
            "/finance/payouts",
            "create_payouts",
            "Create the payouts of vendors.",
            create,
        ))
        .roles(FINANCE)
        .takes::<PayoutRequest>()
        .gives::<PayoutAnswer>(201, now)
        .gives::<PayoutAnswer>(200, not_now)
        .refuses(409, &["more_than_available", "account_cooling", "wrong_state"])
        .refuses(422, &["unknown_vendor"]),
        Operation::get("/finance/payouts/{id}/lines", "list_payout_lines", "The lines of a payout.", lines)
            .roles(FINANCE)
            .id("id", "The payout.")
            .gives_page_of::<PayoutLineRow>()
            .refuses(404, &["unknown_payout"]),
        keyed(Operation::post("/finance/payouts/{id}/confirm", "confirm_payout", "Record that it was sent.", confirm))
            .roles(FINANCE)
            .id("id", "The payout.")
            .takes::<SentRequest>()
            .gives::<SentAnswer>(201, now)
            .gives::<SentAnswer>(200, "The answer that this key got before.")
            .refuses(404, &["unknown_payout"])
            .refuses(409, &["already_confirmed", "reference_used", "bank_too_low", "not_in_flight", "wrong_state"])
            .refuses(422, &["bad_bank", "bad_text"]),
        keyed(Operation::post("/finance/payouts/{id}/return", "return_payout", "Record that it came back.", give_back))
            .roles(FINANCE)
            .id("id", "The payout.")
            .takes::<ReturnRequest>()
            .gives::<ReturnAnswer>(201, now)
            .gives::<ReturnAnswer>(200, "The answer that this key got before.")
            .refuses(404, &["unknown_payout"])
            .refuses(409, &["already_returned", "line_waits", "wrong_state"])
            .refuses(422, &["bad_text"]),
    ]
}

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

/// `POST /finance/payouts/{id}/return`.
pub(super) async fn give_back(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<ReturnRequest>,
) -> Recorded<ReturnAnswer> {
    let payout = id.subject(Kind::Payout)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("return {payout}"), &request)?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        let request = request.clone();
        Box::pin(async move { payouts::give_back(connection, payout, &request).await })
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
