//! Sites, vendors and offers: what operations set up before anybody can order.

use std::collections::BTreeSet;

use protocol::document::product::Sale;
use protocol::fact::MAX_TEXT;
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;
use serde::Deserialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::devices::checked_name;
use crate::documents::{self, Entry};
use crate::intake::Intake;
use crate::problem::Error;
use crate::schema::Id;

/// Most offers in one call: one statement, and a progress that a person can follow.
pub const MAX_OFFERS: usize = 1_000;
/// Most districts of one site: all of Bangladesh, with room for other spellings.
const MAX_DISTRICTS: usize = 200;
/// Longest slug, characters.
const MAX_SLUG: usize = 64;

/// A site to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Khulna courier hub", "districts": ["Khulna", "Jessore"] }))]
pub struct NewSite {
    /// Its name, unique.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The districts a hub serves; `*` is every one that no other hub has. A point gives the one it is in.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub districts: Vec<String>,
    /// A courier hub, or a pickup point.
    #[serde(default)]
    pub kind: SiteKind,
    /// A point whose till is its owner's: he owes us what he takes.
    #[serde(default)]
    pub partner: bool,
    /// Of a point: the hub that its parcels go through.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub hub: Option<Subject>,
    /// Of a point: where it is.
    #[serde(default)]
    pub position: Option<Position>,
    /// When it is open, in its own words.
    #[serde(default)]
    pub opening: Option<String>,
}

/// What a site is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SiteKind {
    /// A courier hub.
    #[default]
    Hub,
    /// A pickup point.
    Point,
}

/// A place on the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Millionths of a degree north.
    #[schema(minimum = -90_000_000, maximum = 90_000_000, example = 23_807_000)]
    pub lat_microdeg: i32,
    /// Millionths of a degree east.
    #[schema(minimum = -180_000_000, maximum = 180_000_000, example = 90_368_000)]
    pub lon_microdeg: i32,
}

/// Creates a pickup point, which serves no district of its own.
async fn new_point(pool: &PgPool, clock: &Clock, site: &NewSite) -> Result<Subject, Error> {
    let name = checked_name(&site.name)?;
    let incomplete = || {
        let next = "Give `hub`, `position` and one of `districts`.";
        Error::refuse(422, "bad_point", "A pickup point has a hub, a position and a district.", next)
    };
    let (hub, position) = (site.hub.ok_or_else(incomplete)?, site.position.ok_or_else(incomplete)?);
    let inside = (-90_000_000..=90_000_000).contains(&position.lat_microdeg)
        && (-180_000_000..=180_000_000).contains(&position.lon_microdeg);
    let [district] = site.districts.as_slice() else { return Err(incomplete()) };
    let district = checked_name(district)?.to_lowercase();
    let opening = site.opening.as_deref().map(checked_name).transpose()?.unwrap_or_default();
    if !inside {
        return Err(incomplete());
    }
    let subject = Subject::new(Kind::Site, clock.stamp()?.id(0));
    let created = sqlx::query(
        "insert into site (subject, name, kind, partner, hub, lat_udeg, lon_udeg, district, opening)
         select $1, $2, 'point', $3, hub.subject, $5, $6, $7, $8 from site hub
         where hub.subject = $4 and hub.kind = 'hub' on conflict (name) do nothing",
    )
    .bind(subject.0)
    .bind(name)
    .bind(site.partner)
    .bind(hub.0)
    .bind(position.lat_microdeg)
    .bind(position.lon_microdeg)
    .bind(district)
    .bind(opening)
    .execute(pool)
    .await?;
    if created.rows_affected() == 0 {
        let next = "Choose another name, and a hub that POST /api/v1/sites created.";
        return Err(Error::refuse(409, "site_exists", "There is a site of this name, or no such hub.", next));
    }
    Ok(subject)
}

