//! The page itself: its window, its address, its clock, and the small stores of the browser.

use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::{Storage, Window};

/// The window.
///
/// # Panics
/// Outside a browser's page.
#[must_use]
pub fn window() -> Window {
    web_sys::window().expect("the lobby runs in a page")
}

/// `http://host:port`, as players type it.
#[must_use]
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Milliseconds since 1970, by this computer's clock.
#[must_use]
pub fn now_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// What is kept under a key, and where.
#[derive(Debug, Clone, Copy)]
pub enum Kept {
    /// Until the tab is closed; a reload keeps it.
    InTab(&'static str),
    /// For good, for all tabs.
    ForGood(&'static str),
}

impl Kept {
    /// What is there, if it can be read.
    #[must_use]
    pub fn read<T: DeserializeOwned>(self) -> Option<T> {
        let (store, key) = self.place()?;
        serde_json::from_str(&store.get_item(key).ok()??).ok()
    }

    /// Keeps a value. A browser that keeps nothing forgets it: the page works all the same.
    pub fn write(self, value: &impl Serialize) {
        if let (Some((store, key)), Ok(text)) = (self.place(), serde_json::to_string(value)) {
            store.set_item(key, &text).ok();
        }
    }

    /// Forgets it.
    pub fn remove(self) {
        if let Some((store, key)) = self.place() {
            store.remove_item(key).ok();
        }
    }

    fn place(self) -> Option<(Storage, &'static str)> {
        let window = window();
        let (store, key) = match self {
            Self::InTab(key) => (window.session_storage(), key),
            Self::ForGood(key) => (window.local_storage(), key),
        };
        Some((store.ok()??, key))
    }
}
