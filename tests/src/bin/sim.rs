//! `sim --seeds N [--first S] [--report FILE] [--mutant NAME] [--money]`: the world in one process, many times, on every
//! core. A failing seed is printed with the command that replays it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use getit_tests::money;
use getit_tests::sim::{self, mutant::Mutant};
use serde_json::{Value, json};

/// Every rule of the money is to be reached so often in 2,000 worlds.
const REACHED: u64 = 50;
/// Of fewer worlds that is not asked.
const ENOUGH_SEEDS: u64 = 2_000;

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
    /// The world of money, and not the world of networks and disks.
    #[arg(long)]
    money: bool,
    /// Breaks the product in this way; it must be caught.
    #[arg(long)]
    mutant: Option<String>,
    /// How many worlds at once; as many as there are cores when it is not given.
    #[arg(long)]
    threads: Option<usize>,
}

/// What can be run many times: one world of a seed, and the sum of many.
trait Total: Default + Send {
    fn seed(&mut self, came: Self);
    fn seeds(&self) -> u64;
    fn told(&self) -> Value;
}

impl Total for sim::Report {
    fn seed(&mut self, came: Self) {
        self.add(&came);
    }

    fn seeds(&self) -> u64 {
        self.seeds
    }

    fn told(&self) -> Value {
        json!(self)
    }
}

impl Total for money::Report {
    fn seed(&mut self, came: Self) {
        self.add(&came);
    }

    fn seeds(&self) -> u64 {
        self.seeds
    }

    fn told(&self) -> Value {
        json!(self)
    }
}

fn main() -> anyhow::Result<std::process::ExitCode> {
    let args = Args::parse();
    if args.money {
        let mutant = args.mutant.as_deref().map(|word| named(word, money::mutant::Mutant::of(word))).transpose()?;
        let (report, clean) = run_all(&args, |seed| money::seed(seed, mutant))?;
        let short = report.short_of(REACHED);
        let enough = args.seeds < ENOUGH_SEEDS || mutant.is_some() || short.is_empty();
        for (what, count) in short.iter().filter(|_| args.seeds >= ENOUGH_SEEDS && mutant.is_none()) {
            eprintln!("{what} was reached only {count} times");
        }
        return Ok(ended(clean == mutant.is_none() && enough));
    }
    let mutant = args.mutant.as_deref().map(|word| named(word, Mutant::of(word))).transpose()?;
    let (_, clean) = run_all(&args, |seed| sim::seed(seed, mutant))?;
    // With a mutant, to be caught is what is wanted.
    Ok(ended(clean == mutant.is_none()))
}

fn named<T>(word: &str, mutant: Option<T>) -> anyhow::Result<T> {
    let all = Mutant::ALL.iter().map(|mutant| mutant.word()).collect::<Vec<_>>().join(", ");
    let money = money::mutant::Mutant::ALL.iter().map(|mutant| mutant.word()).collect::<Vec<_>>().join(", ");
    mutant.with_context(|| format!("{word} is no mutant: they are {all}; of money {money}"))
}

const fn ended(good: bool) -> std::process::ExitCode {
    if good { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

/// Runs every seed; the sum, and whether nothing was violated.
fn run_all<T: Total>(args: &Args, world: impl Fn(u64) -> Result<T, String> + Sync) -> anyhow::Result<(T, bool)> {
    let started = Instant::now();
    let next = AtomicU64::new(args.first);
    let end = args.first + args.seeds;
    let total: Mutex<(T, Vec<(u64, String)>)> = Mutex::default();
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let came = world(seed);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    match came {
                        Ok(report) => total.0.seed(report),
                        Err(what) => {
                            eprintln!("seed {seed}: {what}\n  replay: {}", replay(seed, args));
                            total.1.push((seed, what));
                        }
                    }
                    let done = total.0.seeds() + total.1.len() as u64;
                    if done.is_multiple_of(1_000) {
                        eprintln!("{done} of {} seeds, {} s", args.seeds, started.elapsed().as_secs());
                    }
                }
            });
        }
    });
    let (report, violations) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut told = report.told();
    told["violations"] = json!(violations.len());
    told["failed_seeds"] =
        violations.iter().map(|(seed, what)| json!({ "seed": seed, "what": what })).collect::<Value>();
    told["wall_s"] = json!(started.elapsed().as_secs());
    println!("{told:#}");
    if let Some(path) = &args.report {
        std::fs::write(path, format!("{told:#}\n")).with_context(|| path.display().to_string())?;
    }
    Ok((report, violations.is_empty()))
}

fn replay(seed: u64, args: &Args) -> String {
    let money = if args.money { " --money" } else { "" };
    let mutant = args.mutant.as_ref().map(|word| format!(" --mutant {word}")).unwrap_or_default();
    format!("./dev sim{money} --first {seed} --seeds 1{mutant}")
}
