//! Orders that are fetched at a point, and orders that are paid ahead.

use protocol::fact::{CodeVerified, CounterPaid, Fact, Forwarded, HandedOver, PartnerPaid, Received};
use protocol::id::Subject;
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::world::{World, rice};

pub(super) async fn point(world: &World, name: &str, lat: i32, partner: bool) -> Subject {
    let body = json!({
        "name": name, "kind": "point", "partner": partner, "hub": world.site, "districts": ["Dhaka"],
        "position": { "lat_microdeg": lat, "lon_microdeg": 90_410_000 }, "opening": "9-21",
    });
    let made = world.post("operations", "/sites", &body).await;
    assert_eq!(made.0, 201, "{made:?}");
    Subject::parse(&made.text("site")).unwrap()
}

fn parcel_of(order: &Value) -> Subject {
    Subject::parse(order["parcels"][0]["parcel"].as_str().unwrap()).unwrap()
}

/// Orders to a point, and fetches and pays it there with the code of the order. Where the order is read,
/// and its parcel.
pub(super) async fn fetch(world: &World, at: Subject, partner: bool, seed: u8) -> (String, Subject) {
    let mut order = rice();
    order["deliver_to"] = json!({ "point": at });
    let placed = world.place(&format!("fetch-{seed:04}"), &order).await;
    assert_eq!(placed.0, 201, "{placed:?}");
    let parcel = parcel_of(&placed.1);
    let path = format!("/orders/{}", placed.text("order"));
    let seen = world.get("customer", &path).await;
    let shown = seen.1["parcels"][0]["handover"].clone();
    assert_eq!(shown["code"].as_str().unwrap().len(), 6, "{seen:?}");
    assert!(world.get("operations", &path).await.1["parcels"][0]["handover"].is_null(), "the customer's alone");
    let token = data_encoding::HEXLOWER.decode(shown["token"].as_str().unwrap().as_bytes()).unwrap();
    let mut hub = world.device(&json!({ "role": "site", "name": "Hub" }), seed).await;
    let mut kiosk = world.device(&json!({ "role": "site", "name": "Kiosk", "site": at }), seed + 10).await;
    assert_eq!(kiosk.certificate.seat.is_partner(), partner);
    world.act(&mut hub, parcel, Fact::Received(Received { pieces: 1 })).await;
    world.act(&mut hub, parcel, Fact::Forwarded(Forwarded { to: at })).await;
    world.act(&mut kiosk, parcel, Fact::Received(Received { pieces: 1 })).await;
    let token = token.try_into().unwrap();
    world.act(&mut kiosk, parcel, Fact::CodeVerified(CodeVerified { token })).await;
    let amount = Taka::from_paisa(106_900).unwrap();
    let paid =
        if partner { Fact::PartnerPaid(PartnerPaid { amount }) } else { Fact::CounterPaid(CounterPaid { amount }) };
    world.act(&mut kiosk, parcel, paid).await;
    world.act(&mut kiosk, parcel, Fact::HandedOver(HandedOver {})).await;
    (path, parcel)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_fetched_with_the_code_of_its_order() {
    let world = World::start().await;
    let far = point(&world, "Mirpur point", 23_900_000, false).await;
    let near = point(&world, "Farmgate point", 23_760_000, true).await;
    let found = world.get("customer", "/points?near=23.75,90.41&limit=1").await;
    assert_eq!((found.0, &found.1["points"][0]["point"]), (200, &json!(near)), "{found:?}");
    let rest = world.get("customer", "/points?near=23.75,90.41&limit=1&skip=1").await;
    assert_eq!((&rest.1["points"][0]["point"], &rest.1["next_skip"]), (&json!(far), &Value::Null));
    assert_eq!(world.get("customer", "/points?near=Dhaka").await.1["points"].as_array().unwrap().len(), 2);
    for bad in ["", "?near=", "?near=x,y", "?near=23.7,900", "?near=Dhaka&limit=0", "?near=Dhaka&x=1"] {
        let answer = world.get("customer", &format!("/points{bad}")).await;
        assert_eq!(answer.0, 422, "{bad}: {answer:?}");
    }
    for (at, partner, seed) in [(far, false, 11), (near, true, 12)] {
        let (path, parcel) = fetch(&world, at, partner, seed).await;
        let seen = world.get("customer", &path).await;
        assert_eq!((seen.text("status"), &seen.1["parcels"][0]["handover"]), ("delivered".into(), &Value::Null));
        let journals = world.get("finance", &format!("/finance/journals/{parcel}")).await;
        assert_eq!(journals.1["rows"][0]["rule"], if partner { "J36" } else { "J4p" }, "{journals:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_paid_ahead_moves_when_it_is_paid_and_is_paid_back_when_it_is_called_off() {
    let world = World::start().await;
    let mut order = rice();
    order["payment"] = json!("prepaid");
    let placed = world.place("ahead-001", &order).await;
    assert_eq!((placed.0, &placed.1["total_paisa"]), (201, &json!(106_900)), "{placed:?}");
    assert_eq!(placed.1["parcels"][0]["due_paisa"], 0);
    let (id, parcel) = (placed.text("order"), parcel_of(&placed.1));
    let held = |world: &World| {
        let pool = world.running.pool.clone();
        async move {
            let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM member WHERE subject = $1")
                .bind(parcel.0)
                .fetch_one(&pool)
                .await
                .unwrap();
            count
        }
    };
    assert_eq!(held(&world).await, 0, "nobody holds it before it is paid");
    let pay = |amount: i64, reference: &str| json!({ "order": id, "provider": "bkash", "reference": reference, "amount_paisa": amount });
    for (body, status, code) in [
        (pay(106_899, "TX1"), 422, "amount_differs"),
        (pay(0, "TX1"), 422, "bad_amount"),
        (pay(106_900, " "), 422, "bad_reference"),
    ] {
        let answer = world.post("finance", "/finance/payments", &body).await;
        assert_eq!((answer.0, answer.code()), (status, code), "{answer:?}");
    }
    assert_eq!(world.post("finance", "/finance/payments", &pay(106_900, "TX1")).await.0, 201);
    assert_eq!(world.post("finance", "/finance/payments", &pay(106_900, "TX1")).await.0, 200, "told again");
    assert_eq!(world.post("finance", "/finance/payments", &pay(106_900, "TX2")).await.code(), "already_paid");
    assert_eq!(held(&world).await, 2, "vendor and hub hold it now");
    let cod = world.place("ahead-002", &rice()).await;
    let other = json!({ "order": cod.text("order"), "provider": "bkash", "reference": "TX3", "amount_paisa": 106_900 });
    assert_eq!(world.post("finance", "/finance/payments", &other).await.code(), "not_prepaid");

    let refund = |amount: i64, reference: &str| json!({ "order": id, "provider": "bkash", "reference": reference, "amount_paisa": amount });
    let early = world.post("finance", "/finance/refunds", &refund(106_900, "RF1")).await;
    assert_eq!((early.0, early.code()), (409, "more_than_owed"), "{early:?}");
    let off = world.post("customer", &format!("/orders/{id}/cancel"), &json!({})).await;
    assert_eq!(off.1["parcels"][0]["cancellation"], "cancelled", "{off:?}");
    assert_eq!(world.post("finance", "/finance/refunds", &refund(100_000, "RF1")).await.0, 201);
    assert_eq!(world.post("finance", "/finance/refunds", &refund(100_000, "RF1")).await.0, 200, "told again");
    assert_eq!(world.post("finance", "/finance/refunds", &refund(6_901, "RF2")).await.code(), "more_than_owed");
    assert_eq!(world.post("finance", "/finance/refunds", &refund(6_900, "RF2")).await.0, 201);
    let trial = world.get("finance", "/finance/trial-balance").await;
    let open: Vec<&Value> =
        trial.1["rows"].as_array().unwrap().iter().filter(|row| row["balance_paisa"] != json!(0)).collect();
    assert_eq!((&trial.1["total_paisa"], open.len()), (&json!(0), 0), "all is paid back: {trial:?}");
    world.stop().await;
}
