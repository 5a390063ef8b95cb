//! The colours of a match as Bevy colours. Their values are in `presentation`, which the lobby uses too.

use bevy::color::{Color, LinearRgba};
use presentation::palette::{self, Colour, STRAIN};
use shared::sim::{PickupKind, Slot};

use crate::settings::PaletteChoice;

const fn bevy(colour: Colour) -> Color {
    let [red, green, blue] = colour.rgb;
    Color::srgb(red as f32 / 255.0, green as f32 / 255.0, blue as f32 / 255.0)
}

/// The void in the middle of the picture.
pub const VOID_INNER: Color = bevy(palette::VOID_INNER);
/// The void at the edges of the picture.
pub const VOID_OUTER: Color = bevy(palette::VOID_OUTER);
/// Specks in the void.
pub const SPECK: Color = bevy(palette::SPECK);
/// The ice in the middle.
pub const ICE_MIDDLE: Color = bevy(palette::ICE_MIDDLE);
/// The ice at the rim.
pub const ICE_RIM: Color = bevy(palette::ICE_RIM);
/// Shards of ice and the bright edge.
pub const ICE_EDGE: Color = bevy(palette::ICE_EDGE);
/// Pushes, danger, and the own actions.
pub const WARM: Color = bevy(palette::WARM);
/// Mend and protection.
pub const GOOD: Color = bevy(palette::GOOD);
/// Overcharge.
pub const CHARGE: Color = bevy(palette::CHARGE);
/// Heavy.
pub const HEAVY: Color = bevy(palette::HEAVY);
/// Outlines on ice.
pub const INK: Color = bevy(palette::INK);
/// Shadows on ice.
pub const SHADOW: Color = bevy(palette::SHADOW);
/// The outline of the own disc.
pub const WHITE: Color = Color::WHITE;

/// The number of hues. Slots above it repeat the hues with a ring.
pub const HUE_COUNT: u16 = palette::HUE_COUNT;

/// The colour of a slot and of its shaded side.
#[must_use]
pub fn hue(slot: Slot, choice: PaletteChoice) -> (Color, Color) {
    let hue = match choice {
        PaletteChoice::Standard => palette::hue(slot),
        PaletteChoice::ColourBlind => palette::hue_colour_blind(slot),
    };
    (bevy(hue.body), bevy(hue.shade))
}

/// Whether a slot has a ring instead of a solid top.
#[must_use]
pub const fn has_ring(slot: Slot) -> bool {
    palette::has_ring(slot)
}

/// The colour of a team.
#[must_use]
pub fn team(team: u8) -> Color {
    bevy(palette::team(team))
}

/// The colour of a strain, from 0 to 1 of the largest.
#[must_use]
pub fn strain(part: f32) -> Color {
    let along = part.clamp(0.0, 1.0) * 5.0;
    let from = along.floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 5")]
    let index = from as usize;
    let (a, b) = (STRAIN[index], STRAIN[(index + 1).min(STRAIN.len() - 1)]);
    mix(bevy(a), bevy(b), along - from)
}

/// The colour of a pickup and of its effect.
#[must_use]
pub const fn pickup(kind: PickupKind) -> Color {
    bevy(palette::pickup(kind))
}

/// A colour between two, mixed in linear light.
#[must_use]
pub fn mix(a: Color, b: Color, part: f32) -> Color {
    let (a, b) = (LinearRgba::from(a), LinearRgba::from(b));
    Color::LinearRgba(a * (1.0 - part) + b * part)
}

#[cfg(test)]
mod tests {
    use super::strain;

    #[test]
    fn strain_stays_in_range() {
        assert_ne!(strain(0.0), strain(1.0));
        assert_eq!(strain(9.0), strain(1.0));
    }
}
