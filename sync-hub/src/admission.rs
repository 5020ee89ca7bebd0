//! Who may have a session now, and when the others come again.
//!
//! All of it is counters in memory. Whether there is room at all is known before anything is read; whose the room
//! would be needs the seat, one row by key. A device that finds the hub full is
//! given a slot: its time to come again, so that a thousand phones under one mast do not all knock every second.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::id::{Author, Scope};
use protocol_quic::Incoming;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Sessions of one seat at once. A phone that changed its mast comes back while its last session still looks alive;
/// more than a few are copies of a device, or somebody who wants all the room for himself. The oldest gives way.
const MOST_OF_A_DEVICE: usize = 4;
/// Handshakes at once with devices that are only told to come later. Beyond that they are refused without a word, and
/// wait by their own measure.
const TURNED_AWAY_AT_ONCE: usize = 64;
/// The first slot is so far away.
const FIRST_SLOT: Duration = Duration::from_secs(1);
/// Between two slots: about what a session that has something to say costs a hub of two cores.
const SLOT: Duration = Duration::from_millis(20);
/// No slot is further away: the next one after it is the first again, and has two.
const LAST_SLOT: Duration = Duration::from_secs(120);

/// A hub's doors.
pub(crate) struct Admission {
    seats: Arc<Semaphore>,
    /// Handshakes with those who are turned away.
    turning_away: Arc<Semaphore>,
    turned_away: AtomicU64,
    most_of_a_scope: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// Sessions of each seat, the oldest first.
    devices: BTreeMap<Author, VecDeque<Arc<Notify>>>,
    /// Sessions by the party whose devices they are with.
    scopes: BTreeMap<Scope, usize>,
    /// The last slot that was given.
    slot: Option<Instant>,
}

impl Inside {
    /// The next slot that nobody has.
    fn slot(&mut self, now: Instant) -> Duration {
        let first = now + FIRST_SLOT;
        let next = self.slot.map_or(first, |last| last + SLOT).max(first);
        let next = if next > now + LAST_SLOT { first } else { next };
        self.slot = Some(next);
        next - now
    }
}

/// Room for one session of one seat; given back when dropped.
pub(crate) struct Place {
    admission: Arc<Admission>,
    author: Author,
    scope: Scope,
    leave: Arc<Notify>,
}

impl Place {
    /// Waits until a newer session of the same seat needs the room.
    pub(crate) async fn is_needed(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.admission.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sessions) = inside.devices.get_mut(&self.author) {
            sessions.retain(|leave| !Arc::ptr_eq(leave, &self.leave));
            if sessions.is_empty() {
                inside.devices.remove(&self.author);
            }
        }
        if let Some(count) = inside.scopes.get_mut(&self.scope) {
            *count -= 1;
            if *count == 0 {
                inside.scopes.remove(&self.scope);
            }
        }
    }
}

impl Admission {
    /// Doors for so many sessions. One party's devices have at most half of them: a vendor with a thousand tills does
    /// not keep the riders out.
    pub(crate) fn new(sessions: usize) -> Arc<Self> {
        Arc::new(Self {
            seats: Arc::new(Semaphore::new(sessions)),
            turning_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
            turned_away: AtomicU64::new(0),
            most_of_a_scope: sessions.div_ceil(2),
            inside: Mutex::default(),
        })
    }

    /// Room for a session, before anybody knows whose; without it the connection is told when to come again.
    pub(crate) fn admit(&self, incoming: Incoming) -> Option<(OwnedSemaphorePermit, Incoming)> {
        if let Ok(permit) = Arc::clone(&self.seats).try_acquire_owned() {
            return Some((permit, incoming));
        }
        self.note_turned_away();
        let Ok(turning) = Arc::clone(&self.turning_away).try_acquire_owned() else {
            incoming.refuse();
            return None;
        };
        let after = self.slot();
        tokio::spawn(async move {
            protocol_quic::turn_away(incoming, after).await;
            drop(turning);
        });
        None
    }

