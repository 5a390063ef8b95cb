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
}

/// Length of a round unless a host says otherwise.
pub const ROUND_TICKS: u32 = seconds(180);
/// The longest round that a host may set.
pub const ROUND_TICKS_MAX: u32 = seconds(3_600);
/// Before this many ticks nobody can move: time to find the own disc.
pub const COUNTDOWN_TICKS: u32 = seconds(3);
/// Most seats in any mode.
pub const SEATS_MAX: usize = 16;

impl Mode {
    /// All modes, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Brawl, Self::Teams, Self::Duel, Self::Practice];

    /// Seats in a room.
    #[must_use]
    pub const fn seats(self) -> usize {
        match self {
            Self::Brawl | Self::Teams => SEATS_MAX,
            Self::Duel => 2,
            Self::Practice => 6,
        }
    }

    /// Bots fill a public room up to this many discs.
    #[must_use]
    pub const fn filled_to(self) -> usize {
        match self {
            Self::Brawl | Self::Teams => 8,
            Self::Duel => 2,
            Self::Practice => 4,
        }
    }

    /// Whether results change ratings.
    #[must_use]
    pub const fn is_rated(self) -> bool {
        !matches!(self, Self::Practice)
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
        }
    }

    /// The name to show.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Brawl => "Brawl",
            Self::Teams => "Teams",
            Self::Duel => "Duel",
            Self::Practice => "Practice",
        }
    }
}
