//! What finance enters on paper evidence, and the settings by which it works.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use protocol::id::{Id16, Kind};
use serde_json::json;

use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed, keyed_unless_dry};
use super::{App, FINANCE, OPERATIONS};
use crate::entries::{self, EntryAnswer, EntryRequest};
use crate::finance::Paged;
use crate::finance::entry::{self, EntryRow};
use crate::once::{Key, once};
use crate::settings::Settings;
use crate::tokens::Caller;
use crate::vendor_account::{self, AccountRow, AccountSet, NewAccount};

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let word = |example: &str| json!({ "type": "string", "maxLength": 400, "example": example });
    let before = "The answer that this key got before.";
    let stands = ["reference_used", "more_than_held", "not_the_vendor", "loss_paid", "not_lost", "more_than_lost"];
    let further = ["bag_deposited", "more_than_captured", "line_waits", "refund_waits", "wrong_state"];
    vec![
        Operation::get(
            "/finance/entries",
            "list_entries",
            "What was entered, and what waits for a second person.",
            list,
        )
        .roles(FINANCE)
        .query("status", "`waiting`, `entered` or `withdrawn`.", word("waiting"))
        .gives_page_of::<EntryRow>(),
        keyed_unless_dry(Operation::post("/finance/entries", "enter", "Enter what a paper says.", enter))
            .roles(FINANCE)
            .takes::<EntryRequest>()
            .gives::<EntryAnswer>(201, "It is entered and posted.")
            .gives::<EntryAnswer>(200, "A dry run, a proposal that waits, or the answer that this key got before.")
            .refuses(404, &["unknown_parcel"])
            .refuses(409, &stands)
            .refuses(409, &further)
            .refuses(422, &["bad_amount", "bad_text", "bad_bank", "bad_entry", "unknown_site", "unknown_agent"]),
        keyed(Operation::post(
            "/finance/entries/{id}/approve",
            "approve_entry",
            "Agree as the second person.",
            approve,
        ))
        .roles(FINANCE)
        .id("id", "The proposal.")
        .gives::<EntryAnswer>(201, "It is entered and posted.")
        .gives::<EntryAnswer>(200, before)
        .refuses(404, &["unknown_entry", "unknown_parcel"])
        .refuses(409, &stands)
        .refuses(409, &further)
        .refuses(409, &["entry_ended", "same_person"])
        .refuses(422, &["bad_entry", "unknown_site", "unknown_agent"]),
        keyed(Operation::post("/finance/entries/{id}/withdraw", "withdraw_entry", "Take a proposal back.", withdraw))
            .roles(FINANCE)
            .id("id", "The proposal.")
            .gives::<EntryAnswer>(200, "It is withdrawn.")
            .refuses(404, &["unknown_entry"])
            .refuses(409, &["entry_ended"])
            .refuses(422, &["bad_entry"]),
        Operation::get("/finance/settings", "list_settings", "Finance's settings, the latest first.", settings)
            .roles(FINANCE)
            .gives_page_of::<Settings>(),
        Operation::post("/finance/settings", "set_settings", "Set finance's settings from a moment on.", set_settings)
            .roles(FINANCE)
            .takes::<Settings>()
            .gives::<Settings>(201, "They are set; what was decided before stays decided.")
            .refuses(409, &["settings_too_soon", "settings_exist"])
            .refuses(422, &["bad_amount", "bad_settings"]),
        Operation::get(
            "/finance/vendor-accounts",
            "list_vendor_accounts",
            "Where every vendor is paid, and from when.",
            accounts,
        )
        .roles(FINANCE)
        .gives_page_of::<AccountRow>(),
        Operation::put(
            "/vendors/{slug}/account",
            "set_vendor_account",
            "Set the account a vendor is paid to.",
            account,
        )
        .roles(OPERATIONS)
        .segment("slug", "The vendor.", "meghna")
        .takes::<NewAccount>()
        .gives::<AccountSet>(200, "It is set; a changed one is paid to after its cooling time.")
        .refuses(404, &["unknown_vendor"])
        .refuses(422, &["bad_text", "bad_name", "bad_account"]),
    ]
}

/// `GET /finance/entries`.
pub(super) async fn list(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<EntryRow>> {
    Ok(Json(entry::entries(&app.pool, page.status(), page.after(), page.limit()?).await?))
}

/// `POST /finance/entries`.
pub(super) async fn enter(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<EntryRequest>,
) -> Recorded<EntryAnswer> {
    let key = match request.dry_run {
        true => None,
        false => Some(Key::of(caller.id, idempotency_key(&headers)?, "entries", &request)?),
    };
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, key, stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { entries::enter(connection, &request, Id16(caller.id), stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/entries/{id}/approve`.
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
) -> Recorded<EntryAnswer> {
    let entry = id.subject(Kind::Entry)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("approve {entry}"), &())?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        Box::pin(entries::approve(connection, entry, Id16(caller.id)))
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/entries/{id}/withdraw`.
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
) -> Recorded<EntryAnswer> {
    let entry = id.subject(Kind::Entry)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("withdraw {entry}"), &())?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        Box::pin(entries::withdraw(connection, entry))
    });
    Ok(recorded(answered.await?))
}

/// `GET /finance/settings`.
pub(super) async fn settings(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Settings>> {
    // They are few and come whole; a page that is none is told all the same.
    page.limit()?;
    let mut connection = app.pool.acquire().await?;
    Ok(Json(Paged { rows: Settings::all(&mut connection).await?, next: None }))
}

/// `POST /finance/settings`.
pub(super) async fn set_settings(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Body(settings): Body<Settings>,
) -> Recorded<Settings> {
    let mut connection = app.pool.acquire().await?;
    settings.set(&mut connection, caller.id, app.clock.now_ms()).await?;
    Ok((StatusCode::CREATED, Json(settings)))
}

/// `GET /finance/vendor-accounts`.
pub(super) async fn accounts(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<AccountRow>> {
    let now_ms = app.clock.now_ms();
    Ok(Json(vendor_account::list(&app.pool, page.after(), page.limit()?, now_ms).await?))
}

/// `PUT /vendors/{slug}/account`.
pub(super) async fn account(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    slug: Segment,
    Body(account): Body<NewAccount>,
) -> Answer<AccountSet> {
    let mut tx = app.pool.begin().await?;
    let set = vendor_account::set(&mut tx, &slug.0, &account, caller.id, app.clock.now_ms()).await?;
    tx.commit().await?;
    Ok(Json(set))
}
