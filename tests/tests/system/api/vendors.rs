//! What a vendor's token reads: its own, page by page, and nothing of anybody else.

use central::tokens;
use protocol::fact::{Accepted, Fact};
use protocol::id::Subject;
use serde_json::{Value, json};

use super::world::{Answer, World, rice};

async fn read(world: &World, token: &str, path: &str) -> Answer {
    world.call_with("GET", path, Some(token), &[], Vec::new()).await
}

/// An order of one sack of rice from this vendor; its parcel.
async fn parcel_of(world: &World, key: &str, vendor: &str) -> String {
    let mut order = rice();
    order["items"][0]["vendor"] = json!(vendor);
    let placed = world.place(key, &order).await;
    assert_eq!(placed.0, 201, "{placed:?}");
    placed.1["parcels"][0]["parcel"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_reads_its_own_and_nothing_else() {
    let world = World::start().await;
    let meghna = tokens::mint_for_vendor(&world.running.pool, "meghna").await.unwrap();
    let padma = tokens::mint_for_vendor(&world.running.pool, "padma").await.unwrap();
    let mut of_meghna = Vec::new();
    for n in 0..5 {
        of_meghna.push(parcel_of(&world, &format!("meghna-{n}"), "meghna").await);
    }
    let of_padma = parcel_of(&world, "padma-000", "padma").await;
    let mut device = world.device(&json!({ "role": "vendor", "name": "Meghna", "vendor": "meghna" }), 3).await;
    let first = Subject::parse(&of_meghna[0]).unwrap();
    world.act(&mut device, first, Fact::Accepted(Accepted {})).await;

    // Page by page, each parcel once.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = read(&world, &meghna, &format!("/vendors/me/parcels?limit=2{after}")).await;
        assert_eq!(page.0, 200, "{page:?}");
        let rows = page.1["rows"].as_array().unwrap();
        assert!(rows.len() <= 2);
        seen.extend(rows.iter().map(|row| row["parcel"].as_str().unwrap().to_owned()));
        match page.1["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    seen.sort();
    of_meghna.sort();
    assert_eq!(seen, of_meghna);
    let accepted = read(&world, &meghna, "/vendors/me/parcels?status=accepted").await;
    assert_eq!(accepted.1["rows"].as_array().unwrap().len(), 1, "{accepted:?}");
    assert_eq!(accepted.1["rows"][0]["parcel"], first.to_string());

    // A cursor of somebody else's list opens nothing of it.
    let others = read(&world, &padma, &format!("/vendors/me/parcels?after={}", of_meghna[0])).await;
    let none: Vec<&Value> =
        others.1["rows"].as_array().unwrap().iter().filter(|row| row["parcel"] != of_padma).collect();
    assert!(none.is_empty(), "{none:?}");
    let earnings = read(&world, &padma, "/vendors/me/earnings").await;
    assert_eq!(earnings.1["rows"].as_array().unwrap().len(), 1, "{earnings:?}");
    assert_eq!(earnings.1["rows"][0]["parcel"], of_padma);
    assert_eq!(read(&world, &padma, "/vendors/me/balance").await.1["payable_paisa"], 0);
    assert_eq!(read(&world, &padma, &format!("/track/{of_padma}")).await.0, 200);
    for parcel in &of_meghna {
        let tracked = read(&world, &padma, &format!("/track/{parcel}")).await;
        assert_eq!((tracked.0, tracked.code()), (404, "unknown_parcel"));
    }
    for page in ["limit=0", "limit=1001", "after=%00", "after=x", "status=%00"] {
        let answer = read(&world, &padma, &format!("/vendors/me/parcels?{page}")).await;
        assert_eq!((answer.0, answer.code()), (400, "bad_page"), "{page}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_no_vendor_reads_nothing() {
    let world = World::start().await;
    let parcel = parcel_of(&world, "meghna-01", "meghna").await;
    assert!(tokens::mint_for_vendor(&world.running.pool, "nobody").await.is_err());
    let loose = tokens::mint(&world.running.pool, tokens::Role::Vendor).await.unwrap();
    for path in ["parcels", "earnings", "balance"] {
        let answer = read(&world, &loose, &format!("/vendors/me/{path}")).await;
        assert_eq!((answer.0, answer.code()), (403, "token_of_no_vendor"), "{path}");
    }
    assert_eq!(read(&world, &loose, &format!("/track/{parcel}")).await.code(), "unknown_parcel");
    world.stop().await;
}
