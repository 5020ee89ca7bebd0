//! A fuzz driven by `/openapi.json`: whatever is sent, central answers as it documents, and never 5xx.
//!
//! `GETIT_FUZZ=20000` sends more requests, `GETIT_FUZZ_SEED=7` other ones.

mod generator;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use getit_tests::model::Dice;
use protocol::id::Subject;
use serde_json::{Value, json};

use self::generator::Generator;
use super::contract::{Seeded, read_document};
use super::document::{Described, Judge};
use super::world::{Reply, Request, World, enrol_body, rice};

/// Requests when nobody asks for more: sixty of each operation, or some are never served by bad luck.
const REQUESTS: usize = 4_500;
const SEED: u64 = 1;

fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    }
}

/// What an operation was asked and what it answered.
#[derive(Default)]
struct Activity {
    requests: usize,
    statuses: BTreeMap<u16, usize>,
}

impl Activity {
    fn of(&self, statuses: std::ops::Range<u16>) -> usize {
        self.statuses.range(statuses).map(|(_, count)| count).sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_sent_breaks_central() {
    let (requests, seed) = (setting("GETIT_FUZZ", REQUESTS), setting("GETIT_FUZZ_SEED", SEED));
    let world = World::start().await;
    let seeded = Seeded::plant(&world).await;
    let document = read_document(&world).await;
    let mut judge = Judge::new(&document);
    let paths: BTreeMap<String, String> = document
        .operations
        .iter()
        .map(|operation| (operation.id.clone(), seeded.address(operation, &document)))
        .collect();
    let mut ids: Vec<String> = paths.values().flat_map(|path| path.split('/')).map(str::to_owned).collect();
    ids.retain(|id| Subject::parse(id).is_some());
    ids.push("P000000000000000000000000000".to_owned());
    ids.push(world.site.to_string());
    let tokens =
        ["customer", "operations", "finance", "vendor"].map(|role| (role.to_owned(), world.token(role).to_owned()));
    let (dice, tokens, enrolments) = (Dice::new(seed), tokens.to_vec(), enrolments(&world).await);
    let named = document.operations.iter().filter(|operation| seeded.names(operation));
    let bodies = named.filter_map(|it| Some((it.id.clone(), seeded.body(it, &document)?))).collect();
    let file = ("bank=fuzz-settlement&side=settlement".to_owned(), seeded.file.clone());
    let mut generator =
        Generator { document: &document, dice, ids, tokens, keys: Vec::new(), paths, bodies, file, enrolments };
    let mut activity: BTreeMap<&str, Activity> = BTreeMap::new();
    for number in 0..requests {
        let operation = &document.operations[number % document.operations.len()];
        let request = generator.request(operation);
        let reply = world.send(&request).await;
        let entry = activity.entry(&operation.id).or_default();
        entry.requests += 1;
        *entry.statuses.entry(reply.status).or_default() += 1;
        if let Err(fault) = verdict(&mut judge, operation, &request, &reply) {
            panic!(
                "request {number} of seed {seed} ({}): {fault}\n{}\nreplay: GETIT_FUZZ_SEED={seed} GETIT_FUZZ={} \
                 cargo test --workspace --test system api::fuzz",
                operation.id,
                told(&request),
                number + 1
            );
        }
        learn(&mut generator.ids, &reply);
    }
    print_activity(&activity);
    if requests >= REQUESTS {
        for operation in &document.operations {
            let of = activity.get(operation.id.as_str()).unwrap_or_else(|| panic!("{} was never called", operation.id));
            assert!(of.of(200..300) > 0, "{}: no request was served: {:?}", operation.id, of.statuses);
            let may_refuse = !operation.roles.is_empty() || operation.body.is_some();
            assert!(!may_refuse || of.of(400..500) > 0, "{}: nothing was refused: {:?}", operation.id, of.statuses);
        }
    }
    // Central still works, and its books balance. The fuzz may have set other prices, and dear terms.
    let offers = json!([{
        "sku": "RICE", "name_en": "Rice", "name_bn": "চাল", "unit": "sack", "unit_price_paisa": 100_000,
    }]);
    assert_eq!(world.put_offers("meghna", &offers).await.0, 200);
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let terms = json!({
        "effective_from_ms": now_ms, "delivery_paisa": 6_000, "vat_bp": 1_500, "commission_bp": 1_000, "cod_bp": 100,
        "rto_paisa": 5_000, "return_window_min": 10_080,
    });
    assert_eq!(world.post("operations", "/terms", &terms).await.0, 201);
    assert_eq!(world.place("after-fuzz", &rice()).await.0, 201);
    let trial = world.get("finance", "/finance/trial-balance").await;
    assert_eq!((trial.0, &trial.1["total_paisa"]), (200, &json!(0)));
    world.stop().await;
}

/// What some devices with good codes would send.
async fn enrolments(world: &World) -> Vec<Value> {
    let mut bodies = Vec::new();
    for seed in 100..120 {
        let made = world.post("operations", "/devices/codes", &json!({ "role": "site", "name": "Hub" })).await;
        let code = made.text("code").rsplit_once(':').unwrap().1.to_owned();
        bodies.push(enrol_body(&code, &SigningKey::from_bytes(&[seed; 32])));
    }
    bodies
}

fn verdict(judge: &mut Judge<'_>, operation: &Described, request: &Request, reply: &Reply) -> Result<(), String> {
    if reply.status >= 500 {
        return Err(format!("{}: {}", reply.status, reply.text()));
    }
    // A spoilt path may be no path of the API, or another one.
    if matches!(reply.status, 404 | 405) {
        let problem: Value = serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?;
        let elsewhere = ["no_such_path", "wrong_method"].iter().any(|code| problem["code"] == *code);
        let spoilt = operation.path.contains('{') && request.path.contains('%');
        if elsewhere && spoilt {
            return judge.component("Problem", &problem);
        }
    }
    judge.judge(operation, reply)
}

/// Things that came into being are asked for later.
fn learn(ids: &mut Vec<String>, reply: &Reply) {
    if reply.status != 201 || ids.len() > 60 {
        return;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(&reply.body) else { return };
    let found = answer.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    ids.extend(found.filter(|text| Subject::parse(text).is_some()).map(str::to_owned));
}

/// The request, without its token.
fn told(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body);
    let body: String = body.chars().take(2_000).collect();
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(&value[..value.len().min(100)])))
        .collect();
    let path: String = request.path.chars().take(2_000).collect();
    format!("{} {path}\n{}\n{body}", request.method, headers.join("\n"))
}

#[allow(clippy::print_stdout)]
fn print_activity(activity: &BTreeMap<&str, Activity>) {
    for (id, of) in activity {
        println!("{id:<24} {:>5} requests  {:?}", of.requests, of.statuses);
    }
}
