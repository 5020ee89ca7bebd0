//! What a provider pays out or takes back, held against what it took for us, and a chargeback against whose money it is by
//! now: what escrow holds or the customer is owed is taken from there first, so that nobody gets it twice; the rest is the
//! vendor's, as far as he was credited for its goods, and ours.

use protocol::account::{Account, Code};
use protocol::fact::{Entered, Provider};
use protocol::id::Subject;
use protocol::order::receivable;
use protocol::taka::Taka;
use sqlx::PgConnection;

use crate::banking::beyond;
use crate::cash_refunds::none_waits;
use crate::ledger::{self, paisa};
use crate::problem::Error;

/// A provider settles what it took and has not settled. What it gave back meanwhile does not count: that it keeps from a
/// later settlement, and until then its account may be below zero.
///
/// # Errors
/// `more_than_held`.
pub(super) async fn was_taken(conn: &mut PgConnection, entered: &Entered) -> Result<(), Error> {
    let (back,): (i64,) = sqlx::query_as(
        "select (coalesce((select sum(amount_paisa) from refund where provider = $1), 0)
            + coalesce((select sum(amount_paisa) from view_entry
                        where what in ('charged_back', 'charged_back_early') and provider = $1), 0))::bigint",
    )
    .bind(i16::from(entered.provider))
    .fetch_one(&mut *conn)
    .await?;
    let account = Provider::of(entered.provider).map(receivable);
    let left = match account {
        Some(account) => ledger::balance(conn, account).await?.plus(paisa(back)),
        None => Taka::ZERO,
    };
    if entered.amount <= left {
        return Ok(());
    }
    let next = "Read the provider's notice again, and record payments that are missing: POST /api/v1/finance/payments.";
    Err(beyond("more_than_held", "The provider took and has not settled", "the entry", left, entered.amount, next))
}

/// What an order's money has become.
struct Order {
    /// Captured at the entry's provider and not charged back before.
    left: Taka,
    /// In escrow.
    escrow: Taka,
    /// Released to the customer and neither paid to him nor charged back.
    owed: Taka,
    /// Of parcels that arrived, less what was charged back of them before.
    arrived: Taka,
    /// What the vendor was credited for goods of it, less what he was charged back before.
    vendors: Taka,
    customer: Option<Subject>,
    is_vendors: bool,
}

impl Order {
    /// What may be charged back from the vendor and us: of parcels that arrived, or whatever is left when nothing is the
    /// customer's any more, for then he was refunded before the notice came.
    fn nobody_elses(&self) -> Taka {
        if self.escrow.plus(self.owed) > Taka::ZERO { self.arrived.min(self.left) } else { self.left }
    }
}

async fn order_of(conn: &mut PgConnection, entered: &Entered, order: Option<Subject>) -> Result<Order, Error> {
    let order = order.map_or([0; 17], |order| order.0);
    let parcels: Vec<([u8; 17], Option<[u8; 17]>)> =
        sqlx::query_as("select subject, vendor from view_parcel where order_subject = $1")
            .bind(order)
            .fetch_all(&mut *conn)
            .await?;
    let earnings: Vec<[u8; 17]> = parcels.iter().map(|(parcel, _)| Subject::earning_of(Subject(*parcel)).0).collect();
    // What a return gave back is the customer's, as what was released to him is: neither the vendor's nor ours any more.
    let (credited, released, arrived): (i64, i64, i64) = sqlx::query_as(
        "select coalesce(-sum(p.amount_paisa) filter (where p.account_code = 2010 and p.owner = $2 and j.rule in ('J5', 'J6')),
                         0)::bigint
                + coalesce(sum(p.amount_paisa) filter (where p.account_code = 2050 and j.rule in ('J20', 'J20b')
                    and exists (select from view_earning e where e.subject = j.subject and e.vendor = $2)), 0)::bigint,
            coalesce(-sum(p.amount_paisa) filter (where p.account_code = 2050), 0)::bigint,
            coalesce(sum(p.amount_paisa) filter (where p.account_code = 2040 and j.rule in ('J6', 'J32')
                or p.account_code = 2050 and j.rule in ('J20', 'J20b')), 0)::bigint
         from journal_log j join posting p on p.position = j.position where j.subject = any($1)",
    )
    .bind(&earnings)
    .bind(entered.owner.0)
    .fetch_one(&mut *conn)
    .await?;
    type Before = (i64, i64, i64, i64, i64, Option<[u8; 16]>);
    let (captured, before, early, late, vendors_before, customer): Before = sqlx::query_as(
        "select coalesce((select sum(amount_paisa) from payment where paid_for = $1 and provider = $2), 0)::bigint,
            coalesce(sum(e.amount_paisa), 0)::bigint,
            coalesce(sum(e.amount_paisa) filter (where e.what = 'charged_back_early' and e.other = $1), 0)::bigint,
            coalesce(sum(e.amount_paisa) filter (where e.what = 'charged_back'), 0)::bigint,
            coalesce(sum(e.amount_paisa - e.part_paisa) filter (where e.what = 'charged_back' and e.owner = $3), 0)::bigint,
            (select customer from view_order where subject = $1)
         from view_entry e where e.what in ('charged_back', 'charged_back_early') and (e.other = $1 or e.owner = $1)",
    )
    .bind(order)
    .bind(i16::from(entered.provider))
    .bind(entered.owner.0)
    .fetch_one(&mut *conn)
    .await?;
    let customer = customer.map(|customer| Subject::customer(protocol::id::Id16(customer)));
    let escrow = owed(conn, Code::Escrow.of_owner(Subject(order))).await?;
    let owed = match customer {
        Some(customer) => owed(conn, Code::RefundsPayable.of_owner(customer)).await?,
        None => Taka::ZERO,
    };
    Ok(Order {
        left: paisa(captured).minus(paisa(before)),
        escrow,
        owed: owed.min(paisa(released).minus(paisa(early)).max(Taka::ZERO)),
        arrived: paisa(arrived).minus(paisa(late)).max(Taka::ZERO),
        vendors: paisa(credited).minus(paisa(vendors_before)),
        customer,
        is_vendors: parcels.iter().any(|(_, vendor)| *vendor == Some(entered.owner.0)),
    })
}

