//! Which keys do what: up to two for each action, as a resource of its own.
//!
//! On disk it is a map from the action's name to its two keys. Files of older builds hold a list in the order of
//! [`Action::ALL`]; they are still read.

use std::collections::BTreeMap;

use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::prelude::Resource;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::binding::Binding;

/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Thrust up.
    Up,
    /// Thrust down.
    Down,
    /// Thrust left.
    Left,
    /// Thrust right.
    Right,
    /// Fire a pulse.
    Pulse,
    /// Shove the discs in front.
    Shove,
    /// Dash along the thrust.
    Dash,
    /// Show the scoreboard while held.
    Scoreboard,
    /// Open the chat.
    Chat,
}

impl Action {
    /// All actions, in the order in which the settings show them.
    pub const ALL: [Self; 9] = [
        Self::Up,
        Self::Down,
        Self::Left,
        Self::Right,
        Self::Pulse,
        Self::Shove,
        Self::Dash,
        Self::Scoreboard,
        Self::Chat,
    ];

    /// The name to show.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Up => "Up",
            Self::Down => "Down",
            Self::Left => "Left",
            Self::Right => "Right",
            Self::Pulse => "Pulse",
            Self::Shove => "Shove",
            Self::Dash => "Dash",
            Self::Scoreboard => "Scoreboard",
            Self::Chat => "Chat",
        }
    }

    /// The name in the settings file.
    const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "left",
            Self::Right => "right",
            Self::Pulse => "pulse",
            Self::Shove => "shove",
            Self::Dash => "dash",
            Self::Scoreboard => "scoreboard",
            Self::Chat => "chat",
        }
    }

    /// The two keys of a fresh installation.
    const fn default_keys(self) -> Keys {
        use Binding::{Key, Mouse};
        match self {
            Self::Up => [Some(Key(KeyCode::KeyW)), Some(Key(KeyCode::ArrowUp))],
            Self::Down => [Some(Key(KeyCode::KeyS)), Some(Key(KeyCode::ArrowDown))],
            Self::Left => [Some(Key(KeyCode::KeyA)), Some(Key(KeyCode::ArrowLeft))],
            Self::Right => [Some(Key(KeyCode::KeyD)), Some(Key(KeyCode::ArrowRight))],
            Self::Pulse => [Some(Mouse(MouseButton::Left)), Some(Key(KeyCode::KeyJ))],
            Self::Shove => [Some(Mouse(MouseButton::Right)), Some(Key(KeyCode::KeyK))],
            Self::Dash => [Some(Key(KeyCode::Space)), None],
            Self::Scoreboard => [Some(Key(KeyCode::Tab)), None],
            Self::Chat => [Some(Key(KeyCode::Enter)), None],
        }
    }
}

/// The first and the second key of an action.
type Keys = [Option<Binding>; 2];

/// Up to two keys for each action. It holds every action.
#[derive(Debug, Clone, PartialEq, Eq, Resource)]
pub struct Bindings(BTreeMap<Action, Keys>);

impl Default for Bindings {
    fn default() -> Self {
        Self(Action::ALL.into_iter().map(|action| (action, action.default_keys())).collect())
    }
}

impl Bindings {
    /// The two keys of an action.
    #[must_use]
    pub fn of(&self, action: Action) -> [Option<Binding>; 2] {
        self.0.get(&action).copied().unwrap_or_default()
    }

    /// Binds the first or the second key of an action (`index` 0 or 1). The key loses what it did before.
    pub fn bind(&mut self, action: Action, index: usize, to: Binding) {
        for bound in self.0.values_mut().flatten() {
            if *bound == Some(to) {
                *bound = None;
            }
        }
        if let Some(bound) = self.0.entry(action).or_default().get_mut(index) {
            *bound = Some(to);
        }
    }

    /// The name of the first key of an action.
    #[must_use]
    pub fn label(&self, action: Action) -> &'static str {
        self.of(action).into_iter().flatten().next().map_or("–", Binding::name)
    }
}

impl Serialize for Bindings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(action, keys)| (action.name(), keys)))
    }
}

/// The two forms in which bindings are on disk.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    ByName(BTreeMap<String, Keys>),
    /// In the order of [`Action::ALL`], as older builds wrote it.
    InOrder(Vec<Keys>),
}

impl<'de> Deserialize<'de> for Bindings {
    /// An action that the file does not name keeps its default keys. A name that this build does not know is ignored.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bindings = Self::default();
        match Stored::deserialize(deserializer)? {
            Stored::ByName(named) => {
                let keys_of = |action: Action| Some((action, *named.get(action.name())?));
                bindings.0.extend(Action::ALL.into_iter().filter_map(keys_of));
            }
            Stored::InOrder(listed) => bindings.0.extend(Action::ALL.into_iter().zip(listed)),
        }
        Ok(bindings)
    }
}

#[cfg(test)]
mod tests {
    use bevy::input::keyboard::KeyCode;

    use super::{Action, Binding, Bindings};

    #[test]
    fn a_key_does_one_thing() {
        let mut bindings = Bindings::default();

        bindings.bind(Action::Dash, 0, Binding::Key(KeyCode::KeyW));

        assert_eq!(bindings.of(Action::Up)[0], None);
        assert_eq!(bindings.label(Action::Up), "Up");
        assert_eq!(bindings.label(Action::Dash), "W");
        let written = serde_json::to_string(&bindings).expect("it writes");
        assert_eq!(serde_json::from_str::<Bindings>(&written).expect("it reads"), bindings);
    }

    #[test]
    fn bindings_of_older_and_of_newer_builds_are_read() {
        let listed = r#"[["I","Up"],["K","Down"],["J","Left"],["L","Right"],["Left mouse",null],
            ["Right mouse",null],["Space",null],["Tab",null],["Enter","T"]]"#;
        let named = r#"{"up":["I","Up"],"somersault":["B",null]}"#;

        let old: Bindings = serde_json::from_str(listed).expect("it reads");
        let new: Bindings = serde_json::from_str(named).expect("it reads");

        assert_eq!((old.label(Action::Up), old.label(Action::Right)), ("I", "L"));
        assert_eq!(old.of(Action::Chat)[1], Some(Binding::Key(KeyCode::KeyT)));
        assert_eq!((new.label(Action::Up), new.label(Action::Down)), ("I", "S"));
    }
}
