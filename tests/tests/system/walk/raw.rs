//! A device that says whatever it likes: raw bytes on the session's stream.

use std::net::SocketAddr;
use std::time::Duration;

use edge_node::Node;
use protocol::frame::{Frame, HEADER_BYTES, Hello, NOTHING, Welcome, header};
use protocol_quic::{HUB_NAME, Identity, QuicEndpoint};
use quinn::{Connection, ConnectionError, RecvStream, SendStream};

/// An answer that is not there by then will not come.
const ANSWER: Duration = Duration::from_secs(20);

/// A link without manners.
pub(super) struct Raw {
    pub(super) connection: Connection,
    pub(super) send: SendStream,
    receive: RecvStream,
    _endpoint: QuicEndpoint,
}

pub(super) fn identity_of(node: &Node) -> Identity {
    let own = node.identity();
    Identity { authority: own.ca.clone(), certificate: own.x509.clone(), key: own.key.to_bytes() }
}

impl Raw {
    pub(super) async fn connect(identity: &Identity, hub: SocketAddr) -> Self {
        let endpoint = protocol_quic::device(identity, "127.0.0.1:0".parse().unwrap()).unwrap();
        let connection = endpoint.connect(hub, HUB_NAME).unwrap().await.unwrap();
        let (send, receive) = connection.open_bi().await.unwrap();
        Self { connection, send, receive, _endpoint: endpoint }
    }

    /// Connects as the seat of a node.
    pub(super) async fn of(node: &Node, hub: SocketAddr) -> Self {
        Self::connect(&identity_of(node), hub).await
    }

    /// Connects and exchanges HELLO and WELCOME.
    pub(super) async fn welcomed(node: &Node, hub: SocketAddr) -> (Self, Welcome) {
        let mut raw = Self::of(node, hub).await;
        raw.say(&[Frame::Hello(Hello::default())]).await;
        let Frame::Welcome(welcome) = raw.next().await.unwrap() else { panic!("no WELCOME first") };
        (raw, welcome)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.send.write_all(bytes).await.unwrap();
    }

    pub(super) async fn say(&mut self, frames: &[Frame]) {
        for frame in frames {
            self.write(&frame.encode()).await;
        }
    }

    /// The next frame; `None` when the hub has ended it.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let read = async {
            loop {
                let mut head = [0; HEADER_BYTES];
                self.receive.read_exact(&mut head).await.ok()?;
                let (number, length) = header(head).unwrap();
                let mut body = vec![0; length];
                self.receive.read_exact(&mut body).await.ok()?;
                if head != NOTHING {
                    return Some(
                        Frame::decode(number, &body).unwrap().expect("a hub sends only frames that are known"),
                    );
                }
            }
        };
        tokio::time::timeout(ANSWER, read).await.expect("the hub says nothing")
    }

    /// Reads on until a frame is the one; returns it, and what came before.
    pub(super) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> (Frame, Vec<Frame>) {
        let mut before = Vec::new();
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the hub ended it after {before:?}"));
            if wanted(&frame) {
                return (frame, before);
            }
            before.push(frame);
        }
    }

    /// The code with which the hub ends the session; empty when it just lets go.
    pub(super) async fn closed(&self) -> String {
        let ended = tokio::time::timeout(ANSWER, self.connection.closed()).await.expect("the hub holds on");
        match ended {
            ConnectionError::ApplicationClosed(close) => String::from_utf8(close.reason.to_vec()).unwrap(),
            other => panic!("{other}"),
        }
    }
}
