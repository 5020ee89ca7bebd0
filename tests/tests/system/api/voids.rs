//! Records of a parcel that were not so (R5): who may say it, what follows from it, and what is refused.

use central::tokens::Role;
use data_encoding::HEXLOWER;
use protocol::fact::{Delivered, Dispatched, Fact, HandInCounted, HandInOffered, Loaded, Received};
use protocol::id::{Id16, Incarnation, Kind, OpId, Subject};
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::Answer;

/// What the reference parcel leaves its vendor.
const NET: i64 = 87_350;

fn delivered() -> Fact {
    Fact::Delivered(Delivered { evidence: 1, collected: Taka::from_paisa(DUE) })
}

fn scanned() -> Fact {
    Fact::Received(Received { pieces: 1 })
}

impl Bench {
    async fn void(&self, token: &str, key: &str, parcel: Subject, op: &str) -> Answer {
        let body = json!({ "parcel": parcel, "op": op, "reason": "the customer has nothing" });
        let (body, headers) = (serde_json::to_vec(&body).unwrap(), [("idempotency-key", key)]);
        self.world.call_with("POST", "/finance/voids", Some(token), &headers, body).await
    }

    /// A parcel that an agent said he gave away, and that the hub scanned in after: his record, and the scan.
    async fn back(&mut self, key: &str) -> (Subject, String, String) {
        let parcel = self.in_bag(key).await;
        let (world, people) = (&self.world, &mut self.people);
        let given = world.act(&mut people.agent, parcel, delivered()).await;
        let scan = world.act(&mut people.site, parcel, scanned()).await;
        let hex = |op: OpId| HEXLOWER.encode(&op.0);
        (parcel, hex(given), hex(scan))
    }

