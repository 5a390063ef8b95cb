//! Many players in one process. The players of a room share one app: see [`room`].
//!
//! Each app is updated thirty times a second, and the updates of the rooms are spread over the frame. A real game is
//! updated sixty times a second or more: it would send more packets, and the server would have more to do.
//!
//! Prints `playing` when all players are seated, and then, for each line on its input, the counters of all players
//! together. Ends when its input ends.

mod room;

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aeronet_websocket::WebSocketRuntime;
use anyhow::{Context as _, Result, ensure};

use self::room::Room;
use crate::discs::SEATS;
use crate::protocol::BEAT;

/// How long the players of a room may take to be seated.
const SEATING_MAX: Duration = Duration::from_secs(20);
/// The result of [`requests`] when the input has ended.
const ENDED: u64 = u64::MAX;

/// Plays with `count` clients until the input ends.
pub(crate) fn run(address: SocketAddr, count: usize) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.context("starting the runtime of the sockets")?;
    let sockets = WebSocketRuntime::from(runtime.handle().clone());
    let asked = requests();
    let mut turn = Turn::new(count.div_ceil(SEATS));
    let mut rooms: Vec<Room> = Vec::new();
    for first in (0..count).step_by(SEATS) {
        // One room after the other, because the server seats players in the order of their connections.
        let players = SEATS.min(count - first);
        rooms.push(Room::joining(address, first, players, sockets.clone()));
        seat_the_last(&mut rooms, &mut turn)?;
    }
    say("playing");
    let mut answered = 0;
    loop {
        play_a_beat(&mut rooms, &mut turn);
        let wanted = asked.load(Ordering::Relaxed);
        if wanted == ENDED {
            return Ok(());
        }
        for _ in answered..wanted {
            say(&totals(&mut rooms));
        }
        answered = wanted;
    }
}

/// Plays until the players of the newest room see each other.
fn seat_the_last(rooms: &mut [Room], turn: &mut Turn) -> Result<()> {
    let began = Instant::now();
    while rooms.last_mut().is_some_and(|room| !room.is_seated()) {
        ensure!(began.elapsed() < SEATING_MAX, "not everybody of room {} was seated", rooms.len());
        play_a_beat(rooms, turn);
    }
    Ok(())
}

fn play_a_beat(rooms: &mut [Room], turn: &mut Turn) {
    for room in rooms {
        turn.wait();
        room.play();
    }
}

/// The number of new lines on the input.
fn requests() -> Arc<AtomicU64> {
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() {
                break;
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
        count.store(ENDED, Ordering::Relaxed);
    });
    asked
}

/// Sums over all rooms, by name.
fn totals(rooms: &mut [Room]) -> String {
    let mut sums = BTreeMap::<&str, u64>::new();
    for room in rooms {
        for (name, number) in room.totals() {
            *sums.entry(name).or_default() += number;
        }
    }
    let words: Vec<_> = sums.iter().map(|(name, sum)| format!("{name}={sum}")).collect();
    words.join(" ")
}

#[allow(clippy::print_stdout, reason = "who started it reads this")]
fn say(line: &str) {
    println!("{line}");
}

/// When the next room's app is due.
struct Turn {
    step: Duration,
    next: Instant,
}

impl Turn {
    fn new(rooms: usize) -> Self {
        let rooms = u32::try_from(rooms).unwrap_or(u32::MAX).max(1);
        Self { step: BEAT / rooms, next: Instant::now() }
    }

    fn wait(&mut self) {
        thread::sleep(self.next.saturating_duration_since(Instant::now()));
        self.next += self.step;
    }
}
