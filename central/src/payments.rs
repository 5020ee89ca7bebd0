//! What customers paid ahead and what is paid back to them, as finance records it by hand: every amount
//! with the provider's own reference, and every reference once.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::decide::Draft;
use protocol::fact::{Fact, MAX_TEXT, PaymentCaptured, Provider, Put, RefundPaid};
use protocol::fold::{Folded, State};
use protocol::id::{Kind, Scope, Subject};
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, PgPool};
use utoipa::ToSchema;

use crate::cash_refunds::{ended, unknown_refund};
use crate::clock::Clock;
use crate::intake::{Check, Conflict, Extra, Guard, Intake, IntakeError};
use crate::problem::Error;
use crate::schema::{self, Id};

/// The body of `POST /api/v1/finance/payments`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "order": "O01KASWBNZ0M6SC7N75YR3HGA9T2", "provider": "bkash", "reference": "9F12AB", "amount_paisa": 106_900 }))]
pub struct NewPayment {
    /// The order that is paid ahead.
    #[schema(value_type = Id)]
    pub order: Subject,
    /// Who carried the money.
    #[schema(value_type = schema::Provider)]
    pub provider: Provider,
    /// The provider's own id of the payment.
    #[schema(min_length = 1, max_length = 200)]
    pub reference: String,
    /// How much: exactly the order's total.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
}

/// A payment as it is in the books.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Payment {
    /// The order.
    #[schema(value_type = Id)]
    pub order: Subject,
    /// Who carried the money.
    #[schema(value_type = schema::Provider)]
    pub provider: Provider,
    /// The provider's own id of the payment.
    pub reference: String,
    /// How much.
    pub amount_paisa: i64,
    /// Whether it was recorded now, and not by an earlier request.
    pub recorded: bool,
}

/// The body of `POST /api/v1/finance/refunds`. One of `customer`, `order` and `refund` is given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "order": "O01KASWBNZ0M6SC7N75YR3HGA9T2", "amount_paisa": 106_900, "provider": "bkash", "reference": "9F12AC" }))]
pub struct NewRefund {
    /// Whom.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub customer: Option<Subject>,
    /// Whoever placed this order.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub order: Option<Subject>,
    /// The one that waits for this at a till, in full: it is paid by the provider instead, and its code is good no more. A
    /// till that has not heard of it may pay all the same; what the provider paid then is the customer's to give back.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub refund: Option<Subject>,
    /// How much, at most what is owed to the customer.
    #[schema(minimum = 1, maximum = 100_000_000_000_000i64)]
    pub amount_paisa: i64,
    /// Who carries the money.
    #[schema(value_type = schema::Provider)]
    pub provider: Provider,
    /// The provider's own id of the refund.
    #[schema(min_length = 1, max_length = 200)]
    pub reference: String,
}

/// A refund as it is in the books.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Refunded {
    /// The refund.
    #[schema(value_type = Id)]
    pub refund: Subject,
    /// Whom.
    #[schema(value_type = Id)]
    pub customer: Subject,
    /// How much.
    pub amount_paisa: i64,
    /// Whether it was recorded now, and not by an earlier request.
    pub recorded: bool,
}

/// What records payments and refunds.
pub struct Cashier<'a> {
    /// The door to the log.
    pub intake: &'a Intake,
    /// Look-ups.
    pub pool: &'a PgPool,
    /// Time and chance.
    pub clock: &'a Clock,
}

