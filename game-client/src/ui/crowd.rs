//! The heads-up display of a crowd: the own score, the leader, the best players in sight, and a map of the wide ice.

use bevy_egui::egui::{
    Align2, Color32, Context, CornerRadius, LayerId, Order, Painter, Pos2, Rect, Stroke,
    StrokeKind, pos2, vec2,
};
use presentation::words;
use shared::sim::Slot;
use shared::snapshot::Roster;

use super::text::{LINE_OWN, elided, outlined};
use super::theme::{self, CHARGE, LINE, MUTED, PANEL, TEXT, WARM};
use super::{narrow, player_dot};
use crate::frame::RenderState;
use crate::scene::{View, palette};
use crate::settings::PaletteChoice;
use crate::world_to_scene::{SceneDisc, SceneWorld};

/// The width of the panel at the left, in points.
const WIDTH: f32 = 208.0;
/// The lines for players in sight.
const NEAR: usize = 4;
/// The radius of the map, in points.
const MAP_RADIUS: f32 = 58.0;
/// From the centre of the map to the edges of the window.
const MAP_CORNER: f32 = 16.0 + MAP_RADIUS + 6.0;
/// The map is raised above the line about the link.
const MAP_RAISED: f32 = 34.0;
/// The rim of the map glows when the edge is nearer than this, in units.
const DANGER_UNITS: f32 = 500.0;

/// The ice on the map.
const ICE: Color32 = Color32::from_rgb(104, 134, 166);
/// The part of the ice that has broken off.
const GONE: Color32 = Color32::from_rgb(16, 24, 44);

/// The best discs in sight, best first, without the own one and the leader, which have lines of their own.
fn near(scene: &SceneWorld, own: Option<Slot>, most: usize) -> Vec<&SceneDisc> {
    let is_other = |disc: &&SceneDisc| {
        let slot = Some(disc.slot);
        slot != own && slot != scene.leader
    };
    scene.ranking().into_iter().filter(is_other).take(most).collect()
}

/// The panel at the upper left.
pub fn places(
    context: &Context,
    scene: &SceneWorld,
    roster: &Roster,
    own: Option<Slot>,
    colours: PaletteChoice,
) {
    let painter = context.layer_painter(LayerId::new(Order::Background, "crowd".into()));
    let near = near(scene, own, NEAR);
    let leader = scene.leader.filter(|leader| Some(*leader) != own);
    let lines = Lines { painter, left: context.content_rect().left() + 16.0, colours, roster };
    let mut top = context.content_rect().top() + narrow::below_time(context);
    if let Some(disc) = own.and_then(|slot| scene.disc(slot)) {
        top = lines.own(top, disc, scene.leader == own);
    }
    let titled = near.len().min(1);
    let height = 28.0 * near.len() as f32 + 24.0 * titled as f32;
    let height = height + if leader.is_some() { 34.0 } else { 0.0 };
    if height > 0.0 {
        lines.panel(top, height + 6.0, LINE);
        top += 3.0;
    }
    if let Some(leader) = leader {
        let points = scene.disc(leader).map(|disc| disc.points);
        let at = top + 17.0;
        lines.line(at, leader, points, Some(CHARGE));
        top += 34.0;
    }
    if titled > 0 {
        let at = pos2(lines.left + 14.0, top + 12.0);
        lines.painter.text(at, Align2::LEFT_CENTER, "Near you", theme::font(12.0), MUTED);
        top += 24.0;
    }
    for disc in near {
        lines.line(top + 14.0, disc.slot, Some(disc.points), None);
        top += 28.0;
    }
}

/// What all lines are drawn with.
struct Lines<'a> {
    painter: Painter,
    left: f32,
    colours: PaletteChoice,
    roster: &'a Roster,
}

