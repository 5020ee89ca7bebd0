//! The check of a finished day, from its databases alone: every figure is made anew from rows, and no
//! stored flag is believed.
//!
//! [`postgres_rows`] and [`sqlite_rows`] read, [`rows`] compares sets and bytes, [`books`] the money,
//! [`states`] folds again, [`rebuilt`] drops copies of the projections and makes them anew.

mod books;
pub mod day_file;
mod postgres_rows;
mod rebuilt;
mod rows;
mod sqlite_rows;
mod states;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use protocol::account::Code;
use protocol::id::{Author, Incarnation, OpId, Subject};
use protocol::journal::Rule;
use sqlx::postgres::PgPool;

use self::books::{Balances, Net};
use self::day_file::DayFile;
use self::postgres_rows::CentralRows;
use self::rows::{Sets, check_bytes, check_roots, is_edge, sets};
use self::sqlite_rows::EdgeRows;
use self::states::States;
pub use self::verdict::{ExceptionCount, NodeVerdict, RULES, Thresholds, Verdict};
use crate::postgres::Cluster;

/// The database of a day in its private cluster.
const DATABASE: &str = "getit";
/// Connections of a check.
const CONNECTIONS: u32 = 4;

/// The verdict of the day in `data`, whose central is on `pool`. Projections are compared, not rebuilt:
/// see [`examine`] for that.
///
/// # Errors
/// When a database or `day.json` cannot be read at all. What is wrong in it is a problem of the verdict.
pub async fn verdict(data: &Path, pool: &PgPool) -> anyhow::Result<Verdict> {
    let day = DayFile::read(data)?;
    let central = CentralRows::load(pool).await?;
    let mut verdict = Verdict::default();
    let edges = load_edges(data, &day, &mut verdict.problems)?;
    judge_log(pool, &mut verdict.problems).await;
    judge_central(&central, &mut verdict);
    judge_money(pool, &central, &mut verdict).await?;
    judge_ops(&central, &edges, &mut verdict);
    judge_nodes(&central, &edges, &day, &mut verdict);
    judge_piles(&day, &books::balances(&central.journals), &mut verdict);
    Ok(verdict)
}

/// What a check found.
#[derive(Debug)]
pub struct Examined {
    /// The verdict.
    pub verdict: Verdict,
    /// Why the day is not as it must be.
    pub failures: Vec<String>,
}

/// Checks the finished day in `data`, its daemons stopped. With `deep`, every projection is also
/// dropped and rebuilt in a copy, and must come out equal.
///
/// # Errors
/// As [`verdict`]; when Postgres does not start, or another run holds the folder.
pub async fn examine(data: &Path, deep: bool) -> anyhow::Result<Examined> {
    let day = DayFile::read(data)?;
    let cluster = match &day.database_url {
        Some(_) => None,
        None => Some(Cluster::start(&data.join("pg"))?),
    };
    let url = match (&day.database_url, &cluster) {
        (Some(url), _) => url.clone(),
        (None, Some(cluster)) => cluster.url(DATABASE),
        (None, None) => anyhow::bail!("no database is named: name the data folder of a finished day"),
    };
    let pool = ::central::store::connect(&url, CONNECTIONS).await?;
    let mut verdict = verdict(data, &pool).await?;
    // A database with a session on it cannot be copied.
    pool.close().await;
    if deep {
        verdict.problems.extend(rebuilt::central(&url).await.context("central's projections in a copy")?);
        for (name, folder) in node_folders(data, &day)? {
            match rebuilt::edge(&name, &folder) {
                Ok(found) => verdict.problems.extend(found),
                Err(error) => verdict.problems.push(format!("{name}: a copy of it cannot be rebuilt: {error:#}")),
            }
        }
    }
    let failures = verdict.failures(&day.thresholds.unwrap_or(Thresholds::demo()));
    Ok(Examined { verdict, failures })
}

