//! What one side lost comes back from the other; nothing is there twice.

use std::path::Path;
use std::sync::Arc;

use central::rebuild;
use edge_node::store::FILE;
use edge_node::{BusinessClock, Node};
use getit_tests::postgres::Cluster;
use protocol::id::{OpId, Subject};
use protocol::root::Root;
use protocol::session::ladder::Rung;
use protocol::taka::Taka;
use rusqlite::Connection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row};

use super::house::{Crew, DUE, Edge, House};

/// Takes the op out of every root of the edge that counts it.
pub(super) fn forget_root(edge: &Connection, subject: &[u8], lane: i64, id: OpId) {
    let mut scopes: Vec<Vec<u8>> = edge
        .prepare("SELECT scope FROM member WHERE subject = ?1 AND put_gen > close_gen")
        .unwrap()
        .query_map([subject], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    scopes.push(subject.to_vec());
    for scope in scopes {
        let read = "SELECT count, sum FROM root WHERE scope = ?1 AND lane = ?2";
        let held = edge.query_row(read, (&scope, lane), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?)));
        let Ok((count, sum)) = held else { continue };
        let mut root = Root::from_parts(count as u64, &sum);
        root.leave(&id);
        let write = "UPDATE root SET count = ?3, sum = ?4 WHERE scope = ?1 AND lane = ?2";
        edge.execute(write, (&scope, lane, root.count as i64, root.sum_bytes())).unwrap();
    }
}

