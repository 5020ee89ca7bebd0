//! Contests that people looked at: what the subject comes to by its facts is right, and what waited for it goes on. A ruling
//! without a journal; money that was doubled or missing has its own ([`crate::rulings`]).

use data_encoding::HEXLOWER;
use protocol::contest::Code;
use protocol::decide::Draft;
use protocol::fact::{Cleared, Fact};
use protocol::id::{Id16, Kind, OpId, Subject};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::{Decided, text};
use crate::countersign::{self, Signed, Signing};
use crate::ledger;
use crate::problem::Error;
use crate::schema::Id;
use crate::settings::Settings;

/// The body of `POST /api/v1/finance/clearings`: one contest, as `GET /finance/contested/{id}` lists it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": "P01KASWBNZ0M6SC7N75YR3HGA9T2", "code": "contested_delivery",
    "op": "7d1ec0e4f2a1b6c39d0f5e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c", "reason": "called both agents",
}))]
pub struct ClearingRequest {
    /// What is contested.
    #[schema(value_type = Id)]
    pub subject: Subject,
    /// The contested fact, 64 hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub op: String,
    /// What it is contested for.
    #[schema(min_length = 1, max_length = 64)]
    pub code: String,
    /// Why it is right as it stands, without names, phone numbers or addresses.
    #[schema(min_length = 1, max_length = 64)]
    pub reason: String,
}

/// What became of a contest.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClearingAnswer {
    /// What was contested.
    #[schema(value_type = Id)]
    pub subject: Subject,
    /// The contested fact.
    pub op: String,
    /// What it was contested for.
    pub code: String,
    /// `cleared`; or `waiting` for a second person, who sends the same.
    pub state: String,
}

/// Clears a contest, or proposes it where two people have to agree: the second one sends the same.
///
/// # Errors
/// `bad_text`, `bad_contest`, `unknown_contest`, `not_clearable`, `same_person`.
pub async fn clear(
    connection: &mut PgConnection,
    request: &ClearingRequest,
    maker: Id16,
    now_ms: u64,
) -> Decided<ClearingAnswer> {
    let (op, code) = read(request)?;
    let reason = text(&request.reason, "The reason")?;
    let waits = waits(connection, request.subject, op, code).await?;
    let told = |state: &str| ClearingAnswer {
        subject: request.subject,
        op: request.op.clone(),
        code: request.code.clone(),
        state: state.to_owned(),
    };
    let settings = Settings::at(connection, now_ms).await?;
    let amount = match waits {
        Some(amount) if code != Code::RevokedAuthor => amount,
        // What a withdrawn device recorded is admitted by two (R30), and so is whatever has no amount of its own.
        _ => i64::MAX,
    };
    let two = amount >= settings.two_people_from().paisa();
    let signing = Signing { subject: request.subject, op, word: code.word(), reason, by: maker };
    Ok(match countersign::sign(connection, signing, two, now_ms).await? {
        Signed::Waits => (Vec::new(), told("waiting")),
        Signed::Whole { maker, reason, checker } => {
            let fact = Cleared { op, code: code as u16, reason, maker, checker };
            (vec![Draft { subject: request.subject, fact: Fact::Cleared(fact) }], told("cleared"))
        }
    })
}

fn read(request: &ClearingRequest) -> Result<(OpId, Code), Error> {
    let op = op_of(&request.op);
    let code = (0..=u8::MAX).filter_map(|number| Code::of(number.into())).find(|code| code.word() == request.code);
    op.zip(code).ok_or_else(|| {
        let next = "Take `op` and `code` from GET /api/v1/finance/contested/{id}.";
        Error::refuse(422, "bad_contest", "The fact or the code is not one.", next)
    })
}

/// An id of a fact, as its 64 hex digits.
pub(crate) fn op_of(text: &str) -> Option<OpId> {
    HEXLOWER.decode(text.as_bytes()).ok().and_then(|id| <[u8; 32]>::try_from(id).ok()).map(OpId)
}

/// Whether the contest waits, and over how much: the due or the cash of a parcel, the cash of a hand-in; of other records
/// nothing is said.
async fn waits(conn: &mut PgConnection, subject: Subject, op: OpId, code: Code) -> Result<Option<i64>, Error> {
    let (known, amount): (bool, Option<i64>) = sqlx::query_as(
        "select exists (select 1 from exception
                        where subject = $1 and cause = $2 and code = $3 and kind like 'contested%'),
            coalesce((select greatest(due_paisa, collected_paisa) from view_parcel where subject = $1),
                     (select greatest(offered_paisa, counted_paisa) from view_handin where subject = $1))",
    )
    .bind(subject.0)
    .bind(op.0)
    .bind(code.word())
    .fetch_one(conn)
    .await?;
    if !known {
        let next = "Read GET /api/v1/finance/contested/{id} again: a late record may have settled it.";
        return Err(Error::refuse(404, "unknown_contest", "Nothing waits for this.", next));
    }
    if subject.kind() == Some(Kind::Earning) {
        let next = "The customer has the goods and the money: ask for one of the two, and enter what comes back.";
        return Err(Error::refuse(409, "not_clearable", "Looking at it does not settle this.", next));
    }
    Ok(amount.map(|amount| ledger::paisa(amount).paisa()))
}
