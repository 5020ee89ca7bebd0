//! A printed receipt, asked about by whoever holds the paper: no token, no name, and every paper of a counter resolves.

use data_encoding::HEXUPPER;
use protocol::fact::{Fact, Reading};
use protocol::id::Subject;
use protocol::op::Op;
use serde_json::{Value, json};

use super::points::{fetch, point};
use super::world::World;

/// The code on the paper of what was recorded about a subject: the first such fact.
pub(super) async fn code_of(world: &World, about: Subject, what: &str) -> String {
    let held: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT id, bytes FROM op WHERE subject = $1 ORDER BY position")
        .bind(about.0)
        .fetch_all(&world.running.pool)
        .await
        .unwrap();
    let is = |bytes: &[u8]| {
        let op = Op::decode(bytes).unwrap();
        matches!(Fact::read(op.class_kind, &op.payload), Reading::Known(fact) if fact.name() == what)
    };
    let (id, _) = held.iter().find(|(_, bytes)| is(bytes)).unwrap();
    HEXUPPER.encode(&id[..8])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_paper_of_a_counter_resolves() {
    let world = World::start().await;
    let site = point(&world, "Farmgate point", 23_760_000, true).await;
    let (_, parcel) = fetch(&world, site, true, 60).await;
    for (what, amount) in [("PartnerPaid", json!(106_900)), ("HandedOver", Value::Null), ("Received", Value::Null)] {
        let code = code_of(&world, parcel, what).await;
        // As it is printed, as people type it, and without any token.
        let grouped = format!("{}%20{}-{}%20{}", &code[..4], &code[4..8], &code[8..12].to_lowercase(), &code[12..]);
        for written in [code.as_str(), grouped.as_str()] {
            let told = world.anybody(&format!("/receipts/{written}")).await;
            assert_eq!((told.0, told.1["what"].as_str()), (200, Some(what)), "{told:?}");
            assert_eq!((&told.1["amount_paisa"], told.1["standing"].as_str()), (&amount, Some("in_the_books")));
            assert_eq!(told.1["about"], json!(parcel.label().to_string()));
            let text = told.1.to_string();
            assert!(!text.contains("রহিম") && !text.contains("01712345678"), "nothing of the customer is told: {text}");
        }
    }
    let paid = code_of(&world, parcel, "PartnerPaid").await;
    let told = world.anybody(&format!("/receipts/{paid}")).await;
    assert_eq!(told.1["site"], "Farmgate point");
    assert_eq!(told.1["code"].as_str().unwrap().replace(' ', ""), paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_paper_of_a_counter_is_not_told() {
    let world = World::start().await;
    let site = point(&world, "Farmgate point", 23_760_000, false).await;
    let (_, parcel) = fetch(&world, site, false, 60).await;
    // What central and its likes recorded of the same parcel is printed nowhere.
    let created = code_of(&world, parcel, "ParcelCreated").await;
    let answer = world.anybody(&format!("/receipts/{created}")).await;
    assert_eq!((answer.0, answer.code()), (404, "unknown_receipt"), "{answer:?}");
    let paid = code_of(&world, parcel, "CounterPaid").await;
    let near = format!("{}{}", &paid[..15], if paid.ends_with('0') { "1" } else { "0" });
    for (code, status, refusal) in [
        (near.as_str(), 404, "unknown_receipt"),
        (&paid[..8], 400, "bad_receipt_code"),
        ("GT%204471", 400, "bad_receipt_code"),
        ("%F0%9F%A6%80", 400, "bad_receipt_code"),
    ] {
        let answer = world.anybody(&format!("/receipts/{code}")).await;
        assert_eq!((answer.0, answer.code()), (status, refusal), "{code}: {answer:?}");
        assert!(!answer.text("next").is_empty());
    }
}
