//! Clients who abuse the server, each kind in its own way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use shared::api::Session;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::addresses::address;
use crate::site::Site;

/// Readers of feeds who subscribe and read nothing.
const STALLED: usize = 200;
/// Connections that send a request's head, a byte a second.
const SLOW_HEADS: usize = 1_000;
/// Guests at every limit.
const GUESTS: usize = 100;

const STALLED_NET: u8 = 40;
const SLOW_NET: u8 = 50;
const GUESTS_NET: u8 = 60;
/// How many slow heads and stalled readers share an address.
const PER_ADDRESS: usize = 50;
/// How long a stalled reader stays.
const STALLS_FOR: Duration = Duration::from_secs(30);
/// Between two requests of a guest.
const PAUSE: Duration = Duration::from_millis(100);
/// After a refused or ended connection.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// What the guests were answered.
pub(super) struct Refusals {
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
}

/// The attackers at work.
pub(super) struct Attackers {
    counters: Arc<Counters>,
    _tasks: JoinSet<()>,
}

impl Attackers {
    pub(super) fn start(site: &Site) -> Self {
        let (mut tasks, counters) = (JoinSet::new(), Arc::<Counters>::default());
        for number in 0..STALLED {
            let site = site.seen_from(address(STALLED_NET, number / PER_ADDRESS));
            tasks.spawn(stall(site, number));
        }
        for number in 0..SLOW_HEADS {
            let site = site.seen_from(address(SLOW_NET, number / PER_ADDRESS));
            tasks.spawn(dawdle(site));
        }
        for number in 0..GUESTS {
            let site = site.seen_from(address(GUESTS_NET, number));
            tasks.spawn(insist(site, counters.clone()));
        }
        Self { counters, _tasks: tasks }
    }

    /// Ends them all.
    pub(super) fn stop(self) -> Refusals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { requests, limited, failed } = &*self.counters;
        Refusals { requests: read(requests), limited: read(limited), failed: read(failed) }
    }
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

/// One guest who asks for everything, over and over.
async fn insist(site: Site, counters: Arc<Counters>) {
    loop {
        let answer = site.request(Method::POST, "/api/session").json(&json!({ "name": "Bully" }));
        let Some(session) = ask(answer, &counters).await.and_then(|body| session_of(&body)) else {
            sleep(AGAIN_AFTER).await;
            continue;
        };
        let post = |path: &str| site.request(Method::POST, path).bearer_auth(&session.token);
        let get = |path: &str| site.request(Method::GET, path).bearer_auth(&session.token);
        for round in 0..20 {
            let player = session.player;
            let guess = format!("/api/rooms/{:012x}", round * 7_919);
            for request in [
                post("/api/rooms").json(&json!({ "mode": "brawl", "private": round % 2 == 0 })),
                post("/api/matchmaking").json(&json!({ "mode": "duel" })),
                post("/api/chat/tickets"),
                post("/api/session/handovers"),
                post("/api/session").json(&json!({ "code": "ABCD-EFGH" })),
                post("/api/session").body("x".repeat(15_000)),
                get(&format!("/api/replays?player={player}&limit=100")),
                get(&format!("/api/players/{player}")),
                get(&guess),
            ] {
                ask(request, &counters).await;
                sleep(PAUSE).await;
            }
        }
    }
}

fn session_of(body: &[u8]) -> Option<Session> {
    serde_json::from_slice(body).ok()
}

/// Sends a request and counts the answer. Returns the body of a success.
async fn ask(request: RequestBuilder, counters: &Counters) -> Option<Vec<u8>> {
    let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    add(&counters.requests);
    let Ok(Ok(answer)) = timeout(ANSWER_WITHIN, request.send()).await else {
        add(&counters.failed);
        return None;
    };
    match answer.status().as_u16() {
        429 | 503 => add(&counters.limited),
        500..=599 => add(&counters.failed),
        _ => 0,
    };
    let is_success = answer.status().is_success();
    let body = timeout(ANSWER_WITHIN, answer.bytes()).await.ok()?.ok()?;
    is_success.then(|| body.to_vec())
}
