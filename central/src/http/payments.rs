//! Payments ahead and refunds, for finance.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::App;
use super::extract::Body;
use crate::payments::{Cashier, NewPayment, NewRefund, Payment, Refunded};
use crate::problem::Error;

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

/// `POST /finance/refunds`: 201 when it is recorded now, 200 when it was.
pub(super) async fn refund(
    State(app): State<Arc<App>>,
    Body(refund): Body<NewRefund>,
) -> Result<(StatusCode, Json<Refunded>), Error> {
    let refund = cashier(&app).refund(&refund).await?;
    Ok((status(refund.recorded), Json(refund)))
}
