//! The match stream as this client receives it: the decoded world, where rounds begin and end, and whether the client is
//! in sync.
//!
//! **Invariant:** the world is the server's authoritative snapshot; nothing here changes it.

use shared::sim::{Event, World};
use shared::snapshot::relay::{self, RelayedInput};
use shared::snapshot::{Applied, DecodeError, Roster, StreamDecoder, records};
use shared::tick::Tick;

use super::rounds::{is_another_round, is_same_round};

/// The rounds of one room, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct MatchStream {
    decoder: StreamDecoder,
    /// Divergences of earlier connections.
    diverged_before: u32,
    /// Whether no round runs: the last one is over, or none has begun.
    ended: bool,
    rounds: u32,
    /// The tick at which the client lost sync. A keyframe ends that.
    desynced_at: Option<Tick>,
    /// A keyframe ended a loss of sync and went back in time: the events until this tick were reported before.
    reported_until: Option<Tick>,
}

/// What some frames changed.
#[derive(Debug)]
pub(super) struct Received {
    /// The tick of the keyframe that began a round, if one did.
    pub(super) round_began_at: Option<Tick>,
    /// The newest snapshot. `None` when the world did not move, or is not yet where it was before a keyframe.
    pub(super) snapshot: Result<Option<Snapshot>, DecodeError>,
}

/// What comes with a newer world.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// The confirmed events since the snapshot before.
    pub(super) events: Vec<(Tick, Event)>,
    /// Inputs of other players for coming ticks, which the server relays before it applies them.
    pub(super) relayed: Vec<RelayedInput>,
}

impl MatchStream {
    /// The stream of a new connection, for a player or for a spectator. What was counted stays.
    #[must_use]
    pub(super) fn reconnected(&self, is_player: bool) -> Self {
        let decoder = if is_player { StreamDecoder::for_player() } else { StreamDecoder::new() };
        let (rounds, diverged_before) = (self.rounds, self.diverged());
        Self { decoder, rounds, diverged_before, ended: true, ..Self::default() }
    }

    /// The newest world. `None` before the first keyframe.
    #[must_use]
    pub(super) fn world(&self) -> Option<&World> {
        self.decoder.world()
    }

    /// The players and bots by slot.
    #[must_use]
    pub(super) fn roster(&self) -> &Roster {
        self.decoder.roster()
    }

    /// How often the world differed from the server's checksum, over all connections. Each is a bug.
    #[must_use]
    pub(super) fn diverged(&self) -> u32 {
        self.diverged_before + self.decoder.diverged()
    }

    /// The tick at which the client lost sync. `None` while it is in sync.
    #[must_use]
    pub(super) fn desynced_at(&self) -> Option<Tick> {
        self.desynced_at
    }

    /// The rounds that were seen in this room.
    #[must_use]
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Whether no round runs.
    #[must_use]
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether the world is behind where it was before a keyframe went back in time.
    #[must_use]
    pub(super) fn is_catching_up(&self) -> bool {
        self.reported_until.is_some()
    }

    /// Decodes frames.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Received {
        let diverged = self.decoder.diverged();
        let mut round_began_at = None;
        let snapshot = self.decode(bytes, &mut round_began_at);
        if snapshot.is_err() || self.decoder.diverged() != diverged {
            self.desynced_at = Some(self.world().map_or(Tick(0), |world| world.tick));
        }
        Received { round_began_at, snapshot }
    }

    fn decode(
        &mut self,
        bytes: &[u8],
        round_began_at: &mut Option<Tick>,
    ) -> Result<Option<Snapshot>, DecodeError> {
        let mut snapshot = Snapshot::default();
        let mut moved = false;
        for frame in records(bytes) {
            let before = self.world().map(|world| (world.tick, world.round_ticks));
            let frame = frame?;
            match self.decoder.apply(frame)? {
                Applied::Keyframe => {
                    moved = true;
                    let now = self.world().map(|world| (world.tick, world.round_ticks));
                    let was_desynced = self.desynced_at.take().is_some();
                    if !self.ended && was_desynced && is_same_round(before, now) {
                        self.reported_until = before.map(|(tick, _)| tick);
                    } else if self.ended || is_another_round(before, now) {
                        snapshot.events.clear();
                        self.reported_until = None;
                        self.ended = false;
                        self.rounds += 1;
                        *round_began_at = Some(now.map_or(Tick(0), |(tick, _)| tick));
                    }
                }
                Applied::Delta(events) => {
                    moved = true;
                    snapshot.events.extend(events);
                }
                Applied::Roster => {}
                Applied::RelayedInputs => {
                    let world = self.decoder.world().ok_or(DecodeError::Gap)?;
                    snapshot.relayed.extend(relay::decode(frame, world)?);
                }
                Applied::End => self.ended = true,
            }
        }
        Ok((moved && self.has_caught_up(&mut snapshot.events)).then_some(snapshot))
    }

    /// Whether the world is at least where it was before a keyframe went back in time. Events that were reported before
    /// are not reported again.
    fn has_caught_up(&mut self, events: &mut Vec<(Tick, Event)>) -> bool {
        let Some(until) = self.reported_until else { return true };
        events.retain(|(tick, _)| tick.is_after(until));
        if self.world().is_none_or(|world| until.is_after(world.tick)) {
            return false;
        }
        self.reported_until = None;
        true
    }
}
