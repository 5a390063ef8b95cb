//! Players in one room: seats, rounds, pushes, and the scoreboard.

use shared::api::{Role, RoomPhase};
use shared::protocol::{ClientMessage, PlayerResult, close};
use shared::sim::{BotStrength, Mode, World};
use shared::snapshot::FrameKind;
use tests::player::Behaviour;
use tests::{Player, TestServer};

/// Length of a round that does not end during a story, in seconds.
const LONG_ROUND_SECONDS: u32 = 600;

async fn server_with_long_rounds() -> TestServer {
    TestServer::start_with(|config| config.round_seconds = Some(LONG_ROUND_SECONDS)).await
}

/// Two players in a duel whose round has begun.
async fn duel(server: &TestServer) -> (Player, Player) {
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let mut ada = ada.play(room).await;
    let mut bob = bob.play(room).await;
    ada.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    bob.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    (ada, bob)
}

#[tokio::test]
async fn two_players_push_each_other_and_the_score_reaches_the_scoreboard() {
    let server = server_with_long_rounds().await;
    let mut scores = server.watch_scores().await;
    let (mut ada, mut bob) = duel(&server).await;

    ada.score_a_point().await;
    let row = scores.until("ada", |row| row.points >= 1).await;
    assert_eq!((row.player, row.knockouts, row.bot), (ada.guest().id(), 1, false));
    let fallen = scores.until("bob", |row| row.falls >= 1).await;
    assert_eq!(fallen.falls, 1);

    bob.score_a_point().await;
    scores.until("bob", |row| row.points >= 1).await;

    assert!(ada.view().diverged == 0 && bob.view().diverged == 0);
    assert!(server.scoreboard().await.row_of("ada").is_some_and(|row| row.falls >= 1));
}

#[tokio::test]
async fn all_clients_of_a_room_see_the_same_world() {
    let server = server_with_long_rounds().await;
    let (ada, bob) = duel(&server).await;
    ada.set_behaviour(Behaviour::Fight).await;
    bob.set_behaviour(Behaviour::Fight).await;
    let room = server.rooms().await.rooms[0].id;
    let mut late = server.guest("late").await.spectate(room).await;

    let seen = late.until("three seconds of play", |view| view.deltas > 90).await;

    assert_eq!(&seen.opening[..2], [FrameKind::Roster, FrameKind::Keyframe]);
    assert_eq!(seen.seat, None);
    for other in [ada.view(), bob.view()] {
        assert_eq!(seen.agrees_with(&other), Some(true));
        assert_eq!(other.diverged, 0);
    }
    assert_eq!(seen.diverged, 0);
}

#[tokio::test]
async fn a_round_ends_with_a_summary_and_the_next_begins() {
    let server = TestServer::start().await;
    let (mut ada, mut bob) = duel(&server).await;
    ada.set_behaviour(Behaviour::Fight).await;
    bob.set_behaviour(Behaviour::Aim).await;

    let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
    bob.until("a summary", |view| !view.summaries.is_empty()).await;

    let summary = view.last_summary().unwrap();
    let winner = &summary.results[0];
    assert_eq!((winner.player, winner.bot), (ada.guest().id(), false));
    assert!(winner.points >= 1 && winner.knockouts >= 1);
    assert!(winner.rating_change > 0 && summary.results[1].rating_change < winner.rating_change);
    let keyframes = view.keyframes;
    ada.until("the next round", |view| view.keyframes > keyframes && view.is_playing()).await;
    let board = server.scoreboard().await;
    let row = board.row_of("ada").unwrap();
    assert_eq!((row.rounds, row.wins, row.rating), (1, 1, winner.rating));
    let profile: shared::api::PlayerProfile =
        server.get(&format!("/api/players/{}", winner.player)).await.json();
    assert_eq!(profile.curve.last().map(|point| point.rating), Some(winner.rating));
}

#[tokio::test]
async fn a_player_that_joins_in_the_last_quarter_is_not_rated() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(12)).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let (stays, goes) = (server.guest("stays").await, server.guest("goes").await);
    let room = ada.public_room(Mode::Brawl).await;
    let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
    ada.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    // A player that stands still falls when the platform shrinks, as Bob does.
    ada.set_behaviour(Behaviour::Fight).await;
    bob.set_behaviour(Behaviour::Aim).await;
    ada.until("a point", |view| view.knockouts > 0).await;

    let is_late = |world: &World| world.remaining() < world.round_ticks / 4;
    ada.until("the last quarter", |view| view.world.as_ref().is_some_and(is_late)).await;
    let (stays, mut goes) = (stays.play(room).await, goes.play(room).await);
    goes.send(ClientMessage::Leave).await;
    goes.closed().await;

    let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
    let places = &view.last_summary().unwrap().results;
    let change_of = |player: &Player| {
        let own = |place: &&PlayerResult| place.player == player.guest().id();
        places.iter().find(own).expect("a place for each player").rating_change
    };
    assert!(change_of(&ada) > 0 && change_of(&bob) < 0);
    assert_eq!((change_of(&stays), change_of(&goes)), (0, 0));
}

#[tokio::test]
async fn a_player_may_decline_a_rematch() {
    let server = TestServer::start_with(|config| {
        config.round_seconds = Some(2);
        config.summary_seconds = 3;
    })
    .await;
    let (mut ada, mut bob) = duel(&server).await;
    ada.until("a summary", |view| !view.summaries.is_empty()).await;

    ada.send(ClientMessage::Rematch { wanted: true }).await;
    bob.send(ClientMessage::Rematch { wanted: false }).await;

    assert_eq!(bob.closed().await.code, Some(close::NORMAL));
    ada.until("a warm-up alone", |view| view.roster.entries.len() == 1 && view.is_playing()).await;
}

