//! A moment of a recording, as a link names it.

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
        let seconds = seconds.and_then(|text| text.parse::<f64>().ok()).filter(|s| s.is_finite());
        Self {
            tick: seconds.unwrap_or(0.0).max(0.0) * f64::from(TICK_RATE_HZ),
            follow: slot.and_then(|text| text.parse().ok()).map(Slot),
        }
    }

    /// Writes it as the query of a link.
    pub(crate) fn write(self) -> String {
        let mut text = format!("?t={:.1}", self.tick / f64::from(TICK_RATE_HZ));
        if let Some(Slot(slot)) = self.follow {
            text.push_str("&follow=");
            text.push_str(&slot.to_string());
        }
        text
    }
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
        assert_eq!(Moment::read(Some("-4"), None), Moment::default());
    }
}
