//! A person's hands on real screens: the agent's app in its window, the courier hub's kiosk in a browser,
//! finance at the API. The network is cut while the cash changes hands.

use std::sync::Arc;
use std::time::Instant;

use edge_node::kiosk;
use edge_node::kiosk::ask::Running;
use getit_tests::link::{Link, LinkProfile, Trace};
use getit_tests::window::{Display, Window, id};
use protocol::command::Command;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::super::screen::binary;
use super::house::{CUSTOMER, DUE, House, soon};

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_app_a_kiosk_and_finance_see_one_parcel() {
    let hub_address = getit_tests::address::reserve().unwrap();
    let road = Link::start("road", &[hub_address], LinkProfile::clean(Trace::constant(2_000_000)), 1).await.unwrap();
    let house = House::telling(&[road.addresses()[0].to_string()]).await;
    let hub = house.hub_at("hub-1", hub_address).await;
    let (mut vendor, mut courier) = (house.vendor().await, house.courier().await);
    vendor.go_online(hub.quic);
    courier.go_online(hub.quic);

    let token = kiosk::token(&courier.dir).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(kiosk::run(Arc::clone(&courier.node), token.clone(), listener, stopped));

    let display = Display::start().await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let data = ("GETIT_APP_DATA", place.path().join("agent").display().to_string());
    let counter = Window::browser("kiosk", 1366, 900).await.unwrap();
    let link = Running::at(&address.to_string(), token).unwrap().link().await.unwrap();
    counter.visit(&link).await.unwrap();
    let app = Window::app("delivery", &display, &binary("getit-delivery"), &[data]).await.unwrap();

    // The agent's app is enrolled by a code, as a person does it.
    let request = json!({ "role": "agent", "name": "Jamal", "site": house.site, "cash_ceiling_paisa": 5_000_000 });
    let code = house.operate("POST", "/devices/codes", &request).await;
    app.write(&id("enrol-code"), code["code"].as_str().unwrap()).await.unwrap();
    app.press(&id("enrol-submit")).await.unwrap();
    let agent = code["party"].as_str().unwrap().to_owned();

    // A parcel comes to the hub, is scanned in, and goes on the agent's run.
    let parcel = house.place("1").await;
    vendor.tap(&Command::Accept { parcel }).await;
    vendor.tap(&Command::Pack { parcel, pieces: 1 }).await;
    courier.sees(parcel, "packed").await;
    counter.press(&id("nav-receive")).await.unwrap();
    counter.find(&id("receive-scan")).await.unwrap();
    counter.scan(&parcel.label().to_string()).await.unwrap();
    counter.find(&format!("[data-testid=\"received-panel\"][data-subject=\"{parcel}\"]")).await.unwrap();
    courier.sees(parcel, "at_hub").await;
    counter.picture("kiosk-receive").await.unwrap();
    counter.press(&id("nav-dispatch")).await.unwrap();
    // The counter has never seen this rider: it reads the code of his badge.
    counter.find(&id("dispatch-scan")).await.unwrap();
    counter.scan(&agent).await.unwrap();
    counter.find(&format!("[data-agent=\"{agent}\"]")).await.unwrap();
    counter.scan(&parcel.label().to_string()).await.unwrap();
    counter.find(&format!("{}[data-count=\"1\"]", id("dispatch-bag"))).await.unwrap();
    counter.picture("kiosk-dispatch").await.unwrap();
    counter.press(&id("dispatch-submit")).await.unwrap();
    courier.sees(parcel, "on_run").await;

    // It reaches the phone; he loads it, and rides out of the network.
    app.press(&id("load")).await.unwrap();
    app.press(&id("open-stop")).await.unwrap();
    app.until("body", |text| text.contains(CUSTOMER)).await.unwrap();
    app.picture("delivery-stop").await.unwrap();
    road.cut();
    let offline = Instant::now();
    app.press(&id("handover")).await.unwrap();
    app.press(&id("amount-exact")).await.unwrap();
    app.picture("delivery-cash").await.unwrap();
    app.press(&id("took")).await.unwrap();
    let recorded = app.find(&id("receipt-id")).await.unwrap();
    assert!(!recorded.is_empty());
    let fact = app.attribute(&id("receipt-id"), "data-fact").await.unwrap();
    assert_eq!(fact.len(), 64, "{fact}");
    assert_eq!(app.attribute(&id("recorded"), "data-standing").await.unwrap(), "on_device");
    app.picture("delivery-recorded").await.unwrap();
    let posted = house.finance(&format!("journals/{fact}")).await;
    assert!(of_rule(&posted, "J4").is_empty(), "the network is cut, and central knows: {posted}");

    // Back in the network: the same receipt is in the books.
    road.restore();
    app.find(&format!("{}[data-standing=\"in_the_books\"]", id("recorded"))).await.unwrap();
    println!("cash was taken {:?} after the cut, and is in the books", offline.elapsed());
    app.press(&id("next")).await.unwrap();

    // He hands the cash in, and the counter counts it without seeing his figure.
    app.press(&id("cash")).await.unwrap();
    app.press(&id("hand-in")).await.unwrap();
    app.press(&id("offer-amount")).await.unwrap();
    app.find(&id("handin-label")).await.unwrap();
    app.picture("delivery-hand-in").await.unwrap();
    counter.press(&id("nav-handin")).await.unwrap();
    counter.press(&id("handin-row")).await.unwrap();
    for (note, pieces) in [(1_000, "1"), (50, "1"), (10, "1"), (5, "1"), (2, "2")] {
        counter.write(&id(&format!("note-{note}")), pieces).await.unwrap();
    }
    counter.picture("kiosk-count").await.unwrap();
    counter.press(&id("counted-submit")).await.unwrap();
    counter.find(&format!("{}[data-paisa=\"0\"]", id("difference"))).await.unwrap();
    counter.picture("kiosk-counted").await.unwrap();

    // Finance sees the delivery by the id on the agent's receipt, and the cash in the till.
    soon("the till in the books", async || {
        let custody = house.finance("cash-by-custodian").await;
        let rows = custody["rows"].as_array().cloned().unwrap_or_default();
        let held: i64 =
            rows.iter().filter(|row| row["account"] == 1120).filter_map(|row| row["balance_paisa"].as_i64()).sum();
        (held == DUE.paisa()).then_some(()).ok_or(custody.to_string())
    })
    .await;
    let posted = house.finance(&format!("journals/{fact}")).await;
    assert_eq!(of_rule(&posted, "J4").len(), 1, "{posted}");
    app.until(&id("waiting-count"), |text| !text.contains(|c: char| matches!(c, '1'..='9' | '১'..='৯'))).await.unwrap();

    app.close().await.unwrap();
    counter.close().await.unwrap();
    stop.send(true).unwrap();
    served.await.unwrap().unwrap();
    house.settled(&[&vendor, &courier]).await;
    vendor.go_offline().await;
    courier.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

fn of_rule<'a>(answer: &'a Value, rule: &str) -> Vec<&'a Value> {
    let rows = answer["rows"].as_array().or_else(|| answer["journals"].as_array());
    rows.into_iter().flatten().filter(|row| row["rule"] == rule).collect()
}
