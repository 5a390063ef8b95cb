//! Waiting: for a time, for a notification, or for a reason to try again sooner.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A notification that is given once. Whoever waits for it later goes on at once.
#[derive(Debug, Clone)]
pub(crate) struct Notify {
    promise: Promise,
    resolve: Function,
    is_given: Rc<Cell<bool>>,
}

impl Notify {
    /// A notification that has not been given yet.
    pub(crate) fn new() -> Self {
        let mut resolver = None;
        let promise = Promise::new(&mut |resolve, _reject| resolver = Some(resolve));
        let resolve = resolver.unwrap_or_else(|| Function::new_no_args(""));
        Self { promise, resolve, is_given: Rc::default() }
    }

    /// Whether the notification was given.
    pub(crate) fn is_given(&self) -> bool {
        self.is_given.get()
    }

    /// Gives the notification.
    pub(crate) fn notify(&self) {
        self.is_given.set(true);
        self.resolve.call0(&JsValue::NULL).ok();
    }

    /// Waits for the notification.
    pub(crate) async fn notified(&self) {
        JsFuture::from(self.promise.clone()).await.ok();
    }

    /// Waits for the notification, at most for this many milliseconds.
    pub(crate) async fn notified_within(&self, ms: u32) {
        within(&self.promise, ms).await.ok();
    }
}

/// The value of a promise. `Ok(undefined)` when it has none within this many milliseconds.
pub(crate) async fn within(promise: &Promise, ms: u32) -> Result<JsValue, JsValue> {
    let either: Array = [promise, &timeout(ms)].into_iter().cloned().collect();
    JsFuture::from(Promise::race(&either)).await
}

/// Calls a function once, after this many milliseconds.
pub(crate) fn later(ms: u32, call: impl FnOnce() + 'static) {
    let call = Closure::once_into_js(call);
    if let Some(window) = web_sys::window() {
        let ms = i32::try_from(ms).unwrap_or(i32::MAX);
        let call = call.unchecked_ref();
        window.set_timeout_with_callback_and_timeout_and_arguments_0(call, ms).ok();
    }
}

thread_local! {
    /// The next wake-up of all sleepers. `None` while nothing sleeps.
    static WAKE_UP: RefCell<Option<Notify>> = const { RefCell::new(None) };
}

/// Wakes the sleepers whenever the browser comes online or the page becomes visible. Called once, at the start.
pub(crate) fn install() {
    let Some(window) = web_sys::window() else { return };
    let wake = Closure::<dyn Fn()>::new(wake_sleepers).into_js_value();
    let wake: &Function = wake.unchecked_ref();
    window.add_event_listener_with_callback("online", wake).ok();
    window.add_event_listener_with_callback("pageshow", wake).ok();
    if let Some(document) = window.document() {
        document.add_event_listener_with_callback("visibilitychange", wake).ok();
    }
}

/// Ends every sleep that may end early: connections try again now.
pub(crate) fn wake_sleepers() {
    if let Some(wake_up) = WAKE_UP.take() {
        wake_up.notify();
    }
}

/// The next call of [`wake_sleepers`].
pub(crate) fn next_wake_up() -> Notify {
    WAKE_UP.with_borrow_mut(|wake_up| wake_up.get_or_insert_with(Notify::new).clone())
}

/// Sleeps for this many milliseconds.
pub(crate) async fn sleep(ms: u32) {
    JsFuture::from(timeout(ms)).await.ok();
}

fn timeout(ms: u32) -> Promise {
    Promise::new(&mut |resolve, _reject| {
        if let Some(window) = web_sys::window() {
            let ms = i32::try_from(ms).unwrap_or(i32::MAX);
            window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms).ok();
        }
    })
}
