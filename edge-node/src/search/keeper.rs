//! Who keeps the index: one thread, started by the first search, never on the path of a tap. It opens
//! the index or makes it anew, brings changed subjects in some together, and rests.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use tantivy::Searcher;

use super::disk::{Disk, DiskError};
use crate::store::Store;

/// What changes within this time goes into one commit (20 ms each).
const TOGETHER: Duration = Duration::from_millis(200);
/// With nothing to do for so long, the writer's memory is given back.
const REST_AFTER: Duration = Duration::from_secs(5);
/// How long a full disk is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// So many marks are dropped at once: each dropping is a write that a tap may wait for.
const DROP_MARKS: u64 = 512;
/// Held by the process that keeps the index.
const LOCK_FILE: &str = "search.lock";

/// How the index stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchState {
    /// Nobody searched yet.
    #[default]
    Asleep,
    /// The index is being opened and checked.
    Opening,
    /// The index is being made from the database: only what changed lately is found.
    Rebuilding,
    /// Everything is found.
    Ready,
    /// Another process keeps the index: only what changed lately is found here.
    Elsewhere,
    /// The disk does not take the index: only what changed lately is found. It is tried again.
    Failing,
}

/// How far the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SearchStatus {
    /// How it stands.
    pub state: SearchState,
    /// Entries made, while it is made anew.
    pub done: u64,
    /// Entries that there will be.
    pub total: u64,
}

#[derive(Default)]
struct Desk {
    status: SearchStatus,
    /// What queries ask, and up to which mark everything is in it.
    committed: Option<(Searcher, u64)>,
    /// Something changed.
    woken: bool,
    /// A query found the index damaged.
    damaged: bool,
    /// Nothing is left to bring in.
    settled: bool,
    stop: bool,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

/// The handle of the thread.
pub(super) struct Keeper {
    dir: PathBuf,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Keeper {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), shared: Arc::default(), thread: Mutex::default() }
    }

    /// Starts the thread, once.
    pub(super) fn start(&self, store: &Arc<Store>) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() {
            return;
        }
        self.shared.desk().status.state = SearchState::Opening;
        let (shared, store, dir) = (Arc::clone(&self.shared), Arc::clone(store), self.dir.clone());
        let named = std::thread::Builder::new().name("search".to_owned());
        match named.spawn(move || keep(&shared, &store, &dir)) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => tracing::error!(%error, "the search index is not kept: no thread"),
        }
    }

    /// Something changed.
    pub(super) fn wake(&self) {
        let mut desk = self.shared.desk();
        (desk.woken, desk.settled) = (true, false);
        self.shared.changed.notify_all();
    }

    /// A query found the index damaged.
    pub(super) fn damaged(&self) {
        let mut desk = self.shared.desk();
        (desk.damaged, desk.settled, desk.committed) = (true, false, None);
        desk.status.state = SearchState::Rebuilding;
        self.shared.changed.notify_all();
    }

    pub(super) fn committed(&self) -> Option<(Searcher, u64)> {
        self.shared.desk().committed.clone()
    }

    pub(super) fn status(&self) -> SearchStatus {
        self.shared.desk().status
    }

    /// Waits until everything is in the index, or `most` is over.
    pub(super) fn settle(&self, most: Duration) -> SearchStatus {
        let until = Instant::now() + most;
        let mut desk = self.shared.desk();
        while !desk.settled {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            desk = self.shared.wait(desk, left);
        }
        desk.status
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.desk().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            if thread.join().is_err() {
                tracing::error!("the keeper of the search index failed: its index is checked at the next start");
            }
        }
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, desk: MutexGuard<'a, Desk>, most: Duration) -> MutexGuard<'a, Desk> {
        self.changed.wait_timeout(desk, most).unwrap_or_else(PoisonError::into_inner).0
    }

    fn state(&self, state: SearchState) {
        self.desk().status.state = state;
        self.changed.notify_all();
    }

    /// Waits for `most` or the stop; `true` to go on.
    fn pause(&self, most: Duration) -> bool {
        let until = Instant::now() + most;
        let mut desk = self.desk();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if desk.stop || left.is_zero() {
                return !desk.stop;
            }
            desk = self.wait(desk, left);
        }
    }

    fn publish(&self, disk: &Disk) {
        let mut desk = self.desk();
        desk.committed = Some((disk.searcher(), disk.upto));
        desk.status.state = SearchState::Ready;
    }
}

fn keep(shared: &Shared, store: &Store, dir: &Path) {
    let _lock = match lock(dir) {
        Ok(lock) => lock,
        Err(error) => {
            tracing::warn!(%error, "the search index is kept by another process, or its folder cannot be used");
            let mut desk = shared.desk();
            (desk.status.state, desk.settled) = (SearchState::Elsewhere, true);
            shared.changed.notify_all();
            return;
        }
    };
    loop {
        let kept = open_or_make(shared, store, dir).and_then(|mut disk| serve(shared, store, &mut disk));
        match kept {
            Ok(()) | Err(DiskError::Stopped) => return,
            Err(DiskError::Unfit(reason)) => tracing::warn!(reason, "the search index is made anew"),
            Err(error) => {
                tracing::warn!(%error, "the search index failed and is tried again");
                shared.state(SearchState::Failing);
                if !shared.pause(TRY_AGAIN) {
                    return;
                }
            }
        }
    }
}

fn lock(dir: &Path) -> Result<File, std::io::Error> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(std::io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open_or_make(shared: &Shared, store: &Store, dir: &Path) -> Result<Disk, DiskError> {
    let damaged = std::mem::take(&mut shared.desk().damaged);
    if !damaged {
        shared.state(SearchState::Opening);
        // A damaged file may be anything: reading it may also panic.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Disk::open(dir, store)));
        match opened {
            Ok(Ok(disk)) => return Ok(disk),
            Ok(Err(DiskError::Store(error))) => return Err(error.into()),
            Ok(Err(error)) => tracing::info!(%error, "the search index is made from the database"),
            Err(_) => tracing::info!("the search index cannot be read and is made from the database"),
        }
    }
    shared.state(SearchState::Rebuilding);
    Disk::make(dir, store, |done, total| {
        let mut desk = shared.desk();
        (desk.status.done, desk.status.total) = (done, total);
        !desk.stop
    })
}

fn serve(shared: &Shared, store: &Store, disk: &mut Disk) -> Result<(), DiskError> {
    let mut dropped = disk.upto;
    loop {
        shared.publish(disk);
        while disk.catch_up(store)? {
            shared.publish(disk);
            if shared.desk().stop {
                return Ok(());
            }
        }
        if disk.upto >= dropped + DROP_MARKS {
            store.drop_marks(disk.upto)?;
            dropped = disk.upto;
        }
        let mut desk = shared.desk();
        if !desk.woken {
            desk.settled = true;
            shared.changed.notify_all();
        }
        let rest_at = Instant::now() + REST_AFTER;
        let mut rested = false;
        while !(desk.woken || desk.damaged || desk.stop) {
            desk =
                shared.wait(desk, if rested { REST_AFTER } else { rest_at.saturating_duration_since(Instant::now()) });
            if !rested && Instant::now() >= rest_at {
                drop(desk);
                disk.rest()?;
                rested = true;
                shared.publish(disk);
                desk = shared.desk();
            }
        }
        if desk.stop {
            return Ok(());
        }
        if desk.damaged {
            return Err(DiskError::Unfit("a query could not read it"));
        }
        drop(desk);
        if !shared.pause(TOGETHER) {
            return Ok(());
        }
        shared.desk().woken = false;
    }
}
