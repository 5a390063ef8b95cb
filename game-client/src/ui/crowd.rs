//! What stands on the picture in a crowd: the own score, who is in front, who is the best of those in sight, and where on
//! the wide ice one is.

use bevy_egui::egui::{
    Align2, Color32, Context, CornerRadius, LayerId, Order, Painter, Pos2, Rect, Stroke,
    StrokeKind, pos2, vec2,
};
use presentation::words;
use shared::sim::Slot;
use shared::snapshot::Roster;

use super::theme::{self, CHARGE, LINE, MUTED, PANEL, TEXT, WARM};
use super::{hud, seat};
use crate::scene::{Stage, View, palette};
use crate::settings::PaletteChoice;
use crate::space::{Drawn, DrawnDisc};

/// Width of the panel at the left.
const WIDTH: f32 = 208.0;
/// Lines of those in sight.
const NEAR: usize = 4;
/// Radius of the map, and from its middle to the corner of the window.
const MAP_RADIUS: f32 = 58.0;
const MAP_CORNER: f32 = 16.0 + MAP_RADIUS + 6.0;
/// The map is raised over the line about the link.
const MAP_RAISED: f32 = 34.0;
/// The rim of the map glows when the edge is nearer than this, in units.
const DANGER_UNITS: f32 = 500.0;

/// The ice on the map, and what lies around it.
const ICE: Color32 = Color32::from_rgb(104, 134, 166);
const GONE: Color32 = Color32::from_rgb(16, 24, 44);

/// The best of those in sight, best first, but for the own disc and for who leads: they have lines of their own.
fn near(drawn: &Drawn, own: Option<Slot>, most: usize) -> Vec<&DrawnDisc> {
    let is_other = |disc: &&DrawnDisc| {
        let slot = Some(disc.slot);
        slot != own && slot != drawn.leader
    };
    drawn.ranking().into_iter().filter(is_other).take(most).collect()
}

/// The panel at the upper left.
pub fn places(
    context: &Context,
    drawn: &Drawn,
    roster: &Roster,
    own: Option<Slot>,
    colours: PaletteChoice,
) {
    let painter = context.layer_painter(LayerId::new(Order::Background, "crowd".into()));
    let near = near(drawn, own, NEAR);
    let leader = drawn.leader.filter(|leader| Some(*leader) != own);
    let lines = Lines { painter, left: context.content_rect().left() + 16.0, colours, roster };
    let mut top = context.content_rect().top() + 16.0;
    if let Some(disc) = own.and_then(|slot| drawn.disc(slot)) {
        top = lines.own(top, disc, drawn.leader == own);
    }
    let titled = near.len().min(1);
    let height = 28.0 * near.len() as f32 + 24.0 * titled as f32;
    let height = height + if leader.is_some() { 34.0 } else { 0.0 };
    if height > 0.0 {
        lines.panel(top, height + 6.0, LINE);
        top += 3.0;
    }
    if let Some(leader) = leader {
        let points = drawn.disc(leader).map(|disc| disc.points);
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

/// What all lines share.
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

    /// Name, points and falls of the own disc. Returns where the next panel begins.
    fn own(&self, top: f32, disc: &DrawnDisc, leads: bool) -> f32 {
        self.panel(top, 50.0, hud::LINE_OWN);
        let (upper, lower) = (top + 17.0, top + 36.0);
        seat::dot(&self.painter, pos2(self.left + 21.0, upper), 6.0, disc.slot, self.colours, 1.0);
        let font = theme::bold(14.0);
        let name = hud::elided(&self.painter, self.roster.name(disc.slot), &font, 120.0);
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

    /// One of the others; who is in front of all with a crown.
    fn line(&self, middle: f32, slot: Slot, points: Option<i16>, crown: Option<Color32>) {
        seat::dot(&self.painter, pos2(self.left + 21.0, middle), 5.0, slot, self.colours, 1.0);
        let font = theme::font(14.0);
        let width = if crown.is_some() { 96.0 } else { 120.0 };
        let name = hud::elided(&self.painter, self.roster.name(slot), &font, width);
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

/// The ice from above, with the own place, what the picture shows, and who is in sight. `lifted`: by so much, for what
/// lies below it.
pub fn map(context: &Context, stage: &Stage, view: &View, colours: PaletteChoice, lifted: f32) {
    let Some(drawn) = &stage.drawn else { return };
    let painter = context.layer_painter(LayerId::new(Order::Background, "map".into()));
    let corner = context.content_rect().right_bottom();
    let centre = corner - vec2(MAP_CORNER, MAP_CORNER + MAP_RAISED + lifted);
    let scale = MAP_RADIUS / drawn.radius_whole.max(1.0);
    let at = |place: bevy::math::Vec2| centre + vec2(place.x, -place.y) * scale;
    let own = stage.own.and_then(|slot| drawn.disc(slot));
    let inside = own.map(|own| drawn.radius - own.position.length());
    let near_edge = inside.is_some_and(|inside| inside < DANGER_UNITS);

    painter.circle(centre, MAP_RADIUS + 7.0, PANEL, Stroke::new(1.0, LINE));
    painter.circle_filled(centre, MAP_RADIUS, GONE);
    let rim = if near_edge { Stroke::new(2.0, WARM) } else { Stroke::new(1.0, TEXT) };
    painter.circle(centre, drawn.radius * scale, ICE, rim);
    painter.circle_filled(centre, 1.5, Color32::from_black_alpha(110));
    let half = view.half();
    let seen = Rect::from_two_pos(at(view.centre - half), at(view.centre + half));
    let edge = Stroke::new(1.0, Color32::from_white_alpha(150));
    painter.rect_stroke(seen, CornerRadius::same(2), edge, StrokeKind::Outside);
    for disc in drawn.discs.iter().filter(|disc| disc.standing && Some(disc.slot) != stage.own) {
        let colour = theme::colour(palette::hue(disc.slot, colours).0);
        let leads = drawn.leader == Some(disc.slot);
        painter.circle_filled(at(disc.position), 1.6, if leads { CHARGE } else { colour });
    }
    if let Some(own) = own {
        me(&painter, at(own.position), theme::colour(palette::hue(own.slot, colours).0));
    }
    let seats = stage.roster.entries.len();
    let text = format!("{seats} on the ice");
    let below = centre + vec2(0.0, -MAP_RADIUS - 19.0);
    hud::outlined(&painter, below, &text, 12.0, TEXT);
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
    use crate::prediction::Offsets;
    use crate::space::Drawn;

    #[test]
    fn the_best_in_sight_are_named_but_for_oneself_and_who_leads() {
        let mut world = World::new(Mode::Crowd, 0, 3_600);
        for (slot, points) in [(9, 4), (200, 7), (1_000, -1), (5, 2)] {
            world.step(&[Command::Join { slot: Slot(slot), team: 0 }]);
            world.discs.iter_mut().filter(|disc| disc.slot == Slot(slot)).for_each(|disc| {
                disc.points = points;
            });
        }
        world.leader = Some(Slot(200));
        let drawn = Drawn::between(&world, &world, 1.0, &Offsets::default());

        let best: Vec<_> =
            near(&drawn, Some(Slot(9)), 2).into_iter().map(|disc| disc.slot.0).collect();

        assert_eq!(best, [5, 1_000]);
    }
}
