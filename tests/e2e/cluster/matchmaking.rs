//! One queue for all nodes: who waits on different nodes is matched, whatever node dies meanwhile, and nobody twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use shared::api::{MatchRequest, MatchState, MatchTicket, ProblemKind, Role, WebSocketTicket};
use shared::id::RoomId;
use shared::sim::Mode;
use tests::guest::match_path;
use tests::wait::within_time;
use tests::{Guest, Site, TestCluster, eventually, wait, within};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::rooms::unfollowed;

/// Nobody plays with bots.
const FLAGS: [&str; 1] = ["--bots-fill-after-ms=600000"];
/// The time within which another node has taken the role of a dead steward and matched everybody.
const TAKEN_OVER: Duration = Duration::from_secs(60);
/// The pause after an answer of a node that goes away.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Looks for a match, again while nobody takes the request: a player has one ticket, however often that is.
async fn joined(guest: &Guest) -> MatchTicket {
    eventually(wait::DEADLINE, "a queue", async || {
        let answer = guest.post("/api/matchmaking", &MatchRequest { mode: Mode::Duel }).await;
        assert!(!answer.status.is_client_error(), "{} {}", answer.status, answer.text());
        (answer.status == 201).then(|| answer.json())
    })
    .await
}

/// The next state of a ticket. `None`: there is none yet, or the node that was asked is gone.
async fn poll(guest: &Guest, ticket: &MatchTicket, wait_s: u32) -> Option<MatchTicket> {
    let path = match_path(&ticket.ticket, ticket.version, wait_s);
    let request = guest.site().request(Method::GET, &path).bearer_auth(guest.token());
    match request.send().await {
        Ok(answer) if answer.status() == 200 => {
            let newer: MatchTicket = answer.json().await.ok()?;
            assert!(newer.version > ticket.version, "{newer:?} after {ticket:?}");
            Some(newer)
        }
        Ok(answer) if answer.status().is_client_error() => {
            panic!("{}: {}", answer.status(), answer.text().await.unwrap_or_default())
        }
        Ok(answer) if answer.status() == 204 => None,
        _ => {
            sleep(AGAIN_AFTER).await;
            None
        }
    }
}

/// Polls a ticket until it has a room that pleases.
async fn matched(
    guest: &Guest,
    ticket: &mut MatchTicket,
    pleases: impl AsyncFn(RoomId) -> bool,
) -> RoomId {
    loop {
        if let MatchState::Matched { room, .. } = ticket.state
            && pleases(room).await
        {
            return room;
        }
        if let Some(newer) = poll(guest, ticket, 5).await {
            *ticket = newer;
        }
    }
}

/// Polls the tickets of two players until each has a room, which is the same.
async fn matched_together(
    (ada, of_ada): (&Guest, &mut MatchTicket),
    (bob, of_bob): (&Guest, &mut MatchTicket),
) -> RoomId {
    let anywhere = async |_| true;
    let (of_ada, of_bob) =
        tokio::join!(matched(ada, of_ada, anywhere), matched(bob, of_bob, anywhere));
    assert_eq!(of_ada, of_bob);
    of_ada
}

/// The node of a room. `None`: it does not answer.
async fn node_of(guest: &Guest, room: RoomId) -> Option<String> {
    let answer = guest.ask_for_ticket_at(room.into(), Role::Player).await;
    if answer.status != 201 {
        sleep(AGAIN_AFTER).await;
        return None;
    }
    let ticket: WebSocketTicket = answer.json();
    let node = ticket.url.strip_prefix("/@")?.split('/').next()?;
    Some(node.to_owned())
}

