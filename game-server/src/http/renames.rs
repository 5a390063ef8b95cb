//! A new name, everywhere at once: the profile and the ladder, rooms and their lists, chat, and tickets that wait.

use std::sync::Arc;

use axum::extract::FromRef;

use super::state::HttpState;
use crate::chat::ChatHandle;
use crate::ladder::LadderHandle;
use crate::player::Player;
use crate::rooms::Rooms;
use crate::sessions::Sessions;
use crate::storage::StoreError;
use crate::tickets::Tickets;

/// Every part that holds names of players.
#[derive(Clone)]
pub(super) struct Renames {
    sessions: Arc<Sessions>,
    tickets: Arc<Tickets>,
    ladder: LadderHandle,
    rooms: Rooms,
    chat: ChatHandle,
}

impl FromRef<HttpState> for Renames {
    fn from_ref(state: &HttpState) -> Self {
        Self {
            sessions: FromRef::from_ref(state),
            tickets: FromRef::from_ref(state),
            ladder: FromRef::from_ref(state),
            rooms: FromRef::from_ref(state),
            chat: FromRef::from_ref(state),
        }
    }
}

impl Renames {
    /// Gives a player another name. What was said and played under the old one keeps it.
    pub(super) async fn rename(&self, player: &Player) -> Result<(), StoreError> {
        self.sessions.rename(player.id, player.name.clone()).await?;
        self.tickets.rename(player);
        self.ladder.renamed(player.clone());
        self.rooms.rename(player).await;
        self.chat.rename(player.clone()).await;
        Ok(())
    }
}
