//! The ratings and totals in a database, computed once more from its history with the server's own rating function.
//!
//! A round changes the rows of all of its players at once, and each row counts its rounds in its revision. So the rounds of
//! one history have an order in which they can have been settled, or something was lost, done twice, or mixed up.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use game_server::player::{Player, Skill};
use game_server::rating::{RoundResult, Standing, rate};
use shared::id::{PlayerId, ReplayId, RoomId};
use shared::protocol::{PlayerResult, RoundSummary};
use shared::sim::Mode;
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Row as _};

/// Further people of one round are taken for rated.
const CHOICES_MAX: usize = 10;

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

    /// Whether all rows follow from the rounds. `results` are those that a round may have had; more than one where it is not
    /// known how a tie was broken, or who was rated. Then some choice has to explain all that came after.
    ///
    /// # Errors
    /// What no choice explains.
    pub fn check(&self, results: impl Fn(ReplayId) -> Vec<RoundResult>) -> Result<(), String> {
        let rounds = self.in_order()?;
        let rounds: Vec<_> =
            rounds.into_iter().map(|(id, steps)| (id, steps, results(id))).collect();
        let mut search = Search {
            kept: &self.totals,
            rounds,
            totals: BTreeMap::new(),
            deepest: (0, String::new()),
        };
        if search.explains(0) { Ok(()) } else { Err(search.deepest.1) }
    }

    /// The rounds in an order in which they can have been settled.
    fn in_order(&self) -> Result<Vec<(ReplayId, &[Step])>, String> {
        let mut revisions = BTreeMap::<PlayerId, i64>::new();
        let of = |revisions: &BTreeMap<PlayerId, i64>, player: &PlayerId| {
            revisions.get(player).copied().unwrap_or(0)
        };
        let (mut order, mut left) = (Vec::new(), self.rounds.iter().collect::<Vec<_>>());
        while !left.is_empty() {
            let before = left.len();
            left.retain(|(replay, steps)| {
                let is_next =
                    steps.iter().all(|step| of(&revisions, &step.player) + 1 == step.revision);
                if is_next {
                    order.push((**replay, steps.as_slice()));
                    revisions.extend(steps.iter().map(|step| (step.player, step.revision)));
                }
                !is_next
            });
            if left.len() == before {
                return Err(format!("these follow in no order: {left:?} after {revisions:?}"));
            }
        }
        let is_whole = |(player, row): &(&PlayerId, &Totals)| {
            of(&revisions, player) == row.revision
                && (row.revision > 0 || **row == Totals::NEWCOMER)
        };
        match self.totals.iter().find(|row| !is_whole(row)) {
            Some((player, row)) => Err(format!("{player} has {row:?}, and other rounds")),
            None => Ok(order),
        }
    }
}

/// The rounds as they are settled once more.
struct Search<'a> {
    kept: &'a BTreeMap<PlayerId, Totals>,
    /// In order, each with the results that it may have had.
    rounds: Vec<(ReplayId, &'a [Step], Vec<RoundResult>)>,
    totals: BTreeMap<PlayerId, Totals>,
    /// The last round that could not be explained, and why.
    deepest: (usize, String),
}

impl Search<'_> {
    /// Whether some choice of results explains the rounds from here on.
    fn explains(&mut self, at: usize) -> bool {
        let Some((replay, steps, results)) = self.rounds.get(at) else { return true };
        let mut outcomes = Vec::new();
        for result in results {
            let after = after(result, &self.totals);
            if self.is_kept(steps, &after) && !outcomes.contains(&after) {
                outcomes.push(after);
            }
        }
        if outcomes.is_empty() && at >= self.deepest.0 {
            let before: Vec<_> = steps.iter().map(|step| of(&self.totals, step.player)).collect();
            let rows: Vec<_> = steps.iter().map(|step| self.kept.get(&step.player)).collect();
            let likely = results.first().map(|result| after(result, &self.totals));
            let detail = format!(
                "the round {replay} is kept as {steps:?}, before it {before:?}, the rows {rows:?}; \
                 {:?} gives {likely:?}",
                results.first()
            );
            self.deepest = (at, detail);
        }
        for outcome in outcomes {
            let before = self.totals.clone();
            self.totals.extend(outcome);
            if self.explains(at + 1) {
                return true;
            }
            self.totals = before;
        }
        false
    }

    /// Whether the history and, after the last round of a player, the row have this outcome.
    fn is_kept(&self, steps: &[Step], after: &BTreeMap<PlayerId, Totals>) -> bool {
        let players: BTreeSet<_> = steps.iter().map(|step| step.player).collect();
        players.len() == steps.len()
            && players.len() == after.len()
            && steps.iter().all(|step| {
                after.get(&step.player).is_some_and(|totals| {
                    let row = self.kept.get(&step.player);
                    (step.before, step.after)
                        == (of(&self.totals, step.player).rating, totals.rating)
                        && row.is_some_and(|row| row.revision > step.revision || row == totals)
                })
            })
    }
}