#[tokio::test]
async fn a_reconnect_gets_its_seat_back() {
    let server = server_with_long_rounds().await;
    let (mut ada, mut bob) = duel(&server).await;
    bob.score_a_point().await;
    let (seat, points) = (bob.view().seat, bob.view().disc().map(|disc| disc.points));
    let room = server.rooms().await.rooms[0].id;

    let bob = bob.drop_connection().await;
    ada.until("a seat that waits", |view| view.roster.entries.iter().any(|e| e.reconnecting)).await;
    let waiting = server.room(room).await.seated.iter().any(|seat| seat.reconnecting);
    let bob = bob.play(room).await;

    assert!(waiting, "the room's page shows it too");
    assert_eq!(bob.view().seat, seat);
    assert_eq!(bob.view().disc().map(|disc| disc.points), points);
    let all_are_connected =
        |view: &tests::player::View| view.roster.entries.iter().all(|e| !e.reconnecting);
    ada.until("all connections are back", all_are_connected).await;
}

#[tokio::test]
async fn one_player_with_two_connections_keeps_the_newer_one() {
    let server = server_with_long_rounds().await;
    let (mut ada, _bob) = duel(&server).await;
    let room = server.rooms().await.rooms[0].id;

    let mut newer = ada.guest().play(room).await;

    assert_eq!(ada.closed().await.code, Some(close::REPLACED));
    assert_eq!(newer.view().seat, ada.view().seat);
    let seen = newer.view().deltas;
    newer.until("a room that goes on", |view| view.deltas > seen + 10).await;
    assert_eq!(server.room(room).await.seated.len(), 2);
}

#[tokio::test]
async fn leaving_frees_the_seat_at_once() {
    let server = server_with_long_rounds().await;
    let (mut ada, mut bob) = duel(&server).await;

    bob.send(ClientMessage::Leave).await;

    assert_eq!(bob.closed().await.code, Some(close::NORMAL));
    ada.until("a free seat", |view| view.roster.entries.len() == 1).await;
    let room = server.rooms().await.rooms[0].clone();
    assert_eq!((room.players, room.seats), (1, 2));
    assert_eq!(server.guest("cid").await.ask_for_ticket(room.id, Role::Player).await.status, 201);
}

#[tokio::test]
async fn a_ping_is_answered_at_once() {
    let server = server_with_long_rounds().await;
    let (mut ada, _bob) = duel(&server).await;

    ada.send(ClientMessage::Ping { nonce: 77 }).await;

    assert_eq!(ada.until("a pong", |view| !view.pongs.is_empty()).await.pongs, [77]);
}

#[tokio::test]
async fn the_server_reports_the_timing_of_inputs() {
    let server = server_with_long_rounds().await;
    let (mut ada, _bob) = duel(&server).await;

    let view = ada.until("a report", |view| view.inputs_received > 60).await;

    assert!(view.margin_ticks.is_some());
    assert!(view.inputs_late < view.inputs_received / 2, "{} late", view.inputs_late);
}

#[tokio::test]
async fn bots_fill_a_room_and_give_way() {
    let server = server_with_long_rounds().await;
    let ada = server.guest("ada").await;
    let room = ada.bot_room(Mode::Teams, BotStrength::Keen).await;

    let mut ada = ada.play(room).await;
    let filled = Mode::Teams.bot_fill();
    let full = ada.until("bots", |view| view.roster.entries.len() == filled).await;
    let bots =
        |view: &tests::player::View| view.roster.entries.iter().filter(|e| e.bot.is_some()).count();
    assert_eq!(bots(&full), filled - 1);

    let bob = server.guest("bob").await.play(room).await;
    let fewer = ada.until("one bot less", |view| bots(view) == filled - 2).await;
    let in_first = fewer.roster.entries.iter().filter(|entry| entry.team == 0).count();
    assert_eq!(in_first, filled / 2, "teams stay even");
    assert_ne!(bob.view().roster.entries.len(), 0);
    let listed = server.room(room).await.summary;
    assert_eq!((listed.players, listed.bots as usize), (2, filled - 2));
}

#[tokio::test]
async fn a_private_room_is_found_by_its_code_alone() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;

    let room = ada.private_room(Mode::Brawl).await;

    assert!(server.rooms().await.rooms.is_empty());
    let details = server.room(room).await;
    assert!(details.private);
    assert_eq!(details.summary.phase, RoomPhase::Waiting);
    let bob = server.guest("bob").await.play(room).await;
    assert!(bob.view().seat.is_some());
}

#[tokio::test]
async fn the_list_of_rooms_is_a_feed() {
    let server = TestServer::start().await;
    let mut rooms = server.subscribe("rooms", tests::feed::Transport::Sse).await;
    let ada = server.guest("ada").await;

    let room = ada.public_room(Mode::Brawl).await;
    let _ada = ada.play(room).await;

    let listed = async {
        loop {
            let envelope = tests::feed::next(&mut *rooms).await;
            if envelope.kind == shared::api::RoomList::EVENT_ROOM && envelope.data["players"] == 1 {
                return envelope.data["id"].clone();
            }
        }
    };
    assert_eq!(tests::within("the room with its player", listed).await, room.to_string());
}
