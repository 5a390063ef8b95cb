//! The lobby between a network without a thread and the intents of a person.

use std::time::{Duration, Instant};

use bevy::prelude::{App, Message, State};
use bevy::state::app::StatesPlugin;
use shared::api::{RoomDetails, Session};
use shared::id::{PlayerId, RoomId};

use super::{Account, Intent, Lobby, LobbyPlugin, Screen};
use crate::frame::RenderState;
use crate::invite::DeviceLinkCode;
use crate::net::{
    ChatEvent, Credentials, DirectoryEvent, DirectoryRequest, LeaveMode, Net, Request, RoomListing,
    RoomRequest, Sent, SessionEvent, SignInId, SignInRequest, UserError, add_events,
};
use crate::settings::{IdentityFile, Settings};

const SERVER: &str = "http://127.0.0.1:7777";

struct Story {
    app: App,
    sent: Sent,
}

impl Story {
    fn begin() -> Self {
        let (net, sent) = Net::detached();
        let (server, name) = (SERVER.to_owned(), "Ada".to_owned());
        let mut app = App::new();
        app.add_plugins((StatesPlugin, LobbyPlugin))
            .init_resource::<RenderState>()
            .init_resource::<IdentityFile>()
            .insert_resource(Settings { server, name, ..Settings::default() })
            .insert_resource(net);
        add_events(&mut app);
        Self { app, sent }
    }

    /// Signs in as Ada.
    fn sign_in(&mut self) {
        self.intend(Intent::SignIn);
        assert!(matches!(self.requests()[..], [Request::SignIn(_)]));
        self.succeed("Ada", "t");
    }

    /// The attempt to sign in that is under way.
    fn attempt(&self) -> SignInId {
        match &self.lobby().account {
            Account::SigningIn(pending) => pending.id,
            other => panic!("no attempt to sign in: {other:?}"),
        }
    }

    /// The attempt to sign in succeeds.
    fn succeed(&mut self, name: &str, token: &str) {
        let session =
            serde_json::json!({ "player": PlayerId::from_bits(1), "name": name, "token": token });
        let session: Session = serde_json::from_value(session).expect("a session");
        let (id, server) = (self.attempt(), SERVER.to_owned());
        self.receive(SessionEvent::SignedIn { id, server, session });
    }

    /// The attempt to sign in fails.
    fn fail(&mut self, text: &str, is_transient: bool) {
        let (id, error) = (self.attempt(), UserError { text: text.to_owned(), is_transient });
        self.receive(SessionEvent::SignInFailed { id, error });
    }

    fn receive(&mut self, event: impl Message) {
        self.app.world_mut().write_message(event);
        self.frames(3);
    }

    fn intend(&mut self, intent: Intent) {
        self.receive(intent);
    }

    fn frames(&mut self, count: u32) {
        (0..count).for_each(|_| self.app.update());
    }

    /// The requests since the last call.
    fn requests(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.sent.requests.try_recv().ok()).collect()
    }

    fn lobby(&self) -> &Lobby {
        self.app.world().resource()
    }
}

fn details(room: RoomId) -> RoomDetails {
    let details = serde_json::json!({
        "id": room, "mode": "brawl", "phase": "playing", "round": 1, "players": 1, "bots": 0, "seats": 8,
        "spectators": 0, "ends_at_ms": null, "leader": null, "private": true, "rated": false, "recording": null,
        "seated": [{ "player": PlayerId::from_bits(1), "name": "Ada", "bot": false, "points": 0, "team": null, "reconnecting": true }],
    });
    serde_json::from_value(details).expect("a room")
}

fn is_look_up(request: &Request) -> bool {
    matches!(request, Request::Directory(DirectoryRequest::LookUp(_)))
}

#[test]
fn a_player_who_keeps_the_seat_sees_the_way_back() {
    let mut story = Story::begin();
    story.sign_in();
    let room: RoomId = "ABC123".parse().expect("a code");
    story.intend(Intent::Join(room.into()));
    assert!(matches!(story.requests().last(), Some(Request::Room(RoomRequest::Enter { .. }))));

    story.intend(Intent::Leave(LeaveMode::KeepSeat));

    let requests = story.requests();
    let left = Request::Room(RoomRequest::Leave(LeaveMode::KeepSeat));
    assert_eq!(format!("{:?}", requests.first()), format!("{:?}", Some(left)));
    assert_eq!(requests.iter().filter(|request| is_look_up(request)).count(), 1, "{requests:?}");
    assert_eq!(*story.app.world().resource::<State<Screen>>().get(), Screen::Menu);
    story.receive(DirectoryEvent::LookedUp(room.into(), Ok(Some(details(room)))));
    assert_eq!(story.lobby().rejoin.as_ref().map(|rejoin| rejoin.summary.id), Some(room));
    let (_, text) = story.lobby().waiting_seat(Instant::now()).expect("a seat");
    assert!(text.contains("waits") && text.ends_with(" s"), "it counts down: {text}");

    let gone = RoomDetails { seated: Vec::new(), ..details(room) };
    story.receive(DirectoryEvent::LookedUp(room.into(), Ok(Some(gone))));

    assert!(story.lobby().rejoin.is_none(), "the server does not keep it any more");
    assert!(story.app.world().resource::<Settings>().last_seat.is_none());
}

