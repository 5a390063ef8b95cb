//! The frames of a crowd, symbol by symbol, for the [`Entropy`] of their model.
//!
//! The model is the format of [`shared::snapshot::crowd`]: each of its questions (sent? moved? keys changed? how
//! many?) and each of its small answers is a source of its own without memory. Three rules keep the bound fair:
//!
//! - Fields that a reader could derive cost nothing: kind, format, base tick, checksum, the length before the frame.
//! - Slots, places, velocities and aims of discs that come into sight cost the bits that they are written with. They have
//!   so many values that a table would only memorise this one run.
//! - Of corrections and speeds of bumps, the sign and the number of digits is a symbol, and the digits after the first
//!   are bits. A table over whole numbers, made from one run, does not hold for another.

use shared::sim::disc::{
    CROWD_COORDINATE_MAX, EFFECT_TICKS, PROTECTION_TICKS, RESPAWN_TICKS, SPEED_MAX, STRAIN_MAX,
};
use shared::sim::mode::CROWD_SEATS;
use shared::sim::movement::DASH_COOLDOWN_TICKS;
use shared::sim::push::SHOVE_COOLDOWN_TICKS;
use shared::sim::{Angle, Buttons, Mode, PickupKind, PushKind, Thrust, pulse};
use shared::snapshot::{FrameKind, records};
use shared::tick::SNAPSHOT_EVERY_TICKS;

use super::entropy::Entropy;

/// The timers of a disc and how far they go.
const TIMERS: [(&str, &str, u16); 6] = [
    ("pulse_cools", "pulse_cooldown", pulse::COOLDOWN_TICKS),
    ("shove_cools", "shove_cooldown", SHOVE_COOLDOWN_TICKS),
    ("dash_cools", "dash_cooldown", DASH_COOLDOWN_TICKS),
    ("is_protected", "protection", PROTECTION_TICKS),
    ("is_heavy", "heavy", EFFECT_TICKS),
    ("is_overcharged", "overcharge", EFFECT_TICKS),
];
const SLOT_BITS: u32 = width(CROWD_SEATS - 1);
const PLACE_BITS: u32 = width(2 * CROWD_COORDINATE_MAX as usize);
const PULSE_COORDINATE_MAX: i32 = CROWD_COORDINATE_MAX + pulse::SPEED * pulse::LIFE_TICKS as i32;
const PULSE_PLACE_BITS: u32 = width(2 * PULSE_COORDINATE_MAX as usize);
const PULSE_VELOCITY_BITS: u32 = width(2 * pulse::SPEED as usize);
const VELOCITY_BITS: u32 = width(2 * (SPEED_MAX + pulse::RECOIL_SPEED) as usize);
const BUMP_SPEED_BITS: u32 = width(2 * (SPEED_MAX + pulse::RECOIL_SPEED) as usize);

/// Bits of a number from 0 to `max`.
const fn width(max: usize) -> u32 {
    usize::BITS - max.leading_zeros()
}

/// Counts the symbols in the records of some players: for each player, all its records in a row.
///
/// # Panics
/// When a frame is not of the format that is described here.
pub(super) fn count(runs: &[Vec<u8>]) -> Entropy {
    let mut entropy = Entropy::default();
    for run in runs {
        let mut known = 0;
        for frame in records(run) {
            let frame = frame.expect("a whole record");
            let mut symbols = Symbols { frame, read: 0, entropy: &mut entropy };
            known = symbols.view(known);
            let left = frame.len() * 8 - symbols.read;
            assert!(left < 8, "{left} bits of a frame are not accounted for");
            entropy.snapshots += 1;
        }
    }
    entropy
}

/// One frame on its way into the counts.
struct Symbols<'a> {
    frame: &'a [u8],
    /// Bits.
    read: usize,
    entropy: &'a mut Entropy,
}

