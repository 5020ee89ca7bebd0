//! Whether central lives, whether it can work, and its figures. No personal data, no URLs.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::Answer;
use super::operation::Operation;
use crate::problem::Error;

/// Bounds of the latency buckets, seconds: from a cached read to the request timeout.
const LATENCY_BUCKETS: [f64; 8] = [0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 20.0];

/// The routes of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/healthz", "is_alive", "Whether the process answers.", alive)
            .at_root()
            .gives::<Health>(200, "It does."),
        Operation::get("/readyz", "is_ready", "Whether the database answers too.", ready)
            .at_root()
            .gives::<Health>(200, "It does."),
        Operation::get("/metrics", "metrics", "Figures in Prometheus' text form.", metrics).at_root().gives_text(
            200,
            "text/plain",
            "The figures.",
        ),
    ]
}

/// How the process is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `alive` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// The process's figures. A process has one recorder, however many centrals a test starts in it.
pub(super) fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let builder = builder.set_buckets(&LATENCY_BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another recorder is installed: /metrics stays empty");
            }
            handle
        })
        .clone()
}

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> axum::Json<Health> {
    axum::Json(Health { status: "alive" })
}

/// `GET /readyz`: the database answers too.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Answer<Health> {
    sqlx::query("select 1").execute(&app.pool).await.map_err(|error| {
        tracing::warn!(%error, "the database does not answer");
        Error::refuse(503, "not_ready", "The database does not answer.", "Try again when it is back.")
    })?;
    Ok(axum::Json(Health { status: "ready" }))
}

/// `GET /metrics`: Prometheus text.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render()).into_response()
}
