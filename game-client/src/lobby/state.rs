//! The state of the client outside rooms, and the intents of the person.

use std::time::{Duration, Instant};

use bevy::prelude::{Message, Resource, States};
use shared::api::{MatchState, RoomDetails, RoomList, RoomPhase, Session};
use shared::invitation::RoomAddress;
use shared::sim::{BotStrength, Mode};

use super::poll_timer::PollTimer;
use crate::invite::DeviceLinkCode;
use crate::net::{LeaveMode, LinkId, SignInId, UserError};
use crate::settings::{PreviousIdentity, Settings};

/// The server keeps the seat of a lost connection for this long.
pub(super) const SEAT_KEPT: Duration = Duration::from_secs(30);
/// A list that is older than this is called old. It is requested every two seconds.
const LIST_IS_OLD: Duration = Duration::from_secs(6);

/// The screen that fills the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, States)]
pub enum Screen {
    /// The menu.
    #[default]
    Menu,
    /// The search for a match.
    Queue,
    /// A room, as a player or as a spectator.
    Playing,
    /// A recording.
    Replay,
}

/// A request of the person. Screens and the command line write intents; the lobby applies them.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub enum Intent {
    /// Sign in under the name in the settings.
    SignIn,
    /// Become the player of the lobby in the browser, and apply another intent afterwards.
    LinkDevice {
        /// The code that the browser showed.
        code: DeviceLinkCode,
        /// The intent that follows.
        then: Box<Self>,
    },
    /// Return to a previous identity.
    RestoreIdentity(PreviousIdentity),
    /// Search for a match.
    QuickPlay(Mode),
    /// Stop searching.
    CancelSearch,
    /// Open a private room.
    OpenPrivateRoom {
        /// The rules.
        mode: Mode,
        /// The strength of the bots on free seats. `None`: no bots.
        bots: Option<BotStrength>,
    },
    /// Play alone against bots of this strength.
    Practice(BotStrength),
    /// Take a seat in a room.
    Join(RoomAddress),
    /// Watch a room.
    Watch(RoomAddress),
    /// Keep the list of rooms up to date. Written in every frame that shows the list.
    ShowRooms,
    /// Vote for or against another round.
    Rematch(bool),
    /// Leave the room for the menu.
    Leave(LeaveMode),
    /// Return from a visit to the server in the settings.
    GoHome,
}

impl Intent {
    /// Whether it is applied only with a session.
    pub(super) fn needs_session(&self) -> bool {
        match self {
            Self::SignIn
            | Self::QuickPlay(_)
            | Self::OpenPrivateRoom { .. }
            | Self::Practice(_)
            | Self::Join(_)
            | Self::Watch(_)
            | Self::ShowRooms => true,
            Self::LinkDevice { .. }
            | Self::RestoreIdentity(_)
            | Self::CancelSearch
            | Self::Rematch(_)
            | Self::Leave(_)
            | Self::GoHome => false,
        }
    }
}

/// The state machine outside rooms: signed out, signing in, signed in with an activity.
#[derive(Debug, Clone, Default)]
pub enum Account {
    /// No session.
    #[default]
    SignedOut,
    /// An attempt to sign in is under way.
    SigningIn(PendingSignIn),
    /// There is a session.
    SignedIn(SignedIn),
}

/// An attempt to sign in.
#[derive(Debug, Clone)]
pub struct PendingSignIn {
    /// The outcome of another attempt is ignored.
    pub(super) id: SignInId,
    /// Whether the session will belong to another identity than the one in the settings.
    pub(super) switches_identity: bool,
    /// The intent that is applied afterwards.
    pub(super) then: Option<Intent>,
}

/// A session, and the activity of its player.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The server's address.
    pub server: String,
    /// The session.
    pub session: Session,
    /// The activity.
    pub activity: Activity,
}

/// The request of the player that the server works on.
#[derive(Debug, Clone, Default)]
pub enum Activity {
    /// There is none.
    #[default]
    Idle,
    /// It opens a room.
    OpeningRoom,
    /// It searches for a match.
    Searching(Search),
}

/// The search for a match.
#[derive(Debug, Clone)]
pub struct Search {
    /// The mode.
    pub mode: Mode,
    /// When it began.
    pub since: Instant,
    /// The newest state. `None` before the first answer.
    pub state: Option<MatchState>,
    /// Why it is interrupted. `None` while it is not.
    pub error: Option<UserError>,
}

impl Search {
    /// The server says how long the search lasts. It counts from there, whatever the clock of this machine does.
    pub(super) fn waited(&mut self, seconds: u32, now: Instant) {
        let since = now.checked_sub(Duration::from_secs(seconds.into())).unwrap_or(now);
        let off = since.max(self.since).duration_since(since.min(self.since));
        if off > Duration::from_secs(2) {
            self.since = since;
        }
    }
}

