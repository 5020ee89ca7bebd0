//! `./dev up`: the whole system on one machine, for people who look around: Postgres, central, a hub,
//! the courier hub's edge with its kiosk, a vendor with goods, a few orders. It prints where everything
//! is, and codes by which the agent's and the vendor's apps enrol. Ctrl-C stops it; the next run goes on
//! with the same data, at the same addresses.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use edge_node::kiosk::ask::Running;
use protocol::id::{Scope, Subject};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::address::reserve;
use crate::day::central::Central;
use crate::day::clock::{Clock, real_ms};
use crate::day::house::{self, Plan};
use crate::day::process::Process;
use crate::order_file;
use crate::postgres::Cluster;

/// The vendor who is set up: the first of the catalogue.
const VENDOR: &str = "rahim-grocery";
/// Goods on offer: a page of a vendor's screen, and a bit.
const GOODS: usize = 40;
/// Orders at the first start: screens are not empty, and a person can read them all.
const ORDERS: usize = 8;

const CATALOGUE: &str = include_str!("../data/catalogue.csv");
const ORDER_FILE: &[u8] = include_bytes!("../data/orders.csv");

/// What is made once, at the first start.
#[derive(Serialize, Deserialize)]
struct Made {
    /// The courier hub.
    site: Subject,
    /// The database.
    database: String,
}

/// The tokens, by role.
type Tokens = BTreeMap<String, String>;

/// Starts everything, says where it is, and stays until it is told to stop.
///
/// # Errors
/// What does not start, and where its log is.
pub async fn stay(bin: &Path, data: &Path) -> anyhow::Result<ExitCode> {
    // Before anything is started: a Ctrl-C during the start must stop what runs by then.
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = signal(SignalKind::hangup())?;
    let _lock = take(data)?;
    let data = data.canonicalize()?;
    let made: Option<Made> = match std::fs::read_to_string(data.join("made.json")) {
        Ok(text) => Some(serde_json::from_str(&text).context("made.json")?),
        Err(_) => None,
    };
    let (cluster, database) = postgres(&data, made.as_ref()).await?;
    let mut system = System::new(bin, &data, cluster.url(&database))?;
    let started = tokio::select! {
        started = system.start(made, database) => started,
        _ = int.recv() => Err(anyhow::anyhow!("stopped while starting")),
        _ = term.recv() => Err(anyhow::anyhow!("stopped while starting")),
    };
    if started.is_ok() {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hangup.recv() => {}
        }
        say("stopping");
    }
    system.stop().await;
    drop(cluster);
    started.map(|()| ExitCode::SUCCESS)
}

/// Takes the folder for this run. One whose first start did not end is made anew.
fn take(data: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
    let (lock, ours) = (data.join("up.lock"), data.join("getit-up"));
    let empty = std::fs::read_dir(data)?.next().is_none();
    anyhow::ensure!(
        empty || ours.exists(),
        "{} holds something else: choose another folder with GETIT_DATA",
        data.display()
    );
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock)?;
    file.try_lock().map_err(|_| anyhow::anyhow!("./dev up runs already on {}: stop that one first", data.display()))?;
    if !data.join("made.json").exists() {
        for entry in std::fs::read_dir(data)?.flatten().filter(|entry| entry.path() != lock) {
            let path = entry.path();
            if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
        }
        std::fs::write(ours, "the data of ./dev up; may be deleted while it does not run\n")?;
    }
    Ok(file)
}

/// A private cluster in the data folder, or the server of `DATABASE_URL`; and the name of the database.
async fn postgres(data: &Path, made: Option<&Made>) -> anyhow::Result<(Cluster, String)> {
    let cluster = match std::env::var("DATABASE_URL") {
        Ok(url) => Cluster::given(&url)?,
        Err(_) => Cluster::start(&data.join("pg"))?,
    };
    // A server that is shared may hold what an earlier folder left.
    let name = made.map_or_else(|| format!("getit_up_{}", real_ms()), |made| made.database.clone());
    cluster.create_database(&name).await?;
    Ok((cluster, name))
}

struct System<'a> {
    plan: Plan<'a>,
    logs: PathBuf,
    /// In the order of their start.
    processes: Vec<Process>,
}

impl<'a> System<'a> {
    fn new(bin: &'a Path, data: &'a Path, database_url: String) -> anyhow::Result<Self> {
        let logs = data.join("logs");
        std::fs::create_dir_all(&logs)?;
        // Business time is everybody's time here.
        let clock = Clock::starting(real_ms(), 1);
        let plan = Plan { bin, data, database_url, agents: 0, seed: 0, clock };
        Ok(Self { plan, logs, processes: Vec::new() })
    }

