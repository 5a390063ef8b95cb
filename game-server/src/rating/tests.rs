//! What rounds do to ratings.

use shared::id::{PlayerId, PlayerName, RoomId};
use shared::sim::rng::Rng;
use shared::sim::{Mode, Slot};

use super::{Rated, RoundResult, Standing, rate};
use crate::player::{Player, Skill};

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

fn result(mode: Mode, team_points: [i16; 2], standings: Vec<Standing>) -> RoundResult {
    let is_rated = mode.is_rated();
    RoundResult { room: RoomId::from_bits(1), mode, is_rated, team_points, standings }
}

/// A duel with these points.
fn duel(points: [i32; 2]) -> RoundResult {
    let standings = vec![standing(1, 0, points[0]), standing(2, 0, points[1])];
    result(Mode::Duel, [0; 2], standings)
}

fn newcomers(result: &RoundResult) -> Vec<Rated> {
    rate(result, &vec![Skill::NEWCOMER; result.standings.len()])
}

const fn settled(mean: f64) -> Skill {
    Skill { mean, deviation: Skill::DEVIATION_MIN }
}

/// The changes as people see them.
fn changes(result: &RoundResult, before: &[Skill]) -> Vec<i32> {
    let after = rate(result, before);
    after.iter().zip(before).map(|(rated, before)| rated.after.shown() - before.shown()).collect()
}

#[test]
fn the_better_place_gains_more() {
    let standings = vec![standing(1, 0, 5), standing(2, 0, 3), standing(3, 0, -1)];
    let brawl = result(Mode::Brawl, [0; 2], standings);

    assert_eq!(changes(&brawl, &[Skill::NEWCOMER; 3]), [79, 0, -79]);
    let won: Vec<_> = newcomers(&brawl).iter().map(|rated| rated.won).collect();
    assert_eq!(won, [true, false, false]);
}

#[test]
fn a_settled_player_wins_and_loses_about_ten_points_against_an_equal() {
    assert_eq!(changes(&duel([3, 1]), &[settled(1_500.0); 2]), [10, -10]);
    assert_eq!(changes(&duel([3, 1]), &[settled(1_700.0), settled(1_500.0)]), [5, -5]);
    assert_eq!(changes(&duel([1, 3]), &[settled(1_700.0), settled(1_500.0)]), [-15, 15]);
}

#[test]
fn no_round_moves_a_settled_player_by_more_than_thirty_points() {
    let mut chance = Rng(7);
    let mut most = 0;
    for _ in 0..2_000 {
        let mode = [Mode::Duel, Mode::Brawl, Mode::Teams][chance.below(3) as usize];
        let count = if mode == Mode::Duel { 2 } else { 2 + chance.below(15) as u16 };
        let standings: Vec<_> =
            (0..count).map(|n| standing(n, (n % 2) as u8, chance.below(9) as i32 - 3)).collect();
        let team_points = [chance.below(9) as i16, chance.below(9) as i16];
        let skills: Vec<_> = (0..count)
            .map(|_| Skill {
                mean: Skill::MEAN_MIN + f64::from(chance.below(2_600)),
                deviation: Skill::DEVIATION_MIN + f64::from(chance.below(141)),
            })
            .collect();
        let round = result(mode, team_points, standings);
        for ((rated, before), change) in
            rate(&round, &skills).iter().zip(&skills).zip(changes(&round, &skills))
        {
            assert!(rated.after.deviation <= before.deviation);
            assert!((400..=3_000).contains(&rated.after.shown()));
            if !before.is_provisional() {
                most = most.max(change.abs());
            }
        }
    }
    assert!((20..=30).contains(&most), "{most}");
}

#[test]
fn nobody_gains_from_a_draw_with_a_weaker_one() {
    for deviation in [Skill::DEVIATION_MIN, Skill::NEWCOMER.deviation] {
        let [strong, weak] = [1_600.0, 1_500.0].map(|mean| Skill { mean, deviation });
        let [of_strong, of_weak] = changes(&duel([0, 0]), &[strong, weak])[..] else { panic!() };
        assert!(of_strong < 0 && of_weak > 0, "{of_strong} {of_weak}");
        assert_eq!(changes(&duel([0, 0]), &[strong, strong]), [0, 0]);
    }
}

#[test]
fn a_newcomer_is_provisional_for_some_twenty_rounds() {
    let mut newcomer = Skill::NEWCOMER;
    let mut rounds = 0;
    while newcomer.is_provisional() {
        // Wins and losses in turn.
        let points = if rounds % 2 == 0 { [1, 0] } else { [0, 1] };
        newcomer = rate(&duel(points), &[newcomer, settled(1_500.0)])[0].after;
        rounds += 1;
    }

    assert!((15..=25).contains(&rounds), "{rounds}");
    assert!((newcomer.mean - 1_500.0).abs() < 40.0, "{newcomer:?}");
}

#[test]
fn equals_share_a_rank_and_nobody_wins() {
    let both = newcomers(&duel([2, 2]));

    assert_eq!(both[0].after, both[1].after);
    assert!(!both[0].won && !both[1].won);
}

#[test]
fn a_team_wins_together() {
    let standings = vec![standing(1, 1, 9), standing(2, 0, 1), standing(3, 1, 0)];
    let teams = result(Mode::Teams, [1, 9], standings);

    let changes = changes(&teams, &[Skill::NEWCOMER; 3]);
    assert!(changes[0] > 0 && changes[0] == changes[2] && changes[1] < 0, "{changes:?}");
    let won: Vec<_> = newcomers(&teams).iter().map(|rated| rated.won).collect();
    assert_eq!(won, [true, false, true]);
}

#[test]
fn unrated_rounds_latecomers_and_loners_keep_their_rating() {
    let unchanged = |rated: &Rated| rated.after == Skill::NEWCOMER;
    let private = RoundResult { is_rated: false, ..duel([5, 1]) };
    assert!(newcomers(&private).iter().all(unchanged));

    let late = Standing { rated: false, ..standing(3, 0, 0) };
    let standings = vec![standing(1, 0, 5), standing(2, 0, 1), late];
    let with_late = newcomers(&result(Mode::Brawl, [0; 2], standings));
    assert!(!unchanged(&with_late[0]) && unchanged(&with_late[2]));

    let alone = newcomers(&result(Mode::Brawl, [0; 2], vec![standing(1, 0, 5)]));
    assert!(unchanged(&alone[0]) && !alone[0].won);
    let idle = Standing { rated: false, ..standing(2, 0, 0) };
    let against_idle = newcomers(&result(Mode::Duel, [0; 2], vec![standing(1, 0, 5), idle]));
    assert!(against_idle.iter().all(unchanged) && !against_idle[0].won);
    let one_team = newcomers(&result(Mode::Teams, [5, 0], vec![standing(1, 0, 5)]));
    assert!(unchanged(&one_team[0]));
}

#[test]
fn a_rating_never_stands_still_and_stays_in_range() {
    let mut skills = vec![Skill::NEWCOMER; 8];
    let standings: Vec<_> = (0..8).map(|n| standing(n, 0, -i32::from(n))).collect();
    let brawl = result(Mode::Brawl, [0; 2], standings);
    for _ in 0..2_000 {
        skills = rate(&brawl, &skills).iter().map(|rated| rated.after).collect();
    }
    assert!(skills.iter().all(|skill| skill.deviation >= Skill::DEVIATION_MIN));
    assert!(skills.iter().all(|skill| (400..=3_000).contains(&skill.shown())), "{skills:?}");
}
