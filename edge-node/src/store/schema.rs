//! The tables, and how an older database becomes one of today. Steps only add: an older program can
//! still open a newer file, so a roll-back of the program loses nothing.

use rusqlite::Connection;

use super::StoreError;

/// Step i brings `user_version` from i to i + 1.
const STEPS: &[&str] = &[FIRST, PICKUP, LIFE, NAMES, LADDER, NEAR, CLOSED, BLOBS, DROPPED];

/// What the counter of a pickup point shows, and the boxes of handover codes with the tries that were
/// made. The boxes come by session and belong to this device: a rebuild leaves them.
const PICKUP: &str = "
ALTER TABLE view_parcel ADD COLUMN point BLOB;
ALTER TABLE view_parcel ADD COLUMN shelf TEXT;
ALTER TABLE view_parcel ADD COLUMN step TEXT;
ALTER TABLE view_parcel ADD COLUMN verified TEXT;
ALTER TABLE view_parcel ADD COLUMN paid INTEGER NOT NULL DEFAULT 0;
ALTER TABLE view_parcel ADD COLUMN held_since_ms INTEGER;
ALTER TABLE view_parcel ADD COLUMN given_by BLOB;
ALTER TABLE view_parcel ADD COLUMN given_at_ms INTEGER;
ALTER TABLE view_parcel ADD COLUMN stop_requested INTEGER NOT NULL DEFAULT 0;
ALTER TABLE view_parcel ADD COLUMN prepaid INTEGER NOT NULL DEFAULT 0;
CREATE TABLE code_box (subject BLOB PRIMARY KEY, sealed BLOB NOT NULL, tries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Which opening of the database this is: see `store/life`.
const LIFE: &str = "
CREATE TABLE life (one INTEGER PRIMARY KEY CHECK (one = 1), number TEXT NOT NULL, place TEXT NOT NULL) STRICT;
";

/// What central says that agents and sites are called. A rebuild leaves it: it comes by session.
const NAMES: &str = "
CREATE TABLE party_name (party BLOB PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// The cells of each set beside its root, with the sum at which they stand; not WITHOUT ROWID, whose rows
/// leave the page at a quarter of it. A delta that was cut stands within a position.
const LADDER: &str = "
CREATE TABLE sketch (scope BLOB NOT NULL, lane INTEGER NOT NULL, sum BLOB NOT NULL, cells BLOB NOT NULL,
    UNIQUE (scope, lane)) STRICT;
ALTER TABLE cursor ADD COLUMN within INTEGER NOT NULL DEFAULT 0;
";

/// How far a relay near by holds an own incarnation.
const NEAR: &str = "
ALTER TABLE safe ADD COLUMN held_upto INTEGER NOT NULL DEFAULT 0;
";

/// What central has closed, since which beacon, and what it says is left of it; and what is left on accounts of what
/// is held no more.
const CLOSED: &str = "
CREATE TABLE closed (subject BLOB PRIMARY KEY, beacon INTEGER NOT NULL, close BLOB NOT NULL,
    state INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX closed_beacon ON closed (state, beacon);
CREATE TABLE carried (subject BLOB NOT NULL, account_code INTEGER NOT NULL, owner BLOB, amount_paisa INTEGER NOT NULL)
    STRICT;
CREATE INDEX carried_subject ON carried (subject);
CREATE INDEX carried_account ON carried (account_code, owner);
";

/// Pictures that own facts name, how much of each central holds, and whether the file is still kept. It says where the
/// files stand: a rebuild leaves it.
const BLOBS: &str = "
CREATE TABLE blob (id BLOB PRIMARY KEY, subject BLOB NOT NULL, bytes INTEGER NOT NULL, upto INTEGER NOT NULL DEFAULT 0,
    refused TEXT, kept INTEGER NOT NULL DEFAULT 1, inc BLOB NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX blob_at ON blob (at_ms);
";

const FIRST: &str = "
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1), certificate BLOB NOT NULL, key_file TEXT NOT NULL, x509 BLOB NOT NULL,
    ca BLOB NOT NULL, authority_key BLOB NOT NULL, central_certificate BLOB NOT NULL, hubs TEXT NOT NULL,
    inc BLOB NOT NULL) STRICT;
CREATE TABLE certificate (author BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE revocation (author BLOB NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (author, payload))
    STRICT, WITHOUT ROWID;
CREATE TABLE burst (
    digest BLOB PRIMARY KEY, author BLOB NOT NULL, inc BLOB NOT NULL, seq INTEGER NOT NULL, head BLOB NOT NULL,
    sig BLOB NOT NULL, ids BLOB NOT NULL, answered INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX burst_chain ON burst (author, inc, seq);
CREATE TABLE op (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, digest BLOB NOT NULL, slot INTEGER NOT NULL,
    subject BLOB NOT NULL, class_kind INTEGER NOT NULL, lane INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    author BLOB NOT NULL, inc BLOB NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, apart TEXT) STRICT;
CREATE INDEX op_subject ON op (subject, lane);
CREATE INDEX op_digest ON op (digest);
CREATE INDEX op_author ON op (author, subject);
CREATE TABLE member (
    scope BLOB NOT NULL, subject BLOB NOT NULL, put_gen INTEGER NOT NULL, close_gen INTEGER NOT NULL,
    held INTEGER NOT NULL, PRIMARY KEY (subject, scope)) STRICT, WITHOUT ROWID;
CREATE INDEX member_scope ON member (scope);
CREATE TABLE root (
    scope BLOB NOT NULL, lane INTEGER NOT NULL, count INTEGER NOT NULL, sum BLOB NOT NULL,
    PRIMARY KEY (scope, lane)) STRICT, WITHOUT ROWID;
CREATE TABLE chain (
    author BLOB NOT NULL, inc BLOB NOT NULL, upto INTEGER NOT NULL, highest INTEGER NOT NULL,
    forked INTEGER NOT NULL, PRIMARY KEY (author, inc)) STRICT, WITHOUT ROWID;
CREATE TABLE safe (author BLOB NOT NULL, inc BLOB NOT NULL, upto INTEGER NOT NULL, equal_upto INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (author, inc))
    STRICT, WITHOUT ROWID;
CREATE TABLE act (act BLOB PRIMARY KEY, receipt TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE subject_key (subject BLOB PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), log_id BLOB NOT NULL, position INTEGER NOT NULL) STRICT;
CREATE TABLE compared (
    one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, roots_equal INTEGER NOT NULL,
    books_equal INTEGER NOT NULL) STRICT;
CREATE TABLE refusal (
    inc BLOB NOT NULL, seq INTEGER NOT NULL, slot INTEGER NOT NULL, author BLOB NOT NULL, code TEXT NOT NULL,
    at_ms INTEGER NOT NULL, PRIMARY KEY (author, inc, seq, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE view_parcel (
    subject BLOB PRIMARY KEY, order_id BLOB, vendor BLOB, site BLOB, due_paisa INTEGER NOT NULL, lines TEXT NOT NULL,
    status TEXT NOT NULL, custodian BLOB, agent BLOB, attempts INTEGER NOT NULL, satisfied_by BLOB, returned_by BLOB,
    collected_paisa INTEGER NOT NULL, return_requested INTEGER NOT NULL, contested TEXT NOT NULL,
    incomplete INTEGER NOT NULL, newer INTEGER NOT NULL, sealed BLOB) STRICT, WITHOUT ROWID;
CREATE INDEX view_parcel_status ON view_parcel (status, subject);
CREATE TABLE view_handin (
    subject BLOB PRIMARY KEY, agent BLOB, site BLOB, offered_paisa INTEGER, counted_paisa INTEGER, status TEXT NOT NULL,
    counted_by BLOB, contested TEXT NOT NULL, incomplete INTEGER NOT NULL, newer INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX view_handin_agent ON view_handin (agent, status);
CREATE TABLE view_earning (
    subject BLOB PRIMARY KEY, parcel BLOB, vendor BLOB, goods_paisa INTEGER NOT NULL, net_paisa INTEGER NOT NULL,
    status TEXT NOT NULL, distributed_for BLOB, charged_for BLOB, held INTEGER NOT NULL, incomplete INTEGER NOT NULL,
    newer INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE local_ledger (
    subject BLOB NOT NULL, key BLOB NOT NULL, line INTEGER NOT NULL, rule TEXT NOT NULL, cause BLOB NOT NULL,
    account_code INTEGER NOT NULL, owner BLOB, amount_paisa INTEGER NOT NULL, PRIMARY KEY (subject, key, line))
    STRICT, WITHOUT ROWID;
CREATE INDEX local_ledger_account ON local_ledger (account_code, owner);
";

/// How many ops were let go with closed subjects: the number of the last op that was ever written less these is how many are
/// held, which a session tells without counting them.
const DROPPED: &str = "
INSERT OR REPLACE INTO counter (name, value)
    SELECT 'ops_dropped', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'op'), 0) - count(*) FROM op;
";

/// Brings the tables to this version. A file of a later version is left as it is.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let at: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(at).unwrap_or(STEPS.len()).min(STEPS.len());
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
    }
    super::found::arm(&transaction)?;
    transaction.commit()?;
    Ok(())
}
