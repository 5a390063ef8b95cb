//! Opening private rooms.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{CreateRoom, RoomDetails};
use shared::sim::{BotStrength, Mode};

use super::session::Identity;
use super::{get, notify, post};

/// How often the room is asked for while its dialog is open, in milliseconds.
const KEEP_OPEN_MS: u32 = 60_000;

/// The state of opening a private room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Opening {
    /// No room was asked for.
    #[default]
    Off,
    /// The request is on its way.
    Asking,
    /// The room is open.
    Open(Box<RoomDetails>),
    /// The server refused, with the reason.
    Failed(String),
}

/// Opens private rooms, for the whole page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrivateRoom {
    /// The state of the newest request.
    pub(crate) opening: RwSignal<Opening>,
    identity: Identity,
}

impl PrivateRoom {
    /// Sets it up.
    pub(crate) fn provide() {
        let opening = RwSignal::new(Opening::Off);
        provide_context(Self { opening, identity: Identity::expect() });
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Opens a room. Asks for a name first when there is none.
    pub(crate) fn open(self, mode: Mode, bots: Option<BotStrength>) {
        if self.opening.get_untracked() == Opening::Asking {
            return;
        }
        self.opening.set(Opening::Asking);
        spawn_local(async move {
            if self.identity.require().await.is_none() {
                return self.close();
            }
            let request = CreateRoom { mode, private: true, bots };
            match post::<RoomDetails>("/api/rooms", &request).await {
                Ok(room) => {
                    let path = format!("/api/rooms/{}", room.address());
                    let shown = Opening::Open(Box::new(room));
                    self.opening.set(shown.clone());
                    self.keep_open(&path, &shown).await;
                }
                Err(error) => self.opening.set(Opening::Failed(error.to_string())),
            }
        });
    }

    /// Asks for the room while it is shown: so the server knows that its maker is still there.
    async fn keep_open(self, path: &str, shown: &Opening) {
        loop {
            notify::sleep(KEEP_OPEN_MS).await;
            if self.opening.with_untracked(|opening| opening != shown) {
                return;
            }
            match get::<RoomDetails>(path).await {
                Err(error) if !error.may_succeed_later() => {
                    return self.opening.set(Opening::Failed(error.to_string()));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Dismisses the result. The room stays open.
    pub(crate) fn close(self) {
        self.opening.set(Opening::Off);
    }
}
