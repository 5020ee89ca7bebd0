//! The morning: every site and every agent comes back within a minute, with yesterday's cash and today's runs.
//!
//! A real hub process on a real Postgres, QUIC with certificates, a mobile link of its own for every device. The
//! devices' sessions and engine are the product's; their storage is a map, as thousands of disks do not fit here. All
//! of it shares the machine, the devices' half too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use central::authority::Authority;
use central::intake::{ClerkKey, Intake};
use central::store;
use ed25519_dalek::SigningKey;
use protocol::burst::ChainPlace;
use protocol::command::Command;
use protocol::frame::Cursor;
use protocol::id::{Id16, Incarnation, Kind, Scope, Subject};
use protocol::seat::{Certificate, Role, Seat};
use protocol::session::EdgeSession;
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use protocol_quic::Identity;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::day::process::Process;
use crate::link::{Link, LinkProfile, Trace};
use crate::model::{Dice, Edge, Memory, order};
use crate::postgres::Cluster;

/// How big the storm is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Sites.
    pub sites: u32,
    /// Agents, spread over them.
    pub agents: u32,
    /// Parcels that each agent delivered yesterday, and as many that wait for him today.
    pub parcels: u32,
    /// All come within this time.
    pub within: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Storm {
    /// Sites.
    pub sites: u32,
    /// Agents.
    pub agents: u32,
    /// Ops that the devices brought, and the journals that they made.
    pub ops: u64,
    /// Journals that followed.
    pub journals: u64,
    /// From a device's coming until everything it had was SAFE, ms.
    pub safe_p50_ms: u128,
    /// The same.
    pub safe_p99_ms: u128,
    /// The same.
    pub safe_worst_ms: u128,
    /// From its coming until everything was SAFE, its run was there and all roots were equal, ms.
    pub equal_p99_ms: u128,
    /// Sessions that ended before the device wanted, or never began.
    pub broken_sessions: u64,
    /// Peak memory of the hub's process, MB.
    pub hub_mb: u64,
    /// From the first to the last device at rest, s.
    pub seconds: f64,
    /// CPU of the hub's process in that time, s; Postgres, the links and the devices had the rest.
    pub hub_cpu_seconds: f64,
}

/// A first packet, and the answer, on the third generation's average: 100 ms each way (ATC's profile), at its
/// slower direction's rate both ways.
const ONE_WAY: Duration = Duration::from_millis(100);
const BITS_A_SECOND: u64 = 330_000;
/// As the product waits.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
const CONNECT: Duration = Duration::from_secs(12);
const SILENCE: Duration = Duration::from_secs(20);
/// A storm that lasts longer than its minute and this has failed.
const PATIENCE: Duration = Duration::from_secs(240);
/// Devices that come at once when nothing is measured.
const CALM: usize = 24;
/// Orders in one of central's requests.
const ORDERS: u32 = 30;
const NOW_MS: u64 = 1_793_469_600_000;

/// A device with its line.
struct Device {
    edge: Edge,
    identity: Identity,
    line: Option<Link>,
    hub: SocketAddr,
    dice: Dice,
    clock_ms: u64,
}

#[derive(Clone, Copy)]
struct Timing {
    safe: Duration,
    equal: Duration,
}

