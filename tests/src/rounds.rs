//! Results of rounds that nobody has played, for what keeps them.

use std::cmp::Reverse;

use game_server::player::Player;
use game_server::rating::{RoundResult, Standing};
use game_server::storage::RoundRecord;
use shared::api::{ReplayPlayer, ReplaySummary};
use shared::id::{ReplayId, RoomId};
use shared::sim::rng::Rng;
use shared::sim::{Mode, Slot};

/// Points are less than this, so that some are equal.
const POINTS_BELOW: u32 = 8;

/// A rated round of so many of the players, with any result.
///
/// # Panics
/// When there are not so many players.
pub fn any_round(rng: &mut Rng, players: &[Player], mode: Mode, seats: usize) -> RoundRecord {
    let mut seated = players.to_vec();
    for place in 0..seats {
        let rest = u32::try_from(seated.len() - place).unwrap_or(1);
        seated.swap(place, place + rng.below(rest) as usize);
    }
    seated.truncate(seats);
    let mut standings: Vec<_> = seated
        .into_iter()
        .zip(0_u16..)
        .map(|(player, place)| Standing {
            slot: Slot(place),
            player,
            bot: false,
            team: if mode.has_teams() { u8::from(place % 2 == 1) } else { 0 },
            points: rng.below(POINTS_BELOW).cast_signed(),
            knockouts: rng.below(POINTS_BELOW),
            falls: rng.below(POINTS_BELOW),
            rated: true,
        })
        .collect();
    standings.sort_by_key(|standing| (Reverse(standing.points), standing.falls));
    let of_team = |team| {
        let own = standings.iter().filter(|standing| standing.team == team);
        i16::try_from(own.map(|standing| standing.points).sum::<i32>()).unwrap_or_default()
    };
    let team_points = [of_team(0), of_team(1)];
    // Ids have 60 and 30 bits.
    let (replay, room) = (rng.next_u64() >> 4, RoomId::from_bits(rng.next_u64() >> 34));
    let entry = |standing: &Standing| ReplayPlayer {
        player: standing.player.id,
        name: standing.player.name.clone(),
        bot: standing.bot,
        points: standing.points,
        team: mode.has_teams().then_some(standing.team),
    };
    RoundRecord {
        replay: ReplaySummary {
            id: ReplayId::from_bits(replay),
            room,
            mode,
            started_at_ms: 1_700_000_000_000,
            ticks: 3_600,
            bytes: 100_000,
            complete: true,
            players: standings.iter().map(entry).collect(),
        },
        ended_at_ms: 1_700_000_060_000,
        result: RoundResult { room, mode, is_rated: true, team_points, standings },
    }
}