/// Creates a site.
///
/// # Errors
/// `bad_name`, `bad_districts`, `site_exists`, `district_taken`, `bad_point`.
pub async fn new_site(pool: &PgPool, clock: &Clock, site: &NewSite) -> Result<Subject, Error> {
    if site.kind == SiteKind::Point {
        return new_point(pool, clock, site).await;
    }
    let name = checked_name(&site.name)?;
    if site.districts.is_empty() || site.districts.len() > MAX_DISTRICTS {
        let next = "Name 1 to 200 districts, or [\"*\"].";
        return Err(Error::refuse(422, "bad_districts", "The site serves no district, or too many.", next));
    }
    let mut districts = BTreeSet::new();
    for district in &site.districts {
        districts.insert(checked_name(district)?.to_lowercase());
    }
    let districts: Vec<String> = districts.into_iter().collect();
    let subject = Subject::new(Kind::Site, clock.stamp()?.id(0));
    let mut tx = pool.begin().await?;
    let created = sqlx::query("insert into site (subject, name) values ($1, $2) on conflict (name) do nothing")
        .bind(subject.0)
        .bind(name)
        .execute(&mut *tx)
        .await?;
    if created.rows_affected() == 0 {
        let next = "Choose another name.";
        return Err(Error::refuse(409, "site_exists", "There is a site of this name.", next));
    }
    let served = sqlx::query(
        "insert into site_district (district, site) select district, $2 from unnest($1::text[]) district
         on conflict (district) do nothing",
    )
    .bind(&districts)
    .bind(subject.0)
    .execute(&mut *tx)
    .await?;
    if served.rows_affected() != districts.len() as u64 {
        let next = "Leave the district out, or take it from the other site first.";
        return Err(Error::refuse(409, "district_taken", "Another site serves one of these districts.", next));
    }
    tx.commit().await?;
    Ok(subject)
}

/// A vendor to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "slug": "surma", "name": "Surma Traders" }))]
pub struct NewVendor {
    /// Its short name in orders, unique.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9-]+$")]
    pub slug: String,
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
}

/// Creates a vendor.
///
/// # Errors
/// `bad_slug`, `bad_name`, `vendor_exists`.
pub async fn new_vendor(pool: &PgPool, clock: &Clock, vendor: &NewVendor) -> Result<Subject, Error> {
    let name = checked_name(&vendor.name)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if vendor.slug.is_empty() || vendor.slug.len() > MAX_SLUG || !vendor.slug.bytes().all(plain) {
        let next = "Use 1 to 64 of a-z, 0-9 and -.";
        return Err(Error::refuse(422, "bad_slug", "The slug is not one.", next));
    }
    let subject = Subject::new(Kind::Vendor, clock.stamp()?.id(0));
    let created =
        sqlx::query("insert into vendor (slug, subject, name) values ($1, $2, $3) on conflict (slug) do nothing")
            .bind(&vendor.slug)
            .bind(subject.0)
            .bind(name)
            .execute(pool)
            .await?;
    if created.rows_affected() == 0 {
        return Err(Error::refuse(409, "vendor_exists", "There is a vendor of this slug.", "Choose another slug."));
    }
    Ok(subject)
}

/// One thing on offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "sku": "RICE", "name_en": "Rice", "name_bn": "চাল", "unit": "sack", "unit_price_paisa": 100_000 }))]
pub struct Offer {
    /// Stock keeping unit, the vendor's own.
    #[schema(min_length = 1, max_length = 200)]
    pub sku: String,
    /// English name.
    #[schema(min_length = 1, max_length = 200)]
    pub name_en: String,
    /// Bangla name.
    #[schema(min_length = 1, max_length = 200)]
    pub name_bn: String,
    /// What one piece is: `1 kg`, `box of 12`.
    #[schema(min_length = 1, max_length = 200)]
    pub unit: String,
    /// Price of one.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub unit_price_paisa: i64,
}

