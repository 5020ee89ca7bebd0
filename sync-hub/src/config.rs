//! Configuration: `--config FILE` (TOML), overridden by `GETIT_SECTION__KEY`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

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
    /// Sessions at once; who comes beyond them is told when to come again. Each takes about 50 kB when at rest, and
    /// up to 1.3 MB when its device fills every window.
    pub sessions: usize,
}

impl Default for Quic {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 7443)), sessions: 4_096 }
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
    /// The key that is wrong, and an example. Values are never repeated: a URL may hold a password.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(file.is_file(), "--config: {} is not a file", file.display());
        let ours = |key: &figment::value::UncasedStr| {
            let key = key.as_str().to_ascii_lowercase();
            ["data_dir", "central_dir"].contains(&key.as_str())
                || SECTIONS.iter().any(|section| key.starts_with(section))
        };
        let environment = Env::prefixed("GETIT_").filter(ours).split("__");
        let figment = Figment::new().merge(Toml::file_exact(file)).merge(environment);
        let config: Self = figment.extract().map_err(|error| wrong(&error))?;
        anyhow::ensure!(config.clock.scale > 0, "configuration: clock.scale: it is 0. Write it like [clock] scale = 1");
        anyhow::ensure!(
            (1..=1_000_000).contains(&config.quic.sessions),
            "configuration: quic.sessions: it is not between 1 and 1000000. Write it like [quic] sessions = 4096"
        );
        Ok(config)
    }
}

/// Sections that the environment may set; other programs share its `GETIT_` names.
const SECTIONS: [&str; 5] = ["quic__", "http__", "database__", "clock__", "log__"];

/// An example of each key.
const EXAMPLES: [(&str, &str); 7] = [
    ("data_dir", r#"data_dir = "/var/lib/getit/hub-1""#),
    ("central_dir", r#"central_dir = "/var/lib/getit/central""#),
    ("quic", r#"[quic] listen = "0.0.0.0:7443""#),
    ("http", r#"[http] listen = "127.0.0.1:7444""#),
    ("database", r#"[database] url = "postgres:///getit?host=/run/postgresql""#),
    ("clock", "[clock] scale = 1"),
    ("log", r#"[log] level = "info""#),
];

fn wrong(error: &figment::Error) -> anyhow::Error {
    use figment::error::Kind;
    let mut path = error.path.clone();
    let problem = match &error.kind {
        Kind::MissingField(field) => {
            path.push(field.to_string());
            "it is missing"
        }
        Kind::UnknownField(field, _) => {
            path.push(field.clone());
            "there is no such key"
        }
        _ => "its value is not of the kind that is wanted",
    };
    let key = path.join(".");
    let example =
        EXAMPLES.iter().find(|(known, _)| key.starts_with(known)).map_or(EXAMPLES[0].1, |(_, example)| *example);
    anyhow::anyhow!("configuration: {key}: {problem}. Write it like {example}")
}