    async fn start(&mut self, made: Option<Made>, database: String) -> anyhow::Result<()> {
        let made = match made {
            Some(made) => {
                say("going on with the data of the last run");
                self.run(house::central_process(&self.plan, &self.logs)).await?;
                self.run(house::hub_process(&self.plan, 1, &self.logs)).await?;
                made
            }
            None => self.first_start(database).await?,
        };
        self.run(self.kiosk()).await?;
        self.announce(&made).await
    }

    async fn run(&mut self, process: Process) -> anyhow::Result<()> {
        let mut process = process.apart();
        say(&format!("starting {}", process.name));
        let started = process.start().await;
        // Also what did not get ready is stopped in the end.
        self.processes.push(process);
        started.map(drop)
    }

    /// Sets the market up, enrols the kiosk's device and places some orders.
    async fn first_start(&mut self, database: String) -> anyhow::Result<Made> {
        say("first start: making keys, tokens, a courier hub, a vendor and some orders");
        let hub = reserve()?;
        house::configure_central(&self.plan, &[hub])?;
        self.run(house::central_process(&self.plan, &self.logs)).await?;
        house::configure_hub(&self.plan, 1, hub).await?;
        self.run(house::hub_process(&self.plan, 1, &self.logs)).await?;
        let mut tokens = Tokens::new();
        for role in ["customer", "operations", "finance"] {
            tokens.insert(role.to_owned(), house::token(&self.plan, &["--role", role]).await?);
        }
        let central = self.central(&tokens)?;
        let hub = json!({ "name": "Dhaka courier hub", "districts": ["*"] });
        let answer = central.operate(Method::POST, "/sites", &hub).await?;
        let site = answer["site"].as_str().and_then(Subject::parse).context("the site's id")?;
        let vendor = json!({ "slug": VENDOR, "name": "Rahim Grocery" });
        central.operate(Method::POST, "/vendors", &vendor).await?;
        let of_vendor = ["--role", "vendor", "--vendor", VENDOR];
        tokens.insert("vendor".to_owned(), house::token(&self.plan, &of_vendor).await?);
        let goods = goods()?;
        let offers = goods.iter().map(|(sku, price)| (sku.as_str(), *price)).collect();
        house::put_offers(&central, &BTreeMap::from([(VENDOR, offers)])).await?;
        for (number, order) in orders(&goods)?.iter().enumerate() {
            let placed = central.place(&format!("first-start-{number}"), order).await?;
            placed.map_err(|refused| anyhow::anyhow!("order {number} was refused: {}", refused.code))?;
        }
        self.enrol_kiosk(&central, site).await?;
        let private = |name: &str, value: Value| {
            house::write_private(&self.plan.data.join(name), &serde_json::to_string_pretty(&value)?)
        };
        private("tokens.json", json!(tokens))?;
        let made = Made { site, database };
        private("made.json", json!(made))?;
        Ok(made)
    }

    /// The API with the addresses that central wrote.
    fn central(&self, tokens: &Tokens) -> anyhow::Result<Central> {
        let of = |role: &str| tokens.get(role).cloned().unwrap_or_default();
        let http = self.address("central", "http")?;
        Ok(Central::new(&http, of("customer"), of("operations"), of("finance")))
    }

    fn address(&self, of: &str, field: &str) -> anyhow::Result<String> {
        let path = self.plan.data.join(of).join("address.json");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let addresses: Value = serde_json::from_str(&text)?;
        Ok(addresses[field].as_str().with_context(|| format!("{field} in {}", path.display()))?.to_owned())
    }

    fn kiosk_config(&self) -> PathBuf {
        self.plan.data.join("node").join("courier-hub.toml")
    }

    async fn enrol_kiosk(&self, central: &Central, site: Scope) -> anyhow::Result<()> {
        let data = self.plan.data.join("node").join("courier-hub");
        let text = format!(
            "data_dir = {}\n[http]\nlisten = \"{}\"\n[quic]\nbackoff_most_ms = 2000\n{}",
            house::quoted(&data),
            reserve()?,
            self.plan.clock.toml(0)
        );
        house::write_config(&self.kiosk_config(), &text)?;
        let wish = json!({ "role": "site", "name": "Courier hub", "site": site });
        let (code, _) = central.code(&wish).await?;
        let config = self.kiosk_config().display().to_string();
        let enrolled = house::output(&self.plan.bin.join("edge-node"), &["enrol", "--config", &config, &code]).await;
        enrolled.context("enrolling the kiosk").map(drop)
    }

