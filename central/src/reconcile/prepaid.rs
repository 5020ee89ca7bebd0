//! A credit on suspense that is a customer's payment ahead (J29a): he sent it to our account, and a person reads of the
//! line for which order.

use protocol::decide::Draft;
use protocol::fact::{Fact, LineIdentified, TransferCaptured};
use protocol::id::Subject;
use protocol::taka::Taka;
use sqlx::PgConnection;

use super::line::{self, Line};
use super::plan::State;
use super::{LineMatch, Side};
use crate::banking::Decided;
use crate::payments;
use crate::problem::Error;

/// Says of `line` that it pays for `order`, which then goes its way as one that a provider was paid for.
pub(super) async fn pay_ahead(
    conn: &mut PgConnection,
    line: &Line,
    bank: Subject,
    side: Side,
    order: Subject,
) -> Decided<LineMatch> {
    if side != Side::Settlement || line.amount <= Taka::ZERO {
        let next = "Customers' money lies in a settlement account: name a credit of one.";
        return Err(Error::refuse(409, "not_a_payment", "This line cannot be what a customer paid.", next));
    }
    let payable = payments::payable(&mut *conn, order, line.amount).await?;
    let paid: Option<(i64,)> = sqlx::query_as(
        "insert into payment (provider, reference, order_subject, amount_paisa) values (0, $1, $2, $3)
         on conflict do nothing returning amount_paisa",
    )
    .bind(line.subject.to_string())
    .bind(order.0)
    .bind(line.amount.paisa())
    .fetch_optional(&mut *conn)
    .await?;
    if paid.is_none() {
        return Err(payments::already_paid());
    }
    let captured = TransferCaptured { bank, line: line.subject, reference: line.name(), amount: line.amount };
    let mut drafts = vec![Draft { subject: order, fact: Fact::TransferCaptured(captured) }];
    // Money that comes for an order that was called off is taken, and owed back (R23): nothing moves.
    if !payable.cancelled {
        drafts.extend(payments::routes(&mut *conn, order).await?);
    }
    if line.is_booked {
        let fact = Fact::LineIdentified(LineIdentified { subject: order });
        drafts.push(Draft { subject: line.subject, fact });
    }
    line::set(conn, line.subject, State::Matched, "paid_ahead", &[order]).await?;
    Ok((drafts, LineMatch::explained(line, Some(order), "paid_ahead")))
}
