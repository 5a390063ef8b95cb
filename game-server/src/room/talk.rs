//! One connection to a room, from its welcome to its close: two turns in each tick of its room.
//!
//! [`Talk::listen`] takes what the client has sent, [`Talk::speak`] sends what is new. Neither waits: what the
//! kernel does not take now goes with the next tick, and meanwhile the client's place in the stream is a number.

use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::protocol::{
    CLIENT_MESSAGES_PER_SECOND_MAX, ClientMessage, MessageError, PlayReport, ServerMessage, close,
};
use shared::tick::{TICK_RATE_HZ, Tick};

use super::frames::{self, Frame, FrameError, FrameReader};
use super::inputs::InputBuffer;
use super::line::Wishes;
use super::meter::{Meter, Traffic};
use super::news::{News, Sight};
use super::outbox::{Reader, stream_frame};
use super::wire::Wire;
use crate::limits::{Bucket, Rate};
use crate::metrics::Counted;
use crate::presence::Present;
use crate::pulse::{Beat, Pulse};
use crate::socket::Closing;

/// A client that takes nothing for so long is cut.
const STALL_MAX: Duration = Duration::from_secs(5);
/// A client is told how its inputs arrive every so many ticks: twice a second.
const TIMING_EVERY_TICKS: u32 = TICK_RATE_HZ / 2;
/// What `/metrics` shows of a connection is brought up to date so often: once a second.
const FIGURES_EVERY_TICKS: u32 = TICK_RATE_HZ;

/// Frames of any kind that a client may send.
const FRAMES: Rate = Rate {
    burst: CLIENT_MESSAGES_PER_SECOND_MAX,
    refill: Duration::from_nanos(1_000_000_000 / CLIENT_MESSAGES_PER_SECOND_MAX as u64),
};

/// Why a talk is over.
pub(super) enum End {
    /// The player gives up the seat.
    Left,
    /// The client closed, with this code.
    Closed(Option<u16>),
    /// We close, and say why.
    Cut(Closing),
    /// The client has broken the protocol: we say why, and hear nothing more.
    Failed(Closing),
    /// The socket broke: there is nobody to say it to.
    Broken,
}

impl End {
    /// For the log.
    pub(super) const fn in_words(&self) -> &'static str {
        match self {
            Self::Left => "gave up the seat",
            Self::Closed(_) => "closed",
            Self::Cut((_, why)) | Self::Failed((_, why)) => why,
            Self::Broken => "broke",
        }
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        Self::Failed(error.closing())
    }
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Broken
    }
}

/// What a talk begins with.
pub(super) struct Opening {
    pub(super) welcome: ServerMessage,
    pub(super) meter: Meter,
    pub(super) reader: Reader,
    /// Of a player of a crowd, who is told of what is near instead of the whole stream.
    pub(super) sight: Option<Sight>,
    pub(super) is_seated: bool,
    pub(super) ping_period: Duration,
    /// In the gauges, and present for the chat, as long as the talk lives.
    pub(super) held: (Counted, Present),
}

/// A connection that talks.
///
/// From one tick to the next the processor forgets it, and then waits for every sixty-four bytes of it. So it lies in the
/// order in which a tick looks at it: what is needed to listen, what is needed to speak, and the rest.
#[repr(C)]
pub(super) struct Talk {
    /// It is listened to in this tick.
    is_due: bool,
    /// The client waits for something that the room does not know of.
    is_asked: bool,
    /// What the room says to everybody who is in step is for this one, too.
    is_in_step: bool,
    is_seated: bool,
    /// The kernel takes nothing since then.
    stalled_since: Option<Instant>,
    bucket: Bucket,
    traffic: Traffic,
    wire: Wire,
    frames: FrameReader,
    /// The beats on which the client was told how its inputs arrive, and on which `/metrics` was brought up to date.
    told: Option<(u32, u32)>,
    /// Frames for the end of this tick. Empty between two ticks, unless the kernel takes nothing; then only
    /// answers to the client's own frames are added, whose rate is limited, until it is cut.
    outgoing: Vec<Bytes>,
    sight: Option<Box<Sight>>,
    reader: Reader,
    pulse: Pulse,
    meter: Meter,
    _held: (Counted, Present),
}

impl Talk {
    pub(super) fn begin(wire: Wire, opening: Opening, now: Instant) -> Self {
        Self {
            is_due: true,
            is_asked: true,
            is_in_step: false,
            is_seated: opening.is_seated,
            stalled_since: None,
            bucket: Bucket::full(now),
            traffic: Traffic::default(),
            wire,
            frames: FrameReader::default(),
            told: None,
            outgoing: vec![frames::binary(&opening.welcome.encode())],
            sight: opening.sight.map(Box::new),
            reader: opening.reader,
            pulse: Pulse::new(opening.ping_period, now),
            meter: opening.meter,
            _held: opening.held,
        }
    }

