//! The loopback API, over a real socket.

use std::sync::Arc;

use edge_node::kiosk;
use protocol::seat::Role;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::seats::{World, acquaint};
use super::{DUE, folder};

struct Door {
    client: Client,
    base: String,
    token: String,
}

impl Door {
    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn post(&self, body: String) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}/api/v1/commands", self.base)).bearer_auth(&self.token);
        let response = request.body(body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_records_lists_and_refuses() {
    // Another test of this process may have installed it first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (place, mut world) = (folder(), World::new());
    let site = Arc::new(world.node(place.path(), Role::Site, world.site, 10));
    acquaint(&[&site]);
    let (parcel, placed) = world.parcel(30, DUE);
    let (second, also) = world.parcel(31, DUE);
    site.receive(vec![placed, also]).unwrap();
    let token = kiosk::token(place.path()).unwrap();
    assert_eq!(kiosk::token(place.path()).unwrap(), token);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(kiosk::run(Arc::clone(&site), token.clone(), listener, stopped));
    let door = Door { client: Client::builder().no_proxy().build().unwrap(), base, token };

    let act = "0123456789abcdef0123456789abcdef";
    let receive = json!({"act": act, "command": {"do": "receive", "parcel": parcel, "pieces": 1}}).to_string();
    let (status, receipt) = door.post(receive.clone()).await;
    assert_eq!((status, &receipt["standing"]), (StatusCode::OK, &json!("on_device")), "{receipt}");
    assert_eq!(door.post(receive).await, (StatusCode::OK, receipt.clone()));
    assert_eq!(door.get(&format!("/api/v1/receipts/{act}")).await, (StatusCode::OK, receipt));

    let (_, first) = door.get("/api/v1/parcels?limit=1").await;
    assert_eq!((&first["rows"][0]["parcel"], &first["rows"][0]["status"]), (&json!(parcel), &json!("at_hub")));
    assert_eq!(first["rows"][0]["due_paisa"], json!(DUE.paisa()));
    let after = first["after"].as_str().unwrap();
    let (_, rest) = door.get(&format!("/api/v1/parcels?after={after}")).await;
    assert_eq!((&rest["rows"][0]["parcel"], &rest["after"]), (&json!(second), &Value::Null));
    let (_, none) = door.get("/api/v1/parcels?status=returned").await;
    assert_eq!(none["rows"], json!([]));
    let (_, status) = door.get("/api/v1/status").await;
    assert_eq!((&status["role"], &status["waiting"], &status["ops"]), (&json!("site"), &json!(1), &json!(7)));

    let before = (site.digest().unwrap(), site.store().hello().unwrap());
    let again = json!({"act": "f".repeat(32), "command": {"do": "receive", "parcel": parcel, "pieces": 1}});
    for (body, status, code) in [
        (again.to_string(), 422, "wrong_state"),
        (again.to_string().replace("receive", "dance"), 400, "malformed_command"),
        (again.to_string().replace(&"f".repeat(32), "ff"), 400, "malformed_act"),
        (again.to_string().replace("pieces\":1", "pieces\":-1"), 400, "malformed_command"),
        (again.to_string().replace("pieces\":1", "pieces\":1e99"), 400, "malformed_command"),
        ("{".to_owned(), 400, "malformed_command"),
        ("x".repeat(70_000), 413, "body_too_large"),
    ] {
        let (got, problem) = door.post(body).await;
        assert_eq!((got.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
        assert!(problem["message"].is_string() && problem["next"].is_string());
    }
    for (path, status, code) in [
        ("/api/v1/parcels?limit=0", 400, "malformed_query"),
        ("/api/v1/parcels?after=P123", 400, "malformed_query"),
        ("/api/v1/receipts/zz", 400, "malformed_act"),
        ("/api/v1/receipts/%ff", 400, "malformed_act"),
        ("/api/v1/receipts/00000000000000000000000000000000", 404, "not_found"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/api/v1/commands", 405, "method_not_allowed"),
    ] {
        let (got, problem) = door.get(path).await;
        assert_eq!((got.as_u16(), problem["code"].as_str()), (status, Some(code)), "{path}: {problem}");
    }
    let stranger = Door { token: "wrong".to_owned(), client: door.client.clone(), base: door.base.clone() };
    assert_eq!(stranger.get("/api/v1/status").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.post(again.to_string()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!((site.digest().unwrap(), site.store().hello().unwrap()), before);

    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = door.client.get(format!("{}{path}", door.base)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert!(path != "/metrics" || answer.text().await.unwrap().contains("getit_outbox_bursts 1"));
    }
    drop(door);
    stop.send_replace(true);
    served.await.unwrap().unwrap();
}
