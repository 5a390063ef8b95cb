//! Whether a part of the page can be seen now: scrolled to, and not in a folded tab.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{IntersectionObserver, IntersectionObserverEntry};

/// Ends when dropped.
struct Observation {
    observer: IntersectionObserver,
    _told: Closure<dyn FnMut(js_sys::Array)>,
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Whether an element is in view. False until the browser has said so.
pub(super) fn in_view(element: NodeRef<html::Span>) -> ReadSignal<bool> {
    let (seen, set_seen) = signal(false);
    let observation = StoredValue::new_local(None::<Observation>);
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        let told = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            // The newest comes last.
            let newest = entries.pop().dyn_into::<IntersectionObserverEntry>();
            set_seen.set(newest.is_ok_and(|entry| entry.is_intersecting()));
        });
        let Ok(observer) = IntersectionObserver::new(told.as_ref().unchecked_ref()) else { return };
        observer.observe(&element);
        observation.set_value(Some(Observation { observer, _told: told }));
    });
    seen
}
