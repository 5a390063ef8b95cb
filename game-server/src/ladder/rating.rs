//! Ratings after a round: Weng and Lin, "A Bayesian Approximation Method for Online Ranking" (JMLR 12, 2011), from the
//! crate `skillratings`. A free-for-all counts as teams of one player; Teams has two teams.

use skillratings::MultiTeamOutcome;
use skillratings::weng_lin::{WengLinConfig, WengLinRating, weng_lin_multi_team};

use super::result::{RoundResult, Standing};
use crate::player::Skill;
use crate::storage::PlaceRecord;

/// The smallest deviation. Below it, ratings would hardly move; but players improve, and bots are retuned.
const DEVIATION_MIN: f64 = 0.8;

/// The changes of a round, in the order of its standings. `skills` are the ones before it.
pub(super) fn rate(result: &RoundResult, skills: &[Skill]) -> Vec<PlaceRecord> {
    let mut after = skills.to_vec();
    let groups = groups(result);
    // A player without opponents keeps the rating.
    let is_contest = groups.len() > 1 && groups.iter().all(|group| !group.of.is_empty());
    if result.mode.is_rated() && is_contest {
        for (members, new) in groups.iter().zip(new_ratings(&groups, skills)) {
            for (member, skill) in members.of.iter().zip(new) {
                after[*member] = skill;
            }
        }
    }
    let standings = result.standings.iter().zip(skills).zip(after);
    standings
        .map(|((standing, before), after)| PlaceRecord {
            player: standing.player.id,
            before: *before,
            after,
            points: standing.points,
            knockouts: standing.knockouts,
            falls: standing.falls,
            won: has_won(standing, result),
        })
        .collect()
}

/// Players who win and lose together.
struct Group {
    /// Indices into the standings.
    of: Vec<usize>,
    /// Smaller is better.
    rank: usize,
}

fn groups(result: &RoundResult) -> Vec<Group> {
    let rated = || result.standings.iter().enumerate().filter(|(_, standing)| standing.rated);
    if result.mode.has_teams() {
        let [first, second] = result.team_points;
        let members =
            |team: u8| rated().filter(|(_, s)| s.team == team).map(|(place, _)| place).collect();
        return vec![
            Group { of: members(0), rank: 1 + usize::from(first < second) },
            Group { of: members(1), rank: 1 + usize::from(second < first) },
        ];
    }
    let better = |than: &Standing| {
        result.standings.iter().filter(|other| other.rank_key() < than.rank_key()).count()
    };
    rated().map(|(place, s)| Group { of: vec![place], rank: 1 + better(s) }).collect()
}

fn new_ratings(groups: &[Group], skills: &[Skill]) -> Vec<Vec<Skill>> {
    let teams: Vec<Vec<WengLinRating>> = groups
        .iter()
        .map(|group| group.of.iter().map(|place| rating_from_skill(skills[*place])).collect())
        .collect();
    let ranked: Vec<_> = teams
        .iter()
        .zip(groups)
        .map(|(team, group)| (team.as_slice(), MultiTeamOutcome::new(group.rank)))
        .collect();
    weng_lin_multi_team(&ranked, &WengLinConfig::new())
        .into_iter()
        .map(|team| team.into_iter().map(skill_from_rating).collect())
        .collect()
}

fn rating_from_skill(skill: Skill) -> WengLinRating {
    WengLinRating { rating: skill.mean, uncertainty: skill.deviation }
}

fn skill_from_rating(rating: WengLinRating) -> Skill {
    Skill { mean: rating.rating, deviation: rating.uncertainty.max(DEVIATION_MIN) }
}

