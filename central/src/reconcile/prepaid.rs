//! A credit on suspense that is a customer's payment ahead (J29a): he sent it to our account, and a person reads of the
//! line for which order. One that names an order which waits for exactly this amount is proposed to him.

use protocol::decide::Draft;
use protocol::fact::{Fact, LineIdentified, TransferCaptured};
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;
use sqlx::PgConnection;

use super::line::{self, Line};
use super::plan::{Plan, State};
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
        "insert into payment (provider, reference, paid_for, amount_paisa) values (0, $1, $2, $3)
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

/// Proposes orders for credits that nothing else explains. Nothing moves before a person confirms it.
pub(super) async fn propose(
    conn: &mut PgConnection,
    side: Side,
    lines: &[Line],
    plan: &mut Plan,
) -> Result<(), sqlx::Error> {
    if side != Side::Settlement {
        return Ok(());
    }
    let unexplained = |at: &usize| {
        let row = &plan.rows[*at];
        row.state == State::Booked && row.things.is_empty() && row.why == "missing_ours"
    };
    let named = |at: usize| orders_of(&lines[at]).map(move |order| (at, order));
    let named: Vec<(usize, Subject)> = (0..lines.len()).filter(unexplained).flat_map(named).collect();
    if named.is_empty() {
        return Ok(());
    }
    let waiting: Vec<([u8; 17], i64)> = sqlx::query_as(
        "select o.subject, o.total_paisa from view_order o
         where o.subject = any($1) and o.placed
           and exists (select from view_parcel p where p.order_subject = o.subject and p.prepaid)
           and not exists (select from view_parcel p where p.order_subject = o.subject and not p.prepaid)
           and not exists (select from payment p where p.paid_for = o.subject)",
    )
    .bind(named.iter().map(|(_, order)| order.0).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    for (at, order) in named {
        if waiting.contains(&(order.0, lines[at].amount.paisa())) {
            let row = &mut plan.rows[at];
            (row.why, row.things) = ("paid_ahead", vec![order]);
            let told = plan.exceptions.iter_mut().find(|told| told.lines == [lines[at].subject]);
            if let Some(told) = told {
                (told.why, told.things) = ("paid_ahead".to_owned(), vec![order]);
            }
        }
    }
    Ok(())
}

/// Every order that a line names. Banks drop the sign that an id may end with; then each of them is tried.
fn orders_of(line: &Line) -> impl Iterator<Item = Subject> {
    let words = line.narration.split(|c: char| c.is_whitespace() || c == '/');
    let words = words.chain([line.reference.as_str()]).chain(line.ids.iter().map(String::as_str));
    let order = |word: &str| ["", "*", "~", "$", "="].iter().find_map(|end| Subject::parse(&format!("{word}{end}")));
    words.filter_map(order).filter(|thing| thing.kind() == Some(Kind::Order))
}