#[test]
fn a_spectator_is_told_that_a_seat_waits() {
    let mut story = Story::begin();
    story.sign_in();
    let [room, other]: [RoomId; 2] = ["ABC123", "ABC124"].map(|code| code.parse().expect("a code"));
    story.intend(Intent::Join(room.into()));
    story.intend(Intent::Leave(LeaveMode::KeepSeat));
    story.receive(DirectoryEvent::LookedUp(room.into(), Ok(Some(details(room)))));

    story.intend(Intent::Watch(other.into()));

    let seat = story.lobby().waiting_seat(Instant::now());
    assert_eq!(seat.map(|(seat, _)| seat), Some(room.into()));
    story.intend(Intent::Leave(LeaveMode::GiveUpSeat));
    let settings = story.app.world().resource::<Settings>();
    assert!(settings.last_seat.is_some(), "leaving as a spectator gives up no seat");
}

#[test]
fn while_the_server_does_not_answer_the_last_list_stays_and_is_old() {
    let mut story = Story::begin();
    story.sign_in();
    let listing = RoomListing { not_understood: 1, ..RoomListing::default() };
    story.receive(DirectoryEvent::Listed(Ok(listing)));

    let error = UserError { text: "The server stopped responding.".to_owned(), is_transient: true };
    story.receive(DirectoryEvent::Listed(Err(error)));

    let lobby = story.lobby();
    assert!(lobby.is_cut_off && matches!(lobby.rooms, Some(Ok(_))));
    assert_eq!(lobby.rooms_not_understood, 1);
    let now = Instant::now();
    assert_eq!(
        (lobby.rooms_age(now), lobby.rooms_age(now + Duration::from_secs(9))),
        (None, Some(9))
    );
    story.receive(ChatEvent::Open(true));
    assert!(!story.lobby().is_cut_off);
}

#[test]
fn a_server_without_an_address_is_an_error_at_once() {
    let mut story = Story::begin();
    story.app.world_mut().resource_mut::<Settings>().server = "ftp://h".to_owned();

    story.intend(Intent::SignIn);

    assert!(story.requests().is_empty());
    assert!(
        story.lobby().error.as_deref().is_some_and(|text| text.contains("no server's address"))
    );
}

#[test]
fn links_carry_the_address_that_the_host_has_set() {
    let mut story = Story::begin();
    story.sign_in();
    assert_eq!(story.lobby().address_for_links(SERVER), SERVER);

    let (server, address) = (SERVER.to_owned(), "https://play.example.org".to_owned());
    story.receive(SessionEvent::PublicAddress { server, address });

    assert_eq!(story.lobby().address_for_links(SERVER), "https://play.example.org");
    assert_eq!(story.lobby().address_for_links("http://other"), "http://other");
}

#[test]
fn a_visit_to_another_server_ends_with_a_click() {
    let mut story = Story::begin();
    story.app.world_mut().resource_mut::<Settings>().visit("https://elsewhere.example");

    story.intend(Intent::GoHome);

    let requests = story.requests();
    assert!(
        matches!(&requests[..], [Request::SignIn(SignInRequest { server, .. })] if server == SERVER),
        "{requests:?}"
    );
}

#[test]
fn a_player_who_gives_the_seat_up_is_not_led_back() {
    let mut story = Story::begin();
    story.sign_in();
    story.intend(Intent::Join("ABC123".parse().expect("a code")));
    story.requests();

    story.intend(Intent::Leave(LeaveMode::GiveUpSeat));

    let requests = story.requests();
    assert!(
        matches!(requests[..], [Request::Room(RoomRequest::Leave(LeaveMode::GiveUpSeat))]),
        "{requests:?}"
    );
    assert!(story.lobby().rejoin.is_none());
}

