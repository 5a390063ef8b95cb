//! What players have said that they will hold, before its tick has come.
//!
//! Inputs are addressed to ticks and travel early enough for the worst packets of their link, so most of them lie at the
//! server for a while. Passed on at once, they spare the others a guess: between clients whose leads have the same slack, how
//! far ahead they play no longer decides how wrong they are about each other; only the way there and back does.
//!
//! An announcement says nothing about the world. Who did not get it is corrected by the deltas, as always; what was
//! announced and does not come to pass is corrected, too. The server announces what changes thrust or buttons: where
//! somebody looks matters while something is pressed, and is told then.
//!
//! A program that cheats learns from it what others have pressed, a few hundredths of a second before it counts, and never
//! before it was pressed. Players who simulate each other ahead cannot do without; peer-to-peer games tell the same.
//!
//! ```text
//! ahead     base tick (7, lower bits) · count (6) · for each: slot (4) · ticks from there (6) · input
//! ```
//!
//! An input is written as in a delta, against what the seat holds at the base tick.

use super::bits::{BitReader, BitWriter, Coder, DecodeError};
use super::decode::BASE_BITS;
use super::keyframe::{Layout, slot};
use super::record::record;
use super::{FrameKind, delta};
use crate::protocol::INPUT_LEAD_TICKS_MAX;
use crate::sim::{Input, Slot, World};
use crate::tick::Tick;

/// Announcements in a frame. More than that, in a thirtieth of a second, are not passed on: they come with their ticks.
pub const ANNOUNCED_MAX: usize = 48;
const TICKS_BITS: u32 = 6;

const _: () = assert!(INPUT_LEAD_TICKS_MAX < 1 << TICKS_BITS);

/// What a seat will hold from a tick on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Whose.
    pub slot: Slot,
    /// The tick that it is meant for: the step from it to the next obeys it.
    pub tick: Tick,
    /// What will be held.
    pub input: Input,
}

impl Announced {
    /// Whether a step of this world, or one that follows soon, will obey it.
    #[must_use]
    pub fn is_ahead_of(&self, world: &World) -> bool {
        let ticks = self.tick.since(world.tick);
        (0..1 << TICKS_BITS).contains(&ticks) && world.disc(self.slot).is_some()
    }
}

/// A record that tells who follows the stream, and is at this world, what lies ahead of it. Empty when that is nothing.
#[must_use]
pub fn announce(world: &World, announced: &[Announced]) -> Vec<u8> {
    let ahead = announced.iter().filter(|announced| announced.is_ahead_of(world));
    let mut told: Vec<_> = ahead.take(ANNOUNCED_MAX).copied().collect();
    if told.is_empty() || world.mode.is_crowd() {
        return Vec::new();
    }
    let mut writer = BitWriter::default();
    writer.bits(&mut FrameKind::Ahead.code(), FrameKind::BITS).expect("a writer takes every value");
    frame(&mut writer, world, &mut told).expect("what is ahead of the world can be told");
    record(&writer.finish())
}

/// What a frame of this kind announces to who is at this world.
///
/// # Errors
/// When it is malformed, or meant for who is at another world.
pub fn announced(bytes: &[u8], world: &World) -> Result<Vec<Announced>, DecodeError> {
    let mut reader = BitReader::new(bytes);
    let mut told = Vec::new();
    reader.bits(&mut 0, FrameKind::BITS)?;
    frame(&mut reader, world, &mut told)?;
    Ok(told)
}

