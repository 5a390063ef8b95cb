//! The result of a round: from seats and discs to standings, and from those to what players see.

use shared::api::ReplayPlayer;
use shared::protocol::PlayerResult;
use shared::sim::Disc;

use super::seat::Seat;
use crate::rating::Standing;
use crate::storage::SettledPlace;

impl Standing {
    pub(super) fn of(seat: &Seat, disc: Option<&Disc>, rated: bool) -> Self {
        Self {
            slot: seat.slot,
            player: seat.player.clone(),
            bot: seat.is_bot(),
            team: seat.team,
            points: disc.map_or(0, |disc| disc.points.into()),
            knockouts: disc.map_or(0, |disc| disc.knockouts.into()),
            falls: disc.map_or(0, |disc| disc.falls.into()),
            rated,
        }
    }
}

/// The most results of a round that are shown and kept: enough for every mode but a crowd.
const RESULTS_MAX: usize = 100;

/// Best first. A player who left and came back is listed once, with the points of both times.
pub(super) fn rank(standings: Vec<Standing>) -> Vec<Standing> {
    let mut merged: Vec<Standing> = Vec::with_capacity(standings.len());
    for standing in standings {
        match merged.iter_mut().find(|known| known.player.id == standing.player.id) {
            Some(known) => {
                known.points += standing.points;
                known.knockouts += standing.knockouts;
                known.falls += standing.falls;
                known.rated |= standing.rated;
            }
            None => merged.push(standing),
        }
    }
    merged.sort_by_key(|standing| (standing.rank_key(), standing.slot));
    merged
}

/// The players as the index of replays lists them.
pub(super) fn replay_players(standings: &[Standing], has_teams: bool) -> Vec<ReplayPlayer> {
    let player = |standing: &Standing| ReplayPlayer {
        player: standing.player.id,
        name: standing.player.name.clone(),
        bot: standing.bot,
        points: standing.points,
        team: has_teams.then_some(standing.team),
    };
    standings.iter().take(RESULTS_MAX).map(player).collect()
}

/// The results as the summary shows them, of a crowd only the best. `places` are in the same order, or none.
pub(super) fn results(
    standings: &[Standing],
    places: &[SettledPlace],
    has_teams: bool,
) -> Vec<PlayerResult> {
    let result = |(standing, place): (&Standing, Option<&SettledPlace>)| PlayerResult {
        slot: standing.slot,
        player: standing.player.id,
        name: standing.player.name.clone(),
        bot: standing.bot,
        team: has_teams.then_some(standing.team),
        points: standing.points,
        knockouts: standing.knockouts,
        falls: standing.falls,
        rating: place.map_or(0, |place| place.after),
        rating_change: place.map_or(0, |place| place.after - place.before),
        provisional: place.is_some_and(|place| place.row.provisional),
    };
    let places = places.iter().map(Some).chain(core::iter::repeat(None));
    standings.iter().zip(places).take(RESULTS_MAX).map(result).collect()
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};
    use shared::sim::Slot;

    use super::rank;
    use crate::player::Player;
    use crate::rating::Standing;

    fn standing(id: u64, slot: u16, points: i32, falls: u32) -> Standing {
        let player =
            Player { id: PlayerId::from_bits(id), name: PlayerName::parse("Ada").unwrap() };
        let slot = Slot(slot);
        Standing { slot, player, bot: false, team: 0, points, knockouts: 0, falls, rated: true }
    }

    #[test]
    fn a_player_who_comes_back_is_listed_once() {
        let ranked = rank(vec![standing(1, 0, 2, 1), standing(2, 1, 3, 0), standing(1, 2, 4, 2)]);

        let order: Vec<_> =
            ranked.iter().map(|s| (s.player.id.bits(), s.points, s.falls)).collect();
        assert_eq!(order, [(1, 6, 3), (2, 3, 0)]);
    }
}
