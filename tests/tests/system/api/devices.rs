//! Enrolment codes and revocation.

use central::devices::Invitation;
use ed25519_dalek::SigningKey;
use protocol::seat::Role;
use serde_json::json;

use super::world::{World, enrol_body};

async fn code(world: &World) -> String {
    let request = json!({ "role": "agent", "name": "Karim", "site": world.site, "cash_ceiling_paisa": 2_000_000 });
    let made = world.post("operations", "/devices/codes", &request).await;
    assert_eq!(made.0, 201, "{made:?}");
    let invitation = Invitation::parse(&made.text("code")).unwrap();
    assert_eq!(invitation.central, world.running.https.to_string());
    assert_eq!(invitation.ca_sha256, world.running.ca_sha256);
    assert_eq!(invitation.hubs, ["127.0.0.1:7443"]);
    invitation.code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_enrols_one_device_in_its_time() {
    let world = World::start().await;
    let (good, late) = (code(&world).await, code(&world).await);
    sqlx::query("UPDATE enrol_code SET expires_at = now() - interval '1 second' WHERE expires_at = (SELECT max(expires_at) FROM enrol_code)")
        .execute(&world.running.pool)
        .await
        .unwrap();
    let key = SigningKey::from_bytes(&[1; 32]);
    let before = world.digests().await;
    let mut forged = enrol_body(&good, &key);
    forged["proof"] = enrol_body(&late, &key)["proof"].clone();
    let mut weak = enrol_body(&good, &key);
    weak["public_key"] = json!("00".repeat(32));
    let mut junk = enrol_body(&good, &key);
    junk["public_key"] = json!("zz");
    for (body, status, refusal) in [
        (enrol_body("AAAAAAAAAAAAAAAAAAAAAAAAAA", &key), 404, "code_unknown"),
        (enrol_body(&late, &key), 410, "code_expired"),
        (forged, 422, "bad_proof"),
        (weak, 422, "weak_key"),
        (junk, 422, "bad_key"),
    ] {
        let answer = world.enrol(&body).await;
        assert_eq!((answer.0, answer.code()), (status, refusal), "{answer:?}");
    }
    let plain = serde_json::to_vec(&enrol_body(&good, &key)).unwrap();
    let plain = world.call_with("POST", "/enrol", None, &[], plain).await;
    assert_eq!((plain.0, plain.code()), (403, "tls_needed"));
    assert_eq!(world.digests().await, before);

    assert_eq!(world.enrol(&enrol_body(&good, &key)).await.0, 200);
    let after = world.digests().await;
    let again = world.enrol(&enrol_body(&good, &SigningKey::from_bytes(&[2; 32]))).await;
    assert_eq!((again.0, again.code()), (409, "code_used"));
    assert_eq!(world.digests().await, after);
    let fresh = code(&world).await;
    let same_key = world.enrol(&enrol_body(&fresh, &key)).await;
    assert_eq!((same_key.0, same_key.code()), (409, "key_used"));
    assert_eq!(world.enrol(&enrol_body(&fresh, &SigningKey::from_bytes(&[3; 32]))).await.0, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_enrolments_are_bounded() {
    let world = World::start().await;
    let key = SigningKey::from_bytes(&[1; 32]);
    let wrong = enrol_body("AAAAAAAAAAAAAAAAAAAAAAAAAA", &key);
    let mut answer = world.enrol(&wrong).await;
    for _ in 0..60 {
        answer = world.enrol(&wrong).await;
    }
    assert_eq!((answer.0, answer.code()), (429, "too_many_attempts"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_made_for_what_exists() {
    let world = World::start().await;
    let before = world.digests().await;
    for (request, status, refusal) in [
        (json!({ "role": "agent", "name": "Karim" }), 422, "site_needed"),
        (json!({ "role": "agent", "name": "Karim", "site": world.running.ca_sha256 }), 422, "wrong_type"),
        (json!({ "role": "site", "name": "Nowhere" }), 404, "unknown_site"),
        (json!({ "role": "vendor", "name": "Nobody", "vendor": "nobody" }), 404, "unknown_vendor"),
        (json!({ "role": "central", "name": "Me" }), 422, "bad_role"),
        (json!({ "role": "king", "name": "Me" }), 422, "wrong_type"),
        (json!({ "role": "hub", "name": "hub-1" }), 422, "bad_role"),
        (json!({ "role": "site", "name": "" }), 422, "bad_name"),
        (json!({ "role": "site", "name": "Hub", "cash_ceiling_paisa": -1 }), 422, "bad_amount"),
    ] {
        let answer = world.post("operations", "/devices/codes", &request).await;
        assert_eq!((answer.0, answer.code()), (status, refusal), "{request}");
    }
    assert_eq!(world.digests().await, before);
    let vendor = world.device(&json!({ "role": "vendor", "name": "Padma", "vendor": "padma" }), 8).await;
    assert_eq!(vendor.certificate.seat.role(), Role::Vendor);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_revoked_once_and_listed() {
    let world = World::start().await;
    let site = world.device(&json!({ "role": "site", "name": "Hub" }), 4).await;
    let author = site.certificate.author().to_string();
    let listed = world.get("operations", "/devices").await;
    let row = &listed.1["rows"][0];
    assert_eq!((row["author"].as_str(), row["role"].as_str()), (Some(author.as_str()), Some("site")), "{listed:?}");
    assert!(row["revoked_at"].is_null());

    let before = world.digests().await;
    for (who, status, refusal) in [("0011223344556677", 404, "unknown_device"), ("xyz", 400, "bad_id")] {
        let answer = world.post("operations", &format!("/devices/{who}/revoke"), &json!({})).await;
        assert_eq!((answer.0, answer.code()), (status, refusal));
    }
    assert_eq!(world.digests().await, before);

    let path = format!("/devices/{author}/revoke");
    let revoked = world.post("operations", &path, &json!({})).await;
    assert_eq!(revoked.0, 200, "{revoked:?}");
    let after = world.digests().await;
    let again = world.post("operations", &path, &json!({})).await;
    assert_eq!((again.0, &again.1), (200, &revoked.1));
    assert_eq!(world.digests().await, after);
    let listed = world.get("operations", "/devices?limit=1").await;
    assert_eq!(listed.1["rows"][0]["revoked_at"], revoked.1["revoked_at"]);
    let (revocations,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM revocation").fetch_one(&world.running.pool).await.unwrap();
    assert_eq!(revocations, 1);
    world.stop().await;
}
