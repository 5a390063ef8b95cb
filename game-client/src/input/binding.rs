//! The keys and mouse buttons that can be bound, and their names.

use core::fmt;

use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A key or a mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// A key, by its position on the keyboard.
    Key(KeyCode),
    /// A mouse button.
    Mouse(MouseButton),
}

/// Everything that can be bound, with the name that is shown and stored. Escape and the function keys are the client's.
const NAMES: &[(Binding, &str)] = {
    use Binding::{Key, Mouse};
    &[
        (Mouse(MouseButton::Left), "Left mouse"),
        (Mouse(MouseButton::Right), "Right mouse"),
        (Mouse(MouseButton::Middle), "Middle mouse"),
        (Mouse(MouseButton::Back), "Mouse 4"),
        (Mouse(MouseButton::Forward), "Mouse 5"),
        (Key(KeyCode::Space), "Space"),
        (Key(KeyCode::Tab), "Tab"),
        (Key(KeyCode::Enter), "Enter"),
        (Key(KeyCode::Backspace), "Backspace"),
        (Key(KeyCode::ShiftLeft), "Left Shift"),
        (Key(KeyCode::ShiftRight), "Right Shift"),
        (Key(KeyCode::ControlLeft), "Left Ctrl"),
        (Key(KeyCode::ControlRight), "Right Ctrl"),
        (Key(KeyCode::AltLeft), "Left Alt"),
        (Key(KeyCode::AltRight), "Right Alt"),
        (Key(KeyCode::ArrowUp), "Up"),
        (Key(KeyCode::ArrowDown), "Down"),
        (Key(KeyCode::ArrowLeft), "Left"),
        (Key(KeyCode::ArrowRight), "Right"),
        (Key(KeyCode::KeyA), "A"),
        (Key(KeyCode::KeyB), "B"),
        (Key(KeyCode::KeyC), "C"),
        (Key(KeyCode::KeyD), "D"),
        (Key(KeyCode::KeyE), "E"),
        (Key(KeyCode::KeyF), "F"),
        (Key(KeyCode::KeyG), "G"),
        (Key(KeyCode::KeyH), "H"),
        (Key(KeyCode::KeyI), "I"),
        (Key(KeyCode::KeyJ), "J"),
        (Key(KeyCode::KeyK), "K"),
        (Key(KeyCode::KeyL), "L"),
        (Key(KeyCode::KeyM), "M"),
        (Key(KeyCode::KeyN), "N"),
        (Key(KeyCode::KeyO), "O"),
        (Key(KeyCode::KeyP), "P"),
        (Key(KeyCode::KeyQ), "Q"),
        (Key(KeyCode::KeyR), "R"),
        (Key(KeyCode::KeyS), "S"),
        (Key(KeyCode::KeyT), "T"),
        (Key(KeyCode::KeyU), "U"),
        (Key(KeyCode::KeyV), "V"),
        (Key(KeyCode::KeyW), "W"),
        (Key(KeyCode::KeyX), "X"),
        (Key(KeyCode::KeyY), "Y"),
        (Key(KeyCode::KeyZ), "Z"),
        (Key(KeyCode::Digit0), "0"),
        (Key(KeyCode::Digit1), "1"),
        (Key(KeyCode::Digit2), "2"),
        (Key(KeyCode::Digit3), "3"),
        (Key(KeyCode::Digit4), "4"),
        (Key(KeyCode::Digit5), "5"),
        (Key(KeyCode::Digit6), "6"),
        (Key(KeyCode::Digit7), "7"),
        (Key(KeyCode::Digit8), "8"),
        (Key(KeyCode::Digit9), "9"),
        (Key(KeyCode::Comma), ","),
        (Key(KeyCode::Period), "."),
        (Key(KeyCode::Slash), "/"),
        (Key(KeyCode::Semicolon), ";"),
        (Key(KeyCode::Numpad8), "Num 8"),
        (Key(KeyCode::Numpad2), "Num 2"),
        (Key(KeyCode::Numpad4), "Num 4"),
        (Key(KeyCode::Numpad6), "Num 6"),
        (Key(KeyCode::Numpad0), "Num 0"),
    ]
};

impl Binding {
    /// Whether it is held.
    #[must_use]
    pub fn is_pressed(self, keys: &ButtonInput<KeyCode>, mouse: &ButtonInput<MouseButton>) -> bool {
        match self {
            Self::Key(key) => keys.pressed(key),
            Self::Mouse(button) => mouse.pressed(button),
        }
    }

    /// Whether it was pressed since the last frame.
    #[must_use]
    pub fn just_pressed(
        self,
        keys: &ButtonInput<KeyCode>,
        mouse: &ButtonInput<MouseButton>,
    ) -> bool {
        match self {
            Self::Key(key) => keys.just_pressed(key),
            Self::Mouse(button) => mouse.just_pressed(button),
        }
    }

    /// A key or button that was pressed since the last frame and can be bound.
    #[must_use]
    pub fn newly_pressed(
        keys: &ButtonInput<KeyCode>,
        mouse: &ButtonInput<MouseButton>,
    ) -> Option<Self> {
        let mut all = NAMES.iter().map(|(binding, _)| *binding);
        all.find(|binding| binding.just_pressed(keys, mouse))
    }

    /// The name to show.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(binding, _)| *binding == self).map_or("?", |(_, name)| name)
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Binding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Binding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = NAMES.iter().find(|(_, known)| *known == name);
        known.map(|(binding, _)| *binding).ok_or_else(|| de::Error::custom("an unknown key"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Binding, NAMES};

    #[test]
    fn every_binding_reads_back() {
        for (binding, _) in NAMES {
            let written = serde_json::to_string(binding).expect("a name");

            assert_eq!(serde_json::from_str::<Binding>(&written).expect("it reads"), *binding);
        }
    }
}
