//! Bags, deposits and payouts as finance reads them. Lists page, oldest first.

use protocol::fact::{Fact, Reading, ReturnReason};
use protocol::id::Subject;
use protocol::op::Op;
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};
use utoipa::ToSchema;

use super::{Paged, subject_bytes, written};
use crate::problem::Error;
use crate::schema::Id;
use crate::store::unsigned;

/// A sealed bag.
#[derive(Debug, Serialize, ToSchema)]
pub struct BagRow {
    /// The bag.
    #[schema(value_type = Id)]
    pub bag: String,
    /// Whose till it came from.
    #[schema(value_type = Option<Id>)]
    pub site: Option<String>,
    /// Number of the seal.
    pub seal: String,
    /// How much is in it.
    pub amount_paisa: i64,
    /// `sealed`, `deposited` or `confirmed`.
    pub state: String,
    /// The deposit it is in.
    #[schema(value_type = Option<Id>)]
    pub deposit: Option<String>,
    /// How much of it the bank confirmed.
    pub confirmed_paisa: Option<i64>,
    /// Whether it was recorded twice.
    pub contested: bool,
}

type BagColumns = (Vec<u8>, Option<Vec<u8>>, String, i64, Option<Vec<u8>>, Option<i64>, bool);

/// The bags.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn bags(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<BagRow>, Error> {
    let rows: Vec<BagColumns> = sqlx::query_as(
        "select b.subject, b.site, b.seal, b.amount_paisa, d.deposit, d.confirmed_paisa, b.contested
         from view_bag b left join view_deposit_bag d on d.bag = b.subject
         where b.subject > $1 order by b.subject limit $2",
    )
    .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(bag, site, seal, amount_paisa, deposit, confirmed_paisa, contested): BagColumns| BagRow {
        bag: written(&bag).unwrap_or_default(),
        site: site.as_deref().and_then(written),
        seal,
        amount_paisa,
        state: match (&deposit, confirmed_paisa) {
            (None, _) => "sealed",
            (Some(_), None) => "deposited",
            (Some(_), Some(_)) => "confirmed",
        }
        .to_owned(),
        deposit: deposit.as_deref().and_then(written),
        confirmed_paisa,
        contested,
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.bag.clone()))
}

/// A deposit.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepositRow {
    /// The deposit.
    #[schema(value_type = Id)]
    pub deposit: String,
    /// Short name of the settlement account.
    pub bank: Option<String>,
    /// Number of the slip.
    pub slip: String,
    /// `deposited`, `confirmed`, `short` or `over`.
    pub state: String,
    /// Σ of what was sealed in.
    pub sealed_paisa: i64,
    /// What the bank credited.
    pub credited_paisa: Option<i64>,
    /// The line of the statement.
    pub reference: Option<String>,
    /// Whether it was recorded twice.
    pub contested: bool,
}

type DepositColumns = (Vec<u8>, Option<String>, String, String, i64, Option<i64>, String, bool);

/// The deposits.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn deposits(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<DepositRow>, Error> {
    let rows: Vec<DepositColumns> = sqlx::query_as(
        "select d.subject, b.name, d.slip, d.state, d.sealed_paisa, d.credited_paisa, d.reference, d.contested
         from view_deposit d left join bank b on b.subject = d.bank
         where d.subject > $1 order by d.subject limit $2",
    )
    .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(deposit, bank, slip, state, sealed_paisa, credited_paisa, reference, contested): DepositColumns| {
        let deposit = written(&deposit).unwrap_or_default();
        let reference = Some(reference).filter(|reference| !reference.is_empty());
        DepositRow { deposit, bank, slip, state, sealed_paisa, credited_paisa, reference, contested }
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.deposit.clone()))
}

/// A payout.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutRow {
    /// The payout.
    #[schema(value_type = Id)]
    pub payout: String,
    /// Whose.
    #[schema(value_type = Option<Id>)]
    pub vendor: Option<String>,
    /// The vendor's name, if it is one of ours.
    pub name: Option<String>,
    /// `created`, `confirmed` or `returned`.
    pub state: String,
    /// What the vendor gets: Σ of its lines less the fee.
    pub total_paisa: i64,
    /// What sending it costs the vendor, VAT included.
    pub fee_paisa: i64,
    /// How many earnings.
    pub lines: i64,
    /// Short name of the account it was sent from.
    pub bank: Option<String>,
    /// The bank's reference.
    pub reference: Option<String>,
    /// Of a payout that came back the bank's reference of that.
    pub returned_reference: Option<String>,
    /// Why the bank sent it back: `no_such_account`, `account_closed`, `name_differs` or `other`.
    #[schema(value_type = Option<String>)]
    pub returned_reason: Option<ReturnReason>,
    /// When that was recorded, milliseconds of business time.
    pub returned_ms: Option<u64>,
    /// Whether it was recorded twice.
    pub contested: bool,
}

