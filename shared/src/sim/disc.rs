//! A disc: the body of a player, with its timers and points. The limits here are also the ranges on the wire.

use super::command::{Input, Slot};
use super::event::PushKind;
use super::fixed::{Vec2, units};
use crate::tick::seconds;

/// Radius of a disc, in sub-units.
pub const RADIUS: i32 = units(24);
/// The greatest speed, in sub-units a tick. It is below the radius, so that no disc can pass through another.
pub const SPEED_MAX: i32 = units(16);
/// The greatest coordinate in a room of sixteen, in sub-units.
pub const COORDINATE_MAX: i32 = (1 << 16) - 1;
/// The greatest coordinate in a crowd, in sub-units.
pub const CROWD_COORDINATE_MAX: i32 = (1 << 18) - 1;
/// The greatest strain, in percent.
pub const STRAIN_MAX: u16 = 150;
/// How long a push earns the credit for a knock-out, in ticks.
pub const CREDIT_TICKS: u16 = 240;
/// Ticks from a fall to the respawn.
pub const RESPAWN_TICKS: u16 = 120;
/// Ticks after a respawn during which no push works on a disc. An attack of its own ends the protection.
pub const PROTECTION_TICKS: u16 = 90;
/// How long Heavy and Overcharge last, in ticks.
pub const EFFECT_TICKS: u16 = 480;
/// A bump within this many ticks after a dash counts as [`PushKind::Dash`].
pub const DASH_FORCE_TICKS: u16 = 30;
/// The most points, and negated the fewest.
pub const POINTS_MAX: i16 = 999;

const _: () = assert!(SPEED_MAX < RADIUS);
const _: () = assert!(CREDIT_TICKS as u32 == seconds(4) && RESPAWN_TICKS as u32 == seconds(2));

/// Whether a disc is in play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stance {
    /// On the ice.
    Standing,
    /// Over the edge until it respawns. It keeps the position where it fell.
    Out {
        /// Ticks until the respawn, at most [`RESPAWN_TICKS`].
        ticks_left: u16,
    },
}

/// The last push that another player gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastPush {
    /// The seat of the pusher.
    pub by: Slot,
    /// The kind of push.
    pub kind: PushKind,
    /// Ticks until it is forgotten, at most [`CREDIT_TICKS`].
    pub ticks_left: u16,
}

/// One player in the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Disc {
    /// The seat that it belongs to.
    pub slot: Slot,
    /// 0 or 1 in Teams; 0 otherwise.
    pub team: u8,
    /// The centre, in sub-units from the centre of the ice.
    pub position: Vec2,
    /// Sub-units a tick.
    pub velocity: Vec2,
    /// The input that the player holds.
    pub input: Input,
    /// Whether it is in play.
    pub stance: Stance,
    /// Percent, at most [`STRAIN_MAX`]: pushes on this disc grow with it.
    pub strain: u16,
    /// Ticks until the next pulse can be fired.
    pub pulse_cooldown: u16,
    /// Ticks until the next shove is possible.
    pub shove_cooldown: u16,
    /// Ticks until the next dash is possible.
    pub dash_cooldown: u16,
    /// Ticks of protection from pushes left.
    pub protection: u16,
    /// Ticks of double mass left.
    pub heavy: u16,
    /// Ticks of double push left.
    pub overcharge: u16,
    /// The last push by another player. `None` when it is older than [`CREDIT_TICKS`].
    pub last_push: Option<LastPush>,
    /// Points in this round.
    pub points: i16,
    /// Number of other discs pushed over the edge.
    pub knockouts: u16,
    /// Number of own falls.
    pub falls: u16,
}

impl Disc {
    /// A disc that has just taken its seat: it respawns as after a fall, but in the next tick.
    #[must_use]
    pub fn entering(slot: Slot, team: u8) -> Self {
        Self {
            slot,
            team,
            position: Vec2::ZERO,
            velocity: Vec2::ZERO,
            input: Input::default(),
            stance: Stance::Out { ticks_left: 1 },
            strain: 0,
            pulse_cooldown: 0,
            shove_cooldown: 0,
            dash_cooldown: 0,
            protection: 0,
            heavy: 0,
            overcharge: 0,
            last_push: None,
            points: 0,
            knockouts: 0,
            falls: 0,
        }
    }

    /// Whether it is on the ice.
    #[must_use]
    pub fn is_standing(&self) -> bool {
        self.stance == Stance::Standing
    }

    /// Mass in units of a plain disc: 1, or 2 with Heavy.
    #[must_use]
    pub fn mass(&self) -> i32 {
        if self.heavy > 0 { 2 } else { 1 }
    }

    /// Moves each timer on by one tick.
    pub(super) fn count_down(&mut self) {
        for timer in [
            &mut self.pulse_cooldown,
            &mut self.shove_cooldown,
            &mut self.dash_cooldown,
            &mut self.protection,
            &mut self.heavy,
            &mut self.overcharge,
        ] {
            *timer = timer.saturating_sub(1);
        }
        if let Some(push) = &mut self.last_push {
            push.ticks_left = push.ticks_left.saturating_sub(1);
            if push.ticks_left == 0 {
                self.last_push = None;
            }
        }
    }
}
