//! What a bench stands on: real central, Postgres and one sync-hub in this process, and devices that enrolled.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use central::authority::Authority;
use central::config::{Clock, Closing, Config, Database, Http, Hubs, Log};
use central::tokens::{self, Role};
use edge_node::{BusinessClock, Node};
use protocol_quic::Identity;
use serde_json::Value;

use crate::postgres::Cluster;

/// Central and a hub, both serving.
pub struct Ground {
    /// Central.
    pub central: central::http::Running,
    /// The hub.
    pub hub: sync_hub::Running,
    folder: PathBuf,
    client: reqwest::Client,
    token: String,
}

impl Ground {
    /// Starts both over a database of their own.
    ///
    /// # Errors
    /// Postgres, sockets, disk.
    pub async fn start(cluster: &Cluster, folder: &Path) -> anyhow::Result<Self> {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let (url, pool) = cluster.fresh_database().await?;
        pool.close().await;
        let any: SocketAddr = "127.0.0.1:0".parse()?;
        let central_dir = folder.join("central");
        std::fs::create_dir_all(&central_dir)?;
        let central = central::http::serve(Config {
            data_dir: central_dir.clone(),
            http: Http { listen: any, tls_listen: any, names: Vec::new() },
            database: Database { url: url.clone() },
            clock: Clock::default(),
            log: Log::default(),
            hubs: Hubs { addresses: vec!["127.0.0.1:7443".to_owned()] },
            closing: Closing::default(),
        })
        .await?;
        let token = tokens::mint(&central.pool, Role::Operations).await?;
        let hub_dir = folder.join("hub");
        std::fs::create_dir_all(&hub_dir)?;
        Authority::open(&central_dir)?.write_hub_identity(&hub_dir.join("identity.json"))?;
        let hub = sync_hub::start(&sync_hub::config::Config {
            data_dir: hub_dir,
            central_dir,
            quic: sync_hub::config::Quic { listen: any, ..Default::default() },
            http: sync_hub::config::Http { listen: any },
            database: Database { url },
            clock: Clock::default(),
            log: Log::default(),
        })
        .await?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { central, hub, folder: folder.to_owned(), client, token })
    }

    /// Asks central as operations.
    ///
    /// # Errors
    /// What central refuses.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("http://{}/api/v1{path}", self.central.http);
        let answer = self.client.post(url).bearer_auth(&self.token).json(body).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Enrols a device; its data folder.
    ///
    /// # Errors
    /// What central refuses.
    pub async fn enrol(&self, name: &str, request: &Value) -> anyhow::Result<PathBuf> {
        let made = self.post("/devices/codes", request).await?;
        let dir = self.folder.join(name);
        edge_node::enrol::enrol(made["code"].as_str().context("a code")?, &dir, name).await?;
        Ok(dir)
    }

    /// Stops both.
    ///
    /// # Errors
    /// A task that failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.hub.stop().await;
        self.central.stop().await?;
        Ok(())
    }
}

/// Opens a device's data folder.
///
/// # Errors
/// The database.
pub fn open(dir: &Path) -> anyhow::Result<Arc<Node>> {
    Ok(Arc::new(Node::open(dir, BusinessClock::default())?))
}

/// What a device shows a hub.
#[must_use]
pub fn identity_of(node: &Node) -> Identity {
    let own = node.identity();
    Identity { authority: own.ca.clone(), certificate: own.x509.clone(), key: own.key.to_bytes() }
}
