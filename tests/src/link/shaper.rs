//! What a mobile link does to a datagram, as pure arithmetic: a serialising queue, delay, jitter,
//! loss and duplication. No clock and no socket in here, so all of it is tested exactly.

use std::collections::VecDeque;
use std::time::Duration;

use super::trace::{Trace, nanos};

/// How a link behaves, the same in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkProfile {
    /// The rate over time since the link was started, looped.
    pub trace: Trace,
    /// Time on the way once sent.
    pub delay_each_way: Duration,
    /// The most that is added to the delay, evenly spread. Datagrams may overtake each other.
    pub jitter: Duration,
    /// Datagrams in a million lost on the air, which still take their share of the rate.
    pub loss_ppm: u32,
    /// Datagrams in a million that arrive twice.
    pub duplicate_ppm: u32,
    /// Payload bytes that may wait to be sent; one datagram always may.
    pub queue_bytes: usize,
    /// The trace's rates are multiplied by this: 100 leaves them, zero stops everything.
    pub rate_scale_percent: u32,
}

impl LinkProfile {
    /// A link with a trace and nothing wrong with it: no delay, no loss, 256 KiB of queue.
    #[must_use]
    pub fn clean(trace: Trace) -> Self {
        Self {
            trace,
            delay_each_way: Duration::ZERO,
            jitter: Duration::ZERO,
            loss_ppm: 0,
            duplicate_ppm: 0,
            queue_bytes: 256 * 1024,
            rate_scale_percent: 100,
        }
    }
}

/// Splitmix64: seeded and the same on every machine, which is all the chance in here has to be.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero to `most`, both included.
    fn up_to(&mut self, most: u64) -> u64 {
        let wide = u128::from(self.next()) * (u128::from(most) + 1);
        (wide >> 64) as u64
    }

    fn hits(&mut self, ppm: u32) -> bool {
        self.up_to(999_999) < u64::from(ppm)
    }
}

/// What becomes of a datagram. Times are since the start of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives at `at`, and when duplicated also at `again`, which may come first.
    Deliver {
        /// When it arrives.
        at: Duration,
        /// When its copy arrives, if the link made one.
        again: Option<Duration>,
    },
    /// The queue had no room for it, or the trace never carries anything.
    Full,
    /// It was sent and lost on the air: it took its share of the rate all the same.
    Lost,
}

/// One direction of a link: a tail-drop queue served at the trace's rate, then delay, jitter, loss
/// and duplication.
#[derive(Clone, Debug)]
pub struct Shaper {
    profile: LinkProfile,
    loop_capacity: u128,
    chance: Chance,
    /// When the last bit admitted so far has left, in nanoseconds.
    free_at: u64,
    /// When each datagram still in the queue has left it, and its bytes.
    queue: VecDeque<(u64, usize)>,
    queued: usize,
}

impl Shaper {
    /// An idle direction. The same seed gives the n-th datagram the same loss, copy and jitter.
    #[must_use]
    pub fn new(mut profile: LinkProfile, seed: u64) -> Self {
        profile.trace = profile.trace.scaled(profile.rate_scale_percent);
        let loop_capacity = profile.trace.loop_capacity();
        let chance = Chance::new(seed);
        Self { profile, loop_capacity, chance, free_at: 0, queue: VecDeque::new(), queued: 0 }
    }

    /// Decides on a datagram of `len` payload bytes that enters at `now`, which must not go back.
    pub fn admit(&mut self, now: Duration, len: usize) -> Verdict {
        // All four are drawn for every datagram: what one meets must not shift the next one's fate.
        let lost = self.chance.hits(self.profile.loss_ppm);
        let copied = self.chance.hits(self.profile.duplicate_ppm);
        let jitter = nanos(self.profile.jitter);
        let [first, second] = [(); 2].map(|()| Duration::from_nanos(self.chance.up_to(jitter)));

        let now = nanos(now);
        while let Some(&(left_at, bytes)) = self.queue.front()
            && left_at <= now
        {
            self.queue.pop_front();
            self.queued -= bytes;
        }
        // An idle link takes anything: what is being sent is not waiting.
        if !self.queue.is_empty() && self.queued + len > self.profile.queue_bytes {
            return Verdict::Full;
        }
        let start = now.max(self.free_at);
        let Some(sent) = self.profile.trace.sent_by(start, len, self.loop_capacity) else {
            return Verdict::Full;
        };
        self.free_at = sent;
        self.queue.push_back((sent, len));
        self.queued += len;
        if lost {
            return Verdict::Lost;
        }
        let arrives = Duration::from_nanos(sent).saturating_add(self.profile.delay_each_way);
        Verdict::Deliver { at: arrives.saturating_add(first), again: copied.then(|| arrives.saturating_add(second)) }
    }

