//! Rate limits: token buckets, single ones and one for each address or player.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::id::PlayerId;

use crate::config::Config;
use crate::sync::lock;

/// `Retry-After` of a refusal that knows no better time, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 5;

/// Keys in a table of buckets. Above it, keys whose buckets are full again are forgotten; if those are too few, also the
/// ones that are full soonest. So a flood of keys makes limits forgetful, and refuses no newcomer.
const KEYS_MAX: usize = 10_000;
/// The part of a full table that is forgotten at once, so that the search for it is rare.
const FORGOTTEN_AT_ONCE: usize = KEYS_MAX / 8;

/// Permits `burst` at once, and one more after each `refill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The number at once.
    pub burst: u32,
    /// The time until one more is permitted.
    pub refill: Duration,
}

/// The state of a [`Rate`]: the moment at which the bucket is full again (the generic cell rate algorithm, ITU-T
/// I.371).
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
    /// The wait until one is permitted.
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

    /// Whether the bucket is full.
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

/// One bucket for each key.
pub struct PerKey<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// One bucket for each address.
pub type PerAddress = PerKey<IpAddr>;

impl<K: Copy + Eq + Hash> PerKey<K> {
    /// A full bucket for every key.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one for a key.
    ///
    /// # Errors
    /// The wait until one is permitted.
    pub fn take(&self, key: K) -> Result<(), Duration> {
        let now = Instant::now();
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= KEYS_MAX && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        buckets.entry(key).or_insert_with(|| Bucket::full(now)).take(self.rate, now)
    }
}

/// Forgets the buckets that are full, and then, if there are few of them, those that are full soonest.
fn make_room<K: Copy + Eq + Hash>(buckets: &mut HashMap<K, Bucket>, now: Instant) {
    buckets.retain(|_, bucket| !bucket.is_full(now));
    let spared = KEYS_MAX - FORGOTTEN_AT_ONCE;
    if buckets.len() > spared {
        let mut by_time: Vec<_> =
            buckets.iter().map(|(key, bucket)| (bucket.full_at, *key)).collect();
        let forgotten = by_time.len() - spared;
        by_time.select_nth_unstable_by_key(forgotten - 1, |(full_at, _)| *full_at);
        for (_, key) in &by_time[..forgotten] {
            buckets.remove(key);
        }
    }
}

/// Tickets for each permitted guest of an address: one for a room and one for the chat, and again after each
/// reconnect.
const TICKETS_PER_GUEST: u32 = 20;
/// Renames of one player.
const RENAMES: Rate = Rate { burst: 10, refill: Duration::from_secs(6) };

/// Device-link codes of one player: each visible window of the lobby keeps a fresh one.
const DEVICE_LINKS: Rate = Rate { burst: 20, refill: Duration::from_secs(3) };

/// The limits that routes apply.
pub struct Limits {
    /// New guests.
    pub sessions: PerAddress,
    /// New rooms, and tickets for matchmaking, each of which may open one.
    pub rooms: PerAddress,
    /// Tickets for WebSockets.
    pub tickets: PerAddress,
    /// Renames.
    pub renames: PerKey<PlayerId>,
    /// Device-link codes.
    pub device_links: PerKey<PlayerId>,
    /// Look-ups of codes that belong to no public room.
    pub codes: PerAddress,
}

impl Limits {
    /// The limits of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let tickets_per_minute = config.sessions_per_minute.saturating_mul(TICKETS_PER_GUEST);
        Self {
            sessions: PerKey::new(a_minute(config.sessions_per_minute)),
            rooms: PerKey::new(a_minute(config.rooms_per_minute)),
            tickets: PerKey::new(a_minute(tickets_per_minute)),
            renames: PerKey::new(RENAMES),
            device_links: PerKey::new(DEVICE_LINKS),
            codes: PerKey::new(a_minute(config.codes_per_minute)),
        }
    }
}

/// A rate of `count` in a minute, which may come at once.
fn a_minute(count: u32) -> Rate {
    let burst = count.max(1);
    Rate { burst, refill: Duration::from_secs(60) / burst }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Bucket, KEYS_MAX, PerKey, Rate};

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

    #[test]
    fn a_flood_of_keys_refuses_no_newcomer_and_forgets_the_busiest_last() {
        let limit = PerKey::new(Rate { burst: 2, refill: Duration::from_secs(60) });
        for _ in 0..2 {
            assert_eq!(limit.take(0), Ok(()));
        }

        for key in 1..=3 * KEYS_MAX {
            assert_eq!(limit.take(key), Ok(()), "{key}");
        }

        assert!(limit.take(0).is_err(), "an address that is over its limit is remembered");
        assert!(limit.buckets.lock().unwrap().len() <= KEYS_MAX);
    }
}
