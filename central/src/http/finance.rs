//! The books, for finance.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::App;
use super::error::Answer;
use super::extract::{Page, Segment, bad_id};
use crate::finance::{self, About, Custody, Exception, Paged, Payable, Revision, TrialBalance};

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
