//! The text over the picture of a recording while it does not play.

use leptos::prelude::*;
use presentation::recording_player::PlaybackState;

use super::shown::Shown;
use crate::api::stream::Progress;

/// The text over the picture, and the lasting mark on a damaged recording.
#[component]
pub(crate) fn Notice(shown: Shown) -> impl IntoView {
    let has_picture = Memo::new(move |_| shown.hud.with(|hud| !hud.standings.is_empty()));
    let text = move || match (shown.progress.get(), shown.state.get()) {
        (Progress::Opening, _) => Some("Loading the recording …".to_owned()),
        (Progress::Reconnecting, PlaybackState::Buffering) => {
            Some("Connection lost. Trying again …".to_owned())
        }
        (_, PlaybackState::Buffering) => Some("Waiting for the download …".to_owned()),
        (Progress::Truncated, PlaybackState::Ended) if has_picture.get() => {
            Some("Cut off here: the server stopped in the middle of the round.".to_owned())
        }
        (Progress::Truncated, PlaybackState::Ended) => {
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
        Progress::Truncated => Some("incomplete: cut off when the server stopped"),
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