/// The payouts.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn payouts(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<PayoutRow>, Error> {
    let rows: Vec<PgRow> = sqlx::query(
        "select p.subject, p.vendor, v.name, p.state, p.total_paisa, p.fee_paisa, p.lines, b.name as bank, p.reference,
            p.return_reference, p.contested, r.bytes as returned, r.time_ms as returned_ms
         from view_payout p left join vendor v on v.subject = p.vendor left join bank b on b.subject = p.bank
         left join op r on r.id = p.returned_by
         where p.subject > $1 order by p.subject limit $2",
    )
    .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let rows = rows.iter().map(payout_row).collect::<Result<_, sqlx::Error>>()?;
    Ok(Paged::of(rows, limit, |row: &PayoutRow| row.payout.clone()))
}

fn payout_row(row: &PgRow) -> Result<PayoutRow, sqlx::Error> {
    let said = |column| Ok::<_, sqlx::Error>(Some(row.try_get::<String, _>(column)?).filter(|text| !text.is_empty()));
    let returned: Option<Vec<u8>> = row.try_get("returned")?;
    let returned_ms: Option<i64> = row.try_get("returned_ms")?;
    Ok(PayoutRow {
        payout: written(row.try_get("subject")?).unwrap_or_default(),
        vendor: row.try_get::<Option<&[u8]>, _>("vendor")?.and_then(written),
        name: row.try_get("name")?,
        state: row.try_get("state")?,
        total_paisa: row.try_get("total_paisa")?,
        fee_paisa: row.try_get("fee_paisa")?,
        lines: row.try_get("lines")?,
        bank: row.try_get("bank")?,
        reference: said("reference")?,
        returned_reference: said("return_reference")?,
        returned_reason: returned.as_deref().and_then(reason),
        returned_ms: returned_ms.map(unsigned),
        contested: row.try_get("contested")?,
    })
}

/// The reason in the fact of a return; `None` for one of a later version.
fn reason(op: &[u8]) -> Option<ReturnReason> {
    let op = Op::decode(op).ok()?;
    match Fact::read(op.class_kind, &op.payload) {
        Reading::Known(Fact::PayoutReturned(returned)) => ReturnReason::of(returned.reason),
        _ => None,
    }
}

/// One line of a payout: from here to the parcel it was earned on.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutLineRow {
    /// The earning; or a payout that came back, or an entry.
    #[schema(value_type = Id)]
    pub earning: String,
    /// The parcel it was earned on.
    #[schema(value_type = Option<Id>)]
    pub parcel: Option<String>,
    /// The parcel's order.
    #[schema(value_type = Option<Id>)]
    pub order: Option<String>,
    /// What it adds; negative for a return that was charged.
    pub net_paisa: i64,
    /// The confirmation or capture that let it mature, hex.
    pub matured_for: Option<String>,
}

type LineColumns = (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, i64, Option<String>);

/// The lines of one payout.
///
/// # Errors
/// The database's, `bad_page` and `unknown_payout`.
pub async fn payout_lines(
    pool: &PgPool,
    payout: Subject,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<PayoutLineRow>, Error> {
    let after = after.map_or(Ok(Vec::new()), subject_bytes)?;
    let known: Option<(bool,)> =
        sqlx::query_as("select true from view_payout where subject = $1").bind(payout.0).fetch_optional(pool).await?;
    if known.is_none() {
        let next = "Copy the id as GET /api/v1/finance/payouts gave it.";
        return Err(Error::refuse(404, "unknown_payout", "There is no payout of this id.", next));
    }
    let rows: Vec<LineColumns> = sqlx::query_as(
        "select l.earning, e.parcel, p.order_subject, l.net_paisa, encode(e.matured_for, 'hex')
         from view_payout_line l left join view_earning e on e.subject = l.earning
         left join view_parcel p on p.subject = e.parcel
         where l.payout = $1 and l.earning > $2 order by l.earning limit $3",
    )
    .bind(payout.0)
    .bind(after)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(earning, parcel, order, net_paisa, matured_for): LineColumns| PayoutLineRow {
        earning: written(&earning).unwrap_or_default(),
        parcel: parcel.as_deref().and_then(written),
        order: order.as_deref().and_then(written),
        net_paisa,
        matured_for,
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.earning.clone()))
}
