//! Statements of banks: imported, matched, and what is left explained by a person.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use protocol::id::{Id16, Kind};
use serde_json::json;

use super::banking::{Recorded, recorded};
use super::error::Answer;
use super::extract::{Body, File, Page, Segment};
use super::operation::Operation;
use super::orders::{idempotency_key, keyed, keyed_unless_dry};
use super::{App, FINANCE};
use crate::finance::Paged;
use crate::finance::lines::{self, LineRow, StatementRow};
use crate::once::{Key, once};
use crate::problem::Error;
use crate::reconcile::{self, Explained, Import, LineMatch, Reconciled};
use crate::statement::{self, MAX_BYTES};
use crate::tokens::Caller;

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    let word = |example: &str| json!({ "type": "string", "maxLength": 64, "example": example });
    let formats = "auto (camt.053 or MT940), camt053, mt940, or a CSV layout: bank, bkash, nagad, rocket, pathao, \
                   paperfly, steadfast, redx.";
    vec![
        Operation::get("/finance/statements", "list_statements", "The statements that were imported.", list)
            .roles(FINANCE)
            .gives_page_of::<StatementRow>(),
        keyed_unless_dry(Operation::post(
            "/finance/statements",
            "import_statement",
            "Import a bank's statement, and match it with the books.",
            import,
        ))
        .roles(FINANCE)
        .needs_query("bank", "Short name of the account.", word("dbbl-settlement"))
        .needs_query(
            "side",
            "`settlement` (1010), `operating` (1020), a provider: `bkash`, `nagad`, `rocket`, `card`, or `courier` (1130).",
            word("settlement"),
        )
        .query("format", formats, word("auto"))
        .query("dry_run", "Only say what would be recorded.", json!({ "type": "boolean", "default": false }))
        .takes_file(MAX_BYTES)
        .gives::<Reconciled>(201, "It is imported, and what was confirmed is posted.")
        .gives::<Reconciled>(200, "A dry run, a statement that posts nothing, or the answer that this key got before.")
        .refuses(400, &["bad_query"])
        .refuses(409, &["statement_known", "other_account", "wrong_state"])
        .refuses(422, &statement::CODES)
        .refuses(422, &["bad_bank", "nothing_remitted"]),
        Operation::get("/finance/lines", "list_lines", "The lines of all statements, oldest first.", lines)
            .roles(FINANCE)
            .query("status", "`matched`, `booked` or `open`.", word("open"))
            .gives_page_of::<LineRow>(),
        keyed(Operation::post("/finance/lines/{id}/explain", "explain_line", "Say what a line is.", explain))
            .roles(FINANCE)
            .id("id", "The line.")
            .takes::<Explained>()
            .gives::<LineMatch>(201, "It is recorded.")
            .gives::<LineMatch>(200, "Nothing had to be posted, or the answer that this key got before.")
            .refuses(404, &["unknown_line", "unknown_thing", "unknown_payout", "unknown_order"])
            .refuses(409, &["line_matched", "amounts_differ", "not_a_charge", "already_returned", "wrong_state"])
            .refuses(409, &["not_a_payment", "not_prepaid", "already_paid"])
            .refuses(422, &["bad_explanation", "amount_differs"]),
    ]
}

/// `POST /finance/statements`.
pub(super) async fn import(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<Import>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    File(file): File,
) -> Recorded<Reconciled> {
    let Ok(Query(request)) = query else {
        let next = "Send bank and side, and format and dry_run where they are needed, in the query.";
        return Err(Error::refuse(400, "bad_query", "The query does not say how to import.", next));
    };
    let hash = *blake3::hash(&file).as_bytes();
    let key = match request.dry_run {
        true => None,
        false => Some(Key::of(caller.id, idempotency_key(&headers)?, "statements", &(&request, hash))?),
    };
    let reading = request.reading()?;
    // Reading 20 MiB is work for a thread of its own.
    let read = tokio::task::spawn_blocking(move || statement::read(&file, &reading)).await;
    let statement = Arc::new(read.map_err(anyhow::Error::from)??);
    let now_ms = app.clock.now_ms();
    let answered = once(&app.intake, key, now_ms, move |connection| {
        let (request, statement) = (request.clone(), Arc::clone(&statement));
        Box::pin(
            async move { reconcile::import(connection, &request, &statement, hash, Id16(caller.id), now_ms).await },
        )
    });
    Ok(recorded(answered.await?))
}

/// `GET /finance/statements`.
pub(super) async fn list(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<StatementRow>> {
    Ok(Json(lines::statements(&app.pool, page.after(), page.limit()?).await?))
}

/// `GET /finance/lines`.
pub(super) async fn lines(State(app): State<Arc<App>>, page: Page) -> Answer<Paged<LineRow>> {
    Ok(Json(lines::lines(&app.pool, page.status(), page.after(), page.limit()?).await?))
}

/// `POST /finance/lines/{id}/explain`.
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    headers: HeaderMap,
    Body(request): Body<Explained>,
) -> Recorded<LineMatch> {
    let line = id.subject(Kind::Line)?;
    let key = Key::of(caller.id, idempotency_key(&headers)?, &format!("explain {line}"), &request)?;
    let answered = once(&app.intake, Some(key), app.clock.now_ms(), move |connection| {
        let request = request.clone();
        Box::pin(async move { reconcile::explain(connection, line, &request).await })
    });
    Ok(recorded(answered.await?))
}
