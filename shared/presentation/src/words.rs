//! Numbers and errors as people read them: durations, ages, sizes, places. English text only.

use shared::api::MarkerKind;
use shared::tick::TICK_RATE_HZ;

/// Seconds as `2:05`.
#[must_use]
pub fn clock(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Seconds as `2:05`, rounded up: a countdown shows `0:01` until it ends. Negative numbers are zero.
#[must_use]
pub fn clock_rounded_up(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    clock(seconds.max(0.0).ceil() as u32)
}

/// Ticks as `2:05`, rounded down. Negative numbers are zero.
#[must_use]
pub fn clock_of_ticks(ticks: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    clock((ticks.max(0.0) / f64::from(TICK_RATE_HZ)) as u32)
}

/// A size in bytes as `812 B`, `48 KB` or `1.2 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} KB", (count + 500) / 1_000),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// A number with this many decimals, as `-12.50`. Meant for numbers below a thousand million.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "saturates")]
pub fn fixed(number: f64, decimals: u32) -> String {
    let scale = 10_i64.pow(decimals.min(6));
    let scaled = (number.abs() * scale as f64 + 0.5).floor() as i64;
    let sign = if number < 0.0 && scaled > 0 { "-" } else { "" };
    let (whole, rest, width) = (scaled / scale, scaled % scale, decimals.min(6) as usize);
    if width == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0width$}") }
}

/// `1 player`, `2 players`.
#[must_use]
pub fn count(number: u32, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// An age in seconds as `3 min ago`.
#[must_use]
pub fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "yesterday".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// A length of time in seconds as `12 s`, `3 min` or `2 h`.
#[must_use]
pub fn span(seconds: u32) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// `1st`, `2nd`, `3rd`, …
#[must_use]
pub fn ordinal(place: usize) -> String {
    let ending = match (place % 10, place % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{place}{ending}")
}

/// Replaces each hyphen of a number by a minus sign, which is as wide as a plus.
#[must_use]
pub fn signed(number: impl ToString) -> String {
    number.to_string().replace('-', "−")
}

/// A rating as `1512`, or as `1512?` while it is uncertain.
#[must_use]
pub fn rating(rating: i32, is_provisional: bool) -> String {
    let mark = if is_provisional { "?" } else { "" };
    format!("{rating}{mark}")
}

/// An error message as a sentence: with a capital letter and a full stop.
#[must_use]
pub fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    letters.next().map_or_else(String::new, |first| {
        let rest = letters.as_str().trim_end_matches('.');
        format!("{}{rest}.", first.to_uppercase())
    })
}

/// The word for a marker on a timeline.
#[must_use]
pub const fn marker(kind: MarkerKind) -> &'static str {
    match kind {
        MarkerKind::KnockOut => "knock-out",
        MarkerKind::Pickup => "pickup",
        MarkerKind::LeadChange => "new leader",
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ago, bytes, clock, clock_of_ticks, clock_rounded_up, count, fixed, ordinal, rating,
        sentence, signed, span,
    };

    #[test]
    fn durations_read_well() {
        assert_eq!(clock(125), "2:05");
        assert_eq!([0, 59, 60, 3_599, 7_300].map(span), ["0 s", "59 s", "1 min", "59 min", "2 h"]);
        assert_eq!([59.2, 180.0, -1.0].map(clock_rounded_up), ["1:00", "3:00", "0:00"]);
        assert_eq!([3_661.0, 10_890.0, -1.0].map(clock_of_ticks), ["1:01", "3:01", "0:00"]);
    }

    #[test]
    fn decimals_are_rounded_and_kept() {
        for (number, decimals, expected) in [
            (12.5, 1, "12.5"),
            (12.0, 3, "12.000"),
            (0.996, 2, "1.00"),
            (-0.04, 1, "0.0"),
            (-1.05, 1, "-1.1"),
            (7.5, 0, "8"),
        ] {
            assert_eq!(fixed(number, decimals), expected);
        }
    }

    #[test]
    fn ages_read_well() {
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(180), "3 min ago");
        assert_eq!(ago(7_500), "2 h ago");
        assert_eq!(ago(90_000), "yesterday");
        assert_eq!(ago(200_000), "2 days ago");
    }

    #[test]
    fn sizes_and_counts_read_well() {
        assert_eq!([812, 48_400, 1_250_000].map(bytes), ["812 B", "48 KB", "1.2 MB"]);
        assert_eq!([0, 1].map(|number| count(number, "player")), ["0 players", "1 player"]);
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 21].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 21st"
        );
        assert_eq!(signed(-3), "−3");
        assert_eq!([rating(1_512, false), rating(1_512, true)], ["1512", "1512?"]);
    }

    #[test]
    fn an_error_becomes_a_sentence() {
        assert_eq!(sentence("the recording is damaged"), "The recording is damaged.");
        assert_eq!(sentence("No room."), "No room.");
        assert_eq!(sentence(""), "");
    }
}
