//! `model --seeds N [--first S]`: the world in one process, many times. A failing seed is printed with
//! the command that replays it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::panic::catch_unwind;

use clap::Parser;
use getit_tests::model::{self, Report};

#[derive(Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 1)]
    first: u64,
}

fn main() -> std::process::ExitCode {
    let args = Args::parse();
    let started = std::time::Instant::now();
    let mut total = Report::default();
    for seed in args.first..args.first + args.seeds {
        match catch_unwind(|| model::run(seed)) {
            Ok(report) => total.add(&report),
            Err(_) => {
                eprintln!("seed {seed} failed; replay: ./dev model --first {seed} --seeds 1");
                return std::process::ExitCode::FAILURE;
            }
        }
        let done = seed + 1 - args.first;
        if done % 1_000 == 0 {
            eprintln!("{done} of {} seeds, {} s", args.seeds, started.elapsed().as_secs());
        }
    }
    println!("{} seeds in {} s: {total:?}", args.seeds, started.elapsed().as_secs());
    std::process::ExitCode::SUCCESS
}
