//! What finance enters on paper evidence, payouts that come back, accounts that were changed, and what the console shows of
//! all of it.

use central::tokens::Role;
use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::{Answer, rice};

impl Bench {
    async fn agree(&self, other: &str, entry: &str, key: &str) -> Answer {
        let path = format!("/finance/entries/{entry}/approve");
        self.world.call_with("POST", &path, Some(other), &[("idempotency-key", key)], Vec::new()).await
    }

    async fn read(&self, path: &str) -> Value {
        let answer = self.world.get("finance", path).await;
        assert_eq!(answer.0, 200, "{path}: {answer:?}");
        answer.1
    }

    /// Earned, matured, paid out and sent: the payout and its total.
    async fn pay_out(&self, seal: &str, amount: i64, reference: &str) -> (String, i64) {
        self.bank(seal, amount, amount).await;
        self.did("/finance/maturing", &json!({})).await;
        let paid = self.did("/finance/payouts", &json!({ "vendor": "all" })).await;
        let (payout, total) = (&paid.1["payouts"][0]["payout"], paid.1["total_paisa"].as_i64().unwrap());
        let payout = payout.as_str().unwrap().to_owned();
        let sent = json!({ "bank": "dbbl-settlement", "reference": reference });
        self.did(&format!("/finance/payouts/{payout}/confirm"), &sent).await;
        (payout, total)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_settles_less_its_fee_and_no_more_than_it_took() {
    let bench = Bench::start().await;
    let mut order = rice();
    order["payment"] = json!("prepaid");
    let placed = bench.world.place("entries-prepaid", &order).await;
    let order = placed.text("order");
    let payment = json!({ "order": order, "provider": "bkash", "reference": "TX1", "amount_paisa": DUE });
    assert_eq!(bench.world.post("finance", "/finance/payments", &payment).await.0, 201);
    assert_eq!(bench.balance(1030).await, DUE);

    let settled = |amount: i64, reference: &str| {
        json!({
            "what": "settled", "bank": "dbbl-settlement", "provider": "bkash", "amount_paisa": amount, "part_paisa": 1_604,
            "reference": reference,
        })
    };
    let before = bench.world.digests().await;
    let more = bench.post("/finance/entries", &settled(DUE + 1, "BK 1")).await;
    assert_eq!((more.0, more.code()), (409, "more_than_held"), "{more:?}");
    assert_eq!(more.1["state"], json!({ "held_paisa": DUE, "entered_paisa": DUE + 1 }));
    let mut other = settled(DUE, "BK 1");
    other["provider"] = json!("nagad");
    assert_eq!(bench.post("/finance/entries", &other).await.code(), "more_than_held");
    other["provider"] = Value::Null;
    assert_eq!(bench.post("/finance/entries", &other).await.code(), "bad_entry");
    let mut dry = settled(DUE, "BK 1");
    dry["dry_run"] = json!(true);
    let dry = bench.world.post("finance", "/finance/entries", &dry).await;
    assert_eq!((dry.0, dry.text("rule"), dry.1["needs_two"].clone()), (200, "J3".to_owned(), json!(false)), "{dry:?}");
    assert_eq!(bench.world.digests().await, before, "nothing was left by a no and a dry run");

    let done = bench.did("/finance/entries", &settled(DUE, "BK ১")).await;
    assert_eq!(done.1["postings"], dry.1["postings"], "the dry run told the truth");
    assert_eq!(
        (bench.balance(1030).await, bench.balance(5010).await, bench.balance(1010).await),
        (0, 1_604, DUE - 1_604)
    );
    let again = bench.post("/finance/entries", &settled(DUE, "BK 1")).await;
    assert_eq!((again.0, again.code()), (409, "reference_used"), "one paper is entered once");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_lacks_is_kept_from_his_pay_and_his_security() {
    let mut bench = Bench::start().await;
    bench.people.sell_counted(&bench.world, 1, DUE - 20_000).await;
    let agent = bench.people.agent.certificate.seat.party.to_string();
    let short = bench.read("/finance/differences?status=open&account=1140").await["rows"][0].clone();
    assert_eq!((&short["owner"], &short["owner_name"]), (&json!(agent), &json!("Karim")), "it has a name");
    let rule = |how: &str, amount: i64| {
        json!({
            "how": how, "cause": short["cause"], "owner": agent, "other": null, "amount_paisa": amount, "reason": "agreed",
        })
    };
    let none = bench.post("/finance/rulings", &rule("from_pay", 5_000)).await;
    assert_eq!((none.0, none.code()), (409, "more_than_held"), "he has no pay yet: {none:?}");

    let accrued = json!({ "what": "pay_accrued", "owner": agent, "amount_paisa": 5_000, "reference": "week 48" });
    bench.did("/finance/entries", &accrued).await;
    let security =
        json!({ "what": "security_taken", "owner": agent, "bank": "city", "amount_paisa": 15_000, "reference": "R 1" });
    bench.did("/finance/entries", &security).await;
    bench.did("/finance/rulings", &rule("from_pay", 5_000)).await;
    bench.did("/finance/rulings", &rule("from_security", 15_000)).await;
    assert_eq!((bench.balance(1140).await, bench.balance(2110).await, bench.balance(2120).await), (0, 0, 0));
    assert_eq!(bench.read("/finance/differences?status=open").await["rows"], json!([]));
    assert_eq!(bench.read("/finance/shortages").await["rows"], json!([]));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_parcel_is_paid_by_two_people_and_somebody_answers_for_it() {
    let bench = Bench::start().await;
    let parcel = bench.world.place("entries-lost-1", &rice()).await.1["parcels"][0]["parcel"].clone();
    let vendor = bench.people.agent.certificate.seat.party; // a wrong owner, on purpose
    let lost = |owner: &Value| json!({ "what": "loss_paid", "owner": owner, "other": parcel, "amount_paisa": 100_000, "reference": "claim 7" });
    let wrong = bench.post("/finance/entries", &lost(&json!(vendor))).await;
    assert_eq!((wrong.0, wrong.code()), (422, "bad_entry"));
    let (vendor,): (Vec<u8>,) = sqlx::query_as("SELECT subject FROM vendor WHERE slug = 'meghna'")
        .fetch_one(&bench.world.running.pool)
        .await
        .unwrap();
    let vendor = json!(protocol::id::Subject::from_slice(&vendor).unwrap());
    let charge = json!({
        "what": "loss_charged", "owner": bench.people.agent.certificate.seat.party, "other": parcel,
        "amount_paisa": 40_000, "reference": "claim 7",
    });
    let early = bench.post("/finance/entries", &charge).await;
    assert_eq!((early.0, early.code()), (409, "more_than_lost"), "nobody answers before the vendor is paid: {early:?}");

    let proposed = bench.post("/finance/entries", &lost(&vendor)).await;
    assert_eq!((proposed.0, proposed.text("state")), (200, "waiting".to_owned()), "{proposed:?}");
    let entry = proposed.text("entry");
    let twin = bench.post("/finance/entries", &lost(&vendor)).await;
    assert_eq!(twin.code(), "reference_used", "the paper waits already");
    let own = bench.agree(bench.world.token("finance"), &entry, "agree-own").await;
    assert_eq!((own.0, own.code()), (409, "same_person"));
    let other = bench.world.second(Role::Finance).await;
    let agreed = bench.agree(&other, &entry, "agree-other").await;
    assert_eq!((agreed.0, agreed.text("state")), (201, "entered".to_owned()), "{agreed:?}");
    assert_eq!(bench.agree(&other, &entry, "agree-twice").await.code(), "entry_ended");
    assert_eq!((bench.balance(5060).await, bench.balance(2020).await), (100_000, -100_000));
    bench.did("/finance/entries", &charge).await;
    assert_eq!((bench.balance(5060).await, bench.balance(1140).await), (60_000, 40_000));

    // The vendor's next payout takes it as a line.
    let paid = bench.did("/finance/payouts", &json!({ "vendor": vendor })).await;
    assert_eq!((&paid.1["total_paisa"], bench.balance(2020).await), (&json!(100_000), 0), "{paid:?}");
    let rows = bench.read("/finance/entries?status=entered").await;
    let whats: Vec<&Value> = rows["rows"].as_array().unwrap().iter().map(|row| &row["what"]).collect();
    assert_eq!((whats.len(), rows["rows"][0]["checker"].is_string()), (2, true), "{rows}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_bag_cannot_be_deposited_and_a_deposited_one_cannot_be_stolen() {
    let mut bench = Bench::start().await;
    bench.sell(1).await;
    bench.sell(2).await;
    let other = bench.world.second(Role::Finance).await;
    let seal = |seal: &str| json!({ "site": bench.world.site, "seal": seal, "amount_paisa": DUE });
    let (one, two) = (
        bench.did("/finance/bags", &seal("S-1")).await.text("bag"),
        bench.did("/finance/bags", &seal("S-2")).await.text("bag"),
    );
    let stolen = |bag: &str| json!({ "what": "bag_stolen", "owner": bag, "amount_paisa": DUE, "reference": format!("GD {bag}") });
    let entry = bench.post("/finance/entries", &stolen(&one)).await.text("entry");
    assert_eq!(bench.agree(&other, &entry, "agree-stolen").await.0, 201);
    assert_eq!((bench.balance(1040).await, bench.balance(1160).await), (DUE, DUE));
    let deposit = |bag: &str| json!({ "bank": "dbbl-settlement", "slip": "1", "bags": [bag] });
    assert_eq!(bench.post("/finance/deposits", &deposit(&one)).await.code(), "bag_stolen");
    bench.did("/finance/deposits", &deposit(&two)).await;
    assert_eq!(bench.post("/finance/entries", &stolen(&two)).await.code(), "bag_deposited");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_comes_back_is_one_line_of_the_next_run() {
    let mut bench = Bench::start().await;
    bench.sell(1).await;
    let (payout, total) = bench.pay_out("S-1", DUE, "UTR 1").await;
    let (path, body) =
        (format!("/finance/payouts/{payout}/return"), json!({ "reference": "RTN 1", "reason": "name_differs" }));
    let held = bench.balance(1010).await;
    let back = bench.did(&path, &body).await;
    assert_eq!((&back.1["total_paisa"], bench.balance(1010).await), (&json!(total), held + total), "{back:?}");
    assert_eq!((bench.balance(2030).await, bench.balance(2020).await), (0, -total));
    let twice = bench.post(&path, &body).await;
    assert_eq!((twice.0, twice.code()), (409, "already_returned"));
    let sent = json!({ "bank": "dbbl-settlement", "reference": "UTR 9" });
    let sent = bench.post(&format!("/finance/payouts/{payout}/confirm"), &sent).await;
    assert_eq!((sent.0, sent.code()), (409, "already_confirmed"), "a payout that came back is not sent again");

    let all = json!({ "vendor": "all" });
    let (a, b) = tokio::join!(bench.post("/finance/payouts", &all), bench.post("/finance/payouts", &all));
    let totals = [&a, &b].map(|answer| answer.1["total_paisa"].as_i64().unwrap());
    assert_eq!((totals.iter().sum::<i64>(), totals.iter().max()), (total, Some(&total)), "{a:?} {b:?}");
    let next = if totals[0] > 0 { a } else { b }.1["payouts"][0]["payout"].as_str().unwrap().to_owned();
    let lines = bench.read(&format!("/finance/payouts/{next}/lines")).await;
    assert_eq!((&lines["rows"][0]["earning"], &lines["rows"][0]["net_paisa"]), (&json!(payout), &json!(total)));
    let rows = bench.read("/finance/payouts").await;
    assert_eq!(
        (&rows["rows"][0]["state"], &rows["rows"][0]["returned_reference"]),
        (&json!("returned"), &json!("RTN 1"))
    );
    let back = (&rows["rows"][0]["returned_reason"], rows["rows"][0]["returned_ms"].is_u64());
    assert_eq!(back, (&json!("name_differs"), true), "why, and when, for whoever asks the vendor");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_account_is_not_paid_within_its_cooling_time() {
    let mut bench = Bench::start().await;
    let account =
        |number: &str| json!({ "bank_name": "City Bank", "account_name": "Meghna", "account_number": number });
    let set = |body: Value| {
        let (world, token) = (&bench.world, bench.world.token("operations"));
        let bytes = serde_json::to_vec(&body).unwrap();
        async move { world.call_with("PUT", "/vendors/meghna/account", Some(token), &[], bytes).await }
    };
    let first = set(account("১১০১ 2345-67731")).await;
    assert_eq!((first.0, first.text("ending")), (200, "7731".to_owned()), "{first:?}");
    assert_eq!(set(account("12")).await.code(), "bad_account");
    let listed = async || bench.world.get("finance", "/finance/vendor-accounts").await.1["rows"][0].clone();
    let seen = listed().await;
    let (accounts, ending) = (&seen["accounts"], &seen["ending"]);
    assert_eq!((accounts, ending, &seen["slug"]), (&json!(1), &json!("7731"), &json!("meghna")), "{seen}");
    assert_eq!(seen["pays_from_ms"], seen["changed_ms"], "the first one is paid to at once");
    let changed = set(account("99990000111122")).await;
    assert!(changed.1["pays_from_ms"].as_u64() > first.1["pays_from_ms"].as_u64(), "{changed:?}");
    let seen = listed().await;
    assert_eq!((&seen["accounts"], &seen["ending"]), (&json!(2), &json!("1122")), "{seen}");
    assert_eq!(seen["pays_from_ms"], changed.1["pays_from_ms"]);
    assert!(!seen.to_string().contains("99990000111122"), "the number is never told whole again: {seen}");
    let others = bench.world.get("operations", "/finance/vendor-accounts").await;
    assert_eq!(others.code(), "role_not_allowed");

    bench.sell(1).await;
    bench.bank("S-1", DUE, DUE).await;
    bench.did("/finance/maturing", &json!({})).await;
    let before = bench.world.digests().await;
    let all = bench.post("/finance/payouts", &json!({ "vendor": "all", "dry_run": true })).await;
    assert_eq!((&all.1["payouts"], &all.1["held"][0]["why"]), (&json!([]), &json!("account_cooling")), "{all:?}");
    let vendor = all.1["held"][0]["vendor"].clone();
    let one = bench.post("/finance/payouts", &json!({ "vendor": vendor })).await;
    assert_eq!((one.0, one.code()), (409, "account_cooling"), "{one:?}");
    assert_eq!(bench.world.digests().await, before, "nothing was paid");
    // The time is finance's to set, and a day ahead: nobody lifts a limit for what he is about to do alone.
    let hours = json!({
        "effective_ms": central::clock::real_ms() + 25 * 3_600_000, "two_people_from_paisa": 500_000, "unclaimed_after_days": 90,
        "cooling_hours": 0,
    });
    let set = bench.world.post("finance", "/finance/settings", &hours).await;
    assert_eq!(set.0, 201, "{set:?}");
    let mut soon = hours.clone();
    soon["effective_ms"] = json!(central::clock::real_ms() + 3_600_000);
    assert_eq!(bench.world.post("finance", "/finance/settings", &soon).await.code(), "settings_too_soon");
    assert_eq!(bench.world.post("finance", "/finance/settings", &hours).await.code(), "settings_exist");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_reads_what_the_books_hold() {
    let mut bench = Bench::start().await;
    let parcel = bench.people.sell_counted(&bench.world, 1, DUE - 20_000).await;
    let seen = bench.read("/finance/overview").await;
    assert_eq!((&seen["debit_paisa"], seen["as_of"].is_string()), (&seen["credit_paisa"], true), "{seen}");
    let of = |group: &str| {
        let rows = seen["cash"].as_array().unwrap();
        rows.iter().find(|row| row["group"] == group).unwrap_or_else(|| panic!("{group}: {seen}")).clone()
    };
    assert_eq!((&of("tills")["balance_paisa"], &of("tills")["holders"]), (&json!(DUE - 20_000), &json!(1)));
    assert_eq!((&of("agents")["balance_paisa"], &of("tills")["aged_paisa"]), (&json!(0), &json!(0)));
    assert_eq!(
        (&seen["differences"][0]["account"], &seen["differences"][0]["open_paisa"]),
        (&json!(1140), &json!(20_000))
    );

    let days = bench.read("/finance/cash-over-time?days=3").await;
    let last = days["rows"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((days["rows"].as_array().unwrap().len(), &last["tills_paisa"]), (3, &json!(DUE - 20_000)));
    let age = bench.read("/finance/ageing?account=1120").await["rows"][0].clone();
    assert_eq!(
        (&age["name"], &age["day_paisa"], &age["older_paisa"]),
        (&json!("Hub"), &json!(DUE - 20_000), &json!(0))
    );
    let sums = bench.read("/finance/ageing").await["rows"].as_array().unwrap().clone();
    let balances = sums.iter().map(|row| {
        let parts = ["day_paisa", "three_days_paisa", "week_paisa", "month_paisa", "older_paisa"];
        (row["balance_paisa"].as_i64().unwrap(), parts.iter().map(|part| row[*part].as_i64().unwrap()).sum::<i64>())
    });
    assert!(balances.clone().all(|(balance, parts)| balance == parts) && balances.count() == 14, "{sums:?}");

    let short = bench.read("/finance/differences?status=open").await["rows"][0].clone();
    let (cause, owner) = (short["cause"].as_str().unwrap(), short["owner"].as_str().unwrap());
    let told = bench.read(&format!("/finance/differences/{cause}/evidence?owner={owner}")).await;
    let whats: Vec<&Value> = told["records"].as_array().unwrap().iter().map(|record| &record["what"]).collect();
    assert_eq!(whats, [&json!("HandInOffered"), &json!("HandInCounted")], "{told}");
    let counted = &told["records"][1];
    assert_eq!(
        (&counted["amount_paisa"], &counted["is_cause"], &counted["name"]),
        (&json!(DUE - 20_000), &json!(true), &json!("Hub"))
    );
    assert_eq!((&told["history"]["count"], &told["journals"][0]["rule"]), (&json!(1), &json!("J9")));

    let month = central::period::day(central::clock::real_ms()).to_string()[..7].to_owned();
    let vat = bench.read(&format!("/finance/vat?from={month}&to={month}")).await;
    assert_eq!(vat["total_paisa"], json!(-bench.balance(2070).await), "{vat}");
    let settled = bench.read(&format!("/finance/settlement?from={month}-01&to={month}-28")).await;
    let charged = ["delivery_paisa", "vat_paisa", "commission_paisa", "handling_paisa"];
    let charged: i64 = charged.iter().map(|part| settled[*part].as_i64().unwrap()).sum();
    let today = central::period::day(central::clock::real_ms()).day();
    if today <= 28 {
        let mut ours = 0;
        for code in [4010, 4020, 4030, 2070] {
            ours -= bench.balance(code).await;
        }
        assert_eq!(charged, ours, "{settled}");
    }
    let journals = bench.read(&format!("/finance/journals/{parcel}")).await;
    assert_eq!(journals["rows"][0]["rule"], "J4");

    for (path, code) in [
        ("/finance/cash-over-time?days=0", "bad_days"),
        ("/finance/cash-over-time?days=৩", "bad_days"),
        ("/finance/ageing?account=4010", "bad_account"),
        ("/finance/vat?from=2026-13&to=2026-13", "bad_period"),
        ("/finance/vat?from=2026-12&to=2026-11", "bad_period"),
        ("/finance/settlement?from=2026-02-30&to=2026-03-01", "bad_time"),
        ("/finance/settlement?from=2020-01-01&to=2026-03-01", "bad_time"),
        ("/finance/differences/00/evidence?owner=x", "bad_id"),
    ] {
        let answer = bench.world.get("finance", path).await;
        assert_eq!((answer.0, answer.code()), (400, code), "{path}");
    }

    // The page itself: served to anybody, runs nothing foreign, holds no data.
    let (status, page) = bench.world.raw("/console/").await;
    assert!(status == 200 && page.contains("<html"), "{status} {page}");
    assert_eq!(bench.world.raw("/console/nothing.js").await.0, 404);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_a_file_for_whoever_prefers_one() {
    let mut bench = Bench::start().await;
    bench.sell(1).await;
    let ask = async |path: &str, accept: &'static str| {
        let request = super::world::Request {
            token: Some(bench.world.token("finance").as_bytes().to_vec()),
            headers: vec![("accept".to_owned(), accept.as_bytes().to_vec())],
            ..super::world::Request::get(&format!("/api/v1{path}"))
        };
        bench.world.send(&request).await
    };
    let whole = ask("/finance/accounts/4010/lines", "text/csv").await;
    assert_eq!((whole.status, whole.kind.as_str()), (200, "text/csv; charset=utf-8"), "{}", whole.text());
    let text = whole.text();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let rows = bench.read("/finance/accounts/4010/lines").await["rows"].as_array().unwrap().clone();
    assert_eq!(lines.len(), 1 + rows.len(), "{text}");
    assert!(text.starts_with('\u{feff}') && text.contains("\r\n"), "{text}");
    let at = lines[0].split(',').position(|name| name == "amount_paisa").unwrap();
    assert_eq!(lines[1].split(',').nth(at), Some(rows[0]["amount_paisa"].to_string().as_str()), "{text}");

    // Page by page it comes to the same rows; the address of the next page is in the answer.
    let url = |path: &str| format!("http://{}/api/v1{path}", bench.world.running.http);
    let mut next = url("/finance/trial-balance?limit=3");
    let mut paged = Vec::new();
    loop {
        let sent = bench.world.client.get(&next).header("accept", "text/csv").bearer_auth(bench.world.token("finance"));
        let reply = sent.send().await.unwrap();
        let link = reply.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        paged.extend(reply.text().await.unwrap().lines().skip(1).map(str::to_owned));
        let Some(link) = link else { break };
        let path = link.trim_start_matches("</api/v1").split('>').next().unwrap().to_owned();
        assert!(link.ends_with("; rel=\"next\"") && path.contains("limit=3"), "{link}");
        next = url(&path);
    }
    let all = ask("/finance/trial-balance", "text/csv").await.text();
    assert_eq!(paged, all.lines().skip(1).collect::<Vec<_>>());
    assert!(paged.len() > 3, "{all}");

    // A no is a no, whatever was asked for.
    let no = ask("/finance/bags?limit=0", "text/csv").await;
    assert_eq!((no.status, no.kind.as_str()), (400, "application/problem+json"), "{}", no.text());
    let either = ask("/finance/bags", "application/json, text/csv").await;
    assert_eq!(either.kind, "application/json");
    bench.stop().await;
}
