//! The discs: hue and mark, direction, strain, protection and the effects of pickups.

use core::f64::consts::{FRAC_PI_2, TAU};

use presentation::palette;
use shared::sim::disc::{self, RESPAWN_TICKS, STRAIN_MAX};
use shared::sim::{Disc, Stance};
use web_sys::CanvasRenderingContext2d;

use super::camera::View;
use super::point::{Point, chance, radians, units, wrapped};
use super::scene::{DrawnDisc, Frame, Scene};
use super::shapes::{fill_circle, ring};
use super::trigonometry::sin;

const RADIUS: f64 = units(disc::RADIUS);
/// How long a fall takes, in ticks: 600 ms.
const FALL_TICKS: f64 = 36.0;
/// Width of the rim that shows the team, in units.
const TEAM_WIDTH: f64 = 6.0;
/// The smallest radius of a dot, in pixels.
const DOT_PX: f64 = 2.0;
/// The speed from which a disc leaves a trail, in units a tick.
const TRAIL_SPEED: f64 = 6.5;

/// Draws every disc on the ice.
pub(super) fn draw_standing(
    context: &CanvasRenderingContext2d,
    discs: &[DrawnDisc],
    scene: &Scene,
    frame: &Frame,
) {
    let standing = || discs.iter().filter(|seen| seen.disc.is_standing());
    for seen in standing() {
        draw_shadow(context, seen);
        draw_trail(context, seen);
    }
    for seen in standing() {
        if scene.follow == Some(seen.disc.slot) {
            draw_light(context, seen.place);
        }
        draw_one(context, seen, scene, frame);
    }
    context.set_global_alpha(1.0);
}

/// Draws every disc on the ice as a dot, for a camera that is far away.
pub(super) fn draw_dots(context: &CanvasRenderingContext2d, discs: &[DrawnDisc], view: View) {
    let pixel = 1.0 / view.scale;
    let radius = RADIUS.max(DOT_PX * pixel);
    for seen in discs.iter().filter(|seen| seen.disc.is_standing()) {
        fill_circle(context, seen.place, radius + 0.8 * pixel, palette::INK.css);
        fill_circle(context, seen.place, radius, palette::hue(seen.disc.slot).body.css);
    }
}

/// Draws the discs that are falling: behind the slab, or in front of it.
pub(super) fn draw_falling(
    context: &CanvasRenderingContext2d,
    discs: &[DrawnDisc],
    scene: &Scene,
    behind: bool,
) {
    for seen in discs.iter().filter(|seen| (seen.place.y < 0.0) == behind) {
        let Stance::Out { ticks_left } = seen.disc.stance else { continue };
        let ahead = f64::from(scene.world.elapsed()) - scene.at;
        let age = (f64::from(RESPAWN_TICKS - ticks_left.min(RESPAWN_TICKS)) - ahead) / FALL_TICKS;
        if !(0.0..1.0).contains(&age) || seen.disc.falls == 0 {
            continue;
        }
        let out = Point::at(seen.place.angle(), RADIUS * 2.4 * age.sqrt());
        let place = seen.place.plus(out).plus(Point::new(0.0, 46.0 * age * age));
        context.set_global_alpha((1.0 - age).sqrt());
        draw_body(context, seen.disc, place, RADIUS * (1.0 - 0.85 * age));
    }
    context.set_global_alpha(1.0);
}

fn draw_shadow(context: &CanvasRenderingContext2d, seen: &DrawnDisc) {
    context.set_global_alpha(0.22);
    fill_circle(context, seen.place.plus(Point::new(2.0, 5.0)), RADIUS + 0.5, palette::SHADOW.css);
}

fn draw_trail(context: &CanvasRenderingContext2d, seen: &DrawnDisc) {
    let speed = seen.speed.length();
    if speed < TRAIL_SPEED {
        return;
    }
    let strength = ((speed - TRAIL_SPEED) / 6.0).min(1.0);
    for ghost in 1..=4 {
        let back = seen.speed.times(-1.5 * f64::from(ghost));
        context.set_global_alpha(0.26 * strength * (1.0 - f64::from(ghost) / 5.0));
        let radius = RADIUS * (1.0 - 0.1 * f64::from(ghost));
        fill_circle(context, seen.place.plus(back), radius, palette::hue(seen.disc.slot).body.css);
    }
}

