//! The hub's intake: verified, stored, folded and journaled ops a second, beside bare COPY of the same rows
//! into a table of the same columns and keys, on the same Postgres in the same run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context;
use central::intake::{ClerkKey, Intake};
use central::store;
use ed25519_dalek::SigningKey;
use protocol::burst::{Burst, ChainPlace};
use protocol::fact::{Fact, HandInCounted, HandInOffered, Put};
use protocol::id::{Id16, Incarnation, Kind, Subject};
use protocol::intake::{op_of, verify};
use protocol::op::Op;
use protocol::seat::{Certificate, Role, Seat};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::Serialize;
use sqlx::PgPool;

use super::ledger::copy;
use crate::postgres::Cluster;

/// Agents whose cash is counted, each at a site of ten.
const AGENTS: u32 = 100;
/// Sites.
const SITES: u32 = 10;
/// Hand-ins in one burst: an offer and a Put in it each come to 2 bytes more than a count.
const AT_ONCE: u32 = 20;
/// Sessions that bring bursts at the same time: two batches of them, so that one is worked out while one is written.
const SESSIONS: usize = 64;
/// As a hub has them.
const CONNECTIONS: u32 = 8;
const NOW_MS: u64 = 1_793_469_600_000;

/// What was taken, and how quickly.
#[derive(Clone, Debug, Serialize)]
pub struct Ingest {
    /// Ops of devices.
    pub ops: u64,
    /// Bursts they came in.
    pub bursts: u64,
    /// Batches that were worked out while the one before was written.
    pub worked_ahead: u64,
    /// Journals that followed.
    pub journals: u64,
    /// Seconds to verify, store, fold and post them.
    pub seconds: f64,
    /// Ops a second.
    pub ops_a_second: f64,
    /// Seconds of bare COPY of the log's rows.
    pub copy_seconds: f64,
    /// Rows a second of it.
    pub copy_a_second: f64,
}

struct Device {
    key: SigningKey,
    seat: Seat,
    place: ChainPlace,
}

impl Device {
    fn burst(&mut self, ops: &[Op]) -> Burst {
        let burst = Burst::sign(&self.key, &self.place, NOW_MS, ops);
        self.place = self.place.then(burst.digest());
        burst
    }
}

