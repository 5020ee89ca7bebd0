//! Documents on the real parts: a vendor's two devices, operations, an agent and a courier hub edit
//! while they are apart, and see each other's edits when they meet.

use central::documents;
use protocol::burst::{Burst, ChainPlace};
use protocol::command::Command;
use protocol::decide::Draft;
use protocol::document::product::{self, ProductEdit};
use protocol::document::{Document, Value};
use protocol::fact::{Fact, ProductChange};
use protocol::id::{Incarnation, Subject};
use protocol::intake::{Verified, op_of};
use serde_json::{Value as Json, json};

use super::house::{Crew, Edge, House, soon};

fn act(n: u8) -> [u8; 16] {
    [n; 16]
}

fn name(text: &str) -> ProductEdit {
    ProductEdit { name_en: Some(text.to_owned()), ..ProductEdit::default() }
}

fn price(paisa: i64) -> ProductEdit {
    ProductEdit { price_paisa: Some(paisa), ..ProductEdit::default() }
}

/// Waits until the edge's product says so.
async fn sees(edge: &Edge, rice: Subject, english: &str, paisa: i64) {
    soon(&format!("{} sees {english} at {paisa}", edge.name), async || {
        let view = edge.node.product(rice).unwrap().ok_or("no product")?;
        let english_now = view.name_en.and_then(|field| field.used.value);
        let price_now = view.price_paisa.and_then(|field| field.used.value);
        let so = english_now.as_deref() == Some(english) && price_now == Some(paisa);
        so.then_some(()).ok_or(format!("{english_now:?} at {price_now:?}"))
    })
    .await;
}

async fn offers(house: &House, english: &str, paisa: i64) {
    soon(&format!("the offer is {english} at {paisa}"), async || {
        let row: (String, i64) = sqlx::query_as("SELECT name_en, unit_price_paisa FROM offer WHERE sku = 'RICE'")
            .fetch_one(house.pool())
            .await
            .unwrap();
        (row == (english.to_owned(), paisa)).then_some(()).ok_or(format!("{row:?}"))
    })
    .await;
}

