//! Players who look for a match through the balancer, fight a round and leave; and people who look for one and give up.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use shared::api::{
    MatchRequest, MatchState, MatchTicket, Role, Session, SessionRequest, TicketRequest,
    WebSocketTicket,
};
use shared::id::{PlayerId, ReplayId, RoomId};
use shared::protocol::{ClientMessage, Ratings, RoundSummary};
use shared::sim::Mode;
use shared::sim::rng::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::call::{Answered, post, request, send};
use super::world::World;
use crate::guest::{Guest, match_path};
use crate::player::{Behaviour, Player};
use crate::socket::GameSocket;

/// Players who play.
const PLAYERS: usize = 10;
/// Who looks for a match and gives up.
const QUITTERS: usize = 3;
/// The longest time for which a player looks for a match before it looks anew.
const SEARCH_MAX: Duration = Duration::from_secs(20);
/// The longest time for which a player tries to reach the room of a match. Then it makes another request for one.
const COME_MAX: Duration = Duration::from_secs(4);
/// The longest time for which a player tries to return to a room.
const RETURN_MAX: Duration = Duration::from_secs(20);
/// The longest time that a round can take, with its countdown.
const ROUND_MAX: Duration = Duration::from_secs(60);
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const LEFT_WITHIN: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(300);
/// The longest time of a search that is given up, in milliseconds.
const GIVE_UP_MAX_MS: u32 = 1_500;

/// How often every node is asked what it knows of the match of a player who plays.
const ASKED_EVERY: Duration = Duration::from_secs(1);

const ONE_MATCH: &str = "a player is matched once at a time";
const NO_DESYNC: &str = "no client differs from the server";
const SESSIONS: &str = "an acknowledged session is known on every node";

/// A result that a player was told, and that the server said it has kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub(super) player: PlayerId,
    pub(super) replay: ReplayId,
    pub(super) rating: i32,
}

/// What a player was told.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Everybody who has signed in.
    pub(super) guests: Vec<Guest>,
    /// The rooms that a player was sent to.
    pub(super) rooms: BTreeSet<(PlayerId, RoomId)>,
    pub(super) settled: Vec<Settled>,
    /// Rounds whose result the server had not kept when it told it.
    pub(super) pending: BTreeSet<ReplayId>,
    /// The results of all rounds that some player was told.
    pub(super) summaries: BTreeMap<ReplayId, RoundSummary>,
}

/// Where a player was sent, by which state of which ticket.
struct Match {
    room: RoomId,
    ticket: String,
    version: u64,
}

/// All of them.
pub(super) struct Players {
    tasks: JoinSet<Played>,
}

impl Players {
    pub(super) fn start(world: &World, seed: u64) -> Self {
        let mut tasks = JoinSet::new();
        for number in 0..PLAYERS {
            tasks.spawn(play(world.clone(), number));
        }
        for number in 0..QUITTERS {
            let rng = Rng(seed.wrapping_mul(31).wrapping_add(number as u64));
            tasks.spawn(quit(world.clone(), number, rng));
        }
        Self { tasks }
    }

    /// Waits until all have left.
    pub(super) async fn end(mut self) -> Played {
        let mut all = Played::default();
        while let Some(ended) = self.tasks.join_next().await {
            // A panic is a finding already.
            let Ok(Played { guests, rooms, settled, pending, summaries }) = ended else { continue };
            all.guests.extend(guests);
            all.rooms.extend(rooms);
            all.settled.extend(settled);
            all.pending.extend(pending);
            all.summaries.extend(summaries);
        }
        all
    }
}

/// Signs in through the balancer, again until that works.
pub(super) async fn sign_in(world: &World, name: &str) -> Guest {
    let body = SessionRequest::Name { name: name.to_owned(), wants_token: true };
    loop {
        let answer = post::<Session>(&world.lobby, "/api/session", "", &body).await;
        if let Ok(Answered::Done(session)) = answer {
            return Guest::new(world.lobby.clone(), session);
        }
        sleep(PAUSE).await;
    }
}

