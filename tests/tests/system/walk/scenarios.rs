//! What has to be lived through, each by its name, on real parts. Those that are not here:
//!
//! | scenario | test |
//! |---|---|
//! | agent delivers offline | `lan::walk_a_day_without_an_uplink_between_an_agent_and_his_hub` |
//! | phone restored from last week's backup | `lives::walk_a_phone_restored_from_a_backup_begins_a_new_life_before_it_writes` |
//! | SD card cloned to a second phone | `lives::walk_a_card_copied_into_a_second_phone_writes_as_another_life` |
//! | edge clock at 1970 and at +2 years | `lives::walk_clocks_at_1970_and_two_years_ahead_change_nothing_but_what_they_show` |
//! | hub restored from an hour-old backup | `repair::walk_edges_feed_a_restored_central_again` |
//! | two hubs | `online::walk_over_two_hubs_on_one_postgres` |
//! | bundle twice and in the wrong order | `lan::walk_a_bundle_is_carried_twice_and_in_the_wrong_order` |
//! | 30 photos queued before one cash fact | `proofs::walk_thirty_photos_wait_for_one_cash_fact_and_go_on_after_a_cut` |

use std::sync::Arc;

use edge_node::Node;
use edge_node::document::ProductEdit;
use getit_tests::address::reserve;
use protocol::burst::{Burst, ChainPlace};
use protocol::command::Command;
use protocol::id::{Incarnation, OpId, Subject};
use protocol::op::{Op, lane};
use serde_json::{Value, json};

use super::house::{Crew, DUE, House, soon};
use super::machine::Machine;

/// Codes of the exceptions that finance sees about a subject.
async fn exceptions(house: &House, subject: Subject) -> Vec<String> {
    sqlx::query_scalar("SELECT code FROM exception WHERE subject = $1 ORDER BY code")
        .bind(subject.0)
        .fetch_all(house.pool())
        .await
        .unwrap()
}

