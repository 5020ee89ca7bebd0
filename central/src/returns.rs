//! Goods that a customer brings back: asked for within the window, counted by whoever takes them in, then paid back as a
//! refund (J20, J20a, J20b). While one is asked for, its earning does not mature. What the vendor bears is decided under the
//! lock, from what the earning still holds; the rest he owes.

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::earning::{Share, worth};
use protocol::fact::{Fact, ReturnAccepted, ReturnCause, ReturnedPieces};
use protocol::id::{Id16, Kind, Subject};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::Decided;
use crate::ledger::{self, paisa};
use crate::problem::Error;
use crate::schema::Id;
use crate::settings::Settings;
use crate::store::signed;
use crate::tokens::{Caller, Role};

mod bought;
pub mod row;

use bought::{Bought, State};
use row::ReturnRow;

/// A customer wants to give something back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "parcel": "P01KASWBNZ0M6SC7N75YR3HGA9T2", "pieces": [{ "sku": "RG-0001", "pieces": 1 }], "reason": "damaged",
}))]
pub struct GoodsReturnRequest {
    /// The parcel in which it came.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// What, and how much of it.
    #[schema(min_items = 1, max_items = 64)]
    pub pieces: Vec<Pieces>,
    /// `changed_mind`, `damaged`, `wrong_item`, `not_as_described` or `other`.
    #[schema(value_type = String, example = "damaged")]
    pub reason: ReturnCause,
}

/// So many of one article.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pieces {
    /// Stock keeping unit, as on the order.
    #[schema(min_length = 1, max_length = 200, example = "RG-0001")]
    pub sku: String,
    /// How many.
    #[schema(minimum = 0, maximum = 65_535, example = 1)]
    pub pieces: u16,
}

/// What was counted in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "pieces": [{ "sku": "RG-0001", "pieces": 1 }], "dry_run": false }))]
pub struct CountedRequest {
    /// What came back and is taken. An article that is left out did not come.
    #[schema(min_items = 1, max_items = 64)]
    pub pieces: Vec<Pieces>,
    /// Only say what it would come to.
    #[serde(default)]
    pub dry_run: bool,
}

/// Why a return is not taken.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "used" }))]
pub struct RefusedRequest {
    /// `not_received`, `used`, `not_ours`, `withdrawn` or `other`.
    pub reason: String,
}

/// Words for why a return is not taken.
pub const REFUSALS: [&str; 5] = ["not_received", "used", "not_ours", "withdrawn", "other"];

fn unknown() -> Error {
    let next = "Copy the id from GET /api/v1/returns.";
    Error::refuse(404, "unknown_return", "There is no return of this id.", next)
}

/// Records that a customer wants to give something back. Operations may do it for him, also after the window closed.
///
/// # Errors
/// `unknown_order`, `unknown_parcel`, `not_returnable`, `window_closed`, `return_open`, `charged_back`, `bad_pieces`,
/// `unknown_goods`, `more_than_bought`.
pub async fn ask(
    conn: &mut PgConnection,
    order: Subject,
    request: &GoodsReturnRequest,
    caller: Caller,
    stamp: Stamp,
) -> Decided<ReturnRow> {
    let bought = Bought::of(conn, order, request.parcel, caller).await?;
    bought.returnable(conn).await?;
    let late = bought.window_closes_ms.is_some_and(|closes_ms| closes_ms <= stamp.now_ms);
    if late && caller.role == Role::Customer {
        let next = "Call us: what is broken or wrong is taken back later as well.";
        let state = serde_json::json!({ "closed_ms": bought.window_closes_ms });
        return Err(Error::refuse_in_state(409, "window_closed", "The time to return this is over.", next, state));
    }
    let open: Option<([u8; 17],)> =
        sqlx::query_as("select subject from return_request where earning = $1 and state = 'asked'")
            .bind(bought.earning.0)
            .fetch_optional(&mut *conn)
            .await?;
    if let Some((open,)) = open {
        let told = format!("A return of this parcel is asked for already: {}.", Subject(open));
        let state = serde_json::json!({ "return": Subject(open) });
        return Err(Error::refuse_in_state(409, "return_open", told, "Wait until that one is decided.", state));
    }
    let lines = bought.lines(&request.pieces)?;
    let subject = Subject::new(Kind::Return, stamp.id(1));
    sqlx::query(
        "insert into return_request (subject, order_subject, parcel, earning, state, reason, late, asked_ms, asked_by)
         values ($1, $2, $3, $4, 'asked', $5, $6, $7, $8)",
    )
    .bind(subject.0)
    .bind(order.0)
    .bind(request.parcel.0)
    .bind(bought.earning.0)
    .bind(request.reason as i16)
    .bind(late)
    .bind(signed(stamp.now_ms))
    .bind(caller.id)
    .execute(&mut *conn)
    .await?;
    for (number, line) in (1_i16..).zip(&lines) {
        sqlx::query(
            "insert into return_line (request, line, sku, asked, unit_price_paisa) values ($1, $2, $3, $4, $5)",
        )
        .bind(subject.0)
        .bind(number)
        .bind(&line.sku)
        .bind(i32::from(line.asked))
        .bind(line.unit_price.paisa())
        .execute(&mut *conn)
        .await?;
    }
    Ok((Vec::new(), row::one(conn, subject).await?.ok_or_else(unknown)?))
}

