//! `day demo`: a whole day on real processes. `day check DATA`: its verdict from the databases alone.
//! `day up`: the system, to look around. `day orders`: the shipped order file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use getit_tests::day::{self, Wish};
use getit_tests::{check, order_book, up};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Lives a day.
    Demo {
        /// Folder of the binaries.
        #[arg(long)]
        bin: PathBuf,
        /// Data folder; what an earlier day left there is removed.
        #[arg(long)]
        data: PathBuf,
        /// Another order file.
        #[arg(long)]
        orders: Option<PathBuf>,
        /// Writes the report here.
        #[arg(long)]
        report: Option<PathBuf>,
        /// Ends when the day has ended.
        #[arg(long)]
        once: bool,
        /// Repeats a day.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A short day, for tests.
        #[arg(long)]
        small: bool,
    },
    /// Starts everything on this machine, for people who look around, until Ctrl-C.
    Up {
        /// Folder of the binaries.
        #[arg(long)]
        bin: PathBuf,
        /// Data folder; what is there goes on.
        #[arg(long)]
        data: PathBuf,
    },
    /// Recomputes the verdict of a finished day.
    Check {
        /// Its data folder.
        data: PathBuf,
    },
    /// Prints the shipped order file, or another one of its kind.
    Orders {
        /// Chooses it.
        #[arg(long, default_value_t = order_book::SHIPPED_SEED)]
        seed: u64,
        /// How many orders.
        #[arg(long, default_value_t = order_book::SHIPPED_ORDERS)]
        count: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Args::parse().task {
        Task::Demo { bin, data, orders, report, once, seed, small } => {
            day::live(&Wish { bin, data, orders, report, once, seed, small }).await
        }
        Task::Up { bin, data } => up::stay(&bin, &data).await,
        Task::Check { data } => check::run(&data).await,
        Task::Orders { seed, count } => {
            order_book::write(seed, count, &mut std::io::stdout().lock())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
