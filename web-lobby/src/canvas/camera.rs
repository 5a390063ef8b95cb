//! Where the eye is: all of the platform, or close to one player.

use presentation::camera::{eased_share, is_wide, wide_picture_height};

use super::place::Place;

/// Units of void that stay in sight around the platform.
const MARGIN: f64 = 64.0;
/// How much closer the eye is to a player that it follows.
const FOLLOW_ZOOM: f64 = 1.9;
/// With fewer pixels for a unit than this, a disc is a dot.
const FAR_SCALE: f64 = 0.22;

/// The eye. It glides, unless the picture is the first one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Camera {
    seen: Option<View>,
}

/// What the eye sees: this place in the middle of the picture, so many pixels for a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View {
    pub(crate) middle: Place,
    pub(crate) scale: f64,
}

/// What the eye should see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Aim {
    /// The picture, in CSS pixels.
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The platform at its widest, and now, in units.
    pub(crate) radius_whole: f64,
    pub(crate) radius: f64,
    /// Where the followed player is.
    pub(crate) follow: Option<Place>,
}

impl View {
    /// Whether discs are so small that nothing but their colour can be seen.
    pub(crate) fn is_far(self) -> bool {
        self.scale < FAR_SCALE
    }

    /// Whether something at a place, of some reach, can be in a picture of this size.
    pub(crate) fn shows(self, place: Place, reach: f64, (width, height): (f64, f64)) -> bool {
        let way = place.minus(self.middle);
        let half = |size: f64| size / 2.0 / self.scale + reach;
        way.x.abs() < half(width) && way.y.abs() < half(height)
    }
}

impl Aim {
    fn view(self) -> View {
        // Comes half of the way along as the platform shrinks, so that shrinking still shows.
        let radius = f64::midpoint(self.radius_whole, self.radius) + MARGIN;
        let scale = self.width.min(self.height) / (2.0 * radius);
        match self.follow {
            Some(place) if is_wide(self.radius_whole) => {
                let scale = self.height / wide_picture_height(self.width, self.height);
                View { middle: place, scale }
            }
            Some(place) => View { middle: place, scale: scale * FOLLOW_ZOOM },
            // The slab's side needs a little more room below.
            None => View { middle: Place::new(0.0, MARGIN / 6.0), scale },
        }
    }
}

impl Camera {
    /// Moves the eye on by some time and tells what it sees. Without a glide it is there at once.
    pub(crate) fn look(&mut self, aim: Aim, passed_ms: f64, glides: bool) -> View {
        let target = aim.view();
        let seen = match self.seen {
            Some(seen) if glides => {
                let part = eased_share(passed_ms / 1_000.0);
                View {
                    middle: seen.middle.towards(target.middle, part),
                    scale: seen.scale + (target.scale - seen.scale) * part,
                }
            }
            Some(_) | None => target,
        };
        self.seen = Some(seen);
        seen
    }

    /// The next picture is the first one again.
    pub(crate) fn cut(&mut self) {
        self.seen = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{Aim, Camera, Place};

    #[test]
    fn the_eye_glides_to_a_followed_player() {
        let mut camera = Camera::default();
        let all =
            Aim { width: 800.0, height: 600.0, radius_whole: 480.0, radius: 480.0, follow: None };
        let one = Aim { follow: Some(Place::new(200.0, 0.0)), ..all };

        let far = camera.look(all, 16.0, true);
        let on_the_way = camera.look(one, 110.0, true);
        let there = camera.look(one, 5_000.0, true);

        assert!(far.scale < on_the_way.scale && on_the_way.scale < there.scale);
        assert!((on_the_way.middle.x - 100.0).abs() < 1.0, "{on_the_way:?}");
        assert!((there.middle.x - 200.0).abs() < 1.0, "{there:?}");
    }

    #[test]
    fn of_a_crowd_the_eye_sees_all_or_what_one_player_sees() {
        let (width, height) = (640.0, 360.0);
        let all = Aim { width, height, radius_whole: 3_200.0, radius: 3_200.0, follow: None };
        let place = Place::new(2_500.0, -900.0);

        let far = Camera::default().look(all, 16.0, false);
        let near = Camera::default().look(Aim { follow: Some(place), ..all }, 16.0, false);

        assert!(far.is_far() && far.shows(Place::new(0.0, 3_200.0), 0.0, (width, height)));
        assert!(!near.is_far() && near.shows(place, 0.0, (width, height)));
        assert!(!near.shows(place.plus(Place::new(730.0, 0.0)), 0.0, (width, height)));
        assert!(near.shows(place.plus(Place::new(730.0, 0.0)), 24.0, (width, height)));
    }
}