/// Puts goods on offer, or changes them; each is a product that its vendor may edit. Either all of
/// them or none. Returns how many.
///
/// # Errors
/// `unknown_vendor`, `too_many_offers`, `bad_name`, `bad_sku`, `bad_price`, `sku_twice`, `document_full`.
pub async fn put_offers(pool: &PgPool, intake: &Intake, slug: &str, offers: &[Offer]) -> Result<usize, Error> {
    if offers.len() > MAX_OFFERS {
        let next = "Send at most 1,000 offers in one call.";
        return Err(Error::refuse(422, "too_many_offers", "The list is too long.", next));
    }
    let mut seen = BTreeSet::new();
    let mut entries = Vec::with_capacity(offers.len());
    for (index, offer) in offers.iter().enumerate() {
        let text = |text: &str| checked_name(text).map(str::to_owned);
        let sku = text(&offer.sku)?;
        if sku.len() > MAX_TEXT {
            let told = format!("Offer {}: the sku is longer than a fact takes.", index + 1);
            return Err(Error::refuse(422, "bad_sku", told, "Use a sku of up to 200 bytes."));
        }
        if !seen.insert(sku.clone()) {
            let told = format!("Offer {}: its sku stands in the list twice.", index + 1);
            return Err(Error::refuse(422, "sku_twice", told, "Leave one of them out."));
        }
        let Some(price) = Taka::from_paisa(offer.unit_price_paisa).filter(|price| *price > Taka::ZERO) else {
            let told = format!("Offer {}: the price is not an amount above zero.", index + 1);
            return Err(Error::refuse(422, "bad_price", told, "Send the price of one piece in paisa."));
        };
        let (name_en, name_bn) = (text(&offer.name_en)?, text(&offer.name_bn)?);
        entries.push(Entry { sku, sale: Sale { name_en, name_bn, unit: text(&offer.unit)?, price } });
    }
    let vendor: Option<([u8; 17],)> =
        sqlx::query_as("select subject from vendor where slug = $1").bind(slug).fetch_optional(pool).await?;
    let Some((vendor,)) = vendor else {
        let next = "Create it with POST /api/v1/vendors.";
        return Err(Error::refuse(404, "unknown_vendor", "This vendor is not known.", next));
    };
    documents::enter(pool, intake, (slug, Subject(vendor)), entries).await?;
    Ok(offers.len())
}

/// Terms of trade from a moment on. Rates are basis points.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "effective_from_ms": 1_767_225_600_000i64, "delivery_paisa": 6_000, "vat_bp": 1_500, "commission_bp": 1_000, "cod_bp": 100, "rto_paisa": 5_000, "return_window_min": 10_080 }))]
pub struct NewTerms {
    /// From when, business time, ms since 1970; whole seconds.
    #[schema(minimum = 0, maximum = 4_102_444_800_000i64)]
    pub effective_from_ms: i64,
    /// Delivery fee of one parcel.
    #[schema(minimum = 0, maximum = 100_000_000_000_000i64)]
    pub delivery_paisa: i64,
    /// VAT on our own services.
    #[schema(minimum = 0, maximum = 10_000)]
    pub vat_bp: i32,
    /// Commission on the goods.
    #[schema(minimum = 0, maximum = 10_000)]
    pub commission_bp: i32,
    /// Fee for handling cash on delivery, on the goods.
    #[schema(minimum = 0, maximum = 10_000)]
    pub cod_bp: i32,
    /// Fee for a parcel that comes back.
    #[schema(minimum = 0, maximum = 100_000_000_000_000i64)]
    pub rto_paisa: i64,
    /// Return window after the delivery, minutes.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub return_window_min: i32,
}

/// Sets the terms from a moment on. Orders that are placed keep theirs: they are frozen in their facts.
///
/// # Errors
/// `bad_terms`, `terms_exist`.
pub async fn new_terms(pool: &PgPool, terms: &NewTerms) -> Result<(), Error> {
    let fee = |paisa: i64| Taka::from_paisa(paisa).is_some_and(Taka::is_cash);
    let rate = |bp: i32| (0..=10_000).contains(&bp);
    let good = fee(terms.delivery_paisa)
        && fee(terms.rto_paisa)
        && [terms.vat_bp, terms.commission_bp, terms.cod_bp].into_iter().all(rate)
        && (0..=1_000_000).contains(&terms.return_window_min)
        && (0..=4_102_444_800_000).contains(&terms.effective_from_ms);
    if !good {
        let next = "Fees in paisa from 0, rates from 0 to 10,000, the window in minutes, the moment before 2100.";
        return Err(Error::refuse(422, "bad_terms", "One of the terms is out of its bounds.", next));
    }
    let set = sqlx::query(
        "insert into terms (effective_from, delivery_paisa, vat_bp, commission_bp, cod_bp, rto_paisa, return_window_min)
         values (to_timestamp($1::bigint / 1000), $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(terms.effective_from_ms)
    .bind(terms.delivery_paisa)
    .bind(terms.vat_bp)
    .bind(terms.commission_bp)
    .bind(terms.cod_bp)
    .bind(terms.rto_paisa)
    .bind(terms.return_window_min)
    .execute(pool)
    .await?;
    if set.rows_affected() == 0 {
        let next = "Choose another moment: terms that were in force are not changed.";
        return Err(Error::refuse(409, "terms_exist", "Terms of this moment are set.", next));
    }
    Ok(())
}
