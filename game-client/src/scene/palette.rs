//! The colours of a match: the lobby's are the same.

use bevy::color::{Color, LinearRgba};
use shared::sim::{PickupKind, Slot};

use crate::settings::PaletteChoice;

/// A colour from its six digits.
const fn rgb(hex: u32) -> Color {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color::srgb(red as f32 / 255.0, green as f32 / 255.0, blue as f32 / 255.0)
}

/// The deep, in the middle.
pub const VOID_INNER: Color = rgb(0x14_1c36);
/// The deep, far out.
pub const VOID_OUTER: Color = rgb(0x0a_0f1f);
/// Specks in the deep.
pub const SPECK: Color = rgb(0x9f_b4dc);
/// The ice in the middle.
pub const ICE_MIDDLE: Color = rgb(0xdc_ebf5);
/// The ice at the rim.
pub const ICE_RIM: Color = rgb(0x8f_b3d1);
/// Shards and the bright edge.
pub const ICE_EDGE: Color = rgb(0xf4_fbff);
/// Pushes, danger, own actions.
pub const WARM: Color = rgb(0xff_7a59);
/// Mend and protection.
pub const GOOD: Color = rgb(0x57_d9a3);
/// Overcharge.
pub const CHARGE: Color = rgb(0xff_d166);
/// Heavy.
pub const HEAVY: Color = rgb(0x7f_8fd8);
/// What is drawn dark on ice.
pub const INK: Color = rgb(0x0b_1530);
/// Shadows on ice.
pub const SHADOW: Color = rgb(0x1c_3a5e);
/// The outline of the own disc.
pub const WHITE: Color = Color::WHITE;

/// Okabe and Ito's eight, tuned so that each stays apart on pale ice and on the void; with their shaded sides.
const HUES: [(u32, u32); 8] = [
    (0x2f_7de1, 0x20_5bb0),
    (0xf0_901e, 0xbb_6a0b),
    (0x0f_a37a, 0x0a_7758),
    (0xd8_432f, 0xa0_2c1d),
    (0xb4_5cc0, 0x83_3e8e),
    (0xf3_d43a, 0xbf_a31d),
    (0x3f_c0ee, 0x22_90b8),
    (0x3d_4868, 0x26_2e47),
];
/// For eyes that see fewer hues: along blue and yellow, each a step lighter or darker than the next.
const HUES_FEW: [(u32, u32); 8] = [
    (0x0b_4fb3, 0x07_3880),
    (0xff_c42e, 0xc9_9410),
    (0x6f_b7ff, 0x3f_84cc),
    (0x7a_4a00, 0x53_3200),
    (0x1d_2a4d, 0x10_1930),
    (0xff_e9a8, 0xc9_b26a),
    (0x3b_8f9f, 0x28_6672),
    (0xc2_7d2a, 0x8f_5a1a),
];
/// From no strain to full: cool to warm.
const STRAIN: [u32; 6] = [0x3a_a0e8, 0x3c_c3c0, 0x8f_d16a, 0xff_d166, 0xff_9a4d, 0xff_4b3a];
/// The two teams.
const TEAMS: [u32; 2] = [0x1b_6fd0, 0xd2_502f];

/// How many hues there are before marks tell players apart.
pub const HUE_COUNT: u16 = 8;

/// The colour of a seat and its shaded side.
#[must_use]
pub fn hue(slot: Slot, palette: PaletteChoice) -> (Color, Color) {
    let hues = match palette {
        PaletteChoice::Standard => &HUES,
        PaletteChoice::ColourBlind => &HUES_FEW,
    };
    let (body, side) = hues[usize::from(slot.0 % HUE_COUNT)];
    (rgb(body), rgb(side))
}

/// Whether a seat carries the second mark: a ring instead of a solid top.
#[must_use]
pub const fn has_ring(slot: Slot) -> bool {
    !(slot.0 / HUE_COUNT).is_multiple_of(2)
}

/// The colour of a team.
#[must_use]
pub fn team(team: u8) -> Color {
    rgb(TEAMS[usize::from(team & 1)])
}

/// The colour of a strain, as a part of the largest.
#[must_use]
pub fn strain(part: f32) -> Color {
    let along = part.clamp(0.0, 1.0) * 5.0;
    let from = along.floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 5")]
    let place = from as usize;
    let (a, b) = (rgb(STRAIN[place]), rgb(STRAIN[(place + 1).min(STRAIN.len() - 1)]));
    mix(a, b, along - from)
}

/// The colour of a pickup and of what it does.
#[must_use]
pub const fn pickup(kind: PickupKind) -> Color {
    match kind {
        PickupKind::Heavy => HEAVY,
        PickupKind::Overcharge => CHARGE,
        PickupKind::Mend => GOOD,
    }
}

/// A colour between two, in light.
#[must_use]
pub fn mix(a: Color, b: Color, part: f32) -> Color {
    let (a, b) = (LinearRgba::from(a), LinearRgba::from(b));
    Color::LinearRgba(a * (1.0 - part) + b * part)
}

#[cfg(test)]
mod tests {
    use shared::sim::Slot;

    use super::{has_ring, hue, strain};
    use crate::settings::PaletteChoice;

    #[test]
    fn sixteen_seats_look_different() {
        for palette in [PaletteChoice::Standard, PaletteChoice::ColourBlind] {
            let looks: Vec<_> =
                (0..16).map(|slot| (hue(Slot(slot), palette), has_ring(Slot(slot)))).collect();

            for (place, look) in looks.iter().enumerate() {
                assert!(!looks[..place].contains(look), "{look:?}");
            }
        }
    }

    #[test]
    fn strain_stays_in_range() {
        assert_ne!(strain(0.0), strain(1.0));
        assert_eq!(strain(9.0), strain(1.0));
    }
}
