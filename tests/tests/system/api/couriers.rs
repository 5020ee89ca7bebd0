//! Parcels that another company carries: given to it, told of, paid for by its file and the bank's statement (J14, J14a,
//! R21, R22).

use protocol::fact::{Accepted, Fact, Packed, Received, ReturnReceived, RtoInitiated};
use protocol::id::Subject;
use serde_json::{Value, json};

use super::banking::{Bench, DUE, NET};
use super::world::Answer;

impl Bench {
    async fn courier(&self, key: &str, parcel: Subject, path: &str, body: &Value) -> Answer {
        let (token, body) = (self.world.token("operations"), serde_json::to_vec(body).unwrap());
        let (path, key) = (format!("/parcels/{parcel}/consignment{path}"), format!("courier-{key}"));
        self.world.call_with("POST", &path, Some(token), &[("idempotency-key", &key)], body).await
    }

    /// A parcel that Pathao has, by this number.
    async fn consigned(&mut self, number: &str) -> Subject {
        let parcel = self.people.at_hub(&self.world, &format!("consigned-{number}")).await;
        let body = json!({ "courier": "pathao", "consignment": number });
        let given = self.courier(&format!("give-{number}"), parcel, "", &body).await;
        assert_eq!((given.0, given.text("state")), (201, "out".to_owned()), "{given:?}");
        parcel
    }

    async fn delivered(&self, key: &str, parcel: Subject, collected: i64) -> Answer {
        self.courier(key, parcel, "/report", &json!({ "outcome": "delivered", "collected_paisa": collected })).await
    }

    async fn statement(&self, key: &str, query: &str, file: &str) -> Answer {
        let (path, token) = (format!("/finance/statements?{query}"), Some(self.world.token("finance")));
        let dry = query.contains("dry_run");
        let headers = [("idempotency-key", key)];
        let headers: &[_] = if dry { &[] } else { &headers };
        self.world.call_with("POST", &path, token, headers, file.as_bytes().to_vec()).await
    }

    /// Its word, and what it adds to what its vendor may have (2020), paisa.
    async fn made_available(&self, parcel: Subject) -> (String, i64) {
        sqlx::query_as("SELECT state, available_paisa FROM view_earning WHERE parcel = $1")
            .bind(parcel.0)
            .fetch_one(&self.world.running.pool)
            .await
            .unwrap()
    }

    async fn status(&self, parcel: Subject) -> (String, bool) {
        sqlx::query_as("SELECT status, contested FROM view_parcel WHERE subject = $1")
            .bind(parcel.0)
            .fetch_one(&self.world.running.pool)
            .await
            .unwrap()
    }
}

const FILE: &str = "bank=pathao&side=courier&format=pathao";
const HEAD: &str =
    "Date,Consignment ID,Merchant Order ID,Invoice ID,Collected Amount,Delivery Fee,COD Fee,VAT,Paid Amount\n";

/// A line of Pathao's file: what was collected, and what is kept of it with VAT, in paisa.
fn line(number: &str, collected: i64, fee: i64, vat: i64) -> String {
    let day = central::period::day(central::clock::real_ms());
    let taka = |paisa: i64| {
        let sign = if paisa < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", paisa.abs() / 100, paisa.abs() % 100)
    };
    let net = taka(collected - fee - vat);
    format!("{day},{number},M-{number},PI-90017,{},{},0,{},{net}\n", taka(collected), taka(fee), taka(vat))
}

