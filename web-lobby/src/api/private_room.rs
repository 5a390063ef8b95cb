//! Opening private rooms.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{CreateRoom, RoomDetails};
use shared::sim::{BotStrength, Mode};

use super::post;
use super::session::Identity;

/// A private room on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Opening {
    /// Not asked for.
    #[default]
    Off,
    /// Asked for.
    Asking,
    /// Open.
    Open(Box<RoomDetails>),
    /// Refused; why.
    Failed(String),
}

/// Opens private rooms, for the whole page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrivateRoom {
    /// Where it stands.
    pub(crate) opening: RwSignal<Opening>,
    identity: Identity,
}

impl PrivateRoom {
    /// Sets it up.
    pub(crate) fn provide() {
        let opening = RwSignal::new(Opening::Off);
        provide_context(Self { opening, identity: Identity::expect() });
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Opens a room; asks for a name first when there is none.
    pub(crate) fn open(self, mode: Mode, bots: Option<BotStrength>) {
        if self.opening.get_untracked() == Opening::Asking {
            return;
        }
        self.opening.set(Opening::Asking);
        spawn_local(async move {
            if self.identity.needed().await.is_none() {
                return self.close();
            }
            let wish = CreateRoom { mode, private: true, bots };
            self.opening.set(match post::<RoomDetails>("/api/rooms", &wish).await {
                Ok(room) => Opening::Open(Box::new(room)),
                Err(error) => Opening::Failed(error.to_string()),
            });
        });
    }

    /// Puts the result away. The room stays open.
    pub(crate) fn close(self) {
        self.opening.set(Opening::Off);
    }
}
