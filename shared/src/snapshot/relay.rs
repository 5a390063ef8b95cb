//! Inputs that the server relays to the other players before their tick is simulated.
//!
//! Inputs are addressed to ticks and travel early enough for the worst packets of their link, so most of them wait at the
//! server. The server relays them at once, and the other clients need not guess them: between clients whose inputs wait
//! equally long, the error of their predictions no longer depends on how far ahead they play, only on the round trip.
//!
//! A relayed input does not change the world. Deltas stay authoritative: they correct a client that missed a relayed
//! input, and one that was relayed an input which the server did not use. The server relays an input when its thrust or
//! buttons change. The aim alone is not worth a frame: it counts while a button is pressed, and is relayed then.
//!
//! A program that cheats learns what others have pressed a few hundredths of a second before it takes effect, and never
//! before it was pressed. Clients that simulate each other ahead of the server need this; peer-to-peer games reveal the
//! same.
//!
//! ```text
//! ahead     base tick (7, lower bits) · count (6) · for each: slot (4) · ticks from there (6) · input
//! ```
//!
//! An input is encoded as in a delta, against the input that the seat holds at the base tick.

use super::bits::{BitReader, BitWriter, Coder, DecodeError};
use super::header::{BASE_BITS, base_of};
use super::keyframe::{Layout, slot};
use super::record::record;
use super::{FrameKind, delta};
use crate::protocol::INPUT_LEAD_TICKS_MAX;
use crate::sim::{Input, Slot, World};
use crate::tick::Tick;

/// Relayed inputs in one frame. Further ones of the same snapshot are not relayed: they arrive with the delta of their
/// tick.
pub const RELAYED_INPUTS_MAX: usize = 48;
const TICKS_BITS: u32 = 6;

const _: () = assert!(INPUT_LEAD_TICKS_MAX < 1 << TICKS_BITS);

/// An input that a seat will hold from a future tick on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayedInput {
    /// The seat.
    pub slot: Slot,
    /// The tick that the input is addressed to: the step from it to the next one obeys it.
    pub tick: Tick,
    /// The input.
    pub input: Input,
}

impl RelayedInput {
    /// Whether this world has the seat and will take the step of `tick` within the next 64 ticks.
    fn is_ahead_of(&self, world: &World) -> bool {
        let ticks = self.tick.since(world.tick);
        (0..1 << TICKS_BITS).contains(&ticks) && world.disc(self.slot).is_some()
    }
}

/// One record with the inputs that lie ahead of `world`, for readers whose decoder is at this world.
///
/// Empty when no input lies ahead, and for a crowd. Inputs past [`RELAYED_INPUTS_MAX`] are left out.
#[must_use]
pub fn encode(world: &World, inputs: &[RelayedInput]) -> Vec<u8> {
    let ahead = inputs.iter().filter(|input| input.is_ahead_of(world));
    let mut inputs: Vec<_> = ahead.take(RELAYED_INPUTS_MAX).copied().collect();
    if inputs.is_empty() || world.mode.is_crowd() {
        return Vec::new();
    }
    let mut writer = BitWriter::default();
    writer
        .bits(&mut FrameKind::RelayedInputs.code(), FrameKind::BITS)
        .expect("a writer takes every value");
    frame(&mut writer, world, &mut inputs).expect("inputs ahead of the world are in range");
    record(&writer.finish())
}

/// The inputs in a frame of the kind [`FrameKind::RelayedInputs`], for a reader whose decoder is at `world`.
///
/// # Errors
/// [`DecodeError::Gap`] when the frame was made at another world, others when it is malformed.
pub fn decode(bytes: &[u8], world: &World) -> Result<Vec<RelayedInput>, DecodeError> {
    let mut reader = BitReader::new(bytes);
    let mut inputs = Vec::new();
    reader.bits(&mut 0, FrameKind::BITS)?;
    frame(&mut reader, world, &mut inputs)?;
    Ok(inputs)
}

