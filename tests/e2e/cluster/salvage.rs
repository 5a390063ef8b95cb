//! What remains of a node that is killed, and what becomes of one that was taken for dead.

use std::time::{Duration, Instant};

use shared::api::{PlayerProfile, ReplaySummary, ScoreRow};
use shared::id::{PlayerId, ReplayId, RoomId};
use shared::replay::ReplayReader;
use shared::sim::Mode;
use shared::tick::TICK_RATE_HZ;
use tests::player::Behaviour;
use tests::{Guest, Player, Site, TestCluster, eventually, wait};

use super::rooms::{listed, unfollowed};

/// A node is dead after twelve seconds of silence.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);
/// Then its recordings are saved.
const SAVED_WITHIN: Duration = Duration::from_secs(25);
/// What of a round may be lost.
const LOST_MAX: u32 = 5 * TICK_RATE_HZ;

/// A duel that runs.
async fn duel(on: &Site, names: [&str; 2]) -> (RoomId, [Player; 2]) {
    let guests = [on.guest(names[0]).await, on.guest(names[1]).await];
    duel_of(on, [&guests[0], &guests[1]]).await
}

async fn duel_of(on: &Site, [ada, bob]: [&Guest; 2]) -> (RoomId, [Player; 2]) {
    let room = ada.at(on).public_room(Mode::Duel).await;
    let mut players = [ada.at(on).play(room).await, bob.at(on).play(room).await];
    let both = "a round of two";
    players[0].until(both, |view| view.is_playing() && view.roster.entries.len() == 2).await;
    (room, players)
}

/// The recordings of a room.
async fn replays_of(site: &Site, room: RoomId) -> Vec<ReplaySummary> {
    let all = site.replays().await.replays;
    all.into_iter().filter(|replay| replay.room == room).collect()
}

/// The keys below `folder` in the bucket.
fn keys_below(cluster: &TestCluster, folder: &str) -> Vec<String> {
    let keys = cluster.bucket().keys().into_iter();
    keys.filter(|key| key.starts_with(folder)).collect()
}

/// Downloads a recording and plays it. Returns how far it goes.
async fn played_ticks(site: &Site, replay: &ReplaySummary) -> u32 {
    let file = site.replay_file(replay.id).await;
    assert_eq!((file.status.as_u16(), file.body.len() as u64), (200, replay.bytes));
    let mut reader = ReplayReader::new();
    reader.push(&file.body).unwrap();
    reader.available_ticks()
}

