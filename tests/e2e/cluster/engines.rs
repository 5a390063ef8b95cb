//! Engines that go away and come back: what stands still, what goes on, and that everybody agrees afterwards.

use std::time::Duration;

use shared::api::{CreateRoom, RoomSummary};
use shared::feed::{Heartbeat, KIND_RESET};
use shared::id::RoomId;
use shared::protocol::chat::ChatChannel;
use shared::sim::Mode;
use tests::browser::Browser;
use tests::feed::{self, EventStream, FeedReader, Transport};
use tests::player::Behaviour;
use tests::wait::within_time;
use tests::{Guest, ServerProcess, TestCluster, eventually, wait, within};

/// Time until the readers of a node that does not hear of the others are told so.
const TOLD_WITHIN: Duration = Duration::from_secs(15);
/// Time for a cluster to agree again after an engine came back.
const AGREED_WITHIN: Duration = Duration::from_secs(60);

async fn open_room(guest: &Guest) -> RoomId {
    let room = CreateRoom { mode: Mode::Brawl, private: false, bots: None };
    guest.open_room(&room).await.summary.id
}

/// Reads on until this room is told. Returns the kinds of all events until then.
async fn until_room(reader: &mut dyn FeedReader, room: RoomId) -> Vec<String> {
    let mut kinds = Vec::new();
    loop {
        let envelope = reader.next().await.expect("the subscription goes on");
        kinds.push(envelope.kind.clone());
        let is_it = match envelope.kind.as_str() {
            "room" => feed::data::<RoomSummary>(&envelope).id == room,
            "reset" | "snapshot" => envelope.data.to_string().contains(&room.to_string()),
            _ => false,
        };
        if is_it {
            return kinds;
        }
    }
}

/// Reads on until a heartbeat says that the feed is late, or that it is not.
async fn until_late(stream: &mut EventStream, wanted: bool) {
    loop {
        stream.any_envelope().await.expect("the subscription goes on");
        let is_late = |beat: Heartbeat| beat.late_since_ms.is_some();
        if stream.heartbeat.map(is_late) == Some(wanted) {
            return;
        }
    }
}