async fn two_devices(house: &House) -> (Edge, Edge, Subject) {
    let one = house.vendor().await;
    let two = house.enrol("vendor-2", &json!({ "role": "vendor", "name": "Meghna 2", "vendor": "meghna" })).await;
    let rice = Subject::product(one.party(), "RICE");
    assert_eq!(two.party(), one.party());
    (one, two, rice)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_of_a_vendor_edit_one_product_apart_and_both_edits_stay() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let (mut one, mut two, rice) = two_devices(&house).await;
    one.go_online(hub.quic);
    two.go_online(hub.quic);
    sees(&one, rice, "Rice", 100_000).await;
    sees(&two, rice, "Rice", 100_000).await;

    // Different fields: both stand, with who did what.
    one.go_offline().await;
    two.go_offline().await;
    let receipt = one.node.edit_product(act(1), rice, &name("Fine rice")).unwrap();
    assert_eq!(one.node.edit_product(act(1), rice, &name("Other")).unwrap(), receipt, "the same form twice");
    two.node.edit_product(act(2), rice, &price(120_050)).unwrap();
    for edge in [&mut one, &mut two] {
        edge.go_online(hub.quic);
    }
    for edge in [&one, &two] {
        sees(edge, rice, "Fine rice", 120_050).await;
        let view = edge.node.product(rice).unwrap().unwrap();
        let (english, paisa) = (view.name_en.unwrap().used, view.price_paisa.unwrap().used);
        assert_eq!((english.author, paisa.author), (one.node.author().to_string(), two.node.author().to_string()));
        assert_eq!(english.fact, receipt.facts[0].id);
        let told: Vec<_> = view.history.iter().skip(1).flat_map(|revision| &revision.alterations).collect();
        let mut told: Vec<_> =
            told.iter().map(|told| (told.field.as_str(), told.was.join("|"), told.now.as_str())).collect();
        told.sort();
        assert_eq!(told, [("name_en", "Rice".to_owned(), "Fine rice"), ("price", "100000".to_owned(), "120050")]);
        assert!(!view.to_choose);
    }
    offers(&house, "Fine rice", 120_050).await;

    // One field: both are kept, the same one is in use everywhere, and the vendor chooses.
    one.go_offline().await;
    two.go_offline().await;
    one.node.edit_product(act(3), rice, &name("Rice A")).unwrap();
    two.node.edit_product(act(4), rice, &name("Rice B")).unwrap();
    for edge in [&mut one, &mut two] {
        edge.go_online(hub.quic);
    }
    house.settled(&[&one, &two]).await;
    let chosen = {
        let both = |edge: &Edge| {
            let field = edge.node.product(rice).unwrap().unwrap().name_en.unwrap();
            (field.used.value.unwrap(), field.others.into_iter().filter_map(|claim| claim.value).collect::<Vec<_>>())
        };
        let (used, others) = both(&one);
        assert_eq!(both(&two), (used.clone(), others.clone()));
        assert_eq!(others.len(), 1);
        assert!(one.node.product(rice).unwrap().unwrap().to_choose);
        offers(&house, &used, 120_050).await;
        let page = house.operate("GET", "/vendors/meghna/products?limit=10", &Json::Null).await;
        let told = &page["rows"][0]["fields"]["name_en"];
        assert_eq!((&told["value"], &told["others"][0]["value"]), (&json!(used), &json!(others[0])));
        others[0].clone()
    };
    one.node.edit_product(act(5), rice, &name(&chosen)).unwrap();
    sees(&two, rice, &chosen, 120_050).await;
    assert!(!two.node.product(rice).unwrap().unwrap().to_choose);
    offers(&house, &chosen, 120_050).await;

    // Operations change the fields that differ, and only those.
    let rice_now =
        json!([{ "sku": "RICE", "name_en": chosen, "name_bn": "চাল", "unit": "bag", "unit_price_paisa": 120_050 }]);
    house.operate("PUT", "/vendors/meghna/offers", &rice_now).await;
    house.settled(&[&one, &two]).await;
    let last = one.node.product(rice).unwrap().unwrap().history.pop().unwrap();
    let fields: Vec<&str> = last.alterations.iter().map(|told| told.field.as_str()).collect();
    assert_eq!((last.role.word(), fields), ("central", vec!["unit"]));

    // Bad input is refused on the spot, with a sentence, and records nothing.
    let refused = |edit: &ProductEdit| match one.node.edit_product(act(9), rice, edit) {
        Err(edge_node::RecordError::Refusal(refusal)) => refusal.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&price(12_025)), "bad_price");
    assert_eq!(refused(&name(&"ক".repeat(10_000))), "text_too_long");
    assert_eq!(refused(&name(&chosen)), "nothing_changed");
    house.settled(&[&one, &two]).await;

    // A vendor's new product reaches its other device and the market.
    let fish = ProductEdit {
        name_en: Some("Hilsa".to_owned()),
        name_bn: Some("ইলিশ".to_owned()),
        unit: Some("1 kg".to_owned()),
        price_paisa: Some(150_000),
        description: None,
    };
    two.node.new_product(act(10), "FISH", &fish).unwrap();
    house.settled(&[&one, &two]).await;
    let seen = one.node.products(None, 10).unwrap();
    assert!(seen.iter().any(|view| view.sku == "FISH"), "the other device has it");
    soon("the new offer", async || {
        let (count,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM offer WHERE sku = 'FISH'").fetch_one(house.pool()).await.unwrap();
        (count == 1).then_some(()).ok_or(String::new())
    })
    .await;
    one.go_offline().await;
    two.go_offline().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_price_leaves_the_offer_and_opens_an_exception_and_strangers_change_nothing() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let (mut one, _two, rice) = two_devices(&house).await;
    one.go_online(hub.quic);
    sees(&one, rice, "Rice", 100_000).await;

    // A price that no form lets through: a text, by the vendor's own seat.
    house.operate("POST", "/vendors", &json!({ "slug": "padma", "name": "Padma" })).await;
    let stranger = house.enrol("padma", &json!({ "role": "vendor", "name": "Padma", "vendor": "padma" })).await;
    let inc = Incarnation(*b"hand");
    let vendor = one.party();
    let by_hand = async |edge: &Edge, seq: u64, fields: &[(&str, Value)]| {
        let author = edge.node.author();
        let change = Document::of([]).edit(author, inc, fields).unwrap();
        let edit = ProductChange { vendor, sku: "RICE".to_owned(), change };
        let op = op_of(rice, &Fact::ProductChanged(edit), Vec::new());
        let place = ChainPlace { seq, ..ChainPlace::start(author, inc) };
        let burst = Burst::sign(&edge.node.identity().key, &place, 1, &[op]);
        house.central.intake.take(vec![Verified::of_own(burst)]).await.unwrap();
    };
    by_hand(&stranger, 1, &[(product::NAME_EN, Value::Text("Stolen".to_owned()))]).await;
    documents::catch_up(house.pool()).await.unwrap();
    offers(&house, "Rice", 100_000).await;
    assert_eq!(stranger.node.products(None, 10).unwrap().len(), 0);
    let (code,): (String,) = sqlx::query_as("SELECT code FROM exception WHERE kind = 'quarantined_fact'")
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert_eq!(code, "foreign_product");

    // It follows nothing: its counter is that of operations' first change, and the price is in conflict.
    // Whichever is in use, the offer is one that can be sold.
    one.go_offline().await;
    by_hand(&one, 1, &[(product::PRICE, Value::Text("free".to_owned()))]).await;
    documents::catch_up(house.pool()).await.unwrap();
    offers(&house, "Rice", 100_000).await;

    // Operations' own slip: a price below zero.
    let (inc,): ([u8; 4],) = sqlx::query_as("SELECT inc FROM central_author").fetch_one(house.pool()).await.unwrap();
    let author = house.central.intake.author_name();
    let bad = product_of(&house, rice, author, Incarnation(inc), &[(product::PRICE, Value::Number(-5))]).await;
    let edit = ProductChange { vendor: one.party(), sku: "RICE".to_owned(), change: bad };
    let draft = Draft { subject: rice, fact: Fact::ProductEntered(edit) };
    house.central.intake.author(vec![draft], Vec::new(), None).await.unwrap();
    documents::catch_up(house.pool()).await.unwrap();
    offers(&house, "Rice", 100_000).await;
    let open = async || {
        let rows: Vec<(String,)> = sqlx::query_as("SELECT code FROM exception WHERE kind = 'unsellable_product'")
            .fetch_all(house.pool())
            .await
            .unwrap();
        rows.into_iter().map(|(code,)| code).collect::<Vec<_>>()
    };
    assert_eq!(open().await, ["bad_price"]);
    let before = house.digests().await;
    central::rebuild::rebuild(house.pool()).await.unwrap();
    assert_eq!(house.digests().await, before);
    // From the first op on: the same offers, the same exceptions.
    sqlx::query("UPDATE document_cursor SET position = 0").execute(house.pool()).await.unwrap();
    documents::catch_up(house.pool()).await.unwrap();
    assert_eq!(house.digests().await, before);
    offers(&house, "Rice", 100_000).await;

    // The vendor mends it, and the exception closes by itself.
    one.go_online(hub.quic);
    soon("the bad price", async || {
        let view = one.node.product(rice).unwrap().unwrap();
        (view.history.len() == 3).then_some(()).ok_or(format!("{}", view.history.len()))
    })
    .await;
    one.node.edit_product(act(1), rice, &price(90_000)).unwrap();
    offers(&house, "Rice", 90_000).await;
    assert_eq!(open().await, Vec::<String>::new());
    one.go_offline().await;
}

