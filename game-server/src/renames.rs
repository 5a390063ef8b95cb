//! A new name, everywhere at once: the profile and the ladder, rooms and their lists, chat, and tickets that wait.

use std::sync::Arc;

use crate::chat::ChatHandle;
use crate::ladder::LadderHandle;
use crate::player::Player;
use crate::rooms::Rooms;
use crate::sessions::Sessions;
use crate::storage::StoreError;
use crate::tickets::Tickets;

/// Every part that holds names of players. Cheap to clone.
#[derive(Clone)]
pub struct Renames {
    sessions: Arc<Sessions>,
    tickets: Arc<Tickets>,
    ladder: LadderHandle,
    rooms: Rooms,
    chat: ChatHandle,
}

impl Renames {
    /// Of these parts.
    #[must_use]
    pub fn new(
        sessions: &Arc<Sessions>,
        tickets: &Arc<Tickets>,
        ladder: &LadderHandle,
        rooms: &Rooms,
        chat: &ChatHandle,
    ) -> Self {
        Self {
            sessions: sessions.clone(),
            tickets: tickets.clone(),
            ladder: ladder.clone(),
            rooms: rooms.clone(),
            chat: chat.clone(),
        }
    }

    /// Gives a player another name. What was said and played under the old one keeps it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rename(&self, player: &Player) -> Result<(), StoreError> {
        self.sessions.rename(player.id, player.name.clone()).await?;
        self.ladder.renamed(player.clone());
        self.show(player).await;
        Ok(())
    }

    /// Another node has given a player another name, and may have done so again since.
    pub(crate) async fn renamed_elsewhere(&self, player: Player) {
        let player = self.sessions.renamed_elsewhere(player).await;
        self.ladder.renamed_elsewhere(player.clone());
        self.show(&player).await;
    }

    /// Tells the other parts of this node.
    async fn show(&self, player: &Player) {
        self.tickets.rename(player);
        self.rooms.rename(player).await;
        self.chat.rename(player.clone()).await;
    }
}
