//! `bench sync [--sizes N,N] [--report FILE]`: what a repair costs as a set grows.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use getit_tests::bench;

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
}

fn main() -> anyhow::Result<()> {
    let Args::Sync { sizes, report } = Args::parse();
    let mut all = Vec::new();
    println!(
        "{:>8} {:>7} {:>9} {:>11} {:>9} {:>11} {:>5} {:>6}",
        "common", "by", "up", "of search", "down", "of search", "turns", "ms"
    );
    for size in sizes {
        for row in bench::sync(size)? {
            println!(
                "{:>8} {:>7} {:>9} {:>11} {:>9} {:>11} {:>5} {:>6}",
                row.common_ops,
                row.by,
                row.up_bytes,
                row.up_search_bytes,
                row.down_bytes,
                row.down_search_bytes,
                row.turns,
                row.ms
            );
            all.push(row);
        }
    }
    if let Some(report) = report {
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(&report, text).with_context(|| format!("{} cannot be written", report.display()))?;
    }
    Ok(())
}
