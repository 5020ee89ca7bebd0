//! Central's store on a real Postgres: one parcel from the order to the till, what is refused, and
//! the proofs over projections and books.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use central::intake::{Check, ClerkKey, Conflict, Guard, Intake, IntakeError};
use central::replication::{self, Limits, Source};
use central::{rebuild, store};
use ed25519_dalek::SigningKey;
use futures_util::future::join_all;
use getit_tests::postgres::Cluster;
use protocol::burst::{Burst, ChainPlace, Slot};
use protocol::decide::Draft;
use protocol::fact::{
    Accepted, Delivered, Denomination, Dispatched, EarningOpened, Fact, HandInCounted, HandInOffered, Line, Loaded,
    OrderPlaced, Packed, ParcelCreated, Put, Received, Revoked,
};
use protocol::frame::OwnHead;
use protocol::id::{Id16, Incarnation, Kind, OpId, ShortId, Subject};
use protocol::intake::{Verified, op_of, verify};
use protocol::op::Op;
use protocol::seat::{Certificate, Role, Seat};
use protocol::session::hub::Told;
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use sqlx::postgres::PgPool;

mod restate;

const NOW_MS: u64 = 1_793_469_600_000;

/// A device that signs bursts.
struct Device {
    key: SigningKey,
    seat: Seat,
    place: ChainPlace,
}

impl Device {
    fn burst(&mut self, ops: Vec<Op>) -> Verified {
        let burst = Burst::sign(&self.key, &self.place, NOW_MS, &ops);
        self.place = self.place.then(burst.digest());
        verify(burst, &self.seat).unwrap()
    }
}

struct Town {
    pool: PgPool,
    intake: Intake,
    vendor: Device,
    site: Device,
    agent: Device,
    order: Subject,
    parcel: Subject,
    handin: Subject,
}

fn subject(kind: Kind, n: u8) -> Subject {
    Subject::new(kind, Id16([n; 16]))
}

/// The `k`th hand-in of a person.
fn subject_of(person: Id16, k: u8) -> Subject {
    let mut id = person;
    id.0[0] = k;
    Subject::new(Kind::HandIn, id)
}

