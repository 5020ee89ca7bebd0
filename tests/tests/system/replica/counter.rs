//! The counter over its loopback API: who gets in, one window at the till, what a scan is, and the
//! hand-over, the hand-in and the till as the page drives them.

use std::sync::Arc;

use edge_node::kiosk::ask::Running;
use edge_node::{Node, kiosk};
use protocol::command::Command;
use protocol::fact::{Fact, PickupChosen, Put, RefundReserved};
use protocol::frame::CodeBox;
use protocol::handover;
use protocol::id::{Id16, Kind, Subject};
use protocol::intake::op_of;
use protocol::parcel::lock_of;
use protocol::refund::RefundCode;
use protocol::seat::Role;
use protocol::taka::Taka;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::seats::{World, acquaint, own};
use super::{DUE, folder};

const TOKEN: [u8; 16] = [7; 16];
const ONE: &str = "11111111111111111111111111111111";
const TWO: &str = "22222222222222222222222222222222";

/// A counter on a real socket.
struct Counter {
    world: World,
    site: Arc<Node>,
    client: Client,
    host: String,
    token: String,
    acts: std::cell::Cell<u32>,
    served: Option<(watch::Sender<bool>, JoinHandle<std::io::Result<()>>)>,
    place: TempDir,
}

impl Counter {
    async fn open() -> Self {
        // Another test of this process may have installed it first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (place, world) = (folder(), World::new());
        let site = Arc::new(world.node(place.path(), Role::Site, world.site, 10));
        acquaint(&[&site]);
        let token = kiosk::token(place.path()).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let (host, acts) = (String::new(), std::cell::Cell::new(0));
        let mut counter = Self { world, site, client, host, token, acts, served: None, place };
        counter.serve().await;
        counter
    }

    async fn serve(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.host = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = watch::channel(false);
        let served = tokio::spawn(kiosk::run(Arc::clone(&self.site), self.token.clone(), listener, stopped));
        self.served = Some((stop, served));
    }

    async fn stop(&mut self) {
        // A kept connection would hold the graceful end.
        self.client = Client::builder().no_proxy().build().unwrap();
        let (stop, served) = self.served.take().unwrap();
        stop.send_replace(true);
        served.await.unwrap().unwrap();
    }

    fn act(&self) -> String {
        self.acts.set(self.acts.get() + 1);
        format!("{:032x}", self.acts.get())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("http://{}{path}", self.host)).bearer_auth(&self.token);
        answer.send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let asked = self.client.post(format!("http://{}{path}", self.host)).bearer_auth(&self.token);
        let answer = asked.body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn record(&self, command: Value) -> (u16, Value) {
        self.post("/api/v1/commands", json!({"act": self.act(), "command": command})).await
    }

    async fn scan(&self, text: &str) -> Value {
        self.post("/api/v1/site/scan", json!({"text": text})).await.1
    }

