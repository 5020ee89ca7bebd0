//! Configuration: `--config FILE` (TOML), overridden by `GETIT_SECTION__KEY`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use central::config::{Clock, Database, Log};
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;

/// What a hub needs to know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Holds `identity.json`; `address.json` is written here.
    pub data_dir: PathBuf,
    /// Central's data folder: `author.key` and `author.cert` are read from it.
    pub central_dir: PathBuf,
    /// Where devices connect.
    #[serde(default)]
    pub quic: Quic,
    /// Where operators look.
    #[serde(default)]
    pub http: Http,
    /// Postgres.
    pub database: Database,
    /// The business clock; the same for central and all hubs.
    #[serde(default)]
    pub clock: Clock,
    /// The log.
    #[serde(default)]
    pub log: Log,
}

/// The QUIC listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quic {
    /// UDP address.
    pub listen: SocketAddr,
}

impl Default for Quic {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 7443)) }
    }
}

/// The admin listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// TCP address; loopback, for it has no sign-in.
    pub listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7444)) }
    }
}

impl Config {
    /// Reads `file`, then the environment.
    ///
    /// # Errors
    /// The key that is wrong, and an example.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        let environment = Env::prefixed("GETIT_").filter(|key| key.as_str().contains("__")).split("__");
        let figment = Figment::new().merge(Toml::file_exact(file)).merge(environment);
        figment.extract().with_context(|| {
            format!(
                "{}: write for example data_dir = \"/var/lib/getit/hub-1\", central_dir = \"/var/lib/getit/central\", \
                 [quic] listen = \"0.0.0.0:7443\", [database] url = \"postgres:///getit?host=/run/postgresql\"",
                file.display()
            )
        })
    }
}
