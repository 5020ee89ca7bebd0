//! One edge of the day: its process, its link, and its loopback API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use protocol::command::Command;
use protocol::id::{Scope, Subject};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::central::client;
use super::process::Process;
use crate::link::Link;

/// Tries of one tap before the day is broken: a killed node is back in a second or two.
const RETRIES: usize = 300;
const RETRY: Duration = Duration::from_millis(150);

/// One edge.
pub struct Node {
    /// Its name in reports.
    pub name: String,
    /// `site`, `agent` or `vendor`.
    pub role: &'static str,
    /// Its own scope.
    pub party: Scope,
    /// The link to the hubs.
    pub link: Link,
    pub(super) process: Mutex<Process>,
    base: String,
    token: String,
    http: reqwest::Client,
    /// A tap is on its way: the moment to kill.
    pub busy: AtomicBool,
    taps: AtomicU64,
    measured: Arc<Measured>,
}

/// What there is of a node once its process runs.
pub struct Running {
    /// Its link.
    pub link: Link,
    /// Its process.
    pub process: Process,
    /// `host:port` of its loopback API.
    pub address: String,
    /// The API's token.
    pub token: String,
}

/// Times of taps, for the report.
#[derive(Default)]
pub struct Measured {
    /// Tap to receipt, microseconds.
    pub taps_us: std::sync::Mutex<Vec<u64>>,
    /// Tap to SAFE while online, milliseconds.
    pub safe_ms: std::sync::Mutex<Vec<u64>>,
    /// Taps that were sent twice and gave one receipt.
    pub double_taps: AtomicU64,
}

/// A business no of the node.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Stable code.
    pub code: String,
    /// What the person reads.
    pub message: String,
}

/// A receipt as the day needs it.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The form it came from.
    pub act: String,
    /// The facts' ids, in order.
    pub subjects: Vec<Subject>,
}

impl Node {
    /// A node that runs.
    #[must_use]
    pub fn new(name: &str, role: &'static str, party: Scope, running: Running, measured: Arc<Measured>) -> Self {
        Self {
            name: name.to_owned(),
            role,
            party,
            link: running.link,
            process: Mutex::new(running.process),
            base: format!("http://{}/api/v1", running.address),
            token: running.token,
            http: client(),
            busy: AtomicBool::new(false),
            taps: AtomicU64::new(0),
            measured,
        }
    }

    /// A tap: recorded once, however often it has to be sent.
    ///
    /// # Errors
    /// When the node stays away; `Ok(Err)` is its refusal.
    pub async fn tap(&self, command: &Command) -> anyhow::Result<Result<Receipt, Refusal>> {
        let mut act = [0; 16];
        getrandom::fill(&mut act)?;
        let act = data_encoding::HEXLOWER.encode(&act);
        let body = json!({ "act": act, "command": command });
        let count = self.taps.fetch_add(1, Ordering::Relaxed);
        let twice = count % 11 == 3;
        self.busy.store(true, Ordering::Relaxed);
        let result = self.send(&act, &body, twice).await;
        self.busy.store(false, Ordering::Relaxed);
        result
    }

    async fn send(&self, act: &str, body: &Value, twice: bool) -> anyhow::Result<Result<Receipt, Refusal>> {
        for attempt in 0..RETRIES {
            let started = Instant::now();
            let (first, second) = if twice {
                // Two fingers on one button.
                let (first, second) = tokio::join!(self.post("/commands", body), self.post("/commands", body));
                (first, Some(second))
            } else {
                (self.post("/commands", body).await, None)
            };
            let Some(first) = first else {
                tokio::time::sleep(RETRY).await;
                continue;
            };
            if attempt == 0 && !twice && first.is_ok() {
                push(&self.measured.taps_us, started.elapsed().as_micros() as u64);
            }
            if let (Ok(first), Some(Some(Ok(second)))) = (&first, &second) {
                if first["facts"] != second["facts"] {
                    bail!("{}: one act was recorded twice: {act}", self.name);
                }
                self.measured.double_taps.fetch_add(1, Ordering::Relaxed);
            }
            return Ok(first.map(|receipt| {
                let facts = receipt["facts"].as_array().cloned().unwrap_or_default();
                let subject = |fact: &Value| fact["subject"].as_str().and_then(Subject::parse);
                Receipt { act: act.to_owned(), subjects: facts.iter().filter_map(subject).collect() }
            }));
        }
        bail!("{} did not answer for {} tries", self.name, RETRIES)
    }

    /// `None`: nobody answered.
    async fn post(&self, path: &str, body: &Value) -> Option<Result<Value, Refusal>> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token).json(body);
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let json: Value = answer.json().await.ok()?;
        if status.is_success() {
            return Some(Ok(json));
        }
        if status.is_server_error() {
            return None;
        }
        let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
        Some(Err(Refusal { code: text("code"), message: text("message") }))
    }

    /// Types the six digits that a customer shows.
    ///
    /// # Errors
    /// When the node stays away; `Ok(Err)` is its refusal.
    pub async fn show_code(&self, parcel: &Subject, code: &str) -> anyhow::Result<Result<(), Refusal>> {
        let mut act = [0; 16];
        getrandom::fill(&mut act)?;
        let body = json!({ "act": data_encoding::HEXLOWER.encode(&act), "parcel": parcel, "code": code });
        for _ in 0..RETRIES {
            match self.post("/handover/code", &body).await {
                Some(answer) => return Ok(answer.map(drop)),
                None => tokio::time::sleep(RETRY).await,
            }
        }
        bail!("{} did not answer for {} tries", self.name, RETRIES)
    }

    /// A read of the node's API; asks again while it is away.
    ///
    /// # Errors
    /// When it stays away.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        for _ in 0..RETRIES {
            let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
            if let Ok(answer) = request.send().await {
                if answer.status().is_success() {
                    if let Ok(json) = answer.json().await {
                        return Ok(json);
                    }
                }
            }
            tokio::time::sleep(RETRY).await;
        }
        bail!("{} does not answer {path}", self.name)
    }

    /// All parcels of a status.
    ///
    /// # Errors
    /// When the node stays away.
    pub async fn parcels(&self, status: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/parcels?status={status}&limit=500{after}")).await?;
            all.extend(page["rows"].as_array().cloned().unwrap_or_default());
            match page["after"].as_str() {
                Some(last) => after = format!("&after={last}"),
                None => return Ok(all),
            }
        }
    }

    /// Measures how long a tap takes to be in the books, while the link is up.
    pub async fn measure_safe(&self, act: String, started: Instant) {
        while started.elapsed() < Duration::from_secs(30) && !self.link.is_cut() {
            let Ok(receipt) = self.get(&format!("/receipts/{act}")).await else { return };
            if receipt["standing"] == "in_the_books" {
                push(&self.measured.safe_ms, started.elapsed().as_millis() as u64);
                return;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// kill -9 while a tap is on its way, and a new start.
    ///
    /// # Errors
    /// When the process does not come back.
    pub async fn kill_and_restart(&self) -> anyhow::Result<()> {
        let waited = Instant::now();
        while !self.busy.load(Ordering::Relaxed) && waited.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut process = self.process.lock().await;
        process.kill().await;
        process.start().await.with_context(|| format!("{} after kill -9", self.name))?;
        Ok(())
    }
}

fn push(to: &std::sync::Mutex<Vec<u64>>, value: u64) {
    to.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(value);
}
