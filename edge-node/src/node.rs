//! The replica of one seat: its database, its clock, and who waits for news.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use protocol::id::{Author, Incarnation};
use protocol::seat::Seat;
use protocol::stamp::Stamp;
use tokio::sync::watch;

use crate::clock::BusinessClock;
use crate::document::Loaded;
use crate::search::Search;
use crate::store::{Identity, Store, StoreError};

/// Machinery that failed: logged once, calm for the person.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system's random numbers.
    #[error("the system gives no random numbers ({0}): restart the device")]
    Entropy(#[from] getrandom::Error),
    /// The program contradicts itself.
    #[error("the program made a record that it may not make ({0}): update it, and report this")]
    Broken(&'static str),
}

/// The replica of one seat.
pub struct Node {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: BusinessClock,
    pub(crate) search: Search,
    recorded: watch::Sender<u64>,
    relayed: watch::Sender<u64>,
    linked: watch::Sender<bool>,
    near: AtomicBool,
    metered: AtomicBool,
    /// Devices at this node's relay.
    pub(crate) visitors: AtomicU64,
    heard_ms: AtomicU64,
    pub(crate) documents: Loaded,
}

impl Node {
    /// Opens the replica in `dir`.
    ///
    /// # Errors
    /// [`StoreError::NotEnrolled`] inside [`NodeError::Store`] when nobody enrolled there.
    pub fn open(dir: &Path, clock: BusinessClock) -> Result<Self, NodeError> {
        Ok(Self::with(dir, Store::open(dir)?, clock))
    }

    /// Makes the replica of a newly enrolled seat in `dir`.
    ///
    /// # Errors
    /// [`StoreError::AlreadyEnrolled`] when there is one.
    pub fn create(dir: &Path, identity: &Identity, clock: BusinessClock) -> Result<Self, NodeError> {
        Ok(Self::with(dir, Store::create(dir, identity, random()?)?, clock))
    }

    fn with(dir: &Path, store: Store, clock: BusinessClock) -> Self {
        Self {
            store: Arc::new(store),
            clock,
            search: Search::new(dir),
            recorded: watch::Sender::new(0),
            relayed: watch::Sender::new(0),
            linked: watch::Sender::new(false),
            near: AtomicBool::new(false),
            metered: AtomicBool::new(false),
            visitors: AtomicU64::new(0),
            heard_ms: AtomicU64::new(0),
            documents: Loaded::default(),
        }
    }

    /// Rows, for views and sessions.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The own seat.
    #[must_use]
    pub fn seat(&self) -> &Seat {
        &self.store.seat
    }

    /// The own seat's name.
    #[must_use]
    pub fn author(&self) -> Author {
        self.store.author
    }

    /// Certificate, keys and addresses, for TLS.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.store.identity
    }

    /// The business time, ms.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Changes whenever something was recorded: wakes the outbox.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.recorded.subscribe()
    }

    /// Whether a hub is on the line, and when one was last heard since the start: real ms ago.
    #[must_use]
    pub fn contact(&self) -> (bool, Option<u64>) {
        let heard = self.heard_ms.load(Ordering::Relaxed);
        let ago = (heard > 0).then(|| crate::clock::real_ms().saturating_sub(heard));
        (*self.linked.borrow(), ago)
    }

    /// Changes when the link to a hub comes or goes.
    #[must_use]
    pub fn linked(&self) -> watch::Receiver<bool> {
        self.linked.subscribe()
    }

    /// Whether a relay near by is on the line.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.near.load(Ordering::Relaxed)
    }

    /// Whether pictures wait for a line that costs nothing by the byte.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.metered.load(Ordering::Relaxed)
    }

    /// The line costs by the byte, or does so no more: facts go all the same.
    pub fn set_metered(&self, metered: bool) {
        self.metered.store(metered, Ordering::Relaxed);
        self.announce();
    }

    pub(crate) fn note_near(&self, near: bool) {
        self.near.store(near, Ordering::Relaxed);
    }

    /// A frame of a hub arrived, or the link to it ended.
    pub(crate) fn note_contact(&self, linked: bool) {
        self.linked.send_if_modified(|now| std::mem::replace(now, linked) != linked);
        if linked {
            self.heard_ms.store(crate::clock::real_ms(), Ordering::Relaxed);
        }
    }

    /// Changes whenever something came from near by: central may not have it.
    #[must_use]
    pub fn subscribe_relayed(&self) -> watch::Receiver<u64> {
        self.relayed.subscribe()
    }

    pub(crate) fn announce_relayed(&self) {
        self.relayed.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn announce(&self) {
        self.recorded.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Begins a new incarnation: what a device does when central holds more of it than it does itself.
    /// The next burst is the first of the new one.
    ///
    /// # Errors
    /// The database.
    pub fn new_incarnation(&self) -> Result<Incarnation, NodeError> {
        let inc = Incarnation(random()?);
        self.store.new_incarnation(inc)?;
        Ok(inc)
    }

    /// Time and chance of one act; the time never runs behind `last_ms`.
    pub(crate) fn stamp(&self, last_ms: u64) -> Result<Stamp, NodeError> {
        Ok(Stamp { now_ms: self.now_ms().max(last_ms), entropy: random()? })
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
