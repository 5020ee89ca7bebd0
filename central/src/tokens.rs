//! Bearer tokens by role (SPEC S11): minted by `central token --role`, hashed at rest.

use clap::ValueEnum;
use data_encoding::BASE64URL_NOPAD;
use protocol::id::{Scope, Subject};
use sqlx::PgPool;

/// Longest token that is looked at: longer ones are nobody's, and hashing is not free.
const MAX_TOKEN_BYTES: usize = 128;

/// Whom a token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// A shop front that orders for customers.
    Customer,
    /// Sites, vendors, offers, devices.
    Operations,
    /// The books.
    Finance,
    /// A vendor's own integration.
    Vendor,
}

impl Role {
    const ALL: [Self; 4] = [Self::Customer, Self::Operations, Self::Finance, Self::Vendor];

    /// The word in the table and in errors.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Operations => "operations",
            Self::Finance => "finance",
            Self::Vendor => "vendor",
        }
    }
}

/// Who calls: the token's role, and its id, by which orders are owned.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// What the token may do.
    pub role: Role,
    /// Which token; opaque.
    pub id: [u8; 16],
    /// The vendor that a vendor's token speaks for.
    pub vendor: Option<Scope>,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// No entropy.
    #[error("the system gives no random bytes: {0}")]
    Entropy(#[from] getrandom::Error),
    /// The database.
    #[error("the token cannot be stored: {0}")]
    Database(#[from] sqlx::Error),
    /// A vendor that is not there.
    #[error("no vendor has the slug {0:?}: create it with POST /api/v1/vendors first")]
    UnknownVendor(String),
}

/// Makes a token, and returns the only copy of it there will ever be.
///
/// # Errors
/// See [`MintError`].
pub async fn mint(pool: &PgPool, role: Role) -> Result<String, MintError> {
    store(pool, role, None).await
}

/// Makes a token that speaks for the vendor of this slug.
///
/// # Errors
/// See [`MintError`].
pub async fn mint_for_vendor(pool: &PgPool, slug: &str) -> Result<String, MintError> {
    let row: Option<([u8; 17],)> =
        sqlx::query_as("select subject from vendor where slug = $1").bind(slug).fetch_optional(pool).await?;
    let (vendor,) = row.ok_or_else(|| MintError::UnknownVendor(slug.to_owned()))?;
    store(pool, Role::Vendor, Some(vendor)).await
}

async fn store(pool: &PgPool, role: Role, vendor: Option<[u8; 17]>) -> Result<String, MintError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    let token = BASE64URL_NOPAD.encode(&secret);
    sqlx::query("insert into token (hash, id, role, vendor) values ($1, $2, $3, $4)")
        .bind(hash(&token).as_slice())
        .bind(id.as_slice())
        .bind(role.word())
        .bind(vendor)
        .execute(pool)
        .await?;
    Ok(token)
}

/// Whose token this is. The table is asked for the hash, so that the time of the answer tells nothing
/// about how much of a guess was right.
///
/// # Errors
/// The database's.
pub async fn caller(pool: &PgPool, token: &str) -> Result<Option<Caller>, sqlx::Error> {
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
        return Ok(None);
    }
    let row: Option<(Vec<u8>, String, Option<[u8; 17]>)> =
        sqlx::query_as("select id, role, vendor from token where hash = $1")
            .bind(hash(token).as_slice())
            .fetch_optional(pool)
            .await?;
    Ok(row.and_then(|(id, word, vendor)| {
        let role = Role::ALL.into_iter().find(|role| role.word() == word)?;
        Some(Caller { role, id: id.try_into().ok()?, vendor: vendor.map(Subject) })
    }))
}

fn hash(token: &str) -> [u8; 32] {
    blake3::derive_key("getit api token 1", token.as_bytes())
}
