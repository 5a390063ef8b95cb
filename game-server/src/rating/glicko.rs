//! The rating system: Glickman, "Parameter estimation in large dynamic paired comparison experiments" (Applied
//! Statistics 48, 1999), for a round that counts as one game however many opponents it has.
//!
//! No crate has the games of a part of a weight that this needs.

use std::f64::consts::{LN_10, PI};

use crate::player::Skill;

/// Turns points into natural logarithms of odds: 400 points are odds of ten to one.
const Q: f64 = LN_10 / 400.0;

/// What a round says about a player and one opponent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Game {
    /// The rating with which the player went into it: the own one, or the mean of the team.
    pub(super) own_mean: f64,
    /// The opponent, or the mean of the other team.
    pub(super) opponent: Skill,
    /// 1 for a win, ½ for a draw, 0 for a loss.
    pub(super) score: f64,
}

/// The rating after a round: all its games together weigh as much as one. Without games it stays as it is.
pub(super) fn after(player: Skill, games: &[Game]) -> Skill {
    if games.is_empty() {
        return player;
    }
    #[expect(clippy::cast_precision_loss, reason = "a round has about a thousand players at most")]
    let share = 1.0 / games.len() as f64;
    let (mut surprise, mut information) = (0.0, 0.0);
    for game in games {
        let certainty = certainty(game.opponent.deviation);
        let expected = expected(game.own_mean, game.opponent.mean, certainty);
        surprise += share * certainty * (game.score - expected);
        information += share * (Q * certainty).powi(2) * expected * (1.0 - expected);
    }
    let precision = player.deviation.powi(-2) + information;
    Skill {
        mean: (player.mean + Q / precision * surprise).clamp(Skill::MEAN_MIN, Skill::MEAN_MAX),
        deviation: precision.sqrt().recip().max(Skill::DEVIATION_MIN),
    }
}

/// How much an opponent's rating says, from 0 to 1.
fn certainty(deviation: f64) -> f64 {
    (1.0 + 3.0 * (Q * deviation / PI).powi(2)).sqrt().recip()
}

/// The expected score, from 0 to 1.
fn expected(own: f64, opponent: f64, certainty: f64) -> f64 {
    1.0 / (1.0 + 10.0_f64.powf(-certainty * (own - opponent) / 400.0))
}
