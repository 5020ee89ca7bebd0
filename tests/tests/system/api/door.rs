//! What a customer pays by phone while his parcel is under way (J24, R3), and contests that people looked at.

use central::tokens::Role;
use protocol::blob::BlobId;
use protocol::fact::{Delivered, Dispatched, Fact, Loaded, Proof, Received};
use protocol::id::{Id16, Subject};
use protocol::taka::Taka;
use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::Answer;

/// What the reference parcel leaves its vendor.
const NET: i64 = 87_350;

fn cash(paisa: i64) -> Fact {
    Fact::Delivered(Delivered { evidence: 3, collected: Taka::from_paisa(paisa) })
}

impl Bench {
    /// A parcel in the agent's bag.
    pub(super) async fn in_bag(&mut self, key: &str) -> Subject {
        let parcel = self.people.at_hub(&self.world, key).await;
        let (world, people) = (&self.world, &mut self.people);
        let agent = people.agent.certificate.seat.party;
        world.act(&mut people.site, parcel, Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) })).await;
        world.act(&mut people.agent, parcel, Fact::Loaded(Loaded {})).await;
        parcel
    }

    async fn by_phone(&self, parcel: Subject, reference: &str, paisa: i64) -> Answer {
        let body = json!({ "parcel": parcel, "provider": "bkash", "reference": reference, "amount_paisa": paisa });
        self.world.post("finance", "/finance/door-payments", &body).await
    }

    pub(super) async fn contested(&self, subject: Subject) -> Vec<Value> {
        let page = self.world.get("operations", &format!("/finance/contested/{subject}")).await;
        assert_eq!(page.0, 200, "{page:?}");
        page.1["contests"].as_array().unwrap().clone()
    }

    async fn clear(&self, token: &str, key: &str, subject: Subject, contest: &Value) -> Answer {
        let (op, code) = (&contest["op"], &contest["code"]);
        let body = json!({ "subject": subject, "op": op, "code": code, "reason": "called both" });
        let (body, headers) = (serde_json::to_vec(&body).unwrap(), [("idempotency-key", key)]);
        self.world.call_with("POST", "/finance/clearings", Some(token), &headers, body).await
    }

    pub(super) async fn earning(&self, parcel: Subject) -> String {
        let (state,): (String,) = sqlx::query_as("SELECT state FROM view_earning WHERE parcel = $1")
            .bind(parcel.0)
            .fetch_one(&self.world.running.pool)
            .await
            .unwrap();
        state
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_by_phone_nobody_collects_and_it_matures_with_the_provider() {
    let mut bench = Bench::start().await;
    let (parcel, other) = (bench.in_bag("phone-parcel-1").await, bench.in_bag("phone-parcel-2").await);
    let before = bench.world.digests().await;
    let nobody = Subject::new(protocol::id::Kind::Parcel, Id16([9; 16]));
    for (what, answer, code) in [
        ("nobody's", bench.by_phone(nobody, "9F1", DUE).await, (404, "unknown_parcel")),
        ("too little", bench.by_phone(parcel, "9F1", DUE - 1).await, (422, "amount_differs")),
        ("nothing", bench.by_phone(parcel, "9F1", 0).await, (422, "bad_amount")),
        ("no reference", bench.by_phone(parcel, " ", DUE).await, (422, "bad_reference")),
    ] {
        assert_eq!((answer.0, answer.code()), code, "{what}: {answer:?}");
    }
    assert_eq!(bench.world.digests().await, before, "nothing was left by a no");

    let paid = bench.by_phone(parcel, "9F1", DUE).await;
    assert_eq!((paid.0, &paid.1["is_doubled"]), (201, &json!(false)), "{paid:?}");
    assert_eq!(bench.by_phone(parcel, "9F1", DUE).await.0, 200, "said once more, it is what it was");
    assert_eq!(bench.by_phone(other, "9F1", DUE).await.code(), "reference_used");
    assert_eq!(bench.by_phone(parcel, "9F2", DUE).await.code(), "already_paid");
    assert_eq!((bench.balance(1030).await, bench.balance(2045).await), (DUE, -DUE));

    let (world, people) = (&bench.world, &mut bench.people);
    world.act(&mut people.agent, parcel, Fact::Delivered(Delivered { evidence: 3, collected: None })).await;
    assert_eq!((bench.balance(2045).await, bench.balance(1110).await, bench.balance(2010).await), (0, 0, -NET));
    // No bag brings it to the bank: the provider has it.
    let matured = bench.did("/finance/maturing", &json!({})).await;
    assert_eq!(matured.1["total_paisa"], json!(NET), "{matured:?}");

    // The wallet's statement names the parcel by its reference.
    let day = central::period::day(central::clock::real_ms());
    let head = "Date,TrxID,Customer Wallet,Merchant Invoice,Amount,Charge,Net Amount,Status\n";
    let file = format!("{head}{day} 10:15:00,9F1,01700000001,INV-1,1069.00,15.00,1054.00,Completed\n");
    let query = "/finance/statements?bank=bkash-merchant&side=bkash&format=bkash";
    let (token, headers) = (Some(bench.world.token("finance")), [("idempotency-key", "phone-wallet-1")]);
    let read = bench.world.call_with("POST", query, token, &headers, file.into_bytes()).await;
    assert_eq!(read.1["matches"][0]["things"], json!([parcel]), "{read:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_that_was_taken_beside_it_is_the_customers_and_the_vendor_is_paid_when_people_looked() {
    let mut bench = Bench::start().await;
    let parcel = bench.in_bag("phone-twice-1").await;
    let heads = bench.world.heads(parcel).await;
    assert_eq!(bench.by_phone(parcel, "9F7", DUE).await.0, 201);
    // His phone has heard nothing of it.
    bench.world.act_after(&mut bench.people.agent, parcel, cash(DUE), heads).await;
    assert_eq!((bench.balance(1030).await, bench.balance(1110).await, bench.balance(2095).await), (DUE, DUE, -DUE));
    assert_eq!(bench.earning(parcel).await, "held");
    let contests = bench.contested(parcel).await;
    assert_eq!((contests.len(), &contests[0]["code"]), (1, &json!("duplicate_money")), "{contests:?}");
    let mut wrong = contests[0].clone();
    wrong["code"] = json!("absurd_amount");
    let operations = bench.world.token("operations").to_owned();
    let no = bench.clear(&operations, "clear-wrong-1", parcel, &wrong).await;
    assert_eq!((no.0, no.code()), (404, "unknown_contest"), "{no:?}");
    wrong["code"] = json!("no_code");
    assert_eq!(bench.clear(&operations, "clear-wrong-2", parcel, &wrong).await.code(), "bad_contest");
    let customer = bench.world.token("customer").to_owned();
    assert_eq!(bench.clear(&customer, "clear-wrong-3", parcel, &contests[0]).await.0, 403);

    let cleared = bench.clear(&operations, "clear-twice-1", parcel, &contests[0]).await;
    assert_eq!((cleared.0, cleared.text("state")), (201, "cleared".to_owned()), "{cleared:?}");
    assert_eq!(bench.contested(parcel).await, Vec::<Value>::new());
    assert_eq!((bench.earning(parcel).await.as_str(), bench.balance(2010).await), ("distributed", -NET));
    // His money is his all the same: that is ruled on apart.
    let open = bench.world.get("finance", "/finance/differences?status=open&account=2095").await;
    assert_eq!(open.1["rows"][0]["open_paisa"], json!(DUE), "{open:?}");
    let again = bench.clear(&operations, "clear-twice-2", parcel, &contests[0]).await;
    assert_eq!(again.code(), "unknown_contest", "{again:?}");

    // Something that whoever cleared it had not seen: he has to look again, and the earning is held.
    let (world, people) = (&bench.world, &mut bench.people);
    let before = world.heads_before(parcel, "Cleared").await;
    world.act_after(&mut people.site, parcel, Fact::Received(Received { pieces: 1 }), before).await;
    let codes: Vec<Value> = bench.contested(parcel).await.iter().map(|one| one["code"].clone()).collect();
    assert!(codes.contains(&json!("duplicate_money")), "{codes:?}");
    assert_eq!(bench.earning(parcel).await, "held");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_threshold_a_second_person_looks_too() {
    let mut bench = Bench::start().await;
    sqlx::query(
        "INSERT INTO finance_setting (effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours)
         VALUES (1, 100000, 90, 72)",
    )
    .execute(&bench.world.running.pool)
    .await
    .unwrap();
    let parcel = bench.in_bag("two-look-1").await;
    let (world, people) = (&bench.world, &mut bench.people);
    world.act(&mut people.agent, parcel, cash(DUE)).await;
    world.act(&mut people.site, parcel, Fact::Received(Received { pieces: 1 })).await;
    assert_eq!(bench.earning(parcel).await, "held");
    let contest = bench.contested(parcel).await[0].clone();
    let first = bench.world.token("finance").to_owned();
    let told = bench.clear(&first, "two-look-first", parcel, &contest).await;
    assert_eq!((told.0, told.text("state")), (200, "waiting".to_owned()), "{told:?}");
    assert_eq!(bench.contested(parcel).await[0]["reason"], json!("called both"), "the second one reads why");
    let own = bench.clear(&first, "two-look-again", parcel, &contest).await;
    assert_eq!((own.0, own.code()), (409, "same_person"), "{own:?}");
    // Something is recorded that the first one has not read: his word is of before, and the next one is the first.
    let picture = Fact::DoorProof(Proof { form: 1, blob: BlobId([9; 32]), bytes: 9_000, media: 1 });
    bench.world.act(&mut bench.people.agent, parcel, picture).await;
    assert_eq!(bench.contested(parcel).await[0]["reason"], Value::Null);
    let told = bench.clear(&first, "two-look-later", parcel, &contest).await;
    assert_eq!(told.text("state"), "waiting", "{told:?}");
    let second = bench.world.second(Role::Operations).await;
    let cleared = bench.clear(&second, "two-look-second", parcel, &contest).await;
    assert_eq!((cleared.0, cleared.text("state")), (201, "cleared".to_owned()), "{cleared:?}");
    // It lies at the hub, and nobody holds its earning.
    assert_ne!(bench.earning(parcel).await, "held");
    bench.stop().await;
}
