//! Sites, vendors and offers, for operations.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use protocol::id::Subject;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::App;
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::operation::Operation;
use super::{ANYBODY, MAX_OFFERS_BYTES, OPERATIONS};
use crate::documents::view::{self, Product};
use crate::finance::Paged;
use crate::market::{self, MAX_OFFERS, NewSite, NewTerms, NewVendor, Offer};
use crate::points::{self, MAX_POINTS, Near, Points};
use crate::problem::Error;
use crate::schema::Id;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let near = json!({ "type": "string", "minLength": 1, "maxLength": 200, "example": "Dhaka" });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_POINTS, "default": 20, "example": 20 });
    let skip = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 0, "example": 0 });
    vec![
        Operation::post("/sites", "create_site", "Create a courier hub or a pickup point.", new_site)
            .roles(OPERATIONS)
            .takes::<NewSite>()
            .gives::<CreatedSite>(201, "The site was created.")
            .refuses(409, &["site_exists", "district_taken"])
            .refuses(422, &["bad_name", "bad_districts", "bad_point"]),
        Operation::post("/terms", "set_terms", "Set the terms of trade from a moment on.", new_terms)
            .roles(OPERATIONS)
            .takes::<NewTerms>()
            .gives::<TermsSet>(201, "They are set; orders that are placed keep theirs.")
            .refuses(409, &["terms_exist"])
            .refuses(422, &["bad_terms"]),
        Operation::get("/points", "list_points", "Pickup points near a place, nearest first.", points)
            .roles(ANYBODY)
            .needs_query("near", "A district by name, or `lat,lon` in degrees.", near)
            .query("limit", "Most points of the page.", limit)
            .query("skip", "How many to leave out: those of earlier pages.", skip)
            .gives::<Points>(200, "The page.")
            .refuses(422, &["bad_place", "bad_limit"]),
        Operation::post("/vendors", "create_vendor", "Create a vendor.", new_vendor)
            .roles(OPERATIONS)
            .takes::<NewVendor>()
            .gives::<CreatedVendor>(201, "The vendor was created.")
            .refuses(409, &["vendor_exists"])
            .refuses(422, &["bad_name", "bad_slug"]),
        Operation::put("/vendors/{slug}/offers", "put_offers", "Put goods on offer, all of them or none.", offers)
            .roles(OPERATIONS)
            .segment("slug", "The vendor.", "meghna")
            .takes_list_of::<Offer>(MAX_OFFERS)
            .largest(MAX_OFFERS_BYTES)
            .gives::<OffersPut>(200, "They are on offer.")
            .refuses(404, &["unknown_vendor"])
            .refuses(409, &["document_full"])
            .refuses(422, &["too_many_offers", "bad_name", "bad_sku", "bad_price", "sku_twice"]),
        Operation::get("/vendors/{slug}/products", "list_products", "A vendor's products as they stand.", products)
            .roles(OPERATIONS)
            .segment("slug", "The vendor.", "meghna")
            .gives_page_of::<Product>()
            .refuses(404, &["unknown_vendor"]),
    ]
}

/// A site that was created.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedSite {
    /// Its id.
    #[schema(value_type = Id)]
    site: Subject,
    /// Its name.
    name: String,
}

/// A vendor that was created.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedVendor {
    /// Its id.
    #[schema(value_type = Id)]
    vendor: Subject,
    /// Its short name in orders.
    slug: String,
}

/// Terms that were set.
#[derive(Serialize, ToSchema)]
pub(super) struct TermsSet {
    /// From when, business time, ms since 1970.
    effective_from_ms: i64,
}

/// What a list of offers came to.
#[derive(Serialize, ToSchema)]
pub(super) struct OffersPut {
    /// How many goods were put on offer, or changed.
    offers: usize,
}

/// `POST /sites`.
pub(super) async fn new_site(
    State(app): State<Arc<App>>,
    Body(site): Body<NewSite>,
) -> Result<(StatusCode, Json<CreatedSite>), Error> {
    let subject = market::new_site(&app.pool, &app.clock, &site).await?;
    Ok((StatusCode::CREATED, Json(CreatedSite { site: subject, name: site.name.trim().to_owned() })))
}

/// `POST /vendors`.
pub(super) async fn new_vendor(
    State(app): State<Arc<App>>,
    Body(vendor): Body<NewVendor>,
) -> Result<(StatusCode, Json<CreatedVendor>), Error> {
    let subject = market::new_vendor(&app.pool, &app.clock, &vendor).await?;
    Ok((StatusCode::CREATED, Json(CreatedVendor { vendor: subject, slug: vendor.slug })))
}

/// `PUT /vendors/{slug}/offers`.
pub(super) async fn offers(
    State(app): State<Arc<App>>,
    slug: Segment,
    Body(offers): Body<Vec<Offer>>,
) -> Answer<OffersPut> {
    Ok(Json(OffersPut { offers: market::put_offers(&app.pool, &app.intake, &slug.0, &offers).await? }))
}

/// `GET /vendors/{slug}/products`.
pub(super) async fn products(State(app): State<Arc<App>>, slug: Segment, page: Page) -> Answer<Paged<Product>> {
    Ok(Json(view::products(&app.pool, &slug.0, page.after(), page.limit()?).await?))
}

/// `POST /terms`.
pub(super) async fn new_terms(
    State(app): State<Arc<App>>,
    Body(terms): Body<NewTerms>,
) -> Result<(StatusCode, Json<TermsSet>), Error> {
    market::new_terms(&app.pool, &terms).await?;
    Ok((StatusCode::CREATED, Json(TermsSet { effective_from_ms: terms.effective_from_ms })))
}

/// `GET /points?near=`.
pub(super) async fn points(State(app): State<Arc<App>>, near: Result<Query<Near>, QueryRejection>) -> Answer<Points> {
    let Query(near) = near.map_err(|_| points::bad_place())?;
    Ok(Json(points::near(&app.pool, &near).await?))
}
