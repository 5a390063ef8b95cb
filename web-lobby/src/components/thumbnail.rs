//! A room's match as a small moving picture, while its row is in view.

use leptos::html;
use leptos::prelude::*;
use presentation::playhead::PolledPlayhead;
use presentation::words;
use shared::id::RoomId;

use super::in_view::in_view;
use super::match_canvas::{MatchCanvas, MatchRenderer, Surface};
use crate::api::thumbnails::{ThumbnailPoller, ThumbnailStream};
use crate::canvas::Frame;

/// The time between two pictures, in milliseconds: half of a screen's rate is enough for dots.
const DRAW_EVERY_MS: f64 = 30.0;
/// How often the attributes for tests are updated, in milliseconds.
const UPDATE_EVERY_MS: f64 = 250.0;

/// The moving picture. It only decorates what the row says in words.
#[component]
pub(crate) fn Thumbnail(room: RoomId) -> impl IntoView {
    let place = NodeRef::<html::Span>::new();
    let seen = in_view(place);
    view! {
        <span class="thumb" node_ref=place aria-hidden="true">
            <Show when=move || seen.get()>
                <MovingPicture room=room />
            </Show>
        </span>
    }
}

#[component]
fn MovingPicture(room: RoomId) -> impl IntoView {
    let view = StoredValue::new_local(ThumbnailPoller::expect().watch(room));
    let mut state = FrameState::default();
    let draw = move |surface: &mut Surface, frame: &Frame| {
        view.with_value(|view| view.with(|stream| state.draw(surface, frame, stream)));
    };
    view! { <MatchCanvas name="thumb-canvas" label=String::new() draw=Box::new(draw) /> }
}

/// The state that is kept from frame to frame.
#[derive(Default)]
struct FrameState {
    renderer: MatchRenderer,
    playhead: PolledPlayhead,
    body: u32,
    /// The time since the last picture, in milliseconds.
    passed_ms: f64,
    updated_ms: f64,
    /// The playhead and the size of the last picture.
    shown: Option<(f64, f64, f64)>,
}

impl FrameState {
    fn draw(&mut self, surface: &mut Surface, frame: &Frame, stream: &ThumbnailStream) {
        if self.body != stream.body {
            *self = Self { body: stream.body, ..Self::default() };
        }
        self.passed_ms += frame.passed_ms;
        let reader = &stream.reader;
        if self.passed_ms < DRAW_EVERY_MS || reader.newest().is_none() {
            return;
        }
        let (first, available) = (reader.first_tick(), reader.available_ticks());
        let passed_ms = core::mem::take(&mut self.passed_ms);
        let at = if frame.is_calm {
            f64::from(available)
        } else {
            self.playhead.advance((first, available), passed_ms)
        };
        let wanted = Some((at, frame.width * frame.density, frame.height * frame.density));
        if self.shown != wanted {
            self.shown = wanted;
            self.renderer.show_small(surface, frame, reader, at);
        }
        if frame.now_ms - self.updated_ms > UPDATE_EVERY_MS {
            self.updated_ms = frame.now_ms;
            surface.set_attribute("data-tick", &words::fixed(at, 0));
        }
    }
}
