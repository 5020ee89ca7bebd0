//! Pictures that facts name: which are kept here, and how much of each central holds. The bytes are files beside the
//! database, `blobs/<64 hex digits>`, sealed; a file without a row is of an act that never was, and goes at the next start.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::blob::{BlobHeld, BlobId, BlobPart};
use protocol::id::Subject;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Rows, Store, StoreError, signed, unsigned};

/// The folder inside the data folder.
const FOLDER: &str = "blobs";
/// Bytes of pictures that one device keeps: those that central holds go first, the oldest of them before others.
pub const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// A picture that central holds is kept so long, ms: seven days.
const KEEP_MS: u64 = 7 * 86_400_000;

/// How many pictures wait for a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlobCounts {
    /// Pictures that central does not hold whole.
    pub waiting: u64,
    /// Bytes of them that are still to go.
    pub waiting_bytes: u64,
    /// Pictures that central did not take.
    pub refused: u64,
}

impl Rows<'_> {
    /// Keeps that a picture waits, in the transaction that records its fact.
    ///
    /// # Errors
    /// The database.
    pub fn put_blob(
        &self,
        blob: &BlobId,
        subject: &Subject,
        bytes: u64,
        seq: u64,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO blob (id, subject, bytes, inc, seq, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![blob.0, subject.0, signed(bytes), self.inc()?.0, signed(seq), signed(now_ms)])?;
        Ok(())
    }

    /// How many pictures wait.
    ///
    /// # Errors
    /// The database.
    pub fn blob_counts(&self) -> Result<BlobCounts, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE upto < bytes AND refused IS NULL),
                          coalesce(sum(bytes - upto) FILTER (WHERE upto < bytes AND refused IS NULL), 0),
                          count(refused) FROM blob";
        let read = |row: &Row<'_>| {
            let (waiting, refused) = (unsigned(row.get(0)?), unsigned(row.get(2)?));
            Ok(BlobCounts { waiting, waiting_bytes: unsigned(row.get(1)?), refused })
        };
        Ok(self.connection.prepare_cached(sql)?.query_row([], read)?)
    }
}

impl Store {
    fn blob_path(&self, blob: &BlobId) -> PathBuf {
        self.folder.join(FOLDER).join(blob.to_string())
    }

