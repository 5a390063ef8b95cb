//! The modes of the game: seats, teams, the size of the ice.

use serde::{Deserialize, Serialize};

use super::fixed::units;
use crate::tick::seconds;

/// The rules of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Free for all.
    Brawl,
    /// Two teams.
    Teams,
    /// One against one.
    Duel,
    /// Alone with bots; no rating.
    Practice,
    /// Hundreds on one wide platform, each player with an interest area; no rating.
    Crowd,
}

/// Default length of a round, in ticks.
pub const ROUND_TICKS: u32 = seconds(180);
/// The longest round that a host may set, in ticks.
pub const ROUND_TICKS_MAX: u32 = seconds(3_600);
/// Ticks at the beginning of a round during which no disc can move: time to find the own one.
pub const COUNTDOWN_TICKS: u32 = seconds(3);
/// The most seats in a room other than a crowd: there each player sees all discs.
pub const SEATS_MAX: usize = 16;
/// Seats in a crowd.
pub const CROWD_SEATS: usize = 1_024;
/// Ticks between two pickups in a room of sixteen.
const PICKUP_EVERY_TICKS: u32 = seconds(7);

/// Whether the countdown still runs `elapsed` ticks after the beginning of a round.
pub(super) fn is_counting_down(elapsed: u32, round_ticks: u32) -> bool {
    elapsed < COUNTDOWN_TICKS.min(round_ticks / 8)
}

impl Mode {
    /// All modes, in the order in which menus offer them.
    pub const ALL: [Self; 5] = [Self::Brawl, Self::Teams, Self::Duel, Self::Practice, Self::Crowd];

    /// Seats in a room.
    #[must_use]
    pub const fn seats(self) -> usize {
        match self {
            Self::Brawl | Self::Teams => SEATS_MAX,
            Self::Duel => 2,
            Self::Practice => 6,
            Self::Crowd => CROWD_SEATS,
        }
    }

    /// The number of discs up to which bots fill a public room.
    #[must_use]
    pub const fn bot_fill(self) -> usize {
        match self {
            Self::Brawl | Self::Teams => 8,
            Self::Duel => 2,
            Self::Practice => 4,
            Self::Crowd => 24,
        }
    }

    /// Whether results change ratings.
    #[must_use]
    pub const fn is_rated(self) -> bool {
        !matches!(self, Self::Practice | Self::Crowd)
    }

    /// Whether there are two teams.
    #[must_use]
    pub const fn has_teams(self) -> bool {
        matches!(self, Self::Teams)
    }

    /// Radius of the platform before it shrinks, in sub-units.
    #[must_use]
    pub const fn platform_radius(self) -> i32 {
        match self {
            Self::Brawl | Self::Teams => units(480),
            Self::Duel => units(300),
            Self::Practice => units(380),
            Self::Crowd => units(3_200),
        }
    }

    /// Whether players have interest areas, see [`crate::snapshot::crowd`].
    #[must_use]
    pub const fn is_crowd(self) -> bool {
        matches!(self, Self::Crowd)
    }

    /// The most pulses in the air at once. The cooldown keeps a room of sixteen within it; in a crowd a shot past it is
    /// not fired, and costs no cooldown.
    #[must_use]
    pub const fn pulses_max(self) -> usize {
        if self.is_crowd() { CROWD_SEATS * 3 / 2 } else { SEATS_MAX * 3 }
    }

    /// The most pickups on the ice at once.
    #[must_use]
    pub const fn pickups_max(self) -> usize {
        if self.is_crowd() { 96 } else { 3 }
    }

    /// Ticks between two pickups, while fewer than [`Mode::pickups_max`] lie on the ice.
    #[must_use]
    pub const fn pickup_every_ticks(self) -> u32 {
        if self.is_crowd() { PICKUP_EVERY_TICKS / 28 } else { PICKUP_EVERY_TICKS }
    }

    /// The display name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Brawl => "Brawl",
            Self::Teams => "Teams",
            Self::Duel => "Duel",
            Self::Practice => "Practice",
            Self::Crowd => "Crowd",
        }
    }
}
