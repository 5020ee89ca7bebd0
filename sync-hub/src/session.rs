//! One device's session: frames in, questions to central's store, frames out.

use std::collections::VecDeque;
use std::time::Duration;

use central::intake::IntakeError;
use central::replication::{self, DeviceStatus, Limits, Parcelled, ReplicationError};
use protocol::frame::{CodeBox, Cursor, PartyName, RefusedSlot, SubjectKey};
use protocol::id::{Author, ShortId};
use protocol::seat::Seat;
use protocol::session::hub::{Answer, Ask, Difference, HubSession, Page};
use protocol_quic::{Incoming, LinkError};

use crate::Hub;
use crate::moves::Listener;

/// A device that does not finish its handshake in this time is let go.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Frames read ahead of the session; a device that sends more waits.
const FRAMES_AHEAD: usize = 4;

/// Why a session ended early.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Replication(#[from] ReplicationError),
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error("the seat was revoked")]
    Revoked,
}

/// Serves one connection until it ends.
pub(crate) async fn serve(hub: &Hub, incoming: Incoming, moves: Listener) {
    let accepted = tokio::time::timeout(HANDSHAKE, protocol_quic::accept(incoming)).await;
    let (key, link) = match accepted {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(error)) => {
            metrics::counter!("getit_hub_refused_handshakes").increment(1);
            tracing::info!(%error, "a handshake failed");
            return;
        }
        Err(_) => return,
    };
    let row = match replication::seat_by_key(&hub.pool, &key).await {
        Ok(row) => row,
        Err(error) => {
            tracing::error!(%error, "a seat cannot be read");
            return;
        }
    };
    let Some((row, certificate)) = row.and_then(|row| hub.seats.decode(&row.certificate).map(|seat| (row, seat)))
    else {
        metrics::counter!("getit_hub_refused_handshakes").increment(1);
        tracing::info!(code = "unknown_seat", "a certificate of ours without a seat");
        return;
    };
    if link.is_early() {
        metrics::counter!("getit_hub_early_sessions").increment(1);
    }
    metrics::gauge!("getit_hub_sessions").increment(1.0);
    let ended = run(hub, row.author, &certificate.seat, row.revoked, link, moves).await;
    metrics::gauge!("getit_hub_sessions").decrement(1.0);
    match ended {
        Ok(()) | Err(SessionError::Link(_)) => tracing::debug!(author = %row.author, "session ended"),
        Err(error) => tracing::warn!(author = %row.author, %error, "session ended early"),
    }
}

async fn run(
    hub: &Hub,
    author: Author,
    seat: &Seat,
    revoked: bool,
    link: protocol_quic::Link,
    mut moves: Listener,
) -> Result<(), SessionError> {
    let mut session = HubSession::new(author, revoked);
    let (mut sender, mut frames) = link.split(FRAMES_AHEAD);
    loop {
        let mut asks: VecDeque<Ask> = tokio::select! {
            frame = frames.recv() => match frame {
                None => return Ok(()),
                Some(Err(error)) => {
                    if let LinkError::Frame(bad) = &error {
                        sender.close(2, bad.code());
                    }
                    return Err(error.into());
                }
                Some(Ok(frame)) => match session.handle(frame) {
                    Ok(asks) => asks.into(),
                    Err(violation) => {
                        metrics::counter!("getit_hub_violations", "code" => violation.code()).increment(1);
                        sender.close(2, violation.code());
                        return Ok(());
                    }
                },
            },
            goes_on = moves.concerning(seat) => {
                if !goes_on {
                    return Ok(());
                }
                session.log_moved().into()
            }
        };
        while let Some(ask) = asks.pop_front() {
            let answer = match answer(hub, author, seat, ask).await {
                Err(SessionError::Revoked) => {
                    // The device comes back for a drain session.
                    sender.close(3, "revoked");
                    return Ok(());
                }
                answer => answer?,
            };
            let (frames, more) = session.answer(answer);
            sender.send(&frames).await?;
            asks.extend(more);
        }
    }
}

