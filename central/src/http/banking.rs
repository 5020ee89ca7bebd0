//! From the till to the bank: what finance records. Each `POST` takes an `Idempotency-Key`: 201 when it
//! was recorded now, 200 with the first answer when it was recorded before.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use protocol::id::Kind;

use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed};
use super::{App, FINANCE};
use crate::banking::{
    self, BagAnswer, BagRequest, ConfirmAnswer, ConfirmRequest, DepositAnswer, DepositRequest, RemittanceAnswer,
    RemittanceRequest, SweepAnswer, SweepRequest,
};
use crate::finance::Paged;
use crate::finance::bank::{self, BagRow, DepositRow};
use crate::once::{Answered, Key, once};
use crate::problem::Error;
use crate::tokens::Caller;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let (now, before) = ("It is recorded.", "The answer that this key got before.");
    vec![
        Operation::get("/finance/bags", "list_bags", "The sealed bags.", bags).roles(FINANCE).gives_page_of::<BagRow>(),
        keyed(Operation::post("/finance/bags", "seal_bag", "Record cash that leaves a till in a bag.", seal))
            .roles(FINANCE)
            .takes::<BagRequest>()
            .gives::<BagAnswer>(201, now)
            .gives::<BagAnswer>(200, before)
            .refuses(409, &["seal_used", "more_than_held", "wrong_state"])
            .refuses(422, &["bad_amount", "bad_text", "unknown_site"]),
        Operation::get("/finance/deposits", "list_deposits", "The deposits.", deposits)
            .roles(FINANCE)
            .gives_page_of::<DepositRow>(),
        keyed(Operation::post("/finance/deposits", "record_deposit", "Record bags brought to the bank.", deposit))
            .roles(FINANCE)
            .takes::<DepositRequest>()
            .gives::<DepositAnswer>(201, now)
            .gives::<DepositAnswer>(200, before)
            .refuses(409, &["bag_deposited", "bag_stolen", "wrong_state"])
            .refuses(422, &["bad_bags", "bad_bank", "bad_text", "unknown_bag"]),
        keyed(Operation::post(
            "/finance/deposits/{id}/confirm",
            "confirm_deposit",
            "Record what the bank's statement shows of a deposit.",
            confirm,
        ))
        .roles(FINANCE)
        .id("id", "The deposit.")
        .takes::<ConfirmRequest>()
        .gives::<ConfirmAnswer>(201, now)
        .gives::<ConfirmAnswer>(200, before)
        .refuses(404, &["unknown_deposit"])
        .refuses(409, &["already_confirmed", "absurd_amount", "reference_used", "line_waits", "wrong_state"])
        .refuses(422, &["bad_amount", "bad_text"]),
        keyed(Operation::post("/finance/sweeps", "record_sweep", "Record our own money on its way out.", sweep))
            .roles(FINANCE)
            .takes::<SweepRequest>()
            .gives::<SweepAnswer>(201, now)
            .gives::<SweepAnswer>(200, before)
            .refuses(409, &["bank_too_low", "wrong_state"])
            .refuses(422, &["bad_amount", "bad_text", "bad_bank"]),
        keyed(Operation::post("/finance/remittances", "record_remittance", "Record what a partner remits.", remit))
            .roles(FINANCE)
            .takes::<RemittanceRequest>()
            .gives::<RemittanceAnswer>(201, now)
            .gives::<RemittanceAnswer>(200, before)
            .refuses(409, &["more_than_owed", "reference_used", "line_waits", "wrong_state"])
            .refuses(422, &["bad_amount", "bad_text", "bad_bank", "unknown_site"]),
    ]
}

/// What a recording handler answers.
pub(super) type Recorded<T> = Result<(StatusCode, Json<T>), Error>;

/// 201 for what was recorded now, 200 for everything else.
pub(super) fn recorded<T>(answered: Answered<T>) -> (StatusCode, Json<T>) {
    let status = if answered.recorded { StatusCode::CREATED } else { StatusCode::OK };
    (status, Json(answered.answer))
}

/// `POST /finance/bags`.
pub(super) async fn seal(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<BagRequest>,
) -> Recorded<BagAnswer> {
    let key = Key::of(caller.id, idempotency_key(&headers)?, "bags", &request)?;
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, Some(key), stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { banking::seal(connection, &request, stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/deposits`.
pub(super) async fn deposit(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<DepositRequest>,
) -> Recorded<DepositAnswer> {
    let key = Key::of(caller.id, idempotency_key(&headers)?, "deposits", &request)?;
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, Some(key), stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { banking::deposit(connection, &request, stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/deposits/{id}/confirm`.
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<ConfirmRequest>,
) -> Recorded<ConfirmAnswer> {
    let deposit = id.subject(Kind::Deposit)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("confirm {deposit}"), &request)?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        let request = request.clone();
        Box::pin(async move { banking::confirm(connection, deposit, &request).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/sweeps`.
pub(super) async fn sweep(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<SweepRequest>,
) -> Recorded<SweepAnswer> {
    let key = Key::of(caller.id, idempotency_key(&headers)?, "sweeps", &request)?;
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, Some(key), stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { banking::sweep(connection, &request, stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/remittances`.
pub(super) async fn remit(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<RemittanceRequest>,
) -> Recorded<RemittanceAnswer> {
    let key = Key::of(caller.id, idempotency_key(&headers)?, "remittances", &request)?;
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, Some(key), stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { banking::remit(connection, &request, stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `GET /finance/bags`.
pub(super) async fn bags(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<BagRow>> {
    Ok(Json(bank::bags(&app.pool, page.after(), page.limit()?).await?))
}

/// `GET /finance/deposits`.
pub(super) async fn deposits(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<DepositRow>> {
    Ok(Json(bank::deposits(&app.pool, page.after(), page.limit()?).await?))
}
