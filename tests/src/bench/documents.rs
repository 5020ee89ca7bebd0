//! The scene of `tests/peers`, by this project: 10,000 documents of about 400 bytes, here products of one vendor. One
//! of the vendor's devices fills central; another one, a process of its own, gets all of them, comes back with
//! nothing to do, and comes back after 100 + 100 changes. Real central, hub and Postgres, QUIC with certificates,
//! SQLite that fsyncs every tap.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use edge_node::Node;
use edge_node::document::{ProductEdit, ProductView};
use protocol::burst::{Burst, ChainPlace, MAX_OPS};
use protocol::document::Document;
use protocol::fact::{Fact, ProductChange};
use protocol::id::{Scope, Subject};
use protocol::intake::op_of;
use protocol_quic::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::ground::{Ground, identity_of, open};
use super::seat::Seat;
use crate::link::{Link, LinkProfile, Trace};
use crate::model::Dice;
use crate::postgres::Cluster;

/// Bursts that a device takes in one transaction while central is filled.
const AT_ONCE: usize = 50;
/// Loopback has no limit of its own; the relay that counts bytes wants one.
const BITS_A_SECOND: u64 = 10_000_000_000;
const SETTINGS: &str = "QUIC, mutual TLS, SQLite synchronous=FULL, Postgres commit, every op signed";
const WORDS: &str = "road house market north south river bridge station school tea rice paid open sent ready late morning \
                     evening call gate shop lane";
const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// One case, as the peers print theirs.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// `getit`.
    pub system: &'static str,
    /// Of this workspace.
    pub version: &'static str,
    /// How it is set.
    pub settings: &'static str,
    /// `repetitive` or `entropy`.
    pub generator: &'static str,
    /// `loopback`.
    pub link: &'static str,
    /// `first`, `nothing`, `reconnect`.
    pub case: &'static str,
    /// Documents.
    pub n: u32,
    /// Changes on each side.
    pub d: u32,
    /// From the start of connecting until both ends hold the same, durably, and the device knows.
    pub ms: f64,
    /// Of UDP, with QUIC's handshake.
    pub bytes_up: u64,
    /// The same, down.
    pub bytes_down: u64,
    /// Flights of the device.
    pub turns: u32,
    /// The device's peak since it began.
    pub rss_mb: u64,
    /// Both ends had fsynced what they received.
    pub durable: bool,
}

/// Runs the scene with texts that repeat words, or with texts of chance.
///
/// # Errors
/// Postgres, sockets, a session that does not end in equal roots, contents that differ.
pub async fn documents(
    cluster: &Cluster,
    folder: &Path,
    generator: &'static str,
    n: u32,
    d: u32,
) -> anyhow::Result<Vec<Case>> {
    anyhow::ensure!(n >= 2 * d && d > 0, "--n has to be twice --d or more");
    let ground = Ground::start(cluster, folder).await?;
    let made = ground.post("/vendors", &json!({ "slug": "peers", "name": "Peers" })).await?;
    let vendor = Subject::parse(made["vendor"].as_str().unwrap_or_default()).context("a vendor")?;
    let request = json!({ "role": "vendor", "name": "shop", "vendor": "peers" });
    let shop = open(&ground.enrol("shop", &request).await?)?;
    let phone = ground.enrol("phone", &request).await?;
    let hub = ground.hub.quic;
    let texts = Texts { generator, vendor };
    fill(&shop, &texts, n)?;
    let at_shop = Device::new(&identity_of(&shop), "0.0.0.0:0".parse()?)?;
    Seat::begin(&at_shop, hub, &shop).await?.rest().await?;

    let link = Link::start("loopback", &[hub], LinkProfile::clean(Trace::constant(BITS_A_SECOND)), 1).await?;
    let mut replica = Replica::spawn(&phone, link.addresses()[0])?;
    let mut cases = Vec::new();
    for case in ["first", "nothing", "reconnect"] {
        if case == "reconnect" {
            for at in 0..d {
                texts.change(&shop, u64::from(at), at * (n / d))?;
            }
            Seat::begin(&at_shop, hub, &shop).await?.rest().await?;
            replica.ask(&format!("change {generator} {vendor} {n} {d}")).await?;
        }
        let before = link.bytes();
        let came: Came = serde_json::from_str(&replica.ask("come").await?)?;
        let after = link.bytes();
        cases.push(Case {
            system: "getit",
            version: env!("CARGO_PKG_VERSION"),
            settings: SETTINGS,
            generator,
            link: "loopback",
            case,
            n,
            d,
            ms: came.ms,
            bytes_up: after.up - before.up,
            bytes_down: after.down - before.down,
            turns: came.turns,
            rss_mb: came.rss_kb / 1024,
            durable: true,
        });
    }
    replica.ask("end").await?;
    Seat::begin(&at_shop, hub, &shop).await?.rest().await?;
    let (here, there) = (contents(&shop)?, contents(&open(&phone)?)?);
    anyhow::ensure!(here.len() == n as usize, "{} products, not {n}", here.len());
    anyhow::ensure!(here == there, "the contents differ at the end");
    ground.stop().await?;
    Ok(cases)
}

