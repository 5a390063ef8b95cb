//! A moment of a recording, as a link names it.

use presentation::words;
use shared::sim::Slot;
use shared::tick::TICK_RATE_HZ;

/// The tick where a link begins, and the player that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moment {
    pub(crate) tick: f64,
    pub(crate) follow: Option<Slot>,
}

impl Moment {
    /// Reads `?t=SECONDS&follow=SLOT`. A value that cannot be read is left out.
    pub(crate) fn read(seconds: Option<&str>, slot: Option<&str>) -> Self {
        Self {
            tick: seconds.and_then(seconds_of).unwrap_or(0.0) * f64::from(TICK_RATE_HZ),
            follow: slot.and_then(|text| text.parse().ok()).map(Slot),
        }
    }

    /// Writes it as the query of a link.
    pub(crate) fn write(self) -> String {
        let mut text = format!("?t={}", words::fixed(self.tick / f64::from(TICK_RATE_HZ), 1));
        if let Some(Slot(slot)) = self.follow {
            text.push_str("&follow=");
            text.push_str(&slot.to_string());
        }
        text
    }
}

/// Reads seconds with decimals, such as `12.5`. Written out, because the general reader of numbers brings tables of ten
/// kilobytes to a browser.
fn seconds_of(text: &str) -> Option<f64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = rest.len() <= 6 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let scale = 10_u32.checked_pow(u32::try_from(rest.len()).ok()?)?;
    let rest = rest.parse::<u32>().ok().filter(|_| is_plain)?;
    Some(f64::from(whole.parse::<u32>().ok()?) + f64::from(rest) / f64::from(scale))
}

#[cfg(test)]
mod tests {
    use super::Moment;
    use shared::sim::Slot;

    #[test]
    fn a_link_leads_to_its_moment() {
        let moment = Moment::read(Some("12.5"), Some("3"));

        assert_eq!(moment, Moment { tick: 750.0, follow: Some(Slot(3)) });
        assert_eq!(moment.write(), "?t=12.5&follow=3");
    }

    #[test]
    fn nonsense_in_a_link_is_left_out() {
        assert_eq!(Moment::read(Some("NaN"), Some("x")), Moment::default());
        for nonsense in ["-4", "1e3", "4.", ".", "", "1.2.3", "99999999999"] {
            assert_eq!(Moment::read(Some(nonsense), None), Moment::default(), "{nonsense}");
        }
    }
}
