//! Plays a recording from a file, or while it is downloaded from a server.

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

use crate::frame::{ConfirmedEvent, Phase, PresentedEvent, RenderState};
use crate::lobby::Screen;
use crate::net::DownloadId;
use crate::world_to_scene::SceneWorld;

/// How far the arrow keys move the playhead.
pub const JUMP_SECONDS: f64 = 5.0;
/// The part of the window's height that the bar with the timeline covers.
const BAR_SHARE: f32 = 0.11;
/// Bytes that are read from a file at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// The file is no recording.
    #[error("{path}: {why}")]
    NoRecording {
        /// The file.
        path: PathBuf,
        /// Why.
        why: ReplayError,
    },
    /// The recording contains no world.
    #[error("{0}: this recording is empty")]
    Empty(PathBuf),
}

/// How much of a recording has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// More of it arrives.
    Arriving,
    /// The connection broke. The download continues at `retry_at`.
    Interrupted {
        /// Why.
        error: String,
        /// When it continues.
        retry_at: Instant,
    },
    /// All of it has arrived.
    Complete,
    /// The rest will not arrive.
    Failed {
        /// Why.
        error: String,
    },
}

/// What is known about a download from the list.
#[derive(Debug)]
struct Download {
    id: DownloadId,
    ticks: u32,
    bytes: u64,
}

/// A recording and its player.
#[derive(Debug, Resource)]
pub struct Recording {
    reader: ReplayReader,
    arrival: Arrival,
    /// `None` for a file.
    download: Option<Download>,
    playback: Playback,
    player: RecordingPlayer,
    /// The slot that the camera follows. `None`: the whole platform is shown.
    pub follow: Option<Slot>,
    jumped: bool,
    /// Whether a divergence was reported.
    is_divergence_reported: bool,
}

impl Recording {
    /// Reads a file. A file that is damaged plays up to the damage.
    ///
    /// # Errors
    /// When the file cannot be read, is no recording, or is empty.
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
        Ok(Self::begun(reader, Arrival::Complete, None))
    }

    /// A recording whose download begins.
    #[must_use]
    pub fn downloading(summary: &ReplaySummary, id: DownloadId) -> Self {
        let download = Download { id, ticks: summary.ticks, bytes: summary.bytes };
        Self::begun(ReplayReader::new(), Arrival::Arriving, Some(download))
    }

    fn begun(reader: ReplayReader, arrival: Arrival, download: Option<Download>) -> Self {
        let mut recording = Self {
            reader,
            arrival,
            download,
            playback: Playback::new(),
            player: RecordingPlayer::default(),
            follow: None,
            jumped: true,
            is_divergence_reported: false,
        };
        recording.measure();
        recording
    }

    /// The download that it comes from. `None` for a file.
    #[must_use]
    pub fn download(&self) -> Option<DownloadId> {
        self.download.as_ref().map(|download| download.id)
    }

    /// How much of it has arrived.
    #[must_use]
    pub fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    /// Whether more of it may arrive.
    #[must_use]
    pub fn is_arriving(&self) -> bool {
        matches!(self.arrival, Arrival::Arriving | Arrival::Interrupted { .. })
    }

    /// The part of it that has arrived, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn share(&self) -> f32 {
        let whole = self.download.as_ref().map_or(0, |download| download.bytes);
        if whole == 0 { 1.0 } else { (self.reader.bytes() as f32 / whole as f32).min(1.0) }
    }

    /// Takes the bytes at an offset. They follow the ones before, or start again at zero.
    pub fn receive(&mut self, from: u64, bytes: &[u8]) {
        if !self.is_arriving() {
            return;
        }
        if from == 0 && self.reader.bytes() > 0 {
            (self.reader, self.jumped) = (ReplayReader::new(), true);
            self.is_divergence_reported = false;
        }
        self.arrival = Arrival::Arriving;
        if let Err(why) = self.reader.push(bytes) {
            self.arrival = Arrival::Failed {
                error: format!("The rest of the recording cannot be read: {why}."),
            };
        }
        self.measure();
    }

    /// Sets how much of it has arrived.
    pub fn set_arrival(&mut self, arrival: Arrival) {
        if self.is_arriving() {
            self.arrival = arrival;
            self.measure();
        }
    }

    /// Tells the player how much of the recording there is.
    fn measure(&mut self) {
        self.player.set_extent(Extent {
            first: self.reader.first_tick(),
            last: self.reader.available_ticks(),
            expected: self.download.as_ref().map_or(0, |download| download.ticks),
            may_grow: self.is_arriving(),
        });
    }

    /// The decoded recording.
    #[must_use]
    pub fn reader(&self) -> &ReplayReader {
        &self.reader
    }

    /// The playhead, in seconds.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a round")]
    pub fn seconds(&self) -> f32 {
        (self.player.at() / f64::from(TICK_RATE_HZ)) as f32
    }

    /// The length of the whole recording, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a round has far fewer than 2²⁴ ticks")]
    pub fn length(&self) -> f32 {
        self.player.total() as f32 / TICK_RATE_HZ as f32
    }

    /// The length of the part that has arrived, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a round has far fewer than 2²⁴ ticks")]
    pub fn available(&self) -> f32 {
        self.reader.available_ticks() as f32 / TICK_RATE_HZ as f32
    }

    /// The player.
    #[must_use]
    pub fn player(&self) -> &RecordingPlayer {
        &self.player
    }

    /// Whether it plays, or will play when more of it arrives.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        matches!(self.player.state(), PlaybackState::Playing | PlaybackState::Buffering)
    }

    /// Applies a command of the viewer.
    pub fn apply(&mut self, command: PlaybackCommand) {
        let before = self.player.at();
        self.player.apply(command);
        self.jumped |= self.player.at() != before;
    }

    /// Moves the playhead to this second.
    pub fn jump_to(&mut self, seconds: f32) {
        self.player.seek(f64::from(seconds) * f64::from(TICK_RATE_HZ));
        self.jumped = true;
    }

    /// Advances by `seconds` of time. Returns by how many seconds of the round the playhead moved.
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a frame")]
    fn advance(&mut self, seconds: f32) -> f32 {
        let passed = self.player.advance(seconds.into()) as f32;
        if self.player.state() == PlaybackState::Ended {
            // After the end, moving the playhead back does not play on.
            self.player.pause();
        }
        passed
    }

    /// Whether the played world differs from the recording and that was not reported yet. It is a bug; the next keyframe corrects
    /// the world.
    fn is_newly_diverged(&mut self) -> bool {
        let is_new = self.reader.diverged() > 0 && !self.is_divergence_reported;
        self.is_divergence_reported |= is_new;
        is_new
    }
}

