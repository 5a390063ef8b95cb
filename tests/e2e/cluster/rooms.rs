//! Any node serves any room: it sends a client on to the node that has it.

use reqwest::Method;
use reqwest::redirect::Policy;
use shared::api::{ProblemKind, Role, RoomDetails};
use shared::id::RoomId;
use shared::sim::Mode;
use tests::player::Behaviour;
use tests::{Guest, Site, TestCluster, eventually, wait};

/// Waits until every node lists the room, or none does.
pub(super) async fn listed(cluster: &TestCluster, room: RoomId, wanted: bool) {
    for node in cluster.nodes() {
        let what = format!("{room} in the list of {}: {wanted}", node.address());
        eventually(wait::DEADLINE, &what, async || {
            let list = node.rooms().await;
            (list.rooms.iter().any(|listed| listed.id == room) == wanted).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn any_node_serves_any_room() {
    let cluster = TestCluster::start(3).await;
    let ada = cluster.node("a").guest("ada").await;
    let room = ada.public_room(Mode::Duel).await;
    listed(&cluster, room, true).await;

    // The balancer sends each request to another node. A ticket's address names the node of the room.
    let lobby = cluster.balancer();
    let details: RoomDetails = lobby.get(&format!("/api/rooms/{room}")).await.json();
    assert_eq!((details.summary.id, details.summary.seats), (room, 2));
    let (bob, cleo) = (lobby.guest("bob").await, lobby.guest("cleo").await);
    let ticket = bob.ticket(room, Role::Player).await;
    assert!(ticket.url.starts_with("/@a/ws/rooms/"), "{}", ticket.url);
    let mut players = [ada.play(room).await, bob.play(room).await, cleo.spectate(room).await];
    for player in &mut players {
        player
            .until("a round of two", |view| view.is_playing() && view.roster.entries.len() == 2)
            .await;
    }
    players[0].set_behaviour(Behaviour::Fight).await;
    let view = players[2].until("a round's end", |view| !view.summaries.is_empty()).await;

    // The recording is everybody's.
    let replay = view.summaries[0].replay;
    let replay = cluster.node("b").finished_replay(replay).await;
    let file = eventually(wait::DEADLINE, "the recording on another node", async || {
        let file = cluster.node("c").replay_file(replay.id).await;
        assert_ne!(file.status, 404, "it may be on its way");
        (file.status == 200).then_some(file)
    })
    .await;
    assert_eq!(file.body.len() as u64, replay.bytes);
}

#[tokio::test]
async fn a_private_room_is_found_by_its_invitation_on_every_node_and_by_nothing_else() {
    let cluster = TestCluster::start(2).await;
    let (a, lobby) = (cluster.node("a"), cluster.balancer());
    let ada = a.guest("ada").await;
    let room = ada.private_room(Mode::Brawl).await;
    let address = a.room_address(room).await;
    let bob = lobby.guest("bob").await;

    // The balancer takes turns: of two requests that follow each other, each node gets one.
    for _ in 0..2 {
        assert!(lobby.rooms().await.rooms.is_empty());
    }
    for _ in 0..2 {
        let refused = bob.ask_for_ticket_at(room.into(), Role::Player).await;
        refused.assert_refused(ProblemKind::Forbidden);
    }
    for _ in 0..2 {
        let ticket = bob.ask_for_ticket_at(address, Role::Player).await;
        assert_eq!(ticket.status, 201, "{}", ticket.text());
    }
    for _ in 0..2 {
        assert_eq!(lobby.get("/api/rooms/ZZZZZZ").await.status, 404);
    }
}

/// The status and the `Location` of an answer that is not followed.
pub(super) async fn unfollowed(
    site: &Site,
    guest: &Guest,
    method: Method,
    path: &str,
) -> (u16, String) {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.request(method, site.url(path)).bearer_auth(guest.token());
    let answer = request.send().await.unwrap();
    let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default())
}

#[tokio::test]
async fn what_is_on_another_node_is_found_there_and_never_in_circles() {
    let cluster = TestCluster::start(2).await;
    let (a, b) = (cluster.node("a"), cluster.node("b"));
    let ada = a.guest("ada").await;
    let room = ada.public_room(Mode::Duel).await;
    listed(&cluster, room, true).await;

    let path = format!("/api/rooms/{room}?x=1");
    let there = unfollowed(b, &ada, Method::GET, &path).await;
    assert_eq!(there, (307, format!("/@a{path}")));
    // The address names b, which does not have the room.
    let (status, location) = unfollowed(b, &ada, Method::GET, &format!("/@b{path}")).await;
    assert_eq!((status, location.as_str()), (410, ""));
    let (status, _) = unfollowed(b, &ada, Method::GET, "/@a/api/rooms").await;
    assert_eq!(status, 410, "b is not a");
    let (status, _) = unfollowed(a, &ada, Method::GET, &format!("/@a{path}")).await;
    assert_eq!(status, 200);
}
