//! What a provider takes back: from the customer's own money while it is his, else from the vendor and us, and never so that
//! he gets it twice.

use central::tokens::Role;
use protocol::fact::{Accepted, Delivered, Dispatched, Fact, Loaded, Packed, Received};
use protocol::id::{Id16, Subject};
use serde_json::{Value, json};

use super::banking::{Bench, DUE};
use super::world::{Answer, rice};

/// The goods of the reference order; the rest is delivery and its VAT.
const GOODS: i64 = 100_000;

impl Bench {
    /// The reference order, paid ahead: its id, and its parcel.
    async fn paid(&self, key: &str) -> (String, Subject) {
        self.paid_for(key, 1, DUE).await
    }

    /// The same with so many sacks, at this price.
    pub(super) async fn paid_for(&self, key: &str, sacks: u16, price: i64) -> (String, Subject) {
        let mut order = rice();
        order["payment"] = json!("prepaid");
        order["items"][0]["qty"] = json!(sacks);
        let placed = self.world.place(key, &order).await;
        let order = placed.text("order");
        let payment = json!({ "order": order, "provider": "card", "reference": key, "amount_paisa": price });
        assert_eq!(self.world.post("finance", "/finance/payments", &payment).await.0, 201);
        (order, Subject::parse(placed.1["parcels"][0]["parcel"].as_str().unwrap()).unwrap())
    }

    pub(super) async fn deliver(&mut self, parcel: Subject) {
        let (world, people) = (&self.world, &mut self.people);
        let agent = people.agent.certificate.seat.party;
        world.act(&mut people.vendor, parcel, Fact::Accepted(Accepted {})).await;
        world.act(&mut people.vendor, parcel, Fact::Packed(Packed { pieces: 1 })).await;
        world.act(&mut people.site, parcel, Fact::Received(Received { pieces: 1 })).await;
        world.act(&mut people.site, parcel, Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) })).await;
        world.act(&mut people.agent, parcel, Fact::Loaded(Loaded {})).await;
        world.act(&mut people.agent, parcel, Fact::Delivered(Delivered { evidence: 3, collected: None })).await;
    }

    async fn cancel(&self, order: &str) {
        let off = self.world.post("customer", &format!("/orders/{order}/cancel"), &json!({})).await;
        assert_eq!((off.0, off.text("status")), (200, "cancelled".into()), "{off:?}");
    }

    async fn refund_all(&self, order: &str, reference: &str) -> Answer {
        let body = json!({ "order": order, "amount_paisa": DUE, "provider": "card", "reference": reference });
        self.world.post("finance", "/finance/refunds", &body).await
    }

    /// Proposes, and a second person agrees.
    pub(super) async fn agreed(&self, entry: &Value, key: &str) -> Answer {
        let proposed = self.post("/finance/entries", entry).await;
        assert_eq!((proposed.0, proposed.text("state")), (200, "waiting".to_owned()), "{proposed:?}");
        let other = self.world.second(Role::Finance).await;
        let path = format!("/finance/entries/{}/approve", proposed.text("entry"));
        self.world.call_with("POST", &path, Some(&other), &[("idempotency-key", key)], Vec::new()).await
    }

    pub(super) async fn customer_of(&self, order: &str) -> String {
        let (customer,): ([u8; 16],) = sqlx::query_as("SELECT customer FROM view_order WHERE subject = $1")
            .bind(Subject::parse(order).unwrap().0)
            .fetch_one(&self.world.running.pool)
            .await
            .unwrap();
        Subject::customer(Id16(customer)).to_string()
    }

    pub(super) async fn vendor(&self) -> String {
        self.vendor_of("meghna").await
    }

    pub(super) async fn vendor_of(&self, slug: &str) -> String {
        let (vendor,): ([u8; 17],) = sqlx::query_as("SELECT subject FROM vendor WHERE slug = $1")
            .bind(slug)
            .fetch_one(&self.world.running.pool)
            .await
            .unwrap();
        Subject(vendor).to_string()
    }
}