/// Waits until all nodes list the same rooms, this one among them.
async fn agreed(cluster: &TestCluster, room: RoomId) {
    let of = async |node: &ServerProcess| {
        let rooms = node.rooms().await.rooms;
        let mut ids: Vec<_> = rooms.into_iter().map(|room| room.id).collect();
        ids.sort_unstable();
        ids
    };
    eventually(AGREED_WITHIN, "one list on all nodes", async || {
        let mut lists = Vec::new();
        for node in cluster.nodes() {
            lists.push(of(node).await);
        }
        let is_one = lists.windows(2).all(|pair| pair[0] == pair[1]);
        (is_one && lists[0].contains(&room)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_restarted_nats_costs_nobody_a_room_a_line_or_a_place_in_a_feed() {
    let mut cluster = TestCluster::start(2).await;
    let (ada, bob) = (cluster.node("a").guest("ada").await, cluster.node("b").guest("bob").await);
    let mut reader = cluster.node("b").subscribe("rooms", Transport::Sse).await;
    let room = ada.public_room(Mode::Duel).await;
    within("the first room", until_room(&mut *reader, room)).await;
    let (mut player, _other) =
        (ada.play(room).await, cluster.node("a").guest("eve").await.play(room).await);
    player.set_behaviour(Behaviour::Fight).await;
    player.until("a round", |view| view.is_playing()).await;
    let (mut at_a, mut at_b) = (ada.chat().await, bob.chat().await);

    cluster.nats().kill();

    // The round goes on, and so does the chat: the other node looks every two seconds.
    let before = player.view().deltas;
    player.until("ticks without NATS", |view| view.deltas > before + 60).await;
    at_a.say(ChatChannel::Lobby, "is anybody there").await.unwrap();
    assert_eq!(at_b.next_line().await.text, "is anybody there");
    let alone = open_room(&ada).await;

    cluster.nats().restart();

    let kinds = within_time(AGREED_WITHIN, "the room", until_room(&mut *reader, alone)).await;
    assert!(!kinds.contains(&KIND_RESET.to_owned()), "{kinds:?}");
    agreed(&cluster, alone).await;
    player.until("the end of a round", |view| !view.summaries.is_empty()).await;
}

#[tokio::test]
async fn a_nats_that_lost_its_data_resets_readers_and_never_leaves_them_in_silence() {
    let mut cluster = TestCluster::start(2).await;
    let ada = cluster.node("a").guest("ada").await;
    let first = open_room(&ada).await;
    agreed(&cluster, first).await;
    let mut readers = Vec::new();
    for transport in Transport::ALL {
        let mut reader = cluster.node("b").subscribe("rooms", transport).await;
        within("the first room", until_room(&mut *reader, first)).await;
        readers.push(reader);
    }

    cluster.nats().restart_empty();
    let second = open_room(&ada).await;

    for mut reader in readers {
        let told = until_room(&mut *reader, second);
        let kinds = within_time(AGREED_WITHIN, "the second room", told).await;
        assert!(kinds.contains(&KIND_RESET.to_owned()), "{kinds:?}");
    }
    // The room of before is told again by its node.
    agreed(&cluster, second).await;
    agreed(&cluster, first).await;
}

#[tokio::test]
async fn a_node_whose_nats_is_held_goes_on_and_says_what_is_late() {
    let cluster = TestCluster::start(2).await;
    let (ada, bob) = (cluster.node("a").guest("ada").await, cluster.node("b").guest("bob").await);
    let room = open_room(&ada).await;
    agreed(&cluster, room).await;
    let mut scores = EventStream::open(cluster.node("a"), "scoreboard", None).await.unwrap();
    let mut well = EventStream::open(cluster.node("b"), "rooms", None).await.unwrap();
    within("a heartbeat", until_late(&mut scores, false)).await;

    cluster.nats_of("a").hold(true);
    within_time(TOLD_WITHIN, "lateness", until_late(&mut scores, true)).await;
    let mut begun = EventStream::open(cluster.node("a"), "scoreboard", None).await.unwrap();
    within("lateness of a stream that begins", until_late(&mut begun, true)).await;
    assert_eq!(begun.heartbeats, 1, "the first heartbeat says so");
    eventually(wait::DEADLINE, "a node that misses NATS", async || {
        let metrics = cluster.node("a").get("/metrics").await;
        let lost = "pushback_engine_connected{engine=\"nats\"} 0\n";
        metrics.text().contains(lost).then_some(())
    })
    .await;
    assert!(cluster.node("a").is_ready().await, "an engine's outage sends nobody away");
    let meanwhile = open_room(&bob).await;
    let own = open_room(&ada).await;
    cluster.nats_of("a").hold(false);

    for reader in [&mut scores, &mut begun] {
        within_time(AGREED_WITHIN, "the end of lateness", until_late(reader, false)).await;
    }
    // The other node missed nothing, up to the room that it heard of last.
    let never_late = async {
        loop {
            let envelope = well.any_envelope().await.expect("the subscription goes on");
            assert!(well.heartbeat.is_none_or(|beat| beat.late_since_ms.is_none()));
            if envelope.data.to_string().contains(&own.to_string()) {
                return;
            }
        }
    };
    within_time(AGREED_WITHIN, "the room of the held node", never_late).await;
    agreed(&cluster, own).await;
    agreed(&cluster, meanwhile).await;
    agreed(&cluster, room).await;
    eventually(wait::DEADLINE, "a node that has NATS again", async || {
        let metrics = cluster.node("a").get("/metrics").await;
        let back = "pushback_engine_connected{engine=\"nats\"} 1\n";
        metrics.text().contains(back).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_lobby_of_a_node_whose_nats_is_held_says_what_is_late_and_for_how_long() {
    let cluster = TestCluster::start(2).await;
    let bob = cluster.node("b").guest("bob").await;
    agreed(&cluster, open_room(&bob).await).await;
    let browser = Browser::start().await;
    browser.open(&cluster.node("a").url("/")).await;
    let badges = async |wanted: &str| {
        for part in ["scoreboard", "rooms"] {
            let badge = format!("[data-testid=\"badge-{part}\"]");
            browser.attribute_where(&badge, "data-state", |state| state == wanted).await;
        }
    };
    badges("live").await;
    assert_eq!(browser.count(".old").await, 0);

    cluster.nats_of("a").hold(true);
    badges("late").await;
    for (part, text) in [(".scores", "Scores are late:"), (".rooms", "Rooms are late:")] {
        let notice = format!("{part} .old");
        let seconds = |notice: &str| {
            let (said, time) = notice.rsplit_once(" for ")?;
            let time = time.strip_suffix(" s")?.parse::<u32>().ok()?;
            said.starts_with(text).then_some(time)
        };
        let first = browser.text_where(&notice, |text| seconds(text).is_some()).await;
        let counts = |text: &str| seconds(text) > seconds(&first);
        browser.text_where(&notice, counts).await;
    }
    let meanwhile = open_room(&bob).await;

    cluster.nats_of("a").hold(false);
    badges("live").await;
    let row = format!("[data-testid=\"room-row\"][data-room=\"{meanwhile}\"]");
    browser.text(&row).await;
    assert_eq!(browser.count(".old").await, 0);
}
