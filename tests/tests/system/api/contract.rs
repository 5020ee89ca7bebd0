//! The document and the server say the same: every route that is described is served as described, and
//! no other one is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::document::{Described, Document, Judge};
use super::world::{Request, World, enrol_body, rice};

/// Path parameters that name something in the world.
pub(super) struct Seeded(BTreeMap<(&'static str, &'static str), String>);

impl Seeded {
    /// An order that can still be called off, and a device.
    pub(super) async fn plant(world: &World) -> Self {
        let placed = world.place("seeded-01", &rice()).await;
        assert_eq!(placed.0, 201, "{placed:?}");
        let parcel = placed.1["parcels"][0]["parcel"].as_str().unwrap().to_owned();
        let device = world.device(&json!({ "role": "vendor", "name": "Meghna", "vendor": "meghna" }), 21).await;
        Self(BTreeMap::from([
            (("orders", "id"), placed.text("order")),
            (("track", "parcel"), parcel.clone()),
            (("devices", "author"), device.certificate.author().to_string()),
            (("finance", "id"), parcel),
        ]))
    }

    /// The path with its variable segments filled in: by what there is, or by the document's example.
    pub(super) fn path(&self, operation: &Described, document: &Document) -> String {
        let mut path = operation.path.clone();
        let noun = path.trim_start_matches("/api/v1").split('/').nth(1).unwrap_or_default().to_owned();
        for parameter in operation.parameters.iter().filter(|parameter| parameter.place == "path") {
            let known = self.0.iter().find(|((of, name), _)| *of == noun && *name == parameter.name);
            let value = match known {
                Some((_, value)) => value.clone(),
                None => document.example(&parameter.schema).as_str().unwrap().to_owned(),
            };
            path = path.replace(&format!("{{{}}}", parameter.name), &value);
        }
        path
    }
}

pub(super) async fn read_document_text(world: &World) -> String {
    let reply = world.send(&Request::get("/openapi.json")).await;
    assert_eq!((reply.status, reply.kind.as_str()), (200, "application/json"));
    reply.text()
}

pub(super) async fn read_document(world: &World) -> Document {
    Document::read(serde_json::from_str(&read_document_text(world).await).unwrap())
}

