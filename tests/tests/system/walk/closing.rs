//! What is settled leaves the devices, and whatever comes later about it is taken all the same.

use std::sync::Arc;

use central::closing;
use edge_node::store::FILE;
use edge_node::store::closed::KEEP_BEACONS;
use edge_node::{BusinessClock, Node};
use protocol::account::Code;
use protocol::command::Command;
use protocol::id::{Scope, Subject};
use protocol::taka::Taka;
use rusqlite::Connection;
use serde_json::json;

use super::house::{Crew, DUE, Edge, House, soon};

const HOUR_MS: u64 = 3_600_000;

/// Central's hours, as a test lets them pass.
struct Hours<'a> {
    house: &'a House,
    now_ms: u64,
}

impl<'a> Hours<'a> {
    async fn begin(house: &'a House) -> Self {
        // Ahead of the clock of central's own task, which then has nothing to add.
        let mut hours = Self { house, now_ms: 2_000_000_000_000 };
        hours.pass(1).await;
        hours
    }

    async fn pass(&mut self, hours: u64) {
        self.now_ms += hours * HOUR_MS;
        assert!(closing::tick(self.house.pool(), self.now_ms).await.unwrap());
    }

    /// Closes what was last touched before now.
    async fn close(&mut self) -> u64 {
        let before = self.now_ms;
        self.pass(1).await;
        closing::close_all(self.house.pool(), self.house.intake(), before).await.unwrap()
    }
}

fn count(edge: &Edge, table: &str, subject: Subject) -> i64 {
    let database = Connection::open(edge.dir.join(FILE)).unwrap();
    let sql = format!("SELECT count(*) FROM {table} WHERE subject = ?1");
    database.query_row(&sql, [subject.0], |row| row.get(0)).unwrap()
}

fn in_the_bag(edge: &Edge) -> Taka {
    edge.node.store().read(|rows| rows.cash_on_hand()).unwrap()
}

async fn owed(house: &House, agent: Scope) -> Taka {
    let (sum,): (i64,) = sqlx::query_as(
        "SELECT coalesce(sum(amount_paisa), 0)::bigint FROM balance WHERE account_code = 1110 AND owner = $1",
    )
    .bind(agent.0)
    .fetch_one(house.pool())
    .await
    .unwrap();
    Taka::from_paisa(sum).unwrap()
}

/// Sessions begin anew, so that everybody hears the newest beacon.
async fn meet_again(crew: &mut Crew, hub: std::net::SocketAddr) {
    crew.go_offline().await;
    crew.go_online(hub);
}

