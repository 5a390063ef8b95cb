//! The colours of a match.

use shared::sim::{PickupKind, Slot};

/// An opaque sRGB colour, both as bytes and as a style sheet writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// `#rrggbb`.
    pub css: &'static str,
    /// Red, green and blue.
    pub rgb: [u8; 3],
}

impl Colour {
    /// Reads `#rrggbb`. Anything else does not compile.
    const fn new(css: &'static str) -> Self {
        let text = css.as_bytes();
        assert!(text.len() == 7 && text[0] == b'#', "a colour is written #rrggbb");
        Self {
            css,
            rgb: [
                hex_byte(text[1], text[2]),
                hex_byte(text[3], text[4]),
                hex_byte(text[5], text[6]),
            ],
        }
    }
}

const fn hex_byte(high: u8, low: u8) -> u8 {
    hex_digit(high) * 16 + hex_digit(low)
}

const fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("a colour has lower-case hexadecimal digits"),
    }
}

/// The void below the platform, in the middle of the picture.
pub const VOID_INNER: Colour = Colour::new("#141c36");
/// The void at the edges of the picture.
pub const VOID_OUTER: Colour = Colour::new("#0a0f1f");
/// Specks in the void.
pub const SPECK: Colour = Colour::new("#9fb4dc");
/// The ice in the middle of the platform.
pub const ICE_MIDDLE: Colour = Colour::new("#dcebf5");
/// The ice at the rim.
pub const ICE_RIM: Colour = Colour::new("#8fb3d1");
/// The bright edge of the platform, and shards of ice.
pub const ICE_EDGE: Colour = Colour::new("#f4fbff");
/// Pushes, danger, and the own actions.
pub const WARM: Colour = Colour::new("#ff7a59");
/// Mend and protection.
pub const GOOD: Colour = Colour::new("#57d9a3");
/// Overcharge, and the leader.
pub const CHARGE: Colour = Colour::new("#ffd166");
/// Heavy.
pub const HEAVY: Colour = Colour::new("#7f8fd8");
/// Outlines on ice, and around text.
pub const INK: Colour = Colour::new("#0b1530");
/// Shadows on ice.
pub const SHADOW: Colour = Colour::new("#1c3a5e");
/// Text over the picture.
pub const TEXT: Colour = Colour::new("#e8eef7");
/// The outline of the own disc, or of the followed one.
pub const WHITE: Colour = Colour::new("#ffffff");

/// The strain of a disc in equal steps from none to the most: cool to warm.
pub const STRAIN: [Colour; 6] = [
    Colour::new("#3aa0e8"),
    Colour::new("#3cc3c0"),
    Colour::new("#8fd16a"),
    Colour::new("#ffd166"),
    Colour::new("#ff9a4d"),
    Colour::new("#ff4b3a"),
];

/// The two teams.
const TEAMS: [Colour; 2] = [Colour::new("#1b6fd0"), Colour::new("#d2502f")];

/// The colour of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hue {
    /// The top of the disc.
    pub body: Colour,
    /// Its shaded side.
    pub shade: Colour,
}

const fn hue_of(body: &'static str, shade: &'static str) -> Hue {
    Hue { body: Colour::new(body), shade: Colour::new(shade) }
}

/// Number of hues. Seats beyond it repeat the hues with the other mark: see [`has_ring`].
pub const HUE_COUNT: u16 = 8;

/// The eight hues of Okabe and Ito, tuned so that each stands out on pale ice and on the void.
const HUES: [Hue; HUE_COUNT as usize] = [
    hue_of("#2f7de1", "#205bb0"),
    hue_of("#f0901e", "#bb6a0b"),
    hue_of("#0fa37a", "#0a7758"),
    hue_of("#d8432f", "#a02c1d"),
    hue_of("#b45cc0", "#833e8e"),
    hue_of("#f3d43a", "#bfa31d"),
    hue_of("#3fc0ee", "#2290b8"),
    hue_of("#67718c", "#434b62"),
];

/// Hues for viewers who see fewer of them: along blue and yellow, each a step lighter or darker than the next.
const HUES_COLOUR_BLIND: [Hue; HUE_COUNT as usize] = [
    hue_of("#0b4fb3", "#073880"),
    hue_of("#ffc42e", "#c99410"),
    hue_of("#6fb7ff", "#3f84cc"),
    hue_of("#7a4a00", "#533200"),
    hue_of("#1d2a4d", "#101930"),
    hue_of("#ffe9a8", "#c9b26a"),
    hue_of("#3b8f9f", "#286672"),
    hue_of("#c27d2a", "#8f5a1a"),
];

/// The colour of a seat.
#[must_use]
pub const fn hue(slot: Slot) -> Hue {
    HUES[(slot.0 % HUE_COUNT) as usize]
}

/// The colour of a seat in the colour-blind palette.
#[must_use]
pub const fn hue_colour_blind(slot: Slot) -> Hue {
    HUES_COLOUR_BLIND[(slot.0 % HUE_COUNT) as usize]
}

/// Whether the disc of a seat carries a ring. Hue and ring together tell sixteen seats apart.
#[must_use]
pub const fn has_ring(slot: Slot) -> bool {
    !(slot.0 / HUE_COUNT).is_multiple_of(2)
}

/// The colour of a team: 0 or 1.
#[must_use]
pub const fn team(team: u8) -> Colour {
    TEAMS[(team & 1) as usize]
}

/// The nearest of the [`STRAIN`] colours. `share` is the part of the largest strain, from 0 to 1.
#[must_use]
pub fn strain(share: f64) -> Colour {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 5")]
    let step = (share.clamp(0.0, 1.0) * 5.0).round() as usize;
    STRAIN[step.min(STRAIN.len() - 1)]
}

/// The colour of a pickup and of its effect.
#[must_use]
pub const fn pickup(kind: PickupKind) -> Colour {
    match kind {
        PickupKind::Heavy => HEAVY,
        PickupKind::Overcharge => CHARGE,
        PickupKind::Mend => GOOD,
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::Slot;

    use super::{HUES, INK, has_ring, hue, hue_colour_blind, strain};

    #[test]
    fn a_colour_is_the_same_in_both_notations() {
        assert_eq!((INK.css, INK.rgb), ("#0b1530", [0x0b, 0x15, 0x30]));
    }

    #[test]
    fn sixteen_seats_look_different() {
        for hue in [hue, hue_colour_blind] {
            let looks: Vec<_> =
                (0..16).map(|slot| (hue(Slot(slot)), has_ring(Slot(slot)))).collect();

            for (place, look) in looks.iter().enumerate() {
                assert!(!looks[..place].contains(look), "{look:?}");
            }
        }
        assert_eq!((has_ring(Slot(7)), has_ring(Slot(8))), (false, true));
        assert_eq!(hue(Slot(8)), HUES[0]);
    }

    /// The contrast of two colours (WCAG 2.2, relative luminance).
    fn contrast(one: super::Colour, other: super::Colour) -> f64 {
        let luminance = |colour: super::Colour| {
            let [red, green, blue] = colour.rgb.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn every_disc_stands_out_on_a_dark_panel() {
        for hue in HUES {
            let contrast = contrast(hue.body, super::VOID_INNER);
            assert!(contrast >= 3.0, "{}: {contrast:.2}", hue.body.css);
        }
    }

    #[test]
    fn strain_goes_from_cool_to_warm() {
        assert_ne!(strain(0.0), strain(1.0));
        assert_eq!(strain(9.0), strain(1.0));
    }
}
