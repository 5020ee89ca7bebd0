//! Accepts edges over QUIC, runs their sessions, and stores through central's library.
//!
//! A hub keeps nothing of its own but sketches that it can make anew: any number of them may run on one
//! Postgres. What one takes in, the others learn from the log's notifications.

pub mod admin;
mod admission;
pub mod config;
pub mod identity;
pub mod import;
mod moves;
mod seats;
mod session;
mod sketches;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use central::clock::Clock;
use central::intake::{ClerkKey, Intake};
use central::store::{self, Pool};
use protocol::stamp::Stamp;
use protocol_quic::{Incoming, QuicEndpoint};
use tokio::sync::watch;

use crate::admission::Admission;
use crate::config::Config;
use crate::identity::Identity;
use crate::moves::Moves;
use crate::seats::Seats;
use crate::sketches::Sketches;

/// Connections to Postgres: the intake's one, the others read pages.
const DB_CONNECTIONS: u32 = 8;

/// What all sessions of a hub share.
pub(crate) struct Hub {
    pool: Pool,
    intake: Intake,
    seats: Seats,
    sketches: Sketches,
    admission: Arc<Admission>,
}

impl Hub {
    async fn open(config: &Config, identity: &Identity) -> anyhow::Result<Self> {
        let pool = store::connect(&config.database.url, DB_CONNECTIONS).await?;
        store::migrate(&pool).await?;
        let clock = Clock::new(&config.clock);
        let key = central::authority::author_key(&config.central_dir)?;
        let author = identity::author_certificate(&config.central_dir, identity)?.author();
        // A batch takes its time from the stamp and no entropy: without entropy it still works.
        let stamp = move || clock.stamp().unwrap_or_else(|_| Stamp { now_ms: clock.now_ms(), entropy: [0; 32] });
        let intake = Intake::start(pool.clone(), ClerkKey { key, author }, Arc::new(stamp));
        let admission = Admission::new(config.quic.sessions);
        Ok(Self { pool, intake, seats: Seats::new(identity.authority_key()?), sketches: Sketches::new(), admission })
    }
}

/// A hub that runs.
pub struct Running {
    /// Where devices connect.
    pub quic: SocketAddr,
    /// Where operators look.
    pub admin: SocketAddr,
    endpoint: QuicEndpoint,
    admission: Arc<Admission>,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Running {
    /// Connections that found no room since the start.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.admission.turned_away()
    }

    /// Ends sessions and waits for the tasks.
    pub async fn stop(self) {
        // Receivers that are gone have stopped already.
        let _gone = self.stop.send(true);
        self.endpoint.close(0u32.into(), b"the hub is stopping");
        for task in self.tasks {
            let _ended = task.await;
        }
        self.endpoint.wait_idle().await;
    }
}

/// Starts a hub: everything, in order.
///
/// # Errors
/// What cannot be opened, with what to do about it.
pub async fn start(config: &Config) -> anyhow::Result<Running> {
    let identity = Identity::load(&config.data_dir.join("identity.json"))?;
    let hub = Arc::new(Hub::open(config, &identity).await?);
    let (pool, admission) = (hub.pool.clone(), Arc::clone(&hub.admission));
    let endpoint = protocol_quic::listen(config.quic.listen, &identity.quic()?)?;
    let quic = endpoint.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let moves = Moves::new();
    let (admin, admin_task) = admin::serve(config.http.listen, pool.clone(), stopped.clone()).await?;
    let tasks = vec![
        admin_task,
        tokio::spawn(moves::follow(pool, moves.clone(), stopped.clone())),
        tokio::spawn(accept_all(endpoint.clone(), hub, moves, stopped)),
    ];
    Ok(Running { quic, admin, endpoint, admission, stop, tasks })
}

/// Writes where the hub listens, for those who started it.
///
/// # Errors
/// When the file cannot be written.
pub fn write_address(data_dir: &Path, running: &Running) -> std::io::Result<()> {
    let text = serde_json::json!({ "quic": running.quic.to_string(), "http": running.admin.to_string() }).to_string();
    let part = data_dir.join("address.json.part");
    std::fs::write(&part, text)?;
    std::fs::rename(part, data_dir.join("address.json"))
}

async fn accept_all(endpoint: QuicEndpoint, hub: Arc<Hub>, moves: Moves, mut stopped: watch::Receiver<bool>) {
    loop {
        let incoming: Incoming = tokio::select! {
            incoming = endpoint.accept() => match incoming { Some(incoming) => incoming, None => return },
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let Some((permit, incoming)) = hub.admission.admit(incoming) else { continue };
        let (hub, moves) = (Arc::clone(&hub), moves.listen());
        tokio::spawn(async move {
            session::serve(&hub, incoming, moves).await;
            drop(permit);
        });
    }
}