/// A change of central on what central holds.
async fn product_of(
    house: &House,
    subject: Subject,
    author: protocol::id::Author,
    inc: Incarnation,
    fields: &[(&str, Value)],
) -> Vec<u8> {
    documents::document(house.pool(), subject).await.unwrap().unwrap().edit(author, inc, fields).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_products_arrive_without_one_being_loaded() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let offer = |n: usize| json!({ "sku": format!("SKU-{n}"), "name_en": format!("Goods {n}"), "name_bn": "পণ্য", "unit": "piece", "unit_price_paisa": 10_000 + 50 * n });
    let all: Vec<Json> = (0..999).map(offer).collect();
    house.operate("PUT", "/vendors/meghna/offers", &json!(all)).await;
    let mut vendor = house.vendor().await;
    vendor.go_online(hub.quic);
    house.settled(&[&vendor]).await;
    assert_eq!(vendor.node.documents_loaded(), 0, "syncing loads no document");
    let mut seen = 0;
    let mut after = None;
    loop {
        let page = vendor.node.products(after, 100).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.product);
        seen += page.len();
    }
    assert_eq!((seen, vendor.node.documents_loaded()), (1_000, 1_000));
    let rice = Subject::product(vendor.party(), "RICE");
    // It may be among the last that were looked at, and warm already.
    vendor.node.product(rice).unwrap().unwrap();
    let loaded = vendor.node.documents_loaded();
    for _ in 0..3 {
        vendor.node.product(rice).unwrap().unwrap();
    }
    assert_eq!(vendor.node.documents_loaded(), loaded, "what is looked at again is warm");
    vendor.go_offline().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_and_addresses_go_with_the_parcel_and_stay_shut_for_the_vendor() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    let mut other = house.agent("agent-2").await;
    crew.go_online(hub.quic);
    other.go_online(hub.quic);
    let parcel = house.place("1").await;
    crew.bring_to_agent(parcel).await;
    house.settled(&crew.all()).await;

    crew.go_offline().await;
    crew.agent.node.edit_note(act(1), parcel, "কুকুর আছে, ring twice").unwrap();
    let line =
        protocol::document::detail::AddressEdit { line: Some("House 9, Road 3".to_owned()), ..Default::default() };
    crew.site.node.edit_address(act(2), parcel, &line).unwrap();
    crew.go_online(hub.quic);
    house.settled(&crew.all()).await;
    let note = |edge: &Edge| edge.node.note(parcel).unwrap().text.and_then(|field| field.used.value);
    let line = |edge: &Edge| edge.node.address(parcel).unwrap().line.and_then(|field| field.used.value);
    for edge in [&crew.agent, &crew.site] {
        assert_eq!(note(edge).as_deref(), Some("কুকুর আছে, ring twice"), "{}", edge.name);
        assert_eq!(line(edge).as_deref(), Some("House 9, Road 3"), "{}", edge.name);
    }
    assert_eq!((note(&crew.vendor), note(&other)), (None, None));
    let denied = crew.vendor.node.edit_note(act(3), parcel, "hello");
    assert!(denied.is_err(), "a vendor writes no notes");
    let denied = other.node.edit_note(act(4), parcel, "hello");
    assert!(matches!(&denied, Err(edge_node::RecordError::Refusal(refusal)) if refusal.code() == "no_key"));

    // No copy of central's log holds a word of it.
    let (open,): (i64,) = sqlx::query_as("SELECT count(*) FROM op WHERE position($1 in bytes) > 0")
        .bind(b"ring twice".as_slice())
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert_eq!(open, 0);

    // The parcel comes to another agent, and its note with it.
    crew.site.tap(&Command::Dispatch { parcels: vec![parcel], agent: other.party() }).await;
    soon("the note at the other agent", async || {
        let seen = note(&other);
        (seen.as_deref() == Some("কুকুর আছে, ring twice")).then_some(()).ok_or(format!("{seen:?}"))
    })
    .await;
    house.settled(&[&crew.vendor, &crew.site, &crew.agent, &other]).await;
    assert_eq!(note(&crew.vendor), None);
    crew.go_offline().await;
    other.go_offline().await;
}