/// Asks every node for every session.
pub(super) async fn check_sessions(world: &World, played: &Played) {
    for guest in &played.guests {
        for node in &world.nodes {
            let asking = request(node, Method::GET, "/api/session", guest.token());
            let answer = send::<Session>(asking).await;
            if !matches!(&answer, Ok(Answered::Done(session)) if session.player == guest.id()) {
                let detail = format!("{} at {}: {answer:?}", guest.name(), node.address());
                world.findings.broke(SESSIONS, &detail);
            }
        }
    }
    world.findings.count("sessions", played.guests.len());
}

async fn play(world: World, number: usize) -> Played {
    let mut played = Played::default();
    let mut guest = sign_in(&world, &format!("player{number}")).await;
    let mut rounds = 0_usize;
    while !world.ending.is_cancelled() {
        if let Some(found) = find_match(&world, &guest, Mode::Duel).await {
            played.rooms.insert((guest.id(), found.room));
            play_round(&world, &guest, &found, &mut played).await;
            rounds += 1;
        }
        // Now and then somebody new.
        if rounds % 4 == 3 {
            rounds += 1;
            let other = sign_in(&world, &format!("player{number} {rounds}")).await;
            played.guests.push(std::mem::replace(&mut guest, other));
        }
    }
    played.guests.push(guest);
    played
}

async fn quit(world: World, number: usize, mut rng: Rng) -> Played {
    let mut played = Played::default();
    let guest = sign_in(&world, &format!("quitter{number}")).await;
    while !world.ending.is_cancelled() {
        let mode = MatchRequest { mode: Mode::Duel };
        let asking = post::<MatchTicket>(&world.lobby, "/api/matchmaking", guest.token(), &mode);
        let asked = asking.await;
        sleep(Duration::from_millis(rng.below(GIVE_UP_MAX_MS).into())).await;
        if let Ok(Answered::Done(MatchTicket { ticket, .. })) = asked {
            let path = format!("/api/matchmaking/{ticket}");
            let giving_up = request(&world.lobby, Method::DELETE, &path, guest.token());
            // It lapses by itself where this does not work.
            giving_up.send().await.ok();
            world.findings.count("searches given up", 1);
        }
        sleep(PAUSE * 4).await;
    }
    played.guests.push(guest);
    played
}

/// Looks for a match until there is one. `None` when the request is gone, or that takes too long.
async fn find_match(world: &World, guest: &Guest, mode: Mode) -> Option<Match> {
    let wanted = MatchRequest { mode };
    let asking = post::<MatchTicket>(&world.lobby, "/api/matchmaking", guest.token(), &wanted);
    let Ok(Answered::Done(mut ticket)) = asking.await else {
        sleep(PAUSE).await;
        return None;
    };
    let until = Instant::now() + SEARCH_MAX;
    while Instant::now() < until {
        if let MatchState::Matched { room, .. } = ticket.state {
            world.findings.count("matches of a player", 1);
            let found = Match { room, ticket: ticket.ticket, version: ticket.version };
            ask_all(world, guest, &found).await;
            return Some(found);
        }
        let path = match_path(&ticket.ticket, ticket.version, 2);
        match send(request(&world.lobby, Method::GET, &path, guest.token())).await {
            Ok(Answered::Done(newer)) => ticket = newer,
            Ok(Answered::Nothing) => {}
            Ok(Answered::Refused(StatusCode::NOT_FOUND | StatusCode::GONE)) => {
                world.findings.count("searches that were lost", 1);
                return None;
            }
            Ok(Answered::Refused(_)) | Err(_) => sleep(PAUSE).await,
        }
    }
    world.findings.count("searches that took too long", 1);
    None
}

/// Asks every node for the match of a player who has it: none has matched the player a second time. A node may be behind. Returns
/// whether the player may go on asking: a request for a ticket that waits again has it matched, and rightly so.
async fn ask_all(world: &World, guest: &Guest, found: &Match) -> bool {
    let path = format!("/api/matchmaking/{}", found.ticket);
    for node in &world.nodes {
        let asking = request(node, Method::GET, &path, guest.token());
        let Ok(Answered::Done(MatchTicket { version, state, .. })) = send(asking).await else {
            continue;
        };
        match state {
            // Of before the match.
            _ if version < found.version => {}
            MatchState::Matched { room, .. } if room == found.room => {}
            MatchState::Matched { room, .. } => {
                let (name, first) = (guest.name(), found.room);
                world.findings.broke(ONE_MATCH, &format!("{name}: {first}, and then {room}"));
                return false;
            }
            MatchState::Waiting { .. } => {
                world.findings.count("matches that were taken back beside their round", 1);
                return false;
            }
        }
    }
    true
}