/// What is asked for, and by whom.
struct Asked {
    subject: Subject,
    order: Subject,
    parcel: Subject,
    reason: ReturnCause,
    asked_by: [u8; 16],
    lines: Vec<ReturnedPieces>,
}

async fn asked(conn: &mut PgConnection, subject: Subject) -> Result<Asked, Error> {
    type Columns = ([u8; 17], [u8; 17], i16, [u8; 16], String);
    let found: Option<Columns> = sqlx::query_as(
        "select order_subject, parcel, reason, asked_by, state from return_request where subject = $1 for update",
    )
    .bind(subject.0)
    .fetch_optional(&mut *conn)
    .await?;
    let (order, parcel, reason, asked_by, state) = found.ok_or_else(unknown)?;
    if state != "asked" {
        let told = format!("This return is {state} already.");
        let state = serde_json::json!({ "state": state });
        return Err(Error::refuse_in_state(409, "return_decided", told, "Look at the returns again.", state));
    }
    let rows: Vec<(String, i32, i64)> =
        sqlx::query_as("select sku, asked, unit_price_paisa from return_line where request = $1 order by line")
            .bind(subject.0)
            .fetch_all(conn)
            .await?;
    let line = |(sku, asked, unit_price): (String, i32, i64)| ReturnedPieces {
        sku,
        asked: u16::try_from(asked).unwrap_or_default(),
        counted: 0,
        unit_price: paisa(unit_price),
    };
    let reason = u8::try_from(reason).ok().and_then(ReturnCause::of).unwrap_or(ReturnCause::Other);
    let lines = rows.into_iter().map(line).collect();
    Ok(Asked { subject, order: Subject(order), parcel: Subject(parcel), reason, asked_by, lines })
}

