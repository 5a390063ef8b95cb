//! The ratings and totals in a database, computed once more from its history with the server's own rating function.
//!
//! A round changes the rows of all of its players at once, and each row counts its rounds in its revision. So the rounds of
//! one history have an order in which they can have been settled, or something was lost, done twice, or mixed up.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use game_server::player::{Player, Skill};
use game_server::rating::{RoundResult, Standing, rate};
use shared::id::{PlayerId, ReplayId, RoomId};
use shared::protocol::{PlayerResult, RoundSummary};
use shared::sim::Mode;
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Row as _};

/// What a round did to one player, as the history has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The player.
    pub player: PlayerId,
    /// The revision of the player's row after the round.
    pub revision: i64,
    /// The rating before the round.
    pub before: i64,
    /// The rating after it.
    pub after: i64,
}

/// The row of a player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// The rating with its deviation.
    pub skill: Skill,
    /// The rating that people see.
    pub rating: i64,
    /// Whether it is uncertain.
    pub provisional: bool,
    /// Counts the rounds that were settled.
    pub revision: i64,
    /// Finished rounds.
    pub rounds: i64,
    /// Those that were won.
    pub wins: i64,
    /// Points of all rounds.
    pub points: i64,
}

/// What a database has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// The row of each player.
    pub totals: BTreeMap<PlayerId, Totals>,
    /// The players of each round.
    pub rounds: BTreeMap<ReplayId, Vec<Step>>,
}

impl Totals {
    /// Those of a player without a round.
    pub const NEWCOMER: Self = Self {
        skill: Skill::NEWCOMER,
        rating: 1_500,
        provisional: true,
        revision: 0,
        rounds: 0,
        wins: 0,
        points: 0,
    };
}

impl Kept {
    /// Reads a PostgreSQL database.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(database: &str) -> Result<Self> {
        let mut connection =
            PgConnection::connect(database).await.context("opening the database")?;
        // Rounds may still be settled: both questions are about one moment.
        sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .execute(&mut connection)
            .await?;
        let history = "SELECT player, replay, revision, rating_before, rating FROM rating_history";
        let mut kept = Self::default();
        for row in sqlx::query(history).fetch_all(&mut connection).await? {
            let replay = ReplayId::from_bits(row.try_get::<i64, _>("replay")?.cast_unsigned());
            kept.rounds.entry(replay).or_default().push(Step {
                player: player(&row, "player")?,
                revision: row.try_get("revision")?,
                before: row.try_get("rating_before")?,
                after: row.try_get("rating")?,
            });
        }
        let players = "SELECT id, mean, deviation, rating, provisional, revision, rounds, wins, points \
                       FROM players";
        for row in sqlx::query(players).fetch_all(&mut connection).await? {
            kept.totals.insert(player(&row, "id")?, totals(&row)?);
        }
        connection.close().await.context("closing the database")?;
        Ok(kept)
    }

    /// What does not follow from the rounds, a sentence each. `results` are those that a round may have had; more than one
    /// where it is not known how a tie was broken, or who was rated.
    #[must_use]
    pub fn contradictions(&self, results: impl Fn(ReplayId) -> Vec<RoundResult>) -> Vec<String> {
        let mut again = Again { totals: BTreeMap::new(), found: Vec::new() };
        let mut left: Vec<_> = self.rounds.iter().collect();
        while !left.is_empty() {
            let before = left.len();
            left.retain(|(replay, steps)| {
                let is_next = steps.iter().all(|step| again.is_next(step));
                if is_next {
                    again.settle(**replay, steps, &results(**replay));
                }
                !is_next
            });
            if left.len() == before {
                again.found.push(format!("no order: {left:?} after {:?}", again.totals));
                break;
            }
        }
        for (player, kept) in &self.totals {
            let totals = again.of(*player);
            if *kept != totals {
                again.found.push(format!("{player} has {kept:?}, the rounds give {totals:?}"));
            }
        }
        again.found
    }
}

/// The rounds as they are settled once more.
struct Again {
    totals: BTreeMap<PlayerId, Totals>,
    found: Vec<String>,
}

