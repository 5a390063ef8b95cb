//! A shape for each seat, so that nobody has to tell players apart by hue: eight marks, bare or on a plate.
//!
//! A mark is a few thick strokes in a circle of radius 1, y up. The scene and the panels draw the same ones.

use bevy::color::{Color, Luminance as _};
use shared::sim::Slot;

use super::palette::{self, HUE_COUNT};

/// From here to there.
pub type Stroke = ((f32, f32), (f32, f32));

/// A mark. The strokes have round ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// Its lines. A dot is a line without length.
    pub strokes: &'static [Stroke],
    /// How thick they are.
    pub width: f32,
}

/// In the order of the seats. No one is another one turned by a little, and none is a letter.
const MARKS: [Mark; HUE_COUNT as usize] = [
    Mark { strokes: &[((0.0, 0.0), (0.0, 0.0))], width: 0.62 },
    Mark { strokes: &[((-0.42, 0.0), (0.42, 0.0))], width: 0.26 },
    Mark {
        strokes: &[
            ((0.0, 0.44), (-0.42, -0.28)),
            ((-0.42, -0.28), (0.42, -0.28)),
            ((0.42, -0.28), (0.0, 0.44)),
        ],
        width: 0.2,
    },
    Mark { strokes: &[((-0.44, 0.0), (0.44, 0.0)), ((0.0, -0.44), (0.0, 0.44))], width: 0.24 },
    Mark {
        strokes: &[
            ((-0.34, -0.34), (0.34, -0.34)),
            ((0.34, -0.34), (0.34, 0.34)),
            ((0.34, 0.34), (-0.34, 0.34)),
            ((-0.34, 0.34), (-0.34, -0.34)),
        ],
        width: 0.2,
    },
    Mark { strokes: &[((-0.4, 0.22), (0.4, 0.22)), ((-0.4, -0.22), (0.4, -0.22))], width: 0.22 },
    Mark {
        strokes: &[((-0.34, -0.34), (0.34, 0.34)), ((-0.34, 0.34), (0.34, -0.34))],
        width: 0.24,
    },
    Mark {
        strokes: &[
            ((0.0, 0.32), (0.0, 0.32)),
            ((-0.32, -0.2), (-0.32, -0.2)),
            ((0.32, -0.2), (0.32, -0.2)),
        ],
        width: 0.34,
    },
];

/// Lighter than this, a body carries dark marks: relative luminance.
const LIGHT: f32 = 0.2;

/// How a seat is marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marking {
    /// Which mark.
    pub mark: Mark,
    /// Its colour.
    pub ink: Color,
    /// The colour of the plate under it. Nothing: it is drawn on the body.
    pub plate: Option<Color>,
}

/// The marking of a seat on a body of some colour.
#[must_use]
pub fn marking(slot: Slot, body: Color) -> Marking {
    let mark = MARKS[usize::from(slot.0 % HUE_COUNT)];
    let (far, near) = if body.luminance() > LIGHT {
        (palette::INK, palette::ICE_EDGE)
    } else {
        (palette::ICE_EDGE, palette::INK)
    };
    if palette::has_ring(slot) {
        Marking { mark, ink: near, plate: Some(far) }
    } else {
        Marking { mark, ink: far, plate: None }
    }
}

#[cfg(test)]
mod tests {
    use bevy::color::{Color, Luminance as _};
    use shared::sim::Slot;

    use super::{Marking, marking};
    use crate::scene::palette;
    use crate::settings::PaletteChoice;

    fn all() -> Vec<(Color, Marking)> {
        let body = |slot| palette::hue(slot, PaletteChoice::ColourBlind).0;
        (0..16).map(Slot).map(|slot| (body(slot), marking(slot, body(slot)))).collect()
    }

    /// As WCAG 2.2 counts it.
    fn contrast(a: Color, b: Color) -> f32 {
        let (a, b) = (a.luminance() + 0.05, b.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn sixteen_seats_differ_without_colours() {
        let shapes: Vec<_> =
            all().iter().map(|(_, marking)| (marking.mark, marking.plate.is_some())).collect();

        for (place, shape) in shapes.iter().enumerate() {
            assert!(!shapes[..place].contains(shape), "seat {place}");
        }
    }

    #[test]
    fn every_mark_stands_out() {
        for (place, (body, marking)) in all().into_iter().enumerate() {
            let ground = marking.plate.unwrap_or(body);

            assert!(contrast(marking.ink, ground) > 4.5, "seat {place}");
            assert!(contrast(marking.plate.unwrap_or(marking.ink), body) > 3.0, "seat {place}");
        }
    }
}