    /// A new world begins.
    pub(super) fn restart(&mut self) {
        self.sight.iter_mut().for_each(|sight| sight.restart());
    }

    /// The end, and why.
    pub(super) fn into_parts(mut self, why: &'static str) -> (Wire, FrameReader) {
        self.meter.ended(self.traffic, why);
        (self.wire, self.frames)
    }

    /// Whether there is something to say that the room does not know of.
    pub(super) fn has_answers(&self) -> bool {
        self.is_asked || self.stalled_since.is_some()
    }

    /// Whether the client is listened to in this tick.
    ///
    /// A message holds the inputs of two ticks, but for those that say something new, so half of all reads would only hear
    /// "would block". A client is listened to when it is told something, every second tick: a socket that was read a moment
    /// ago costs the less to write to, and what somebody has said that they will hold goes on at once. In between, only
    /// who owes the input of this very tick is asked for it. So no input is late for it; but what comes in between counts as
    /// if it had come with the tick after. A client notices nothing of that if its messages begin with an even tick: those
    /// are due one tick after a tick that tells something, and one tick is the margin that it wants.
    pub(super) fn expect(&mut self, is_told: bool, inputs: &InputBuffer) {
        self.is_due = is_told || (self.is_seated && !inputs.has_next());
    }

    /// Takes what the client has sent: one read, and every message in it.
    pub(super) fn listen(
        &mut self,
        now: Instant,
        scratch: &mut [u8],
        mut wishes: Wishes<'_>,
    ) -> Result<(), End> {
        if !self.is_due {
            return Ok(());
        }
        let Some(bytes) = self.wire.read(scratch)? else { return Ok(()) };
        self.traffic.received += bytes.len() as u64;
        let Self {
            frames, bucket, pulse, meter, reader, sight, outgoing, is_seated, is_asked, ..
        } = self;
        frames.read(bytes, |frame| {
            if bucket.take(FRAMES, now).is_err() {
                return Err(End::Cut((close::POLICY, "too many messages")));
            }
            match frame {
                Frame::Binary(bytes) => {
                    match hear(bytes, *is_seated, &mut wishes)? {
                        Some(Aside::Diverged(tick)) if meter.diverged(tick, now) => match sight {
                            Some(sight) => sight.restart(),
                            None => reader.heal(),
                        },
                        Some(Aside::Report(report)) => meter.reported(report, now),
                        Some(Aside::Asked(answer)) => {
                            *is_asked = true;
                            outgoing.push(answer);
                        }
                        Some(Aside::Diverged(_)) | None => {}
                    }
                    Ok(())
                }
                Frame::Text(_) => Err(End::Cut((close::MALFORMED, "game messages are binary"))),
                Frame::Close(code) => Err(End::Closed(code)),
                Frame::Pong => {
                    pulse.pong();
                    meter.ponged(now);
                    Ok(())
                }
                Frame::Ping(payload) => {
                    *is_asked = true;
                    outgoing.push(frames::pong(payload));
                    Ok(())
                }
            }
        })
    }

    /// Gathers what the room has said since the last time, and what else there is to say.
    pub(super) fn gather(
        &mut self,
        now: Instant,
        news: News<'_>,
        inputs: &mut InputBuffer,
    ) -> Result<(), End> {
        let (reported, shown) = self.told.get_or_insert((news.beat, news.beat));
        let is_report_due = news.beat.wrapping_sub(*reported) >= TIMING_EVERY_TICKS;
        if is_report_due {
            *reported = news.beat;
        }
        if news.beat.wrapping_sub(*shown) >= FIGURES_EVERY_TICKS {
            *shown = news.beat;
            self.meter.show(self.traffic, self.wire.unsent(), now);
        }
        if self.wire.is_stalled() {
            let since = *self.stalled_since.get_or_insert(now);
            self.wire.flush()?;
            if !self.wire.is_stalled() {
                self.stalled_since = None;
            } else if now.saturating_duration_since(since) < STALL_MAX {
                return Ok(());
            } else {
                metrics::counter!("pushback_slow_clients_cut_total").increment(1);
                return Err(End::Cut((close::TOO_SLOW, "you read too slowly")));
            }
        }
        self.is_in_step = self.reader.goes_along(news.fresh.0, news.end);
        if !self.reader.is_at(news.end) {
            self.reader.take_frames(&mut self.outgoing);
        }
        if let Some((sight, snapshot)) = self.sight.as_mut().zip(news.snapshot) {
            self.outgoing.extend(sight.look(snapshot).map(stream_frame));
        }
        if is_report_due {
            self.report(inputs);
        }
        match self.pulse.beat(now) {
            Some(Beat::Dead) => return Err(End::Cut((close::NO_PONG, "no pong came"))),
            Some(Beat::Ping) => {
                self.meter.pinged(now);
                self.outgoing.push(frames::ping());
            }
            None => {}
        }
        Ok(())
    }

