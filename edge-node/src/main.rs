//! The daemon behind every kiosk: enrols, runs, rebuilds.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};
use edge_node::config::Config;
use edge_node::kiosk::ask::Running;
use edge_node::{Node, enrol, kiosk, lan, sync};
use protocol::command::Command;
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::taka::Taka;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

#[derive(Parser)]
#[command(name = "edge-node", about = "A replica of GetIt: works with no network, sends when there is one")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Makes this installation a seat.
    Enrol {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
        /// What operations lists the device under.
        #[arg(long, default_value = "edge-node")]
        name: String,
        /// The code from operations: getit1:...
        code: String,
    },
    /// Runs until it is told to stop.
    Run {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Prints a link that opens the page of the running node once, in a browser of this machine.
    Open {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Writes what the running node holds into a file, for a place that no network reaches.
    Export {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
        /// The file; it may not exist.
        file: PathBuf,
    },
    /// Gives the running node a file that a device of its place exported.
    Import {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
        /// The file.
        file: PathBuf,
    },
    /// Makes every view and balance again from what was recorded.
    Rebuild {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Prints the digest of every view and balance.
    Digest {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Counts hand-ins without end and prints each receipt: what the durability test kills.
    #[command(hide = true)]
    WriteLoop {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Whose cash.
        #[arg(long)]
        agent: String,
        /// How many acts; without end when left out.
        #[arg(long)]
        count: Option<u64>,
    },
    /// Writes the search index again without end: what the durability test kills.
    #[command(hide = true)]
    SearchLoop {
        /// Configuration, TOML.
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Enrol { config, name, code } => {
            let config = start(config.as_deref())?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(enrol::enrol(&code, &config.data_dir, &name))?;
            say("enrolled")
        }
        Task::Run { config } => {
            let config = start(config.as_deref())?;
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(config))
        }
        Task::Open { config } => {
            let config = start(config.as_deref())?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            say(&runtime.block_on(running(&config)?.link()).context(SILENT)?)
        }
        Task::Export { config, file } => {
            let config = start(config.as_deref())?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let bundle = runtime.block_on(running(&config)?.export()).context(SILENT)?;
            let mut target = std::fs::File::create_new(&file)
                .with_context(|| format!("{} cannot be made: name a new file", file.display()))?;
            target.write_all(&bundle)?;
            // It is carried away at once.
            target.sync_all()?;
            say(&serde_json::json!({"file": file, "bytes": bundle.len()}).to_string())
        }
        Task::Import { config, file } => {
            let config = start(config.as_deref())?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let bundle = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let answer = runtime.block_on(running(&config)?.import(bundle)).context(SILENT)?;
            anyhow::ensure!(answer.get("code").is_none(), "{}: {}", answer["code"], answer["message"]);
            say(&answer.to_string())
        }
        Task::Rebuild { config } => {
            let node = open(&start(config.as_deref())?)?;
            node.rebuild()?;
            print_digest(&node)
        }
        Task::Digest { config } => print_digest(&open(&start(config.as_deref())?)?),
        Task::WriteLoop { config, agent, count } => {
            let agent = Subject::parse(&agent).context("--agent is not an id")?;
            write_loop(&open(&start(config.as_deref())?)?, agent, count)
        }
        Task::SearchLoop { config } => {
            let node = open(&start(config.as_deref())?)?;
            loop {
                node.refresh_search()?;
                say(&serde_json::to_string(&node.settle_search(std::time::Duration::from_secs(60)))?)?;
            }
        }
    }
}

fn start(config: Option<&Path>) -> anyhow::Result<Config> {
    let config = Config::load(config)?;
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log.level)
        .context(r#"configuration: log.level: it is not a filter. Write it like [log] level = "info""#)?;
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(config)
}

fn open(config: &Config) -> anyhow::Result<Node> {
    Ok(Node::open(&config.data_dir, config.clock)?)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let node = Arc::new(open(&config)?);
    let token = kiosk::token(&config.data_dir)?;
    let listener = TcpListener::bind(config.http.listen)
        .await
        .with_context(|| format!("http.listen: {} cannot be bound: is another node on it?", config.http.listen))?;
    let address = listener.local_addr()?;
    let hubs = if config.quic.hubs.is_empty() { node.identity().hubs.clone() } else { config.quic.hubs.clone() };
    node.set_metered(config.quic.metered);
    let most = std::time::Duration::from_millis(config.quic.backoff_most_ms.max(1));
    let (stop, stopped) = watch::channel(false);
    let sync = tokio::spawn(sync::run(Arc::clone(&node), hubs, most, stopped.clone()));
    let api = tokio::spawn(kiosk::run(Arc::clone(&node), token, listener, stopped.clone()));
    let near = lan::start(&node, &config.lan, &stopped);
    let relay = near.address.map(|address| address.to_string());
    publish(&config.data_dir, &serde_json::json!({"http": address.to_string(), "relay": relay}))?;
    tracing::info!(author = %node.author(), role = node.seat().role().word(), %address, "ready");
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("stopping");
    stop.send_replace(true);
    api.await??;
    sync.await?;
    near.ended().await;
    Ok(())
}

/// What is said when the node of this data folder does not answer.
const SILENT: &str = "the node does not answer: is it running?";

/// The running node of this data folder.
fn running(config: &Config) -> anyhow::Result<Running> {
    let path = config.data_dir.join("address.json");
    let text = std::fs::read_to_string(&path).context("the node is not running here: start it with edge-node run")?;
    let addresses: serde_json::Value = serde_json::from_str(&text)?;
    let http = addresses["http"].as_str().context("address.json names no http address: restart the node")?;
    Ok(Running::at(http, kiosk::token(&config.data_dir)?)?)
}

/// Writes `address.json` whole or not at all: whoever waits for it reads it at once.
fn publish(dir: &Path, addresses: &serde_json::Value) -> anyhow::Result<()> {
    let draft = dir.join("address.json.new");
    std::fs::write(&draft, addresses.to_string())?;
    Ok(std::fs::rename(draft, dir.join("address.json"))?)
}

fn print_digest(node: &Node) -> anyhow::Result<()> {
    for table in node.digest()? {
        let hex = data_encoding::HEXLOWER.encode(&table.digest);
        say(&serde_json::json!({"table": table.table, "rows": table.rows, "digest": hex}).to_string())?;
    }
    Ok(())
}

fn write_loop(node: &Node, agent: Scope, count: Option<u64>) -> anyhow::Result<()> {
    let mut written = 0;
    while count.is_none_or(|count| written < count) {
        let (mut act, mut handin) = ([0; 16], [0; 16]);
        getrandom::fill(&mut act)?;
        getrandom::fill(&mut handin)?;
        let command = Command::Count {
            handin: Subject::new(Kind::HandIn, Id16(handin)),
            agent,
            counted_paisa: Taka::whole(100),
            denominations: Vec::new(),
        };
        say(&serde_json::to_string(&node.record(act, &command)?)?)?;
        written += 1;
    }
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    // One write a line: a killed process leaves whole lines and at most one torn one.
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()?;
    Ok(())
}
