//! Recordings in a bucket: where they go, what happens while it is away, and what a lost disk costs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use game_server::Config;
use shared::api::{ProblemKind, ReplaySummary};
use shared::replay::ReplayReader;
use shared::sim::Mode;
use tests::bucket::TestBucket;
use tests::player::Behaviour;
use tests::proxy::Proxy;
use tests::server::refused_start;
use tests::{Player, ServerProcess, Site, TestServer, eventually, wait};

const PLAIN: &str = r#"exec "$0" "$@""#;

/// Changes the settings of a server so that its recordings go to this bucket.
fn sends_to(bucket: &TestBucket, store: &Site, config: &mut Config) {
    config.blobs = Some(bucket.url(store).parse().unwrap());
    config.blobs_credentials = Some(bucket.credentials());
    config.round_seconds = Some(3);
}

/// A running duel.
async fn duel(server: &Site) -> (Player, Player) {
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
    ada.set_behaviour(Behaviour::Fight).await;
    ada.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    (ada, bob)
}

/// Plays a round to its end. Returns its recording.
async fn recorded_round(server: &Site) -> ReplaySummary {
    let (mut ada, _bob) = duel(server).await;
    let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
    server.finished_replay(view.summaries[0].replay).await
}

/// The complete recordings in a server's folder.
fn whole_files(data: &Path) -> usize {
    let files = fs::read_dir(data.join("replays")).unwrap().flatten();
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "replay")).count()
}

async fn assert_plays(server: &Site, replay: &ReplaySummary) {
    let file = server.replay_file(replay.id).await;
    assert_eq!((file.status.as_u16(), file.body.len() as u64), (200, replay.bytes));
    let mut reader = ReplayReader::new();
    reader.push(&file.body).unwrap();
    assert!(reader.is_complete() && reader.is_verified());
}

#[tokio::test]
async fn a_complete_recording_leaves_the_folder_for_the_bucket_and_plays_from_there() {
    let bucket = TestBucket::start().await;
    let server = TestServer::start_with(|config| sends_to(&bucket, bucket.site(), config)).await;
    let replay = recorded_round(&server).await;

    let key = format!("replays/{}/{}", replay.id, replay.bytes);
    eventually(wait::DEADLINE, "the recording in the bucket", async || {
        (bucket.keys().contains(&key) && whole_files(server.data()) == 0).then_some(())
    })
    .await;

    assert_plays(&server, &replay).await;
    let whole = server.replay_file(replay.id).await;
    let path = format!("/api/replays/{}/file", replay.id);
    let part = server.request(reqwest::Method::GET, &path).header("range", "bytes=100-199");
    let part = server.send(part).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &whole.body[100..200]));
}

#[tokio::test]
async fn while_the_bucket_is_away_rounds_are_played_recorded_and_downloaded_and_sent_later() {
    let bucket = TestBucket::start().await;
    let proxy = Proxy::to(bucket.site()).await;
    let server = TestServer::start_with(|config| sends_to(&bucket, proxy.site(), config)).await;
    let before = recorded_round(&server).await;
    server.metric_becomes("pushback_engine_waiting", |waiting| waiting == 0.0).await;
    eventually(wait::DEADLINE, "the recording in the bucket", async || {
        (whole_files(server.data()) == 0).then_some(())
    })
    .await;

    // Every connection of the server to the store ends, and no new one carries a byte.
    proxy.hold(true);
    proxy.cut();
    let meanwhile = recorded_round(&server).await;
    let connected = "pushback_engine_connected{engine=\"bucket\"} 0";
    eventually(Duration::from_secs(60), "a bucket that is known to be away", async || {
        server.get("/metrics").await.text().contains(connected).then_some(())
    })
    .await;
    assert_plays(&server, &meanwhile).await;
    assert!(server.is_ready().await, "people can play");
    let away = server.replay_file(before.id).await;
    assert_eq!(away.assert_refused(ProblemKind::Internal).status, 503);
    assert_eq!(away.header("retry-after"), "5");

    proxy.hold(false);
    eventually(Duration::from_secs(60), "the recordings in the bucket", async || {
        (whole_files(server.data()) == 0).then_some(())
    })
    .await;
    assert_plays(&server, &before).await;
    assert_plays(&server, &meanwhile).await;
    server.metric_becomes("pushback_engine_waiting", |waiting| waiting == 0.0).await;
}

