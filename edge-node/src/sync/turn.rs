//! Which hub is asked next, and when: pure, so that it can be looked at without a network.

use std::time::Duration;

use tokio::time::Instant;

/// First wait after a link that did not hold; doubles up to the configured longest, with full jitter, so that a
/// thousand devices that lost one tower do not come back in one second.
const BACKOFF_LEAST: Duration = Duration::from_millis(500);

/// How asking a hub ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It welcomed the device: the hub is good, whatever ended the session.
    Welcomed,
    /// It has no room and gave a time to come again.
    Slot(Duration),
    /// It did not answer, or not as a hub does.
    Failed,
}

/// Whose turn it is.
#[derive(Debug)]
pub(super) struct Turn {
    /// One a hub, in the configured order: when it wants to be asked again, if it has said so.
    slots: Vec<Option<Instant>>,
    /// The hub that is asked now.
    at: usize,
    wait: Duration,
    longest: Duration,
}

impl Turn {
    /// Of so many hubs; `None` without any. `longest` bounds the wait between tries.
    pub(super) fn of(hubs: usize, longest: Duration) -> Option<Self> {
        (hubs > 0).then(|| Self { slots: vec![None; hubs], at: 0, wait: BACKOFF_LEAST, longest })
    }

    /// Index of the hub that is asked now.
    pub(super) const fn hub(&self) -> usize {
        self.at
    }

    /// Says how asking ended and how long to wait before the next hub is asked. `jitter` gives a part of a wait.
    ///
    /// A hub that gave a slot is left alone until then, and those that did not are asked meanwhile: one hub without
    /// room is no reason to wait while another has some. Nobody comes late to a slot because another hub is dead.
    pub(super) fn ended(&mut self, end: End, now: Instant, jitter: impl Fn(Duration) -> Duration) -> Duration {
        let hub = self.at;
        let first = match end {
            End::Welcomed => {
                self.wait = BACKOFF_LEAST;
                hub
            }
            End::Slot(slot) => {
                self.wait = BACKOFF_LEAST;
                self.slots[hub] = Some(now + slot);
                hub + 1
            }
            End::Failed => hub + 1,
        };
        let pause = jitter(self.wait);
        if end == End::Failed {
            self.wait = (self.wait * 2).min(self.longest);
        }
        let due = |at: usize| self.slots[at].map_or(now + pause, |slot| slot.max(now));
        let turns = (first..first + self.slots.len()).map(|at| at % self.slots.len());
        // The first of equals: the configured order decides.
        self.at = turns.min_by_key(|at| due(*at)).unwrap_or(hub);
        let pause = due(self.at).saturating_duration_since(now);
        self.slots[self.at] = None;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(30);
    const SLOT: Duration = Duration::from_secs(60);

    fn whole(wait: Duration) -> Duration {
        wait
    }

    #[test]
    fn without_a_hub_there_is_no_turn() {
        assert!(Turn::of(0, LONGEST).is_none());
    }

    #[test]
    fn a_hub_that_welcomed_is_asked_again_and_one_that_failed_gives_its_turn_away() {
        let (mut turn, now) = (Turn::of(2, LONGEST).unwrap(), Instant::now());
        assert_eq!((turn.ended(End::Welcomed, now, whole), turn.hub()), (BACKOFF_LEAST, 0));
        assert_eq!((turn.ended(End::Failed, now, whole), turn.hub()), (BACKOFF_LEAST, 1));
        assert_eq!((turn.ended(End::Failed, now, whole), turn.hub()), (2 * BACKOFF_LEAST, 0));
        for _ in 0..9 {
            turn.ended(End::Failed, now, whole);
        }
        assert_eq!(turn.ended(End::Failed, now, whole), LONGEST, "the wait is bounded");
    }

    #[test]
    fn a_hub_without_room_sends_the_device_to_the_next_one_at_once() {
        let (mut turn, now) = (Turn::of(3, LONGEST).unwrap(), Instant::now());
        assert_eq!((turn.ended(End::Slot(SLOT), now, whole), turn.hub()), (BACKOFF_LEAST, 1));
        assert_eq!((turn.ended(End::Slot(SLOT), now, whole), turn.hub()), (BACKOFF_LEAST, 2));
        // The third is dead: it alone is asked until the first slot is due, and that one is not missed.
        let mut at = now;
        while turn.hub() == 2 {
            at += turn.ended(End::Failed, at, whole);
            assert!(at <= now + SLOT);
        }
        assert_eq!((turn.hub(), at), (0, now + SLOT));
    }

    #[test]
    fn the_only_hub_is_asked_at_its_slot() {
        let (mut turn, now) = (Turn::of(1, LONGEST).unwrap(), Instant::now());
        assert_eq!((turn.ended(End::Slot(SLOT), now, whole), turn.hub()), (SLOT, 0));
        assert_eq!(turn.ended(End::Failed, now + SLOT, whole), BACKOFF_LEAST, "a slot that was used is gone");
    }

    #[test]
    fn of_hubs_that_all_lack_room_the_earliest_slot_is_used() {
        let (mut turn, now) = (Turn::of(2, LONGEST).unwrap(), Instant::now());
        turn.ended(End::Slot(SLOT), now, whole);
        assert_eq!((turn.ended(End::Slot(SLOT / 2), now, whole), turn.hub()), (SLOT / 2, 1));
        assert_eq!((turn.ended(End::Slot(SLOT), now + SLOT / 2, whole), turn.hub()), (SLOT / 2, 0));
    }
}
