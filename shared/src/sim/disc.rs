//! A player's body and everything that belongs to it. The limits here are the wire's ranges as well.

use super::command::{Input, Slot};
use super::event::PushKind;
use super::fixed::{Vec2, units};
use crate::tick::seconds;

/// Radius of a disc, in sub-units.
pub const RADIUS: i32 = units(24);
/// No disc is faster, in sub-units a tick. Below half a diameter, so that none can pass through another.
pub const SPEED_MAX: i32 = units(16);
/// No coordinate is farther out, in sub-units, where sixteen play.
pub const COORDINATE_MAX: i32 = (1 << 16) - 1;
/// The same in a crowd.
pub const CROWD_COORDINATE_MAX: i32 = (1 << 18) - 1;
/// Strain cannot grow past this, in percent.
pub const STRAIN_MAX: u16 = 150;
/// A push counts for a knock-out for so long.
pub const CREDIT_TICKS: u16 = 240;
/// From the edge to the respawn.
pub const RESPAWN_TICKS: u16 = 120;
/// After a respawn nothing pushes for so long, unless one attacks.
pub const PROTECTION_TICKS: u16 = 90;
/// How long Heavy and Overcharge last.
pub const EFFECT_TICKS: u16 = 480;
/// A bump within this time after a dash counts as the dash's.
pub const DASH_FORCE_TICKS: u16 = 30;
/// Points do not count past this, either way.
pub const POINTS_MAX: i16 = 999;

const _: () = assert!(SPEED_MAX < RADIUS);
const _: () = assert!(CREDIT_TICKS as u32 == seconds(4) && RESPAWN_TICKS as u32 == seconds(2));

/// Whether a disc is in play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stance {
    /// On the ice.
    Standing,
    /// Over the edge: so many ticks until the respawn. It keeps the place where it fell.
    Out {
        /// At most [`RESPAWN_TICKS`].
        ticks_left: u16,
    },
}

/// The last push that somebody else gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastPush {
    /// Who.
    pub by: Slot,
    /// With what.
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
    /// The centre.
    pub position: Vec2,
    /// Sub-units a tick.
    pub velocity: Vec2,
    /// What the player holds.
    pub input: Input,
    /// In play or not.
    pub stance: Stance,
    /// Percent: pushes grow with it.
    pub strain: u16,
    /// Ticks until the next pulse can be fired.
    pub pulse_cooldown: u16,
    /// Ticks until the next shove.
    pub shove_cooldown: u16,
    /// Ticks until the next dash.
    pub dash_cooldown: u16,
    /// Ticks during which nothing pushes.
    pub protection: u16,
    /// Ticks of double mass left.
    pub heavy: u16,
    /// Ticks of double push left.
    pub overcharge: u16,
    /// Who pushed last.
    pub last_push: Option<LastPush>,
    /// Points of this round.
    pub points: i16,
    /// Others pushed over the edge.
    pub knockouts: u16,
    /// Times over the edge.
    pub falls: u16,
}

impl Disc {
    /// A disc that has just taken its seat: it enters like after a fall, but at once.
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

    /// 1, or 2 with Heavy.
    #[must_use]
    pub fn mass(&self) -> i32 {
        if self.heavy > 0 { 2 } else { 1 }
    }

    /// Lets a tick of every timer pass.
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
