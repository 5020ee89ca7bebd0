//! What operators look at: alive, ready, metrics. No personal data.

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use central::store::{self, Pool};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::sync::watch;

/// Serves `/healthz`, `/readyz` and `/metrics`.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(
    listen: SocketAddr,
    pool: Pool,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    // A second recorder in one process (tests) is refused: its metrics are then those of the first.
    let recorder = PrometheusBuilder::new().install_recorder().ok();
    let ready = move || {
        let pool = pool.clone();
        async move {
            if store::answers(&pool).await {
                (StatusCode::OK, "ready")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "no database")
            }
        }
    };
    let routes = Router::new()
        .route("/healthz", get(|| async { "alive" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(move || async move { recorder.map_or_else(String::new, |recorder| recorder.render()) }));
    let task = tokio::spawn(async move {
        let stop = async move {
            let _ended = stopped.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the admin listener ended");
        }
    });
    Ok((address, task))
}
