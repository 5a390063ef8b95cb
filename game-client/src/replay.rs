//! A recording from a file: read, played at any speed, in both directions.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageWriter, Plugin, Res, ResMut, Resource, Time, Update,
    resource_exists,
};
use shared::replay::{Playback, Reader, ReplayError};
use shared::sim::Slot;
use shared::tick::TICK_RATE_HZ;

use crate::prediction::Offsets;
use crate::room::Settled;
use crate::scene::{Phase, Seen, Stage};
use crate::space::Drawn;

/// Speeds on offer: a quarter to eight times.
pub const SPEEDS: [f32; 6] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
/// A jump with the arrow keys, in seconds.
pub const JUMP_SECONDS: f32 = 5.0;
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

/// A recording and a needle on it.
#[derive(Debug, Resource)]
pub struct Recording {
    reader: Reader,
    playback: Playback,
    /// Where the needle is, in ticks since the round began.
    at: f64,
    /// Whether it moves.
    pub is_playing: bool,
    /// Place in [`SPEEDS`].
    pub speed: usize,
    /// Whom the picture follows.
    pub follow: Option<Slot>,
    jumped: bool,
}

impl Recording {
    /// Reads a file. One that is damaged further on plays up to there.
    ///
    /// # Errors
    /// When nothing of it can be played.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let unreadable = |why| OpenError::Unreadable { path: path.to_owned(), why };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut reader = Reader::new();
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
        let mut playback = Playback::new();
        let first = reader.first_tick();
        playback.seek(&reader, first);
        let at = f64::from(first);
        let (is_playing, speed, follow) = (true, 2, None);
        Ok(Self { reader, playback, at, is_playing, speed, follow, jumped: true })
    }

    /// The recording.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Where the needle is, in seconds.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a round")]
    pub fn seconds(&self) -> f32 {
        (self.at / f64::from(TICK_RATE_HZ)) as f32
    }

    /// How long it is, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a round has far fewer than 2²⁴ ticks")]
    pub fn length(&self) -> f32 {
        self.reader.available_ticks() as f32 / TICK_RATE_HZ as f32
    }

    /// Puts the needle somewhere.
    pub fn jump_to(&mut self, seconds: f32) {
        let end = f64::from(self.reader.available_ticks());
        let start = f64::from(self.reader.first_tick());
        self.at = (f64::from(seconds) * f64::from(TICK_RATE_HZ)).clamp(start, end);
        self.jumped = true;
    }

    fn tick(&self) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "ticks of a round"
        )]
        let tick = self.at.max(0.0) as u32;
        tick
    }
}

/// Plays a [`Recording`] while there is one.
#[derive(Debug)]
pub struct ReplayPlugin;

impl Plugin for ReplayPlugin {
    fn build(&self, app: &mut App) {
        let playing = play.in_set(Phase::Show).run_if(resource_exists::<Recording>);
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
    let seconds =
        if recording.is_playing { time.delta_secs() * SPEEDS[recording.speed] } else { 0.0 };
    let end = f64::from(recording.reader.available_ticks());
    recording.at = (recording.at + f64::from(seconds) * f64::from(TICK_RATE_HZ)).min(end);
    if recording.at >= end {
        recording.is_playing = false;
    }
    // Frames span two ticks: the needle's world is the one just after it.
    let target = (recording.tick() + 2).min(recording.reader.available_ticks());
    let (tick, at) = (recording.tick(), recording.at);
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
    let (from, to) = (f64::from(earlier.elapsed()), f64::from(later.elapsed()));
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
    let part = if to > from { ((at - from) / (to - from)).clamp(0.0, 1.0) as f32 } else { 1.0 };
    stage.drawn = Some(Drawn::between(earlier, later, part, &Offsets::default()));
    stage.seconds = seconds;
    stage.own = None;
    stage.subject = recording.follow;
    stage.is_backdrop = false;
    let roster = reader.roster_at(tick);
    if stage.roster != *roster {
        stage.roster = roster.clone();
    }
}