impl Cashier<'_> {
    /// Records what was paid ahead for an order, and lets its parcels go (J2).
    ///
    /// # Errors
    /// `bad_amount`, `bad_reference`, `unknown_order`, `not_prepaid`, `amount_differs`, `already_paid`,
    /// `reference_used`.
    pub async fn capture(&self, payment: &NewPayment) -> Result<Payment, Error> {
        let (reference, amount) = (checked_reference(&payment.reference)?, checked_amount(payment.amount_paisa)?);
        let told = |recorded| Payment {
            order: payment.order,
            provider: payment.provider,
            reference: reference.to_owned(),
            amount_paisa: amount.paisa(),
            recorded,
        };
        if let Some(order) = self.order_of(payment.provider, reference).await? {
            return if order == payment.order { Ok(told(false)) } else { Err(reference_used()) };
        }
        let payable = payable(self.pool, payment.order, amount).await?;
        let captured = PaymentCaptured { provider: payment.provider as u8, reference: reference.to_owned(), amount };
        let mut drafts = vec![Draft { subject: payment.order, fact: Fact::PaymentCaptured(captured) }];
        // Money that comes for an order that was called off is taken, and owed back (R23): nothing moves.
        if !payable.cancelled {
            drafts.extend(routes(self.pool, payment.order).await?);
        }
        let check: Check = Arc::new(not_paid_yet);
        let note = note_payment(payment.provider, reference.to_owned(), payment.order, amount);
        match self.intake.author(drafts, Vec::new(), Some(Guard { check: Some(check), extra: Some(note) })).await {
            Ok(_) => Ok(told(true)),
            Err(IntakeError::Conflict(_)) => {
                if self.order_of(payment.provider, reference).await? == Some(payment.order) {
                    return Ok(told(false));
                }
                Err(already_paid())
            }
            Err(IntakeError::Extra(error)) if violates(&error) => Err(reference_used()),
            Err(error) => Err(error.into()),
        }
    }

    async fn order_of(&self, provider: Provider, reference: &str) -> Result<Option<Subject>, sqlx::Error> {
        let row: Option<([u8; 17],)> =
            sqlx::query_as("select paid_for from payment where provider = $1 and reference = $2")
                .bind(provider as i16)
                .bind(reference)
                .fetch_optional(self.pool)
                .await?;
        Ok(row.map(|row| Subject(row.0)))
    }

    /// Records what was paid back to a customer (J19a), at most what 2050 owes.
    ///
    /// # Errors
    /// `bad_amount`, `bad_reference`, `unknown_customer`, `unknown_refund`, `amount_differs`, `refund_ended`,
    /// `chargeback_waits`, `more_than_owed`, `reference_used`.
    pub async fn refund(&self, request: &NewRefund) -> Result<Refunded, Error> {
        let (reference, amount) = (checked_reference(&request.reference)?, checked_amount(request.amount_paisa)?);
        let waits = self.reserved(request).await?;
        let customer = match &waits {
            Some(kept) => kept.customer,
            None => customer_of(self.pool, request.customer, request.order).await?,
        };
        if let Some(before) = self.refund_of(request.provider, reference).await? {
            let same = before.customer == customer
                && before.amount_paisa == amount.paisa()
                && waits.is_none_or(|kept| kept.refund == before.refund);
            return if same { Ok(before) } else { Err(reference_used()) };
        }
        if let Some(told) = waits.filter(|kept| kept.amount != amount).map(|kept| kept.amount.paisa()) {
            let told = format!("Kept apart for the till are {told} paisa.");
            return Err(Error::refuse(422, "amount_differs", told, "Pay exactly what waits at the till."));
        }
        no_chargeback_waits(self.pool, customer).await?;
        let new = Subject::new(Kind::Refund, self.clock.stamp()?.id(0));
        let refund = waits.map_or(new, |kept| kept.refund);
        let paid = RefundPaid { customer, amount, provider: request.provider as u8, reference: reference.to_owned() };
        let drafts = vec![Draft { subject: refund, fact: Fact::RefundPaid(paid.clone()) }];
        let check: Option<Check> = waits.map(|_| Arc::new(waits_at_till) as Check);
        let guard = Guard { check, extra: Some(note_refund(refund, paid)) };
        match self.intake.author(drafts, Vec::new(), Some(guard)).await {
            Ok(_) => Ok(Refunded { refund, customer, amount_paisa: amount.paisa(), recorded: true }),
            Err(IntakeError::Conflict(conflict)) => Err(ended(&conflict.status)),
            Err(IntakeError::Extra(error)) if is_owed(&error) => {
                let next = "Look at what is owed to this customer, account 2050.";
                Err(Error::refuse(409, "more_than_owed", "Less than this is owed to the customer.", next))
            }
            Err(IntakeError::Extra(error)) if violates(&error) => Err(reference_used()),
            Err(error) => Err(error.into()),
        }
    }

    /// The refund that waits at a till, when the request names one.
    async fn reserved(&self, request: &NewRefund) -> Result<Option<Reserved>, Error> {
        let Some(refund) = request.refund else { return Ok(None) };
        let row: Option<([u8; 17], i64)> = sqlx::query_as(
            "select customer, amount_paisa from view_refund
             where subject = $1 and point is not null and $2::bytea is null and $3::bytea is null",
        )
        .bind(refund.0)
        .bind(request.customer.map(|customer| customer.0))
        .bind(request.order.map(|order| order.0))
        .fetch_optional(self.pool)
        .await?;
        let (customer, amount) = row.ok_or_else(unknown_refund)?;
        Ok(Some(Reserved { refund, customer: Subject(customer), amount: crate::ledger::paisa(amount) }))
    }

    async fn refund_of(&self, provider: Provider, reference: &str) -> Result<Option<Refunded>, sqlx::Error> {
        let row: Option<([u8; 17], [u8; 17], i64)> =
            sqlx::query_as("select subject, customer, amount_paisa from refund where provider = $1 and reference = $2")
                .bind(provider as i16)
                .bind(reference)
                .fetch_optional(self.pool)
                .await?;
        let read = |(subject, customer, amount_paisa): ([u8; 17], [u8; 17], i64)| Refunded {
            refund: Subject(subject),
            customer: Subject(customer),
            amount_paisa,
            recorded: false,
        };
        Ok(row.map(read))
    }
}

