//! Which panels are open: beside the menu, over a running round, and while a key is bound.

use bevy::prelude::Resource;

use crate::input::bindings::Action;

/// The panel beside the menu's buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Resource)]
pub enum Tab {
    /// No panel: the backdrop shows.
    #[default]
    None,
    /// Joining and opening rooms for friends.
    Private,
    /// A round against bots.
    Practice,
    /// The public rooms.
    Watch,
    /// Recorded rounds.
    Replays,
    /// The settings.
    Settings,
}

/// The panel over a running round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Resource)]
pub enum Overlay {
    /// No panel.
    #[default]
    None,
    /// The pause menu.
    Pause,
    /// The settings.
    Settings,
}

/// The key that is being bound: an action, and the first or the second of its two keys. `None` while no key is bound.
#[derive(Debug, Clone, Copy, Default, Resource)]
pub struct Rebinding(pub(super) Option<(Action, usize)>);
