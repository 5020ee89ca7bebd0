//! Credit that a customer took in place of a refund (J30), and that pays for another order (J30a). Every order has a customer
//! of its own; whoever placed both, or operations and finance who know him, says which credit pays for which order.

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{CreditSpent, Fact};
use protocol::id::Subject;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};
use utoipa::ToSchema;

use crate::banking::{Decided, beyond};
use crate::payments::{already_paid, payable, routes};
use crate::placing::order::unknown_order;
use crate::problem::Error;
use crate::schema::Id;
use crate::tokens::{Caller, Role};

/// The body of `POST /api/v1/orders/{id}/credit`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "of": "O01KASWBNZ0M6SC7N75YR3HGA9T2" }))]
pub struct CreditRequest {
    /// The order that was refunded as credit.
    #[schema(value_type = Id)]
    pub of: Subject,
}

/// An order that is paid with credit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreditPayment {
    /// The order.
    #[schema(value_type = Id)]
    pub order: Subject,
    /// The order that was refunded as credit.
    #[schema(value_type = Id)]
    pub of: Subject,
    /// What it cost.
    pub amount_paisa: i64,
    /// What is left of the credit.
    pub left_paisa: i64,
}

/// Pays for `order` with the credit of another order's customer, in full. Said once more, it is what it was.
///
/// # Errors
/// `unknown_order`, `order_cancelled`, `not_prepaid`, `already_paid`, `more_than_credit`.
pub async fn spend(
    connection: &mut PgConnection,
    caller: Caller,
    order: Subject,
    request: &CreditRequest,
) -> Decided<CreditPayment> {
    let (customer, _) = placed(&mut *connection, caller, request.of).await?;
    let (_, total) = placed(&mut *connection, caller, order).await?;
    let held = held(&mut *connection, customer).await?;
    let told =
        |left: Taka| CreditPayment { order, of: request.of, amount_paisa: total.paisa(), left_paisa: left.paisa() };
    // One row for each order that this credit pays for.
    let reference = format!("{customer} for {order}");
    let before: Option<(String,)> = sqlx::query_as("select reference from payment where paid_for = $1")
        .bind(order.0)
        .fetch_optional(&mut *connection)
        .await?;
    match before {
        Some((before,)) if before == reference => return Ok((Vec::new(), told(held))),
        Some(_) => return Err(already_paid()),
        None => {}
    }
    if payable(&mut *connection, order, total).await?.cancelled {
        let next = "Keep the credit for another order.";
        return Err(Error::refuse(409, "order_cancelled", "This order was called off.", next));
    }
    if total > held {
        let next = "Let the customer pay the order another way: credit pays for an order in full.";
        return Err(beyond("more_than_credit", "The customer's credit is", "the order", held, total, next));
    }
    sqlx::query("insert into payment (provider, reference, paid_for, amount_paisa) values (0, $1, $2, $3)")
        .bind(&reference)
        .bind(order.0)
        .bind(total.paisa())
        .execute(&mut *connection)
        .await?;
    let mut drafts = vec![Draft { subject: order, fact: Fact::CreditSpent(CreditSpent { customer, amount: total }) }];
    drafts.extend(routes(connection, order).await?);
    Ok((drafts, told(held.minus(total))))
}

/// What a customer has as credit.
///
/// # Errors
/// The database's.
pub(crate) async fn held<'c>(database: impl PgExecutor<'c>, customer: Subject) -> Result<Taka, sqlx::Error> {
    let row: Option<(i64,)> =
        sqlx::query_as("select -amount_paisa from balance where account_code = $1 and owner = $2")
            .bind(i32::from(Code::StoreCredit as u16))
            .bind(customer.0)
            .fetch_optional(database)
            .await?;
    Ok(crate::ledger::paisa(row.map_or(0, |(held,)| held)))
}

/// Customer and total of an order, if the caller may know of it.
async fn placed<'c>(database: impl PgExecutor<'c>, caller: Caller, order: Subject) -> Result<(Subject, Taka), Error> {
    let row: Option<([u8; 16], i64)> = sqlx::query_as(
        "select o.customer, o.total_paisa from view_order o join order_request r on r.order_subject = o.subject
         where o.subject = $1 and o.placed and ($2::bytea is null or r.token = $2)",
    )
    .bind(order.0)
    .bind((caller.role == Role::Customer).then_some(caller.id))
    .fetch_optional(database)
    .await?;
    let (customer, total) = row.ok_or_else(unknown_order)?;
    Ok((Subject::customer(protocol::id::Id16(customer)), crate::ledger::paisa(total)))
}
