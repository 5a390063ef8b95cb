//! Rounds as recordings: written as the server's recorder writes them, and read as its readers do.

use anyhow::{Context as _, Result, bail, ensure};
use shared::id::{ReplayId, RoomId};
use shared::replay::{MAGIC, Playback, ReplayHeader, ReplayReader, ReplayWriter};
use shared::sim::World;
use shared::snapshot::{FrameKind, next_record};

use super::Report;
use super::percentile;

/// A recording that is kept because it guards rules and format: see `shared/tests/recordings.rs`.
const KEPT: &[u8] = include_bytes!("../../../data/brawl.replay");
/// Magic and version, before the first record.
const BEGINNING_BYTES: usize = MAGIC.len() + 2;

/// A recording that grows.
pub(super) struct Recorder {
    writer: ReplayWriter,
    file: Vec<u8>,
}

impl Recorder {
    /// Begins the recording of a world with this seed.
    pub(super) fn begin(seed: u64, world: &World) -> Self {
        let header = ReplayHeader {
            id: ReplayId::from_bits(0),
            room: RoomId::from_bits(0),
            mode: world.mode,
            seed,
            round_ticks: world.round_ticks,
            started_at_ms: 0,
        };
        let (writer, file) = ReplayWriter::new(&header);
        Self { writer, file }
    }

    /// Appends a record, after which the world is `world`.
    pub(super) fn record(&mut self, record: &[u8], world: &World) {
        self.writer.record(record, world.elapsed());
        self.file.extend_from_slice(record);
    }

    /// The whole file.
    pub(super) fn finish(mut self, world: &World) -> Vec<u8> {
        self.file.extend(self.writer.finish(world));
        self.file
    }
}

/// Measures the snapshots of the kept recording.
///
/// # Errors
/// When it cannot be read.
pub(super) fn measure(report: &mut Report) -> Result<()> {
    read(KEPT)?;
    let mut bytes: Vec<_> = deltas(KEPT)?.into_iter().map(<[u8]>::len).collect();
    let words = format!("the {} snapshots of tests/data/brawl.replay", bytes.len());
    for percent in [50, 90, 99] {
        let size = percentile(&mut bytes, percent) as f64;
        report.add(format!("codec.recorded.bytes_p{percent}"), size, "B", &words);
    }
    Ok(())
}

/// Plays a file and compares its worlds with these.
///
/// # Errors
/// When it is no whole recording, or plays something else.
pub(super) fn compare<'a>(file: &[u8], worlds: impl Iterator<Item = &'a World>) -> Result<()> {
    let (reader, mut playback) = (read(file)?, Playback::new());
    playback.seek(&reader, 0);
    for world in worlds {
        playback.advance_to(&reader, world.elapsed());
        ensure!(playback.world() == Some(world), "the recording differs at tick {}", world.tick);
    }
    Ok(())
}

/// The deltas of a file, each with its length before it, as players get them.
///
/// # Errors
/// When the recording is not complete.
pub(super) fn deltas(file: &[u8]) -> Result<Vec<&[u8]>> {
    let beginning = file.get(BEGINNING_BYTES..).context("a recording has a beginning")?;
    let (_header, mut rest) = next_record(beginning)?.context("a recording has a header")?;
    let mut deltas = Vec::new();
    while let Some((frame, after)) = next_record(rest)? {
        match FrameKind::of(frame)? {
            FrameKind::Delta => deltas.push(&rest[..rest.len() - after.len()]),
            FrameKind::End => return Ok(deltas),
            FrameKind::Keyframe
            | FrameKind::Roster
            | FrameKind::RosterDelta
            | FrameKind::View
            | FrameKind::RelayedInputs
            | FrameKind::Index => {}
        }
        rest = after;
    }
    bail!("the recording has no end")
}

fn read(file: &[u8]) -> Result<ReplayReader> {
    let mut reader = ReplayReader::new();
    reader.push(file)?;
    ensure!(reader.is_complete() && reader.is_verified(), "the recording is not complete");
    ensure!(reader.diverged() == 0, "the recording contradicts its checksums");
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::{KEPT, deltas, measure};
    use crate::swarm::report::assert_names;

    #[test]
    fn the_recording_that_is_kept_is_measured() {
        let mut report = Report::default();

        measure(&mut report).unwrap();

        assert_names(&report, "codec.recorded", &["bytes_p50", "bytes_p90", "bytes_p99"]);
        // Twenty seconds.
        assert_eq!(deltas(KEPT).unwrap().len(), 600);
        let p50 = report.figure("codec.recorded.bytes_p50");
        assert!((5.0..48.0).contains(&p50), "{p50} B");
    }

    #[test]
    fn what_is_cut_off_is_no_recording() {
        assert!(deltas(&KEPT[..KEPT.len() / 2]).is_err());
        assert!(deltas(&KEPT[..5]).is_err());
    }
}
