//! The business clock: what central writes into facts as its time. Never used by timers.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::stamp::Stamp;

use crate::config;

/// A clock that runs `scale` times as fast as the real one since its origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    scale: u64,
    origin: Option<Origin>,
}

#[derive(Clone, Copy, Debug)]
struct Origin {
    business_ms: u64,
    real_ms: u64,
}

impl Clock {
    /// The clock of a configuration; without origins it is the wall clock.
    #[must_use]
    pub fn new(config: &config::Clock) -> Self {
        let origin = config.origin_business_ms.zip(config.origin_real_ms);
        let origin = origin.map(|(business_ms, real_ms)| Origin { business_ms, real_ms });
        Self { scale: u64::from(config.scale), origin }
    }

    /// Business time, ms since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.at(real_ms())
    }

    /// Time and fresh entropy for one act.
    ///
    /// # Errors
    /// When the system has no entropy.
    pub fn stamp(&self) -> Result<Stamp, getrandom::Error> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        Ok(Stamp { now_ms: self.now_ms(), entropy })
    }

    fn at(&self, real_ms: u64) -> u64 {
        self.origin.map_or(real_ms, |origin| {
            // A real clock that is set back must not turn business time negative.
            let passed = real_ms.saturating_sub(origin.real_ms);
            origin.business_ms.saturating_add(passed.saturating_mul(self.scale))
        })
    }
}

/// Real time, ms since 1970: for what expires by the wall clock.
#[must_use]
pub fn real_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_from_its_origin_at_its_scale() {
        let config = config::Clock { scale: 60, origin_business_ms: Some(1_000_000), origin_real_ms: Some(500) };
        let clock = Clock::new(&config);
        assert_eq!(clock.at(500), 1_000_000);
        assert_eq!(clock.at(1_500), 1_060_000);
        assert_eq!(clock.at(0), 1_000_000);
        assert_eq!(Clock::new(&config::Clock::default()).at(7), 7);
    }
}
