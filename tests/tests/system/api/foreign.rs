//! Faults of other systems, as their reports tell them, tried on our API: each names the report.

use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::{Answer, rice};

impl Bench {
    /// An order that was paid ahead by bKash and called off: its price is owed to the customer.
    async fn called_off(&self, key: &str) -> String {
        let mut order = rice();
        order["payment"] = json!("prepaid");
        let order = self.world.place(&format!("foreign-{key}"), &order).await.text("order");
        assert_eq!(self.pay(&order, key).await.0, 201);
        assert_eq!(self.world.post("customer", &format!("/orders/{order}/cancel"), &json!({})).await.0, 200);
        order
    }

    async fn pay(&self, order: &str, reference: &str) -> Answer {
        let body = json!({ "order": order, "provider": "bkash", "reference": reference, "amount_paisa": DUE });
        self.world.post("finance", "/finance/payments", &body).await
    }

    async fn refund(&self, order: &str, reference: &str, amount: i64) -> Answer {
        let body = json!({ "order": order, "provider": "bkash", "reference": reference, "amount_paisa": amount });
        self.world.post("finance", "/finance/refunds", &body).await
    }
}

/// Status and code of two answers, in order.
fn both(a: &Answer, b: &Answer) -> [(u16, String); 2] {
    let mut both = [a, b].map(|answer| (answer.0, answer.code().to_owned()));
    both.sort();
    both
}

// "two calls at once both take the last of it" https://github.com/medusajs/medusa/issues/16569
#[tokio::test(flavor = "multi_thread")]
async fn medusa_16569_two_refunds_at_once_do_not_spend_one_balance_twice() {
    let bench = Bench::start().await;
    let order = bench.called_off("TX1").await;
    let (a, b) = tokio::join!(bench.refund(&order, "RF1", DUE), bench.refund(&order, "RF2", DUE));
    assert_eq!(both(&a, &b), [(201, String::new()), (409, "more_than_owed".to_owned())]);
    assert_eq!(bench.balance(2050).await, 0);
    bench.stop().await;
}

// "the same refund request always succeeds, and moves the balance" https://github.com/blnkfinance/blnk/issues/152
#[tokio::test(flavor = "multi_thread")]
async fn blnk_152_a_refund_that_is_asked_for_three_times_is_paid_once() {
    let bench = Bench::start().await;
    let order = bench.called_off("TX1").await;
    let first = bench.refund(&order, "RF1", DUE / 2).await;
    let before = bench.balance(2050).await;
    for _ in 0..2 {
        let again = bench.refund(&order, "RF1", DUE / 2).await;
        assert_eq!((again.0, &again.1["refund"], &again.1["recorded"]), (200, &first.1["refund"], &json!(false)));
    }
    let other = bench.refund(&order, "RF1", DUE / 4).await;
    assert_eq!((other.0, other.code()), (409, "reference_used"), "{other:?}");
    assert_eq!((bench.balance(2050).await, before), (before, DUE / 2 - DUE));
    bench.stop().await;
}

// "captured twice at once; then a good order is refunded" https://github.com/medusajs/medusa/issues/13301
#[tokio::test(flavor = "multi_thread")]
async fn medusa_13301_a_payment_that_is_told_twice_at_once_is_one() {
    let bench = Bench::start().await;
    let mut order = rice();
    order["payment"] = json!("prepaid");
    let (one, two) = (
        bench.world.place("foreign-one", &order).await.text("order"),
        bench.world.place("foreign-two", &order).await.text("order"),
    );
    let (a, b) = tokio::join!(bench.pay(&one, "TX1"), bench.pay(&one, "TX1"));
    let recorded: Vec<&Value> = [&a, &b].into_iter().map(|answer| &answer.1["recorded"]).collect();
    assert!(recorded.contains(&&json!(true)) && recorded.contains(&&json!(false)), "{a:?} {b:?}");
    assert_eq!((bench.balance(2040).await, bench.balance(1030).await), (-DUE, DUE));
    let other = bench.pay(&two, "TX1").await;
    assert_eq!((other.0, other.code()), (409, "reference_used"), "one TrxID pays one order (R25)");
    bench.stop().await;
}

// "a rejected transaction is applied when its commit is sent" https://github.com/blnkfinance/blnk/issues/182
#[tokio::test(flavor = "multi_thread")]
async fn blnk_182_a_payout_that_was_refused_cannot_be_confirmed() {
    let bench = Bench::start().await;
    let before = bench.world.digests().await;
    let refused = bench.post("/finance/payouts", &json!({ "vendor": "V01KASWBNZ0M6SC7N75YR3HGA9T2" })).await;
    assert_eq!(refused.0, 422, "{refused:?}");
    let sent = json!({ "bank": "dbbl-settlement", "reference": "UTR 1" });
    let confirmed = bench.post("/finance/payouts/Y00000000000000000000000000/confirm", &sent).await;
    assert!([400, 404].contains(&confirmed.0), "{confirmed:?}");
    assert_eq!(bench.world.digests().await, before);
    bench.stop().await;
}

// "payouts were never created: nothing ran the sweep" https://github.com/spree/spree/pull/14606
#[tokio::test(flavor = "multi_thread")]
async fn spree_14606_money_that_nobody_has_paid_out_stays_in_sight() {
    let mut bench = Bench::start().await;
    bench.sell(1).await;
    bench.bank("S-1", DUE, DUE).await;
    let matured = bench.did("/finance/maturing", &json!({})).await.1["total_paisa"].clone();
    let owed = bench.world.get("finance", "/finance/vendor-payable").await;
    assert_eq!(owed.1["rows"][0]["available_paisa"], matured, "{owed:?}");
    let aged = bench.world.get("finance", "/finance/ageing?account=2020").await;
    assert_eq!((&aged.1["rows"][0]["balance_paisa"], &aged.1["rows"][0]["day_paisa"]), (&matured, &matured));
    let dry = bench.post("/finance/payouts", &json!({ "vendor": "all", "dry_run": true })).await;
    assert_eq!(dry.1["total_paisa"], matured, "a run finds it whenever somebody runs one");
    bench.stop().await;
}

// "the same top-up sent twice is charged twice" https://github.com/getlago/lago-api/issues/5870
#[tokio::test(flavor = "multi_thread")]
async fn lago_5870_the_same_paper_under_a_new_key_is_not_entered_twice() {
    let bench = Bench::start().await;
    let agent = bench.people.agent.certificate.seat.party;
    let pay = json!({ "what": "pay_accrued", "owner": agent, "amount_paisa": 3_000, "reference": "week 48" });
    let (a, b) = tokio::join!(bench.post("/finance/entries", &pay), bench.post("/finance/entries", &pay));
    assert_eq!(both(&a, &b), [(201, String::new()), (409, "reference_used".to_owned())]);
    let next = json!({ "what": "pay_accrued", "owner": agent, "amount_paisa": 3_000, "reference": "week 49" });
    let first = bench.post_as("lago-key-1", "/finance/entries", &next).await;
    let again = bench.post_as("lago-key-1", "/finance/entries", &next).await;
    assert_eq!((first.0, again.1), (201, first.1), "a retry under its own key gets the first answer");
    assert_eq!(bench.balance(2110).await, -6_000);
    bench.stop().await;
}
