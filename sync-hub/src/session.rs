//! One device's session: frames in, questions to central's store, frames out.

use std::collections::VecDeque;
use std::time::Duration;

use central::intake::IntakeError;
use central::replication::{self, DeviceStatus, Limits, Parcelled, ReplicationError, Standing};
use protocol::frame::{CodeBox, Cursor, Frame, PartyName, RefusedSlot, SubjectKey};
use protocol::id::{Author, ShortId};
use protocol::seat::Seat;
use protocol::session::hub::{Answer, Ask, Difference, HubSession, Page};
use protocol_quic::{Incoming, LinkError, LinkSender};
use tokio::sync::mpsc::Receiver;

use crate::Hub;
use crate::moves::Listener;

/// A device that does not finish its handshake in this time is let go.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Ops that one taking waits for, of those that have arrived; as many as a batch of the intake.
const OPS_AT_ONCE: usize = 400;
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
    let place = match hub.admission.enter(row.author, certificate.seat.party) {
        Ok(place) => place,
        Err(after) => {
            link.turn_away(after);
            return;
        }
    };
    if link.is_early() {
        metrics::counter!("getit_hub_early_sessions").increment(1);
    }
    metrics::gauge!("getit_hub_sessions").increment(1.0);
    let (mut sender, frames) = link.split(FRAMES_AHEAD);
    let ended = tokio::select! {
        ended = run(hub, (row.author, &certificate.seat, row.revoked), (&mut sender, frames), moves) => Some(ended),
        // Also in the middle of a word to somebody who does not listen.
        () = place.is_needed() => None,
    };
    metrics::gauge!("getit_hub_sessions").decrement(1.0);
    let Some(ended) = ended else {
        sender.close(4, "replaced");
        return;
    };
    match ended {
        Ok(()) | Err(SessionError::Link(_)) => tracing::debug!(author = %row.author, "session ended"),
        Err(error) => tracing::warn!(author = %row.author, %error, "session ended early"),
    }
}

async fn run(
    hub: &Hub,
    (author, seat, revoked): (Author, &Seat, bool),
    (sender, mut frames): (&mut LinkSender, Receiver<Result<Frame, LinkError>>),
    mut moves: Listener,
) -> Result<(), SessionError> {
    let mut session = HubSession::new(author, revoked);
    let mut known = None;
    loop {
        let mut asks = VecDeque::new();
        let mut ended = None;
        tokio::select! {
            frame = frames.recv() => ended = hear(&mut session, frame, &mut asks),
            goes_on = moves.concerning(seat) => {
                if !goes_on {
                    return Ok(());
                }
                asks.extend(session.log_moved());
            }
        }
        // What has arrived meanwhile is taken with it: each taking is a commit.
        while ended.is_none() && ops_of(&asks) < OPS_AT_ONCE {
            match frames.try_recv() {
                Ok(frame) => ended = hear(&mut session, Some(frame), &mut asks),
                Err(_) => break,
            }
        }
        while let Some(ask) = asks.pop_front() {
            let answer = match answer(hub, author, seat, ask, &mut known).await {
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
        match ended {
            None => {}
            Some(Ended::Finished) => return Ok(()),
            Some(Ended::Wrong(code)) => {
                sender.close(2, code);
                return Ok(());
            }
            Some(Ended::Broken(error)) => return Err(error.into()),
        }
    }
}

/// How a device's side of the link ended.
enum Ended {
    Finished,
    /// With a code of its own.
    Wrong(&'static str),
    Broken(LinkError),
}

/// Takes what the link brought; what it asks of the store goes behind what is asked already.
fn hear(session: &mut HubSession, frame: Option<Result<Frame, LinkError>>, asks: &mut VecDeque<Ask>) -> Option<Ended> {
    let frame = match frame {
        None => return Some(Ended::Finished),
        Some(Err(LinkError::Frame(bad))) => return Some(Ended::Wrong(bad.code())),
        Some(Err(error)) => return Some(Ended::Broken(error)),
        Some(Ok(frame)) => frame,
    };
    match session.handle(frame) {
        Ok(more) => more.into_iter().for_each(|ask| match (asks.back_mut(), ask) {
            (Some(Ask::Take(before)), Ask::Take(bursts)) => before.extend(bursts),
            (_, ask) => asks.push_back(ask),
        }),
        Err(violation) => {
            metrics::counter!("getit_hub_violations", "code" => violation.code()).increment(1);
            return Some(Ended::Wrong(violation.code()));
        }
    }
    None
}

/// Ops that wait to be taken.
fn ops_of(asks: &VecDeque<Ask>) -> usize {
    let ops = |ask: &Ask| match ask {
        Ask::Take(bursts) => bursts.iter().map(|burst| burst.slots.len()).sum(),
        _ => 0,
    };
    asks.iter().map(ops).sum()
}

/// `known` is what the last page of this session ended with.
async fn answer(
    hub: &Hub,
    author: Author,
    seat: &Seat,
    ask: Ask,
    known: &mut Option<Standing>,
) -> Result<Answer, SessionError> {
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
            let limits = Limits { bytes, ..Limits::default() };
            let page = replication::page(&hub.pool, seat, author, after, limits, known.as_ref()).await?;
            let Parcelled { bursts, certificates, keys: of_page, boxes: codes } = page.parcel;
            let (roots, books) = page.standing.as_ref().map(|s| (s.roots.clone(), s.books)).unwrap_or_default();
            *known = page.standing.or(known.take());
            Answer::Page(Page {
                bursts,
                certificates: named(hub, certificates),
                keys: keys(of_page),
                boxes: boxes(codes),
                upto: page.upto,
                more: page.more,
                beacon: page.beacon,
                roots,
                books,
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

#[cfg(test)]
mod tests {
    use protocol::frame::{Hello, Welcome};

    use super::*;

    #[test]
    fn what_has_arrived_together_is_one_taking_and_a_wrong_frame_takes_nothing_back() {
        let mut session = HubSession::new(Author([1; 8]), false);
        let mut asks = VecDeque::new();
        let bursts = || Some(Ok(Frame::Bursts(Vec::new())));
        assert!(hear(&mut session, Some(Ok(Frame::Hello(Hello::default()))), &mut asks).is_none());
        for _ in 0..3 {
            assert!(hear(&mut session, bursts(), &mut asks).is_none());
        }
        assert!(hear(&mut session, Some(Ok(Frame::WantCertificates(Vec::new()))), &mut asks).is_none());
        assert!(hear(&mut session, bursts(), &mut asks).is_none());
        // What is asked between is answered between.
        assert!(matches!(asks.make_contiguous(), [Ask::Welcome, Ask::Take(_), Ask::Certificates(_), Ask::Take(_)]));
        let wrong = hear(&mut session, Some(Ok(Frame::Welcome(Welcome::default()))), &mut asks);
        assert!(matches!(wrong, Some(Ended::Wrong("wrong_side"))));
        assert_eq!(asks.len(), 4, "what came before it is still taken");
    }
}
