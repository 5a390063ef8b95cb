//! Recordings: from a room's tape to a file, and from what a killed server left behind to something that
//! can be played.
//!
//! Each round has a recorder: a task that appends what its tape brings and, at the end, writes the result
//! and puts the file in place. First the result (one transaction), then the file's own name: a server that
//! dies in between leaves a part that the next start completes, and no result is lost. A part whose result could
//! not be kept stays one too.

mod blocking;
mod keep;
mod recover;
mod results;
mod tape;

use std::sync::Arc;
use std::time::Duration;

use shared::api::ReplaySummary;
use shared::replay::{ReplayHeader, ReplayWriter};
use shared::tick::Tick;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::storage::blobs::{Blobs, Growing};
use crate::storage::{RoundRecord, Rounds};
use crate::tasks::Tasks;
use blocking::blocking;
use keep::{Files, Keeper};
use results::{Entry, Results};
use tape::{Batch, TapeReader, tape};

pub(crate) use tape::{Ending, Finished, Tape};

/// How often a recorder writes: what the players got is in the file, and visible to those who read along, this
/// much later at most. Each write wakes a thread that may wait for the disk, so there are no more than needed.
const WRITE_EVERY: Duration = Duration::from_millis(500);

/// How far a recording has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes in the file.
    pub bytes: u64,
    /// Nothing follows.
    pub ended: bool,
}

/// Starts recorders.
#[derive(Clone)]
pub struct Recordings {
    tasks: Tasks,
    blobs: Arc<dyn Blobs>,
    keeper: Arc<Keeper>,
    results: Arc<Results>,
}

impl Recordings {
    /// Saves what the last run left behind, and begins to delete replays that are older than `retention`. `None`
    /// keeps them for ever.
    pub async fn start(
        tasks: &Tasks,
        rounds: Arc<dyn Rounds>,
        blobs: Arc<dyn Blobs>,
        retention: Option<Duration>,
    ) -> Self {
        recover::recover(&*rounds, &blobs).await;
        let files = Files { rounds: rounds.clone(), blobs: blobs.clone() };
        let keeper = Arc::new(Keeper::start(tasks, files, retention).await);
        let results = Arc::new(Results::new(tasks, rounds));
        Self { tasks: tasks.clone(), blobs, keeper, results }
    }

    /// Begins a recording. The tape is the room's; the other end follows the file.
    pub(crate) fn begin(&self, header: &ReplayHeader) -> (Tape, watch::Receiver<Progress>) {
        let (tape, reader) = tape();
        let (progress, follow) = watch::channel(Progress { bytes: 0, ended: false });
        let recorder = Recorder {
            blobs: self.blobs.clone(),
            keeper: self.keeper.clone(),
            results: self.results.clone(),
            header: header.clone(),
            tape: reader,
            progress,
        };
        self.tasks.spawn(recorder.run());
        (tape, follow)
    }
}

/// Writes one file.
struct Recorder {
    blobs: Arc<dyn Blobs>,
    keeper: Arc<Keeper>,
    results: Arc<Results>,
    header: ReplayHeader,
    tape: TapeReader,
    progress: watch::Sender<Progress>,
}

/// The file as far as it could be written.
struct Reel {
    file: Option<Box<dyn Growing>>,
    writer: ReplayWriter,
    bytes: u64,
    /// Ticks that the file plays.
    ticks: u32,
    /// Something is missing: it ends here.
    torn: bool,
}

