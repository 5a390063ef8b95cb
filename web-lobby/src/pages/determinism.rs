//! The proof in the browser: thousands of ticks of seeded matches, played here, compared with the server's machine.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use shared::sim::determinism;

use crate::components::stage::{FrameLoop, now_ms};

/// Matches to play unless the address says otherwise, and at most.
const MATCHES: u64 = 1_000;
const MATCHES_MAX: u64 = 100_000;
/// Time for playing in each frame, in milliseconds: the rest is for showing progress.
const BATCH_MS: f64 = 8.0;

/// How far the proof is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Proof {
    played: u64,
    digest: u64,
    began_ms: f64,
    passed_ms: f64,
}

impl Proof {
    fn play_one(&mut self) {
        self.digest = determinism::fold(self.digest, determinism::match_checksum(self.played));
        self.played += 1;
    }
}

/// `/determinism?matches=1000`.
#[component]
pub fn DeterminismPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        let given = query.with(|query| query.get("matches"));
        given.and_then(|text| text.parse().ok()).unwrap_or(MATCHES).clamp(1, MATCHES_MAX)
    });
    let proof = RwSignal::new(Proof::default());
    let frames = StoredValue::new_local(None::<FrameLoop>);
    let begin = move |wanted: u64| {
        proof.set(Proof { began_ms: now_ms(), ..Proof::default() });
        frames.set_value(Some(FrameLoop::start(move |_| play_batch(proof, wanted))));
    };
    Effect::new(move |_| begin(wanted.get()));

    let is_done = move || proof.get().played >= wanted.get();
    let digest = move || {
        if is_done() { format!("{:#018x}", proof.get().digest) } else { "…".to_owned() }
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
            <progress max=move || wanted.get().to_string() prop:value=move || proof.get().played as f64
                aria-label="Matches played"></progress>
            <p class="tabular">
                {move || proof.get().played}" of "{move || wanted.get()}" matches"
                {move || pace(&proof.get())}
            </p>
            <p class="digest-line">
                "Digest of seeds 0 to "{move || wanted.get() - 1}": "
                <code id="digest" data-done=move || if is_done() { "true" } else { "false" }
                    data-played=move || proof.get().played.to_string()>{digest}</code>
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

fn play_batch(proof: RwSignal<Proof>, wanted: u64) {
    let mut next = proof.get_untracked();
    if next.played >= wanted {
        return;
    }
    let until = now_ms() + BATCH_MS;
    while next.played < wanted && now_ms() < until {
        next.play_one();
    }
    next.passed_ms = now_ms() - next.began_ms;
    proof.set(next);
}

fn pace(proof: &Proof) -> String {
    if proof.passed_ms < 200.0 {
        return String::new();
    }
    let ticks = proof.played as f64 * f64::from(determinism::MATCH_TICKS);
    let seconds = proof.passed_ms / 1_000.0;
    format!(" in {seconds:.1} s: {:.0} ticks a millisecond", ticks / proof.passed_ms)
}

#[cfg(test)]
mod tests {
    use super::Proof;
    use shared::sim::determinism::{fold, match_checksum};

    #[test]
    fn the_digest_folds_the_matches_in_order() {
        let mut proof = Proof::default();

        (0..3).for_each(|_| proof.play_one());

        let by_hand = (0..3).fold(0, |digest, seed| fold(digest, match_checksum(seed)));
        assert_eq!((proof.played, proof.digest), (3, by_hand));
    }
}
