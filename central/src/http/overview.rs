//! What the console shows beyond lists: the first page, ages, evidence, reports.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::App;
use super::FINANCE;
use super::error::Answer;
use super::extract::{Page, Segment};
use super::operation::Operation;
use crate::finance::Paged;
use crate::finance::ageing::{self, AGED, Aged, Shortage};
use crate::finance::evidence::{self, Evidence};
use crate::finance::overview::{self, CashOnDay, Overview};
use crate::finance::report::{self, Settlement, Vat};

/// Days of the plot when the caller does not say.
const USUAL_DAYS: &str = "14";

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let word = |example: &str| json!({ "type": "string", "maxLength": 64, "example": example });
    let cause = "The fact that the difference follows from, as `cause` of the list of differences names it.";
    let example = "7d1ec0e4f2a1b6c39d0f5e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c";
    vec![
        Operation::get("/finance/overview", "read_overview", "The books, cash, and what waits for a person.", overview)
            .roles(FINANCE)
            .gives::<Overview>(200, "As of now."),
        Operation::get(
            "/finance/cash-over-time",
            "cash_over_time",
            "Cash by kind of holder at the end of each day.",
            cash_over_time,
        )
        .roles(FINANCE)
        .query("days", "How many days, 1 to 92.", word("14"))
        .gives_page_of::<CashOnDay>()
        .refuses(400, &["bad_days"]),
        Operation::get(
            "/finance/ageing",
            "list_ageing",
            "Balances by age, of all accounts or of one's owners.",
            ageing,
        )
        .roles(FINANCE)
        .query("account", "Of this account's owners; without it, a row an account.", word("1110"))
        .gives_page_of::<Aged>()
        .refuses(400, &["bad_account"]),
        Operation::get("/finance/shortages", "list_shortages", "Missing cash by who answers for it.", shortages)
            .roles(FINANCE)
            .gives_page_of::<Shortage>(),
        Operation::get(
            "/finance/differences/{cause}/evidence",
            "read_evidence",
            "What is known of a difference.",
            proof,
        )
        .roles(FINANCE)
        .segment("cause", cause, example)
        .needs_query("owner", "Whose difference.", word("A01KASWBNZ0M6SC7N75YR3HGA9T2"))
        .gives::<Evidence>(200, "The difference with its evidence.")
        .refuses(400, &["bad_page"])
        .refuses(404, &["unknown_difference"]),
        Operation::get("/finance/vat", "read_vat", "VAT by month and rule.", vat)
            .roles(FINANCE)
            .needs_query("from", "The first month.", word("2026-11"))
            .needs_query("to", "The last month.", word("2026-11"))
            .gives::<Vat>(200, "What was charged and taken back.")
            .with_file()
            .refuses(400, &["bad_period", "bad_page"]),
        Operation::get(
            "/finance/settlement",
            "read_settlement",
            "Settlement, with price and charges apart.",
            settlement,
        )
        .roles(FINANCE)
        .needs_query("from", "The first day.", word("2026-11-01"))
        .needs_query("to", "The last day.", word("2026-11-26"))
        .gives::<Settlement>(200, "Sums, and by day.")
        .with_file()
        .refuses(400, &["bad_time", "bad_page"]),
    ]
}

/// `GET /finance/overview`.
pub(super) async fn overview(State(app): State<Arc<App>>) -> Answer<Overview> {
    let mut connection = app.pool.acquire().await?;
    Ok(Json(overview::overview(&mut connection, app.clock.now_ms()).await?))
}

/// `GET /finance/cash-over-time`.
pub(super) async fn cash_over_time(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<CashOnDay>> {
    // All days are one page, but a page that is none is told all the same.
    page.limit()?;
    let mut connection = app.pool.acquire().await?;
    let rows = overview::cash_over_time(&mut connection, page.days(USUAL_DAYS), app.clock.now_ms()).await?;
    Ok(Json(Paged { rows, next: None }))
}

/// `GET /finance/ageing`.
pub(super) async fn ageing(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Aged>> {
    let (limit, mut connection, now_ms) = (page.limit()?, app.pool.acquire().await?, app.clock.now_ms());
    if let Some(account) = page.account() {
        let code = ageing::aged(account)?;
        return Ok(Json(ageing::by_owner(&mut connection, code, now_ms, page.after(), limit).await?));
    }
    let mut rows = Vec::with_capacity(AGED.len());
    for code in AGED {
        rows.push(ageing::whole(&mut connection, code, now_ms).await?);
    }
    Ok(Json(Paged { rows, next: None }))
}

/// `GET /finance/shortages`.
pub(super) async fn shortages(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Shortage>> {
    let mut connection = app.pool.acquire().await?;
    Ok(Json(ageing::shortages(&mut connection, page.after(), page.limit()?).await?))
}

/// `GET /finance/differences/{cause}/evidence`.
pub(super) async fn proof(State(app): State<Arc<App>>, cause: Segment, page: Page) -> Answer<Evidence> {
    Ok(Json(evidence::evidence(&app.pool, &cause.0, page.owner(), app.clock.now_ms()).await?))
}

/// `GET /finance/vat`.
pub(super) async fn vat(State(app): State<Arc<App>>, page: Page) -> Answer<Vat> {
    let mut connection = app.pool.acquire().await?;
    let (from, to) = page.stretch();
    Ok(Json(report::vat(&mut connection, from, to).await?))
}

/// `GET /finance/settlement`.
pub(super) async fn settlement(State(app): State<Arc<App>>, page: Page) -> Answer<Settlement> {
    let mut connection = app.pool.acquire().await?;
    let (from, to) = page.stretch();
    Ok(Json(report::settlement(&mut connection, from, to).await?))
}