/// A copy of the agent's card goes into a drawer, with what somebody taps on it.
fn card_in_a_drawer(agent: &Edge, parcel: Subject, paid: Taka) -> (tempfile::TempDir, Edge) {
    let card = tempfile::tempdir().unwrap();
    let live = Connection::open(agent.dir.join(FILE)).unwrap();
    live.execute("VACUUM INTO ?1", [card.path().join(FILE).to_str().unwrap()]).unwrap();
    for file in ["seat.key", "node.life"] {
        std::fs::copy(agent.dir.join(file), card.path().join(file)).unwrap();
    }
    let node = Arc::new(Node::open(card.path(), BusinessClock::default()).unwrap());
    let copy = Edge::of("copy", node, card.path());
    let late = Command::Deliver { parcel, evidence: 1, collected_paisa: Some(paid), confirm_difference: true };
    copy.node.record([9; 16], &late).unwrap();
    (card, copy)
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_what_is_settled_leaves_the_devices_and_a_late_fact_brings_it_back() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (done, held, open) = (house.place("1").await, house.place("2").await, house.place("3").await);
    for parcel in [done, held, open] {
        crew.bring_to_agent(parcel).await;
    }
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    let more = DUE.plus(Taka::whole(50));
    let (_card, mut copy) = card_in_a_drawer(&crew.agent, done, more);

    crew.agent.go_online(hub.quic);
    crew.deliver(done).await;
    crew.hand_in(DUE).await;
    crew.deliver(held).await;
    house.settled(&crew.all()).await;
    assert_eq!((in_the_bag(&crew.agent), owed(&house, crew.agent.party()).await), (DUE, DUE));

    // Weeks pass: two parcels and the hand-in are closed, the third parcel is still on its way.
    let mut hours = Hours::begin(&house).await;
    assert_eq!(hours.close().await, 3);
    assert_eq!(hours.close().await, 0, "once");
    meet_again(&mut crew, hub.quic).await;
    house.settled(&crew.all()).await;
    soon("the agent hears of it", async || {
        let waits = crew.agent.node.store().closed_counts().unwrap().held;
        (waits == 3).then_some(()).ok_or(format!("{waits} are closed and held"))
    })
    .await;
    assert_eq!(count(&crew.agent, "subject_key", done), 0, "who the customer was is forgotten at once");
    assert_eq!(count(&crew.agent, "subject_key", open), 1);
    assert!(count(&crew.agent, "op", done) > 0, "a restored central could still be fed");
    assert_eq!(in_the_bag(&crew.agent), DUE);

    hours.pass(KEEP_BEACONS + 1).await;
    meet_again(&mut crew, hub.quic).await;
    for edge in crew.all() {
        soon(&format!("{} lets go", edge.name), async || {
            let left = count(edge, "op", done) + count(edge, "op", held) + count(edge, "local_ledger", done);
            (left == 0).then_some(()).ok_or(format!("{left} records"))
        })
        .await;
    }
    house.settled(&crew.all()).await;
    assert!(count(&crew.agent, "op", open) > 0, "what is open stays");
    assert_eq!(in_the_bag(&crew.agent), DUE, "the cash of a parcel that is gone is still in the bag");
    let before = crew.agent.node.store().digest().unwrap();
    crew.agent.node.store().rebuild().unwrap();
    assert_eq!(crew.agent.node.store().digest().unwrap(), before);

    // A new computer of the site never held any of it, and has its cash all the same.
    let request = json!({ "role": "site", "name": "Hub", "site": house.site });
    let mut second = house.enrol("second", &request).await;
    second.go_online(hub.quic);
    house.settled(&[&second]).await;
    let till = Code::Till.of_owner(house.site);
    assert_eq!(second.node.store().read(|rows| rows.balance(till)).unwrap(), DUE);
    assert_eq!(count(&second, "op", done), 0);

    // The card turns up. What was tapped on it is taken, opens the parcel again everywhere, and is posted.
    copy.go_online(hub.quic);
    house.settled(&[&copy]).await;
    copy.go_offline().await;
    house.settled(&crew.all()).await;
    for edge in [&crew.agent, &crew.site, &second] {
        soon(&format!("{} has it again", edge.name), async || {
            let records = count(edge, "op", done);
            (records > 1).then_some(()).ok_or(format!("{records} records"))
        })
        .await;
    }
    crew.agent.sees(done, "delivered").await;
    let expected = more.plus(DUE).minus(DUE);
    assert_eq!(owed(&house, crew.agent.party()).await, expected, "the larger amount is owed");
    assert_eq!(in_the_bag(&crew.agent), expected);
    let (reversed,): (i64,) = sqlx::query_as("SELECT count(*) FROM journal_log WHERE subject = $1 AND rev % 2 = 1")
        .bind(done.0)
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert!(reversed > 0, "what stood is reversed, not changed");
    let exceptions = house.finance("exceptions").await;
    assert!(exceptions.to_string().contains(&done.to_string()), "somebody has to look at it: {exceptions}");
    hours.pass(1).await;
    assert_eq!(hours.close().await, 0, "what is contested is not closed");
    crew.deliver(open).await;
    house.settled(&crew.all()).await;
    let last = hours.now_ms;
    hours.pass(1).await;
    central::rebuild::new_log(house.pool()).await.unwrap();
    let closed = closing::close_all(house.pool(), house.intake(), last).await.unwrap();
    assert_eq!(closed, 0, "a restored central waits until its devices have fed it");
    for edge in crew.all() {
        let (held, counted) = edge
            .node
            .store()
            .read(|rows| Ok::<_, edge_node::store::StoreError>((rows.ops_held()?, rows.op_counts()?.0)))
            .unwrap();
        assert_eq!(held, counted, "{} counts what it let go", edge.name);
    }

    second.go_offline().await;
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

/// The author's card burns after he left a fact with his site, and central closed the parcel before the site met it again.
/// Nobody but the site has the fact, in no set that roots tell of, and in no outbox.
#[tokio::test(flavor = "multi_thread")]
async fn walk_a_fact_that_only_a_site_was_told_outlives_the_close_of_its_parcel() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (done, gone) = (house.place("1").await, house.place("2").await);
    for parcel in [done, gone] {
        crew.bring_to_agent(parcel).await;
    }
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    let more = DUE.plus(Taka::whole(50));
    let cards = [done, gone].map(|parcel| (parcel, card_in_a_drawer(&crew.agent, parcel, more)));
    crew.agent.go_online(hub.quic);
    for parcel in [done, gone] {
        crew.deliver(parcel).await;
    }
    house.settled(&crew.all()).await;

    // The site hears of one fact while it is away, and of the other when it has let go of its parcel.
    let hear = |site: &Edge, at: usize| {
        let (parcel, (_, copy)) = &cards[at];
        let told = copy.node.store().read(|rows| rows.own_bursts_about(parcel)).unwrap();
        let last = told.into_iter().max_by_key(|burst| burst.head.time_ms);
        assert_eq!(site.node.receive_relayed(last.into_iter().collect()).unwrap().taken, 1);
    };
    crew.site.go_offline().await;
    hear(&crew.site, 0);
    let mut hours = Hours::begin(&house).await;
    assert_eq!(hours.close().await, 2);
    crew.go_online(hub.quic);
    house.settled(&crew.all()).await;
    let records = async |parcel: Subject| {
        let sql = "SELECT count(*) FROM op WHERE subject = $1 AND class_kind = $2";
        let row: (i64,) = sqlx::query_as(sql).bind(parcel.0).bind(0x4002).fetch_one(house.pool()).await.unwrap();
        row.0
    };
    soon("central has both deliveries", async || {
        let held = records(done).await;
        (held == 2).then_some(()).ok_or(format!("{held} of 2"))
    })
    .await;
    assert_eq!(records(gone).await, 1);

    hours.pass(KEEP_BEACONS + 1).await;
    meet_again(&mut crew, hub.quic).await;
    soon("the site lets go", async || {
        let left = count(&crew.site, "op", gone);
        (left == 0).then_some(()).ok_or(format!("{left} records"))
    })
    .await;
    assert!(count(&crew.site, "op", done) > 0, "it is open again");
    hear(&crew.site, 1);
    soon("central has it, with the session that is open", async || {
        let held = records(gone).await;
        (held == 2).then_some(()).ok_or(format!("{held} of 2"))
    })
    .await;
    house.settled(&crew.all()).await;
    assert_eq!(owed(&house, crew.agent.party()).await, more.plus(more), "of two amounts the larger one, for both");

    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
