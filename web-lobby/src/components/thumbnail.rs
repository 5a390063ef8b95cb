//! A room's match as a small moving picture, while its row is in view.

use leptos::html;
use leptos::prelude::*;
use presentation::playhead::PolledPlayhead;
use shared::id::RoomId;

use super::in_view::in_view;
use super::stage::{Easel, Projector, Stage};
use crate::api::glimpses::{Glimpse, Glimpses};
use crate::canvas::Frame;

/// A picture is drawn every so many milliseconds: half of a screen's rate is plenty for dots.
const DRAW_EVERY_MS: f64 = 30.0;
/// What tests read is renewed every so many milliseconds.
const WRITE_EVERY_MS: f64 = 250.0;

/// The picture; decoration for what the row says in words.
#[component]
pub(crate) fn Thumbnail(room: RoomId) -> impl IntoView {
    let place = NodeRef::<html::Span>::new();
    let seen = in_view(place);
    view! {
        <span class="thumb" node_ref=place aria-hidden="true">
            <Show when=move || seen.get()>
                <Moving room=room />
            </Show>
        </span>
    }
}

#[component]
fn Moving(room: RoomId) -> impl IntoView {
    let view = StoredValue::new_local(Glimpses::expect().watch(room));
    let mut picture = Picture::default();
    let paint = move |easel: &mut Easel, frame: &Frame| {
        view.with_value(|view| view.with(|glimpse| picture.paint(easel, frame, glimpse)));
    };
    view! { <Stage name="thumb-canvas" label=String::new() paint=Box::new(paint) /> }
}

/// What is kept from frame to frame.
#[derive(Default)]
struct Picture {
    projector: Projector,
    playhead: PolledPlayhead,
    body: u32,
    /// Since the last picture, in milliseconds.
    passed_ms: f64,
    written_ms: f64,
    /// What the last picture shows, and how large it is.
    shown: Option<(f64, f64, f64)>,
}

impl Picture {
    fn paint(&mut self, easel: &mut Easel, frame: &Frame, glimpse: &Glimpse) {
        if self.body != glimpse.body {
            *self = Self { body: glimpse.body, ..Self::default() };
        }
        self.passed_ms += frame.passed_ms;
        let reader = &glimpse.reader;
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
            self.projector.show_small(easel, frame, reader, at);
        }
        if frame.now_ms - self.written_ms > WRITE_EVERY_MS {
            self.written_ms = frame.now_ms;
            easel.mark("data-tick", &format!("{at:.0}"));
        }
    }
}