fn draw_light(context: &CanvasRenderingContext2d, place: Point) {
    context.set_global_alpha(0.35);
    fill_circle(context, place, RADIUS * 1.9, palette::WHITE.css);
    context.set_global_alpha(0.55);
    fill_circle(context, place, RADIUS * 1.45, palette::WHITE.css);
}

fn draw_one(context: &CanvasRenderingContext2d, seen: &DrawnDisc, scene: &Scene, frame: &Frame) {
    let disc = seen.disc;
    context.set_global_alpha(1.0);
    if disc.protection > 0 {
        draw_protection(context, seen.place, disc, frame);
    }
    if disc.overcharge > 0 {
        draw_overcharge(context, seen.place, scene.at, disc);
    }
    let squash = if frame.is_calm { None } else { scene.effects.squash(disc.slot, scene.at) };
    if let Some((angle, amount)) = squash {
        context.save();
        context.translate(seen.place.x, seen.place.y).ok();
        context.rotate(angle).ok();
        context.scale(1.0 - amount, 1.0 + 0.6 * amount).ok();
        context.rotate(-angle).ok();
        context.translate(-seen.place.x, -seen.place.y).ok();
    }
    let has_teams = scene.world.mode.has_teams();
    if has_teams {
        draw_team(context, disc, seen.place);
    }
    draw_body(context, disc, seen.place, RADIUS);
    if scene.follow == Some(disc.slot) {
        ring(context, seen.place, RADIUS - 0.5, palette::WHITE.css, 3.0);
    }
    draw_notch(context, disc, seen.place);
    if disc.heavy > 0 {
        draw_heavy(context, seen.place, disc);
    }
    if squash.is_some() {
        context.restore();
    }
    let radius = RADIUS + if has_teams { TEAM_WIDTH + 5.0 } else { 7.0 };
    draw_strain(context, disc, seen.place, radius + shaken(disc, scene.at, frame.is_calm));
}

fn draw_body(context: &CanvasRenderingContext2d, disc: &Disc, place: Point, radius: f64) {
    fill_circle(context, place, radius, palette::INK.css);
    fill_circle(context, place, radius * 0.94, palette::hue(disc.slot).shade.css);
    let raised = place.plus(Point::new(0.0, -radius * 0.07));
    fill_circle(context, raised, radius * 0.86, palette::hue(disc.slot).body.css);
    if palette::has_ring(disc.slot) {
        fill_circle(context, raised, radius * 0.56, palette::INK.css);
        fill_circle(context, raised, radius * 0.5, palette::ICE_EDGE.css);
    }
}

/// Draws the notch that points where the disc aims.
fn draw_notch(context: &CanvasRenderingContext2d, disc: &Disc, place: Point) {
    let aim = radians(disc.input.aim);
    let corner = |turn: f64, reach: f64| place.plus(Point::at(aim + turn, RADIUS * reach));
    let (tip, left, right) = (corner(0.0, 1.22), corner(0.42, 0.76), corner(-0.42, 0.76));
    context.begin_path();
    context.move_to(tip.x, tip.y);
    context.line_to(left.x, left.y);
    context.line_to(right.x, right.y);
    context.close_path();
    context.set_fill_style_str(palette::WHITE.css);
    context.fill();
    context.set_stroke_style_str(palette::INK.css);
    context.set_line_width(1.6);
    context.stroke();
}

/// Draws the sign of a team: a rim that differs in colour and pattern, and a light on the ice.
fn draw_team(context: &CanvasRenderingContext2d, disc: &Disc, place: Point) {
    let colour = palette::team(disc.team).css;
    context.set_global_alpha(0.3);
    fill_circle(context, place, RADIUS * 1.75, colour);
    context.set_global_alpha(1.0);
    fill_circle(context, place, RADIUS + TEAM_WIDTH + 1.0, palette::INK.css);
    let middle = RADIUS + TEAM_WIDTH / 2.0;
    if disc.team == 0 {
        return ring(context, place, middle, colour, TEAM_WIDTH);
    }
    ring(context, place, middle, palette::WHITE.css, TEAM_WIDTH);
    context.set_line_dash(&js_sys::Array::of2(&11.0.into(), &7.0.into())).ok();
    ring(context, place, middle, colour, TEAM_WIDTH);
    context.set_line_dash(&js_sys::Array::new()).ok();
}