/// What the client knows outside rooms.
#[derive(Debug, Resource, Default)]
pub struct Lobby {
    /// The session and the activity of its player.
    pub account: Account,
    /// The public rooms. `None` before the first answer. While the server does not answer, the last list stays.
    pub rooms: Option<Result<RoomList, UserError>>,
    /// Public rooms of a kind that this build does not know.
    pub rooms_not_understood: usize,
    /// A server's address, and the one that its links carry.
    pub(super) public_address: Option<(String, String)>,
    /// When the list of rooms arrived.
    pub(super) rooms_at: Option<Instant>,
    /// Whether the server of the session does not answer.
    pub is_cut_off: bool,
    /// When the connection to the last seat was lost or given up, if it was in this run of the client.
    pub(super) seat_left_at: Option<Instant>,
    /// The newest error, in words for a person.
    pub error: Option<String>,
    /// The match that was found last is in a room that was there, because the server opens no more.
    pub matched_full: bool,
    /// The room of the last seat, while the server keeps it.
    pub rejoin: Option<RoomDetails>,
    pub(super) rooms_poll: PollTimer,
    pub(super) seat_poll: PollTimer,
    pub(super) links: u32,
    pub(super) sign_ins: u32,
}

impl Lobby {
    /// Whether there is a session on the server and under the name in the settings.
    #[must_use]
    pub fn is_signed_in(&self, settings: &Settings) -> bool {
        matches!(&self.account, Account::SignedIn(SignedIn { server, session, .. })
            if *server == settings.server && session.name.as_str() == settings.name)
    }

    /// Whether an attempt to sign in is under way.
    #[must_use]
    pub fn is_signing_in(&self) -> bool {
        matches!(self.account, Account::SigningIn(_))
    }

    /// The session, if there is one.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.signed_in().map(|signed_in| &signed_in.session)
    }

    /// The server of the session, if there is one.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.signed_in().map(|signed_in| signed_in.server.as_str())
    }

    /// The search for a match, while there is one.
    #[must_use]
    pub fn search(&self) -> Option<&Search> {
        match &self.signed_in()?.activity {
            Activity::Searching(search) => Some(search),
            Activity::Idle | Activity::OpeningRoom => None,
        }
    }

    /// Whether the server opens a room for this player.
    #[must_use]
    pub fn is_opening_room(&self) -> bool {
        let activity = self.signed_in().map(|signed_in| &signed_in.activity);
        matches!(activity, Some(Activity::OpeningRoom))
    }

    /// The address that links to the server carry: the one that its host has set, or else the one that this client uses.
    #[must_use]
    pub fn address_for_links<'a>(&'a self, server: &'a str) -> &'a str {
        match &self.public_address {
            Some((of, address)) if of == server => address,
            Some(_) | None => server,
        }
    }

    /// The age of the list of rooms in seconds, when it is old: then the server does not answer.
    #[must_use]
    pub fn rooms_age(&self, now: Instant) -> Option<u64> {
        let age = now.saturating_duration_since(self.rooms_at?);
        (age > LIST_IS_OLD).then_some(age.as_secs())
    }

    /// The room in which a seat of the player waits, and a sentence about it that counts down.
    #[must_use]
    pub fn waiting_seat(&self, now: Instant) -> Option<(RoomAddress, String)> {
        let details = self.rejoin.as_ref()?;
        let room = &details.summary;
        let left = self.seat_left_at.map(|left_at| {
            SEAT_KEPT.saturating_sub(now.saturating_duration_since(left_at)).as_secs_f32().ceil()
        });
        let what = format!("{} {}", room.mode.title(), room.id);
        let text = match left {
            // In the summary of a round nobody plays, and the seat stays.
            Some(left) if left > 0.0 && room.phase == RoomPhase::Playing => {
                format!("Your seat in {what} waits · {left:.0} s")
            }
            Some(_) | None => format!("Return to your seat in {what}"),
        };
        Some((details.address(), text))
    }

    fn signed_in(&self) -> Option<&SignedIn> {
        match &self.account {
            Account::SignedIn(signed_in) => Some(signed_in),
            Account::SignedOut | Account::SigningIn(_) => None,
        }
    }

    pub(super) fn search_mut(&mut self) -> Option<&mut Search> {
        match &mut self.account {
            Account::SignedIn(SignedIn { activity: Activity::Searching(search), .. }) => {
                Some(search)
            }
            Account::SignedIn(_) | Account::SignedOut | Account::SigningIn(_) => None,
        }
    }

    /// Sets the activity. Without a session this does nothing.
    pub(super) fn set_activity(&mut self, activity: Activity) {
        if let Account::SignedIn(signed_in) = &mut self.account {
            signed_in.activity = activity;
        }
    }

    pub(super) fn next_link(&mut self) -> LinkId {
        self.links += 1;
        LinkId(self.links)
    }

    pub(super) fn next_sign_in(&mut self) -> SignInId {
        self.sign_ins += 1;
        SignInId(self.sign_ins)
    }
}
