//! Sites, vendors and offers, for operations.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::Subject;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::Answer;
use super::extract::{Body, Segment};
use super::operation::Operation;
use super::{MAX_OFFERS_BYTES, OPERATIONS};
use crate::market::{self, MAX_OFFERS, NewSite, NewVendor, Offer};
use crate::problem::Error;
use crate::schema::Id;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/sites", "create_site", "Create a courier hub.", new_site)
            .roles(OPERATIONS)
            .takes::<NewSite>()
            .gives::<CreatedSite>(201, "The site was created.")
            .refuses(409, &["site_exists", "district_taken"])
            .refuses(422, &["bad_name", "bad_districts"]),
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
            .refuses(422, &["too_many_offers", "bad_name", "bad_price", "sku_twice"]),
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
    Ok(Json(OffersPut { offers: market::put_offers(&app.pool, &slug.0, &offers).await? }))
}
