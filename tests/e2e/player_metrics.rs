//! Connection statistics of each player: in `/metrics` while they play, in the log when they leave.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use shared::api::Role;
use shared::protocol::{ClientMessage, PlayReport, ServerMessage, close};
use shared::sim::{Input, Mode, Slot};
use shared::snapshot::{StreamDecoder, records};
use tests::player::Behaviour;
use tests::socket::GameSocket;
use tests::wait::{DEADLINE, eventually};
use tests::{Site, TestServer, within};

async fn server() -> TestServer {
    TestServer::start_with(|config| config.round_seconds = Some(600)).await
}

/// A metric of one seat. `None` while it is not exported.
fn figure_in(metrics: &str, name: &str, room: &str, seat: Slot) -> Option<f64> {
    let series = format!("pushback_player_{name}{{room=\"{room}\",seat=\"{}\"}} ", seat.0);
    metrics.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

async fn figure(site: &Site, name: &str, room: &str, seat: Slot) -> Option<f64> {
    figure_in(site.get("/metrics").await.text(), name, room, seat)
}

async fn figure_becomes(
    site: &Site,
    name: &str,
    (room, seat): (&str, Slot),
    wanted: impl Fn(Option<f64>) -> bool,
) {
    eventually(DEADLINE, name, async || wanted(figure(site, name, room, seat).await).then_some(()))
        .await;
}

/// Plays on, and addresses every input to a tick that many ticks ago.
async fn play_late(socket: &mut GameSocket, ticks: u32, count: usize) {
    let mut decoder = StreamDecoder::new();
    for _ in 0..count {
        let received = within("the round", socket.next()).await.expect("the room goes on");
        let ServerMessage::Frames(frames) = received else { continue };
        for frame in records(&frames) {
            decoder.apply(frame.unwrap()).unwrap();
        }
        let first = decoder.world().unwrap().tick.minus(ticks);
        let inputs =
            ClientMessage::Inputs { first, inputs: [Input::default(); 2].into_iter().collect() };
        socket.send(&inputs).await.unwrap();
    }
}

async fn seat_of(socket: &mut GameSocket) -> Slot {
    match within("a welcome", socket.next()).await {
        Ok(ServerMessage::Welcome { seat: Some(seat), .. }) => seat,
        other => panic!("{other:?} is no welcome to a seat"),
    }
}

/// The log of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn begin(&self) -> (tracing::subscriber::DefaultGuard, tracing::Dispatch) {
        let log = self.clone();
        let writer = tracing_subscriber::fmt().json().with_writer(move || log.clone());
        // With only one subscriber, `tracing` would cache that a line is disabled when another thread logs it first.
        let other = tracing::Dispatch::new(tracing_subscriber::registry());
        (tracing::subscriber::set_default(writer.finish()), other)
    }

    fn lines(&self) -> Vec<Value> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn late_inputs_show_in_the_metrics_while_seated_and_in_the_log_afterwards() {
    let log = Log::default();
    let _logging = log.begin();
    let server = server().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Brawl).await;
    let code = room.to_string();
    let bob = bob.play(room).await;
    bob.set_behaviour(Behaviour::Idle).await;
    let bobs = bob.view().seat.unwrap();
    let mut socket = ada.connect(room, Role::Player).await;
    let adas = seat_of(&mut socket).await;

    play_late(&mut socket, 9, 120).await;
    figure_becomes(&server, "inputs_total", (&code, bobs), |inputs| inputs > Some(60.0)).await;
    let metrics = server.get("/metrics").await;
    let of = |name: &str, seat: Slot| figure_in(metrics.text(), name, &code, seat).unwrap();

    assert!(of("inputs_late_total", adas) > 60.0);
    assert_eq!(of("inputs_late_total", adas), of("inputs_total", adas));
    assert!(of("inputs_missing_total", adas) > 60.0, "other inputs replaced them");
    let margin = of("input_margin_p99_seconds", adas);
    assert!((-0.27..-0.1).contains(&margin), "{margin} s");
    assert!(of("inputs_late_total", bobs) < of("inputs_total", bobs) / 2.0);
    assert!(of("sent_bytes_total", adas) > 300.0 && of("received_bytes_total", adas) > 300.0);
    assert_eq!((of("keyframes_total", adas), of("unsent_bytes", adas)), (1.0, 0.0));
    assert!(!metrics.text().contains("ada"), "no name is exported");

    socket.send(&ClientMessage::Leave).await.unwrap();
    figure_becomes(&server, "inputs_total", (&code, adas), |inputs| inputs.is_none()).await;

    assert!(figure(&server, "inputs_total", &code, bobs).await.is_some());
    let lines = log.lines();
    let left = lines.iter().map(|line| &line["fields"]).find(|of| of["message"] == "player left");
    let left = left.unwrap_or_else(|| panic!("no line about the player that left: {lines:?}"));
    assert_eq!((left["room"].as_str(), left["seat"].as_u64()), (Some(&*code), Some(adas.0.into())));
    assert_eq!(left["end"], "gave up the seat");
    assert_eq!(left["player"].as_str(), Some(&*ada.id().to_string()));
    assert!(left["late"].as_f64().unwrap() >= of("inputs_late_total", adas), "{left}");
    assert!(left["margin_p99_ticks"].as_i64().unwrap() <= -6, "{left}");
}

