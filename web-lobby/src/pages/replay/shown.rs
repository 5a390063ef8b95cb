//! What the parts of the replay page show, as signals.

use leptos::prelude::*;
use presentation::recording_player::PlaybackState;
use shared::sim::Slot;

use crate::api::stream::Progress;
use crate::components::match_canvas::Hud;
use crate::components::timeline::{Line, NamedMarker};

/// The state of the recording and of its player.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    pub(crate) line: RwSignal<Line>,
    pub(crate) state: RwSignal<PlaybackState>,
    pub(crate) speed: RwSignal<usize>,
    pub(crate) progress: RwSignal<Progress>,
    pub(crate) markers: RwSignal<Vec<NamedMarker>>,
    pub(crate) hud: RwSignal<Hud>,
    pub(crate) follow: RwSignal<Option<Slot>>,
}
