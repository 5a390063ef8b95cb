//! The choices of the user, and what the client remembers from one start to the next.

mod file;
mod lenient;
mod merge;
mod previous_identity;
mod profile;
mod store;

use std::collections::BTreeMap;

use bevy::prelude::{Resource, warn};
use serde::{Deserialize, Serialize};
use shared::api::Session;
use shared::id::PlayerId;
use shared::invitation::RoomAddress;

use crate::args::DEFAULT_SERVER;

pub use file::{IdentityFile, LoadedProfile, SettingsPlugin};
pub use previous_identity::{PreviousIdentities, PreviousIdentity};
pub use profile::{Profile, path_of};

/// Problems that are shown at once. When full, further ones are not added.
const PROBLEMS_MAX: usize = 8;

/// The mode of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowMode {
    /// A window.
    #[default]
    Windowed,
    /// The whole screen without a border.
    Fullscreen,
}

/// How much detail is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Full on a graphics card, fast on a software renderer.
    #[default]
    Auto,
    /// No bloom and fewer sparks: for machines without a graphics card.
    Fast,
    /// Everything.
    Full,
}

/// The colours of the players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaletteChoice {
    /// Eight hues that most eyes tell apart.
    #[default]
    Standard,
    /// Fewer hues, stronger differences in lightness, and a mark on each disc.
    ColourBlind,
}

/// Volumes from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Volumes {
    /// Of everything.
    pub master: f32,
    /// Of pushes, bumps and falls.
    pub game: f32,
    /// Of clicks and the countdown.
    pub interface: f32,
    /// Of the hum near the edge.
    pub ambience: f32,
}

impl Default for Volumes {
    fn default() -> Self {
        Self { master: 0.8, game: 1.0, interface: 0.8, ambience: 0.6 }
    }
}

impl Volumes {
    fn all_mut(&mut self) -> [&mut f32; 4] {
        [&mut self.master, &mut self.game, &mut self.interface, &mut self.ambience]
    }
}

/// The most frames in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameCap {
    /// As many as the screen shows.
    #[default]
    Screen,
    /// Thirty: for a battery.
    Thirty,
    /// Sixty.
    Sixty,
    /// A hundred and twenty.
    HundredTwenty,
}

impl FrameCap {
    /// Frames in a second. `None`: as many as the screen shows.
    #[must_use]
    pub const fn hz(self) -> Option<f64> {
        match self {
            Self::Screen => None,
            Self::Thirty => Some(30.0),
            Self::Sixty => Some(60.0),
            Self::HundredTwenty => Some(120.0),
        }
    }
}

/// What a person should know about the files of the profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Resource)]
pub struct SettingsProblems(Vec<String>);

impl SettingsProblems {
    /// These problems. They are logged, too: a client without a window has no other place.
    #[must_use]
    pub fn new(problems: Vec<String>) -> Self {
        let mut all = Self::default();
        problems.into_iter().for_each(|problem| all.add(problem));
        all
    }

    /// Adds one. The same problem is told once.
    pub fn add(&mut self, problem: String) {
        if !self.0.contains(&problem) && self.0.len() < PROBLEMS_MAX {
            warn!("{problem}");
            self.0.push(problem);
        }
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The person has read them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A seat that was taken and not given up, for the Rejoin button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeat {
    /// The server's address.
    pub server: String,
    /// The room, with the secret of its invitation if it is private.
    pub room: RoomAddress,
}

/// The choices and what the client remembers. The key bindings are a resource of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Resource)]
#[serde(default)]
pub struct Settings {
    /// The player's name. Empty until it is entered.
    pub name: String,
    /// The name under which each server knew the player last, by its address. While it is the same as `name`, the person has
    /// chosen no other for that server.
    pub known_names: BTreeMap<String, String>,
    /// The server's address: scheme, host and port.
    pub server: String,
    /// The server of the next start, while another one is visited: by a link, or by `--server`.
    #[serde(skip)]
    pub home_server: Option<String>,
    /// The token for each server, by its address.
    pub tokens: BTreeMap<String, String>,
    /// The identities that the player can return to.
    #[serde(rename = "former")]
    pub previous_identities: PreviousIdentities,
    /// The last seat that was taken and not given up.
    pub last_seat: Option<LastSeat>,
    /// The volumes.
    pub volumes: Volumes,
    /// Whether hits shake the picture.
    pub shake: bool,
    /// Scale of text and panels. 1 is normal.
    pub ui_scale: f32,
    /// The colours of the players.
    pub palette: PaletteChoice,
    /// Window or whole screen.
    pub window_mode: WindowMode,
    /// How much detail is drawn.
    pub quality: Quality,
    /// The most frames in a second.
    pub frame_cap: FrameCap,
    /// Whether the round trip and the snapshots' age are shown.
    pub show_link: bool,
    /// The players whose chat is not shown.
    pub ignored: Vec<PlayerId>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            known_names: BTreeMap::new(),
            server: DEFAULT_SERVER.to_owned(),
            home_server: None,
            tokens: BTreeMap::new(),
            previous_identities: PreviousIdentities::default(),
            last_seat: None,
            volumes: Volumes::default(),
            shake: true,
            ui_scale: 1.0,
            palette: PaletteChoice::default(),
            window_mode: WindowMode::default(),
            quality: Quality::default(),
            frame_cap: FrameCap::default(),
            show_link: true,
            ignored: Vec::new(),
        }
    }
}

