//! An open connection: receives at the beginning of a tick, and gathers and sends what is new at its end.
//!
//! Neither waits. Bytes that the kernel does not accept now go with the next tick, and meanwhile the client's place
//! in the stream is a number.

use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::protocol::{CLIENT_MESSAGES_PER_SECOND_MAX, ServerMessage, close};
use shared::tick::TICK_RATE_HZ;

use super::end::End;
use super::frames::{self, Frame, FrameReader};
use super::messages::{self, ControlMessage, Sender};
use super::socket::Socket;
use super::statistics::{Statistics, Traffic};
use super::update::Update;
use crate::keepalive::{Keepalive, KeepaliveAction};
use crate::limits::{Bucket, Rate};
use crate::metrics::Counted;
use crate::presence::PresenceGuard;
use crate::room::broadcast::{LogCursor, stream_frame};
use crate::room::inputs::InputBuffer;
use crate::room::interest::InterestSet;

/// A client that accepts no bytes for this long is disconnected.
const STALL_MAX: Duration = Duration::from_secs(5);
/// How often a client learns how its inputs arrive: twice a second.
const TIMING_EVERY_TICKS: u32 = TICK_RATE_HZ / 2;
/// How often the statistics in `/metrics` are updated: once a second.
const STATISTICS_EVERY_TICKS: u32 = TICK_RATE_HZ;

/// The frames of any kind that a client may send.
const FRAME_RATE: Rate = Rate {
    burst: CLIENT_MESSAGES_PER_SECOND_MAX,
    refill: Duration::from_nanos(1_000_000_000 / CLIENT_MESSAGES_PER_SECOND_MAX as u64),
};

/// What a connection is opened with.
pub(in crate::room) struct Opening {
    pub(in crate::room) welcome: ServerMessage,
    pub(in crate::room) statistics: Statistics,
    pub(in crate::room) cursor: LogCursor,
    /// For a player in a crowd: a stream of what is near takes the place of the whole one.
    pub(in crate::room) interest: Option<InterestSet>,
    pub(in crate::room) ping_period: Duration,
    /// Kept while the connection is open: its count in `/metrics`, and the player's presence in the room.
    pub(in crate::room) held: (Counted, PresenceGuard),
}

/// An open connection.
///
/// From one tick to the next, the processor's cache loses it, and then waits for every 64 bytes of it. So the
/// fields lie in the order in which a tick looks at them: those for receiving, those for sending, the rest.
#[repr(C)]
pub(in crate::room) struct OpenConnection {
    /// This tick reads the socket.
    is_read_due: bool,
    /// `outgoing` has answers that only this connection sends.
    has_answer: bool,
    /// The connection is up to date: this tick sends it the shared batch.
    takes_batch: bool,
    /// Since when the kernel accepts no bytes.
    stalled_since: Option<Instant>,
    frame_rate: Bucket,
    traffic: Traffic,
    socket: Socket,
    frames: FrameReader,
    /// The room's ticks of the last timing message and of the last update of the statistics.
    reported: Option<(u32, u32)>,
    /// Frames for the end of this tick. Empty between two ticks unless the kernel accepts nothing; then only answers
    /// to the client's own frames are added. Their rate is limited, and the client is disconnected after a while.
    outgoing: Vec<Bytes>,
    interest: Option<Box<InterestSet>>,
    cursor: LogCursor,
    keepalive: Keepalive,
    statistics: Statistics,
    _held: (Counted, PresenceGuard),
}

impl OpenConnection {
    pub(in crate::room) fn new(socket: Socket, opening: Opening, now: Instant) -> Self {
        Self {
            is_read_due: true,
            has_answer: true,
            takes_batch: false,
            stalled_since: None,
            frame_rate: Bucket::full(now),
            traffic: Traffic::default(),
            socket,
            frames: FrameReader::default(),
            reported: None,
            outgoing: vec![frames::binary(&opening.welcome.encode())],
            interest: opening.interest.map(Box::new),
            cursor: opening.cursor,
            keepalive: Keepalive::new(opening.ping_period, now),
            statistics: opening.statistics,
            _held: opening.held,
        }
    }

    /// A new world begins.
    pub(super) fn restart_interest(&mut self) {
        self.interest.iter_mut().for_each(|interest| interest.restart());
    }

    /// The connection is no longer open, for this reason.
    pub(super) fn into_parts(mut self, reason: &'static str) -> (Socket, FrameReader) {
        self.statistics.end(self.traffic, reason);
        (self.socket, self.frames)
    }

    /// Whether there is something to send that only this connection sends.
    pub(super) fn has_answers(&self) -> bool {
        self.has_answer || self.stalled_since.is_some()
    }

    /// Decides whether this tick reads the socket. `inputs` are those of a player.
    ///
    /// A message has the inputs of two ticks, unless something changed, so every second read would only return "would
    /// block". A connection that is sent a snapshot at the end of the tick is read: a socket that was read a moment ago
    /// costs less to write to, and relayed inputs go on at once. In between, only a player whose input for this very tick
    /// is missing is read. So no input is late because of this, but one that arrives in between counts as if it had
    /// arrived in the next tick. A client does not notice if its messages begin with an even tick: those inputs are due
    /// one tick after a snapshot, and one tick is the lead that clients aim for.
    pub(super) fn schedule_read(&mut self, is_in_audience: bool, inputs: Option<&InputBuffer>) {
        self.is_read_due = is_in_audience || inputs.is_some_and(|inputs| !inputs.has_next());
    }

