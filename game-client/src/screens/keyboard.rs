//! Who gets the keyboard: the round or the panels. The keys of a round never press a button.

use bevy::prelude::{Query, Res, State, With};
use bevy_egui::egui::{Event, Key};
use bevy_egui::{EguiContexts, EguiInput, PrimaryEguiContext};

use super::panels::Overlay;
use super::rebinding::Rebinding;
use crate::lobby::Screen;
use crate::ui::chat::Draft;

/// What the panels are told of the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keyboard {
    /// All of it.
    Panels,
    /// Escape alone.
    EscapeOnly,
    /// Nothing: the keys belong to the round, to the recording, or to the key that is being bound.
    Game,
}

fn owner(screen: Screen, overlay: Overlay, is_writing: bool, is_rebinding: bool) -> Keyboard {
    match screen {
        _ if is_rebinding => Keyboard::Game,
        Screen::Menu => Keyboard::Panels,
        // A person who plays with Space or Enter while waiting is in a round a moment later.
        Screen::Queue => Keyboard::EscapeOnly,
        Screen::Playing if is_writing || overlay != Overlay::None => Keyboard::Panels,
        Screen::Playing | Screen::Replay => Keyboard::Game,
    }
}

/// Takes the keyboard from the panels where it is not theirs, before they see it.
pub(super) fn give(
    mut contexts: EguiContexts<'_, '_>,
    mut inputs: Query<&mut EguiInput, With<PrimaryEguiContext>>,
    screen: Res<State<Screen>>,
    overlay: Res<Overlay>,
    draft: Res<Draft>,
    rebinding: Res<Rebinding>,
) {
    let owner = owner(*screen.get(), *overlay, draft.is_open, rebinding.is_waiting());
    if owner == Keyboard::Panels {
        return;
    }
    for mut input in &mut inputs {
        input.events.retain(|event| match event {
            Event::Key { key: Key::Escape, .. } => owner == Keyboard::EscapeOnly,
            Event::Key { .. } | Event::Text(_) | Event::Ime(_) | Event::Cut | Event::Paste(_) => {
                false
            }
            _ => true,
        });
    }
    // What had the focus before must not get the keys afterwards either.
    let Ok(context) = contexts.ctx_mut() else { return };
    if let Some(focused) = context.memory(|memory| memory.focused()) {
        context.memory_mut(|memory| memory.surrender_focus(focused));
    }
}

#[cfg(test)]
mod tests {
    use super::{Keyboard, Overlay, Screen, owner};

    #[test]
    fn keys_of_the_game_never_reach_a_button() {
        let playing = |overlay, is_writing| owner(Screen::Playing, overlay, is_writing, false);

        // The summary of a round is no overlay: it lies under the keys of the round, too.
        assert_eq!(playing(Overlay::None, false), Keyboard::Game);
        assert_eq!(playing(Overlay::None, true), Keyboard::Panels);
        assert_eq!(playing(Overlay::Pause, false), Keyboard::Panels);
        assert_eq!(owner(Screen::Queue, Overlay::None, false, false), Keyboard::EscapeOnly);
        assert_eq!(owner(Screen::Replay, Overlay::None, false, false), Keyboard::Game);
        assert_eq!(owner(Screen::Menu, Overlay::None, false, true), Keyboard::Game);
    }
}
