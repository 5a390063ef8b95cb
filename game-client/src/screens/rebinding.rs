//! Binding a key: a panel over everything that waits for one press. A click anywhere else binds nothing.

use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::prelude::{Res, ResMut, Resource};
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    Align2, Context, CornerRadius, Id, Modal, Rect, Sense, Stroke, StrokeKind, vec2,
};

use crate::input::binding::{Binding, Press};
use crate::input::bindings::{Action, Bindings};
use crate::input::key_names::KeyNames;
use crate::ui::{theme, widgets};

/// The key that is being bound.
#[derive(Debug, Clone, Default, Resource)]
pub struct Rebinding {
    waiting: Option<Waiting>,
    /// What the last binding has taken from another action, for the settings to tell.
    pub(super) taken: Option<String>,
}

#[derive(Debug, Clone)]
struct Waiting {
    action: Action,
    /// The first or the second key of the action.
    index: usize,
    /// Why the last press was refused.
    refused: Option<&'static str>,
    /// The press that began all this is still under way.
    is_new: bool,
}

impl Rebinding {
    /// Waits for the first or the second key (`index` 0 or 1) of an action.
    pub(super) fn begin(&mut self, action: Action, index: usize) {
        self.waiting = Some(Waiting { action, index, refused: None, is_new: true });
        self.taken = None;
    }

    /// Whether a key is being bound: then no key and no click means anything else.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }
}

/// What a frame's presses mean for the key that is being bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Wait,
    Cancel,
    Bind(Binding),
    Refuse(&'static str),
}

/// A mouse button is bound when it is pressed over the field for it (`over_field`), and cancels outside the panel.
fn decide(
    keys: &ButtonInput<KeyCode>,
    mouse: &ButtonInput<MouseButton>,
    over_field: bool,
    over_panel: bool,
) -> Decision {
    if keys.just_pressed(KeyCode::Escape) {
        return Decision::Cancel;
    }
    match Binding::newly_pressed(keys, mouse) {
        None => Decision::Wait,
        Some(Press::Refused(why)) => Decision::Refuse(why),
        Some(Press::Bindable(Binding::Mouse(_))) if !over_panel => Decision::Cancel,
        Some(Press::Bindable(Binding::Mouse(_))) if !over_field => Decision::Wait,
        Some(Press::Bindable(binding)) => Decision::Bind(binding),
    }
}

/// Draws the panel and takes the press. It runs after the settings are drawn, so Escape closes this panel alone.
pub(super) fn show(
    mut contexts: EguiContexts<'_, '_>,
    keys: Res<ButtonInput<KeyCode>>,
    mouse: Res<ButtonInput<MouseButton>>,
    names: Res<KeyNames>,
    mut rebinding: ResMut<Rebinding>,
    mut bindings: ResMut<Bindings>,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    let Rebinding { waiting, taken } = &mut *rebinding;
    let Some(now) = waiting.as_mut() else { return Ok(()) };
    let panel = panel(context, now);
    if core::mem::take(&mut now.is_new) {
        return Ok(());
    }
    let pointer = context.input(|input| input.pointer.latest_pos());
    let over = |rect: Rect| pointer.is_some_and(|pointer| rect.contains(pointer));
    let decision = decide(&keys, &mouse, over(panel.field), over(panel.whole));
    match decision {
        Decision::Wait if panel.cancelled => *waiting = None,
        Decision::Wait if panel.cleared => {
            bindings.clear(now.action, now.index);
            *waiting = None;
        }
        Decision::Wait => {}
        Decision::Cancel => *waiting = None,
        Decision::Refuse(why) => now.refused = Some(why),
        Decision::Bind(binding) => {
            let from = bindings.bind(now.action, now.index, binding);
            let key = names.of(binding);
            *taken = from.map(|from| {
                format!("{key} does {} now, and no longer {}.", now.action.title(), from.title())
            });
            *waiting = None;
        }
    }
    Ok(())
}

struct Drawn {
    /// The field over which a mouse button is bound.
    field: Rect,
    whole: Rect,
    cancelled: bool,
    cleared: bool,
}

fn panel(context: &Context, waiting: &Waiting) -> Drawn {
    let width = 320.0_f32.min(context.content_rect().width() - 64.0).max(160.0);
    let shown = Modal::new(Id::new("rebinding")).frame(theme::panel()).show(context, |ui| {
        ui.set_width(width);
        ui.label(theme::heading(format!("A key for {}", waiting.action.title()), 20.0));
        ui.label(theme::muted("Press a key. Escape changes nothing."));
        ui.add_space(4.0);
        let (field, response) = ui.allocate_exact_size(vec2(width, 56.0), Sense::hover());
        let edge = Stroke::new(1.5, if response.hovered() { theme::WARM } else { theme::LINE });
        let radius = CornerRadius::same(theme::RADIUS_SMALL);
        ui.painter().rect(field, radius, theme::FIELD, edge, StrokeKind::Inside);
        let text = "For a mouse button, click here with it";
        let font = theme::font(14.0);
        ui.painter().text(field.center(), Align2::CENTER_CENTER, text, font, theme::TEXT);
        if let Some(why) = waiting.refused {
            ui.label(theme::small(why).color(theme::WARM));
        }
        ui.add_space(4.0);
        let half = vec2((width - 8.0) / 2.0, 36.0);
        ui.horizontal(|ui| {
            let cleared = widgets::secondary_sized(ui, "No key", half).clicked();
            let cancelled = widgets::secondary_sized(ui, "Cancel", half).clicked();
            (field, cleared, cancelled)
        })
        .inner
    });
    let (field, cleared, cancelled) = shown.inner;
    Drawn { field, whole: shown.response.rect, cancelled, cleared }
}

#[cfg(test)]
mod tests {
    use bevy::input::ButtonInput;
    use bevy::input::keyboard::KeyCode;
    use bevy::input::mouse::MouseButton;

    use super::{Binding, Decision, decide};

    fn key(key: KeyCode) -> Decision {
        let mut keys = ButtonInput::default();
        keys.press(key);
        decide(&keys, &ButtonInput::default(), false, false)
    }

    fn click(over_field: bool, over_panel: bool) -> Decision {
        let mut mouse = ButtonInput::default();
        mouse.press(MouseButton::Left);
        decide(&ButtonInput::default(), &mouse, over_field, over_panel)
    }

    #[test]
    fn a_click_binds_over_its_field_alone() {
        assert_eq!(click(true, true), Decision::Bind(Binding::Mouse(MouseButton::Left)));
        assert_eq!(click(false, true), Decision::Wait);
        // On the cell that waits, on Back, on the scroll bar.
        assert_eq!(click(false, false), Decision::Cancel);
    }

    #[test]
    fn keys_are_bound_refused_with_a_reason_or_cancel() {
        assert_eq!(key(KeyCode::CapsLock), Decision::Bind(Binding::Key(KeyCode::CapsLock)));
        assert_eq!(key(KeyCode::Escape), Decision::Cancel);
        assert!(matches!(key(KeyCode::F3), Decision::Refuse(_)));
    }
}
