//! Whether an element can be visible now: it is scrolled to, and not in a hidden tab.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{IntersectionObserver, IntersectionObserverEntry};

/// A subscription to the browser's observer, ended when dropped.
struct Observation {
    observer: IntersectionObserver,
    _on_change: Closure<dyn FnMut(js_sys::Array)>,
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Whether an element is in view. False until the browser has reported it.
pub(super) fn in_view(element: NodeRef<html::Span>) -> ReadSignal<bool> {
    let (visible, set_visible) = signal(false);
    let observation = StoredValue::new_local(None::<Observation>);
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        let on_change = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            // The newest entry comes last.
            let newest = entries.pop().dyn_into::<IntersectionObserverEntry>();
            set_visible.set(newest.is_ok_and(|entry| entry.is_intersecting()));
        });
        let Ok(observer) = IntersectionObserver::new(on_change.as_ref().unchecked_ref()) else {
            return;
        };
        observer.observe(&element);
        observation.set_value(Some(Observation { observer, _on_change: on_change }));
    });
    visible
}
