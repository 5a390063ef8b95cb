//! A rolling deploy under load: no request fails, no round is cut off, and no reader misses anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use reqwest::redirect::Policy;
use shared::api::{CreateRoom, Role, RoomDetails, WebSocketTicket};
use shared::feed::{Cursor, KIND_SNAPSHOT};
use shared::id::RoomId;
use shared::protocol::close;
use shared::sim::Mode;
use tests::feed::{FeedReader, Transport};
use tests::player::{Behaviour, View};
use tests::socket::GameSocket;
use tests::wait::within_time;
use tests::{Answer, Guest, Player, Site, TestCluster, eventually, wait};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const NODES: [&str; 3] = ["a", "b", "c"];
const FLAGS: [&str; 2] = ["--drain-within=60", "--round-seconds=6"];
/// Readers of feeds. Half of them read by long-poll, the others server-sent events.
const READERS: usize = 20;
/// The pause between two requests of one kind.
const REQUEST_EVERY: Duration = Duration::from_millis(60);

/// What the load has seen.
#[derive(Debug, Default)]
struct Tally {
    requests: AtomicUsize,
    events: AtomicUsize,
    /// Streams that ended and were opened again.
    reopened: AtomicUsize,
    /// Results that both players of the duel were told.
    summaries: AtomicUsize,
}

/// An answer that is no fault of the servers.
fn check(tally: &Tally, what: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    assert!(status < 500, "{what}: {status} {}", answer.text());
    tally.requests.fetch_add(1, Ordering::Relaxed);
}

async fn look_at_rooms(lobby: Site, tally: Arc<Tally>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        check(&tally, "the list of rooms", &lobby.get("/api/rooms").await);
        sleep(REQUEST_EVERY).await;
    }
}

async fn sign_in(lobby: Site, tally: Arc<Tally>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let answer = lobby.sign_in("eve").await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        check(&tally, "a sign-in", &answer);
        sleep(REQUEST_EVERY).await;
    }
}

async fn open_rooms(guest: Guest, tally: Arc<Tally>, stop: watch::Receiver<bool>) {
    let wish = CreateRoom { mode: Mode::Brawl, private: false, bots: None };
    while !*stop.borrow() {
        let answer = guest.post("/api/rooms", &wish).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        check(&tally, "a new room", &answer);
        sleep(3 * REQUEST_EVERY).await;
    }
}