    /// Sends what was gathered, with one write.
    pub(super) fn speak(&mut self, now: Instant, news: News<'_>) -> Result<(), End> {
        let is_in_step = core::mem::take(&mut self.is_in_step);
        let fresh = if is_in_step { news.fresh.1 } else { &[] };
        if self.stalled_since.is_some() {
            return Ok(());
        }
        if self.outgoing.is_empty() {
            return self.send(fresh, now);
        }
        // What it is told alone goes first.
        let mut outgoing = core::mem::take(&mut self.outgoing);
        outgoing.extend_from_slice(fresh);
        self.send(&outgoing, now)?;
        outgoing.clear();
        self.outgoing = outgoing;
        self.is_asked = false;
        Ok(())
    }

    fn send(&mut self, frames: &[Bytes], now: Instant) -> Result<(), End> {
        if !frames.is_empty() {
            self.traffic.sent += frames.iter().map(Bytes::len).sum::<usize>() as u64;
            self.wire.send(frames)?;
            self.stalled_since = self.wire.is_stalled().then_some(now);
        }
        Ok(())
    }

    /// Tells the client how its inputs arrived.
    fn report(&mut self, inputs: &mut InputBuffer) {
        let skips = self.reader.take_skips();
        if skips.restarts > 0 {
            metrics::counter!("pushback_outbox_skips_total").increment(skips.restarts.into());
        }
        self.meter.skipped(skips);
        if !self.is_seated {
            return;
        }
        let arrivals = inputs.report();
        self.meter.count(&arrivals, inputs);
        metrics::counter!("pushback_inputs_total").increment(arrivals.received.into());
        if arrivals.late > 0 {
            metrics::counter!("pushback_inputs_late_total").increment(arrivals.late.into());
        }
        if arrivals.ahead > 0 {
            metrics::counter!("pushback_inputs_ahead_total").increment(arrivals.ahead.into());
        }
        if arrivals.missing > 0 {
            metrics::counter!("pushback_inputs_missing_total").increment(arrivals.missing.into());
        }
        let Some(margin_p99_ticks) = arrivals.margin_p99() else { return };
        let (late, received) = (arrivals.late, arrivals.received);
        let timing = ServerMessage::Timing { margin_p99_ticks, late, received };
        self.outgoing.push(frames::binary(&timing.encode()));
    }
}

/// What a message says about the connection and not about the round.
enum Aside {
    /// The client's world went elsewhere.
    Diverged(Tick),
    /// How the client sees the round.
    Report(PlayReport),
    /// It is to have this answer.
    Asked(Bytes),
}

/// Takes one message.
fn hear(bytes: &[u8], is_seated: bool, wishes: &mut Wishes<'_>) -> Result<Option<Aside>, End> {
    let message = ClientMessage::decode(bytes).map_err(|error| {
        End::Cut(match error {
            MessageError::TooLong { .. } => (close::TOO_LARGE, "the message is too long"),
            MessageError::Malformed => (close::MALFORMED, "the message cannot be read"),
        })
    })?;
    match message {
        ClientMessage::Inputs { .. } | ClientMessage::Rematch { .. } | ClientMessage::Report(_)
            if !is_seated =>
        {
            return Err(End::Cut((close::POLICY, "a spectator only watches")));
        }
        ClientMessage::Inputs { first, inputs } => wishes.inputs.file(first, &inputs),
        ClientMessage::Rematch { wanted } => *wishes.wants_rematch = Some(wanted),
        ClientMessage::Ping { nonce } => {
            let tick = wishes.inputs.next_tick();
            let answer = frames::binary(&ServerMessage::Pong { nonce, tick }.encode());
            return Ok(Some(Aside::Asked(answer)));
        }
        ClientMessage::Leave => return Err(End::Left),
        ClientMessage::Diverged { tick } => return Ok(Some(Aside::Diverged(tick))),
        ClientMessage::Report(report) => return Ok(Some(Aside::Report(report))),
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
