//! A tap beside the physical limit, alone and while a session brings pages: both in one run on one disk.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use edge_node::{BusinessClock, Node};
use protocol::burst::Burst;
use protocol::command::Command;
use protocol::frame::Cursor;
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;
use serde::Serialize;

use super::{AT_ONCE, all_of, scene};

/// Taps of each kind.
const TAPS: u32 = 300;
/// Ops that the node holds before.
const HELD: u32 = 2_000;
/// Bursts of one frame, as a hub sends them in full flow.
const FRAME: usize = 8;

/// How long something takes, microseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Tap {
    /// `bare`: one transaction of 200 bytes with synchronous=FULL. `tap`: an act, alone. `tap_beside_pages`:
    /// an act while a session brings what central has. `receive`: a frame of such a page.
    pub what: &'static str,
    /// How many.
    pub count: usize,
    /// Median.
    pub p50_us: u64,
    /// 99 of 100 are quicker.
    pub p99_us: u64,
    /// The median over that of `bare`.
    pub ratio: f64,
}

/// Measures, bare transactions and taps in turns.
///
/// # Errors
/// The disk.
pub fn tap() -> anyhow::Result<Vec<Tap>> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("node");
    let (central, seat) = scene(&dir, HELD)?;
    let pages: Vec<Burst> = all_of(&central, &seat.seat);
    let cursor = Cursor { log_id: central.log_id, position: 1, within: None };
    let node = Node::open(&dir, BusinessClock::default())?;
    let bare = bare(folder.path())?;
    let (mut alone, mut limit) = (Vec::new(), Vec::new());
    for n in 0..TAPS {
        limit.push(timed(|| {
            bare.execute("INSERT INTO row (bytes) VALUES (zeroblob(200))", []).map(|_row| ()).context("a bare row")
        })?);
        alone.push(timed(|| record(&node, n))?);
    }
    // A fresh replica of the seat takes everything while its person goes on.
    let fresh = folder.path().join("fresh");
    let (_, _) = scene(&fresh, 0)?;
    let node = Node::open(&fresh, BusinessClock::default())?;
    let done = AtomicBool::new(false);
    let (mut beside, mut received) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let session = scope.spawn(|| {
            let mut frames = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for frame in pages.chunks(FRAME.min(AT_ONCE)) {
                    frames.push(timed(|| {
                        node.receive(frame.to_vec())?;
                        node.store().set_cursor(cursor, 0)?;
                        Ok(node.store().note_compared(1, false, false, None)?)
                    })?);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            }
            Ok::<_, anyhow::Error>(frames)
        });
        let taps = (0..TAPS).map(|n| timed(|| record(&node, TAPS + n))).collect::<anyhow::Result<Vec<_>>>();
        done.store(true, Ordering::Relaxed);
        received = session.join().map_err(|_| anyhow::anyhow!("the session's thread failed"))??;
        beside = taps?;
        Ok::<_, anyhow::Error>(())
    })?;
    let median = percentile(&mut limit, 50).max(1);
    let row = |what, mut times: Vec<u64>| Tap {
        what,
        count: times.len(),
        p50_us: percentile(&mut times, 50),
        p99_us: percentile(&mut times, 99),
        ratio: percentile(&mut times, 50) as f64 / median as f64,
    };
    Ok(vec![row("bare", limit), row("tap", alone), row("tap_beside_pages", beside), row("receive", received)])
}

fn bare(folder: &Path) -> anyhow::Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(folder.join("bare.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB)")?;
    Ok(connection)
}

/// A cashier counts a hand-in.
fn record(node: &Node, n: u32) -> anyhow::Result<()> {
    let mut id = [0x7a; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    let handin = Subject::new(Kind::HandIn, Id16(id));
    let agent = Subject::agent(node.seat().party, Id16([4; 16]));
    let count = Command::Count { handin, agent, counted_paisa: Taka::whole(100), denominations: Vec::new() };
    node.record(id, &count).map(drop).context("a tap")
}

fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_micros() as u64)
}

fn percentile(times: &mut [u64], percent: usize) -> u64 {
    times.sort_unstable();
    times.get(times.len() * percent / 100).or(times.last()).copied().unwrap_or(0)
}
