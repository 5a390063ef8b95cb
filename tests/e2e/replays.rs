//! Recorded rounds: as a file, in parts, and while they are being written.

use std::time::{Duration, Instant};

use reqwest::Method;
use shared::api::{ProblemKind, ReplayList, ReplaySummary};
use shared::id::{ReplayId, RoomId};
use shared::replay::{MAGIC, MEDIA_TYPE, Playback, ReplayReader};
use shared::sim::Mode;
use shared::tick::seconds;
use tests::player::Behaviour;
use tests::wait::DEADLINE;
use tests::{Answer, Guest, Player, TestServer, eventually, within};

/// A running duel.
async fn duel(server: &TestServer) -> (Player, Player, RoomId) {
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let (mut ada, bob) = (ada.play(room).await, bob.play(room).await);
    ada.set_behaviour(Behaviour::Fight).await;
    ada.until("a round of two", |view| view.roster.entries.len() == 2 && view.is_playing()).await;
    (ada, bob, room)
}

/// Plays one round to its end and waits for its recording.
async fn recorded_round(server: &TestServer) -> (ReplaySummary, Guest) {
    let (mut ada, _bob, _) = duel(server).await;
    let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
    let replay = server.finished_replay(view.summaries[0].replay).await;
    (replay, ada.guest().clone())
}

async fn ask(server: &TestServer, replay: ReplayId, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.request(Method::GET, &format!("/api/replays/{replay}/file"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request).await
}

#[tokio::test]
async fn a_round_can_be_replayed_from_its_file() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(4)).await;
    let (replay, ada) = recorded_round(&server).await;

    let file = server.replay_file(replay.id).await;

    assert_eq!(file.header("content-type"), MEDIA_TYPE);
    assert_eq!(file.header("accept-ranges"), "bytes");
    assert_eq!(file.body.len() as u64, replay.bytes);
    let mut reader = ReplayReader::new();
    reader.push(&file.body).unwrap();
    assert!(reader.is_complete() && reader.is_verified());
    assert_eq!((reader.diverged(), reader.available_ticks()), (0, replay.ticks));
    let mut playback = Playback::new();
    playback.seek(&reader, replay.ticks);
    let world = playback.world().unwrap();
    let slot = reader.roster().entries.iter().find(|entry| entry.player == ada.id()).unwrap().slot;
    let listed = replay.players.iter().find(|player| player.player == ada.id()).unwrap();
    assert_eq!(i32::from(world.disc(slot).unwrap().points), listed.points);
}