#[test]
fn the_browsers_player_comes_first_and_then_the_seat() {
    let mut story = Story::begin();
    story.sign_in();
    let room: RoomId = "ABC123".parse().expect("a code");
    let code: DeviceLinkCode = "code".parse().expect("a code");

    let then = Box::new(Intent::Join(room.into()));
    story.intend(Intent::LinkDevice { code: code.clone(), then });

    let requests = story.requests();
    let claims = |request: &Request| matches!(request, Request::SignIn(SignInRequest { credentials: Credentials::DeviceLink(of), token: Some(token), .. }) if *of == code && token == "t");
    assert!(requests.len() == 1 && claims(&requests[0]), "{requests:?}");
    story.succeed("Bea", "browser");
    assert!(
        matches!(story.requests()[..], [Request::Room(RoomRequest::Enter { room: entered, .. })] if entered.room == room)
    );
    let settings = story.app.world().resource::<Settings>();
    let previous = settings.previous_identities.as_slice()[0].clone();
    assert_eq!((previous.name.as_str(), previous.token.as_str()), ("Ada", "t"));

    story.intend(Intent::RestoreIdentity(previous));
    let requests = story.requests();
    assert!(
        matches!(&requests[..], [Request::SignIn(SignInRequest { credentials: Credentials::Known(name), token: Some(token), .. })] if name.as_str() == "Ada" && token == "t"),
        "{requests:?}"
    );
}

#[test]
fn a_name_that_was_changed_in_another_program_is_taken_over_and_one_typed_here_is_sent() {
    let mut story = Story::begin();
    story.sign_in();
    let name = |story: &Story| story.app.world().resource::<Settings>().name.clone();

    // The next start, or the next sign-in: nothing was typed here.
    story.intend(Intent::SignIn);
    let requests = story.requests();
    assert!(requests.is_empty(), "signed in already: {requests:?}");
    story.app.world_mut().resource_mut::<Lobby>().account = Account::SignedOut;
    story.intend(Intent::SignIn);
    let requests = story.requests();
    let asks = |request: &Request| {
        matches!(request, Request::SignIn(SignInRequest { credentials: Credentials::Known(_), .. }))
    };
    assert!(requests.len() == 1 && asks(&requests[0]), "{requests:?}");
    story.succeed("Countess", "t");
    assert_eq!(name(&story), "Countess");

    story.app.world_mut().resource_mut::<Settings>().name = "Duchess".to_owned();
    story.intend(Intent::SignIn);
    let requests = story.requests();
    let sends = |request: &Request| matches!(request, Request::SignIn(SignInRequest { credentials: Credentials::Name(name), .. }) if name.as_str() == "Duchess");
    assert!(requests.len() == 1 && sends(&requests[0]), "{requests:?}");
    story.succeed("Duchess", "t");
    assert_eq!(name(&story), "Duchess");
}

#[test]
fn a_code_that_is_refused_leads_nowhere() {
    let mut story = Story::begin();
    let code: DeviceLinkCode = "code".parse().expect("a code");
    let then = Box::new(Intent::Join("ABC123".parse().expect("a code")));
    story.intend(Intent::LinkDevice { code, then });
    story.requests();

    story.fail("The browser's code works once.", false);

    assert!(story.requests().is_empty(), "no other player takes that seat");
    assert_eq!(story.lobby().error.as_deref(), Some("The browser's code works once."));
    // The next attempt is for the player's own identity again.
    story.intend(Intent::SignIn);
    story.succeed("Ada", "t");
    let settings = story.app.world().resource::<Settings>();
    assert!(settings.previous_identities.as_slice().is_empty());
}

#[test]
fn the_outcome_of_a_cancelled_sign_in_is_ignored() {
    let mut story = Story::begin();
    story.intend(Intent::LinkDevice {
        code: "code".parse().expect("a code"),
        then: Box::new(Intent::SignIn),
    });
    let cancelled = story.attempt();
    let identity = serde_json::json!({ "server": SERVER, "name": "Bea", "token": "b" });
    let identity = serde_json::from_value(identity).expect("an identity");

    story.intend(Intent::RestoreIdentity(identity));

    let error = UserError { text: "too late".to_owned(), is_transient: true };
    story.receive(SessionEvent::SignInFailed { id: cancelled, error });
    assert!(story.lobby().is_signing_in() && story.lobby().error.is_none());
    story.succeed("Bea", "b");
    assert_eq!(story.lobby().session().map(|session| session.name.as_str()), Some("Bea"));
}

#[test]
fn a_server_that_refuses_is_not_asked_again_in_the_next_frame() {
    let mut story = Story::begin();
    let mut sign_ins = 0;

    for _ in 0..300 {
        story.app.world_mut().write_message(Intent::ShowRooms);
        story.app.update();
        for request in story.requests() {
            assert!(matches!(request, Request::SignIn(_)), "{request:?}");
            sign_ins += 1;
            story.fail("The server cannot be reached.", true);
        }
    }

    assert_eq!(sign_ins, 1);
    assert_eq!(story.lobby().error.as_deref(), Some("The server cannot be reached."));
    // After a sign-in the rooms are listed at once, and not in each frame.
    story.intend(Intent::SignIn);
    story.succeed("Ada", "t");
    story.requests();
    story.intend(Intent::ShowRooms);
    story.intend(Intent::ShowRooms);
    assert!(matches!(story.requests()[..], [Request::Directory(DirectoryRequest::List)]));
}
