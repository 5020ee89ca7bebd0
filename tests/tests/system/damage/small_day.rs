//! A finished small day: six parcels on real stores, in one process, with no network between. What a
//! day of `./dev demo` leaves behind, in its form.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use central::intake::{ClerkKey, Intake};
use central::replication::{self, Limits};
use central::store;
use ed25519_dalek::SigningKey;
use edge_node::store::Identity;
use edge_node::{BusinessClock, Node};
use getit_tests::check::Thresholds;
use getit_tests::postgres::Cluster;
use protocol::burst::Burst;
use protocol::command::Command;
use protocol::decide::Draft;
use protocol::fact::{AttemptReason, EarningOpened, Fact, Line, OrderPlaced, ParcelCreated, Put};
use protocol::frame::Cursor;
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::intake::{Verified, verify};
use protocol::seat::{Certificate, Role, Seat};
use protocol::session::hub::Told;
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use sqlx::postgres::PgPool;

const NOW_MS: u64 = 1_795_312_800_000;
const DUE: i32 = 1_060;
const PARCELS: u8 = 6;
/// Ops that a page brings: few, so that there are several.
const PAGE: u32 = 7;

/// Names of the edges, and of their folders.
pub(super) const VENDOR: &str = "vendor-1";
pub(super) const SITE: &str = "courier-hub";
pub(super) const FIRST: &str = "agent-1";
pub(super) const SECOND: &str = "agent-2";

struct SmallDay {
    pool: PgPool,
    intake: Intake,
    nodes: BTreeMap<&'static str, Node>,
    piles: BTreeMap<Scope, Taka>,
    acts: u8,
}

/// Lives the day in `data`, and leaves it finished.
pub(super) async fn live(data: &Path) {
    let cluster = Cluster::start(&data.join("pg")).unwrap();
    cluster.create_database("getit").await.unwrap();
    let pool = store::connect(&cluster.url("getit"), 4).await.unwrap();
    store::migrate(&pool).await.unwrap();
    let mut day = SmallDay::new(pool, data).await;
    day.place_orders().await;
    day.deliver().await;
    day.hand_in().await;
    day.finish(data).await;
}

fn parcel(n: u8) -> Subject {
    Subject::new(Kind::Parcel, Id16([n; 16]))
}

fn paid(amount: i32) -> Command {
    Command::Deliver {
        parcel: parcel(0),
        evidence: 1,
        collected_paisa: Some(Taka::whole(amount)),
        confirm_difference: amount != DUE,
    }
}

impl SmallDay {
    async fn new(pool: PgPool, data: &Path) -> Self {
        let authority = SigningKey::from_bytes(&[1; 32]);
        let clerk = SigningKey::from_bytes(&[2; 32]);
        let central = issue(&authority, &clerk, Role::Central, Subject::tenant(), 2);
        store::open_author(&pool, &central).await.unwrap();
        let site = Subject::new(Kind::Site, Id16([4; 16]));
        let agent = |n| Subject::agent(site, Id16([n; 16]));
        let mut nodes = BTreeMap::new();
        for (name, role, party, n) in [
            (VENDOR, Role::Vendor, Subject::new(Kind::Vendor, Id16([3; 16])), 3),
            (SITE, Role::Site, site, 4),
            (FIRST, Role::Agent, agent(5), 5),
            (SECOND, Role::Agent, agent(6), 6),
        ] {
            let key = SigningKey::from_bytes(&[n; 32]);
            let certificate = issue(&authority, &key, role, party, n);
            store::add_seat(&mut pool.acquire().await.unwrap(), &certificate, name).await.unwrap();
            let identity = Identity {
                certificate: certificate.encode(),
                key,
                x509: vec![1],
                ca: vec![2],
                authority_key: authority.verifying_key().to_bytes(),
                central_certificate: central.encode(),
                hubs: Vec::new(),
            };
            let folder = data.join("node").join(name);
            nodes.insert(name, Node::create(&folder, &identity, BusinessClock::default()).unwrap());
        }
        let key = ClerkKey { key: clerk, author: central.author() };
        let ticks = AtomicU64::new(0);
        let clock = move || {
            let tick = ticks.fetch_add(1, Ordering::Relaxed);
            let mut entropy = [0; 32];
            entropy[..8].copy_from_slice(&tick.to_be_bytes());
            Stamp { now_ms: NOW_MS + tick, entropy }
        };
        let intake = Intake::start(pool.clone(), key, Arc::new(clock));
        Self { pool, intake, nodes, piles: BTreeMap::new(), acts: 0 }
    }

    fn party(&self, name: &str) -> Scope {
        self.nodes[name].seat().party
    }