    /// Forgets what is queued, as after the loss of the radio.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.queued = 0;
        self.free_at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABIT: u64 = 1_000_000;

    fn shaper(trace: Trace, change: impl FnOnce(&mut LinkProfile)) -> Shaper {
        let mut profile = LinkProfile::clean(trace);
        change(&mut profile);
        Shaper::new(profile, 7)
    }

    fn arrival(verdict: Verdict) -> Duration {
        match verdict {
            Verdict::Deliver { at, .. } => at,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rate_is_kept_exactly() {
        let mut shaper = shaper(Trace::constant(MEGABIT), |_| ());
        let last = (0..50).map(|_| arrival(shaper.admit(Duration::ZERO, 1_000))).last();
        assert_eq!(last, Some(Duration::from_millis(400)));
        // An idle link starts afresh, and the delay is only added.
        let later = shaper.admit(Duration::from_secs(9), 1_000);
        assert_eq!(arrival(later), Duration::from_millis(9_008));
    }

    #[test]
    fn datagram_is_sent_across_steps_outages_and_loops() {
        // A second of 8 kbit/s, a second of nothing: 1,000 bytes a loop.
        let mut shaper = shaper(Trace::parse("1 0.008\n2 0").unwrap(), |_| ());
        assert_eq!(arrival(shaper.admit(Duration::from_millis(500), 750)), Duration::from_millis(2_250));
        assert_eq!(arrival(shaper.admit(Duration::from_secs(2), 10_000)), Duration::from_millis(22_250));
        assert_eq!(arrival(shaper.admit(Duration::from_secs(23), 1)), Duration::from_millis(24_001));
        assert_eq!(arrival(shaper.admit(Duration::from_millis(25_500), 2_000)), Duration::from_secs(29));
    }

    #[test]
    fn scale_changes_the_rate_and_zero_is_a_dead_link() {
        let mut half = shaper(Trace::constant(MEGABIT), |profile| {
            profile.rate_scale_percent = 50;
        });
        assert_eq!(arrival(half.admit(Duration::ZERO, 1_000)), Duration::from_millis(16));
        let mut dead = shaper(Trace::constant(MEGABIT), |profile| {
            profile.rate_scale_percent = 0;
        });
        assert_eq!(dead.admit(Duration::ZERO, 1), Verdict::Full);
    }

    #[test]
    fn queue_drops_its_tail() {
        let mut shaper = shaper(Trace::constant(MEGABIT), |profile| {
            profile.queue_bytes = 3_000;
        });
        let verdicts: Vec<_> = (0..5).map(|_| shaper.admit(Duration::ZERO, 1_000)).collect();
        assert!(matches!(verdicts[2], Verdict::Deliver { .. }));
        assert_eq!(verdicts[3..], [Verdict::Full; 2]);
        // Eight milliseconds later one has left.
        let now = Duration::from_millis(8);
        assert_eq!(arrival(shaper.admit(now, 1_000)), Duration::from_millis(32));
        assert_eq!(shaper.admit(now, 1_000), Verdict::Full);
        shaper.clear();
        assert_eq!(arrival(shaper.admit(now, 9_000)), Duration::from_millis(80));
    }

    #[test]
    fn chance_follows_the_seed() {
        let run = |seed| {
            let mut profile = LinkProfile::clean(Trace::constant(1_000 * MEGABIT));
            profile.loss_ppm = 100_000;
            profile.duplicate_ppm = 50_000;
            profile.delay_each_way = Duration::from_millis(40);
            profile.jitter = Duration::from_millis(10);
            let mut shaper = Shaper::new(profile, seed);
            (0..10_000).map(|at| shaper.admit(Duration::from_millis(at), 125)).collect::<Vec<_>>()
        };
        let verdicts = run(1);
        assert_eq!(verdicts, run(1));
        assert_ne!(verdicts, run(2));
        let lost = verdicts.iter().filter(|verdict| **verdict == Verdict::Lost).count();
        let copied = |verdict: &&Verdict| matches!(verdict, Verdict::Deliver { again: Some(_), .. });
        let copied = verdicts.iter().filter(copied).count();
        assert!((900..1_100).contains(&lost) && (380..520).contains(&copied), "{lost} {copied}");
        for (sent, verdict) in (0..).map(Duration::from_millis).zip(verdicts) {
            if let Verdict::Deliver { at, again } = verdict {
                let took = [at, again.unwrap_or(at)].map(|at| at - sent - Duration::from_micros(1));
                assert!(took.iter().all(|took| (40..=50).contains(&took.as_millis())), "{took:?}");
            }
        }
    }
}
