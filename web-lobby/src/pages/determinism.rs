//! The determinism check in the browser: plays seeded matches and folds their checksums into one digest.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use presentation::words;
use shared::sim::determinism;

use crate::api::clock::frame_ms;
use crate::components::match_canvas::{FrameLoop, Next};
use crate::components::title::page_title;

/// How many matches to play by default, and at most.
const MATCHES: u64 = 1_000;
const MATCHES_MAX: u64 = 100_000;
/// How long to play in each frame, in milliseconds. The rest of the frame shows the progress.
const BATCH_MS: f64 = 8.0;

/// The progress of the check.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Check {
    played: u64,
    digest: u64,
    began_ms: f64,
    passed_ms: f64,
}

impl Check {
    fn play_one(&mut self) {
        self.digest = determinism::fold(self.digest, determinism::match_checksum(self.played));
        self.played += 1;
    }
}

/// `/determinism?matches=1000`.
#[component]
pub fn DeterminismPage() -> impl IntoView {
    page_title(|| "Every machine plays the same match".to_owned());
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        let given = query.with(|query| query.get("matches"));
        given.and_then(|text| text.parse().ok()).unwrap_or(MATCHES).clamp(1, MATCHES_MAX)
    });
    let check = RwSignal::new(Check::default());
    let frames = StoredValue::new_local(None::<FrameLoop>);
    let begin = move |wanted: u64| {
        check.set(Check { began_ms: frame_ms(), ..Check::default() });
        frames.set_value(Some(FrameLoop::start(move |_| {
            play_batch(check, wanted);
            Next::Frame
        })));
    };
    Effect::new(move |_| begin(wanted.get()));

    let is_done = move || check.get().played >= wanted.get();
    let digest = move || {
        if is_done() { format!("{:#018x}", check.get().digest) } else { "…".to_owned() }
    };
    view! {
        <article class="page determinism">
            <h1>"Every machine plays the same match"</h1>
            <p>
                "A match of Pushback is a pure function of its seed and of the keys that are pressed. \
                 The server, the native client and this page run the same code, compiled for different machines. \
                 So a replay holds only keys, and a player's own disc can move at once and still end where the server says."
            </p>
            <p>
                "This page now plays seeded matches of twenty seconds each, bots and chance at the keys, \
                 and folds the checksums of every world into one number. \
                 The project's tests play the same matches natively and compare."
            </p>
            <progress max=move || wanted.get().to_string() prop:value=move || check.get().played as f64
                aria-label="Matches played"></progress>
            <p class="tabular">
                {move || check.get().played}" of "{move || wanted.get()}" matches"
                {move || pace(&check.get())}
            </p>
            <p class="digest-line">
                "Digest of seeds 0 to "{move || wanted.get() - 1}": "
                <code id="digest" data-done=move || if is_done() { "true" } else { "false" }
                    data-played=move || check.get().played.to_string()>{digest}</code>
            </p>
            <p class="muted">
                "On your own machine: "<code>"cargo test -p shared --test matches"</code>
                " plays them natively."
            </p>
            <button type="button" class="button" disabled=move || !is_done()
                on:click=move |_| begin(wanted.get_untracked())>"Play them again"</button>
        </article>
    }
}

fn play_batch(check: RwSignal<Check>, wanted: u64) {
    let mut next = check.get_untracked();
    if next.played >= wanted {
        return;
    }
    let until = frame_ms() + BATCH_MS;
    while next.played < wanted && frame_ms() < until {
        next.play_one();
    }
    next.passed_ms = frame_ms() - next.began_ms;
    check.set(next);
}

fn pace(check: &Check) -> String {
    if check.passed_ms < 200.0 {
        return String::new();
    }
    let ticks = check.played as f64 * f64::from(determinism::MATCH_TICKS);
    let seconds = check.passed_ms / 1_000.0;
    format!(
        " in {} s: {} ticks a millisecond",
        words::fixed(seconds, 1),
        words::fixed(ticks / check.passed_ms, 0)
    )
}

#[cfg(test)]
mod tests {
    use super::Check;
    use shared::sim::determinism::{fold, match_checksum};

    #[test]
    fn the_digest_folds_the_matches_in_order() {
        let mut check = Check::default();

        (0..3).for_each(|_| check.play_one());

        let by_hand = (0..3).fold(0, |digest, seed| fold(digest, match_checksum(seed)));
        assert_eq!((check.played, check.digest), (3, by_hand));
    }
}
