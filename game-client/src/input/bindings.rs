//! Which keys do what: up to two for each action, as a resource of its own.
//!
//! On disk it is a map from the action's name to its two keys. Files of older builds hold a list in the order of
//! [`Action::ALL`]; they are still read. What is missing or not understood costs its own action alone.

use std::collections::BTreeMap;

use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::prelude::Resource;
use serde::{Serialize, Serializer};
use serde_json::Value;

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

    /// Binds the first or the second key of an action (`index` 0 or 1). The key loses what it did before: the action that
    /// it is taken from is returned.
    pub fn bind(&mut self, action: Action, index: usize, to: Binding) -> Option<Action> {
        let mut taken_from = None;
        for (other, keys) in &mut self.0 {
            for bound in keys.iter_mut().filter(|bound| **bound == Some(to)) {
                *bound = None;
                taken_from = Some(*other).filter(|other| *other != action);
            }
        }
        if let Some(bound) = self.0.entry(action).or_default().get_mut(index) {
            *bound = Some(to);
        }
        taken_from
    }

    /// Takes the first or the second key of an action away.
    pub fn clear(&mut self, action: Action, index: usize) {
        if let Some(bound) = self.0.entry(action).or_default().get_mut(index) {
            *bound = None;
        }
    }

    /// The first key of an action.
    #[must_use]
    pub fn first(&self, action: Action) -> Option<Binding> {
        self.of(action).into_iter().flatten().next()
    }

    /// Reads what is on disk. An action that is missing, or of which no key is understood, has its default keys; a name
    /// that this build does not know is ignored. Also returns whether everything was understood.
    #[must_use]
    pub fn read(stored: &Value) -> (Self, bool) {
        let mut is_whole = true;
        let of = |place: usize, action: Action| match stored {
            Value::Object(named) => named.get(action.name()),
            Value::Array(listed) => listed.get(place),
            _ => None,
        };
        let mut bindings = Self(BTreeMap::new());
        for (place, action) in Action::ALL.into_iter().enumerate() {
            let keys = match of(place, action) {
                None => action.default_keys(),
                Some(stored) => {
                    let (keys, understood) = read_keys(stored);
                    is_whole &= understood;
                    if understood || keys != Keys::default() { keys } else { action.default_keys() }
                }
            };
            // A key does one thing: the first action keeps it.
            let keys = keys.map(|key| key.filter(|key| !bindings.has(*key)));
            bindings.0.insert(action, keys);
        }
        let is_known = matches!(stored, Value::Object(_) | Value::Array(_));
        let is_short = matches!(stored, Value::Array(listed) if listed.len() > Action::ALL.len());
        (bindings, is_whole && is_known && !is_short)
    }

    fn has(&self, key: Binding) -> bool {
        self.0.values().flatten().any(|bound| *bound == Some(key))
    }
}

/// The first two keys of a list, and whether it had nothing else.
fn read_keys(stored: &Value) -> (Keys, bool) {
    let Value::Array(listed) = stored else { return (Keys::default(), false) };
    let (mut keys, mut understood) = (Keys::default(), listed.len() <= keys_max());
    for (key, stored) in keys.iter_mut().zip(listed) {
        *key = stored.as_str().and_then(Binding::named);
        understood &= key.is_some() || stored.is_null();
    }
    (keys, understood)
}

const fn keys_max() -> usize {
    size_of::<Keys>() / size_of::<Option<Binding>>()
}

impl Serialize for Bindings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(action, keys)| (action.name(), keys)))
    }
}

#[cfg(test)]
mod tests {
    use bevy::input::keyboard::KeyCode;
    use serde_json::{Value, json};

    use super::{Action, Binding, Bindings};

    fn name(bindings: &Bindings, action: Action) -> String {
        bindings.first(action).map(|key| key.name().into_owned()).unwrap_or_default()
    }

    #[test]
    fn a_key_does_one_thing() {
        let mut bindings = Bindings::default();

        let taken_from = bindings.bind(Action::Dash, 0, Binding::Key(KeyCode::KeyW));

        assert_eq!((taken_from, bindings.of(Action::Up)[0]), (Some(Action::Up), None));
        assert_eq!(
            (name(&bindings, Action::Up), name(&bindings, Action::Dash)),
            ("Up".into(), "W".into())
        );
        assert_eq!(bindings.bind(Action::Dash, 1, Binding::Key(KeyCode::KeyW)), None);
        let written = serde_json::to_value(&bindings).expect("it writes");
        assert_eq!(Bindings::read(&written), (bindings, true));
    }

    #[test]
    fn bindings_of_older_and_of_newer_builds_are_read() {
        let listed = json!([
            ["I", "Up"],
            ["K", "Down"],
            ["J", "Left"],
            ["L", "Right"],
            ["Left mouse", null],
            ["Right mouse", null],
            ["Space", null],
            ["Tab", null],
            ["Enter", "T"]
        ]);
        let named = json!({"up":["I","Up"],"somersault":["B",null]});

        let ((old, _), (new, _)) = (Bindings::read(&listed), Bindings::read(&named));

        assert_eq!((name(&old, Action::Up), name(&old, Action::Right)), ("I".into(), "L".into()));
        assert_eq!(old.of(Action::Chat)[1], Some(Binding::Key(KeyCode::KeyT)));
        assert_eq!((name(&new, Action::Up), name(&new, Action::Down)), ("I".into(), "S".into()));
    }

    #[test]
    fn what_is_not_understood_costs_its_own_action_alone() {
        let stored = json!({"up":["Hyper","I"],"down":["Hyper",null],"left":3,"right":["L","O","P"],
            "dash":["I",null],"chat":[null,null]});

        let (bindings, is_whole) = Bindings::read(&stored);

        assert!(!is_whole);
        assert_eq!(bindings.of(Action::Up), [None, Some(Binding::Key(KeyCode::KeyI))]);
        let default = Bindings::default();
        for action in [Action::Down, Action::Left, Action::Pulse] {
            assert_eq!(bindings.of(action), default.of(action), "{action:?}");
        }
        assert_eq!(name(&bindings, Action::Right), "L");
        assert_eq!(bindings.of(Action::Dash), [None, None], "the first action keeps a key");
        assert_eq!(bindings.of(Action::Chat), [None, None], "an action without keys is a choice");
        for broken in [Value::Null, json!(7), json!([]), json!("keys")] {
            assert_eq!(Bindings::read(&broken).0, default, "{broken}");
        }
    }
}
