//! A customer takes credit in place of a refund, and pays for another order with it (J30, J30a).

use protocol::id::{Id16, Subject};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::banking::{Bench, DUE};
use super::world::{Answer, World, rice};

/// The customer of an order, as finance reads it in the books.
pub(super) async fn customer_of(pool: &PgPool, order: &str) -> Subject {
    let order = Subject::parse(order).unwrap();
    let (id,): ([u8; 16],) = sqlx::query_as("SELECT customer FROM view_order WHERE subject = $1")
        .bind(order.0)
        .fetch_one(pool)
        .await
        .unwrap();
    Subject::customer(Id16(id))
}

async fn order(world: &World, key: &str, payment: &str, pieces: i64) -> String {
    let mut order = rice();
    order["payment"] = json!(payment);
    order["items"][0]["qty"] = json!(pieces);
    let placed = world.place(key, &order).await;
    assert_eq!(placed.0, 201, "{placed:?}");
    placed.text("order")
}

async fn pay(world: &World, role: &str, order: &str, of: &str) -> Answer {
    world.post(role, &format!("/orders/{order}/credit"), &json!({ "of": of })).await
}

async fn credit(world: &World, order: &str) -> Value {
    world.get("customer", &format!("/orders/{order}")).await.1["credit_paisa"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_pays_for_another_order_once_and_comes_back_as_money() {
    let bench = Bench::start().await;
    let world = &bench.world;
    let refunded = order(world, "credit-refunded", "prepaid", 1).await;
    let paid = json!({ "order": refunded, "provider": "bkash", "reference": "9F12AB", "amount_paisa": DUE });
    bench.did("/finance/payments", &paid).await;
    assert_eq!(world.post("customer", &format!("/orders/{refunded}/cancel"), &json!({})).await.0, 200);
    let customer = customer_of(&world.running.pool, &refunded).await;
    let issued = json!({
        "what": "credit_issued", "owner": customer, "amount_paisa": DUE, "reference": "asked for by telephone 7",
    });
    bench.did("/finance/entries", &issued).await;
    assert_eq!(credit(world, &refunded).await, json!(DUE), "he reads it with his order");

    let (next, dear) =
        (order(world, "credit-next", "prepaid", 1).await, order(world, "credit-dear", "prepaid", 2).await);
    let (cash, off) = (order(world, "credit-cash", "cod", 1).await, order(world, "credit-off", "prepaid", 1).await);
    assert_eq!(world.post("customer", &format!("/orders/{off}/cancel"), &json!({})).await.0, 200);
    let nobodys = Subject::new(protocol::id::Kind::Order, Id16([9; 16])).to_string();
    let stranger = world.second(central::tokens::Role::Customer).await;
    let before = world.digests().await;
    for (what, answer, code) in [
        ("an order that costs more", pay(world, "customer", &dear, &refunded).await, (409, "more_than_credit")),
        ("cash at the door", pay(world, "customer", &cash, &refunded).await, (409, "not_prepaid")),
        ("called off", pay(world, "customer", &off, &refunded).await, (409, "order_cancelled")),
        ("paid by the provider already", pay(world, "customer", &refunded, &refunded).await, (409, "already_paid")),
        ("of an order without credit", pay(world, "customer", &next, &dear).await, (409, "more_than_credit")),
        ("of no order", pay(world, "customer", &next, &nobodys).await, (404, "unknown_order")),
        ("no order", pay(world, "finance", &nobodys, &refunded).await, (404, "unknown_order")),
        ("by a vendor", pay(world, "vendor", &next, &refunded).await, (403, "role_not_allowed")),
    ] {
        assert_eq!((answer.0, answer.code()), code, "{what}: {answer:?}");
    }
    // Another shop front knows neither of the two.
    let body = serde_json::to_vec(&json!({ "of": refunded })).unwrap();
    let strange = world.call_with("POST", &format!("/orders/{next}/credit"), Some(&stranger), &[], body).await;
    assert_eq!((strange.0, strange.code()), (404, "unknown_order"));
    assert_eq!(world.digests().await, before, "nothing was left by a no");

    // Both press at once, and once more: it is paid once.
    let (one, other) = tokio::join!(pay(world, "customer", &next, &refunded), pay(world, "finance", &next, &refunded));
    assert_eq!([one.0, other.0].iter().sum::<u16>(), 401, "{one:?} {other:?}");
    assert_eq!(pay(world, "customer", &next, &refunded).await.0, 200, "said once more, it is what it was");
    assert_eq!((bench.balance(2060).await, bench.balance(2040).await, bench.balance(2050).await), (0, -DUE, 0));
    assert_eq!(credit(world, &refunded).await, json!(0));
    let by_bkash = json!({ "order": next, "provider": "bkash", "reference": "9F12AC", "amount_paisa": DUE });
    let again = world.post("finance", "/finance/payments", &by_bkash).await;
    assert_eq!((again.0, again.code()), (409, "already_paid"));
    let parcel = world.get("customer", &format!("/orders/{next}")).await.1["parcels"][0]["parcel"].clone();
    let (held,): (i64,) = sqlx::query_as("SELECT count(*) FROM member WHERE subject = $1")
        .bind(Subject::parse(parcel.as_str().unwrap()).unwrap().0)
        .fetch_one(&world.running.pool)
        .await
        .unwrap();
    assert!(held >= 2, "its vendor and its hub have it: {held}");

    // Called off, it is owed as any payment ahead.
    assert_eq!(world.post("customer", &format!("/orders/{next}/cancel"), &json!({})).await.0, 200);
    assert_eq!((bench.balance(2040).await, bench.balance(2050).await), (0, -DUE));
    let report = central::rebuild::verify_log(&world.running.pool).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    bench.stop().await;
}
