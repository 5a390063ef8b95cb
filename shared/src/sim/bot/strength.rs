//! How well a bot plays: its strength, and the numbers behind it.

use serde::{Deserialize, Serialize};

use crate::sim::fixed::units;

/// How good a bot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BotStrength {
    /// Slow to react, aims wide, seldom dashes.
    Gentle,
    /// A fair opponent.
    Keen,
    /// Quick, accurate, and careful at the edge.
    Fierce,
}

impl BotStrength {
    /// From the weakest to the strongest.
    pub const ALL: [Self; 3] = [Self::Gentle, Self::Keen, Self::Fierce];

    pub(super) const fn skill(self) -> Skill {
        match self {
            Self::Gentle => Skill {
                reaction_ticks: 15,
                aim_error: 85,
                fire_percent: 30,
                foresight_ticks: 14,
                edge_margin: units(90),
                dodges: false,
            },
            Self::Keen => Skill {
                reaction_ticks: 8,
                aim_error: 45,
                fire_percent: 65,
                foresight_ticks: 26,
                edge_margin: units(120),
                dodges: true,
            },
            Self::Fierce => Skill {
                reaction_ticks: 4,
                aim_error: 18,
                fire_percent: 95,
                foresight_ticks: 36,
                edge_margin: units(140),
                dodges: true,
            },
        }
    }
}

/// The parameters of a strength.
pub(super) struct Skill {
    /// Ticks between two decisions.
    pub(super) reaction_ticks: u32,
    /// The largest error of the aim to either side, in steps of an [`Angle`](crate::sim::Angle).
    pub(super) aim_error: i32,
    /// Share of the chances to attack that the bot takes, in percent.
    pub(super) fire_percent: u32,
    /// How far ahead the bot extrapolates its own slide, in ticks.
    pub(super) foresight_ticks: i32,
    /// The distance that the bot keeps from the edge, in sub-units.
    pub(super) edge_margin: i32,
    /// Whether it steps out of the way of pulses.
    pub(super) dodges: bool,
}
