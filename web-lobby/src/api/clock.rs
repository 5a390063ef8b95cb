//! The time, for "3 min ago" and "2:14 left". It is the server's: the visitor's clock may be wrong, and may jump.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use leptos::task::spawn_local;
use presentation::server_clock::ServerClock;
use presentation::words;

use super::notify;

thread_local! {
    static SERVER: RefCell<ServerClock> = const { RefCell::new(ServerClock::new()) };
    static NOW: Cell<Option<WriteSignal<f64>>> = const { Cell::new(None) };
}

/// The server's time in milliseconds since 1970. The browser's own until the server has said one.
pub(crate) fn now_ms() -> f64 {
    SERVER.with_borrow(|clock| clock.at(frame_ms())).unwrap_or_else(js_sys::Date::now)
}

/// Milliseconds on the clock of animation frames. It never jumps.
pub(crate) fn frame_ms() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |clock| clock.now())
}

/// The server says its time, in milliseconds since 1970.
pub(crate) fn heard(server_ms: f64) {
    SERVER.with_borrow_mut(|clock| clock.heard(server_ms, frame_ms()));
    if let Some(now) = NOW.get() {
        now.set(now_ms());
    }
}

/// An answer says when it was made, to the second (RFC 9110 §6.6.1). Good enough until a stream says it exactly; later
/// answers may come out of the browser's cache.
pub(crate) fn heard_date(date: &str) {
    let is_known = SERVER.with_borrow(ServerClock::is_known);
    let at_ms = js_sys::Date::parse(date);
    if !is_known && at_ms.is_finite() {
        heard(at_ms);
    }
}

/// The time as a signal, updated once a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(pub(crate) ReadSignal<f64>);

impl Now {
    /// Starts it, for the whole page.
    pub(crate) fn provide() {
        let (now, set_now) = signal(now_ms());
        provide_context(Self(now));
        NOW.set(Some(set_now));
        spawn_local(async move {
            loop {
                notify::sleep(1_000).await;
                set_now.set(now_ms());
            }
        });
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// The age of something, in words.
    pub(crate) fn ago(self, at_ms: u64) -> String {
        words::ago(self.seconds_since(at_ms).into())
    }

    /// Whole seconds since something, rounded down. Zero for the future.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn seconds_since(self, at_ms: u64) -> u32 {
        ((self.0.get() - date_ms(at_ms)) / 1_000.0) as u32
    }

    /// Whole seconds until something, rounded up. Zero for the past.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn seconds_until(self, at_ms: u64) -> u32 {
        ((date_ms(at_ms) - self.0.get()) / 1_000.0).ceil() as u32
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit in 53 bits")]
pub(crate) const fn date_ms(at_ms: u64) -> f64 {
    at_ms as f64
}

/// Date and time in the browser's locale.
pub(crate) fn local(at_ms: u64) -> String {
    let date = js_sys::Date::new(&date_ms(at_ms).into());
    date.to_locale_string("default", &wasm_bindgen::JsValue::UNDEFINED).into()
}

/// The time of day, as `14:05:09`.
pub(crate) fn time_of_day(at_ms: f64) -> String {
    let date = js_sys::Date::new(&at_ms.into());
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}
