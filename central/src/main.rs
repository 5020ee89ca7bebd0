//! Entry of the process: `central run|token|new-log|verify-log|rebuild|restate`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use central::authority::Authority;
use central::config::{Config, Log, LogFormat};
use central::restate::{self, Restated};
use central::seal::Why;
use central::{http, rebuild, store, tokens};
use clap::{Parser, Subcommand};
use protocol::fold::RULES;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Connections of a command that is not the server.
const FEW_CONNECTIONS: u32 = 2;
/// How often the server looks whether a listener ended by itself.
const WATCH: Duration = Duration::from_secs(1);

#[derive(Parser)]
#[command(version, about = "GetIt central: the books, the HTTP API and the certificate authority")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT.
    Run(Settings),
    /// Mint a bearer token and print it, once.
    Token {
        /// Whom it speaks for.
        #[arg(long)]
        role: tokens::Role,
        /// The vendor's slug; with the role vendor, and only with it.
        #[arg(long)]
        vendor: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Make a hub's identity file (mode 0600): its certificate and key.
    HubIdentity {
        /// Where to write it: `identity.json` in the hub's data folder.
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// After a restore: begin a new log, so that every device compares from the start.
    NewLog(Settings),
    /// Recompute the hash chain of the journal log, and check the seals of days and months.
    VerifyLog(Settings),
    /// Drop every projection and build it again.
    Rebuild(Settings),
    /// After an update whose rules for facts changed: fold everything by them, and post what differs.
    Restate {
        /// Say what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(clap::Args)]
struct Settings {
    /// TOML file; `GETIT_SECTION__KEY` overrides it.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match work(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Before logging is set up there is no other place to say it.
            drop(writeln!(std::io::stderr(), "central: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn work(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(settings) => run(settings.load()?).await,
        Command::Token { role, vendor, settings } => {
            let is_vendor = role == tokens::Role::Vendor;
            anyhow::ensure!(is_vendor == vendor.is_some(), "--role vendor and --vendor SLUG go together");
            let pool = open(&settings).await?;
            let token = match vendor {
                Some(slug) => tokens::mint_for_vendor(&pool, &slug).await?,
                None => tokens::mint(&pool, role).await?,
            };
            Ok(writeln!(std::io::stdout(), "{token}")?)
        }
        Command::HubIdentity { out, settings } => {
            let config = settings.load()?;
            Ok(Authority::open(&config.data_dir)?.write_hub_identity(&out)?)
        }
        Command::NewLog(settings) => {
            rebuild::new_log(&open(&settings).await?).await?;
            Ok(writeln!(std::io::stdout(), "a new log has begun: devices compare from the start")?)
        }
        Command::VerifyLog(settings) => verify_log(&settings).await,
        Command::Rebuild(settings) => rebuild_all(&settings).await,
        Command::Restate { dry_run, settings } => restate_all(&settings, dry_run).await,
    }
}

impl Settings {
    fn load(&self) -> anyhow::Result<Config> {
        let config = Config::load(self.config.as_deref())?;
        log(&config.log)?;
        Ok(config)
    }
}

async fn open(settings: &Settings) -> anyhow::Result<sqlx::PgPool> {
    let pool = store::connect(&settings.load()?.database.url, FEW_CONNECTIONS).await?;
    store::migrate(&pool).await?;
    Ok(pool)
}

async fn run(config: Config) -> anyhow::Result<()> {
    // Before serving: a signal during the start must not be lost.
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let running = http::serve(config).await?;
    let mut watch = tokio::time::interval(WATCH);
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = watch.tick() => if running.is_broken() { break },
        }
    }
    tracing::info!("stopping");
    running.stop().await
}

/// Says what was found; fails when the books are not what was posted.
async fn verify_log(settings: &Settings) -> anyhow::Result<()> {
    let report = rebuild::verify_log(&open(settings).await?).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{} journals read", report.journals)?;
    if let Some(changed) = &report.first_changed {
        let (rule, subject, cause) = (&changed.rule, changed.subject, changed.cause);
        writeln!(out, "row {} was changed: {rule} of {subject}, cause {cause}", changed.position)?;
    }
    if let Some(broken) = &report.broken_seal {
        let what = match broken.why {
            Why::Signature => "is not what central signed".to_owned(),
            Why::Missing => "is not there".to_owned(),
            Why::Totals => "was set over another trial balance".to_owned(),
            Why::Log => {
                format!("does not fit: a row from {} to {} was changed", broken.sound_upto + 1, broken.position)
            }
        };
        writeln!(out, "the seal of {} {what}", broken.name)?;
    }
    for subject in &report.unequal {
        writeln!(out, "{subject}: its journals are not what its facts come to")?;
    }
    for position in &report.without_journal {
        writeln!(out, "no journal is at {position}, and postings are")?;
    }
    anyhow::ensure!(report.is_sound(), "the journal log is not sound: restore it from a backup, then verify again");
    Ok(writeln!(out, "the journal log is sound")?)
}

/// Rebuilds, and says of every projection whether it had been right.
async fn rebuild_all(settings: &Settings) -> anyhow::Result<()> {
    let pool = open(settings).await?;
    let before = rebuild::digest(&pool).await?;
    rebuild::rebuild(&pool).await?;
    let mut out = std::io::stdout();
    for ((table, rows, now), (_, _, was)) in rebuild::digest(&pool).await?.iter().zip(&before) {
        let word = if now == was { "equal" } else { "healed" };
        writeln!(out, "{table}: {rows} rows, {word}")?;
    }
    Ok(())
}

/// Restates, or says what it would do: a line for each subject, and what moves on which account.
async fn restate_all(settings: &Settings, dry_run: bool) -> anyhow::Result<()> {
    let config = settings.load()?;
    let pool = store::connect(&config.database.url, FEW_CONNECTIONS).await?;
    store::migrate(&pool).await?;
    let (before, mut out) = (restate::folded_by(&pool).await?, std::io::stdout());
    let Restated { subjects, changed, moved } = match dry_run {
        true => restate::plan(&pool).await?,
        false => restate::restate(&pool, &http::intake(&pool, &config).await?).await?,
    };
    for of in &changed {
        let (back, posted) = (of.taken_back.join(" "), of.posted.join(" "));
        let contested = if of.contested { ", contested" } else { "" };
        writeln!(out, "{}: taken back [{back}], posted [{posted}]{contested}", of.subject)?;
    }
    for (code, sum) in &moved {
        writeln!(out, "{} {}: {sum}", *code as u16, code.title())?;
    }
    let done = if dry_run { "would change" } else { "changed" };
    Ok(writeln!(out, "rules {before} to {RULES}: {} of {subjects} subjects {done}", changed.len())?)
}

/// Logs go to stderr: stdout is for what a command answers.
fn log(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| anyhow::anyhow!("configuration: log.level: {error}. Write it like [log] level = \"info\""))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.init(),
    }
    Ok(())
}
