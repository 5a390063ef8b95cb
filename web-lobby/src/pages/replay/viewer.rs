//! A recording with its picture, timeline and controls: brings download, player and canvas together.

use leptos::html;
use leptos::prelude::*;
use presentation::recording_player::{Extent, PlaybackState, RecordingPlayer};
use shared::id::ReplayId;
use shared::sim::Slot;
use wasm_bindgen::JsCast as _;
use web_sys::KeyboardEvent;

use super::controls::Controls;
use super::keys::{Focus, ViewerCommand, command_of_key};
use super::{Moment, Unknown};
use crate::api::link::Link;
use crate::api::stream::{Download, Progress, file_address};
use crate::canvas::Frame;
use crate::components::stage::{Easel, Hud, HudOverlay, Projector, Roster, Stage};
use crate::components::timeline::{Line, NamedMarker, Timeline};

/// What is written, and what tests read, is renewed every so many milliseconds.
const WRITE_EVERY_MS: f64 = 250.0;

/// What the page shows of the player.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    pub line: RwSignal<Line>,
    pub state: RwSignal<PlaybackState>,
    pub speed: RwSignal<usize>,
    pub(super) progress: RwSignal<Progress>,
    pub markers: RwSignal<Vec<NamedMarker>>,
    pub hud: RwSignal<Hud>,
    pub follow: RwSignal<Option<Slot>>,
}

/// A recording with its timeline, its controls and its players; `children` stand below the players.
#[component]
pub fn Viewer(
    id: ReplayId,
    moment: Moment,
    hides_spoilers: RwSignal<bool>,
    /// Gets how the download stands, for a badge.
    link: RwSignal<Link>,
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
    Effect::new(move |_| link.set(shown.progress.with(link_of)));
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

    let mut picture = Picture { shown, projector: Projector::default(), written_ms: 0.0 };
    let paint = move |easel: &mut Easel, frame: &Frame| {
        download.with_value(|download| {
            player.update_value(|player| picture.paint(easel, frame, download, player));
        });
    };
    let refusal = move || match shown.progress.get() {
        Progress::Refused(why) => Some(why),
        _ => None,
    };
    let refusal = Memo::new(move |_| refusal());
    let label = Signal::derive(|| "The recorded match".to_owned());
    let mut paint = Some(paint);
    let mut children = Some(children);
    let stage = view! {
        <div class="theatre-main" node_ref=theatre tabindex="-1">
            <div class="stage" on:dblclick=move |_| act(ViewerCommand::ToggleFullScreen)>
                <Stage name="replay-canvas" label=label
                    paint=Box::new(paint.take().expect("painted once")) />
                <HudOverlay hud=shown.hud />
                <Notice shown=shown />
            </div>
            <Timeline line=shown.line markers=shown.markers hides_spoilers=hides_spoilers seek=seek />
            <Controls shown=shown act=act page=format!("/replays/{id}") file=file_address(id)
                hides_spoilers=hides_spoilers />
        </div>
        <aside class="theatre-side">
            <Roster hud=shown.hud follow=shown.follow />
            {children.take().map(|children| children())}
            <Keys />
        </aside>
    };
    view! {
        <div class="theatre-grid" class:refused=move || refusal.with(Option::is_some)>{stage}</div>
        {move || refusal.get().map(|why| view! { <Unknown why=why /> })}
    }
}

/// How the download stands, as a badge says it.
fn link_of(progress: &Progress) -> Link {
    match progress {
        Progress::Opening => Link::Connecting,
        Progress::Loading => Link::Loading,
        Progress::Reconnecting => Link::Reconnecting { seconds: 0 },
        Progress::Whole | Progress::CutOff => Link::Complete,
        Progress::Damaged(why) | Progress::Refused(why) => Link::Stopped(why.clone()),
    }
}

/// What the stage says while it does not simply play.
#[component]
fn Notice(shown: Shown) -> impl IntoView {
    let has_picture = Memo::new(move |_| shown.hud.with(|hud| !hud.standings.is_empty()));
    let text = move || match (shown.progress.get(), shown.state.get()) {
        (Progress::Opening, _) => Some("Loading the recording …".to_owned()),
        (Progress::Reconnecting, PlaybackState::Buffering) => {
            Some("Connection lost. Trying again …".to_owned())
        }
        (_, PlaybackState::Buffering) => Some("Waiting for the download …".to_owned()),
        (Progress::CutOff, PlaybackState::Ended) if has_picture.get() => {
            Some("Cut off here: the server stopped in the middle of the round.".to_owned())
        }
        (Progress::CutOff, PlaybackState::Ended) => {
            Some("There is nothing in this recording.".to_owned())
        }
        (Progress::Damaged(why), PlaybackState::Ended) if has_picture.get() => {
            Some(format!("{why} It plays up to here."))
        }
        (Progress::Damaged(why), PlaybackState::Ended) => Some(why),
        (Progress::Refused(why), _) => Some(why),
        _ => None,
    };
    let standing = move || match shown.progress.get() {
        _ if !has_picture.get() => None,
        Progress::CutOff => Some("incomplete: cut off when the server stopped"),
        Progress::Damaged(_) => Some("damaged: plays as far as it can be read"),
        _ => None,
    };
    let is_void = move || shown.state.get() == PlaybackState::Ended && !has_picture.get();
    view! {
        <div class="stage-notice" role="status" aria-live="polite">
            {move || text().map(|text| view! {
                <p>{text}{is_void().then(|| view! { " "<a href="/replays">"Other replays"</a> })}</p>
            })}
        </div>
        {move || standing().map(|text| view! { <p class="stage-mark">{text}</p> })}
    }
}

