//! A parcel's due that its customer paid at a provider while it was under way (J24): finance records it on the provider's
//! word, and nobody asks the customer for cash any more.

use protocol::decide::Draft;
use protocol::fact::{Fact, PaidAtDoor, Provider};
use protocol::id::Subject;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::banking::Decided;
use crate::payments::{already_paid, checked_amount, checked_reference, reference_used};
use crate::problem::Error;
use crate::schema::{self, Id};

/// The body of `POST /api/v1/finance/door-payments`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "parcel": "P01KASWBNZ0M6SC7N75YR3HGA9T2", "provider": "bkash", "reference": "9F12AD", "amount_paisa": 106_900 }))]
pub struct NewDoorPayment {
    /// The parcel whose due is paid.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// Who carried the money.
    #[schema(value_type = schema::Provider)]
    pub provider: Provider,
    /// The provider's own id of the payment.
    #[schema(min_length = 1, max_length = 200)]
    pub reference: String,
    /// How much: exactly the parcel's due.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
}

/// A payment of a parcel's due as it is in the books.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DoorPayment {
    /// The parcel.
    #[schema(value_type = Id)]
    pub parcel: Subject,
    /// How much.
    pub amount_paisa: i64,
    /// Whether cash was recorded for it before, so that this is the customer's and is to be given back.
    pub is_doubled: bool,
}

/// Records what a provider was paid for a parcel. Said once more, it is what it was.
///
/// # Errors
/// `bad_amount`, `bad_reference`, `unknown_parcel`, `nothing_due`, `amount_differs`, `already_paid`, `reference_used`.
pub async fn record(connection: &mut PgConnection, request: &NewDoorPayment) -> Decided<DoorPayment> {
    let (reference, amount) = (checked_reference(&request.reference)?, checked_amount(request.amount_paisa)?);
    let before: Option<([u8; 17], i64)> =
        sqlx::query_as("select paid_for, amount_paisa from payment where provider = $1 and reference = $2")
            .bind(request.provider as i16)
            .bind(reference)
            .fetch_optional(&mut *connection)
            .await?;
    let cash = payable(connection, request.parcel, amount).await?;
    let told = DoorPayment { parcel: request.parcel, amount_paisa: amount.paisa(), is_doubled: cash >= amount };
    match before {
        Some((parcel, paid)) if parcel == request.parcel.0 && paid == amount.paisa() => return Ok((Vec::new(), told)),
        Some(_) => return Err(reference_used()),
        None => {}
    }
    let paid: Option<(i64,)> = sqlx::query_as(
        "insert into payment (provider, reference, paid_for, amount_paisa) values ($1, $2, $3, $4)
         on conflict do nothing returning amount_paisa",
    )
    .bind(request.provider as i16)
    .bind(reference)
    .bind(request.parcel.0)
    .bind(amount.paisa())
    .fetch_optional(connection)
    .await?;
    if paid.is_none() {
        return Err(already_paid());
    }
    let fact = PaidAtDoor { provider: request.provider as u8, reference: reference.to_owned(), amount };
    Ok((vec![Draft { subject: request.parcel, fact: Fact::PaidAtDoor(fact) }], told))
}

/// Whether `amount` is what a parcel is due; tells the cash that was recorded for it so far.
async fn payable(connection: &mut PgConnection, parcel: Subject, amount: Taka) -> Result<Taka, Error> {
    let row: Option<(i64, i64)> = sqlx::query_as(
        "select due_paisa, collected_paisa from view_parcel where subject = $1 and order_subject is not null",
    )
    .bind(parcel.0)
    .fetch_optional(connection)
    .await?;
    let (due, collected) = row.ok_or_else(|| {
        let next = "Copy the parcel's id from its label, or from GET /api/v1/orders/{id}.";
        Error::refuse(404, "unknown_parcel", "There is no parcel of this id.", next)
    })?;
    if due == 0 {
        let next = "Its order is paid ahead: record the payment on the order, or pay it back.";
        return Err(Error::refuse(409, "nothing_due", "Nothing is due on this parcel.", next));
    }
    if due != amount.paisa() {
        let told = format!("The parcel is due {due} paisa.");
        let next = "Pay the customer back, and let the due be paid in one payment or in cash.";
        return Err(Error::refuse(422, "amount_differs", told, next));
    }
    Ok(crate::ledger::paisa(collected))
}