/// Lets it come.
///
/// # Errors
/// Postgres, sockets; a device that is not at rest in the end; cash that is not in the books.
pub async fn storm(cluster: &Cluster, folder: &Path, size: Size) -> anyhow::Result<Storm> {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let (url, fresh) = cluster.fresh_database().await?;
    fresh.close().await;
    let pool = store::connect(&url, 8).await?;
    store::migrate(&pool).await?;
    let central_dir = folder.join("central");
    let authority = Authority::open(&central_dir)?;
    let (key, certificate) = authority.author(&central_dir, NOW_MS)?;
    store::open_author(&pool, &certificate).await?;
    let (mut hub, address) = start_hub(&authority, folder, &central_dir, &url).await?;

    let mut devices = Vec::new();
    let site_of = |n: u32| Subject::new(Kind::Site, id(0x51, n % size.sites));
    for n in 0..size.sites {
        devices.push(enrol(&pool, &authority, &certificate, (Role::Site, site_of(n)), n, address).await?);
    }
    for n in 0..size.agents {
        let party = Subject::agent(site_of(n), id(0xa6, n));
        devices.push(enrol(&pool, &authority, &certificate, (Role::Agent, party), size.sites + n, address).await?);
    }
    let clerk = ClerkKey { key, author: certificate.author() };
    let runs = place(&pool, clerk, size, site_of).await?;
    tracing::info!(parcels = runs.len(), "placed");

    // Yesterday: the parcels come to the sites, the first half goes out, and is delivered where there was no network.
    let mut devices = come(devices, Duration::ZERO, CALM).await?.0;
    for device in &mut devices[..size.sites as usize] {
        let site = device.edge.seat.party;
        let here: Vec<&(Subject, u32)> = runs.iter().filter(|(_, n)| site_of(*n) == site).collect();
        for (parcel, _) in &here {
            device.record(&Command::Receive { parcel: *parcel, pieces: 1 })?;
        }
        device.dispatch(here.iter().filter(|(parcel, _)| is_yesterday(parcel)).copied(), site_of)?;
    }
    devices = come(devices, Duration::ZERO, CALM).await?.0;
    let (mut cash, mut before) = (Taka::ZERO, 0);
    let mut waiting = Vec::new();
    for mut device in devices {
        before += device.edge.memory.position;
        if device.edge.seat.role() == Role::Site {
            let site = device.edge.seat.party;
            let here = runs.iter().filter(|(_, n)| site_of(*n) == site);
            device.dispatch(here.filter(|(parcel, _)| !is_yesterday(parcel)), site_of)?;
        } else {
            cash = cash.plus(device.deliver()?);
        }
        let line = LinkProfile { delay_each_way: ONE_WAY, ..LinkProfile::clean(Trace::constant(BITS_A_SECOND)) };
        let link = Link::start("line", &[address], line, u64::from(device.edge.author.0[0])).await?;
        device.hub = link.addresses()[0];
        device.line = Some(link);
        waiting.push(device);
    }
    anyhow::ensure!(before > 0 && cash > Taka::ZERO, "nobody holds anything: there is no storm");
    let (ops_before, journals_before) = counts(&pool).await?;

    let process = hub.id().context("the hub is gone")?;
    let cpu = cpu_seconds(process)?;
    let started = Instant::now();
    let count = waiting.len();
    let (devices, timings, broken_sessions) = come(waiting, size.within, count).await?;
    let seconds = started.elapsed().as_secs_f64();
    let hub_cpu_seconds = cpu_seconds(process)? - cpu;
    let hub_mb = peak_mb(process)?;
    let (ops, journals) = counts(&pool).await?;
    let (booked,): (i64,) =
        sqlx::query_as("SELECT coalesce(sum(amount_paisa), 0)::bigint FROM balance WHERE account_code = 1110")
            .fetch_one(&pool)
            .await?;
    anyhow::ensure!(
        Taka::from_paisa(booked) == Some(cash),
        "{booked} paisa are in the books, {} were taken",
        cash.paisa()
    );
    drop(devices);
    hub.stop().await;
    let sorted = |of: fn(&Timing) -> Duration| {
        let mut all: Vec<u128> = timings.iter().map(|timing| of(timing).as_millis()).collect();
        all.sort_unstable();
        all
    };
    let (safe, equal) = (sorted(|timing| timing.safe), sorted(|timing| timing.equal));
    let at = |all: &[u128], percent: usize| all.get(all.len() * percent / 100).or(all.last()).copied().unwrap_or(0);
    Ok(Storm {
        sites: size.sites,
        agents: size.agents,
        ops: ops - ops_before,
        journals: journals - journals_before,
        safe_p50_ms: at(&safe, 50),
        safe_p99_ms: at(&safe, 99),
        safe_worst_ms: at(&safe, 100),
        equal_p99_ms: at(&equal, 99),
        broken_sessions,
        hub_mb,
        seconds,
        hub_cpu_seconds,
    })
}

async fn counts(pool: &PgPool) -> anyhow::Result<(u64, u64)> {
    let (ops, journals): (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM op), (SELECT count(*) FROM journal_log)").fetch_one(pool).await?;
    Ok((ops.unsigned_abs(), journals.unsigned_abs()))
}

async fn start_hub(
    authority: &Authority,
    folder: &Path,
    central_dir: &Path,
    url: &str,
) -> anyhow::Result<(Process, SocketAddr)> {
    let data = folder.join("hub");
    std::fs::create_dir_all(&data)?;
    authority.write_hub_identity(&data.join("identity.json"))?;
    let config = folder.join("hub.toml");
    let text = format!(
        "data_dir = {data:?}\ncentral_dir = {central_dir:?}\n[quic]\nlisten = \"127.0.0.1:0\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = {url:?}\n[log]\nlevel = \"warn\"\n"
    );
    std::fs::write(&config, text)?;
    let program = std::env::current_exe()?.with_file_name("sync-hub");
    let arguments = ["--config".to_owned(), config.display().to_string()];
    let mut process = Process::new("hub", program, &arguments, &data, folder);
    let ready = process.start().await?;
    let address = ready["quic"].as_str().context("the hub's address")?.parse()?;
    Ok((process, address))
}

