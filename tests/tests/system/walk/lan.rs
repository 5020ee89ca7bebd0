//! No uplink: the courier hub's own computer is a relay for its agents' phones, from the dispatch in the
//! morning to the counted hand-in at night; and what is carried by hand in a file.

use std::net::SocketAddr;
use std::sync::Arc;

use edge_node::bundle::{ImportError, Imported};
use edge_node::lan::{self, Lan, Near};
use edge_node::{Node, Standing};
use getit_tests::window::{Display, Window, id};
use protocol::bundle::BundleError;
use protocol::command::Command;
use protocol::id::Subject;
use serde_json::json;
use tokio::sync::watch;

use super::super::screen::binary;
use super::house::{CUSTOMER, Crew, DUE, Edge, House, soon};

/// What goes on near by at one node.
struct Around {
    stop: watch::Sender<bool>,
    near: Near,
}

impl Around {
    fn start(node: &Arc<Node>, relays: Vec<SocketAddr>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let listen = "127.0.0.1:0".parse().unwrap();
        let near = lan::start(node, &Lan { enabled: true, listen, discover: false, relays }, &stopped);
        Self { stop, near }
    }

    async fn end(self) {
        self.stop.send_replace(true);
        self.near.ended().await;
    }
}

/// A hub and an agent beside each other, parcels on the hub's shelf, and no network any more.
async fn cut_off(parcels: &[&str]) -> (House, sync_hub::Running, Crew, Vec<Subject>) {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let mut shelf = Vec::new();
    for key in parcels {
        let parcel = house.place(key).await;
        crew.vendor.tap(&Command::Accept { parcel }).await;
        crew.vendor.tap(&Command::Pack { parcel, pieces: 1 }).await;
        crew.site.sees(parcel, "packed").await;
        crew.site.tap(&Command::Receive { parcel, pieces: 1 }).await;
        shelf.push(parcel);
    }
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    (house, hub, crew, shelf)
}

async fn stands(edge: &Edge, act: [u8; 16], standing: Standing) {
    soon(&format!("{} {standing:?}", edge.name), async || {
        let now = edge.node.receipt(act).unwrap().unwrap().standing;
        (now == standing).then_some(()).ok_or(format!("{now:?}"))
    })
    .await;
}

/// Bursts of an author as central keeps them: head and signature.
async fn kept(house: &House, node: &Node) -> Vec<(Vec<u8>, Vec<u8>)> {
    sqlx::query_as("SELECT head, sig FROM burst WHERE author = $1 ORDER BY inc, seq")
        .bind(node.author().0)
        .fetch_all(house.pool())
        .await
        .unwrap()
}

