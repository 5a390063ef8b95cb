//! Recordings: from a room's buffer to a replay file, and the recovery of files that a killed server left.
//!
//! Each round has a recorder: a task that appends its buffer to a part file, and at the end writes the result and
//! puts the file in place. The result comes first, in one transaction, then the file's final name: a server that dies
//! in between leaves a part file that the next start completes, and no result is lost. A recording whose result could
//! not be kept stays a part file as well, until the result is.

mod aside;
mod buffer;
mod recover;
mod retention;
mod salvage;
mod settlement;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::replay::{ReplayHeader, ReplayWriter};
use shared::tick::Tick;
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::metrics::{Counter, RecordingMetrics};
use crate::readiness::{Readiness, Unready};
use crate::storage::blobs::{Blobs, Growing};
use crate::storage::{RoundRecord, Rounds, SettledPlace};
use crate::tasks::Tasks;
use aside::GivenUp;
use buffer::{Batch, BufferReader, buffer};
use recover::Recovery;
use retention::{Files, Retention};
use settlement::Settlement;

pub use salvage::{Salvage, SalvageError};
pub use settlement::OnSettled;

pub(crate) use buffer::{Ending, Finished, RecordingBuffer};

/// The interval at which a recorder writes: the delay of the file, and of its live readers, behind the players. Each
/// write wakes a thread that may wait for the disk.
const WRITE_EVERY: Duration = Duration::from_millis(500);

/// A result that is not settled after this time is put aside.
const ASIDE_AFTER: Duration = Duration::from_secs(1);

/// How far a recording has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes in the file.
    pub bytes: u64,
    /// Whether the file is complete.
    pub ended: bool,
}

/// Starts recorders.
#[derive(Clone)]
pub struct Recordings {
    tasks: Tasks,
    readiness: Readiness,
    blobs: Blobs,
    recovery: Arc<Recovery>,
    retention: Arc<Retention>,
    settlement: Arc<Settlement>,
    given_up: Arc<GivenUp>,
    on_settled: OnSettled,
    metrics: RecordingMetrics,
}

impl Recordings {
    /// Begins to save what the last run left behind, and to delete replays that are older than `retention`. `None`
    /// keeps them for ever. The server is not ready until everything is saved.
    pub async fn start(
        tasks: &Tasks,
        readiness: Readiness,
        rounds: Arc<dyn Rounds>,
        blobs: Blobs,
        retention: Option<Duration>,
        on_settled: OnSettled,
        metrics: RecordingMetrics,
    ) -> Self {
        // Before the recordings: a result also lists the players who left early.
        let left = aside::settle_all(&*rounds, &blobs, &on_settled).await;
        let files = Files { rounds: rounds.clone(), blobs: blobs.clone() };
        let recovery = Recovery::new(tasks, files.clone());
        recovery.start(&readiness).await;
        let given_up =
            GivenUp::start(tasks, files.clone(), recovery.clone(), on_settled.clone(), left);
        let retention = Arc::new(Retention::start(tasks, files, retention).await);
        let settlement =
            Arc::new(Settlement::new(tasks, readiness.clone(), rounds, metrics.database.clone()));
        let (tasks, recovery) = (tasks.clone(), Arc::new(recovery));
        Self {
            tasks,
            readiness,
            blobs,
            recovery,
            retention,
            settlement,
            given_up,
            on_settled,
            metrics,
        }
    }

    /// Begins a recording. The room writes into the buffer; the receiver follows the file.
    pub(crate) fn begin(
        &self,
        header: &ReplayHeader,
    ) -> (RecordingBuffer, watch::Receiver<Progress>) {
        let (buffer, reader) = buffer();
        let (progress, follow) = watch::channel(Progress { bytes: 0, ended: false });
        let recorder = Recorder {
            readiness: self.readiness.clone(),
            blobs: self.blobs.clone(),
            recovery: self.recovery.clone(),
            retention: self.retention.clone(),
            settlement: self.settlement.clone(),
            given_up: self.given_up.clone(),
            on_settled: self.on_settled.clone(),
            torn: self.metrics.torn.clone(),
            header: header.clone(),
            buffer: reader,
            progress,
        };
        self.tasks.spawn_vital("recorder", recorder.run());
        (buffer, follow)
    }
}

