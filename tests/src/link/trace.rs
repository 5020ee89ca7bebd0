//! Recorded bandwidth, and when a datagram sent over it has left.

use std::time::Duration;

const NANOS: u128 = 1_000_000_000;

/// Bandwidth over time, looped for ever.
///
/// The text form is one line `seconds Mbit/s` per measurement. A rate was measured over the time
/// that *ends* at its line (the recordings have about one video chunk per line, so rate times gap
/// is steady that way round only), so it holds from the line before until its own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    /// Nanoseconds from the start of the loop; strictly growing.
    ends: u64,
    bits_per_second: u64,
}

/// Why a text is not a trace. Line numbers count from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A line is not two plain decimal numbers that fit.
    #[error("line {0}: not `seconds Mbit/s`")]
    Malformed(usize),
    /// A line is not later than the line before.
    #[error("line {0}: time does not move on")]
    Backwards(usize),
    /// No line ends after second zero, so there is no time to hold a rate in.
    #[error("the trace covers no time")]
    Empty,
}

impl Trace {
    /// Reads `seconds Mbit/s` lines into nanoseconds and bits per second; digits below those are
    /// cut off. Blank lines are skipped. A rate of zero is an outage.
    ///
    /// # Errors
    /// [`TraceError`], with the line at fault.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut steps: Vec<Step> = Vec::new();
        let mut before = None;
        for (number, line) in (1..).zip(text.lines()) {
            let mut words = line.split_whitespace();
            let Some(seconds) = words.next() else {
                continue;
            };
            let ends = decimal(seconds, 9).ok_or(TraceError::Malformed(number))?;
            let rate = words.next().and_then(|rate| decimal(rate, 6));
            let bits_per_second = rate.ok_or(TraceError::Malformed(number))?;
            if words.next().is_some() {
                return Err(TraceError::Malformed(number));
            }
            if before.is_some_and(|before| ends <= before) {
                return Err(TraceError::Backwards(number));
            }
            before = Some(ends);
            // A line at second zero measured time before the recording.
            if ends > 0 {
                steps.push(Step { ends, bits_per_second });
            }
        }
        if steps.is_empty() { Err(TraceError::Empty) } else { Ok(Self { steps }) }
    }

    /// The same rate for ever. With zero nothing ever passes.
    #[must_use]
    pub fn constant(bits_per_second: u64) -> Self {
        Self { steps: vec![Step { ends: 1_000_000_000, bits_per_second }] }
    }

    /// The recordings shipped with the tests by name, the kind of vehicle first: `bus_1`.
    ///
    /// # Panics
    /// When a shipped file is damaged.
    #[must_use]
    pub fn shipped() -> Vec<(&'static str, Self)> {
        SHIPPED.iter().map(|&(name, text)| (name, Self::parse(text).expect("a shipped trace is well formed"))).collect()
    }

    /// Time until the trace starts over.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_nanos(self.period())
    }

    /// Bits per second at a time since the start, looped.
    #[must_use]
    pub fn rate_at(&self, elapsed: Duration) -> u64 {
        let at = nanos(elapsed) % self.period();
        self.steps[self.step_at(at)].bits_per_second
    }

    /// The same trace at a percentage of its rates.
    pub(super) fn scaled(mut self, percent: u32) -> Self {
        for step in &mut self.steps {
            let rate = u128::from(step.bits_per_second) * u128::from(percent) / 100;
            step.bits_per_second = u64::try_from(rate).unwrap_or(u64::MAX);
        }
        self
    }

    fn period(&self) -> u64 {
        self.steps.last().map_or(1, |step| step.ends)
    }

    fn step_at(&self, at: u64) -> usize {
        self.steps.partition_point(|step| step.ends <= at)
    }

    /// What a whole loop carries, in bits times 10⁹: a rate times nanoseconds, without rounding.
    pub(super) fn loop_capacity(&self) -> u128 {
        let starts = std::iter::once(0).chain(self.steps.iter().map(|step| step.ends));
        let spans = self.steps.iter().zip(starts);
        spans.map(|(step, start)| u128::from(step.ends - start) * u128::from(step.bits_per_second)).sum()
    }

    /// When `bytes` whose first bit leaves at `start` are all sent; both in nanoseconds. None:
    /// never.
    pub(super) fn sent_by(&self, start: u64, bytes: usize, loop_capacity: u128) -> Option<u64> {
        let mut left = bytes as u128 * 8 * NANOS;
        // Whole loops at once, so that a trickle over a short trace does not walk it thousands of
        // times. Of an exact number of loops the last is walked: it may be done before an outage at
        // its end.
        let loops = left.saturating_sub(1).checked_div(loop_capacity)?;
        left -= loops * loop_capacity;
        let mut now = u128::from(start) + loops * u128::from(self.period());
        let mut at = start % self.period();
        let mut index = self.step_at(at);
        while left > 0 {
            let Step { ends, bits_per_second } = self.steps[index];
            let capacity = u128::from(ends - at) * u128::from(bits_per_second);
            if left <= capacity {
                now += left.div_ceil(u128::from(bits_per_second));
                break;
            }
            left -= capacity;
            now += u128::from(ends - at);
            index = (index + 1) % self.steps.len();
            at = if index == 0 { 0 } else { ends };
        }
        u64::try_from(now).ok()
    }
}

/// `text` times ten to the `places`, without a detour through floats.
fn decimal(text: &str, places: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let padded = fraction.bytes().chain(std::iter::repeat(b'0')).take(places as usize);
    let small = padded.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    whole.parse::<u64>().ok()?.checked_mul(10_u64.checked_pow(places)?)?.checked_add(small)
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

macro_rules! shipped {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../data/traces/norway_", $name, ".txt")))),*]
    };
}

const SHIPPED: [(&str, &str); 10] = shipped! {
    "bus_1" "bus_11" "car_2" "ferry_4" "ferry_20" "metro_9" "train_1" "train_13" "tram_26" "tram_52"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_integers() {
        let trace = Trace::parse("0.0\t9\n\n1.5 2.1234567\r\n2 0\n").unwrap();
        assert_eq!(trace.length(), Duration::from_secs(2));
        let rates = [0, 1_499, 1_500, 1_999, 2_000].map(|at| trace.rate_at(Duration::from_millis(at)));
        assert_eq!(rates, [2_123_456, 2_123_456, 0, 0, 2_123_456]);
    }

    #[test]
    fn damaged_text_names_its_line() {
        for text in ["1", "1 2 3", "1 -2", "1 2e3", "1 NaN", ".5 1", "1 99999999999999999999", "x 1"] {
            assert_eq!(Trace::parse(text), Err(TraceError::Malformed(1)), "{text}");
        }
        assert_eq!(Trace::parse("1 1\n1 2"), Err(TraceError::Backwards(2)));
        assert_eq!(Trace::parse("0 1\n0 2"), Err(TraceError::Backwards(2)));
        assert_eq!(Trace::parse("0 5\n"), Err(TraceError::Empty));
    }

    #[test]
    fn shipped_traces_are_slow_moving_radio() {
        let shipped = Trace::shipped();
        for kind in ["bus", "car", "ferry", "metro", "train", "tram"] {
            assert!(shipped.iter().any(|(name, _)| name.starts_with(kind)), "{kind}");
        }
        for (name, trace) in shipped {
            assert!(trace.length() > Duration::from_mins(1), "{name}");
            let mean = trace.loop_capacity() / u128::from(trace.period());
            assert!((500_000..4_000_000).contains(&mean), "{name}: {mean}");
        }
    }
}