    /// Writes a picture's sealed bytes; when this returns they are on the disk.
    ///
    /// # Errors
    /// The disk.
    pub fn write_blob(&self, blob: &BlobId, sealed: &[u8]) -> Result<(), StoreError> {
        let path = self.blob_path(blob);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let failed = |source| StoreError::Io { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let part = path.with_extension("part");
        let write = || {
            let mut file = File::create(&part)?;
            file.write_all(sealed)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(&folder)?.sync_all()
        };
        write().map_err(|source| {
            // Half a picture only takes room.
            drop(fs::remove_file(&part));
            failed(source)
        })
    }

    /// Takes files away that no fact names: of a picture whose record a crash prevented, or half a one. Nobody else has
    /// the folder open.
    pub(super) fn sweep_blobs(&self) -> Result<(), StoreError> {
        let folder = self.folder.join(FOLDER);
        let Ok(files) = fs::read_dir(&folder) else { return Ok(()) };
        let mut swept = 0u64;
        for file in files.flatten() {
            let name = file.file_name();
            let named = name.to_str().and_then(BlobId::parse);
            let kept = match named {
                Some(blob) => self.read(|rows| {
                    let sql = "SELECT EXISTS (SELECT 1 FROM blob WHERE id = ?1 AND kept = 1)";
                    Ok::<_, StoreError>(
                        rows.connection.prepare_cached(sql)?.query_row(params![blob.0], |row| row.get(0))?,
                    )
                })?,
                None => false,
            };
            if !kept && fs::remove_file(file.path()).is_ok() {
                swept += 1;
            }
        }
        if swept > 0 {
            tracing::info!(swept, "files of pictures that no record names were taken away");
        }
        Ok(())
    }

    /// Takes the file of a picture away that no fact names.
    pub fn remove_blob(&self, blob: &BlobId) {
        if let Err(error) = fs::remove_file(self.blob_path(blob)) {
            tracing::debug!(%error, %blob, "a picture's file is gone already");
        }
    }

    /// Bytes of all pictures that are kept, after making room for `more`: what central holds goes when it is old, and
    /// sooner when the room is needed.
    ///
    /// # Errors
    /// The database.
    pub fn make_room_for_blob(&self, more: u64, now_ms: u64) -> Result<u64, StoreError> {
        let held: Vec<(BlobId, u64, u64)> = self.read(|rows| {
            let sql = "SELECT id, bytes, at_ms FROM blob WHERE upto = bytes AND kept = 1 ORDER BY at_ms";
            let mut statement = rows.connection.prepare_cached(sql)?;
            let read = |row: &Row<'_>| Ok((BlobId(row.get(0)?), unsigned(row.get(1)?), unsigned(row.get(2)?)));
            Ok::<_, StoreError>(statement.query_map([], read)?.collect::<Result<_, _>>()?)
        })?;
        let mut kept: u64 = self.read(|rows| {
            let sql = "SELECT coalesce(sum(bytes), 0) FROM blob WHERE kept = 1";
            Ok::<_, StoreError>(unsigned(rows.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
        })?;
        let mut gone = Vec::new();
        for (blob, bytes, at_ms) in held {
            if at_ms + KEEP_MS > now_ms && kept + more <= MOST_BYTES {
                break;
            }
            kept = kept.saturating_sub(bytes);
            gone.push(blob);
        }
        if !gone.is_empty() {
            self.write_told(|rows| {
                let mut forget = rows.connection.prepare_cached("UPDATE blob SET kept = 0 WHERE id = ?1")?;
                gone.iter().try_for_each(|blob| forget.execute(params![blob.0]).map(drop))?;
                Ok::<_, StoreError>(())
            })?;
            gone.iter().for_each(|blob| self.remove_blob(blob));
        }
        Ok(kept)
    }

    /// The next piece to send: of the oldest picture whose fact is SAFE.
    ///
    /// # Errors
    /// The database, and a file that cannot be read.
    pub fn next_part(&self, most_bytes: usize) -> Result<Option<BlobPart>, StoreError> {
        let next = self.read(|rows| {
            let sql =
                "SELECT blob.id, blob.upto, blob.bytes FROM blob JOIN safe ON safe.inc = blob.inc AND safe.author = ?1
                       WHERE blob.upto < blob.bytes AND blob.refused IS NULL AND blob.seq <= safe.upto
                       ORDER BY blob.at_ms, blob.id LIMIT 1";
            let read = |row: &Row<'_>| Ok((BlobId(row.get(0)?), unsigned(row.get(1)?), unsigned(row.get(2)?)));
            let mut statement = rows.connection.prepare_cached(sql)?;
            Ok::<_, StoreError>(statement.query_row(params![self.author.0], read).optional()?)
        })?;
        let Some((blob, upto, bytes)) = next else { return Ok(None) };
        let path = self.blob_path(&blob);
        let most = most_bytes.min(usize::try_from(bytes - upto).unwrap_or(usize::MAX));
        let mut part = Vec::with_capacity(most);
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(upto))?;
            file.take(most as u64).read_to_end(&mut part)
        };
        match read() {
            Ok(count) if count > 0 => Ok(Some(BlobPart { blob, offset: upto, bytes: part.into() })),
            _ => {
                // The fact stands without it; the device counts it among the refused.
                tracing::error!(%blob, "a picture's file cannot be read");
                self.set_blob_held(&BlobHeld { blob, upto: 0, refused: Some("file_lost".to_owned()) })?;
                Ok(None)
            }
        }
    }

    /// Central came back from a copy, which may lack pictures whose facts it has: those whose file is still here are
    /// offered again from their first byte, and central says how much it holds. How many.
    ///
    /// # Errors
    /// The database.
    pub fn offer_blobs_again(&self) -> Result<usize, StoreError> {
        self.write(|rows| {
            let sql = "UPDATE blob SET upto = 0 WHERE kept = 1 AND upto > 0 AND refused IS NULL";
            Ok(rows.connection.prepare_cached(sql)?.execute([])?)
        })
    }

    /// Central holds so much of a picture, or does not take it.
    ///
    /// # Errors
    /// The database.
    pub fn set_blob_held(&self, held: &BlobHeld) -> Result<(), StoreError> {
        self.write_told(|rows| {
            rows.connection
                .prepare_cached("UPDATE blob SET upto = min(?2, bytes), refused = ?3 WHERE id = ?1")?
                .execute(params![held.blob.0, signed(held.upto), held.refused])?;
            Ok(())
        })
    }
}