/// The keys, for those who look for them.
#[component]
fn Keys() -> impl IntoView {
    let rows = [
        ("space", "play, pause"),
        ("← →", "5 seconds"),
        (", .", "one picture"),
        ("1 … 9", "10 % … 90 %"),
        ("Home End", "begin, end"),
        ("− +", "speed"),
        ("f  h", "full screen, spoilers"),
    ];
    view! {
        <details class="panel keys">
            <summary>"Keys"</summary>
            <dl>
                {rows.map(|(keys, does)| view! { <dt><kbd>{keys}</kbd></dt><dd>{does}</dd> }).collect_view()}
            </dl>
            <p class="muted small">"Press the picture first: elsewhere arrows, Home and End scroll the page."</p>
        </details>
    }
}

/// What is kept from frame to frame.
struct Picture {
    shown: Shown,
    projector: Projector,
    written_ms: f64,
}

impl Picture {
    fn paint(
        &mut self,
        easel: &mut Easel,
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
            self.projector.show(easel, frame, reader, player.at(), follow);

            let (at, available, total) = (player.at(), player.available(), player.total());
            set_if_other(self.shown.line, Line { at, available, total });
            set_if_other(self.shown.state, player.state());
            set_if_other(self.shown.speed, player.speed_index());
            if frame.now_ms - self.written_ms < WRITE_EVERY_MS {
                return;
            }
            self.written_ms = frame.now_ms;
            set_if_other(self.shown.progress, downloaded.progress.clone());
            if let Some(hud) = self.projector.hud(reader) {
                set_if_other(self.shown.hud, hud);
            }
            let known = self.shown.markers.with_untracked(Vec::len);
            if reader.markers().len() != known {
                let named = |marker: &shared::api::Marker| NamedMarker {
                    marker: *marker,
                    name: reader.roster_at(marker.tick).name(Slot(marker.slot)).to_owned(),
                };
                self.shown.markers.set(reader.markers().iter().map(named).collect());
            }
            mark(easel, player, reader.is_complete());
        });
    }
}

fn mark(easel: &Easel, player: &RecordingPlayer, is_complete: bool) {
    let yes_no = |yes| if yes { "true" } else { "false" };
    easel.mark("data-tick", &format!("{:.0}", player.at()));
    easel.mark("data-available-ticks", &player.available().to_string());
    easel.mark("data-playing", yes_no(player.state() == PlaybackState::Playing));
    easel.mark("data-complete", yes_no(is_complete));
}

/// Tells only what is new.
fn set_if_other<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|known| *known != value) {
        signal.set(value);
    }
}

fn command_of(event: &KeyboardEvent) -> Option<ViewerCommand> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return None;
    }
    command_of_key(&event.key(), focus_of(event))
}

/// Kinds of `<input>` into which nothing is written.
const PRESSED: [&str; 4] = ["checkbox", "radio", "button", "submit"];

fn focus_of(event: &KeyboardEvent) -> Focus {
    let asks = document().query_selector("dialog[open]").ok().flatten().is_some();
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
    let Some(target) = target.filter(|_| !asks) else {
        return if asks { Focus::Text } else { Focus::Page };
    };
    let is_in = |selector| target.closest(selector).ok().flatten().is_some();
    let in_theatre = is_in(".theatre-main");
    let is_written = match target.tag_name().as_str() {
        "INPUT" => !PRESSED.contains(&target.get_attribute("type").unwrap_or_default().as_str()),
        "TEXTAREA" | "SELECT" => true,
        _ => target.is_content_editable(),
    };
    match () {
        () if is_written => Focus::Text,
        () if is_in("a, button, input, summary") => Focus::Pressable { in_viewer: in_theatre },
        () if in_theatre => Focus::Viewer,
        () => Focus::Page,
    }
}

fn toggle_full_screen(theatre: NodeRef<html::Div>) {
    let document = document();
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if let Some(theatre) = theatre.get_untracked() {
        theatre.request_fullscreen().ok();
        // Nothing else is there to scroll: the arrows are the recording's.
        theatre.focus().ok();
    }
}
