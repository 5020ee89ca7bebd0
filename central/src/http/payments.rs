//! Payments ahead and at the door, and refunds, for finance.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::banking::{Recorded, recorded};
use super::extract::Body;
use super::operation::Operation;
use super::{App, FINANCE};
use crate::door_payment::{self, DoorPayment, NewDoorPayment};
use crate::once::once;
use crate::payments::{Cashier, NewPayment, NewRefund, Payment, Refunded};
use crate::problem::Error;

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
            .refuses(409, &["more_than_owed", "reference_used", "wrong_state"])
            .refuses(422, &["bad_amount", "bad_reference", "unknown_customer"]),
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
