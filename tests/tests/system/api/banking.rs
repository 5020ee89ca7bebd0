//! From the till to the vendor over the API: what finance records, what it is refused, and that nothing
//! is paid twice.

use protocol::fact::{Accepted, Delivered, Dispatched, Fact, HandInCounted, HandInOffered, Loaded, Packed, Received};
use protocol::id::{Id16, Incarnation, Kind, Subject};
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::world::{Answer, Device, World, rice};

/// The reference parcel costs this.
pub(super) const DUE: i64 = 106_900;
/// And leaves the vendor this.
pub(super) const NET: i64 = 87_350;

/// The people of one hub.
pub(super) struct People {
    pub(super) vendor: Device,
    pub(super) site: Device,
    pub(super) agent: Device,
}

impl People {
    pub(super) async fn enrol(world: &World) -> Self {
        let vendor = world.device(&json!({ "role": "vendor", "name": "Meghna", "vendor": "meghna" }), 1).await;
        let site = world.device(&json!({ "role": "site", "name": "Hub" }), 2).await;
        let hub = world.site.to_string();
        let agent = world.device(&json!({ "role": "agent", "name": "Karim", "site": hub }), 3).await;
        // No return window: what the bank confirms matures at once.
        let terms = json!({
            "effective_from_ms": 1_000, "delivery_paisa": 6_000, "vat_bp": 1_500, "commission_bp": 1_000,
            "cod_bp": 100, "rto_paisa": 5_000, "return_window_min": 0,
        });
        assert_eq!(world.post("operations", "/terms", &terms).await.0, 201);
        Self { vendor, site, agent }
    }

    /// Places the reference order, and brings it to its hub.
    pub(super) async fn at_hub(&mut self, world: &World, key: &str) -> Subject {
        let placed = world.place(key, &rice()).await;
        assert_eq!(placed.0, 201, "{placed:?}");
        let parcel = Subject::parse(placed.1["parcels"][0]["parcel"].as_str().unwrap()).unwrap();
        world.act(&mut self.vendor, parcel, Fact::Accepted(Accepted {})).await;
        world.act(&mut self.vendor, parcel, Fact::Packed(Packed { pieces: 1 })).await;
        world.act(&mut self.site, parcel, Fact::Received(Received { pieces: 1 })).await;
        parcel
    }

    /// Places the reference order and delivers it; its cash goes into the till.
    pub(super) async fn sell(&mut self, world: &World, n: u8) -> Subject {
        self.sell_counted(world, n, DUE).await
    }

    /// The same, and the cashier counts something else than the agent offers.
    pub(super) async fn sell_counted(&mut self, world: &World, n: u8, counted: i64) -> Subject {
        let parcel = self.at_hub(world, &format!("bench-sale-{n:03}")).await;
        let (agent, handin) = (self.agent.certificate.seat.party, Subject::new(Kind::HandIn, Id16([n; 16])));
        let run = Fact::Dispatched(Dispatched { agent, run: Id16([n; 16]) });
        world.act(&mut self.site, parcel, run).await;
        world.act(&mut self.agent, parcel, Fact::Loaded(Loaded {})).await;
        let (amount, inc) = (Taka::from_paisa(DUE).unwrap(), Incarnation([3; 4]));
        let delivered = Delivered { evidence: 3, collected: Some(amount) };
        world.act(&mut self.agent, parcel, Fact::Delivered(delivered)).await;
        let offer = HandInOffered { site: world.site, amount, inc, upto: 0 };
        world.act(&mut self.agent, handin, Fact::HandInOffered(offer)).await;
        let counted = Taka::from_paisa(counted).unwrap();
        let count = HandInCounted { agent, counted, denominations: Vec::new() };
        world.act(&mut self.site, handin, Fact::HandInCounted(count)).await;
        parcel
    }
}

/// A central with the people of one hub.
pub(super) struct Bench {
    pub(super) world: World,
    pub(super) people: People,
    keys: std::sync::atomic::AtomicU32,
}

impl Bench {
    pub(super) async fn start() -> Self {
        Self::of(World::start().await).await
    }

