//! The `sync-hub` process.

use std::io::Write;
use std::path::PathBuf;

use central::config::LogFormat;
use clap::Parser;
use sync_hub::config::Config;

/// Takes what edges recorded, and gives them what is theirs.
#[derive(Parser)]
struct Args {
    /// TOML; see the crate's `config` module for keys.
    #[arg(long)]
    config: PathBuf,
    /// Instead of serving: takes a file that a device exported (`edge-node export`), says what became of it,
    /// and ends. Hubs may go on beside it.
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let config = Config::load(&args.config)?;
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log.level).map_err(|_| {
        anyhow::anyhow!("configuration: log.level: it is no filter. Write it like [log] level = \"info\"")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.init(),
    }
    std::fs::create_dir_all(&config.data_dir)?;
    if let Some(file) = args.import {
        let imported = sync_hub::import::file(&config, &file).await?;
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&imported)?)?;
        return Ok(());
    }
    let running = sync_hub::start(&config).await?;
    sync_hub::write_address(&config.data_dir, &running)?;
    tracing::info!(quic = %running.quic, admin = %running.admin, "the hub is ready");
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("the hub is stopping");
    running.stop().await;
    Ok(())
}
