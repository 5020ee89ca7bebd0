//! A site that comes back over a bad line: real central, hub and Postgres, QUIC with certificates, and a link of
//! 64 kbit/s, 800 ms there and back, and 5 % loss.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use edge_node::Node;
use protocol::blob::BlobId;
use protocol::burst::{Burst, ChainPlace};
use protocol::command::Command;
use protocol::fact::{Fact, HandInOffered, Put};
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::intake::op_of;
use protocol::taka::Taka;
use protocol_quic::Device;
use serde::Serialize;
use serde_json::json;

use super::ground::{Ground, identity_of, open};
use super::seat::Seat;
use crate::link::{Link, LinkBytes, LinkProfile, Trace};
use crate::model::Dice;
use crate::postgres::Cluster;

/// Facts that each side has and the other lacks.
const APART: u32 = 100;
/// Offers in one burst of the agent.
const OFFERS: u32 = 50;
/// The line.
const BITS_A_SECOND: u64 = 64_000;
const ONE_WAY: Duration = Duration::from_millis(400);
const LOSS_PPM: u32 = 50_000;
/// A picture as a phone takes it.
const PHOTO_BYTES: usize = 5 * 1024 * 1024;
/// Pieces of it that have gone before a tap is measured: the size of a piece has settled.
const PIECES: u32 = 6;

/// One way to come back, over several times.
#[derive(Clone, Debug, Serialize)]
pub struct Road {
    /// `cold`: a device that was never here. `resumed`: one that has met the hub, and shows no certificate
    /// again. `nothing`: the same, with
    /// nothing to do. `fact`: a tap on a session that rests, until it is SAFE. `photo`: the same while a picture of
    /// 5 MB is on its way.
    pub case: &'static str,
    /// How often.
    pub times: usize,
    /// Median milliseconds until both sides hold the same, and the device knows that it is safe.
    pub median_ms: u128,
    /// The worst.
    pub worst_ms: u128,
    /// Median bytes of UDP up, with QUIC's own.
    pub up_bytes: u64,
    /// And down.
    pub down_bytes: u64,
}

#[derive(Default)]
struct Samples {
    ms: Vec<u128>,
    up: Vec<u64>,
    down: Vec<u64>,
}

impl Samples {
    fn add(&mut self, ms: u128, (before, after): (LinkBytes, LinkBytes)) {
        self.ms.push(ms);
        self.up.push(after.up - before.up);
        self.down.push(after.down - before.down);
    }

    fn row(mut self, case: &'static str) -> Road {
        self.ms.sort_unstable();
        self.up.sort_unstable();
        self.down.sort_unstable();
        let times = self.ms.len();
        let middle = times / 2;
        Road {
            case,
            times,
            median_ms: self.ms.get(middle).copied().unwrap_or(0),
            worst_ms: self.ms.last().copied().unwrap_or(0),
            up_bytes: self.up.get(middle).copied().unwrap_or(0),
            down_bytes: self.down.get(middle).copied().unwrap_or(0),
        }
    }
}

/// Comes back `times` times in each way, with 100 facts on each side that the other lacks.
///
/// # Errors
/// Postgres, sockets, a session that does not end in equal roots.
pub async fn road(cluster: &Cluster, folder: &Path, times: usize) -> anyhow::Result<Vec<Road>> {
    let ground = Ground::start(cluster, folder).await?;
    let made = ground.post("/sites", &json!({ "name": "Hub", "districts": ["Dhaka"] })).await?;
    let site = Subject::parse(made["site"].as_str().unwrap_or_default()).context("a site")?;
    let site_node = open(&ground.enrol("site", &json!({ "role": "site", "name": "Hub", "site": site })).await?)?;
    let request = json!({ "role": "agent", "name": "agent", "site": site, "cash_ceiling_paisa": 5_000_000 });
    let agent_node = open(&ground.enrol("agent", &request).await?)?;
    let profile = LinkProfile {
        delay_each_way: ONE_WAY,
        loss_ppm: LOSS_PPM,
        ..LinkProfile::clean(Trace::constant(BITS_A_SECOND))
    };
    let link = Link::start("road", &[ground.hub.quic], profile, 1).await?;
    let far = link.addresses()[0];
    let local: SocketAddr = "0.0.0.0:0".parse()?;
    let mut author = Author { node: Arc::clone(&agent_node), site, written: 0 };
    let near = Device::new(&identity_of(&agent_node), local)?;
    let met = Device::new(&identity_of(&site_node), local)?;
    // Both have met the hub, and it has what it needs of them.
    author.offer(APART)?;
    sit(&near, ground.hub.quic, &agent_node).await?;
    sit(&met, ground.hub.quic, &site_node).await?;
    sit(&met, far, &site_node).await?;

    let [mut cold, mut resumed, mut nothing, mut fact, mut photo] = [(); 5].map(|()| Samples::default());
    for turn in 0..times {
        for (kind, come) in [&mut cold, &mut resumed].into_iter().enumerate() {
            author.offer(APART)?;
            sit(&near, ground.hub.quic, &agent_node).await?;
            for n in 0..APART {
                count(&site_node, author.agent(), [turn as u32, kind as u32, n])?;
            }
            let fresh = Device::new(&identity_of(&site_node), local)?;
            let before = link.bytes();
            let ms = sit(if kind == 0 { &fresh } else { &met }, far, &site_node).await?;
            come.add(ms, (before, link.bytes()));
        }
        let before = link.bytes();
        let ms = sit(&met, far, &site_node).await?;
        nothing.add(ms, (before, link.bytes()));
        let before = link.bytes();
        let ms = tap(&met, far, &site_node, author.agent(), [turn as u32, 2, 0], 0).await?;
        fact.add(ms, (before, link.bytes()));
    }
    wait_with_photo(&ground.central.pool, &site_node).await?;
    for turn in 0..times {
        let before = link.bytes();
        let ms = tap(&met, far, &site_node, author.agent(), [turn as u32, 3, 0], PIECES).await?;
        photo.add(ms, (before, link.bytes()));
    }
    ground.stop().await?;
    Ok(vec![cold.row("cold"), resumed.row("resumed"), nothing.row("nothing"), fact.row("fact"), photo.row("photo")])
}

