//! A finished day is checked from its databases alone; each damage to a copy is found, with node and id.
//!
//! The day is a small one, lived in this process. With `GETIT_FINISHED_DAY=DATA` it is a copy of the
//! day that `./dev demo --once` left in DATA.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod small_day;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use getit_tests::check::{Examined, examine};
use getit_tests::postgres::Cluster;
use protocol::id::Subject;
use rusqlite::Connection;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};
use tempfile::TempDir;

use small_day::{FIRST, SECOND, SITE};

/// Names the data folder of a day to use instead of a small one.
const GIVEN: &str = "GETIT_FINISHED_DAY";

/// Not under a private parent: the user postgres has to enter it.
fn folder() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("getit-test-day-").permissions(Permissions::from_mode(0o755));
    builder.tempdir_in("/var/tmp").unwrap()
}

/// A finished day of one's own.
async fn finished_day() -> TempDir {
    if let Some(given) = std::env::var_os(GIVEN) {
        return copy(Path::new(&given));
    }
    let day = folder();
    small_day::live(day.path()).await;
    day
}

/// A copy with the owners of the files, as Postgres wants them.
fn copy(day: &Path) -> TempDir {
    let copy = folder();
    let from = format!("{}/.", day.display());
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(copy.path()).status().unwrap();
    assert!(copied.success());
    copy
}

fn edge(day: &Path, name: &str) -> PathBuf {
    day.join("node").join(name).join("node.db")
}

/// Changes one edge with plain SQL; returns what `find` gave before, as hex.
fn damage_edge(day: &Path, name: &str, find: &str, damage: &str) -> String {
    let connection = Connection::open(edge(day, name)).unwrap();
    let id: Vec<u8> = connection.query_row(find, [], |row| row.get(0)).unwrap();
    assert_eq!(connection.execute(damage, []).unwrap(), 1, "{damage}");
    HEXLOWER.encode(&id)
}

/// Changes central with plain SQL, past the triggers; returns what `find` gave before, as hex.
async fn damage_central(day: &Path, find: &str, damage: &[&str]) -> String {
    let cluster = Cluster::start(&day.join("pg")).unwrap();
    let pool = PgPool::connect(&cluster.url("getit")).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let (id,): (Vec<u8>,) = sqlx::query_as(AssertSqlSafe(find)).fetch_one(&mut *connection).await.unwrap();
    change(&mut connection, damage).await;
    drop(connection);
    pool.close().await;
    HEXLOWER.encode(&id)
}

async fn change(connection: &mut PgConnection, damage: &[&str]) {
    sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    for sql in damage {
        let rows = sqlx::query(AssertSqlSafe(*sql)).execute(&mut *connection).await.unwrap().rows_affected();
        assert!(rows > 0, "{sql}");
    }
}

/// What `day check` exits with, and what it prints.
fn check(day: &Path) -> (Option<i32>, String) {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_day")).arg("check").arg(day).output().unwrap();
    (run.status.code(), String::from_utf8(run.stdout).unwrap())
}

/// The command exits 1 and names both.
fn exits_naming(day: &TempDir, node: &str, id: &str) {
    let (code, said) = check(day.path());
    assert_eq!(code, Some(1), "{said}");
    let named = said.lines().any(|line| line.contains(&format!("{node}:")) && line.contains(id));
    assert!(named, "{node} and {id} are not named in {said}");
}

/// A failure that names both.
fn names(examined: &Examined, node: &str, id: &str) {
    let named =
        examined.failures.iter().any(|failure| failure.starts_with(&format!("{node}:")) && failure.contains(id));
    assert!(named, "{node} and {id} are not named in {:#?}", examined.failures);
}

