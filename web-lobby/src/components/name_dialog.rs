//! The dialog that asks for a name.

use leptos::html;
use leptos::prelude::*;

use super::dialog::Dialog;
use crate::api::session::Identity;

/// Asks for a name whenever something needs one.
#[component]
pub(crate) fn NameDialog() -> impl IntoView {
    let identity = Identity::expect();
    view! {
        <Dialog
            title="Who is playing?"
            open=identity.is_asking_name
            close=move |()| identity.close()
        >
            <NameForm identity=identity />
        </Dialog>
    }
}

#[component]
fn NameForm(identity: Identity) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            // The dialog was opened for this field.
            field.focus().ok();
            field.select();
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = field.get_untracked() {
            identity.take_name(field.value());
        }
    };
    view! {
        <form class="name-form" on:submit=submit novalidate>
            <label for="name">"Your name"</label>
            <input
                id="name"
                node_ref=field
                data-testid="name-input"
                autocomplete="nickname"
                spellcheck="false"
                value=identity.suggestion()
                aria-describedby="name-help"
                aria-invalid=move || identity.refusal.with(Option::is_some).to_string()
            />
            <p id="name-help" class="help" class:refused=move || identity.refusal.with(Option::is_some) aria-live="polite">
                {move || {
                    identity.refusal.get().unwrap_or_else(|| {
                        "2 to 16 letters or digits of one script. You keep it, and your rating, in this browser.".to_owned()
                    })
                }}
            </p>
            <div class="buttons">
                <button type="button" class="quiet" on:click=move |_| identity.close()>"Not now"</button>
                <button type="submit" class="primary" data-testid="name-submit" disabled=identity.is_sending_name>
                    {move || if identity.is_sending_name.get() { "One moment …" } else { "Go" }}
                </button>
            </div>
        </form>
    }
}