async fn enrol(pool: &PgPool, role: Role, n: u8, party: Subject) -> Device {
    let authority = SigningKey::from_bytes(&[1; 32]);
    let key = SigningKey::from_bytes(&[n; 32]);
    let (classes, grants) = Seat::rights(role, party);
    let seat = Seat {
        tenant: Id16([0; 16]),
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
    let certificate = Certificate::issue(&authority, seat).unwrap();
    if role == Role::Central {
        store::open_author(pool, &certificate).await.unwrap();
    } else {
        store::add_seat(&mut pool.acquire().await.unwrap(), &certificate, role.word()).await.unwrap();
    }
    let place = ChainPlace::start(certificate.author(), Incarnation([n; 4]));
    Device { key, seat: certificate.seat, place }
}

impl Town {
    async fn new() -> Self {
        let (_, pool) = Cluster::shared().unwrap().fresh_database().await.unwrap();
        // Two processes may start at once.
        let (first, second) = tokio::join!(store::migrate(&pool), store::migrate(&pool));
        first.unwrap();
        second.unwrap();
        let central = enrol(&pool, Role::Central, 2, Subject::tenant()).await;
        let site = subject(Kind::Site, 4);
        let vendor = enrol(&pool, Role::Vendor, 3, subject(Kind::Vendor, 3)).await;
        let agent = enrol(&pool, Role::Agent, 5, Subject::agent(site, Id16([5; 16]))).await;
        let site = enrol(&pool, Role::Site, 4, site).await;
        let clerk = ClerkKey { key: central.key.clone(), author: central.place.author };
        let ticks = AtomicU64::new(0);
        let clock = move || {
            let tick = ticks.fetch_add(1, Ordering::Relaxed);
            Stamp { now_ms: NOW_MS + tick, entropy: *blake_of(tick) }
        };
        let intake = Intake::start(pool.clone(), clerk, Arc::new(clock));
        let (order, parcel) = (subject(Kind::Order, 6), subject(Kind::Parcel, 7));
        Self { pool, intake, vendor, site, agent, order, parcel, handin: subject(Kind::HandIn, 8) }
    }

    async fn place_order(&self) -> Vec<OpId> {
        let created = ParcelCreated {
            order: self.order,
            vendor: self.vendor.seat.party,
            site: self.site.seat.party,
            due: Taka::whole(1_060),
            lines: vec![Line { sku: "rice-5kg".into(), qty: 1, unit_price: Taka::whole(1_000) }],
            sealed: Vec::new(),
        };
        let terms = EarningOpened {
            parcel: self.parcel,
            vendor: self.vendor.seat.party,
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
        let placed = OrderPlaced {
            customer: Id16([9; 16]),
            parcels: vec![self.parcel],
            total: Taka::whole(1_060),
            sealed: Vec::new(),
        };
        let earning = Subject::earning_of(self.parcel);
        let put = |subjects| Fact::Put(Put { generation: 1, subjects });
        let drafts = vec![
            Draft { subject: self.order, fact: Fact::OrderPlaced(placed) },
            Draft { subject: self.parcel, fact: Fact::ParcelCreated(created) },
            Draft { subject: earning, fact: Fact::EarningOpened(terms) },
            Draft { subject: self.vendor.seat.party, fact: put(vec![self.parcel, earning]) },
            Draft { subject: self.site.seat.party, fact: put(vec![self.parcel]) },
        ];
        let nobody_was_first = |states: &std::collections::BTreeMap<Subject, protocol::fold::Folded>| {
            let taken = states.keys().next();
            taken.map_or(Ok(()), |subject| Err(Conflict { subject: *subject, status: "placed".into() }))
        };
        let check: Check = Arc::new(nobody_was_first);
        let guard = || Some(Guard { check: Some(check.clone()), extra: None });
        let keys = vec![(self.parcel, [7; 32])];
        let placed = self.intake.author(drafts.clone(), keys, guard()).await.unwrap();
        let again = self.intake.author(drafts, Vec::new(), guard()).await;
        assert!(matches!(again, Err(IntakeError::Conflict(_))), "the guard sees what was committed: {again:?}");
        placed.ids
    }

    /// The whole walk of one parcel, with its bursts.
    async fn walk(&mut self) -> Vec<Verified> {
        let mut head = self.place_order().await[1];
        let (parcel, handin) = (self.parcel, self.handin);
        let (agent, site) = (self.agent.seat.party, self.site.seat.party);
        let after = |id: &OpId| vec![id.short()];
        let about = |fact: Fact, heads: Vec<ShortId>| op_of(parcel, &fact, heads);
        let put = |scope, member| op_of(scope, &Fact::Put(Put { generation: 1, subjects: vec![member] }), Vec::new());
        let mut bursts = Vec::new();
        let mut step = |device: &mut Device, ops: Vec<Op>| {
            let burst = device.burst(ops);
            let last = burst.ids[0];
            bursts.push(burst);
            last
        };
        head = step(&mut self.vendor, vec![about(Fact::Accepted(Accepted {}), after(&head))]);
        head = step(&mut self.vendor, vec![about(Fact::Packed(Packed { pieces: 1 }), after(&head))]);
        head = step(&mut self.site, vec![about(Fact::Received(Received { pieces: 1 }), after(&head))]);
        let dispatched = Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) });
        head = step(&mut self.site, vec![about(dispatched, after(&head)), put(agent, parcel)]);
        head = step(&mut self.agent, vec![about(Fact::Loaded(Loaded {}), after(&head))]);
        let delivered = Fact::Delivered(Delivered { evidence: 1, collected: Some(Taka::whole(1_060)) });
        step(&mut self.agent, vec![about(delivered, after(&head))]);
        let upto = self.agent.place.seq - 1;
        let offered = HandInOffered { site, amount: Taka::whole(1_060), inc: self.agent.place.inc, upto };
        let offered = op_of(handin, &Fact::HandInOffered(offered), Vec::new());
        let offer = step(&mut self.agent, vec![offered, put(agent, handin), put(site, handin)]);
        let counted = HandInCounted {
            agent,
            counted: Taka::whole(1_060),
            denominations: vec![Denomination { taka: 20, pieces: 53 }],
        };
        step(&mut self.site, vec![op_of(handin, &Fact::HandInCounted(counted), after(&offer))]);
        bursts
    }

    async fn rules(&self) -> Vec<String> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT rule FROM journal_log ORDER BY rule").fetch_all(&self.pool).await.unwrap();
        rows.into_iter().map(|(rule,)| rule).collect()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let (number,): (i64,) = sqlx::query_as(sql).fetch_one(&self.pool).await.unwrap();
        number
    }

    /// Digests of the bursts, as their ops lie in the log.
    async fn bursts_in_order(&self) -> Vec<[u8; 32]> {
        let rows: Vec<([u8; 32],)> = sqlx::query_as("SELECT digest FROM op GROUP BY digest ORDER BY min(position)")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        rows.into_iter().map(|(digest,)| digest).collect()
    }

    async fn text(&self, sql: &'static str) -> String {
        let (text,): (String,) = sqlx::query_as(sql).fetch_one(&self.pool).await.unwrap();
        text
    }
}

