//! Differences, and what finance rules on them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use protocol::id::{Id16, Kind};
use serde_json::json;

use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed, keyed_unless_dry};
use super::{App, FINANCE};
use crate::finance::Paged;
use crate::finance::difference::{self, Difference, RulingRow};
use crate::once::{Key, once};
use crate::rulings::{self, RulingAnswer, RulingRequest, Withdrawn};
use crate::tokens::Caller;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let word = |example: &str| json!({ "type": "string", "maxLength": 400, "example": example });
    let before = "The answer that this key got before.";
    let stands = [
        "more_than_open",
        "more_than_held",
        "not_the_customer",
        "handed_in_since",
        "not_handed_in",
        "not_the_collector",
        "not_the_vendor",
        "not_short_at_door",
        "not_paid_out",
        "too_young",
    ];
    vec![
        Operation::get(
            "/finance/differences",
            "list_differences",
            "Money whose end is open, oldest first.",
            differences,
        )
        .roles(FINANCE)
        .query("status", "`open` or `settled`.", word("open"))
        .query("account", "On which account: 1140, 1190, 2080, 2090 or 2095.", word("1140"))
        .refuses(400, &["bad_account"])
        .gives_page_of::<Difference>(),
        Operation::get("/finance/rulings", "list_rulings", "What was ruled, and what waits for a second person.", list)
            .roles(FINANCE)
            .query("status", "`waiting`, `ruled` or `withdrawn`.", word("waiting"))
            .gives_page_of::<RulingRow>(),
        keyed_unless_dry(Operation::post("/finance/rulings", "rule", "Say what becomes of a difference.", rule))
            .roles(FINANCE)
            .takes::<RulingRequest>()
            .gives::<RulingAnswer>(201, "It is ruled and posted.")
            .gives::<RulingAnswer>(200, "A dry run, a proposal that waits, or the answer that this key got before.")
            .refuses(404, &["unknown_difference"])
            .refuses(409, &stands)
            .refuses(409, &["wrong_state"])
            .refuses(422, &["bad_amount", "bad_text", "bad_ruling", "unknown_site"]),
        keyed(Operation::post(
            "/finance/rulings/{id}/approve",
            "approve_ruling",
            "Agree as the second person.",
            approve,
        ))
        .roles(FINANCE)
        .id("id", "The proposal.")
        .gives::<RulingAnswer>(201, "It is ruled and posted.")
        .gives::<RulingAnswer>(200, before)
        .refuses(404, &["unknown_ruling", "unknown_difference"])
        .refuses(409, &stands)
        .refuses(409, &["ruling_ended", "same_person", "wrong_state"])
        .refuses(422, &["bad_ruling", "unknown_site"]),
        keyed(Operation::post("/finance/rulings/{id}/withdraw", "withdraw_ruling", "Take a proposal back.", withdraw))
            .roles(FINANCE)
            .id("id", "The proposal.")
            .gives::<Withdrawn>(200, "It is withdrawn.")
            .refuses(404, &["unknown_ruling"])
            .refuses(409, &["ruling_ended"]),
    ]
}

/// `GET /finance/differences`.
pub(super) async fn differences(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Difference>> {
    Ok(Json(difference::differences(&app.pool, page.status(), page.account(), page.after(), page.limit()?).await?))
}

/// `GET /finance/rulings`.
pub(super) async fn list(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<RulingRow>> {
    Ok(Json(difference::rulings(&app.pool, page.status(), page.after(), page.limit()?).await?))
}

/// `POST /finance/rulings`.
pub(super) async fn rule(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<RulingRequest>,
) -> Recorded<RulingAnswer> {
    let key = match request.dry_run {
        true => None,
        false => Some(Key::of(caller.id, idempotency_key(&headers)?, "rulings", &request)?),
    };
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, key, stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { rulings::rule(connection, &request, Id16(caller.id), stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/rulings/{id}/approve`.
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
) -> Recorded<RulingAnswer> {
    let ruling = id.subject(Kind::Ruling)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("approve {ruling}"), &())?;
    let now_ms = app.clock.now_ms();
    let answered = once(&app.intake, Some(key), now_ms, move |connection| {
        Box::pin(rulings::approve(connection, ruling, Id16(caller.id), now_ms))
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/rulings/{id}/withdraw`.
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
) -> Recorded<Withdrawn> {
    let ruling = id.subject(Kind::Ruling)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("withdraw {ruling}"), &())?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        Box::pin(rulings::withdraw(connection, ruling))
    });
    Ok(recorded(answered.await?))
}