/// Takes hand-ins of [`AGENTS`] agents, offered and counted, until at least `least` ops are in.
///
/// # Errors
/// Postgres; an op that was refused.
pub async fn ingest(cluster: &Cluster, least: u32) -> anyhow::Result<Ingest> {
    let (url, fresh) = cluster.fresh_database().await?;
    fresh.close().await;
    let pool = store::connect(&url, CONNECTIONS).await?;
    store::migrate(&pool).await?;
    let central = enrol(&pool, Role::Central, 1, Subject::tenant()).await?;
    let site_of = |n: u32| Subject::new(Kind::Site, id(0x51, n % SITES));
    let (mut sites, mut agents) = (Vec::new(), Vec::new());
    for n in 0..SITES {
        sites.push(enrol(&pool, Role::Site, 10 + n, site_of(n)).await?);
    }
    for n in 0..AGENTS {
        agents.push(enrol(&pool, Role::Agent, 100 + n, Subject::agent(site_of(n), id(0xa6, n))).await?);
    }
    let ticks = AtomicU64::new(0);
    let clock = move || {
        let tick = ticks.fetch_add(1, Ordering::Relaxed);
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&tick.to_be_bytes());
        Stamp { now_ms: NOW_MS + tick, entropy }
    };
    let clerk = ClerkKey { key: central.key.clone(), author: central.place.author };
    let intake = Intake::start(pool.clone(), clerk, Arc::new(clock));

    // Signed before the clock starts: the devices' work is theirs.
    let (mut work, mut ops, mut handins) = (Vec::new(), 0u64, 0u32);
    while ops < u64::from(least) {
        for (n, agent) in (0..).zip(&mut agents) {
            let site = &mut sites[(n % SITES) as usize];
            let subjects: Vec<Subject> =
                (0..AT_ONCE).map(|at| Subject::new(Kind::HandIn, id(0x4a, handins + at))).collect();
            handins += AT_ONCE;
            let offer = HandInOffered {
                site: site.seat.party,
                amount: Taka::whole(500),
                inc: agent.place.inc,
                upto: agent.place.seq - 1,
            };
            let mut offers: Vec<Op> =
                subjects.iter().map(|handin| op_of(*handin, &Fact::HandInOffered(offer.clone()), Vec::new())).collect();
            let put = Fact::Put(Put { generation: 1, subjects: subjects.clone() });
            offers.push(op_of(agent.seat.party, &put, Vec::new()));
            offers.push(op_of(site.seat.party, &put, Vec::new()));
            let offered = agent.burst(&offers);
            let heads = offered.ids().into_iter().map(|id| id.short());
            let counted = |(handin, head)| {
                let count =
                    HandInCounted { agent: agent.seat.party, counted: Taka::whole(500), denominations: Vec::new() };
                op_of(handin, &Fact::HandInCounted(count), vec![head])
            };
            let counts: Vec<Op> = subjects.iter().copied().zip(heads).map(counted).collect();
            ops += (offers.len() + counts.len()) as u64;
            work.push((offered, agent.seat.clone()));
            work.push((site.burst(&counts), site.seat.clone()));
        }
    }
    let bursts = work.len() as u64;
    let started = Instant::now();
    let mut sessions = tokio::task::JoinSet::new();
    let parts = work.len().div_ceil(SESSIONS);
    for part in work.chunks(parts.max(1)) {
        let (part, intake) = (part.to_vec(), intake.clone());
        sessions.spawn(async move {
            for pair in part.chunks(2) {
                let read = pair.iter().map(|(burst, seat)| verify(burst.clone(), seat));
                let verified = read.collect::<Result<Vec<_>, _>>().map_err(|code| anyhow::anyhow!("{code}"))?;
                let took = intake.take(verified).await?;
                anyhow::ensure!(took.refused.is_empty(), "{:?}", took.refused);
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(ended) = sessions.join_next().await {
        ended.context("a session")??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let (stored, journals): (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM op WHERE author <> $1), (SELECT count(*) FROM journal_log)")
            .bind(central.place.author.0)
            .fetch_one(&pool)
            .await?;
    anyhow::ensure!(stored.unsigned_abs() == ops, "{stored} of {ops} ops are stored");
    let copy_seconds = copy(&pool, &["op"]).await?;
    let rows = ops as f64;
    Ok(Ingest {
        ops,
        bursts,
        worked_ahead: intake.worked_ahead(),
        journals: journals.unsigned_abs(),
        seconds,
        ops_a_second: rows / seconds,
        copy_seconds,
        copy_a_second: rows / copy_seconds,
    })
}

fn id(kind: u8, n: u32) -> Id16 {
    let mut id = [kind; 16];
    // Agents' ids begin with their site's: what tells them apart is behind it.
    id[12..].copy_from_slice(&n.to_be_bytes());
    id[..4].copy_from_slice(&n.to_be_bytes());
    Id16(id)
}

async fn enrol(pool: &PgPool, role: Role, n: u32, party: Subject) -> anyhow::Result<Device> {
    let authority = SigningKey::from_bytes(&[1; 32]);
    let mut secret = [7; 32];
    secret[..4].copy_from_slice(&n.to_be_bytes());
    let key = SigningKey::from_bytes(&secret);
    let (classes, grants) = Seat::rights(role, party);
    let seat = Seat {
        tenant: Id16([0; 16]),
        device: id(0xde, n),
        person: id(0xbe, n),
        party,
        key: key.verifying_key().to_bytes(),
        classes,
        grants,
        cash_ceiling: Taka::whole(50_000),
        issued_ms: NOW_MS,
        issuer: [0; 32],
    };
    let certificate = Certificate::issue(&authority, seat)?;
    if role == Role::Central {
        store::open_author(pool, &certificate).await?;
    } else {
        store::add_seat(&mut *pool.acquire().await?, &certificate, role.word()).await?;
    }
    let place = ChainPlace::start(certificate.author(), Incarnation([1; 4]));
    Ok(Device { key, seat: certificate.seat, place })
}
