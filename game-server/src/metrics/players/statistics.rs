//! The statistics of one connection with a seat.

use std::time::Duration;

use shared::protocol::PlayReport;

/// The statistics of one connection. Counters start with it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PlayerStatistics {
    /// The least round-trip time of the last pings. A room reads and writes its sockets once a tick, which adds up to two
    /// ticks.
    pub round_trip: Option<Duration>,
    /// The mean difference between the delays of consecutive input messages.
    pub jitter: Duration,
    /// Ticks between arrival and use of recent inputs: 99 % had at least this many. Negative: late.
    pub margin_p99_ticks: Option<i16>,
    /// Inputs received.
    pub inputs: u64,
    /// Of these, received after their tick.
    pub inputs_late: u64,
    /// Inputs refused because their tick is too far ahead, which `inputs` does not count.
    pub inputs_ahead: u64,
    /// Ticks without an input.
    pub inputs_missing: u64,
    /// Parts of the stream that were left out because the client read too slowly.
    pub skipped: u64,
    /// Keyframes sent to this client alone.
    pub keyframes: u64,
    /// Desyncs that the client reported.
    pub diverged: u64,
    /// Bytes from the client.
    pub received_bytes: u64,
    /// Bytes to the client.
    pub sent_bytes: u64,
    /// Bytes that wait for the kernel.
    pub unsent_bytes: usize,
    /// The client's own statistics.
    pub reported: Option<PlayReport>,
}
