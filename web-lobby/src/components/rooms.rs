//! The public rooms, live, and the choice of the room that is shown large.

use leptos::prelude::*;
use presentation::words;
use shared::api::{RoomList, RoomPhase, RoomSummary};
use shared::id::RoomId;

use super::badge::{Badge, OldNotice};
use super::icon::{Icon, IconView};
use super::notice::{Empty, Skeleton};
use super::thumbnail::Thumbnail;
use crate::api::clock::Now;
use crate::api::sse::LiveFeed;
use crate::api::transport::Transport;

/// The list of rooms with its heading.
#[component]
pub(crate) fn RoomPanel(
    /// The room that is shown large.
    #[prop(into)]
    featured: Signal<Option<RoomId>>,
    /// Shows another room large.
    #[prop(into)]
    feature: Callback<RoomId>,
) -> impl IntoView {
    let feed = LiveFeed::<RoomList>::expect();
    let ids = Memo::new(move |_| {
        feed.state.with(|list| {
            list.as_ref().map(|list| list.rooms.iter().map(|room| room.id).collect::<Vec<_>>())
        })
    });
    let is_known = Memo::new(move |_| ids.with(Option::is_some));
    let is_empty = Memo::new(move |_| ids.with(|ids| ids.as_ref().is_some_and(Vec::is_empty)));
    view! {
        <section class="panel rooms" aria-labelledby="rooms-title">
            <div class="panel-head">
                <h2 id="rooms-title">"Rooms"</h2>
                <Badge part="rooms" transport=Transport::Events status=feed.status />
            </div>
            <OldNotice what="Rooms" status=feed.status heard_ms=feed.heard_ms />
            <Show when=move || is_known.get() fallback=|| view! { <Skeleton rows=2 /> }>
                <Show when=move || !is_empty.get() fallback=|| view! {
                    <Empty>"No room is open. Press Quick play and there will be one."</Empty>
                }>
                    <ul class="room-list">
                        <For each=move || ids.get().unwrap_or_default() key=|id| *id let:id>
                            <RoomLine list=feed.state id=id featured=featured feature=feature />
                        </For>
                    </ul>
                </Show>
            </Show>
        </section>
    }
}

#[component]
fn RoomLine(
    #[prop(into)] list: Signal<Option<RoomList>>,
    id: RoomId,
    featured: Signal<Option<RoomId>>,
    feature: Callback<RoomId>,
) -> impl IntoView {
    let room = Memo::new(move |known: Option<&Option<RoomSummary>>| {
        find_room(list, id).or_else(|| known.cloned().flatten())
    });
    let is_featured = move || featured.get() == Some(id);
    view! {
        <li
            data-testid="room-row"
            data-room=id.to_string()
            data-players=move || room.with(|room| room.as_ref().map(|room| room.players))
            class:featured=is_featured
        >
            <button
                class="show"
                aria-pressed=move || is_featured().to_string()
                on:click=move |_| feature.run(id)
                title="Show this room above"
            >
                <Thumbnail room=id />
                <b>{move || room.with(|room| room.as_ref().map(|room| room.mode.title()))}</b>
                <span class="room-id">{id.to_string()}</span>
            </button>
            <span class="seats">{move || room.with(|room| room.as_ref().map(occupancy))}</span>
            <span class="leader">{move || room.with(|room| room.as_ref().and_then(leader_text))}</span>
            <RoomTime room=room />
            <span class="acts">
                <a class="button quiet slim" href=format!("/rooms/{id}/watch")>
                    <IconView icon=Icon::Eye />
                    "Watch"
                </a>
                <a class="button quiet slim" href=format!("/r/{id}")>
                    <IconView icon=Icon::Play />
                    "Join"
                </a>
            </span>
        </li>
    }
}

/// The room that is shown large, and its clock there while the picture is live. The picture is a moment behind the room, and
/// one page shows one time for one match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownClock(pub(crate) Memo<Option<(RoomId, String)>>);

