//! Configuration of the daemon: `--config FILE` (TOML), overridden by `GETIT_SECTION__KEY` (SPEC S11).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;

use crate::clock::BusinessClock;
use crate::lan::Lan;

/// Fastest business clock: a day of business in less than a real second.
pub const MAX_SCALE: u32 = 100_000;
/// Sections that the environment may set; other programs share its `GETIT_` names.
const SECTIONS: [&str; 5] = ["http__", "quic__", "lan__", "clock__", "log__"];

/// Everything the daemon can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the database, the keys and `address.json` live.
    pub data_dir: PathBuf,
    /// The loopback API.
    #[serde(default)]
    pub http: Http,
    /// The way to the hubs.
    #[serde(default)]
    pub quic: Quic,
    /// Devices near by.
    #[serde(default)]
    pub lan: Lan,
    /// The business clock.
    #[serde(default)]
    pub clock: BusinessClock,
    /// Logging.
    #[serde(default)]
    pub log: Log,
}

/// Where the loopback API listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// An address of this machine's loopback; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7081)) }
    }
}

/// The way to the hubs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quic {
    /// `host:port` of hubs, instead of those that enrolment brought.
    pub hubs: Vec<String>,
    /// Longest wait between tries to reach a hub, real milliseconds.
    pub backoff_most_ms: u64,
    /// The line costs by the byte: facts go, pictures wait.
    pub metered: bool,
}

impl Default for Quic {
    fn default() -> Self {
        Self { hubs: Vec::new(), backoff_most_ms: 30_000, metered: false }
    }
}

/// How to log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A level, or a filter such as `info,edge_node=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned() }
    }
}

/// What is wrong with the configuration, and how to write it.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {key}: {problem}. Write it like {example}")]
pub struct ConfigError {
    /// The key, dotted.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
    /// A line that works.
    pub example: &'static str,
}

/// An example of each key, for errors.
const EXAMPLES: [(&str, &str); 10] = [
    ("data_dir", r#"data_dir = "/var/lib/getit/kiosk" (or GETIT_DATA_DIR)"#),
    ("http", r#"[http] listen = "127.0.0.1:7081" (or GETIT_HTTP__LISTEN)"#),
    ("quic", r#"[quic] hubs = ["hub.example.org:7443"]"#),
    ("lan", r#"[lan] listen = "0.0.0.0:7444", discover = true, relays = ["192.168.1.10:7444"]"#),
    ("clock.scale", "[clock] scale = 1"),
    ("clock.origin_business_ms", "[clock] origin_business_ms = 1763776800000"),
    ("clock.origin_real_ms", "[clock] origin_real_ms = 1763776800000"),
    ("clock.offset_ms", "[clock] offset_ms = 0"),
    ("log", r#"[log] level = "info" (or GETIT_LOG__LEVEL)"#),
    ("", r#"data_dir = "/var/lib/getit/kiosk""#),
];

impl Config {
    /// Reads `file`, if one is given, then the environment.
    ///
    /// # Errors
    /// The first key that is missing, unknown, of a wrong type or out of range.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(wrong("", format!("{} is not a file", file.display())));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let ours = |key: &figment::value::UncasedStr| {
            let key = key.as_str().to_ascii_lowercase();
            key == "data_dir" || SECTIONS.iter().any(|section| key.starts_with(section))
        };
        let figment = figment.merge(Env::prefixed("GETIT_").filter(ours).split("__"));
        figment.extract::<Self>().map_err(|error| read_error(&error))?.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let clock = &self.clock;
        if clock.scale == 0 || clock.scale > MAX_SCALE {
            return Err(wrong("clock.scale", format!("{} is not from 1 to {MAX_SCALE}", clock.scale)));
        }
        if clock.origin_business_ms.is_some() != clock.origin_real_ms.is_some() {
            let missing =
                if clock.origin_real_ms.is_none() { "clock.origin_real_ms" } else { "clock.origin_business_ms" };
            return Err(wrong(missing, "both origins are needed, or none".to_owned()));
        }
        if clock.scale != 1 && clock.origin_real_ms.is_none() {
            return Err(wrong("clock.origin_real_ms", "a scale needs the moment from which it runs".to_owned()));
        }
        // Whoever reaches the API can record in the seat's name: it must not leave the machine.
        if !self.http.listen.ip().is_loopback() {
            return Err(wrong("http.listen", "only an address of the loopback is allowed".to_owned()));
        }
        let bad = |hub: &&String| hub.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err());
        if let Some(hub) = self.quic.hubs.iter().find(bad) {
            return Err(wrong("quic.hubs", format!("{hub:?} is not host:port")));
        }
        Ok(self)
    }
}

fn wrong(key: &str, problem: String) -> ConfigError {
    let known = |known: &str| key == known || (!known.is_empty() && key.starts_with(known));
    let example = EXAMPLES.iter().find(|(prefix, _)| known(prefix)).unwrap_or(&EXAMPLES[EXAMPLES.len() - 1]).1;
    ConfigError { key: if key.is_empty() { "file".to_owned() } else { key.to_owned() }, problem, example }
}

fn read_error(error: &figment::Error) -> ConfigError {
    let mut path = error.path.clone();
    let problem = match &error.kind {
        Kind::MissingField(field) => {
            path.push(field.to_string());
            "it is missing".to_owned()
        }
        Kind::UnknownField(field, known) => {
            if path.last() != Some(field) {
                path.push(field.clone());
            }
            format!("there is no such key; known are {}", known.join(", "))
        }
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("it must be {expected}"),
        Kind::Message(_) => "the value cannot be read".to_owned(),
        other => other.to_string(),
    };
    wrong(&path.join("."), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(Some(&file))
    }

    #[test]
    fn defaults_fill_what_is_left_out() {
        let config = load("data_dir = \"/x\"\n").unwrap();
        assert_eq!((config.http.listen.port(), config.clock.scale, config.quic.hubs.len()), (7081, 1, 0));
    }

    #[test]
    fn an_error_names_the_key_and_shows_how() {
        for (text, key) in [
            ("", "data_dir"),
            ("data_dir = \"/x\"\n[http]\nlisten = \"80\"\n", "http.listen"),
            ("data_dir = \"/x\"\n[http]\nlisten = \"0.0.0.0:80\"\n", "http.listen"),
            ("data_dir = \"/x\"\n[http]\nlistn = \"127.0.0.1:1\"\n", "http.listn"),
            ("data_dir = \"/x\"\n[clock]\nscale = 0\n", "clock.scale"),
            ("data_dir = \"/x\"\n[clock]\nscale = 60\n", "clock.origin_real_ms"),
            ("data_dir = \"/x\"\n[quic]\nhubs = [\"nowhere\"]\n", "quic.hubs"),
        ] {
            let error = load(text).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert!(!error.example.is_empty());
        }
        assert!(Config::load(Some(Path::new("/no/such/file"))).is_err());
    }
}