impl Settings {
    /// Uses another server, as long as the client runs. The one in the settings stays that of the next start.
    pub fn visit(&mut self, server: &str) {
        let before = std::mem::replace(&mut self.server, server.to_owned());
        let home = self.home_server.get_or_insert(before);
        if *home == self.server {
            self.home_server = None;
        }
    }

    /// Returns from a visit.
    pub fn go_home(&mut self) {
        if let Some(home) = self.home_server.take() {
            self.server = home;
        }
    }

    /// Whether the server knows the player under the name that the person chose last.
    #[must_use]
    pub fn is_name_known(&self) -> bool {
        self.known_names.get(&self.server).is_some_and(|known| *known == self.name)
    }

    /// The server knows the player under this name. Another program of the same player may have changed it; a name that the
    /// person has typed here since stays.
    pub fn note_name(&mut self, name: &str) {
        if self.is_name_known() {
            name.clone_into(&mut self.name);
        }
        self.known_names.insert(self.server.clone(), name.to_owned());
    }

    /// Switches to the identity of a session. The identity on that server before it is kept for the way back.
    pub fn adopt_session(&mut self, server: &str, session: &Session) {
        let name = std::mem::replace(&mut self.name, session.name.as_str().to_owned());
        self.known_names.insert(server.to_owned(), self.name.clone());
        self.previous_identities.remove(&session.token);
        let before = self.tokens.insert(server.to_owned(), session.token.clone());
        if let Some(token) = before.filter(|token| *token != session.token) {
            self.previous_identities.add(PreviousIdentity {
                server: server.to_owned(),
                name,
                token,
            });
        }
    }

    /// Switches back to a previous identity. The one before it is kept instead.
    pub fn restore_identity(&mut self, identity: &PreviousIdentity) {
        self.previous_identities.remove(&identity.token);
        let name = std::mem::replace(&mut self.name, identity.name.clone());
        let server = identity.server.clone();
        self.known_names.insert(server.clone(), self.name.clone());
        if let Some(token) = self.tokens.insert(server.clone(), identity.token.clone()) {
            self.previous_identities.add(PreviousIdentity { server, name, token });
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::api::Session;
    use shared::id::{PlayerId, PlayerName};

    use super::Settings;

    const SERVER: &str = "http://h";

    fn session(name: &str, token: &str) -> Session {
        let name = PlayerName::parse(name).expect("a name");
        Session { player: PlayerId::from_bits(1), name, token: token.to_owned() }
    }

    fn known() -> Settings {
        let mut settings = Settings { name: "Ada".to_owned(), ..Settings::default() };
        settings.tokens.insert(SERVER.to_owned(), "own".to_owned());
        settings
    }

    #[test]
    fn a_name_that_was_typed_on_one_server_goes_along_to_the_next() {
        let mut settings = Settings { name: "Ada".to_owned(), ..Settings::default() };
        settings.note_name("Ada");
        assert!(settings.is_name_known());

        settings.visit("http://elsewhere");
        settings.name = "Duchess".to_owned();
        settings.note_name("Duchess");
        settings.go_home();

        assert!(!settings.is_name_known(), "this server has to hear of it");
        settings.note_name("Ada");
        assert_eq!(settings.name, "Duchess");
    }

    #[test]
    fn a_name_that_was_changed_elsewhere_is_taken_over() {
        let mut settings = Settings { name: "Ada".to_owned(), ..Settings::default() };
        settings.note_name("Ada");

        settings.note_name("Ada L");

        assert_eq!(settings.name, "Ada L");
    }

    #[test]
    fn an_identity_is_kept_and_can_be_restored() {
        let mut settings = known();

        settings.adopt_session(SERVER, &session("Bea", "browser"));
        assert_eq!((settings.name.as_str(), settings.tokens[SERVER].as_str()), ("Bea", "browser"));
        let ada = settings.previous_identities.as_slice()[0].clone();
        assert_eq!((ada.name.as_str(), ada.token.as_str()), ("Ada", "own"));

        settings.restore_identity(&ada);
        assert_eq!((settings.name.as_str(), settings.tokens[SERVER].as_str()), ("Ada", "own"));
        let previous = settings.previous_identities.as_slice();
        assert_eq!((previous.len(), previous[0].name.as_str()), (1, "Bea"));

        // The server answers with the session in use: nothing changes.
        settings.adopt_session(SERVER, &session("Ada", "own"));
        assert_eq!(settings.previous_identities.as_slice().len(), 1);
    }

    #[test]
    fn a_fresh_installation_has_no_previous_identity() {
        let mut fresh = Settings::default();
        fresh.adopt_session(SERVER, &session("Bea", "browser"));
        assert!(fresh.previous_identities.as_slice().is_empty());

        let mut settings = known();
        for number in 0..9 {
            settings.adopt_session(SERVER, &session("Bea", &format!("browser {number}")));
        }
        assert_eq!(settings.previous_identities.as_slice()[0].token, "own");
    }
}