/// The same as the node wrote them.
fn written(node: &Node) -> Vec<(Vec<u8>, Vec<u8>)> {
    let inc = node.store().hello().unwrap().inc;
    let bursts = node.store().own_bursts_of(inc, 0, usize::MAX).unwrap();
    let burst = |bytes: Vec<u8>| protocol::burst::Burst::decode(&bytes).unwrap();
    bursts.into_iter().map(burst).map(|burst| (burst.head.encode(), burst.sig.to_vec())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_day_without_an_uplink_between_an_agent_and_his_hub() {
    let (house, hub, mut crew, shelf) = cut_off(&["1"]).await;
    let parcel = shelf[0];
    let relay = Around::start(&crew.site.node, Vec::new());
    let visit = Around::start(&crew.agent.node, vec![relay.near.address.unwrap()]);

    // In the morning: what the counter dispatches is on the phone, with the customer's name.
    crew.site.tap(&Command::Dispatch { parcels: vec![parcel], agent: crew.agent.party() }).await;
    crew.agent.sees(parcel, "on_run").await;
    assert!(crew.agent.node.is_near() && !crew.agent.node.contact().0);
    // The key of the sealed name comes in a frame of its own, behind the facts.
    soon("the customer's name is on the phone", async || {
        let views = crew.agent.node.store().read(|rows| rows.parcels(None, None, 10)).unwrap();
        let name = views.into_iter().find(|view| view.parcel == parcel).and_then(|view| view.customer);
        let name = name.map(|personal| personal.name);
        (name.as_deref() == Some(CUSTOMER)).then_some(()).ok_or(format!("{name:?}"))
    })
    .await;
    let (loaded, _) = crew.agent.tap(&Command::Load { parcels: vec![parcel] }).await;
    stands(&crew.agent, loaded, Standing::AtHub).await;

    // In the street there is not even the hub: the phone works on, and brings it home.
    visit.end().await;
    let delivered = crew.deliver(parcel).await;
    stands(&crew.agent, delivered, Standing::OnDevice).await;
    let visit = Around::start(&crew.agent.node, vec![relay.near.address.unwrap()]);
    crew.site.sees(parcel, "delivered").await;
    stands(&crew.agent, delivered, Standing::AtHub).await;

    // At night the cashier counts it: both sides have signed, and both devices hold both signatures.
    crew.hand_in(DUE).await;
    soon("the count on the phone", async || {
        let rest = crew.agent.node.store().read(|rows| rows.cash_on_hand()).unwrap();
        let counted = crew.agent.node.store().read(|rows| rows.handins(None, 10)).unwrap();
        let done = rest == protocol::taka::Taka::ZERO && counted.iter().any(|view| view.status == "counted");
        done.then_some(()).ok_or(format!("{rest:?} {counted:?}"))
    })
    .await;
    assert!(crew.agent.node.store().outbox_len().unwrap() > 0, "near by is not safe");
    assert_eq!(house.cash_of(house.site).await, 0, "central has heard nothing");

    // The hub's line comes back, the phone's does not: what he recorded is in the books, in his own bytes.
    crew.site.go_online(hub.quic);
    soon("the cash at the hub", async || {
        let cash = house.cash_of(house.site).await;
        (cash == DUE.paisa()).then_some(()).ok_or(cash.to_string())
    })
    .await;
    house.settled(&[&crew.site]).await;
    assert_eq!(kept(&house, &crew.agent.node).await, written(&crew.agent.node));
    assert_eq!(crew.agent.node.receipt(delivered).unwrap().unwrap().standing, Standing::AtHub);

    // And when he has network again, he hears that it is safe; nothing happens twice.
    visit.end().await;
    crew.agent.go_online(hub.quic);
    crew.vendor.go_online(hub.quic);
    house.settled(&crew.all()).await;
    stands(&crew.agent, delivered, Standing::InTheBooks).await;
    assert_eq!((house.cash_of(house.site).await, house.cash_of(crew.agent.party()).await), (DUE.paisa(), 0));
    let contested = house.finance("exceptions").await;
    assert_eq!(contested["rows"].as_array().unwrap().len(), 0, "{contested}");
    crew.go_offline().await;
    relay.end().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_relay_serves_its_own_agents_and_nobody_else() {
    let (house, hub, crew, _) = cut_off(&[]).await;
    let other = house.operate("POST", "/sites", &json!({ "name": "Far", "districts": ["Khulna"] })).await;
    let request = json!({ "role": "agent", "name": "far", "site": other["site"], "cash_ceiling_paisa": 100 });
    let stranger = house.enrol("far", &request).await;
    let relay = Around::start(&crew.site.node, Vec::new());
    let address = relay.near.address.unwrap();
    let turned = Around::start(&stranger.node, vec![address]);
    let visit = Around::start(&crew.agent.node, vec![address]);
    soon("the agent is served", async || crew.agent.node.is_near().then_some(()).ok_or(String::new())).await;
    assert!(!stranger.node.is_near());
    assert!(crew.site.node.store().seat_of(&stranger.node.author()).is_none(), "not even his certificate is kept");
    // Another system on the same network: TLS does not come about.
    let foreign = House::start().await;
    let alien = foreign.agent("alien").await;
    let refused = Around::start(&alien.node, vec![address]);
    soon("the agent is still served", async || crew.agent.node.is_near().then_some(()).ok_or(String::new())).await;
    assert!(!alien.node.is_near());
    for around in [turned, visit, refused, relay] {
        around.end().await;
    }
    hub.stop().await;
    foreign.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_relay_takes_from_a_withdrawn_device_and_gives_it_nothing() {
    let (house, hub, mut crew, shelf) = cut_off(&["1", "2"]).await;
    crew.go_online(hub.quic);
    crew.site.tap(&Command::Dispatch { parcels: vec![shelf[0]], agent: crew.agent.party() }).await;
    crew.agent.sees(shelf[0], "on_run").await;
    crew.agent.tap(&Command::Load { parcels: vec![shelf[0]] }).await;
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    crew.site.tap(&Command::Dispatch { parcels: vec![shelf[1]], agent: crew.agent.party() }).await;
    let author = crew.agent.node.author();
    house.operate("POST", &format!("/devices/{author}/revoke"), &serde_json::Value::Null).await;
    soon("the hub's computer knows", async || {
        crew.site.node.store().is_revoked(&author).unwrap().then_some(()).ok_or(String::new())
    })
    .await;
    crew.go_offline().await;
    let delivered = crew.deliver(shelf[0]).await;
    let relay = Around::start(&crew.site.node, Vec::new());
    let visit = Around::start(&crew.agent.node, vec![relay.near.address.unwrap()]);
    stands(&crew.agent, delivered, Standing::AtHub).await;
    let held = crew.agent.node.store().read(|rows| rows.parcels(None, None, 10)).unwrap();
    assert!(held.iter().all(|view| view.parcel != shelf[1]), "{held:?}");
    visit.end().await;
    relay.end().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_relay_is_found_by_multicast() {
    let (house, hub, crew, _) = cut_off(&[]).await;
    let (stop, stopped) = watch::channel(false);
    let settings = Lan { listen: "0.0.0.0:0".parse().unwrap(), ..Lan::default() };
    let relay = lan::start(&crew.site.node, &settings, &stopped);
    let visit = lan::start(&crew.agent.node, &settings, &stopped);
    soon("the relay is found", async || crew.agent.node.is_near().then_some(()).ok_or(String::new())).await;
    stop.send_replace(true);
    visit.ended().await;
    relay.ended().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_bundle_is_carried_twice_and_in_the_wrong_order() {
    let (house, hub, mut crew, shelf) = cut_off(&["1", "2"]).await;
    // The phone saw its run while there was network.
    crew.go_online(hub.quic);
    for parcel in &shelf {
        crew.site.tap(&Command::Dispatch { parcels: vec![*parcel], agent: crew.agent.party() }).await;
        crew.agent.sees(*parcel, "on_run").await;
        crew.agent.tap(&Command::Load { parcels: vec![*parcel] }).await;
    }
    house.settled(&crew.all()).await;
    crew.go_offline().await;

    crew.deliver(shelf[0]).await;
    let early = crew.agent.node.export_bundle().unwrap();
    crew.deliver(shelf[1]).await;
    let late = crew.agent.node.export_bundle().unwrap();
    let import = |file: &[u8]| crew.site.node.import_bundle(file);
    // The later file first, both twice.
    let first = import(&late).unwrap();
    assert!(first.taken >= 2 && first.refused == 0, "{first:?}");
    for again in [&early, &late, &early] {
        let nothing = import(again).unwrap();
        assert_eq!((nothing.taken, nothing.refused), (0, 0), "{nothing:?}");
    }
    crew.site.sees(shelf[0], "delivered").await;
    crew.site.sees(shelf[1], "delivered").await;

    // What is no bundle of this place is told, and changes nothing.
    let before = crew.site.node.digest().unwrap();
    let not_taken = |file: &[u8]| import(file).unwrap_err();
    assert!(matches!(not_taken(&late[..late.len() - 1]), ImportError::Bundle(BundleError::Cut)));
    assert!(matches!(not_taken(b"a photograph"), ImportError::Bundle(BundleError::Foreign)));
    let shop = crew.vendor.node.export_bundle().unwrap();
    assert!(matches!(not_taken(&shop), ImportError::NotOurs));
    let foreign = House::start().await;
    let alien = foreign.agent("alien").await.node.export_bundle().unwrap();
    assert!(matches!(not_taken(&alien), ImportError::UnknownMaker));
    let mut forged = protocol::bundle::read(&late).unwrap();
    forged.bursts.iter_mut().for_each(|burst| burst.sig[0] ^= 1);
    let bursts = forged.bursts.iter().map(protocol::burst::Burst::encode).collect();
    let forged = protocol::bundle::write(&forged.maker, forged.certificates, bursts);
    let refused: Imported = import(&forged).unwrap();
    assert_eq!((refused.taken, refused.refused), (0, refused.bursts), "{refused:?}");
    assert_eq!(crew.site.node.digest().unwrap(), before);

    // And from the hub's computer to central, by the hub's program; twice.
    let carried = tempfile::tempdir().unwrap();
    let file = carried.path().join("site.bundle");
    std::fs::write(&file, crew.site.node.export_bundle().unwrap()).unwrap();
    let config = house.hub_config("hub-1", "127.0.0.1:0".parse().unwrap());
    let taken = sync_hub::import::file(&config, &file).await.unwrap();
    assert!(taken.refused.is_empty(), "{taken:?}");
    let agent = crew.agent.party();
    assert_eq!(house.cash_of(agent).await, 2 * DUE.paisa());
    let again = sync_hub::import::file(&config, &file).await.unwrap();
    assert_eq!((again.position, house.cash_of(agent).await), (taken.position, 2 * DUE.paisa()));
    assert_eq!(kept(&house, &crew.agent.node).await, written(&crew.agent.node));
    crew.go_online(hub.quic);
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    hub.stop().await;
    foreign.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_app_works_with_his_hub_while_there_is_no_network() {
    let (house, hub, mut crew, shelf) = cut_off(&["1"]).await;
    let parcel = shelf[0];
    let relay = Around::start(&crew.site.node, Vec::new());
    let display = Display::start().await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let data = ("GETIT_APP_DATA", place.path().join("agent").display().to_string());
    let relays = ("GETIT_APP_RELAYS", relay.near.address.unwrap().to_string());
    let app = Window::app("delivery", &display, &binary("getit-delivery"), &[data, relays]).await.unwrap();
    // Enrolment is the one thing that needs central; no hub is ever reached.
    let request = json!({ "role": "agent", "name": "Jamal", "site": house.site, "cash_ceiling_paisa": 5_000_000 });
    let code = house.operate("POST", "/devices/codes", &request).await;
    app.write(&id("enrol-code"), code["code"].as_str().unwrap()).await.unwrap();
    app.press(&id("enrol-submit")).await.unwrap();
    app.find(&format!("{}[data-near=\"true\"][data-linked=\"false\"]", id("offline-bar"))).await.unwrap();

    let agent = Subject::parse(code["party"].as_str().unwrap()).unwrap();
    crew.site.tap(&Command::Dispatch { parcels: vec![parcel], agent }).await;
    app.press(&id("load")).await.unwrap();
    app.press(&id("open-stop")).await.unwrap();
    app.until("body", |text| text.contains(CUSTOMER)).await.unwrap();
    app.press(&id("handover")).await.unwrap();
    app.press(&id("amount-exact")).await.unwrap();
    app.press(&id("took")).await.unwrap();
    app.find(&format!("{}[data-standing=\"at_hub\"]", id("recorded"))).await.unwrap();
    app.picture("delivery-at-hub").await.unwrap();
    crew.site.sees(parcel, "delivered").await;
    app.press(&id("next")).await.unwrap();
    app.press(&id("cash")).await.unwrap();
    app.press(&id("hand-in")).await.unwrap();
    app.press(&id("offer-amount")).await.unwrap();
    app.find(&id("handin-label")).await.unwrap();
    app.picture("delivery-hand-in-near").await.unwrap();
    let handin = soon("the offer at the till", async || {
        let handins = crew.site.node.store().read(|rows| rows.handins(None, 10)).unwrap();
        handins.iter().map(|view| view.handin).next().ok_or(String::new())
    })
    .await;
    crew.site.tap(&Command::Count { handin, agent, counted_paisa: DUE, denominations: Vec::new() }).await;
    crew.site.go_online(hub.quic);
    soon("the cash at the hub", async || {
        let cash = house.cash_of(house.site).await;
        (cash == DUE.paisa()).then_some(()).ok_or(cash.to_string())
    })
    .await;
    app.close().await.unwrap();
    crew.go_offline().await;
    relay.end().await;
    hub.stop().await;
    house.stop().await;
}
