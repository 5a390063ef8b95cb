//! A mark for each slot, for players who do not tell hues apart: eight marks, bare or on a plate.
//!
//! A mark is a few thick strokes in a circle of radius 1, y up. The scene and the panels draw the same marks.

use bevy::color::{Color, Luminance as _};
use shared::sim::Slot;

use super::palette::{self, HUE_COUNT};

/// A line from one point to another.
pub type Stroke = ((f32, f32), (f32, f32));

/// A mark. Its strokes have round ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// The strokes. A dot is a stroke without length.
    pub strokes: &'static [Stroke],
    /// The width of the strokes.
    pub width: f32,
}

/// In the order of the slots. No mark is another one rotated, and none is a letter.
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

/// A body with a larger relative luminance carries a dark mark.
const LIGHT: f32 = 0.2;

/// The mark of a slot, with its colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marking {
    /// The mark.
    pub mark: Mark,
    /// The colour of the mark.
    pub ink: Color,
    /// The colour of the plate below the mark. `None`: the mark is drawn on the body.
    pub plate: Option<Color>,
}

/// The marking of a slot on a body of this colour.
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

    /// The contrast ratio of WCAG 2.2.
    fn contrast(a: Color, b: Color) -> f32 {
        let (a, b) = (a.luminance() + 0.05, b.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn sixteen_slots_differ_without_colours() {
        let shapes: Vec<_> =
            all().iter().map(|(_, marking)| (marking.mark, marking.plate.is_some())).collect();

        for (slot, shape) in shapes.iter().enumerate() {
            assert!(!shapes[..slot].contains(shape), "seat {slot}");
        }
    }

    #[test]
    fn every_mark_stands_out() {
        for (slot, (body, marking)) in all().into_iter().enumerate() {
            let ground = marking.plate.unwrap_or(body);

            assert!(contrast(marking.ink, ground) > 4.5, "seat {slot}");
            assert!(contrast(marking.plate.unwrap_or(marking.ink), body) > 3.0, "seat {slot}");
        }
    }
}
