//! Parcels that another company carries for us: who has them, and what he says became of them. What he remits comes by
//! his file and the bank's statement (`reconcile`).

use protocol::decide::Draft;
use protocol::fact::{Consigned, CourierDelivered, CourierReturned, CourierSource, Fact};
use protocol::id::Subject;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use utoipa::ToSchema;

use crate::banking::{self, Decided};
use crate::finance::{Paged, subject_bytes};
use crate::problem::Error;
use crate::schema::Id;

/// A parcel was given to a courier.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "courier": "pathao", "consignment": "DA260726ABC123" }))]
pub struct ConsignmentRequest {
    /// The courier's short name: 2 to 32 of a-z, 0-9 and -.
    #[schema(example = "pathao")]
    pub courier: String,
    /// His number of the parcel, as his file names it.
    #[schema(min_length = 1, max_length = 64, example = "DA260726ABC123")]
    pub consignment: String,
}

/// What became of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CourierOutcome {
    /// The customer has it.
    Delivered,
    /// It comes back.
    Returned,
}

/// What the courier answered when he was asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "outcome": "delivered", "collected_paisa": 106_900 }))]
pub struct CourierReport {
    /// `delivered` or `returned`.
    pub outcome: CourierOutcome,
    /// What he collected, paisa; of a return nothing.
    #[serde(default)]
    pub collected_paisa: i64,
}

/// A parcel with a courier.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConsignmentRow {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// The courier's short name.
    pub courier: Option<String>,
    /// His number of it.
    pub consignment: String,
    /// `out`, `delivered` or `returned`.
    pub state: String,
    /// Where the parcel stands.
    pub status: String,
    /// Cash to collect, paisa.
    pub due_paisa: i64,
    /// What he owes for it, paisa, before he remits.
    pub owes_paisa: i64,
    /// Whether something of it waits for a ruling.
    pub contested: bool,
}

const COLUMNS: &str = "select v.subject, b.name, v.consignment, v.carrying, v.status, v.due_paisa, v.courier_paisa,
        v.contested, v.incomplete or v.newer as provisional, v.stop_requested, v.point is not null as fetched, v.courier
     from view_parcel v left join bank b on b.subject = v.courier";

fn read(row: &PgRow) -> Result<ConsignmentRow, sqlx::Error> {
    Ok(ConsignmentRow {
        parcel: Subject(row.try_get("subject")?),
        courier: row.try_get("name")?,
        consignment: row.try_get::<Option<String>, _>("consignment")?.unwrap_or_default(),
        state: row.try_get::<Option<String>, _>("carrying")?.unwrap_or_default(),
        status: row.try_get("status")?,
        due_paisa: row.try_get("due_paisa")?,
        owes_paisa: row.try_get("courier_paisa")?,
        contested: row.try_get("contested")?,
    })
}

async fn one(conn: &mut PgConnection, parcel: Subject) -> Result<PgRow, Error> {
    let row = sqlx::query(AssertSqlSafe(format!("{COLUMNS} where v.subject = $1")))
        .bind(parcel.0)
        .fetch_optional(conn)
        .await?;
    row.ok_or_else(|| Error::refuse(404, "unknown_parcel", "There is no parcel of this id.", "Check the id."))
}

fn not_so(code: &'static str, told: String, next: &str, row: &ConsignmentRow) -> Error {
    let state = serde_json::json!({ "status": row.status, "state": row.state });
    Error::refuse_in_state(409, code, told, next, state)
}

