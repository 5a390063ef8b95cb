//! Which panels are open: beside the menu, and over a running round.

use bevy::prelude::Resource;

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