/// Parcels with the number of the agent whose they will be; even ones are yesterday's.
async fn place(
    pool: &PgPool,
    clerk: ClerkKey,
    size: Size,
    site_of: impl Fn(u32) -> Scope,
) -> anyhow::Result<Vec<(Subject, u32)>> {
    let ticks = AtomicU64::new(0);
    let clock = move || {
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&ticks.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Stamp { now_ms: NOW_MS, entropy }
    };
    let intake = Intake::start(pool.clone(), clerk, Arc::new(clock));
    let vendor = Subject::new(Kind::Vendor, Id16([0x40; 16]));
    let (mut dice, mut runs) = (Dice::new(1), Vec::new());
    let agents: Vec<u32> = (0..size.agents).flat_map(|n| std::iter::repeat_n(n, 2 * size.parcels as usize)).collect();
    for (index, part) in (0u64..).zip(agents.chunks(ORDERS as usize)) {
        let mut drafts = Vec::new();
        for (at, agent) in (0u64..).zip(part) {
            let number = index * u64::from(ORDERS) + at;
            // Yesterday's and today's are told apart by the time in their ids.
            let stamp = Stamp { now_ms: NOW_MS + number % 2, entropy: dice.bytes() };
            let (parcel, placed) = order(vendor, site_of(*agent), stamp, &mut dice);
            drafts.extend(placed);
            runs.push((parcel, *agent));
        }
        intake.author(drafts, Vec::new(), None).await?;
    }
    Ok(runs)
}

fn is_yesterday(parcel: &Subject) -> bool {
    parcel.id().0[5] % 2 == (NOW_MS % 2) as u8
}

impl Device {
    fn record(&mut self, command: &Command) -> anyhow::Result<()> {
        self.clock_ms += 1;
        let stamp = Stamp { now_ms: NOW_MS + self.clock_ms, entropy: self.dice.bytes() };
        self.edge.record(command, stamp).map_err(|refusal| anyhow::anyhow!("{command:?} was refused: {refusal:?}"))
    }

    /// A run for each agent.
    fn dispatch<'a>(
        &mut self,
        parcels: impl Iterator<Item = &'a (Subject, u32)>,
        site_of: impl Fn(u32) -> Scope,
    ) -> anyhow::Result<()> {
        let mut runs: BTreeMap<u32, Vec<Subject>> = BTreeMap::new();
        for (parcel, agent) in parcels {
            runs.entry(*agent).or_default().push(*parcel);
        }
        for (agent, parcels) in runs {
            let agent = Subject::agent(site_of(agent), id(0xa6, agent));
            self.record(&Command::Dispatch { parcels, agent })?;
        }
        Ok(())
    }

    /// Yesterday's run, where there was no network: what was collected.
    fn deliver(&mut self) -> anyhow::Result<Taka> {
        let run: Vec<Subject> = self.edge.memory.by_subject.keys().copied().collect();
        let run: Vec<Subject> = run.into_iter().filter(|subject| subject.kind() == Some(Kind::Parcel)).collect();
        self.record(&Command::Load { parcels: run.clone() })?;
        let mut cash = Taka::ZERO;
        for parcel in run {
            let state = self.edge.memory.folded(parcel).map(|folded| folded.state);
            let Some(protocol::fold::State::Parcel(state)) = state else { continue };
            let due = state.due();
            self.record(&Command::Deliver {
                parcel,
                evidence: 1,
                collected_paisa: Some(due),
                confirm_difference: false,
            })?;
            cash = cash.plus(due);
        }
        Ok(cash)
    }

    fn is_safe(&self) -> bool {
        self.edge.outbox().next().is_none()
    }

    /// Comes, until everything is SAFE and equal, and stays until all others are, too.
    async fn stay(&mut self, settled: &AtomicU64, mut done: watch::Receiver<bool>) -> anyhow::Result<(Timing, u64)> {
        let endpoint = protocol_quic::device(&self.identity, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let came = Instant::now();
        let (mut timing, mut broken, mut wait) = ((None, None), 0, BACKOFF.0);
        while !*done.borrow() {
            let connecting = tokio::time::timeout(CONNECT, protocol_quic::connect(&endpoint, self.hub)).await;
            let Ok(Ok(link)) = connecting else {
                broken += 1;
                let pause = wait.mul_f64(self.dice.below(1_000) as f64 / 1_000.0);
                tokio::time::sleep(pause).await;
                wait = (2 * wait).min(BACKOFF.1);
                continue;
            };
            let (mut sender, mut frames) = link.split(4);
            let mut session = EdgeSession::default();
            let Ok(first) = session.start(&self.edge);
            let mut open = sender.send(&first).await.is_ok();
            while open {
                if timing.0.is_none() && self.is_safe() {
                    timing.0 = Some(came.elapsed());
                }
                if timing.1.is_none() && self.is_safe() && session.is_equal() {
                    timing.1 = Some(came.elapsed());
                    settled.fetch_add(1, Ordering::Relaxed);
                    wait = BACKOFF.0;
                }
                let frame = tokio::select! {
                    frame = frames.recv() => frame,
                    _ = done.wait_for(|done| *done) => break,
                    () = tokio::time::sleep(SILENCE), if !session.is_equal() => None,
                };
                open = false;
                if let Some(Ok(frame)) = frame {
                    let Ok(out) = session.handle(&mut self.edge, frame);
                    open = sender.send(&out).await.is_ok();
                }
            }
            sender.close(0, "the storm is over");
            broken += u64::from(!open);
        }
        endpoint.wait_idle().await;
        let (Some(safe), Some(equal)) = timing else {
            anyhow::bail!("{} is not at rest: {} bursts wait", self.edge.author, self.edge.outbox().count())
        };
        Ok((Timing { safe, equal }, broken))
    }
}