fn frame<C: Coder>(c: &mut C, world: &World, told: &mut Vec<Announced>) -> Result<(), DecodeError> {
    let here = world.tick.0 & ((1 << BASE_BITS) - 1);
    let mut base = here;
    c.bits(&mut base, BASE_BITS)?;
    if base != here {
        return Err(DecodeError::Gap);
    }
    let mut count = told.len();
    c.length(&mut count, 1, ANNOUNCED_MAX)?;
    let blank = Announced { slot: Slot(0), tick: world.tick, input: Input::default() };
    told.resize(count, blank);
    for Announced { slot: who, tick, input } in told {
        slot(c, who, Layout::of(world.mode))?;
        let mut ticks = tick.since(world.tick).unsigned_abs();
        c.bits(&mut ticks, TICKS_BITS)?;
        *tick = world.tick.plus(ticks);
        let held = world.disc(*who).ok_or(DecodeError::Malformed("nobody sits there"))?.input;
        if c.reads() {
            *input = held;
        }
        delta::input(c, &held, input)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ANNOUNCED_MAX, Announced, announce, announced};
    use crate::sim::rng::Rng;
    use crate::sim::{Angle, Buttons, Command, Input, Mode, Slot, Thrust, World};
    use crate::snapshot::{DecodeError, FrameKind, records};
    use crate::tick::Tick;

    fn world() -> World {
        let mut world = World::new(Mode::Brawl, 9, 3_600);
        (world.tick, world.began) = (Tick(u32::MAX - 3), Tick(u32::MAX - 3));
        let joins = [0, 3, 15].map(|slot| Command::Join { slot: Slot(slot), team: 0 });
        world.step(&joins);
        world
    }

    fn input(rng: &mut Rng) -> Input {
        Input {
            thrust: Thrust::from_code(rng.below(17).to_le_bytes()[0]).unwrap_or_default(),
            aim: Angle::from_steps(u16::try_from(rng.below(1_024)).unwrap_or(0)),
            buttons: Buttons::from_code(rng.below(8).to_le_bytes()[0]),
        }
    }

    fn read(record: &[u8], world: &World) -> Result<Vec<Announced>, DecodeError> {
        let frame = records(record).next().expect("a record")?;
        assert_eq!(FrameKind::of(frame), Ok(FrameKind::Ahead));
        announced(frame, world)
    }

    #[test]
    fn what_is_announced_is_heard_and_what_is_past_is_not_announced() {
        let world = world();
        let mut rng = Rng(5);
        let one = |slot, ticks: i32, rng: &mut Rng| Announced {
            slot: Slot(slot),
            tick: Tick(world.tick.0.wrapping_add_signed(ticks)),
            input: input(rng),
        };
        let ahead = [one(3, 0, &mut rng), one(0, 8, &mut rng), one(15, 63, &mut rng)];
        let not = [one(0, -1, &mut rng), one(3, 64, &mut rng), one(4, 2, &mut rng)];

        let record = announce(&world, &[ahead.as_slice(), &not].concat());

        assert_eq!(read(&record, &world), Ok(ahead.to_vec()));
        assert!(record.len() <= 18, "{} bytes", record.len());
        assert!(announce(&world, &not).is_empty());
    }

    #[test]
    fn who_is_elsewhere_or_hears_rubbish_is_told_so() {
        let world = world();
        let mut later = world.clone();
        later.step(&[]);
        let told = [Announced { slot: Slot(3), tick: world.tick, input: Input::default() }];
        let record = announce(&world, &told);
        assert_eq!(read(&record, &later), Err(DecodeError::Gap));

        for cut in 1..record.len() {
            assert!(announced(&record[1..cut], &world).is_err());
        }
        let mut rng = Rng(11);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> =
                (0..rng.below(24)).map(|_| rng.below(256).to_le_bytes()[0]).collect();
            bytes.iter_mut().take(1).for_each(|first| *first |= 7);
            for Announced { slot, tick, input } in announced(&bytes, &world).unwrap_or_default() {
                assert!(world.disc(slot).is_some() && input.is_valid());
                assert!((0..64).contains(&tick.since(world.tick)));
            }
        }
    }

    #[test]
    fn no_more_is_announced_than_a_frame_takes() {
        let world = world();
        let mut rng = Rng(3);
        let many: Vec<_> = (0..ANNOUNCED_MAX as u32 + 9)
            .map(|n| Announced {
                slot: Slot(3),
                tick: world.tick.plus(n % 60),
                input: input(&mut rng),
            })
            .collect();

        assert_eq!(read(&announce(&world, &many), &world), Ok(many[..ANNOUNCED_MAX].to_vec()));
    }
}
