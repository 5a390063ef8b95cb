//! What is late on a node, and how it says so: a feed without its log, over a WebSocket, and a recording on its way from another
//! node.

use std::time::{Duration, Instant};

use shared::api::{ProblemKind, RoomSummary};
use shared::feed::Heartbeat;
use shared::sim::Mode;
use tests::feed::{self, AnyEnvelope, FeedSocket};
use tests::player::Behaviour;
use tests::wait::within_time;
use tests::{TestCluster, eventually, wait, within};

/// Time until the readers of a node that does not hear of the others are told so.
const TOLD_WITHIN: Duration = Duration::from_secs(15);
/// Time until they have everything after NATS came back.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// How long a feed may have been silent before it is known to be late.
const UNNOTICED_MS_MAX: u64 = 10_000;
/// A request waits three seconds for a file on its way.
const WAITED: Duration = Duration::from_millis(2_500);

/// Reads on until a heartbeat says that the feed is late, or that it is not. Returns it, and the events before it.
async fn until_late(socket: &mut FeedSocket, wanted: bool) -> (Heartbeat, Vec<AnyEnvelope>) {
    let mut events = Vec::new();
    loop {
        let (before, envelope) = (socket.heartbeats, socket.any_envelope().await);
        let envelope = envelope.expect("the subscription goes on");
        match socket.heartbeat.filter(|_| socket.heartbeats > before) {
            Some(beat) if beat.late_since_ms.is_some() == wanted => return (beat, events),
            Some(_) => {}
            None => events.push(envelope),
        }
    }
}

#[tokio::test]
async fn a_websocket_is_told_since_when_its_feed_is_late_and_that_it_is_not_any_more() {
    let cluster = TestCluster::start(2).await;
    let bob = cluster.node("b").guest("bob").await;
    let open = async |node| FeedSocket::open(cluster.node(node), "rooms", None).await.unwrap();
    let (mut socket, mut well) = (open("a").await, open("b").await);
    let (before, _) = within("a heartbeat", until_late(&mut socket, false)).await;

    cluster.nats_of("a").hold(true);
    let told = until_late(&mut socket, true);
    let (beat, _) = within_time(TOLD_WITHIN, "lateness", told).await;
    let since_ms = beat.late_since_ms.unwrap();
    let silent = before.at_ms.saturating_sub(UNNOTICED_MS_MAX)..=beat.at_ms;
    assert!(silent.contains(&since_ms), "{before:?} {beat:?}");
    let mut begun = open("a").await;
    let (first, _) = within("lateness at the begin", until_late(&mut begun, true)).await;
    assert_eq!((begun.heartbeats, first.late_since_ms), (1, Some(since_ms)));
    let meanwhile = bob.public_room(Mode::Brawl).await;

    cluster.nats_of("a").hold(false);

    for socket in [&mut socket, &mut begun] {
        let told = until_late(socket, false);
        let (_, events) = within_time(BACK_WITHIN, "the end of lateness", told).await;
        let rooms = events.iter().filter(|event| event.kind == "room");
        let has_room =
            rooms.map(|event| feed::data::<RoomSummary>(event).id).any(|id| id == meanwhile);
        assert!(has_room, "what happened meanwhile comes before: {events:?}");
    }
    let (_, events) = within("a heartbeat", until_late(&mut well, false)).await;
    assert!(events.iter().all(|event| event.kind != "reset"), "{events:?}");
}

#[tokio::test]
async fn a_recording_on_its_way_from_another_node_is_waited_for_and_asked_for_again() {
    let cluster = TestCluster::start(2).await;
    let (a, b) = (cluster.node("a"), cluster.node("b"));
    let (ada, bob) = (a.guest("ada").await, a.guest("bob").await);
    cluster.bucket().refuse_writing(true);
    let room = ada.public_room(Mode::Duel).await;
    let (mut ada, _bob) = (ada.play(room).await, bob.play(room).await);
    ada.set_behaviour(Behaviour::Fight).await;
    let view = ada.until("a round's end", |view| !view.summaries.is_empty()).await;
    let replay = b.finished_replay(view.summaries[0].replay).await;
    assert_eq!(a.replay_file(replay.id).await.status, 200, "its own node has it");

    let began = Instant::now();
    let late = b.replay_file(replay.id).await;
    assert_eq!((late.status.as_u16(), late.header("retry-after")), (503, "1"), "{}", late.text());
    let problem = late.assert_refused(ProblemKind::Internal);
    assert!(problem.detail.contains("on its way"), "{problem:?}");
    assert!(began.elapsed() >= WAITED, "it may have come meanwhile: {:?}", began.elapsed());

    cluster.bucket().refuse_writing(false);

    let file = eventually(wait::DEADLINE, "the recording on another node", async || {
        let file = b.replay_file(replay.id).await;
        assert!([200, 503].contains(&file.status.as_u16()), "{}", file.text());
        (file.status == 200).then_some(file)
    })
    .await;
    assert_eq!(file.body.len() as u64, replay.bytes);
}