/// The pieces were counted in: what was counted stands, whatever was asked (R32).
///
/// # Errors
/// `unknown_return`, `return_decided`, `bad_pieces`, `unknown_goods`, `more_than_asked`, `nothing_counted`,
/// `not_returnable`, `charged_back`, `same_person`.
pub async fn accept(
    conn: &mut PgConnection,
    subject: Subject,
    request: &CountedRequest,
    caller: Caller,
    now_ms: u64,
) -> Decided<ReturnRow> {
    let mut asked = asked(conn, subject).await?;
    count(&mut asked.lines, &request.pieces)?;
    let bought = Bought::of(conn, asked.order, asked.parcel, caller).await?;
    bought.returnable(conn).await?;
    let share = bought.returned.share(&bought.terms, worth(&asked.lines));
    let from = Settings::at(conn, now_ms).await?.two_people_from();
    if share.goods >= from && asked.asked_by == caller.id {
        let next = "Ask somebody else: the one who asked for it cannot take it from this amount on.";
        return Err(Error::refuse(409, "same_person", "You asked for this return yourself.", next));
    }
    let fact = borne(conn, &bought, &asked, share, caller).await?;
    if request.dry_run {
        let row = row::one(conn, subject).await?.ok_or_else(unknown)?;
        return Ok((Vec::new(), row.would(&fact)));
    }
    for line in &fact.lines {
        sqlx::query("update return_line set counted = $3 where request = $1 and sku = $2")
            .bind(subject.0)
            .bind(&line.sku)
            .bind(i32::from(line.counted))
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query(
        "update return_request set state = 'accepted', decided_ms = $2, decided_by = $3, goods_paisa = $4,
            vendor_paisa = $5, owed_paisa = $6
         where subject = $1",
    )
    .bind(subject.0)
    .bind(signed(now_ms))
    .bind(caller.id)
    .bind(fact.goods.paisa())
    .bind(share.net().paisa())
    .bind(fact.receivable.paisa())
    .execute(&mut *conn)
    .await?;
    let row = row::one(conn, subject).await?.ok_or_else(unknown)?;
    Ok((vec![Draft { subject: bought.earning, fact: Fact::ReturnAccepted(fact) }], row))
}

/// Writes down what was counted.
fn count(lines: &mut [ReturnedPieces], pieces: &[Pieces]) -> Result<(), Error> {
    for (number, counted) in pieces.iter().enumerate() {
        if pieces[..number].iter().any(|before| before.sku == counted.sku) {
            return Err(bought::bad_pieces());
        }
        let line =
            lines.iter_mut().find(|line| line.sku == counted.sku).ok_or_else(|| bought::not_there(&counted.sku))?;
        if counted.pieces > line.asked {
            let told = format!("Of {} were {} asked for, and {} counted.", line.sku, line.asked, counted.pieces);
            let next = "Take so many, and ask for another return with the rest.";
            return Err(Error::refuse(409, "more_than_asked", told, next));
        }
        line.counted = counted.pieces;
    }
    if lines.iter().all(|line| line.counted == 0) {
        let next = "Refuse the return: POST /api/v1/returns/{id}/refuse with the reason not_received.";
        return Err(Error::refuse(422, "nothing_counted", "Nothing was counted in.", next));
    }
    Ok(())
}

/// Who bears it: the earning before it matured, or after and before it is in a payout; else the vendor owes it.
async fn borne(
    conn: &mut PgConnection,
    bought: &Bought,
    asked: &Asked,
    share: Share,
    caller: Caller,
) -> Result<ReturnAccepted, Error> {
    let net = share.net();
    let (held, available) = match bought.state {
        State::Distributed => (net.min(bought.held), Taka::ZERO),
        State::Matured => {
            // 2020 is a liability: what the vendor has available is its credit balance.
            let account = Code::VendorAvailable.of_owner(bought.terms.vendor);
            let has = ledger::balance(conn, account).await?.negated();
            (Taka::ZERO, net.min(bought.available).min(has))
        }
        State::PaidOut => (Taka::ZERO, Taka::ZERO),
    };
    let (held, available) = (held.max(Taka::ZERO), available.max(Taka::ZERO));
    Ok(ReturnAccepted {
        ret: asked.subject.id(),
        customer: bought.customer,
        lines: asked.lines.clone(),
        goods: share.goods,
        commission: share.commission,
        vat: share.vat,
        held,
        available,
        receivable: net.minus(held).minus(available),
        reason: asked.reason as u8,
        maker: Id16(caller.id),
    })
}

/// Nothing is taken back, and the earning may mature.
///
/// # Errors
/// `unknown_return`, `return_decided`, `bad_refusal`.
pub async fn refuse(
    conn: &mut PgConnection,
    subject: Subject,
    request: &RefusedRequest,
    caller: Caller,
    now_ms: u64,
) -> Decided<ReturnRow> {
    if !REFUSALS.contains(&request.reason.as_str()) {
        let next = "Take not_received, used, not_ours, withdrawn or other.";
        return Err(Error::refuse(422, "bad_refusal", "This is no reason to refuse a return.", next));
    }
    asked(conn, subject).await?;
    sqlx::query(
        "update return_request set state = 'refused', decided_ms = $2, decided_by = $3, refusal = $4 where subject = $1",
    )
    .bind(subject.0)
    .bind(signed(now_ms))
    .bind(caller.id)
    .bind(&request.reason)
    .execute(&mut *conn)
    .await?;
    Ok((Vec::new(), row::one(conn, subject).await?.ok_or_else(unknown)?))
}
