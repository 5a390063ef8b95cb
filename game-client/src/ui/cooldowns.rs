//! The row at the bottom of the picture: the strain and the cooldowns of the own disc.

use bevy_egui::egui::{
    Align2, Color32, Context, CornerRadius, LayerId, Order, Painter, Pos2, Rect, Shape, Stroke,
    StrokeKind, pos2, vec2,
};
use shared::sim::event::PushKind;
use shared::sim::{movement, pulse, push};

use super::text::elided;
use super::theme::{self, FIELD, LINE, MUTED, PANEL, TEXT};
use super::{icons, widgets};
use crate::input::bindings::{Action, Bindings};
use crate::input::key_names::KeyNames;
use crate::scene::palette;
use crate::world_to_scene::{SceneDisc, seconds};

/// The width of the strain bar in a window that is wide enough, in points.
const BAR_WIDTH: f32 = 190.0;
/// The radius of a cooldown's circle, in points.
const RADIUS: f32 = 23.0;
/// The largest strain that the bar shows. 1 is a hundred percent.
const STRAIN_MAX: f32 = 1.5;

/// Draws the row for the own disc.
pub fn show(context: &Context, disc: &SceneDisc, bindings: &Bindings, names: &KeyNames) {
    let painter = context.layer_painter(LayerId::new(Order::Background, "cooldowns".into()));
    let screen = context.content_rect();
    let bar_width = bar_width(screen.width());
    let size = vec2(bar_width + 3.0 * (2.0 * RADIUS + 16.0) + 56.0, 80.0);
    let place = pos2(screen.center().x - size.x / 2.0, screen.bottom() - size.y - 12.0);
    let rect = Rect::from_min_size(place, size);
    let edge = Stroke::new(1.0, LINE);
    let radius = CornerRadius::same(theme::RADIUS);
    painter.rect(rect, radius, PANEL, edge, StrokeKind::Inside);
    strain(&painter, pos2(rect.left() + 20.0, rect.top() + 14.0), bar_width, disc.strain);

    let whole = [
        seconds(pulse::COOLDOWN_TICKS),
        seconds(push::SHOVE_COOLDOWN_TICKS),
        seconds(movement::DASH_COOLDOWN_TICKS),
    ];
    let kinds = [
        (PushKind::Pulse, Action::Pulse),
        (PushKind::Shove, Action::Shove),
        (PushKind::Dash, Action::Dash),
    ];
    let mut x = rect.left() + 20.0 + bar_width + 24.0 + RADIUS;
    for ((kind, action), (left, whole)) in
        kinds.into_iter().zip(disc.cooldowns.into_iter().zip(whole))
    {
        let ready = 1.0 - (left / whole).clamp(0.0, 1.0);
        let centre = pos2(x, rect.top() + 10.0 + RADIUS);
        cooldown(&painter, centre, kind, ready, left);
        let label = pos2(x, rect.bottom() - 14.0);
        let font = theme::font(12.0);
        let key = names.label(bindings, action);
        let key = elided(&painter, short(&key), &font, 2.0 * RADIUS + 14.0);
        painter.text(label, Align2::CENTER_CENTER, key, font, MUTED);
        x += 2.0 * RADIUS + 16.0;
    }
    effects(&painter, rect, disc);
}

/// The width of the strain bar in a window of this width.
fn bar_width(window: f32) -> f32 {
    let others = 3.0 * (2.0 * RADIUS + 16.0) + 56.0;
    (window - others - 32.0).clamp(60.0, BAR_WIDTH)
}

fn short(key: &str) -> &str {
    match key {
        "Left mouse" => "LMB",
        "Right mouse" => "RMB",
        "Middle mouse" => "MMB",
        other => other,
    }
}