/// A refund that waits at a till.
#[derive(Clone, Copy)]
struct Reserved {
    refund: Subject,
    customer: Subject,
    amount: Taka,
}

/// Runs under the intake lock: nobody has paid it.
fn waits_at_till(states: &BTreeMap<Subject, Folded>) -> Result<(), Conflict> {
    for (subject, folded) in states {
        if let State::Refund(refund) = &folded.state {
            if !refund.waits() {
                return Err(Conflict { subject: *subject, status: refund.word().to_owned() });
            }
        }
    }
    Ok(())
}

/// Whom a refund is for: the customer who is named, or who placed the order that is.
///
/// # Errors
/// `unknown_customer`.
pub(crate) async fn customer_of<'c>(
    database: impl PgExecutor<'c>,
    customer: Option<Subject>,
    order: Option<Subject>,
) -> Result<Subject, Error> {
    let unknown = || {
        let next = "Give either `customer`, or the `order` that he placed.";
        Error::refuse(422, "unknown_customer", "Nobody is named, or nobody known.", next)
    };
    match (customer, order) {
        (Some(customer), None) if customer.kind() == Some(Kind::Customer) => Ok(customer),
        (None, Some(order)) => {
            let row: Option<(Option<[u8; 16]>,)> = sqlx::query_as("select customer from view_order where subject = $1")
                .bind(order.0)
                .fetch_optional(database)
                .await?;
            let id = row.and_then(|row| row.0).ok_or_else(unknown)?;
            Ok(Subject::customer(protocol::id::Id16(id)))
        }
        _ => Err(unknown()),
    }
}

/// What his bank has taken back already is not paid as well, also while a second person has not agreed to the entry.
///
/// # Errors
/// `chargeback_waits`.
pub(crate) async fn no_chargeback_waits<'c>(database: impl PgExecutor<'c>, customer: Subject) -> Result<(), Error> {
    let waiting: Option<([u8; 17],)> = sqlx::query_as(
        "select subject from proposed_entry
         where what = 'charged_back_early' and owner = $1 and state = 'waiting' limit 1",
    )
    .bind(customer.0)
    .fetch_optional(database)
    .await?;
    let Some((entry,)) = waiting else { return Ok(()) };
    let told = format!("A chargeback of this customer waits for its second person: {}.", Subject(entry));
    let next = "Agree to it or withdraw it first, then refund what is left.";
    Err(Error::refuse(409, "chargeback_waits", told, next))
}

/// An order that may be paid ahead.
pub(crate) struct Payable {
    /// It was called off: what is paid is owed back.
    pub(crate) cancelled: bool,
}

/// Whether `amount` pays for this order ahead, as far as the order says.
///
/// # Errors
/// `unknown_order`, `not_prepaid`, `amount_differs`.
pub(crate) async fn payable<'c>(database: impl PgExecutor<'c>, order: Subject, amount: Taka) -> Result<Payable, Error> {
    let order: Option<(i64, bool, bool)> = sqlx::query_as(
        "select coalesce(o.total_paisa, 0), o.cancelled,
            exists (select from view_parcel p where p.order_subject = o.subject)
            and not exists (select from view_parcel p where p.order_subject = o.subject and not p.prepaid)
         from view_order o where o.subject = $1 and o.placed",
    )
    .bind(order.0)
    .fetch_optional(database)
    .await?;
    let (total, cancelled, prepaid) = order.ok_or_else(|| {
        let next = "Copy the id as POST /api/v1/orders gave it.";
        Error::refuse(404, "unknown_order", "There is no order of this id.", next)
    })?;
    if !prepaid {
        let next = "Record the payment on the order it was made for.";
        return Err(Error::refuse(409, "not_prepaid", "This order is paid at the door.", next));
    }
    if total != amount.paisa() {
        let told = format!("The order costs {total} paisa.");
        let next = "Pay the customer back, and ask for the whole amount in one payment.";
        return Err(Error::refuse(422, "amount_differs", told, next));
    }
    Ok(Payable { cancelled })
}

