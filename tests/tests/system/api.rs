//! The HTTP API of central, in process, over a real Postgres: what it takes, what it refuses, and that
//! a refusal leaves no trace.

mod banking;
mod cash_refunds;
mod chargebacks;
mod client;
mod contract;
mod couriers;
mod credit;
mod devices;
mod document;
mod door;
mod entries;
mod foreign;
mod fuzz;
mod orders;
mod payout_fees;
mod periods;
mod points;
mod receipts;
mod returns;
mod rulings;
mod statements;
mod transfers;
mod vendors;
mod voids;
mod world;

use serde_json::json;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_a_token_of_its_role() {
    let world = World::start().await;
    let order = "O00000000000000000000000000000";
    let routes = [
        ("POST", "/orders".to_owned(), "customer"),
        ("GET", format!("/orders/{order}"), "customer operations"),
        ("POST", format!("/orders/{order}/cancel"), "customer operations"),
        ("POST", format!("/orders/{order}/credit"), "customer operations finance"),
        ("GET", format!("/track/{order}"), "customer operations finance vendor"),
        ("POST", "/sites".to_owned(), "operations"),
        ("POST", "/vendors".to_owned(), "operations"),
        ("PUT", "/vendors/x/offers".to_owned(), "operations"),
        ("GET", "/vendors/me/parcels".to_owned(), "vendor"),
        ("GET", "/vendors/me/earnings".to_owned(), "vendor"),
        ("GET", "/vendors/me/balance".to_owned(), "vendor"),
        ("GET", "/devices".to_owned(), "operations"),
        ("POST", "/devices/codes".to_owned(), "operations"),
        ("POST", "/devices/0011223344556677/revoke".to_owned(), "operations"),
        ("GET", "/finance/trial-balance".to_owned(), "finance"),
        ("GET", "/finance/cash-by-custodian".to_owned(), "finance"),
        ("GET", "/finance/vendor-payable".to_owned(), "finance"),
        ("GET", "/finance/vendor-accounts".to_owned(), "finance"),
        ("GET", format!("/finance/journals/{order}"), "finance"),
        ("GET", "/finance/exceptions".to_owned(), "finance"),
        ("GET", format!("/finance/contested/{}", world.site), "operations finance"),
        ("POST", "/finance/clearings".to_owned(), "operations finance"),
        ("POST", "/finance/voids".to_owned(), "operations finance"),
        ("POST", "/finance/door-payments".to_owned(), "finance"),
        ("GET", "/finance/cash-refunds".to_owned(), "finance"),
        ("POST", "/finance/cash-refunds".to_owned(), "finance"),
        ("POST", format!("/finance/cash-refunds/{}/withdraw", world.site), "finance"),
        ("GET", "/finance/bags".to_owned(), "finance"),
        ("POST", "/finance/bags".to_owned(), "finance"),
        ("GET", "/finance/deposits".to_owned(), "finance"),
        ("POST", "/finance/deposits".to_owned(), "finance"),
        ("POST", format!("/finance/deposits/{order}/confirm"), "finance"),
        ("POST", "/finance/maturing".to_owned(), "finance"),
        ("GET", "/finance/payouts".to_owned(), "finance"),
        ("POST", "/finance/payouts".to_owned(), "finance"),
        ("GET", format!("/finance/payouts/{order}/lines"), "finance"),
        ("POST", format!("/finance/payouts/{order}/confirm"), "finance"),
        ("POST", "/finance/sweeps".to_owned(), "finance"),
        ("POST", "/finance/remittances".to_owned(), "finance"),
        ("GET", "/finance/differences".to_owned(), "finance"),
        ("GET", "/finance/rulings".to_owned(), "finance"),
        ("POST", "/finance/rulings".to_owned(), "finance"),
        ("POST", format!("/finance/rulings/{order}/approve"), "finance"),
        ("POST", format!("/finance/rulings/{order}/withdraw"), "finance"),
        ("GET", "/finance/statements".to_owned(), "finance"),
        ("POST", "/finance/statements?bank=b-1&side=settlement".to_owned(), "finance"),
        ("GET", "/finance/lines".to_owned(), "finance"),
        ("POST", format!("/finance/lines/{order}/explain"), "finance"),
        ("GET", "/finance/entries".to_owned(), "finance"),
        ("POST", "/finance/entries".to_owned(), "finance"),
        ("POST", format!("/finance/entries/{order}/approve"), "finance"),
        ("POST", format!("/finance/entries/{order}/withdraw"), "finance"),
        ("GET", "/consignments".to_owned(), "operations finance"),
        ("POST", format!("/parcels/{order}/consignment"), "operations"),
        ("POST", format!("/parcels/{order}/consignment/report"), "operations"),
        ("GET", "/returns".to_owned(), "customer operations finance"),
        ("POST", format!("/orders/{order}/returns"), "customer operations"),
        ("POST", format!("/returns/{order}/accept"), "operations finance"),
        ("POST", format!("/returns/{order}/refuse"), "operations finance"),
        ("GET", "/finance/settings".to_owned(), "finance"),
        ("POST", "/finance/settings".to_owned(), "finance"),
        ("PUT", "/vendors/x/account".to_owned(), "operations"),
        ("POST", format!("/finance/payouts/{order}/return"), "finance"),
        ("GET", "/finance/overview".to_owned(), "finance"),
        ("GET", "/finance/cash-over-time".to_owned(), "finance"),
        ("GET", "/finance/ageing".to_owned(), "finance"),
        ("GET", "/finance/shortages".to_owned(), "finance"),
        ("GET", "/finance/differences/00/evidence?owner=x".to_owned(), "finance"),
        ("GET", "/finance/vat?from=2026-11&to=2026-11".to_owned(), "finance"),
        ("GET", "/finance/settlement?from=2026-11-01&to=2026-11-02".to_owned(), "finance"),
        ("GET", "/finance/periods".to_owned(), "finance"),
        ("POST", "/finance/periods/2099-01/close".to_owned(), "finance"),
        ("GET", "/finance/periods/2099-01/balance".to_owned(), "finance"),
        ("GET", "/finance/balances".to_owned(), "finance"),
        ("GET", "/finance/seals".to_owned(), "finance"),
        ("GET", "/finance/accounts/4010/lines".to_owned(), "finance"),
        ("GET", "/finance/accounts/4010/balance".to_owned(), "finance"),
    ];
    let before = world.digests().await;
    for (method, path, roles) in routes {
        let bare = world.call_with(method, &path, None, &[], Vec::new()).await;
        assert_eq!((bare.0, bare.code()), (401, "token_needed"), "{path}");
        let unknown = world.call_with(method, &path, Some("nobody"), &[], Vec::new()).await;
        assert_eq!((unknown.0, unknown.code()), (401, "token_unknown"), "{path}");
        for role in ["customer", "operations", "finance", "vendor"] {
            let answer = world.call_with(method, &path, Some(world.token(role)), &[], Vec::new()).await;
            let allowed = roles.split(' ').any(|allowed| allowed == role);
            assert_eq!(answer.0 != 403, allowed, "{role} on {method} {path}: {answer:?}");
            assert_ne!(answer.0, 500, "{path}");
        }
    }
    assert_eq!(world.digests().await, before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_methods_pages_and_health() {
    let world = World::start().await;
    for (method, path, status, code) in [
        ("GET", "/nothing", 404, "no_such_path"),
        ("DELETE", "/orders", 405, "wrong_method"),
        ("GET", "/orders/ORDER", 400, "bad_id"),
        ("GET", "/orders/%ff", 400, "bad_id"),
        ("GET", "/track/P123", 400, "bad_id"),
    ] {
        let answer = world.call_with(method, path, Some(world.token("customer")), &[], Vec::new()).await;
        assert_eq!((answer.0, answer.code()), (status, code), "{path}");
        assert!(answer.1["message"].is_string() && answer.1["next"].is_string(), "{answer:?}");
    }
    for list in ["trial-balance", "cash-by-custodian", "vendor-payable", "exceptions", "journals/%00"] {
        for page in ["?limit=0", "?limit=1001", "?limit=many", "?after=%00x", "?limit=1&limit=2"] {
            let answer = world.get("finance", &format!("/finance/{list}{page}")).await;
            assert_eq!(answer.0, 400, "{list}{page}: {answer:?}");
        }
    }
    assert_eq!(world.get("finance", "/finance/exceptions?kind=contested&limit=5").await.0, 200);
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = world.raw(path).await;
        assert_eq!(answer.0, 200, "{path}");
        assert!(!answer.1.contains("nothing"), "labels are templates, not URLs: {}", answer.1);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_set_up_sites_vendors_and_offers_once() {
    let world = World::start().await;
    let before = world.digests().await;
    let twice = world.post("operations", "/sites", &json!({ "name": "Hub", "districts": ["Khulna"] })).await;
    assert_eq!((twice.0, twice.code()), (409, "site_exists"));
    let taken = world.post("operations", "/sites", &json!({ "name": "Other", "districts": ["DHAKA"] })).await;
    assert_eq!((taken.0, taken.code()), (409, "district_taken"));
    let vendor = world.post("operations", "/vendors", &json!({ "slug": "meghna", "name": "Meghna" })).await;
    assert_eq!((vendor.0, vendor.code()), (409, "vendor_exists"));
    let slug = world.post("operations", "/vendors", &json!({ "slug": "Me gh", "name": "Meghna" })).await;
    assert_eq!((slug.0, slug.code()), (422, "bad_slug"));
    let offer = |sku: &str, price: i64| json!({ "sku": sku, "name_en": "Rice", "name_bn": "চাল", "unit": "kg", "unit_price_paisa": price });
    for (offers, code) in [
        (json!([offer("A", 0)]), "bad_price"),
        (json!([offer("A", 1), offer("A", 2)]), "sku_twice"),
        (json!([offer("A", 5), offer("", 5)]), "bad_name"),
        (json!(vec![offer("A", 1); 1_001]), "too_many_offers"),
    ] {
        let answer = world.put_offers("meghna", &offers).await;
        assert_eq!((answer.0, answer.code()), (422, code));
    }
    assert_eq!(world.put_offers("nobody", &json!([offer("A", 1)])).await.code(), "unknown_vendor");
    assert_eq!(world.digests().await, before);
    let many: Vec<_> = (0..1_000).map(|n| offer(&format!("B{n}"), 100 + n)).collect();
    assert_eq!(world.put_offers("meghna", &json!(many)).await.1, json!({ "offers": 1_000 }));
    world.stop().await;
}
