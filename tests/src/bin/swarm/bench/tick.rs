//! Time for a step of a world with sixteen bots who fight.

use std::time::{Duration, Instant};

use anyhow::Result;
use shared::sim::{BotStrength, bot};

use super::{changed, full_brawl};
use crate::swarm::report::Report;

/// Matches played.
const MATCHES: u64 = 20;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let (mut stepping, mut thinking, mut summing) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut ticks = 0_u32;
    for seed in 0..MATCHES {
        let mut world = full_brawl(seed);
        while !world.is_over() {
            let began = Instant::now();
            let commands = changed(&world, |slot| bot::think(&world, slot, BotStrength::Keen));
            let thought = Instant::now();
            world.step(&commands);
            let stepped = Instant::now();
            std::hint::black_box(world.checksum());
            summing += stepped.elapsed();
            stepping += stepped - thought;
            thinking += thought - began;
            ticks += 1;
        }
    }
    let each = |time: Duration| time.as_nanos() as f64 / f64::from(ticks);
    report.section("A tick: sixteen bots in a brawl, whole rounds")?;
    report.figure("tick.ns", "step of the world", each(stepping), "ns")?;
    report.figure("tick.bots_ns", "sixteen bots think", each(thinking), "ns")?;
    report.figure("tick.checksum_ns", "checksum of the world", each(summing), "ns")
}
