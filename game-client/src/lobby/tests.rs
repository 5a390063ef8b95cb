//! The lobby between a network on paper and a person who wishes.

use bevy::prelude::{App, State};
use bevy::state::app::StatesPlugin;
use shared::api::{RoomDetails, Session};
use shared::id::{PlayerId, RoomId};
use tokio::sync::mpsc;

use super::{Lobby, LobbyPlugin, Screen, Wish};
use crate::invite::HandoverCode;
use crate::net::{Claim, Net, Report, Request, Trouble};
use crate::scene::Stage;
use crate::settings::Settings;

const SERVER: &str = "http://127.0.0.1:7777";

struct Story {
    app: App,
    asked: mpsc::Receiver<Request>,
}

impl Story {
    fn begin() -> Self {
        let (net, asked) = Net::on_paper();
        let (server, name) = (SERVER.to_owned(), "Ada".to_owned());
        let mut app = App::new();
        app.add_plugins((StatesPlugin, LobbyPlugin))
            .add_message::<Report>()
            .init_resource::<Stage>()
            .insert_resource(Settings { server, name, ..Settings::default() })
            .insert_resource(net);
        Self { app, asked }
    }

    fn is_signed_in(&mut self) {
        self.is_signed_in_as("Ada", "t");
    }

    fn is_signed_in_as(&mut self, name: &str, token: &str) {
        let session =
            serde_json::json!({ "player": PlayerId::from_bits(1), "name": name, "token": token });
        let session: Session = serde_json::from_value(session).expect("a session");
        self.hear(Report::SignedIn { server: SERVER.to_owned(), session });
    }

    fn hear(&mut self, report: Report) {
        self.app.world_mut().write_message(report);
        self.frames(3);
    }

    fn wish(&mut self, wish: Wish) {
        self.app.world_mut().write_message(wish);
        self.frames(3);
    }

    fn frames(&mut self, count: u32) {
        (0..count).for_each(|_| self.app.update());
    }

    /// What was asked since the last look.
    fn asked(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }

    fn lobby(&self) -> &Lobby {
        self.app.world().resource()
    }
}

fn details(room: RoomId) -> RoomDetails {
    let details = serde_json::json!({
        "id": room, "mode": "brawl", "phase": "playing", "round": 1, "players": 1, "bots": 0, "seats": 8,
        "spectators": 0, "ends_at_ms": null, "leader": null, "private": true, "seated": [], "recording": null,
    });
    serde_json::from_value(details).expect("a room")
}

fn is_look(request: &Request) -> bool {
    matches!(request, Request::LookAt(_))
}

#[test]
fn whoever_steps_out_of_a_lost_room_keeps_the_seat_and_sees_the_way_back() {
    let mut story = Story::begin();
    story.is_signed_in();
    let room: RoomId = "ABC123".parse().expect("a code");
    story.wish(Wish::Join(room));
    assert!(matches!(story.asked().last(), Some(Request::Enter { .. })));

    story.wish(Wish::StepOut);

    let asked = story.asked();
    assert!(matches!(asked.first(), Some(Request::StepOut)), "{asked:?}");
    assert_eq!(asked.iter().filter(|request| is_look(request)).count(), 1, "{asked:?}");
    assert_eq!(*story.app.world().resource::<State<Screen>>().get(), Screen::Menu);
    story.hear(Report::Looked(room, Ok(Some(details(room)))));
    assert_eq!(story.lobby().rejoin.as_ref().map(|rejoin| rejoin.summary.id), Some(room));
    story.frames(100);
    assert!(story.asked().is_empty(), "it is known now");
}

#[test]
fn whoever_leaves_gives_the_seat_up_and_is_not_led_back() {
    let mut story = Story::begin();
    story.is_signed_in();
    story.wish(Wish::Join("ABC123".parse().expect("a code")));
    story.asked();

    story.wish(Wish::Leave);

    let asked = story.asked();
    assert!(matches!(asked[..], [Request::Leave]), "{asked:?}");
    assert!(story.lobby().rejoin.is_none());
}

#[test]
fn the_browsers_player_comes_first_and_then_the_seat() {
    let mut story = Story::begin();
    story.is_signed_in();
    let room: RoomId = "ABC123".parse().expect("a code");
    let code: HandoverCode = "code".parse().expect("a code");

    story.wish(Wish::As(code.clone(), Box::new(Wish::Join(room))));

    let asked = story.asked();
    let claims = |request: &Request| matches!(request, Request::SignIn { claim: Claim::Handover(of), token: Some(token), .. } if *of == code && token == "t");
    assert!(asked.len() == 1 && claims(&asked[0]), "{asked:?}");
    story.is_signed_in_as("Bea", "browser");
    assert!(matches!(story.asked()[..], [Request::Enter { room: entered, .. }] if entered == room));
    let former = story.app.world().resource::<Settings>().former[0].clone();
    assert_eq!((former.name.as_str(), former.token.as_str()), ("Ada", "t"));

    story.wish(Wish::Be(former));
    let asked = story.asked();
    assert!(
        matches!(&asked[..], [Request::SignIn { claim: Claim::Name(name), token: Some(token), .. }] if name.as_str() == "Ada" && token == "t"),
        "{asked:?}"
    );
}

#[test]
fn a_code_that_is_refused_leads_nowhere() {
    let mut story = Story::begin();
    let code: HandoverCode = "code".parse().expect("a code");
    story.wish(Wish::As(code, Box::new(Wish::Join("ABC123".parse().expect("a code")))));
    story.asked();

    let text = "The browser's code works once.".to_owned();
    story.hear(Report::SignInFailed(Trouble { text, may_pass: false }));

    assert!(story.asked().is_empty(), "nobody else takes that seat");
    assert_eq!(story.lobby().trouble.as_deref(), Some("The browser's code works once."));
    // The next try is one's own again.
    story.wish(Wish::SignIn);
    story.is_signed_in();
    assert!(story.app.world().resource::<Settings>().former.is_empty());
}

#[test]
fn a_server_that_refuses_is_not_asked_again_in_the_next_frame() {
    let mut story = Story::begin();
    let mut signed_in = 0;

    for _ in 0..300 {
        story.app.world_mut().write_message(Wish::SeeRooms);
        story.app.update();
        for request in story.asked() {
            assert!(matches!(request, Request::SignIn { .. }), "{request:?}");
            signed_in += 1;
            let text = "The server cannot be reached.".to_owned();
            story.hear(Report::SignInFailed(Trouble { text, may_pass: true }));
        }
    }

    assert_eq!(signed_in, 1);
    assert_eq!(story.lobby().trouble.as_deref(), Some("The server cannot be reached."));
    // Whoever comes in after all sees the rooms at once, and is not asked for them in each frame.
    story.is_signed_in();
    story.wish(Wish::SeeRooms);
    story.wish(Wish::SeeRooms);
    assert!(matches!(story.asked()[..], [Request::ListRooms]));
}
