//! The timeline of a recording: what was played, what has arrived, and markers worth jumping to.

use leptos::html;
use leptos::prelude::*;
use presentation::{palette, words};
use shared::api::{Marker, MarkerKind};
use web_sys::PointerEvent;

/// The state of a timeline, in ticks since the round began.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Line {
    pub at: f64,
    pub available: u32,
    pub total: u32,
}

impl Line {
    fn percent(&self, tick: f64) -> f64 {
        (100.0 * tick / f64::from(self.total.max(1))).clamp(0.0, 100.0)
    }
}

/// A marker with the name of its player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedMarker {
    pub marker: Marker,
    pub name: String,
}

/// A slider along the round. The page handles its keys: see `pages::replay::keys`.
#[component]
pub fn Timeline(
    #[prop(into)] line: Signal<Line>,
    #[prop(into)] markers: Signal<Vec<NamedMarker>>,
    #[prop(into)] hides_spoilers: Signal<bool>,
    /// Called with the tick to seek.
    seek: impl Fn(f64) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let track = NodeRef::<html::Div>::new();
    let dragged = RwSignal::new(false);
    let hovered = RwSignal::new(None::<f64>);
    let tick_under = move |event: &PointerEvent| {
        let place = track.get_untracked()?.get_bounding_client_rect();
        let part = (f64::from(event.client_x()) - place.left()) / place.width().max(1.0);
        Some(part.clamp(0.0, 1.0) * f64::from(line.get_untracked().total))
    };
    let press = move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        event.prevent_default();
        if let Some(track) = track.get_untracked() {
            track.set_pointer_capture(event.pointer_id()).ok();
            track.focus().ok();
        }
        dragged.set(true);
        if let Some(tick) = tick_under(&event) {
            seek(tick);
        }
    };
    let glide = move |event: PointerEvent| {
        hovered.set(tick_under(&event));
        if let (true, Some(tick)) = (dragged.get_untracked(), tick_under(&event)) {
            seek(tick);
        }
    };
    let total = Memo::new(move |_| line.get().total);
    view! {
        <div
            node_ref=track
            class="timeline"
            class:dragged=dragged
            role="slider"
            tabindex="0"
            aria-label="Moment of the match"
            aria-valuemin="0"
            aria-valuemax=move || total.get() / 60
            aria-valuenow=move || words::fixed(line.get().at / 60.0, 0)
            aria-valuetext=move || {
                let line = line.get();
                format!("{} of {}", words::clock_of_ticks(line.at), words::clock_of_ticks(line.total.into()))
            }
            on:pointerdown=press
            on:pointermove=glide
            on:pointerup=move |_| dragged.set(false)
            on:pointercancel=move |_| dragged.set(false)
            on:pointerleave=move |_| hovered.set(None)
        >
            <div class="timeline-track">
                <div class="timeline-here" style:width=move || {
                    let line = line.get();
                    percent(line.percent(f64::from(line.available)))
                }></div>
                <div class="timeline-played" style:width=move || {
                    let line = line.get();
                    percent(line.percent(line.at))
                }></div>
            </div>
            <Markers markers=markers total=total line=line hides_spoilers=hides_spoilers />
            <div class="timeline-playhead" style:left=move || {
                let line = line.get();
                percent(line.percent(line.at))
            }></div>
            {move || hovered.get().map(|tick| hint(tick, &line.get_untracked()))}
        </div>
    }
}

/// The time under the pointer.
fn hint(tick: f64, line: &Line) -> impl IntoView + use<> {
    let left = percent(line.percent(tick));
    view! { <output class="timeline-hint" style:left=left>{words::clock_of_ticks(tick)}</output> }
}

/// The markers. Their kinds differ in height, not only in colour.
#[component]
fn Markers(
    markers: Signal<Vec<NamedMarker>>,
    total: Memo<u32>,
    line: Signal<Line>,
    hides_spoilers: Signal<bool>,
) -> impl IntoView {
    // Updated once a second: often enough to reveal spoilers, and rarely enough to be cheap.
    let second = Memo::new(move |_| (line.get().at / 60.0).floor());
    let shown = move || {
        let playhead = second.get() * 60.0 + 60.0;
        let hides = hides_spoilers.get();
        let all = markers.get().into_iter();
        all.filter(|named| is_shown(&named.marker, playhead, hides)).collect::<Vec<_>>()
    };
    view! {
        <div class="timeline-markers" aria-hidden="true">
            <For
                each=shown
                key=move |named| {
                    let Marker { tick, kind, slot } = named.marker;
                    (tick, kind as u8, slot, total.get())
                }
                let:named
            >
                <i
                    class=class_of(named.marker.kind)
                    title=format!(
                        "{} · {}, {}",
                        words::clock_of_ticks(named.marker.tick.into()),
                        named.name,
                        words::marker(named.marker.kind),
                    )
                    style:left=percent(
                        100.0 * f64::from(named.marker.tick)
                            / f64::from(total.get_untracked().max(1)),
                    )
                    style:--hue=palette::hue(shared::sim::Slot(named.marker.slot)).body.css
                ></i>
            </For>
        </div>
    }
}

/// Whether a marker may be shown. With spoilers hidden, markers ahead of the playhead may not.
fn is_shown(marker: &Marker, playhead: f64, hides_spoilers: bool) -> bool {
    !hides_spoilers || f64::from(marker.tick) <= playhead
}

const fn class_of(kind: MarkerKind) -> &'static str {
    match kind {
        MarkerKind::KnockOut => "marker knock-out",
        MarkerKind::Pickup => "marker pickup",
        MarkerKind::LeadChange => "marker lead",
    }
}

fn percent(value: f64) -> String {
    format!("{}%", words::fixed(value, 3))
}

#[cfg(test)]
mod tests {
    use shared::api::{Marker, MarkerKind};

    use super::{Line, is_shown};

    #[test]
    fn a_line_without_length_has_no_places() {
        assert_eq!(Line::default().percent(10.0), 100.0);
        assert_eq!(Line { at: 0.0, available: 50, total: 200 }.percent(50.0), 25.0);
    }

    #[test]
    fn spoilers_lie_ahead_of_the_playhead() {
        let marker = Marker { tick: 100, kind: MarkerKind::KnockOut, slot: 0 };

        assert!(is_shown(&marker, 100.0, true) && !is_shown(&marker, 99.0, true));
        assert!(is_shown(&marker, 0.0, false));
    }
}
