//! The camera: it shows the whole platform, or stays close to one player.

use presentation::camera::{eased_share, is_wide, wide_picture_height};

use super::point::Point;

/// The void that is shown around the platform, in units.
const MARGIN: f64 = 64.0;
/// The zoom on a followed player, relative to the whole platform.
const FOLLOW_ZOOM: f64 = 1.9;
/// With fewer pixels for a unit than this, discs are drawn as dots.
const FAR_SCALE: f64 = 0.22;

/// The camera. It glides to its target, except in the first picture.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Camera {
    seen: Option<View>,
}

/// What the camera shows: the point in the middle of the picture, and the pixels for each unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View {
    pub(crate) middle: Point,
    pub(crate) scale: f64,
}

/// What the camera should show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CameraTarget {
    /// The size of the picture, in CSS pixels.
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The platform's initial radius and its radius now, in units.
    pub(crate) initial_radius: f64,
    pub(crate) radius: f64,
    /// The position of the followed player.
    pub(crate) follow: Option<Point>,
}

impl View {
    /// Whether discs are so small that only their colour can be seen.
    pub(crate) fn is_far(self) -> bool {
        self.scale < FAR_SCALE
    }

    /// Whether something at this point, extending by `reach` units, can be inside a picture of this size.
    pub(crate) fn shows(self, place: Point, reach: f64, (width, height): (f64, f64)) -> bool {
        let way = place.minus(self.middle);
        let half = |size: f64| size / 2.0 / self.scale + reach;
        way.x.abs() < half(width) && way.y.abs() < half(height)
    }
}

impl CameraTarget {
    fn view(self) -> View {
        // The camera follows half of the shrinking, so that shrinking can be seen.
        let radius = f64::midpoint(self.initial_radius, self.radius) + MARGIN;
        let scale = self.width.min(self.height) / (2.0 * radius);
        match self.follow {
            Some(place) if is_wide(self.initial_radius) => {
                let scale = self.height / wide_picture_height(self.width, self.height);
                View { middle: place, scale }
            }
            Some(place) => View { middle: place, scale: scale * FOLLOW_ZOOM },
            // The slab's side needs a little more room below.
            None => View { middle: Point::new(0.0, MARGIN / 6.0), scale },
        }
    }
}

impl Camera {
    /// Moves the camera by the time that passed, and returns what it shows. Without `glides` it is at its target at
    /// once.
    pub(crate) fn update(&mut self, target: CameraTarget, passed_ms: f64, glides: bool) -> View {
        let wanted = target.view();
        let seen = match self.seen {
            Some(seen) if glides => {
                let part = eased_share(passed_ms / 1_000.0);
                View {
                    middle: seen.middle.towards(wanted.middle, part),
                    scale: seen.scale + (wanted.scale - seen.scale) * part,
                }
            }
            Some(_) | None => wanted,
        };
        self.seen = Some(seen);
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::{Camera, CameraTarget, Point};

    #[test]
    fn the_camera_glides_to_a_followed_player() {
        let mut camera = Camera::default();
        let all = CameraTarget {
            width: 800.0,
            height: 600.0,
            initial_radius: 480.0,
            radius: 480.0,
            follow: None,
        };
        let one = CameraTarget { follow: Some(Point::new(200.0, 0.0)), ..all };

        let far = camera.update(all, 16.0, true);
        let on_the_way = camera.update(one, 110.0, true);
        let there = camera.update(one, 5_000.0, true);

        assert!(far.scale < on_the_way.scale && on_the_way.scale < there.scale);
        assert!((on_the_way.middle.x - 100.0).abs() < 1.0, "{on_the_way:?}");
        assert!((there.middle.x - 200.0).abs() < 1.0, "{there:?}");
    }

    #[test]
    fn the_camera_shows_a_crowd_whole_or_as_one_player_sees_it() {
        let (width, height) = (640.0, 360.0);
        let all =
            CameraTarget { width, height, initial_radius: 3_200.0, radius: 3_200.0, follow: None };
        let place = Point::new(2_500.0, -900.0);

        let far = Camera::default().update(all, 16.0, false);
        let near =
            Camera::default().update(CameraTarget { follow: Some(place), ..all }, 16.0, false);

        assert!(far.is_far() && far.shows(Point::new(0.0, 3_200.0), 0.0, (width, height)));
        assert!(!near.is_far() && near.shows(place, 0.0, (width, height)));
        assert!(!near.shows(place.plus(Point::new(730.0, 0.0)), 0.0, (width, height)));
        assert!(near.shows(place.plus(Point::new(730.0, 0.0)), 24.0, (width, height)));
    }
}
