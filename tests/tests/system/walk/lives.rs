//! One seat, and more than one database: a phone that comes back from a backup, a card that is copied into a
//! second phone, clocks that are years off. Whatever was recorded on either is kept once, and nobody writes
//! in a number that is taken.

use std::path::Path;
use std::sync::Arc;

use edge_node::store::FILE;
use edge_node::{BusinessClock, Node};
use protocol::command::Command;
use protocol::id::{Incarnation, Subject};
use protocol::taka::Taka;
use rusqlite::Connection;

use super::house::{Crew, DUE, Edge, House};

/// What a backup of the device holds: its database and its key.
fn back_up(edge: &Edge, to: &Path) {
    let live = Connection::open(edge.dir.join(FILE)).unwrap();
    live.execute("VACUUM INTO ?1", [to.join(FILE).to_str().unwrap()]).unwrap();
    std::fs::copy(edge.dir.join("seat.key"), to.join("seat.key")).unwrap();
}

fn open(dir: &Path) -> Arc<Node> {
    Arc::new(Node::open(dir, BusinessClock::default()).unwrap())
}

fn life(node: &Node) -> Incarnation {
    node.store().hello().unwrap().inc
}

async fn forks(house: &House) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM chain WHERE forked").fetch_one(house.pool()).await.unwrap()
}

fn deliver(parcel: Subject) -> Command {
    Command::Deliver { parcel, evidence: 1, collected_paisa: Some(DUE), confirm_difference: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_phone_restored_from_a_backup_begins_a_new_life_before_it_writes() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (first, second) = (house.place("1").await, house.place("2").await);
    crew.bring_to_agent(first).await;
    crew.bring_to_agent(second).await;
    house.settled(&crew.all()).await;
    let old = tempfile::tempdir().unwrap();
    back_up(&crew.agent, old.path());
    crew.deliver(first).await;
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    let before = life(&crew.agent.node);

    // The phone broke; the new one has last week's data, and meets a customer before it meets a hub.
    crew.agent.node = open(old.path());
    let began = life(&crew.agent.node);
    assert_ne!(began, before);
    crew.agent.node.record([7; 16], &deliver(second)).unwrap();
    assert_eq!(life(&crew.agent.node), began);
    crew.agent.go_online(hub.quic);
    house.settled(&crew.all()).await;
    crew.agent.sees(first, "delivered").await;
    crew.agent.sees(second, "delivered").await;
    assert_eq!(forks(&house).await, 0, "no number was written twice");
    // Opened again, nothing is in doubt.
    crew.agent.go_offline().await;
    crew.agent.node = open(old.path());
    assert_eq!(life(&crew.agent.node), began);
    crew.agent.go_online(hub.quic);
    crew.hand_in(DUE.plus(DUE)).await;
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_card_copied_into_a_second_phone_writes_as_another_life() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (first, second) = (house.place("1").await, house.place("2").await);
    crew.bring_to_agent(first).await;
    crew.bring_to_agent(second).await;
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    let card = tempfile::tempdir().unwrap();
    back_up(&crew.agent, card.path());
    std::fs::copy(crew.agent.dir.join("node.life"), card.path().join("node.life")).unwrap();
    let mut copy = Edge::of("copy", open(card.path()), card.path());
    assert_ne!(life(&copy.node), life(&crew.agent.node), "the copy knows that it is one");

    // Both are used in the street, apart, and both deliver the second parcel.
    crew.agent.node.record([1; 16], &deliver(first)).unwrap();
    crew.agent.node.record([2; 16], &deliver(second)).unwrap();
    copy.node.record([3; 16], &deliver(second)).unwrap();
    crew.agent.go_online(hub.quic);
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    copy.go_online(hub.quic);
    house.settled(&[&copy]).await;
    copy.go_offline().await;
    crew.agent.go_online(hub.quic);
    house.settled(&crew.all()).await;
    assert_eq!(forks(&house).await, 0);
    // One person, one parcel, neither knowing of the other: one act, and the cash is his once.
    let custody = house.finance("cash-by-custodian").await;
    let held: i64 = custody["rows"].as_array().unwrap().iter().filter_map(|row| row["balance_paisa"].as_i64()).sum();
    assert_eq!(Taka::from_paisa(held), Some(DUE.plus(DUE)), "{custody}");
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_clocks_at_1970_and_two_years_ahead_change_nothing_but_what_they_show() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    let two_years = 2 * 365 * 86_400_000;
    let now = i64::try_from(crew.agent.node.now_ms()).unwrap();
    for (edge, offset_ms) in [(&mut crew.agent, -now), (&mut crew.site, two_years)] {
        let clock = BusinessClock { offset_ms, ..BusinessClock::default() };
        edge.node = Arc::new(Node::open(&edge.dir, clock).unwrap());
    }
    assert!(crew.agent.node.now_ms() < 86_400_000);
    crew.go_online(hub.quic);
    let parcel = house.place("1").await;
    crew.bring_to_agent(parcel).await;
    crew.deliver(parcel).await;
    crew.hand_in(DUE).await;
    house.settled(&crew.all()).await;
    crew.vendor.sees(parcel, "delivered").await;
    let contested = house.finance("exceptions").await;
    assert_eq!(contested["rows"].as_array().unwrap().len(), 0, "{contested}");
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
