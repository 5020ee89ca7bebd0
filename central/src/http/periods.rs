//! Closing months, and what the books were at a past time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::banking::Recorded;
use super::error::Answer;
use super::extract::{Page, Segment};
use super::operation::Operation;
use super::{App, FINANCE};
use crate::finance::past::{self, AccountLine, BalanceThen, Held};
use crate::finance::{Paged, TrialRow};
use crate::periods::{self, ClosedMonth};
use crate::seal::{self, SealRow};

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let at = json!({ "type": "string", "maxLength": 400, "example": "2026-11-25" });
    let at_told = "A day, at whose end, or a moment such as 2026-11-25T18:30:00Z; leave it out for now.";
    let account = "A code of the chart, and its owner behind a point where it has one: 1020.Q… or 4010.";
    vec![
        Operation::get("/finance/periods", "list_periods", "The closed months.", list)
            .roles(FINANCE)
            .gives_page_of::<ClosedMonth>(),
        Operation::post("/finance/periods/{period}/close", "close_period", "Close a month that is over.", close)
            .roles(FINANCE)
            .segment("period", "The month.", "2026-11")
            .gives::<ClosedMonth>(201, "It is closed, and sealed with its trial balance.")
            .gives::<ClosedMonth>(200, "It was closed before.")
            .refuses(400, &["bad_period"])
            .refuses(409, &["month_not_over", "earlier_month_open", "later_month_closed"]),
        Operation::get(
            "/finance/periods/{period}/balance",
            "closed_balance",
            "A closed month's trial balance.",
            balance,
        )
        .roles(FINANCE)
        .segment("period", "The month.", "2026-11")
        .gives_page_of::<TrialRow>()
        .refuses(404, &["month_not_closed"]),
        Operation::get(
            "/finance/seals",
            "list_seals",
            "Where the journal log stood at the ends of days and months.",
            seals,
        )
        .roles(FINANCE)
        .gives_page_of::<SealRow>(),
        Operation::get("/finance/balances", "balances_then", "Every account's balance at a past time.", balances)
            .roles(FINANCE)
            .query("at", at_told, at.clone())
            .gives_page_of::<BalanceThen>()
            .refuses(400, &["bad_time"]),
        Operation::get("/finance/accounts/{account}/balance", "account_then", "What one account held then.", held)
            .roles(FINANCE)
            .segment("account", account, "4010")
            .query("at", at_told, at)
            .gives::<Held>(200, "The balance.")
            .refuses(400, &["bad_time", "bad_page"]),
        Operation::get("/finance/accounts/{account}/lines", "account_lines", "The lines of one account.", lines)
            .roles(FINANCE)
            .segment("account", account, "4010")
            .gives_page_of::<AccountLine>(),
    ]
}

/// `GET /finance/periods`.
pub(super) async fn list(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<ClosedMonth>> {
    Ok(Json(periods::closed_months(&app.pool, page.after(), page.limit()?).await?))
}

/// `POST /finance/periods/{period}/close`.
pub(super) async fn close(State(app): State<Arc<App>>, period: Segment) -> Recorded<ClosedMonth> {
    let (closed, now) = periods::close(&app.intake, &app.clerk, &period.0, app.clock.now_ms()).await?;
    Ok((if now { StatusCode::CREATED } else { StatusCode::OK }, Json(closed)))
}

/// `GET /finance/periods/{period}/balance`.
pub(super) async fn balance(State(app): State<Arc<App>>, period: Segment, page: Page) -> Answer<Paged<TrialRow>> {
    Ok(Json(periods::closed_balance(&app.pool, &period.0, page.after(), page.limit()?).await?))
}

/// `GET /finance/seals`.
pub(super) async fn seals(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<SealRow>> {
    Ok(Json(seal::seals(&app.pool, page.after(), page.limit()?).await?))
}

/// `GET /finance/balances`.
pub(super) async fn balances(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<BalanceThen>> {
    let at_ms = past::moment(page.at(), past::latest(&app.pool, app.clock.now_ms()).await?)?;
    Ok(Json(past::balances(&app.pool, at_ms, page.after(), page.limit()?).await?))
}

/// `GET /finance/accounts/{account}/balance`.
pub(super) async fn held(State(app): State<Arc<App>>, account: Segment, page: Page) -> Answer<Held> {
    let account = past::account(&account.0)?;
    let at_ms = past::moment(page.at(), past::latest(&app.pool, app.clock.now_ms()).await?)?;
    Ok(Json(past::held(&app.pool, &account, at_ms).await?))
}

/// `GET /finance/accounts/{account}/lines`.
pub(super) async fn lines(State(app): State<Arc<App>>, account: Segment, page: Page) -> Answer<Paged<AccountLine>> {
    let account = past::account(&account.0)?;
    Ok(Json(past::lines(&app.pool, &account, page.after(), page.limit()?).await?))
}
