//! The end of a day: what is compared, what is printed, what is written.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::House;
use crate::check::Verdict;

/// After closing, the nodes have this long to come to rest. Real time.
const REST: Duration = Duration::from_secs(150);

/// Waits until every node has nothing waiting, equal roots and equal books: by its own word first, then by
/// the rows, because a node says what it last heard, and something may still be on its way to it.
///
/// # Errors
/// When a node stays away. A node that does not come to rest is left to the verdict.
pub async fn rest(house: &House, data: &Path, pool: &central::store::Pool) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut last = String::new();
    while started.elapsed() < REST {
        let mut restless = Vec::new();
        for node in &house.nodes {
            let status = node.get("/status").await?;
            let at_rest = status["waiting"] == 0 && status["root_equal"] == true && status["books_equal"] == true;
            if !at_rest {
                restless.push(format!("{} ({} waiting)", node.name, status["waiting"]));
            }
        }
        if restless.is_empty() {
            let rows = crate::check::verdict(data, pool).await?;
            let behind = rows.nodes.iter().filter(|node| !(node.root_equal && node.books_equal));
            restless.extend(behind.map(|node| format!("{} (news on the way)", node.node)));
        }
        if restless.is_empty() {
            house.say("every node has sent all and holds what central holds");
            return Ok(());
        }
        let now = restless.join(", ");
        if now != last {
            house.say(&format!("not at rest yet: {now}"));
            last = now;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    house.say("some nodes did not come to rest");
    Ok(())
}

/// What the checker needs beside the databases: piles of cash as the street has them, and kills.
///
/// # Errors
/// When the file cannot be written.
pub async fn write_witness(
    house: &House,
    data: &Path,
    outside: Option<&str>,
    thresholds: &Value,
) -> anyhow::Result<()> {
    let mut nodes = Vec::new();
    for node in &house.nodes {
        nodes.push(json!({ "node": node.name, "role": node.role, "kills": node.process.lock().await.kills }));
    }
    let mut hub_kills = 0;
    for hub in &house.hubs {
        hub_kills += hub.lock().await.kills;
    }
    let piles: Vec<Value> =
        house.street.piles().iter().map(|(party, pile)| json!({ "party": party, "paisa": pile.paisa() })).collect();
    let witness = json!({
        "database_url": outside,
        "nodes": nodes,
        "piles": piles,
        "hub_kills": hub_kills,
        "central_kills": house.central_process.lock().await.kills,
        "orders": house.counts().0,
        "thresholds": thresholds,
    });
    super::house::write_private(&data.join("day.json"), &serde_json::to_string_pretty(&witness)?)
}

/// The report: the verdict, and what only the day itself could measure.
///
/// # Errors
/// When a bare transaction cannot be measured.
pub async fn compose(house: &House, verdict: &Verdict, data: &Path) -> anyhow::Result<Value> {
    let mut report = serde_json::to_value(verdict)?;
    let taps = percentiles(&house.measured.taps_us);
    let safe = percentiles(&house.measured.safe_ms);
    let bare = crate::bare::full_transaction_us(data)?;
    let (mut up, mut down) = (0, 0);
    for node in &house.nodes {
        let bytes = node.link.bytes();
        up += bytes.up;
        down += bytes.down;
    }
    let mut hub_kills = 0;
    for hub in &house.hubs {
        hub_kills += hub.lock().await.kills;
    }
    let milli = |us: u64| us as f64 / 1_000.0;
    let doubles = house.measured.double_taps.load(std::sync::atomic::Ordering::Relaxed);
    let extra = json!({
        "hub_kills": hub_kills,
        "central_kills": house.central_process.lock().await.kills,
        "tap_ms": { "p50": milli(taps.0), "p99": milli(taps.1), "bare_full_txn_p50": milli(bare) },
        "tap_to_safe_online_ms": { "p50": safe.0, "p99": safe.1 },
        "double_taps": doubles,
        "link_bytes": { "up": up, "down": down },
        "wall_s": house.started.elapsed().as_secs(),
    });
    if let (Value::Object(report), Value::Object(extra)) = (&mut report, extra) {
        report.extend(extra);
    }
    Ok(report)
}

fn percentiles(values: &std::sync::Mutex<Vec<u64>>) -> (u64, u64) {
    let mut values = values.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    values.sort_unstable();
    let at = |percent: usize| values.get((values.len().saturating_sub(1)) * percent / 100).copied().unwrap_or(0);
    (at(50), at(99))
}

/// Prints the table by role and the books.
#[allow(clippy::print_stdout)]
pub fn print(report: &Value) {
    println!(
        "\n{:<28} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6}",
        "node", "role", "ops", "kills", "waiting", "roots", "books"
    );
    let yes = |value: &Value| if value == true { "equal" } else { "DIFFER" };
    let mut by_role: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for node in report["nodes"].as_array().into_iter().flatten() {
        let text = |field: &str| node[field].as_str().unwrap_or_default();
        println!(
            "{:<28} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6}",
            text("node"),
            text("role"),
            node["ops"],
            node["kills"],
            node["waiting"],
            yes(&node["root_equal"]),
            yes(&node["books_equal"])
        );
        let sum = by_role.entry(text("role")).or_default();
        sum.0 += 1;
        sum.1 += node["ops"].as_u64().unwrap_or(0);
    }
    println!();
    for (role, (count, ops)) in by_role {
        println!("{role:<10} {count:>3} nodes {ops:>7} ops");
    }
    let taka = |field: &str| {
        let paisa = report[field].as_i64().unwrap_or(0);
        protocol::taka::Taka::from_paisa(paisa).map_or_else(|| paisa.to_string(), |taka| taka.to_string())
    };
    println!("\nthe books, in taka");
    for (title, field) in [
        ("cash collected", "cash_collected_paisa"),
        ("cash in tills", "cash_in_tills_paisa"),
        ("cash at the bank", "cash_banked_paisa"),
        ("paid out to vendors", "paid_out_paisa"),
        ("owed to vendors", "vendor_payable_paisa"),
        ("cash short, owed by name", "cash_short_paisa"),
        ("cash over, unexplained", "cash_over_paisa"),
        ("cash unaccounted for", "cash_unaccounted_paisa"),
        ("trial balance", "trial_balance_paisa"),
        ("street's piles less the books", "world_cash_diff_paisa"),
    ] {
        println!("{title:<32} {:>16}", taka(field));
    }
    println!("\njournals    {}", report["journals"]);
    println!("exceptions  {}", report["exceptions"]);
    for field in [
        "orders",
        "parcels",
        "delivered",
        "failed_attempts",
        "returned",
        "collected_at_point",
        "prepaid",
        "cancelled",
        "contested",
        "matched_lines",
        "unmatched_lines",
        "exceptions_open",
        "exceptions_ruled",
        "ops_total",
        "ops_safe",
        "duplicates_received",
        "double_taps",
        "hub_kills",
        "central_kills",
        "tap_ms",
        "tap_to_safe_online_ms",
        "link_bytes",
        "wall_s",
    ] {
        println!("{field:<24} {}", report[field]);
    }
}
