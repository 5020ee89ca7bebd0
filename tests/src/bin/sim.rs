//! `sim --seeds N [--first S] [--report FILE] [--mutant NAME]`: the world in one process, many times, on every
//! core. A failing seed is printed with the command that replays it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use getit_tests::sim::{self, Report, mutant::Mutant};
use serde_json::{Value, json};

#[derive(Parser)]
#[command(name = "sim", about = "The whole world in one process, from one seed each time")]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Where to write the figures, JSON.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Breaks the product in this way; it must be caught.
    #[arg(long, value_parser = mutant)]
    mutant: Option<Mutant>,
}

fn mutant(word: &str) -> Result<Mutant, String> {
    let all: Vec<&str> = Mutant::ALL.iter().map(|mutant| mutant.word()).collect();
    Mutant::of(word).ok_or_else(|| format!("the mutants are {}", all.join(", ")))
}

fn main() -> anyhow::Result<std::process::ExitCode> {
    let args = Args::parse();
    let started = Instant::now();
    let next = AtomicU64::new(args.first);
    let end = args.first + args.seeds;
    let total: Mutex<(Report, Vec<(u64, String)>)> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let came = sim::seed(seed, args.mutant);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    match came {
                        Ok(report) => total.0.add(&report),
                        Err(what) => {
                            eprintln!("seed {seed}: {what}\n  replay: {}", replay(seed, args.mutant));
                            total.1.push((seed, what));
                        }
                    }
                    let done = total.0.seeds + total.1.len() as u64;
                    if done.is_multiple_of(1_000) {
                        eprintln!("{done} of {} seeds, {} s", args.seeds, started.elapsed().as_secs());
                    }
                }
            });
        }
    });
    let (report, violations) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut told = json!(report);
    told["violations"] = json!(violations.len());
    told["failed_seeds"] =
        violations.iter().map(|(seed, what)| json!({ "seed": seed, "what": what })).collect::<Value>();
    told["wall_s"] = json!(started.elapsed().as_secs());
    println!("{told:#}");
    if let Some(path) = args.report {
        std::fs::write(&path, format!("{told:#}\n")).with_context(|| path.display().to_string())?;
    }
    // With a mutant, to be caught is what is wanted.
    let good = violations.is_empty() == args.mutant.is_none();
    Ok(if good { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}

fn replay(seed: u64, mutant: Option<Mutant>) -> String {
    let mutant = mutant.map(|mutant| format!(" --mutant {}", mutant.word())).unwrap_or_default();
    format!("./dev sim --first {seed} --seeds 1{mutant}")
}
