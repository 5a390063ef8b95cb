//! Decodes frames into a world: the one decoder of client, browser, load generator and replay files.

use super::bits::{BitReader, Coder as _, DecodeError};
use super::delta::Held;
use super::header::{base_of, header};
use super::keyframe::Layout;
use super::roster::Roster;
use super::{CROWD_FORMAT, FORMAT, FORMAT_BITS, FrameKind, crowd, delta, keyframe};
use crate::sim::{Event, Mode, Slot, World};
use crate::tick::Tick;

/// The effect of a frame on the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// A keyframe replaced the world, or confirmed it.
    Keyframe,
    /// The world moved on. The events, each with the tick after its step.
    Delta(Vec<(Tick, Event)>),
    /// The roster changed.
    Roster,
    /// The round is over.
    End,
    /// No effect on the world: the frame holds inputs for later ticks, see [`relay::decode`](super::relay::decode).
    RelayedInputs,
}

/// Follows a match stream.
#[derive(Debug, Clone, Default)]
pub struct StreamDecoder {
    world: Option<World>,
    roster: Roster,
    diverged: u32,
    /// The tick of the last delta whose checksum did not match. A keyframe of that tick does not count again.
    diverged_at: Option<Tick>,
    /// The own seat in a crowd. `None` unless the world is the part of a crowd that one player sees.
    you: Option<Slot>,
    /// Decodes views of a crowd. `None` for decoders that never play, so that a browser which only watches does not
    /// download this code.
    decode_view: Option<DecodeView>,
}

type DecodeView = fn(&[u8], Option<(&World, Slot)>) -> Result<crowd::DecodedView, DecodeError>;

impl StreamDecoder {
    /// A decoder before its first frame, for spectators, recordings and live streams.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for a player: it also decodes views of a crowd.
    #[must_use]
    pub fn for_player() -> Self {
        Self { decode_view: Some(crowd::decode), ..Self::default() }
    }

    /// The world after the last frame. `None` before the first keyframe.
    #[must_use]
    pub fn world(&self) -> Option<&World> {
        self.world.as_ref()
    }

    /// The newest roster.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// How often the decoder's world differed from the encoder's. Any number but zero is a bug; a keyframe repairs it.
    #[must_use]
    pub fn diverged(&self) -> u32 {
        self.diverged
    }

    /// Applies one frame. An error leaves the world as it was; the next keyframe can be applied.
    ///
    /// # Errors
    /// [`DecodeError::Gap`] when a delta does not follow the last frame, others when the frame is malformed.
    pub fn apply(&mut self, frame: &[u8]) -> Result<Applied, DecodeError> {
        match FrameKind::of(frame)? {
            FrameKind::Delta => self.delta(frame),
            FrameKind::Keyframe => {
                let world = read_keyframe(frame)?;
                // The first keyframe of a round replaces the world of another round: there is nothing to compare.
                if let Some(own) = self.world.as_ref()
                    && world.tick != world.began
                    && own.tick == world.tick
                    && own.began == world.began
                    && own.round_ticks == world.round_ticks
                    // At its very beginning the world may belong to another round.
                    && world.elapsed() > 0
                    && *own != world
                    && self.diverged_at != Some(world.tick)
                {
                    self.diverged += 1;
                }
                self.world = Some(world);
                self.you = None;
                Ok(Applied::Keyframe)
            }
            FrameKind::View => self.view(frame),
            FrameKind::RosterDelta => {
                self.roster.apply(frame)?;
                Ok(Applied::Roster)
            }
            FrameKind::Roster => {
                self.roster = Roster::decode(frame)?;
                Ok(Applied::Roster)
            }
            FrameKind::End => self.end(frame),
            FrameKind::Index => Ok(Applied::End),
            FrameKind::RelayedInputs => Ok(Applied::RelayedInputs),
        }
    }

    fn delta(&mut self, frame: &[u8]) -> Result<Applied, DecodeError> {
        let mut world = self.world.clone().ok_or(DecodeError::Gap)?;
        let mut reader = BitReader::new(frame);
        reader.bits(&mut 0, FrameKind::BITS)?;
        let (mut base, mut count) = (0, 0);
        header(&mut reader, &mut base, &mut count)?;
        if base != base_of(world.tick) {
            return Err(DecodeError::Gap);
        }
        let (mut checked, mut checksum) = (false, 0);
        reader.flag(&mut checked)?;
        if checked {
            reader.bits(&mut checksum, 32)?;
        }
        if count == 0 || world.is_over() {
            return Err(DecodeError::Malformed("a delta that changes nothing"));
        }
        let mut held = Held::of(&world);
        let mut events = Vec::new();
        for _ in 0..count {
            let mut commands = Vec::new();
            delta::tick(&mut reader, &mut commands, &mut held, world.mode)?;
            let happened = world.step(&commands);
            events.extend(happened.into_iter().map(|event| (world.tick, event)));
        }
        if checked && checksum != world.checksum() {
            self.diverged += 1;
            self.diverged_at = Some(world.tick);
        }
        self.world = Some(world);
        Ok(Applied::Delta(events))
    }

    fn view(&mut self, frame: &[u8]) -> Result<Applied, DecodeError> {
        let decode =
            self.decode_view.ok_or(DecodeError::Malformed("this is for a player of a crowd"))?;
        let before = self.world.as_ref().filter(|world| world.is_partial()).zip(self.you);
        let decoded = decode(frame, before)?;
        self.diverged += u32::from(decoded.diverged);
        self.world = Some(decoded.world);
        self.you = Some(decoded.you);
        Ok(decoded.events.map_or(Applied::Keyframe, Applied::Delta))
    }

    fn end(&mut self, frame: &[u8]) -> Result<Applied, DecodeError> {
        let mut reader = BitReader::new(frame);
        let (mut tick, mut checksum) = (0, 0);
        reader.bits(&mut 0, 8)?;
        reader.bits(&mut tick, 32)?;
        reader.bits(&mut checksum, 32)?;
        let world = self.world.as_ref().ok_or(DecodeError::Gap)?;
        if !world.is_partial() && (world.tick != Tick(tick) || world.checksum() != checksum) {
            self.diverged += 1;
        }
        Ok(Applied::End)
    }
}

fn read_keyframe(frame: &[u8]) -> Result<World, DecodeError> {
    let mut reader = BitReader::new(frame);
    let mut format = 0;
    reader.bits(&mut 0, FrameKind::BITS)?;
    reader.bits(&mut format, FORMAT_BITS)?;
    let layout = match format {
        FORMAT => Layout::of(Mode::Brawl),
        CROWD_FORMAT => Layout::of(Mode::Crowd),
        unknown => return Err(DecodeError::UnknownFormat(unknown)),
    };
    let mut world = World::new(Mode::Brawl, 0, 0);
    keyframe::world(&mut reader, &mut world, layout)?;
    Ok(world)
}
