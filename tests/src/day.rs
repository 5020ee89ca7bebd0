//! The day of the demo: the whole system on real processes, an order file, people, faults, and at the
//! end the books.
//!
//! [`house`] builds it, [`people`] act, [`trouble`] breaks it, [`street`] knows the truth, [`report`]
//! compares.

mod bank;
pub(crate) mod central;
pub(crate) mod clock;
mod finance;
pub(crate) mod house;
mod node;
mod people;
mod point;
pub mod process;
mod report;
mod street;
mod trouble;
mod wallet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

pub use self::house::House;
use self::house::Plan;
use crate::check::{self, Thresholds};
use crate::order_file;
use clock::Clock;

/// Business hours from the first order to the last one.
const ORDER_HOURS: u64 = 3;
/// The longest that a day may take, real time: it is broken then.
const LONGEST: Duration = Duration::from_secs(540);

/// What a person may ask for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Folder of the binaries.
    pub bin: PathBuf,
    /// Data folder; emptied first.
    pub data: PathBuf,
    /// An order file; the shipped one if none is named.
    pub orders: Option<PathBuf>,
    /// Where to write the report.
    pub report: Option<PathBuf>,
    /// Ends when the day has ended.
    pub once: bool,
    /// Repeats a day.
    pub seed: u64,
    /// A short day for tests: fewer agents, lower thresholds, a faster clock.
    pub small: bool,
}

/// Lives one day. The exit code is the verdict's.
///
/// # Errors
/// What kept the day from being lived.
pub async fn live(wish: &Wish) -> anyhow::Result<ExitCode> {
    let file = match &wish.orders {
        Some(path) => order_file::read(path)?,
        None => order_file::parse(SHIPPED)?,
    };
    announce_problems(&file.problems);
    anyhow::ensure!(!file.orders.is_empty(), "no row of the order file can be served");
    fresh_folder(&wish.data)?;
    let (cluster, url) = house::postgres(&wish.data).await?;
    let outside = cluster.is_none().then(|| url.clone());
    // 08:00 in Dhaka on the day of the shipped file.
    let clock = Clock::starting(1_795_312_800_000, if wish.small { 300 } else { 110 });
    let agents = if wish.small { 6 } else { 8 };
    let plan = Plan { bin: &wish.bin, data: &wish.data, database_url: url.clone(), agents, seed: wish.seed, clock };
    let house = Arc::new(House::build(&plan, &file.orders).await?);
    let lived = tokio::time::timeout(LONGEST, business(&house, file.orders, wish)).await;
    house.close();
    match lived {
        Ok(lived) => lived?,
        Err(_) => {
            let open: Vec<String> = house.street.unfinished().iter().take(10).map(ToString::to_string).collect();
            house.say(&format!("the day did not end in time; what there is is judged; open: {}", open.join(" ")));
        }
    }
    house.nodes.iter().for_each(|node| node.link.restore());
    let thresholds = if wish.small { Thresholds::small() } else { Thresholds::demo() };
    let pool = ::central::store::connect(&url, 4).await?;
    report::write_witness(&house, &wish.data, outside.as_deref(), &serde_json::to_value(thresholds)?).await?;
    report::rest(&house, &wish.data, &pool).await?;
    // What finance does in the evening goes to the vendors' phones too.
    finance::settle(&house, wish.seed ^ 5).await?;
    report::write_witness(&house, &wish.data, outside.as_deref(), &serde_json::to_value(thresholds)?).await?;
    report::rest(&house, &wish.data, &pool).await?;
    let verdict = check::verdict(&wish.data, &pool).await?;
    let composed = report::compose(&house, &verdict, &wish.data).await?;
    report::print(&composed);
    if let Some(path) = &wish.report {
        std::fs::write(path, serde_json::to_string_pretty(&composed)?)?;
    }
    let failures = verdict.failures(&thresholds);
    for failure in &failures {
        house.say(&format!("NOT AS IT MUST BE: {failure}"));
    }
    if failures.is_empty() {
        house.say("the day is as it must be");
    }
    house.say(&format!("to judge it again from its databases alone: ./dev check {}", wish.data.display()));
    if !wish.once {
        stay_up(&house, &wish.data).await?;
    }
    pool.close().await;
    house.stop().await;
    drop(cluster);
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The shipped order file.
const SHIPPED: &[u8] = include_bytes!("../data/orders.csv");

async fn business(house: &Arc<House>, orders: Vec<order_file::FileOrder>, wish: &Wish) -> anyhow::Result<()> {
    let start_ms = house.clock.now_ms() + 10 * 60_000;
    let length_ms = ORDER_HOURS * 3_600_000;
    // Faults are spread over the time in which most of the work is done.
    let day = Duration::from_millis((length_ms + 3 * 3_600_000) / house.clock.scale);
    let mut people = tokio::task::JoinSet::new();
    for (index, node) in house.nodes.iter().cloned().enumerate() {
        let (house, seed) = (Arc::clone(house), wish.seed.wrapping_mul(1_000) + index as u64);
        match node.role {
            "vendor" => people.spawn(people::vendor(house, node)),
            "agent" => people.spawn(people::agent(house, node, seed)),
            "point" => {
                let partner = house.points.iter().any(|(point, partner)| *point == node.party && *partner);
                people.spawn(point::clerk(house, node, partner, seed))
            }
            _ => {
                let agents = house.of_role("agent").iter().map(|agent| agent.party).collect();
                people.spawn(people::site(house, node, agents, seed))
            }
        };
    }
    people.spawn(finance::finance(Arc::clone(house), wish.seed ^ 4));
    let mut fixed = house.of_role("vendor");
    // The busiest line breaks most often: what was on its way there comes twice.
    fixed.extend(house.of_role("site").iter().cloned().cycle().take(4));
    people.spawn(trouble::cut_links(Arc::clone(house), fixed, wish.seed ^ 3));
    let mut faults = tokio::task::JoinSet::new();
    faults.spawn(trouble::kill_nodes(Arc::clone(house), house.nodes.clone(), wish.seed ^ 1, day));
    faults.spawn(trouble::kill_hubs(Arc::clone(house), day));
    faults.spawn(people::customers(Arc::clone(house), orders, start_ms, length_ms, wish.seed ^ 2));
    let mut progress = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            _ = progress.tick() => {
                let (orders, parcels) = house.counts();
                house.say(&format!("{orders} orders, {parcels} parcels, {} under way, {} hand-ins on the counter{}",
                    house.street.open(), house.street.bundles(),
                    if faults.is_empty() { "" } else { ", orders and faults go on" }));
                let open = house.street.unfinished();
                if faults.is_empty() && (1..=3).contains(&open.len()) {
                    house.say(&format!("still open: {open:?}"));
                }
                if faults.is_empty() && house.street.is_done() && cash_is_in(house) {
                    break;
                }
            }
            Some(done) = people.join_next() => done?.context("one of the people")?,
            Some(done) = faults.join_next() => done?.context("faults and orders")?,
        }
    }
    house.close();
    while let Some(done) = people.join_next().await {
        done?.context("one of the people")?;
    }
    Ok(())
}

