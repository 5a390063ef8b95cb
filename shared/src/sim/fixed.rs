//! Fixed-point numbers: lengths in sub-units, directions in 1,024ths of a turn.
//!
//! One unit is 64 sub-units. Each length in a world is a whole number of sub-units, so the wire carries it without loss.

use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Sub-units in a unit of length.
pub const SUBUNITS: i32 = 64;
/// The value 1.0 in fractions such as sines.
pub const ONE: i32 = 1 << 14;

/// Whole units as sub-units.
#[must_use]
pub const fn units(count: i32) -> i32 {
    count * SUBUNITS
}

/// A position in sub-units, or a velocity in sub-units a tick. Y points down the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Vec2 {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

impl Vec2 {
    /// The zero vector.
    pub const ZERO: Self = Self { x: 0, y: 0 };

    /// A vector from its coordinates.
    #[must_use]
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// The square of the length. Wide, so it cannot overflow.
    #[must_use]
    pub const fn length_squared(self) -> i64 {
        self.x as i64 * self.x as i64 + self.y as i64 * self.y as i64
    }

    /// The length, rounded down.
    #[must_use]
    pub fn length(self) -> i32 {
        let length = self.length_squared().cast_unsigned().isqrt();
        i32::try_from(length).unwrap_or(i32::MAX)
    }

    /// The dot product.
    #[must_use]
    pub const fn dot(self, other: Self) -> i64 {
        self.x as i64 * other.x as i64 + self.y as i64 * other.y as i64
    }

    /// The cross product: positive when `other` lies clockwise on the screen.
    #[must_use]
    pub const fn cross(self, other: Self) -> i64 {
        self.x as i64 * other.y as i64 - self.y as i64 * other.x as i64
    }

    /// The vector times `numerator / denominator`, rounded towards zero.
    #[must_use]
    pub fn scale(self, numerator: i32, denominator: i32) -> Self {
        let part =
            |value: i32| narrow(i64::from(value) * i64::from(numerator) / i64::from(denominator));
        Self::new(part(self.x), part(self.y))
    }

    /// The vector, shortened to the length `max` if it is longer.
    #[must_use]
    pub fn clamp_length(self, max: i32) -> Self {
        let length = self.length();
        if length <= max { self } else { self.scale(max, length) }
    }

    /// The same direction with another length. A zero vector points to the right.
    #[must_use]
    pub fn with_length(self, length: i32) -> Self {
        let now = self.length();
        if now == 0 { Self::new(length, 0) } else { self.scale(length, now) }
    }
}

/// Narrows an intermediate result, which fits by the bounds of the world; saturates otherwise.
pub(crate) fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

impl Add for Vec2 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x.saturating_add(other.x), self.y.saturating_add(other.y))
    }
}

impl Sub for Vec2 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.x.saturating_sub(other.x), self.y.saturating_sub(other.y))
    }
}

impl AddAssign for Vec2 {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Vec2 {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Vec2 {
    type Output = Self;

    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

/// A direction in 1,024ths of a turn, clockwise on the screen from the right.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Angle(u16);

impl Angle {
    /// Steps in a whole turn.
    pub const TURN: u16 = 1024;
    /// Bits of an angle on the wire.
    pub const BITS: u32 = Self::TURN.trailing_zeros();

    /// An angle from any number of steps, modulo a turn.
    #[must_use]
    pub const fn from_steps(steps: u16) -> Self {
        Self(steps % Self::TURN)
    }

    /// Steps from the right, less than [`Angle::TURN`].
    #[must_use]
    pub const fn steps(self) -> u16 {
        self.0
    }

    /// Whether it is in range. An angle from the wire may not be.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 < Self::TURN
    }

    /// The angle turned clockwise by `steps`.
    #[must_use]
    pub const fn turned(self, steps: i16) -> Self {
        Self::from_steps(
            self.0.wrapping_add(steps.rem_euclid(Self::TURN.cast_signed()).cast_unsigned()),
        )
    }