/// `day check DATA`: prints what is wrong, with node and id, then the totals. The exit code is the verdict.
///
/// # Errors
/// As [`examine`].
pub async fn run(data: &Path) -> anyhow::Result<ExitCode> {
    let examined = examine(data, true).await?;
    let mut out = std::io::stdout().lock();
    for failure in &examined.failures {
        writeln!(out, "NOT AS IT MUST BE: {failure}")?;
    }
    writeln!(out, "{}", serde_json::to_string_pretty(&examined.verdict)?)?;
    if examined.failures.is_empty() {
        writeln!(out, "the day is as it must be")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{} things are not as they must be", examined.failures.len())?;
    Ok(ExitCode::FAILURE)
}

/// The folders of the edges, by name: those of the day, and any other that is there.
fn node_folders(data: &Path, day: &DayFile) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let root = data.join("node");
    let mut folders: BTreeMap<String, PathBuf> =
        day.nodes.iter().map(|node| (node.node.clone(), root.join(&node.node))).collect();
    for entry in std::fs::read_dir(&root).with_context(|| format!("{} cannot be read", root.display()))? {
        let entry = entry?;
        if entry.path().join(edge_node::store::FILE).exists() {
            folders.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
        }
    }
    Ok(folders)
}

fn load_edges(data: &Path, day: &DayFile, problems: &mut Vec<String>) -> anyhow::Result<Vec<EdgeRows>> {
    let mut edges = Vec::new();
    for (name, folder) in node_folders(data, day)? {
        match EdgeRows::load(&name, &folder) {
            Ok(edge) => edges.push(edge),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    Ok(edges)
}

/// The journal log: its hash chain, and that its net is what the facts fold to, by central's own code.
async fn judge_log(pool: &PgPool, problems: &mut Vec<String>) {
    match ::central::rebuild::verify_log(pool).await {
        Ok(report) => {
            problems.extend(report.first_changed.map(|row| {
                format!(
                    "central: journal {} ({} of {}, position {}, cause {}) is not what was posted, or stands where one was removed",
                    books::hex(&row.journal),
                    row.rule,
                    row.subject,
                    row.position,
                    row.cause
                )
            }));
            problems.extend(report.broken_seal.map(|seal| {
                format!("central: the seal of {} at {} does not hold: {:?}", seal.name, seal.position, seal.why)
            }));
            let strays = report.without_journal.iter();
            problems.extend(strays.map(|position| format!("central: no journal is at {position}, and postings are")));
            let unequal = report.unequal.iter();
            problems
                .extend(unequal.map(|subject| format!("central: the journals of {subject} are not what it folds to")));
        }
        Err(error) => problems.push(format!("central: the journal log cannot be verified: {error}")),
    }
}

/// What central's rows say of themselves.
fn judge_central(central: &CentralRows, verdict: &mut Verdict) {
    let problems = &mut verdict.problems;
    let states = States::of(central);
    states.check_views(central, problems);
    let standing = books::net(&central.journals);
    let folded = books::folded(&states.journals());
    problems.extend(books::differences("central", ("the journal log", &standing), ("the fold", &folded)));
    problems.extend(books::malformed(&central.journals));
    let twice = books::applied_twice(&central.journals);
    verdict.effects_applied_twice = twice.len() as u64;
    problems.extend(twice.into_values());
    let balances = books::balances(&central.journals);
    problems.extend(books::stored_balances(central, &balances));
    check_roots("central", &sets(&central.ops, &central.members, |_| true), &central.roots, problems);

    let counts = states.counts();
    verdict.orders = counts.orders;
    verdict.parcels = counts.parcels;
    verdict.delivered = counts.delivered;
    verdict.failed_attempts = counts.failed_attempts;
    verdict.returned = counts.returned;
    verdict.collected_at_point = counts.collected_at_point;
    verdict.prepaid = counts.prepaid;
    verdict.cancelled = counts.cancelled;
    verdict.contested = counts.contested;
    verdict.duplicates_received = central.duplicates;
    verdict.journals = books::by_rule(&central.journals);
    verdict.trial_balance_paisa = balances.values().sum();
    verdict.cash_collected_paisa = books::collected(&central.journals);
    let total = |code: Code| books::total(&balances, code);
    verdict.cash_in_tills_paisa = total(Code::Till);
    verdict.cash_short_paisa = total(Code::Shortage);
    verdict.cash_over_paisa = -total(Code::CashOver);
    let owed = [Code::VendorHeld, Code::VendorAvailable, Code::PayoutInFlight];
    verdict.vendor_payable_paisa = -owed.into_iter().map(total).sum::<i64>();
    verdict.cash_banked_paisa = books::moved(&central.journals, &[Rule::J13a, Rule::J13b], Code::Settlement);
    verdict.paid_out_paisa = -books::moved(&central.journals, &[Rule::J17a, Rule::J17b], Code::Settlement);
    let exceptions = central.exceptions.iter();
    verdict.exceptions = exceptions.map(|(kind, count)| ExceptionCount { kind: kind.clone(), count: *count }).collect();
}

/// What the bank said and what was ruled, and whether every taka that was collected is banked, in a named hand, or a
/// difference with an owner. The differences are those that finance reads, the rest is made anew from the journals.
async fn judge_money(pool: &PgPool, central: &CentralRows, verdict: &mut Verdict) -> anyhow::Result<()> {
    let counted: (i64, i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM statement_line WHERE state = 'matched' OR why = 'charge'),
                (SELECT count(*) FROM statement_line WHERE state <> 'matched' AND why <> 'charge'),
                (SELECT count(*) FROM finance.difference WHERE open_paisa <> 0),
                (SELECT count(*) FROM view_ruling),
                (SELECT coalesce(sum(CASE account_code WHEN 1140 THEN amount_paisa ELSE -amount_paisa END), 0)::bigint
                 FROM finance.difference
                 WHERE account_code IN (1140, 2090) AND rule IN ('J9', 'J10', 'J13a', 'J13b', 'J27a', 'J27b', 'J27c'))",
    )
    .fetch_one(pool)
    .await?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    verdict.matched_lines = count(counted.0);
    verdict.unmatched_lines = count(counted.1);
    verdict.exceptions_open = count(counted.2);
    verdict.exceptions_ruled = count(counted.3);
    let balances = books::balances(&central.journals);
    let held: i64 =
        [Code::AgentCash, Code::Till, Code::InTransit].into_iter().map(|code| books::total(&balances, code)).sum();
    let ruled = books::moved(&central.journals, &[Rule::J9b, Rule::J10b], Code::Till)
        + books::moved(&central.journals, &[Rule::J12c], Code::AgentCash);
    verdict.cash_unaccounted_paisa =
        verdict.cash_collected_paisa + ruled - held - verdict.cash_banked_paisa - counted.4;
    Ok(())
}

/// Every op: signed, whole, and in Postgres.
fn judge_ops(central: &CentralRows, edges: &[EdgeRows], verdict: &mut Verdict) {
    let problems = &mut verdict.problems;
    check_bytes("central", &central.bursts, &central.ops, &central.seats, problems);
    let mut numbers: BTreeSet<(Author, Incarnation, u64)> = BTreeSet::new();
    for burst in &central.bursts {
        numbers.insert((burst.author, burst.inc, burst.seq));
        let whole = burst.seq <= central.chains.get(&(burst.author, burst.inc)).copied().unwrap_or(0);
        for (slot, id) in burst.ids.iter().enumerate() {
            let answered = central.ops.contains_key(id) || central.refused.contains(&(burst.digest, slot));
            if whole && !answered {
                problems.push(format!("central: op {id} is gone; burst {} has it in slot {slot}", burst.digest));
            }
        }
    }
    for ((author, inc), upto) in &central.chains {
        let gone = (1..=*upto).filter(|seq| !numbers.contains(&(*author, *inc, *seq)));
        problems.extend(gone.map(|seq| format!("central: burst {seq} of {author} (incarnation {inc}) is gone")));
    }
    let by_edge = |author| central.seats.get(author).is_none_or(is_edge);
    let mut all: BTreeMap<OpId, bool> =
        central.ops.iter().filter(|(_, op)| by_edge(&op.held.author)).map(|(id, _)| (*id, true)).collect();
    for edge in edges {
        check_bytes(&edge.name, &edge.bursts, &edge.ops, &central.seats, problems);
        for (id, op) in edge.ops.iter().filter(|(_, op)| by_edge(&op.held.author)) {
            let stands = central.ops.get(id).is_some_and(|theirs| theirs.held.bytes == op.held.bytes);
            *all.entry(*id).or_insert(stands) &= stands;
        }
        for op in edge.own_ops().filter(|op| op.held.seq <= edge.safe_upto(&op.held.inc)) {
            if !central.ops.contains_key(&op.held.id) {
                verdict.safe_ops_missing += 1;
                let (id, subject) = (op.held.id, op.subject);
                problems.push(format!("{}: op {id} of {subject} is safe there, and central lacks it", edge.name));
            }
        }
        for (inc, upto) in &edge.safe {
            let whole = central.chains.get(&(edge.author, *inc)).copied().unwrap_or(0);
            if *upto > whole {
                problems.push(format!(
                    "{}: believes its bursts of {inc} safe up to {upto}; central holds them up to {whole}",
                    edge.name
                ));
            }
        }
    }
    verdict.ops_total = all.len() as u64;
    verdict.ops_safe = all.values().filter(|stands| **stands).count() as u64;
}

/// Every edge against central.
fn judge_nodes(central: &CentralRows, edges: &[EdgeRows], day: &DayFile, verdict: &mut Verdict) {
    let (standing, balances) = (books::net(&central.journals), books::balances(&central.journals));
    for edge in edges {
        let day_node = day.nodes.iter().find(|node| node.node == edge.name);
        let node = judge_node(central, edge, &standing, &balances, &mut verdict.problems);
        verdict.nodes.push(NodeVerdict { kills: day_node.map_or(0, |node| node.kills), ..node });
    }
    for missing in day.nodes.iter().filter(|node| edges.iter().all(|edge| edge.name != node.node)) {
        verdict.problems.push(format!("{}: the day had this node, and its database is not there", missing.node));
    }
}

fn judge_node(
    central: &CentralRows,
    edge: &EdgeRows,
    standing: &Net,
    balances: &Balances,
    problems: &mut Vec<String>,
) -> NodeVerdict {
    if !central.seats.contains_key(&edge.author) {
        problems.push(format!("{}: central does not know its seat {}", edge.name, edge.author));
    }
    let mut waiting = 0;
    for burst in edge.unsent() {
        waiting += 1;
        let ids: Vec<String> = burst.ids.iter().map(ToString::to_string).collect();
        problems.push(format!("{}: burst {} was left unsent, with op {}", edge.name, burst.seq, ids.join(", ")));
    }
    for burst in edge.bursts.iter().filter(|burst| burst.author == edge.author) {
        for id in burst.ids.iter().filter(|id| !edge.ops.contains_key(*id)) {
            problems.push(format!("{}: its own op {id} of burst {} is gone", edge.name, burst.seq));
        }
    }
    let ours = sets(&edge.ops, &edge.members, |scope| edge.may_read(scope));
    let theirs = sets(&central.ops, &central.members, |scope| edge.may_read(scope));
    let same_sets = compare_sets(&edge.name, &ours, &theirs, problems);
    let mut stated = central.roots.clone();
    stated.retain(|(scope, _), _| edge.may_read(scope));
    let own_roots = check_roots(&edge.name, &ours, &edge.roots, problems);
    let same_roots = stated == edge.roots;
    let books_equal = books::edge_equals(edge, standing, balances, problems);
    NodeVerdict {
        node: edge.name.clone(),
        role: edge.seat.role().word().to_owned(),
        ops: edge.own_ops().count() as u64,
        kills: 0,
        waiting,
        root_equal: same_sets && own_roots && same_roots,
        books_equal,
    }
}

/// Names every op that one side's sets have and the other's lack, once for each op.
fn compare_sets(name: &str, ours: &Sets, theirs: &Sets, problems: &mut Vec<String>) -> bool {
    let nothing = BTreeSet::new();
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let mut named: BTreeMap<(OpId, &str), String> = BTreeMap::new();
    for key in keys {
        let (scope, lane) = key;
        let (ours, theirs) = (ours.get(key).unwrap_or(&nothing), theirs.get(key).unwrap_or(&nothing));
        for (side, lacks) in [("the edge", theirs.difference(ours)), ("central", ours.difference(theirs))] {
            for id in lacks {
                let sentence = || format!("{name}: {side} lacks op {id} in the set of {scope} lane {lane}");
                named.entry((*id, side)).or_insert_with(sentence);
            }
        }
    }
    let equal = named.is_empty();
    problems.extend(named.into_values());
    equal
}

/// The script's own piles of cash against the books.
fn judge_piles(day: &DayFile, balances: &Balances, verdict: &mut Verdict) {
    let mut piles: BTreeMap<Subject, i64> = BTreeMap::new();
    for pile in &day.piles {
        *piles.entry(pile.party).or_default() += pile.paisa;
    }
    let cash = [Code::AgentCash, Code::Till, Code::InTransit, Code::Settlement].map(|code| code as i32);
    for ((_, owner), paisa) in balances.iter().filter(|((code, _), _)| cash.contains(code)) {
        *piles.entry(owner.unwrap_or(Subject::tenant())).or_default() -= paisa;
    }
    for (party, difference) in piles.into_iter().filter(|(_, difference)| *difference != 0) {
        verdict.world_cash_diff_paisa += difference.abs();
        verdict.problems.push(format!("{party}: the pile of cash is {difference} paisa more than the books say"));
    }
}
