//! One parcel from the order to the till, everybody online.

use central::replication;
use edge_node::Standing;

use super::house::{CUSTOMER, Crew, DUE, House, soon};

#[tokio::test(flavor = "multi_thread")]
async fn walk_from_the_order_to_the_till() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let parcel = house.place("1").await;
    crew.bring_to_agent(parcel).await;

    let customer = |edge: &super::house::Edge| {
        let parcels = edge.node.store().read(|rows| rows.parcels(None, None, 10)).unwrap();
        parcels.into_iter().find(|view| view.parcel == parcel).unwrap().customer.map(|personal| personal.name)
    };
    soon("the key at the agent", async || {
        (customer(&crew.agent).as_deref() == Some(CUSTOMER)).then_some(()).ok_or(String::new())
    })
    .await;
    assert_eq!(customer(&crew.site).as_deref(), Some(CUSTOMER));

    let delivered = crew.deliver(parcel).await;
    soon("in the books", async || {
        let receipt = crew.agent.node.receipt(delivered).unwrap().unwrap();
        (receipt.standing == Standing::InTheBooks).then_some(()).ok_or(format!("{receipt:?}"))
    })
    .await;
    soon("the vendor's earning", async || {
        let earnings = crew.vendor.node.store().read(|rows| rows.earnings(None, 10)).unwrap();
        let done = earnings.iter().any(|earning| earning.status == "distributed");
        done.then_some(()).ok_or(format!("{earnings:?}"))
    })
    .await;
    crew.hand_in(DUE).await;
    crew.vendor.sees(parcel, "delivered").await;
    house.settled(&crew.all()).await;
    assert_eq!(customer(&crew.vendor), None, "the vendor has no key");

    let custody = house.finance("cash-by-custodian").await;
    let held: Vec<(String, i64)> = custody["rows"]
        .as_array()
        .unwrap_or_else(|| panic!("{custody}"))
        .iter()
        .map(|row| (row["owner"].as_str().unwrap().to_owned(), row["balance_paisa"].as_i64().unwrap()))
        .filter(|(_, balance)| *balance != 0)
        .collect();
    assert_eq!(held, [(house.site.to_string(), DUE.paisa())]);
    soon("every device's own word", async || {
        let devices = house.operate("GET", "/devices", &serde_json::Value::Null).await;
        let rows: Vec<(bool, bool, i64)> = sqlx::query_as("SELECT root_equal, books_equal, waiting FROM device_status")
            .fetch_all(house.pool())
            .await
            .unwrap();
        (rows == [(true, true, 0); 3]).then_some(()).ok_or(format!("{rows:?} {devices}"))
    })
    .await;
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_over_two_hubs_on_one_postgres() {
    let house = House::start().await;
    let (first, second) = (house.hub("hub-1").await, house.hub("hub-2").await);
    let mut crew = Crew::enrol(&house).await;
    crew.agent.go_online(first.quic);
    crew.vendor.go_online(first.quic);
    crew.site.go_online(second.quic);
    let parcel = house.place("1").await;
    crew.bring_to_agent(parcel).await;
    crew.deliver(parcel).await;
    crew.site.sees(parcel, "delivered").await;
    crew.hand_in(DUE).await;
    house.settled(&crew.all()).await;
    // The first hub goes away for good: its devices are told the other's address and miss nothing.
    first.stop().await;
    let next = house.place("2").await;
    crew.agent.go_offline().await;
    crew.vendor.go_offline().await;
    crew.agent.go_online(second.quic);
    crew.vendor.go_online(second.quic);
    crew.bring_to_agent(next).await;
    house.settled(&crew.all()).await;
    let welcome = replication::welcome(house.pool(), crew.agent.node.author()).await.unwrap();
    assert!(welcome.heads.iter().all(|head| head.upto == head.highest && !head.forked), "{welcome:?}");
    crew.go_offline().await;
    second.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_names_reach_those_who_work_with_them_and_nobody_else() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let point = house.point("Kazipara").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let called = |edge: &super::house::Edge, party| edge.node.store().read(|rows| rows.name_of(&party)).unwrap();
    let roster = |edge: &super::house::Edge| {
        edge.node.site_agents().unwrap().into_iter().map(|agent| agent.name).collect::<Vec<_>>()
    };
    soon("the counter's names", async || {
        let home = crew.site.node.site_home().unwrap();
        let known =
            home.site_name.as_deref() == Some("Hub") && called(&crew.site, point).as_deref() == Some("Kazipara");
        (known && roster(&crew.site) == [Some("agent".to_owned())]).then_some(()).ok_or(format!("{home:?}"))
    })
    .await;
    soon("the agent's names", async || {
        let (own, hub) = (called(&crew.agent, crew.agent.party()), called(&crew.agent, house.site));
        (own.as_deref() == Some("agent") && hub.as_deref() == Some("Hub"))
            .then_some(())
            .ok_or(format!("{own:?} {hub:?}"))
    })
    .await;
    // Whoever comes today is on the list today, and whoever is withdrawn is not.
    let jamal = house.agent("Jamal").await;
    house.place("1").await;
    soon("Jamal on the roster", async || {
        let roster = roster(&crew.site);
        roster.contains(&Some("Jamal".to_owned())).then_some(()).ok_or(format!("{roster:?}"))
    })
    .await;
    let revoke = format!("/devices/{}/revoke", jamal.node.author());
    house.operate("POST", &revoke, &serde_json::Value::Null).await;
    soon("Jamal off the roster", async || {
        let roster = roster(&crew.site);
        (!roster.contains(&Some("Jamal".to_owned()))).then_some(()).ok_or(format!("{roster:?}"))
    })
    .await;
    house.settled(&crew.all()).await;
    assert_eq!(called(&crew.vendor, crew.agent.party()), None, "a vendor is told of no rider");
    assert_eq!(called(&crew.agent, jamal.party()), None, "a rider is told of no other");
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