impl Again {
    fn of(&self, player: PlayerId) -> Totals {
        self.totals.get(&player).copied().unwrap_or(Totals::NEWCOMER)
    }

    fn is_next(&self, step: &Step) -> bool {
        self.of(step.player).revision + 1 == step.revision
    }

    /// Takes the first of the results that does what the history says.
    fn settle(&mut self, replay: ReplayId, steps: &[Step], results: &[RoundResult]) {
        let by_player: BTreeMap<_, _> = steps.iter().map(|step| (step.player, step)).collect();
        let mut detail = String::new();
        for result in results {
            let after = self.after(result);
            let is_kept = by_player.len() == steps.len()
                && after.len() == steps.len()
                && after.iter().all(|(player, totals)| {
                    let before = self.of(*player).rating;
                    by_player
                        .get(player)
                        .is_some_and(|step| (step.before, step.after) == (before, totals.rating))
                });
            if is_kept {
                self.totals.extend(after);
                return;
            }
            // A string takes everything.
            write!(detail, " {result:?} gives {after:?};").ok();
        }
        self.found.push(format!("the round {replay} is kept as {steps:?}, but{detail}"));
        // The rest follows from what is kept.
        for step in steps {
            let totals =
                Totals { revision: step.revision, rating: step.after, ..self.of(step.player) };
            self.totals.insert(step.player, totals);
        }
    }

    /// The rows of its players after a round.
    fn after(&self, result: &RoundResult) -> BTreeMap<PlayerId, Totals> {
        let standings = &result.standings;
        let before: Vec<_> = standings.iter().map(|standing| self.of(standing.player.id)).collect();
        let skills: Vec<_> = before.iter().map(|totals| totals.skill).collect();
        let rated = rate(result, &skills);
        let places = standings.iter().zip(before).zip(rated);
        let after = places.map(|((standing, before), rated)| {
            let totals = Totals {
                skill: rated.after,
                rating: rated.after.shown().into(),
                provisional: rated.after.is_provisional(),
                revision: before.revision + 1,
                rounds: before.rounds + 1,
                wins: before.wins + i64::from(rated.won),
                points: before.points + i64::from(standing.points),
            };
            (standing.player.id, totals)
        });
        after.collect()
    }
}

/// The results that a round with this summary may have had: who was rated is not told.
///
/// A round in which nobody's rating changes fits both. The first is the likely one: an idle player is rare.
#[must_use]
pub fn results_of(summary: &RoundSummary, room: RoomId, mode: Mode) -> Vec<RoundResult> {
    let with = |rated| {
        let standing = |result: &PlayerResult| Standing {
            slot: result.slot,
            player: Player { id: result.player, name: result.name.clone() },
            bot: result.bot,
            team: result.team.unwrap_or_default(),
            points: result.points,
            knockouts: result.knockouts,
            falls: result.falls,
            rated,
        };
        let of_team = |team| {
            let own = summary.results.iter().filter(|result| result.team == Some(team));
            i16::try_from(own.map(|result| result.points).sum::<i32>()).unwrap_or_default()
        };
        let standings = summary.results.iter().map(standing).collect();
        let team_points = [of_team(0), of_team(1)];
        RoundResult { room, mode, is_rated: true, team_points, standings }
    };
    vec![with(true), with(false)]
}

fn player(row: &PgRow, column: &str) -> Result<PlayerId> {
    Ok(PlayerId::from_bits(row.try_get::<i64, _>(column)?.cast_unsigned()))
}

fn totals(row: &PgRow) -> Result<Totals> {
    // Both are null until the first rated round.
    let mean: Option<f64> = row.try_get("mean")?;
    let deviation: Option<f64> = row.try_get("deviation")?;
    let skill = mean.zip(deviation).map(|(mean, deviation)| Skill { mean, deviation });
    Ok(Totals {
        skill: skill.unwrap_or(Skill::NEWCOMER),
        rating: row.try_get("rating")?,
        provisional: row.try_get::<i64, _>("provisional")? != 0,
        revision: row.try_get("revision")?,
        rounds: row.try_get("rounds")?,
        wins: row.try_get("wins")?,
        points: row.try_get("points")?,
    })
}

