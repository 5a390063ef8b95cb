//! The dot of a player in tables and lines, with the colour and the mark of the disc.

use bevy_egui::egui::{Color32, Painter, Pos2, Stroke, vec2};
use shared::sim::Slot;

use super::theme;
use crate::scene::{marks, palette};
use crate::settings::PaletteChoice;

/// The pale centre of the dots from the ninth slot on.
const PALE: Color32 = Color32::from_rgb(220, 235, 245);
/// The radius of the plate below a mark, as a part of the dot's.
const PLATE: f32 = 0.8;
/// The scale of a dot with a mark, so that the mark can be read.
const MARKED: f32 = 1.42;

/// Draws the dot of a slot with this opacity.
pub fn dot(
    painter: &Painter,
    centre: Pos2,
    radius: f32,
    slot: Slot,
    colours: PaletteChoice,
    alpha: f32,
) {
    let body = palette::hue(slot, colours).0;
    let fade = |colour: Color32| colour.gamma_multiply(alpha);
    let fill = fade(theme::colour(body));
    let edge = Stroke::new(1.0, fade(Color32::from_black_alpha(90)));
    match colours {
        PaletteChoice::Standard => {
            painter.circle_filled(centre, radius, fill);
            if palette::has_ring(slot) {
                painter.circle_filled(centre, radius * 0.52, fade(PALE));
                painter.circle_filled(centre, radius * 0.26, fill);
            }
            painter.circle_stroke(centre, radius, edge);
        }
        PaletteChoice::ColourBlind => {
            let radius = radius * MARKED;
            painter.circle_filled(centre, radius, fill);
            // Some of these hues are as dark as the panels.
            painter.circle_stroke(centre, radius, Stroke::new(1.25, fade(PALE)));
            let marking = marks::marking(slot, body);
            if let Some(plate) = marking.plate {
                painter.circle_filled(centre, radius * PLATE, fade(theme::colour(plate)));
            }
            mark(painter, centre, radius, marking, fade(theme::colour(marking.ink)));
        }
    }
}

fn mark(painter: &Painter, centre: Pos2, radius: f32, marking: marks::Marking, ink: Color32) {
    let width = (marking.mark.width * radius).max(1.5);
    let at = |(x, y): (f32, f32)| centre + vec2(x, -y) * radius;
    for (from, to) in marking.mark.strokes {
        let (from, to) = (at(*from), at(*to));
        painter.line_segment([from, to], Stroke::new(width, ink));
        // The round ends of a stroke.
        painter.circle_filled(from, width / 2.0, ink);
        painter.circle_filled(to, width / 2.0, ink);
    }
}
