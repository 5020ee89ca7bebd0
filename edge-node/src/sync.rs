//! Drives sessions with the sync-hubs: one at a time, for ever, whatever the network does.

mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::account::Account;
use protocol::blob::{BlobHeld, BlobPart};
use protocol::burst::Burst;
use protocol::fold::RULES;
use protocol::frame::{CodeBox, Cursor, Frame, Hello, PartyName, RefusedSlot, SubjectKey};
use protocol::id::{Author, Digest, Incarnation, Scope, ShortId, Subject};
use protocol::ranges::Element;
use protocol::session::ladder::Rung;
use protocol::session::{EdgeSession, EdgeStore, Life, Standing};
use protocol::sketch::Cell;
use protocol::taka::Taka;
use protocol_quic::{Device, Identity, Link, LinkError, LinkSender};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use turn::{End, Turn};

use crate::node::{Node, NodeError, random};
use crate::store::StoreError;

/// A hub that does not answer in this time is left for the next one.
const CONNECT: Duration = Duration::from_secs(12);
/// A session in which the hub says nothing for this long, while something waits, is begun anew.
pub(crate) const SILENCE: Duration = Duration::from_secs(20);
/// Frames read ahead of the store.
const FRAMES_AHEAD: usize = 4;

/// Runs until `stop` turns true. `hubs` are `host:port`; the first that answers and has room is used. `backoff_most`
/// is the longest wait between tries.
pub async fn run(node: Arc<Node>, hubs: Vec<String>, backoff_most: Duration, mut stop: watch::Receiver<bool>) {
    let identity = node.identity();
    let identity =
        Identity { authority: identity.ca.clone(), certificate: identity.x509.clone(), key: identity.key.to_bytes() };
    let device = match Device::new(&identity, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))) {
        Ok(device) => device,
        Err(error) => {
            tracing::error!(%error, "the network cannot be used; recording goes on");
            return;
        }
    };
    let Some(mut turn) = Turn::of(hubs.len(), backoff_most) else {
        tracing::warn!("no hub is configured; recording goes on");
        return;
    };
    while !*stop.borrow() {
        let hub = &hubs[turn.hub()];
        let held = tokio::select! {
            held = attempt(&node, &device, hub) => held,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        node.note_contact(false);
        let end = match held {
            Ok(true) => End::Welcomed,
            Ok(false) => End::Failed,
            Err(error) => {
                tracing::info!(%error, hub, "the session ended");
                error.slot().map_or(End::Failed, End::Slot)
            }
        };
        let pause = turn.ended(end, Instant::now(), jitter);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    node.note_contact(false);
    device.close("the device is stopping");
}

fn jitter(most: Duration) -> Duration {
    let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).max(1);
    // Without entropy the full wait is as good as any.
    let draw = random::<8>().map_or(most, u64::from_le_bytes);
    Duration::from_millis(draw % most)
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
    #[error("{0} is not an address: write host:port")]
    Address(String),
    #[error("the other side did not answer in time")]
    Slow,
    #[error("what listens there is not the relay of this device's site")]
    NotMySite,
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("the store's task ended")]
    Task,
}

impl SyncError {
    /// In what time a hub that has no room wants to be asked again.
    fn slot(&self) -> Option<Duration> {
        match self {
            Self::Link(error) => error.retry_after(),
            _ => None,
        }
    }
}

/// One session with a hub. `Ok(true)` when it was welcomed: the hub is good, whatever ended it.
async fn attempt(node: &Arc<Node>, device: &Device, hub: &str) -> Result<bool, SyncError> {
    let address = tokio::net::lookup_host(hub).await.ok().and_then(|mut found| found.next());
    let address = address.ok_or_else(|| SyncError::Address(hub.to_owned()))?;
    let connecting = tokio::time::timeout(CONNECT, device.connect(address));
    let (link, early) = connecting.await.map_err(|_| SyncError::Slow)??;
    let talk = async |link: Link| {
        // An early link is there before anybody has answered.
        let first = if link.is_early() { CONNECT } else { SILENCE };
        let heard = |node: &Node, welcomed: bool| node.note_contact(welcomed);
        converse(node, EdgeSession::default(), link.split(FRAMES_AHEAD), first, heard).await
    };
    match (talk(link).await, early) {
        // The hub began anew and knows no ticket: nothing of the first flight was seen.
        (Err(SyncError::Link(error)), Some(early)) if error.is_early_rejected() => {
            let again = tokio::time::timeout(CONNECT, early.again()).await.map_err(|_| SyncError::Slow)??;
            talk(again).await
        }
        (held, _) => held,
    }
}