    /// Receives what the client has sent: reads once, and takes every message in it.
    ///
    /// # Errors
    /// When the connection does not stay open.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        scratch: &mut [u8],
        mut sender: Sender<'_>,
    ) -> Result<(), End> {
        if !self.is_read_due {
            return Ok(());
        }
        let Some(bytes) = self.socket.read(scratch)? else { return Ok(()) };
        self.traffic.received += bytes.len() as u64;
        let Self {
            frames,
            frame_rate,
            keepalive,
            statistics,
            cursor,
            interest,
            outgoing,
            has_answer,
            ..
        } = self;
        let mut answer = |frame| {
            *has_answer = true;
            outgoing.push(frame);
        };
        frames.read(bytes, |frame| {
            if frame_rate.take(FRAME_RATE, now).is_err() {
                return Err(End::ClosedByServer((close::POLICY, "too many messages")));
            }
            match frame {
                Frame::Binary(bytes) => match messages::receive(bytes, &mut sender)? {
                    Some(ControlMessage::Diverged(tick)) if statistics.diverged(tick, now) => {
                        match interest {
                            Some(interest) => interest.restart(),
                            None => cursor.resync(),
                        }
                    }
                    Some(ControlMessage::Report(report)) => statistics.reported(report, now),
                    Some(ControlMessage::Answer(frame)) => answer(frame),
                    Some(ControlMessage::Diverged(_)) | None => {}
                },
                Frame::Text(_) => {
                    let closing = (close::MALFORMED, "game messages are binary");
                    return Err(End::ClosedByServer(closing));
                }
                Frame::Close(code) => return Err(End::ClosedByClient(code)),
                Frame::Pong => {
                    keepalive.pong();
                    statistics.pong_received(now);
                }
                Frame::Ping(payload) => answer(frames::pong(payload)),
            }
            Ok(())
        })
    }

    /// Gathers everything new for [`Self::flush`]. `inputs` are those of a player.
    ///
    /// # Errors
    /// When the connection does not stay open.
    pub(super) fn gather(
        &mut self,
        now: Instant,
        update: Update<'_>,
        inputs: Option<&mut InputBuffer>,
    ) -> Result<(), End> {
        let (timing_at, statistics_at) = self.reported.get_or_insert((update.tick, update.tick));
        let is_timing_due = update.tick.wrapping_sub(*timing_at) >= TIMING_EVERY_TICKS;
        if is_timing_due {
            *timing_at = update.tick;
        }
        if update.tick.wrapping_sub(*statistics_at) >= STATISTICS_EVERY_TICKS {
            *statistics_at = update.tick;
            self.statistics.publish(self.traffic, self.socket.unsent_bytes(), now);
        }
        if self.socket.is_stalled() && self.retry(now)?.is_stalled() {
            return Ok(());
        }
        self.takes_batch = self.cursor.skip_batch(update.batch.place, update.log_end);
        if !self.cursor.is_at(update.log_end) {
            self.cursor.take_frames(&mut self.outgoing);
        }
        if let Some((interest, snapshot)) = self.interest.as_mut().zip(update.crowd) {
            self.outgoing.extend(interest.encode(snapshot).map(stream_frame));
        }
        if is_timing_due {
            self.report(inputs);
        }
        match self.keepalive.poll(now) {
            Some(KeepaliveAction::Dead) => {
                return Err(End::ClosedByServer((close::NO_PONG, "no pong came")));
            }
            Some(KeepaliveAction::Ping) => {
                self.statistics.ping_sent(now);
                self.outgoing.push(frames::ping());
            }
            None => {}
        }
        Ok(())
    }

    /// Sends what was gathered, with one write.
    ///
    /// # Errors
    /// When the connection does not stay open.
    pub(super) fn flush(&mut self, now: Instant, update: Update<'_>) -> Result<(), End> {
        let takes_batch = core::mem::take(&mut self.takes_batch);
        let batch = if takes_batch { update.batch.frames } else { &[] };
        if self.stalled_since.is_some() {
            return Ok(());
        }
        if self.outgoing.is_empty() {
            return self.send(batch, now);
        }
        // The frames for this connection alone go first.
        let mut outgoing = core::mem::take(&mut self.outgoing);
        outgoing.extend_from_slice(batch);
        self.send(&outgoing, now)?;
        outgoing.clear();
        self.outgoing = outgoing;
        self.has_answer = false;
        Ok(())
    }

    /// Sends the bytes that the kernel did not accept before.
    ///
    /// # Errors
    /// When it has accepted none for too long.
    fn retry(&mut self, now: Instant) -> Result<&Socket, End> {
        let since = *self.stalled_since.get_or_insert(now);
        self.socket.flush()?;
        if !self.socket.is_stalled() {
            self.stalled_since = None;
        } else if now.saturating_duration_since(since) >= STALL_MAX {
            self.statistics.cut();
            return Err(End::ClosedByServer((close::TOO_SLOW, "you read too slowly")));
        }
        Ok(&self.socket)
    }

    fn send(&mut self, frames: &[Bytes], now: Instant) -> Result<(), End> {
        if !frames.is_empty() {
            self.traffic.sent += frames.iter().map(Bytes::len).sum::<usize>() as u64;
            self.socket.send(frames)?;
            self.stalled_since = self.socket.is_stalled().then_some(now);
        }
        Ok(())
    }

    /// Counts what happened since the last report, and tells the client of a player how its inputs arrived.
    fn report(&mut self, inputs: Option<&mut InputBuffer>) {
        let skips = self.cursor.take_skips();
        self.statistics.skipped(skips);
        let Some(inputs) = inputs else { return };
        let arrivals = inputs.report();
        self.statistics.add(&arrivals, inputs);
        let Some(margin_p99_ticks) = arrivals.lead_p99() else { return };
        let (late, received) = (arrivals.late, arrivals.received);
        let timing = ServerMessage::Timing { margin_p99_ticks, late, received };
        self.outgoing.push(frames::binary(&timing.encode()));
    }
}

#[cfg(test)]
mod tests;
