//! Records of a parcel that people found not to be so (R5): a delivery of goods that lie at a hub, a scan of another parcel.
//! What followed from one is taken back; cash that was recorded with it is named apart (J12) until it is ruled on
//! ([`crate::rulings`]).

use data_encoding::HEXLOWER;
use protocol::decide::Draft;
use protocol::fact::{Fact, Reading, RecordVoided};
use protocol::id::{Id16, Kind, OpId, Subject};
use protocol::op::Op;
use protocol::parcel::may_be_voided;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::{Decided, text};
use crate::clearings::op_of;
use crate::countersign::{self, Signed, Signing};
use crate::problem::Error;
use crate::schema::Id;
use crate::settings::Settings;

/// What the first of two people signed for, in the table of what waits for the second.
const WORD: &str = "void";
/// The number of the kind (FACTS.md).
const RECORD_VOIDED: i32 = 0x1032;
/// Most records of one parcel on one page.
const MAX_RECORDS: i64 = 1_000;

/// The body of `POST /api/v1/finance/voids`: one record, as `GET /finance/contested/{id}` lists it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "parcel": "P01KASWBNZ0M6SC7N75YR3HGA9T2",
    "op": "7d1ec0e4f2a1b6c39d0f5e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c", "reason": "the customer has nothing",
}))]
pub struct VoidRequest {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// The record, 64 hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub op: String,
    /// How it was found out, without names, phone numbers or addresses.
    #[schema(min_length = 1, max_length = 64)]
    pub reason: String,
}

/// What became of a record.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VoidAnswer {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// The record.
    pub op: String,
    /// `voided`; or `waiting` for a second person, who sends the same.
    pub state: String,
}

/// Voids a record, or proposes it where two people have to agree: the second one sends the same.
///
/// # Errors
/// `bad_text`, `bad_record`, `unknown_record`, `not_voidable`, `already_voided`, `goods_returned`, `same_person`.
pub async fn void(
    connection: &mut PgConnection,
    request: &VoidRequest,
    maker: Id16,
    now_ms: u64,
) -> Decided<VoidAnswer> {
    let reason = text(&request.reason, "The reason")?;
    let parcel = request.parcel;
    let op = op_of(&request.op).filter(|_| parcel.kind() == Some(Kind::Parcel)).ok_or_else(|| {
        let next = "Take the parcel and its record's `op` from GET /api/v1/finance/contested/{id}.";
        Error::refuse(422, "bad_record", "This names no record of a parcel.", next)
    })?;
    let records = records(connection, parcel, Some(op)).await?;
    let Some((_, fact)) = records.iter().find(|(id, _)| *id == op) else {
        let next = "Read GET /api/v1/finance/contested/{id} of this parcel again.";
        return Err(Error::refuse(404, "unknown_record", "There is no such record of this parcel.", next));
    };
    if !may_be_voided(fact) {
        let next = "Void the scan, run, delivery or attempt that is not so; money has rulings and entries of its own.";
        return Err(Error::refuse(409, "not_voidable", "This does not say where the parcel is.", next));
    }
    if records.iter().any(|(_, other)| matches!(other, Fact::RecordVoided(void) if void.op == op)) {
        return Err(Error::refuse(409, "already_voided", "It was voided before.", "Read the parcel's page again."));
    }
    let (amount, returned): (i64, bool) = sqlx::query_as(
        "select greatest(p.due_paisa, p.collected_paisa), coalesce(e.returned_paisa, 0) > 0
         from view_parcel p left join view_earning e on e.parcel = p.subject where p.subject = $1",
    )
    .bind(parcel.0)
    .fetch_one(&mut *connection)
    .await?;
    if returned && matches!(fact, Fact::Delivered(_)) {
        let next = "He had it, then: void what says that the goods are elsewhere.";
        return Err(Error::refuse(409, "goods_returned", "The customer gave pieces of it back.", next));
    }
    let two = amount >= Settings::at(connection, now_ms).await?.two_people_from().paisa();
    let told = |state: &str| VoidAnswer { parcel, op: request.op.clone(), state: state.to_owned() };
    let signing = Signing { subject: parcel, op, word: WORD, reason, by: maker };
    Ok(match countersign::sign(connection, signing, two, now_ms).await? {
        Signed::Waits => (Vec::new(), told("waiting")),
        Signed::Whole { maker, reason, checker } => {
            let fact = Fact::RecordVoided(RecordVoided { op, reason, maker, checker });
            (vec![Draft { subject: parcel, fact }], told("voided"))
        }
    })
}

