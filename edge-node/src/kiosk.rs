//! The kiosk: a page for the counter and the loopback API it calls. Programs call the same API with one
//! bearer token, made at the first start, readable by the owner of the process only. How the page gets
//! in without that token, and what keeps other pages out, is said in `kiosk/session.rs`.

pub mod ask;
mod bundle;
mod commands;
mod page;
mod problem;
mod proofs;
mod search;
mod session;
mod site;
mod status;
mod views;
mod window;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use axum::{Router, serve};
use data_encoding::HEXLOWER;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::node::{Node, NodeError, random};
use crate::proof::MAX_PICTURE_BYTES;
use crate::store::{StoreError, write_secret};
use problem::Problem;

/// Largest request: a dispatch of 32 parcels takes 1.5 KiB, a count with all notes 3 KiB.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Largest bundle that is taken; see [`protocol::bundle`].
const MAX_BUNDLE_BYTES: usize = protocol::bundle::MAX_BYTES;
const TOKEN_FILE: &str = "api.token";

#[derive(Clone)]
struct Api {
    node: Arc<Node>,
    token: Arc<str>,
    /// Where it listens: part of what a browser must call it by.
    address: SocketAddr,
    links: Arc<session::Links>,
    till: Arc<window::Till>,
}

impl Api {
    /// Whether `host` is a name of this server: its address, or `localhost`, with its port.
    fn is_own_name(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else { return false };
        port.parse() == Ok(self.address.port())
            && (name == "localhost" || name.trim_matches(['[', ']']).parse() == Ok(self.address.ip()))
    }
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
    let address = listener.local_addr()?;
    let api = Api { node, token: token.into(), address, links: Arc::default(), till: Arc::default() };
    let ended = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    serve(listener, router(api)).with_graceful_shutdown(ended).await
}

fn router(api: Api) -> Router {
    let programs = Router::new()
        .route("/api/v1/session/link", post(session::link))
        .route_layer(middleware::from_fn_with_state(api.clone(), session::programs_only));
    let bundles = Router::new()
        .route("/api/v1/bundle", get(bundle::export).post(bundle::import))
        .layer(DefaultBodyLimit::max(MAX_BUNDLE_BYTES));
    let proofs =
        Router::new().route("/api/v1/proofs", post(proofs::keep)).layer(DefaultBodyLimit::max(MAX_PICTURE_BYTES + 1));
    let guarded = Router::new()
        .route("/api/v1/commands", post(commands::record))
        .route("/api/v1/handover/code", post(commands::try_code))
        .route("/api/v1/receipts/{act}", get(commands::receipt))
        .route("/api/v1/receipts/{act}/text", get(site::receipt))
        .route("/api/v1/parcels", get(views::parcels))
        .route("/api/v1/handins", get(views::handins))
        .route("/api/v1/earnings", get(views::earnings))
        .route("/api/v1/search", post(search::search))
        .route("/api/v1/status", get(status::status))
        .route("/api/v1/waiting_acts", get(site::waiting))
        .route("/api/v1/window", post(window::hold))
        .route("/api/v1/window/close", post(window::leave))
        .route("/api/v1/site/home", get(site::home))
        .route("/api/v1/site/parcels", get(site::parcels))
        .route("/api/v1/site/parcels/{parcel}", get(site::parcel))
        .route("/api/v1/site/scan", post(site::scan))
        .route("/api/v1/site/agents", get(site::agents))
        .route("/api/v1/site/handins", get(site::offers))
        .route("/api/v1/site/handins/{handin}", get(site::counted))
        .route("/api/v1/site/handins/{handin}/slip", get(site::slip))
        .route("/api/v1/site/slips", post(site::take_slip))
        .route("/api/v1/site/till", get(site::till))
        .merge(programs)
        .merge(bundles)
        .merge(proofs)
        .route_layer(middleware::from_fn_with_state(api.clone(), session::authorise));
    Router::new()
        .merge(guarded)
        .route("/api/v1/session", post(session::open))
        .route("/", get(page::file))
        .route("/index.html", get(page::file))
        .route("/assets/{*path}", get(page::file))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(api.clone(), session::own_name))
        .layer(middleware::from_fn(page::guard))
        .with_state(api)
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