impl Symbols<'_> {
    /// A whole frame, for a client that knows this many discs. Returns how many it knows afterwards.
    fn view(&mut self, known: u32) -> u32 {
        assert_eq!(FrameKind::of(self.frame), Ok(FrameKind::View));
        self.bits(3);
        let begins = self.flag("begins");
        let ticks = if begins {
            self.bits(5); // The format.
            self.raw([32, 32, 18, SLOT_BITS]);
            0
        } else {
            self.bits(7); // The base tick.
            if self.flag("two_ticks") { SNAPSHOT_EVERY_TICKS } else { self.symbol("ticks", 6) }
        };
        if self.flag("leader_changes") && self.flag("anybody_leads") {
            self.raw([SLOT_BITS]);
        }
        if self.bits(1) == 1 {
            self.bits(16); // The checksum, once a second.
        }
        let known = if begins { 0 } else { known };
        let gone = (0..known).filter(|_| self.known_disc(ticks)).count();
        let new = self.golomb("new_discs", 2);
        for _ in 0..new {
            self.raw([SLOT_BITS]);
            self.disc();
        }
        self.pulses();
        for _ in 0..self.golomb("events", 2) {
            self.event();
        }
        self.pickups();
        known + new - u32::try_from(gone).expect("no more than were known")
    }

    /// Returns true when the disc has left.
    fn known_disc(&mut self, ticks: u32) -> bool {
        if !self.flag("told") {
            return false;
        }
        if self.flag("gone") {
            return true;
        }
        if self.flag("whole") {
            self.disc();
        } else {
            (0..ticks).for_each(|_| self.keys());
            self.correction();
        }
        false
    }

    fn keys(&mut self) {
        if !self.flag("changed") {
            return;
        }
        if self.flag("turned") {
            self.golomb("turn", 3);
        }
        if self.flag("drove") {
            self.symbol("thrust", width(Thrust::DIRECTIONS.into()));
        }
        if self.flag("pressed") {
            self.symbol("buttons", Buttons::BITS);
        }
    }

    fn correction(&mut self) {
        if self.flag("moved") {
            for source in ["place", "place", "velocity", "velocity"] {
                self.step(source, 7);
            }
        }
        if self.flag("altered") {
            self.golomb("strain", 3);
            if self.flag("timers_differ") {
                self.timers();
            }
        }
        if self.flag("scored") {
            for source in ["knockouts", "falls", "points"] {
                self.golomb(source, 1);
            }
        }
    }

    fn timers(&mut self) {
        for (runs, ticks, max) in TIMERS {
            self.timer(runs, ticks, max);
        }
    }

    fn timer(&mut self, runs: &'static str, ticks: &'static str, max: u16) {
        if self.flag(runs) {
            self.symbol(ticks, width(usize::from(max) - 1));
        }
    }

    /// A whole disc.
    fn disc(&mut self) {
        self.flag("team");
        self.raw([PLACE_BITS; 2]);
        if self.flag("standing") {
            self.raw([VELOCITY_BITS; 2]);
        } else {
            self.symbol("out", width(RESPAWN_TICKS.into()));
        }
        self.symbol("thrust_held", width(Thrust::DIRECTIONS.into()));
        self.raw([Angle::BITS]);
        self.symbol("buttons_held", Buttons::BITS);
        self.timer("is_strained", "strain_held", STRAIN_MAX);
        self.timers();
        assert!(!self.flag("pushed"), "clients are not sent who pushed a disc");
        self.golomb("knockouts_held", 2);
        self.golomb("falls_held", 2);
        if self.golomb("points_held", 1) != 0 {
            self.flag("points_above");
        }
    }

    fn pulses(&mut self) {
        for _ in 0..self.golomb("new_pulses", 2) {
            self.pulse_id();
            self.raw([PULSE_PLACE_BITS; 2]);
            if self.flag("aimed") {
                self.raw([Angle::BITS]);
            } else {
                self.raw([PULSE_VELOCITY_BITS; 2]);
            }
            self.flag("overcharged");
        }
        for _ in 0..self.golomb("ended_pulses", 2) {
            self.pulse_id();
            if self.flag("struck") {
                self.raw([SLOT_BITS]);
            }
        }
    }

    fn pulse_id(&mut self) {
        self.raw([SLOT_BITS]);
        if self.flag("is_new") {
            self.symbol("age_new", width(SNAPSHOT_EVERY_TICKS as usize - 1));
        } else {
            self.symbol("age", width(pulse::LIFE_TICKS.into()));
        }
    }

    fn event(&mut self) {
        match self.symbol("event", 2) {
            0 => {
                self.raw([SLOT_BITS; 2]);
                let speed = self.bits(BUMP_SPEED_BITS);
                self.digits("bump", speed.cast_signed());
            }
            1 => self.raw([SLOT_BITS; 2]),
            2 => {
                self.raw([SLOT_BITS]);
                if self.flag("credited") {
                    self.raw([SLOT_BITS]);
                    self.symbol("push", width(PushKind::ALL.len() - 1));
                }
            }
            _ => {
                self.raw([SLOT_BITS]);
                self.symbol("taken", width(PickupKind::ALL.len() - 1));
            }
        }
    }

    fn pickups(&mut self) {
        if !self.flag("pickups_change") {
            return;
        }
        for _ in 0..self.symbol("pickups", width(Mode::Crowd.pickups_max())) {
            self.symbol("pickup", width(PickupKind::ALL.len() - 1));
            self.raw([PLACE_BITS; 2]);
        }
    }

    fn flag(&mut self, source: &'static str) -> bool {
        self.symbol(source, 1) == 1
    }

    fn symbol(&mut self, source: &'static str, width: u32) -> u32 {
        let symbol = self.bits(width);
        self.entropy.see(source, symbol);
        symbol
    }

    fn golomb(&mut self, source: &'static str, order: u32) -> u32 {
        let code = self.code(order);
        self.entropy.see(source, code);
        code
    }

    /// A step up or down, written as zigzag.
    fn step(&mut self, source: &'static str, order: u32) {
        let code = self.code(order);
        self.digits(source, (code >> 1).cast_signed() ^ -(code & 1).cast_signed());
    }

    /// How many digits a number has and its sign are a symbol. The digits after the first are bits.
    fn digits(&mut self, source: &'static str, number: i32) {
        let digits = u32::BITS - number.unsigned_abs().leading_zeros();
        self.entropy.see(source, digits.cast_signed() * number.signum());
        self.entropy.raw_bits += u64::from(digits.saturating_sub(1));
    }

    /// Exponential-Golomb.
    fn code(&mut self, order: u32) -> u32 {
        let mut width = order;
        while self.bits(1) == 1 {
            width += 1;
        }
        self.bits(width) + (1 << width) - (1 << order)
    }

    /// Bits that cost as many bits.
    fn raw<const N: usize>(&mut self, widths: [u32; N]) {
        for width in widths {
            self.entropy.raw_bits += u64::from(width);
            self.bits(width);
        }
    }

    /// Reads bits without counting them. The lowest comes first.
    fn bits(&mut self, width: u32) -> u32 {
        (0..width).fold(0, |number, place| {
            let byte = self.frame.get(self.read / 8).expect("the frame goes on");
            let bit = u32::from(byte >> (self.read % 8) & 1);
            self.read += 1;
            number | bit << place
        })
    }
}

#[cfg(test)]
mod tests {
    use shared::tick::seconds;

    use super::super::crowd;
    use super::count;

    #[test]
    fn every_bit_of_a_crowd_is_accounted_for_and_its_model_needs_fewer() {
        let encoded = crowd::encode_crowd(3, 192, seconds(6));

        let bound = count(&encoded.runs).bytes_a_snapshot();

        let mean = encoded.runs.concat().len() as f64 / encoded.ours.snapshots.len() as f64;
        assert!((0.5 * mean..mean).contains(&bound), "{bound} B under {mean} B");
    }
}