/// The request of an operation with its examples, as whoever may make it.
async fn example(world: &World, seeded: &Seeded, document: &Document, operation: &Described) -> Request {
    let headers = operation.parameters.iter().filter(|parameter| parameter.place == "header");
    let headers = headers.map(|header| {
        let value = document.example(&header.schema).as_str().unwrap().as_bytes().to_vec();
        (header.name.clone(), value)
    });
    let mut body = operation.body.as_ref().map(|schema| document.example(schema));
    if operation.id == "enrol_device" {
        let made = world.post("operations", "/devices/codes", &json!({ "role": "site", "name": "Hub" })).await;
        let code = made.text("code").rsplit_once(':').unwrap().1.to_owned();
        body = Some(enrol_body(&code, &SigningKey::from_bytes(&[22; 32])));
    }
    Request {
        method: operation.method.clone(),
        path: seeded.path(operation, document),
        token: operation.roles.first().map(|role| world.token(role).as_bytes().to_vec()),
        headers: headers.collect(),
        body: body.map(|body| serde_json::to_vec(&body).unwrap()).unwrap_or_default(),
        tls: operation.id == "enrol_device",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_route_answers_its_example_as_documented() {
    let world = World::start().await;
    let seeded = Seeded::plant(&world).await;
    let document = read_document(&world).await;
    let mut judge = Judge::new(&document);
    for operation in &document.operations {
        let request = example(&world, &seeded, &document, operation).await;
        let reply = world.send(&request).await;
        let told = format!("{} {}: {} {}", operation.method, operation.path, reply.status, reply.text());
        assert!((200..300).contains(&reply.status), "{told}");
        judge.judge(operation, &reply).unwrap_or_else(|fault| panic!("{told}\n{fault}"));
        // The query's examples too.
        for query in operation.parameters.iter().filter(|parameter| parameter.place == "query") {
            let Some(value) = query.schema.get("example") else { continue };
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let request = Request { path: format!("{}?{}={value}", request.path, query.name), ..request.clone() };
            let reply = world.send(&request).await;
            assert_eq!(reply.status, 200, "{}: {}", request.path, reply.text());
            judge.judge(operation, &reply).unwrap();
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_route_says_no_as_documented() {
    let world = World::start().await;
    let seeded = Seeded::plant(&world).await;
    let document = read_document(&world).await;
    let mut judge = Judge::new(&document);
    let mut seen = BTreeSet::new();
    for operation in &document.operations {
        let good = example(&world, &seeded, &document, operation).await;
        let mut wrong = Vec::new();
        if !operation.roles.is_empty() {
            wrong.push((401, Request { token: None, ..good.clone() }));
            wrong.push((401, Request { token: Some(b"nobody".to_vec()), ..good.clone() }));
            let all = ["customer", "operations", "finance", "vendor"];
            let strangers = all.into_iter().filter(|role| !operation.roles.iter().any(|allowed| allowed == role));
            for role in strangers {
                let token = Some(world.token(role).as_bytes().to_vec());
                wrong.push((403, Request { token, ..good.clone() }));
            }
        }
        if operation.body.is_some() {
            for (status, body) in [(400, &b"\""[..]), (400, b"\xff"), (422, b"3"), (422, b"null")] {
                wrong.push((status, Request { body: body.to_vec(), ..good.clone() }));
            }
            // Larger ones break off while they are sent, which is no answer that a test can read.
            if operation.max_body_bytes <= 64 * 1024 {
                let body = vec![b' '; operation.max_body_bytes as usize + 1];
                wrong.push((413, Request { body, ..good.clone() }));
            }
        }
        if operation.parameters.iter().any(|parameter| parameter.name == "limit") {
            wrong.push((400, Request { path: format!("{}?limit=0", good.path), ..good.clone() }));
        }
        wrong.push((405, Request { method: "PATCH".to_owned(), ..good.clone() }));
        for (status, request) in wrong {
            let reply = world.send(&request).await;
            assert_eq!(reply.status, status, "{} {}: {}", request.method, request.path, reply.text());
            // A method that a path does not have is no operation: only the form of the answer is judged.
            if status == 405 {
                assert_eq!(reply.kind, "application/problem+json");
                judge.component("Problem", &serde_json::from_slice(&reply.body).unwrap()).unwrap();
                continue;
            }
            judge
                .judge(operation, &reply)
                .unwrap_or_else(|fault| panic!("{} {}: {fault}", operation.method, request.path));
            let body: Value = serde_json::from_slice(&reply.body).unwrap();
            seen.insert(body["code"].as_str().unwrap().to_owned());
        }
    }
    for code in ["token_needed", "token_unknown", "role_not_allowed", "malformed_json", "wrong_type", "bad_page"] {
        assert!(seen.contains(code), "{code} was never met: {seen:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_whole() {
    let world = World::start().await;
    let document = read_document(&world).await;
    assert_eq!(document.value["openapi"], "3.1.0");
    let ids: BTreeSet<&str> = document.operations.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(ids.len(), document.operations.len(), "an operation's id is its name in clients");
    // Every reference leads somewhere, and every schema is a schema.
    let mut judge = Judge::new(&document);
    let names: Vec<String> = document.value["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    for name in names {
        let _any = judge.component(&name, &json!(null)).map_err(|fault| assert!(!fault.contains("pointer"), "{fault}"));
        let schema = &judge.document().value["components"]["schemas"][&name];
        let example = schema.get("example").cloned();
        if let Some(example) = example {
            judge.component(&name, &example).unwrap_or_else(|fault| panic!("the example of {name}: {fault}"));
        }
    }
    world.stop().await;
}

/// What is served comes from the operations alone: a route that is added elsewhere would be in no document.
#[test]
fn routes_are_added_in_one_place() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../central/src");
    let mut files = vec![source.join("http.rs")];
    files.extend(std::fs::read_dir(source.join("http")).unwrap().map(|entry| entry.unwrap().path()));
    let mut added = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let calls = [".route(", ".route_service(", ".nest(", ".nest_service(", ".merge(", ".fallback_service("];
        for line in text.lines().filter(|line| calls.iter().any(|call| line.contains(call))) {
            added.push(format!("{}: {}", file.file_name().unwrap().to_string_lossy(), line.trim()));
        }
    }
    added.sort();
    let expected = [
        "http.rs: *router = std::mem::take(router).route(operation.path, operation.route(app));",
        "http.rs: root.nest(\"/api/v1\", api)",
    ];
    assert_eq!(added, expected, "describe a new route as an Operation, so that /openapi.json has it");
}
