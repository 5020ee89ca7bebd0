//! The ladder of repair on the real parts: ranges for a huge difference, cells and more cells for small
//! ones, lists with devices and hubs of before.

use std::net::SocketAddr;
use std::path::Path;

use central::authority::Authority;
use edge_node::store::{FILE, Store};
use protocol::fact::{Fact, HandInOffered, Put};
use protocol::frame::{Frame, Ids, pack_ids};
use protocol::id::{Id16, Kind, OpId, Scope, Subject};
use protocol::intake::op_of;
use protocol::op::{Op, lane};
use protocol::session::ladder::Rung;
use protocol::taka::Taka;
use protocol_quic::QuicEndpoint;
use rusqlite::Connection;
use tokio::task::JoinHandle;

use super::hostile::{Pen, answered};
use super::house::{Edge, House};
use super::raw::{Raw, identity_of};
use super::repair::forget_root;

/// Offers in one burst, beside its two Puts; a burst has 64 slots.
const OFFERS: u16 = 60;
/// Bursts of the other device of the seat: 660 offers, so that a quarter of them is more than 128 cells.
const BURSTS: u16 = 11;

fn handin(n: u16) -> Subject {
    let mut id = [0x5a; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    Subject::new(Kind::HandIn, Id16(id))
}

fn offer(pen: &Pen<'_>, site: Scope, n: u16) -> Op {
    let offered = HandInOffered { site, amount: Taka::whole(1), inc: pen.place.inc, upto: 1 };
    op_of(handin(n), &Fact::HandInOffered(offered), Vec::new())
}

/// Writes as the agent's seat from another device of his, which his own device hears of only by repair:
/// a delta tells nobody what he wrote himself.
async fn write_elsewhere(house: &House, agent: &Edge, hub: SocketAddr) {
    let (mut raw, _) = Raw::welcomed(&agent.node, hub).await;
    let mut pen = Pen::of(&agent.node);
    for burst in 0..BURSTS {
        let numbers = burst * OFFERS..(burst + 1) * OFFERS;
        let mut ops: Vec<Op> = numbers.clone().map(|n| offer(&pen, house.site, n)).collect();
        for scope in [agent.party(), house.site] {
            let put = Put { generation: 1, subjects: numbers.clone().map(handin).collect() };
            ops.push(op_of(scope, &Fact::Put(put), Vec::new()));
        }
        let burst = pen.write(&ops);
        let (safe, refused) = answered(&mut raw, &[&burst]).await;
        assert!(safe.iter().any(|safe| safe.upto == burst.head.seq) && refused.is_empty(), "{refused:?}");
    }
}

/// Loses offers, as a damaged page does; their bursts stay.
fn lose(dir: &Path, count: usize) {
    let edge = Connection::open(dir.join(FILE)).unwrap();
    let mut read = edge.prepare("SELECT id, subject FROM op WHERE class_kind = ?1 ORDER BY id LIMIT ?2").unwrap();
    let rows = read.query_map((0x4010, count as i64), |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get(1)?))).unwrap();
    let lost: Vec<([u8; 32], Vec<u8>)> = rows.collect::<Result<_, _>>().unwrap();
    assert_eq!(lost.len(), count);
    edge.execute_batch("BEGIN").unwrap();
    for (id, subject) in lost {
        forget_root(&edge, &subject, i64::from(lane::MONEY), OpId(id));
        assert_eq!(edge.execute("DELETE FROM op WHERE id = ?1", [id]).unwrap(), 1);
    }
    edge.execute_batch("COMMIT").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_repair_takes_the_rung_that_its_difference_needs() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let (mut agent, second) = (house.agent("agent").await, house.agent("second").await);
    write_elsewhere(&house, &agent, hub.quic).await;
    // All of it is missing.
    agent.go_online(hub.quic);
    house.settled(&[&agent]).await;
    let held = agent.node.store().elements(agent.party(), lane::MONEY).unwrap();
    assert_eq!(held.len(), usize::from(BURSTS * OFFERS));
    let ranges = agent.repairs(Rung::Ranges);
    assert!(ranges >= 1 && agent.repairs(Rung::Sketch) == 0, "{ranges} by ranges");
    agent.go_offline().await;

    // 50 are missing here and 22 there, which the second agent wrote and only this device has heard of:
    // 64 cells never tell 72 differences.
    lose(&agent.dir, 50);
    let mut pen = Pen::of(&second.node);
    let theirs: Vec<Op> = (0..22).map(|n| offer(&pen, house.site, n)).collect();
    let theirs = pen.write(&theirs);
    agent.node.store().add_certificates(&[second.node.identity().certificate.clone()]).unwrap();
    assert_eq!(agent.node.receive(vec![theirs]).unwrap().taken, 22);
    agent.go_online(hub.quic);
    house.settled(&[&agent]).await;
    assert!(agent.repairs(Rung::MoreCells) >= 1, "the first cells were enough");
    let held = agent.node.store().elements(agent.party(), lane::MONEY).unwrap();
    assert!(held.len() >= usize::from(BURSTS * OFFERS) + 22);
    agent.go_offline().await;

    // Few are missing: the first cells tell, and the hub's own sketch has moved with the log.
    let (sketches, more, ranges) =
        (agent.repairs(Rung::Sketch), agent.repairs(Rung::MoreCells), agent.repairs(Rung::Ranges));
    lose(&agent.dir, 5);
    agent.go_online(hub.quic);
    house.settled(&[&agent]).await;
    assert_eq!(agent.repairs(Rung::Sketch), sketches + 1);
    assert_eq!((agent.repairs(Rung::MoreCells), agent.repairs(Rung::Ranges)), (more, ranges));
    assert_eq!(agent.repairs(Rung::Ids), 0);
    agent.go_offline().await;
    // What is kept beside the roots is what a rebuild makes.
    let kept = agent.node.digest().unwrap();
    agent.node.rebuild().unwrap();
    assert_eq!(agent.node.digest().unwrap(), kept);
    // A database of before gets its sketches when it is opened, and so does one in which a program of
    // before has written since.
    for damage in [
        "DROP TABLE sketch; ALTER TABLE cursor DROP COLUMN within; ALTER TABLE safe DROP COLUMN held_upto;
         DROP TABLE closed; DROP TABLE carried; DROP TABLE blob; PRAGMA user_version = 4",
        "UPDATE sketch SET sum = zeroblob(32) WHERE lane = 1",
    ] {
        Connection::open(agent.dir.join(FILE)).unwrap().execute_batch(damage).unwrap();
        assert_eq!(Store::open(&agent.dir).unwrap().digest().unwrap(), kept, "{damage}");
    }
    hub.stop().await;
    house.stop().await;
}