/// A record that may be voided, or was.
#[derive(Debug, Serialize, ToSchema)]
pub struct Voidable {
    /// The record, hex.
    pub op: String,
    /// `open`, `waiting` for a second person, or `voided`.
    pub state: String,
    /// Why, once somebody said so.
    pub reason: Option<String>,
    /// Who said so first: a token, hex.
    pub maker: Option<String>,
}

/// The records of `subject` that may be voided, in the order in which central took them.
///
/// # Errors
/// The database's.
pub(crate) async fn voidable(conn: &mut PgConnection, subject: Subject) -> Result<Vec<Voidable>, Error> {
    if subject.kind() != Some(Kind::Parcel) {
        return Ok(Vec::new());
    }
    let waiting: Vec<([u8; 32], String, [u8; 16])> = sqlx::query_as(
        "select c.op, c.reason, c.maker from clearing c where c.subject = $1 and c.code = $2
             and c.seen_position = (select max(o.position) from op o where o.subject = c.subject)",
    )
    .bind(subject.0)
    .bind(WORD)
    .fetch_all(&mut *conn)
    .await?;
    let records = records(conn, subject, None).await?;
    let voids = |op: &OpId| {
        records.iter().find_map(|(_, fact)| match fact {
            Fact::RecordVoided(void) if void.op == *op => Some(("voided", void.reason.clone(), void.maker)),
            _ => None,
        })
    };
    let waits = |op: &OpId| {
        let said = waiting.iter().find(|(waits, ..)| *waits == op.0)?;
        Some(("waiting", said.1.clone(), Id16(said.2)))
    };
    let of = |(op, _): &(OpId, Fact)| {
        let said = voids(op).or_else(|| waits(op));
        let (state, reason, maker) = match said {
            Some((state, reason, maker)) => (state, Some(reason), Some(HEXLOWER.encode(&maker.0))),
            None => ("open", None, None),
        };
        Voidable { op: HEXLOWER.encode(&op.0), state: state.to_owned(), reason, maker }
    };
    Ok(records.iter().filter(|(_, fact)| may_be_voided(fact)).map(of).collect())
}

/// The facts of a subject that are not apart and that this version knows; where one is asked for, that one and what voids.
async fn records(conn: &mut PgConnection, subject: Subject, only: Option<OpId>) -> Result<Vec<(OpId, Fact)>, Error> {
    let rows: Vec<([u8; 32], i32, Vec<u8>)> = sqlx::query_as(
        "select id, class_kind, bytes from op
         where subject = $1 and apart is null and ($2::bytea is null or id = $2 or class_kind = $3)
         order by position limit $4",
    )
    .bind(subject.0)
    .bind(only.map(|op| op.0))
    .bind(RECORD_VOIDED)
    .bind(MAX_RECORDS)
    .fetch_all(conn)
    .await?;
    let fact = |(id, class_kind, bytes): ([u8; 32], i32, Vec<u8>)| {
        let op = Op::decode(&bytes).ok()?;
        match Fact::read(u16::try_from(class_kind).ok()?, &op.payload) {
            Reading::Known(fact) => Some((OpId(id), fact)),
            _ => None,
        }
    };
    Ok(rows.into_iter().filter_map(fact).collect())
}
