//! Games without sockets, tasks or a clock: each test calls a game and looks at the actions.

use std::time::Duration;

use shared::id::{PlayerId, PlayerName, RoomId};
use shared::invitation::InvitationSecret;
use shared::protocol::{Ratings, ServerMessage, close};
use shared::sim::rng::Rng;
use shared::sim::{Input, Mode, Thrust};
use shared::tick::TICK_RATE_HZ;

use super::Game;
use super::actions::Action;
use super::members::TooManySpectators;
use super::seats::Full;
use crate::bots::BotPolicy;
use crate::client_address::ClientAddress;
use crate::clock::Now;
use crate::ladder::Score;
use crate::player::Player;
use crate::room::connection::end::Departure;
use crate::room::connection::id::ConnectionId;
use crate::room::seeds::{RoomSeeds, Seeds};
use crate::room::settings::{MATCHED_ROOM_EMPTY_MAX, RoomSettings, RoomSpec};

const ROUND_TICKS: u32 = 2 * TICK_RATE_HZ;
const IDLE_MAX: Duration = Duration::from_secs(600);

fn game(mode: Mode, bots: BotPolicy, seed: Option<u64>, now: Now) -> Game {
    game_with(mode, bots, Seeds::new(seed).next_room(), now)
}

fn game_with(mode: Mode, bots: BotPolicy, seeds: RoomSeeds, now: Now) -> Game {
    game_in(false, mode, bots, seeds, now)
}

fn game_in(private: bool, mode: Mode, bots: BotPolicy, seeds: RoomSeeds, now: Now) -> Game {
    let (id, secret) = (RoomId::from_bits(7), InvitationSecret::from_bits(8));
    let (permanent, empty_max) = (false, MATCHED_ROOM_EMPTY_MAX);
    let spec = RoomSpec { id, mode, private, secret, opener: None, bots, permanent, empty_max };
    let settings = RoomSettings {
        round_ticks: ROUND_TICKS,
        summary_time: Duration::from_secs(12),
        idle_max: IDLE_MAX,
        ping_period: Duration::from_secs(20),
        crowd_snapshot_bytes_max: 376,
    };
    Game::new(spec, &settings, seeds, now)
}

/// A duel of two people, and the actions when it begins.
fn duel(now: Now) -> (Game, Vec<Action>) {
    let mut game = game(Mode::Duel, BotPolicy::None, None, now);
    assert!(game.start(now).iter().all(|action| matches!(action, Action::SeatsChanged)));
    enter(&mut game, 1, now).unwrap();
    assert!(game.round().is_some_and(|round| !round.counts()), "a player alone warms up");
    let actions = enter(&mut game, 2, now).unwrap();
    (game, actions)
}

/// The player with this number comes, with the connection of the same number.
fn enter(game: &mut Game, number: u32, now: Now) -> Result<Vec<Action>, Full> {
    game.enter(player(number), 1_500, connection(number), now)
}

fn player(number: u32) -> Player {
    Player { id: PlayerId::from_bits(number.into()), name: PlayerName::parse("Ada").unwrap() }
}

fn connection(number: u32) -> ConnectionId {
    ConnectionId { index: number, generation: number }
}

/// Plays until the time of the round is up.
fn play(game: &mut Game, now: Now) {
    while !game.is_round_over() {
        game.step(now);
    }
}

fn closes(actions: &[Action]) -> Vec<(ConnectionId, u16)> {
    let close = |action: &Action| match action {
        Action::Close(connection, (code, _)) => Some((*connection, *code)),
        _ => None,
    };
    actions.iter().filter_map(close).collect()
}

#[test]
fn a_second_player_turns_the_warm_up_into_a_round_that_counts() {
    let (game, actions) = duel(Now::read());

    let started = actions.iter().filter_map(|action| match action {
        Action::BeginRound(start) => Some(start.recorded.is_some()),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), [true]);
    assert_eq!((game.rounds(), game.seats().people()), (1, 2));
}

#[test]
fn a_player_who_comes_again_gets_the_seat_and_the_older_connection_is_closed() {
    let now = Now::read();
    let (mut game, _) = duel(now);

    let actions = game.enter(player(1), 1_500, connection(9), now).unwrap();

    assert_eq!(closes(&actions), [(connection(1), close::REPLACED)]);
    assert!(game.note_departures(&[(connection(1), Departure::Lost)], now).is_empty());
    assert!(game.seats().iter().all(|seat| !seat.is_reconnecting()));
    assert_eq!(enter(&mut game, 3, now).err(), Some(Full));
}