/// An agent who offers more cash than he has: what his own app would refuse, his signature makes.
struct Author {
    node: Arc<Node>,
    site: Scope,
    written: u32,
}

impl Author {
    fn agent(&self) -> Scope {
        self.node.seat().party
    }

    fn offer(&mut self, count: u32) -> anyhow::Result<()> {
        for _ in (0..count).step_by(OFFERS as usize) {
            let hello = self.node.store().hello()?;
            let last = self.node.store().own_bursts_after(hello.last_seq.saturating_sub(1), usize::MAX)?;
            let last = last.last().and_then(|bytes| Burst::decode(bytes).ok()).map(|burst| burst.digest());
            let start = ChainPlace::start(self.node.author(), hello.inc);
            let place = ChainPlace { seq: hello.last_seq + 1, prev: last, ..start };
            let handins: Vec<Subject> = (0..OFFERS).map(|n| handin([self.written, 9, n])).collect();
            self.written += 1;
            let offer = HandInOffered { site: self.site, amount: Taka::whole(1), inc: place.inc, upto: place.seq - 1 };
            let offer = Fact::HandInOffered(offer);
            let mut ops: Vec<_> = handins.iter().map(|handin| op_of(*handin, &offer, Vec::new())).collect();
            let put = Fact::Put(Put { generation: 1, subjects: handins });
            ops.extend([op_of(self.agent(), &put, Vec::new()), op_of(self.site, &put, Vec::new())]);
            let burst = Burst::sign(&self.node.identity().key, &place, self.node.now_ms(), &ops);
            self.node.receive(vec![burst])?;
        }
        Ok(())
    }
}

fn handin(n: [u32; 3]) -> Subject {
    let mut id = [0x5b; 16];
    for (at, part) in id.chunks_exact_mut(4).zip(n) {
        at.copy_from_slice(&part.to_be_bytes());
    }
    Subject::new(Kind::HandIn, Id16(id))
}

fn count(node: &Node, agent: Scope, n: [u32; 3]) -> anyhow::Result<()> {
    let handin = handin(n);
    let act = handin.id().0;
    let command = Command::Count { handin, agent, counted_paisa: Taka::whole(1), denominations: Vec::new() };
    node.record(act, &command).map(drop).context("a count")
}

/// A session until both sides hold the same and nothing waits; milliseconds.
async fn sit(device: &Device, hub: SocketAddr, node: &Arc<Node>) -> anyhow::Result<u128> {
    let mut seat = Seat::begin(device, hub, node).await?;
    seat.rest().await?;
    Ok(seat.started.elapsed().as_millis())
}

/// A picture that takes this line ten minutes at least, as if its fact were SAFE.
async fn wait_with_photo(pool: &sqlx::PgPool, node: &Node) -> anyhow::Result<()> {
    // Sealed bytes are noise to a line.
    let mut dice = Dice::new(5);
    let bytes: Vec<u8> = (0..PHOTO_BYTES / 32).flat_map(|_| dice.bytes()).collect();
    let (blob, store) = (BlobId::of(&bytes), node.store());
    store.write_blob(&blob, &bytes)?;
    let (subject, safe) = (node.seat().party, store.hello()?.safe_upto);
    store.write(|rows| rows.put_blob(&blob, &subject, PHOTO_BYTES as u64, safe, node.now_ms()))?;
    sqlx::query(
        "INSERT INTO blob (id, op, subject, author, class_kind, form, media, bytes) VALUES ($1, $1, $2, $3, 12320, 1, 1, $4)",
    )
    .bind(blob.0)
    .bind(subject.0)
    .bind(node.author().0)
    .bind(PHOTO_BYTES as i64)
    .execute(pool)
    .await?;
    Ok(())
}

/// A tap on a session that rests, and of a picture has sent so many pieces and is sending, until it is SAFE.
async fn tap(
    device: &Device,
    hub: SocketAddr,
    node: &Arc<Node>,
    agent: Scope,
    n: [u32; 3],
    pieces: u32,
) -> anyhow::Result<u128> {
    let mut seat = Seat::begin(device, hub, node).await?;
    seat.rest().await?;
    while seat.pieces < pieces {
        seat.turn().await?;
    }
    let started = Instant::now();
    count(node, agent, n)?;
    seat.wake().await?;
    while node.store().outbox_len()? > 0 {
        seat.turn().await?;
    }
    Ok(started.elapsed().as_millis())
}