/// Different entropy for each tick.
fn blake_of(tick: u64) -> Box<[u8; 32]> {
    let mut bytes = Box::new([0; 32]);
    bytes[..8].copy_from_slice(&tick.to_be_bytes());
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_goes_from_the_order_to_the_till_whatever_the_order_of_its_bursts() {
    let mut town = Town::new().await;
    let bursts = town.walk().await;
    // Backwards: nothing is whole until the first burst is there.
    for burst in bursts.iter().rev() {
        town.intake.take(vec![burst.clone()]).await.unwrap();
    }
    let again = town.intake.take(bursts.clone()).await.unwrap();
    assert_eq!(again.duplicates, 11);
    assert!(again.refused.is_empty());
    for device in [&town.vendor, &town.site, &town.agent] {
        assert_eq!(again.chains[&(device.place.author, device.place.inc)], (device.place.seq - 1, false));
    }
    assert_eq!(town.number("SELECT value FROM counter WHERE name = 'duplicates_received'").await, 11);
    assert_eq!(town.rules().await, ["J4", "J5", "J7", "J8"]);
    assert_eq!(town.number("SELECT coalesce(sum(balance), 0)::bigint FROM finance.trial_balance").await, 0);
    assert_eq!(town.number("SELECT balance FROM finance.cash_by_custodian WHERE account_code = 1120").await, 106_000);
    assert_eq!(town.number("SELECT amount_paisa FROM balance WHERE account_code = 1110").await, 0);
    assert_eq!(town.text("SELECT status FROM view_parcel").await, "delivered");
    assert_eq!(town.text("SELECT state FROM view_handin").await, "counted");
    assert_eq!(town.number("SELECT count(*) FROM exception").await, 0);
    assert_eq!(town.number("SELECT count(*) FROM finance.journal WHERE rev = 0").await, 10);

    let refused = sqlx::query("UPDATE posting SET amount_paisa = 1").execute(&town.pool).await;
    assert!(refused.unwrap_err().to_string().contains("append-only"));
    assert!(rebuild::verify_log(&town.pool).await.unwrap().is_sound());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_at_once_share_batches_and_each_gets_his_own_answer() {
    let mut town = Town::new().await;
    let bursts = town.walk().await;
    let mut callers = tokio::task::JoinSet::new();
    for burst in bursts.iter().cycle().take(bursts.len() * 4).cloned() {
        let intake = town.intake.clone();
        callers.spawn(async move { intake.take(vec![burst]).await.unwrap().duplicates });
    }
    let duplicates: u64 = callers.join_all().await.into_iter().sum();
    assert_eq!(duplicates, 33, "every op was new once");
    assert_eq!(town.rules().await, ["J4", "J5", "J7", "J8"]);
    assert_eq!(town.number("SELECT count(*) - max(position) FROM op").await, 0, "positions have no gap");
    assert!(rebuild::verify_log(&town.pool).await.unwrap().is_sound());
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_worked_out_ahead_come_to_what_they_come_to_in_turn() {
    let (at_once, in_turn) = (Town::new().await, Town::new().await);
    let (mut digests, mut order) = (Vec::new(), None::<Vec<[u8; 32]>>);
    for mut town in [at_once, in_turn] {
        let concurrent = order.is_none();
        let site = town.site.seat.party;
        let mut agents = Vec::new();
        for n in 20..100 {
            agents.push(enrol(&town.pool, Role::Agent, n, Subject::agent(site, Id16([n; 16]))).await);
        }
        // First every agent offers, apart from all others; then the site counts, on one chain, what they offered,
        // while they offer it again.
        let (mut offers, mut counts) = (Vec::new(), Vec::new());
        for agent in &mut agents {
            let party = agent.seat.party;
            let handins: Vec<Subject> = (0..20).map(|k| subject_of(agent.seat.person, k)).collect();
            let offered = |upto| {
                let offer = HandInOffered { site, amount: Taka::whole(500), inc: Incarnation([1; 4]), upto };
                Fact::HandInOffered(offer)
            };
            let mut ops: Vec<Op> = handins.iter().map(|handin| op_of(*handin, &offered(0), Vec::new())).collect();
            let put = Fact::Put(Put { generation: 1, subjects: handins.clone() });
            ops.extend([op_of(party, &put, Vec::new()), op_of(site, &put, Vec::new())]);
            let offer = agent.burst(ops);
            let count = |(handin, id): (&Subject, &OpId)| {
                let count = HandInCounted { agent: party, counted: Taka::whole(480), denominations: Vec::new() };
                op_of(*handin, &Fact::HandInCounted(count), vec![id.short()])
            };
            counts.push(town.site.burst(handins.iter().zip(&offer.ids).map(count).collect()));
            counts.push(agent.burst(vec![op_of(handins[0], &offered(9), Vec::new())]));
            offers.push(offer);
        }
        if let Some(order) = &order {
            let mut all: Vec<Verified> = offers.into_iter().chain(counts).collect();
            all.sort_by_key(|burst| order.iter().position(|digest| *digest == burst.digest.0));
            for burst in all {
                town.intake.take(vec![burst]).await.unwrap();
            }
        } else {
            for round in [offers, counts] {
                let asked = join_all(round.into_iter().map(|burst| town.intake.take(vec![burst])));
                assert!(asked.await.into_iter().all(|took| took.unwrap().refused.is_empty()));
            }
            order = Some(town.bursts_in_order().await);
        }
        assert_eq!(town.intake.worked_ahead() > 0, concurrent, "{} batches", town.intake.worked_ahead());
        assert_eq!(town.number("SELECT count(*) FROM op WHERE position > 0").await, 80 * (22 + 20 + 1));
        assert_eq!(town.number("SELECT amount_paisa FROM balance WHERE account_code = 1120").await, 80 * 20 * 48_000);
        assert!(rebuild::verify_log(&town.pool).await.unwrap().is_sound());
        let digest = rebuild::digest(&town.pool).await.unwrap();
        rebuild::rebuild(&town.pool).await.unwrap();
        assert_eq!(rebuild::digest(&town.pool).await.unwrap(), digest);
        digests.push(digest);
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_foreign_op_changes_nothing_but_its_refusal() {
    let mut town = Town::new().await;
    let bursts = town.walk().await;
    town.intake.take(bursts).await.unwrap();
    let records = rebuild::digest_of_records(&town.pool).await.unwrap();
    let projections = rebuild::digest(&town.pool).await.unwrap();

    // Signed by somebody else.
    let accepted = op_of(town.parcel, &Fact::Accepted(Accepted {}), Vec::new());
    let mut forged = Burst::sign(&town.vendor.key, &town.vendor.place, NOW_MS, &[accepted]);
    forged.sig[7] ^= 1;
    let digest = forged.digest();
    let code = verify(forged, &town.vendor.seat).unwrap_err();
    replication::note_refused(&town.pool, town.vendor.place.author, digest, code).await.unwrap();
    assert_eq!(rebuild::digest_of_records(&town.pool).await.unwrap(), records);
    assert_eq!(rebuild::digest(&town.pool).await.unwrap(), projections);
    assert_eq!(town.text("SELECT code FROM refused_burst WHERE count = 1").await, "bad_signature");

    // A vendor counts cash; an agent puts into another agent's scope.
    let counted = HandInCounted { agent: town.agent.seat.party, counted: Taka::whole(1), denominations: Vec::new() };
    let counted = op_of(town.handin, &Fact::HandInCounted(counted), Vec::new());
    let foreign = Subject::agent(town.site.seat.party, Id16([77; 16]));
    let put = Fact::Put(Put { generation: 1, subjects: vec![town.parcel] });
    let put = op_of(foreign, &put, Vec::new());
    let hostile = vec![town.vendor.burst(vec![counted]), town.agent.burst(vec![put])];
    let took = town.intake.take(hostile).await.unwrap();
    let codes: Vec<&str> = took.refused.iter().map(|row| row.code).collect();
    assert_eq!(codes, ["class_not_yours", "put_not_yours"]);
    // A refused slot is answered: the device's chain goes on.
    let (place, chains) = (town.agent.place, &took.chains);
    assert_eq!(chains[&(place.author, place.inc)], (place.seq - 1, false));
    let kept = |before: &[rebuild::TableDigest], now: &[rebuild::TableDigest]| -> Vec<&'static str> {
        before.iter().zip(now).filter(|(before, now)| before != now).map(|(table, _)| table.0).collect()
    };
    let now = rebuild::digest_of_records(&town.pool).await.unwrap();
    assert_eq!(kept(&records, &now), ["burst", "chain"]);
    let now = rebuild::digest(&town.pool).await.unwrap();
    assert_eq!(kept(&projections, &now), ["exception"]);
    assert_eq!(town.number("SELECT count(*) FROM exception WHERE kind = 'refused'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn projections_are_rebuilt_equal_and_a_changed_row_is_healed_or_named() {
    let mut town = Town::new().await;
    let bursts = town.walk().await;
    town.intake.take(bursts).await.unwrap();
    let broken = Op { class_kind: 0x4002, lane_flags: 1, subject: town.parcel, after: Vec::new(), payload: vec![9] };
    let rival = Fact::Delivered(Delivered { evidence: 1, collected: Some(Taka::whole(500)) });
    let bursts = vec![town.agent.burst(vec![broken]), town.agent.burst(vec![op_of(town.parcel, &rival, Vec::new())])];
    town.intake.take(bursts).await.unwrap();
    // The seat is withdrawn after its facts: they stand.
    let revoked = Revoked { author: town.agent.place.author, beacon: 0, known: Vec::new() };
    let draft = Draft { subject: Subject::tenant(), fact: Fact::Revoked(revoked) };
    town.intake.author(vec![draft], Vec::new(), None).await.unwrap();
    assert!(replication::welcome(&town.pool, town.agent.place.author).await.unwrap().revoked);

    let before = rebuild::digest(&town.pool).await.unwrap();
    assert!(before.iter().any(|(table, rows, _)| *table == "exception" && *rows > 1));
    rebuild::rebuild(&town.pool).await.unwrap();
    assert_eq!(rebuild::digest(&town.pool).await.unwrap(), before);

    sqlx::query("UPDATE view_parcel SET status = 'placed'").execute(&town.pool).await.unwrap();
    assert_ne!(rebuild::digest(&town.pool).await.unwrap(), before);
    rebuild::rebuild(&town.pool).await.unwrap();
    assert_eq!(rebuild::digest(&town.pool).await.unwrap(), before);

    assert!(rebuild::verify_log(&town.pool).await.unwrap().is_sound());
    let mut tx = town.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query(
        "UPDATE posting SET amount_paisa = amount_paisa + 1
         WHERE line = 0 AND position = 3",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let report = rebuild::verify_log(&town.pool).await.unwrap();
    let changed = report.first_changed.unwrap();
    assert_eq!(changed.position, 3);
    assert_eq!(report.unequal, [changed.subject]);
    assert_eq!(report.without_journal, [0i64; 0]);
    // A posting of no journal at all.
    sqlx::query("INSERT INTO posting (position, line, account_code, amount_paisa) VALUES (1000000, 0, 1010, 100)")
        .execute(&town.pool)
        .await
        .unwrap();
    assert_eq!(rebuild::verify_log(&town.pool).await.unwrap().without_journal, [1_000_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_gets_pages_differences_and_books_of_the_seat_that_asks() {
    let mut town = Town::new().await;
    let bursts = town.walk().await;
    town.intake.take(bursts).await.unwrap();
    let (pool, seat, author) = (&town.pool, &town.agent.seat, town.agent.place.author);
    let seat_row = replication::seat_by_key(pool, &seat.key).await.unwrap().unwrap();
    assert_eq!((seat_row.author, seat_row.revoked), (author, false));
    let welcome = replication::welcome(pool, author).await.unwrap();
    let digest = town.agent.place.prev.and_then(|digest| digest.0.first_chunk().copied());
    assert_eq!(welcome.heads, [OwnHead { inc: town.agent.place.inc, upto: 3, highest: 3, forked: false, digest }]);

    let whole =
        replication::page(pool, seat, author, Told::default(), Limits { ops: 1_000, ..Limits::default() }, None)
            .await
            .unwrap();
    assert!(!whole.more && whole.upto == Told { position: welcome.position, within: 0 });
    let standing = whole.standing.as_ref().unwrap();
    assert!(!standing.roots.is_empty());
    assert!(whole.parcel.bursts.iter().all(|burst| burst.head.author != author), "own bursts stay away");
    assert_eq!(whole.parcel.keys, [(town.parcel, [7; 32])]);
    let opened = |burst: &Burst| burst.slots.iter().filter(|slot| matches!(slot, Slot::Open(_))).count();
    let earning = Subject::earning_of(town.parcel);
    for burst in &whole.parcel.bursts {
        let verifies = |certificate: &Vec<u8>| {
            let certificate =
                Certificate::decode(certificate, &SigningKey::from_bytes(&[1; 32]).verifying_key()).unwrap();
            certificate.author() == burst.head.author && verify(burst.clone(), &certificate.seat).is_ok()
        };
        assert!(whole.parcel.certificates.iter().any(verifies), "withheld slots still verify");
        for slot in &burst.slots {
            let Slot::Open(bytes) = slot else { continue };
            assert_ne!(Op::decode(bytes).unwrap().subject, earning, "a phone never holds a vendor's terms");
        }
    }
    // Small pages give the same ops, and so do pages of one op.
    let sizes = [(2, usize::MAX), (1_000, 1), (1_000, 600)];
    let ways = [(None, 128), (Some(Source::Subjects), 1), (Some(Source::Log), 1), (Some(Source::Log), 3), (None, 2)];
    for ((most, bytes), (from, window)) in sizes.into_iter().flat_map(|size| ways.map(|way| (size, way))) {
        let limits = Limits { ops: most, bytes, from, window };
        let (mut cursor, mut ops) = (Told::default(), 0);
        let last = loop {
            let page = replication::page(pool, seat, author, cursor, limits, None).await.unwrap();
            let held = page.parcel.bursts.iter().map(opened).sum::<usize>();
            assert!(held <= if bytes == 1 { 1 } else { most as usize }, "{held} ops");
            ops += held;
            assert!(page.upto > cursor, "{cursor:?}");
            cursor = page.upto;
            assert_eq!(page.more, page.standing.is_none());
            if !page.more {
                break page.standing;
            }
        };
        assert_eq!(last.as_ref(), Some(standing), "{limits:?}");
        assert_eq!(ops, whole.parcel.bursts.iter().map(opened).sum::<usize>());
        assert_eq!(cursor, whole.upto);
    }
    // Whoever is behind by anything is told the same, from his subjects and from the end of the log.
    for (told, within) in (0..welcome.position).flat_map(|told| [(told, 0), (told, told)]) {
        let told = Told { position: told, within };
        let of = |from| Limits { from: Some(from), ..Limits::default() };
        let from_subjects = replication::page(pool, seat, author, told, of(Source::Subjects), None).await.unwrap();
        let from_log = replication::page(pool, seat, author, told, of(Source::Log), Some(standing)).await.unwrap();
        assert_eq!(from_subjects.parcel.bursts, from_log.parcel.bursts, "{told:?}");
        assert_eq!((from_subjects.upto, &from_subjects.standing), (from_log.upto, &from_log.standing));
    }
    let cursor = welcome.position;

    let scope = seat.party;
    let all = replication::difference(pool, seat, scope, 1, &[ShortId([1; 8])]).await.unwrap();
    assert_eq!(all.want, [ShortId([1; 8])]);
    let of_lane = |burst: &Burst| -> Vec<ShortId> {
        let ids = burst.ids();
        burst
            .slots
            .iter()
            .zip(ids)
            .filter(|(slot, _)| matches!(slot, Slot::Open(_)))
            .map(|(_, id)| id.short())
            .collect()
    };
    let ours: Vec<ShortId> = all.parcel.bursts.iter().flat_map(of_lane).collect();
    assert_eq!(ours.len() as u64, all.root.count);
    let none = replication::difference(pool, seat, scope, 1, &ours).await.unwrap();
    assert!(none.parcel.bursts.is_empty() && none.want.is_empty());
    let vendor = town.vendor.seat.party;
    assert!(replication::difference(pool, seat, vendor, 1, &[]).await.is_err(), "not his scope");

    let books = replication::books(pool, seat).await.unwrap();
    assert!(books.owned.is_empty(), "his cash is in the till");
    assert_eq!(books.subjects.values().copied().sum::<Taka>(), Taka::ZERO);
    let status =
        replication::DeviceStatus { waiting: 0, root_equal: true, books_equal: true, position: cursor, ops: 9 };
    replication::note_status(pool, author, status).await.unwrap();
    assert_eq!(town.number("SELECT ops FROM device_status").await, 9);

    let before = replication::welcome(pool, author).await.unwrap().log_id;
    rebuild::new_log(pool).await.unwrap();
    assert_ne!(replication::welcome(pool, author).await.unwrap().log_id, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grown_log_is_told() {
    let town = Town::new().await;
    let mut watch = replication::watch(&town.pool).await.unwrap();
    town.place_order().await;
    assert!(watch.grown().await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_holds_a_folder_and_its_data_outlive_it() {
    let folder = std::path::PathBuf::from(format!("/var/tmp/getit-test-held-{}", std::process::id()));
    let cluster = Cluster::start(&folder).unwrap();
    let second = Cluster::start(&folder).unwrap_err().to_string();
    assert!(second.contains("in use by another run"), "{second}");
    cluster.create_database("kept").await.unwrap();
    assert!(cluster.create_database("no; such").await.is_err());
    drop(cluster);
    let cluster = Cluster::start(&folder).unwrap();
    let pool = PgPool::connect(&cluster.url("kept")).await.unwrap();
    store::migrate(&pool).await.unwrap();
    pool.close().await;
    drop(cluster);
    std::fs::remove_dir_all(&folder).unwrap();
}
