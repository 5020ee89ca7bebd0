//! Customers who pay ahead by a transfer to our account: the credit waits on suspense until a person reads for which order
//! it is, and then pays for that order once.

use std::collections::BTreeMap;

use protocol::id::{Id16, Kind, Subject};
use serde_json::json;

use super::banking::{Bench, DUE};
use super::statements::{csv, today};

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_that_a_customer_sent_pays_for_his_order_once() {
    let bench = Bench::start().await;
    let mut order = super::world::rice();
    let at_the_door = bench.world.place("transfer-order-door", &order).await.text("order");
    order["payment"] = json!("prepaid");
    let mut orders = Vec::new();
    for n in 1..=3 {
        orders.push(bench.world.place(&format!("transfer-order-{n}"), &order).await.text("order"));
    }
    let (paid, other, called_off) = (&orders[0], &orders[1], &orders[2]);
    let named = |order: &str| format!("NPSB/Rahima Khatun/{order} thanks");
    // Banks drop the sign that an id may end with.
    let bare = paid.trim_end_matches(['*', '~', '$', '=']).to_owned();
    let (first, second) = (named(&bare), named(other));
    let rows = [
        (first.as_str(), "FT-1", DUE),
        (second.as_str(), "FT-2", DUE - 100),
        ("NPSB Rahima Khatun", "FT-3", DUE),
        ("NPSB Salma", "FT-4", DUE),
        ("Account maintenance", "FT-5", -11_500),
    ];
    let credited = 4 * DUE - 100;
    assert_eq!(bench.import(&csv(&today(), 0, &rows)).await.0, 201);
    assert_eq!((bench.balance(1010).await, bench.balance(2080).await), (credited, -credited));
    // What names an order that waits for this very amount is proposed for it; of another amount it is only suspense.
    for (reference, why, things) in [("FT-1", "paid_ahead", json!([paid])), ("FT-2", "missing_ours", json!([]))] {
        let line = bench.lines("booked").await.into_iter().find(|line| line["reference"] == reference).unwrap();
        assert_eq!((&line["why"], &line["things"]), (&json!(why), &things), "{line}");
    }
    let mut lines = BTreeMap::new();
    for line in [bench.lines("booked").await, bench.lines("open").await].concat() {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        lines.insert(text("reference"), text("line"));
    }
    let explain = |reference: &str| format!("/finance/lines/{}/explain", lines[reference]);

    // What does not fit says why, and moves nothing.
    let before = bench.world.digests().await;
    let unknown = Subject::new(Kind::Order, Id16([1; 16]));
    for (reference, order, status, code) in [
        ("FT-2", paid.clone(), 422, "amount_differs"),
        ("FT-1", at_the_door, 409, "not_prepaid"),
        ("FT-1", unknown.to_string(), 404, "unknown_order"),
        ("FT-5", paid.clone(), 409, "not_a_payment"),
    ] {
        let no = bench.post(&explain(reference), &json!({ "thing": order })).await;
        assert_eq!((no.0, no.code()), (status, code), "{no:?}");
    }
    assert_eq!(bench.world.digests().await, before);

    // The right one: from suspense to escrow, and the bank's money stays what it was.
    let told = bench.did(&explain("FT-1"), &json!({ "thing": paid })).await;
    assert_eq!((told.text("by").as_str(), &told.1["things"]), ("paid_ahead", &json!([paid])));
    assert_eq!((bench.balance(1010).await, bench.balance(2080).await), (credited, DUE - credited));
    assert_eq!(bench.balance(2040).await, -DUE);
    let journals = bench.world.get("finance", &format!("/finance/journals/{paid}")).await;
    assert_eq!(journals.1["rows"][0]["rule"], "J29a", "{journals:?}");
    let sql = "SELECT count(*) FROM member m JOIN view_parcel p ON p.subject = m.subject WHERE p.order_subject = $1";
    let order_id = Subject::parse(paid).unwrap();
    let (routes,): (i64,) = sqlx::query_as(sql).bind(order_id.0).fetch_one(&bench.world.running.pool).await.unwrap();
    assert_eq!(routes, 2, "its parcel goes to the vendor and the hub");

    // Neither a second credit nor a provider pays for it again, and the line is used.
    let twice = bench.post(&explain("FT-3"), &json!({ "thing": paid })).await;
    assert_eq!((twice.0, twice.code()), (409, "already_paid"), "{twice:?}");
    let wallet = json!({ "order": paid, "provider": "bkash", "reference": "6H7801QFYM", "amount_paisa": DUE });
    assert_eq!(bench.world.post("finance", "/finance/payments", &wallet).await.code(), "already_paid");
    let used = bench.post(&explain("FT-1"), &json!({ "thing": other })).await;
    assert_eq!((used.0, used.code()), (409, "line_matched"), "{used:?}");

    // An order that was called off meanwhile takes the money, and owes it (R23).
    let cancelled = bench.world.post("customer", &format!("/orders/{called_off}/cancel"), &json!({})).await;
    assert_eq!(cancelled.0, 200, "{cancelled:?}");
    bench.did(&explain("FT-4"), &json!({ "thing": called_off })).await;
    assert_eq!((bench.balance(2040).await, bench.balance(2050).await), (-DUE, -DUE));
    let back = json!({ "order": called_off, "amount_paisa": DUE, "provider": "bkash", "reference": "6H7801QFYR" });
    assert_eq!(bench.world.post("finance", "/finance/refunds", &back).await.0, 201);
    assert_eq!((bench.balance(2050).await, bench.balance(2080).await), (0, 2 * DUE - credited));
    bench.stop().await;
}