fn frame<C: Coder>(
    c: &mut C,
    world: &World,
    inputs: &mut Vec<RelayedInput>,
) -> Result<(), DecodeError> {
    let mut base = base_of(world.tick);
    c.bits(&mut base, BASE_BITS)?;
    if base != base_of(world.tick) {
        return Err(DecodeError::Gap);
    }
    let mut count = inputs.len();
    c.length(&mut count, 1, RELAYED_INPUTS_MAX)?;
    let blank = RelayedInput { slot: Slot(0), tick: world.tick, input: Input::default() };
    inputs.resize(count, blank);
    for RelayedInput { slot: seat, tick, input } in inputs {
        slot(c, seat, Layout::of(world.mode))?;
        let mut ticks = tick.since(world.tick).unsigned_abs();
        c.bits(&mut ticks, TICKS_BITS)?;
        *tick = world.tick.plus(ticks);
        let held = world.disc(*seat).ok_or(DecodeError::Malformed("the seat is empty"))?.input;
        if c.is_reading() {
            *input = held;
        }
        delta::input(c, &held, input)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{RELAYED_INPUTS_MAX, RelayedInput, decode, encode};
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

    fn read(record: &[u8], world: &World) -> Result<Vec<RelayedInput>, DecodeError> {
        let frame = records(record).next().expect("a record")?;
        assert_eq!(FrameKind::of(frame), Ok(FrameKind::RelayedInputs));
        decode(frame, world)
    }

    #[test]
    fn inputs_ahead_of_the_world_are_relayed_and_others_are_not() {
        let world = world();
        let mut rng = Rng(5);
        let one = |slot, ticks: i32, rng: &mut Rng| RelayedInput {
            slot: Slot(slot),
            tick: Tick(world.tick.0.wrapping_add_signed(ticks)),
            input: input(rng),
        };
        let ahead = [one(3, 0, &mut rng), one(0, 8, &mut rng), one(15, 63, &mut rng)];
        let not = [one(0, -1, &mut rng), one(3, 64, &mut rng), one(4, 2, &mut rng)];

        let record = encode(&world, &[ahead.as_slice(), &not].concat());

        assert_eq!(read(&record, &world), Ok(ahead.to_vec()));
        assert!(record.len() <= 18, "{} bytes", record.len());
        assert!(encode(&world, &not).is_empty());
    }

    #[test]
    fn a_frame_of_another_world_and_garbage_are_refused() {
        let world = world();
        let mut later = world.clone();
        later.step(&[]);
        let inputs = [RelayedInput { slot: Slot(3), tick: world.tick, input: Input::default() }];
        let record = encode(&world, &inputs);
        assert_eq!(read(&record, &later), Err(DecodeError::Gap));

        for cut in 1..record.len() {
            assert!(decode(&record[1..cut], &world).is_err());
        }
        let mut rng = Rng(11);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> =
                (0..rng.below(24)).map(|_| rng.below(256).to_le_bytes()[0]).collect();
            bytes.iter_mut().take(1).for_each(|first| *first |= 7);
            for RelayedInput { slot, tick, input } in decode(&bytes, &world).unwrap_or_default() {
                assert!(world.disc(slot).is_some() && input.is_valid());
                assert!((0..64).contains(&tick.since(world.tick)));
            }
        }
    }

    #[test]
    fn no_more_inputs_are_relayed_than_a_frame_takes() {
        let world = world();
        let mut rng = Rng(3);
        let many: Vec<_> = (0..RELAYED_INPUTS_MAX as u32 + 9)
            .map(|n| RelayedInput {
                slot: Slot(3),
                tick: world.tick.plus(n % 60),
                input: input(&mut rng),
            })
            .collect();

        assert_eq!(read(&encode(&world, &many), &world), Ok(many[..RELAYED_INPUTS_MAX].to_vec()));
    }
}
