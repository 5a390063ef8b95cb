//! The settings file: one JSON file in the user's configuration folder for each `--profile`.
//!
//! A file that cannot be read is renamed, never overwritten. Writes are debounced: a slider that is dragged does not write
//! sixty times a second.

use std::fs;
use std::io::{self, Write as _};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bevy::prelude::{
    App, AppExit, Last, MessageReader, Plugin, Res, ResMut, Resource, Time, Update, warn,
};
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::input::bindings::Bindings;

/// Seconds without a change before the file is written.
const WRITE_AFTER_SECONDS: f32 = 0.7;

/// Everything in the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Profile {
    /// The choices and what the client remembers.
    #[serde(flatten)]
    pub settings: Settings,
    /// The keys.
    pub bindings: Bindings,
}

/// The part of the file that is not in [`Settings`].
#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredBindings {
    bindings: Bindings,
}

impl Profile {
    /// Reads a file. Without a file: the defaults. A file that cannot be parsed is renamed to `….damaged`.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let Ok(text) = fs::read_to_string(path) else { return Self::default() };
        match Self::parse(&text) {
            Ok(profile) => profile,
            Err(error) => {
                warn!("the settings in {} cannot be read: {error}", path.display());
                let aside = path.with_extension("json.damaged");
                if let Err(error) = fs::rename(path, &aside) {
                    warn!("the damaged settings cannot be renamed: {error}");
                }
                Self::default()
            }
        }
    }

    fn parse(text: &str) -> serde_json::Result<Self> {
        let StoredBindings { bindings } = serde_json::from_str(text)?;
        Ok(Self { settings: serde_json::from_str(text)?, bindings })
    }

    fn store(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_vec_pretty(self)?;
        // A new file first: after a crash there is the old one or the new one.
        let fresh = path.with_extension("json.new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // Only the user may read it: it holds the tokens.
        #[cfg(unix)]
        options.mode(0o600);
        options.open(&fresh)?.write_all(&text)?;
        fs::rename(&fresh, path)
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

/// The file and what it holds.
#[derive(Debug, Clone, Default, Resource)]
struct SettingsFile {
    /// `None`: the settings are not written.
    path: Option<PathBuf>,
    stored: Profile,
    unsaved_for_seconds: f32,
}

impl SettingsFile {
    fn is_stored(&self, settings: &Settings, bindings: &Bindings) -> bool {
        self.stored.settings == *settings && self.stored.bindings == *bindings
    }

    fn store(&mut self, settings: &Settings, bindings: &Bindings) {
        self.stored = Profile { settings: settings.clone(), bindings: bindings.clone() };
        if let Some(path) = &self.path
            && let Err(error) = self.stored.store(path)
        {
            warn!("the settings cannot be written to {}: {error}", path.display());
        }
    }
}

/// Inserts the settings and the key bindings, and keeps the file in step with them.
#[derive(Debug)]
pub struct SettingsPlugin {
    /// The settings and bindings at the start.
    pub profile: Profile,
    /// The file. `None`: nothing is written.
    pub path: Option<PathBuf>,
}

impl Plugin for SettingsPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(self.profile.settings.clone())
            .insert_resource(self.profile.bindings.clone())
            .insert_resource(SettingsFile {
                path: self.path.clone(),
                stored: self.profile.clone(),
                unsaved_for_seconds: 0.0,
            })
            .add_systems(Update, write_when_idle)
            .add_systems(Last, write_on_exit);
    }
}

fn write_when_idle(
    settings: Res<Settings>,
    bindings: Res<Bindings>,
    mut file: ResMut<SettingsFile>,
    time: Res<Time>,
) {
    if file.is_stored(&settings, &bindings) {
        file.unsaved_for_seconds = 0.0;
        return;
    }
    file.unsaved_for_seconds += time.delta_secs();
    if file.unsaved_for_seconds >= WRITE_AFTER_SECONDS {
        file.store(&settings, &bindings);
    }
}

fn write_on_exit(
    exit: MessageReader<AppExit>,
    settings: Res<Settings>,
    bindings: Res<Bindings>,
    mut file: ResMut<SettingsFile>,
) {
    if !exit.is_empty() && !file.is_stored(&settings, &bindings) {
        file.store(&settings, &bindings);
    }
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

        let written = serde_json::to_string(&profile).expect("it writes");

        assert_eq!(Profile::parse(&written).expect("it reads"), profile);
    }

    #[test]
    fn files_of_older_builds_are_read() {
        let old = r#"{"name":"Ada","former":[{"server":"http://h","name":"Bea","token":"t"}],
            "bindings":[["I","Up"],["S","Down"],["A","Left"],["D","Right"],["Left mouse","J"],
            ["Right mouse","K"],["Space",null],["Tab",null],["Enter",null]]}"#;

        let profile = Profile::parse(old).expect("it reads");

        assert_eq!(profile.settings.name, "Ada");
        assert_eq!(profile.settings.previous_identities.as_slice()[0].name, "Bea");
        assert_eq!(profile.bindings.label(Action::Up), "I");
        assert_eq!(Profile::parse("{}").expect("it reads"), Profile::default());
    }
}
