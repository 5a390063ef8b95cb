//! A recording, from a file or while it arrives from a server: played at any speed, in both directions.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageWriter, Plugin, Res, ResMut, Resource, Time, Update,
    in_state, resource_exists, warn,
};
use presentation::playhead::{decode_target, share_between};
use presentation::recording_player::{Extent, PlaybackCommand, PlaybackState, RecordingPlayer};
use shared::api::ReplaySummary;
use shared::replay::{Playback, ReplayError, ReplayReader};
use shared::sim::Slot;
use shared::tick::TICK_RATE_HZ;

use crate::lobby::Screen;
use crate::prediction::Offsets;
use crate::room::Settled;
use crate::scene::{Phase, Seen, Stage};
use crate::space::Drawn;

/// A jump with the arrow keys, in seconds.
pub const JUMP_SECONDS: f64 = 5.0;
/// How much of the window's height the bar with the timeline takes, about.
const BAR_SHARE: f32 = 0.11;
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a file is not played.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// It is no recording.
    #[error("{path}: {why}")]
    NoRecording {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: ReplayError,
    },
    /// There is nothing in it to be seen.
    #[error("{0}: there is nothing in this recording")]
    Empty(PathBuf),
}

/// How a recording comes here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// More of it is on its way.
    Coming,
    /// The connection broke; it goes on then.
    Interrupted {
        /// Why.
        why: String,
        /// When.
        retry_at: Instant,
    },
    /// All is here that there is.
    Whole,
    /// No more will come, though there is more.
    Failed {
        /// Why.
        why: String,
    },
}

/// What the server said of a recording that it sends.
#[derive(Debug)]
struct Sent {
    reading: u32,
    ticks: u32,
    bytes: u64,
}

/// A recording and its player.
#[derive(Debug, Resource)]
pub struct Recording {
    reader: ReplayReader,
    arrival: Arrival,
    /// Nothing: it is from a file.
    sent: Option<Sent>,
    playback: Playback,
    player: RecordingPlayer,
    /// Whom the picture follows.
    pub follow: Option<Slot>,
    jumped: bool,
    /// It was told that the recording leads elsewhere than it says.
    is_divergence_told: bool,
}

impl Recording {
    /// Reads a file. One that is damaged further on plays up to there.
    ///
    /// # Errors
    /// When nothing of it can be played.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let unreadable = |why| OpenError::Unreadable { path: path.to_owned(), why };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut reader = ReplayReader::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = file.read(&mut chunk).map_err(unreadable)?;
            if count == 0 {
                break;
            }
            if let Err(why) = reader.push(&chunk[..count]) {
                if reader.available_ticks() == 0 {
                    return Err(OpenError::NoRecording { path: path.to_owned(), why });
                }
                break;
            }
        }
        if reader.available_ticks() == 0 {
            return Err(OpenError::Empty(path.to_owned()));
        }
        Ok(Self::begun(reader, Arrival::Whole, None))
    }

    /// One that a server begins to send. `reading` tells its parts from those of another one.
    #[must_use]
    pub fn arriving(summary: &ReplaySummary, reading: u32) -> Self {
        let sent = Sent { reading, ticks: summary.ticks, bytes: summary.bytes };
        Self::begun(ReplayReader::new(), Arrival::Coming, Some(sent))
    }

    fn begun(reader: ReplayReader, arrival: Arrival, sent: Option<Sent>) -> Self {
        let mut recording = Self {
            reader,
            arrival,
            sent,
            playback: Playback::new(),
            player: RecordingPlayer::default(),
            follow: None,
            jumped: true,
            is_divergence_told: false,
        };
        recording.measure();
        recording
    }

    /// Whose parts it takes, if it is sent by a server.
    #[must_use]
    pub fn reading(&self) -> Option<u32> {
        self.sent.as_ref().map(|sent| sent.reading)
    }

    /// How it comes here.
    #[must_use]
    pub fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    /// Whether more of it may come.
    #[must_use]
    pub fn is_arriving(&self) -> bool {
        matches!(self.arrival, Arrival::Coming | Arrival::Interrupted { .. })
    }

    /// How much of it is here, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn share(&self) -> f32 {
        let whole = self.sent.as_ref().map_or(0, |sent| sent.bytes);
        if whole == 0 { 1.0 } else { (self.reader.bytes() as f32 / whole as f32).min(1.0) }
    }

    /// Takes its next bytes. Those before them are here, unless it begins anew.
    pub fn take(&mut self, from: u64, bytes: &[u8]) {
        if !self.is_arriving() {
            return;
        }
        if from == 0 && self.reader.bytes() > 0 {
            (self.reader, self.jumped) = (ReplayReader::new(), true);
            self.is_divergence_told = false;
        }
        self.arrival = Arrival::Coming;
        if let Err(why) = self.reader.push(bytes) {
            self.arrival = Arrival::Failed { why: format!("It cannot be read further: {why}.") };
        }
        self.measure();
    }

    /// It comes otherwise than before.
    pub fn note(&mut self, arrival: Arrival) {
        if self.is_arriving() {
            self.arrival = arrival;
            self.measure();
        }
    }

    /// Tells the player how much of the recording is here.
    fn measure(&mut self) {
        self.player.set_extent(Extent {
            first: self.reader.first_tick(),
            last: self.reader.available_ticks(),
            expected: self.sent.as_ref().map_or(0, |sent| sent.ticks),
            may_grow: self.is_arriving(),
        });
    }

    /// The recording.
    #[must_use]
    pub fn reader(&self) -> &ReplayReader {
        &self.reader
    }

    /// Where the needle is, in seconds.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a round")]
    pub fn seconds(&self) -> f32 {
        (self.player.at() / f64::from(TICK_RATE_HZ)) as f32
    }

    /// How long it is, in seconds. Parts of it may still be missing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a round has far fewer than 2²⁴ ticks")]
    pub fn length(&self) -> f32 {
        self.player.total() as f32 / TICK_RATE_HZ as f32
    }

    /// How much of it can be seen already, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a round has far fewer than 2²⁴ ticks")]
    pub fn available(&self) -> f32 {
        self.reader.available_ticks() as f32 / TICK_RATE_HZ as f32
    }

    /// What plays it.
    #[must_use]
    pub fn player(&self) -> &RecordingPlayer {
        &self.player
    }

    /// Whether it plays, or would if more of it were here.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        matches!(self.player.state(), PlaybackState::Playing | PlaybackState::Buffering)
    }

    /// Does what a viewer asks for.
    pub fn apply(&mut self, command: PlaybackCommand) {
        let before = self.player.at();
        self.player.apply(command);
        self.jumped |= self.player.at() != before;
    }

    /// Moves the playhead, in seconds.
    pub fn jump_to(&mut self, seconds: f32) {
        self.player.seek(f64::from(seconds) * f64::from(TICK_RATE_HZ));
        self.jumped = true;
    }

    /// Lets time pass, in seconds. Returns by how many seconds of the match the playhead moved.
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a frame")]
    fn pass(&mut self, seconds: f32) -> f32 {
        let passed = self.player.advance(seconds.into()) as f32;
        if self.player.state() == PlaybackState::Ended {
            // A jump back from the end shows its moment and does not play on.
            self.player.pause();
        }
        passed
    }

    /// Whether it leads elsewhere than it says, and that was not told yet. Somebody has a bug then; the next keyframe
    /// heals it.
    fn is_newly_diverged(&mut self) -> bool {
        let is_new = self.reader.diverged() > 0 && !self.is_divergence_told;
        self.is_divergence_told |= is_new;
        is_new
    }
}