/// What the device of a child process says of one session.
#[derive(Serialize, Deserialize)]
struct Came {
    ms: f64,
    turns: u32,
    rss_kb: u64,
}

/// The device's side: reads a word a line, answers with one.
///
/// # Errors
/// The link, the store, and words that it does not know.
pub async fn replica(dir: &Path, hub: SocketAddr) -> anyhow::Result<()> {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let node = open(dir)?;
    let device = Device::new(&identity_of(&node), "0.0.0.0:0".parse()?)?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let said = match words[..] {
            ["come"] => {
                let mut seat = Seat::begin(&device, hub, &node).await?;
                seat.rest().await?;
                let ms = (seat.started.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
                serde_json::to_string(&Came { ms, turns: seat.turns, rss_kb: peak_kb()? })?
            }
            ["change", generator, vendor, n, d] => {
                let vendor = Subject::parse(vendor).context("a vendor")?;
                let generator = if generator == "entropy" { "entropy" } else { "repetitive" };
                let (n, d): (u32, u32) = (n.parse()?, d.parse()?);
                let texts = Texts { generator, vendor };
                for at in 0..d {
                    texts.change(&node, u64::from(at), at * (n / d) + n / (2 * d))?;
                }
                "changed".to_owned()
            }
            ["end"] => "ended".to_owned(),
            _ => anyhow::bail!("{line:?} is no word of this bench"),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{said}")?;
        out.flush()?;
        if words == ["end"] {
            break;
        }
    }
    Ok(())
}

fn peak_kb() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// A device in a process of its own, whose memory is its own.
struct Replica {
    _child: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Replica {
    fn spawn(dir: &Path, hub: SocketAddr) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("replica").arg(dir).arg(hub.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let ask = child.stdin.take().context("no stdin")?;
        let answers = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        Ok(Self { _child: child, ask, answers })
    }

    async fn ask(&mut self, word: &str) -> anyhow::Result<String> {
        self.ask.write_all(format!("{word}\n").as_bytes()).await?;
        self.answers.next_line().await?.with_context(|| format!("the device ended at {word:?}"))
    }
}

/// The texts of the documents, each a pure function of its number.
struct Texts {
    generator: &'static str,
    vendor: Scope,
}

impl Texts {
    fn text(&self, dice: &mut Dice, length: usize) -> String {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut text = String::new();
        while text.len() < length {
            if self.generator == "entropy" {
                text.push(char::from(SIGNS[dice.below(SIGNS.len())]));
            } else {
                text.push_str(words[dice.below(words.len())]);
                text.push(' ');
            }
        }
        text.truncate(length);
        text.trim_end().to_owned()
    }

    fn sku(&self, number: u32) -> String {
        match self.generator {
            "entropy" => format!("{}{number:07}", self.text(&mut Dice::new(u64::from(number)), 13)),
            _ => format!("record-{number:013}"),
        }
    }

    fn document(&self, number: u32) -> ProductEdit {
        let mut dice = Dice::new(u64::from(number) + 1_000_000_007);
        ProductEdit {
            name_en: Some(self.text(&mut dice, 40)),
            name_bn: Some(self.text(&mut dice, 60)),
            unit: Some(self.text(&mut dice, 14)),
            price_paisa: Some(100 * (1 + i64::from(number % 1_000))),
            description: Some(self.text(&mut dice, 200)),
        }
    }

    /// One tap: another `name_bn`.
    fn change(&self, node: &Node, act: u64, number: u32) -> anyhow::Result<()> {
        let mut id = [0x44; 16];
        id[..8].copy_from_slice(&act.to_be_bytes());
        let text = self.text(&mut Dice::new(u64::from(number) + 2_000_000_011), 60);
        let edit = ProductEdit { name_bn: Some(text), ..ProductEdit::default() };
        node.edit_product(id, Subject::product(self.vendor, &self.sku(number)), &edit).map(drop).context("an edit")
    }
}

/// Writes n products in the device's name, as many in one burst as there may be: ten thousand taps take an hour.
fn fill(node: &Node, texts: &Texts, n: u32) -> anyhow::Result<()> {
    let hello = node.store().hello()?;
    let mut place = ChainPlace::start(node.author(), hello.inc);
    let mut bursts = Vec::new();
    for first in (0..n).step_by(MAX_OPS) {
        let mut ops = Vec::new();
        for number in first..n.min(first + MAX_OPS as u32) {
            let fields = texts.document(number).fields().context("a product")?;
            let change = Document::of([]).edit(place.author, place.inc, &fields).context("an edit")?;
            let (vendor, sku) = (texts.vendor, texts.sku(number));
            let subject = Subject::product(vendor, &sku);
            ops.push(op_of(subject, &Fact::ProductChanged(ProductChange { vendor, sku, change }), Vec::new()));
        }
        let burst = Burst::sign(&node.identity().key, &place, node.now_ms(), &ops);
        place = place.then(burst.digest());
        bursts.push(burst);
    }
    for part in bursts.chunks(AT_ONCE) {
        node.receive(part.to_vec())?;
    }
    Ok(())
}

fn contents(node: &Arc<Node>) -> anyhow::Result<BTreeMap<Subject, String>> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let page: Vec<ProductView> = node.products(after, 100)?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.product);
        for product in page {
            all.insert(product.product, serde_json::to_string(&product)?);
        }
    }
}

