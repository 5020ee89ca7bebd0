//! Sites, vendors and offers: what operations set up before anybody can order.

use std::collections::BTreeSet;

use protocol::document::product::Sale;
use protocol::fact::MAX_TEXT;
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;
use serde::Deserialize;
use sqlx::PgPool;

use crate::clock::Clock;
use crate::devices::checked_name;
use crate::documents::{self, Entry};
use crate::intake::Intake;
use crate::problem::Error;

/// Most offers in one call: one statement, and a progress that a person can follow.
pub const MAX_OFFERS: usize = 1_000;
/// Most districts of one site: all of Bangladesh, with room for other spellings.
const MAX_DISTRICTS: usize = 200;
/// Longest slug, characters.
const MAX_SLUG: usize = 64;

/// A site to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSite {
    /// Its name, unique.
    pub name: String,
    /// The districts it serves; `*` is every one that no other site has.
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewVendor {
    /// Its short name in orders, unique.
    pub slug: String,
    /// Its name.
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Stock keeping unit, the vendor's own.
    pub sku: String,
    /// English name.
    pub name_en: String,
    /// Bangla name.
    pub name_bn: String,
    /// What one piece is: `1 kg`, `box of 12`.
    pub unit: String,
    /// Price of one.
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