fn of(totals: &BTreeMap<PlayerId, Totals>, player: PlayerId) -> Totals {
    totals.get(&player).copied().unwrap_or(Totals::NEWCOMER)
}

/// The rows of its players after a round.
fn after(result: &RoundResult, totals: &BTreeMap<PlayerId, Totals>) -> BTreeMap<PlayerId, Totals> {
    let standings = &result.standings;
    let before: Vec<_> = standings.iter().map(|standing| of(totals, standing.player.id)).collect();
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

/// The results that a round with this summary may have had, those with many rated players first: who was rated is not told.
/// Bots always are.
#[must_use]
pub fn results_of(summary: &RoundSummary, room: RoomId, mode: Mode) -> Vec<RoundResult> {
    let of_team = |team| {
        let own = summary.results.iter().filter(|result| result.team == Some(team));
        i16::try_from(own.map(|result| result.points).sum::<i32>()).unwrap_or_default()
    };
    let team_points = [of_team(0), of_team(1)];
    let people: Vec<_> = summary.results.iter().filter(|result| !result.bot).collect();
    let with = |idle: u32| {
        let is_idle = |player| {
            let place = people.iter().position(|result| result.player == player);
            place.is_some_and(|place| place < CHOICES_MAX && idle & (1 << place) != 0)
        };
        let standing = |result: &PlayerResult| Standing {
            slot: result.slot,
            player: Player { id: result.player, name: result.name.clone() },
            bot: result.bot,
            team: result.team.unwrap_or_default(),
            points: result.points,
            knockouts: result.knockouts,
            falls: result.falls,
            rated: !is_idle(result.player),
        };
        let standings = summary.results.iter().map(standing).collect();
        RoundResult { room, mode, is_rated: true, team_points, standings }
    };
    let mut choices: Vec<u32> = (0..1 << people.len().min(CHOICES_MAX)).collect();
    choices.sort_by_key(|idle| idle.count_ones());
    choices.into_iter().map(with).collect()
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

    use super::{BTreeMap, Kept, Step, Totals, after, of};

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
        let (mut totals_of, mut kept) = (BTreeMap::new(), Kept::default());
        for (number, result) in (1..).zip(rounds) {
            let after = after(result, &totals_of);
            let step = |(player, totals): (&PlayerId, &Totals)| Step {
                player: *player,
                revision: totals.revision,
                before: of(&totals_of, *player).rating,
                after: totals.rating,
            };
            let steps = after.iter().map(step).collect();
            kept.rounds.insert(ReplayId::from_bits(number), steps);
            totals_of.extend(after);
        }
        kept.totals = totals_of;
        kept
    }

    #[test]
    fn rounds_that_were_settled_one_after_the_other_add_up_and_others_do_not() {
        let rounds = [duel([ADA, BOB], [3, 1]), duel([BOB, ADA], [2, 2]), duel([BOB, ADA], [4, 0])];
        let kept = settled(&rounds);
        let results = |replay: ReplayId| {
            let round = &rounds[usize::try_from(replay.bits()).unwrap() - 1];
            // It is not known whether equal points were a draw.
            let mut other = round.clone();
            other.standings[0].falls = 1;
            vec![other, round.clone()]
        };
        let is_right = |change: &dyn Fn(&mut Kept)| {
            let mut kept = kept.clone();
            change(&mut kept);
            kept.check(results).is_ok()
        };
        assert_eq!(kept.check(results), Ok(()));
        for change in [
            |ada: &mut Totals| ada.points += 1,
            |ada: &mut Totals| ada.rounds -= 1,
            |ada: &mut Totals| ada.rating += 1,
            |ada: &mut Totals| ada.skill.deviation += 0.1,
        ] {
            assert!(!is_right(&|kept| change(kept.totals.get_mut(&ADA).unwrap())));
        }
        for lost in 1..=3 {
            let lost = ReplayId::from_bits(lost);
            assert!(!is_right(&|kept| drop(kept.rounds.remove(&lost))), "{lost}");
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
        assert!(!is_right(&|kept| {
            let steps = kept.rounds.get_mut(&ReplayId::from_bits(3)).unwrap();
            let of_bob = steps.iter_mut().find(|step| step.player == BOB).unwrap();
            *of_bob = Step { before, after, ..*of_bob };
        }));
    }
}