/// Rules of the journals that follow from a parcel's facts.
async fn rules(house: &House, parcel: Subject) -> Vec<String> {
    sqlx::query_scalar("SELECT DISTINCT rule FROM journal_log WHERE subject = ANY($1) ORDER BY rule")
        .bind([parcel.0, Subject::earning_of(parcel).0])
        .fetch_all(house.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_the_hub_cancels_while_the_agent_is_out() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (parcel, order) = house.place_order("1").await;
    crew.bring_to_agent(parcel).await;
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;

    // The customer rings central up, and opens the door all the same: he takes it and pays.
    house.operate("POST", &format!("/orders/{order}/cancel"), &json!({})).await;
    crew.deliver(parcel).await;
    crew.agent.go_online(hub.quic);
    house.settled(&crew.all()).await;
    for edge in crew.all() {
        edge.sees(parcel, "delivered").await;
    }
    // What happened in the street is what happened: the cash is the agent's until it is counted.
    assert_eq!(house.cash_of(crew.agent.party()).await, DUE.paisa());
    crew.hand_in(DUE).await;
    house.settled(&crew.all()).await;
    assert_eq!((house.cash_of(crew.agent.party()).await, house.cash_of(house.site).await), (0, DUE.paisa()));
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_an_agent_is_revoked_on_his_route() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (before, after) = (house.place("1").await, house.place("2").await);
    crew.bring_to_agent(before).await;
    crew.bring_to_agent(after).await;
    crew.deliver(before).await;
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;

    // He is revoked while he rides, and does not know it at the second door.
    house.operate("POST", &format!("/devices/{}/revoke", crew.agent.node.author()), &Value::Null).await;
    crew.deliver(after).await;
    crew.agent.go_online(hub.quic);
    soon("what he recorded is taken", async || {
        let waiting = crew.agent.node.store().outbox_len().unwrap();
        (waiting == 0).then_some(()).ok_or(format!("{waiting} wait"))
    })
    .await;
    house.settled(&[&crew.vendor, &crew.site]).await;
    // What central knew before stands. The rest is kept and waits for a person: what he owes he owes, and nobody is
    // given anything of it.
    assert_eq!(house.cash_of(crew.agent.party()).await, 2 * DUE.paisa());
    crew.site.sees(before, "delivered").await;
    assert_eq!(rules(&house, before).await, ["J4", "J5", "J7"]);
    assert_eq!(rules(&house, after).await, ["J4"]);
    assert_eq!(exceptions(&house, before).await, [""; 0]);
    assert_eq!(exceptions(&house, after).await, ["revoked_author"]);
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_the_disk_is_full_in_the_middle_of_a_pack() {
    const PRODUCTS: u32 = 300;
    let (first, later) = (reserve().unwrap(), reserve().unwrap());
    let house = House::telling(&[later.to_string()]).await;
    let hub = house.hub_at("hub-1", first).await;
    let mut shop = house.vendor().await;
    shop.go_online(hub.quic);
    let offer = |n| json!({ "sku": format!("SKU-{n}"), "name_en": "Thing", "name_bn": "জিনিস", "unit": "piece", "unit_price_paisa": 100 });
    let offers: Vec<Value> = (0..PRODUCTS).map(offer).collect();
    house.operate("PUT", "/vendors/meghna/offers", &json!(offers)).await;
    house.settled(&[&shop]).await;
    let mut dice = getit_tests::model::Dice::new(7);
    for n in 0..PRODUCTS {
        let mut act = [0xd1; 16];
        act[..4].copy_from_slice(&n.to_be_bytes());
        let text: String = (0..900).map(|_| char::from(b'a' + dice.below(26) as u8)).collect();
        let edit = ProductEdit { name_en: Some(format!("Thing {n}")), description: Some(text), ..Default::default() };
        shop.node.edit_product(act, Subject::product(shop.party(), &format!("SKU-{n}")), &edit).unwrap();
    }
    house.settled(&[&shop]).await;

    // A second phone of the shop, with hardly any room, meets a hub.
    let folder = tempfile::tempdir().unwrap();
    let wish = json!({ "role": "vendor", "name": "phone", "vendor": "meghna" });
    let mut phone = Machine::open(&house, "phone", &wish, folder.path()).await;
    phone.disk.fill().unwrap();
    phone.disk.give_back(700_000).unwrap();
    let other = house.hub_at("hub-2", later).await;
    soon("the phone meets its full disk", async || {
        let log = phone.log();
        log.contains("disk is full").then_some(()).ok_or(log.lines().last().unwrap_or_default().to_owned())
    })
    .await;
    let all = shop.node.store().read(|rows| rows.op_counts()).unwrap().0;
    let part = phone.get("status").await;
    let held = |status: &Value| status["ops"].as_u64().unwrap();
    assert!(held(&part) > 0 && held(&part) < all, "of {all}: {part}");
    // It lives, it shows what it has, and a power cut on top of it changes nothing.
    phone.process.kill().await;
    phone.process.start().await.unwrap();
    assert!(held(&phone.get("status").await) >= held(&part));

    phone.disk.free().unwrap();
    soon("the phone has everything", async || {
        let status = phone.get("status").await;
        let whole = held(&status) == all && status["root_equal"] == true;
        whole.then_some(()).ok_or(status.to_string())
    })
    .await;
    phone.process.stop().await;
    shop.go_offline().await;
    other.stop().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_the_battery_dies_after_the_hand_over_and_the_cashiers_power_before_the_commit() {
    let address = reserve().unwrap();
    let house = House::telling(&[address.to_string()]).await;
    let hub = house.hub_at("hub-1", address).await;
    let (mut vendor, folder, at_counter) =
        (house.vendor().await, tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    vendor.go_online(hub.quic);
    let wish = json!({ "role": "agent", "name": "phone", "site": house.site, "cash_ceiling_paisa": 5_000_000 });
    let mut phone = Machine::open(&house, "phone", &wish, folder.path()).await;
    let agent = phone.get("status").await["party"].as_str().unwrap().to_owned();
    let wish = json!({ "role": "site", "name": "till", "site": house.site });
    let mut till = Machine::open(&house, "till", &wish, at_counter.path()).await;

    let parcel = house.place("1").await;
    vendor.tap(&Command::Accept { parcel }).await;
    vendor.tap(&Command::Pack { parcel, pieces: 1 }).await;
    let taps = [
        (1, false, json!({ "do": "receive", "parcel": parcel, "pieces": 1 })),
        (2, false, json!({ "do": "dispatch", "parcels": [parcel], "agent": agent })),
        (3, true, json!({ "do": "load", "parcels": [parcel] })),
        (4, true, json!({ "do": "deliver", "parcel": parcel, "evidence": 1, "collected_paisa": DUE.paisa() })),
    ];
    for (n, of_agent, command) in taps {
        soon(&command.to_string(), async || {
            let machine = if of_agent { &phone } else { &till };
            machine.record([n; 16], &command).await
        })
        .await;
    }
    // He offers what he has, and that moment his battery is empty: the receipt that he saw is there again.
    let offer = json!({ "do": "offer", "site": house.site, "amount_paisa": DUE.paisa() });
    let receipt = phone.record([5; 16], &offer).await.unwrap();
    phone.process.kill().await;
    phone.process.start().await.unwrap();
    assert_eq!(phone.record([5; 16], &offer).await.unwrap()["facts"], receipt["facts"]);

    // The cashier counts, and the power fails somewhere between her tap and the disk: again and again.
    let listed = soon("the offer at the till", async || {
        let offers = till.get("site/handins").await;
        let offers = offers["rows"].as_array().or(offers.as_array()).cloned().unwrap_or_default();
        offers.first().map(|offer| offer["handin"].clone()).ok_or("none".to_owned())
    })
    .await;
    let count = json!({ "do": "count", "handin": listed, "agent": agent, "counted_paisa": DUE.paisa() });
    let mut seen: Option<Value> = None;
    for _ in 0..4 {
        let asked = tokio::spawn(till.record([6; 16], &count));
        till.process.kill().await;
        let answer = asked.await.unwrap();
        till.process.start().await.unwrap();
        if let (Some(before), Ok(now)) = (&seen, &answer) {
            assert_eq!(before["facts"], now["facts"], "another count for one tap");
        }
        seen = seen.or(answer.ok());
    }
    let counted = till.record([6; 16], &count).await.unwrap();
    assert!(seen.is_none_or(|before| before["facts"] == counted["facts"]));
    soon("the cash in the till", async || {
        let cash = (house.cash_of(house.site).await, house.cash_of(Subject::parse(&agent).unwrap()).await);
        (cash == (DUE.paisa(), 0)).then_some(()).ok_or(format!("{cash:?}"))
    })
    .await;
    let counts: i64 = sqlx::query_scalar("SELECT count(*) FROM op WHERE class_kind = $1")
        .bind(0x5001)
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert_eq!(counts, 1, "counted once");
    assert_eq!(house.finance("trial-balance").await["total_paisa"], 0);
    phone.process.stop().await;
    till.process.stop().await;
    vendor.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

/// The bytes of an op as a device holds them.
fn bytes_of(node: &Arc<Node>, burst: &Burst, id: &OpId) -> Option<Vec<u8>> {
    let held = node.store().bursts_with(&[id.short()]).unwrap();
    let same = held.iter().map(|bytes| Burst::decode(bytes).unwrap()).find(|held| held.digest() == burst.digest())?;
    assert_eq!((same.head.encode(), same.sig), (burst.head.encode(), burst.sig));
    same.slots.into_iter().find_map(|slot| match slot {
        protocol::burst::Slot::Open(bytes) => Some(bytes),
        protocol::burst::Slot::Withheld(_) => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_a_new_kind_goes_through_programs_that_do_not_know_it() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let parcel = house.place("1").await;
    crew.bring_to_agent(parcel).await;
    house.settled(&crew.all()).await;

    // The agent's phone has next year's program.
    let heads = crew.agent.node.store().read(|rows| rows.heads(&parcel)).unwrap();
    let payload = vec![0x84, 0x01, 0x19, 0x07, 0xea, 0x61, 0x78, 0xf6];
    let op = Op { class_kind: 0x4fff, lane_flags: lane::MONEY, subject: parcel, after: heads, payload };
    let place = ChainPlace::start(crew.agent.node.author(), Incarnation([9; 4]));
    let burst = Burst::sign(&crew.agent.node.identity().key, &place, crew.agent.node.now_ms(), &[op]);
    let id = burst.ids()[0];
    crew.agent.go_offline().await;
    assert_eq!(crew.agent.node.receive(vec![burst.clone()]).unwrap().refused, 0);
    crew.agent.go_online(hub.quic);
    house.settled(&crew.all()).await;

    // Everybody who may see the parcel holds it byte for byte as it was signed, and goes on working.
    let protocol::burst::Slot::Open(written) = &burst.slots[0] else { panic!("withheld") };
    let kept: Vec<u8> = sqlx::query_scalar("SELECT bytes FROM op WHERE id = $1")
        .bind(id.0)
        .fetch_one(house.pool())
        .await
        .expect("central keeps it");
    assert_eq!(&kept, written);
    for edge in crew.all() {
        assert_eq!(bytes_of(&edge.node, &burst, &id).as_ref(), Some(written), "{}", edge.name);
    }
    let newer: bool = sqlx::query_scalar("SELECT newer FROM view_parcel WHERE subject = $1")
        .bind(parcel.0)
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert!(newer, "central says that it does not understand all of it");
    crew.deliver(parcel).await;
    house.settled(&crew.all()).await;
    assert_eq!(house.cash_of(crew.agent.party()).await, DUE.paisa());
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
