//! Products as operations read them: what is in use, what else was written at the same time, and who
//! set it.

use protocol::document::Claim;
use serde::Serialize;
use utoipa::ToSchema;

use super::*;
use crate::finance::Paged;
use crate::schema::{Id, ProductField};

/// Most products in one answer: each is a document to load.
const MAX_PRODUCTS: i64 = 100;

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Product {
    /// Its id.
    #[schema(value_type = Id)]
    pub product: Subject,
    /// The vendor's stock keeping unit.
    pub sku: String,
    /// Its fields by name.
    #[schema(value_type = BTreeMap<String, ProductField>)]
    pub fields: BTreeMap<&'static str, Told>,
    /// How many changes are kept and do not count.
    pub aside: u64,
}

/// One field.
#[derive(Debug, Serialize)]
pub struct Told {
    /// In use.
    #[serde(flatten)]
    pub used: Set,
    /// Kept beside it until the vendor chooses.
    pub others: Vec<Set>,
}

/// A value with who set it.
#[derive(Debug, Serialize)]
pub struct Set {
    /// A text, or a price in paisa; `null` when it is neither.
    pub value: serde_json::Value,
    /// The fact, hex.
    pub fact: String,
    /// The seat, hex.
    pub author: String,
    /// Its role.
    pub role: protocol::seat::Role,
    /// When, by its own clock, ms since 1970.
    pub at_ms: u64,
}

/// Products of a vendor in order of id, after `after`.
///
/// # Errors
/// `unknown_vendor`, `bad_page`.
pub async fn products(pool: &PgPool, slug: &str, after: Option<&str>, limit: i64) -> Result<Paged<Product>, Error> {
    let after = match after {
        Some(text) => Some(Subject::parse(text).ok_or_else(|| {
            Error::refuse(400, "bad_page", "The page asked for does not exist.", "Give `after` as `next` was given.")
        })?),
        None => None,
    };
    let limit = limit.min(MAX_PRODUCTS);
    let mut conn = pool.acquire().await?;
    let vendor: Option<([u8; 17],)> =
        sqlx::query_as("SELECT subject FROM vendor WHERE slug = $1").bind(slug).fetch_optional(&mut *conn).await?;
    let Some((vendor,)) = vendor else {
        let next = "Create it with POST /api/v1/vendors.";
        return Err(Error::refuse(404, "unknown_vendor", "This vendor is not known.", next));
    };
    let rows: Vec<([u8; 17],)> = sqlx::query_as(
        "SELECT subject FROM member WHERE scope = $1 AND subject > $2 AND subject < $3 AND put_gen > close_gen
         ORDER BY subject LIMIT $4",
    )
    .bind(vendor)
    .bind(after.map_or(vec![Kind::Product as u8], |after| after.0.to_vec()))
    .bind(vec![Kind::Product as u8 + 1])
    .bind(limit + 1)
    .fetch_all(&mut *conn)
    .await?;
    let subjects: Vec<[u8; 17]> = rows.into_iter().map(|(subject,)| subject).collect();
    let documents = documents(&mut conn, &subjects).await.map_err(anyhow::Error::from)?;
    let products = documents.into_iter().map(|(product, held)| {
        let names = [product::NAME_EN, product::NAME_BN, product::UNIT, product::PRICE, product::DESCRIPTION];
        let field = |name: &'static str| Some((name, told(&held.document.field(name)?)));
        let fields = names.into_iter().filter_map(field).collect();
        Product { product, sku: held.sku, fields, aside: held.document.aside().len() as u64 }
    });
    Ok(Paged::of(products.collect(), limit, |row: &Product| row.product.to_string()))
}

fn told(field: &Field) -> Told {
    let set = |claim: &Claim| Set {
        value: match &claim.value {
            Value::Text(text) => text.as_str().into(),
            Value::Number(number) => (*number).into(),
            Value::Unreadable => serde_json::Value::Null,
        },
        fact: claim.op.to_string(),
        author: claim.by.author.to_string(),
        role: claim.by.role,
        at_ms: claim.by.time_ms,
    };
    Told { used: set(&field.used), others: field.others.iter().map(set).collect() }
}
