//! Returns as those who ask for them and those who decide them read them. Lists page.

use std::collections::BTreeMap;

use protocol::fact::{ReturnAccepted, ReturnCause};
use protocol::id::Subject;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use utoipa::ToSchema;

use crate::finance::{Paged, subject_bytes};
use crate::problem::Error;
use crate::schema::Id;
use crate::store::unsigned;
use crate::tokens::{Caller, Role};

/// One return.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnRow {
    /// The return.
    #[serde(rename = "return")]
    #[schema(value_type = Id)]
    pub subject: Subject,
    /// The order.
    #[schema(value_type = Id)]
    pub order: Subject,
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// Whose goods.
    #[schema(value_type = Option<Id>)]
    pub vendor: Option<Subject>,
    /// The vendor's name.
    pub vendor_name: Option<String>,
    /// `asked`, `accepted` or `refused`; of a dry run `dry_run`.
    pub state: String,
    /// Why: `changed_mind`, `damaged`, `wrong_item`, `not_as_described` or `other`.
    #[schema(value_type = String)]
    pub reason: ReturnCause,
    /// Asked for after the window closed.
    pub late: bool,
    /// When it was asked for, milliseconds of business time.
    pub asked_ms: u64,
    /// Whether the one who reads this asked for it.
    pub own: bool,
    /// When it was decided.
    pub decided_ms: Option<u64>,
    /// Why it was refused; absent unless it was.
    pub refusal: Option<String>,
    /// What.
    pub lines: Vec<ReturnLine>,
    /// What the customer gets back, paisa; absent until it is accepted.
    pub goods_paisa: Option<i64>,
    /// What the vendor bears of it, paisa: without the commission, which we give back.
    pub vendor_paisa: Option<i64>,
    /// Of that what he owes us, because its earning does not cover it, paisa.
    pub owed_paisa: Option<i64>,
}

/// One article of a return.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnLine {
    /// Stock keeping unit.
    pub sku: String,
    /// How many the customer wants to return.
    pub asked: i32,
    /// How many were counted in; absent until somebody counted.
    pub counted: Option<i32>,
    /// What one cost, paisa.
    pub unit_price_paisa: i64,
}

impl ReturnRow {
    /// What it would be with this fact.
    pub(super) fn would(mut self, fact: &ReturnAccepted) -> Self {
        self.state = "dry_run".to_owned();
        self.goods_paisa = Some(fact.goods.paisa());
        self.vendor_paisa = Some(fact.held.plus(fact.available).plus(fact.receivable).paisa());
        self.owed_paisa = Some(fact.receivable.paisa());
        for line in &mut self.lines {
            line.counted = fact.lines.iter().find(|of| of.sku == line.sku).map(|of| of.counted.into());
        }
        self
    }
}

const COLUMNS: &str = "select q.*, p.vendor, v.name as vendor_name from return_request q
     left join view_parcel p on p.subject = q.parcel left join vendor v on v.subject = p.vendor";

fn read(row: &PgRow) -> Result<ReturnRow, sqlx::Error> {
    let (reason, refusal): (i16, String) = (row.try_get("reason")?, row.try_get("refusal")?);
    let (asked_ms, decided_ms): (i64, Option<i64>) = (row.try_get("asked_ms")?, row.try_get("decided_ms")?);
    Ok(ReturnRow {
        subject: Subject(row.try_get("subject")?),
        order: Subject(row.try_get("order_subject")?),
        parcel: Subject(row.try_get("parcel")?),
        vendor: row.try_get::<Option<[u8; 17]>, _>("vendor")?.map(Subject),
        vendor_name: row.try_get("vendor_name")?,
        state: row.try_get("state")?,
        reason: u8::try_from(reason).ok().and_then(ReturnCause::of).unwrap_or(ReturnCause::Other),
        late: row.try_get("late")?,
        asked_ms: unsigned(asked_ms),
        own: false,
        decided_ms: decided_ms.map(unsigned),
        refusal: (!refusal.is_empty()).then_some(refusal),
        lines: Vec::new(),
        goods_paisa: row.try_get("goods_paisa")?,
        vendor_paisa: row.try_get("vendor_paisa")?,
        owed_paisa: row.try_get("owed_paisa")?,
    })
}

async fn with_lines(conn: &mut PgConnection, mut rows: Vec<ReturnRow>) -> Result<Vec<ReturnRow>, sqlx::Error> {
    let of: Vec<[u8; 17]> = rows.iter().map(|row| row.subject.0).collect();
    let lines: Vec<([u8; 17], String, i32, Option<i32>, i64)> = sqlx::query_as(
        "select request, sku, asked, counted, unit_price_paisa from return_line
         where request = any($1) order by request, line",
    )
    .bind(of)
    .fetch_all(conn)
    .await?;
    let mut by: BTreeMap<[u8; 17], Vec<ReturnLine>> = BTreeMap::new();
    for (request, sku, asked, counted, unit_price_paisa) in lines {
        by.entry(request).or_default().push(ReturnLine { sku, asked, counted, unit_price_paisa });
    }
    for row in &mut rows {
        row.lines = by.remove(&row.subject.0).unwrap_or_default();
    }
    Ok(rows)
}

/// One return, as it stands in this transaction.
pub(super) async fn one(conn: &mut PgConnection, subject: Subject) -> Result<Option<ReturnRow>, sqlx::Error> {
    let row = sqlx::query(AssertSqlSafe(format!("{COLUMNS} where q.subject = $1")))
        .bind(subject.0)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(with_lines(conn, vec![read(&row)?]).await?.pop())
}

/// Returns by id, which is by time. A customer's token sees those of the orders that it placed.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn list(
    pool: &PgPool,
    status: Option<&str>,
    caller: Caller,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<ReturnRow>, Error> {
    let mut conn = pool.acquire().await?;
    let sql = format!(
        "{COLUMNS} where q.subject > $1 and ($2::text is null or q.state = $2)
            and ($3::bytea is null
                or exists (select 1 from order_request r where r.order_subject = q.order_subject and r.token = $3))
         order by q.subject limit $4"
    );
    let rows: Vec<PgRow> = sqlx::query(AssertSqlSafe(sql))
        .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
        .bind(status)
        .bind((caller.role == Role::Customer).then_some(caller.id))
        .bind(limit + 1)
        .fetch_all(&mut *conn)
        .await?;
    let own = |row: &PgRow| {
        let asked_by: [u8; 16] = row.try_get("asked_by")?;
        Ok(ReturnRow { own: asked_by == caller.id, ..read(row)? })
    };
    let rows = rows.iter().map(own).collect::<Result<Vec<_>, sqlx::Error>>()?;
    let rows = with_lines(&mut conn, rows).await?;
    Ok(Paged::of(rows, limit, |row: &ReturnRow| row.subject.to_string()))
}