/// Whether no agent has cash left that is worth a walk to the counter.
fn cash_is_in(house: &House) -> bool {
    let least = protocol::taka::Taka::ZERO;
    house.street.bundles() == 0 && house.of_role("agent").iter().all(|agent| house.street.pile(&agent.party) <= least)
}

/// Rows that are not served, every one by its line: those of one kind on one line.
#[allow(clippy::print_stderr)]
fn announce_problems(problems: &[order_file::Problem]) {
    let mut kinds: BTreeMap<&str, (&str, Vec<String>)> = BTreeMap::new();
    for problem in problems {
        let kind = kinds.entry(problem.code).or_insert_with(|| (problem.message.as_str(), Vec::new()));
        kind.1.push(problem.line.to_string());
    }
    for (code, (message, lines)) in kinds {
        eprintln!("{} rows: {code} (first: {message}) lines {}", lines.len(), lines.join(", "));
    }
}

fn fresh_folder(data: &Path) -> anyhow::Result<()> {
    // Only what a day has made is removed: a typo must not empty a home.
    let ours = data.join("getit-day");
    if data.exists() {
        let empty = std::fs::read_dir(data)?.next().is_none();
        anyhow::ensure!(
            empty || ours.exists(),
            "{} holds something else: choose another --data folder",
            data.display()
        );
        std::fs::remove_dir_all(data)?;
    }
    std::fs::create_dir_all(data)?;
    std::fs::write(ours, "the data of one day of ./dev demo; may be deleted\n")?;
    Ok(())
}

#[allow(clippy::print_stdout)]
async fn stay_up(house: &House, data: &Path) -> anyhow::Result<()> {
    println!("\nthe system stays up; Ctrl-C ends it");
    for (name, address) in house.addresses().await {
        println!("{name:<28} {address}");
    }
    println!("tokens (customer, operations, finance, a second of finance): {}", data.join("tokens").display());
    println!(
        "finance's console: central's address with /console/; sign in with the third token, agree with the fourth"
    );
    tokio::signal::ctrl_c().await?;
    Ok(())
}
