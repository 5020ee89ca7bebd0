//! The device's side: while no hub answers, it visits the relay of its site.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::seat::bits;
use protocol::session::EdgeSession;
use protocol_quic::{Identity, QuicEndpoint};
use tokio::sync::watch;

use super::{FRAMES_AHEAD, HANDSHAKE, introduced, introduction};
use crate::node::Node;
use crate::sync::{self, SyncError};

/// A hub that has been away for this long is missed.
const MISSED: Duration = Duration::from_secs(2);
/// Wait between visits that did not hold.
const AGAIN: Duration = Duration::from_secs(3);

/// Runs until `stop` turns true: visits the first of `relays` that answers, as long as no hub is linked.
pub async fn run(node: Arc<Node>, mut relays: watch::Receiver<Vec<SocketAddr>>, mut stop: watch::Receiver<bool>) {
    let own = node.identity();
    let identity = Identity { authority: own.ca.clone(), certificate: own.x509.clone(), key: own.key.to_bytes() };
    let endpoint = match protocol_quic::device(&identity, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            tracing::error!(%error, "no relay can be visited; recording goes on");
            return;
        }
    };
    let visits = async {
        let mut linked = node.linked();
        loop {
            // Both ends of these channels live as long as the node.
            if linked.wait_for(|linked| !*linked).await.is_err() {
                return;
            }
            tokio::time::sleep(MISSED).await;
            if *linked.borrow() || relays.wait_for(|relays| !relays.is_empty()).await.is_err() {
                continue;
            }
            let known = relays.borrow_and_update().clone();
            for relay in known {
                let mut back = node.linked();
                tokio::select! {
                    ended = visit(&node, &endpoint, relay) => if let Err(error) = ended {
                        tracing::info!(%error, %relay, "the visit ended");
                    },
                    _ = back.wait_for(|linked| *linked) => {}
                }
                node.note_near(false);
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = visits => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    endpoint.close(0u32.into(), b"the device is stopping");
}

async fn visit(node: &Arc<Node>, endpoint: &QuicEndpoint, relay: SocketAddr) -> Result<(), SyncError> {
    let connecting = tokio::time::timeout(HANDSHAKE, protocol_quic::connect_relay(endpoint, relay));
    let (key, link) = connecting.await.map_err(|_| SyncError::Slow)??;
    let (mut sender, mut frames) = link.split(FRAMES_AHEAD);
    sender.send(&introduction(node)).await?;
    // Who listens at an address that anybody may announce: a site of ours, and this agent's.
    let serves = introduced(node, &key, &mut frames).await;
    let Some(relay) = serves.filter(|relay| relay.seat.may(bits::SERVE, &node.seat().party)) else {
        sender.close(2, "not_my_site");
        return Err(SyncError::NotMySite);
    };
    node.store().add_certificates(&[relay.encode()]).map_err(crate::node::NodeError::from)?;
    let session = EdgeSession::with_relay();
    let heard = |node: &Node, welcomed: bool| node.note_near(welcomed);
    sync::converse(node, session, (sender, frames), sync::SILENCE, heard).await.map(drop)
}