/// Draws the strain as an arc, clockwise from the top: the more strain, the warmer the colour.
fn draw_strain(context: &CanvasRenderingContext2d, disc: &Disc, place: Point, radius: f64) {
    let part = strain_part(disc);
    if part <= 0.01 {
        return;
    }
    let arc = |from: f64, to: f64, colour: &str, width: f64| {
        context.begin_path();
        context.arc(place.x, place.y, radius, from, to).ok();
        context.set_stroke_style_str(colour);
        context.set_line_width(width);
        context.stroke();
    };
    context.set_line_cap("round");
    arc(-FRAC_PI_2, -FRAC_PI_2 + TAU * part, palette::INK.css, 6.4);
    arc(-FRAC_PI_2, -FRAC_PI_2 + TAU * part, palette::strain(part).css, 4.0);
    context.set_line_cap("butt");
}

/// The strain as a share of the largest, from 0 to 1.
fn strain_part(disc: &Disc) -> f64 {
    f64::from(disc.strain) / f64::from(STRAIN_MAX)
}

/// How far a nearly full arc trembles at this moment, in units.
fn shaken(disc: &Disc, at: f64, is_calm: bool) -> f64 {
    if is_calm || strain_part(disc) <= 0.9 {
        return 0.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a playhead is within a round")]
    #[expect(clippy::cast_sign_loss, reason = "a playhead is never before the round")]
    let moment = (at * 0.5) as u32;
    (chance(moment) - 0.5) * 3.0
}

fn draw_protection(context: &CanvasRenderingContext2d, place: Point, disc: &Disc, frame: &Frame) {
    let breath = if frame.is_calm { 0.0 } else { sin(frame.now_ms / 130.0) * 1.6 };
    let leaving = f64::from(disc.protection.min(20)) / 20.0;
    context.set_global_alpha(0.30 * leaving);
    fill_circle(context, place, RADIUS + 13.0 + breath, palette::GOOD.css);
    context.set_global_alpha(0.95 * leaving);
    ring(context, place, RADIUS + 12.0 + breath, palette::GOOD.css, 2.5);
    context.set_global_alpha(1.0);
}

/// Draws Overcharge: a turning crown of eight rays.
fn draw_overcharge(context: &CanvasRenderingContext2d, place: Point, at: f64, disc: &Disc) {
    if blinks_out(disc.overcharge, at) {
        return;
    }
    context.begin_path();
    for ray in 0..8 {
        let angle = f64::from(ray) * TAU / 8.0 + at * 0.05;
        let (from, to) = (Point::at(angle, RADIUS), Point::at(angle + 0.12, RADIUS + 13.0));
        context.move_to(place.x + from.x, place.y + from.y);
        context.line_to(place.x + to.x, place.y + to.y);
    }
    context.set_line_cap("round");
    context.set_stroke_style_str(palette::INK.css);
    context.set_line_width(5.6);
    context.stroke();
    context.set_stroke_style_str(palette::CHARGE.css);
    context.set_line_width(3.4);
    context.stroke();
    context.set_line_cap("butt");
}

/// Draws Heavy: a thick inner rim with four bolts.
fn draw_heavy(context: &CanvasRenderingContext2d, place: Point, disc: &Disc) {
    ring(context, place, RADIUS * 0.86, palette::INK.css, 5.0);
    let left = f64::from(disc.heavy) / f64::from(disc::EFFECT_TICKS);
    context.set_stroke_style_str(palette::pickup(shared::sim::PickupKind::Heavy).css);
    context.set_line_width(3.0);
    context.begin_path();
    context.arc(place.x, place.y, RADIUS * 0.86, -FRAC_PI_2, -FRAC_PI_2 + TAU * left).ok();
    context.stroke();
    for bolt in 0..4 {
        let at = Point::at((f64::from(bolt) + 0.5) * TAU / 4.0, RADIUS * 0.86);
        fill_circle(context, place.plus(at), 2.6, palette::ICE_EDGE.css);
    }
}

/// Whether an effect is invisible at this moment, because it blinks in its last second.
fn blinks_out(ticks_left: u16, at: f64) -> bool {
    ticks_left < 60 && wrapped(at / 6.0, 2.0) < 1.0
}
