//! Clients who abuse the server, each kind in its own way. They are a program of their own, which says on its standard
//! output how it fares, until it is killed.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api::{Session, SessionRequest};
use shared::id::PlayerId;
use shared::sim::rng::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::super::seeds::player_rng;
use super::addresses::address;
use crate::site::Site;

/// Readers of feeds who subscribe and read nothing.
const STALLED: usize = 200;
/// Connections that send a request's head, a byte a second.
const SLOW_HEADS: usize = 1_000;
/// Guests at every limit.
pub(super) const GUESTS: usize = 100;

const STALLED_NET: u8 = 40;
const SLOW_NET: u8 = 50;
const GUESTS_NET: u8 = 60;
/// How many slow heads and stalled readers share an address.
const PER_ADDRESS: usize = 50;
/// How long a stalled reader stays.
const STALLS_FOR: Duration = Duration::from_secs(30);
/// Between two requests of a guest. It varies: guests who pause alike fall into step with the events that delay them all.
const PAUSE_MS: (i32, i32) = (50, 150);
/// They come one after the other within this time, as strangers do who know nothing of each other.
const COME_WITHIN_MS: u32 = 10_000;
/// After a refused or ended connection.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// A limit that has not refused after so many requests in a row is none: the largest burst is of 600.
const BURST_MAX: usize = 1_000;
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How the guests fare.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Guests whom every limit has refused.
    pub(super) at_limits: u64,
    pub(super) requests: u64,
    /// 429 or 503.
    pub(super) limited: u64,
    /// Another 5xx, or no answer.
    pub(super) failed: u64,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    limited: AtomicU64,
    failed: AtomicU64,
    at_limits: AtomicU64,
}

impl Counters {
    fn tally(&self) -> Tally {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tally {
            at_limits: read(&self.at_limits),
            requests: read(&self.requests),
            limited: read(&self.limited),
            failed: read(&self.failed),
        }
    }
}

/// Abuses a server until nobody reads the tallies any more.
///
/// # Errors
/// When a tally cannot be written.
pub async fn attack(site: &Site) -> Result<()> {
    let (mut tasks, counters) = (JoinSet::new(), Arc::<Counters>::default());
    for number in 0..STALLED {
        let site = site.seen_from(address(STALLED_NET, number / PER_ADDRESS));
        tasks.spawn(later(number, stall(site, number)));
    }
    for number in 0..SLOW_HEADS {
        let site = site.seen_from(address(SLOW_NET, number / PER_ADDRESS));
        tasks.spawn(later(STALLED + number, dawdle(site)));
    }
    for number in 0..GUESTS {
        let site = site.seen_from(address(GUESTS_NET, number));
        tasks.spawn(insist(site, player_rng(number, 0), counters.clone()));
    }
    loop {
        let mut line = serde_json::to_vec(&counters.tally())?;
        line.push(b'\n');
        io::stdout().write_all(&line)?;
        io::stdout().flush()?;
        sleep(AGAIN_AFTER).await;
    }
}

/// Begins at a moment of this attacker's own.
async fn later(number: usize, attacker: impl Future<Output = ()>) {
    let wait_ms = player_rng(number, 1).below(COME_WITHIN_MS);
    sleep(Duration::from_millis(wait_ms.into())).await;
    attacker.await;
}

/// Subscribes, reads nothing, and comes again after a while.
async fn stall(site: Site, number: usize) {
    let feed = ["lab", "rooms", "scoreboard"][number % 3];
    let head = format!(
        "GET /api/feeds/{feed} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n",
        site.address()
    );
    loop {
        if let Ok(mut socket) = site.tcp().await
            && socket.write_all(head.as_bytes()).await.is_ok()
        {
            sleep(STALLS_FOR).await;
        }
        sleep(AGAIN_AFTER).await;
    }
}

/// Sends the head of a request so slowly that it never ends.
async fn dawdle(site: Site) {
    loop {
        if let Ok(mut socket) = site.tcp().await {
            let head = b"GET /api/rooms HTTP/1.1\r\nX-Slow: ".iter().chain([&b'a'; 10_000]);
            for byte in head {
                let sent = socket.write_all(&[*byte]).await.is_ok();
                let ended = timeout(Duration::from_secs(1), socket.read_u8()).await.is_ok();
                if !sent || ended {
                    break;
                }
            }
        }
        sleep(AGAIN_AFTER).await;
    }
}

/// One guest who asks for everything until each limit refuses, and from then on as fast as answers and pauses allow.
async fn insist(site: Site, mut rng: Rng, counters: Arc<Counters>) {
    loop {
        let bully = SessionRequest::Name { name: "Bully".to_owned(), wants_token: true };
        let begin = site.request(Method::POST, "/api/session");
        let answer = ask(begin.json(&bully), &counters).await;
        let Some(session) = answer.and_then(|(_, body)| session_of(&body)) else {
            sleep(AGAIN_AFTER).await;
            continue;
        };
        let asks = Asks { site: &site, token: &session.token };
        for limited in asks.limited() {
            for _ in 0..BURST_MAX {
                let request = limited.try_clone().expect("a body without a stream");
                if ask(request, &counters).await.is_some_and(|(status, _)| status == 429) {
                    break;
                }
            }
        }
        counters.at_limits.fetch_add(1, Ordering::Relaxed);
        loop {
            for request in asks.limited().into_iter().chain(asks.costly(session.player)) {
                ask(request, &counters).await;
                let pause_ms = rng.between(PAUSE_MS.0, PAUSE_MS.1).unsigned_abs();
                sleep(Duration::from_millis(pause_ms.into())).await;
            }
        }
    }
}

/// What a guest asks for.
struct Asks<'a> {
    site: &'a Site,
    token: &'a str,
}

impl Asks<'_> {
    fn post(&self, path: &str) -> RequestBuilder {
        self.site.request(Method::POST, path).bearer_auth(self.token)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.site.request(Method::GET, path).bearer_auth(self.token)
    }

    /// One request for each limit of an address or a player.
    fn limited(&self) -> [RequestBuilder; 6] {
        [
            self.post("/api/rooms").json(&json!({ "mode": "brawl", "private": true })),
            self.post("/api/matchmaking").json(&json!({ "mode": "duel" })),
            self.post("/api/chat/tickets"),
            self.site.request(Method::POST, "/api/session").json(&json!({ "name": "Another" })),
            self.get("/api/rooms/ZZZZZZ"),
            self.post("/api/session/handovers"),
        ]
    }

    /// What costs the server more than the guest.
    fn costly(&self, player: PlayerId) -> [RequestBuilder; 3] {
        [
            self.post("/api/session").body("x".repeat(15_000)),
            self.get(&format!("/api/replays?player={player}&limit=100")),
            self.get(&format!("/api/players/{player}")),
        ]
    }
}

fn session_of(body: &[u8]) -> Option<Session> {
    serde_json::from_slice(body).ok()
}

/// Sends a request and counts the answer. Returns its status and body. `None` without an answer.
async fn ask(request: RequestBuilder, counters: &Counters) -> Option<(u16, Vec<u8>)> {
    let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    add(&counters.requests);
    let Ok(Ok(answer)) = timeout(ANSWER_WITHIN, request.send()).await else {
        add(&counters.failed);
        return None;
    };
    let status = answer.status().as_u16();
    match status {
        429 | 503 => add(&counters.limited),
        500..=599 => add(&counters.failed),
        _ => 0,
    };
    let body = timeout(ANSWER_WITHIN, answer.bytes()).await.ok()?.ok()?;
    Some((status, body.to_vec()))
}
