//! What is owed to a customer, fetched at a till (J20d, J20e), and paid twice by people who did not know of each other (J37,
//! R26).

use protocol::fact::{CashRefunded, Fact};
use protocol::id::Subject;
use protocol::refund::RefundCode;
use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::points;
use super::world::{Answer, rice};

/// In whole taka.
const PART: i64 = 50_000;

fn given(code: &str) -> Fact {
    Fact::CashRefunded(CashRefunded { code: RefundCode::read(code).unwrap().0 })
}

impl Bench {
    /// A till with the cash of two parcels, and an order that was paid ahead and called off: its customer is owed it.
    async fn owing() -> (Self, String) {
        let mut bench = Self::start().await;
        bench.people.sell(&bench.world, 1).await;
        bench.people.sell(&bench.world, 2).await;
        let mut order = rice();
        order["payment"] = json!("prepaid");
        let placed = bench.world.place("cash-refund-1", &order).await;
        assert_eq!(placed.0, 201, "{placed:?}");
        let order = placed.text("order");
        let paid = json!({ "order": order, "provider": "bkash", "reference": "9F12AB", "amount_paisa": DUE });
        bench.did("/finance/payments", &paid).await;
        let off = bench.world.post("customer", &format!("/orders/{order}/cancel"), &json!({})).await;
        assert_eq!((off.0, bench.balance(2050).await), (200, -DUE), "{off:?}");
        (bench, order)
    }

    async fn reserve(&self, order: &str, paisa: i64, point: Subject) -> Answer {
        let body = json!({ "order": order, "amount_paisa": paisa, "point": point });
        self.post("/finance/cash-refunds", &body).await
    }

    async fn by_bkash(&self, body: Value) -> Answer {
        let mut body = body;
        body["provider"] = json!("bkash");
        self.world.post("finance", "/finance/refunds", &body).await
    }

    async fn states(&self) -> Vec<String> {
        let page = self.world.get("finance", "/finance/cash-refunds").await;
        let rows = page.1["rows"].as_array().unwrap_or_else(|| panic!("{page:?}")).clone();
        rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
    }

