//! Files of a profile that are whole, cut, broken, old, new, and written by two clients at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use super::super::profile::Profile;
use super::{Content, Files};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let unique = format!("pushback-{name}-{}-{}", std::process::id(), fastrand::u64(..));
        let folder = std::env::temp_dir().join(unique);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn files(&self) -> Files {
        Files::new(&self.0.join("default.json"))
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("it writes");
    }

    fn has(&self, name: &str) -> bool {
        Path::exists(&self.0.join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn profile(content: &Content) -> Profile {
    Profile::from_stored(&content.stored)
}

fn ada() -> Profile {
    let mut profile = Profile::default();
    profile.settings.name = "Ada".to_owned();
    profile.settings.server = "http://h:1".to_owned();
    profile.settings.tokens.insert("http://h:1".to_owned(), "secret".to_owned());
    profile
}

/// Stores a profile in fresh files.
fn stored(name: &str, profile: &Profile) -> Folder {
    let folder = Folder::new(name);
    let (base, mine) = (Profile::default().to_stored(), profile.to_stored());
    folder.files().sync(&base, &mine).expect("it writes");
    folder
}

#[test]
fn whatever_happens_to_the_settings_name_server_and_identity_stay() {
    let broken = [
        "",
        "{",
        "null",
        "\u{0}\u{0}\u{0}",
        "{\"quality\":\"ultra\"}",
        "{\"bindings\":{\"up\":[\"Hyper\",null]}}",
        "{\"bindings\":[[\"W\"],[\"S\"],[],[],[],[],[],[],[],[\"B\"]]}",
        "{\"shake\":false,\"volumes\":{\"master\":0.",
        "{\"ui_scale\":\"huge\",\"version\":99}",
    ];
    for text in broken {
        let folder = stored("broken", &ada());

        folder.write("default.json", text);
        let content = folder.files().read();

        assert_eq!(profile(&content).settings, ada().settings_with(&content), "{text}");
        assert_eq!(content.problems.len(), 1, "{text}: {:?}", content.problems);
        assert!(folder.has("default.json.damaged-1"), "{text}");
    }
}

impl Profile {
    /// The settings, with the choices of another content.
    fn settings_with(&self, content: &Content) -> super::Settings {
        let choices = profile(content).settings;
        super::Settings {
            name: self.settings.name.clone(),
            server: self.settings.server.clone(),
            tokens: self.settings.tokens.clone(),
            ..choices
        }
    }
}

#[test]
fn a_damaged_identity_comes_from_the_copy_before_the_last_change() {
    let folder = stored("identity", &ada());
    let before = folder.files().read().stored;
    let mut later = ada();
    later.settings.name = "Bea".to_owned();
    folder.files().sync(&before, &later.to_stored()).expect("it writes");

    folder.write("default.identity.json", "");
    let content = folder.files().read();

    assert_eq!(profile(&content).settings.tokens["http://h:1"], "secret");
    assert_eq!(content.problems.len(), 2, "{:?}", content.problems);
}

#[test]
fn one_file_of_an_older_build_becomes_two() {
    let folder = Folder::new("older");
    folder.write(
        "default.json",
        r#"{"name":"Ada","server":"http://h:1","tokens":{"http://h:1":"secret"},"shake":false,
            "bindings":[["I","Up"],["S","Down"],["A","Left"],["D","Right"]]}"#,
    );
    let files = folder.files();
    let content = files.read();
    let read = profile(&content);
    assert_eq!((read.settings.name.as_str(), read.settings.shake), ("Ada", false));
    assert!(content.problems.is_empty(), "{:?}", content.problems);

    files.sync(&read.to_stored(), &read.to_stored()).expect("it writes");

    assert_eq!(profile(&files.read()), read);
    let text = fs::read_to_string(folder.0.join("default.json")).expect("it is there");
    assert!(!text.contains("secret") && text.contains("\"version\": 2"), "{text}");
}

#[test]
fn two_clients_of_one_profile_lose_nothing() {
    let folder = stored("two", &ada());
    let begun = profile(&folder.files().read());
    let writers: Vec<_> = (0..8_u32)
        .map(|number| {
            let (files, base, mut mine) = (folder.files(), begun.to_stored(), begun.clone());
            mine.settings.tokens.insert(format!("http://other:{number}"), number.to_string());
            thread::spawn(move || files.sync(&base, &mine.to_stored()).expect("it writes"))
        })
        .collect();
    writers.into_iter().for_each(|writer| drop(writer.join().expect("a writer")));

    let read = profile(&folder.files().read());

    assert_eq!(read.settings.tokens.len(), 9, "{:?}", read.settings.tokens);
}

#[cfg(unix)]
#[test]
fn a_disk_that_takes_nothing_is_an_error_and_the_old_files_stay() {
    let folder = Folder::new("full");
    let files = Files::new(&folder.0.join("no/such\u{0}folder/default.json"));

    let stored = ada().to_stored();

    assert!(files.sync(&stored, &stored).is_err());
}

#[test]
fn of_two_new_guests_of_one_profile_the_first_counts() {
    let folder = stored("guests", &ada());
    let claim =
        |server, token, before| folder.files().claim(server, token, before).expect("it writes");

    assert_eq!(claim("http://new:1", "first", None), "first");
    assert_eq!(claim("http://new:1", "second", None), "first");
    // The server does not know that one any more.
    assert_eq!(claim("http://new:1", "third", Some("first")), "third");

    let tokens = profile(&folder.files().read()).settings.tokens;
    assert_eq!(
        (tokens["http://new:1"].as_str(), tokens["http://h:1"].as_str()),
        ("third", "secret")
    );
}
