//! Behind the menu a small round of bots goes on and on.

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageWriter, Plugin, Res, ResMut, Resource, State, Time,
    Update,
};
use shared::sim::{BotStrength, Command, Mode, Slot, World, bot};
use shared::tick::TICK_RATE_HZ;

use crate::lobby::Screen;
use crate::prediction::Offsets;
use crate::scene::{Phase, Seen, Stage};
use crate::space::Drawn;

/// Bots behind the menu.
const BOTS: u16 = 6;
/// A round takes so many ticks; it does not shrink before it begins again.
const ROUND_TICKS: u32 = 60 * TICK_RATE_HZ;
/// Ticks in one frame at most: after a pause it goes on where it was.
const STEPS_MAX: u32 = 5;

#[derive(Debug, Resource)]
struct Backdrop {
    earlier: World,
    later: World,
    due: f32,
    rounds: u64,
}

/// Fills the stage while nothing else does.
#[derive(Debug)]
pub struct BackdropPlugin;

impl Plugin for BackdropPlugin {
    fn build(&self, app: &mut App) {
        let world = begun(1);
        let backdrop = Backdrop { earlier: world.clone(), later: world, due: 0.0, rounds: 1 };
        app.insert_resource(backdrop).add_systems(Update, play.in_set(Phase::Show));
    }
}

/// A round in which everyone is in motion already.
fn begun(seed: u64) -> World {
    let mut world = World::new(Mode::Practice, seed * 7_919, ROUND_TICKS);
    let joins: Vec<Command> =
        (0..BOTS).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    world.step(&joins);
    (0..5 * TICK_RATE_HZ).for_each(|_| drop(step(&mut world)));
    world
}

fn step(world: &mut World) -> Vec<shared::sim::Event> {
    let commands: Vec<Command> = (0..BOTS)
        .map(|slot| {
            let strength = if slot < 3 { BotStrength::Fierce } else { BotStrength::Keen };
            Command::Input { slot: Slot(slot), input: bot::think(world, Slot(slot), strength) }
        })
        .collect();
    world.step(&commands)
}

fn play(
    screen: Res<State<Screen>>,
    time: Res<Time>,
    mut backdrop: ResMut<Backdrop>,
    mut stage: ResMut<Stage>,
    mut seen: MessageWriter<Seen>,
) {
    match screen.get() {
        Screen::Menu | Screen::Queue => {}
        Screen::Playing | Screen::Replay => return,
    }
    backdrop.due += time.delta_secs() * TICK_RATE_HZ as f32;
    let mut steps = 0;
    while backdrop.due >= 1.0 {
        backdrop.due -= 1.0;
        steps += 1;
        if steps > STEPS_MAX {
            backdrop.due = 0.0;
            break;
        }
        backdrop.earlier = backdrop.later.clone();
        let events = step(&mut backdrop.later);
        seen.write_batch(events.into_iter().map(Seen));
        if backdrop.later.remaining() < ROUND_TICKS / 3 {
            backdrop.rounds += 1;
            backdrop.later = begun(backdrop.rounds);
            backdrop.earlier = backdrop.later.clone();
            stage.change();
        }
    }
    let drawn =
        Drawn::between(&backdrop.earlier, &backdrop.later, backdrop.due, &Offsets::default());
    stage.drawn = Some(drawn);
    stage.seconds = time.delta_secs();
    stage.is_backdrop = true;
}
