//! How often: token buckets, alone and one for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::sync::lock;

/// Addresses remembered. When more come, those whose buckets are full again are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Lets `burst` through at once, and one more after each `refill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// Time until one more may pass.
    pub refill: Duration,
}

/// What is left of a [`Rate`]. Kept as the time at which it is full again (GCRA), so one instant is all
/// its state.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub const fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait until one is there.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let after = self.full_at.max(now) + rate.refill;
        let latest = now + rate.refill * rate.burst;
        match after.checked_duration_since(latest) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                self.full_at = after;
                Ok(())
            }
        }
    }

    /// Whether nothing is missing from it.
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

/// One bucket for each address.
pub struct PerAddress {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl PerAddress {
    /// Full buckets for everyone.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one for an address.
    ///
    /// # Errors
    /// How long to wait. Also when too many addresses came at once to remember one more.
    pub fn take(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= ADDRESSES_MAX {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&address) {
            return Err(self.rate.refill);
        }
        buckets.entry(address).or_insert_with(|| Bucket::full(now)).take(self.rate, now)
    }
}

/// The limits that routes apply.
pub struct Limits {
    /// New guests.
    pub sessions: PerAddress,
    /// New rooms.
    pub rooms: PerAddress,
}

impl Limits {
    /// As configured.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            sessions: PerAddress::new(a_minute(config.sessions_per_minute)),
            rooms: PerAddress::new(a_minute(config.rooms_per_minute)),
        }
    }
}

/// So many in a minute, also all at once.
fn a_minute(count: u32) -> Rate {
    let burst = count.max(1);
    Rate { burst, refill: Duration::from_secs(60) / burst }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Bucket, Rate};

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_the_rate() {
        let rate = Rate { burst: 3, refill: Duration::from_secs(2) };
        let now = Instant::now();
        let mut bucket = Bucket::full(now);

        for _ in 0..3 {
            assert_eq!(bucket.take(rate, now), Ok(()));
        }
        assert_eq!(bucket.take(rate, now), Err(Duration::from_secs(2)));

        let later = now + Duration::from_secs(2);
        assert_eq!(bucket.take(rate, later), Ok(()));
        assert_eq!(bucket.take(rate, later), Err(Duration::from_secs(2)));
        assert!(bucket.is_full(now + Duration::from_secs(60)));
    }
}
