//! The modes: how many seats, how wide the ice, who is against whom.

use serde::{Deserialize, Serialize};

use super::fixed::units;
use crate::tick::seconds;

/// The rules that are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everyone against everyone.
    Brawl,
    /// Two teams.
    Teams,
    /// One against one.
    Duel,
    /// Alone with bots; no rating.
    Practice,
    /// Hundreds on one wide platform, each of whom is told of what is near; no rating.
    Crowd,
}

/// Length of a round unless a host says otherwise.
pub const ROUND_TICKS: u32 = seconds(180);
/// The longest round that a host may set.
pub const ROUND_TICKS_MAX: u32 = seconds(3_600);
/// Before this many ticks nobody can move: time to find the own disc.
pub const COUNTDOWN_TICKS: u32 = seconds(3);
/// Most seats in a room whose players are all told of everybody.
pub const SEATS_MAX: usize = 16;
/// Seats in a crowd.
pub const CROWD_SEATS: usize = 1_024;
/// Ticks between two pickups in a room of sixteen.
const PICKUP_EVERY_TICKS: u32 = seconds(7);

/// Whether nobody can move yet, `elapsed` ticks after the beginning.
pub(super) fn is_counting_down(elapsed: u32, round_ticks: u32) -> bool {
    elapsed < COUNTDOWN_TICKS.min(round_ticks / 8)
}

impl Mode {
    /// All modes, in the order in which they are offered.
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

    /// Bots fill a public room up to this many discs.
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

    /// Whether players are told of what is near them only: see [`crate::snapshot::crowd`].
    #[must_use]
    pub const fn is_crowd(self) -> bool {
        matches!(self, Self::Crowd)
    }

    /// Pulses in the air at once. A room of sixteen never has more, by the cooldown and the life of each; in a crowd
    /// who fires when so many fly does not fire.
    #[must_use]
    pub const fn pulses_max(self) -> usize {
        if self.is_crowd() { CROWD_SEATS * 3 / 2 } else { SEATS_MAX * 3 }
    }

    /// Pickups that lie at once.
    #[must_use]
    pub const fn pickups_max(self) -> usize {
        if self.is_crowd() { 96 } else { 3 }
    }

    /// One pickup appears every so many ticks, while there is room.
    #[must_use]
    pub const fn pickup_every_ticks(self) -> u32 {
        if self.is_crowd() { PICKUP_EVERY_TICKS / 28 } else { PICKUP_EVERY_TICKS }
    }

    /// The name to show.
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