    /// What the parcel's page says of a record: its state and why.
    async fn void_of(&self, parcel: Subject, op: &str) -> (String, Value) {
        let page = self.world.get("operations", &format!("/finance/contested/{parcel}")).await;
        let voids = page.1["voids"].as_array().unwrap().clone();
        let one = voids.into_iter().find(|one| one["op"] == json!(op)).unwrap_or_else(|| panic!("{page:?}"));
        (one["state"].as_str().unwrap().to_owned(), one["reason"].clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_none_pays_nobody_and_the_parcel_goes_on_its_way() {
    let mut bench = Bench::start().await;
    let (parcel, given, _) = bench.back("void-back-1").await;
    let codes: Vec<Value> = bench.contested(parcel).await.iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, [json!("back_after_delivery")]);
    assert_eq!((bench.earning(parcel).await.as_str(), bench.balance(2010).await), ("held", -NET));

    let operations = bench.world.token("operations").to_owned();
    let voided = bench.void(&operations, "void-back-2", parcel, &given).await;
    assert_eq!((voided.0, voided.text("state")), (201, "voided".to_owned()), "{voided:?}");
    assert_eq!(bench.contested(parcel).await, Vec::<Value>::new(), "nothing waits of it");
    assert_eq!(bench.void_of(parcel, &given).await, ("voided".to_owned(), json!("the customer has nothing")));
    // The cash that he says he has is on his name, and is nobody's yet; the vendor has nothing of it.
    assert_eq!((bench.balance(1110).await, bench.balance(2095).await), (DUE, -DUE));
    assert_eq!((bench.balance(2010).await, bench.balance(2045).await), (0, 0));
    assert_eq!(bench.earning(parcel).await, "open");
    let again = bench.void(&operations, "void-back-2", parcel, &given).await;
    assert_eq!((again.0, again.text("state")), (200, "voided".to_owned()), "the same key, the same answer");
    let again = bench.void(&operations, "void-back-3", parcel, &given).await;
    assert_eq!((again.0, again.code()), (409, "already_voided"), "{again:?}");

    // It goes out again, is paid for, and the vendor is paid once.
    let (world, people) = (&bench.world, &mut bench.people);
    let agent = people.agent.certificate.seat.party;
    world.act(&mut people.site, parcel, Fact::Dispatched(Dispatched { agent, run: Id16([2; 16]) })).await;
    world.act(&mut people.agent, parcel, Fact::Loaded(Loaded {})).await;
    world.act(&mut people.agent, parcel, delivered()).await;
    assert_eq!((bench.balance(1110).await, bench.balance(2095).await), (2 * DUE, -DUE));
    assert_eq!((bench.earning(parcel).await.as_str(), bench.balance(2010).await), ("distributed", -NET));
    // It was never collected: the record is taken off his name by a ruling, as any other that was made in error.
    let open = bench.world.get("finance", "/finance/differences?status=open&account=2095").await;
    let row = &open.1["rows"][0];
    assert_eq!((&row["rule"], &row["open_paisa"]), (&json!("J12"), &json!(DUE)), "{open:?}");
    let ruled = json!({
        "cause": row["cause"], "owner": row["owner"], "how": "recorded_in_error", "other": agent,
        "amount_paisa": DUE, "reason": "he tapped on the wrong one",
    });
    let ruled = bench.did("/finance/rulings", &ruled).await;
    assert_eq!(ruled.0, 201, "{ruled:?}");
    assert_eq!((bench.balance(1110).await, bench.balance(2095).await), (DUE, 0));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_short_of_cash_that_was_never_there_is_owed_it_and_owes_nothing() {
    let mut bench = Bench::start().await;
    let (parcel, given, _) = bench.back("void-short-1").await;
    let operations = bench.world.token("operations").to_owned();
    assert_eq!(bench.void(&operations, "void-short-2", parcel, &given).await.0, 201);
    let rule = |how: &str, row: &Value, other: Option<Subject>| {
        json!({
            "cause": row["cause"], "owner": row["owner"], "how": how, "other": other,
            "amount_paisa": DUE, "reason": "he tapped on the wrong one",
        })
    };
    let agent = bench.people.agent.certificate.seat.party;
    let open = bench.world.get("finance", "/finance/differences?status=open&account=2095").await;
    let excess = open.1["rows"][0].clone();
    let no = bench.post("/finance/rulings", &rule("owed_to_agent", &excess, Some(agent))).await;
    assert_eq!((no.0, no.code()), (409, "not_handed_in"), "{no:?}");
    // His phone says that he has it; he brings nothing, and is charged.
    let (world, people) = (&bench.world, &mut bench.people);
    let handin = Subject::new(Kind::HandIn, Id16([77; 16]));
    let (amount, inc) = (Taka::from_paisa(DUE).unwrap(), Incarnation([3; 4]));
    let offer = HandInOffered { site: world.site, amount, inc, upto: 0 };
    world.act(&mut people.agent, handin, Fact::HandInOffered(offer)).await;
    let count = HandInCounted { agent, counted: Taka::ZERO, denominations: Vec::new() };
    world.act(&mut people.site, handin, Fact::HandInCounted(count)).await;
    assert_eq!((bench.balance(1110).await, bench.balance(1140).await), (0, DUE));
    let no = bench.post("/finance/rulings", &rule("recorded_in_error", &excess, Some(agent))).await;
    assert_eq!((no.0, no.code()), (409, "handed_in_since"), "his account would be below zero: {no:?}");
    let owed = bench.did("/finance/rulings", &rule("owed_to_agent", &excess, Some(agent))).await;
    assert_eq!(owed.0, 201, "{owed:?}");
    assert_eq!((bench.balance(2095).await, bench.balance(2110).await), (0, -DUE));
    let open = bench.world.get("finance", "/finance/differences?status=open&account=1140").await;
    let kept = bench.did("/finance/rulings", &rule("from_pay", &open.1["rows"][0], None)).await;
    assert_eq!(kept.0, 201, "{kept:?}");
    let left = [1110, 1140, 2095, 2110];
    for code in left {
        assert_eq!(bench.balance(code).await, 0, "{code}");
    }
    let open = bench.world.get("finance", "/finance/differences?status=open").await;
    assert_eq!(open.1["rows"], json!([]), "nothing is open");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_was_none_leaves_the_customer_his_goods_and_the_vendor_her_money() {
    let mut bench = Bench::start().await;
    let (parcel, _, scan) = bench.back("void-scan-1").await;
    let finance = bench.world.token("finance").to_owned();
    assert_eq!(bench.void(&finance, "void-scan-2", parcel, &scan).await.text("state"), "voided");
    assert_eq!(bench.contested(parcel).await, Vec::<Value>::new());
    let (status,): (String,) = sqlx::query_as("SELECT status FROM view_parcel WHERE subject = $1")
        .bind(parcel.0)
        .fetch_one(&bench.world.running.pool)
        .await
        .unwrap();
    assert_eq!((status.as_str(), bench.earning(parcel).await.as_str()), ("delivered", "distributed"));
    assert_eq!((bench.balance(2010).await, bench.balance(2095).await), (-NET, 0));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_voided_is_told_and_leaves_no_trace() {
    let mut bench = Bench::start().await;
    let (parcel, given, _) = bench.back("void-no-1").await;
    let sold = bench.sell(1).await;
    let order = bench.order_of(sold).await;
    let ret = bench.asked("void-return", &order, sold, 1).await;
    let counted = bench.count("void-count", &ret, 1, false).await;
    assert_eq!(counted.0, 201, "{counted:?}");
    let record = |page: &Answer, what: &str| {
        let records = page.1["records"].as_array().unwrap();
        let one = records.iter().find(|one| one["what"] == json!(what)).unwrap_or_else(|| panic!("{page:?}"));
        one["op"].as_str().unwrap().to_owned()
    };
    let page = bench.world.get("operations", &format!("/finance/contested/{sold}")).await;
    let (created, his) = (record(&page, "ParcelCreated"), record(&page, "Delivered"));
    let before = bench.world.digests().await;
    let operations = bench.world.token("operations").to_owned();
    let customer = bench.world.token("customer").to_owned();
    let earning = Subject::earning_of(parcel);
    let nobody = Subject::new(Kind::Parcel, Id16([9; 16]));
    for (key, who, of, op, no) in [
        ("void-no-customer", &customer, parcel, given.as_str(), (403, "role_not_allowed")),
        ("void-no-earning", &operations, earning, given.as_str(), (422, "bad_record")),
        ("void-no-hex", &operations, parcel, "১২৩", (422, "bad_record")),
        ("void-no-parcel", &operations, nobody, given.as_str(), (404, "unknown_record")),
        ("void-no-other", &operations, sold, given.as_str(), (404, "unknown_record")),
        ("void-no-money", &operations, sold, created.as_str(), (409, "not_voidable")),
        ("void-no-returned", &operations, sold, his.as_str(), (409, "goods_returned")),
    ] {
        let answer = bench.void(who, key, of, op).await;
        assert_eq!((answer.0, answer.code()), no, "{key}: {answer:?}");
    }
    assert_eq!(bench.world.digests().await, before, "nothing was left by a no");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_threshold_a_second_person_says_it_too_and_reads_why() {
    let mut bench = Bench::start().await;
    sqlx::query(
        "INSERT INTO finance_setting (effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours)
         VALUES (1, 100000, 90, 72)",
    )
    .execute(&bench.world.running.pool)
    .await
    .unwrap();
    let (parcel, given, _) = bench.back("void-two-1").await;
    let first = bench.world.token("finance").to_owned();
    let told = bench.void(&first, "void-two-2", parcel, &given).await;
    assert_eq!((told.0, told.text("state")), (200, "waiting".to_owned()), "{told:?}");
    assert_eq!(bench.void_of(parcel, &given).await, ("waiting".to_owned(), json!("the customer has nothing")));
    assert_eq!(bench.balance(2010).await, -NET, "nothing is taken back yet");
    let own = bench.void(&first, "void-two-3", parcel, &given).await;
    assert_eq!((own.0, own.code()), (409, "same_person"), "{own:?}");
    let second = bench.world.second(Role::Operations).await;
    let told = bench.void(&second, "void-two-4", parcel, &given).await;
    assert_eq!((told.0, told.text("state")), (201, "voided".to_owned()), "{told:?}");
    assert_eq!(bench.balance(2010).await, 0);
    bench.stop().await;
}