#[cfg(test)]
mod tests {
    use game_server::player::Player;
    use game_server::rating::{RoundResult, Standing};
    use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
    use shared::sim::{Mode, Slot};

    use super::{Again, BTreeMap, Kept, Step, Totals};

    const ADA: PlayerId = PlayerId::from_bits(1);
    const BOB: PlayerId = PlayerId::from_bits(2);

    /// A duel with these points.
    fn duel(players: [PlayerId; 2], points: [i32; 2]) -> RoundResult {
        let standing = |place: u16| Standing {
            slot: Slot(place),
            player: Player {
                id: players[usize::from(place)],
                name: PlayerName::parse("Ada").unwrap(),
            },
            bot: false,
            team: 0,
            points: points[usize::from(place)],
            knockouts: 0,
            falls: 0,
            rated: true,
        };
        RoundResult {
            room: RoomId::from_bits(1),
            mode: Mode::Duel,
            is_rated: true,
            team_points: [0; 2],
            standings: vec![standing(0), standing(1)],
        }
    }

    /// What a server keeps that settles these rounds one after the other.
    fn settled(rounds: &[RoundResult]) -> Kept {
        let mut again = Again { totals: BTreeMap::new(), found: Vec::new() };
        let mut kept = Kept::default();
        for (number, result) in (1..).zip(rounds) {
            let after = again.after(result);
            let step = |(player, totals): (&PlayerId, &Totals)| Step {
                player: *player,
                revision: totals.revision,
                before: again.of(*player).rating,
                after: totals.rating,
            };
            let steps = after.iter().map(step).collect();
            kept.rounds.insert(ReplayId::from_bits(number), steps);
            again.totals.extend(after);
        }
        kept.totals = again.totals;
        kept
    }

    #[test]
    fn rounds_that_were_settled_one_after_the_other_add_up_and_others_do_not() {
        let rounds = [duel([ADA, BOB], [3, 1]), duel([BOB, ADA], [2, 2]), duel([BOB, ADA], [4, 0])];
        let kept = settled(&rounds);
        let of = |replay: ReplayId| {
            let round = &rounds[usize::try_from(replay.bits()).unwrap() - 1];
            // It is not known whether equal points were a draw.
            let mut other = round.clone();
            other.standings[0].falls = 1;
            vec![other, round.clone()]
        };
        let broken = |change: &dyn Fn(&mut Kept)| {
            let mut kept = kept.clone();
            change(&mut kept);
            kept.contradictions(of).len()
        };
        assert_eq!(broken(&|_| {}), 0);
        for change in [
            |ada: &mut Totals| ada.points += 1,
            |ada: &mut Totals| ada.rounds -= 1,
            |ada: &mut Totals| ada.rating += 1,
            |ada: &mut Totals| ada.skill.deviation += 0.1,
        ] {
            assert_eq!(broken(&|kept| change(kept.totals.get_mut(&ADA).unwrap())), 1);
        }
        for lost in 1..=3 {
            let lost = ReplayId::from_bits(lost);
            assert!(broken(&|kept| drop(kept.rounds.remove(&lost))) > 0, "{lost}");
        }
        // The last round began with what Bob had before the second one.
        let stale = settled(&[rounds[0].clone(), rounds[2].clone()]);
        let of_bob = |kept: &Kept, round| {
            *kept.rounds[&ReplayId::from_bits(round)]
                .iter()
                .find(|step| step.player == BOB)
                .unwrap()
        };
        let Step { before, after, .. } = of_bob(&stale, 2);
        assert_ne!((before, after), (of_bob(&kept, 3).before, of_bob(&kept, 3).after));
        let is_found = broken(&|kept| {
            let steps = kept.rounds.get_mut(&ReplayId::from_bits(3)).unwrap();
            let of_bob = steps.iter_mut().find(|step| step.player == BOB).unwrap();
            *of_bob = Step { before, after, ..*of_bob };
        });
        assert!(is_found > 0);
    }
}