/// The bank's statement with one credit.
fn credit(what: &str, paisa: i64) -> String {
    let day = central::period::day(central::clock::real_ms());
    let (day, taka) = (format!("{:02}/{:02}/{}", day.day(), day.month(), day.year()), |paisa: i64| {
        format!("{}.{:02}", paisa / 100, paisa % 100)
    });
    let head = "Date,Particulars,Ref No,Withdrawal,Deposit,Balance";
    let sum = taka(paisa);
    format!("{head}\n{day},Balance forward,,,,0.00\n{day},{what},FT-77,,{sum},{sum}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_owes_what_he_delivered_until_his_file_and_the_bank_agree() {
    let mut bench = Bench::start().await;
    let told = bench.consigned("DA-1").await;
    let silent = bench.consigned("DA-2").await;
    let back = bench.consigned("DA-3").await;
    let out = bench.consigned("DA-4").await;
    let said = bench.delivered("told-1", told, DUE).await;
    assert_eq!((said.0, said.text("state"), &said.1["owes_paisa"]), (201, "delivered".into(), &json!(DUE)), "{said:?}");
    // Delivered and paid out to nobody yet: the vendor's share waits for the courier's money (J14, J5, J7).
    assert_eq!((bench.balance(1130).await, bench.balance(2045).await, bench.balance(2010).await), (DUE, 0, -87_350));

    let file = [
        HEAD.to_owned(),
        line("DA-1", DUE, 7_069, 1_060),
        line("DA-2", DUE, 7_069, 1_060),
        line("DA-3", 0, 6_000, 900),
        line("DA-9", 50_000, 6_500, 975),
    ]
    .concat();
    let (gross, charge, vat) = (2 * DUE + 50_000, 2 * 7_069 + 6_000 + 6_500, 2 * 1_060 + 900 + 975);
    let before = bench.world.digests().await;
    let dry = bench.statement("", &format!("{FILE}&dry_run=true"), &file).await;
    assert_eq!((dry.0, &dry.1["matched"], &dry.1["open"]), (200, &json!(3), &json!(1)), "{dry:?}");
    assert_eq!(bench.world.digests().await, before, "a dry run records nothing");
    let read = bench.statement("pathao-file-1", FILE, &file).await;
    assert_eq!(read.0, 201, "{read:?}");
    for field in ["lines", "matched", "open", "matches", "exceptions", "remitted_paisa"] {
        assert_eq!(read.1[field], dry.1[field], "the dry run told the truth of {field}");
    }
    assert_eq!(read.1["remitted_paisa"], json!(gross - charge - vat));
    assert_eq!(read.1["exceptions"][0]["why"], "missing_ours", "nobody of ours is DA-9: {read:?}");
    // What he paid for he delivered, whether he had answered or not; what he brings back he owes nothing for.
    assert_eq!(bench.status(silent).await, ("delivered".to_owned(), false));
    assert_eq!(bench.status(back).await, ("with_courier".to_owned(), false));
    assert_eq!(bench.status(out).await, ("with_courier".to_owned(), false));
    assert_eq!((bench.balance(1130).await, bench.balance(1010).await), (2 * DUE, 0), "no bank has shown it");
    assert_eq!(bench.post("/finance/maturing", &json!({})).await.1["earnings"], json!([]), "nor may a vendor have it");
    let twice = bench.statement("pathao-file-2", FILE, &file).await;
    assert_eq!((twice.0, twice.code()), (409, "statement_known"), "{twice:?}");

    // The bank's line names the courier's invoice: it is that payment, and only now is it booked (J14a).
    let query = "bank=dbbl-settlement&side=settlement&format=bank";
    let shown = bench.statement("bank-line-1", query, &credit("EFT PATHAO LTD PI-90017", gross - charge - vat)).await;
    assert_eq!((shown.0, &shown.1["matched"], &shown.1["unexplained_paisa"]), (201, &json!(1), &json!(0)), "{shown:?}");
    assert_eq!((bench.balance(1010).await, bench.balance(5020).await), (gross - charge - vat, charge));
    // What nobody knows stays on his account, under the name of its line.
    assert_eq!((bench.balance(1170).await, bench.balance(1130).await), (vat, -50_000));
    let open = bench.world.get("finance", "/finance/lines?status=open").await;
    assert_eq!(open.1["rows"].as_array().unwrap().len(), 1, "{open:?}");
    let ripe = bench.did("/finance/maturing", &json!({})).await;
    assert_eq!(ripe.1["earnings"].as_array().unwrap().len(), 2, "{ripe:?}");
    let paid = bench.did("/finance/payouts", &json!({ "vendor": "all" })).await;
    assert_eq!(paid.1["total_paisa"], json!(2 * 87_350), "{paid:?}");

    // What came back goes its way as any: scanned in at the hub.
    let world = &bench.world;
    world.act(&mut bench.people.site, back, Fact::Received(Received { pieces: 1 })).await;
    assert_eq!(bench.status(back).await, ("at_hub".to_owned(), false));
    let rows = bench.world.get("finance", "/consignments?status=out").await;
    assert_eq!(rows.1["rows"][0]["parcel"], json!(out), "{rows:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_the_file_takes_back_is_owed_no_more_and_nobody_is_paid_for_it() {
    let mut bench = Bench::start().await;
    let parcel = bench.consigned("DA-1").await;
    bench.consigned("DA-2").await;
    assert_eq!(bench.delivered("said-1", parcel, DUE).await.0, 201);
    let file = [HEAD.to_owned(), line("DA-1", 0, 6_000, 900), line("DA-2", DUE, 7_069, 1_060)].concat();
    let read = bench.statement("pathao-file-1", FILE, &file).await;
    assert_eq!((read.0, &read.1["matched"]), (201, &json!(2)), "{read:?}");
    assert_eq!(bench.status(parcel).await, ("with_courier".to_owned(), false), "as if it had not been said");
    assert_eq!((bench.balance(1130).await, bench.balance(2010).await, bench.balance(2045).await), (DUE, -87_350, 0));
    let differs = || async {
        let told = bench.world.get("finance", "/finance/exceptions?kind=courier_diff").await;
        told.1["rows"].as_array().unwrap_or_else(|| panic!("{told:?}")).len()
    };
    assert_eq!(differs().await, 1, "somebody has to look for the goods (R21)");
    let query = "bank=dbbl-settlement&side=settlement&format=bank";
    let net = DUE - 7_069 - 1_060 - 6_900;
    assert_eq!(bench.statement("bank-line-1", query, &credit("EFT PI-90017", net)).await.0, 201);
    let ripe = bench.did("/finance/maturing", &json!({})).await;
    assert_eq!(ripe.1["earnings"].as_array().unwrap().len(), 1, "the other one alone: {ripe:?}");
    let (world, people) = (&bench.world, &mut bench.people);
    world.act(&mut people.site, parcel, Fact::Received(Received { pieces: 1 })).await;
    let differs = bench.world.get("finance", "/finance/exceptions?kind=courier_diff").await;
    assert_eq!(differs.1["rows"], json!([]), "they are here");
    // Back at its vendor it costs what any parcel costs that nobody took.
    let (world, people) = (&bench.world, &mut bench.people);
    world.act(&mut people.site, parcel, Fact::RtoInitiated(RtoInitiated { reason: 5 })).await;
    world.act(&mut people.vendor, parcel, Fact::ReturnReceived(ReturnReceived {})).await;
    assert_eq!((bench.status(parcel).await.0, bench.balance(4040).await), ("returned".to_owned(), -5_000));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_he_takes_back_after_the_vendor_was_paid_she_owes_or_the_next_payouts_lack() {
    let mut bench = Bench::start().await;
    let (first, second) = (bench.consigned("DA-1").await, bench.consigned("DA-2").await);
    for (key, parcel) in [("said-1", first), ("said-2", second)] {
        assert_eq!(bench.delivered(key, parcel, DUE).await.0, 201);
    }
    let file = [HEAD.to_owned(), line("DA-1", DUE, 7_069, 1_060), line("DA-2", DUE, 7_069, 1_060)].concat();
    let read = bench.statement("pathao-file-1", FILE, &file).await;
    assert_eq!(read.1["matched"], json!(2), "{read:?}");
    let query = "bank=dbbl-settlement&side=settlement&format=bank";
    let net = 2 * (DUE - 7_069 - 1_060);
    assert_eq!(bench.statement("bank-line-1", query, &credit("EFT PI-90017", net)).await.0, 201);
    let all = json!({ "vendor": "all" });
    bench.did("/finance/maturing", &json!({})).await;
    assert_eq!(bench.did("/finance/payouts", &all).await.1["total_paisa"], json!(2 * NET));

    // The money is gone: she owes it, and no account of the parcel stays open.
    let back = json!({ "outcome": "returned" });
    let told = bench.courier("back-1", first, "/report", &back).await;
    assert_eq!((told.0, told.text("state")), (201, "returned".to_owned()), "{told:?}");
    let sums = [bench.balance(1150).await, bench.balance(2020).await, bench.balance(2010).await];
    assert_eq!((sums, bench.balance(2045).await), ([NET, 0, 0], 0));
    assert_eq!(bench.made_available(first).await, ("open".to_owned(), NET));

    // With another earning there, the second is taken out of that, and both wait in the next run for more.
    bench.sell(3).await;
    bench.bank("THIRD", DUE, DUE).await;
    bench.did("/finance/maturing", &json!({})).await;
    assert_eq!(bench.courier("back-2", second, "/report", &back).await.0, 201);
    assert_eq!((bench.balance(1150).await, bench.balance(2020).await), (NET, 0));
    assert_eq!(bench.post("/finance/payouts", &all).await.1["payouts"], json!([]), "there is nothing to pay");
    bench.sell(4).await;
    bench.bank("FOURTH", DUE, DUE).await;
    bench.did("/finance/maturing", &json!({})).await;
    let run = bench.did("/finance/payouts", &all).await;
    assert_eq!((&run.1["total_paisa"], &run.1["payouts"][0]["lines"]), (&json!(NET), &json!(3)), "{run:?}");
    let payout = run.1["payouts"][0]["payout"].as_str().unwrap().to_owned();
    let lines = bench.world.get("finance", &format!("/finance/payouts/{payout}/lines")).await;
    let taken: Vec<i64> =
        lines.1["rows"].as_array().unwrap().iter().map(|l| l["net_paisa"].as_i64().unwrap()).collect();
    assert_eq!((taken.iter().sum::<i64>(), taken.iter().min()), (NET, Some(&-NET)), "{lines:?}");
    assert_eq!(bench.post("/finance/payouts", &all).await.1["payouts"], json!([]), "each is paid once");

    // Back at the vendor it costs the fee of a return, as any.
    let (world, people) = (&bench.world, &mut bench.people);
    world.act(&mut people.site, first, Fact::Received(Received { pieces: 1 })).await;
    world.act(&mut people.site, first, Fact::RtoInitiated(RtoInitiated { reason: 5 })).await;
    world.act(&mut people.vendor, first, Fact::ReturnReceived(ReturnReceived {})).await;
    assert_eq!((bench.made_available(first).await.0, bench.balance(4040).await), ("charged".to_owned(), -5_000));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_ahead_is_only_charged_for_and_its_line_says_nothing_of_where_it_is() {
    let mut bench = Bench::start().await;
    let (_, ahead) = bench.paid_for("courier-ahead-1", 1, 106_900).await;
    let (world, people) = (&bench.world, &mut bench.people);
    world.act(&mut people.vendor, ahead, Fact::Accepted(Accepted {})).await;
    world.act(&mut people.vendor, ahead, Fact::Packed(Packed { pieces: 1 })).await;
    world.act(&mut people.site, ahead, Fact::Received(Received { pieces: 1 })).await;
    let given = bench.courier("give-ahead", ahead, "", &json!({ "courier": "pathao", "consignment": "DA-7" })).await;
    assert_eq!(given.0, 201, "{given:?}");
    let said = bench.delivered("said-ahead", ahead, 0).await;
    assert_eq!((said.0, &said.1["owes_paisa"]), (201, &json!(0)), "{said:?}");
    assert_eq!((bench.balance(1130).await, bench.balance(2040).await, bench.balance(2010).await), (0, 0, -88_500));
    bench.consigned("DA-8").await;
    let file = [HEAD.to_owned(), line("DA-7", 0, 6_000, 900), line("DA-8", DUE, 7_069, 1_060)].concat();
    let read = bench.statement("pathao-file-1", FILE, &file).await;
    assert_eq!((read.0, &read.1["matched"], &read.1["open"]), (201, &json!(2), &json!(0)), "{read:?}");
    assert_eq!(bench.status(ahead).await, ("delivered".to_owned(), false), "{read:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_who_pays_less_leaves_the_line_open_and_the_rest_is_his() {
    let mut bench = Bench::start().await;
    let parcel = bench.consigned("DA-1").await;
    assert_eq!(bench.delivered("said-1", parcel, 100_000).await.0, 201);
    assert_eq!(bench.balance(1130).await, DUE, "he owes the due, whatever of it he says he got");
    let file = [HEAD.to_owned(), line("DA-1", 100_000, 7_000, 1_050)].concat();
    let read = bench.statement("pathao-file-1", FILE, &file).await;
    assert_eq!((read.0, &read.1["open"]), (200, &json!(1)), "{read:?}");
    assert_eq!(read.1["exceptions"][0]["why"], "amount_diff", "{read:?}");
    assert_eq!(read.1["exceptions"][0]["things"], json!([parcel]));
    let query = "bank=dbbl-settlement&side=settlement&format=bank";
    assert_eq!(bench.statement("bank-line-1", query, &credit("EFT PI-90017", 91_950)).await.0, 201);
    assert_eq!((bench.balance(1130).await, bench.balance(1010).await), (DUE - 100_000, 91_950));
    let aged = bench.world.get("finance", "/finance/ageing?account=1130").await;
    assert_eq!(aged.1["rows"][0]["balance_paisa"], json!(DUE - 100_000), "{aged:?}");

    // He sends the rest with his next file: both lines together are the parcel.
    let next = [HEAD.to_owned(), line("DA-1", DUE - 100_000, 0, 0)].concat().replace("PI-90017", "PI-90018");
    let read = bench.statement("pathao-file-2", FILE, &next).await;
    assert_eq!((read.0, &read.1["matched"], &read.1["open"]), (200, &json!(2), &json!(0)), "{read:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_courier_can_have_or_say_is_refused_and_leaves_no_trace() {
    let mut bench = Bench::start().await;
    let parcel = bench.consigned("DA-1").await;
    let lies = bench.people.at_hub(&bench.world, "lies-at-hub").await;
    let before = bench.world.digests().await;
    let give = |courier: &str, number: &str| json!({ "courier": courier, "consignment": number });
    let refusals = [
        (parcel, "", give("redx", "RX-1"), 409, "not_consignable"),
        (lies, "", give("pathao", "DA-1"), 409, "consignment_known"),
        (lies, "", give("pathao", "DA-\u{9e7}"), 409, "consignment_known"),
        (lies, "", give("P", "DA-2"), 422, "bad_bank"),
        (lies, "", give("pathao", " "), 422, "bad_text"),
        (lies, "/report", json!({ "outcome": "delivered", "collected_paisa": DUE }), 409, "not_with_courier"),
        (parcel, "/report", json!({ "outcome": "delivered", "collected_paisa": -1 }), 422, "bad_amount"),
        (parcel, "/report", json!({ "outcome": "returned", "collected_paisa": 1 }), 422, "bad_amount"),
    ];
    for (at, (parcel, path, body, status, code)) in refusals.into_iter().enumerate() {
        let answer = bench.courier(&format!("refused-{at}"), parcel, path, &body).await;
        assert_eq!((answer.0, answer.code()), (status, code), "{body}: {answer:?}");
    }
    // Charges alone are no payment.
    let file = [HEAD.to_owned(), line("DA-1", 0, 6_000, 900)].concat();
    let read = bench.statement("pathao-file-1", FILE, &file).await;
    assert_eq!((read.0, read.code()), (422, "nothing_remitted"), "{read:?}");
    assert_eq!(bench.world.digests().await, before);
    bench.stop().await;
}
