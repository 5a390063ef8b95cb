//! A room as it plays right now, a moment behind, with its state over it.

use leptos::prelude::*;
use presentation::playhead::LivePlayhead;
use shared::api::RoomList;
use shared::id::RoomId;
use shared::sim::Slot;

use super::stage::{Hud, HudOverlay, Projector, Stage};
use crate::api::link::Link;
use crate::api::session::Identity;
use crate::api::sse::Fed;
use crate::api::stream::{Asks, Follower, Following};
use crate::api::wake::Seen;
use crate::canvas::Frame;
use crate::components::stage::Easel;

/// What is written is renewed every so many milliseconds.
const WRITE_EVERY_MS: f64 = 250.0;

/// Follows a room and shows it. Another room in the signal is followed instead; none shows the void.
#[component]
pub fn LiveStage(
    /// Which room.
    #[prop(into)]
    room: Signal<Option<RoomId>>,
    /// Gets what is written over the picture, for whoever shows more of it beside.
    #[prop(optional)]
    hud: Option<RwSignal<Hud>>,
    /// The player whom the eye follows.
    #[prop(optional, into)]
    follow: Signal<Option<Slot>>,
    /// Gets how the stream stands, for a badge.
    link: RwSignal<Link>,
    /// Counts how often the stream was opened. Who gives it wants to be in the room, not only to look in: the
    /// server is told who watches, also when somebody gets a name only later.
    #[prop(optional)]
    opened: Option<RwSignal<u32>>,
) -> impl IntoView {
    let hud = hud.unwrap_or_default();
    let following = RwSignal::new(Following::Connecting);
    let follower = StoredValue::new_local(None::<Follower>);
    let Seen(seen) = Seen::expect();
    let asks = if opened.is_some() { Asks::AsOneself } else { Asks::AsNobody };
    Effect::new(move |_| {
        following.set(Following::Connecting);
        hud.set(Hud::default());
        if let Some(opened) = opened {
            opened.set(0);
        }
        // Nobody watches a hidden page, and its connection may be wanted by another tab.
        let watched = room.get().filter(|_| seen.get());
        follower.set_value(watched.map(|room| Follower::start(room, asks)));
    });
    let identity = Identity::expect();
    let me = Memo::new(move |_| identity.me.with(|me| me.as_ref().map(|me| me.player)));
    Effect::new(move |before: Option<_>| {
        let me = me.get();
        if asks == Asks::AsOneself && before.is_some_and(|before| before != me) {
            follower.with_value(|follower| follower.as_ref().map(Follower::reopen));
        }
        me
    });
    Effect::new(move |_| {
        link.set(match (room.get(), seen.get()) {
            (None, _) => Link::Idle,
            (Some(_), false) => Link::Resting,
            (Some(_), true) => following.with(link_of),
        });
    });

    let mut picture = Picture::new(hud, following, opened);
    let paint = move |easel: &mut Easel, frame: &Frame| {
        follower.with_value(|follower| {
            picture.paint(easel, frame, follower.as_ref(), follow.get_untracked());
        });
    };
    let label = move || {
        hud.with(|hud| match hud.standings.first() {
            Some(first) => format!("The match, live. In front: {}.", first.person.name),
            None => "The match, live.".to_owned(),
        })
    };
    view! {
        <div class="stage" data-state=move || following.with(state)>
            <Stage name="live-canvas" label=Signal::derive(label) paint=Box::new(paint) />
            <HudOverlay hud=hud />
            <LiveNotice room=room following=following has_picture=Signal::derive(move || {
                hud.with(|hud| !hud.standings.is_empty())
            }) />
        </div>
    }
}