    async fn of_customer(&self, order: &str) -> Value {
        self.world.get("customer", &format!("/orders/{order}")).await.1["refunds"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_fetches_what_is_owed_at_a_till_once() {
    let (mut bench, order) = Bench::owing().await;
    let site = bench.world.site;
    let partner = points::point(&bench.world, "Partner point", 23_760_000, true).await;
    let before = bench.world.digests().await;
    let stranger = Subject::customer(protocol::id::Id16([9; 16]));
    let to_stranger = json!({ "customer": stranger, "amount_paisa": 100, "point": site });
    for (what, answer, code) in [
        ("too much", bench.reserve(&order, DUE + 100, site).await, (409, "more_than_owed")),
        ("half a taka", bench.reserve(&order, 150, site).await, (422, "bad_amount")),
        ("nothing", bench.reserve(&order, 0, site).await, (422, "bad_amount")),
        ("a partner's till", bench.reserve(&order, PART, partner).await, (409, "partner_point")),
        ("no site", bench.reserve(&order, PART, stranger).await, (422, "unknown_site")),
        ("nobody's", bench.post("/finance/cash-refunds", &to_stranger).await, (409, "more_than_owed")),
    ] {
        assert_eq!((answer.0, answer.code()), code, "{what}: {answer:?}");
    }
    assert_eq!(bench.world.digests().await, before, "nothing was left by a no");

    let kept = bench.reserve(&order, PART, site).await;
    assert_eq!((kept.0, bench.balance(2050).await), (201, -DUE), "{kept:?}");
    let (refund, code) = (Subject::parse(&kept.text("refund")).unwrap(), kept.text("code"));
    assert_eq!(bench.of_customer(&order).await[0]["code"], json!(code), "he reads it with his order");
    assert!(bench.world.get("operations", &format!("/orders/{order}")).await.1["refunds"].is_null(), "his alone");
    let more = bench.reserve(&order, DUE - PART + 100, site).await;
    assert_eq!(more.code(), "more_than_owed", "what waits at a till is spoken for: {more:?}");
    let listed = bench.world.get("finance", "/finance/cash-refunds?status=reserved").await;
    assert!(!listed.1.to_string().contains(&code) && listed.1["rows"][0]["amount_paisa"] == PART, "{listed:?}");
    let (there,): (i64,) = sqlx::query_as("SELECT count(*) FROM member WHERE scope = $1 AND subject = $2")
        .bind(site.0)
        .bind(refund.0)
        .fetch_one(&bench.world.running.pool)
        .await
        .unwrap();
    assert_eq!(there, 1, "the till's devices have it");

    // Another code is no code: the cash is then the site's to explain.
    bench.world.act(&mut bench.people.site, refund, given("0000-0000-0000-0000")).await;
    assert_eq!((bench.states().await, bench.balance(1120).await), (vec!["reserved".to_owned()], 2 * DUE));
    bench.world.act(&mut bench.people.site, refund, given(&code)).await;
    assert_eq!((bench.states().await, bench.balance(1120).await), (vec!["given".to_owned()], 2 * DUE - PART));
    assert_eq!((bench.balance(2050).await, bench.balance(1190).await), (PART - DUE, 0));
    assert_eq!(bench.of_customer(&order).await, Value::Null, "its code is good no more");
    for (what, answer) in [
        ("withdrawn", bench.post(&format!("/finance/cash-refunds/{refund}/withdraw"), &json!({})).await),
        ("paid", bench.by_bkash(json!({ "refund": refund, "reference": "9F1", "amount_paisa": PART })).await),
    ] {
        assert_eq!(
            (answer.0, answer.code(), &answer.1["state"]["state"]),
            (409, "refund_ended", &json!("given")),
            "{what}"
        );
    }
    let report = central::rebuild::verify_log(&bench.world.running.pool).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_till_and_a_provider_both_paid_the_customer_owes_until_people_end_it() {
    let (mut bench, order) = Bench::owing().await;
    let kept = bench.reserve(&order, PART, bench.world.site).await;
    let (refund, code) = (Subject::parse(&kept.text("refund")).unwrap(), kept.text("code"));
    let heads = bench.world.heads(refund).await;
    let differs = bench.by_bkash(json!({ "refund": refund, "reference": "9F1", "amount_paisa": PART - 100 })).await;
    assert_eq!((differs.0, differs.code()), (422, "amount_differs"), "{differs:?}");
    let two = json!({ "refund": refund, "order": order, "reference": "9F1", "amount_paisa": PART });
    assert_eq!(bench.by_bkash(two).await.code(), "unknown_refund", "one of them is named");
    let request = json!({ "refund": refund, "reference": "9F1", "amount_paisa": PART });
    assert_eq!(bench.by_bkash(request.clone()).await.0, 201);
    assert_eq!(bench.by_bkash(request).await.0, 200, "said once more, it is what it was");
    assert_eq!((bench.states().await, bench.balance(1030).await), (vec!["paid".to_owned()], DUE - PART));

    // The till has no line, and the customer his code.
    bench.world.act_after(&mut bench.people.site, refund, given(&code), heads).await;
    assert_eq!((bench.states().await, bench.balance(1190).await), (vec!["overpaid".to_owned()], PART));
    assert_eq!((bench.balance(2050).await, bench.balance(1120).await), (PART - DUE, 2 * DUE - PART));
    let twice = bench.difference(1190).await;
    assert_eq!((&twice["rule"], &twice["open_paisa"]), (&json!("J37"), &json!(PART)));
    let told: (i64,) = sqlx::query_as("SELECT count(*) FROM exception WHERE subject = $1 AND kind = 'duplicate_money'")
        .bind(refund.0)
        .fetch_one(&bench.world.running.pool)
        .await
        .unwrap();
    assert_eq!(told.0, 1, "finance is told");

    // Kept from what he is still owed; brought back; from a credit that he has not; the rest given up by two.
    let more = bench.rule("from_refunds", &twice, None, PART + 1).await;
    assert_eq!((more.0, more.code()), (409, "more_than_open"), "{more:?}");
    let none = bench.rule("from_credit", &twice, None, 100).await;
    assert_eq!((none.0, none.code()), (409, "more_than_held"), "{none:?}");
    assert_eq!(bench.rule("from_pay", &twice, None, 100).await.code(), "bad_ruling");
    assert_eq!(bench.rule("from_refunds", &twice, None, 20_000).await.0, 201);
    assert_eq!(bench.rule("repaid", &twice, Some(&bench.world.site.to_string()), 10_000).await.0, 201);
    let rest = bench.rule("written_off", &twice, None, 20_000).await;
    assert_eq!(rest.1["needs_two"], json!(true), "{rest:?}");
    assert_eq!(
        (bench.balance(1190).await, bench.balance(2050).await, bench.balance(1120).await),
        (20_000, PART + 20_000 - DUE, 2 * DUE - PART + 10_000)
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_a_till_is_not_charged_back_before_it_is_withdrawn() {
    let (mut bench, order) = Bench::owing().await;
    let kept = bench.reserve(&order, PART, bench.world.site).await;
    let (refund, code) = (Subject::parse(&kept.text("refund")).unwrap(), kept.text("code"));
    let heads = bench.world.heads(refund).await;
    let back = json!({
        "what": "charged_back_early", "owner": kept.text("customer"), "other": order, "provider": "bkash",
        "amount_paisa": DUE - PART, "reference": "CB-1",
    });
    let no = bench.post("/finance/entries", &back).await;
    assert_eq!((no.0, no.code()), (409, "refund_waits"), "{no:?}");
    bench.did(&format!("/finance/cash-refunds/{refund}/withdraw"), &json!({})).await;
    assert_eq!((bench.states().await, bench.balance(2050).await), (vec!["withdrawn".to_owned()], -DUE));
    let again = bench.post(&format!("/finance/cash-refunds/{refund}/withdraw"), &json!({})).await;
    assert_eq!((again.0, again.code()), (409, "refund_ended"), "{again:?}");
    let taken = bench.post("/finance/entries", &back).await;
    assert_eq!((taken.0, &taken.1["state"]), (200, &json!("waiting")), "two people agree to it: {taken:?}");

    // A till that had not heard of the withdrawal gave what was not his.
    bench.world.act_after(&mut bench.people.site, refund, given(&code), heads).await;
    assert_eq!((bench.states().await, bench.balance(1190).await), (vec!["overpaid".to_owned()], PART));
    assert_eq!(bench.balance(2050).await, -DUE);
    bench.stop().await;
}
