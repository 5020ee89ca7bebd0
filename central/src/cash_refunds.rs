//! Refunds that customers fetch in cash: finance keeps what is owed apart for the till of one point, and the customer is told
//! a code that is good there once (J20e, J20d). Paid another way after all, the till is told as soon as it has a line; until
//! then both may pay, and the fold says who owes what (R26).

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{Fact, Put, RefundReserved, RefundWithdrawn};
use protocol::id::{Kind, Subject};
use protocol::refund::RefundCode;
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::banking::{Decided, beyond};
use crate::finance::{Paged, subject_bytes, written};
use crate::ledger;
use crate::payments::{checked_amount, customer_of, no_chargeback_waits};
use crate::problem::Error;
use crate::schema::Id;

/// The body of `POST /api/v1/finance/cash-refunds`. One of `customer` and `order` is given.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "order": "O01KASWBNZ0M6SC7N75YR3HGA9T2", "amount_paisa": 106_900, "point": "S01KASWBNZ0M6SC7N75YR3HGA9T2" }))]
pub struct NewCashRefund {
    /// Whom.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub customer: Option<Subject>,
    /// Whoever placed this order; the code is shown with it.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub order: Option<Subject>,
    /// How much: whole taka, at most what is owed to the customer.
    #[schema(minimum = 100, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
    /// The site whose till pays it: one with a till of our own.
    #[schema(value_type = Id)]
    pub point: Subject,
}

/// A refund that waits at a till.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CashRefund {
    /// The refund.
    #[schema(value_type = Id)]
    pub refund: Subject,
    /// Whom.
    #[schema(value_type = Id)]
    pub customer: Subject,
    /// Where.
    #[schema(value_type = Id)]
    pub point: Subject,
    /// How much.
    pub amount_paisa: i64,
    /// What the customer shows there: 16 letters and digits in fours. It is for him alone: the till has only its lock.
    pub code: String,
}

impl std::fmt::Debug for CashRefund {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CashRefund({})", self.refund)
    }
}

/// Keeps what is owed to a customer apart for a till.
///
/// # Errors
/// `bad_amount`, `unknown_customer`, `unknown_site`, `partner_point`, `chargeback_waits`, `more_than_owed`.
pub async fn reserve(connection: &mut PgConnection, request: &NewCashRefund, stamp: Stamp) -> Decided<CashRefund> {
    let amount = checked_amount(request.amount_paisa)?;
    if amount.paisa() % Taka::whole(1).paisa() != 0 {
        let next = "Give whole taka: no till has paisa. What is left over stays owed, or goes by a provider.";
        return Err(Error::refuse(422, "bad_amount", "The amount is not in whole taka.", next));
    }
    let customer = customer_of(&mut *connection, request.customer, request.order).await?;
    pays_cash(connection, request.point).await?;
    no_chargeback_waits(&mut *connection, customer).await?;
    let owed = ledger::balance(connection, Code::RefundsPayable.of_owner(customer)).await?.negated();
    if amount > owed {
        let next = "Look at what is owed to this customer, account 2050: a refund may wait at a till already.";
        return Err(beyond("more_than_owed", "Owed to the customer are", "the refund", owed, amount, next));
    }
    let refund = Subject::new(Kind::Refund, stamp.id(1));
    let mut random = [0; RefundCode::BYTES];
    random.copy_from_slice(&blake3::derive_key("getit refund code 1", &stamp.key(1))[..RefundCode::BYTES]);
    let code = RefundCode(random);
    sqlx::query("insert into cash_refund (subject, customer, order_subject, code) values ($1, $2, $3, $4)")
        .bind(refund.0)
        .bind(customer.0)
        .bind(request.order.map(|order| order.0))
        .bind(random)
        .execute(connection)
        .await?;
    let kept = RefundReserved { customer, amount, point: request.point, lock: code.lock(&refund) };
    let drafts = vec![
        Draft { subject: request.point, fact: Fact::Put(Put { generation: 1, subjects: vec![refund] }) },
        Draft { subject: refund, fact: Fact::RefundReserved(kept) },
    ];
    let (point, code, amount_paisa) = (request.point, code.to_string(), amount.paisa());
    Ok((drafts, CashRefund { refund, customer, point, amount_paisa, code }))
}

