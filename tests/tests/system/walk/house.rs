//! Central, hubs and edges of one test, in this process, on a database of their own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use central::authority::Authority;
use central::config::{Clock, Closing, Config, Database, Http, Hubs, Log};
use central::http::{Running, serve};
use central::intake::Intake;
use central::rebuild;
use central::replication::{self, Limits};
use central::tokens::{self, Role};
use edge_node::{BusinessClock, Node, Receipt, RecordError};
use getit_tests::postgres::Cluster;
use protocol::books;
use protocol::command::Command;
use protocol::id::{Scope, Subject};
use protocol::session::hub::Told;
use protocol::session::ladder::Rung;
use protocol::taka::Taka;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is not there by then will not come: a session takes milliseconds, a lost notification 5 s.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often the rim looks.
const LOOK: Duration = Duration::from_millis(20);
/// Longest wait of an edge between tries; short, for tests restart hubs.
const BACKOFF: Duration = Duration::from_millis(500);
/// What the customer of [`House::place`] pays: goods 1,000, delivery 60, VAT 9.
pub(super) const DUE: Taka = Taka::whole(1_069);
/// The customer of [`House::place`].
pub(super) const CUSTOMER: &str = "রহিম উদ্দিন";

/// Looks until it is there.
pub(super) async fn soon<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match look().await {
            Ok(there) => return there,
            Err(why) => assert!(Instant::now() < deadline, "{what}: {why}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Central with a site and a vendor with goods.
pub(super) struct House {
    pub(super) url: String,
    pub(super) central: Running,
    pub(super) site: Scope,
    data: tempfile::TempDir,
    client: reqwest::Client,
    tokens: Vec<(&'static str, String)>,
    hubs: Vec<String>,
}

async fn start_central(data: &Path, url: &str, hubs: &[String]) -> Running {
    let any = "127.0.0.1:0".parse().unwrap();
    serve(Config {
        data_dir: data.join("central"),
        http: Http { listen: any, tls_listen: any, names: Vec::new() },
        database: Database { url: url.to_owned() },
        clock: Clock::default(),
        log: Log::default(),
        hubs: Hubs { addresses: hubs.to_vec() },
        closing: Closing::default(),
    })
    .await
    .unwrap()
}

impl House {
    pub(super) async fn start() -> Self {
        Self::telling(&["127.0.0.1:7443".to_owned()]).await
    }

    /// Central that tells devices of these hubs.
    pub(super) async fn telling(hubs: &[String]) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let (url, pool) = Cluster::shared().unwrap().fresh_database().await.unwrap();
        pool.close().await;
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("central")).unwrap();
        let central = start_central(data.path(), &url, hubs).await;
        let mut minted = Vec::new();
        for role in [Role::Customer, Role::Operations, Role::Finance] {
            minted.push((role.word(), tokens::mint(&central.pool, role).await.unwrap()));
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let hubs = hubs.to_vec();
        let mut house = Self { url, central, site: Subject::tenant(), data, client, tokens: minted, hubs };
        let site = house.operate("POST", "/sites", &json!({ "name": "Hub", "districts": ["Dhaka"] })).await;
        house.site = Subject::parse(site["site"].as_str().unwrap()).unwrap();
        house.operate("POST", "/vendors", &json!({ "slug": "meghna", "name": "Meghna" })).await;
        let rice =
            json!({ "sku": "RICE", "name_en": "Rice", "name_bn": "চাল", "unit": "sack", "unit_price_paisa": 100_000 });
        house.operate("PUT", "/vendors/meghna/offers", &json!([rice])).await;
        house
    }

    /// The same central on another database; `self.central` has to be stopped.
    pub(super) async fn on(self, url: &str) -> Self {
        self.central.stop().await.unwrap();
        let central = start_central(self.data.path(), url, &self.hubs).await;
        Self { url: url.to_owned(), central, ..self }
    }

    pub(super) async fn stop(self) {
        self.central.stop().await.unwrap();
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.central.pool
    }

    pub(super) fn intake(&self) -> &Intake {
        &self.central.intake
    }

    pub(super) fn central_dir(&self) -> PathBuf {
        self.data.path().join("central")
    }

    pub(super) async fn call(&self, role: &str, method: &str, path: &str, key: Option<&str>, body: &Value) -> Value {
        let token = &self.tokens.iter().find(|(word, _)| *word == role).unwrap().1;
        let url = format!("http://{}/api/v1{path}", self.central.http);
        let mut request = self.client.request(method.parse().unwrap(), url).bearer_auth(token);
        if method != "GET" {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(super) async fn operate(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call("operations", method, path, None, body).await
    }

    pub(super) async fn finance(&self, path: &str) -> Value {
        self.call("finance", "GET", &format!("/finance/{path}"), None, &Value::Null).await
    }

    /// Cash that central's books see with somebody, paisa.
    pub(super) async fn cash_of(&self, owner: Scope) -> i64 {
        let custody = self.finance("cash-by-custodian").await;
        let rows = custody["rows"].as_array().unwrap().iter();
        rows.filter(|row| row["owner"] == owner.to_string()).filter_map(|row| row["balance_paisa"].as_i64()).sum()
    }

    /// Orders one sack of rice; returns the parcel.
    pub(super) async fn place(&self, key: &str) -> Subject {
        self.order(key, &json!({ "delivery": "door" })).await.0
    }

    /// A pickup point of this hub.
    pub(super) async fn point(&self, name: &str) -> Scope {
        let position = json!({ "lat_microdeg": 23_780_000, "lon_microdeg": 90_410_000 });
        let point = json!({ "name": name, "kind": "point", "hub": self.site, "districts": ["Dhaka"], "position": position, "opening": "9-21" });
        let made = self.operate("POST", "/sites", &point).await;
        Subject::parse(made["site"].as_str().unwrap()).unwrap()
    }

    /// Orders one sack of rice to be fetched at `point`; returns the parcel and the customer's code.
    pub(super) async fn place_at(&self, point: Scope, key: &str) -> (Subject, String) {
        let (parcel, order) = self.order(key, &json!({ "deliver_to": { "point": point } })).await;
        let seen = self.call("customer", "GET", &format!("/orders/{order}"), None, &Value::Null).await;
        (parcel, seen["parcels"][0]["handover"]["code"].as_str().unwrap().to_owned())
    }

    /// Orders one sack of rice to the door; returns the parcel and the order.
    pub(super) async fn place_order(&self, key: &str) -> (Subject, String) {
        self.order(key, &json!({ "delivery": "door" })).await
    }

    /// Orders one sack of rice, `differently`; returns the parcel and the order.
    pub(super) async fn order(&self, key: &str, differently: &Value) -> (Subject, String) {
        let mut order = json!({
            "reference": key,
            "customer": { "name": CUSTOMER, "phone": "01712345678" },
            "address": { "district": "Dhaka", "upazila": "Savar", "line": "House 7, Road 3", "note": "blue gate" },
            "payment": "cod",
            "items": [{ "vendor": "meghna", "sku": "RICE", "qty": 1, "unit_price_paisa": 100_000 }],
        });
        order.as_object_mut().unwrap().extend(differently.as_object().unwrap().clone());
        let placed = self.call("customer", "POST", "/orders", Some(&format!("walk-key-{key}")), &order).await;
        let due = if order["payment"] == "prepaid" { 0 } else { DUE.paisa() };
        assert_eq!(placed["parcels"][0]["due_paisa"], due);
        let parcel = Subject::parse(placed["parcels"][0]["parcel"].as_str().unwrap()).unwrap();
        (parcel, placed["order"].as_str().unwrap().to_owned())
    }

    /// A hub of this central, at an address where it can be started again.
    pub(super) async fn hub(&self, name: &str) -> sync_hub::Running {
        self.hub_at(name, getit_tests::address::reserve().unwrap()).await
    }

    pub(super) async fn hub_at(&self, name: &str, listen: SocketAddr) -> sync_hub::Running {
        self.hub_by(self.hub_config(name, listen)).await
    }

    /// A hub with room for so many sessions.
    pub(super) async fn hub_of(&self, name: &str, sessions: usize) -> sync_hub::Running {
        let mut config = self.hub_config(name, getit_tests::address::reserve().unwrap());
        config.quic.sessions = sessions;
        self.hub_by(config).await
    }

    async fn hub_by(&self, config: sync_hub::config::Config) -> sync_hub::Running {
        std::fs::create_dir_all(&config.data_dir).unwrap();
        let identity = config.data_dir.join("identity.json");
        Authority::open(&self.central_dir()).unwrap().write_hub_identity(&identity).unwrap();
        sync_hub::start(&config).await.unwrap()
    }

    /// How a hub of this name is started.
    pub(super) fn hub_config(&self, name: &str, listen: SocketAddr) -> sync_hub::config::Config {
        sync_hub::config::Config {
            data_dir: self.data.path().join(name),
            central_dir: self.central_dir(),
            quic: sync_hub::config::Quic { listen, ..Default::default() },
            http: sync_hub::config::Http { listen: "127.0.0.1:0".parse().unwrap() },
            database: Database { url: self.url.clone() },
            clock: Clock::default(),
            log: Log::default(),
        }
    }

    /// Enrols an edge by a code, through TLS.
    pub(super) async fn enrol(&self, name: &str, request: &Value) -> Edge {
        let made = self.operate("POST", "/devices/codes", request).await;
        let dir = self.data.path().join(name);
        edge_node::enrol::enrol(made["code"].as_str().unwrap(), &dir, name).await.unwrap();
        let node = Node::open(&dir, BusinessClock::default()).unwrap();
        Edge::of(name, Arc::new(node), &dir)
    }

    pub(super) async fn vendor(&self) -> Edge {
        self.enrol("vendor", &json!({ "role": "vendor", "name": "Meghna", "vendor": "meghna" })).await
    }

    pub(super) async fn courier(&self) -> Edge {
        self.enrol("site", &json!({ "role": "site", "name": "Hub", "site": self.site })).await
    }

    pub(super) async fn agent(&self, name: &str) -> Edge {
        let request = json!({ "role": "agent", "name": name, "site": self.site, "cash_ceiling_paisa": 5_000_000 });
        self.enrol(name, &request).await
    }

    /// Every table's digest: projections, then records.
    pub(super) async fn digests(&self) -> Vec<rebuild::TableDigest> {
        let mut all = rebuild::digest(self.pool()).await.unwrap();
        all.extend(rebuild::digest_of_records(self.pool()).await.unwrap());
        all
    }

    /// The same without some tables.
    pub(super) async fn digests_but(&self, left_out: &[&str]) -> Vec<rebuild::TableDigest> {
        let mut all = self.digests().await;
        all.retain(|(table, _, _)| !left_out.contains(table));
        all
    }

    pub(super) async fn counter(&self, name: &str) -> i64 {
        let (value,): (i64,) = sqlx::query_as("SELECT value FROM counter WHERE name = $1")
            .bind(name)
            .fetch_one(self.pool())
            .await
            .unwrap();
        value
    }

    /// Nothing waits, and roots and books are equal: by what the edge says, and by a look at both stores.
    pub(super) async fn settled(&self, edges: &[&Edge]) {
        // Twice: what a later edge sent may have brought an earlier one something since.
        for edge in edges.iter().chain(edges) {
            soon(&edge.name, async || self.compare(edge).await).await;
        }
        let log = rebuild::verify_log(self.pool()).await.unwrap();
        assert!(log.is_sound(), "{log:?}");
        assert_eq!(self.finance("trial-balance").await["total_paisa"], 0);
    }

    async fn compare(&self, edge: &Edge) -> Result<(), String> {
        let store = edge.node.store();
        let waiting = store.outbox_len().unwrap();
        let standings = store.read(|rows| rows.standings()).unwrap();
        if waiting > 0 || !standings.roots_equal || !standings.books_equal {
            return Err(format!("{waiting} waiting, {standings:?}"));
        }
        let (seat, author) = (edge.node.seat(), edge.node.author());
        let page = replication::page(
            self.pool(),
            seat,
            author,
            Told::default(),
            Limits { ops: u32::MAX, ..Limits::default() },
            None,
        )
        .await
        .unwrap()
        .standing
        .ok_or("there is more than a page")?;
        let theirs: Vec<_> = page.roots.into_iter().filter(|(_, _, root)| root.count > 0).collect();
        let ours = store.roots().unwrap().into_iter().filter(|(_, root)| root.count > 0);
        let ours: Vec<_> = ours.map(|((scope, lane), root)| (scope, lane, root)).collect();
        if ours != theirs {
            return Err(format!("it says equal, but holds {ours:?} and central {theirs:?}"));
        }
        (books::digest(&store.books().unwrap()) == page.books).then_some(()).ok_or("other books".to_owned())
    }
}

/// An edge: a replica, and its sync when it is online.
pub(super) struct Edge {
    pub(super) name: String,
    pub(super) node: Arc<Node>,
    pub(super) dir: PathBuf,
    online: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Edge {
    /// A replica that was opened in `dir`.
    pub(super) fn of(name: &str, node: Arc<Node>, dir: &Path) -> Self {
        Self { name: name.to_owned(), node, dir: dir.to_owned(), online: None }
    }

    pub(super) fn go_online(&mut self, hub: SocketAddr) {
        self.go_online_by(&[hub]);
    }

    /// With the choice of several hubs, in this order.
    pub(super) fn go_online_by(&mut self, hubs: &[SocketAddr]) {
        let (stop, stopped) = watch::channel(false);
        let node = Arc::clone(&self.node);
        let hubs = hubs.iter().map(SocketAddr::to_string).collect();
        let run = tokio::spawn(edge_node::sync::run(node, hubs, BACKOFF, stopped));
        self.online = Some((stop, run));
    }

    pub(super) async fn go_offline(&mut self) {
        if let Some((stop, run)) = self.online.take() {
            stop.send(true).unwrap();
            run.await.unwrap();
        }
    }

    pub(super) fn party(&self) -> Scope {
        self.node.seat().party
    }

    /// How many sets it has repaired so.
    pub(super) fn repairs(&self, rung: Rung) -> u64 {
        self.node.store().read(|rows| rows.counter(rung.name())).unwrap()
    }

    /// Records as soon as the business lets it.
    pub(super) async fn tap(&self, command: &Command) -> ([u8; 16], Receipt) {
        static ACTS: AtomicU64 = AtomicU64::new(1);
        let mut act = [0; 16];
        act[..8].copy_from_slice(&ACTS.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let receipt = soon(&format!("{} {command:?}", self.name), async || match self.node.record(act, command) {
            Ok(receipt) => Ok(receipt),
            Err(RecordError::Refusal(refusal)) => Err(refusal.to_string()),
            Err(RecordError::Error(error)) => panic!("{error}"),
        })
        .await;
        (act, receipt)
    }

    /// Waits until this edge sees the parcel so.
    pub(super) async fn sees(&self, parcel: Subject, status: &str) {
        soon(&format!("{} sees {status}", self.name), async || {
            let parcels = self.node.store().read(|rows| rows.parcels(None, None, 100)).unwrap();
            let seen = parcels.iter().find(|view| view.parcel == parcel).map(|view| view.status.clone());
            (seen.as_deref() == Some(status)).then_some(()).ok_or(format!("{seen:?}"))
        })
        .await;
    }
}

/// A vendor, the courier hub and an agent.
pub(super) struct Crew {
    pub(super) vendor: Edge,
    pub(super) site: Edge,
    pub(super) agent: Edge,
}

impl Crew {
    pub(super) async fn enrol(house: &House) -> Self {
        Self { vendor: house.vendor().await, site: house.courier().await, agent: house.agent("agent").await }
    }

    pub(super) fn all(&self) -> [&Edge; 3] {
        [&self.vendor, &self.site, &self.agent]
    }

    pub(super) fn go_online(&mut self, hub: SocketAddr) {
        [&mut self.vendor, &mut self.site, &mut self.agent].into_iter().for_each(|edge| edge.go_online(hub));
    }

    pub(super) async fn go_offline(&mut self) {
        for edge in [&mut self.vendor, &mut self.site, &mut self.agent] {
            edge.go_offline().await;
        }
    }

    /// From the vendor's shelf into the agent's bag.
    pub(super) async fn bring_to_agent(&self, parcel: Subject) {
        self.vendor.tap(&Command::Accept { parcel }).await;
        self.vendor.tap(&Command::Pack { parcel, pieces: 1 }).await;
        self.site.sees(parcel, "packed").await;
        self.site.tap(&Command::Receive { parcel, pieces: 1 }).await;
        self.site.tap(&Command::Dispatch { parcels: vec![parcel], agent: self.agent.party() }).await;
        self.agent.sees(parcel, "on_run").await;
        self.agent.tap(&Command::Load { parcels: vec![parcel] }).await;
    }

    pub(super) async fn deliver(&self, parcel: Subject) -> [u8; 16] {
        let evidence = 1;
        let paid = Some(DUE);
        let deliver = Command::Deliver { parcel, evidence, collected_paisa: paid, confirm_difference: false };
        self.agent.tap(&deliver).await.0
    }

    /// The agent gives what he collected, the cashier counts it.
    pub(super) async fn hand_in(&self, amount: Taka) {
        let (_, offer) = self.agent.tap(&Command::Offer { site: self.site.party(), amount_paisa: amount }).await;
        let offered = offer.facts.iter().find(|fact| fact.kind == "HandInOffered").unwrap();
        let (handin, agent) = (offered.subject, self.agent.party());
        let site = &self.site;
        soon("the offer at the till", async || {
            let handins = site.node.store().read(|rows| rows.handins(None, 100)).unwrap();
            handins
                .iter()
                .any(|view| view.handin == handin && view.status == "offered")
                .then_some(())
                .ok_or("it is not there".to_owned())
        })
        .await;
        self.site.tap(&Command::Count { handin, agent, counted_paisa: amount, denominations: Vec::new() }).await;
    }
}
