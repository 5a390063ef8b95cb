//! The line between two places: packets take their time, and some are lost.
//!
//! It works below TCP, packet by packet, so a lost packet is what it is on a real line: TCP finds out, sends it again,
//! and everything behind it waits. Packets keep their order. When too many are on their way, the next is lost, as at a
//! router whose queue is full.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use shared::sim::rng::Rng;
use tun_rs::SyncDevice;

/// Packets on their way in one direction.
const PACKETS_MAX: usize = 4_096;
/// Larger than any packet that a device gives out.
const PACKET_BYTES_MAX: usize = 64 * 1024;
/// How long the line may take to notice that it is to end.
const NOTICE: Duration = Duration::from_millis(20);

/// How good a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// There and back, without jitter.
    pub rtt_ms: u32,
    /// Each packet takes up to so much longer, in each direction.
    pub jitter_ms: u32,
    /// Lost packets, in each direction.
    pub loss_percent: u32,
}

/// A line that carries packets until it is dropped.
pub(super) struct Line {
    dials: Arc<Dials>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Dials {
    conditions: Mutex<Conditions>,
    is_cut: AtomicBool,
    has_ended: AtomicBool,
    carried: AtomicU64,
    lost: AtomicU64,
}

/// Packets on their way to one end.
struct Direction<'a> {
    from: &'a SyncDevice,
    to: &'a SyncDevice,
    /// The next one first; with the moment at which it arrives.
    under_way: VecDeque<(Instant, Vec<u8>)>,
}

impl Line {
    /// A perfect line between the far ends of two places' devices. The seed decides what is late and lost.
    pub(super) fn between(here: SyncDevice, there: SyncDevice, seed: u64) -> Self {
        let dials = Arc::<Dials>::default();
        let read = Arc::clone(&dials);
        let thread = thread::spawn(move || carry(&here, &there, &read, Rng(seed)));
        Self { dials, thread: Some(thread) }
    }

    /// From now on it is so good.
    pub(super) fn set(&self, conditions: Conditions) {
        *self.dials.conditions.lock().unwrap_or_else(PoisonError::into_inner) = conditions;
    }

    /// While it is cut, every packet is lost.
    pub(super) fn cut(&self, is_cut: bool) {
        self.dials.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// Packets carried and lost until now.
    pub(super) fn counts(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.dials.carried), read(&self.dials.lost))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.dials.has_ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn carry(here: &SyncDevice, there: &SyncDevice, dials: &Dials, mut chance: Rng) {
    let direction = |from, to| Direction { from, to, under_way: VecDeque::new() };
    let mut directions = [direction(here, there), direction(there, here)];
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    while !dials.has_ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        for direction in &mut directions {
            direction.deliver(now);
        }
        let next = directions.iter().filter_map(|direction| direction.under_way.front());
        let next = next.map(|(at, _)| at.saturating_duration_since(now)).min();
        let wait = TimeSpec::from_duration(next.unwrap_or(NOTICE).min(NOTICE));
        let mut ready = [here, there].map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN));
        // Interrupted or not: what is there is looked at.
        ppoll(&mut ready, Some(wait), None).ok();
        let conditions = *dials.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        for direction in &mut directions {
            direction.take_in(&mut buffer, conditions, dials, &mut chance);
        }
    }
}

impl Direction<'_> {
    /// Hands over what has arrived. A device that takes nothing loses it, as a network card would.
    fn deliver(&mut self, now: Instant) {
        while let Some((_, packet)) = self.under_way.pop_front_if(|(at, _)| *at <= now) {
            self.to.send(&packet).ok();
        }
    }

    fn take_in(
        &mut self,
        buffer: &mut [u8],
        conditions: Conditions,
        dials: &Dials,
        chance: &mut Rng,
    ) {
        loop {
            let length = match self.from.recv(buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let is_lost = chance.below(100) < conditions.loss_percent
                || dials.is_cut.load(Ordering::Relaxed)
                || self.under_way.len() == PACKETS_MAX;
            if is_lost {
                dials.lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            dials.carried.fetch_add(1, Ordering::Relaxed);
            let jitter_us = chance.below(conditions.jitter_ms * 1_000 + 1);
            let way_us = u64::from(conditions.rtt_ms) * 500 + u64::from(jitter_us);
            let at = Instant::now() + Duration::from_micros(way_us);
            let last = self.under_way.back().map_or(at, |(last, _)| *last);
            self.under_way.push_back((at.max(last), buffer[..length].to_vec()));
        }
    }
}
