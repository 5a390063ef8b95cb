//! Text that is painted onto the picture: cut to a width, or outlined so that it is readable on ice and void.

use bevy_egui::egui::{Align2, Color32, Context, FontId, LayerId, Order, Painter, Pos2, vec2};

use super::bidi;
use super::theme::{self, TEXT};

/// The outline of the row about the local player.
pub(super) const LINE_OWN: Color32 = Color32::from_rgb(160, 176, 210);

/// A painter for a layer of its own below all windows.
pub(super) fn painter(context: &Context, name: &'static str) -> Painter {
    context.layer_painter(LayerId::new(Order::Background, name.into()))
}

/// A text in the order in which it is painted, cut with an ellipsis so that it is at most `width` points wide.
pub fn elided(painter: &Painter, text: &str, font: &FontId, width: f32) -> String {
    let fits =
        |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), TEXT).size().x <= width;
    let whole = bidi::visual(text);
    if fits(&whole) {
        return whole.into_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    while letters.pop().is_some() {
        let cut: String = letters.iter().collect::<String>().trim_end().to_owned() + "…";
        let cut = bidi::visual(&cut).into_owned();
        if fits(&cut) {
            return cut;
        }
    }
    String::new()
}

/// Text with a dark outline, readable on ice and on the void.
pub fn outlined(painter: &Painter, centre: Pos2, text: &str, size: f32, ink: Color32) {
    let font = theme::bold(size);
    let dark = Color32::from_rgb(9, 15, 32).gamma_multiply(0.9 * f32::from(ink.a()) / 255.0);
    let width = (size * 0.07).clamp(1.6, 5.0);
    let steps = 16_u8;
    for step in 0..steps {
        let turn = core::f32::consts::TAU * f32::from(step) / f32::from(steps);
        let at = centre + vec2(turn.cos(), turn.sin() + 0.25) * width;
        painter.text(at, Align2::CENTER_CENTER, text, font.clone(), dark);
    }
    painter.text(centre, Align2::CENTER_CENTER, text, font, ink);
}
