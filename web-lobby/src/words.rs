//! Numbers as people read them: durations, sizes, ages. Text only.

use shared::tick::TICK_RATE_HZ;

/// `2:05`.
#[must_use]
pub fn clock(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Ticks as `2:05`.
#[must_use]
pub fn ticks(ticks: u32) -> String {
    clock(ticks / TICK_RATE_HZ)
}

/// A size in bytes as `812 B`, `48 KB`, `1.2 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} KB", (count + 500) / 1_000),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// `1 player`, `2 players`.
#[must_use]
pub fn count(number: u32, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// How long before `now_ms` something was. Clocks differ: the future is now.
#[must_use]
pub fn ago(now_ms: f64, at_ms: u64) -> String {
    let seconds = seconds_since(now_ms, at_ms);
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "yesterday".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// Whole seconds from `now_ms` until `at_ms`, rounded up, not below zero.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped; times fit in 53 bits"
)]
pub fn seconds_between(now_ms: f64, at_ms: u64) -> u32 {
    ((at_ms as f64 - now_ms) / 1_000.0).ceil().clamp(0.0, 4e9) as u32
}

/// Whole seconds from `at_ms` until `now_ms`, not below zero.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped; times fit in 53 bits"
)]
pub fn seconds_since(now_ms: f64, at_ms: u64) -> u32 {
    ((now_ms - at_ms as f64) / 1_000.0).clamp(0.0, 4e9) as u32
}

#[cfg(test)]
mod tests {
    use super::{ago, bytes, clock, count, seconds_between, ticks};

    #[test]
    fn numbers_read_well() {
        assert_eq!(clock(125), "2:05");
        assert_eq!(ticks(60 * 61), "1:01");
        assert_eq!(
            (bytes(812), bytes(48_400), bytes(1_250_000)),
            ("812 B".into(), "48 KB".into(), "1.2 MB".into())
        );
        assert_eq!(
            (count(1, "player"), count(0, "player")),
            ("1 player".into(), "0 players".into())
        );
    }

    #[test]
    fn times_are_told_in_words_and_never_from_the_future() {
        assert_eq!(ago(10_000.0, 20_000), "just now");
        assert_eq!(ago(200_000.0, 20_000), "3 min ago");
        assert_eq!(ago(90_000_000.0, 0), "yesterday");
        assert_eq!(seconds_between(1_000.0, 2_500), 2);
        assert_eq!(seconds_between(9_000.0, 2_500), 0);
    }
}
