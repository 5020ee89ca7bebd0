//! Placing, reading, calling off, and the books of a delivered parcel.

use protocol::fact::{Accepted, Delivered, Dispatched, Fact, Loaded, Packed, Received};
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::world::{Answer, World, rice};

fn parcel_of(placed: &Answer) -> Subject {
    Subject::parse(placed.1["parcels"][0]["parcel"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_once_for_each_key() {
    let world = World::start().await;
    let mut order = rice();
    let tea = json!({ "vendor": "padma", "sku": "TEA", "qty": 3, "unit_price_paisa": 12_345 });
    order["items"].as_array_mut().unwrap().push(tea);
    let placed = world.place("key-0001", &order).await;
    assert_eq!(placed.0, 201, "{placed:?}");
    // Goods 1,000, delivery 60, VAT 9; and 370.35 + 69 rounded down to whole taka.
    assert_eq!(placed.1["parcels"][0]["due_paisa"], 106_900);
    assert_eq!(placed.1["parcels"][1]["due_paisa"], 43_900);
    assert_eq!(placed.1["total_paisa"], 150_800);
    let after = world.digests().await;

    let again = world.place("key-0001", &order).await;
    assert_eq!((again.0, &again.1), (200, &placed.1));
    order["items"][0]["qty"] = json!(2);
    let other = world.place("key-0001", &order).await;
    assert_eq!((other.0, other.code()), (409, "idempotency_mismatch"));
    assert_eq!(world.digests().await, after);
    assert_eq!(world.place("key-0002", &order).await.0, 201);

    let path = format!("/orders/{}", placed.text("order"));
    for role in ["customer", "operations"] {
        let read = world.get(role, &path).await;
        assert_eq!((read.0, read.text("status"), read.text("reference")), (200, "open".into(), "R-1".into()));
        assert!(!read.1.to_string().contains("0171"), "no personal data comes back");
    }
    let stranger = central::tokens::mint(&world.running.pool, central::tokens::Role::Customer).await.unwrap();
    let read = world.call_with("GET", &path, Some(&stranger), &[], Vec::new()).await;
    assert_eq!((read.0, read.code()), (404, "unknown_order"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_race_with_one_key_place_one_order() {
    let world = World::start().await;
    let order = rice();
    let (a, b, c, d) = tokio::join!(
        world.place("key-race", &order),
        world.place("key-race", &order),
        world.place("key-race", &order),
        world.place("key-race", &order)
    );
    let mut statuses = [a.0, b.0, c.0, d.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    assert!([&b, &c, &d].iter().all(|answer| answer.1 == a.1));
    let (orders,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM view_order").fetch_one(&world.running.pool).await.unwrap();
    assert_eq!(orders, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_leaves_no_trace_and_its_twin_is_taken() {
    let world = World::start().await;
    let item = |field: &'static str, value: Value| move |order: &mut Value| order["items"][0][field] = value.clone();
    let many = |count: usize| {
        move |order: &mut Value| {
            order["items"] = json!(vec![order["items"][0].clone(); count]);
        }
    };
    let vendors = |order: &mut Value| {
        let items = (0..13).map(|n| json!({ "vendor": format!("v{n}"), "sku": "A", "qty": 1, "unit_price_paisa": 1 }));
        order["items"] = items.collect();
    };
    let cases: Vec<(u16, &str, Box<dyn Fn(&mut Value)>)> = vec![
        (422, "bad_quantity", Box::new(item("qty", json!(-1)))),
        (422, "bad_quantity", Box::new(item("qty", json!(0)))),
        (422, "bad_quantity", Box::new(item("qty", json!(1_001)))),
        (422, "wrong_type", Box::new(item("qty", json!("two")))),
        (422, "wrong_type", Box::new(item("qty", json!(1.5)))),
        (422, "wrong_type", Box::new(item("qty", json!(1e300)))),
        (422, "bad_price", Box::new(item("unit_price_paisa", json!(-100_000)))),
        (422, "bad_price", Box::new(item("unit_price_paisa", json!(i64::MAX)))),
        (409, "price_changed", Box::new(item("unit_price_paisa", json!(99_999)))),
        (422, "unknown_goods", Box::new(item("sku", json!("GOLD")))),
        (422, "unknown_vendor", Box::new(item("vendor", json!("nobody")))),
        (422, "wrong_type", Box::new(item("colour", json!("blue")))),
        (422, "no_items", Box::new(many(0))),
        (422, "too_many_items", Box::new(many(65))),
        (422, "too_many_vendors", Box::new(vendors)),
        (422, "bad_phone", Box::new(|order| order["customer"]["phone"] = json!("+4412345678"))),
        (422, "bad_text", Box::new(|order| order["customer"]["name"] = json!("a\u{0}b"))),
        (422, "bad_text", Box::new(|order| order["address"]["line"] = json!(" "))),
        (422, "bad_text", Box::new(|order| order["address"]["note"] = json!("x".repeat(501)))),
        (422, "not_yet_served", Box::new(|order| order["payment"] = json!("cheque"))),
        (422, "not_yet_served", Box::new(|order| order["delivery"] = json!("pickup"))),
        (422, "unknown_point", Box::new(|order| order["deliver_to"] = json!({ "point": order_point() }))),
        (422, "wrong_type", Box::new(|order| order["deliver_to"] = json!("moon"))),
        (422, "no_site", Box::new(|order| order["address"]["district"] = json!("Khulna"))),
    ];
    let before = world.digests().await;
    for (index, (status, code, spoil)) in cases.iter().enumerate() {
        let mut order = rice();
        spoil(&mut order);
        let answer = world.place(&format!("bad-{index:05}"), &order).await;
        assert_eq!((answer.0, answer.code()), (*status, *code), "{answer:?}");
        assert!(answer.1["message"].is_string() && answer.1["next"].is_string());
        let told = answer.1.to_string();
        assert!(!told.contains("রহিম") && !told.contains("House 7"), "{told}");
    }
    let whole = serde_json::to_vec(&rice()).unwrap();
    let mut cut = whole.clone();
    let bangla = cut.iter().position(|byte| *byte > 0x80).unwrap();
    cut.remove(bangla);
    for (bytes, status, code) in [
        (whole[..whole.len() - 1].to_vec(), 400, "malformed_json"),
        (Vec::new(), 400, "malformed_json"),
        (b"[[[[".repeat(500), 422, "wrong_type"),
        (b"{\"items\":".repeat(500), 422, "wrong_type"),
        (cut, 400, "broken_utf8"),
        (vec![b' '; 64 * 1024 + 1], 413, "body_too_large"),
        (b"[]".to_vec(), 422, "wrong_type"),
    ] {
        let answer = world.place_bytes("bad-bytes", bytes).await;
        assert_eq!((answer.0, answer.code()), (status, code), "{answer:?}");
    }
    for key in ["short", "has space in", &"x".repeat(65)] {
        assert_eq!(world.place(key, &rice()).await.code(), "idempotency_key_bad", "{key}");
    }
    assert_eq!(world.post("customer", "/orders", &rice()).await.code(), "idempotency_key_needed");
    assert_eq!(world.digests().await, before);

    // The twins: the same orders unspoilt, and the phone in every spelling.
    for (index, phone) in
        ["01712345678", "+8801712345678", "8801712345678", "01712-345 678", "০১৭১২৩৪৫৬৭৮"].iter().enumerate()
    {
        let mut order = rice();
        order["customer"]["phone"] = json!(phone);
        assert_eq!(world.place(&format!("twin-{index:04}"), &order).await.0, 201, "{phone}");
    }
    assert_ne!(world.digests().await, before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_called_off_until_it_is_on_its_way() {
    let world = World::start().await;
    let placed = world.place("cancel-01", &rice()).await;
    let path = format!("/orders/{}/cancel", placed.text("order"));
    let off = world.post("customer", &path, &json!({})).await;
    assert_eq!((off.0, off.text("status")), (200, "cancelled".into()), "{off:?}");
    let after = world.digests().await;
    let again = world.post("operations", &path, &json!({})).await;
    assert_eq!((again.0, &again.1), (200, &off.1));
    assert_eq!(world.digests().await, after);
    let track = world.get("customer", &format!("/track/{}", parcel_of(&placed))).await;
    assert_eq!((track.0, track.text("status")), (200, "cancelled".into()));

    let kept = world.place("cancel-02", &rice()).await;
    let mut site = world.device(&json!({ "role": "site", "name": "Hub" }), 7).await;
    world.act(&mut site, parcel_of(&kept), Fact::Received(Received { pieces: 1 })).await;
    // Under way: the hub keeps it, and is asked to stop it.
    let late = world.post("customer", &format!("/orders/{}/cancel", kept.text("order")), &json!({})).await;
    assert_eq!((late.0, late.text("status")), (200, "cancelled".into()), "{late:?}");
    let parcel = &late.1["parcels"][0];
    assert_eq!((&parcel["status"], &parcel["cancellation"]), (&json!("at_hub"), &json!("stop_requested")));
    assert_eq!(parcel["stop_requested"], true);

    // With the customer: nothing is left to call off.
    let done = world.place("cancel-03", &rice()).await;
    let gone = parcel_of(&done);
    let site_id = world.site.to_string();
    let mut agent = world.device(&json!({ "role": "agent", "name": "Karim", "site": site_id }), 8).await;
    let scope = agent.certificate.seat.party;
    world.act(&mut site, gone, Fact::Received(Received { pieces: 1 })).await;
    world.act(&mut site, gone, Fact::Dispatched(Dispatched { agent: scope, run: Id16([6; 16]) })).await;
    world.act(&mut agent, gone, Fact::Loaded(Loaded {})).await;
    let collected = Taka::from_paisa(106_900);
    world.act(&mut agent, gone, Fact::Delivered(Delivered { evidence: 2, collected })).await;
    let before = world.digests().await;
    let over = world.post("customer", &format!("/orders/{}/cancel", done.text("order")), &json!({})).await;
    assert_eq!((over.0, over.code()), (409, "not_cancellable"), "{over:?}");
    assert_eq!(over.1["state"]["parcels"][0]["status"], "delivered");
    assert_eq!(world.digests().await, before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_show_a_delivered_parcel() {
    let world = World::start().await;
    let parcel = parcel_of(&world.place("books-01", &rice()).await);
    let mut vendor = world.device(&json!({ "role": "vendor", "name": "Meghna", "vendor": "meghna" }), 1).await;
    let mut site = world.device(&json!({ "role": "site", "name": "Hub" }), 2).await;
    let site_id = world.site.to_string();
    let mut agent = world.device(&json!({ "role": "agent", "name": "Karim", "site": site_id }), 3).await;
    let scope = agent.certificate.seat.party;
    world.act(&mut vendor, parcel, Fact::Accepted(Accepted {})).await;
    world.act(&mut vendor, parcel, Fact::Packed(Packed { pieces: 1 })).await;
    world.act(&mut site, parcel, Fact::Received(Received { pieces: 1 })).await;
    world.act(&mut site, parcel, Fact::Dispatched(Dispatched { agent: scope, run: Id16([5; 16]) })).await;
    world.act(&mut agent, parcel, Fact::Loaded(Loaded {})).await;
    let collected = Taka::from_paisa(106_900);
    let fact = world.act(&mut agent, parcel, Fact::Delivered(Delivered { evidence: 3, collected })).await;

    let trial = world.get("finance", "/finance/trial-balance").await;
    assert_eq!((trial.0, &trial.1["total_paisa"]), (200, &json!(0)), "{trial:?}");
    let first = world.get("finance", "/finance/trial-balance?limit=1").await;
    let next = first.text("next");
    let second = world.get("finance", &format!("/finance/trial-balance?limit=1&after={next}")).await;
    assert_eq!(second.1["rows"][0], trial.1["rows"][1]);
    let cash = world.get("finance", "/finance/cash-by-custodian").await;
    assert_eq!(cash.1["rows"][0]["balance_paisa"], 106_900, "{cash:?}");
    assert_eq!(cash.1["rows"][0]["owner"], scope.to_string());
    let payable = world.get("finance", "/finance/vendor-payable").await;
    // 1,000 less commission 100, handling 10 and VAT 16.50.
    assert_eq!(payable.1["rows"][0]["payable_paisa"], 87_350, "{payable:?}");
    let journals = world.get("finance", &format!("/finance/journals/{fact}")).await;
    let rules: Vec<&str> =
        journals.1["rows"].as_array().unwrap().iter().map(|row| row["rule"].as_str().unwrap()).collect();
    assert!(["J4", "J5", "J7"].iter().all(|rule| rules.contains(rule)), "{journals:?}");
    let of_parcel = world.get("finance", &format!("/finance/journals/{parcel}")).await;
    assert_eq!(of_parcel.1["rows"].as_array().unwrap().len(), 1);
    world.stop().await;
}

/// The id of a point that nobody made.
fn order_point() -> String {
    Subject::new(Kind::Site, Id16([9; 16])).to_string()
}
