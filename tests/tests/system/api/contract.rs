//! The document and the server say the same: every route that is described is served as described, and
//! no other one is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ed25519_dalek::SigningKey;
use protocol::fact::{Fact, Received};
use protocol::id::Subject;
use serde_json::{Value, json};

use super::banking::{DUE, People};
use super::credit;
use super::document::{Described, Document, Judge};
use super::points;
use super::receipts;
use super::world::{Answer, Request, World, enrol_body, rice};

/// What in the world the examples of the document can be about.
pub(super) struct Seeded {
    /// Path parameters, by the operation or by the first segment of its path.
    paths: BTreeMap<(&'static str, &'static str), String>,
    /// Fields of bodies that name something, by the operation.
    fields: Vec<(&'static str, &'static str, Value)>,
    /// What the operations are sent that take a file.
    pub(super) file: Vec<u8>,
}

/// A bank's statement: a credit that nobody expects, and a debit that nobody explains.
fn statement(number: u32) -> Vec<u8> {
    format!(
        ":20:SEEDED{number}\r\n:25:1501203456789001\r\n:28C:{number}/1\r\n:60F:C261101BDT0,00\r\n\
         :61:261101C700,00NTRFNONREF//FT{number}A\r\n:86:a stranger\r\n\
         :61:261101D115,00NCHGNONREF//FT{number}B\r\n:86:a charge\r\n:62F:C261101BDT585,00\r\n-"
    )
    .into_bytes()
}

