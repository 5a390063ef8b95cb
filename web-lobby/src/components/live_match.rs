//! A running match, shown with a short delay, with an overlay.

use leptos::prelude::*;
use presentation::playhead::LivePlayhead;
use presentation::words;
use shared::api::RoomList;
use shared::invitation::RoomAddress;
use shared::sim::Slot;

use super::match_canvas::{Hud, HudOverlay, MatchCanvas, MatchRenderer};
use super::signals::set_if_changed;
use crate::api::session::Identity;
use crate::api::sse::LiveFeed;
use crate::api::stream::{Credentials, FollowState, Follower};
use crate::api::transport::Status;
use crate::api::visibility::PageVisible;
use crate::canvas::Frame;
use crate::components::match_canvas::Surface;

/// How often the overlay and the attributes for tests are updated, in milliseconds.
const UPDATE_EVERY_MS: f64 = 250.0;

/// Follows the room of a signal and shows it. Without a room it shows the void.
#[component]
pub fn LiveMatch(
    /// The room to follow.
    #[prop(into)]
    room: Signal<Option<RoomAddress>>,
    /// Receives the content of the overlay, for a list beside the picture.
    #[prop(optional)]
    hud: Option<RwSignal<Hud>>,
    /// The player that the camera follows.
    #[prop(optional, into)]
    follow: Signal<Option<Slot>>,
    /// Receives the state of the stream, for a badge.
    status: RwSignal<Status>,
    /// Counts how often the stream was opened. With it the visitor counts as a spectator of the room: the stream is
    /// opened with the session, and opened again when the session changes.
    #[prop(optional)]
    opened: Option<RwSignal<u32>>,
) -> impl IntoView {
    let hud = hud.unwrap_or_default();
    let following = RwSignal::new(FollowState::Connecting);
    let follower = StoredValue::new_local(None::<Follower>);
    let PageVisible(visible) = PageVisible::expect();
    let credentials =
        if opened.is_some() { Credentials::WithSession } else { Credentials::Anonymous };
    Effect::new(move |_| {
        following.set(FollowState::Connecting);
        hud.set(Hud::default());
        if let Some(opened) = opened {
            opened.set(0);
        }
        // A hidden page needs no picture, and another tab may need its connection.
        let watched = room.get().filter(|_| visible.get());
        follower.set_value(watched.map(|room| Follower::start(room, credentials)));
    });
    let identity = Identity::expect();
    let me = Memo::new(move |_| identity.me.with(|me| me.as_ref().map(|me| me.player)));
    Effect::new(move |before: Option<_>| {
        let me = me.get();
        if credentials == Credentials::WithSession && before.is_some_and(|before| before != me) {
            follower.with_value(|follower| follower.as_ref().map(Follower::reopen));
        }
        me
    });
    Effect::new(move |_| {
        status.set(match (room.get(), visible.get()) {
            (None, _) => Status::Idle,
            (Some(_), false) => Status::Resting,
            (Some(_), true) => following.with(status_of),
        });
    });

    let mut frame_state = FrameState::new(hud, following, opened);
    let draw = move |surface: &mut Surface, frame: &Frame| {
        follower.with_value(|follower| {
            frame_state.draw(surface, frame, follower.as_ref(), follow.get_untracked());
        });
    };
    let label = move || {
        hud.with(|hud| match hud.standings.first() {
            Some(first) => format!("The match, live. In front: {}.", first.person.name),
            None => "The match, live.".to_owned(),
        })
    };
    view! {
        <div class="stage" data-state=move || following.with(state_word)>
            <MatchCanvas name="live-canvas" label=Signal::derive(label) draw=Box::new(draw) />
            <HudOverlay hud=hud />
            <LiveNotice room=room following=following has_picture=Signal::derive(move || {
                hud.with(|hud| !hud.standings.is_empty())
            }) />
        </div>
    }
}