#[tokio::test]
async fn parts_of_a_file_can_be_asked_for() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(2)).await;
    let (replay, _) = recorded_round(&server).await;
    let whole = server.replay_file(replay.id).await;
    let (tag, size) = (whole.header("etag").to_owned(), whole.body.len());
    let get = async |headers: &[(&str, &str)]| ask(&server, replay.id, headers).await;

    let first = get(&[("range", "bytes=0-99")]).await;
    assert_eq!((first.status.as_u16(), &first.body[..]), (206, &whole.body[..100]));
    assert_eq!(first.header("content-range"), format!("bytes 0-99/{size}"));
    let rest = get(&[("range", "bytes=100-")]).await;
    assert_eq!((rest.status.as_u16(), &rest.body[..]), (206, &whole.body[100..]));
    let last = get(&[("range", "bytes=-40")]).await;
    assert_eq!((last.status.as_u16(), &last.body[..]), (206, &whole.body[size - 40..]));

    let beyond = get(&[("range", &format!("bytes={size}-"))]).await;
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), format!("bytes */{size}"));
    for unknown in ["bytes=5-2", "lines=1-2", "bytes=a-b", "bytes"] {
        assert_eq!(get(&[("range", unknown)]).await.status, 200, "{unknown}");
    }

    let same = get(&[("range", "bytes=0-9"), ("if-range", &tag)]).await;
    let other = get(&[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
    assert_eq!((same.status.as_u16(), other.status.as_u16()), (206, 200));
    assert_eq!(other.body, whole.body);
    assert!(tag.starts_with('"'), "a strong tag: {tag}");
    assert_eq!(get(&[("if-none-match", &tag)]).await.status, 304);
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(2)).await;
    let (replay, _) = recorded_round(&server).await;
    let whole = server.replay_file(replay.id).await;

    let path = format!("/api/replays/{}/file", replay.id);
    let head = server.send(server.request(Method::HEAD, &path)).await;

    assert!(head.body.is_empty());
    for name in ["content-length", "content-type", "etag", "accept-ranges"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    assert_eq!(head.status, whole.status);
}

#[tokio::test]
async fn the_list_of_replays_is_paged_and_filtered() {
    let server = TestServer::start_with(|config| {
        config.round_seconds = Some(1);
        config.summary_seconds = 0;
    })
    .await;
    let (mut ada, _bob, _) = duel(&server).await;
    ada.until("three rounds", |view| view.summaries.len() >= 3).await;
    let last = ada.view().summaries[2].replay;
    server.finished_replay(last).await;

    let list =
        async |query: &str| server.get(&format!("/api/replays{query}")).await.json::<ReplayList>();
    let page = list("?limit=2").await;
    assert_eq!(page.replays.len(), 2);
    assert!(page.replays[0].id > page.replays[1].id, "the newest first");
    let next = list(&format!("?limit=2&before={}", page.next.unwrap())).await;
    assert!(next.replays[0].id < page.replays[1].id);
    assert!(!list(&format!("?player={}", ada.guest().id())).await.replays.is_empty());
    assert!(list("?player=AAAAAAAAAAAA").await.replays.is_empty());
    assert!(list("?mode=brawl").await.replays.is_empty());
    assert!(!list("?mode=duel").await.replays.is_empty());
    for wrong in ["mode=chess", "limit=0", "limit=101", "limit=-1", "before=yesterday"] {
        let answer = server.get(&format!("/api/replays?{wrong}")).await;
        answer.assert_refused(ProblemKind::BadRequest);
    }
}

#[tokio::test]
async fn an_unknown_replay_is_refused_with_a_reason() {
    let server = TestServer::start().await;
    for path in ["/api/replays/AAAAAAAAAAAA", "/api/replays/AAAAAAAAAAAA/file", "/api/replays/x"] {
        server.get(path).await.assert_refused(ProblemKind::NotFound);
    }
}

/// A growing body, read piece by piece.
struct Growing {
    response: reqwest::Response,
    reader: ReplayReader,
    body: Vec<u8>,
}

impl Growing {
    async fn open(server: &TestServer, room: RoomId, query: &str) -> Self {
        let request = server.request(Method::GET, &format!("/api/rooms/{room}/live{query}"));
        let response = within("a growing body", request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert!(!headers.contains_key("content-length") && !headers.contains_key("etag"));
        Self { response, reader: ReplayReader::new(), body: Vec::new() }
    }

    /// Reads the next piece. Returns false at the end.
    async fn grow(&mut self) -> bool {
        let Some(piece) = within("a piece", self.response.chunk()).await.unwrap() else {
            return false;
        };
        self.reader.push(&piece).unwrap();
        self.body.extend(&piece);
        true
    }
}

#[tokio::test]
async fn a_running_round_is_read_as_it_grows() {
    let server = TestServer::start().await;
    let (_ada, _bob, room) = duel(&server).await;
    let mut live = Growing::open(&server, room, "").await;
    assert!(live.grow().await);

    let mut gaps = Vec::new();
    let mut ticks = live.reader.available_ticks();
    while gaps.len() < 60 {
        let began = Instant::now();
        assert!(live.grow().await, "the round runs on");
        gaps.push(began.elapsed());
        assert!(live.reader.available_ticks() >= ticks);
        ticks = live.reader.available_ticks();
    }

    gaps.sort_unstable();
    assert!(gaps[gaps.len() / 2] < Duration::from_millis(200), "{gaps:?}");
    assert!(!live.reader.is_complete());
    assert_eq!(live.reader.diverged(), 0);
    while live.grow().await {}
    assert!(live.reader.is_complete(), "the end was received");
}

#[tokio::test]
async fn a_round_read_from_its_start_while_it_runs_is_its_file() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(3)).await;
    let (mut ada, _bob, room) = duel(&server).await;
    let mut live = Growing::open(&server, room, "?from=start").await;

    while live.grow().await {}

    assert_eq!(live.reader.first_tick(), 0);
    assert!(live.reader.is_verified(), "digest and all");
    let view = ada.until("a summary", |view| !view.summaries.is_empty()).await;
    let replay = server.finished_replay(view.summaries[0].replay).await;
    assert_eq!(live.body, server.replay_file(replay.id).await.body);
}

#[tokio::test]
async fn a_live_stream_starts_at_the_end_or_at_the_start() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let room = ada.public_room(Mode::Duel).await;

    let answer = server.get(&format!("/api/rooms/{room}/live?from=middle")).await;

    answer.assert_refused(ProblemKind::BadRequest);
}

#[tokio::test]
async fn polling_the_recent_stream_gives_a_round_without_gaps() {
    let server = TestServer::start_with(|config| config.round_seconds = Some(60)).await;
    let (_ada, _bob, room) = duel(&server).await;
    let path = format!("/api/rooms/{room}/recent");
    let mut reader = ReplayReader::new();
    let mut cursors = Vec::new();

    eventually(DEADLINE, "four seconds of the round", async || {
        let after = cursors.last().map(|cursor| format!("?after={cursor}")).unwrap_or_default();
        let answer = server.get(&format!("{path}{after}")).await;
        assert!(answer.status.is_success());
        reader.push(&answer.body).unwrap();
        cursors.push(answer.header("pushback-cursor").to_owned());
        (reader.available_ticks() > reader.first_tick() + seconds(4)).then_some(())
    })
    .await;

    assert_eq!(reader.diverged(), 0);
    assert!(cursors.len() > 4, "{cursors:?}");
    // A cursor that is too old, or that never existed, starts with a keyframe again.
    for cursor in [cursors[0].as_str(), "1-999999", "7f-1"] {
        let anew = server.get(&format!("{path}?after={cursor}")).await;
        assert_eq!(anew.header("content-type"), MEDIA_TYPE);
        assert!(anew.body.starts_with(&MAGIC), "{cursor}");
    }
    server.get(&format!("{path}?after=yesterday")).await.assert_refused(ProblemKind::BadCursor);
}