    pub(super) async fn of(world: World) -> Self {
        let people = People::enrol(&world).await;
        Self { world, people, keys: std::sync::atomic::AtomicU32::new(0) }
    }

    pub(super) async fn sell(&mut self, n: u8) -> Subject {
        self.people.sell(&self.world, n).await
    }

    pub(super) async fn post_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        let (token, body) = (self.world.token("finance"), serde_json::to_vec(body).unwrap());
        self.world.call_with("POST", path, Some(token), &[("idempotency-key", key)], body).await
    }

    /// With a key of its own.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        let n = self.keys.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.post_as(&format!("bench-{n:06}"), path, body).await
    }

    pub(super) async fn did(&self, path: &str, body: &Value) -> Answer {
        let answer = self.post(path, body).await;
        assert_eq!(answer.0, 201, "{path} {body}: {answer:?}");
        answer
    }

    /// Bag, deposit and confirmation of so much of the hub's cash.
    pub(super) async fn bank(&self, seal: &str, amount: i64, credited: i64) -> String {
        let bag =
            self.did("/finance/bags", &json!({ "site": self.world.site, "seal": seal, "amount_paisa": amount })).await;
        let body = json!({ "bank": "dbbl-settlement", "slip": seal, "bags": [bag.text("bag")] });
        let deposit = self.did("/finance/deposits", &body).await.text("deposit");
        let line = json!({ "reference": format!("line {seal}"), "credited_paisa": credited });
        self.did(&format!("/finance/deposits/{deposit}/confirm"), &line).await;
        deposit
    }

    pub(super) async fn balance(&self, code: i32) -> i64 {
        let (sum,): (i64,) =
            sqlx::query_as("SELECT coalesce(sum(amount_paisa), 0)::bigint FROM balance WHERE account_code = $1")
                .bind(code)
                .fetch_one(&self.world.running.pool)
                .await
                .unwrap();
        sum
    }

    /// The books are sound, and every projection is what the facts give.
    pub(super) async fn stop(self) {
        let pool = &self.world.running.pool;
        let before = central::rebuild::digest(pool).await.unwrap();
        central::rebuild::rebuild(pool).await.unwrap();
        assert_eq!(central::rebuild::digest(pool).await.unwrap(), before);
        assert!(central::rebuild::verify_log(pool).await.unwrap().is_sound());
        self.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_parcels_money_goes_from_the_till_to_the_vendor() {
    let mut bench = Bench::start().await;
    let parcel = bench.sell(1).await;
    let run = json!({});
    assert_eq!(bench.post("/finance/maturing", &run).await.1["earnings"], json!([]), "nothing is at the bank yet");

    let deposit = bench.bank("S-1", DUE, DUE).await;
    assert_eq!((bench.balance(1120).await, bench.balance(1040).await, bench.balance(1010).await), (0, 0, DUE));
    let dry = bench.post("/finance/maturing", &json!({ "dry_run": true })).await;
    assert_eq!((dry.0, &dry.1["total_paisa"]), (200, &json!(NET)));
    assert_eq!(bench.balance(2020).await, 0);
    let matured = bench.did("/finance/maturing", &run).await;
    assert_eq!((&matured.1["total_paisa"], &matured.1["more"]), (&json!(NET), &json!(false)));
    let journals = bench.world.get("finance", &format!("/finance/journals/{deposit}")).await;
    assert_eq!(journals.1["rows"][0]["rule"], "J13a");
    assert_eq!(matured.1["earnings"][0]["cause"], journals.1["rows"][0]["cause"], "the deposit covers it");
    assert_eq!(bench.post("/finance/maturing", &run).await.1["earnings"], json!([]), "once");
    assert_eq!((bench.balance(2010).await, bench.balance(2020).await), (0, -NET));

    let paid = bench.did("/finance/payouts", &json!({ "vendor": "all" })).await;
    let payout = paid.1["payouts"][0]["payout"].as_str().unwrap().to_owned();
    assert_eq!((&paid.1["total_paisa"], bench.balance(2030).await), (&json!(NET), -NET));
    let sent = json!({ "bank": "dbbl-settlement", "reference": "UTR ১" });
    let confirmed = bench.did(&format!("/finance/payouts/{payout}/confirm"), &sent).await;
    assert_eq!(confirmed.text("reference"), "UTR 1", "Bangla digits are digits");
    let fees = DUE - NET;
    assert_eq!((bench.balance(2030).await, bench.balance(1010).await), (0, fees));
    let sweep = json!({ "from": "dbbl-settlement", "to": "city", "amount_paisa": fees, "reference": "UTR 2" });
    bench.did("/finance/sweeps", &sweep).await;
    assert_eq!((bench.balance(1010).await, bench.balance(1020).await), (0, fees));

    // Payout → earning → parcel, in two steps.
    let payouts = bench.world.get("finance", "/finance/payouts").await;
    assert_eq!((payouts.text("next"), payouts.1["rows"][0]["state"].clone()), (String::new(), json!("confirmed")));
    let lines = bench.world.get("finance", &format!("/finance/payouts/{payout}/lines")).await;
    assert_eq!((&lines.1["rows"][0]["parcel"], &lines.1["rows"][0]["net_paisa"]), (&json!(parcel), &json!(NET)));
    let bags = bench.world.get("finance", "/finance/bags").await;
    assert_eq!((&bags.1["rows"][0]["state"], &bags.1["rows"][0]["deposit"]), (&json!("confirmed"), &json!(deposit)));
    let deposits = bench.world.get("finance", "/finance/deposits?limit=1").await;
    assert_eq!(deposits.1["rows"][0]["bank"], "dbbl-settlement");
    // The vendor's app sees the payout, the hub's kiosk its bag.
    for (device, table) in [(&bench.people.vendor, "view_payout"), (&bench.people.site, "view_bag")] {
        let sql = format!("SELECT count(*) FROM member m JOIN {table} v ON v.subject = m.subject WHERE m.scope = $1");
        let (held,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(device.certificate.seat.party.0)
            .fetch_one(&bench.world.running.pool)
            .await
            .unwrap();
        assert_eq!(held, 1, "{table}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_more_matures_than_the_bank_confirmed_oldest_first() {
    let mut bench = Bench::start().await;
    let mut parcels = Vec::new();
    for n in 1..=3 {
        parcels.push(bench.sell(n).await);
    }
    // Two dues and a half; the bank counts ten taka less.
    bench.bank("S-1", 2 * DUE + DUE / 2, 2 * DUE + DUE / 2 - 1_000).await;
    let first = bench.did("/finance/maturing", &json!({})).await;
    let earnings: Vec<Value> =
        first.1["earnings"].as_array().unwrap().iter().map(|row| row["earning"].clone()).collect();
    let oldest: Vec<Value> = parcels[..2].iter().map(|parcel| json!(Subject::earning_of(*parcel))).collect();
    assert_eq!(earnings, oldest);
    // The rest without the missing ten taka does not cover the third.
    bench.bank("S-2", DUE / 2, DUE / 2).await;
    assert_eq!(bench.post("/finance/maturing", &json!({})).await.1["earnings"], json!([]));
    let short = bench.world.get("finance", "/finance/exceptions?kind=short").await;
    assert_eq!(short.1["rows"][0]["code"], "J13b", "{short:?}");
    assert_eq!(bench.balance(1140).await, 1_000);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_and_two_runs_at_once_do_everything_once() {
    let mut bench = Bench::start().await;
    for n in 1..=3 {
        bench.sell(n).await;
    }
    let bag = json!({ "site": bench.world.site, "seal": "S-1", "amount_paisa": DUE });
    let first = bench.post_as("same-key", "/finance/bags", &bag).await;
    let again = bench.post_as("same-key", "/finance/bags", &bag).await;
    assert_eq!((first.0, again.0, &again.1), (201, 200, &first.1));
    let other = bench.post_as("same-key", "/finance/sweeps", &json!({})).await;
    assert_eq!((other.0, other.code()), (422, "wrong_type"));
    let larger = json!({ "site": bench.world.site, "seal": "S-1", "amount_paisa": DUE + 1 });
    let other = bench.post_as("same-key", "/finance/bags", &larger).await;
    assert_eq!((other.0, other.code()), (409, "idempotency_mismatch"));
    let body = json!({ "bank": "dbbl", "slip": "1", "bags": [first.text("bag")] });
    let (a, b) = tokio::join!(bench.post("/finance/deposits", &body), bench.post("/finance/deposits", &body));
    let mut both = [(a.0, a.code().to_owned()), (b.0, b.code().to_owned())];
    both.sort();
    assert_eq!(both, [(201, String::new()), (409, "bag_deposited".to_owned())]);
    let deposit = if a.0 == 201 { a.text("deposit") } else { b.text("deposit") };
    let line = json!({ "reference": "line 1", "credited_paisa": DUE });
    bench.did(&format!("/finance/deposits/{deposit}/confirm"), &line).await;
    bench.bank("S-2", 2 * DUE, 2 * DUE).await;

    let run = json!({});
    let (a, b) = tokio::join!(bench.post("/finance/maturing", &run), bench.post("/finance/maturing", &run));
    let count = |answer: &Answer| answer.1["earnings"].as_array().unwrap().len();
    assert_eq!((count(&a) + count(&b), count(&a).min(count(&b))), (3, 0));
    let all = json!({ "vendor": "all" });
    let (a, b, c) = tokio::join!(
        bench.post("/finance/payouts", &all),
        bench.post("/finance/payouts", &all),
        bench.post_as("payout-race", "/finance/payouts", &all)
    );
    let totals = [&a, &b, &c].map(|answer| answer.1["total_paisa"].as_i64().unwrap());
    assert_eq!((totals.iter().sum::<i64>(), totals.iter().max()), (3 * NET, Some(&(3 * NET))), "{a:?} {b:?} {c:?}");
    assert_eq!(bench.balance(2020).await, 0);
    let retry = bench.post_as("payout-race", "/finance/payouts", &all).await;
    assert_eq!((retry.0, &retry.1), (200, &c.1));
    let payouts = bench.world.get("finance", "/finance/payouts").await;
    let payout = payouts.1["rows"][0]["payout"].as_str().unwrap().to_owned();
    let path = format!("/finance/payouts/{payout}/confirm");
    let sent = json!({ "bank": "dbbl-settlement", "reference": "UTR 1" });
    let (a, b) = tokio::join!(bench.post(&path, &sent), bench.post(&path, &sent));
    let low = [&a, &b].iter().all(|answer| answer.code() == "bank_too_low");
    assert!(low, "one account has two dues only: {a:?} {b:?}");
    assert_eq!(a.1["state"], json!({ "held_paisa": 2 * DUE, "entered_paisa": 3 * NET }));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_and_leaves_no_trace() {
    let mut bench = Bench::start().await;
    bench.sell(1).await;
    let hub = bench.world.site;
    let bag = bench.did("/finance/bags", &json!({ "site": hub, "seal": "S-1", "amount_paisa": 50_000 })).await;
    let bag = bag.text("bag");
    let deposit =
        bench.did("/finance/deposits", &json!({ "bank": "dbbl", "slip": "1", "bags": [bag] })).await.text("deposit");
    let confirm = format!("/finance/deposits/{deposit}/confirm");
    let nobody = Subject::new(Kind::Site, Id16([9; 16]));
    let no_bag = Subject::new(Kind::Bag, Id16([9; 16]));
    let no_payout = Subject::new(Kind::Payout, Id16([9; 16]));
    let long = "চ".repeat(10_000);
    let sealed =
        |site: Subject, seal: &str, amount: Value| json!({ "site": site, "seal": seal, "amount_paisa": amount });
    let cases: Vec<(String, Value, u16, &str)> = vec![
        ("/finance/bags".into(), sealed(hub, "S-2", json!(0)), 422, "bad_amount"),
        ("/finance/bags".into(), sealed(hub, "S-2", json!(-5)), 422, "bad_amount"),
        ("/finance/bags".into(), sealed(hub, "S-2", json!(i64::MAX)), 422, "bad_amount"),
        ("/finance/bags".into(), sealed(hub, "S-2", json!("৫০০")), 422, "wrong_type"),
        ("/finance/bags".into(), sealed(hub, "S-2", json!(1.5)), 422, "wrong_type"),
        ("/finance/bags".into(), sealed(hub, "S-2", json!(DUE)), 409, "more_than_held"),
        ("/finance/bags".into(), sealed(hub, "S-১", json!(1)), 409, "seal_used"),
        ("/finance/bags".into(), sealed(hub, " ", json!(1)), 422, "bad_text"),
        ("/finance/bags".into(), sealed(hub, &long, json!(1)), 422, "bad_text"),
        ("/finance/bags".into(), sealed(nobody, "S-2", json!(1)), 422, "unknown_site"),
        ("/finance/bags".into(), sealed(no_bag, "S-2", json!(1)), 422, "unknown_site"),
        ("/finance/bags".into(), json!({ "site": hub, "seal": "S-2", "amount_paisa": 1, "x": 1 }), 422, "wrong_type"),
        ("/finance/deposits".into(), json!({ "bank": "dbbl", "slip": "2", "bags": [] }), 422, "bad_bags"),
        ("/finance/deposits".into(), json!({ "bank": "dbbl", "slip": "2", "bags": [bag, bag] }), 422, "bad_bags"),
        ("/finance/deposits".into(), json!({ "bank": "dbbl", "slip": "2", "bags": [no_bag] }), 422, "unknown_bag"),
        ("/finance/deposits".into(), json!({ "bank": "dbbl", "slip": "2", "bags": [bag] }), 409, "bag_deposited"),
        ("/finance/deposits".into(), json!({ "bank": "ব্যাংক", "slip": "2", "bags": [no_bag] }), 422, "bad_bank"),
        (confirm.clone(), json!({ "reference": "L", "credited_paisa": -1 }), 422, "bad_amount"),
        (confirm.clone(), json!({ "reference": "L", "credited_paisa": 5_000_000 }), 409, "absurd_amount"),
        (confirm.clone(), json!({ "reference": "\u{7}", "credited_paisa": 50_000 }), 422, "bad_text"),
        (
            format!("/finance/deposits/{}/confirm", Subject::new(Kind::Deposit, Id16([9; 16]))),
            json!({ "reference": "L", "credited_paisa": 1 }),
            404,
            "unknown_deposit",
        ),
        (format!("/finance/deposits/{bag}/confirm"), json!({ "reference": "L", "credited_paisa": 1 }), 400, "bad_id"),
        ("/finance/maturing".into(), json!({ "dry_run": "yes" }), 422, "wrong_type"),
        ("/finance/payouts".into(), json!({ "vendor": "everybody" }), 422, "unknown_vendor"),
        ("/finance/payouts".into(), json!({ "vendor": hub }), 422, "unknown_vendor"),
        (
            format!("/finance/payouts/{no_payout}/confirm"),
            json!({ "bank": "dbbl", "reference": "U" }),
            404,
            "unknown_payout",
        ),
        (
            "/finance/sweeps".into(),
            json!({ "from": "dbbl", "to": "dbbl", "amount_paisa": 1, "reference": "U" }),
            422,
            "bad_bank",
        ),
        (
            "/finance/sweeps".into(),
            json!({ "from": "dbbl", "to": "city", "amount_paisa": 1, "reference": "U" }),
            409,
            "bank_too_low",
        ),
        (
            "/finance/remittances".into(),
            json!({ "site": hub, "bank": "dbbl", "net_paisa": 1, "commission_paisa": 0, "reference": "U" }),
            409,
            "more_than_owed",
        ),
        (
            "/finance/remittances".into(),
            json!({ "site": hub, "bank": "dbbl", "net_paisa": 0, "commission_paisa": 0, "reference": "U" }),
            422,
            "bad_amount",
        ),
    ];
    let before = bench.world.digests().await;
    for (path, body, status, code) in &cases {
        let answer = bench.post(path, body).await;
        assert_eq!((answer.0, answer.code()), (*status, *code), "{path} {body}: {answer:?}");
        assert!(answer.1["message"].is_string() && answer.1["next"].is_string(), "{answer:?}");
    }
    let bare = bench.world.post("finance", "/finance/bags", &sealed(hub, "S-2", json!(1))).await;
    assert_eq!((bare.0, bare.code()), (400, "idempotency_key_needed"));
    let held = bench.post("/finance/bags", &sealed(hub, "S-2", json!(DUE))).await;
    assert_eq!(held.1["state"], json!({ "held_paisa": DUE - 50_000, "entered_paisa": DUE }));
    assert_eq!(bench.world.digests().await, before);

    bench.did(&confirm, &json!({ "reference": "L", "credited_paisa": 50_100 })).await;
    let twice = bench.post(&confirm, &json!({ "reference": "M", "credited_paisa": 50_000 })).await;
    assert_eq!((twice.0, twice.code()), (409, "already_confirmed"));
    let over = bench.world.get("finance", "/finance/exceptions?kind=over").await;
    assert_eq!(over.1["rows"][0]["code"], "J13a", "the surplus waits for an owner: {over:?}");
    for list in ["bags", "deposits", "payouts"] {
        for page in ["?limit=0", "?after=x"] {
            assert_eq!(bench.world.get("finance", &format!("/finance/{list}{page}")).await.0, 400, "{list}{page}");
        }
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_window_holds_an_earning_back() {
    let mut bench = Bench::start().await;
    let parcel = bench.sell(1).await;
    bench.bank("S-1", DUE, DUE).await;
    let before = bench.post("/finance/maturing", &json!({ "dry_run": true })).await;
    assert_eq!(before.1["earnings"].as_array().unwrap().len(), 1);
    sqlx::query("UPDATE view_earning SET window_min = 60 WHERE subject = $1")
        .bind(Subject::earning_of(parcel).0)
        .execute(&bench.world.running.pool)
        .await
        .unwrap();
    assert_eq!(bench.post("/finance/maturing", &json!({})).await.1["earnings"], json!([]), "the window is open");
    bench.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_is_contested_still_counts_and_stops_nobodys_payout() {
    let mut bench = Bench::start().await;
    for n in [1, 2] {
        bench.sell(n).await;
    }
    bench.bank("HELD", 2 * DUE, 2 * DUE).await;
    bench.did("/finance/maturing", &json!({})).await;
    let pool = &bench.world.running.pool;
    // What J21 leaves when a fee was taken, and a contest of the same earning came after it.
    let (vendor,): ([u8; 17],) = sqlx::query_as("select vendor from view_earning where state = 'matured' limit 1")
        .fetch_one(pool)
        .await
        .unwrap();
    let mut charged = [0x12u8; 17];
    charged[1..].copy_from_slice(&[0x77u8; 16]);
    sqlx::query(
        "insert into view_earning (subject, vendor, state, net_paisa, available_paisa, incomplete, newer)
         values ($1, $2, 'held', -5750, -5750, false, false)",
    )
    .bind(charged)
    .bind(vendor)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query("update balance set amount_paisa = amount_paisa + 5750 where account_code = 2020 and owner = $1")
        .bind(vendor)
        .execute(pool)
        .await
        .unwrap();
    let run = bench.did("/finance/payouts", &json!({ "vendor": "all" })).await;
    let payouts = run.1["payouts"].as_array().unwrap();
    let total: i64 = payouts.iter().filter_map(|payout| payout["total_paisa"].as_i64()).sum();
    assert_eq!((payouts.len(), total), (1, 2 * NET - 5_750), "{run:?}");
    assert_eq!(bench.balance(2020).await, 0, "all that the vendor has is on its way, and no more");
    // The row was not made by facts: a rebuild would rightly forget it.
    bench.world.stop().await;
}
