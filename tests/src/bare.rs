//! The physical limit of a tap: one bare SQLite transaction with `synchronous=FULL` on the same disk.

use std::path::Path;
use std::time::Instant;

/// Transactions measured.
const ROUNDS: usize = 200;

/// Median microseconds of one FULL transaction of a 200-byte row in `folder`.
///
/// # Errors
/// When the folder cannot be written.
pub fn full_transaction_us(folder: &Path) -> anyhow::Result<u64> {
    let path = folder.join("bare.db");
    let connection = rusqlite::Connection::open(&path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, bytes BLOB)")?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        connection.execute("INSERT INTO row (bytes) VALUES (zeroblob(200))", [])?;
        times.push(started.elapsed().as_micros() as u64);
    }
    drop(connection);
    std::fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[ROUNDS / 2])
}
