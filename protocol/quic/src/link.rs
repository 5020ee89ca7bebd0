//! A live connection that speaks frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quinn::{Connection, ReadExactError, RecvStream, SendStream, VarInt};
use tokio::sync::Mutex;

use protocol::frame::{self, Frame, FrameError, HEADER_BYTES};

/// A connection and the one stream of its session.
#[derive(Debug)]
pub struct Link {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    early: bool,
}

/// Why a link ended, or never began.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address cannot be connected to.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection is gone, or was refused.
    #[error("the connection ended")]
    Ended(#[from] quinn::ConnectionError),
    /// The peer showed no usable certificate.
    #[error("the peer showed no Ed25519 certificate: enrol the device again")]
    NoCertificate,
    /// The stream is gone.
    #[error("the stream ended")]
    Write(#[from] quinn::WriteError),
    /// The stream is gone.
    #[error("the stream ended")]
    Read(#[from] ReadExactError),
    /// Not a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// The code with which a hub closes that has no room now; the reason says in how many milliseconds to come again.
const BUSY: VarInt = VarInt::from_u32(5);
/// A device waits no longer because a hub says so.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

pub(crate) fn busy(connection: &Connection, after: Duration) {
    connection.close(BUSY, after.as_millis().to_string().as_bytes());
}

impl LinkError {
    /// In what time a hub that has no room wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let (Self::Ended(ended)
        | Self::Write(quinn::WriteError::ConnectionLost(ended))
        | Self::Read(ReadExactError::ReadError(quinn::ReadError::ConnectionLost(ended)))) = self
        else {
            return None;
        };
        let quinn::ConnectionError::ApplicationClosed(closed) = ended else { return None };
        if closed.error_code != BUSY {
            return None;
        }
        let ms = std::str::from_utf8(&closed.reason).ok().and_then(|reason| reason.parse().ok());
        Some(ms.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT))
    }

    /// Whether the other side did not take what was sent before the handshake was over: nothing of it was
    /// seen.
    #[must_use]
    pub const fn is_early_rejected(&self) -> bool {
        matches!(
            self,
            Self::Write(quinn::WriteError::ZeroRttRejected)
                | Self::Read(ReadExactError::ReadError(quinn::ReadError::ZeroRttRejected))
        )
    }
}

impl Link {
    pub(crate) fn new(connection: Connection, send: SendStream, receive: RecvStream, early: bool) -> Self {
        Self { connection, send, receive, early }
    }

    /// Whether it was usable before the handshake was over.
    #[must_use]
    pub const fn is_early(&self) -> bool {
        self.early
    }

    /// Sends frames, in order. Returns when they are handed to the transport.
    ///
    /// # Errors
    /// [`LinkError`] when the link is gone.
    pub async fn send(&mut self, frames: &[Frame]) -> Result<(), LinkError> {
        for frame in frames {
            self.send.write_all(&frame.encode()).await?;
        }
        Ok(())
    }

    /// The next frame of a type that is known; others are skipped by their length. `None` when the
    /// peer finished.
    ///
    /// Not safe to drop half-way: use [`Link::split`] to wait for other things beside it.
    ///
    /// # Errors
    /// [`LinkError`] when the link is gone or the bytes are no frame.
    pub async fn next(&mut self) -> Result<Option<Frame>, LinkError> {
        next(&mut self.receive).await
    }

    /// Ends the link because there is no room, and says when there will be.
    pub fn turn_away(&self, after: Duration) {
        busy(&self.connection, after);
    }

