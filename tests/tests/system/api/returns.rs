//! Goods that customers bring back: what the customer gets, who bears it, and what is not taken.

use central::tokens::Role;
use protocol::id::{Id16, Kind, Subject};
use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::{Answer, rice};

/// The goods of one sack, and what is left of that for the vendor without the fee for handling cash.
const SACK: i64 = 100_000;
const SHARE: i64 = 88_500;

impl Bench {
    async fn operate(&self, token: &str, key: &str, path: &str, body: &Value) -> Answer {
        let (body, key) = (serde_json::to_vec(body).unwrap(), format!("returns-{key}"));
        self.world.call_with("POST", path, Some(token), &[("idempotency-key", &key)], body).await
    }

    /// Somebody asks to give so many sacks back.
    async fn ask(&self, role: &str, key: &str, order: &str, parcel: Subject, pieces: u16) -> Answer {
        let body = json!({ "parcel": parcel, "pieces": [{ "sku": "RICE", "pieces": pieces }], "reason": "damaged" });
        self.operate(self.world.token(role), key, &format!("/orders/{order}/returns"), &body).await
    }

    pub(super) async fn asked(&self, key: &str, order: &str, parcel: Subject, pieces: u16) -> String {
        let asked = self.ask("operations", key, order, parcel, pieces).await;
        assert_eq!((asked.0, asked.text("state")), (200, "asked".to_owned()), "{asked:?}");
        asked.text("return")
    }

    pub(super) async fn count(&self, key: &str, ret: &str, pieces: u16, dry: bool) -> Answer {
        let body = json!({ "pieces": [{ "sku": "RICE", "pieces": pieces }], "dry_run": dry });
        self.operate(self.world.token("operations"), key, &format!("/returns/{ret}/accept"), &body).await
    }

    pub(super) async fn order_of(&self, parcel: Subject) -> String {
        let (order,): ([u8; 17],) = sqlx::query_as("SELECT order_subject FROM view_parcel WHERE subject = $1")
            .bind(parcel.0)
            .fetch_one(&self.world.running.pool)
            .await
            .unwrap();
        Subject(order).to_string()
    }