impl Seeded {
    /// An order that can still be called off, a device, and money on every stretch of its way.
    pub(super) async fn plant(world: &World) -> Self {
        let placed = world.place("seeded-01", &rice()).await;
        assert_eq!(placed.0, 201, "{placed:?}");
        let parcel = placed.1["parcels"][0]["parcel"].as_str().unwrap().to_owned();
        let device = world.device(&json!({ "role": "vendor", "name": "Meghna", "vendor": "meghna" }), 21).await;
        let mut paths = BTreeMap::from([
            (("orders", "id"), placed.text("order")),
            (("track", "parcel"), parcel.clone()),
            (("devices", "author"), device.certificate.author().to_string()),
            (("finance", "id"), parcel.clone()),
            (("list_proofs", "parcel"), parcel.clone()),
            (("read_proof", "blob"), world.photograph(&parcel).await),
        ]);
        let mut money = Money { world, people: People::enrol(world).await, sold: 0, requests: 0 };
        // What was in one bag is on its way to the vendor, what was in another lies at another bank.
        money.banked("city-settlement").await;
        money.did("/finance/maturing", &json!({})).await;
        let paid = money.did("/finance/payouts", &json!({ "vendor": "all" })).await;
        let payout = paid.1["payouts"][0]["payout"].as_str().unwrap().to_owned();
        paths.insert(("confirm_payout", "id"), payout.clone());
        paths.insert(("list_payout_lines", "id"), payout);
        // One more is on its way, and will come back.
        money.banked("city-settlement").await;
        money.did("/finance/maturing", &json!({})).await;
        let second = money.did("/finance/payouts", &json!({ "vendor": "all" })).await;
        paths.insert(("return_payout", "id"), second.1["payouts"][0]["payout"].as_str().unwrap().to_owned());
        money.banked("dbbl-settlement").await;
        // A deposit that is not confirmed, a bag that is not deposited, cash that is in no bag.
        paths.insert(("confirm_deposit", "id"), money.deposit("dbbl-settlement").await);
        let bag = money.bag().await;
        money.sell().await;
        let (unpaid, called_off) = (money.order_ahead().await, money.order_ahead().await);
        let payment = json!({ "order": called_off, "provider": "card", "reference": "PAID", "amount_paisa": DUE });
        money.did("/finance/payments", &payment).await;
        // Two refunds for a till: one waits to be withdrawn, one is to be asked for.
        let (fetched_later, withdrawn) = (money.owed("LATER").await, money.owed("WITHDRAWN").await);
        let kept = json!({ "order": withdrawn, "amount_paisa": DUE, "point": world.site });
        let kept = money.did("/finance/cash-refunds", &kept).await;
        paths.insert(("withdraw_cash_refund", "id"), kept.text("refund"));
        // One was given back as credit, and pays for another.
        let (credited, on_credit) = (money.owed("CREDITED").await, money.order_ahead().await);
        let owner = credit::customer_of(&world.running.pool, &credited).await;
        let issued = json!({ "what": "credit_issued", "owner": owner, "amount_paisa": DUE, "reference": "as credit" });
        money.did("/finance/entries", &issued).await;
        paths.insert(("pay_with_credit", "id"), on_credit);
        let settled = money.order_ahead().await;
        let payment = json!({ "order": settled, "provider": "bkash", "reference": "SETTLES", "amount_paisa": DUE });
        money.did("/finance/payments", &payment).await;
        let off = world.post("customer", &format!("/orders/{called_off}/cancel"), &json!({})).await;
        assert_eq!(off.0, 200, "{off:?}");
        let partner = points::point(world, "Partner point", 23_760_000, true).await;
        let (_, fetched) = points::fetch(world, partner, true, 60).await;
        paths.insert(("verify_receipt", "code"), receipts::code_of(world, fetched, "PartnerPaid").await);
        let short = money.ruled_twice(&mut paths).await;
        money.entered_twice(&mut paths).await;
        let asked = money.asked_back(&mut paths).await;
        paths.insert(("read_evidence", "cause"), short["cause"].as_str().unwrap().to_owned());
        paths.insert(("explain_line", "id"), money.unexplained().await);
        for operation in ["consign_parcel", "report_consignment"] {
            let parcel = money.people.at_hub(world, &format!("seeded-{operation}")).await.to_string();
            if operation == "report_consignment" {
                let (token, key) = (Some(world.token("operations")), [("idempotency-key", "seeded-consignment")]);
                let body = serde_json::to_vec(&json!({ "courier": "redx", "consignment": "RX-1" })).unwrap();
                let path = format!("/parcels/{parcel}/consignment");
                assert_eq!(world.call_with("POST", &path, token, &key, body).await.0, 201);
            }
            paths.insert((operation, "id"), parcel);
        }
        let at_door = money.people.at_hub(world, "seeded-at-door").await;
        let contested = money.given_and_scanned(world).await;
        let not_so = money.given_and_scanned(world).await;
        paths.insert(("read_contested", "id"), contested.0.to_string());
        // The month before this one is over, and nothing was posted in it.
        let today = central::period::day(central::clock::real_ms());
        let before = today.first_of_month().yesterday().unwrap();
        let month = format!("{:04}-{:02}", before.year(), before.month());
        money.did(&format!("/finance/periods/{month}/close"), &json!({})).await;
        for operation in ["close_period", "closed_balance"] {
            paths.insert((operation, "period"), month.clone());
        }
        let fields = vec![
            ("rule", "cause", short["cause"].clone()),
            ("rule", "owner", short["owner"].clone()),
            ("rule", "other", json!(world.site)),
            ("explain_line", "charge", json!(true)),
            ("read_evidence", "owner", short["owner"].clone()),
            ("set_settings", "effective_ms", json!(central::clock::real_ms() + 25 * 3_600_000)),
            ("ask_return", "parcel", asked),
            ("ask_return", "pieces", json!([{ "sku": "RICE", "pieces": 1 }])),
            ("accept_return", "pieces", json!([{ "sku": "RICE", "pieces": 1 }])),
            ("seal_bag", "site", json!(world.site)),
            ("record_deposit", "bags", json!([bag])),
            ("record_payment", "order", json!(unpaid)),
            ("pay_with_credit", "of", json!(credited)),
            ("record_door_payment", "parcel", json!(at_door)),
            ("void_record", "parcel", json!(not_so.0)),
            ("void_record", "op", not_so.1["op"].clone()),
            ("clear", "subject", json!(contested.0)),
            ("clear", "op", contested.1["op"].clone()),
            ("clear", "code", contested.1["code"].clone()),
            ("record_refund", "order", json!(called_off)),
            ("reserve_cash_refund", "order", json!(fetched_later)),
            ("reserve_cash_refund", "point", json!(world.site)),
            ("record_remittance", "site", json!(partner)),
            ("confirm_payout", "bank", json!("city-settlement")),
        ];
        Self { paths, fields, file: statement(2) }
    }

    /// The path with its variable segments filled in: by what there is, or by the document's example.
    pub(super) fn path(&self, operation: &Described, document: &Document) -> String {
        let mut path = operation.path.clone();
        let noun = path.trim_start_matches("/api/v1").split('/').nth(1).unwrap_or_default().to_owned();
        for parameter in operation.parameters.iter().filter(|parameter| parameter.place == "path") {
            let named = |by: &str| {
                let known = self.paths.iter().find(|((of, name), _)| *of == by && *name == parameter.name);
                known.map(|(_, value)| value.clone())
            };
            let value = named(&operation.id).or_else(|| named(&noun));
            let value = value.unwrap_or_else(|| document.example(&parameter.schema).as_str().unwrap().to_owned());
            path = path.replace(&format!("{{{}}}", parameter.name), &value);
        }
        path
    }

    /// The path with all of its query that is needed: by what there is, or by the document's example.
    pub(super) fn address(&self, operation: &Described, document: &Document) -> String {
        let needed = operation.parameters.iter().filter(|query| query.place == "query" && query.required);
        needed.fold(self.path(operation, document), |path, query| {
            let named = self.fields.iter().find(|(of, name, _)| *of == operation.id && *name == query.name);
            with(&path, &query.name, named.map_or(&query.schema["example"], |(_, _, value)| value))
        })
    }