/// Removes one op that others wrote, with its burst or without.
fn lose_at_edge(dir: &Path, kind: u16, with_burst: bool) {
    let edge = Connection::open(dir.join(FILE)).unwrap();
    let read = "SELECT id, subject, lane, digest FROM op WHERE class_kind = ?1";
    let (id, subject, lane, digest): ([u8; 32], Vec<u8>, i64, Vec<u8>) =
        edge.query_row(read, [kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    forget_root(&edge, &subject, lane, OpId(id));
    assert_eq!(edge.execute("DELETE FROM op WHERE id = ?1", [id]).unwrap(), 1);
    if with_burst {
        let alone: i64 =
            edge.query_row("SELECT count(*) FROM op WHERE digest = ?1", [&digest], |row| row.get(0)).unwrap();
        assert_eq!(alone, 0, "the burst of a tap has one op here");
        assert_eq!(edge.execute("DELETE FROM burst WHERE digest = ?1", [&digest]).unwrap(), 1);
    }
}

/// These found out by cells or ranges, and nobody by a list of all ids.
fn repaired(edges: &[&Edge]) {
    for edge in edges {
        let by = |rung| edge.repairs(rung);
        assert!(by(Rung::Sketch) + by(Rung::Ranges) > 0, "{} repaired nothing", edge.name);
        assert_eq!(by(Rung::Ids), 0, "{}", edge.name);
    }
}

async fn walked(house: &House, crew: &Crew, key: &str) -> Subject {
    let parcel = house.place(key).await;
    crew.bring_to_agent(parcel).await;
    crew.deliver(parcel).await;
    parcel
}

/// Kinds, as [`protocol::fact::Fact::KINDS`] names them.
const PACKED: u16 = 0x2003;
const RECEIVED: u16 = 0x3001;
const DELIVERED: u16 = 0x4002;

#[tokio::test(flavor = "multi_thread")]
async fn walk_an_edge_gets_back_what_it_lost() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    walked(&house, &crew, "1").await;
    house.settled(&crew.all()).await;
    let whole = house.digests().await;
    crew.go_offline().await;
    lose_at_edge(&crew.agent.dir, PACKED, true);
    lose_at_edge(&crew.site.dir, PACKED, true);
    lose_at_edge(&crew.site.dir, DELIVERED, true);
    // The vendor forgets where it stood: everything is told once more.
    let vendor = Connection::open(crew.vendor.dir.join(FILE)).unwrap();
    assert_eq!(vendor.execute("DELETE FROM cursor", []).unwrap(), 1);
    drop(vendor);
    for edge in crew.all() {
        edge.node.store().note_compared(0, false, false, None).unwrap();
    }
    crew.go_online(hub.quic);
    house.settled(&crew.all()).await;
    assert_eq!(house.digests().await, whole);
    repaired(&[&crew.agent, &crew.site]);
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

/// An op that is lost under its burst comes back by the roots like any other.
#[tokio::test(flavor = "multi_thread")]
async fn walk_an_edge_gets_back_a_row_that_is_lost_under_its_burst() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    walked(&house, &crew, "1").await;
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    lose_at_edge(&crew.agent.dir, RECEIVED, false);
    crew.go_online(hub.quic);
    house.settled(&crew.all()).await;
    repaired(&[&crew.agent]);
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_device_that_is_set_back_begins_a_new_life_and_loses_nothing() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let first = house.place("1").await;
    crew.bring_to_agent(first).await;
    house.settled(&crew.all()).await;
    let older = tempfile::tempdir().unwrap();
    let live = Connection::open(crew.agent.dir.join(FILE)).unwrap();
    live.execute("VACUUM INTO ?1", [older.path().join(FILE).to_str().unwrap()]).unwrap();
    std::fs::copy(crew.agent.dir.join("seat.key"), older.path().join("seat.key")).unwrap();
    drop(live);
    crew.deliver(first).await;
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    let life = crew.agent.node.store().hello().unwrap().inc;
    crew.agent.node = Arc::new(Node::open(older.path(), BusinessClock::default()).unwrap());
    crew.agent.sees(first, "loaded").await;
    crew.agent.go_online(hub.quic);
    crew.agent.sees(first, "delivered").await;
    house.settled(&crew.all()).await;
    assert_ne!(crew.agent.node.store().hello().unwrap().inc, life);
    walked(&house, &crew, "2").await;
    crew.hand_in(DUE.plus(DUE)).await;
    house.settled(&crew.all()).await;
    assert_eq!(counted(house.pool(), "SELECT count(*) FROM chain WHERE forked").await, 0);
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

/// Removes the op of this kind from central, with its burst and its roots.
async fn lose_at_central(pool: &PgPool, kind: i32) {
    let mut tx = pool.begin().await.unwrap();
    let lost = sqlx::query("DELETE FROM op WHERE class_kind = $1 RETURNING digest").bind(kind);
    let lost = lost.fetch_one(&mut *tx).await.unwrap();
    let digest: Vec<u8> = lost.get(0);
    sqlx::query("DELETE FROM burst WHERE digest = $1").bind(digest).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    rebuild::rebuild(pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_central_gets_back_a_fact_that_it_lost() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    walked(&house, &crew, "1").await;
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    let whole = rebuild::digest(house.pool()).await.unwrap();
    lose_at_central(house.pool(), i32::from(PACKED)).await;
    lose_at_central(house.pool(), i32::from(RECEIVED)).await;
    crew.go_online(hub.quic);
    house.settled(&crew.all()).await;
    repaired(&[&crew.vendor, &crew.site]);
    assert_eq!(roots_and_balances(&rebuild::digest(house.pool()).await.unwrap()), roots_and_balances(&whole));
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

/// What does not name log positions.
fn roots_and_balances(digests: &[rebuild::TableDigest]) -> Vec<rebuild::TableDigest> {
    digests
        .iter()
        .filter(|(table, ..)| ["root", "balance", "view_parcel", "view_earning"].contains(table))
        .copied()
        .collect()
}

async fn superuser() -> PgPool {
    PgPoolOptions::new().max_connections(1).connect(&Cluster::shared().unwrap().url("postgres")).await.unwrap()
}

fn name(url: &str) -> String {
    url.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// Copies a database as it is; nobody may be connected to it.
async fn copy(url: &str) -> String {
    let (from, to) = (name(url), format!("{}_copy", name(url)));
    let pool = superuser().await;
    let sql = format!("CREATE DATABASE {to} TEMPLATE {from}");
    super::house::soon("the copy", async || {
        sqlx::query(AssertSqlSafe(sql.clone())).execute(&pool).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    pool.close().await;
    Cluster::shared().unwrap().url(&to)
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_edges_feed_a_restored_central_again() {
    let mut house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let first = house.place("1").await;
    crew.bring_to_agent(first).await;
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    hub.stop().await;
    // The dump: the parcel is in the agent's bag.
    let live = house.url.clone();
    house.central.pool.close().await;
    let dump = copy(&live).await;
    house = house.on(&live).await;
    let hub = house.hub("hub-1").await;
    crew.go_online(hub.quic);
    crew.deliver(first).await;
    crew.hand_in(DUE).await;
    // An order that only the edges will remember.
    let second = walked(&house, &crew, "2").await;
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    hub.stop().await;
    let whole = roots_and_balances(&rebuild::digest(house.pool()).await.unwrap());
    let ops = counted(house.pool(), "SELECT count(*) FROM op").await;

    house = house.on(&dump).await;
    rebuild::new_log(house.pool()).await.unwrap();
    let hub = house.hub("hub-1").await;
    crew.go_online(hub.quic);
    house.settled(&crew.all()).await;
    for edge in crew.all() {
        edge.sees(first, "delivered").await;
        edge.sees(second, "delivered").await;
    }
    // What was collected is there once, and so is what the vendor gets.
    let till = "SELECT sum(balance)::bigint FROM finance.cash_by_custodian WHERE account_code IN (1110, 1120)";
    assert_eq!(counted(house.pool(), till).await, 2 * DUE.paisa());
    let now = roots_and_balances(&rebuild::digest(house.pool()).await.unwrap());
    for (now, whole) in now.iter().zip(&whole).filter(|(now, _)| now.0 != "root") {
        assert_eq!(now, whole, "what is folded is that of before the restore");
    }
    let again = counted(house.pool(), "SELECT count(*) FROM op").await;
    assert!(again >= ops, "{again} of {ops} ops came back");
    // And it goes on.
    crew.hand_in(DUE).await;
    walked(&house, &crew, "3").await;
    house.settled(&crew.all()).await;
    let collected = counted(house.pool(), till).await;
    assert_eq!(Taka::from_paisa(collected), Some(DUE.plus(DUE).plus(DUE)));
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

async fn counted(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}