    /// Room for one more session of this seat, of this party.
    ///
    /// # Errors
    /// When to come again: the party's devices have all the room that they may have.
    pub(crate) fn enter(self: &Arc<Self>, author: Author, scope: Scope) -> Result<Place, Duration> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_scope = inside.scopes.entry(scope).or_default();
        if *of_scope >= self.most_of_a_scope {
            self.note_turned_away();
            return Err(inside.slot(Instant::now()));
        }
        *of_scope += 1;
        let leave = Arc::new(Notify::new());
        let sessions = inside.devices.entry(author).or_default();
        sessions.push_back(Arc::clone(&leave));
        if sessions.len() > MOST_OF_A_DEVICE {
            // It finds the word even when it looks only later.
            sessions.pop_front().iter().for_each(|oldest| oldest.notify_one());
        }
        Ok(Place { admission: Arc::clone(self), author, scope, leave })
    }

    /// Connections that found no room.
    pub(crate) fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    fn note_turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("getit_hub_refused_admission").increment(1);
    }

    fn slot(&self) -> Duration {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).slot(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use protocol::id::{Id16, Kind, Subject};

    use super::*;

    fn author(n: u8) -> Author {
        Author([n; 8])
    }

    fn vendor(n: u8) -> Scope {
        Subject::new(Kind::Vendor, Id16([n; 16]))
    }

    fn is_needed(place: &Place) -> bool {
        pin!(place.is_needed()).as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_oldest_session_of_a_device_gives_way_and_nobody_elses() {
        let doors = Admission::new(100);
        let other = doors.enter(author(9), vendor(1)).ok().unwrap();
        let mut places: Vec<Place> =
            (0..MOST_OF_A_DEVICE).map(|_| doors.enter(author(1), vendor(1)).ok().unwrap()).collect();
        assert!(!places.iter().any(is_needed));
        places.push(doors.enter(author(1), vendor(1)).ok().unwrap());
        assert_eq!(places.iter().map(is_needed).collect::<Vec<_>>(), [true, false, false, false, false]);
        assert!(!is_needed(&other));
        places.remove(0);
        places.remove(0);
        places.push(doors.enter(author(1), vendor(1)).ok().unwrap());
        assert!(!places.iter().any(is_needed), "one had left by itself");
        places.clear();
        drop(other);
        let inside = doors.inside.lock().unwrap();
        assert!(inside.devices.is_empty() && inside.scopes.is_empty(), "nothing is kept of who left");
    }

    #[test]
    fn one_party_leaves_room_for_others_and_is_told_when_to_come() {
        let doors = Admission::new(4);
        let first = doors.enter(author(1), vendor(1)).ok().unwrap();
        let _second = doors.enter(author(2), vendor(1)).ok().unwrap();
        let after = doors.enter(author(3), vendor(1)).err().unwrap();
        assert!(after >= FIRST_SLOT && after <= FIRST_SLOT + SLOT, "{after:?}");
        let later = doors.enter(author(4), vendor(1)).err().unwrap();
        assert!(later > after, "everybody has a slot of his own: {later:?}");
        assert!(doors.enter(author(5), vendor(2)).is_ok());
        drop(first);
        assert!(doors.enter(author(3), vendor(1)).is_ok());
    }

    #[test]
    fn slots_follow_one_another_and_none_is_out_of_sight() {
        let (mut inside, now) = (Inside::default(), Instant::now());
        let slots: Vec<Duration> = (0..10_000).map(|_| inside.slot(now)).collect();
        assert_eq!((slots[0], slots[1]), (FIRST_SLOT, FIRST_SLOT + SLOT));
        assert!(slots.iter().all(|slot| (FIRST_SLOT..=LAST_SLOT).contains(slot)));
        let most = slots.iter().fold(BTreeMap::<Duration, u32>::new(), |mut taken, slot| {
            *taken.entry(*slot).or_default() += 1;
            taken
        });
        assert_eq!(most.values().max(), Some(&2), "ten thousand are spread over all that there are");
        assert_eq!(inside.slot(now + 2 * LAST_SLOT), FIRST_SLOT, "an hour later nobody waits for them");
    }
}