async fn answer(hub: &Hub, author: Author, seat: &Seat, ask: Ask) -> Result<Answer, SessionError> {
    // A session outlives the moment in which its seat is revoked: nothing is given after that.
    let gives = matches!(ask, Ask::Page(..) | Ask::Difference(..) | Ask::Cells(..) | Ask::Elements(..) | Ask::Ops(..));
    if gives && replication::seat_by_key(&hub.pool, &seat.key).await?.is_none_or(|row| row.revoked) {
        return Err(SessionError::Revoked);
    }
    Ok(match ask {
        Ask::Welcome => {
            let welcome = replication::welcome(&hub.pool, author).await?;
            let cursor = Cursor { log_id: welcome.log_id, position: welcome.position, within: None };
            Answer::Welcome(cursor, welcome.heads)
        }
        Ask::Take(bursts) => {
            let (verified, mut refused) = hub.seats.verify(&hub.pool, bursts).await?;
            let took = if verified.is_empty() { None } else { Some(hub.intake.take(verified).await?) };
            let mut chains = Vec::new();
            if let Some(took) = took {
                let own = took.chains.iter().filter(|((by, _), _)| *by == author);
                chains.extend(own.map(|((_, inc), (upto, _))| (*inc, *upto)));
                refused.extend(took.refused.iter().map(|row| {
                    let (author, inc, seq) = row.at;
                    RefusedSlot { author, inc, seq, slot: Some(row.slot), code: row.code.to_owned() }
                }));
            }
            Answer::Took(chains, refused)
        }
        Ask::Page(after, bytes) => {
            let page = replication::page(&hub.pool, seat, author, after, Limits { bytes, ..Limits::default() }).await?;
            let Parcelled { bursts, certificates, keys: of_page, boxes: codes } = page.parcel;
            Answer::Page(Page {
                bursts,
                certificates: named(hub, certificates),
                keys: keys(of_page),
                boxes: boxes(codes),
                upto: page.upto,
                more: page.more,
                beacon: page.beacon,
                roots: page.roots,
                books: page.books,
            })
        }
        Ask::Difference(scope, lane, theirs) => {
            count_repair("ids");
            let found = own(replication::difference(&hub.pool, seat, scope, lane, &theirs).await)?;
            let found = found.map(|found| difference(hub, found.parcel, found.want));
            Answer::Difference(scope, lane, found.unwrap_or_default())
        }
        Ask::Cells(scope, lane, cells) => {
            count_repair("sketch");
            let sketch = own(hub.sketches.of(&hub.pool, seat, scope, lane).await)?;
            Answer::Cells(scope, lane, sketch.map(|sketch| sketch.first(cells)))
        }
        Ask::Elements(scope, lane) => {
            count_repair("ranges");
            Answer::Elements(scope, lane, own(replication::elements(&hub.pool, seat, scope, lane).await)?)
        }
        Ask::Ops(scope, lane, ids) => {
            let ops = own(replication::ops(&hub.pool, seat, scope, lane, &ids).await)?;
            Answer::Ops(scope, lane, difference(hub, ops.unwrap_or_default(), Vec::new()))
        }
        Ask::Certificates(authors) => {
            Answer::Certificates(named(hub, replication::certificates(&hub.pool, &authors).await?))
        }
        Ask::Boxes(parcels) => Answer::Boxes(boxes(replication::boxes_of(&hub.pool, seat, &parcels).await?)),
        Ask::Names => {
            let names = central::names::of(&hub.pool, seat).await?;
            Answer::Names(names.into_iter().map(|(party, name)| PartyName { party, name }).collect())
        }
        Ask::Blob(part) => {
            let held = central::blobs::take(&hub.pool, author, &part).await.map_err(ReplicationError::from)?;
            if let Some(code) = &held.refused {
                metrics::counter!("getit_hub_refused_blobs", "code" => code.clone()).increment(1);
            }
            Answer::Blob(held)
        }
        Ask::Status(status) => {
            let status = DeviceStatus {
                waiting: status.waiting,
                root_equal: status.root_equal,
                books_equal: status.books_equal,
                position: status.position,
                ops: status.ops,
            };
            replication::note_status(&hub.pool, author, status).await?;
            Answer::Noted
        }
    })
}

/// A scope that is not the device's has nothing for it; it is answered, not served.
fn own<T>(found: Result<T, ReplicationError>) -> Result<Option<T>, ReplicationError> {
    match found {
        Err(ReplicationError::NotYours(_)) => Ok(None),
        other => other.map(Some),
    }
}

fn count_repair(by: &'static str) {
    metrics::counter!("getit_hub_repairs", "by" => by).increment(1);
}

fn difference(hub: &Hub, parcel: Parcelled, want: Vec<ShortId>) -> Difference {
    let Parcelled { bursts, certificates, keys: of_ops, boxes: codes } = parcel;
    Difference { bursts, certificates: named(hub, certificates), keys: keys(of_ops), boxes: boxes(codes), want }
}

fn named(hub: &Hub, certificates: Vec<Vec<u8>>) -> Vec<(Author, Vec<u8>)> {
    let name = |bytes: Vec<u8>| hub.seats.decode(&bytes).map(|certificate| (certificate.author(), bytes));
    certificates.into_iter().filter_map(name).collect()
}

fn keys(keys: Vec<(protocol::id::Subject, [u8; 32])>) -> Vec<SubjectKey> {
    keys.into_iter().map(|(subject, key)| SubjectKey { subject, key }).collect()
}

fn boxes(boxes: Vec<(protocol::id::Subject, Vec<u8>)>) -> Vec<CodeBox> {
    boxes.into_iter().map(|(subject, sealed)| CodeBox { subject, sealed: sealed.into() }).collect()
}