/// Asks for the match again and again. Does not end: the player does something else meanwhile.
async fn watch_match(world: &World, guest: &Guest, found: &Match) -> Infallible {
    while ask_all(world, guest, found).await {
        sleep(ASKED_EVERY).await;
    }
    pending().await
}

/// Plays until a round has ended, then leaves. Returns to the room when the connection is lost, as long as there is the room.
async fn play_round(world: &World, guest: &Guest, found: &Match, played: &mut Played) {
    let room = found.room;
    let (mut lost_at, mut has_come) = (Instant::now(), false);
    while lost_at.elapsed() < patience(has_come) {
        let path = format!("/api/rooms/{room}/tickets");
        let body = TicketRequest { role: Role::Player };
        let ticket: WebSocketTicket = match post(&world.lobby, &path, guest.token(), &body).await {
            Ok(Answered::Done(ticket)) => ticket,
            Ok(Answered::Refused(status)) if status.is_client_error() => {
                count_gone(world, status, has_come, lost_at.elapsed());
                return;
            }
            Ok(_) | Err(_) => {
                sleep(PAUSE).await;
                continue;
            }
        };
        let opening = GameSocket::open_at(&world.lobby, &ticket.url);
        let Ok(Ok(socket)) = timeout(HANDSHAKE_WITHIN, opening).await else {
            sleep(PAUSE).await;
            continue;
        };
        has_come = true;
        let mut player = Player::begin(guest.clone(), socket);
        player.set_behaviour(Behaviour::Fight).await;
        let has_ended = tokio::select! {
            has_ended = timeout(ROUND_MAX, until_round_ends(&mut player)) => has_ended.unwrap_or(true),
            never = watch_match(world, guest, found) => match never {},
        };
        let view = player.view();
        if view.diverged > 0 {
            world.findings.broke(NO_DESYNC, &format!("{} in {room}", guest.name()));
        }
        for summary in &view.summaries {
            note(world, guest, summary, played);
        }
        if has_ended {
            player.send(ClientMessage::Leave).await;
            timeout(LEFT_WITHIN, async { while player.changed().await {} }).await.ok();
            player.drop_connection().await;
            return;
        }
        world.findings.count("connections to rooms that were lost", 1);
        lost_at = Instant::now();
        sleep(PAUSE).await;
    }
    let again = if has_come {
        "rooms that were not reached again"
    } else {
        "rooms of a match that were not reached"
    };
    world.findings.count(again, 1);
}

/// How long a player tries to reach a room.
const fn patience(has_come: bool) -> Duration {
    if has_come { RETURN_MAX } else { COME_MAX }
}

/// Counts a room that its player did not find.
fn count_gone(world: &World, status: StatusCode, has_come: bool, tried: Duration) {
    // A node that died took the room with it.
    if has_come {
        return world.findings.count("rooms that ended while a connection was lost", 1);
    }
    let what = match status {
        StatusCode::NOT_FOUND => "rooms of a match that no node knew",
        StatusCode::GONE => "rooms of a match that had ended",
        _ => "rooms of a match that refused the player",
    };
    world.findings.count(what, 1);
    world.findings.say(&format!("{what}: {status} after {} ms", tried.as_millis()));
}

/// Whether a round has ended, before the connection did.
async fn until_round_ends(player: &mut Player) -> bool {
    loop {
        let view = player.view();
        if !view.summaries.is_empty() {
            return true;
        }
        if view.closed.is_some() || !player.changed().await {
            return false;
        }
    }
}

fn note(world: &World, guest: &Guest, summary: &RoundSummary, played: &mut Played) {
    played.summaries.insert(summary.replay, summary.clone());
    let own = summary.results.iter().find(|result| result.player == guest.id());
    match (summary.ratings, own) {
        (Ratings::Settled, Some(own)) => {
            world.findings.count("results told to a player", 1);
            let (player, replay) = (guest.id(), summary.replay);
            played.settled.push(Settled { player, replay, rating: own.rating });
        }
        (Ratings::Pending, _) => {
            played.pending.insert(summary.replay);
        }
        (Ratings::Settled | Ratings::Unrated, _) => {}
    }
}