pub(super) fn early(owner: &str, other: Option<&str>, amount: i64) -> Value {
    json!({
        "what": "charged_back_early", "owner": owner, "other": other, "provider": "card", "amount_paisa": amount,
        "reference": "dispute 7",
    })
}

pub(super) fn late(vendor: &str, order: &str, amount: i64, part: i64) -> Value {
    json!({
        "what": "charged_back", "owner": vendor, "other": order, "provider": "card", "amount_paisa": amount,
        "part_paisa": part, "reference": "dispute 7",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_escrow_is_charged_back_from_there_and_a_cancellation_gives_nothing_more() {
    let bench = Bench::start().await;
    let (order, _) = bench.paid("escrow-order-1").await;
    let before = bench.world.digests().await;
    let wrong = bench.post("/finance/entries", &late(&bench.vendor().await, &order, DUE, DUE)).await;
    assert_eq!((wrong.0, wrong.code()), (409, "still_the_customers"), "{wrong:?}");
    assert_eq!(wrong.1["state"], json!({ "escrow_paisa": DUE, "owed_paisa": 0 }));
    let more = bench.post("/finance/entries", &early(&order, None, DUE + 1)).await;
    assert_eq!((more.0, more.code()), (409, "more_than_held"), "{more:?}");
    let mut elsewhere = early(&order, None, DUE);
    elsewhere["provider"] = json!("bkash");
    assert_eq!(bench.post("/finance/entries", &elsewhere).await.code(), "more_than_captured");
    assert_eq!(bench.post("/finance/entries", &early(&bench.vendor().await, None, DUE)).await.code(), "bad_entry");
    assert_eq!(bench.world.digests().await, before, "nothing was left by a no");

    let done = bench.agreed(&early(&order, None, DUE), "escrow-agree").await;
    assert_eq!((done.0, done.text("rule")), (201, "J31".to_owned()), "{done:?}");
    assert_eq!((bench.balance(2040).await, bench.balance(1033).await), (0, 0));
    bench.cancel(&order).await;
    assert_eq!(bench.balance(2050).await, 0, "his bank gave it back to him already");
    assert_eq!(bench.refund_all(&order, "RF 1").await.code(), "more_than_owed");
    bench.stop().await;
}

/// Two parcels of one price; what one of them cost is charged back, and then the order is called off: what is left in escrow
/// goes back once, not once for each parcel (seed 1276 of `./dev sim --money`).
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_an_order_goes_back_once_when_all_of_it_is_called_off() {
    let bench = Bench::start().await;
    let mut order = rice();
    order["payment"] = json!("prepaid");
    let mut second = order["items"][0].clone();
    second["vendor"] = json!("padma");
    order["items"].as_array_mut().unwrap().push(second);
    let placed = bench.world.place("called-off-two", &order).await;
    assert_eq!((placed.0, placed.1["parcels"].as_array().map(Vec::len)), (201, Some(2)), "{placed:?}");
    let order = placed.text("order");
    let payment = json!({ "order": order, "provider": "card", "reference": "two", "amount_paisa": 2 * DUE });
    assert_eq!(bench.world.post("finance", "/finance/payments", &payment).await.0, 201);
    let done = bench.agreed(&early(&order, None, DUE), "two-agree").await;
    assert_eq!((done.0, bench.balance(2040).await), (201, -DUE), "{done:?}");
    bench.cancel(&order).await;
    assert_eq!((bench.balance(2040).await, bench.balance(2050).await), (0, -DUE));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_back_is_charged_back_or_refunded_and_not_both() {
    let bench = Bench::start().await;
    let (order, _) = bench.paid("owed-order-1").await;
    bench.cancel(&order).await;
    assert_eq!((bench.balance(2050).await, bench.balance(2040).await), (-DUE, 0));
    let customer = bench.customer_of(&order).await;
    let wrong = bench.post("/finance/entries", &late(&bench.vendor().await, &order, DUE, DUE)).await;
    assert_eq!(wrong.code(), "still_the_customers", "{wrong:?}");
    let stranger = Subject::customer(Id16([9; 16])).to_string();
    let more = bench.post("/finance/entries", &early(&stranger, Some(&order), DUE)).await;
    assert_eq!(more.code(), "more_than_held", "{more:?}");

    let proposed = bench.post("/finance/entries", &early(&customer, Some(&order), DUE)).await;
    assert_eq!(proposed.text("state"), "waiting", "{proposed:?}");
    let held = bench.refund_all(&order, "RF 1").await;
    assert_eq!((held.0, held.code()), (409, "chargeback_waits"), "{held:?}");
    let path = format!("/finance/entries/{}/approve", proposed.text("entry"));
    let other = bench.world.second(Role::Finance).await;
    let done =
        bench.world.call_with("POST", &path, Some(&other), &[("idempotency-key", "owed-agree")], Vec::new()).await;
    assert_eq!(done.0, 201, "{done:?}");
    assert_eq!((bench.balance(2050).await, bench.balance(1033).await), (0, 0));
    assert_eq!(bench.refund_all(&order, "RF 1").await.code(), "more_than_owed");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refunded_before_the_notice_is_our_loss_and_never_the_vendors() {
    let bench = Bench::start().await;
    let (order, _) = bench.paid("refunded-order-1").await;
    bench.cancel(&order).await;
    assert_eq!(bench.refund_all(&order, "RF 1").await.0, 201);
    let settled = json!({
        "what": "settled", "bank": "dbbl-settlement", "provider": "card", "amount_paisa": DUE, "part_paisa": 1_604,
        "reference": "CARD 1",
    });
    bench.did("/finance/entries", &settled).await;
    assert_eq!(bench.balance(1033).await, -DUE, "it settled before it gave back, and was entered after");
    let mut again = settled.clone();
    again["reference"] = json!("CARD 2");
    assert_eq!(bench.post("/finance/entries", &again).await.code(), "more_than_held", "no more than it took");

    let vendor = bench.vendor().await;
    let share = bench.post("/finance/entries", &late(&vendor, &order, DUE, DUE - 1)).await;
    assert_eq!((share.0, share.code()), (409, "more_than_credited"), "{share:?}");
    let done = bench.agreed(&late(&vendor, &order, DUE, DUE), "refunded-agree").await;
    assert_eq!(done.0, 201, "{done:?}");
    assert_eq!((bench.balance(5060).await, bench.balance(1150).await, bench.balance(1033).await), (DUE, 0, -2 * DUE));
    let third = bench.post("/finance/entries", &late(&vendor, &order, 1, 1)).await;
    assert_eq!(third.code(), "reference_used", "{third:?}");
    let mut third = late(&vendor, &order, 1, 1);
    third["reference"] = json!("dispute 8");
    assert_eq!(bench.post("/finance/entries", &third).await.code(), "more_than_captured");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_goods_that_arrived_the_vendor_bears_what_he_was_credited_for() {
    let mut bench = Bench::start().await;
    let (order, parcel) = bench.paid("arrived-order-1").await;
    bench.deliver(parcel).await;
    assert_eq!(bench.balance(2040).await, 0);
    let vendor = bench.vendor().await;
    let share = bench.post("/finance/entries", &late(&vendor, &order, DUE, 0)).await;
    assert_eq!((share.code(), &share.1["state"]["held_paisa"]), ("more_than_credited", &json!(GOODS)), "{share:?}");
    assert_eq!(bench.post("/finance/entries", &early(&order, None, DUE)).await.code(), "more_than_held");
    let done = bench.agreed(&late(&vendor, &order, DUE, DUE - GOODS), "arrived-agree").await;
    assert_eq!(done.0, 201, "{done:?}");
    assert_eq!(
        (bench.balance(1150).await, bench.balance(5060).await, bench.balance(1033).await),
        (GOODS, DUE - GOODS, 0)
    );
    bench.stop().await;
}
