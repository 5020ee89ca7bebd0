//! The index on the disk: opened only when every byte is as it was written, else made anew.
//!
//! Its commit carries a stamp: version, database, and the mark up to which it holds everything. tantivy
//! replaces the list of files and the stamp in one rename, so a kill leaves the old index or the new one.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use protocol::id::Subject;
use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::Schema;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError};

use super::entry::{COLUMNS, Fields, VERSION, schema};
use crate::store::{Found, Marks, Store, StoreError};

/// The folder beside the database.
const FOLDER: &str = "search";
/// The least that tantivy takes for its one thread.
const HEAP_BYTES: usize = 15_000_000;
/// Subjects read at once: a screen's read waits for one such page at most.
const PAGE: u32 = 256;

/// Why the index could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiskError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the search index: {0}")]
    Index(#[from] TantivyError),
    #[error("the search folder: {0}")]
    Folder(#[from] std::io::Error),
    /// The index does not fit the database, or is damaged.
    #[error("the search index is of no use: {0}")]
    Unfit(&'static str),
    /// The node is closed.
    #[error("stopped")]
    Stopped,
}

/// An open index.
pub(super) struct Disk {
    index: Index,
    reader: IndexReader,
    writer: Option<IndexWriter>,
    fields: Fields,
    marks: Marks,
    /// Everything marked up to this number is in it.
    pub(super) upto: u64,
}

impl Disk {
    /// Opens the index of the database in `dir`.
    ///
    /// # Errors
    /// [`DiskError::Unfit`] and others: then it is to be made anew.
    pub(super) fn open(dir: &Path, store: &Store) -> Result<Self, DiskError> {
        let marks = store.read(|rows| rows.marks())?;
        let index = Index::open_in_dir(dir.join(FOLDER))?;
        let (wanted, fields) = schema();
        let upto = fit(&index, &wanted, &marks)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let disk = Self { index, reader, writer: None, fields, marks, upto };
        disk.whole()?;
        // With nothing to add, one entry stands for each subject: a lost file cannot go unnoticed.
        let (waiting, findable) =
            store.read(|rows| Ok::<_, StoreError>((rows.marks_after(upto)?, rows.findable_count()?)))?;
        if waiting == 0 && disk.searcher().num_docs() != findable {
            return Err(DiskError::Unfit("entries are missing"));
        }
        Ok(disk)
    }

    /// Makes the index anew from the database, in one commit; `progress` hears how many entries of how
    /// many are in it, and says whether to go on.
    ///
    /// # Errors
    /// Disk and database; the next opening finds it unfit then.
    pub(super) fn make(dir: &Path, store: &Store, progress: impl Fn(u64, u64) -> bool) -> Result<Self, DiskError> {
        let folder = fresh_folder(dir)?;
        let (marks, total) = store.read(|rows| Ok::<_, StoreError>((rows.marks()?, rows.findable_count()?)))?;
        let (schema, fields) = schema();
        let index = Index::create_in_dir(folder, schema)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let mut disk = Self { index, reader, writer: None, fields, marks, upto: 0 };
        let (mut after, mut done): (Option<Subject>, u64) = (None, 0);
        loop {
            if !progress(done, total) {
                return Err(DiskError::Stopped);
            }
            let page = store.read(|rows| {
                let subjects = rows.findable(after, PAGE)?;
                let found = subjects.iter().map(|subject| rows.found(subject)).collect::<Result<Vec<_>, _>>()?;
                Ok::<_, StoreError>((subjects, found))
            })?;
            let Some(last) = page.0.last() else { break };
            after = Some(*last);
            done += page.0.len() as u64;
            for found in page.1.iter().flatten() {
                let entry = disk.fields.entry(found);
                disk.writer()?.add_document(entry)?;
            }
        }
        // The index may not be ahead of a database that a power cut sets back: numbers would be used again.
        store.settle()?;
        // What changed meanwhile has a newer mark than this.
        disk.commit(marks.newest)?;
        Ok(disk)
    }

    /// Brings the next changed subjects in; `false` when there are none.
    ///
    /// # Errors
    /// Disk and database; what was committed before stands.
    pub(super) fn catch_up(&mut self, store: &Store) -> Result<bool, DiskError> {
        let upto = self.upto;
        let (changed, found) = store.read(|rows| {
            let changed = rows.oldest_marks(upto, PAGE)?;
            let found = changed.iter().map(|(_, subject)| rows.found(subject)).collect::<Result<Vec<_>, _>>()?;
            Ok::<_, StoreError>((changed, found))
        })?;
        let Some((last, _)) = changed.last().copied() else { return Ok(false) };
        for ((_, subject), found) in changed.iter().zip(&found) {
            let (term, entry) = (self.fields.term(subject), found.as_ref().map(|found| self.fields.entry(found)));
            let writer = self.writer()?;
            writer.delete_term(term);
            entry.map(|entry| writer.add_document(entry)).transpose()?;
        }
        store.settle()?;
        self.commit(last)?;
        Ok(true)
    }

    /// Gives the writer's memory back; merges that it began are finished first.
    pub(super) fn rest(&mut self) -> Result<(), DiskError> {
        match self.writer.take() {
            Some(writer) => Ok(writer.wait_merging_threads()?),
            None => Ok(()),
        }
    }

    /// What is committed, for queries.
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    fn commit(&mut self, upto: u64) -> Result<(), DiskError> {
        let stamp = stamp(&self.marks.id, upto);
        let mut commit = self.writer()?.prepare_commit()?;
        commit.set_payload(&stamp);
        commit.commit()?;
        self.reader.reload()?;
        self.upto = upto;
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut IndexWriter, DiskError> {
        if self.writer.is_none() {
            let options = IndexWriterOptions::builder()
                .num_worker_threads(1)
                .num_merge_threads(1)
                .memory_budget_per_thread(HEAP_BYTES)
                .build();
            self.writer = Some(self.index.writer_with_options(options)?);
        }
        self.writer.as_mut().ok_or(DiskError::Unfit("no writer"))
    }

    /// Checks what the checksums of the files do not cover: the list of files itself.
    fn whole(&self) -> Result<(), DiskError> {
        for segment in self.searcher().segment_readers() {
            for name in COLUMNS {
                if segment.fast_fields().u64(name)?.num_docs() != segment.max_doc() {
                    return Err(DiskError::Unfit("a segment has another length"));
                }
            }
        }
        Ok(())
    }
}

/// The mark up to which the index holds everything, if it is whole and of this database.
fn fit(index: &Index, wanted: &Schema, marks: &Marks) -> Result<u64, DiskError> {
    if index.schema() != *wanted {
        return Err(DiskError::Unfit("it has other fields"));
    }
    let metas = index.load_metas()?;
    let upto = metas.payload.as_deref().and_then(|payload| read_stamp(payload, &marks.id));
    let upto = upto.ok_or(DiskError::Unfit("it is of another version or database"))?;
    if upto < marks.dropped || upto > marks.newest {
        return Err(DiskError::Unfit("it is older or newer than the database"));
    }
    if !index.validate_checksum()?.is_empty() {
        return Err(DiskError::Unfit("its bytes changed"));
    }
    Ok(upto)
}

fn stamp(id: &[u8; 16], upto: u64) -> String {
    let text = format!("{VERSION} {} {upto}", HEXLOWER.encode(id));
    let check = blake3::derive_key("getit search stamp 1", text.as_bytes());
    format!("{text} {}", HEXLOWER.encode(&check[..8]))
}

fn read_stamp(payload: &str, id: &[u8; 16]) -> Option<u64> {
    let upto = payload.split(' ').nth(2)?.parse().ok()?;
    (stamp(id, upto) == payload).then_some(upto)
}

/// The index's folder, empty. Names stand in it as words: only its owner may look inside.
fn fresh_folder(dir: &Path) -> Result<PathBuf, std::io::Error> {
    let folder = dir.join(FOLDER);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => std::fs::remove_file(&folder)?,
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;
    Ok(folder)
}

/// An entry of every subject that is given, in memory only.
pub(super) fn in_memory(found: &[Found]) -> tantivy::Result<Searcher> {
    let (schema, fields) = schema();
    let directory = tantivy::directory::RamDirectory::create();
    let mut writer = Index::builder().schema(schema).single_segment_index_writer(directory, HEAP_BYTES)?;
    for found in found {
        writer.add_document(fields.entry(found))?;
    }
    let index = writer.finalize()?;
    let reader: IndexReader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    Ok(reader.searcher())
}
