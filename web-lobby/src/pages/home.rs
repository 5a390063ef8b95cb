//! `/`: play, watch, scores, rooms, replays and chat on one page.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use shared::api::RoomList;
use shared::id::RoomId;

use crate::api::chat::Chat;
use crate::api::long_poll::{QuickPlay, Search};
use crate::api::pull::{ReplayFilter, Replays};
use crate::api::sse::LiveFeed;
use crate::api::transport::{Status, Transport};
use crate::components::badge::Badge;
use crate::components::chat::ChatPanel;
use crate::components::live_match::LiveMatch;
use crate::components::match_canvas::Hud;
use crate::components::quick_play::QuickPlayPanel;
use crate::components::replay_list::{RefreshBar, ReplayList};
use crate::components::rooms::{
    RoomPanel, RoomTime, ShownClock, find_room, occupancy, room_to_feature,
};
use crate::components::scoreboard::ScorePanel;
use crate::components::tab_bar::Tab;
use crate::components::title::page_title;

/// How many replays the page shows.
const REPLAYS: u32 = 6;

/// The lobby.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    page_title(String::new);
    let location = use_location();
    let tab = Memo::new(move |_| Tab::of(&location.hash.get()));
    let list = LiveFeed::<RoomList>::expect().state;
    let chosen = RwSignal::new(None::<RoomId>);
    let featured = Memo::new(move |shown: Option<&Option<RoomId>>| {
        list.with(|list| {
            let rooms = list.as_ref().map(|list| list.rooms.as_slice()).unwrap_or_default();
            let is_open = |id: &RoomId| rooms.iter().any(|room| room.id == *id);
            let chosen = chosen.get().filter(is_open);
            chosen.or_else(|| room_to_feature(rooms, shown.copied().flatten()))
        })
    });
    let hud = RwSignal::new(Hud::default());
    let status = RwSignal::new(Status::Idle);
    let clock = Memo::new(move |_| {
        let clock = hud.with(|hud| hud.clock.clone());
        let is_shown = status.with(|status| *status == Status::Live) && !clock.is_empty();
        featured.get().filter(|_| is_shown).map(|room| (room, clock))
    });
    provide_context(ShownClock(clock));
    follow_own_room();
    view! {
        <div class="home" data-tab=move || tab.get().name()>
            <h1 class="unseen">"The lobby"</h1>
            <QuickPlayPanel />
            <Featured room=featured hud=hud status=status />
            <ScorePanel />
            <RoomPanel featured=featured feature=move |room| chosen.set(Some(room)) />
            <LatestReplays />
            <ChatPanel />
        </div>
    }
}

/// Offers the chat channel of the room where the visitor has a seat.
fn follow_own_room() {
    let search = QuickPlay::expect().search;
    let chat = Chat::expect();
    Effect::new(move |_| {
        chat.set_room(match search.get() {
            Search::Matched { room, .. } => Some(room),
            Search::Off | Search::Asking | Search::Waiting { .. } | Search::Failed(_) => None,
        });
    });
}

/// The room that is shown large.
#[component]
fn Featured(
    room: Memo<Option<RoomId>>,
    hud: RwSignal<Hud>,
    status: RwSignal<Status>,
) -> impl IntoView {
    let list = LiveFeed::<RoomList>::expect().state;
    let summary = Memo::new(move |_| room.get().and_then(|id| find_room(list.into(), id)));
    let address = move || room.get().map(|id| format!("/rooms/{id}/watch"));
    view! {
        <section class="panel featured" aria-label="A match, live">
            <LiveMatch room=Signal::derive(move || room.get().map(Into::into)) hud=hud status=status />
            <div class="caption" class:unseen=move || room.get().is_none()>
                <b>{move || summary.with(|room| room.as_ref().map(|room| room.mode.title()))}</b>
                <span class="room-id">{move || room.get().map(|id| id.to_string())}</span>
                <span class="seats">{move || summary.with(|room| room.as_ref().map(occupancy))}</span>
                <Badge part="live" transport=Transport::Stream status=status />
                <RoomTime room=summary />
                {move || address().map(|address| view! {
                    <a class="button quiet slim" href=address>"Watch large"</a>
                })}
            </div>
        </section>
    }
}

#[component]
fn LatestReplays() -> impl IntoView {
    let filter = ReplayFilter { limit: REPLAYS, ..ReplayFilter::default() };
    let replays = Replays::new(Signal::stored(filter));
    view! {
        <section class="panel replays" aria-labelledby="replays-title">
            <div class="panel-head">
                <h2 id="replays-title">"Replays"</h2>
                <RefreshBar part="replays" status=replays.status refresh=move |()| replays.refresh() />
            </div>
            <ReplayList
                replays=replays
                nothing="Nothing has been recorded yet. A round lasts three minutes; then it appears here."
            />
            <a class="all" href="/replays">"All replays"</a>
        </section>
    }
}