/// Gives a parcel that lies at its hub to a courier.
///
/// # Errors
/// `unknown_parcel`, `bad_bank`, `bad_text`, `not_consignable`, `consignment_known`.
pub async fn consign(
    conn: &mut PgConnection,
    parcel: Subject,
    request: &ConsignmentRequest,
) -> Decided<ConsignmentRow> {
    let consignment = banking::text(&request.consignment, "consignment")?;
    let found = one(conn, parcel).await?;
    let mut row = read(&found)?;
    let flag = |name: &str| found.try_get::<bool, _>(name);
    if row.status != "at_hub" || row.contested || flag("provisional")? || flag("stop_requested")? || flag("fetched")? {
        let next = "Only a parcel that lies at its hub, is not called off, not contested and not fetched at a point goes \
                    to a courier: scan it in first.";
        return Err(not_so("not_consignable", format!("The parcel is {}.", row.status), next, &row));
    }
    let courier = banking::bank(conn, &request.courier).await?;
    let known: Option<([u8; 17],)> =
        sqlx::query_as("select subject from view_parcel where courier = $1 and consignment = $2 limit 1")
            .bind(courier.0)
            .bind(&consignment)
            .fetch_optional(conn)
            .await?;
    if let Some((other,)) = known {
        let told = format!("{} has this number for {}.", request.courier, Subject(other));
        return Err(not_so("consignment_known", told, "Check the number on the label.", &row));
    }
    row.courier = Some(request.courier.clone());
    row.consignment.clone_from(&consignment);
    "out".clone_into(&mut row.state);
    "with_courier".clone_into(&mut row.status);
    let fact = Fact::Consigned(Consigned { courier, consignment });
    Ok((vec![Draft { subject: parcel, fact }], row))
}

/// Records what a courier answered. A delivery may be taken back: nothing that followed from it stands then (R21).
///
/// # Errors
/// `unknown_parcel`, `not_with_courier`, `bad_amount`.
pub async fn report(conn: &mut PgConnection, parcel: Subject, report: &CourierReport) -> Decided<ConsignmentRow> {
    let most = if report.outcome == CourierOutcome::Returned { 0 } else { i64::MAX };
    let collected = banking::amount(report.collected_paisa, 0)?;
    if report.collected_paisa > most {
        let next = "Leave collected_paisa out: a parcel that comes back brought no cash.";
        return Err(Error::refuse(422, "bad_amount", "Nothing is collected for a return.", next));
    }
    let found = one(conn, parcel).await?;
    let mut row = read(&found)?;
    let out = row.state == "out" && row.status == "with_courier";
    let taken_back = row.state == "delivered" && report.outcome == CourierOutcome::Returned;
    let courier: Option<[u8; 17]> = found.try_get("courier")?;
    let Some(courier) = courier.filter(|_| out || taken_back).map(Subject) else {
        let told = format!("The parcel is {}.", row.status);
        let next = "Only of a parcel that a courier has can he say so: look at GET /api/v1/consignments.";
        return Err(not_so("not_with_courier", told, next, &row));
    };
    let source = CourierSource::Query as u8;
    let fact = match report.outcome {
        CourierOutcome::Delivered => Fact::CourierDelivered(CourierDelivered { courier, collected, source }),
        CourierOutcome::Returned => Fact::CourierReturned(CourierReturned { courier, source }),
    };
    let (state, status, owes) = match report.outcome {
        CourierOutcome::Delivered => ("delivered", "delivered", row.due_paisa.max(collected.paisa())),
        CourierOutcome::Returned => ("returned", "with_courier", 0),
    };
    state.clone_into(&mut row.state);
    status.clone_into(&mut row.status);
    row.owes_paisa = owes;
    Ok((vec![Draft { subject: parcel, fact }], row))
}

/// Parcels that couriers have or had, by id, which is by time.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn list(
    pool: &PgPool,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<ConsignmentRow>, Error> {
    let sql = format!(
        "{COLUMNS} where v.courier is not null and v.subject > $1 and ($2::text is null or v.carrying = $2)
         order by v.subject limit $3"
    );
    let rows: Vec<PgRow> = sqlx::query(AssertSqlSafe(sql))
        .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
        .bind(status)
        .bind(limit + 1)
        .fetch_all(pool)
        .await?;
    let rows = rows.iter().map(read).collect::<Result<Vec<_>, sqlx::Error>>()?;
    Ok(Paged::of(rows, limit, |row: &ConsignmentRow| row.parcel.to_string()))
}
