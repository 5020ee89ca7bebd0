//! What a vendor's own integration reads: its parcels, its earnings, what it is owed. Everything is
//! asked for by the vendor's id, which comes from the token and never from the request.

use protocol::account::Code;
use protocol::id::Scope;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::finance::{Paged, subject_bytes, written};
use crate::problem::Error;
use crate::schema::Id;

/// A parcel, as its vendor sees it. Who ordered it is the courier's business, not the vendor's.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorParcel {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: String,
    /// Its order.
    #[schema(value_type = Option<Id>)]
    pub order: Option<String>,
    /// Where it stands.
    pub status: String,
    /// Cash to pay at the door.
    pub due_paisa: i64,
    /// Deliveries that did not succeed.
    pub attempts: i64,
    /// Whether the customer wants to give it back.
    pub return_requested: bool,
    /// Whether reports contradict each other and somebody looks into it.
    pub contested: bool,
    /// Whether an earlier report is still on its way.
    pub provisional: bool,
}

type ParcelRow = (Vec<u8>, Option<Vec<u8>>, String, i64, i64, bool, bool, bool);

/// The vendor's parcels, of one status or of all.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn parcels(
    pool: &PgPool,
    vendor: Scope,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<VendorParcel>, Error> {
    let rows: Vec<ParcelRow> = sqlx::query_as(
        "select subject, order_subject, status, due_paisa, attempts, return_requested, contested, incomplete or newer
         from view_parcel where vendor = $1 and subject > $2 and ($3::text is null or status = $3)
         order by subject limit $4",
    )
    .bind(vendor.0)
    .bind(subject_bytes(after.unwrap_or_default())?)
    .bind(status)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(parcel, order, status, due_paisa, attempts, return_requested, contested, provisional): ParcelRow| {
        VendorParcel {
            parcel: written(&parcel).unwrap_or_default(),
            order: order.as_deref().and_then(written),
            status,
            due_paisa,
            attempts,
            return_requested,
            contested,
            provisional,
        }
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.parcel.clone()))
}

/// What a vendor earns with one parcel.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorEarning {
    /// The earning.
    #[schema(value_type = Id)]
    pub earning: String,
    /// Its parcel.
    #[schema(value_type = Option<Id>)]
    pub parcel: Option<String>,
    /// How far it is.
    pub state: String,
    /// What the vendor gets of it, after what customers brought back.
    pub net_paisa: i64,
    /// Price of what customers brought back of it, paisa.
    pub returned_paisa: i64,
    /// Whether an earlier report is still on its way.
    pub provisional: bool,
}

/// The vendor's earnings.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn earnings(
    pool: &PgPool,
    vendor: Scope,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<VendorEarning>, Error> {
    type Columns = (Vec<u8>, Option<Vec<u8>>, String, i64, i64, bool);
    let rows: Vec<Columns> = sqlx::query_as(
        "select subject, parcel, state, net_paisa, returned_paisa, incomplete or newer from view_earning
         where vendor = $1 and subject > $2 order by subject limit $3",
    )
    .bind(vendor.0)
    .bind(subject_bytes(after.unwrap_or_default())?)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(earning, parcel, state, net_paisa, returned_paisa, provisional): Columns| {
        let (earning, parcel) = (written(&earning).unwrap_or_default(), parcel.as_deref().and_then(written));
        VendorEarning { earning, parcel, state, net_paisa, returned_paisa, provisional }
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.earning.clone()))
}

/// What a vendor is owed, by the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorBalance {
    /// Earned, not yet free (2010).
    pub held_paisa: i64,
    /// Free to be paid out (2020).
    pub available_paisa: i64,
    /// Owed by the vendor (1150).
    pub receivable_paisa: i64,
    /// Held and available, less what the vendor owes.
    pub payable_paisa: i64,
}

/// What the vendor is owed.
///
/// # Errors
/// The database's.
pub async fn balance(pool: &PgPool, vendor: Scope) -> Result<VendorBalance, Error> {
    let (held_paisa, available_paisa, receivable_paisa): (i64, i64, i64) = sqlx::query_as(
        "select coalesce(-sum(amount_paisa) filter (where account_code = $2), 0)::bigint,
            coalesce(-sum(amount_paisa) filter (where account_code = $3), 0)::bigint,
            coalesce(sum(amount_paisa) filter (where account_code = $4), 0)::bigint
         from balance where owner = $1",
    )
    .bind(vendor.0)
    .bind(Code::VendorHeld as i32)
    .bind(Code::VendorAvailable as i32)
    .bind(Code::VendorReceivable as i32)
    .fetch_one(pool)
    .await?;
    let payable_paisa = held_paisa.saturating_add(available_paisa).saturating_sub(receivable_paisa);
    Ok(VendorBalance { held_paisa, available_paisa, receivable_paisa, payable_paisa })
}
