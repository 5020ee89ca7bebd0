//! What waits of one thing, on one page: the contests, who recorded what, and what was posted of it.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use protocol::contest::Code;
use protocol::id::{Kind, OpId, Subject};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::evidence::{MAX_RECORDS, Record, records};
use super::{About, Revision, journals};
use crate::problem::Error;
use crate::schema::Id;
use crate::voids::{self, Voidable};

/// A thing that waits for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contested {
    /// Which.
    #[schema(value_type = Id)]
    pub subject: String,
    /// What waits of it; nothing once all is cleared or settled.
    pub contests: Vec<Waiting>,
    /// What was recorded about it, in the order in which central took it.
    pub records: Vec<Record>,
    /// Which of them may be voided, or were; of a parcel only.
    pub voids: Vec<Voidable>,
    /// What was posted about it.
    pub journals: Vec<Revision>,
    /// The parcel whose pictures `GET /proofs/of/{parcel}` lists.
    #[schema(value_type = Option<Id>)]
    pub proofs: Option<String>,
}

/// One contest.
#[derive(Debug, Serialize, ToSchema)]
pub struct Waiting {
    /// The contested fact, hex.
    pub op: String,
    /// Why: a stable word.
    pub code: String,
    /// What the person does next.
    pub next: String,
    /// Why somebody cleared it, who waits for a second person.
    pub reason: Option<String>,
    /// Who that was: a token, hex.
    pub maker: Option<String>,
}

/// What waits of `subject`.
///
/// # Errors
/// The database's, and `unknown_subject` when nothing was ever recorded about it.
pub async fn contested(pool: &PgPool, subject: Subject) -> Result<Contested, Error> {
    type Columns = ([u8; 32], String, Option<String>, Option<[u8; 16]>);
    let mut conn = pool.acquire().await?;
    let rows: Vec<Columns> = sqlx::query_as(
        "select e.cause, e.code, c.reason, c.maker
         from exception e
         left join clearing c on c.subject = e.subject and c.op = e.cause and c.code = e.code
             and c.seen_position = (select max(o.position) from op o where o.subject = e.subject)
         where e.subject = $1 and e.kind like 'contested%' order by e.opened_position, e.cause, e.code",
    )
    .bind(subject.0)
    .fetch_all(&mut *conn)
    .await?;
    let causes: BTreeSet<OpId> = rows.iter().map(|row| OpId(row.0)).collect();
    let records = records(&mut conn, subject, &causes).await?;
    let voids = voids::voidable(&mut conn, subject).await?;
    drop(conn);
    if records.is_empty() {
        let next = "Copy the id from GET /api/v1/finance/exceptions.";
        return Err(Error::refuse(404, "unknown_subject", "Nothing is recorded about this.", next));
    }
    let waiting = |(op, code, reason, maker): Columns| {
        let known = (0..=u8::MAX).filter_map(|number| Code::of(number.into())).find(|known| known.word() == code);
        let next = known.map_or("Look at the records.", Code::next_step).to_owned();
        Waiting { op: HEXLOWER.encode(&op), code, next, reason, maker: maker.map(|id| HEXLOWER.encode(&id)) }
    };
    Ok(Contested {
        subject: subject.to_string(),
        contests: rows.into_iter().map(waiting).collect(),
        records,
        voids,
        journals: journals(pool, About::Subject(subject), None, MAX_RECORDS).await?.rows,
        proofs: (subject.kind() == Some(Kind::Parcel)).then(|| subject.to_string()),
    })
}