    /// Splits into a sender and a task that feeds received frames into a channel of `depth`, so that
    /// a session can wait for frames and for other things at once. A full channel holds the peer back.
    #[must_use]
    pub fn split(self, depth: usize) -> (LinkSender, tokio::sync::mpsc::Receiver<Result<Frame, LinkError>>) {
        let Self { connection, send, mut receive, .. } = self;
        let (feed, frames) = tokio::sync::mpsc::channel(depth);
        let stream = Arc::new(Stream { send: send.into(), said: AtomicU64::new(0), heard: AtomicU64::new(0) });
        let ours = Arc::downgrade(&stream);
        let reading = tokio::spawn(async move {
            loop {
                match next(&mut receive).await {
                    Ok(Some(frame)) => {
                        if let Some(stream) = ours.upgrade() {
                            stream.heard.fetch_add(1, Ordering::Relaxed);
                        }
                        if feed.send(Ok(frame)).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => return,
                    Err(error) => {
                        // The receiver may be gone already: then nobody wants to know.
                        let _gone = feed.send(Err(error)).await;
                        return;
                    }
                }
            }
        });
        (LinkSender { connection, stream, reader: reading.abort_handle() }, frames)
    }
}

async fn next(receive: &mut RecvStream) -> Result<Option<Frame>, LinkError> {
    loop {
        let mut head = [0; HEADER_BYTES];
        match receive.read_exact(&mut head).await {
            Ok(()) => {}
            Err(ReadExactError::FinishedEarly(0)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let (number, length) = frame::header(head)?;
        // Grows with what arrives, not with what the header claims.
        let mut body = Vec::with_capacity(length.min(64 * 1024));
        while body.len() < length {
            let part = (length - body.len()).min(64 * 1024);
            let start = body.len();
            body.resize(start + part, 0);
            receive.read_exact(&mut body[start..]).await?;
        }
        if let Some(frame) = Frame::decode(number, &body)? {
            return Ok(Some(frame));
        }
    }
}

/// When words that matter are followed by a nudge, each after the one before, while nothing else is said and nothing is
/// heard: first later than what is said in one breath and far sooner than a round trip on a slow line, then as long as a
/// handshake may take whose last packet was lost; until then the other side cannot read what was said.
const NUDGES: [Duration; 6] = [
    Duration::from_millis(60),
    Duration::from_millis(250),
    Duration::from_millis(900),
    Duration::from_millis(1_000),
    Duration::from_millis(1_000),
    Duration::from_millis(2_000),
];

/// The sending half of a [`Link`].
///
/// QUIC notices at once that a packet is lost when a later one arrives. The last of a flight has none behind it: it is
/// missed only after a timeout, which on a fresh slow line is seconds, and doubles. So behind facts, and behind
/// answers to them, a few bytes that say nothing are sent.
#[derive(Debug)]
pub struct LinkSender {
    connection: Connection,
    stream: Arc<Stream>,
    reader: tokio::task::AbortHandle,
}

#[derive(Debug)]
struct Stream {
    send: Mutex<SendStream>,
    /// How often something was said.
    said: AtomicU64,
    /// How often something was heard.
    heard: AtomicU64,
}

impl Stream {
    fn now(&self) -> (u64, u64) {
        (self.said.load(Ordering::Relaxed), self.heard.load(Ordering::Relaxed))
    }

    /// Says nothing, unless something was said or heard since. `false` when there is no more to wait for.
    async fn nudge(&self, since: (u64, u64)) -> bool {
        let mut send = self.send.lock().await;
        // A link that is gone is noticed by who has something to say.
        self.now() == since && send.write_all(&frame::NOTHING).await.is_ok()
    }
}

impl LinkSender {
    /// Sends frames, in order. Returns when they are handed to the transport.
    ///
    /// # Errors
    /// [`LinkError`] when the link is gone.
    pub async fn send(&mut self, frames: &[Frame]) -> Result<(), LinkError> {
        if frames.is_empty() {
            return Ok(());
        }
        let mut send = self.stream.send.lock().await;
        self.stream.said.fetch_add(1, Ordering::Relaxed);
        let since = self.stream.now();
        for frame in frames {
            send.write_all(&frame.encode()).await?;
        }
        drop(send);
        if frames.iter().any(matters) {
            let stream = Arc::downgrade(&self.stream);
            tokio::spawn(async move {
                for after in NUDGES {
                    tokio::time::sleep(after).await;
                    let Some(stream) = stream.upgrade() else { return };
                    if !stream.nudge(since).await {
                        return;
                    }
                }
            });
        }
        Ok(())
    }

    /// Ends the link and says why; `code` 0 is a normal end.
    pub fn close(&self, code: u32, reason: &str) {
        self.connection.close(VarInt::from_u32(code), reason.as_bytes());
    }
}

/// The session is over, whyever: a task that goes on reading would keep the connection alive, and the other side busy.
impl Drop for LinkSender {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// What somebody waits for.
const fn matters(frame: &Frame) -> bool {
    matches!(frame, Frame::Bursts(_) | Frame::Packed(_) | Frame::Safe(_) | Frame::Held(_))
}
