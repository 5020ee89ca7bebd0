//! Entries and proposals of them, as finance reads them. Lists page.

use data_encoding::HEXLOWER;
use protocol::fact::Provider;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::{Paged, subject_bytes, written};
use crate::problem::Error;
use crate::schema::Id;

/// What was entered on paper evidence, or waits for its second person.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryRow {
    /// The entry.
    #[schema(value_type = Id)]
    pub entry: String,
    /// `waiting`, `entered` or `withdrawn`.
    pub state: String,
    /// What was entered.
    pub what: String,
    /// Whose account it is about.
    #[schema(value_type = Option<Id>)]
    pub owner: Option<String>,
    /// The other side, where there is one.
    #[schema(value_type = Option<Id>)]
    pub other: Option<String>,
    /// The provider of a settlement or a chargeback.
    #[schema(value_type = Option<String>)]
    pub provider: Option<Provider>,
    /// How much in all, paisa.
    pub amount_paisa: i64,
    /// Of it what goes another way, paisa.
    pub part_paisa: i64,
    /// What the paper is called.
    pub reference: String,
    /// Who proposed it: an opaque id of the caller, hex.
    pub maker: String,
    /// Who agreed, where two had to.
    pub checker: Option<String>,
}

type Columns = (
    Vec<u8>,
    String,
    String,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    i16,
    i64,
    i64,
    String,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

/// Entries and proposals by id, which is by time.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn entries(
    pool: &PgPool,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<EntryRow>, Error> {
    let rows: Vec<Columns> = sqlx::query_as(
        "select * from (
             select subject, 'entered' as state, what, owner, other, provider, amount_paisa, part_paisa, reference, maker,
                checker
             from view_entry
             union all
             select subject, state, what, owner, other, provider, amount_paisa, part_paisa, reference, maker, null
             from proposed_entry where state <> 'entered'
         ) as entries
         where subject > $1 and ($2::text is null or state = $2) order by subject limit $3",
    )
    .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
    .bind(status)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let hex = |bytes: Option<Vec<u8>>| bytes.map(|bytes| HEXLOWER.encode(&bytes));
    let row = |(subject, state, what, owner, other, provider, amount_paisa, part_paisa, reference, maker, checker): Columns| {
        EntryRow {
            entry: written(&subject).unwrap_or_default(),
            state,
            what,
            owner: owner.as_deref().and_then(written),
            other: other.as_deref().and_then(written),
            provider: u8::try_from(provider).ok().and_then(Provider::of),
            amount_paisa,
            part_paisa,
            reference,
            maker: hex(maker).unwrap_or_default(),
            checker: hex(checker),
        }
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.entry.clone()))
}