async fn shallow(day: &TempDir) -> Examined {
    examine(day.path(), false).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_day_passes_and_every_damage_to_a_copy_is_named() {
    let day = finished_day().await;
    let whole = examine(day.path(), true).await.unwrap();
    assert!(whole.failures.is_empty(), "{:#?}\n{:#?}", whole.failures, whole.verdict);
    if std::env::var_os(GIVEN).is_none() {
        figures(&whole);
    }
    let (code, said) = check(day.path());
    assert_eq!(code, Some(0), "{said}");

    // A safe op is gone from Postgres.
    let hurt = copy(day.path());
    let author = HEXLOWER.encode(&author_of(hurt.path(), FIRST));
    let delivered = format!("class_kind = {} AND author = '\\x{author}'", 0x4002);
    let op = format!("SELECT id FROM op WHERE {delivered} ORDER BY position LIMIT 1");
    let id = damage_central(hurt.path(), &op, &[&format!("DELETE FROM op WHERE id = ({op})")]).await;
    let found = shallow(&hurt).await;
    names(&found, FIRST, &format!("op {id}"));
    assert_eq!((found.verdict.safe_ops_missing, found.verdict.ops_total - found.verdict.ops_safe), (1, 1));
    names(&found, FIRST, "root_equal is false");
    exits_naming(&hurt, FIRST, &id);

    // An op is gone from an edge that did not author it, and from one that did.
    for (name, which) in [(SECOND, "author <>"), (FIRST, "author =")] {
        let hurt = copy(day.path());
        let op = format!(
            "SELECT id FROM op WHERE {which} (SELECT author FROM chain LIMIT 1) AND lane > 0 ORDER BY n LIMIT 1"
        );
        let id = damage_edge(hurt.path(), name, &op, &format!("DELETE FROM op WHERE id = ({op})"));
        let found = shallow(&hurt).await;
        names(&found, name, &format!("op {id}"));
        names(&found, name, "root_equal is false");
        exits_naming(&hurt, name, &id);
    }

    // A journal's amounts are changed, so that it balances still.
    let hurt = copy(day.path());
    let journal = "SELECT id FROM journal_log WHERE rule = 'J8' LIMIT 1";
    let turn = format!(
        "UPDATE posting SET amount_paisa = amount_paisa * 2 WHERE position = (SELECT position FROM journal_log WHERE id = ({journal}))"
    );
    let id = damage_central(hurt.path(), journal, &[&turn]).await;
    let found = shallow(&hurt).await;
    names(&found, "central", &format!("journal {id}"));
    names(&found, SITE, "J8 of H");
    assert_eq!(found.verdict.trial_balance_paisa, 0);
    assert!(found.verdict.world_cash_diff_paisa > 0);
    exits_naming(&hurt, "central", &id);

    // A balance of an edge is changed.
    let hurt = copy(day.path());
    let row = "SELECT subject FROM local_ledger WHERE rule = 'J8' AND account_code = 1120 ORDER BY subject LIMIT 1";
    let change = format!(
        "UPDATE local_ledger SET amount_paisa = amount_paisa + 1
         WHERE rule = 'J8' AND account_code = 1120 AND subject = ({row})"
    );
    let subject = damage_edge(hurt.path(), SITE, row, &change);
    let subject = Subject::from_slice(&HEXLOWER.decode(subject.as_bytes()).unwrap()).unwrap();
    let found = shallow(&hurt).await;
    names(&found, SITE, &format!("J8 of {subject}"));
    names(&found, SITE, "its account 1120");
    names(&found, SITE, "books_equal is false");
    exits_naming(&hurt, SITE, &subject.to_string());

    // A fact is posted under a second journal id, in books that balance and with the balances to match.
    let hurt = copy(day.path());
    let second = "decode('5ec0bd00000000000000000000000000', 'hex')";
    let row = format!(
        "INSERT INTO journal_log SELECT {second}, 1 + (SELECT max(position) FROM journal_log), {second}, 0, subject,
         rule, cause, rules_version, period, posted_at, hash FROM journal_log WHERE rule = 'J4' ORDER BY position LIMIT 1"
    );
    let lines = "INSERT INTO posting (position, line, account_code, owner, amount_paisa)
         SELECT (SELECT max(position) FROM journal_log), line, account_code, owner, amount_paisa
         FROM posting WHERE position = (SELECT position FROM journal_log WHERE rule = 'J4' ORDER BY position LIMIT 1)";
    let balances = "UPDATE balance SET amount_paisa = sums.sum FROM (SELECT account_code, coalesce(owner, ''::bytea)
         AS owner, sum(amount_paisa)::bigint FROM posting GROUP BY 1, 2) AS sums
         WHERE sums.account_code = balance.account_code AND sums.owner = balance.owner";
    let cause = "SELECT cause FROM journal_log WHERE rule = 'J4' ORDER BY position LIMIT 1";
    let cause = damage_central(hurt.path(), cause, &[&row, lines, balances]).await;
    let found = shallow(&hurt).await;
    assert_eq!((found.verdict.effects_applied_twice, found.verdict.trial_balance_paisa), (1, 0));
    names(&found, "central", "journal 5ec0bd00000000000000000000000000");
    names(&found, "central", &cause);
    exits_naming(&hurt, "central", &cause);

    // An op was left unsent.
    let hurt = copy(day.path());
    let last = "SELECT op.id FROM op JOIN safe USING (author, inc) WHERE op.seq = safe.upto ORDER BY slot LIMIT 1";
    let id = damage_edge(hurt.path(), SECOND, last, "UPDATE safe SET upto = upto - 1");
    let found = shallow(&hurt).await;
    names(&found, SECOND, &format!("op {id}"));
    names(&found, SECOND, "waiting is 1");
    names(&found, SECOND, "left unsent");
    exits_naming(&hurt, SECOND, &id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_careful_hand_changes_is_named_too() {
    let day = finished_day().await;

    // Bytes of an op, on both sides.
    let hurt = copy(day.path());
    let author = HEXLOWER.encode(&author_of(hurt.path(), FIRST));
    let first = format!("SELECT id FROM op WHERE author = '\\x{author}' AND lane > 0 ORDER BY position LIMIT 1");
    let flip = format!("UPDATE op SET bytes = bytes || '\\x00'::bytea WHERE id = ({first})");
    let id = damage_central(hurt.path(), &first, &[&flip]).await;
    damage_edge(hurt.path(), FIRST, "SELECT x'00'", &format!("UPDATE op SET bytes = zeroblob(8) WHERE id = x'{id}'"));
    let found = shallow(&hurt).await;
    names(&found, "central", &format!("op {id} is not what its author signed"));
    names(&found, FIRST, &format!("op {id} is not what its author signed"));

    // A burst that central's log never heard of, as far as the log can tell.
    let hurt = copy(day.path());
    let last = format!("SELECT digest FROM burst WHERE author = '\\x{author}' ORDER BY seq DESC LIMIT 1");
    let (op, burst) =
        (format!("DELETE FROM op WHERE digest = ({last})"), format!("DELETE FROM burst WHERE digest = ({last})"));
    let chain = format!("UPDATE chain SET upto = upto - 1, highest = highest - 1 WHERE author = '\\x{author}'");
    damage_central(hurt.path(), &last, &[&op, &burst, &chain]).await;
    let found = shallow(&hurt).await;
    names(&found, FIRST, "believes its bursts");
    assert!(found.verdict.safe_ops_missing > 0);

    // A stored root, and a stored balance.
    let hurt = copy(day.path());
    let root = "SELECT scope FROM root WHERE lane = 1 ORDER BY scope LIMIT 1";
    let count = format!("UPDATE root SET count = count + 1 WHERE lane = 1 AND scope = ({root})");
    let till = "UPDATE balance SET amount_paisa = amount_paisa + 1 WHERE account_code = 1120";
    let scope = damage_central(hurt.path(), root, &[&count, till]).await;
    let scope = Subject::from_slice(&HEXLOWER.decode(scope.as_bytes()).unwrap()).unwrap();
    let found = shallow(&hurt).await;
    names(&found, "central", &format!("the stored root of {scope} lane 1"));
    names(&found, "central", "balance 1120");

    // An edge that is not there any more.
    let hurt = copy(day.path());
    std::fs::remove_file(edge(hurt.path(), SITE)).unwrap();
    names(&shallow(&hurt).await, SITE, "its database is not there");
}

fn figures(whole: &Examined) {
    let verdict = &whole.verdict;
    assert_eq!((verdict.orders, verdict.parcels, verdict.delivered, verdict.returned), (6, 6, 5, 1));
    assert_eq!((verdict.failed_attempts, verdict.contested, verdict.safe_ops_missing), (1, 1, 0));
    assert_eq!(
        (verdict.ops_safe, verdict.trial_balance_paisa, verdict.effects_applied_twice),
        (verdict.ops_total, 0, 0)
    );
    // Doors: 1,060 three times and again for the parcel of two, 1,100, 1,000.
    assert_eq!((verdict.cash_collected_paisa, verdict.cash_in_tills_paisa), (634_000, 347_000));
    // 60 at a door and 50 at the counter are missing, 20 are too much.
    assert_eq!((verdict.cash_short_paisa, verdict.cash_over_paisa, verdict.world_cash_diff_paisa), (11_000, 2_000, 0));
    assert_eq!(verdict.nodes.len(), 4);
    // Nothing is paid ahead, fetched at a point, banked or paid out in this day.
    let rules: Vec<&str> = verdict.journals.keys().map(String::as_str).collect();
    assert_eq!(rules, ["J10", "J11", "J11a", "J12", "J21", "J4", "J5", "J7", "J8", "J9"]);
    let exceptions: Vec<&str> = verdict.exceptions.iter().map(|exception| exception.kind.as_str()).collect();
    assert_eq!(exceptions, ["contested_delivery", "duplicate_money", "over", "short"]);
}

fn author_of(day: &Path, name: &str) -> Vec<u8> {
    let connection = Connection::open(edge(day, name)).unwrap();
    connection.query_row("SELECT author FROM chain LIMIT 1", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_projection_of_a_finished_day_is_rebuilt_equal_and_a_changed_row_is_named() {
    let day = finished_day().await;
    // Views of central that the figures do not look at, and one of an edge: only the rebuild sees them.
    let changes = [
        "UPDATE view_parcel SET settled = NOT settled WHERE encode(subject, 'hex') = (SELECT min(encode(subject, 'hex')) FROM view_parcel)",
        "UPDATE view_offer SET upto = upto + 1 WHERE op = (SELECT op FROM view_offer LIMIT 1)",
    ];
    let offer = damage_central(day.path(), "SELECT op FROM view_offer LIMIT 1", &changes).await;
    let row = "SELECT subject FROM view_parcel ORDER BY subject LIMIT 1";
    let parcel = damage_edge(
        day.path(),
        FIRST,
        row,
        &format!("UPDATE view_parcel SET attempts = attempts + 1 WHERE subject = ({row})"),
    );
    let figures = examine(day.path(), false).await.unwrap().failures;
    assert!(figures.is_empty(), "no figure depends on these rows: {figures:#?}");
    let found = examine(day.path(), true).await.unwrap();
    names(&found, "central", "of view_parcel is not what a rebuild makes");
    names(&found, "central", &format!("{offer}\") of view_offer"));
    names(&found, FIRST, &format!("row {parcel} of view_parcel"));

    // A rebuild in place heals all.
    let cluster = Cluster::start(&day.path().join("pg")).unwrap();
    let pool = PgPool::connect(&cluster.url("getit")).await.unwrap();
    let hurt = central::rebuild::digest(&pool).await.unwrap();
    central::rebuild::rebuild(&pool).await.unwrap();
    let healed = central::rebuild::digest(&pool).await.unwrap();
    let differ: Vec<&str> = hurt.iter().zip(&healed).filter(|(a, b)| a != b).map(|(a, _)| a.0).collect();
    assert_eq!(differ, ["view_parcel", "view_offer"]);
    pool.close().await;
    drop(cluster);
    edge_node::store::Store::open(&day.path().join("node").join(FIRST)).unwrap().rebuild().unwrap();
    let healed = examine(day.path(), true).await.unwrap();
    assert!(healed.failures.is_empty(), "{:#?}", healed.failures);
}
