//! A refund that a customer fetches at a till without network, while finance has a provider pay it (R26).

use edge_node::screen::site::SiteScan;
use protocol::command::Command;
use protocol::id::Subject;
use serde_json::{Value, json};

use super::house::{Crew, DUE, Edge, House, soon};

/// How the counter sees the refund of this code.
fn status(site: &Edge, code: &str) -> Option<&'static str> {
    match site.node.site_scan(code).unwrap() {
        SiteScan::Refund { refund } => Some(refund.status),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_refund_is_fetched_without_network_while_a_provider_pays_it() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    // Cash for the till, and a customer who paid ahead and called it off.
    let sold = house.place("sold").await;
    crew.bring_to_agent(sold).await;
    crew.deliver(sold).await;
    crew.hand_in(DUE).await;
    let (_, order) = house.order("ahead", &json!({ "delivery": "door", "payment": "prepaid" })).await;
    let paid = json!({ "order": order, "provider": "bkash", "reference": "9F12AB", "amount_paisa": DUE.paisa() });
    house.call("finance", "POST", "/finance/payments", None, &paid).await;
    house.call("customer", "POST", &format!("/orders/{order}/cancel"), None, &Value::Null).await;
    let kept = json!({ "order": order, "amount_paisa": DUE.paisa(), "point": house.site });
    house.call("finance", "POST", "/finance/cash-refunds", Some("walk-refund-1"), &kept).await;
    let seen = house.call("customer", "GET", &format!("/orders/{order}"), None, &Value::Null).await;
    let code = seen["refunds"][0]["code"].as_str().unwrap().to_owned();
    soon("the till hears of the refund", async || {
        let status = status(&crew.site, &code);
        (status == Some("reserved")).then_some(()).ok_or(format!("{status:?}"))
    })
    .await;
    house.settled(&crew.all()).await;

    // The till's line is cut; the customer rang up, and stands there all the same.
    crew.site.go_offline().await;
    let waiting = house.finance("cash-refunds?status=reserved").await;
    let refund = Subject::parse(waiting["rows"][0]["refund"].as_str().unwrap()).unwrap();
    let other = json!({ "refund": refund, "provider": "bkash", "reference": "9F12AC", "amount_paisa": DUE.paisa() });
    house.call("finance", "POST", "/finance/refunds", None, &other).await;
    crew.site.tap(&Command::RefundCash { refund, code: code.clone() }).await;
    assert_eq!(status(&crew.site, &code), Some("given"));

    // Both happened: the drawer is as empty as the books say, and the customer owes one of the two.
    crew.site.go_online(hub.quic);
    house.settled(&crew.all()).await;
    assert_eq!((house.cash_of(house.site).await, status(&crew.site, &code)), (0, Some("overpaid")));
    let owed = house.finance("differences?status=open&account=1190").await;
    assert_eq!((&owed["rows"][0]["rule"], &owed["rows"][0]["open_paisa"]), (&json!("J37"), &json!(DUE.paisa())));
    let seen = house.call("customer", "GET", &format!("/orders/{order}"), None, &Value::Null).await;
    assert!(seen["refunds"].is_null(), "{seen}");
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