#[test]
fn a_lost_player_has_half_a_minute_to_come_back() {
    let now = Now::read();
    let (mut game, _) = duel(now);

    game.note_departures(&[(connection(1), Departure::Lost)], now);
    let waits = now + Duration::from_secs(29);
    assert!(game.note_departures(&[], waits).is_empty());
    assert_eq!(game.seats().iter().filter(|seat| seat.is_reconnecting()).count(), 1);

    assert!(!game.note_departures(&[], waits + Duration::from_secs(1)).is_empty());
    assert_eq!(game.seats().people(), 1);
}

#[test]
fn a_round_is_settled_and_followed_by_the_next_when_all_players_want_it() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    play(&mut game, now);

    let ended = game.end_round(now);
    assert!(ended.iter().any(|action| matches!(action, Action::Settle(_))));
    for seat in game.members().seats.iter_mut() {
        seat.person_mut().unwrap().wants_rematch = Some(true);
    }
    let eager = now + Duration::from_secs(4);
    assert!(game.step(eager).is_empty(), "the result is not known yet");

    let settled = game.settled(Some(&[]), eager);
    assert!(matches!(settled[..], [Action::Message(_)]));
    assert!(game.settled(None, eager).is_empty(), "it is told once");
    game.step(eager);
    assert_eq!(game.rounds(), 2);
}

/// What the players are told of a round.
fn ratings(actions: &[Action]) -> Vec<Ratings> {
    let told = |action: &Action| match action {
        Action::Message(ServerMessage::Summary(summary)) => Some(summary.ratings),
        _ => None,
    };
    actions.iter().filter_map(told).collect()
}

#[test]
fn rounds_of_a_private_room_are_unrated_and_say_so() {
    for (private, expected) in [(false, Ratings::Settled), (true, Ratings::Unrated)] {
        let now = Now::read();
        let mut game =
            game_in(private, Mode::Duel, BotPolicy::None, Seeds::new(None).next_room(), now);
        enter(&mut game, 1, now).unwrap();
        enter(&mut game, 2, now).unwrap();
        let mut scores = Vec::<Score>::new();
        while !game.is_round_over() {
            scores.extend(game.step(now).into_iter().filter_map(|action| match action {
                Action::Score(score) => Some(score),
                _ => None,
            }));
        }

        let ended = game.end_round(now);

        let is_rated = ended.iter().find_map(|action| match action {
            Action::Settle(finished) => Some(finished.result.is_rated),
            _ => None,
        });
        assert_eq!(is_rated, Some(!private));
        assert!(!private || scores.is_empty());
        assert_eq!(ratings(&game.settled(Some(&[]), now)), [expected]);
    }
}

#[test]
fn players_do_not_wait_for_a_store_that_takes_too_long() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    play(&mut game, now);
    game.end_round(now);

    assert_eq!(ratings(&game.settled(None, now)), [Ratings::Pending]);
    game.step(now + Duration::from_secs(12));
    assert_eq!(game.rounds(), 2);
}

#[test]
fn a_player_who_wants_no_other_round_gives_up_the_seat() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    play(&mut game, now);
    game.end_round(now);
    game.settled(Some(&[]), now);
    game.members().seats.iter_mut().next().unwrap().person_mut().unwrap().wants_rematch =
        Some(false);

    let actions = game.step(now + Duration::from_secs(12));

    assert_eq!(closes(&actions), [(connection(1), close::NORMAL)]);
    assert_eq!(game.seats().people(), 1);
}

#[test]
fn a_room_closes_a_minute_after_the_last_person_left() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    watch(&mut game, 3, 3, 1, now).unwrap();
    let both = [1, 2].map(|number| (connection(number), Departure::Left));
    game.note_departures(&both, now);
    assert!(!game.is_vacant(now.at), "a spectator is here");
    assert_eq!(game.closes_at(), None);

    game.note_departures(&[(connection(3), Departure::Lost)], now);

    assert_eq!(game.closes_at(), Some(now.at + Duration::from_secs(60)));
    assert!(game.is_vacant(now.at));
}

#[test]
fn an_input_that_changes_is_an_act_and_the_passing_of_ticks_is_none() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    assert_eq!(game.acted_at(), Some(now.at));

    let later = now + Duration::from_secs(500);
    game.step(later);
    assert_eq!(game.acted_at(), Some(now.at), "the world moves by itself");

    let next = game.round().unwrap().world().tick;
    let person = game.members().seats.iter_mut().next().unwrap().person_mut().unwrap();
    let thrust = Thrust::from_code(3).unwrap();
    person.inputs.file(next, &[Input { thrust, ..Input::default() }]);
    game.step(later);
    assert_eq!(game.acted_at(), Some(later.at));
}

/// The player with this number watches, from the address with this number.
fn watch(
    game: &mut Game,
    number: u32,
    connected: u32,
    address: u8,
    now: Now,
) -> Result<Vec<Action>, TooManySpectators> {
    let address = ClientAddress([192, 0, 2, address].into());
    game.watch(player(number).id, address, connection(connected), now)
}

