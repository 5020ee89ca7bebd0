//! What a repair costs as a set grows: a replica on SQLite, and a hub's session over a central in memory.
//! Only our own growth; no clock of a network is in it.

pub mod documents;
pub mod ground;
pub mod ingest;
pub mod ledger;
pub mod road;
pub mod seat;
pub mod storm;
pub mod tap;

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use ed25519_dalek::SigningKey;
use edge_node::store::Identity;
use edge_node::sync::Replica;
use edge_node::{BusinessClock, Node};
use protocol::burst::{Burst, ChainPlace};
use protocol::fact::{Fact, HandInOffered, Put};
use protocol::frame::{Cursor, Frame};
use protocol::id::{Id16, Incarnation, Kind, OpId, Scope, Subject};
use protocol::intake::op_of;
use protocol::seat::{Certificate, Role, Seat, bits};
use protocol::session::EdgeSession;
use protocol::session::hub::HubSession;
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use serde::Serialize;

use crate::model::{Central, Memory};

/// Ops that each side has and the other lacks.
const APART: u32 = 100;
/// Offers in one burst, beside the Put that brings them to the site.
const OFFERS: u32 = 60;
/// Bursts that the replica takes in one transaction.
const AT_ONCE: usize = 50;
/// Turns after which a session that does not come to rest is a bug.
const ENDLESS: u32 = 1_000;

/// One repair.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Ops of the set that both sides hold.
    pub common_ops: u32,
    /// Ops that only one side holds, on each side.
    pub apart_ops: u32,
    /// `ladder`, or `ids` as a hub of before does it.
    pub by: &'static str,
    /// Bytes of frames from the device.
    pub up_bytes: usize,
    /// Those of them that are not bursts.
    pub up_search_bytes: usize,
    /// Bytes of frames to the device.
    pub down_bytes: usize,
    /// Those of them that are not bursts.
    pub down_search_bytes: usize,
    /// Flights up that were answered, HELLO's included.
    pub turns: u32,
    /// Milliseconds of both sides, disk included.
    pub ms: u128,
    /// Those of them that the device worked; the rest is the central in memory, which counts its sets anew.
    pub device_ms: u128,
}

/// Repairs one set of `n` common ops, on the ladder and by the list of ids.
///
/// # Errors
/// The disk; a repair that does not end in equal roots.
pub fn sync(n: u32) -> anyhow::Result<[Figures; 2]> {
    let folder = tempfile::tempdir()?;
    let (ladder, ids) = (folder.path().join("ladder"), folder.path().join("ids"));
    let (mut central, seat) = scene(&ladder, n)?;
    std::fs::create_dir(&ids)?;
    for entry in std::fs::read_dir(&ladder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), ids.join(entry.file_name()))?;
        }
    }
    let mut other = central.clone();
    Ok([repair(&ladder, &mut central, &seat, n, true)?, repair(&ids, &mut other, &seat, n, false)?])
}