/// A hub of before, in front of one of today: it does not say that it knows the ladder.
async fn hub_of_before(house: &House, agent: &Edge, hub: SocketAddr) -> (QuicEndpoint, JoinHandle<()>) {
    let file = house.central_dir().join("old-hub.json");
    Authority::open(&house.central_dir()).unwrap().write_hub_identity(&file).unwrap();
    let identity = sync_hub::identity::Identity::load(&file).unwrap().quic().unwrap();
    let endpoint = protocol_quic::listen("127.0.0.1:0".parse().unwrap(), &identity).unwrap();
    let device = protocol_quic::device(&identity_of(&agent.node), "127.0.0.1:0".parse().unwrap()).unwrap();
    let accepting = endpoint.clone();
    let task = tokio::spawn(async move {
        while let Some(incoming) = accepting.accept().await {
            let (_, link) = protocol_quic::accept(incoming).await.unwrap();
            let (mut to_edge, mut from_edge) = link.split(4);
            let (mut to_hub, mut from_hub) = protocol_quic::connect(&device, hub).await.unwrap().split(4);
            loop {
                let sent = tokio::select! {
                    frame = from_edge.recv() => {
                        let Some(Ok(frame)) = frame else { break };
                        assert!(!matches!(frame, Frame::Sketch(_) | Frame::Ranges(_)), "{frame:?}");
                        to_hub.send(&[frame]).await
                    }
                    frame = from_hub.recv() => {
                        let Some(Ok(mut frame)) = frame else { break };
                        if let Frame::Welcome(welcome) = &mut frame {
                            welcome.ladder = None;
                        }
                        to_edge.send(&[frame]).await
                    }
                };
                if sent.is_err() {
                    break;
                }
            }
        }
    });
    (endpoint, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_devices_and_hubs_of_before_repair_by_lists() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut agent = house.agent("agent").await;
    write_elsewhere(&house, &agent, hub.quic).await;
    let (old, task) = hub_of_before(&house, &agent, hub.quic).await;
    agent.go_online(old.local_addr().unwrap());
    house.settled(&[&agent]).await;
    assert!(agent.repairs(Rung::Ids) >= 1);
    let others = [Rung::Sketch, Rung::MoreCells, Rung::Ranges].map(|rung| agent.repairs(rung));
    assert_eq!(others, [0, 0, 0]);
    agent.go_offline().await;
    old.close(0u32.into(), b"the test is over");
    task.await.unwrap();

    // A device of before sends its ids to a hub of today.
    let (mut raw, _) = Raw::welcomed(&agent.node, hub.quic).await;
    raw.until(|frame| matches!(frame, Frame::Roots(_))).await;
    raw.say(&[Frame::Ids(Ids { scope: agent.party(), lane: lane::MONEY, ids: pack_ids(&[]) })]).await;
    let (want, before) = raw.until(|frame| matches!(frame, Frame::Want(_))).await;
    let given = before.iter().map(|frame| if let Frame::Bursts(bursts) = frame { bursts.len() } else { 0 });
    assert_eq!(given.sum::<usize>(), usize::from(BURSTS));
    let Frame::Want(want) = want else { unreachable!("it was waited for") };
    assert!(want.ids.is_empty());
    hub.stop().await;
    house.stop().await;
}