fn strain(painter: &Painter, at: Pos2, width: f32, strain: f32) {
    let part = (strain / STRAIN_MAX).clamp(0.0, 1.0);
    let colour = theme::colour(palette::strain(part));
    painter.text(at, Align2::LEFT_TOP, "Strain", theme::font(14.0), MUTED);
    let right = pos2(at.x + width, at.y - 7.0);
    let text = format!("{:.0} %", strain * 100.0);
    let ink = if part < 0.01 { TEXT } else { colour };
    painter.text(right, Align2::RIGHT_TOP, text, theme::bold(28.0), ink);
    let well = Rect::from_min_size(pos2(at.x, at.y + 34.0), vec2(width, 12.0));
    let edge = Stroke::new(1.0, LINE);
    painter.rect(well, CornerRadius::same(6), FIELD, edge, StrokeKind::Outside);
    if part > 0.0 {
        let bar = Rect::from_min_size(well.min, vec2((width * part).max(12.0), 12.0));
        painter.rect_filled(bar, CornerRadius::same(6), colour);
    }
    // The strain at which a push is twice as strong.
    let x = well.left() + width / STRAIN_MAX;
    let mark = Stroke::new(1.5, Color32::from_white_alpha(110));
    painter.line_segment([pos2(x, well.top() - 3.0), pos2(x, well.bottom() + 3.0)], mark);
}

fn cooldown(painter: &Painter, centre: Pos2, kind: PushKind, ready: f32, left: f32) {
    let is_ready = ready >= 1.0;
    painter.circle_filled(centre, RADIUS, FIELD);
    painter.circle_stroke(centre, RADIUS, Stroke::new(1.5, LINE));
    let colour = if is_ready { theme::WARM } else { MUTED.gamma_multiply(0.8) };
    let top = -core::f32::consts::FRAC_PI_2;
    let steps = 40_u8;
    let points: Vec<Pos2> = (0..=steps)
        .map(|step| top + core::f32::consts::TAU * ready * f32::from(step) / f32::from(steps))
        .map(|angle| centre + vec2(angle.cos(), angle.sin()) * RADIUS)
        .collect();
    painter.add(Shape::line(points, Stroke::new(3.0, colour)));
    let ink = if is_ready { TEXT } else { MUTED.gamma_multiply(0.65) };
    icons::push(painter, centre, 24.0, Some(kind), ink);
    if left > 0.45 {
        let text = format!("{left:.1}");
        painter.circle_filled(centre, RADIUS - 4.0, FIELD);
        painter.text(centre, Align2::CENTER_CENTER, text, theme::bold(14.0), TEXT);
    }
}

/// The active effects of pickups, above the row.
fn effects(painter: &Painter, below: Rect, disc: &SceneDisc) {
    let active = [
        ("Heavy", disc.heavy, palette::HEAVY),
        ("Overcharge", disc.overcharge, palette::CHARGE),
        ("Protected", disc.protection, palette::GOOD),
    ];
    let shown: Vec<_> = active.into_iter().filter(|(_, left, _)| *left > 0.0).collect();
    let width = 148.0;
    let mut x = below.center().x - (shown.len() as f32 * (width + 8.0) - 8.0) / 2.0;
    for (title, left, colour) in shown {
        let rect = Rect::from_min_size(pos2(x, below.top() - 38.0), vec2(width, 30.0));
        let colour = theme::colour(colour);
        let edge = Stroke::new(1.0, colour.gamma_multiply(0.7));
        painter.rect(rect, CornerRadius::same(8), PANEL, edge, StrokeKind::Inside);
        widgets::paint_dot(painter, pos2(rect.left() + 14.0, rect.center().y), 4.5, colour);
        let name = pos2(rect.left() + 26.0, rect.center().y);
        painter.text(name, Align2::LEFT_CENTER, title, theme::font(14.0), TEXT);
        let time = pos2(rect.right() - 10.0, rect.center().y);
        let text = format!("{left:.1}");
        painter.text(time, Align2::RIGHT_CENTER, text, theme::bold(14.0), colour);
        x += width + 8.0;
    }
}