/// The name of the node that is the steward.
pub(super) async fn steward(cluster: &TestCluster, names: &[&'static str]) -> &'static str {
    eventually(wait::DEADLINE, "a steward", async || {
        for name in names {
            if cluster.node(name).metric("pushback_steward").await > 0.5 {
                return Some(*name);
            }
        }
        None
    })
    .await
}

#[tokio::test]
async fn players_who_wait_on_different_nodes_play_in_one_room() {
    let cluster = TestCluster::start_with(3, &FLAGS).await;
    let ada = cluster.node("a").guest("ada").await;
    let bob = cluster.node("b").guest("bob").await;
    let mut of_ada = ada.join_queue(Mode::Duel).await;
    let waits =
        MatchState::Waiting { waited_s: 0, window: 100, in_queue: 1, bots_in_s: 600, full: false };
    assert_eq!((of_ada.version, &of_ada.state), (1, &waits));
    // Any node answers for it, from its own copy, and in the same way; also right after it was made.
    let ada_at_c = ada.at(cluster.node("c"));
    let again = ada_at_c.join_queue(Mode::Duel).await;
    assert_eq!(again.ticket, of_ada.ticket);

    let mut of_bob = bob.join_queue(Mode::Duel).await;
    let matching = matched_together((&ada_at_c, &mut of_ada), (&bob, &mut of_bob));
    let room = within("a match", matching).await;

    let lobby = cluster.balancer();
    let mut ada = ada.at(lobby).play(room).await;
    let _bob = bob.at(lobby).play(room).await;
    ada.until("a duel", |view| view.is_playing() && view.roster.entries.len() == 2).await;
}

#[tokio::test]
async fn a_ticket_that_was_cancelled_on_another_node_is_not_matched() {
    let cluster = TestCluster::start_with(2, &FLAGS).await;
    let (a, b) = (cluster.node("a"), cluster.node("b"));
    let (ada, bob) = (a.guest("ada").await, b.guest("bob").await);
    let of_ada = ada.join_queue(Mode::Duel).await;
    let path = match_path(&of_ada.ticket, 1_000_000, 55);
    let held = tokio::spawn({
        let (ada, path) = (ada.clone(), path.clone());
        async move { ada.ask(Method::GET, &path).await }
    });
    a.metric_becomes("pushback_long_poll_waiters", |count| count > 0.5).await;

    let cancelled = format!("/api/matchmaking/{}", of_ada.ticket);
    let answer = ada.at(b).ask(Method::DELETE, &cancelled).await;
    assert_eq!(answer.status, 204, "{}", answer.text());

    // Whoever follows it is told, and the player with the same strength who comes then waits.
    within("the end of the poll", held).await.unwrap().assert_refused(ProblemKind::Gone);
    bob.at(a).ask(Method::GET, &path).await.assert_refused(ProblemKind::NotFound);
    let mut of_bob = bob.join_queue(Mode::Duel).await;
    for _ in 0..3 {
        of_bob = poll(&bob, &of_bob, 2).await.unwrap_or(of_bob);
        assert!(matches!(of_bob.state, MatchState::Waiting { in_queue: 1, .. }), "{of_bob:?}");
    }
    let cleo = a.guest("cleo").await;
    let mut of_cleo = cleo.join_queue(Mode::Duel).await;
    let matching = matched_together((&bob, &mut of_bob), (&cleo, &mut of_cleo));
    within("a match", matching).await;
}

#[tokio::test]
async fn players_whose_room_dies_before_they_come_are_matched_again() {
    let mut cluster = TestCluster::start_with(3, &FLAGS).await;
    let lobby = cluster.balancer().clone();
    let (ada, bob) = (lobby.guest("ada").await, lobby.guest("bob").await);
    let mut of_ada = ada.join_queue(Mode::Duel).await;
    let mut of_bob = bob.join_queue(Mode::Duel).await;
    let first = within("a match", matched(&ada, &mut of_ada, async |_| true)).await;
    let node = eventually(wait::DEADLINE, "the room", async || node_of(&ada, first).await).await;

    cluster.kill(&node);

    let other = async |room| room != first;
    let rooms = async {
        tokio::join!(matched(&ada, &mut of_ada, other), matched(&bob, &mut of_bob, other))
    };
    let (of_ada, of_bob) = within_time(TAKEN_OVER, "another match", rooms).await;
    assert_eq!(of_ada, of_bob);
    let (mut ada, _bob) = (ada.play(of_ada).await, bob.play(of_bob).await);
    ada.until("a duel", |view| view.is_playing() && view.roster.entries.len() == 2).await;
}

#[tokio::test]
async fn while_nats_is_away_nobody_is_matched_and_it_goes_on_by_itself() {
    let cluster = TestCluster::start_with(2, &FLAGS).await;
    let (a, b) = (cluster.node("a"), cluster.node("b"));
    let (ada, bob) = (a.guest("ada").await, b.guest("bob").await);
    let mut of_ada = ada.join_queue(Mode::Duel).await;
    let hold = |holds| ["a", "b"].iter().for_each(|name| cluster.nats_of(name).hold(holds));

    hold(true);
    let refused = bob.post("/api/matchmaking", &MatchRequest { mode: Mode::Duel }).await;
    refused.assert_refused(ProblemKind::Busy);
    assert!(refused.headers.contains_key("retry-after"));
    // What is known is shown.
    let path = format!("/api/matchmaking/{}", of_ada.ticket);
    let known: MatchTicket = ada.ask(Method::GET, &path).await.json();
    assert!(matches!(known.state, MatchState::Waiting { in_queue: 1, .. }), "{known:?}");
    hold(false);

    let mut of_bob = joined(&bob).await;
    let matching = matched_together((&ada, &mut of_ada), (&bob, &mut of_bob));
    within_time(TAKEN_OVER, "a match", matching).await;
}

#[tokio::test]
async fn a_node_that_cannot_know_whether_a_room_is_there_does_not_deny_it() {
    let cluster = TestCluster::start_with(2, &FLAGS).await;
    let ada = cluster.node("a").guest("ada").await;
    let at_b = ada.at(cluster.node("b"));

    cluster.nats_of("b").hold(true);
    let room = ada.public_room(Mode::Duel).await;
    let refused = at_b.ask_for_ticket_at(room.into(), Role::Player).await;
    refused.assert_refused(ProblemKind::Busy);
    assert!(refused.headers.contains_key("retry-after"));

    cluster.nats_of("b").hold(false);
    let path = format!("/api/rooms/{room}");
    eventually(wait::DEADLINE, "the room", async || {
        let (status, _) = unfollowed(at_b.site(), &ada, Method::GET, &path).await;
        assert_ne!(status, 404);
        (status == 307).then_some(())
    })
    .await;
    at_b.ask_for_ticket_at(RoomId::from_bits(1).into(), Role::Player)
        .await
        .assert_refused(ProblemKind::NotFound);
}

#[tokio::test]
async fn a_search_that_nats_has_lost_is_told_at_once_and_begins_again() {
    let mut cluster = TestCluster::start_with(2, &FLAGS).await;
    let [a, b] = ["a", "b"].map(|name| Site::clone(cluster.node(name)));
    let (ada, bob) = (a.guest("ada").await, b.guest("bob").await);
    let lost = ada.join_queue(Mode::Duel).await;
    let path = match_path(&lost.ticket, 1_000_000, 55);
    let held = tokio::spawn({
        let ada = ada.clone();
        async move { ada.ask(Method::GET, &path).await }
    });
    cluster.node("a").metric_becomes("pushback_long_poll_waiters", |count| count > 0.5).await;

    cluster.nats().restart_empty();

    // As after the restart of a server that is alone: both clients then make another request by themselves.
    let told = within_time(wait::DEADLINE, "the end of the poll", held).await.unwrap();
    told.assert_refused(ProblemKind::NotFound);
    let (mut of_ada, mut of_bob) = (joined(&ada).await, joined(&bob).await);
    assert_ne!(of_ada.ticket, lost.ticket);
    let matching = matched_together((&ada, &mut of_ada), (&bob, &mut of_bob));
    within_time(TAKEN_OVER, "a match", matching).await;
}

#[tokio::test]
async fn two_hundred_who_wait_are_each_matched_once_although_the_steward_is_killed() {
    const PLAYERS: usize = 200;
    const IN_THE_MIDDLE: usize = 40;
    let mut cluster = TestCluster::start_with(3, &FLAGS).await;
    let names = ["a", "b", "c"];
    let steward = steward(&cluster, &names).await;
    let lobby = cluster.balancer().clone();
    let guests = (0..PLAYERS).map(async |number| lobby.guest(&format!("p{number}")).await);
    let guests = join_all(guests).await;
    let (found, in_the_middle) = (AtomicUsize::new(0), Notify::new());

    // Each until it has a room that outlives the steward.
    let lives = async |guest: &Guest, room: RoomId| {
        let node = node_of(guest, room).await;
        node.is_some_and(|node| node != steward)
    };
    let searches = guests.iter().map(async |guest| {
        // The steward may die with the request.
        let mut ticket = joined(guest).await;
        matched(guest, &mut ticket, async |_| true).await;
        if found.fetch_add(1, Ordering::SeqCst) == IN_THE_MIDDLE {
            in_the_middle.notify_one();
        }
        let room = matched(guest, &mut ticket, async |room| lives(guest, room).await).await;
        (guest, ticket, room)
    });
    let killing = async {
        in_the_middle.notified().await;
        cluster.kill(steward);
        let found = found.load(Ordering::SeqCst);
        assert!(found < PLAYERS, "too late: all of them had a match");
    };
    let all = async { tokio::join!(join_all(searches), killing) };
    let (searched, ()) = within_time(TAKEN_OVER * 2, "a match for everybody", all).await;

    let mut rooms = BTreeMap::<RoomId, usize>::new();
    for (_, _, room) in &searched {
        *rooms.entry(*room).or_default() += 1;
    }
    assert!(rooms.values().all(|people| *people == 2), "{rooms:?}");
    assert_eq!(rooms.len(), PLAYERS / 2);
    // Nobody is matched a second time.
    for (guest, ticket, room) in searched.iter().step_by(7) {
        if let Some(newer) = poll_or_gone(guest, ticket).await {
            let MatchState::Matched { room: still, .. } = newer.state else { panic!("{newer:?}") };
            assert_eq!(still, *room);
        }
    }
}

/// The state of a ticket. `None`: it has ended.
async fn poll_or_gone(guest: &Guest, ticket: &MatchTicket) -> Option<MatchTicket> {
    let path = format!("/api/matchmaking/{}", ticket.ticket);
    let answer = guest.ask(Method::GET, &path).await;
    (answer.status != 410).then(|| answer.json())
}
