//! A crowd: each player is sent the discs nearby, exactly as they are; a spectator is sent all.

use std::collections::BTreeSet;

use shared::sim::{Disc, Mode, Slot, World};
use shared::snapshot::crowd::INTEREST_ENTER;
use shared::tick::seconds;
use tests::player::{Behaviour, View};
use tests::{Player, TestServer};

/// Number of players.
const PLAYERS: usize = 40;
/// Length of the round. The platform shrinks in its last third, so that all players meet in the end.
const ROUND_SECONDS: u32 = 24;
/// The round's last part, in ticks.
const LAST: u32 = seconds(ROUND_SECONDS / 3);
/// Number of players whose view is compared while the round runs.
const COMPARED: usize = PLAYERS / 3;

/// A disc as the players of a crowd are sent it: without its last push.
fn as_sent(disc: &Disc) -> Disc {
    Disc { last_push: None, ..disc.clone() }
}

/// Compares a player's world with the whole world at the same tick.
fn assert_sees_nearby_discs(view: &View, all: &World) {
    let world = view.world.as_ref().unwrap();
    assert!(world.is_partial() && !all.is_partial());
    assert_eq!(world.tick, all.tick);
    let own = view.disc().expect("the own disc is always sent").position;
    for disc in &world.discs {
        assert_eq!(Some(disc), all.disc(disc.slot).map(as_sent).as_ref(), "at {}", all.tick);
    }
    for disc in &all.discs {
        let way = disc.position - own;
        let is_near = way.x.abs() <= INTEREST_ENTER.x && way.y.abs() <= INTEREST_ENTER.y;
        assert!(!is_near || world.disc(disc.slot).is_some(), "{:?} at {}", disc.slot, all.tick);
    }
    assert_eq!(view.diverged, 0);
}

/// All players in one private room, fighting, and a spectator.
async fn crowd(server: &TestServer) -> (Vec<Player>, Player) {
    let first = server.guest("player 0").await;
    let room = first.private_room(Mode::Crowd).await;
    let mut players = vec![first.play(room).await];
    for number in 1..PLAYERS {
        players.push(server.guest(&format!("player {number}")).await.play(room).await);
    }
    for player in &players {
        player.set_behaviour(Behaviour::Fight).await;
    }
    let mut watching = server.guest("watching").await.spectate(room).await;
    let seats = |view: &View| (view.roster.entries.len(), view.world.as_ref().unwrap().discs.len());
    watching.until("all discs", |view| seats(view) == (PLAYERS, PLAYERS)).await;
    (players, watching)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_of_a_crowd_sees_nearby_discs_and_a_spectator_sees_all() {
    let server = TestServer::start_with(|config| {
        config.round_seconds = Some(ROUND_SECONDS);
        config.summary_seconds = 25;
    })
    .await;
    let (mut players, mut watching) = crowd(&server).await;

    // Players get snapshots in turns, some of them at the spectator's ticks.
    let mut compared: BTreeSet<Slot> = BTreeSet::new();
    while compared.len() < COMPARED {
        let last = watching.view().world.unwrap().tick;
        let next = |view: &View| view.world.as_ref().is_some_and(|now| now.tick != last);
        let all = watching.until("the next snapshot", next).await.world.unwrap();
        for view in players.iter().map(Player::view) {
            if view.world.as_ref().is_some_and(|world| world.tick == all.tick) {
                assert_sees_nearby_discs(&view, &all);
                compared.extend(view.seat);
            }
        }
        assert!(!all.is_over(), "only {compared:?} could be compared");
    }

    // On a busy machine a round takes longer than its nominal length.
    let is_late = |view: &View| view.world.as_ref().is_some_and(|world| world.remaining() < LAST);
    watching.until("the last seconds", is_late).await;
    let end = watching.until("the end", |view| !view.summaries.is_empty()).await;
    let all = end.world.as_ref().unwrap();
    assert!(all.is_over() && end.diverged == 0 && end.knockouts == 0);
    assert_eq!(all.discs.len(), PLAYERS);
    for player in &mut players {
        let view = player.until("a summary", |view| !view.summaries.is_empty()).await;
        assert_sees_nearby_discs(&view, all);
        let summary = view.last_summary().unwrap();
        assert_eq!(summary.results.len(), PLAYERS);
        assert!(summary.results.iter().any(|place| place.player == player.guest().id()));
        assert!(summary.results.iter().all(|place| place.rating_change == 0));
        assert_eq!(view.roster.name(view.seat.unwrap()), player.guest().name());
    }
    let scored: u32 = end.last_summary().unwrap().results.iter().map(|place| place.knockouts).sum();
    assert!(scored > 0 && end.falls >= scored, "{scored} of {}", end.falls);
    let near: Vec<_> = players.iter().filter_map(|player| player.view().world).collect();
    assert!(near.iter().any(|world| world.discs.len() < PLAYERS), "some discs were out of sight");
}
