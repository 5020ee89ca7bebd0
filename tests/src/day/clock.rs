//! The business clock of the day: hours of business in minutes of ours. QUIC never sees it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Business time as a multiple of real time since an origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Business milliseconds in a real one.
    pub scale: u64,
    /// Business time at the origin, ms since 1970.
    pub origin_business_ms: u64,
    /// Real time at the origin, ms since 1970.
    pub origin_real_ms: u64,
}

impl Clock {
    /// A clock that shows `business_ms` now.
    #[must_use]
    pub fn starting(business_ms: u64, scale: u64) -> Self {
        Self { scale, origin_business_ms: business_ms, origin_real_ms: real_ms() }
    }

    /// Business time, ms since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.origin_business_ms + (real_ms() - self.origin_real_ms) * self.scale
    }

    /// `hh:mm` in Dhaka.
    #[must_use]
    pub fn face(&self) -> String {
        let minutes = self.now_ms() / 60_000 + 6 * 60;
        format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
    }

    /// Waits for so many business minutes.
    pub async fn minutes(&self, minutes: u64) {
        tokio::time::sleep(Duration::from_millis(minutes * 60_000 / self.scale)).await;
    }

    /// Waits until business time is `ms`.
    pub async fn until(&self, ms: u64) {
        let ahead = ms.saturating_sub(self.now_ms());
        tokio::time::sleep(Duration::from_millis(ahead / self.scale)).await;
    }

    /// The section of a configuration file.
    #[must_use]
    pub fn toml(&self, offset_ms: i64) -> String {
        let offset = if offset_ms == 0 { String::new() } else { format!("offset_ms = {offset_ms}\n") };
        format!(
            "[clock]\nscale = {}\norigin_business_ms = {}\norigin_real_ms = {}\n{offset}",
            self.scale, self.origin_business_ms, self.origin_real_ms
        )
    }
}

/// Real time, ms since 1970.
#[must_use]
pub fn real_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
