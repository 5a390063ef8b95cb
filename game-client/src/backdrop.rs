//! The backdrop of the menu: a small round of bots that never ends.

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageWriter, Plugin, Res, ResMut, Resource, State, Time,
    Update,
};
use shared::sim::{BotStrength, Command, Mode, Slot, World, bot};
use shared::tick::TICK_RATE_HZ;

use crate::frame::{Phase, PresentedEvent, RenderState};
use crate::lobby::Screen;
use crate::pace::Stillness;
use crate::world_to_scene::SceneWorld;

/// The bots of the round.
const BOTS: u16 = 6;
/// The length of the round. It starts again before the platform shrinks.
const ROUND_TICKS: u32 = 60 * TICK_RATE_HZ;
/// The most ticks in one frame. After a longer frame the round continues where it was.
const STEPS_MAX: u32 = 5;

#[derive(Debug, Resource)]
struct Backdrop {
    earlier: World,
    later: World,
    /// Ticks that have passed and are not stepped yet.
    due: f32,
    rounds: u64,
}

/// Fills the render state while the menu is shown.
#[derive(Debug)]
pub struct BackdropPlugin;

impl Plugin for BackdropPlugin {
    fn build(&self, app: &mut App) {
        let world = running_world(1);
        let backdrop = Backdrop { earlier: world.clone(), later: world, due: 0.0, rounds: 1 };
        app.insert_resource(backdrop).add_systems(Update, advance.in_set(Phase::Present));
    }
}

/// A round in which all discs are in motion.
fn running_world(seed: u64) -> World {
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

fn advance(
    screen: Res<State<Screen>>,
    time: Res<Time>,
    stillness: Option<Res<Stillness>>,
    mut backdrop: ResMut<Backdrop>,
    mut render: ResMut<RenderState>,
    mut presented: MessageWriter<PresentedEvent>,
) {
    match screen.get() {
        Screen::Menu | Screen::Queue => {}
        Screen::Playing | Screen::Replay => return,
    }
    // Nobody looks: the picture stays as it is.
    if stillness.is_some_and(|stillness| stillness.0) && render.scene.is_some() {
        (backdrop.due, render.seconds) = (0.0, 0.0);
        return;
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
        presented.write_batch(events.into_iter().map(PresentedEvent));
        if backdrop.later.remaining() < ROUND_TICKS / 3 {
            backdrop.rounds += 1;
            backdrop.later = running_world(backdrop.rounds);
            backdrop.earlier = backdrop.later.clone();
            render.reset();
        }
    }
    let scene = SceneWorld::interpolate(&backdrop.earlier, &backdrop.later, backdrop.due);
    render.scene = Some(scene);
    render.seconds = time.delta_secs();
    render.is_backdrop = true;
}
