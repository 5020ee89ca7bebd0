//! Printed receipts, for whoever holds one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::App;
use super::error::Answer;
use super::extract::Segment;
use super::operation::Operation;
use crate::receipts::{self, ReceiptTold};

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let (code, example) =
        ("The 16 hex digits that are printed on it; blanks and dashes do not count.", "7F3A09C25510B6E4");
    vec![
        Operation::get("/receipts/{code}", "verify_receipt", "What a printed receipt stands for.", verify)
            .segment("code", code, example)
            .gives::<ReceiptTold>(200, "It is known here.")
            .refuses(400, &["bad_receipt_code"])
            .refuses(404, &["unknown_receipt"]),
    ]
}

/// `GET /receipts/{code}`.
async fn verify(State(app): State<Arc<App>>, code: Segment) -> Answer<ReceiptTold> {
    Ok(Json(receipts::of(&app.pool, &code.0).await?))
}
