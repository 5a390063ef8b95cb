//! What people do in the lobby's pages.

use super::Browser;

impl Browser {
    /// Enters a name where the lobby asks for one.
    pub async fn give_name(&self, name: &str) {
        self.type_into("[data-testid=\"name-input\"]", name).await;
        self.click("[data-testid=\"name-submit\"]").await;
    }

    /// Says a line in the chat.
    pub async fn say(&self, line: &str) {
        self.type_into("[data-testid=\"chat-input\"]", line).await;
        self.click("[data-testid=\"chat-send\"]").await;
    }

    /// Presses quick play, and enters the name that the page then asks for.
    pub async fn quick_play(&self, name: &str) {
        self.click("[data-testid=\"quick-play\"]").await;
        self.give_name(name).await;
    }

    /// Waits until the search for a match is in this state.
    pub async fn search_becomes(&self, state: &str) {
        let status = "[data-testid=\"match-status\"]";
        self.attribute_where(status, "data-state", |shown| shown == state).await;
    }
}
