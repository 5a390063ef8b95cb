//! The range of every setting that is a number. The flags refuse a value outside before anything is opened, and
//! [`Config::validate`] refuses one that code has set.

use std::ops::RangeInclusive;
use std::time::Duration;

use shared::sim::mode::ROUND_TICKS_MAX;
use shared::tick::TICK_RATE_HZ;

use super::Config;

/// See [`Config::connections_max`].
pub const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
/// Each of [`Config::sessions_per_minute`], [`Config::rooms_per_minute`] and [`Config::codes_per_minute`].
pub const PER_MINUTE: RangeInclusive<u32> = 1..=1_000_000;
/// See [`Config::write_stall_max`].
pub const WRITE_STALL: RangeInclusive<Duration> = Duration::from_millis(100)..=HOUR;
/// See [`Config::header_timeout`].
pub const HEADER_TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=MINUTE;
/// See [`Config::idle_timeout`].
pub const IDLE_TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=DAY;
/// See [`Config::ipv6_prefix`].
pub const IPV6_PREFIX: RangeInclusive<u8> = 16..=128;
/// See [`Config::heartbeat`].
pub const HEARTBEAT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(15);
/// See [`Config::ping`].
pub const PING: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(20);
/// See [`Config::lab_interval`].
pub const LAB_INTERVAL: RangeInclusive<Duration> = Duration::from_millis(1)..=DAY;
/// See [`Config::stop_within`].
pub const STOP_WITHIN: RangeInclusive<Duration> = Duration::from_millis(500)..=MINUTE;
/// See [`Config::drain_within`].
pub const DRAIN_WITHIN: RangeInclusive<Duration> = Duration::ZERO..=HOUR;
/// See [`Config::room_idle_max`].
pub const ROOM_IDLE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(7 * 24 * 60 * 60);
/// Each of [`Config::rooms_max`], [`Config::rooms_per_guest_max`] and [`Config::rooms_per_address_max`].
pub const ROOMS: RangeInclusive<usize> = 1..=100_000;
/// See [`Config::replay_retention`], here in days.
pub const REPLAY_DAYS: RangeInclusive<u32> = 1..=36_500;
/// See [`Config::round_seconds`].
pub const ROUND_SECONDS: RangeInclusive<u32> = 1..=ROUND_TICKS_MAX / TICK_RATE_HZ;
/// See [`Config::summary_seconds`].
pub const SUMMARY_SECONDS: RangeInclusive<u32> = 0..=600;
/// See [`Config::bots_fill_after`].
pub const BOTS_FILL_AFTER: RangeInclusive<Duration> = Duration::ZERO..=HOUR;
/// See [`Config::crowd_snapshot_bytes_max`].
pub const CROWD_SNAPSHOT_BYTES: RangeInclusive<usize> = 64..=1024 * 1024;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A setting is outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting {setting} is {value}: it must be from {min} to {max}")]
pub struct OutOfRange {
    setting: &'static str,
    value: String,
    min: String,
    max: String,
}

impl Config {
    /// Checks every number.
    ///
    /// # Errors
    /// The first one that is outside its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        check("connections_max", self.connections_max, CONNECTIONS)?;
        check("connections_per_address_max", self.connections_per_address_max, CONNECTIONS)?;
        check("sessions_per_minute", self.sessions_per_minute, PER_MINUTE)?;
        check("rooms_per_minute", self.rooms_per_minute, PER_MINUTE)?;
        check("codes_per_minute", self.codes_per_minute, PER_MINUTE)?;
        check("ipv6_prefix", self.ipv6_prefix, IPV6_PREFIX)?;
        check("idle_timeout", self.idle_timeout, IDLE_TIMEOUT)?;
        check("rooms_per_guest_max", self.rooms_per_guest_max, ROOMS)?;
        check("rooms_per_address_max", self.rooms_per_address_max, ROOMS)?;
        check("room_idle_max", self.room_idle_max, ROOM_IDLE)?;
        check("write_stall_max", self.write_stall_max, WRITE_STALL)?;
        check("header_timeout", self.header_timeout, HEADER_TIMEOUT)?;
        check("heartbeat", self.heartbeat, HEARTBEAT)?;
        check("ping", self.ping, PING)?;
        check("lab_interval", self.lab_interval, LAB_INTERVAL)?;
        check("stop_within", self.stop_within, STOP_WITHIN)?;
        check("drain_within", self.drain_within, DRAIN_WITHIN)?;
        check("rooms_max", self.rooms_max, ROOMS)?;
        if let Some(age_max) = self.replay_retention {
            check("replay_retention", age_max, DAY..=DAY * *REPLAY_DAYS.end())?;
        }
        if let Some(seconds) = self.round_seconds {
            check("round_seconds", seconds, ROUND_SECONDS)?;
        }
        check("summary_seconds", self.summary_seconds, SUMMARY_SECONDS)?;
        check("bots_fill_after", self.bots_fill_after, BOTS_FILL_AFTER)?;
        check("crowd_snapshot_bytes_max", self.crowd_snapshot_bytes_max, CROWD_SNAPSHOT_BYTES)
    }
}

fn check<T: PartialOrd + std::fmt::Debug>(
    setting: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), OutOfRange> {
    if range.contains(&value) {
        return Ok(());
    }
    let text = |value: &T| format!("{value:?}");
    Err(OutOfRange {
        setting,
        value: text(&value),
        min: text(range.start()),
        max: text(range.end()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Config;

    #[test]
    fn a_setting_outside_its_range_is_named_with_the_range() {
        assert_eq!(Config::default().validate(), Ok(()));
        let wrong = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };

        let rooms = wrong(|config| config.rooms_max = 0);
        assert_eq!(rooms, "the setting rooms_max is 0: it must be from 1 to 100000");
        let stall = wrong(|config| config.write_stall_max = Duration::MAX);
        assert!(stall.contains("write_stall_max") && stall.contains("100ms"), "{stall}");
        assert!(wrong(|config| config.round_seconds = Some(0)).contains("round_seconds"));
        assert!(wrong(|config| config.ping = Duration::ZERO).contains("ping"));
    }
}
