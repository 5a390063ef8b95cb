//! The contract between the parts of a frame: the order of the work, what is rendered, and the events of the round.
//!
//! One part fills the [`RenderState`] (a room, a recording or the menu's backdrop); scene, panels and sound read it. They
//! meet here and nowhere else, so none of them has to know another.

use bevy::prelude::{App, IntoScheduleConfigs as _, Message, Plugin, Resource, SystemSet, Update};
use shared::sim::{Event, Slot};
use shared::snapshot::Roster;

use crate::world_to_scene::SceneWorld;

/// The order of a frame's work in `Update`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub enum Phase {
    /// Events of the network and intents of the person are applied.
    Receive,
    /// Time passes: inputs are read and sent, and the world is predicted.
    Simulate,
    /// The [`RenderState`] is filled.
    Present,
    /// Shapes, labels and sounds are made from the [`RenderState`].
    Draw,
}

/// What this frame shows.
#[derive(Debug, Clone, Resource, Default)]
pub struct RenderState {
    /// The world between two ticks. `None` shows an empty void.
    pub scene: Option<SceneWorld>,
    /// The players and bots by slot.
    pub roster: Roster,
    /// The slot of the local player. `None` for a spectator, a recording and the backdrop.
    pub own: Option<Slot>,
    /// The slot that the camera follows. `None` shows the whole platform.
    pub followed: Option<Slot>,
    /// Seconds of the round that passed since the last frame. In a recording they depend on its speed.
    pub seconds: f32,
    /// Part of the window's height that panels cover at the bottom, from 0 to 1. The camera centres the picture above it.
    pub covered: f32,
    /// Whether this is the backdrop of the menu: no names, a swaying camera, quiet effects.
    pub is_backdrop: bool,
    /// Changes when another world is shown. Visual state of the world before is dropped then.
    pub generation: u32,
}

impl RenderState {
    /// Empties the state for another world.
    pub fn reset(&mut self) {
        *self = Self { generation: self.generation.wrapping_add(1), ..Self::default() };
    }
}

/// An event that is shown and heard in this frame. It may still be a prediction.
#[derive(Debug, Clone, Copy, Message)]
pub struct PresentedEvent(pub Event);

/// An event that the server has confirmed: for the kill feed and for "who pushed you".
#[derive(Debug, Clone, Copy, Message)]
pub struct ConfirmedEvent(pub Event);

/// Orders the phases and registers the contract, with a window and without one.
#[derive(Debug)]
pub struct FramePlugin;

impl Plugin for FramePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<RenderState>()
            .add_message::<PresentedEvent>()
            .add_message::<ConfirmedEvent>()
            .configure_sets(
                Update,
                (Phase::Receive, Phase::Simulate, Phase::Present, Phase::Draw).chain(),
            );
    }
}
