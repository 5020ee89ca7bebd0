//! The whole system on one machine: Postgres, central, two hubs, a courier hub, agents and vendors, each
//! a process of its own, each device enrolled by a code as a person would do it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use protocol::id::{Scope, Subject};
use serde_json::json;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::bank::Bank;
use super::central::Central;
use super::clock::Clock;
use super::node::{Measured, Node, Running};
use super::process::Process;
use super::street::Street;
use super::wallet::Wallets;
use crate::address::reserve;
use crate::link::{Link, LinkProfile, Trace};
use crate::order_file::FileOrder;
use crate::postgres::Cluster;

/// The database of a day.
pub const DATABASE: &str = "getit";

/// Names of the pickup points, and whether a partner owns the till.
const POINTS: [(&str, bool); 2] = [("Kazipara point", false), ("Uttara partner point", true)];
/// Minutes after a delivery before its earning may mature.
const RETURN_WINDOW_MIN: u32 = 10;

/// Everything that runs.
pub struct House {
    /// The business clock.
    pub clock: Clock,
    /// The physical world.
    pub street: Street,
    /// The bank.
    pub bank: Bank,
    /// bKash, Nagad, Rocket.
    pub wallets: Wallets,
    /// Central's API.
    pub central: Central,
    /// The courier hub's scope.
    pub site: Scope,
    /// The pickup points, and whether a partner owns the till.
    pub points: Vec<(Scope, bool)>,
    /// The sync-hubs.
    pub hubs: Vec<Mutex<Process>>,
    /// Central's process.
    pub central_process: Mutex<Process>,
    /// All edges; the courier hub first.
    pub nodes: Vec<Arc<Node>>,
    /// Times of taps.
    pub measured: Arc<Measured>,
    /// Agents who are given parcels that a second agent claims too.
    twin_leads: BTreeSet<Scope>,
    closing: AtomicBool,
    orders: AtomicUsize,
    parcels: AtomicUsize,
    refused: std::sync::Mutex<BTreeMap<String, u64>>,
    /// For log lines.
    pub started: Instant,
}

/// What a house is built from.
pub struct Plan<'a> {
    /// Folder of the binaries.
    pub bin: &'a Path,
    /// Data folder of the day; empty.
    pub data: &'a Path,
    /// URL of the day's database.
    pub database_url: String,
    /// How many agents.
    pub agents: usize,
    /// Chooses links and faults.
    pub seed: u64,
    /// The business clock.
    pub clock: Clock,
}

impl House {
    /// Builds and starts everything.
    ///
    /// # Errors
    /// Whatever does not start, with where its log is.
    pub async fn build(plan: &Plan<'_>, orders: &[FileOrder]) -> anyhow::Result<Self> {
        let started = Instant::now();
        let logs = plan.data.join("logs");
        std::fs::create_dir_all(&logs)?;
        let hub_addresses = [reserve()?, reserve()?];
        let (central_process, central) = start_central(plan, &hub_addresses, &logs).await?;
        let mut hubs = Vec::new();
        for (index, address) in hub_addresses.iter().enumerate() {
            hubs.push(Mutex::new(start_hub(plan, index + 1, *address, &logs).await?));
        }
        say(started, &plan.clock, "postgres, central and two hubs are up");
        let site_answer = central
            .operate(reqwest::Method::POST, "/sites", &json!({ "name": "Dhaka courier hub", "districts": ["*"] }))
            .await?;
        let site = site_answer["site"].as_str().and_then(Subject::parse).context("the site's id")?;
        // A short return window: the day ends with vendors paid.
        let terms = json!({
            "effective_from_ms": 1_000, "delivery_paisa": 6_000, "vat_bp": 1_500, "commission_bp": 1_000, "cod_bp": 100,
            "rto_paisa": 5_000, "return_window_min": RETURN_WINDOW_MIN,
        });
        central.operate(reqwest::Method::POST, "/terms", &terms).await?;
        let mut points = Vec::new();
        for (name, partner) in POINTS {
            let body = json!({
                "name": name, "kind": "point", "hub": site, "partner": partner, "districts": ["Dhaka"],
                "position": { "lat_microdeg": 23_807_000, "lon_microdeg": 90_368_000 }, "opening": "9:00-21:00",
            });
            let answer = central.operate(reqwest::Method::POST, "/sites", &body).await?;
            points.push((answer["site"].as_str().and_then(Subject::parse).context("the point's id")?, partner));
        }
        let vendors = stock(&central, orders).await?;
        say(started, &plan.clock, &format!("{} vendors with their goods are entered", vendors.len()));

        let measured = Arc::new(Measured::default());
        let mut wanted =
            vec![("courier-hub".to_owned(), "site", json!({ "role": "site", "name": "Courier hub", "site": site }))];
        for (index, (point, _)) in points.iter().enumerate() {
            let name = format!("point-{}", index + 1);
            wanted.push((name, "point", json!({ "role": "site", "name": "Counter", "site": point })));
        }
        for n in 1..=plan.agents {
            let body = json!({ "role": "agent", "name": format!("Agent {n}"), "site": site, "cash_ceiling_paisa": 30_000_000 });
            wanted.push((format!("agent-{n}"), "agent", body));
        }
        for slug in &vendors {
            wanted.push((
                format!("vendor-{slug}"),
                "vendor",
                json!({ "role": "vendor", "name": slug, "vendor": slug }),
            ));
        }
        let mut nodes = Vec::new();
        let last_agent = format!("agent-{}", plan.agents);
        for (index, (name, role, body)) in wanted.into_iter().enumerate() {
            let (code, party) = central.code(&body).await?;
            let party = Subject::parse(&party).with_context(|| format!("{party} is no id"))?;
            let offset_ms = if name == last_agent { 2 * 24 * 3_600_000 } else { 0 };
            let node = Start { plan, logs: &logs, hubs: &hub_addresses, index, offset_ms, measured: &measured };
            nodes.push(Arc::new(node.node(&name, role, party, &code).await?));
        }
        say(started, &plan.clock, &format!("{} devices are enrolled and running", nodes.len()));
        let agents = nodes.iter().filter(|node| node.role == "agent").map(|node| node.party);
        let twin_leads = agents.step_by(2).collect();
        Ok(Self {
            clock: plan.clock,
            street: Street::default(),
            bank: Bank::default(),
            wallets: Wallets::default(),
            central,
            site,
            points,
            hubs,
            central_process: Mutex::new(central_process),
            nodes,
            measured,
            twin_leads,
            closing: AtomicBool::new(false),
            orders: AtomicUsize::new(0),
            parcels: AtomicUsize::new(0),
            refused: std::sync::Mutex::default(),
            started,
        })
    }

