//! The business clock: what a seat claims as its time. A demo's day runs faster than a real one; QUIC
//! and TLS never look at it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

/// Real time, scaled from an origin and shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusinessClock {
    /// Business milliseconds for one real millisecond; 1 in life.
    pub scale: u32,
    /// The business time at the origin, ms since 1970; the real time when left out.
    pub origin_business_ms: Option<u64>,
    /// The real time at the origin, ms since 1970.
    pub origin_real_ms: Option<u64>,
    /// What this device's clock is wrong by, ms.
    pub offset_ms: i64,
}

impl Default for BusinessClock {
    fn default() -> Self {
        Self { scale: 1, origin_business_ms: None, origin_real_ms: None, offset_ms: 0 }
    }
}

impl BusinessClock {
    /// The business time, ms since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.at(real_ms())
    }

    fn at(&self, real_ms: u64) -> u64 {
        let business = match (self.origin_business_ms, self.origin_real_ms) {
            (Some(business), Some(real)) => {
                // A real clock that is set back must not turn business time negative.
                business.saturating_add(real_ms.saturating_sub(real).saturating_mul(u64::from(self.scale)))
            }
            _ => real_ms,
        };
        business.saturating_add_signed(self.offset_ms)
    }
}

/// The device's own clock, ms since 1970; 0 when it stands before that.
pub(crate) fn real_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_from_its_origin_at_its_scale_and_may_be_wrong() {
        let clock = BusinessClock {
            scale: 60,
            origin_business_ms: Some(1_000_000),
            origin_real_ms: Some(500),
            offset_ms: -1_000,
        };
        assert_eq!(clock.at(500), 999_000);
        assert_eq!(clock.at(1_500), 1_059_000);
        assert_eq!(clock.at(0), 999_000);
        assert_eq!(BusinessClock::default().at(7), 7);
        assert_eq!(BusinessClock { offset_ms: -8, ..BusinessClock::default() }.at(7), 0);
    }
}
