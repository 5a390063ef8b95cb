//! Keeps the files of a profile in step with the settings, for as long as the client runs.
//!
//! Writes are debounced: a slider that is dragged does not write sixty times a second. They happen in a thread of their
//! own, because a disk may take long. What another client of the same profile writes is taken over.

use std::io;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use bevy::prelude::{
    App, AppExit, Last, MessageReader, Plugin, Real, Res, ResMut, Resource, Time, Update, warn,
};

use super::profile::{Profile, Stored};
use super::store::{Content, Files};
use super::{Settings, SettingsProblems};
use crate::input::bindings::Bindings;

/// Seconds without a change before the files are written.
const WRITE_AFTER_SECONDS: f32 = 0.7;
/// Seconds between two looks at what other clients have written, and after a write that failed.
const LOOK_EVERY_SECONDS: f32 = 2.0;

/// A profile and the files from which it comes.
#[derive(Debug, Clone, Default)]
pub struct LoadedProfile {
    /// The profile.
    pub profile: Profile,
    /// What a person should know about the files.
    pub problems: Vec<String>,
    files: Option<Files>,
    stored: Stored,
}

impl LoadedProfile {
    /// Reads the files of a profile. Without files: the defaults. `None`: nothing is stored.
    #[must_use]
    pub fn load(path: Option<&Path>) -> Self {
        let files = path.map(Files::new);
        let Content { stored, problems } = files.as_ref().map(Files::read).unwrap_or_default();
        let profile = Profile::from_stored(&stored);
        Self { stored: profile.to_stored(), profile, problems, files }
    }
}

/// The files and what they hold.
#[derive(Debug, Default, Resource)]
struct SettingsFile {
    /// `None`: the settings are not written.
    files: Option<Files>,
    /// The settings and bindings that were compared last.
    seen: Profile,
    /// What the files held when they were read or written last.
    stored: Stored,
    written_at: [Option<SystemTime>; 2],
    unsaved_for_seconds: f32,
    look_in_seconds: f32,
    writing: Option<Writing>,
}

/// A write in a thread of its own.
#[derive(Debug)]
struct Writing {
    mine: Stored,
    thread: JoinHandle<io::Result<Content>>,
}

impl SettingsFile {
    /// Whether the files hold these settings, or a write of them is under way.
    fn holds(&self, settings: &Settings, bindings: &Bindings) -> bool {
        self.seen.settings == *settings && self.seen.bindings == *bindings
    }

    fn begin_write(&mut self, settings: &Settings, bindings: &Bindings) {
        self.seen = Profile { settings: settings.clone(), bindings: bindings.clone() };
        self.unsaved_for_seconds = 0.0;
        let Some(files) = self.files.clone() else { return };
        let (base, mine) = (self.stored.clone(), self.seen.to_stored());
        let own = mine.clone();
        let thread = thread::Builder::new().name("settings".to_owned());
        match thread.spawn(move || files.sync(&base, &own)) {
            Ok(thread) => self.writing = Some(Writing { mine, thread }),
            Err(error) => warn!("the settings cannot be written: {error}"),
        }
    }

    /// Takes the result of the write. `wait`: also when that takes a while.
    fn finish_write(
        &mut self,
        wait: bool,
        settings: &mut Settings,
        bindings: &mut Bindings,
        problems: &mut SettingsProblems,
    ) {
        let is_done = |writing: &mut Writing| wait || writing.thread.is_finished();
        let Some(Writing { mine, thread }) = self.writing.take_if(is_done) else { return };
        let result = thread.join().unwrap_or_else(|_panic| Err(io::ErrorKind::Other.into()));
        match result {
            Ok(content) => {
                self.take_over(&mine, &content, settings, bindings);
                content.problems.into_iter().for_each(|problem| problems.add(problem));
            }
            Err(error) => {
                warn!("the settings cannot be written: {error}");
                problems.add(format!(
                    "Your settings and your identity cannot be saved: {}.",
                    presentation::words::sentence(&error.to_string()).trim_end_matches('.')
                ));
                // The same again after a while.
                self.seen = Profile::default();
                self.unsaved_for_seconds = WRITE_AFTER_SECONDS - LOOK_EVERY_SECONDS * 5.0;
            }
        }
        self.written_at = self.files.as_ref().map(Files::written_at).unwrap_or_default();
    }