    /// Edges of a role.
    pub fn of_role(&self, role: &str) -> Vec<Arc<Node>> {
        self.nodes.iter().filter(|node| node.role == role).cloned().collect()
    }

    /// The scope of the vendor of this name.
    pub fn vendor(&self, slug: &str) -> Option<Scope> {
        let name = format!("vendor-{slug}");
        self.nodes.iter().find(|node| node.name == name).map(|node| node.party)
    }

    /// Whether this agent is one who gets twins first.
    pub fn leads_twins(&self, agent: &Scope) -> bool {
        self.twin_leads.contains(agent)
    }

    /// Everybody goes home after what he is doing.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether it is time to go home.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// An order was taken.
    pub fn count_order(&self, parcels: usize) {
        self.orders.fetch_add(1, Ordering::Relaxed);
        self.parcels.fetch_add(parcels, Ordering::Relaxed);
    }

    /// Orders and parcels so far.
    pub fn counts(&self) -> (usize, usize) {
        (self.orders.load(Ordering::Relaxed), self.parcels.load(Ordering::Relaxed))
    }

    /// Central said no to an order of the file.
    pub fn note_refused_order(&self, reference: &str, code: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = refused.entry(code.to_owned()).or_default();
        *count += 1;
        if *count <= 3 {
            self.say(&format!("order {reference} was refused: {code}"));
        }
    }

    /// A line of progress.
    pub fn say(&self, text: &str) {
        say(self.started, &self.clock, text);
    }

    /// Stops all processes gracefully, edges first.
    pub async fn stop(&self) {
        for node in &self.nodes {
            node.process.lock().await.stop().await;
            node.link.stop();
        }
        for hub in &self.hubs {
            hub.lock().await.stop().await;
        }
        self.central_process.lock().await.stop().await;
    }

    /// Addresses for people who look around afterwards.
    pub async fn addresses(&self) -> Vec<(String, String)> {
        let mut all = vec![("central".to_owned(), self.central.base().to_owned())];
        for node in &self.nodes {
            let process = node.process.lock().await;
            if let Ok(text) = std::fs::read_to_string(process.data.join("address.json")) {
                all.push((node.name.clone(), text));
            }
        }
        all
    }
}

#[allow(clippy::print_stderr)]
fn say(started: Instant, clock: &Clock, text: &str) {
    eprintln!("{:>4} s  {}  {text}", started.elapsed().as_secs(), clock.face());
}

pub(crate) fn write_config(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    write_private(path, text)
}

/// Tokens, and URLs that may hold a password, are their owner's alone.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

pub(crate) fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

