//! How often: token buckets, alone and one for each address or player.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::id::PlayerId;

use crate::config::Config;
use crate::sync::lock;

/// What `Retry-After` says when a limit names no time, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 5;

/// Addresses (or players) remembered. When more come, those whose buckets are full again are forgotten.
const KEYS_MAX: usize = 10_000;

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

/// One bucket for each address, or for each of something else.
pub struct PerKey<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// One bucket for each address.
pub type PerAddress = PerKey<IpAddr>;

impl<K: Eq + Hash> PerKey<K> {
    /// Full buckets for everyone.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one for a key.
    ///
    /// # Errors
    /// How long to wait. Also when too many keys came at once to remember one more.
    pub fn take(&self, key: K) -> Result<(), Duration> {
        let now = Instant::now();
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= KEYS_MAX {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        if buckets.len() >= KEYS_MAX && !buckets.contains_key(&key) {
            return Err(self.rate.refill);
        }
        buckets.entry(key).or_insert_with(|| Bucket::full(now)).take(self.rate, now)
    }
}

/// Tickets for each new guest that an address may make: one for a room and one for the chat, and again after
/// each line that was lost.
const TICKETS_PER_GUEST: u32 = 20;
/// New names that a player may take at once, and the time until one more.
const RENAMES: Rate = Rate { burst: 10, refill: Duration::from_secs(6) };

/// The limits that routes apply.
pub struct Limits {
    /// New guests.
    pub sessions: PerAddress,
    /// New rooms, and requests for matches, each of which may open one.
    pub rooms: PerAddress,
    /// Keys to WebSockets.
    pub tickets: PerAddress,
    /// New names of known players.
    pub renames: PerKey<PlayerId>,
}

impl Limits {
    /// As configured.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let tickets_per_minute = config.sessions_per_minute.saturating_mul(TICKETS_PER_GUEST);
        Self {
            sessions: PerKey::new(a_minute(config.sessions_per_minute)),
            rooms: PerKey::new(a_minute(config.rooms_per_minute)),
            tickets: PerKey::new(a_minute(tickets_per_minute)),
            renames: PerKey::new(RENAMES),
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

    use super::{Bucket, PerKey, Rate};

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

    #[test]
    fn each_key_has_a_bucket_of_its_own() {
        let limit = PerKey::new(Rate { burst: 1, refill: Duration::from_secs(60) });

        assert_eq!(limit.take("ada"), Ok(()));
        assert!(limit.take("ada").is_err());
        assert_eq!(limit.take("bob"), Ok(()));
    }
}