/// Reads the feed of the rooms and opens the stream again whenever it ends. Panics at a gap, a doubled event or another epoch.
async fn read(
    lobby: Site,
    transport: Transport,
    tally: Arc<Tally>,
    mut stop: watch::Receiver<bool>,
) {
    let mut cursor: Option<Cursor> = None;
    loop {
        let opened = transport.open(&lobby, "rooms", cursor).await;
        let mut reader: Box<dyn FeedReader> = opened.expect("the balancer finds a node");
        loop {
            let next = tokio::select! {
                next = reader.next() => next,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let envelope = match next {
                Ok(envelope) => envelope,
                Err(end) => {
                    // A request for pages does not end, and a body ends as it should.
                    let is_orderly =
                        transport == Transport::Sse && end.to_string() == "the stream ended";
                    assert!(is_orderly, "{transport:?}: {end:#}");
                    break;
                }
            };
            match cursor {
                None => assert_eq!(envelope.kind, KIND_SNAPSHOT),
                Some(last) => {
                    assert_eq!(envelope.id.epoch, last.epoch, "{transport:?}: {envelope:?}");
                    assert_eq!(
                        envelope.id.sequence,
                        last.sequence + 1,
                        "{transport:?}: {envelope:?}"
                    );
                }
            }
            tally.events.fetch_add(1, Ordering::Relaxed);
            cursor = Some(envelope.id);
        }
        tally.reopened.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes a seat through the balancer. Returns the node, too. `None`: the room has ended meanwhile.
async fn take_seat(guest: &Guest, room: &RoomDetails, tally: &Tally) -> Option<(String, Player)> {
    let asking = async {
        loop {
            let answer = guest.ask_for_ticket(room.summary.id, Role::Player).await;
            check(tally, "a ticket", &answer);
            match answer.status.as_u16() {
                // Another node has not heard of it yet.
                404 => sleep(REQUEST_EVERY).await,
                410 => return None,
                _ => return Some(answer.json::<WebSocketTicket>()),
            }
        }
    };
    let ticket = wait::within("a room that every node knows", asking).await?;
    let node = ticket.url.split('/').nth(1).and_then(|part| part.strip_prefix('@'));
    let node = node.expect("an address of one node").to_owned();
    let socket = GameSocket::open_at(guest.site(), &ticket.url).await.ok()?;
    Some((node, Player::follow(guest.clone(), socket).await))
}

/// Plays round after round, in another room whenever one closes. Publishes the node while a round of both runs.
async fn duel(
    guests: [Guest; 2],
    tally: Arc<Tally>,
    playing_on: watch::Sender<Option<(String, RoomId)>>,
    mut stop: watch::Receiver<bool>,
) {
    let wish = CreateRoom { mode: Mode::Duel, private: false, bots: None };
    while !*stop.borrow() {
        let answer = guests[0].post("/api/rooms", &wish).await;
        check(&tally, "a duel", &answer);
        let room: RoomDetails = answer.json();
        let Some((node, ada)) = take_seat(&guests[0], &room, &tally).await else { continue };
        let Some((_, bob)) = take_seat(&guests[1], &room, &tally).await else { continue };
        let mut players = [ada, bob];
        let has_begun = |view: &View| {
            view.closed.is_some() || view.is_playing() && view.roster.entries.len() == 2
        };
        for player in &mut players {
            player.until("a duel", has_begun).await;
            player.set_behaviour(Behaviour::Fight).await;
        }
        playing_on.send_replace(Some((node, room.summary.id)));
        let mut closed = Vec::new();
        for player in &mut players {
            let end = async {
                loop {
                    // Longer than any wait for one thing: round follows round.
                    if let Ok(end) = timeout(wait::DEADLINE / 2, player.closed()).await {
                        return end;
                    }
                }
            };
            tokio::select! {
                end = end => closed.push(end),
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
        playing_on.send_replace(None);
        assert!(closed.iter().all(|end| end.code == Some(close::RESTART)), "{closed:?}");
        let told = players.each_ref().map(|player| player.view().summaries.len());
        assert!(told[0] > 0 && told[0] == told[1], "{told:?}");
        tally.summaries.fetch_add(told[0], Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_replaced_one_after_the_other_and_nobody_notices() {
    let mut cluster = TestCluster::start_with(3, &FLAGS).await;
    for name in NODES {
        cluster.balancer_reaches(name, true).await;
    }
    let (lobby, tally) = (cluster.balancer().clone(), Arc::new(Tally::default()));
    let ((stop, stopping), (playing_on, mut played_on)) =
        (watch::channel(false), watch::channel(None));
    let guests = [lobby.guest("ada").await, lobby.guest("bob").await];
    let mut load = JoinSet::new();
    load.spawn(look_at_rooms(lobby.clone(), tally.clone(), stopping.clone()));
    load.spawn(sign_in(lobby.clone(), tally.clone(), stopping.clone()));
    load.spawn(open_rooms(lobby.guest("cleo").await, tally.clone(), stopping.clone()));
    for number in 0..READERS {
        let transport = [Transport::Sse, Transport::LongPoll][number % 2];
        load.spawn(read(lobby.clone(), transport, tally.clone(), stopping.clone()));
    }
    load.spawn(duel(guests, tally.clone(), playing_on, stopping));

    let mut left = NODES.to_vec();
    let mut with_a_duel = 0;
    while !left.is_empty() {
        let playing = played_on.wait_for(Option::is_some);
        let playing = wait::within("a duel that runs", playing).await.unwrap().clone();
        let (node, _) = playing.unwrap();
        // The one with the duel, if it was not replaced already.
        let place = left.iter().position(|name| *name == node);
        with_a_duel += usize::from(place.is_some());
        let name = left.remove(place.unwrap_or_default());
        cluster.stop(name).await;
        cluster.restart(name).await;
        cluster.balancer_reaches(name, true).await;
    }
    let playing = played_on.wait_for(Option::is_some);
    let (_, last_room) = wait::within("a duel that runs", playing).await.unwrap().clone().unwrap();
    stop.send_replace(true);
    within_time(wait::DEADLINE, "the end of the load", async {
        while let Some(ended) = load.join_next().await {
            ended.expect("no part of the load fails");
        }
    })
    .await;

    let replays = lobby.send(lobby.request(Method::GET, "/api/replays?limit=100")).await;
    let mut replays = replays.json::<shared::api::ReplayList>().replays;
    // The players have left the last room.
    replays.retain(|replay| replay.room != last_room);
    assert!(replays.iter().all(|replay| replay.complete), "{replays:?}");
    assert_eq!(replays.len(), tally.summaries.load(Ordering::Relaxed), "{tally:?} {replays:?}");
    assert!(with_a_duel >= 2 && replays.len() >= with_a_duel, "{with_a_duel} {tally:?}");
    assert!(tally.reopened.load(Ordering::Relaxed) >= READERS / 2, "{tally:?}");
    assert!(tally.events.load(Ordering::Relaxed) > 0, "{tally:?}");
}

#[tokio::test]
async fn a_draining_node_sends_new_rooms_to_another_one_unless_it_was_named() {
    let cluster = TestCluster::start_with(2, &FLAGS).await;
    let a = cluster.node("a");
    let ada = a.guest("ada").await;
    let unfollowed = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let ask = async |path: &str| {
        let wish = CreateRoom { mode: Mode::Brawl, private: false, bots: None };
        let request = unfollowed.post(a.url(path)).bearer_auth(ada.token()).json(&wish);
        wait::within("an answer", request.send()).await.unwrap()
    };
    assert_eq!(ask("/api/rooms").await.status(), 201);

    a.begin_stop();
    eventually(wait::DEADLINE, "a drain", async || (!a.is_ready().await).then_some(())).await;

    let sent_on = ask("/api/rooms").await;
    assert_eq!(sent_on.status(), 307);
    assert_eq!(sent_on.headers()["location"], "/@b/api/rooms");
    let named = ask("/@a/api/rooms").await;
    assert_eq!((named.status().as_u16(), named.headers().contains_key("retry-after")), (503, true));
    let followed = CreateRoom { mode: Mode::Duel, private: false, bots: None };
    let room = ada.at(cluster.balancer()).open_room(&followed).await.summary.id;
    // The list is the feed's, which the event of the opening reaches a moment after the answer.
    eventually(wait::DEADLINE, "the room in the list of b", async || {
        let list = cluster.node("b").rooms().await.rooms;
        list.iter().any(|listed| listed.id == room).then_some(())
    })
    .await;
}
