//! What a payout costs its vendor (J17c): by finance's settings of that day, off what the bank sends, in the books, the
//! VAT report and the settlement report.

use serde_json::{Value, json};

use super::banking::{Bench, DUE};

/// What the reference parcel leaves the vendor.
const NET: i64 = 87_350;
/// The fee, and 15 % VAT on it.
const FEE: i64 = 1_000;
const VAT: i64 = 150;

impl Bench {
    /// As finance announced it some days ago.
    async fn charge(&self, from_ms: i64, fee: i64) {
        sqlx::query(
            "INSERT INTO finance_setting
                 (effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours, payout_fee_paisa)
             VALUES ($1, 500000, 90, 72, $2)",
        )
        .bind(from_ms)
        .bind(fee)
        .execute(&self.world.running.pool)
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_bears_what_a_payout_costs() {
    let mut bench = Bench::start().await;
    bench.sell(1).await;
    bench.bank("S-1", DUE, DUE).await;
    bench.did("/finance/maturing", &json!({})).await;
    let vat = bench.balance(2070).await;
    let all = |dry_run: bool| json!({ "vendor": "all", "dry_run": dry_run });

    // A fee that is more than what was earned: nothing is sent, and nothing charged.
    bench.charge(1, 100_000).await;
    assert_eq!(bench.post("/finance/payouts", &all(false)).await.1["payouts"], json!([]));
    bench.charge(2, FEE).await;
    let dry = bench.post("/finance/payouts", &all(true)).await;
    let of = |answer: &Value| (answer["payouts"][0]["total_paisa"].clone(), answer["payouts"][0]["fee_paisa"].clone());
    assert_eq!(of(&dry.1), (json!(NET - FEE - VAT), json!(FEE + VAT)));
    assert_eq!(bench.balance(4050).await, 0);

    let paid = bench.did("/finance/payouts", &all(false)).await;
    assert_eq!(of(&paid.1), of(&dry.1));
    let payout = paid.1["payouts"][0]["payout"].as_str().unwrap().to_owned();
    assert_eq!((bench.balance(2020).await, bench.balance(2030).await), (0, -(NET - FEE - VAT)));
    assert_eq!((bench.balance(4050).await, bench.balance(2070).await), (-FEE, vat - VAT));
    assert_eq!(bench.post("/finance/payouts", &all(false)).await.1["payouts"], json!([]), "once");

    let sent = json!({ "bank": "dbbl-settlement", "reference": "UTR 1" });
    bench.did(&format!("/finance/payouts/{payout}/confirm"), &sent).await;
    assert_eq!((bench.balance(2030).await, bench.balance(1010).await), (0, DUE - (NET - FEE - VAT)));
    let rows = bench.world.get("finance", "/finance/payouts").await.1;
    assert_eq!((&rows["rows"][0]["fee_paisa"], &rows["rows"][0]["lines"]), (&json!(FEE + VAT), &json!(1)));
    let lines = bench.world.get("finance", &format!("/finance/payouts/{payout}/lines")).await.1;
    assert_eq!(lines["rows"][0]["net_paisa"], json!(NET), "the line is what was earned");

    // It comes back: the vendor may have what was sent, and the next one costs again.
    let back = json!({ "reference": "RTN 1", "reason": "account_closed" });
    bench.did(&format!("/finance/payouts/{payout}/return"), &back).await;
    assert_eq!(bench.balance(2020).await, -(NET - FEE - VAT));
    let again = bench.did("/finance/payouts", &all(false)).await;
    assert_eq!(of(&again.1), (json!(NET - 2 * (FEE + VAT)), json!(FEE + VAT)));
    assert_eq!((bench.balance(4050).await, bench.balance(2020).await), (-2 * FEE, 0));

    let now = central::clock::real_ms();
    let month = central::period::Month::at(now).to_string();
    let told = bench.world.get("finance", &format!("/finance/vat?from={month}&to={month}")).await.1;
    let rule = told["rows"].as_array().unwrap().iter().find(|row| row["rule"] == "J17c").cloned().unwrap();
    assert_eq!(rule["charged_paisa"], json!(2 * VAT), "{rule}");
    let day = central::period::day(now).to_string();
    let told = bench.world.get("finance", &format!("/finance/settlement?from={day}&to={day}")).await.1;
    assert_eq!(told["payout_fees_paisa"], json!(2 * FEE));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_is_set_a_day_ahead_and_within_its_bounds() {
    let bench = Bench::start().await;
    let of = |fee: i64| {
        json!({
            "effective_ms": central::clock::real_ms() + 25 * 3_600_000, "two_people_from_paisa": 500_000,
            "unclaimed_after_days": 90, "cooling_hours": 72, "payout_fee_paisa": fee,
        })
    };
    for fee in [-1, 1_000_001] {
        let refused = bench.post("/finance/settings", &of(fee)).await;
        assert_eq!((refused.0, refused.code()), (422, "bad_settings"), "{fee}");
    }
    bench.did("/finance/settings", &of(FEE)).await;
    let rows = bench.world.get("finance", "/finance/settings").await.1;
    assert_eq!((&rows["rows"][0]["payout_fee_paisa"], &rows["rows"][1]["payout_fee_paisa"]), (&json!(FEE), &json!(0)));
    bench.stop().await;
}