/// Writes one file.
struct Recorder {
    readiness: Readiness,
    blobs: Blobs,
    recovery: Arc<Recovery>,
    retention: Arc<Retention>,
    settlement: Arc<Settlement>,
    given_up: Arc<GivenUp>,
    on_settled: OnSettled,
    /// Counts this recording when the disk is too slow for it.
    torn: Counter,
    header: ReplayHeader,
    buffer: BufferReader,
    progress: watch::Sender<Progress>,
}

/// A file and how much of it is written.
struct RecordingFile {
    file: Option<Growing>,
    writer: ReplayWriter,
    bytes: u64,
    /// Ticks that the file plays.
    ticks: u32,
    /// Whether records are missing: the file ends before them.
    cut_short: bool,
}

impl Recorder {
    async fn run(self) {
        let mut recording = self.open().await;
        let mut writing = interval(WRITE_EVERY);
        writing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = writing.tick() => {}
                () = self.buffer.ended() => {}
            }
            let mut batch = self.buffer.take();
            let ending = batch.ending.take();
            self.write(&mut recording, batch).await;
            if let Some(ending) = ending {
                self.end(recording, ending).await;
                return;
            }
        }
    }

    async fn open(&self) -> RecordingFile {
        let (writer, preamble) = ReplayWriter::new(&self.header);
        let mut recording =
            RecordingFile { file: None, writer, bytes: 0, ticks: 0, cut_short: false };
        let id = self.header.id;
        if self.readiness.is(Unready::DiskFull) {
            // The room that is left is for results.
            tracing::warn!(replay = %id, "the disk is full: a round is not recorded");
            return recording;
        }
        match self.blobs.create(id).await {
            Ok(file) => {
                recording.file = Some(file);
                self.append(&mut recording, preamble).await;
            }
            Err(error) => {
                tracing::error!(replay = %id, %error, "a recording could not be begun");
            }
        }
        recording
    }

    async fn write(&self, recording: &mut RecordingFile, batch: Batch) {
        if recording.cut_short {
            return;
        }
        let mut bytes = Vec::new();
        for take in &batch.records {
            recording.writer.record(&take.record, take.elapsed);
            bytes.extend_from_slice(&take.record);
        }
        for (tick, event) in &batch.events {
            recording.writer.events(*tick, Tick(0), core::slice::from_ref(event));
        }
        if batch.is_cut_short && !recording.cut_short {
            recording.cut_short = true;
            self.torn.add(1);
            tracing::warn!(replay = %self.header.id, "the disk is too slow: a recording ends early");
        }
        if !bytes.is_empty() && self.append(recording, bytes).await {
            recording.ticks = batch.records.last().map_or(recording.ticks, |take| take.elapsed);
        }
    }

    /// Returns whether the bytes are in the file.
    async fn append(&self, recording: &mut RecordingFile, bytes: Vec<u8>) -> bool {
        let Some(file) = &mut recording.file else { return false };
        let length = bytes.len() as u64;
        // What is written stays, and gets its final name: a file that ends early plays as far as it goes.
        match file.append(bytes).await {
            Ok(()) => {
                recording.bytes += length;
                self.progress.send_replace(Progress { bytes: recording.bytes, ended: false });
                true
            }
            Err(error) => {
                recording.cut_short = true;
                self.torn.add(1);
                tracing::error!(replay = %self.header.id, %error, "a recording ends early: it could not be written");
                false
            }
        }
    }

    async fn end(&self, mut recording: RecordingFile, ending: Ending) {
        let is_kept = match ending {
            Ending::Finished(finished, settled) => {
                self.finish(&mut recording, *finished, settled).await
            }
            Ending::CutOff { players } => {
                let cut_off = ReplaySummary { players, ..self.summary(&recording, false) };
                if cut_off.ticks == 0 {
                    self.discard(&mut recording).await;
                    true
                } else {
                    self.cut_off(cut_off).await
                }
            }
            Ending::Dropped => {
                tracing::error!(replay = %self.header.id, "a room broke off: its recording plays up to there");
                // The part is complete as far as it goes, as one that a killed server left.
                recording.file = None;
                self.recovery.recover_one(self.header.id).await;
                self.progress.send_replace(Progress { bytes: recording.bytes, ended: true });
                return;
            }
        };
        if is_kept {
            self.put_in_place(&mut recording).await;
        } else {
            tracing::error!(replay = %self.header.id, "a recording stays a part until its result is kept");
        }
        self.progress.send_replace(Progress { bytes: recording.bytes, ended: true });
    }

    /// Writes the end, has the result settled, and tells whoever waits for that: the room and the ladder. Returns whether
    /// both are kept.
    async fn finish(
        &self,
        recording: &mut RecordingFile,
        finished: Finished,
        settled: oneshot::Sender<Vec<SettledPlace>>,
    ) -> bool {
        let is_whole = !recording.cut_short && recording.file.is_some() && {
            let last = recording.writer.clone().finish(&finished.world);
            self.append(recording, last).await
        };
        let ticks = if is_whole { finished.world.elapsed() } else { recording.ticks };
        let has_people = finished.players.iter().any(|player| !player.bot);
        let replay =
            ReplaySummary { ticks, players: finished.players, ..self.summary(recording, is_whole) };
        let (ended_at_ms, result) = (finished.ended_at_ms, finished.result);
        let round = RoundRecord { replay, ended_at_ms, result };
        let places = self.settle(&round).await;
        if round.result.is_rated {
            (self.on_settled)(&round, places.as_deref().unwrap_or_default());
        }
        let Some(places) = places else { return false };
        // A failure means that the room told the result without ratings, or has closed.
        settled.send(places).ok();
        if recording.bytes == 0 {
            // The result counts without a file; there is nothing to play.
            return self.settlement.remove(self.header.id).await;
        }
        if !has_people {
            self.retention.note_bots_only(self.header.id).await;
        }
        true
    }

    /// Has a result settled. One that takes long is put aside meanwhile, and one that is given up is tried again from there.
    async fn settle(&self, round: &RoundRecord) -> Option<Vec<SettledPlace>> {
        let mut settling = pin!(self.settlement.settle(round));
        let early = timeout(ASIDE_AFTER, settling.as_mut()).await;
        if let Ok(Some(places)) = early {
            return Some(places);
        }
        let is_aside = aside::put(&self.blobs, round).await;
        // `None` was the last word: it must not be asked for again.
        let places = if early.is_ok() { None } else { settling.await };
        match places {
            Some(_) if is_aside => aside::remove(&self.blobs, round.replay.id).await,
            None if is_aside => self.given_up.add(round.replay.id),
            Some(_) | None => {}
        }
        places
    }

    /// Lists a round that the stop cut off. Returns whether the entry is kept.
    async fn cut_off(&self, replay: ReplaySummary) -> bool {
        tracing::info!(replay = %replay.id, ticks = replay.ticks, "a round is cut off by the stop");
        self.settlement.put(&replay).await
    }

    /// Removes a recording in which there is nothing to play.
    async fn discard(&self, recording: &mut RecordingFile) {
        recording.file = None;
        let id = self.header.id;
        if let Err(error) = self.blobs.delete(id).await {
            tracing::warn!(replay = %id, %error, "a recording without a tick could not be removed");
        }
    }

    fn summary(&self, recording: &RecordingFile, complete: bool) -> ReplaySummary {
        ReplaySummary {
            id: self.header.id,
            room: self.header.room,
            mode: self.header.mode,
            started_at_ms: self.header.started_at_ms,
            ticks: recording.ticks,
            bytes: recording.bytes,
            complete: complete && !recording.cut_short,
            players: Vec::new(),
        }
    }

    async fn put_in_place(&self, recording: &mut RecordingFile) {
        let Some(file) = recording.file.take() else { return };
        if let Err(error) = file.finish().await {
            tracing::error!(replay = %self.header.id, %error, "a recording stays a part until the next start");
        }
    }
}

#[cfg(test)]
mod tests;
