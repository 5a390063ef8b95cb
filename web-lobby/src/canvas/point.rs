//! Points in units of the world, in floats, which the simulation never uses.

use shared::sim::fixed::SUBUNITS;
use shared::sim::{Angle, Vec2};

use super::trigonometry::{atan2, cos, sin};

/// A position or a distance in units. Y points down.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Point {
    pub(crate) const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Converts from the world's sub-units.
    pub(crate) fn from_world(vector: Vec2) -> Self {
        Self::new(units(vector.x), units(vector.y))
    }

    /// The point at this distance from the centre, in a direction in radians.
    pub(crate) fn at(angle: f64, distance: f64) -> Self {
        Self::new(cos(angle) * distance, sin(angle) * distance)
    }

    pub(crate) fn plus(self, way: Self) -> Self {
        Self::new(self.x + way.x, self.y + way.y)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }

    pub(crate) fn length(self) -> f64 {
        (self.x * self.x + self.y * self.y).sqrt()
    }

    /// The direction, in radians.
    pub(crate) fn angle(self) -> f64 {
        atan2(self.y, self.x)
    }

    /// The point between this one (`part` 0) and the other (`part` 1).
    pub(crate) fn towards(self, other: Self, part: f64) -> Self {
        self.plus(other.minus(self).times(part))
    }
}

/// The value within `0..span` that differs from this one by whole spans.
pub(super) fn wrapped(value: f64, span: f64) -> f64 {
    value - (value / span).floor() * span
}

/// Converts sub-units to units.
pub(crate) const fn units(subunits: i32) -> f64 {
    subunits as f64 / SUBUNITS as f64
}

/// Converts a direction to radians.
pub(crate) fn radians(angle: Angle) -> f64 {
    f64::from(angle.steps()) * core::f64::consts::TAU / f64::from(Angle::TURN)
}

/// A pseudo-random number from 0 to 1 that depends only on its seed.
pub(crate) fn chance(number: u32) -> f64 {
    let mut bits = number.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2c1b_3c6d);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297a_2d39);
    f64::from(bits ^ (bits >> 15)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Point, chance, radians};
    use shared::sim::{Angle, Vec2};

    #[test]
    fn a_point_is_in_units() {
        assert_eq!(Point::from_world(Vec2::new(64, -128)), Point::new(1.0, -2.0));
        assert!((radians(Angle::from_steps(256)) - core::f64::consts::FRAC_PI_2).abs() < 1e-9);
    }

    #[test]
    fn pseudo_random_numbers_are_uniform() {
        let mean = (0..1_000).map(chance).sum::<f64>() / 1_000.0;

        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
