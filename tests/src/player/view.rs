//! What a connection to a room has received so far.

use std::collections::VecDeque;

use shared::protocol::{RoundSummary, ServerMessage};
use shared::sim::{Disc, Event, Mode, Slot, World};
use shared::snapshot::{Applied, FrameKind, Roster, StreamDecoder, records};
use shared::tick::Tick;

use crate::socket::Closed;

/// The state of a room as its stream shows it. Counters start with the connection.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The mode. `None` before the welcome.
    pub mode: Option<Mode>,
    /// The own seat. `None` for a spectator, and before the welcome.
    pub seat: Option<Slot>,
    /// The newest world.
    pub world: Option<World>,
    /// The players by seat.
    pub roster: Roster,
    /// The kinds of the first frames.
    pub opening: Vec<FrameKind>,
    /// The checksums of the last worlds.
    pub checksums: VecDeque<(Tick, u32)>,
    /// Deltas that moved the world.
    pub deltas: u64,
    /// Keyframes.
    pub keyframes: u64,
    /// How often the own simulation and the server's checksum differed. Each is a bug.
    pub diverged: u32,
    /// Knock-outs credited to this player.
    pub knockouts: u32,
    /// All falls, with and without credit.
    pub falls: u32,
    /// Summaries of the rounds that ended.
    pub summaries: Vec<RoundSummary>,
    /// Inputs that the server received, as it counts them.
    pub inputs_received: u64,
    /// Of those, the late ones.
    pub inputs_late: u64,
    /// The input margin in the server's last report.
    pub margin_ticks: Option<i16>,
    /// Answers to pings.
    pub pongs: Vec<u32>,
    /// How the connection ended.
    pub closed: Option<Closed>,
    decoder: StreamDecoder,
}

/// Number of first frames whose kinds are kept.
const OPENING_FRAMES: usize = 8;
/// Checksums kept: the last four seconds.
const CHECKSUMS: usize = 120;

impl View {
    /// The own disc.
    #[must_use]
    pub fn disc(&self) -> Option<&Disc> {
        self.world.as_ref()?.disc(self.seat?)
    }

    /// The last result.
    #[must_use]
    pub fn last_summary(&self) -> Option<&RoundSummary> {
        self.summaries.last()
    }

    /// Whether two views have the same checksums at the ticks that both have. `None` when they have no tick in common.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> Option<bool> {
        let known = |tick: Tick| other.checksums.iter().find(|(known, _)| *known == tick);
        let mut compared =
            self.checksums.iter().filter_map(|own| Some((own, known(own.0)?))).peekable();
        compared.peek()?;
        Some(compared.all(|(own, other)| own == other))
    }

    /// Whether a round is running, past its countdown.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.world.as_ref().is_some_and(|world| !world.is_over() && !world.is_counting_down())
    }

    /// Applies a received message. Returns whether the world moved.
    pub(super) fn take(&mut self, received: Result<ServerMessage, Closed>) -> bool {
        match received {
            Ok(ServerMessage::Welcome { mode, seat, .. }) => {
                assert!(self.mode.is_none(), "a second welcome");
                self.mode = Some(mode);
                self.seat = seat;
                self.decoder = StreamDecoder::for_player();
            }
            Ok(ServerMessage::Frames(bytes)) => return self.frames(&bytes),
            Ok(ServerMessage::Pong { nonce, .. }) => self.pongs.push(nonce),
            Ok(ServerMessage::Timing { margin_p99_ticks, late, received }) => {
                self.margin_ticks = Some(margin_p99_ticks);
                self.inputs_late += u64::from(late);
                self.inputs_received += u64::from(received);
            }
            Ok(ServerMessage::Summary(summary)) => self.summaries.push(summary),
            Err(closed) => self.closed = Some(closed),
        }
        false
    }

    fn frames(&mut self, bytes: &[u8]) -> bool {
        assert!(self.mode.is_some(), "frames before the welcome");
        let mut moved = false;
        for frame in records(bytes) {
            let frame = frame.expect("whole records");
            if self.opening.len() < OPENING_FRAMES {
                self.opening.push(FrameKind::of(frame).expect("a known kind"));
            }
            match self.decoder.apply(frame).expect("a frame that follows") {
                Applied::Keyframe => {
                    self.keyframes += 1;
                    // The keyframe may begin another round, whose ticks start again.
                    self.checksums.clear();
                }
                Applied::Delta(events) => {
                    self.deltas += 1;
                    moved = true;
                    events.iter().for_each(|(_, event)| self.note(event));
                }
                Applied::Roster | Applied::End | Applied::RelayedInputs => {}
            }
        }
        self.world = self.decoder.world().cloned();
        if let Some(world) = self.world.as_ref().filter(|_| moved) {
            self.checksums.push_back((world.tick, world.checksum()));
            if self.checksums.len() > CHECKSUMS {
                self.checksums.pop_front();
            }
        }
        self.roster = self.decoder.roster().clone();
        self.diverged = self.decoder.diverged();
        moved
    }

    fn note(&mut self, event: &Event) {
        if let Event::KnockOut { credit, .. } = event {
            self.falls += 1;
            let by = credit.map(|(by, _)| by);
            self.knockouts += u32::from(self.seat.is_some() && by == self.seat);
        }
    }
}
