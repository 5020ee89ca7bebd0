//! Sync without an uplink: a site's node is a relay for its agents' devices on the same network.
//!
//! The words are those of a session with a hub ([`protocol::session`]); a relay says HELD where a hub says
//! SAFE, and gives only what the visitor's own certificate lets him read. Both sides introduce themselves
//! first, with a CERTIFICATES frame: the certificate of TLS names the key, this one says what it may do.
//! [`relay`] is the site's side, [`visit`] the device's, [`find`] how the one finds the other.

pub mod find;
pub mod relay;
pub mod visit;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::frame::Frame;
use protocol::seat::{Certificate, Role};
use protocol_quic::LinkError;
use serde::Deserialize;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::node::Node;
use find::Announced;
use relay::Relay;

/// Each side introduces itself within this time, or is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Frames read ahead of the store.
const FRAMES_AHEAD: usize = 4;

/// How to meet devices near by: a site serves those of its agents, an agent's device looks for its site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lan {
    /// Meet them at all.
    pub enabled: bool,
    /// Where a site's relay listens (UDP); port 0 takes a free one, which is announced.
    pub listen: SocketAddr,
    /// Announce the relay by multicast DNS, and look for relays by it.
    pub discover: bool,
    /// Relays at fixed addresses, for networks without multicast.
    pub relays: Vec<SocketAddr>,
}

impl Default for Lan {
    fn default() -> Self {
        let listen = SocketAddr::from(([0, 0, 0, 0], 0));
        Self { enabled: true, listen, discover: true, relays: Vec::new() }
    }
}

/// What goes on near by, until its `stop` turns true.
#[derive(Default)]
pub struct Near {
    /// Where this node's relay listens, if it has one.
    pub address: Option<SocketAddr>,
    relay: Option<Relay>,
    announced: Option<Announced>,
    tasks: Vec<JoinHandle<()>>,
}

impl Near {
    /// Waits until it has stopped.
    pub async fn ended(self) {
        drop(self.announced);
        if let Some(relay) = self.relay {
            relay.ended().await;
        }
        for task in self.tasks {
            let _ended = task.await;
        }
    }
}

/// Starts what the node's role asks for: a site's relay, or an agent's visits to it. What cannot be started is
/// logged and left out: recording goes on.
#[must_use]
pub fn start(node: &Arc<Node>, lan: &Lan, stop: &watch::Receiver<bool>) -> Near {
    let mut near = Near::default();
    let party = node.seat().party;
    match node.seat().role() {
        Role::Site if lan.enabled => match relay::serve(Arc::clone(node), lan.listen, stop.clone()) {
            Ok(relay) => {
                near.address = Some(relay.address);
                if lan.discover {
                    match find::announce(&party, relay.address.port()) {
                        Ok(announced) => near.announced = Some(announced),
                        Err(error) => tracing::warn!(%error, "the relay is not announced; it works by its address"),
                    }
                }
                near.relay = Some(relay);
            }
            Err(error) => tracing::error!(%error, listen = %lan.listen, "no relay for devices near by"),
        },
        Role::Agent if lan.enabled => {
            let (found, relays) = watch::channel(lan.relays.clone());
            if lan.discover {
                near.tasks.push(tokio::spawn(find::follow(party, lan.relays.clone(), found, stop.clone())));
            } else {
                // Nothing changes it, and the visits need it to stay.
                near.tasks.push(tokio::spawn(kept(found, stop.clone())));
            }
            near.tasks.push(tokio::spawn(visit::run(Arc::clone(node), relays, stop.clone())));
        }
        _ => {}
    }
    near
}

async fn kept(found: watch::Sender<Vec<SocketAddr>>, mut stop: watch::Receiver<bool>) {
    let _stopped = stop.wait_for(|stop| *stop).await;
    drop(found);
}

/// What a node says of itself.
fn introduction(node: &Node) -> [Frame; 1] {
    [Frame::Certificates(vec![node.identity().certificate.clone().into()])]
}

/// Reads how the other side introduces itself; `None` when it is not who TLS says, or says nothing in time.
async fn introduced(
    node: &Node,
    key: &[u8; 32],
    frames: &mut Receiver<Result<Frame, LinkError>>,
) -> Option<Certificate> {
    let frame = tokio::time::timeout(HANDSHAKE, frames.recv()).await.ok()??.ok()?;
    let Frame::Certificates(certificates) = frame else { return None };
    let certificate = node.store().certificate(certificates.first()?)?;
    (certificate.seat.key == *key).then_some(certificate)
}
