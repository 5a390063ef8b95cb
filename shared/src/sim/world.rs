//! The state of a round, and the one function that changes it.

use super::command::{Command, Slot};
use super::disc::{Disc, PROTECTION_TICKS, Stance};
use super::event::Event;
use super::fixed::Vec2;
use super::mode::{self, Mode};
use super::pickup::{self, Pickup};
use super::pulse::{self, Pulse};
use super::rng::Rng;
use super::{collision, movement, platform, push, scoring};
use crate::tick::Tick;

/// Marks a partial world: views of a crowd do not carry the random numbers.
const UNKNOWN_RNG: Rng = Rng(0);

/// The state of a round. Equal worlds have equal futures under equal commands.
///
/// ```
/// # use shared::sim::{Command, Mode, Slot, World};
/// let mut world = World::new(Mode::Duel, 7, 600);
/// let mut copy = world.clone();
/// for world in [&mut world, &mut copy] {
///     world.step(&[Command::Join { slot: Slot(0), team: 0 }]);
/// }
/// assert_eq!(world.checksum(), copy.checksum());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The rules.
    pub mode: Mode,
    /// The tick that the next step simulates.
    pub tick: Tick,
    /// The tick at which the round began: zero, except in tests near the wrap.
    pub began: Tick,
    /// Length of the round, in ticks.
    pub round_ticks: u32,
    /// The random numbers to come.
    pub rng: Rng,
    /// The discs, by slot.
    pub discs: Vec<Disc>,
    /// The pulses in the air, the oldest first.
    pub pulses: Vec<Pulse>,
    /// The pickups on the ice, the oldest first.
    pub pickups: Vec<Pickup>,
    /// Points of the two teams. They stay when a player leaves.
    pub team_points: [i16; 2],
    /// The last seat that had more points than any other. `None` before there was one.
    pub leader: Option<Slot>,
}

impl World {
    /// A world without discs at the beginning of a round.
    #[must_use]
    pub fn new(mode: Mode, seed: u64, round_ticks: u32) -> Self {
        Self {
            mode,
            tick: Tick(0),
            began: Tick(0),
            round_ticks,
            rng: Rng(seed),
            discs: Vec::new(),
            pulses: Vec::new(),
            pickups: Vec::new(),
            team_points: [0; 2],
            leader: None,
        }
    }

    /// Ticks since the round began.
    #[must_use]
    pub fn elapsed(&self) -> u32 {
        self.tick.since(self.began).max(0).unsigned_abs()
    }