pub(crate) fn already_paid() -> Error {
    let next = "Pay this one back, or record it on the order it was made for.";
    Error::refuse(409, "already_paid", "This order is paid by another payment.", next)
}

/// The parcels of the order go to vendor, hub and point, as those of a cash order do at once.
pub(crate) async fn routes<'c>(database: impl PgExecutor<'c>, order: Subject) -> Result<Vec<Draft>, sqlx::Error> {
    type Row = ([u8; 17], Option<[u8; 17]>, Option<[u8; 17]>, Option<[u8; 17]>);
    let rows: Vec<Row> = sqlx::query_as(
        "select subject, vendor, site, point from view_parcel where order_subject = $1 order by subject",
    )
    .bind(order.0)
    .fetch_all(database)
    .await?;
    let mut scopes: BTreeMap<Scope, Vec<Subject>> = BTreeMap::new();
    for (parcel, vendor, site, point) in rows {
        let parcel = Subject(parcel);
        if let Some(vendor) = vendor {
            scopes.entry(Subject(vendor)).or_default().extend([parcel, Subject::earning_of(parcel)]);
        }
        for scope in [site, point].into_iter().flatten() {
            scopes.entry(Subject(scope)).or_default().push(parcel);
        }
    }
    let put = |(scope, subjects)| Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) };
    Ok(scopes.into_iter().map(put).collect())
}

/// Runs under the intake lock: one payment pays an order.
fn not_paid_yet(states: &BTreeMap<Subject, Folded>) -> Result<(), Conflict> {
    for (subject, folded) in states {
        if let State::Order(order) = &folded.state {
            if order.captured_by.is_some() {
                return Err(Conflict { subject: *subject, status: "paid".to_owned() });
            }
        }
    }
    Ok(())
}

fn note_payment(provider: Provider, reference: String, order: Subject, amount: Taka) -> Extra {
    let reference = Arc::new(reference);
    Arc::new(move |connection| {
        let reference = Arc::clone(&reference);
        Box::pin(async move {
            sqlx::query("insert into payment (provider, reference, paid_for, amount_paisa) values ($1, $2, $3, $4)")
                .bind(provider as i16)
                .bind(reference.as_str())
                .bind(order.0)
                .bind(amount.paisa())
                .execute(connection)
                .await
                .map(drop)
        })
    })
}

/// The balance is read after the refund was posted, in its transaction, under the intake lock: a row
/// whose rest would be below zero is refused by the table, and the refund with it.
fn note_refund(refund: Subject, paid: RefundPaid) -> Extra {
    let paid = Arc::new(paid);
    Arc::new(move |connection| {
        let paid = Arc::clone(&paid);
        Box::pin(async move {
            sqlx::query(
                "insert into refund (provider, reference, subject, customer, amount_paisa, owed_after_paisa)
                 values ($1, $2, $3, $4, $5, (select coalesce(-sum(amount_paisa), 0)::bigint from balance
                                              where account_code = 2050 and owner = $4))",
            )
            .bind(i16::from(paid.provider))
            .bind(&paid.reference)
            .bind(refund.0)
            .bind(paid.customer.0)
            .bind(paid.amount.paisa())
            .execute(connection)
            .await
            .map(drop)
        })
    })
}

fn violates(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

fn is_owed(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.constraint() == Some("refund_owed"))
}

pub(crate) fn reference_used() -> Error {
    let next = "Check the reference: it stands in the books for something else.";
    Error::refuse(409, "reference_used", "This reference is used.", next)
}

pub(crate) fn checked_reference(reference: &str) -> Result<&str, Error> {
    let reference = reference.trim();
    if reference.is_empty() || reference.len() > MAX_TEXT || reference.chars().any(char::is_control) {
        let next = "Copy the provider's own id of the payment, at most 200 characters.";
        return Err(Error::refuse(422, "bad_reference", "The reference is empty, too long or not text.", next));
    }
    Ok(reference)
}

pub(crate) fn checked_amount(paisa: i64) -> Result<Taka, Error> {
    Taka::from_paisa(paisa).filter(|amount| amount.is_cash() && *amount > Taka::ZERO).ok_or_else(|| {
        let next = "Give amount_paisa in paisa, above 0.";
        Error::refuse(422, "bad_amount", "The amount is not one.", next)
    })
}
