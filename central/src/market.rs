//! Sites, vendors and offers: what operations set up before anybody can order.

use std::collections::BTreeSet;

use protocol::id::{Kind, Subject};
use protocol::taka::Taka;
use serde::Deserialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::devices::checked_name;
use crate::problem::Error;

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
    /// The districts it serves; `*` is every one that no other site has.
    #[schema(min_items = 1, max_items = 200)]
    pub districts: Vec<String>,
}

/// Creates a site.
///
/// # Errors
/// `bad_name`, `bad_districts`, `site_exists`, `district_taken`.
pub async fn new_site(pool: &PgPool, clock: &Clock, site: &NewSite) -> Result<Subject, Error> {
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

/// Puts goods on offer, or changes them. Either all of them or none. Returns how many.
///
/// # Errors
/// `unknown_vendor`, `too_many_offers`, `bad_name`, `bad_price`, `sku_twice`.
pub async fn put_offers(pool: &PgPool, slug: &str, offers: &[Offer]) -> Result<usize, Error> {
    if offers.len() > MAX_OFFERS {
        let next = "Send at most 1,000 offers in one call.";
        return Err(Error::refuse(422, "too_many_offers", "The list is too long.", next));
    }
    let mut seen = BTreeSet::new();
    let mut columns: [Vec<&str>; 4] = Default::default();
    let mut prices = Vec::with_capacity(offers.len());
    for (index, offer) in offers.iter().enumerate() {
        let texts = [&offer.sku, &offer.name_en, &offer.name_bn, &offer.unit];
        for (column, text) in columns.iter_mut().zip(texts) {
            column.push(checked_name(text)?);
        }
        if !seen.insert(offer.sku.trim()) {
            let told = format!("Offer {}: its sku stands in the list twice.", index + 1);
            return Err(Error::refuse(422, "sku_twice", told, "Leave one of them out."));
        }
        if Taka::from_paisa(offer.unit_price_paisa).is_none_or(|price| price <= Taka::ZERO) {
            let told = format!("Offer {}: the price is not an amount above zero.", index + 1);
            return Err(Error::refuse(422, "bad_price", told, "Send the price of one piece in paisa."));
        }
        prices.push(offer.unit_price_paisa);
    }
    let (known,): (bool,) =
        sqlx::query_as("select exists (select from vendor where slug = $1)").bind(slug).fetch_one(pool).await?;
    if !known {
        let next = "Create it with POST /api/v1/vendors.";
        return Err(Error::refuse(404, "unknown_vendor", "This vendor is not known.", next));
    }
    let [skus, english, bangla, units] = columns;
    sqlx::query(
        "insert into offer (vendor, sku, name_en, name_bn, unit, unit_price_paisa)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
         on conflict (vendor, sku) do update set name_en = excluded.name_en, name_bn = excluded.name_bn,
            unit = excluded.unit, unit_price_paisa = excluded.unit_price_paisa",
    )
    .bind(slug)
    .bind(skus)
    .bind(english)
    .bind(bangla)
    .bind(units)
    .bind(prices)
    .execute(pool)
    .await?;
    Ok(offers.len())
}