/// The text over the picture while the match is not live.
#[component]
fn LiveNotice(
    room: Signal<Option<RoomAddress>>,
    #[prop(into)] following: Signal<FollowState>,
    has_picture: Signal<bool>,
) -> impl IntoView {
    let list = LiveFeed::<RoomList>::expect().state;
    let text = move || {
        match following.get() {
        _ if room.get().is_none() && list.with(Option::is_some) => {
            Some("No match runs just now. Quick play begins one.".to_owned())
        }
        FollowState::Live => None,
        FollowState::Connecting => Some("Connecting to the match …".to_owned()),
        FollowState::Waiting if has_picture.get() => Some("The next round begins soon.".to_owned()),
        FollowState::Waiting => Some("Waiting for the round to begin …".to_owned()),
        FollowState::Between => Some("Round over. The next one begins soon.".to_owned()),
        FollowState::Reconnecting => Some("Connection lost. Reconnecting …".to_owned()),
        FollowState::Crowded => Some(
            "Two other windows show other matches already, and a browser opens six connections to a server. \
             This one goes on when you close or hide one of them."
                .to_owned(),
        ),
        FollowState::Ended(why) => Some(why),
    }
    };
    let is_over = move || following.with(|following| matches!(following, FollowState::Ended(_)));
    view! {
        <div class="stage-notice" role="status" aria-live="polite">
            {move || text().map(|text| view! {
                <p>{text}{is_over().then(|| view! { " "<a href="/">"Live rooms"</a> })}</p>
            })}
        </div>
    }
}

/// The state as one word, for style sheets and tests.
const fn state_word(following: &FollowState) -> &'static str {
    match following {
        FollowState::Connecting | FollowState::Waiting | FollowState::Crowded => "connecting",
        FollowState::Live => "live",
        FollowState::Reconnecting => "reconnecting",
        FollowState::Between | FollowState::Ended(_) => "ended",
    }
}

/// The state of the stream, for a badge.
fn status_of(following: &FollowState) -> Status {
    match following {
        FollowState::Connecting => Status::Connecting,
        FollowState::Waiting | FollowState::Between => Status::Waiting,
        FollowState::Live => Status::Live,
        FollowState::Crowded => Status::Resting,
        FollowState::Reconnecting => Status::Reconnecting { seconds: 0 },
        FollowState::Ended(why) => Status::Stopped(why.clone()),
    }
}

/// The state that is kept from frame to frame.
struct FrameState {
    renderer: MatchRenderer,
    playhead: LivePlayhead,
    body: u32,
    updated_ms: f64,
    hud: RwSignal<Hud>,
    following: RwSignal<FollowState>,
    opened: Option<RwSignal<u32>>,
}

impl FrameState {
    fn new(
        hud: RwSignal<Hud>,
        following: RwSignal<FollowState>,
        opened: Option<RwSignal<u32>>,
    ) -> Self {
        Self {
            renderer: MatchRenderer::default(),
            playhead: LivePlayhead::default(),
            body: 0,
            updated_ms: 0.0,
            hud,
            following,
            opened,
        }
    }

    fn draw(
        &mut self,
        surface: &mut Surface,
        frame: &Frame,
        follower: Option<&Follower>,
        follow: Option<Slot>,
    ) {
        let Some(follower) = follower else {
            if surface.has_changed(frame, (None, None)) {
                surface.draw_void(frame);
            }
            return;
        };
        follower.with(|followed| {
            if self.body != followed.body {
                self.body = followed.body;
                self.renderer.reset();
                self.playhead = LivePlayhead::default();
            }
            let reader = &followed.reader;
            let span = (reader.first_tick(), reader.available_ticks());
            if reader.is_complete() || followed.following == FollowState::Between {
                self.playhead.play_out(span.1, frame.passed_ms);
            } else {
                self.playhead.advance(&followed.jitter, span, frame.now_ms, frame.passed_ms);
            }
            let at = self.playhead.at().unwrap_or(0.0);
            self.renderer.show(surface, frame, reader, at, follow);
            if frame.now_ms - self.updated_ms > UPDATE_EVERY_MS {
                self.updated_ms = frame.now_ms;
                self.write(surface, &followed.following, at);
                if let Some(opened) = self.opened {
                    set_if_changed(opened, followed.opened);
                }
                if let Some(hud) = self.renderer.hud(reader) {
                    set_if_changed(self.hud, hud);
                }
            }
        });
    }

    fn write(&self, surface: &Surface, following: &FollowState, at: f64) {
        surface.set_attribute("data-tick", &words::fixed(at, 0));
        surface.set_attribute("data-state", state_word(following));
        set_if_changed(self.following, following.clone());
    }
}
