//! The site's side: takes what its agents' devices recorded, and gives them what is theirs.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use protocol::burst::Burst;
use protocol::frame::{Cursor, Frame, OwnHead, SubjectKey};
use protocol::id::{Author, Incarnation};
use protocol::seat::{Seat, bits};
use protocol::session::hub::{Answer, Ask, Difference, HubSession, Page, Told};
use protocol_quic::{Identity, Incoming, LinkError, TlsError};
use tokio::sync::{Semaphore, watch};

use super::{FRAMES_AHEAD, HANDSHAKE, introduced, introduction};
use crate::node::{Node, NodeError};
use crate::store::Shown;

/// Devices at once: the agents of a hub come together in the morning.
const MAX_VISITORS: usize = 64;

/// A relay that listens.
pub struct Relay {
    /// Where.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// Waits until it has stopped.
    pub async fn ended(self) {
        let _ended = self.task.await;
    }
}

/// Listens until `stop` turns true.
///
/// # Errors
/// [`TlsError`] when the address cannot be bound or the certificates cannot be used.
pub fn serve(node: Arc<Node>, listen: SocketAddr, mut stop: watch::Receiver<bool>) -> Result<Relay, TlsError> {
    let own = node.identity();
    let identity = Identity { authority: own.ca.clone(), certificate: own.x509.clone(), key: own.key.to_bytes() };
    let endpoint = protocol_quic::listen(listen, &identity)?;
    let address = endpoint.local_addr().map_err(TlsError::Bind)?;
    let task = tokio::spawn(async move {
        let seats = Arc::new(Semaphore::new(MAX_VISITORS));
        loop {
            let incoming = tokio::select! {
                incoming = endpoint.accept() => match incoming { Some(incoming) => incoming, None => break },
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Ok(permit) = Arc::clone(&seats).try_acquire_owned() else {
                incoming.refuse();
                continue;
            };
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                node.visitors.fetch_add(1, Ordering::Relaxed);
                if let Err(error) = receive(&node, incoming).await {
                    tracing::info!(%error, "a visit ended");
                }
                node.visitors.fetch_sub(1, Ordering::Relaxed);
                drop(permit);
            });
        }
        endpoint.close(0u32.into(), b"the relay is stopping");
        endpoint.wait_idle().await;
    });
    Ok(Relay { address, task })
}

#[derive(Debug, thiserror::Error)]
enum VisitError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the visitor took too long")]
    Slow,
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("the store's task ended")]
    Task,
}

/// The visitor, and what he said of himself.
#[derive(Clone)]
struct Visitor {
    author: Author,
    seat: Seat,
    inc: Incarnation,
    safe: u64,
}

async fn receive(node: &Arc<Node>, incoming: Incoming) -> Result<(), VisitError> {
    let accepted = tokio::time::timeout(HANDSHAKE, protocol_quic::accept(incoming)).await;
    let (key, link) = accepted.map_err(|_| VisitError::Slow)??;
    let (mut sender, mut frames) = link.split(FRAMES_AHEAD);
    sender.send(&introduction(node)).await?;
    let Some(certificate) = introduced(node, &key, &mut frames).await else {
        sender.close(2, "introduce_yourself");
        return Ok(());
    };
    let (author, seat) = (certificate.author(), certificate.seat.clone());
    if !node.seat().may(bits::SERVE, &seat.party) {
        tracing::info!(code = "not_served_here", "a device of another place was turned away");
        sender.close(2, "not_served_here");
        return Ok(());
    }
    node.store().add_certificates(&[certificate.encode()]).map_err(NodeError::from)?;
    let revoked = node.store().is_revoked(&author).map_err(NodeError::from)?;
    let mut session = HubSession::relay(author, revoked);
    let mut visitor = Visitor { author, seat, inc: Incarnation::default(), safe: 0 };
    let (mut recorded, mut relayed) = (node.subscribe(), node.subscribe_relayed());
    tracing::info!(%author, "an agent's device is here");
    loop {
        let asks = tokio::select! {
            frame = frames.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                let frame = frame?;
                match &frame {
                    Frame::Hello(hello) => (visitor.inc, visitor.safe) = (hello.inc, hello.safe),
                    Frame::Certificates(certificates) => {
                        // Asked for below: authors of whom this node had not heard.
                        let certificates: Vec<Vec<u8>> = certificates.iter().map(|bytes| bytes.to_vec()).collect();
                        node.store().add_certificates(&certificates).map_err(NodeError::from)?;
                        continue;
                    }
                    _ => {}
                }
                match session.handle(frame) {
                    Ok(asks) => asks,
                    Err(violation) => {
                        sender.close(2, violation.code());
                        return Ok(());
                    }
                }
            }
            changed = recorded.changed() => if changed.is_ok() { session.log_moved() } else { return Ok(()) },
            changed = relayed.changed() => if changed.is_ok() { session.log_moved() } else { return Ok(()) },
        };
        let mut asks = VecDeque::from(asks);
        while let Some(ask) = asks.pop_front() {
            let (own, who) = (Arc::clone(node), visitor.clone());
            let task = tokio::task::spawn_blocking(move || answer(&own, &who, ask));
            let Some((answered, unknown)) = task.await.map_err(|_| VisitError::Task)?? else {
                // The device comes back for a drain session.
                sender.close(3, "revoked");
                return Ok(());
            };
            if !unknown.is_empty() {
                sender.send(&[Frame::WantCertificates(unknown)]).await?;
            }
            let (frames, more) = session.answer(answered);
            sender.send(&frames).await?;
            asks.extend(more);
        }
    }
}

