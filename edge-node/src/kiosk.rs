//! The loopback API of a kiosk: what its page and the demo call. One bearer token, made at the first
//! start, readable by the owner of the process only.

mod commands;
mod problem;
mod search;
mod status;
mod views;

use std::path::Path;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, serve};
use data_encoding::HEXLOWER;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::node::{Node, NodeError, random};
use crate::store::{StoreError, write_secret};
use problem::Problem;

/// Largest request: a dispatch of 32 parcels takes 1.5 KiB, a count with all notes 3 KiB.
const MAX_BODY_BYTES: usize = 64 * 1024;
const TOKEN_FILE: &str = "api.token";

#[derive(Clone)]
struct Api {
    node: Arc<Node>,
    token: Arc<str>,
}

/// The token of `dir`; made at the first start.
///
/// # Errors
/// Disk and entropy.
pub fn token(dir: &Path) -> Result<String, NodeError> {
    let path = dir.join(TOKEN_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => new_token(&path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => new_token(&path),
        Err(source) => Err(StoreError::Io { path, source }.into()),
    }
}

fn new_token(path: &Path) -> Result<String, NodeError> {
    let token = HEXLOWER.encode(&random::<32>()?);
    write_secret(path, &token)?;
    Ok(token)
}

/// Serves the API until `stop` turns true; requests under way are finished.
///
/// # Errors
/// The listener.
pub async fn run(
    node: Arc<Node>,
    token: String,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let api = Api { node, token: token.into() };
    let ended = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    serve(listener, router(api)).with_graceful_shutdown(ended).await
}

fn router(api: Api) -> Router {
    let guarded = Router::new()
        .route("/api/v1/commands", post(commands::record))
        .route("/api/v1/receipts/{act}", get(commands::receipt))
        .route("/api/v1/parcels", get(views::parcels))
        .route("/api/v1/handins", get(views::handins))
        .route("/api/v1/earnings", get(views::earnings))
        .route("/api/v1/search", post(search::search))
        .route("/api/v1/status", get(status::status))
        .route_layer(middleware::from_fn_with_state(api.clone(), authorise));
    Router::new()
        .merge(guarded)
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(api)
}

async fn authorise(State(api): State<Api>, request: Request, next: Next) -> Result<Response, Problem> {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    // Hashes are compared, so that the time says nothing about the token.
    if blake3::hash(given.as_bytes()) != blake3::hash(api.token.as_bytes()) {
        return Err(Problem::unauthorised());
    }
    Ok(next.run(request).await)
}

/// Runs database work beside the async workers.
async fn blocking<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&Node) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let node = Arc::clone(&api.node);
    tokio::task::spawn_blocking(move || work(&node)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request failed");
        Err(Problem::machinery())
    })
}