#[tokio::test]
async fn pings_measure_the_round_trip_and_the_code_of_a_private_room_is_hidden() {
    let quick = |config: &mut game_server::Config| {
        config.round_seconds = Some(600);
        config.ping = Duration::from_millis(100);
    };
    let server = TestServer::start_with(quick).await;
    let ada = server.guest("ada").await;
    let room = ada.private_room(Mode::Practice).await;
    let ada = ada.play(room).await;
    let seat = ada.view().seat.unwrap();

    let is_short = |time: Option<f64>| time.is_some_and(|time| time < 0.5);
    figure_becomes(&server, "rtt_seconds", ("private-1", seat), is_short).await;

    assert!(!server.get("/metrics").await.text().contains(&room.to_string()));
    ada.drop_connection().await;
    figure_becomes(&server, "inputs_total", ("private-1", seat), |inputs| inputs.is_none()).await;
}

#[tokio::test]
async fn a_plausible_client_report_shows_in_the_metrics() {
    let server = server().await;
    let ada = server.guest("ada").await;
    let room = ada.public_room(Mode::Practice).await;
    let code = room.to_string();
    let mut socket = ada.connect(room, Role::Player).await;
    let seat = seat_of(&mut socket).await;
    let mut watching = server.guest("bob").await.connect(room, Role::Spectator).await;
    let report = PlayReport {
        snapshot_age_p50_ms: 17,
        snapshot_age_p99_ms: 250,
        corrections_per_minute: 30,
        correction_p99_milliradii: 400,
        ..PlayReport::default()
    };

    socket.send(&ClientMessage::Report(report)).await.unwrap();
    figure_becomes(&server, "reported_snapshot_age_p99_seconds", (&code, seat), |age| {
        age == Some(0.25)
    })
    .await;
    let radii = figure(&server, "reported_correction_p99_radii", &code, seat).await;
    assert_eq!(radii, Some(0.4));

    let nonsense = PlayReport { snapshot_age_p50_ms: 300, ..report };
    socket.send(&ClientMessage::Report(nonsense)).await.unwrap();
    watching.send(&ClientMessage::Report(report)).await.unwrap();
    let (closed, sent_away) = tokio::join!(socket.closed(), watching.closed());
    assert_eq!((closed.code, sent_away.code), (Some(close::MALFORMED), Some(close::POLICY)));
}

#[tokio::test]
async fn metrics_for_each_player_can_be_switched_off() {
    let server = TestServer::start_with(|config| config.metrics_per_player = false).await;
    let ada = server.guest("ada").await;
    let room = ada.public_room(Mode::Practice).await;
    let mut ada = ada.play(room).await;

    // The metrics would show the player by then.
    ada.until("two seconds", |view| view.deltas > 60).await;

    assert!(!server.get("/metrics").await.text().contains("pushback_player_"));
}