    async fn place_orders(&mut self) {
        let (vendor, site) = (self.party(VENDOR), self.party(SITE));
        for n in 1..=PARCELS {
            let order = Subject::new(Kind::Order, Id16([n; 16]));
            let (parcel, earning) = (parcel(n), Subject::earning_of(parcel(n)));
            let line = Line { sku: "rice-5kg".into(), qty: 1, unit_price: Taka::whole(1_000) };
            let due = Taka::whole(DUE);
            let created = ParcelCreated { order, vendor, site, due, lines: vec![line], sealed: Vec::new() };
            let terms = EarningOpened {
                parcel,
                vendor,
                goods: Taka::whole(1_000),
                delivery: Taka::whole(60),
                delivery_vat: Taka::ZERO,
                rounding: Taka::ZERO,
                commission: Taka::whole(100),
                cod_fee: Taka::whole(10),
                vendor_vat: Taka::ZERO,
                rto_fee: Taka::whole(50),
                rto_vat: Taka::ZERO,
            };
            let placed = OrderPlaced { customer: Id16([9; 16]), parcels: vec![parcel], total: due, sealed: Vec::new() };
            let put = |subjects| Fact::Put(Put { generation: 1, subjects });
            let drafts = vec![
                Draft { subject: order, fact: Fact::OrderPlaced(placed) },
                Draft { subject: parcel, fact: Fact::ParcelCreated(created) },
                Draft { subject: earning, fact: Fact::EarningOpened(terms) },
                Draft { subject: vendor, fact: put(vec![parcel, earning]) },
                Draft { subject: site, fact: put(vec![parcel]) },
            ];
            self.intake.author(drafts, vec![(parcel, [n; 32])], None).await.unwrap();
        }
        self.exchange().await;
    }

    /// Exact, more, less, refused and returned, claimed by two, exact.
    async fn deliver(&mut self) {
        let all: Vec<Subject> = (1..=PARCELS).map(parcel).collect();
        for parcel in all.iter().copied() {
            self.tap(VENDOR, &Command::Accept { parcel });
            self.tap(VENDOR, &Command::Pack { parcel, pieces: 1 });
        }
        self.exchange().await;
        for parcel in all.iter().copied() {
            self.tap(SITE, &Command::Receive { parcel, pieces: 1 });
        }
        let (first, second) = (self.party(FIRST), self.party(SECOND));
        self.tap(SITE, &Command::Dispatch { parcels: all[..5].to_vec(), agent: first });
        self.tap(SITE, &Command::Dispatch { parcels: all[5..].to_vec(), agent: second });
        self.exchange().await;
        self.tap(FIRST, &Command::Load { parcels: all[..5].to_vec() });
        self.tap(SECOND, &Command::Load { parcels: all[5..].to_vec() });
        self.exchange().await;
        self.collect(FIRST, 1, DUE);
        self.collect(FIRST, 2, DUE + 40);
        self.collect(FIRST, 3, DUE - 60);
        self.collect(SECOND, 6, DUE);
        self.tap(FIRST, &Command::Fail { parcel: parcel(4), reason: AttemptReason::Refused });
        // The first agent is out of reach, so the parcel seems free to the courier hub.
        self.collect(FIRST, 5, DUE);
        self.tap(SITE, &Command::Dispatch { parcels: vec![parcel(5)], agent: second });
        self.exchange_with(&[SITE, SECOND]).await;
        self.tap(SECOND, &Command::Load { parcels: vec![parcel(5)] });
        self.collect(SECOND, 5, DUE);
        self.exchange().await;
        self.tap(SITE, &Command::Receive { parcel: parcel(4), pieces: 1 });
        self.tap(SITE, &Command::Return { parcel: parcel(4), reason: AttemptReason::Refused });
        self.exchange().await;
        self.tap(VENDOR, &Command::TakeBack { parcel: parcel(4) });
        self.exchange().await;
    }

    /// Exact, more and less than was offered.
    async fn hand_in(&mut self) {
        for (name, offered, counted) in [(FIRST, 1_000, 1_000), (FIRST, 500, 520), (SECOND, 2_000, 1_950)] {
            let (agent, site) = (self.party(name), self.party(SITE));
            self.tap(name, &Command::Offer { site, amount_paisa: Taka::whole(offered) });
            self.exchange().await;
            let handins = self.nodes[SITE].store().read(|rows| rows.handins(None, 10)).unwrap();
            let handin = handins.iter().find(|handin| handin.status == "offered").unwrap().handin;
            let counted_paisa = Taka::whole(counted);
            self.tap(SITE, &Command::Count { handin, agent, counted_paisa, denominations: Vec::new() });
            // What is over came out of nobody's pile: the agent had taken it and not said so.
            let pile = self.piles.entry(agent).or_default();
            *pile = pile.minus(Taka::whole(offered));
            let till = self.piles.entry(site).or_default();
            *till = till.plus(counted_paisa);
            self.exchange().await;
        }
    }