async fn start_central(plan: &Plan<'_>, hubs: &[SocketAddr], logs: &Path) -> anyhow::Result<(Process, Central)> {
    let http = configure_central(plan, hubs)?;
    let mut process = central_process(plan, logs);
    process.start().await?;
    let mut tokens = Vec::new();
    for role in ["customer", "operations", "finance", "finance"] {
        tokens.push(token(plan, &["--role", role]).await?);
    }
    write_private(&plan.data.join("tokens"), &tokens.join("\n"))?;
    let [customer, operations, finance, checker] = <[String; 4]>::try_from(tokens).unwrap_or_default();
    Ok((process, Central::new(&http.to_string(), customer, operations, finance).with_checker(checker)))
}

/// Writes central's configuration, on free ports. Returns where it will serve plain HTTP.
pub(crate) fn configure_central(plan: &Plan<'_>, hubs: &[SocketAddr]) -> anyhow::Result<SocketAddr> {
    let data = plan.data.join("central");
    let (http, tls) = (reserve()?, reserve()?);
    let hubs: Vec<String> = hubs.iter().map(|hub| format!("\"{hub}\"")).collect();
    write_config(
        &plan.data.join("central.toml"),
        &format!(
            "data_dir = {}\n[http]\nlisten = \"{http}\"\ntls_listen = \"{tls}\"\nnames = [\"127.0.0.1\"]\n\
             [database]\nurl = {:?}\n[hubs]\naddresses = [{}]\n[log]\nlevel = \"info,sqlx=warn\"\n{}",
            quoted(&data),
            plan.database_url,
            hubs.join(", "),
            plan.clock.toml(0)
        ),
    )?;
    std::fs::create_dir_all(&data)?;
    Ok(http)
}

/// Central as it is configured, not started yet.
pub(crate) fn central_process(plan: &Plan<'_>, logs: &Path) -> Process {
    let arguments = ["run".to_owned(), "--config".to_owned(), plan.data.join("central.toml").display().to_string()];
    Process::new("central", plan.bin.join("central"), &arguments, &plan.data.join("central"), logs)
}

/// Mints a token.
pub(crate) async fn token(plan: &Plan<'_>, of: &[&str]) -> anyhow::Result<String> {
    let config = plan.data.join("central.toml").display().to_string();
    output(&plan.bin.join("central"), &[&["token", "--config", &config], of].concat()).await
}

async fn start_hub(plan: &Plan<'_>, number: usize, address: SocketAddr, logs: &Path) -> anyhow::Result<Process> {
    configure_hub(plan, number, address).await?;
    let mut process = hub_process(plan, number, logs);
    process.start().await?;
    Ok(process)
}

/// Writes a hub's identity and configuration.
pub(crate) async fn configure_hub(plan: &Plan<'_>, number: usize, address: SocketAddr) -> anyhow::Result<()> {
    let data = plan.data.join(format!("hub-{number}"));
    std::fs::create_dir_all(&data)?;
    let identity = data.join("identity.json").display().to_string();
    let central_config = plan.data.join("central.toml").display().to_string();
    output(&plan.bin.join("central"), &["hub-identity", "--out", &identity, "--config", &central_config]).await?;
    write_config(
        &plan.data.join(format!("hub-{number}.toml")),
        &format!(
            "data_dir = {}\ncentral_dir = {}\n[quic]\nlisten = \"{address}\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [database]\nurl = {:?}\n[log]\nlevel = \"info,sqlx=warn\"\n{}",
            quoted(&data),
            quoted(&plan.data.join("central")),
            plan.database_url,
            plan.clock.toml(0)
        ),
    )
}

/// A hub as it is configured, not started yet.
pub(crate) fn hub_process(plan: &Plan<'_>, number: usize, logs: &Path) -> Process {
    let name = format!("hub-{number}");
    let config = plan.data.join(format!("{name}.toml")).display().to_string();
    let arguments = ["--config".to_owned(), config];
    Process::new(&name, plan.bin.join("sync-hub"), &arguments, &plan.data.join(&name), logs)
}