/// The phase of a room, or the time that is left.
#[component]
pub(crate) fn RoomTime(#[prop(into)] room: Signal<Option<RoomSummary>>) -> impl IntoView {
    let now = Now::expect();
    let shown = use_context::<ShownClock>();
    view! {
        <span class="phase num">
            {move || {
                room.with(|room| {
                    let room = room.as_ref()?;
                    let shown = shown.and_then(|ShownClock(shown)| shown.get());
                    let shown = shown.filter(|(id, _)| *id == room.id);
                    if let (RoomPhase::Playing, Some((_, clock))) = (room.phase, shown) {
                        return Some(clock);
                    }
                    Some(match (room.phase, room.ends_at_ms) {
                        (RoomPhase::Waiting, _) => "filling".to_owned(),
                        (RoomPhase::Playing, Some(at_ms)) => words::clock(now.seconds_until(at_ms)),
                        (RoomPhase::Playing, None) => "playing".to_owned(),
                        (RoomPhase::Summary, _) => "break".to_owned(),
                    })
                })
            }}
        </span>
    }
}

/// Finds a room in the list.
pub(crate) fn find_room(list: Signal<Option<RoomList>>, id: RoomId) -> Option<RoomSummary> {
    list.with(|list| list.as_ref()?.rooms.iter().find(|room| room.id == id).cloned())
}

/// The seats of a room: `3 people, 5 bots, 8 free`.
pub(crate) fn occupancy(room: &RoomSummary) -> String {
    let people = match room.players {
        0 => None,
        1 => Some("1 person".to_owned()),
        count => Some(format!("{count} people")),
    };
    let bots = (room.bots > 0).then(|| words::count(room.bots, "bot"));
    let free = match room.seats.saturating_sub(room.players + room.bots) {
        0 => "full".to_owned(),
        count => format!("{count} free"),
    };
    [people, bots, Some(free)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The leader of a room: `Ada leads with 7`.
pub(crate) fn leader_text(room: &RoomSummary) -> Option<String> {
    room.leader.as_ref().map(|(name, points)| format!("{name} leads with {points}"))
}

/// The room to show large. The room that is shown stays, unless it has closed, or has no people while another room
/// has. Otherwise it is the room with the most people, and the oldest of those.
pub(crate) fn room_to_feature(rooms: &[RoomSummary], shown: Option<RoomId>) -> Option<RoomId> {
    let busiest = rooms.iter().rev().max_by_key(|room| room.players)?;
    let stays = rooms
        .iter()
        .find(|room| Some(room.id) == shown)
        .filter(|room| room.players > 0 || busiest.players == 0);
    Some(stays.unwrap_or(busiest).id)
}

#[cfg(test)]
mod tests {
    use shared::api::{RoomPhase, RoomSummary};
    use shared::id::RoomId;
    use shared::sim::Mode;

    use super::{occupancy, room_to_feature};

    fn room(id: u64, players: u32) -> RoomSummary {
        RoomSummary {
            id: RoomId::from_bits(id),
            mode: Mode::Brawl,
            phase: RoomPhase::Playing,
            round: 1,
            players,
            bots: 4,
            seats: 16,
            spectators: 0,
            ends_at_ms: None,
            leader: None,
        }
    }

    #[test]
    fn the_busiest_room_is_shown_and_stays() {
        let id = |bits| Some(RoomId::from_bits(bits));
        assert_eq!(room_to_feature(&[], None), None);
        assert_eq!(room_to_feature(&[room(1, 0), room(2, 0)], None), id(1));
        assert_eq!(room_to_feature(&[room(1, 1), room(2, 3)], None), id(2));

        assert_eq!(room_to_feature(&[room(1, 1), room(2, 3)], id(1)), id(1));
        assert_eq!(room_to_feature(&[room(1, 0), room(2, 3)], id(1)), id(2));
        assert_eq!(room_to_feature(&[room(2, 3)], id(1)), id(2));
    }

    #[test]
    fn occupancy_reads_well() {
        assert_eq!(occupancy(&room(1, 1)), "1 person, 4 bots, 11 free");
        assert_eq!(occupancy(&room(1, 12)), "12 people, 4 bots, full");
        assert_eq!(occupancy(&RoomSummary { bots: 0, ..room(1, 0) }), "16 free");
    }
}