/// Plays a [`Recording`] while there is one.
#[derive(Debug)]
pub struct ReplayPlugin;

impl Plugin for ReplayPlugin {
    fn build(&self, app: &mut App) {
        let playing = play
            .in_set(Phase::Show)
            .run_if(resource_exists::<Recording>)
            .run_if(in_state(Screen::Replay));
        app.add_systems(Update, playing);
    }
}

fn play(
    mut recording: ResMut<Recording>,
    time: Res<Time>,
    mut stage: ResMut<Stage>,
    mut seen: MessageWriter<Seen>,
    mut settled: MessageWriter<Settled>,
) {
    let recording = &mut *recording;
    if recording.reader.available_ticks() == 0 {
        // Nothing has come yet: neither is anything else to be seen.
        if stage.drawn.is_some() {
            stage.change();
        }
        return;
    }
    if recording.is_newly_diverged() {
        warn!("the recording leads elsewhere than it says: this build plays it otherwise");
    }
    let seconds = recording.pass(time.delta_secs());
    let at = recording.player.at();
    let target = decode_target(at).min(recording.reader.available_ticks());
    let jumped = core::mem::take(&mut recording.jumped);
    let Recording { reader, playback, .. } = recording;
    if jumped {
        playback.seek(reader, target);
        let act = stage.act.wrapping_add(1);
        *stage = Stage { act, ..Stage::default() };
    } else {
        for (_, event) in playback.advance_to(reader, target) {
            seen.write(Seen(event));
            settled.write(Settled(event));
        }
    }
    let Some(later) = playback.world() else { return };
    let earlier = playback.previous().unwrap_or(later);
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
    let part = share_between(earlier.elapsed(), later.elapsed(), at) as f32;
    stage.drawn = Some(Drawn::between(earlier, later, part, &Offsets::default()));
    stage.seconds = seconds;
    stage.own = None;
    stage.subject = recording.follow;
    stage.is_backdrop = false;
    stage.covered = BAR_SHARE;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative")]
    let roster = reader.roster_at(at as u32);
    if stage.roster != *roster {
        stage.roster = roster.clone();
    }
}

#[cfg(test)]
mod tests {
    use shared::api::ReplaySummary;
    use shared::id::{ReplayId, RoomId};
    use shared::replay::{ReplayHeader, ReplayWriter};
    use shared::sim::{Mode, World};
    use shared::snapshot::StreamEncoder;

    use super::{Arrival, PlaybackState, Recording};