    fn kiosk(&self) -> Process {
        let arguments = ["run".to_owned(), "--config".to_owned(), self.kiosk_config().display().to_string()];
        let data = self.plan.data.join("node").join("courier-hub");
        Process::new("courier-hub", self.plan.bin.join("edge-node"), &arguments, &data, &self.logs)
    }

    /// Prints where everything is. Tests read these lines: a name, two spaces or more, the rest.
    #[allow(clippy::print_stdout)]
    async fn announce(&self, made: &Made) -> anyhow::Result<()> {
        let path = self.plan.data.join("tokens.json");
        let tokens: Tokens = serde_json::from_str(&std::fs::read_to_string(&path)?).context("tokens.json")?;
        let central = self.central(&tokens)?;
        let agent = json!({ "role": "agent", "name": "Karim", "site": made.site });
        let vendor = json!({ "role": "vendor", "name": "Rahim Grocery", "vendor": VENDOR });
        let (agent, vendor) = (central.code(&agent).await?.0, central.code(&vendor).await?.0);
        let node = self.plan.data.join("node").join("courier-hub");
        let http = self.address("central", "http")?;
        let counter = self.address("node/courier-hub", "http")?;
        let token = std::fs::read_to_string(node.join("api.token")).context("the kiosk's token")?;
        let page = Running::at(&counter, token.trim().to_owned())?.link().await.context("the kiosk's link")?;
        let lines = [
            ("central", format!("http://{http}/api/v1")),
            ("console", format!("http://{http}/console/ (sign in with the token of finance)")),
            ("central https", format!("https://{}/api/v1", self.address("central", "https")?)),
            ("root certificate", self.plan.data.join("central/ca.pem").display().to_string()),
            ("openapi", format!("http://{http}/openapi.json")),
            ("hub", format!("http://{}/healthz", self.address("hub-1", "http")?)),
            ("hub quic", self.address("hub-1", "quic")?),
            ("kiosk", format!("http://{counter}/")),
            ("kiosk page", page),
            ("kiosk token", node.join("api.token").display().to_string()),
            ("tokens", path.display().to_string()),
            ("logs", self.logs.display().to_string()),
            ("agent's code", agent),
            ("vendor's code", vendor),
        ];
        println!("\neverything runs; codes are good for 15 minutes and one device each, the kiosk's page opens once");
        for (name, value) in lines {
            println!("{name:<18}{value}");
        }
        println!("Ctrl-C stops it");
        Ok(())
    }

    /// Stops all processes gracefully, those that depend on others first.
    async fn stop(&mut self) {
        while let Some(mut process) = self.processes.pop() {
            process.stop().await;
        }
    }
}

#[allow(clippy::print_stderr)]
fn say(text: &str) {
    eprintln!("up: {text}");
}

/// The vendor's goods and their prices, paisa.
fn goods() -> anyhow::Result<Vec<(String, i64)>> {
    let mut goods = Vec::new();
    for row in csv::Reader::from_reader(CATALOGUE.as_bytes()).records() {
        let row = row?;
        if row.get(0) == Some(VENDOR) && goods.len() < GOODS {
            let price: i64 = row.get(5).context("unit_price")?.parse()?;
            goods.push((row.get(1).context("sku")?.to_owned(), price * 100));
        }
    }
    anyhow::ensure!(goods.len() >= ORDERS, "the catalogue has no goods of {VENDOR}");
    Ok(goods)
}

/// Some orders of this vendor's goods, by customers of the shipped order file.
fn orders(goods: &[(String, i64)]) -> anyhow::Result<Vec<Value>> {
    let file = order_file::parse(ORDER_FILE)?;
    let order = |(number, from): (usize, &order_file::FileOrder)| {
        let line = |n: usize| {
            let (sku, price) = &goods[(number * 3 + n) % goods.len()];
            json!({ "vendor": VENDOR, "sku": sku, "qty": n + 1, "unit_price_paisa": price })
        };
        json!({
            "reference": from.order_ref,
            "customer": { "name": from.customer_name, "phone": from.phone },
            "address": { "district": from.district, "upazila": from.upazila, "line": from.address },
            "payment": "cod",
            "delivery": "door",
            "items": (0..=number % 3).map(line).collect::<Vec<_>>(),
        })
    };
    Ok(file.orders.iter().take(ORDERS).enumerate().map(order).collect())
}