/// A table of our rows beside the best of the peers', from lines as both print them.
///
/// # Errors
/// Lines that are no rows.
pub fn compared(lines: &str) -> anyhow::Result<String> {
    let rows: Vec<serde_json::Value> = lines
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("a line is no row")?;
    let mut table = format!(
        "{:>11} {:>9} {:>16} {:>10} {:>11} {:>11} {:>6}\n",
        "texts", "case", "system", "ms", "up", "down", "MB"
    );
    for generator in ["repetitive", "entropy"] {
        for case in ["first", "nothing", "reconnect"] {
            let of = || rows.iter().filter(move |row| row["generator"] == generator && row["case"] == case);
            for row in of() {
                let number = |key: &str| row[key].as_f64().map_or("-".to_owned(), |value| value.to_string());
                table += &format!(
                    "{generator:>11} {case:>9} {:>16} {:>10} {:>11} {:>11} {:>6}\n",
                    row["system"].as_str().unwrap_or("?"),
                    number("ms"),
                    number("bytes_up"),
                    number("bytes_down"),
                    number("rss_mb"),
                );
            }
            let bytes = |row: &serde_json::Value| Some(row["bytes_up"].as_f64()? + row["bytes_down"].as_f64()?);
            let ms = |row: &serde_json::Value| row["ms"].as_f64();
            let best = |of_row: &dyn Fn(&serde_json::Value) -> Option<f64>, ours: bool| {
                of().filter(|row| (row["system"] == "getit") == ours).filter_map(of_row).reduce(f64::min)
            };
            if let (Some(ours), Some(theirs), Some(our_ms), Some(their_ms)) =
                (best(&bytes, true), best(&bytes, false), best(&ms, true), best(&ms, false))
            {
                table += &format!(
                    "{generator:>11} {case:>9} the best of the others: {:.1} times our bytes, {:.1} times our time\n",
                    theirs / ours,
                    their_ms / our_ms
                );
            }
        }
    }
    anyhow::ensure!(!rows.is_empty(), "no row was given");
    Ok(table)
}