/// One answer of the replica, and authors whose certificates it lacks; `None` for somebody whose seat was
/// revoked while he was here.
fn answer(node: &Node, visitor: &Visitor, ask: Ask) -> Result<Option<(Answer, Vec<Author>)>, NodeError> {
    let store = node.store();
    let mut unknown = Vec::new();
    let gives = matches!(ask, Ask::Page(..) | Ask::Cells(..) | Ask::Elements(..) | Ask::Ops(..));
    if gives && store.is_revoked(&visitor.author)? {
        return Ok(None);
    }
    let answered = match ask {
        Ask::Welcome => {
            let (upto, highest) = store.held_from(visitor.author, visitor.inc, visitor.safe)?;
            let head = OwnHead { inc: visitor.inc, upto, highest, forked: false, digest: None };
            Answer::Welcome(Cursor::default(), vec![head])
        }
        Ask::Take(bursts) => {
            let lives = own_lives(&bursts, visitor);
            unknown = node.receive_relayed(bursts)?.unknown_authors;
            let mut held = Vec::new();
            for inc in lives {
                let from = if inc == visitor.inc { visitor.safe } else { 0 };
                held.push((inc, store.held_from(visitor.author, inc, from)?.0));
            }
            Answer::Took(held, Vec::new())
        }
        Ask::Page(..) => {
            let roots = store.roots_for(&visitor.seat)?;
            let roots = roots.into_iter().map(|((scope, lane), root)| (scope, lane, root)).collect();
            Answer::Page(Page { roots, upto: Told::default(), ..Page::default() })
        }
        // Devices that visit are of this version or later: ids are sent by none of them.
        Ask::Difference(scope, lane, _) => Answer::Difference(scope, lane, Difference::default()),
        Ask::Cells(scope, lane, cells) => {
            let readable = visitor.seat.may(bits::READ, &scope);
            Answer::Cells(scope, lane, if readable { Some(store.sketch(scope, lane, cells)?) } else { None })
        }
        Ask::Elements(scope, lane) => {
            let readable = visitor.seat.may(bits::READ, &scope);
            Answer::Elements(scope, lane, if readable { Some(store.elements(scope, lane)?) } else { None })
        }
        Ask::Ops(scope, lane, ids) => {
            let readable = visitor.seat.may(bits::READ, &scope);
            let shown = if readable { store.shown(&visitor.seat, scope, lane, &ids)? } else { Shown::default() };
            Answer::Ops(scope, lane, difference(shown))
        }
        Ask::Certificates(authors) => Answer::Certificates(store.certificates_of(&authors)?),
        Ask::Boxes(_) => Answer::Boxes(Vec::new()),
        Ask::Names => Answer::Names(Vec::new()),
        Ask::Status(_) | Ask::Blob(_) => Answer::Noted,
    };
    Ok(Some((answered, unknown)))
}

/// The visitor's lives of which something has come.
fn own_lives(bursts: &[Burst], visitor: &Visitor) -> BTreeSet<Incarnation> {
    let own = bursts.iter().filter(|burst| burst.head.author == visitor.author);
    own.map(|burst| burst.head.inc).collect()
}

fn difference(shown: Shown) -> Difference {
    let keys = shown.keys.into_iter().map(|(subject, key)| SubjectKey { subject, key }).collect();
    Difference { bursts: shown.bursts, certificates: shown.certificates, keys, ..Difference::default() }
}
