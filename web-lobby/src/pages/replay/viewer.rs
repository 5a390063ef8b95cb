//! A recording with its picture, timeline and controls: brings download, player and canvas together.

use leptos::html;
use leptos::prelude::*;
use presentation::recording_player::{Extent, PlaybackState, RecordingPlayer};
use presentation::words;
use shared::id::ReplayId;
use shared::sim::Slot;

use super::controls::Controls;
use super::keyboard::{KeyList, command_of};
use super::keys::ViewerCommand;
use super::missing::NoReplay;
use super::moment::Moment;
use super::notice::Notice;
use super::shown::Shown;
use crate::api::stream::{Download, Progress, file_path};
use crate::api::transport::Status;
use crate::canvas::Frame;
use crate::components::match_canvas::{HudOverlay, MatchCanvas, MatchRenderer, Roster, Surface};
use crate::components::signals::set_if_changed;
use crate::components::timeline::{Line, NamedMarker, Timeline};

/// How often the overlay and the attributes for tests are updated, in milliseconds.
const UPDATE_EVERY_MS: f64 = 250.0;

/// A recording with its timeline, its controls and its players. `children` stand below the players.
#[component]
pub(crate) fn Viewer(
    id: ReplayId,
    moment: Moment,
    hides_spoilers: RwSignal<bool>,
    /// Receives the state of the download, for a badge.
    status: RwSignal<Status>,
    children: Children,
) -> impl IntoView {
    let shown = Shown {
        line: RwSignal::default(),
        state: RwSignal::new(PlaybackState::Buffering),
        speed: RwSignal::new(RecordingPlayer::default().speed_index()),
        progress: RwSignal::new(Progress::Opening),
        markers: RwSignal::default(),
        hud: RwSignal::default(),
        follow: RwSignal::new(moment.follow),
    };
    Effect::new(move |_| status.set(shown.progress.with(status_of)));
    let player = StoredValue::new(RecordingPlayer::starting_at(moment.tick));
    let download = StoredValue::new_local(Download::start(id));
    let theatre = NodeRef::<html::Div>::new();
    let act = move |command: ViewerCommand| match command {
        ViewerCommand::Playback(command) => {
            player.try_update_value(|player| player.apply(command));
        }
        ViewerCommand::ToggleFullScreen => toggle_full_screen(theatre),
        ViewerCommand::ToggleSpoilers => hides_spoilers.update(|hides| *hides = !*hides),
    };
    let seek = move |tick: f64| player.update_value(|player| player.seek(tick));
    let keys = window_event_listener(leptos::ev::keydown, move |event| {
        if let Some(command) = command_of(&event) {
            event.prevent_default();
            act(command);
        }
    });
    on_cleanup(move || keys.remove());

    let mut state = FrameState { shown, renderer: MatchRenderer::default(), updated_ms: 0.0 };
    let draw = move |surface: &mut Surface, frame: &Frame| {
        download.with_value(|download| {
            player.update_value(|player| state.draw(surface, frame, download, player));
        });
    };
    let refusal = move || match shown.progress.get() {
        Progress::Refused(why) => Some(why),
        _ => None,
    };
    let refusal = Memo::new(move |_| refusal());
    let label = Signal::derive(|| "The recorded match".to_owned());
    let mut draw = Some(draw);
    let mut children = Some(children);
    let stage = view! {
        <div class="theatre-main" node_ref=theatre tabindex="-1">
            <div class="stage" on:dblclick=move |_| act(ViewerCommand::ToggleFullScreen)>
                <MatchCanvas name="replay-canvas" label=label
                    draw=Box::new(draw.take().expect("painted once")) />
                <HudOverlay hud=shown.hud />
                <Notice shown=shown />
            </div>
            <Timeline line=shown.line markers=shown.markers hides_spoilers=hides_spoilers seek=seek />
            <Controls shown=shown act=act page=format!("/replays/{id}") file=file_path(id)
                hides_spoilers=hides_spoilers />
        </div>
        <aside class="theatre-side">
            <Roster hud=shown.hud follow=shown.follow />
            {children.take().map(|children| children())}
            <KeyList />
        </aside>
    };
    view! {
        <div class="theatre-grid" class:refused=move || refusal.with(Option::is_some)>{stage}</div>
        {move || refusal.get().map(|why| view! { <NoReplay why=why /> })}
    }
}

/// The state of the download, for a badge.
fn status_of(progress: &Progress) -> Status {
    match progress {
        Progress::Opening => Status::Connecting,
        Progress::Loading => Status::Loading,
        Progress::Reconnecting => Status::Reconnecting { seconds: 0 },
        Progress::Complete | Progress::Truncated => Status::Complete,
        Progress::Damaged(why) | Progress::Refused(why) => Status::Stopped(why.clone()),
    }
}

/// The state that is kept from frame to frame.
struct FrameState {
    shown: Shown,
    renderer: MatchRenderer,
    updated_ms: f64,
}

impl FrameState {
    fn draw(
        &mut self,
        surface: &mut Surface,
        frame: &Frame,
        download: &Download,
        player: &mut RecordingPlayer,
    ) {
        download.with(|downloaded| {
            let reader = &downloaded.reader;
            player.set_extent(Extent {
                first: reader.first_tick(),
                last: reader.available_ticks(),
                expected: reader.header().map_or(0, |header| header.round_ticks),
                may_grow: downloaded.progress.may_grow(),
            });
            player.advance(frame.passed_ms / 1_000.0);
            let follow = self.shown.follow.get_untracked();
            self.renderer.show(surface, frame, reader, player.at(), follow);

            let (at, available, total) = (player.at(), player.available(), player.total());
            set_if_changed(self.shown.line, Line { at, available, total });
            set_if_changed(self.shown.state, player.state());
            set_if_changed(self.shown.speed, player.speed_index());
            if frame.now_ms - self.updated_ms < UPDATE_EVERY_MS {
                return;
            }
            self.updated_ms = frame.now_ms;
            set_if_changed(self.shown.progress, downloaded.progress.clone());
            if let Some(hud) = self.renderer.hud(reader) {
                set_if_changed(self.shown.hud, hud);
            }
            let known = self.shown.markers.with_untracked(Vec::len);
            if reader.markers().len() != known {
                let named = |marker: &shared::api::Marker| NamedMarker {
                    marker: *marker,
                    name: reader.roster_at(marker.tick).name(Slot(marker.slot)).to_owned(),
                };
                self.shown.markers.set(reader.markers().iter().map(named).collect());
            }
            set_attributes(surface, player, reader.is_complete());
        });
    }
}

fn set_attributes(surface: &Surface, player: &RecordingPlayer, is_complete: bool) {
    let yes_no = |yes| if yes { "true" } else { "false" };
    surface.set_attribute("data-tick", &words::fixed(player.at(), 0));
    surface.set_attribute("data-available-ticks", &player.available().to_string());
    surface.set_attribute("data-playing", yes_no(player.state() == PlaybackState::Playing));
    surface.set_attribute("data-complete", yes_no(is_complete));
}

fn toggle_full_screen(theatre: NodeRef<html::Div>) {
    let document = document();
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if let Some(theatre) = theatre.get_untracked() {
        theatre.request_fullscreen().ok();
        // There is nothing else to scroll, so the arrow keys belong to the recording.
        theatre.focus().ok();
    }
}
