//! A device's side of one session, driven by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use edge_node::Node;
use edge_node::sync::Replica;
use protocol::frame::Frame;
use protocol::session::EdgeSession;
use protocol_quic::{Device, LinkError, LinkSender};
use tokio::sync::mpsc::Receiver;

/// Frames read ahead of the store, as the node does.
const FRAMES_AHEAD: usize = 4;
/// A session that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A session.
pub struct Seat {
    node: Arc<Node>,
    sender: LinkSender,
    frames: Receiver<Result<Frame, LinkError>>,
    session: EdgeSession,
    replica: Replica,
    /// When connecting began.
    pub started: Instant,
    part_left: Option<Instant>,
    /// Pieces of a picture that were taken.
    pub pieces: u32,
    /// Flights that left here.
    pub turns: u32,
}

impl Seat {
    /// Connects and says HELLO, with the outbox.
    ///
    /// # Errors
    /// The link.
    pub async fn begin(device: &Device, hub: SocketAddr, node: &Arc<Node>) -> anyhow::Result<Self> {
        let started = Instant::now();
        let (link, _) = tokio::time::timeout(PATIENCE, device.connect(hub)).await.context("no link")??;
        let (mut sender, frames) = link.split(FRAMES_AHEAD);
        let (replica, mut session) = (Replica::of(Arc::clone(node)), EdgeSession::default());
        sender.send(&session.start(&replica)?).await?;
        let node = Arc::clone(node);
        Ok(Self { node, sender, frames, session, replica, started, part_left: None, pieces: 0, turns: 1 })
    }

    /// Takes one frame of the hub, and answers it.
    ///
    /// # Errors
    /// The link, or the store.
    pub async fn turn(&mut self) -> anyhow::Result<()> {
        let next = tokio::time::timeout(PATIENCE, self.frames.recv()).await.context("the hub says nothing")?;
        let frame = next.context("the hub ended the session")??;
        if matches!(frame, Frame::BlobHeld(_))
            && let Some(left) = self.part_left.take()
        {
            self.pieces += 1;
            self.session.part_took(u64::try_from(left.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
        let out = self.session.handle(&mut self.replica, frame)?;
        if out.iter().any(|frame| matches!(frame, Frame::BlobPart(_))) {
            self.part_left = Some(Instant::now());
        }
        self.turns += u32::from(!out.is_empty());
        Ok(self.sender.send(&out).await?)
    }

    /// Something was recorded: it leaves.
    ///
    /// # Errors
    /// The link, or the store.
    pub async fn wake(&mut self) -> anyhow::Result<()> {
        let woken = self.session.wake(&self.replica)?;
        Ok(self.sender.send(&woken).await?)
    }

    /// Goes on until both sides hold the same and nothing waits.
    ///
    /// # Errors
    /// As [`Seat::turn`].
    pub async fn rest(&mut self) -> anyhow::Result<()> {
        while !self.session.is_equal() || self.node.store().outbox_len()? > 0 {
            self.turn().await?;
        }
        Ok(())
    }
}
