//! Icons drawn as lines in a box of 24 by 24, like the lobby's.

use bevy_egui::egui::{Color32, Painter, Pos2, Shape, Stroke, vec2};
use shared::sim::event::PushKind;

/// The icon of a push. `None`: the disc slipped off the edge.
pub fn push(painter: &Painter, centre: Pos2, size: f32, kind: Option<PushKind>, colour: Color32) {
    let pen = Pen { painter, centre, scale: size / 24.0, colour };
    match kind {
        Some(PushKind::Pulse) => {
            pen.line(&[(2.0, 12.0), (10.0, 12.0)]);
            pen.line(&[(3.0, 7.0), (7.0, 7.0)]);
            pen.line(&[(3.0, 17.0), (7.0, 17.0)]);
            pen.circle((17.0, 12.0), 5.0);
        }
        Some(PushKind::Shove) => {
            pen.line(&[(3.0, 12.0), (18.0, 4.0)]);
            pen.line(&[(3.0, 12.0), (18.0, 20.0)]);
            pen.line(&[(18.0, 4.0), (20.5, 8.0), (21.2, 12.0), (20.5, 16.0), (18.0, 20.0)]);
            pen.line(&[(12.5, 7.2), (14.2, 9.6), (14.6, 12.0), (14.2, 14.4), (12.5, 16.8)]);
        }
        Some(PushKind::Dash) => {
            pen.line(&[(2.0, 7.0), (9.0, 7.0)]);
            pen.line(&[(2.0, 12.0), (7.0, 12.0)]);
            pen.line(&[(2.0, 17.0), (9.0, 17.0)]);
            pen.line(&[(13.0, 5.0), (20.0, 12.0), (13.0, 19.0)]);
        }
        Some(PushKind::Bump) => {
            pen.circle((7.0, 13.0), 4.6);
            pen.circle((17.0, 13.0), 4.6);
            pen.line(&[(12.0, 2.0), (12.0, 6.0)]);
            pen.line(&[(7.5, 3.5), (9.2, 6.6)]);
            pen.line(&[(16.5, 3.5), (14.8, 6.6)]);
        }
        None => {
            pen.line(&[(2.0, 8.0), (12.0, 8.0), (14.5, 11.0)]);
            pen.line(&[(18.0, 6.0), (18.0, 20.0)]);
            pen.line(&[(13.5, 15.5), (18.0, 20.0), (22.5, 15.5)]);
        }
    }
}

struct Pen<'a> {
    painter: &'a Painter,
    centre: Pos2,
    scale: f32,
    colour: Color32,
}

impl Pen<'_> {
    fn at(&self, (x, y): (f32, f32)) -> Pos2 {
        self.centre + vec2(x - 12.0, y - 12.0) * self.scale
    }

    fn stroke(&self) -> Stroke {
        Stroke::new((2.2 * self.scale).max(1.3), self.colour)
    }

    fn line(&self, points: &[(f32, f32)]) {
        let points = points.iter().map(|point| self.at(*point)).collect();
        self.painter.add(Shape::line(points, self.stroke()));
    }

    fn circle(&self, centre: (f32, f32), radius: f32) {
        self.painter.circle_stroke(self.at(centre), radius * self.scale, self.stroke());
    }
}