/// Carries a session until its link ends, or until a word is owed for too long: the first for `first`, every other for
/// [`SILENCE`]. `heard` is told of every frame, and whether the other side has welcomed the device; so is who
/// called, at the end.
pub(crate) async fn converse(
    node: &Arc<Node>,
    mut session: EdgeSession,
    (mut sender, mut frames): (LinkSender, mpsc::Receiver<Result<Frame, LinkError>>),
    first: Duration,
    heard: impl Fn(&Node, bool),
) -> Result<bool, SyncError> {
    let (mut recorded, mut relayed) = (node.subscribe(), node.subscribe_relayed());
    let (begun, hello) = step(node, session, |session, store| session.start(store)).await?;
    session = begun;
    sender.send(&hello).await?;
    let mut welcomed = false;
    let mut part_left: Option<Instant> = None;
    let mut silence = Silence::since(Instant::now(), first);
    loop {
        let resting = session.is_equal() || session.is_drained();
        let gone = silence.over(resting, Instant::now());
        let (next, out) = tokio::select! {
            frame = frames.recv() => match frame {
                None => return Ok(welcomed),
                Some(Err(error)) if error.is_early_rejected() || error.retry_after().is_some() => return Err(error.into()),
                Some(Err(error)) => {
                    tracing::debug!(%error, "the link is gone");
                    return Ok(welcomed);
                }
                Some(Ok(frame)) => {
                    welcomed |= matches!(frame, Frame::Welcome(_));
                    heard(node, welcomed);
                    silence.heard(Instant::now());
                    if matches!(frame, Frame::BlobHeld(_))
                        && let Some(left) = part_left.take()
                    {
                        session.part_took(u64::try_from(left.elapsed().as_millis()).unwrap_or(u64::MAX));
                    }
                    step(node, session, move |session, store| session.handle(store, frame)).await?
                }
            },
            changed = recorded.changed() => {
                if changed.is_err() {
                    return Ok(welcomed);
                }
                step(node, session, |session, store| session.wake(store)).await?
            }
            changed = relayed.changed() => {
                if changed.is_err() {
                    return Ok(welcomed);
                }
                let asked = session.relayed();
                (session, asked)
            }
            () = tokio::time::sleep_until(gone.unwrap_or_else(Instant::now)), if gone.is_some() => {
                sender.close(1, "silence");
                return Ok(false);
            }
        };
        session = next;
        if out.iter().any(|frame| matches!(frame, Frame::BlobPart(_))) {
            part_left = Some(Instant::now());
        }
        sender.send(&out).await?;
    }
}

/// How long the other side has owed a word. What is recorded here meanwhile is no word of theirs: at a busy counter
/// a tap every second would otherwise keep a dead line for as long as the counter is busy.
#[derive(Debug)]
struct Silence {
    /// Since when, while a word is owed.
    owed: Option<Instant>,
    /// For how long.
    patience: Duration,
}

impl Silence {
    const fn since(now: Instant, patience: Duration) -> Self {
        Self { owed: Some(now), patience }
    }

    const fn heard(&mut self, now: Instant) {
        (self.owed, self.patience) = (Some(now), SILENCE);
    }

    /// When the line is given up, if nothing is heard until then.
    fn over(&mut self, resting: bool, now: Instant) -> Option<Instant> {
        self.owed = (!resting).then(|| self.owed.unwrap_or(now));
        self.owed.map(|owed| owed + self.patience)
    }
}

/// One step of the session beside the async threads: SQLite blocks.
async fn step(
    node: &Arc<Node>,
    mut session: EdgeSession,
    act: impl FnOnce(&mut EdgeSession, &mut Replica) -> Result<Vec<Frame>, NodeError> + Send + 'static,
) -> Result<(EdgeSession, Vec<Frame>), SyncError> {
    let mut replica = Replica::of(Arc::clone(node));
    let task = tokio::task::spawn_blocking(move || {
        let frames = act(&mut session, &mut replica)?;
        Ok::<_, NodeError>((session, frames))
    });
    Ok(task.await.map_err(|_| SyncError::Task)??)
}