    /// Ticks until the round ends.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.round_ticks.saturating_sub(self.elapsed())
    }

    /// Whether the round is over. Then no step changes the world.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.remaining() == 0
    }

    /// Whether the countdown still runs: no disc can move.
    #[must_use]
    pub fn is_counting_down(&self) -> bool {
        mode::is_counting_down(self.elapsed(), self.round_ticks)
    }

    /// Radius of the ice now, in sub-units.
    #[must_use]
    pub fn platform_radius(&self) -> i32 {
        platform::radius(self.mode, self.elapsed(), self.round_ticks)
    }

    /// The disc of a seat. `None` when the seat is empty.
    #[must_use]
    pub fn disc(&self, slot: Slot) -> Option<&Disc> {
        self.index_of(slot).ok().map(|index| &self.discs[index])
    }

    fn index_of(&self, slot: Slot) -> Result<usize, usize> {
        self.discs.binary_search_by_key(&slot, |disc| disc.slot)
    }

    /// Whether this is the part of a crowd that one client knows: without distant discs and the random numbers. Its steps
    /// leave out what depends on these.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.mode.is_crowd() && self.rng == UNKNOWN_RNG
    }

    /// The 32-bit checksum that travels. It covers every field, see [`super::checksum`].
    #[must_use]
    pub fn checksum(&self) -> u32 {
        super::checksum::of(self)
    }

    /// Simulates one tick and returns its events. The only function that changes a world.
    pub fn step(&mut self, commands: &[Command]) -> Vec<Event> {
        let mut events = Vec::new();
        if self.is_over() {
            return events;
        }
        // Changes of seats go before inputs, whatever their order: that is the order on the wire.
        let seats = |command: &&Command| !matches!(command, Command::Input { .. });
        commands.iter().filter(seats).for_each(|command| self.apply(*command));
        commands.iter().filter(|command| !seats(command)).for_each(|command| self.apply(*command));
        let radius = self.platform_radius();
        self.count_down(radius, &mut events);
        if !self.is_counting_down() {
            self.take_actions(&mut events);
            let standing = self.discs.iter_mut().filter(|disc| disc.is_standing());
            standing.for_each(movement::advance);
        }
        let teams = self.mode.has_teams();
        pulse::fly(&mut self.pulses, &mut self.discs, self.mode, &mut events);
        if self.mode.is_crowd() {
            collision::resolve_crowd(&mut self.discs, teams, &mut events);
        } else {
            collision::resolve(&mut self.discs, teams, &mut events);
        }
        pickup::collect(&mut self.pickups, &mut self.discs, radius, &mut events);
        scoring::resolve_falls(&mut self.discs, radius, teams, &mut self.team_points, &mut events);
        self.update_leader(&mut events);
        self.advance_time(radius, &mut events);
        events
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Join { slot, team } => {
                if let Err(index) = self.index_of(slot)
                    && usize::from(slot.0) < self.mode.seats()
                {
                    self.discs.insert(index, Disc::entering(slot, team & 1));
                }
            }
            Command::Leave { slot } => self.discs.retain(|disc| disc.slot != slot),
            Command::Input { slot, input } => {
                if let Ok(index) = self.index_of(slot) {
                    self.discs[index].input = input;
                }
            }
        }
    }

    fn count_down(&mut self, radius: i32, events: &mut Vec<Event>) {
        let is_partial = self.is_partial();
        for index in 0..self.discs.len() {
            let disc = &mut self.discs[index];
            disc.count_down();
            let Stance::Out { ticks_left } = disc.stance else { continue };
            if ticks_left > 1 || is_partial {
                disc.stance = Stance::Out { ticks_left: ticks_left.saturating_sub(1).max(1) };
            } else {
                self.respawn(index, radius, events);
            }
        }
    }

    /// Brings a disc back at the freest of four random positions.
    fn respawn(&mut self, index: usize, radius: i32, events: &mut Vec<Event>) {
        let mut best = (-1, Vec2::ZERO);
        for _ in 0..4 {
            let candidate = pickup::random_position(&mut self.rng, radius, 30, 65);
            let nearest = self.discs.iter().filter(|disc| disc.is_standing());
            let free = nearest.map(|disc| (disc.position - candidate).length_squared()).min();
            let free = free.unwrap_or(i64::MAX);
            if free > best.0 {
                best = (free, candidate);
            }
        }
        let disc = &mut self.discs[index];
        disc.position = best.1;
        disc.velocity = Vec2::ZERO;
        disc.stance = Stance::Standing;
        disc.protection = PROTECTION_TICKS;
        events.push(Event::Respawn { slot: disc.slot });
    }

    fn take_actions(&mut self, events: &mut Vec<Event>) {
        let teams = self.mode.has_teams();
        for index in 0..self.discs.len() {
            let disc = &mut self.discs[index];
            if !disc.is_standing() {
                continue;
            }
            if movement::dash(disc) {
                events.push(Event::Dash { slot: disc.slot });
            }
            if self.pulses.len() < self.mode.pulses_max()
                && let Some(pulse) = pulse::fire(disc, self.tick)
            {
                events.push(Event::PulseFired { id: pulse.id });
                self.pulses.push(pulse);
            }
            push::shove(&mut self.discs, index, teams, events);
        }
    }

    fn update_leader(&mut self, events: &mut Vec<Event>) {
        if !self.is_partial()
            && let Some(slot) = scoring::leader(&self.discs)
            && self.leader != Some(slot)
        {
            self.leader = Some(slot);
            events.push(Event::LeadChange { slot });
        }
    }

    fn advance_time(&mut self, radius: i32, events: &mut Vec<Event>) {
        self.tick = self.tick.next();
        let elapsed = self.elapsed();
        if elapsed.is_multiple_of(self.mode.pickup_every_ticks()) && !self.is_partial() {
            let max = self.mode.pickups_max();
            pickup::spawn(&mut self.pickups, max, radius, &mut self.rng, events);
        }
        if elapsed == platform::shrink_begins(self.round_ticks) {
            events.push(Event::ShrinkBegins);
        }
        if self.is_over() {
            events.push(Event::RoundOver);
        }
    }
}
