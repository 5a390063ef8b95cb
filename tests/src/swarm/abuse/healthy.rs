//! Players and readers who do nothing wrong, and what they feel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
use super::arrivals::Arrivals;
use crate::feed::Transport;
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

/// What was felt in one window or several.
#[derive(Default)]
pub(super) struct Felt {
    window: Duration,
    /// In microseconds, as are the events.
    pings: Vec<u64>,
    events: Vec<u64>,
    snapshots: u64,
    /// Seconds of a core that the server and these clients took.
    server_cpu: f64,
    clients_cpu: f64,
}

impl Felt {
    /// What was felt in all these windows.
    pub(super) fn of_all(windows: Vec<Self>) -> Self {
        let mut all = Self::default();
        for felt in windows {
            all.window += felt.window;
            all.pings.extend(felt.pings);
            all.events.extend(felt.events);
            all.snapshots += felt.snapshots;
            all.server_cpu += felt.server_cpu;
            all.clients_cpu += felt.clients_cpu;
        }
        all
    }

    pub(super) fn ping_p99_ms(&self) -> f64 {
        p99_ms(&self.pings)
    }

    pub(super) fn event_p99_ms(&self) -> f64 {
        p99_ms(&self.events)
    }

    /// Snapshots a second for all players together.
    pub(super) fn snapshots_per_second(&self) -> f64 {
        self.snapshots as f64 / self.window.as_secs_f64()
    }

    /// What the server took of a core.
    pub(super) fn server_cores(&self) -> f64 {
        self.server_cpu / self.window.as_secs_f64()
    }

    /// What these clients took of a core.
    pub(super) fn clients_cores(&self) -> f64 {
        self.clients_cpu / self.window.as_secs_f64()
    }
}

/// Healthy clients, until this is dropped.
pub(super) struct Healthy {
    samples: Arc<Samples>,
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
            let reader = Arrivals::open(&site, "lab", transport).await.context("subscribing")?;
            tasks.spawn(read(reader, samples.clone()));
        }
        Ok(Self { samples, totals, _playing: playing, _tasks: tasks })
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
        Ok(Felt {
            window,
            pings: std::mem::take(&mut *self.samples.pings.lock().await),
            events: std::mem::take(&mut *self.samples.events.lock().await),
            snapshots: counts.snapshots,
            server_cpu: used.0 - used_before.0,
            clients_cpu: used.1 - used_before.1,
        })
    }

    /// Connections that ended.
    pub(super) fn lost(&self) -> u64 {
        self.totals.now().lost + self.samples.lost.load(Ordering::Relaxed)
    }
}

fn p99_ms(samples_us: &[u64]) -> f64 {
    let mut sorted = samples_us.to_vec();
    sorted.sort_unstable();
    let place = sorted.len().saturating_sub(1) * 99 / 100;
    sorted.get(place).map_or(f64::NAN, |us| *us as f64 / 1_000.0)
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

/// Reads until the subscription ends.
async fn read(mut reader: Arrivals, samples: Arc<Samples>) {
    // The first one is the snapshot, which is older.
    let mut is_first = true;
    while let Ok(age_us) = reader.next_age_us().await {
        if !is_first {
            samples.events.lock().await.push(age_us);
        }
        is_first = false;
    }
    samples.lost.fetch_add(1, Ordering::Relaxed);
}