/// What an account of what we owe holds.
async fn owed(conn: &mut PgConnection, account: Account) -> Result<Taka, sqlx::Error> {
    Ok(ledger::balance(conn, account).await?.negated().max(Taka::ZERO))
}

fn within_captured(order: &Order, entered: &Entered) -> Result<(), Error> {
    if entered.amount <= order.left {
        return Ok(());
    }
    let next = "Read the provider's notice again: no more is charged back than was captured.";
    Err(beyond("more_than_captured", "Of what was captured are left", "the entry", order.left, entered.amount, next))
}

/// The rest of an order's money, that is neither in escrow nor owed back to the customer: the vendor answers for the goods
/// that he was credited for, we for everything else.
///
/// # Errors
/// `not_the_vendor`, `more_than_captured`, `still_the_customers`, `more_than_credited`, `refund_waits`.
pub(super) async fn is_nobody_elses(conn: &mut PgConnection, entered: &Entered) -> Result<(), Error> {
    let order = order_of(conn, entered, entered.other).await?;
    if let Some(customer) = order.customer {
        none_waits(conn, customer).await?;
    }
    if !order.is_vendors {
        let next = "Name a vendor of whom something was in the order.";
        return Err(Error::refuse(409, "not_the_vendor", "Nothing in this order is of this vendor.", next));
    }
    within_captured(&order, entered)?;
    if entered.amount > order.nobody_elses() {
        let told = format!(
            "Of this order {} taka are in escrow, and {} are owed back to the customer: that is charged back first.",
            order.escrow, order.owed
        );
        let next = "Enter charged_back_early: of the order what is in escrow, of the customer what is owed back.";
        let state = serde_json::json!({ "escrow_paisa": order.escrow.paisa(), "owed_paisa": order.owed.paisa() });
        return Err(Error::refuse_in_state(409, "still_the_customers", told, next, state));
    }
    let share = entered.amount.minus(entered.part);
    if share > order.vendors {
        let next = "Give what is beyond it as our share, part_paisa.";
        let holder = "For goods of this order the vendor was credited";
        return Err(beyond("more_than_credited", holder, "his share", order.vendors.max(Taka::ZERO), share, next));
    }
    Ok(())
}

/// What is still the customer's: in escrow (the account itself was looked at), or owed back to the one who placed the order.
///
/// # Errors
/// `more_than_captured`, `not_the_customer`, `more_than_owed`, `refund_waits`.
pub(super) async fn is_the_customers(conn: &mut PgConnection, entered: &Entered) -> Result<(), Error> {
    let of = entered.other.unwrap_or(entered.owner);
    let order = order_of(conn, entered, Some(of)).await?;
    within_captured(&order, entered)?;
    if of == entered.owner {
        return Ok(());
    }
    if order.customer != Some(entered.owner) {
        let next = "Name the customer who placed the order.";
        return Err(Error::refuse(409, "not_the_customer", "Somebody else placed this order.", next));
    }
    none_waits(conn, entered.owner).await?;
    if entered.amount > order.owed {
        let next = "Charge back the rest as charged_back: it was refunded, or is the vendor's.";
        return Err(beyond(
            "more_than_owed",
            "Of this order are owed back",
            "the entry",
            order.owed,
            entered.amount,
            next,
        ));
    }
    Ok(())
}
