//! Movement of one disc: thrust, friction and dash.

use super::command::Buttons;
use super::disc::{CROWD_COORDINATE_MAX, Disc, SPEED_MAX};
use super::fixed::{Vec2, units};

/// Acceleration by thrust, in sub-units a tick per tick.
pub const THRUST: i32 = 8;
/// Friction: in each tick a disc loses its speed divided by this, and at least one sub-unit a tick. With [`THRUST`] this
/// gives a top speed of about six units a tick.
pub const FRICTION_DIVISOR: i32 = 48;
/// The speed that a dash adds, in sub-units a tick.
pub const DASH_SPEED: i32 = units(5);
/// Ticks from one dash to the next.
pub const DASH_COOLDOWN_TICKS: u16 = 120;

/// Moves one disc by one tick.
///
/// The server calls this for each disc, and each client for all discs it predicts.
///
/// ```
/// # use shared::sim::{Angle, Disc, Slot, Stance, Thrust, movement::{advance, THRUST}};
/// let mut disc = Disc::entering(Slot(0), 0);
/// disc.input.thrust = Thrust::towards(Angle::from_steps(0));
/// advance(&mut disc);
/// assert_eq!((disc.velocity.x, disc.position.x), (THRUST - 1, THRUST - 1));
/// ```
pub fn advance(disc: &mut Disc) {
    if let Some(angle) = disc.input.thrust.angle() {
        disc.velocity += angle.vector(THRUST);
    }
    disc.velocity = slowed(disc.velocity).clamp_length(SPEED_MAX);
    let moved = disc.position + disc.velocity;
    disc.position = Vec2::new(
        moved.x.clamp(-CROWD_COORDINATE_MAX, CROWD_COORDINATE_MAX),
        moved.y.clamp(-CROWD_COORDINATE_MAX, CROWD_COORDINATE_MAX),
    );
}

fn slowed(velocity: Vec2) -> Vec2 {
    let speed = velocity.length();
    if speed == 0 {
        return Vec2::ZERO;
    }
    let loss = (speed + FRICTION_DIVISOR - 1) / FRICTION_DIVISOR;
    velocity.scale(speed - loss, speed)
}

/// Dashes if the button is held and the cooldown is over. True when the disc dashed.
pub(super) fn dash(disc: &mut Disc) -> bool {
    if disc.dash_cooldown > 0 || !disc.input.buttons.contains(Buttons::DASH) {
        return false;
    }
    let direction = disc.input.thrust.angle().unwrap_or(disc.input.aim);
    disc.velocity = (disc.velocity + direction.vector(DASH_SPEED)).clamp_length(SPEED_MAX);
    disc.dash_cooldown = DASH_COOLDOWN_TICKS;
    true
}
