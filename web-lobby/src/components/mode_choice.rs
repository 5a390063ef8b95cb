//! Choosing the mode of a match.

use leptos::prelude::*;
use shared::sim::Mode;

/// The modes as radio buttons.
#[component]
pub(crate) fn ModeChoice(
    /// The name of the group, unique on the page: radio buttons of one name are one choice.
    group: &'static str,
    #[prop(into)] chosen: Signal<Mode>,
    choose: impl Fn(Mode) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let option = move |mode: Mode| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name=group
                    value=mode.title()
                    prop:checked=move || chosen.get() == mode
                    on:change=move |_| choose(mode)
                />
                <span>{mode.title()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segments" data-testid=group>
            <legend class="unseen">"Mode"</legend>
            {Mode::ALL.map(option).collect_view()}
        </fieldset>
    }
}

/// A mode in a few words.
pub(crate) const fn about(mode: Mode) -> &'static str {
    match mode {
        Mode::Brawl => "Everyone against everyone, up to 16 on the ice.",
        Mode::Teams => "Eight against eight.",
        Mode::Duel => "One against one, on small ice.",
        Mode::Practice => "You and three bots. It changes no rating.",
        Mode::Crowd => "Up to 1,024 on one wide platform. It changes no rating.",
    }
}