    async fn finish(mut self, data: &Path) {
        self.exchange().await;
        // Everything once more: a network repeats itself.
        for node in self.nodes.values() {
            self.intake.take(own(node, 0)).await.unwrap();
        }
        let nodes: Vec<_> =
            self.nodes.keys().map(|name| serde_json::json!({ "node": name, "role": "", "kills": 1 })).collect();
        let pile = |(party, pile): (&Scope, &Taka)| serde_json::json!({ "party": party, "paisa": pile.paisa() });
        let thresholds = Thresholds {
            orders: u64::from(PARCELS),
            delivered_percent: 80,
            failed: 1,
            returned: 1,
            collected_at_point: 0,
            prepaid: 0,
            cancelled: 0,
            banked_paisa: 0,
            short: 2,
            over: 2,
            contested: 1,
            lines: 0,
            ruled: 0,
            duplicates: 10,
            ops: 1,
            kills: 1,
            // Its ten rules are asserted by the test.
            journals: false,
        };
        let day = serde_json::json!({
            "nodes": nodes,
            "piles": self.piles.iter().map(pile).collect::<Vec<_>>(),
            "thresholds": thresholds,
        });
        std::fs::write(data.join("day.json"), day.to_string()).unwrap();
        self.nodes.clear();
        self.pool.close().await;
    }

    fn tap(&mut self, name: &str, command: &Command) {
        self.acts += 1;
        self.nodes[name].record([self.acts; 16], command).unwrap();
    }

    fn collect(&mut self, name: &str, n: u8, amount: i32) {
        let mut command = paid(amount);
        if let Command::Deliver { parcel: of, .. } = &mut command {
            *of = parcel(n);
        }
        self.tap(name, &command);
        let pile = self.piles.entry(self.nodes[name].seat().party).or_default();
        *pile = pile.plus(Taka::whole(amount));
    }

    /// Everybody sends, then everybody receives.
    async fn exchange(&mut self) {
        self.exchange_with(&[VENDOR, SITE, FIRST, SECOND]).await;
    }

    async fn exchange_with(&mut self, names: &[&str]) {
        for name in names {
            self.send(name).await;
        }
        for name in names {
            self.receive(name).await;
        }
    }

    async fn send(&self, name: &str) {
        let node = &self.nodes[name];
        let hello = node.store().hello().unwrap();
        let bursts = own(node, hello.safe_upto);
        if bursts.is_empty() {
            return;
        }
        let took = self.intake.take(bursts).await.unwrap();
        assert!(took.refused.is_empty(), "{name}: {:?}", took.refused);
        let (upto, _) = took.chains[&(node.author(), hello.inc)];
        node.store().set_safe(hello.inc, upto).unwrap();
    }

    async fn receive(&self, name: &str) {
        let node = &self.nodes[name];
        let welcome = replication::welcome(&self.pool, node.author()).await.unwrap();
        loop {
            let cursor = node.store().hello().unwrap().cursor.unwrap_or_default();
            let after = Told { position: cursor.position, within: cursor.within.unwrap_or(0) };
            let (seat, author) = (node.seat(), node.author());
            let page =
                replication::page(&self.pool, seat, author, after, Limits { ops: PAGE, ..Limits::default() }, None)
                    .await
                    .unwrap();
            node.store().add_certificates(&page.parcel.certificates).unwrap();
            let received = node.receive(page.parcel.bursts).unwrap();
            assert!(received.unknown_authors.is_empty() && received.refused == 0, "{name}: {received:?}");
            node.store().add_keys(&page.parcel.keys).unwrap();
            let Told { position, within } = page.upto;
            let cursor = Cursor { log_id: welcome.log_id, position, within: Some(within) };
            node.store().set_cursor(cursor, 0).unwrap();
            if !page.more {
                break;
            }
        }
    }
}

/// Own bursts after a number, verified.
fn own(node: &Node, after: u64) -> Vec<Verified> {
    let bursts = node.store().own_bursts_after(after, usize::MAX).unwrap();
    bursts.iter().map(|bytes| verify(Burst::decode(bytes).unwrap(), node.seat()).unwrap()).collect()
}

fn issue(authority: &SigningKey, key: &SigningKey, role: Role, party: Scope, n: u8) -> Certificate {
    let (classes, grants) = Seat::rights(role, party);
    let seat = Seat {
        tenant: Id16::default(),
        device: Id16([n; 16]),
        person: Id16([n; 16]),
        party,
        key: key.verifying_key().to_bytes(),
        classes,
        grants,
        cash_ceiling: Taka::whole(50_000),
        issued_ms: NOW_MS,
        issuer: [0; 32],
    };
    Certificate::issue(authority, seat).unwrap()
}
