//! Encodes a world and its commands into records.

use super::bits::{BitWriter, Coder as _};
use super::delta::{self, Held};
use super::header::header;
use super::keyframe::Layout;
use super::record::record;
use super::roster::Roster;
use super::{CROWD_FORMAT, DELTA_TICKS_MAX, FORMAT, FORMAT_BITS, FrameKind, keyframe};
use crate::sim::{Command, World};
use crate::tick::TICK_RATE_HZ;

const WRITES: &str = "a writer takes every value";

/// Encodes one match stream. Each call returns whole records, ready to be appended to the stream.
#[derive(Debug, Clone, Default)]
pub struct StreamEncoder {
    /// The inputs that the decoders know.
    held: Held,
}

impl StreamEncoder {
    /// The encoder of a new stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The whole roster: one record, or several for a crowd.
    #[must_use]
    pub fn roster(&self, roster: &Roster) -> Vec<u8> {
        roster.encode().iter().flat_map(|frame| record(frame)).collect()
    }

    /// The roster for decoders that know the roster `before`: for a crowd only its changes.
    #[must_use]
    pub fn roster_delta(&self, before: &Roster, roster: &Roster) -> Vec<u8> {
        roster.encode_since(before).iter().flat_map(|frame| record(frame)).collect()
    }

    /// The whole world: the first frame of a round. At later ones a decoder can enter the stream.
    #[must_use]
    pub fn keyframe(&mut self, world: &World) -> Vec<u8> {
        let mut writer = BitWriter::default();
        writer.bits(&mut FrameKind::Keyframe.code(), FrameKind::BITS).expect(WRITES);
        let mut format = if world.mode.is_crowd() { CROWD_FORMAT } else { FORMAT };
        writer.bits(&mut format, FORMAT_BITS).expect(WRITES);
        keyframe::world(&mut writer, &mut world.clone(), Layout::of(world.mode)).expect(WRITES);
        self.held = Held::of(world);
        record(&writer.finish())
    }

    /// The commands of the ticks since the last frame, at most [`DELTA_TICKS_MAX`]. `after` is the world after them.
    #[must_use]
    pub fn delta(&mut self, ticks: &[Vec<Command>], after: &World) -> Vec<u8> {
        debug_assert!(
            ticks.len() <= DELTA_TICKS_MAX,
            "a delta spans at most DELTA_TICKS_MAX ticks"
        );
        let mut writer = BitWriter::default();
        let count = u32::try_from(ticks.len()).unwrap_or(0);
        let base = after.tick.minus(count);
        let checked = (after.tick.0 / TICK_RATE_HZ) != (base.0 / TICK_RATE_HZ);
        writer.bits(&mut FrameKind::Delta.code(), FrameKind::BITS).expect(WRITES);
        header(&mut writer, &mut base.0.clone(), &mut count.clone()).expect(WRITES);
        writer.flag(&mut checked.clone()).expect(WRITES);
        if checked {
            writer.bits(&mut after.checksum(), 32).expect(WRITES);
        }
        for commands in ticks {
            delta::tick(&mut writer, &mut commands.clone(), &mut self.held, after.mode)
                .expect(WRITES);
        }
        record(&writer.finish())
    }

    /// The last frame of a round.
    #[must_use]
    pub fn end(&self, world: &World) -> Vec<u8> {
        let mut writer = BitWriter::default();
        writer.bits(&mut FrameKind::End.code(), 8).expect(WRITES);
        writer.bits(&mut world.tick.0.clone(), 32).expect(WRITES);
        writer.bits(&mut world.checksum(), 32).expect(WRITES);
        record(&writer.finish())
    }
}