/// Plays the [`Recording`] while there is one.
#[derive(Debug)]
pub struct ReplayPlugin;

impl Plugin for ReplayPlugin {
    fn build(&self, app: &mut App) {
        let playing = present
            .in_set(Phase::Present)
            .run_if(resource_exists::<Recording>)
            .run_if(in_state(Screen::Replay));
        app.add_systems(Update, playing);
    }
}

fn present(
    mut recording: ResMut<Recording>,
    time: Res<Time>,
    mut render: ResMut<RenderState>,
    mut presented: MessageWriter<PresentedEvent>,
    mut confirmed: MessageWriter<ConfirmedEvent>,
) {
    let recording = &mut *recording;
    if recording.reader.available_ticks() == 0 {
        // Nothing has arrived yet: an empty void is shown.
        if render.scene.is_some() {
            render.reset();
        }
        return;
    }
    if recording.is_newly_diverged() {
        warn!(
            "the played world differs from the recording: this build plays the round differently"
        );
    }
    let seconds = recording.advance(time.delta_secs());
    let at = recording.player.at();
    let target = decode_target(at).min(recording.reader.available_ticks());
    let jumped = core::mem::take(&mut recording.jumped);
    let Recording { reader, playback, .. } = recording;
    if jumped {
        playback.seek(reader, target);
        let generation = render.generation.wrapping_add(1);
        *render = RenderState { generation, ..RenderState::default() };
    } else {
        for (_, event) in playback.advance_to(reader, target) {
            presented.write(PresentedEvent(event));
            confirmed.write(ConfirmedEvent(event));
        }
    }
    let Some(later) = playback.world() else { return };
    let earlier = playback.previous().unwrap_or(later);
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
    let part = share_between(earlier.elapsed(), later.elapsed(), at) as f32;
    render.scene = Some(SceneWorld::interpolate(earlier, later, part));
    render.seconds = seconds;
    render.own = None;
    render.followed = recording.follow;
    render.is_backdrop = false;
    render.covered = BAR_SHARE;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative")]
    let roster = reader.roster_at(at as u32);
    if render.roster != *roster {
        render.roster = roster.clone();
    }
}

#[cfg(test)]
mod tests;