impl Recorder {
    async fn run(self) {
        let mut reel = self.open().await;
        let mut beat = interval(WRITE_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = self.tape.ended() => {}
            }
            let mut batch = self.tape.take();
            let ending = batch.ending.take();
            self.write(&mut reel, batch).await;
            if let Some(ending) = ending {
                self.end(reel, ending).await;
                return;
            }
        }
    }

    async fn open(&self) -> Reel {
        let (writer, preamble) = ReplayWriter::new(&self.header);
        let mut reel = Reel { file: None, writer, bytes: 0, ticks: 0, torn: false };
        let (blobs, id) = (self.blobs.clone(), self.header.id);
        match blocking(move || blobs.create(id)).await {
            Ok(file) => {
                reel.file = Some(file);
                self.append(&mut reel, preamble).await;
            }
            Err(error) => {
                tracing::error!(replay = %id, %error, "a recording could not be begun");
            }
        }
        reel
    }

    async fn write(&self, reel: &mut Reel, batch: Batch) {
        let mut bytes = Vec::new();
        for take in &batch.records {
            reel.writer.record(&take.record, take.elapsed);
            reel.ticks = take.elapsed;
            bytes.extend_from_slice(&take.record);
        }
        for (tick, event) in &batch.events {
            reel.writer.events(*tick, Tick(0), core::slice::from_ref(event));
        }
        if batch.is_torn && !reel.torn {
            reel.torn = true;
            tracing::warn!(replay = %self.header.id, "the disk is too slow: a recording ends early");
        }
        if !bytes.is_empty() {
            self.append(reel, bytes).await;
        }
    }

    async fn append(&self, reel: &mut Reel, bytes: Vec<u8>) {
        let Some(mut file) = reel.file.take() else { return };
        let length = bytes.len() as u64;
        let written = blocking(move || file.append(&bytes).map(|()| file)).await;
        match written {
            Ok(file) => {
                reel.file = Some(file);
                reel.bytes += length;
                self.progress.send_replace(Progress { bytes: reel.bytes, ended: false });
            }
            Err(error) => {
                reel.torn = true;
                tracing::error!(replay = %self.header.id, %error, "a recording could not be written");
            }
        }
    }

    async fn end(&self, mut reel: Reel, ending: Ending) {
        let is_kept = match ending {
            Ending::Finished(finished) => self.finish(&mut reel, *finished).await,
            Ending::CutOff { players, ticks } => {
                let cut_off = ReplaySummary { ticks, players, ..self.summary(&reel, false) };
                self.cut_off(cut_off).await
            }
            Ending::Dropped => {
                tracing::error!(replay = %self.header.id, "a room broke off; the next start saves its recording");
                return;
            }
        };
        if is_kept {
            self.put_in_place(&mut reel).await;
        } else {
            tracing::error!(replay = %self.header.id, "a recording stays a part until the next start");
        }
        self.progress.send_replace(Progress { bytes: reel.bytes, ended: true });
    }

    /// Whether all of it is kept.
    async fn finish(&self, reel: &mut Reel, finished: Finished) -> bool {
        let is_whole = !reel.torn && reel.file.is_some();
        if is_whole {
            let last = reel.writer.clone().finish(&finished.world);
            self.append(reel, last).await;
        }
        let ticks = if is_whole { finished.world.elapsed() } else { reel.ticks };
        let has_people = finished.players.iter().any(|player| !player.bot);
        let replay =
            ReplaySummary { ticks, players: finished.players, ..self.summary(reel, is_whole) };
        let (ended_at_ms, places) = (finished.ended_at_ms, finished.places);
        let round = Entry::Round(RoundRecord { replay, ended_at_ms, places });
        if !self.results.keep(&round).await {
            return false;
        }
        if reel.bytes == 0 {
            // The result counts all the same; there is nothing to play.
            return self.results.remove(self.header.id).await;
        }
        if !has_people {
            self.keeper.note_bots_only(self.header.id).await;
        }
        true
    }

    /// Whether the entry is kept. Without a file there is none.
    async fn cut_off(&self, replay: ReplaySummary) -> bool {
        tracing::info!(replay = %replay.id, ticks = replay.ticks, "a round is cut off by the stop");
        replay.bytes == 0 || self.results.keep(&Entry::Replay(replay)).await
    }

    fn summary(&self, reel: &Reel, complete: bool) -> ReplaySummary {
        ReplaySummary {
            id: self.header.id,
            room: self.header.room,
            mode: self.header.mode,
            started_at_ms: self.header.started_at_ms,
            ticks: reel.ticks,
            bytes: reel.bytes,
            complete: complete && !reel.torn,
            players: Vec::new(),
        }
    }

    async fn put_in_place(&self, reel: &mut Reel) {
        let Some(file) = reel.file.take() else { return };
        if let Err(error) = blocking(move || file.finish()).await {
            tracing::error!(replay = %self.header.id, %error, "a recording stays a part until the next start");
        }
    }
}

#[cfg(test)]
mod tests;
