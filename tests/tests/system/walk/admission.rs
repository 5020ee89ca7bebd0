//! Room at a hub: who finds none is told when to come again and comes, and nobody takes it all.

use std::time::{Duration, Instant};

use protocol::frame::Frame;
use protocol_quic::{LinkError, connect, device};

use super::house::{House, soon};
use super::raw::{Raw, identity_of};

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_full_hub_gives_a_slot_and_the_device_comes_in_after_it() {
    let house = House::start().await;
    let vendor = house.vendor().await;
    let mut agent = house.agent("agent").await;
    house.place("1").await;
    let hub = house.hub_of("hub-1", 1).await;
    let (raw, _) = Raw::welcomed(&vendor.node, hub.quic).await;

    // There is no room for the agent: he is told when there may be.
    let endpoint = device(&identity_of(&agent.node), "127.0.0.1:0".parse().unwrap()).unwrap();
    let told = async {
        let mut link = connect(&endpoint, hub.quic).await?;
        link.send(&[Frame::Check(0)]).await?;
        link.next().await
    };
    let told: Result<_, LinkError> = tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
    let slot = told.unwrap_err().retry_after().expect("a slot");
    assert!(slot > Duration::ZERO && slot < Duration::from_secs(10), "{slot:?}");

    // His program waits for its slot, and comes in when the other has gone.
    let went = Instant::now();
    agent.go_online(hub.quic);
    let turned_away = async || (hub.turned_away() >= 2).then_some(()).ok_or("not yet".to_owned());
    soon("the agent is turned away", turned_away).await;
    raw.connection.close(0u32.into(), b"");
    let compared = async || {
        let standings = agent.node.store().read(|rows| rows.standings()).unwrap();
        standings.roots_equal.then_some(()).ok_or(format!("{standings:?}"))
    };
    soon("the agent is welcomed", compared).await;
    assert!(went.elapsed() >= Duration::from_secs(1), "he did not wait for his slot");
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_device_has_a_few_sessions_and_the_oldest_gives_way() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let (vendor, agent) = (house.vendor().await, house.agent("agent").await);
    let (other, _) = Raw::welcomed(&agent.node, hub.quic).await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(Raw::welcomed(&vendor.node, hub.quic).await.0);
    }
    assert_eq!(sessions[0].closed().await, "replaced");
    for session in sessions[1..].iter().chain([&other]) {
        assert!(session.connection.close_reason().is_none(), "only the oldest of that device");
    }
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_device_that_found_no_room_at_one_hub_comes_in_at_the_next() {
    let house = House::start().await;
    let vendor = house.vendor().await;
    let mut agent = house.agent("agent").await;
    house.place("1").await;
    let (full, other) = (house.hub_of("hub-1", 1).await, house.hub_of("hub-2", 1).await);
    // Whoever has the only place at the first hub keeps it for as long as this runs.
    let (held, _) = Raw::welcomed(&vendor.node, full.quic).await;
    agent.go_online_by(&[full.quic, other.quic]);
    let compared = async || {
        let standings = agent.node.store().read(|rows| rows.standings()).unwrap();
        standings.roots_equal.then_some(()).ok_or(format!("{standings:?}"))
    };
    soon("the agent is welcomed", compared).await;
    assert!(full.turned_away() >= 1, "he asked the first hub first");
    assert!(held.connection.close_reason().is_none(), "nobody made room for him there");
    for hub in [full, other] {
        hub.stop().await;
    }
    house.stop().await;
}
