//! A world and its commands as plain structs for a serialisation library.

use bitcode::{Decode, Encode};
use serde::{Deserialize, Serialize};
use shared::sim::{Command, Disc, Input, Stance, World};

/// Everything that a snapshot of a world has to contain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Encode, Decode)]
pub(super) struct State {
    tick: u32,
    rng: u64,
    discs: Vec<Body>,
    pulses: Vec<Shot>,
    pickups: Vec<(u8, i32, i32)>,
    team_points: [i16; 2],
    leader: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Encode, Decode)]
struct Body {
    slot: u16,
    team: u8,
    position: (i32, i32),
    velocity: (i32, i32),
    held: Held,
    /// Ticks until the respawn; `None` for a disc on the platform.
    out: Option<u16>,
    strain: u16,
    /// Of pulse, shove and dash.
    cooldowns: [u16; 3],
    /// Protection, Heavy and Overcharge.
    effects: [u16; 3],
    last_push: Option<(u16, u8, u16)>,
    points: i16,
    knockouts: u16,
    falls: u16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Encode, Decode)]
struct Shot {
    owner: u16,
    fired_at: u32,
    position: (i32, i32),
    velocity: (i32, i32),
    ticks_left: u16,
    overcharged: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Encode, Decode)]
struct Held {
    thrust: u8,
    aim: u16,
    buttons: u8,
}

/// The commands of a snapshot's ticks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Encode, Decode)]
pub(super) struct TickCommands(Vec<Vec<PlainCommand>>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Encode, Decode)]
enum PlainCommand {
    Join(u16, u8),
    Leave(u16),
    Hold(u16, Held),
}

impl State {
    pub(super) fn of(world: &World) -> Self {
        Self {
            tick: world.tick.0,
            rng: world.rng.0,
            discs: world.discs.iter().map(Body::of).collect(),
            pulses: world
                .pulses
                .iter()
                .map(|pulse| Shot {
                    owner: pulse.id.slot.0,
                    fired_at: pulse.id.tick.0,
                    position: (pulse.position.x, pulse.position.y),
                    velocity: (pulse.velocity.x, pulse.velocity.y),
                    ticks_left: pulse.ticks_left,
                    overcharged: pulse.overcharged,
                })
                .collect(),
            pickups: world
                .pickups
                .iter()
                .map(|pickup| (pickup.kind as u8, pickup.position.x, pickup.position.y))
                .collect(),
            team_points: world.team_points,
            leader: world.leader.map(|slot| slot.0),
        }
    }
}

impl Body {
    fn of(disc: &Disc) -> Self {
        Self {
            slot: disc.slot.0,
            team: disc.team,
            position: (disc.position.x, disc.position.y),
            velocity: (disc.velocity.x, disc.velocity.y),
            held: Held::of(disc.input),
            out: match disc.stance {
                Stance::Standing => None,
                Stance::Out { ticks_left } => Some(ticks_left),
            },
            strain: disc.strain,
            cooldowns: [disc.pulse_cooldown, disc.shove_cooldown, disc.dash_cooldown],
            effects: [disc.protection, disc.heavy, disc.overcharge],
            last_push: disc.last_push.map(|push| (push.by.0, push.kind as u8, push.ticks_left)),
            points: disc.points,
            knockouts: disc.knockouts,
            falls: disc.falls,
        }
    }
}

impl Held {
    fn of(input: Input) -> Self {
        Self { thrust: input.thrust.code(), aim: input.aim.steps(), buttons: input.buttons.code() }
    }
}

impl TickCommands {
    pub(super) fn of(ticks: &[Vec<Command>]) -> Self {
        let turn = |command: &Command| match command {
            Command::Join { slot, team } => PlainCommand::Join(slot.0, *team),
            Command::Leave { slot } => PlainCommand::Leave(slot.0),
            Command::Input { slot, input } => PlainCommand::Hold(slot.0, Held::of(*input)),
        };
        Self(ticks.iter().map(|commands| commands.iter().map(turn).collect()).collect())
    }
}
