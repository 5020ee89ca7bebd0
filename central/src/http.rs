//! The HTTP API under `/api/v1`: starting it, its routes, stopping it.
//!
//! Two listeners serve one router; enrolment answers over TLS only, because the code in its body is
//! worth a seat. Reading order: [`Running`], the operations below, `operation` (a route and what the document says of
//! it), `door` (what every request passes), then the handlers, one file a noun.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use protocol::fold::RULES;
use protocol::seat::Certificate;
use protocol::stamp::Stamp;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::authority::Authority;
use crate::clock::Clock;
use crate::closing;
use crate::config::Config;
use crate::documents;
use crate::intake::{ClerkKey, Intake};
use crate::restate;
use crate::store;
use crate::tokens::Role;

mod banking;
mod clearings;
mod console;
mod couriers;
mod csv;
mod devices;
mod document;
mod door;
mod entries;
mod error;
mod extract;
mod finance;
mod health;
mod market;
mod operation;
mod orders;
mod overview;
mod payments;
mod payouts;
mod periods;
mod proofs;
mod receipts;
mod returns;
mod rulings;
mod statements;
mod vendors;

use door::MAX_IN_WORK;
use operation::Operation;

/// Largest body of a request: an order of 64 lines is a tenth of it.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Largest body of an offer list: 1,000 offers with names in two scripts.
const MAX_OFFERS_BYTES: usize = 1024 * 1024;
/// Connections to Postgres: two for each core it has, on the machines of the first years, and one for
/// the intake.
const POOL: u32 = 16;
/// Longest wait for the head of a request, against callers that send a byte a minute.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for requests in work when stopping.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What handlers share.
pub(crate) struct App {
    pub(crate) pool: PgPool,
    pub(crate) intake: Intake,
    /// What central signs with.
    pub(crate) clerk: ClerkKey,
    pub(crate) clock: Clock,
    pub(crate) authority: Authority,
    /// Central's own certificate, encoded.
    pub(crate) certificate: Vec<u8>,
    pub(crate) hubs: Vec<String>,
    /// `host:port` that enrolment codes name.
    pub(crate) public_https: String,
    pub(crate) in_work: Semaphore,
    pub(crate) failed_enrolments: devices::Attempts,
    pub(crate) metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// `/openapi.json`.
    pub(crate) openapi: String,
}

/// A central that serves.
pub struct Running {
    /// Where plain HTTP is served.
    pub http: SocketAddr,
    /// Where HTTPS is served.
    pub https: SocketAddr,
    /// SHA-256 of the root certificate, hex.
    pub ca_sha256: String,
    /// The door to the log, for sessions in the same process.
    pub intake: Intake,
    /// The database.
    pub pool: PgPool,
    handles: [Handle<SocketAddr>; 2],
    tasks: [JoinHandle<std::io::Result<()>>; 2],
    /// Brings offers up to date; ends with the listeners.
    documents: JoinHandle<()>,
}

impl Running {
    /// Stops taking requests, lets those in work finish, and returns.
    ///
    /// # Errors
    /// When a listener had failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.handles.iter().for_each(|handle| handle.graceful_shutdown(Some(STOP_TIMEOUT)));
        for task in self.tasks {
            task.await.context("a listener did not stop cleanly")??;
        }
        self.documents.abort();
        self.pool.close().await;
        Ok(())
    }

    /// Whether a listener ended by itself.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.tasks.iter().any(JoinHandle::is_finished)
    }
}

/// The door to the log, for a command that records beside a server or without one.
///
/// # Errors
/// When the database or the data folder cannot be used.
pub async fn intake(pool: &PgPool, config: &Config) -> anyhow::Result<Intake> {
    let clock = Clock::new(&config.clock);
    let (clerk, _) = clerk(pool, &Authority::open(&config.data_dir)?, config, clock).await?;
    Ok(Intake::start(pool.clone(), clerk, stamps(clock)))
}

async fn clerk(
    pool: &PgPool,
    authority: &Authority,
    config: &Config,
    clock: Clock,
) -> anyhow::Result<(ClerkKey, Certificate)> {
    let (key, certificate) = authority.author(&config.data_dir, clock.now_ms())?;
    store::open_author(pool, &certificate).await?;
    Ok((ClerkKey { key, author: certificate.author() }, certificate))
}

/// A batch takes its time from the stamp and no entropy: without entropy it still works.
fn stamps(clock: Clock) -> crate::intake::Clock {
    Arc::new(move || clock.stamp().unwrap_or_else(|_| Stamp { now_ms: clock.now_ms(), entropy: [0; 32] }))
}