/// Lets what waits at a till be owed to the customer again; the code is good no more. A till that has not heard of it may pay
/// all the same: the customer owes that then (J37).
///
/// # Errors
/// `unknown_refund`, `refund_ended`.
pub async fn withdraw(connection: &mut PgConnection, refund: Subject) -> Decided<CashRefundWithdrawn> {
    let row: Option<([u8; 17], i64, String)> = sqlx::query_as(
        "select customer, amount_paisa, state from view_refund where subject = $1 and point is not null",
    )
    .bind(refund.0)
    .fetch_optional(connection)
    .await?;
    let (customer, amount_paisa, state) = row.ok_or_else(unknown_refund)?;
    if state != "reserved" {
        return Err(ended(&state));
    }
    let told = CashRefundWithdrawn { refund, customer: Subject(customer), amount_paisa };
    Ok((vec![Draft { subject: refund, fact: Fact::RefundWithdrawn(RefundWithdrawn {}) }], told))
}

/// A refund that waits at a till no more.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CashRefundWithdrawn {
    /// The refund.
    #[schema(value_type = Id)]
    pub refund: Subject,
    /// To whom it is owed again.
    #[schema(value_type = Id)]
    pub customer: Subject,
    /// How much.
    pub amount_paisa: i64,
}

pub(crate) fn unknown_refund() -> Error {
    let next = "Copy the id from GET /api/v1/finance/cash-refunds.";
    Error::refuse(404, "unknown_refund", "No such refund waits at a till.", next)
}

/// What is said of a refund that is not waiting any more.
pub(crate) fn ended(state: &str) -> Error {
    let (told, next) =
        (format!("This refund is {state} already."), "Look at what is owed to this customer, account 2050.");
    Error::refuse_in_state(409, "refund_ended", told, next, serde_json::json!({ "state": state }))
}

/// What of a customer's waits at a till: his bank may not have it as well.
///
/// # Errors
/// `refund_waits`.
pub(crate) async fn none_waits(connection: &mut PgConnection, customer: Subject) -> Result<(), Error> {
    let waiting: Option<([u8; 17],)> =
        sqlx::query_as("select subject from view_refund where customer = $1 and state = 'reserved' limit 1")
            .bind(customer.0)
            .fetch_optional(connection)
            .await?;
    let Some((refund,)) = waiting else { return Ok(()) };
    let told = format!("A refund of this customer waits at a till: {}.", Subject(refund));
    Err(Error::refuse(409, "refund_waits", told, "Withdraw it first, or let it be fetched."))
}

/// Whether the site has a till that pays for us: a partner's drawer is his own.
async fn pays_cash(connection: &mut PgConnection, point: Subject) -> Result<(), Error> {
    let site: Option<(bool,)> =
        sqlx::query_as("select partner from site where subject = $1").bind(point.0).fetch_optional(connection).await?;
    match site {
        Some((false,)) => Ok(()),
        Some((true,)) => {
            let next = "Choose a hub or a point of our own: GET /api/v1/points says which are partners'.";
            Err(Error::refuse(409, "partner_point", "The till of this point is a partner's.", next))
        }
        None => {
            let next = "Copy the site's id from GET /api/v1/points, or as operations have it.";
            Err(Error::refuse(422, "unknown_site", "There is no site of this id.", next))
        }
    }
}

/// A refund for a till, as finance reads it: the code is the customer's and is not told.
#[derive(Debug, Serialize, ToSchema)]
pub struct CashRefundRow {
    /// The refund.
    #[schema(value_type = Id)]
    pub refund: String,
    /// Whom.
    #[schema(value_type = Option<Id>)]
    pub customer: Option<String>,
    /// Whose till.
    #[schema(value_type = Option<Id>)]
    pub point: Option<String>,
    /// The site's name.
    pub point_name: Option<String>,
    /// How much.
    pub amount_paisa: i64,
    /// `reserved`, `given` out of the till, `paid` by a provider, `withdrawn`, or `overpaid`: paid more often than it was kept apart.
    pub state: String,
}

type Columns = (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Option<String>, i64, String);

/// Refunds for tills by id, which is by time.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn list(
    pool: &PgPool,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Paged<CashRefundRow>, Error> {
    let rows: Vec<Columns> = sqlx::query_as(
        "select v.subject, v.customer, v.point, s.name, v.amount_paisa, v.state
         from view_refund v left join site s on s.subject = v.point
         where v.point is not null and v.subject > $1 and ($2::text is null or v.state = $2)
         order by v.subject limit $3",
    )
    .bind(after.map_or(Ok(Vec::new()), subject_bytes)?)
    .bind(status)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(subject, customer, point, point_name, amount_paisa, state): Columns| CashRefundRow {
        refund: written(&subject).unwrap_or_default(),
        customer: customer.as_deref().and_then(written),
        point: point.as_deref().and_then(written),
        point_name,
        amount_paisa,
        state,
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row| row.refund.clone()))
}
