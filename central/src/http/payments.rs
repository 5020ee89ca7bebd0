//! Payments ahead and at the door, and refunds, for finance.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use protocol::id::Kind;
use serde_json::json;

use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, Page, Segment};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed};
use super::{App, FINANCE};
use crate::cash_refunds::{self, CashRefund, CashRefundRow, CashRefundWithdrawn, NewCashRefund};
use crate::door_payment::{self, DoorPayment, NewDoorPayment};
use crate::finance::Paged;
use crate::once::{Key, once};
use crate::payments::{Cashier, NewPayment, NewRefund, Payment, Refunded};
use crate::problem::Error;
use crate::tokens::Caller;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/finance/payments", "record_payment", "Record what was paid ahead for an order.", capture)
            .roles(FINANCE)
            .takes::<NewPayment>()
            .gives::<Payment>(201, "It is recorded.")
            .gives::<Payment>(200, "It was recorded before.")
            .refuses(404, &["unknown_order"])
            .refuses(409, &["not_prepaid", "already_paid", "reference_used", "wrong_state"])
            .refuses(422, &["bad_amount", "bad_reference", "amount_differs"]),
        Operation::post(
            "/finance/door-payments",
            "record_door_payment",
            "Record what a provider was paid for a parcel.",
            at_door,
        )
        .roles(FINANCE)
        .takes::<NewDoorPayment>()
        .gives::<DoorPayment>(201, "It is recorded.")
        .gives::<DoorPayment>(200, "It was recorded before.")
        .refuses(404, &["unknown_parcel"])
        .refuses(409, &["nothing_due", "already_paid", "reference_used", "wrong_state"])
        .refuses(422, &["bad_amount", "bad_reference", "amount_differs"]),
        Operation::post("/finance/refunds", "record_refund", "Record what was paid back to a customer.", refund)
            .roles(FINANCE)
            .takes::<NewRefund>()
            .gives::<Refunded>(201, "It is recorded.")
            .gives::<Refunded>(200, "It was recorded before.")
            .refuses(404, &["unknown_refund"])
            .refuses(409, &["more_than_owed", "reference_used", "chargeback_waits", "refund_ended", "wrong_state"])
            .refuses(422, &["bad_amount", "bad_reference", "unknown_customer", "amount_differs"]),
        Operation::get("/finance/cash-refunds", "list_cash_refunds", "Refunds for tills, oldest first.", waiting)
            .roles(FINANCE)
            .query(
                "status",
                "`reserved`, `withdrawn`, `given`, `paid` or `overpaid`.",
                json!({ "type": "string", "example": "reserved" }),
            )
            .gives_page_of::<CashRefundRow>(),
        keyed(Operation::post(
            "/finance/cash-refunds",
            "reserve_cash_refund",
            "Let a customer fetch what is owed to him at a till.",
            reserve,
        ))
        .roles(FINANCE)
        .takes::<NewCashRefund>()
        .gives::<CashRefund>(201, "It waits at the till.")
        .gives::<CashRefund>(200, "The answer that this key got before.")
        .refuses(409, &["more_than_owed", "chargeback_waits", "partner_point", "wrong_state"])
        .refuses(422, &["bad_amount", "unknown_customer", "unknown_site"]),
        keyed(Operation::post(
            "/finance/cash-refunds/{id}/withdraw",
            "withdraw_cash_refund",
            "Let a refund that waits at a till be owed again.",
            withdraw,
        ))
        .roles(FINANCE)
        .id("id", "The refund.")
        .gives::<CashRefundWithdrawn>(201, "It is owed to the customer again.")
        .gives::<CashRefundWithdrawn>(200, "The answer that this key got before.")
        .refuses(404, &["unknown_refund"])
        .refuses(409, &["refund_ended", "wrong_state"]),
    ]
}

fn cashier(app: &App) -> Cashier<'_> {
    Cashier { intake: &app.intake, pool: &app.pool, clock: &app.clock }
}

const fn status(recorded: bool) -> StatusCode {
    if recorded { StatusCode::CREATED } else { StatusCode::OK }
}

/// `POST /finance/payments`: 201 when it is recorded now, 200 when it was.
pub(super) async fn capture(
    State(app): State<Arc<App>>,
    Body(payment): Body<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), Error> {
    let payment = cashier(&app).capture(&payment).await?;
    Ok((status(payment.recorded), Json(payment)))
}

/// `POST /finance/door-payments`: 201 when it is recorded now, 200 when it was.
pub(super) async fn at_door(State(app): State<Arc<App>>, Body(payment): Body<NewDoorPayment>) -> Recorded<DoorPayment> {
    let answered = once(&app.intake, None, app.clock.now_ms(), move |connection| {
        let payment = payment.clone();
        Box::pin(async move { door_payment::record(connection, &payment).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/refunds`: 201 when it is recorded now, 200 when it was.
pub(super) async fn refund(
    State(app): State<Arc<App>>,
    Body(refund): Body<NewRefund>,
) -> Result<(StatusCode, Json<Refunded>), Error> {
    let refund = cashier(&app).refund(&refund).await?;
    Ok((status(refund.recorded), Json(refund)))
}

/// `GET /finance/cash-refunds`.
pub(super) async fn waiting(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<CashRefundRow>> {
    Ok(Json(cash_refunds::list(&app.pool, page.status(), page.after(), page.limit()?).await?))
}

/// `POST /finance/cash-refunds`.
pub(super) async fn reserve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(request): Body<NewCashRefund>,
) -> Recorded<CashRefund> {
    let key = Key::of(caller.id, idempotency_key(&headers)?, "cash-refunds", &request)?;
    let stamp = app.clock.stamp()?;
    let answered = once(&app.intake, Some(key), stamp.now_ms, move |connection| {
        let request = request.clone();
        Box::pin(async move { cash_refunds::reserve(connection, &request, stamp).await })
    });
    Ok(recorded(answered.await?))
}

/// `POST /finance/cash-refunds/{id}/withdraw`.
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
) -> Recorded<CashRefundWithdrawn> {
    let refund = id.subject(Kind::Refund)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("withdraw {refund}"), &())?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        Box::pin(cash_refunds::withdraw(connection, refund))
    });
    Ok(recorded(answered.await?))
}
