//! Names: of the leader, with a crown, of the followed player, and of players near the pointer.

use presentation::labels::{CROWDED_ABOVE, LabelLayout};
use presentation::palette;
use shared::sim::{Slot, scoring};
use web_sys::CanvasRenderingContext2d;

use super::camera::View;
use super::point::Point;
use super::scene::{DrawnDisc, Frame, Scene};

/// How near to the pointer a player is named, in pixels.
const NEAR: f64 = 46.0;
/// The distance from a disc's centre to its name, in units.
const LIFT: f64 = 40.0;
/// The smallest such distance, in pixels.
const LIFT_PX: f64 = 9.0;
/// How many leaders are named when a whole crowd is shown.
const BEST: usize = 4;

/// Draws the names in CSS pixels, so that they stay readable at every scale.
pub(super) fn draw(
    context: &CanvasRenderingContext2d,
    discs: &[DrawnDisc],
    scene: &Scene,
    frame: &Frame,
    view: View,
) {
    let size = if frame.width.min(frame.height) < 420.0 { 11.0 } else { 13.0 };
    let font =
        if size < 12.0 { "600 11px Inter, sans-serif" } else { "600 13px Inter, sans-serif" };
    context.set_font(font);
    context.set_text_align("center");
    context.set_line_join("round");
    let leader = scoring::leader(&scene.world.discs);
    let is_many = scene.world.discs.len() > CROWDED_ABOVE;
    let best = if is_many && scene.follow.is_none() { best_of(scene) } else { Vec::new() };
    let weight = |seen: &&DrawnDisc| match seen.disc.slot {
        slot if scene.follow == Some(slot) => 0,
        slot if leader == Some(slot) => 1,
        slot if best.contains(&slot) => 2,
        _ => 3,
    };
    // The heaviest first.
    let of_weight =
        |wanted| discs.iter().filter(move |seen| seen.disc.is_standing() && weight(seen) == wanted);
    let mut layout = LabelLayout::default();
    for seen in (0..=3).flat_map(of_weight) {
        let way = seen.place.minus(view.middle).times(view.scale);
        let middle = Point::new(frame.width / 2.0, frame.height / 2.0).plus(way);
        let slot = seen.disc.slot;
        let leads = leader == Some(slot);
        let near =
            frame.pointer.is_some_and(|(x, y)| Point::new(x, y).minus(middle).length() < NEAR);
        let entry = scene.roster.entry(slot);
        let waits = entry.is_some_and(|entry| entry.reconnecting);
        if !(leads || near || waits || scene.follow == Some(slot) || best.contains(&slot)) {
            continue;
        }
        let foot = middle.plus(Point::new(0.0, -(LIFT * view.scale).max(LIFT_PX)));
        if is_many && !layout.place((foot.x, foot.y), (7.0 * size, 1.3 * size)) {
            continue;
        }
        if let Some(entry) = entry {
            draw_text(context, entry.name.as_str(), foot);
            if waits {
                draw_text(context, "reconnecting", foot.plus(Point::new(0.0, -size - 3.0)));
            }
        }
        if leads {
            draw_crown(context, foot.plus(Point::new(0.0, -size - 4.0)), size * 0.62);
        }
    }
}

/// The players of a crowd that are named.
fn best_of(scene: &Scene) -> Vec<Slot> {
    scoring::ranking(&scene.world.discs).into_iter().take(BEST).map(|disc| disc.slot).collect()
}

fn draw_text(context: &CanvasRenderingContext2d, text: &str, foot: Point) {
    context.set_stroke_style_str(palette::INK.css);
    context.set_line_width(4.0);
    context.set_fill_style_str(palette::TEXT.css);
    context.stroke_text(text, foot.x, foot.y).ok();
    context.fill_text(text, foot.x, foot.y).ok();
}

fn draw_crown(context: &CanvasRenderingContext2d, middle: Point, half: f64) {
    let corners = [
        (-1.0, 0.7),
        (-1.15, -0.6),
        (-0.5, 0.0),
        (0.0, -0.95),
        (0.5, 0.0),
        (1.15, -0.6),
        (1.0, 0.7),
    ];
    context.begin_path();
    for (number, (x, y)) in corners.into_iter().enumerate() {
        let (x, y) = (middle.x + x * half, middle.y + y * half);
        if number == 0 {
            context.move_to(x, y);
        } else {
            context.line_to(x, y);
        }
    }
    context.close_path();
    context.set_stroke_style_str(palette::INK.css);
    context.set_line_width(3.0);
    context.stroke();
    context.set_fill_style_str(palette::CHARGE.css);
    context.fill();
}