    /// The files have this content now. What other clients changed is applied, unless the player has changed something
    /// meanwhile: then the next write merges.
    fn take_over(
        &mut self,
        mine: &Stored,
        content: &Content,
        settings: &mut Settings,
        bindings: &mut Bindings,
    ) {
        if !self.holds(settings, bindings) {
            self.stored = mine.clone();
            return;
        }
        if content.stored != *mine {
            let merged = Profile::from_stored(&content.stored);
            let mut fresh = merged.settings;
            if settings.home_server.is_some() {
                fresh.home_server = Some(std::mem::take(&mut fresh.server));
                fresh.server.clone_from(&settings.server);
            }
            (*settings, *bindings) = (fresh, merged.bindings);
        }
        self.seen = Profile { settings: settings.clone(), bindings: bindings.clone() };
        self.stored = self.seen.to_stored();
    }

    /// Whether another client has written the files since.
    fn is_outdated(&self) -> bool {
        self.files.as_ref().is_some_and(|files| files.written_at() != self.written_at)
    }
}

/// The file with who the player is, for a new guest.
#[derive(Debug, Default, Resource)]
pub struct IdentityFile(Option<Files>);

impl IdentityFile {
    /// Keeps the token of a new guest at once, in place of the one `before`. Returns the token that counts: another client of
    /// this profile that was new there at the same moment may have been first. It writes in this thread: that happens once
    /// on a server, and what follows depends on it.
    #[must_use]
    pub fn claim(&self, server: &str, token: &str, before: Option<&str>) -> String {
        let claimed = self.0.as_ref().map(|files| files.claim(server, token, before));
        match claimed {
            Some(Ok(counts)) => counts,
            Some(Err(error)) => {
                // The next write of the settings says so to the person.
                warn!("a new identity cannot be written yet: {error}");
                token.to_owned()
            }
            None => token.to_owned(),
        }
    }
}

/// Inserts the settings and the key bindings, and keeps the files in step with them.
#[derive(Debug)]
pub struct SettingsPlugin {
    /// The profile as it was read.
    pub loaded: LoadedProfile,
    /// The settings at the start: those of the profile, and what the command line changes.
    pub settings: Settings,
}

impl Plugin for SettingsPlugin {
    fn build(&self, app: &mut App) {
        let LoadedProfile { profile, problems, files, stored } = self.loaded.clone();
        let written_at = files.as_ref().map(Files::written_at).unwrap_or_default();
        app.insert_resource(self.settings.clone())
            .insert_resource(profile.bindings.clone())
            .insert_resource(SettingsProblems::new(problems))
            .insert_resource(IdentityFile(files.clone()))
            .insert_resource(SettingsFile {
                files,
                seen: profile,
                stored,
                written_at,
                ..SettingsFile::default()
            })
            .add_systems(Update, keep_in_step)
            .add_systems(Last, write_on_exit);
    }
}

fn keep_in_step(
    mut settings: ResMut<Settings>,
    mut bindings: ResMut<Bindings>,
    mut problems: ResMut<SettingsProblems>,
    mut file: ResMut<SettingsFile>,
    time: Res<Time<Real>>,
) {
    let file = &mut *file;
    if file.writing.is_some() {
        file.finish_write(false, &mut settings, &mut bindings, &mut problems);
        return;
    }
    file.look_in_seconds -= time.delta_secs();
    let looks = file.look_in_seconds <= 0.0;
    if looks {
        file.look_in_seconds = LOOK_EVERY_SECONDS;
    }
    if file.holds(&settings, &bindings) {
        file.unsaved_for_seconds = 0.0;
        if looks && file.is_outdated() {
            file.begin_write(&settings, &bindings);
        }
        return;
    }
    file.unsaved_for_seconds += time.delta_secs();
    if file.unsaved_for_seconds >= WRITE_AFTER_SECONDS {
        file.begin_write(&settings, &bindings);
    }
}

fn write_on_exit(
    exit: MessageReader<AppExit>,
    mut settings: ResMut<Settings>,
    mut bindings: ResMut<Bindings>,
    mut problems: ResMut<SettingsProblems>,
    mut file: ResMut<SettingsFile>,
) {
    if exit.is_empty() {
        return;
    }
    let file = &mut *file;
    file.finish_write(true, &mut settings, &mut bindings, &mut problems);
    if !file.holds(&settings, &bindings) {
        file.begin_write(&settings, &bindings);
        file.finish_write(true, &mut settings, &mut bindings, &mut problems);
    }
}