/// Runs a program to its end and returns what it printed.
pub(crate) async fn output(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output().await?;
    if !output.status.success() {
        // The first argument names the command; later ones may hold a code.
        let command = arguments.first().unwrap_or(&"");
        bail!("{} {command} failed: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Sets the prices of one order.
///
/// # Errors
/// When central does not take them.
pub async fn set_prices(central: &Central, order: &FileOrder) -> anyhow::Result<()> {
    let mut goods: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for item in &order.items {
        goods.entry(&item.vendor).or_default().insert(&item.sku, item.unit_price_paisa);
    }
    put_offers(central, &goods).await
}

pub(crate) async fn put_offers(central: &Central, goods: &BTreeMap<&str, BTreeMap<&str, i64>>) -> anyhow::Result<()> {
    let names = crate::order_book::catalogue_names();
    for (slug, offers) in goods {
        let offers: Vec<_> = offers
            .iter()
            .map(|(sku, price)| {
                let plain = || ((*sku).to_owned(), (*sku).to_owned(), "piece".to_owned());
                let (en, bn, unit) = names.get(*sku).cloned().unwrap_or_else(plain);
                json!({ "sku": sku, "name_en": en, "name_bn": bn, "unit": unit, "unit_price_paisa": price })
            })
            .collect();
        for part in offers.chunks(500) {
            central.operate(reqwest::Method::PUT, &format!("/vendors/{slug}/offers"), &json!(part)).await?;
        }
    }
    Ok(())
}

/// Enters the vendors and goods that the orders name, at the prices of the orders.
async fn stock(central: &Central, orders: &[FileOrder]) -> anyhow::Result<Vec<String>> {
    let mut goods: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for item in orders.iter().flat_map(|order| &order.items) {
        goods.entry(&item.vendor).or_default().insert(&item.sku, item.unit_price_paisa);
    }
    for slug in goods.keys() {
        central.operate(reqwest::Method::POST, "/vendors", &json!({ "slug": slug, "name": slug })).await?;
    }
    put_offers(central, &goods).await?;
    Ok(goods.keys().map(|slug| (*slug).to_owned()).collect())
}

struct Start<'a> {
    plan: &'a Plan<'a>,
    logs: &'a Path,
    hubs: &'a [SocketAddr],
    index: usize,
    offset_ms: i64,
    measured: &'a Arc<Measured>,
}

impl Start<'_> {
    async fn node(&self, name: &str, role: &'static str, party: Scope, code: &str) -> anyhow::Result<Node> {
        let plan = self.plan;
        let data: PathBuf = plan.data.join("node").join(name);
        let config = plan.data.join("node").join(format!("{name}.toml"));
        let link = Link::start(name, self.hubs, self.profile(role), plan.seed ^ self.index as u64).await?;
        let http = reserve()?;
        // Each prefers another hub, so that both have work.
        let mut hubs: Vec<String> = link.addresses().iter().map(|address| format!("\"{address}\"")).collect();
        let turn = self.index % hubs.len();
        hubs.rotate_left(turn);
        write_config(
            &config,
            &format!(
                "data_dir = {}\n[http]\nlisten = \"{http}\"\n[quic]\nhubs = [{}]\nbackoff_most_ms = 2000\n[lan]\nenabled = false\n{}",
                quoted(&data),
                hubs.join(", "),
                plan.clock.toml(self.offset_ms)
            ),
        )?;
        let program = plan.bin.join("edge-node");
        let settings = config.display().to_string();
        output(&program, &["enrol", "--config", &settings, code]).await.with_context(|| format!("enrolling {name}"))?;
        let arguments = ["run".to_owned(), "--config".to_owned(), settings];
        let mut process = Process::new(name, program, &arguments, &data, self.logs);
        process.start().await?;
        let token = std::fs::read_to_string(data.join("api.token")).context("api.token")?.trim().to_owned();
        let running = Running { link, process, address: http.to_string(), token };
        Ok(Node::new(name, role, party, running, Arc::clone(self.measured)))
    }

    /// Vendors and the hub sit on a fixed line of a few Mbit/s; agents on the road have 3G as it was
    /// really measured, with delay and loss.
    fn profile(&self, role: &str) -> LinkProfile {
        let shipped = Trace::shipped();
        let millis = Duration::from_millis;
        if role == "agent" {
            let trace = shipped[self.index % shipped.len()].1.clone();
            return LinkProfile {
                delay_each_way: millis(70 + 10 * (self.index as u64 % 5)),
                jitter: millis(15),
                loss_ppm: 10_000,
                duplicate_ppm: 2_000,
                ..LinkProfile::clean(trace)
            };
        }
        LinkProfile {
            delay_each_way: millis(12),
            jitter: millis(3),
            loss_ppm: 2_000,
            duplicate_ppm: 1_000,
            ..LinkProfile::clean(Trace::constant(8_000_000))
        }
    }
}

/// Postgres of the day: a private cluster in the data folder, or what `DATABASE_URL` names.
///
/// # Errors
/// When neither is to be had.
pub async fn postgres(data: &Path) -> anyhow::Result<(Option<Cluster>, String)> {
    if let Ok(url) = std::env::var("DATABASE_URL") {
        let cluster = Cluster::given(&url)?;
        let name = format!("getit_day_{}", super::clock::real_ms());
        cluster.create_database(&name).await?;
        return Ok((None, cluster.url(&name)));
    }
    let cluster = Cluster::start(&data.join("pg"))?;
    cluster.create_database(DATABASE).await?;
    let url = cluster.url(DATABASE);
    Ok((Some(cluster), url))
}