#[tokio::test]
async fn a_start_on_another_disk_saves_what_a_killed_server_had_of_a_round() {
    let bucket = TestBucket::start().await;
    let database = format!("--database-url={}", test_postgres::empty_database());
    let blobs = format!("--blobs={}", bucket.url(bucket.site()));
    let credentials = format!("--blobs-credentials={}", bucket.credentials().display());
    let flags =
        [&*database, &blobs, &credentials, "--node=eu-1", "--round-seconds=600", "--bots=false"];
    let mut server = ServerProcess::start_with(&flags).await;
    let (mut ada, _bob) = duel(&server).await;
    let part = eventually(wait::DEADLINE, "a copy of the round", async || {
        bucket.keys().into_iter().find(|key| key.starts_with("parts/eu-1/"))
    })
    .await;
    ada.until("a second of it", |view| view.deltas > 30).await;

    server.kill();
    // Its folder is gone: this one has an empty one.
    let heir = ServerProcess::start_with(&flags).await;

    let id = part.strip_prefix("parts/eu-1/").unwrap();
    let replay: ReplaySummary = heir.get(&format!("/api/replays/{id}")).await.json();
    assert!(!replay.complete && replay.ticks > 0, "{replay:?}");
    let key = format!("replays/{id}/{}", replay.bytes);
    eventually(wait::DEADLINE, "the recording in the bucket", async || {
        let keys = bucket.keys();
        (keys.contains(&key) && !keys.contains(&part)).then_some(())
    })
    .await;
    let file = heir.replay_file(replay.id).await;
    assert_eq!(file.body.len() as u64, replay.bytes);
}

#[tokio::test]
async fn recordings_of_before_move_into_the_bucket() {
    let bucket = TestBucket::start().await;
    let mut server = ServerProcess::start(3).await;
    let replay = recorded_round(&server).await;
    assert_eq!(whole_files(&server.data().join("data")), 1);
    server.stop().await;

    let blobs = format!("--blobs={}", bucket.url(bucket.site()));
    let credentials = format!("--blobs-credentials={}", bucket.credentials().display());
    server.restart_with(&[&blobs, &credentials]).await;

    eventually(wait::DEADLINE, "the recording in the bucket", async || {
        (whole_files(&server.data().join("data")) == 0).then_some(())
    })
    .await;
    assert_plays(&server, &replay).await;
}

#[tokio::test]
async fn a_bucket_that_refuses_ends_the_start_with_the_reason_and_without_the_secret() {
    let bucket = TestBucket::start().await;
    let wrong = bucket.credentials().with_file_name("wrong");
    let (key, secret) = ("AWS_ACCESS_KEY_ID=ANOTHER", bucket.secret());
    fs::write(&wrong, format!("{key}\nAWS_SECRET_ACCESS_KEY={secret}\n")).unwrap();
    let missing = bucket.url(bucket.site()).replace("//replays/", "//nothing-here/");
    let unreadable = bucket.credentials().with_file_name("nowhere");
    let read_only = TestBucket::start().await;
    read_only.refuse_writing(true);
    for (blobs, credentials) in [
        (bucket.url(bucket.site()), wrong),
        (missing, bucket.credentials()),
        (bucket.url(bucket.site()), unreadable),
        (read_only.url(read_only.site()), read_only.credentials()),
    ] {
        let blobs = format!("--blobs={blobs}");
        let credentials = format!("--blobs-credentials={}", credentials.display());

        let refused = refused_start(PLAIN, &[&blobs, &credentials]).await;

        assert_eq!(refused.code, Some(1), "{}", refused.log);
        assert!(refused.log.contains("opening the bucket"), "{}", refused.log);
        assert!(!refused.log.contains(secret), "{}", refused.log);
    }
}