    fn arriving() -> Recording {
        let summary = ReplaySummary {
            id: ReplayId::from_bits(1),
            room: RoomId::from_bits(1),
            mode: Mode::Duel,
            started_at_ms: 0,
            ticks: 1_200,
            bytes: 16,
            complete: true,
            players: Vec::new(),
        };
        Recording::arriving(&summary, 7)
    }

    /// A round and a recording of it that has only begun.
    fn begun() -> (World, StreamEncoder, Vec<u8>) {
        let header = ReplayHeader {
            id: ReplayId::from_bits(1),
            room: RoomId::from_bits(1),
            mode: Mode::Duel,
            seed: 1,
            round_ticks: 1_200,
            started_at_ms: 0,
        };
        let (_, mut bytes) = ReplayWriter::new(&header);
        let (world, mut encoder) = (World::new(Mode::Duel, 1, 1_200), StreamEncoder::new());
        bytes.extend(encoder.keyframe(&world));
        (world, encoder, bytes)
    }

    /// The next ticks of a recording.
    fn more(ticks: u32, world: &mut World, encoder: &mut StreamEncoder) -> Vec<u8> {
        let deltas = (0..ticks / 2).flat_map(|_| {
            (0..2).for_each(|_| drop(world.step(&[])));
            encoder.delta(&[Vec::new(), Vec::new()], world)
        });
        deltas.collect()
    }

    /// Lets time pass in frames. Returns by how many seconds the playhead moved.
    fn pass(recording: &mut Recording, seconds: f32) -> f32 {
        let frames = (seconds / 0.1).round() as usize;
        let moved: f32 = (0..frames).map(|_| recording.pass(0.1)).sum();
        (moved * 100.0).round() / 100.0
    }

    fn is_waiting(recording: &Recording) -> bool {
        recording.player().state() == PlaybackState::Buffering
    }

    /// Takes bytes as they come.
    fn arrive(recording: &mut Recording, bytes: &[u8]) {
        recording.take(recording.reader().bytes(), bytes);
    }

    #[test]
    fn a_needle_that_has_caught_up_waits_until_a_second_is_ahead() {
        let ((mut world, mut encoder, first), mut recording) = (begun(), arriving());
        arrive(&mut recording, &first);
        arrive(&mut recording, &more(50, &mut world, &mut encoder));
        let moved = pass(&mut recording, 0.1);
        assert_eq!((moved, is_waiting(&recording)), (0.0, true), "it has hardly begun");

        arrive(&mut recording, &more(50, &mut world, &mut encoder));
        assert_eq!((pass(&mut recording, 0.5), is_waiting(&recording)), (0.5, false));
        pass(&mut recording, 5.0);
        assert_eq!((recording.seconds(), is_waiting(&recording)), (100.0 / 60.0, true));
        for _ in 0..2 {
            arrive(&mut recording, &more(20, &mut world, &mut encoder));
            assert_eq!(pass(&mut recording, 0.1), 0.0, "a chunk alone lets it not go on");
        }
        assert!(recording.is_playing());

        arrive(&mut recording, &more(20, &mut world, &mut encoder));
        assert_eq!((pass(&mut recording, 0.1), is_waiting(&recording)), (0.1, false));
    }

    #[test]
    fn what_is_whole_is_played_to_its_end() {
        let ((mut world, mut encoder, first), mut recording) = (begun(), arriving());
        arrive(&mut recording, &first);
        arrive(&mut recording, &more(30, &mut world, &mut encoder));
        assert!(is_waiting(&recording));

        recording.note(Arrival::Whole);

        assert_eq!((pass(&mut recording, 0.2), is_waiting(&recording)), (0.2, false));
        pass(&mut recording, 5.0);
        assert_eq!((recording.seconds(), recording.is_playing()), (0.5, false));
        recording.jump_to(0.1);
        assert_eq!((is_waiting(&recording), recording.is_playing()), (false, false));
    }

    #[test]
    fn that_a_recording_leads_elsewhere_is_told_once() {
        let ((mut world, mut encoder, mut bytes), mut recording) = (begun(), arriving());
        bytes.extend(more(10, &mut world, &mut encoder));
        arrive(&mut recording, &bytes);
        assert!(!recording.is_newly_diverged());

        world.rng.0 ^= 1;
        arrive(&mut recording, &encoder.keyframe(&world));

        assert!(recording.is_newly_diverged());
        assert!(!recording.is_newly_diverged());
    }

    #[test]
    fn a_recording_that_arrives_is_as_long_as_it_will_be() {
        let mut recording = arriving();
        recording.take(0, b"PUSHBACK");

        assert_eq!(recording.length(), 20.0);
        assert_eq!(recording.share(), 0.5);
        assert!(is_waiting(&recording));
        recording.take(0, b"PUSH");
        assert_eq!(recording.share(), 0.25);
        assert_eq!(recording.arrival(), &Arrival::Coming);
    }

    #[test]
    fn what_is_no_recording_ends_it() {
        let mut recording = arriving();

        recording.take(0, b"<html>");
        recording.note(Arrival::Whole);

        assert!(matches!(recording.arrival(), Arrival::Failed { .. }));
        assert!(!recording.is_arriving());
    }
}
