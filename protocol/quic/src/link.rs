//! A live connection that speaks frames.

use quinn::{Connection, ReadExactError, RecvStream, SendStream, VarInt};

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

impl LinkError {
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

    /// Splits into a sender and a task that feeds received frames into a channel of `depth`, so that
    /// a session can wait for frames and for other things at once. A full channel holds the peer back.
    #[must_use]
    pub fn split(self, depth: usize) -> (LinkSender, tokio::sync::mpsc::Receiver<Result<Frame, LinkError>>) {
        let Self { connection, send, mut receive, .. } = self;
        let (feed, frames) = tokio::sync::mpsc::channel(depth);
        tokio::spawn(async move {
            loop {
                match next(&mut receive).await {
                    Ok(Some(frame)) => {
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
        (LinkSender { connection, send }, frames)
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

/// The sending half of a [`Link`].
#[derive(Debug)]
pub struct LinkSender {
    connection: Connection,
    send: SendStream,
}

impl LinkSender {
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

    /// Ends the link and says why; `code` 0 is a normal end.
    pub fn close(&self, code: u32, reason: &str) {
        self.connection.close(VarInt::from_u32(code), reason.as_bytes());
    }
}