impl Lines<'_> {
    fn panel(&self, top: f32, height: f32, line: Color32) {
        let rect = Rect::from_min_size(pos2(self.left, top), vec2(WIDTH, height));
        let edge = Stroke::new(1.0, line);
        self.painter.rect(rect, CornerRadius::same(8), PANEL, edge, StrokeKind::Inside);
    }

    /// The name, points and falls of the own disc. Returns the top of the next panel.
    fn own(&self, top: f32, disc: &SceneDisc, leads: bool) -> f32 {
        self.panel(top, 50.0, LINE_OWN);
        let (upper, lower) = (top + 17.0, top + 36.0);
        player_dot::dot(
            &self.painter,
            pos2(self.left + 21.0, upper),
            6.0,
            disc.slot,
            self.colours,
            1.0,
        );
        let font = theme::bold(14.0);
        let name = elided(&self.painter, self.roster.name(disc.slot), &font, 120.0);
        let at = pos2(self.left + 36.0, upper);
        self.painter.text(at, Align2::LEFT_CENTER, name, font, TEXT);
        let right = self.left + WIDTH - 12.0;
        let points = words::signed(disc.points);
        let ink = if leads { CHARGE } else { TEXT };
        self.painter.text(pos2(right, upper), Align2::RIGHT_CENTER, points, theme::bold(20.0), ink);
        let falls = counted(disc.falls, "fall", "falls");
        let knockouts = counted(disc.knockouts, "knock-out", "knock-outs");
        let text = if leads { "In front".to_owned() } else { format!("{knockouts} · {falls}") };
        let at = pos2(self.left + 36.0, lower);
        self.painter.text(at, Align2::LEFT_CENTER, text, theme::font(12.0), MUTED);
        top + 54.0
    }

    /// The line of another player. The leader has a crown.
    fn line(&self, middle: f32, slot: Slot, points: Option<i16>, crown: Option<Color32>) {
        player_dot::dot(
            &self.painter,
            pos2(self.left + 21.0, middle),
            5.0,
            slot,
            self.colours,
            1.0,
        );
        let font = theme::font(14.0);
        let width = if crown.is_some() { 96.0 } else { 120.0 };
        let name = elided(&self.painter, self.roster.name(slot), &font, width);
        let at = pos2(self.left + 36.0, middle);
        let end = self.painter.text(at, Align2::LEFT_CENTER, name, font, TEXT);
        if let Some(colour) = crown {
            let at = pos2(end.right() + 8.0, middle);
            self.painter.text(at, Align2::LEFT_CENTER, "leads", theme::font(12.0), colour);
        }
        if let Some(points) = points {
            let text = words::signed(points);
            let at = pos2(self.left + WIDTH - 12.0, middle);
            self.painter.text(at, Align2::RIGHT_CENTER, text, theme::bold(14.0), TEXT);
        }
    }
}

fn counted(count: u16, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A map of the platform with the own disc, the discs in sight and the part that the picture shows. `lifted` raises it above
/// what lies below, in points.
pub fn map(
    context: &Context,
    render: &RenderState,
    view: &View,
    colours: PaletteChoice,
    lifted: f32,
) {
    let Some(scene) = &render.scene else { return };
    let painter = context.layer_painter(LayerId::new(Order::Background, "map".into()));
    let corner = context.content_rect().right_bottom();
    let raised = MAP_RAISED + lifted + narrow::raised(context);
    let centre = corner - vec2(MAP_CORNER, MAP_CORNER + raised);
    let scale = MAP_RADIUS / scene.radius_whole.max(1.0);
    let at = |place: bevy::math::Vec2| centre + vec2(place.x, -place.y) * scale;
    let own = render.own.and_then(|slot| scene.disc(slot));
    let inside = own.map(|own| scene.radius - own.position.length());
    let near_edge = inside.is_some_and(|inside| inside < DANGER_UNITS);

    painter.circle(centre, MAP_RADIUS + 7.0, PANEL, Stroke::new(1.0, LINE));
    painter.circle_filled(centre, MAP_RADIUS, GONE);
    let rim = if near_edge { Stroke::new(2.0, WARM) } else { Stroke::new(1.0, TEXT) };
    painter.circle(centre, scene.radius * scale, ICE, rim);
    painter.circle_filled(centre, 1.5, Color32::from_black_alpha(110));
    let half = view.half();
    let seen = Rect::from_two_pos(at(view.centre - half), at(view.centre + half));
    let edge = Stroke::new(1.0, Color32::from_white_alpha(150));
    painter.rect_stroke(seen, CornerRadius::same(2), edge, StrokeKind::Outside);
    for disc in scene.discs.iter().filter(|disc| disc.standing && Some(disc.slot) != render.own) {
        let colour = theme::colour(palette::hue(disc.slot, colours).0);
        let leads = scene.leader == Some(disc.slot);
        painter.circle_filled(at(disc.position), 1.6, if leads { CHARGE } else { colour });
    }
    if let Some(own) = own {
        me(&painter, at(own.position), theme::colour(palette::hue(own.slot, colours).0));
    }
    let seats = render.roster.entries.len();
    let text = format!("{seats} on the ice");
    let below = centre + vec2(0.0, -MAP_RADIUS - 19.0);
    outlined(&painter, below, &text, 12.0, TEXT);
}

fn me(painter: &Painter, at: Pos2, colour: Color32) {
    painter.circle_filled(at, 5.5, Color32::from_black_alpha(160));
    painter.circle_filled(at, 4.5, Color32::WHITE);
    painter.circle_filled(at, 2.8, colour);
}

#[cfg(test)]
mod tests {
    use shared::sim::{Command, Mode, Slot, World};

    use super::near;
    use crate::world_to_scene::SceneWorld;

    #[test]
    fn the_best_in_sight_are_listed_without_the_own_disc_and_the_leader() {
        let mut world = World::new(Mode::Crowd, 0, 3_600);
        for (slot, points) in [(9, 4), (200, 7), (1_000, -1), (5, 2)] {
            world.step(&[Command::Join { slot: Slot(slot), team: 0 }]);
            world.discs.iter_mut().filter(|disc| disc.slot == Slot(slot)).for_each(|disc| {
                disc.points = points;
            });
        }
        world.leader = Some(Slot(200));
        let scene = SceneWorld::interpolate(&world, &world, 1.0);

        let best: Vec<_> =
            near(&scene, Some(Slot(9)), 2).into_iter().map(|disc| disc.slot.0).collect();

        assert_eq!(best, [5, 1_000]);
    }
}