    /// The example of the body, about what there is.
    pub(super) fn body(&self, operation: &Described, document: &Document) -> Option<Value> {
        let mut body = document.example(operation.body.as_ref()?);
        for (_, field, value) in self.fields.iter().filter(|(of, _, _)| *of == operation.id) {
            body[*field] = value.clone();
        }
        Some(body)
    }

    /// Whether its body names something that there is.
    pub(super) fn names(&self, operation: &Described) -> bool {
        self.fields.iter().any(|(of, _, _)| *of == operation.id)
    }
}

/// Puts money on its way.
struct Money<'w> {
    world: &'w World,
    people: People,
    sold: u8,
    requests: u32,
}

impl Money<'_> {
    /// A delivered parcel, whose cash is in the hub's till.
    async fn sell(&mut self) {
        self.sold += 1;
        self.people.sell(self.world, self.sold).await;
    }

    async fn did(&mut self, path: &str, body: &Value) -> Answer {
        self.requests += 1;
        let key = format!("seeded-{:04}", self.requests);
        let (headers, body) = ([("idempotency-key", key.as_str())], serde_json::to_vec(body).unwrap());
        let answer = self.world.call_with("POST", path, Some(self.world.token("finance")), &headers, body).await;
        assert_eq!(answer.0, 201, "{path}: {answer:?}");
        answer
    }

    /// A hand-in that lacks 1,000 taka, with two proposals of a second person on it. The difference.
    async fn ruled_twice(&mut self, paths: &mut BTreeMap<(&'static str, &'static str), String>) -> Value {
        self.sold += 1;
        self.people.sell_counted(self.world, self.sold, DUE - 100_000).await;
        let open = self.world.get("finance", "/finance/differences?status=open").await;
        let rows = open.1["rows"].as_array().unwrap().clone();
        let short = rows.into_iter().find(|row| row["rule"] == "J9").unwrap();
        let other = self.world.second(central::tokens::Role::Finance).await;
        for operation in ["approve_ruling", "withdraw_ruling"] {
            let body = json!({
                "how": "written_off", "cause": short["cause"], "owner": short["owner"], "amount_paisa": 10_000,
                "reason": "seeded",
            });
            let (key, body) = (format!("seeded-{operation}"), serde_json::to_vec(&body).unwrap());
            let headers = [("idempotency-key", key.as_str())];
            let told = self.world.call_with("POST", "/finance/rulings", Some(&other), &headers, body).await;
            assert_eq!(told.0, 200, "{told:?}");
            paths.insert((operation, "id"), told.text("ruling"));
        }
        short
    }

    /// A parcel that was given and then scanned in again, and what waits of it.
    async fn given_and_scanned(&mut self, world: &World) -> (Subject, Value) {
        self.sold += 1;
        let parcel = self.people.sell(world, self.sold).await;
        world.act(&mut self.people.site, parcel, Fact::Received(Received { pieces: 1 })).await;
        let page = world.get("finance", &format!("/finance/contested/{parcel}")).await;
        (parcel, page.1["contests"][0].clone())
    }

    /// Two entries that wait for a second person.
    async fn entered_twice(&mut self, paths: &mut BTreeMap<(&'static str, &'static str), String>) {
        let other = self.world.second(central::tokens::Role::Finance).await;
        for operation in ["approve_entry", "withdraw_entry"] {
            let body = json!({
                "what": "pay_accrued", "owner": self.people.agent.certificate.seat.party, "amount_paisa": 500_000,
                "reference": operation,
            });
            let (key, body) = (format!("seeded-{operation}"), serde_json::to_vec(&body).unwrap());
            let headers = [("idempotency-key", key.as_str())];
            let told = self.world.call_with("POST", "/finance/entries", Some(&other), &headers, body).await;
            assert_eq!(told.0, 200, "{told:?}");
            paths.insert((operation, "id"), told.text("entry"));
        }
    }

    /// Two parcels that customers want to give back; and one of which nobody has asked for it.
    async fn asked_back(&mut self, paths: &mut BTreeMap<(&'static str, &'static str), String>) -> Value {
        let mut last = Value::Null;
        for operation in ["accept_return", "refuse_return", "ask_return"] {
            self.sold += 1;
            let parcel = self.people.sell(self.world, self.sold).await;
            let tracked = self.world.get("operations", &format!("/track/{parcel}")).await;
            let (order, key) = (tracked.text("order"), format!("seeded-{operation}"));
            last = json!(parcel);
            if operation == "ask_return" {
                paths.insert((operation, "id"), order);
                // Its customer still has time to.
                sqlx::query("UPDATE view_earning SET window_min = 60 WHERE parcel = $1")
                    .bind(parcel.0)
                    .execute(&self.world.running.pool)
                    .await
                    .unwrap();
                break;
            }
            let pieces = json!([{ "sku": "RICE", "pieces": 1 }]);
            let body = serde_json::to_vec(&json!({ "parcel": parcel, "pieces": pieces, "reason": "other" })).unwrap();
            let headers = [("idempotency-key", key.as_str())];
            let (token, path) = (self.world.token("operations"), format!("/orders/{order}/returns"));
            let told = self.world.call_with("POST", &path, Some(token), &headers, body).await;
            assert_eq!(told.0, 200, "{told:?}");
            paths.insert((operation, "id"), told.text("return"));
        }
        last
    }

    /// A line of a statement that waits for somebody to say what it is.
    async fn unexplained(&mut self) -> String {
        let path = "/finance/statements?bank=seeded-settlement&side=settlement";
        let (token, headers) = (Some(self.world.token("finance")), [("idempotency-key", "seeded-statement")]);
        let imported = self.world.call_with("POST", path, token, &headers, statement(1)).await;
        assert_eq!(imported.0, 201, "{imported:?}");
        let open = self.world.get("finance", "/finance/lines?status=open").await;
        open.1["rows"][0]["line"].as_str().unwrap().to_owned()
    }

    async fn bag(&mut self) -> String {
        self.sell().await;
        let seal = format!("seeded-{}", self.sold);
        let bag = json!({ "site": self.world.site, "seal": seal, "amount_paisa": DUE });
        self.did("/finance/bags", &bag).await.text("bag")
    }

    async fn deposit(&mut self, bank: &str) -> String {
        let bag = self.bag().await;
        let deposit = json!({ "bank": bank, "slip": bag, "bags": [bag] });
        self.did("/finance/deposits", &deposit).await.text("deposit")
    }

    /// A deposit that the bank confirmed.
    async fn banked(&mut self, bank: &str) {
        let deposit = self.deposit(bank).await;
        let line = json!({ "reference": format!("line of {deposit}"), "credited_paisa": DUE });
        self.did(&format!("/finance/deposits/{deposit}/confirm"), &line).await;
    }

    /// An order that was paid ahead under this reference, and called off.
    async fn owed(&mut self, reference: &str) -> String {
        let order = self.order_ahead().await;
        let paid = json!({ "order": order, "provider": "nagad", "reference": reference, "amount_paisa": DUE });
        self.did("/finance/payments", &paid).await;
        let off = self.world.post("customer", &format!("/orders/{order}/cancel"), &json!({})).await;
        assert_eq!(off.0, 200, "{off:?}");
        order
    }

    async fn order_ahead(&mut self) -> String {
        self.sold += 1;
        let mut order = rice();
        order["payment"] = json!("prepaid");
        let placed = self.world.place(&format!("seeded-ahead-{}", self.sold), &order).await;
        assert_eq!(placed.0, 201, "{placed:?}");
        placed.text("order")
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
        // A key is of one request.
        let value = format!("{}-{}", document.example(&header.schema).as_str().unwrap(), operation.id);
        (header.name.clone(), value.into_bytes())
    });
    let mut body = seeded.body(operation, document);
    if operation.id == "enrol_device" {
        let made = world.post("operations", "/devices/codes", &json!({ "role": "site", "name": "Hub" })).await;
        let code = made.text("code").rsplit_once(':').unwrap().1.to_owned();
        body = Some(enrol_body(&code, &SigningKey::from_bytes(&[22; 32])));
    }
    Request {
        method: operation.method.clone(),
        path: seeded.address(operation, document),
        token: operation.roles.first().map(|role| world.token(role).as_bytes().to_vec()),
        headers: headers.collect(),
        body: match body {
            Some(body) => serde_json::to_vec(&body).unwrap(),
            None if operation.takes_file => seeded.file.clone(),
            None => Vec::new(),
        },
        tls: operation.id == "enrol_device",
    }
}

fn with(path: &str, query: &str, value: &Value) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}{query}={value}")
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
        for query in operation.parameters.iter().filter(|it| it.place == "query" && !it.required) {
            let Some(value) = query.schema.get("example") else { continue };
            let request = Request { path: with(&request.path, &query.name, value), ..request.clone() };
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
        if operation.parameters.iter().any(|parameter| parameter.name == "after") {
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
    // The console's page is files, and no operation.
    added.retain(|line| !line.starts_with("console.rs: "));
    let expected = [
        "http.rs: *router = std::mem::take(router).route(operation.path, operation.route(app));",
        "http.rs: .merge(console::routes())",
        "http.rs: root.nest(\"/api/v1\", api)",
    ];
    assert_eq!(added, expected, "describe a new route as an Operation, so that /openapi.json has it");
}
