//! The line between two places: packets take their time, and some are lost.
//!
//! It works below TCP, packet by packet, so a lost packet is what it is on a real line: TCP finds out, sends it again,
//! and everything behind it waits. Packets of a connection keep their order; those of another, whose player sits
//! elsewhere, neither wait for them nor hold them up. When too many are on their way, the next is lost, as at a router whose
//! queue is full.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap};
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
/// Connections whose last packet is remembered. When full, those whose packets have all arrived are forgotten; the others
/// are no more than packets may be under way.
const FLOWS_REMEMBERED: usize = 256;
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
    under_way: UnderWay,
}

/// Packets that have not arrived yet.
#[derive(Debug, Default)]
struct UnderWay {
    /// The next to arrive on top.
    packets: BinaryHeap<Reverse<Packet>>,
    /// When the last packet of each connection arrives.
    last: BTreeMap<Flow, Instant>,
    /// Packets taken in.
    count: u64,
}

/// The two ports of a connection. There is one pair of addresses.
type Flow = [u8; 4];

/// Ordered by the moment at which it arrives, and then by number: of two packets of a connection that arrive at once, the
/// first comes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    at: Instant,
    number: u64,
    bytes: Vec<u8>,
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
    let direction = |from, to| Direction { from, to, under_way: UnderWay::default() };
    let mut directions = [direction(here, there), direction(there, here)];
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    while !dials.has_ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        for direction in &mut directions {
            direction.deliver(now);
        }
        let next = directions.iter().filter_map(|direction| direction.under_way.next());
        let next = next.map(|at| at.saturating_duration_since(now)).min();
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
        while let Some(packet) = self.under_way.arrived(now) {
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
                || self.under_way.packets.len() == PACKETS_MAX;
            if is_lost {
                dials.lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            dials.carried.fetch_add(1, Ordering::Relaxed);
            let jitter_us = chance.below(conditions.jitter_ms * 1_000 + 1);
            let way_us = u64::from(conditions.rtt_ms) * 500 + u64::from(jitter_us);
            let now = Instant::now();
            let at = now + Duration::from_micros(way_us);
            self.under_way.add(now, at, buffer[..length].to_vec());
        }
    }
}

impl UnderWay {
    /// It arrives then, or right behind the last one of its connection.
    fn add(&mut self, now: Instant, at: Instant, bytes: Vec<u8>) {
        if self.last.len() >= FLOWS_REMEMBERED {
            self.last.retain(|_, last| *last > now);
        }
        let last = self.last.entry(flow(&bytes)).or_insert(at);
        let at = at.max(*last);
        *last = at;
        self.count += 1;
        self.packets.push(Reverse(Packet { at, number: self.count, bytes }));
    }

    /// When the next one arrives.
    fn next(&self) -> Option<Instant> {
        self.packets.peek().map(|Reverse(packet)| packet.at)
    }

    /// The next one, if it has arrived.
    fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        let next = self.packets.peek_mut().filter(|next| next.0.at <= now)?;
        Some(PeekMut::pop(next).0.bytes)
    }
}

/// Whose packet it is: of TCP over IPv4 (RFC 791, RFC 9293), which is all that matters here. Others are one flow.
fn flow(packet: &[u8]) -> Flow {
    let header_words = packet.first().map_or(0, |first| first & 0x0F);
    let ports = packet.get(usize::from(header_words) * 4..).and_then(|tcp| tcp.first_chunk());
    ports.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{FLOWS_REMEMBERED, UnderWay, flow};

    /// Of the connection from this port, with something inside.
    fn packet(header_words: u8, from: u8, inside: u8) -> Vec<u8> {
        let mut packet = vec![0x40 | header_words];
        packet.resize(usize::from(header_words) * 4, 9);
        packet.extend([from, 1, 0x1E, 0x61, inside]);
        packet
    }

    #[test]
    fn packets_keep_the_order_of_their_connection_and_wait_for_no_other() {
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        let mut line = UnderWay::default();

        for (from, ms, inside) in [(1, 20, b'a'), (1, 5, b'b'), (2, 10, b'c'), (1, 20, b'd')] {
            line.add(now, at(ms), packet(5, from, inside));
        }

        assert_eq!((line.next(), line.arrived(at(9))), (Some(at(10)), None));
        let mut arrived = |ms| line.arrived(at(ms)).and_then(|packet| packet.last().copied());
        assert_eq!([arrived(10), arrived(19)], [Some(b'c'), None]);
        assert_eq!([(); 4].map(|()| arrived(20)), [Some(b'a'), Some(b'b'), Some(b'd'), None]);
    }

    #[test]
    fn connections_whose_packets_have_arrived_are_forgotten() {
        let now = Instant::now();
        let mut line = UnderWay::default();

        for from in 0..=u8::MAX {
            line.add(now, now, packet(5, from, 0));
        }
        assert_eq!(line.last.len(), FLOWS_REMEMBERED);
        line.add(now, now, packet(6, 7, 0));

        assert_eq!(line.last.len(), 1);
    }

    #[test]
    fn the_ports_are_behind_the_options() {
        assert_eq!(flow(&packet(5, 200, 0)), [200, 1, 0x1E, 0x61]);
        assert_eq!(flow(&packet(5, 200, 0)), flow(&packet(6, 200, 0)));
        assert_eq!([flow(&[]), flow(&[0x45, 0, 0])], [[0; 4]; 2]);
    }
}
