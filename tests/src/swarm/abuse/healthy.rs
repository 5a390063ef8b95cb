//! Players and readers who do nothing wrong, and what they feel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use shared::api::{CreateRoom, Role};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::Mode;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::super::load::{self, Playing, Totals};
use super::super::usage::cpu_seconds;
use super::addresses::address;
use crate::feed::{FeedReader, Transport};
use crate::site::Site;
use crate::socket::GameSocket;

/// Loopback networks of the groups.
const PLAYERS_NET: u8 = 10;
const READERS_NET: u8 = 20;
const PROBES_NET: u8 = 30;
/// Players who measure the round trip.
const PROBES: usize = 32;
/// The interval of their pings: no multiple of a tick, so that they come at all its moments.
const PING_EVERY: Duration = Duration::from_millis(97);

/// What was felt in a window.
pub(super) struct Felt {
    pub(super) ping_p99_ms: f64,
    pub(super) event_p99_ms: f64,
    pub(super) snapshots_per_second: f64,
    /// What the server and these clients took of a core each.
    pub(super) server_cores: f64,
    pub(super) clients_cores: f64,
}

/// Healthy clients, until this is dropped.
pub(super) struct Healthy {
    samples: Arc<Samples>,
    players: usize,
    totals: Arc<Totals>,
    _playing: Playing,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Samples {
    /// In microseconds.
    pings: Mutex<Vec<u64>>,
    events: Mutex<Vec<u64>>,
    lost: AtomicU64,
}

impl Healthy {
    pub(super) async fn start(
        site: &Site,
        players: usize,
        readers: usize,
        seed: u64,
    ) -> Result<Self> {
        let (samples, totals) = (Arc::<Samples>::default(), Arc::<Totals>::default());
        let seen_by = |number| site.seen_from(address(PLAYERS_NET, number));
        let playing = load::players_from(&seen_by, players, seed, &totals).await?;
        let mut tasks = JoinSet::new();
        for number in 0..PROBES {
            let guest = site.seen_from(address(PROBES_NET, number)).guest("Probe").await;
            let wanted = CreateRoom { mode: Mode::Practice, private: true, bots: None };
            let room = guest.open_room(&wanted).await.summary.id;
            let socket = guest.connect(room, Role::Player).await;
            tasks.spawn(ping(socket, samples.clone()));
        }
        for number in 0..readers {
            let transport = [Transport::Sse, Transport::WebSocket][number % 2];
            let site = site.seen_from(address(READERS_NET, number));
            let reader = transport.open(&site, "lab", None).await.context("subscribing")?;
            tasks.spawn(read(reader, samples.clone()));
        }
        Ok(Self { samples, players, totals, _playing: playing, _tasks: tasks })
    }

    /// What was felt from now on until the end of the window, and what the server with this process id took for it.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub(super) async fn measure(&self, window: Duration, server: u32) -> Result<Felt> {
        let used = || anyhow::Ok((cpu_seconds(server)?, cpu_seconds(std::process::id())?));
        self.samples.pings.lock().await.clear();
        self.samples.events.lock().await.clear();
        let (before, used_before) = (self.totals.now(), used()?);
        sleep(window).await;
        let (counts, used) = (self.totals.now().since(&before), used()?);
        let player_seconds = self.players as f64 * window.as_secs_f64();
        Ok(Felt {
            server_cores: (used.0 - used_before.0) / window.as_secs_f64(),
            clients_cores: (used.1 - used_before.1) / window.as_secs_f64(),
            ping_p99_ms: p99_ms(&mut self.samples.pings.lock().await),
            event_p99_ms: p99_ms(&mut self.samples.events.lock().await),
            snapshots_per_second: counts.snapshots as f64 / player_seconds,
        })
    }

    /// Connections that ended.
    pub(super) fn lost(&self) -> u64 {
        self.totals.now().lost + self.samples.lost.load(Ordering::Relaxed)
    }
}

fn p99_ms(samples_us: &mut [u64]) -> f64 {
    samples_us.sort_unstable();
    let place = samples_us.len().saturating_sub(1) * 99 / 100;
    samples_us.get(place).map_or(f64::NAN, |us| *us as f64 / 1_000.0)
}

/// Pings until the connection ends.
async fn ping(mut socket: GameSocket, samples: Arc<Samples>) {
    let began = Instant::now();
    // Wraps after more than an hour.
    let now_us = || began.elapsed().as_micros() as u32;
    let mut clock = interval(PING_EVERY);
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Ok(ServerMessage::Pong { nonce, .. }) => {
                    let took = now_us().wrapping_sub(nonce);
                    samples.pings.lock().await.push(took.into());
                }
                Ok(_) => {}
                Err(_) => break,
            },
            _ = clock.tick() => {
                if socket.send(&ClientMessage::Ping { nonce: now_us() }).await.is_err() {
                    break;
                }
            }
        }
    }
    samples.lost.fetch_add(1, Ordering::Relaxed);
}

/// Reads until the subscription ends. The age of an event is exact: server and reader have one clock, and each event
/// carries its time in milliseconds.
async fn read(mut reader: Box<dyn FeedReader>, samples: Arc<Samples>) {
    // The first one is the snapshot, which is older.
    let mut is_first = true;
    while let Ok(envelope) = reader.next().await {
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now_us = u64::try_from(now_us).unwrap_or(u64::MAX);
        if !is_first {
            let age = now_us.saturating_sub(envelope.at_ms * 1_000);
            samples.events.lock().await.push(age);
        }
        is_first = false;
    }
    samples.lost.fetch_add(1, Ordering::Relaxed);
}