/// All come within `within`, at most so many `at_once`; returns them, their times, and broken sessions.
async fn come(
    devices: Vec<Device>,
    within: Duration,
    at_once: usize,
) -> anyhow::Result<(Vec<Device>, Vec<Timing>, u64)> {
    let (mut all, mut timings, mut broken) = (Vec::new(), Vec::new(), 0);
    let mut devices = devices.into_iter().peekable();
    while devices.peek().is_some() {
        let part: Vec<Device> = devices.by_ref().take(at_once).collect();
        let count = part.len() as u64;
        let (settled, (end, done)) = (Arc::new(AtomicU64::new(0)), watch::channel(false));
        let mut tasks = tokio::task::JoinSet::new();
        for mut device in part {
            let (settled, done) = (Arc::clone(&settled), done.clone());
            let delay = within.mul_f64(device.dice.below(10_000) as f64 / 10_000.0);
            tasks.spawn(async move {
                tokio::time::sleep(delay).await;
                let stayed = device.stay(&settled, done).await;
                (device, stayed)
            });
        }
        let started = Instant::now();
        while settled.load(Ordering::Relaxed) < count && started.elapsed() < within + PATIENCE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        end.send_replace(true);
        while let Some(ended) = tasks.join_next().await {
            let (device, stayed) = ended?;
            let (timing, ended_early) = stayed?;
            all.push(device);
            timings.push(timing);
            broken += ended_early;
        }
    }
    all.sort_by_key(|device| device.edge.seat.role() != Role::Site);
    Ok((all, timings, broken))
}

fn id(kind: u8, n: u32) -> Id16 {
    let mut id = [kind; 16];
    // Agents' ids begin with their site's: what tells them apart is behind it.
    id[12..].copy_from_slice(&n.to_be_bytes());
    id[..4].copy_from_slice(&n.to_be_bytes());
    Id16(id)
}

async fn enrol(
    pool: &PgPool,
    authority: &Authority,
    central: &Certificate,
    (role, party): (Role, Scope),
    n: u32,
    hub: SocketAddr,
) -> anyhow::Result<Device> {
    let mut secret = [9; 32];
    secret[..4].copy_from_slice(&n.to_be_bytes());
    let key = SigningKey::from_bytes(&secret);
    let public = key.verifying_key().to_bytes();
    let (classes, grants) = Seat::rights(role, party);
    let seat = Seat {
        tenant: Subject::tenant().id(),
        device: id(0xde, n),
        person: id(0xbe, n),
        party,
        key: public,
        classes,
        grants,
        cash_ceiling: Taka::whole(1_000_000),
        issued_ms: NOW_MS,
        issuer: [0; 32],
    };
    let certificate = authority.seat(seat)?;
    store::add_seat(&mut *pool.acquire().await?, &certificate, role.word()).await?;
    let identity = Identity {
        authority: authority.ca_der().to_vec(),
        certificate: authority.device(&public, role)?,
        key: key.to_bytes(),
    };
    let author = certificate.author();
    let edge = Edge {
        author,
        seat: certificate.seat.clone(),
        key,
        authority: authority.public_key(),
        memory: Memory::with_certificates([certificate, central.clone()]).of(author),
        place: ChainPlace::start(author, Incarnation([7; 4])),
        own: Vec::new(),
        safe: 0,
        earlier: Vec::new(),
        wrote: std::collections::BTreeSet::new(),
        last_ms: 0,
        broken: None,
        cursor: Cursor::default(),
        compared: None,
        refused: 0,
        repairs: BTreeMap::new(),
    };
    Ok(Device { edge, identity, line: None, hub, dice: Dice::new(u64::from(n) + 1), clock_ms: 0 })
}

/// The most memory that a process had at a time, MB.
fn peak_mb(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? / 1_024)
}

/// CPU that a process has used, in clock ticks of a hundredth (proc(5), utime and stime).
fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("stat")?;
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}