/// What the stage says while it is not simply live.
#[component]
fn LiveNotice(
    room: Signal<Option<RoomId>>,
    #[prop(into)] following: Signal<Following>,
    has_picture: Signal<bool>,
) -> impl IntoView {
    let list = Fed::<RoomList>::expect().state;
    let text = move || match following.get() {
        _ if room.get().is_none() && list.with(Option::is_some) => {
            Some("No match runs just now. Quick play begins one.".to_owned())
        }
        Following::Live => None,
        Following::Connecting => Some("Connecting to the match …".to_owned()),
        Following::Waiting if has_picture.get() => Some("The next round begins soon.".to_owned()),
        Following::Waiting => Some("Waiting for the round to begin …".to_owned()),
        Following::Between => Some("Round over. The next one begins soon.".to_owned()),
        Following::Reconnecting => Some("Connection lost. Reconnecting …".to_owned()),
        Following::Ended(why) => Some(why),
    };
    let is_over = move || following.with(|following| matches!(following, Following::Ended(_)));
    view! {
        <div class="stage-notice" role="status" aria-live="polite">
            {move || text().map(|text| view! {
                <p>{text}{is_over().then(|| view! { " "<a href="/">"Live rooms"</a> })}</p>
            })}
        </div>
    }
}

/// The word by which style sheets and tests know a state.
const fn state(following: &Following) -> &'static str {
    match following {
        Following::Connecting | Following::Waiting => "connecting",
        Following::Live => "live",
        Following::Reconnecting => "reconnecting",
        Following::Between | Following::Ended(_) => "ended",
    }
}

/// How the stream stands, as a badge says it.
fn link_of(following: &Following) -> Link {
    match following {
        Following::Connecting => Link::Connecting,
        Following::Waiting | Following::Between => Link::Waiting,
        Following::Live => Link::Live,
        Following::Reconnecting => Link::Reconnecting { seconds: 0 },
        Following::Ended(why) => Link::Stopped(why.clone()),
    }
}

/// What is kept from frame to frame.
struct Picture {
    projector: Projector,
    playhead: LivePlayhead,
    body: u32,
    written_ms: f64,
    hud: RwSignal<Hud>,
    following: RwSignal<Following>,
    opened: Option<RwSignal<u32>>,
}

impl Picture {
    fn new(
        hud: RwSignal<Hud>,
        following: RwSignal<Following>,
        opened: Option<RwSignal<u32>>,
    ) -> Self {
        Self {
            projector: Projector::default(),
            playhead: LivePlayhead::default(),
            body: 0,
            written_ms: 0.0,
            hud,
            following,
            opened,
        }
    }

    fn paint(
        &mut self,
        easel: &mut Easel,
        frame: &Frame,
        follower: Option<&Follower>,
        follow: Option<Slot>,
    ) {
        let Some(follower) = follower else {
            crate::canvas::draw_void(&easel.context, &mut easel.brushes, frame);
            return;
        };
        follower.watch(frame.now_ms);
        follower.with(|followed| {
            if self.body != followed.body {
                self.body = followed.body;
                self.projector.reset();
                self.playhead = LivePlayhead::default();
            }
            let reader = &followed.reader;
            let span = (reader.first_tick(), reader.available_ticks());
            if reader.is_complete() || followed.following == Following::Between {
                self.playhead.play_out(span.1, frame.passed_ms);
            } else {
                self.playhead.advance(&followed.jitter, span, frame.now_ms, frame.passed_ms);
            }
            let at = self.playhead.at().unwrap_or(0.0);
            self.projector.show(easel, frame, reader, at, follow);
            if frame.now_ms - self.written_ms > WRITE_EVERY_MS {
                self.written_ms = frame.now_ms;
                self.write(easel, &followed.following, at);
                if let Some(opened) = self.opened {
                    set_if_other(opened, followed.opened);
                }
                if let Some(hud) = self.projector.hud(reader) {
                    set_if_other(self.hud, hud);
                }
            }
        });
    }

    fn write(&self, easel: &Easel, following: &Following, at: f64) {
        easel.mark("data-tick", &format!("{at:.0}"));
        easel.mark("data-state", state(following));
        set_if_other(self.following, following.clone());
    }
}

/// Tells only what is new.
fn set_if_other<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|known| *known != value) {
        signal.set(value);
    }
}