    async fn cookie(&self) -> String {
        let link = Running::at(&self.host, self.token.clone()).unwrap().link().await.unwrap();
        let code = link.split_once("#open=").unwrap().1.to_owned();
        let answer = self.page(Method::POST, "/api/v1/session", None, &json!({"code": code})).await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A request as the page's browser sends it.
    async fn page(&self, method: Method, path: &str, cookie: Option<(&str, &str)>, body: &Value) -> Response {
        let url = format!("http://{}{path}", self.host);
        let mut asked = self.client.request(method, url).header("origin", format!("http://{}", self.host));
        if let Some((cookie, window)) = cookie {
            asked = asked.header("cookie", cookie).header("x-getit-window", window);
        }
        asked.body(body.to_string()).send().await.unwrap()
    }

    /// A parcel on the way to this point, with its code.
    fn parcel(&mut self, n: u8, due: Taka, code: &[u8; 6]) -> Subject {
        let (parcel, placed) = self.world.parcel(n, due);
        let pickup = PickupChosen { point: self.world.site, lock: lock_of(&parcel, &TOKEN), hold_days: 7 };
        let chosen = self.world.central_says(&[op_of(parcel, &Fact::PickupChosen(pickup), Vec::new())]);
        self.site.receive(vec![placed, chosen]).unwrap();
        let sealed = handover::seal(&parcel, code, &TOKEN).unwrap();
        self.site.store().add_boxes(&[CodeBox { subject: parcel, sealed: sealed.into() }]).unwrap();
        parcel
    }

    /// A refund for this till.
    fn refund(&mut self, n: u8, amount: Taka, code: RefundCode) -> Subject {
        let refund = Subject::new(Kind::Refund, Id16([n; 16]));
        let (customer, point) = (Subject::customer(Id16([n; 16])), self.world.site);
        let kept = RefundReserved { customer, amount, point, lock: code.lock(&refund) };
        let put = Fact::Put(Put { generation: 1, subjects: vec![refund] });
        let said = self
            .world
            .central_says(&[op_of(point, &put, Vec::new()), op_of(refund, &Fact::RefundReserved(kept), Vec::new())]);
        self.site.receive(vec![said]).unwrap();
        refund
    }

    /// An agent's offer of cash reaches the counter.
    fn offer(&self, person: u8, dir: &TempDir, taka: i32, parcel: (Subject, protocol::burst::Burst)) -> Subject {
        let agent = self.world.agent(person);
        let phone = self.world.node(dir.path(), Role::Agent, agent, person);
        acquaint(&[&self.site, &phone]);
        let due = Taka::whole(taka);
        self.site.receive(vec![parcel.1.clone()]).unwrap();
        phone.receive(vec![parcel.1]).unwrap();
        let parcel = parcel.0;
        self.site.record([person; 16], &Command::Receive { parcel, pieces: 1 }).unwrap();
        self.site.record([person + 1; 16], &Command::Dispatch { parcels: vec![parcel], agent }).unwrap();
        phone.receive(own(&self.site)).unwrap();
        phone.record([1; 16], &Command::Load { parcels: vec![parcel] }).unwrap();
        let delivered = Command::Deliver { parcel, evidence: 1, collected_paisa: Some(due), confirm_difference: false };
        phone.record([2; 16], &delivered).unwrap();
        phone.record([3; 16], &Command::Offer { site: self.world.site, amount_paisa: due }).unwrap();
        self.site.receive(own(&phone)).unwrap();
        phone.store().read(|rows| rows.handins(None, 9)).unwrap()[0].handin
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_own_page_and_programs_with_the_token_get_in() {
    let mut counter = Counter::open().await;
    let page = counter.client.get(format!("http://{}/", counter.host)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.text().await.unwrap().contains("GetIt"));

    let link = Running::at(&counter.host, counter.token.clone()).unwrap().link().await.unwrap();
    assert!(Running::at(&counter.host, "wrong".to_owned()).unwrap().link().await.is_err());
    let code = json!({"code": link.split_once("#open=").unwrap().1});
    let open = |origin: &str| {
        let asked = counter.client.post(format!("http://{}/api/v1/session", counter.host));
        asked.header("origin", origin.to_owned()).body(code.to_string()).send()
    };
    assert_eq!(open("http://evil.example").await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(open("http://127.0.0.1:1").await.unwrap().status(), StatusCode::FORBIDDEN);
    let own_origin = format!("http://{}", counter.host);
    assert_eq!(open(&own_origin).await.unwrap().status(), StatusCode::OK);
    let again = open(&own_origin).await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap()["code"], "stale_link", "a link opens once");

    let cookie = counter.cookie().await;
    let home = "/api/v1/site/home";
    let status = |response: Response| response.status().as_u16();
    assert_eq!(status(counter.page(Method::GET, home, Some((&cookie, ONE)), &Value::Null).await), 200);
    assert_eq!(status(counter.page(Method::GET, home, None, &Value::Null).await), 401);
    let bent = cookie.replace('.', "0.");
    assert_eq!(status(counter.page(Method::GET, home, Some((&bent, ONE)), &Value::Null).await), 401);
    // The page must not make links, another page must not act, and another name is not ours.
    let make = counter.page(Method::POST, "/api/v1/session/link", Some((&cookie, ONE)), &Value::Null).await;
    assert_eq!(status(make), 401);
    let asked = |origin: Option<&str>, host: &str| {
        let mut asked = counter.client.post(format!("http://{}/api/v1/commands", counter.host));
        asked = asked.header("cookie", &cookie).header("host", host).body("{}");
        if let Some(origin) = origin {
            asked = asked.header("origin", origin);
        }
        asked.send()
    };
    let host = counter.host.clone();
    for (origin, host, wanted) in [
        (Some("http://evil.example"), host.as_str(), "foreign_page"),
        (Some("null"), &host, "foreign_page"),
        (None, &host, "foreign_page"),
        (Some(own_origin.as_str()), "evil.example", "foreign_name"),
        (Some(&own_origin), "127.0.0.1:1", "foreign_name"),
        (Some(&own_origin), &host, "malformed_command"),
    ] {
        let answer: Value = asked(origin, host).await.unwrap().json().await.unwrap();
        assert_eq!(answer["code"], wanted, "{origin:?} {host}");
    }
    // A power cut ends no session: the browser comes back with its cookie.
    counter.stop().await;
    counter.serve().await;
    assert_eq!(status(counter.page(Method::GET, home, Some((&cookie, ONE)), &Value::Null).await), 200);
    counter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_is_taken_in_one_window() {
    let mut counter = Counter::open().await;
    let cookie = counter.cookie().await;
    let till = async |window: &str, path: &str, body: Value| {
        let answer = counter.page(Method::POST, path, Some((&cookie, window)), &body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["code"].clone())
    };
    let window = "/api/v1/window";
    assert_eq!(till(ONE, window, json!({"window": ONE})).await.0, 200);
    assert_eq!(till(TWO, window, json!({"window": TWO})).await, (409, json!("till_open_elsewhere")));
    let open = |n: u8| json!({"act": format!("{n:032x}"), "command": {"do": "open_till", "float_paisa": 200_000}});
    assert_eq!(till(TWO, "/api/v1/commands", open(1)).await, (409, json!("till_open_elsewhere")));
    assert_eq!(till(ONE, "/api/v1/commands", open(2)).await.0, 200);
    assert_eq!(till(TWO, "/api/v1/window/close", json!({"window": TWO})).await.0, 200);
    assert_eq!(till(TWO, window, json!({"window": TWO})).await.0, 409, "closing a window gives back its own till");
    till(ONE, "/api/v1/window/close", json!({"window": ONE})).await;
    assert_eq!(till(TWO, window, json!({"window": TWO})).await.0, 200);
    for junk in [
        json!({}),
        json!({"window": ""}),
        json!({"window": "x".repeat(10_000)}),
        json!({"window": "<script>aaaaaaaaaa"}),
    ] {
        assert_eq!(till(ONE, window, junk).await.0, 400);
    }
    counter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_goes_from_the_van_to_its_customer_step_by_step() {
    let mut counter = Counter::open().await;
    let parcel = counter.parcel(30, DUE, b"204881");
    let other = counter.parcel(40, Taka::ZERO, b"733120");
    let label = parcel.label().to_string();
    let digit = if &label[3..4] == "7" { "8" } else { "7" };
    let strange = Subject::new(Kind::Parcel, Id16([99; 16]));
    for (text, outcome) in [
        (label.clone(), "ours"),
        (label.to_lowercase().replace(' ', ""), "ours"),
        (parcel.to_string(), "ours"),
        (format!("GT {digit}{}", &label[4..]), "wrong_digit"),
        (strange.label().to_string(), "unknown"),
        (counter.world.agent(20).to_string(), "agent"),
        (String::new(), "not_ours"),
        ("https://example.com/🎁".to_owned(), "not_ours"),
        ("🎁".repeat(10_000), "not_ours"),
    ] {
        assert_eq!(counter.scan(&text).await["outcome"], outcome, "{text}");
    }
    let next = async |counter: &Counter| {
        let read = counter.get(&format!("/api/v1/site/parcels/{parcel}")).await;
        (read["next"].clone(), read["handover"]["step"].clone())
    };
    assert_eq!(counter.get("/api/v1/site/home").await["expected"], 2);
    assert_eq!(next(&counter).await, (json!("receive"), Value::Null));
    for subject in [parcel, other] {
        assert_eq!(counter.record(json!({"do": "receive", "parcel": subject, "pieces": 1})).await.0, 200);
    }
    assert_eq!(next(&counter).await.0, "shelve");
    for (shelf, status) in [("", 422), (&*"🎁".repeat(10_000), 422), ("C-14", 200)] {
        assert_eq!(counter.record(json!({"do": "shelve", "parcel": parcel, "shelf": shelf})).await.0, status);
    }
    assert_eq!(next(&counter).await, (json!("hand_over"), json!("verify")));
    let home = counter.get("/api/v1/site/home").await;
    assert_eq!((&home["expected"], &home["here"], &home["hold_over"]), (&json!(0), &json!(2), &json!(0)));
    let listed = counter.get("/api/v1/site/parcels?list=shelf&limit=1").await;
    assert_eq!((listed["rows"].as_array().unwrap().len(), listed["after"].is_string()), (1, true));

    let tried = async |counter: &Counter, code: &str| {
        let body = json!({"act": counter.act(), "parcel": parcel, "code": code});
        counter.post("/api/v1/handover/code", body).await
    };
    let (status, wrong) = tried(&counter, "111111").await;
    assert_eq!((status, &wrong["code"], &wrong["params"]["left"]), (422, &json!("code_wrong"), &json!(4)));
    assert_eq!(tried(&counter, "733120").await.1["code"], "code_other");
    assert_eq!(tried(&counter, &"9".repeat(10_000)).await.1["code"], "not_a_code");
    let cash = |paisa: i64| json!({"do": "take_cash", "parcel": parcel, "amount_paisa": paisa});
    assert_eq!(counter.record(cash(DUE.paisa())).await.1["code"], "not_verified");
    assert_eq!(tried(&counter, "২০৪৮৮১").await.0, 200);
    assert_eq!(next(&counter).await.1, "take_cash");
    let (_, less) = counter.record(cash(120_000)).await;
    assert_eq!((&less["params"]["due"], &less["params"]["entered"]), (&json!(125_000), &json!(120_000)));
    for absurd in [i64::MAX, -1, 99_999_999_999_999] {
        assert_eq!(counter.record(cash(absurd)).await.0 / 100, 4, "{absurd}");
    }
    assert_eq!(counter.record(json!({"do": "hand_over", "parcel": parcel})).await.1["code"], "cash_needed");
    assert_eq!(counter.record(cash(DUE.paisa())).await.0, 200);
    // The second clerk has the same parcel on his screen: he is told, and nothing is taken twice.
    assert_eq!(counter.record(cash(DUE.paisa())).await.1["code"], "paid");
    assert_eq!(next(&counter).await.1, "hand_over");
    let act = counter.act();
    let give = json!({"act": act, "command": {"do": "hand_over", "parcel": parcel}});
    assert_eq!(counter.post("/api/v1/commands", give).await.0, 200);
    assert_eq!(counter.record(json!({"do": "hand_over", "parcel": parcel})).await.1["code"], "delivered");
    let read = counter.get(&format!("/api/v1/site/parcels/{parcel}")).await;
    assert_eq!((&read["status"], &read["handover"]["taken_paisa"]), (&json!("collected"), &json!(DUE.paisa())));
    let printed = counter.get(&format!("/api/v1/receipts/{act}/text?language=en")).await;
    assert_eq!(printed["lines"], json!([format!("Parcel given: {label}")]));
    let (number, code) = (printed["number"].as_str().unwrap(), printed["code"].as_str().unwrap());
    assert_eq!((code.len(), code[..9].replace(' ', "").to_lowercase()), (19, number.to_owned()), "for the paper");
    counter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_blind_and_the_till_closes_on_what_was_counted() {
    let mut counter = Counter::open().await;
    let phone = folder();
    let parcel = counter.world.parcel(50, Taka::whole(5_345));
    let open = counter.record(json!({"do": "open_till", "float_paisa": 200_000})).await;
    assert_eq!(open.0, 200, "{open:?}");
    let handin = counter.offer(20, &phone, 5_345, parcel);
    let offers = counter.get("/api/v1/site/handins").await;
    assert_eq!(offers[0]["handin"], json!(handin));
    assert!(!offers.to_string().contains("5345"), "the cashier counts without the figure: {offers}");
    let agents = counter.get("/api/v1/site/agents").await;
    assert_eq!(agents[0]["cash_paisa"], 0, "what is offered is not shown as held");
    let path = format!("/api/v1/site/handins/{handin}");
    let slip = format!("{path}/slip");
    assert_eq!(counter.get(&path).await["code"], "not_found", "no figure before the count");
    assert_eq!(counter.get(&slip).await["code"], "not_found", "and nothing to show the agent");
    let agent = counter.world.agent(20);
    let count = |taka: i64| {
        let notes = json!([{"taka": 1, "pieces": taka}]);
        json!({"do": "count", "handin": handin, "agent": agent, "counted_paisa": taka * 100, "denominations": notes})
    };
    assert_eq!(counter.record(count(5_145)).await.0, 200);
    assert_eq!(counter.record(count(5_345)).await.1["code"], "already_counted", "the second cashier is told");
    let both = counter.get(&path).await;
    assert_eq!((&both["offered_paisa"], &both["counted_paisa"]), (&json!(534_500), &json!(514_500)));
    assert_eq!(counter.get("/api/v1/site/handins").await, json!([]));
    assert!(counter.get(&slip).await["text"].as_str().unwrap().starts_with("SLIP1:"));
    for (body, code) in [
        (json!({"text": "SLIP1:AAAA"}), "slip_damaged"),
        (json!({"text": "GT 4471 8823 7"}), "slip_foreign"),
        (json!({"text": 5}), "malformed_scan"),
    ] {
        let answer = counter.post("/api/v1/site/slips", body).await;
        assert_eq!((answer.0, &answer.1["code"]), (400, &json!(code)), "{answer:?}");
    }

    let till = counter.get("/api/v1/site/till").await;
    let shift = till["open"]["shift"].clone();
    assert!(!till.to_string().contains("expected"), "blind: {till}");
    let close = json!({"do": "close_till", "shift": shift, "counted_paisa": 710_500, "denominations": []});
    assert_eq!(counter.record(close.clone()).await.0, 200);
    assert_eq!(counter.record(close).await.1["code"], "shift_not_open");
    let till = counter.get("/api/v1/site/till").await;
    assert_eq!((&till["open"], &till["closed"][0]["z"]), (&Value::Null, &json!(1)));
    assert_eq!(till["closed"][0]["counted_paisa"], 710_500);
    counter.stop().await;
    drop(counter.place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_found_by_its_code_and_given_once() {
    let mut counter = Counter::open().await;
    let parcel = counter.parcel(1, DUE, b"204881");
    let home = counter.get("/api/v1/site/home").await;
    assert_eq!(home["till"]["refunds"], json!([]));
    for command in [
        json!({"do": "receive", "parcel": parcel, "pieces": 1}),
        json!({"do": "verify_code", "parcel": parcel, "token": data_encoding::HEXLOWER.encode(&TOKEN)}),
        json!({"do": "take_cash", "parcel": parcel, "amount_paisa": DUE.paisa()}),
        json!({"do": "open_till", "float_paisa": 0}),
    ] {
        let (status, answer) = counter.record(command.clone()).await;
        assert_eq!(status, 200, "{command}: {answer}");
    }
    let code = RefundCode([7; 10]);
    let refund = counter.refund(1, Taka::whole(500), code);
    let (much, other) = (counter.refund(2, Taka::whole(9_000), RefundCode([8; 10])), RefundCode([9; 10]));
    let home = counter.get("/api/v1/site/home").await;
    assert_eq!(home["till"]["refunds"].as_array().unwrap().len(), 2, "{home}");
    assert!(!home.to_string().contains(&code.to_string()), "the till has its lock only");

    // By the square or by hand, in small letters; a code of nobody, and one that is none.
    let found = counter.scan(&code.to_string().to_lowercase()).await;
    assert_eq!((&found["outcome"], &found["refund"]["refund"]), (&json!("refund"), &json!(refund)), "{found}");
    assert_eq!((&found["refund"]["amount_paisa"], &found["refund"]["status"]), (&json!(50_000), &json!("reserved")));
    assert_eq!(counter.scan(&other.to_string()).await["outcome"], "not_ours");
    let pay = |refund: Subject, code: &str| json!({"do": "refund_cash", "refund": refund, "code": code});
    for (what, command, no) in [
        ("no code", pay(refund, "ফেরত"), "not_a_refund_code"),
        ("another one", pay(refund, &other.to_string()), "code_mismatch"),
        ("a parcel", pay(parcel, &code.to_string()), "unknown_subject"),
        ("more than there is", pay(much, &RefundCode([8; 10]).to_string()), "more_than_till"),
    ] {
        let (status, answer) = counter.record(command).await;
        assert!(status == 409 || status == 422, "{what}: {answer}");
        assert_eq!(answer["code"], json!(no), "{what}: {answer}");
    }
    let act = counter.act();
    let asked = json!({"act": act, "command": pay(refund, &code.to_string())});
    let (status, given) = counter.post("/api/v1/commands", asked.clone()).await;
    assert_eq!(status, 200, "{given}");
    assert_eq!(counter.post("/api/v1/commands", asked).await.1, given, "a tap that came twice is one");
    let (_, again) = counter.record(pay(refund, &code.to_string())).await;
    assert_eq!(again["code"], "refund_ended", "{again}");
    assert_eq!(counter.scan(&code.to_string()).await["refund"]["status"], "given");
    let receipt = counter.get(&format!("/api/v1/receipts/{act}/text?language=en")).await;
    assert!(receipt["lines"][0].as_str().unwrap().starts_with("Refund given"), "{receipt}");
    assert!(receipt["lines"][0].as_str().unwrap().ends_with("500.00 BDT"), "{receipt}");

    // The count says that the drawer lacks nothing.
    let home = counter.get("/api/v1/site/home").await;
    let shift = home["till"]["open"]["shift"].clone();
    let counted = DUE.paisa() - 50_000;
    let (status, closed) = counter.record(json!({"do": "close_till", "shift": shift, "counted_paisa": counted})).await;
    assert_eq!(status, 200, "{closed}");
    let last = counter.get("/api/v1/site/home").await["till"]["closed"][0].clone();
    assert_eq!((&last["expected_paisa"], &last["counted_paisa"]), (&json!(counted), &json!(counted)), "{last}");
    counter.stop().await;
}
