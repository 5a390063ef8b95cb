//! Camera rules: when a platform is too wide to be seen whole, how much of it a viewer sees then, and how the camera moves.

/// A platform with a larger radius than this, in units, belongs to a crowd and is never shown whole from nearby.
const WIDE_RADIUS: f64 = 1_000.0;
/// The largest picture around a followed player on a wide platform: width and height in units. A player is told about
/// little more than this (`shared::snapshot::crowd::INTEREST_ENTER`).
const WIDE_PICTURE: (f64, f64) = (1_440.0, 800.0);
/// Seconds in which the camera covers half of the distance to its target.
const HALF_LIFE_SECONDS: f64 = 0.11;

/// Whether a platform with this initial radius, in units, is too wide to be shown whole from nearby.
#[must_use]
pub fn is_wide(initial_radius: f64) -> bool {
    initial_radius > WIDE_RADIUS
}

/// Height in units of the picture around a followed player on a wide platform, for a window of this aspect ratio.
/// `width` and `height` are in the same unit and positive.
#[must_use]
pub fn wide_picture_height(width: f64, height: f64) -> f64 {
    WIDE_PICTURE.1.min(WIDE_PICTURE.0 * height / width)
}

/// The share of the remaining distance that the camera covers within this time, from 0 to 1.
#[must_use]
pub fn eased_share(seconds: f64) -> f64 {
    1.0 - half_to_the(seconds.max(0.0) / HALF_LIFE_SECONDS)
}

/// 0.5 to the power of a positive number. The general power brings tables of several kilobytes to a browser.
fn half_to_the(power: f64) -> f64 {
    let whole = power.floor().min(64.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 64")]
    let halves = (0..whole as u32).fold(1.0, |value, _| value / 2.0);
    // The series of the exponential function, which ends at the precision of the number.
    let exponent = -(power - whole).clamp(0.0, 1.0) * core::f64::consts::LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for step in 1..=14 {
        term *= exponent / f64::from(step);
        sum += term;
    }
    halves * sum
}

#[cfg(test)]
mod tests {
    use super::{eased_share, half_to_the, wide_picture_height};

    #[test]
    fn the_power_of_a_half_is_exact() {
        for step in 0..2_000 {
            let power = f64::from(step) / 37.0;
            let expected = 0.5_f64.powf(power);
            assert!((half_to_the(power) - expected).abs() <= expected * 1e-12, "{power}");
        }
    }

    #[test]
    fn the_picture_of_a_crowd_never_shows_more_than_a_player_is_told() {
        for (width, height) in [(1_280.0, 720.0), (2_560.0, 1_080.0), (400.0, 900.0)] {
            let picture_height = wide_picture_height(width, height);
            assert!(picture_height <= 800.0, "{width} × {height}");
            assert!(picture_height * width / height <= 1_440.0 + 1e-9, "{width} × {height}");
        }
    }

    #[test]
    fn easing_does_not_depend_on_the_frame_rate() {
        let in_two_steps = 1.0 - (1.0 - eased_share(0.05)) * (1.0 - eased_share(0.06));

        assert!((eased_share(0.11) - 0.5).abs() < 1e-9);
        assert!((in_two_steps - 0.5).abs() < 1e-9);
        assert_eq!(eased_share(-1.0), 0.0);
    }
}
