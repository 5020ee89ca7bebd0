//! `bench sync [--sizes N,N] [--report FILE]`: what a repair costs as a set grows.
//! `bench ingest [--ops N] [--report FILE]`: the hub's intake beside bare COPY.
//! `bench ledger [--journals N] [--earnings N] [--report FILE]`: the books at a size of years.
//! `bench road [--times N] [--report FILE]`: coming back over a bad line.
//! `bench storm [--sites N --agents N --parcels N --within S] [--report FILE]`: a whole country comes back at once.
//! `bench documents [--n N --d D]`: the scene of the peers, a JSON row a line; `bench compare` reads rows of all.
//! `bench tap [--report FILE]`: a tap beside the physical limit.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use getit_tests::bench;
use getit_tests::postgres::Cluster;

#[derive(Parser)]
enum Args {
    /// 100 ops on each side that the other lacks, by the ladder and by the list of ids.
    Sync {
        /// Ops that both sides hold.
        #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
        sizes: Vec<u32>,
        /// Where the figures go, as JSON.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Verified, stored, folded and journaled ops a second, beside bare COPY of the same rows.
    Ingest {
        /// Ops, at least.
        #[arg(long, default_value_t = 20_000)]
        ops: u32,
        /// Where the figures go, as JSON.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Balances of a past time and lines over many journals; a payout run by two runners at once.
    Ledger {
        /// Journals.
        #[arg(long, default_value_t = 1_000_000)]
        journals: u64,
        /// Earnings that are free to be paid out.
        #[arg(long, default_value_t = 100_000)]
        earnings: u64,
        /// Where the figures go, as JSON.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// 100 + 100 facts, nothing, and one fact, over 64 kbit/s, 800 ms and 5 % loss.
    Road {
        /// How often each.
        #[arg(long, default_value_t = 9)]
        times: usize,
        /// Where the figures go, as JSON.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Every site and agent comes back within a minute.
    Storm {
        /// Sites.
        #[arg(long, default_value_t = 200)]
        sites: u32,
        /// Agents.
        #[arg(long, default_value_t = 2_000)]
        agents: u32,
        /// Parcels that each delivered yesterday, and gets today.
        #[arg(long, default_value_t = 4)]
        parcels: u32,
        /// Seconds in which they come.
        #[arg(long, default_value_t = 60)]
        within: u64,
        /// Where the figures go, as JSON.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// The scene of `tests/peers`: one JSON row a line.
    Documents {
        /// `repetitive` or `entropy`; both if not told.
        #[arg(long)]
        generator: Option<String>,
        /// Documents.
        #[arg(long, default_value_t = 10_000)]
        n: u32,
        /// Changes on each side.
        #[arg(long, default_value_t = 100)]
        d: u32,
    },
    /// The device of that scene, in a process of its own.
    #[command(hide = true)]
    Replica {
        /// Its data folder.
        dir: PathBuf,
        /// Where the hub is.
        hub: std::net::SocketAddr,
    },
    /// Rows of all systems, one a line, as a table with ratios.
    Compare {
        /// The file.
        rows: PathBuf,
    },
    /// A tap, alone and beside a session, over one bare durable transaction.
    Tap {
        /// Where the figures go, as JSON.
        #[arg(long)]
        report: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    match Args::parse() {
        Args::Sync { sizes, report } => sync(&sizes, report.as_deref()),
        Args::Tap { report } => tap(report.as_deref()),
        Args::Documents { generator, n, d } => documents(generator.as_deref(), n, d),
        Args::Replica { dir, hub } => runtime()?.block_on(bench::documents::replica(&dir, hub)),
        Args::Compare { rows } => {
            print!("{}", bench::documents::compared(&std::fs::read_to_string(&rows)?)?);
            Ok(())
        }
        Args::Ingest { ops, report } => ingest(ops, report.as_deref()),
        Args::Ledger { journals, earnings, report } => ledger(journals, earnings, report.as_deref()),
        Args::Road { times, report } => road(times, report.as_deref()),
        Args::Storm { sites, agents, parcels, within, report } => {
            let within = std::time::Duration::from_secs(within);
            storm(bench::storm::Size { sites, agents, parcels, within }, report.as_deref())
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// The server of `DATABASE_URL`, for one that is watched; else a private one for this run.
fn cluster(folder: &Path) -> anyhow::Result<Cluster> {
    match std::env::var("DATABASE_URL") {
        Ok(url) => Cluster::given(&url),
        Err(_) => Cluster::start(&folder.join("pg")),
    }
}

fn documents(generator: Option<&str>, n: u32, d: u32) -> anyhow::Result<()> {
    for known in ["repetitive", "entropy"] {
        if generator.is_some_and(|asked| asked != known) {
            continue;
        }
        let folder = tempfile::tempdir_in("/var/tmp")?;
        let cluster = cluster(folder.path())?;
        for row in runtime()?.block_on(bench::documents::documents(&cluster, folder.path(), known, n, d))? {
            println!("{}", serde_json::to_string(&row)?);
        }
    }
    Ok(())
}

fn road(times: usize, report: Option<&Path>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let runtime = runtime()?;
    let cluster = cluster(folder.path())?;
    let rows = runtime.block_on(bench::road::road(&cluster, folder.path(), times))?;
    println!("{:>8} {:>5} {:>9} {:>8} {:>8} {:>8}", "", "times", "median ms", "worst ms", "up", "down");
    for row in &rows {
        println!(
            "{:>8} {:>5} {:>9} {:>8} {:>8} {:>8}",
            row.case, row.times, row.median_ms, row.worst_ms, row.up_bytes, row.down_bytes
        );
    }
    write(report, &rows)
}

fn storm(size: bench::storm::Size, report: Option<&Path>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let runtime = runtime()?;
    let cluster = cluster(folder.path())?;
    let row = runtime.block_on(bench::storm::storm(&cluster, folder.path(), size))?;
    println!(
        "{} sites and {} agents brought {} ops, {} journals, and were at rest after {:.1} s\n\
         safe after: p50 {} ms, p99 {} ms, worst {} ms; all equal, p99 {} ms\n\
         broken sessions: {}; hub: {} MB, {:.1} s of CPU",
        row.sites,
        row.agents,
        row.ops,
        row.journals,
        row.seconds,
        row.safe_p50_ms,
        row.safe_p99_ms,
        row.safe_worst_ms,
        row.equal_p99_ms,
        row.broken_sessions,
        row.hub_mb,
        row.hub_cpu_seconds
    );
    write(report, &[row])
}

fn ingest(ops: u32, report: Option<&Path>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let runtime = runtime()?;
    let cluster = cluster(folder.path())?;
    let row = runtime.block_on(bench::ingest::ingest(&cluster, ops))?;
    println!(
        "{} ops in {} bursts, {} journals: {:.2} s, {:.0} ops a second, {} batches worked out ahead; COPY of the log's rows: {:.3} s, {:.0} rows a second",
        row.ops,
        row.bursts,
        row.journals,
        row.seconds,
        row.ops_a_second,
        row.worked_ahead,
        row.copy_seconds,
        row.copy_a_second
    );
    write(report, &[row])
}

fn ledger(journals: u64, earnings: u64, report: Option<&Path>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let runtime = runtime()?;
    let cluster = cluster(folder.path())?;
    let rows = runtime.block_on(bench::ledger::asked(&cluster, journals))?;
    println!("{:>58} {:>9} {:>6} {:>8} {:>8}", "", "journals", "times", "p50 ms", "p99 ms");
    for row in &rows {
        println!("{:>58} {:>9} {:>6} {:>8.1} {:>8.1}", row.what, row.journals, row.times, row.p50_ms, row.p99_ms);
    }
    let paid = runtime.block_on(bench::ledger::paid(&cluster, earnings))?;
    println!(
        "{} earnings by {} runners at once: {} payouts in {:.1} s, {} earnings paid once",
        paid.earnings, paid.runners, paid.payouts, paid.seconds, paid.paid_once
    );
    let posted = runtime.block_on(bench::ledger::posted(&cluster, earnings))?;
    println!(
        "{} journals posted, {} a transaction: {:.0} a second; bare COPY of the same rows: {:.0} a second",
        posted.journals, posted.batch, posted.a_second, posted.copied_a_second
    );
    write(report, &[(rows, paid, posted)])
}

fn tap(report: Option<&Path>) -> anyhow::Result<()> {
    println!("{:>17} {:>6} {:>8} {:>8} {:>6}", "", "count", "p50 us", "p99 us", "ratio");
    let rows = bench::tap::tap()?;
    for row in &rows {
        println!("{:>17} {:>6} {:>8} {:>8} {:>6.2}", row.what, row.count, row.p50_us, row.p99_us, row.ratio);
    }
    write(report, &rows)
}

fn sync(sizes: &[u32], report: Option<&Path>) -> anyhow::Result<()> {
    let mut all = Vec::new();
    println!(
        "{:>8} {:>7} {:>9} {:>11} {:>9} {:>11} {:>5} {:>6} {:>9}",
        "common", "by", "up", "of search", "down", "of search", "turns", "ms", "of device"
    );
    for size in sizes {
        for row in bench::sync(*size)? {
            println!(
                "{:>8} {:>7} {:>9} {:>11} {:>9} {:>11} {:>5} {:>6} {:>9}",
                row.common_ops,
                row.by,
                row.up_bytes,
                row.up_search_bytes,
                row.down_bytes,
                row.down_search_bytes,
                row.turns,
                row.ms,
                row.device_ms
            );
            all.push(row);
        }
    }
    write(report, &all)
}

fn write<T: serde::Serialize>(report: Option<&Path>, rows: &[T]) -> anyhow::Result<()> {
    if let Some(report) = report {
        let text = serde_json::to_string_pretty(rows)?;
        std::fs::write(report, text).with_context(|| format!("{} cannot be written", report.display()))?;
    }
    Ok(())
}