/// The node as a session sees it.
pub struct Replica(Arc<Node>);

impl Replica {
    /// Of this node.
    #[must_use]
    pub const fn of(node: Arc<Node>) -> Self {
        Self(node)
    }
}

impl EdgeStore for Replica {
    type Error = NodeError;

    fn hello(&self) -> Result<Hello, NodeError> {
        let hello = self.0.store().hello()?;
        Ok(Hello {
            cursor: hello.cursor.unwrap_or_default(),
            inc: hello.inc,
            last: hello.last_seq,
            safe: hello.safe_upto,
            rules: RULES,
            names: Some(self.0.store().names_digest()?),
            packs: None,
        })
    }

    fn own_bursts_after(&self, seq: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, NodeError> {
        Ok(self.0.store().own_bursts_after(seq, max_bytes)?)
    }

    fn lives(&self) -> Result<Vec<Life>, NodeError> {
        Ok(self.0.store().lives()?)
    }

    fn own_digests(&self, inc: Incarnation, seq: u64) -> Result<Vec<Digest>, NodeError> {
        Ok(self.0.store().own_digests(inc, seq)?)
    }

    fn earlier_bursts(&self, max_bytes: usize) -> Result<Vec<Vec<u8>>, NodeError> {
        let store = self.0.store();
        let current = store.hello()?.inc;
        let (mut bursts, mut left) = (Vec::new(), max_bytes);
        for (inc, upto) in store.waiting_incarnations()?.into_iter().filter(|(inc, _)| *inc != current) {
            let of_life = store.own_bursts_of(inc, upto, left)?;
            left = left.saturating_sub(of_life.iter().map(Vec::len).sum());
            bursts.extend(of_life);
            if left == 0 {
                break;
            }
        }
        Ok(bursts)
    }

    fn receive(&mut self, bursts: Vec<Burst>) -> Result<BTreeSet<Author>, NodeError> {
        Ok(self.0.receive(bursts)?.unknown_authors.into_iter().collect())
    }

    fn add_certificates(&mut self, certificates: &[Vec<u8>]) -> Result<(), NodeError> {
        let (_, foreign) = self.0.store().add_certificates(certificates)?;
        if foreign > 0 {
            tracing::warn!(foreign, "certificates of another authority were left out");
        }
        Ok(())
    }

    fn add_keys(&mut self, keys: &[SubjectKey]) -> Result<(), NodeError> {
        let keys: Vec<_> = keys.iter().map(|key| (key.subject, key.key)).collect();
        Ok(self.0.store().add_keys(&keys)?)
    }

    fn add_boxes(&mut self, boxes: &[CodeBox]) -> Result<(), NodeError> {
        Ok(self.0.store().add_boxes(boxes)?)
    }

    fn lacking_boxes(&self, most: usize) -> Result<Vec<Subject>, NodeError> {
        Ok(self.0.store().read(|rows| rows.lacking_boxes(most))?)
    }

    fn set_names(&mut self, names: &[PartyName]) -> Result<(), NodeError> {
        Ok(self.0.store().set_names(names)?)
    }

    fn set_safe(&mut self, inc: Incarnation, upto: u64) -> Result<(), NodeError> {
        Ok(self.0.store().set_safe(inc, upto)?)
    }

    fn set_held(&mut self, inc: Incarnation, upto: u64) -> Result<(), NodeError> {
        Ok(self.0.store().set_held(inc, upto)?)
    }

    fn certificates(&self, authors: &[Author]) -> Result<Vec<Vec<u8>>, NodeError> {
        Ok(self.0.store().certificates_of(authors)?.into_iter().map(|(_, bytes)| bytes).collect())
    }

    fn lower_safe(&mut self, inc: Incarnation, upto: u64) -> Result<(), NodeError> {
        tracing::warn!(upto, "central holds less than it had acknowledged; it is fed again");
        Ok(self.0.store().lower_safe(inc, upto)?)
    }

    fn note_restored(&mut self) -> Result<(), NodeError> {
        let pictures = self.0.store().offer_blobs_again()?;
        tracing::warn!(pictures, "central came back from a copy; what it lacks goes out again");
        Ok(())
    }

    fn set_cursor(&mut self, cursor: Cursor, beacon: Option<u64>) -> Result<(), NodeError> {
        Ok(self.0.store().set_cursor(cursor, beacon.unwrap_or(0))?)
    }

    fn note_refused(&mut self, refused: &RefusedSlot) -> Result<(), NodeError> {
        tracing::warn!(code = refused.code, seq = refused.seq, "central refused a record");
        if refused.author == self.0.author() {
            // A burst that is refused whole has no slot of its own: it stands under the first.
            let slot = refused.slot.unwrap_or(0);
            self.0.store().note_refused(refused.inc, refused.seq, slot, &refused.code, self.0.now_ms())?;
        }
        Ok(())
    }

    fn new_incarnation(&mut self) -> Result<(), NodeError> {
        tracing::warn!("this database is older than what left it: a new incarnation begins");
        self.0.new_incarnation().map(drop)
    }

    fn standing(&self) -> Result<Standing, NodeError> {
        Ok(self.0.store().standing()?)
    }

    fn short_ids(&self, scope: Scope, lane: u8) -> Result<Vec<ShortId>, NodeError> {
        Ok(self.0.store().short_ids(scope, lane)?)
    }

    fn cells(&self, scope: Scope, lane: u8, from: usize, upto: usize) -> Result<(u64, Vec<Cell>), NodeError> {
        Ok(self.0.store().cells(scope, lane, from, upto)?)
    }

    fn elements(&self, scope: Scope, lane: u8) -> Result<Vec<Element>, NodeError> {
        Ok(self.0.store().elements(scope, lane)?)
    }

    fn note_repair(&mut self, rung: Rung) -> Result<(), NodeError> {
        Ok(self.0.store().count_one(rung.name())?)
    }

    fn bursts_with(&self, ids: &[ShortId]) -> Result<Vec<Vec<u8>>, NodeError> {
        Ok(self.0.store().bursts_with(ids)?)
    }

    fn books(&self) -> Result<BTreeMap<Account, Taka>, NodeError> {
        Ok(self.0.store().books()?)
    }

    fn set_proven(&mut self, upto: u64) -> Result<(), NodeError> {
        Ok(self.0.store().set_proven(upto)?)
    }

    fn note_compared(
        &mut self,
        position: u64,
        equal: bool,
        books_equal: bool,
        proven: Option<u64>,
    ) -> Result<(), NodeError> {
        self.0.store().note_compared(position, equal, books_equal, proven)?;
        if equal && self.0.store().let_closed_go()? > 0 {
            self.0.search.wake();
        }
        Ok(())
    }

    fn next_part(&self, most_bytes: usize) -> Result<Option<BlobPart>, NodeError> {
        if self.0.is_metered() {
            return Ok(None);
        }
        Ok(self.0.store().next_part(most_bytes)?)
    }

    fn set_blob_held(&mut self, held: &BlobHeld) -> Result<(), NodeError> {
        if let Some(code) = &held.refused {
            tracing::warn!(code, blob = %held.blob, "central does not take a picture");
        }
        Ok(self.0.store().set_blob_held(held)?)
    }

    fn note(&mut self, code: &str, message: &str) -> Result<(), NodeError> {
        tracing::warn!(code, message, "central says");
        Ok(())
    }

    fn waiting(&self) -> Result<(u64, u64), NodeError> {
        let store = self.0.store();
        let ops = store.read(|rows| rows.ops_held().map_err(NodeError::from))?;
        Ok((store.outbox_len()?, ops))
    }
}

impl From<StoreError> for SyncError {
    fn from(error: StoreError) -> Self {
        Self::Node(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_counter_gives_a_dead_line_up_in_the_same_time_as_a_quiet_one() {
        let start = Instant::now();
        let mut silence = Silence::since(start, CONNECT);
        for tap in 0..100 {
            let gone = silence.over(false, start + Duration::from_secs(tap));
            assert_eq!(gone, Some(start + CONNECT), "a tap is no word of the hub");
        }
        silence.heard(start + Duration::from_secs(7));
        assert_eq!(silence.over(false, start + Duration::from_secs(8)), Some(start + Duration::from_secs(7) + SILENCE));
    }

    #[test]
    fn a_line_at_rest_owes_nothing_and_a_tap_after_hours_starts_the_wait() {
        let start = Instant::now();
        let mut silence = Silence::since(start, SILENCE);
        assert_eq!(silence.over(true, start), None);
        let tap = start + Duration::from_secs(7_200);
        assert_eq!(silence.over(false, tap), Some(tap + SILENCE));
    }
}
