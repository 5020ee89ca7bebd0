//! The books, for finance.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::App;
use super::FINANCE;
use super::error::Answer;
use super::extract::{Page, Segment, bad_id};
use super::operation::Operation;
use crate::finance::{self, About, Custody, Exception, Paged, Payable, Revision, TrialBalance};

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let kind = json!({ "type": "string", "maxLength": 400, "example": "contested_delivery" });
    let id = "A fact (64 hex digits), or what a journal is about: a parcel, an earning, a hand-in.";
    vec![
        Operation::get("/finance/trial-balance", "trial_balance", "The trial balance.", trial_balance)
            .roles(FINANCE)
            .paged()
            .gives::<TrialBalance>(200, "The accounts by code, and the totals of all pages.")
            .with_file(),
        Operation::get(
            "/finance/cash-by-custodian",
            "cash_by_custodian",
            "Who holds how much cash.",
            cash_by_custodian,
        )
        .roles(FINANCE)
        .gives_page_of::<Custody>(),
        Operation::get("/finance/vendor-payable", "vendor_payable", "What every vendor is owed.", vendor_payable)
            .roles(FINANCE)
            .gives_page_of::<Payable>(),
        Operation::get("/finance/journals/{id}", "list_journals", "The journals of one fact or thing.", journals)
            .roles(FINANCE)
            .segment("id", id, "P01KASWBNZ0M6SC7N75YR3HGA9T2")
            .gives_page_of::<Revision>(),
        Operation::get("/finance/exceptions", "list_exceptions", "What waits for a person, oldest first.", exceptions)
            .roles(FINANCE)
            .query("kind", "Of which kind.", kind)
            .gives_page_of::<Exception>(),
    ]
}

/// `GET /finance/trial-balance`.
pub(super) async fn trial_balance(State(app): State<Arc<App>>, page: Page) -> Answer<TrialBalance> {
    Ok(Json(finance::trial_balance(&app.pool, page.after(), page.limit()?).await?))
}

/// `GET /finance/cash-by-custodian`.
pub(super) async fn cash_by_custodian(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Custody>> {
    Ok(Json(finance::cash_by_custodian(&app.pool, page.after(), page.limit()?).await?))
}

/// `GET /finance/vendor-payable`.
pub(super) async fn vendor_payable(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Payable>> {
    Ok(Json(finance::vendor_payable(&app.pool, page.after(), page.limit()?).await?))
}

/// `GET /finance/journals/{id}`: of a fact (64 hex digits) or of a subject.
pub(super) async fn journals(State(app): State<Arc<App>>, id: Segment, page: Page) -> Answer<Paged<Revision>> {
    let about = About::parse(&id.0).ok_or_else(bad_id)?;
    Ok(Json(finance::journals(&app.pool, about, page.after(), page.limit()?).await?))
}

/// `GET /finance/exceptions`.
pub(super) async fn exceptions(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<Exception>> {
    Ok(Json(finance::exceptions(&app.pool, page.kind(), page.after(), page.limit()?).await?))
}