/// Brings the schema up to date, opens the authority, and serves. Writes `DATA/address.json` when ready.
///
/// # Errors
/// When the database, the data folder or a port cannot be used; the message says which.
pub async fn serve(config: Config) -> anyhow::Result<Running> {
    let clock = Clock::new(&config.clock);
    // Whoever waits for the file must not read the addresses of a run before this one.
    match std::fs::remove_file(config.data_dir.join("address.json")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context("data_dir: address.json");
        }
        _ => {}
    }
    let pool = store::connect(&config.database.url, POOL).await?;
    store::migrate(&pool).await?;
    let authority = Authority::open(&config.data_dir)?;
    let (clerk, certificate) = clerk(&pool, &authority, &config, clock).await?;
    let folded_by = restate::folded_by(&pool).await?;
    if folded_by != RULES {
        tracing::warn!(
            folded_by,
            rules = RULES,
            "the books were folded by other rules: look at `central restate --dry-run`, then run `central restate`"
        );
    }
    let intake = Intake::start(pool.clone(), clerk.clone(), stamps(clock));

    drop(tokio::spawn(crate::placing::codes::make_boxes(pool.clone())));
    drop(tokio::spawn(closing::keep(pool.clone(), intake.clone(), clock, config.closing.after_days)));

    let plain = bind(config.http.listen).context("http.listen")?;
    let secure = bind(config.http.tls_listen).context("http.tls_listen")?;
    let (http, https) = (plain.local_addr()?, secure.local_addr()?);
    let tls = RustlsConfig::from_config(Arc::new(authority.server(&config.http.names)?));
    let name = config.http.names.first().cloned();
    let ca_sha256 = authority.ca_sha256();
    let app = Arc::new(App {
        pool: pool.clone(),
        intake: intake.clone(),
        clerk,
        clock,
        authority,
        certificate: certificate.encode(),
        hubs: config.hubs.addresses.clone(),
        public_https: format!("{}:{}", name.unwrap_or_else(|| reachable(https)), https.port()),
        in_work: Semaphore::new(MAX_IN_WORK),
        failed_enrolments: devices::Attempts::default(),
        metrics: health::recorder(),
        openapi: document::document(&operations(false)).to_string(),
    });

    let handles = [Handle::new(), Handle::new()];
    let mut plain = axum_server::from_tcp(plain)?.http1_only().handle(handles[0].clone());
    let mut secure = axum_server::from_tcp_rustls(secure, tls)?.http1_only().handle(handles[1].clone());
    plain.http_builder().http1().header_read_timeout(Some(HEAD_TIMEOUT));
    secure.http_builder().http1().header_read_timeout(Some(HEAD_TIMEOUT));
    let tasks = [
        tokio::spawn(plain.first_request_timeout(HEAD_TIMEOUT).serve(routes(&app, false).into_make_service())),
        tokio::spawn(secure.first_request_timeout(HEAD_TIMEOUT).serve(routes(&app, true).into_make_service())),
    ];
    for handle in &handles {
        handle.listening().await.context("a listener did not start")?;
    }
    write_addresses(&config, http, https)?;
    tracing::info!(%http, %https, "central serves");
    let documents = tokio::spawn(documents::follow(pool.clone()));
    Ok(Running { http, https, ca_sha256, intake, pool, handles, tasks, documents })
}

fn bind(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)
        .with_context(|| format!("{address} cannot be listened on: choose a free port, or 0"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The host by which devices reach a listener without a name: of one on all interfaces, this machine.
fn reachable(address: SocketAddr) -> String {
    match address {
        _ if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

/// Written whole, so that whoever waits for the file never reads half of it.
fn write_addresses(config: &Config, http: SocketAddr, https: SocketAddr) -> anyhow::Result<()> {
    let text = serde_json::json!({ "http": http.to_string(), "https": https.to_string() }).to_string();
    let (draft, path) = (config.data_dir.join("address.json.new"), config.data_dir.join("address.json"));
    std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, &path)).context("data_dir: address.json")
}

const CUSTOMER: &[Role] = &[Role::Customer];
const CUSTOMER_OR_JUDGES: &[Role] = &[Role::Customer, Role::Operations, Role::Finance];
const ORDERING: &[Role] = &[Role::Customer, Role::Operations];
const OPERATIONS: &[Role] = &[Role::Operations];
const FINANCE: &[Role] = &[Role::Finance];
const JUDGES: &[Role] = &[Role::Operations, Role::Finance];
const VENDOR: &[Role] = &[Role::Vendor];
const ANYBODY: &[Role] = &[Role::Customer, Role::Operations, Role::Finance, Role::Vendor];

/// Every route. Enrolment is described alike on both listeners, and served over TLS only.
fn operations(tls: bool) -> Vec<Operation> {
    let mut all = orders::operations();
    all.extend(market::operations());
    all.extend(devices::operations(tls));
    all.extend(vendors::operations());
    all.extend(finance::operations());
    all.extend(overview::operations());
    all.extend(payments::operations());
    all.extend(banking::operations());
    all.extend(payouts::operations());
    all.extend(rulings::operations());
    all.extend(clearings::operations());
    all.extend(entries::operations());
    all.extend(returns::operations());
    all.extend(couriers::operations());
    all.extend(statements::operations());
    all.extend(periods::operations());
    all.extend(health::operations());
    all.extend(proofs::operations());
    all.extend(receipts::operations());
    all.extend(document::operations());
    all
}

fn routes(app: &Arc<App>, tls: bool) -> Router {
    let (mut api, mut root) = (Router::new(), Router::new());
    for operation in operations(tls) {
        let router = if operation.is_api { &mut api } else { &mut root };
        // The only place where a route is added: what is not in the document is not served.
        *router = std::mem::take(router).route(operation.path, operation.route(app));
    }
    root.nest("/api/v1", api)
        .merge(console::routes())
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(app), door::bound))
        .with_state(Arc::clone(app))
}
