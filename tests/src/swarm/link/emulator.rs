//! The link between two namespaces: packets are delayed, and some are lost.
//!
//! It works below TCP, packet by packet, so a lost packet has the effect that it has on a real link: TCP notices,
//! retransmits, and everything behind the packet waits. Packets of one connection keep their order; packets of different
//! connections do not wait for each other. When too many packets are in flight, the next one is lost, as at a router with a
//! full queue.

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

/// Most packets in flight in one direction. Further ones are lost.
const PACKETS_MAX: usize = 4_096;
/// Larger than any packet of a device.
const PACKET_BYTES_MAX: usize = 64 * 1024;
/// Connections whose last packet is remembered. When full, connections without packets in flight are forgotten; the others
/// are at most [`PACKETS_MAX`].
const FLOWS_REMEMBERED: usize = 256;
/// How long the thread may take to notice that it should end.
const NOTICE: Duration = Duration::from_millis(20);

/// The quality of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// Round trip without jitter, in ms.
    pub rtt_ms: u32,
    /// Largest additional delay of a packet in each direction, in ms.
    pub jitter_ms: u32,
    /// Lost packets in each direction, in percent.
    pub loss_percent: u32,
}

/// A link that carries packets until it is dropped.
pub(super) struct LinkEmulator {
    controls: Arc<Controls>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Controls {
    conditions: Mutex<Conditions>,
    is_cut: AtomicBool,
    has_ended: AtomicBool,
    carried: AtomicU64,
    lost: AtomicU64,
}

/// Packets in flight to one end.
struct Direction<'a> {
    from: &'a SyncDevice,
    to: &'a SyncDevice,
    in_flight: InFlight,
}

/// Packets that have not arrived yet, of one direction.
#[derive(Debug, Default)]
struct InFlight {
    /// The next packet to arrive is on top.
    packets: BinaryHeap<Reverse<Packet>>,
    /// When the last packet of each connection arrives.
    last: BTreeMap<Flow, Instant>,
    /// Packets received so far.
    count: u64,
}

/// The two ports of a connection. There is one pair of addresses.
type Flow = [u8; 4];

/// Ordered by its time of arrival, and then by number, so that packets of a connection that arrive at once keep their
/// order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    at: Instant,
    number: u64,
    bytes: Vec<u8>,
}

impl LinkEmulator {
    /// A perfect link between the far ends of two namespaces' devices. The seed decides which packets are late or lost.
    pub(super) fn between(here: SyncDevice, there: SyncDevice, seed: u64) -> Self {
        let controls = Arc::<Controls>::default();
        let read = Arc::clone(&controls);
        let thread = thread::spawn(move || carry(&here, &there, &read, Rng(seed)));
        Self { controls, thread: Some(thread) }
    }

    /// Changes the conditions.
    pub(super) fn set(&self, conditions: Conditions) {
        *self.controls.conditions.lock().unwrap_or_else(PoisonError::into_inner) = conditions;
    }

    /// While the link is cut, every packet is lost.
    pub(super) fn cut(&self, is_cut: bool) {
        self.controls.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// Packets carried and lost so far.
    pub(super) fn counts(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.controls.carried), read(&self.controls.lost))
    }
}

impl Drop for LinkEmulator {
    fn drop(&mut self) {
        self.controls.has_ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn carry(here: &SyncDevice, there: &SyncDevice, controls: &Controls, mut rng: Rng) {
    let direction = |from, to| Direction { from, to, in_flight: InFlight::default() };
    let mut directions = [direction(here, there), direction(there, here)];
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    while !controls.has_ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        for direction in &mut directions {
            direction.deliver(now);
        }
        let next = directions.iter().filter_map(|direction| direction.in_flight.next());
        let next = next.map(|at| at.saturating_duration_since(now)).min();
        let wait = TimeSpec::from_duration(next.unwrap_or(NOTICE).min(NOTICE));
        let mut ready = [here, there].map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN));
        // After an interruption, too, the devices are read.
        ppoll(&mut ready, Some(wait), None).ok();
        let conditions = *controls.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        for direction in &mut directions {
            direction.receive(&mut buffer, conditions, controls, &mut rng);
        }
    }
}

impl Direction<'_> {
    /// Delivers the packets that have arrived. A packet that the device refuses is lost, as at a network card.
    fn deliver(&mut self, now: Instant) {
        while let Some(packet) = self.in_flight.arrived(now) {
            self.to.send(&packet).ok();
        }
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        conditions: Conditions,
        controls: &Controls,
        rng: &mut Rng,
    ) {
        loop {
            let length = match self.from.recv(buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let is_lost = rng.below(100) < conditions.loss_percent
                || controls.is_cut.load(Ordering::Relaxed)
                || self.in_flight.packets.len() == PACKETS_MAX;
            if is_lost {
                controls.lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            controls.carried.fetch_add(1, Ordering::Relaxed);
            let jitter_us = rng.below(conditions.jitter_ms * 1_000 + 1);
            let way_us = u64::from(conditions.rtt_ms) * 500 + u64::from(jitter_us);
            let now = Instant::now();
            let at = now + Duration::from_micros(way_us);
            self.in_flight.add(now, at, buffer[..length].to_vec());
        }
    }
}

impl InFlight {
    /// Adds a packet that arrives at `at`, or right behind the last one of its connection.
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

    /// When the next packet arrives.
    fn next(&self) -> Option<Instant> {
        self.packets.peek().map(|Reverse(packet)| packet.at)
    }

    /// The next packet, if it has arrived.
    fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        let next = self.packets.peek_mut().filter(|next| next.0.at <= now)?;
        Some(PeekMut::pop(next).0.bytes)
    }
}

/// The connection of a TCP packet over IPv4 (RFC 791, RFC 9293). All other packets count as one flow.
fn flow(packet: &[u8]) -> Flow {
    let header_words = packet.first().map_or(0, |first| first & 0x0F);
    let ports = packet.get(usize::from(header_words) * 4..).and_then(|tcp| tcp.first_chunk());
    ports.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{FLOWS_REMEMBERED, InFlight, flow};

    /// A packet of the connection from this port.
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
        let mut line = InFlight::default();

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
        let mut line = InFlight::default();

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