    /// By which rules its journals are, sorted.
    async fn rules_of(&self, parcel: Subject) -> Vec<String> {
        let path = format!("/finance/journals/{}", Subject::earning_of(parcel));
        let rows = self.world.get("finance", &path).await.1["rows"].as_array().unwrap().clone();
        let mut rules: Vec<String> = rows.iter().map(|row| row["rule"].as_str().unwrap().to_owned()).collect();
        rules.sort();
        rules
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_before_the_payout_is_borne_by_its_earning_and_the_handling_fee_is_kept() {
    let mut bench = Bench::start().await;
    let parcel = bench.sell(1).await;
    let order = bench.order_of(parcel).await;
    bench.bank("S-1", DUE, DUE).await;
    let ret = bench.asked("return-1", &order, parcel, 1).await;
    assert_eq!(bench.post("/finance/maturing", &json!({})).await.1["earnings"], json!([]), "it is asked back");

    let before = bench.world.digests().await;
    let dry = bench.count("dry-1", &ret, 1, true).await;
    assert_eq!((dry.0, dry.text("state")), (200, "dry_run".to_owned()), "{dry:?}");
    assert_eq!(bench.world.digests().await, before, "a dry run records nothing");
    let done = bench.count("count-1", &ret, 1, false).await;
    assert_eq!((done.0, done.text("state")), (201, "accepted".to_owned()), "{done:?}");
    for field in ["goods_paisa", "vendor_paisa", "owed_paisa", "lines"] {
        assert_eq!(done.1[field], dry.1[field], "the dry run told the truth of {field}");
    }
    // The vendor had 873.50, the return costs him 885.00: he owes the fee of 10.00 and its VAT.
    assert_eq!((&done.1["goods_paisa"], &done.1["owed_paisa"]), (&json!(SACK), &json!(1_150)));
    assert_eq!((bench.balance(2010).await, bench.balance(1150).await, bench.balance(2050).await), (0, 1_150, -SACK));
    assert_eq!((bench.balance(4010).await, bench.balance(4030).await, bench.balance(2070).await), (0, -1_000, -1_050));
    assert_eq!(bench.rules_of(parcel).await, ["J20", "J20a", "J5", "J7"]);
    let again = bench.count("count-1", &ret, 1, false).await;
    assert_eq!((again.0, again.text("state")), (200, "accepted".to_owned()), "the same key, the same answer");
    let twice = bench.count("count-2", &ret, 1, false).await;
    assert_eq!((twice.0, twice.code()), (409, "return_decided"), "{twice:?}");

    let refund = json!({ "order": order, "amount_paisa": SACK + 1, "provider": "bkash", "reference": "RF 1" });
    assert_eq!(bench.world.post("finance", "/finance/refunds", &refund).await.code(), "more_than_owed");
    let refund = json!({ "order": order, "amount_paisa": SACK, "provider": "bkash", "reference": "RF 1" });
    assert_eq!(bench.world.post("finance", "/finance/refunds", &refund).await.0, 201);
    // Nothing is left of it to pay out; what he owes is kept from what he sells next.
    bench.did("/finance/maturing", &json!({})).await;
    assert_eq!(bench.post("/finance/payouts", &json!({ "vendor": "all" })).await.1["payouts"], json!([]));
    bench.sell(2).await;
    bench.bank("S-2", DUE, DUE).await;
    bench.did("/finance/maturing", &json!({})).await;
    let vendor = done.text("vendor");
    let netted = json!({ "what": "netted", "owner": vendor, "amount_paisa": 1_150, "reference": "return 1" });
    bench.did("/finance/entries", &netted).await;
    let paid = bench.did("/finance/payouts", &json!({ "vendor": "all" })).await;
    assert_eq!((&paid.1["total_paisa"], bench.balance(1150).await), (&json!(87_350 - 1_150), 0));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_sacks_come_back_one_by_one_before_maturity_before_the_payout_and_after_it() {
    let mut bench = Bench::start().await;
    let (order, parcel) = bench.paid_for("three-sacks-1", 3, 306_900).await;
    bench.deliver(parcel).await;
    assert_eq!(bench.balance(2010).await, -3 * SHARE);

    // Two are sent, one is counted in: the count stands (R32).
    let first = bench.asked("sack-1", &order, parcel, 2).await;
    let done = bench.count("sack-count-1", &first, 1, false).await;
    assert_eq!((&done.1["lines"][0]["asked"], &done.1["lines"][0]["counted"]), (&json!(2), &json!(1)), "{done:?}");
    assert_eq!((&done.1["goods_paisa"], &done.1["owed_paisa"]), (&json!(SACK), &json!(0)));
    assert_eq!(bench.balance(2010).await, -2 * SHARE);
    bench.did("/finance/maturing", &json!({})).await;
    assert_eq!((bench.balance(2010).await, bench.balance(2020).await), (0, -2 * SHARE), "the rest matures");

    let second = bench.asked("sack-2", &order, parcel, 1).await;
    bench.count("sack-count-2", &second, 1, false).await;
    assert_eq!((bench.balance(2020).await, bench.balance(1150).await), (-SHARE, 0));
    let paid = bench.did("/finance/payouts", &json!({ "vendor": "all" })).await;
    assert_eq!(paid.1["total_paisa"], json!(SHARE), "one sack is left to be paid for");

    let third = bench.asked("sack-3", &order, parcel, 1).await;
    let done = bench.count("sack-count-3", &third, 1, false).await;
    assert_eq!((&done.1["owed_paisa"], bench.balance(1150).await), (&json!(SHARE), SHARE), "{done:?}");
    assert_eq!((bench.balance(2050).await, bench.balance(4010).await, bench.balance(2070).await), (-3 * SACK, 0, -900));
    assert_eq!(bench.rules_of(parcel).await, ["J16", "J20", "J20", "J20a", "J20a", "J20b", "J6", "J7"]);
    let more = bench.ask("operations", "sack-4", &order, parcel, 1).await;
    assert_eq!((more.0, more.code(), &more.1["state"]["left"]), (409, "more_than_bought", &json!(0)), "{more:?}");

    let seen = bench.world.get("customer", "/returns?status=accepted").await;
    let rows = seen.1["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0]["reason"], &rows[0]["vendor_name"]), (&json!("damaged"), &json!("meghna")));
    let vat = bench.world.get("finance", &vat_of_this_month()).await;
    let row = |rule: &str| vat.1["rows"].as_array().unwrap().iter().find(|row| row["rule"] == rule).cloned().unwrap();
    assert_eq!(row("J20a")["taken_back_paisa"], json!(3_000), "{vat:?}");
    assert_eq!(row("J20b")["what"], "commission on returned goods");
    let today = central::period::day(central::clock::real_ms());
    let settled = bench.world.get("finance", &format!("/finance/settlement?from={today}&to={today}")).await.1;
    assert_eq!((&settled["price_paisa"], &settled["returned_paisa"]), (&json!(3 * SACK), &json!(3 * SACK)));
    assert_eq!((&settled["commission_paisa"], &settled["rows"][0]["returned_paisa"]), (&json!(0), &json!(3 * SACK)));
    bench.stop().await;
}

fn vat_of_this_month() -> String {
    let day = central::period::day(central::clock::real_ms());
    let month = format!("{:04}-{:02}", day.year(), day.month());
    format!("/finance/vat?from={month}&to={month}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_come_back_is_told_and_leaves_no_trace() {
    let mut bench = Bench::start().await;
    let parcel = bench.sell(1).await;
    let order = bench.order_of(parcel).await;
    let other = bench.world.second(Role::Customer).await;
    let before = bench.world.digests().await;
    let late = bench.ask("customer", "late-asks-1", &order, parcel, 1).await;
    assert_eq!((late.0, late.code()), (409, "window_closed"), "{late:?}");
    let body = json!({ "parcel": parcel, "pieces": [{ "sku": "RICE", "pieces": 1 }], "reason": "other" });
    let foreign = bench.operate(&other, "foreign-1", &format!("/orders/{order}/returns"), &body).await;
    assert_eq!((foreign.0, foreign.code()), (404, "unknown_order"), "somebody else's order");
    for (pieces, code) in [
        (json!([]), "bad_pieces"),
        (json!([{ "sku": "RICE", "pieces": 0 }]), "bad_pieces"),
        (json!([{ "sku": "RICE", "pieces": 1 }, { "sku": "RICE", "pieces": 1 }]), "bad_pieces"),
        (json!([{ "sku": "চাল", "pieces": 1 }]), "unknown_goods"),
        (json!([{ "sku": "RICE", "pieces": 2 }]), "more_than_bought"),
        (json!([{ "sku": "RICE", "pieces": 65_536 }]), "wrong_type"),
        (json!([{ "sku": "RICE", "pieces": -1 }]), "wrong_type"),
        (json!([{ "sku": "RICE", "pieces": "১" }]), "wrong_type"),
    ] {
        let body = json!({ "parcel": parcel, "pieces": pieces, "reason": "damaged" });
        let told =
            bench.operate(bench.world.token("operations"), code, &format!("/orders/{order}/returns"), &body).await;
        assert_eq!(told.code(), code, "{pieces}: {told:?}");
    }
    let elsewhere = bench.ask("operations", "elsewhere-1", &order, Subject::parse(&order).unwrap(), 1).await;
    assert_eq!((elsewhere.0, elsewhere.code()), (404, "unknown_parcel"), "{elsewhere:?}");
    assert_eq!(bench.world.digests().await, before);

    // On its way, and not delivered.
    let open = bench.world.place("not-delivered-1", &rice()).await;
    let not_yet = Subject::parse(open.1["parcels"][0]["parcel"].as_str().unwrap()).unwrap();
    let told = bench.ask("operations", "not-yet-1", &open.text("order"), not_yet, 1).await;
    assert_eq!((told.0, told.code()), (409, "not_returnable"), "{told:?}");

    let ret = bench.asked("refused-1", &order, parcel, 1).await;
    let same = bench.ask("operations", "refused-1", &order, parcel, 1).await;
    assert_eq!((same.0, same.text("return")), (200, ret.clone()), "the same key is the same return: {same:?}");
    let again = bench.ask("operations", "refused-2", &order, parcel, 1).await;
    assert_eq!((again.code(), &again.1["state"]["return"]), ("return_open", &json!(ret)), "{again:?}");
    let before = bench.world.digests().await;
    assert_eq!(bench.count("none-counted", &ret, 0, false).await.code(), "nothing_counted");
    assert_eq!(bench.count("more-counted", &ret, 2, false).await.code(), "more_than_asked");
    let nobodys = Subject::new(Kind::Return, Id16([9; 16])).to_string();
    let unknown = bench.count("unknown-ret", &nobodys, 1, false).await;
    assert_eq!((unknown.0, unknown.code()), (404, "unknown_return"), "{unknown:?}");
    // From an amount on it takes two.
    sqlx::query("INSERT INTO finance_setting SELECT 1, $1, unclaimed_after_days, cooling_hours FROM finance_setting")
        .bind(SACK)
        .execute(&bench.world.running.pool)
        .await
        .unwrap();
    let alone = bench.count("alone-counted", &ret, 1, false).await;
    assert_eq!((alone.0, alone.code()), (409, "same_person"), "{alone:?}");
    assert_eq!(bench.world.digests().await, before);

    let path = format!("/returns/{ret}/refuse");
    let token = bench.world.token("operations");
    let bad = bench.operate(token, "refusing-1", &path, &json!({ "reason": "because" })).await;
    assert_eq!((bad.0, bad.code()), (422, "bad_refusal"), "{bad:?}");
    let no = bench.operate(token, "refusing-2", &path, &json!({ "reason": "used" })).await;
    assert_eq!((no.0, no.text("state"), no.text("refusal")), (200, "refused".to_owned(), "used".to_owned()), "{no:?}");
    assert_eq!(bench.count("after-refusal", &ret, 1, false).await.code(), "return_decided");
    // It matures again; and a customer within his window asks by himself.
    bench.bank("S-1", DUE, DUE).await;
    assert_eq!(bench.did("/finance/maturing", &json!({})).await.1["earnings"].as_array().unwrap().len(), 1);
    sqlx::query("UPDATE view_earning SET window_min = 60").execute(&bench.world.running.pool).await.unwrap();
    let asked = bench.ask("customer", "in-time-asks", &order, parcel, 1).await;
    assert_eq!((asked.0, &asked.1["late"]), (200, &json!(false)), "{asked:?}");
    bench.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_and_a_chargeback_pay_nobody_twice() {
    let mut bench = Bench::start().await;
    let (order, parcel) = bench.paid_for("return-then-back", 1, DUE).await;
    bench.deliver(parcel).await;
    let ret = bench.asked("then-back-1", &order, parcel, 1).await;
    bench.count("then-back-2", &ret, 1, false).await;
    let (vendor, customer) = (bench.vendor().await, bench.customer_of(&order).await);
    let all = super::chargebacks::late(&vendor, &order, DUE, DUE - SACK);
    assert_eq!(bench.post("/finance/entries", &all).await.code(), "still_the_customers", "he is owed the price");
    let owed = super::chargebacks::early(&customer, Some(&order), SACK);
    assert_eq!(bench.agreed(&owed, "early-agreed").await.0, 201);
    assert_eq!(bench.balance(2050).await, 0, "his bank gave it to him: nothing is refunded");
    let mut rest = super::chargebacks::late(&vendor, &order, DUE - SACK, 0);
    rest["reference"] = json!("dispute 8");
    let told = bench.post("/finance/entries", &rest).await;
    assert_eq!((told.code(), &told.1["state"]["held_paisa"]), ("more_than_credited", &json!(0)), "{told:?}");
    rest["part_paisa"] = json!(DUE - SACK);
    assert_eq!(bench.agreed(&rest, "rest-agreed").await.0, 201);

    let (order, parcel) = bench.paid_for("back-then-return", 1, DUE).await;
    bench.deliver(parcel).await;
    let mut all = super::chargebacks::late(&vendor, &order, DUE, DUE - SACK);
    all["reference"] = json!("dispute 9");
    let proposed = bench.post("/finance/entries", &all).await;
    assert_eq!(proposed.0, 200, "{proposed:?}");
    let told = bench.ask("operations", "after-back-1", &order, parcel, 1).await;
    assert_eq!((told.0, told.code()), (409, "charged_back"), "also while it waits: {told:?}");
    bench.stop().await;
}
