//! Ratings after a round: a function of its result and of the ratings before it.
//!
//! In a free-for-all each player meets every other one; in Teams each player meets the mean of the other team, and the
//! means of both say what was to be expected. A round counts as one game. What follows from that:
//!
//! - A settled rating moves by less than 30 points in a round, and by about 10 after a win over an equal.
//! - Nobody gains from a draw with a weaker one, and nobody loses from one with a stronger one.
//! - Against settled opponents of about the same strength, a newcomer is settled after some twenty rounds.

mod glicko;
mod result;

use std::cmp::Ordering;

use crate::player::Skill;
use glicko::Game;

pub use result::{RoundResult, Standing};

/// What a round did to one player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rated {
    /// The rating after it.
    pub after: Skill,
    /// Whether the player (or the player's team) won.
    pub won: bool,
}

/// What a round does to each player, in the order of its standings. `before` are the ratings before it.
#[must_use]
pub fn rate(result: &RoundResult, before: &[Skill]) -> Vec<Rated> {
    let players = result.standings.iter().zip(before);
    players
        .enumerate()
        .map(|(place, (standing, skill))| {
            let counts = result.is_rated && standing.rated;
            let games = if counts { games(place, result, before) } else { Vec::new() };
            Rated { after: glicko::after(*skill, &games), won: has_won(standing, result) }
        })
        .collect()
}

/// The games of one player. Empty without an opponent, who has to be rated, too.
fn games(place: usize, result: &RoundResult, before: &[Skill]) -> Vec<Game> {
    let own = &result.standings[place];
    let rated = || result.standings.iter().zip(before).filter(|(standing, _)| standing.rated);
    if result.mode.has_teams() {
        let team = |own_team: bool| rated().filter(move |(s, _)| (s.team == own.team) == own_team);
        let mates = mean(team(true).map(|(_, skill)| *skill));
        let others = mean(team(false).map(|(_, skill)| *skill));
        let game = mates.zip(others).map(|(mates, opponent)| Game {
            own_mean: mates.mean,
            opponent,
            score: score(result.team_points_of(own).cmp(&result.team_points_of_others(own))),
        });
        return game.into_iter().collect();
    }
    rated()
        .filter(|(other, _)| other.player.id != own.player.id)
        .map(|(other, opponent)| Game {
            own_mean: before[place].mean,
            opponent: *opponent,
            // The smaller key is the better one.
            score: score(other.rank_key().cmp(&own.rank_key())),
        })
        .collect()
}

/// The score of a comparison in which greater is better.
fn score(compared: Ordering) -> f64 {
    match compared {
        Ordering::Greater => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Less => 0.0,
    }
}

/// The rating of a team: the mean of its ratings, and the root of the mean of the squared deviations.
fn mean(team: impl Iterator<Item = Skill>) -> Option<Skill> {
    let (mut count, mut means, mut squares) = (0.0, 0.0, 0.0);
    for skill in team {
        count += 1.0;
        means += skill.mean;
        squares += skill.deviation.powi(2);
    }
    (count > 0.0).then(|| Skill { mean: means / count, deviation: (squares / count).sqrt() })
}

impl RoundResult {
    fn team_points_of(&self, standing: &Standing) -> i16 {
        self.team_points[usize::from(standing.team != 0)]
    }

    fn team_points_of_others(&self, standing: &Standing) -> i16 {
        self.team_points[usize::from(standing.team == 0)]
    }
}

/// Whether the player is alone in front, or in the team that is. A round without an opponent who is rated has no winner.
fn has_won(standing: &Standing, result: &RoundResult) -> bool {
    let others = || result.standings.iter().filter(|other| other.player.id != standing.player.id);
    if result.mode.has_teams() {
        let is_met = others().any(|other| other.rated && other.team != standing.team);
        return is_met && result.team_points_of(standing) > result.team_points_of_others(standing);
    }
    others().any(|other| other.rated)
        && others().all(|other| standing.rank_key() < other.rank_key())
}

#[cfg(test)]
mod tests;
