//! A vendor's own parcels, earnings and balance.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use protocol::id::Scope;
use serde_json::json;

use super::error::Answer;
use super::extract::Page;
use super::operation::Operation;
use super::{App, VENDOR};
use crate::finance::Paged;
use crate::problem::Error;
use crate::tokens::Caller;
use crate::vendors::{self, VendorBalance, VendorEarning, VendorParcel};

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let status = json!({ "type": "string", "maxLength": 400, "example": "placed" });
    vec![
        Operation::get("/vendors/me/parcels", "list_own_parcels", "The vendor's own parcels.", parcels)
            .roles(VENDOR)
            .query("status", "Of which status.", status)
            .gives_page_of::<VendorParcel>()
            .refuses(403, &["token_of_no_vendor"]),
        Operation::get("/vendors/me/earnings", "list_own_earnings", "The vendor's own earnings.", earnings)
            .roles(VENDOR)
            .gives_page_of::<VendorEarning>()
            .refuses(403, &["token_of_no_vendor"]),
        Operation::get("/vendors/me/balance", "read_own_balance", "What the vendor is owed.", balance)
            .roles(VENDOR)
            .gives::<VendorBalance>(200, "By the books, now.")
            .refuses(403, &["token_of_no_vendor"]),
    ]
}

/// `GET /vendors/me/parcels`.
async fn parcels(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    page: Page,
) -> Answer<Paged<VendorParcel>> {
    let (vendor, limit) = (own(caller)?, page.limit()?);
    Ok(Json(vendors::parcels(&app.pool, vendor, page.status(), page.after(), limit).await?))
}

/// `GET /vendors/me/earnings`.
async fn earnings(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    page: Page,
) -> Answer<Paged<VendorEarning>> {
    Ok(Json(vendors::earnings(&app.pool, own(caller)?, page.after(), page.limit()?).await?))
}

/// `GET /vendors/me/balance`.
async fn balance(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Answer<VendorBalance> {
    Ok(Json(vendors::balance(&app.pool, own(caller)?).await?))
}

/// The vendor that the token speaks for.
fn own(caller: Caller) -> Result<Scope, Error> {
    caller.vendor.ok_or_else(|| {
        let next = "Ask operations for a token made with `central token --role vendor --vendor SLUG`.";
        Error::refuse(403, "token_of_no_vendor", "The token speaks for no vendor.", next)
    })
}