#[test]
fn a_spectator_counts_once_and_a_fifth_connection_takes_the_place_of_the_first() {
    let now = Now::read();
    let (mut game, _) = duel(now);

    for connected in 10..14 {
        assert!(watch(&mut game, 3, connected, 1, now).unwrap().is_empty());
    }
    let actions = watch(&mut game, 3, 14, 1, now).unwrap();

    assert_eq!(closes(&actions), [(connection(10), close::REPLACED)]);
    assert_eq!(game.spectators().len(), 4);
}

#[test]
fn the_spectators_of_one_address_leave_some_places_to_others() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    let (all, of_one) = (64, 48);
    for number in 0..of_one {
        watch(&mut game, 100 + number, 100 + number, 1, now).unwrap();
    }

    let one_more = watch(&mut game, 300, 300, 1, now).err();
    assert_eq!(one_more, Some(TooManySpectators::FromAddress));

    for number in of_one..all {
        watch(&mut game, 100 + number, 100 + number, 2, now).unwrap();
    }
    assert_eq!(watch(&mut game, 300, 300, 3, now).err(), Some(TooManySpectators::InAll));
    assert!(watch(&mut game, 100, 301, 1, now).is_ok(), "one who watches already");
}

#[test]
fn a_new_name_shows_in_the_seat_and_in_the_stream_at_once() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    let name = PlayerName::parse("Countess").unwrap();

    let actions = game.rename(&Player { name: name.clone(), ..player(1) }, now);

    assert!(actions.iter().any(|action| matches!(action, Action::Roster { .. })));
    assert!(actions.iter().any(|action| matches!(action, Action::SeatsChanged)));
    assert!(game.seats().iter().any(|seat| seat.player.name == name));
    assert!(game.rename(&player(9), now).is_empty(), "not seated here");
}

/// The random numbers of the worlds of a game's first two rounds.
fn worlds(seed: Option<u64>) -> [u64; 2] {
    let now = Now::read();
    let mut game = game(Mode::Duel, BotPolicy::None, seed, now);
    [1, 2].map(|number| {
        enter(&mut game, number, now).unwrap();
        game.round().unwrap().world().rng.0
    })
}

#[test]
fn two_rooms_with_one_seed_play_the_same_worlds() {
    assert_eq!(worlds(Some(7)), worlds(Some(7)));
    assert_ne!(worlds(Some(7))[0], worlds(Some(7))[1]);
    assert_ne!(worlds(Some(7)), worlds(Some(8)));
    assert_ne!(worlds(None), worlds(None));
}

/// What a game with bots does in a round, told always the same.
fn deeds(now: Now) -> Vec<String> {
    let seeds = RoomSeeds { worlds: Rng(1), bots: Rng(2), replays: Rng(3) };
    let mut game = game_with(Mode::Brawl, BotPolicy::Mixed, seeds, now);
    let mut actions = game.start(now);
    actions.extend(enter(&mut game, 1, now).unwrap());
    while !game.is_round_over() {
        actions.extend(game.step(now));
    }
    actions.extend(game.end_round(now));
    actions.iter().map(|action| format!("{action:?}")).collect()
}

#[test]
fn two_games_that_are_told_the_same_do_the_same() {
    let now = Now::read();
    let deeds = [deeds(now), deeds(now)];
    assert!(deeds[0].len() > 60, "{} actions", deeds[0].len());
    assert_eq!(deeds[0], deeds[1]);
}

#[test]
fn the_last_round_is_played_to_its_end_and_its_result_is_shown() {
    let now = Now::read();
    let (mut game, _) = duel(now);
    game.begin_no_more();
    assert!(!game.has_finished(), "a round runs");

    play(&mut game, now);
    game.end_round(now);
    assert!(!game.has_finished(), "the result is shown");
    game.settled(None, now);
    game.step(now + Duration::from_secs(11));
    assert!(!game.has_finished(), "it still is");
    game.step(now + Duration::from_secs(12));

    assert!(game.has_finished());
    assert_eq!((game.rounds(), game.round().is_none()), (1, true));
}

#[test]
fn a_warm_up_and_a_round_without_people_hold_nothing_up() {
    let now = Now::read();
    let mut game = game(Mode::Duel, BotPolicy::None, None, now);
    enter(&mut game, 1, now).unwrap();
    game.begin_no_more();
    assert!(game.has_finished(), "one who warms up");
    enter(&mut game, 2, now).unwrap();
    assert!(game.has_finished(), "no round begins");
    assert_eq!(game.rounds(), 0);

    let (mut left, _) = duel(now);
    left.begin_no_more();
    let ended = [1, 2].map(|number| (connection(number), Departure::Left));
    left.note_departures(&ended, now);
    assert!(left.has_finished());
    let settled = left.end_round(now);
    assert!(settled.iter().any(|action| matches!(action, Action::Settle(_))));
}
