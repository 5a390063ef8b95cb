//! A profile: the choices, the keys, and who the player is; and how it is divided over its files.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::Settings;
use super::lenient::Object;
use crate::input::bindings::Bindings;

/// The version of the files. It is raised when a field changes its meaning; a new field needs no new version.
pub(super) const VERSION: u64 = 2;
/// The fields of the identity's file. The others are choices.
const IDENTITY: [&str; 6] = ["name", "known_names", "server", "tokens", "former", "last_seat"];
/// The scales of text and panels that can be read. Others count as the nearest.
const SCALES: core::ops::RangeInclusive<f32> = 0.75..=1.75;
/// The longest list of players whose chat is not shown.
const IGNORED_MAX: usize = 1_000;

/// Everything that is stored.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Profile {
    /// The choices and what the client remembers.
    #[serde(flatten)]
    pub settings: Settings,
    /// The keys.
    pub bindings: Bindings,
}

/// A profile as it is in its two files.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Stored {
    pub(super) settings: Object,
    pub(super) identity: Object,
}

impl Stored {
    /// Takes the fields of the identity out of an object.
    pub(super) fn split_identity(object: &mut Object) -> Object {
        IDENTITY.iter().filter_map(|name| object.remove_entry(*name)).collect()
    }
}

impl Profile {
    /// What is stored of this profile.
    pub(super) fn to_stored(&self) -> Stored {
        let Ok(Value::Object(mut settings)) = serde_json::to_value(self) else {
            return Stored::default();
        };
        // A server that is only visited does not become the one of the next start.
        if let Some(home) = &self.settings.home_server {
            settings.insert("server".to_owned(), home.as_str().into());
        }
        let mut identity = Stored::split_identity(&mut settings);
        for object in [&mut settings, &mut identity] {
            object.insert("version".to_owned(), VERSION.into());
        }
        Stored { settings, identity }
    }

    /// The profile that is stored. Its fields are readable; an absent one has its default.
    pub(super) fn from_stored(stored: &Stored) -> Self {
        let mut all = stored.settings.clone();
        all.extend(stored.identity.clone());
        let bindings = all.get("bindings").map(|keys| Bindings::read(keys).0).unwrap_or_default();
        let mut settings: Settings = serde_json::from_value(all.into()).unwrap_or_default();
        let scale = settings.ui_scale;
        settings.ui_scale =
            if scale.is_finite() { scale.clamp(*SCALES.start(), *SCALES.end()) } else { 1.0 };
        settings.ignored.truncate(IGNORED_MAX);
        settings.previous_identities.limit();
        for volume in settings.volumes.all_mut() {
            *volume = if volume.is_finite() { volume.clamp(0.0, 1.0) } else { 1.0 };
        }
        Self { settings, bindings }
    }
}

/// The file of a profile: in `PUSHBACK_CONFIG_DIR`, or else in the user's configuration folder.
#[must_use]
pub fn path_of(profile: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PUSHBACK_CONFIG_DIR")
        .map(PathBuf::from)
        .or_else(|| Some(dirs::config_dir()?.join("pushback")))?;
    let safe = profile.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let safe: String = safe.collect();
    let name = if safe.is_empty() { "default".to_owned() } else { safe };
    Some(folder.join(format!("{name}.json")))
}

#[cfg(test)]
mod tests {
    use bevy::input::keyboard::KeyCode;

    use super::{Profile, Settings};
    use crate::input::binding::Binding;
    use crate::input::bindings::Action;

    #[test]
    fn a_profile_reads_back() {
        let settings = Settings { name: "Ada".to_owned(), ui_scale: 1.25, ..Settings::default() };
        let mut profile = Profile { settings, ..Profile::default() };
        profile.settings.tokens.insert("http://h".to_owned(), "secret".to_owned());
        profile.bindings.bind(Action::Dash, 0, Binding::Key(KeyCode::KeyB));

        let stored = profile.to_stored();

        assert_eq!(Profile::from_stored(&stored), profile);
        assert!(!stored.settings.contains_key("tokens") && !stored.identity.contains_key("shake"));
    }

    #[test]
    fn a_server_that_is_only_visited_is_not_stored() {
        let mut profile = Profile::default();
        let home = profile.settings.server.clone();

        profile.settings.visit("https://elsewhere.example");

        assert_eq!(profile.settings.server, "https://elsewhere.example");
        assert_eq!(Profile::from_stored(&profile.to_stored()).settings.server, home);
    }
}
