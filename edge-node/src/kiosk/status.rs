//! How the node is: for the page's badge, for a supervisor, for a scraper.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::Serialize;

use super::problem::Problem;
use super::{Api, blocking};
use crate::node::{Node, NodeError};
use crate::store::blobs::BlobCounts;

#[derive(Serialize)]
pub(super) struct Status {
    author: String,
    role: &'static str,
    party: String,
    /// Own bursts that are not SAFE.
    waiting: u64,
    ops: u64,
    ops_safe: u64,
    root_equal: bool,
    books_equal: bool,
    position: u64,
    cash_paisa: i64,
    /// Pictures that wait for a line.
    pictures: BlobCounts,
    duplicates: u64,
    inc: String,
}

impl Status {
    fn of(node: &Node) -> Result<Self, NodeError> {
        let store = node.store();
        let waiting = store.outbox_len()?;
        Ok(store.read(|rows| {
            let (ops, ops_safe) = rows.op_counts()?;
            let standings = rows.standings()?;
            Ok::<_, crate::store::StoreError>(Self {
                author: node.author().to_string(),
                role: node.seat().role().word(),
                party: node.seat().party.to_string(),
                waiting,
                ops,
                ops_safe,
                root_equal: standings.roots_equal,
                books_equal: standings.books_equal,
                position: standings.position,
                cash_paisa: rows.cash_on_hand()?.paisa(),
                pictures: rows.blob_counts()?,
                duplicates: rows.counter("duplicates")?,
                inc: rows.inc()?.to_string(),
            })
        })?)
    }
}

pub(super) async fn status(State(api): State<Api>) -> Result<Json<Status>, Problem> {
    Ok(Json(blocking(&api, |node| Ok(Status::of(node)?)).await?))
}

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready when the database answers.
pub(super) async fn readyz(State(api): State<Api>) -> Result<&'static str, Problem> {
    blocking(&api, |node| Ok(node.store().read(|rows| rows.inc())?)).await?;
    Ok("ready\n")
}

/// Numbers without persons: safe to scrape without the token.
pub(super) async fn metrics(State(api): State<Api>) -> Result<impl IntoResponse, Problem> {
    let (status, refused, closed) = blocking(&api, |node| {
        let store = node.store();
        Ok((Status::of(node)?, store.read(|rows| rows.counter("refused"))?, store.closed_counts()?))
    })
    .await?;
    let visitors = api.node.visitors.load(Ordering::Relaxed);
    // A recorder of its own, so that many nodes may live in one process.
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        gauge!("getit_outbox_bursts").set(exact(status.waiting));
        gauge!("getit_ops").set(exact(status.ops));
        gauge!("getit_ops_safe").set(exact(status.ops_safe));
        gauge!("getit_pictures_waiting").set(exact(status.pictures.waiting));
        gauge!("getit_closed_held").set(exact(closed.held));
        gauge!("getit_closed_differ").set(exact(closed.differ));
        gauge!("getit_log_position").set(exact(status.position));
        gauge!("getit_relay_visitors").set(exact(visitors));
        gauge!("getit_root_equal").set(f64::from(u8::from(status.root_equal)));
        gauge!("getit_books_equal").set(f64::from(u8::from(status.books_equal)));
        counter!("getit_duplicates_total").absolute(status.duplicates);
        counter!("getit_refused_total").absolute(refused);
    });
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.handle().render()))
}

/// Counts of rows are far below 2^32.
fn exact(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}
