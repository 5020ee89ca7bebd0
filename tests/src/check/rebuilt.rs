//! Copies of the stores, whose projections are dropped and made anew: they must come out equal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

use anyhow::Context;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::books::hex;

/// Projections of central with the columns of their keys. The positions of a membership and of a root are hints to
/// cursors and are left out.
const CENTRAL: [(&str, &str); 18] = [
    ("member", "scope, subject"),
    ("root", "scope, lane"),
    ("balance", "account_code, owner"),
    ("view_order", "subject"),
    ("view_parcel", "subject"),
    ("view_earning", "subject"),
    ("view_handin", "subject"),
    ("view_offer", "op"),
    ("view_shift", "subject"),
    ("view_bag", "subject"),
    ("view_deposit", "subject"),
    ("view_deposit_bag", "bag"),
    ("view_payout", "subject"),
    ("view_payout_line", "earning, payout"),
    ("view_refund", "subject"),
    ("view_sweep", "subject"),
    ("view_remittance", "subject"),
    ("exception", "subject, kind, cause, code"),
];

/// Projections of an edge with the columns of their keys.
const EDGE: [(&str, &str); 8] = [
    ("carried", "subject, account_code, owner"),
    ("local_ledger", "subject, key, line"),
    ("member", "subject, scope"),
    ("root", "scope, lane"),
    ("sketch", "scope, lane"),
    ("view_earning", "subject"),
    ("view_handin", "subject"),
    ("view_parcel", "subject"),
];

/// Rows as text, by table and key.
type Rows = BTreeMap<(&'static str, String), String>;

/// Rebuilds a copy of the database at `url`, on which nobody has a session, and names what changed.
pub(super) async fn central(url: &str) -> anyhow::Result<Vec<String>> {
    let options = PgConnectOptions::from_str(url).context("the database's URL")?;
    let original = options.get_database().unwrap_or(super::DATABASE).to_owned();
    let copy = format!("{original}_check_{}", std::process::id());
    let server = PgPoolOptions::new().max_connections(1).connect_with(options.clone().database("postgres")).await?;
    let drop_copy = format!("DROP DATABASE IF EXISTS \"{copy}\" WITH (FORCE)");
    sqlx::query(AssertSqlSafe(drop_copy.clone())).execute(&server).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE \"{copy}\" TEMPLATE \"{original}\"")))
        .execute(&server)
        .await
        .context("the database cannot be copied: stop central and the hubs first")?;
    let found = rebuild_central(options.database(&copy)).await;
    sqlx::query(AssertSqlSafe(drop_copy)).execute(&server).await?;
    server.close().await;
    found
}

async fn rebuild_central(options: PgConnectOptions) -> anyhow::Result<Vec<String>> {
    let pool = PgPoolOptions::new().max_connections(2).connect_with(options).await?;
    let before = (::central::rebuild::digest(&pool).await?, central_rows(&pool).await?);
    ::central::rebuild::rebuild(&pool).await?;
    let after = (::central::rebuild::digest(&pool).await?, central_rows(&pool).await?);
    pool.close().await;
    let mut found = changed("central", &before.1, &after.1);
    for (was, is) in before.0.iter().zip(&after.0).filter(|(was, is)| was != is) {
        found.push(format!("central: the digest of {} is {} and after a rebuild {}", was.0, hex(&was.2), hex(&is.2)));
    }
    Ok(found)
}

async fn central_rows(pool: &PgPool) -> anyhow::Result<Rows> {
    let mut all = Rows::new();
    for (table, key) in CENTRAL {
        let sql = format!("SELECT ROW({key})::text, (to_jsonb(t) - 'position' - 'moved')::text FROM {table} t");
        let rows: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await?;
        all.extend(rows.into_iter().map(|(key, row)| ((table, key), row)));
    }
    Ok(all)
}

/// Rebuilds a copy of the edge in `folder`, and names what changed.
pub(super) fn edge(name: &str, folder: &Path) -> anyhow::Result<Vec<String>> {
    let copy = tempfile::tempdir()?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // The index of the log is made anew; the log itself has to come along.
        let is_index = entry.file_name().to_string_lossy().ends_with("-shm");
        if entry.file_type()?.is_file() && !is_index {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name()))?;
        }
    }
    let store = edge_node::store::Store::open(copy.path())?;
    let file = copy.path().join(edge_node::store::FILE);
    let before = (store.digest()?, edge_rows(&file)?);
    store.rebuild()?;
    let after = (store.digest()?, edge_rows(&file)?);
    let mut found = changed(name, &before.1, &after.1);
    for (was, is) in before.0.iter().zip(&after.0).filter(|(was, is)| was != is) {
        let (table, was, is) = (was.table, hex(&was.digest), hex(&is.digest));
        found.push(format!("{name}: the digest of {table} is {was} and after a rebuild {is}"));
    }
    Ok(found)
}

fn edge_rows(file: &Path) -> anyhow::Result<Rows> {
    let connection = Connection::open(file)?;
    let mut all = Rows::new();
    for (table, key) in EDGE {
        let keys = key.split(", ").count();
        let mut statement = connection.prepare(&format!("SELECT {key}, * FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let texts: Vec<String> = (0..columns).map(|at| row.get_ref(at).map(text)).collect::<Result<_, _>>()?;
            all.insert((table, texts[..keys].join(",")), texts[keys..].join(","));
        }
    }
    Ok(all)
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => hex(bytes),
    }
}

/// Names each row that a rebuild changes.
fn changed(who: &str, before: &Rows, after: &Rows) -> Vec<String> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differs.map(|(table, key)| format!("{who}: row {key} of {table} is not what a rebuild makes")).collect()
}
