//! Sites, vendors and offers, for operations.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::App;
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use crate::documents::view::{self, Product};
use crate::finance::Paged;
use crate::market::{self, NewSite, NewVendor, Offer};
use crate::problem::Error;

/// `POST /sites`.
pub(super) async fn new_site(
    State(app): State<Arc<App>>,
    Body(site): Body<NewSite>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let subject = market::new_site(&app.pool, &app.clock, &site).await?;
    Ok((StatusCode::CREATED, Json(json!({ "site": subject, "name": site.name.trim() }))))
}

/// `POST /vendors`.
pub(super) async fn new_vendor(
    State(app): State<Arc<App>>,
    Body(vendor): Body<NewVendor>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let subject = market::new_vendor(&app.pool, &app.clock, &vendor).await?;
    Ok((StatusCode::CREATED, Json(json!({ "vendor": subject, "slug": vendor.slug }))))
}

/// `PUT /vendors/{slug}/offers`.
pub(super) async fn offers(
    State(app): State<Arc<App>>,
    slug: Segment,
    Body(offers): Body<Vec<Offer>>,
) -> Answer<Value> {
    Ok(Json(json!({ "offers": market::put_offers(&app.pool, &app.intake, &slug.0, &offers).await? })))
}

/// `GET /vendors/{slug}/products`.
pub(super) async fn products(State(app): State<Arc<App>>, slug: Segment, page: Page) -> Answer<Paged<Product>> {
    Ok(Json(view::products(&app.pool, &slug.0, page.after(), page.limit()?).await?))
}