/// A site's replica and central, which agree on `n` offers of one agent and differ by [`APART`] each way.
fn scene(dir: &Path, n: u32) -> anyhow::Result<(Central, Certificate)> {
    let authority = SigningKey::from_bytes(&[1; 32]);
    let issue = |byte: u8, role, party: Scope| {
        let key = SigningKey::from_bytes(&[byte; 32]);
        let (classes, grants) = Seat::rights(role, party);
        let (device, person) = (Id16([byte; 16]), Id16([byte; 16]));
        let public = key.verifying_key().to_bytes();
        let cash_ceiling = Taka::whole(50_000);
        let (tenant, issuer) = (Id16::default(), [0; 32]);
        let seat =
            Seat { tenant, device, person, party, key: public, classes, grants, cash_ceiling, issued_ms: 1, issuer };
        Ok::<_, anyhow::Error>((key, Certificate::issue(&authority, seat).context("a certificate")?))
    };
    let site = Subject::new(Kind::Site, Id16([3; 16]));
    let (central_key, central_seat) = issue(2, Role::Central, Subject::tenant())?;
    let (site_key, site_seat) = issue(3, Role::Site, site)?;
    let (agent_key, agent_seat) = issue(4, Role::Agent, Subject::agent(site, Id16([4; 16])))?;
    let certificates = [central_seat.clone(), site_seat.clone(), agent_seat.clone()];
    let place = ChainPlace::start(central_seat.author(), Incarnation([2; 4]));
    let memory = Memory::with_certificates(certificates.clone());
    let mut central = Central { memory, key: central_key, log_id: [1; 8], place, broken: None };
    let identity = Identity {
        certificate: site_seat.encode(),
        key: site_key,
        x509: vec![1],
        ca: vec![2],
        authority_key: authority.verifying_key().to_bytes(),
        central_certificate: central_seat.encode(),
        hubs: Vec::new(),
    };
    let node = Node::create(dir, &identity, BusinessClock::default())?;
    node.store().add_certificates(&certificates.map(|certificate| certificate.encode()))?;

    let mut place = ChainPlace::start(agent_seat.author(), Incarnation([4; 4]));
    let mut offers = |from: u32, upto: u32| {
        let mut bursts = Vec::new();
        for first in (from..upto).step_by(OFFERS as usize) {
            let handins: Vec<Subject> = (first..upto.min(first + OFFERS)).map(handin).collect();
            let offered = HandInOffered { site, amount: Taka::whole(1), inc: place.inc, upto: place.seq };
            let offer = Fact::HandInOffered(offered);
            let mut ops: Vec<_> = handins.iter().map(|handin| op_of(*handin, &offer, Vec::new())).collect();
            ops.push(op_of(site, &Fact::Put(Put { generation: 1, subjects: handins }), Vec::new()));
            let burst = Burst::sign(&agent_key, &place, 1_700_000_000_000 + u64::from(first), &ops);
            place = place.then(burst.digest());
            bursts.push(burst);
        }
        bursts
    };
    let (common, here, there) = (offers(0, n), offers(n, n + APART), offers(n + APART, n + 2 * APART));
    for part in common.chunks(AT_ONCE) {
        central.take(part.to_vec(), Stamp { now_ms: 1, entropy: [0; 32] });
    }
    // What central wrote of itself while it took them, the device has, too.
    let readable: Vec<Burst> = all_of(&central, &site_seat.seat);
    for part in readable.chunks(AT_ONCE) {
        node.receive(part.to_vec())?;
    }
    central.take(there, Stamp { now_ms: 2, entropy: [0; 32] });
    node.receive(here)?;
    // As after a restore from a copy: the cursor says that all was told.
    node.store().set_cursor(Cursor { log_id: central.log_id, position: central.memory.position, within: None }, 0)?;
    Ok((central, site_seat))
}

/// Everything that a seat may read.
fn all_of(central: &Central, seat: &Seat) -> Vec<Burst> {
    let sets = central.memory.roots.keys().filter(|(scope, _)| seat.may(bits::READ, scope));
    let ids: BTreeSet<OpId> = sets.flat_map(|(scope, lane)| central.memory.set(*scope, *lane)).collect();
    central.memory.bursts_with(&ids)
}

fn handin(n: u32) -> Subject {
    let mut id = [0x5a; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    Subject::new(Kind::HandIn, Id16(id))
}

fn repair(dir: &Path, central: &mut Central, seat: &Certificate, n: u32, ladder: bool) -> anyhow::Result<Figures> {
    let node = Arc::new(Node::open(dir, BusinessClock::default())?);
    let mut replica = Replica::of(node);
    let (mut edge, mut hub) = (EdgeSession::default(), HubSession::new(seat.author(), false));
    let by = if ladder { "ladder" } else { "ids" };
    let mut figures = Figures {
        common_ops: n,
        apart_ops: APART,
        by,
        up_bytes: 0,
        up_search_bytes: 0,
        down_bytes: 0,
        down_search_bytes: 0,
        turns: 0,
        ms: 0,
        device_ms: 0,
    };
    let started = Instant::now();
    let mut up = edge.start(&replica)?;
    let mut device = started.elapsed();
    while !up.is_empty() {
        figures.turns += 1;
        anyhow::ensure!(figures.turns < ENDLESS, "the session does not come to rest");
        let mut down = Vec::new();
        for frame in up.drain(..) {
            let bytes = frame.encode().len();
            figures.up_bytes += bytes;
            figures.up_search_bytes += if matches!(frame, Frame::Bursts(_) | Frame::Packed(_)) { 0 } else { bytes };
            let mut asks: VecDeque<_> = hub.handle(frame)?.into();
            while let Some(ask) = asks.pop_front() {
                let stamp = Stamp { now_ms: 3, entropy: [0; 32] };
                let (frames, more) = hub.answer(central.answer(seat.author(), &seat.seat, ask, stamp));
                down.extend(frames);
                asks.extend(more);
            }
        }
        for mut frame in down {
            let bytes = frame.encode().len();
            figures.down_bytes += bytes;
            figures.down_search_bytes += if matches!(frame, Frame::Bursts(_) | Frame::Packed(_)) { 0 } else { bytes };
            if let Frame::Welcome(welcome) = &mut frame {
                welcome.ladder = welcome.ladder.filter(|_| ladder);
            }
            let handled = Instant::now();
            up.extend(edge.handle(&mut replica, frame)?);
            device += handled.elapsed();
        }
    }
    (figures.ms, figures.device_ms) = (started.elapsed().as_millis(), device.as_millis());
    anyhow::ensure!(edge.is_equal(), "{n} by {by}: the roots stay unequal");
    Ok(figures)
}