/// Whether the player is alone in front, or in the team that is. A round without opponents has no winner.
fn has_won(standing: &Standing, result: &RoundResult) -> bool {
    if result.mode.has_teams() {
        let [own, other] = match standing.team {
            0 => result.team_points,
            _ => [result.team_points[1], result.team_points[0]],
        };
        return own > other;
    }
    let others = || result.standings.iter().filter(|other| other.player.id != standing.player.id);
    others().next().is_some() && others().all(|other| standing.rank_key() < other.rank_key())
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName, RoomId};
    use shared::sim::{Mode, Slot};

    use super::{DEVIATION_MIN, rate};
    use crate::ladder::{RoundResult, Standing};
    use crate::player::Player;
    use crate::player::Skill;
    use crate::storage::PlaceRecord;

    fn standing(number: u16, team: u8, points: i32) -> Standing {
        Standing {
            slot: Slot(number),
            player: Player {
                id: PlayerId::from_bits(number.into()),
                name: PlayerName::parse("Ada").unwrap(),
            },
            bot: false,
            team,
            points,
            knockouts: 0,
            falls: 0,
            rated: true,
        }
    }

    fn rated(mode: Mode, team_points: [i16; 2], standings: Vec<Standing>) -> Vec<PlaceRecord> {
        let skills = vec![Skill::NEWCOMER; standings.len()];
        rate(&RoundResult { room: RoomId::from_bits(1), mode, team_points, standings }, &skills)
    }

    fn change(record: &PlaceRecord) -> f64 {
        record.after.mean - record.before.mean
    }

    #[test]
    fn the_better_place_gains_more() {
        let standings = vec![standing(1, 0, 5), standing(2, 0, 3), standing(3, 0, -1)];
        let records = rated(Mode::Brawl, [0; 2], standings);

        assert!(change(&records[0]) > 0.0 && change(&records[2]) < 0.0);
        assert!(change(&records[0]) > change(&records[1]));
        assert!(change(&records[1]) > change(&records[2]));
        assert_eq!(records.iter().map(|r| r.won).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn equals_share_a_rank_and_nobody_wins() {
        let records = rated(Mode::Duel, [0; 2], vec![standing(1, 0, 2), standing(2, 0, 2)]);

        assert!((records[0].after.mean - records[1].after.mean).abs() < 1e-9);
        assert!(!records[0].won && !records[1].won);
    }

    #[test]
    fn a_team_wins_together() {
        let standings = vec![standing(1, 1, 9), standing(2, 0, 1), standing(3, 1, 0)];
        let records = rated(Mode::Teams, [1, 9], standings);

        assert!(change(&records[0]) > 0.0 && change(&records[2]) > 0.0);
        assert!(change(&records[1]) < 0.0);
        assert_eq!(records.iter().map(|r| r.won).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn practice_latecomers_and_loners_keep_their_rating() {
        let practice = rated(Mode::Practice, [0; 2], vec![standing(1, 0, 5), standing(2, 0, 1)]);
        assert!(practice.iter().all(|record| record.before == record.after));

        let late = Standing { rated: false, ..standing(3, 0, 0) };
        let records = rated(Mode::Brawl, [0; 2], vec![standing(1, 0, 5), standing(2, 0, 1), late]);
        assert!(records[0].before != records[0].after);
        assert_eq!(records[2].before, records[2].after);

        let alone = rated(Mode::Brawl, [0; 2], vec![standing(1, 0, 5)]);
        assert!(alone[0].before == alone[0].after && !alone[0].won);
        let one_team = rated(Mode::Teams, [5, 0], vec![standing(1, 0, 5)]);
        assert_eq!(one_team[0].before, one_team[0].after);
    }

    #[test]
    fn a_rating_never_stands_still() {
        let mut skills = vec![Skill::NEWCOMER; 8];
        let standings: Vec<_> = (0..8).map(|n| standing(n, 0, -i32::from(n))).collect();
        let result = RoundResult {
            room: RoomId::from_bits(1),
            mode: Mode::Brawl,
            team_points: [0; 2],
            standings,
        };
        for _ in 0..200 {
            skills = rate(&result, &skills).iter().map(|record| record.after).collect();
        }
        assert!(skills.iter().all(|skill| skill.deviation >= DEVIATION_MIN));
    }
}