    /// The shortest turn from `other` to this angle, in steps from −512 to 511.
    #[must_use]
    pub const fn since(self, other: Self) -> i16 {
        let half = Self::TURN / 2;
        let turn = (self.0 + Self::TURN + half - other.0) % Self::TURN;
        turn.cast_signed() - half.cast_signed()
    }

    /// The vector of this direction and a length.
    #[must_use]
    pub fn vector(self, length: i32) -> Vec2 {
        let quarter = Self::TURN / 4;
        Vec2::new(sine(self.0 + quarter), sine(self.0)).scale(length, ONE)
    }

    /// The direction of a vector, within one step. A zero vector points to the right.
    #[must_use]
    pub fn of(vector: Vec2) -> Self {
        // Binary search, within half a turn, for the last direction that is not clockwise of the vector.
        if vector == Vec2::ZERO {
            return Self(0);
        }
        let half = Self::TURN / 2;
        let lower = vector.y < 0 || (vector.y == 0 && vector.x < 0);
        let facing = if lower { -vector } else { vector };
        let (mut low, mut high) = (0, half);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if Self(middle).vector(ONE).cross(facing) >= 0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self::from_steps(if lower { low + half } else { low })
    }
}

/// The sine of an angle in steps, as a fraction of [`ONE`].
const fn sine(steps: u16) -> i32 {
    const QUARTER: u16 = Angle::TURN / 4;
    let steps = steps % Angle::TURN;
    let within = steps % QUARTER;
    let value = match steps / QUARTER {
        0 | 2 => QUARTER_SINE[within as usize],
        _ => QUARTER_SINE[(QUARTER - within) as usize],
    };
    if steps < 2 * QUARTER { value } else { -value }
}

/// The first quarter of the sine, computed at compile time in integers from the polynomial
/// z·(π/2 − z²·((2π−5)/2 − z²·(π−3)/2)). The error is below 1/3,000.
const QUARTER_SINE: [i32; 257] = {
    const A: i64 = 25_736; // π/2 · 2¹⁴
    const B: i64 = 10_512; // (π − 5/2) · 2¹⁴
    const C: i64 = 1_160; // (π − 3)/2 · 2¹⁴
    let mut table = [0; 257];
    let mut step: i64 = 0;
    while step <= 256 {
        let z = step << 6;
        let square = (z * z) >> 14;
        let inner = B - ((square * C) >> 14);
        let value = (z * (A - ((square * inner) >> 14))) >> 14;
        #[allow(clippy::cast_possible_truncation, reason = "a sine is at most one")]
        {
            table[step as usize] = value as i32;
        }
        step += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::{Angle, ONE, QUARTER_SINE, Vec2};

    #[test]
    fn the_sine_is_close() {
        assert_eq!(QUARTER_SINE[0], 0);
        assert!((QUARTER_SINE[256] - ONE).abs() <= 1, "{}", QUARTER_SINE[256]);
        assert!((QUARTER_SINE[128] - 11_585).abs() <= 5, "{}", QUARTER_SINE[128]);
    }

    #[test]
    fn an_angle_is_found_again_from_its_vector() {
        for steps in 0..Angle::TURN {
            let angle = Angle::from_steps(steps);
            let found = Angle::of(angle.vector(100 * ONE));
            assert!(found.since(angle).abs() <= 1, "{steps}: {found:?}");
        }
    }

    #[test]
    fn the_way_between_angles_is_the_short_one() {
        assert_eq!(Angle::from_steps(5).since(Angle::from_steps(1020)), 9);
        assert_eq!(Angle::from_steps(1020).since(Angle::from_steps(5)), -9);
        assert_eq!(Angle::from_steps(3).turned(-5), Angle::from_steps(1022));
        assert_eq!(Vec2::new(3, 4).with_length(10), Vec2::new(6, 8));
    }
}