/// Waits until the scoreboard of a site has the row of this player that the store has, and the player in no room.
async fn shows_what_is_kept(site: &Site, player: PlayerId) {
    let what = format!("the row of {player} as the store has it, on {}", site.address());
    eventually(Duration::from_secs(30), &what, async || {
        let kept: PlayerProfile = site.get(&format!("/api/players/{player}")).await.json();
        let shown = site.scoreboard().await;
        let shown = shown.rows.iter().find(|row| row.player == player)?;
        let kept = ScoreRow { playing: None, ..kept.row };
        (*shown == kept).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_killed_node_s_room_is_closed_and_its_recording_saved_once() {
    let mut cluster = TestCluster::start_with(3, &["--round-seconds=600"]).await;
    let (room, [mut ada, bob]) = duel(cluster.node("a"), ["ada", "bob"]).await;
    listed(&cluster, room, true).await;
    ada.set_behaviour(Behaviour::Fight).await;
    ada.score_a_point().await;
    let elapsed = |player: &Player| player.view().world.map_or(0, |world| world.elapsed());
    ada.until("ten seconds", |view| {
        view.world.as_ref().is_some_and(|world| world.elapsed() > 10 * TICK_RATE_HZ)
    })
    .await;
    let guests = [ada.guest().clone(), bob.guest().clone()];

    let reached = elapsed(&ada);
    cluster.kill("a");
    let killed = Instant::now();

    for name in ["b", "c"] {
        let (node, path) = (cluster.node(name), format!("/api/rooms/{room}"));
        let what = format!("a closed room on {name}");
        let left = CLOSED_WITHIN.saturating_sub(killed.elapsed());
        eventually(left, &what, async || {
            let is_listed = node.rooms().await.rooms.iter().any(|listed| listed.id == room);
            let (status, _) = unfollowed(node, &guests[0], reqwest::Method::GET, &path).await;
            (!is_listed && status != 307).then_some(())
        })
        .await;
        for guest in &guests {
            let row = node.scoreboard().await.rows.into_iter().find(|row| row.player == guest.id());
            assert_eq!(row.map(|row| (row.playing, row.points)), Some((None, 0)), "{name}");
        }
    }

    let [b, c] = ["b", "c"].map(|name| Site::clone(cluster.node(name)));
    let saved = eventually(SAVED_WITHIN, "a recording that was cut off", async || {
        replays_of(&b, room).await.pop()
    })
    .await;
    assert!(!saved.complete && saved.ticks + LOST_MAX >= reached, "{saved:?} of {reached}");
    assert_eq!(saved.players.len(), 2);
    assert_eq!(played_ticks(&c, &saved).await, saved.ticks);
    let of_replay = format!("replays/{}/", saved.id);
    assert_eq!(keys_below(&cluster, &of_replay).len(), 1);

    cluster.restart("a").await;
    let a = cluster.node("a");
    eventually(wait::DEADLINE, "a node that has saved its own", async || {
        let is_sent = keys_below(&cluster, "parts/a/").is_empty();
        (a.is_ready().await && is_sent).then_some(())
    })
    .await;
    let whole = eventually(wait::DEADLINE, "the file of its entry", async || {
        let entry = replays_of(&b, room).await.pop()?;
        let key = format!("replays/{}/{}", entry.id, entry.bytes);
        cluster.bucket().keys().contains(&key).then_some(entry)
    })
    .await;
    assert!(whole.id == saved.id && whole.ticks >= saved.ticks, "{whole:?}");
    assert_eq!(replays_of(&b, room).await.len(), 1);
    assert!(keys_below(&cluster, &of_replay).len() <= 2);
    assert_eq!(played_ticks(&c, &whole).await, whole.ticks);
}

#[tokio::test]
async fn a_node_that_stops_takes_the_points_of_unfinished_rounds_off_every_scoreboard() {
    let mut cluster = TestCluster::start_with(2, &["--round-seconds=600"]).await;
    let (_, [mut ada, bob]) = duel(cluster.node("b"), ["ada", "bob"]).await;
    ada.set_behaviour(Behaviour::Fight).await;
    ada.score_a_point().await;
    let guests = [ada.guest().id(), bob.guest().id()];
    let a = Site::clone(cluster.node("a"));
    let row = async |player| {
        let rows = a.scoreboard().await.rows;
        rows.into_iter().find(|row| row.player == player).map(|row| (row.playing, row.points))
    };
    eventually(wait::DEADLINE, "a point of a round that runs", async || {
        row(guests[0])
            .await
            .is_some_and(|(playing, points)| playing.is_some() && points > 0)
            .then_some(())
    })
    .await;

    cluster.stop("b").await;

    // Sooner than the steward compares the scoreboard with the store twice.
    eventually(Duration::from_secs(2), "rows without that round", async || {
        for player in guests {
            if row(player).await != Some((None, 0)) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_result_that_a_killed_node_could_not_settle_is_settled_by_another() {
    let mut cluster = TestCluster::start(3).await;
    let (room, [ada, bob]) = duel(cluster.node("a"), ["ada", "bob"]).await;
    ada.set_behaviour(Behaviour::Fight).await;
    let players = [ada.guest().id(), bob.guest().id()];
    let node = cluster.node("a");
    node.metric_becomes("pushback_connections", |open| open >= 2.0).await;

    // From here on the database does not answer this node.
    cluster.database_of("a").hold(true);
    let is_result = |key: &String| key.ends_with(".result");
    let result = eventually(Duration::from_secs(40), "a result in the bucket", async || {
        keys_below(&cluster, "parts/a/").into_iter().find(is_result)
    })
    .await;
    cluster.kill("a");

    let id: ReplayId = result["parts/a/".len()..].trim_end_matches(".result").parse().unwrap();
    let b = cluster.node("b");
    let entry = eventually(SAVED_WITHIN, "the entry of the round", async || {
        replays_of(b, room).await.into_iter().find(|replay| replay.id == id)
    })
    .await;
    assert_eq!(entry.players.len(), 2);
    for player in players {
        for name in ["b", "c"] {
            shows_what_is_kept(cluster.node(name), player).await;
        }
        let row = b.scoreboard().await.rows.into_iter().find(|row| row.player == player);
        assert_eq!(row.map(|row| row.rounds), Some(1));
    }
    eventually(SAVED_WITHIN, "a bucket without anything of the dead", async || {
        keys_below(&cluster, "parts/a/").is_empty().then_some(())
    })
    .await;
    assert!(played_ticks(cluster.node("c"), &entry).await > 0);
}

#[tokio::test]
async fn a_living_node_that_was_taken_for_dead_tells_its_rooms_again() {
    let cluster = TestCluster::start_with(3, &["--round-seconds=600"]).await;
    let (room, [ada, _bob]) = duel(cluster.node("a"), ["ada", "bob"]).await;
    listed(&cluster, room, true).await;
    let player = ada.guest().id();

    cluster.nats_of("a").hold(true);
    let b = cluster.node("b");
    let playing = async || {
        let scoreboard = b.scoreboard().await;
        scoreboard.rows.into_iter().find(|row| row.player == player).map(|row| row.playing)
    };
    eventually(wait::DEADLINE, "a room that is over for the others", async || {
        let list = b.rooms().await;
        let is_listed = list.rooms.iter().any(|listed| listed.id == room);
        (!is_listed && playing().await == Some(None)).then_some(())
    })
    .await;

    cluster.nats_of("a").hold(false);
    listed(&cluster, room, true).await;
    eventually(wait::DEADLINE, "a player who plays there", async || {
        (playing().await == Some(Some(room))).then_some(())
    })
    .await;
    let path = format!("/api/rooms/{room}");
    let (status, _) = unfollowed(b, ada.guest(), reqwest::Method::GET, &path).await;
    assert_eq!(status, 307, "it is in the directory");
    assert!(ada.view().closed.is_none(), "the round went on");
}

#[tokio::test]
async fn rounds_on_two_nodes_add_up_on_every_scoreboard() {
    let cluster = TestCluster::start(2).await;
    let (a, b) = (cluster.node("a"), cluster.node("b"));
    let guests = [a.guest("ada").await, a.guest("bob").await];
    let mut summaries = 0;
    for node in [a, b, a] {
        let (room, [mut ada, _bob]) = duel_of(node, [&guests[0], &guests[1]]).await;
        // The row has the rounds of the other node from the first moment on.
        let row = eventually(wait::DEADLINE, "a row that names the room", async || {
            let rows = node.scoreboard().await.rows;
            rows.into_iter().find(|row| row.player == guests[0].id() && row.playing == Some(room))
        })
        .await;
        assert!(row.rounds >= summaries, "{row:?} of {summaries}");
        ada.set_behaviour(Behaviour::Fight).await;
        ada.until("a summary", |view| !view.summaries.is_empty()).await;
        summaries += 1;
    }

    for guest in &guests {
        for node in [a, b] {
            shows_what_is_kept(node, guest.id()).await;
            let profile: PlayerProfile =
                node.get(&format!("/api/players/{}", guest.id())).await.json();
            assert!(profile.row.rounds >= summaries, "{profile:?}");
        }
    }
}
