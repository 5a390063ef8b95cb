//! What a person has chosen, and what the client remembers from one start to the next.
//!
//! One JSON file in the user's configuration folder, one for each `--profile`. A file that cannot be read is put aside,
//! never overwritten. Writing is debounced: a slider that is dragged does not write sixty times a second.

mod former;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bevy::prelude::{
    App, AppExit, Last, MessageReader, Plugin, Res, ResMut, Resource, Time, Update, warn,
};
use serde::{Deserialize, Serialize};
use shared::id::RoomId;

pub use former::FormerSelf;

use crate::args::DEFAULT_SERVER;
use crate::input::Bindings;

/// Seconds without a change before the file is written.
const WRITE_AFTER_SECONDS: f32 = 0.7;

/// How the window stands on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowMode {
    /// A window.
    #[default]
    Windowed,
    /// The whole screen without a border.
    Fullscreen,
}

/// How much is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Full, unless the processor draws.
    #[default]
    Auto,
    /// No bloom, fewer sparks: for machines without a graphics card.
    Fast,
    /// Everything.
    Full,
}

/// Which colours tell the players apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaletteChoice {
    /// Eight hues that most eyes keep apart.
    #[default]
    Standard,
    /// Fewer hues, stronger differences in lightness, and a shape on each disc.
    ColourBlind,
}

/// Volumes from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Volumes {
    /// Over everything.
    pub master: f32,
    /// Pushes, knocks and falls.
    pub game: f32,
    /// Clicks and the countdown.
    pub interface: f32,
    /// The hum of the edge.
    pub ambience: f32,
}

impl Default for Volumes {
    fn default() -> Self {
        Self { master: 0.8, game: 1.0, interface: 0.8, ambience: 0.6 }
    }
}

/// A seat that was taken and not given up: the Rejoin button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeat {
    /// On which server.
    pub server: String,
    /// In which room.
    pub room: RoomId,
}

/// Everything in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Resource)]
#[serde(default)]
pub struct Settings {
    /// The name that others see. Empty until it is given.
    pub name: String,
    /// The server to ask.
    pub server: String,
    /// Proof of identity for each server.
    pub tokens: BTreeMap<String, String>,
    /// Whom one can be again.
    pub former: Vec<FormerSelf>,
    /// Where one sat last.
    pub last_seat: Option<LastSeat>,
    /// How loud.
    pub volumes: Volumes,
    /// Whether hits shake the picture.
    pub shake: bool,
    /// Size of text and panels; 1 is normal.
    pub ui_scale: f32,
    /// The players' colours.
    pub palette: PaletteChoice,
    /// Window or whole screen.
    pub window_mode: WindowMode,
    /// How much is drawn.
    pub quality: Quality,
    /// Whether ping and snapshot age stand on the screen.
    pub show_link: bool,
    /// What the keys do.
    pub bindings: Bindings,
    /// People whose chat is not shown.
    pub ignored: Vec<shared::id::PlayerId>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            server: DEFAULT_SERVER.to_owned(),
            tokens: BTreeMap::new(),
            former: Vec::new(),
            last_seat: None,
            volumes: Volumes::default(),
            shake: true,
            ui_scale: 1.0,
            palette: PaletteChoice::default(),
            window_mode: WindowMode::default(),
            quality: Quality::default(),
            show_link: true,
            bindings: Bindings::default(),
            ignored: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads a file. Without one: the defaults. One that is damaged is renamed to `….damaged`.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let Ok(text) = fs::read_to_string(path) else { return Self::default() };
        match serde_json::from_str(&text) {
            Ok(settings) => settings,
            Err(error) => {
                warn!("the settings in {} cannot be read: {error}", path.display());
                let aside = path.with_extension("json.damaged");
                if let Err(error) = fs::rename(path, &aside) {
                    warn!("and cannot be put aside: {error}");
                }
                Self::default()
            }
        }
    }

    fn store(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_vec_pretty(self)?;
        // Beside it first: a crash leaves the old file or the new one.
        let fresh = path.with_extension("json.new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // It holds the tokens: nobody else's to read.
        #[cfg(unix)]
        options.mode(0o600);
        options.open(&fresh)?.write_all(&text)?;
        fs::rename(&fresh, path)
    }
}

/// Where a profile's settings are: `PUSHBACK_CONFIG_DIR`, or the user's configuration folder.
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

/// Where the settings are written. Nothing: nowhere.
#[derive(Debug, Clone, Default, Resource)]
struct SettingsFile {
    path: Option<PathBuf>,
    stored: Settings,
    unsaved_for_seconds: f32,
}

/// Keeps the file in step with the resource.
#[derive(Debug)]
pub struct SettingsPlugin {
    /// What is in force at the start.
    pub settings: Settings,
    /// The file.
    pub path: Option<PathBuf>,
}

impl Plugin for SettingsPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(self.settings.clone())
            .insert_resource(SettingsFile {
                path: self.path.clone(),
                stored: self.settings.clone(),
                unsaved_for_seconds: 0.0,
            })
            .add_systems(Update, write_when_settled)
            .add_systems(Last, write_on_exit);
    }
}

fn write_when_settled(settings: Res<Settings>, mut file: ResMut<SettingsFile>, time: Res<Time>) {
    if file.stored == *settings {
        file.unsaved_for_seconds = 0.0;
        return;
    }
    file.unsaved_for_seconds += time.delta_secs();
    if file.unsaved_for_seconds < WRITE_AFTER_SECONDS {
        return;
    }
    file.stored = settings.clone();
    if let Some(path) = &file.path
        && let Err(error) = settings.store(path)
    {
        warn!("the settings cannot be written to {}: {error}", path.display());
    }
}

fn write_on_exit(exit: MessageReader<AppExit>, settings: Res<Settings>, file: Res<SettingsFile>) {
    if let Some(path) = &file.path
        && !exit.is_empty()
        && file.stored != *settings
        && let Err(error) = settings.store(path)
    {
        warn!("the settings cannot be written to {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn settings_read_back_and_old_files_still_read() {
        let mut settings =
            Settings { name: "Ada".to_owned(), ui_scale: 1.25, ..Settings::default() };
        settings.tokens.insert("http://h".to_owned(), "secret".to_owned());

        let written = serde_json::to_string(&settings).expect("it writes");

        assert_eq!(serde_json::from_str::<Settings>(&written).expect("it reads"), settings);
        assert_eq!(serde_json::from_str::<Settings>("{}").expect("it reads"), Settings::default());
    }
}
