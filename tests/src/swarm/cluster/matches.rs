//! Matches a second: players on all nodes look for a duel, give the seat that was found back, and look again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reqwest::Method;
use shared::api::{MatchRequest, MatchState, MatchTicket};
use shared::id::RoomId;
use shared::sim::Mode;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::measured::Measured;
use crate::guest::{Guest, match_path};

/// Players on all nodes together: a multiple of each number of nodes. The queue is matched four times a second, and should never
/// run empty.
const PLAYERS: usize = 600;
/// Matches that are counted. Each leaves a room that is open for a minute, and a server opens no more than its files allow.
const MATCHES: usize = 1_200;
/// The longest time for them.
const WITHIN: Duration = Duration::from_secs(60);
/// How exactly the time of the last match is known.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The seconds for which a request for the state of a search is held.
const WAIT_S: u32 = 5;

/// The rooms that were found, each counted once.
type Found = Arc<Mutex<HashSet<RoomId>>>;

/// Lets players look for matches on every node.
pub(super) async fn per_second(servers: &[Measured]) -> Result<f64> {
    let (found, mut players) = (Found::default(), JoinSet::new());
    let mut guests = Vec::new();
    for number in 0..PLAYERS {
        let site = &servers[number % servers.len()].site;
        guests.push(site.guest(&format!("player {number}")).await);
    }
    for guest in guests {
        players.spawn(look_again_and_again(guest, found.clone()));
    }
    let began = Instant::now();
    while count(&found) < MATCHES {
        ensure!(began.elapsed() < WITHIN, "{} matches in {WITHIN:?}", count(&found));
        ensure!(players.try_join_next().is_none(), "a player ended");
        sleep(LOOK_EVERY).await;
    }
    Ok(count(&found) as f64 / began.elapsed().as_secs_f64())
}

fn count(found: &Found) -> usize {
    found.lock().unwrap_or_else(PoisonError::into_inner).len()
}

async fn look_again_and_again(guest: Guest, found: Found) {
    loop {
        let asked = guest.post("/api/matchmaking", &MatchRequest { mode: Mode::Duel }).await;
        if !asked.status.is_success() {
            continue;
        }
        let asked: MatchTicket = asked.json();
        if let Some(room) = wait_for_match(&guest, asked.clone()).await {
            found.lock().unwrap_or_else(PoisonError::into_inner).insert(room);
        }
        // Whether it was there or not: the next request begins another search.
        guest.ask(Method::DELETE, &format!("/api/matchmaking/{}", asked.ticket)).await;
    }
}

/// Follows a search to its match. `None` when it ends without one.
async fn wait_for_match(guest: &Guest, mut ticket: MatchTicket) -> Option<RoomId> {
    loop {
        if let MatchState::Matched { room, .. } = ticket.state {
            return Some(room);
        }
        let path = match_path(&ticket.ticket, ticket.version, WAIT_S);
        let answer = guest.ask(Method::GET, &path).await;
        match answer.status.as_u16() {
            200 => ticket = answer.json(),
            204 => {}
            _ => return None,
        }
    }
}
