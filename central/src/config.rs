//! Configuration: `--config FILE` (TOML), overridden by `GETIT_SECTION__KEY` (SPEC S11).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;

/// Fastest business clock: a day of business in less than a real second.
pub const MAX_SCALE: u32 = 100_000;
/// Sections that the environment may set; other programs share its `GETIT_` names.
const SECTIONS: [&str; 6] = ["http__", "database__", "clock__", "log__", "hubs__", "closing__"];

/// Everything central can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where keys and `address.json` live.
    pub data_dir: PathBuf,
    /// The HTTP API.
    #[serde(default)]
    pub http: Http,
    /// Postgres.
    pub database: Database,
    /// The business clock.
    #[serde(default)]
    pub clock: Clock,
    /// Logging.
    #[serde(default)]
    pub log: Log,
    /// What enrolling devices are told about hubs.
    #[serde(default)]
    pub hubs: Hubs,
    /// When devices may forget.
    #[serde(default)]
    pub closing: Closing,
}

/// Where the API listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Plain HTTP, for a proxy or a console on the same machine.
    pub listen: SocketAddr,
    /// HTTPS under the system's own authority: what devices enrol over.
    pub tls_listen: SocketAddr,
    /// Host names and addresses by which devices reach central, beside localhost. The first one is
    /// written into enrolment codes.
    pub names: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { listen: local(8080), tls_listen: local(8443), names: Vec::new() }
    }
}

/// Where the database is.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://user@host/name`; may hold a password, so it is never printed.
    pub url: String,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database(..)")
    }
}

/// The business clock; see [`crate::clock`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// Business milliseconds in a real one.
    pub scale: u32,
    /// Business time at the origin, ms since 1970; with `origin_real_ms` or not at all.
    pub origin_business_ms: Option<u64>,
    /// Real time at the origin, ms since 1970.
    pub origin_real_ms: Option<u64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { scale: 1, origin_business_ms: None, origin_real_ms: None }
    }
}

/// How to log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A level, or a filter such as `info,sqlx=warn`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For machines.
    Json,
    /// For people.
    Text,
}

/// When what is settled leaves the devices.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Closing {
    /// Days without a new record after which something settled is closed; 0 closes nothing.
    pub after_days: u32,
}

impl Default for Closing {
    fn default() -> Self {
        Self { after_days: 45 }
    }
}

/// The hubs of this system.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hubs {
    /// `host:port` of each, given to enrolling devices.
    pub addresses: Vec<String>,
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
const EXAMPLES: [(&str, &str); 13] = [
    ("data_dir", r#"data_dir = "/var/lib/getit/central" (or GETIT_DATA_DIR)"#),
    ("http.listen", r#"[http] listen = "127.0.0.1:8080""#),
    ("http.tls_listen", r#"[http] tls_listen = "127.0.0.1:8443""#),
    ("http.names", r#"[http] names = ["central.example.org"]"#),
    ("database", r#"[database] url = "postgres:///getit?host=/run/postgresql" (or GETIT_DATABASE__URL)"#),
    ("clock.scale", "[clock] scale = 1"),
    ("clock.origin_business_ms", "[clock] origin_business_ms = 1763776800000"),
    ("clock.origin_real_ms", "[clock] origin_real_ms = 1763776800000"),
    ("log.level", r#"[log] level = "info""#),
    ("log.format", r#"[log] format = "json" (or "text")"#),
    ("hubs.addresses", r#"[hubs] addresses = ["127.0.0.1:7443"]"#),
    ("closing.after_days", "[closing] after_days = 45 (0 closes nothing)"),
    ("", r#"data_dir = "/var/lib/getit/central" and [database] url = "postgres:///getit""#),
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
        for address in &self.hubs.addresses {
            if !is_host_port(address) {
                return Err(wrong("hubs.addresses", "an address needs a host and a port".to_owned()));
            }
        }
        if self.http.names.iter().any(|name| name.is_empty() || name.contains([':', ',', '/', ' '])) {
            return Err(wrong("http.names", "a name is a host name or an IPv4 address, without port".to_owned()));
        }
        Ok(self)
    }
}

/// Whether `text` is `host:port`, with an IPv6 host in brackets: the form in enrolment codes.
#[must_use]
pub fn is_host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_ok = match bare {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains([':', ',', '/', ' ', '[', ']']),
    };
    host_ok && port.parse::<u16>().is_ok()
}

fn wrong(key: &str, problem: String) -> ConfigError {
    let example = EXAMPLES
        .iter()
        .find(|(known, _)| key == *known || (!known.is_empty() && key.starts_with(known)))
        .map_or(EXAMPLES[EXAMPLES.len() - 1].1, |(_, example)| *example);
    ConfigError { key: if key.is_empty() { "file".to_owned() } else { key.to_owned() }, problem, example }
}

fn read_error(error: &figment::Error) -> ConfigError {
    let mut path = error.path.clone();
    // Values are left out: a database URL may hold a password.
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
        Kind::UnknownVariant(_, known) => format!("it must be one of {}", known.join(", ")),
        Kind::Message(_) => "the value cannot be read".to_owned(),
        other => other.to_string(),
    };
    wrong(&path.join("."), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let file = std::env::temp_dir().join(format!("getit-config-{}-{:p}.toml", std::process::id(), text));
        std::fs::write(&file, text).unwrap();
        let loaded = Config::load(Some(&file));
        std::fs::remove_file(&file).unwrap();
        loaded
    }

    const GOOD: &str = "data_dir = \"/x\"\n[database]\nurl = \"postgres://secret@h/d\"\n";

    #[test]
    fn defaults_fill_what_is_left_out() {
        let config = load(GOOD).unwrap();
        assert_eq!(config.http.listen.port(), 8080);
        assert_eq!(config.http.tls_listen.port(), 8443);
        assert_eq!((config.clock.scale, config.log.format), (1, LogFormat::Json));
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn an_error_names_the_key_and_shows_how() {
        for (text, key) in [
            ("data_dir = \"/x\"\n", "database"),
            ("[database]\nurl = \"u\"\n", "data_dir"),
            (&format!("{GOOD}[http]\nlisten = \"eighty\"\n"), "http.listen"),
            (&format!("{GOOD}[http]\nlistn = \"127.0.0.1:1\"\n"), "http.listn"),
            (&format!("{GOOD}[clock]\nscale = 0\n"), "clock.scale"),
            (&format!("{GOOD}[clock]\nscale = 60\n"), "clock.origin_real_ms"),
            (&format!("{GOOD}[log]\nformat = \"xml\"\n"), "log.format"),
            (&format!("{GOOD}[closing]\nafter_days = -1\n"), "closing.after_days"),
            (&format!("{GOOD}[hubs]\naddresses = [\"nowhere\"]\n"), "hubs.addresses"),
        ] {
            let error = load(text).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert!(!error.example.is_empty() && !error.to_string().contains("secret"));
        }
        assert!(Config::load(Some(Path::new("/no/such/file"))).is_err());
    }
}
